/**
 * Tests of registry/rebuild.ts: a codec rebuilt from JSON Schema decides as the original does, and is safe to run.
 */
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { type Json, jsonSchemaOf, operation, type PlainCodec, type Plugin, role } from "../../kernel/mod.ts";
import { describePlugin } from "../../registry/described.ts";
import { codecOf, MAX_SCHEMA_DEPTH, rebuildOperations } from "../../registry/rebuild.ts";

const strict = { onExcessProperty: "error" as const };
const accepts = (codec: PlainCodec, value: unknown): boolean =>
  Exit.isSuccess(Schema.decodeUnknownExit(codec, strict)(value));

const CODECS: ReadonlyArray<readonly [string, unknown, ReadonlyArray<Json>]> = [
  ["text", Schema.String, ["", "x", 1, null]],
  ["a bounded integer", Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3 })), [0, 1, 3, 4, 1.5, "1"]],
  ["literals", Schema.Literals(["a", "b"]), ["a", "c", 1]],
  ["a list", Schema.Array(Schema.Finite).check(Schema.isMaxLength(2)), [[], [1, 2], [1, 2, 3], ["a"]]],
  ["a record", Schema.Record(Schema.String, Schema.Boolean), [{}, { a: true }, { a: 1 }]],
  ["a union", Schema.Union([Schema.String, Schema.Null]), ["a", null, 1]],
  [
    "a struct with an optional member",
    Schema.Struct({ a: Schema.String, b: Schema.optionalKey(Schema.Int) }),
    [{ a: "x" }, { a: "x", b: 1 }, { a: "x", b: "1" }, { b: 1 }, { a: "x", c: 1 }],
  ],
  ["any JSON", Schema.Json, [1, "a", [null], { a: {} }]],
  [
    "paths in a list of members",
    Schema.Struct({ files: Schema.Array(Schema.Struct({ path: role("readPath", "A file"), size: Schema.Int })) }),
    [{ files: [] }, { files: [{ path: "a", size: 1 }] }, { files: [{ path: 1, size: 1 }] }, { files: [{ path: "a" }] }],
  ],
];

for (const [what, codec, values] of CODECS) {
  Deno.test(`a codec of ${what}, rebuilt from its JSON Schema, accepts and refuses the same, and describes itself alike`, () => {
    const original = codec as PlainCodec;
    const rebuilt = codecOf(jsonSchemaOf(original));
    for (const value of values) assert.equal(accepts(rebuilt, value), accepts(original, value), JSON.stringify(value));
    assert.deepEqual(jsonSchemaOf(rebuilt), jsonSchemaOf(original));
  });
}

Deno.test("a pattern of a third party never runs here", () => {
  const codec = codecOf({ type: "string", pattern: "^(a+)+$" });
  assert.ok(accepts(codec, `${"a".repeat(50)}!`));
});

Deno.test("schemas that are too deep, too large, or not understood are refused with a reason", () => {
  let deep: Json = { type: "string" };
  for (let at = 0; at <= MAX_SCHEMA_DEPTH; at++) deep = { type: "array", items: deep };
  const wide = {
    type: "object",
    properties: Object.fromEntries(Array.from({ length: 2_001 }, (_, at) => [`p${at}`, true])),
  };
  const bad: ReadonlyArray<Json> = [
    deep,
    wide,
    { $ref: "https://example.org/schema" },
    { type: "string", "x-rmi-role": "approver" },
    { type: "integer", "x-rmi-role": "readPath" },
    { anyOf: [{ type: "string", "x-rmi-role": "readPath" }, { type: "null" }] },
    "text",
  ];
  for (const schema of bad) assert.throws(() => codecOf(schema), JSON.stringify(schema).slice(0, 80));
});

Deno.test("a recursive schema is taken over and decides on values of any depth within reason", () => {
  const codec = codecOf({
    type: "object",
    properties: { child: { $ref: "#/$defs/Tree" } },
    required: ["child"],
    additionalProperties: false,
    $defs: { Tree: { anyOf: [{ type: "null" }, { type: "array", items: { $ref: "#/$defs/Tree" } }] } },
  });
  assert.ok(accepts(codec, { child: [[null], [[null]]] }));
  assert.ok(!accepts(codec, { child: [["x"]] }));
});

Deno.test("declarations survive being described and rebuilt", () => {
  const Greet = operation("demo.greet", {
    summary: "Greet.",
    input: { name: Schema.String, file: Schema.optionalKey(role("writePath", "Where")) },
    output: Schema.Struct({ text: Schema.String }),
    event: Schema.String,
    failures: [],
    effects: ["writeLocal"],
    kinds: ["time"],
    cost: { compute: "constant", reserve: { fuel: 5 } },
    idempotent: false,
    reversible: true,
    stability: "unstable",
    examples: [{ input: { name: "Ada" } }],
  });
  const plugin = {
    id: "demo",
    version: "1.0.0",
    summary: "Demo.",
    effects: ["writeLocal"],
    kinds: ["time"],
    namespaces: [],
  };
  const described = describePlugin({ ...plugin, stability: "stable" } as unknown as Plugin, [Greet]);
  const rebuilt = rebuildOperations(JSON.parse(JSON.stringify(described)));
  assert.ok(Result.isSuccess(rebuilt));
  const [again] = rebuilt.success;
  assert.deepEqual(jsonSchemaOf(again.input), jsonSchemaOf(Greet.input as never));
  for (
    const field of ["id", "summary", "effects", "kinds", "cost", "idempotent", "reversible", "stability", "examples"]
  ) {
    assert.deepEqual(again[field as keyof typeof again], Greet[field as keyof typeof Greet], field);
  }
});
