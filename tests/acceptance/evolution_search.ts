/**
 * Acceptance figures of search over settings and architectures.
 *
 * Judges: the table of NAS-Bench-201 (which is asked for validation accuracies alone), the same table with its
 * accuracies at other cells, published shares of regularised evolution and random search, minima of the literature.
 */
import { ageing } from "../../plugins/evolution/genetic.ts";
import type { Search } from "../../plugins/evolution/contract.ts";
import { cellSearch } from "../../plugins/evolution/nas/cells.ts";
import { bayesian } from "../../plugins/evolution/search/bayesian.ts";
import { randomSettings, sobolSettings } from "../../plugins/evolution/search/sequences.ts";
import type { Setting } from "../../plugins/evolution/search/space.ts";
import { column, oneEdge, permuted, queriesToBest, type SetName, SETS } from "../plugins/evolution/nas/table.ts";
import { FUNCTIONS } from "../plugins/evolution/search/functions.ts";
import baselines from "../vectors/nas/baselines.json" with { type: "json" };
import { type Figure, median, rounded } from "./figure.ts";

const QUERIES = 200;
const SEEDS = 500;
const STRETCH = 90;
const PEER_SEEDS = 200;

const { "regularised_evolution(P=10 S=5 below 128, P=64 S=10 above)": EVOLUTION, random: RANDOM } =
  baselines.share_of_500_seeds_finding_best_val_percent;

type Make = (seed: number) => Search<Setting>;

/** Queries to the best cell of the seeds that found it, and the percentage of seeds that did. */
const shareOf = (
  make: Make,
  set: SetName,
  seeds: number,
  progress: (done: number, total: number) => void = () => {},
) => {
  const accuracies = column(set, "val");
  const found: Array<number> = [];
  for (let seed = 0; seed < seeds; seed++) {
    progress(seed, seeds);
    const queries = queriesToBest(make(seed), accuracies, QUERIES);
    if (queries !== undefined) found.push(queries);
  }
  return { percent: 100 * found.length / seeds, found };
};

const table = (set: SetName): Figure => ({
  name: `seeds of ${SEEDS} that find the best-validation cell of NAS-Bench-201 on ${set} within ${QUERIES} queries`,
  unit: "%",
  goal: `at least ${EVOLUTION[set][QUERIES]}, regularised evolution's; stretch ${STRETCH}`,
  measure: ({ progress }) => {
    const { percent, found } = shareOf((seed) => cellSearch({ seed }), set, SEEDS, progress);
    const evolved = shareOf((seed) => ageing({ variation: oneEdge, seed, size: 64, sample: 10 }), set, PEER_SEEDS);
    return Promise.resolve({
      value: rounded(percent),
      ok: percent >= EVOLUTION[set][QUERIES],
      detail: {
        stretch: percent >= STRETCH,
        medianQueries: median(found),
        within100: rounded(100 * found.filter((queries) => queries <= 100).length / SEEDS),
        within50: rounded(100 * found.filter((queries) => queries <= 50).length / SEEDS),
        published: { evolution: EVOLUTION[set], random: RANDOM[set] },
        evolutionHere: { seeds: PEER_SEEDS, percent: rounded(evolved.percent) },
      },
    });
  },
});

const PERMUTED_SEEDS = 20;

/** By chance 200 of 15,625 cells hold the best; past this many of 60 runs chance has one in a thousand. */
const CHANCE_LIMIT = 5;

const shuffled: Figure = {
  name: `runs of ${3 * PERMUTED_SEEDS} that find the best cell when the table's accuracies are at other cells`,
  unit: "runs",
  goal: `at most ${CHANCE_LIMIT}: chance`,
  measure: ({ progress }) => {
    const sets = Object.keys(SETS) as ReadonlyArray<SetName>;
    let [found, done] = [0, 0];
    for (const set of sets) {
      for (let seed = 0; seed < PERMUTED_SEEDS; seed++) {
        progress(done++, sets.length * PERMUTED_SEEDS);
        const accuracies = permuted(column(set, "val"), seed);
        if (queriesToBest(cellSearch({ seed }), accuracies, QUERIES) !== undefined) found++;
      }
    }
    const expected = rounded(sets.length * PERMUTED_SEEDS * QUERIES / 15_625, 2);
    return Promise.resolve({ value: found, ok: found <= CHANCE_LIMIT, detail: { expected } });
  },
};

const FUNCTION_SEEDS = 11;

/** What is left to the minimum, the least first. */
const regrets = (make: Make, name: keyof typeof FUNCTIONS, evaluations: number): ReadonlyArray<number> => {
  const { at, least } = FUNCTIONS[name];
  return Array.from({ length: FUNCTION_SEEDS }, (_, seed) => {
    const search = make(seed);
    let [state, best] = [search.start, Infinity];
    while (state.evaluations < evaluations) {
      const asked = search.ask(state);
      const values = asked.map(({ genome }) => at(genome));
      best = Math.min(best, ...values);
      state = search.tell(state, asked, values.map((value) => ({ objectives: [value] })));
    }
    // The minimum is published to six digits.
    return Math.max(0, best - least);
  }).sort((a, b) => a - b);
};

const minimum = (name: keyof typeof FUNCTIONS, evaluations: number, goal: number): Figure => ({
  name: `median distance from the minimum of ${name} after ${evaluations} evaluations, ${FUNCTION_SEEDS} seeds`,
  unit: "",
  goal: `at most ${goal}, and a tenth of random and Sobol points' in the same run`,
  measure: () => {
    const { space } = FUNCTIONS[name];
    const found = regrets((seed) => bayesian({ space, seed }), name, evaluations);
    const peers = [randomSettings, sobolSettings].map((make) =>
      median(regrets((seed) => make({ space, seed }), name, evaluations))
    );
    const value = median(found);
    return Promise.resolve({
      value,
      ok: value <= goal && peers.every((peer) => value * 10 <= peer),
      detail: { worst: rounded(found[found.length - 1]), random: rounded(peers[0]), sobol: rounded(peers[1]) },
    });
  },
});

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  minimum("branin", 50, 0.001),
  minimum("hartmann6", 100, 0.01),
  table("cifar10"),
  table("cifar100"),
  table("imagenet16-120"),
  shuffled,
];
