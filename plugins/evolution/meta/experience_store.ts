/**
 * Experience store: what runs found, kept among the artifacts, and asked for by what a new task is like.
 *
 * Invariant: what cannot be read back as an experience is no experience and is passed over, so that a damaged or newer
 * one never stops a run; suggestions depend on the stored experiences alone, not on the order they were stored in.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type { CapsOf } from "../../../kernel/authority.ts";
import type { CallContext } from "../../../kernel/context.ts";
import type { Digest } from "../../../kernel/digest.ts";
import { JsonValue } from "../../../kernel/failure.ts";
import { canonicalJson } from "../../../kernel/json.ts";
import type { ArtifactInfo } from "../../../registry/artifact.ts";
import type { ArtifactFailure } from "../../../registry/artifact_store.ts";
import { Artifacts } from "../../../registry/contract.ts";
import { bestOf, type Experience, suggestedSettings, type Suggestion, type WarmStartOptions } from "./experience.ts";
import { FEATURE_NAMES, type TaskFeatures } from "./features.ts";

/** Media type of an experience. */
export const EXPERIENCE_MEDIA = "application/vnd.rmi.evolution.experience+json";

/** Version of the stored form. */
export const EXPERIENCE_VERSION = 1;

/** Most experiences that are looked at, the newest first. */
export const MAX_EXPERIENCES = 500;

const Stored = Schema.Struct({
  version: Schema.Literal(EXPERIENCE_VERSION),
  space: Schema.String,
  features: Schema.Struct(Object.fromEntries(FEATURE_NAMES.map((name) => [name, Schema.Finite]))),
  tried: Schema.Array(Schema.Struct({ setting: JsonValue, score: Schema.Finite })),
});

/** An experience as bytes: its best settings. */
export const encodeExperience = (experience: Experience): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(
    canonicalJson({
      version: EXPERIENCE_VERSION,
      space: experience.space,
      features: { ...experience.features },
      tried: bestOf(experience).map(({ setting, score }) => ({ setting, score: score + 0 })),
    }),
  );

/** The experience of its bytes; none where they are not one of this version. */
export const decodeExperience = (bytes: Uint8Array): Option.Option<Experience> => {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return Option.none();
  }
  const read = Schema.decodeUnknownResult(Stored)(json);
  return Result.isSuccess(read)
    ? Option.some({
      space: read.success.space,
      features: read.success.features as TaskFeatures,
      tried: read.success.tried,
    })
    : Option.none();
};

/** Keeps what a run found on a task. */
export const remember = (
  experience: Experience,
  { name, references = [] }: { readonly name?: string; readonly references?: ReadonlyArray<Digest> } = {},
): Effect.Effect<ArtifactInfo, ArtifactFailure, Artifacts | CallContext | CapsOf<"readLocal" | "writeLocal">> =>
  Effect.flatMap(Artifacts, (store) =>
    store.put(encodeExperience(experience), {
      kind: "evidence",
      media: EXPERIENCE_MEDIA,
      description: `what was found in ${experience.space}`.slice(0, 200),
      references,
      tags: ["experience"],
      metrics: { tried: experience.tried.length },
    }, name));

/** All experiences that are stored, in the order of their digests. */
export const experiences: Effect.Effect<
  ReadonlyArray<Experience>,
  ArtifactFailure,
  Artifacts | CallContext | CapsOf<"readLocal">
> = Effect.gen(function* () {
  const store = yield* Artifacts;
  const { artifacts } = yield* store.state;
  const digests = Object.keys(artifacts).filter((digest) => artifacts[digest].media === EXPERIENCE_MEDIA)
    .sort((a, b) => artifacts[b].at.localeCompare(artifacts[a].at) || a.localeCompare(b))
    .slice(0, MAX_EXPERIENCES).sort() as ReadonlyArray<Digest>;
  const read = yield* Effect.forEach(
    digests,
    (digest) =>
      Effect.matchEffect(store.read(digest), {
        onSuccess: (bytes) => Effect.succeed(decodeExperience(bytes)),
        onFailure: (failure: ArtifactFailure): Effect.Effect<Option.Option<Experience>, ArtifactFailure> =>
          failure.code === "REGISTRY_ARTIFACT_DAMAGED" ? Effect.succeed(Option.none()) : Effect.fail(failure),
      }),
  );
  return read.flatMap((found) => Option.toArray(found));
});

/** The settings that a new run on a task should try first, from what is stored. */
export const warmStart = (
  { features, ...options }: WarmStartOptions & { readonly features: TaskFeatures },
): Effect.Effect<ReadonlyArray<Suggestion>, ArtifactFailure, Artifacts | CallContext | CapsOf<"readLocal">> =>
  Effect.map(experiences, (known) => suggestedSettings(known, features, options));
