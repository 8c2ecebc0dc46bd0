import * as Result from "effect/Result";
import assert from "node:assert/strict";
import { type Plugin, random, resolve, type Selection } from "../../kernel/mod.ts";
import { barePlugin as plugin } from "./host.ts";

const provides = (...capabilities: string[]) => capabilities.map((capability) => ({ capability, version: "1.2.0" }));
const requires = (...capabilities: string[]) => capabilities.map((capability) => ({ capability, range: "^1.0.0" }));

const order = (selection: Selection): ReadonlyArray<string> => {
  const result = resolve(selection);
  assert.ok(Result.isSuccess(result), Result.isFailure(result) ? result.failure.message : "");
  return result.success.order.map(({ id }) => id);
};

const fault = (selection: Selection) => {
  const result = resolve(selection);
  assert.ok(Result.isFailure(result), "expected a failure");
  return result.failure;
};

Deno.test("providers come before those that require them, ties by id", () => {
  const plugins = [
    plugin("a", { requires: requires("z") }),
    plugin("c"),
    plugin("z", { provides: provides("z") }),
    plugin("b"),
  ];
  assert.deepEqual(order({ plugins }), ["b", "c", "z", "a"]);
});

Deno.test("the order does not depend on the order of the manifests", () => {
  const plugins: Plugin[] = Array.from({ length: 30 }, (_, i) =>
    plugin(`p${i}`, {
      provides: provides(`c${i}`),
      requires: i < 3 ? [] : requires(`c${i % 3}`, `c${Math.floor(i / 2)}`),
    }));
  const expected = order({ plugins });
  for (let seed = 0; seed < 20; seed++) assert.deepEqual(order({ plugins: random(seed).shuffle(plugins) }), expected);
  for (const [position, id] of expected.entries()) {
    const needs = plugins.find((one) => one.id === id)!.requires.map(({ capability }) => `p${capability.slice(1)}`);
    for (const need of needs) assert.ok(expected.indexOf(need) < position, `${need} before ${id}`);
  }
});

Deno.test("a missing capability names the plugin, the range and a near name", () => {
  const failure = fault({
    plugins: [plugin("a", { requires: requires("demo/Stor") }), plugin("b", { provides: provides("demo/Store") })],
  });
  assert.equal(failure.code, "KERNEL_MISSING_CAPABILITY");
  assert.match(failure.message, /a: it requires demo\/Stor@\^1\.0\.0/);
  assert.deepEqual(failure.suggestions, ["demo/Store"]);
  assert.equal(failure.path, "/a/requires/demo/Stor");
  assert.ok(failure.fix?.summary);
});

Deno.test("an incompatible version names both sides", () => {
  const failure = fault({
    plugins: [
      plugin("a", { requires: [{ capability: "c", range: "^2.0.0" }] }),
      plugin("b", { provides: provides("c") }),
    ],
  });
  assert.equal(failure.code, "KERNEL_INCOMPATIBLE_VERSION");
  assert.deepEqual([failure.expected, failure.actual], ["^2.0.0", "1.2.0"]);
  assert.match(failure.message, /b provides 1\.2\.0/);
});

Deno.test("two providers without a choice are named; a choice settles it; a wrong choice is refused", () => {
  const plugins = [
    plugin("x", { provides: provides("c") }),
    plugin("y", { provides: provides("c") }),
    plugin("a", { requires: requires("c") }),
  ];
  const failure = fault({ plugins });
  assert.equal(failure.code, "KERNEL_CAPABILITY_CLASH");
  assert.deepEqual(failure.suggestions, ["x", "y"]);
  const chosen = resolve({ plugins, choose: { c: "y" } });
  assert.ok(Result.isSuccess(chosen));
  assert.deepEqual(chosen.success.needs.get("a"), ["y"]);
  assert.equal(fault({ plugins, choose: { c: "z" } }).code, "KERNEL_UNKNOWN_CHOICE");
});

Deno.test("a cycle shows the whole circle", () => {
  const failure = fault({
    plugins: [
      plugin("a", { provides: provides("a"), requires: requires("b") }),
      plugin("b", { provides: provides("b"), requires: requires("c") }),
      plugin("c", { provides: provides("c"), requires: requires("a") }),
      plugin("d", { requires: requires("a") }),
    ],
  });
  assert.equal(failure.code, "KERNEL_DEPENDENCY_CYCLE");
  assert.match(failure.message, /a → b → c → a/);
});

Deno.test("duplicate ids and clashing namespaces are refused by name", () => {
  assert.equal(fault({ plugins: [plugin("a"), plugin("a", { version: "2.0.0" })] }).code, "KERNEL_DUPLICATE_PLUGIN");
  const namespaces = [{ name: "demo", summary: "Demo." }];
  const failure = fault({ plugins: [plugin("a", { namespaces }), plugin("b", { namespaces })] });
  assert.equal(failure.code, "KERNEL_NAMESPACE_CLASH");
  assert.match(failure.message, /a, b/);
});

