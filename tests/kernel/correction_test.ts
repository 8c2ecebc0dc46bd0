import * as Exit from "effect/Exit";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { applyPatch, decodeInput, inputFailure, type Json, operation } from "../../kernel/mod.ts";

const Train = operation("demo.train", {
  summary: "Train.",
  input: {
    data: Schema.Literals(["digits", "iris", "fashion"]),
    epochs: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
    rate: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThan(0))),
    layers: Schema.Array(
      Schema.Struct({ kind: Schema.Literals(["linear", "relu"]), width: Schema.optionalKey(Schema.Int) }),
    ),
    split: Schema.optionalKey(Schema.Tuple([Schema.String, Schema.Int])),
    program: Schema.optionalKey(
      Schema.Union([Schema.Struct({ source: Schema.String }), Schema.Struct({ hex: Schema.String })]),
    ),
    verbose: Schema.optionalKey(Schema.Boolean),
  },
  output: Schema.Null,
  failures: [],
  effects: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{ input: { data: "digits", epochs: 3, layers: [{ kind: "linear", width: 8 }] } }],
});

const good = { data: "iris", epochs: 5, layers: [{ kind: "linear", width: 4 }, { kind: "relu" }] };

/** Ways to be wrong: the fault, and what the patched input must be (undefined: anything that decodes). */
const faults: ReadonlyArray<readonly [string, unknown, unknown]> = [
  ["a misspelt member", { data: "iris", epoch: 5, layers: good.layers }, good],
  ["a member in another case", { data: "iris", Epochs: 5, layers: good.layers }, good],
  ["an unknown member", { ...good, banana: 1 }, good],
  ["a missing member", { data: "iris", layers: good.layers }, { ...good, epochs: 3 }],
  ["a number as text", { ...good, epochs: "5" }, good],
  ["a boolean as text", { ...good, verbose: "true" }, { ...good, verbose: true }],
  ["a fraction for an integer", { ...good, epochs: 4.6 }, good],
  ["above the range", { ...good, epochs: 1000 }, { ...good, epochs: 100 }],
  ["below the range", { ...good, epochs: -3 }, { ...good, epochs: 1 }],
  ["a misspelt choice", { ...good, data: "digist" }, { ...good, data: "digits" }],
  ["a choice in another case", { ...good, data: "IRIS" }, good],
  ["one item instead of a list", { ...good, layers: { kind: "relu" } }, { ...good, layers: [{ kind: "relu" }] }],
  ["a list as JSON text", { ...good, layers: '[{"kind":"relu"}]' }, { ...good, layers: [{ kind: "relu" }] }],
  ["a tuple in the wrong order", { ...good, split: [7, "test"] }, { ...good, split: ["test", 7] }],
  ["a deep misspelt choice", { ...good, layers: [{ kind: "lineer" }] }, { ...good, layers: [{ kind: "linear" }] }],
  ["a deep wrong type", { ...good, layers: [{ kind: "linear", width: "4" }] }, {
    ...good,
    layers: [{ kind: "linear", width: 4 }],
  }],
  ["a misspelt member of a union", { ...good, program: { sorce: "relu" } }, { ...good, program: { source: "relu" } }],
  ["two faults at once", { data: "IRIS", epochs: "5", layers: good.layers }, good],
  ["not an object at all", "train", undefined],
  ["null", null, undefined],
];

for (const [name, input, expected] of faults) {
  Deno.test(`${name} is answered with a patch that makes the call valid`, () => {
    const document = JSON.parse(JSON.stringify(input)) as Json;
    const refused = inputFailure(Train, document);
    assert.equal(refused.code, "KERNEL_INVALID_INPUT");
    assert.ok(refused.fix?.patch, refused.message);
    const mended = applyPatch(refused.fix.patch, document);
    assert.ok(Exit.isSuccess(decodeInput(Train)(mended)));
    if (expected !== undefined) assert.deepEqual(mended, expected);
  });
}

Deno.test("the failure says where, what was expected and what was found", () => {
  const refused = inputFailure(Train, { ...good, epochs: 1000 } as never);
  assert.equal(refused.path, "/epochs");
  assert.equal(refused.actual, 1000);
  assert.match(String(refused.expected), /integer.*100/);
  assert.match(inputFailure(Train, { ...good, data: "cars" } as never).message, /"digits" \| "iris" \| "fashion"/);
});

Deno.test("an input nothing can mend is answered without a patch, in bounded time", () => {
  const Strict = operation("demo.strict", {
    ...Train,
    input: { key: Schema.String.check(Schema.isPattern(/^[0-9a-f]{40}$/u)) },
    examples: [{ input: { key: "not an example that decodes" } }],
  } as never);
  const refused = inputFailure(Strict, { key: "zzz", a: 1, b: 2, c: 3, d: 4 });
  assert.equal(refused.fix?.patch, undefined);
  assert.match(refused.fix!.summary, /kernel\.describe/);
});

Deno.test("an operation without input takes an object without members, and nothing else", () => {
  const Bare = operation("demo.bare", { ...Train, input: {}, examples: [{ input: {} }] } as never);
  assert.ok(Exit.isSuccess(decodeInput(Bare)({})));
  for (const input of [{ x: 1 }, [], 3, "text", null]) {
    const document = input as Json;
    assert.ok(Exit.isFailure(decodeInput(Bare)(document)), JSON.stringify(input));
    const refused = inputFailure(Bare, document);
    assert.deepEqual(applyPatch(refused.fix!.patch!, document), {});
  }
  assert.match(inputFailure(Bare, { x: 1 }).message, /it takes no "x"; expected no members/u);
});
