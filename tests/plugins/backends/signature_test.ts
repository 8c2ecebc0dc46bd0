/**
 * Signatures: what is passed, what comes back, what stays; and every way in which a call can misfit.
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import {
  type CompileOptions,
  inputsFault,
  referenceBackend,
  signatureOf,
  sizesOfInputs,
  stateMisfit,
} from "../../../plugins/backends/library.ts";
import { buildProgram, type Program, tensor, toNested } from "../../../plugins/ir/library.ts";

const counter = buildProgram(
  { n: "f32[]", x: "f32[B,2]" },
  (g, { n, x }) => [g.add(n, 1), g.mul(x, n), g.reduce("sum", x)],
);

const STATE: CompileOptions = { sizes: { B: 3 }, state: [[0, 0]] };

const failureOf = (options: CompileOptions, program: Program = counter) => {
  const found = signatureOf(program, options);
  assert(Result.isFailure(found), JSON.stringify(found));
  return found.failure;
};

Deno.test("state is neither passed nor returned", () => {
  const { inputs, outputs, parameters, results } = Result.getOrThrow(signatureOf(counter, STATE));
  assert.deepEqual([inputs, outputs], [[1], [1, 2]]);
  assert.deepEqual(parameters.map(({ shape }) => shape), [[], [3, 2]]);
  assert.deepEqual(results.map(({ shape }) => shape), [[], [3, 2], []]);
});

const FAULTS: ReadonlyArray<readonly [what: string, options: CompileOptions, path: string, message: RegExp]> = [
  ["a size is missing", {}, "/sizes", /size B is not given/u],
  ["a size is negative", { sizes: { B: -1 } }, "/sizes", /-1/u],
  ["a size is no whole number", { sizes: { B: 1.5 } }, "/sizes", /1\.5/u],
  ["state names a result that is not there", { ...STATE, state: [[3, 0]] }, "/state", /result 3, and there are 3/u],
  [
    "state names a parameter that is not there",
    { ...STATE, state: [[0, 2]] },
    "/state",
    /parameter 2, and there are 2/u,
  ],
  ["state changes its type", { ...STATE, state: [[0, 1]] }, "/state", /result 0 is f32\[\], and the parameter 1/u],
  ["one parameter is state twice", { ...STATE, state: [[0, 0], [2, 0]] }, "/state", /parameter twice/u],
];

for (const [what, options, path, message] of FAULTS) {
  Deno.test(`refused: ${what}`, () => {
    const failure = failureOf(options);
    assert.deepEqual([failure.code, failure.path], ["BACKENDS_INPUT", path]);
    assert.match(failure.message, message);
  });
}

Deno.test("sizes follow from inputs; a contradiction is patched away", () => {
  const inputs = [{ dtype: "f32", shape: [] }, { dtype: "f32", shape: [5, 2] }] as const;
  assert.deepEqual(Result.getOrThrow(sizesOfInputs(counter, inputs)), { B: 5 });
  const wrong = sizesOfInputs(counter, inputs, { B: 4 });
  assert(Result.isFailure(wrong));
  assert.deepEqual(wrong.failure.fix?.patch, [{ op: "remove", path: "/sizes/B" }]);
  assert(Result.isFailure(sizesOfInputs(counter, inputs.slice(1))));
  assert(Result.isFailure(sizesOfInputs(counter, [inputs[0], { dtype: "f64", shape: [5, 2] }])));
});

Deno.test("a size that no input mentions is asked for by name", () => {
  const program = buildProgram({}, (g) => g.iota("i32", ["K"], 0), { sizes: ["K"] });
  assert(Result.isFailure(sizesOfInputs(program, [])));
  assert.deepEqual(Result.getOrThrow(sizesOfInputs(program, [], { K: 3 })), { K: 3 });
});

Deno.test("inputs of a step are judged by number, dtype, shape and data", () => {
  const signature = Result.getOrThrow(signatureOf(counter, STATE));
  const fits = tensor("f32", [3, 2], [1, 2, 3, 4, 5, 6]);
  assert.equal(inputsFault(signature, [fits]), undefined);
  assert.equal(inputsFault(signature, [])?.path, "/inputs");
  assert.equal(inputsFault(signature, [tensor("f32", [2, 3], [1, 2, 3, 4, 5, 6])])?.path, "/inputs/0");
  assert.equal(inputsFault(signature, [tensor("f64", [3, 2], [1, 2, 3, 4, 5, 6])])?.actual, "f64[3,2]");
  assert.equal(inputsFault(signature, [{ ...fits, data: new Float32Array(5) }])?.path, "/inputs/0");
  assert.equal(inputsFault(signature, [{ ...fits, data: new Float64Array(6) }])?.path, "/inputs/0");
  assert.equal(stateMisfit(signature, 0, tensor("f32", [], [1])), undefined);
  assert.equal(stateMisfit(signature, 1)?.path, "/state/1");
  assert.equal(stateMisfit(signature, 0, fits)?.path, "/state/0");
});

Deno.test("state begins as zeros, is written, read, and carried from step to step", async () => {
  const seen = await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const executable = yield* referenceBackend.compile(counter, STATE);
    const x = tensor("f32", [3, 2], [1, 2, 3, 4, 5, 6]);
    const [before] = yield* executable.step([x]);
    yield* executable.write(0, tensor("f32", [], [10]));
    yield* executable.step([x]);
    const [after, sum] = yield* executable.step([x]);
    return [before, after, sum, yield* executable.read(0)].map(toNested);
  })));
  assert.deepEqual(seen, [[[0, 0], [0, 0], [0, 0]], [[11, 22], [33, 44], [55, 66]], 21, 12]);
});
