import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { scalar, type Tensor, tensor } from "../../../../plugins/ir/library.ts";
import {
  autocast,
  compileStep,
  firstCounters,
  type Network,
  networkOf,
  type StepOptions,
  trainingStep,
  type Turn,
} from "../../../../plugins/neural/library.ts";
import { batchNorm, dropout, linear, networkOfLayers, sequential } from "../../../../plugins/neural/library.ts";
import { affine, engine, now, numbers, startOf, twoLayers } from "./support.ts";

const data = (rows: number, columns: number, seed = 1): Tensor =>
  tensor("f32", [rows, columns], Array.from({ length: rows * columns }, (_, i) => Math.sin(seed + 1.7 * i)));

const TURN: Turn = { seed: 3n, rate: 0.1 };

/** Slots of a step after some turns on one batch, and what the turns gave. */
const after = (
  options: StepOptions,
  batch: readonly [x: Tensor, t: Tensor],
  turns: ReadonlyArray<Turn> = [TURN],
  scale = 1,
) =>
  now(Effect.scoped(Effect.gen(function* () {
    const step = trainingStep(options);
    const stepper = yield* compileStep(engine, step, { batch: batch[0].shape[0] });
    yield* stepper.write(firstCounters(step, scale));
    yield* stepper.write(startOf(options.network));
    const given = [];
    for (const turn of turns) given.push(yield* stepper.step([batch[0]], [batch[1]], turn));
    return { values: yield* stepper.read(), given };
  })));

const near = (actual: Tensor, expected: Tensor, within = 1e-6): void =>
  numbers(actual).forEach((value, i) =>
    assert.ok(Math.abs(value - numbers(expected)[i]) <= within, `${numbers(actual)} is not ${numbers(expected)}`)
  );

const plain = (network: Network): StepOptions => ({ network, loss: { kind: "mse" }, optimiser: { kind: "sgd" } });

Deno.test("one step of an affine layer by mean squared error moves by the gradient of the closed form", async () => {
  const network = affine(2, 1);
  const [x, t] = [tensor("f32", [2, 2], [1, 2, 3, 4]), tensor("f32", [2, 1], [1, -1])];
  const start = numbers(startOf(network).get("weight")!);
  const { values, given } = await after(plain(network), [x, t]);
  const errors = [0, 1].map((row) =>
    start[0] * numbers(x)[2 * row] + start[1] * numbers(x)[2 * row + 1] - numbers(t)[row]
  );
  const slope = [0, 1].map((column) => errors[0] * numbers(x)[column] + errors[1] * numbers(x)[2 + column]);
  near(values.get("weight")!, tensor("f32", [2, 1], start.map((w, i) => w - 0.1 * slope[i])));
  near(values.get("bias")!, tensor("f32", [1], [-0.1 * (errors[0] + errors[1])]));
  assert.ok(Math.abs(given[0].loss - (errors[0] ** 2 + errors[1] ** 2) / 2) < 1e-5);
  assert.ok(Math.abs(given[0].norm - Math.hypot(...slope, errors[0] + errors[1])) < 1e-4);
});

Deno.test("weights move in every step, not in the first alone, and the loss falls in each", async () => {
  const batch = [data(8, 3), data(8, 1, 5)] as const;
  const { given } = await after(plain(twoLayers(3, 4, 1)), batch, Array.from({ length: 20 }, () => TURN));
  given.slice(1).forEach(({ loss }, i) => assert.ok(loss < given[i].loss, `${given.map((one) => one.loss)}`));
});

Deno.test("clipping by norm scales all gradients together; below the bound nothing changes", async () => {
  const network = affine(2, 1);
  const batch = [data(4, 2), tensor("f32", [4, 1], [10, -10, 10, 10])] as const;
  const start = startOf(network);
  const free = await after(plain(network), batch);
  const { norm } = free.given[0];
  const clipped = await after({ ...plain(network), clip: { norm: norm / 4 } }, batch);
  for (const path of ["weight", "bias"]) {
    const moved = (values: ReadonlyMap<string, Tensor>): ReadonlyArray<number> =>
      numbers(values.get(path)!).map((value, i) => value - numbers(start.get(path)!)[i]);
    moved(clipped.values).forEach((value, i) => assert.ok(Math.abs(value - moved(free.values)[i] / 4) < 1e-5));
  }
  near(
    (await after({ ...plain(network), clip: { norm: norm * 2 } }, batch)).values.get("weight")!,
    free.values.get("weight")!,
    0,
  );
  assert.equal(clipped.given[0].norm, norm);
});

