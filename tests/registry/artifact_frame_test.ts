/**
 * Tests of registry/artifact_frame.ts: the layout taken apart by hand, other implementations as judges, and a hostile
 * corpus.
 */
import { decode } from "@msgpack/msgpack";
import * as Exit from "effect/Exit";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Failure } from "../../kernel/mod.ts";
import { MAX_ATTACHED } from "../../registry/artifact.ts";
import { MAX_BODY_BYTES } from "../../registry/artifact_frame.ts";
import { content, encode, facts, mutate, noise, opened } from "./frame_corpus.ts";

const refusal = async (frame: Uint8Array): Promise<Failure> => {
  const exit = await opened(frame);
  assert.ok(Exit.isFailure(exit), "the frame decoded");
  const reason = exit.cause.reasons[0];
  assert.equal(reason._tag, "Fail", JSON.stringify(reason));
  return (reason as { readonly error: Failure }).error;
};

/** An LZ4 block decompressor by the format's description, independent of the library. */
const unpack = (block: Uint8Array, size: number): Uint8Array => {
  const out = new Uint8Array(size);
  let [from, to] = [0, 0];
  const more = (length: number): number => {
    if (length !== 15) return length;
    for (;;) {
      const byte = block[from++];
      length += byte;
      if (byte !== 255) return length;
    }
  };
  while (from < block.length) {
    const token = block[from++];
    const literals = more(token >> 4);
    out.set(block.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    if (from >= block.length) break;
    const offset = block[from] | (block[from + 1] << 8);
    from += 2;
    const length = more(token & 15) + 4;
    for (let at = 0; at < length; at++, to++) out[to] = out[to - offset];
  }
  assert.equal(to, size);
  return out;
};

Deno.test("a frame is what its layout says, read by hand with other tools", async () => {
  const bytes = new TextEncoder().encode("layer ".repeat(200));
  const frame = await encode(content(bytes));
  const view = new DataView(frame.buffer, frame.byteOffset);
  assert.equal(new TextDecoder().decode(frame.subarray(0, 4)), "RMIA");
  assert.equal(view.getUint16(4, true), 1);
  assert.equal(view.getUint16(6, true), 0);
  assert.equal(view.getUint32(8, true), frame.length - 44);
  const body = unpack(frame.subarray(48), view.getUint32(44, true));
  assert.deepEqual([...frame.subarray(12, 44)], [...createHash("sha256").update(body).digest()]);
  const [kind, media, description, references, tags, names, values, payload] = decode(body) as unknown[];
  assert.deepEqual([kind, media, description], ["weights", "application/octet-stream", "weights of a test"]);
  assert.deepEqual([references, tags], [facts().references, ["a", "b"]]);
  assert.deepEqual([names, values], [["accuracy", "loss", "steps"], [0.75, 1e-9, 1000]]);
  assert.deepEqual(payload, bytes);
});

Deno.test("what was encoded decodes to the same, from nothing to a megabyte, compressible or not", async () => {
  for (
    const bytes of [new Uint8Array(), Uint8Array.of(0), noise("a", 4096), new Uint8Array(1 << 20), noise("b", 70_000)]
  ) {
    const exit = await opened(await encode(content(bytes)));
    assert.ok(Exit.isSuccess(exit));
    assert.deepEqual(exit.value, content(bytes));
  }
});

Deno.test("metrics and lists at their limit pass, and one past it is refused", async () => {
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`m${1000 + at}`, at]));
  assert.ok(Exit.isSuccess(await opened(await encode(content(noise("c", 9), { metrics: many(MAX_ATTACHED) })))));
  await refusal(await encode(content(noise("c", 9), { metrics: many(MAX_ATTACHED + 1) })));
});

Deno.test("every truncation of a frame is a typed failure", async () => {
  const frame = await encode(content(noise("d", 300)));
  for (let length = 0; length < frame.length; length++) {
    assert.equal((await refusal(frame.slice(0, length))).code, "KERNEL_PAYLOAD");
  }
});

Deno.test("bytes behind a frame are refused", async () => {
  const frame = await encode(content(noise("e", 300)));
  for (const extra of [1, 2, 100]) {
    assert.match(
      (await refusal(Uint8Array.from([...frame, ...new Uint8Array(extra)]))).message,
      /names \d+ bytes and holds/u,
    );
  }
});

Deno.test("a newer version is named, and reserved bytes are refused", async () => {
  const frame = await encode(content(noise("f", 30)));
  assert.equal((await refusal(frame.with(4, 2))).code, "KERNEL_NEWER_FORMAT");
  assert.equal((await refusal(frame.with(4, 0))).code, "KERNEL_PAYLOAD");
  assert.match((await refusal(frame.with(6, 1))).message, /reserved/u);
  assert.match((await refusal(frame.with(0, 0))).message, /RMIA/u);
});

Deno.test("a bomb is refused by its size, before it is decompressed", async () => {
  const frame = await encode(content(noise("g", 30)));
  for (const size of [MAX_BODY_BYTES + 1, 0xffffffff]) {
    const bomb = frame.slice();
    new DataView(bomb.buffer).setUint32(44, size, true);
    assert.match((await refusal(bomb)).message, /the limit is/u);
  }
  const small = frame.slice();
  new DataView(small.buffer).setUint32(44, 60_000_000, true);
  assert.match((await refusal(small)).message, /cannot hold/u);
});

Deno.test("a content that does not have its digest is refused", async () => {
  const frame = await encode(content(noise("h", 30)));
  assert.match((await refusal(frame.with(12, frame[12] ^ 1))).message, /digest/u);
});

Deno.test("the same content compressed in another way is refused, so that content and bytes are one to one", async () => {
  const frame = await encode(content(new Uint8Array(500)));
  const size = new DataView(frame.buffer, frame.byteOffset).getUint32(44, true);
  const body = unpack(frame.subarray(48), size);
  // Literals only: a valid LZ4 block that no compressor writes for zeros.
  const lengths: number[] = [0xf0];
  for (let left = size - 15; left >= 0; left -= 255) lengths.push(Math.min(255, left));
  if (lengths.at(-1) === 255) lengths.push(0);
  const block = Uint8Array.from([...new Uint8Array(new Uint32Array([size]).buffer), ...lengths, ...body]);
  const other = new Uint8Array(44 + block.length);
  other.set(frame.subarray(0, 44));
  other.set(block, 44);
  new DataView(other.buffer).setUint32(8, block.length, true);
  assert.match((await refusal(other)).message, /canonical/u);
});

Deno.test("2,000 seeded mutations: each is a typed failure or encodes to the same bytes again", async () => {
  assert.deepEqual(await mutate("frames", 2_000), { crashed: 0, unstable: 0 });
});
