/**
 * Artifact store: bytes by digest in the state folder, what is known of them in the ledger.
 *
 * Not versioned files: the same bytes are stored once, whatever they are called.
 * Invariant: bytes are on disk before an event speaks of them; reading checks the digest; nothing named, and nothing a
 * named one refers to, is ever collected.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Semaphore from "effect/Semaphore";
import type { EventDraft, LedgerFailure, LedgerShape } from "../effects/ledger.ts";
import {
  CallContext,
  type CapsOf,
  type Digest,
  digestBytes,
  type DiskShape,
  type FailureOf,
  isDigest,
  type Json,
  type KernelFailure,
  unknownEntry,
} from "../kernel/mod.ts";
import {
  ARTIFACT_EVENTS,
  type ArtifactFacts,
  artifactFold,
  type ArtifactInfo,
  type ArtifactState,
  infoOf,
  MAX_ARTIFACT_BYTES,
  nextName,
  reachable,
  resolveArtifact,
} from "./artifact.ts";
import { artifactDamaged, artifactDangling, artifactTooLarge } from "./failures.ts";

/** The folder of the bytes, below the state folder. */
export const ARTIFACT_FOLDER = "artifacts";

/** How old a file that no event speaks of must be before it is collected: another process may be storing it now. */
export const ORPHAN_AGE_MS = 3_600_000;

/** Digests of one event, which has a size limit. */
const COLLECTED_AT_ONCE = 500;

/** What can go wrong with an artifact. */
export type ArtifactFailure =
  | KernelFailure
  | LedgerFailure
  | FailureOf<"REGISTRY_ARTIFACT_DAMAGED">
  | FailureOf<"REGISTRY_ARTIFACT_SIZE">
  | FailureOf<"REGISTRY_ARTIFACT_REFERENCE">;

type Uses<A extends "readLocal" | "writeLocal"> = CallContext | CapsOf<A>;

/** What was collected. */
export interface Collected {
  /** Artifacts. */
  readonly digests: ReadonlyArray<Digest>;
  /** Bytes freed. */
  readonly bytes: number;
  /** Files nobody spoke of. */
  readonly orphans: number;
}

/** The store. */
export interface ArtifactStore {
  /** What is known of all artifacts. */
  readonly state: Effect.Effect<ArtifactState, ArtifactFailure>;
  /** Stores bytes, once for each digest, and names them where a name is given. */
  readonly put: (
    bytes: Uint8Array,
    facts: ArtifactFacts,
    name?: string,
  ) => Effect.Effect<ArtifactInfo, ArtifactFailure, Uses<"readLocal" | "writeLocal">>;
  /** What is known of the artifact a text means. */
  readonly find: (text: string, path?: string) => Effect.Effect<ArtifactInfo, ArtifactFailure>;
  /** Its bytes, checked. */
  readonly read: (digest: Digest) => Effect.Effect<Uint8Array, ArtifactFailure, Uses<"readLocal">>;
  /** Replaces its tags and metrics. */
  readonly change: (
    digest: Digest,
    facts: Pick<ArtifactFacts, "tags" | "metrics">,
    name?: string,
  ) => Effect.Effect<ArtifactInfo, ArtifactFailure, CallContext>;
  /** Gives a `name@version` up. */
  readonly unname: (named: string) => Effect.Effect<void, ArtifactFailure, CallContext>;
  /** Removes what nothing keeps; only tells what it would remove when `dry`. */
  readonly collect: (
    options: { readonly dry: boolean; readonly keep: ReadonlyArray<Digest> },
  ) => Effect.Effect<Collected, ArtifactFailure, Uses<"readLocal" | "writeLocal">>;
  /** Artifacts whose bytes are missing or wrong. */
  readonly damaged: Effect.Effect<ReadonlyArray<Digest>, ArtifactFailure, Uses<"readLocal">>;
}

const hexOf = (digest: Digest): string => digest.slice("sha256:".length);

const event = (type: string, data: { readonly [key: string]: Json }): Effect.Effect<EventDraft, never, CallContext> =>
  Effect.map(CallContext, (call) => ({ type, actor: call.actor, call: call.id, data }));

const normal = (facts: ArtifactFacts): ArtifactFacts => ({
  ...facts,
  tags: [...new Set(facts.tags)].sort(),
  references: [...new Set(facts.references)].sort(),
});

