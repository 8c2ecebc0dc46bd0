/**
 * Host: starting the process of one third-party plugin, with the permissions its lock holds and no others; or, to look
 * at a plugin nobody approved yet, with none at all beyond reading the plugin's own code.
 *
 * Not a judge of what the process says: its lines are passed on, measured, and read elsewhere (registry/connection.ts).
 * Invariant: permissions come from `rmi.lock`, which the asking process cannot change; a line, the heap and the
 * resident memory of the process are bounded.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { startLineChild } from "./line_child.ts";
import { cacheEnvironment, denoCommand } from "./process.ts";
import { demand, isRecord, isTexts, MAX_MESSAGE_CHARS, onlyMembers, Refusal } from "./request.ts";

/** V8 heap of a plugin's process, MiB. */
export const HOST_HEAP_MB = 512;

/** Resident memory of a plugin's process, MiB. */
export const HOST_RESIDENT_MB = 1_024;

/** Where hosts are started. */
export interface HostPlace {
  /** The user's folder. */
  readonly workspace: string;
  /** Our code, as a URL that ends in `/`. */
  readonly root: string;
}

interface Start {
  /** A module specifier. */
  readonly entry: string;
  readonly flags: ReadonlyArray<string>;
}

/** The permissions a lock may hold for a plugin; `write`, `run` and `ffi` are none of them. */
const LOCKED_PERMISSIONS = ["read", "net", "env", "sys"] as const;

const PACKAGE = /^(?:npm|jsr):(?:@[a-z0-9._-]+\/)?[a-z0-9._-]+@\d+\.\d+\.\d+[\w.+-]*(?:\/[\w./-]*)?$/u;
const CODE = /\.(?:ts|mts|js|mjs)$/u;

const absolute = (folder: string, file: string): string => path.resolve(folder, file);

const specifierOf = (workspace: string, entry: string): string => {
  if (PACKAGE.test(entry)) return entry;
  demand(CODE.test(entry), "the entry must be a .ts or .js file, or an exact npm: or jsr: specifier");
  return pathToFileURL(absolute(workspace, entry)).href;
};

/** Deno reads a comma as the start of another value, and has no escape for it. */
const permissionFlag = (name: string, value: string): string => {
  demand(!value.includes(","), `"${value}" holds a comma, which a permission cannot`);
  return `--allow-${name}=${value}`;
};

const readFlag = (file: string): string => permissionFlag("read", file);

/** What the lock says of a plugin; it is read here because the asking process is not asked for permissions. */
const locked = (workspace: string, plugin: unknown): Start => {
  demand(typeof plugin === "string" && /^[a-z][a-z0-9-]*$/u.test(plugin), "plugin must be an id");
  let lock: unknown;
  try {
    lock = JSON.parse(fs.readFileSync(`${workspace}/rmi.lock`, "utf8"));
  } catch {
    throw new Refusal("rmi.lock cannot be read");
  }
  const plugins = isRecord(lock) && isRecord(lock.plugins) ? lock.plugins : {};
  const row = Object.hasOwn(plugins, plugin as string) ? plugins[plugin as string] : undefined;
  demand(isRecord(row) && typeof row.entry === "string", `rmi.lock has no entry of plugin "${plugin}"`);
  const { entry, permissions = {} } = row as { entry: string; permissions?: unknown };
  demand(isRecord(permissions), "permissions of a locked plugin must be an object");
  const members = permissions as Record<string, unknown>;
  const strange = Object.keys(members).find((name) => !(LOCKED_PERMISSIONS as ReadonlyArray<string>).includes(name));
  demand(strange === undefined, `a locked plugin cannot hold the permission "${strange}"`);
  const flags = LOCKED_PERMISSIONS.filter((name) => members[name] !== undefined).flatMap((name) => {
    demand(isTexts(members[name]), `permission "${name}" of a locked plugin must be a list of texts`);
    const values = members[name] as ReadonlyArray<string>;
    if (name === "read") return values.map((value) => readFlag(absolute(workspace, value)));
    // "*" is every host; it can only be told to Deno by naming none.
    if (values.includes("*")) return [`--allow-${name}`];
    return values.map((value) => permissionFlag(name, value));
  });
  return { entry: specifierOf(workspace, entry), flags };
};

/** Only to see what a plugin declares: it may read its own code and nothing else. */
const looked = (workspace: string, look: unknown, folder: unknown): Start => {
  demand(typeof look === "string" && look !== "", "look must be an entry");
  const entry = specifierOf(workspace, look as string);
  if (PACKAGE.test(look as string)) return { entry, flags: [] };
  const file = absolute(workspace, look as string);
  if (folder === undefined) return { entry, flags: [readFlag(file)] };
  demand(typeof folder === "string" && folder !== "", "folder must be a path");
  const whole = absolute(workspace, folder as string);
  const inside = (inner: string, outer: string): boolean => !path.relative(outer, inner).startsWith("..");
  demand(inside(file, whole), "the entry must lie in its folder");
  demand(!inside(workspace, whole), "a plugin's folder may not hold the workspace");
  return { entry, flags: [readFlag(whole)] };
};

/** Starts a plugin's process; `hear` gets its lines, `answer` hears once how it ended. */
export const startHost = (
  request: Record<string, unknown>,
  { workspace, root }: HostPlace,
  hear: (line: string) => void,
  answer: (value: unknown) => void,
): ChildProcess => {
  onlyMembers(request, ["plugin", "look", "folder"]);
  const { entry, flags } = request.plugin === undefined
    ? looked(workspace, request.look, request.folder)
    : locked(workspace, request.plugin);
  const config = new URL("deno.json", root);
  return startLineChild(
    {
      command: denoCommand(),
      args: [
        ...["run", "--no-prompt", "--cached-only", "--no-lock", "--no-check", "--quiet"],
        `--v8-flags=--max-old-space-size=${HOST_HEAP_MB}`,
        ...(config.protocol === "file:" ? [`--config=${decodeURIComponent(config.pathname)}`] : []),
        ...flags,
        new URL("registry/host_child.ts", root).href,
        entry,
      ],
      env: cacheEnvironment((name) => flags.includes(`--allow-env=${name}`)),
      lineChars: MAX_MESSAGE_CHARS,
      line: "a line",
      residentMb: HOST_RESIDENT_MB,
    },
    hear,
    answer,
  );
};
