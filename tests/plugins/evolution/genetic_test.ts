/**
 * Tests of plugins/evolution/genetic.ts: elites stay, the old die, and simple problems are solved.
 */
import assert from "node:assert/strict";
import {
  ageing,
  bitVariation,
  genetic,
  GENETIC_SELECTIONS,
  isEvolutionFailure,
  permutationVariation,
  type Search,
  type SearchState,
} from "../../../plugins/evolution/library.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const evolved = <G>(
  search: Search<G>,
  objective: (genome: G) => number,
  generations: number,
  each: (before: SearchState<G>, after: SearchState<G>) => void = () => {},
): SearchState<G> => {
  let state = search.start;
  for (let round = 0; round < generations; round++) {
    const asked = search.ask(state);
    const after = search.tell(state, asked, asked.map(({ genome }) => ({ objectives: [objective(genome)] })));
    each(state, after);
    state = after;
  }
  return state;
};

const zerosIn = (bits: Uint8Array): number => bits.reduce((count, bit) => count + 1 - bit, 0);

Deno.test("every selection finds the string of ones", () => {
  for (const selection of GENETIC_SELECTIONS) {
    const search = genetic({ variation: bitVariation(24), seed: 1, size: 40, selection });
    assert.equal(evolved(search, zerosIn, 80).members[0].objectives[0], 0, selection);
  }
});

Deno.test("a tour of towns on a circle is put in order", () => {
  const towns = 10;
  const place = (town: number) => [Math.cos(2 * Math.PI * town / towns), Math.sin(2 * Math.PI * town / towns)];
  const length = (order: Uint32Array) =>
    order.reduce((sum, town, at) => {
      const [a, b] = [place(town), place(order[(at + 1) % towns])];
      return sum + Math.hypot(a[0] - b[0], a[1] - b[1]);
    }, 0);
  const search = genetic({ variation: permutationVariation(towns), seed: 2, size: 60 });
  const best = evolved(search, length, 60).members[0].objectives[0];
  // The regular polygon: n sides of 2 sin(π/n).
  assert.ok(Math.abs(best - towns * 2 * Math.sin(Math.PI / towns)) < 1e-9, String(best));
});

Deno.test("the best member is never lost while elites are kept", () => {
  const search = genetic({ variation: bitVariation(30), seed: 3, size: 10, elites: 1 });
  evolved(search, zerosIn, 30, (before, after) => {
    assert.equal(after.members.length, 10);
    if (before.generation > 0) assert.ok(after.members[0].objectives[0] <= before.members[0].objectives[0]);
  });
});

Deno.test("without elites only children remain", () => {
  const search = genetic({ variation: bitVariation(30), seed: 4, size: 10, elites: 0 });
  evolved(
    search,
    zerosIn,
    5,
    (before, after) => assert.ok(after.members.every((member) => !before.members.includes(member))),
  );
});

Deno.test("with ageing the oldest dies, though it be the best", () => {
  const search = ageing({ variation: bitVariation(30), seed: 5, size: 10, sample: 3 });
  evolved(search, zerosIn, 30, (before, after) => {
    if (before.generation === 0) return;
    assert.deepEqual(after.members.slice(0, 9), before.members.slice(1));
    assert.equal(after.evaluations, before.evaluations + 1);
    assert.equal(after.members[9].parents.length, 1);
  });
});

Deno.test("regularised evolution finds the string of ones", () => {
  const search = ageing({ variation: bitVariation(16), seed: 6, size: 20, sample: 5 });
  let least = Infinity;
  evolved(search, zerosIn, 600, (_, { members }) => least = Math.min(least, ...members.map((m) => m.objectives[0])));
  assert.equal(least, 0);
});

Deno.test("where the whole population is infeasible, the least violation leads", () => {
  for (const selection of GENETIC_SELECTIONS) {
    const search = genetic({ variation: bitVariation(16), seed: 7, size: 20, selection });
    let state = search.start;
    for (let round = 0; round < 40; round++) {
      const asked = search.ask(state);
      const scores = asked.map(({ genome }) => ({ objectives: [0], violation: zerosIn(genome) }));
      state = search.tell(state, asked, scores);
    }
    assert.equal(state.members[0].violation, 0, selection);
  }
});

Deno.test("settings outside their limits are refused", () => {
  const settings = { variation: bitVariation(4), seed: 1, size: 10 };
  genetic({ ...settings, elites: 9, pressure: 10 });
  refuses("EVOLUTION_SETTING", () => genetic({ ...settings, elites: 10 }));
  refuses("EVOLUTION_SETTING", () => genetic({ ...settings, pressure: 0 }));
  refuses("EVOLUTION_SETTING", () => genetic({ ...settings, pressure: 11 }));
  refuses("EVOLUTION_SETTING", () => ageing({ ...settings, sample: 11 }));
  refuses("EVOLUTION_SETTING", () => ageing({ ...settings, batch: 0 }));
});
