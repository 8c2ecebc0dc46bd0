/**
 * Models: registering a model that was judged here, and letting one serve, each as one change that can be undone.
 *
 * Not training and not the search that found it. Invariant: nothing is registered on somebody's word: the value in the
 * document was measured by this very call, and is measured again before it is applied.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Evidence, Proposals } from "../../../effects/mod.ts";
import type { CapsOf } from "../../../kernel/authority.ts";
import type { CallContext } from "../../../kernel/context.ts";
import type { Digest } from "../../../kernel/digest.ts";
import { canonicalJson, type Json } from "../../../kernel/json.ts";
import type { ArtifactFailure } from "../../../registry/artifact_store.ts";
import { Artifacts } from "../../../registry/contract.ts";
import { type EvolutionFailure, unfitChange } from "../failures.ts";
import { assess, type Assessed, type ModelMetric } from "./assess.ts";
import {
  type ModelDocument,
  modelDomain,
  type ModelRow,
  promotion,
  promotionsMade,
  readModels,
  registration,
  rowId,
  versionsGiven,
} from "./model_document.ts";
import { type Admitted, admitting, keeping, type RoadFailure } from "./road.ts";

/** Media type of what was measured. */
export const ASSESSMENT_MEDIA = "application/vnd.rmi.evolution.assessment+json";

/** What registering and promoting need. */
export type AdmitsModels = Proposals | Artifacts | CallContext | CapsOf<"readLocal" | "writeLocal">;

/** Why a model cannot be registered or promoted. */
export type ModelFailure = RoadFailure | ArtifactFailure | EvolutionFailure;

/** A model to register. */
export interface Registration {
  /** The name of its kind: the domain is `models.` and this. */
  readonly name: string;
  /** The model: digest or name of an artifact. */
  readonly model: string;
  /** The data it is judged by, as a source of `neural.evaluate`. */
  readonly data: Json;
  /** Which part; test where absent. */
  readonly split?: "train" | "validation" | "test" | undefined;
  /** By what; accuracy of classes and r2 of numbers where absent. */
  readonly metric?: ModelMetric | undefined;
  /** Artifacts that tell how it came about: kept with the evidence. */
  readonly references?: ReadonlyArray<Digest> | undefined;
}

/** A registered model. */
export interface Registered extends Admitted {
  /** The id of its row. */
  readonly row: string;
  /** Its version. */
  readonly version: number;
  /** What was measured. */
  readonly assessed: Assessed;
  /** The artifact of that. */
  readonly assessment: Digest;
}

/** The document of a name, as it stands. */
export const modelsOf = (
  name: string,
): Effect.Effect<
  { readonly digest: Digest; readonly document: ModelDocument },
  RoadFailure | EvolutionFailure,
  Proposals
> =>
  Effect.gen(function* () {
    const { document, digest } = yield* (yield* Proposals).domain(modelDomain(name));
    const read = readModels(document);
    if (!("problem" in read)) return { digest, document: read };
    return yield* Effect.fail(unfitChange({ what: modelDomain(name), reason: read.problem, path: "/name" }));
  });

const witnessed = (evidence: Digest, { metric, value, samples }: ModelRow): Evidence => ({
  source: "benchmark",
  result: "measure",
  digest: evidence,
  summary: `${metric} ${value} on ${samples} samples`,
  metric,
  value,
});

/** Measures a model, keeps what was measured, and takes its registration along the road. */
export const registerModel = (asked: Registration): Effect.Effect<Registered, ModelFailure, AdmitsModels> =>
  Effect.gen(function* () {
    const { name, data, split = "test", references = [] } = asked;
    const store = yield* Artifacts;
    const info = yield* store.find(asked.model, "/model");
    const { digest, document } = yield* modelsOf(name);
    const row = rowId(info.digest);
    if (Object.hasOwn(document.rows, row)) {
      const reason = `${info.digest} is registered as version ${document.rows[row].version}`;
      return yield* Effect.fail(unfitChange({ what: modelDomain(name), reason, path: "/model" }));
    }
    const assessed = yield* assess({ model: info.digest, data, split, metric: asked.metric });
    const { value, metric, direction, samples } = assessed;
    if (!assessed.ok || value === undefined) {
      const reason = `the model does not pass: ${assessed.reasons.join(", ")}`;
      return yield* Effect.fail(
        unfitChange({ what: modelDomain(name), reason, path: "/model", actual: assessed as unknown as Json }),
      );
    }
    const said = { format: 1, model: info.digest, data, split, ...assessed } as unknown as Json;
    const evidence = yield* store.put(new TextEncoder().encode(canonicalJson(said)), {
      kind: "evidence",
      media: ASSESSMENT_MEDIA,
      description: `What was measured of a model of ${name}`,
      references: [info.digest, ...references.filter((one) => one !== info.digest)],
      tags: ["evolution"],
      metrics: { [metric]: value, samples },
    });
    const given = versionsGiven(yield* (yield* Proposals).list, modelDomain(name));
    const made: ModelRow = {
      model: info.digest,
      data,
      split,
      metric,
      direction,
      value,
      samples,
      bytes: info.size,
      evidence: evidence.digest,
      version: Math.max(0, ...given) + 1,
    };
    const admitted = yield* admitting(registration(name, digest, made), [witnessed(evidence.digest, made)]);
    yield* keeping(admitted, evidence.digest);
    return { ...admitted, row, version: made.version, assessed, assessment: evidence.digest };
  });

/** Lets a registered model serve, where it is no worse than the one in place on the same data. */
export const promoteModel = (
  { name, model }: { readonly name: string; readonly model: string },
): Effect.Effect<Admitted & { readonly row: string }, ModelFailure, AdmitsModels> =>
  Effect.gen(function* () {
    const { digest, document } = yield* modelsOf(name);
    const given = model.startsWith("m-") ? model : rowId((yield* (yield* Artifacts).find(model, "/model")).digest);
    const refuse = (reason: string) => {
      const suggestions = Object.keys(document.rows);
      return Effect.fail(unfitChange({ what: modelDomain(name), reason, path: "/model", suggestions }));
    };
    if (!Object.hasOwn(document.rows, given)) return yield* refuse(`${model} is not registered there`);
    if (document.champion?.row === given) return yield* refuse(`${model} serves already`);
    const row = document.rows[given];
    const nth = promotionsMade(yield* (yield* Proposals).list, modelDomain(name)) + 1;
    const admitted = yield* admitting(
      promotion(name, digest, document, { id: given, nth }),
      [witnessed(row.evidence, row)],
    );
    return { ...admitted, row: given };
  });
