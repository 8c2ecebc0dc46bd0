/**
 * A model of budget accounts that recomputes everything from the list of what happened, and seeded schedules judged by
 * it. Used by the tests (2,000 of each) and by `deno task acceptance policy` (more, and with a seed of its own).
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Scope from "effect/Scope";
import assert from "node:assert/strict";
import { rootAccount } from "../../effects/budget.ts";
import { type Account, AXES, type Axis } from "../../kernel/mod.ts";
import type { Choices } from "./seeded.ts";

/** The model: a list of accounts, from which everything is computed anew at every question. */
interface Entry {
  readonly parent: number;
  readonly limit: { readonly [A in Axis]: number };
  readonly own: { [A in Axis]: number };
  open: boolean;
}

const model = () => {
  const entries: Array<Entry> = [];
  const below = (id: number) => entries.flatMap((entry, index) => entry.parent === id ? [index] : []);
  const sum = (ids: ReadonlyArray<number>, of: (id: number) => number) => ids.reduce((total, id) => total + of(id), 0);
  const consumed = (id: number, axis: Axis): number =>
    entries[id].open
      ? entries[id].limit[axis]
      : entries[id].own[axis] + sum(below(id), (child) => consumed(child, axis));
  const spent = (id: number, axis: Axis): number =>
    entries[id].own[axis] + sum(below(id), (child) => spent(child, axis));
  const remaining = (id: number, axis: Axis): number =>
    entries[id].open
      ? entries[id].limit[axis] - entries[id].own[axis] - sum(below(id), (child) => consumed(child, axis))
      : 0;
  return { entries, spent, remaining };
};

const SOME: ReadonlyArray<Axis> = ["fuel", "bytes"];
const zero = () => Object.fromEntries(AXES.map((axis) => [axis, 0])) as { [A in Axis]: number };

/**
 * One seeded schedule of reserving, spending and closing in any order, compared with the model after every step; answers
 * how many accounts it made.
 */
export const schedule = (choices: Choices) =>
  Effect.gen(function* () {
    const { entries, spent, remaining } = model();
    const limits = { ...zero(), fuel: choices.below(60), bytes: choices.below(60) };
    const accounts: Array<Account> = [rootAccount("root", limits)];
    const scopes: Array<Scope.Closeable | undefined> = [undefined];
    entries.push({ parent: -1, limit: limits, own: zero(), open: true });
    for (let step = 0; step < 30; step++) {
      const at = choices.below(accounts.length);
      const kind = choices.below(10);
      if (kind < 4) {
        const amounts = { ...zero(), fuel: choices.below(25), bytes: choices.below(25) };
        const scope = yield* Scope.make();
        const made = yield* Effect.exit(Scope.provide(accounts[at].reserve(`a${accounts.length}`, amounts), scope));
        const fits = AXES.every((axis) => amounts[axis] <= remaining(at, axis));
        assert.equal(Exit.isSuccess(made), fits);
        if (Exit.isSuccess(made)) {
          // A child of a closed account can only be empty.
          accounts.push(made.value);
          scopes.push(scope);
          entries.push({ parent: at, limit: amounts, own: zero(), open: true });
        }
      } else if (kind < 8) {
        const axis = choices.pick(SOME);
        const amount = choices.below(12);
        const fits = amount <= remaining(at, axis);
        assert.equal(accounts[at].charge(axis, amount) === undefined, fits);
        if (fits) entries[at].own[axis] += amount;
      } else if (scopes[at] !== undefined) {
        yield* Scope.close(scopes[at], choices.below(2) ? Exit.void : Exit.interrupt());
        entries[at].open = false;
      }
      for (const [id, account] of accounts.entries()) {
        for (const axis of SOME) {
          assert.equal(account.remaining()[axis], remaining(id, axis), `remaining of ${id} after step ${step}`);
          assert.ok(spent(id, axis) <= entries[id].limit[axis], "no account, its children included, exceeds its limit");
          if (entries[id].open) {
            assert.equal(account.spent()[axis], spent(id, axis), `spent of ${id} after step ${step}`);
          }
        }
      }
    }
    return accounts.length;
  });

/** A fiber that spends, reserves for children of its own, waits, and may be interrupted anywhere. */
const worker = (
  account: Account,
  limit: number,
  choices: Choices,
  depth: number,
  tally: { spent: number },
): Effect.Effect<number, unknown> =>
  Effect.gen(function* () {
    let own = 0;
    for (let step = 0; step < 4; step++) {
      const amount = choices.below(10);
      if (account.charge("fuel", amount) === undefined) {
        own += amount;
        tally.spent += amount;
      }
      if (choices.below(2)) yield* Effect.yieldNow;
      if (depth < 3 && choices.below(2)) {
        const part = choices.below(20);
        const child = Effect.scoped(
          Effect.flatMap(account.reserve(`d${depth}`, { fuel: part }), (made) =>
            worker(made, part, choices, depth + 1, tally)),
        );
        const fiber = yield* Effect.forkChild(child);
        if (choices.below(3) === 0) {
          yield* Fiber.interrupt(fiber);
        } else if (choices.below(3) > 0) {
          yield* Effect.exit(Fiber.join(fiber));
        }
      }
      assert.ok(own + account.remaining().fuel <= limit);
      assert.ok(account.spent().fuel <= limit);
    }
    return own;
  });

/** One seeded schedule of three fibers on one account, some interrupted; answers how much they spent in all. */
export const fiberSchedule = async (choices: Choices): Promise<number> => {
  const limit = 20 + choices.below(60);
  const root = rootAccount("root", { fuel: limit });
  const tally = { spent: 0 };
  await Effect.runPromise(Effect.gen(function* () {
    const fibers = yield* Effect.forEach([0, 1, 2], () => Effect.forkChild(worker(root, limit, choices, 0, tally)));
    yield* Effect.yieldNow;
    if (choices.below(2)) yield* Fiber.interrupt(fibers[choices.below(3)]);
    yield* Effect.forEach(fibers, Fiber.await);
  }));
  assert.equal(root.spent().fuel, tally.spent);
  assert.equal(root.remaining().fuel, limit - tally.spent);
  assert.ok(tally.spent <= limit);
  return tally.spent;
};
