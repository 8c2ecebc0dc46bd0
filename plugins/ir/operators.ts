/**
 * Operators: one method for each primitive, typed, with NumPy broadcasting and plain numbers as operands.
 *
 * Not the primitives' meaning (primitives/), and no state: a builder says what emitting is.
 * Invariant: a method emits its primitive, and before it only the `broadcast` and `constant` nodes its operands need.
 *
 * @module
 */
import type { Dimension } from "./dimension.ts";
import { wrongDtype } from "./failures.ts";
import type { Attributes } from "./graph.ts";
import type { DotAxes } from "./primitives/contraction.ts";
import type { ConvWindow } from "./primitives/convolution.ts";
import type { Direction } from "./primitives/binary.ts";
import type { ScatterMode } from "./primitives/indexing.ts";
import type { ReduceKind } from "./primitives/reduction.ts";
import type { Sliding, WindowKind } from "./primitives/window.ts";
import { axisOf, broadcastShapes } from "./shape.ts";
import type { DimensionSolver } from "./solver.ts";
import { type Dtype, type Shape, type TensorType, tensorType } from "./types.ts";
import { type Element, scalar, type Tensor } from "./value.ts";

/** A value of a function under construction. */
export class Value {
  /** The builder whose function makes it. */
  readonly owner: object;
  /** Its type. */
  readonly type: TensorType;
  /** Builders make values. */
  constructor(owner: object, type: TensorType) {
    this.owner = owner;
    this.type = type;
  }
}

/** An operand: a value, or a number of the other operand's dtype. */
export type Input = Value | number;

/** How a running reduction goes. */
export interface Running {
  /** Axis; negative counts from the end. */
  readonly axis: number;
  /** From the end. */
  readonly reverse?: boolean;
  /** Without the element itself. */
  readonly exclusive?: boolean;
}

/** How a random tensor is drawn. */
export interface Draw {
  /** What is drawn. */
  readonly distribution: "uniform" | "normal" | "bits";
  /** Keeps several draws from one seed apart. */
  readonly stream?: number;
}

/** Emits primitives. */
export abstract class Operators {
  /** Emits a node and gives its results. */
  abstract emit(op: string, operands: ReadonlyArray<Value>, attributes?: Attributes): ReadonlyArray<Value>;

  /** What is known of the sizes. */
  abstract readonly solver: DimensionSolver;

  /** Emits a node of one result. */
  private one(op: string, operands: ReadonlyArray<Value>, attributes?: Attributes): Value {
    return this.emit(op, operands, attributes)[0];
  }

  /** Two or more operands in one dtype and one shape, and numbers as constants. */
  private align(op: string, inputs: ReadonlyArray<Input>): ReadonlyArray<Value> {
    const values = inputs.filter((input) => input instanceof Value);
    if (values.length === 0) throw wrongDtype({ op, operand: "numbers", reason: "one operand must be a value" });
    let shape: Shape = [];
    for (const { type } of values) {
      shape = broadcastShapes(op, { dtype: type.dtype, shape }, type, this.solver);
    }
    return inputs.map((input) =>
      input instanceof Value ? this.broadcastTo(input, shape) : this.full({ dtype: values[0].type.dtype, shape }, input)
    );
  }

  /** Emits a node whose operands broadcast. */
  private elementwise(op: string, inputs: ReadonlyArray<Input>, attributes?: Attributes): Value {
    return this.one(op, this.align(op, inputs), attributes);
  }

  /** A literal tensor. */
  constant(value: Tensor): Value {
    return this.one("constant", [], { value });
  }

  /** A tensor of one number. */
  full(type: TensorType, value: Element): Value {
    const { dtype, shape } = type;
    return this.broadcastTo(this.constant(scalar(dtype, dtype === "bool" ? Boolean(value) : value)), shape);
  }

  /** Zeros of the type of a value. */
  zerosLike(x: Value): Value {
    return this.full(x.type, 0);
  }

