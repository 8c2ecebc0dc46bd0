/**
 * Meter: the axes a call consumes, and the account it draws on. Cost is a separate axis from authority.
 *
 * Not the implementation (effects/budget.ts) and not the gate: an allowed call may still be too expensive.
 * Invariant: a child account is reserved out of its parent before it exists, so it can never exceed it.
 *
 * @module
 */
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import type { Actor } from "./actor.ts";
import type { FailureOf, KernelFailure } from "./failure.ts";

/**
 * Budget axes: interpreter steps, wall-clock milliseconds, bytes written or sent, model tokens, money in millionths of
 * the account's currency, and messages.
 */
export const AXES = ["fuel", "wallMs", "bytes", "tokens", "moneyMicros", "messages"] as const;

/** One axis. */
export type Axis = typeof AXES[number];

/** A non-negative safe integer on every axis. */
export type Amounts = { readonly [A in Axis]: number };

const Amount = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** Schema of part of {@link Amounts}. */
export const PartialAmounts: Schema.Codec<Partial<Amounts>> = Schema.Struct(
  Object.fromEntries(AXES.map((axis) => [axis, Schema.optionalKey(Amount)])),
) as unknown as Schema.Codec<Partial<Amounts>>;

/** An account of reserved amounts. */
export interface Account {
  /** Whose account it is, for messages. */
  readonly name: string;
  /** What is left now. */
  readonly remaining: () => Amounts;
  /** What was spent on it, its children included. */
  readonly spent: () => Amounts;
  /** Spends now; answers the failure instead of raising it, for hot loops. Nothing is spent on failure. */
  readonly charge: (axis: Axis, amount: number) => FailureOf<"KERNEL_BUDGET_EXHAUSTED"> | undefined;
  /** Spends as an effect. */
  readonly spend: (axis: Axis, amount: number) => Effect.Effect<void, FailureOf<"KERNEL_BUDGET_EXHAUSTED">>;
  /** Moves amounts into a child account; what the child leaves comes back when the scope closes. */
  readonly reserve: (
    name: string,
    amounts: Partial<Amounts>,
  ) => Effect.Effect<Account, FailureOf<"KERNEL_BUDGET_EXHAUSTED">, Scope.Scope>;
}

const BudgetBase: Context.ServiceClass<Budget, "rmi/Budget", Account> = Context.Service<Budget, Account>()(
  "rmi/Budget",
);

/** The account of the call in progress. */
export class Budget extends BudgetBase {}

/** Opens the account of a call. */
export interface MeterShape {
  /** Reserves for a call from the caller's account (`parent`) or, for a call from outside, from the actor's. */
  readonly open: (
    call: { readonly operation: string; readonly actor: Actor; readonly parent?: Account },
    amounts: Partial<Amounts>,
  ) => Effect.Effect<Account, KernelFailure, Scope.Scope>;
}

const MeterBase: Context.ServiceClass<Meter, "rmi/Meter", MeterShape> = Context.Service<Meter, MeterShape>()(
  "rmi/Meter",
);

/** The meter service, a port the kernel calls and effects/ implements. */
export class Meter extends MeterBase {}
