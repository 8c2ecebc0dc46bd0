import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type Actor, type Json, type Kernel, openKernel, operation, type Plugin } from "../../kernel/mod.ts";
import * as Schema from "effect/Schema";
import { barePlugin, testHost, testOptions } from "./host.ts";

const pure = operation("herbs.pick", {
  summary: "Pick a herb.",
  input: {},
  output: Schema.Null,
  failures: [],
  effects: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{ input: {} }],
});

const herbs = (over: Partial<Plugin> = {}): Plugin =>
  barePlugin("herbs", {
    namespaces: [{ name: "herbs", summary: "Herbs." }],
    operations: () => [pure],
    topics: () => [
      { id: "herbs.kind.BASIL", summary: "Sweet.", topic: { height: 40 } },
      { id: "herbs.kind.THYME", summary: "Small.", topic: { height: 20 } },
    ],
    ...over,
  });

const withHerbs = <A>(plugin: Plugin, body: (kernel: Kernel) => Effect.Effect<A, unknown>, host = testHost([])) =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(openKernel({ ...testOptions([plugin]), host }), body)) as Effect.Effect<A>,
  );

const describe = (kernel: Kernel, id: string, actor: Actor = "user@tty") =>
  Effect.match(kernel.invoke({ operation: "kernel.describe", input: { id }, actor }), {
    onSuccess: (value): Json => value,
    onFailure: ({ code, suggestions }): Json => [code, ...suggestions],
  });

Deno.test("describe answers a topic with its plugin, and an operation as ever", () =>
  withHerbs(herbs(), (kernel) =>
    Effect.gen(function* () {
      assert.deepEqual(yield* describe(kernel, "herbs.kind.BASIL"), {
        id: "herbs.kind.BASIL",
        summary: "Sweet.",
        plugin: "herbs",
        topic: { height: 40 },
      });
      assert.equal(
        (yield* describe(kernel, "herbs.pick") as Effect.Effect<{ readonly refined: boolean }>).refined,
        false,
      );
    })));

Deno.test("a misspelt topic is answered with the near one, also where only the case is wrong", () =>
  withHerbs(herbs(), (kernel) =>
    Effect.gen(function* () {
      const [unknown, near] = (yield* describe(kernel, "herbs.kind.THYM")) as ReadonlyArray<string>;
      assert.deepEqual([unknown, near], ["KERNEL_UNKNOWN_OPERATION", "herbs.kind.THYME"]);
      assert.equal(((yield* describe(kernel, "herbs.kind.basil")) as ReadonlyArray<string>)[1], "herbs.kind.BASIL");
    })));

Deno.test("a call of a topic is refused as any unknown operation, without topics among the suggestions", () =>
  withHerbs(herbs(), (kernel) =>
    Effect.gen(function* () {
      const call = kernel.invoke({ operation: "herbs.kind.BASIL", input: {}, actor: "user@tty" });
      const failure = yield* Effect.flip(call);
      assert.equal(failure.code, "KERNEL_UNKNOWN_OPERATION");
      assert.ok(failure.suggestions.every((id) => !id.startsWith("herbs.kind")));
    })));

Deno.test("topics of a plugin whose operations are all hidden are hidden too, also as suggestions", () =>
  withHerbs(
    herbs(),
    (kernel) =>
      Effect.gen(function* () {
        for (const id of ["herbs.kind.BASIL", "herbs.kind.BASI"]) {
          assert.deepEqual(yield* describe(kernel, id, "agent:a"), ["KERNEL_UNKNOWN_OPERATION"]);
        }
      }),
    testHost([], { visible: ({ id }) => !id.startsWith("herbs") }),
  ));

Deno.test("topics are read when one is asked about, and a plugin that cannot give them says why", async () => {
  let reads = 0;
  const counting = herbs({ topics: () => (reads++, []) });
  await withHerbs(counting, (kernel) =>
    Effect.gen(function* () {
      yield* describe(kernel, "herbs.pick");
      yield* kernel.manifest("user@tty");
      assert.equal(reads, 0);
      yield* describe(kernel, "herbs.other");
      assert.equal(reads, 1);
    }));
  const broken = herbs({ topics: () => Promise.reject(new Error("no garden")) });
  await withHerbs(broken, (kernel) =>
    Effect.gen(function* () {
      const [code] = (yield* describe(kernel, "herbs.kind.BASIL")) as ReadonlyArray<string>;
      assert.equal(code, "KERNEL_BOOT_FAILED");
    }));
  const silent = herbs({ topics: () => new Promise(() => {}), bootDeadlineMs: 20 });
  await withHerbs(silent, (kernel) =>
    Effect.gen(function* () {
      const [code] = (yield* describe(kernel, "herbs.kind.BASIL")) as ReadonlyArray<string>;
      assert.equal(code, "KERNEL_UNKNOWN_OPERATION");
    }));
});
