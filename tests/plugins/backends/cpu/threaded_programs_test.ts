/**
 * Programs on several threads: large kernels are shared among workers, and the bytes are those of one thread.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { cpuBackend } from "../../../../plugins/backends/cpu/backend.ts";
import { loopProgram } from "../../../../plugins/backends/codegen/schedule.ts";
import { eachKernel } from "../../../../plugins/backends/codegen/loops.ts";
import { cutOf, forksProduct } from "../../../../plugins/backends/cpu/printer/tasks.ts";
import { memoryIsShareable } from "../../../../plugins/backends/cpu/threads_platform.ts";
import { buildProgram, evaluate, type Program, type Tensor, tensor } from "../../../../plugins/ir/library.ts";
import { normals } from "../../ir/support.ts";
import { differenceOf } from "./agreement.ts";

const onThreads = (program: Program, inputs: ReadonlyArray<Tensor>, threads: number) =>
  Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const made = yield* cpuBackend.compile(program, { threads });
    yield* made.step(inputs);
    return yield* made.step(inputs);
  })));

/** How many kernels of a program are shared. */
const sharedKernels = (program: Program): number => {
  let count = 0;
  eachKernel(loopProgram(program).steps, (kernel) => {
    if (cutOf(kernel) !== undefined || (kernel.work.kind === "contraction" && forksProduct(kernel))) count++;
  });
  return count;
};

const CASES: { readonly [name: string]: { readonly program: Program; readonly shared: number } } = {
  "a product with what follows it": {
    program: buildProgram(
      { x: "f32[256,160]", w: "f32[160,260]" },
      (g, { x, w }) => g.activation("relu", g.add(g.matmul(x, w), 1)),
    ),
    shared: 1,
  },
  "rows with scratch of their own": {
    program: buildProgram({ x: "f32[512,300]", w: "f32[1]" }, (g, { x, w }) => g.mul(g.softmax(x, -1), w)),
    shared: 1,
  },
  "elements, and sums that stay together": {
    program: buildProgram(
      { x: "f32[1024,512]", w: "f32[1]" },
      (g, { x, w }) => [g.exp(g.mul(x, w)), g.reduceAll("sum", x), g.reduce("sum", x, [0])],
    ),
    shared: 2,
  },
  "a convolution": {
    program: buildProgram(
      { x: "f32[4,16,32,32]", w: "f32[24,16,3,3]" },
      (g, { x, w }) => g.conv(x, w, { low: [1, 1], high: [1, 1] }),
    ),
    shared: 1,
  },
  "products in a loop over rows": {
    program: buildProgram(
      { x: "f32[3,200,200]", w: "f32[200,200]" },
      (g, { x, w }) =>
        g.scan({ length: 3 }, [w], [x], (inner, [sum], [row]) => {
          const next = inner.mul(inner.matmul(sum, row), 0.01);
          return [next, inner.tanh(next)];
        }),
    ),
    shared: 1,
  },
};

for (const [name, { program, shared }] of Object.entries(CASES)) {
  Deno.test(`one, two and three threads give the same bytes: ${name}`, async () => {
    assert.ok(memoryIsShareable());
    assert.equal(sharedKernels(program), shared);
    const inputs = [...program.functions.get(program.entry)!.parameters].map(({ name: parameter, type }) =>
      normals(parameter, type.shape as ReadonlyArray<number>, "f32")
    );
    const one = await onThreads(program, inputs, 1);
    const scale = Math.sqrt(200);
    assert.equal(differenceOf(evaluate(program, inputs, { fuel: 1e10 }).results, one, 64 * scale), undefined);
    for (const threads of [2, 3]) {
      const more = await onThreads(program, inputs, threads);
      more.forEach(({ data }, i) => assert.deepEqual(data, one[i].data, `${threads} threads, result ${i}`));
    }
  });
}

Deno.test("what calls the engine's mathematics stays on the thread that has it", async () => {
  const program = buildProgram({ seed: "i64[]", x: "f32[512,512]" }, (g, { seed, x }) => [
    g.random(seed, { dtype: "f32", shape: [512, 512] }, { distribution: "normal" }),
    g.rem(x, g.full(x.type, 0.3)),
  ]);
  assert.equal(sharedKernels(program), 0);
  const inputs = [tensor("i64", [], [7n]), normals("x", [512, 512], "f32")];
  assert.equal(differenceOf(evaluate(program, inputs).results, await onThreads(program, inputs, 2)), undefined);
});

Deno.test("small programs are not shared", () => {
  assert.equal(sharedKernels(buildProgram({ x: "f32[64,64]" }, (g, { x }) => g.softmax(g.matmul(x, x), -1))), 0);
});
