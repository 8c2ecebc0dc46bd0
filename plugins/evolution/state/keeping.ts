/**
 * Keeping: a run in the artifact store, from which it goes on after any interruption.
 *
 * Not what is stored (record.ts) and not the loop (durable.ts).
 * Invariant: a generation is acknowledged only when its state and its lineage are stored; a name means one run for ever;
 * the newest state keeps everything it refers to, older ones may be collected.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Ledger } from "../../../effects/mod.ts";
import type { CapsOf } from "../../../kernel/authority.ts";
import { CallContext } from "../../../kernel/context.ts";
import { type Digest, digestBytes } from "../../../kernel/digest.ts";
import { type Failure, failureToJson, type KernelFailure } from "../../../kernel/failure.ts";
import type { JsonObject } from "../../../kernel/json.ts";
import { unknownEntry } from "../../../kernel/mod.ts";
import { nearest } from "../../../kernel/nearest.ts";
import type { ArtifactFacts, ArtifactInfo } from "../../../registry/artifact.ts";
import type { ArtifactStore } from "../../../registry/artifact_store.ts";
import { Artifacts } from "../../../registry/contract.ts";
import { attempting } from "../attempting.ts";
import { badRun, type EvolutionFailure, takenRun } from "../failures.ts";
import {
  decodeForm,
  encodeForm,
  LINEAGE_FORM,
  LINEAGE_MEDIA,
  type LineageRow,
  RUN_FORM,
  RUN_MEDIA,
  type RunDocument,
  type RunRecord,
  STATE_FORM,
  STATE_MEDIA,
} from "./record.ts";

/** What reading a run needs. */
export type ReadsRuns = Artifacts | CallContext | CapsOf<"readLocal">;

/** What keeping one needs. */
export type KeepsRuns = Artifacts | Ledger | CallContext | CapsOf<"readLocal" | "writeLocal">;

/** Why a run cannot be read or kept. */
export type RunFailure = EvolutionFailure | KernelFailure;

/** States of a run that keep their name: the newest, and the one before it. */
export const NAMED_STATES = 2;

/** Types of the ledger's events. */
export const RUN_EVENTS = {
  started: "evolution.run.started",
  resumed: "evolution.run.resumed",
  ended: "evolution.run.ended",
} as const;

/** What a run is called and made of. */
export interface RunIdentity {
  /** Its name; `run-` and the beginning of its digest where absent. */
  readonly name?: string | undefined;
  /** The operation whose run it is. */
  readonly operation: string;
  /** Everything that its results depend on: not its workers, its budget, its name. */
  readonly spec: JsonObject;
  /** JSON pointer of the name in the operation's input. */
  readonly path?: string;
}

/** What a run adds when it is saved. */
export interface RunStep extends Omit<RunRecord, "run" | "lineage" | "ended"> {
  /** Candidates told since the last save. */
  readonly rows: ReadonlyArray<LineageRow>;
  /** Artifacts that its memory speaks of. */
  readonly references?: ReadonlyArray<Digest>;
  /** Values shown beside it in the store. */
  readonly metrics?: { readonly [name: string]: number };
}

/** A run that is open. */
export interface OpenRun {
  /** Its name. */
  readonly name: string;
  /** Digest of what it is. */
  readonly run: Digest;
  /** Where it stood when it was opened; absent for a new one. */
  readonly from: RunRecord | undefined;
  /** The artifact of that. */
  readonly stored: Digest | undefined;
  /** Stores where it stands. */
  readonly save: (step: RunStep) => Effect.Effect<ArtifactInfo, RunFailure, KeepsRuns>;
  /** Stores where it ended, and says so in the ledger. */
  readonly end: (step: RunStep, reason: string) => Effect.Effect<ArtifactInfo, RunFailure, KeepsRuns>;
}

/** Where a run stands, in a line. */
export interface RunLine {
  /** Its name. */
  readonly run: string;
  /** The operation whose run it is. */
  readonly operation: string;
  /** Generations told. */
  readonly generation: number;
  /** Candidates told. */
  readonly evaluations: number;
  /** Of these, how many failed. */
  readonly failures: number;
  /** Why it ended; `null` while it can go on. */
  readonly ended: string | null;
  /** The least value of each objective in the archive. */
  readonly least?: ReadonlyArray<number>;
}

/** A stored run. */
export interface StoredRun {
  /** Its name. */
  readonly name: string;
  /** What it is. */
  readonly document: RunDocument;
  /** Where it stands. */
  readonly record: RunRecord;
  /** The artifact of that. */
  readonly info: ArtifactInfo;
}

/** A failure of the store or the ledger as one of ours; those of the kernel stay what they are. */
const refusing = (run: string) =>
  Effect.mapError((failure: Failure): RunFailure =>
    failure.code.startsWith("KERNEL_") || failure.code.startsWith("EVOLUTION_")
      ? failure as RunFailure
      : badRun({ run, reason: failure.message, actual: failureToJson(failure) })
  );

