/**
 * Emission: how each primitive is written in ONNX's operators. One row a primitive; control is in export.ts.
 *
 * Invariant: a row keeps the primitive's whole meaning where ONNX's operator has less: division by zero, shifts past the
 * width, indices out of range, NaN and overflow in casts are written out.
 *
 * @module
 */
import type { Direction } from "../primitives/binary.ts";
import type { ReduceKind } from "../primitives/reduction.ts";
import type { ScatterMode } from "../primitives/indexing.ts";
import { type Dimension, subtractDimensions } from "../dimension.ts";
import type { Attributes } from "../graph.ts";
import { withAxis, withoutAxes } from "../shape.ts";
import { type Dtype, dtypeInfo, isFloat, type Shape, type TensorType } from "../types.ts";
import { type Element, integerRange, type Tensor } from "../value.ts";
import { bits, div, like, one, ordered, pow, rem, shiftLeft, shiftRight, unsigned64 } from "./emission_integers.ts";
import { emitConv, emitDot } from "./emission_products.ts";
import { emitRandom } from "./emission_random.ts";
import { emitReduceWindow, emitSelectAndScatter, padWire } from "./emission_windows.ts";
import { type OnnxWriter, productOf, type Wire } from "./writer.ts";

/** A node as its row sees it; all named sizes are those of the program's entry. */
export interface Emitted {
  /** The primitive. */
  readonly op: string;
  /** Its operands. */
  readonly inputs: ReadonlyArray<Wire>;
  /** Its result types. */
  readonly results: ReadonlyArray<TensorType>;
  /** Its attributes. */
  readonly attributes: Attributes;
}

/** Writes one primitive. */
export type EmissionRow = (w: OnnxWriter, node: Emitted) => ReadonlyArray<Wire>;

/** An operator that means the same, run in the carrier type. */
const same = (type: string): EmissionRow =>
  one((w, { inputs }) => w.carrying(inputs[0].dtype, inputs, (operands) => w.same(type, operands)));

const expm1 = (w: OnnxWriter, x: Wire): Wire => {
  // 2t / (1 − t) with t = tanh(x/2) keeps the digits near zero that eˣ − 1 loses.
  const half = w.same("Tanh", [w.same("Mul", [x, like(w, x, 0.5)])]);
  const near = w.same("Div", [w.same("Add", [half, half]), w.same("Sub", [like(w, x, 1), half])]);
  const far = w.same("Sub", [w.same("Exp", [x]), like(w, x, 1)]);
  const small = w.test("Less", w.same("Abs", [x]), like(w, x, 1));
  return w.where(small, near, far);
};

const log1p = (w: OnnxWriter, x: Wire): Wire => {
  // log(u) · x / (u − 1) with u = 1 + x undoes the rounding of u (Kahan).
  const u = w.same("Add", [x, like(w, x, 1)]);
  const rest = w.same("Sub", [u, like(w, x, 1)]);
  const plain = w.same("Log", [u]);
  const mended = w.same("Mul", [plain, w.same("Div", [x, rest])]);
  const lost = w.test("Equal", rest, like(w, x, 0));
  const infinite = w.test("Equal", u, like(w, x, Infinity));
  return w.where(lost, x, w.where(infinite, plain, mended));
};

const wholeLimits = (dtype: Dtype): readonly [bigint, bigint] => integerRange(dtype);

const floatToInteger = (w: OnnxWriter, x: Wire, dtype: Dtype): Wire => {
  const wide = w.carried(x);
  const [low, high] = wholeLimits(dtype);
  const isNan = w.op("IsNaN", [wide], { dtype: "bool", shape: x.shape });
  const number = w.where(isNan, like(w, wide, 0), wide);
  const { bits } = dtypeInfo(dtype);
  const exact = bits < (wide.dtype === "f64" ? 53 : 24);
  if (exact) {
    const [bottom, top] = [low, high].map((limit) => w.number(wide.dtype, Number(limit)));
    return w.cast(w.same("Max", [w.same("Min", [number, top]), bottom]), dtype);
  }
  // The bounds are no floats of this type, so what lies outside is chosen after the conversion.
  const above = w.test("GreaterOrEqual", number, w.number(wide.dtype, Number(high)));
  const below = w.test("LessOrEqual", number, w.number(wide.dtype, Number(low)));
  const safe = w.where(w.test("Or", above, below), like(w, wide, 0), number);
  const made = w.cast(safe, dtype);
  return w.where(above, w.number(dtype, high), w.where(below, w.number(dtype, low), made));
};

