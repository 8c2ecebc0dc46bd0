/**
 * Programs: building, structural checks, control flow, evaluation within bounds, cost and memory.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  buildProgram,
  costOf,
  DTYPE_NAMES,
  evaluate,
  evaluateSteps,
  FunctionBuilder,
  functionOf,
  type IrFunction,
  makeProgram,
  MAX_CALL_DEPTH,
  type Node,
  nodeCosts,
  parseType,
  philox,
  PRIMITIVES,
  printType,
  type Program,
  ProgramBuilder,
  returnTypes,
  STEPS_PER_TURN,
  tensor,
  type TensorType,
  toFloats,
  toNested,
} from "../../../plugins/ir/library.ts";
import { assertClose, codeOf, f64, normals, run, vector } from "./support.ts";

const F2: TensorType = parseType("f32[2]");

const fn = (
  nodes: ReadonlyArray<Partial<Node>>,
  returns: ReadonlyArray<number>,
  more: Partial<IrFunction> = {},
): IrFunction => ({
  name: "main",
  sizes: [],
  parameters: [{ name: "x", type: F2 }],
  constraints: [],
  nodes: nodes.map((node) => ({ op: "neg", operands: [0], attributes: {}, functions: [], results: [F2], ...node })),
  returns,
  ...more,
});

const checked = (...functions: ReadonlyArray<IrFunction>) => codeOf(() => makeProgram(functions, "main"));

Deno.test("a well-formed function is accepted", () => assert.equal(checked(fn([{}], [1])), "no failure"));

Deno.test("a value used before it is made, or never made, is refused", () => {
  assert.equal(checked(fn([{ operands: [1] }], [1])), "IR_REFERENCE");
  assert.equal(checked(fn([{ operands: [90000] }], [1])), "IR_REFERENCE");
  assert.equal(checked(fn([{ operands: [-1] }], [1])), "IR_REFERENCE");
  assert.equal(checked(fn([{}], [2])), "IR_REFERENCE");
  assert.equal(checked(fn([{}], [1.5])), "IR_REFERENCE");
});

Deno.test("a declared type that does not follow, a wrong count and an unknown op are refused", () => {
  assert.equal(checked(fn([{ results: [parseType("f32[3]")] }], [1])), "IR_RESULT");
  assert.equal(checked(fn([{ results: [] }], [0])), "IR_RESULT");
  assert.equal(checked(fn([{ operands: [0, 0] }], [1])), "IR_OPERANDS");
  assert.equal(checked(fn([{ op: "add" }], [1])), "IR_OPERANDS");
  assert.equal(checked(fn([{ op: "nge" }], [1])), "IR_UNKNOWN_PRIMITIVE");
  assert.equal(checked(fn([{ attributes: { axis: 1 } }], [1])), "IR_ATTRIBUTE");
  assert.equal(checked(fn([{ functions: ["main"] }], [1])), "IR_RECURSION");
});

Deno.test("functions that do not exist, call in a circle or share a name are refused", () => {
  const call = (name: string, to: string) =>
    fn([{ op: "call", functions: [to], attributes: { sizes: [] } }], [1], { name });
  assert.equal(checked(call("main", "other")), "IR_UNKNOWN_FUNCTION");
  assert.equal(checked(call("main", "main")), "IR_RECURSION");
  assert.equal(checked(call("main", "a"), call("a", "b"), call("b", "a")), "IR_RECURSION");
  assert.equal(checked(fn([{}], [1]), fn([{}], [1])), "IR_REFERENCE");
  assert.equal(codeOf(() => makeProgram([fn([{}], [1])], "start")), "IR_UNKNOWN_FUNCTION");
});

Deno.test("functions nest up to the limit and not one deeper", () => {
  const chain = (depth: number) =>
    Array.from(
      { length: depth + 1 },
      (_, i) =>
        i === depth
          ? fn([{}], [1], { name: `f${i}` })
          : fn([{ op: "call", functions: [`f${i + 1}`], attributes: { sizes: [] } }], [1], {
            name: i === 0 ? "main" : `f${i}`,
          }),
    );
  assert.equal(checked(...chain(MAX_CALL_DEPTH)), "no failure");
  assert.equal(checked(...chain(MAX_CALL_DEPTH + 1)), "IR_LIMIT");
});

Deno.test("a size that nothing determines is refused until the function asks for it", () => {
  const type = parseType("i32[N]");
  const node = { op: "iota", operands: [], attributes: { dtype: "i32", shape: ["N"], axis: 0 }, results: [type] };
  assert.equal(checked(fn([node], [1])), "IR_DIMENSION");
  const asked = makeProgram([fn([node], [1], { sizes: ["N"] })], "main");
  const x = tensor("f32", [2], [1, 2]);
  assert.equal(codeOf(() => evaluate(asked, [x])), "IR_UNBOUND_DIMENSION");
  assert.deepEqual(toNested(evaluate(asked, [x], { sizes: { N: 3 } }).results[0]), [0, 1, 2]);
});

Deno.test("a program is frozen", () => {
  const program = makeProgram([fn([{}], [1])], "main");
  assert.throws(() => (functionOf(program).nodes as Node[]).push(functionOf(program).nodes[0]), TypeError);
  assert.throws(() => (functionOf(program).nodes[0].operands as number[]).push(0), TypeError);
});

Deno.test("a failure of the builder points at the source location", () => {
  assert.throws(
    () => buildProgram({ x: "f32[2]" }, (g, { x }) => g.at("/a/b", () => g.reduce("any", x))),
    (thrown: { path: string }) => thrown.path === "/a/b",
  );
});

Deno.test("values of another function are refused, values around a body are passed to it", () => {
  const p = new ProgramBuilder();
  const other = new FunctionBuilder(p, "other", {});
  const foreign = other.parameter("y", "f32[2]");
  assert.equal(codeOf(() => buildProgram({ x: "f32[2]" }, (g, { x }) => g.add(x, foreign))), "IR_REFERENCE");
});

Deno.test("if takes its branch, and both branches must agree in type", () => {
  const program = buildProgram(
    { p: "bool[]", x: "f64[2]", y: "f64[2]" },
    (g, { p, x, y }) => g.if(p, (h) => h.add(x, y), (h) => h.neg(x)),
  );
  const inputs = [f64([2], [1, 2]), f64([2], [10, 20])];
  assert.deepEqual(toNested(run(program, [tensor("bool", [], [true]), ...inputs])), [11, 22]);
  assert.deepEqual(toNested(run(program, [tensor("bool", [], [false]), ...inputs])), [-1, -2]);
  const uneven = () =>
    buildProgram({ p: "bool[]", x: "f64[2]" }, (g, { p, x }) => g.if(p, () => x, (h) => h.reduce("sum", x)));
  assert.equal(codeOf(uneven), "IR_SHAPE");
});

Deno.test("nested control passes values and sizes from two functions out", () => {
  const program = buildProgram({ x: "f64[N]", k: "i64[]" }, (g, { x, k }) => {
    const [sum] = g.scan({ length: "N" }, [g.full({ dtype: "f64", shape: [] }, 0)], [x], (h, [total], [row]) => {
      const [more] = h.if(
        h.compare("gt", row, 0),
        (i) => i.add(total, i.mul(row, i.cast(k, "f64"))),
        (i) => i.add(total, i.dimension("N", "f64")),
      );
      return more;
    });
    return sum;
  });
  assert.equal(toNested(run(program, [f64([4], [1, -1, 2, -5]), tensor("i64", [], [10n])])), 1 * 10 + 4 + 2 * 10 + 4);
});

Deno.test("scan gives carried values and stacked rows, either way, and nothing for no rows", () => {
  const build = (reverse: boolean) =>
    buildProgram(
      { x: "f64[N]", s: "f64[]" },
      (g, { x, s }) =>
        g.scan({ length: "N", reverse }, [s], [x], (h, [sum], [row]) => {
          const next = h.add(sum, row);
          return [next, next];
        }),
    );
  const results = (reverse: boolean, values: number[]) =>
    evaluate(build(reverse), [f64([values.length], values), f64([], [100])]).results.map(toNested);
  assert.deepEqual(results(false, [1, 2, 3]), [106, [101, 103, 106]]);
  assert.deepEqual(results(true, [1, 2, 3]), [106, [106, 105, 103]]);
  assert.deepEqual(results(false, []), [100, []]);
});

Deno.test("while runs zero or more times, and its predicate is a bool scalar", () => {
  const collatz = buildProgram(
    { n: "i64[]" },
    (g, { n }) =>
      g.while([n, g.full({ dtype: "i64", shape: [] }, 0)], (h, [v]) => h.compare("ne", v, 1), (h, [v, steps]) => {
        const even = h.compare("eq", h.rem(v, 2), 0);
        return [h.select(even, h.div(v, 2), h.add(h.mul(v, 3), 1)), h.add(steps, 1)];
      }),
  );
  const steps = (n: bigint) => toNested(evaluate(collatz, [tensor("i64", [], [n])]).results[1]);
  assert.equal(steps(1n), 0n);
  assert.equal(steps(27n), 111n);
  const wrong = () => buildProgram({ x: "f32[2]" }, (g, { x }) => g.while([x], (_h, [v]) => v, (h, [v]) => h.neg(v)));
  assert.equal(codeOf(wrong), "IR_SHAPE");
});

Deno.test("calls are polymorphic in sizes, within the callee's equalities", () => {
  const p = new ProgramBuilder();
  p.function("rows", { x: "f32[N]" }, (g, { x }) => g.reshape(x, ["B", 4]), { where: [["N", "4*B"]], sizes: ["B"] });
  p.function("main", { x: "f32[8]", y: "f32[4*M]" }, (g, { x, y }) => [
    ...g.call("rows", [x], [2]),
    ...g.call("rows", [y], ["M"]),
  ]);
  assert.deepEqual(returnTypes(functionOf(p.build("main"))).map(printType), ["f32[2,4]", "f32[M,4]"]);
  const wrong = (sizes: ReadonlyArray<number>) => () => {
    const q = new ProgramBuilder();
    q.function("rows", { x: "f32[N]" }, (g, { x }) => g.reshape(x, ["B", 4]), { where: [["N", "4*B"]], sizes: ["B"] });
    q.function("main", { x: "f32[8]" }, (g, { x }) => g.call("rows", [x], sizes));
  };
  assert.equal(codeOf(wrong([3])), "IR_SHAPE");
  assert.equal(codeOf(wrong([])), "IR_OPERANDS");
});

Deno.test("inputs that do not fit are refused by number, dtype, rank, size and equality", () => {
  const program = buildProgram({ x: "f32[B,4]", y: "f32[B]" }, (g, { x, y }) => [x, y].map((v) => g.neg(v)));
  const zeros = (...shape: number[]) => tensor("f32", shape, new Array(shape.reduce((a, b) => a * b, 1)).fill(0));
  const code = (...inputs: Parameters<typeof evaluate>[1]) => codeOf(() => evaluate(program, inputs));
  assert.equal(code(zeros(2, 4), zeros(2)), "no failure");
  assert.equal(code(zeros(2, 4)), "IR_OPERANDS");
  assert.equal(code(zeros(2, 4), vector("f64", [1, 2])), "IR_INPUT");
  assert.equal(code(zeros(2, 4), zeros(2, 1)), "IR_INPUT");
  assert.equal(code(zeros(2, 5), zeros(2)), "IR_INPUT");
  assert.equal(code(zeros(2, 4), zeros(3)), "IR_INPUT");
});

Deno.test("fuel bounds every loop: the exact amount suffices, one less does not", () => {
  const program = buildProgram(
    { n: "i64[]" },
    (g, { n }) => g.while([n], (h, [v]) => h.compare("gt", v, 0), (h, [v]) => h.sub(v, 1)),
  );
  const inputs = [tensor("i64", [], [50n])];
  const { fuelUsed } = evaluate(program, inputs);
  assert.equal(codeOf(() => evaluate(program, inputs, { fuel: fuelUsed })), "no failure");
  assert.equal(codeOf(() => evaluate(program, inputs, { fuel: fuelUsed - 1 })), "IR_FUEL");
  const forever = buildProgram(
    { n: "i64[]" },
    (g, { n }) => g.while([n], (h) => h.full({ dtype: "bool", shape: [] }, 1), (_h, [v]) => v),
  );
  assert.equal(codeOf(() => evaluate(forever, inputs, { fuel: 10_000 })), "IR_FUEL");
});

Deno.test("memory is refused before it is taken: the exact amount suffices, one byte less does not", () => {
  const program = buildProgram({ x: "f64[N]" }, (g, { x }) =>
    g.reduce(
      "sum",
      g.dot(x, x, {
        x_batch: [],
        y_batch: [],
        x_contract: [],
        y_contract: [],
      }),
    ));
  const inputs = [normals("m", [30])];
  const { peakBytes } = evaluate(program, inputs);
  assert.equal(peakBytes, 30 * 8 + 900 * 8 + 8);
  assert.equal(codeOf(() => evaluate(program, inputs, { maxBytes: peakBytes })), "no failure");
  assert.equal(codeOf(() => evaluate(program, inputs, { maxBytes: peakBytes - 1 })), "IR_MEMORY");
  const huge = buildProgram({ x: "f32[]" }, (g, { x }) => g.reduce("sum", g.broadcastTo(x, [2 ** 20, 2 ** 19])));
  assert.equal(codeOf(() => evaluate(huge, [tensor("f32", [], [1])], { fuel: 2 ** 50 })), "IR_MEMORY");
});

Deno.test("a long evaluation gives way between nodes", () => {
  const program = buildProgram(
    { x: "f64[1000]" },
    (g, { x }) => g.scan({ length: 1200 }, [x], [], (h, [v]) => h.add(v, 1)),
  );
  const steps = evaluateSteps(program, [f64([1000], new Array(1000).fill(0))]);
  let turns = 0;
  let last = steps.next();
  for (; !last.done; last = steps.next()) turns++;
  assert.equal(toFloats(last.value.results[0])[0], 1200);
  assert.ok(turns >= Math.floor(last.value.fuelUsed / (2 * STEPS_PER_TURN)) && turns > 0, String(turns));
});

Deno.test("flops follow the convention: 2mnk, one an element, comparisons nothing", () => {
  const dense = buildProgram(
    { x: "f32[8,32]", w: "f32[32,64]", b: "f32[64]" },
    (g, { x, w, b }) => g.activation("relu", g.add(g.matmul(x, w), b)),
  );
  assert.equal(costOf(dense).flops, 33_280);
  const conv = buildProgram({ x: "f32[2,4,8,8]", w: "f32[6,2,3,3]" }, (g, { x, w }) => g.conv(x, w, { groups: 2 }));
  assert.equal(costOf(conv).flops, 2 * (2 * 6 * 6 * 6) * (2 * 3 * 3));
  const symbolic = buildProgram({ x: "f32[B,S]" }, (g, { x }) => g.reduce("sum", g.exp(x)));
  assert.equal(costOf(symbolic).flops, "2*B*S");
  assert.equal(costOf(symbolic).peakBytes, undefined);
  assert.equal(costOf(symbolic, { B: 2, S: 3 }).flops, 12);
});

Deno.test("a scan costs its length times its body, a while and uneven branches are marked inexact", () => {
  const scan = buildProgram(
    { x: "f64[N]" },
    (g, { x }) => g.scan({ length: 7 }, [x], [], (h, [v]) => h.mul(h.add(v, v), v)),
  );
  assert.equal(costOf(scan).flops, "14*N");
  assert.ok(costOf(scan).exact);
  const loop = buildProgram(
    { x: "f64[]" },
    (g, { x }) => g.while([x], (h, [v]) => h.compare("lt", v, 10), (h, [v]) => h.mul(v, 2)),
  );
  assert.deepEqual([costOf(loop).flops, costOf(loop).exact], [1, false]);
  const branch = buildProgram(
    { p: "bool[]", x: "f64[4]" },
    (g, { p, x }) => g.if(p, (h) => h.exp(h.exp(x)), (h) => h.neg(x)),
  );
  assert.deepEqual([costOf(branch).flops, costOf(branch).exact], [8, false]);
});

Deno.test("predicted peak memory is what the evaluator holds", () => {
  const programs: ReadonlyArray<readonly [Program, ReadonlyArray<Parameters<typeof evaluate>[1][number]>]> = [
    [
      buildProgram({ x: "f64[6,6]" }, (g, { x }) => {
        const y = g.matmul(x, x);
        return [g.softmax(g.add(y, g.exp(x)), 0), g.cast(x, "i4")];
      }),
      [normals("p", [6, 6])],
    ],
    [
      buildProgram(
        { x: "f64[6,6]" },
        (g, { x }) =>
          g.scan({ length: 6 }, [g.reduce("sum", x, [0])], [x], (h, [c], [r]) => {
            const next = h.mul(h.add(c, r), h.exp(r));
            return [next, h.reduce("sum", h.mul(next, next))];
          }),
      ),
      [normals("q", [6, 6])],
    ],
  ];
  for (const [program, inputs] of programs) {
    assert.equal(costOf(program).peakBytes, evaluate(program, inputs).peakBytes);
  }
});

Deno.test("packed bytes count half a byte for i4, rounded up", () => {
  const program = buildProgram({ x: "i4[5]" }, (g, { x }) => g.neg(x));
  assert.equal(costOf(program).bytes, 6);
  assert.equal(costOf(buildProgram({ x: "i4[N]" }, (g, { x }) => g.neg(x))).bytes, "2*div(N+1,2)");
});

Deno.test("Philox gives the published known answers", () => {
  const hex = (words: ReadonlyArray<number>) => words.map((word) => word.toString(16).padStart(8, "0")).join(" ");
  assert.equal(hex(philox([0, 0, 0, 0], [0, 0])), "6627e8d5 e169c58d bc57ac4c 9b00dbd8");
  const ones = 0xffffffff;
  assert.equal(hex(philox([ones, ones, ones, ones], [ones, ones])), "408f276d 41c83b0e a20bc7c6 6d5451fd");
  assert.equal(
    hex(philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])),
    "d16cfe09 94fdcceb 5001e420 24126ea1",
  );
});

Deno.test("random tensors depend on seed, stream and position alone, and have the moments they should", () => {
  const draw = (seed: bigint, shape: ReadonlyArray<number>, distribution: "uniform" | "normal", stream = 0) =>
    toFloats(run(
      buildProgram(
        { seed: "i64[]" },
        (g, { seed }) => g.random(seed, { dtype: "f64", shape }, { distribution, stream }),
      ),
      [tensor("i64", [], [seed])],
    ));
  assert.deepEqual(draw(7n, [4], "uniform"), draw(7n, [2, 2], "uniform"));
  assert.deepEqual(draw(7n, [4], "uniform"), draw(7n, [9], "uniform").slice(0, 4));
  assert.notDeepEqual(draw(7n, [4], "uniform"), draw(8n, [4], "uniform"));
  assert.notDeepEqual(draw(7n, [4], "uniform"), draw(7n + 2n ** 40n, [4], "uniform"));
  assert.notDeepEqual(draw(7n, [4], "uniform"), draw(7n, [4], "uniform", 1));
  const moments = (values: Float64Array) => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length];
  };
  // 20,000 draws: three standard errors of the mean are 0.021 (normal) and 0.006 (uniform).
  assertClose(moments(draw(1n, [20_000], "normal")), [0, 1], 0.04);
  assertClose(moments(draw(1n, [20_000], "uniform")), [0.5, 1 / 12], 0.01);
});

Deno.test("uniform draws stay below one in every float dtype, and bits fill every integer dtype", () => {
  for (const dtype of DTYPE_NAMES) {
    const float = ["f64", "f32", "f16", "bf16"].includes(dtype);
    const program = buildProgram(
      { seed: "i64[]" },
      (g, { seed }) => g.random(seed, { dtype, shape: [4096] }, { distribution: float ? "uniform" : "bits" }),
    );
    const made = run(program, [tensor("i64", [], [3n])]);
    const values = (toNested(made) as ReadonlyArray<number | bigint | boolean>).map(Number);
    if (float) assert.ok(values.every((value) => value >= 0 && value < 1), dtype);
    else assert.ok(new Set(values).size >= Math.min(16, dtype === "bool" ? 2 : 16), dtype);
  }
  assert.equal(
    codeOf(() =>
      buildProgram(
        { seed: "i64[]" },
        (g, { seed }) => g.random(seed, { dtype: "i32", shape: [2] }, { distribution: "normal" }),
      )
    ),
    "IR_ATTRIBUTE",
  );
});

/** Operand types to try a primitive with. */
const TYPES = [
  "f64[2,3]",
  "f32[2,3]",
  "f16[2,3]",
  "bf16[3]",
  "i64[2,3]",
  "i32[2]",
  "i8[2,3]",
  "i4[3]",
  "u8[2,3]",
  "u64[2,3]",
  "u32[3]",
  "u16[2,3]",
];

