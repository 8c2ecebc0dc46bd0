/**
 * Tests of NSGA-II, NSGA-III and the problems they are judged on: known fronts, the figures of other libraries, and the
 * ways survival can be wrong. All seeds and all problems are an acceptance matter.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  CONSTRAINED,
  dasDennis,
  dtlz,
  DTLZ_NAMES,
  dtlzTargets,
  fronts,
  hypervolume,
  igd,
  isEvolutionFailure,
  MAX_POPULATION,
  nonDominated,
  nsga2,
  nsga3,
  pointsOf,
  pointsOfMembers,
  type Problem,
  realVariation,
  type Search,
  type SearchState,
  zdt,
  ZDT_NAMES,
} from "../../../plugins/evolution/library.ts";
import { nadirOf } from "../../../plugins/evolution/nsga3.ts";
import baselines from "../../vectors/moo/baselines.json" with { type: "json" };
import refs from "../../vectors/moo/refs.json" with { type: "json" };

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);

/** Runs a search on a problem, in place: the loop itself is tested in run_test.ts. */
const evolved = (
  search: Search<Float64Array>,
  problem: Problem,
  generations: number,
  each: (state: SearchState<Float64Array>) => void = () => {},
): SearchState<Float64Array> => {
  let state = search.start;
  for (let round = 0; round < generations; round++) {
    const asked = search.ask(state);
    state = search.tell(
      state,
      asked,
      asked.map(({ genome }) => ({
        objectives: problem.evaluate(genome),
        violation: problem.violation?.(genome) ?? 0,
      })),
    );
    each(state);
  }
  return state;
};

const volumeOf = (state: SearchState<unknown>, width: number, reference: number): number =>
  hypervolume(pointsOfMembers(state.members, width), Array(width).fill(reference));

Deno.test("ZDT points at distance one lie on the fronts whose volumes are known", () => {
  // A fine sampling of the front approaches the volume below the reference from beneath.
  for (const name of ZDT_NAMES) {
    const problem = zdt(name);
    const points = pointsOf(Array.from({ length: 20_000 }, (_, k) => {
      const x = new Float64Array(problem.lower.length);
      x[0] = k / 19_999;
      return problem.evaluate(x);
    }));
    const known = refs[name]["ref(1.1,1.1)"];
    const volume = hypervolume(points, [1.1, 1.1]);
    assert.ok(volume < known + 1e-12 && volume > known - 5e-4, `${name}: ${volume} of ${known}`);
  }
});

Deno.test("DTLZ points at distance zero sum to a half or have length one, and hit their targets", () => {
  const chance = random("dtlz");
  for (const name of DTLZ_NAMES) {
    for (const width of [2, 3, 5]) {
      const problem = dtlz(name, width);
      const x = problem.lower.map((_, i) => i < width - 1 ? chance.float() : 0.5);
      const values = problem.evaluate(x);
      if (name === "DTLZ1") near(values.reduce((sum, value) => sum + value, 0), 0.5, 1e-12);
      else near(Math.hypot(...values), 1, 1e-12);
      near(igd(pointsOf([values]), dtlzTargets(name, pointsOf([values]))), 0, 1e-12);
    }
  }
});

Deno.test("DTLZ fronts have the volumes that are known", () => {
  const front = (name: "DTLZ1" | "DTLZ2") => dtlzTargets(name, dasDennis(2, 5000));
  near(hypervolume(front("DTLZ1"), [0.55, 0.55]), refs.DTLZ1_M2["ref(0.55^M)"], 1e-4);
  near(hypervolume(front("DTLZ2"), [1.1, 1.1]), refs.DTLZ2_M2["ref(1.1^M)"], 1e-3);
});

Deno.test("NSGA-II at 25,000 evaluations is no worse than the worst seed of either peer on ZDT1, ZDT4 and ZDT6", () => {
  for (const name of ["ZDT1", "ZDT4", "ZDT6"] as const) {
    const problem = zdt(name);
    const search = nsga2({ variation: realVariation(problem, { spread: 10 }), objectives: 2, seed: 1 });
    const volume = volumeOf(evolved(search, problem, 250), 2, 1.1);
    const worst = Math.max(baselines["deap_1.3_nsga2_11_seeds"][name][1], baselines.pymoo_nsga2_11_seeds[name][1]);
    assert.ok(volume >= worst, `${name}: ${volume} of ${worst}`);
    assert.ok(volume < refs[name]["ref(1.1,1.1)"], "no more than the front itself");
  }
});

