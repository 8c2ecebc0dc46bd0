/**
 * Node kinds: mutations of single nodes and their edges.
 *
 * Invariant: a kind either proposes an edit that type-checks or says that it does not apply here (undefined).
 *
 * @module
 */
import { type Activation, ACTIVATION_NAMES } from "../composites.ts";
import type { Attributes, Node } from "../graph.ts";
import { isControl } from "../control.ts";
import { decodeAttributes, DTYPE_CLASSES, type Primitive } from "../primitive.ts";
import { primitiveOf, PRIMITIVES } from "../primitives.ts";
import { DIRECTIONS } from "../primitives/binary.ts";
import { type Dtype, DTYPE_NAMES, dtypeInfo, isFloat, printType, sameType, type TensorType } from "../types.ts";
import { elements, integerRange, type Tensor, tensor } from "../value.ts";
import { fit } from "./fit.ts";
import type { Edit } from "./rebuild.ts";
import { isElementwise } from "./regions.ts";
import type { Site } from "./site.ts";

/** Proposes an edit of a function. */
export type Proposal = (site: Site) => Edit | undefined;

const rowOf = (node: Node): Primitive | undefined => isControl(node.op) ? undefined : primitiveOf(node.op);

/** Elementwise rows without attributes that map some operands of one dtype to that dtype. */
const mapRows = (count: number, dtype: Dtype): ReadonlyArray<string> =>
  PRIMITIVES.filter((row) =>
    row.loop === "elementwise" && row.operands.length === count && row.name !== "compare" &&
    Object.keys(row.attributes.fields).length === 0 &&
    row.operands.every((operand) => DTYPE_CLASSES[operand.takes](dtype))
  ).map((row) => row.name);

/** A mapped value goes through one more node. */
export const insertNode: Proposal = (site) => {
  const value = site.one(site.values().filter((number) => mapRows(1, site.types[number].dtype).length > 0));
  if (value === undefined) return undefined;
  const { dtype } = site.types[value];
  const unary = mapRows(1, dtype);
  const binary = mapRows(2, dtype);
  const activations = isFloat(dtype) ? ACTIVATION_NAMES.filter((name) => name !== "softmax") : [];
  const op = site.choose([...unary, ...binary, ...activations]);
  if (op === undefined) return undefined;
  const other = site.earlier(value, site.types[value]) ?? value;
  return {
    detail: `${op} after %${value}`,
    after: (index, g, values) => {
      if (index !== site.readyAfter(value)) return new Map();
      const x = values[value];
      const made = unary.includes(op)
        ? g.emit(op, [x])[0]
        : binary.includes(op)
        ? g.emit(op, [x, fit(g, values[other], x.type)])[0]
        : g.activation(op as Activation, x);
      return new Map([[value, made]]);
    },
  };
};

/** A node gives way to one of its operands. */
export const deleteNode: Proposal = (site) => {
  const isLike = ({ operands, results }: Node) => operands.some((x) => sameType(site.types[x], results[0]));
  const node = site.node(isLike) ?? site.node(({ operands }) => operands.length > 0);
  if (node === undefined) return undefined;
  const { op, operands, results } = site.fn.nodes[node];
  const like = operands.flatMap((operand, i) => sameType(site.types[operand], results[0]) ? [i] : []);
  const kept = site.draws.pick(like.length > 0 ? like : operands.map((_, i) => i));
  return {
    detail: `${op} gives way to its operand ${kept}`,
    node,
    replace: (index, g, given) => index === node ? results.map((type) => fit(g, given[kept], type)) : undefined,
  };
};

/** A node computes another function of its operands. */
export const replaceOp: Proposal = (site) => {
  const others = ({ op, operands, results }: Node): ReadonlyArray<string> => {
    const types = operands.map((operand) => site.types[operand]);
    if (rowOf({ op } as Node) === undefined || !types.every((type) => sameType(type, results[0]))) return [];
    return mapRows(operands.length, results[0].dtype).filter((name) => name !== op);
  };
  const node = site.node((candidate) => isElementwise(candidate) && others(candidate).length > 0);
  if (node === undefined) return undefined;
  const op = site.choose(others(site.fn.nodes[node]));
  if (op === undefined) return undefined;
  return {
    detail: `${site.fn.nodes[node].op} becomes ${op}`,
    node,
    replace: (index, g, operands) => index === node ? g.emit(op, operands) : undefined,
  };
};

/** A node reads another value. */
export const rewireInputs: Proposal = (site) => {
  const node = site.node(({ operands }) => operands.length > 0);
  if (node === undefined) return undefined;
  const { op, operands, attributes, functions } = site.fn.nodes[node];
  const which = site.draws.below(operands.length);
  const other = site.earlier(site.firsts[node], site.types[operands[which]], [operands[which]]);
  if (other === undefined) return undefined;
  return {
    detail: `operand ${which} of ${op} becomes %${other}`,
    node,
    replace: (index, g, given, values) => {
      if (index !== node) return undefined;
      const rewired = given.map((operand, i) => i === which ? fit(g, values[other], operand.type) : operand);
      return g.emitNode(op, rewired, attributes, functions);
    },
  };
};

