/**
 * Process: starting Deno without surprises, bounding a child's memory and time by the system, and killing its group.
 *
 * Not a decision on what may be started (kernel/platform/children.ts).
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import process from "node:process";

/** How often a child's resident memory is read. */
const POLL_MS = 10;

/** The same where it takes a process of its own. */
const PS_POLL_MS = 100;

/** What an idle Deno process maps writable before it runs anything, MiB: stacks of its threads grow it by core. */
const IDLE_DATA_MB = 640;
const IDLE_DATA_MB_PER_CORE = 24;

/** Processor time of a child without a deadline: one whose starter is gone and which never listens ends by it. */
const LONGEST_CPU_SECONDS = 86_400;

/** Where the package cache is, and which of its registries holds a package: nothing of it is readable to a child. */
const CACHE_VARIABLES = ["DENO_DIR", "HOME", "LOCALAPPDATA", "NPM_CONFIG_REGISTRY", "XDG_CACHE_HOME"];

/** The variables with which a child finds the packages that our code imports, and those of `more` names. */
export const cacheEnvironment = (more: (name: string) => boolean = () => false): Record<string, string> =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => CACHE_VARIABLES.includes(name) || more(name)),
  ) as Record<string, string>;

/**
 * The Deno executable, spelled so that `node:child_process` does not recognise it: a recognised one silently gets `-A`
 * among its arguments, and a child of ours would hold every permission.
 */
export const denoCommand = (): string => process.execPath.replace(/([\\/])([^\\/]+)$/u, "$1.$1$2");

/** How a child's resident memory is kept within its limit here: by the system, by watching, or not at all. */
export type ResidentGuard = "enforced" | "watched" | "none";

/** The guard this machine allows. */
export const residentGuard = (): ResidentGuard =>
  process.platform === "linux" ? "enforced" : process.platform === "darwin" ? "watched" : "none";

/** Kills a child and all it started. */
export const killGroup = (child: ChildProcess): void => {
  try {
    if (process.platform === "win32" || child.pid === undefined) child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // Already gone, which is what was wanted.
  }
};

/** Resident memory of a process in MiB as /proc tells it; `undefined` where it does not. */
const residentMb = (pid: number): number | undefined => {
  try {
    const match = /^VmRSS:\s+(\d+) kB/mu.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
    return match === null ? undefined : Number(match[1]) / 1024;
  } catch {
    return undefined;
  }
};

/** Resident memory as `ps` tells it, where /proc is absent or closed to this process. */
const residentMbByPs = (pid: number, tell: (mb: number) => void): void => {
  const ps = spawn("/bin/ps", ["-o", "rss=", "-p", String(pid)], { stdio: ["ignore", "pipe", "ignore"] });
  ps.on("error", () => {});
  ps.stdout?.on("data", (data: Uint8Array) => tell(Number(new TextDecoder().decode(data).trim()) / 1024));
};

/** Calls `exceeded` when a child's resident memory passes its limit; answers how to stop watching. */
export const watchResident = (pid: number, limitMb: number, exceeded: () => void): () => void => {
  if (residentGuard() === "none") return () => {};
  const tell = (mb: number): void => void (mb > limitMb && exceeded());
  const isOpen = residentMb(pid) !== undefined;
  const poll = isOpen ? () => tell(residentMb(pid) ?? 0) : () => residentMbByPs(pid, tell);
  const timer = setInterval(poll, isOpen ? POLL_MS : PS_POLL_MS);
  return () => clearInterval(timer);
};

/**
 * Command and arguments that run Deno under the system's own limits: no core file, a hard bound on writable memory
 * (which array buffers and WebAssembly memories count against, unlike the heap flag), and on processor time.
 */
export const limited = (
  limits: { readonly residentMb: number; readonly wallMs?: number },
  args: ReadonlyArray<string>,
): readonly [string, ReadonlyArray<string>] => {
  if (residentGuard() !== "enforced") return [denoCommand(), args];
  const cores = navigator.hardwareConcurrency;
  const dataKb = (limits.residentMb + IDLE_DATA_MB + IDLE_DATA_MB_PER_CORE * cores) * 1024;
  const seconds = limits.wallMs === undefined ? LONGEST_CPU_SECONDS : Math.ceil(limits.wallMs / 1000) * cores + 5;
  const script = `ulimit -c 0; ulimit -d ${dataKb}; ulimit -t ${seconds}; exec "$@"`;
  return ["/bin/sh", ["-c", script, "sh", denoCommand(), ...args]];
};
