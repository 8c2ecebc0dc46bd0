/**
 * Index of memory: the fold of `norion.memory` in rows that can be asked at once, kept in step with the ledger.
 *
 * Not a second truth: each event goes through the fold's own step, and an index that is missing, damaged, of another fold,
 * embedder or history is made anew from the ledger.
 * Invariant: after `sync` it stands where the ledger stands, and what no longer lives has left the file.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import {
  blobAbsent,
  DERIVED_FOLDER,
  type LedgerEvent,
  type LedgerFailure,
  type LedgerShape,
  MAX_READ_EVENTS,
  rollbackTarget,
} from "../../../effects/mod.ts";
import type { Digest } from "../../../kernel/mod.ts";
import { discardMemoryRows, isBusy, type ItemRow, type MemoryRows, memoryRows } from "../platform/memory_index.ts";
import {
  addedItem,
  itemsOf,
  lives,
  MEMORY_EVENTS,
  memoryFold,
  type MemoryItem,
  mentionedBy,
  stateOf,
} from "../state/memory.ts";
import { HASHED } from "./embedder.ts";
import type { VectorsOf } from "./embedding/newest.ts";
import { ScopeMemory } from "./recall.ts";

/** The file, below the state folder. It lies where no operation reads or writes. */
export const INDEX_FILE: string = `${DERIVED_FOLDER}/norion-memory.db`;

/** Where a history stands. */
interface Position {
  readonly count: number;
  readonly hash: Digest;
}

/** The index of a ledger's memory. */
export interface MemoryIndex {
  /** Brings it to where the ledger stands, and answers with that. */
  readonly sync: Effect.Effect<Position, LedgerFailure>;
  /** The memory of a scope. */
  readonly scope: (scope: Digest) => ScopeMemory;
  /** The item of an id, dead or alive. */
  readonly item: (id: string) => MemoryItem | undefined;
  /** The items that have a text, dead or alive. */
  readonly sharing: (text: Digest) => ReadonlyArray<MemoryItem>;
  /** Keeps a text at hand whose item is about to come. */
  readonly expect: (digest: Digest, text: string) => void;
  /** Releases the file. */
  readonly close: () => void;
}

const decoder = new TextDecoder();

const itemIn = (row: ItemRow | undefined): MemoryItem | undefined =>
  row === undefined ? undefined : JSON.parse(row.item);

/** Slots of dead texts that are kept, besides as many as live, before the index is made anew without them. */
const SPARE_SLOTS = 1_024;

/** Times that another process may be quicker, or the file fail, before this one goes on without the file. */
const MOST_TURNS = 8;

/** What a step came to: it stands where the ledger does, somebody was quicker, or the rows are of another history. */
type Outcome = "there" | "again" | "other";

/** The rows cannot be read or written. */
interface IndexFault {
  readonly fault: unknown;
}

const isFault = (cause: unknown): cause is IndexFault =>
  typeof cause === "object" && cause !== null && "fault" in cause;

const onRows = <A>(body: () => A): Effect.Effect<A, IndexFault> =>
  Effect.try({ try: body, catch: (fault): IndexFault => ({ fault }) });

const POSITION = "position";
const MAKER = "maker";

