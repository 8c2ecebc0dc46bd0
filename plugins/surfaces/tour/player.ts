/**
 * Player: makes the calls of a tour, in a kernel of its own, and tells what happened.
 *
 * Not a simulation: every step is an `invoke` of an open kernel on a real folder, and the folder stays for the curious.
 * Invariant: nothing outside `<output>/<name>` is touched, and kernels are closed when the tour ends, however it ends.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { PolicyFile } from "../../../effects/mod.ts";
import {
  type Actor,
  CallContext,
  type Cap,
  Disk,
  type Failure,
  type FailureOf,
  failureToJson,
  type Json,
  type Kernel,
  type KernelFailure,
  subcallFailed,
} from "../../../kernel/mod.ts";
import { commandLine } from "../cli/command_line.ts";
import { grammarOf } from "../cli/grammar.ts";
import { tourSurprised } from "../failures.ts";
import type { Happened, Step } from "./step.ts";

/** Columns of the lines between steps. */
export const RULE_WIDTH: number = 72;

/** Why a tour stops. */
export type Stopped = FailureOf<"SURFACE_TOUR"> | KernelFailure;

/** A failure of opening the tour's kernel, as the failure of a call within this one. */
const within = (operation: string, failure: Failure): KernelFailure =>
  subcallFailed({
    operation,
    called: "a kernel in the tour's folder",
    message: failure.message,
    actual: failureToJson(failure),
  });

const commandOf = (kernel: Kernel, step: Step, actor: Actor, input: Json): Effect.Effect<string, Failure> =>
  Effect.map(kernel.describe(step.operation, actor), ({ declaration }) => {
    const [namespace, ...verb] = step.operation.split(".");
    return commandLine(["rmi", namespace, verb.join(".")], grammarOf(declaration.input), input);
  });

const drawn = (index: number, of: number, step: Step, command: string, lines: ReadonlyArray<string>): string => {
  const heading = `── ${index + 1}/${of} `;
  return [
    "",
    `${heading}${"─".repeat(RULE_WIDTH - heading.length)}`,
    step.title,
    "",
    `  ${step.actor === undefined ? "$" : `${step.actor} $`} ${command}`,
    ...lines.map((line) => `    ${line}`),
    "",
  ].join("\n");
};

/** Makes the call of one step and checks that it ended as it must. */
const take = (
  kernel: Kernel,
  step: Step,
  person: Actor,
  earlier: ReadonlyArray<Happened>,
): Effect.Effect<Happened, FailureOf<"SURFACE_TOUR">> =>
  Effect.gen(function* () {
    const input = step.input(earlier.at(-1), earlier);
    const ended = yield* Effect.result(
      kernel.invoke({ operation: step.operation, input, actor: step.actor ?? person }),
    );
    if (Result.isFailure(ended)) {
      const failure = ended.failure;
      if (failure.code === step.fails) return { input, failure };
      return yield* Effect.fail(
        tourSurprised({ step: step.title, found: failure.message, actual: failureToJson(failure) }),
      );
    }
    const answer = ended.success;
    if (step.fails === undefined && (step.holds?.(answer, earlier) ?? true)) return { input, answer };
    return yield* Effect.fail(tourSurprised({ step: step.title, found: JSON.stringify(answer), actual: answer }));
  });

/** Plays some steps of a tour of `of` in one kernel, emitting what each shows. */
export const playOn = (
  kernel: Kernel,
  steps: ReadonlyArray<readonly [number, Step]>,
  of: number,
): Effect.Effect<void, Stopped, CallContext> =>
  Effect.gen(function* () {
    const { actor: person, operation, emit, progress } = yield* CallContext;
    const earlier: Happened[] = [];
    for (const [index, step] of steps) {
      const happened = yield* take(kernel, step, person, earlier);
      const actor = step.actor ?? person;
      const command = yield* commandOf(kernel, step, actor, happened.input).pipe(
        Effect.mapError((failure) => within(operation, failure)),
      );
      yield* emit({
        step: index + 1,
        of,
        title: step.title,
        actor,
        operation: step.operation,
        input: happened.input,
        ok: happened.failure === undefined,
        answer: happened.failure === undefined ? happened.answer! : failureToJson(happened.failure),
        text: drawn(index, of, step, command, step.lines(happened)),
      });
      yield* progress({ label: "Tour", done: index + 1, total: of, unit: "steps" });
      earlier.push(happened);
    }
  });

/** Opens a kernel of its own in a folder and closes it afterwards. */
export const inFolder = <A, R>(
  workspace: string,
  policy: PolicyFile,
  body: (kernel: Kernel) => Effect.Effect<A, Stopped, R>,
): Effect.Effect<A, Stopped, R | CallContext> =>
  Effect.scoped(Effect.gen(function* () {
    const { operation } = yield* CallContext;
    // Loaded here: the composition root knows every plugin's manifest, so a static import would be a circle.
    const { openRmi } = yield* Effect.promise(() => import("../../open.ts"));
    const kernel = yield* openRmi({ workspace, policy }).pipe(Effect.mapError((failure) => within(operation, failure)));
    return yield* body(kernel);
  })) as Effect.Effect<A, Stopped, R | CallContext>;

/** Empties the folder of a tour and answers its path. */
export const freshFolder = (name: string): Effect.Effect<string, KernelFailure, CallContext | Disk | Caps> =>
  Effect.gen(function* () {
    const { outputFolder } = yield* CallContext;
    const disk = yield* Disk;
    const folder = `${outputFolder}/${name}`;
    yield* disk.remove(folder);
    yield* disk.makeFolder(folder);
    return folder;
  });

/** What a tour ends with. */
export interface Toured {
  /** Steps taken. */
  readonly steps: number;
  /** Where what they left is. */
  readonly folder: string;
  /** The last lines. */
  readonly text: string;
}

/** The end of a tour: how many calls, where what they left is, and what to look at next. */
export const ending = (steps: number, folder: string, next: string): Effect.Effect<Toured, never, CallContext> =>
  Effect.map(CallContext, ({ workspace }) => {
    const shown = folder.startsWith(`${workspace}/`) ? folder.slice(workspace.length + 1) : folder;
    return {
      steps,
      folder,
      text: ["─".repeat(RULE_WIDTH), `${steps} real calls; what they left is in ${shown}.`, `Next: ${next}`, ""].join(
        "\n",
      ),
    };
  });

/** What a tour needs of its caller. */
export type Caps = Cap<"readLocal"> | Cap<"writeLocal">;

/** Plays a tour of one kernel in a fresh folder. */
export const playSteps = (
  steps: ReadonlyArray<Step>,
  { name, policy, next }: { readonly name: string; readonly policy: PolicyFile; readonly next: string },
): Effect.Effect<Toured, Stopped, CallContext | Disk | Caps> =>
  Effect.gen(function* () {
    const folder = yield* freshFolder(name);
    yield* inFolder(
      folder,
      policy,
      (kernel) => playOn(kernel, steps.map((step, i) => [i, step] as const), steps.length),
    );
    return yield* ending(steps.length, folder, next);
  });
