/**
 * Hostile corpus of artifact frames: seeded mutations of valid frames, half of them wrapped correctly again so that what
 * lies behind the digest is reached.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { random } from "../../kernel/mod.ts";
import type { ArtifactFacts } from "../../registry/artifact.ts";
import { type ArtifactContent, decodeFrame, encodeFrame } from "../../registry/artifact_frame.ts";

/** Facts of a test artifact. */
export const facts = (more: Partial<ArtifactFacts> = {}): ArtifactFacts => ({
  kind: "weights",
  media: "application/octet-stream",
  description: "weights of a test",
  references: [`sha256:${"ab".repeat(32)}`],
  tags: ["a", "b"],
  metrics: { accuracy: 0.75, loss: 1e-9, steps: 1000 },
  ...more,
});

/** A test artifact. */
export const content = (bytes: Uint8Array, more: Partial<ArtifactFacts> = {}): ArtifactContent => ({
  facts: facts(more),
  bytes,
});

/** Encodes an artifact. */
export const encode = (made: ArtifactContent) => Effect.runPromise(encodeFrame(made));

/** Decodes a frame. */
export const opened = (frame: Uint8Array) => Effect.runPromiseExit(decodeFrame(frame));

/** Seeded bytes. */
export const noise = (seed: string, length: number): Uint8Array => {
  const draw = random(seed);
  return Uint8Array.from({ length }, () => draw.below(256));
};

interface Lz4 {
  readonly compress: (bytes: Uint8Array) => Uint8Array;
  readonly decompress: (bytes: Uint8Array) => Uint8Array;
}

/** Mutates valid frames; counts crashes and decodings that do not encode back. */
export const mutate = async (seed: string, count: number, progress: (done: number) => void = () => {}) => {
  const draw = random(seed);
  const frames = await Promise.all([0, 40, 700, 5_000].map((size) => encode(content(noise(`m${size}`, size)))));
  // Half of them change the body and are wrapped correctly again, so that what lies behind the digest is reached.
  const codec = ((await import("lz4-wasm-nodejs")) as unknown as { default: Lz4 }).default;
  const rewrap = (frame: Uint8Array): Uint8Array => {
    const body = codec.decompress(frame.subarray(44)).slice();
    for (let edits = 1 + draw.below(3); edits > 0; edits--) body[draw.below(body.length)] = draw.below(256);
    const block = codec.compress(body);
    const made = new Uint8Array(44 + block.length);
    made.set(frame.subarray(0, 12));
    made.set(createHash("sha256").update(body).digest(), 12);
    made.set(block, 44);
    new DataView(made.buffer).setUint32(8, block.length, true);
    return made;
  };
  const tally = { crashed: 0, unstable: 0 };
  for (let at = 0; at < count; at++) {
    const frame = at % 2 === 0 ? rewrap(draw.pick(frames)) : draw.pick(frames).slice();
    for (let edits = at % 2 === 0 ? 0 : 1 + draw.below(4); edits > 0; edits--) {
      frame[draw.below(frame.length)] ^= 1 << draw.below(8);
    }
    const cut = draw.below(8) === 0 ? frame.slice(0, draw.below(frame.length)) : frame;
    const exit = await opened(cut);
    if (Exit.isFailure(exit) && exit.cause.reasons.some(({ _tag }) => _tag !== "Fail")) tally.crashed++;
    if (Exit.isSuccess(exit) && Buffer.compare(await encode(exit.value), cut) !== 0) tally.unstable++;
    if (at % 500 === 0) progress(at);
  }
  return tally;
};
