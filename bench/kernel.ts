/**
 * What the kernel costs: a call through `invoke` beside the same call directly, opening, and discovery.
 * Run with `deno task bench`; the figures the README quotes come from `deno task acceptance kernel`.
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as ManagedRuntime from "effect/ManagedRuntime";
import * as Schema from "effect/Schema";
import * as Context from "effect/Context";
import { implementation, type Kernel, openKernel, operation } from "../kernel/mod.ts";
import { barePlugin, testOptions } from "../tests/kernel/host.ts";

const Add = operation("bench.add", {
  summary: "Add.",
  input: { a: Schema.Finite, b: Schema.Finite },
  output: Schema.Struct({ sum: Schema.Finite }),
  failures: [],
  effects: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable",
  examples: [{ input: { a: 1, b: 2 } }],
});

const add = ({ a, b }: { readonly a: number; readonly b: number }) => Effect.succeed({ sum: a + b });

const plugin = barePlugin("bench", {
  namespaces: [{ name: "bench", summary: "Measured operations." }],
  operations: () => [Add],
  load: () => ({
    default: implementation({ operations: [Add], requires: [], layer: Layer.empty, handlers: { "bench.add": add } }),
  }),
});

class Opened extends Context.Service<Opened, Kernel>()("bench/Kernel") {}

const runtime = ManagedRuntime.make(Layer.effect(Opened, openKernel(testOptions([plugin]))));
const kernel = await runtime.runPromise(Effect.service(Opened));
const request = { operation: "bench.add", input: { a: 1, b: 2 }, actor: "user@headless" } as const;

Deno.bench("the handler directly", { group: "call", baseline: true }, async () => {
  await Effect.runPromise(add({ a: 1, b: 2 }));
});

Deno.bench("the same through invoke", { group: "call" }, async () => {
  await runtime.runPromise(kernel.invoke(request));
});

Deno.bench("open and close a kernel", { group: "kernel" }, async () => {
  await Effect.runPromise(Effect.scoped(openKernel(testOptions([plugin]))));
});

Deno.bench("manifest", { group: "kernel" }, async () => {
  await runtime.runPromise(kernel.manifest("user@headless"));
});

Deno.bench("search", { group: "kernel" }, async () => {
  await runtime.runPromise(kernel.search("add two numbers", "user@headless"));
});
