/**
 * What the ledger's tests share: a folder that goes away, a ledger opened in it, events to append, and raw access to
 * its database from outside.
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import { DatabaseSync } from "node:sqlite";
import { type LedgerFailure, type LedgerShape, openLedger } from "../../effects/ledger.ts";
import type { EventDraft } from "../../effects/ledger.ts";
import { type Disk, Entropy, type Json, layerDisk, random } from "../../kernel/mod.ts";
import { platformDisk } from "../../kernel/platform/disk.ts";

/** Leaves values as they are. */
export const asIs = (value: Json): Json => value;

/** Entropy that repeats. */
export const countedEntropy = (seed: string | number): Layer.Layer<Entropy> => {
  const source = random(seed);
  return Layer.succeed(Entropy, { bytes: (count) => Uint8Array.from({ length: count }, () => source.below(256)) });
};

/** The services a ledger needs. */
export const platform = (seed: string | number = 1): Layer.Layer<Entropy | Disk> =>
  Layer.mergeAll(countedEntropy(seed), layerDisk(platformDisk));

/** Runs against a ledger in a folder, which is closed afterwards. */
export const withLedger = <A, E>(
  stateFolder: string,
  body: (ledger: LedgerShape) => Effect.Effect<A, E>,
  redact: (value: Json) => Json = asIs,
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(openLedger({ stateFolder, redact }), body)).pipe(Effect.provide(platform())),
  );

/** A ledger that stays open until `close`. */
export const openHere = async (
  stateFolder: string,
  redact: (value: Json) => Json = asIs,
): Promise<{ readonly ledger: LedgerShape; readonly close: () => Promise<void> }> => {
  const scope = Effect.runSync(Scope.make());
  const ledger = await Effect.runPromise(
    openLedger({ stateFolder, redact }).pipe(Scope.provide(scope), Effect.provide(platform())),
  );
  return { ledger, close: () => Effect.runPromise(Scope.close(scope, Exit.void)) };
};

/** The failure of an effect that must fail. */
export const failureOf = <A>(effect: Effect.Effect<A, LedgerFailure>): Promise<LedgerFailure> =>
  Effect.runPromise(Effect.flip(effect));

/** Runs with a fresh folder and removes it. */
export const inFolder = async <A>(body: (folder: string) => Promise<A>): Promise<A> => {
  const folder = Deno.makeTempDirSync({ prefix: "rmi-ledger-" });
  try {
    return await body(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
};

/** An event that carries a number. */
export const numbered = (n: number, text = ""): EventDraft => ({
  type: "test.happened",
  actor: "user@headless",
  data: { n, ...(text === "" ? {} : { text }) },
});

/** Opens the database beside the ledger, as somebody with an SQLite shell would. */
export const withDatabase = <A>(folder: string, body: (database: DatabaseSync) => A): A => {
  const database = new DatabaseSync(`${folder}/ledger.sqlite`);
  try {
    return body(database);
  } finally {
    database.close();
  }
};

/** The files that are the ledger; the lock and the shared-memory index are rebuilt. */
export const LEDGER_FILES = ["ledger.sqlite", "ledger.sqlite-wal", "ledger.head"];

/** Copies a ledger's files that exist. */
export const copyLedger = (from: string, to: string): void => {
  Deno.mkdirSync(to, { recursive: true });
  for (const name of LEDGER_FILES) {
    try {
      Deno.copyFileSync(`${from}/${name}`, `${to}/${name}`);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }
};