/** `name@version` of the states of a run that are named, newest first. */
const namedStates = (store: ArtifactStore, run: string) =>
  Effect.map(store.state, ({ names, artifacts }) =>
    Object.keys(names)
      .filter((named) => named.startsWith(`${run}@`) && artifacts[names[named] ?? ""]?.media === STATE_MEDIA)
      .sort((a, b) => Number(b.slice(run.length + 1)) - Number(a.slice(run.length + 1)))
      .map((named) => ({ named, digest: names[named] as Digest })));

const newestOf = (store: ArtifactStore, run: string) =>
  Effect.gen(function* () {
    const [newest] = yield* namedStates(store, run);
    if (newest === undefined) return undefined;
    const info = yield* store.find(newest.digest);
    const bytes = yield* store.read(newest.digest);
    return { info, record: yield* attempting(() => decodeForm(STATE_FORM, bytes, run)) };
  });

/** The least value of each objective in an archive; absent while that is empty. */
export const leastOf = (archive: ReadonlyArray<LineageRow>): ReadonlyArray<number> | undefined =>
  archive[0]?.objectives?.map((_, m) => archive.reduce((least, row) => Math.min(least, row.objectives![m]), Infinity));

const LEAST = "least.";
const ENDED = "ended:";

/** What is shown of a state in the store, so that a list of runs reads none of them. */
const factsOf = (
  operation: string,
  { generation, evaluations, failures, archive, metrics }: RunStep,
  ended: string | null,
) => ({
  tags: ["evolution", operation, ...(ended === null ? [] : [`${ENDED}${ended.replace(/[^A-Za-z0-9._-]/gu, "-")}`])],
  metrics: {
    generation,
    evaluations,
    failures,
    ...Object.fromEntries((leastOf(archive) ?? []).map((value, m) => [`${LEAST}${m + 1}`, value])),
    ...metrics,
  },
});

const lineOf = (run: string, { tags, metrics }: Pick<ArtifactFacts, "tags" | "metrics">): RunLine => {
  const least = Object.keys(metrics).filter((name) => name.startsWith(LEAST))
    .sort((a, b) => Number(a.slice(LEAST.length)) - Number(b.slice(LEAST.length)));
  const ended = tags.find((tag) => tag.startsWith(ENDED));
  return {
    run,
    operation: tags.find((tag) => tag.includes(".") && !tag.startsWith(ENDED)) ?? "evolution",
    generation: metrics.generation,
    evaluations: metrics.evaluations,
    failures: metrics.failures,
    ended: ended === undefined ? null : ended.slice(ENDED.length),
    ...(least.length === 0 ? {} : { least: least.map((name) => metrics[name]) }),
  };
};

const facts = (given: Pick<ArtifactFacts, "media" | "description"> & Partial<ArtifactFacts>): ArtifactFacts => ({
  kind: "evidence",
  references: [],
  tags: ["evolution"],
  metrics: {},
  ...given,
});

const PREFIX = "run-";
const SHOWN_HEX = 12;

const nameOf = ({ name }: RunIdentity, run: Digest): string =>
  name ?? `${PREFIX}${run.slice("sha256:".length).slice(0, SHOWN_HEX)}`;

/** Tells the ledger about a run. */
const tell = (type: string, data: JsonObject) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger;
    const call = yield* CallContext;
    yield* ledger.append([{ type, actor: call.actor, call: call.id, data }]);
  });

/** Opens a run: a new one, or the one that was interrupted. */
export const openRun = (identity: RunIdentity): Effect.Effect<OpenRun, RunFailure, KeepsRuns> => {
  const { operation, spec } = identity;
  const document = encodeForm(RUN_FORM, { operation, spec });
  const run = digestBytes(document);
  const name = nameOf(identity, run);
  return Effect.gen(function* () {
    const store = yield* Artifacts;
    const newest = yield* newestOf(store, name);
    if (newest !== undefined && newest.record.run !== run) {
      const other = yield* documentOf(store, newest.record.run, name);
      return yield* takenRun({
        run: name,
        operation: other.operation,
        ...(identity.path === undefined ? {} : { path: identity.path }),
      });
    }
    yield* store.put(document, facts({ media: RUN_MEDIA, description: `settings of a run of ${operation}` }));
    if (newest === undefined) yield* tell(RUN_EVENTS.started, { run: name, operation, settings: run });
    return keeper(store, { name, run, operation }, newest);
  }).pipe(refusing(name));
};

