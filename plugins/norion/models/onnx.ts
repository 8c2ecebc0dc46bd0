/**
 * ONNX: a causal model of the next byte from an ONNX file, run by this project's own backends.
 *
 * Not every language model: one whose tokens are bytes, with one input of tokens and one output of scores. A model with
 * another vocabulary is refused by its shape, as its tokens would mean something else.
 * Invariant: shapes are checked before anything runs, and that no score looks ahead, before the first answer.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { BackendsShape, Executable } from "../../backends/contract.ts";
import { signatureOf } from "../../backends/library.ts";
import {
  attempt,
  type ConcreteType,
  functionOf,
  importOnnx,
  isFloat,
  printType,
  type Program,
  symbolsOf,
  type Tensor,
  tensor,
  toFloats,
} from "../../ir/library.ts";
import type { ModelBackend, ModelDescription, ModelTrouble } from "../contract.ts";
import { badModel } from "../failures.ts";
import { byteModel, BYTES, tokensWithin } from "./decoding.ts";
import { trouble } from "./finished.ts";

/** A model of the next byte as a tensor program of known sizes. */
export interface OnnxModel {
  /** The program. */
  readonly program: Program;
  /** Numbers for its sizes. */
  readonly sizes: { readonly [name: string]: number };
  /** Tokens it reads at once. */
  readonly window: number;
  /** Tokens of its vocabulary. */
  readonly vocabulary: number;
  /** Type of its input. */
  readonly input: ConcreteType;
}

const refused = (reason: string, expected: string, actual: string) =>
  badModel({ what: "the ONNX model", reason, expected, actual });

const INPUT = "one input of tokens, i64[T] or i64[1,T] (or i32)";
const OUTPUT = `one output of scores, a float of shape [T,V] or [1,T,V] with V at least ${BYTES}`;

/** Sizes of an input: the last one is the window, a batch is one. */
const sizesOf = (shape: ReadonlyArray<number | string>, window: number): { readonly [name: string]: number } =>
  Object.fromEntries(
    shape.flatMap((size, axis) =>
      typeof size === "number"
        ? []
        : symbolsOf(size).map((name) => [name, axis === shape.length - 1 ? window : 1] as const)
    ),
  );

/** Reads a model and checks its shapes; throws `NORION_MODELS`. A model of fixed size keeps its own window. */
export const readOnnxModel = (bytes: Uint8Array, window: number): OnnxModel => {
  const read = attempt(() => importOnnx(bytes));
  if (Result.isFailure(read)) throw refused(read.failure.message, "an ONNX model", `${bytes.length} bytes`);
  const { program } = read.success;
  const { parameters } = functionOf(program);
  const [only] = parameters;
  const rank = only?.type.shape.length ?? 0;
  if (parameters.length !== 1 || !["i64", "i32"].includes(only.type.dtype) || rank < 1 || rank > 2) {
    throw refused("its inputs are others", INPUT, parameters.map(({ type }) => printType(type)).join(", "));
  }
  const sizes = sizesOf(only.type.shape, window);
  const signature = signatureOf(program, { sizes });
  if (Result.isFailure(signature)) throw refused(signature.failure.message, INPUT, printType(only.type));
  const { parameters: [input], results } = signature.success;
  const length = input.shape.at(-1)!;
  const [scores] = results;
  const vocabulary = scores?.shape.at(-1) ?? 0;
  const rows = (scores?.shape ?? []).slice(0, -1).reduce((product, size) => product * size, 1);
  const batched = input.shape.length === 2 && input.shape[0] !== 1;
  if (batched) throw refused("it reads several texts at once", INPUT, printType(input));
  if (results.length !== 1 || !isFloat(scores.dtype) || vocabulary < BYTES || rows !== length) {
    throw refused("its outputs are others", OUTPUT, results.map(printType).join(", "));
  }
  return { program, sizes, window: length, vocabulary, input };
};

const failed = (failure: { readonly message: string }): ModelTrouble => trouble("unavailable", failure.message);

/** Scores of all places for some tokens; what stands after them is filled. */
const scoresOf = (
  { window, input }: OnnxModel,
  executable: Executable,
  tokens: ReadonlyArray<number>,
  filler: (at: number) => number = () => 0,
): Effect.Effect<Float64Array, ModelTrouble> => {
  const padded = Array.from({ length: window }, (_, at) => tokens[at] ?? filler(at));
  const given: Tensor = tensor(input.dtype, input.shape, input.dtype === "i64" ? padded.map(BigInt) : padded);
  return executable.step([given]).pipe(
    Effect.mapBoth({ onSuccess: ([scores]) => toFloats(scores), onFailure: failed }),
  );
};

/** Scores before a place may differ by this much of the largest when what comes after it differs. */
const LEAST_CAUSAL = 1e-4;

/** A step through all bytes in an order that is not theirs. */
const STRIDE = 37;

/** Tokens of the text that is tried with two endings. */
const PROBE = [82, 77, 73];

/** Refuses a model whose scores hang on what comes after them: padding would change its answers. */
const checkCausal = (model: OnnxModel, executable: Executable): Effect.Effect<void, ModelTrouble> =>
  Effect.gen(function* () {
    const tokens = PROBE.slice(0, Math.max(1, Math.min(PROBE.length, model.window - 1)));
    const [zeros, others] = [
      yield* scoresOf(model, executable, tokens),
      yield* scoresOf(model, executable, tokens, (at) => (at * STRIDE + 1) % BYTES),
    ];
    const end = tokens.length * model.vocabulary;
    let [largest, difference] = [0, 0];
    for (let i = 0; i < end; i++) {
      largest = Math.max(largest, Math.abs(zeros[i]));
      difference = Math.max(difference, Math.abs(zeros[i] - others[i]));
    }
    if (!Number.isFinite(largest)) return yield* Effect.fail(trouble("garbage", "the model's scores are no numbers"));
    if (difference > LEAST_CAUSAL * Math.max(1, largest)) {
      return yield* Effect.fail(trouble("unavailable", "the model looks ahead: it is no model of the next byte"));
    }
  });

/** A model from an ONNX file: compiled once a call, checked, and asked byte by byte. */
export const onnxModel = (
  { description, model, backends, end }: {
    /** How it is declared; its kind is `onnx`. */
    readonly description: ModelDescription;
    /** The program. */
    readonly model: OnnxModel;
    /** What runs it. */
    readonly backends: BackendsShape;
    /** The mark that ends a text. */
    readonly end?: number;
  },
): ModelBackend =>
  byteModel({
    description: { ...description, window: tokensWithin(model.window) },
    bytes: model.window,
    ...(end === undefined ? {} : { end }),
    open: Effect.gen(function* () {
      const { executable } = yield* Effect.mapError(backends.compile(model.program, { sizes: model.sizes }), failed);
      yield* checkCausal(model, executable);
      const read: number[] = [];
      return {
        next: (tokens: ReadonlyArray<number>) =>
          Effect.gen(function* () {
            for (const token of tokens) read.push(token);
            const scores = yield* scoresOf(model, executable, read);
            const row = scores.subarray((read.length - 1) * model.vocabulary, read.length * model.vocabulary);
            return Float32Array.from(row);
          }),
      };
    }),
  });
