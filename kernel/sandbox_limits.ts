/**
 * Sandbox limits: what a candidate or a worker in a child process may use, and the least and most that can be asked for.
 *
 * Not the fuel of our own interpreter (a budget): these are bounds that the system enforces on a whole process.
 *
 * @module
 */

/** Bounds of a sandbox run. */
export interface SandboxLimits {
  /** Time to the answer, milliseconds. */
  readonly wallMs: number;
  /** V8 heap, MiB. */
  readonly heapMb: number;
  /** Resident memory, MiB. */
  readonly residentMb: number;
  /** Bytes printed and answered. */
  readonly outputBytes: number;
}

/** Bounds of a worker process: those of a sandbox run that are not about one answer. */
export type WorkerLimits = Pick<SandboxLimits, "heapMb" | "residentMb">;

/** What a worker process gets where it names no limits. */
export const DEFAULT_WORKER_LIMITS: WorkerLimits = { heapMb: 2_048, residentMb: 4_096 };

/** The least and the most a sandbox run may be given. */
export const SANDBOX_BOUNDS: { readonly [K in keyof SandboxLimits]: readonly [number, number] } = {
  wallMs: [1, 3_600_000],
  heapMb: [16, 65_536],
  residentMb: [128, 131_072],
  outputBytes: [64, 67_108_864],
};

/** Most characters of a candidate's source. */
export const MAX_SOURCE_CHARS = 1_048_576;

/** What a run gets where it names no limits. */
export const DEFAULT_SANDBOX_LIMITS: SandboxLimits = {
  wallMs: 5_000,
  heapMb: 128,
  residentMb: 384,
  outputBytes: 1_048_576,
};
