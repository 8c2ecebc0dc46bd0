/**
 * Children: the processes that may be started on the kernel process's behalf, each from a fixed request: sandbox
 * candidates and workers without any permission, hosts of locked plugins with the permissions of their lock, commands of
 * a fixed table, and programs that a person named in the policy file. It runs in the launcher (or, used as a library, wherever
 * the host may start processes).
 *
 * Not a shell: no request carries a command line, a flag or a file to run.
 * Invariant: a request that does not fit is refused, and `close` leaves no child behind.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { startSandbox } from "./candidate.ts";
import { MAX_JOB_CHARS } from "./clone.ts";
import { startHost } from "./host.ts";
import { denoCommand, killGroup } from "./process.ts";
import { startProgram } from "./program.ts";
import { demand, isRecord, MAX_MESSAGE_CHARS, onlyMembers, TAIL_CHARS } from "./request.ts";
import { startWorkerProcess } from "./worker_process.ts";

export { denoCommand } from "./process.ts";

/** Where requests are served. */
export interface Workplace {
  /** Sends one message back to whoever asks. */
  readonly post: (message: unknown) => void;
  /** The user's folder. */
  readonly workspace: string;
  /** Our code, as a URL that ends in `/`. */
  readonly root: string;
  /** What `install` may fetch: exact `npm:` specifiers by name. */
  readonly optional: { readonly [name: string]: string };
}

/** The requests being served. */
export interface Requests {
  /** Takes one message; anything that is not a request is refused. */
  readonly take: (message: unknown) => void;
  /** Kills every child. */
  readonly close: () => void;
}

/** Most children at once; what comes beyond is refused. */
export const MAX_CHILDREN = 32;

const COMMAND_DEADLINE_MS = 600_000;

/** Commands by name: each builds Deno's arguments from its own checked arguments. */
const COMMANDS: {
  readonly [name: string]: (given: Record<string, unknown>, workplace: Workplace) => ReadonlyArray<string>;
} = {
  install: (given, { optional, root }) => {
    const name = given.package;
    demand(typeof name === "string" && Object.hasOwn(optional, name), `"${name}" is not an optional package`);
    const specifier = optional[name as string];
    demand(/^npm:(?:@[a-z0-9._-]+\/)?[a-z0-9._-]+@\d+\.\d+\.\d+[\w.+-]*$/u.test(specifier), "its version is not exact");
    const config = new URL("deno.json", root);
    return [
      "cache",
      "--quiet",
      ...(config.protocol === "file:" ? [`--config=${decodeURIComponent(config.pathname)}`] : []),
      specifier,
    ];
  },
};

const startCommand = (
  request: Record<string, unknown>,
  workplace: Workplace,
  answer: (value: unknown) => void,
): ChildProcess => {
  onlyMembers(request, ["command", "arguments"]);
  const { command, arguments: given = {} } = request;
  demand(typeof command === "string" && Object.hasOwn(COMMANDS, command), `unknown command "${command}"`);
  demand(isRecord(given), "arguments must be an object");
  const child = spawn(denoCommand(), COMMANDS[command as string](given as Record<string, unknown>, workplace), {
    detached: process.platform !== "win32",
    stdio: ["ignore", "pipe", "pipe"],
  });
  const timer = setTimeout(() => killGroup(child), COMMAND_DEADLINE_MS);
  let output = "";
  const hear = (data: Uint8Array): void => {
    output = (output + new TextDecoder().decode(data)).slice(-TAIL_CHARS);
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  child.on("error", (cause: Error) => hear(new TextEncoder().encode(cause.message)));
  child.on("close", (code: number | null) => {
    clearTimeout(timer);
    answer({ code: code ?? -1, output });
  });
  return child;
};

/** Kinds of child that are talked with, and the longest line each is told, in characters. */
const LONGEST_LINE: { readonly [kind: string]: number } = { host: MAX_MESSAGE_CHARS, worker: MAX_JOB_CHARS };

interface Child {
  readonly kind: string;
  readonly child: ChildProcess;
}

const tell = (target: Child | undefined, line: unknown): void => {
  demand(target !== undefined && Object.hasOwn(LONGEST_LINE, target.kind), "no such child to talk with");
  const { kind, child } = target!;
  demand(
    typeof line === "string" && line.length <= LONGEST_LINE[kind] && !line.includes("\n"),
    `message must be one line of at most ${LONGEST_LINE[kind]} characters`,
  );
  child.stdin?.write(`${line}\n`);
};

/** Serves requests until closed. Every request gets one `answer` or one `refused`, under its own id. */
export const serveRequests = (workplace: Workplace): Requests => {
  const children = new Map<number, Child>();
  const start = (id: number, request: Record<string, unknown>): ChildProcess => {
    const answer = (value: unknown): void => {
      children.delete(id);
      workplace.post({ id, answer: value });
    };
    demand(children.size < MAX_CHILDREN, `more than ${MAX_CHILDREN} children at once`);
    if (request.kind === "sandbox") return startSandbox(request, answer);
    if (request.kind === "program") return startProgram(request, workplace.workspace, answer);
    if (request.kind === "command") return startCommand(request, workplace, answer);
    demand(Object.hasOwn(LONGEST_LINE, String(request.kind)), `unknown kind "${request.kind}"`);
    const start = request.kind === "host" ? startHost : startWorkerProcess;
    return start(request, workplace, (message) => workplace.post({ id, message }), answer);
  };
  const serve = (id: number, request: Record<string, unknown>): void => {
    if (request.kind === "stop" || request.kind === "send") {
      const target = children.get(request.to as number);
      if (request.kind === "stop" && target !== undefined) killGroup(target.child);
      if (request.kind === "send") tell(target, request.message);
      return;
    }
    demand(!children.has(id), "id is in use");
    children.set(id, { kind: request.kind as string, child: start(id, request) });
  };
  return {
    take: (message) => {
      // Without an id there is nobody to answer.
      if (!isRecord(message) || !Number.isSafeInteger(message.id)) return;
      const id = message.id as number;
      try {
        serve(id, message);
      } catch (cause) {
        workplace.post({ id, refused: cause instanceof Error ? cause.message : String(cause) });
      }
    },
    close: () => {
      for (const { child } of children.values()) killGroup(child);
      children.clear();
    },
  };
};
