/**
 * Runs: which kernels that wrote into a state folder are still alive, told by a lock each holds while it runs.
 *
 * Not a registry of processes: nothing is known of a run but whether it lives. Platform code: `node:fs`.
 * Invariant: a run counts as alive exactly as long as its process holds its lock; a killed one is dead at once.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import * as path from "node:path";
import type * as Scope from "effect/Scope";
import type { FailureOf } from "../../kernel/mod.ts";
import { ledgerStore } from "../failures.ts";
import { type FileLock, fileLock } from "./file_lock.ts";

/** Folder of the locks, below the state folder. */
export const RUNS_FOLDER = "runs";

/** Who is alive. */
export interface Runs {
  /** Makes this run known; its lock is taken at the first call and held until the scope closes. */
  readonly begin: (run: string) => Effect.Effect<void, FailureOf<"EFFECTS_LEDGER_STORE">>;
  /** Those of the given runs that are alive. */
  readonly alive: (
    runs: ReadonlyArray<string>,
  ) => Effect.Effect<ReadonlyArray<string>, FailureOf<"EFFECTS_LEDGER_STORE">>;
}

const MAX_HOLD_TRIES = 100;

const LONELY: Runs = { begin: () => Effect.void, alive: () => Effect.succeed([]) };

const RUN = /^[0-9a-f]{32}$/u;

const attempt = <A>(action: string, body: () => A): Effect.Effect<A, FailureOf<"EFFECTS_LEDGER_STORE">> =>
  Effect.try({
    try: body,
    catch: (cause) => ledgerStore({ action, cause: cause instanceof Error ? cause.message : String(cause) }),
  });

/** Whether somebody holds the lock of a run; `ifDead` runs while that is ruled out. */
const isAlive = (file: string, ifDead: () => void = () => {}): boolean => {
  if (!fs.existsSync(file)) return false;
  const lock = fileLock(file);
  try {
    if (!lock.tryHold()) return true;
    ifDead();
    return false;
  } finally {
    lock.close();
  }
};

/** Removes the locks of runs that died without doing so. */
const sweep = (folder: string): void => {
  for (const name of fs.readdirSync(folder).filter((entry) => RUN.test(entry))) {
    const file = path.join(folder, name);
    isAlive(file, () => fs.rmSync(file, { force: true }));
  }
};

// Between making the file and locking it, a sweep may take it for dead and remove it; then it is made again.
const hold = (file: string): FileLock => {
  for (let tries = 0; tries < MAX_HOLD_TRIES; tries++) {
    const lock = fileLock(file);
    if (lock.tryHold() && fs.existsSync(file)) return lock;
    lock.close();
  }
  throw new Error(`"${file}" cannot be locked`);
};

/** Runs of a state folder; without one, no run but this is alive. Closing the scope ends the run. */
export const runsIn = (stateFolder: string | undefined): Effect.Effect<Runs, never, Scope.Scope> =>
  stateFolder === undefined ? Effect.succeed(LONELY) : Effect.gen(function* () {
    const folder = path.join(stateFolder, RUNS_FOLDER);
    let own: { readonly lock: FileLock; readonly file: string } | undefined;
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        own?.lock.close();
        if (own !== undefined) fs.rmSync(own.file, { force: true });
        own = undefined;
      })
    );
    const begin = (run: string): void => {
      if (own !== undefined) return;
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
      sweep(folder);
      const file = path.join(folder, run);
      own = { lock: hold(file), file };
    };
    return {
      begin: (run: string) => attempt("mark a run in", () => begin(run)),
      alive: (runs: ReadonlyArray<string>) =>
        attempt("list the runs of", () => runs.filter((run) => RUN.test(run) && isAlive(path.join(folder, run)))),
    };
  });
