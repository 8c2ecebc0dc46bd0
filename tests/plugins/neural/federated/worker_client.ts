/**
 * A client in a worker: its data and its training live here, and bytes come and go.
 */
/// <reference lib="deno.worker" />
import * as Effect from "effect/Effect";
import { answer, localClient, samplesOf } from "../../../../plugins/neural/library.ts";
import { blobs, smallNetwork, trainerOf } from "./support.ts";

const made = Effect.runPromise(
  Effect.scoped(Effect.gen(function* () {
    const trainer = yield* trainerOf(smallNetwork(), 10);
    const client = localClient("far", trainer, samplesOf(blobs(60, 4, 9)));
    postMessage("ready");
    yield* Effect.callback<void>(() => {
      onmessage = ({ data }: MessageEvent<Uint8Array>) =>
        void Effect.runPromise(answer(client, data)).then((reply) => postMessage(reply));
    });
  })) as Effect.Effect<void>,
);
void made;
