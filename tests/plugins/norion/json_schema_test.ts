/**
 * JSON Schema, judged by Ajv on generated schemas and values, and by cases of the draft's own text.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import assert from "node:assert/strict";
import { type Json, type JsonObject, type Random, random } from "../../../kernel/mod.ts";
import { fitsSchema, MAX_FIT_DEPTH, MAX_FIT_STEPS } from "../../../plugins/norion/review/json_schema.ts";

const NAMES = ["a", "b", "cc"] as const;

const valueOf = (draw: Random, depth: number): Json => {
  const kind = draw.below(depth <= 0 ? 5 : 7);
  if (kind === 0) return null;
  if (kind === 1) return draw.below(2) === 0;
  if (kind === 2) return draw.below(7) - 3;
  if (kind === 3) return (draw.below(9) - 4) / 2;
  if (kind === 4) return "ab12".slice(0, draw.below(5));
  if (kind === 5) return Array.from({ length: draw.below(4) }, () => valueOf(draw, depth - 1));
  return Object.fromEntries(NAMES.filter(() => draw.below(2) === 0).map((name) => [name, valueOf(draw, depth - 1)]));
};

const NUMBER = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] as const;
const COUNT = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"] as const;
const TYPES = ["null", "boolean", "number", "integer", "string", "array", "object"] as const;

/** One keyword with an argument, of a kind that both sides must treat alike. */
const keywordOf = (draw: Random, depth: number): JsonObject => {
  const some = () => schemaOf(draw, depth - 1);
  const several = () => Array.from({ length: 1 + draw.below(3) }, some);
  const simple: ReadonlyArray<() => JsonObject> = [
    () => ({ type: draw.pick(TYPES) }),
    () => ({ type: draw.shuffle(TYPES).slice(0, 2) }),
    () => ({ enum: [valueOf(draw, 1), valueOf(draw, 1), null].filter((one, i, all) => all.indexOf(one) === i) }),
    () => ({ const: valueOf(draw, 1) }),
    () => ({ [draw.pick(NUMBER)]: draw.below(5) - 2 }),
    () => ({ multipleOf: draw.pick([0.5, 1, 2]) }),
    () => ({ [draw.pick(COUNT)]: draw.below(4) }),
    () => ({ pattern: draw.pick(["^a", "b$", "[0-9]", "a.?1", "^(?:ab|b)*$"]) }),
    () => ({ required: draw.shuffle(NAMES).slice(0, 1 + draw.below(2)) }),
    () => ({ uniqueItems: draw.below(2) === 0 }),
    () => ({ dependentRequired: { a: ["b"] } }),
  ];
  const nested: ReadonlyArray<() => JsonObject> = [
    () => ({ properties: { a: some(), b: some() } }),
    () => ({ properties: { a: true }, additionalProperties: some() }),
    () => ({ patternProperties: { "^c": some() }, additionalProperties: some() }),
    () => ({ propertyNames: some() }),
    () => ({ items: some() }),
    () => ({ prefixItems: several(), items: some() }),
    () => ({ contains: some() }),
    () => ({ contains: some(), minContains: 0, maxContains: 1 }),
    () => ({ allOf: several() }),
    () => ({ anyOf: several() }),
    () => ({ oneOf: several() }),
    () => ({ not: some() }),
    () => ({ if: some(), then: some(), else: some() }),
  ];
  return draw.pick(depth <= 0 ? simple : [...simple, ...nested])();
};

const schemaOf = (draw: Random, depth: number): Json => {
  if (draw.below(12) === 0) return draw.below(2) === 0;
  return Object.assign({}, ...Array.from({ length: 1 + draw.below(2) }, () => keywordOf(draw, depth)));
};

