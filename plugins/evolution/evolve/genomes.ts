/**
 * Genomes: what can be evolved, as a caller describes it, and how each kind varies and is read by what scores it.
 *
 * Not the variation itself (operators/). Invariant: a genome that is scored is in the plain form of its kind: numbers, in
 * the bounds and of the length that were described.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import type { Json } from "../../../kernel/json.ts";
import { type GivenProgram, type Program, ProgramSource, type Type } from "../../rmil/library.ts";
import { nearest } from "../../../kernel/nearest.ts";
import { placed } from "../attempting.ts";
import type { Variation } from "../contract.ts";
import { badSetting } from "../failures.ts";
import { BIT_CROSSOVERS, type BitSettings, bitVariation } from "../operators/bits.ts";
import {
  PERMUTATION_CROSSOVERS,
  PERMUTATION_MOVES,
  type PermutationSettings,
  permutationVariation,
} from "../operators/permutation.ts";
import { REAL_CROSSOVERS, REAL_MUTATIONS, type RealSettings, realVariation } from "../operators/real.ts";
import { showTree, type Tree, type TreeSettings, type TreeSymbol, treeVariation } from "../operators/tree.ts";
import { type ExpressionSettings, expressionVariation, type ProgramIdentity } from "../operators/expression.ts";
import type { Problem } from "../problems/problem.ts";

/** Most variables of a genome of this operation. */
export const MAX_VARIABLES = 10_000;

const Length = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_VARIABLES }));

const Bound = Schema.Union([Schema.Finite, Schema.Array(Schema.Finite).check(Schema.isMaxLength(MAX_VARIABLES))]);

/** Settings of variation as a caller gives them. */
export type SettingsGiven = { readonly [name: string]: number | string };

/** Real vectors. */
interface RealsGiven {
  readonly reals: number;
  readonly lower: number | ReadonlyArray<number>;
  readonly upper: number | ReadonlyArray<number>;
}

/** Programs of the language, on the columns of examples. */
interface ProgramsGiven {
  readonly programs: ReadonlyArray<GivenProgram>;
  readonly operators?: ReadonlyArray<string>;
  readonly nodes?: number;
}

/** Trees of symbols with types. */
type TreeGiven = Pick<TreeSettings, "symbols" | "result" | "depth" | "nodes">;

/** Most symbols of trees. */
export const MAX_SYMBOLS = 256;

/** Ops that come into programs where none are named: those on numbers, row by row. */
export const USUAL_OPERATORS: ReadonlyArray<string> = [
  ...["add", "sub", "mul", "div", "neg", "abs", "max", "min", "exp", "log", "sqrt", "pow", "sin", "cos"],
];

/** What is evolved, as a caller describes it. */
export type GenomeGiven =
  | RealsGiven
  | { readonly bits: number }
  | { readonly permutation: number }
  | { readonly tree: TreeGiven }
  | ProgramsGiven;

/** Most programs that a search begins with. */
export const MAX_SEEDS = 32;

/** Nodes of a program where nothing is said. */
export const DEFAULT_NODES = 30;

const Name = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(80));

const SymbolGiven: Schema.Codec<TreeSymbol> = Schema.Struct({
  name: Name,
  result: Name.annotate({ description: "the type that it gives" }),
  operands: Schema.optionalKey(
    Schema.Array(Name).check(Schema.isMaxLength(16)).annotate({
      description: "the types that it takes; none of a leaf",
    }),
  ),
  constant: Schema.optionalKey(
    Schema.Tuple([Schema.Finite, Schema.Finite]).annotate({
      description: "of a leaf that holds a number: the least and the most",
    }),
  ),
}) as unknown as Schema.Codec<TreeSymbol>;

