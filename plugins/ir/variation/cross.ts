/**
 * Cross: a program made of the nodes of two others, with the signature of the first.
 *
 * Not a mixture of weights: structures are recombined, and each value keeps where it came from as far as it can.
 * Invariant: the child has passed the checks and differs from both parents; whatever a node of one parent reads that the
 * child does not hold is read from a value of the same type, or from one fitted to it.
 *
 * @module
 */
import type { Digest } from "../../../kernel/digest.ts";
import type { Random } from "../../../kernel/random.ts";
import { type FunctionBuilder, ProgramBuilder, type Value } from "../builder.ts";
import { type Bindings, symbolsOf } from "../dimension.ts";
import { isIrFailure, noVariation, unknownVariation } from "../failures.ts";
import { functionOf, type IrFunction, type Program, valueTypes } from "../graph.ts";
import { programDigest } from "../hash.ts";
import { substituteAttributes } from "../infer.ts";
import { parameterSizes } from "../check.ts";
import { sameType, substituteType, type TensorType } from "../types.ts";
import { fit } from "./fit.ts";
import { MAX_TRIES } from "./mutate.ts";
import { liveNodes, withoutDead } from "./rebuild.ts";
import { makers } from "./regions.ts";

/** The kinds of crossover. */
export const CROSSOVERS = {
  singlePoint: "The first's nodes up to a point, the second's from a point of its own.",
  twoPoint: "The first's nodes, those between two points replaced by a stretch of the second's.",
  uniform: "At each place a node of the one or of the other, by chance.",
  subgraph: "What the second computes a value from takes the place of a value of the first.",
} as const;

/** The name of a kind of crossover. */
export type CrossoverName = keyof typeof CROSSOVERS;

/** Names of the kinds. */
export const CROSSOVER_NAMES: ReadonlyArray<CrossoverName> = Object.keys(CROSSOVERS) as ReadonlyArray<CrossoverName>;

/** How to cross. */
export interface CrossOptions {
  /** Kinds to draw from; all where absent. */
  readonly kinds?: ReadonlyArray<string>;
}

/** Where a child came from. */
export interface CrossoverRecord {
  /** The kind. */
  readonly kind: CrossoverName;
  /** What was taken from where, in words. */
  readonly detail: string;
  /** Digests of the parents; the first gave the signature. */
  readonly parents: readonly [Digest, Digest];
  /** Digest of the child. */
  readonly child: Digest;
}

/** One parent, while the child is built. */
class Parent {
  readonly fn: IrFunction;
  readonly types: ReadonlyArray<TensorType>;
  readonly nodes: ReadonlyArray<number>;
  readonly makerOf: ReadonlyArray<number | undefined>;
  /** Values of this parent that the child holds, by number. */
  readonly held = new Map<number, Value>();

  constructor(program: Program, readonly sizes: Bindings, readonly renamed: ReadonlyMap<string, string>) {
    this.fn = functionOf(program);
    this.types = valueTypes(this.fn).map((type) => substituteType(type, sizes));
    this.nodes = liveNodes(this.fn);
    this.makerOf = makers(this.fn);
  }
}

/** The child under construction. */
class Child {
  private readonly pool: Value[] = [];

  constructor(readonly g: FunctionBuilder, readonly draws: Random) {}

  /** Lets a value be read in place of others. */
  offer(value: Value): void {
    this.pool.push(value);
  }

  /** What stands for a value of a parent: itself, or one of its type (mostly a late one), or one fitted to it. */
  read(parent: Parent, number: number): Value {
    const held = parent.held.get(number);
    if (held !== undefined) return held;
    const type = parent.types[number];
    const same = this.pool.filter((value) => sameType(value.type, type));
    const from = same.length > 0 ? same : this.pool;
    const chosen = from.length === 0
      ? this.g.full(type, 0)
      : from[Math.max(...[0, 1].map(() => this.draws.below(from.length)))];
    const made = fit(this.g, chosen, type);
    parent.held.set(number, made);
    return made;
  }

