/**
 * Runtime: what is used of the optional package `onnxruntime-node`, and which of its execution providers work here.
 *
 * Not a dependency: the package is loaded when it is in the cache (registry/optional.ts) and never downloaded.
 * Invariant: a provider counts as there only after it has run a model.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { loadOptional } from "../../../registry/optional.ts";
import type { Dtype, Tensor } from "../../ir/contract.ts";
import { buildProgram, exportOnnx, type TensorData, tensorOf } from "../../ir/library.ts";
import { hasLibrary } from "../platform/libraries.ts";

/** A tensor of the package. */
export interface OrtTensor {
  /** Its elements. */
  readonly data: TensorData;
  /** Its sizes. */
  readonly dims: ReadonlyArray<number>;
}

/** Tensors by name. */
export type OrtValues = { readonly [name: string]: OrtTensor };

/** A model made ready. */
export interface OrtSession {
  /** Runs once. */
  readonly run: (feeds: OrtValues) => Promise<OrtValues>;
  /** Frees it. */
  readonly release: () => Promise<void>;
}

/** The package, as far as it is used. */
export interface OrtModule {
  /** Makes models ready. */
  readonly InferenceSession: {
    readonly create: (model: Uint8Array, options: { readonly [name: string]: unknown }) => Promise<OrtSession>;
  };
  /** Makes tensors. */
  readonly Tensor: new (type: string, data: TensorData, dims: ReadonlyArray<number>) => OrtTensor;
  /** What was built into it. */
  readonly listSupportedBackends: () => ReadonlyArray<{ readonly name: string; readonly bundled: boolean }>;
}

/** Names of the element types that go to the package and back. */
export const ORT_DTYPES: { readonly [D in Dtype]?: string } = {
  f32: "float32",
  f64: "float64",
  i32: "int32",
  i64: "int64",
  bool: "bool",
};

/** A tensor for the package; the elements are shared. */
export const toOrt = (module: OrtModule, { dtype, data, shape }: Tensor): OrtTensor =>
  new module.Tensor(ORT_DTYPES[dtype]!, data, shape);

/** A tensor from the package. */
export const fromOrt = (dtype: Dtype, { data, dims }: OrtTensor): Tensor => tensorOf(dtype, dims, data);

/** How a session is made: one provider, a number of threads. */
export const sessionOptions = (provider: string, threads: number): { readonly [name: string]: unknown } => ({
  executionProviders: [provider],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: "sequential",
  graphOptimizationLevel: "all",
  logSeverityLevel: 4,
});

/** The package and the providers that work. */
export interface Found {
  /** The package. */
  readonly module: OrtModule;
  /** Names of the providers, the CPU's last. */
  readonly providers: ReadonlyArray<string>;
}

/** What stands for the whole package being absent. */
export interface NotFound {
  /** Why. */
  readonly absent: string;
  /** What to do. */
  readonly remedy: string;
}

/** Libraries without which a provider can only complain: provider, system, name. */
const NEEDED: ReadonlyArray<readonly [provider: string, os: string, library: string]> = [
  ["webgpu", "linux", "libvulkan.so.1"],
];

const hasNeeded = (provider: string): boolean =>
  NEEDED.every(([needs, os, library]) => needs !== provider || hasLibrary(os, library));

/** Built in is not there: a provider must run a model to count. */
const works = (module: OrtModule, provider: string): Effect.Effect<boolean> =>
  Effect.map(
    Effect.result(Effect.tryPromise(async () => {
      const model = exportOnnx(buildProgram({ x: "f32[2]" }, (g, { x }) => g.add(x, x)));
      const session = await module.InferenceSession.create(model, sessionOptions(provider, 1));
      const { result0 } = await session.run({ x: new module.Tensor("float32", Float32Array.of(1, 2), [2]) });
      await session.release();
      return result0.data[1] === 4;
    })),
    (ran) => Result.isSuccess(ran) && ran.success,
  );

const PACKAGE = "onnxruntime-node";

/** Loads the package and tries its providers. */
export const findRuntime: Effect.Effect<Found | NotFound> = Effect.gen(function* () {
  const loaded = yield* Effect.result(loadOptional<OrtModule & { readonly default?: OrtModule }>(PACKAGE));
  if (Result.isFailure(loaded)) {
    return { absent: loaded.failure.message, remedy: `rmi install ${PACKAGE}, and allow ffi` };
  }
  const module = loaded.success;
  const built = module.listSupportedBackends().filter(({ bundled }) => bundled).map(({ name }) => name);
  const providers: string[] = [];
  for (const provider of [...built.filter((name) => name !== "cpu"), "cpu"]) {
    if (hasNeeded(provider) && (yield* works(module, provider))) providers.push(provider);
  }
  if (providers.length === 0) return { absent: `${PACKAGE} runs no model here`, remedy: `rmi install ${PACKAGE}` };
  return { module, providers };
});
