/**
 * Artifact: what is known of a stored thing (a program, weights, a model, a data set, evidence), and the fold of ledger
 * events that knows it.
 *
 * Not the bytes (registry/artifact_store.ts).
 * Invariant: a name with a version means one digest for ever; a reference is always to a stored artifact.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { Fold, LedgerEvent } from "../effects/ledger.ts";
import { Digest, isDigest, type Json, nearest } from "../kernel/mod.ts";

/** Kinds of artifacts. */
export const ARTIFACT_KINDS = ["program", "weights", "model", "dataset", "evidence"] as const;

/** One kind. */
export type ArtifactKind = typeof ARTIFACT_KINDS[number];

/** Bytes of one artifact. */
export const MAX_ARTIFACT_BYTES = 64 * 1024 * 1024;

/** Tags, metrics, and references of one artifact, each. */
export const MAX_ATTACHED = 64;

const Tag = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$/u, { expected: "letters, digits and . _ : / -" }),
);

/** Schema of an artifact's name. */
export const ArtifactName: Schema.Codec<string> = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9._-]{0,79}$/u, { expected: "lower-case letters, digits and . _ -" }),
);

/** Schema of tags. */
export const Tags: Schema.Codec<ReadonlyArray<string>> = Schema.Array(Tag).check(Schema.isMaxLength(MAX_ATTACHED));

/** Schema of metrics. */
export const Metrics: Schema.Codec<{ readonly [name: string]: number }> = Schema.Record(Tag, Schema.Finite).check(
  Schema.isMaxProperties(MAX_ATTACHED),
) as unknown as Schema.Codec<{ readonly [name: string]: number }>;

/** Schema of references. */
export const References: Schema.Codec<ReadonlyArray<Digest>> = Schema.Array(Digest).check(
  Schema.isMaxLength(MAX_ATTACHED),
) as unknown as Schema.Codec<ReadonlyArray<Digest>>;

/** What is said about an artifact when it is stored. */
export interface ArtifactFacts {
  /** Its kind. */
  readonly kind: ArtifactKind;
  /** Media type of its bytes. */
  readonly media: string;
  /** One line about it. */
  readonly description: string;
  /** Artifacts it needs. */
  readonly references: ReadonlyArray<Digest>;
  /** Tags, sorted. */
  readonly tags: ReadonlyArray<string>;
  /** Measured values by name. */
  readonly metrics: { readonly [name: string]: number };
}

/** Schema of {@link ArtifactFacts}. */
export const ArtifactFacts: Schema.Codec<ArtifactFacts> = Schema.Struct({
  kind: Schema.Literals(ARTIFACT_KINDS),
  media: Schema.String.check(Schema.isPattern(/^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,60}$/u, { expected: "a media type" })),
  description: Schema.String.check(Schema.isMaxLength(400)),
  references: References,
  tags: Tags,
  metrics: Metrics,
});

/** One stored artifact. */
export interface ArtifactInfo extends ArtifactFacts {
  /** Digest of its bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** When it was first stored, ISO 8601. */
  readonly at: string;
  /** Its names, `name@version`, oldest first. */
  readonly names: ReadonlyArray<string>;
}

/** Schema of {@link ArtifactInfo}. */
export const ArtifactInfo: Schema.Codec<ArtifactInfo> = Schema.Struct({
  ...(ArtifactFacts as unknown as { readonly fields: Schema.Struct.Fields }).fields,
  digest: Digest,
  size: Schema.Int,
  at: Schema.String,
  names: Schema.Array(Schema.String),
}) as unknown as Schema.Codec<ArtifactInfo>;

/** What the events say of all artifacts. */
export interface ArtifactState {
  /** By digest. */
  readonly artifacts: { readonly [digest: string]: Omit<ArtifactInfo, "names" | "digest"> };
  /** Digest by `name@version`; `null` once a name was given up, so that it never means something else. */
  readonly names: { readonly [named: string]: string | null };
}

/** Types of the events. */
export const ARTIFACT_EVENTS = {
  put: "artifact.put",
  changed: "artifact.changed",
  named: "artifact.named",
  unnamed: "artifact.unnamed",
  collected: "artifact.collected",
} as const;

type Step = (state: ArtifactState, data: { readonly [key: string]: Json }, event: LedgerEvent) => ArtifactState;

const STEPS: { readonly [type: string]: Step } = {
  [ARTIFACT_EVENTS.put]: (state, data, event) => {
    const digest = data.digest as string;
    if (Object.hasOwn(state.artifacts, digest)) return state;
    const info = { ...data.facts as unknown as ArtifactFacts, size: data.size as number, at: event.at };
    return { ...state, artifacts: { ...state.artifacts, [digest]: info } };
  },
  [ARTIFACT_EVENTS.changed]: (state, data) => {
    const digest = data.digest as string;
    const known = state.artifacts[digest];
    if (known === undefined) return state;
    const { tags, metrics } = data as unknown as Pick<ArtifactFacts, "tags" | "metrics">;
    return { ...state, artifacts: { ...state.artifacts, [digest]: { ...known, tags, metrics } } };
  },
  [ARTIFACT_EVENTS.named]: (state, data) =>
    Object.hasOwn(state.names, data.named as string)
      ? state
      : { ...state, names: { ...state.names, [data.named as string]: data.digest as string } },
  [ARTIFACT_EVENTS.unnamed]: (state, data) => ({ ...state, names: { ...state.names, [data.named as string]: null } }),
  [ARTIFACT_EVENTS.collected]: (state, data) => {
    const gone = new Set(data.digests as ReadonlyArray<string>);
    return {
      ...state,
      artifacts: Object.fromEntries(Object.entries(state.artifacts).filter(([digest]) => !gone.has(digest))),
    };
  },
};

