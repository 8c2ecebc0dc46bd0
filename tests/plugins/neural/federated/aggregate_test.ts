/**
 * Rules that combine updates. Judges: hand values, closed forms, and what robustness means: how far hostile clients can
 * move the result.
 */
import assert from "node:assert/strict";
import { random } from "../../../../kernel/random.ts";
import {
  aggregate,
  type ClientStep,
  type Rule,
  RULE_NAMES,
  RULES,
} from "../../../../plugins/neural/federated/aggregate.ts";
import { follow, serverMemory, type ServerOptimiser } from "../../../../plugins/neural/federated/server.ts";
import { refused } from "../refused.ts";

const steps = (...values: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<ClientStep> =>
  values.map((step) => ({ step: Float32Array.from(step), samples: 1 }));

const near = (found: ArrayLike<number>, wanted: ReadonlyArray<number>, tolerance = 1e-6): void => {
  assert.equal(found.length, wanted.length);
  wanted.forEach((value, i) => assert.ok(Math.abs(found[i] - value) <= tolerance, `${i}: ${found[i]} for ${value}`));
};

const distance = (x: ArrayLike<number>, y: ArrayLike<number>): number =>
  Math.sqrt(Array.from(x).reduce((sum, value, i) => sum + (value - y[i]) ** 2, 0));

Deno.test("the mean weighs clients by their samples", () => {
  const { step, shares } = aggregate(
    [{ step: Float32Array.of(1, 0), samples: 3 }, { step: Float32Array.of(5, 4), samples: 1 }],
    { kind: "mean" },
  );
  near(step, [2, 1]);
  assert.deepEqual(shares, [0.75, 0.25]);
});

Deno.test("a trimmed mean of two with nothing left refuses, and never answers zeros", () => {
  for (const count of [2, 4, 6]) {
    const failure = refused(() =>
      aggregate(steps(...Array.from({ length: count }, () => [1])), { kind: "trimmedMean", ratio: 0.5 })
    );
    assert.deepEqual([failure.code, failure.path], ["NEURAL_AGGREGATE", "/rule"]);
    assert.match(failure.message, /leaves nothing/u);
  }
  near(aggregate(steps([1], [3]), { kind: "trimmedMean", ratio: 0.49 }).step, [2]);
  near(aggregate(steps([1], [2], [9]), { kind: "trimmedMean", ratio: 0.5 }).step, [2]);
});

Deno.test("a trimmed mean drops both ends of each coordinate by itself; at ratio 0 it is the plain mean", () => {
  const given = steps([1, 90], [2, 5], [3, 6], [-80, 7], [4, 8]);
  near(aggregate(given, { kind: "trimmedMean", ratio: 0.2 }).step, [2, 7]);
  near(aggregate(given, { kind: "trimmedMean", ratio: 0 }).step, [-14, 23.2], 1e-5);
});

Deno.test("the median of an even number is the mean of the middle two", () => {
  near(aggregate(steps([1, 5], [9, 1], [2, 2]), { kind: "median" }).step, [2, 2]);
  near(aggregate(steps([1], [9], [2], [4]), { kind: "median" }).step, [3]);
});

Deno.test("Krum gives the update nearest to its neighbours, multi-Krum the mean of several", () => {
  const given = steps([0, 0], [0.1, 0], [0, 0.1], [0.2, 0.2], [50, 50]);
  near(aggregate(given, { kind: "krum", hostile: 1 }).step, [0, 0]);
  const { step, shares } = aggregate(given, { kind: "multiKrum", hostile: 1, keep: 3 });
  near(step, [0.1 / 3, 0.1 / 3]);
  assert.deepEqual(shares, [1 / 3, 1 / 3, 1 / 3, 0, 0]);
  assert.match(refused(() => aggregate(given, { kind: "krum", hostile: 2 })).message, /need 7 updates/u);
  assert.match(refused(() => aggregate(given, { kind: "multiKrum", hostile: 1, keep: 5 })).message, /at most 4/u);
});

Deno.test("the geometric median of a triangle is its Fermat point; of a line the middle; of a majority the majority", () => {
  const height = Math.sqrt(3) / 2;
  near(aggregate(steps([0, 0], [1, 0], [0.5, height]), { kind: "geometricMedian" }).step, [0.5, height / 3], 1e-5);
  near(aggregate(steps([0], [1], [10]), { kind: "geometricMedian" }).step, [1], 1e-3);
  near(aggregate(steps([2, 2], [2, 2], [2, 2], [9, -9]), { kind: "geometricMedian" }).step, [2, 2], 1e-4);
  // An obtuse triangle of more than 120 degrees has its median in that corner.
  near(aggregate(steps([0, 0], [10, 1], [-10, 1]), { kind: "geometricMedian" }).step, [0, 0], 1e-3);
});

Deno.test("every rule gives back what all clients agree on, whatever their order", () => {
  const chance = random("agreement");
  const agreed = Array.from({ length: 20 }, () => chance.normal());
  const spread = Array.from({ length: 9 }, () => agreed.map((value) => value + 0.01 * chance.normal()));
  for (const kind of RULE_NAMES) {
    near(aggregate(steps(...Array.from({ length: 9 }, () => agreed)), { kind }).step, agreed, 1e-6);
    const [one, other] = [spread, spread.toReversed()].map((list) => aggregate(steps(...list), { kind }).step);
    assert.ok(distance(one, other) < 1e-5, kind);
    assert.ok(distance(one, agreed) < 0.1, kind);
  }
});

Deno.test("two hostile clients of ten move the mean anywhere, and a robust rule no further than the honest are apart", () => {
  const chance = random("hostile");
  const honest = Array.from({ length: 8 }, () => Array.from({ length: 30 }, () => 1 + 0.2 * chance.normal()));
  const truth = Array.from({ length: 30 }, () => 1);
  for (const scale of [-1, -10, 1e6, -1e30]) {
    const hostile = Array.from({ length: 2 }, () => truth.map((value) => scale * value));
    for (const kind of RULE_NAMES) {
      const settings = kind === "krum" ? { hostile: 2 } : kind === "multiKrum" ? { hostile: 2, keep: 7 } : {};
      const { step } = aggregate(steps(...hostile, ...honest), { kind, ...settings } as Rule);
      const off = distance(step, truth);
      if (RULES[kind].robust) assert.ok(off < 2.3, `${kind} at ${scale}: ${off}`);
      else assert.ok(off > 2, `${kind} at ${scale}: ${off}`);
    }
  }
});

Deno.test("updates that no rule can use are refused: none, of other sizes, not finite, of no samples", () => {
  const cases: ReadonlyArray<readonly [RegExp, ReadonlyArray<ClientStep>]> = [
    [/there are no updates/u, []],
    [/update 1 has 1 elements/u, steps([1, 2], [1])],
    [/update 1 is not finite/u, steps([1], [NaN])],
    [/update 0 is not finite/u, steps([Infinity], [1])],
    [/stands for 0 samples/u, [{ step: Float32Array.of(1), samples: 0 }]],
  ];
  for (const [message, given] of cases) {
    for (const kind of RULE_NAMES) {
      const failure = refused(() => aggregate(given, { kind }));
      assert.deepEqual([failure.code, message.test(failure.message)], ["NEURAL_AGGREGATE", true], failure.message);
    }
  }
});

Deno.test("settings that a rule does not have, or that have no meaning, are refused with their place", () => {
  const given = steps([1], [2], [3]);
  const cases: ReadonlyArray<readonly [string, Rule]> = [
    ["/rule/ratio", { kind: "mean", ratio: 0.1 }],
    ["/rule/ratio", { kind: "trimmedMean", ratio: 1 }],
    ["/rule/ratio", { kind: "trimmedMean", ratio: -0.1 }],
    ["/rule/hostile", { kind: "krum", hostile: 0.5 }],
    ["/rule/keep", { kind: "multiKrum", keep: 0 }],
    ["/rule/other", { kind: "median", other: 1 } as never],
    ["/rule/kind", { kind: "medain" } as never],
  ];
  for (const [path, rule] of cases) {
    const failure = refused(() => aggregate(given, rule));
    assert.deepEqual([failure.code, failure.path], ["NEURAL_SETTING", path]);
  }
  assert.deepEqual(refused(() => aggregate(given, { kind: "medain" } as never)).suggestions[0], "median");
});

const run = (optimiser: ServerOptimiser, moves: ReadonlyArray<number>, learned = 1): number => {
  let memory = serverMemory(optimiser, learned);
  let weights: Float32Array<ArrayBuffer> = Float32Array.of(0);
  for (const move of moves) {
    const next = follow(optimiser, memory, weights, Float32Array.of(move), learned);
    [weights, memory] = [next.weights, next.memory];
  }
  return weights[0];
};

Deno.test("a server follows as it is, with momentum, or adaptively; running state always as it is", () => {
  near([run({ kind: "plain" }, [1, 2])], [3]);
  near([run({ kind: "plain", rate: 0.5 }, [1, 2])], [1.5]);
  // v: 1, 2.5, 4.25
  near([run({ kind: "momentum", momentum: 0.5 }, [1, 2, 3])], [7.75]);
  const adam = { kind: "adam", rate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-3 } as const;
  const [m1, v1] = [0.1 * 2, 0.01 * 4];
  const [m2, v2] = [0.9 * m1 + 0.1, 0.99 * v1 + 0.01];
  near([run(adam, [2, 1])], [0.1 * m1 / (Math.sqrt(v1) + 1e-3) + 0.1 * m2 / (Math.sqrt(v2) + 1e-3)]);
  near([run(adam, [2, 1], 0)], [3]);
  near([run({ kind: "momentum" }, [1, 1], 0)], [2]);
  for (const [name, value] of [["rate", 0], ["rate", NaN], ["momentum", 1]] as const) {
    const failure = refused(() => run({ kind: "momentum", [name]: value }, [1]));
    assert.deepEqual([failure.code, failure.path], ["NEURAL_SETTING", `/server/${name}`]);
  }
});
