/**
 * A writer against the whole network run at once by the reference evaluator, however a text is read.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../../../kernel/random.ts";
import { evaluate, scalar, tensor, toFloats } from "../../../../plugins/ir/library.ts";
import { bitsPerByte, contextsOf, languageNetwork } from "../../../../plugins/neural/library.ts";
import { Decoder, Encoder } from "./arithmetic_coder.ts";
import { SHAPE, untrained, writing } from "./small_model.ts";

const model = untrained();
const textOf = (length: number, seed: string): Uint8Array => {
  const draws = random(seed);
  return Uint8Array.from({ length }, () => draws.pick([...new TextEncoder().encode("\n abcdefé")]));
};

/** Logarithms, base 2, of the symbols' probabilities at every place, from one run over the whole text. */
const byWhole = (text: Uint8Array): ReadonlyArray<ReadonlyArray<number>> => {
  const network = languageNetwork(SHAPE, text.length);
  const rows = tensor("i32", [1, text.length, SHAPE.contexts.length], [...contextsOf(SHAPE.contexts, text)]);
  const args = [...network.parameters.map(({ path }) => model.values.get(path)!), scalar("i64", 0n), rows];
  const scores = toFloats(evaluate(network.evaluation, args).results[0]);
  const symbols = SHAPE.alphabet.length + 1;
  return Array.from(text, (_, i) => {
    const own = [...scores.subarray(i * symbols, (i + 1) * symbols)];
    const sum = own.reduce((total, score) => total + Math.exp(score), 0);
    return own.map((score) => Math.log2(Math.exp(score) / sum));
  });
};

/** The bits of a text by those logarithms: a byte outside the alphabet has an equal share of the last symbol. */
const bitsOf = (text: Uint8Array): number =>
  byWhole(text).reduce((bits, logs, i) => {
    const symbol = SHAPE.alphabet.indexOf(text[i]);
    return bits - (symbol < 0 ? logs.at(-1)! - Math.log2(256 - SHAPE.alphabet.length) : logs[symbol]);
  }, 0);

Deno.test("a text costs what one run over the whole of it says, also beyond the window and beyond a piece", async () => {
  for (const length of [1, 23, 24, 63, 64, 65, 150]) {
    const text = textOf(length, `cost ${length}`);
    const { bits, bytes } = await writing(model, (writer) => writer.cost(text));
    assert.equal(bytes, length);
    const expected = bitsOf(text);
    assert.ok(Math.abs(bits - expected) < 1e-4 * expected, `${bits}, not ${expected}`);
  }
});

Deno.test("what comes next is the same however the text before was read", async () => {
  const text = textOf(200, "read");
  const ways: ReadonlyArray<ReadonlyArray<number>> = [
    [200],
    [1, 199],
    [64, 64, 72],
    Array.from({ length: 200 }, () => 1),
  ];
  const found = await writing(model, (writer) =>
    Effect.forEach(ways, (way) =>
      Effect.gen(function* () {
        yield* writer.reset;
        let at = 0;
        for (const size of way) {
          // Asking on the way changes nothing.
          if (size % 2 === 1) yield* writer.next;
          yield* writer.read(text.subarray(at, at + size));
          at += size;
        }
        return yield* writer.next;
      })));
  const whole = byWhole(Uint8Array.of(...text, 0)).at(-1)!;
  for (const probabilities of found) {
    SHAPE.alphabet.forEach((byte, symbol) => {
      assert.ok(Math.abs(probabilities[byte] - 2 ** whole[symbol]) < 1e-6);
    });
  }
});

Deno.test("the probabilities of the 256 bytes sum to one, and unseen bytes share alike", async () => {
  const probabilities = await writing(model, (writer) => writer.next);
  assert.equal(probabilities.length, 256);
  assert.ok(Math.abs(probabilities.reduce((sum, p) => sum + p) - 1) < 1e-12);
  const unseen = probabilities.filter((_, byte) => !SHAPE.alphabet.includes(byte));
  assert.equal(unseen.length, 256 - SHAPE.alphabet.length);
  assert.equal(new Set(unseen).size, 1);
});

Deno.test("a text costs the same whatever was read before it, and texts add up", async () => {
  const texts = [textOf(90, "one"), textOf(40, "two"), new Uint8Array()];
  const [alone, again, all] = await writing(model, (writer) =>
    Effect.gen(function* () {
      const alone = yield* writer.cost(texts[1]);
      yield* writer.read(texts[0]);
      yield* writer.next;
      return [alone, yield* writer.cost(texts[1]), yield* bitsPerByte(writer, texts)] as const;
    }));
  assert.equal(again.bits, alone.bits);
  const first = await writing(model, (writer) => writer.cost(texts[0]));
  assert.equal(all.bits, first.bits + alone.bits);
  assert.equal(all.bitsPerByte, all.bits / 130);
});

Deno.test("a text is coded in as many bits as it is said to cost, and decoded by who knows only what came before", async () => {
  const text = textOf(300, "coded");
  const [bits, back, cost] = await writing(model, (writer) =>
    Effect.gen(function* () {
      const encoder = new Encoder();
      yield* writer.reset;
      for (const byte of text) {
        encoder.write(byte, yield* writer.next);
        yield* writer.read(Uint8Array.of(byte));
      }
      const bits = encoder.end();
      const decoder = new Decoder(bits);
      const back: number[] = [];
      yield* writer.reset;
      for (let i = 0; i < text.length; i++) {
        back.push(decoder.read(yield* writer.next));
        yield* writer.read(Uint8Array.of(back[i]));
      }
      return [bits.length, back, (yield* writer.cost(text)).bits] as const;
    }));
  assert.deepEqual(back, [...text]);
  // The coder's whole numbers lose a little, and its end takes some bits.
  assert.ok(bits >= cost - 1 && bits <= cost * 1.002 + 8, `${bits} bits, said ${cost}`);
});
