/**
 * Strategies: where and in which order rules are applied, as combinators over partial functions on expressions.
 *
 * A strategy answers another expression, or `undefined` where it does not apply.
 * Invariant: children in quoted places are never touched, and none is replaced where its spelling binds (places.ts).
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import { type Expression, Tag, withChildren } from "../expression.ts";
import { chainOf, stagesOf } from "./chains.ts";
import { instanceOf } from "./instance.ts";
import { type Bindings, eachMatch, eachWindow, guardsHold, type MatchContext } from "./match.ts";
import type { Rule } from "./pattern.ts";
import { mayReplace, placeOf } from "./places.ts";
import { type Firing, indexRules, type RuleIndex } from "./rule_index.ts";

/** What strategies share while they run. */
export interface StrategyContext extends MatchContext {
  /** Applications so far. */
  firings: number;
  /** Most applications. */
  readonly maxFirings: number;
  /** Whether an application may happen, told before, after and where. */
  readonly admits: (before: Expression, after: Expression, path: string) => boolean;
  /** Hears of an application that would have made a tree beyond the limits of all trees. */
  readonly overgrown: () => void;
  /** Hears of every application. */
  readonly fired: (firing: Firing) => void;
  /** Hears that all applications but the first so many came to nothing. */
  readonly retracted: (firings: number) => void;
}

/** A partial function on expressions; `path` is where the expression stands. */
export type Strategy = (node: Expression, context: StrategyContext, path: string) => Expression | undefined;

const mayGoOn = (context: StrategyContext): boolean => context.fuel > 0 && context.firings < context.maxFirings;

const BEYOND_LIMITS: ReadonlySet<string> = new Set(["RMIL_DEPTH", "RMIL_SIZE"]);

/** What is made, unless no tree can be so deep or large. */
const within = <A>(make: () => A, context: StrategyContext): A | undefined => {
  try {
    return make();
  } catch (thrown) {
    if (!isFailure(thrown) || !BEYOND_LIMITS.has(thrown.code)) throw thrown;
    context.overgrown();
    return undefined;
  }
};

const settle = (
  rule: Rule,
  bound: Bindings,
  whole: Expression,
  around: (replacement: Expression) => Expression,
  context: StrategyContext,
  path: string,
): Expression | undefined => {
  if (!guardsHold(rule.guards, bound, context)) return undefined;
  const after = within(() => {
    const replacement = instanceOf(rule.right, bound);
    return replacement && around(replacement);
  }, context);
  return after !== undefined && context.admits(whole, after, path) ? after : undefined;
};

/** A rule at the root; in a pipeline, at the first run of stages that it fits. */
const applyRule = (
  rule: Rule,
  node: Expression,
  context: StrategyContext,
  path: string,
): Expression | undefined => {
  let result: Expression | undefined;
  if (node.tag === Tag.Seq && rule.left.k === "Seq") {
    const stages = stagesOf(node);
    const { items } = rule.left;
    for (let from = 0; from < stages.length && result === undefined && context.fuel > 0; from++) {
      eachWindow(items, stages, from, context, (bound, end) => {
        const around = (made: Expression) =>
          chainOf([...stages.slice(0, from), ...stagesOf(made), ...stages.slice(end)]);
        result = end === from ? undefined : settle(rule, bound, node, around, context, path);
        return result !== undefined;
      });
    }
    return result;
  }
  eachMatch(rule.left, node, context, (bound) => {
    result = settle(rule, bound, node, (made) => made, context, path);
    return result !== undefined;
  });
  return result;
};

const applyIndexed = (index: RuleIndex): Strategy => (node, context, path) => {
  if (!mayGoOn(context)) return undefined;
  for (const rule of index.candidates(node)) {
    const after = applyRule(rule, node, context, path);
    if (after === undefined) continue;
    context.firings++;
    context.fired({ rule: rule.name, path, before: node, after });
    return after;
  }
  return undefined;
};

/** The first of several rules that applies here. */
export const apply = (rules: ReadonlyArray<Rule>): Strategy => applyIndexed(indexRules(rules));

/** Always applies, and changes nothing. */
export const unchanged: Strategy = (node) => node;

/** One after the other; applies where both do. */
export const inSequence = (first: Strategy, second: Strategy): Strategy => (node, context, path) => {
  const between = first(node, context, path);
  return between === undefined ? undefined : second(between, context, path);
};

