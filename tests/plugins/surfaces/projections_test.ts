/**
 * The projections as golden files, from the kernel's own declarations, and the laws that every projection keeps.
 *
 * `UPDATE_GOLDEN=1 deno test -A tests/plugins/surfaces/projections_test.ts` writes the files anew; the difference is
 * then read by a person.
 */
import { Validator } from "@seriousme/openapi-schema-validator";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import {
  type AnyOperation,
  failure,
  isJsonObject,
  type Json,
  jsonSchemaOf,
  JsonValue,
  type Namespace,
  operation,
  pointerKeys,
} from "../../../kernel/mod.ts";
import { BootReport, Describe, Manifest, Search } from "../../../kernel/operations.ts";
import { cardOf } from "../../../plugins/surfaces/projections/card.ts";
import { llmsOf } from "../../../plugins/surfaces/projections/llms.ts";
import { openApiOf } from "../../../plugins/surfaces/projections/openapi.ts";
import { fit, inputSchemaOf } from "../../../plugins/surfaces/projections/schema.ts";
import { metaTools, toolNameOf, toolOf } from "../../../plugins/surfaces/projections/tool.ts";

const GOLDEN = new URL("golden/", import.meta.url);
const OPTIONS = { version: "1.2.3", url: "http://127.0.0.1:7433", secured: false };
const NAMESPACES: ReadonlyArray<Namespace> = [{ name: "kernel", summary: "discover operations" }];

/** Named one by one, so that a new operation of the kernel changes no golden file. */
const kernelOperations: ReadonlyArray<AnyOperation> = [Manifest, Describe, Search, BootReport];

const golden = (name: string, made: string): void => {
  const file = new URL(name, GOLDEN);
  if (Deno.env.get("UPDATE_GOLDEN") !== undefined) Deno.writeTextFileSync(file, made);
  assert.equal(made, Deno.readTextFileSync(file), `${name} changed: read the difference, then UPDATE_GOLDEN=1`);
};

const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const shuffled = [...kernelOperations].reverse();

/** Every projection as text, for what they have in common. */
const PROJECTIONS: Readonly<Record<string, (operations: ReadonlyArray<AnyOperation>) => string>> = {
  "openapi.json": (operations) => pretty(openApiOf(operations, OPTIONS)),
  "agent-card.json": (operations) => pretty(cardOf(operations, NAMESPACES, { ...OPTIONS, url: `${OPTIONS.url}/a2a` })),
  "llms.txt": (operations) => llmsOf(operations, NAMESPACES, OPTIONS),
  "tools.json": (operations) =>
    pretty([...Object.values(metaTools), ...[...operations].sort((a, b) => (a.id < b.id ? -1 : 1)).map(toolOf)]),
};

for (const [name, project] of Object.entries(PROJECTIONS)) {
  Deno.test(`${name} is the golden one, in whatever order the operations come`, () => {
    golden(name, project(kernelOperations));
    assert.equal(project(shuffled), project(kernelOperations));
  });
}

const shared = Schema.Struct({ n: Schema.Finite }).annotate({ identifier: "Shared thing" });

interface Tree {
  readonly label: string;
  readonly children: ReadonlyArray<Tree>;
}
const TreeSchema: Schema.Codec<Tree> = Schema.Struct({
  label: Schema.String,
  children: Schema.Array(Schema.suspend(() => TreeSchema)),
}).annotate({ identifier: "Tree" }) as never;

const refused = failure("DEMO_REFUSED", { doc: "Demo.", recoverable: true, says: () => "no" });

const common = {
  failures: [refused],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
};

