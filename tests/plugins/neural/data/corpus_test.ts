/**
 * Tests of data/corpus.ts, data/text_files.ts and data/kjv.ts; the Bible's file is judged by gzip, which knows its codes.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { digestBytes } from "../../../../kernel/digest.ts";
import { random } from "../../../../kernel/random.ts";
import { batches } from "../../../../plugins/neural/data/batches.ts";
import { trainBytePairs } from "../../../../plugins/neural/data/byte_pairs.ts";
import { type Corpus, documentSplits, MAX_WINDOW, textOf, windows } from "../../../../plugins/neural/data/corpus.ts";
import { memoryFiles } from "../../../../plugins/neural/data/files.ts";
import { chaptersOf, expandLzw, kjvCorpus, unpackKjv } from "../../../../plugins/neural/data/kjv.ts";
import { partsOfText, textFiles } from "../../../../plugins/neural/data/text_files.ts";
import { codeOf, messageOf, survives } from "../hostile.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const letters: Corpus = {
  name: "letters",
  documents: ["abcd", "efghij", "klm"].map((text) => ({ name: text, bytes: encode(text) })),
  splits: documentSplits(3, (index) => index === 2 ? "test" : "train"),
};

const textsOf = (corpus: Corpus, options: Parameters<typeof windows>[1]) => {
  const made = windows(corpus, options);
  return [...batches(made, { split: "train", batch: 1, shuffle: false })].map(({ inputs, target }) => [
    String.fromCharCode(...inputs[0].data as Int32Array),
    String.fromCharCode(...target!.data as Int32Array),
  ]);
};

Deno.test("a window's target is its input moved on by one, and every byte but the first is a target once", () => {
  assert.deepEqual(textsOf(letters, { length: 3 }), [["abc", "bcd"], ["def", "efg"], ["ghi", "hij"]]);
  assert.deepEqual(textsOf(letters, { length: 4, stride: 2, phase: 1 }), [["bcde", "cdef"], ["defg", "efgh"], [
    "fghi",
    "ghij",
  ]]);
});

Deno.test("windows never cross from one part to another", () => {
  const { schema, splits, length } = windows(letters, { length: 2, stride: 1 });
  assert.deepEqual([splits.train.length, splits.test.length, length], [8, 1, 9]);
  assert.deepEqual(schema.target, {
    name: "next",
    type: { dtype: "i32", shape: [2] },
    kind: "tokens",
    vocabulary: 256,
  });
});

Deno.test("windows can be of byte pairs", () => {
  const tokens = trainBytePairs(encode("ab ab ab"), 258);
  const corpus: Corpus = {
    ...letters,
    documents: [{ name: "x", bytes: encode("ab ab") }],
    splits: documentSplits(1, () => "train"),
  };
  const [batch] = batches(windows(corpus, { length: 1, tokens }), { split: "train", batch: 9, shuffle: false });
  assert.deepEqual(
    [...batch.inputs[0].data, ...batch.target!.data].map((token) => decode(tokens.decode([Number(token)]))),
    ["ab", " ab"],
  );
});

Deno.test("a window at its limit may be asked for, one past it is refused, and a part too short has none", () => {
  assert.equal(windows(letters, { length: MAX_WINDOW }).length, 0);
  for (const wrong of [{ length: MAX_WINDOW + 1 }, { length: 0 }, { length: 2, stride: 0 }, { length: 2, phase: -1 }]) {
    assert.equal(codeOf(() => windows(letters, wrong)), "NEURAL_DATA_OPTION");
  }
});

Deno.test("a file is cut into parts of whole lines that make it up again", () => {
  const text = Array.from({ length: 500 }, (_, i) => `line ${i}`).join("\n");
  const parts = partsOfText(encode(text), 100);
  assert.equal(parts.map(({ bytes }) => decode(bytes)).join(""), text);
  assert.ok(parts.length > 90 && parts.slice(0, -1).every(({ bytes }) => bytes.at(-1) === 10));
  assert.equal(partsOfText(encode("no line end"), 100).length, 1);
});

Deno.test("the files of a folder are the documents of a corpus, in order", async () => {
  const files = memoryFiles({ "t/b.txt": "second", "t/a.txt": "first" });
  const corpus = await Effect.runPromise(textFiles(files, "t", "t", { validation: 0, test: 0 }));
  assert.equal(decode(textOf(corpus, "train")), "firstsecond");
  const failure = await Effect.runPromise(Effect.flip(textFiles(memoryFiles({ "t/u/a.txt": "x" }), "t", "t")));
  assert.equal(failure.code, "NEURAL_DATA_FILE");
});

/** Codes of `compress` without its header, as the program itself packs "TOBEORNOTTOBEORTOBEORNOT" from bytes to 9 bits. */
const pack = (codes: ReadonlyArray<number>): Uint8Array => {
  const bytes = new Uint8Array(Math.ceil(codes.length * 9 / 8));
  codes.forEach((code, i) => {
    for (let bit = 0; bit < 9; bit++) if ((code >> bit) & 1) bytes[(i * 9 + bit) >> 3] |= 1 << ((i * 9 + bit) & 7);
  });
  return bytes;
};

