/**
 * Acceptance figures of multi-objective search, all problems and all eleven seeds.
 *
 * Judges: fronts whose volumes are known in closed form, DEAP's and pymoo's figures at the same budgets, and sums of
 * inclusion and exclusion for the exact hypervolume. One setting for each algorithm, the same on all its problems.
 */
import {
  dasDennis,
  dtlz,
  type DtlzName,
  dtlzTargets,
  hypervolume,
  igd,
  nsga2,
  nsga3,
  pointsOf,
  pointsOfMembers,
  type Problem,
  realVariation,
  type Search,
  zdt,
  type ZdtName,
} from "../../plugins/evolution/library.ts";
import { random } from "../../kernel/random.ts";
import baselines from "../vectors/moo/baselines.json" with { type: "json" };
import refs from "../vectors/moo/refs.json" with { type: "json" };
import { type Figure, median, rounded } from "./figure.ts";

const SEEDS = Array.from({ length: 11 }, (_, k) => k + 1);
const ZDTS: ReadonlyArray<ZdtName> = ["ZDT1", "ZDT2", "ZDT3", "ZDT4", "ZDT6"];
const ZDT_GENERATIONS = 250;
const ZDT_SIZE = 100;
/** Generations between two looks at when a value is reached. */
const LOOK = 5;
const TOLERANCE = 0.999;

