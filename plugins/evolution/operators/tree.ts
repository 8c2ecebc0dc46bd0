/**
 * Trees: typed expression trees as genomes, grown, crossed and mutated within a depth and a number of nodes.
 *
 * Not what a tree means: {@link foldTree} hands every node to the caller.
 * Sources: Koza 1992 (grow, full, ramped half-and-half, subtree crossover and mutation); Montana 1995 (typed);
 * Kinnear 1994 (hoist); McKay, Willis, Barton 1995 (point).
 * Invariant: every node has as many operands as its symbol takes, each of the type that stands there; no tree is deeper
 * or larger than the limits.
 *
 * @module
 */
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Made, Variation } from "../contract.ts";
import { badSetting, badState } from "../failures.ts";
import { checkedRate } from "./bits.ts";

/** A node with its operands. */
export interface Tree {
  /** The symbol's name. */
  readonly name: string;
  /** The constant, where the symbol is one. */
  readonly value?: number;
  /** The operands. */
  readonly operands: ReadonlyArray<Tree>;
}

/** What may stand at a node. */
export interface TreeSymbol {
  /** Its name, unique among the symbols. */
  readonly name: string;
  /** The type that it gives. */
  readonly result: string;
  /** The types that it takes; empty for a leaf. */
  readonly operands?: ReadonlyArray<string>;
  /** For a leaf that holds a number: between which numbers it is drawn. */
  readonly constant?: readonly [least: number, most: number];
}

/** The name of a mutation of trees. */
export type TreeMutation = "subtree" | "point" | "hoist";

/** The names of the mutations. */
export const TREE_MUTATIONS: ReadonlyArray<TreeMutation> = ["subtree", "point", "hoist"];

/** Settings of the variation of trees. */
export interface TreeSettings {
  /** What may stand at nodes. */
  readonly symbols: ReadonlyArray<TreeSymbol>;
  /** The type that the whole tree gives. */
  readonly result: string;
  /** Deepest tree, a leaf being 1 deep; 8 where absent. */
  readonly depth?: number;
  /** Most nodes; 200 where absent. */
  readonly nodes?: number;
  /** Least and most depth asked of trees drawn without parents; 2 to 4 where absent, within the deepest. */
  readonly drawn?: readonly [least: number, most: number];
  /** Kinds of mutation to draw from, evenly; all where absent. */
  readonly mutations?: ReadonlyArray<TreeMutation>;
  /** Chance that a pair is crossed; 0.9 where absent. */
  readonly crossoverRate?: number;
  /** Chance that a child is mutated; 0.3 where absent. */
  readonly mutationRate?: number;
}

/** Deepest tree that the settings can allow. */
export const MAX_TREE_DEPTH = 64;

/** Most nodes that the settings can allow. */
export const MAX_TREE_NODES = 10_000;

/** Deepest tree that replaces a node in a subtree mutation. */
const NEW_DEPTH = 4;

/** Chance that a crossover is at a node with operands, where both parents have one that fits (Koza). */
const INNER_SHARE = 0.9;

/** Deviation of a changed constant, as a share of its range. */
const CONSTANT_STEP = 0.1;

/** Folds a tree from its leaves up. */
export const foldTree = <A>(tree: Tree, at: (node: Tree, operands: ReadonlyArray<A>) => A): A =>
  at(tree, tree.operands.map((operand) => foldTree(operand, at)));

/** The nodes of a tree. */
export const treeSize = (tree: Tree): number =>
  foldTree<number>(tree, (_, sizes) => sizes.reduce((sum, size) => sum + size, 1));

/** How deep a tree is; 1 for a leaf. */
export const treeDepth = (tree: Tree): number =>
  foldTree<number>(tree, (_, depths) => 1 + depths.reduce((most, depth) => Math.max(most, depth), 0));

/** A tree as text: `add(mul(x, 2), y)`. */
export const showTree = (tree: Tree): string =>
  foldTree<string>(tree, ({ name, value }, operands) => {
    const own = value === undefined ? name : `${name}:${value}`;
    return operands.length === 0 ? own : `${own}(${operands.join(", ")})`;
  });

/** A node with its place and the type that it gives. */
interface Spot {
  readonly node: Tree;
  readonly type: string;
  /** Places of the operands on the way from the root. */
  readonly path: ReadonlyArray<number>;
  readonly size: number;
  readonly height: number;
}

const replacedAt = (tree: Tree, path: ReadonlyArray<number>, by: Tree, from: number = 0): Tree =>
  from === path.length ? by : {
    ...tree,
    operands: tree.operands.with(path[from], replacedAt(tree.operands[path[from]], path, by, from + 1)),
  };

