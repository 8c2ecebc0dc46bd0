import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import assert from "node:assert/strict";
import {
  type AnyOperation,
  bootFailed,
  bootTree,
  implementation,
  type Kernel,
  openKernel,
  operation,
  type Plugin,
} from "../../kernel/mod.ts";
import { barePlugin, testHost, testOptions } from "./host.ts";

class Store extends Context.Service<Store, { readonly word: string }>()("demo/Store") {}

const ask = (namespace: string): AnyOperation =>
  operation(`${namespace}.ask`, {
    summary: "Answer a word.",
    input: {},
    output: Schema.String,
    failures: [],
    effects: [],
    cost: { compute: "constant" },
    idempotent: true,
    reversible: true,
    stability: "stable",
    examples: [{ input: {} }],
  });

/** A plugin with one operation, `<id>.ask`, that answers the plugin's id; `layer` and `load` as a test wants them. */
const asking = (id: string, more: Partial<Plugin> = {}, layer: Layer.Layer<never, never> = Layer.empty): Plugin =>
  barePlugin(id, {
    namespaces: [{ name: id, summary: `Namespace ${id}.` }],
    operations: () => [ask(id)],
    load: () => ({ default: { layer, handlers: { [`${id}.ask`]: () => Effect.succeed(id) } } }),
    ...more,
  });

const opened = <A>(
  plugins: ReadonlyArray<Plugin>,
  body: (kernel: Kernel) => Effect.Effect<A, unknown>,
  more = {},
): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(openKernel(testOptions(plugins, more)), body)) as Effect.Effect<A>);

const askOf = (kernel: Kernel, id: string) =>
  kernel.invoke({ operation: `${id}.ask`, input: {}, actor: "user@headless" });

const line = (kernel: Kernel, id: string) => kernel.boot().find(({ plugin }) => plugin === id)!;

Deno.test("code is loaded on first need, once, and not at all when nobody asks", async () => {
  const loads: string[] = [];
  const counting = (id: string) => {
    const plain = asking(id);
    return { ...plain, load: () => (loads.push(id), plain.load()) };
  };
  await opened([counting("a"), counting("b")], (kernel) =>
    Effect.gen(function* () {
      assert.deepEqual(loads, []);
      yield* kernel.manifest("user@headless");
      assert.deepEqual(loads, [], "discovery loads no code");
      yield* Effect.all([askOf(kernel, "a"), askOf(kernel, "a"), askOf(kernel, "a")], { concurrency: 3 });
      assert.deepEqual(loads, ["a"]);
      assert.equal(line(kernel, "a").state, "ready");
      assert.equal(line(kernel, "b").state, "declared");
    }));
});

Deno.test("a plugin gets the services it requires, built first, and only those", () => {
  const store = barePlugin("store", {
    provides: [{ capability: Store.key, version: "1.0.0" }],
    load: () => ({
      default: implementation({
        operations: [],
        requires: [],
        layer: Layer.succeed(Store, { word: "kept" }),
        handlers: {},
      }),
    }),
  });
  const reading = { "reader.ask": () => Effect.map(Store, ({ word }) => word) } as never;
  const reader = asking("reader", {
    requires: [{ capability: Store.key, range: "^1.0.0" }],
    load: () => ({ default: { layer: Layer.empty, handlers: reading } }),
  });
  const thief = asking("thief", {
    load: () => ({
      default: {
        layer: Layer.empty,
        handlers: { "thief.ask": () => Effect.map(Store, ({ word }) => word) } as never,
      },
    }),
  });
  return opened([reader, store, thief], (kernel) =>
    Effect.gen(function* () {
      assert.equal(yield* askOf(kernel, "reader"), "kept");
      assert.deepEqual(line(kernel, "reader").needs, ["store"]);
      const refused = yield* Effect.flip(askOf(kernel, "thief"));
      assert.match((refused as Error).message, /demo\/Store/);
    }));
});

Deno.test("a plugin that does not start in time is named with the likely cause", async () => {
  const stuck = asking("stuck", { bootDeadlineMs: 500 }, Layer.effectDiscard(Effect.never) as Layer.Layer<never>);
  const waiting = asking("waiting", { bootDeadlineMs: 200, load: () => new Promise(() => {}) });
  await Effect.runPromise(
    Effect.gen(function* () {
      const kernel = yield* openKernel(testOptions([stuck, waiting]));
      for (
        const [id, cause] of [["stuck", /its layer, which has not finished building/], [
          "waiting",
          /loading its module/,
        ]] as const
      ) {
        const fiber = yield* Effect.forkChild(Effect.flip(askOf(kernel, id)));
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)));
        yield* TestClock.adjust("1 second");
        const refused = yield* Fiber.join(fiber);
        assert.equal(refused.code, "KERNEL_BOOT_DEADLINE");
        assert.match(refused.message, new RegExp(id));
        assert.match(refused.message, cause);
        assert.equal(line(kernel, id).state, "failed");
      }
    }).pipe(Effect.scoped, Effect.provide(TestClock.layer())) as Effect.Effect<void>,
  );
});