const cast = one((w, { inputs: [x], results: [{ dtype }] }) => {
  if (isFloat(x.dtype) && dtypeInfo(dtype).kind === "int") return floatToInteger(w, x, dtype);
  return w.cast(x, dtype);
});

const neg = one((w, { inputs: [x] }) => w.carrying(x.dtype, [x], ([wide]) => w.same("Neg", [wide])));

const not = one((w, { inputs: [x] }) => {
  if (x.dtype === "bool") return w.same("Not", [x]);
  // ~x is −x − 1 in two's complement.
  return w.carrying(x.dtype, [x], ([wide]) => w.same("Sub", [w.same("Neg", [wide]), like(w, wide, 1)]));
});

const extremum = (type: "Max" | "Min"): EmissionRow =>
  one((w, { inputs: [x, y] }) => {
    if (unsigned64(x.dtype)) {
      return w.where(w.test(type === "Max" ? "Greater" : "Less", ordered(w, x), ordered(w, y)), x, y);
    }
    return w.carrying(x.dtype, [x, y], ([a, b]) => w.combine(type, a, b));
  });

const COMPARE: { readonly [D in Direction]: string } = {
  eq: "Equal",
  ne: "Equal",
  lt: "Less",
  le: "LessOrEqual",
  gt: "Greater",
  ge: "GreaterOrEqual",
};

const compare = one((w, { inputs, attributes }) => {
  const direction = attributes.direction as Direction;
  const [x, y] = inputs.map((wire) => unsigned64(wire.dtype) ? ordered(w, wire) : w.carried(wire));
  const made = w.test(COMPARE[direction], x, y);
  return direction === "ne" ? w.same("Not", [made]) : made;
});

const select = one((w, { inputs: [predicate, x, y] }) => w.where(predicate, x, y));

const iota = one((w, { results: [{ dtype, shape }], attributes }) => {
  const axis = attributes.axis as number;
  const along = w.reshape(w.range(shape[axis]), shape.map((size, i) => i === axis ? size : 1));
  return w.expand(w.cast(along, dtype), shape);
});

const broadcast = one((w, { inputs: [x], results: [{ shape }], attributes }) => {
  const axes = attributes.axes as ReadonlyArray<number>;
  const lined = shape.map((_, axis): Dimension => {
    const from = axes.indexOf(axis);
    return from < 0 ? 1 : x.shape[from];
  });
  return w.expand(w.reshape(x, lined), shape);
});

const slice = one((w, { inputs: [x], results: [{ shape }], attributes }) => {
  const { start, limit, stride } = attributes as unknown as { start: Shape; limit: Shape; stride: number[] };
  const parts = x.shape.flatMap((size, axis) =>
    start[axis] === 0 && limit[axis] === size && stride[axis] === 1
      ? []
      : [{ axis, start: start[axis], limit: limit[axis], step: stride[axis] }]
  );
  return w.slice(x, parts, shape);
});

const pad = one((w, { inputs: [x, value], attributes }) => {
  const { low, high, interior } = attributes as unknown as { low: Shape; high: Shape; interior: number[] };
  return padWire(w, x, value, { low, high, interior });
});

/** Indices outside the axis point at one more place after its end. */
const guardedIndices = (w: OnnxWriter, indices: Wire, size: Dimension): Wire => {
  const wide = w.cast(indices, "i64");
  const length = w.size(size);
  const below = w.test("Less", wide, w.number("i64", 0));
  const outside = w.test("Or", below, w.test("GreaterOrEqual", wide, length));
  return w.where(outside, length, wide);
};

