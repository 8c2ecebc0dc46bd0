/**
 * Operands: an application's arguments evaluated, quoted or handed over as their operands want them, the pipeline's input
 * put where operands are missing, and the op run.
 *
 * @module
 */
import { EVALUATIONS } from "../evaluation.ts";
import { type Expression, lit, Tag, withChildren } from "../expression.ts";
import { missingOperand, wrongOperand } from "./failures.ts";
import { opOf } from "../opcodes.ts";
import { bindArguments, type Bound } from "../ops/arguments.ts";
import { OPERAND_KINDS, type OperandRow, type OpRow } from "../ops/row.ts";
import type { Machine } from "./machine.ts";
import { describeValue, type Environment, isPlain, type RunValue } from "./run_value.ts";
import { runTensorOp } from "./tensors.ts";
import { boundSymbols, seesBinding } from "../tools/scope.ts";
import { holdsNoTerm, termOf, termOfValue } from "./terms.ts";
import type { Steps } from "./work.ts";

/** Where each operand comes from: an argument's index, an item of the input, the whole input, or nowhere. */
export type Place = { readonly argument: number } | { readonly item: number } | "input" | undefined;

/**
 * Assigns arguments and the pipeline's input to operands. `spread` is the number of items of a tuple input, and
 * `undefined` for any other; `hasInput` tells whether there is one.
 */
export const placeOperands = (
  row: OpRow,
  bound: Bound,
  hasInput: boolean,
  spread: number | undefined,
): ReadonlyArray<Place> => {
  const places = bound.operands.length;
  const given = bound.operands.filter((operand) => operand !== undefined).length;
  const required = row.operands.flatMap((operand, i) =>
    operand.optional === true || operand.repeats === true ? [] : [i]
  );
  const own: Place[] = Array.from({ length: places }, (_, i) => i < given ? { argument: i } : undefined);
  if (required.every((i) => i < given)) return own;
  const piped = row.operands.findIndex(({ name }) => name === row.piped);
  const missing = (i: number) =>
    missingOperand({ op: row.name, operand: row.operands[i].name, expected: row.operands[i].name });
  if (!hasInput || piped < 0) throw missing(required.find((i) => i >= given)!);
  const order = own.map((_, i) => i).filter((i) => i !== piped);
  const made: Place[] = own.map(() => undefined);
  order.slice(0, given).forEach((i, argument) => made[i] = { argument });
  made[piped] = "input";
  const others = required.filter((i) => made[i] === undefined);
  if (others.length === 0) return made;
  const wanted = [piped, ...others].sort((a, b) => a - b);
  if (spread !== wanted.length) throw missing(others[0]);
  wanted.forEach((i, item) => made[i] = { item });
  return made;
};

/** One application, ready to run. */
export interface OpCall {
  /** The run. */
  readonly machine: Machine;
  /** The op. */
  readonly row: OpRow;
  /** Operands in row order; optional ones may be absent. */
  readonly operands: ReadonlyArray<RunValue | undefined>;
  /** Arguments of a repeated operand. */
  readonly rest: ReadonlyArray<RunValue>;
  /** Parameters given as arguments. */
  readonly given: ReadonlyMap<string, RunValue>;
  /** Attributes given. */
  readonly attributes: Bound["attributes"];
  /** Path of the application. */
  readonly path: string;
}

/** Whether an argument in this place is quoted as a term. */
export const isTermPlace = (row: OpRow, operand: OperandRow): boolean =>
  operand.takes === "term" || (row.family === "Symbolic" && operand.takes === "any" && row.name !== "bind");

/** Whether an expression makes a program, so that it is run even where programs are quoted. */
export const makesProgram = (node: Expression): boolean =>
  node.tag === Tag.App && opOf(node.code)?.result === "program";

/** Ops whose operands are terms or programs: patterns look alike for both. */
const TERMS_OR_PROGRAMS: ReadonlySet<string> = new Set(["match", "rewrite"]);

/** Whether an op's quoted arguments may be programs as well as terms. */
export const takesPrograms = (row: OpRow): boolean => TERMS_OR_PROGRAMS.has(row.name);

/** A quoted argument that may be a program: what makes or names one is that one, a form that is no term is itself. */
function* quotedArgument(
  machine: Machine,
  row: OpRow,
  node: Expression,
  input: RunValue | undefined,
  environment: Environment | undefined,
  path: string,
): Steps {
  if (makesProgram(node)) return yield machine.evaluate(node, input, environment, path, false);
  const bound = node.tag === Tag.Ref ? machine.lookup(node.code, environment) : undefined;
  if (bound?.k === "Program") return bound;
  const quoted = withBound(machine, node, environment);
  if (holdsNoTerm(node)) return { k: "Program", program: quoted };
  return { k: "Term", term: termOf(machine, row.name, node, environment), quoted };
}

