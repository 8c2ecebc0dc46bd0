/**
 * Plugin: a manifest (pure data) with two lazy loaders, one for the declarations and one for the code behind them.
 *
 * Not the code itself: reading every manifest must stay cheap, so nothing here imports a plugin's inside.
 * Invariant: what a plugin may do is what its manifest says; its operations lie in its namespaces.
 *
 * @module
 */
import type * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import type { Authority, CapsOf, EffectName, Kind } from "./authority.ts";
import type { CallContext } from "./context.ts";
import type { Disk } from "./disk.ts";
import type { Entropy } from "./entropy.ts";
import type { Failure, FailuresOf, KernelFailure } from "./failure.ts";
import { incompleteManifest } from "./failures.ts";
import type { Json } from "./json.ts";
import type { Budget } from "./meter.ts";
import type { AnyOperation, Stability } from "./operation.ts";

/** How long a plugin may take to start, and to give its declarations, when its manifest does not say. */
export const BOOT_DEADLINE_MS = 10_000;

/** A value now or soon. */
export type Awaitable<A> = A | Promise<A>;

/** A capability a plugin provides: the key of a service in its `contract.ts`. */
export interface Provision {
  /** Capability name: the service's key. */
  readonly capability: string;
  /** Contract version, semver. */
  readonly version: string;
}

/** A capability a plugin requires. */
export interface Requirement {
  /** Capability name. */
  readonly capability: string;
  /** Accepted versions, a semver range. */
  readonly range: string;
  /** Whether the plugin works without it. */
  readonly optional?: boolean;
}

/** A group of operations: one line of the system's manifest. */
export interface Namespace {
  /** What stands before the first dot of its operation ids. */
  readonly name: string;
  /** One line, at most 60 characters or so. */
  readonly summary: string;
  /** Where it stands among the namespaces; higher first. Default 0. */
  readonly priority?: number;
  /** A task recipe: ids of operations in the order in which they solve something. */
  readonly recipes?: ReadonlyArray<{ readonly task: string; readonly steps: ReadonlyArray<string> }>;
  /** Short names: `create` for `evolution.create`. */
  readonly aliases?: { readonly [alias: string]: string };
}

/** How far a plugin's authorities reach, where its process is confined to them. */
export interface Reach {
  /** Hosts for `network`, as `name`, `name:port` or `*`. */
  readonly hosts?: ReadonlyArray<string>;
  /** Names of variables for `env`. */
  readonly env?: ReadonlyArray<string>;
  /** System facts for `sys`. */
  readonly sys?: ReadonlyArray<string>;
}

/** Something besides an operation that a plugin explains when asked by id: an op of a language, for example. */
export interface Topic {
  /** Its id: one of the plugin's namespaces, a dot, and more. No operation has it. */
  readonly id: string;
  /** One sentence. */
  readonly summary: string;
  /** All there is to say. */
  readonly topic: Json;
}

/** A plugin's manifest: pure data, and where to find the rest. */
export interface Plugin {
  /** Unique id, lower case. */
  readonly id: string;
  /** Semver. */
  readonly version: string;
  /** One sentence. */
  readonly summary: string;
  /** What it provides. */
  readonly provides: ReadonlyArray<Provision>;
  /** What it needs. */
  readonly requires: ReadonlyArray<Requirement>;
  /** The most its code may do: effect classes. */
  readonly effects: ReadonlyArray<EffectName>;
  /** The most its code may do: finer kinds. */
  readonly kinds: ReadonlyArray<Kind>;
  /** How far `network`, `env` and `sys` reach; a plugin in a child host gets nothing that is not named here. */
  readonly reach?: Reach;
  /** Whether its code is not ours: what it calls, it calls as `plugin:<id>`. Set by the registry, not by the plugin. */
  readonly foreign?: boolean;
  /** How firmly it is promised. */
  readonly stability: Stability;
  /** Whether the kernel opens without it when it breaks. Default false. */
  readonly optional?: boolean;
  /** How long it may take to start, and to give its declarations. Default {@link BOOT_DEADLINE_MS}. */
  readonly bootDeadlineMs?: number;
  /** Its groups of operations. */
  readonly namespaces: ReadonlyArray<Namespace>;
  /** Its declarations; loaded when its operations are first asked about. */
  readonly operations: () => Awaitable<ReadonlyArray<AnyOperation>>;
  /** What else it explains; loaded when an id of its namespaces is asked about that no operation has. */
  readonly topics?: () => Awaitable<ReadonlyArray<Topic>>;
  /** Its code; loaded when one of its operations or services is first needed. */
  readonly load: () => Awaitable<{ readonly default: Implementation }>;
}

/** Services every handler and layer may use besides what its plugin requires. */
export type Ambient = CallContext | Budget | Entropy | Disk;

/**
 * Services a plugin's layer may use besides what its plugin requires. No authority: a plugin starts without touching
 * anything, and acts only inside a call that the gate allowed.
 */
export type AmbientOfLayer = Entropy | Disk;

// deno-lint-ignore no-explicit-any -- erased: the typed view is `implementation`
type AnyContext = any;