Deno.test("any node that passes the type rules evaluates to its type, whatever the operands hold", () => {
  const draws = random("total");
  const types = [...TYPES, "bool[2,3]", "i64[]", "f64[0,3]", "bool[]", "f32[]", "f64[1,1,3,3]"].map(parseType);
  const attributesOf = (name: string): Record<string, unknown>[] => {
    const axes = [[], [0], [1], [0, 1], [1, 0]];
    const sliding = { window: [1, 2], strides: [1, 1], low: [0, 1], high: [0, 0], dilation: [1, 1] };
    const conv = { strides: [1, 2], low: [0, 1], high: [1, 0], dilation: [1, 1], input_dilation: [2, 1], groups: 1 };
    const table: Record<string, Record<string, unknown>[]> = {
      cast: DTYPE_NAMES.map((dtype) => ({ dtype })),
      compare: ["eq", "lt", "ge"].map((direction) => ({ direction })),
      iota: DTYPE_NAMES.map((dtype) => ({ dtype, shape: [2, 3], axis: 1 })),
      dimension: DTYPE_NAMES.map((dtype) => ({ dtype, of: 300 })),
      random: DTYPE_NAMES.flatMap((dtype) =>
        ["uniform", "normal", "bits"].map((distribution) => ({ dtype, shape: [5], distribution, stream: 1 }))
      ),
      broadcast: axes.map((list) => ({ shape: [2, 3], axes: list })),
      reshape: [{ shape: [6] }, { shape: [3, 2] }, { shape: [] }, { shape: [0] }],
      transpose: axes.map((permutation) => ({ permutation })),
      reverse: axes.map((list) => ({ axes: list })),
      slice: [{ start: [0, 1], limit: [1, 3], stride: [1, 2] }, { start: [1], limit: [1], stride: [1] }],
      pad: [{ low: [1, -1], high: [0, 2], interior: [0, 1] }, { low: [1], high: [1], interior: [2] }],
      concat: [{ axis: 0 }, { axis: 1 }],
      gather: [{ axis: 0 }, { axis: 1 }],
      take_along: [{ axis: 0 }, { axis: 1 }],
      scatter: ["set", "add"].map((mode) => ({ axis: 0, mode })),
      put_along: ["set", "add"].map((mode) => ({ axis: 1, mode })),
      reduce: ["sum", "prod", "max", "min", "any", "all"].flatMap((op) => axes.map((list) => ({ op, axes: list }))),
      arg_reduce: [{ op: "max", axis: 0 }, { op: "min", axis: 1 }],
      sort: [{ axis: 0, descending: true }, { axis: 1, descending: false }],
      cumulative: ["sum", "prod", "max", "min"].map((op) => ({ op, axis: 0, reverse: true, exclusive: true })),
      reduce_window: ["sum", "max", "min"].map((op) => ({ op, ...sliding })),
      select_and_scatter: ["max", "min"].map((op) => ({ op, ...sliding })),
      dot: DTYPE_NAMES.map((accumulate) => ({
        x_batch: [],
        y_batch: [],
        x_contract: [1],
        y_contract: [1],
        accumulate,
      })),
      conv: DTYPE_NAMES.map((accumulate) => ({ ...conv, accumulate })),
      constant: [{ value: tensor("f16", [2], [NaN, -0]) }],
    };
    return table[name] ?? [{}];
  };
  const special = [0, -0, 1, -1, NaN, Infinity, -Infinity, 1e300, 2.5, -128, 127];
  const fill = (type: TensorType) => {
    const shape = type.shape as ReadonlyArray<number>;
    const count = shape.reduce((a, b) => a * b, 1);
    const float = ["f64", "f32", "f16", "bf16"].includes(type.dtype);
    return tensor(
      type.dtype,
      shape,
      Array.from(
        { length: count },
        () => float ? draws.pick(special) : type.dtype === "bool" ? draws.below(2) === 1 : draws.pick([0, 1, 2, 3, 7]),
      ),
    );
  };
  const evaluated = new Map<string, number>();
  for (const row of PRIMITIVES) {
    for (const attributes of attributesOf(row.name)) {
      for (let trial = 0; trial < 60; trial++) {
        const count = row.operands.length + (row.variadic ? draws.below(2) : 0);
        const first = draws.pick(types);
        const choices = [() => draws.pick(types), () => ({ dtype: first.dtype, shape: [] }), () => first, () => first];
        const operands = Array.from({ length: count }, () => draws.pick(choices)());
        const parameters = Object.fromEntries(operands.map((type, i) => [`x${i}`, type]));
        let program: Program | undefined;
        const built = codeOf(() => {
          program = buildProgram(
            parameters,
            (g, values) => g.emit(row.name, Object.values(values), attributes as never),
          );
        });
        if (program === undefined) {
          assert.match(built, /^IR_/u);
          continue;
        }
        const { results } = evaluate(program, operands.map(fill));
        assert.deepEqual(
          results.map(printType),
          returnTypes(functionOf(program)).map(printType),
          row.name,
        );
        evaluated.set(row.name, (evaluated.get(row.name) ?? 0) + 1);
      }
    }
  }
  for (const { name } of PRIMITIVES) assert.ok((evaluated.get(name) ?? 0) > 0, `${name} was never evaluated`);
});

