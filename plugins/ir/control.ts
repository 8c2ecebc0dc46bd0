/**
 * Control: the four nodes that run functions: `call`, `if`, `while` and `scan`.
 *
 * Not their evaluation (evaluate.ts): here is what they take and make.
 * Invariant: the functions they run are closed; what such a function uses from outside it is passed, values as operands
 * and sizes that no parameter determines in the attribute `sizes`.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { type Bindings, type Dimension, substitute } from "./dimension.ts";
import { badAttribute, wrongCount, wrongDtype, wrongShape } from "./failures.ts";
import { type Attributes, type IrFunction, returnTypes } from "./graph.ts";
import { Axis, Size, Sizes } from "./primitive.ts";
import { type DimensionSolver, matchDimensions } from "./solver.ts";
import { printType, printTypes, type Shape, substituteType, type TensorType, tensorType } from "./types.ts";

/** A control node as its rule sees it. */
export interface ControlNode {
  /** Its name. */
  readonly op: string;
  /** Operand types. */
  readonly types: ReadonlyArray<TensorType>;
  /** Decoded attributes. */
  readonly attributes: Attributes;
  /** The functions it runs. */
  readonly functions: ReadonlyArray<IrFunction>;
  /** What is known of the sizes. */
  readonly solver: DimensionSolver;
}

/** What is known of a control node. */
export interface Control {
  /** What it does. */
  readonly doc: string;
  /** What its functions are for, in order. */
  readonly functions: ReadonlyArray<string>;
  /** Schema of its attributes. */
  readonly attributes: Schema.Codec<unknown, unknown>;
  /** Attributes that hold dimensions. */
  readonly sizes: ReadonlyArray<string>;
  /** Types of its results. */
  readonly result: (node: ControlNode) => ReadonlyArray<TensorType>;
}

const struct = (fields: { readonly [name: string]: Schema.Codec<unknown, unknown> }): Control["attributes"] =>
  Schema.Struct({ ...fields, sizes: Sizes }) as unknown as Control["attributes"];

const sizesOf = (node: ControlNode): ReadonlyArray<Dimension> => node.attributes.sizes as ReadonlyArray<Dimension>;

/** Sizes a function's names have when it is given arguments; throws when the arguments do not fit. */
export const bindCall = (
  op: string,
  fn: IrFunction,
  args: ReadonlyArray<TensorType>,
  sizes: ReadonlyArray<Dimension>,
  solver: DimensionSolver,
): Bindings => {
  if (args.length !== fn.parameters.length) {
    throw wrongCount({
      op: `${op} @${fn.name}`,
      of: "arguments",
      count: fn.parameters.length,
      found: args.length,
      expected: fn.parameters.length,
      actual: args.length,
    });
  }
  if (sizes.length !== fn.sizes.length) {
    throw wrongCount({ op: `${op} @${fn.name}`, of: "sizes", count: fn.sizes.length, found: sizes.length });
  }
  const pairs = fn.parameters.flatMap(({ name, type }, index) => {
    const actual = args[index];
    const where = { expected: printType(type), actual: printType(actual) };
    if (actual.dtype !== type.dtype) {
      throw wrongDtype({
        op: `${op} @${fn.name}`,
        operand: printType(actual),
        reason: `parameter ${name} is ${printType(type)}`,
        ...where,
      });
    }
    if (actual.shape.length !== type.shape.length) {
      throw wrongShape({
        op: `${op} @${fn.name}`,
        reason: `parameter ${name} is ${printType(type)}, not ${printType(actual)}`,
        ...where,
      });
    }
    return type.shape.map((size, axis) => [size, actual.shape[axis]] as const);
  });
  const bindings = matchDimensions(pairs, solver, new Map(fn.sizes.map((name, i) => [name, sizes[i]])));
  const holds = bindings !== undefined &&
    fn.constraints.every(([a, b]) => solver.equal(substitute(a, bindings), substitute(b, bindings)));
  if (holds) return bindings;
  const wanted = printTypes(fn.parameters.map((parameter) => parameter.type));
  const where = fn.constraints.map(([a, b]) => ` where ${a} = ${b}`).join("");
  throw wrongShape({
    op: `${op} @${fn.name}`,
    reason: `it takes ${wanted}${where}, and ${printTypes(args)} was given`,
    expected: wanted,
    actual: printTypes(args),
  });
};

const callTypes = (
  node: ControlNode,
  fn: IrFunction,
  args: ReadonlyArray<TensorType>,
): ReadonlyArray<TensorType> => {
  const bindings = bindCall(node.op, fn, args, sizesOf(node), node.solver);
  return returnTypes(fn).map((type) => substituteType(type, bindings));
};

const isSame = (node: ControlNode, a: ReadonlyArray<TensorType>, b: ReadonlyArray<TensorType>): boolean =>
  a.length === b.length &&
  a.every((type, i) => type.dtype === b[i].dtype && node.solver.equalShapes(type.shape, b[i].shape));

