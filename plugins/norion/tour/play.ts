/**
 * Play: norion's tour: its steps, and at the end a look at every byte they left, for a secret that must not be there.
 *
 * Not the player (plugins/surfaces/tour).
 * Invariant: nothing outside `<output>/norion-tour` is touched.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type CallContext, type Cap, Disk, type FailureOf, type KernelFailure } from "../../../kernel/mod.ts";
import { playSteps, type Toured, tourSurprised } from "../../surfaces/library.ts";
import { NORION_SCRIPT, NORION_TOUR_POLICY, SECRET } from "./script.ts";

/** Name of the tour's folder in the output folder. */
export const NORION_TOUR_FOLDER = "norion-tour";

type Caps = Cap<"readLocal"> | Cap<"writeLocal">;

interface Searched {
  readonly files: number;
  readonly bytes: number;
  readonly found: number;
}

const NOTHING: Searched = { files: 0, bytes: 0, found: 0 };

const holds = (bytes: Uint8Array, sought: Uint8Array): boolean => {
  for (let at = bytes.indexOf(sought[0]); at >= 0; at = bytes.indexOf(sought[0], at + 1)) {
    if (sought.every((byte, offset) => bytes[at + offset] === byte)) return true;
  }
  return false;
};

/** Looks for some bytes in every file below a folder. */
const search = (folder: string, sought: Uint8Array): Effect.Effect<Searched, KernelFailure, Disk | Caps> =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    let all = NOTHING;
    for (const name of yield* disk.list(folder)) {
      const path = `${folder}/${name}`;
      const kind = (yield* disk.stat(path))?.kind;
      const part = kind === "folder"
        ? yield* search(path, sought)
        : kind === "file"
        ? yield* Effect.map(disk.read(path), (bytes): Searched => ({
          files: 1,
          bytes: bytes.length,
          found: holds(bytes, sought) ? 1 : 0,
        }))
        : NOTHING;
      all = { files: all.files + part.files, bytes: all.bytes + part.bytes, found: all.found + part.found };
    }
    return all;
  });

/** Plays norion's tour. */
export const playNorionTour: Effect.Effect<
  Toured,
  KernelFailure | FailureOf<"SURFACE_TOUR">,
  CallContext | Disk | Caps
> = Effect.gen(function* () {
  const toured = yield* playSteps(NORION_SCRIPT, {
    name: NORION_TOUR_FOLDER,
    policy: NORION_TOUR_POLICY,
    next: "rmi ask <question> · rmi norion plan <question> · rmi norion genome --measure",
  });
  const { files, bytes, found } = yield* search(toured.folder, new TextEncoder().encode(SECRET));
  if (found > 0) {
    return yield* Effect.fail(
      tourSurprised({ step: "a look for the secret", found: `${found} files that hold it`, actual: found }),
    );
  }
  const looked = `Every byte was read (${files} files, ${bytes} bytes): the secret of the tour is in none of them.`;
  return { ...toured, text: `${looked}\n${toured.text}` };
});
