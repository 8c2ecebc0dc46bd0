/**
 * Worker child: what runs in a worker process: jobs come in as lines, values go out as lines.
 *
 * Not a boundary (the process without permissions is one) and not where a job is found: the module is given.
 * Invariant: one line out for each line in, whatever a job returns or throws; nothing else goes to standard output.
 *
 * @module
 */
import process from "node:process";
import type { JobEnd } from "../workers.ts";
import { lineOf, MAX_JOB_CHARS, valueOf } from "./clone.ts";
import { ownLines } from "./frames.ts";

const ended = async (jobs: { readonly [name: string]: unknown }, line: string): Promise<JobEnd> => {
  try {
    const { name, input } = valueOf(line) as { readonly name: string; readonly input: unknown };
    const job = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
    if (typeof job !== "function") throw new TypeError("the module exports no function of this name");
    return { ok: true, value: await job(input) };
  } catch (cause) {
    return { ok: false, cause: String(cause), broken: false };
  }
};

const lineOfEnd = (end: JobEnd): string => {
  try {
    return lineOf(end);
  } catch (cause) {
    return lineOf({ ok: false, cause: String(cause), broken: false } satisfies JobEnd);
  }
};

/** Serves the functions of a module until the input ends. */
export const serveJobs = (jobs: { readonly [name: string]: unknown }): void => {
  // What a job prints is for people; standard output carries values.
  console.log = console.info = console.debug = console.error;
  const write = ownLines(
    MAX_JOB_CHARS,
    (line) => void ended(jobs, line).then((end) => write(lineOfEnd(end))),
    () => process.exit(0),
  );
};
