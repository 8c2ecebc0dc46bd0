/**
 * Arguments: which argument of an application is which operand, parameter or attribute of its row. The rule is in row.ts.
 *
 * Not evaluation: arguments stay expressions, and operands that a pipeline's input will fill are missing here.
 * Invariant: every argument binds to exactly one place, or the application is refused.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { isDtype } from "../dtype.ts";
import { type Expression, Tag } from "../expression.ts";
import { badAttribute, tooManyArguments } from "../failures.ts";
import { toBigInt, toFloat32, toFloat64, type Value } from "../value.ts";
import { ATTRIBUTE_KINDS, type AttributeKind, type AttributeRow, type AttributeValue, type OpRow } from "./row.ts";

/** Where the arguments of an application went. */
export interface Bound {
  /** One entry an operand, in row order, `undefined` where none was given; a repeated operand is the rest. */
  readonly operands: ReadonlyArray<Expression | undefined>;
  /** Arguments of the repeated operand, empty where the row has none. */
  readonly rest: ReadonlyArray<Expression>;
  /** Parameters given as arguments, by name. */
  readonly parameters: ReadonlyMap<string, Expression>;
  /** Attributes given, decoded; those not given are absent (their defaults are in the row). */
  readonly attributes: { readonly [name: string]: AttributeValue };
}

/** The name of a symbol. */
export type NameOfSymbol = (sym: number) => string | undefined;

const integer = (value: Value): number | undefined => {
  if (value.k !== "I64") return undefined;
  const number = Number(toBigInt(value));
  return Number.isSafeInteger(number) ? number : undefined;
};

const finite = (value: Value): number | undefined => {
  const number = value.k === "F32" ? toFloat32(value) : value.k === "F64" ? toFloat64(value) : integer(value);
  return Number.isFinite(number) ? number : undefined;
};

const within = (number: number | undefined, holds: (number: number) => boolean): number | undefined =>
  number !== undefined && holds(number) ? number : undefined;

const integers = (value: Value): number | ReadonlyArray<number> | undefined => {
  if (value.k !== "Tuple") return integer(value);
  const items = value.items.map(integer);
  return items.every((item) => item !== undefined) ? items : undefined;
};

const symbolName = (value: Value, nameOf: NameOfSymbol): string | undefined =>
  value.k === "Sym" ? nameOf(value.sym) : undefined;

type Reader = (value: Value, nameOf: NameOfSymbol, row: AttributeRow) => AttributeValue | undefined;

const READERS: { readonly [K in AttributeKind]: Reader } = {
  size: (value) => within(integer(value), (number) => number > 0),
  count: (value) => within(integer(value), (number) => number >= 0),
  integer,
  axis: integer,
  sizes: integers,
  float: finite,
  rate: (value) => within(finite(value), (number) => number >= 0 && number < 1),
  flag: (value) => value.k === "Bool" ? value.v : undefined,
  choice: (value, nameOf, { choices }) => {
    const name = symbolName(value, nameOf);
    return name !== undefined && choices!.includes(name) ? name : undefined;
  },
  dtype: (value, nameOf) => {
    const name = symbolName(value, nameOf);
    return name !== undefined && isDtype(name) ? name : undefined;
  },
  name: symbolName,
};

/** An attribute's value as plain data; throws `RMIL_ATTRIBUTE` where it does not take it. */
export const readAttribute = (
  row: OpRow,
  attribute: AttributeRow,
  value: Value,
  nameOf: NameOfSymbol,
): AttributeValue => {
  const read = READERS[attribute.kind](value, nameOf, attribute);
  if (read !== undefined) return read;
  const choices = attribute.choices ?? [];
  const found = symbolName(value, nameOf);
  const expected = choices.length > 0
    ? choices.map((choice) => `#${choice}`).join(", ")
    : ATTRIBUTE_KINDS[attribute.kind];
  throw badAttribute({
    op: row.name,
    attribute: attribute.name,
    reason: `it takes ${expected}`,
    expected,
    actual: found === undefined ? value.k : `#${found}`,
    suggestions: found === undefined ? [] : nearest(found, choices, 1).map((choice) => `#${choice}`),
  });
};

const isPositional = (node: Expression): boolean => node.tag === Tag.Lit && node.value.k !== "Tensor";

/** Attributes that literal arguments give, in order, and the index of the first of these arguments. */
export const positionalAttributes = (
  row: OpRow,
  node: Expression,
): { readonly first: number; readonly attributes: ReadonlyArray<AttributeRow> } => {
  const isNamed = (name: string): boolean => node.attributes.some((given) => given.name === name);
  const positional = row.attributes.filter(({ name, named }) => named !== true && !isNamed(name));
  let literals = node.children.length;
  while (literals > 0 && isPositional(node.children[literals - 1])) literals--;
  return { first: Math.max(literals, node.children.length - positional.length), attributes: positional };
};

/** Binds the arguments of an application of a row's op; throws `RMIL_ARGUMENTS` or `RMIL_ATTRIBUTE`. */
export const bindArguments = (row: OpRow, node: Expression, nameOf: NameOfSymbol): Bound => {
  const attributes: { [name: string]: AttributeValue } = {};
  for (const { name, value } of node.attributes) {
    const attribute = row.attributes.find((known) => known.name === name);
    if (attribute === undefined) {
      const suggestions = nearest(name, row.attributes.map((known) => known.name), 1);
      throw badAttribute({ op: row.name, attribute: name, reason: "it has none of that name", suggestions });
    }
    attributes[name] = readAttribute(row, attribute, value, nameOf);
  }
  const { first, attributes: positional } = positionalAttributes(row, node);
  for (let i = first; i < node.children.length; i++) {
    const attribute = positional[i - first];
    attributes[attribute.name] = readAttribute(row, attribute, node.children[i].value, nameOf);
  }
  const repeats = row.operands.at(-1)?.repeats === true;
  const places = repeats ? row.operands.slice(0, -1) : row.operands;
  const operands = places.map((_, index) => index < first ? node.children[index] : undefined);
  const others = node.children.slice(places.length, Math.max(first, places.length));
  if (repeats) return { operands, rest: others, parameters: new Map(), attributes };
  if (others.length > row.parameters.length) {
    throw tooManyArguments({
      op: row.name,
      given: node.children.length,
      places: row.operands.length + row.parameters.length + positional.length,
    });
  }
  const parameters = new Map(others.map((child, index) => [row.parameters[index].name, child]));
  return { operands, rest: [], parameters, attributes };
};