  /** −x. */
  neg(x: Value): Value {
    return this.one("neg", [x]);
  }
  /** |x|. */
  abs(x: Value): Value {
    return this.one("abs", [x]);
  }
  /** −1, 0 or 1. */
  sign(x: Value): Value {
    return this.one("sign", [x]);
  }
  /** eˣ. */
  exp(x: Value): Value {
    return this.one("exp", [x]);
  }
  /** eˣ − 1. */
  expm1(x: Value): Value {
    return this.one("expm1", [x]);
  }
  /** Natural logarithm. */
  log(x: Value): Value {
    return this.one("log", [x]);
  }
  /** Logarithm of 1 + x. */
  log1p(x: Value): Value {
    return this.one("log1p", [x]);
  }
  /** Square root. */
  sqrt(x: Value): Value {
    return this.one("sqrt", [x]);
  }
  /** Sine. */
  sin(x: Value): Value {
    return this.one("sin", [x]);
  }
  /** Cosine. */
  cos(x: Value): Value {
    return this.one("cos", [x]);
  }
  /** Hyperbolic tangent. */
  tanh(x: Value): Value {
    return this.one("tanh", [x]);
  }
  /** 1 / (1 + e⁻ˣ). */
  logistic(x: Value): Value {
    return this.one("logistic", [x]);
  }
  /** The error function. */
  erf(x: Value): Value {
    return this.one("erf", [x]);
  }
  /** Largest integer not above. */
  floor(x: Value): Value {
    return this.one("floor", [x]);
  }
  /** Smallest integer not below. */
  ceil(x: Value): Value {
    return this.one("ceil", [x]);
  }
  /** Nearest integer, ties to even. */
  round(x: Value): Value {
    return this.one("round", [x]);
  }
  /** Complement. */
  not(x: Value): Value {
    return this.one("not", [x]);
  }
  /** x, with no gradient. */
  stopGradient(x: Value): Value {
    return this.one("stop_gradient", [x]);
  }
  /** Another dtype; x itself where it has it. */
  cast(x: Value, dtype: Dtype): Value {
    return x.type.dtype === dtype ? x : this.one("cast", [x], { dtype });
  }

  /** x + y. */
  add(x: Input, y: Input): Value {
    return this.elementwise("add", [x, y]);
  }
  /** x − y. */
  sub(x: Input, y: Input): Value {
    return this.elementwise("sub", [x, y]);
  }
  /** x · y. */
  mul(x: Input, y: Input): Value {
    return this.elementwise("mul", [x, y]);
  }
  /** x / y. */
  div(x: Input, y: Input): Value {
    return this.elementwise("div", [x, y]);
  }
  /** Remainder with the sign of x. */
  rem(x: Input, y: Input): Value {
    return this.elementwise("rem", [x, y]);
  }
  /** x to the y. */
  pow(x: Input, y: Input): Value {
    return this.elementwise("pow", [x, y]);
  }
  /** The larger. */
  max(x: Input, y: Input): Value {
    return this.elementwise("max", [x, y]);
  }
  /** The smaller. */
  min(x: Input, y: Input): Value {
    return this.elementwise("min", [x, y]);
  }
  /** Conjunction. */
  and(x: Input, y: Input): Value {
    return this.elementwise("and", [x, y]);
  }
  /** Disjunction. */
  or(x: Input, y: Input): Value {
    return this.elementwise("or", [x, y]);
  }
  /** Exclusive or. */
  xor(x: Input, y: Input): Value {
    return this.elementwise("xor", [x, y]);
  }
  /** x · 2^y. */
  shiftLeft(x: Input, y: Input): Value {
    return this.elementwise("shift_left", [x, y]);
  }
  /** Floor of x / 2^y. */
  shiftRight(x: Input, y: Input): Value {
    return this.elementwise("shift_right", [x, y]);
  }
  /** Whether x stands to y in a direction. */
  compare(direction: Direction, x: Input, y: Input): Value {
    return this.elementwise("compare", [x, y], { direction });
  }
  /** x where the predicate is true, y elsewhere. */
  select(predicate: Value, x: Input, y: Input): Value {
    const [left, right] = this.align("select", [x, y]);
    const shape = broadcastShapes("select", predicate.type, left.type, this.solver);
    return this.one("select", [predicate, left, right].map((value) => this.broadcastTo(value, shape)));
  }