/** The symbols of a variation, by name and by type, with the least trees of each type. */
class Grammar {
  readonly byName: ReadonlyMap<string, TreeSymbol>;
  readonly byType: ReadonlyMap<string, ReadonlyArray<TreeSymbol>>;
  /** The depth of the shallowest tree of each type. */
  readonly leastDepth: ReadonlyMap<string, number>;
  /** The nodes of the smallest tree that a type's shallowest symbols give. */
  readonly leastNodes: ReadonlyMap<string, number>;

  constructor(symbols: ReadonlyArray<TreeSymbol>) {
    this.byName = new Map(symbols.map((symbol) => [symbol.name, symbol]));
    this.byType = Map.groupBy(symbols, ({ result }) => result);
    const depth = new Map<string, number>();
    // A type's depth is known one round after the types it is made of, so there are as many rounds as types.
    this.leastDepth = depth;
    for (let round = 0; round < this.byType.size; round++) {
      for (const symbol of symbols) {
        const deep = this.depthUnder(symbol);
        if (deep < (depth.get(symbol.result) ?? Infinity)) depth.set(symbol.result, deep);
      }
    }
    const nodes = new Map<string, number>();
    this.leastNodes = nodes;
    for (const [type, least] of [...depth].sort(([, a], [, b]) => a - b)) {
      nodes.set(type, Math.min(...this.fitting(type, least).map((symbol) => this.nodesUnder(symbol))));
    }
  }

  /** The depth of the shallowest tree under a symbol. */
  depthUnder({ operands = [] }: TreeSymbol): number {
    return 1 + operands.reduce((most, type) => Math.max(most, this.leastDepth.get(type) ?? Infinity), 0);
  }

  /** The nodes of the smallest of the shallowest trees under a symbol. */
  nodesUnder({ operands = [] }: TreeSymbol): number {
    return operands.reduce((sum, type) => sum + this.leastNodes.get(type)!, 1);
  }

  /** Symbols of a type under which a tree of a depth can stand. */
  fitting(type: string, depth: number): ReadonlyArray<TreeSymbol> {
    return (this.byType.get(type) ?? []).filter((symbol) => this.depthUnder(symbol) <= depth);
  }

  /** A tree of a type, at most as deep; a full one branches wherever it can until it is. */
  grown(type: string, depth: number, isFull: boolean, chance: Random): Tree {
    const open = this.fitting(type, depth);
    const branching = isFull ? open.filter(({ operands = [] }) => operands.length > 0) : [];
    const symbol = chance.pick(branching.length > 0 ? branching : open);
    const operands = (symbol.operands ?? []).map((own) => this.grown(own, depth - 1, isFull, chance));
    return { ...leafOf(symbol, chance), operands };
  }

  /** A tree of a type within a depth and a number of nodes: of those that are too large none is taken. */
  drawn(type: string, depth: number, nodes: number, isFull: boolean, chance: Random): Tree {
    const least = this.leastDepth.get(type)!;
    for (let deepest = Math.max(depth, least); deepest >= least; deepest--) {
      const tree = this.grown(type, deepest, isFull, chance);
      if (treeSize(tree) <= nodes) return tree;
    }
    return this.smallest(type, chance);
  }

  /** The smallest of the shallowest trees of a type. */
  smallest(type: string, chance: Random): Tree {
    const nodes = this.leastNodes.get(type);
    const symbol = this.fitting(type, this.leastDepth.get(type)!).find((own) => this.nodesUnder(own) === nodes)!;
    return {
      ...leafOf(symbol, chance),
      operands: (symbol.operands ?? []).map((operand) => this.smallest(operand, chance)),
    };
  }

  /** All nodes, each before its operands. */
  spots(tree: Tree, type: string, path: ReadonlyArray<number> = []): ReadonlyArray<Spot> {
    const types = this.byName.get(tree.name)!.operands ?? [];
    const below = tree.operands.map((operand, k) => this.spots(operand, types[k], [...path, k]));
    return [
      {
        node: tree,
        type,
        path,
        size: below.reduce((sum, own) => sum + own[0].size, 1),
        height: 1 + below.reduce((most, own) => Math.max(most, own[0].height), 0),
      },
      ...below.flat(),
    ];
  }
}

const leafOf = ({ name, constant }: TreeSymbol, chance: Random): { readonly name: string; readonly value?: number } =>
  constant === undefined ? { name } : { name, value: constant[0] + chance.float() * (constant[1] - constant[0]) + 0 };

