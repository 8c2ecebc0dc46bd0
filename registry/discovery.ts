/**
 * Discovery: finding third-party plugins and turning the approved ones into plugins of this kernel, whose code stays in
 * a process of its own.
 *
 * Sources: the lock, the `plugins` list of rmi.json, and the folder `plugins/` of the workspace.
 * Invariant: nothing that is not locked, or no longer what was locked, runs; one broken plugin never stops the kernel.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import {
  type DiskDriver,
  diskFailureOf,
  facilityAbsent,
  type Failure,
  invalidConfig,
  type KernelFailure,
  type Plugin,
  type SupervisorShape,
} from "../kernel/mod.ts";
import { inWords, wantedBy } from "./authority_set.ts";
import { lookAt } from "./connection.ts";
import { type Look, type PluginFinding, Registry, type RegistryShape } from "./contract.ts";
import { type Described, descriptionDigest, readDescribed, type Taken } from "./described.ts";
import { pluginNotApproved, type RegistryFailure } from "./failures.ts";
import { hostedPlugin } from "./hosted.ts";
import { type PluginHosts, supervisedHosts } from "./hosts.ts";
import {
  changesOf,
  EMPTY_LOCK,
  type Lock,
  LOCK_FILE,
  type LockedPlugin,
  parseLock,
  permissionsFor,
  printLock,
} from "./lock.ts";
import { rebuildOperations } from "./rebuild.ts";
import { findSource, isPackage, lockedPath, sameOrigin, type Source } from "./source.ts";

/** The project's configuration file, in the workspace. */
export const CONFIG_FILE = "rmi.json";

/** The folder of the workspace in which plugins are found by themselves. */
export const PLUGIN_FOLDER = "plugins";

/** Sources of one workspace. */
export const MAX_SOURCES = 200;

/** What discovery works with. */
export interface DiscoveryOptions {
  /** The user's folder, absolute and real. */
  readonly workspace: string;
  /** The state folder, absolute. */
  readonly stateFolder: string;
  /** The raw file system: discovery runs before there are grants, in the composition root. */
  readonly disk: DiskDriver;
  /** Starts plugin processes and the command that installs packages. */
  readonly supervisor: SupervisorShape;
  /** The plugins of the house. */
  readonly builtin: ReadonlyArray<Plugin>;
}

interface Place extends DiscoveryOptions {
  readonly hosts: PluginHosts;
}

/** What discovery found. */
export interface Discovered {
  /** Third-party plugins ready to be resolved with the others. */
  readonly plugins: ReadonlyArray<Plugin>;
  /** Everything found, ready or not. */
  readonly findings: ReadonlyArray<PluginFinding>;
  /** The registry's service. */
  readonly layer: Layer.Layer<Registry>;
}

const Config = Schema.Struct({
  plugins: Schema.optionalKey(Schema.Array(Schema.NonEmptyString).check(Schema.isMaxLength(MAX_SOURCES))),
});

const fileSteps = <A>(action: string, file: string, run: () => Promise<A>): Effect.Effect<A, RegistryFailure> =>
  Effect.tryPromise({ try: run, catch: (cause) => diskFailureOf(action, file, cause) });

/** The text of a file, or nothing where there is none. */
const textOf = (disk: DiskDriver, file: string): Effect.Effect<string | undefined, RegistryFailure> =>
  fileSteps("read", file, async () => {
    if (await disk.stat(file) === undefined) return undefined;
    return new TextDecoder("utf-8", { fatal: true }).decode(await disk.read(file));
  });

/** Replaces a file so that a power cut leaves the old or the new content. */
const replace = (disk: DiskDriver, folder: string, name: string, text: string): Effect.Effect<void, RegistryFailure> =>
  fileSteps("write", `${folder}/${name}`, async () => {
    // The workspace itself may not be writable: only some of its files are.
    if (await disk.stat(folder) === undefined) await disk.makeFolder(folder);
    const part = `${folder}/${name}.part`;
    await disk.write(part, new TextEncoder().encode(text));
    await disk.sync(part);
    await disk.rename(part, `${folder}/${name}`);
    await disk.syncFolder(folder);
  });

