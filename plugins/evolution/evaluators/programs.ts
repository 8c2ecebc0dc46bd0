/**
 * Programs: what a program of the language, or a typed graph below it, answers to inputs, by the reference in a worker,
 * within fuel, memory and time.
 *
 * Not the judge. Invariant: a program that does not end is ended; the worker that ran it is not used again.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import { isJsonObject } from "../../../kernel/json.ts";
import { Workers } from "../../../kernel/workers.ts";
import type { Answer, Said } from "./answers.ts";
import type { GraphTask, ProgramTask } from "./program_job.ts";

/** What a program may use. */
export interface ProgramLimits {
  /** Steps of one run. */
  readonly fuel: number;
  /** Bytes that one run holds. */
  readonly maxBytes: number;
  /** Time for all cases, milliseconds. */
  readonly wallMs: number;
}

/** What it may use where nothing is said. */
export const PROGRAM_LIMITS: ProgramLimits = { fuel: 1_000_000, maxBytes: 33_554_432, wallMs: 10_000 };

const asked = (
  name: "answerProgram" | "answerGraph",
  input: ProgramTask | GraphTask,
  wallMs: number,
): Effect.Effect<Said, KernelFailure, Workers> =>
  Effect.gen(function* () {
    const job = { module: import.meta.resolve("./program_job.ts"), name, input };
    return yield* (yield* Workers).run(job).pipe(
      Effect.map((answers): Said => ({ answers: answers as ReadonlyArray<Answer> })),
      Effect.timeoutOrElse({
        duration: wallMs,
        orElse: () => Effect.succeed<Said>({ failed: "TIMEOUT", detail: `not finished within ${wallMs} ms` }),
      }),
      Effect.catch((failure): Effect.Effect<Said, KernelFailure> =>
        failure.code === "KERNEL_WORKER"
          ? Effect.succeed({ failed: "CRASH", detail: failure.message })
          : Effect.fail(failure)
      ),
    );
  });

/** What a program, given by its bytes, answers to inputs by name; one input alone is called x. */
export const programAnswers = (
  program: Uint8Array,
  inputs: ReadonlyArray<Json>,
  limits: Partial<ProgramLimits> = {},
): Effect.Effect<Said, KernelFailure, Workers> => {
  const { wallMs, ...rest } = { ...PROGRAM_LIMITS, ...limits };
  const named = inputs.map((one) => (isJsonObject(one) ? one : { x: one }) as ProgramTask["inputs"][number]);
  return asked("answerProgram", { program, inputs: named, ...rest }, wallMs);
};

/** What a graph, given by its bytes, answers to lists of tensors; one tensor alone is a list of it. */
export const graphAnswers = (
  graph: Uint8Array,
  inputs: ReadonlyArray<Json>,
  limits: Partial<ProgramLimits> = {},
): Effect.Effect<Said, KernelFailure, Workers> => {
  const { wallMs, ...rest } = { ...PROGRAM_LIMITS, ...limits };
  const listed = inputs.map((one) => (Array.isArray(one) ? one : [one]) as GraphTask["inputs"][number]);
  return asked("answerGraph", { program: graph, inputs: listed, ...rest }, wallMs);
};
