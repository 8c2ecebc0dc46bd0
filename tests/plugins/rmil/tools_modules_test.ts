import assert from "node:assert/strict";
import { Failure, type Json, random } from "../../../kernel/mod.ts";
import { MAX_DEPENDENCIES, type ModuleMeta, ModuleRegistry, showModule } from "../../../plugins/rmil/tools/modules.ts";
import { lockFromJson, lockOf, MAX_RESOLVED, resolveModules } from "../../../plugins/rmil/tools/resolution.ts";
import { inRange, MAX_VERSION_LENGTH, rangeOf, showVersion, versionOf } from "../../../plugins/rmil/tools/versions.ts";

const vectors = JSON.parse(Deno.readTextFileSync(new URL("../../vectors/rmil/registry.json", import.meta.url)));

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof Failure, String(cause));
    return cause.code;
  }
  return "none";
};

const BYTES = Uint8Array.of(1, 2, 3);

type Given = readonly [name: string, version: string, dependencies?: { readonly [name: string]: string }];

const registryOf = (...given: ReadonlyArray<Given>): ModuleRegistry => {
  const registry = new ModuleRegistry();
  for (const [name, version, dependencies] of given) registry.publish({ name, version, dependencies }, BYTES);
  return registry;
};

const order = (registry: ModuleRegistry, asked: { readonly [name: string]: string }) =>
  resolveModules(registry, asked).order.map(showModule);

/** Where the original is not semver: its caret widens below 1.0.0. */
const CORRECTED: { readonly [range: string]: ReadonlyArray<string> } = {
  "^0.1.0": ["0.1.0"],
  "^0.0.1": ["0.0.1"],
};

Deno.test("ranges match what the original's do, with the proper caret below 1.0.0", () => {
  for (const { req, matches } of vectors.requirements) {
    const range = rangeOf(req);
    const found = vectors.versions.filter((text: string) => inRange(range, versionOf(text)));
    assert.deepEqual(found, CORRECTED[req] ?? matches, req);
  }
});

Deno.test("full ranges: tilde, comparators, conjunction, alternatives, pre-releases", () => {
  const cases: ReadonlyArray<readonly [string, string, boolean]> = [
    ["~1.2.3", "1.2.9", true],
    ["~1.2.3", "1.3.0", false],
    [">=1.0.0 <2.0.0", "1.9.9", true],
    [">=1.0.0 <2.0.0", "2.0.0", false],
    ["^1.0.0 || ^3.0.0", "3.1.0", true],
    ["^1.0.0 || ^3.0.0", "2.1.0", false],
    ["^1.0.0", "1.1.0-beta.1", false],
    [">=1.0.0-alpha", "1.0.0-beta", true],
    ["1.x", "1.7.0", true],
  ];
  for (const [range, version, holds] of cases) {
    assert.equal(inRange(rangeOf(range), versionOf(version)), holds, `${range} ${version}`);
  }
});

Deno.test("text that is no version is a failure that quotes it", () => {
  for (const text of ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.x", "-1.0.0", "01.0.0", "1.2.3 ", "9".repeat(400)]) {
    assert.equal(codeOf(() => versionOf(text)), "RMIL_MODULE", text);
  }
  assert.equal(codeOf(() => rangeOf("^a")), "RMIL_MODULE");
  assert.equal(codeOf(() => rangeOf("1".repeat(MAX_VERSION_LENGTH + 1))), "RMIL_MODULE");
  assert.equal(showVersion(versionOf("1.0.0-beta+b")), "1.0.0-beta+b");
});

Deno.test("names that the original takes are taken, others refused", () => {
  for (const { name, accepted } of vectors.names) {
    const text = /^12[89] letters a$/u.test(name) ? "a".repeat(parseInt(name)) : name;
    assert.equal(codeOf(() => registryOf([text, "1.0.0"])), accepted ? "none" : "RMIL_MODULE", name);
  }
});