const configured = (options: Place): Effect.Effect<ReadonlyArray<string>, RegistryFailure> =>
  Effect.flatMap(textOf(options.disk, `${options.workspace}/${CONFIG_FILE}`), (text) => {
    if (text === undefined) return Effect.succeed([]);
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch {
      return Effect.fail(invalidConfig({ field: CONFIG_FILE, reason: "it is not JSON" }));
    }
    const read = Schema.decodeUnknownResult(Config)(document);
    return Result.isSuccess(read)
      ? Effect.succeed(read.success.plugins ?? [])
      : Effect.fail(invalidConfig({ field: `${CONFIG_FILE}: plugins`, reason: "it must be a list of sources" }));
  });

const inFolder = (options: Place): Effect.Effect<ReadonlyArray<string>, RegistryFailure> =>
  fileSteps("list", PLUGIN_FOLDER, async () => {
    const folder = `${options.workspace}/${PLUGIN_FOLDER}`;
    if ((await options.disk.stat(folder))?.kind !== "folder") return [];
    const names = (await options.disk.list(folder)).filter((name) => !name.startsWith(".")).sort();
    const found: Array<string> = [];
    for (const name of names) {
      const kind = (await options.disk.stat(`${folder}/${name}`))?.kind;
      if (kind === "folder" || kind === "file" && /\.(?:ts|mts|js|mjs)$/u.test(name)) {
        found.push(`${PLUGIN_FOLDER}/${name}`);
      }
    }
    return found.slice(0, MAX_SOURCES);
  });

const lockOf = (options: Place): Effect.Effect<Lock, RegistryFailure> =>
  Effect.flatMap(textOf(options.disk, `${options.workspace}/${LOCK_FILE}`), (text) => {
    const read = text === undefined ? Result.succeed(EMPTY_LOCK) : parseLock(text);
    return Result.isSuccess(read) ? Effect.succeed(read.success) : Effect.fail(read.failure);
  });

const memory = (options: Place): string => `${options.stateFolder}/plugins`;

/** What was remembered of a plugin's declarations, if it is still what the lock names. */
const remembered = (options: Place, locked: LockedPlugin): Effect.Effect<Described | undefined> =>
  textOf(options.disk, `${memory(options)}/${locked.manifest.slice("sha256:".length)}.json`).pipe(
    Effect.map((text) => {
      const read = readDescribed(locked.source, JSON.parse(text ?? "null"), FREE);
      return Result.isSuccess(read) && descriptionDigest(read.success) === locked.manifest ? read.success : undefined;
    }),
    // A lost or spoiled memory only costs another look.
    Effect.catchCause(() => Effect.succeed(undefined)),
  );

const FREE: Taken = { plugins: new Set(), namespaces: new Set() };

const takenBy = (plugins: ReadonlyArray<Plugin>): Taken => ({
  plugins: new Set(["kernel", ...plugins.map(({ id }) => id)]),
  namespaces: new Set(["kernel", ...plugins.flatMap(({ namespaces }) => namespaces.map(({ name }) => name))]),
});

const described = (
  options: Place,
  source: Source,
  taken: Taken,
): Effect.Effect<Described, RegistryFailure> =>
  Effect.flatMap(
    lookAt(options.hosts, source.source, {
      look: source.entry,
      ...(source.folder === undefined ? {} : { folder: source.folder }),
    }),
    (sent) => {
      const read = readDescribed(source.source, sent, taken);
      return Result.isSuccess(read) ? Effect.succeed(read.success) : Effect.fail(read.failure);
    },
  );

/** Checks that a plugin's code is still what was approved. */
const unchanged = (options: Place, id: string, locked: LockedPlugin): Effect.Effect<void, RegistryFailure> =>
  Effect.flatMap(findSource(options.disk, options.workspace, locked.source), (source) => {
    const changes = changesOf(locked, { version: locked.version, code: source.code });
    return changes.length === 0 ? Effect.void : Effect.fail(pluginNotApproved({ plugin: id, changes }));
  });

