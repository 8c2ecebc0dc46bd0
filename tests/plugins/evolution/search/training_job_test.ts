import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { withWorkers, Workers } from "../../../../kernel/mod.ts";
import { layerWorkers } from "../../../../kernel/platform/workers.ts";
import { batches, generatedData, type MemoryDataset, withSplits } from "../../../../plugins/neural/library.ts";
import { fromPortable, portable } from "../../../../plugins/evolution/search/portable_data.ts";
import {
  type NotTrained,
  trainCandidate,
  type Trained,
  type TrainingTask,
} from "../../../../plugins/evolution/search/training_job.ts";

const JOB = import.meta.resolve("../../../../plugins/evolution/search/training_job.ts");

const moons = (): MemoryDataset => generatedData("moons");

const task = (changes: Partial<TrainingTask> = {}): TrainingTask => ({
  program: "linear(16) >> relu >> linear(2)",
  data: portable(moons()),
  training: { epochs: 4, batch: 16, seed: 3 },
  ...changes,
});

const trained = (outcome: Trained | NotTrained): Trained => {
  assert.ok(!("failed" in outcome), "failed" in outcome ? outcome.failed : "");
  return outcome;
};

const inWorker = (given: TrainingTask): Promise<Trained | NotTrained> =>
  Effect.runPromise(
    withWorkers(
      { workers: 1 },
      Effect.flatMap(
        Effect.service(Workers),
        ({ run }) => run({ module: JOB, name: "trainCandidate", input: given }),
      ),
    ).pipe(Effect.provide(layerWorkers({ workers: 1 }))),
  ) as Promise<Trained | NotTrained>;

Deno.test("samples that are sent are given out as before, and none is of the test part", () => {
  const dataset = moons();
  const again = fromPortable(portable(dataset));
  for (const split of ["train", "validation"] as const) {
    const [before] = batches(dataset, { split, batch: 1_000, shuffle: false });
    const [after] = batches(again, { split, batch: 1_000, shuffle: false });
    assert.deepEqual(after.inputs, before.inputs);
    assert.deepEqual(after.target, before.target);
  }
  assert.equal(again.splits.test.length, 0);
  assert.equal(again.length, dataset.length - dataset.splits.test.length);
});

Deno.test("samples of the test part are left behind even where they are asked for", () => {
  const dataset = withSplits(moons(), {
    train: Uint32Array.of(0, 1),
    validation: Uint32Array.of(2),
    test: Uint32Array.of(3),
  });
  const sent = portable(dataset, { train: Uint32Array.of(0, 3), validation: Uint32Array.of(2, 3) });
  assert.deepEqual([sent.train, sent.validation], [1, 1]);
});

Deno.test("a candidate's answer is the same here and in a worker", async () => {
  const here = trained(await trainCandidate(task()));
  assert.ok(here.scores.accuracy > 0.7, `accuracy ${here.scores.accuracy}`);
  assert.equal(here.parameters, 2 * 16 + 16 + 16 * 2 + 2);
  assert.deepEqual(await inWorker(task()), here);
});

Deno.test("a training that goes on from its checkpoint ends as one that never stopped, and pays for its own steps", async () => {
  const whole = trained(await trainCandidate(task({ keep: true })));
  const first = trained(await trainCandidate(task({ share: 0.17, keep: true })));
  assert.equal(first.steps, Math.round(0.17 * whole.steps));
  const rest = trained(await trainCandidate(task({ from: first.checkpoint!, keep: true })));
  assert.deepEqual(rest.scores, whole.scores);
  assert.equal(rest.steps, whole.steps);
  assert.ok(Math.abs(first.flops + rest.flops - whole.flops) < 1e-6 * whole.flops);
});

Deno.test("a checkpoint of other settings is an answer that says so", async () => {
  const first = trained(await trainCandidate(task({ share: 0.05, keep: true })));
  const other = await trainCandidate(task({ from: first.checkpoint!, training: { epochs: 4, batch: 32, seed: 3 } }));
  assert.match((other as NotTrained).failed, /another program or other settings/u);
});

Deno.test("a program that does not fit the data is an answer that says so", async () => {
  const { failed } = await trainCandidate(task({ program: "linear(3)" })) as NotTrained;
  assert.match(failed, /it gives f32\[B, ?3\]/u);
});

Deno.test("a training that loses its numbers has no score", async () => {
  const training = { epochs: 4, batch: 16, seed: 3, optimizer: "sgd", rate: 1e30 } as const;
  const { failed } = await trainCandidate(task({ training })) as NotTrained;
  assert.match(failed, /not finite/u);
});