/** The first that applies. */
export const firstOf = (...strategies: ReadonlyArray<Strategy>): Strategy => (node, context, path) => {
  for (const strategy of strategies) {
    const after = strategy(node, context, path);
    if (after !== undefined) return after;
  }
  return undefined;
};

/** Applies it, or changes nothing. */
export const attempt = (strategy: Strategy): Strategy => firstOf(strategy, unchanged);

/** Applies it until it does not apply, or the limits are met. */
export const repeat = (strategy: Strategy): Strategy => (node, context, path) => {
  let at = node;
  while (mayGoOn(context)) {
    const after = strategy(at, context, path);
    if (after === undefined || after === at) break;
    at = after;
  }
  return at;
};

const replaceChild = (
  node: Expression,
  index: number,
  after: Expression,
  context: StrategyContext,
): Expression | undefined =>
  mayReplace(placeOf(node, index), node.children[index], after)
    ? within(() => withChildren(node, node.children.with(index, after)), context)
    : undefined;

/** Takes back what was done to a child that cannot stand where it would. */
const retract = (node: Expression, firings: number, context: StrategyContext): Expression => {
  context.firings = firings;
  context.retracted(firings);
  return node;
};

/** Applies it to every child; applies where it applies to all of them. */
export const toAll = (strategy: Strategy): Strategy => (node, context, path) => {
  let at = node;
  for (let index = 0; index < node.children.length; index++) {
    if (placeOf(node, index) === "quoted") continue;
    const before = context.firings;
    const after = strategy(node.children[index], context, `${path}/${index}`);
    if (after === undefined) return undefined;
    if (after !== node.children[index]) at = replaceChild(at, index, after, context) ?? retract(at, before, context);
  }
  return at;
};

/** Applies it to the first child where it applies. */
export const toOne = (strategy: Strategy): Strategy => (node, context, path) => {
  for (let index = 0; index < node.children.length; index++) {
    if (placeOf(node, index) === "quoted") continue;
    const before = context.firings;
    const after = strategy(node.children[index], context, `${path}/${index}`);
    if (after === undefined) continue;
    const replaced = replaceChild(node, index, after, context);
    if (replaced !== undefined) return replaced;
    retract(node, before, context);
  }
  return undefined;
};

/** Tries it here, then in every child of what that gave. */
export const topDown = (strategy: Strategy): Strategy => {
  const walk: Strategy = (node, context, path) => inSequence(attempt(strategy), toAll(walk))(node, context, path);
  return walk;
};

/** Tries it in every child, then here. */
export const bottomUp = (strategy: Strategy): Strategy => {
  const walk: Strategy = (node, context, path) => inSequence(toAll(walk), attempt(strategy))(node, context, path);
  return walk;
};

/** Applies it once, at the outermost place where it applies. */
export const once = (strategy: Strategy): Strategy => {
  const walk: Strategy = (node, context, path) => firstOf(strategy, toOne(walk))(node, context, path);
  return walk;
};

/** Applies it at innermost places first, until it applies nowhere. Sub-expressions that are done are not seen again. */
export const innermost = (strategy: Strategy): Strategy => (root, context, rootPath) => {
  const done = new Map<Expression, Expression>();
  const walk: Strategy = (node, _, path) => {
    const known = done.get(node);
    if (known !== undefined) return known;
    let at = toAll(walk)(node, context, path) ?? node;
    for (;;) {
      const after = strategy(at, context, path);
      if (after === undefined) break;
      at = toAll(walk)(after, context, path) ?? after;
    }
    // What was cut short by a limit is not done, but nothing more can happen to it either.
    done.set(node, at);
    done.set(at, at);
    return at;
  };
  return walk(root, context, rootPath);
};

/** Applies it at the outermost place, again and again, until it applies nowhere. */
export const outermost = (strategy: Strategy): Strategy => repeat(once(strategy));

/** Strategies by name, over rules tried at each place. */
export const STRATEGIES = { innermost, outermost, topDown, bottomUp, once } as const satisfies {
  readonly [name: string]: (strategy: Strategy) => Strategy;
};

/** The name of a strategy. */
export type StrategyName = keyof typeof STRATEGIES;
