/**
 * Contract: the registry's services, as other rooms and its own operations see them.
 *
 * @module
 */
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type { Digest, Failure, KernelFailure, Plugin, Provision } from "../kernel/mod.ts";
import type { ArtifactStore } from "./artifact_store.ts";
import type { AuthoritySet } from "./authority_set.ts";
import type { RegistryFailure } from "./failures.ts";
import type { Described } from "./described.ts";
import type { Lock } from "./lock.ts";
import type { Source } from "./source.ts";

/** Where a third-party plugin stands. */
export type PluginFindingState = "ready" | "waiting" | "refused";

/** One third-party plugin, as it was found when the kernel opened. */
export interface PluginFinding {
  /** Its id; its source while nobody looked. */
  readonly plugin: string;
  /** Version, where known. */
  readonly version?: string;
  /** As the user wrote it. */
  readonly source: string;
  /** Ready to run, waiting for an approval, or refused. */
  readonly state: PluginFindingState;
  /** What it may do, in plain words. */
  readonly wants: ReadonlyArray<string>;
  /** Why it waits, in plain words. */
  readonly changes: ReadonlyArray<string>;
  /** Whether it runs inside the kernel's own process. */
  readonly trusted: boolean;
  /** Why it was refused. */
  readonly failure?: Failure;
}

/** What a look at a plugin tells. */
export interface Look {
  /** Its code. */
  readonly source: Source;
  /** Its declarations. */
  readonly described: Described;
  /** Digest of its declarations: what an approval names. */
  readonly manifest: Digest;
  /** What it wants. */
  readonly authority: AuthoritySet;
  /** What differs from the lock, in plain words. */
  readonly changes: ReadonlyArray<string>;
}

/** The registry of plugins. */
export interface RegistryShape {
  /** The folder of the lock, absolute. */
  readonly workspace: string;
  /** Every manifest of this kernel. */
  readonly plugins: ReadonlyArray<Plugin>;
  /** Third-party plugins, by id. */
  readonly findings: ReadonlyArray<PluginFinding>;
  /** Starts a plugin's code without any permission and reads what it declares. */
  readonly look: (source: string) => Effect.Effect<Look, RegistryFailure>;
  /** The lock as it is now. */
  readonly lock: Effect.Effect<Lock, RegistryFailure>;
  /** Replaces the lock. Only for operations that hold `selfModify`. */
  readonly writeLock: (lock: Lock) => Effect.Effect<void, RegistryFailure>;
  /** Keeps a description, so that the next start need not look again. */
  readonly remember: (look: Look) => Effect.Effect<void, RegistryFailure>;
  /** Downloads one optional package into the cache. */
  readonly install: (name: string) => Effect.Effect<string, KernelFailure>;
}

const RegistryBase: Context.ServiceClass<Registry, "rmi/Registry", RegistryShape> = Context.Service<
  Registry,
  RegistryShape
>()("rmi/Registry");

/** The registry service. */
export class Registry extends RegistryBase {}

/** What the host layer provides for the registry plugin. */
export const registryProvision: Provision = { capability: "rmi/Registry", version: "1.0.0" };

const ArtifactsBase: Context.ServiceClass<Artifacts, "rmi/Artifacts", ArtifactStore> = Context.Service<
  Artifacts,
  ArtifactStore
>()("rmi/Artifacts");

/** The store of artifacts, for plugins that keep programs, weights or data by digest. */
export class Artifacts extends ArtifactsBase {}
