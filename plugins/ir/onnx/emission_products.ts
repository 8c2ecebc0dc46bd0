/**
 * Emission of products: the general dot as MatMul, the general convolution as Conv or as one MatMul an element of the
 * kernel.
 *
 * @module
 */
import { type Dimension, quotientOf } from "../dimension.ts";
import type { DotAxes } from "../primitives/contraction.ts";
import type { ConvWindow } from "../primitives/convolution.ts";
import type { Dtype, Shape } from "../types.ts";
import { elementCount } from "../value.ts";
import type { Emitted } from "./emission.ts";
import { eachTap, MAX_TAPS, padWire, tapSlice } from "./emission_windows.ts";
import { carrierOf, type OnnxWriter, productOf, type Wire } from "./writer.ts";

const others = (rank: number, ...taken: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !taken.some((axes) => axes.includes(axis)));

const sizesAt = (x: Wire, axes: ReadonlyArray<number>): Shape => axes.map((axis) => x.shape[axis]);

const matMul = (w: OnnxWriter, x: Wire, y: Wire, shape: Shape): Wire => {
  // Of nothing to sum, and of no results, runtimes disagree.
  if (x.shape.includes(0) || y.shape.includes(0)) return w.fill(w.number(x.dtype, 0), shape);
  return w.op("MatMul", [x, y], { dtype: x.dtype, shape });
};

/** Writes `dot`. */
export const emitDot = (w: OnnxWriter, { inputs, results: [{ dtype, shape }], attributes }: Emitted): Wire => {
  const { x_batch, y_batch, x_contract, y_contract } = attributes as unknown as DotAxes & { accumulate: Dtype };
  // Operands widen first: products of narrow integers must not wrap.
  const [x, y] = inputs.map((wire) => w.cast(wire, carrierOf(dtype)));
  const [xFree, yFree] = [others(x.shape.length, x_batch, x_contract), others(y.shape.length, y_batch, y_contract)];
  const direct = x_batch.length === 0 && x_contract.length === 1 && y_contract[0] === 0 &&
    y.shape.length === 2 && x.shape.length >= 2 && x_contract[0] === x.shape.length - 1;
  if (direct) return w.cast(matMul(w, x, y, shape), dtype);
  const batch = sizesAt(x, x_batch);
  const merged = (wire: Wire, order: ReadonlyArray<number>, rows: Shape, columns: Shape): Wire => {
    const moved = w.transpose(wire, order);
    // One axis each of rows and columns: what MatMul takes.
    return w.reshape(moved, [...batch, productOf(rows), productOf(columns)]);
  };
  const [rows, columns, depth] = [sizesAt(x, xFree), sizesAt(y, yFree), sizesAt(x, x_contract)];
  const left = merged(x, [...x_batch, ...xFree, ...x_contract], rows, depth);
  const right = merged(y, [...y_batch, ...y_contract, ...yFree], depth, columns);
  const product = matMul(w, left, right, [...batch, productOf(rows), productOf(columns)]);
  return w.cast(w.reshape(product, shape), dtype);
};

type Convolved = ConvWindow & { readonly accumulate: Dtype };

/** Sum over the kernel's elements of channels seen times weights: every type, every padding. */
const convByTaps = (w: OnnxWriter, padded: Wire, kernel: Wire, shape: Shape, conv: Convolved): Wire => {
  const { groups, strides, dilation } = conv;
  const [outputs, perGroup, ...window] = kernel.shape;
  const sizes = window.map((size) => typeof size === "number" ? size : w.refuse("the kernel's size is not a number"));
  if (elementCount(sizes) > MAX_TAPS) w.refuse(`the kernel has more than ${MAX_TAPS} elements`);
  const [batch, , ...spatial] = shape;
  const area = productOf(spatial);
  const each = quotientOf(outputs, groups) as Dimension;
  const whole = sizes.map(() => 0);
  const sliding = { strides: [1, 1, ...strides], dilation: [1, 1, ...dilation] };
  const seenShape = [batch, padded.shape[1], ...spatial];
  let sum: Wire | undefined;
  eachTap(sizes, (place) => {
    const seen = tapSlice(w, padded, [0, 0, ...place], sliding, seenShape);
    const parts = place.map((at, axis) => ({ axis: axis + 2, start: at, limit: at + 1, step: 1 }));
    const tap = w.slice(kernel, parts, [outputs, perGroup, ...whole.map(() => 1)]);
    const product = matMul(
      w,
      w.reshape(tap, [groups, each, perGroup]),
      w.reshape(seen, [batch, groups, perGroup, area]),
      [batch, groups, each, area],
    );
    sum = sum === undefined ? product : w.same("Add", [sum, product]);
  });
  return w.reshape(sum!, shape);
};

/** Writes `conv`. */
export const emitConv = (w: OnnxWriter, { inputs, results: [{ dtype, shape }], attributes }: Emitted): Wire => {
  const conv = attributes as unknown as Convolved;
  const [x, kernel] = inputs.map((wire) => w.cast(wire, carrierOf(dtype)));
  const spatial = shape.length - 2;
  const zero = w.number(x.dtype, 0);
  const sides = [conv.low, conv.high];
  const plain = sides.every((pads) => pads.every((pad) => typeof pad === "number" && pad >= 0));
  const interior = [0, 0, ...conv.input_dilation.map((step) => step - 1)];
  const native = x.dtype === "f32" && spatial >= 1 && spatial <= 3 && !shape.includes(0) && !x.shape.includes(0);
  // Conv pads by itself; only gaps, cropping and named sizes are written before it.
  const outside = native && plain ? sides.map((pads) => pads.map(() => 0)) : sides;
  const [low, high] = outside.map((pads) => [0, 0, ...pads]);
  const padded = padWire(w, x, zero, { low, high, interior });
  if (!native) return w.cast(convByTaps(w, padded, kernel, shape, conv), dtype);
  const made = w.op("Conv", [padded, kernel], { dtype: x.dtype, shape }, {
    group: conv.groups,
    strides: conv.strides,
    dilations: conv.dilation,
    pads: plain ? sides.flat() as ReadonlyArray<number> : sides.flat().map(() => 0),
  });
  return w.cast(made, dtype);
};