  /** Emits a node of a parent. */
  take(parent: Parent, index: number): void {
    const node = parent.fn.nodes[index];
    const operands = node.operands.map((operand) => this.read(parent, operand));
    const attributes = substituteAttributes(node.op, node.attributes, parent.sizes);
    const functions = node.functions.map((name) => parent.renamed.get(name) ?? name);
    const emit = () => this.g.emitNode(node.op, operands, attributes, functions);
    const made = node.location === undefined ? emit() : this.g.at(node.location, emit);
    const first = parent.makerOf.indexOf(index);
    made.forEach((value, i) => {
      parent.held.set(first + i, value);
      this.offer(value);
    });
  }
}

type Recombination = (child: Child, a: Parent, b: Parent) => string | undefined;

const cut = (draws: Random, nodes: ReadonlyArray<number>): number => draws.below(nodes.length + 1);

const RECOMBINE: { readonly [K in CrossoverName]: Recombination } = {
  singlePoint: (child, a, b) => {
    const [at, from] = [cut(child.draws, a.nodes), cut(child.draws, b.nodes)];
    a.nodes.slice(0, at).forEach((node) => child.take(a, node));
    b.nodes.slice(from).forEach((node) => child.take(b, node));
    // The second's results, or values like them, are the child's.
    b.fn.returns.slice(0, a.fn.returns.length).forEach((value, i) => {
      const mine = a.fn.returns[i];
      a.held.set(mine, fit(child.g, child.read(b, value), a.types[mine]));
    });
    return `${at} nodes of the first, then the second's from ${from}`;
  },
  twoPoint: (child, a, b) => {
    const [start, end] = [cut(child.draws, a.nodes), cut(child.draws, a.nodes)].sort((x, y) => x - y);
    const [from, to] = [cut(child.draws, b.nodes), cut(child.draws, b.nodes)].sort((x, y) => x - y);
    if (to === from) return undefined;
    a.nodes.slice(0, start).forEach((node) => child.take(a, node));
    b.nodes.slice(from, to).forEach((node) => child.take(b, node));
    a.nodes.slice(end).forEach((node) => child.take(a, node));
    return `${start} to ${end} of the first replaced by ${from} to ${to} of the second`;
  },
  uniform: (child, a, b) => {
    let fromSecond = 0;
    const length = Math.max(a.nodes.length, b.nodes.length);
    for (let i = 0; i < length; i++) {
      const second = child.draws.below(2) === 1;
      const parent = second ? b : a;
      if (i >= parent.nodes.length) continue;
      child.take(parent, parent.nodes[i]);
      if (second) fromSecond++;
    }
    return `${fromSecond} of ${length} places from the second`;
  },
  subgraph: (child, a, b) => {
    const valuesOf = (parent: Parent) =>
      parent.types.flatMap((_, value) => parent.nodes.includes(parent.makerOf[value] ?? -1) ? [value] : []);
    const [mine, theirs] = [valuesOf(a), valuesOf(b)];
    if (mine.length === 0 || theirs.length === 0) return undefined;
    const place = child.draws.pick(mine);
    const same = theirs.filter((value) => sameType(b.types[value], a.types[place]));
    const graft = child.draws.pick(same.length > 0 ? same : theirs);
    const needed = sliceOf(b, graft);
    const after = a.nodes.indexOf(a.makerOf[place]!) + 1;
    a.nodes.slice(0, after).forEach((node) => child.take(a, node));
    needed.forEach((node) => child.take(b, node));
    a.held.set(place, fit(child.g, child.read(b, graft), a.types[place]));
    a.nodes.slice(after).forEach((node) => child.take(a, node));
    return `%${place} of the first becomes %${graft} of the second, ${needed.length} nodes`;
  },
};

/** The nodes that a value of a parent is computed by. */
const sliceOf = (parent: Parent, value: number): ReadonlyArray<number> => {
  const needed = new Set([value]);
  return parent.nodes.toReversed().filter((index) => {
    const first = parent.makerOf.indexOf(index);
    const { operands, results } = parent.fn.nodes[index];
    if (!results.some((_, i) => needed.has(first + i))) return false;
    operands.forEach((operand) => needed.add(operand));
    return true;
  }).reverse();
};

