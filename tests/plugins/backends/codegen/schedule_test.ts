/**
 * What shares a kernel, what is stored, and what overwrites its parameter: read from the loop-level form's text.
 */
import assert from "node:assert/strict";
import { eachKernel, type LoopProgram } from "../../../../plugins/backends/codegen/loops.ts";
import { printLoops } from "../../../../plugins/backends/codegen/print.ts";
import { loopProgram, type ScheduleOptions } from "../../../../plugins/backends/codegen/schedule.ts";
import {
  buildProgram,
  type FunctionBuilder,
  grad,
  type ParameterTypes,
  type Program,
  type Value,
} from "../../../../plugins/ir/library.ts";

type Body = (g: FunctionBuilder, values: { readonly [name: string]: Value }) => Value | ReadonlyArray<Value>;

const scheduled = (types: ParameterTypes, body: Body, options: ScheduleOptions = {}): LoopProgram =>
  loopProgram(buildProgram(types, body as never), options);

const namesOf = (program: LoopProgram): ReadonlyArray<string> => {
  const names: string[] = [];
  eachKernel(program.steps, ({ name }) => names.push(name));
  return names;
};

const temporaries = (program: LoopProgram): number =>
  new Set(program.steps.flatMap(() => program.buffers.filter(({ role }) => role === "temporary"))).size;

Deno.test("softmax is one kernel with three passes over a row", () => {
  const program = scheduled({ x: "f32[8,16]" }, (g, { x }) => g.softmax(x, -1));
  assert.equal(
    printLoops(program),
    `parameters %0 f32[8,16]
%1: output f32 * 128
%2: scratch f32 * 16
kernel reduce+sub+exp+reduce+div
  parallel i < 8
    x0: f32 = -Infinity
    reduce j < 16
      x0 max= %0[16*i + j]
    x1: f32 = 0
    reduce j < 16
      %2[j] = exp((%0[16*i + j] - x0))
      x1 sum= exp((%0[16*i + j] - x0))
    reduce j < 16
      %1[16*i + j] = (%2[j] / x1)
results %1 f32[8,16]
`,
  );
});

Deno.test("layer norm, log-softmax and their row gradients are one kernel each", () => {
  const norm: Body = (g, { x, scale, shift }) =>
    g.add(g.mul(g.normalize(x, { axes: [-1], epsilon: 1e-5, centered: true }), scale), shift);
  assert.equal(namesOf(scheduled({ x: "f32[8,16]", scale: "f32[16]", shift: "f32[16]" }, norm)).length, 1);
  assert.equal(namesOf(scheduled({ x: "f32[8,16]" }, (g, { x }) => g.logSoftmax(x, -1))).length, 1);
  const entropy = buildProgram(
    { x: "f32[8,16]", y: "f32[8,16]" },
    (g, { x, y }) => g.reduceAll("sum", g.mul(g.logSoftmax(x, -1), y)),
  );
  assert.equal(namesOf(loopProgram(grad(entropy, { wrt: ["x"] }))).length, 1);
});

Deno.test("bias, activation and residual follow a product in its own kernel", () => {
  const program = scheduled(
    { x: "f32[8,16]", w: "f32[16,32]", b: "f32[32]", r: "f32[8,32]" },
    (g, { x, w, b, r }) => g.add(g.activation("relu", g.add(g.matmul(x, w), b)), r),
  );
  assert.deepEqual(namesOf(program), ["dot+add+max+add"]);
  assert.equal(temporaries(program), 0);
});

Deno.test("transposes around products are strides, not copies", () => {
  const program = scheduled({ x: "f32[4,8,2,16]", w: "f32[16,2,12]" }, (g, { x, w }) => {
    const heads = g.transpose(x, [0, 2, 1, 3]);
    const scores = g.matmul(heads, g.transpose(heads, [0, 1, 3, 2]));
    const mixed = g.transpose(g.matmul(scores, heads), [0, 2, 1, 3]);
    const turned = g.transpose(w, [1, 0, 2]);
    return g.matmul(g.reshape(mixed, [32, 32]), g.reshape(turned, [32, 12]));
  });
  assert.deepEqual(namesOf(program), ["dot", "dot", "dot"]);
});