/** x with one more place of zeros after the end of an axis. */
const extended = (w: OnnxWriter, x: Wire, axis: number): Wire => {
  const zeros = w.fill(w.number(x.dtype, 0), withAxis(x.shape, axis, 1));
  return w.concat([x, zeros], axis, withAxis(x.shape, axis, subtractDimensions(x.shape[axis], -1)));
};

const cropped = (w: OnnxWriter, x: Wire, axis: number, shape: Shape): Wire =>
  w.slice(x, [{ axis, start: 0, limit: shape[axis], step: 1 }], shape);

const gather = one((w, { inputs: [x, indices], results: [result], attributes }) => {
  const axis = attributes.axis as number;
  return w.op("Gather", [extended(w, x, axis), guardedIndices(w, indices, x.shape[axis])], result, { axis });
});

const takeAlong = one((w, { inputs: [x, indices], results: [result], attributes }) => {
  const axis = attributes.axis as number;
  return w.op("GatherElements", [extended(w, x, axis), guardedIndices(w, indices, x.shape[axis])], result, { axis });
});

const putElements = (w: OnnxWriter, x: Wire, indices: Wire, updates: Wire, axis: number, mode: ScatterMode): Wire => {
  const put = (to: Wire, from: Wire): Wire => {
    const wide = extended(w, to, axis);
    const operands = [wide, guardedIndices(w, indices, to.shape[axis]), from];
    const made = w.op("ScatterElements", operands, wide, mode === "add" ? { axis, reduction: "add" } : { axis });
    return cropped(w, made, axis, to.shape);
  };
  return mode === "add" ? w.carrying(x.dtype, [x, updates], ([to, from]) => put(to, from)) : put(x, updates);
};

const putAlong = one((w, { inputs: [x, indices, updates], attributes }) =>
  putElements(w, x, indices, updates, attributes.axis as number, attributes.mode as ScatterMode)
);

const scatter = one((w, { inputs: [x, indices, updates], attributes }) => {
  const axis = attributes.axis as number;
  const count = productOf(indices.shape);
  const rows = withAxis(x.shape, axis, count);
  const lined = w.reshape(w.reshape(indices, [count]), rows.map((size, i) => i === axis ? size : 1));
  return putElements(w, x, w.expand(lined, rows), w.reshape(updates, rows), axis, attributes.mode as ScatterMode);
});

const REDUCE: { readonly [K in ReduceKind]: string } = {
  sum: "ReduceSum",
  prod: "ReduceProd",
  max: "ReduceMax",
  min: "ReduceMin",
  any: "ReduceMax",
  all: "ReduceMin",
};

/** First version in which a reduction takes its axes as an operand. */
const axesOperandSince = (kind: ReduceKind): number => kind === "sum" ? 13 : 18;

const identityOf = (kind: ReduceKind, dtype: Dtype): Element => {
  if (kind === "any" || kind === "all") return kind === "all";
  if (kind === "sum" || kind === "prod") return kind === "sum" ? 0 : 1;
  if (isFloat(dtype)) return kind === "max" ? -Infinity : Infinity;
  return integerRange(dtype)[kind === "max" ? 0 : 1];
};

const reduceWire = (w: OnnxWriter, x: Wire, kind: ReduceKind, axes: ReadonlyArray<number>, shape: Shape): Wire => {
  const result = { dtype: x.dtype, shape };
  if (w.opset >= axesOperandSince(kind)) return w.op(REDUCE[kind], [x, w.list(axes)], result, { keepdims: 0 });
  return w.op(REDUCE[kind], [x], result, { axes, keepdims: 0 });
};

