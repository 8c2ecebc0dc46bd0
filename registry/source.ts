/**
 * Source: where a third-party plugin's code is, which files belong to it, and their one digest.
 *
 * Not its execution: files are read as bytes and never imported here.
 * Invariant: the digest covers every file that the plugin's process may read, by name and content; a link is refused.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Digest, digestBytes, digestJson, type DiskDriver, isInside, resolvePath } from "../kernel/mod.ts";
import { type RegistryFailure, unusableSource } from "./failures.ts";

/** Files of one plugin. */
export const MAX_FILES = 500;

/** Bytes of one plugin's files together. */
export const MAX_CODE_BYTES = 16 * 1024 * 1024;

/** Names of the entry in a plugin's folder, first found first. */
const ENTRIES = ["plugin.ts", "plugin.js", "mod.ts", "mod.js"];

const CODE = /\.(?:ts|mts|js|mjs)$/u;
const PACKAGE = /^(?:npm|jsr):(?:@[a-z0-9._-]+\/)?[a-z0-9._-]+@\d+\.\d+\.\d+[\w.+-]*(?:\/[\w./-]*)?$/u;

/** The steps of a disk that finding code needs. */
export type Files = Pick<DiskDriver, "read" | "list" | "stat" | "realPath">;

/** A plugin's code. */
export interface Source {
  /** As the user wrote it. */
  readonly source: string;
  /** What a process imports: an absolute file, or a package specifier. */
  readonly entry: string;
  /** Its folder, where it is one. */
  readonly folder?: string;
  /** What its process may read. */
  readonly read: ReadonlyArray<string>;
  /** Digest of its files; of the specifier for a package, whose content its exact version names. */
  readonly code: Digest;
}

/** Whether a source is a package rather than a path. */
export const isPackage = (source: string): boolean => /^(?:npm|jsr):/u.test(source);

/** A package's specifier without its version. */
const unversioned = (source: string): string => isPackage(source) ? source.replace(/(.)@\d[^/]*/u, "$1") : source;

/** Whether two sources are one plugin's: the same path, or versions of the same package. */
export const sameOrigin = (one: string, other: string): boolean => unversioned(one) === unversioned(other);

const steps = <A>(source: string, run: () => Promise<A>): Effect.Effect<A, RegistryFailure> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => unusableSource({ source, reason: cause instanceof Error ? cause.message : String(cause) }),
  });

const filesIn = async (files: Files, folder: string): Promise<ReadonlyArray<readonly [string, Uint8Array]>> => {
  const found: Array<readonly [string, Uint8Array]> = [];
  let bytes = 0;
  const waiting = [folder];
  for (let here = waiting.shift(); here !== undefined; here = waiting.shift()) {
    for (const name of [...await files.list(here)].sort()) {
      const file = `${here}/${name}`;
      if (await files.realPath(file) !== file) throw new Error(`${file.slice(folder.length + 1)} is a link`);
      const stat = await files.stat(file);
      if (stat?.kind === "folder") waiting.push(file);
      if (stat?.kind !== "file") continue;
      bytes += stat.size;
      if (found.length >= MAX_FILES) throw new Error(`it has more than ${MAX_FILES} files`);
      if (bytes > MAX_CODE_BYTES) throw new Error(`its files hold more than ${MAX_CODE_BYTES} bytes`);
      found.push([file.slice(folder.length + 1), await files.read(file)]);
    }
  }
  return found.sort(([a], [b]) => a < b ? -1 : 1);
};

const digestOf = (files: ReadonlyArray<readonly [string, Uint8Array]>): Digest =>
  digestJson(files.map(([name, bytes]) => [name, digestBytes(bytes)]));

const inFolder = async (files: Files, source: string, folder: string, workspace: string): Promise<Source> => {
  if (isInside(workspace, folder)) throw new Error("a plugin's folder may not hold the workspace");
  const all = await filesIn(files, folder);
  const entry = ENTRIES.find((name) => all.some(([file]) => file === name));
  if (entry === undefined) throw new Error(`the folder holds none of ${ENTRIES.join(", ")}`);
  return { source, entry: `${folder}/${entry}`, folder, read: [folder], code: digestOf(all) };
};

const inFile = async (files: Files, source: string, file: string, size: number): Promise<Source> => {
  if (!CODE.test(file)) throw new Error("it is no .ts or .js file");
  if (size > MAX_CODE_BYTES) throw new Error(`it holds more than ${MAX_CODE_BYTES} bytes`);
  return { source, entry: file, read: [file], code: digestOf([["", await files.read(file)]]) };
};

/** Finds the code of a plugin. */
export const findSource = (files: Files, workspace: string, source: string): Effect.Effect<Source, RegistryFailure> =>
  steps(source, async () => {
    if (isPackage(source)) {
      if (!PACKAGE.test(source)) throw new Error("a package needs an exact version, like npm:name@1.2.3");
      return { source, entry: source, read: [], code: digestJson(source) };
    }
    // Links to the plugin itself are followed once, here; what is locked and read is the real place.
    const path = await files.realPath(resolvePath(workspace, source));
    const stat = await files.stat(path);
    if (stat === undefined) throw new Error("nothing is there");
    if (stat.kind === "folder") return await inFolder(files, source, path, workspace);
    if (stat.kind === "file") return await inFile(files, source, path, stat.size);
    throw new Error("it is neither a file nor a folder");
  });

/** A path as the lock writes it: relative to the workspace where it lies inside. */
export const lockedPath = (workspace: string, path: string): string =>
  !isPackage(path) && isInside(path, workspace) ? path.slice(workspace.length + 1) : path;