Deno.test("NSGA-III finds the front of DTLZ2 at every direction, within a thousandth of the peer's median", () => {
  const problem = dtlz("DTLZ2", 3);
  const directions = dasDennis(3, 12);
  const search = nsga3({
    variation: realVariation(problem, { spread: 30, crossoverRate: 1 }),
    directions,
    seed: 1,
    size: 92,
  });
  const state = evolved(search, problem, 250);
  const peer = baselines.pymoo_nsga3_3_seeds_91dirs_pop92.DTLZ2_250gen;
  assert.ok(volumeOf(state, 3, 1.1) >= peer["HV_ref1.1"][0] * 0.999);
  const points = pointsOfMembers(state.members, 3);
  const targets = dtlzTargets("DTLZ2", directions);
  for (let at = 0; at < targets.count; at++) {
    const target = pointsOf([targets.data.subarray(at * 3, at * 3 + 3)]);
    assert.ok(igd(points, target) < 0.02, `direction ${at}`);
  }
});

Deno.test("NSGA-II with few children a generation asks for as many, and gets nearer with as many evaluations", () => {
  const problem = zdt("ZDT1");
  const variation = realVariation(problem, { spread: 10 });
  const few = nsga2({ variation, objectives: 2, seed: 1, size: 40, children: 8 });
  const first = evolved(few, problem, 1);
  assert.equal(few.ask(first).length, 8);
  const state = evolved(few, problem, 1 + 5 * 59);
  assert.equal(state.evaluations, 40 * 60);
  assert.equal(state.members.length, 40);
  const whole = evolved(nsga2({ variation, objectives: 2, seed: 1, size: 40 }), problem, 60);
  assert.ok(volumeOf(state, 2, 1.1) > volumeOf(whole, 2, 1.1));
});

Deno.test("NSGA-II on constrained problems ends feasible and on the known front", () => {
  const problem = CONSTRAINED.BNH;
  const search = nsga2({ variation: realVariation(problem), objectives: 2, seed: 3, size: 40 });
  for (const { objectives: [first, second], violation } of evolved(search, problem, 80).members) {
    assert.equal(violation, 0);
    // The Pareto set of BNH: x = y up to 3, then y = 3; so the second objective as a function of the first.
    const x = first <= 72 ? Math.sqrt(first / 8) : Math.sqrt(first / 4 - 9);
    const best = (x - 5) ** 2 + (Math.min(x, 3) - 5) ** 2;
    assert.ok(second > best - 1e-9 && second < best + 0.5, `${second} of ${best}`);
  }
});

Deno.test("where nothing is feasible at first, both searches get to feasible members", () => {
  const { SRN, TNK } = CONSTRAINED;
  for (const problem of [SRN, TNK]) {
    const variation = realVariation(problem);
    for (
      const search of [
        nsga2({ variation, objectives: 2, seed: 5, size: 20 }),
        nsga3({ variation, directions: dasDennis(2, 19), seed: 5 }),
      ]
    ) {
      assert.ok(evolved(search, problem, 40).members.every(({ violation }) => violation === 0), problem.name);
    }
  }
});

Deno.test("no member of the first front is lost while a dominated one stays", () => {
  const problem = zdt("ZDT1", 5);
  const search = nsga2({ variation: realVariation(problem), objectives: 2, seed: 2, size: 20 });
  let before: SearchState<Float64Array> | undefined;
  evolved(search, problem, 30, (state) => {
    const order = fronts(pointsOfMembers(state.members, 2));
    if (before !== undefined && order.length > 1) {
      const all = [...new Set([...before.members, ...state.members])];
      const first = nonDominated(pointsOfMembers(all, 2)).map((row) => all[row].id);
      const kept = new Set(state.members.map(({ id }) => id));
      assert.ok(first.every((id) => kept.has(id)));
    }
    assert.equal(new Set(state.members.map(({ genome }) => String(genome))).size, 20, "each genome once");
    before = state;
  });
});

Deno.test("the nadir is where the plane through the extreme points meets the axes", () => {
  // x/2 + y/4 + z/8 = 1 over the ideal (1, 1, 1): intercepts 2, 4, 8.
  const extremes = [[3, 1, 1], [1, 5, 1], [1, 1, 9]];
  const far = [99, 99, 99];
  nadirOf([1, 1, 1], extremes, far, far, far).forEach((value, m) => near(value, [3, 5, 9][m], 1e-12));
});

Deno.test("extreme points that give no plane leave the worst of the front as the nadir", () => {
  const same = [[2, 2], [2, 2]];
  assert.deepEqual(nadirOf([0, 0], same, [9, 9], [3, 4], [5, 6]), [3, 4]);
});

Deno.test("a plane beyond all that was seen is cut there, and one behind the ideal is not used", () => {
  assert.deepEqual(nadirOf([0, 0], [[10, 1], [1, 10]], [8, 8], [3, 4], [5, 6]), [8, 8]);
  assert.deepEqual(nadirOf([0, 0], [[1, 4], [2, 9]], [8, 8], [3, 4], [5, 6]), [3, 4]);
});

Deno.test("an axis on which the front has no extent takes the worst of all", () => {
  assert.deepEqual(nadirOf([0, 0], [[2, 0], [2, 0]], [9, 9], [3, 0], [5, 6]), [3, 6]);
});