/** Opens the store. */
export const artifactStore = (ledger: LedgerShape, disk: DiskShape): Effect.Effect<ArtifactStore> =>
  Effect.gen(function* () {
    const lock = yield* Semaphore.make(1);
    const alone = lock.withPermits(1);
    const state = ledger.state(artifactFold);
    const folder = Effect.map(CallContext, ({ stateFolder }) => `${stateFolder}/${ARTIFACT_FOLDER}`);
    const fileOf = (digest: Digest) =>
      Effect.map(folder, (root) => `${root}/${hexOf(digest).slice(0, 2)}/${hexOf(digest)}`);
    const known = (digest: Digest) => Effect.map(state, (all) => infoOf(all, digest)!);

    const ensure = (digest: Digest, bytes: Uint8Array) =>
      Effect.gen(function* () {
        const file = yield* fileOf(digest);
        const found = yield* disk.stat(file);
        const whole = found?.size === bytes.length && digestBytes(yield* disk.read(file)) === digest;
        if (!whole) yield* disk.write(file, bytes);
      });

    const naming = (all: ArtifactState, digest: Digest, name: string | undefined) => {
      if (name === undefined) return undefined;
      const current = resolveArtifact(all, name);
      return Result.isSuccess(current) && current.success === digest ? undefined : nextName(all, name);
    };

    const put: ArtifactStore["put"] = (bytes, given, name) =>
      alone(Effect.gen(function* () {
        if (bytes.length > MAX_ARTIFACT_BYTES) {
          return yield* artifactTooLarge({ size: bytes.length, limit: MAX_ARTIFACT_BYTES });
        }
        const facts = normal(given);
        const all = yield* state;
        const missing = facts.references.findIndex((reference) => !Object.hasOwn(all.artifacts, reference));
        if (missing >= 0) {
          return yield* artifactDangling({ reference: facts.references[missing], path: `/references/${missing}` });
        }
        const digest = digestBytes(bytes);
        yield* ensure(digest, bytes);
        const named = naming(all, digest, name);
        const events = [
          ...(Object.hasOwn(all.artifacts, digest)
            ? []
            : [yield* event(ARTIFACT_EVENTS.put, { digest, size: bytes.length, facts: facts as unknown as Json })]),
          ...(named === undefined ? [] : [yield* event(ARTIFACT_EVENTS.named, { digest, named })]),
        ];
        if (events.length > 0) yield* ledger.append(events);
        // Another process may have collected the bytes between the two steps; now that they are spoken of, they stay.
        yield* ensure(digest, bytes);
        return yield* known(digest);
      }));

    const read: ArtifactStore["read"] = (digest) =>
      Effect.gen(function* () {
        const bytes = yield* disk.read(yield* fileOf(digest));
        const found = digestBytes(bytes);
        return found === digest ? bytes : yield* artifactDamaged({ digest, found });
      });

    const change: ArtifactStore["change"] = (digest, { tags, metrics }, name) =>
      alone(Effect.gen(function* () {
        const named = naming(yield* state, digest, name);
        yield* ledger.append([
          yield* event(ARTIFACT_EVENTS.changed, { digest, tags: [...new Set(tags)].sort(), metrics }),
          ...(named === undefined ? [] : [yield* event(ARTIFACT_EVENTS.named, { digest, named })]),
        ]);
        return yield* known(digest);
      }));

    const orphansIn = (root: string, spoken: ReadonlySet<string>) =>
      Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis;
        const found: Array<string> = [];
        if ((yield* disk.stat(root))?.kind !== "folder") return found;
        for (const part of yield* disk.list(root)) {
          for (const name of yield* disk.list(`${root}/${part}`)) {
            const stat = yield* disk.stat(`${root}/${part}/${name}`);
            const old = stat !== undefined && now - stat.modifiedMs > ORPHAN_AGE_MS;
            if (old && isDigest(`sha256:${name}`) && !spoken.has(`sha256:${name}`)) {
              found.push(`${root}/${part}/${name}`);
            }
          }
        }
        return found;
      });

    const collect: ArtifactStore["collect"] = ({ dry, keep }) =>
      alone(Effect.gen(function* () {
        const all = yield* state;
        const kept = reachable(all, keep);
        const digests = (Object.keys(all.artifacts) as ReadonlyArray<Digest>).filter((it) => !kept.has(it)).sort();
        const orphans = yield* orphansIn(yield* folder, new Set(Object.keys(all.artifacts)));
        const bytes = digests.reduce((sum, digest) => sum + all.artifacts[digest].size, 0);
        if (!dry) {
          for (let at = 0; at < digests.length; at += COLLECTED_AT_ONCE) {
            const part = digests.slice(at, at + COLLECTED_AT_ONCE);
            yield* ledger.append([yield* event(ARTIFACT_EVENTS.collected, { digests: part })]);
          }
          for (const digest of digests) yield* disk.remove(yield* fileOf(digest));
          for (const file of orphans) yield* disk.remove(file);
        }
        return { digests, bytes, orphans: orphans.length };
      }));

    return {
      state,
      put,
      read,
      change,
      collect,
      find: (text, path) =>
        Effect.flatMap(state, (all) => {
          const digest = resolveArtifact(all, text);
          return Result.isSuccess(digest) ? Effect.succeed(infoOf(all, digest.success)!) : Effect.fail(
            unknownEntry({
              kind: "artifact",
              name: text,
              listedBy: "registry.artifacts",
              path,
              suggestions: digest.failure,
            }),
          );
        }),
      unname: (named) =>
        Effect.gen(function* () {
          const all = yield* state;
          if (!Object.hasOwn(all.names, named) || all.names[named] === null) {
            const names = Object.keys(all.names).filter((name) => all.names[name] !== null);
            return yield* unknownEntry({
              kind: "artifact name",
              name: named,
              listedBy: "registry.artifacts",
              path: "/name",
              suggestions: names.slice(0, 3),
            });
          }
          yield* ledger.append([yield* event(ARTIFACT_EVENTS.unnamed, { named })]);
        }),
      damaged: Effect.gen(function* () {
        const all = yield* state;
        const found: Array<Digest> = [];
        for (const digest of Object.keys(all.artifacts).sort() as Array<Digest>) {
          const whole = yield* Effect.match(read(digest), { onFailure: () => false, onSuccess: () => true });
          if (!whole) found.push(digest);
        }
        return found;
      }),
    };
  });
