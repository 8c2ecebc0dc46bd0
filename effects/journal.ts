/**
 * Journal: intents and outcomes of calls with effects, as events of the ledger.
 *
 * Not the gate and not a log: a call whose intent cannot be stored does not run.
 * Invariant: an intent without an outcome is reported until it is settled, unless the process that wrote it still runs.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  type Call,
  canonicalJson,
  type Dangling,
  type Decision,
  diskFailed,
  Entropy,
  type EntropyShape,
  freshId,
  isJsonObject,
  Journal,
  type JournalShape,
  type Json,
  type KernelFailure,
  mapTexts,
  type Outcome,
} from "../kernel/mod.ts";
import { Ledger, type LedgerFailure, type LedgerShape } from "./ledger.ts";
import type { Fold } from "./ledger/fold.ts";
import { type Runs, runsIn } from "./ledger/runs.ts";

/** The event before a call with effects. */
export const INTENT = "call.intent";

/** The event after it. */
export const OUTCOME = "call.outcome";

/** The event that settles an intent whose process died. */
export const ABANDONED = "call.abandoned";

/** Most bytes of an input or a failure that stand in an event themselves; larger ones are private blobs. */
export const MAX_INLINE_BYTES = 8_192;

/** An intent without an outcome. */
export type OpenIntent = {
  /** Operation id. */
  readonly operation: string;
  /** Who asked. */
  readonly actor: string;
  /** When. */
  readonly at: string;
  /** The run of the kernel that wrote it. */
  readonly run: string;
};

/** Intents without an outcome, by call. */
export const openIntents: Fold<{ readonly [call: string]: OpenIntent }> = {
  name: "journal.open",
  version: 1,
  initial: {},
  history: "all",
  step: (open, { type, call, data, actor, at }) => {
    if (call === undefined || !isJsonObject(data)) return open;
    if (type === INTENT) {
      const intent = { operation: String(data.operation), actor, at, run: String(data.run) };
      return { ...open, [call]: intent };
    }
    if (type !== OUTCOME && type !== ABANDONED || !Object.hasOwn(open, call)) return open;
    const { [call]: _ended, ...others } = open;
    return others;
  },
};

// The port speaks of the kernel's failures only; the ledger's stands whole in `actual`.
const asKernelFailure = (failure: LedgerFailure): KernelFailure =>
  failure.code.startsWith("KERNEL_") ? failure as KernelFailure : diskFailed({
    action: "record the call in",
    file: "ledger",
    cause: failure.message,
    actual: { code: failure.code, message: failure.message },
    ...(failure.fix === undefined ? {} : { fix: failure.fix }),
  });

const encoder = new TextEncoder();

/** A value as it stands in an event: itself, or the digest of a private blob where it is large. */
const inlined = (ledger: LedgerShape, name: string, value: Json): Effect.Effect<Json, LedgerFailure> =>
  Effect.suspend(() => {
    const redacted = ledger.redact(value);
    const bytes = encoder.encode(canonicalJson(redacted));
    if (bytes.length <= MAX_INLINE_BYTES) return Effect.succeed({ [name]: redacted });
    return Effect.map(ledger.putBlob(bytes, { private: true }), (digest) => ({ [`${name}Blob`]: digest }));
  });

/** What stands in an event for a private text: nobody can read it, and only who holds the ledger's key can test a guess. */
const PRIVATE = "private";

/**
 * A call as an event may show it: each private text as its keyed digest, and with any, the identity of the whole input
 * keyed as well, so that short texts cannot be guessed from it.
 */
