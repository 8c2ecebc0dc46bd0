/**
 * Play: the tour of the whole system: its steps, and the tampered copy of its ledger that the last of them look at.
 *
 * Not the player (tour/player.ts).
 * Invariant: nothing outside `<output>/tour` is touched.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as References from "effect/References";
import { type CallContext, Disk, type KernelFailure } from "../../../kernel/mod.ts";
import { type Caps, ending, freshFolder, inFolder, playOn, type Stopped, type Toured } from "./player.ts";
import { MARK, SCRIPT, TOUR_POLICY } from "./script.ts";

/** Name of the tour's folder in the output folder. */
export const TOUR_FOLDER = "tour";

/** Changes the first letter of the mark's name where the chain's event holds it; nothing else. */
const changeOneLetter = (bytes: Uint8Array): Uint8Array => {
  const event = new TextEncoder().encode(JSON.stringify({ name: MARK }));
  const changed = bytes.slice();
  for (let from = 0; from + event.length <= bytes.length; from++) {
    if (!event.every((byte, offset) => bytes[from + offset] === byte)) continue;
    changed[from + JSON.stringify({ name: "" }).length - 2] = MARK.toUpperCase().charCodeAt(0);
    break;
  }
  return changed;
};

/** Copies the ledger's files into a folder of their own, one letter of one event changed on the way. */
const copyTampered = (from: string, to: string): Effect.Effect<void, KernelFailure, Disk | Caps> =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    for (const name of (yield* disk.list(from)).filter((name) => name.startsWith("ledger"))) {
      if ((yield* disk.stat(`${from}/${name}`))?.kind !== "file") continue;
      yield* disk.write(`${to}/${name}`, changeOneLetter(yield* disk.read(`${from}/${name}`)));
    }
  });

/** Plays the tour. */
export const playTour: Effect.Effect<Toured, Stopped, CallContext | Disk | Caps> = Effect.gen(function* () {
  const folder = yield* freshFolder(TOUR_FOLDER);
  const numbered = SCRIPT.map((step, index) => [index, step] as const);
  const play = (where: string, isHere: (place: string | undefined) => boolean) =>
    inFolder(
      where,
      TOUR_POLICY,
      (kernel) => playOn(kernel, numbered.filter(([, step]) => isHere(step.where)), SCRIPT.length),
    );
  yield* play(folder, (place) => place === undefined);
  yield* copyTampered(`${folder}/.rmi`, `${folder}/copy/.rmi`);
  // The damage is made here and told by the step itself: a warning about it would frighten for nothing.
  yield* play(`${folder}/copy`, (place) => place !== undefined)
    .pipe(Effect.provideService(References.MinimumLogLevel, "None"));
  const next = "rmi manifest · rmi search <words> · rmi describe <operation> · rmi <namespace> --help";
  return yield* ending(SCRIPT.length, folder, next);
});
