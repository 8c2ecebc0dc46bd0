/**
 * The optimiser as a whole: translation validated on random programs, every pass by itself, levels, reports.
 */
import assert from "node:assert/strict";
import {
  functionOf,
  LEVELS,
  optimise,
  PASSES,
  type PassName,
  PIPELINES,
  priceOf,
  printProgram,
  type Program,
  programDigest,
  returnTypes,
  toFloats,
  verify,
} from "../../../plugins/ir/library.ts";
import { outcome, sameBits } from "./judging.ts";
import { type ProgramOptions, randomInputs, randomProgram } from "./programs.ts";

const RUNS = 2;

/** Optimises and compares with the reference after every pass; how many runs there were to compare. */
const validate = (seed: string, options: ProgramOptions, passes?: ReadonlyArray<PassName>): number => {
  const before = randomProgram(seed, options);
  const inputs = Array.from({ length: RUNS }, (_, run) => randomInputs(before, `${seed} ${run}`, options));
  const wanted = inputs.map((input) => outcome(before, input));
  let price = priceOf(before);
  const judge = (name: string, after: Program): void => {
    assert.ok(priceOf(after) <= price, `${seed}: ${name} made it dearer`);
    price = priceOf(after);
    if (seed.endsWith("0")) assert.deepEqual(verify(after, { from: "error" }).diagnostics, [], `${seed}: ${name}`);
    wanted.forEach((results, run) => {
      if (results === undefined) return;
      const given = outcome(after, inputs[run]);
      const same = given !== undefined && results.every((value, i) => sameBits(value, given[i]));
      assert.ok(same, `${seed}: ${name} changed a result of\n${printProgram(before)}`);
    });
  };
  const { program } = optimise(before, { level: 3, onPass: judge, ...(passes === undefined ? {} : { passes }) });
  const [a, b] = [functionOf(before), functionOf(program)];
  assert.deepEqual(b.parameters, a.parameters);
  assert.deepEqual(returnTypes(b).map(({ dtype }) => dtype), returnTypes(a).map(({ dtype }) => dtype));
  assert.equal(
    programDigest(optimise(program, { level: 3, ...(passes === undefined ? {} : { passes }) }).program),
    programDigest(program),
    `${seed}: optimised again it changes`,
  );
  return wanted.filter((results) => results !== undefined).length;
};

const seeds = (name: string, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, i) => `${name} ${i}`);

Deno.test("1500 random programs give the same bits after every pass, cost no more, and stay when optimised again", () => {
  for (const seed of seeds("optimise", 1500)) validate(seed, { nodes: 8 });
});

Deno.test("150 larger random programs do so too", () => {
  for (const seed of seeds("optimise large", 150)) validate(seed, { nodes: 24, maxSize: 3 });
});

Deno.test("350 random programs of symbolic sizes give the same bits wherever they run", () => {
  const runs = seeds("optimise symbolic", 350).reduce(
    (sum, seed) => sum + validate(seed, { nodes: 8, symbolic: true }),
    0,
  );
  assert.ok(runs > 300, `${runs} runs`);
});

for (const pass of Object.keys(PASSES) as ReadonlyArray<PassName>) {
  Deno.test(`the pass ${pass} by itself keeps every bit of 25 random programs`, () => {
    for (const seed of seeds(`only ${pass}`, 25)) validate(seed, { nodes: 10 }, [pass]);
  });
}

Deno.test("integer arithmetic on small shapes, where most laws meet, keeps every bit", () => {
  const ops = [
    "add",
    "sub",
    "mul",
    "neg",
    "max",
    "min",
    "and",
    "or",
    "xor",
    "not",
    "abs",
    "compare",
    "select",
    "constant",
  ];
  for (const seed of seeds("integers", 100)) {
    validate(seed, { nodes: 20, dtypes: ["i8", "u8", "bool"], ops, control: false, maxSize: 2 });
  }
});

Deno.test("fast math stays within rounding on tame programs", () => {
  const ops = [
    "add",
    "sub",
    "mul",
    "neg",
    "tanh",
    "sin",
    "cos",
    "logistic",
    "max",
    "min",
    "broadcast",
    "transpose",
    "reshape",
  ];
  const options: ProgramOptions = { nodes: 14, dtypes: ["f64"], ops, control: false, edges: false, empty: false };
  for (const seed of seeds("fast", 80)) {
    const before = randomProgram(seed, options);
    const { program } = optimise(before, { level: 3, fastMath: true });
    assert.ok(priceOf(program) <= priceOf(before));
    const inputs = randomInputs(before, seed, options);
    const [wanted, given] = [outcome(before, inputs)!, outcome(program, inputs)!];
    wanted.forEach((value, i) => {
      const [a, b] = [toFloats(value), toFloats(given[i])];
      const scale = a.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
      // Sums of random numbers cancel, so the error is relative to the largest element.
      a.forEach((x, at) => {
        const fits = !Number.isFinite(x) || scale > 1e9 || Math.abs(x - b[at]) <= 1e-6 * scale;
        assert.ok(fits, `${seed}: ${x} became ${b[at]}`);
      });
    });
  }
});

Deno.test("higher levels never cost more", () => {
  for (const seed of seeds("levels", 40)) {
    const program = randomProgram(seed);
    const prices = LEVELS.map((level) => priceOf(optimise(program, { level }).program));
    assert.equal(prices[0], priceOf(program));
    for (let level = 1; level < prices.length; level++) {
      assert.ok(prices[level] <= prices[0], `${seed}: ${prices}`);
    }
  }
});

Deno.test("the same program gives the same answer, and level 0 the program itself", () => {
  for (const seed of seeds("deterministic", 40)) {
    const texts = [0, 1].map(() => printProgram(optimise(randomProgram(seed), { level: 3 }).program));
    assert.equal(texts[0], texts[1]);
    const program = randomProgram(seed);
    assert.equal(optimise(program, { level: 0 }).program, program);
  }
});

Deno.test("the report says what each pass did: nodes, cost, rounds, changes and rules", () => {
  const { program, stats } = optimise(randomProgram("report", { nodes: 40 }), { level: 3 });
  assert.deepEqual(stats.passes.map(({ pass }) => pass), PIPELINES[3]);
  assert.ok(stats.nodesAfter < stats.nodesBefore && stats.rounds >= 2);
  assert.equal(stats.nodesAfter, [...program.functions.values()].reduce((sum, fn) => sum + fn.nodes.length, 0));
  const folding = stats.passes.find(({ pass }) => pass === "folding")!;
  assert.equal(Object.values(folding.rules).reduce((sum, count) => sum + count, 0), folding.changes);
});