interface Triple {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

const triple = (values: ReadonlyArray<number>): Triple => ({
  median: rounded(median(values), 5),
  least: rounded(Math.min(...values), 5),
  most: rounded(Math.max(...values), 5),
});

const peerTriple = ([middle, least, most]: ReadonlyArray<number>): Triple => ({ median: middle, least, most });

type Points = ReturnType<typeof pointsOf>;

/** Runs a search and shows its members' objectives after each generation. */
const evolve = (
  search: Search<Float64Array>,
  problem: Problem,
  generations: number,
  each: (points: Points, evaluations: number) => void,
): void => {
  let state = search.start;
  for (let round = 0; round < generations; round++) {
    const asked = search.ask(state);
    state = search.tell(state, asked, asked.map(({ genome }) => ({ objectives: problem.evaluate(genome) })));
    each(pointsOfMembers(state.members, problem.objectives), state.evaluations);
  }
};

type Progress = (done: number, total: number) => void;

interface ZdtRun {
  readonly volume: number;
  /** Evaluations after which pymoo's median at 25,000 was reached; infinite where it was not. */
  readonly reached: number;
}

/** All seeds of one problem, measured once for all figures that look at them. */
const once = <Name extends string, A>(measure: (name: Name, progress: Progress) => A): typeof measure => {
  const known = new Map<Name, A>();
  return (name, progress) => {
    const found = known.get(name) ?? measure(name, progress);
    known.set(name, found);
    return found;
  };
};

const zdtRuns = once((name: ZdtName, progress: Progress): ReadonlyArray<ZdtRun> =>
  SEEDS.map((seed, done) => {
    progress(done, SEEDS.length);
    const problem = zdt(name);
    const search = nsga2({
      variation: realVariation(problem, ZDT_VARIATION),
      objectives: 2,
      seed,
      size: ZDT_SIZE,
    });
    let [volume, reached] = [0, Infinity];
    evolve(search, problem, ZDT_GENERATIONS, (points, evaluations) => {
      if (evaluations % (LOOK * ZDT_SIZE) > 0) return;
      volume = hypervolume(points, [1.1, 1.1]);
      if (volume >= baselines.pymoo_nsga2_11_seeds[name][0]) reached = Math.min(reached, evaluations);
    });
    return { volume, reached };
  })
);

const ZDT_VARIATION = { spread: 10 };

const zdtVolume = (name: ZdtName): Figure => ({
  name: `${name}: hypervolume of NSGA-II after 25,000 evaluations, median of ${SEEDS.length} seeds`,
  unit: "volume",
  goal: "within 0.1 % of the better peer's median, and no seed below the peers' worst",
  measure: ({ progress }) => {
    const ours = triple(zdtRuns(name, progress).map(({ volume }) => volume));
    const deap = peerTriple(baselines["deap_1.3_nsga2_11_seeds"][name]);
    const pymoo = peerTriple(baselines.pymoo_nsga2_11_seeds[name]);
    const ok = ours.median >= TOLERANCE * Math.max(deap.median, pymoo.median) &&
      ours.least >= Math.max(deap.least, pymoo.least);
    return Promise.resolve({
      value: ours.median,
      ok,
      detail: { ours: { ...ours }, deap: { ...deap }, pymoo: { ...pymoo } },
    });
  },
});

const nearOptimum: Figure = {
  name: "ZDT1, 2, 4, 6: share of the best volume of 100 points after 25,000 evaluations, least of the medians",
  unit: "%",
  goal: "reported; 99.9 would be the stretch",
  measure: ({ progress }) => {
    const detail = Object.fromEntries(
      (["ZDT1", "ZDT2", "ZDT4", "ZDT6"] as const).map((name) => {
        const best = refs[name]["mu100_opt(1.1,1.1)"];
        return [name, rounded(100 * median(zdtRuns(name, progress).map(({ volume }) => volume / best)), 5)];
      }),
    );
    const value = Math.min(...Object.values(detail));
    return Promise.resolve({ value, ok: true, detail });
  },
};

const soonEnough: Figure = {
  name: "ZDT1–4, 6: evaluations until pymoo's median volume of 25,000 is reached, largest of the medians",
  unit: "evaluations",
  goal: "reported; 5,000 would be the stretch",
  measure: ({ progress }) => {
    const detail = Object.fromEntries(
      ZDTS.map((name) => [name, median(zdtRuns(name, progress).map(({ reached }) => reached))]),
    );
    const value = Math.max(...Object.values(detail));
    return Promise.resolve({ value, ok: true, detail });
  },
};

const PEER = baselines.pymoo_nsga3_3_seeds_91dirs_pop92;

interface DtlzRow {
  readonly generations: number;
  readonly reference: number;
  readonly volume: ReadonlyArray<number>;
  readonly distance: ReadonlyArray<number>;
}

const DTLZS: { readonly [Name in DtlzName]: DtlzRow } = {
  DTLZ1: {
    generations: 400,
    reference: 0.55,
    volume: PEER.DTLZ1_400gen["HV_ref0.55"],
    distance: PEER.DTLZ1_400gen.IGD_91targets,
  },
  DTLZ2: {
    generations: 250,
    reference: 1.1,
    volume: PEER.DTLZ2_250gen["HV_ref1.1"],
    distance: PEER.DTLZ2_250gen.IGD_91targets,
  },
  DTLZ3: {
    generations: 1000,
    reference: 1.1,
    volume: PEER.DTLZ3_1000gen["HV_ref1.1"],
    distance: PEER.DTLZ3_1000gen.IGD_91targets,
  },
  DTLZ4: {
    generations: 600,
    reference: 1.1,
    volume: PEER.DTLZ4_600gen["HV_ref1.1"],
    distance: PEER.DTLZ4_600gen.IGD_91targets,
  },
};
const DTLZ_SIZE = 92;
const DTLZ_VARIATION = { spread: 20, crossoverRate: 1, mutation: "scales", step: 5 } as const;
const DIRECTIONS = dasDennis(3, 12);

const dtlzRuns = once((name: DtlzName, progress: Progress) =>
  SEEDS.map((seed, done) => {
    progress(done, SEEDS.length);
    const problem = dtlz(name, 3);
    const { generations, reference } = DTLZS[name];
    const search = nsga3({
      variation: realVariation(problem, DTLZ_VARIATION),
      directions: DIRECTIONS,
      seed,
      size: DTLZ_SIZE,
    });
    let last = pointsOf([]);
    evolve(search, problem, generations, (points) => last = points);
    return {
      volume: hypervolume(last, [reference, reference, reference]),
      distance: igd(last, dtlzTargets(name, DIRECTIONS)),
    };
  })
);

const dtlzFigures = (name: DtlzName): ReadonlyArray<Figure> => {
  const { generations, volume, distance } = DTLZS[name];
  const budget = `NSGA-III after ${(generations * DTLZ_SIZE).toLocaleString("en")} evaluations, ` +
    `median of ${SEEDS.length} seeds`;
  return [
    {
      name: `${name}: hypervolume of ${budget}`,
      unit: "",
      goal: "within 0.1 % of pymoo's median, and no seed below its worst",
      measure: ({ progress }) => {
        const [ours, pymoo] = [triple(dtlzRuns(name, progress).map((run) => run.volume)), peerTriple(volume)];
        const ok = ours.median >= TOLERANCE * pymoo.median && ours.least >= pymoo.least;
        return Promise.resolve({ value: ours.median, ok, detail: { ours: { ...ours }, pymoo: { ...pymoo } } });
      },
    },
    {
      name: `${name}: mean distance of the 91 targets from ${budget}`,
      unit: "",
      goal: "no more than pymoo's median; the worst seeds stand beside",
      measure: ({ progress }) => {
        const [ours, pymoo] = [triple(dtlzRuns(name, progress).map((run) => run.distance)), peerTriple(distance)];
        const ok = ours.median <= pymoo.median;
        return Promise.resolve({ value: ours.median, ok, detail: { ours: { ...ours }, pymoo: { ...pymoo } } });
      },
    },
  ];
};

const SETS = 200;
const LARGEST_SET = 12;

/** The volume below 1 of boxes from points to the corner, by inclusion and exclusion over all subsets. */
const byInclusion = (rows: ReadonlyArray<ReadonlyArray<number>>, width: number): number => {
  let sum = 0;
  for (let subset = 1; subset < 1 << rows.length; subset++) {
    let [volume, sign] = [1, -1];
    for (let k = 0; k < rows.length; k++) if (subset >> k & 1) sign = -sign;
    for (let m = 0; m < width; m++) {
      let most = 0;
      for (let k = 0; k < rows.length; k++) if (subset >> k & 1) most = Math.max(most, rows[k][m]);
      volume *= 1 - most;
    }
    sum += sign * volume;
  }
  return sum;
};

const exactVolume: Figure = {
  name: `hypervolume of ${SETS} random sets of up to ${LARGEST_SET} points in 2 to 5 dimensions: largest difference ` +
    "from inclusion and exclusion",
  unit: "",
  goal: "1e-9",
  measure: () => {
    const chance = random("acceptance/hypervolume");
    let largest = 0;
    for (let set = 0; set < SETS; set++) {
      const width = 2 + set % 4;
      const rows = Array.from(
        { length: 1 + chance.below(LARGEST_SET) },
        () => Array.from({ length: width }, () => chance.float()),
      );
      const found = hypervolume(pointsOf(rows), Array(width).fill(1));
      largest = Math.max(largest, Math.abs(found - byInclusion(rows, width)));
    }
    return Promise.resolve({ value: largest, ok: largest <= 1e-9 });
  },
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  exactVolume,
  ...ZDTS.map(zdtVolume),
  nearOptimum,
  soonEnough,
  ...(Object.keys(DTLZS) as ReadonlyArray<DtlzName>).flatMap(dtlzFigures),
];
