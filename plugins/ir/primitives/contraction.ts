/**
 * Primitives that multiply and sum: general dot product and general convolution.
 *
 * Invariant: products and sums are taken in binary64 (or exactly, for integers) and each result is rounded or wrapped
 * once, so an f32 or narrower result is the correctly rounded one but for the last bit of the sum.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import type { FunctionBuilder, Value } from "../builder.ts";
import {
  addDimensions,
  type Dimension,
  divideDimension,
  multiplyDimensions,
  quotientOf,
  subtractDimensions,
} from "../dimension.ts";
import { badAttribute, wrongDtype } from "../failures.ts";
import {
  type Applied,
  Axes,
  type Costed,
  type Differentiated,
  needShape,
  Positives,
  type Primitive,
  primitive,
  type PrimitiveCost,
  sameDtype,
  Sizes,
} from "../primitive.ts";
import { checkAxes, countOf, forEachOffset, stridesOf } from "../shape.ts";
import { type ConcreteType, Dtype, dtypeInfo, isFloat, printType, type TensorType, tensorType } from "../types.ts";
import { elementCount, fromFloats, fromIntegers, type Tensor, toFloats, toIntegers } from "../value.ts";
import { needPerAxis } from "./movement.ts";

/** Axes of a dot product. */
export interface DotAxes {
  /** Axes of x that run in step with those of y. */
  readonly x_batch: ReadonlyArray<number>;
  /** Their partners in y. */
  readonly y_batch: ReadonlyArray<number>;
  /** Axes of x that are summed. */
  readonly x_contract: ReadonlyArray<number>;
  /** Their partners in y. */
  readonly y_contract: ReadonlyArray<number>;
}

type Dot = DotAxes & { readonly accumulate: Dtype };

const freeAxes = (rank: number, ...taken: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> =>
  Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !taken.some((axes) => axes.includes(axis)));

const needAccumulator = (node: { readonly op: string }, from: Dtype, to: Dtype): void => {
  const [a, b] = [dtypeInfo(from), dtypeInfo(to)];
  if (a.kind === b.kind && (from === to || (b.bits > a.bits && b.signed))) return;
  throw wrongDtype({ op: node.op, operand: from, reason: `it cannot accumulate in ${to}`, expected: from, actual: to });
};

const dotResult = (node: Applied<Dot>): TensorType => {
  const [x, y] = node.types;
  const { x_batch, y_batch, x_contract, y_contract, accumulate } = node.attributes;
  needAccumulator(node, sameDtype(node), accumulate);
  checkAxes(node.op, [...x_batch, ...x_contract], x.shape.length);
  checkAxes(node.op, [...y_batch, ...y_contract], y.shape.length);
  if (x_batch.length !== y_batch.length || x_contract.length !== y_contract.length) {
    throw badAttribute({ op: node.op, reason: "the axes of x and y do not pair up" });
  }
  const pairs: ReadonlyArray<readonly [number, number]> = [
    ...x_batch.map((axis, i) => [axis, y_batch[i]] as const),
    ...x_contract.map((axis, i) => [axis, y_contract[i]] as const),
  ];
  for (const [left, right] of pairs) {
    needShape(
      node,
      node.solver.equal(x.shape[left], y.shape[right]),
      () =>
        `axis ${left} of ${printType(x)} is ${x.shape[left]}, and axis ${right} of ${printType(y)} is ${
          y.shape[right]
        }`,
    );
  }
  return tensorType(accumulate, [
    ...x_batch.map((axis) => x.shape[axis]),
    ...freeAxes(x.shape.length, x_batch, x_contract).map((axis) => x.shape[axis]),
    ...freeAxes(y.shape.length, y_batch, y_contract).map((axis) => y.shape[axis]),
  ]);
};

/** Offsets of all index combinations of some axes of a tensor, row-major. */
const offsetsOf = (x: Tensor, axes: ReadonlyArray<number>): ReadonlyArray<number> => {
  const strides = stridesOf(x.shape);
  const offsets: number[] = [];
  forEachOffset(axes.map((axis) => x.shape[axis]), axes.map((axis) => strides[axis]), 0, (o) => offsets.push(o));
  return offsets;
};

