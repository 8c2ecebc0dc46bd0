/**
 * Programs of the language as genomes: mutation and crossover whose every child passes the check.
 *
 * Not a search and not a grammar: an edit is proposed at a place of the tree, and it counts only if the checked program
 * still gives the seeds' type and needs no effect that no seed needs.
 * Invariant: every genome is a checked program of the seeds' type, within the number of nodes, with canonical symbols.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import {
  alphaDigest,
  app,
  canonical,
  checkAll,
  decodeProgram,
  encodeProgram,
  equalTypes,
  EXPRESSION_COSTS,
  isOpName,
  lit,
  movedInto,
  nodeCount,
  opNamed,
  optimiseExpression,
  placedNodes,
  print,
  programDigest,
  seq,
  showType,
  Symbols,
  Tag,
  values,
  withChildren,
} from "../../rmil/library.ts";
import type { Judgement, Placed, Program } from "../../rmil/library.ts";
import type { Made, Variation } from "../contract.ts";
import { badSetting, badState } from "../failures.ts";
import { checkedRate } from "./bits.ts";

type Expression = Program["root"];
type Type = Judgement["type"];

/** How two programs are told apart. */
export type ProgramIdentity = "names" | "class";

/** The name of a mutation of programs of the language. */
export type ExpressionMutation = "operator" | "insert" | "delete" | "hoist" | "graft" | "number";

/** The names of the mutations. */
export const EXPRESSION_MUTATIONS: ReadonlyArray<ExpressionMutation> = [
  "operator",
  "insert",
  "delete",
  "hoist",
  "graft",
  "number",
];

/** Settings of the variation of programs of the language. */
export interface ExpressionSettings {
  /** The programs that the first generation is mutated from; all give one type. */
  readonly seeds: ReadonlyArray<Program>;
  /** Types of inputs by name, as a check takes them. */
  readonly inputs?: { readonly [name: string]: Type };
  /** Names of the ops that may come in; those of the seeds where absent. */
  readonly operators?: ReadonlyArray<string>;
  /** Most nodes; 60 where absent. */
  readonly nodes?: number;
  /** Kinds of mutation to draw from, evenly; all where absent. */
  readonly mutations?: ReadonlyArray<ExpressionMutation>;
  /** Most mutations of a seed in the first generation, drawn evenly from 0 on; 3 where absent. */
  readonly drift?: number;
  /** Chance that a pair is crossed; 0.9 where absent. */
  readonly crossoverRate?: number;
  /**
   * Two programs are one if they differ in names of bound variables only (`names`, where absent), or also if the exact
   * laws of rewriting lead both to one smallest program (`class`): equal programs that they do not join stay two.
   */
  readonly identity?: ProgramIdentity;
}

/** Most nodes that the settings can allow. */
export const MAX_EXPRESSION_NODES = 10_000;

/** Edits proposed before a program is given back as it is. */
const MAX_PROPOSALS = 64;

/** Deviation of a changed number, as a share of its magnitude, and the least that it changes by in the mean. */
const NUMBER_STEP = 0.25;
const LEAST_STEP = 0.1;

/** How far rewriting is followed to tell whether two programs are one: a key has to be cheap beside an evaluation. */
const CLASS_LIMITS = { iterations: 16, nodes: 2_000, fuel: 200_000 };

const replacedAt = (root: Expression, indices: ReadonlyArray<number>, by: Expression, from: number = 0): Expression =>
  from === indices.length ? by : withChildren(
    root,
    root.children.with(indices[from], replacedAt(root.children[indices[from]], indices, by, from + 1)),
  );

/** What a mutation proposes from. */
interface Site {
  readonly root: Expression;
  readonly symbols: Symbols;
  readonly places: ReadonlyArray<Placed>;
  readonly operators: ReadonlyArray<number>;
  readonly donors: ReadonlyArray<Program>;
  readonly chance: Random;
}

/** A tree that may be wrong: what it is worth the check says. */
type Propose = (site: Site) => Expression | undefined;

const changedNumber = (value: Expression["value"], chance: Random): Expression["value"] | undefined => {
  const moved = (x: number) => x + chance.normal() * Math.max(LEAST_STEP, Math.abs(x) * NUMBER_STEP);
  switch (value.k) {
    case "F32":
      return values.f32(moved(values.toFloat32(value)));
    case "F64":
      return values.f64(moved(values.toFloat64(value)));
    case "I64": {
      const x = Number(values.toBigInt(value));
      const next = Math.round(moved(x));
      return Number.isSafeInteger(next)
        ? values.i64(next === x ? x + (chance.float() < 0.5 ? 1 : -1) : next)
        : undefined;
    }
    default:
      return undefined;
  }
};

