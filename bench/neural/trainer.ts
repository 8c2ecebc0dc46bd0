/**
 * Trainer: what an engine is to the measurements of training: one network of the digits, started, that learns batches.
 *
 * The same network, optimiser (Adam), batch and rate for all; only the engine differs.
 */

/** A network of the measurement. */
export type Measured = "mlp" | "cnn";

/** Samples of a step. */
export const BATCH = 32;

/** Rate of Adam. */
export const RATE = 0.001;

/** Width and height of a digit. */
export const SIDE = 28;

/** Pixels of a digit. */
export const PIXELS = SIDE * SIDE;

/** Classes of digits. */
export const CLASSES = 10;

/** One batch: brightnesses of 0 to 1, and the digits. */
export interface Samples {
  /** `BATCH` × `PIXELS`. */
  readonly x: Float32Array<ArrayBuffer>;
  /** `BATCH`. */
  readonly y: Int32Array<ArrayBuffer>;
}

/** Batches in the engine's own form. */
export interface Ready {
  /** A step on each, in order: the mean loss. */
  readonly pass: () => Promise<number> | number;
  /** Frees them. */
  readonly free: () => void;
}

/** An engine with a network that learns. */
export interface Trainer {
  /** Its name and version. */
  readonly name: string;
  /** Brings batches into the engine's own form. */
  readonly ready: (samples: ReadonlyArray<Samples>) => Ready;
  /** Frees the network. */
  readonly close: () => Promise<void> | void;
}
