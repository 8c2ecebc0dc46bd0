/** Budget: accounts in a tree, against a model that recomputes everything from the list of what happened. */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Scope from "effect/Scope";
import assert from "node:assert/strict";
import { meterOf, rootAccount } from "../../effects/budget.ts";
import { type Account, AXES, type Axis, isFailure } from "../../kernel/mod.ts";
import { type Choices, randomFor } from "./seeded.ts";

const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> => Effect.runPromise(Effect.scoped(effect));

Deno.test("a child's amounts leave the parent first, and what it leaves comes back", () =>
  run(Effect.gen(function* () {
    const root = rootAccount("root", { fuel: 100 });
    yield* Effect.scoped(Effect.gen(function* () {
      const child = yield* root.reserve("child", { fuel: 60 });
      assert.equal(root.remaining().fuel, 40);
      yield* child.spend("fuel", 25);
      assert.deepEqual([child.remaining().fuel, child.spent().fuel, root.spent().fuel], [35, 25, 25]);
    }));
    assert.deepEqual([root.remaining().fuel, root.spent().fuel], [75, 25]);
  })));

Deno.test("the last unit is spent, one more is the typed failure that names account, axis and what is left", () =>
  run(Effect.gen(function* () {
    const root = rootAccount("root", { tokens: 10 });
    assert.equal(root.charge("tokens", 10), undefined);
    const failed = root.charge("tokens", 1);
    assert.equal(failed?.code, "KERNEL_BUDGET_EXHAUSTED");
    assert.match(failed!.message, /1 tokens on root: 0 left/u);
    assert.equal(root.charge("tokens", 0), undefined);
    const spent = yield* Effect.flip(root.spend("tokens", 1));
    assert.ok(isFailure(spent));
  })));

Deno.test("reserving takes every axis or none", () =>
  run(Effect.gen(function* () {
    const root = rootAccount("root", { fuel: 10, bytes: 10 });
    const failed = yield* Effect.flip(root.reserve("child", { fuel: 5, bytes: 11 }));
    assert.equal(failed.code, "KERNEL_BUDGET_EXHAUSTED");
    assert.deepEqual([root.remaining().fuel, root.remaining().bytes], [10, 10]);
    yield* root.reserve("child", { fuel: 10, bytes: 10 });
    assert.deepEqual([root.remaining().fuel, root.remaining().bytes], [0, 0]);
  })));

Deno.test("an axis that is not reserved cannot be spent", () =>
  run(Effect.gen(function* () {
    const child = yield* rootAccount("root").reserve("child", { fuel: 5 });
    assert.equal(child.charge("tokens", 1)?.code, "KERNEL_BUDGET_EXHAUSTED");
  })));

Deno.test("a negative, fractional or infinite amount is a bug and changes nothing", () => {
  const root = rootAccount("root", { fuel: 10 });
  for (const amount of [-1, 0.5, NaN, Infinity, Number.MAX_SAFE_INTEGER + 1]) {
    assert.throws(() => root.charge("fuel", amount), RangeError);
    assert.throws(() => Effect.runSync(Effect.scoped(root.reserve("child", { fuel: amount }))), RangeError);
  }
  assert.deepEqual(root.remaining().fuel, 10);
});

Deno.test("a closed account spends nothing more", () =>
  run(Effect.gen(function* () {
    const root = rootAccount("root", { fuel: 10 });
    const child = yield* Effect.scoped(root.reserve("child", { fuel: 10 }));
    assert.equal(child.charge("fuel", 1)?.code, "KERNEL_BUDGET_EXHAUSTED");
    assert.equal(root.remaining().fuel, 10);
  })));

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

/** One seeded schedule of reserving, spending and closing in any order, compared with the model after every step. */
const schedule = (choices: Choices) =>
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

Deno.test("2,000 seeded schedules of reserving, spending and closing in any order agree with the model", async () => {
  let accounts = 0;
  for (let seed = 0; seed < 2_000; seed++) accounts += await Effect.runPromise(schedule(randomFor(`tree ${seed}`)));
  assert.ok(accounts > 6_000, `${accounts} accounts: the schedules really grow trees`);
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

Deno.test("2,000 seeded schedules of concurrent and interrupted fibers: nothing exceeds, nothing is lost", async () => {
  let spent = 0;
  for (let seed = 0; seed < 2_000; seed++) {
    const choices = randomFor(`fibers ${seed}`);
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
    spent += tally.spent;
  }
  assert.ok(spent > 20_000, `${spent} spent: the schedules really spend`);
});

Deno.test("an actor's account is shared by its calls and is not another actor's", () =>
  run(Effect.gen(function* () {
    const meter = meterOf([{ actor: "agent:*", limits: { fuel: 100 } }]);
    const open = (actor: "agent:a" | "agent:b" | "user@tty", fuel: number) =>
      meter.open({ operation: "demo.op", actor }, { fuel });
    const first = yield* open("agent:a", 70);
    assert.equal((yield* open("agent:a", 70)).remaining().fuel, 30);
    assert.equal((yield* open("agent:b", 70)).remaining().fuel, 70);
    assert.equal((yield* open("user@tty", 1_000_000)).remaining().fuel, 1_000_000);
    assert.equal(first.charge("fuel", 71)?.code, "KERNEL_BUDGET_EXHAUSTED");
  })));

Deno.test("what an actor spent stays spent after its calls have ended", () =>
  run(Effect.gen(function* () {
    const meter = meterOf([{ actor: "agent:a", limits: { fuel: 100 } }]);
    const call = Effect.scoped(
      Effect.flatMap(meter.open({ operation: "demo.op", actor: "agent:a" }, { fuel: 100 }), (account) =>
        Effect.map(account.spend("fuel", 40), () => account.remaining().fuel)),
    );
    assert.equal(yield* call, 60);
    assert.equal(yield* call, 20);
    assert.equal((yield* Effect.flip(call)).code, "KERNEL_BUDGET_EXHAUSTED");
  })));

Deno.test("a call made from a call draws on its parent alone", () =>
  run(Effect.gen(function* () {
    const meter = meterOf([]);
    const parent = yield* meter.open({ operation: "demo.outer", actor: "agent:a" }, { fuel: 10 });
    const asked = yield* Effect.flip(meter.open({ operation: "demo.inner", actor: "agent:a", parent }, { fuel: 11 }));
    assert.equal(asked.code, "KERNEL_BUDGET_EXHAUSTED");
    const child = yield* meter.open({ operation: "demo.inner", actor: "agent:a", parent }, { fuel: 10 });
    assert.deepEqual([parent.remaining().fuel, child.remaining().fuel], [0, 10]);
  })));
