/**
 * Memory disk: the raw steps of a file system kept in memory, for browsers, previews and tests.
 *
 * Not durable: `sync` and `syncFolder` succeed and mean nothing (disk_faulty.ts models what they promise).
 * Invariant: bytes handed in or out are copies, so no caller can change a stored file by changing its own array.
 *
 * @module
 */
import type { DiskDriver, Stat } from "./disk.ts";

/** Most links a path may pass through before it counts as a loop. */
export const MAX_LINKS = 40;

type Node =
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly modifiedMs: number }
  | { readonly kind: "folder"; readonly modifiedMs: number }
  | { readonly kind: "link"; readonly target: string; readonly modifiedMs: number };

/** A memory disk: a driver, and what a test needs to set it up. */
export interface MemoryDisk extends DiskDriver {
  /** Creates a symbolic link. */
  readonly link: (path: string, target: string) => Promise<void>;
  /** Every file's path and content, sorted by path. */
  readonly files: () => ReadonlyArray<readonly [string, Uint8Array]>;
}

const segmentsOf = (path: string): ReadonlyArray<string> => path.split(/[/\\]+/u).filter((part) => part !== "");

/** Removes `.`, `..` and repeated separators from an absolute path. */
const normal = (path: string): string => {
  const parts: string[] = [];
  for (const part of segmentsOf(path)) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
};

const parentOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf("/")));

const errorOf = (code: string, path: string): Error => new Error(`${code}: "${path}"`);

/** Follows links segment by segment; what does not exist is kept as it is. */
const resolveIn = (nodes: ReadonlyMap<string, Node>, path: string): string => {
  let pending = [...segmentsOf(path)];
  let here = "";
  for (let links = 0; pending.length > 0;) {
    const [part, ...rest] = pending;
    pending = rest;
    if (part === "..") here = parentOf(here === "" ? "/" : here).replace(/^\/$/u, "");
    if (part === ".." || part === ".") continue;
    const next = `${here}/${part}`;
    const node = nodes.get(next);
    if (node?.kind !== "link") {
      here = next;
      continue;
    }
    if (++links > MAX_LINKS) throw errorOf("too many links", path);
    pending = [...segmentsOf(node.target), ...pending];
    if (node.target.startsWith("/")) here = "";
    const target = normal(node.target.startsWith("/") ? node.target : `${here}/${node.target}`);
    if (pending.length > 0 && !nodes.has(target) && target !== "/") throw errorOf("a link to nowhere", next);
  }
  return here === "" ? "/" : here;
};

/** A fresh, empty memory disk; `now` gives the time of changes (a constant where none is given). */
export const memoryDisk = (now: () => number = () => 0): MemoryDisk => {
  const nodes = new Map<string, Node>([["/", { kind: "folder", modifiedMs: now() }]]);
  const real = (path: string): string => resolveIn(nodes, path);
  const makeFolder = (path: string): void => {
    let here = "";
    for (const part of segmentsOf(real(path))) {
      here += `/${part}`;
      const node = nodes.get(here);
      if (node === undefined) nodes.set(here, { kind: "folder", modifiedMs: now() });
      else if (node.kind !== "folder") throw errorOf("not a folder", here);
    }
  };
  const parentFolder = (path: string): void => {
    const kind = nodes.get(parentOf(path))?.kind;
    if (kind !== "folder") throw errorOf(kind === undefined ? "no such folder" : "not a folder", parentOf(path));
  };
  const removeTree = (path: string): void => {
    for (const name of [...nodes.keys()]) {
      if (name !== "/" && (name === path || name.startsWith(path === "/" ? "/" : `${path}/`))) nodes.delete(name);
    }
  };
  const steps = {
    read: (path: string): Uint8Array => {
      const node = nodes.get(real(path));
      if (node?.kind === "file") return node.bytes.slice();
      throw errorOf(node === undefined ? "no such file" : "not a file", path);
    },
    write: (path: string, bytes: Uint8Array): void => {
      const file = real(path);
      parentFolder(file);
      if (nodes.get(file)?.kind === "folder") throw errorOf("not a file", path);
      nodes.set(file, { kind: "file", bytes: bytes.slice(), modifiedMs: now() });
    },
    exists: (path: string): void => {
      if (!nodes.has(real(path))) throw errorOf("no such file", path);
    },
    rename: (from: string, to: string): void => {
      const source = normal(from);
      const target = normal(to);
      const node = nodes.get(source);
      if (node === undefined) throw errorOf("no such file", from);
      parentFolder(target);
      if (source === target) return;
      if (node.kind === "folder") throw errorOf("a folder cannot be moved over", from);
      if (nodes.get(target)?.kind === "folder") throw errorOf("not a file", to);
      nodes.delete(source);
      nodes.set(target, node);
    },
    list: (path: string): ReadonlyArray<string> => {
      const folder = real(path);
      if (nodes.get(folder)?.kind !== "folder") throw errorOf("no such folder", path);
      const start = folder === "/" ? "/" : `${folder}/`;
      return [...nodes.keys()].filter((name) => name !== "/" && name.startsWith(start))
        .map((name) => name.slice(start.length)).filter((name) => !name.includes("/"));
    },
    stat: (path: string): Stat | undefined => {
      const node = nodes.get(real(path));
      if (node === undefined) return undefined;
      const size = node.kind === "file" ? node.bytes.length : 0;
      return { kind: node.kind === "link" ? "other" : node.kind, size, modifiedMs: node.modifiedMs };
    },
  };
  // Every step is asynchronous, so that a failing one rejects instead of throwing in the caller's face.
  return {
    read: async (path) => await steps.read(path),
    write: async (path, bytes) => await steps.write(path, bytes),
    sync: async (path) => await steps.exists(path),
    syncFolder: async (path) => await steps.exists(path),
    rename: async (from, to) => await steps.rename(from, to),
    remove: async (path) => await removeTree(normal(path)),
    makeFolder: async (path) => await makeFolder(path),
    list: async (path) => await steps.list(path),
    stat: async (path) => await steps.stat(path),
    realPath: async (path) => await real(path),
    link: async (path, target) => {
      parentFolder(normal(path));
      await nodes.set(normal(path), { kind: "link", target, modifiedMs: now() });
    },
    files: () =>
      [...nodes].flatMap(([path, node]) => node.kind === "file" ? [[path, node.bytes.slice()] as const] : [])
        .sort((a, b) => a[0] < b[0] ? -1 : 1),
  };
};