Deno.test("whether a value fits a schema is what Ajv says, on 3,000 generated pairs", () => {
  const ajv = new Ajv2020({ strict: false, allErrors: false, logger: false });
  const counts = { fits: 0, misfits: 0, undecided: 0 };
  for (let seed = 0; seed < 300; seed++) {
    const draw = random(`schema ${seed}`);
    const schema = schemaOf(draw, 3);
    const judge = ajv.compile(schema as object);
    for (let i = 0; i < 10; i++) {
      const value = valueOf(draw, 3);
      const { fits } = fitsSchema(value, schema);
      // A repeated choice in a pattern is not judged: that costs at most these cases, never a wrong verdict.
      if (fits === undefined) counts.undecided++;
      else {
        assert.equal(fits, judge(value), `${JSON.stringify(schema)} on ${JSON.stringify(value)}`);
        counts[fits ? "fits" : "misfits"]++;
      }
    }
  }
  assert.ok(counts.fits > 300 && counts.misfits > 300, JSON.stringify(counts));
  assert.ok(counts.undecided < 300, JSON.stringify(counts));
});

Deno.test("references lead into the same schema, and where a value does not fit is said by pointer and keyword", () => {
  const schema = {
    $defs: { tree: { type: "object", properties: { next: { $ref: "#/$defs/tree" }, "a/b": { type: "string" } } } },
    $ref: "#/$defs/tree",
  };
  assert.deepEqual(fitsSchema({ next: { next: {} } }, schema), { fits: true });
  assert.deepEqual(fitsSchema({ next: { next: 3 } }, schema), { fits: false, path: "/next/next", keyword: "type" });
  assert.deepEqual(fitsSchema({ "a/b": 1 }, schema), { fits: false, path: "/a~1b", keyword: "type" });
});

const UNDECIDED: ReadonlyArray<readonly [string, Json, Json]> = [
  ["a keyword that is not known", 1, { unevaluatedItems: false }],
  ["a reference to another document", 1, { $ref: "https://example.org/schema" }],
  ["a reference to nothing", 1, { $ref: "#/$defs/none" }],
  ["a reference to itself", 1, { $ref: "#" }],
  ["references that branch", 1, {
    $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] } },
    $ref: "#/$defs/a",
  }],
  ["a type that is none", 1, { type: "float" }],
  ["a schema that is none", 1, { not: 3 }],
  ["a bound that is none", 1, { minimum: "0" }],
  ["a pattern that repeats repetitions", `${"a".repeat(40)}!`, { pattern: "^(a+)+$" }],
  ["a pattern that repeats choices", `${"a".repeat(40)}!`, { pattern: "^(a|aa)*$" }],
  ["a pattern that repeats a group of groups", `${"a".repeat(40)}!`, { pattern: "^((a*))*$" }],
  ["a pattern of many optional parts", "a".repeat(40), { pattern: `^${"a?".repeat(40)}${"a".repeat(40)}$` }],
  ["a pattern that looks back", "aa", { pattern: "^(a)\\1$" }],
  ["a long text for a pattern of several repetitions", "a".repeat(20_000), { pattern: "a*a*b" }],
  ["a malformed pattern", "a", { pattern: "(" }],
];

for (const [what, value, schema] of UNDECIDED) {
  Deno.test(`it is not said whether a value fits, and soon: ${what}`, () => {
    assert.equal(fitsSchema(value, schema).fits, undefined);
  });
}

Deno.test("a value as deep as the limit is judged, one deeper is not", () => {
  const schema = { $defs: { list: { type: "array", items: { $ref: "#/$defs/list" } } }, $ref: "#/$defs/list" };
  const nested = (depth: number): Json => {
    let value: Json = [];
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  };
  // A step into a list is one into its items and one along the reference.
  const most = (MAX_FIT_DEPTH - 1) >> 1;
  assert.equal(fitsSchema(nested(most), schema).fits, true);
  assert.equal(fitsSchema(nested(most + 1), schema).fits, undefined);
});

Deno.test("as many comparisons as the limit are made, one more is not", () => {
  const list = (length: number): Json => new Array(length).fill(0);
  assert.equal(fitsSchema(list(MAX_FIT_STEPS - 1), { items: true }).fits, true);
  assert.equal(fitsSchema(list(MAX_FIT_STEPS), { items: true }).fits, undefined);
});