  /** 0, 1, 2 … along an axis. */
  iota(dtype: Dtype, shape: Shape, axis: number): Value {
    return this.one("iota", [], { dtype, shape, axis: axisOf("iota", axis, shape.length) });
  }
  /** The size of a dimension as a scalar. */
  dimension(of: Dimension, dtype: Dtype): Value {
    return this.one("dimension", [], { dtype, of });
  }
  /** A random tensor from an i64 seed. */
  random(seed: Value, type: TensorType, { distribution, stream = 0 }: Draw): Value {
    return this.one("random", [seed], { dtype: type.dtype, shape: type.shape, distribution, stream });
  }

  /** x repeated to a shape; operand axis i becomes result axis `axes[i]`. */
  broadcast(x: Value, shape: Shape, axes: ReadonlyArray<number>): Value {
    return this.one("broadcast", [x], { shape, axes });
  }
  /** x repeated to a shape it broadcasts to by NumPy's rule; x itself where it has it. */
  broadcastTo(x: Value, shape: Shape): Value {
    if (this.solver.equalShapes(x.type.shape, shape)) return x;
    const lead = shape.length - x.type.shape.length;
    return this.broadcast(x, shape, x.type.shape.map((_, axis) => axis + lead));
  }
  /** The same elements under another shape; x itself where it has it. */
  reshape(x: Value, shape: Shape): Value {
    const wanted = tensorType(x.type.dtype, shape);
    const same = wanted.shape.length === x.type.shape.length && wanted.shape.every((s, i) => s === x.type.shape[i]);
    return same ? x : this.one("reshape", [x], { shape: wanted.shape });
  }
  /** Axes in another order; x itself where it is the same. */
  transpose(x: Value, permutation: ReadonlyArray<number>): Value {
    const axes = permutation.map((axis) => axisOf("transpose", axis, x.type.shape.length));
    const isSame = axes.length === x.type.shape.length && axes.every((axis, i) => axis === i);
    return isSame ? x : this.one("transpose", [x], { permutation: axes });
  }
  /** Opposite order along axes. */
  reverse(x: Value, axes: ReadonlyArray<number>): Value {
    const front = axes.map((axis) => axisOf("reverse", axis, x.type.shape.length)).sort((a, b) => a - b);
    return front.length === 0 ? x : this.one("reverse", [x], { axes: front });
  }
  /** Elements from start to before limit. */
  slice(
    x: Value,
    part: { readonly start: Shape; readonly limit: Shape; readonly stride?: ReadonlyArray<number> },
  ): Value {
    return this.one("slice", [x], { stride: x.type.shape.map(() => 1), ...part });
  }
  /** Elements from start to before limit along one axis. */
  sliceAxis(x: Value, axis: number, start: Dimension, limit: Dimension): Value {
    const at = axisOf("slice", axis, x.type.shape.length);
    return this.slice(x, {
      start: x.type.shape.map((_, i) => i === at ? start : 0),
      limit: x.type.shape.map((size, i) => i === at ? limit : size),
    });
  }
  /** A value around and between the elements. */
  pad(
    x: Value,
    value: Input,
    how: { readonly low: Shape; readonly high: Shape; readonly interior?: ReadonlyArray<number> },
  ): Value {
    const around = value instanceof Value ? value : this.full(tensorType(x.type.dtype), value);
    return this.one("pad", [x, around], { interior: x.type.shape.map(() => 0), ...how });
  }
  /** Operands one after another along an axis. */
  concat(xs: ReadonlyArray<Value>, axis: number): Value {
    return this.one("concat", xs, { axis: axisOf("concat", axis, xs[0]?.type.shape.length ?? 0) });
  }

