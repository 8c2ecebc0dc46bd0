/**
 * Ledger: append-only, hash-chained events; state is a fold over them.
 *
 * Not a message bus and not a cache: if an event was acknowledged, it is on disk.
 * Invariant: hash(n) covers hash(n−1) and every stored field of event n, and the acknowledged head is kept beside the
 * chain, so any later change, and any shortening, is found and located.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { Disk, Entropy, type EntropyShape, type Failure, type FailureOf, isFailure } from "../kernel/mod.ts";
import { type BlobFailure, type Blobs, diskBlobs, memoryBlobs } from "./blobs.ts";
import { ledgerBusy, ledgerLimit, ledgerStore, malformedEvent, unknownMark } from "./failures.ts";
import { type ConfinedDisk, confinedDisk } from "./ledger/confined.ts";
import {
  type EventDraft,
  type LedgerEvent,
  MAX_APPEND_EVENTS,
  OWN_PREFIX,
  prepareEvent,
  type Redact,
} from "./ledger/event.ts";
import type { Fold, Snapshot } from "./ledger/fold.ts";
import { MARKED, ROLLED_BACK } from "./ledger/history.ts";
import { memoryStore } from "./ledger/memory.ts";
import { type Head, headOf, historyOf, page } from "./ledger/reading.ts";
import { type FileStore, HEAD_FILE, LEDGER_FILE, LOCK_FILE, sqliteStore } from "./ledger/sqlite.ts";
import type { EventStore, Prepared, Span, Stored } from "./ledger/store.ts";
import { SNAPSHOTS_FOLDER, statesOf } from "./ledger/states.ts";
import { type Verification, verifyStore } from "./ledger/verify.ts";
import { LOCK_RETRY_MS, LOCK_WAIT_MS, onStore, type StoreFailure, type Submit, writer } from "./ledger/writer.ts";

export type { Fault, FaultKind } from "./ledger/chain.ts";
export type { EventDraft, LedgerEvent, Redact } from "./ledger/event.ts";
export type { Fold } from "./ledger/fold.ts";
export type { Head } from "./ledger/reading.ts";
export { rollbackTarget } from "./ledger/history.ts";
export type { Verification } from "./ledger/verify.ts";

/** Most events of one `read`, and how many it answers unless told. */
export const MAX_READ_EVENTS = 1_000;

/** Folder below the state folder for what plugins derive from the ledger: private texts, of which nothing is lost with it. */
export const DERIVED_FOLDER = "derived";

/** Names in the state folder that only the ledger may read or change; a gate keeps calls away from them. */
export const SEALED: ReadonlyArray<string> = [
  LEDGER_FILE,
  `${LEDGER_FILE}-wal`,
  `${LEDGER_FILE}-shm`,
  HEAD_FILE,
  LOCK_FILE,
  "blobs",
  "blobs.key",
  "runs",
  SNAPSHOTS_FOLDER,
  DERIVED_FOLDER,
];

/** Where appended events lie. */
export interface Appended {
  /** Position of the first. */
  readonly first: number;
  /** Position of the last. */
  readonly last: number;
  /** The chain's end behind the last. */
  readonly head: Head;
}

/** Which events to read; positions are inclusive. */
export interface Range {
  /** First position; default 1. */
  readonly from?: number;
  /** Last position; default the end. */
  readonly to?: number;
  /** Only this type. */
  readonly type?: string;
  /** Most events, up to `MAX_READ_EVENTS`. */
  readonly limit?: number;
}

/** A named point in the live history. */
export interface Mark {
  /** Its name. */
  readonly name: string;
  /** Its position. */
  readonly seq: number;
}

/** Whatever can go wrong with the ledger. */
export type LedgerFailure =
  | StoreFailure
  | BlobFailure
  | FailureOf<"EFFECTS_LEDGER_EVENT">
  | FailureOf<"EFFECTS_LEDGER_MARK">;

