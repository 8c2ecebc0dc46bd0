/**
 * Cache blocks: pieces of a model's cache of keys and values, given out to be kept and taken in again.
 *
 * Not a cache and not a memory of facts: numbers that mean something to one model alone.
 * Invariant: a block is taken in only by the model, tokeniser and architecture that made it, in the scope it was made
 * in; blocks out of range, with odd sizes, twice the same, or with numbers that are none are refused by reason; a
 * refused block never costs the answer.
 *
 * @module
 */
import { type Digest, digestJson } from "../../../kernel/mod.ts";
import type { KeptStretch } from "../../neural/library.ts";
import { badModel } from "../failures.ts";
import { type Bits, dequantise, quantise, readQuantised, storedBytes, writeQuantised } from "./quantise.ts";

/** Version of what blocks mean. */
export const CACHE_ABI = 1;

/** Most bytes of the numbers of one set of blocks. */
export const MAX_CACHE_BYTES = 268_435_456;

/** What a model's cache is made of. */
export interface CacheShape {
  /** Layers. */
  readonly layers: number;
  /** Heads that keep keys and values. */
  readonly heads: number;
  /** Numbers of a key, and of a value. */
  readonly headSize: number;
  /** Tokens it holds. */
  readonly window: number;
}

/** Keys and values of one head over a stretch of tokens, token by token. */
export type CacheBlock = KeptStretch;

const isIndex = (value: number, below: number): boolean => Number.isInteger(value) && value >= 0 && value < below;

const faultOf = (block: CacheBlock, shape: CacheShape): string | undefined => {
  if (!isIndex(block.layer, shape.layers)) return `there is no layer ${block.layer}`;
  if (!isIndex(block.head, shape.heads)) return `there is no head ${block.head}`;
  if (!isIndex(block.from, shape.window) || !isIndex(block.to - 1, shape.window) || block.from >= block.to) {
    return `tokens ${block.from} to ${block.to} are no stretch of ${shape.window}`;
  }
  const wanted = (block.to - block.from) * shape.headSize;
  for (const [name, numbers] of [["keys", block.keys], ["values", block.values]] as const) {
    if (numbers.length !== wanted) return `${numbers.length} ${name} stand where ${wanted} belong`;
    if (!numbers.every(Number.isFinite)) return `a number of its ${name} is not finite`;
  }
  return undefined;
};

/** A block that cannot be used. */
export interface BlockFault {
  /** Its place in the list. */
  readonly index: number;
  /** Why. */
  readonly reason: string;
}

/** What is wrong with some blocks; nothing for sound ones. Stretches of one head must not overlap. */
export const blockFaults = (blocks: ReadonlyArray<CacheBlock>, shape: CacheShape): ReadonlyArray<BlockFault> => {
  const taken = new Map<string, Array<readonly [number, number]>>();
  let bytes = 0;
  return blocks.flatMap((block, index): ReadonlyArray<BlockFault> => {
    const reason = faultOf(block, shape);
    if (reason !== undefined) return [{ index, reason }];
    const key = `${block.layer} ${block.head}`;
    const stretches = taken.get(key) ?? [];
    if (stretches.some(([from, to]) => block.from < to && from < block.to)) {
      return [{ index, reason: "its tokens are in another block of this head" }];
    }
    bytes += block.keys.byteLength + block.values.byteLength;
    if (bytes > MAX_CACHE_BYTES) return [{ index, reason: `the blocks take more than ${MAX_CACHE_BYTES} bytes` }];
    taken.set(key, [...stretches, [block.from, block.to]]);
    return [];
  });
};

/** Who made some blocks: only the same may take them in. */
export interface CacheOrigin {
  /** The model. */
  readonly model: string;
  /** Its tokeniser. */
  readonly tokeniser: string;
  /** Digest of its architecture. */
  readonly architecture: Digest;
}

/** Digest of what a cache is made of. */
export const architectureOf = (shape: CacheShape): Digest =>
  digestJson({
    abi: CACHE_ABI,
    layers: shape.layers,
    heads: shape.heads,
    headSize: shape.headSize,
    window: shape.window,
  });

/** Blocks that are kept, with what decides about taking them in. */
export interface KeptBlocks {
  /** Id of what keeps them. */
  readonly id: string;
  /** Who made them. */
  readonly origin: CacheOrigin;
  /** Scope they were made in. */
  readonly scope: string;
  /** Worth of what keeps them, 0..1. */
  readonly strength: number;
  /** How near they are kept. */
  readonly tier: "hot" | "warm" | "cold";
  /** Tokens they stand for. */
  readonly tokens: number;
}

/** What taking in follows. */
export interface TakeIn {
  /** Whether the manifest allows it. */
  readonly allowed: boolean;
  /** The model that is to take them in. */
  readonly origin: CacheOrigin;
  /** Scope of the request. */
  readonly scope: string;
  /** Sets of blocks the device may fetch ahead. */
  readonly prefetch: number;
  /** How busy the device is, 0..1. */
  readonly pressure: number;
  /** Least worth. */
  readonly leastStrength: number;
}

