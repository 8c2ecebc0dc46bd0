import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import * as TestClock from "effect/testing/TestClock";
import { tensor, toBytes } from "../../../../plugins/ir/library.ts";
import {
  type Checkpoint,
  decodeCheckpoint,
  encodeCheckpoint,
  type Fed,
  feedOf,
  fit,
  type FitEvent,
  type FitPlan,
  type FitResult,
  generatedData,
  joulesOf,
  stepSeed,
  train,
  type Values,
} from "../../../../plugins/neural/library.ts";
import { random } from "../../../../kernel/random.ts";
import { engine, failing, fixedFeed, now, twoLayers } from "./support.ts";

const BATCHES: ReadonlyArray<Fed> = (() => {
  const draws = random("fit");
  return Array.from({ length: 4 }, () => {
    const x = Array.from({ length: 16 }, () => draws.normal());
    const t = Array.from({ length: 8 }, (_, i) => x[2 * i] * 0.7 - x[2 * i + 1] * 0.3 + 0.1);
    return { inputs: [tensor("f32", [8, 2], x)], targets: [tensor("f32", [8, 1], t)] };
  });
})();

const NETWORK = twoLayers(2, 6, 1);

const plan = (more: Partial<FitPlan> = {}): FitPlan => ({
  network: NETWORK,
  loss: { kind: "mse" },
  optimiser: { kind: "adam" },
  rate: 0.02,
  schedule: { kind: "cosine" },
  feed: fixedFeed(BATCHES),
  epochs: 3,
  seed: 7,
  ...more,
});

/** What a training said and made. */
const ran = async (
  given: FitPlan,
): Promise<{ readonly events: ReadonlyArray<FitEvent>; readonly result: FitResult }> => {
  const events: FitEvent[] = [];
  const result = await now(train(engine, given, (event) => Effect.sync(() => void events.push(event))));
  return { events, result };
};

const bytesOf = (values: Values): ReadonlyArray<string> =>
  [...values].map(([name, value]) => `${name} ${toBytes(value).toHex()}`).sort();

/** Events without the times. */
const said = (events: ReadonlyArray<FitEvent>): ReadonlyArray<unknown> =>
  events.map((event) => event.type === "end" ? { ...event, wallMs: 0 } : event);

Deno.test("a training says start, its steps, its epochs and its end, in order", async () => {
  const { events, result } = await ran(plan());
  assert.deepEqual(events.map(({ type }) => type), [
    "start",
    ...Array.from({ length: 3 }, () => ["step", "step", "step", "step", "epoch"]).flat(),
    "end",
  ]);
  const [start] = events;
  assert.ok(start.type === "start" && start.steps === 12 && start.parameters === 25 && !start.resumed);
  const end = events.at(-1)!;
  assert.ok(end.type === "end" && end.step === 12 && end.flops === result.flops && end.joules === joulesOf(end.flops));
  const losses = events.flatMap((event) => event.type === "epoch" ? [event.loss] : []);
  assert.ok(losses[2] < losses[0], String(losses));
});

Deno.test("equal seeds give equal events and bytes, another seed gives others", async () => {
  const [one, same, other] = [await ran(plan()), await ran(plan()), await ran(plan({ seed: 8 }))];
  assert.deepEqual(said(one.events), said(same.events));
  assert.deepEqual(bytesOf(one.result.values), bytesOf(same.result.values));
  assert.notDeepEqual(bytesOf(one.result.values), bytesOf(other.result.values));
});

Deno.test("a run that goes on from any of its checkpoints, as bytes, ends with the bytes and events of one that never stopped", async () => {
  const saved: Uint8Array[] = [];
  const scores = (values: Values) => Effect.succeed({ loss: Math.abs(Number(values.get("w0")!.data[0])) });
  const shared: Partial<FitPlan> = {
    watch: { scores, patience: 9 },
    schedule: { kind: "plateau", settings: { patience: 0, gamma: 0.5 } },
    average: 0.9,
    clip: { norm: 0.5 },
  };
  const whole = await ran(plan({
    ...shared,
    checkpoint: {
      every: 1,
      save: (checkpoint: Checkpoint) => Effect.sync(() => void saved.push(encodeCheckpoint(checkpoint, "run"))),
    },
  }));
  assert.equal(saved.length, 12);
  for (const [i, bytes] of saved.entries()) {
    const { events, result } = await ran(plan({ ...shared, from: decodeCheckpoint(bytes, "run") }));
    assert.deepEqual(bytesOf(result.values), bytesOf(whole.result.values), `after step ${i + 1}`);
    assert.deepEqual(bytesOf(result.checkpoint.values), bytesOf(whole.result.checkpoint.values));
    const rest = said(whole.events).slice(
      said(whole.events).findIndex((event) =>
        (event as FitEvent).type === "checkpoint" && (event as { step: number }).step === i + 1
      ) + 1,
    );
    const without = (list: ReadonlyArray<unknown>) =>
      list.filter((event) => !["checkpoint", "start"].includes((event as FitEvent).type));
    assert.deepEqual(without(said(events)), without(rest), `after step ${i + 1}`);
  }
});

