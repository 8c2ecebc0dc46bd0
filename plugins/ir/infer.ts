/**
 * Infer: the types of a node's results, from its operands, attributes and functions. The one place that types nodes.
 *
 * Not a check of whole programs (check.ts).
 * Invariant: what is inferred for symbolic sizes holds for every choice of sizes that the run accepts.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { CONTROL, isControl } from "./control.ts";
import { type Bindings, type Dimension, fromPolynomial, substitute, toPolynomial } from "./dimension.ts";
import { badAttribute, wrongCount, wrongDtype } from "./failures.ts";
import type { Attribute, Attributes, IrFunction } from "./graph.ts";
import { decodeAttributes, DTYPE_CLASSES, type Primitive } from "./primitive.ts";
import { primitiveOf } from "./primitives.ts";
import type { DimensionSolver } from "./solver.ts";
import { printType, type TensorType } from "./types.ts";

/** What a node is made of. */
export interface Proposed {
  /** Primitive or control node. */
  readonly op: string;
  /** Types of its operands. */
  readonly types: ReadonlyArray<TensorType>;
  /** Its attributes, not yet checked. */
  readonly attributes: Attributes;
  /** The functions it runs. */
  readonly functions: ReadonlyArray<IrFunction>;
}

/** A node that has been typed. */
export interface Inferred {
  /** Checked attributes, dimensions in canonical spelling. */
  readonly attributes: Attributes;
  /** Types of its results. */
  readonly results: ReadonlyArray<TensorType>;
}

const mapSizes = (
  attributes: Attributes,
  names: ReadonlyArray<string>,
  change: (size: Dimension) => Dimension,
): Attributes => {
  if (names.length === 0) return attributes;
  const changed = (value: Attribute): Attribute =>
    Array.isArray(value) ? value.map((item) => change(item as Dimension)) : change(value as Dimension);
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, names.includes(name) ? changed(value) : value]),
  );
};

/** Attributes of an op that hold dimensions. */
export const sizeAttributes = (op: string): ReadonlyArray<string> =>
  isControl(op) ? CONTROL[op].sizes : primitiveOf(op).sizes;

/** Attributes with names of dimensions replaced. */
export const substituteAttributes = (op: string, attributes: Attributes, bindings: Bindings): Attributes =>
  mapSizes(attributes, sizeAttributes(op), (size) => substitute(size, bindings));

const canonical = (size: Dimension): Dimension => fromPolynomial(toPolynomial(size));

const checkOperands = (row: Primitive, types: ReadonlyArray<TensorType>): void => {
  const { operands, variadic, name } = row;
  const enough = variadic ? types.length >= operands.length : types.length === operands.length;
  if (!enough) {
    throw wrongCount({
      op: name,
      of: "operands",
      count: operands.length,
      found: types.length,
      expected: operands.length,
      actual: types.length,
    });
  }
  types.forEach((type, i) => {
    const operand = operands[Math.min(i, operands.length - 1)];
    if (DTYPE_CLASSES[operand.takes](type.dtype)) return;
    throw wrongDtype({
      op: name,
      operand: printType(type),
      reason: `operand ${operand.name} takes ${operand.takes}`,
      expected: operand.takes,
      actual: type.dtype,
    });
  });
};

const inferControl = (node: Proposed, solver: DimensionSolver): Inferred => {
  const { op, types, functions } = node;
  const control = CONTROL[op];
  if (functions.length !== control.functions.length) {
    throw wrongCount({ op, of: "functions", count: control.functions.length, found: functions.length });
  }
  let decoded: Attributes;
  try {
    decoded = Schema.decodeUnknownSync(control.attributes, { onExcessProperty: "error" })(
      node.attributes,
    ) as Attributes;
  } catch (thrown) {
    if (!Schema.isSchemaError(thrown)) throw thrown;
    throw badAttribute({ op, reason: thrown.message.replaceAll(/\s+/gu, " ") });
  }
  const attributes = mapSizes(decoded, control.sizes, canonical);
  return { attributes, results: control.result({ op, types, attributes, functions, solver }) };
};

/** Types a node; throws the failure that refuses it. */
export const inferNode = (node: Proposed, solver: DimensionSolver): Inferred => {
  if (isControl(node.op)) return inferControl(node, solver);
  const row = primitiveOf(node.op);
  if (node.functions.length > 0) {
    throw wrongCount({ op: node.op, of: "functions", count: 0, found: node.functions.length });
  }
  checkOperands(row, node.types);
  const attributes = mapSizes(decodeAttributes(row, node.attributes), row.sizes, canonical);
  return { attributes, results: row.result({ op: row.name, types: node.types, attributes, solver }) };
};
