/**
 * Rewriter: rules applied by a strategy, within limits, with a record of what was done.
 *
 * Not search for the best equal program (egraph/optimise.ts): each application replaces what was there.
 * Invariant: it ends. With `shrinking` every application makes the tree smaller, so there are at most as many as nodes;
 * without, the limits end it, and what stands then is equal to the start all the same.
 *
 * @module
 */
import { type Expression, MAX_DEPTH } from "../expression.ts";
import { SHRINKING_LAWS } from "./laws.ts";
import { DEFAULT_FUEL, type MatchContext, matchContext } from "./match.ts";
import type { Rule } from "./pattern.ts";
import { namesItself } from "./places.ts";
import type { Firing } from "./rule_index.ts";
import { apply, STRATEGIES, type StrategyContext, type StrategyName } from "./strategy.ts";

/** Most applications where nobody says. */
export const DEFAULT_MAX_FIRINGS = 10_000;

/** Largest tree that an application may leave; shared sub-trees count as often as they stand in it. */
export const MAX_REWRITTEN_NODES: number = 2 ** 20;

/** Most applications that are recorded; later ones are counted only. */
export const MAX_TRACE = 1000;

/** How a rewriting goes about it. */
export interface RewriteOptions {
  /** Order of places; `innermost` by default. */
  readonly strategy?: StrategyName;
  /** Refuse applications that do not make the tree smaller; true by default. */
  readonly shrinking?: boolean;
  /** Most matching steps. */
  readonly fuel?: number;
  /** Most applications. */
  readonly maxFirings?: number;
  /** Whether the program is data of another one, so that one which asks for itself may be changed; false by default. */
  readonly isData?: boolean;
  /** The type of an expression where something knows it. */
  readonly typeOf?: MatchContext["typeOf"];
}

/** Why a rewriting ended: nothing more applies (or the strategy is through), or a limit. */
export type RewriteEnd = "done" | "fuel" | "firings" | "size" | "selfReference";

/** What a rewriting made. */
export interface Rewriting {
  /** The program now. */
  readonly expression: Expression;
  /** Applications. */
  readonly firings: number;
  /** Why it ended. */
  readonly end: RewriteEnd;
  /** The applications in order, at most {@link MAX_TRACE}. */
  readonly trace: ReadonlyArray<Firing>;
  /** Matching steps used. */
  readonly fuelUsed: number;
}

/** Sizes of trees, each shared node worked out once. */
const treeSizes = (): (node: Expression) => number => {
  const known = new WeakMap<Expression, number>();
  const sizeOf = (node: Expression): number => {
    const before = known.get(node);
    if (before !== undefined) return before;
    const size = node.children.reduce((sum, child) => sum + sizeOf(child), 1);
    known.set(node, size);
    return size;
  };
  return sizeOf;
};

/** Nodes above the one at a path. */
const levelsAbove = (path: string): number => path.split("/").length - 1;

/** Rewrites a program by rules; by the shrinking laws where none are given. */
export const rewrite = (
  root: Expression,
  rules: ReadonlyArray<Rule> = SHRINKING_LAWS,
  options: RewriteOptions = {},
): Rewriting => {
  // A program that asks for itself answers differently once anything in it is spelled differently.
  if (options.isData !== true && namesItself(root)) {
    return { expression: root, firings: 0, end: "selfReference", trace: [], fuelUsed: 0 };
  }
  const { strategy = "innermost", shrinking = true, fuel = DEFAULT_FUEL, maxFirings = DEFAULT_MAX_FIRINGS } = options;
  const sizeOf = treeSizes();
  const trace: Array<Firing> = [];
  let grewTooLarge = false;
  let room = MAX_REWRITTEN_NODES - sizeOf(root);
  const context: StrategyContext = {
    ...matchContext({ fuel, ...(options.typeOf === undefined ? {} : { typeOf: options.typeOf }) }),
    firings: 0,
    maxFirings,
    admits: (before, after, path) => {
      const growth = sizeOf(after) - sizeOf(before);
      if (shrinking && growth >= 0) return false;
      const fits = after.depth <= before.depth || levelsAbove(path) + after.depth <= MAX_DEPTH;
      if (fits && growth <= room) return true;
      grewTooLarge = true;
      return false;
    },
    overgrown: () => {
      grewTooLarge = true;
    },
    fired: (firing) => {
      room -= sizeOf(firing.after) - sizeOf(firing.before);
      if (trace.length < MAX_TRACE) trace.push(firing);
    },
    retracted: (firings) => {
      if (trace.length > firings) trace.length = firings;
    },
  };
  const expression = STRATEGIES[strategy](apply(rules))(root, context, "") ?? root;
  const end = context.fuel <= 0 ? "fuel" : context.firings >= maxFirings ? "firings" : grewTooLarge ? "size" : "done";
  return { expression, firings: context.firings, end, trace, fuelUsed: fuel - Math.max(context.fuel, 0) };
};
