/**
 * Boot: starts plugins when they are first needed, each once, providers first, each within its deadline.
 *
 * Not resolution (resolve.ts) and not calling (invoke.ts).
 * Invariant: a plugin sees the ambient services and what it requires, nothing else; what it acquired is released when
 * the kernel closes; a failed start is remembered and does not disturb the others.
 *
 * @module
 */
import type * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { type Catalogue, describeCause } from "./catalogue.ts";
import { Disk } from "./disk.ts";
import { Entropy } from "./entropy.ts";
import { type Failure, isFailure } from "./failure.ts";
import { bootDeadline, bootFailed } from "./failures.ts";
import { Gate } from "./gate.ts";
import type { BootLine, PluginState } from "./kernel.ts";
import { monotonicMs } from "./platform/clock.ts";
import { BOOT_DEADLINE_MS, type Implementation, type Plugin } from "./plugin.ts";
import type { Resolution } from "./resolve.ts";

/** Services of unknown identity: the top of all contexts. */
export type Services = Context.Context<never>;

/** A started plugin. */
export interface Started {
  /** Its services, what it requires, and the ambient ones: the context its handlers run in. */
  readonly context: Services;
  /** Its own services alone. */
  readonly services: Services;
  /** Its handlers. */
  readonly handlers: Implementation["handlers"];
}

/** Starts plugins and reports on them. */
export interface Boot {
  /** The started plugin; starts it, and what it needs, first. */
  readonly start: (id: string) => Effect.Effect<Started, Failure>;
  /** Where every plugin stands. */
  readonly lines: () => ReadonlyArray<BootLine>;
}

interface Status {
  state: PluginState;
  phase: string;
  tookMs?: number;
  failure?: Failure;
  starting?: Fiber.Fiber<Started, Failure>;
}

const failureOf = (plugin: Plugin, cause: Cause.Cause<Failure>): Failure => {
  const reason = cause.reasons.find(({ _tag }) => _tag !== "Interrupt");
  if (reason?._tag === "Fail" && isFailure(reason.error)) return reason.error;
  const broke = reason?._tag === "Die" ? reason.defect : reason?._tag === "Fail" ? reason.error : "it was interrupted";
  return bootFailed({ plugin: plugin.id, cause: describeCause(broke) });
};

/** Keys of `context` whose services a plugin may not see. */
const onlyWith = (context: Services, allowed: ReadonlySet<string>): Services => {
  let kept: Services = Context.empty();
  for (const [key, service] of context.mapUnsafe) {
    if (allowed.has(key)) kept = Context.add(kept, { key } as never, service as never);
  }
  return kept;
};

/** Effect's own references (clock, tracer, scheduler …), which code keeps wherever it runs. */
const isReference = (key: string): boolean => key.startsWith("effect/") || key.startsWith("~effect/");

/** Runs an effect with exactly these services, whatever its caller has. */
export const isolated = <A, E>(
  // deno-lint-ignore no-explicit-any -- the services are those of `context`, erased behind the plugin contract
  effect: Effect.Effect<A, E, any>,
  context: Services,
): Effect.Effect<A, E> =>
  Effect.updateContext(effect as Effect.Effect<A, E>, (outer: Services): Services => {
    const references = new Set([...outer.mapUnsafe.keys()].filter(isReference));
    return Context.merge(onlyWith(outer, references), context);
  });

/**
 * Runs an effect that its caller need not wait for once interrupted: what acquires a resource cannot be interrupted, and
 * may never end.
 */
const abandonable = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    Effect.forkDetach(effect),
    (fiber) => Effect.onInterrupt(Fiber.join(fiber), () => Effect.sync(() => fiber.interruptUnsafe())),
  );

