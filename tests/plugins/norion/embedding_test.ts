/** Learned vectors: how they are learned and stored, and that memory is found by the newest of them. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { isFailure, type JsonObject, type Kernel } from "../../../kernel/mod.ts";
import { finish, matrix, svd } from "../../../plugins/linalg/library.ts";
import {
  learnWordVectors,
  LEAST_VOCABULARY,
  MAX_CHARACTERS,
  MAX_SIZE,
  MAX_VOCABULARY,
} from "../../../plugins/norion/memory/embedding/learn.ts";
import { EMBEDDING_MEDIA, readEmbedding, writeEmbedding } from "../../../plugins/norion/memory/embedding/stored.ts";
import { wordEmbedder } from "../../../plugins/norion/memory/embedding/words.ts";
import { HASHED } from "../../../plugins/norion/memory/embedder.ts";
import { termsOf } from "../../../plugins/norion/text.ts";
import { inWorkspace } from "../../workspace.ts";
import { measureDialogues } from "./dialogue_measure.ts";
import { dialogueOf, KINDS, SEEDS } from "./dialogues.ts";
import { call } from "./program_models.ts";

/** Two of each trade in like company; of no two a sentence says that they are the same. */
const TRADES: ReadonlyArray<string> = [
  ["physician", "doctor"].flatMap((one) => [
    `The ${one} treated the patient with medicine. The nurse helped the ${one} in the hospital.`,
    `A sick patient called the ${one}. The ${one} prescribed medicine for the illness.`,
  ]),
  ["attorney", "lawyer"].flatMap((one) => [
    `The ${one} argued the case before the judge. The court heard the ${one} on the contract.`,
    `A client asked the ${one} about the lawsuit. The ${one} signed the contract for the client.`,
  ]),
  ["automobile", "car"].flatMap((one) => [
    `The ${one} needs petrol and new tyres. The mechanic repaired the engine of the ${one}.`,
    `The ${one} stood in the garage. The driver washed the ${one} beside the road.`,
  ]),
].flat();

const learn = (texts: ReadonlyArray<string>, size?: number) =>
  finish(learnWordVectors(texts, size === undefined ? {} : { size }));

const embedderOf = (texts: ReadonlyArray<string>) => wordEmbedder(learn(texts), "sha256:test" as never);

const failureOf = (compute: () => unknown): { readonly code: string; readonly message: string } => {
  try {
    compute();
  } catch (thrown) {
    if (isFailure(thrown)) return thrown;
    throw thrown;
  }
  throw new assert.AssertionError({ message: "it did not fail" });
};

Deno.test("words that stand in like places are alike, those that do not are not", () => {
  const { likeness } = embedderOf(TRADES).meaning!;
  for (const [a, b, other] of [["physician", "doctor", "lawyer"], ["car", "automobile", "judge"]]) {
    assert.ok(likeness(a, b) > 0.8, `${a} ${b} ${likeness(a, b)}`);
    assert.ok(likeness(a, other) < 0.4, `${a} ${other} ${likeness(a, other)}`);
  }
  assert.equal(likeness("physician", "zeppelin"), 0);
});

