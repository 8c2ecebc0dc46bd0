/**
 * Figures of the kernel: what a call costs beside a direct one, how soon interruption and budgets act, how small the
 * manifest is, how flat the heap stays.
 */
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { CallContext, implementation, inSlices, type Kernel, openKernel, operation } from "../../kernel/mod.ts";
import { openRmi } from "../../plugins/open.ts";
import { barePlugin, testOptions } from "../kernel/host.ts";
import { type Figure, median, rounded } from "./figure.ts";

const common = {
  failures: [],
  effects: [],
  cost: { compute: "constant" },
  idempotent: true,
  reversible: true,
  stability: "stable" as const,
};
const Add = operation("bench.add", {
  ...common,
  summary: "Add.",
  input: { a: Schema.Finite, b: Schema.Finite },
  output: Schema.Struct({ sum: Schema.Finite }),
  examples: [{ input: { a: 1, b: 2 } }],
});
const Spin = operation("bench.spin", {
  ...common,
  summary: "Work synchronously for long.",
  input: {},
  output: Schema.Finite,
  event: Schema.Null,
  examples: [{ input: {} }],
});

const STEP_MS = 0.2;
const SPIN_STEPS = 100_000;

const spin = function* (): Generator<void, number> {
  let sum = 0;
  for (let step = 0; step < SPIN_STEPS; step++) {
    const until = performance.now() + STEP_MS;
    while (performance.now() < until) sum++;
    yield;
  }
  return sum;
};

const plugin = barePlugin("bench", {
  namespaces: [{ name: "bench", summary: "Measured operations." }],
  operations: () => [Add, Spin],
  load: () => ({
    default: implementation({
      operations: [Add, Spin],
      requires: [],
      layer: Layer.empty,
      handlers: {
        "bench.add": ({ a, b }) => Effect.succeed({ sum: a + b }),
        "bench.spin": () => Effect.andThen(Effect.flatMap(CallContext, ({ emit }) => emit(null)), inSlices(spin)),
      },
    }),
  }),
});

const withKernel = <A>(body: (kernel: Kernel) => Effect.Effect<A, unknown>): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(openKernel(testOptions([plugin])), body)) as Effect.Effect<A>);

const actor = "user@headless" as const;

const callCost = () =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const request = { operation: "bench.add", input: { a: 1, b: 2 }, actor };
      const time = (effect: Effect.Effect<unknown, unknown>, calls: number) =>
        Effect.gen(function* () {
          const began = performance.now();
          for (let call = 0; call < calls; call++) yield* effect;
          return (performance.now() - began) * 1000 / calls;
        });
      const direct = Effect.suspend(() => Effect.succeed({ sum: 1 + 2 }));
      yield* time(kernel.invoke(request), 500);
      const samples: number[] = [];
      const directs: number[] = [];
      for (let round = 0; round < 9; round++) {
        samples.push(yield* time(kernel.invoke(request), 1000));
        directs.push(yield* time(direct, 1000));
      }
      const value = rounded(median(samples));
      return { value, ok: value <= 1000, detail: { directMicros: rounded(median(directs)) } };
    })
  );

const stopLatency = (how: "interrupt" | "budget", rounds: number, progress: (done: number, total: number) => void) =>
  withKernel((kernel) =>
    Effect.gen(function* () {
      const delays: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const running = yield* Deferred.make<void>();
        const budgetMs = 60;
        const fiber = yield* Effect.forkChild(Effect.exit(kernel.invoke({
          operation: "bench.spin",
          input: {},
          actor,
          onEvent: () => Deferred.succeed(running, undefined),
          ...(how === "budget" ? { budget: { wallMs: budgetMs } } : {}),
        })));
        yield* Deferred.await(running);
        const began = performance.now();
        if (how === "interrupt") yield* Fiber.interrupt(fiber);
        else yield* Fiber.join(fiber);
        delays.push(performance.now() - began - (how === "budget" ? budgetMs : 0));
        progress(round + 1, rounds);
      }
      const value = rounded(Math.max(...delays));
      return { value, ok: value <= 50, detail: { rounds, medianMs: rounded(median(delays)) } };
    })
  );

const bootTime = async () => {
  const times: number[] = [];
  for (let round = 0; round < 9; round++) {
    const workspace = Deno.makeTempDirSync();
    const began = performance.now();
    await Effect.runPromise(Effect.scoped(Effect.flatMap(openRmi({ workspace }), (kernel) => kernel.manifest(actor))));
    times.push(performance.now() - began);
    Deno.removeSync(workspace, { recursive: true });
  }
  const value = rounded(median(times.slice(1)));
  return { value, ok: value <= 500, detail: { firstMs: rounded(times[0]) } };
};

const manifestSize = async () => {
  const workspace = Deno.makeTempDirSync();
  const text = await Effect.runPromise(
    Effect.scoped(Effect.flatMap(openRmi({ workspace }), (kernel) => kernel.manifest("user@tty"))),
  );
  Deno.removeSync(workspace, { recursive: true });
  const value = Math.ceil(text.length / 4);
  return { value, ok: value < 1000 };
};

/** The figures of the area. */
export const figures: ReadonlyArray<Figure> = [
  { name: "one pure call through invoke", unit: "µs", goal: "≤ 1000 µs beside the direct call", measure: callCost },
  {
    name: "interrupting long synchronous work, worst of 20",
    unit: "ms",
    goal: "≤ 50 ms",
    measure: ({ progress }) => stopLatency("interrupt", 20, progress),
  },
  {
    name: "a wall-clock budget acting on long synchronous work, worst of 20",
    unit: "ms late",
    goal: "≤ 50 ms",
    measure: ({ progress }) => stopLatency("budget", 20, progress),
  },
  { name: "opening the system and reading its manifest, in process", unit: "ms", goal: "≤ 500 ms", measure: bootTime },
  { name: "manifest of the whole system", unit: "tokens", goal: "< 1000 tokens", measure: manifestSize },
];
