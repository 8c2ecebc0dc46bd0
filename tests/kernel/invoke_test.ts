import * as Context from "effect/Context";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import {
  applyPatch,
  Budget,
  CallContext,
  denied,
  type Failure,
  failure,
  implementation,
  inSlices,
  type Json,
  type Kernel,
  openKernel,
  operation,
  type Plugin,
  type Request,
  role,
  using,
} from "../../kernel/mod.ts";
import { barePlugin, type Seen, testHost, testOptions } from "./host.ts";

const common = {
  failures: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
};

const Add = operation("demo.add", {
  ...common,
  summary: "Add two numbers.",
  input: { a: Schema.Finite, b: Schema.Finite },
  output: Schema.Struct({ sum: Schema.Finite }),
  effects: [],
  examples: [{ input: { a: 1, b: 2 }, output: { sum: 3 } }],
});
const odd = failure("DEMO_ODD", {
  doc: "Odd.",
  recoverable: true,
  says: (a: { n: number }) => `Cannot halve ${a.n}: it is odd`,
});
const Save = operation("demo.save", {
  ...common,
  summary: "Save a number to a file.",
  input: { n: Schema.Int, file: role("writePath", "Where"), read: Schema.optionalKey(Schema.Boolean) },
  output: Schema.Struct({ saved: Schema.Boolean }),
  failures: [odd],
  effects: ["readLocal", "writeLocal"],
  refine: ({ read }) => ({ effects: read ? ["readLocal"] : ["readLocal", "writeLocal"] }),
  examples: [{ input: { n: 2, file: "x" } }],
});
const Spin = operation("demo.spin", {
  ...common,
  summary: "Work for long, synchronously, in slices.",
  input: { steps: Schema.Int },
  output: Schema.Struct({ done: Schema.Int }),
  event: Schema.Struct({ at: Schema.Int }),
  effects: [],
  examples: [{ input: { steps: 1 } }],
});
const Nest = operation("demo.nest", {
  ...common,
  summary: "Call another operation.",
  input: { operation: Schema.String, input: Schema.Json },
  output: Schema.Json,
  effects: ["readLocal"],
  examples: [{ input: { operation: "demo.add", input: { a: 1, b: 1 } } }],
});
const Break = operation("demo.break", {
  ...common,
  summary: "Break in a given way.",
  input: { how: Schema.Literals(["throw", "die", "badOutput", "notJson", "peek", "leak"]) },
  output: Schema.Struct({ n: Schema.Finite }),
  effects: ["network"],
  examples: [{ input: { how: "throw" } }],
});

class Secret extends Context.Service<Secret, { readonly word: string }>()("demo/Secret") {}
let leaked: Effect.Effect<void, Failure> | undefined;
let closed = 0;

const demo = (): Plugin =>
  barePlugin("demo", {
    effects: ["readLocal", "writeLocal", "network"],
    namespaces: [{ name: "demo", summary: "Demonstrations." }],
    operations: () => [Add, Save, Spin, Nest, Break],
    load: () => ({
      default: implementation({
        operations: [Add, Save, Spin, Nest, Break],
        requires: [],
        layer: Layer.effectDiscard(Effect.acquireRelease(Effect.void, () => Effect.sync(() => void closed++))),
        handlers: {
          "demo.add": ({ a, b }) => Effect.succeed({ sum: a + b }),
          "demo.save": ({ n, file }) =>
            n % 2 === 1
              ? Effect.fail(
                odd({
                  n,
                  path: "/n",
                  fix: { summary: "Use the next", patch: [{ op: "replace", path: "/n", value: n + 1 }] },
                }),
              )
              : using("writeLocal", file, Effect.succeed({ saved: true })),
          "demo.spin": ({ steps }) =>
            Effect.gen(function* () {
              const { emit } = yield* CallContext;
              const account = yield* Budget;
              yield* emit({ at: 0 });
              const done = yield* inSlices(function* () {
                let sum = 0;
                for (let i = 0; i < steps; i++) {
                  const until = performance.now() + 0.5;
                  while (performance.now() < until) sum++;
                  if (account.charge("fuel", 1) !== undefined) return i;
                  yield;
                }
                return steps;
              });
              return { done };
            }),
          "demo.nest": ({ operation, input }) =>
            Effect.flatMap(CallContext, (call) => call.invoke(operation, input as Json)),
          "demo.break": ({ how }) =>
            // The handler of a plugin without types: what the compiler would refuse must fail at run time too.
            Effect.gen(function* () {
              const call = yield* CallContext;
              switch (how) {
                case "throw":
                  throw new TypeError("a bug");
                case "die":
                  return yield* Effect.die("a defect");
                case "badOutput":
                  return { n: "one" as unknown as number };
                case "notJson":
                  return { n: NaN };
                case "peek":
                  return yield* Effect.flatMap(Secret as never, () => Effect.succeed({ n: 1 }));
                case "leak":
                  leaked = (yield* Effect.context<never>()).pipe((context) =>
                    Effect.provideContext(using("network", call.id, Effect.void), context) as never
                  );
                  return { n: 1 };
              }
            }) as never,
        },
      }),
    }),
  });

