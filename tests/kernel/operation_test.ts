import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import {
  AUTHORITIES,
  authoritiesOf,
  declarationDigest,
  declarationFaults,
  declarationJson,
  type EffectName,
  EFFECTS,
  failure,
  jsonSchemaOf,
  type Kind,
  KINDS,
  manifestFaults,
  namespaceOf,
  operation,
  random,
  role,
  ROLE_KEY,
} from "../../kernel/mod.ts";

const demoFailed = failure("TEST_FAILED", { doc: "Demo.", recoverable: true, says: () => "no" });

const COMPLETE = {
  id: "demo.greet",
  summary: "Greet somebody by name.",
  input: Schema.Struct({ name: Schema.String }),
  output: Schema.String,
  failures: [demoFailed],
  effects: [],
  kinds: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{ input: { name: "Ada" } }],
};

const fieldsOf = (declared: unknown): ReadonlyArray<string> =>
  declarationFaults(declared).map((fault) => fault.path.slice(1));

Deno.test("a complete declaration has no faults", () => {
  assert.deepEqual(declarationFaults(COMPLETE), []);
});

Deno.test("each missing field is named, alone, with what it must be", () => {
  for (const field of Object.keys(COMPLETE)) {
    const faults = declarationFaults({ ...COMPLETE, [field]: undefined });
    assert.deepEqual(faults.map((fault) => fault.path), [`/${field}`]);
    assert.equal(faults[0].code, "KERNEL_DECLARATION");
    assert.match(faults[0].message, new RegExp(`"?${field}`, "u"));
    assert.notEqual(faults[0].fix?.summary ?? "", "");
    if (field !== "id") assert.match(faults[0].message, /demo\.greet/u);
  }
});

Deno.test("each malformed field is named", () => {
  for (
    const [field, wrong] of [
      ["id", "greet"],
      ["id", "Demo.greet"],
      ["id", "demo..greet"],
      ["id", "demo.gr eet"],
      ["summary", "  "],
      ["input", { name: "string" }],
      ["output", "string"],
      ["failures", ["TEST_FAILED"]],
      ["failures", [() => 1]],
      ["effects", ["fly"]],
      ["effects", ["network", "network"]],
      ["effects", "network"],
      ["kinds", ["network"]],
      ["refine", "network"],
      ["cost", {}],
      ["cost", { compute: "" }],
      ["idempotent", "yes"],
      ["reversible", 1],
      ["stability", "solid"],
      ["examples", []],
    ] as const
  ) assert.deepEqual(fieldsOf({ ...COMPLETE, [field]: wrong }), [field], `${field} = ${JSON.stringify(wrong)}`);
});

Deno.test("what is no declaration at all has every fault and breaks nothing", () => {
  const all = Object.keys(COMPLETE).length;
  for (const wrong of [undefined, null, 7, "x", [], {}]) assert.equal(declarationFaults(wrong).length, all);
});

const PLUGIN = {
  id: "demo",
  version: "1.0.0",
  summary: "Demo.",
  provides: [],
  requires: [],
  effects: [],
  kinds: [],
  stability: "stable",
  namespaces: [{ name: "demo", summary: "Demo." }],
  operations: () => [],
  load: () => ({ default: {} }),
};

Deno.test("each missing field of a plugin's manifest is named, alone", () => {
  assert.deepEqual(manifestFaults(PLUGIN), []);
  for (const field of Object.keys(PLUGIN)) {
    assert.deepEqual(manifestFaults({ ...PLUGIN, [field]: undefined }).map((fault) => fault.path), [`/${field}`]);
  }
});

const declare = (effects: ReadonlyArray<EffectName>, kinds: ReadonlyArray<Kind>, refine?: (input: never) => unknown) =>
  ({
    ...COMPLETE,
    effects,
    kinds,
    refine,
  }) as never;

Deno.test("law: the authorities of a call never exceed the declaration, whatever refine says", () => {
  const chance = random("authorities");
  const some = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> => items.filter(() => chance.below(2) === 0);
  for (let round = 0; round < 500; round++) {
    const effects = some(EFFECTS);
    const kinds = some(KINDS);
    const refined = { effects: some([...AUTHORITIES, "root"]), kinds: some([...AUTHORITIES, "root"]) };
    const given = authoritiesOf(declare(effects, kinds, () => refined), {});
    assert.deepEqual([...given.effects].sort(), effects.filter((name) => refined.effects.includes(name)).sort());
    assert.deepEqual([...given.kinds].sort(), kinds.filter((name) => refined.kinds.includes(name)).sort());
  }
});

Deno.test("without refine a call has all that is declared; refine without kinds has none of them", () => {
  assert.deepEqual(authoritiesOf(declare(["network"], ["time"]), {}), { effects: ["network"], kinds: ["time"] });
  const refined = authoritiesOf(declare(["network"], ["time"], () => ({ effects: [] })), {});
  assert.deepEqual(refined, { effects: [], kinds: [] });
});

Deno.test("refine sees the input", () => {
  const declared = declare(
    ["network", "exec"],
    [],
    ((input: { far: boolean }) => ({
      effects: input.far ? ["network"] : [],
    })) as never,
  );
  assert.deepEqual(authoritiesOf(declared, { far: true }).effects, ["network"]);
  assert.deepEqual(authoritiesOf(declared, { far: false }).effects, []);
});

const Greet = operation("demo.greet", {
  summary: "Greet somebody by name.",
  input: { name: role("freeText", "Who is greeted."), file: Schema.optionalKey(role("readPath", "A file.")) },
  output: Schema.String,
  failures: [demoFailed],
  effects: ["readLocal"],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{ input: { name: "Ada" } }],
});

Deno.test("the input's JSON Schema is closed, names what is required, and keeps each field's role", () => {
  const schema = jsonSchemaOf(Greet.input as never) as Record<string, never>;
  assert.equal(schema.additionalProperties, false);
  assert.deepEqual(schema.required, ["name"]);
  const properties = schema.properties as Record<string, Record<string, string>>;
  assert.equal(properties.name[ROLE_KEY], "freeText");
  assert.equal(properties.file[ROLE_KEY], "readPath");
  assert.equal(properties.name.description, "Who is greeted.");
});

Deno.test("a declaration's identity changes with every field that an approval depends on", () => {
  const digests = new Set([declarationDigest(Greet)]);
  for (
    const change of [
      { effects: ["readLocal", "network"] },
      { kinds: ["time"] },
      { input: Schema.Struct({ name: Schema.String, more: Schema.String }) },
      { output: Schema.Finite },
      { failures: [] },
      { reversible: false },
      { idempotent: false },
      { summary: "Other." },
      { refine: () => ({ effects: [] }) },
      { cost: { compute: "linear" } },
    ]
  ) digests.add(declarationDigest({ ...Greet, ...change } as never));
  assert.equal(digests.size, 11);
  assert.equal(declarationDigest({ ...Greet, examples: [] } as never), declarationDigest(Greet));
  assert.doesNotThrow(() => JSON.stringify(declarationJson(Greet)));
});

Deno.test("a namespace is what stands before the first dot", () => {
  assert.deepEqual(["demo.greet", "a.b.c", "none", ""].map(namespaceOf), ["demo", "a", "", ""]);
});
