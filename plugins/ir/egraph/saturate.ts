/**
 * Saturation: matching rules against an e-graph and adding what they say, until nothing new follows or a limit is met.
 *
 * Not which rules are sound and not what the operators mean: both are the caller's affair.
 * Invariant: the same graph, rules and limits give the same graph; no limit is ever exceeded.
 *
 * @module
 */
import type { EGraph, Facts } from "./egraph.ts";

/** What a rule looks for and what it adds: a variable by its number, or an operator over patterns. */
export type TermPattern =
  | { readonly variable: number }
  | { readonly operator: number; readonly children: ReadonlyArray<TermPattern> };

/** A rule over classes: wherever `left` matches, `right` is equal to it. */
export interface TermRule {
  /** Its name, in reports. */
  readonly name: string;
  /** What it looks for; an operator at the root. */
  readonly left: TermPattern;
  /** What is equal to it; its variables are among those of `left`. */
  readonly right: TermPattern;
  /** Number of variables. */
  readonly variables: number;
  /** Facts that the classes of variables must have. */
  readonly needs: ReadonlyArray<{ readonly variable: number; readonly facts: Facts }>;
}

/** Bounds of a saturation. */
export interface SaturationLimits {
  /** Most rounds of matching every rule. */
  readonly iterations: number;
  /** Most nodes; a graph that starts larger gets no more. */
  readonly nodes: number;
  /** Most steps: nodes looked at and matches applied. */
  readonly fuel: number;
}

/** Bounds that hold where a caller names none. */
export const DEFAULT_LIMITS: SaturationLimits = { iterations: 64, nodes: 20_000, fuel: 5_000_000 };

/** Why a saturation ended: nothing new follows, or the limit that was met. */
export type SaturationEnd = "saturated" | "iterations" | "nodes" | "fuel";

/** What a saturation did. */
export interface Saturation {
  /** Why it ended. */
  readonly end: SaturationEnd;
  /** Rounds begun. */
  readonly iterations: number;
  /** Steps taken. */
  readonly fuelUsed: number;
  /** Classes made equal, by the name of the rule that did it, in the order of the rules. */
  readonly unions: ReadonlyArray<{ readonly rule: string; readonly count: number }>;
}

/** Matches, flat: root class, then the class of each variable, again and again. */
class Matches {
  data = new Int32Array(64);
  length = 0;

  push(value: number): void {
    if (this.length === this.data.length) {
      const wider = new Int32Array(this.data.length * 2);
      wider.set(this.data);
      this.data = wider;
    }
    this.data[this.length++] = value;
  }
}

/** Steps that are left. */
interface Fuel {
  left: number;
}

const UNBOUND = -1;

/** Matches a list of pattern and class pairs, the last first, and calls `found` once for every way to bind. */
const matchAll = (
  graph: EGraph,
  pending: ReadonlyArray<TermPattern>,
  classes: ReadonlyArray<number>,
  bound: Int32Array,
  fuel: Fuel,
  found: () => void,
): void => {
  if (fuel.left <= 0) return;
  if (pending.length === 0) return found();
  const pattern = pending[pending.length - 1];
  const id = classes[classes.length - 1];
  const patterns = pending.slice(0, -1);
  const ids = classes.slice(0, -1);
  if ("variable" in pattern) {
    const before = bound[pattern.variable];
    if (before !== UNBOUND) {
      if (before === id) matchAll(graph, patterns, ids, bound, fuel, found);
      return;
    }
    bound[pattern.variable] = id;
    matchAll(graph, patterns, ids, bound, fuel, found);
    bound[pattern.variable] = UNBOUND;
    return;
  }
  const { operator, children } = pattern;
  for (const node of graph.nodesOf(id)) {
    fuel.left--;
    if (graph.operatorOf(node) !== operator || graph.arityOf(node) !== children.length) continue;
    const inner = [...ids];
    for (let i = children.length - 1; i >= 0; i--) inner.push(graph.childOf(node, i));
    matchAll(graph, [...patterns, ...children.toReversed()], inner, bound, fuel, found);
  }
};

