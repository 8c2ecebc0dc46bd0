/**
 * Gradients: every rule of the table against central differences in f64, and the laws of the transformation.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  evaluate,
  type FunctionBuilder,
  functionOf,
  grad,
  PRIMITIVES,
  printType,
  ProgramBuilder,
  returnTypes,
  type Tensor,
  tensor,
  toFloats,
  toNested,
  type Value,
} from "../../../plugins/ir/library.ts";
import { assertClose, centralDifferences, codeOf, f64, normals, run } from "./support.ts";

type Case = {
  readonly primitive: string;
  readonly title?: string;
  readonly inputs: ReadonlyArray<Tensor>;
  readonly body: (g: FunctionBuilder, values: ReadonlyArray<Value>) => Value;
};

const x23 = normals("x", [2, 3]);
const y23 = normals("y", [2, 3]);
const positive = f64([2, 3], [0.3, 1.7, 0.9, 2.2, 0.6, 1.1]);
const indices = tensor("i64", [4], [2n, 0n, 2n, 7n]);
const along = tensor("i64", [2, 4], [2n, 0n, 2n, -1n, 1n, 1n, 0n, 2n]);
const image = normals("image", [2, 4, 5, 6]);

const unaryCases: ReadonlyArray<Case> = ([
  ["neg", x23],
  ["abs", x23],
  ["exp", x23],
  ["expm1", x23],
  ["log", positive],
  ["log1p", positive],
  ["sqrt", positive],
  ["sin", x23],
  ["cos", x23],
  ["tanh", x23],
  ["logistic", x23],
  ["erf", x23],
] as const).map(([primitive, input]) => ({
  primitive,
  inputs: [input],
  body: (g, [x]) => g[primitive](x),
}));

const binaryCases: ReadonlyArray<Case> = ([
  ["add", x23, y23],
  ["sub", x23, y23],
  ["mul", x23, y23],
  ["div", x23, positive],
  ["rem", f64([3], [5.3, -4.1, 7.7]), f64([3], [2.1, 1.5, -3.2])],
  ["pow", positive, y23],
  ["max", x23, y23],
  ["min", x23, y23],
] as const).map(([primitive, a, b]) => ({
  primitive,
  inputs: [a, b],
  body: (g, [x, y]) => g[primitive](x, y),
}));

const window = {
  window: [1, 1, 3, 2],
  strides: [1, 1, 2, 3],
  low: [0, 0, 1, 0],
  high: [0, 0, 1, 1],
  dilation: [1, 1, 1, 2],
};

const movementCases: ReadonlyArray<Case> = [
  { primitive: "cast", inputs: [x23], body: (g, [x]) => g.cast(g.cast(x, "f64"), "f64") },
  {
    primitive: "select",
    inputs: [x23, y23],
    body: (g, [x, y]) => g.select(g.compare("gt", g.stopGradient(x), g.stopGradient(y)), x, g.mul(y, 3)),
  },
  { primitive: "broadcast", inputs: [normals("b", [3])], body: (g, [x]) => g.broadcast(x, [2, 3, 4], [1]) },
  {
    primitive: "broadcast",
    title: "of an axis of size one",
    inputs: [normals("b1", [1, 3])],
    body: (g, [x]) => g.broadcastTo(x, [4, 2, 3]),
  },
  { primitive: "reshape", inputs: [x23], body: (g, [x]) => g.reshape(x, [3, 2]) },
  { primitive: "transpose", inputs: [normals("t", [2, 3, 4])], body: (g, [x]) => g.transpose(x, [2, 0, 1]) },
  { primitive: "reverse", inputs: [x23], body: (g, [x]) => g.reverse(x, [1]) },
  {
    primitive: "slice",
    inputs: [normals("s", [7, 5])],
    body: (g, [x]) => g.slice(x, { start: [1, 0], limit: [6, 5], stride: [2, 3] }),
  },
  {
    primitive: "pad",
    inputs: [x23, f64([], [0.7])],
    body: (g, [x, v]) => g.pad(x, v, { low: [1, 0], high: [2, 1], interior: [0, 2] }),
  },
  {
    primitive: "pad",
    title: "with cropping",
    inputs: [normals("p", [5, 4]), f64([], [0.7])],
    body: (g, [x, v]) => g.pad(x, v, { low: [-1, 2], high: [1, -2], interior: [1, 0] }),
  },
  { primitive: "concat", inputs: [x23, normals("c", [2, 2])], body: (g, [x, y]) => g.concat([x, y, x], 1) },
  { primitive: "gather", inputs: [normals("g", [3, 2])], body: (g, [x]) => g.gather(x, g.constant(indices), 0) },
  {
    primitive: "scatter",
    title: "adding",
    inputs: [normals("sx", [3, 2]), normals("su", [4, 2])],
    body: (g, [x, u]) => g.scatter(x, g.constant(indices), u, 0, "add"),
  },
  {
    primitive: "scatter",
    title: "setting, with a place written twice and one outside",
    inputs: [normals("sx", [3, 2]), normals("su", [4, 2])],
    body: (g, [x, u]) => g.scatter(x, g.constant(indices), u, 0, "set"),
  },
  { primitive: "take_along", inputs: [x23], body: (g, [x]) => g.takeAlong(x, g.constant(along), 1) },
  {
    primitive: "put_along",
    title: "adding",
    inputs: [x23, normals("pu", [2, 4])],
    body: (g, [x, u]) => g.putAlong(x, g.constant(along), u, 1, "add"),
  },
  {
    primitive: "put_along",
    title: "setting",
    inputs: [x23, normals("pu", [2, 4])],
    body: (g, [x, u]) => g.putAlong(x, g.constant(along), u, 1, "set"),
  },
];

const zeros = f64([2, 4], [1.5, 0, -2, 0.5, 0, 3, 0, 0.7]);

const reductionCases: ReadonlyArray<Case> = [
  ...(["sum", "max", "min", "prod"] as const).map((op): Case => ({
    primitive: "reduce",
    title: op,
    inputs: [normals("r", [2, 3, 4])],
    body: (g, [x]) => g.reduce(op, x, [0, 2]),
  })),
  { primitive: "reduce", title: "prod with zeros", inputs: [zeros], body: (g, [x]) => g.reduce("prod", x, [1]) },
  {
    primitive: "sort",
    inputs: [normals("sort", [2, 5])],
    body: (g, [x]) => g.sort(x, 1, true)[0],
  },
  ...(["sum", "prod", "max", "min"] as const).flatMap((op) =>
    [false, true].flatMap((reverse) =>
      [false, true].map((exclusive): Case => ({
        primitive: "cumulative",
        title: `${op} reverse=${reverse} exclusive=${exclusive}`,
        inputs: [normals(`cumulative ${op}`, [2, 4, 2])],
        body: (g, [x]) => {
          const made = g.cumulative(op, x, { axis: 1, reverse, exclusive });
          // An exclusive extremum starts at an infinity, which no weight can sum.
          return g.select(g.compare("lt", g.abs(made), 1e9), made, 0);
        },
      }))
    )
  ),
  {
    primitive: "cumulative",
    title: "prod with zeros",
    inputs: [zeros],
    body: (g, [x]) => g.cumulative("prod", x, { axis: 1 }),
  },
  ...(["sum", "max", "min"] as const).map((op): Case => ({
    primitive: "reduce_window",
    title: op,
    inputs: [image],
    body: (g, [x]) => g.reduceWindow(op, x, window),
  })),
];

const conv = (title: string, x: Tensor, w: Tensor, how: Parameters<FunctionBuilder["conv"]>[2]): Case => ({
  primitive: "conv",
  title,
  inputs: [x, w],
  body: (g, [a, b]) => g.conv(a, b, how),
});

const contractionCases: ReadonlyArray<Case> = [
  { primitive: "dot", inputs: [x23, normals("m", [3, 4])], body: (g, [x, y]) => g.matmul(x, y) },
  {
    primitive: "dot",
    title: "with batch axes out of order",
    inputs: [normals("d1", [3, 2, 4, 5]), normals("d2", [5, 4, 3, 2, 2])],
    body: (g, [x, y]) => g.dot(x, y, { x_batch: [1, 0], y_batch: [4, 2], x_contract: [3, 2], y_contract: [0, 1] }),
  },
  {
    primitive: "dot",
    title: "of broadcast batches",
    inputs: [normals("d3", [2, 1, 2, 3]), normals("d4", [4, 3, 2])],
    body: (g, [x, y]) => g.matmul(x, y),
  },
  conv("plain", image, normals("w", [3, 4, 3, 2]), {}),
  conv("strided and padded", image, normals("w", [3, 4, 3, 2]), { strides: [2, 3], low: [1, 2], high: [2, 0] }),
  conv("dilated", image, normals("w", [3, 4, 2, 2]), { dilation: [3, 2], low: [1, 0], high: [1, 3] }),
  conv("transposed", image, normals("w", [3, 4, 3, 2]), {
    input_dilation: [2, 3],
    low: [2, 1],
    high: [2, 2],
    strides: [1, 2],
  }),
  conv("grouped", image, normals("w", [6, 2, 3, 2]), { groups: 2, strides: [2, 1], low: [1, 1], high: [1, 1] }),
  conv("depthwise in one dimension", normals("i1", [2, 3, 7]), normals("w1", [3, 1, 3]), { groups: 3, low: [2] }),
  conv("cropping", normals("i1", [2, 3, 7]), normals("w1", [2, 3, 2]), { low: [-1], high: [-2] }),
  conv("in three dimensions", normals("i3", [1, 2, 3, 4, 3]), normals("w3", [2, 2, 2, 2, 2]), { strides: [1, 2, 1] }),
];

const CASES = [...unaryCases, ...binaryCases, ...movementCases, ...reductionCases, ...contractionCases];

/** A scalar of a result: its elements weighted by fixed numbers. */
const scalarOf = ({ inputs, body }: Case) =>
  buildProgram(
    Object.fromEntries(inputs.map(({ dtype, shape }, i) => [`x${i}`, { dtype, shape }])),
    (g, values) => {
      const out = body(g, Object.values(values));
      const weights = normals("weights", out.type.shape as ReadonlyArray<number>);
      return g.reduce("sum", g.mul(out, g.constant(weights)));
    },
  );

