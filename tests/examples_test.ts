import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import { type AnyOperation, type Example, type Failure, isJsonObject, type Json } from "../kernel/mod.ts";
import { callApproving, callAs, inWorkspace, prepare } from "./workspace.ts";

/** Whether everything the example shows is in the answer: members by name, lists item by item. */
const shows = (answer: Json, shown: Json, path = ""): string | undefined => {
  if (Array.isArray(shown)) {
    if (!Array.isArray(answer) || answer.length < shown.length) return `${path}: ${JSON.stringify(answer)}`;
    return shown.map((item, index) => shows(answer[index], item, `${path}/${index}`)).find((fault) =>
      fault !== undefined
    );
  }
  if (isJsonObject(shown)) {
    if (!isJsonObject(answer)) return `${path}: ${JSON.stringify(answer)}`;
    return Object.entries(shown).map(([key, value]) =>
      Object.hasOwn(answer, key) ? shows(answer[key], value, `${path}/${key}`) : `${path}/${key}: absent`
    ).find((fault) => fault !== undefined);
  }
  return Object.is(answer, shown)
    ? undefined
    : `${path}: ${JSON.stringify(answer)} instead of ${JSON.stringify(shown)}`;
};

const operations = await inWorkspace((kernel) => kernel.operations("user@tty"));

const check = (operation: AnyOperation, example: Example) =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* prepare(kernel, example);
      const asked = example.failure === "KERNEL_APPROVAL_NEEDED" ? callAs : callApproving;
      const answer = yield* Effect.result(asked(kernel, operation.id, example.input));
      if (example.failure !== undefined) {
        assert.ok(Result.isFailure(answer), `expected ${example.failure}, got ${JSON.stringify(answer)}`);
        assert.equal((answer.failure as Failure).code, example.failure, (answer.failure as Failure).message);
        return;
      }
      if (Result.isFailure(answer)) {
        assert.fail(`${(answer.failure as Failure).code}: ${(answer.failure as Failure).message}`);
      }
      if (example.output !== undefined) assert.equal(shows(answer.success, example.output), undefined);
    })
  );

Deno.test("every namespace of the built-in plugins is among the operations tested", () => {
  const namespaces = new Set(operations.map(({ id }) => id.split(".")[0]));
  for (const name of ["kernel", "ledger", "policy", "approvals", "proposals", "registry", "artifacts", "ir"]) {
    assert.ok(namespaces.has(name), name);
  }
});

for (const operation of operations) {
  for (const [index, example] of operation.examples.entries()) {
    Deno.test(`${operation.id}: example ${(example as Example).title ?? index + 1}`, () => check(operation, example));
  }
}
