/** Budget: accounts in a tree, against a model that recomputes everything from the list of what happened. */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import assert from "node:assert/strict";
import { MAX_ACTOR_ACCOUNTS, meterOf, rootAccount } from "../../effects/budget.ts";
import { isFailure } from "../../kernel/mod.ts";
import { fiberSchedule, schedule } from "./budget_model.ts";
import { randomFor } from "./seeded.ts";

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

Deno.test("2,000 seeded schedules of reserving, spending and closing in any order agree with the model", async () => {
  let accounts = 0;
  for (let seed = 0; seed < 2_000; seed++) accounts += await Effect.runPromise(schedule(randomFor(`tree ${seed}`)));
  assert.ok(accounts > 6_000, `${accounts} accounts: the schedules really grow trees`);
});

Deno.test("2,000 seeded schedules of concurrent and interrupted fibers: nothing exceeds, nothing is lost", async () => {
  let spent = 0;
  for (let seed = 0; seed < 2_000; seed++) spent += await fiberSchedule(randomFor(`fibers ${seed}`));
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

Deno.test("so many actors have accounts and no more; those without a budget never count", () =>
  run(Effect.gen(function* () {
    const meter = meterOf([{ actor: "agent:*", limits: { fuel: 1 } }]);
    const open = (actor: "user@tty" | `agent:${string}`) => meter.open({ operation: "demo.op", actor }, { fuel: 1 });
    for (let n = 0; n < MAX_ACTOR_ACCOUNTS; n++) yield* open(`agent:${n}`);
    assert.equal((yield* Effect.flip(open("agent:one-more"))).code, "KERNEL_BUDGET_EXHAUSTED");
    yield* open("user@tty");
    yield* open("agent:7");
  })));
