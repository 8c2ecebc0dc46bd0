/**
 * Batching: row i of the batched program's results is what the program makes of row i, bit for bit.
 */
import assert from "node:assert/strict";
import {
  batchProgram,
  buildProgram,
  evaluate,
  type FunctionBuilder,
  functionOf,
  grad,
  isIrFailure,
  type Program,
  ProgramBuilder,
  type Tensor,
  tensor,
  toBytes,
  zeros,
} from "../../../plugins/ir/library.ts";
import { randomInputs, randomProgram } from "./programs.ts";
import { codeOf, f64, normals } from "./support.ts";

const stacked = (rows: ReadonlyArray<Tensor>): Tensor => {
  const made = zeros(rows[0].dtype, [rows.length, ...rows[0].shape]);
  rows.forEach((row, i) => (made.data as Float64Array).set(row.data as Float64Array, i * row.data.length));
  return made;
};

/** Asserts the law for inputs that differ by row where `differs` says so. */
const judge = (
  program: Program,
  rows: ReadonlyArray<ReadonlyArray<Tensor>>,
  differs: ReadonlyArray<boolean>,
  size: number | string = "Batch",
): Program => {
  const parameters = differs.flatMap((yes, i) => yes ? [i] : []);
  const batched = batchProgram(program, { size, parameters });
  const inputs = differs.map((yes, i) => yes ? stacked(rows.map((row) => row[i])) : rows[0][i]);
  const single = rows.map((row) => evaluate(program, row.map((input, i) => differs[i] ? input : rows[0][i])).results);
  const { results } = evaluate(batched, inputs);
  results.forEach((result, k) => {
    const expected = stacked(single.map((each) => each[k]));
    assert.deepEqual(result.shape, expected.shape);
    assert.deepEqual(toBytes(result), toBytes(expected), `result ${k}`);
  });
  return batched;
};

const count = (program: Program, op: string): number =>
  [...program.functions.values()].flatMap((fn) => fn.nodes).filter((node) => node.op === op).length;

/** Which of two operands differ by row: each alone, and both. */
const WAYS = [[true, false], [false, true], [true, true]] as const;

