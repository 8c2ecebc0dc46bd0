/**
 * RMI model: the original's `.rmi` file of weights, read and written byte for byte.
 *
 * Little endian: `RMIMODEL`, u32 length of the metadata, metadata in JSON, u32 count of tensors; each tensor: u32 length
 * of its name, name, u32 rank, u64 sizes, u64 length of its bytes, f32 elements. Weights of networks of our own are kept
 * as safetensors, which knows every element type.
 * Invariant: unlike the original's reader, no length is believed before the bytes are there.
 *
 * @module
 */
import { elementCount, fromBytes, MAX_RANK, type Tensor, toBytes } from "../../ir/library.ts";
import { malformedWeights } from "../failures.ts";

const MAGIC = "RMIMODEL";

/** Most tensors of a file. */
export const MAX_MODEL_TENSORS = 1_000_000;

/** What a file says of its model. Members that are not listed are kept as they are. */
export interface RmiModelMetadata {
  /** The model's name. */
  readonly name?: string;
  /** Version of the program that wrote it. */
  readonly version?: string;
  /** Anything else. */
  readonly [member: string]: unknown;
}

/** A model file. */
export interface RmiModel {
  /** Tensors by name, in their order. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** What is said of the model. */
  readonly metadata: RmiModelMetadata;
}

/** The name of a parameter in a file. */
export const parameterName = (layer: number, parameter: number): string => `layer_${layer}.param_${parameter}`;

const refuse = (at: number | string, reason: string) =>
  malformedWeights({ format: ".rmi model", at: typeof at === "number" ? `byte ${at}` : at, reason });

/** Takes what it asks for, or refuses. */
class Reading {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  bytes(length: number, what: string): Uint8Array {
    const left = this.#bytes.length - this.at;
    if (!(length <= left)) throw refuse(this.at, `${what} takes ${length} bytes, and ${left} are left`);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  u32(what: string): number {
    this.bytes(4, what);
    return this.#view.getUint32(this.at - 4, true);
  }

  u64(what: string): number {
    this.bytes(8, what);
    const value = this.#view.getBigUint64(this.at - 8, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse(this.at - 8, `${what} of ${value} is too large`);
    return Number(value);
  }

  text(length: number, what: string): string {
    const from = this.at;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.bytes(length, what));
    } catch (thrown) {
      if (thrown instanceof TypeError) throw refuse(from, `${what} is not UTF-8`);
      throw thrown;
    }
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }
}

const metadataOf = (reading: Reading): RmiModelMetadata => {
  const length = reading.u32("the length of the metadata");
  const from = reading.at;
  const text = reading.text(length, "the metadata");
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as RmiModelMetadata;
  } catch {
    throw refuse(from, "the metadata are not JSON");
  }
  throw refuse(from, "the metadata are no object");
};

/** Reads a model file. */
export const readRmiModel = (bytes: Uint8Array): RmiModel => {
  const reading = new Reading(bytes);
  const magic = reading.bytes(Math.min(MAGIC.length, bytes.length), "the magic");
  if (new TextDecoder().decode(magic) !== MAGIC) throw refuse(0, `it does not begin with ${MAGIC}`);
  const metadata = metadataOf(reading);
  const count = reading.u32("the count of tensors");
  if (count > MAX_MODEL_TENSORS) {
    throw refuse(reading.at - 4, `${count} tensors exceed the limit of ${MAX_MODEL_TENSORS}`);
  }
  const tensors = new Map<string, Tensor>();
  for (let i = 0; i < count; i++) {
    const name = reading.text(reading.u32("the length of a name"), "a name");
    if (tensors.has(name)) throw refuse(`tensor "${name}"`, "its name is taken");
    const rank = reading.u32("a rank");
    if (rank > MAX_RANK) throw refuse(`tensor "${name}"`, `${rank} axes exceed the limit of ${MAX_RANK}`);
    const shape = Array.from({ length: rank }, () => reading.u64("a size"));
    const length = reading.u64("the length of its data");
    const wanted = elementCount(shape) * 4;
    if (length !== wanted) {
      throw refuse(`tensor "${name}"`, `sizes ${shape.join(" × ")} take ${wanted} bytes, and ${length} are declared`);
    }
    tensors.set(name, fromBytes("f32", shape, reading.bytes(length, `the data of "${name}"`)));
  }
  if (reading.left > 0) throw refuse(reading.at, `${reading.left} bytes follow the last tensor`);
  return { tensors, metadata };
};

/** Writes a model file; its tensors are f32. */
export const writeRmiModel = (
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  metadata: RmiModelMetadata,
): Uint8Array<ArrayBuffer> => {
  const encoder = new TextEncoder();
  const parts: Array<Uint8Array> = [];
  const number = (value: number, size: 4 | 8): void => {
    const view = new DataView(new ArrayBuffer(size));
    if (size === 4) view.setUint32(0, value, true);
    else view.setBigUint64(0, BigInt(value), true);
    parts.push(new Uint8Array(view.buffer));
  };
  const text = (value: string): void => {
    const bytes = encoder.encode(value);
    number(bytes.length, 4);
    parts.push(bytes);
  };
  const all = [...tensors];
  parts.push(encoder.encode(MAGIC));
  text(JSON.stringify(metadata));
  number(all.length, 4);
  const names = new Set<string>();
  for (const [name, tensor] of all) {
    if (tensor.dtype !== "f32") throw refuse(`tensor "${name}"`, `the format has f32 only, not ${tensor.dtype}`);
    if (names.has(name)) throw refuse(`tensor "${name}"`, "its name is taken");
    names.add(name);
    text(name);
    number(tensor.shape.length, 4);
    for (const size of tensor.shape) number(size, 8);
    const data = toBytes(tensor);
    number(data.length, 8);
    parts.push(data);
  }
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
};
