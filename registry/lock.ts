/**
 * Lock: which third-party plugins a person approved, exactly which code and declarations, and what their processes may
 * do. The launcher reads permissions from it, so the kernel process cannot widen them.
 *
 * Not a wish list (that is `plugins` in rmi.json): what is not locked does not run.
 * Invariant: one canonical text for one content; a lock that does not follow its format is refused whole.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Digest, type FailureOf, newerFormat } from "../kernel/mod.ts";
import { AuthoritySet, widening } from "./authority_set.ts";
import { malformedLock } from "./failures.ts";

/** The lock's file name, in the workspace. */
export const LOCK_FILE = "rmi.lock";

/** Version of the lock's format. */
export const LOCK_FORMAT = 1;

/** What the launcher gives a plugin's process. */
export interface LockedPermissions {
  /** Files of its own code. */
  readonly read?: ReadonlyArray<string>;
  /** Hosts. */
  readonly net?: ReadonlyArray<string>;
  /** Variables. */
  readonly env?: ReadonlyArray<string>;
  /** System facts. */
  readonly sys?: ReadonlyArray<string>;
}

/** One approved plugin. */
export interface LockedPlugin {
  /** Version. */
  readonly version: string;
  /** As the user wrote it: a file, a folder, or a package specifier. */
  readonly source: string;
  /** What its process imports: a file relative to the workspace, or a package specifier. */
  readonly entry: string;
  /** Digest of all its local files. */
  readonly code: Digest;
  /** Digest of its manifest and declarations. */
  readonly manifest: Digest;
  /** What it wanted when it was approved. */
  readonly authority: AuthoritySet;
  /** What its process gets. */
  readonly permissions: LockedPermissions;
  /** Whether a person let it run inside the kernel's own process. */
  readonly trusted: boolean;
}

/** The lock. */
export interface Lock {
  /** Format version. */
  readonly format: number;
  /** Plugins by id. */
  readonly plugins: { readonly [id: string]: LockedPlugin };
}

const Names = Schema.optionalKey(Schema.Array(Schema.NonEmptyString));

const LockedRow = Schema.Struct({
  version: Schema.NonEmptyString,
  source: Schema.NonEmptyString,
  entry: Schema.NonEmptyString,
  code: Digest,
  manifest: Digest,
  authority: AuthoritySet,
  permissions: Schema.Struct({ read: Names, net: Names, env: Names, sys: Names }),
  trusted: Schema.Boolean,
});

/** Schema of {@link Lock}. */
const Lock: Schema.Codec<Lock> = Schema.Struct({
  format: Schema.Int,
  plugins: Schema.Record(Schema.String.check(Schema.isPattern(/^[a-z][a-z0-9-]*$/u)), LockedRow),
}) as unknown as Schema.Codec<Lock>;

/** A lock without plugins. */
export const EMPTY_LOCK: Lock = { format: LOCK_FORMAT, plugins: {} };

/** Reads a lock's text. */
export const parseLock = (
  text: string,
): Result.Result<Lock, FailureOf<"REGISTRY_LOCK"> | FailureOf<"KERNEL_NEWER_FORMAT">> => {
  const refuse = (reason: string) => Result.fail(malformedLock({ file: LOCK_FILE, reason }));
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return refuse("it is not JSON");
  }
  const format = (document as { readonly format?: unknown } | null)?.format;
  if (typeof format === "number" && format > LOCK_FORMAT) {
    return Result.fail(newerFormat({ store: LOCK_FILE, found: format, supported: LOCK_FORMAT }));
  }
  const decoded = Schema.decodeUnknownResult(Lock, { onExcessProperty: "error" })(document);
  if (Result.isSuccess(decoded)) return Result.succeed(decoded.success);
  return refuse(String(decoded.failure.message).split("\n").slice(0, 3).join(" "));
};

/** Writes a lock's text: members in a fixed order, plugins by id. */
export const printLock = (lock: Lock): string => {
  const plugins = Object.fromEntries(
    Object.entries(lock.plugins).sort(([a], [b]) => a < b ? -1 : 1).map(([id, row]) => [id, {
      version: row.version,
      source: row.source,
      entry: row.entry,
      code: row.code,
      manifest: row.manifest,
      authority: row.authority,
      permissions: row.permissions,
      trusted: row.trusted,
    }]),
  );
  return `${JSON.stringify({ format: lock.format, plugins }, null, 2)}\n`;
};

/** What the process of a plugin gets: its own code, and the reach of what it wants. */
export const permissionsFor = (authority: AuthoritySet, read: ReadonlyArray<string>): LockedPermissions => ({
  ...(read.length === 0 ? {} : { read }),
  ...(authority.hosts.length === 0 ? {} : { net: authority.hosts }),
  ...(authority.env.length === 0 ? {} : { env: authority.env }),
  ...(authority.sys.length === 0 ? {} : { sys: authority.sys }),
});

/** What is found of a plugin now. */
export interface PluginCandidate {
  /** Version. */
  readonly version: string;
  /** Digest of its code. */
  readonly code: Digest;
  /** Digest of its manifest and declarations; absent while nobody looked. */
  readonly manifest?: Digest;
  /** What it wants; absent while nobody looked. */
  readonly authority?: AuthoritySet;
}

/** What changed since a plugin was approved, in plain words; empty when nothing did. */
export const changesOf = (locked: LockedPlugin | undefined, found: PluginCandidate): ReadonlyArray<string> => {
  if (locked === undefined) return ["nobody has approved it"];
  const wider = found.authority === undefined ? [] : widening(locked.authority, found.authority);
  const versions = locked.version === found.version
    ? `its code changed without a new version (${locked.version})`
    : `it went from version ${locked.version} to ${found.version}`;
  return [
    ...(wider.length === 0 ? [] : [`now also wants to: ${wider.join("; ")}`]),
    ...(locked.code === found.code ? [] : [versions]),
    ...(found.manifest === undefined || locked.manifest === found.manifest || locked.code !== found.code
      ? []
      : ["its declarations changed"]),
  ];
};
