/**
 * Flags: the permissions of the kernel process, from the operation's declaration, the policy and the arguments.
 *
 * Not the gate: a permission given here only makes an answer possible, the gate inside still decides on every use. So
 * where the arguments leave open what a word means, it is taken for every path it might be.
 * Invariant: never `run`; no network, environment, system facts or foreign code without an operation that declares
 * them; the policy file is never writable, the lock only by the operations that exist to change it.
 *
 * @module
 */

/** The part of `plugins/surfaces/generated.json` that the launcher reads. */
export interface Generated {
  /** Version of RMI. */
  readonly version: string;
  /** The manifest's text. */
  readonly manifest: string;
  /** Help on everything. */
  readonly help: string;
  /** Help on a namespace, or on a namespace and a verb. */
  readonly helpOf: { readonly [words: string]: string };
  /** Completion scripts by shell. */
  readonly completions: { readonly [shell: string]: string };
  /** Operation ids by short name. */
  readonly aliases: { readonly [short: string]: string };
  /** What each operation may need. */
  readonly operations: {
    readonly [id: string]: {
      readonly effects: ReadonlyArray<string>;
      readonly kinds: ReadonlyArray<string>;
      readonly paths: ReadonlyArray<{ readonly field: string; readonly use: "read" | "write" }>;
    };
  };
  /** Optional packages by name, as exact `npm:` specifiers. */
  readonly optional?: { readonly [name: string]: string };
}

/** What the flags follow from. */
export interface Situation {
  /** The user's arguments. */
  readonly args: ReadonlyArray<string>;
  /** The user's folder, real, absolute, and one that {@link canName} holds for. */
  readonly workspace: string;
  /** Folders of our own code and of its packages. */
  readonly code: ReadonlyArray<string>;
  /** `rmi.policy.json`, parsed; `undefined` when absent or unreadable (the kernel reports that). */
  readonly policy?: unknown;
  /** The generated data. */
  readonly generated: Generated;
  /** A path with its links resolved as far as it exists, so that a link's target can be read once it is approved. */
  readonly realPath?: (path: string) => string;
}

/** The folders of a workspace that the kernel process may always write. */
export const OWN_FOLDERS = [".rmi", "out"] as const;

/** The policy: a person's file, which the kernel process can never write. */
export const POLICY_FILE = "rmi.policy.json";

/**
 * Where packages of the system put data sets that are the same for everybody: reading them tells nothing of a person, so
 * every operation that reads files may.
 */
export const PUBLIC_DATA = ["/usr/share/datasets", "/usr/lib/bible.data"] as const;

/** The lock of plugins, which only {@link LOCK_WRITERS} can write. */
export const LOCK_FILE = "rmi.lock";

/** The operations that exist to change the lock. */
export const LOCK_WRITERS: ReadonlyArray<string> = ["registry.add", "registry.approve", "registry.remove"];

/** The operation that listens; its address is in its input. */
const SERVE = "surfaces.serve";

/** Unfinished half of an atomic replacement, beside its target (kernel/disk.ts). */
const PART = ".part";

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const textsIn = (value: unknown): ReadonlyArray<string> =>
  (Array.isArray(value) ? value : [value]).filter((item) => typeof item === "string");

/** A text as JSON, or as itself. */
const parsed = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return text;
  }
};

/** The operation that the arguments name, if they name one. */
export const operationOf = (args: ReadonlyArray<string>, generated: Generated): string | undefined => {
  const [first, second] = args.filter((word) => !word.startsWith("-"));
  if (first === undefined) return undefined;
  if (first === "call") return second;
  if (Object.hasOwn(generated.aliases, first)) return generated.aliases[first];
  if (first.includes(".")) return first;
  return second === undefined ? undefined : `${first}.${second}`;
};

/** The input as far as the arguments show it. */
interface Shown {
  /** Members given as flags, or the whole JSON document. */
  readonly document: unknown;
  /** Words that may stand for any member. */
  readonly bare: ReadonlyArray<string>;
}