const search = (graph: EGraph, rule: TermRule, fuel: Fuel): Matches => {
  const matches = new Matches();
  const { left } = rule;
  if ("variable" in left) return matches;
  const bound = new Int32Array(rule.variables).fill(UNBOUND);
  const patterns = left.children.toReversed();
  for (const node of graph.nodesWith(left.operator)) {
    fuel.left--;
    if (fuel.left <= 0) break;
    if (graph.arityOf(node) !== left.children.length) continue;
    const root = graph.classOf(node);
    matchAll(graph, patterns, patterns.map((_, i) => graph.childOf(node, patterns.length - 1 - i)), bound, fuel, () => {
      if (rule.needs.some(({ variable, facts }) => (graph.facts(bound[variable]) & facts) !== facts)) return;
      matches.push(root);
      for (let i = 0; i < bound.length; i++) matches.push(bound[i]);
    });
  }
  return matches;
};

const patternSize = (pattern: TermPattern): number =>
  "variable" in pattern ? 0 : pattern.children.reduce((size, child) => size + patternSize(child), 1);

const instantiate = (graph: EGraph, pattern: TermPattern, matches: Matches, at: number): number =>
  "variable" in pattern
    ? graph.find(matches.data[at + 1 + pattern.variable])
    : graph.add(pattern.operator, pattern.children.map((child) => instantiate(graph, child, matches, at)));

const ABSENT = -1;

/** Where an instance of a pattern stands (or {@link ABSENT}), and how many nodes it lacks at most. */
const lacking = (graph: EGraph, pattern: TermPattern, matches: Matches, at: number): { id: number; nodes: number } => {
  if ("variable" in pattern) return { id: matches.data[at + 1 + pattern.variable], nodes: 0 };
  const parts = pattern.children.map((child) => lacking(graph, child, matches, at));
  const nodes = parts.reduce((sum, part) => sum + part.nodes, 0);
  if (nodes > 0) return { id: ABSENT, nodes: nodes + 1 };
  const id = graph.classWith(pattern.operator, parts.map((part) => part.id));
  return { id, nodes: id === ABSENT ? 1 : 0 };
};

/** Whether an instance can be added within a number of nodes. Near the limit the graph is made whole to know. */
const fits = (graph: EGraph, pattern: TermPattern, size: number, matches: Matches, at: number, most: number) => {
  if (graph.nodeCount + size <= most) return true;
  graph.rebuild();
  return graph.nodeCount + lacking(graph, pattern, matches, at).nodes <= most;
};

/** Most matches applied between two chances to pause. */
const APPLIED_PER_STEP = 2000;

/** Saturates step by step: pausable wherever it yields. The rules that come first are applied first in each round. */
export const saturateSteps = function* (
  graph: EGraph,
  rules: ReadonlyArray<TermRule>,
  limits: SaturationLimits = DEFAULT_LIMITS,
): Generator<void, Saturation> {
  const fuel: Fuel = { left: limits.fuel };
  const counts = rules.map(({ name }) => ({ rule: name, count: 0 }));
  let iterations = 0;
  const ended = (end: SaturationEnd): Saturation => {
    graph.rebuild();
    return { end, iterations, fuelUsed: limits.fuel - Math.max(fuel.left, 0), unions: counts };
  };
  for (;;) {
    if (iterations >= limits.iterations) return ended("iterations");
    iterations++;
    const nodesBefore = graph.nodeCount;
    const unionsBefore = graph.unionCount;
    const all: Array<Matches> = [];
    for (const rule of rules) {
      all.push(search(graph, rule, fuel));
      yield;
    }
    for (const [index, matches] of all.entries()) {
      const rule = rules[index];
      const width = 1 + rule.variables;
      const size = patternSize(rule.right);
      for (let at = 0; at < matches.length; at += width) {
        if (fuel.left <= 0) return ended("fuel");
        if (!fits(graph, rule.right, size, matches, at, limits.nodes)) return ended("nodes");
        fuel.left--;
        const before = graph.unionCount;
        graph.union(matches.data[at], instantiate(graph, rule.right, matches, at));
        counts[index].count += graph.unionCount - before;
        if ((at / width) % APPLIED_PER_STEP === APPLIED_PER_STEP - 1) yield;
      }
      // Between rules the graph is made whole, so that the next rule's additions find what stands already.
      graph.rebuild();
    }
    if (fuel.left <= 0) return ended("fuel");
    if (graph.nodeCount === nodesBefore && graph.unionCount === unionsBefore) return ended("saturated");
  }
};

/** Saturates without pausing. */
export const saturate = (
  graph: EGraph,
  rules: ReadonlyArray<TermRule>,
  limits: SaturationLimits = DEFAULT_LIMITS,
): Saturation => {
  const steps = saturateSteps(graph, rules, limits);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
};