/** The index of a ledger: in its folder, or in memory for one that has none. */
export const memoryIndex = (ledger: LedgerShape, vectors: VectorsOf): MemoryIndex => {
  let embedder = HASHED;
  const maker = (): string => JSON.stringify([memoryFold.name, memoryFold.version, embedder.id, embedder.size]);
  let file = ledger.folder === undefined ? undefined : `${ledger.folder}/${INDEX_FILE}`;
  let place: string | undefined;
  const turns = Semaphore.makeUnsafe(1);
  const expected = new Map<string, string>();
  const scopes = new Map<Digest, ScopeMemory>();
  let rows: MemoryRows | undefined;
  let stands: Position | undefined;

  const opened = (): MemoryRows => rows ??= memoryRows(place);

  const scope = (name: Digest): ScopeMemory => {
    const held = scopes.get(name);
    if (held !== undefined) return held;
    const memory = new ScopeMemory(opened().scope(name), embedder);
    scopes.set(name, memory);
    return memory;
  };

  /** Forgets what was read of the rows; what was not flushed is lost with it. */
  const reread = (): void => {
    scopes.clear();
    stands = undefined;
  };

  const close = (): void => {
    reread();
    rows?.close();
    rows = undefined;
  };

  /** Throws the file away: whatever was wrong with it, the ledger has it right. */
  const discard = (): void => {
    try {
      close();
    } finally {
      rows = undefined;
      if (place !== undefined) discardMemoryRows(place);
    }
  };

  /** A text; undefined where it was deleted, as on a fork of the ledger from before that. */
  const storedText = (digest: Digest): Effect.Effect<string | undefined, LedgerFailure> =>
    Effect.map(ledger.getBlob(digest), (bytes): string | undefined => decoder.decode(bytes)).pipe(
      Effect.catch((failure) => failure.code === blobAbsent.code ? Effect.succeed(undefined) : Effect.fail(failure)),
    );

  /** Where the rows stand; undefined for rows of another maker. */
  const positionOf = (): Position | undefined => {
    if (opened().changedByOthers()) reread();
    if (stands !== undefined) return stands;
    const noted = opened().note(POSITION);
    return noted === undefined || opened().note(MAKER) !== maker() ? undefined : stands = JSON.parse(noted);
  };

  const moveTo = (position: Position): void => {
    for (const memory of scopes.values()) memory.flush();
    opened().setNote(POSITION, JSON.stringify(position));
    opened().setNote(MAKER, maker());
    stands = position;
  };

  /** One event; answers whether a text left. */
  const apply = (event: LedgerEvent, texts: ReadonlyMap<string, string | undefined>): boolean => {
    const before = mentionedBy(event).flatMap((id) => itemIn(opened().item(id)) ?? []);
    const known = new Map(before.map((item) => [item.id, item]));
    let left = false;
    for (const item of itemsOf(memoryFold.step(stateOf(before), event))) {
      const old = known.get(item.id);
      if (item === old) continue;
      if (old !== undefined && lives(old) && !lives(item)) left = true;
      scope(item.scope).put(item, texts.get(item.text));
    }
    return left;
  };

  const eventsBetween = (from: number, to: number): Effect.Effect<ReadonlyArray<LedgerEvent>, LedgerFailure> =>
    Effect.gen(function* () {
      const events: LedgerEvent[] = [];
      while (from + events.length < to) {
        const page = yield* ledger.read({ from: from + events.length + 1, to, limit: MAX_READ_EVENTS });
        if (page.length === 0) break;
        events.push(...page);
      }
      return events;
    });

  const textsOf = (items: ReadonlyArray<MemoryItem>, held: ReadonlyMap<string, string> = expected) =>
    Effect.gen(function* () {
      const texts = new Map<string, string | undefined>();
      for (const { text } of items) {
        if (!texts.has(text)) texts.set(text, held.get(text) ?? (yield* storedText(text)));
      }
      return texts;
    });

  /** Goes on from where the rows stand, if the history there is still the same and nothing since was rolled back. */
  const advance = (at: Position, head: Position): Effect.Effect<Outcome, LedgerFailure | IndexFault> =>
    Effect.gen(function* () {
      if (at.count >= head.count) return "other";
      const events = yield* eventsBetween(at.count, head.count);
      if (events[0].previous !== at.hash || events.some((event) => rollbackTarget(event) !== undefined)) return "other";
      const texts = yield* textsOf(events.filter(({ type }) => type === MEMORY_EVENTS.added).map(addedItem));
      return yield* onRows((): Outcome => {
        let left = false;
        const moved = opened().within(() => {
          if (positionOf()?.hash !== at.hash) return false;
          for (const event of events) if (apply(event, texts)) left = true;
          const { seq, hash } = events[events.length - 1];
          moveTo({ count: seq, hash });
          return true;
        });
        if (left) opened().scrub();
        return moved ? "there" : "again";
      });
    });

  /** Makes the rows from the ledger's state. Texts that are in them already are not read again. */
  const rebuild = (head: Position): Effect.Effect<Outcome, LedgerFailure | IndexFault> =>
    Effect.gen(function* () {
      const items = itemsOf(yield* ledger.state(memoryFold));
      const after = yield* ledger.head;
      if (after.hash !== head.hash) return "again";
      const texts = yield* textsOf(items.filter(lives), yield* onRows(() => opened().texts()));
      return yield* onRows((): Outcome => {
        opened().within(() => {
          opened().empty();
          reread();
          for (const item of items) scope(item.scope).put(item, texts.get(item.text));
          moveTo({ count: head.count, hash: head.hash });
        });
        opened().scrub();
        return "there";
      });
    });

  const isWasteful = (): boolean => {
    const { size, slots } = opened().sizes();
    return slots > 2 * size + SPARE_SLOTS;
  };

  /** Answers with where the ledger stands, once the rows stand there, too. */
  const step: Effect.Effect<Position | undefined, LedgerFailure | IndexFault> = Effect.gen(function* () {
    const { count } = yield* ledger.head;
    const current = (yield* vectors(ledger)).embedder;
    const at = yield* onRows(() => {
      if (current.id !== embedder.id) {
        reread();
        embedder = current;
      }
      // Nothing is created before there is something to keep.
      const wanted = count === 0 ? undefined : file;
      if (place !== wanted) close();
      place = wanted;
      return positionOf();
    });
    // Read after the rows: another process may bring both forward.
    const head = yield* ledger.head;
    if (at?.hash === head.hash) return head;
    let outcome = at === undefined ? "other" : yield* advance(at, head);
    if (outcome === "other" || (yield* onRows(isWasteful))) outcome = yield* rebuild(head);
    return outcome === "there" ? head : undefined;
  });

  const sync: MemoryIndex["sync"] = Effect.gen(function* () {
    for (let turn = 1;; turn++) {
      const head = yield* step.pipe(
        Effect.catchIf(isFault, ({ fault }) => {
          const mend = isBusy(fault) ? reread : discard;
          return Effect.as(Effect.sync(mend), undefined);
        }),
      );
      if (head !== undefined) {
        expected.clear();
        return head;
      }
      // Whoever cannot have the file to himself goes on without one.
      if (turn === MOST_TURNS) {
        close();
        file = undefined;
      }
    }
  }).pipe(turns.withPermit);

  return {
    sync,
    scope,
    item: (id) => itemIn(opened().item(id)),
    sharing: (text) => opened().sharing(text).map((row) => itemIn(row)!),
    expect: (digest, text) => void expected.set(digest, text),
    close,
  };
};
