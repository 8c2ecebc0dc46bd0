/**
 * Initialise: the first values of a network's tensors.
 *
 * Invariant: a tensor's values depend on the seed and its path alone (Philox 4x32-10 keyed by both), so adding, removing or
 * reordering layers leaves the others as they were, and no two tensors start alike.
 *
 * @module
 */
import { hashBytes } from "../../../kernel/digest.ts";
import type { ConcreteType, Tensor } from "../../ir/contract.ts";
import { elementCount, filled, isFloat, philox, printType, tensor } from "../../ir/library.ts";
import { qr } from "../../linalg/library.ts";
import type { Initializer, Network } from "../contract.ts";
import { badStart } from "../failures.ts";
import type { Start } from "./layer.ts";

/** What initial values are drawn from. */
export type Seed = number | string;

/** Most elements of one tensor. */
export const MAX_TENSOR_ELEMENTS: number = 2 ** 27;

/** Normal deviates beyond so many deviations are drawn again. */
export const TRUNCATED_AT = 2;

const WORDS = 4;
const UNIT_32 = 2 ** -32;

/** Numbers in (0, 1), by position: independent of the order in which they are asked for. */
type Uniform = (position: number, attempt?: number) => number;

const uniformOf = (seed: Seed, path: string): Uniform => {
  const bytes = hashBytes(new TextEncoder().encode(JSON.stringify([String(seed), path])));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const key = [view.getUint32(0, true), view.getUint32(4, true)] as const;
  let [at, turn, words] = [-1, 0, [0, 0, 0, 0] as ReturnType<typeof philox>];
  return (position, attempt = 0) => {
    const block = Math.floor(position / WORDS);
    if (block !== at || attempt !== turn) {
      [at, turn] = [block, attempt];
      words = philox([block >>> 0, Math.floor(block * UNIT_32), attempt, 0], key);
    }
    return (words[position % WORDS] + 0.5) * UNIT_32;
  };
};

/** A normal deviate from two uniforms (Box & Muller 1958). */
const normalAt = (uniform: Uniform, position: number, attempt = 0): number =>
  Math.sqrt(-2 * Math.log(uniform(2 * position, attempt))) * Math.cos(2 * Math.PI * uniform(2 * position + 1, attempt));

const truncatedAt = (uniform: Uniform, position: number): number => {
  for (let attempt = 0;; attempt++) {
    const drawn = normalAt(uniform, position, attempt);
    if (Math.abs(drawn) <= TRUNCATED_AT) return drawn;
  }
};

/** The matrix that a tensor is to its starts: the first axis, and all later ones as one. */
const matrixSizes = (shape: ReadonlyArray<number>): readonly [rows: number, columns: number] => [
  shape[0],
  elementCount(shape.slice(1)),
];

/** Orthonormal columns (rows, where there are fewer of them) from normal deviates: Q of their QR, R's diagonal positive. */
const orthogonal = (shape: ReadonlyArray<number>, uniform: Uniform): Float64Array => {
  const [rows, columns] = matrixSizes(shape);
  const [long, short] = [Math.max(rows, columns), Math.min(rows, columns)];
  const data = Float64Array.from({ length: long * short }, (_, i) => normalAt(uniform, i));
  const { q, r } = qr({ rows: long, columns: short, data });
  const sign = (column: number): number => r.data[column * short + column] < 0 ? -1 : 1;
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const [a, b] = rows >= columns ? [row, column] : [column, row];
    return q.data[a * short + b] * sign(b);
  });
};

/** Ones where row and column are equal; for kernels, in their middle (which keeps an image as it is). */
const identityAt = (shape: ReadonlyArray<number>): (i: number) => number => {
  const [, columns, ...kernel] = shape;
  const area = elementCount(kernel);
  const middle = kernel.reduce((at, size) => at * size + Math.floor(size / 2), 0);
  return (i) => i % area === middle && Math.floor(i / area / columns) === Math.floor(i / area) % columns ? 1 : 0;
};

/** In each column the same number of zeros, at the rows whose draws are smallest. */
const sparse = (shape: ReadonlyArray<number>, sparsity: number, uniform: Uniform, dense: (i: number) => number) => {
  const [rows, columns] = matrixSizes(shape);
  const made = Float64Array.from({ length: rows * columns }, (_, i) => dense(i));
  const zeros = Math.ceil(sparsity * rows);
  for (let column = 0; column < columns; column++) {
    const draws = Array.from({ length: rows }, (_, row) => [uniform(row * columns + column, 1), row] as const);
    for (const [, row] of draws.sort(([a], [b]) => a - b).slice(0, zeros)) made[row * columns + column] = 0;
  }
  return made;
};

/** Standard deviation of a scaled start. */
const deviationOf = (initial: Initializer): number => {
  switch (initial.kind) {
    case "xavierUniform":
    case "xavierNormal":
      return (initial.gain ?? 1) * Math.sqrt(2 / (initial.fan + initial.fanOut));
    case "kaimingUniform":
    case "kaimingNormal":
      return (initial.gain ?? 1) / Math.sqrt(initial.fan);
    default:
      return "deviation" in initial ? initial.deviation : 1;
  }
};

/** A uniform distribution reaches √3 deviations from its middle. */
const UNIFORM_REACH = Math.sqrt(3);