Deno.test("the highest version in a range is found, and nothing outside of it", () => {
  const registry = registryOf(["m", "1.0.4"], ["m", "1.0.2"], ["m", "2.0.0"], ["m", "1.0.0"]);
  assert.equal(showModule(registry.highest("m", "~1.0.2")), "m@1.0.4");
  assert.equal(showModule(registry.highest("m", "^1.0.0")), "m@1.0.4");
  assert.equal(codeOf(() => registry.highest("m", "^3.0.0")), "RMIL_MODULE_UNKNOWN");
});

Deno.test("a published version never changes", () => {
  const registry = registryOf(["m", "1.0.0"]);
  assert.equal(codeOf(() => registry.publish({ name: "m", version: "1.0.0" }, Uint8Array.of(9))), "RMIL_MODULE_EXISTS");
  assert.equal(codeOf(() => registry.publish({ name: "m", version: "1.0.0+b" }, BYTES)), "RMIL_MODULE_EXISTS");
});

Deno.test("bytes changed behind the registry's back are refused", () => {
  const registry = registryOf(["m", "1.0.0"]);
  registry.versions("m")[0].bytes[0] ^= 1;
  assert.equal(codeOf(() => registry.get("m", "1.0.0")), "RMIL_MODULE_DIGEST");
  assert.equal(codeOf(() => resolveModules(registry, { m: "*" })), "RMIL_MODULE_DIGEST");
});

Deno.test("bytes changed by their publisher afterwards change nothing", () => {
  const bytes = Uint8Array.of(1);
  const registry = new ModuleRegistry();
  registry.publish({ name: "m", version: "1.0.0" }, bytes);
  bytes[0] = 9;
  assert.deepEqual(registry.get("m", "1.0.0").bytes, Uint8Array.of(1));
});

Deno.test("listing and search do not depend on the order of publishing", () => {
  const metas: ReadonlyArray<ModuleMeta> = [
    { name: "Vision", version: "1.0.0", tags: ["NN", "image"] },
    { name: "vision_extra", version: "0.1.0", tags: ["image"] },
    { name: "vision_extra", version: "0.2.0" },
    { name: "text", version: "1.0.0", tags: ["nn"] },
  ];
  const draw = random("publishing");
  for (let round = 0; round < 10; round++) {
    const registry = new ModuleRegistry();
    for (const meta of draw.shuffle(metas)) registry.publish(meta, BYTES);
    assert.deepEqual(registry.names, ["Vision", "text", "vision_extra"]);
    assert.deepEqual(registry.withTag("nn").map(showModule), ["Vision@1.0.0", "text@1.0.0"]);
    assert.deepEqual(registry.search("VISION").map(showModule), ["Vision@1.0.0", "vision_extra@0.2.0"]);
    assert.equal(registry.size, 4);
  }
});

Deno.test("what is needed stands before what needs it", () => {
  const registry = registryOf(["top", "1.0.0", { middle: "^1.0.0" }], ["middle", "1.0.0", { base: "*" }], [
    "base",
    "1.0.0",
  ]);
  assert.deepEqual(order(registry, { top: "*" }), ["base@1.0.0", "middle@1.0.0", "top@1.0.0"]);
});

const diamond = (left: string, right: string) =>
  registryOf(
    ["base", "1.0.0"],
    ["base", "1.1.0"],
    ["base", "2.0.0"],
    ["left", "1.0.0", { base: left }],
    ["right", "1.0.0", { base: right }],
    ["top", "1.0.0", { left: "^1.0.0", right: "^1.0.0" }],
  );

Deno.test("a diamond gets one version that suits both sides", () => {
  assert.deepEqual(order(diamond("^1.0.0", ">=1.0.0"), { top: "*" }), [
    "base@1.1.0",
    "left@1.0.0",
    "right@1.0.0",
    "top@1.0.0",
  ]);
});

Deno.test("a diamond without such a version says who needs what", () => {
  const failure = (() => {
    try {
      resolveModules(diamond("^1.0.0", "^2.0.0"), { top: "*" });
    } catch (cause) {
      return cause as Failure;
    }
  })();
  assert.equal(failure?.code, "RMIL_MODULE_CONFLICT");
  assert.match(failure!.message, /base: left@1\.0\.0 needs \^1\.0\.0, right@1\.0\.0 needs \^2\.0\.0/u);
});

