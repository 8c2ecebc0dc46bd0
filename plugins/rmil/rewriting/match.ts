/**
 * Match: every way in which a pattern fits an expression, with full backtracking.
 *
 * Pipelines match modulo associativity of `>>`; parallel branches match along their spine.
 * Invariant: a step costs one unit of fuel; when none is left there are no further matches, and nothing else happens.
 *
 * @module
 */
import { type Attribute, equalExpressions, type Expression, type Parameter, Tag } from "../expression.ts";
import { equalTypes, type Type } from "../types.ts";
import { equalValues } from "../value.ts";
import { branchesOf, chainOf, spineOf, stagesOf } from "./chains.ts";
import { factBits, FactTable } from "./facts.ts";
import { MARK } from "./mark.ts";
import type { AttributePattern, Guard, Pat } from "./pattern.ts";

/** What a name is bound to: an expression, a list of them, a symbol, or a lambda's parameters or an op's attributes. */
export type Binding =
  | { readonly k: "one"; readonly node: Expression }
  | { readonly k: "many"; readonly nodes: ReadonlyArray<Expression> }
  | { readonly k: "symbol"; readonly sym: number }
  | { readonly k: "parameters"; readonly parameters: ReadonlyArray<Parameter> }
  | { readonly k: "attributes"; readonly attributes: ReadonlyArray<Attribute> };

/** Bindings by name. */
export type Bindings = ReadonlyMap<string, Binding>;

/** What matching may use up and ask. */
export interface MatchContext {
  /** Steps left; matching takes from it. */
  fuel: number;
  /** Facts of expressions. */
  readonly facts: FactTable;
  /** The type of an expression where something knows it; guards on types fail where it does not. */
  readonly typeOf: (node: Expression) => Type | undefined;
}

const literalType = (node: Expression): Type | undefined => {
  if (node.tag !== Tag.Lit) return undefined;
  switch (node.value.k) {
    case "Bool":
      return { k: "Scalar", dtype: "b1" };
    case "I64":
      return { k: "Scalar", dtype: "i64" };
    case "F32":
      return { k: "Scalar", dtype: "f32" };
    case "F64":
      return { k: "Scalar", dtype: "f64" };
    case "Tensor":
      return { k: "Tensor", dtype: node.value.dtype, shape: node.value.shape };
    default:
      return undefined;
  }
};

/** Steps that a call may take where nobody says. */
export const DEFAULT_FUEL = 1_000_000;

/** A context of its own. `typeOf` answers for literals where nothing better is given. */
export const matchContext = (options: Partial<Pick<MatchContext, "fuel" | "typeOf">> = {}): MatchContext => ({
  fuel: options.fuel ?? DEFAULT_FUEL,
  facts: new FactTable(),
  typeOf: options.typeOf ?? literalType,
});

/** Whether the guards hold of what was bound. */
export const guardsHold = (guards: ReadonlyArray<Guard>, bound: Bindings, context: MatchContext): boolean =>
  guards.every((guard) => {
    const binding = bound.get(guard.of);
    const nodes = binding?.k === "one" ? [binding.node] : binding?.k === "many" ? binding.nodes : undefined;
    if (nodes === undefined) return false;
    if ("facts" in guard) {
      const bits = factBits(guard.facts);
      return nodes.every((node) => (context.facts.of(node) & bits) === bits);
    }
    return nodes.every((node) => {
      const type = context.typeOf(node);
      return type !== undefined && equalTypes(type, guard.type);
    });
  });

const all = <A>(a: ReadonlyArray<A>, b: ReadonlyArray<A>, equal: (x: A, y: A) => boolean): boolean =>
  a.length === b.length && a.every((item, index) => equal(item, b[index]));

const equalAttribute = (a: Attribute, b: Attribute): boolean => a.name === b.name && equalValues(a.value, b.value);

/** Equality modulo how pipelines are bracketed. */
const equalModulo = (a: Expression, b: Expression): boolean =>
  equalExpressions(a, b) || (a.tag === Tag.Seq && b.tag === Tag.Seq && all(stagesOf(a), stagesOf(b), equalModulo));

