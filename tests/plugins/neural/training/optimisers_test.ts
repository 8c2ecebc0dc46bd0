import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import * as Effect from "effect/Effect";
import { tensor } from "../../../../plugins/ir/library.ts";
import {
  compileStep,
  firstCounters,
  fitsPath,
  type GroupRule,
  type Network,
  networkOf,
  type Optimiser,
  type OptimiserSettings,
  trainingStep,
} from "../../../../plugins/neural/library.ts";
import { engine, now, numbers } from "./support.ts";

/** A vector w whose loss is the sum of w·x, so that the gradient of w is x, whatever w is. */
const linearIn = (size: number, decays = true): Network =>
  networkOf(
    [{ name: "x", type: { dtype: "f32", shape: ["B", size] } }],
    (scope, [x]) => scope.g.matmul(x, scope.parameter("w", [size, 1], { kind: "zeros" }, { decays })),
  );

/** Values of w after each of some gradients. */
const walked = async (
  optimiser: Optimiser,
  start: ReadonlyArray<number>,
  gradients: ReadonlyArray<ReadonlyArray<number>>,
  { rate, groups, decays }: {
    readonly rate: number;
    readonly groups?: ReadonlyArray<GroupRule>;
    readonly decays?: boolean;
  },
): Promise<ReadonlyArray<ReadonlyArray<number>>> => {
  const network = linearIn(start.length, decays);
  const step = trainingStep({
    network,
    loss: (g, [output]) => g.reduce("sum", output),
    targets: [],
    optimiser,
    ...(groups === undefined ? {} : { groups }),
  });
  return await now(Effect.scoped(Effect.gen(function* () {
    const stepper = yield* compileStep(engine, step, { batch: 1 });
    yield* stepper.write(firstCounters(step));
    yield* stepper.write(new Map([["w", tensor("f32", [start.length, 1], start)]]));
    const seen: ReadonlyArray<number>[] = [];
    for (const gradient of gradients) {
      yield* stepper.step([tensor("f32", [1, start.length], gradient)], [], { seed: 0n, rate });
      seen.push(numbers((yield* stepper.read(["parameter"])).get("w")!));
    }
    return seen;
  })));
};

const near = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>, within = 2e-6): void =>
  actual.forEach((value, i) =>
    assert.ok(
      Math.abs(value - expected[i]) <= within * Math.max(1, Math.abs(expected[i])),
      `${actual} is not ${expected}`,
    )
  );

const GRADIENTS = [[0.1, -1, 3], [0.2, 0.5, -2], [-0.3, 2, 0.01], [0.05, 0, 1]];
const START = [1, -2, 0.5];

/** The same walk by an optimiser of tfjs. */
const walkedByTfjs = (optimiser: tf.Optimizer): ReadonlyArray<ReadonlyArray<number>> => {
  const w = tf.variable(tf.tensor1d([...START]));
  return GRADIENTS.map((gradient) => {
    optimiser.applyGradients({ [w.name]: tf.tensor1d(gradient) });
    return [...w.dataSync()];
  });
};

Deno.test("gradient descent takes 1 to 0.99 by a gradient 0.1 at rate 0.1, and with momentum on to 0.971", async () => {
  near((await walked({ kind: "sgd" }, [1], [[0.1]], { rate: 0.1 }))[0], [0.99]);
  const steps = await walked({ kind: "sgd", settings: { momentum: 0.9 } }, [1], [[1], [1]], { rate: 0.1 });
  near(steps.map(([w]) => w), [0.9, 0.71]);
});

Deno.test("momentum, Nesterov's and dampening follow their recurrences by hand", async () => {
  for (const settings of [{ momentum: 0.9, nesterov: true }, { momentum: 0.8, dampening: 0.5 }]) {
    const { momentum, nesterov, dampening } = { nesterov: false, dampening: 0, ...settings };
    const given: OptimiserSettings = { momentum, nesterov, dampening };
    const expected = START.map((w) => ({ w, v: 0 }));
    const found = await walked({ kind: "sgd", settings: given }, START, GRADIENTS, { rate: 0.05 });
    GRADIENTS.forEach((gradient, turn) => {
      expected.forEach((state, i) => {
        state.v = momentum * state.v + (1 - dampening) * gradient[i];
        state.w -= 0.05 * (nesterov ? gradient[i] + momentum * state.v : state.v);
      });
      near(found[turn], expected.map(({ w }) => w));
    });
  }
});

