/**
 * Algorithms: the searches that a caller can name, with the settings of each, as a table.
 *
 * Not the searches themselves. Invariant: a search fits its genome and its number of objectives, or is refused by name
 * with what does fit.
 *
 * @module
 */
import { placed } from "../attempting.ts";
import type { Search } from "../contract.ts";
import { mapElites, novelty } from "../archives.ts";
import { cmaEs } from "../cma_es.ts";
import { badSetting } from "../failures.ts";
import { ageing, genetic, GENETIC_SELECTIONS, type GeneticSelection } from "../genetic.ts";
import { islands } from "../islands.ts";
import { type Decomposition, DECOMPOSITIONS, moead } from "../moead.ts";
import { nsga2 } from "../nsga2.ts";
import { nsga3, type Nsga3Survival } from "../nsga3.ts";
import { type Thinning, THINNINGS } from "../objectives/crowding.ts";
import { dasDennis, directionCount } from "../objectives/directions.ts";
import type { Points } from "../objectives/points.ts";
import { checkedSettings, type GenomePlan, type SettingsGiven } from "./genomes.ts";

/** What a search is made from. */
export interface SearchAsked {
  /** The genome. */
  readonly genome: GenomePlan;
  /** Number of objectives. */
  readonly objectives: number;
  /** How many numbers say what kind a candidate is. */
  readonly descriptor: number;
  /** Members of the population; what the algorithm takes where absent. */
  readonly size?: number;
  /** The seed. */
  readonly seed: string | number;
}

type Rule = "number" | ReadonlyArray<string>;
type Numbers<Name extends string> = { readonly [N in Name]?: number };

interface Row {
  readonly doc: string;
  readonly fits: (asked: SearchAsked) => boolean;
  readonly rules: { readonly [setting: string]: Rule };
  readonly make: (asked: SearchAsked, settings: SettingsGiven) => Search<unknown>;
}

const row = <S>(
  doc: string,
  fits: Row["fits"],
  rules: Row["rules"],
  make: (asked: SearchAsked, settings: S) => Search<unknown>,
): Row => ({ doc, fits, rules, make: make as Row["make"] });

const described = ({ objectives, descriptor }: SearchAsked): boolean => objectives === 1 && descriptor > 0;
const one = ({ objectives }: SearchAsked): boolean => objectives === 1;
const several = ({ objectives }: SearchAsked): boolean => objectives > 1;

const common = ({ genome: { variation }, seed, size }: SearchAsked) => ({
  variation,
  seed,
  ...(size === undefined ? {} : { size }),
});

/** Cells of each axis of a grid of kinds where nothing is said. */
const USUAL_CELLS = 10;

/** Members where nothing is said of a search by directions. */
const USUAL_DIRECTIONS = 100;

/** As many evenly spread directions as a population can follow. */
const directionsOf = ({ objectives, size = USUAL_DIRECTIONS }: SearchAsked): Points => {
  let partitions = 1;
  while (directionCount(objectives, partitions + 1) <= size) partitions++;
  return dasDennis(objectives, partitions);
};

const ROWS = {
  genetic: row<Numbers<"pressure" | "elites"> & { readonly selection?: GeneticSelection }>(
    "one objective, any genome: selection, crossing, mutation, elites kept",
    one,
    { selection: GENETIC_SELECTIONS, pressure: "number", elites: "number" },
    (asked, settings) => genetic({ ...common(asked), ...settings }),
  ),
  ageing: row<Numbers<"sample" | "batch">>(
    "one objective, any genome: regularised evolution, mutation only, the oldest die",
    one,
    { sample: "number", batch: "number" },
    (asked, settings) => ageing({ ...common(asked), ...settings }),
  ),
  cmaEs: row<Numbers<"step" | "doublings">>(
    "one objective, real numbers: learns the shape of the landscape, restarts",
    (asked) => one(asked) && asked.genome.kind === "reals",
    { step: "number", doublings: "number" },
    ({ genome, seed, size }, settings) =>
      cmaEs({ bounds: genome.bounds!, seed, ...(size === undefined ? {} : { size }), ...settings }) as Search<unknown>,
  ),
  mapElites: row<Numbers<"least" | "most" | "cells">>(
    "one objective with a descriptor: the best of each cell of a grid of kinds",
    described,
    { least: "number", most: "number", cells: "number" },
    ({ genome, descriptor, seed, size }, { least = 0, most = 1, cells = USUAL_CELLS }) =>
      mapElites({
        variation: genome.variation,
        seed,
        axes: Array.from({ length: descriptor }, () => ({ least, most, cells })),
        ...(size === undefined ? {} : { batch: size }),
      }),
  ),
  novelty: row<Numbers<"nearest" | "entering">>(
    "one objective with a descriptor: what is unlike all that was seen, whatever it is worth",
    described,
    { nearest: "number", entering: "number" },
    (asked, settings) => novelty({ ...common(asked), descriptor: asked.descriptor, ...settings }),
  ),
  nsga2: row<Numbers<"children"> & { readonly thinning?: Thinning }>(
    "several objectives, best for two: fronts, then room",
    several,
    { thinning: Object.keys(THINNINGS), children: "number" },
    (asked, settings) => nsga2({ ...common(asked), objectives: asked.objectives, ...settings }),
  ),
  nsga3: row<Numbers<"neighbourly"> & { readonly survival?: Nsga3Survival }>(
    "three objectives or more: each reference direction keeps its best",
    several,
    { survival: ["directions", "fronts"], neighbourly: "number" },
    (asked, settings) => nsga3({ ...common(asked), directions: directionsOf(asked), ...settings }),
  ),
  moead: row<Numbers<"neighbours" | "neighbourly" | "replaced"> & { readonly decomposition?: Decomposition }>(
    "several objectives, as one subproblem for each direction",
    several,
    {
      decomposition: Object.keys(DECOMPOSITIONS),
      neighbours: "number",
      neighbourly: "number",
      replaced: "number",
    },
    (asked, settings) => {
      const { variation, seed } = common(asked);
      return moead({ variation, seed, directions: directionsOf(asked), ...settings });
    },
  ),
} as const satisfies { readonly [name: string]: Row };