const shownIn = (args: ReadonlyArray<string>, generated: Generated): Shown => {
  if (args[0] === "call") return { document: parsed(args[2]), bare: [] };
  let words = Object.hasOwn(generated.aliases, args[0] ?? "") || args[0]?.includes(".") ? 1 : 2;
  const document: Record<string, unknown> = {};
  const bare: Array<string> = [];
  args.forEach((word, index) => {
    const flag = /^--([^=]+)(?:=(.*))?$/su.exec(word);
    if (flag === null) {
      // The first words name the operation.
      if (words-- <= 0) bare.push(word);
      return;
    }
    const [, name, value = args[index + 1]] = flag;
    const known = Object.hasOwn(document, name) ? [document[name]].flat() : [];
    document[name] = [...known, parsed(value)];
    // The command line also takes `--out-file` for a member `outFile`.
    const member = name.replaceAll(/-([a-z0-9])/gu, (_, letter: string) => letter.toUpperCase());
    if (!Object.hasOwn(document, member)) document[member] = document[name];
  });
  // `--input` holds the whole input; flags are laid over it.
  const [whole] = [document.input].flat().filter(isRecord);
  return { document: { ...whole, ...document }, bare };
};

const valuesAt = (value: unknown, keys: ReadonlyArray<string>): ReadonlyArray<string> => {
  // A flag may be repeated, so any member may turn out to be a list.
  if (Array.isArray(value)) return value.flatMap((item) => valuesAt(item, keys[0] === "*" ? keys.slice(1) : keys));
  if (keys.length === 0) return textsIn(value);
  const [key, ...rest] = keys;
  if (key === "*") return valuesAt(value, rest);
  return isRecord(value) && Object.hasOwn(value, key) ? valuesAt(value[key], rest) : [];
};

const absolute = (folder: string, path: string): string =>
  /^(?:\/|[A-Za-z]:[\\/]|\\\\)/u.test(path) ? path : `${folder}/${path}`;

const parent = (path: string): string => path.replace(/[\\/]+[^\\/]*[\\/]*$/u, "") || "/";

/** What rules that allow or ask name under a member; what every rule refuses is never made possible. */
const named = (policy: unknown, member: "hosts" | "paths" | "names", authority: string): ReadonlyArray<string> => {
  const rules = isRecord(policy) && Array.isArray(policy.rules) ? policy.rules.filter(isRecord) : [];
  return rules
    .filter((rule) => rule.decision === "allow" || rule.decision === "ask")
    .filter((rule) => rule.authorities === undefined || textsIn(rule.authorities).includes(authority))
    .flatMap((rule) => textsIn(rule[member]));
};

/** A folder of a policy rule; folders that the kernel process has anyway are left out. */
const policyFolders = (policy: unknown, authority: string, workspace: string): ReadonlyArray<string> =>
  named(policy, "paths", authority).filter((path) => !path.startsWith("$")).map((path) => absolute(workspace, path));

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/u;

