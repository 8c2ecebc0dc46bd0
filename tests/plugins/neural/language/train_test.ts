/**
 * Training a small language model on the text that comes along.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import {
  bitsPerByte,
  type FitEvent,
  languageParameters,
  NgramModel,
  sampleCorpus,
  smallShape,
  trainLanguage,
} from "../../../../plugins/neural/library.ts";
import { textFeed } from "../../../../plugins/neural/language/text_feed.ts";
import { SHAPE, writing } from "./small_model.ts";

const { documents, splits } = await Effect.runPromise(sampleCorpus);
const heldOut = new Set([...splits.test, ...splits.validation]);
const learned = documents.filter((_, i) => !heldOut.has(i)).map(({ bytes }) => bytes);
const judged = documents.filter((_, i) => heldOut.has(i)).map(({ bytes }) => bytes);

const MOST_BITS = 2.5;

Deno.test("50,000 parameters learn 40 kB in five passes: at most 2.5 bits a byte of other chapters, below every n-gram", async () => {
  const shape = smallShape(learned);
  assert.ok(languageParameters(shape) <= 50_000);
  const events: FitEvent[] = [];
  const training = { epochs: 5, batch: 2, length: 64, seed: 1 };
  const model = await Effect.runPromise(
    trainLanguage(
      cpuBackend,
      shape,
      { name: "sample", texts: learned },
      training,
      (event) => Effect.sync(() => void events.push(event)),
    ),
  );
  const { bitsPerByte: bits } = await writing(model, (writer) => bitsPerByte(writer, judged));
  assert.ok(bits <= MOST_BITS, `${bits}`);
  for (const order of [0, 1, 2, 3]) {
    const counted = new NgramModel(order);
    for (const text of learned) counted.count(text);
    const theirs = counted.bitsPerByte(judged);
    assert.ok(bits < theirs, `order ${order}: ${theirs}, ours ${bits}`);
  }
  const steps = events.filter((event) => event.type === "step");
  assert.equal(steps.length, model.lineage.steps);
  assert.equal(events.filter((event) => event.type === "epoch").length, 5);
  assert.equal(events.at(-1)?.type, "end");
  assert.ok(model.lineage.flops > 0 && model.metrics.trainingBits < bits);
});

Deno.test("the same texts and seed give the same model, another seed another", async () => {
  const texts = { name: "short", texts: [learned[0].subarray(0, 3000)] };
  const train = (seed: number) =>
    Effect.runPromise(trainLanguage(cpuBackend, SHAPE, texts, { length: 32, batch: 4, seed }));
  const [one, two, other] = [await train(1), await train(1), await train(2)];
  for (const [path, { data }] of one.values) assert.deepEqual(two.values.get(path)!.data, data);
  assert.notDeepEqual(other.values.get("hidden/weight")!.data, one.values.get("hidden/weight")!.data);
});

Deno.test("a window's symbols are the text's, in every epoch at most once, and epochs differ", () => {
  const text = Uint8Array.from({ length: 1000 }, (_, i) => 97 + i % 5);
  const feed = textFeed(SHAPE, [text], { batch: 3, length: 32, seed: 1 });
  const targets = [0, 1].map((epoch) => {
    const { length, at } = feed.epoch(epoch);
    assert.equal(length, feed.length);
    return Array.from({ length }, (_, i) => at(i).targets[0]);
  });
  assert.equal(feed.length, Math.floor((Math.floor(1000 / 32) - 1) / 3));
  for (const { data } of targets[0]) {
    for (let row = 0; row < 3; row++) {
      const symbols = [...data.slice(row * 32, (row + 1) * 32)].map(Number);
      symbols.forEach((symbol, i) => assert.equal(symbol, 2 + (symbols[0] - 2 + i) % 5));
    }
  }
  assert.notDeepEqual(targets[0].map(({ data }) => data.join()), targets[1].map(({ data }) => data.join()));
  assert.deepEqual(feed.epoch(0).at(0).inputs[0].data, feed.epoch(0).at(0).inputs[0].data);
});

Deno.test("too little text is refused with what is needed", async () => {
  const failed = await Effect.runPromise(Effect.flip(
    trainLanguage(cpuBackend, SHAPE, { name: "tiny", texts: [learned[0].subarray(0, 95)] }, { length: 32, batch: 2 }),
  ));
  assert.equal(failed.code, "NEURAL_TRAINING");
  assert.equal(failed.expected, 96);
  const enough = trainLanguage(cpuBackend, SHAPE, { name: "tiny", texts: [learned[0].subarray(0, 96)] }, {
    length: 32,
    batch: 2,
  });
  assert.equal((await Effect.runPromise(enough)).lineage.steps, 1);
});
