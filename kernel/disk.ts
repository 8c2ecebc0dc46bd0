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
import { diskFailed } from "./failures.ts";

/** A failure of the file system. */
export type DiskFailure = FailureOf<"KERNEL_DISK">;

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
}

/** The gated file service. Paths are absolute. */
export interface DiskShape {
  /** Reads a whole file. */
  readonly read: (path: string) => Effect.Effect<Uint8Array, KernelFailure, Cap<"readLocal">>;
  /** Reads a whole file as UTF-8; malformed bytes are a failure. */
  readonly readText: (path: string) => Effect.Effect<string, KernelFailure, Cap<"readLocal">>;
  /** Replaces a file atomically and durably, creating its folder. */
  readonly write: (path: string, content: Uint8Array | string) => Effect.Effect<void, KernelFailure, Cap<"writeLocal">>;
  /** Removes a file or a folder. */
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

const attempt = <A>(action: string, file: string, run: () => Promise<A>): Effect.Effect<A, DiskFailure> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => diskFailed({ action, file, cause: cause instanceof Error ? cause.message : String(cause) }),
  });

/** Builds the gated service over raw steps. */
export const diskOver = (driver: DiskDriver): DiskShape => {
  const gated = <A extends "readLocal" | "writeLocal", B>(
    authority: A,
    action: string,
    path: string,
    run: (real: string) => Promise<B>,
  ): Effect.Effect<B, KernelFailure, Cap<A>> =>
    Effect.gen(function* () {
      const grant = (yield* Effect.service(caps[authority])) as Grant<A>;
      const real = yield* attempt("resolve", path, () => driver.realPath(path));
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
      gated("writeLocal", "write", path, async (real) => {
        const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
        const folder = parentOf(real);
        await driver.makeFolder(folder);
        const part = real + PART_SUFFIX;
        await driver.write(part, bytes);
        await driver.sync(part);
        await driver.rename(part, real);
        await driver.syncFolder(folder);
      }),
    remove: (path) =>
      gated("writeLocal", "remove", path, async (real) => {
        await driver.remove(real);
        await driver.syncFolder(parentOf(real));
      }),
    makeFolder: (path) => gated("writeLocal", "create folder", path, driver.makeFolder),
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
