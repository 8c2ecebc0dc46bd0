/**
 * Type tests of the declaration and of authority in `R`: the lines marked `@ts-expect-error` must not compile.
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import assert from "node:assert/strict";
import { Disk, failure, implementation, operation, using } from "../../kernel/mod.ts";

const demoFailed = failure("DEMO_FAILED", { doc: "Demo.", recoverable: true, says: () => "no" });
const otherFailed = failure("DEMO_OTHER", { doc: "Demo.", recoverable: true, says: () => "no" });

const declare = {
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
  examples: [{ input: { name: "Ada" } }],
};

const Pure = operation("demo.pure", {
  ...declare,
  summary: "Nothing but arithmetic.",
  input: { name: Schema.String },
  output: Schema.String,
  failures: [demoFailed],
  effects: [],
});

const Writes = operation("demo.writes", {
  ...declare,
  summary: "Writes a file.",
  input: { name: Schema.String },
  output: Schema.String,
  failures: [],
  effects: ["writeLocal"],
});

class Store extends Context.Service<Store, { readonly get: Effect.Effect<string> }>()("demo/Store") {}

const write = (name: string) =>
  Effect.gen(function* () {
    const disk = yield* Disk;
    yield* disk.write(`/x/${name}`, name);
    return name;
  });

Deno.test("a handler that stays within its declaration compiles", () => {
  const made = implementation({
    operations: [Pure, Writes],
    requires: [Store],
    layer: Layer.empty,
    handlers: {
      "demo.pure": ({ name }) => name === "" ? Effect.fail(demoFailed({})) : Effect.succeed(name),
      "demo.writes": ({ name }) => Effect.flatMap(Store, (store) => Effect.andThen(write(name), store.get)),
    },
  });
  assert.deepEqual(Object.keys(made.handlers), ["demo.pure", "demo.writes"]);
});

Deno.test("un-granted use does not compile", () => {
  implementation({
    operations: [Pure],
    requires: [],
    layer: Layer.empty,
    // @ts-expect-error demo.pure declares no effects, so it may not write
    handlers: { "demo.pure": ({ name }) => write(name) },
  });
  implementation({
    operations: [Writes],
    requires: [],
    layer: Layer.empty,
    // @ts-expect-error demo.writes declares writeLocal, not network
    handlers: { "demo.writes": ({ name }) => using("network", "example.org", Effect.succeed(name)) },
  });
  implementation({
    operations: [Pure],
    requires: [],
    layer: Layer.empty,
    // @ts-expect-error demo/Store is not among the requirements
    handlers: { "demo.pure": () => Effect.flatMap(Store, (store) => store.get) },
  });
  implementation({
    operations: [Pure],
    requires: [],
    layer: Layer.empty,
    // @ts-expect-error DEMO_OTHER is not among the declared failures
    handlers: { "demo.pure": () => Effect.fail(otherFailed({})) },
  });
  implementation({
    operations: [Pure],
    requires: [],
    layer: Layer.empty,
    // @ts-expect-error a handler is missing
    handlers: {},
  });
  // @ts-expect-error the capability was never granted
  const run = () => Effect.runPromise(using("network", "example.org", Effect.succeed(1)));
  assert.equal(typeof run, "function");
});

Deno.test("a declaration without one of its fields does not compile", () => {
  // @ts-expect-error cost is missing
  operation("demo.incomplete", {
    summary: "x",
    input: {},
    output: Schema.String,
    failures: [],
    effects: [],
    idempotent: true,
    reversible: true,
    stability: "stable",
    examples: [],
  });
});
