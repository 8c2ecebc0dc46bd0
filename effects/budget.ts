/**
 * Budget: accounts in a tree. What a child may spend is taken out of its parent first, and what it leaves comes back.
 *
 * Not a clock: `wallMs` is stored here and acted on by the kernel's invoke. Not persistent: an actor's account lives as
 * long as its kernel.
 * Invariant: on every axis, limit = remaining + own spending + what was moved into children; so no order of reserving,
 * spending, closing and interrupting lets a child exceed its parent.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  type Account,
  type Amounts,
  AXES,
  type Axis,
  budgetExhausted,
  type FailureOf,
  Meter,
  type MeterShape,
} from "../kernel/mod.ts";
import { glob } from "./patterns.ts";
import { Policy } from "./policy.ts";
import type { BudgetRule } from "./policy_file.ts";

type Exhausted = FailureOf<"KERNEL_BUDGET_EXHAUSTED">;

type Mutable = { [A in Axis]: number };

const fill = (of: (axis: Axis) => number): Mutable =>
  Object.fromEntries(AXES.map((axis) => [axis, of(axis)])) as Mutable;

const isAmount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

const insist = (value: number): void => {
  if (!isAmount(value)) throw new RangeError(`A budget amount is a non-negative safe integer, not ${value}`);
};

class TreeAccount implements Account {
  readonly name: string;
  #parent: TreeAccount | undefined;
  readonly #left: Mutable;
  /** Spent by this account itself and by its closed children. */
  readonly #used: Mutable = fill(() => 0);
  readonly #children = new Set<TreeAccount>();

  constructor(name: string, amounts: Mutable, parent?: TreeAccount) {
    this.name = name;
    this.#left = amounts;
    this.#parent = parent;
  }

  remaining(): Amounts {
    return { ...this.#left };
  }

  spent(): Amounts {
    const total = { ...this.#used };
    for (const child of this.#children) {
      const spent = child.spent();
      for (const axis of AXES) total[axis] += spent[axis];
    }
    return total;
  }

  charge(axis: Axis, amount: number): Exhausted | undefined {
    insist(amount);
    const left = this.#left[axis];
    if (amount > left) return budgetExhausted({ account: this.name, axis, asked: amount, remaining: left });
    this.#left[axis] = left - amount;
    this.#used[axis] += amount;
    return undefined;
  }

  spend(axis: Axis, amount: number): Effect.Effect<void, Exhausted> {
    return Effect.suspend(() => {
      const failed = this.charge(axis, amount);
      return failed === undefined ? Effect.void : Effect.fail(failed);
    });
  }

  reserve(name: string, amounts: Partial<Amounts>): ReturnType<Account["reserve"]> {
    return Effect.acquireRelease(
      Effect.suspend(() => {
        const child = this.#split(name, amounts);
        return child instanceof TreeAccount ? Effect.succeed(child) : Effect.fail(child);
      }),
      (child) => Effect.sync(() => child.#close()),
    );
  }

  /** Takes every axis or none: a refusal on one axis leaves the others untouched. */
  #split(name: string, amounts: Partial<Amounts>): TreeAccount | Exhausted {
    const asked = fill((axis) => amounts[axis] ?? 0);
    for (const axis of AXES) insist(asked[axis]);
    const short = AXES.find((axis) => asked[axis] > this.#left[axis]);
    if (short !== undefined) {
      return budgetExhausted({ account: this.name, axis: short, asked: asked[short], remaining: this.#left[short] });
    }
    for (const axis of AXES) this.#left[axis] -= asked[axis];
    const child = new TreeAccount(name, asked, this);
    this.#children.add(child);
    return child;
  }

  /** Gives what is left to the parent, which also takes over the children that are still open. */
  #close(): void {
    const heir = this.#parent;
    if (heir === undefined) return;
    for (const axis of AXES) {
      heir.#left[axis] += this.#left[axis];
      heir.#used[axis] += this.#used[axis];
      this.#left[axis] = 0;
    }
    heir.#children.delete(this);
    for (const child of this.#children) {
      child.#parent = heir;
      heir.#children.add(child);
    }
    this.#children.clear();
    this.#parent = undefined;
  }
}

/** A root account, for actors and tests; unnamed axes are not limited. */
export const rootAccount = (name: string, limits: Partial<Amounts> = {}): Account => {
  const amounts = fill((axis) => limits[axis] ?? Number.MAX_SAFE_INTEGER);
  for (const axis of AXES) insist(amounts[axis]);
  return new TreeAccount(name, amounts);
};

/** Most actors with accounts of their own; the policy names patterns, callers bring names. */
export const MAX_ACTOR_ACCOUNTS = 10_000;

/** Opens calls' accounts under the actors' accounts that a policy sets up. */
export const meterOf = (budgets: ReadonlyArray<BudgetRule>): MeterShape => {
  const rules = budgets.map((rule) => ({ matches: glob(rule.actor), limits: rule.limits }));
  const accounts = new Map<string, Account>();
  const accountOf = (actor: string): Account | Exhausted => {
    const known = accounts.get(actor);
    if (known !== undefined) return known;
    const rule = rules.find((rule) => rule.matches(actor));
    if (rule === undefined) return rootAccount(actor);
    if (accounts.size >= MAX_ACTOR_ACCOUNTS) {
      return budgetExhausted({ account: "accounts of actors", axis: "messages", asked: 1, remaining: 0 });
    }
    const made = rootAccount(actor, rule.limits);
    accounts.set(actor, made);
    return made;
  };
  return {
    open: (call, amounts) =>
      Effect.suspend(() => {
        if (call.parent !== undefined) return call.parent.reserve(call.operation, amounts);
        const from = accountOf(call.actor);
        if (!("reserve" in from)) return Effect.fail(from);
        // What is asked at the door are mostly defaults: an actor who has less left gets less, and stops there.
        const left = from.remaining();
        return from.reserve(call.operation, fill((axis) => Math.min(amounts[axis] ?? 0, left[axis])));
      }),
  };
};

/** The meter of the policy in force. */
export const layerMeter: Layer.Layer<Meter, never, Policy> = Layer.effect(
  Meter,
  Effect.map(Policy, (policy) => meterOf(policy.file.budgets ?? [])),
);
