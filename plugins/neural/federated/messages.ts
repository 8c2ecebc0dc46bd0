/**
 * Messages: what server and clients tell each other, as bytes, and what of it is believed.
 *
 * A message is a length, a JSON head and the numbers behind it, little-endian. Not a transport: whoever moves bytes
 * (a worker, a process, a socket) moves these.
 * Invariant: decoding never trusts a length; what does not decode, or does not answer the order, is refused with a reason.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { Failure, failureToJson } from "../../../kernel/failure.ts";
import { clientFailed } from "../failures.ts";
import type { Sealing } from "./secure.ts";
import { type Compression, decompress, type Payload } from "./compress.ts";

/** What a client is asked to do in a round. */
export interface Order {
  /** The round, from 1. */
  readonly round: number;
  /** Passes over the client's samples. */
  readonly epochs: number;
  /** Samples a step. */
  readonly batch: number;
  /** Step size. */
  readonly rate: number;
  /** Pull towards the round's weights: μ of FedProx. */
  readonly proximal: number;
  /** Orders samples and drives random draws. */
  readonly seed: string;
  /** How the client's step is to be packed. */
  readonly compression: Compression;
  /** How the step is to be sealed, where the server shall read the sum alone. */
  readonly sealing?: Sealing;
  /** The round's weights. */
  readonly weights: Float32Array;
}

/** An answer's step: packed for all to read, or sealed. */
export type UpdatePayload = Payload | { readonly kind: "sealed"; readonly size: number; readonly words: Uint32Array };

/** What a client answers. */
export interface Update {
  /** The client. */
  readonly client: string;
  /** The round it answers. */
  readonly round: number;
  /** The loss it had. */
  readonly loss: number;
  /** How far it went from the round's weights. */
  readonly payload: UpdatePayload;
}

/** What a client says of itself. */
export interface ClientDescription {
  /** Its name. */
  readonly id: string;
  /** How many samples it has. A mean believes it; rules that withstand hostile clients do not look at it. */
  readonly samples: number;
  /** Its public key in hexadecimal, where it can seal its steps. */
  readonly key?: string;
}

/** Why an update is not used. */
export const REJECTIONS = {
  failed: "the client answered with a failure",
  late: "the client did not answer in time",
  stranger: "the update names another client",
  stale: "the update answers another round",
  size: "the update has another number of elements than the model",
  notFinite: "the update holds a number that is not finite",
  form: "the update is sealed where it should be open, or open where it should be sealed",
} as const;

/** Name of a reason. */
export type RejectionReason = keyof typeof REJECTIONS;

/** An update that is not used. */
export interface Rejection {
  /** The client. */
  readonly client: string;
  /** Why. */
  readonly reason: RejectionReason;
  /** What exactly. */
  readonly detail: string;
}

/** A step that is believed: in the open, or as sealed words. */
export type Judged = { readonly step: Float32Array<ArrayBuffer> } | { readonly words: Uint32Array };

/** The step of an update that answers an order, or why it is not used. */
export const judgeUpdate = (client: string, order: Order, update: Update): Judged | Rejection => {
  const reject = (reason: RejectionReason, detail: string): Rejection => ({ client, reason, detail });
  if (update.client !== client) return reject("stranger", `it names ${update.client}`);
  if (update.round !== order.round) return reject("stale", `round ${update.round} in round ${order.round}`);
  const { payload } = update;
  if ((payload.kind === "sealed") !== (order.sealing !== undefined)) return reject("form", `it is ${payload.kind}`);
  if (payload.kind === "sealed") {
    const { words } = payload;
    if (words.length === order.weights.length) return { words };
    return reject("size", `${words.length} elements for ${order.weights.length}`);
  }
  const step = decompress(payload);
  if (step === undefined || step.length !== order.weights.length) {
    return reject("size", `${step?.length ?? "no"} elements for ${order.weights.length}`);
  }
  const at = step.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) return reject("notFinite", `element ${at} is ${step[at]}`);
  if (!Number.isFinite(update.loss)) return reject("notFinite", `the loss is ${update.loss}`);
  return { step };
};

/** A question to a client. */
export type Request =
  | { readonly kind: "describe" }
  | { readonly kind: "train"; readonly order: Order }
  | { readonly kind: "reveal"; readonly round: number; readonly silent: ReadonlyArray<string> };

