/**
 * Tests of plugins/evolution/cma_es.ts: known minima, the invariances that the method promises, and restarts.
 */
import assert from "node:assert/strict";
import { cmaEs, type CmaEsSettings, MAX_CMA_VARIABLES } from "../../../plugins/evolution/cma_es.ts";
import { isEvolutionFailure } from "../../../plugins/evolution/failures.ts";
import { decodeState, encodeState, stateDigest } from "../../../plugins/evolution/run.ts";

type Objective = (x: Float64Array) => number;

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const box = (n: number, low: number, high: number) => ({
  lower: new Float64Array(n).fill(low),
  upper: new Float64Array(n).fill(high),
});

const sum = (n: number, term: (i: number) => number): number =>
  Array.from({ length: n }, (_, i) => term(i)).reduce((total, value) => total + value, 0);

/** Evaluations until the objective is below the target, or Infinity. */
const costOf = (settings: CmaEsSettings, objective: Objective, target: number, most: number): number => {
  const search = cmaEs(settings);
  let state = search.start;
  while (state.evaluations < most) {
    const asked = search.ask(state);
    state = search.tell(state, asked, asked.map(({ genome }) => ({ objectives: [objective(genome)] })));
    if (state.members[0].objectives[0] < target) return state.evaluations;
  }
  return Infinity;
};

const shifted = (x: Float64Array, i: number): number => x[i] - 0.3;

const rosenbrock: Objective = (x) => sum(x.length - 1, (i) => 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2);

const ellipsoid: Objective = (x) => sum(x.length, (i) => 1e6 ** (i / (x.length - 1)) * shifted(x, i) ** 2);

/** Every variable reflected at the plane across (1, …, 1): an ellipsoid whose axes are no coordinates. */
const turned = (x: Float64Array): Float64Array => {
  const mean = sum(x.length, (i) => shifted(x, i)) / x.length;
  return x.map((_, i) => shifted(x, i) - 2 * mean + 0.3);
};

Deno.test("the sphere of ten variables falls to 1e-9 within 2,500 evaluations, for every seed", () => {
  for (const seed of [1, 2, 3]) {
    const cost = costOf({ bounds: box(10, -5, 5), seed }, (x) => sum(10, (i) => shifted(x, i) ** 2), 1e-9, 2500);
    assert.ok(cost < Infinity, `seed ${seed}`);
  }
});

Deno.test("an ellipsoid of condition a million is solved, and turning it costs nothing more", () => {
  const settings = { bounds: box(8, -5, 5), seed: 4 };
  const straight = costOf(settings, ellipsoid, 1e-9, 12_000);
  const rotated = costOf(settings, (x) => ellipsoid(turned(x)), 1e-9, 12_000);
  assert.ok(straight < Infinity);
  assert.ok(rotated < 1.5 * straight, `${rotated} for ${straight}`);
});

Deno.test("Rosenbrock's valley of eight variables is followed to its end", () => {
  const cost = costOf(
    { bounds: box(8, -2, 2), seed: 5, mean: new Float64Array(8), step: 0.1 },
    rosenbrock,
    1e-9,
    20_000,
  );
  assert.ok(cost < Infinity);
});

Deno.test("restarts with more candidates leave the local minima of Rastrigin", () => {
  const rastrigin: Objective = (x) =>
    sum(3, (i) => shifted(x, i) ** 2 - 10 * Math.cos(2 * Math.PI * shifted(x, i)) + 10);
  assert.ok(costOf({ bounds: box(3, -5, 5), seed: 6 }, rastrigin, 1e-8, 40_000) < Infinity);
});

Deno.test("a minimum on the bounds is reached", () => {
  const cost = costOf({ bounds: box(4, 0, 1), seed: 7 }, (x) => sum(4, (i) => x[i]), 1e-8, 5000);
  assert.ok(cost < Infinity);
});

