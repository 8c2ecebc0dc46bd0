/**
 * The operations through a kernel: what examples do not show.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure } from "../../../kernel/failure.ts";
import { applyPatch, type Json } from "../../../kernel/json.ts";
import { buildProgram, PRIMITIVES, printProgram } from "../../../plugins/ir/library.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const call = (operation: string, input: Json): Promise<Json> =>
  inWorkspace((kernel) => callAs(kernel, operation, input));

const refusal = (operation: string, input: Json): Promise<Failure> =>
  inWorkspace((kernel) => Effect.flip(callAs(kernel, operation, input))) as Promise<Failure>;

const loop = printProgram(
  buildProgram(
    { n: "i64[]" },
    (g, { n }) => g.while([n], (h) => h.full({ dtype: "bool", shape: [] }, 1), (_h, [v]) => v),
  ),
);

Deno.test("a program is differentiated, costed and run by what the operations answer", async () => {
  const program = printProgram(buildProgram({ x: "f64[N]" }, (g, { x }) => g.reduce("sum", g.mul(x, x))));
  const made = await call("ir.grad", { program, value: true }) as { program: string };
  const ran = await call("ir.evaluate", { program: made.program, inputs: [{ type: "f64[2]", values: [3, -0.5] }] });
  assert.deepEqual((ran as { results: Json }).results, [
    { type: "f64[]", values: [9.25] },
    { type: "f64[2]", values: [6, -1] },
  ]);
  assert.equal((await call("ir.cost", { program }) as { flops: string }).flops, "2*N");
});

Deno.test("special numbers and 64-bit integers cross the wire as text", async () => {
  const program = printProgram(buildProgram({ x: "f32[3]", n: "i64[]" }, (g, { x, n }) => [g.neg(x), g.add(n, 1)]));
  const ran = await call("ir.evaluate", {
    program,
    inputs: [{ type: "f32[3]", values: ["nan", "inf", 0] }, { type: "i64[]", values: ["9223372036854775807"] }],
  });
  assert.deepEqual((ran as { results: Json }).results, [
    { type: "f32[3]", values: ["nan", "-inf", "-0"] },
    { type: "i64[]", values: ["-9223372036854775808"] },
  ]);
});

Deno.test("an endless program ends with a failure, by its own fuel or by its account's", async () => {
  const input = { program: loop, inputs: [{ type: "i64[]", values: ["1"] }] };
  assert.equal((await refusal("ir.evaluate", { ...input, fuel: 5000 })).code, "IR_FUEL");
  assert.match((await refusal("ir.evaluate", { ...input, fuel: 1e12 })).code, /^(?:IR_FUEL|KERNEL_BUDGET_EXHAUSTED)$/u);
});

Deno.test("a long evaluation is interrupted while it runs", async () => {
  const input = { program: loop, inputs: [{ type: "i64[]", values: ["1"] }] };
  const ended = await inWorkspace((kernel) =>
    Effect.flip(Effect.timeout(callAs(kernel, "ir.evaluate", input), 30) as Effect.Effect<Json, { _tag: string }>)
  );
  assert.equal(ended._tag, "TimeoutError");
});

Deno.test("the patch of a misspelt primitive makes the call valid", async () => {
  const input = { names: ["exp", "brodcast"] };
  const failure = await refusal("ir.primitives", input);
  const patched = applyPatch(failure.fix!.patch!, input);
  const answer = await call("ir.primitives", patched) as { primitives: ReadonlyArray<{ name: string }> };
  assert.deepEqual(answer.primitives.map(({ name }) => name), ["exp", "broadcast"]);
});

Deno.test("a failure names the part of the input that is wrong", async () => {
  const program = "program @main func @main(%0 x: u8[1]) { return %0 }";
  const outside = await refusal("ir.evaluate", { program, inputs: [{ type: "u8[1]", values: [256] }] });
  assert.deepEqual([outside.code, outside.path], ["IR_VALUE", "/inputs/0"]);
  const other = await refusal("ir.evaluate", { program, inputs: [{ type: "u8[2]", values: [1, 2] }] });
  assert.deepEqual([other.code, other.path, other.expected, other.actual], ["IR_INPUT", "/inputs/0", "u8[1]", "u8[2]"]);
});

Deno.test("all primitives are listed with the schema of their attributes", async () => {
  const { primitives, control } = await call("ir.primitives", {}) as {
    primitives: ReadonlyArray<{ name: string; attributes: { properties?: Json } }>;
    control: ReadonlyArray<{ name: string }>;
  };
  assert.deepEqual(primitives.map(({ name }) => name), PRIMITIVES.map(({ name }) => name));
  assert.deepEqual(control.map(({ name }) => name), ["call", "if", "while", "scan"]);
  const slice = primitives.find(({ name }) => name === "slice")!;
  assert.deepEqual(Object.keys(slice.attributes.properties as object), ["start", "limit", "stride"]);
});