Deno.test("where the highest version leads nowhere, a lower one is chosen", () => {
  const registry = registryOf(
    ["a", "1.0.0", { b: "^1.0.0" }],
    ["a", "2.0.0", { b: "^2.0.0" }],
    ["b", "1.0.0"],
    ["b", "2.0.0", { c: "^9.0.0" }],
  );
  assert.deepEqual(order(registry, { a: "*" }), ["b@1.0.0", "a@1.0.0"]);
});

Deno.test("a circle is reported with its path, and avoided where versions allow", () => {
  const circular = registryOf(["a", "1.0.0", { b: "*" }], ["b", "1.0.0", { c: "*" }], ["c", "1.0.0", { a: "*" }]);
  assert.throws(
    () => resolveModules(circular, { a: "*" }),
    (cause) => cause instanceof Failure && cause.message.includes("a@1.0.0 → b@1.0.0 → c@1.0.0 → a@1.0.0"),
  );
  circular.publish({ name: "c", version: "0.9.0" }, BYTES);
  assert.deepEqual(order(circular, { a: "*" }), ["c@0.9.0", "b@1.0.0", "a@1.0.0"]);
});

Deno.test("a module that needs itself is a circle", () => {
  assert.equal(codeOf(() => resolveModules(registryOf(["a", "1.0.0", { a: "*" }]), { a: "*" })), "RMIL_MODULE_CYCLE");
});

Deno.test("a missing dependency names who needs it, a misspelled one the nearest", () => {
  const registry = registryOf(["top", "1.0.0", { bse: "^1.0.0" }], ["base", "1.0.0"]);
  assert.throws(
    () => resolveModules(registry, { top: "*" }),
    (cause) =>
      cause instanceof Failure && cause.code === "RMIL_MODULE_UNKNOWN" && cause.message.includes("top@1.0.0") &&
      cause.suggestions[0] === "base",
  );
});

Deno.test("a lock keeps versions when newer ones appear, and survives JSON", () => {
  const registry = registryOf(["m", "1.0.0"], ["other", "1.0.0"]);
  const lock = lockFromJson(JSON.parse(JSON.stringify(lockOf(resolveModules(registry, { m: "^1.0.0" })))));
  registry.publish({ name: "m", version: "1.1.0" }, BYTES);
  assert.deepEqual(order(registry, { m: "^1.0.0" }), ["m@1.1.0"]);
  assert.deepEqual(resolveModules(registry, { m: "^1.0.0" }, lock).order.map(showModule), ["m@1.0.0"]);
  // A lock that no longer suits what is asked for gives way.
  assert.deepEqual(resolveModules(registry, { m: "^1.1.0" }, lock).order.map(showModule), ["m@1.1.0"]);
});

Deno.test("a lock with another digest is refused", () => {
  const lock = lockOf(resolveModules(registryOf(["m", "1.0.0"]), { m: "*" }));
  const forged = new ModuleRegistry();
  forged.publish({ name: "m", version: "1.0.0" }, Uint8Array.of(6, 6, 6));
  assert.equal(codeOf(() => resolveModules(forged, { m: "*" }, lock)), "RMIL_MODULE_DIGEST");
});

Deno.test("a yanked version is no longer chosen, but what is locked to it still gets it", () => {
  const registry = registryOf(["m", "1.0.0"], ["m", "1.1.0"]);
  const lock = lockOf(resolveModules(registry, { m: "*" }));
  registry.yank("m", "1.1.0");
  assert.deepEqual(order(registry, { m: "*" }), ["m@1.0.0"]);
  assert.deepEqual(resolveModules(registry, { m: "*" }, lock).order.map(showModule), ["m@1.1.0"]);
  assert.equal(codeOf(() => registry.yank("m", "3.0.0")), "RMIL_MODULE_UNKNOWN");
});