interface Limits {
  readonly result: string;
  readonly depth: number;
  readonly nodes: number;
}

type Mutate = (tree: Tree, grammar: Grammar, limits: Limits, chance: Random) => Tree;

const isSame = (a: ReadonlyArray<string> = [], b: ReadonlyArray<string> = []): boolean =>
  a.length === b.length && a.every((type, k) => type === b[k]);

const MUTATIONS: { readonly [Name in TreeMutation]: Mutate } = {
  /** A node makes way for a new tree of its type. */
  subtree: (tree, grammar, { result, depth, nodes }, chance) => {
    const all = grammar.spots(tree, result);
    const { path, type, size } = chance.pick(all);
    const deepest = Math.min(NEW_DEPTH, depth - path.length);
    const room = nodes - (all[0].size - size);
    if (grammar.leastDepth.get(type)! > deepest || grammar.leastNodes.get(type)! > room) return tree;
    return replacedAt(tree, path, grammar.drawn(type, deepest, room, false, chance));
  },
  /** A node gets another symbol of the same types, or another number near its own. */
  point: (tree, grammar, { result }, chance) => {
    const { node, path } = chance.pick(grammar.spots(tree, result));
    const own = grammar.byName.get(node.name)!;
    const others = grammar.byType.get(own.result)!.filter((symbol) =>
      isSame(symbol.operands, own.operands) && (symbol !== own || own.constant !== undefined)
    );
    if (others.length === 0) return tree;
    const next = chance.pick(others);
    if (next !== own) return replacedAt(tree, path, { ...leafOf(next, chance), operands: node.operands });
    const [least, most] = own.constant!;
    const value = node.value! + CONSTANT_STEP * (most - least) * chance.normal();
    return replacedAt(tree, path, { ...node, value: Math.min(most, Math.max(least, value)) + 0 });
  },
  /** A node makes way for one of the same type below it, so that the tree shrinks. */
  hoist: (tree, grammar, { result }, chance) => {
    const all = grammar.spots(tree, result);
    const pairs = all.flatMap((outer) => {
      const inner = all.filter(({ type, path }) =>
        type === outer.type && path.length > outer.path.length && isPrefix(outer.path, path)
      );
      return inner.length === 0 ? [] : [{ outer, inner }];
    });
    if (pairs.length === 0) return tree;
    const { outer, inner } = chance.pick(pairs);
    return replacedAt(tree, outer.path, chance.pick(inner).node);
  },
};

const isPrefix = (start: ReadonlyArray<number>, path: ReadonlyArray<number>): boolean =>
  start.every((step, k) => step === path[k]);

/** Exchanges two subtrees of one type, such that both children keep the limits; the parents where there are none. */
const crossed = (
  a: Tree,
  b: Tree,
  grammar: Grammar,
  { result, depth, nodes }: Limits,
  chance: Random,
): readonly [Tree, Tree] => {
  const [first, second] = [grammar.spots(a, result), grammar.spots(b, result)];
  const isInner = ({ node }: Spot) => node.operands.length > 0;
  const wantsInner = chance.float() < INNER_SHARE;
  const fits = (own: Spot, other: Spot): boolean =>
    own.type === other.type && own.path.length + other.path.length > 0 &&
    own.path.length + other.height <= depth && other.path.length + own.height <= depth &&
    first[0].size - own.size + other.size <= nodes && second[0].size - other.size + own.size <= nodes;
  for (const own of chance.shuffle(first).sort((x, y) => wantsInner ? Number(isInner(y)) - Number(isInner(x)) : 0)) {
    const open = second.filter((other) => fits(own, other));
    if (open.length === 0) continue;
    const inner = wantsInner ? open.filter(isInner) : [];
    const other = chance.pick(inner.length > 0 ? inner : open);
    return [replacedAt(a, own.path, other.node), replacedAt(b, other.path, own.node)];
  }
  return [a, b];
};

const encoded = (tree: Tree): Json =>
  foldTree<Json>(tree, ({ name, value }, operands) => ({
    name,
    ...(value === undefined ? {} : { value }),
    ...(operands.length === 0 ? {} : { operands }),
  }));