interface Found {
  readonly finding: PluginFinding;
  readonly plugin?: Plugin;
}

/** The plugin of an approved description, if the house still has room for it. */
const hostedFrom = (
  options: Place,
  [id, row]: readonly [string, LockedPlugin],
  description: Described,
  taken: Taken,
  trusted?: string,
): Result.Result<Plugin, RegistryFailure> =>
  Result.flatMap(
    readDescribed(row.source, description, taken),
    () =>
      Result.map(rebuildOperations(description), (operations) =>
        hostedPlugin({
          described: description,
          operations,
          hosts: options.hosts,
          unchanged: unchanged(options, id, row),
          ...(trusted === undefined ? {} : { trusted }),
        })),
  );

/** Judges one source against the lock. */
const judge = (
  options: Place,
  text: string,
  locked: readonly [string, LockedPlugin] | undefined,
  taken: Taken,
): Effect.Effect<Found, RegistryFailure> =>
  Effect.gen(function* () {
    if (locked === undefined) {
      const source = yield* findSource(options.disk, options.workspace, text);
      const changes = changesOf(undefined, { version: "", code: source.code });
      return { finding: { plugin: text, source: text, state: "waiting", wants: [], changes, trusted: false } };
    }
    const [id, row] = locked;
    const base = {
      plugin: id,
      version: row.version,
      source: text,
      wants: inWords(row.authority),
      trusted: row.trusted,
    };
    const known = yield* remembered(options, row);
    const found = yield* Effect.result(findSource(options.disk, options.workspace, text));
    const failure = Result.isFailure(found) ? found.failure : undefined;
    const changes = Result.isFailure(found) ? [] : changesOf(row, { version: row.version, code: found.success.code });
    if (Result.isFailure(found) || changes.length > 0) {
      // Its operations stay known, and a call of one says what the plugin waits for: nothing starts while it is changed.
      const hosted = known === undefined ? undefined : Result.getOrUndefined(hostedFrom(options, locked, known, taken));
      const finding = failure === undefined
        ? { ...base, state: "waiting" as const, changes }
        : { ...base, state: "refused" as const, changes, failure };
      return { finding, ...(hosted === undefined ? {} : { plugin: hosted }) };
    }
    const description = known ?? (yield* described(options, found.success, FREE));
    if (descriptionDigest(description) !== row.manifest || description.id !== id) {
      return { finding: { ...base, state: "waiting", changes: ["its declarations changed"] } };
    }
    // A package never enters this process: its import would be written into our own lock of packages.
    const inside = row.trusted && !isPackage(row.source);
    const plugin = hostedFrom(options, locked, description, taken, inside ? found.success.entry : undefined);
    if (Result.isFailure(plugin)) return yield* plugin.failure;
    return { finding: { ...base, state: "ready", changes: [] }, plugin: plugin.success };
  });

const refusedFinding = (source: string, failure: Failure): Found => ({
  finding: { plugin: source, source, state: "refused", wants: [], changes: [], trusted: false, failure },
});

/** Sources in the order in which they are judged: the lock's first, each once. */
const sourcesOf = (lock: Lock, others: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set([...Object.values(lock.plugins).map(({ source }) => source).sort(), ...others])].slice(0, MAX_SOURCES);

