/**
 * Composites: the usual functions of tensors, written once over the primitives.
 *
 * Not a layer library (RMIL and neural build theirs on this): only what nearly every program needs.
 * Invariant: gradient, cost and every backend follow from the primitives; nothing here is known to them.
 *
 * @module
 */
import { multiplyDimensions } from "./dimension.ts";
import { wrongShape } from "./failures.ts";
import { type Input, Operators, type Value } from "./operators.ts";
import { axisOf, broadcastShapes } from "./shape.ts";
import { printType, type Shape, tensorType } from "./types.ts";

/** Names of the activation functions. */
export type Activation =
  | "relu"
  | "leaky_relu"
  | "gelu"
  | "gelu_tanh"
  | "silu"
  | "sigmoid"
  | "tanh"
  | "softplus"
  | "mish"
  | "softmax";

const HALF_ROOT = Math.SQRT1_2;
const TANH_GELU_SCALE = Math.sqrt(2 / Math.PI);
const TANH_GELU_CUBE = 0.044715;
const LEAKY_SLOPE = 0.01;

/** max(x, 0) + log(1 + e^−|x|), with the former as half of x and |x|, whose derivative at 0 is the function's. */
const softplus = (g: Composites, x: Value): Value => {
  const size = g.abs(x);
  return g.add(g.add(g.mul(x, 0.5), g.mul(size, 0.5)), g.log1p(g.exp(g.neg(size))));
};

const ACTIVATIONS: { readonly [K in Activation]: (g: Composites, x: Value) => Value } = {
  relu: (g, x) => g.max(x, 0),
  leaky_relu: (g, x) => g.select(g.compare("gt", x, 0), x, g.mul(x, LEAKY_SLOPE)),
  gelu: (g, x) => g.mul(g.mul(x, 0.5), g.add(g.erf(g.mul(x, HALF_ROOT)), 1)),
  gelu_tanh: (g, x) => {
    const cube = g.mul(g.mul(x, g.mul(x, x)), TANH_GELU_CUBE);
    return g.mul(g.mul(x, 0.5), g.add(g.tanh(g.mul(g.add(x, cube), TANH_GELU_SCALE)), 1));
  },
  silu: (g, x) => g.mul(x, g.logistic(x)),
  sigmoid: (g, x) => g.logistic(x),
  tanh: (g, x) => g.tanh(x),
  softplus,
  mish: (g, x) => g.mul(x, g.tanh(softplus(g, x))),
  softmax: (g, x) => g.softmax(x, -1),
};

/** Names of the activation functions, in order. */
export const ACTIVATION_NAMES: ReadonlyArray<Activation> = Object.keys(ACTIVATIONS) as ReadonlyArray<Activation>;

/** How a normalisation goes. */
export interface Normalization {
  /** Axes whose elements are normalised together. */
  readonly axes: ReadonlyArray<number>;
  /** Added to the variance. */
  readonly epsilon: number;
  /** Whether the mean is taken away first; without, it divides by the root mean square. */
  readonly centered: boolean;
}

/** How attention goes. */
export interface AttentionOptions {
  /** Added to the scores before the softmax; broadcasts to them. */
  readonly bias?: Value;
  /** Factor of the scores; the inverse root of the head's width where absent. */
  readonly scale?: number;
}

/** Emits the usual functions. */
export abstract class Composites extends Operators {
  /** Matrix product by NumPy's rule: leading axes broadcast, vectors count as a row or a column. */
  matmul(x: Value, y: Value): Value {
    const [a, b] = [x.type.shape, y.type.shape];
    if (a.length === 0 || b.length === 0) {
      throw wrongShape({ op: "matmul", reason: `${printType(x.type)} and ${printType(y.type)} need an axis each` });
    }
    if (a.length === 1 || b.length === 1) {
      const contract = { x_contract: [a.length - 1], y_contract: [Math.max(0, b.length - 2)] };
      return this.dot(x, y, { x_batch: [], y_batch: [], ...contract });
    }
    if (b.length === 2) {
      return this.dot(x, y, { x_batch: [], y_batch: [], x_contract: [a.length - 1], y_contract: [0] });
    }
    const lead = (shape: Shape) => tensorType("f32", shape.slice(0, -2));
    const batch = broadcastShapes("matmul", lead(a), lead(b), this.solver);
    const axes = batch.map((_, axis) => axis);
    return this.dot(this.broadcastTo(x, [...batch, ...a.slice(-2)]), this.broadcastTo(y, [...batch, ...b.slice(-2)]), {
      x_batch: axes,
      y_batch: axes,
      x_contract: [batch.length + 1],
      y_contract: [batch.length],
    });
  }