const discreet = (ledger: LedgerShape, call: Call): Effect.Effect<Pick<Call, "arguments" | "input">, LedgerFailure> =>
  Effect.gen(function* () {
    const { privates = [] } = call;
    if (privates.length === 0) return call;
    const named = (text: string) => ledger.nameBlob(encoder.encode(text), { private: true });
    const texts = new Set<string>();
    for (const pattern of privates) mapTexts(call.input, pattern, (text) => (texts.add(text), text));
    const names = new Map<string, string>();
    for (const text of texts) names.set(text, `${PRIVATE} ${yield* named(text)}`);
    const input = privates.reduce(
      (shown, pattern) => mapTexts(shown, pattern, (text) => names.get(text) ?? text),
      call.input,
    );
    return { arguments: yield* named(canonicalJson(call.input)), input };
  });

const intentData = (call: Call, decision: Decision, run: string, input: Json): Json => ({
  operation: call.operation,
  declaration: call.declaration,
  arguments: call.arguments,
  ...(input as { readonly [key: string]: Json }),
  effects: [...call.effects],
  kinds: [...call.kinds],
  reversible: call.reversible,
  rule: decision.rule,
  run,
  ...(call.parent === undefined ? {} : { parent: call.parent }),
});

const outcomeData = (ledger: LedgerShape, call: Call, outcome: Outcome): Effect.Effect<Json, LedgerFailure> =>
  outcome.ok
    ? Effect.map(
      // Of a call with private texts the answer may be one: its identity is keyed as well.
      call.privates === undefined
        ? Effect.succeed(outcome.output)
        : ledger.nameBlob(encoder.encode(outcome.output), { private: true }),
      (output) => ({ operation: call.operation, ok: true, output }),
    )
    : Effect.map(inlined(ledger, "failure", outcome.failure), (failure) => ({
      operation: call.operation,
      ok: false,
      ...(failure as { readonly [key: string]: Json }),
    }));

const journalOver = (ledger: LedgerShape, entropy: EntropyShape, runs: Runs): JournalShape => {
  const run = freshId(entropy);
  const record = (type: string, call: Call, data: Json): Effect.Effect<void, LedgerFailure> =>
    Effect.asVoid(ledger.append([{ type, actor: call.actor, call: call.id, data }]));
  return {
    intent: (call, decision) =>
      Effect.gen(function* () {
        yield* runs.begin(run);
        const shown = yield* discreet(ledger, call);
        const input = yield* inlined(ledger, "input", shown.input);
        yield* record(INTENT, call, intentData({ ...call, ...shown }, decision, run, input));
      }).pipe(Effect.mapError(asKernelFailure)),
    outcome: (call, outcome) =>
      outcomeData(ledger, call, outcome).pipe(
        Effect.flatMap((data) => record(OUTCOME, call, data)),
        Effect.mapError(asKernelFailure),
      ),
    dangling: Effect.gen(function* () {
      const open = Object.entries(yield* ledger.state(openIntents)).filter(([, intent]) => intent.run !== run);
      const others = [...new Set(open.map(([, intent]) => intent.run))];
      const alive = new Set(others.length === 0 ? [] : yield* runs.alive(others));
      return open.filter(([, intent]) => !alive.has(intent.run))
        .map(([call, { operation, actor, at }]): Dangling => ({ call, operation, actor, at }));
    }).pipe(Effect.mapError(asKernelFailure)),
  };
};

/** Marks dangling intents as seen, so that later starts no longer report them. */
export const settleDangling = (
  ledger: LedgerShape,
  dangling: ReadonlyArray<Dangling>,
  actor: string,
): Effect.Effect<void, LedgerFailure> =>
  Effect.forEach(
    dangling,
    ({ call, operation }) => ledger.append([{ type: ABANDONED, actor, call, data: { operation } }]),
    { discard: true },
  );

/** The journal over the ledger. Without a state folder, intents of other runs count as dangling at once. */
export const layerJournal = (
  options: { readonly stateFolder?: string },
): Layer.Layer<Journal, never, Ledger | Entropy> =>
  Layer.effect(
    Journal,
    Effect.gen(function* () {
      const ledger = yield* Ledger;
      const entropy = yield* Entropy;
      return journalOver(ledger, entropy, yield* runsIn(options.stateFolder));
    }),
  );
