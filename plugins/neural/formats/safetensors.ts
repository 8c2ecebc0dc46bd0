/**
 * Safetensors: tensors by name behind a JSON header, as the published format says.
 *
 * Source: huggingface/safetensors, "Format". Little endian: u64 length of the header, the header, the bytes.
 * Invariant: the tensors cover the bytes without a hole and without sharing any; what the header declares is checked
 * against the bytes that are there before anything is made.
 *
 * @module
 */
import { canonicalJson } from "../../../kernel/json.ts";
import {
  type Dtype,
  dtypeInfo,
  elementCount,
  fromBytes,
  MAX_RANK,
  packedBytes,
  type Tensor,
  toBytes,
} from "../../ir/library.ts";
import { malformedWeights } from "../failures.ts";

/** Longest header: the format's own limit. */
export const MAX_SAFETENSORS_HEADER = 100_000_000;

/** The format's names of element types; i4 has none. */
const NAMES: { readonly [name: string]: Dtype } = {
  F64: "f64",
  F32: "f32",
  F16: "f16",
  BF16: "bf16",
  I64: "i64",
  I32: "i32",
  I16: "i16",
  I8: "i8",
  U64: "u64",
  U32: "u32",
  U16: "u16",
  U8: "u8",
  BOOL: "bool",
};

const METADATA = "__metadata__";
const HEADER_AT = 8;

/** Tensors and what is said of them. */
export interface Safetensors {
  /** Tensors by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Texts by name. */
  readonly metadata: { readonly [name: string]: string };
}