const PROPOSALS: { readonly [Name in ExpressionMutation]: Propose } = {
  /** Another op takes the arguments. */
  operator: ({ root, places, operators, chance }) => {
    const open = places.filter(({ node }) => node.tag === Tag.App);
    if (open.length === 0) return undefined;
    const { node, indices } = chance.pick(open);
    return replacedAt(root, indices, app(chance.pick(operators), node.children));
  },
  /** An op takes what a place gives. */
  insert: ({ root, places, operators, chance }) => {
    const { node, indices } = chance.pick(places);
    return replacedAt(root, indices, seq(node, app(chance.pick(operators))));
  },
  /** One of its parts stands for the whole. */
  delete: ({ root, places, chance }) => {
    const open = places.filter(({ node }) => node.children.length > 0);
    if (open.length === 0) return undefined;
    const { node, indices } = chance.pick(open);
    return replacedAt(root, indices, chance.pick(node.children));
  },
  /** Something deep inside stands for the whole. */
  hoist: ({ root, places, chance }) => {
    const outer = chance.pick(places);
    const inner = [...placedNodes(outer.node)].slice(1);
    return inner.length === 0 ? undefined : replacedAt(root, outer.indices, chance.pick(inner).node);
  },
  /** A part of a seed takes the place. */
  graft: ({ root, symbols, places, donors, chance }) => {
    const donor = chance.pick(donors);
    const { node } = chance.pick([...placedNodes(donor.root)]);
    return replacedAt(root, chance.pick(places).indices, movedInto(symbols, { ...donor, root: node }));
  },
  /** A literal or the number of an attribute moves. */
  number: ({ root, places, chance }) => {
    const { node, indices } = chance.pick(places);
    if (node.tag === Tag.Lit) {
      const value = changedNumber(node.value, chance);
      return value === undefined ? undefined : replacedAt(root, indices, lit(value));
    }
    if (node.tag !== Tag.App || node.attributes.length === 0) return undefined;
    const at = chance.below(node.attributes.length);
    const value = changedNumber(node.attributes[at].value, chance);
    if (value === undefined) return undefined;
    const attributes = node.attributes.with(at, { ...node.attributes[at], value });
    return replacedAt(root, indices, app(node.code, node.children, attributes));
  },
};

/** What every genome has to be. */
interface Wanted {
  readonly type: Type;
  readonly rights: ReadonlySet<string>;
  readonly inputs: { readonly [name: string]: Type };
  readonly nodes: number;
}

const rightsOf = ({ effects, kinds }: Judgement): ReadonlyArray<string> => [...effects, ...kinds];

/** Why a program is no genome; undefined where it is one. */
const faultOf = ({ root, symbols }: Program, { type, rights, inputs, nodes }: Wanted): string | undefined => {
  if (nodeCount(root) > nodes) return `it has more than ${nodes} nodes`;
  const { judgement, faults } = checkAll(root, symbols, { inputs });
  if (judgement === undefined) return faults[0].failure.message;
  if (!equalTypes(judgement.type, type)) return `it gives ${showType(judgement.type)}, not ${showType(type)}`;
  const extra = rightsOf(judgement).find((right) => !rights.has(right));
  return extra === undefined ? undefined : `it needs ${extra}`;
};

/** The program that a proposal makes, with canonical symbols, if it is a genome and not the parent. */
const madeBy = (parent: Program, propose: (symbols: Symbols) => Expression | undefined, wanted: Wanted) => {
  try {
    const symbols = Symbols.of(parent.symbols.names);
    const root = propose(symbols);
    if (root === undefined || nodeCount(root) > wanted.nodes) return undefined;
    const child = canonical({ symbols, root });
    return faultOf(child, wanted) === undefined && programDigest(child) !== programDigest(parent) ? child : undefined;
  } catch (thrown) {
    // A tree that would be too deep or an application that cannot be is no child.
    if (isFailure(thrown)) return undefined;
    throw thrown;
  }
};

const wantedOf = ({ seeds, inputs = {}, nodes = 60 }: ExpressionSettings): Wanted => {
  const complain = (setting: string, wanted: string, found: string) =>
    badSetting({ setting, wanted, found, path: `/${setting}` });
  if (seeds.length === 0) throw complain("seeds", "one or more programs", "none");
  if (!(Number.isSafeInteger(nodes) && nodes >= 1 && nodes <= MAX_EXPRESSION_NODES)) {
    throw complain("nodes", `a whole number in 1 … ${MAX_EXPRESSION_NODES}`, String(nodes));
  }
  const judged = seeds.map(({ root, symbols }) => {
    const { judgement, faults } = checkAll(root, symbols, { inputs });
    if (judgement === undefined) throw complain("seeds", "programs that check", faults[0].failure.message);
    return judgement;
  });
  const wanted = { type: judged[0].type, rights: new Set(judged.flatMap(rightsOf)), inputs, nodes };
  for (const seed of seeds) {
    const fault = faultOf(seed, wanted);
    if (fault !== undefined) throw complain("seeds", "programs of one type within the number of nodes", fault);
  }
  return wanted;
};