/** The ledger. */
export interface LedgerShape {
  /** The state folder it lies in; absent for one in memory. What is derived from it lies below `derived` there. */
  readonly folder?: string;
  /** Stores events durably, all or none, in order; answers when they are acknowledged. */
  readonly append: (events: ReadonlyArray<EventDraft>) => Effect.Effect<Appended, LedgerFailure>;
  /** Reads events in order, each checked against its hash. */
  readonly read: (range?: Range) => Effect.Effect<ReadonlyArray<LedgerEvent>, LedgerFailure>;
  /** The chain's end. */
  readonly head: Effect.Effect<Head, LedgerFailure>;
  /** Checks the whole chain and locates what is wrong. A fork's own rows count as acknowledged. */
  readonly verify: Effect.Effect<Verification, LedgerFailure>;
  /** State by a fold over the history. */
  readonly state: <S>(fold: Fold<S>) => Effect.Effect<S, LedgerFailure>;
  /** A ledger in memory that starts as this one stands and never writes to disk. */
  readonly fork: Effect.Effect<LedgerShape, LedgerFailure>;
  /** The same as this one stood after its first `count` events. Payloads deleted since are absent from it, too. */
  readonly forkAt: (count: number) => Effect.Effect<LedgerShape, LedgerFailure>;
  /** Names the present point. */
  readonly mark: (name: string, actor: string) => Effect.Effect<Appended, LedgerFailure>;
  /** The named points one can return to, by position. */
  readonly marks: Effect.Effect<ReadonlyArray<Mark>, LedgerFailure>;
  /** Returns to a named point by an inverse event; folds of the live history no longer see what lies between. */
  readonly rollback: (name: string, actor: string) => Effect.Effect<Appended, LedgerFailure>;
  /** Stores a large or private payload and answers its digest. */
  readonly putBlob: Blobs["put"];
  /** The digest a payload would have, without storing it; keyed where private. */
  readonly nameBlob: Blobs["name"];
  /** Reads a payload back. */
  readonly getBlob: Blobs["get"];
  /** Deletes a payload; the chain stays whole. */
  readonly dropBlob: Blobs["drop"];
  /** The redactor that events pass through. */
  readonly redact: Redact;
  /** Moves everything into the main file and empties the write-ahead log. */
  readonly checkpoint: Effect.Effect<void, LedgerFailure>;
}

const LedgerBase: Context.ServiceClass<Ledger, "rmi/Ledger", LedgerShape> = Context.Service<Ledger, LedgerShape>()(
  "rmi/Ledger",
);

/** The ledger service. */
export class Ledger extends LedgerBase {}

/** What a ledger on disk is opened with. */
export interface LedgerOptions {
  /** The state folder, absolute; made at the first append. */
  readonly stateFolder: string;
  /** Removes secrets from what is stored. */
  readonly redact: Redact;
}

interface Parts {
  readonly store: EventStore;
  readonly submit: Submit;
  readonly blobs: Blobs;
  readonly entropy: EntropyShape;
  readonly redact: Redact;
  /** Where it lies and snapshots outlive the process; absent for ledgers in memory. */
  readonly home?: { readonly folder: string; readonly files: ConfinedDisk };
  readonly snapshots: ReadonlyMap<string, Snapshot>;
}

const YIELD_EVERY_EVENTS = 32;

const appendedOf = ({ first, last, head }: Stored): Appended => ({ first, last, head: headOf(head) });

const prepareAll = (
  events: ReadonlyArray<EventDraft>,
  redact: Redact,
): Effect.Effect<ReadonlyArray<Prepared>, LedgerFailure> =>
  Effect.gen(function* () {
    if (events.length > MAX_APPEND_EVENTS) {
      const limit = { amount: events.length, limit: MAX_APPEND_EVENTS, unit: "events" };
      return yield* ledgerLimit({ what: "an append", ...limit });
    }
    const at = yield* Clock.currentTimeMillis;
    const prepared: Prepared[] = [];
    for (const [index, draft] of events.entries()) {
      const one = prepareEvent(draft, at, redact, `/${index}`);
      if (isFailure(one)) return yield* Effect.fail(one);
      prepared.push(one);
      if (prepared.length % YIELD_EVERY_EVENTS === 0) yield* Effect.yieldNow;
    }
    return prepared;
  });

const refuseOwn = (events: ReadonlyArray<EventDraft>): FailureOf<"EFFECTS_LEDGER_EVENT"> | undefined => {
  const index = events.findIndex(({ type }) => typeof type === "string" && type.startsWith(OWN_PREFIX));
  if (index < 0) return undefined;
  const problem = `types that begin with "${OWN_PREFIX}" are the ledger's own`;
  return malformedEvent({ problem, path: `/${index}/type`, actual: events[index].type });
};

const spanOf = (range: Range): Span | FailureOf<"EFFECTS_LEDGER_LIMIT"> => {
  const { from = 1, to = Number.MAX_SAFE_INTEGER, limit = MAX_READ_EVENTS, type } = range;
  const bad = [["from", from], ["to", to], ["limit", limit]].find(([, value]) => !Number.isSafeInteger(value));
  if (bad !== undefined || limit > MAX_READ_EVENTS || limit < 0) {
    const what = { what: "a page", amount: limit, limit: MAX_READ_EVENTS, unit: "events" };
    return ledgerLimit({ ...what, path: `/${bad?.[0] ?? "limit"}`, expected: `an integer up to ${MAX_READ_EVENTS}` });
  }
  return { from, to, limit, ...(type === undefined ? {} : { type }) };
};