const withKernel = <A>(
  body: (kernel: Kernel, seen: Seen) => Effect.Effect<A, unknown>,
  host: Parameters<typeof testHost>[1] = {},
): Promise<A> => {
  const seen: Seen = [];
  return Effect.runPromise(Effect.scoped(Effect.flatMap(
    openKernel(
      testOptions([demo()], { host: Layer.mergeAll(testHost(seen, host), Layer.succeed(Secret, { word: "hush" })) }),
    ),
    (kernel) => body(kernel, seen) as Effect.Effect<A, Failure>,
  )));
};

const call = (operation: string, input: Json, more: Partial<Request> = {}): Request => ({
  operation,
  input,
  actor: "user@headless",
  ...more,
});

const failing = (kernel: Kernel, operation: string, input: Json, more: Partial<Request> = {}) =>
  Effect.flip(kernel.invoke(call(operation, input, more)));

Deno.test("a pure call passes the gate, reserves, and leaves no journal row", () =>
  withKernel((kernel, seen) =>
    Effect.gen(function* () {
      assert.deepEqual(yield* kernel.invoke(call("demo.add", { a: 1, b: 2 })), { sum: 3 });
      assert.deepEqual(seen.map(({ port }) => port), ["decide", "reserve"]);
    })
  ));

Deno.test("a call that writes leaves an intent before and an outcome after, and its path is the user's", () =>
  withKernel((kernel, seen) =>
    Effect.gen(function* () {
      yield* kernel.invoke(call("demo.save", { n: 2, file: "notes/../x.txt" }));
      assert.deepEqual(seen.map(({ port }) => port), ["decide", "reserve", "intent", "use", "outcome"]);
      const intent = seen.find((entry) => entry.port === "intent")!;
      assert.deepEqual(intent.call.paths.write, ["/home/user/project/x.txt"]);
      assert.deepEqual(seen.find((entry) => entry.port === "use"), {
        port: "use",
        authority: "writeLocal",
        detail: "/home/user/project/x.txt",
      });
    })
  ));

Deno.test("refine narrows what the gate sees, and a call that only reads leaves no row", () =>
  withKernel((kernel, seen) =>
    Effect.gen(function* () {
      const refused = yield* failing(kernel, "demo.save", { n: 2, file: "x", read: true });
      // The handler writes although this input was refined to reading: no such service, hence a defect, never a write.
      assert.equal(refused.code, "KERNEL_DEFECT");
      assert.deepEqual(seen.map(({ port }) => port), ["decide", "reserve"]);
      assert.deepEqual(seen[0].port === "decide" && seen[0].call.effects, ["readLocal"]);
    })
  ));

Deno.test("a failure reaches the caller whole and is journaled; its patch makes the call valid", () =>
  withKernel((kernel, seen) =>
    Effect.gen(function* () {
      const input: Json = { n: 3, file: "x" };
      const refused = yield* failing(kernel, "demo.save", input);
      assert.equal(refused.code, "DEMO_ODD");
      const outcome = seen.find((entry) => entry.port === "outcome")!;
      assert.equal(outcome.outcome.ok, false);
      assert.deepEqual(yield* kernel.invoke(call("demo.save", applyPatch(refused.fix!.patch!, input))), {
        saved: true,
      });
    })
  ));

Deno.test("a denied call does nothing: no reservation, no journal, no handler", () =>
  withKernel((kernel, seen) =>
    Effect.gen(function* () {
      const refused = yield* failing(kernel, "demo.save", { n: 2, file: "x" });
      assert.equal(refused.code, "KERNEL_DENIED");
      assert.deepEqual(seen.map(({ port }) => port), ["decide"]);
    }), {
    decide: (one) =>
      Effect.fail(denied({ operation: one.operation, authority: "writeLocal", detail: "x", rule: "test" })),
  }));

Deno.test("bugs become failures, never crashes", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      for (
        const [how, code] of [["throw", "KERNEL_DEFECT"], ["die", "KERNEL_DEFECT"], [
          "badOutput",
          "KERNEL_INVALID_OUTPUT",
        ], ["notJson", "KERNEL_INVALID_OUTPUT"]]
      ) {
        assert.equal((yield* failing(kernel, "demo.break", { how })).code, code, how);
      }
    })
  ));