Deno.test("gradient descent, momentum, Adam and Adagrad walk as tfjs's do", async () => {
  const cases: ReadonlyArray<readonly [Optimiser, number, tf.Optimizer]> = [
    [{ kind: "sgd" }, 0.05, tf.train.sgd(0.05)],
    [{ kind: "sgd", settings: { momentum: 0.9 } }, 0.05, tf.train.momentum(0.05, 0.9)],
    [{ kind: "sgd", settings: { momentum: 0.9, nesterov: true } }, 0.05, tf.train.momentum(0.05, 0.9, true)],
    [{ kind: "adam" }, 0.01, tf.train.adam(0.01, 0.9, 0.999, 1e-8)],
    [{ kind: "adam", settings: { beta1: 0.7, beta2: 0.95 } }, 0.01, tf.train.adam(0.01, 0.7, 0.95, 1e-8)],
    [{ kind: "adagrad", settings: { initial: 0.1, epsilon: 0 } }, 0.02, tf.train.adagrad(0.02, 0.1)],
  ];
  for (const [optimiser, rate, judge] of cases) {
    const [ours, theirs] = [await walked(optimiser, START, GRADIENTS, { rate }), walkedByTfjs(judge)];
    theirs.forEach((values, turn) => near(ours[turn], values, 1e-5));
  }
});

Deno.test("the first step of Adam is the rate, whatever the gradient's size", async () => {
  near((await walked({ kind: "adam" }, [1, 1], [[1e-3, 1e3]], { rate: 0.1 }))[0], [0.9, 0.9], 1e-4);
});

Deno.test("amsgrad keeps the largest second moment, so a small gradient after a large one moves less", async () => {
  const gradients = [[10], [0.01], [0.01]];
  const expected = { w: 1, m: 0, v: 0, most: 0 };
  const found = await walked({ kind: "adam", settings: { amsgrad: true, beta2: 0.5 } }, [1], gradients, { rate: 0.1 });
  gradients.forEach(([gradient], turn) => {
    expected.m = 0.9 * expected.m + 0.1 * gradient;
    expected.v = 0.5 * expected.v + 0.5 * gradient * gradient;
    expected.most = Math.max(expected.most, expected.v);
    const t = turn + 1;
    const root = Math.sqrt(expected.most / (1 - 0.5 ** t)) + 1e-8;
    expected.w -= 0.1 * expected.m / (1 - 0.9 ** t) / root;
    near(found[turn], [expected.w], 1e-5);
  });
});

Deno.test("weight decay of AdamW shrinks apart from the gradient; Adam's coupled decay goes through the moments", async () => {
  const [apart] = await walked({ kind: "adamw", settings: { decay: 0.1 } }, [2], [[1]], { rate: 0.01 });
  near(apart, [2 * (1 - 0.001) - 0.01], 1e-5);
  const [coupled] = await walked({ kind: "adam", settings: { decay: 0.1 } }, [2], [[1]], { rate: 0.01 });
  near(coupled, [2 - 0.01], 1e-5);
  const [sgd] = await walked({ kind: "sgd", settings: { decay: 0.1 } }, [2], [[1]], { rate: 0.1 });
  near(sgd, [2 - 0.1 * (1 + 0.2)]);
  const [decoupled] = await walked({ kind: "sgd", settings: { decay: 0.1, coupled: false } }, [2], [[1]], {
    rate: 0.1,
  });
  near(decoupled, [2 * 0.99 - 0.1]);
});

Deno.test("a parameter that does not decay is not shrunk", async () => {
  const [step] = await walked({ kind: "adamw", settings: { decay: 0.5 } }, [2], [[1]], { rate: 0.01, decays: false });
  near(step, [1.99], 1e-5);
});

