import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import {
  type AnyFailureDefinition,
  failure,
  failureFromJson,
  failureToJson,
  isFailure,
  type Json,
  kernelFailures,
  located,
} from "../../kernel/mod.ts";

const tooWide = failure("TEST_TOO_WIDE", {
  doc: "A width exceeds its limit.",
  recoverable: true,
  says: (a: { width: number; limit: number }) => `Cannot use width ${a.width}: the limit is ${a.limit}`,
  fix: (a) => ({ summary: "Use the limit", patch: [{ op: "replace", path: a.path ?? "", value: a.limit }] }),
});

Deno.test("code, message and recoverability come from the definition, the circumstances from the call", () => {
  const made = tooWide({ width: 9, limit: 4, path: "/width", expected: 4, actual: 9, suggestions: ["4"] });
  assert.deepEqual(failureToJson(made), {
    _tag: "Failure",
    code: "TEST_TOO_WIDE",
    recoverable: true,
    message: "Cannot use width 9: the limit is 4",
    path: "/width",
    expected: 4,
    actual: 9,
    fix: { summary: "Use the limit", patch: [{ op: "replace", path: "/width", value: 4 }] },
    suggestions: ["4"],
    docs: "docs/failures.md#test_too_wide",
  });
});

Deno.test("a fix given at the place that fails wins over the catalogue's", () => {
  const made = tooWide({ width: 9, limit: 4, fix: { summary: "Ask for less", command: "rmi help" } });
  assert.deepEqual(made.fix, { summary: "Ask for less", command: "rmi help" });
});

Deno.test("null is a value of expected and actual, absence is not", () => {
  const made = failureToJson(tooWide({ width: 1, limit: 1, expected: null })) as Record<string, Json>;
  assert.equal(made.expected, null);
  assert(!("actual" in made));
});

Deno.test("JSON round trip keeps every field, and the result is a failure again", () => {
  const made = tooWide({ width: 9, limit: 4, path: "/a~1b", actual: { deep: [1, "two", null] } });
  const back = failureFromJson(JSON.parse(JSON.stringify(failureToJson(made))));
  assert(isFailure(back));
  assert.deepEqual(failureToJson(back), failureToJson(made));
  assert.equal(isFailure(JSON.parse(JSON.stringify(failureToJson(made)))), false);
});

Deno.test("what is not a failure is refused on reading", () => {
  for (
    const wrong of [null, 1, "x", {}, { _tag: "Failure", code: "A" }, {
      ...failureToJson(tooWide({ width: 1, limit: 1 })) as object,
      recoverable: "yes",
    }]
  ) {
    assert.throws(() => failureFromJson(wrong));
  }
});

Deno.test("a failure travels in the error channel and is no defect", async () => {
  const exit = await Effect.runPromise(Effect.result(Effect.fail(tooWide({ width: 2, limit: 1 }))));
  assert(exit._tag === "Failure" && exit.failure.code === "TEST_TOO_WIDE");
  assert.equal(isFailure(new Error("a bug")), false);
});

Deno.test("a failure is given a path once: where it has one, or none is known, it stays as it is", () => {
  const made = tooWide({ width: 9, limit: 4, path: "", expected: 4 });
  const placed = located(made, "/layers/0");
  assert.equal(placed.path, "/layers/0");
  assert.deepEqual({ ...failureToJson(placed) as object, path: "" }, failureToJson(made));
  assert.equal(located(placed, "/elsewhere"), placed);
  assert.equal(located(made, ""), made);
});

/** Arguments that any row of the kernel's catalogue can be called with. */
const ANY_ARGUMENTS: Record<string, unknown> = new Proxy({}, {
  get: (_, name) => {
    const lists = ["versions", "plugins", "cycle", "authorities", "expectedShape", "actualShape", "suggestions"];
    if (lists.includes(String(name))) return ["a", "b", "a"];
    return ["path", "actual", "fix", "also"].includes(String(name)) ? undefined : "x";
  },
});

Deno.test("every row of the kernel's catalogue makes a failure of its code, with message and documentation", () => {
  assert(kernelFailures.length >= 35);
  for (const row of kernelFailures) {
    const made = (row as unknown as AnyFailureDefinition & ((args: unknown) => unknown))(ANY_ARGUMENTS as never);
    assert(isFailure(made));
    assert.equal(made.code, row.code);
    assert.equal(made.recoverable, row.recoverable);
    assert(made.message.length > 3 && !made.message.includes("undefined"), made.message);
    assert(row.doc.endsWith("."), row.doc);
    assert.deepEqual(failureToJson(failureFromJson(failureToJson(made))), failureToJson(made));
  }
});
