/**
 * Generate: writes the files that follow from the declarations: `plugins/surfaces/generated.json` (answers of the
 * launcher), `docs/operations.md` and `docs/failures.md`. `deno task docs` runs it; a test compares the files with it.
 *
 * Invariant: running it twice changes nothing.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { makeCatalogue } from "../../kernel/catalogue.ts";
import { kernelPlugin } from "../../kernel/manifest.ts";
import type { AnyFailureDefinition, Kernel, Plugin } from "../../kernel/mod.ts";
import { platformDisk } from "../../kernel/platform/disk.ts";
import { platformTerminal } from "../../kernel/platform/terminal.ts";
import { optionalPackages } from "../../registry/optional.ts";
import { builtinPlugins } from "../builtin.ts";
import { generatedData } from "./generate/data.ts";
import { type FailureCatalogue, failuresPage, operationsPage } from "./generate/pages.ts";

/** The project's folder. */
const ROOT = new URL("../../", import.meta.url);

/** Rooms with a failure catalogue besides the plugins'. */
const ROOMS: ReadonlyArray<string> = ["kernel", "effects", "registry"];

const isRow = (value: unknown): value is AnyFailureDefinition =>
  typeof value === "function" && typeof (value as { code?: unknown }).code === "string" &&
  typeof (value as { doc?: unknown }).doc === "string";

/** A path in the project as a file's; Windows writes `C:/x`, a URL `/C:/x`. */
const fileOf = (path: string): string =>
  decodeURIComponent(new URL(path, ROOT).pathname).replace(/^\/([A-Za-z]:)/u, "$1");

const exists = async (path: string): Promise<boolean> => await platformDisk.stat(fileOf(path)) !== undefined;

/** Where a room keeps its failures: in its folder, and in those of its parts that have a catalogue of their own. */
const catalogueFiles = async (room: string): Promise<ReadonlyArray<string>> => {
  const parts = (await platformDisk.list(fileOf(room))).toSorted();
  const files = [`${room}/failures.ts`, ...parts.map((part) => `${room}/${part}/failures.ts`)];
  const there = await Promise.all(files.map(exists));
  return files.filter((_, index) => there[index]);
};

/** The failure catalogues of all rooms, as they are in the source tree. */
export const failureCatalogues = async (): Promise<ReadonlyArray<FailureCatalogue>> => {
  const plugins = (await platformDisk.list(fileOf("plugins"))).filter((name) => !name.includes(".")).toSorted();
  const found: Array<FailureCatalogue> = [];
  for (const room of [...ROOMS, ...plugins.map((name) => `plugins/${name}`)]) {
    const rows: Array<AnyFailureDefinition> = [];
    for (const file of await catalogueFiles(room)) {
      rows.push(...Object.values(await import(new URL(file, ROOT).href)).filter(isRow));
    }
    if (rows.length > 0) found.push({ room, rows });
  }
  return found;
};

const neverAsked = (): Kernel => {
  throw new Error("declarations are read without a kernel");
};

/** The generated files by path in the project. */
export const generatedFiles = async (): Promise<{ readonly [path: string]: string }> => {
  const plugins: ReadonlyArray<Plugin> = [kernelPlugin(neverAsked, undefined), ...builtinPlugins];
  const catalogue = makeCatalogue(plugins, { decide: () => Effect.die("nothing is called"), visible: () => true });
  const declared = await Effect.runPromise(catalogue.visible("user@headless"));
  const [fault] = catalogue.broken.values();
  if (fault !== undefined) throw fault;
  const optional = Object.fromEntries(optionalPackages.map(({ name, version }) => [name, `npm:${name}@${version}`]));
  const data = await Effect.runPromise(generatedData({ plugins, catalogue, optional }));
  return {
    "plugins/surfaces/generated.json": `${JSON.stringify(data, null, 2)}\n`,
    "docs/operations.md": operationsPage(plugins, declared.map(({ operation }) => operation)),
    "docs/failures.md": failuresPage(await failureCatalogues()),
  };
};

if (import.meta.main) {
  for (const [path, text] of Object.entries(await generatedFiles())) {
    await platformDisk.write(fileOf(path), new TextEncoder().encode(text));
    platformTerminal.write("stdout", `${path}\n`);
  }
}
