/**
 * Confined: the disk as the ledger uses it for itself, with authority over its own folder and nothing else.
 *
 * Not a grant for callers: theirs come from the gate.
 * Invariant: a path whose real place lies outside the folder is refused, so a link inside it leads nowhere.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  type Authority,
  type Cap,
  caps,
  denied,
  type DiskShape,
  type Grant,
  type KernelFailure,
  type Stat,
} from "../../kernel/mod.ts";

/** The part of the disk that the ledger's side files need, below one folder. */
export interface ConfinedDisk {
  /** Reads a file of the folder. */
  readonly read: (path: string) => Effect.Effect<Uint8Array, KernelFailure>;
  /** Replaces a file of the folder, durably. */
  readonly write: (path: string, content: Uint8Array | string) => Effect.Effect<void, KernelFailure>;
  /** Removes a file of the folder. */
  readonly remove: (path: string) => Effect.Effect<void, KernelFailure>;
  /** What is known of a path in the folder. */
  readonly stat: (path: string) => Effect.Effect<Stat | undefined, KernelFailure>;
}

const granted = <A, E>(
  check: (detail: string) => Effect.Effect<void, KernelFailure>,
  body: Effect.Effect<A, E, Cap<"readLocal"> | Cap<"writeLocal">>,
): Effect.Effect<A, E> => {
  const grant = <N extends Authority>(authority: N): Grant<N> => ({ authority, check });
  return body.pipe(
    Effect.provideService(caps.readLocal, grant("readLocal")),
    Effect.provideService(caps.writeLocal, grant("writeLocal")),
  );
};

const within = (root: string, path: string): boolean =>
  path === root || path.startsWith(`${root}/`) || path.startsWith(`${root}\\`);

/** A disk that reaches what lies below `folder`; paths are relative to it. */
export const confinedDisk = (disk: DiskShape, folder: string): ConfinedDisk => {
  // The grant is asked about real paths, so asking it about the folder itself tells the folder's real path.
  const realFolder = Effect.suspend(() => {
    let real = folder;
    const note = (detail: string) => Effect.sync(() => void (real = detail));
    return Effect.map(granted(note, disk.stat(folder)), () => real);
  });
  const confined = <A>(
    body: Effect.Effect<A, KernelFailure, Cap<"readLocal"> | Cap<"writeLocal">>,
  ): Effect.Effect<A, KernelFailure> =>
    Effect.flatMap(
      realFolder,
      (root) =>
        granted(
          (detail) =>
            within(root, detail) ? Effect.void : Effect.fail(
              denied({ operation: "ledger", authority: "local files", detail, rule: "state folder only" }),
            ),
          body,
        ),
    );
  const at = (path: string): string => `${folder}/${path}`;
  return {
    read: (path) => confined(disk.read(at(path))),
    write: (path, content) => confined(disk.write(at(path), content)),
    remove: (path) => confined(disk.remove(at(path))),
    stat: (path) => confined(disk.stat(at(path))),
  };
};