const dotTensors = (x: Tensor, y: Tensor, type: ConcreteType, axes: Dot): Tensor => {
  const xFree = offsetsOf(x, freeAxes(x.shape.length, axes.x_batch, axes.x_contract));
  const yFree = offsetsOf(y, freeAxes(y.shape.length, axes.y_batch, axes.y_contract));
  const [xSum, ySum] = [offsetsOf(x, axes.x_contract), offsetsOf(y, axes.y_contract)];
  const [xBatch, yBatch] = [offsetsOf(x, axes.x_batch), offsetsOf(y, axes.y_batch)];
  const count = elementCount(type.shape);
  if (!isFloat(type.dtype)) {
    const [a, b, out] = [toIntegers(x), toIntegers(y), new BigInt64Array(count)];
    let at = 0;
    for (let batch = 0; batch < xBatch.length; batch++) {
      for (const i of xFree) {
        for (const j of yFree) {
          let sum = 0n;
          for (let k = 0; k < xSum.length; k++) sum += a[xBatch[batch] + i + xSum[k]] * b[yBatch[batch] + j + ySum[k]];
          out[at++] = sum;
        }
      }
    }
    return fromIntegers(type.dtype, type.shape, out);
  }
  const [a, b, out] = [toFloats(x), toFloats(y), new Float64Array(count)];
  const width = yFree.length;
  // Terms are added in order of k for every element, whatever order the loops run in; this one reads y along rows.
  for (let batch = 0, base = 0; batch < xBatch.length; batch++) {
    for (let i = 0; i < xFree.length; i++, base += width) {
      for (let k = 0; k < xSum.length; k++) {
        const left = a[xBatch[batch] + xFree[i] + xSum[k]];
        const from = yBatch[batch] + ySum[k];
        for (let j = 0; j < width; j++) out[base + j] += left * b[from + yFree[j]];
      }
    }
  }
  return fromFloats(type.dtype, type.shape, out);
};

const range = (start: number, count: number): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => start + i);

/** Cotangent of one side of a dot: contract the cotangent with the other side, then put the axes back in order. */
const dotSide = (
  g: FunctionBuilder,
  cotangent: Value,
  side: { readonly of: Value; readonly batch: ReadonlyArray<number>; readonly contract: ReadonlyArray<number> },
  other: { readonly of: Value; readonly batch: ReadonlyArray<number>; readonly contract: ReadonlyArray<number> },
  sideIsFirst: boolean,
): Value => {
  const batch = side.batch.length;
  const sideFree = freeAxes(side.of.type.shape.length, side.batch, side.contract);
  const otherFree = freeAxes(other.of.type.shape.length, other.batch, other.contract);
  const otherStart = sideIsFirst ? batch + sideFree.length : batch;
  const raw = g.dot(cotangent, g.cast(other.of, cotangent.type.dtype), {
    x_batch: range(0, batch),
    y_batch: other.batch,
    x_contract: range(otherStart, otherFree.length),
    y_contract: otherFree,
  });
  // What is left of the other side are its contracted axes, in its own order.
  const left = [...other.contract].sort((a, b) => a - b).map((axis) => side.contract[other.contract.indexOf(axis)]);
  const order = [...side.batch, ...sideFree, ...left];
  return g.cast(g.transpose(raw, order.map((_, axis) => order.indexOf(axis))), side.of.type.dtype);
};

const dotGradient = ({ g, cotangent, operands: [x, y], attributes }: Differentiated<Dot>): ReadonlyArray<Value> => {
  const left = { of: x, batch: attributes.x_batch, contract: attributes.x_contract };
  const right = { of: y, batch: attributes.y_batch, contract: attributes.y_contract };
  return [dotSide(g, cotangent, left, right, true), dotSide(g, cotangent, right, left, false)];
};

const dotCost = ({ types: [x], results: [out], attributes }: Costed<Dot>): PrimitiveCost => ({
  flops: multiplyDimensions(2, countOf(out), ...attributes.x_contract.map((axis) => x.shape[axis])),
});

