/**
 * Candidate: one child process without any permission that runs one module's function once, within limits.
 *
 * Not the judge of its answer, and no place for code that needs anything but its input.
 * Invariant: however the candidate behaves, the answer is heard exactly once and the child's group is dead after it.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { MAX_SOURCE_CHARS, SANDBOX_BOUNDS, type SandboxLimits } from "../sandbox_limits.ts";
import { judgeFrame } from "./frame.ts";
import { type Assignment, sandboxImportMap, sandboxMain } from "./harness.ts";
import { killGroup, limited, watchResident } from "./process.ts";
import { demand, isRecord, json, MAX_MESSAGE_CHARS, onlyMembers, TAIL_CHARS } from "./request.ts";

/** How long after its time an idle child whose starter was killed ends by itself; a busy one ends by its CPU limit. */
const ORPHAN_GRACE_MS = 5_000;

const sandboxRequest = (
  request: Record<string, unknown>,
): { source: string; input: unknown; limits: SandboxLimits } => {
  onlyMembers(request, ["source", "input", "limits"]);
  const { source, input = null, limits } = request;
  demand(typeof source === "string" && source.length <= MAX_SOURCE_CHARS, "source must be a text within its limit");
  demand(json(input).length <= MAX_MESSAGE_CHARS, "input is too large");
  demand(isRecord(limits), "limits must be given");
  for (const [name, [least, most]] of Object.entries(SANDBOX_BOUNDS)) {
    const value = (limits as Record<string, unknown>)[name];
    demand(
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
      `limits.${name} must be an integer from ${least} to ${most}`,
    );
  }
  return { source: source as string, input, limits: limits as unknown as SandboxLimits };
};

const nonceText = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Starts a candidate; `answer` hears exactly once how it ended. */
export const startSandbox = (request: Record<string, unknown>, answer: (value: unknown) => void): ChildProcess => {
  const { source, input, limits } = sandboxRequest(request);
  const nonce = nonceText();
  const [command, args] = limited(limits, [
    ...["run", "--no-prompt", "--cached-only", "--no-remote", "--no-npm", "--no-config", "--no-lock", "--quiet"],
    ...[`--import-map=${sandboxImportMap}`, `--v8-flags=--max-old-space-size=${limits.heapMb}`, sandboxMain],
  ]);
  const child = spawn(command, args, {
    cwd: process.platform === "win32" ? undefined : "/",
    detached: process.platform !== "win32",
    stdio: ["pipe", "pipe", "pipe"],
    // No folder can exist below a device, so web storage, which needs no permission, has nowhere to write.
    env: { DENO_DIR: process.platform === "win32" ? "NUL\\none" : "/dev/null/none", NO_COLOR: "1" },
  });
  const printed: Array<Uint8Array> = [];
  let bytes = 0;
  let complaint = "";
  let verdict: "timeout" | "memory" | "output" | undefined;
  const stop = (reason: "timeout" | "memory" | "output"): void => {
    verdict ??= reason;
    killGroup(child);
  };
  const timer = setTimeout(() => stop("timeout"), limits.wallMs);
  const unwatch = child.pid === undefined
    ? () => {}
    : watchResident(child.pid, limits.residentMb, () => stop("memory"));
  const count = (data: Uint8Array): boolean => {
    bytes += data.length;
    if (bytes > limits.outputBytes) stop("output");
    return bytes <= limits.outputBytes;
  };
  child.stdout?.on("data", (data: Uint8Array) => void (count(data) && printed.push(data)));
  child.stderr?.on("data", (data: Uint8Array) => {
    if (count(data)) complaint = (complaint + new TextDecoder().decode(data)).slice(-TAIL_CHARS);
  });
  // A child that ends before it has read everything closes the pipe; how it ended says the rest.
  child.stdin?.on("error", () => {});
  child.stdin?.end(json({ nonce, source, input, lifeMs: limits.wallMs + ORPHAN_GRACE_MS } satisfies Assignment));
  let done = false;
  const end = (status: number | null, signal: string | null): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    unwatch();
    killGroup(child);
    answer(judgeFrame({ printed, nonce, verdict, status, signal, complaint }));
  };
  child.on("error", (cause: Error) => {
    complaint = cause.message;
    end(null, null);
  });
  child.on("close", end);
  return child;
};