/** Two values of a type change places for all that comes after. */
export const swapNodes: Proposal = (site) => {
  const second = site.one(site.values().filter((value) => value >= site.fn.parameters.length));
  if (second === undefined) return undefined;
  const first = site.earlier(second, site.types[second]);
  if (first === undefined) return undefined;
  return {
    detail: `%${first} and %${second} change places`,
    after: (index, _g, values) =>
      index === site.readyAfter(second) ? new Map([[first, values[second]], [second, values[first]]]) : new Map(),
  };
};

/** A node is computed as early as its operands allow, or right before an earlier node that does not need it. */
export const hoist: Proposal = (site) => {
  const { fn, firsts } = site;
  const earliest = (index: number): number =>
    Math.max(0, ...fn.nodes[index].operands.map((operand) => site.readyAfter(operand) + 1));
  const node = site.node((_, index) => site.live.some((other) => other >= earliest(index) && other < index));
  if (node === undefined) return undefined;
  const to = site.draws.pick(site.live.filter((other) => other >= earliest(node) && other < node));
  const order = fn.nodes.map((_, index) => index).filter((index) => index !== node);
  order.splice(to, 0, node);
  return { detail: `${fn.nodes[node].op} moves from ${node} to ${to} (%${firsts[node]})`, node, order };
};

/** Attributes with one of them changed, and what was changed. */
type Change = { readonly name: string; readonly to: Attributes[string] };

const otherNames =
  (names: ReadonlyArray<string>) => (site: Site, now: Attributes[string]): Attributes[string] | undefined =>
    site.choose(names.filter((name) => name !== now));

const flipped = (_site: Site, now: Attributes[string]): Attributes[string] => !now;

const shuffled = (site: Site, now: Attributes[string]): Attributes[string] => site.draws.shuffle(now as number[]);

const nudged = (site: Site, now: Attributes[string]): Attributes[string] | undefined => {
  const list = [...now as number[]];
  if (list.length === 0) return undefined;
  const at = site.draws.below(list.length);
  if (typeof list[at] !== "number") return undefined;
  list[at] += site.draws.pick([-1, 1]);
  return list;
};

const otherAxis = (site: Site, now: Attributes[string], rank: number): Attributes[string] | undefined =>
  site.one(Array.from({ length: rank }, (_, axis) => axis).filter((axis) => axis !== now));

const otherAxes = (site: Site, _now: Attributes[string], rank: number): Attributes[string] =>
  Array.from({ length: rank }, (_, axis) => axis).filter(() => site.draws.below(2) === 1);

const FOLDED = ["sum", "prod", "max", "min"];

/** How each attribute that may change is changed; sizes of the operand decide whether the result is accepted. */
const CHANGES: {
  readonly [op: string]: {
    readonly [name: string]: (site: Site, now: Attributes[string], rank: number) => Attributes[string] | undefined;
  };
} = {
  reduce: {
    op: (site, now) => FOLDED.includes(now as string) ? otherNames(FOLDED)(site, now) : now === "any" ? "all" : "any",
    axes: otherAxes,
  },
  arg_reduce: { op: otherNames(["max", "min"]), axis: otherAxis },
  cumulative: { op: otherNames(FOLDED), reverse: flipped, exclusive: flipped, axis: otherAxis },
  sort: { descending: flipped, axis: otherAxis },
  compare: { direction: otherNames(DIRECTIONS) },
  transpose: { permutation: shuffled },
  reverse: { axes: otherAxes },
  concat: { axis: otherAxis },
  gather: { axis: otherAxis },
  take_along: { axis: otherAxis },
  scatter: { mode: otherNames(["set", "add"]) },
  put_along: { mode: otherNames(["set", "add"]) },
  reduce_window: { op: otherNames(["sum", "max", "min"]), window: nudged, strides: nudged, dilation: nudged },
  select_and_scatter: { op: otherNames(["max", "min"]) },
  conv: { strides: nudged, dilation: nudged, low: nudged, high: nudged },
  random: {
    distribution: otherNames(["uniform", "normal"]),
    stream: (site, now) => (now as number) + 1 + site.draws.below(8),
  },
  slice: { stride: nudged, start: nudged },
  pad: { low: nudged, high: nudged, interior: nudged },
  iota: { axis: otherAxis },
  scan: { reverse: flipped },
};