/** How a kernel moves over an input. Lists have one entry a spatial axis. */
export interface ConvWindow {
  /** Steps between results. */
  readonly strides: ReadonlyArray<number>;
  /** Zeros before the input. */
  readonly low: ReadonlyArray<Dimension>;
  /** Zeros after the input. */
  readonly high: ReadonlyArray<Dimension>;
  /** Steps between kernel elements. */
  readonly dilation: ReadonlyArray<number>;
  /** Steps between input elements, the rest zeros: above 1 the convolution is a transposed one. */
  readonly input_dilation: ReadonlyArray<number>;
  /** Groups of channels that do not see each other. */
  readonly groups: number;
}

type Conv = ConvWindow & { readonly accumulate: Dtype };

/** Extent of `size` elements that are `step` apart. */
export const dilated = (size: Dimension, step: number): Dimension =>
  size === 0 ? 0 : addDimensions(multiplyDimensions(subtractDimensions(size, 1), step), 1);

/** Number of windows of an extent in a padded length, at a stride. */
export const windowCount = (padded: Dimension, extent: Dimension, stride: number): Dimension =>
  addDimensions(divideDimension(subtractDimensions(padded, extent), stride), 1);

const convResult = (node: Applied<Conv>): TensorType => {
  const [x, w] = node.types;
  const { strides, low, high, dilation, input_dilation, groups, accumulate } = node.attributes;
  needAccumulator(node, sameDtype(node), accumulate);
  const rank = x.shape.length - 2;
  needShape(
    node,
    rank >= 0 && w.shape.length === rank + 2,
    () => `it takes [N,C,…] and [O,C/groups,…], not ${printType(x)} and ${printType(w)}`,
  );
  needPerAxis(node, rank, { strides, low, high, dilation, input_dilation });
  needShape(
    node,
    node.solver.equal(x.shape[1], multiplyDimensions(groups, w.shape[1])),
    () =>
      `${printType(x)} has ${x.shape[1]} channels, and ${printType(w)} in ${groups} groups takes ` +
      `${multiplyDimensions(groups, w.shape[1])}`,
  );
  needShape(
    node,
    quotientOf(w.shape[0], groups) !== undefined,
    () => `${w.shape[0]} result channels do not divide into ${groups} groups`,
  );
  const spatial = range(0, rank).map((i) => {
    const padded = addDimensions(dilated(x.shape[i + 2], input_dilation[i]), low[i], high[i]);
    const count = windowCount(padded, dilated(w.shape[i + 2], dilation[i]), strides[i]);
    needShape(
      node,
      w.shape[i + 2] !== 0 && (typeof count !== "number" || count >= 0),
      () => `the kernel of ${printType(w)} does not fit axis ${i + 2} of ${printType(x)}, ${padded} with padding`,
    );
    return count;
  });
  return tensorType(accumulate, [x.shape[0], w.shape[0], ...spatial]);
};

/** The input position a kernel element looks at, or −1 where it is padding or between input elements. */
const inputPlace = (position: number, low: number, size: number, step: number): number => {
  const place = position - low;
  return place >= 0 && place % step === 0 && place / step < size ? place / step : -1;
};