Deno.test("an increasing transformation of the objective asks for the same candidates", () => {
  const search = cmaEs({ bounds: box(5, -1, 1), seed: 8 });
  let [plain, transformed] = [search.start, search.start];
  for (let round = 0; round < 30; round++) {
    const [asked, again] = [search.ask(plain), search.ask(transformed)];
    assert.deepEqual(again, asked);
    const values = asked.map(({ genome }) => ellipsoid(genome));
    plain = search.tell(plain, asked, values.map((value) => ({ objectives: [value] })));
    transformed = search.tell(transformed, again, values.map((value) => ({ objectives: [Math.log(value) * 7 - 3] })));
  }
});

Deno.test("a state stored at any generation goes on to the same digest", () => {
  const search = cmaEs({ bounds: box(3, -1, 1), seed: 9 });
  const step = (state: typeof search.start) => {
    const asked = search.ask(state);
    return search.tell(state, asked, asked.map(({ genome }) => ({ objectives: [rosenbrock(genome)] })));
  };
  let [state, resumed] = [search.start, search.start];
  for (let round = 0; round < 20; round++) {
    state = step(state);
    // A new search has none of what the first one may keep between calls.
    const other = cmaEs({ bounds: box(3, -1, 1), seed: 9 });
    resumed = step(decodeState(other, JSON.parse(JSON.stringify(encodeState(search, resumed)))));
    assert.equal(stateDigest(search, resumed), stateDigest(search, state));
  }
});

Deno.test("a stored state whose memory lacks a row, or has one of another length, is refused", () => {
  const search = cmaEs({ bounds: box(3, -1, 1), seed: 9 });
  const good = encodeState(search, search.start) as { readonly memory: Record<string, ReadonlyArray<number>> };
  const { scalars: _, ...lacking } = good.memory;
  for (const memory of [lacking, { ...good.memory, mean: [0, 0] }]) {
    refuses("EVOLUTION_STATE", () => decodeState(search, { ...good, memory }));
  }
});

Deno.test("failed and infeasible candidates rank last, and where all fail nothing is learnt", () => {
  const search = cmaEs({ bounds: box(2, -1, 1), seed: 10 });
  const asked = search.ask(search.start);
  const scores = asked.map((_, at) =>
    at === 0 ? { failed: "no" } : at === 1 ? { objectives: [-99], violation: 1 } : { objectives: [at] }
  );
  const { members } = search.tell(search.start, asked, scores);
  assert.deepEqual(members.map(({ id }) => id), [...asked.slice(2), asked[1], asked[0]].map(({ id }) => id));
  const none = search.tell(search.start, asked, asked.map(() => ({ failed: "no" })));
  assert.deepEqual(none.memory, search.start.memory);
});

Deno.test("a flat objective neither hangs nor overflows", () => {
  const search = cmaEs({ bounds: box(2, -1, 1), seed: 11, doublings: 1 });
  let state = search.start;
  for (let round = 0; round < 300; round++) {
    const asked = search.ask(state);
    state = search.tell(state, asked, asked.map(() => ({ objectives: [1] })));
    assert.ok(Object.values(state.memory).flat().every(Number.isFinite));
  }
});

Deno.test("settings outside their limits are refused", () => {
  const bounds = box(2, 0, 1);
  cmaEs({ bounds: box(MAX_CMA_VARIABLES, 0, 1), seed: 1 });
  refuses("EVOLUTION_LIMIT", () => cmaEs({ bounds: box(MAX_CMA_VARIABLES + 1, 0, 1), seed: 1 }));
  refuses("EVOLUTION_SETTING", () => cmaEs({ bounds: box(2, 1, 1), seed: 1 }));
  refuses("EVOLUTION_SETTING", () => cmaEs({ bounds, seed: 1, step: 0 }));
  refuses("EVOLUTION_SETTING", () => cmaEs({ bounds, seed: 1, step: 1.1 }));
  refuses("EVOLUTION_SETTING", () => cmaEs({ bounds, seed: 1, size: 3 }));
  refuses("EVOLUTION_SETTING", () => cmaEs({ bounds, seed: 1, doublings: -1 }));
  refuses("EVOLUTION_SETTING", () => cmaEs({ bounds, seed: 1, mean: Float64Array.of(0, 2) }));
  refuses("EVOLUTION_SETTING", () => cmaEs({ bounds, seed: 1, mean: Float64Array.of(0) }));
});