/** A plugin's code, erased: a layer with its services, and a handler an operation. */
export interface Implementation {
  /** Builds the plugin's services. */
  readonly layer: Layer.Layer<never, Failure, AnyContext>;
  /** Handlers by operation id; each takes the decoded input. */
  readonly handlers: { readonly [id: string]: (input: never) => Effect.Effect<unknown, Failure, AnyContext> };
}

/** The authorities of an operation, from its declaration's type. */
export type AuthoritiesOf<O> = O extends
  { readonly effects: ReadonlyArray<infer E>; readonly kinds: ReadonlyArray<infer K> } ? Extract<E | K, Authority>
  : never;

/** The failures an operation may answer with: its own and the kernel's general ones for budgets, disk and denial. */
export type FailuresOfOperation<O> = O extends { readonly failures: ReadonlyArray<infer F> } ? FailuresOf<F> : never;

type TypeOfCodec<C> = C extends { readonly Type: infer T } ? T : never;

/** A handler: decoded input to decoded output, within the authorities the declaration names. */
export type HandlerOf<O extends AnyOperation, Services> = (
  input: TypeOfCodec<O["input"]>,
) => Effect.Effect<
  TypeOfCodec<O["output"]>,
  FailuresOfOperation<O> | KernelFailure,
  Services | Ambient | CapsOf<AuthoritiesOf<O>>
>;

type IdentifierOf<K> = K extends Context.Key<infer I, infer _S> ? I : never;

/**
 * Ties handlers to declarations, checked by types: a handler that uses an authority its operation does not declare, or
 * a service its plugin does not require, does not compile.
 *
 * @example
 * ```ts
 * import { implementation, operation } from "@rmi/rmi/kernel";
 * import * as Effect from "effect/Effect";
 * import * as Layer from "effect/Layer";
 * import * as Schema from "effect/Schema";
 * const Twice = operation("demo.twice", {
 *   summary: "Double a number.", input: { n: Schema.Finite }, output: Schema.Finite, failures: [], effects: [],
 *   cost: { compute: "constant" }, idempotent: true, reversible: true, stability: "stable",
 *   examples: [{ input: { n: 2 }, output: 4 }],
 * });
 * export default implementation({
 *   operations: [Twice],
 *   requires: [],
 *   layer: Layer.empty,
 *   handlers: { "demo.twice": ({ n }) => Effect.succeed(n * 2) },
 * });
 * ```
 */
export const implementation = <
  const Ops extends ReadonlyArray<AnyOperation>,
  // deno-lint-ignore no-explicit-any -- keys of any service
  const Needs extends ReadonlyArray<Context.Key<any, any>>,
  Out,
>(spec: {
  /** The declarations this code answers. */
  readonly operations: Ops;
  /** Keys of the services it requires from other plugins (each also in the manifest's `requires`). */
  readonly requires: Needs;
  /** Its own services. */
  readonly layer: Layer.Layer<Out, Failure, NoInfer<IdentifierOf<Needs[number]> | AmbientOfLayer>>;
  /** One handler an operation. */
  readonly handlers: {
    readonly [Id in Ops[number]["id"]]: HandlerOf<
      Extract<NoInfer<Ops>[number], { readonly id: Id }>,
      NoInfer<Out> | IdentifierOf<NoInfer<Needs>[number]>
    >;
  };
}): Implementation => ({ layer: spec.layer as never, handlers: spec.handlers as never });

const PLUGIN_ID = /^[a-z][a-z0-9-]*$/u;
const NAMESPACE = /^[a-z][A-Za-z0-9]{0,39}$/u;

const isList = (value: unknown, holds: (item: Record<string, unknown>) => boolean): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null && holds(item));

const isString = (value: unknown): boolean => typeof value === "string" && value.length > 0;

const MANIFEST_RULES: ReadonlyArray<readonly [keyof Plugin, string, (value: unknown) => boolean]> = [
  ["id", "lower-case letters, digits and -", (value) => typeof value === "string" && PLUGIN_ID.test(value)],
  ["version", "a semantic version", isString],
  ["summary", "one sentence", isString],
  [
    "provides",
    "a list of {capability, version}",
    (value) => isList(value, (item) => isString(item.capability) && isString(item.version)),
  ],
  [
    "requires",
    "a list of {capability, range}",
    (value) => isList(value, (item) => isString(item.capability) && isString(item.range)),
  ],
  ["effects", "a list of effect classes", Array.isArray],
  ["kinds", "a list of finer kinds", Array.isArray],
  ["stability", "stable, unstable or experimental", isString],
  [
    "namespaces",
    "a list of {name, summary}, a name of at most 40 letters and digits",
    (value) =>
      isList(value, (item) => typeof item.name === "string" && NAMESPACE.test(item.name) && isString(item.summary)),
  ],
  ["operations", "a function that gives the declarations", (value) => typeof value === "function"],
  ["load", "a function that gives the implementation", (value) => typeof value === "function"],
];

/** What is missing or malformed in a manifest, one failure a field; empty for a complete one. */
export const manifestFaults = (declared: unknown): ReadonlyArray<Failure> => {
  const record = (declared ?? {}) as Record<string, unknown>;
  const plugin = typeof record.id === "string" ? record.id : "(no id)";
  return MANIFEST_RULES.filter(([field, , holds]) => !holds(record[field])).map(([field, expected]) =>
    incompleteManifest({ plugin, field, path: `/${field}`, expected })
  );
};
