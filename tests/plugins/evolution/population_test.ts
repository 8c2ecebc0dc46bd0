/**
 * Tests of plugins/evolution/population: selections against their stated probabilities, and scores that are none.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import type { Variation } from "../../../plugins/evolution/contract.ts";
import { isEvolutionFailure } from "../../../plugins/evolution/failures.ts";
import { bred, drawn } from "../../../plugins/evolution/population/breeding.ts";
import { judged, judgedAll } from "../../../plugins/evolution/population/members.ts";
import {
  lexicase,
  ranking,
  roulette,
  type Selection,
  tournamentByFitness,
  truncation,
} from "../../../plugins/evolution/population/selection.ts";

const refuses = (code: string, work: () => unknown): void =>
  assert.throws(work, (thrown: unknown) => isEvolutionFailure(thrown) && thrown.code === code, code);

const DRAWS = 20_000;

const sharesOf = (select: Selection, count: number): ReadonlyArray<number> => {
  const chance = random("shares");
  const drawn = new Array(count).fill(0);
  for (let round = 0; round < DRAWS; round++) drawn[select(chance)]++;
  return drawn.map((times) => times / DRAWS);
};

const agree = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>): void =>
  actual.forEach((share, i) => assert.ok(Math.abs(share - expected[i]) < 0.015, `${actual} for ${expected}`));

Deno.test("a tournament of k takes the best of k draws with replacement", () => {
  // P(place r of n, best first) = ((n − r)^k − (n − r − 1)^k) / n^k.
  const share = (r: number) => ((4 - r) ** 3 - (3 - r) ** 3) / 4 ** 3;
  agree(sharesOf(tournamentByFitness([7, 9, 1, 3], 3), 4), [share(1), share(0), share(3), share(2)]);
});

Deno.test("equals in a tournament have equal chances", () => {
  agree(sharesOf(tournamentByFitness([5, 5, 5], 4), 3), [1 / 3, 1 / 3, 1 / 3]);
});

Deno.test("the roulette draws in proportion to fitness above the least", () => {
  agree(sharesOf(roulette([-3, -2, 0]), 3), [0, 1 / 4, 3 / 4]);
  agree(sharesOf(roulette([4, 4]), 2), [0.5, 0.5]);
});

Deno.test("ranking has linear weights, whatever the distances", () => {
  agree(sharesOf(ranking([1e9, -5, 0]), 3), [3 / 6, 1 / 6, 2 / 6]);
});

Deno.test("truncation draws evenly among the best", () => {
  agree(sharesOf(truncation([1, 5, 3, 4], 2), 4), [0, 0.5, 0, 0.5]);
});

Deno.test("lexicase goes by the first case that tells members apart", () => {
  // Case orders: first case leads → 0 or 1 (tie), then the second tells; second case leads → 2.
  agree(sharesOf(lexicase([[9, 9, 1], [1, 2, 5]]), 3), [0, 0.5, 0.5]);
  // Within the deviation of a case, members are equal.
  agree(sharesOf(lexicase([[10, 9.9, 0, 0.1, 5]], true), 5), [0.5, 0.5, 0, 0, 0].map((share, i) => i < 2 ? share : 0));
});

Deno.test("a member without finite fitness is not chosen while another is there", () => {
  const fitness = [NaN, 1, 2, -Infinity, Infinity];
  for (const select of [roulette(fitness), ranking(fitness), truncation(fitness, 5), lexicase([fitness])]) {
    const shares = sharesOf(select, 5);
    assert.equal(shares[0] + shares[3] + shares[4], 0);
  }
  assert.equal(sharesOf(roulette([NaN, NaN]), 2).every((share) => share > 0), true);
});

Deno.test("selections of nothing are refused", () => {
  refuses("EVOLUTION_SETTING", () => tournamentByFitness([], 2));
  refuses("EVOLUTION_SETTING", () => tournamentByFitness([1], 0));
  refuses("EVOLUTION_SETTING", () => roulette([]));
  refuses("EVOLUTION_SETTING", () => ranking([]));
  refuses("EVOLUTION_SETTING", () => truncation([1], 0));
  refuses("EVOLUTION_SETTING", () => lexicase([]));
});

Deno.test("whatever is no score is a failure with its reason", () => {
  const candidate = { id: "0.0", genome: 1, parents: [], edit: "drawn" };
  const hostile: ReadonlyArray<unknown> = [
    undefined,
    null,
    true,
    0,
    "best",
    {},
    { objectives: 0 },
    { objectives: [0] },
    { objectives: [0, 0, 0] },
    { objectives: [NaN, 0] },
    { objectives: [-Infinity, 0] },
    { objectives: [false, 0] },
    { objectives: ["0", 0] },
    { objectives: [, 0] },
    { objectives: [0, 0], violation: -1 },
    { objectives: [0, 0], violation: NaN },
    { objectives: [0, 0], violation: true },
    { failed: "out of time" },
    { objectives: [0, 0], failed: "out of time" },
  ];
  for (const told of hostile) {
    const member = judged(candidate, told, 2);
    assert.ok((member.failed ?? "").length > 0, JSON.stringify(told));
    assert.deepEqual(member.objectives, []);
  }
  assert.deepEqual(judged(candidate, { objectives: [-0, 2] }, 2).objectives, [0, 2]);
  refuses("EVOLUTION_SCORES", () => judgedAll([candidate], [], 2));
});

/** Bytes below a limit: a space small enough to run out. */
const below = (limit: number): Variation<number> => ({
  name: `below ${limit}`,
  random: (chance) => chance.below(limit),
  mutate: (parent, chance) => (parent + chance.below(2)) % limit,
  cross: (first, second) => [first, second],
  key: String,
  encode: (genome) => genome,
  decode: Number,
});

Deno.test("no genome is born twice while there are new ones", () => {
  const first = drawn(below(1000), 200, random("drawn"));
  assert.equal(new Set(first.map(({ genome }) => genome)).size, 200);
  const members = first.slice(0, 20).map((candidate) => judged(candidate, { objectives: [1] }, 1));
  const children = bred(below(1000), members, 3, 10, (chance) => chance.below(20), random("bred"));
  assert.equal(new Set([...members, ...children].map(({ genome }) => genome)).size, 30);
  assert.deepEqual(children.map(({ id }) => id), Array.from({ length: 10 }, (_, k) => `3.${k}`));
  const ids = new Set(members.map(({ id }) => id));
  assert.ok(children.every(({ parents }) => parents.length >= 1 && parents.every((id) => ids.has(id))));
});

Deno.test("a space of genomes that runs out gives repetitions, and never hangs", () => {
  assert.equal(drawn(below(3), 10, random("small")).length, 10);
});
