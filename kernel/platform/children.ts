/**
 * Children: the processes that may be started on the kernel process's behalf, each from a fixed request: sandbox
 * candidates without any permission, hosts of locked plugins with the permissions of their lock, and commands of a
 * fixed table. It runs in the launcher (or, used as a library, wherever the host may start processes).
 *
 * Not a shell: no request carries a command line, a flag or a file to run.
 * Invariant: a request that does not fit is refused, and `close` leaves no child behind.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import process from "node:process";
import { startSandbox } from "./candidate.ts";
import { denoCommand, killGroup } from "./process.ts";
import { demand, isRecord, isTexts, json, MAX_MESSAGE_CHARS, onlyMembers, Refusal, TAIL_CHARS } from "./request.ts";

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

/** The permissions a lock may hold for a plugin; `run` and `ffi` are none of them. */
const LOCKED_PERMISSIONS = ["read", "write", "net", "env", "sys"] as const;

/** What the lock says of a plugin; the lock is read here because the kernel process is not asked for permissions. */
const lockedPlugin = (workspace: string, plugin: unknown): { entry: string; flags: ReadonlyArray<string> } => {
  demand(typeof plugin === "string" && /^[a-z][a-z0-9-]*$/u.test(plugin), "plugin must be an id");
  let lock: unknown;
  try {
    lock = JSON.parse(fs.readFileSync(`${workspace}/rmi.lock`, "utf8"));
  } catch {
    throw new Refusal("rmi.lock cannot be read");
  }
  const plugins = isRecord(lock) && isRecord(lock.plugins) ? lock.plugins : {};
  const locked = Object.hasOwn(plugins, plugin as string) ? plugins[plugin as string] : undefined;
  demand(isRecord(locked) && typeof locked.entry === "string", `rmi.lock has no entry of plugin "${plugin}"`);
  const { entry, permissions = {} } = locked as { entry: string; permissions?: unknown };
  demand(isRecord(permissions), "permissions of a locked plugin must be an object");
  const members = permissions as Record<string, unknown>;
  const flags = LOCKED_PERMISSIONS.filter((name) => members[name] !== undefined).flatMap((name) => {
    demand(isTexts(members[name]), `permission "${name}" of a locked plugin must be a list of texts`);
    return (members[name] as ReadonlyArray<string>).map((value) => {
      const path = name === "read" || name === "write" ? absolute(workspace, value) : value;
      return `--allow-${name}=${path.replaceAll(",", ",,")}`;
    });
  });
  return { entry: absolute(workspace, entry), flags };
};

const absolute = (folder: string, path: string): string =>
  /^(?:\/|[A-Za-z]:[\\/]|\\\\|[a-z]+:)/u.test(path) ? path : `${folder}/${path}`;

const startHost = (
  request: Record<string, unknown>,
  { workspace, root }: Workplace,
  hear: (message: unknown) => void,
  answer: (value: unknown) => void,
): ChildProcess => {
  onlyMembers(request, ["plugin"]);
  const { entry, flags } = lockedPlugin(workspace, request.plugin);
  const config = new URL("deno.json", root);
  const folder = entry.replace(/[\\/][^\\/]*$/u, "");
  const child = spawn(denoCommand(), [
    ...["run", "--no-prompt", "--cached-only", "--quiet"],
    ...(config.protocol === "file:" ? [`--config=${decodeURIComponent(config.pathname)}`] : []),
    // A file entry is loaded at run time, which needs its folder; a package comes from the cache and needs none.
    ...(/^[a-z]{2,}:/u.test(entry) ? [] : [`--allow-read=${folder.replaceAll(",", ",,")}`]),
    ...flags,
    new URL("registry/host_child.ts", root).href,
    entry,
  ], {
    cwd: workspace,
    detached: process.platform !== "win32",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: Object.fromEntries(
      Object.entries(process.env).filter(([name]) =>
        ["DENO_DIR", "HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"].includes(name) || flags.includes(`--allow-env=${name}`)
      ),
    ) as Record<string, string>,
  });
  let complaint = "";
  child.stderr?.on("data", (data: Uint8Array) => {
    complaint = (complaint + new TextDecoder().decode(data)).slice(-TAIL_CHARS);
  });
  child.on("message", (message: unknown) => {
    if (json(message).length <= MAX_MESSAGE_CHARS) hear(message);
    else killGroup(child);
  });
  let done = false;
  const end = (status: number | null, signal: string | null): void => {
    if (done) return;
    done = true;
    killGroup(child);
    answer({ ended: true, status, signal, complaint });
  };
  child.on("error", () => end(null, null));
  child.on("exit", end);
  return child;
};

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

/** Serves requests until closed. Every request gets one `answer` or one `refused`, under its own id. */
export const serveRequests = (workplace: Workplace): Requests => {
  const children = new Map<number, { readonly kind: string; readonly child: ChildProcess }>();
  const start = (id: number, request: Record<string, unknown>): ChildProcess => {
    const answer = (value: unknown): void => {
      children.delete(id);
      workplace.post({ id, answer: value });
    };
    demand(children.size < MAX_CHILDREN, `more than ${MAX_CHILDREN} children at once`);
    if (request.kind === "sandbox") return startSandbox(request, answer);
    if (request.kind === "command") return startCommand(request, workplace, answer);
    demand(request.kind === "host", `unknown kind "${request.kind}"`);
    return startHost(request, workplace, (message) => workplace.post({ id, message }), answer);
  };
  const serve = (id: number, request: Record<string, unknown>): void => {
    if (request.kind === "stop" || request.kind === "send") {
      const target = children.get(request.to as number);
      if (request.kind === "stop" && target !== undefined) killGroup(target.child);
      if (request.kind === "send") {
        demand(target?.kind === "host" && target.child.connected === true, "no such host");
        demand(json(request.message).length <= MAX_MESSAGE_CHARS, "message is too large");
        target?.child.send(request.message as never, () => {});
      }
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
