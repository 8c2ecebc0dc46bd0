/**
 * Value: tensors in memory, every dtype, and the conversions between storage, numbers and packed bytes.
 *
 * Not a view library: data is dense and row-major, and nothing here is changed after it is made.
 * Invariant: the data has as many elements as the shape, of the storage its dtype has in `STORAGE`; NaN is one NaN.
 *
 * @module
 */
import { badValue, overLimit } from "./failures.ts";
import { decodeNarrow, encodeNarrow, type NarrowFloat, toOddFloat } from "./float.ts";
import { type ConcreteType, type Dtype, dtypeInfo, DTYPES, isFloat, printType } from "./types.ts";

/** Storage of tensor data: two-byte floats as bits, 4-bit integers and booleans one to a byte. */
export type TensorData =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** A tensor: type and elements, row-major. */
export interface Tensor extends ConcreteType {
  /** The elements. */
  readonly data: TensorData;
}

/** An element as the language sees it: bigint for i64 and u64, boolean for bool, number otherwise. */
export type Element = number | bigint | boolean;

/** Most elements of a tensor that is held in memory. */
export const MAX_HELD_ELEMENTS: number = 2 ** 28;

const STORAGE: { readonly [D in Dtype]: (length: number) => TensorData } = {
  f64: (length) => new Float64Array(length),
  f32: (length) => new Float32Array(length),
  f16: (length) => new Uint16Array(length),
  bf16: (length) => new Uint16Array(length),
  i64: (length) => new BigInt64Array(length),
  i32: (length) => new Int32Array(length),
  i16: (length) => new Int16Array(length),
  i8: (length) => new Int8Array(length),
  i4: (length) => new Int8Array(length),
  u64: (length) => new BigUint64Array(length),
  u32: (length) => new Uint32Array(length),
  u16: (length) => new Uint16Array(length),
  u8: (length) => new Uint8Array(length),
  bool: (length) => new Uint8Array(length),
};

/** Number of elements of sizes. */
export const elementCount = (shape: ReadonlyArray<number>): number => shape.reduce((count, size) => count * size, 1);

/** Bytes that elements of a dtype take when packed. */
export const packedBytes = (dtype: Dtype, elements: number): number => Math.ceil(elements * dtypeInfo(dtype).bits / 8);

/** A tensor of zeros. */
export const zeros = (dtype: Dtype, shape: ReadonlyArray<number>): Tensor => {
  const count = elementCount(shape);
  if (count > MAX_HELD_ELEMENTS) {
    throw overLimit({ what: "a tensor in memory", limit: MAX_HELD_ELEMENTS, found: count });
  }
  return { dtype, shape, data: STORAGE[dtype](count) };
};

/** A tensor over data that is already in its storage form. */
export const tensorOf = (dtype: Dtype, shape: ReadonlyArray<number>, data: TensorData): Tensor => {
  const wanted = STORAGE[dtype](0).constructor.name;
  if (data.constructor.name !== wanted || data.length !== elementCount(shape)) {
    throw badValue({
      type: printType({ dtype, shape }),
      reason: `it takes ${elementCount(shape)} elements in ${wanted}, not ${data.length} in ${data.constructor.name}`,
    });
  }
  return { dtype, shape, data };
};

/** Wraps an integer into a dtype. */
export const wrapInteger = (value: bigint, dtype: Dtype): bigint => {
  const { bits, signed } = dtypeInfo(dtype);
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
};

/** Smallest and largest integer of a dtype. */
export const integerRange = (dtype: Dtype): readonly [bigint, bigint] => {
  const { bits, signed } = dtypeInfo(dtype);
  return signed ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n] : [0n, (1n << BigInt(bits)) - 1n];
};

/** Puts one number into a float dtype and reads it back: the format's rounding. */
export const roundTo = (value: number, dtype: Dtype): number => {
  if (dtype === "f64") return value;
  if (dtype === "f32") return Math.fround(value);
  return decodeNarrow(encodeNarrow(value, dtype as NarrowFloat), dtype as NarrowFloat);
};

const isNarrow = (dtype: Dtype): dtype is NarrowFloat => dtype === "f16" || dtype === "bf16";

const isBig = (data: TensorData): data is BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer> =>
  data instanceof BigInt64Array || data instanceof BigUint64Array;

/** Integers while they are worked on: unsigned 64-bit where the dtype is, signed for all others. */
export type Integers = BigInt64Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>;

/** Room for integers of a dtype. */
export const integerBuffer = (dtype: Dtype, count: number): Integers =>
  dtype === "u64" ? new BigUint64Array(count) : new BigInt64Array(count);

