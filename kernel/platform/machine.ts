/**
 * Platform machine: describes the real machine to the doctor, with whatever permissions the process has.
 *
 * Not a judge (kernel/doctor.ts). What this process may not see stays unsaid rather than guessed.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Device, Machine, PackageState, PermissionState } from "../doctor.ts";
import { VERSION } from "../version.ts";
import { residentGuard } from "./process.ts";

/** How long the graphics system may take to answer. */
const DEVICE_DEADLINE_MS = 3_000;

/** A package of our own whose place in the cache tells where packages are kept. */
const KNOWN_PACKAGE = "effect";

const quietly = <A>(attempt: () => A): A | undefined => {
  try {
    return attempt();
  } catch {
    return undefined;
  }
};

const PERMISSIONS = ["read", "write", "net", "env", "sys", "ffi", "run"] as const;

const permissionState = (name: typeof PERMISSIONS[number]): PermissionState => {
  const status = Deno.permissions.querySync({ name });
  if (status.state === "granted") return { name, state: status.partial ? "some" : "all" };
  // A question about everything does not tell of grants for something: the workspace and the address are asked about.
  const narrow: { readonly [name: string]: Deno.PermissionDescriptor } = {
    read: { name: "read", path: Deno.cwd() },
    write: { name: "write", path: `${Deno.cwd()}/.rmi` },
    net: { name: "net", host: "127.0.0.1" },
  };
  const some = Object.hasOwn(narrow, name) && Deno.permissions.querySync(narrow[name]).state === "granted";
  return { name, state: some ? "some" : "none" };
};

/** Where packages are kept: the folder that holds one folder a package. */
const packageFolder = (): string | undefined =>
  quietly(() => {
    const file = fileURLToPath(import.meta.resolve(`${KNOWN_PACKAGE}/Effect`));
    const at = file.replaceAll("\\", "/").indexOf(`/${KNOWN_PACKAGE}/`);
    return at < 0 ? undefined : file.slice(0, at);
  });

const isInstalled = (folder: string | undefined, name: string, version: string): boolean | undefined => {
  if (folder === undefined) return undefined;
  try {
    return fs.statSync(`${folder}/${name}/${version}/package.json`).isFile();
  } catch (cause) {
    return (cause as { code?: string }).code === "ENOENT" ? false : undefined;
  }
};

const devices: Effect.Effect<ReadonlyArray<Device>> = Effect.tryPromise(async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) return [];
  const { description, device, vendor } = adapter.info;
  const software = (adapter.info as { readonly isFallbackAdapter?: boolean }).isFallbackAdapter === true;
  return [{ kind: "webgpu" as const, name: description || device || vendor || "unnamed adapter", software }];
}).pipe(
  Effect.timeout(DEVICE_DEADLINE_MS),
  Effect.catch(() => Effect.succeed([])),
);

const SYSTEMS: { readonly [platform: string]: string } = { win32: "windows" };

/** Describes this machine and this process; `packages` are the optional ones to look for. */
export const readMachine = (
  packages: ReadonlyArray<Omit<PackageState, "installed">> = [],
): Effect.Effect<Machine> =>
  Effect.map(devices, (found) => {
    const isDeno = typeof Deno === "object";
    const folder = packageFolder();
    const osRelease = isDeno ? quietly(() => Deno.osRelease()) : undefined;
    const memoryMb = isDeno ? quietly(() => Math.round(Deno.systemMemoryInfo().total / 1024 / 1024)) : undefined;
    return {
      os: SYSTEMS[process.platform] ?? process.platform,
      ...(osRelease === undefined ? {} : { osRelease }),
      arch: process.arch,
      cores: navigator.hardwareConcurrency,
      ...(memoryMb === undefined ? {} : { memoryMb }),
      versions: [
        ["rmi", VERSION],
        ...(isDeno
          ? [["deno", Deno.version.deno], ["v8", Deno.version.v8], ["typescript", Deno.version.typescript]] as const
          : [["node", process.versions.node], ["v8", process.versions.v8]] as const),
      ],
      mode: process.connected === true ? "supervised" : "library",
      permissions: isDeno ? PERMISSIONS.map(permissionState) : [],
      residentGuard: residentGuard(),
      devices: found,
      packages: packages.map(({ name, version, sizeMb, purpose }) => {
        const installed = isInstalled(folder, name, version);
        return { name, version, sizeMb, purpose, ...(installed === undefined ? {} : { installed }) };
      }),
    };
  });
