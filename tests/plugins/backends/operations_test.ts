/**
 * The operations of the backends through a kernel: what examples do not show.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import { buildProgram, printProgram } from "../../../plugins/ir/library.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const call = (operation: string, input: Json): Promise<Json> =>
  inWorkspace((kernel) => callAs(kernel, operation, input));

const refusal = (operation: string, input: Json): Promise<Failure> =>
  inWorkspace((kernel) => Effect.flip(callAs(kernel, operation, input))) as Promise<Failure>;

const square = printProgram(buildProgram({ x: "f32[N]" }, (g, { x }) => g.mul(x, x)));

const endless = printProgram(
  buildProgram(
    { n: "i64[]" },
    (g, { n }) => g.while([n], (h) => h.full({ dtype: "bool", shape: [] }, true), (_, [v]) => v),
  ),
);

interface Listed {
  readonly backends: ReadonlyArray<
    { readonly id: string; readonly native: boolean; readonly absence?: { readonly reason: string } }
  >;
}

Deno.test("native engines are listed, and not looked for unasked", async () => {
  const { backends } = await call("backend.list", {}) as unknown as Listed;
  assert(backends.length >= 1);
  for (const { id, native, absence } of backends) {
    assert.equal(absence?.reason === "native engines were not looked for", native, id);
  }
});

Deno.test("native engines need consent", async () => {
  assert.equal((await refusal("backend.list", { native: true })).code, "KERNEL_APPROVAL_NEEDED");
});

Deno.test("the fastest device is chosen by measurement, and every other is ranked", async () => {
  const { choice } = await call("backend.explain", { program: square, sizes: { N: 1000 } }) as unknown as {
    choice: { backend: string; candidates: ReadonlyArray<{ backend: string; estimateMs?: number; refused?: string }> };
  };
  const estimates = choice.candidates.flatMap(({ estimateMs }) => estimateMs === undefined ? [] : [estimateMs]);
  assert(estimates.length >= 1);
  assert.deepEqual(estimates, [...estimates].sort((a, b) => a - b));
  assert.equal(choice.candidates[0].backend, choice.backend);
});

Deno.test("a program in another language is refused as one", async () => {
  assert.equal((await refusal("backend.run", { program: "x * x", inputs: [] })).code, "IR_SYNTAX");
});

Deno.test("a program that is dearer than its account is refused before it runs", async () => {
  const program = printProgram(buildProgram({ x: "f32[1,1]" }, (g, { x }) => {
    const wide = g.broadcastTo(x, [100_000, 1000]);
    return g.reduce("sum", g.dot(wide, wide, { x_batch: [], y_batch: [], x_contract: [0], y_contract: [0] }));
  }));
  const refused = await refusal("backend.run", { program, inputs: [{ type: "f32[1,1]", values: [1] }] });
  assert.equal(refused.code, "KERNEL_BUDGET_EXHAUSTED");
});

Deno.test("an endless program is interrupted while it runs", async () => {
  const input = { program: endless, inputs: [{ type: "i64[]", values: ["1"] }] };
  const ended = await inWorkspace((kernel) =>
    Effect.flip(Effect.timeout(callAs(kernel, "backend.run", input), 100) as Effect.Effect<Json, { _tag: string }>)
  );
  assert.equal(ended._tag, "TimeoutError");
});

Deno.test("conformance about nothing that exists tries nothing, and says so", async () => {
  const report = await call("backend.conform", { backend: "reference", ops: ["no such thing"] });
  assert.deepEqual(report, {
    backend: "reference",
    cases: 0,
    passed: 0,
    refused: {},
    deviations: [],
    wrong: [],
  });
});
