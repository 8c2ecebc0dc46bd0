/**
 * Tests of plugins/evolution/run.ts: the same digest whatever the workers, the order of their ends and interruptions.
 */
import assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import { random } from "../../../kernel/random.ts";
import type { Json } from "../../../kernel/json.ts";
import type { Search } from "../../../plugins/evolution/contract.ts";
import { isEvolutionFailure } from "../../../plugins/evolution/failures.ts";
import { moead } from "../../../plugins/evolution/moead.ts";
import { nsga2 } from "../../../plugins/evolution/nsga2.ts";
import { nsga3 } from "../../../plugins/evolution/nsga3.ts";
import { dasDennis } from "../../../plugins/evolution/objectives/directions.ts";
import { realVariation } from "../../../plugins/evolution/operators/real.ts";
import { dtlz } from "../../../plugins/evolution/problems/dtlz.ts";
import {
  decodeState,
  encodeState,
  type Evaluator,
  MAX_CONCURRENCY,
  run,
  stateDigest,
} from "../../../plugins/evolution/run.ts";

const problem = dtlz("DTLZ2", 3);
const variation = realVariation(problem);
const GENERATIONS = 6;

const SEARCHES: ReadonlyArray<Search<Float64Array>> = [
  nsga2({ variation, objectives: 3, seed: 7, size: 16 }),
  nsga3({ variation, directions: dasDennis(3, 4), seed: 7 }),
  moead({ variation, directions: dasDennis(3, 4), seed: 7, neighbours: 5 }),
];

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

/** Evaluations that end in another order than they began, and of which some fail. */
const evaluate: Evaluator<Float64Array> = ({ id, genome }) =>
  Effect.gen(function* () {
    const turns = random(id).below(4);
    for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow;
    if (random(id).split("fails").below(8) === 0) return yield* Effect.fail("the evaluation failed");
    return { objectives: problem.evaluate(genome) };
  });

for (const search of SEARCHES) {
  const [name] = search.name.split("(");

  Deno.test(`${name}: one evaluation at once or many give the same digest`, async () => {
    const digests = await Promise.all(
      [1, 2, 16].map((concurrency) =>
        Effect.runPromise(run(search, { evaluate, generations: GENERATIONS, concurrency }))
          .then((state) => stateDigest(search, state))
      ),
    );
    assert.equal(new Set(digests).size, 1);
  });

  Deno.test(`${name}: an interruption after any generation changes nothing`, async () => {
    const stored: Json[] = [encodeState(search, search.start)];
    const whole = await Effect.runPromise(run(search, {
      evaluate,
      generations: GENERATIONS,
      onGeneration: ({ state }) => Effect.sync(() => void stored.push(encodeState(search, state))),
    }));
    assert.equal(stored.length, GENERATIONS + 1);
    for (const json of stored) {
      const from = decodeState(search, JSON.parse(JSON.stringify(json)));
      const state = await Effect.runPromise(run(search, { evaluate, generations: GENERATIONS, from, concurrency: 2 }));
      assert.equal(stateDigest(search, state), stateDigest(search, whole));
    }
  });

  Deno.test(`${name}: failed evaluations are in the lineage with their reason, and never survive a feasible one`, async () => {
    let failures = 0;
    const state = await Effect.runPromise(run(search, {
      evaluate,
      generations: GENERATIONS,
      onGeneration: ({ told }) =>
        Effect.sync(() => {
          for (const { failed } of told) {
            if (failed === undefined) continue;
            failures++;
            assert.equal(failed, "the evaluation failed");
          }
        }),
    }));
    assert.ok(failures > 0);
    // In MOEA/D a subproblem keeps what it has until a neighbour's child is better.
    if (name !== "moead") assert.ok(state.members.every(({ failed }) => failed === undefined));
  });

  Deno.test(`${name}: a search whose every evaluation fails goes on, and its state can be stored`, async () => {
    const state = await Effect.runPromise(run(search, { evaluate: () => Effect.fail("no"), generations: 3 }));
    assert.equal(state.generation, 3);
    assert.ok(state.members.every(({ failed }) => failed === "no"));
    assert.deepEqual(decodeState(search, encodeState(search, state)), state);
  });
}

Deno.test("another seed gives another digest", async () => {
  const other = nsga2({ variation, objectives: 3, seed: 8, size: 16 });
  const digests = await Promise.all(
    [SEARCHES[0], other].map(async (search) =>
      stateDigest(search, { ...await Effect.runPromise(run(search, { evaluate, generations: 1 })) })
    ),
  );
  assert.notEqual(digests[0], digests[1]);
});

Deno.test("states that are not this search's are refused", () => {
  const search = SEARCHES[0];
  const good = encodeState(search, search.start) as { readonly [key: string]: Json };
  const genome = Array.from(variation.random(random(1)));
  const member = { id: "0.0", genome, parents: [], edit: "drawn", objectives: [1, 1, 1], violation: 0 };
  const members = Array.from({ length: 16 }, (_, k) => ({ ...member, id: `0.${k}` }));
  assert.equal(decodeState(search, { ...good, generation: 1, members }).members[0].id, "0.0");
  refuses("EVOLUTION_STATE", () => decodeState(search, { ...good, generation: 1, members: members.slice(1) }));
  const wrong: ReadonlyArray<Json> = [
    null,
    [],
    {},
    { ...good, version: 2 },
    { ...good, search: "other" },
    { ...good, generation: -1 },
    { ...good, evaluations: 0.5 },
    { ...good, generation: 3 },
    { ...good, members: {} },
    { ...good, members: [null] },
    { ...good, members: [{ ...member, id: 3 }] },
    { ...good, members: [{ ...member, parents: [1] }] },
    { ...good, members: [{ ...member, genome: [1] }] },
    { ...good, members: [{ ...member, objectives: [1, 1] }] },
    { ...good, members: [{ ...member, objectives: [1, 1, null] }] },
    { ...good, memory: { ideal: ["0"] } },
    { ...good, memory: 0 },
  ];
  for (const json of wrong) refuses("EVOLUTION_STATE", () => decodeState(search, json));
});

Deno.test("runs take their limits and nothing past them", () => {
  const [search] = SEARCHES;
  run(search, { evaluate, generations: 0, concurrency: MAX_CONCURRENCY });
  refuses("EVOLUTION_SETTING", () => run(search, { evaluate, generations: 1, concurrency: MAX_CONCURRENCY + 1 }));
  refuses("EVOLUTION_SETTING", () => run(search, { evaluate, generations: 1, concurrency: 0 }));
  refuses("EVOLUTION_SETTING", () => run(search, { evaluate, generations: -1 }));
});