/** The name of an algorithm. */
export type AlgorithmName = "genetic" | "ageing" | "cmaEs" | "mapElites" | "novelty" | "nsga2" | "nsga3" | "moead";

/** The names of the algorithms. */
export const ALGORITHM_NAMES: ReadonlyArray<AlgorithmName> = Object.keys(ROWS) as ReadonlyArray<AlgorithmName>;

/** What each algorithm is, one line each. */
export const ALGORITHMS: ReadonlyArray<{ readonly name: AlgorithmName; readonly doc: string }> = ALGORITHM_NAMES.map((
  name,
) => ({ name, doc: ROWS[name].doc }));

/** Algorithms whose members are of many kinds, of which the best is only one. */
export const KEEPS_KINDS: ReadonlySet<string> = new Set<AlgorithmName>(["mapElites", "novelty"]);

/** Settings of islands. */
export type IslandsGiven = { readonly count: number; readonly interval?: number; readonly migrants?: number };

/** The algorithm for a genome and objectives where none is named. */
export const usualAlgorithm = (
  { genome, objectives, descriptor }: Pick<SearchAsked, "genome" | "objectives" | "descriptor">,
): AlgorithmName =>
  objectives === 1 && descriptor > 0
    ? "mapElites"
    : objectives > 2
    ? "nsga3"
    : objectives === 2
    ? "nsga2"
    : genome.kind === "reals"
    ? "cmaEs"
    : "genetic";

/** Where a setting of a search stands in the input, where that is not among the algorithm's own. */
const PLACES: { readonly [path: string]: string } = {
  "/size": "/population",
  "/axes/0": "/algorithm/settings",
  "/count": "/islands/count",
  "/interval": "/islands/interval",
  "/migrants": "/islands/migrants",
};

const placeOf = (path: string): string =>
  path.startsWith("/algorithm") ? path : PLACES[path] ?? `/algorithm/settings${path}`;

/** A named search; throws EVOLUTION_SETTING at its place of the input. */
export const searchNamed = (
  name: AlgorithmName,
  asked: SearchAsked,
  given: SettingsGiven = {},
  apart?: IslandsGiven,
): Search<unknown> => {
  const found: Row = ROWS[name];
  if (!found.fits(asked)) {
    const fitting = ALGORITHM_NAMES.filter((other) => ROWS[other].fits(asked));
    const usual = usualAlgorithm(asked);
    throw badSetting({
      setting: "algorithm",
      wanted: `one of ${fitting.join(", ")} for ${asked.objectives} objective(s) of ${asked.genome.kind}`,
      found: name,
      path: "/algorithm",
      fix: { summary: `Use ${usual}`, patch: [{ op: "replace", path: "/algorithm", value: usual }] },
    });
  }
  const settings = checkedSettings<SettingsGiven>(given, found.rules, "/algorithm/settings");
  const make = (seed: string | number) => found.make({ ...asked, seed }, settings);
  return placed(
    placeOf,
    () => apart === undefined ? make(asked.seed) : islands({ make, seed: asked.seed, ...apart }),
  );
};
