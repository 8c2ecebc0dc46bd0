/**
 * The primitive that slides kernels over inputs: the general convolution.
 *
 * Invariant: products and sums are taken in binary64 (or exactly, for integers) and each result is rounded or wrapped
 * once; padding and the gaps of dilation are zeros.
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
import {
  type Applied,
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
import { countOf, stridesOf } from "../shape.ts";
import { type ConcreteType, Dtype, isFloat, printType, type TensorType, tensorType } from "../types.ts";
import {
  elementCount,
  fromFloats,
  fromIntegers,
  integerBuffer,
  type Integers,
  type Tensor,
  toFloats,
  toIntegers,
} from "../value.ts";
import { needAccumulator, range } from "./contraction.ts";
import { needPerAxis } from "./movement.ts";

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

/** Whether windows of an extent fit a padded length; windows of one fit an empty axis, which has none of them. */
export const windowsFit = (padded: Dimension, extent: Dimension): boolean =>
  typeof padded !== "number" || typeof extent !== "number" || padded >= extent || (padded === 0 && extent === 1);

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
    const extent = dilated(w.shape[i + 2], dilation[i]);
    needShape(
      node,
      w.shape[i + 2] !== 0 && windowsFit(padded, extent),
      () => `the kernel of ${printType(w)} does not fit axis ${i + 2} of ${printType(x)}, ${padded} with padding`,
    );
    return windowCount(padded, extent, strides[i]);
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
  const places = new Int32Array(kernelCount);
  /** For every kernel element, where in one channel of the input it looks from a window. */
  const look = (window: number): Int32Array => {
    for (let element = 0; element < kernelCount; element++) {
      let place = 0;
      for (let i = 0; i < sizes.length && place >= 0; i++) {
        const step = Math.floor(window / windowStrides[i]) % windows[i];
        const tap = Math.floor(element / kernelStrides[i]) % kernel[i];
        const at = inputPlace(step * strides[i] + tap * dilation[i], low[i], sizes[i], input_dilation[i]);
        place = at < 0 ? -1 : place + at * xStrides[i];
      }
      places[element] = place;
    }
    return places;
  };
  const perOutput = outputs / groups;
  const layout = { batch, outputs, perGroup, perOutput, windowsCount, kernelCount, area, channels: x.shape[1], look };
  if (isFloat(type.dtype)) {
    return fromFloats(type.dtype, type.shape, convolve(toFloats(x), toFloats(w), layout));
  }
  // Products of narrow integers are exact in binary64 only up to a point, so integers go through bigint.
  return fromIntegers(type.dtype, type.shape, convolveIntegers(toIntegers(x), toIntegers(w), type.dtype, layout));
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
  readonly look: (window: number) => Int32Array;
};

const eachTap = (l: Layout, visit: (out: number, x: number, w: number) => void): void => {
  for (let window = 0; window < l.windowsCount; window++) {
    const places = l.look(window);
    for (let n = 0; n < l.batch; n++) {
      for (let o = 0; o < l.outputs; o++) {
        const firstChannel = Math.floor(o / l.perOutput) * l.perGroup;
        const out = (n * l.outputs + o) * l.windowsCount + window;
        for (let c = 0; c < l.perGroup; c++) {
          const base = (n * l.channels + firstChannel + c) * l.area;
          const taps = (o * l.perGroup + c) * l.kernelCount;
          for (let tap = 0; tap < l.kernelCount; tap++) {
            if (places[tap] >= 0) visit(out, base + places[tap], taps + tap);
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

const convolveIntegers = (x: Integers, w: Integers, dtype: Dtype, layout: Layout): Integers => {
  const out = integerBuffer(dtype, layout.batch * layout.outputs * layout.windowsCount);
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
export const CONVOLUTION: ReadonlyArray<Primitive> = [
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