Deno.test("RMSprop plain, centered and with momentum follows its recurrence by hand", async () => {
  for (const settings of [{}, { centered: true }, { momentum: 0.9 }, { alpha: 0.9, centered: true, momentum: 0.5 }]) {
    const { alpha, momentum, centered } = { alpha: 0.99, momentum: 0, centered: false, ...settings };
    const given: OptimiserSettings = { alpha, momentum, centered };
    const states = START.map((w) => ({ w, square: 0, mean: 0, v: 0 }));
    const found = await walked({ kind: "rmsprop", settings: given }, START, GRADIENTS, { rate: 0.01 });
    GRADIENTS.forEach((gradient, turn) => {
      states.forEach((state, i) => {
        state.square = alpha * state.square + (1 - alpha) * gradient[i] ** 2;
        state.mean = alpha * state.mean + (1 - alpha) * gradient[i];
        const spread = centered ? Math.max(0, state.square - state.mean ** 2) : state.square;
        const scaled = gradient[i] / (Math.sqrt(spread) + 1e-8);
        state.v = momentum * state.v + scaled;
        state.w -= 0.01 * (momentum > 0 ? state.v : scaled);
      });
      near(found[turn], states.map(({ w }) => w), 2e-4);
    });
  }
});

Deno.test("centered RMSprop of equal gradients is finite although rounding may take the variance below zero", async () => {
  const found = await walked(
    { kind: "rmsprop", settings: { centered: true, alpha: 0.5 } },
    [1],
    Array.from({ length: 40 }, () => [0.1]),
    { rate: 1e-6 },
  );
  assert.ok(found.flat().every(Number.isFinite));
});

Deno.test("Lion moves every element by the rate, in the direction of its blended momentum", async () => {
  const found = await walked({ kind: "lion" }, [0, 0], [[1, -5], [-0.05, 0]], { rate: 0.1 });
  near(found[0], [-0.1, 0.1]);
  // After the first step the momenta are 0.01 and −0.05; 0.9·0.01 − 0.1·0.05 > 0 and 0.9·−0.05 < 0.
  near(found[1], [-0.2, 0.2]);
});

Deno.test("groups give paths another rate and decay, or rest; the first rule that fits counts", async () => {
  const rest = [{ match: "w", rate: 0.5 }, { match: "**", rate: 100 }];
  near((await walked({ kind: "sgd" }, [1], [[1]], { rate: 0.1, groups: rest }))[0], [0.95]);
  const decay = [{ match: "*", decay: 1 }];
  near((await walked({ kind: "adamw" }, [1], [[0]], { rate: 0.1, groups: decay }))[0], [0.9]);
  await assert.rejects(
    () => walked({ kind: "sgd" }, [1], [[1]], { rate: 0.1, groups: [{ match: "w", trained: false }] }),
    {
      code: "NEURAL_TRAINING",
    },
  );
});

Deno.test("patterns of paths: * stays within a part, ** goes over parts, everything else is meant as it stands", () => {
  assert.ok(fitsPath("a/*/weight", "a/b/weight"));
  assert.ok(!fitsPath("a/*/weight", "a/b/c/weight"));
  assert.ok(fitsPath("a/**/weight", "a/b/c/weight"));
  assert.ok(fitsPath("args/0[1]/w", "args/0[1]/w") && !fitsPath("args/0[1]/w", "args/01/w"));
});

Deno.test("an optimiser or a setting that does not exist or cannot be is refused with the near one", () => {
  const refused = (optimiser: Optimiser, path: string): void =>
    assert.throws(() => trainingStep({ network: linearIn(1), loss: { kind: "mse" }, optimiser }), {
      code: "NEURAL_SETTING",
      path,
    });
  refused({ kind: "adm" as never }, "/optimizer");
  refused({ kind: "adam", settings: { betta1: 0.5 } }, "/optimizer/betta1");
  refused({ kind: "adam", settings: { beta1: 1 } }, "/optimizer/beta1");
  refused({ kind: "sgd", settings: { momentum: -0.1 } }, "/optimizer/momentum");
  refused({ kind: "sgd", settings: { nesterov: 1 } }, "/optimizer/nesterov");
});
