/**
 * GGUF: the header of a weights file of llama.cpp: facts of the model, and its tensors with their places.
 *
 * Source: ggml, docs/gguf.md, versions 2 and 3, little endian. The weights themselves are not read.
 * Invariant: no length is believed before the bytes are there; whatever the bytes are, the answer is a header or a
 * failure.
 *
 * @module
 */
import { badModel } from "../failures.ts";

/** A fact of the model. Lists are told by their length. */
export type GgufFact = number | boolean | string | { readonly items: number };

/** A tensor of the file. */
export interface GgufTensor {
  /** Its name. */
  readonly name: string;
  /** Its sizes, the fastest first. */
  readonly shape: ReadonlyArray<number>;
  /** Number of its element type. */
  readonly type: number;
  /** Bytes it takes; absent for an element type whose size is not known here. */
  readonly bytes?: number;
}

/** A header. */
export interface GgufHeader {
  /** Facts by name. */
  readonly facts: ReadonlyMap<string, GgufFact>;
  /** Tensors in order. */
  readonly tensors: ReadonlyArray<GgufTensor>;
}

/** Most facts, and most tensors, of a file. */
export const MAX_GGUF_ENTRIES = 1_000_000;

const MAX_RANK = 4;
const DEFAULT_ALIGNMENT = 32;

/** Elements of a block and bytes it takes, by element type. */
const BLOCKS: { readonly [type: number]: readonly [elements: number, bytes: number] } = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  24: [1, 1],
  25: [1, 2],
  26: [1, 4],
  27: [1, 8],
  28: [1, 8],
  30: [1, 2],
};

const refused = (at: number | string, reason: string) =>
  badModel({ what: "the GGUF file", reason: `${typeof at === "number" ? `byte ${at}` : at}: ${reason}` });

/** Takes what it asks for, or refuses. */
class Taking {
  readonly #view: DataView;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  room(length: number, what: string): number {
    const left = this.#view.byteLength - this.at;
    if (!(length <= left)) throw refused(this.at, `${what} takes ${length} bytes, and ${left} are left`);
    this.at += length;
    return this.at - length;
  }
  u32(what: string): number {
    return this.#view.getUint32(this.room(4, what), true);
  }
  count(what: string, most = Number.MAX_SAFE_INTEGER): number {
    const at = this.at;
    const value = this.#view.getBigUint64(this.room(8, what), true);
    if (value > BigInt(most)) throw refused(at, `${what} is ${value}, more than ${most}`);
    return Number(value);
  }
  text(what: string): string {
    const length = this.count(`the length of ${what}`);
    const at = this.room(length, what);
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw refused(at, `${what} is not UTF-8`);
    }
  }
  get view(): DataView {
    return this.#view;
  }
}

type Reader = (take: Taking) => GgufFact;

const number = (bytes: number, read: (view: DataView, at: number) => number | bigint): Reader => (take) =>
  Number(read(take.view, take.room(bytes, "a number")));

/** How each type of fact is read. */
const FACTS: { readonly [type: number]: Reader } = {
  0: number(1, (view, at) => view.getUint8(at)),
  1: number(1, (view, at) => view.getInt8(at)),
  2: number(2, (view, at) => view.getUint16(at, true)),
  3: number(2, (view, at) => view.getInt16(at, true)),
  4: number(4, (view, at) => view.getUint32(at, true)),
  5: number(4, (view, at) => view.getInt32(at, true)),
  6: number(4, (view, at) => view.getFloat32(at, true)),
  7: (take) => take.view.getUint8(take.room(1, "a truth value")) !== 0,
  8: (take) => take.text("a text"),
  10: number(8, (view, at) => view.getBigUint64(at, true)),
  11: number(8, (view, at) => view.getBigInt64(at, true)),
  12: number(8, (view, at) => view.getFloat64(at, true)),
};

const LIST = 9;

const factOf = (take: Taking): GgufFact => {
  const at = take.at;
  const type = take.u32("the type of a fact");
  if (type !== LIST) {
    if (FACTS[type] === undefined) throw refused(at, `facts of type ${type} are not known`);
    return FACTS[type](take);
  }
  const of = take.u32("the type of a list");
  const items = take.count("the length of a list");
  // Lists of lists are allowed by the format and used by nobody.
  if (FACTS[of] === undefined) throw refused(at, `lists of type ${of} are not known`);
  for (let i = 0; i < items; i++) FACTS[of](take);
  return { items };
};

const tensorOf = (take: Taking): GgufTensor & { readonly offset: number } => {
  const name = take.text("a tensor's name");
  const at = take.at;
  const rank = take.u32("a rank");
  if (rank > MAX_RANK) throw refused(at, `${rank} axes are more than ${MAX_RANK}`);
  const shape = Array.from({ length: rank }, () => take.count("a size"));
  const type = take.u32("an element type");
  const offset = take.count("an offset");
  const elements = shape.reduce((product, size) => product * size, 1);
  const block = BLOCKS[type];
  if (block === undefined) return { name, shape, type, offset };
  if ((shape[0] ?? 1) % block[0] !== 0) {
    throw refused(`tensor "${name.slice(0, 80)}"`, `its rows are no whole blocks of ${block[0]}`);
  }
  return { name, shape, type, offset, bytes: elements / block[0] * block[1] };
};

/** Reads a header; throws `NORION_MODELS` where the bytes are none, or do not hold what it announces. */
export const readGguf = (bytes: Uint8Array): GgufHeader => {
  const take = new Taking(bytes);
  if (take.u32("the magic number") !== 0x46554747) throw refused(0, `it does not begin with "GGUF"`);
  const version = take.u32("the version");
  if (version !== 2 && version !== 3) throw refused(4, `version ${version} is not known, only 2 and 3`);
  const tensorCount = take.count("the count of tensors", MAX_GGUF_ENTRIES);
  const factCount = take.count("the count of facts", MAX_GGUF_ENTRIES);
  const facts = new Map<string, GgufFact>();
  for (let i = 0; i < factCount; i++) {
    const name = take.text("a fact's name");
    if (facts.has(name)) throw refused(take.at, `the fact "${name.slice(0, 80)}" stands twice`);
    facts.set(name, factOf(take));
  }
  const tensors = Array.from({ length: tensorCount }, () => tensorOf(take));
  const given = facts.get("general.alignment");
  const alignment = typeof given === "number" && given > 0 ? given : DEFAULT_ALIGNMENT;
  const start = Math.ceil(take.at / alignment) * alignment;
  for (const { name, offset, bytes: size = 0 } of tensors) {
    if (offset % alignment !== 0 || start + offset + size > bytes.length) {
      throw refused(
        `tensor "${name.slice(0, 80)}"`,
        `its ${size} bytes at ${offset} do not lie within the ${Math.max(0, bytes.length - start)} that are there`,
      );
    }
  }
  return { facts, tensors };
};
