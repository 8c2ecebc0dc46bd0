/**
 * Gradients of random programs, control included: both modes against each other and, where the program is smooth,
 * against differences; and how lean gradient programs are.
 */
import assert from "node:assert/strict";
import {
  buildProgram,
  type FunctionBuilder,
  functionOf,
  grad,
  isFloat,
  jvp,
  type Program,
  returnTypes,
  type Tensor,
  type Value,
  verify,
} from "../../../plugins/ir/library.ts";
import { judgeGradient } from "./gradient_judge.ts";
import { randomProgram } from "./programs.ts";

/** Turns that loops of random programs are given on the way back. */
const BOUND = 8;

const COUNT = 1000;

Deno.test(`${COUNT} random programs: forward mode agrees with reverse mode, and with differences where it is smooth`, () => {
  let [judged, smooth, structured, finite] = [0, 0, 0, 0];
  for (let seed = 0; seed < COUNT; seed++) {
    const found = judgeGradient(`grad ${seed}`);
    if (found === undefined) continue;
    assert.equal(found.fault, undefined, `${seed}`);
    judged++;
    if (found.finite) finite++;
    if (found.smooth) smooth++;
    if (found.structured) structured++;
  }
  const enough = finite > 0.75 * judged && smooth > COUNT / 5 && structured > COUNT / 10;
  assert.ok(enough, `${judged} ${finite} ${smooth} ${structured}`);
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
  // One forward program, and on the way back fewer nodes than on the way there.
  assert.ok(counts[1] <= 1.9 * counts[0], `perceptron: ${counts[0]} and ${counts[1]}`);
  assert.ok(counts[3] <= 1.8 * counts[2], `block: ${counts[2]} and ${counts[3]}`);
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

const ANY = 150;

Deno.test(`${ANY} random programs of all dtypes and open sizes: every derivative of theirs builds and verifies`, () => {
  let made = 0;
  for (let seed = 0; made < ANY; seed++) {
    const program = randomProgram(`any ${seed}`, { nodes: 10, symbolic: seed % 2 === 0 });
    const fn = functionOf(program);
    const result = returnTypes(fn).findIndex(({ dtype }) => isFloat(dtype));
    if (result < 0 || !fn.parameters.some(({ type }) => isFloat(type.dtype))) continue;
    made++;
    const options = { result, cotangent: true, bound: BOUND };
    const first = grad(program, options);
    const all = [
      first,
      grad(program, { ...options, checkpoint: { scan: 2 } }),
      jvp(program),
      jvp(first),
      grad(first, { cotangent: true, bound: BOUND }),
    ];
    for (const each of all) {
      assert.deepEqual(verify(each).diagnostics.filter(({ severity }) => severity === "error"), [], `${seed}`);
    }
  }
});