Deno.test("clipping by value bounds every element of a gradient", async () => {
  const network = affine(2, 1);
  const batch = [data(4, 2), tensor("f32", [4, 1], [100, 100, 100, 100])] as const;
  const start = startOf(network);
  const { values } = await after({ ...plain(network), clip: { value: 0.5 } }, batch);
  for (const path of ["weight", "bias"]) {
    numbers(values.get(path)!).forEach((value, i) =>
      assert.ok(Math.abs(value - numbers(start.get(path)!)[i]) <= 0.05 + 1e-7)
    );
  }
});

Deno.test("a batch in four parts moves as the whole batch does, loss and measures included", async () => {
  const network = twoLayers(3, 4, 1);
  const batch = [data(8, 3), data(8, 1, 5)] as const;
  const options: StepOptions = {
    ...plain(network),
    optimiser: { kind: "adam" },
    measures: (g, [output]) => ({ most: g.reduce("sum", output) }),
  };
  const whole = await after(options, batch, [TURN, TURN]);
  const parts = await after({ ...options, accumulate: 4 }, batch, [TURN, TURN]);
  for (const [name, value] of whole.values) {
    if (value.dtype === "f32") near(parts.values.get(name)!, value, 1e-5);
  }
  whole.given.forEach(({ loss, measures }, i) => {
    assert.ok(Math.abs(loss - parts.given[i].loss) < 1e-5);
    assert.ok(Math.abs(measures.most - parts.given[i].measures.most) < 1e-5);
  });
});

Deno.test("a batch is not cut into no parts or into halves of one", () => {
  for (const accumulate of [0, 1.5]) {
    assert.throws(() => trainingStep({ ...plain(affine(2, 1)), accumulate }), {
      code: "NEURAL_TRAINING",
      path: "/accumulate",
    });
  }
});

Deno.test("a running average begins with the first weights and keeps its share from then on", async () => {
  const network = affine(2, 1);
  const batch = [data(4, 2), data(4, 1, 2)] as const;
  const options = { ...plain(network), average: 0.9 };
  const [one, two] = [await after(options, batch), await after(options, batch, [TURN, TURN])];
  near(one.values.get("weight#average#")!, one.values.get("weight")!, 0);
  const expected = numbers(one.values.get("weight")!).map((w, i) =>
    0.9 * w + 0.1 * numbers(two.values.get("weight")!)[i]
  );
  near(two.values.get("weight#average#")!, tensor("f32", [2, 1], expected));
});

Deno.test("a step whose loss or gradient is not finite changes nothing on the device, and says so", async () => {
  const network = affine(2, 1);
  const start = startOf(network);
  for (const bad of [NaN, Infinity, 3e38]) {
    const batch = [tensor("f32", [1, 2], [bad, 1]), tensor("f32", [1, 1], [0])] as const;
    const { values, given } = await after({ ...plain(network), optimiser: { kind: "adam" }, average: 0.9 }, batch);
    assert.equal(given[0].finite, false, String(bad));
    for (const [path, value] of start) near(values.get(path)!, value, 0);
    assert.equal(values.get("#turn")!.data[0], 0n);
  }
});

Deno.test("tensors that are not trained stay, whether the network or a rule says so", async () => {
  const network = networkOf([{ name: "x", type: { dtype: "f32", shape: ["B", 2] } }], (scope, [x]) => {
    const { g } = scope;
    const frozen = scope.parameter("frozen", [2, 2], { kind: "identity" }, { trained: false });
    const free = scope.parameter("free", [2, 1], { kind: "ones" });
    const ruled = scope.parameter("ruled", [1], { kind: "ones" });
    return g.add(g.matmul(g.matmul(x, frozen), free), ruled);
  });
  const batch = [data(4, 2), data(4, 1, 9)] as const;
  const { values } = await after({ ...plain(network), groups: [{ match: "ruled", trained: false }] }, batch);
  assert.deepEqual(numbers(values.get("frozen")!), [1, 0, 0, 1]);
  assert.deepEqual(numbers(values.get("ruled")!), [1]);
  assert.notDeepEqual(numbers(values.get("free")!), [1, 1]);
});

