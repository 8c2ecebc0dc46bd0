/**
 * Files: what opening data needs of the place where they lie.
 *
 * Not the disk itself (kernel/disk.ts) and not one system's way of reading in parts (platform/): whoever opens data
 * brings one, so this room runs in a browser too.
 * Invariant: a file that is read whole was asked for its size before.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type { Cap, KernelFailure } from "../../../kernel/mod.ts";
import { Disk, type Stat } from "../../../kernel/disk.ts";
import { absentFile, dataLimit, type NeuralFailure } from "../failures.ts";

/** Where data lie. */
export interface DataFiles<R = never> {
  /** What is known of a path. */
  readonly stat: (path: string) => Effect.Effect<Stat | undefined, KernelFailure, R>;
  /** Reads a whole file. */
  readonly read: (path: string) => Effect.Effect<Uint8Array, KernelFailure, R>;
  /** Reads a file in parts, which need not be held together. */
  readonly parts: (path: string) => Stream.Stream<Uint8Array, KernelFailure, R>;
  /** Names in a folder, sorted. */
  readonly list: (path: string) => Effect.Effect<ReadonlyArray<string>, KernelFailure, R>;
}

/** Most bytes of a file that is read whole. */
export const MAX_FILE_BYTES: number = 2 ** 30;

/** The files of the gated disk; every file is read whole. */
export const diskFiles: Effect.Effect<DataFiles<Cap<"readLocal">>, never, Disk> = Effect.map(
  Effect.service(Disk),
  (disk) => ({
    stat: disk.stat,
    read: disk.read,
    parts: (path) => Stream.fromEffect(disk.read(path)),
    list: disk.list,
  }),
);

/** Files in memory: what a browser was given, and what tests make. */
export const memoryFiles = (files: { readonly [path: string]: Uint8Array | string }): DataFiles => {
  const bytes = new Map(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    ]),
  );
  const inside = (folder: string) =>
    [
      ...new Set(
        [...bytes.keys()].filter((path) => path.startsWith(`${folder}/`))
          .map((path) => path.slice(folder.length + 1).split("/", 1)[0]),
      ),
    ].sort();
  const read = (path: string) => Effect.succeed(bytes.get(path) ?? new Uint8Array());
  return {
    stat: (path) => {
      const file = bytes.get(path);
      if (file !== undefined) return Effect.succeed({ kind: "file", size: file.length, modifiedMs: 0 });
      return Effect.succeed(inside(path).length > 0 ? { kind: "folder", size: 0, modifiedMs: 0 } : undefined);
    },
    read,
    parts: (path) => Stream.fromEffect(read(path)),
    list: (path) => Effect.succeed(inside(path)),
  };
};

/** Reads a file whole, unless it is absent or too large. */
export const readWhole = <R>(
  files: DataFiles<R>,
  path: string,
  limit: number = MAX_FILE_BYTES,
): Effect.Effect<Uint8Array, NeuralFailure | KernelFailure, R> =>
  Effect.gen(function* () {
    const found = yield* files.stat(path);
    if (found?.kind !== "file") {
      return yield* absentFile({ file: path, reason: found === undefined ? "nothing is there" : "it is no file" });
    }
    if (found.size > limit) return yield* dataLimit({ what: `the file ${path}`, limit, found: found.size });
    return yield* files.read(path);
  });
