/**
 * Configured: the models of a workspace: those a person lists in `rmi.models.json`, language models of our own among its
 * artifacts, and the embedded one.
 *
 * Not a permission: a listed model is asked only within the authority of the call; its host must be allowed by the
 * policy, and its program named there.
 * Invariant: a list that cannot be understood is a failure with its place; nothing is asked while the list is read; an
 * id says what kind of model it is.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import * as Stream from "effect/Stream";
import { Programs, type ProgramsShape } from "../../../effects/mod.ts";
import { CallContext, type Cap, Disk, type Failure, isFailure, type KernelFailure } from "../../../kernel/mod.ts";
import type { Locality, ModelBackend, ModelCapabilities, ModelDescription, ModelKind } from "../contract.ts";
import type { ArtifactState } from "../../../registry/artifact.ts";
import type { ArtifactStore } from "../../../registry/artifact_store.ts";
import { Artifacts } from "../../../registry/contract.ts";
import { Backends, type BackendsShape } from "../../backends/contract.ts";
import { attempting, badModel, type NorionFailure } from "../failures.ts";
import { reaches } from "../routing/choose.ts";
import { commandModel } from "./command.ts";
import { BYTES, tokensWithin } from "./decoding.ts";
import { trouble } from "./finished.ts";
import { heuristicModel } from "./heuristic.ts";
import { httpModel } from "./http.ts";
import { placesOf, saidBy } from "./places.ts";
import { keepingCalls, readRecording, recordedModel, RECORDING_FORMAT, writeRecording } from "./recording.ts";

/** The list of models, in the workspace; a person's file, as the kernel process cannot write there. */
export const MODELS_FILE = "rmi.models.json";

/** Version of its format. */
export const MODELS_FORMAT = 1;

/** Most models of a list. */
export const MAX_MODELS = 64;

/** What calls of configured models use, each kind its part. */
export type ModelNeeds =
  | Cap<"network">
  | Cap<"env">
  | Cap<"exec">
  | Cap<"readLocal">
  | Cap<"writeLocal">
  | CallContext
  | Disk;

/** What reading the list uses; closing the scope frees models that were made ready. */
export type ListNeeds = Cap<"readLocal"> | CallContext | Disk | Scope.Scope;

const share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));
const positive = Schema.Finite.check(Schema.isGreaterThan(0));

/** What every entry may say of its model; routing goes by it. */
const Traits = {
  quality: Schema.optionalKey(share),
  cost: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  window: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 16, maximum: 2 ** 24 }))),
  latencyMs: Schema.optionalKey(positive),
  record: Schema.optionalKey(Schema.Boolean),
};

const idOf = (kind: string) =>
  Schema.String.check(
    Schema.isPattern(new RegExp(`^${kind}:[A-Za-z0-9][A-Za-z0-9._/-]{0,79}$`, "u"), {
      expected: `${kind}: and a name of letters, digits, . _ / and -`,
    }),
  );

const WebAddress = Schema.String.check(
  Schema.makeFilter((text: string) => /^https?:\/\/[^\s?#]+$/u.test(text) && URL.canParse(text) || "an http address"),
);

const Http = Schema.Struct({
  id: idOf("http"),
  url: WebAddress,
  model: Schema.NonEmptyString,
  keyVariable: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/u))),
  ...Traits,
});
const Command = Schema.Struct({ id: idOf("command"), program: Schema.NonEmptyString, ...Traits });
const Recorded = Schema.Struct({ id: idOf("recording"), file: Schema.NonEmptyString });

const Onnx = Schema.Struct({
  id: idOf("onnx"),
  artifact: Schema.NonEmptyString,
  end: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: BYTES, maximum: 2 ** 20 }))),
  ...Traits,
});

const Language = Schema.Struct({ id: idOf("language"), artifact: Schema.NonEmptyString, ...Traits });

type LanguageEntry = typeof Language.Type;
type OnnxEntry = typeof Onnx.Type;
type HttpEntry = typeof Http.Type;
type CommandEntry = typeof Command.Type;
type RecordedEntry = typeof Recorded.Type;
type Entry = HttpEntry | CommandEntry | RecordedEntry | OnnxEntry | LanguageEntry;

const ModelList = Schema.Struct({
  format: Schema.Literal(MODELS_FORMAT),
  models: Schema.Array(Schema.Union([Http, Command, Recorded, Onnx, Language])).check(Schema.isMaxLength(MAX_MODELS)),
});

const decodeList = Schema.decodeUnknownResult(Schema.fromJsonString(ModelList));

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/u;

/** Where the model behind an address runs: loopback is this machine. */
export const localityOf = (url: string): Locality => LOOPBACK.test(new URL(url).hostname) ? "machine" : "network";

const DEFAULTS = { quality: 0.6, cost: 0, window: 8192, latencyMs: 2000 } as const;

