/**
 * Browser-safe rooms bundle for a browser without `node:` modules and without `Deno`.
 *
 * The bundler is `deno bundle`, whose engine (esbuild) comes through npm into the cache.
 */
import assert from "node:assert/strict";
import { ROOT } from "./sources.ts";
import { codeOf } from "./tokens.ts";

/** Entries of rooms that run in a browser; those that exist are bundled. */
const ENTRIES: ReadonlyArray<string> = [
  "kernel/mod.ts",
  "plugins/ir/library.ts",
  "plugins/rmil/library.ts",
  "plugins/backends/codegen/mod.ts",
  "plugins/backends/cpu/mod.ts",
  "plugins/backends/webgpu/mod.ts",
  "plugins/neural/library.ts",
];

const exists = (path: string): boolean => {
  try {
    return Deno.statSync(new URL(path, ROOT)).isFile;
  } catch {
    return false;
  }
};

const bundled = (entry: string): { readonly text: string; readonly modules: number } => {
  const folder = Deno.makeTempDirSync();
  try {
    const { success, stdout, stderr } = new Deno.Command(Deno.execPath(), {
      args: [
        "bundle",
        "--platform",
        "browser",
        "--config",
        new URL("deno.json", ROOT).pathname,
        "-o",
        `${folder}/out.js`,
        entry,
      ],
      env: { NO_COLOR: "1" },
    }).outputSync();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert(success, said);
    return {
      text: Deno.readTextFileSync(`${folder}/out.js`),
      modules: Number(/Bundled (\d+) modules/u.exec(said)?.[1] ?? 0),
    };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

/** What a browser lacks: imports of node modules, and the words that name a server's own objects. */
const foreign = (text: string): ReadonlyArray<string> => {
  const tokens = codeOf(text);
  return tokens.flatMap((token, at) => {
    const before = tokens[at - 1]?.text;
    if (token.kind === "word" && token.text === "Deno" && before !== ".") return [`${token.line}: Deno`];
    const imported = before === "from" || before === "import" ||
      (before === "(" && ["import", "require", "__require"].includes(tokens[at - 2]?.text ?? ""));
    return token.kind === "literal" && /^["'`]node:/u.test(token.text) && imported
      ? [`${token.line}: ${token.text}`]
      : [];
  });
};

for (const entry of ENTRIES.filter(exists)) {
  Deno.test(`${entry} runs in a browser: its bundle needs neither node modules nor Deno`, () => {
    const { text, modules } = bundled(new URL(entry, ROOT).href);
    assert(modules >= 20 && text.length > 20_000, `${modules} modules, ${text.length} characters`);
    assert.deepEqual(foreign(text), []);
  });
}

Deno.test("a planted use of Deno or of a node module is found in a bundle", () => {
  const file = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    Deno.writeTextFileSync(
      file,
      'import { sep } from "node:path";\nexport const a = sep + Deno.cwd();\nexport const b = () => import("node:fs");\n' +
        'export const c = "Deno.cwd and node:fs";\n',
    );
    assert.equal(foreign(bundled(file).text).length, 3);
  } finally {
    Deno.removeSync(file);
  }
});
