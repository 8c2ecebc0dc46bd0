/**
 * Optimise: the cheapest program that the laws reach from a given one, by equality saturation.
 *
 * Not greedy rewriting (rewriting/rewriter.ts): nothing is replaced until everything known to be equal can be compared.
 * Invariant: the answer never costs more than the question.
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import { type Expression, Tag } from "../expression.ts";
import { opOf } from "../opcodes.ts";
import { EXACT_LAWS, type Law } from "../rewriting/laws.ts";
import { namesItself } from "../rewriting/places.ts";
import type { Rule } from "../rewriting/pattern.ts";
import { compileRule } from "./compile.ts";
import {
  DEFAULT_LIMITS,
  saturateSteps,
  type Saturation,
  type SaturationLimits,
  type TermRule,
} from "../../ir/library.ts";
import { type CostModel, Terms, treeCost } from "./terms.ts";

const PARAMETRIC = 64;
const NEURAL = 16;
const COMPUTED = 4;

/** Rough work: a node costs 1, an op more, a neural one more, one with parameters most. */
const workOf: CostModel = (node) => {
  if (node.tag !== Tag.App) return 1;
  const row = opOf(node.code);
  if (row === undefined || row.parameters.length > 0) return PARAMETRIC;
  if (row.name === "identity") return 1;
  return row.family === "Neural" ? NEURAL : COMPUTED;
};

/** Cost models by name. */
export const COSTS = {
  nodes: () => 1,
  work: workOf,
} as const satisfies { readonly [name: string]: CostModel };

/** The name of a cost model. */
export type CostName = keyof typeof COSTS;

/** How an optimisation goes about it. */
export interface OptimiseOptions {
  /** Laws to use; the exact ones by default. */
  readonly laws?: ReadonlyArray<Rule>;
  /** What a node costs; `work` by default. */
  readonly cost?: CostModel;
  /** Bounds; those absent are the defaults. */
  readonly limits?: Partial<SaturationLimits>;
}

/** What an optimisation found. */
export interface Optimised {
  /** The program. */
  readonly expression: Expression;
  /** Cost of the program given. */
  readonly costBefore: number;
  /** Cost of the program found. */
  readonly costAfter: number;
  /** How the search went; absent for a program that asks for itself, which is left as it is. */
  readonly saturation?: Saturation;
  /** Classes and nodes of the graph at the end. */
  readonly classes: number;
  /** Nodes of the graph at the end. */
  readonly nodes: number;
}

/** Laws that shrink come first, so that a limit cuts the exploring ones short. */
const inOrder = (laws: ReadonlyArray<Rule>): ReadonlyArray<Rule> => {
  const explores = (rule: Rule): boolean => (rule as Partial<Law>).shrinks === false;
  return [...laws.filter((rule) => !explores(rule)), ...laws.filter(explores)];
};

/** Optimises step by step: pausable wherever it yields. */
export const optimiseSteps = function* (
  root: Expression,
  options: OptimiseOptions = {},
): Generator<void, Optimised> {
  const { laws = EXACT_LAWS, cost = COSTS.work, limits = {} } = options;
  const costBefore = treeCost(root, cost);
  const same = { expression: root, costBefore, costAfter: costBefore };
  if (namesItself(root)) return { ...same, classes: 0, nodes: 0 };
  const terms = new Terms();
  const id = terms.add(root);
  const rules = inOrder(laws).map((law) => compileRule(law, terms)).filter((rule): rule is TermRule =>
    rule !== undefined
  );
  const saturation = yield* saturateSteps(terms.graph, rules, { ...DEFAULT_LIMITS, ...limits });
  const found = { saturation, classes: terms.graph.classCount, nodes: terms.graph.nodeCount };
  try {
    const { expression, cost: costAfter } = terms.cheapest(id, cost);
    return costAfter < costBefore ? { expression, costBefore, costAfter, ...found } : { ...same, ...found };
  } catch (error) {
    // An equal program can be bracketed more deeply than a tree may nest; then the given one stays.
    if (isFailure(error)) return { ...same, ...found };
    throw error;
  }
};

/** Optimises without pausing. */
export const optimise = (root: Expression, options: OptimiseOptions = {}): Optimised => {
  const steps = optimiseSteps(root, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
};