/** An answer of a client. */
export type Reply =
  | { readonly kind: "description"; readonly description: ClientDescription }
  | { readonly kind: "update"; readonly update: Update }
  | { readonly kind: "seeds"; readonly seeds: ReadonlyArray<string> }
  | { readonly kind: "failure"; readonly failure: Failure };

/** Most bytes of a message's head. */
export const MAX_HEAD_BYTES: number = 2 ** 16;

const LENGTH_BYTES = 4;

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 }));
const Positive = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2 ** 31 }));

const CompressionHead = Schema.Union([
  Schema.Struct({ kind: Schema.Literals(["none", "int8"]) }),
  Schema.Struct({ kind: Schema.Literal("topK"), share: Schema.Finite }),
]);

const Hex = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{2}){1,64}$/u));

const SealingHead = Schema.Struct({
  roster: Schema.Array(Schema.Struct({ id: Schema.String, key: Hex })),
  share: Schema.Finite,
});

const PayloadHead = Schema.Struct({
  kind: Schema.Literals(["dense", "sparse", "int8", "sealed"]),
  size: Count,
  kept: Count,
});

const Head = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("describe") }),
  Schema.Struct({
    kind: Schema.Literal("train"),
    round: Positive,
    epochs: Positive,
    batch: Positive,
    rate: Schema.Finite,
    proximal: Schema.Finite,
    seed: Schema.String,
    compression: CompressionHead,
    sealing: Schema.optionalKey(SealingHead),
    size: Count,
  }),
  Schema.Struct({ kind: Schema.Literal("reveal"), round: Positive, silent: Schema.Array(Schema.String) }),
  Schema.Struct({ kind: Schema.Literal("seeds"), seeds: Schema.Array(Hex) }),
  Schema.Struct({
    kind: Schema.Literal("description"),
    id: Schema.String,
    samples: Count,
    key: Schema.optionalKey(Hex),
  }),
  // A loss that is not finite travels as text, because JSON has no such numbers.
  Schema.Struct({
    kind: Schema.Literal("update"),
    client: Schema.String,
    round: Count,
    loss: Schema.Union([Schema.Finite, Schema.Literals(["NaN", "Infinity", "-Infinity"])]),
    payload: PayloadHead,
  }),
  Schema.Struct({ kind: Schema.Literal("failure"), failure: Failure }),
]);

const readHead = Schema.decodeUnknownSync(Schema.fromJsonString(Head), { onExcessProperty: "error" });

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Numbers of four bytes as little-endian bytes, and back; a copy. */
const swapped = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const copy = new Uint8Array(bytes);
  if (isLittleEndian) return copy;
  for (let i = 0; i + 3 < copy.length; i += 4) copy.subarray(i, i + 4).reverse();
  return copy;
};

const bytesOf = (words: Float32Array | Uint32Array): Uint8Array =>
  swapped(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));

const message = (head: object, ...bodies: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const text = utf8ToBytes(JSON.stringify(head));
  const made = new Uint8Array(bodies.reduce((sum, body) => sum + body.length, LENGTH_BYTES + text.length));
  new DataView(made.buffer).setUint32(0, text.length, true);
  made.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + text.length;
  for (const body of bodies) {
    made.set(body, at);
    at += body.length;
  }
  return made;
};

const open = (bytes: Uint8Array, from: string) => {
  const refuse = (reason: string): never => {
    throw clientFailed({ client: from, reason });
  };
  if (bytes.length < LENGTH_BYTES) return refuse(`${bytes.length} bytes are no message`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > MAX_HEAD_BYTES || length > bytes.length - LENGTH_BYTES) {
    return refuse(`its head would be ${length} bytes of ${bytes.length}`);
  }
  const body = bytes.subarray(LENGTH_BYTES + length);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
    return { head: readHead(text), body };
  } catch {
    return refuse("its head is not that of a message");
  }
};

const exactly = (body: Uint8Array, wanted: number, from: string): Uint8Array => {
  if (body.length === wanted) return body;
  throw clientFailed({
    client: from,
    reason: `its message carries ${body.length} bytes where ${wanted} are announced`,
  });
};

