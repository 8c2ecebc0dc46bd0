/**
 * Open: from a list of plugins and a host layer to a running kernel; closing its scope frees everything.
 *
 * Not a place for defaults about machines: the platform layers come with the host.
 * Invariant: all mutable state of a kernel hangs on this call's scope; two kernels share none of it.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import { makeBoot } from "./boot.ts";
import { description, makeCatalogue, manifestText, searchDeclared } from "./catalogue.ts";
import { diagnostic } from "./diagnostic.ts";
import { Entropy } from "./entropy.ts";
import type { Failure } from "./failure.ts";
import { type Dangling, Gate, Journal, type JournalShape } from "./gate.ts";
import { type Engine, invoke } from "./invoke.ts";
import type { Kernel, KernelOptions } from "./kernel.ts";
import { kernelPlugin } from "./manifest.ts";
import { Meter } from "./meter.ts";
import { resolve } from "./resolve.ts";

/**
 * Calls of earlier runs that never finished, told to the log as well. A damaged journal must not keep anybody from
 * asking where the damage is: it is told, and calls that write to it fail.
 */
const unfinished = (journal: JournalShape): Effect.Effect<ReadonlyArray<Dangling>> =>
  journal.dangling.pipe(
    Effect.tap((calls) =>
      calls.length === 0 ? Effect.void : Effect.logWarning(
        `${calls.length} calls of earlier runs never finished: kernel.boot lists them, ledger.settle ends this`,
      )
    ),
    Effect.catch((failure) => Effect.as(Effect.logWarning(diagnostic(failure)), [])),
  );

/**
 * Opens a kernel. Fails when the plugins do not resolve, the host layer does not build, or, with `activate: "all"`, a
 * plugin that is not optional does not start.
 */
export const openKernel = (options: KernelOptions): Effect.Effect<Kernel, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope;
    // A memo map of its own: layers are memoised by reference, and another kernel may use the same plugins.
    const memoMap = Layer.makeMemoMapUnsafe();
    // The kernel's own plugin speaks of the kernel that it is part of, once that is open.
    const self: { kernel?: Kernel } = {};
    const own = kernelPlugin(() => self.kernel!, options.machine);
    const resolved = resolve({ ...options, plugins: [own, ...options.plugins] });
    if (Result.isFailure(resolved)) return yield* resolved.failure;
    const resolution = resolved.success;
    const host = yield* Layer.buildWithMemoMap(options.host, memoMap, scope);
    const [gate, journal] = [Context.get(host, Gate), Context.get(host, Journal)];
    const catalogue = makeCatalogue(resolution.order, gate);
    const boot = makeBoot({ resolution, catalogue, host, scope, memoMap });
    const workspace = options.workspace;
    const engine: Engine = {
      catalogue,
      boot,
      gate,
      journal,
      meter: Context.get(host, Meter),
      entropy: Context.get(host, Entropy),
      folders: {
        workspace,
        state: options.stateFolder ?? `${workspace}/.rmi`,
        output: options.outputFolder ?? `${workspace}/out`,
      },
      seed: options.seed ?? "rmi",
    };
    const opened: Kernel = self.kernel = {
      invoke: (request) => invoke(engine, request),
      manifest: (actor) => Effect.map(catalogue.visible(actor), (declared) => manifestText(resolution.order, declared)),
      describe: (id, actor) => Effect.map(catalogue.find(id, actor, "/id"), description),
      explain: (id, actor) =>
        Effect.map(catalogue.explain(id, actor, "/id"), ({ topic, plugin }) => ({ ...topic, plugin: plugin.id })),
      search: (query, actor, limit) =>
        Effect.map(catalogue.visible(actor), (declared) => searchDeclared(declared, query, limit)),
      operations: (actor) =>
        Effect.map(catalogue.visible(actor), (declared) => declared.map(({ operation }) => operation)),
      plugins: resolution.order,
      boot: boot.lines,
      dangling: yield* unfinished(journal),
      folders: engine.folders,
    };
    if (options.activate === "all") {
      for (const plugin of resolution.order) {
        yield* boot.start(plugin.id).pipe(
          Effect.catch((failure) => plugin.optional === true ? Effect.void : Effect.fail(failure)),
        );
      }
    }
    return opened;
  });
