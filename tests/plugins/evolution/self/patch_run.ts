/** Random edits of a registered program through a kernel's operations: admitted ones, and their undoing. */
import * as Effect from "effect/Effect";
import type { Digest, Failure, Json, Kernel, Random } from "../../../../kernel/mod.ts";
import { randomEdit } from "./patches.ts";
import { SUITE } from "./room.ts";

// deno-lint-ignore no-explicit-any
type Answer = any;

const call = (kernel: Kernel, operation: string, input: Json) =>
  kernel.invoke({ operation, input, actor: "agent:a" }) as Effect.Effect<Answer, Failure>;

const TARGET = "programs.affine";

/** The subject as it stands. */
export const subjectOf = (kernel: Kernel): Effect.Effect<Answer, Failure> =>
  Effect.map(call(kernel, "evolution.registered", {}), ({ subjects }) => subjects[0]);

/** Registers the program, where it is not. */
export const registerOnce = (kernel: Kernel): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    if ((yield* subjectOf(kernel))?.current !== undefined) return;
    const suite = { ...SUITE, held: JSON.stringify(SUITE.held) } as unknown as Json;
    yield* call(kernel, "evolution.registerProgram", { name: "affine", program: "mul(3.0) >> add(1.0)", suite });
  });

/** What became of one random edit. */
export interface Change {
  /** applied, held, or refused for the edit's own sake. */
  readonly state: string;
  /** The proposal. */
  readonly proposal?: Digest;
  /** The document before. */
  readonly before: Digest;
}

/** One random edit. */
export const editOnce = (kernel: Kernel, chance: Random, reason: string): Effect.Effect<Change, Failure> =>
  Effect.gen(function* () {
    const { digest, current } = yield* subjectOf(kernel);
    // Bytes that happen to be text come as text.
    const { base64, text } = yield* call(kernel, "artifacts.get", { artifact: current.body });
    const bytes = text === undefined ? Uint8Array.fromBase64(base64) : new TextEncoder().encode(text);
    const edit = randomEdit(bytes, chance);
    return yield* call(kernel, "evolution.modify", { target: TARGET, edit: edit as unknown as Json, reason }).pipe(
      Effect.map(({ state, proposal, before }): Change => ({ state, proposal, before })),
      Effect.catch((failure) =>
        failure.code === "EVOLUTION_CHANGE"
          ? Effect.succeed<Change>({ state: "refused", before: digest })
          : Effect.fail(failure)
      ),
    );
  });

/** Undoes a change; answers whether the document is the one before it. */
export const undo = (kernel: Kernel, { proposal, before }: Change): Effect.Effect<boolean, Failure> =>
  Effect.gen(function* () {
    yield* call(kernel, "proposals.rollback", { proposal: proposal! });
    return (yield* subjectOf(kernel)).digest === before;
  });

/** Random edits until one is applied, which is undone every third time; the digest of the document then. */
export const changeOnce = (kernel: Kernel, chance: Random): Effect.Effect<Digest, Failure> =>
  Effect.gen(function* () {
    for (let tries = 0;; tries++) {
      const made = yield* editOnce(kernel, chance, `try ${tries} of ${chance.below(2 ** 31)}`);
      if (made.state !== "applied") continue;
      if (chance.below(3) === 0) yield* undo(kernel, made);
      return (yield* subjectOf(kernel)).digest;
    }
  });

/**
 * Whether the whole room is sound: the chain, the artifacts, and the subject. That a killed writer's last event was never
 * acknowledged is what the ledger has to say of a kill, and no fault of the chain.
 */
export const isSound = (kernel: Kernel): Effect.Effect<boolean, Failure> =>
  Effect.gen(function* () {
    const { faults } = yield* call(kernel, "ledger.verify", {});
    const ok = faults.every(({ kind }: Answer) => kind === "unacknowledged");
    const { damaged } = yield* call(kernel, "artifacts.verify", {});
    const subject = yield* subjectOf(kernel);
    if (subject?.current === undefined) return ok && damaged.length === 0;
    yield* call(kernel, "artifacts.get", { artifact: subject.current.body });
    const made = yield* call(kernel, "evolution.modify", {
      target: TARGET,
      edit: { kind: "insert", path: "", stage: "add(0.0)" },
      reason: `sound ${subject.current.version}`,
    });
    return ok && damaged.length === 0 && made.state === "applied" && (yield* undo(kernel, made));
  });