Deno.test("an acquisition that never ends keeps neither the deadline nor the kernel's closing waiting", async () => {
  const acquiring = Layer.effectDiscard(Effect.acquireRelease(Effect.never, () => Effect.void));
  const stuck = asking("stuck", { bootDeadlineMs: 50 }, acquiring as Layer.Layer<never>);
  const closed = Effect.runPromise(
    Effect.gen(function* () {
      const kernel = yield* openKernel(testOptions([stuck]));
      assert.equal((yield* Effect.flip(askOf(kernel, "stuck"))).code, "KERNEL_BOOT_DEADLINE");
      return "closed";
    }).pipe(Effect.scoped) as Effect.Effect<string>,
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => timer = setTimeout(resolve, 5_000, "still waiting"));
  assert.equal(await Promise.race([closed, late]), "closed");
  clearTimeout(timer);
});

Deno.test("a broken optional plugin is listed with its reason and the rest works", () => {
  const reasons: ReadonlyArray<readonly [string, Partial<Plugin>, RegExp]> = [
    ["throws", { load: () => Promise.reject(new Error("syntax error")) }, /syntax error/],
    ["empty", { load: () => ({ default: undefined as never }) }, /implementation\(\)/],
    ["silent", { load: () => ({ default: { layer: Layer.empty, handlers: {} } }) }, /no handler for silent\.ask/],
    ["refuses", {
      load: () => ({
        default: {
          layer: Layer.effectDiscard(Effect.fail(bootFailed({ plugin: "refuses", cause: "no database" }))) as never,
          handlers: { "refuses.ask": () => Effect.void },
        },
      }),
    }, /no database/],
    ["dies", {
      load: () => ({
        default: {
          layer: Layer.effectDiscard(Effect.die(new Error("bug"))),
          handlers: { "dies.ask": () => Effect.void },
        },
      }),
    }, /bug/],
  ];
  const plugins = reasons.map(([id, more]) => asking(id, { optional: true, ...more }));
  return opened([asking("fine"), ...plugins], (kernel) =>
    Effect.gen(function* () {
      assert.equal(yield* askOf(kernel, "fine"), "fine");
      for (const [id, , reason] of reasons) {
        const failed = line(kernel, id);
        assert.equal(failed.state, "failed", id);
        assert.match(failed.failure!.message, reason);
        assert.match(bootTree(kernel.boot()), reason);
      }
    }), { activate: "all" });
});

Deno.test("a broken plugin that is not optional keeps the kernel from opening all at once", async () => {
  const refused = await Effect.runPromise(Effect.flip(Effect.scoped(
    openKernel(testOptions([asking("broken", { load: () => Promise.reject(new Error("gone")) })], { activate: "all" })),
  )));
  assert.equal(refused.code, "KERNEL_BOOT_FAILED");
  assert.match(refused.message, /broken/);
});

Deno.test("declarations outside the manifest are refused: namespace, authority, duplicates, missing fields", () => {
  const bad: ReadonlyArray<readonly [string, () => ReadonlyArray<AnyOperation>, RegExp]> = [
    ["alien", () => [ask("other")], /namespaces alien/],
    ["greedy", () => [{ ...ask("greedy"), effects: ["network"] }], /does not name network/],
    ["twice", () => [ask("twice"), ask("twice")], /declared once/],
    ["partial", () => [{ ...ask("partial"), summary: "" }], /"summary"/],
  ];
  return opened(
    [asking("fine"), ...bad.map(([id, operations]) => asking(id, { operations }))],
    (kernel) =>
      Effect.gen(function* () {
        assert.equal(yield* askOf(kernel, "fine"), "fine");
        for (const [id, , reason] of bad) {
          const refused = yield* Effect.flip(askOf(kernel, id));
          assert.match(refused.message, reason);
          assert.equal(line(kernel, id).state, "refused");
        }
      }),
  );
});

Deno.test("authorities that the host hides are listed as refused", () =>
  opened([asking("wide", { effects: ["network", "exec"] })], (kernel) =>
    Effect.sync(() => {
      const { granted, refused } = line(kernel, "wide");
      assert.deepEqual([granted, refused], [["network"], ["exec"]]);
    }), { host: testHost([], { visible: ({ effects }) => !effects.includes("exec") }) }));

Deno.test("the boot tree shows state, time, authority and what each plugin waits for", () =>
  opened([asking("a", { effects: ["readLocal"] })], (kernel) =>
    Effect.gen(function* () {
      yield* askOf(kernel, "a");
      assert.match(bootTree(kernel.boot()), /✓ a 1\.0\.0 ready \d+ ms \[readLocal\]/);
      assert.match(bootTree(kernel.boot()), /· kernel \S+ declared \[readLocal, sys, env\]/);
    })));

Deno.test("an interrupted first caller does not spoil the start for the others", async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => release = resolve);
  const plain = asking("slow");
  const slow: Plugin = { ...plain, load: () => gate.then(() => plain.load()) };
  await opened([slow], (kernel) =>
    Effect.gen(function* () {
      const first = yield* Effect.forkChild(askOf(kernel, "slow"));
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)));
      yield* Fiber.interrupt(first);
      release();
      assert.equal(yield* askOf(kernel, "slow"), "slow");
    }));
});
