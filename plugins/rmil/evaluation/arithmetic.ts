/**
 * Arithmetic: exact integers and scalar floats.
 *
 * Not float tensors (lowering/elementwise.ts).
 * Invariant: an integer result is exact or refused (`RMIL_OVERFLOW`, `RMIL_DOMAIN`); an f32 result is rounded once from
 * binary64, which for + − · / and √ is the correctly rounded one.
 *
 * @module
 */
import { type Dtype, DTYPES } from "../dtype.ts";
import { outOfMemory, outsideDomain, overflow, wrongShape } from "../interpreter/failures.ts";
import { dtypeOfValue, floatScalar, numberOf, type RunValue, scalarTensor } from "../interpreter/run_value.ts";
import { meet, rangeOf } from "../lowering/promotion.ts";
import { i64, type TensorValue, tensorValue, toBigInt } from "../value.ts";

/** Largest exponent of an exact integer power whose base is not −1, 0 or 1: beyond it nothing fits 64 bits. */
const MAX_EXPONENT = 64n;

const power = (base: bigint, exponent: bigint): bigint => {
  if (exponent < 0n) throw outsideDomain({ op: "pow", reason: `the exponent ${exponent} of an integer is negative` });
  if (base >= -1n && base <= 1n) return exponent === 0n ? 1n : base === -1n && exponent % 2n === 0n ? 1n : base;
  return base ** (exponent > MAX_EXPONENT ? MAX_EXPONENT : exponent);
};

const divide = (a: bigint, b: bigint): bigint => {
  if (b === 0n) throw outsideDomain({ op: "div", reason: `${a} is divided by zero` });
  return a / b;
};

const inOrder = (low: number | bigint, high: number | bigint): void => {
  if (!(low <= high)) throw outsideDomain({ op: "clamp", reason: `${low} and ${high} are not in order` });
};

const larger = (a: bigint, b: bigint): bigint => a > b ? a : b;
const smaller = (a: bigint, b: bigint): bigint => a < b ? a : b;

type Integral = (...operands: ReadonlyArray<bigint>) => bigint;

const INTEGRAL: { readonly [op: string]: Integral } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: divide,
  neg: (a) => -a,
  abs: (a) => a < 0n ? -a : a,
  pow: power,
  max: larger,
  min: smaller,
  clamp: (x, low, high) => (inOrder(low, high), smaller(larger(x, low), high)),
  relu: (a) => larger(a, 0n),
  res_add: (a, b) => a + b,
};

const extremum = (choose: (a: number, b: number) => number) => (a: number, b: number): number =>
  Number.isNaN(a) ? b : Number.isNaN(b) ? a : choose(a, b);

const most = extremum(Math.max);
const least = extremum(Math.min);

type Floating = (...operands: ReadonlyArray<number>) => number;

const FLOATING: { readonly [op: string]: Floating } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  neg: (a) => -a,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  pow: Math.pow,
  max: most,
  min: least,
  clamp: (x, low, high) => (inOrder(low, high), Math.min(Math.max(x, low), high)),
  sin: Math.sin,
  cos: Math.cos,
  relu: (a) => a > 0 ? a : 0,
  sigmoid: (a) => a >= 0 ? 1 / (1 + Math.exp(-a)) : Math.exp(a) / (1 + Math.exp(a)),
  tanh: Math.tanh,
  res_add: (a, b) => a + b,
};

/** Whether an op has exact integer arithmetic. */
export const isIntegral = (op: string): boolean => Object.hasOwn(INTEGRAL, op);

const fitted = (op: string, result: bigint, operands: ReadonlyArray<bigint>, dtype: Dtype): bigint => {
  const [low, high] = rangeOf(dtype);
  if (result >= low && result <= high) return result;
  throw overflow({ op, operands: operands.join(", "), dtype });
};

/** An op on scalars, `undefined` where it is not for them: some operand is no number scalar, or the op no scalar one. */
export const scalarArithmetic = (op: string, operands: ReadonlyArray<RunValue>): RunValue | undefined => {
  let dtype: Dtype | undefined;
  for (const operand of operands) {
    if (operand.k !== "I64" && operand.k !== "F32" && operand.k !== "F64") return undefined;
    const own = dtypeOfValue(operand)!;
    dtype = dtype === undefined ? own : meet(dtype, own);
  }
  if (dtype === "i64") {
    const apply = INTEGRAL[op];
    if (apply === undefined) return undefined;
    const integers = operands.map((operand) => toBigInt(operand as { lo: number; hi: number }));
    return i64(fitted(op, apply(...integers), integers, "i64"));
  }
  const apply = FLOATING[op];
  return dtype === undefined || apply === undefined
    ? undefined
    : floatScalar(apply(...operands.map((operand) => numberOf(operand)!)), dtype === "f64");
};

