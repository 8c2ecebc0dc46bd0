/**
 * Limits of the HTTP surface.
 *
 * @module
 */

/** What a server bears, and how long it waits. */
export interface Limits {
  /** Most bytes of a body. */
  readonly bodyBytes: number;
  /** How long a body may take to arrive, milliseconds. */
  readonly bodyMs: number;
  /** How long a call may take when its answer comes in one piece, milliseconds. */
  readonly answerMs: number;
  /** How long a call may take when it streams, milliseconds. */
  readonly streamMs: number;
  /** Most requests in progress. */
  readonly requests: number;
}

/** The limits of a server that names none. */
export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 1_048_576,
  bodyMs: 15_000,
  answerMs: 120_000,
  streamMs: 3_600_000,
  requests: 64,
};

/** Most connections at once, idle ones included. */
export const MAX_CONNECTIONS = 256;

/** How long the head of a request may take, milliseconds. */
export const HEAD_MS = 10_000;

/** Events that wait for a slow reader of a stream; the operation waits when there are more. */
export const STREAM_BUFFER = 16;
