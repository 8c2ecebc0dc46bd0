/**
 * Contract: what a search is: state in, candidates out; scores in, state out.
 *
 * Not a driver: run.ts asks, evaluates and tells.
 * Invariant: `ask` depends on the state alone, so a search that was interrupted asks for the same candidates again; what
 * is told is in the order of what was asked, so the number of workers changes nothing.
 *
 * @module
 */
import type { Json } from "../../kernel/json.ts";
import type { Random } from "../../kernel/random.ts";

export type { EvolutionCode, EvolutionFailure } from "./failures.ts";
export type { Points } from "./objectives/points.ts";

/** Typed variation of one kind of genome. Every function returns new genomes and leaves its arguments as they are. */
export interface Variation<G> {
  /** What the genome is, and its sizes: two variations with the same name vary the same genomes. */
  readonly name: string;
  /** A genome drawn without parents. */
  readonly random: (chance: Random) => G;
  /** Genomes drawn together, so that they cover the space better than as many drawn alone would. */
  readonly sample?: (count: number, chance: Random) => ReadonlyArray<G>;
  /** A changed copy. */
  readonly mutate: (parent: G, chance: Random) => G;
  /** Two children of two parents. */
  readonly cross: (first: G, second: G, chance: Random) => readonly [G, G];
  /** As `mutate`, with the name of the operator that was drawn, where there are several. */
  readonly mutateBy?: (parent: G, chance: Random) => Made<G>;
  /** As `cross`, with the name of the operator that was drawn for each child, where there are several. */
  readonly crossBy?: (first: G, second: G, chance: Random) => readonly [Made<G>, Made<G>];
  /** The names of its crossover and its mutation, for the lineage, where each is one. */
  readonly operators?: { readonly cross: string; readonly mutate: string };
  /** The genome's identity: equal for equal genomes and for no others (or for those that are known to mean the same). */
  readonly key: (genome: G) => string;
  /** The genome as JSON. */
  readonly encode: (genome: G) => Json;
  /** The genome of its JSON; throws EVOLUTION_STATE where it is not one. */
  readonly decode: (json: Json) => G;
}

/** A genome, and the name of the operator that made it. */
export interface Made<G> {
  /** The genome. */
  readonly genome: G;
  /** The operator's name. */
  readonly by: string;
}

/** A genome that a search wants evaluated. */
export interface Candidate<G> {
  /** Its name in the lineage: generation, dot, place in the generation. */
  readonly id: string;
  /** The genome. */
  readonly genome: G;
  /** Ids of the members it descends from; empty where it was drawn. */
  readonly parents: ReadonlyArray<string>;
  /** How it came about: `drawn`, `crossed by sbx`, `mutated by hoist`, `crossed by sbx, mutated by polynomial` … */
  readonly edit: string;
}

/** What an evaluation found: objectives to minimise, and by how much constraints are violated in sum. */
export interface Scores {
  /** One finite number for each objective, smaller is better. */
  readonly objectives: ReadonlyArray<number>;
  /** 0 or absent where the candidate is feasible. */
  readonly violation?: number;
  /** How the candidate behaves, for archives that keep one of each kind. */
  readonly descriptor?: ReadonlyArray<number>;
}

/** A candidate with its judged scores. */
export interface Member<G> extends Candidate<G> {
  /** The objectives; empty where the evaluation failed. */
  readonly objectives: ReadonlyArray<number>;
  /** The sum of violations; 0 where feasible. */
  readonly violation: number;
  /** How it behaves, where that was told. */
  readonly descriptor?: ReadonlyArray<number>;
  /** Why it has no scores. */
  readonly failed?: string;
}

/** The whole state of a search between two generations. */
export interface SearchState<G> {
  /** Generations told so far. */
  readonly generation: number;
  /** Candidates told so far. */
  readonly evaluations: number;
  /** The population, in the search's order. */
  readonly members: ReadonlyArray<Member<G>>;
  /** What else the search remembers, as named rows of finite numbers. */
  readonly memory: { readonly [name: string]: ReadonlyArray<number> };
}

/** A search, as pure functions over its state. */
export interface Search<G> {
  /** The algorithm and its settings: a state is resumed only under the same name. */
  readonly name: string;
  /** Number of objectives. */
  readonly objectives: number;
  /** The genomes and their variation. */
  readonly variation: Variation<G>;
  /** Fewest members that a state after the first generation has. */
  readonly fewest: number;
  /** The state before the first generation; each of its rows of memory is in every later state, in that length if any. */
  readonly start: SearchState<G>;
  /** The candidates of the next generation. */
  readonly ask: (state: SearchState<G>) => ReadonlyArray<Candidate<G>>;
  /** The state after their scores, one for each candidate in order; whatever is no score counts as the worst. */
  readonly tell: (
    state: SearchState<G>,
    asked: ReadonlyArray<Candidate<G>>,
    scores: ReadonlyArray<unknown>,
  ) => SearchState<G>;
}