const floats = (initial: Initializer, shape: ReadonlyArray<number>, uniform: Uniform): Float64Array => {
  const length = elementCount(shape);
  const each = (value: (i: number) => number): Float64Array => {
    const values = new Float64Array(length);
    for (let i = 0; i < length; i++) values[i] = value(i);
    return values;
  };
  const deviation = deviationOf(initial);
  const within = (bound: number) => each((i) => (2 * uniform(i) - 1) * bound);
  switch (initial.kind) {
    case "uniform":
      return within(initial.bound);
    case "xavierUniform":
    case "kaimingUniform":
      return within(deviation * UNIFORM_REACH);
    case "normal":
    case "xavierNormal":
    case "kaimingNormal":
      return each((i) => normalAt(uniform, i) * deviation);
    case "truncatedNormal":
      return each((i) => truncatedAt(uniform, i) * deviation);
    case "orthogonal":
      return orthogonal(shape, uniform).map((value) => value * (initial.gain ?? 1));
    case "sparse":
      return sparse(shape, initial.sparsity, uniform, (i) => normalAt(uniform, i) * deviation);
    case "identity":
      return each(identityAt(shape));
    default:
      return each(() => 0);
  }
};

const EQUAL: { readonly [kind: string]: (initial: Initializer) => number } = {
  zeros: () => 0,
  ones: () => 1,
  constant: (initial) => initial.kind === "constant" ? initial.value : 0,
};

/** Kinds that are about matrices. */
const MATRICES: ReadonlySet<Initializer["kind"]> = new Set(["orthogonal", "sparse", "identity"]);

/** The first values of one tensor; throws `NEURAL_START`. */
export const initialTensor = (initial: Initializer, type: ConcreteType, path: string, seed: Seed): Tensor => {
  const unfit = (reason: string) => badStart({ tensor: `${path} ${printType(type)}`, kind: initial.kind, reason });
  const count = elementCount(type.shape);
  if (count > MAX_TENSOR_ELEMENTS) throw unfit(`it has more than ${MAX_TENSOR_ELEMENTS} elements`);
  const equal = EQUAL[initial.kind];
  if (equal !== undefined) return filled(type.dtype, type.shape, equal(initial));
  if (!isFloat(type.dtype)) throw unfit("only floats are drawn");
  if (MATRICES.has(initial.kind) && type.shape.length < 2) throw unfit("it is no matrix");
  const scale = deviationOf(initial);
  if (!Number.isFinite(scale)) throw unfit("its scale is not finite");
  return tensor(type.dtype, type.shape, floats(initial, type.shape, uniformOf(seed, path)));
};

/** The first values of a network's tensors, in the order of its programs' parameters. */
export interface InitialValues {
  /** Learned tensors. */
  readonly parameters: ReadonlyArray<Tensor>;
  /** State. */
  readonly state: ReadonlyArray<Tensor>;
}

/**
 * The first values of a network's tensors.
 *
 * @example
 * ```ts
 * import { initialValues, linear, networkOfLayers } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const network = networkOfLayers(linear({ width: 2 }), { x: "f32[B,4]" });
 * assert.deepEqual(initialValues(network, 7), initialValues(network, 7));
 * ```
 */
export const initialValues = ({ parameters, state }: Network, seed: Seed): InitialValues => {
  const start = ({ initial, type, path }: Network["state"][number]) => initialTensor(initial, type, path, seed);
  return { parameters: parameters.map(start), state: state.map(start) };
};

/** Inputs that an output sums over, and outputs that an input reaches: of a matrix [in, out] or a kernel [out, in, …]. */
export const fansOf = (shape: ReadonlyArray<number>): { readonly fan: number; readonly fanOut: number } => {
  const [first = 1, second = 1, ...kernel] = shape;
  const area = elementCount(kernel);
  return shape.length <= 2 ? { fan: first, fanOut: second } : { fan: second * area, fanOut: first * area };
};

/** What each kind of start can be told. */
export const STARTED: { readonly [K in Initializer["kind"]]: ReadonlyArray<string> } = {
  zeros: [],
  ones: [],
  identity: [],
  constant: ["value"],
  uniform: ["bound"],
  normal: ["deviation"],
  truncatedNormal: ["deviation"],
  xavierUniform: ["gain"],
  xavierNormal: ["gain"],
  kaimingUniform: ["gain"],
  kaimingNormal: ["gain"],
  orthogonal: ["gain"],
  sparse: ["sparsity", "deviation"],
};

/** A start as an initialiser for a shape; kinds that need a number have 1 (a sparsity: 0) where it is not said. */
export const startOf = (start: Start, shape: ReadonlyArray<number>): Initializer => {
  const { kind, value = 1, bound = 1, deviation = 1, sparsity = 0, gain = 1 } = start;
  const told = { value, bound, deviation, sparsity, gain };
  const { fan, fanOut } = fansOf(shape);
  const fans = kind.startsWith("xavier") ? { fan, fanOut } : kind.startsWith("kaiming") ? { fan } : {};
  const own = STARTED[kind].map((name) => [name, told[name as keyof typeof told]]);
  return { kind, ...fans, ...Object.fromEntries(own) } as unknown as Initializer;
};
