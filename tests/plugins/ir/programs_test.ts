/**
 * The generator of programs: what the tests of passes, gradients and backends rely on.
 */
import assert from "node:assert/strict";
import {
  CONTROL,
  DTYPE_NAMES,
  evaluate,
  isFloat,
  isIrFailure,
  PRIMITIVES,
  printProgram,
  valueTypes,
} from "../../../plugins/ir/library.ts";
import { GENERATED_OPS, randomInputs, randomProgram } from "./programs.ts";

const SEEDS = Array.from({ length: 200 }, (_, seed) => `generator ${seed}`);

Deno.test("the same seed gives the same program, another seed another one", () => {
  const texts = new Set<string>();
  for (const seed of SEEDS.slice(0, 40)) {
    const text = printProgram(randomProgram(seed));
    assert.equal(printProgram(randomProgram(seed)), text);
    texts.add(text);
  }
  assert.equal(texts.size, 40);
});

Deno.test("every primitive, control node and dtype comes up, and programs of known sizes always run", () => {
  const ops = new Set<string>();
  const dtypes = new Set<string>();
  for (const seed of SEEDS) {
    const program = randomProgram(seed);
    for (const fn of program.functions.values()) {
      fn.nodes.forEach(({ op }) => ops.add(op));
      valueTypes(fn).forEach(({ dtype }) => dtypes.add(dtype));
    }
    evaluate(program, randomInputs(program, seed));
  }
  const wanted = [...PRIMITIVES.map(({ name }) => name), ...Object.keys(CONTROL)];
  assert.deepEqual(wanted.filter((op) => !ops.has(op)), []);
  assert.deepEqual(wanted.filter((op) => !GENERATED_OPS.includes(op)), []);
  assert.deepEqual(DTYPE_NAMES.filter((dtype) => !dtypes.has(dtype)), []);
});

Deno.test("programs of symbolic sizes run or are refused with a failure, and most run", () => {
  let ran = 0;
  for (const seed of SEEDS) {
    const program = randomProgram(seed, { symbolic: true });
    try {
      evaluate(program, randomInputs(program, seed));
      ran++;
    } catch (thrown) {
      assert.ok(isIrFailure(thrown), String(thrown));
    }
  }
  assert.ok(ran > SEEDS.length / 2, `${ran} ran`);
});

Deno.test("dtypes and ops can be chosen", () => {
  const options = { dtypes: ["f64"], ops: ["add", "mul", "reduce"], control: false } as const;
  const program = randomProgram("chosen", options);
  const [fn] = [...program.functions.values()];
  assert.equal(program.functions.size, 1);
  assert.ok(valueTypes(fn).every(({ dtype }) => isFloat(dtype)));
  const helpers = ["constant", "broadcast", "cast"];
  assert.ok(fn.nodes.every(({ op }) => [...options.ops, ...helpers].includes(op)));
});
