/**
 * An op applied inside a function under construction: the same nodes as its own program, what it asks for, its draws.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  evaluate,
  functionOf,
  printProgram,
  scalar,
  tensor,
  toNested,
  type Value,
} from "../../../plugins/ir/library.ts";
import { applyOp, type NeededParameter, type OpName } from "../../../plugins/rmil/library.ts";

const x = tensor("f32", [2, 3], [1, 2, 3, 4, 5, 6]);

Deno.test("an op asks for its parameters by name, size and start, and computes with what it is given", () => {
  const asked: NeededParameter[] = [];
  const program = buildProgram({ x: "f32[2,3]", w: "f32[3,2]", b: "f32[2]" }, (g, { x, w, b }) => {
    const given: { readonly [name: string]: Value } = { weight: w, bias: b };
    return applyOp({
      g,
      op: "linear",
      operands: { x },
      attributes: { width: 2 },
      parameter: (needed) => {
        asked.push(needed);
        return given[needed.row.name];
      },
    }).values;
  });
  assert.deepEqual(asked.map(({ row, shape, fan }) => [row.name, shape, fan]), [["weight", [3, 2], 3], [
    "bias",
    [2],
    1,
  ]]);
  const { results } = evaluate(program, [x, tensor("f32", [3, 2], [1, 0, 0, 1, 1, 1]), tensor("f32", [2], [10, 20])]);
  assert.deepEqual(toNested(results[0]), [[14, 25], [20, 31]]);
});

Deno.test("sizes stay symbols", () => {
  const program = buildProgram(
    { x: "f32[B,S,4]" },
    (g, { x }) => applyOp({ g, op: "softmax", operands: { x } }).values,
  );
  assert.equal(printProgram(program).includes("f32[B,S,4]"), true);
});

Deno.test("a missing parameter and a missing seed are refused by what is missing", () => {
  const refused = (op: OpName, training: boolean) => {
    try {
      buildProgram({ x: "f32[2,3]" }, (g, { x }) => applyOp({ g, op, operands: { x }, training }).values);
    } catch (thrown) {
      return (thrown as Error).message;
    }
    return "nothing";
  };
  assert.match(refused("linear", false), /needs a parameter weight/u);
  assert.match(refused("drop", true), /needs a seed/u);
  assert.equal(refused("drop", false), "nothing");
});

Deno.test("draws from one seed with different streams differ, with the same they agree", () => {
  const program = buildProgram(
    { seed: "i64[]", x: "f32[8,8]" },
    (g, { seed, x }) =>
      [1, 2, 1].flatMap((stream) =>
        applyOp({ g, op: "drop", operands: { x }, attributes: { rate: 0.5 }, training: true, random: { seed, stream } })
          .values
      ),
  );
  const ones = tensor("f32", [8, 8], new Float32Array(64).fill(1));
  const [a, b, again] = evaluate(program, [scalar("i64", 5n), ones]).results;
  assert.deepEqual(a.data, again.data);
  assert.notDeepEqual(a.data, b.data);
});

Deno.test("running statistics come apart from the results, and only in training", () => {
  const build = (training: boolean) => {
    let names: ReadonlyArray<string> = [];
    const types = { x: "f32[2,3]", scale: "f32[3]", shift: "f32[3]", mean: "f32[3]", variance: "f32[3]" };
    const program = buildProgram(types, (g, { x, ...others }) => {
      const made = applyOp({
        g,
        op: "batch_norm",
        operands: { x },
        parameter: ({ row }) => (others as { readonly [name: string]: Value })[row.name],
        training,
      });
      names = Object.keys(made.running);
      return [...made.values, ...Object.values(made.running)];
    });
    return { names, results: functionOf(program).returns.length };
  };
  assert.deepEqual(build(true), { names: ["mean", "variance"], results: 3 });
  assert.deepEqual(build(false), { names: [], results: 1 });
});

Deno.test("what an op refuses in a run it refuses here", () => {
  const embedded = () =>
    buildProgram({ x: "f32[2]" }, (g, { x }) => applyOp({ g, op: "embed", operands: { indices: x } }).values);
  assert.throws(embedded, { code: "RMIL_OPERAND" });
});
