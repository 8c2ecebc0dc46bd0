/**
 * Machine: what this machine has and how busy it is, as far as the process may see it.
 *
 * Not a guess: what may not be seen is absent.
 *
 * @module
 */
import os from "node:os";

/** What was seen. */
export interface SeenMachine {
  /** Processors. */
  readonly cores?: number;
  /** Memory, MiB. */
  readonly memoryMiB?: number;
  /** Share of memory in use. */
  readonly memoryLoad?: number;
  /** Share of processor time in use over the last minute. */
  readonly cpuLoad?: number;
}

const MIB = 1_048_576;

const quietly = <A>(attempt: () => A): A | undefined => {
  try {
    return attempt();
  } catch {
    return undefined;
  }
};

/** Memory that programs could still get: what Deno says is available, which counts caches as free. */
const available = (): number => typeof Deno === "object" ? Deno.systemMemoryInfo().available : os.freemem();

/** Looks at the machine; whoever looks holds `sys`. */
export const seeMachine = (): SeenMachine => {
  const cores = quietly(() => os.availableParallelism());
  const total = quietly(() => os.totalmem());
  const free = quietly(available);
  // The system counts processes that run or wait, where it counts at all.
  const waiting = quietly(() => os.loadavg()[0]);
  return {
    ...(cores === undefined ? {} : { cores }),
    ...(total === undefined ? {} : { memoryMiB: Math.round(total / MIB) }),
    ...(total === undefined || free === undefined ? {} : { memoryLoad: 1 - free / total }),
    ...(cores === undefined || waiting === undefined || waiting === 0 ? {} : {
      cpuLoad: Math.min(1, waiting / cores),
    }),
  };
};