Deno.test("a malformed lock is a failure with its place", () => {
  const malformed: ReadonlyArray<Json> = [null, {}, { format: 2, modules: {} }, { format: 1, modules: { m: {} } }];
  for (const json of malformed) {
    assert.equal(codeOf(() => lockFromJson(json)), "RMIL_MODULE");
  }
});

Deno.test("names that objects have by themselves are ordinary names", () => {
  const registry = registryOf(["constructor", "1.0.0", { toString: "*" }], ["toString", "1.0.0"], [
    "__proto__",
    "1.0.0",
  ]);
  const asked = JSON.parse('{"constructor":"*","__proto__":"*"}');
  const resolution = resolveModules(registry, asked, { format: 1, modules: {} });
  assert.deepEqual(resolution.order.map(showModule), ["__proto__@1.0.0", "toString@1.0.0", "constructor@1.0.0"]);
  assert.equal(Object.keys(lockOf(resolution).modules).length, 3);
});

Deno.test("the choice agrees with trying every combination, on random registries", () => {
  const draw = random("registries");
  const names = ["a", "b", "c", "d"];
  const versions = ["1.0.0", "1.1.0", "2.0.0"];
  const ranges = ["*", "^1.0.0", "~1.0.0", "^2.0.0", ">=1.1.0"];
  for (let round = 0; round < 200; round++) {
    const given: Array<Given> = names.flatMap((name, at) =>
      versions.filter(() => draw.below(4) > 0).map((version): Given => [
        name,
        version,
        Object.fromEntries(
          names.slice(at + 1).filter(() => draw.below(2) === 0).map((other) => [other, draw.pick(ranges)]),
        ),
      ])
    );
    const suits = (range: string, version: string) => inRange(rangeOf(range), versionOf(version));
    // By brute force: does any choice of at most one version a name satisfy a and all that follows?
    const options = names.map((name) => [undefined, ...given.filter((each) => each[0] === name)]);
    const choices = options.reduce<ReadonlyArray<ReadonlyArray<Given | undefined>>>(
      (all, option) => all.flatMap((choice) => option.map((each) => [...choice, each])),
      [[]],
    );
    const solvable = choices.some((choice) => {
      const at = (name: string) => choice.find((each) => each?.[0] === name);
      return at("a") !== undefined && choice.every((each) =>
        Object.entries(each?.[2] ?? {}).every(([name, range]) => {
          const chosen = at(name);
          return chosen !== undefined && suits(range, chosen[1]);
        })
      );
    });
    const registry = registryOf(...given);
    const code = codeOf(() => {
      const found = resolveModules(registry, { a: "*" }).order;
      for (const module of found) {
        for (const { name, range } of module.dependencies) {
          const position = found.findIndex((each) => each.name === name);
          assert.ok(position >= 0 && position < found.indexOf(module) && inRange(range, found[position].version));
        }
      }
    });
    assert.equal(code === "none", solvable, `round ${round}: ${code}`);
  }
});

Deno.test("as many dependencies as allowed are taken, one more is refused", () => {
  const needing = (count: number) =>
    registryOf(["m", "1.0.0", Object.fromEntries(Array.from({ length: count }, (_, i) => [`d${i}`, "*"]))]);
  assert.equal(codeOf(() => needing(MAX_DEPENDENCIES)), "none");
  assert.equal(codeOf(() => needing(MAX_DEPENDENCIES + 1)), "RMIL_MODULE");
});

Deno.test("as many modules as allowed are resolved together, one more is refused", () => {
  const chain = (count: number) =>
    registryOf(
      ...Array.from({ length: count }, (_, i): Given => [`m${i}`, "1.0.0", i === 0 ? {} : { [`m${i - 1}`]: "*" }]),
    );
  assert.equal(order(chain(MAX_RESOLVED), { [`m${MAX_RESOLVED - 1}`]: "*" }).length, MAX_RESOLVED);
  assert.equal(codeOf(() => resolveModules(chain(MAX_RESOLVED + 1), { [`m${MAX_RESOLVED}`]: "*" })), "RMIL_MODULE");
});