/** Elements of a float tensor as binary64; the tensor's own data where it is f64, so not to be written to. */
export const toFloats = (tensor: Tensor): Float64Array => {
  if (tensor.data instanceof Float64Array) return tensor.data;
  if (!isNarrow(tensor.dtype)) return new Float64Array(tensor.data as Float32Array);
  const made = new Float64Array(tensor.data.length);
  for (let i = 0; i < made.length; i++) made[i] = decodeNarrow(tensor.data[i] as number, tensor.dtype);
  return made;
};

/** A float tensor from binary64 elements, each rounded once. */
export const fromFloats = (dtype: Dtype, shape: ReadonlyArray<number>, floats: Float64Array<ArrayBuffer>): Tensor => {
  if (dtype === "f64") return { dtype, shape, data: floats };
  if (dtype === "f32") return { dtype, shape, data: new Float32Array(floats) };
  const bits = new Uint16Array(floats.length);
  for (let i = 0; i < bits.length; i++) bits[i] = encodeNarrow(floats[i], dtype as NarrowFloat);
  return { dtype, shape, data: bits };
};

/** Elements of an integer or bool tensor as bigints; the tensor's own data where it is 64-bit, so not to be written to. */
export const toIntegers = (tensor: Tensor): Integers =>
  isBig(tensor.data) ? tensor.data : BigInt64Array.from(tensor.data as Int32Array, BigInt);

/** An integer or bool tensor from bigints, each wrapped. */
export const fromIntegers = (dtype: Dtype, shape: ReadonlyArray<number>, integers: ArrayLike<bigint>): Tensor => {
  const made = zeros(dtype, shape);
  const { data } = made;
  for (let i = 0; i < data.length; i++) {
    const wrapped = wrapInteger(integers[i], dtype);
    if (isBig(data)) data[i] = wrapped;
    else data[i] = Number(wrapped);
  }
  return made;
};

/** The element at a position of the data. */
export const elementAt = (tensor: Tensor, index: number): Element => {
  const { data, dtype } = tensor;
  if (dtype === "bool") return data[index] !== 0;
  if (isNarrow(dtype)) return decodeNarrow(data[index] as number, dtype);
  return data[index];
};

/** All elements, in order. */
export const elements = (tensor: Tensor): ReadonlyArray<Element> =>
  Array.from({ length: tensor.data.length }, (_, index) => elementAt(tensor, index));

/** A number, integer or boolean as an element of a dtype's storage; undefined when it is not one of its values. */
const storedInteger = (value: Element, dtype: Dtype): bigint | undefined => {
  if (typeof value === "number" && !Number.isSafeInteger(value)) return undefined;
  const integer = BigInt(value);
  const [low, high] = dtype === "bool" ? [0n, 1n] : integerRange(dtype);
  return integer >= low && integer <= high ? integer : undefined;
};

/** The integer as a float of a dtype, rounded once. */
export const integerToFloat = (value: bigint, dtype: Dtype): number =>
  dtype === "f64" ? Number(value) : roundTo(toOddFloat(value), dtype);

/**
 * A tensor from its elements. Floats are rounded; an integer that the dtype does not hold is refused.
 *
 * @example
 * ```ts
 * import { tensor, toNested } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * assert.deepEqual(toNested(tensor("f32", [2, 2], [1, 2, 3, 4])), [[1, 2], [3, 4]]);
 * ```
 */
export const tensor = (dtype: Dtype, shape: ReadonlyArray<number>, values: ArrayLike<Element>): Tensor => {
  const type = { dtype, shape };
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw badValue({ type: printType(type), reason: "its sizes are not whole numbers" });
  }
  const count = elementCount(shape);
  if (values.length !== count) {
    throw badValue({ type: printType(type), reason: `it has ${count} elements, not ${values.length}` });
  }
  const made = zeros(dtype, shape);
  for (let i = 0; i < values.length; i++) store(made, i, values[i], type);
  return made;
};

const store = (made: Tensor, index: number, value: Element, type: ConcreteType): void => {
  const { data, dtype } = made;
  if (isFloat(dtype)) {
    const rounded = typeof value === "bigint" ? integerToFloat(value, dtype) : Number(value);
    data[index] = isNarrow(dtype) ? encodeNarrow(rounded, dtype) : rounded;
    return;
  }
  const integer = storedInteger(value, dtype);
  if (integer === undefined) {
    throw badValue({ type: printType(type), reason: `element ${index}, ${value}, is not a ${dtype}` });
  }
  if (isBig(data)) data[index] = integer;
  else data[index] = Number(integer);
};

/** A scalar tensor. */
export const scalar = (dtype: Dtype, value: Element): Tensor => tensor(dtype, [], [value]);

