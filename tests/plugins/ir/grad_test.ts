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
  tensor,
  toFloats,
  toNested,
  type Value,
} from "../../../plugins/ir/library.ts";
import { CASES, scalarOf, SMOOTH } from "./gradient_cases.ts";
import { assertClose, centralDifferences, codeOf, f64, normals, run } from "./support.ts";

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

Deno.test("grad of a program with a loop that promises no end names the loop and why", () => {
  const looped = buildProgram(
    { x: "f64[]" },
    (g, { x }) => g.while([x], (h, [v]) => h.compare("lt", v, 10), (h, [v]) => h.mul(v, 2))[0],
  );
  assert.throws(() => grad(looped), (thrown: Error) => /Cannot differentiate while/u.test(thrown.message));
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

Deno.test("softplus has the derivative ½ at 0, where its two parts bend, and mish tanh(ln 2)", () => {
  const slopeAtZero = (kind: "softplus" | "mish"): unknown =>
    toNested(
      evaluate(grad(buildProgram({ x: "f64[]" }, (g, { x }) => g.activation(kind, x))), [tensor("f64", [], [0])])
        .results[0],
    );
  assert.equal(slopeAtZero("softplus"), 0.5);
  assert.ok(Math.abs(Number(slopeAtZero("mish")) - Math.tanh(Math.LN2)) < 1e-15);
});
