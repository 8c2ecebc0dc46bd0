/**
 * Gradients of random programs, control included: both modes against each other and, where the program is smooth,
 * against differences; and how lean gradient programs are.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  evaluate,
  type FunctionBuilder,
  functionOf,
  grad,
  isConcrete,
  isFloat,
  jvp,
  type Program,
  ProgramBuilder,
  returnTypes,
  type Tensor,
  toFloats,
  type Value,
} from "../../../plugins/ir/library.ts";
import { GENERATED_OPS, randomInputs, randomProgram } from "./programs.ts";
import { normals } from "./support.ts";

const BOUND = 16;
/** Differences see through stop_gradient. */
const OPS = GENERATED_OPS.filter((op) => op !== "stop_gradient");
const OPTIONS = {
  ops: OPS,
  dtypes: ["f64", "i64", "bool"],
  edges: false,
  empty: false,
  nodes: 10,
  maxSize: 3,
} as const;

/** A weighted sum of all float results of a program, as a program; undefined where it has none. */
const scalarProgram = (program: Program): Program | undefined => {
  const types = returnTypes(functionOf(program));
  if (!types.some(({ dtype }) => dtype === "f64") || !types.every(isConcrete)) return undefined;
  const p = new ProgramBuilder();
  for (const fn of program.functions.values()) p.add(fn);
  const parameters = Object.fromEntries(functionOf(program).parameters.map(({ name, type }) => [name, type]));
  p.function("scalar", parameters, (g, values) =>
    g.call(program.entry, Object.values(values))
      .filter(({ type }) => type.dtype === "f64")
      .map((value, i) => {
        const weights = normals(`weights ${i}`, value.type.shape as ReadonlyArray<number>);
        return g.reduce("sum", g.mul(g.sin(value), g.constant(weights)));
      })
      .reduce((sum, part) => g.add(sum, part)));
  return p.build("scalar");
};

const inner = (a: ReadonlyArray<Tensor>, b: ReadonlyArray<Tensor>): number =>
  a.reduce((sum, x, i) => toFloats(x).reduce((part, value, k) => part + value * toFloats(b[i])[k], sum), 0);

/** The value at a step along directions. */
const moved = (program: Program, inputs: ReadonlyArray<Tensor>, directions: ReadonlyArray<Tensor>, step: number) => {
  let next = 0;
  const at = inputs.map((input) => {
    if (input.dtype !== "f64") return input;
    const direction = toFloats(directions[next++]);
    return { ...input, data: Float64Array.from(toFloats(input), (x, i) => x + step * direction[i]) };
  });
  return toFloats(evaluate(program, at).results[0])[0];
};

const COUNT = 2000;

Deno.test(`${COUNT} random programs: forward mode agrees with reverse mode, and with differences where it is smooth`, () => {
  const control = new Set(["if", "while", "scan", "call"]);
  let [judged, smooth, structured] = [0, 0, 0];
  for (let seed = 0; seed < COUNT; seed++) {
    const made = randomProgram(`grad ${seed}`, OPTIONS);
    const program = scalarProgram(made);
    if (program === undefined) continue;
    // Moved a little, so that no two elements are tied and none is a small integer.
    const inputs = randomInputs(made, `inputs ${seed}`, OPTIONS).map((input, i) => {
      if (input.dtype !== "f64") return input;
      const shift = toFloats(normals(`shift ${seed} ${i}`, input.shape));
      return { ...input, data: Float64Array.from(toFloats(input), (x, k) => x + 0.1 * shift[k]) };
    });
    const floats = inputs.filter(({ dtype }) => isFloat(dtype));
    if (floats.length === 0) continue;
    const directions = floats.map(({ shape }, i) => normals(`direction ${seed} ${i}`, shape));
    const gradients = evaluate(grad(program, { bound: BOUND }), inputs).results;
    const tangent = toFloats(evaluate(jvp(program), [...inputs, ...directions]).results[0])[0];
    const product = inner(gradients, directions);
    if (!Number.isFinite(tangent) || !Number.isFinite(product) || Math.abs(tangent) > 1e6) continue;
    judged++;
    assert.ok(Math.abs(tangent - product) <= 1e-8 * Math.max(1, Math.abs(tangent)), `${seed}: ${tangent}, ${product}`);
    const used = [...made.functions.values()].some((fn) => fn.nodes.some(({ op }) => control.has(op)));
    if (used && tangent !== 0) structured++;
    const at = (step: number) => moved(program, inputs, directions, step);
    const [after, before] = [(at(1e-6) - at(0)) / 1e-6, (at(0) - at(-1e-6)) / 1e-6];
    const [wide, narrow] = [1e-5, 5e-6].map((step) => (at(step) - at(-step)) / (2 * step));
    const scale = Math.max(1, Math.abs(wide));
    // At a kink or a jump the sides disagree; next to one, the steps do.
    if (!(Math.abs(after - before) <= 1e-4 * scale && Math.abs(wide - narrow) <= 1e-7 * scale)) continue;
    smooth++;
    assert.ok(Math.abs(tangent - wide) <= 1e-5 * scale, `${seed}: ${tangent} instead of ${wide}`);
  }
  assert.ok(judged > COUNT / 4 && smooth > COUNT / 5 && structured > COUNT / 10, `${judged} ${smooth} ${structured}`);
});

