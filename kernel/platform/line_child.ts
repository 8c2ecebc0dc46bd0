/**
 * Line child: a started process that talks by lines over its pipes, within bounds, for as long as it is wanted.
 *
 * Not a judge of what may be started: the command is whole when it comes here (host.ts, worker_process.ts).
 * Invariant: its lines and its resident memory are bounded, how it ended is heard exactly once, and nothing of its
 * process group outlives it.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { lineSplitter } from "./frames.ts";
import { killGroup, watchResident } from "./process.ts";
import { TAIL_CHARS } from "./request.ts";

/** What is started, and within which bounds. */
export interface LineChild {
  /** The program. */
  readonly command: string;
  /** Its arguments. */
  readonly args: ReadonlyArray<string>;
  /** Its whole environment. */
  readonly env: NodeJS.ProcessEnv;
  /** Longest line, in characters. */
  readonly lineChars: number;
  /** What a longer line is called. */
  readonly line: string;
  /** Most resident memory, MiB. */
  readonly residentMb: number;
}

/** Starts it; `hear` gets its lines, `answer` hears once how it ended. */
export const startLineChild = (
  { command, args, env, lineChars, line, residentMb }: LineChild,
  hear: (line: string) => void,
  answer: (value: unknown) => void,
): ChildProcess => {
  const child = spawn(command, args, {
    // The folder a process stands in is known to it without a permission, so it is one that tells nothing.
    cwd: process.platform === "win32" ? undefined : "/",
    detached: process.platform !== "win32",
    stdio: ["pipe", "pipe", "pipe"],
    env,
  });
  let complaint = "";
  const stop = (reason: string): void => {
    complaint = reason;
    killGroup(child);
  };
  const split = lineSplitter(lineChars, hear);
  child.stdout?.on("data", (data: Uint8Array) => {
    if (!split(data)) stop(`${line} is longer than ${lineChars} characters`);
  });
  child.stderr?.on("data", (data: Uint8Array) => {
    complaint = (complaint + new TextDecoder().decode(data)).slice(-TAIL_CHARS);
  });
  // A process that ends closes the pipe; how it ended says the rest.
  child.stdin?.on("error", () => {});
  const unwatch = child.pid === undefined
    ? () => {}
    : watchResident(child.pid, residentMb, () => stop(`it used more than ${residentMb} MiB`));
  let done = false;
  const end = (status: number | null, signal: string | null): void => {
    if (done) return;
    done = true;
    unwatch();
    killGroup(child);
    answer({ ended: true, status, signal, complaint });
  };
  child.on("error", (cause: Error) => {
    complaint = cause.message;
    end(null, null);
  });
  child.on("close", end);
  return child;
};