/** Product of integers, factor by factor: onnxruntime 1.30 multiplies them as floats, which do not wrap. */
const integerProduct = (w: OnnxWriter, x: Wire, axes: ReadonlyArray<number>, shape: Shape): Wire => {
  const kept = x.shape.flatMap((_, axis) => axes.includes(axis) ? [] : [axis]);
  const merged = [productOf(axes.map((axis) => x.shape[axis])), ...shape];
  const factors = w.reshape(w.transpose(x, [...axes, ...kept]), merged);
  const row = { dtype: x.dtype, shape };
  const body = w.subgraph([row, row], ([sofar, factor]) => [w.same("Mul", [sofar, factor])]);
  return w.op("Scan", [w.fill(w.number(x.dtype, 1), shape), factors], row, {
    body: { graph: body },
    num_scan_inputs: 1,
  });
};

const reduce = one((w, node) => {
  const { inputs: [x], results: [{ shape, dtype }], attributes } = node;
  const { op, axes } = attributes as unknown as { op: ReduceKind; axes: ReadonlyArray<number> };
  if (axes.length === 0) return x;
  // Of no elements ONNX's extrema are undefined.
  if (axes.some((axis) => x.shape[axis] === 0)) return w.fill(w.number(dtype, identityOf(op, dtype)), shape);
  if (unsigned64(dtype) && (op === "max" || op === "min")) w.refuse("u64 has no such operator");
  if (op === "prod" && !isFloat(dtype)) return w.carrying(dtype, [x], ([wide]) => integerProduct(w, wide, axes, shape));
  return w.carrying(dtype, [x], ([wide]) => reduceWire(w, wide, op, axes, shape));
});

const argReduce = one((w, node) => {
  const { inputs: [x], results: [result], attributes } = node;
  const wide = unsigned64(x.dtype) ? ordered(w, x) : w.carried(x);
  const axis = attributes.axis as number;
  const type = attributes.op === "max" ? "ArgMax" : "ArgMin";
  const found = w.op(type, [wide], result, { axis, keepdims: 0 });
  if (!isFloat(x.dtype)) return found;
  // The first NaN wins; ONNX leaves it open.
  const marks = w.cast(w.op("IsNaN", [wide], { dtype: "bool", shape: x.shape }), "i32");
  const first = w.op("ArgMax", [marks], result, { axis, keepdims: 0 });
  const any = w.cast(reduceWire(w, marks, "any", [axis], result.shape), "bool");
  return w.where(any, first, found);
});

/** Places of the elements in order along an axis; of equal ones the first comes first. */
const orderOf = (w: OnnxWriter, x: Wire, indices: TensorType, axis: number, descending: boolean): Wire => {
  const count = w.reshape(w.size(x.shape[axis]), [1]);
  return w.ops("TopK", [x, count], [x, indices], { axis, largest: descending ? 1 : 0, sorted: 1 })[1];
};

const sort: EmissionRow = (w, { inputs: [x], results: [values, indices], attributes }) => {
  const axis = attributes.axis as number;
  const descending = attributes.descending === true;
  if (unsigned64(x.dtype)) w.refuse("u64 has no such operator");
  const at = (of: Wire, places: Wire, type: TensorType) => w.op("GatherElements", [of, places], type, { axis });
  const wide = w.carried(x);
  if (!isFloat(x.dtype)) {
    const places = orderOf(w, wide, indices, axis, descending);
    return [at(x, places, values), places];
  }
  // NaN is above everything, infinity included: sorted as infinity first, then parted from it.
  const isNan = w.op("IsNaN", [wide], { dtype: "bool", shape: x.shape });
  const first = orderOf(w, w.where(isNan, like(w, wide, Infinity), wide), indices, axis, descending);
  const flags = at(w.cast(isNan, "i32"), first, { dtype: "i32", shape: x.shape });
  const places = at(first, orderOf(w, flags, indices, axis, descending), indices);
  return [at(x, places, values), places];
};

const RUNNING = { sum: "Add", prod: "Mul", max: "Max", min: "Min" } as const;