/** Sizes of the second parent by those of the first: names that both have stay, others become the first's in turn. */
const sizesOf = (a: IrFunction, b: IrFunction): Bindings => {
  const known = [...new Set([...parameterSizes(a), ...a.sizes])];
  const names = new Set([
    ...b.sizes,
    ...b.parameters.flatMap(({ type }) => type.shape.flatMap((size) => symbolsOf(size))),
  ]);
  let next = 0;
  return new Map(
    [...names].map((name) =>
      [name, known.includes(name) ? name : known.length > 0 ? known[next++ % known.length] : 1] as const
    ),
  );
};

const combine = (
  a: Program,
  b: Program,
  kind: CrossoverName,
  draws: Random,
): readonly [Program, string] | undefined => {
  const made = new ProgramBuilder();
  for (const fn of a.functions.values()) if (fn.name !== a.entry) made.add(fn);
  made.reserve(a.entry);
  const renamed = new Map<string, string>();
  for (const fn of b.functions.values()) {
    if (fn.name === b.entry) continue;
    renamed.set(fn.name, made.fresh(fn.name));
    const nodes = fn.nodes.map((node) => ({ ...node, functions: node.functions.map((name) => renamed.get(name)!) }));
    made.add({ ...fn, name: renamed.get(fn.name)!, nodes });
  }
  const entry = functionOf(a);
  const g = made.open(a.entry, { where: entry.constraints, sizes: entry.sizes });
  const child = new Child(g, draws);
  const first = new Parent(a, new Map(), new Map());
  const second = new Parent(b, sizesOf(entry, functionOf(b)), renamed);
  entry.parameters.forEach(({ name, type }, i) => {
    const value = g.parameter(name, type);
    first.held.set(i, value);
    child.offer(value);
  });
  // Parameters of the second are those of the same name and type, others are chosen by type.
  second.fn.parameters.forEach(({ name }, i) => {
    const same = entry.parameters.findIndex((own, k) => own.name === name && sameType(first.types[k], second.types[i]));
    if (same >= 0) second.held.set(i, first.held.get(same)!);
  });
  const detail = RECOMBINE[kind](child, first, second);
  if (detail === undefined) return undefined;
  const results = entry.returns.map((value) => child.read(first, value));
  made.add(g.function(results, { live: true }));
  return [withoutDead(made.build(a.entry)), detail];
};

/**
 * A child of two programs and the record of where it came from; throws `IR_NO_VARIATION` where none differs from both.
 */
export const cross = (
  a: Program,
  b: Program,
  draws: Random,
  options: CrossOptions = {},
): { readonly program: Program; readonly record: CrossoverRecord } => {
  const asked = options.kinds ?? CROSSOVER_NAMES;
  const unknown = asked.find((kind) => !Object.hasOwn(CROSSOVERS, kind));
  if (unknown !== undefined) {
    throw unknownVariation({ kind: unknown, known: CROSSOVER_NAMES, path: `/kinds/${asked.indexOf(unknown)}` });
  }
  const parents = [programDigest(a), programDigest(b)] as const;
  const plain = [a, b].map((parent) => programDigest(withoutDead(parent)));
  for (let tries = 0; tries < MAX_TRIES && asked.length > 0; tries++) {
    const kind = draws.pick(asked) as CrossoverName;
    try {
      const made = combine(a, b, kind, draws);
      if (made === undefined) continue;
      const child = programDigest(made[0]);
      if (parents.includes(child) || plain.includes(child)) continue;
      return { program: made[0], record: { kind, detail: made[1], parents, child } };
    } catch (thrown) {
      if (!isIrFailure(thrown)) throw thrown;
    }
  }
  throw noVariation({ kinds: asked, ...(options.kinds === undefined ? {} : { path: "/kinds" }) });
};
