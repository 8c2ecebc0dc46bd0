/**
 * Program: one run of a program that a person named in the policy file, with JSON in and text out.
 *
 * Not a shell: the command and its arguments stand in the policy file, which the kernel process cannot write; a request
 * names a program and brings its input, nothing else.
 * Invariant: a program that is not in the file as it is now does not run; however it ends, that is heard exactly once
 * and its group is dead after it.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import process from "node:process";
import { POLICY_FILE } from "../flags.ts";
import { SANDBOX_BOUNDS } from "../sandbox_limits.ts";
import { killGroup } from "./process.ts";
import { demand, isRecord, isTexts, json, MAX_MESSAGE_CHARS, onlyMembers, TAIL_CHARS } from "./request.ts";

/** Variables that every program gets, where they are set; others must be named in the policy file. */
const USUAL_VARIABLES = ["PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TEMP", "SYSTEMROOT"];

/** A program as the policy file names it. */
interface Named {
  readonly command: string;
  readonly arguments: ReadonlyArray<string>;
  readonly variables: ReadonlyArray<string>;
}

const namedIn = (workspace: string, name: unknown): Named => {
  let policy: unknown;
  try {
    policy = JSON.parse(fs.readFileSync(`${workspace}/${POLICY_FILE}`, "utf8"));
  } catch {
    // A policy that is absent or cannot be read names no program, which the refusal says.
  }
  const programs = isRecord(policy) && Array.isArray(policy.programs) ? policy.programs : [];
  const found = programs.find((program) => isRecord(program) && program.name === name);
  demand(found !== undefined, `${POLICY_FILE} names no program "${name}"`);
  const { command, arguments: given = [], variables = [] } = found;
  const whole = typeof command === "string" && command !== "" && Array.isArray(given) &&
    given.every((one) => typeof one === "string") && (isTexts(variables) || json(variables) === "[]");
  demand(whole, `the program "${name}" is malformed in ${POLICY_FILE}`);
  return { command, arguments: given, variables };
};

interface Limits {
  readonly wallMs: number;
  readonly outputBytes: number;
}

const limitsOf = (limits: unknown): Limits => {
  demand(isRecord(limits), "limits must be given");
  const given = limits as Record<string, unknown>;
  onlyMembers(given, ["wallMs", "outputBytes"]);
  for (const name of ["wallMs", "outputBytes"] as const) {
    const [least, most] = SANDBOX_BOUNDS[name];
    const value = given[name];
    demand(
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most,
      `limits.${name} must be an integer from ${least} to ${most}`,
    );
  }
  return given as unknown as Limits;
};

/** Starts a program; `answer` hears exactly once how it ended: its code, what it printed, and why it was stopped or not
 * even started. */
export const startProgram = (
  request: Record<string, unknown>,
  workspace: string,
  answer: (value: unknown) => void,
): ChildProcess => {
  onlyMembers(request, ["program", "input", "limits"]);
  const { program, input = null } = request;
  const named = namedIn(workspace, program);
  const { wallMs, outputBytes } = limitsOf(request.limits);
  const text = json(input);
  demand(text.length <= MAX_MESSAGE_CHARS, "input is too large");
  const names = [...USUAL_VARIABLES, ...named.variables].filter((name) => process.env[name] !== undefined);
  const child = spawn(named.command, [...named.arguments], {
    cwd: workspace,
    detached: process.platform !== "win32",
    stdio: ["pipe", "pipe", "pipe"],
    env: Object.fromEntries(names.map((name) => [name, process.env[name]])),
  });
  const printed: Array<Uint8Array> = [];
  let [bytes, complaint] = [0, ""];
  let stopped: "absent" | "timeout" | "output" | undefined;
  const stop = (reason: "timeout" | "output"): void => {
    stopped ??= reason;
    killGroup(child);
  };
  const timer = setTimeout(() => stop("timeout"), wallMs);
  child.stdout?.on("data", (data: Uint8Array) => {
    bytes += data.length;
    if (bytes > outputBytes) stop("output");
    else printed.push(data);
  });
  child.stderr?.on("data", (data: Uint8Array) => {
    complaint = (complaint + new TextDecoder().decode(data)).slice(-TAIL_CHARS);
  });
  // A program that does not read its input closes the pipe; that is its own affair.
  child.stdin?.on("error", () => {});
  child.stdin?.end(`${text}\n`);
  let done = false;
  const end = (code: number | null): void => {
    if (done) return;
    done = true;
    clearTimeout(timer);
    killGroup(child);
    const decoder = new TextDecoder();
    const output = printed.map((piece) => decoder.decode(piece, { stream: true })).join("") + decoder.decode();
    answer({ code: code ?? -1, output, complaint, ...(stopped === undefined ? {} : { stopped }) });
  };
  child.on("error", (cause: Error) => {
    complaint = cause.message;
    stopped ??= "absent";
    end(null);
  });
  child.on("close", end);
  return child;
};
