/**
 * Programs: what a program of the language answers to inputs, by the reference interpreter in a worker, within fuel,
 * memory and time.
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
import type { ProgramTask } from "./program_job.ts";

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

/** What a program, given by its bytes, answers to inputs by name. */
export const programAnswers = (
  program: Uint8Array,
  inputs: ReadonlyArray<Json>,
  limits: Partial<ProgramLimits> = {},
): Effect.Effect<Said, KernelFailure, Workers> =>
  Effect.gen(function* () {
    const { wallMs, ...rest } = { ...PROGRAM_LIMITS, ...limits };
    const input: ProgramTask = {
      program,
      inputs: inputs.map((one) => (isJsonObject(one) ? one : { x: one }) as ProgramTask["inputs"][number]),
      ...rest,
    };
    const job = { module: import.meta.resolve("./program_job.ts"), name: "answerProgram", input };
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
