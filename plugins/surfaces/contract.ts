/**
 * Front: how a surface that listens for others (MCP, HTTP, A2A) reaches the kernel, one caller at a time.
 *
 * Not for ordinary plugins: they call through `CallContext.invoke`, inside their own call and its authority.
 * Invariant: a caller made here is `mcp:`, `http:` or `a2a:` something, whatever the peer claims; never a person, an
 * agent or a policy rule, so a listening surface cannot lend anybody the authority of the person who started it.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import { type Actor, actorName } from "../../kernel/actor.ts";
import type { Failure, KernelFailure } from "../../kernel/failure.ts";
import type { Json } from "../../kernel/json.ts";
import type { Description, Hit, Kernel, Request } from "../../kernel/kernel.ts";
import type { AnyOperation } from "../../kernel/operation.ts";
import type { Namespace, Provision } from "../../kernel/plugin.ts";

/** The surfaces that listen for others. */
export const DOORS = ["mcp", "http", "a2a"] as const;

/** One of {@link DOORS}. */
export type Door = typeof DOORS[number];

/** The kernel as one caller sees it. */
export interface Caller {
  /** Who is asking. */
  readonly actor: Actor;
  /** Calls an operation as this caller. */
  readonly invoke: (request: Omit<Request, "actor" | "account">) => Effect.Effect<Json, Failure>;
  /** The whole system in short, as far as this caller may know. */
  readonly manifest: Effect.Effect<string, KernelFailure>;
  /** One operation in full. */
  readonly describe: (id: string) => Effect.Effect<Description, KernelFailure>;
  /** Ranked operations for a query. */
  readonly search: (query: string, limit?: number) => Effect.Effect<ReadonlyArray<Hit>, KernelFailure>;
  /** Every operation this caller may know, by id. */
  readonly operations: Effect.Effect<ReadonlyArray<AnyOperation>, KernelFailure>;
  /** What the groups of operations are for; says nothing of which exist for this caller. */
  readonly namespaces: Effect.Effect<ReadonlyArray<Namespace>>;
}

/** Makes callers. */
export interface FrontShape {
  /** The caller that came in through a door under a name; the name is made safe. */
  readonly caller: (door: Door, name: string) => Caller;
}

const FrontBase: Context.ServiceClass<Front, "rmi/Front", FrontShape> = Context.Service<Front, FrontShape>()(
  "rmi/Front",
);

/** The service of {@link FrontShape}; the host provides it, over the kernel it opens. */
export class Front extends FrontBase {}

/** What a host that provides {@link Front} adds to `KernelOptions.hostProvides`. */
export const frontProvision: Provision = { capability: "rmi/Front", version: "1.0.0" };

/** The front of a kernel; the kernel may still be opening when this is made. */
export const frontOf = (kernel: Effect.Effect<Kernel>): FrontShape => ({
  caller: (door, name) => {
    if (!DOORS.includes(door)) throw new Error(`"${door}" is no door`);
    const actor: Actor = `${door}:${actorName(name)}`;
    const ask = <A, E>(question: (kernel: Kernel) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.flatMap(kernel, question);
    return {
      actor,
      // Only the named members: an `account` smuggled in by an untyped caller must not reach the kernel.
      invoke: ({ operation, input, seed, budget, onEvent, onProgress }) =>
        ask((open) => open.invoke({ operation, input, actor, ...defined({ seed, budget, onEvent, onProgress }) })),
      manifest: ask((open) => open.manifest(actor)),
      describe: (id) => ask((open) => open.describe(id, actor)),
      search: (query, limit) => ask((open) => open.search(query, actor, limit)),
      operations: ask((open) => open.operations(actor)),
      namespaces: Effect.map(kernel, (open) => open.plugins.flatMap((plugin) => plugin.namespaces)),
    };
  },
});

const defined = <A extends object>(members: A): { readonly [K in keyof A]?: NonNullable<A[K]> } =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