for (const given of CASES) {
  Deno.test(`gradient of ${given.primitive} ${given.title ?? ""} agrees with central differences in f64`, () => {
    const program = scalarOf(given);
    const { results } = evaluate(grad(program), given.inputs);
    given.inputs.forEach((_, i) => {
      assertClose(toFloats(results[i]), centralDifferences(program, given.inputs, i), 1e-6, `d/dx${i}`);
    });
  });
}

Deno.test("every primitive has a gradient case here, or says why it has no gradient", () => {
  const tested = new Set(CASES.map(({ primitive }) => primitive));
  for (const { name, gradient } of PRIMITIVES) {
    if (typeof gradient === "function") assert.ok(tested.has(name), `${name} has no case`);
    else assert.ok(gradient.none.length > 10, name);
  }
});

Deno.test("gradients have the types of their parameters, also when sizes are symbolic", () => {
  const program = buildProgram(
    { x: "f32[B,S,4]", w: "f32[4,4]", b: "f32[4]" },
    (g, { x, w, b }) => g.mean(g.activation("gelu", g.add(g.matmul(x, w), b))),
  );
  const made = grad(program);
  assert.deepEqual(returnTypes(functionOf(made)).map(printType), ["f32[B,S,4]", "f32[4,4]", "f32[4]"]);
});