/** Schema of {@link GenomeGiven}. */
export const GenomeGiven: Schema.Codec<GenomeGiven> = Schema.Union([
  Schema.Struct({
    reals: Length.annotate({ description: "how many real numbers" }),
    lower: Bound.annotate({ description: "least value, of all or of each" }),
    upper: Bound.annotate({ description: "largest value, of all or of each" }),
  }),
  Schema.Struct({ bits: Length.annotate({ description: "how many bits" }) }),
  Schema.Struct({ permutation: Length.annotate({ description: "an order of the numbers from 0 to below this" }) }),
  Schema.Struct({
    tree: Schema.Struct({
      symbols: Schema.Array(SymbolGiven).check(Schema.isMinLength(1), Schema.isMaxLength(MAX_SYMBOLS)).annotate({
        description: "what may stand at nodes",
      }),
      result: Name.annotate({ description: "the type that the whole tree gives" }),
      depth: Schema.optionalKey(Schema.Int.annotate({ description: "deepest tree; 8 where absent" })),
      nodes: Schema.optionalKey(Schema.Int.annotate({ description: "most nodes; 200 where absent" })),
    }).annotate({ description: "trees of symbols with types: a module scores them, as {name, value?, operands?}" }),
  }),
  Schema.Struct({
    programs: Schema.Array(ProgramSource).check(Schema.isMinLength(1), Schema.isMaxLength(MAX_SEEDS)).annotate({
      description: "programs that the search begins with; they read the columns of examples by name",
    }),
    operators: Schema.optionalKey(
      Schema.Array(Schema.String).check(Schema.isMinLength(1)).annotate({
        description: `ops that may come in; ${USUAL_OPERATORS.join(", ")} where absent`,
      }),
    ),
    nodes: Schema.optionalKey(
      Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)).annotate({
        description: `most nodes; ${DEFAULT_NODES} where absent`,
      }),
    ),
  }),
]) as unknown as Schema.Codec<GenomeGiven>;

/** How programs may be told apart. */
const PROGRAM_IDENTITIES: ReadonlyArray<ProgramIdentity> = ["names", "class"];

/** How a setting of a variation may be given: a number, or one of some names. */
type SettingRule = "number" | ReadonlyArray<string>;

/** A genome ready to be evolved. */
export interface GenomePlan {
  /** Its kind. */
  readonly kind: "reals" | "bits" | "permutation" | "tree" | "programs";
  /** How many numbers it has; 0 of trees and programs. */
  readonly length: number;
  /** Its variation; erased, as each kind has genomes of its own. */
  readonly variation: Variation<unknown>;
  /** Bounds of real vectors. */
  readonly bounds?: { readonly lower: Float64Array; readonly upper: Float64Array };
}

const RULES: { readonly [Kind in GenomePlan["kind"]]: { readonly [setting: string]: SettingRule } } = {
  reals: {
    crossover: REAL_CROSSOVERS,
    crossoverRate: "number",
    spread: "number",
    mutation: REAL_MUTATIONS,
    mutationRate: "number",
    step: "number",
  },
  bits: { crossover: BIT_CROSSOVERS, crossoverRate: "number", mutationRate: "number" },
  permutation: {
    crossover: PERMUTATION_CROSSOVERS,
    crossoverRate: "number",
    mutation: PERMUTATION_MOVES,
    mutationRate: "number",
  },
  tree: { crossoverRate: "number", mutationRate: "number" },
  programs: { drift: "number", crossoverRate: "number", identity: PROGRAM_IDENTITIES },
};

/** Settings whose names and kinds are among the rules; throws EVOLUTION_SETTING at their place of the input. */
export const checkedSettings = <S>(
  given: SettingsGiven,
  rules: { readonly [setting: string]: SettingRule },
  path: string,
): S => {
  for (const [name, value] of Object.entries(given)) {
    const at = `${path}/${name}`;
    if (!Object.hasOwn(rules, name)) {
      const [near] = nearest(name, Object.keys(rules), 1);
      throw badSetting({
        setting: name,
        wanted: `one of ${Object.keys(rules).join(", ") || "none"}`,
        found: "a setting that is not known here",
        path: at,
        fix: near === undefined ? { summary: "Leave it out", patch: [{ op: "remove", path: at }] } : {
          summary: `Call it ${near}`,
          patch: [{ op: "remove", path: at }, { op: "add", path: `${path}/${near}`, value }],
        },
      });
    }
    const rule = rules[name];
    const fits = rule === "number" ? typeof value === "number" : rule.includes(value as string);
    if (fits) continue;
    const wanted = rule === "number" ? "a number" : `one of ${rule.join(", ")}`;
    const near = rule === "number" ? undefined : nearest(String(value), rule, 1)[0] ?? rule[0];
    throw badSetting({
      setting: name,
      wanted,
      found: JSON.stringify(value),
      path: at,
      ...(near === undefined
        ? {}
        : { fix: { summary: `Use ${near}`, patch: [{ op: "replace", path: at, value: near }] } }),
    });
  }
  return given as S;
};