Deno.test("a checkpoint of another training, a newer version, another file and cut bytes are refused", async () => {
  const { result } = await ran(plan({ epochs: 1 }));
  const bytes = encodeCheckpoint(result.checkpoint, "run");
  assert.throws(() => decodeCheckpoint(bytes, "other"), { code: "NEURAL_MODEL", path: "/checkpoint" });
  for (let length = 0; length < bytes.length; length += 97) {
    assert.throws(() => decodeCheckpoint(bytes.subarray(0, length), "run"), { code: "NEURAL_MODEL" });
  }
  const text = new TextDecoder("latin1").decode(bytes);
  const changed = (from: string, to: string): Uint8Array =>
    Uint8Array.from(text.replace(from, to), (character) => character.charCodeAt(0));
  assert.throws(() => decodeCheckpoint(changed("rmi-checkpoint/1", "rmi-checkpoint/9"), "run"), {
    code: "NEURAL_MODEL",
  });
  assert.throws(() => decodeCheckpoint(changed("rmi-checkpoint/1", "rmi-modelstuff/1"), "run"), {
    code: "NEURAL_MODEL",
  });
});

Deno.test("budgets stop a run before the step that would pass them, with their axis; a step more is a step more", async () => {
  const { result: free, events } = await ran(plan());
  const perStep = free.flops / 12;
  assert.ok(events.length > 0);
  const cases = [
    [{ steps: 5 }, "steps", 5],
    [{ flops: perStep * 5 }, "flops", 5],
    [{ flops: perStep * 5 + 1 }, "flops", 6],
    [{ joules: perStep * 3, joulesPerFlop: 1 }, "joules", 3],
  ] as const;
  for (const [budget, axis, steps] of cases) {
    const { events: told, result } = await ran(plan({ budget }));
    assert.equal(result.checkpoint.progress.step, steps, axis);
    assert.ok(result.stopped?.kind === "budget" && result.stopped.axis === axis);
    assert.ok(told.some(({ type }) => type === "stopped"));
  }
  assert.equal((await ran(plan({ budget: { steps: 12 } }))).result.stopped, undefined);
});

Deno.test("a budget of time stops a run by the clock, what was used before a resume included", async () => {
  const slow = fixedFeed(BATCHES);
  const program = (from?: Checkpoint) =>
    Effect.gen(function* () {
      let steps = 0;
      const result = yield* train(
        engine,
        plan({ feed: slow, budget: { wallMs: 50 }, ...(from === undefined ? {} : { from }) }),
        (event) => {
          if (event.type === "step") steps++;
          return event.type === "step" ? TestClock.adjust(10) : Effect.void;
        },
      );
      return { steps, result };
    }).pipe(Effect.provide(TestClock.layer()));
  const first = await now(program());
  assert.equal(first.steps, 5);
  assert.ok(first.result.stopped?.kind === "budget" && first.result.stopped.axis === "wallMs");
  const again = await now(program(first.result.checkpoint));
  assert.equal(again.steps, 0);
});

Deno.test("a run ends early after its patience, with the tensors of its best epoch", async () => {
  const losses = [3, 1, 2, 2.5, 0.5, 0.1];
  const seen: Values[] = [];
  const scores = (values: Values) => {
    seen.push(values);
    return Effect.succeed({ loss: losses[seen.length - 1] });
  };
  const { events, result } = await ran(plan({ epochs: 6, watch: { scores, patience: 1 } }));
  assert.equal(seen.length, 4);
  assert.deepEqual(result.stopped, { kind: "early", waited: 2, best: 1 });
  assert.deepEqual(bytesOf(result.values), bytesOf(seen[1]));
  assert.deepEqual(
    events.flatMap((event) => event.type === "metric" ? [event.best] : []),
    [true, true, false, false],
  );
  const kept = await ran(plan({ epochs: 6, watch: { scores: () => Effect.succeed({ loss: 1 }), keepBest: false } }));
  assert.deepEqual(bytesOf(kept.result.values), bytesOf((await ran(plan({ epochs: 6 }))).result.values));
});