/** A quoted expression with names that are bound to data or programs replaced by these. */
const withBound = (machine: Machine, node: Expression, environment: Environment | undefined): Expression => {
  if (node.tag === Tag.Ref) {
    const bound = machine.lookup(node.code, environment);
    if (bound === undefined) return node;
    return bound.k === "Program" ? bound.program : isPlain(bound) ? lit(bound) : node;
  }
  // Names bound inside are the quotation's own.
  const inner = boundSymbols(node).reduce<Environment | undefined>(
    (outer, sym) => ({ sym, value: UNREAD, outer }),
    environment,
  );
  const children = node.children.map((child, i) =>
    withBound(machine, child, seesBinding(node, i) ? inner : environment)
  );
  return children.every((child, i) => child === node.children[i]) ? node : withChildren(node, children);
};

/** What stands for a name of the quotation's own: no data, so that the name stays. */
const UNREAD: RunValue = { k: "Buffer", id: 0 };

function* fromArgument(
  machine: Machine,
  row: OpRow,
  operand: OperandRow,
  node: Expression,
  input: RunValue | undefined,
  environment: Environment | undefined,
  path: string,
): Steps {
  if (operand.takes === "function") return yield* machine.callable(node, environment, path, input);
  if (takesPrograms(row)) return yield* quotedArgument(machine, row, node, input, environment, path);
  if (isTermPlace(row, operand)) return { k: "Term", term: termOf(machine, row.name, node, environment) };
  if (operand.takes === "program" && !makesProgram(node)) {
    const bound = node.tag === Tag.Ref ? machine.lookup(node.code, environment) : undefined;
    return bound?.k === "Program" ? bound : { k: "Program", program: node };
  }
  return yield machine.evaluate(node, input, environment, path, false);
}

const fromInput = (machine: Machine, row: OpRow, operand: OperandRow, value: RunValue, path: string): RunValue => {
  if (operand.takes === "function") return machine.function(value, path);
  if (takesPrograms(row) && value.k === "Program") return value;
  if (isTermPlace(row, operand)) return { k: "Term", term: termOfValue(machine, row.name, value) };
  if (operand.takes === "program" && value.k !== "Program" && isPlain(value)) {
    throw wrongOperand({
      op: row.name,
      operand: operand.name,
      takes: OPERAND_KINDS.program,
      found: describeValue(value),
    });
  }
  return value;
};

/** Runs an application of a row's op on the pipeline's input. */
export function* applyOp(
  machine: Machine,
  row: OpRow,
  node: Expression,
  input: RunValue | undefined,
  environment: Environment | undefined,
  path: string,
): Steps {
  const bound = bindArguments(row, node, machine.nameOf);
  const items = input?.k === "Tuple" ? input.items : undefined;
  const places = placeOperands(row, bound, input !== undefined, items?.length);
  const operands: Array<RunValue | undefined> = [];
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    const operand = row.operands[i];
    if (place === undefined) operands.push(undefined);
    else if (place === "input") operands.push(fromInput(machine, row, operand, input!, path));
    else if ("item" in place) operands.push(fromInput(machine, row, operand, items![place.item], path));
    else {
      const argument = bound.operands[place.argument]!;
      const at = `${path}/args/${node.children.indexOf(argument)}`;
      operands.push(yield* fromArgument(machine, row, operand, argument, input, environment, at));
    }
  }
  const rest: RunValue[] = [];
  for (let i = 0; i < bound.rest.length; i++) {
    rest.push(yield machine.evaluate(bound.rest[i], input, environment, `${path}/args/${places.length + i}`, false));
  }
  const repeated = row.operands.at(-1)?.repeats === true ? row.operands.at(-1) : undefined;
  if (repeated !== undefined && rest.length === 0) {
    if (input === undefined) throw missingOperand({ op: row.name, operand: repeated.name });
    rest.push(...(items ?? [input]));
  }
  const given = new Map<string, RunValue>();
  for (const [name, argument] of bound.parameters) {
    const at = `${path}/args/${node.children.indexOf(argument)}`;
    given.set(name, yield machine.evaluate(argument, input, environment, at, false));
  }
  const call: OpCall = { machine, row, operands, rest, given, attributes: bound.attributes, path };
  const evaluate = EVALUATIONS[row.name];
  const made = evaluate === undefined ? runTensorOp(call) : evaluate(call);
  return "k" in made ? made : yield* made;
}
