/**
 * Handlers' common ground: models and checkpoints in the store of artifacts, and the backend of a call.
 *
 * Invariant: native code runs only under `ffi`; what is read from the store is checked as anything from outside.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { type CapsOf, using } from "../../kernel/authority.ts";
import type { CallContext } from "../../kernel/context.ts";
import type { Digest } from "../../kernel/digest.ts";
import { failureToJson, type KernelFailure } from "../../kernel/failure.ts";
import { facilityAbsent } from "../../kernel/mod.ts";
import type { ArtifactInfo } from "../../registry/artifact.ts";
import type { ArtifactFailure, ArtifactStore } from "../../registry/artifact_store.ts";
import { Artifacts } from "../../registry/contract.ts";
import { BACKENDS, Backends, type BackendsShape } from "../backends/library.ts";
import { badModel, type NeuralFailure } from "./failures.ts";
import { decodeModel, encodeModel, type Model, MODEL_MEDIA } from "./model.ts";
import type { Engine } from "./stepper.ts";
import { attempting, type BuildingFailure } from "./attempting.ts";

/** What a call that reads the store needs. */
export type Reads = CallContext | CapsOf<"readLocal">;

/** What a call that writes it needs. */
export type Writes = CallContext | CapsOf<"readLocal" | "writeLocal">;

/** The store. */
export const artifacts: Effect.Effect<ArtifactStore, KernelFailure> = Effect.flatMap(
  Effect.serviceOption(Artifacts),
  (found) =>
    Option.isSome(found)
      ? Effect.succeed(found.value)
      : Effect.fail(facilityAbsent({ facility: "stored models", reason: "this kernel has no store of artifacts" })),
);

/** A failure of the store as one of ours; those of the kernel stay what they are. */
export const storeFailure = (what: string, path: string) => (failure: ArtifactFailure): NeuralFailure | KernelFailure =>
  failure.code.startsWith("KERNEL_")
    ? failure as KernelFailure
    : badModel({ what, reason: failure.message, path, actual: failureToJson(failure) });

/** A model by digest or name, with what is known of it. */
export const modelFrom = (
  text: string,
  path = "/digest",
): Effect.Effect<{ readonly model: Model; readonly info: ArtifactInfo }, BuildingFailure | KernelFailure, Reads> =>
  Effect.gen(function* () {
    const store = yield* artifacts;
    const refused = Effect.mapError(storeFailure("model", path));
    const info = yield* refused(store.find(text, path));
    const bytes = yield* refused(store.read(info.digest));
    const model = yield* attempting(() => decodeModel(bytes));
    return { model, info };
  });

/** Most metrics of an artifact. */
const MAX_METRICS = 60;

/** Keeps a model. */
export const keepModel = (
  model: Model,
  { name, description, references = [] }: {
    readonly name?: string | undefined;
    readonly description: string;
    readonly references?: ReadonlyArray<Digest>;
  },
): Effect.Effect<ArtifactInfo, BuildingFailure | KernelFailure, Writes> =>
  Effect.gen(function* () {
    const store = yield* artifacts;
    const bytes = yield* attempting(() => encodeModel(model));
    const metrics = Object.fromEntries(Object.entries(model.metrics).slice(0, MAX_METRICS));
    return yield* store.put(
      bytes,
      { kind: "model", media: MODEL_MEDIA, description, references, tags: [], metrics },
      name,
    ).pipe(Effect.mapError(storeFailure("model", "/name")));
  });

/** Which backend a call runs on. */
export interface Running {
  /** Its id; the embedded one where absent. */
  readonly backend?: string;
  /** Threads. */
  readonly threads?: number;
}

/** The backend that is embedded: where nothing is said, results are the same on every machine. */
const EMBEDDED = "cpu";

const isNative = ({ backend }: Running): boolean => BACKENDS.some((row) => row.id === backend && row.native);

const engineOf = (backends: BackendsShape, running: Running): Engine => ({
  compile: (program, options = {}) =>
    Effect.map(
      backends.compile(program, {
        ...options,
        backend: running.backend ?? EMBEDDED,
        native: isNative(running),
        ...(running.threads === undefined ? {} : { threads: running.threads }),
      }),
      ({ executable }) => executable,
    ),
});

/** Runs with the engine of a call; under `ffi` where that is native. */
export const withEngine = <A, E, R>(running: Running, use: (engine: Engine) => Effect.Effect<A, E, R>) => {
  const body = Effect.flatMap(Effect.service(Backends), (backends) => use(engineOf(backends, running)));
  return isNative(running) ? using("ffi", running.backend ?? EMBEDDED, body) : body;
};