Deno.test("a handler cannot reach a host service its plugin does not require", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const refused = yield* failing(kernel, "demo.break", { how: "peek" });
      assert.equal(refused.code, "KERNEL_DEFECT");
      assert.match(refused.message, /demo\/Secret/);
    })
  ));

Deno.test("authority ends with its call", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      yield* kernel.invoke(call("demo.break", { how: "leak" }));
      const refused = yield* Effect.flip(leaked!);
      assert.equal(refused.code, "KERNEL_DENIED");
    })
  ));

Deno.test("unknown and hidden operations answer alike, and near misses never name a hidden one", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const hidden = yield* failing(kernel, "demo.save", {});
      const absent = yield* failing(kernel, "demo.sav", {});
      assert.deepEqual([hidden.code, absent.code], ["KERNEL_UNKNOWN_OPERATION", "KERNEL_UNKNOWN_OPERATION"]);
      for (const one of [hidden, absent]) assert.ok(!one.suggestions.includes("demo.save"));
      assert.deepEqual((yield* failing(kernel, "demo.ad", {})).suggestions[0], "demo.add");
      assert.ok(!(yield* kernel.manifest("user@headless")).includes("demo (5)"));
      assert.ok((yield* kernel.search("save number file", "user@headless")).every(({ id }) => id !== "demo.save"));
    }), { visible: ({ id }) => id !== "demo.save" }));

Deno.test("a call from a call keeps the actor and never gains authority", () =>
  withKernel((kernel, seen) =>
    Effect.gen(function* () {
      assert.deepEqual(
        yield* kernel.invoke(call("demo.nest", { operation: "demo.add", input: { a: 2, b: 2 } }, { actor: "agent:a" })),
        { sum: 4 },
      );
      const decided = seen.flatMap((entry) => entry.port === "decide" ? [entry.call] : []);
      assert.deepEqual(decided.map(({ actor }) => actor), ["agent:a", "agent:a"]);
      assert.equal(decided[1].parent, decided[0].id);
      const refused = yield* failing(kernel, "demo.nest", { operation: "demo.save", input: { n: 2, file: "x" } });
      assert.equal(refused.code, "KERNEL_SUBCALL");
      assert.equal((refused.actual as { code: string }).code, "KERNEL_DENIED");
      assert.ok(!seen.some(({ port }) => port === "use"));
    })
  ));

Deno.test("calls made from one call at the same time share its account, and none is starved", async () => {
  const Spend = operation("share.spend", {
    ...common,
    summary: "Spend fuel in the middle of the work.",
    input: { fuel: Schema.Int },
    output: Schema.Int,
    effects: [],
    examples: [{ input: { fuel: 1 } }],
  });
  const Fan = operation("share.fan", {
    ...common,
    summary: "Make calls at the same time.",
    input: { calls: Schema.Int, fuel: Schema.Int },
    output: Schema.Array(Schema.Json),
    effects: [],
    examples: [{ input: { calls: 1, fuel: 1 } }],
  });
  const plugin = barePlugin("share", {
    namespaces: [{ name: "share", summary: "Shares." }],
    operations: () => [Spend, Fan],
    load: () => ({
      default: implementation({
        operations: [Spend, Fan],
        requires: [],
        layer: Layer.empty,
        handlers: {
          "share.spend": ({ fuel }) =>
            Effect.gen(function* () {
              const account = yield* Budget;
              yield* Effect.yieldNow;
              yield* account.spend("fuel", fuel);
              yield* Effect.yieldNow;
              return fuel;
            }),
          "share.fan": ({ calls, fuel }) =>
            Effect.flatMap(
              CallContext,
              ({ invoke }) =>
                Effect.forEach(Array.from({ length: calls }), () => invoke("share.spend", { fuel }), {
                  concurrency: "unbounded",
                }),
            ),
        },
      }),
    }),
  });
  await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const kernel = yield* openKernel(testOptions([plugin]));
    const fan = (calls: number) => kernel.invoke(call("share.fan", { calls, fuel: 10 }, { budget: { fuel: 100 } }));
    assert.deepEqual(yield* fan(10), new Array(10).fill(10));
    const refused = yield* Effect.flip(fan(11));
    assert.equal((refused.actual as { code: string }).code, "KERNEL_BUDGET_EXHAUSTED");
  })));
});

