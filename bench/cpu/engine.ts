/**
 * Engine: what a peer is to the measurements. A case made ready runs again and again on data that stays where it is.
 */
import type { Case } from "./cases.ts";

/** A case made ready. A training step keeps its parameters from run to run. */
export interface Prepared {
  /** Runs once and brings the result back: the output, or the loss of a training step alone. */
  readonly run: () => Float32Array | Promise<Float32Array>;
  /** Frees it. */
  readonly close?: () => void | Promise<void>;
  /** Milliseconds of compiling alone, where the engine tells it from the rest. */
  readonly compileMs?: number;
}

/** An engine that is there. */
export interface Engine {
  /** Its name in tables. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** Whether it runs wherever JavaScript does: no native code. */
  readonly portable: boolean;
  /** Makes a case ready; undefined where the engine does not do it. */
  readonly prepare: (measured: Case) => Prepared | undefined | Promise<Prepared | undefined>;
}

/** An engine, or why it is not there. */
export type Started = Engine | { readonly name: string; readonly absent: string };

/** Starts an engine; what goes wrong is why it is absent. */
export const starting = async (name: string, start: () => Promise<Engine>): Promise<Started> => {
  try {
    return await start();
  } catch (thrown) {
    return { name, absent: thrown instanceof Error ? thrown.message : String(thrown) };
  }
};
