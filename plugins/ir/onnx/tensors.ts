/**
 * Tensors: ONNX's literals and element types, to and from the IR's.
 *
 * Invariant: a literal that is read has as many elements as its sizes say, each of its type's range.
 *
 * @module
 */
import { badOnnx, unsupportedOnnx } from "../failures.ts";
import { type Dtype, isFloat } from "../types.ts";
import {
  elementCount,
  fromBytes,
  fromFloats,
  fromIntegers,
  MAX_HELD_ELEMENTS,
  packedBytes,
  type Tensor,
  tensorOf,
  toBytes,
} from "../value.ts";
import { type Message, readMessage, type WireInteger, writeMessage } from "./protobuf.ts";
import { TENSOR, type TensorProto } from "./schema.ts";

/** Number ONNX gives each element type. */
export const ONNX_TYPES: { readonly [D in Dtype]: number } = {
  f32: 1,
  u8: 2,
  i8: 3,
  u16: 4,
  i16: 5,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
  u64: 13,
  bf16: 16,
  i4: 22,
};

const OTHER_TYPES: { readonly [number: number]: string } = {
  0: "undefined",
  8: "string",
  14: "complex64",
  15: "complex128",
  17: "float8e4m3fn",
  18: "float8e4m3fnuz",
  19: "float8e5m2",
  20: "float8e5m2fnuz",
  21: "uint4",
  23: "float4e2m1",
};

const BY_NUMBER: ReadonlyMap<number, Dtype> = new Map(
  Object.entries(ONNX_TYPES).map(([dtype, number]) => [number, dtype as Dtype]),
);

/** The element type of a number; throws `IR_ONNX_UNSUPPORTED` naming who asks. */
export const dtypeOf = (number: WireInteger | undefined, op: string, node: string): Dtype => {
  const dtype = BY_NUMBER.get(Number(number ?? 0));
  if (dtype !== undefined) return dtype;
  const name = OTHER_TYPES[Number(number ?? 0)] ?? `type ${number}`;
  throw unsupportedOnnx({ op, node, reason: `the IR has no ${name} tensors`, actual: name });
};

const sizesOf = ({ dims, name }: TensorProto): ReadonlyArray<number> => {
  const shape = dims.map(Number);
  const count = elementCount(shape);
  if (shape.every((size) => size >= 0) && count <= MAX_HELD_ELEMENTS) return shape;
  throw badOnnx({ reason: `tensor ${name ?? ""} has sizes [${shape.join(",")}]` });
};

/** The list field that holds a type's elements where there are no raw bytes. */
const listOf = (dtype: Dtype, proto: TensorProto): ReadonlyArray<WireInteger> => {
  if (dtype === "f32") return proto.floatData;
  if (dtype === "f64") return proto.doubleData;
  if (dtype === "i64") return proto.int64Data;
  return dtype === "u32" || dtype === "u64" ? proto.uint64Data : proto.int32Data;
};

const fromList = (dtype: Dtype, shape: ReadonlyArray<number>, list: ReadonlyArray<WireInteger>): Tensor => {
  if (dtype === "f16" || dtype === "bf16") return tensorOf(dtype, shape, Uint16Array.from(list, Number));
  if (isFloat(dtype)) return fromFloats(dtype, shape, Float64Array.from(list, Number));
  if (dtype === "bool") return tensorOf(dtype, shape, Uint8Array.from(list, (value) => Number(value) === 0 ? 0 : 1));
  return fromIntegers(dtype, shape, list.map(BigInt));
};

/** Four-bit elements lie two to a list entry, as they do in raw bytes. */
const unpackedNibbles = (list: ReadonlyArray<WireInteger>): Uint8Array =>
  Uint8Array.from(list, (pair) => Number(pair) & 255);

/** A tensor from its message. */
export const tensorFromProto = (proto: TensorProto, op: string, node: string): Tensor => {
  const shape = sizesOf(proto);
  const dtype = dtypeOf(proto.dataType, op, node);
  if (Number(proto.dataLocation ?? 0) !== 0 || proto.externalData.length > 0) {
    throw unsupportedOnnx({ op, node, reason: "its data lies in another file" });
  }
  const count = elementCount(shape);
  const raw = proto.rawData ?? (dtype === "i4" ? unpackedNibbles(proto.int32Data) : undefined);
  const list = listOf(dtype, proto);
  if (raw !== undefined && (raw.length > 0 || list.length === 0)) {
    const wanted = packedBytes(dtype, count);
    if (raw.length === wanted) return fromBytes(dtype, shape, raw);
    throw badOnnx({ reason: `tensor ${proto.name ?? node} takes ${wanted} bytes and has ${raw.length}` });
  }
  if (list.length === count) return fromList(dtype, shape, list);
  throw badOnnx({ reason: `tensor ${proto.name ?? node} takes ${count} elements and has ${list.length}` });
};

/** The message of a tensor. */
export const tensorToProto = (value: Tensor, name?: string): Message => ({
  dims: value.shape,
  dataType: ONNX_TYPES[value.dtype],
  rawData: toBytes(value),
  ...(name === undefined ? {} : { name }),
});

/** A tensor from the bytes of a TensorProto, such as the `.pb` files of the ONNX project's tests. */
export const readOnnxTensor = (bytes: Uint8Array): Tensor => {
  const proto = readMessage(bytes, TENSOR) as unknown as TensorProto;
  return tensorFromProto(proto, "TensorProto", proto.name ?? "");
};

/** The bytes of a tensor as a TensorProto. */
export const writeOnnxTensor = (value: Tensor, name?: string): Uint8Array<ArrayBuffer> =>
  writeMessage(tensorToProto(value, name), TENSOR);
