/**
 * Worker process: one child without any permission that runs jobs of one of our own modules, one at a time, for as long
 * as it is wanted (kernel/workers.ts).
 *
 * Not for foreign code: only modules below our own folder are started; candidates run in kernel/platform/candidate.ts.
 * Invariant: the child holds no permission, its heap and its resident memory are bounded, a line of it is bounded, and
 * how it ended is heard exactly once.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import { SANDBOX_BOUNDS, type WorkerLimits } from "../sandbox_limits.ts";
import { MAX_JOB_CHARS } from "./clone.ts";
import { startLineChild } from "./line_child.ts";
import { cacheEnvironment, limited } from "./process.ts";
import { demand, isRecord, onlyMembers } from "./request.ts";

const CODE = /\.(?:ts|mts|js|mjs)$/u;

const moduleOf = (module: unknown, root: string): string => {
  demand(typeof module === "string" && CODE.test(module), "module must be the URL of a module");
  const url = module as string;
  demand(URL.canParse(url) && new URL(url).href === url && url.startsWith(root), "module must lie in our own folder");
  return url;
};

const limitsOf = (given: unknown): WorkerLimits => {
  demand(isRecord(given), "limits must be given");
  const limits = given as Record<string, unknown>;
  onlyMembers(limits, ["heapMb", "residentMb"]);
  for (const name of ["heapMb", "residentMb"] as const) {
    const [least, most] = SANDBOX_BOUNDS[name];
    const value = limits[name];
    demand(
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
      `limits.${name} must be an integer from ${least} to ${most}`,
    );
  }
  return limits as unknown as WorkerLimits;
};

/**
 * The child's main module. Both modules are static imports, which are loaded before anything runs and need no permission
 * to read.
 */
const mainOf = (module: string, root: string): string =>
  `data:text/javascript,${
    encodeURIComponent(`
import { serveJobs } from ${JSON.stringify(new URL("kernel/platform/worker_child.ts", root).href)};
import * as jobs from ${JSON.stringify(module)};
serveJobs(jobs);`)
  }`;

/** Starts a worker process; `hear` gets its lines, `answer` hears once how it ended. */
export const startWorkerProcess = (
  request: Record<string, unknown>,
  { root }: { readonly root: string },
  hear: (line: string) => void,
  answer: (value: unknown) => void,
): ChildProcess => {
  onlyMembers(request, ["module", "limits"]);
  const module = moduleOf(request.module, root);
  const limits = limitsOf(request.limits);
  const config = new URL("deno.json", root);
  const [command, args] = limited({ residentMb: limits.residentMb }, [
    ...["run", "--no-prompt", "--cached-only", "--no-lock", "--no-check", "--quiet"],
    `--v8-flags=--max-old-space-size=${limits.heapMb}`,
    ...(config.protocol === "file:" ? [`--config=${decodeURIComponent(config.pathname)}`] : []),
    mainOf(module, root),
  ]);
  return startLineChild(
    {
      command,
      args,
      env: { ...cacheEnvironment(), NO_COLOR: "1" },
      lineChars: MAX_JOB_CHARS,
      line: "its value",
      residentMb: limits.residentMb,
    },
    hear,
    answer,
  );
};