  /** Rows of x at indices along an axis. */
  gather(x: Value, indices: Value, axis: number): Value {
    return this.one("gather", [x, indices], { axis: axisOf("gather", axis, x.type.shape.length) });
  }
  /** x with rows at indices set or increased. */
  scatter(x: Value, indices: Value, updates: Value, axis: number, mode: ScatterMode): Value {
    return this.one("scatter", [x, indices, updates], { axis: axisOf("scatter", axis, x.type.shape.length), mode });
  }
  /** For each index the element along the axis. */
  takeAlong(x: Value, indices: Value, axis: number): Value {
    return this.one("take_along", [x, indices], { axis: axisOf("take_along", axis, x.type.shape.length) });
  }
  /** x with the element at each index along the axis set or increased. */
  putAlong(x: Value, indices: Value, updates: Value, axis: number, mode: ScatterMode): Value {
    return this.one("put_along", [x, indices, updates], { axis: axisOf("put_along", axis, x.type.shape.length), mode });
  }

  /** Combines elements along axes (all where none are named), which disappear. */
  reduce(op: ReduceKind, x: Value, axes?: ReadonlyArray<number>): Value {
    const rank = x.type.shape.length;
    const front = (axes ?? x.type.shape.map((_, axis) => axis)).map((axis) => axisOf("reduce", axis, rank));
    return front.length === 0 ? x : this.one("reduce", [x], { op, axes: [...front].sort((a, b) => a - b) });
  }
  /** Combines all elements. */
  reduceAll(op: ReduceKind, x: Value): Value {
    return this.reduce(op, x);
  }
  /** Combines elements along axes, which stay with size 1. */
  reduceKeep(op: ReduceKind, x: Value, axes: ReadonlyArray<number>): Value {
    const front = axes.map((axis) => axisOf("reduce", axis, x.type.shape.length));
    return this.reshape(this.reduce(op, x, front), x.type.shape.map((size, axis) => front.includes(axis) ? 1 : size));
  }
  /** Index of the largest or smallest along an axis. */
  argReduce(op: "max" | "min", x: Value, axis: number): Value {
    return this.one("arg_reduce", [x], { op, axis: axisOf("arg_reduce", axis, x.type.shape.length) });
  }
  /** Elements in order, and where each came from. */
  sort(x: Value, axis: number, descending = false): readonly [values: Value, indices: Value] {
    const [values, indices] = this.emit("sort", [x], {
      axis: axisOf("sort", axis, x.type.shape.length),
      descending,
    });
    return [values, indices];
  }
  /** Running reduction. */
  cumulative(op: "sum" | "prod" | "max" | "min", x: Value, how: Running): Value {
    const { axis, reverse = false, exclusive = false } = how;
    return this.one("cumulative", [x], {
      op,
      axis: axisOf("cumulative", axis, x.type.shape.length),
      reverse,
      exclusive,
    });
  }
  /** Sum, max or min of every window. */
  reduceWindow(op: WindowKind, x: Value, sliding: Sliding): Value {
    return this.one("reduce_window", [x], { op, ...sliding });
  }
  /** Sources added where each window's extremum is. */
  selectAndScatter(op: "max" | "min", x: Value, source: Value, sliding: Sliding): Value {
    return this.one("select_and_scatter", [x, source], { op, ...sliding });
  }

  /** General dot product. */
  dot(x: Value, y: Value, axes: DotAxes, accumulate: Dtype = x.type.dtype): Value {
    return this.one("dot", [x, y], { ...axes, accumulate });
  }
  /** General convolution of [N,C,…] with [O,C/groups,…]. */
  conv(x: Value, w: Value, how: Partial<ConvWindow> = {}, accumulate: Dtype = x.type.dtype): Value {
    const spatial = Math.max(0, x.type.shape.length - 2);
    const ones = Array.from({ length: spatial }, () => 1);
    const zero = ones.map(() => 0);
    return this.one("conv", [x, w], {
      strides: ones,
      low: zero,
      high: zero,
      dilation: ones,
      input_dilation: ones,
      groups: 1,
      ...how,
      accumulate,
    });
  }
}