Deno.test("a malformed version and a malformed range are refused", () => {
  assert.equal(fault({ plugins: [plugin("a", { version: "one" })] }).code, "KERNEL_MALFORMED_VERSION");
  const plugins = [
    plugin("a", { requires: [{ capability: "c", range: "not a range" }] }),
    plugin("b", { provides: provides("c") }),
  ];
  assert.equal(fault({ plugins }).code, "KERNEL_MALFORMED_VERSION");
});

Deno.test("every missing manifest field is named", () => {
  for (
    const field of [
      "version",
      "summary",
      "provides",
      "requires",
      "effects",
      "kinds",
      "stability",
      "namespaces",
      "operations",
      "load",
    ]
  ) {
    const { [field as "version"]: _, ...rest } = plugin("a");
    const failure = fault({ plugins: [rest as Plugin] });
    assert.equal(failure.code, "KERNEL_MANIFEST");
    assert.equal(failure.path, `/${field}`);
  }
});

Deno.test("an optional plugin with a fault is left out with its reason, and so is what only it could serve", () => {
  const result = resolve({
    plugins: [
      plugin("core"),
      plugin("gone", { optional: true, provides: provides("c"), requires: requires("nothing") }),
      plugin("user", { optional: true, requires: requires("c") }),
      plugin("soft", { requires: [{ capability: "c", range: "^1.0.0", optional: true }] }),
    ],
  });
  assert.ok(Result.isSuccess(result));
  assert.deepEqual(result.success.order.map(({ id }) => id), ["core", "soft"]);
  assert.deepEqual(result.success.refused.map(({ plugin, failure }) => [plugin.id, failure.code]), [
    ["gone", "KERNEL_MISSING_CAPABILITY"],
    ["user", "KERNEL_MISSING_CAPABILITY"],
  ]);
});

Deno.test("an optional plugin that claims what another has is left out: an id, a namespace, a capability", () => {
  const namespaces = [{ name: "demo", summary: "Demo." }];
  const house = plugin("house", { namespaces, provides: provides("c") });
  const rivals: ReadonlyArray<readonly [string, Partial<Plugin> & { readonly id?: string }]> = [
    ["KERNEL_DUPLICATE_PLUGIN", { id: "house" }],
    ["KERNEL_NAMESPACE_CLASH", { namespaces }],
    ["KERNEL_CAPABILITY_CLASH", { provides: provides("c") }],
    ["KERNEL_CAPABILITY_CLASH", { provides: provides("rmi/Ledger") }],
  ];
  for (const [code, claim] of rivals) {
    const rival = plugin("rival", { optional: true, ...claim });
    for (const plugins of [[rival, house], [house, rival]]) {
      const result = resolve({ plugins, hostProvides: provides("rmi/Ledger") });
      assert.ok(Result.isSuccess(result), code);
      assert.deepEqual(result.success.order, [house]);
      assert.deepEqual(result.success.refused.map(({ plugin, failure }) => [plugin, failure.code]), [[rival, code]]);
    }
  }
});

Deno.test("of two optional plugins that claim the same, neither runs and both are listed", () => {
  const plugins = ["a", "b"].map((id) => plugin(id, { optional: true, provides: provides("c") }));
  const result = resolve({ plugins: [...plugins, plugin("core")] });
  assert.ok(Result.isSuccess(result));
  assert.deepEqual(result.success.order.map(({ id }) => id), ["core"]);
  assert.deepEqual(result.success.refused.map(({ plugin }) => plugin.id), ["a", "b"]);
  assert.deepEqual(order({ plugins: [...plugins, plugin("core")], choose: { c: "b" } }), ["a", "b", "core"]);
});

Deno.test("a wrong choice is the chooser's fault, and no optional provider is left out for it", () => {
  const plugins = [plugin("a", { optional: true, provides: provides("c") }), plugin("b", { provides: provides("c") })];
  assert.equal(fault({ plugins, choose: { c: "z" } }).code, "KERNEL_UNKNOWN_CHOICE");
});

Deno.test("what is no plugin at all is a malformed manifest, not a crash", () => {
  assert.equal(fault({ plugins: [plugin("a"), null as unknown as Plugin] }).code, "KERNEL_MANIFEST");
});

Deno.test("what the host provides satisfies a requirement without a plugin", () => {
  const plugins = [plugin("a", { requires: requires("rmi/Ledger") })];
  assert.deepEqual(order({ plugins, hostProvides: provides("rmi/Ledger") }), ["a"]);
});