const convTensors = (x: Tensor, w: Tensor, type: ConcreteType, attributes: Conv): Tensor => {
  const { strides, dilation, input_dilation, groups } = attributes;
  const low = attributes.low as ReadonlyArray<number>;
  const [batch, outputs, ...windows] = type.shape;
  const [, perGroup, ...kernel] = w.shape;
  const sizes = x.shape.slice(2);
  const [windowsCount, kernelCount, area] = [elementCount(windows), elementCount(kernel), elementCount(sizes)];
  const xStrides = stridesOf(sizes);
  const [windowStrides, kernelStrides] = [stridesOf(windows), stridesOf(kernel)];
  // For every window and kernel element, where in one channel of the input it looks.
  const places = new Int32Array(windowsCount * kernelCount);
  for (let window = 0; window < windowsCount; window++) {
    for (let element = 0; element < kernelCount; element++) {
      let place = 0;
      for (let i = 0; i < sizes.length && place >= 0; i++) {
        const step = Math.floor(window / windowStrides[i]) % windows[i];
        const tap = Math.floor(element / kernelStrides[i]) % kernel[i];
        const at = inputPlace(step * strides[i] + tap * dilation[i], low[i], sizes[i], input_dilation[i]);
        place = at < 0 ? -1 : place + at * xStrides[i];
      }
      places[window * kernelCount + element] = place;
    }
  }
  const perOutput = outputs / groups;
  const layout = { batch, outputs, perGroup, perOutput, windowsCount, kernelCount, area, channels: x.shape[1], places };
  if (isFloat(type.dtype)) {
    return fromFloats(type.dtype, type.shape, convolve(toFloats(x), toFloats(w), layout));
  }
  // Products of narrow integers are exact in binary64 only up to a point, so integers go through bigint.
  return fromIntegers(type.dtype, type.shape, convolveIntegers(toIntegers(x), toIntegers(w), layout));
};

type Layout = {
  readonly batch: number;
  readonly outputs: number;
  readonly perGroup: number;
  readonly perOutput: number;
  readonly windowsCount: number;
  readonly kernelCount: number;
  readonly area: number;
  readonly channels: number;
  readonly places: Int32Array;
};

const eachTap = (l: Layout, visit: (out: number, x: number, w: number) => void): void => {
  for (let n = 0; n < l.batch; n++) {
    for (let o = 0; o < l.outputs; o++) {
      const firstChannel = Math.floor(o / l.perOutput) * l.perGroup;
      for (let c = 0; c < l.perGroup; c++) {
        const base = (n * l.channels + firstChannel + c) * l.area;
        for (let window = 0; window < l.windowsCount; window++) {
          const out = (n * l.outputs + o) * l.windowsCount + window;
          for (let tap = 0; tap < l.kernelCount; tap++) {
            const place = l.places[window * l.kernelCount + tap];
            if (place >= 0) visit(out, base + place, (o * l.perGroup + c) * l.kernelCount + tap);
          }
        }
      }
    }
  }
};

const convolve = (x: Float64Array, w: Float64Array, layout: Layout): Float64Array<ArrayBuffer> => {
  const out = new Float64Array(layout.batch * layout.outputs * layout.windowsCount);
  eachTap(layout, (at, i, k) => out[at] += x[i] * w[k]);
  return out;
};

const convolveIntegers = (x: BigInt64Array, w: BigInt64Array, layout: Layout): BigInt64Array => {
  const out = new BigInt64Array(layout.batch * layout.outputs * layout.windowsCount);
  eachTap(layout, (at, i, k) => out[at] += x[i] * w[k]);
  return out;
};

/** Splits an axis into groups, reorders the axes, and merges axis `merge` with the one after it. */
const regroup = (
  g: FunctionBuilder,
  x: Value,
  how: {
    readonly axis: number;
    readonly groups: number;
    readonly order: ReadonlyArray<number>;
    readonly merge: number;
  },
): Value => {
  const { axis, groups, order, merge } = how;
  const { shape } = x.type;
  const part = quotientOf(shape[axis], groups)!;
  const split = g.reshape(x, [...shape.slice(0, axis), groups, part, ...shape.slice(axis + 1)]);
  const moved = g.transpose(split, order);
  const sizes = moved.type.shape;
  return g.reshape(moved, [
    ...sizes.slice(0, merge),
    multiplyDimensions(sizes[merge], sizes[merge + 1]),
    ...sizes.slice(merge + 2),
  ]);
};