/** A bound for every variable. −0, which JSON cannot keep apart, becomes 0. */
const boundOf = (given: number | ReadonlyArray<number>, count: number): Float64Array =>
  typeof given === "number" ? new Float64Array(count).fill(given + 0) : Float64Array.from(given, (value) => value + 0);

const NOTHING = { seeds: [], inputs: {} };

const TREE_PLACES: { readonly [path: string]: string } = {
  "/symbols": "/over/tree/symbols",
  "/depth": "/over/tree/depth",
  "/nodes": "/over/tree/nodes",
};

/** Where a setting of bounds or of variation stands in the input: a bound of all stands alone. */
const placeOf = (given: GenomeGiven) => (path: string): string => {
  const [, name, at] = path.split("/");
  if ("tree" in given && path in TREE_PLACES) return TREE_PLACES[path];
  if (name === "operators") return "/over/operators";
  // Seeds were checked before, but for their size.
  if (name === "nodes" || name === "seeds") return "/over/nodes";
  if (name !== "lower" && name !== "upper") return path.startsWith("/variation/") ? path : `/variation${path}`;
  const isOne = "reals" in given && typeof given[name] === "number";
  return isOne || at === undefined ? `/over/${name}` : `/over/${name}/${at}`;
};

const realsOf = (given: RealsGiven) => {
  const bounds = { lower: boundOf(given.lower, given.reals), upper: boundOf(given.upper, given.reals) };
  const side = bounds.lower.length === given.reals ? "upper" : "lower";
  const count = bounds[side].length;
  if (count === given.reals) return bounds;
  throw badSetting({
    setting: `the ${side} bounds`,
    wanted: `one number, or ${given.reals} of them`,
    found: `${count} of them`,
    path: `/${side}`,
  });
};

/**
 * A described genome, ready; throws EVOLUTION_SETTING at its place of the input. Programs have been read before, and
 * checked on their inputs.
 */
export const planGenome = (
  given: GenomeGiven,
  settings: SettingsGiven = {},
  began: { readonly seeds: ReadonlyArray<Program>; readonly inputs: { readonly [name: string]: Type } } = NOTHING,
): GenomePlan => {
  const own = <S>(kind: GenomePlan["kind"]) => checkedSettings<S>(settings, RULES[kind], "/variation");
  return placed(placeOf(given), (): GenomePlan => {
    if ("reals" in given) {
      const bounds = realsOf(given);
      const variation = realVariation(bounds, own<RealSettings>("reals")) as Variation<unknown>;
      return { kind: "reals", length: given.reals, variation, bounds };
    }
    if ("bits" in given) {
      const variation = bitVariation(given.bits, own<BitSettings>("bits")) as Variation<unknown>;
      return { kind: "bits", length: given.bits, variation };
    }
    if ("tree" in given) {
      const rates = own<Pick<TreeSettings, "crossoverRate" | "mutationRate">>("tree");
      return { kind: "tree", length: 0, variation: treeVariation({ ...given.tree, ...rates }) as Variation<unknown> };
    }
    if ("programs" in given) {
      const { nodes = DEFAULT_NODES, operators = USUAL_OPERATORS } = given;
      const settings = own<Pick<ExpressionSettings, "drift" | "crossoverRate" | "identity">>("programs");
      const variation = expressionVariation({ ...began, nodes, operators, ...settings });
      return { kind: "programs", length: 0, variation: variation as Variation<unknown> };
    }
    const length = given.permutation;
    const variation = permutationVariation(length, own<PermutationSettings>("permutation")) as Variation<unknown>;
    return { kind: "permutation", length, variation };
  });
};

/** The genome of a problem of the literature. */
export const genomeOfProblem = ({ lower, upper }: Problem): GenomeGiven => ({
  reals: lower.length,
  lower: [...lower],
  upper: [...upper],
});

/** A genome as what scores it has it: numbers, bits as zeros and ones, a tree, or a program's bytes in base64. */
export type Plain = Json;

/** The plain form of a genome, from its JSON. */
export const plainOf = ({ kind }: GenomePlan, encoded: Json): Plain => {
  return kind === "bits" ? Array.from(encoded as string, Number) : encoded;
};

/** A tree of its JSON as text. */
export const writtenTree = (encoded: Json): string => showTree(withOperands(encoded as unknown as Partial<Tree>));

/** In JSON a leaf has no operands at all. */
const withOperands = ({ name, value, operands = [] }: Partial<Tree>): Tree => ({
  name: name!,
  ...(value === undefined ? {} : { value }),
  operands: operands.map(withOperands),
});
