/** Published patterns, and programs that mix all families, as a caller runs them: checked, then run, on real shapes. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Json, Kernel } from "../../../kernel/mod.ts";
import { callApproving, inWorkspace } from "../../workspace.ts";

interface Tensor {
  readonly type: string;
  readonly values: ReadonlyArray<number>;
}

/** Input and result of each pattern at its usual size; vocabulary 256 and width 64 are the ops' defaults. */
const CASES: { readonly [pattern: string]: readonly [input: string, result: string] } = {
  transformer_block: ["f32[2,5,16]", "f32[2,5,16]"],
  mlp: ["f32[3,10]", "f32[3,10]"],
  resnet_block: ["f32[1,4,8,8]", "f32[1,4,8,8]"],
  rnn_model: ["i64[2,6]", "f32[2,6,64]"],
  classifier_head: ["f32[2,8,4,4]", "f32[2,8]"],
  conv_backbone: ["f32[1,3,16,16]", "f32[1,3,1,1]"],
  image_classifier: ["f32[1,3,16,16]", "f32[1,3]"],
};

const countOf = (type: string): number =>
  JSON.parse(type.slice(type.indexOf("["))).reduce((product: number, size: number) => product * size, 1);

const inputOf = (type: string): Json => ({
  type,
  values: Array.from({ length: countOf(type) }, (_, i) => type.startsWith("i64") ? String(i % 7) : Math.sin(i)),
});

type Answer = { readonly [field: string]: Json };

const ask = (kernel: Kernel, operation: string, input: Json) =>
  callApproving(kernel, operation, input) as Effect.Effect<Answer, unknown>;

const patternSource = (kernel: Kernel, name: string) =>
  Effect.map(
    ask(kernel, "rmil.patterns", { name }),
    ({ patterns }) => (patterns as ReadonlyArray<{ readonly source: string }>)[0].source,
  );

const isFinite = ({ values }: Tensor): boolean => values.every((value) => typeof value === "number");

Deno.test("every published pattern is checked and runs, as text and as bytes, to finite values of the checked type", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { patterns } = yield* ask(kernel, "rmil.patterns", {});
      const names = (patterns as ReadonlyArray<{ readonly name: string }>).map(({ name }) => name);
      assert.deepEqual(names.filter((name) => name !== "neurosymbolic_hybrid").sort(), Object.keys(CASES).sort());
      for (const [name, [type, result]] of Object.entries(CASES)) {
        const source = yield* patternSource(kernel, name);
        const judged = yield* ask(kernel, "rmil.check", { program: source, inputs: { x: type } });
        assert.deepEqual([judged.type, judged.exact], [result, true], name);
        const { hex } = yield* ask(kernel, "rmil.encode", { source });
        for (const training of [false, true]) {
          const input = { inputs: { x: inputOf(type) }, training, seed: 3 };
          const { value } = yield* ask(kernel, "rmil.run", { program: source, ...input });
          assert.equal((value as unknown as Tensor).type, result, name);
          assert.ok(isFinite(value as unknown as Tensor), name);
          assert.deepEqual(
            (yield* ask(kernel, "rmil.run", { program: { hex: hex as string }, ...input })).value,
            value,
          );
        }
      }
    })
  ));

const KNOWLEDGE = [
  "assert($rule($ready(#go), $trained(#model)))",
  "assert($rule($ready(#go), $checked(#model)))",
  "assert($trained(#model))",
  "assert($checked(#model))",
].join("; ");

Deno.test("the hybrid pattern is checked and runs: features beside what follows from the knowledge at hand", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const hybrid = yield* patternSource(kernel, "neurosymbolic_hybrid");
      const x = inputOf("i64[2,3]");
      const judged = yield* ask(kernel, "rmil.check", { program: hybrid, inputs: { x: "i64[2,3]" } });
      // A table of 256 rows of 64, and two layers of 64 to 64 with biases.
      assert.equal(judged.parameterCount, 256 * 64 + 2 * (64 * 64 + 64));
      const run = (program: string) =>
        Effect.map(ask(kernel, "rmil.run", { program, inputs: { x } }), ({ value }) =>
          (value as unknown as { readonly tuple: ReadonlyArray<Json> }).tuple);
      const [features, ...nothing] = yield* run(hybrid);
      assert.equal((features as unknown as Tensor).type, "f32[2,3,64]");
      assert.ok(isFinite(features as unknown as Tensor));
      // Nothing follows, and nothing to prove is proved in one way.
      assert.deepEqual(nothing, [{ tuple: [] }]);
      // `ready(go)` follows, and is proved in two ways that bind nothing.
      const [known, ...answers] = yield* run(`{ ${KNOWLEDGE}; ${hybrid} }`);
      assert.equal((known as unknown as Tensor).type, "f32[2,3,64]");
      assert.deepEqual(answers, [{ tuple: [] }, { tuple: [] }]);
    })
  ));

const MIXED = `
let scores = linear(3) >> softmax in
let judge = spawn(\\(p: f32[2,3]) -> mul($p, 2.0), name: #judge) in
{
  assert($elder(#ann));
  assert($rule($trusted($X), $elder($X)));
  let doubled = delegate($judge, $scores) in
  if true then ($doubled | resolve($trusted($Who))) else ($scores | nil)
}`;

Deno.test("a program that mixes neural, symbolic, control and agent ops is checked and runs", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const inputs = { x: inputOf("f32[2,4]") };
      const judged = yield* ask(kernel, "rmil.check", { program: MIXED, inputs: { x: "f32[2,4]" } });
      assert.deepEqual([judged.kinds, judged.effects, judged.parameterCount], [["agent"], [], 4 * 3 + 3]);
      const { value } = yield* ask(kernel, "rmil.run", { program: MIXED, inputs });
      const [doubled, answers] = (value as unknown as { readonly tuple: ReadonlyArray<Json> }).tuple;
      const { type, values } = doubled as unknown as Tensor;
      assert.equal(type, "f32[2,3]");
      // The agent doubles two rows of probabilities.
      assert.ok(Math.abs(values.reduce((sum, each) => sum + each, 0) - 4) < 1e-5);
      assert.deepEqual(answers, { tuple: [{ tuple: [{ tuple: [{ sym: "Who" }, { sym: "ann" }] }] }] });
    })
  ));