const ledgerOver = (parts: Parts): LedgerShape => {
  const { store, submit, blobs, entropy, redact } = parts;
  const { state, cached } = statesOf(store, parts.home?.files, parts.snapshots);
  const above = (rows: EventStore, snapshots: Parts["snapshots"]): LedgerShape =>
    ledgerOver({
      store: rows,
      submit: submitTo(rows),
      blobs: memoryBlobs(entropy, blobs),
      entropy,
      redact,
      snapshots,
    });
  const appendAny = (events: ReadonlyArray<EventDraft>): Effect.Effect<Appended, LedgerFailure> =>
    Effect.flatMap(prepareAll(events, redact), (prepared) => Effect.map(submit(prepared), appendedOf));
  return {
    ...(parts.home === undefined ? {} : { folder: parts.home.folder }),
    append: (events) =>
      Effect.suspend(() => {
        const fault = refuseOwn(events);
        if (fault !== undefined) return Effect.fail(fault);
        if (events.length > 0) return appendAny(events);
        return onStore("read", () => {
          const head = store.head();
          return appendedOf({ first: head.count + 1, last: head.count, head });
        });
      }),
    read: (range = {}) =>
      Effect.suspend((): Effect.Effect<ReadonlyArray<LedgerEvent>, LedgerFailure> => {
        const span = spanOf(range);
        return isFailure(span) ? Effect.fail(span) : page(store, span);
      }),
    head: onStore("read", () => headOf(store.head())),
    verify: verifyStore(store),
    state,
    fork: onStore("fork", () => above(memoryStore(store), cached)),
    forkAt: (count) =>
      Effect.flatMap(
        onStore("read", store.head),
        (head): Effect.Effect<LedgerShape, LedgerFailure> =>
          Number.isSafeInteger(count) && count >= 0 && count <= head.count
            // Snapshots of later events would be refused one by one: it starts without any.
            ? onStore("fork", () => above(memoryStore(store, count), new Map()))
            : Effect.fail(ledgerLimit({
              what: "a fork",
              amount: count,
              limit: head.count,
              unit: "events",
              expected: `an integer from 0 to ${head.count}`,
            })),
      ),
    mark: (name, actor) => appendAny([{ type: MARKED, actor, data: { name } }]),
    marks: Effect.map(historyOf(store), (named) => [...named].map(([name, seq]) => ({ name, seq }))),
    rollback: (name, actor) =>
      Effect.gen(function* () {
        const named = yield* historyOf(store);
        // Names are stored redacted, so they are looked up redacted.
        const seq = named.get(String(redact(name)));
        if (seq === undefined) {
          return yield* unknownMark({ mark: name, suggestions: [...named.keys()].slice(-5).reverse() });
        }
        return yield* appendAny([{ type: ROLLED_BACK, actor, data: { name, seq } }]);
      }),
    putBlob: blobs.put,
    nameBlob: blobs.name,
    getBlob: blobs.get,
    dropBlob: blobs.drop,
    redact,
    checkpoint: onStore("checkpoint", store.checkpoint),
  };
};

/** Memory needs no batching: appending is synchronous there. */
const submitTo = (store: EventStore): Submit => (events) =>
  onStore("append to", (now) => store.append([events], now)[0]);

const prepared = (store: FileStore): Effect.Effect<void, StoreFailure> =>
  Effect.gen(function* () {
    for (let waited = 0;; waited += LOCK_RETRY_MS) {
      const ready = yield* Effect.tryPromise({
        try: () => store.prepare(),
        catch: (cause) =>
          isFailure(cause)
            ? cause as StoreFailure
            : ledgerStore({ action: "open", cause: cause instanceof Error ? cause.message : String(cause) }),
      });
      if (ready) return;
      if (waited >= LOCK_WAIT_MS) return yield* ledgerBusy({ action: "open", waitedMs: waited });
      yield* Effect.sleep(LOCK_RETRY_MS);
    }
  });

/** Opens the ledger of a state folder: migrates an older format and batches appends. */
export const openLedger = (
  options: LedgerOptions,
): Effect.Effect<LedgerShape, LedgerFailure, Scope.Scope | Entropy | Disk> =>
  Effect.gen(function* () {
    const entropy = yield* Entropy;
    const disk = yield* Disk;
    const { stateFolder, redact } = options;
    const store = yield* Effect.acquireRelease(
      Effect.sync(() => sqliteStore(stateFolder)),
      (opened) => Effect.sync(opened.close),
    );
    yield* prepared(store).pipe(
      // Unreadable files must not keep the kernel from opening: verify says what is wrong, appends are refused.
      Effect.catch((failure) => failure.code === ledgerStore.code ? Effect.void : Effect.fail(failure)),
    );
    return ledgerOver({
      store,
      submit: yield* writer(store),
      blobs: diskBlobs(disk, entropy, stateFolder),
      entropy,
      redact,
      home: { folder: stateFolder, files: confinedDisk(disk, stateFolder) },
      snapshots: new Map(),
    });
  });

/** A ledger in memory, for tests and dry runs. */
export const memoryLedger = (redact: Redact): Effect.Effect<LedgerShape, never, Entropy> =>
  Effect.map(Entropy, (entropy) => {
    const store = memoryStore();
    const blobs = memoryBlobs(entropy);
    return ledgerOver({ store, submit: submitTo(store), blobs, entropy, redact, snapshots: new Map() });
  });

/** The ledger of a state folder, as a layer. */
export const layerLedger = (options: LedgerOptions): Layer.Layer<Ledger, Failure, Entropy | Disk> =>
  Layer.effect(Ledger, openLedger(options));