const operatorsOf = ({ operators, seeds }: ExpressionSettings): ReadonlyArray<number> => {
  const unknown = operators?.find((name) => !isOpName(name));
  if (unknown !== undefined) {
    throw badSetting({ setting: "operators", wanted: "names of ops", found: unknown, path: "/operators" });
  }
  const named = operators?.map((name) => opNamed(name)!.code);
  const own = seeds.flatMap(({ root }) =>
    [...placedNodes(root)].filter(({ node }) => node.tag === Tag.App).map(({ node }) => node.code)
  );
  return [...new Set(named ?? own)].sort((a, b) => a - b);
};

const decodedProgram = (json: Json, wanted: Wanted): Program => {
  const refused = (reason: string) => badState({ reason: `a genome is not a program: ${reason}` });
  if (typeof json !== "string") throw refused("it is no text");
  let program: Program;
  try {
    program = decodeProgram(Uint8Array.fromBase64(json));
  } catch (thrown) {
    if (isFailure(thrown) || thrown instanceof SyntaxError) throw refused(thrown.message);
    throw thrown;
  }
  const fault = faultOf(program, wanted);
  if (fault !== undefined) throw refused(fault);
  return program;
};

/** A key that is computed once for each program. */
const remembered = (keyOf: (program: Program) => string) => {
  const known = new WeakMap<Program, string>();
  return (program: Program): string => {
    const key = known.get(program) ?? keyOf(program);
    known.set(program, key);
    return key;
  };
};

const IDENTITIES: { readonly [Name in ProgramIdentity]: (program: Program) => string } = {
  names: alphaDigest,
  class: ({ symbols, root }) =>
    alphaDigest({
      symbols,
      root: optimiseExpression(root, { cost: EXPRESSION_COSTS.nodes, limits: CLASS_LIMITS }).expression,
    }),
};

/** Variation of programs of the language; throws EVOLUTION_SETTING where the seeds do not check or do not fit. */
export const expressionVariation = (settings: ExpressionSettings): Variation<Program> => {
  const { mutations = EXPRESSION_MUTATIONS, drift = 3, identity = "names" } = settings;
  const wanted = wantedOf(settings);
  const operators = operatorsOf(settings);
  const donors = settings.seeds.map(canonical);
  const crossoverRate = checkedRate("crossoverRate", settings.crossoverRate ?? 0.9);
  if (!(Number.isSafeInteger(drift) && drift >= 0)) {
    throw badSetting({ setting: "drift", wanted: "a count", found: String(drift), path: "/drift" });
  }
  const open = mutations.filter((name) => operators.length > 0 || (name !== "operator" && name !== "insert"));
  if (open.length === 0) {
    throw badSetting({ setting: "mutations", wanted: "one or more that have ops", found: "none", path: "/mutations" });
  }
  const mutateBy = (parent: Program, chance: Random): Made<Program> => {
    const places = [...placedNodes(parent.root)];
    for (let tries = 0; tries < MAX_PROPOSALS; tries++) {
      const by = chance.pick(open);
      const propose = (symbols: Symbols) =>
        PROPOSALS[by]({ root: parent.root, symbols, places, operators, donors, chance });
      const genome = madeBy(parent, propose, wanted);
      if (genome !== undefined) return { genome, by };
    }
    return { genome: parent, by: "nothing" };
  };
  const grafted = (into: Program, from: Program, chance: Random): Program => {
    const [places, parts] = [[...placedNodes(into.root)], [...placedNodes(from.root)]];
    for (let tries = 0; tries < MAX_PROPOSALS; tries++) {
      const [place, part] = [chance.pick(places), chance.pick(parts)];
      // The whole for the whole is no crossing.
      if (place.indices.length + part.indices.length === 0) continue;
      const child = madeBy(into, (symbols) => {
        return replacedAt(into.root, place.indices, movedInto(symbols, { ...from, root: part.node }));
      }, wanted);
      if (child !== undefined) return child;
    }
    return into;
  };
  return {
    name: `expression(${donors.map(programDigest).join()} → ${showType(wanted.type)} of ${
      JSON.stringify(Object.entries(wanted.inputs).map(([name, type]) => [name, showType(type)]))
    }, ops ${operators.join()} ≤${wanted.nodes}, ${open.join()}, ${drift}, ${identity})×${crossoverRate}`,
    operators: { cross: "graft", mutate: "" },
    random: (chance) => {
      let program = chance.pick(donors);
      for (let steps = chance.below(drift + 1); steps > 0; steps--) program = mutateBy(program, chance).genome;
      return program;
    },
    mutate: (parent, chance) => mutateBy(parent, chance).genome,
    mutateBy,
    cross: (a, b, chance) => chance.float() < crossoverRate ? [grafted(a, b, chance), grafted(b, a, chance)] : [a, b],
    key: remembered(IDENTITIES[identity]),
    encode: (program) => encodeProgram(program).toBase64(),
    decode: (json) => decodedProgram(json, wanted),
  };
};

/** A program of the language as its source text. */
export const showProgram = ({ root, symbols }: Program): string => print(root, symbols);
