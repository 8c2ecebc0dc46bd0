/**
 * Text feed: windows of texts as batches for training a language model.
 *
 * Invariant: in one epoch every byte is a target at most once; which windows there are and their order depend on the seed
 * and the epoch's number alone.
 *
 * @module
 */
import { random } from "../../../kernel/random.ts";
import { tensorOf } from "../../ir/library.ts";
import { cannotTrain } from "../failures.ts";
import type { Feed } from "../feed.ts";
import { contextsOf } from "./contexts.ts";
import { codesOf, type LanguageShape } from "./shape.ts";

/** How texts are fed. */
export interface TextFeedOptions {
  /** Windows of a batch. */
  readonly batch: number;
  /** Bytes of a window. */
  readonly length: number;
  /** What alignments and orders come from. */
  readonly seed: number | string;
}

/** Rows of contexts and symbols of all texts, one text after another; contexts begin anew with every text. */
const prepared = (shape: LanguageShape, texts: ReadonlyArray<Uint8Array>) => {
  const count = texts.reduce((sum, text) => sum + text.length, 0);
  const tables = shape.contexts.length;
  const rows = new Int32Array(count * tables);
  const symbols = new Int32Array(count);
  const codes = codesOf(shape);
  let at = 0;
  for (const text of texts) {
    rows.set(contextsOf(shape.contexts, text), at * tables);
    for (const byte of text) symbols[at++] = codes[byte];
  }
  return { rows, symbols, count };
};

/** Feeds windows of texts in a new order and alignment in every epoch. */
export const textFeed = (
  shape: LanguageShape,
  texts: ReadonlyArray<Uint8Array>,
  { batch, length, seed }: TextFeedOptions,
): Feed => {
  const { rows, symbols, count } = prepared(shape, texts);
  const tables = shape.contexts.length;
  const windows = Math.floor(count / length) - 1;
  const batches = Math.floor(windows / batch);
  if (batches < 1) {
    throw cannotTrain({
      reason: `${count} bytes make no batch of ${batch} windows of ${length} bytes`,
      path: "/data",
      expected: (batch + 1) * length,
      actual: count,
    });
  }
  return {
    batch,
    length: batches,
    epoch: (epoch) => {
      const draws = random(`${seed}/${epoch}`);
      const shift = draws.below(length);
      const order = Int32Array.from({ length: windows }, (_, i) => i);
      for (let i = windows - 1; i > 0; i--) {
        const other = draws.below(i + 1);
        [order[i], order[other]] = [order[other], order[i]];
      }
      return {
        length: batches,
        at: (index) => {
          const contexts = new Int32Array(batch * length * tables);
          const targets = new Int32Array(batch * length);
          for (let i = 0; i < batch; i++) {
            const from = order[index * batch + i] * length + shift;
            contexts.set(rows.subarray(from * tables, (from + length) * tables), i * length * tables);
            targets.set(symbols.subarray(from, from + length), i * length);
          }
          return {
            inputs: [tensorOf("i32", [batch, length, tables], contexts)],
            targets: [tensorOf("i32", [batch, length], targets)],
          };
        },
      };
    },
  };
};