const convInputGradient = ({ g, cotangent, operands: [x, w], attributes }: Differentiated<Conv>): Value => {
  const { strides, low, dilation, input_dilation, groups } = attributes;
  const rank = strides.length;
  const spatial = range(2, rank);
  // [G·O', C', k] → [G·C', O', k], taps reversed: the transposed kernel.
  const kernel = g.reverse(
    regroup(g, w, { axis: 0, groups, order: [0, 2, 1, ...spatial.map((axis) => axis + 1)], merge: 0 }),
    spatial,
  );
  const extent = spatial.map((axis, i) => subtractDimensions(dilated(w.type.shape[axis], dilation[i]), 1));
  const newLow = spatial.map((_, i) => subtractDimensions(extent[i], low[i]));
  const newHigh = spatial.map((axis, i) => {
    const wanted = dilated(x.type.shape[axis], input_dilation[i]);
    const given = dilated(cotangent.type.shape[axis], strides[i]);
    return subtractDimensions(addDimensions(wanted, extent[i]), addDimensions(given, newLow[i]));
  });
  const full = g.conv(cotangent, g.cast(kernel, cotangent.type.dtype), {
    strides: input_dilation,
    low: newLow,
    high: newHigh,
    dilation,
    input_dilation: strides,
    groups,
  });
  return g.cast(g.reshape(full, x.type.shape), x.type.dtype);
};

const convKernelGradient = ({ g, cotangent, operands: [x, w], attributes }: Differentiated<Conv>): Value => {
  const { strides, low, dilation, input_dilation, groups } = attributes;
  const rank = strides.length;
  const spatial = range(2, rank);
  const swap = [1, 0, ...spatial];
  // Batch becomes what is summed over: [N, G·C', …] → [C', G·N, …] against [G·O', N, …].
  const input = regroup(g, x, { axis: 1, groups, order: [2, 1, 0, ...spatial.map((a) => a + 1)], merge: 1 });
  const high = spatial.map((axis, i) => {
    const wanted = subtractDimensions(dilated(w.type.shape[axis], dilation[i]), 1);
    const given = addDimensions(dilated(x.type.shape[axis], input_dilation[i]), low[i]);
    return subtractDimensions(addDimensions(wanted, dilated(cotangent.type.shape[axis], strides[i])), given);
  });
  const made = g.conv(g.cast(input, cotangent.type.dtype), g.transpose(cotangent, swap), {
    strides: dilation,
    low,
    high,
    dilation: strides,
    input_dilation,
    groups,
  });
  return g.cast(g.reshape(g.transpose(made, swap), w.type.shape), w.type.dtype);
};

const convCost = ({ types: [, w], results: [out] }: Costed<Conv>): PrimitiveCost => ({
  flops: multiplyDimensions(2, countOf(out), ...w.shape.slice(1)),
});

/** The rows. */
export const CONTRACTION: ReadonlyArray<Primitive> = [
  primitive("dot", {
    doc:
      "Sums of products over the contracted axes, for every batch index. Result axes: batch, then the others of x, " +
      "then the others of y; dtype `accumulate`, the operands' own or a wider one of its kind.",
    operands: { x: "number", y: "number" },
    attributes: { x_batch: Axes, y_batch: Axes, x_contract: Axes, y_contract: Axes, accumulate: Dtype },
    result: (node) => [dotResult(node)],
    gradient: dotGradient,
    cost: dotCost,
    evaluate: ({ inputs: [x, y], results: [type], attributes }) => [dotTensors(x, y, type, attributes)],
    loop: "contraction",
  }),
  primitive("conv", {
    doc: "Cross-correlation of [N,C,…] with [O,C/groups,…] to [N,O,…], over any number of spatial axes, with stride, " +
      "padding by zeros (negative: cropping), kernel dilation, input dilation (transposed convolution) and groups.",
    operands: { x: "number", w: "number" },
    attributes: {
      strides: Positives,
      low: Sizes,
      high: Sizes,
      dilation: Positives,
      input_dilation: Positives,
      groups: Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)) as unknown as Schema.Codec<number>,
      accumulate: Dtype,
    },
    sizes: ["low", "high"],
    result: (node) => [convResult(node)],
    gradient: (node) => [convInputGradient(node), convKernelGradient(node)],
    cost: convCost,
    evaluate: ({ inputs: [x, w], results: [type], attributes }) => [convTensors(x, w, type, attributes)],
    loop: "contraction",
  }),
];
