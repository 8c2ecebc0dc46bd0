/**
 * Tests of data/byte_pairs.ts: an example joined by hand, the plain algorithm beside it, and laws on any bytes.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import {
  bytePairs,
  bytePairsFromJson,
  bytePairsToJson,
  type Join,
  MAX_VOCABULARY,
  pieceEnds,
  trainBytePairs,
} from "../../../../plugins/neural/data/byte_pairs.ts";
import { codeOf } from "../hostile.ts";

const encode = (text: string) => new TextEncoder().encode(text);

const pieces = (text: string): ReadonlyArray<string> => {
  const bytes = encode(text);
  let from = 0;
  return pieceEnds(bytes).map((to) => {
    const piece = new TextDecoder().decode(bytes.subarray(from, to));
    from = to;
    return piece;
  });
};

Deno.test("pieces are words with the space before them, digits, signs and white space", () => {
  assert.deepEqual(pieces("Hello, wörld 42x!\n\n  end "), [
    "Hello",
    ",",
    " wörld",
    " 42",
    "x",
    "!",
    "\n\n ",
    " end",
    " ",
  ]);
  assert.deepEqual(pieces(""), []);
  assert.deepEqual(pieces("  "), ["  "]);
});

Deno.test("joins are those found by hand", () => {
  // Pieces: "aab" three times (first without a space), "ab" once: pairs aa 3, ab 4, ' a' 3 -> ab; then a+ab 3 and
  // ' '+a 2, ' '+ab 1 -> a+ab; then ' '+aab 2.
  const [a, b, space] = [97, 98, 32];
  assert.deepEqual(trainBytePairs(encode("aab aab aab ab"), 300).joins, [[a, b], [a, 256], [space, 257]]);
});

/** The algorithm as it is told: count all pairs, join the most frequent, begin again. */
const plainly = (text: string, vocabulary: number): ReadonlyArray<Join> => {
  const words = pieces(text).map((piece) => [...encode(piece)]);
  const joins: Array<Join> = [];
  while (256 + joins.length < vocabulary) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (let i = 1; i < word.length; i++) {
        const key = `${word[i - 1]} ${word[i]}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    const best = [...counts].map(([key, count]) => [count, ...key.split(" ").map(Number)] as const)
      .sort((x, y) => y[0] - x[0] || x[1] - y[1] || x[2] - y[2])[0];
    if (best === undefined || best[0] < 2) break;
    const [, left, right] = best;
    for (const word of words) {
      for (let i = 1; i < word.length; i++) {
        if (word[i - 1] === left && word[i] === right) word.splice(i - 1, 2, 256 + joins.length);
      }
    }
    joins.push([left, right]);
  }
  return joins;
};

Deno.test("joins are those of the plain algorithm on random texts, ties and overlapping runs and all", () => {
  for (let seed = 0; seed < 30; seed++) {
    const draw = random(`pairs/${seed}`);
    const text = Array.from({ length: 300 }, () => draw.pick(["a", "a", "b", "c", " ", "é"])).join("");
    assert.deepEqual(trainBytePairs(encode(text), 290).joins, plainly(text, 290), String(seed));
  }
});

const TEXT = "the cat sat on the mat, and the dog sat on the log; the cat and the dog sat there.";

Deno.test("any bytes come back exactly, also those never seen and those that are no text", () => {
  const tokens = trainBytePairs(encode(TEXT), 300);
  const draw = random("bytes");
  for (let i = 0; i < 200; i++) {
    const bytes = Uint8Array.from({ length: draw.below(60) }, () => draw.below(256));
    const made = tokens.encode(bytes);
    assert.deepEqual(tokens.decode(made), bytes);
    assert.ok(made.every((token) => token < tokens.vocabulary));
  }
  assert.ok(tokens.encode(encode(TEXT)).length < TEXT.length / 2);
});

Deno.test("a text is joined as it was while learning", () => {
  const tokens = trainBytePairs(encode(TEXT), 300);
  const words = pieces(TEXT).map((piece) => [...encode(piece)]);
  tokens.joins.forEach(([left, right], index) => {
    for (const word of words) {
      for (let i = 1; i < word.length; i++) {
        if (word[i - 1] === left && word[i] === right) word.splice(i - 1, 2, 256 + index);
      }
    }
  });
  assert.deepEqual([...tokens.encode(encode(TEXT))], words.flat());
});

Deno.test("joins come back from JSON; what is no tokenizer is refused", () => {
  const tokens = trainBytePairs(encode(TEXT), 280);
  const json = JSON.parse(JSON.stringify(bytePairsToJson(tokens)));
  assert.deepEqual(bytePairsFromJson(json).joins, tokens.joins);
  for (
    const wrong of [
      {},
      { ...json, version: 2 },
      { ...json, joins: [[97, 256]] },
      { ...json, joins: [[97, 98], [97, 98]] },
      { ...json, joins: [[-1, 98]] },
      { ...json, joins: [[97, 98, 99]] },
    ]
  ) assert.equal(codeOf(() => bytePairsFromJson(wrong)), "NEURAL_DATA_FORMAT");
});

Deno.test("tokens that grow without end are refused", () => {
  const joins: Array<Join> = [[97, 97]];
  for (let i = 0; i < 40; i++) joins.push([256 + i, 256 + i]);
  assert.equal(codeOf(() => bytePairs(joins)), "NEURAL_DATA_LIMIT");
});

Deno.test("a vocabulary at its limits is learned, one past them refused, and a number that is no token too", () => {
  assert.equal(trainBytePairs(encode(TEXT), 256).vocabulary, 256);
  assert.ok(trainBytePairs(encode(TEXT), MAX_VOCABULARY).vocabulary > 256);
  for (const wrong of [255, MAX_VOCABULARY + 1, 300.5]) {
    assert.equal(codeOf(() => trainBytePairs(encode(TEXT), wrong)), "NEURAL_DATA_FORMAT");
  }
  assert.equal(codeOf(() => bytePairs([]).decode([256])), "NEURAL_DATA_FORMAT");
});