const URL_HOST = /\bhttps?:\/\/(\[[^\]\s]+\]|[^\s/"':?#@\\]+)(:\d{1,5})?/gu;
const HOST = /^(?:(\[[0-9A-Fa-f:.]+\])|(?:\*\.)?[\w-]+(?:\.[\w-]+)*\.?)(?::(\d{1,5}))?$/u;
const MAX_PORT = 65_535;

/** Whether Deno takes a text as a host; one that it does not take would keep the kernel process from starting at all. */
const isHost = (text: string): boolean => {
  const found = HOST.exec(text);
  if (found === null || Number(found[2] ?? 0) > MAX_PORT) return false;
  return found[1] === undefined || URL.canParse(`http://${found[1]}`);
};

/** Every host: what a policy may say, and nobody else. */
const ANYWHERE = "*";

/** Hosts a network operation may reach: those the policy names, those in its URLs, and the address it listens on. */
const hostsOf = (id: string, situation: Situation, document: unknown): ReadonlyArray<string> => {
  const hosts: Array<string> = [];
  for (const [, host, port = ""] of situation.args.join(" ").matchAll(URL_HOST)) hosts.push(host + port);
  if (id === SERVE && isRecord(document)) {
    const first = (member: string): unknown => [document[member]].flat()[0];
    const port = Number(first("port") ?? 0);
    const host = String(first("host") ?? "127.0.0.1");
    const address = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
    hosts.push(`${address}${Number.isInteger(port) && port > 0 ? `:${port}` : ""}`);
  }
  return [...named(situation.policy, "hosts", "network"), ...hosts].filter(isHost);
};

const netFlags = (id: string, situation: Situation, document: unknown): ReadonlyArray<string> =>
  // Deno is told of every host by naming none.
  named(situation.policy, "hosts", "network").includes(ANYWHERE)
    ? ["--allow-net"]
    : flag("allow-net", hostsOf(id, situation, document));

/** Paths that the input names, by what is done with them. */
const pathsOf = (
  id: string,
  { workspace, generated, realPath = (path) => path }: Situation,
  { document, bare }: Shown,
): { readonly read: ReadonlyArray<string>; readonly write: ReadonlyArray<string> } => {
  const read: Array<string> = [];
  const write: Array<string> = [];
  const fields = Object.hasOwn(generated.operations, id) ? generated.operations[id].paths : [];
  for (const { field, use } of fields) {
    const texts = [...valuesAt(document, field.split("/").slice(1)), ...bare].filter((text) => text !== "");
    for (const path of texts.map((text) => realPath(absolute(workspace, text)))) {
      read.push(path);
      // A replacement is written beside its target and moved over it; resolving a new file's links reads its folder.
      if (use === "write") {
        write.push(path, path + PART);
        read.push(parent(path));
      }
    }
  }
  return { read, write };
};

/**
 * Whether a permission flag can name a path: Deno reads a comma as the start of another one and has no escape, and no
 * argument of a process holds a zero character.
 */
export const canName = (path: string): boolean => !/[,\0]/u.test(path);

const flag = (name: string, values: Iterable<string>): ReadonlyArray<string> =>
  [...new Set(values)].filter(canName).map((value) => `--${name}=${value}`);

/** The permission flags of the kernel process. */
export const flagsFor = (situation: Situation): ReadonlyArray<string> => {
  const { workspace, args, policy, generated } = situation;
  const id = operationOf(args, generated) ?? "";
  const declared = Object.hasOwn(generated.operations, id) ? generated.operations[id] : undefined;
  const needed = new Set([...declared?.effects ?? [], ...declared?.kinds ?? []]);
  const shown = shownIn(args, generated);
  const paths = pathsOf(id, situation, shown);
  const files = (name: string): ReadonlyArray<string> => [`${workspace}/${name}`, `${workspace}/${name}${PART}`];
  const [lockWritable, lockDenied] = LOCK_WRITERS.includes(id) ? [files(LOCK_FILE), []] : [[], files(LOCK_FILE)];
  const own = OWN_FOLDERS.map((name) => `${workspace}/${name}`);
  return [
    ...flag("allow-read", [
      ...(needed.has("readLocal") ? PUBLIC_DATA : []),
      ...situation.code,
      workspace,
      ...policyFolders(policy, "readLocal", workspace),
      ...paths.read,
    ]),
    ...flag("allow-write", [
      ...own,
      ...policyFolders(policy, "writeLocal", workspace),
      ...paths.write,
      ...lockWritable,
    ]),
    ...flag("deny-write", [...files(POLICY_FILE), ...lockDenied]),
    ...(needed.has("network") ? netFlags(id, situation, shown.document) : []),
    ...(needed.has("env")
      ? flag("allow-env", named(policy, "names", "env").filter((name) => VARIABLE.test(name)))
      : []),
    ...(needed.has("sys") ? ["--allow-sys"] : []),
    ...(needed.has("ffi") ? ["--allow-ffi"] : []),
  ];
};
