/**
 * Apply: an application judged: its operands placed as the interpreter places them, then its rule or its lowering.
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import { EVALUATIONS } from "../evaluation.ts";
import { type Expression, Tag } from "../expression.ts";
import { badTerm, missingOperand, wrongOperand } from "../interpreter/failures.ts";
import { isTermPlace, makesProgram, type Place, placeOperands, takesPrograms } from "../interpreter/operands.ts";
import { holdsNoTerm } from "../interpreter/terms.ts";
import { type TensorOperand, tensorProgram } from "../lowering/tensor_op.ts";
import { bindArguments, type Bound } from "../ops/arguments.ts";
import { OPERAND_KINDS, type OperandRow, type OpRow } from "../ops/row.ts";
import { type Judge, showKnown } from "./judge.ts";
import { type Known, knownTensor, knownTuple, knownValue, type Scope, TERM_KNOWN } from "./known.ts";
import { RULES } from "./rules.ts";
import type { Walk } from "./walk.ts";

/** One application, ready to be judged. */
export interface JudgedCall {
  /** The check. */
  readonly judge: Judge;
  /** The op. */
  readonly row: OpRow;
  /** Operands in row order; optional ones may be absent. */
  readonly operands: ReadonlyArray<Known | undefined>;
  /** Arguments of a repeated operand. */
  readonly rest: ReadonlyArray<Known>;
  /** Parameters given as arguments. */
  readonly given: ReadonlyMap<string, Known>;
  /** Attributes given. */
  readonly attributes: Bound["attributes"];
  /** Path of the application. */
  readonly path: string;
  /** Where each operand comes from. */
  readonly places: ReadonlyArray<Place>;
  /** Names bound around the application. */
  readonly scope: Scope | undefined;
}

/** What is known of an expression quoted as a term: a literal is its value, an application a compound. */
const quoted = (judge: Judge, row: OpRow, node: Expression, scope: Scope | undefined): Known => {
  const bound = node.tag === Tag.Ref ? judge.lookup(node.code, scope) : undefined;
  if (takesPrograms(row)) {
    if (bound?.k === "Program") return bound;
    if (makesProgram(node) || holdsNoTerm(node)) return { k: "Program", program: undefined };
  }
  if (holdsNoTerm(node)) throw badTerm({ op: row.name, reason: "it holds a form that is no term" });
  if (bound?.k === "Function" || bound?.k === "Buffer") {
    throw badTerm({ op: row.name, reason: "a function or buffer is no term", actual: showKnown(bound) });
  }
  if (node.tag === Tag.Lit) return knownValue(node.value);
  const isCompound = (node.tag === Tag.App && node.children.length > 0) ||
    (node.tag === Tag.Call && node.children.length > 1);
  return isCompound ? TERM_KNOWN : judge.fresh.unknown();
};

function* fromArgument(
  judge: Judge,
  row: OpRow,
  operand: OperandRow,
  node: Expression,
  input: Known | undefined,
  scope: Scope | undefined,
  path: string,
): Walk {
  if (operand.takes === "function") return yield* judge.callable(node, scope, path, input);
  if (isTermPlace(row, operand)) return quoted(judge, row, node, scope);
  if (operand.takes === "program" && !makesProgram(node)) {
    const bound = node.tag === Tag.Ref ? judge.lookup(node.code, scope) : undefined;
    return bound?.k === "Program" || bound?.k === "Unknown" ? bound : { k: "Program", program: node };
  }
  return taken(judge, operand, yield judge.judge(node, input, scope, path, false));
}

/** A value for an operand; where any value is taken, it may be one of several kinds. */
const taken = (judge: Judge, operand: OperandRow, known: Known): Known =>
  operand.takes === "any" ? known : judge.needOne(known);

const fromInput = (judge: Judge, row: OpRow, operand: OperandRow, known: Known, path: string): Known => {
  if (operand.takes === "function") return judge.function(known, path);
  if (isTermPlace(row, operand) && (known.k === "Function" || known.k === "Buffer")) {
    throw badTerm({ op: row.name, reason: "a function or buffer is no term", actual: showKnown(known) });
  }
  return taken(judge, operand, known);
};

