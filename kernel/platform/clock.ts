/**
 * Platform clock: where a synchronous piece of code reads a monotonic time without an Effect around it.
 *
 * Effects use Effect's `Clock` service (virtual in tests); this is for measuring slices of synchronous work only.
 *
 * @module
 */

/** Milliseconds on a clock that never goes back. */
export const monotonicMs = (): number => performance.now();
