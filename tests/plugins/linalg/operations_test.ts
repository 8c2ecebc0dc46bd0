/**
 * The operations of linear algebra through a kernel: what examples do not show.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Failure } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import { callAs, inWorkspace } from "../../workspace.ts";

const call = (operation: string, input: Json): Promise<Json> =>
  inWorkspace((kernel) => callAs(kernel, operation, input));

const refusal = (operation: string, input: Json): Promise<Failure> =>
  inWorkspace((kernel) => Effect.flip(callAs(kernel, operation, input))) as Promise<Failure>;

const large = (side: number): Json => ({
  type: `f64[${side},${side}]`,
  values: Array.from({ length: side * side }, (_, i) => (i * 7919 % 104_729) / 104_729),
});

Deno.test("matrices stacked along leading axes have stacked answers", async () => {
  const answer = await call("linalg.determinant", { a: { type: "f64[2,1,2,2]", values: [1, 0, 0, 2, 0, 3, 1, 0] } });
  assert.deepEqual((answer as { value: Json }).value, { type: "f64[2,1]", values: [2, -3] });
});

Deno.test("one right side serves all matrices of a stack; two stacks must agree", async () => {
  const a = { type: "f64[2,1,1]", values: [2, 4] };
  const answer = await call("linalg.solve", { a, b: { type: "f64[1,1]", values: [8] } });
  assert.deepEqual((answer as { x: Json }).x, { type: "f64[2,1,1]", values: [4, 2] });
  const refused = await refusal("linalg.solve", { a, b: { type: "f64[3,1,1]", values: [1, 2, 3] } });
  assert.deepEqual([refused.code, refused.path], ["LINALG_SHAPE", "/b/type"]);
});

Deno.test("integers and narrow floats are taken as numbers", async () => {
  const answer = await call("linalg.norms", { a: { type: "i64[1,2]", values: ["3", "4"] } });
  assert.deepEqual((answer as { frobenius: Json }).frobenius, { type: "f64[]", values: [5] });
});

Deno.test("a vector, an empty stack and a broken tensor are refused where they are wrong", async () => {
  const cases: ReadonlyArray<readonly [string, Json, string, string]> = [
    ["a vector", { type: "f64[2]", values: [1, 2] }, "LINALG_SHAPE", "/a/type"],
    ["no matrices", { type: "f64[0,2,2]", values: [] }, "LINALG_SHAPE", "/a/type"],
    ["not so many elements", { type: "f64[2,2]", values: [1] }, "IR_VALUE", ""],
  ];
  for (const [what, a, code, path] of cases) {
    const refused = await refusal("linalg.inverse", { a });
    assert.deepEqual([refused.code, refused.path], [code, path], what);
  }
});

Deno.test("a demand for symmetry is held", async () => {
  const refused = await refusal("linalg.eigen", { a: { type: "f64[2,2]", values: [1, 2, 3, 4] }, symmetric: true });
  assert.equal(refused.code, "LINALG_NOT_SYMMETRIC");
});

Deno.test("removing the bound on rounds, as the failure says, makes the call valid", async () => {
  const input = { a: { type: "f64[3,3]", values: [1, 2, 3, 4, 5, 6, 7, 8, 10] }, rounds: 0 };
  const refused = await refusal("linalg.svd", input);
  assert.deepEqual(refused.fix?.patch, [{ op: "remove", path: "/rounds" }]);
  const { rounds: _, ...mended } = input;
  assert.equal((await call("linalg.svd", mended) as { values: { type: string } }).values.type, "f64[3]");
});

Deno.test("a side past the limit is refused; one at the limit is not", async () => {
  const wide = (side: number): Json => ({ type: `f64[1,${side}]`, values: Array.from({ length: side }, () => 1) });
  assert.equal((await refusal("linalg.lu", { a: wide(4097) })).code, "LINALG_LIMIT");
  await call("linalg.lu", { a: wide(4096) });
});

Deno.test("long work is interrupted while it runs", async () => {
  const ended = await inWorkspace((kernel) =>
    Effect.flip(
      Effect.timeout(callAs(kernel, "linalg.svd", { a: large(300) }), 150) as Effect.Effect<Json, { _tag: string }>,
    )
  );
  assert.equal(ended._tag, "TimeoutError", JSON.stringify(ended));
});