Deno.test("sizes and directions outside their limits are refused", () => {
  const variation = realVariation(zdt("ZDT1"));
  nsga2({ variation, objectives: 2, seed: 1, size: 2 });
  nsga2({ variation, objectives: 2, seed: 1, size: MAX_POPULATION });
  nsga2({ variation, objectives: 2, seed: 1, size: 10, children: 1 });
  nsga2({ variation, objectives: 2, seed: 1, size: 10, children: 10 });
  for (const children of [0, 1.5, 11]) {
    refuses("EVOLUTION_SETTING", () => nsga2({ variation, objectives: 2, seed: 1, size: 10, children }));
  }
  for (const size of [1, 2.5, NaN, MAX_POPULATION + 1]) {
    refuses("EVOLUTION_SETTING", () => nsga2({ variation, objectives: 2, seed: 1, size }));
  }
  refuses("EVOLUTION_SETTING", () => nsga3({ variation, directions: pointsOf([]), seed: 1 }));
  refuses("EVOLUTION_SETTING", () => nsga3({ variation, directions: dasDennis(1, 3), seed: 1 }));
  nsga3({ variation, directions: dasDennis(2, 3), seed: 1, neighbourly: 1 });
  refuses("EVOLUTION_SETTING", () => nsga3({ variation, directions: dasDennis(2, 3), seed: 1, neighbourly: 1.1 }));
  refuses("EVOLUTION_SETTING", () => zdt("ZDT1", 1));
  refuses("EVOLUTION_SETTING", () => dtlz("DTLZ1", 1));
});

/** A search whose candidates score what the test says, whatever their genomes. */
const scoredBy = (survival: "directions" | "fronts", scores: ReadonlyArray<ReadonlyArray<ReadonlyArray<number>>>) => {
  const search = nsga3({
    variation: realVariation(zdt("ZDT1", 4)),
    directions: dasDennis(2, 3),
    seed: 7,
    size: 4,
    survival,
  });
  return scores.reduce(
    (state, rows) => search.tell(state, search.ask(state), rows.map((objectives) => ({ objectives }))),
    search.start,
  );
};

const objectivesOf = (state: SearchState<unknown>): ReadonlyArray<string> =>
  state.members.map(({ objectives }) => objectives.join()).sort();

Deno.test("a direction's best stays though it is dominated, unless whole fronts come first", () => {
  // The middle is dominated by [9.95, 0.1]; all others lie in the directions of the corners.
  const first = [[0, 10], [10, 0], [0.1, 9.95], [9.96, 9.96]];
  const second = [[0.2, 9.9], [9.95, 0.1], [9.9, 0.2], [0.3, 9.8]];
  assert.ok(objectivesOf(scoredBy("directions", [first, second])).includes("9.96,9.96"));
  const front = objectivesOf(scoredBy("fronts", [first, second]));
  assert.ok(!front.includes("9.96,9.96"));
});

Deno.test("of two in one direction the nearer to the ideal stays, even a little farther from the line", () => {
  const corners = [[0, 1], [1, 0]];
  const state = scoredBy("directions", [[...corners, [0.3, 0.6], [0.6, 0.3]], [
    [0.69, 0.345],
    [0.345, 0.69],
    [0.55, 0.45],
    [0.45, 0.55],
  ]]);
  // [0.345, 0.69] lies on the line of (1, 2) as [0.3, 0.6] does, but farther along.
  const kept = objectivesOf(state);
  assert.ok(kept.includes("0.3,0.6") && kept.includes("0.6,0.3") && !kept.includes("0.345,0.69"), kept.join(" "));
});

Deno.test("NSGA-III with whole fronts first loses no member of the first front while it fits", () => {
  const problem = dtlz("DTLZ2", 3);
  const search = nsga3({
    variation: realVariation(problem),
    directions: dasDennis(3, 4),
    seed: 9,
    survival: "fronts",
    neighbourly: 0,
  });
  let before: SearchState<Float64Array> | undefined;
  evolved(search, problem, 25, (state) => {
    if (before !== undefined) {
      const born = state.members.filter(({ id }) => !before!.members.some((member) => member.id === id));
      const all = [...before.members, ...born];
      const first = nonDominated(pointsOfMembers(all, 3)).map((row) => all[row].id);
      const kept = new Set(state.members.map(({ id }) => id));
      if (first.length <= state.members.length) assert.ok(first.every((id) => kept.has(id)));
    }
    before = state;
  });
});

Deno.test("a state of NSGA-III that lost what it remembers goes on", () => {
  const problem = dtlz("DTLZ2", 3);
  const search = nsga3({ variation: realVariation(problem), directions: dasDennis(3, 4), seed: 3 });
  const state = evolved(search, problem, 3);
  const memories: ReadonlyArray<typeof state.memory> = [{}, { ideal: [0], nadir: [1] }];
  for (const memory of memories) assert.equal(search.ask({ ...state, memory }).length, 16);
});
