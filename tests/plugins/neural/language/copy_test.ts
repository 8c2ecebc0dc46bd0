/**
 * The copy task: symbols, a mark, and then the same symbols again, which only what remembers them can say.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../../../kernel/random.ts";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import { tensorOf, toFloats } from "../../../../plugins/ir/library.ts";
import {
  embedding,
  encoderBlock,
  gru,
  type Layer,
  learnedPositions,
  linear,
  makeAnswerer,
  networkOfLayers,
  sequential,
  train,
} from "../../../../plugins/neural/library.ts";

const [SYMBOLS, COPIED, BATCH] = [6, 5, 32];
const LENGTH = 2 * COPIED;
const MARK = SYMBOLS;

/** Batches of symbols with a mark after them, and what comes next at every place. */
const batchOf = (seed: string) => {
  const draws = random(seed);
  const given = new Int32Array(BATCH * LENGTH);
  const next = new Int32Array(BATCH * LENGTH);
  for (let row = 0; row < BATCH; row++) {
    const own = Array.from({ length: COPIED }, () => draws.below(SYMBOLS));
    const whole = [...own, MARK, ...own];
    given.set(whole.slice(0, LENGTH), row * LENGTH);
    next.set(whole.slice(1), row * LENGTH);
  }
  return {
    inputs: [tensorOf("i32", [BATCH, LENGTH], given)],
    targets: [tensorOf("i32", [BATCH, LENGTH], next)],
  };
};

/** Trains a layer and gives its share of right symbols after the mark, on sequences it has not seen. */
const learnedToCopy = (
  body: ReadonlyArray<Layer>,
  { steps, rate }: { readonly steps: number; readonly rate: number },
) =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const layer = sequential(
      embedding({ vocabulary: SYMBOLS + 1, width: 32 }),
      ...body,
      linear({ width: SYMBOLS + 1 }),
    );
    const network = networkOfLayers(layer, { x: `i32[B,${LENGTH}]` });
    const { values } = yield* train<never, never>(cpuBackend, {
      network,
      loss: { kind: "crossEntropy" },
      optimiser: { kind: "adam" },
      clip: { norm: 1 },
      rate,
      schedule: { kind: "warmup" },
      feed: { batch: BATCH, length: steps, epoch: () => ({ length: steps, at: (i) => batchOf(`copy ${i}`) }) },
      epochs: 1,
      seed: 1,
    }, () => Effect.void);
    const answerer = yield* makeAnswerer(cpuBackend, network, { batch: BATCH });
    yield* answerer.write(values);
    const { inputs, targets } = batchOf("unseen");
    const [scores] = yield* answerer.answer(inputs);
    const all = toFloats(scores);
    let right = 0;
    for (let row = 0; row < BATCH; row++) {
      for (let place = COPIED; place < LENGTH; place++) {
        const at = row * LENGTH + place;
        const own = [...all.subarray(at * (SYMBOLS + 1), (at + 1) * (SYMBOLS + 1))];
        if (own.indexOf(Math.max(...own)) === Number(targets[0].data[at])) right++;
      }
    }
    return right / (BATCH * COPIED);
  })));

Deno.test("attention learns to copy what it has not seen, with at most one mistake in a hundred", async () => {
  const body = [learnedPositions(), encoderBlock({ heads: 4, causal: true })];
  const right = await learnedToCopy(body, { steps: 400, rate: 0.003 });
  assert.ok(right >= 0.99, `${right}`);
});

Deno.test("a GRU learns to copy what it has not seen, with at most one mistake in fifty", async () => {
  const right = await learnedToCopy([gru({ width: 64 })], { steps: 700, rate: 0.01 });
  assert.ok(right >= 0.98, `${right}`);
});
