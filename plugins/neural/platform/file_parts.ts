/**
 * Platform: a file read in parts, through `node:fs` (Deno and Node alike), so that it need never be held as a whole.
 *
 * Invariant: every part asks the grant again about the real path; the file is closed however the reading ends.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Stream from "effect/Stream";
import * as fs from "node:fs/promises";
import { type Cap, diskFailureOf, type KernelFailure, using } from "../../../kernel/mod.ts";

/** Bytes of a part. */
export const PART_BYTES = 262_144;

const attempt = <A>(action: string, file: string, run: () => Promise<A>): Effect.Effect<A, KernelFailure> =>
  Effect.tryPromise({ try: run, catch: (cause) => diskFailureOf(action, file, cause) });

/** The parts of a file, in order. */
export const fileParts = (path: string): Stream.Stream<Uint8Array, KernelFailure, Cap<"readLocal">> =>
  Stream.unwrap(Effect.gen(function* () {
    const real = yield* attempt("resolve", path, () => fs.realpath(path));
    const file = yield* Effect.acquireRelease(
      using("readLocal", real, attempt("open", path, () => fs.open(real, "r"))),
      (handle) => Effect.promise(() => handle.close()),
    );
    return Stream.paginate(0, (at) =>
      Effect.map(
        using("readLocal", real, attempt("read", path, () => file.read(new Uint8Array(PART_BYTES), 0, PART_BYTES, at))),
        ({ bytesRead, buffer }) =>
          bytesRead === 0
            ? [[], Option.none<number>()] as const
            : [[buffer.subarray(0, bytesRead)], Option.some(at + bytesRead)] as const,
      ));
  }));
