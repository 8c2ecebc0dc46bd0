/**
 * Op row: a layer that is an op of the language, applied in a scope.
 *
 * Invariant: what the op computes, is told and learns is said in its own row only.
 *
 * @module
 */
import type { Dtype } from "../../ir/contract.ts";
import type { Value } from "../../ir/library.ts";
import {
  applyOp,
  type AttributeValue,
  flow,
  type Initialiser,
  type NeededParameter,
  type OpName,
  OPS,
} from "../../rmil/library.ts";
import type { Initializer } from "../contract.ts";
import { sizeUnknown } from "../failures.ts";
import { type Building, type LayerFamily, type LayerRow, NONE, type Properties } from "./layer.ts";
import type { Settings } from "./settings.ts";

/** How the ops' parameters start. */
export const STARTS: { readonly [I in Initialiser]: (fan: number, fanOut: number) => Initializer } = {
  zeros: () => ({ kind: "zeros" }),
  ones: () => ({ kind: "ones" }),
  fanIn: (fan) => ({ kind: "uniform", bound: 1 / Math.sqrt(fan) }),
  glorot: (fan, fanOut) => ({ kind: "xavierUniform", fan, fanOut }),
  normal: (fan) => ({ kind: "normal", deviation: 1 / Math.sqrt(fan) }),
};

const known = (op: string, { row, shape }: NeededParameter): ReadonlyArray<number> => {
  const unknown = shape.find((size) => typeof size !== "number");
  if (unknown === undefined) return shape as ReadonlyArray<number>;
  throw sizeUnknown({ kind: op, what: `its ${row.name}`, size: String(unknown) });
};

const parameterOf = ({ scope }: Building, op: OpName, needed: NeededParameter): Value => {
  const { row, fan, fanOut } = needed;
  const shape = known(op, needed);
  const dtype = needed.dtype as Dtype;
  const initial = STARTS[row.init](Number(fan), Number(fanOut));
  return row.running === true
    ? scope.state(row.name, shape, initial, dtype)
    : scope.parameter(row.name, shape, initial, { dtype });
};

/** Applies an op to values, with its learned tensors and running statistics in the layer's scope. */
export const useOp = (
  given: Building,
  op: OpName,
  operands: ReadonlyArray<Value> = given.inputs,
  settings: Settings = given.settings,
): Value => {
  const { scope, g } = given;
  const { training } = scope;
  const row = OPS[op];
  const own = row.attributes.map(({ name }) => [name, settings[name]] as const)
    .filter((entry): entry is readonly [string, AttributeValue] => entry[1] !== undefined);
  const { values, running } = applyOp({
    g,
    op,
    operands: Object.fromEntries(operands.map((value, i) => [row.operands[i].name, value])),
    attributes: Object.fromEntries(own),
    parameter: (needed) => parameterOf(given, op, needed),
    training,
    ...(training && row.effect === "random" ? { random: scope.seed() } : {}),
  });
  for (const [name, value] of Object.entries(running)) scope.update(name, value);
  return values[0];
};

/** The text of an op with attributes. */
export const opText = (op: OpName, settings: Settings): string => {
  const given = Object.entries(settings).filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined);
  return given.length === 0 ? op : flow(op, Object.fromEntries(given)).toString();
};

/** The row of a layer that is an op. */
export const opRow = (
  op: OpName,
  family: LayerFamily,
  more: { readonly properties?: Properties } & Partial<Pick<LayerRow, "doc" | "settings">> = {},
): LayerRow => {
  const { doc, operands, attributes, source } = OPS[op];
  return {
    kind: op,
    family,
    doc,
    settings: attributes,
    inputs: { least: operands.filter(({ optional }) => optional !== true).length, most: operands.length },
    parts: NONE,
    op,
    build: (given) => useOp(given, op),
    source,
    ...more,
  };
};
