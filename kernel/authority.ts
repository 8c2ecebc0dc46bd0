/**
 * Authority: the effect classes and finer kinds that an operation may declare, as names, as types and as handles.
 *
 * Not the policy (effects/policy.ts decides) and not the sandbox (kernel/launch.ts narrows the process).
 * Invariant: code that uses an authority has `Cap<authority>` in its `R`, and every use asks the grant again, so a
 * revoked grant acts on the next use.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import type { KernelFailure } from "./failure.ts";

/** Effect classes. They do not imply each other; an operation without any is pure. */
export const EFFECTS = ["readLocal", "writeLocal", "network", "exec"] as const;

/** One effect class. */
export type EffectName = typeof EFFECTS[number];

/** Finer kinds: what an operation needs beyond its classes, named so that policy and sandbox can be exact. */
export const KINDS = [
  "gpu",
  "ffi",
  "env",
  "sys",
  "time",
  "random",
  "llm",
  "agent",
  "learn",
  "evolve",
  "selfModify",
] as const;

/** One finer kind. */
export type Kind = typeof KINDS[number];

/** Anything that can be granted. */
export type Authority = EffectName | Kind;

/** All authorities, classes first. */
export const AUTHORITIES: ReadonlyArray<Authority> = [...EFFECTS, ...KINDS];

/** The identifier that appears in `R` where an authority is used. */
export interface Cap<A extends Authority> {
  /** Keeps `Cap<"network">` and `Cap<"exec">` apart structurally. */
  readonly _: { readonly authority: A };
}

/** The union of `R` entries for a union of authorities. */
export type CapsOf<A extends Authority> = A extends Authority ? Cap<A> : never;

/** A handle on one granted authority. */
export interface Grant<A extends Authority = Authority> {
  /** The authority granted. */
  readonly authority: A;
  /** Asks whether this use is covered; `detail` is the path, host, command or device concerned. */
  readonly check: (detail: string) => Effect.Effect<void, KernelFailure>;
}

const key = <A extends Authority>(authority: A): Context.Key<Cap<A>, Grant<A>> =>
  Context.Service<Cap<A>, Grant<A>>(`rmi/Cap/${authority}`);

/** The service key of each authority. */
export const caps: { readonly [A in Authority]: Context.Key<Cap<A>, Grant<A>> } = Object.fromEntries(
  AUTHORITIES.map((authority) => [authority, key(authority)]),
) as never;

/**
 * Runs `body` under an authority: it needs `Cap<A>` in its context and consent for this `detail` at this moment.
 *
 * @example
 * ```ts
 * import { using } from "@rmi/rmi/kernel";
 * import * as Effect from "effect/Effect";
 * const load = using("network", "example.org", Effect.succeed("page"));
 * // @ts-expect-error the capability was not granted, so this does not compile
 * const attempt = () => Effect.runSync(load);
 * ```
 */
export const using = <A extends Authority, B, E, R>(
  authority: A,
  detail: string,
  body: Effect.Effect<B, E, R>,
): Effect.Effect<B, E | KernelFailure, R | Cap<A>> =>
  Effect.flatMap(
    Effect.service(caps[authority]),
    (grant) => Effect.andThen((grant as Grant<A>).check(detail), body),
  ) as Effect.Effect<B, E | KernelFailure, R | Cap<A>>;
