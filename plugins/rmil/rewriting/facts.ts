/**
 * Facts: what is certain about an expression without running it, as bits that laws ask for.
 *
 * Not inference (check.ts): a fact that is not certain from the node and its children is not claimed.
 * Invariant: facts only ever grow with the children's facts, so an e-graph may join what equal terms know.
 *
 * @module
 */
import { DTYPES } from "../dtype.ts";
import { type Expression, Tag } from "../expression.ts";
import { opOf } from "../opcodes.ts";
import type { OpRow } from "../ops/row.ts";
import type { Value } from "../value.ts";

/** Facts and their bits. */
export const Fact = {
  /** Its value depends on its input and on names alone; running it twice changes nothing else. Not said of a stage. */
  pure: 1,
  /** It neither observes nor causes anything whose order against other work matters. Not said of a stage. */
  orderFree: 2,
  /** It means the same as a stage and elsewhere: it names or makes no function that a stage would apply. */
  data: 4,
  /** Its value is a number or a tensor of numbers. */
  number: 8,
  /** Its value is a float or a tensor of floats. */
  float: 16,
  /** Its value is an f32, scalar or tensor. */
  f32: 32,
  /** Its value is an f64, scalar or tensor. */
  f64: 64,
  /** Its value is an i64 scalar. */
  i64: 128,
  /** It certainly has a value, whatever its input is. Not said of a stage. */
  total: 256,
} as const;

/** The name of a fact. */
export type FactName = keyof typeof Fact;

/** Several facts as one number. */
export const factBits = (names: ReadonlyArray<FactName>): number => names.reduce((bits, name) => bits | Fact[name], 0);

const CALM = Fact.pure | Fact.orderFree;
const OF_VALUE = Fact.number | Fact.float | Fact.f32 | Fact.f64 | Fact.i64;
const OF_DTYPE = { f32: Fact.f32, f64: Fact.f64 } as const;

const literalFacts = (value: Value): number => {
  const known = CALM | Fact.data | Fact.total;
  switch (value.k) {
    case "I64":
      return known | Fact.number | Fact.i64;
    case "F32":
      return known | Fact.number | Fact.float | Fact.f32;
    case "F64":
      return known | Fact.number | Fact.float | Fact.f64;
    case "Tensor": {
      const dtype = value.dtype;
      if (dtype === "b1") return known;
      const float = DTYPES[dtype].float ? Fact.float : 0;
      return known | Fact.number | float | (dtype === "f32" || dtype === "f64" ? OF_DTYPE[dtype] : 0);
    }
    default:
      return known;
  }
};

const meet = (facts: ReadonlyArray<number>): number => facts.reduce((bits, more) => bits & more, ~0);

/** Families whose ops only compute; those of the others talk, remember or handle programs as data. */
const COMPUTING: ReadonlySet<string> = new Set(["Neural", "Control", "Math", "Memory"]);
const UNORDERED: ReadonlySet<string> = new Set(["pure", "random", "statistics"]);

const takesFunctions = (row: OpRow): boolean => row.operands.some(({ takes }) => takes === "function");

/** How calm an op itself is, before its arguments. */
const ownCalm = (row: OpRow): number => {
  if (!COMPUTING.has(row.family)) return 0;
  if (row.effect === "pure" && row.parameters.length === 0) return CALM;
  return UNORDERED.has(row.effect) ? Fact.orderFree : 0;
};

/** What the result's notation promises of a value. */
const resultFacts = (row: OpRow): number => {
  if (row.result.startsWith("float")) return Fact.number | Fact.float;
  return row.result.startsWith("number") ? Fact.number : 0;
};

const applicationFacts = (node: Expression, children: ReadonlyArray<number>): number => {
  const row = opOf(node.code);
  if (row === undefined) return 0;
  const inner = meet(children);
  // A name that is handed over, or stands where a stage is run, may be called, and what that does is not known here.
  const knowsCallees = !takesFunctions(row) ||
    children.every((facts, index) => node.children[index].tag === Tag.Lam || (facts & Fact.data) !== 0);
  const calm = knowsCallees ? ownCalm(row) & inner : 0;
  const data = row.result === "function" ? 0 : Fact.data;
  const whole = row.family === "Math" && children.length === row.operands.length;
  return calm | data | resultFacts(row) | (whole ? inner & (Fact.float | Fact.f32 | Fact.f64) : 0);
};

/** What holds of a child, where it is run as a stage. */
const asStage = (facts: number): number => (facts & Fact.data) === 0 ? facts & OF_VALUE : facts;

/** Facts of a node from those of its children, in wire order. */
export const nodeFacts = (node: Expression, children: ReadonlyArray<number>): number => {
  const inner = meet(children);
  const [first = 0, second = 0, third = 0] = children;
  const last = children.at(-1) ?? 0;
  switch (node.tag) {
    case Tag.Lit:
      return literalFacts(node.value);
    case Tag.Ref:
      return CALM;
    case Tag.App:
      return applicationFacts(node, children);
    case Tag.Seq:
      return (first & asStage(second) & CALM) | (first & Fact.data) | (second & OF_VALUE);
    case Tag.Par:
      return inner & (CALM | Fact.data | Fact.total);
    case Tag.Cond:
      return (asStage(first) & second & third & CALM) | (second & third & (OF_VALUE | Fact.data));
    case Tag.Let:
      return (inner & CALM) | (last & (OF_VALUE | Fact.data));
    case Tag.Lam:
      return (asStage(first) & CALM) | Fact.total;
    case Tag.Block:
      return children.length === 0 ? 0 : (inner & (CALM | Fact.data)) | (last & OF_VALUE);
    default:
      return 0;
  }
};

/** Facts of expressions, each node's worked out once. */
export class FactTable {
  readonly #known = new WeakMap<Expression, number>();

  /** Facts of an expression. */
  of(node: Expression): number {
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const facts = nodeFacts(node, node.children.map((child) => this.of(child)));
    this.#known.set(node, facts);
    return facts;
  }
}
