/**
 * Memory service: remembering, recalling and taking back, over the ledger.
 *
 * Not a second store: texts are private blobs, everything else is the fold of `norion.memory` events; both are asked
 * through an index that is derived from them (index.ts).
 * Invariant: a text is redacted before anything of it is stored; a scope is stored only as a keyed digest; what is
 * remembered twice is stored once.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import { type EventDraft, type LedgerFailure, type LedgerShape, redactText } from "../../../effects/mod.ts";
import type { Digest, Json } from "../../../kernel/mod.ts";
import { badMemory, type NorionFailure } from "../failures.ts";
import type { Recall } from "../plan.ts";
import type { Policy } from "../policy.ts";
import { MEMORY_EVENTS, type MemoryItem, type Namespace, type Standing, type Upkeep } from "../state/memory.ts";
import { HASHED } from "./embedder.ts";
import { always, type Vectors, type VectorsOf } from "./embedding/newest.ts";
import { refusalOf } from "./hygiene.ts";
import { memoryIndex } from "./index.ts";
import { type Recalled, recallOver, type Remembered, type ScopeMemory } from "./recall.ts";
import type { Portable } from "./transfer.ts";
import { planUpkeep } from "./upkeep.ts";

/** Whose memory: none of the parts is seen by any other. */
export interface ScopeName {
  /** Who. */
  readonly tenant: string;
  /** Where. */
  readonly workspace: string;
  /** In which talk; absent for what holds in all of them. */
  readonly conversation?: string;
}

/** A scope as one text. Quoted, so that no choice of parts reads as other parts. */
export const scopeKey = ({ tenant, workspace, conversation }: ScopeName): string =>
  JSON.stringify([tenant, workspace, ...(conversation === undefined ? [] : [conversation])]);

/** What is to be remembered. */
export interface RememberRequest {
  /** Whose memory, as `scopeKey` writes it. */
  readonly scope: string;
  /** The text. */
  readonly text: string;
  /** Kind of memory; default `fact`. */
  readonly namespace?: Namespace;
  /** Who said it; default the actor. */
  readonly source?: string;
  /** Who stands for it; default `user`. */
  readonly standing?: Standing;
  /** Worth, 0..1; default 0.6. */
  readonly usefulness?: number;
  /** Ids it replaces, besides what the same source said of the same subject. */
  readonly supersedes?: ReadonlyArray<string>;
  /** Kept whatever its worth. */
  readonly protected?: boolean;
}

/** What became of it. */
export interface Remembering {
  /** Its id. */
  readonly id: string;
  /** Whether it was known already, so that nothing was written. */
  readonly known: boolean;
  /** The text as it is stored. */
  readonly text: string;
  /** What it replaced. */
  readonly supersedes: ReadonlyArray<string>;
  /** Living items that state something else of the same. */
  readonly contradicts: ReadonlyArray<string>;
}

/** A remembering that has not been appended. */
export interface Drafted {
  /** What it answers once it is. */
  readonly answer: Remembering;
  /** What it appends; nothing where the text is known. */
  readonly events: ReadonlyArray<EventDraft>;
}

/** Whatever can go wrong. */
export type MemoryFailure = LedgerFailure | NorionFailure;

/** The memory. */
export interface Memory {
  /** Stores a text; what it would do is `preview`. */
  readonly remember: (request: RememberRequest, actor: string) => Effect.Effect<Remembering, MemoryFailure>;
  /** What `remember` would answer, with the events it would append: for writes that belong to a larger one. */
  readonly draft: (request: RememberRequest, actor: string) => Effect.Effect<Drafted, MemoryFailure>;
  /** What `remember` would answer, without an event. */
  readonly preview: (request: RememberRequest, actor: string) => Effect.Effect<Remembering, MemoryFailure>;
  /** What answers a question; none where nothing known does. */
  readonly recall: (
    query: string,
    options: { readonly scope: string; readonly limit?: number },
  ) => Effect.Effect<ReadonlyArray<Recalled>, MemoryFailure>;
  /** Takes an item back: it is never recalled again, and its text is deleted. */
  readonly retract: (
    id: string,
    options: { readonly scope: string; readonly reason: string },
    actor: string,
  ) => Effect.Effect<MemoryItem, MemoryFailure>;
  /** Notes that items helped or misled a request. */
  readonly judge: (
    ids: ReadonlyArray<string>,
    options: { readonly scope: string; readonly helped: boolean },
    actor: string,
  ) => Effect.Effect<void, MemoryFailure>;
  /** The event that `judge` would append. */
  readonly judgement: (
    ids: ReadonlyArray<string>,
    options: { readonly scope: string; readonly helped: boolean },
    actor: string,
  ) => Effect.Effect<EventDraft, MemoryFailure>;
  /** What upkeep would change in a scope. */
  readonly previewUpkeep: (scope: string) => Effect.Effect<Upkeep, MemoryFailure>;
  /** Lets stale items fade and merges equal ones; nothing is written where nothing changes. */
  readonly upkeep: (scope: string, actor: string) => Effect.Effect<Upkeep, MemoryFailure>;
  /** The living items of a scope with their texts, in order. */
  readonly list: (scope: string) => Effect.Effect<ReadonlyArray<Remembered>, MemoryFailure>;
  /** Brings items in as they are; those that are there already are passed over. Answers how many came in. */
  readonly bringIn: (
    items: ReadonlyArray<Portable>,
    scope: string,
    actor: string,
  ) => Effect.Effect<number, MemoryFailure>;
  /** What a plan of this scope recalls from. */
  readonly snapshot: (scope: string) => Effect.Effect<Recall, MemoryFailure>;
  /** What texts are made comparable by. */
  readonly vectors: Effect.Effect<Vectors, LedgerFailure>;
  /** Releases the index. */
  readonly close: Effect.Effect<void>;
}

