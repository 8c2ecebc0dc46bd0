/**
 * Tests of registry/optional.ts: what comes along with an empty cache, and what is said of what does not.
 */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { loadOptional, optionalPackages } from "../../registry/optional.ts";
import { fromFileUrl } from "./paths.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

/** Everything the default path may bring. */
const DEFAULT_PACKAGES = ["@msgpack/msgpack", "@noble/hashes", "effect", "lz4-wasm-nodejs"];

interface Graph {
  readonly modules: ReadonlyArray<{ readonly specifier: string; readonly kind?: string; readonly npmPackage?: string }>;
  readonly npmPackages: { readonly [id: string]: { readonly name: string } };
}

Deno.test("the default path brings four small packages and no other, from any entry", async () => {
  for (const entry of ["plugins/surfaces/cli/main.ts", "mod.ts", "registry/host_child.ts", "kernel/launch.ts"]) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--no-lock", entry],
      cwd: ROOT,
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const graph = JSON.parse(new TextDecoder().decode(stdout)) as Graph;
    const names = [...new Set(Object.values(graph.npmPackages ?? {}).map(({ name }) => name))].sort();
    assert.deepEqual(names.filter((name) => !DEFAULT_PACKAGES.includes(name)), [], entry);
    const remote = graph.modules.filter(({ specifier }) => /^(?:https?|jsr):/u.test(specifier));
    assert.deepEqual(remote, []);
    assert.ok(graph.modules.length >= (entry === "kernel/launch.ts" ? 2 : 40), `${entry} ${graph.modules.length}`);
  }
});

Deno.test("every optional package has an exact version, a size and a purpose, and is none of the default ones", () => {
  for (const { name, version, sizeMb, purpose, plugin } of optionalPackages) {
    assert.match(version, /^\d+\.\d+\.\d+$/u, name);
    assert.ok(sizeMb > 0 && purpose !== "" && plugin !== "", name);
    assert.ok(!DEFAULT_PACKAGES.includes(name), name);
  }
});

Deno.test("a package that is absent is a typed failure with the command that installs it", async () => {
  const failure = await Effect.runPromise(Effect.flip(loadOptional("no-such-package")));
  assert.equal(failure.code, "KERNEL_PACKAGE_ABSENT");
  assert.equal(failure.fix?.command, "rmi install no-such-package");
  const near = await Effect.runPromise(Effect.flip(loadOptional("oxigraf")));
  assert.deepEqual(near.suggestions, ["oxigraph"]);
});
