/**
 * IDX: the format of MNIST: a magic number with element type and rank, big-endian sizes, big-endian elements.
 *
 * Source: LeCun, Cortes & Burges, the MNIST database. Not compressed (inflate.ts).
 * Invariant: what is declared is checked against what is there before anything is made.
 *
 * @module
 */
import { type Dtype, dtypeInfo, elementCount, fromBytes, type Tensor } from "../../ir/library.ts";
import { malformedData } from "../failures.ts";

/** Element types by their number in the magic. */
const TYPES: { readonly [code: number]: Dtype } = {
  0x08: "u8",
  0x09: "i8",
  0x0b: "i16",
  0x0c: "i32",
  0x0d: "f32",
  0x0e: "f64",
};

/** Most axes that are read. */
export const MAX_IDX_RANK = 8;

/** Puts the bytes of every element into the other order. */
export const swapBytes = (bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(bytes);
  if (size === 1) return made;
  for (let at = 0; at + size <= made.length; at += size) made.subarray(at, at + size).reverse();
  return made;
};

/** Reads a tensor. */
export const readIdx = (bytes: Uint8Array): Tensor => {
  const refuse = (at: number, reason: string) => malformedData({ format: "IDX", at: `byte ${at}`, reason });
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0) throw refuse(0, "it does not begin with two zeros");
  const dtype = TYPES[bytes[2]];
  if (dtype === undefined) throw refuse(2, `there is no element type ${bytes[2]}`);
  const rank = bytes[3];
  if (rank > MAX_IDX_RANK) throw refuse(3, `${rank} axes are more than ${MAX_IDX_RANK}`);
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw refuse(4, "its sizes are cut off");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = dtypeInfo(dtype).bits / 8;
  const wanted = elementCount(shape) * size;
  if (bytes.length - start !== wanted) {
    throw refuse(start, `sizes ${shape.join(" × ")} take ${wanted} bytes, and ${bytes.length - start} follow`);
  }
  return fromBytes(dtype, shape, swapBytes(bytes.subarray(start), size));
};