const DEFAULT_USEFULNESS = 0.6;
const LEAST_USEFULNESS = 0.2;
const ID_DIGITS = 16;

interface Open {
  readonly scope: Digest;
  readonly memory: ScopeMemory;
  readonly now: number;
}

interface Prepared {
  readonly answer: Remembering;
  readonly item?: MemoryDraft;
}

/** An item before its text is stored and its event gives it a step. */
type MemoryDraft = Omit<MemoryItem, "born" | "used" | "text">;

/** Entries of one upkeep event; the event stays far below the ledger's limit. */
const UPKEEP_ENTRIES = 500;

const pieces = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from(
    { length: Math.ceil(all.length / UPKEEP_ENTRIES) },
    (_, i) => all.slice(i * UPKEEP_ENTRIES, (i + 1) * UPKEEP_ENTRIES),
  );

/** Items of an import that are appended together, all or none. */
const IMPORTED_TOGETHER = 250;

const NOTHING: Upkeep = { strengths: {}, removed: [], merged: [] };

const keptEvents = (scope: Digest, upkeep: Upkeep, actor: string): ReadonlyArray<EventDraft> =>
  [
    ...pieces(Object.entries(upkeep.strengths)).map((some) => ({ ...NOTHING, strengths: Object.fromEntries(some) })),
    ...pieces(upkeep.removed).map((removed) => ({ ...NOTHING, removed })),
    ...pieces(upkeep.merged).map((merged) => ({ ...NOTHING, merged })),
    ...pieces(upkeep.evicted ?? []).map((evicted) => ({ ...NOTHING, evicted })),
  ].map((part) => ({ type: MEMORY_EVENTS.kept, actor, data: { scope, ...part } as unknown as Json }));

const encoder = new TextEncoder();

const checked = ({ text }: RememberRequest): Effect.Effect<string, NorionFailure> => {
  const refusal = refusalOf(text);
  return refusal === undefined
    ? Effect.succeed(redactText(text.trim()))
    : Effect.fail(badMemory({ ...refusal, path: "/text" }));
};

/**
 * What stands for a scope in events: a keyed digest, because its name may itself be private and nobody is to test a
 * guess of it.
 */
export const scopeDigest = (
  ledger: Pick<LedgerShape, "nameBlob">,
  scope: string,
): Effect.Effect<Digest, LedgerFailure> => ledger.nameBlob(encoder.encode(`scope ${scope}`), { private: true });

