/** Typed graphs as candidates: judged by the reference evaluator, within fuel and memory. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { Sandbox } from "../../../../effects/sandbox.ts";
import { layerWorkers } from "../../../../kernel/platform/workers.ts";
import { evaluate } from "../../../../plugins/evolution/evaluators/evaluate.ts";
import { checkedSuite } from "../../../../plugins/evolution/evaluators/suite.ts";
import { buildProgram, encodeProgram, type FunctionBuilder, type Value } from "../../../../plugins/ir/library.ts";

type Inputs = { readonly [name: string]: Value };

const TYPES = { a: "f32[2]", b: "f32[2]" };
const vector = (...values: ReadonlyArray<number>) => ({ type: "f32[2]", values });

/** a + b, element by element. */
const cases = (pairs: ReadonlyArray<readonly [number, number]>) =>
  pairs.map(([n, m]) => ({ input: [vector(n, m), vector(m, 2)], wants: vector(n + m, m + 2) }));

const SUITE = checkedSuite({
  name: "sums",
  kind: "graph",
  seen: cases([[0, 0], [1, 2]]),
  held: cases([[3, 4], [5, -6], [0.5, 0.25]]),
});

const bytesOf = (build: (g: FunctionBuilder, inputs: Inputs) => Value): Uint8Array =>
  encodeProgram(buildProgram(TYPES, (g: FunctionBuilder, inputs: Inputs) => [build(g, inputs)]));

const verdictOf = (graph: Uint8Array, fuel = 100_000) =>
  Effect.runPromise(
    evaluate({ graph }, SUITE, { program: { fuel } }).pipe(
      Effect.provideService(Sandbox, {} as never),
      Effect.provide(layerWorkers({ workers: 1 })),
    ),
  );

Deno.test("a graph that computes passes, one that does not is worth what it passes, and both are repeatable", async () => {
  const right = bytesOf((g, { a, b }) => g.add(a, b));
  assert.deepEqual(await verdictOf(right), await verdictOf(right));
  const { score, flags } = await verdictOf(right);
  assert.deepEqual([score, flags], [1, []]);
  const wrong = await verdictOf(bytesOf((g, { a, b }) => g.mul(a, b)));
  assert.ok(wrong.score < 1 && wrong.failed === undefined);
});

Deno.test("a graph beyond its fuel, or bytes that are no graph, answer nothing", async () => {
  for (
    const verdict of [
      await verdictOf(bytesOf((g, { a, b }) => g.add(a, b)), 1),
      await verdictOf(new Uint8Array([1, 2, 3])),
    ]
  ) {
    assert.deepEqual([verdict.score, verdict.flags.includes("SILENT")], [0, true]);
  }
});
