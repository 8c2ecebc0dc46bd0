/**
 * Tests of plugins/evolution/moead.ts: values of subproblems by hand, known fronts, and the invariant of replacement.
 */
import assert from "node:assert/strict";
import {
  CONSTRAINED,
  dasDennis,
  DECOMPOSITIONS,
  dtlz,
  dtlzTargets,
  hypervolume,
  igd,
  isEvolutionFailure,
  type Member,
  moead,
  type MoeadSettings,
  pointsOfMembers,
  type Problem,
  realVariation,
  rowsOf,
  type SearchState,
  zdt,
} from "../../../plugins/evolution/library.ts";
import baselines from "../../vectors/moo/baselines.json" with { type: "json" };

type State = SearchState<Float64Array>;

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const evolved = (
  settings: Omit<MoeadSettings<Float64Array>, "variation">,
  problem: Problem,
  generations: number,
  each: (before: State, after: State) => void = () => {},
): State => {
  const search = moead({ ...settings, variation: realVariation(problem, { spread: 20, crossoverRate: 1 }) });
  let state = search.start;
  for (let round = 0; round < generations; round++) {
    const asked = search.ask(state);
    const after = search.tell(
      state,
      asked,
      asked.map(({ genome }) => ({
        objectives: problem.evaluate(genome),
        violation: problem.violation?.(genome) ?? 0,
      })),
    );
    if (round > 0) each(state, after);
    state = after;
  }
  return state;
};

Deno.test("Tchebycheff is the largest weighted distance from the ideal", () => {
  assert.equal(DECOMPOSITIONS.tchebycheff([3, 5], [1, 1], [0.75, 0.25]), 1.5);
  assert.ok(DECOMPOSITIONS.tchebycheff([1, 9], [1, 1], [1, 0]) > 0, "an axis without weight still counts a little");
});

Deno.test("boundary intersection is the distance along the direction and five times the distance from it", () => {
  // The direction (3, 4) / 5 from the ideal (1, 1): 10 along and 2 beside is 10·(0.6, 0.8) + 2·(−0.8, 0.6).
  const value = DECOMPOSITIONS.boundary([1 + 6 - 1.6, 1 + 8 + 1.2], [1, 1], [3, 4]);
  assert.ok(Math.abs(value - 20) < 1e-12, String(value));
});

Deno.test("MOEA/D covers the front of ZDT1 within a thousandth of NSGA-II's figures", () => {
  const state = evolved({ directions: dasDennis(2, 99), seed: 1 }, zdt("ZDT1"), 250);
  const volume = hypervolume(pointsOfMembers(state.members, 2), [1.1, 1.1]);
  assert.ok(volume >= baselines["deap_1.3_nsga2_11_seeds"].ZDT1[0] * 0.999, String(volume));
});

Deno.test("MOEA/D with boundary intersection hits the directions on DTLZ2 no worse than the peer's worst seed", () => {
  const directions = dasDennis(3, 12);
  const state = evolved({ directions, seed: 1, decomposition: "boundary" }, dtlz("DTLZ2"), 250);
  const distance = igd(pointsOfMembers(state.members, 3), dtlzTargets("DTLZ2", directions));
  assert.ok(distance <= baselines.pymoo_nsga3_3_seeds_91dirs_pop92.DTLZ2_250gen.IGD_91targets[2], String(distance));
});

Deno.test("a member is replaced only by one that is better for its subproblem", () => {
  const directions = dasDennis(2, 19);
  const weights = rowsOf(directions);
  let replacements = 0;
  evolved({ directions, seed: 2, neighbours: 5 }, zdt("ZDT2", 6), 30, (before, after) => {
    const value = (member: Member<unknown>, i: number) =>
      DECOMPOSITIONS.tchebycheff(member.objectives, after.memory.ideal, weights[i]);
    after.members.forEach((member, i) => {
      if (member === before.members[i]) return;
      replacements++;
      assert.ok(value(member, i) < value(before.members[i], i));
    });
  });
  assert.ok(replacements > 0);
});

Deno.test("one child replaces no more members than allowed", () => {
  evolved({ directions: dasDennis(2, 19), seed: 3, replaced: 1 }, zdt("ZDT1", 6), 15, (before, after) => {
    const taken = after.members.filter((member) => !before.members.includes(member)).map(({ id }) => id);
    assert.equal(new Set(taken).size, taken.length);
  });
});

Deno.test("infeasible members give way to feasible ones", () => {
  const state = evolved({ directions: dasDennis(2, 29), seed: 4 }, CONSTRAINED.SRN, 40);
  assert.ok(state.members.every(({ violation }) => violation === 0));
});

Deno.test("settings outside their limits are refused", () => {
  const settings = { variation: realVariation(zdt("ZDT1")), directions: dasDennis(2, 3), seed: 1 };
  moead({ ...settings, neighbours: 2 });
  refuses("EVOLUTION_SETTING", () => moead({ ...settings, neighbours: 1 }));
  refuses("EVOLUTION_SETTING", () => moead({ ...settings, neighbourly: 1.5 }));
  refuses("EVOLUTION_SETTING", () => moead({ ...settings, replaced: 0 }));
  refuses("EVOLUTION_SETTING", () => moead({ ...settings, directions: dasDennis(1, 3) }));
});