Deno.test("names of primitives are unique, and every row documents itself", () => {
  assert.equal(new Set(PRIMITIVES.map(({ name }) => name)).size, PRIMITIVES.length);
  for (const { name, doc } of PRIMITIVES) assert.ok(doc.endsWith(".") && doc.length > 3, name);
});

Deno.test("nodes' costs are those of the program, one by one: they add up, a loop's is all its turns'", () => {
  const program = buildProgram({ x: "f32[S,4]", w: "f32[4,4]" }, (g, { x, w }) => {
    const [last] = g.scan(
      { length: "S" },
      [g.full({ dtype: "f32", shape: [4] }, 0)],
      [x],
      (b, [state], [row]) => [b.add(b.matmul(state, w), row)],
    );
    return g.add(last, 1);
  });
  const costs = nodeCosts(program, { S: 5 });
  assert.equal(costs.length, functionOf(program).nodes.length);
  assert.deepEqual(costs.map(({ flops }) => flops).filter((flops) => flops !== 0), [5 * (2 * 4 * 4 + 4), 4]);
  assert.equal(costs.reduce((sum, { flops }) => sum + Number(flops), 0), costOf(program, { S: 5 }).flops);
  assert.deepEqual(nodeCosts(program).map(({ flops }) => flops).filter((flops) => flops !== 0), ["36*S", 4]);
});
