/**
 * Clock: CPU time of this thread, through FFI. On a shared machine it reproduces where wall time does not.
 *
 * Where the call cannot be reached (not Linux, no FFI), wall time takes its place and says so.
 */

const CLOCK_THREAD_CPUTIME_ID = 3;

const opened = (): (() => number) | undefined => {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
    });
    const time = new BigInt64Array(2);
    const bytes = new Uint8Array(time.buffer);
    return () => {
      symbols.clock_gettime(CLOCK_THREAD_CPUTIME_ID, bytes);
      return Number(time[0]) * 1e3 + Number(time[1]) / 1e6;
    };
  } catch {
    return undefined;
  }
};

const clock = opened();

/** What `cpuMs` counts. */
export const CLOCK: "thread CPU time" | "wall time" = clock === undefined ? "wall time" : "thread CPU time";

/** Milliseconds this thread has computed. */
export const cpuMs: () => number = clock ?? (() => performance.now());
