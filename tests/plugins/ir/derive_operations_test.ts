/**
 * The deriving operations through a kernel: what examples do not show, and that each patch makes its call valid.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure } from "../../../kernel/failure.ts";
import { applyPatch, type Json } from "../../../kernel/json.ts";
import { buildProgram, printProgram } from "../../../plugins/ir/library.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const call = (operation: string, input: Json): Promise<Json> =>
  inWorkspace((kernel) => callAs(kernel, operation, input));

const refusal = (operation: string, input: Json): Promise<Failure> =>
  inWorkspace((kernel) => Effect.flip(callAs(kernel, operation, input))) as Promise<Failure>;

const loop = printProgram(
  buildProgram(
    { x: "f64[]" },
    (g, { x }) => g.while([x], (c, [v]) => c.compare("lt", v, 10), (d, [v]) => d.mul(v, v))[0],
  ),
);

const cube = printProgram(buildProgram({ x: "f64[]" }, (g, { x }) => g.mul(x, g.mul(x, x))));

const dense = printProgram(buildProgram({ x: "f32[2,3]", w: "f32[3,2]" }, (g, { x, w }) => g.matmul(x, w)));

const weights = { w: { type: "f32[3,2]", values: [1, 2, 3, 4, 5, -6] } };

const calibration = [[{ type: "f32[2,3]", values: [1, 2, 3, -4, 5, 6] }]];

const number = (value: number): Json => ({ type: "f64[]", values: [value] });

Deno.test("a gradient in reverse and a tangent of it in forward mode make the second derivative", async () => {
  const { program } = await call("ir.grad", { program: cube }) as { program: string };
  const second = await call("ir.grad", { program, mode: "forward" }) as { program: string };
  const ran = await call("ir.evaluate", { program: second.program, inputs: [number(2), number(1)] });
  assert.deepEqual((ran as { results: Json }).results, [number(12)]);
});

Deno.test("a mutant is undone by its record, and several children of one seed differ", async () => {
  const made = await call("ir.mutate", { program: dense, seed: "seed", count: 5 }) as {
    offspring: ReadonlyArray<{ program: string; digest: string; record: { [name: string]: Json } }>;
  };
  assert.equal(new Set(made.offspring.map(({ digest }) => digest)).size, 5);
  const { digest } = await call("ir.hash", { program: dense }) as { digest: string };
  for (const { program, record: { before, parent, child } } of made.offspring) {
    assert.equal(parent, digest);
    assert.equal(
      (await call("ir.undo", { program, record: { before, parent, child } }) as { digest: string }).digest,
      digest,
    );
  }
});

Deno.test("a quantised program answers what its report says", async () => {
  const made = await call("ir.quantize", { program: dense, weights, calibration }) as {
    program: string;
    report: { results: ReadonlyArray<{ max: number }> };
  };
  const inputs = calibration[0];
  const [after, before] = await Promise.all([
    call("ir.evaluate", { program: made.program, inputs }),
    call("ir.evaluate", { program: dense, inputs: [...inputs, weights.w] }),
  ]) as unknown as ReadonlyArray<{ results: ReadonlyArray<{ values: ReadonlyArray<number> }> }>;
  const differences = after.results[0].values.map((value, i) => Math.abs(value - before.results[0].values[i]));
  assert.equal(Math.max(...differences), made.report.results[0].max);
});

const PATCHED: ReadonlyArray<
  readonly [title: string, operation: string, input: { [name: string]: Json }, code: string]
> = [
  ["a loop that promises no end", "ir.grad", { program: loop }, "IR_NO_GRADIENT"],
  ["a checkpoint in forward mode", "ir.grad", { program: cube, mode: "forward", checkpoint: {} }, "IR_GRADIENT_TARGET"],
  ["a misspelt mutation", "ir.mutate", { program: cube, seed: 1, kinds: ["hoist", "addSkp"] }, "IR_UNKNOWN_VARIATION"],
  [
    "a mutation that does not apply",
    "ir.mutate",
    { program: cube, seed: 1, kinds: ["removeLayer"] },
    "IR_NO_VARIATION",
  ],
  [
    "a misspelt crossover",
    "ir.cross",
    { first: cube, second: loop, seed: 1, kinds: ["uniforn"] },
    "IR_UNKNOWN_VARIATION",
  ],
  [
    "a percentile that covers too little",
    "ir.quantize",
    { program: dense, weights, calibration, scheme: { calibration: "percentile", percentile: 10 } },
    "IR_QUANTIZE",
  ],
  ["a group of none", "ir.quantize", { program: dense, weights, calibration, scheme: { group: 0 } }, "IR_QUANTIZE"],
  [
    "a weight that is no parameter",
    "ir.quantize",
    { program: dense, weights: { ...weights, "a/b~c": number(1) }, calibration },
    "IR_QUANTIZE",
  ],
];

for (const [title, operation, input, code] of PATCHED) {
  Deno.test(`${title}: the patch makes the call valid`, async () => {
    const failure = await refusal(operation, input);
    assert.equal(failure.code, code, failure.message);
    const patch = failure.fix?.patch;
    assert.ok(patch !== undefined, failure.message);
    await call(operation, applyPatch(patch, input));
  });
}

Deno.test("runs of a quantisation are bounded by the call's fuel", async () => {
  const long = printProgram(
    buildProgram(
      { x: "f32[2,2]", n: "i64[]" },
      (g, { x, n }) =>
        g.while([g.matmul(x, x), n], (c) => c.full({ dtype: "bool", shape: [] }, 1), (_d, carried) => carried)[0],
    ),
  );
  const calibrated = [[{ type: "f32[2,2]", values: [1, 2, 3, 4] }, { type: "i64[]", values: ["1"] }]];
  const failure = await refusal("ir.quantize", { program: long, calibration: calibrated });
  assert.match(failure.code, /^(?:IR_FUEL|KERNEL_BUDGET_EXHAUSTED)$/u);
});
