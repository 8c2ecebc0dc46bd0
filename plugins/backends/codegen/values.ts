/**
 * Values: an element of any value of a region as an expression, by what its node says; views become index arithmetic.
 *
 * Not the choice of what is stored (schedule.ts): a value that has a place is loaded from it, every other one is computed
 * where it is used.
 * Invariant: `at(value, index)` is the element the reference gives, wherever the index is inside the value's shape.
 *
 * @module
 */
import type { Dtype, Tensor } from "../../ir/library.ts";
import {
  addIndices,
  type Affine,
  divideIndex,
  flatIndex,
  literal,
  remainderIndex,
  scaleIndex,
  splitIndex,
  ZERO,
} from "./affine.ts";
import type { Expressions } from "./expression.ts";
import { type Buffer, ELEMENT_OPERATIONS, type Expression, type Operation } from "./loops.ts";
import type { ConcreteNode, Region } from "./specialise.ts";

/** Where a value lies: element index → base + Σ index · stride. */
export interface Place {
  /** In which buffer. */
  readonly buffer: Buffer;
  /** Position of the first element. */
  readonly base: Affine;
  /** Steps along each axis of the value. */
  readonly strides: ReadonlyArray<number>;
}

/** Position in the buffer of an element. */
export const placeIndex = (place: Place, index: ReadonlyArray<Affine>): Affine =>
  place.strides.reduce((sum, stride, axis) => addIndices(sum, scaleIndex(index[axis], stride)), place.base);

type Index = ReadonlyArray<Affine>;

/** How one node makes an element of its result. */
type Rule = (values: Values, node: ConcreteNode, index: Index, dtype: Dtype) => Expression;

type Lists = { readonly [name: string]: ReadonlyArray<number> };

const list = (node: ConcreteNode, name: string): ReadonlyArray<number> => (node.attributes as Lists)[name];

const plain = (op: Operation): Rule => (values, node, index, dtype) =>
  values.pool.apply(op, dtype, ...node.operands.map((operand) => values.at(operand, index)));

/** The operand's own index for each axis of a view's. */
const view =
  (map: (node: ConcreteNode, index: Index, shape: ReadonlyArray<number>) => Index): Rule => (values, node, index) =>
    values.at(node.operands[0], map(node, index, values.region.types[node.operands[0]].shape));

/** Views: nodes that only say where an element comes from. */
const VIEWS: { readonly [op: string]: Rule } = {
  stop_gradient: view((_, index) => index),
  broadcast: view((node, index, shape) => list(node, "axes").map((axis, i) => shape[i] === 1 ? ZERO : index[axis])),
  reshape: view((node, index, shape) => splitIndex(flatIndex(index, node.results[0].shape), shape)),
  transpose: view((node, index) => {
    const made: Affine[] = [];
    list(node, "permutation").forEach((axis, i) => made[axis] = index[i]);
    return made;
  }),
  reverse: view((node, index, shape) =>
    index.map((at, axis) =>
      list(node, "axes").includes(axis) ? addIndices(literal(shape[axis] - 1), scaleIndex(at, -1)) : at
    )
  ),
  slice: view((node, index) =>
    index.map((at, axis) => addIndices(literal(list(node, "start")[axis]), scaleIndex(at, list(node, "stride")[axis])))
  ),
};

/** Whether a node only rearranges its operand. */
export const isView = (op: string): boolean => Object.hasOwn(VIEWS, op);

const pad: Rule = (values, node, index) => {
  const { pool } = values;
  const { shape } = values.region.types[node.operands[0]];
  let inside = pool.always;
  const from = index.map((at, axis) => {
    const step = list(node, "interior")[axis] + 1;
    const place = addIndices(at, literal(-list(node, "low")[axis]));
    inside = pool.both(inside, pool.within(place, 0, shape[axis] === 0 ? 0 : (shape[axis] - 1) * step + 1));
    if (step > 1) inside = pool.both(inside, pool.within(remainderIndex(place, step), 0, 1));
    return divideIndex(place, step);
  });
  const around = values.at(node.operands[1], []);
  if (inside.kind === "constant" && !inside.value) return around;
  return pool.guard(inside, values.at(node.operands[0], from), around);
};

/** The element that an index tensor names along an axis, zero where it names none. */
const taken = (values: Values, node: ConcreteNode, picked: Expression, index: Index): Expression => {
  const { pool } = values;
  const [x] = node.operands;
  const { shape, dtype } = values.region.types[x];
  const axis = node.attributes.axis as number;
  const inside = values.inRange(picked, shape[axis]);
  if (inside.kind === "constant" && !inside.value) return pool.zero(dtype);
  const from = index.map((at, i) => i === axis ? pool.asIndex(picked, shape[axis]) : at);
  return pool.guard(inside, values.at(x, from), pool.zero(dtype));
};

