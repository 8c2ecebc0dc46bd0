/**
 * Corpus: documents of bytes with fixed parts, and the windows of tokens that a language model learns from.
 *
 * Invariant: a part's text is its documents one after another; a window's target is its input moved on by one token.
 *
 * @module
 */
import type { Tensor } from "../../ir/library.ts";
import { badBatches } from "../failures.ts";
import { type Column, type MemoryDataset, memoryDataset, type SplitName, SPLITS, type Target } from "./dataset.ts";
import { range } from "./splits.ts";

/** One document. */
export interface Document {
  /** Its name. */
  readonly name: string;
  /** Its text. */
  readonly bytes: Uint8Array;
}

/** Documents and their parts. */
export interface Corpus {
  /** Its name. */
  readonly name: string;
  /** All documents, in order. */
  readonly documents: ReadonlyArray<Document>;
  /** The numbers of the documents of each part. */
  readonly splits: { readonly [S in SplitName]: ReadonlyArray<number> };
}

/** What turns text into tokens. */
export interface Tokens {
  /** How many different tokens there are. */
  readonly vocabulary: number;
  /** The tokens of a text. */
  readonly encode: (bytes: Uint8Array) => ArrayLike<number>;
}

/** Every byte is a token. */
export const BYTES: Tokens = { vocabulary: 256, encode: (bytes) => bytes };

/** How a corpus is cut into windows. */
export interface WindowOptions {
  /** Tokens of a window. */
  readonly length: number;
  /** Tokens from one window to the next. Default: the length, so that every token is a target once. */
  readonly stride?: number;
  /** Tokens skipped before the first window, so that epochs may see other alignments. Default 0. */
  readonly phase?: number;
  /** What turns text into tokens. Default {@link BYTES}. */
  readonly tokens?: Tokens;
}

/** Longest window. */
export const MAX_WINDOW = 1_048_576;

/** The text of a part: its documents one after another. */
export const textOf = ({ documents, splits }: Corpus, split: SplitName): Uint8Array<ArrayBuffer> => {
  const parts = splits[split].map((index) => documents[index].bytes);
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** Parts of documents by a rule on their numbers. */
export const documentSplits = (count: number, splitOf: (index: number) => SplitName): Corpus["splits"] => {
  const made: { readonly [S in SplitName]: Array<number> } = { train: [], validation: [], test: [] };
  for (let i = 0; i < count; i++) made[splitOf(i)].push(i);
  return made;
};

const windowColumn = (
  name: string,
  tokens: Int32Array,
  starts: Uint32Array,
  length: number,
  moved: number,
): Column => ({
  feature: { name, type: { dtype: "i32", shape: [length] } },
  read: (sample, into: Tensor["data"], at) => {
    const from = starts[sample] + moved;
    into.set(tokens.subarray(from, from + length) as never, at);
  },
});

/** The windows of a corpus as samples: tokens, and the tokens that follow them. */
export const windows = (corpus: Corpus, options: WindowOptions): MemoryDataset => {
  const { length, stride = length, phase = 0, tokens = BYTES } = options;
  const bounds: ReadonlyArray<readonly [string, number, number]> = [
    ["length", length, 1],
    ["stride", stride, 1],
    ["phase", phase, 0],
  ];
  for (const [option, value, least] of bounds) {
    if (Number.isInteger(value) && value >= least && value <= MAX_WINDOW) continue;
    throw badBatches({
      option: `${option} ${value}`,
      reason: `it is a whole number from ${least} to ${MAX_WINDOW}`,
      path: `/${option}`,
    });
  }
  const parts = SPLITS.map((split) => Int32Array.from(tokens.encode(textOf(corpus, split))));
  const whole = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  const starts: Array<number> = [];
  let at = 0;
  const numbers = parts.map((part) => {
    const first = starts.length;
    whole.set(part, at);
    for (let from = phase; from + length < part.length; from += stride) starts.push(at + from);
    at += part.length;
    return range(first, starts.length);
  });
  const places = Uint32Array.from(starts);
  const next = windowColumn("next", whole, places, length, 1);
  const feature: Target = { ...next.feature, kind: "tokens", vocabulary: tokens.vocabulary };
  return memoryDataset({
    name: corpus.name,
    inputs: [windowColumn("tokens", whole, places, length, 0)],
    target: { ...next, feature },
    length: places.length,
    splits: { train: numbers[0], validation: numbers[1], test: numbers[2] },
  });
};