const equalBindings = (a: Binding, b: Binding): boolean => {
  if (a.k === "one" && b.k === "one") return equalModulo(a.node, b.node);
  if (a.k === "many" && b.k === "many") return all(a.nodes, b.nodes, equalModulo);
  if (a.k === "symbol" && b.k === "symbol") return a.sym === b.sym;
  if (a.k === "parameters" && b.k === "parameters") {
    return all(a.parameters, b.parameters, (x, y) => x.sym === y.sym && equalTypes(x.type, y.type));
  }
  return a.k === "attributes" && b.k === "attributes" && all(a.attributes, b.attributes, equalAttribute);
};

/** What is still to be done once a part has matched; true stops the search. */
type Then = () => boolean;

/** Patterns that can stand for several stages of a pipeline, or for several branches at the spine's start. */
const spans = (pattern: Pat): boolean =>
  pattern.k === "Var" || pattern.k === "Any" || pattern.k === "Seq" ||
  (pattern.k === "Alt" && pattern.options.some(spans));

const fewest = (patterns: ReadonlyArray<Pat>, from: number): number => {
  let count = 0;
  for (let i = from; i < patterns.length; i++) if (patterns[i].k !== "Rest") count++;
  return count;
};

/** A search over one expression. */
class Search {
  readonly bound = new Map<string, Binding>();
  readonly #context: MatchContext;

  constructor(context: MatchContext) {
    this.#context = context;
  }

  bind(name: string, binding: Binding, then: Then): boolean {
    const before = this.bound.get(name);
    if (before !== undefined) return equalBindings(before, binding) && then();
    this.bound.set(name, binding);
    if (then()) return true;
    this.bound.delete(name);
    return false;
  }