/** A node gets another attribute. */
export const changeAttribute: Proposal = (site) => {
  const node = site.node(({ op }) => Object.hasOwn(CHANGES, op));
  if (node === undefined) return undefined;
  const { op, operands, attributes, functions, results } = site.fn.nodes[node];
  const name = site.draws.pick(Object.keys(CHANGES[op]));
  const rank = (operands.length > 0 ? site.types[operands[0]] : results[0]).shape.length;
  const to = CHANGES[op][name](site, attributes[name], rank);
  if (to === undefined) return undefined;
  const change: Change = { name, to };
  const changed = { ...attributes, [change.name]: change.to };
  if (!isControl(op)) decodeAttributes(primitiveOf(op), changed);
  return {
    detail: `${op} gets ${name} = ${String(to)}`,
    node,
    replace: (index, g, given) => index === node ? g.emitNode(op, given, changed, functions) : undefined,
  };
};

/** A node computes in another dtype of the same kind, between casts. */
export const changeDtype: Proposal = (site) => {
  const others = (type: TensorType): ReadonlyArray<Dtype> =>
    DTYPE_NAMES.filter((dtype) => dtype !== type.dtype && dtypeInfo(dtype).kind === dtypeInfo(type.dtype).kind);
  const fits = (node: Node): boolean => {
    const row = rowOf(node);
    if (row === undefined || node.operands.length === 0 || node.op === "cast" || row.loop === "view") return false;
    return node.results.length === 1 && node.results[0].dtype === site.types[node.operands[0]].dtype;
  };
  const node = site.node((candidate) => fits(candidate) && others(candidate.results[0]).length > 0);
  if (node === undefined) return undefined;
  const { op, attributes, results: [type], operands } = site.fn.nodes[node];
  const dtype = site.choose(others(type));
  if (dtype === undefined) return undefined;
  const from = site.types[operands[0]].dtype;
  const named = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [name, name === "accumulate" ? dtype : value]),
  );
  return {
    detail: `${op} in ${dtype} instead of ${type.dtype}`,
    node,
    replace: (index, g, given) =>
      index === node
        ? g.emit(op, given.map((x) => x.type.dtype === from ? g.cast(x, dtype as Dtype) : x), named)
        : undefined,
  };
};

/** An elementwise node computes a part of an axis alone, or an axis that is longer; its result is fitted back. */
export const changeShape: Proposal = (site) => {
  const long = (type: TensorType): ReadonlyArray<number> =>
    type.shape.flatMap((size, axis) => typeof size === "number" && size > 1 ? [axis] : []);
  const node = site.node((candidate) =>
    isElementwise(candidate) && candidate.operands.length > 0 && long(candidate.results[0]).length > 0
  );
  if (node === undefined) return undefined;
  const { op, attributes, results: [type] } = site.fn.nodes[node];
  const axis = site.draws.pick(long(type));
  const before = type.shape[axis] as number;
  const size = site.draws.pick([1 + site.draws.below(before - 1), before + 1, before * 2]);
  const shape = type.shape.map((old, i) => i === axis ? size : old);
  return {
    detail: `${op} over ${printType({ ...type, shape })} instead of ${printType(type)}`,
    node,
    replace: (index, g, given) =>
      index === node ? g.emit(op, given.map((x) => fit(g, x, { dtype: x.type.dtype, shape })), attributes) : undefined,
  };
};

/** Width of the change of a constant, relative to its size. */
const CONSTANT_STEP = 0.1;

const changedElement = (site: Site, value: number | bigint | boolean, dtype: Dtype): number | bigint | boolean => {
  if (typeof value === "boolean") return !value;
  const step = site.choices.use === undefined ? undefined : Number(site.choices.use);
  if (isFloat(dtype)) {
    return Number(value) + (step ?? CONSTANT_STEP * Math.max(1, Math.abs(Number(value))) * site.draws.normal());
  }
  const [low, high] = integerRange(dtype);
  const moved = BigInt(value) +
    (step !== undefined && Number.isInteger(step) ? BigInt(step) : site.draws.pick([-1n, 1n]));
  return moved < low ? high : moved > high ? low : moved;
};

/** A constant changes, in one element or in all. */
export const modifyConstant: Proposal = (site) => {
  const node = site.node(({ op, results }) => op === "constant" && results[0].shape.every((size) => size !== 0));
  if (node === undefined) return undefined;
  const { value } = site.fn.nodes[node].attributes as { value: Tensor };
  const one = site.draws.below(2) === 0 ? site.draws.below(value.data.length) : undefined;
  const changed = tensor(
    value.dtype,
    value.shape,
    elements(value).map((element, i) =>
      one === undefined || one === i ? changedElement(site, element, value.dtype) : element
    ),
  );
  return {
    detail: one === undefined ? `all of ${printType(value)}` : `element ${one} of ${printType(value)}`,
    node,
    replace: (index, g) => index === node ? [g.constant(changed)] : undefined,
  };
};