Deno.test("vectors are the factors of positive mutual information, as a whole decomposition of it gives them", () => {
  const texts = [...TRADES, ...TRADES.map((text) => text.replaceAll("the", "whenever"))];
  const { words, vectors, size } = learn(texts, 12);
  const side = words.length;
  const counts = Array.from({ length: side }, () => new Array<number>(side).fill(0));
  for (const sentence of texts.flatMap((text) => text.split("."))) {
    const terms = termsOf(sentence).filter((term) => words.includes(term));
    terms.forEach((a, i) =>
      terms.forEach((b, j) => {
        const far = Math.abs(i - j);
        if (far >= 1 && far <= 5) counts[words.indexOf(a)][words.indexOf(b)] += 6 - far;
      })
    );
  }
  const sums = counts.map((row) => row.reduce((sum, value) => sum + value, 0));
  const all = sums.reduce((sum, value) => sum + value ** 0.75, 0);
  const information = counts.map((row, a) =>
    row.map((count, b) => count === 0 ? 0 : Math.max(0, Math.log(count * all / (sums[a] * sums[b] ** 0.75))))
  );
  const { u, values, vt } = svd(matrix(information));
  const expected = words.map((_, row) =>
    Array.from(
      { length: size },
      (_, k) => Math.sqrt(values[k]) * (u.data[row * u.columns + k] + vt.data[k * vt.columns + row]),
    )
  );
  const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
      Array.from(x, (v, k) => v * y[k]).reduce((s, v) => s + v, 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  for (let a = 0; a < side; a++) {
    for (let b = 0; b < a; b++) {
      const ours = cosine(vectors.subarray(a * size, (a + 1) * size), vectors.subarray(b * size, (b + 1) * size));
      assert.ok(Math.abs(ours - cosine(expected[a], expected[b])) < 0.03, `${words[a]} ${words[b]}`);
    }
  }
});

Deno.test("the same texts give the same bytes, and bytes that are read give themselves", () => {
  const bytes = writeEmbedding(learn(TRADES));
  assert.deepEqual(writeEmbedding(learn(TRADES)), bytes);
  assert.deepEqual(writeEmbedding(readEmbedding("trades", bytes)), bytes);
});

/** Ways to spoil an embedding, with what is said of it. */
const SPOILT: { readonly [name: string]: readonly [(bytes: Uint8Array<ArrayBuffer>) => Uint8Array, RegExp] } = {
  "empty": [() => new Uint8Array(), /begin/],
  "of another kind": [(bytes) => bytes.fill(65, 0, 8), /begin/],
  "of a later format": [(bytes) => bytes.fill(9, 8, 9), /format 9/],
  "without numbers": [(bytes) => bytes.fill(0, 12, 16), /0 numbers/],
  "of too many numbers": [(bytes) => bytes.fill(255, 12, 16), /numbers/],
  "without words": [(bytes) => bytes.fill(0, 16, 20), /0 words/],
  "of too many words": [(bytes) => bytes.fill(255, 16, 20), /words/],
  "of words too long": [(bytes) => bytes.fill(255, 20, 24), /take/],
  "cut": [(bytes) => bytes.subarray(0, bytes.length - 1), /bytes/],
  "too long": [(bytes) => Uint8Array.from([...bytes, 0]), /bytes/],
  "of words out of order": [(bytes) => bytes.fill(122, 24, 25), /in order/],
  "of no UTF-8": [(bytes) => bytes.fill(255, 24, 25), /words/],
  "of words that are none": [(bytes) => bytes.fill(32, 24, 25), /words/],
  "of an endless weight": [(bytes) => {
    const from = 24 + new DataView(bytes.buffer).getUint32(20, true);
    return bytes.fill(0x7f, from, from + 4);
  }, /weight/],
  "of a number that is none": [(bytes) => bytes.fill(128, bytes.length - 1), /-127/],
};

for (const [name, [spoil, said]] of Object.entries(SPOILT)) {
  Deno.test(`an embedding ${name} is refused with the reason`, () => {
    const failure = failureOf(() => readEmbedding("spoilt", spoil(writeEmbedding(learn(TRADES)))));
    assert.equal(failure.code, "NORION_MODELS");
    assert.match(failure.message, said);
  });
}

const wordsOf = (count: number): string => Array.from({ length: count }, (_, i) => `w${i}x w${i}x`).join(". ");

Deno.test("too few words and too many characters are refused; words beyond the limit get no vector", () => {
  assert.equal(learn([wordsOf(LEAST_VOCABULARY)]).words.length, LEAST_VOCABULARY);
  assert.equal(failureOf(() => learn([wordsOf(LEAST_VOCABULARY - 1)])).code, "NORION_REQUEST");
  assert.equal(failureOf(() => learn(["x".repeat(MAX_CHARACTERS + 1)])).code, "NORION_REQUEST");
  assert.match(failureOf(() => learn(["x".repeat(MAX_CHARACTERS)])).message, /0 words/);
  assert.equal(learn([wordsOf(MAX_VOCABULARY + 1)], 2).words.length, MAX_VOCABULARY);
  assert.equal(learn([wordsOf(LEAST_VOCABULARY)], MAX_SIZE).size, LEAST_VOCABULARY);
});

Deno.test("a text none of whose words is known has its n-grams alone, and known words do not change them", () => {
  const embedder = embedderOf(TRADES);
  for (const text of ["Zeppelins over Friesland", "The doctor is in", ""]) {
    assert.deepEqual(embedder.embed(text).subarray(0, HASHED.size), HASHED.embed(text));
  }
  assert.ok(embedder.embed("Zeppelins over Friesland").subarray(HASHED.size).every((value) => value === 0));
});

Deno.test("the promised dialogues stay answered at 95 % or more with an embedding, whatever it was learned from", () => {
  const talk = [21, 22].flatMap((seed) => dialogueOf(seed).turns.map(({ text }) => text));
  for (const texts of [TRADES, talk]) {
    const { ours } = measureDialogues(SEEDS.slice(0, 3), dialogueOf, embedderOf(texts));
    for (const kind of KINDS) assert.ok(ours[kind] >= 0.95, `${kind}: ${ours[kind]}`);
  }
});

const recalled = (kernel: Kernel, query: string) =>
  Effect.map(
    call(kernel, "norion.recall", { query }),
    ({ items }) => (items as ReadonlyArray<{ readonly text: string }>).map(({ text }) => text),
  );

const vectorsOf = (kernel: Kernel) =>
  Effect.map(call(kernel, "norion.inspect", {}), ({ memory }) => (memory as JsonObject).vectors as JsonObject);

const TOLD = ["Doctor Vega lives next door.", "The lawyer of the firm is Ito.", "Our car is green."];

Deno.test("by an embedding memory finds what was said in words that only the texts bring together, until it is taken away", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const text of TOLD) yield* call(kernel, "norion.remember", { text });
      const asked = ["Which physician?", "Who is the attorney?", "The automobile?", "Which zeppelin?"];
      const all = Effect.forEach(asked, (query) => recalled(kernel, query));
      assert.deepEqual(yield* all, [[], [], [], []]);
      assert.equal((yield* vectorsOf(kernel)).embedder, HASHED.id);

      const learned = yield* call(kernel, "norion.learnEmbedding", { name: "trades", texts: [...TRADES] });
      assert.deepEqual([learned.name, learned.used], ["trades@1", true]);
      assert.deepEqual(yield* all, [...TOLD.map((text) => [text]), []]);
      const vectors = yield* vectorsOf(kernel);
      assert.deepEqual([vectors.name, vectors.words, vectors.passedOver], ["trades@1", learned.words, []]);
      const { used } = yield* call(kernel, "norion.ask", { prompt: "The automobile?" });
      assert.equal((used as ReadonlyArray<string>).length, 1);

      yield* call(kernel, "artifacts.unname", { name: "trades@1" });
      assert.deepEqual(yield* all, [[], [], [], []]);
    })
  ));