type Running = {
  readonly op: keyof typeof RUNNING;
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
};

const cumulativeWire = (
  w: OnnxWriter,
  x: Wire,
  { op, axis, reverse, exclusive }: Running,
  identity: Element,
): Wire => {
  if (x.shape.includes(0)) return x;
  if (op === "sum") {
    const flags = { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 };
    return w.op("CumSum", [x, w.number("i64", axis)], x, flags);
  }
  const row = { dtype: x.dtype, shape: withoutAxes(x.shape, [axis]) };
  const body = w.subgraph([row, row], ([sofar, element]) => {
    const next = w.combine(RUNNING[op], sofar, element);
    return [next, exclusive ? sofar : next];
  });
  const start = w.fill(w.number(x.dtype, identity), row.shape);
  const direction = reverse ? 1 : 0;
  return w.ops("Scan", [start, x], [row, x], {
    body: { graph: body },
    num_scan_inputs: 1,
    scan_input_axes: [axis],
    scan_output_axes: [axis],
    scan_input_directions: [direction],
    scan_output_directions: [direction],
  })[1];
};

const cumulative = one((w, node) => {
  const { inputs: [x], attributes } = node;
  const running = attributes as unknown as Running;
  if (unsigned64(x.dtype) && (running.op === "max" || running.op === "min")) w.refuse("u64 has no such operator");
  return w.carrying(x.dtype, [x], ([wide]) => cumulativeWire(w, wide, running, identityOf(running.op, x.dtype)));
});

const view = one((w, { inputs: [x], results: [{ shape }] }) => w.reshape(x, shape));

/** The rows. */
export const EMISSION: { readonly [primitive: string]: EmissionRow } = {
  neg,
  abs: same("Abs"),
  sign: same("Sign"),
  exp: same("Exp"),
  expm1: one((w, { inputs: [x] }) => w.carrying(x.dtype, [x], ([wide]) => expm1(w, wide))),
  log: same("Log"),
  log1p: one((w, { inputs: [x] }) => w.carrying(x.dtype, [x], ([wide]) => log1p(w, wide))),
  sqrt: same("Sqrt"),
  sin: same("Sin"),
  cos: same("Cos"),
  tanh: same("Tanh"),
  logistic: same("Sigmoid"),
  erf: same("Erf"),
  floor: same("Floor"),
  ceil: same("Ceil"),
  round: same("Round"),
  not,
  stop_gradient: one((w, { inputs: [x] }) => w.same("Identity", [x])),
  cast,
  add: same("Add"),
  sub: same("Sub"),
  mul: same("Mul"),
  div,
  rem,
  pow,
  max: extremum("Max"),
  min: extremum("Min"),
  and: bits("And", "BitwiseAnd"),
  or: bits("Or", "BitwiseOr"),
  xor: bits("Xor", "BitwiseXor"),
  shift_left: shiftLeft,
  shift_right: shiftRight,
  compare,
  select,
  constant: one((w, { attributes }) => w.constant(attributes.value as Tensor)),
  iota,
  dimension: one((w, { results: [{ dtype }], attributes }) => w.cast(w.size(attributes.of as Dimension), dtype)),
  random: one(emitRandom),
  broadcast,
  reshape: view,
  transpose: one((w, { inputs: [x], attributes }) => w.transpose(x, attributes.permutation as ReadonlyArray<number>)),
  reverse: one((w, { inputs: [x], attributes }) => w.reverse(x, attributes.axes as ReadonlyArray<number>)),
  slice,
  pad,
  concat: one((w, { inputs, results: [{ shape }], attributes }) => w.concat(inputs, attributes.axis as number, shape)),
  gather,
  scatter,
  take_along: takeAlong,
  put_along: putAlong,
  reduce,
  arg_reduce: argReduce,
  sort,
  cumulative,
  reduce_window: one(emitReduceWindow),
  select_and_scatter: one(emitSelectAndScatter),
  dot: one(emitDot),
  conv: one(emitConv),
};
