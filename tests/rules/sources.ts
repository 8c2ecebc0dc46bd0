/**
 * Sources: the files of this repository that its rules are about.
 */

/** The repository's root folder. */
export const ROOT: URL = new URL("../../", import.meta.url);

/** Folders of library code. */
export const ROOMS: ReadonlyArray<string> = ["kernel", "effects", "registry", "plugins"];

/** Folders of everything that is written by hand. */
export const ALL: ReadonlyArray<string> = [...ROOMS, "tests", "bench", "tasks", "examples"];

/** A source file. */
export interface Source {
  /** Its path from the root, with `/`. */
  readonly path: string;
  /** Its text. */
  readonly text: string;
}

const walk = (base: URL, folder: string): ReadonlyArray<string> => {
  let entries: ReadonlyArray<Deno.DirEntry>;
  try {
    entries = [...Deno.readDirSync(new URL(`${folder}/`, base))];
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) {
      return ["fixtures", "node_modules", "vectors", ".rmi", "out"].includes(entry.name) ? [] : walk(base, path);
    }
    return entry.isFile && entry.name.endsWith(".ts") ? [path] : [];
  });
};

/** The TypeScript files below folders of a tree, sorted; `mod.ts` at its root where it exists. */
export const pathsIn = (folders: ReadonlyArray<string>, base: URL = ROOT): ReadonlyArray<string> => {
  const front = [...Deno.readDirSync(base)].some((entry) => entry.name === "mod.ts") ? ["mod.ts"] : [];
  return [...front, ...folders.flatMap((folder) => walk(base, folder))].sort();
};

/** The same files with their texts. */
export const sourcesIn = (folders: ReadonlyArray<string>, base: URL = ROOT): ReadonlyArray<Source> =>
  pathsIn(folders, base).map((path) => ({ path, text: Deno.readTextFileSync(new URL(path, base)) }));