/** Prepares to start the plugins of a resolution over the host's services. */
export const makeBoot = (options: {
  readonly resolution: Resolution;
  readonly catalogue: Catalogue;
  readonly host: Services;
  readonly scope: Scope.Scope;
  readonly memoMap: Layer.MemoMap;
}): Boot => {
  const { resolution, catalogue, host, scope, memoMap } = options;
  const plugins = new Map(resolution.order.map((plugin) => [plugin.id, plugin]));
  const statuses = new Map<string, Status>(
    resolution.order.map(({ id }) => [id, { state: "declared", phase: "waiting" }]),
  );

  const launch = (plugin: Plugin, status: Status): Effect.Effect<Started, Failure> =>
    Effect.gen(function* () {
      const required = new Set(plugin.requires.map(({ capability }) => capability));
      let context = onlyWith(host, new Set([Entropy.key, Disk.key, ...required]));
      for (const need of resolution.needs.get(plugin.id) ?? []) {
        status.phase = `its requirement ${need}, still starting`;
        context = Context.merge(context, onlyWith((yield* start(need)).services, required));
      }
      status.phase = "loading its module";
      const module = yield* Effect.tryPromise({
        try: async () => await plugin.load(),
        catch: (cause) => bootFailed({ plugin: plugin.id, cause: `loading its module: ${describeCause(cause)}` }),
      });
      const code: Implementation | undefined = module?.default;
      if (code?.layer === undefined || code?.handlers === undefined) {
        return yield* bootFailed({
          plugin: plugin.id,
          cause: "its module has no default export made by implementation()",
        });
      }
      const missing = (yield* Effect.promise(async () => await plugin.operations()))
        .filter(({ id }) => typeof code.handlers[id] !== "function").map(({ id }) => id);
      if (missing.length > 0) {
        return yield* bootFailed({ plugin: plugin.id, cause: `no handler for ${missing.join(", ")}` });
      }
      status.phase = "its layer, which has not finished building";
      const services = yield* isolated(Layer.buildWithMemoMap(code.layer, memoMap, scope), context);
      return { services, context: Context.merge(context, services), handlers: code.handlers };
    });

  const supervise = (plugin: Plugin, status: Status): Effect.Effect<Started, Failure> => {
    const began = monotonicMs();
    const deadlineMs = plugin.bootDeadlineMs ?? BOOT_DEADLINE_MS;
    return abandonable(launch(plugin, status)).pipe(
      Effect.withSpan(`boot ${plugin.id}`),
      Effect.timeoutOrElse({
        duration: deadlineMs,
        orElse: () => Effect.fail(bootDeadline({ plugin: plugin.id, deadlineMs, cause: status.phase })),
      }),
      Effect.catchCause((cause) => Effect.fail(failureOf(plugin, cause as Cause.Cause<Failure>))),
      Effect.onExit((exit) =>
        Effect.sync(() => {
          status.tookMs = Math.round(monotonicMs() - began);
          status.state = Exit.isSuccess(exit) ? "ready" : "failed";
          if (Exit.isFailure(exit)) status.failure = failureOf(plugin, exit.cause);
        })
      ),
    );
  };

  const start = (id: string): Effect.Effect<Started, Failure> =>
    Effect.suspend(() => {
      const status = statuses.get(id)!;
      // The start belongs to the kernel, not to the first caller: an interrupted caller must not spoil it for others.
      if (status.starting !== undefined) return Fiber.join(status.starting);
      return Effect.flatMap(Effect.forkIn(supervise(plugins.get(id)!, status), scope), (fiber) => {
        status.starting = fiber;
        return Fiber.join(fiber);
      });
    });

  const gate = Context.get(host as Context.Context<Gate>, Gate);
  const line = (plugin: Plugin, status: Pick<Status, "state" | "tookMs" | "failure">): BootLine => {
    const asked = [...plugin.effects ?? [], ...plugin.kinds ?? []];
    const may = (authority: string) =>
      gate.visible({ id: `${plugin.id}.boot`, effects: [authority], kinds: [] }, `plugin:${plugin.id}`);
    return {
      plugin: plugin.id,
      version: plugin.version,
      state: status.state,
      ...(status.tookMs === undefined ? {} : { tookMs: status.tookMs }),
      granted: asked.filter(may),
      refused: asked.filter((authority) => !may(authority)),
      needs: resolution.needs.get(plugin.id) ?? [],
      ...(status.failure === undefined ? {} : { failure: status.failure }),
    };
  };

  return {
    start,
    lines: () => [
      ...resolution.order.map((plugin) => {
        const status = statuses.get(plugin.id)!;
        const fault = catalogue.broken.get(plugin.id);
        return line(
          plugin,
          fault !== undefined && status.failure === undefined ? { state: "refused", failure: fault } : status,
        );
      }),
      ...resolution.refused.map(({ plugin, failure }) => line(plugin, { state: "refused", failure })),
    ],
  };
};

const MARKS: { readonly [S in PluginState]: string } = { ready: "✓", declared: "·", failed: "✗", refused: "✗" };

/** The boot report as a tree: every plugin with its state, time, authorities, and the plugins it waits for below it. */
export const bootTree = (lines: ReadonlyArray<BootLine>): string =>
  lines.flatMap((line) => {
    const took = line.tookMs === undefined ? "" : ` ${line.tookMs} ms`;
    const granted = line.granted.length === 0 ? "pure" : line.granted.join(", ");
    const below = [
      ...line.needs.map((need) => `needs ${need}`),
      ...line.refused.map((authority) => `refused ${authority}`),
      ...line.failure === undefined ? [] : [`${line.failure.code}: ${line.failure.message}`],
    ];
    return [
      `${MARKS[line.state]} ${line.plugin} ${line.version} ${line.state}${took} [${granted}]`,
      ...below.map((text, index) => `  ${index === below.length - 1 ? "└" : "├"} ${text}`),
    ];
  }).join("\n") + "\n";