/** Declarations whose schemas have definitions, recursion, nothing at all, and anything at all. */
const awkward: ReadonlyArray<AnyOperation> = [
  operation("a.empty", {
    ...common,
    summary: "Take nothing.",
    effects: [],
    input: {},
    output: Schema.Null,
    examples: [{ input: {} }],
  }),
  operation("a.tree", {
    ...common,
    summary: "Take a tree.",
    effects: ["network"],
    stability: "experimental",
    idempotent: false,
    reversible: false,
    input: { tree: TreeSchema, first: shared, second: shared },
    output: TreeSchema,
    event: shared as never,
    examples: [{ title: "one leaf", input: { tree: { label: "x", children: [] }, first: { n: 1 }, second: { n: 2 } } }],
  }),
  operation("a.any", {
    ...common,
    summary: "Take anything.",
    effects: ["writeLocal"],
    input: { value: JsonValue },
    output: JsonValue,
    examples: [{ input: { value: 1 }, failure: "DEMO_REFUSED" }],
  }),
];

const referencesIn = (value: Json): ReadonlyArray<string> =>
  Array.isArray(value)
    ? value.flatMap(referencesIn)
    : isJsonObject(value)
    ? Object.entries(value).flatMap(([key, inner]) =>
      key === "$ref" && typeof inner === "string" ? [inner] : referencesIn(inner)
    )
    : [];

const resolves = (document: Json, reference: string): boolean => {
  let here: Json | undefined = document;
  for (const key of pointerKeys(reference.slice(1))) here = isJsonObject(here) ? here[key] : undefined;
  return here !== undefined;
};

Deno.test("schemas with definitions and recursion: every reference resolves inside its own document", () => {
  const documents: ReadonlyArray<Json> = [
    openApiOf(awkward, OPTIONS),
    ...awkward.map(toolOf).flatMap(({ inputSchema, outputSchema }) => [inputSchema, outputSchema]),
  ];
  assert.ok(documents.some((document) => referencesIn(document).length > 3), "there are references to judge");
  for (const document of documents) {
    for (const reference of referencesIn(document)) assert.ok(resolves(document, reference), reference);
  }
});

Deno.test("OpenAPI of awkward declarations is valid in the eyes of a validator that is not ours", async () => {
  for (const secured of [false, true]) {
    const judged = await new Validator().validate(
      openApiOf(awkward, { ...OPTIONS, secured }) as Record<string, unknown>,
    );
    assert.deepEqual(judged.errors ?? [], []);
  }
});

Deno.test("the validator does refuse a document that is wrong", async () => {
  const { paths: _, ...rest } = openApiOf(awkward, OPTIONS) as Record<string, Json>;
  assert.equal((await new Validator().validate({ ...rest, paths: { "no-slash": {} } })).valid, false);
});

Deno.test("an input without fields is still an object that takes nothing", () => {
  assert.deepEqual(inputSchemaOf(awkward[0]), { type: "object", additionalProperties: false });
  for (const operation of [...awkward, ...kernelOperations]) assert.equal(inputSchemaOf(operation).type, "object");
});

Deno.test("what a client may assume follows from the declaration", () => {
  const hints = awkward.map((declared) => toolOf(declared).annotations);
  assert.deepEqual(hints, [
    { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
    { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  ]);
});

Deno.test("tool names are acceptable to clients, and two ids never share one", () => {
  const ids = ["a.b", "a.b.c", "a.b_c", "a.bC", "ab.c", "a.b_C", "a.b.C"];
  const names = ids.map(toolNameOf);
  assert.equal(new Set(names).size, ids.length);
  for (const name of names) assert.match(name, /^[A-Za-z0-9_-]{1,64}$/u);
});

Deno.test("definitions with unusual names are moved and found again", () => {
  const schema = jsonSchemaOf(
    Schema.Struct({ x: Schema.Struct({ n: Schema.Finite }).annotate({ identifier: "a/b~c d" }) }) as never,
  );
  const fitted = fit(schema, "#/components/schemas/", "op.");
  const [reference] = referencesIn(fitted.schema);
  const name = reference.slice("#/components/schemas/".length);
  assert.match(name, /^op\.[A-Za-z0-9._-]+$/u);
  assert.deepEqual(Object.keys(fitted.definitions), [name]);
});