/** Why blocks are left out. */
export type LeftOut = "forbidden" | "other-model" | "other-scope" | "weak" | "cold" | "budget";

/** What is taken in, and what is left out for which reason. */
export interface TakenIn {
  /** Ids, the worthiest first. */
  readonly included: ReadonlyArray<string>;
  /** Ids with the reason. */
  readonly left: ReadonlyArray<{ readonly id: string; readonly reason: LeftOut }>;
}

/** Decides which kept blocks a request takes in. */
export const planTakeIn = (kept: ReadonlyArray<KeptBlocks>, options: TakeIn): TakenIn => {
  const { origin } = options;
  const room = Math.max(0, Math.floor(options.prefetch * (1 - options.pressure)));
  const same = (other: CacheOrigin): boolean =>
    other.model === origin.model && other.tokeniser === origin.tokeniser && other.architecture === origin.architecture;
  const refusal = (one: KeptBlocks): LeftOut | undefined => {
    if (!options.allowed) return "forbidden";
    if (one.scope !== options.scope) return "other-scope";
    if (!same(one.origin)) return "other-model";
    if (one.tier === "cold") return "cold";
    return one.strength >= options.leastStrength ? undefined : "weak";
  };
  const left: Array<{ readonly id: string; readonly reason: LeftOut }> = [];
  const fit = kept.filter((one) => {
    const reason = refusal(one);
    if (reason !== undefined) left.push({ id: one.id, reason });
    return reason === undefined;
  }).toSorted((a, b) => b.strength - a.strength || (a.id < b.id ? -1 : 1));
  left.push(...fit.slice(room).map(({ id }) => ({ id, reason: "budget" as const })));
  return { included: fit.slice(0, room).map(({ id }) => id), left };
};

/** What taking in was worth: each set that was left out or refused costs a part of one that was used. */
export const yieldOf = (included: number, skipped: number, rejected: number): number =>
  included - 0.25 * skipped - 0.75 * rejected;

/** Blocks as they are kept: each key and value a vector in few bits. */
export interface StoredBlock {
  /** Which layer. */
  readonly layer: number;
  /** Which head. */
  readonly head: number;
  /** First token. */
  readonly from: number;
  /** One past the last. */
  readonly to: number;
  /** Keys, one text a token. */
  readonly keys: ReadonlyArray<string>;
  /** Values, one text a token. */
  readonly values: ReadonlyArray<string>;
}

const vectorsOf = (numbers: Float32Array, size: number, bits: Bits): ReadonlyArray<string> =>
  Array.from(
    { length: numbers.length / size },
    (_, token) => writeQuantised(quantise(numbers.subarray(token * size, (token + 1) * size), bits)),
  );

/** Sound blocks in the bits of a device; throws `NORION_MODELS` for others. */
export const storeBlocks = (
  blocks: ReadonlyArray<CacheBlock>,
  shape: CacheShape,
  bits: Bits,
): ReadonlyArray<StoredBlock> => {
  const [fault] = blockFaults(blocks, shape);
  if (fault !== undefined) {
    throw badModel({ what: `cache block ${fault.index}`, reason: fault.reason, path: `/${fault.index}` });
  }
  return blocks.map(({ layer, head, from, to, keys, values }) => ({
    layer,
    head,
    from,
    to,
    keys: vectorsOf(keys, shape.headSize, bits),
    values: vectorsOf(values, shape.headSize, bits),
  }));
};

const numbersOf = (texts: ReadonlyArray<string>, size: number): Float32Array => {
  const numbers = new Float32Array(texts.length * size);
  texts.forEach((text, token) => {
    const vector = readQuantised(text);
    if (vector.length !== size) {
      throw badModel({ what: "a cache block", reason: `a vector has ${vector.length} numbers, not ${size}` });
    }
    numbers.set(dequantise(vector), token * size);
  });
  return numbers;
};

/** Blocks from how they are kept; throws `NORION_MODELS` where one is damaged or does not fit the model. */
export const restoreBlocks = (stored: ReadonlyArray<StoredBlock>, shape: CacheShape): ReadonlyArray<CacheBlock> => {
  const blocks = stored.map(({ layer, head, from, to, keys, values }) => ({
    layer,
    head,
    from,
    to,
    keys: numbersOf(keys, shape.headSize),
    values: numbersOf(values, shape.headSize),
  }));
  const [fault] = blockFaults(blocks, shape);
  if (fault !== undefined) {
    throw badModel({ what: `cache block ${fault.index}`, reason: fault.reason, path: `/${fault.index}` });
  }
  return blocks;
};

/** Share of the bytes of f32 that a vector takes at rest. */
export const storedShare = (bits: Bits, headSize: number): number => storedBytes(bits, headSize) / (4 * headSize);