Deno.test("calls nest at most MAX_CALL_DEPTH deep", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const nested = (depth: number): Json =>
        depth === 0
          ? { operation: "demo.add", input: { a: 1, b: 1 } }
          : { operation: "demo.nest", input: nested(depth - 1) };
      assert.deepEqual(yield* kernel.invoke(call("demo.nest", nested(14))), { sum: 2 });
      const refused = yield* failing(kernel, "demo.nest", nested(15));
      assert.match(refused.message, /call depth/);
    })
  ));

Deno.test("events arrive encoded, in order, before the answer", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const events: Json[] = [];
      yield* kernel.invoke(
        call("demo.spin", { steps: 1 }, { onEvent: (event) => Effect.sync(() => void events.push(event)) }),
      );
      assert.deepEqual(events, [{ at: 0 }]);
    })
  ));

Deno.test("a budget with an unknown axis or an amount that is none is refused, and never taken for no limit", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const wrong = [{ fule: 1 }, { fuel: -1 }, { fuel: 0.5 }, { fuel: Infinity }, { fuel: "1" }, { fuel: null }];
      for (const budget of wrong) {
        const refused = yield* failing(kernel, "demo.spin", { steps: 1 }, { budget: budget as never });
        assert.equal(refused.code, "KERNEL_INVALID_INPUT", JSON.stringify(budget));
        assert.match(refused.message, /fuel, wallMs/u);
      }
      yield* kernel.invoke(call("demo.spin", { steps: 1 }, { budget: { tokens: 0 } }));
    })
  ));

Deno.test("a wall-clock budget stops long synchronous work with a typed reason", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const began = performance.now();
      const refused = yield* failing(kernel, "demo.spin", { steps: 40_000 }, { budget: { wallMs: 40 } });
      assert.equal(refused.code, "KERNEL_BUDGET_EXHAUSTED");
      assert.match(refused.message, /wallMs/);
      assert.ok(performance.now() - began < 5_000, "it would have run for 20 s");
    })
  ));

Deno.test("interruption stops long synchronous work", () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const running = yield* Deferred.make<void>();
      const fiber = yield* Effect.forkChild(
        kernel.invoke(call("demo.spin", { steps: 40_000 }, { onEvent: () => Deferred.succeed(running, undefined) })),
      );
      yield* Deferred.await(running);
      const began = performance.now();
      const exit = yield* Effect.exit(Fiber.interrupt(fiber));
      assert.ok(Exit.isSuccess(exit));
      assert.ok(performance.now() - began < 5_000);
    })
  ));

Deno.test("an interrupted call with effects still gets its outcome", async () => {
  const seen: Seen = [];
  const Wait = operation("wait.forever", {
    ...common,
    summary: "Wait.",
    input: {},
    output: Schema.Null,
    effects: ["writeLocal"],
    event: Schema.Null,
    examples: [{ input: {} }],
  });
  const plugin = barePlugin("wait", {
    effects: ["writeLocal"],
    namespaces: [{ name: "wait", summary: "Waits." }],
    operations: () => [Wait],
    load: () => ({
      default: implementation({
        operations: [Wait],
        requires: [],
        layer: Layer.empty,
        handlers: {
          "wait.forever": () => Effect.andThen(Effect.flatMap(CallContext, ({ emit }) => emit(null)), Effect.never),
        },
      }),
    }),
  });
  await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const kernel = yield* openKernel(testOptions([plugin], { host: testHost(seen) }));
    const running = yield* Deferred.make<void>();
    const fiber = yield* Effect.forkChild(
      kernel.invoke(call("wait.forever", {}, { onEvent: () => Deferred.succeed(running, undefined) })),
    );
    yield* Deferred.await(running);
    yield* Fiber.interrupt(fiber);
  })));
  const outcome = seen.find((entry) => entry.port === "outcome");
  assert.equal(
    outcome?.outcome.ok === false && (outcome.outcome.failure as { code: string }).code,
    "KERNEL_INTERRUPTED",
  );
});

Deno.test("two kernels share no state, and closing one releases what its plugins hold", async () => {
  closed = 0;
  const plugins = [demo()];
  await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const one = yield* openKernel(testOptions(plugins));
    yield* Effect.scoped(Effect.gen(function* () {
      const two = yield* openKernel(testOptions(plugins));
      yield* one.invoke(call("demo.add", { a: 1, b: 1 }));
      yield* two.invoke(call("demo.add", { a: 1, b: 1 }));
      assert.equal(closed, 0);
    }));
    assert.equal(closed, 1, "only the closed kernel released its layer");
    assert.deepEqual(yield* one.invoke(call("demo.add", { a: 1, b: 1 })), { sum: 2 });
  })));
  assert.equal(closed, 2);
});
