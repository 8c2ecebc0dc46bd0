/**
 * Platform clock: where a synchronous piece of code reads a monotonic time without an Effect around it.
 *
 * Effects use Effect's `Clock` service (virtual in tests); this is for measuring slices of synchronous work only.
 *
 * @module
 */

/** Milliseconds on a clock that never goes back. */
export const monotonicMs = (): number => performance.now();

/**
 * Calls back after one turn of the event loop, in which timers and messages are handled; answers how to call it off.
 * Effect's own scheduler queues with `setImmediate` where it exists, and a message port would overtake it for ever.
 */
export const nextTurn: (callback: () => void) => () => void = typeof setImmediate === "function"
  ? (callback) => {
    const handle = setImmediate(callback);
    return () => clearImmediate(handle);
  }
  : (callback) => {
    const handle = setTimeout(callback, 0);
    return () => clearTimeout(handle);
  };
