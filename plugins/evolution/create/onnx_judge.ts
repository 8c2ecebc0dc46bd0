/**
 * ONNX judge: what onnxruntime answers to an exported model, beside what the model itself answers.
 *
 * Not a backend: the optional package is loaded where it is in the cache, runs in WebAssembly and needs no permission.
 * Invariant: where nobody judged, the answer says why.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { loadOptional } from "../../../registry/optional.ts";
import type { ExportRecord } from "./result.ts";

/** The package that judges. */
export const JUDGE = "onnxruntime-web";

interface Value {
  readonly data: ArrayLike<number>;
  readonly dims: ReadonlyArray<number>;
}

interface Session {
  readonly inputNames: ReadonlyArray<string>;
  readonly outputNames: ReadonlyArray<string>;
  readonly run: (feeds: { readonly [name: string]: Value }) => Promise<{ readonly [name: string]: Value }>;
  readonly release: () => Promise<void>;
}

interface Package {
  readonly InferenceSession: { readonly create: (bytes: Uint8Array) => Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array, dims: ReadonlyArray<number>) => Value;
  readonly env: { readonly wasm: { numThreads: number }; logLevel?: string };
}

/** What is compared. */
export interface Compared {
  /** The exported bytes. */
  readonly bytes: Uint8Array;
  /** Samples, one after another. */
  readonly samples: Float32Array;
  /** Sizes of the samples together. */
  readonly shape: ReadonlyArray<number>;
  /** What the model answered, sample after sample. */
  readonly outputs: ArrayLike<number>;
  /** Whether the largest of a sample's outputs is its answer. */
  readonly classes: boolean;
}

/** How far an output may be off, relative to the largest output: two orders of summation in single precision. */
export const TOLERANCE = 1e-4;

const answersOf = async (found: Package, { bytes, samples, shape }: Compared): Promise<ArrayLike<number>> => {
  found.env.wasm.numThreads = 1;
  const session = await found.InferenceSession.create(bytes);
  try {
    const [input] = session.inputNames;
    const made = await session.run({ [input]: new found.Tensor("float32", samples, shape) });
    return made[session.outputNames[0]].data;
  } finally {
    await session.release();
  }
};

const largestAt = (values: ArrayLike<number>, at: number, count: number): number => {
  let best = at;
  for (let i = at + 1; i < at + count; i++) if (values[i] > values[best]) best = i;
  return best - at;
};

const compared = ({ outputs, shape, classes }: Compared, given: ArrayLike<number>): ExportRecord["verified"] => {
  const [count] = shape;
  const width = outputs.length / count;
  let [distance, largest, otherAnswers] = [0, 0, 0];
  for (let i = 0; i < outputs.length; i++) {
    distance = Math.max(distance, Math.abs(outputs[i] - given[i]));
    largest = Math.max(largest, Math.abs(outputs[i]));
  }
  for (let row = 0; row < count; row++) {
    const at = row * width;
    const differs = classes
      ? largestAt(outputs, at, width) !== largestAt(given, at, width)
      : Array.from({ length: width }, (_, i) => Math.abs(outputs[at + i] - given[at + i]))
        .some((off) => !(off <= TOLERANCE * Math.max(1, largest)));
    if (differs) otherAnswers++;
  }
  return { by: JUDGE, samples: count, otherAnswers, distance };
};

/**
 * Runs while nobody can put something else in the place of `Worker`: the package, once it runs, replaces it by that of
 * Node, with which our own workers cannot start.
 */
const withOwnWorkers = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const own = Object.getOwnPropertyDescriptor(globalThis, "Worker");
      const { Worker } = globalThis;
      Object.defineProperty(globalThis, "Worker", { configurable: true, get: () => Worker, set: () => {} });
      return own;
    }),
    () => effect,
    (own) => Effect.sync(() => own !== undefined && Object.defineProperty(globalThis, "Worker", own)),
  );

/** Runs an exported model by onnxruntime and compares its answers. */
export const judgeOnnx = (asked: Compared): Effect.Effect<ExportRecord["verified"]> => withOwnWorkers(judged(asked));

const judged = (asked: Compared): Effect.Effect<ExportRecord["verified"]> =>
  Effect.match(loadOptional<Package & { readonly default?: Package }>(JUDGE), {
    onFailure: ({ fix }) => ({
      absent: `${JUDGE} is not installed${fix?.command === undefined ? "" : `: ${fix.command}`}`,
    }),
    onSuccess: (found) => found.InferenceSession === undefined ? found.default! : found,
  }).pipe(Effect.flatMap((found): Effect.Effect<ExportRecord["verified"]> => {
    if ("absent" in found) return Effect.succeed(found);
    return Effect.match(Effect.tryPromise(() => answersOf(found, asked)), {
      onSuccess: (given) => compared(asked, given),
      onFailure: ({ cause }) => ({ absent: `${JUDGE} could not run it: ${String(cause)}` }),
    });
  }));