/** A tensor whose elements are all the same. */
export const filled = (dtype: Dtype, shape: ReadonlyArray<number>, value: Element): Tensor => {
  const made = zeros(dtype, shape);
  (made.data as Float64Array).fill(scalar(dtype, value).data[0] as number);
  return made;
};

/** Elements as nested arrays; a scalar is its element. */
export const toNested = (of: Tensor): unknown => {
  let level: ReadonlyArray<unknown> = elements(of);
  for (let axis = of.shape.length - 1; axis >= 0; axis--) {
    const size = of.shape[axis];
    const outer = elementCount(of.shape.slice(0, axis));
    level = Array.from({ length: outer }, (_, row) => level.slice(row * size, (row + 1) * size));
  }
  return level[0];
};

/** The packed little-endian bytes of a tensor; two i4 elements share a byte, the first in the low half. */
export const toBytes = (of: Tensor): Uint8Array<ArrayBuffer> => {
  const { data, dtype } = of;
  const bytes = new Uint8Array(packedBytes(dtype, data.length));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) WRITE[dtype](view, i, data[i] as never);
  return bytes;
};

const QUIET_NAN_32 = 0x7fc00000;

const WRITE: { readonly [D in Dtype]: (view: DataView, index: number, value: never) => void } = {
  f64: (view, i, value: number) =>
    Number.isNaN(value) ? view.setBigUint64(i * 8, 0x7ff8000000000000n, true) : view.setFloat64(i * 8, value, true),
  f32: (view, i, value: number) =>
    Number.isNaN(value) ? view.setUint32(i * 4, QUIET_NAN_32, true) : view.setFloat32(i * 4, value, true),
  f16: (view, i, bits: number) =>
    view.setUint16(i * 2, (bits & 0x7fff) > 0x7c00 ? encodeNarrow(NaN, "f16") : bits, true),
  bf16: (view, i, bits: number) =>
    view.setUint16(i * 2, (bits & 0x7fff) > 0x7f80 ? encodeNarrow(NaN, "bf16") : bits, true),
  i64: (view, i, value: bigint) => view.setBigInt64(i * 8, value, true),
  i32: (view, i, value: number) => view.setInt32(i * 4, value, true),
  i16: (view, i, value: number) => view.setInt16(i * 2, value, true),
  i8: (view, i, value: number) => view.setInt8(i, value),
  i4: (view, i, value: number) => view.setUint8(i >> 1, view.getUint8(i >> 1) | ((value & 15) << ((i & 1) * 4))),
  u64: (view, i, value: bigint) => view.setBigUint64(i * 8, value, true),
  u32: (view, i, value: number) => view.setUint32(i * 4, value, true),
  u16: (view, i, value: number) => view.setUint16(i * 2, value, true),
  u8: (view, i, value: number) => view.setUint8(i, value),
  bool: (view, i, value: number) => view.setUint8(i, value),
};

const READ: { readonly [D in Dtype]: (view: DataView, index: number) => number | bigint } = {
  f64: (view, i) => view.getFloat64(i * 8, true),
  f32: (view, i) => view.getFloat32(i * 4, true),
  f16: (view, i) => view.getUint16(i * 2, true),
  bf16: (view, i) => view.getUint16(i * 2, true),
  i64: (view, i) => view.getBigInt64(i * 8, true),
  i32: (view, i) => view.getInt32(i * 4, true),
  i16: (view, i) => view.getInt16(i * 2, true),
  i8: (view, i) => view.getInt8(i),
  i4: (view, i) => (view.getUint8(i >> 1) << (28 - (i & 1) * 4)) >> 28,
  u64: (view, i) => view.getBigUint64(i * 8, true),
  u32: (view, i) => view.getUint32(i * 4, true),
  u16: (view, i) => view.getUint16(i * 2, true),
  u8: (view, i) => view.getUint8(i),
  bool: (view, i) => view.getUint8(i) === 0 ? 0 : 1,
};

/** A tensor from its packed little-endian bytes. */
export const fromBytes = (dtype: Dtype, shape: ReadonlyArray<number>, bytes: Uint8Array): Tensor => {
  const wanted = packedBytes(dtype, elementCount(shape));
  if (bytes.length !== wanted) {
    throw badValue({ type: printType({ dtype, shape }), reason: `it takes ${wanted} bytes, not ${bytes.length}` });
  }
  const made = zeros(dtype, shape);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < made.data.length; i++) made.data[i] = READ[dtype](view, i) as never;
  return made;
};

/** Whether a value is a tensor. */
export const isTensor = (value: unknown): value is Tensor =>
  typeof value === "object" && value !== null && "dtype" in value && "data" in value &&
  Object.hasOwn(DTYPES, String(value.dtype)) && ArrayBuffer.isView((value as { data: unknown }).data);
