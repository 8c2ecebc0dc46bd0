/**
 * Shape: what a byte-level language model is made of, as data, and the layer that it is.
 *
 * Tables of hashed contexts, one attention that recalls what followed contexts like this one, and one hidden layer.
 * Invariant: the probabilities of all 256 bytes sum to one: bytes that were never seen share one symbol evenly.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import type { Network } from "../contract.ts";
import { attention } from "../layers/attention.ts";
import { relu } from "../layers/activation.ts";
import { linear } from "../layers/affine.ts";
import { networkOfLayers } from "../layers/build.ts";
import { decoding } from "../layers/decoding.ts";
import { type Layer, named } from "../layers/layer.ts";
import { residual, sequential } from "../layers/structure.ts";
import { tables } from "../layers/tables.ts";
import { type ContextTable, MAX_ROWS, MAX_SPAN } from "./contexts.ts";

const atMost = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 1, maximum }));
const MAX_WIDTH = 4096;
const MAX_WINDOW = 65_536;

/** What a byte-level language model is made of. */
export interface LanguageShape {
  /** The bytes it has symbols for, rising; all others share one more symbol. */
  readonly alphabet: ReadonlyArray<number>;
  /** Its tables of contexts. */
  readonly contexts: ReadonlyArray<ContextTable>;
  /** Heads of its attention. */
  readonly heads: number;
  /** Features of all heads together. */
  readonly width: number;
  /** Bytes that its attention sees, the one before the place included. */
  readonly window: number;
  /** Features of its hidden layer. */
  readonly hidden: number;
  /** Share of the contexts left out while training. */
  readonly drop: number;
}

/** The JSON form of a shape, checked. */
export const LanguageShapeJson: Schema.Codec<LanguageShape> = Schema.Struct({
  alphabet: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))).check(
    Schema.makeFilter((bytes: ReadonlyArray<number>) =>
      bytes.every((byte, i) => i === 0 || byte > bytes[i - 1]) || "bytes in rising order"
    ),
  ),
  contexts: Schema.Array(Schema.Struct({
    of: Schema.Literals(["bytes", "words"]),
    span: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: MAX_SPAN })),
    rows: atMost(MAX_ROWS),
    width: atMost(MAX_WIDTH),
  })).check(Schema.isMinLength(1)),
  heads: atMost(MAX_WIDTH),
  width: atMost(MAX_WIDTH),
  window: atMost(MAX_WINDOW),
  hidden: atMost(MAX_WIDTH),
  drop: Schema.Finite.check(Schema.makeFilter((rate: number) => (rate >= 0 && rate < 1) || "from 0 to below 1")),
}) as unknown as Schema.Codec<LanguageShape>;

/** How many symbols a shape has. */
export const symbolsOf = ({ alphabet }: LanguageShape): number => alphabet.length + 1;

/** The symbol of every byte. */
export const codesOf = (shape: LanguageShape): Int32Array => {
  const codes = new Int32Array(256).fill(shape.alphabet.length);
  shape.alphabet.forEach((byte, symbol) => {
    codes[byte] = symbol;
  });
  return codes;
};

/** The bytes of a text, rising. */
export const alphabetOf = (texts: ReadonlyArray<Uint8Array>): ReadonlyArray<number> => {
  const seen = new Uint8Array(256);
  for (const text of texts) for (const byte of text) seen[byte] = 1;
  return Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => seen[byte] === 1);
};

/** The layer that a shape is: rows of contexts in, scores of symbols out. */
export const languageLayer = (shape: LanguageShape): Layer => {
  const { contexts, heads, width, window, hidden, drop } = shape;
  const recalling = attention({ heads, width, window, causal: true, alibi: true, recall: true });
  return sequential(
    named(
      "contexts",
      tables({ rows: contexts.map(({ rows }) => rows), widths: contexts.map((each) => each.width), drop }),
    ),
    named("recall", residual(named("attention", recalling))),
    named("hidden", linear({ width: hidden })),
    relu(),
    named("symbols", linear({ width: symbolsOf(shape) })),
  );
};

/** The network that learns from windows of a length. */
export const languageNetwork = (shape: LanguageShape, length: number): Network =>
  networkOfLayers(languageLayer(shape), { contexts: `i32[B,${length},${shape.contexts.length}]` });

/** The network that goes through one text in pieces, keeping what its attention looks back at. */
export const readingNetwork = (shape: LanguageShape, piece: number): Network =>
  networkOfLayers(decoding(languageLayer(shape), shape.window + MAX_PIECE - 1), {
    contexts: `i32[1,${piece},${shape.contexts.length}]`,
  });

/** Longest piece that a text is read in. */
export const MAX_PIECE = 64;
