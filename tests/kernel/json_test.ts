import * as Arbitrary from "effect/Arbitrary";
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { canonicalJson, type Json, JsonValue, MAX_JSON_DEPTH, NotCanonical } from "../../kernel/mod.ts";

const refused = (value: unknown, path: string, reason: RegExp): void =>
  assert.throws(
    () => canonicalJson(value),
    (error) => error instanceof NotCanonical && error.path === path && reason.test(error.message),
  );

Deno.test("RFC 8785 3.2.2: the published sample with literals, numbers and escapes", () => {
  const sample = JSON.parse(`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
    "literals": [null, true, false]
  }`);
  assert.equal(
    canonicalJson(sample),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

Deno.test("RFC 8785 3.2.3: the published sorting sample orders by UTF-16 code units", () => {
  const sample = {
    "\u20ac": "Euro Sign",
    "\r": "Carriage Return",
    "\ufb33": "Hebrew Letter Dalet With Dagesh",
    "1": "One",
    "\ud83d\ude00": "Emoji: Grinning Face",
    "\u0080": "Control",
    "\u00f6": "Latin Small Letter O With Diaeresis",
  };
  assert.deepEqual([...canonicalJson(sample).matchAll(/:"([^"]*)"/gu)].map((match) => match[1]), [
    "Carriage Return",
    "One",
    "Control",
    "Latin Small Letter O With Diaeresis",
    "Euro Sign",
    "Emoji: Grinning Face",
    "Hebrew Letter Dalet With Dagesh",
  ]);
});

/** RFC 8785 appendix B: IEEE 754 bits and their text. −0 is left out: it is refused here. */
const NUMBERS: ReadonlyArray<readonly [string, string]> = [
  ["0000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

Deno.test("RFC 8785 appendix B: every published number has its published text", () => {
  for (const [bits, text] of NUMBERS) {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${bits}`));
    assert.equal(canonicalJson(view.getFloat64(0)), text);
  }
});

Deno.test("values without a canonical form are refused with their path", () => {
  refused({ a: [1, NaN] }, "/a/1", /NaN/u);
  refused({ a: Infinity }, "/a", /Infinity/u);
  refused([-0], "/0", /-0/u);
  refused({ a: undefined }, "/a", /undefined/u);
  refused({ "x/y~z": 1n }, "/x~1y~0z", /bigint/u);
  refused({ a: "\ud800" }, "/a", /surrogate/u);
  refused({ "\udc00": 1 }, "", /surrogate/u);
  refused({ a: new Date(0) }, "/a", /plain object/u);
  refused([() => 1], "/0", /function/u);
  // deno-lint-ignore no-sparse-arrays -- the hole is the case
  refused([1, , 2], "/1", /undefined/u);
});

const nested = (depth: number): Json => depth === 0 ? 1 : [nested(depth - 1)];

Deno.test("nesting at the limit is written, one past it is refused, and a circle ends", () => {
  assert.equal(canonicalJson(nested(MAX_JSON_DEPTH)).length, 2 * MAX_JSON_DEPTH + 1);
  assert.throws(() => canonicalJson(nested(MAX_JSON_DEPTH + 1)), NotCanonical);
  const circle: unknown[] = [];
  circle.push(circle);
  assert.throws(() => canonicalJson(circle), NotCanonical);
});

Deno.test("a member named __proto__ is data", () => {
  const value = JSON.parse('{"__proto__":{"a":1},"b":2}');
  assert.equal(canonicalJson(value), '{"__proto__":{"a":1},"b":2}');
});

const shuffled = (value: Json): Json =>
  Array.isArray(value)
    ? value.map((item) => shuffled(item as Json))
    : value !== null && typeof value === "object"
    ? Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, shuffled(item as Json)]))
    : value;

Deno.test("law: canonical text parses back to the same value, whatever the order of members", async () => {
  const outcome = await Effect.runPromise(Arbitrary.checkEffect(Arbitrary.schema(JsonValue), (value) => {
    let text: string;
    try {
      text = canonicalJson(value);
    } catch (error) {
      // Generated values may hold −0 or a lone surrogate, which have no canonical form.
      return error instanceof NotCanonical;
    }
    return text === canonicalJson(shuffled(value)) && text === canonicalJson(JSON.parse(text));
  }));
  assert.equal(outcome._tag, "Passed", Arbitrary.formatCheckFailure(outcome));
});
