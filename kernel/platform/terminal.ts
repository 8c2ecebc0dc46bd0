/**
 * Platform terminal: the three standard streams, their terminal-ness, colour wishes, signals and the exit.
 *
 * Not a renderer (plugins/surfaces/cli draws). Synchronous writes, so that nothing is lost when the process leaves.
 * Invariant: a reader that went away is reported, never thrown: `write` answers whether the text arrived.
 *
 * @module
 */
import * as fs from "node:fs";
import process from "node:process";

/** One of the streams a process writes. */
export type Output = "stdout" | "stderr";

/** What the surfaces need of the machine's terminal; tests bring their own. */
export interface Terminal {
  /** The words after the program's name. */
  readonly args: ReadonlyArray<string>;
  /** Whether a stream is a terminal. */
  readonly isTerminal: (stream: Output | "stdin") => boolean;
  /** Whether the person asked for no colour (`NO_COLOR`). */
  readonly noColor: boolean;
  /** Width of the terminal in columns, where there is one. */
  readonly columns: () => number | undefined;
  /** Writes text; false when nobody reads the stream any more. */
  readonly write: (stream: Output, text: string) => boolean;
  /** Bytes of standard input, as they come; ends at the end of the input. */
  readonly input: () => AsyncIterable<Uint8Array>;
  /** Calls back on an interrupt or a request to end; answers how to stop listening. */
  readonly onStop: (stop: () => void) => () => void;
  /** Ends the process. */
  readonly exit: (code: number) => never;
}

const DESCRIPTORS: { readonly [S in Output | "stdin"]: 0 | 1 | 2 } = { stdin: 0, stdout: 1, stderr: 2 };

/** Bytes asked from standard input at a time. */
const READ_SIZE = 65_536;

type DenoStreams = {
  readonly noColor: boolean;
  readonly consoleSize: () => { readonly columns: number };
  readonly stdin: { readonly isTerminal: () => boolean };
  readonly stdout: { readonly isTerminal: () => boolean };
  readonly stderr: { readonly isTerminal: () => boolean };
};

const deno = (globalThis as { Deno?: DenoStreams }).Deno;

const isTerminal = (stream: Output | "stdin"): boolean =>
  deno === undefined ? process[stream].isTTY === true : deno[stream].isTerminal();

const columns = (): number | undefined => {
  try {
    // A terminal that does not know its size says 0.
    return (deno === undefined ? process.stdout.columns : deno.consoleSize().columns) || undefined;
  } catch {
    return undefined;
  }
};

const isGone = (cause: unknown): boolean => (cause as { code?: string }).code === "EPIPE";

const isFull = (cause: unknown): boolean => (cause as { code?: string }).code === "EAGAIN";

const write = (stream: Output, text: string): boolean => {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(DESCRIPTORS[stream], rest));
    } catch (cause) {
      if (isGone(cause)) return false;
      // A pipe shared with a slow reader may be in non-blocking mode: wait for room without spinning.
      if (!isFull(cause)) throw cause;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return true;
};

async function* input(): AsyncIterable<Uint8Array> {
  for (;;) {
    const chunk = new Uint8Array(READ_SIZE);
    const count = await new Promise<number>((resolve, reject) =>
      fs.read(DESCRIPTORS.stdin, chunk, 0, READ_SIZE, null, (cause, read) => {
        // Windows reports the end of a pipe as an error.
        if (cause !== null && (cause as { code?: string }).code !== "EOF") reject(cause);
        else resolve(cause === null ? read : 0);
      })
    );
    if (count === 0) return;
    yield chunk.subarray(0, count);
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

const onStop = (stop: () => void): () => void => {
  let [signals, abandoned] = [0, false];
  const signalled = (): void => {
    signals++;
    // A launcher may hang up just before the signal it passes on arrives: that is one request, not two.
    if (signals > 1 || !abandoned) stop();
  };
  // A launcher that is gone could no longer pass a signal on. A process on its way out hangs up by itself.
  const left = (): void => {
    if (signals > 0) return;
    abandoned = true;
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, signalled);
  process.on("disconnect", left);
  return () => {
    for (const signal of SIGNALS) process.off(signal, signalled);
    process.off("disconnect", left);
  };
};

/** The terminal of this process. */
export const platformTerminal: Terminal = {
  args: process.argv.slice(2),
  isTerminal,
  noColor: deno === undefined ? (process.env.NO_COLOR ?? "") !== "" : deno.noColor,
  columns,
  write,
  input,
  onStop,
  exit: (code) => process.exit(code),
};
