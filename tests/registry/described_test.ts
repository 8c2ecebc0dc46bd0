/**
 * Tests of registry/described.ts: what a third-party plugin may say of itself, at every limit and one past it.
 */
import * as Result from "effect/Result";
import assert from "node:assert/strict";
import {
  type Described,
  type DescribedOperation,
  MAX_DESCRIPTION,
  MAX_NAMESPACES,
  MAX_OPERATIONS,
  MAX_TEXT,
  readDescribed,
} from "../../registry/described.ts";
import { MAX_SCHEMA_NODES, rebuildOperations } from "../../registry/rebuild.ts";

const NOTHING_TAKEN = { plugins: new Set<string>(), namespaces: new Set<string>() };

const row = (id: string, more: Partial<DescribedOperation> = {}): DescribedOperation => ({
  id,
  summary: "Does it.",
  input: { type: "object", additionalProperties: false },
  output: { type: "string" },
  failures: [],
  effects: [],
  kinds: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{ input: {} }],
  ...more,
});

const plugin = (more: Partial<Described> = {}): Described => ({
  id: "demo",
  version: "1.0.0",
  summary: "Demo.",
  effects: [],
  kinds: [],
  reach: {},
  stability: "stable",
  namespaces: [{ name: "demo", summary: "demo" }],
  operations: [row("demo.do")],
  ...more,
});

const isRead = (described: Described): boolean => Result.isSuccess(readDescribed("demo.ts", described, NOTHING_TAKEN));

const many = <A>(count: number, item: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => item(index));

/** A description whose JSON is exactly this long. */
const ofLength = (length: number): Described => {
  const padded = (padding: string) => plugin({ operations: [row("demo.do", { output: { const: padding } })] });
  return padded("x".repeat(length - JSON.stringify(padded("")).length));
};

const LIMITS: ReadonlyArray<readonly [string, number, (count: number) => Described]> = [
  ["operations", MAX_OPERATIONS, (count) => plugin({ operations: many(count, (index) => row(`demo.do${index}`)) })],
  [
    "namespaces",
    MAX_NAMESPACES,
    (count) =>
      plugin({
        namespaces: many(count, (index) => ({ name: `demo${index}`, summary: "demo" })),
        operations: [row("demo0.do")],
      }),
  ],
  ["characters of one text", MAX_TEXT, (count) => plugin({ summary: "x".repeat(count) })],
  ["characters in all", MAX_DESCRIPTION, ofLength],
];

for (const [what, limit, described] of LIMITS) {
  Deno.test(`a plugin of ${limit} ${what} is read, one more is refused`, () => {
    assert.ok(isRead(described(limit)));
    assert.ok(!isRead(described(limit + 1)));
  });
}

Deno.test("a schema at its limit of nodes is rebuilt, one past it is refused", () => {
  // The object, its type and `properties` are three; each member is one more.
  const wide = (nodes: number) => ({
    type: "object",
    properties: Object.fromEntries(many(nodes - 3, (index) => [`p${index}`, true])),
  });
  const rebuilt = (nodes: number) =>
    rebuildOperations(plugin({ operations: [row("demo.do", { output: wide(nodes) })] }));
  assert.ok(Result.isSuccess(rebuilt(MAX_SCHEMA_NODES)));
  assert.ok(Result.isFailure(rebuilt(MAX_SCHEMA_NODES + 1)));
});

Deno.test("a plugin cannot take the code of a failure of the house by naming a namespace after it", () => {
  for (const name of ["kernel", "effects", "ledger", "registry", "surface", "surfaces", "rmil", "ir"]) {
    const code = `${name.toUpperCase()}_DENIED`;
    const described = plugin({
      namespaces: [{ name, summary: "demo" }],
      operations: [row(`${name}.do`, { failures: [{ code, recoverable: true, doc: "It is." }] })],
    });
    assert.ok(!isRead(described), code);
  }
});
