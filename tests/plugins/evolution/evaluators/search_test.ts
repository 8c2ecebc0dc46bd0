/** Evaluators inside a search: failures are the worst scores, and the best candidate is the one that computes. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import { layerSandbox } from "../../../../effects/sandbox.ts";
import { layerSupervisorLocal } from "../../../../kernel/platform/supervisor.ts";
import { layerWorkers } from "../../../../kernel/platform/workers.ts";
import { suiteEvaluator } from "../../../../plugins/evolution/evaluators/evaluate.ts";
import { genetic } from "../../../../plugins/evolution/genetic.ts";
import { realVariation } from "../../../../plugins/evolution/operators/real.ts";
import { run } from "../../../../plugins/evolution/run.ts";
import { encodeProgram, parse } from "../../../../plugins/rmil/library.ts";
import { PROGRAM_SUITE } from "./program_cheats.ts";

const root = new URL("../../../../", import.meta.url).href;
const layer = Layer.merge(
  layerSandbox.pipe(Layer.provide(layerSupervisorLocal({ workspace: "/", root, optional: {} }))),
  layerWorkers({ workers: 1 }),
);

/** A genome of one number: programs `mul(round) >> add(1)`, and texts that are no program below zero. */
const textOf = (x: number): string => x < 0 ? "mul(" : `mul(${Math.round(x)}.0) >> add(1.0)`;

Deno.test("a search over programs finds the one that computes, and those that fail are worst with their reason", async () => {
  const search = genetic({
    variation: realVariation({ lower: Float64Array.of(-4), upper: Float64Array.of(6) }),
    size: 12,
    seed: 3,
  });
  const failed: Array<string> = [];
  const evaluate = suiteEvaluator(
    PROGRAM_SUITE,
    (genome: Float64Array) => ({ program: encodeProgram(parse(textOf(genome[0]))) }),
  );
  const state = await Effect.runPromise(Effect.provide(
    run(search, {
      evaluate,
      generations: 4,
      onGeneration: ({ told }) =>
        Effect.sync(() => told.forEach((member) => void (member.failed !== undefined && failed.push(member.failed)))),
    }),
    layer,
  ));
  const scores = state.members.flatMap(({ objectives }) => objectives);
  assert.equal(Math.min(...scores), 0);
  assert.ok(failed.length > 0 && failed.every((reason) => /read the program/u.test(reason)), failed[0]);
});