const floats = (body: Uint8Array): Float32Array<ArrayBuffer> => new Float32Array(swapped(body).buffer);

/** A request as bytes. */
export const encodeRequest = (request: Request): Uint8Array<ArrayBuffer> => {
  if (request.kind !== "train") return message(request);
  const { weights, ...order } = request.order;
  return message({ kind: "train", ...order, size: weights.length }, bytesOf(new Float32Array(weights)));
};

/** A request from bytes; throws `NEURAL_CLIENT` on anything else. */
export const decodeRequest = (bytes: Uint8Array): Request => {
  const { head, body } = open(bytes, "server");
  if (head.kind === "describe" || head.kind === "reveal") {
    exactly(body, 0, "server");
    return head;
  }
  if (head.kind !== "train") throw clientFailed({ client: "server", reason: `a ${head.kind} is no request` });
  const { kind, size, ...order } = head;
  return { kind, order: { ...order, weights: floats(exactly(body, 4 * size, "server")) } };
};

const payloadBodies = (payload: UpdatePayload): ReadonlyArray<Uint8Array> => {
  switch (payload.kind) {
    case "dense":
      return [bytesOf(payload.values)];
    case "sealed":
      return [bytesOf(payload.words)];
    case "sparse":
      return [bytesOf(payload.indices), bytesOf(payload.values)];
    case "int8":
      return [
        bytesOf(payload.scales),
        new Uint8Array(payload.codes.buffer, payload.codes.byteOffset, payload.codes.length),
      ];
  }
};

const keptOf = (payload: UpdatePayload): number => {
  switch (payload.kind) {
    case "dense":
    case "sealed":
      return payload.size;
    case "sparse":
      return payload.indices.length;
    case "int8":
      return payload.scales.length;
  }
};

/** A reply as bytes. */
export const encodeReply = (reply: Reply): Uint8Array<ArrayBuffer> => {
  if (reply.kind === "description") return message({ kind: reply.kind, ...reply.description });
  if (reply.kind === "failure") return message({ kind: reply.kind, failure: failureToJson(reply.failure) });
  if (reply.kind === "seeds") return message(reply);
  const { payload, loss, ...update } = reply.update;
  const { kind, size } = payload;
  const said = Number.isFinite(loss) ? loss : String(loss);
  const head = { kind: "update", ...update, loss: said, payload: { kind, size, kept: keptOf(payload) } };
  return message(head, ...payloadBodies(payload));
};

const payloadOf = (
  { kind, size, kept }: typeof PayloadHead.Type,
  body: Uint8Array,
  from: string,
): UpdatePayload => {
  switch (kind) {
    case "sealed":
      return { kind, size, words: new Uint32Array(swapped(exactly(body, 4 * size, from)).buffer) };
    case "dense":
      return { kind, size, values: floats(exactly(body, 4 * size, from)) };
    case "sparse": {
      const all = exactly(body, 8 * kept, from);
      const indices = new Uint32Array(swapped(all.subarray(0, 4 * kept)).buffer);
      return { kind, size, indices, values: floats(all.subarray(4 * kept)) };
    }
    case "int8": {
      const all = exactly(body, 4 * kept + size, from);
      const codes = new Int8Array(new Uint8Array(all.subarray(4 * kept)).buffer);
      return { kind, size, scales: floats(all.subarray(0, 4 * kept)), codes };
    }
  }
};

const described = ({ id, samples, key }: ClientDescription): ClientDescription => ({
  id,
  samples,
  ...(key === undefined ? {} : { key }),
});

/** A reply from bytes; throws `NEURAL_CLIENT` on anything else. */
export const decodeReply = (bytes: Uint8Array, client: string): Reply => {
  const { head, body } = open(bytes, client);
  switch (head.kind) {
    case "description":
      exactly(body, 0, client);
      return { kind: head.kind, description: described(head) };
    case "seeds":
      exactly(body, 0, client);
      return head;
    case "failure":
      exactly(body, 0, client);
      return { kind: head.kind, failure: head.failure as Failure };
    case "update": {
      const { kind, payload, loss, ...update } = head;
      return { kind, update: { ...update, loss: Number(loss), payload: payloadOf(payload, body, client) } };
    }
    default:
      throw clientFailed({ client, reason: `a ${head.kind} request is no reply` });
  }
};
