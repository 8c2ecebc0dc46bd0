/**
 * Forward mode: tangents of every primitive against differences along a direction, the duality of the two modes, control,
 * and products with the Hessian.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  evaluate,
  functionOf,
  grad,
  hessianVector,
  jvp,
  type Program,
  ProgramBuilder,
  type Tensor,
  tensor,
  toFloats,
  toNested,
} from "../../../plugins/ir/library.ts";
import { CASES, scalarOf, SMOOTH } from "./gradient_cases.ts";
import { assertClose, codeOf, f64, normals } from "./support.ts";

const STEP = 1e-5;

const isFloating = (input: Tensor): boolean => input.dtype === "f64";

/** Directions for all float inputs. */
const directionsOf = (inputs: ReadonlyArray<Tensor>): ReadonlyArray<Tensor> =>
  inputs.filter(isFloating).map(({ shape }, i) => normals(`direction ${i}`, shape));

/** The derivative of the first result along directions, by central differences. */
const along = (program: Program, inputs: ReadonlyArray<Tensor>, directions: ReadonlyArray<Tensor>): Float64Array => {
  const at = (step: number): Float64Array => {
    let next = 0;
    const moved = inputs.map((input) => {
      if (!isFloating(input)) return input;
      const direction = toFloats(directions[next++]);
      return f64(input.shape, [...toFloats(input)].map((x, i) => x + step * direction[i]));
    });
    return toFloats(evaluate(program, moved).results[0]);
  };
  const [after, before] = [at(STEP), at(-STEP)];
  return after.map((x, i) => (x - before[i]) / (2 * STEP));
};

const dotted = (a: ReadonlyArray<Tensor>, b: ReadonlyArray<Tensor>): number =>
  a.reduce((sum, x, i) => toFloats(x).reduce((inner, value, k) => inner + value * toFloats(b[i])[k], sum), 0);

const judge = (program: Program, inputs: ReadonlyArray<Tensor>, bound?: number): void => {
  const directions = directionsOf(inputs);
  const [tangent] = evaluate(jvp(program), [...inputs, ...directions]).results;
  assertClose(toFloats(tangent), along(program, inputs, directions), 1e-6, "tangent");
  const gradients = evaluate(grad(program, bound === undefined ? {} : { bound }), inputs).results;
  assertClose(toFloats(tangent), [dotted(gradients, directions)], 1e-10, "duality");
};

for (const given of CASES) {
  Deno.test(`tangent of ${given.primitive} ${given.title ?? ""} agrees with differences and with the gradient`, () => {
    judge(scalarOf(given), given.inputs);
  });
}

for (const given of SMOOTH) {
  Deno.test(`Hessian of ${given.primitive} times a vector agrees with differences of the gradient and is symmetric`, () => {
    const program = scalarOf(given);
    const made = hessianVector(program);
    const [v, u] = ["v", "u"].map((name) => given.inputs.map(({ shape }, i) => normals(`${name} ${i}`, shape)));
    const product = evaluate(made, [...given.inputs, ...v]).results;
    given.inputs.forEach((input, i) => {
      // Moving along v, the gradient by input i changes by row i of the Hessian times v.
      const only = grad(program, { wrt: [i] });
      assertClose(toFloats(product[i]), along(only, given.inputs, v), 2e-6, `row ${i} of ${input.shape}`);
    });
    const other = evaluate(made, [...given.inputs, ...u]).results;
    assertClose([dotted(product, u)], [dotted(other, v)], 1e-9, "symmetry");
  });
}

Deno.test("tangents pass if, while without a bound, scan and calls", () => {
  const p = new ProgramBuilder();
  p.function("square", { v: "f64[N]", k: "f64[]" }, (g, { v, k }) => [g.mul(g.mul(v, v), k), g.exp(k)]);
  p.function("main", { p: "bool[]", x: "f64[3]", w: "f64[3]", n: "i64[]" }, (g, { p, x, w, n }) => {
    const [a, b] = g.call("square", [x, g.reduce("sum", w)]);
    const [branch] = g.if(p, (t) => t.mul(a, w), (e) => e.full(a.type, 3));
    const [looped] = g.while(
      [branch, n],
      (c, [, i]) => c.compare("gt", i, 0),
      (d, [v, i]) => [d.sin(d.add(v, w)), d.sub(i, 1)],
    );
    const [state, stack] = g.scan({ length: 3 }, [b], [looped], (s, [c], [row]) => [s.mul(c, row), s.add(c, row)]);
    return g.add(state, g.reduce("sum", g.mul(stack, stack)));
  });
  const program = p.build("main");
  for (const taken of [true, false]) {
    for (const n of [0n, 2n]) {
      judge(program, [tensor("bool", [], [taken]), normals("x", [3]), normals("w", [3]), tensor("i64", [], [n])], 3);
    }
  }
});

Deno.test("a program's tangent takes the parameters named, and integer results have none", () => {
  const program = buildProgram({ x: "f64[2]", y: "f64[2]" }, (g, { x, y }) => [g.argReduce("max", x, 0), g.mul(x, y)]);
  const made = jvp(program, { wrt: ["y"], value: true });
  assert.deepEqual(functionOf(made).parameters.map(({ name }) => name), ["x", "y", "y.tangent"]);
  const { results } = evaluate(made, [f64([2], [1, 2]), f64([2], [3, 4]), f64([2], [1, 10])]);
  assert.deepEqual(results.map(toNested), [1n, [3, 8], [1, 20]]);
  assert.equal(codeOf(() => jvp(program, { wrt: ["z"] })), "IR_GRADIENT_TARGET");
});

Deno.test("a result that no moving parameter reaches has tangent zero, and stop_gradient stops tangents", () => {
  const program = buildProgram({ x: "f64[2]", y: "f64[]" }, (g, { x, y }) => [g.neg(y), g.mul(x, g.stopGradient(x))]);
  const { results } = evaluate(jvp(program, { wrt: ["x"] }), [f64([2], [3, 4]), f64([], [1]), f64([2], [1, 1])]);
  assert.deepEqual(results.map(toNested), [0, [3, 4]]);
});

Deno.test("tangents of integer-sized symbolic programs agree with differences once sizes are known", () => {
  const program = buildProgram({ x: "f64[B,3]", w: "f64[3,2]" }, (g, { x, w }) => {
    const padded = g.pad(x, 0, { low: [0, 1], high: [1, 0] });
    const part = g.slice(padded, { start: [0, 1], limit: padded.type.shape, stride: [2, 1] });
    return g.reduce("sum", g.softmax(g.matmul(g.concat([part, x], 0), w), -1));
  });
  const twice = buildProgram({ x: "f64[B,3]", w: "f64[3,2]" }, (g, { x, w }) => {
    const out = g.softmax(g.matmul(x, w), -1);
    return g.reduce("sum", g.mul(out, out));
  });
  for (const each of [program, twice]) judge(each, [normals("x", [4, 3]), normals("w", [3, 2])]);
});

Deno.test("the tangent program of a smooth chain is no longer than four nodes for each of its own", () => {
  const program = buildProgram({ x: "f64[4]", w: "f64[4,4]" }, (g, { x, w }) => {
    let made = x;
    for (let i = 0; i < 5; i++) made = g.tanh(g.matmul(made, w));
    return g.reduce("sum", made);
  });
  const [own, dual] = [program, jvp(program, { wrt: ["x"] })].map((each) => functionOf(each).nodes.length);
  assert.ok(dual <= own * 4, `${dual} nodes for ${own}`);
});