const described = (
  entry: HttpEntry | CommandEntry | OnnxEntry | LanguageEntry,
  kind: ModelKind,
  locality: Locality,
  capabilities: Partial<ModelCapabilities>,
  note: string,
): ModelDescription => ({
  id: entry.id,
  kind,
  locality,
  quality: entry.quality ?? DEFAULTS.quality,
  cost: entry.cost ?? DEFAULTS.cost,
  window: entry.window ?? DEFAULTS.window,
  latencyMs: entry.latencyMs ?? DEFAULTS.latencyMs,
  capabilities: { streaming: false, deterministic: false, countsTokens: true, cacheBlocks: false, ...capabilities },
  notes: [note],
});

/** What making backends needs. */
interface Makers {
  readonly programs: ProgramsShape;
  readonly artifacts: ArtifactStore;
  readonly backends: BackendsShape;
}

type Made = Effect.Effect<ModelBackend<ModelNeeds>, KernelFailure | NorionFailure, ListNeeds>;

const absolute = (folder: string, path: string): string =>
  /^(?:\/|[A-Za-z]:[\\/])/u.test(path) ? path : `${folder}/${path}`;

const makeHttp = (entry: HttpEntry): Made =>
  Effect.succeed(httpModel({
    url: entry.url,
    model: entry.model,
    ...(entry.keyVariable === undefined ? {} : { keyVariable: entry.keyVariable }),
    description: described(
      entry,
      "http",
      localityOf(entry.url),
      { streaming: true },
      `It is the model ${entry.model} behind ${new URL(entry.url).host}.`,
    ),
  }));

const makeCommand = (entry: CommandEntry, { programs }: Makers): Made =>
  Effect.succeed(commandModel({
    program: entry.program,
    programs,
    description: described(entry, "command", "machine", {}, `It is the program ${entry.program} of the policy file.`),
  }));

const makeRecorded = (entry: RecordedEntry): Made =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    const { workspace } = yield* CallContext;
    const text = yield* disk.readText(absolute(workspace, entry.file));
    const model = recordedModel(yield* attempting(() => readRecording(text)));
    return { ...model, describe: () => ({ ...model.describe(), id: entry.id }) };
  });

/** Bytes that an ONNX model of open size reads where nothing is said: each answered byte computes all of them. */
const ONNX_BYTES = 512;

/** A backend over an artifact that is read when it is first asked for. */
const lazily = (
  artifact: string,
  description: ModelDescription,
  { artifacts }: Makers,
  load: (bytes: Uint8Array) => Effect.Effect<ModelBackend, Failure>,
): Made => {
  let ready: ModelBackend | undefined;
  const read = artifacts.find(artifact).pipe(
    Effect.flatMap(({ digest }) => artifacts.read(digest)),
    Effect.flatMap(load),
    Effect.tap((model) => Effect.sync(() => (ready = model))),
    Effect.mapError((failure) => trouble("unavailable", failure.message)),
  );
  const loaded = Effect.suspend(() => ready === undefined ? read : Effect.succeed(ready));
  return Effect.succeed({
    describe: () => description,
    generate: (request) => Effect.flatMap(loaded, (model) => model.generate(request)),
    stream: (request) => Stream.unwrap(Effect.map(loaded, (model) => model.stream(request))),
  });
};

const makeOnnx = (entry: OnnxEntry, makers: Makers): Made => {
  const bytesRead = entry.window ?? ONNX_BYTES;
  const description: ModelDescription = {
    ...described(entry, "onnx", "process", { streaming: true }, `It is the ONNX model ${entry.artifact}.`),
    window: tokensWithin(bytesRead),
  };
  return lazily(entry.artifact, description, makers, (bytes) =>
    Effect.gen(function* () {
      // Tensor programs are loaded only where one is asked.
      const { onnxModel, readOnnxModel } = yield* Effect.promise(() => import("./onnx.ts"));
      const model = yield* attempting(() => readOnnxModel(bytes, bytesRead));
      const { backends } = makers;
      return onnxModel({ description, model, backends, ...(entry.end === undefined ? {} : { end: entry.end }) });
    }));
};

/** Bytes that a language model of ours reads and writes; the text of a request is held to it. */
const LANGUAGE_BYTES = 65_536;

/** Where nobody says how good one is: it goes on with text and was not taught to answer. */
const LANGUAGE_QUALITY = 0.1;

const makeLanguage = (entry: LanguageEntry, makers: Makers): Made => {
  const description: ModelDescription = {
    ...described(
      { quality: LANGUAGE_QUALITY, ...entry },
      "language",
      "process",
      { streaming: true, deterministic: true, cacheBlocks: true },
      `It is this project's own language model ${entry.artifact}: it continues text, byte by byte.`,
    ),
    window: Math.min(entry.window ?? Infinity, tokensWithin(LANGUAGE_BYTES)),
  };
  return Effect.flatMap(
    Effect.scope,
    (scope) =>
      lazily(entry.artifact, description, makers, (artifact) =>
        Effect.gen(function* () {
          const { languageModel } = yield* Effect.promise(() => import("./language.ts"));
          try {
            return languageModel({ description, artifact, held: LANGUAGE_BYTES, backends: makers.backends, scope });
          } catch (cause) {
            if (!isFailure(cause)) throw cause;
            return yield* Effect.fail(cause);
          }
        })),
  );
};

