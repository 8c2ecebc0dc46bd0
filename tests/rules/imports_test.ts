/**
 * The import rule: the kernel imports nothing of ours, effects the kernel, the registry both, and a plugin those three
 * and other plugins' contracts and libraries.
 */
import assert from "node:assert/strict";
import { pathsIn, ROOMS, ROOT } from "./sources.ts";

/** An import of one file of ours by another, paths from the root. */
interface Import {
  readonly from: string;
  readonly to: string;
}

/** Fewest imports that the graph must show: a rule that saw nothing has proved nothing. */
const FEWEST_IMPORTS = 300;
const FEWEST_MODULES = 60;

/** Roots that put the system together: they may import what any plugin offers to its users. */
const COMPOSING = /^(?:mod\.ts|plugins\/[^/]+\.ts|plugins\/surfaces\/.*)$/u;
const OFFERED = /^plugins\/[^/]+\/(?:mod|contract|library|manifest|operations|failures)\.ts$/u;
const SHARED = /^plugins\/[^/]+\/(?:contract|library)\.ts$/u;

/** Data that the supervisor answers from without loading code. */
const DATA = /\.json$/u;

const BELOW: { readonly [room: string]: ReadonlyArray<string> } = {
  kernel: ["kernel"],
  effects: ["kernel", "effects"],
  registry: ["kernel", "effects", "registry"],
  plugins: ["kernel", "effects", "registry"],
};

const roomOf = (path: string): string => path.split("/", 1)[0];
const pluginOf = (path: string): string => path.split("/", 2).join("/");

const isAllowed = ({ from, to }: Import): boolean => {
  if (DATA.test(to)) return true;
  const room = roomOf(from);
  if (
    COMPOSING.test(from) &&
    (OFFERED.test(to) || COMPOSING.test(to) || ["kernel", "effects", "registry"].includes(roomOf(to)))
  ) {
    return true;
  }
  if (BELOW[room]?.includes(roomOf(to))) return true;
  return room === "plugins" && roomOf(to) === "plugins" && (pluginOf(from) === pluginOf(to) || SHARED.test(to));
};

interface Info {
  readonly modules: ReadonlyArray<{
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: ReadonlyArray<{
      readonly code?: { readonly specifier: string };
      readonly type?: { readonly specifier: string };
    }>;
  }>;
}

/** Every import between files of a tree, static, dynamic and of types, as `deno info` sees them. */
const importsOf = (
  base: URL,
  folders: ReadonlyArray<string>,
): { readonly imports: ReadonlyArray<Import>; readonly modules: number } => {
  const entry = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    const paths = pathsIn(folders, base);
    Deno.writeTextFileSync(entry, paths.map((path) => `import "${new URL(path, base).href}";`).join("\n"));
    const config = new URL("deno.json", ROOT).pathname;
    const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--no-lock", "--config", config, entry],
    }).outputSync();
    assert(success, new TextDecoder().decode(stderr));
    const info: Info = JSON.parse(new TextDecoder().decode(stdout));
    const ours = (specifier: string | undefined): specifier is string => specifier?.startsWith(base.href) ?? false;
    const local = (specifier: string): string => specifier.slice(base.href.length);
    const imports = info.modules.filter((module) => ours(module.specifier)).flatMap((module) =>
      (module.dependencies ?? []).flatMap(({ code, type }) =>
        [code?.specifier, type?.specifier].filter(ours).map((to) => ({ from: local(module.specifier), to: local(to) }))
      )
    );
    const modules = info.modules.filter((module) => ours(module.specifier)).map((module) => local(module.specifier));
    assert.deepEqual(paths.filter((path) => !modules.includes(path)), [], "files that the graph does not hold");
    return { imports, modules: modules.length };
  } finally {
    Deno.removeSync(entry);
  }
};

const violationsIn = (imports: ReadonlyArray<Import>): ReadonlyArray<string> =>
  imports.filter((found) => !isAllowed(found)).map(({ from, to }) => `${from} imports ${to}`).sort();

Deno.test("every import keeps the rule", () => {
  const { imports, modules } = importsOf(ROOT, ROOMS);
  assert(modules >= FEWEST_MODULES, `only ${modules} modules`);
  assert(imports.length >= FEWEST_IMPORTS, `only ${imports.length} imports`);
  assert.deepEqual(violationsIn(imports), []);
});

Deno.test("planted violations are found: static, dynamic, of types, re-exported, and past a contract", () => {
  const base = new URL("./fixtures/imports/", import.meta.url);
  const { imports } = importsOf(base, ROOMS);
  assert.deepEqual(violationsIn(imports), [
    "effects/reaches_up.ts imports registry/mod.ts",
    "kernel/lazy.ts imports plugins/one/mod.ts",
    "kernel/reexports.ts imports effects/mod.ts",
    "kernel/types_only.ts imports effects/mod.ts",
    "plugins/one/mod.ts imports plugins/two/inside.ts",
    "plugins/surfaces/mod.ts imports plugins/two/inside.ts",
    "registry/mod.ts imports plugins/two/contract.ts",
  ]);
});