const READ: { readonly [D in Dtype]?: (view: DataView, at: number) => bigint } = {
  i8: (view, at) => BigInt(view.getInt8(at)),
  i16: (view, at) => BigInt(view.getInt16(at, true)),
  i32: (view, at) => BigInt(view.getInt32(at, true)),
  i64: (view, at) => view.getBigInt64(at, true),
  u8: (view, at) => BigInt(view.getUint8(at)),
  u16: (view, at) => BigInt(view.getUint16(at, true)),
  u32: (view, at) => BigInt(view.getUint32(at, true)),
  u64: (view, at) => view.getBigUint64(at, true),
};

const WRITE: { readonly [D in Dtype]?: (view: DataView, at: number, value: bigint) => void } = {
  i8: (view, at, value) => view.setInt8(at, Number(value)),
  i16: (view, at, value) => view.setInt16(at, Number(value), true),
  i32: (view, at, value) => view.setInt32(at, Number(value), true),
  i64: (view, at, value) => view.setBigInt64(at, value, true),
  u8: (view, at, value) => view.setUint8(at, Number(value)),
  u16: (view, at, value) => view.setUint16(at, Number(value), true),
  u32: (view, at, value) => view.setUint32(at, Number(value), true),
  u64: (view, at, value) => view.setBigUint64(at, value, true),
};

const viewOf = ({ bytes }: TensorValue): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The integers of an integer tensor. */
export const integersOf = (tensor: TensorValue): ReadonlyArray<bigint> => {
  const view = viewOf(tensor);
  const size = DTYPES[tensor.dtype].bytes;
  const read = READ[tensor.dtype]!;
  return Array.from({ length: tensor.bytes.length / size }, (_, i) => read(view, i * size));
};

const broadcast = (op: string, tensors: ReadonlyArray<TensorValue>): ReadonlyArray<number> => {
  const rank = Math.max(...tensors.map(({ shape }) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    tensors.reduce((size, { shape }) => {
      const own = (shape[axis - rank + shape.length] ?? 1) as number;
      if (own === size || own === 1) return size;
      if (size === 1) return own;
      throw wrongShape({ op, reason: `shapes do not broadcast: ${size} and ${own}`, expected: size, actual: own });
    }, 1));
};

/** Most elements of an integer tensor that is computed. */
export const MAX_INTEGER_ELEMENTS: number = 2 ** 24;

/** Exact arithmetic of integer tensors, element by element, in the dtype they meet in. */
export const integerArithmetic = (op: string, operands: ReadonlyArray<RunValue>, dtype: Dtype): TensorValue => {
  const tensors = operands.map((operand) => scalarTensor(operand)!);
  const shape = broadcast(op, tensors);
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > MAX_INTEGER_ELEMENTS) throw outOfMemory({ what: "integers of a tensor", limit: MAX_INTEGER_ELEMENTS });
  const integers = tensors.map(integersOf);
  const steps = tensors.map((tensor) => {
    let step = 1;
    return shape.map((_, fromEnd) => {
      const own = tensor.shape[tensor.shape.length - 1 - fromEnd] as number | undefined;
      const stride = own === undefined || own === 1 ? 0 : step;
      step *= own ?? 1;
      return stride;
    });
  });
  const size = DTYPES[dtype].bytes;
  const bytes = new Uint8Array(count * size);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < count; at++) {
    const elements = integers.map((own, k) => {
      let rest = at;
      let place = 0;
      for (let fromEnd = 0; fromEnd < shape.length; fromEnd++) {
        const extent = shape[shape.length - 1 - fromEnd];
        place += (rest % extent) * steps[k][fromEnd];
        rest = Math.floor(rest / extent);
      }
      return own[place];
    });
    WRITE[dtype]!(view, at * size, fitted(op, INTEGRAL[op](...elements), elements, dtype));
  }
  return tensorValue(dtype, shape, bytes);
};
