/**
 * Places: where a sub-expression may be replaced by an equal one, and where its spelling is part of the meaning.
 *
 * Equal expressions are not always interchangeable: a literal argument may bind to an attribute where an expression of
 * the same value binds to an operand; a lambda or a name in a function's place is applied where a stage is run; and an
 * argument that is data (a quoted program, a term) is what it spells.
 * Invariant: replacing within these rules never changes which argument binds where.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";
import { opOf } from "../opcodes.ts";

/**
 * `free`: any equal expression; `bound`: one that is a lambda exactly where the other is, since a bound lambda sees its
 * own name; `kept`: one of the same syntactic kind; `quoted`: nothing else, inside either.
 */
export type Place = "free" | "bound" | "kept" | "quoted";

/** Syntactic kinds that the rules of binding tell apart. */
export const SYNTAXES = ["literal", "name", "lambda", "maker", "other"] as const;

/** A syntactic kind; a maker is an op that gives a function. */
export type Syntax = typeof SYNTAXES[number];

/** The syntactic kind of an expression; tensor literals bind as expressions do. */
export const syntaxOf = (node: Expression): Syntax => {
  if (node.tag === Tag.Lit) return node.value.k === "Tensor" ? "other" : "literal";
  if (node.tag === Tag.Ref) return "name";
  if (node.tag === Tag.Lam) return "lambda";
  return node.tag === Tag.App && opOf(node.code)?.result === "function" ? "maker" : "other";
};

const known = new Map<number, Place>();

/** The families whose arguments may be data. */
const HANDLES_DATA: ReadonlySet<string> = new Set(["Symbolic", "Meta", "Agent"]);

const argumentPlace = (opcode: number): Place => {
  const row = opOf(opcode);
  if (row === undefined || HANDLES_DATA.has(row.family)) return "quoted";
  if (row.operands.some(({ takes }) => takes === "program" || takes === "term")) return "quoted";
  const positional = row.attributes.some(({ named }) => named !== true);
  return positional || row.operands.some(({ takes }) => takes === "function") ? "kept" : "free";
};

/** The place of every argument of an op. */
export const placeOfArguments = (opcode: number): Place => {
  const place = known.get(opcode) ?? argumentPlace(opcode);
  known.set(opcode, place);
  return place;
};

/** The place of a node's child. */
export const placeOf = (node: Expression, index: number): Place => {
  if (node.tag === Tag.App) return placeOfArguments(node.code);
  if (node.tag === Tag.Call) return "kept";
  return node.tag === Tag.Let && index === 0 ? "bound" : "free";
};

/** Whether an expression may stand where another did. */
export const mayReplace = (place: Place, before: Expression, after: Expression): boolean =>
  place === "free" || (place === "kept" && syntaxOf(before) === syntaxOf(after)) ||
  (place === "bound" && (before.tag === Tag.Lam) === (after.tag === Tag.Lam));

/** The op whose answer is the running program: what contains it has a meaning that any change of spelling changes. */
const SELF_REFERENCE = 0x0505;

/** Whether a program asks for itself. */
export const namesItself = (root: Expression): boolean => {
  const seen = new Set<Expression>();
  const visit = (node: Expression): boolean => {
    if (seen.has(node)) return false;
    seen.add(node);
    return (node.tag === Tag.App && node.code === SELF_REFERENCE) || node.children.some(visit);
  };
  return visit(root);
};
