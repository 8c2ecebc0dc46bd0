/**
 * Artifact frame: one artifact with its facts as one piece of bytes, to hand to somebody else.
 *
 * Layout, little-endian: `RMIA`, version u16, reserved u16 (0), length of the block u32, SHA-256 of the body (32 bytes),
 * then the block: size of the body u32 and one LZ4 block. The body is MessagePack: a list of the facts and the bytes.
 * Not a stream and not encrypted.
 * Invariant: every size is checked against a limit before anything of that size exists; whatever decodes encodes to the
 * same bytes again.
 *
 * @module
 */
import { decode, encode } from "@msgpack/msgpack";
import { sha256 } from "@noble/hashes/sha2.js";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type FailureOf, type KernelFailure, malformedPayload, newerFormat, packageAbsent } from "../kernel/mod.ts";
import { ArtifactFacts, MAX_ARTIFACT_BYTES, MAX_ATTACHED } from "./artifact.ts";

/** Version of the frame. */
export const FRAME_VERSION = 1;

/** Bytes of a frame's header. */
export const FRAME_HEADER = 44;

/** Bytes of a body: an artifact and its facts. */
export const MAX_BODY_BYTES = MAX_ARTIFACT_BYTES + 262_144;

/** A frame's content. */
export interface ArtifactContent {
  /** What is said about it. */
  readonly facts: ArtifactFacts;
  /** Its bytes. */
  readonly bytes: Uint8Array;
}

const MAGIC = [0x52, 0x4d, 0x49, 0x41];

/** An LZ4 block never holds more than this many times its own size. */
const MAX_LZ4_RATIO = 255;

const LIMITS = {
  maxStrLength: 4_096,
  maxBinLength: MAX_ARTIFACT_BYTES,
  maxArrayLength: MAX_ATTACHED,
  maxMapLength: MAX_ATTACHED,
  maxExtLength: 0,
  maxDepth: 8,
};

interface Lz4 {
  readonly compress: (bytes: Uint8Array) => Uint8Array;
  readonly decompress: (bytes: Uint8Array) => Uint8Array;
}

type FrameFailure = FailureOf<"KERNEL_PAYLOAD"> | FailureOf<"KERNEL_NEWER_FORMAT"> | KernelFailure;

/** Loaded with the first frame: it reads its own file, which the package cache holds. */
const lz4: Effect.Effect<Lz4, KernelFailure> = Effect.tryPromise({
  try: async () => {
    const module = await import("lz4-wasm-nodejs") as unknown as Lz4 & { readonly default?: Lz4 };
    return module.default ?? module;
  },
  catch: () => packageAbsent({ package: "lz4-wasm-nodejs", purpose: "compression of artifact frames" }),
});

const refuse = (reason: string) => malformedPayload({ format: "artifact frame", reason });

const compareKeys = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => a < b ? -1 : 1;

const bodyOf = ({ facts, bytes }: ArtifactContent): Uint8Array => {
  const metrics = Object.entries(facts.metrics).sort(compareKeys);
  return encode([
    facts.kind,
    facts.media,
    facts.description,
    [...facts.references],
    [...facts.tags],
    metrics.map(([name]) => name),
    metrics.map(([, value]) => value),
    bytes,
  ]);
};

const same = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
};

const frameOf = (codec: Lz4, content: ArtifactContent): Uint8Array => {
  const body = bodyOf(content);
  const block = codec.compress(body);
  const frame = new Uint8Array(FRAME_HEADER + block.length);
  const view = new DataView(frame.buffer);
  frame.set(MAGIC);
  view.setUint16(4, FRAME_VERSION, true);
  view.setUint32(8, block.length, true);
  frame.set(sha256(body), 12);
  frame.set(block, FRAME_HEADER);
  return frame;
};

/** Encodes an artifact. */
export const encodeFrame = (content: ArtifactContent): Effect.Effect<Uint8Array, KernelFailure> =>
  Effect.map(lz4, (codec) => frameOf(codec, content));

/** Why a header is refused, before anything is decompressed. */
const headerFault = (frame: Uint8Array): FrameFailure | undefined => {
  if (frame.length < FRAME_HEADER + 4) return refuse("it is shorter than a header");
  if (!MAGIC.every((byte, at) => frame[at] === byte)) return refuse("it does not begin with RMIA");
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const version = view.getUint16(4, true);
  if (version > FRAME_VERSION) {
    return newerFormat({ store: "artifact frame", found: version, supported: FRAME_VERSION });
  }
  if (version !== FRAME_VERSION) return refuse(`it has version ${version}`);
  if (view.getUint16(6, true) !== 0) return refuse("its reserved bytes are not zero");
  const block = view.getUint32(8, true);
  if (block !== frame.length - FRAME_HEADER) {
    return refuse(`it names ${block} bytes and holds ${frame.length - FRAME_HEADER}`);
  }
  const size = view.getUint32(FRAME_HEADER, true);
  if (size > MAX_BODY_BYTES) return refuse(`it would hold ${size} bytes, the limit is ${MAX_BODY_BYTES}`);
  if (size > MAX_LZ4_RATIO * block) return refuse(`${block} bytes cannot hold ${size}`);
  return undefined;
};

const Body = Schema.Tuple([
  Schema.String,
  Schema.String,
  Schema.String,
  Schema.Array(Schema.String),
  Schema.Array(Schema.String),
  Schema.Array(Schema.String),
  Schema.Array(Schema.Finite),
  Schema.Uint8Array,
]);

const contentOf = (body: Uint8Array): ArtifactContent => {
  const [kind, media, description, references, tags, names, values, bytes] = Schema.decodeUnknownSync(Body)(
    decode(body, LIMITS),
  );
  if (names.length !== values.length) throw new Error("its metrics have no values");
  const metrics = Object.fromEntries(names.map((name, at) => [name, values[at]]));
  const facts = Schema.decodeUnknownSync(ArtifactFacts)({ kind, media, description, references, tags, metrics });
  return { facts, bytes: bytes.slice() };
};

const opened = (codec: Lz4, frame: Uint8Array): ArtifactContent => {
  const body = codec.decompress(frame.subarray(FRAME_HEADER));
  if (body.length !== new DataView(frame.buffer, frame.byteOffset).getUint32(FRAME_HEADER, true)) {
    throw new Error("it decompresses to another size than it names");
  }
  if (!same(sha256(body), frame.subarray(12, FRAME_HEADER))) throw new Error("its content does not have its digest");
  const content = contentOf(body);
  if (!same(frameOf(codec, content), frame)) throw new Error("it is not written in the one canonical way");
  return content;
};

/** Decodes a frame from anybody. */
export const decodeFrame = (frame: Uint8Array): Effect.Effect<ArtifactContent, FrameFailure> =>
  Effect.suspend(() => {
    const fault = headerFault(frame);
    if (fault !== undefined) return Effect.fail(fault);
    return Effect.flatMap(lz4, (codec) =>
      Effect.try({
        try: () => opened(codec, frame),
        // The decompressor throws plain texts.
        catch: (cause) => refuse(cause instanceof Error ? cause.message.split("\n")[0] : String(cause)),
      }));
  });
