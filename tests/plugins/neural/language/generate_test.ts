/**
 * Choosing bytes, and writing.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { asText, chooseByte, generate, type GenerateOptions } from "../../../../plugins/neural/library.ts";
import { untrained, writing } from "./small_model.ts";

const shares = (of: { readonly [byte: number]: number }): Float64Array => {
  const made = new Float64Array(256);
  for (const [byte, share] of Object.entries(of)) made[Number(byte)] = share;
  return made;
};
const FOUR = shares({ 10: 0.1, 20: 0.4, 30: 0.3, 40: 0.2 });
/** Every byte that some draw chooses, with how often of a thousand even draws. */
const chosen = (options: Omit<GenerateOptions, "tokens">): { readonly [byte: number]: number } => {
  const counts: { [byte: number]: number } = {};
  for (let i = 0; i < 1000; i++) {
    const byte = chooseByte(FOUR, { tokens: 1, ...options }, (i + 0.5) / 1000);
    counts[byte] = (counts[byte] ?? 0) + 1;
  }
  return counts;
};

Deno.test("bytes are chosen as often as they are likely", () => {
  assert.deepEqual(chosen({}), { 10: 100, 20: 400, 30: 300, 40: 200 });
});

Deno.test("temperature sharpens below one, evens out above, and takes the likeliest at zero", () => {
  assert.deepEqual(chosen({ temperature: 0 }), { 20: 1000 });
  const sharp = chosen({ temperature: 0.5 });
  const squares = 0.16 + 0.09 + 0.04 + 0.01;
  for (const [byte, square] of [[20, 0.16], [30, 0.09], [40, 0.04], [10, 0.01]]) {
    assert.ok(Math.abs(sharp[byte] - 1000 * square / squares) <= 1);
  }
  const even = chosen({ temperature: 1000 });
  assert.ok(Object.values(even).every((count) => Math.abs(count - 250) <= 1));
  assert.deepEqual(chosen({ temperature: 0.001 }), { 20: 1000 });
});

Deno.test("only the likeliest are chosen among, by number and by share", () => {
  assert.deepEqual(Object.keys(chosen({ topK: 2 })), ["20", "30"]);
  assert.deepEqual(Object.keys(chosen({ topP: 0.4 })), ["20"]);
  assert.deepEqual(Object.keys(chosen({ topP: 0.69 })), ["20", "30"]);
  assert.deepEqual(Object.keys(chosen({ topP: 0.71 })), ["20", "30", "40"]);
  assert.deepEqual(Object.keys(chosen({ topK: 1, topP: 1 })), ["20"]);
  assert.equal(chooseByte(shares({ 7: 1 }), { tokens: 1, topP: 1e-9 }, 0.999), 7);
});

const written = (options: GenerateOptions, prompt: string | Uint8Array = "ab cde"): Promise<ReadonlyArray<number>> =>
  writing(untrained(), (writer) => Stream.runCollect(generate(writer, prompt, options)));

Deno.test("the same seed writes the same bytes, another one others", async () => {
  const [one, two, other] = [
    await written({ tokens: 40, seed: 5 }),
    await written({ tokens: 40, seed: 5 }),
    await written({ tokens: 40, seed: 6 }),
  ];
  assert.deepEqual(one, two);
  assert.notDeepEqual(one, other);
  assert.equal(one.length, 40);
});

Deno.test("at temperature zero every byte is the likeliest after the prompt and what was written", async () => {
  const bytes = await written({ tokens: 12, temperature: 0 });
  await writing(untrained(), (writer) =>
    Effect.gen(function* () {
      yield* writer.read(new TextEncoder().encode("ab cde"));
      for (const byte of bytes) {
        const probabilities = yield* writer.next;
        assert.equal(probabilities[byte], Math.max(...probabilities));
        yield* writer.read(Uint8Array.of(byte));
      }
    }));
});

Deno.test("writing ends at the limit and after a text to stop at", async () => {
  assert.deepEqual(await written({ tokens: 0 }), []);
  const free = await written({ tokens: 60, seed: 2 });
  const stop = new TextDecoder().decode(Uint8Array.from(free.slice(10, 12)));
  const stopped = await written({ tokens: 60, seed: 2, stop });
  const decoded = new TextDecoder().decode(Uint8Array.from(stopped));
  assert.ok(decoded.endsWith(stop) && stopped.length < 60);
  assert.deepEqual(stopped, free.slice(0, stopped.length));
});

Deno.test("two streams of one writer, one after the other, both begin with their own prompts", async () => {
  const [one, two] = await writing(untrained(), (writer) =>
    Effect.gen(function* () {
      const first = generate(writer, "ab", { tokens: 8, seed: 1 });
      return [yield* Stream.runCollect(first), yield* Stream.runCollect(first)] as const;
    }));
  assert.deepEqual(one, two);
});

Deno.test("options out of their bounds are refused by name", async () => {
  const wrong: ReadonlyArray<readonly [GenerateOptions, string]> = [
    [{ tokens: -1 }, "/tokens"],
    [{ tokens: 1_000_001 }, "/tokens"],
    [{ tokens: 1.5 }, "/tokens"],
    [{ tokens: 1, temperature: -0.1 }, "/temperature"],
    [{ tokens: 1, temperature: Infinity }, "/temperature"],
    [{ tokens: 1, topK: 0 }, "/topK"],
    [{ tokens: 1, topK: 257 }, "/topK"],
    [{ tokens: 1, topP: 0 }, "/topP"],
    [{ tokens: 1, topP: 1.01 }, "/topP"],
    [{ tokens: 1, topP: NaN }, "/topP"],
  ];
  for (const [options, path] of wrong) {
    const failed = await writing(
      untrained(),
      (writer) => Effect.flip(Stream.runCollect(generate(writer, "", options))),
    );
    assert.equal(failed.code, "NEURAL_SETTING");
    assert.equal(failed.path, path);
  }
});

Deno.test("bytes are text as soon as a character is whole, and what is none is marked", async () => {
  const bytes = [...new TextEncoder().encode("aé\u{1f600}"), 0xc3];
  const pieces = await Effect.runPromise(Stream.runCollect(asText(Stream.fromIterable(bytes))));
  assert.deepEqual([...pieces], ["a", "é", "\u{1f600}", "\ufffd"]);
});

Deno.test("a prompt may be bytes, of any value and number", async () => {
  const prompt = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
  assert.equal((await written({ tokens: 3 }, prompt)).length, 3);
  assert.equal((await written({ tokens: 3 }, "")).length, 3);
});