/** Nodes of a program and of all its functions. */
const nodesOf = (program: Program): number =>
  [...program.functions.values()].reduce((sum, fn) => sum + fn.nodes.length, 0);

const mlp = buildProgram(
  { x: "f32[B,784]", y: "f32[B,10]", w1: "f32[784,256]", b1: "f32[256]", w2: "f32[256,10]", b2: "f32[10]" },
  (g, { x, y, w1, b1, w2, b2 }) => {
    const hidden = g.activation("relu", g.add(g.matmul(x, w1), b1));
    const scores = g.add(g.matmul(hidden, w2), b2);
    return g.neg(g.mean(g.reduce("sum", g.mul(y, g.logSoftmax(scores, -1)), [1])));
  },
);

const HEADS = 4;

const block = (g: FunctionBuilder, v: { readonly [name: string]: Value }): Value => {
  const [batch, length, width] = [8, 64, 128];
  const split = (x: Value) => g.transpose(g.reshape(x, [batch, length, HEADS, width / HEADS]), [0, 2, 1, 3]);
  const norm = (x: Value, scale: Value, shift: Value) =>
    g.add(g.mul(g.normalize(x, { axes: [2], epsilon: 1e-5, centered: true }), scale), shift);
  const first = norm(v.x, v.s1, v.t1);
  const [q, k, w] = [v.wq, v.wk, v.wv].map((weight) => split(g.matmul(first, weight)));
  const mixed = g.reshape(g.transpose(g.attention(q, k, w), [0, 2, 1, 3]), [batch, length, width]);
  const attended = g.add(v.x, g.matmul(mixed, v.wo));
  const wide = g.activation("gelu", g.add(g.matmul(norm(attended, v.s2, v.t2), v.w1), v.b1));
  return g.mean(g.add(attended, g.add(g.matmul(wide, v.w2), v.b2)));
};

const transformer = buildProgram({
  x: "f32[8,64,128]",
  ...Object.fromEntries(["wq", "wk", "wv", "wo"].map((name) => [name, "f32[128,128]"])),
  ...Object.fromEntries(["s1", "t1", "s2", "t2", "b2"].map((name) => [name, "f32[128]"])),
  w1: "f32[128,512]",
  b1: "f32[512]",
  w2: "f32[512,128]",
}, (g, values) => block(g, values as { readonly [name: string]: Value }));

Deno.test("gradient programs stay lean: nodes of a perceptron's and of a transformer block's", () => {
  const perceptron = grad(mlp, { wrt: ["w1", "b1", "w2", "b2"], value: true });
  const whole = grad(transformer, { wrt: functionOf(transformer).parameters.map(({ name }) => name).slice(1) });
  const counts = [mlp, perceptron, transformer, whole].map(nodesOf);
  // One forward program, and on the way back about as many nodes again.
  assert.ok(counts[1] <= 2.2 * counts[0], `perceptron: ${counts[0]} and ${counts[1]}`);
  assert.ok(counts[3] <= 2.6 * counts[2], `block: ${counts[2]} and ${counts[3]}`);
});

Deno.test("a gradient program holds no tensor of zeros that is only added to, and no dead node", () => {
  for (const program of [grad(mlp), grad(transformer)]) {
    const fn = functionOf(program);
    const first = fn.parameters.length;
    const zero = new Set<number>();
    const used = new Set(fn.returns);
    fn.nodes.forEach((node, i) => {
      node.operands.forEach((operand) => used.add(operand));
      const value = node.attributes.value as Tensor | undefined;
      if (node.op === "constant" && Number(value!.data[0]) === 0 && value!.data.length === 1) zero.add(first + i);
      if (node.op === "broadcast" && zero.has(node.operands[0])) zero.add(first + i);
      if (node.op === "add") assert.ok(!node.operands.some((operand) => zero.has(operand)), node.location);
    });
    fn.nodes.forEach((_, i) => assert.ok(used.has(first + i), `${i}`));
  }
});

Deno.test("the weights of a matrix product get their gradient without a transpose", () => {
  const program = buildProgram({ x: "f32[8,3]", w: "f32[3,2]" }, (g, { x, w }) => g.reduce("sum", g.matmul(x, w)));
  const ops = functionOf(grad(program)).nodes.map(({ op }) => op);
  assert.ok(!ops.includes("transpose"), ops.join());
});