  /** Mean along axes (all where none are named), which disappear. */
  mean(x: Value, axes?: ReadonlyArray<number>): Value {
    const sum = this.reduce("sum", x, axes);
    const taken = (axes ?? x.type.shape.map((_, axis) => axis)).map((a) => axisOf("mean", a, x.type.shape.length));
    const count = multiplyDimensions(...taken.map((axis) => x.type.shape[axis]));
    if (typeof count === "number") return this.div(sum, count);
    return this.div(sum, this.dimension(count, x.type.dtype));
  }

  /** Mean along axes, which stay with size 1. */
  meanKeep(x: Value, axes: ReadonlyArray<number>): Value {
    const front = axes.map((axis) => axisOf("mean", axis, x.type.shape.length));
    return this.reshape(this.mean(x, front), x.type.shape.map((size, axis) => front.includes(axis) ? 1 : size));
  }

  /** Variance along axes, which stay with size 1: the mean of the squared distances to the mean. */
  varianceKeep(x: Value, axes: ReadonlyArray<number>): Value {
    const distance = this.sub(x, this.meanKeep(x, axes));
    return this.meanKeep(this.mul(distance, distance), axes);
  }

  /** Normalised exponentials along an axis; the largest element is taken away first. */
  softmax(x: Value, axis: number): Value {
    const raised = this.exp(this.sub(x, this.stopGradient(this.reduceKeep("max", x, [axis]))));
    return this.div(raised, this.reduceKeep("sum", raised, [axis]));
  }

  /** Logarithm of the softmax, without computing the softmax. */
  logSoftmax(x: Value, axis: number): Value {
    const shifted = this.sub(x, this.stopGradient(this.reduceKeep("max", x, [axis])));
    return this.sub(shifted, this.log(this.reduceKeep("sum", this.exp(shifted), [axis])));
  }

  /** An activation function by name. */
  activation(kind: Activation, x: Value): Value {
    return ACTIVATIONS[kind](this, x);
  }

  /** x within low … high. */
  clamp(x: Value, low: Input, high: Input): Value {
    return this.min(this.max(x, low), high);
  }

  /** One along a new last axis at each index, zero elsewhere. */
  oneHot(indices: Value, classes: number, type: "f64" | "f32" | "f16" | "bf16"): Value {
    const shape = [...indices.type.shape, classes];
    const spread = this.broadcast(indices, shape, indices.type.shape.map((_, axis) => axis));
    return this.cast(this.compare("eq", spread, this.iota(indices.type.dtype, shape, -1)), type);
  }

  /** x less its mean (where centered), divided by the root of its variance plus epsilon. */
  normalize(x: Value, { axes, epsilon, centered }: Normalization): Value {
    const middle = centered ? this.sub(x, this.meanKeep(x, axes)) : x;
    const variance = this.meanKeep(this.mul(middle, middle), axes);
    return this.div(middle, this.sqrt(this.add(variance, epsilon)));
  }

  /** Scaled dot-product attention over the last two axes: softmax(q·kᵀ·scale + bias)·v. */
  attention(q: Value, k: Value, v: Value, { bias, scale }: AttentionOptions = {}): Value {
    const rank = k.type.shape.length;
    const swapped = k.type.shape.map((_, axis) => axis < rank - 2 ? axis : 2 * rank - 3 - axis);
    const scores = this.matmul(q, this.transpose(k, swapped));
    const width = q.type.shape.at(-1)!;
    const scaled = scale !== undefined || typeof width === "number"
      ? this.mul(scores, scale ?? 1 / Math.sqrt(width as number))
      : this.div(scores, this.sqrt(this.dimension(width, q.type.dtype)));
    return this.matmul(this.softmax(bias === undefined ? scaled : this.add(scaled, bias), -1), v);
  }
}