Deno.test("gradients of symbolic programs agree with central differences once sizes are known", () => {
  const body = (g: FunctionBuilder, { x, w }: { readonly x: Value; readonly w: Value }) => {
    const padded = g.pad(x, 0, { low: [0, 1], high: [1, 0] });
    const part = g.slice(padded, { start: [0, 1], limit: padded.type.shape, stride: [2, 1] });
    return g.mean(g.softmax(g.matmul(g.concat([part, x], 0), w), -1), [0]);
  };
  const program = buildProgram({ x: "f64[B,3]", w: "f64[3,2]" }, (g, values) => {
    const out = body(g, values);
    return g.reduce("sum", g.mul(out, out));
  });
  const inputs = [normals("sx", [4, 3]), normals("sw", [3, 2])];
  const { results } = evaluate(grad(program), inputs);
  [0, 1].forEach((i) => assertClose(toFloats(results[i]), centralDifferences(program, inputs, i), 1e-6, `${i}`));
});

Deno.test("second derivative of x cubed is six x", () => {
  const cube = buildProgram({ x: "f64[]" }, (g, { x }) => g.mul(x, g.mul(x, x)));
  assert.equal(toNested(run(grad(grad(cube)), [f64([], [2.5])])), 15);
});

const SMOOTH: ReadonlyArray<Case> = [
  { primitive: "softmax", inputs: [x23], body: (g, [x]) => g.softmax(x, -1) },
  { primitive: "gelu", inputs: [x23], body: (g, [x]) => g.activation("gelu", x) },
  { primitive: "mish", inputs: [x23], body: (g, [x]) => g.activation("mish", x) },
  { primitive: "pow", inputs: [positive, y23], body: (g, [x, y]) => g.pow(x, y) },
  { primitive: "product", inputs: [zeros], body: (g, [x]) => g.reduce("prod", x, [1]) },
  {
    primitive: "normalisation",
    inputs: [x23],
    body: (g, [x]) => g.normalize(x, { axes: [1], epsilon: 1e-3, centered: true }),
  },
  {
    primitive: "attention",
    inputs: [normals("q", [3, 2]), normals("k", [3, 2]), normals("v", [3, 2])],
    body: (g, [q, k, v]) => g.attention(q, k, v),
  },
  {
    primitive: "convolution",
    inputs: [normals("i2", [1, 2, 5]), normals("k2", [2, 1, 3])],
    body: (g, [x, w]) => g.exp(g.mul(g.conv(x, w, { groups: 2, strides: [2], low: [1] }), 0.1)),
  },
  {
    primitive: "indexing",
    inputs: [normals("gx", [3, 2])],
    body: (g, [x]) => g.exp(g.scatter(x, g.constant(indices), g.mul(g.gather(x, g.constant(indices), 0), 2), 0, "add")),
  },
];