/** The fold of all artifacts. */
export const artifactFold: Fold<ArtifactState> = {
  name: "registry.artifacts",
  version: 1,
  initial: { artifacts: {}, names: {} },
  step: (state, event) =>
    Object.hasOwn(STEPS, event.type)
      ? STEPS[event.type](state, event.data as { readonly [key: string]: Json }, event)
      : state,
};

const versionOf = (named: string): number => Number(named.slice(named.lastIndexOf("@") + 1));

/** Names given to an artifact, oldest version first. */
export const namesOf = (state: ArtifactState, digest: string): ReadonlyArray<string> =>
  Object.keys(state.names).filter((named) => state.names[named] === digest).sort((a, b) =>
    versionOf(a) - versionOf(b) || (a < b ? -1 : 1)
  );

/** Everything known of an artifact. */
export const infoOf = (state: ArtifactState, digest: Digest): ArtifactInfo | undefined =>
  Object.hasOwn(state.artifacts, digest)
    ? { ...state.artifacts[digest], digest, names: namesOf(state, digest) }
    : undefined;

/** The next free `name@version`: versions count from 1 and are never used again. */
export const nextName = (state: ArtifactState, name: string): string => {
  const taken = Object.keys(state.names).filter((named) => named.startsWith(`${name}@`)).map(versionOf);
  return `${name}@${Math.max(0, ...taken) + 1}`;
};

/** The newest `name@version` in use of a name. */
const newest = (state: ArtifactState, name: string): string | undefined =>
  Object.keys(state.names).filter((named) => named.startsWith(`${name}@`) && state.names[named] !== null)
    .sort((a, b) => versionOf(b) - versionOf(a))[0];

/** The artifact that a digest, a `name@version` or a name (its newest version) means; else the nearest names. */
export const resolveArtifact = (
  state: ArtifactState,
  text: string,
): Result.Result<Digest, ReadonlyArray<string>> => {
  const named = Object.hasOwn(state.names, text) ? text : newest(state, text) ?? "";
  const digest = isDigest(text) ? text : Object.hasOwn(state.names, named) ? state.names[named] : null;
  if (digest !== null && Object.hasOwn(state.artifacts, digest)) return Result.succeed(digest as Digest);
  const known = Object.keys(state.names).filter((it) => state.names[it] !== null);
  return Result.fail(nearest(text, [...known, ...known.map((it) => it.slice(0, it.lastIndexOf("@")))], 3));
};

/** What is kept: named artifacts, those in `keep`, and whatever those refer to, directly or not. */
export const reachable = (state: ArtifactState, keep: ReadonlyArray<string> = []): ReadonlySet<string> => {
  const kept = new Set<string>();
  const waiting = [...Object.values(state.names).filter((digest) => digest !== null), ...keep];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (kept.has(next)) continue;
    kept.add(next);
    if (Object.hasOwn(state.artifacts, next)) waiting.push(...state.artifacts[next].references);
  }
  return kept;
};

/** What a query asks for; absent conditions hold for all. */
export interface ArtifactQuery {
  /** Kind. */
  readonly kind?: ArtifactKind;
  /** A tag it must carry. */
  readonly tag?: string;
  /** A name, any version. */
  readonly name?: string;
  /** A metric it must have, within bounds. */
  readonly metric?: { readonly name: string; readonly least?: number; readonly most?: number };
}

/** Artifacts that fit a query, newest first, ties by digest. */
export const queryArtifacts = (state: ArtifactState, query: ArtifactQuery): ReadonlyArray<ArtifactInfo> => {
  const { kind, tag, name, metric } = query;
  const fits = (info: ArtifactInfo): boolean => {
    const value = metric === undefined || !Object.hasOwn(info.metrics, metric.name)
      ? undefined
      : info.metrics[metric.name];
    return (kind === undefined || info.kind === kind) &&
      (tag === undefined || info.tags.includes(tag)) &&
      (name === undefined || info.names.some((named) => named.startsWith(`${name}@`))) &&
      (metric === undefined ||
        value !== undefined && value >= (metric.least ?? -Infinity) && value <= (metric.most ?? Infinity));
  };
  return Object.keys(state.artifacts).map((digest) => infoOf(state, digest as Digest)!).filter(fits)
    .sort((a, b) => a.at < b.at ? 1 : a.at > b.at ? -1 : a.digest < b.digest ? -1 : 1);
};
