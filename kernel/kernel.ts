/**
 * Kernel: the engine's surface. Open it on a list of plugins; ask it what it can do; invoke operations.
 *
 * Not a surface for people or agents (plugins/surfaces projects this to CLI, MCP, HTTP).
 * Invariant: `invoke` is the only way in from outside; two kernels in a process share no mutable state.
 *
 * @module
 */
import type * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import type { Actor } from "./actor.ts";
import type { Progress } from "./context.ts";
import type { Disk } from "./disk.ts";
import type { Machine } from "./doctor.ts";
import type { Entropy } from "./entropy.ts";
import type { Failure, KernelFailure } from "./failure.ts";
import type { Dangling, Gate, Journal } from "./gate.ts";
import type { Json } from "./json.ts";
import type { Account, Amounts, Meter } from "./meter.ts";
import type { AnyOperation, Declaration, Example } from "./operation.ts";
import type { Plugin, Provision, Topic } from "./plugin.ts";

/** A call from outside. */
export interface Request {
  /** Operation id. */
  readonly operation: string;
  /** Encoded input. */
  readonly input: Json;
  /** Who asks; set by the surface. */
  readonly actor: Actor;
  /** Seed of the call's randomness. */
  readonly seed?: string | number;
  /** What the call may consume; unnamed axes use the declaration's, then the kernel's defaults. */
  readonly budget?: Partial<Amounts>;
  /** An account to draw on, instead of the actor's. */
  readonly account?: Account;
  /** Receives encoded events of a streaming operation; the handler waits for it. */
  readonly onEvent?: (event: Json) => Effect.Effect<void>;
  /** Receives progress. */
  readonly onProgress?: (progress: Progress) => Effect.Effect<void>;
}

/** What `describe` answers. */
export interface Description {
  /** Operation id. */
  readonly id: string;
  /** One sentence. */
  readonly summary: string;
  /** The plugin that declares it. */
  readonly plugin: string;
  /** The declaration as JSON: schemas, failures, effects, kinds, cost, stability. */
  readonly declaration: Declaration;
  /** Calls that show it. */
  readonly examples: ReadonlyArray<Example>;
}

/** What is said about an id that no operation has. */
export interface Explanation extends Topic {
  /** The plugin that explains it. */
  readonly plugin: string;
}

/** One search result. */
export interface Hit {
  /** Operation id. */
  readonly id: string;
  /** One sentence. */
  readonly summary: string;
  /** Rank score; larger is better. */
  readonly score: number;
}

/** Where a plugin stands. */
export type PluginState = "declared" | "ready" | "failed" | "refused";

/** One plugin's line of the boot report. */
export interface BootLine {
  /** Plugin id. */
  readonly plugin: string;
  /** Version. */
  readonly version: string;
  /** Declared: resolved, code not needed yet. */
  readonly state: PluginState;
  /** Time its start took, milliseconds; absent before it started. */
  readonly tookMs?: number;
  /** Authorities its manifest asks for. */
  readonly granted: ReadonlyArray<string>;
  /** Authorities refused to it by the host. */
  readonly refused: ReadonlyArray<string>;
  /** Plugins it waits for. */
  readonly needs: ReadonlyArray<string>;
  /** Why it failed or was refused. */
  readonly failure?: Failure;
}

/** What a kernel is made of. */
export interface KernelOptions {
  /** The plugins to resolve. */
  readonly plugins: ReadonlyArray<Plugin>;
  /** The provider of a capability that several plugins provide. */
  readonly choose?: { readonly [capability: string]: string };
  /** Services below all plugins: the guard's ports, entropy and disk, and what else `hostProvides` names. */
  // deno-lint-ignore no-explicit-any -- the host may bring more services than the kernel names
  readonly host: Layer.Layer<any, Failure>;
  /** Capabilities that the host layer provides to plugins (for example the ledger). */
  readonly hostProvides?: ReadonlyArray<Provision>;
  /** The user's folder, absolute: what relative paths mean. */
  readonly workspace: string;
  /** Durable state, absolute; default `<workspace>/.rmi`. */
  readonly stateFolder?: string;
  /** Results, absolute; default `<workspace>/out`. */
  readonly outputFolder?: string;
  /** Seed of calls that bring none; default `"rmi"`. */
  readonly seed?: string;
  /** Describes the machine for `kernel.doctor`; without it that operation says so. */
  readonly machine?: Effect.Effect<Machine>;
  /** Start plugins when first needed (default), or all at once. */
  readonly activate?: "lazy" | "all";
}

/** Services every host layer must bring. */
export type HostServices = Gate | Meter | Journal | Entropy | Disk;

/** An open kernel. */
export interface Kernel {
  /** Decode → gate → reserve → run → encode. */
  readonly invoke: (request: Request) => Effect.Effect<Json, Failure>;
  /** The whole system in under 1,000 tokens: namespaces, operation counts, one line each. */
  readonly manifest: (actor: Actor) => Effect.Effect<string, KernelFailure>;
  /** One operation in full. */
  readonly describe: (id: string, actor: Actor) => Effect.Effect<Description, KernelFailure>;
  /** What else plugins explain: the topic of an id that no operation has. */
  readonly explain: (id: string, actor: Actor) => Effect.Effect<Explanation, KernelFailure>;
  /** Ranked operations for a query. */
  readonly search: (query: string, actor: Actor, limit?: number) => Effect.Effect<ReadonlyArray<Hit>, KernelFailure>;
  /** Every operation the actor may know, by id. */
  readonly operations: (actor: Actor) => Effect.Effect<ReadonlyArray<AnyOperation>, KernelFailure>;
  /** The plugins in start order. */
  readonly plugins: ReadonlyArray<Plugin>;
  /** Where every plugin stands now. */
  readonly boot: () => ReadonlyArray<BootLine>;
  /** Intents without an outcome, found when the kernel opened. */
  readonly dangling: ReadonlyArray<Dangling>;
  /** The folders in use. */
  readonly folders: { readonly workspace: string; readonly state: string; readonly output: string };
}