Deno.test("a descent step overwrites its parameters in the kernels of their gradients", () => {
  const loss = buildProgram(
    { w: "f32[16,32]", b: "f32[32]", x: "f32[8,16]" },
    (g, { w, b, x }) => g.mean(g.activation("tanh", g.add(g.matmul(x, w), b))),
  );
  const gradient = grad(loss, { wrt: ["w", "b"], value: true });
  const step = descend(gradient);
  const program = loopProgram(step, { state: [[1, 0], [2, 1]] });
  const stores = [...printLoops(program).matchAll(/^\s+%(\d+)\[/gmu)].map((match) => Number(match[1]));
  assert.deepEqual([program.results[1].buffer.id, program.results[2].buffer.id], [0, 1]);
  assert.ok(stores.includes(0) && stores.includes(1));
  assert.ok(!namesOf(program).includes("copy"));
});

/** Parameters 0 and 1 less a tenth of results 1 and 2. */
const descend = (gradient: Program): Program => {
  const fn = gradient.functions.get(gradient.entry)!;
  const types = Object.fromEntries(fn.parameters.map(({ name, type }) => [name, type]));
  return buildProgram(types, (g, values) => {
    const known: Value[] = Object.values(values);
    const own = [...known];
    for (const node of fn.nodes) own.push(...g.emit(node.op, node.operands.map((i) => own[i]), node.attributes));
    const [value, ...gradients] = fn.returns.map((i) => own[i]);
    return [value, ...gradients.map((each, i) => g.sub(known[i], g.mul(each, 0.1)))];
  });
};

/** Whether the kernel that computes the next state writes it where the state lies. */
const isDirect = (body: Body): boolean => {
  const program = scheduled({ s: "f32[8]", x: "f32[8]" }, body, { state: [[0, 0]] });
  return !/kernel copy\n.*\n *%0\[/u.test(printLoops(program));
};

Deno.test("state is overwritten in place where each element is read before it is written", () => {
  assert.ok(isDirect((g, { s, x }) => [g.add(s, x)]));
  // Other kernels read the old state: they run first.
  assert.ok(isDirect((g, { s, x }) => [g.add(s, x), g.cumulative("sum", s, { axis: 0 })]));
  assert.ok(isDirect((g, { s, x }) => [g.add(g.cumulative("sum", s, { axis: 0 }), x)]));
});

Deno.test("state whose update reads other elements of it is written aside and copied", () => {
  assert.ok(!isDirect((g, { s }) => [g.reverse(s, [0])]));
  assert.ok(!isDirect((g, { s }) => [g.add(s, g.reverse(s, [0]))]));
  assert.ok(!isDirect((g, { s, x }) => [g.sub(x, g.broadcastTo(g.sliceAxis(s, 0, 0, 1), [8]))]));
});

Deno.test("state that changes places goes through another buffer", () => {
  const program = scheduled({ a: "f32[4]", b: "f32[4]" }, (_, { a, b }) => [b, a], { state: [[0, 0], [1, 1]] });
  const text = printLoops(program);
  assert.ok(program.buffers.some(({ role }) => role === "temporary"), text);
});

Deno.test("state that is returned unchanged costs nothing", () => {
  const program = scheduled({ a: "f32[4]", x: "f32[4]" }, (g, { a, x }) => [g.mul(a, x), a], { state: [[1, 0]] });
  assert.deepEqual(namesOf(program), ["mul"]);
});

Deno.test("a reduction of columns is not joined with one of rows", () => {
  const program = scheduled(
    { x: "f32[8,16]" },
    (g, { x }) => [g.reduce("sum", x, [0]), g.reduce("sum", x, [1])],
  );
  assert.equal(namesOf(program).length, 2);
});

Deno.test("a value that is read at other places is not joined with its reader", () => {
  const program = scheduled({ x: "f32[8]" }, (g, { x }) => {
    const y = g.exp(x);
    return [y, g.add(y, g.reverse(y, [0]))];
  });
  assert.equal(namesOf(program).length, 2);
});

Deno.test("what a product reads is not computed among what follows it", () => {
  const program = scheduled({ x: "f32[3,3]" }, (g, { x }) => {
    const y = g.exp(x);
    return [y, g.add(g.matmul(y, y), y)];
  });
  assert.deepEqual(namesOf(program), ["exp", "dot+add"]);
});

Deno.test("two kernels are not joined around a third that lies between them", () => {
  const program = scheduled({ x: "f32[4,4]" }, (g, { x }) => {
    const a = g.exp(x);
    const b = g.cumulative("sum", a, { axis: 1 });
    return [a, g.add(a, b)];
  });
  assert.deepEqual(namesOf(program), ["exp", "cumulative", "add"]);
});

Deno.test("a dear value is stored before it is repeated, a cheap one is repeated as it is", () => {
  const repeated = (op: "exp" | "neg") =>
    scheduled({ x: "f32[16]", y: "f32[8,16]" }, (g, { x, y }) => g.mul(y, g[op](x)));
  assert.equal(namesOf(repeated("exp")).length, 2);
  assert.equal(namesOf(repeated("neg")).length, 1);
});

Deno.test("equal nodes are computed once and dead ones not at all", () => {
  const program = scheduled({ x: "f32[4]" }, (g, { x }) => {
    g.sort(x, 0);
    return g.add(g.cumulative("sum", x, { axis: 0 }), g.cumulative("sum", x, { axis: 0 }));
  });
  assert.deepEqual(namesOf(program), ["cumulative", "add"]);
});