for (const given of SMOOTH) {
  Deno.test(`second derivatives of ${given.primitive} agree with central differences of the first`, () => {
    // The gradient, weighted to a scalar by a program that calls it, is differentiated once more.
    const first = grad(scalarOf(given));
    const p = new ProgramBuilder();
    for (const fn of first.functions.values()) p.add({ ...fn, name: `first.${fn.name}` });
    const types = Object.fromEntries(given.inputs.map(({ dtype, shape }, i) => [`x${i}`, { dtype, shape }]));
    p.function("main", types, (g, values) => {
      const gradients = g.call("first.main", Object.values(values));
      return gradients.map((value, i) =>
        g.reduce("sum", g.mul(value, g.constant(normals(`second ${i}`, given.inputs[i].shape))))
      ).reduce((sum, part) => g.add(sum, part));
    });
    const program = p.build("main");
    const { results } = evaluate(grad(program), given.inputs);
    given.inputs.forEach((_, i) =>
      assertClose(toFloats(results[i]), centralDifferences(program, given.inputs, i), 2e-6, `d/dx${i}`)
    );
  });
}

Deno.test("sum over axis 1 then weights 1 and 10 gives gradient 1 1 10 10", () => {
  const program = buildProgram({ x: "f64[2,2]" }, (g, { x }) => {
    const weights = g.constant(f64([2], [1, 10]));
    return g.reduce("sum", g.mul(g.reduce("sum", x, [1]), weights));
  });
  assert.deepEqual(toNested(run(grad(program), [f64([2, 2], [3, 4, 5, 6])])), [[1, 1], [10, 10]]);
});

Deno.test("a value used twice gets both cotangents", () => {
  const program = buildProgram({ x: "f64[]" }, (g, { x }) => g.add(g.max(x, 0), x));
  assert.equal(toNested(run(grad(program), [f64([], [3])])), 2);
});

Deno.test("relu has derivative zero at zero", () => {
  const program = buildProgram({ x: "f64[3]" }, (g, { x }) => g.reduce("sum", g.activation("relu", x)));
  assert.deepEqual(toNested(run(grad(program), [f64([3], [-1, 0, 2])])), [0, 0, 1]);
});

Deno.test("of tied extrema a reduction shares the gradient and a window gives it to the first", () => {
  const shared = buildProgram({ x: "f64[4]" }, (g, { x }) => g.reduce("max", x));
  assert.deepEqual(toNested(run(grad(shared), [f64([4], [1, 5, 5, 2])])), [0, 0.5, 0.5, 0]);
  const first = buildProgram(
    { x: "f64[4]" },
    (g, { x }) =>
      g.reduce("sum", g.reduceWindow("max", x, { window: [4], strides: [1], low: [0], high: [0], dilation: [1] })),
  );
  assert.deepEqual(toNested(run(grad(first), [f64([4], [1, 5, 5, 2])])), [0, 1, 0, 0]);
});

Deno.test("stop_gradient lets the value through and no cotangent", () => {
  const program = buildProgram({ x: "f64[]" }, (g, { x }) => g.mul(x, g.stopGradient(x)));
  assert.equal(toNested(run(grad(program), [f64([], [3])])), 3);
});

Deno.test("a parameter that the result does not depend on has gradient zero", () => {
  const program = buildProgram({ x: "f64[]", y: "f64[2]" }, (g, { x }) => g.exp(x));
  assert.deepEqual(toNested(evaluate(grad(program), [f64([], [1]), f64([2], [1, 2])]).results[1]), [0, 0]);
});

Deno.test("integer parameters are left out, and indices pass no cotangent", () => {
  const program = buildProgram(
    { table: "f64[5,2]", ids: "i64[3]" },
    (g, { table, ids }) => g.reduce("sum", g.gather(table, ids, 0)),
  );
  const made = grad(program);
  const ids = tensor("i64", [3], [1n, 1n, 4n]);
  const { results } = evaluate(made, [normals("table", [5, 2]), ids]);
  assert.equal(results.length, 1);
  assert.deepEqual(toNested(results[0]), [[0, 0], [2, 2], [0, 0], [0, 0], [1, 1]]);
});

