/**
 * Play: makes the calls of the tour, in kernels of their own, and tells what happened.
 *
 * Not a simulation: every step is an `invoke` of an open kernel on a real folder, and the folder stays for the curious.
 * Invariant: nothing outside `<output>/tour` is touched, and the kernels are closed when the tour ends, however it ends.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as References from "effect/References";
import * as Result from "effect/Result";
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
import { type Happened, MARK, SCRIPT, type Step, TOUR_POLICY } from "./script.ts";

/** Name of the tour's folder in the output folder. */
export const TOUR_FOLDER = "tour";

const RULE_WIDTH = 72;

type Stopped = FailureOf<"SURFACE_TOUR"> | KernelFailure;

/** A failure of opening the tour's kernel, as the failure of a call within this one. */
const within = (failure: Failure): KernelFailure =>
  subcallFailed({
    operation: "tour.run",
    called: "a kernel in the tour's folder",
    message: failure.message,
    actual: failureToJson(failure),
  });

const commandOf = (kernel: Kernel, step: Step, actor: Actor, input: Json): Effect.Effect<string, Failure> =>
  Effect.map(kernel.describe(step.operation, actor), ({ declaration }) => {
    const [namespace, ...verb] = step.operation.split(".");
    return commandLine(["rmi", namespace, verb.join(".")], grammarOf(declaration.input), input);
  });

const drawn = (index: number, step: Step, command: string, lines: ReadonlyArray<string>): string => {
  const heading = `── ${index + 1}/${SCRIPT.length} `;
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
  before: Happened | undefined,
): Effect.Effect<Happened, FailureOf<"SURFACE_TOUR">> =>
  Effect.gen(function* () {
    const input = step.input(before);
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
    if (step.fails === undefined && (step.holds?.(answer) ?? true)) return { input, answer };
    return yield* Effect.fail(tourSurprised({ step: step.title, found: JSON.stringify(answer), actual: answer }));
  });

/** Plays the steps of one kernel, emitting what each shows. */
const playOn = (
  kernel: Kernel,
  steps: ReadonlyArray<readonly [number, Step]>,
): Effect.Effect<void, Stopped, CallContext> =>
  Effect.gen(function* () {
    const { actor: person, emit, progress } = yield* CallContext;
    let before: Happened | undefined;
    for (const [index, step] of steps) {
      const happened = yield* take(kernel, step, person, before);
      const actor = step.actor ?? person;
      const command = yield* commandOf(kernel, step, actor, happened.input).pipe(Effect.mapError(within));
      yield* emit({
        step: index + 1,
        of: SCRIPT.length,
        title: step.title,
        actor,
        operation: step.operation,
        input: happened.input,
        ok: happened.failure === undefined,
        answer: happened.failure === undefined ? happened.answer! : failureToJson(happened.failure),
        text: drawn(index, step, command, step.lines(happened)),
      });
      yield* progress({ label: "Tour", done: index + 1, total: SCRIPT.length, unit: "steps" });
      before = happened;
    }
  });

const inFolder = <A, R>(
  workspace: string,
  body: (kernel: Kernel) => Effect.Effect<A, Stopped, R>,
): Effect.Effect<A, Stopped, R> =>
  Effect.scoped(Effect.gen(function* () {
    // Loaded here: the composition root knows this plugin's manifest, so a static import would be a circle.
    const { openRmi } = yield* Effect.promise(() => import("../../open.ts"));
    const kernel = yield* openRmi({ workspace, policy: TOUR_POLICY }).pipe(Effect.mapError(within));
    return yield* body(kernel);
  })) as Effect.Effect<A, Stopped, R>;

/** Changes the first letter of the mark's name where the chain's event holds it; nothing else. */
const changeOneLetter = (bytes: Uint8Array): Uint8Array => {
  const event = new TextEncoder().encode(JSON.stringify({ name: MARK }));
  const changed = bytes.slice();
  for (let from = 0; from + event.length <= bytes.length; from++) {
    if (!event.every((byte, offset) => bytes[from + offset] === byte)) continue;
    changed[from + JSON.stringify({ name: "" }).length - 2] = MARK.toUpperCase().charCodeAt(0);
    break;
  }
  return changed;
};

/** Copies the ledger's files into a folder of their own, one letter of one event changed on the way. */
const copyTampered = (from: string, to: string): Effect.Effect<void, KernelFailure, Disk | Caps> =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    for (const name of (yield* disk.list(from)).filter((name) => name.startsWith("ledger"))) {
      if ((yield* disk.stat(`${from}/${name}`))?.kind !== "file") continue;
      yield* disk.write(`${to}/${name}`, changeOneLetter(yield* disk.read(`${from}/${name}`)));
    }
  });

type Caps = Cap<"readLocal"> | Cap<"writeLocal">;

/** Plays the tour. */
export const playTour: Effect.Effect<
  { readonly steps: number; readonly folder: string; readonly text: string },
  Stopped,
  CallContext | Disk | Caps
> = Effect.gen(function* () {
  const { outputFolder, workspace } = yield* CallContext;
  const disk = yield* Disk;
  const folder = `${outputFolder}/${TOUR_FOLDER}`;
  yield* disk.remove(folder);
  yield* disk.makeFolder(folder);
  const numbered = SCRIPT.map((step, index) => [index, step] as const);
  yield* inFolder(folder, (kernel) => playOn(kernel, numbered.filter(([, { where }]) => where === undefined)));
  yield* copyTampered(`${folder}/.rmi`, `${folder}/copy/.rmi`);
  // The damage is made here and told by the step itself: a warning about it would frighten for nothing.
  yield* inFolder(
    `${folder}/copy`,
    (kernel) => playOn(kernel, numbered.filter(([, { where }]) => where !== undefined)),
  ).pipe(Effect.provideService(References.MinimumLogLevel, "None"));
  const shown = folder.startsWith(`${workspace}/`) ? folder.slice(workspace.length + 1) : folder;
  return {
    steps: SCRIPT.length,
    folder,
    text: [
      "─".repeat(RULE_WIDTH),
      `${SCRIPT.length} real calls; what they left is in ${shown}.`,
      "Next: rmi manifest · rmi search <words> · rmi describe <operation> · rmi <namespace> --help",
      "",
    ].join("\n"),
  };
});