/** Media type of language models of ours (plugins/neural/language). */
export const LANGUAGE_MEDIA = "application/vnd.rmi.language+safetensors";

/** Names of the language models in the store that no entry speaks of. */
const unlisted = (entries: ReadonlyArray<Entry>, { names, artifacts }: ArtifactState): ReadonlyArray<LanguageEntry> =>
  Object.entries(names).flatMap(([name, digest]) => {
    const known = entries.some((entry) =>
      "artifact" in entry && (entry.artifact === digest || entry.artifact === name)
    );
    if (digest === null || known || artifacts[digest]?.media !== LANGUAGE_MEDIA) return [];
    return [{ id: `language:${name}`, artifact: name }];
  });

/** Folder of the recordings, in the output folder. */
export const RECORDINGS_FOLDER = "recordings";

/** A model whose calls are added to a recording in the output folder, one after another. */
const recorded = (model: ModelBackend<ModelNeeds>): ModelBackend<ModelNeeds> => {
  const turns = Semaphore.makeUnsafe(1);
  const description = model.describe();
  return keepingCalls(model, (call) =>
    Effect.gen(function* () {
      const disk = yield* Disk;
      const { outputFolder } = yield* CallContext;
      const file = `${outputFolder}/${RECORDINGS_FOLDER}/${description.id.replaceAll(/[:/]/gu, "-")}.json`;
      const before = (yield* disk.stat(file)) === undefined ? undefined : yield* disk.readText(file);
      const calls = before === undefined ? [] : (yield* attempting(() => readRecording(before))).calls;
      yield* disk.write(
        file,
        writeRecording({ format: RECORDING_FORMAT, model: description, calls: [...calls, call] }),
      );
    }).pipe(
      Effect.mapError((failure) => trouble("unavailable", `the call cannot be recorded: ${failure.message}`)),
      turns.withPermit,
    ));
};

const isOnnx = (entry: OnnxEntry | LanguageEntry): entry is OnnxEntry => entry.id.startsWith("onnx:");

const make = (entry: Entry, makers: Makers): Made =>
  "url" in entry
    ? makeHttp(entry)
    : "program" in entry
    ? makeCommand(entry, makers)
    : "artifact" in entry
    ? isOnnx(entry) ? makeOnnx(entry, makers) : makeLanguage(entry, makers)
    : makeRecorded(entry);

/** Reads a list of models; throws `NORION_MODELS` with the place of what is wrong. */
export const readModels = (text: string): ReadonlyArray<Entry> => {
  const read = decodeList(text, { onExcessProperty: "error" });
  if (Result.isFailure(read)) {
    throw badModel({ what: MODELS_FILE, reason: saidBy(read.failure), path: placesOf(read.failure)[0] });
  }
  const { models } = read.success;
  const twice = models.findIndex(({ id }, at) => models.findIndex((other) => other.id === id) < at);
  if (twice >= 0) {
    throw badModel({
      what: MODELS_FILE,
      reason: `the id ${models[twice].id} is taken`,
      path: `/models/${twice}/id`,
    });
  }
  return models;
};

/** The models of a workspace. */
export interface ModelsShape {
  /** Those within reach, the embedded one last. */
  readonly configured: (
    reach: Locality,
  ) => Effect.Effect<ReadonlyArray<ModelBackend<ModelNeeds>>, KernelFailure | NorionFailure, ListNeeds>;
}

const ModelsBase: Context.ServiceClass<Models, "rmi/Models", ModelsShape> = Context.Service<Models, ModelsShape>()(
  "rmi/Models",
);

/** The service of {@link ModelsShape}. */
export class Models extends ModelsBase {}

/** Models over what runs them. */
export const layerModels: Layer.Layer<Models, never, Programs | Artifacts | Backends> = Layer.effect(
  Models,
  Effect.gen(function* () {
    const makers: Makers = { programs: yield* Programs, artifacts: yield* Artifacts, backends: yield* Backends };
    return {
      configured: (reach) =>
        Effect.gen(function* () {
          const disk = yield* Disk;
          const { workspace } = yield* CallContext;
          const file = `${workspace}/${MODELS_FILE}`;
          const listed = (yield* disk.stat(file)) === undefined ? undefined : yield* disk.readText(file);
          const entries = listed === undefined ? [] : yield* attempting(() => readModels(listed));
          const state = yield* Effect.mapError(makers.artifacts.state, (failure) =>
            badModel({ what: "the store of artifacts", reason: failure.message }));
          const all = [...entries, ...unlisted(entries, state)];
          const models = yield* Effect.forEach(all, (entry) => {
            const kept = "record" in entry && entry.record === true;
            return Effect.map(make(entry, makers), (model) =>
              kept ? recorded(model) : model);
          });
          return [...models.filter((model) => reaches(reach, model.describe().locality)), heuristicModel];
        }),
    };
  }),
);

/** The models of this call's workspace within reach, the embedded one last. */
export const configuredModels = (
  reach: Locality,
): Effect.Effect<ReadonlyArray<ModelBackend<ModelNeeds>>, KernelFailure | NorionFailure, ListNeeds | Models> =>
  Effect.flatMap(Models, (models) => models.configured(reach));