const gather: Rule = (values, node, index) => {
  const axis = node.attributes.axis as number;
  const rank = values.region.types[node.operands[1]].shape.length;
  const picked = values.at(node.operands[1], index.slice(axis, axis + rank));
  return taken(values, node, picked, [...index.slice(0, axis), ZERO, ...index.slice(axis + rank)]);
};

const random: Rule = (values, node, index, dtype) => {
  const { pool } = values;
  const { distribution, stream } = node.attributes as { distribution: string; stream: number };
  const number = pool.index("u64", flatIndex(index, node.results[0].shape));
  const seed = values.at(node.operands[0], []);
  return pool.apply(`random_${distribution}` as Operation, dtype, seed, number, pool.constant("u32", stream));
};

const dimension: Rule = ({ pool }, node, _, dtype) => {
  const size = node.attributes.of as number;
  return pool.apply("cast", dtype, pool.constant("i64", BigInt(size)));
};

const RULES: { readonly [op: string]: Rule } = {
  ...VIEWS,
  ...Object.fromEntries(ELEMENT_OPERATIONS.map((op) => [op, plain(op)])),
  compare: (values, node, index) =>
    values.pool.apply(
      node.attributes.direction as Operation,
      "bool",
      ...node.operands.map((operand) => values.at(operand, index)),
    ),
  constant: (values, node) => values.pool.element(node.attributes.value as Tensor, 0),
  iota: ({ pool }, node, index, dtype) =>
    pool.apply("cast", dtype, pool.index("i32", index[node.attributes.axis as number])),
  dimension,
  random,
  pad,
  gather,
  take_along: (values, node, index) => taken(values, node, values.at(node.operands[1], index), index),
};

/** Whether a node's result can be computed element by element where it is used. */
export const isElementwise = (op: string): boolean => Object.hasOwn(RULES, op);

/** Whether all elements of a constant are the same. */
export const isUniform = ({ data }: Tensor): boolean => {
  for (let i = 1; i < data.length; i++) if (!Object.is(data[i], data[0])) return false;
  return data.length > 0;
};

/** Elements of the values of a region. */
export class Values {
  /** Where stored values lie. */
  readonly places = new Map<number, Place>();
  /** Answers for values that a kernel under construction has at hand. */
  hook: ((value: number, index: Index) => Expression | undefined) | undefined;
  private readonly makers = new Map<number, ConcreteNode>();
  private memo = new Map<string, Expression>();

  /** Values of a region, made by expressions of a pool. */
  constructor(readonly pool: Expressions, readonly region: Region) {
    for (const node of region.nodes) node.results.forEach((_, i) => this.makers.set(node.first + i, node));
  }

  /** The node that makes a value; none for parameters. */
  maker(value: number): ConcreteNode | undefined {
    return this.makers.get(value);
  }

  /** Starts afresh after the hook or the places changed. */
  forget(): void {
    this.memo = new Map();
  }

  /** The element of a value at an index. */
  at(value: number, index: Index): Expression {
    const key = `${value}:${index.map((part) => part.key).join(",")}`;
    const before = this.memo.get(key);
    if (before !== undefined) return before;
    const made = this.hook?.(value, index) ?? this.stored(value, index) ?? this.computed(value, index);
    this.memo.set(key, made);
    return made;
  }

  /** The element where it lies. */
  private stored(value: number, index: Index): Expression | undefined {
    const place = this.places.get(value);
    return place === undefined ? undefined : this.pool.load(place.buffer, placeIndex(place, index));
  }

  /** The element as its node makes it, whether or not it is stored. */
  computed(value: number, index: Index): Expression {
    const node = this.makers.get(value);
    const rule = node === undefined ? undefined : RULES[node.op];
    if (rule === undefined) throw new Error(`value ${value} (${node?.op ?? "parameter"}) has no place`);
    return rule(this, node!, index, this.region.types[value].dtype);
  }

  /** Whether an index expression (i32 or i64) is in 0 … size − 1. */
  inRange(picked: Expression, size: number): Expression {
    const { pool } = this;
    if (picked.kind === "index") return pool.within(picked.index, 0, size);
    if (picked.kind === "constant") {
      return pool.constant("bool", Number(picked.value) >= 0 && Number(picked.value) < size ? 1 : 0);
    }
    const number = (value: number) => pool.constant(picked.dtype, picked.dtype === "i64" ? BigInt(value) : value);
    return pool.both(
      pool.apply("ge", "bool", picked, number(0)),
      pool.apply("lt", "bool", picked, number(size)),
    );
  }
}
