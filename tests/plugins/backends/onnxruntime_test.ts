/**
 * onnxruntime as a backend: what it runs conforms, what it means otherwise is refused by node, absence is described.
 *
 * The package is optional; where it is not in the cache its tests fail in CI and are left out elsewhere.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type CompileOptions, conform, signatureOf } from "../../../plugins/backends/library.ts";
import { onnxRuntimeBackend } from "../../../plugins/backends/onnxruntime/backend.ts";
import { buildProgram, evaluate, type Program, type Tensor, tensor, toNested } from "../../../plugins/ir/library.ts";

const { devices, absence } = await Effect.runPromise(onnxRuntimeBackend.probe);
const isHere = devices.length > 0;

const tried = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, ignore: !isHere, fn, sanitizeOps: false, sanitizeResources: false });

Deno.test({
  name: "onnxruntime is there to be tried",
  ignore: !isHere && Deno.env.get("CI") !== "true",
  fn: () => assert.ok(isHere, `${absence?.reason}: ${absence?.remedy}`),
});

tried("what it runs conforms but for the deviations it names; every fourth case", async () => {
  const { passed, wrong, deviations } = await Effect.runPromise(conform(onnxRuntimeBackend, { every: 4 }));
  assert.deepEqual(wrong.map(({ name, reason }) => `${name}: ${reason}`), []);
  assert(passed > 200, `${passed} passed`);
  assert.deepEqual(deviations, ["zeroSigns", "nanOrder", "approximations"]);
});

tried("a provider counts as there after it has run a model; the CPU's is among them", () => {
  assert(devices.some(({ features }) => features.includes("cpu")));
  assert(devices.every(({ id, backend }) => id.startsWith("onnxruntime:") && backend === "onnxruntime"));
  return Promise.resolve();
});

const run = (program: Program, inputs: ReadonlyArray<Tensor>, options: CompileOptions = {}) =>
  Effect.runPromise(
    Effect.result(
      Effect.scoped(Effect.flatMap(onnxRuntimeBackend.compile(program, options), (made) => made.step(inputs))),
    ),
  );

const REFUSALS: ReadonlyArray<readonly [what: string, program: Program, reason: RegExp]> = [
  ["a dtype it lacks", buildProgram({ x: "i8[2]" }, (g, { x }) => g.neg(x)), /does not compute with i8/u],
  ["an empty tensor", buildProgram({ x: "f32[0]" }, (g, { x }) => g.neg(x)), /empty tensors/u],
  ["a kernel it lacks", buildProgram({ x: "f64[2]" }, (g, { x }) => g.erf(x)), /no kernel for f64/u],
  ["i64 compared by halves", buildProgram({ x: "i64[2]" }, (g, { x }) => g.reduce("max", x)), /by its lower half/u],
  ["sums that do not wrap", buildProgram({ x: "i32[2]" }, (g, { x }) => g.reduce("sum", x)), /do not wrap/u],
];

for (const [what, program, reason] of REFUSALS) {
  tried(`refused by node: ${what}`, async () => {
    const [node] = onnxRuntimeBackend.unsupported(program);
    assert.equal(node.path, "/functions/main/nodes/0");
    assert.match(node.reason, reason);
    const answer = await run(program, []);
    assert.equal(answer._tag === "Failure" && answer.failure.code, "BACKENDS_UNSUPPORTED");
  });
}

tried("a size that is zero only by name is refused too", () => {
  const program = buildProgram({ x: "f32[N]" }, (g, { x }) => g.neg(x));
  assert.equal(onnxRuntimeBackend.unsupported(program, { sizes: { N: 3 } }).length, 0);
  assert.equal(onnxRuntimeBackend.unsupported(program, { sizes: { N: 0 } }).length, 1);
  return Promise.resolve();
});

tried("parameters that share a name, a result that is a parameter, and state go through", async () => {
  const program = buildProgram({ x: "f32[2]", n: "f32[]" }, (g, { x, n }) => [g.add(n, 1), x, g.mul(x, n)]);
  const options: CompileOptions = { state: [[0, 1]] };
  assert.equal(signatureOf(program, options)._tag, "Success");
  const x = tensor("f32", [2], [1, -2]);
  const seen = await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const executable = yield* onnxRuntimeBackend.compile(program, options);
    yield* executable.write(0, tensor("f32", [], [5]));
    yield* executable.step([x]);
    const results = yield* executable.step([x]);
    return [...results, yield* executable.read(0)].map(toNested);
  })));
  assert.deepEqual(seen, [[1, -2], [6, -12], 7]);
});

tried("a program at named sizes gives the reference's answer", async () => {
  const program = buildProgram({ x: "f32[B,3]", w: "f32[3,2]" }, (g, { x, w }) => g.tanh(g.matmul(x, w)));
  const inputs = [
    tensor("f32", [2, 3], [1, 2, 3, -1, 0.5, 0.25]),
    tensor("f32", [3, 2], [0.1, 0.2, 0.3, -0.4, 0.5, 0.6]),
  ];
  const answer = await run(program, inputs, { sizes: { B: 2 } });
  assert(answer._tag === "Success");
  const [want] = evaluate(program, inputs).results;
  answer.success[0].data.forEach((value, i) => assert(Math.abs(Number(value) - Number(want.data[i])) < 1e-6));
});

tried("a device that is not there is refused with those that are", async () => {
  const program = buildProgram({ x: "f32[1]" }, (g, { x }) => g.neg(x));
  const answer = await run(program, [], { device: "onnxruntime:9" });
  assert.equal(answer._tag === "Failure" && answer.failure.code, "BACKENDS_UNKNOWN");
});