/** The part of an open run that stores. */
const keeper = (
  store: ArtifactStore,
  { name, run, operation }: { readonly name: string; readonly run: Digest; readonly operation: string },
  newest: { readonly record: RunRecord; readonly info: ArtifactInfo } | undefined,
): OpenRun => {
  const from = newest?.record;
  let head = from?.lineage ?? null;
  let goesOn = from === undefined;
  const resumed = Effect.suspend(() => {
    if (goesOn) return Effect.void;
    goesOn = true;
    return tell(RUN_EVENTS.resumed, { run: name, operation, settings: run, generation: from!.generation });
  });
  const segment = (rows: ReadonlyArray<LineageRow>) =>
    Effect.gen(function* () {
      if (rows.length === 0) return head;
      const bytes = encodeForm(LINEAGE_FORM, { run, previous: head, rows });
      const info = yield* store.put(
        bytes,
        facts({
          media: LINEAGE_MEDIA,
          description: `lineage of generations ${rows[0].generation} to ${rows.at(-1)!.generation}`,
          references: head === null ? [run] : [run, head],
          metrics: { rows: rows.length },
        }),
      );
      return info.digest;
    });
  const keep = (step: RunStep, ended: string | null) =>
    Effect.gen(function* () {
      const { rows, references = [], metrics: _, ...stands } = step;
      yield* resumed;
      const lineage = yield* segment(rows);
      const info = yield* store.put(
        encodeForm(STATE_FORM, { ...stands, run, lineage, ended }),
        facts({
          media: STATE_MEDIA,
          description: `run of ${operation} after generation ${stands.generation}${ended === null ? "" : ": ended"}`,
          references: [run, ...(lineage === null ? [] : [lineage]), ...references],
          ...factsOf(operation, step, ended),
        }),
        name,
      );
      head = lineage;
      const old = (yield* namedStates(store, name)).slice(NAMED_STATES);
      yield* Effect.forEach(old, ({ named }) => store.unname(named), { discard: true });
      return info;
    });
  return {
    name,
    run,
    from,
    stored: newest?.info.digest,
    save: (step) => refusing(name)(keep(step, null)),
    end: (step, reason) =>
      Effect.gen(function* () {
        const info = yield* keep(step, reason);
        yield* tell(RUN_EVENTS.ended, {
          run: name,
          operation,
          settings: run,
          state: info.digest,
          lineage: head,
          generation: step.generation,
          evaluations: step.evaluations,
          reason,
        });
        return info;
      }).pipe(refusing(name)),
  };
};

const documentOf = (store: ArtifactStore, run: Digest, name: string) =>
  Effect.flatMap(store.read(run), (bytes) => attempting(() => decodeForm(RUN_FORM, bytes, name)));

/** All runs, by name, in a line each. */
export const runLines: Effect.Effect<ReadonlyArray<RunLine>, RunFailure, Artifacts> = Effect.gen(function* () {
  const { names, artifacts } = yield* (yield* Artifacts).state;
  const newest = new Map<string, number>();
  for (const named of Object.keys(names)) {
    if (artifacts[names[named] ?? ""]?.media !== STATE_MEDIA) continue;
    const at = named.lastIndexOf("@");
    const run = named.slice(0, at);
    newest.set(run, Math.max(newest.get(run) ?? 0, Number(named.slice(at + 1))));
  }
  return [...newest].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([run, version]) => lineOf(run, artifacts[names[`${run}@${version}`]!]));
}).pipe(refusing("*"));

/** Names of all runs, in the order of the alphabet. */
export const runNames: Effect.Effect<ReadonlyArray<string>, RunFailure, Artifacts> = Effect.map(
  runLines,
  (lines) => lines.map(({ run }) => run),
);

/** A stored run by its name. */
export const readRun = (name: string, path: string = "/run"): Effect.Effect<StoredRun, RunFailure, ReadsRuns> =>
  Effect.gen(function* () {
    const store = yield* Artifacts;
    const newest = yield* newestOf(store, name);
    if (newest === undefined) {
      const suggestions = nearest(name, yield* runNames, 3);
      return yield* unknownEntry({ kind: "run", name, listedBy: "evolution.status", path, suggestions });
    }
    return { name, ...newest, document: yield* documentOf(store, newest.record.run, name) };
  }).pipe(refusing(name));

/** A run's whole lineage in the order it was told, from its newest part. */
export const readLineage = (
  head: Digest | null,
  name: string,
): Effect.Effect<ReadonlyArray<LineageRow>, RunFailure, ReadsRuns> =>
  Effect.gen(function* () {
    const store = yield* Artifacts;
    const parts: Array<ReadonlyArray<LineageRow>> = [];
    for (let at = head; at !== null;) {
      const bytes = yield* store.read(at);
      const part = yield* attempting(() => decodeForm(LINEAGE_FORM, bytes, name));
      parts.push(part.rows);
      at = part.previous;
    }
    return parts.reverse().flat();
  }).pipe(refusing(name));