Deno.test("dropout draws anew for every seed and alike for the same one; running statistics change in training", async () => {
  const network = networkOfLayers(
    sequential(linear({ width: 8 }), batchNorm(), dropout({ rate: 0.5 }), linear({ width: 1 })),
    {
      x: "f32[B,3]",
    },
  );
  const batch = [data(6, 3), data(6, 1, 4)] as const;
  const [first, same, other] = await Promise.all(
    [1n, 1n, 2n].map((seed) => after(plain(network), batch, [{ seed, rate: 0 }])),
  );
  assert.equal(first.given[0].loss, same.given[0].loss);
  assert.notEqual(first.given[0].loss, other.given[0].loss);
  const [mean] = network.state.filter(({ path }) => path.endsWith("mean"));
  assert.ok(numbers(first.values.get(mean.path)!).some((value) => value !== 0));
});

Deno.test("what a layer adds to the loss is added, and differentiated", async () => {
  const network = affine(2, 1);
  const bare = await after(plain(network), [data(4, 2), data(4, 1, 2)]);
  const more = networkOf(network.inputs, (scope, [x]) => {
    const { g } = scope;
    const start = { kind: "uniform", bound: 1 / Math.sqrt(2) } as const;
    const weight = scope.parameter("weight", [2, 1], start);
    scope.auxiliary("size", () => g.reduce("sum", g.mul(weight, weight)));
    return g.add(g.matmul(x, weight), scope.parameter("bias", [1], { kind: "zeros" }));
  });
  const { given } = await after(plain(more), [data(4, 2), data(4, 1, 2)]);
  const size = numbers(startOf(network).get("weight")!).reduce((sum, w) => sum + w * w, 0);
  assert.ok(Math.abs(given[0].loss - bare.given[0].loss - size) < 1e-5);
});

Deno.test("products in bf16 and f16 move nearly as in f32, and a master copy stays f32", async () => {
  const network = twoLayers(3, 4, 1);
  const batch = [data(8, 3), data(8, 1, 5)] as const;
  const wide = await after(plain(network), batch, [TURN, TURN]);
  for (const dtype of ["bf16", "f16"] as const) {
    const narrow = await after(
      { ...plain(network), precision: { dtype } },
      batch,
      [TURN, TURN],
      dtype === "f16" ? 2 ** 10 : 1,
    );
    assert.equal(narrow.values.get("w0")!.dtype, "f32");
    near(narrow.values.get("w0")!, wide.values.get("w0")!, dtype === "bf16" ? 2e-3 : 5e-4);
    assert.notDeepEqual(numbers(narrow.values.get("w0")!), numbers(wide.values.get("w0")!));
  }
  assert.ok(
    [...autocast(network.training, "f16").functions.values()].some(({ nodes }) =>
      nodes.some(({ op }) => op === "cast")
    ),
  );
});

Deno.test("a loss that overflows in f16 halves its factor and changes no weight; quiet steps double it", async () => {
  const network = affine(2, 1);
  const precision = { dtype: "f16", growEvery: 2 } as const;
  const quiet = [data(4, 2), data(4, 1, 2)] as const;
  const { values } = await after({ ...plain(network), precision }, quiet, [TURN, TURN], 8);
  assert.equal(values.get("#scale")!.data[0], 16);
  // 2¹⁶ times an error of a thousand is beyond f16.
  const loud = [data(4, 2), tensor("f32", [4, 1], [1e3, 1e3, 1e3, 1e3])] as const;
  const over = await after({ ...plain(network), precision }, loud, [TURN], 2 ** 16);
  assert.equal(over.given[0].finite, false);
  assert.equal(over.values.get("#scale")!.data[0], 2 ** 15);
  near(over.values.get("weight")!, startOf(network).get("weight")!, 0);
});

Deno.test("a loss function without targets or without a scalar, and a network without parameters, are refused", () => {
  const network = affine(2, 1);
  const refused = (options: Partial<StepOptions>): void =>
    assert.throws(() => trainingStep({ ...plain(network), ...options }), { code: "NEURAL_TRAINING" });
  refused({ loss: (g, [output]) => g.reduce("sum", output) });
  refused({ loss: (_, [output]) => output, targets: [] });
  refused({ network: networkOf(network.inputs, (scope, [x]) => scope.g.neg(x)) });
  assert.equal(scalar("i64", 0n).dtype, "i64");
});