Deno.test("with a cotangent parameter the program is a vector-Jacobian product", () => {
  const program = buildProgram({ x: "f64[3]" }, (g, { x }) => g.mul(x, x));
  const made = grad(program, { cotangent: true, value: true });
  const { results } = evaluate(made, [f64([3], [1, 2, 3]), f64([3], [1, 10, 100])]);
  assert.deepEqual(results.map(toNested), [[1, 4, 9], [2, 40, 600]]);
});

Deno.test("gradient through calls equals the gradient of the inlined program", () => {
  const p = new ProgramBuilder();
  p.function("square", { v: "f64[N]" }, (g, { v }) => g.mul(v, v));
  p.function("main", { x: "f64[3]" }, (g, { x }) => g.reduce("sum", g.call("square", g.call("square", [x]))[0]));
  const { results } = evaluate(grad(p.build("main")), [f64([3], [1, 2, 3])]);
  assert.deepEqual(toNested(results[0]), [4, 32, 108]);
});

Deno.test("gradients of f16 programs are computed and returned in f16", () => {
  const program = buildProgram({ x: "f16[2]" }, (g, { x }) => g.reduce("sum", g.mul(x, x)));
  const made = run(grad(program), [tensor("f16", [2], [1.5, -2])]);
  assert.equal(made.dtype, "f16");
  assert.deepEqual(toNested(made), [3, -4]);
});

Deno.test("a cast to another float dtype passes the cotangent back in the operand's dtype", () => {
  const program = buildProgram({ x: "f64[2]" }, (g, { x }) => g.reduce("sum", g.mul(g.cast(x, "f16"), 3)));
  const made = run(grad(program), [f64([2], [0.1, 2])]);
  assert.equal(made.dtype, "f64");
  assert.deepEqual(toNested(made), [3, 3]);
});

Deno.test("grad of a program with a node that has no rule names the node and why", () => {
  const looped = buildProgram(
    { x: "f64[]" },
    (g, { x }) => g.while([x], (h, [v]) => h.compare("lt", v, 10), (h, [v]) => h.mul(v, 2))[0],
  );
  assert.throws(() => grad(looped), (thrown: Error) => /Cannot differentiate while/u.test(thrown.message));
  const pooled = buildProgram({ x: "f64[4]" }, (g, { x }) =>
    g.reduce(
      "sum",
      g.reduceWindow("max", g.mul(x, x), {
        window: [2],
        strides: [1],
        low: [0],
        high: [0],
        dilation: [1],
      }),
    ));
  const once = grad(pooled);
  const twice = buildProgram({ x: "f64[4]" }, (g, { x }) => {
    const sliding = { window: [2], strides: [1], low: [0], high: [0], dilation: [1] };
    return g.reduce(
      "sum",
      g.selectAndScatter("max", g.stopGradient(x), g.slice(x, { start: [0], limit: [3] }), sliding),
    );
  });
  assert.equal(functionOf(once).returns.length, 1);
  assert.equal(codeOf(() => grad(twice)), "IR_NO_GRADIENT");
});

Deno.test("a loop off the gradient's path is no obstacle", () => {
  const program = buildProgram({ x: "f64[]", n: "i64[]" }, (g, { x, n }) => {
    const [doubled] = g.while([n], (h, [v]) => h.compare("lt", v, 10), (h, [v]) => h.mul(v, 2));
    return g.mul(x, g.cast(doubled, "f64"));
  });
  assert.equal(toNested(run(grad(program), [f64([], [2]), tensor("i64", [], [3n])])), 12);
});

Deno.test("a result that is no float scalar, an unknown parameter and an integer parameter are refused", () => {
  const program = buildProgram({ x: "f64[2]", n: "i64[]" }, (g, { x }) => [g.neg(x), g.reduce("sum", x)]);
  assert.equal(codeOf(() => grad(program)), "IR_GRADIENT_TARGET");
  assert.equal(codeOf(() => grad(program, { result: 2 })), "IR_GRADIENT_TARGET");
  assert.equal(codeOf(() => grad(program, { result: 1, wrt: ["y"] })), "IR_GRADIENT_TARGET");
  assert.equal(codeOf(() => grad(program, { result: 1, wrt: ["n"] })), "IR_GRADIENT_TARGET");
  assert.equal(codeOf(() => grad(program, { result: 1, wrt: ["x"] })), "no failure");
});
