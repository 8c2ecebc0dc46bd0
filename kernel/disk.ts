/**
 * Disk: files, under authority. Reading needs `Cap<"readLocal">`, changing needs `Cap<"writeLocal">`, and every use
 * asks the grant about the real path, so a symbolic link inside a granted folder leads nowhere outside it.
 *
 * Not a database (effects/ledger.ts holds events in SQLite).
 * Invariant: when `write` returns, the new content survives a power cut; when it fails, the old content is whole.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type Cap, caps, type Grant } from "./authority.ts";
import type { FailureOf, KernelFailure } from "./failure.ts";
import { diskFailed, outOfReach } from "./failures.ts";

/** A failure of the file system. */
export type DiskFailure = FailureOf<"KERNEL_DISK" | "KERNEL_OUT_OF_REACH">;

/** What is known of a path. */
export interface Stat {
  /** File, folder, or anything else (device, socket, broken link). */
  readonly kind: "file" | "folder" | "other";
  /** Size in bytes. */
  readonly size: number;
  /** Last change, milliseconds since 1970. */
  readonly modifiedMs: number;
}

/** The raw steps of a file system, without authority: implemented by the platform, by memory, and by the faulty twin. */
export interface DiskDriver {
  /** Reads a whole file. */
  readonly read: (path: string) => Promise<Uint8Array>;
  /** Creates or truncates a file and writes it; not durable before `sync`. */
  readonly write: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Makes a file's content durable. */
  readonly sync: (path: string) => Promise<void>;
  /** Makes a folder's entries durable (creations, renames, removals). */
  readonly syncFolder: (path: string) => Promise<void>;
  /** Moves a file over another, atomically; not durable before `syncFolder`. */
  readonly rename: (from: string, to: string) => Promise<void>;
  /** Removes a file, or a folder with all in it; removing what is not there is no error. */
  readonly remove: (path: string) => Promise<void>;
  /** Creates a folder and its parents; existing ones are no error. */
  readonly makeFolder: (path: string) => Promise<void>;
  /** Names in a folder, unsorted. */
  readonly list: (path: string) => Promise<ReadonlyArray<string>>;
  /** What is known of a path, following links; `undefined` when nothing is there. */
  readonly stat: (path: string) => Promise<Stat | undefined>;
  /** The path with every link of its existing part resolved; the missing tail is kept as it is. */
  readonly realPath: (path: string) => Promise<string>;
  /** Tells this process from others that write to the same files; absent where there are no others. */
  readonly writer?: string;
}

/** The gated file service. Paths are absolute. */
export interface DiskShape {
  /** Reads a whole file. */
  readonly read: (path: string) => Effect.Effect<Uint8Array, KernelFailure, Cap<"readLocal">>;
  /** Reads a whole file as UTF-8; malformed bytes are a failure. */
  readonly readText: (path: string) => Effect.Effect<string, KernelFailure, Cap<"readLocal">>;
  /** Replaces a file atomically and durably, creating its folder. */
  readonly write: (path: string, content: Uint8Array | string) => Effect.Effect<void, KernelFailure, Cap<"writeLocal">>;
  /** Removes a file or a folder; of a link, the link. */
  readonly remove: (path: string) => Effect.Effect<void, KernelFailure, Cap<"writeLocal">>;
  /** Creates a folder and its parents. */
  readonly makeFolder: (path: string) => Effect.Effect<void, KernelFailure, Cap<"writeLocal">>;
  /** Names in a folder, sorted. */
  readonly list: (path: string) => Effect.Effect<ReadonlyArray<string>, KernelFailure, Cap<"readLocal">>;
  /** What is known of a path. */
  readonly stat: (path: string) => Effect.Effect<Stat | undefined, KernelFailure, Cap<"readLocal">>;
}

const DiskBase: Context.ServiceClass<Disk, "rmi/Disk", DiskShape> = Context.Service<Disk, DiskShape>()("rmi/Disk");

/** The file service. */
export class Disk extends DiskBase {}

/** Marks the unfinished half of an atomic replacement; left behind only by a crash, and ignored by `list`. */
export const PART_SUFFIX = ".part";

const parentOf = (path: string): string => {
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return cut <= 0 ? "/" : path.slice(0, cut);
};

const nameOf = (path: string): string => path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);

/** Whether the process itself was started without access: no policy inside it can help then. */
const isOutOfReach = (cause: unknown): boolean => {
  const { name, code } = (cause ?? {}) as { readonly name?: string; readonly code?: string };
  return name === "NotCapable" || code === "ERR_ACCESS_DENIED";
};

/** The failure of a raw step, from what it threw. */
export const diskFailureOf = (action: string, file: string, cause: unknown): DiskFailure =>
  isOutOfReach(cause)
    ? outOfReach({ action, file })
    : diskFailed({ action, file, cause: cause instanceof Error ? cause.message : String(cause) });

const attempt = <A>(action: string, file: string, run: () => Promise<A>): Effect.Effect<A, DiskFailure> =>
  Effect.tryPromise({ try: run, catch: (cause) => diskFailureOf(action, file, cause) });

