/**
 * Tests of plugins/evolution/population/breeding.ts as the searches use it: no genome twice, and each with its edit.
 */
import assert from "node:assert/strict";
import {
  ageing,
  dasDennis,
  moead,
  nsga2,
  realVariation,
  type Scores,
  type Search,
  zdt,
} from "../../../plugins/evolution/library.ts";

Deno.test("decomposition and ageing ask for no genome that lives or that they ask for already", () => {
  const problem = zdt("ZDT1", 3);
  // A mutation that often changes nothing repeats parents, unless that is refused.
  const variation = realVariation(problem, { mutationRate: 0.1, crossoverRate: 0.1 });
  const one = ({ objectives: [first, second] }: Scores): Scores => ({ objectives: [first + second] });
  const searches: ReadonlyArray<
    { readonly search: Search<Float64Array>; readonly scored: (scores: Scores) => Scores }
  > = [
    { search: moead({ variation, directions: dasDennis(2, 19), seed: 1 }), scored: (scores: Scores) => scores },
    { search: ageing({ variation, seed: 1, size: 20, batch: 10 }), scored: one },
  ];
  for (const { search, scored } of searches) {
    let state = search.start;
    for (let round = 0; round < 20; round++) {
      const asked = search.ask(state);
      const keys = [...state.members, ...asked].map(({ genome }) => variation.key(genome));
      const living = new Set(state.members.map(({ genome }) => variation.key(genome))).size;
      assert.equal(new Set(keys).size, living + asked.length, `${search.name}: round ${round}`);
      const told = asked.map(({ genome }) => scored({ objectives: problem.evaluate(genome) }));
      state = search.tell(state, asked, told);
    }
  }
});

Deno.test("a candidate says how it came about: drawn, crossed, mutated or copied, and by which operator", () => {
  const problem = zdt("ZDT1", 3);
  const editsWith = (crossoverRate: number, mutationRate: number): ReadonlySet<string> => {
    const variation = realVariation(problem, { crossoverRate, mutationRate });
    const search = nsga2({ variation, objectives: 2, seed: 2, size: 20 });
    const first = search.ask(search.start);
    assert.deepEqual(new Set(first.map(({ edit }) => edit)), new Set(["drawn"]));
    const state = search.tell(
      search.start,
      first,
      first.map(({ genome }) => ({ objectives: problem.evaluate(genome) })),
    );
    return new Set(search.ask(state).map(({ edit }) => edit));
  };
  assert.deepEqual(editsWith(0, 1), new Set(["mutated by polynomial"]));
  assert.deepEqual(editsWith(0, 0), new Set(["copied"]));
  const both = editsWith(1, 1);
  assert.ok(both.has("crossed by sbx, mutated by polynomial"));
  assert.ok(editsWith(1, 0).has("crossed by sbx"));
});
