/**
 * The operations that change programs, through a kernel: their examples, their bounds, their failures' fixes.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { applyPatch, type Example, type Failure, type Json, openKernel } from "../../../kernel/mod.ts";
import { rmilPlugin } from "../../../plugins/rmil/manifest.ts";
import { rewriteOperations } from "../../../plugins/rmil/operations_rewrite.ts";
import { f32, tensorValue } from "../../../plugins/rmil/value.ts";
import { app, lit } from "../../../plugins/rmil/expression.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import { encodeProgram } from "../../../plugins/rmil/codec/v2.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { testOptions } from "../../kernel/host.ts";

type Answer = { readonly value: Json } | { readonly failure: Failure };

const call = (operation: string, input: Json): Promise<Answer> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(openKernel(testOptions([rmilPlugin])), (kernel) =>
        Effect.match(kernel.invoke({ operation, input, actor: "user@headless" }), {
          onSuccess: (value): Answer => ({ value }),
          onFailure: (failure): Answer => ({ failure }),
        })),
    ) as Effect.Effect<Answer>,
  );

const valueOf = async (operation: string, input: Json): Promise<{ readonly [key: string]: Json }> => {
  const answer = await call(operation, input);
  assert.ok("value" in answer, "failure" in answer ? answer.failure.message : "");
  return answer.value as { readonly [key: string]: Json };
};

for (const { id, examples } of rewriteOperations) {
  examples.forEach((example: Example, i) => {
    Deno.test(`${id}: ${example.title ?? `example ${i + 1}`}`, async () => {
      const answer = await call(id, example.input);
      if (example.failure !== undefined) {
        assert.equal("failure" in answer && answer.failure.code, example.failure);
        return;
      }
      const value = await valueOf(id, example.input);
      for (const [key, wanted] of Object.entries(example.output ?? {})) assert.deepEqual(value[key], wanted, key);
    });
  });
}

Deno.test("rewriting answers bytes of the program that it shows", async () => {
  const shown = await valueOf("rmil.rewrite", { program: { source: "identity >> relu >> gelu" } });
  const again = await valueOf("rmil.rewrite", { program: { hex: shown.hex } });
  assert.deepEqual([again.source, again.changed, again.digest], ["relu >> gelu", false, shown.digest]);
});

Deno.test("a rule that never ends is ended by its limits", async () => {
  const input = {
    program: { source: "neg(x)" },
    laws: "none",
    rules: [{ name: "grow", left: "neg(x)", right: "neg(neg(x))" }],
    fuel: 2000,
  };
  const search = await valueOf("rmil.rewrite", { ...input, nodes: 50, iterations: 20 });
  assert.equal(search.changed, false);
  const growing = await valueOf("rmil.rewrite", { ...input, method: "rules", growing: true, strategy: "outermost" });
  assert.ok(["fuel", "firings", "size"].includes(growing.end as string), `${growing.end}`);
  const shrinking = await valueOf("rmil.rewrite", { ...input, method: "rules" });
  assert.deepEqual([shrinking.end, shrinking.changed], ["done", false]);
});

Deno.test("a target that programs cannot hold comes with a patch that makes the call valid", async () => {
  const input = { program: { source: "relu" }, target: "i4" };
  const refused = await call("rmil.quantize", input);
  assert.ok("failure" in refused);
  const fixed = applyPatch(refused.failure.fix!.patch!, input);
  assert.equal((await valueOf("rmil.quantize", fixed)).source, "relu");
});

Deno.test("weights are quantised, reported, and take fewer bytes", async () => {
  const weights = tensorValue(
    "f32",
    [64],
    new Uint8Array(Float32Array.from({ length: 64 }, (_, i) => i - 31.5).buffer),
  );
  const root = app(OPS.mul.code, [lit(weights), lit(f32(2))]);
  const hex = encodeProgram({ root, symbols: new Symbols() }).toHex();
  const made = await valueOf("rmil.quantize", { program: { hex }, target: "i8" });
  const [report] = made.quantized as ReadonlyArray<{ readonly [key: string]: number }>;
  assert.equal(report.count, 64);
  assert.ok(report.maxError <= 31.5 / 127 / 2 + 1e-6 && report.snrDb > 30);
  assert.ok((made.bytesAfter as number) < (made.bytesBefore as number) / 2);
});

const GROWING: ReadonlyArray<readonly [name: string, program: string, left: string, right: string]> = [
  ["deeper", "neg(1)", "neg(X)", "neg(neg(X))"],
  ["a longer pipeline", "relu >> relu", "relu", "relu >> identity"],
  ["twice as large", "neg(1)", "X", "add(X, X)"],
];

for (const [name, source, left, right] of GROWING) {
  for (const strategy of ["innermost", "outermost", "topDown"]) {
    Deno.test(`a rule that makes programs ${name} without end ends by ${strategy} with a program`, async () => {
      const rules = [{ name, left, right }];
      const input = {
        program: { source },
        rules,
        method: "rules",
        laws: "none",
        growing: true,
        strategy,
        fuel: 100_000,
      };
      const made = await valueOf("rmil.rewrite", input);
      assert.ok(["size", "firings", "fuel"].includes(made.end as string), String(made.end));
      assert.ok((await valueOf("rmil.rewrite", { program: { hex: made.hex }, laws: "none" })).hex !== undefined);
    });
  }
}