/** Judges an application of a row's op on the pipeline's input. */
export function* judgeOp(
  judge: Judge,
  row: OpRow,
  node: Expression,
  input: Known | undefined,
  scope: Scope | undefined,
  path: string,
): Walk {
  const { bound, places } = yield* placed(judge, row, node, input, scope, path);
  judge.tally.uses.add(row.effect);
  const items = input?.k === "Tuple" ? input.items : undefined;
  const operands: Array<Known | undefined> = [];
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    const operand = row.operands[i];
    if (place === undefined) operands.push(undefined);
    else if (place === "input") operands.push(fromInput(judge, row, operand, input!, path));
    else if ("item" in place) {
      operands.push(fromInput(judge, row, operand, items?.[place.item] ?? judge.fresh.unknown(), path));
    } else {
      const argument = bound.operands[place.argument]!;
      const at = `${path}/args/${node.children.indexOf(argument)}`;
      const held = operands.filter((known) => known !== undefined);
      operands.push(
        yield* judge.tally.holding(held, () => fromArgument(judge, row, operand, argument, input, scope, at)),
      );
    }
  }
  const rest: Known[] = [];
  const repeated = row.operands.at(-1);
  for (let i = 0; i < bound.rest.length; i++) {
    const at = `${path}/args/${places.length + i}`;
    rest.push(taken(judge, repeated!, yield judge.judge(bound.rest[i], input, scope, at, false)));
  }
  if (repeated?.repeats === true && rest.length === 0) {
    if (input === undefined) throw missingOperand({ op: row.name, operand: repeated.name });
    rest.push(...(items ?? [input]));
  }
  const given = new Map<string, Known>();
  for (const [name, argument] of bound.parameters) {
    const at = `${path}/args/${node.children.indexOf(argument)}`;
    given.set(name, judge.needOne(yield judge.judge(argument, input, scope, at, false)));
  }
  return yield* judgeCall({ judge, row, operands, rest, given, attributes: bound.attributes, path, places, scope });
}

function* judgeCall(call: JudgedCall): Walk {
  try {
    const rule = RULES[call.row.name];
    if (rule === undefined) return judgeTensorOp(call);
    const made = rule(call);
    return "k" in made ? made : yield* made;
  } catch (thrown) {
    if (isFailure(thrown)) call.judge.faults.arisen(thrown, call);
    throw thrown;
  }
}

/** Judges the arguments of an application that cannot be judged itself, for what is wrong with them. */
function* judgeArguments(
  judge: Judge,
  row: OpRow,
  node: Expression,
  input: Known | undefined,
  scope: Scope | undefined,
  path: string,
): Walk<void> {
  // Arguments that are handed over or quoted are not run here.
  if (row.operands.some(({ takes }) => takes === "function" || takes === "program" || takes === "term")) return;
  for (let i = 0; i < node.children.length; i++) {
    yield judge.judge(node.children[i], input, scope, `${path}/args/${i}`, false);
  }
}

/** Where the operands come from; what cannot be placed is refused after a look at the arguments. */
function* placed(
  judge: Judge,
  row: OpRow,
  node: Expression,
  input: Known | undefined,
  scope: Scope | undefined,
  path: string,
): Walk<{ readonly bound: Bound; readonly places: ReadonlyArray<Place> }> {
  try {
    const bound = bindArguments(row, node, judge.nameOf);
    const spread = input?.k === "Unknown" || input?.k === "Many"
      ? spreadOf(row, bound)
      : input?.k === "Tuple"
      ? input.items.length
      : undefined;
    return { bound, places: placeOperands(row, bound, input !== undefined, spread) };
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    yield* judgeArguments(judge, row, node, input, scope, path);
    throw thrown;
  }
}

/** How many operands an unknown input may have to fill. */
const spreadOf = (row: OpRow, bound: Bound): number => {
  const given = bound.operands.filter((operand) => operand !== undefined).length;
  return row.operands.filter((operand) => !operand.optional && !operand.repeats).length - given;
};

const operandOf = (row: OpRow, operand: OperandRow | undefined, known: Known): TensorOperand => {
  if (known.k === "Scalar") return { dtype: known.dtype, shape: [], weak: true };
  if (known.k === "Tensor") return { dtype: known.dtype, shape: known.shape, weak: known.shape.length === 0 };
  const [takes, found] = [OPERAND_KINDS[operand?.takes ?? "number"], showKnown(known)];
  throw wrongOperand({
    op: row.name,
    operand: operand?.name ?? "operand",
    takes,
    found,
    expected: takes,
    actual: found,
  });
};

/** Judges a tensor op by the program it lowers to. */
export const judgeTensorOp = (call: JudgedCall): Known => {
  const { judge, row, operands, rest, given, attributes, path } = call;
  const isUnknown = (known: Known | undefined): boolean => known?.k === "Unknown";
  if (operands.some(isUnknown) || rest.some(isUnknown) || [...given.values()].some(isUnknown)) {
    judge.tally.exact = false;
    judge.tally.peak = undefined;
    return judge.fresh.unknown();
  }
  const made = tensorProgram({
    row,
    operands: operands.map((known, i) => known && operandOf(row, row.operands[i], known)),
    rest: rest.map((known) => operandOf(row, row.operands.at(-1), known)),
    given: new Map([...given].map(([name, known]) => [name, operandOf(row, undefined, known)])),
    attributes,
    training: judge.training,
  });
  judge.tally.add(made, path, new Set(given.keys()));
  const results = made.results.map(({ dtype, shape }) => knownTensor(dtype, shape));
  return made.tuple ? knownTuple(results) : results[0];
};

/** Whether an op has a rule of its own or a lowering: what the test of completeness asks. */
export const isJudged = (name: string): boolean => RULES[name] !== undefined || EVALUATIONS[name] === undefined;