Deno.test("codes are expanded as the textbook's example is", () => {
  // Welch's example, with codes from 257 on: T O B E O R N O T 257(TO) 259(BE) 261(OR) 266(TOB) 260(EO) 262(RN) 264(OT).
  const codes = [..."TOBEORNOT"].map((letter) => letter.charCodeAt(0));
  const text = decode(expandLzw(pack([...codes, 257, 259, 261, 266, 260, 262, 264]), 100));
  assert.equal(text, "TOBEORNOT" + "TO" + "BE" + "OR" + "TOB" + "EO" + "RN" + "OT");
  // The code that is used before it is known: a, then aa, then aaa.
  assert.equal(decode(expandLzw(pack([97, 257, 258]), 100)), "aaaaaa");
});

Deno.test("codes that stand for nothing yet, and blocks past their limit, are refused", () => {
  assert.match(messageOf(() => expandLzw(pack([97, 400]), 100)), /code 400/u);
  assert.match(messageOf(() => expandLzw(pack([300]), 100)), /code 300/u);
  assert.equal(expandLzw(pack([97, 257, 258]), 6).length, 6);
  assert.match(messageOf(() => expandLzw(pack([97, 257, 258]), 5)), /at most 5 bytes/u);
});

Deno.test("random codes are expanded or refused, never worse", () => {
  const draw = random("lzw");
  for (let i = 0; i < 300; i++) {
    const bytes = Uint8Array.from({ length: draw.below(200) }, () => draw.below(256));
    try {
      assert.ok(expandLzw(bytes, 65_536).length <= 65_536);
    } catch (thrown) {
      assert.equal((thrown as { code?: string }).code, "NEURAL_DATA_MALFORMED");
    }
  }
});

Deno.test("chapters are the verses' texts, a line each, in the order of the text", () => {
  const made = chaptersOf("A title\nGe1:1 In the beginning.\nGe1:2 And so.\n1Sm12:3 Here.\n");
  assert.deepEqual(made.map(({ name, bytes }) => [name, decode(bytes)]), [
    ["Ge 1", "In the beginning.\nAnd so.\n"],
    ["1Sm 12", "Here.\n"],
  ]);
  assert.match(messageOf(() => chaptersOf("A title\nno verse")), /line 2/u);
});

const FILE = "/usr/lib/bible.data";
const CI = Deno.env.get("CI") === "true";
const isHere = (() => {
  try {
    return Deno.statSync(FILE).isFile;
  } catch {
    return false;
  }
})();
if (!isHere) console.log("bible-kjv-text is not installed: its text is not read");

Deno.test({
  name: "the Bible's text is what gzip expands its blocks to, in 1,189 chapters of known size",
  ignore: !isHere && !CI,
  fn: () => {
    assert.ok(isHere, "install bible-kjv-text");
    const file = Deno.readFileSync(FILE);
    // SHA-256 of what gzip -dc makes of the blocks, each with the header of compress before it.
    assert.equal(
      digestBytes(unpackKjv(file)),
      "sha256:e53aaf0af1e58f259e35d0d9f7ca1bbe154fd77bb95471279b37b34d3c397a98",
    );
    const corpus = kjvCorpus(file);
    assert.equal(corpus.documents.length, 1_189);
    assert.deepEqual([corpus.splits.test.slice(0, 3), corpus.splits.test.length], [[7, 27, 47], 60]);
    const bytes = (["train", "validation", "test"] as const).map((split) => textOf(corpus, split).length);
    assert.deepEqual([bytes[0] + bytes[1], bytes[2]], [3_944_110, 193_740]);
    assert.equal(
      decode(corpus.documents[0].bytes).split("\n")[0],
      "In the beginning God created the heaven and the earth.",
    );
  },
});

Deno.test({
  name: "the Bible's file cut off or edited is refused or read, never worse",
  ignore: !isHere && !CI,
  fn: async () => {
    const file = Deno.readFileSync(FILE);
    await survives(file.slice(0, 0x16c), 300, "kjv", unpackKjv);
    assert.match(messageOf(() => unpackKjv(file.slice(0, 1_000_000))), /lies outside/u);
    assert.equal(codeOf(() => unpackKjv(file.slice(0, 10))), "NEURAL_DATA_MALFORMED");
  },
});