const rowsOf = (count: number, ...shapes: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<ReadonlyArray<Tensor>> =>
  Array.from({ length: count }, (_, row) => shapes.map((shape, i) => normals(`row ${row} ${i}`, shape)));

type Case = readonly [
  name: string,
  shapes: readonly [ReadonlyArray<number>, ReadonlyArray<number>],
  body: (g: FunctionBuilder, x: Parameters<FunctionBuilder["add"]>[0] & object, y: never) => unknown,
  looped: ReadonlyArray<boolean>,
];

const CASES: ReadonlyArray<Case> = [
  ["dot", [[2, 3], [3, 4]], (g, x, y) => g.matmul(x, y), [false, false, false]],
  [
    "dot with batch axes",
    [[3, 2, 4, 5], [5, 4, 3, 2, 2]],
    (g, x, y) => g.dot(x, y, { x_batch: [1, 0], y_batch: [4, 2], x_contract: [3, 2], y_contract: [0, 1] }),
    [false, false, false],
  ],
  ["conv", [[2, 4, 5, 6], [3, 4, 3, 2]], (g, x, y) => g.conv(x, y, { low: [1, 0], strides: [2, 1] }), [
    false,
    true,
    true,
  ]],
  [
    "gather",
    [[4, 3], [2, 2]],
    (g, x, y) => g.gather(x, g.cast(g.mul(y, 2), "i64"), 1),
    [false, false, true],
  ],
  [
    "scatter",
    [[4, 3], [4, 2]],
    (g, x, y) => g.scatter(x, g.constant(tensor("i64", [2], [1n, 0n])), y, 1, "add"),
    [false, false, false],
  ],
  ["pad", [[2, 3], []], (g, x, y) => g.pad(x, y, { low: [1, 0], high: [0, 2], interior: [0, 1] }), [false, true, true]],
  [
    "windows",
    [[2, 4], [2, 3]],
    (g, x, y) => {
      const sliding = { window: [1, 2], strides: [1, 1], low: [0, 0], high: [0, 0], dilation: [1, 1] };
      return g.add(
        g.reduceWindow("max", x, sliding),
        g.selectAndScatter("min", y, g.sliceAxis(y, 1, 0, 2), {
          ...sliding,
        }),
      );
    },
    [false, false, false],
  ],
  [
    "movement",
    [[2, 3, 4], [4]],
    (g, x, y) =>
      g.concat([
        g.transpose(g.reverse(g.slice(x, { start: [0, 1, 0], limit: [2, 3, 4], stride: [1, 1, 2] }), [2]), [2, 0, 1]),
        g.broadcast(g.reshape(y, [2, 2]), [2, 2, 2], [0, 2]),
      ], 2),
    [false, false, false],
  ],
  [
    "reductions",
    [[3, 4], [3, 4]],
    (g, x, y) =>
      g.add(
        g.reduce("sum", g.cumulative("prod", g.add(x, y), { axis: 1, reverse: true }), [0]),
        g.reduce("max", g.takeAlong(g.sort(x, 0)[0], g.sort(y, 0)[1], 0), [0]),
      ),
    [false, false, false],
  ],
];

for (const [name, shapes, body, looped] of CASES) {
  Deno.test(`${name}: either operand or both differ by row`, () => {
    const program = buildProgram(
      { x: { dtype: "f64", shape: shapes[0] }, y: { dtype: "f64", shape: shapes[1] } },
      (g, { x, y }) => body(g, x, y as never) as never,
    );
    WAYS.forEach((way, i) => {
      for (const size of ["Rows", 3]) {
        const batched = judge(program, rowsOf(3, ...shapes), way, size);
        assert.equal(count(batched, "scan") > 0, looped[i], `${way} ${looped[i]}`);
      }
    });
  });
}

Deno.test("control: a shared predicate stays a branch, one that differs by row becomes a loop over rows", () => {
  const program = buildProgram({ p: "bool[]", x: "f64[3]", w: "f64[3]" }, (g, { p, x, w }) => [
    ...g.if(p, (t) => [t.mul(x, w), w], (e) => [e.sin(x), e.neg(w)]),
  ]);
  const rows = [true, false, true].map((taken, i) => [
    tensor("bool", [], [taken]),
    normals(`x${i}`, [3]),
    normals("w", [3]),
  ]);
  assert.equal(count(judge(program, rows, [false, true, false]), "scan"), 0);
  assert.equal(count(judge(program, rows, [true, true, false]), "scan"), 1);
});

Deno.test("control: loops that end at another turn in each row, scans over rows and over shared values, calls", () => {
  const p = new ProgramBuilder();
  p.function("step", { v: "f64[N]", w: "f64[N]" }, (g, { v, w }) => g.tanh(g.add(v, w)));
  p.function("main", { x: "f64[4,2]", w: "f64[2]", n: "i64[]" }, (g, { x, w, n }) => {
    const [looped] = g.while(
      [w, n],
      (c, [, i]) => c.compare("gt", i, 0),
      (b, [v, i]) => [b.call("step", [v, w])[0], b.sub(i, 1)],
    );
    const [state, counter, stack] = g.scan(
      { length: 4, reverse: true },
      [g.full({ dtype: "f64", shape: [2] }, 1), n],
      [x],
      (b, [s, i], [row]) => [b.add(b.mul(s, looped), row), b.add(i, 1), b.mul(row, w)],
    );
    return [state, counter, stack, looped];
  });
  const program = p.build("main");
  const rows = [0n, 1n, 5n].map((n, i) => [normals(`x${i}`, [4, 2]), normals(`w${i}`, [2]), tensor("i64", [], [n])]);
  for (let way = 1; way < 8; way++) judge(program, rows, [(way & 1) > 0, (way & 2) > 0, (way & 4) > 0]);
});

Deno.test("gradients for each row are the batch of the gradient program", () => {
  const loss = buildProgram({ x: "f64[3]", w: "f64[3,2]" }, (g, { x, w }) => {
    const out = g.softmax(g.matmul(x, w), -1);
    return g.reduce("sum", g.mul(out, out));
  });
  const rows = rowsOf(4, [3], [3, 2]);
  for (const way of WAYS) judge(grad(loss), rows, way);
});

Deno.test("a batch of a batch, and a batch of none", () => {
  const program = buildProgram({ x: "f64[2]", w: "f64[2,2]" }, (g, { x, w }) => g.matmul(x, w));
  const twice = batchProgram(batchProgram(program, { size: "A", parameters: ["x"] }), { size: "B" });
  const [x, w] = [normals("x", [3, 5, 2]), normals("w", [3, 2, 2])];
  assert.deepEqual(evaluate(twice, [x, w]).results[0].shape, [3, 5, 2]);
  const none = evaluate(batchProgram(program, { size: "B" }), [f64([0, 2], []), f64([0, 2, 2], [])]);
  assert.deepEqual(none.results[0].shape, [0, 2]);
});

Deno.test("a result that no row differs in is the same for all rows", () => {
  const program = buildProgram({ x: "f64[2]", w: "f64[2]" }, (g, { x, w }) => [g.neg(x), g.exp(w)]);
  judge(program, rowsOf(3, [2], [2]), [true, false]);
});

const PROGRAMS = 400;

Deno.test(`${PROGRAMS} random programs, all primitives, dtypes and control: rows are what single runs make`, () => {
  let judged = 0;
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const options = { nodes: 8, symbolic: false } as const;
    const program = randomProgram(`batch ${seed}`, options);
    const rows = [0, 1, 2].map((row) => randomInputs(program, `row ${seed} ${row}`, options));
    const differs = functionOf(program).parameters.map((_, i) => i === 0 || (seed >> i) % 2 === 0);
    try {
      judge(program, rows, differs);
      judged++;
    } catch (thrown) {
      // A run may be refused (an empty axis, fuel); a wrong answer is no such failure.
      if (!isIrFailure(thrown)) throw new Error(`seed ${seed}: ${thrown}`);
      rows.forEach((row) => evaluate(program, row.map((input, i) => differs[i] ? input : rows[0][i])));
      throw thrown;
    }
  }
  assert.equal(judged, PROGRAMS);
});

Deno.test("no parameter that differs, and one that is not there, are refused", () => {
  const program = buildProgram({ x: "f64[2]" }, (g, { x }) => g.neg(x));
  assert.equal(codeOf(() => batchProgram(program, { size: 3, parameters: [] })), "IR_BATCH");
  assert.equal(codeOf(() => batchProgram(program, { size: 3, parameters: ["y"] })), "IR_BATCH");
  assert.equal(codeOf(() => batchProgram(program, { size: -1 })), "IR_DIMENSION");
});