  match(pattern: Pat, node: Expression, then: Then): boolean {
    if (this.#context.fuel <= 0) return false;
    this.#context.fuel--;
    const { children } = node;
    switch (pattern.k) {
      case "Any":
        return then();
      case "Var":
        return this.bind(pattern.name, { k: "one", node }, then);
      case "Rest":
        return this.bind(pattern.name, { k: "many", nodes: [node] }, then);
      case "Alt":
        return pattern.options.some((option) => this.match(option, node, then));
      case "Lit":
        return node.tag === Tag.Lit && equalValues(node.value, pattern.val) && then();
      case "Is":
        return equalModulo(pattern.node, node) && then();
      case "Ref":
        return node.tag === Tag.Ref && this.bind(pattern.sym, { k: "symbol", sym: node.code }, then);
      case "App":
        return node.tag === Tag.App && node.code === pattern.op &&
          this.attributes(pattern.attributes, node.attributes, () => this.list(pattern.args, children, 0, 0, then));
      case "Seq":
        return this.chain(pattern.items, stagesOf(node), 0, 0, (end, length) => end === length && then());
      case "Par":
        return this.spine(pattern.items, branchesOf(node), then);
      case "Block":
        return node.tag === Tag.Block && this.list(pattern.items, children, 0, 0, then);
      case "Cond":
        return node.tag === Tag.Cond &&
          this.list([pattern.pred, pattern.yes, pattern.no], children, 0, 0, then);
      case "Let":
        return node.tag === Tag.Let &&
          this.bind(
            pattern.sym,
            { k: "symbol", sym: node.code },
            () => this.list([pattern.val, pattern.body], children, 0, 0, then),
          );
      case "Lam":
        return node.tag === Tag.Lam &&
          this.bind(
            pattern.params,
            { k: "parameters", parameters: node.parameters },
            () => this.match(pattern.body, children[0], then),
          );
      case "Call":
        return node.tag === Tag.Call && this.list([pattern.func, ...pattern.args], children, 0, 0, then);
    }
  }

  attributes(pattern: AttributePattern | undefined, found: ReadonlyArray<Attribute>, then: Then): boolean {
    const required = pattern?.require ?? [];
    const own = found.filter(({ name }) => name !== MARK).length;
    if (!required.every((wanted) => found.some((attribute) => equalAttribute(attribute, wanted)))) return false;
    if (pattern?.bind !== undefined) return this.bind(pattern.bind, { k: "attributes", attributes: found }, then);
    return own === required.length && then();
  }

  /** Patterns against items, one each but for `Rest`. */
  list(
    patterns: ReadonlyArray<Pat>,
    items: ReadonlyArray<Expression>,
    at: number,
    from: number,
    then: Then,
  ): boolean {
    if (at === patterns.length) return from === items.length && then();
    const most = items.length - from - fewest(patterns, at + 1);
    const pattern = patterns[at];
    if (pattern.k !== "Rest") {
      return most >= 1 && this.match(pattern, items[from], () => this.list(patterns, items, at + 1, from + 1, then));
    }
    for (let count = most; count >= 0; count--) {
      const nodes = items.slice(from, from + count);
      const next: Then = () => this.list(patterns, items, at + 1, from + count, then);
      if (this.bind(pattern.name, { k: "many", nodes }, next)) return true;
      if (--this.#context.fuel <= 0) return false;
    }
    return false;
  }

  /** Patterns against stages from one on; `then` hears where they end. Longer spans are tried first. */
  chain(
    patterns: ReadonlyArray<Pat>,
    items: ReadonlyArray<Expression>,
    at: number,
    from: number,
    then: (end: number, length: number) => boolean,
  ): boolean {
    if (at === patterns.length) return then(from, items.length);
    const pattern = patterns[at];
    const most = items.length - from - fewest(patterns, at + 1);
    if (pattern.k === "Rest") {
      for (let count = most; count >= 0; count--) {
        const nodes = items.slice(from, from + count);
        const next: Then = () => this.chain(patterns, items, at + 1, from + count, then);
        if (this.bind(pattern.name, { k: "many", nodes }, next)) return true;
        if (--this.#context.fuel <= 0) return false;
      }
      return false;
    }
    for (let count = spans(pattern) ? most : Math.min(1, most); count >= 1; count--) {
      const span = count === 1 ? items[from] : chainOf(items.slice(from, from + count));
      if (this.match(pattern, span, () => this.chain(patterns, items, at + 1, from + count, then))) return true;
    }
    return false;
  }

  /** Patterns against the branches along a spine: the first may take several, as the sub-tree that they are. */
  spine(patterns: ReadonlyArray<Pat>, items: ReadonlyArray<Expression>, then: Then): boolean {
    const [first, ...others] = patterns;
    if (first === undefined || items.length < fewest(patterns, 0)) return false;
    if (first.k === "Rest") return this.list(patterns, items, 0, 0, then);
    const most = spans(first) ? items.length - fewest(others, 0) : 1;
    for (let count = most; count >= 1; count--) {
      const next: Then = () => this.list(others, items, 0, count, then);
      if (this.match(first, spineOf(items.slice(0, count)), next)) return true;
    }
    return false;
  }
}

/** Calls `found` for every match, best first, until it answers true. Whether it did is the answer. */
export const eachMatch = (
  pattern: Pat,
  node: Expression,
  context: MatchContext,
  found: (bound: Bindings) => boolean,
): boolean => {
  const search = new Search(context);
  return search.match(pattern, node, () => found(search.bound));
};

/** Calls `found` for every match of a pipeline pattern with stages of a chain from one on, and with where it ends. */
export const eachWindow = (
  patterns: ReadonlyArray<Pat>,
  stages: ReadonlyArray<Expression>,
  from: number,
  context: MatchContext,
  found: (bound: Bindings, end: number) => boolean,
): boolean => {
  const search = new Search(context);
  context.fuel--;
  return search.chain(patterns, stages, 0, from, (end) => found(search.bound, end));
};

/** The first match; `undefined` where there is none (or the fuel ran out before one was found). */
export const firstMatch = (
  pattern: Pat,
  node: Expression,
  context: MatchContext = matchContext(),
): Bindings | undefined => {
  let first: Bindings | undefined;
  eachMatch(pattern, node, context, (bound) => {
    first = new Map(bound);
    return true;
  });
  return first;
};

/** Every match, best first, at most a number of them. */
export const allMatches = (
  pattern: Pat,
  node: Expression,
  limit: number,
  context: MatchContext = matchContext(),
): ReadonlyArray<Bindings> => {
  const found: Array<Bindings> = [];
  if (limit < 1) return found;
  eachMatch(pattern, node, context, (bound) => found.push(new Map(bound)) >= limit);
  return found;
};
