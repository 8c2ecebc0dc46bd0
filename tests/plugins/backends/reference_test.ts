/**
 * The reference as a backend: bounded, interruptible, and honest about what it is.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type CompileOptions, referenceBackend } from "../../../plugins/backends/library.ts";
import { REFERENCE_MEMORY_BYTES } from "../../../plugins/backends/reference/backend.ts";
import { buildProgram, costOf, type Program, type Tensor, tensor } from "../../../plugins/ir/library.ts";

const run = (program: Program, inputs: ReadonlyArray<Tensor>, options: CompileOptions = {}) =>
  Effect.runPromise(
    Effect.result(
      Effect.scoped(Effect.flatMap(referenceBackend.compile(program, options), (made) => made.step(inputs))),
    ),
  );

const one = tensor("f64", [1], [1]);

Deno.test("a step that needs more memory than it may have is refused before the memory is taken", async () => {
  const count = REFERENCE_MEMORY_BYTES / 8;
  const program = buildProgram({ x: "f64[1]" }, (g, { x }) => g.reduce("sum", g.broadcastTo(x, [count])));
  const answer = await run(program, [one]);
  assert(answer._tag === "Failure");
  assert.equal(answer.failure.code, "BACKENDS_CAPACITY");
  assert.match(answer.failure.message, new RegExp(`the limit is ${REFERENCE_MEMORY_BYTES}$`, "u"));
});

Deno.test("a device that it does not have is refused with the one it has", async () => {
  const program = buildProgram({ x: "f64[1]" }, (g, { x }) => g.neg(x));
  const answer = await run(program, [one], { device: "reference:1" });
  assert(answer._tag === "Failure");
  assert.deepEqual([answer.failure.code, answer.failure.expected], ["BACKENDS_UNKNOWN", ["reference:0"]]);
});

Deno.test("an endless step is interrupted", async () => {
  const program = buildProgram(
    { x: "f64[1]" },
    (g, { x }) => g.while([x], (h) => h.full({ dtype: "bool", shape: [] }, true), (_, [v]) => v),
  );
  const step = Effect.scoped(Effect.flatMap(referenceBackend.compile(program), (made) => made.step([one])));
  const ended = await Effect.runPromise(
    Effect.flip(Effect.timeout(step, 50)) as unknown as Effect.Effect<{ _tag: string }>,
  );
  assert.equal(ended._tag, "TimeoutError");
});

Deno.test("its explanation counts operations and bytes as the cost does", async () => {
  const program = buildProgram({ x: "f32[B,4]", w: "f32[4,2]" }, (g, { x, w }) => g.tanh(g.matmul(x, w)));
  const { explanation } = await Effect.runPromise(
    Effect.scoped(referenceBackend.compile(program, { sizes: { B: 8 } })),
  );
  const { flops, peakBytes } = costOf(program, { B: 8 });
  assert.deepEqual([explanation.kernels[0].flops, explanation.bytes], [flops, peakBytes]);
});

Deno.test("values that were written or read do not change with the state", async () => {
  const program = buildProgram({ n: "f64[1]" }, (g, { n }) => g.add(n, 1));
  await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const executable = yield* referenceBackend.compile(program, { state: [[0, 0]] });
    const written = tensor("f64", [1], [5]);
    yield* executable.write(0, written);
    const before = yield* executable.read(0);
    (written.data as Float64Array)[0] = 99;
    yield* executable.step([]);
    assert.deepEqual([before.data[0], (yield* executable.read(0)).data[0]], [5, 6]);
  })));
});
