/**
 * Client: who trains on data that only it holds.
 *
 * In this process, or anywhere that bytes reach: a remote client is one whose requests and replies are moved by somebody.
 * Hostile clients are here too, because rules that should withstand them have to be tried on them.
 * Invariant: what a client answers is a message; the server learns nothing else of it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Failure, isFailure } from "../../../kernel/failure.ts";
import { random } from "../../../kernel/random.ts";
import { attemptEffect, clientFailed, isNeuralFailure, type NeuralFailure } from "../failures.ts";
import { compress, decompress } from "./compress.ts";
import type { LocalTrainer, TrainerFailure } from "./local.ts";
import {
  type ClientDescription,
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  type Order,
  type Reply,
  type Request,
  type Update,
  type UpdatePayload,
} from "./messages.ts";
import type { Samples } from "./samples.ts";
import type { MaskKeeper } from "./secure.ts";
import { difference } from "./weights.ts";

/** A failure of a client. */
export type ClientFailure = NeuralFailure | TrainerFailure;

/** Who trains. */
export interface FederatedClient {
  /** Its name. */
  readonly id: string;
  /** What it says of itself. */
  readonly describe: Effect.Effect<ClientDescription, ClientFailure>;
  /** Does what a round asks. */
  readonly train: (order: Order) => Effect.Effect<Update, ClientFailure>;
  /** The seeds it shares in a round with clients that did not answer, where it seals its steps. */
  readonly reveal?: (
    round: number,
    silent: ReadonlyArray<string>,
  ) => Effect.Effect<ReadonlyArray<string>, ClientFailure>;
}

/** A client in this process; it seals its steps where it has a keeper of masks. */
export const localClient = (
  id: string,
  trainer: LocalTrainer,
  samples: Samples,
  keeper?: MaskKeeper,
): FederatedClient => {
  let left: Float32Array | undefined;
  const packed = (order: Order, step: Float32Array): Effect.Effect<UpdatePayload, ClientFailure> => {
    const { sealing, round, compression } = order;
    if (sealing === undefined) {
      return Effect.map(attemptEffect(() => compress(step, compression, left)), (made) => {
        left = made.left;
        return made.payload;
      });
    }
    if (keeper === undefined) return Effect.fail(clientFailed({ client: id, reason: "it cannot seal its steps" }));
    const sealed = keeper.seal(id, round, sealing, step);
    return Effect.map(sealed, (words) => ({ kind: "sealed", size: words.length, words }));
  };
  return {
    id,
    describe: Effect.succeed({ id, samples: samples.count, ...(keeper === undefined ? {} : { key: keeper.key }) }),
    train: (order) =>
      Effect.gen(function* () {
        const { weights, loss } = yield* trainer.train(order.weights, samples, order);
        const payload = yield* packed(order, difference(weights, order.weights));
        return { client: id, round: order.round, loss, payload };
      }),
    ...(keeper === undefined ? {} : { reveal: keeper.reveal }),
  };
};

/** Moves a request to a client and its reply back. */
export type Exchange = (request: Uint8Array<ArrayBuffer>) => Effect.Effect<Uint8Array, ClientFailure>;

/** A client somewhere else. */
export const remoteClient = (id: string, exchange: Exchange): FederatedClient => {
  const ask = (request: Request): Effect.Effect<Reply, ClientFailure> =>
    Effect.flatMap(exchange(encodeRequest(request)), (bytes) => {
      try {
        const reply = decodeReply(bytes, id);
        return reply.kind === "failure" ? Effect.fail(reply.failure as ClientFailure) : Effect.succeed(reply);
      } catch (thrown) {
        if (isNeuralFailure(thrown)) return Effect.fail(thrown);
        throw thrown;
      }
    });
  const unexpected = (kind: string) => Effect.fail(clientFailed({ client: id, reason: `it answered with ${kind}` }));
  return {
    id,
    describe: Effect.flatMap(
      ask({ kind: "describe" }),
      (reply) => reply.kind === "description" ? Effect.succeed(reply.description) : unexpected(reply.kind),
    ),
    train: (order) =>
      Effect.flatMap(
        ask({ kind: "train", order }),
        (reply) => reply.kind === "update" ? Effect.succeed(reply.update) : unexpected(reply.kind),
      ),
  };
};

const replyTo = (client: FederatedClient, asked: Request): Effect.Effect<Reply, ClientFailure> => {
  switch (asked.kind) {
    case "describe":
      return Effect.map(client.describe, (description) => ({ kind: "description", description }));
    case "train":
      return Effect.map(client.train(asked.order), (update) => ({ kind: "update", update }));
    case "reveal":
      if (client.reveal === undefined) {
        return Effect.fail(clientFailed({ client: client.id, reason: "it seals nothing" }));
      }
      return Effect.map(client.reveal(asked.round, asked.silent), (seeds) => ({ kind: "seeds", seeds }));
  }
};

/** The client's end of an exchange: a request's bytes to a reply's. Failures become replies. */
export const answer = (client: FederatedClient, request: Uint8Array): Effect.Effect<Uint8Array<ArrayBuffer>> => {
  const refusal = (failure: Failure): Uint8Array<ArrayBuffer> => encodeReply({ kind: "failure", failure });
  let asked: Request;
  try {
    asked = decodeRequest(request);
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    return Effect.succeed(refusal(thrown));
  }
  return Effect.match(replyTo(client, asked), { onSuccess: encodeReply, onFailure: refusal });
};

/** How a hostile client lies about its step. */
export type Attack =
  /** The opposite, as many times as large. */
  | { readonly kind: "flip"; readonly scale?: number }
  /** Normal noise of a deviation. */
  | { readonly kind: "noise"; readonly deviation: number }
  /** Nothing at all: zeros. */
  | { readonly kind: "idle" };

/** A client that lies about its step, where the step is open. */
export const hostileClient = (client: FederatedClient, attack: Attack): FederatedClient => ({
  ...client,
  train: (order) =>
    Effect.map(client.train(order), (update) => {
      const chance = random(`${order.seed}/attack`);
      if (update.payload.kind === "sealed") return update;
      const honest = decompress(update.payload)!;
      const values = honest.map((value) => {
        switch (attack.kind) {
          case "flip":
            return -(attack.scale ?? 1) * value;
          case "noise":
            return attack.deviation * chance.normal();
          case "idle":
            return 0;
        }
      }) as Float32Array<ArrayBuffer>;
      return { ...update, payload: { kind: "dense", size: values.length, values } };
    }),
});