const decodedTree = (json: Json, grammar: Grammar, type: string, depth: number): Tree => {
  if (depth === 0) throw badState({ reason: "a genome is a tree that is too deep" });
  const symbol = isJsonObject(json) && typeof json.name === "string" ? grammar.byName.get(json.name) : undefined;
  if (!isJsonObject(json) || symbol === undefined || symbol.result !== type) {
    throw badState({ reason: `a genome is not a tree of known symbols that gives ${type}` });
  }
  const { operands = [], value } = json;
  const types = symbol.operands ?? [];
  if (!Array.isArray(operands) || operands.length !== types.length) {
    throw badState({ reason: `${symbol.name} in a genome has not ${types.length} operands` });
  }
  const [least, most] = symbol.constant ?? [];
  const isRight = symbol.constant === undefined
    ? value === undefined
    : typeof value === "number" && value >= least! && value <= most!;
  if (!isRight) throw badState({ reason: `${symbol.name} in a genome has not the number it should have` });
  return {
    name: symbol.name,
    ...(typeof value === "number" ? { value } : {}),
    operands: operands.map((operand: Json, k) => decodedTree(operand, grammar, types[k], depth - 1)),
  };
};

const checked = (settings: TreeSettings, depth: number, nodes: number, [least, most]: readonly [number, number]) => {
  const complain = (setting: string, wanted: string, found: string) => {
    throw badSetting({ setting, wanted, found, path: `/${setting}` });
  };
  const isCount = (value: number, limit: number) => Number.isSafeInteger(value) && value >= 1 && value <= limit;
  if (!isCount(depth, MAX_TREE_DEPTH)) complain("depth", `a whole number in 1 … ${MAX_TREE_DEPTH}`, String(depth));
  if (!isCount(nodes, MAX_TREE_NODES)) complain("nodes", `a whole number in 1 … ${MAX_TREE_NODES}`, String(nodes));
  if (!(isCount(least, most) && isCount(most, depth))) {
    complain("drawn", `two depths that ascend, in 1 … ${depth}`, `[${least}, ${most}]`);
  }
  const { symbols, mutations = TREE_MUTATIONS } = settings;
  const names = new Set(symbols.map(({ name }) => name));
  if (names.size !== symbols.length) complain("symbols", "of different names", "some alike");
  const wrong = symbols.find(({ constant, operands = [] }) =>
    constant !== undefined && !(operands.length === 0 && constant[0] <= constant[1] && constant.every(Number.isFinite))
  );
  if (wrong !== undefined) complain("symbols", "constants that are leaves with finite bounds that ascend", wrong.name);
  if (mutations.length === 0) complain("mutations", "one or more", "none");
  const grammar = new Grammar(symbols);
  const [shallow, small] = [grammar.leastDepth.get(settings.result), grammar.leastNodes.get(settings.result)];
  if (!(shallow !== undefined && shallow <= depth && small! <= nodes)) {
    complain("symbols", `such that a tree of ${settings.result} fits the limits`, `${symbols.length} that give none`);
  }
  return grammar;
};

/** Variation of typed trees; throws EVOLUTION_SETTING where no tree of the wanted type fits the limits. */
export const treeVariation = (settings: TreeSettings): Variation<Tree> => {
  const { symbols, result, depth = 8, nodes = 200, mutations = TREE_MUTATIONS } = settings;
  const drawn = settings.drawn ?? [Math.min(2, depth), Math.min(4, depth)];
  const grammar = checked(settings, depth, nodes, drawn);
  const limits = { result, depth, nodes };
  const crossoverRate = checkedRate("crossoverRate", settings.crossoverRate ?? 0.9);
  const mutationRate = checkedRate("mutationRate", settings.mutationRate ?? 0.3);
  const mutateBy = (parent: Tree, chance: Random): Made<Tree> => {
    if (chance.float() >= mutationRate) return { genome: parent, by: "nothing" };
    const by = chance.pick(mutations);
    return { genome: MUTATIONS[by](parent, grammar, limits, chance), by };
  };
  return {
    name: `tree(${JSON.stringify([symbols, result, depth, nodes, drawn, mutations])})×${crossoverRate}×${mutationRate}`,
    operators: { cross: "subtree exchange", mutate: "" },
    random: (chance) => {
      const deepest = drawn[0] + chance.below(drawn[1] - drawn[0] + 1);
      return grammar.drawn(result, deepest, nodes, chance.float() < 0.5, chance);
    },
    mutate: (parent, chance) => mutateBy(parent, chance).genome,
    mutateBy,
    cross: (a, b, chance) => chance.float() < crossoverRate ? crossed(a, b, grammar, limits, chance) : [a, b],
    key: showTree,
    encode: encoded,
    decode: (json) => {
      const tree = decodedTree(json, grammar, result, depth);
      if (treeSize(tree) > nodes) throw badState({ reason: `a genome is a tree of more than ${nodes} nodes` });
      return tree;
    },
  };
};