/** The real path of a directory entry: links before the last name are followed, the last one is not. */
const realEntry = async (driver: DiskDriver, path: string): Promise<string> => {
  const name = nameOf(path);
  if (name === "" || name === "." || name === "..") return await driver.realPath(path);
  const folder = await driver.realPath(parentOf(path));
  return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
};

/** Steps that keep the promise of durability across several raw ones. */
const durableSteps = (driver: DiskDriver) => {
  // A new folder is lost in a power cut until its parent is synced, and with it every file synced inside.
  const unsynced = new Set<string>();

  const makeFolder = async (folder: string): Promise<void> => {
    for (let here = folder; await driver.stat(here) === undefined; here = parentOf(here)) unsynced.add(here);
    // A process that may write one file alone may not create its folder, not even where it is.
    if ((await driver.stat(folder))?.kind !== "folder") await driver.makeFolder(folder);
    const fresh: string[] = [];
    for (let here = folder; here !== parentOf(here); here = parentOf(here)) if (unsynced.has(here)) fresh.push(here);
    for (const here of fresh.reverse()) {
      await driver.syncFolder(parentOf(here));
      unsynced.delete(here);
    }
  };

  // One replacement of a file at a time in this process, and a half named after the process: no two writers ever
  // share a half. A process that may write this one file alone may not create that name, only the plain half.
  const turns = new Map<string, Promise<void>>();

  const writeHalf = async (file: string, bytes: Uint8Array): Promise<string> => {
    const own = `${file}.${driver.writer ?? "0"}${PART_SUFFIX}`;
    const plain = file + PART_SUFFIX;
    for (const half of [own, plain]) {
      try {
        await driver.write(half, bytes);
        await driver.sync(half);
        return half;
      } catch (cause) {
        await driver.remove(half).catch(() => {});
        if (half === plain) throw cause;
      }
    }
    return plain;
  };

  const replaceNow = async (file: string, bytes: Uint8Array): Promise<void> => {
    const folder = parentOf(file);
    await makeFolder(folder);
    const half = await writeHalf(file, bytes);
    await driver.rename(half, file).catch(async (cause) => {
      await driver.remove(half).catch(() => {});
      throw cause;
    });
    await driver.syncFolder(folder);
  };

  const replace = (file: string, bytes: Uint8Array): Promise<void> => {
    const turn = (turns.get(file) ?? Promise.resolve()).then(() => replaceNow(file, bytes));
    const settled = turn.catch(() => {}).then(() => {
      if (turns.get(file) === settled) turns.delete(file);
    });
    turns.set(file, settled);
    return turn;
  };

  const remove = async (entry: string): Promise<void> => {
    await driver.remove(entry);
    for (const made of [...unsynced]) if (made === entry || made.startsWith(`${entry}/`)) unsynced.delete(made);
    if (await driver.stat(parentOf(entry)) !== undefined) await driver.syncFolder(parentOf(entry));
  };

  return { makeFolder, replace, remove };
};

/** Builds the gated service over raw steps. */
export const diskOver = (driver: DiskDriver): DiskShape => {
  const steps = durableSteps(driver);
  const gated = <A extends "readLocal" | "writeLocal", B>(
    authority: A,
    action: string,
    path: string,
    run: (real: string) => Promise<B>,
    resolve: (path: string) => Promise<string> = driver.realPath,
  ): Effect.Effect<B, KernelFailure, Cap<A>> =>
    Effect.gen(function* () {
      const grant = (yield* Effect.service(caps[authority])) as Grant<A>;
      const real = yield* attempt("resolve", path, () => resolve(path));
      yield* grant.check(real);
      return yield* attempt(action, path, () => run(real));
    }) as Effect.Effect<B, KernelFailure, Cap<A>>;

  return {
    read: (path) => gated("readLocal", "read", path, driver.read),
    readText: (path) =>
      gated(
        "readLocal",
        "read",
        path,
        async (real) => new TextDecoder("utf-8", { fatal: true }).decode(await driver.read(real)),
      ),
    write: (path, content) =>
      gated(
        "writeLocal",
        "write",
        path,
        (real) => steps.replace(real, typeof content === "string" ? new TextEncoder().encode(content) : content),
      ),
    remove: (path) => gated("writeLocal", "remove", path, steps.remove, (entry) => realEntry(driver, entry)),
    makeFolder: (path) => gated("writeLocal", "create folder", path, steps.makeFolder),
    list: (path) =>
      gated(
        "readLocal",
        "list",
        path,
        async (real) => (await driver.list(real)).filter((name) => !name.endsWith(PART_SUFFIX)).sort(),
      ),
    stat: (path) => gated("readLocal", "inspect", path, driver.stat),
  };
};

/** The file service over raw steps, as a layer. */
export const layerDisk = (driver: DiskDriver): Layer.Layer<Disk> => Layer.succeed(Disk, diskOver(driver));
