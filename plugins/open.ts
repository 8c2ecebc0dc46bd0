/**
 * Open: the composition root. Platform layers, the guard of effects/, the built-in plugins: one running system.
 *
 * Not needed by plugins; surfaces, scripts and tests start here.
 * Invariant: everything opened is closed with the scope, or with the client.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import type * as Scope from "effect/Scope";
import { type EffectsOptions, hostProvisions, layerEffects } from "../effects/layer.ts";
import { layerPrograms, Programs } from "../effects/programs.ts";
import { layerSandbox, Sandbox } from "../effects/sandbox.ts";
import {
  type Actor,
  type AnyOperation,
  type Description,
  type Failure,
  type Hit,
  type Json,
  type Kernel,
  type KernelOptions,
  layerDisk,
  openKernel,
  type Plugin,
  type Provision,
  type Request,
  Workers,
} from "../kernel/mod.ts";
import { platformDisk } from "../kernel/platform/disk.ts";
import { layerEntropy } from "../kernel/platform/entropy.ts";
import { layerEveryWorker } from "../kernel/platform/process_workers.ts";
import { layerSupervisor, Supervisor } from "../kernel/platform/supervisor.ts";
import { registryProvision } from "../registry/contract.ts";
import { discover } from "../registry/discovery.ts";
import { optionalPackages } from "../registry/optional.ts";
import { builtinPlugins } from "./builtin.ts";
import { Front, frontOf, frontProvision } from "./surfaces/contract.ts";

/** What a running system is made of; only the folder is needed. */
export interface RmiOptions extends Partial<Omit<KernelOptions, "host" | "hostProvides" | "plugins">> {
  /** The user's folder, absolute. */
  readonly workspace: string;
  /** Plugins besides the built-in ones. */
  readonly plugins?: ReadonlyArray<Plugin>;
  /** A policy in place of the workspace's file. */
  readonly policy?: EffectsOptions["policy"];
}

/** Where plugins run candidates, a person's programs and long pure functions. */
const engineProvisions: ReadonlyArray<Provision> = [Sandbox.key, Programs.key, Workers.key]
  .map((capability) => ({ capability, version: "1.0.0" }));

/** Loaded only when the doctor is asked. */
const readMachine = Effect.flatMap(
  Effect.promise(() => import("../kernel/platform/machine.ts")),
  (platform) => platform.readMachine(optionalPackages),
);

/** Opens the system in a scope. */
export const openRmi = (options: RmiOptions): Effect.Effect<Kernel, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    const folders = {
      workspace: options.workspace,
      stateFolder: options.stateFolder ?? `${options.workspace}/.rmi`,
      outputFolder: options.outputFolder ?? `${options.workspace}/out`,
    };
    const { policy, plugins, ...rest } = options;
    const effects = { ...folders, realPath: platformDisk.realPath, ...(policy === undefined ? {} : { policy }) };
    const platform = Layer.mergeAll(layerEntropy, layerDisk(platformDisk));
    // Surfaces that listen call back into the kernel they are part of, once it is open.
    const opened = yield* Deferred.make<Kernel>();
    const front = Layer.succeed(Front, frontOf(Deferred.await(opened)));
    const house = [...builtinPlugins, ...plugins ?? []];
    const started = yield* Layer.build(layerSupervisor({
      workspace: options.workspace,
      root: new URL("../", import.meta.url).href,
      optional: Object.fromEntries(optionalPackages.map(({ name, version }) => [name, `npm:${name}@${version}`])),
    }));
    const found = yield* discover({
      ...folders,
      disk: platformDisk,
      supervisor: Context.get(started, Supervisor),
      builtin: house,
    });
    const kernel = yield* openKernel({
      ...rest,
      ...folders,
      plugins: [...house, ...found.plugins],
      host: Layer.mergeAll(
        layerEffects(effects).pipe(Layer.provideMerge(platform)),
        Layer.mergeAll(layerSandbox, layerPrograms, layerEveryWorker()).pipe(
          Layer.provide(Layer.succeedContext(started)),
        ),
        front,
        found.layer,
      ),
      hostProvides: [...hostProvisions, ...engineProvisions, frontProvision, registryProvision],
      machine: readMachine,
    });
    yield* Deferred.succeed(opened, kernel);
    return kernel;
  });

class Opened extends Context.Service<Opened, Kernel>()("rmi/Kernel") {}

type EncodedOf<C> = C extends { readonly Encoded: infer E } ? E : never;

/** What a client's call may say besides its input. */
export type CallOptions = Omit<Request, "operation" | "input" | "actor"> & {
  readonly actor?: Actor;
  readonly signal?: AbortSignal;
};

/** A running system behind promises. Rejects with `Failure`. */
export interface Client extends AsyncDisposable {
  /** Calls an operation by id. */
  readonly call: (operation: string, input: Json, options?: CallOptions) => Promise<Json>;
  /** Calls an operation by its declaration, typed by its encoded sides. */
  readonly invoke: <O extends AnyOperation>(
    operation: O,
    input: EncodedOf<O["input"]>,
    options?: CallOptions,
  ) => Promise<EncodedOf<O["output"]>>;
  /** The whole system in under 1,000 tokens. */
  readonly manifest: () => Promise<string>;
  /** One operation in full. */
  readonly describe: (id: string) => Promise<Description>;
  /** Ranked operations for a few words. */
  readonly search: (query: string, limit?: number) => Promise<ReadonlyArray<Hit>>;
  /** The kernel itself, for code that speaks Effect. */
  readonly kernel: () => Promise<Kernel>;
  /** Releases everything. */
  readonly close: () => Promise<void>;
}

/** The actor of a script that names none. */
const SCRIPT: Actor = "user@headless";

/**
 * Opens the system for a script: one managed runtime, freed by `close` or `await using`.
 *
 * @example
 * ```ts
 * import { rmi } from "@rmi/rmi";
 * await using system = rmi({ workspace: Deno.makeTempDirSync() });
 * console.log(await system.manifest());
 * ```
 */
export const rmi = (options: RmiOptions): Client => {
  const runtime = ManagedRuntime.make(Layer.effect(Opened, openRmi(options)));
  const run = <A>(body: (kernel: Kernel) => Effect.Effect<A, Failure>, signal?: AbortSignal): Promise<A> =>
    runtime.runPromise(Effect.flatMap(Effect.service(Opened), body), signal === undefined ? {} : { signal });
  const call: Client["call"] = (operation, input, { signal, actor = SCRIPT, ...more } = {}) =>
    run((kernel) => kernel.invoke({ ...more, operation, input, actor }), signal);
  const close = () => runtime.dispose();
  return {
    call,
    invoke: (operation, input, more) => call(operation.id, input as Json, more) as never,
    manifest: () => run((kernel) => kernel.manifest(SCRIPT)),
    describe: (id) => run((kernel) => kernel.describe(id, SCRIPT)),
    search: (query, limit) => run((kernel) => kernel.search(query, SCRIPT, limit)),
    kernel: () => run(Effect.succeed),
    close,
    [Symbol.asyncDispose]: close,
  };
};
