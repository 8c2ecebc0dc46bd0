/**
 * Methods: the searches over settings by name, each with how many trials it takes where nothing is said.
 *
 * @module
 */
import type { Search } from "../contract.ts";
import { badSetting, overLimit } from "../failures.ts";
import { bayesian, MAX_OBSERVATIONS } from "./bayesian.ts";
import { hyperband, hyperbandBrackets, successiveHalving, type Trial } from "./halving.ts";
import { gridSettings, MAX_GRID, randomSettings, sobolSettings } from "./sequences.ts";
import { gridSize, type Setting, type Space } from "./space.ts";

/** What may be set of a method. */
export interface MethodSettings {
  /** Values of a range on a grid. */
  readonly levels?: number;
  /** Settings before anything is known, of a Bayesian search. */
  readonly initial?: number;
  /** Settings that a halving begins with. */
  readonly count?: number;
  /** How many are tried for each one that is promoted. */
  readonly factor?: number;
  /** Into how many parts the resource is cut: the least that a trial gets is one of them. */
  readonly parts?: number;
}

/** What a method is made for. */
export interface MethodOptions {
  /** What may be set. */
  readonly space: Space;
  /** The seed. */
  readonly seed: number;
  /** Settings asked at once. */
  readonly atOnce: number;
  /** Trials; as many as the method takes where absent. */
  readonly trials?: number;
  /** Its settings. */
  readonly settings: MethodSettings;
}

/** A search over settings, and what is tried of a genome of it. */
export interface Tuner {
  /** What asks. */
  readonly search: Search<unknown>;
  /** The setting of a genome, and the share of its training that it gets. */
  readonly tried: (genome: unknown) => { readonly setting: Setting; readonly share: number };
  /** The genome with which a setting begins. */
  readonly begin: (setting: Setting) => unknown;
  /** Trials after which it ends. */
  readonly trials: number;
}

/** The name of a method. */
export type MethodName = "grid" | "random" | "sobol" | "bayesian" | "halving" | "hyperband";

interface Method {
  readonly doc: string;
  readonly settings: ReadonlyArray<keyof MethodSettings>;
  readonly make: (options: MethodOptions) => Tuner;
}

/** Trials where nothing is said and the method has no number of its own. */
export const USUAL_TRIALS = 20;

/** Parts of the resource where nothing is said: three halvings by three. */
const USUAL_PARTS = 27;

const USUAL_FACTOR = 3;

/** A search whose genomes are settings, tried in full. */
const inFull = (search: Search<Setting>, trials: number): Tuner => ({
  search: search as unknown as Search<unknown>,
  tried: (genome) => ({ setting: genome as Setting, share: 1 }),
  begin: (setting) => setting,
  trials,
});

/** A search that says how much of the resource a setting gets. */
const inParts = (search: Search<Trial>, parts: number, trials: number): Tuner => ({
  search: search as unknown as Search<unknown>,
  tried: (genome) => {
    const { setting, resource } = genome as Trial;
    return { setting, share: resource / parts };
  },
  begin: (setting) => ({ setting, resource: search.ask(search.start)[0].genome.resource }) satisfies Trial,
  trials,
});

const resources = ({ settings: { parts = USUAL_PARTS, factor = USUAL_FACTOR } }: MethodOptions) => ({
  least: 1,
  most: parts,
  factor,
});

const METHODS: { readonly [N in MethodName]: Method } = {
  grid: {
    doc: "every option, every whole number or `levels` of a range",
    settings: ["levels"],
    make: ({ space, atOnce, trials, settings: { levels = 5 } }) =>
      inFull(gridSettings({ space, batch: atOnce, levels }), trials ?? gridSize(space, levels, MAX_GRID)),
  },
  random: {
    doc: "drawn evenly",
    settings: [],
    make: ({ space, seed, atOnce, trials = USUAL_TRIALS }) =>
      inFull(randomSettings({ space, seed, batch: atOnce }), trials),
  },
  sobol: {
    doc: "points that fill the space evenly, shifted by the seed",
    settings: [],
    make: ({ space, seed, atOnce, trials = USUAL_TRIALS }) =>
      inFull(sobolSettings({ space, seed, batch: atOnce }), trials),
  },
  bayesian: {
    doc: "where a Gaussian process expects the largest improvement",
    settings: ["initial"],
    make: ({ space, seed, atOnce, trials = USUAL_TRIALS, settings }) => {
      if (trials > MAX_OBSERVATIONS) {
        throw overLimit({
          what: "trials of a Bayesian search",
          limit: MAX_OBSERVATIONS,
          found: trials,
          path: "/budget/trials",
        });
      }
      return inFull(bayesian({ ...settings, space, seed, batch: atOnce }), trials);
    },
  },
  halving: {
    doc: "`count` settings trained a little, the better ones further",
    settings: ["count", "factor", "parts"],
    make: (options) => {
      const { space, seed, trials, settings: { count = USUAL_PARTS } } = options;
      const resource = resources(options);
      const search = successiveHalving({ space, seed, ...resource, count });
      let usual = 0;
      for (let left = count, part = resource.most; part >= 1; left /= resource.factor, part /= resource.factor) {
        usual += Math.max(1, Math.floor(left));
      }
      return inParts(search, resource.most, trials ?? usual);
    },
  },
  hyperband: {
    doc: "several halvings, from many settings trained little to few trained in full",
    settings: ["factor", "parts"],
    make: (options) => {
      const { space, seed, trials } = options;
      const settings = { space, seed, ...resources(options) };
      const usual = hyperbandBrackets(settings).flat().reduce((sum, { count }) => sum + count, 0);
      return inParts(hyperband(settings), settings.most, trials ?? usual);
    },
  },
};

/** The names of the methods. */
export const METHOD_NAMES: ReadonlyArray<MethodName> = Object.keys(METHODS) as ReadonlyArray<MethodName>;

/** What each method does, in a line. */
export const METHOD_DOCS: ReadonlyArray<string> = METHOD_NAMES.map((name) => `${name}: ${METHODS[name].doc}`);

/** No more is asked than there are trials left, be that fewer than a search begins with. */
export const limited = (search: Search<unknown>, trials: number): Search<unknown> => ({
  ...search,
  fewest: 0,
  ask: (state) => search.ask(state).slice(0, Math.max(0, trials - state.evaluations)),
});

/** A method ready to ask. Throws EVOLUTION_SETTING where it has no such setting. */
export const tunerOf = (name: MethodName, options: MethodOptions): Tuner => {
  const { settings: takes, make } = METHODS[name];
  const unknown = Object.keys(options.settings).find((setting) => !takes.includes(setting as keyof MethodSettings));
  if (unknown !== undefined) {
    throw badSetting({
      setting: `the setting of ${name}`,
      wanted: takes.length === 0 ? "left out: it has none" : `one of ${takes.join(", ")}`,
      found: unknown,
      path: `/method/settings/${unknown}`,
      fix: {
        summary: "Leave it out",
        patch: [{ op: "remove", path: `/method/settings/${unknown}` }],
      },
    });
  }
  return make(options);
};