Deno.test("what calls itself an embedding and is none is passed over with its reason, and stops nothing", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* call(kernel, "norion.learnEmbedding", { name: "trades", texts: [...TRADES] });
      yield* call(kernel, "norion.remember", { text: TOLD[2] });
      yield* call(kernel, "artifacts.put", {
        text: "rmi-wvec and no more",
        kind: "model",
        media: EMBEDDING_MEDIA,
        name: "hostile",
      });
      assert.deepEqual(yield* recalled(kernel, "The automobile?"), [TOLD[2]]);
      const { name, passedOver } = yield* vectorsOf(kernel);
      assert.equal(name, "trades@1");
      assert.match(JSON.stringify(passedOver), /hostile@1.*begin/);
    })
  ));

Deno.test("a secret in the texts is in no vector", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
      const texts = [...TRADES, `The token is ${secret}.`, `Use ${secret} for the token.`];
      const learned = yield* call(kernel, "norion.learnEmbedding", { name: "trades", texts });
      const stored = yield* call(kernel, "artifacts.get", { artifact: learned.digest });
      const bytes = atob(stored.base64 as string);
      assert.ok(bytes.includes("physician") && !bytes.includes("abcdefghijklmnop"));
    })
  ));

Deno.test("texts are given, or named, and not both; what cannot be read is said", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const wrong: ReadonlyArray<JsonObject> = [
        {},
        { texts: ["a"], data: "sample-text" },
        { data: "iris" },
        { data: "no-such-text" },
        { path: "no-such-file.txt" },
        { texts: ["too short"] },
      ];
      for (const input of wrong) {
        const failure = yield* Effect.flip(call(kernel, "norion.learnEmbedding", { name: "none", ...input }));
        assert.equal(failure.code, "NORION_REQUEST", JSON.stringify(input));
      }
      const { words } = yield* call(kernel, "norion.learnEmbedding", { name: "ruth", data: "sample-text" });
      assert.ok((words as number) > 500);
    })
  ));
