/**
 * Grants: the handles that running calls hold on authorities. Each use asks the grant, so ending one acts at once.
 *
 * Not the decision to grant (effects/gate.ts) and not durable: grants die with their call, approvals are events.
 * Invariant: a grant made from a grant never covers more than its source, and ends no later.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { type Authority, denied, type Grant, type KernelFailure } from "../kernel/mod.ts";

/** Whether a use is covered: the name of the rule that refuses it, or `undefined`. */
export type Refusal = (detail: string) => string | undefined;

/** What a grant is made of. */
export interface GrantSpec<A extends Authority = Authority> {
  /** The authority. */
  readonly authority: A;
  /** The call that holds it. */
  readonly call: string;
  /** The operation that call runs. */
  readonly operation: string;
  /** Who asked. */
  readonly actor: string;
  /** The rule or approval it rests on. */
  readonly rule: string;
  /** Which uses it refuses. */
  readonly refuses: Refusal;
  /** When it ends by itself, milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** A live grant as it is listed. */
export interface GrantLine {
  /** Its number, unique in this kernel. */
  readonly grant: number;
  /** The authority. */
  readonly authority: Authority;
  /** The call that holds it. */
  readonly call: string;
  /** The operation that call runs. */
  readonly operation: string;
  /** Who asked. */
  readonly actor: string;
  /** The rule or approval it rests on. */
  readonly rule: string;
  /** When it ends by itself, milliseconds since 1970. */
  readonly expiresAt?: number;
}

/** A grant that can be narrowed and ended. */
export interface OwnedGrant<A extends Authority = Authority> extends Grant<A> {
  /** How it is listed. */
  readonly line: GrantLine;
  /** Why a use would be refused now, or `undefined`. */
  readonly refusal: (detail: string, nowMs: number) => string | undefined;
  /** A grant under this one: covers what both cover, ends with the first of the two. */
  readonly attenuate: (spec: Omit<GrantSpec<A>, "authority">) => OwnedGrant<A>;
  /** Ends it and everything made from it. */
  readonly revoke: () => void;
}

/** The grants of running calls. */
export interface GrantsShape {
  /** Makes a grant. */
  readonly issue: <A extends Authority>(spec: GrantSpec<A>) => OwnedGrant<A>;
  /** The live grants of a call, by authority. */
  readonly ofCall: (call: string) => ReadonlyMap<Authority, OwnedGrant>;
  /** Every live grant, oldest first. */
  readonly list: Effect.Effect<ReadonlyArray<GrantLine>>;
  /** Ends the grants of a call. */
  readonly release: (call: string) => void;
  /** Ends one grant by its number; whether there was one. */
  readonly revoke: (grant: number) => boolean;
}

const GrantsBase: Context.ServiceClass<Grants, "rmi/Grants", GrantsShape> = Context.Service<Grants, GrantsShape>()(
  "rmi/Grants",
);

/** The service of running calls' grants. */
export class Grants extends GrantsBase {}

const NONE: ReadonlyMap<Authority, OwnedGrant> = new Map();

/** A fresh set of grants. */
export const makeGrants = (): GrantsShape => {
  const live = new Map<number, OwnedGrant>();
  const byCall = new Map<string, Map<Authority, OwnedGrant>>();
  let last = 0;

  const forget = (line: GrantLine): void => {
    live.delete(line.grant);
    const held = byCall.get(line.call);
    if (held?.get(line.authority)?.line.grant === line.grant) held.delete(line.authority);
    if (held?.size === 0) byCall.delete(line.call);
  };

  const make = <A extends Authority>(spec: GrantSpec<A>, source?: OwnedGrant<A>): OwnedGrant<A> => {
    const { refuses, ...facts } = spec;
    const ends = [spec.expiresAt, source?.line.expiresAt].filter((end) => end !== undefined);
    const line: GrantLine = { ...facts, ...(ends.length ? { expiresAt: Math.min(...ends) } : {}), grant: ++last };
    let ended: string | undefined;
    const refusal = (detail: string, nowMs: number): string | undefined => {
      if (ended !== undefined) return ended;
      if (line.expiresAt !== undefined && nowMs >= line.expiresAt) return `${line.rule}, expired`;
      return source?.refusal(detail, nowMs) ?? refuses(detail);
    };
    const check = (detail: string): Effect.Effect<void, KernelFailure> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const rule = refusal(detail, now);
        return rule === undefined
          ? Effect.void
          : Effect.fail(denied({ operation: line.operation, authority: line.authority, detail, rule, actual: detail }));
      });
    const grant: OwnedGrant<A> = {
      authority: spec.authority,
      line,
      check,
      refusal,
      attenuate: (narrower) => make({ ...narrower, authority: spec.authority }, grant),
      revoke: () => {
        ended = `${line.rule}, ended`;
        forget(line);
      },
    };
    live.set(line.grant, grant as unknown as OwnedGrant);
    const held = byCall.get(line.call) ?? new Map<Authority, OwnedGrant>();
    byCall.set(line.call, held.set(line.authority, grant as unknown as OwnedGrant));
    return grant;
  };

  return {
    issue: (spec) => make(spec),
    ofCall: (call) => byCall.get(call) ?? NONE,
    list: Effect.map(
      Clock.currentTimeMillis,
      (now) =>
        [...live.values()].map((grant) => grant.line).filter((line) =>
          line.expiresAt === undefined || now < line.expiresAt
        ),
    ),
    release: (call) => {
      for (const grant of [...(byCall.get(call)?.values() ?? [])]) grant.revoke();
    },
    revoke: (number) => {
      const grant = live.get(number);
      grant?.revoke();
      return grant !== undefined;
    },
  };
};

/** Grants of one kernel. */
export const layerGrants: Layer.Layer<Grants> = Layer.sync(Grants, makeGrants);
