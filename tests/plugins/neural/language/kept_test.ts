/** What is kept of a text stands for the text: bit for bit, cut or whole, and for no other text or model. */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../../../kernel/random.ts";
import type { KeptText, Writer } from "../../../../plugins/neural/library.ts";
import { SHAPE, untrained, writing } from "./small_model.ts";

const textOf = (length: number, seed: string): Uint8Array => {
  const draws = random(seed);
  return Uint8Array.from({ length }, () => draws.pick([...new TextEncoder().encode("\n abcdefé")]));
};

/** Probabilities after each byte of a text that is gone on with. */
const goingOn = (writer: Writer, bytes: Uint8Array) =>
  Effect.forEach(bytes, (byte) => Effect.tap(writer.next, () => writer.read(Uint8Array.of(byte))));

const cut = ({ stretches, ...kept }: KeptText, size: number): KeptText => ({
  ...kept,
  stretches: stretches.flatMap(({ from, to, keys, values, ...one }) => {
    const width = keys.length / (to - from);
    return Array.from({ length: Math.ceil((to - from) / size) }, (_, i) => {
      const [first, last] = [i * size, Math.min((i + 1) * size, to - from)];
      return {
        ...one,
        from: from + first,
        to: from + last,
        keys: keys.slice(first * width, last * width),
        values: values.slice(first * width, last * width),
      };
    });
  }),
});

Deno.test("a text that is gone on from by what was kept of it goes on bit for bit as it would have", async () => {
  const more = textOf(140, "more");
  for (const length of [0, 1, 23, 24, 25, 63, 64, 100, 200]) {
    for (const asks of [false, true]) {
      const text = textOf(length, `kept ${length}`);
      const { kept, expected } = await writing(untrained(), (writer) =>
        Effect.gen(function* () {
          yield* writer.read(text);
          if (asks) yield* writer.next;
          const kept = yield* writer.keep;
          return { kept, expected: yield* goingOn(writer, more) };
        }));
      const found = await writing(untrained(), (writer) =>
        Effect.gen(function* () {
          yield* writer.read(textOf(77, "another text"));
          yield* writer.resume(text, cut(kept, 5));
          return yield* goingOn(writer, more);
        }));
      assert.deepEqual(found, expected, `${length} bytes`);
      assert.ok(kept.stretches.every(({ from, to }) => to - from <= SHAPE.window));
    }
  }
});

Deno.test("reading on in one go from what was kept gives what reading whole gives, where the cut lies between pieces", async () => {
  const text = textOf(300, "whole");
  const [whole, resumed] = await writing(untrained(), (writer) =>
    Effect.gen(function* () {
      yield* writer.read(text);
      const whole = yield* writer.next;
      yield* writer.reset;
      yield* writer.read(text.subarray(0, 128));
      const kept = yield* writer.keep;
      yield* writer.resume(text.subarray(0, 128), kept);
      yield* writer.read(text.subarray(128));
      return [whole, yield* writer.next];
    }));
  assert.deepEqual(resumed, whole);
});

Deno.test("what was kept of another text, another model, or in part is refused by reason", async () => {
  const text = textOf(40, "refused");
  await writing(untrained(), (writer) =>
    Effect.gen(function* () {
      yield* writer.read(text);
      const kept = yield* writer.keep;
      const [first, ...rest] = kept.stretches;
      const wrong: ReadonlyArray<readonly [Uint8Array, KeptText, RegExp]> = [
        [text.subarray(1), kept, /is of 40 bytes, and the text has 39/u],
        [text, { ...kept, step: kept.step.slice(1) }, /its last place has \d+ features/u],
        [text, { ...kept, stretches: rest }, /do not reach place 40/u],
        [text, { ...kept, stretches: [{ ...first, head: 9 }, ...rest] }, /of head 9/u],
        [text, { ...kept, stretches: [{ ...first, keys: first.keys.slice(1) }, ...rest] }, /not of this model/u],
        [text, { ...kept, stretches: [first, ...kept.stretches] }, /not of this model and text/u],
      ];
      for (const [of, given, reason] of wrong) {
        const failure = yield* Effect.flip(writer.resume(of, given));
        assert.equal(failure.code, "NEURAL_SETTING");
        assert.match(failure.message, reason);
      }
      yield* writer.resume(text, kept);
    }));
});