/** A path as written or as found by itself is one source. */
const plainSource = (source: string): string => source.replace(/^\.\//u, "").replace(/\/+$/u, "");

/** Looks at a source and compares it with the lock. */
const look = (options: Place, lock: Lock, text: string): Effect.Effect<Look, RegistryFailure> =>
  Effect.gen(function* () {
    const source = yield* findSource(options.disk, options.workspace, plainSource(text));
    const houses = takenBy(options.builtin);
    const locks = Object.entries(lock.plugins).filter(([, row]) => !sameOrigin(row.source, source.source)).map(([id]) =>
      id
    );
    const row = yield* described(options, source, { ...houses, plugins: new Set([...houses.plugins, ...locks]) });
    const rebuilt = rebuildOperations(row);
    if (Result.isFailure(rebuilt)) return yield* rebuilt.failure;
    const manifest = descriptionDigest(row);
    const authority = wantedBy(row);
    const locked = Object.hasOwn(lock.plugins, row.id) ? lock.plugins[row.id] : undefined;
    const changes = changesOf(locked, { version: row.version, code: source.code, manifest, authority });
    return { source, described: row, manifest, authority, changes };
  });

/** The lock's line for a plugin that a person approves as it was looked at. */
export const lockedFrom = (found: Look, workspace: string, trusted: boolean): LockedPlugin => ({
  version: found.described.version,
  source: found.source.source,
  entry: lockedPath(workspace, found.source.entry),
  code: found.source.code,
  manifest: found.manifest,
  authority: found.authority,
  permissions: permissionsFor(found.authority, found.source.read.map((file) => lockedPath(workspace, file))),
  trusted,
});

/** Runs the one command that downloads. */
const installed = (options: Place, name: string): Effect.Effect<string, KernelFailure> =>
  Effect.flatMap(
    options.supervisor.request({ kind: "command", command: "install", arguments: { package: name } }),
    (answer) => {
      const { code, output } = answer as { readonly code: number; readonly output: string };
      return code === 0 ? Effect.succeed(output) : Effect.fail(
        facilityAbsent({
          facility: `the package ${name}`,
          reason: `its download ended with status ${code}: ${output}`,
        }),
      );
    },
  );

const serviceOf = (
  options: Place,
  plugins: ReadonlyArray<Plugin>,
  findings: ReadonlyArray<PluginFinding>,
): RegistryShape => ({
  workspace: options.workspace,
  plugins: [...options.builtin, ...plugins],
  findings,
  look: (source) => Effect.flatMap(lockOf(options), (lock) => look(options, lock, source)),
  lock: lockOf(options),
  writeLock: (lock) => replace(options.disk, options.workspace, LOCK_FILE, printLock(lock)),
  remember: (found) =>
    replace(
      options.disk,
      memory(options),
      `${found.manifest.slice("sha256:".length)}.json`,
      JSON.stringify(found.described),
    ),
  install: (name) => installed(options, name),
});

/** Finds the plugins of a workspace. Never fails: what is wrong is in the findings. */
export const discover = (given: DiscoveryOptions): Effect.Effect<Discovered> =>
  Effect.gen(function* () {
    // What is locked and read is the real place, so the workspace is too.
    const real = yield* Effect.orElseSucceed(
      fileSteps("resolve", given.workspace, () => given.disk.realPath(given.workspace)),
      () => given.workspace,
    );
    const options: Place = { ...given, workspace: real, hosts: supervisedHosts(given.supervisor) };
    const found: Array<Found> = [];
    const orNote = <A>(name: string, attempt: Effect.Effect<A, RegistryFailure>, otherwise: A): Effect.Effect<A> =>
      Effect.catch(attempt, (failure) => {
        found.push(refusedFinding(name, failure));
        return Effect.succeed(otherwise);
      });
    const lock = yield* orNote(LOCK_FILE, lockOf(options), EMPTY_LOCK);
    const listed = yield* orNote(CONFIG_FILE, configured(options), []);
    const lying = yield* orNote(PLUGIN_FOLDER, inFolder(options), []);
    const plugins: Array<Plugin> = [];
    for (const source of sourcesOf(lock, [...listed, ...lying].map(plainSource))) {
      const locked = Object.entries(lock.plugins).find(([, row]) => row.source === source);
      const taken = takenBy([...options.builtin, ...plugins]);
      const judged = yield* judge(options, source, locked, taken).pipe(
        Effect.catch((failure) => Effect.succeed(refusedFinding(locked?.[0] ?? source, failure))),
      );
      found.push(judged);
      if (judged.plugin !== undefined) plugins.push(judged.plugin);
    }
    const findings = found.map(({ finding }) => finding).sort((a, b) => a.plugin < b.plugin ? -1 : 1);
    return { plugins, findings, layer: Layer.succeed(Registry, serviceOf(options, plugins, findings)) };
  });