const refuse = (at: string, reason: string) => malformedWeights({ format: "safetensors", at, reason });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Names of the first level of a JSON object's text, with repetitions, which a parser would swallow. */
const topLevelNames = (text: string): ReadonlyArray<string> => {
  const names: Array<string> = [];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === '"') {
      const from = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === "\\") at++;
      let next = at + 1;
      while (" \t\r\n".includes(text[next])) next++;
      if (depth === 1 && text[next] === ":") names.push(JSON.parse(text.slice(from, at + 1)));
    }
  }
  return names;
};

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: ReadonlyArray<number>;
  readonly from: number;
  readonly to: number;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const entryOf = (name: string, value: unknown, size: number): Entry => {
  const at = `tensor "${name.slice(0, 80)}"`;
  if (!isRecord(value)) throw refuse(at, "it is described by no object");
  const { dtype, shape, data_offsets: offsets, ...rest } = value;
  if (Object.keys(rest).length > 0) throw refuse(at, `it has a member ${Object.keys(rest)[0].slice(0, 40)}`);
  const known = typeof dtype === "string" && Object.hasOwn(NAMES, dtype) ? NAMES[dtype] : undefined;
  if (known === undefined) throw refuse(at, `element type ${JSON.stringify(dtype)?.slice(0, 40)} is not known`);
  if (!Array.isArray(shape) || !shape.every(isCount) || shape.length > MAX_RANK) {
    throw refuse(at, `its shape is no list of at most ${MAX_RANK} sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw refuse(at, "its data_offsets are no two whole numbers");
  }
  const [from, to] = offsets as [number, number];
  if (!(from <= to && to <= size)) throw refuse(at, `bytes ${from} to ${to} lie outside the ${size} that are there`);
  const wanted = elementCount(shape) * dtypeInfo(known).bits / 8;
  if (wanted !== to - from) throw refuse(at, `it takes ${wanted} bytes, and ${to - from} are given to it`);
  return { name, dtype: known, shape, from, to };
};

const metadataOf = (value: unknown): Safetensors["metadata"] => {
  if (value === undefined) return {};
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === "string")) {
    throw refuse(METADATA, "it is no object of texts");
  }
  return value as Safetensors["metadata"];
};

const headerOf = (bytes: Uint8Array): { readonly header: Record<string, unknown>; readonly start: number } => {
  if (bytes.length < HEADER_AT) throw refuse("byte 0", "the length of the header is cut off");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > MAX_SAFETENSORS_HEADER) {
    throw refuse("byte 0", `a header of ${length} bytes exceeds the limit of ${MAX_SAFETENSORS_HEADER}`);
  }
  if (HEADER_AT + length > bytes.length) throw refuse("byte 0", `a header of ${length} bytes is not there`);
  if (bytes[HEADER_AT] !== 0x7b) throw refuse(`byte ${HEADER_AT}`, "the header does not begin with {");
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(HEADER_AT, HEADER_AT + length));
    header = JSON.parse(text);
  } catch {
    throw refuse(`byte ${HEADER_AT}`, "the header is not JSON in UTF-8");
  }
  const names = topLevelNames(text);
  const twice = new Set(names).size === names.length ? undefined : names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refuse("its header", `two tensors are named "${twice.slice(0, 80)}"`);
  return { header: header as Record<string, unknown>, start: HEADER_AT + length };
};

/** Reads tensors and metadata. */
export const readSafetensors = (bytes: Uint8Array): Safetensors => {
  const { header, start } = headerOf(bytes);
  const size = bytes.length - start;
  const entries = Object.entries(header).filter(([name]) => name !== METADATA)
    .map(([name, value]) => entryOf(name, value, size))
    .sort((a, b) => a.from - b.from || a.to - b.to);
  let covered = 0;
  for (const { name, from, to } of entries) {
    if (from !== covered) {
      throw refuse(
        `tensor "${name}"`,
        from < covered ? "it shares bytes with another one" : `there is a hole before it`,
      );
    }
    covered = to;
  }
  if (covered !== size) throw refuse(`byte ${start + covered}`, `${size - covered} bytes belong to no tensor`);
  return {
    tensors: new Map(
      entries.map(({ name, dtype, shape, from, to }) => [
        name,
        fromBytes(dtype, shape, bytes.subarray(start + from, start + to)),
      ]),
    ),
    metadata: metadataOf(header[METADATA]),
  };
};

/** The header is filled with spaces so that the tensors' bytes begin at a multiple of this. */
const ALIGNMENT = 8;

/**
 * Writes tensors and metadata. Tensors with larger elements come first, then by name, so every tensor is aligned and the
 * same tensors give the same bytes.
 *
 * @example
 * ```ts
 * import { readSafetensors, writeSafetensors } from "@rmi/rmi/neural";
 * import { tensor } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const bytes = writeSafetensors([["w", tensor("f32", [2], [1, 2])]], { made: "here" });
 * const { tensors, metadata } = readSafetensors(bytes);
 * assert.deepEqual([...tensors.get("w")!.data], [1, 2]);
 * assert.equal(metadata.made, "here");
 * ```
 */
export const writeSafetensors = (
  tensors: Iterable<readonly [name: string, tensor: Tensor]>,
  metadata: Safetensors["metadata"] = {},
): Uint8Array<ArrayBuffer> => {
  const sorted = [...tensors].sort(([a, one], [b, other]) =>
    dtypeInfo(other.dtype).bits - dtypeInfo(one.dtype).bits || (a < b ? -1 : a > b ? 1 : 0)
  );
  const header: { [name: string]: unknown } = Object.keys(metadata).length === 0 ? {} : { [METADATA]: metadata };
  let at = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    const spelled = Object.keys(NAMES).find((key) => NAMES[key] === dtype);
    if (spelled === undefined) throw refuse(`tensor "${name}"`, `the format has no ${dtype}`);
    if (Object.hasOwn(header, name) || name === METADATA) throw refuse(`tensor "${name}"`, "its name is taken");
    const to = at + packedBytes(dtype, data.length);
    header[name] = { dtype: spelled, shape, data_offsets: [at, to] };
    at = to;
  }
  const text = new TextEncoder().encode(canonicalJson(header));
  const length = Math.ceil(text.length / ALIGNMENT) * ALIGNMENT;
  const made = new Uint8Array(HEADER_AT + length + at);
  new DataView(made.buffer).setBigUint64(0, BigInt(length), true);
  made.set(text, HEADER_AT);
  made.fill(0x20, HEADER_AT + text.length, HEADER_AT + length);
  let place = HEADER_AT + length;
  for (const [, tensor] of sorted) {
    const bytes = toBytes(tensor);
    made.set(bytes, place);
    place += bytes.length;
  }
  return made;
};