/** The memory that a ledger holds. */
export const memoryOver = (ledger: LedgerShape, policy: Policy, vectors: VectorsOf = always(HASHED)): Memory => {
  const index = memoryIndex(ledger, vectors);
  const turns = Semaphore.makeUnsafe(1);

  const scopeOf = (scope: string): Effect.Effect<Digest, LedgerFailure> => scopeDigest(ledger, scope);

  const open = (name: string): Effect.Effect<Open, LedgerFailure> =>
    Effect.gen(function* () {
      const scope = yield* scopeOf(name);
      const { count } = yield* index.sync;
      return { scope, memory: index.scope(scope), now: count };
    });

  const prepare = (
    request: RememberRequest,
    actor: string,
    replaces = true,
  ): Effect.Effect<Prepared, MemoryFailure> =>
    Effect.gen(function* () {
      const text = yield* checked(request);
      const { scope, memory } = yield* open(request.scope);
      const namespace = request.namespace ?? "fact";
      const source = redactText(request.source ?? actor);
      const standing = request.standing ?? "user";
      const missing = (request.supersedes ?? []).find((id) => index.item(id)?.scope !== scope);
      if (missing !== undefined) return yield* Effect.fail(badMemory({ reason: `there is no item ${missing}` }));
      const whole = encoder.encode(JSON.stringify([scope, namespace, source, text]));
      const digest = yield* ledger.nameBlob(whole, { private: true });
      const keyed = digest.slice("sha256:".length, "sha256:".length + ID_DIGITS);
      let turn = 1;
      while (index.item(`${keyed}-${turn}`) !== undefined && memory.get(`${keyed}-${turn}`) === undefined) turn++;
      const id = `${keyed}-${turn}`;
      if (memory.get(id) !== undefined) {
        return { answer: { id, known: true, text, supersedes: [], contradicts: [] } };
      }
      const others = memory.about(text).filter(({ item }) => item.namespace === namespace);
      const own = !replaces ? [] : others.filter(({ item }) => item.source === source).map(({ item }) => item.id);
      const supersedes = [...new Set([...own, ...request.supersedes ?? []])];
      const contradicts = others.map(({ item }) => item.id).filter((other) => !supersedes.includes(other));
      const usefulness = Math.max(LEAST_USEFULNESS, Math.min(1, request.usefulness ?? DEFAULT_USEFULNESS));
      return {
        answer: { id, known: false, text, supersedes, contradicts },
        item: {
          id,
          namespace,
          scope,
          source,
          standing,
          strength: Math.round(1000 * usefulness),
          hits: 0,
          failures: 0,
          protected: request.protected ?? false,
          supersedes,
        },
      };
    });

  const event = (type: string, actor: string, data: unknown): EventDraft => ({ type, actor, data: data as Json });

  /** Appends, and has the index follow at once, so that what no longer lives is nowhere. */
  const append = (...events: ReadonlyArray<EventDraft>): Effect.Effect<void, LedgerFailure> =>
    events.length === 0 ? Effect.void : Effect.andThen(ledger.append(events), Effect.asVoid(index.sync));

  const addition = (item: MemoryDraft, text: string, actor: string): Effect.Effect<EventDraft, LedgerFailure> =>
    Effect.map(ledger.putBlob(encoder.encode(text), { private: true }), (blob) => {
      index.expect(blob, text);
      return event(MEMORY_EVENTS.added, actor, { item: { ...item, text: blob } });
    });

  const draft = (request: RememberRequest, actor: string): Effect.Effect<Drafted, MemoryFailure> =>
    Effect.gen(function* () {
      const { answer, item } = yield* prepare(request, actor);
      return { answer, events: item === undefined ? [] : [yield* addition(item, answer.text, actor)] };
    });

  const judgement: Memory["judgement"] = (ids, { scope, helped }, actor) =>
    Effect.map(scopeOf(scope), (key) => event(MEMORY_EVENTS.judged, actor, { ids, scope: key, helped }));

  const previewUpkeep = (name: string): Effect.Effect<readonly [Digest, Upkeep], MemoryFailure> =>
    Effect.map(open(name), ({ scope, memory, now }) => [scope, planUpkeep(memory.all(), now, policy)] as const);

  return {
    vectors: vectors(ledger),
    close: Effect.sync(index.close),
    remember: (request, actor) =>
      Effect.gen(function* () {
        const { answer, events } = yield* draft(request, actor);
        yield* append(...events);
        return answer;
      }).pipe(turns.withPermit),
    draft,
    preview: (request, actor) => Effect.map(prepare(request, actor), ({ answer }) => answer),
    recall: (query, { scope, limit = policy["memory.recall"] }) =>
      Effect.map(open(scope), ({ memory, now }) => memory.answer(query, now, limit, policy)),
    retract: (id, options, actor) =>
      Effect.gen(function* () {
        const { scope } = yield* open(options.scope);
        const item = index.item(id);
        if (item === undefined || item.scope !== scope) {
          return yield* Effect.fail(badMemory({ reason: `there is no item ${id}`, path: "/id" }));
        }
        if (item.retractedAt === undefined) {
          yield* append(event(MEMORY_EVENTS.retracted, actor, { id, scope, reason: options.reason }));
        }
        // Other items may say the same words: those keep the text.
        const needed = index.sharing(item.text).some(({ retractedAt }) => retractedAt === undefined);
        if (!needed) yield* ledger.dropBlob(item.text);
        return index.item(id)!;
      }).pipe(turns.withPermit),
    judge: (ids, options, actor) => Effect.flatMap(judgement(ids, options, actor), append),
    judgement,
    previewUpkeep: (scope) => Effect.map(previewUpkeep(scope), ([, upkeep]) => upkeep),
    upkeep: (name, actor) =>
      Effect.gen(function* () {
        const [scope, upkeep] = yield* previewUpkeep(name);
        yield* append(...keptEvents(scope, upkeep, actor));
        return upkeep;
      }).pipe(turns.withPermit),
    bringIn: (items, scope, actor) =>
      Effect.gen(function* () {
        let came = 0;
        for (let from = 0; from < items.length; from += IMPORTED_TOGETHER) {
          const events = new Map<string, EventDraft>();
          for (const one of items.slice(from, from + IMPORTED_TOGETHER)) {
            const { strength, hits, failures } = one;
            // An import states what held elsewhere: it replaces nothing here.
            const { answer, item } = yield* prepare({ ...one, scope, supersedes: [] }, actor, false);
            if (item === undefined || events.has(item.id)) continue;
            events.set(item.id, yield* addition({ ...item, strength, hits, failures }, answer.text, actor));
          }
          yield* append(...events.values());
          came += events.size;
        }
        return came;
      }).pipe(turns.withPermit),
    list: (scope) => Effect.map(open(scope), ({ memory }) => memory.all()),
    snapshot: (name) =>
      Effect.map(
        open(name),
        ({ memory, now }) => recallOver((asked) => asked === name ? memory : undefined, now, policy),
      ),
  };
};