const needSame = (
  node: ControlNode,
  what: string,
  actual: ReadonlyArray<TensorType>,
  expected: ReadonlyArray<TensorType>,
): void => {
  if (isSame(node, actual, expected)) return;
  throw wrongShape({
    op: node.op,
    reason: `${what} gives ${printTypes(actual)}, and ${printTypes(expected)} is needed`,
    expected: printTypes(expected),
    actual: printTypes(actual),
  });
};

const PREDICATE: TensorType = { dtype: "bool", shape: [] };

const ifResult = (node: ControlNode): ReadonlyArray<TensorType> => {
  const [predicate, ...args] = node.types;
  needSame(node, "its first operand", predicate === undefined ? [] : [predicate], [PREDICATE]);
  const [whenTrue, whenFalse] = node.functions.map((fn) => callTypes(node, fn, args));
  needSame(node, `@${node.functions[1].name}`, whenFalse, whenTrue);
  return whenTrue;
};

/** How many of a loop's operands are carried from turn to turn; those after them (and after the scanned) are constant. */
const carryOf = (node: ControlNode, most: number): number => {
  const carry = node.attributes.carry as number;
  if (carry <= most) return carry;
  throw badAttribute({ op: node.op, reason: `it carries ${carry} of ${most} operands`, expected: most, actual: carry });
};

const whileResult = (node: ControlNode): ReadonlyArray<TensorType> => {
  const carried = node.types.slice(0, carryOf(node, node.types.length));
  const [condition, body] = node.functions;
  needSame(node, `@${condition.name}`, callTypes(node, condition, node.types), [PREDICATE]);
  needSame(node, `@${body.name}`, callTypes(node, body, node.types), carried);
  return carried;
};

const scanResult = (node: ControlNode): ReadonlyArray<TensorType> => {
  const { length } = node.attributes as { length: Dimension };
  const scanned = node.attributes.scanned as number;
  const carry = carryOf(node, node.types.length - scanned);
  if (scanned > node.types.length) {
    throw badAttribute({ op: node.op, reason: `it scans ${scanned} of ${node.types.length} operands` });
  }
  const carried = node.types.slice(0, carry);
  const rows = node.types.slice(carry, carry + scanned).map((type) => {
    if (type.shape.length > 0 && node.solver.equal(type.shape[0], length)) return rowOf(type);
    throw wrongShape({ op: node.op, reason: `${printType(type)} does not have ${length} rows`, expected: length });
  });
  const [body] = node.functions;
  const made = callTypes(node, body, [...carried, ...rows, ...node.types.slice(carry + scanned)]);
  needSame(node, `@${body.name}`, made.slice(0, carry), carried);
  return [...carried, ...made.slice(carry).map((type) => stackOf(type, length))];
};

/** The type of one row. */
export const rowOf = (type: TensorType): TensorType => tensorType(type.dtype, type.shape.slice(1));

/** The type of rows stacked. */
export const stackOf = (type: TensorType, length: Dimension): TensorType => {
  const shape: Shape = [length, ...type.shape];
  return tensorType(type.dtype, shape);
};

/** The control nodes. */
export const CONTROL: { readonly [op: string]: Control } = {
  call: {
    doc: "Runs a function on the operands.",
    functions: ["callee"],
    attributes: struct({}),
    sizes: ["sizes"],
    result: (node) => callTypes(node, node.functions[0], node.types),
  },
  if: {
    doc: "Runs the first function on the operands after the predicate where it is true, the second where it is false.",
    functions: ["then", "else"],
    attributes: struct({}),
    sizes: ["sizes"],
    result: ifResult,
  },
  while: {
    doc:
      "While the first function says true of all operands, replaces the carried ones by what the second makes of all. " +
      "`bound` promises that it ends after so many turns; what it computes does not depend on it, gradients do.",
    functions: ["condition", "body"],
    attributes: struct({
      carry: Axis as Schema.Codec<unknown, unknown>,
      bound: Schema.optionalKey(Axis) as unknown as Schema.Codec<unknown, unknown>,
    }),
    sizes: ["sizes"],
    result: whileResult,
  },
  scan: {
    doc:
      "For each row of the scanned operands (last first where `reverse`), runs the function on the carried operands, " +
      "the rows and the constant ones; it makes the next carried values and a row of each stacked result.",
    functions: ["body"],
    attributes: struct({
      carry: Axis as Schema.Codec<unknown, unknown>,
      scanned: Axis as Schema.Codec<unknown, unknown>,
      length: Size as Schema.Codec<unknown, unknown>,
      reverse: Schema.Boolean as unknown as Schema.Codec<unknown, unknown>,
    }),
    sizes: ["sizes", "length"],
    result: scanResult,
  },
};

/** Whether a name is a control node's. */
export const isControl = (op: string): boolean => Object.hasOwn(CONTROL, op);
