/**
 * The generated files agree with the declarations, and say what their readers rely on.
 */
import assert from "node:assert/strict";
import { builtinPlugins } from "../../../plugins/builtin.ts";
import { generatedFiles } from "../../../plugins/surfaces/generate.ts";

const ROOT = new URL("../../../", import.meta.url);

const files = await generatedFiles();

const data = JSON.parse(files["plugins/surfaces/generated.json"]);

const declared = (await Promise.all(builtinPlugins.map((plugin) => plugin.operations()))).flat();

for (const [path, text] of Object.entries(files)) {
  Deno.test(`${path} is what \`deno task docs\` writes`, () => {
    assert.ok(Deno.readTextFileSync(new URL(path, ROOT)) === text, `run: deno task docs (${path} is out of date)`);
  });
}

Deno.test("generating twice gives the same bytes", async () => {
  assert.deepEqual(await generatedFiles(), files);
});

Deno.test("every built-in operation is in the generated data, the pages and the completions", () => {
  assert.ok(declared.length >= 20, `${declared.length} operations`);
  for (const { id, summary, effects, kinds } of declared) {
    assert.deepEqual([data.operations[id].summary, data.operations[id].effects], [summary, [...effects]]);
    assert.deepEqual(data.operations[id].kinds, [...kinds]);
    const [namespace, ...verb] = id.split(".");
    const words = `${namespace} ${verb.join(".")}`;
    assert.ok(data.helpOf[words].includes(summary), words);
    assert.ok(data.helpOf[namespace].includes(verb.join(".")), words);
    assert.ok(data.help.includes(namespace), namespace);
    assert.ok(files["docs/operations.md"].includes(`### ${id}\n`), id);
    for (const shell of ["bash", "zsh", "fish"]) assert.ok(data.completions[shell].includes(verb.join(".")), id);
  }
});

Deno.test("fields with a path role are in the generated data with their use", () => {
  const fields: string[] = Object.values(data.operations as Record<string, { paths: { field: string; use: string }[] }>)
    .flatMap(({ paths }) => paths.map(({ field, use }) => `${field} ${use}`));
  assert.ok(
    data.operations["surfaces.serve"].paths.some((path: { field: string; use: string }) =>
      path.field === "/tokens" && path.use === "read"
    ),
  );
  for (const field of fields) assert.match(field, /^\/\S+ (?:read|write)$/u);
});

Deno.test("short names lead to operations that exist", () => {
  assert.equal(data.aliases.describe, "kernel.describe");
  for (const id of Object.values(data.aliases as Record<string, string>)) assert.ok(data.operations[id], id);
});

Deno.test("the manifest is small and without colour", () => {
  assert.ok(data.manifest.length / 4 < 1_000, `${data.manifest.length} characters`);
  // deno-lint-ignore no-control-regex -- colours are escape sequences
  for (const text of [data.manifest, data.help, ...Object.values(data.helpOf)]) assert.doesNotMatch(text, /\u001b/u);
});

const sources = function* (folder: URL): Generator<URL> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* sources(new URL(`${name}/`, folder));
    else if (name.endsWith(".ts")) yield new URL(name, folder);
  }
};

Deno.test("every failure code in the source has its heading in the failures page", () => {
  const codes = ["kernel", "effects", "registry", "plugins"].flatMap((room) =>
    [...sources(new URL(`${room}/`, ROOT))].flatMap((file) =>
      [...Deno.readTextFileSync(file).replaceAll(/^ \*.*$/gmu, "").matchAll(/\bfailure\("([A-Z][A-Z0-9_]+)"/gu)]
        .map(([, code]) => code)
    )
  );
  assert.ok(codes.length > 50, `${codes.length} codes`);
  for (const code of codes) assert.ok(files["docs/failures.md"].includes(`\n### ${code}\n`), code);
});