Deno.test("a score that grows with quality is watched upside down, and one that is not there is refused", async () => {
  let epoch = 0;
  const scores = () => Effect.succeed({ accuracy: [0.5, 0.9, 0.7][epoch++] });
  const { events } = await ran(plan({ watch: { scores, name: "accuracy", larger: true } }));
  assert.deepEqual(events.flatMap((event) => event.type === "metric" ? [event.best] : []), [true, true, false]);
  const failure = await failing(
    train(engine, plan({ watch: { scores: () => Effect.succeed({}) } }), () => Effect.void),
  );
  assert.equal((failure as { code: string }).code, "NEURAL_TRAINING");
});

Deno.test("a loss that is not finite stops the run, names the first tensor that is not, and keeps the last good weights", async () => {
  const poisoned = (value: number): ReadonlyArray<Fed> => [
    ...BATCHES.slice(0, 2),
    { ...BATCHES[2], inputs: [tensor("f32", [8, 2], Array.from({ length: 16 }, (_, i) => i === 5 ? value : 1))] },
  ];
  const before = await ran(plan({ epochs: 1, schedule: { kind: "constant" }, feed: fixedFeed(BATCHES.slice(0, 2)) }));
  const cases = [
    [poisoned(NaN), "input x"],
    [
      [...BATCHES.slice(0, 2), { ...BATCHES[2], targets: [tensor("f32", [8, 1], new Array(8).fill(Infinity))] }],
      "target 0",
    ],
    [[...BATCHES.slice(0, 2), { ...BATCHES[2], targets: [tensor("f32", [8, 1], new Array(8).fill(3e38))] }], "loss"],
  ] as const;
  for (const [batches, tensorName] of cases) {
    const { result, events } = await ran(plan({ epochs: 1, schedule: { kind: "constant" }, feed: fixedFeed(batches) }));
    assert.deepEqual(result.stopped, { kind: "notFinite", tensor: tensorName, step: 3 });
    assert.deepEqual(bytesOf(result.values), bytesOf(before.result.values));
    assert.equal(events.at(-1)!.type, "end");
  }
});

Deno.test("in f16 an overflow skips the step and halves the factor, and the run goes on", async () => {
  const { events, result } = await ran(plan({ precision: { dtype: "f16", scale: 2 ** 24 }, rate: 0.01 }));
  assert.ok(events.some(({ type }) => type === "skipped"));
  assert.equal(result.stopped, undefined);
  assert.ok(Number(result.checkpoint.values.get("#scale")!.data[0]) < 2 ** 24);
});

Deno.test("the stream says what the run says, and waits for its reader", async () => {
  let result: FitResult | undefined;
  const stream = fit(engine, plan(), (made) => result = made);
  const events = await now(Stream.runCollect(stream));
  assert.deepEqual(said(events), said((await ran(plan())).events));
  assert.equal(result?.checkpoint.progress.step, 12);
  const first = await now(Stream.runCollect(Stream.take(fit(engine, plan()), 3)));
  assert.equal(first.length, 3);
});

Deno.test("every epoch has an order of its own, the same one again with the same seed, and full batches only", () => {
  const dataset = generatedData("moons");
  const inputs = [{ name: "point", type: { dtype: "f32", shape: ["B", 2] } }] as const;
  const targets = [{ name: "class", type: { dtype: "i32", shape: ["B"] } }] as const;
  const feed = feedOf(dataset, { batch: 96, seed: 1, inputs, targets });
  assert.equal(feed.length, Math.floor(dataset.splits.train.length / 96));
  const bytes = (epoch: number): string => toBytes(feed.epoch(epoch).at(0).inputs[0]).toHex();
  assert.equal(bytes(0), bytes(0));
  assert.notEqual(bytes(0), bytes(1));
  assert.equal(feedOf(dataset, { batch: 10_000, seed: 1, inputs, targets }).batch, dataset.splits.train.length);
});

Deno.test("the seeds of a thousand steps of three seeds are all different", () => {
  const seeds = new Set([0, 1, -1].flatMap((seed) => Array.from({ length: 1000 }, (_, step) => stepSeed(seed, step))));
  assert.equal(seeds.size, 3000);
});

Deno.test("no epochs give the first values; half an epoch, and parts that do not divide a batch, are refused", async () => {
  const { result, events } = await ran(plan({ epochs: 0 }));
  assert.equal(result.checkpoint.progress.step, 0);
  assert.deepEqual(events.map(({ type }) => type), ["start", "end"]);
  for (const more of [{ epochs: 1.5 }, { every: 0 }, { seed: 0.5 }, { accumulate: 3 }]) {
    const failure = await failing(train(engine, plan(more), () => Effect.void));
    assert.equal((failure as { code: string }).code, "NEURAL_TRAINING", JSON.stringify(more));
  }
});
