/**
 * Platform disk: the raw steps on a real file system, through `node:fs` (Deno and Node alike).
 *
 * Not gated: only `diskOver` in kernel/disk.ts and the composition roots may hold it.
 *
 * @module
 */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import process from "node:process";
import type { DiskDriver } from "../disk.ts";

const isAbsent = (cause: unknown): boolean => {
  const code = (cause as { code?: string }).code;
  return code === "ENOENT" || code === "ENOTDIR";
};

const syncPath = async (file: string): Promise<void> => {
  const handle = await fs.open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const mayNot = (cause: unknown): boolean => {
  const { code, name } = cause as { code?: string; name?: string };
  return code === "EACCES" || code === "EPERM" || name === "NotCapable";
};

const syncFolder = async (folder: string): Promise<void> => {
  // Windows cannot open a folder for syncing; its file systems journal metadata themselves.
  if (path.sep === "\\") return;
  try {
    await syncPath(folder);
  } catch (cause) {
    // Writing into a folder needs no right to read it, syncing does: the parent of a granted folder may lack it, and
    // its entries then become durable with the file system's own next commit.
    if (!mayNot(cause)) throw cause;
  }
};

const realPath = async (file: string): Promise<string> => {
  const tail: string[] = [];
  for (let here = path.resolve(file);; here = path.dirname(here)) {
    try {
      return path.join(await fs.realpath(here), ...tail);
    } catch (cause) {
      if (!isAbsent(cause)) throw cause;
      // A dangling link has no real path, but writing through it would create its target: refuse it.
      const link = await fs.lstat(here).catch(() => undefined);
      if (link?.isSymbolicLink()) throw new Error(`"${here}" is a link to nowhere`);
      if (path.dirname(here) === here) throw cause;
      tail.unshift(path.basename(here));
    }
  }
};

/** The real file system. */
export const platformDisk: DiskDriver = {
  read: async (file) => new Uint8Array(await fs.readFile(file)),
  write: (file, bytes) => fs.writeFile(file, bytes),
  sync: syncPath,
  syncFolder,
  rename: fs.rename,
  remove: (file) => fs.rm(file, { recursive: true, force: true }),
  makeFolder: async (folder) => {
    await fs.mkdir(folder, { recursive: true });
  },
  list: (folder) => fs.readdir(folder),
  stat: async (file) => {
    try {
      const found = await fs.stat(file);
      return {
        kind: found.isFile() ? "file" : found.isDirectory() ? "folder" : "other",
        size: found.size,
        modifiedMs: found.mtimeMs,
      };
    } catch (cause) {
      if (isAbsent(cause)) return undefined;
      throw cause;
    }
  },
  realPath,
  writer: String(process.pid),
};
