/**
 * ONNX operators over sliding windows: maxima with or without their places, means, norms, and putting maxima back.
 *
 * @module
 */
import { multiplyDimensions } from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import type { Sliding } from "../../primitives/window.ts";
import { elementCount, fromFloats, tensor } from "../../value.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";
import { type Spatial, spatialOf } from "./neural.ts";

/** The window with the places after the end that a last, cut window needs. */
const pooled = (n: OnnxNode, x: Value): Spatial => {
  const kernel = n.ints("kernel_shape") ?? n.refuse("attribute kernel_shape is missing");
  const sizes = x.type.shape.slice(2);
  const found = spatialOf(n, sizes, kernel);
  if (!n.flag("ceil_mode")) return found;
  const high = found.high.map((pad, i) => {
    const size = n.number(sizes[i], "a size rounded up");
    const extent = (kernel[i] - 1) * found.dilation[i] + 1;
    const reach = size + found.low[i] + pad - extent;
    const last = Math.ceil(reach / found.strides[i]) * found.strides[i];
    // A window that would begin in the padding after the end is none.
    const steps = last >= size + found.low[i] ? last - found.strides[i] : last;
    return pad + steps - reach;
  });
  return { ...found, high };
};

const slidingOf = ({ kernel, strides, dilation, low, high }: Spatial): Sliding => ({
  window: [1, 1, ...kernel],
  strides: [1, 1, ...strides],
  dilation: [1, 1, ...dilation],
  low: [0, 0, ...low],
  high: [0, 0, ...high],
});

/** For every window along one axis, how many of its places are inside. */
const insideCounts = (size: number, [low, high]: readonly [number, number], spatial: Spatial, i: number): number[] => {
  const { kernel, strides, dilation } = spatial;
  const extent = (kernel[i] - 1) * dilation[i] + 1;
  const windows = Math.floor((size + spatial.low[i] + spatial.high[i] - extent) / strides[i]) + 1;
  return Array.from({ length: windows }, (_, at) => {
    let count = 0;
    for (let tap = 0; tap < kernel[i]; tap++) {
      const place = at * strides[i] - spatial.low[i] + tap * dilation[i];
      if (place >= -low && place < size + high) count++;
    }
    return count;
  });
};

const isPlain = (n: OnnxNode, { low, high }: Spatial): boolean =>
  [...low, ...high].every((pad) => pad === 0) && !n.flag("ceil_mode");

const averagePool = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const spatial = pooled(n, x);
  const sum = g.reduceWindow("sum", x, slidingOf(spatial));
  if (isPlain(n, spatial)) return g.div(sum, elementCount(spatial.kernel));
  const withPads = n.flag("count_include_pad");
  const declared = spatialOf(n, x.type.shape.slice(2), spatial.kernel);
  const rank = x.type.shape.length;
  const counts = spatial.kernel.map((_, i) => {
    const size = n.number(x.type.shape[i + 2], "a padded size");
    const inside = insideCounts(size, withPads ? [declared.low[i], declared.high[i]] : [0, 0], spatial, i);
    const shape = Array.from({ length: rank }, (_, axis) => axis === i + 2 ? inside.length : 1);
    return g.constant(fromFloats(x.type.dtype, shape, Float64Array.from(inside)));
  });
  return g.div(sum, counts.reduce((a, b) => g.mul(a, b)));
};

/** Places, in one channel of the operand, of every window's first maximum. */
const maximumPlaces = (n: OnnxNode, x: Value, spatial: Spatial, columnMajor: boolean): Value => {
  const { g } = n;
  const sizes = n.numbers(x.type.shape.slice(2), "a size");
  const { kernel, strides, dilation, low, high } = spatial;
  const windows = sizes.map((size, i) =>
    Math.floor((size + low[i] + high[i] - (kernel[i] - 1) * dilation[i] - 1) / strides[i]) + 1
  );
  const lowest = x.type.dtype.startsWith("u") ? 0 : x.type.dtype.startsWith("i") ? -128 : -Infinity;
  const padded = g.pad(x, lowest, { low: [0, 0, ...low], high: [0, 0, ...high.map((pad) => Math.max(pad, 0))] });
  const steps = columnMajor
    ? sizes.map((_, i) => elementCount(sizes.slice(0, i)))
    : sizes.map((_, i) => elementCount(sizes.slice(i + 1)));
  const [count, taps] = [elementCount(windows), elementCount(kernel)];
  const digits = (at: number, of: ReadonlyArray<number>) =>
    of.map((size, i) => Math.floor(at / elementCount(of.slice(i + 1))) % size);
  const extents = padded.type.shape.slice(2) as ReadonlyArray<number>;
  const [reads, places]: [number[], number[]] = [[], []];
  for (let at = 0; at < count; at++) {
    const window = digits(at, windows);
    for (let tap = 0; tap < taps; tap++) {
      const element = digits(tap, kernel);
      const place = window.map((w, i) => w * strides[i] + element[i] * dilation[i]);
      reads.push(place.reduce((sum, p, i) => sum + p * elementCount(extents.slice(i + 1)), 0));
      places.push(place.reduce((sum, p, i) => sum + (p - low[i]) * steps[i], 0));
    }
  }
  const [batch, channels] = x.type.shape;
  const flat = g.reshape(padded, [batch, channels, elementCount(extents)]);
  const taken = g.gather(flat, g.constant(tensor("i64", [count, taps], reads)), 2);
  const best = g.argReduce("max", taken, 3);
  const table = g.broadcast(g.constant(tensor("i64", [count, taps], places)), taken.type.shape, [2, 3]);
  const found = g.takeAlong(table, g.reshape(best, [batch, channels, count, 1]), 3);
  const offset = g.reshape(
    g.mul(g.iota("i64", [multiplyDimensions(batch, channels)], 0), elementCount(sizes)),
    [batch, channels, 1, 1],
  );
  return g.reshape(g.add(found, offset), [batch, channels, ...windows]);
};

const maxPool = (n: OnnxNode): ReadonlyArray<Value> => {
  const x = n.in(0);
  const spatial = pooled(n, x);
  const made = n.g.reduceWindow("max", x, slidingOf(spatial));
  return n.wants(1) ? [made, maximumPlaces(n, x, spatial, n.flag("storage_order"))] : [made];
};

const lpPool = (n: OnnxNode): Value => {
  const x = n.in(0);
  const p = n.int("p", 2);
  const sum = n.g.reduceWindow("sum", n.g.pow(n.g.abs(x), p), slidingOf(pooled(n, x)));
  return n.g.pow(sum, 1 / p);
};

const maxUnpool = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, places] = [n.in(0), n.in(1)];
  const kernel = n.ints("kernel_shape") ?? n.refuse("attribute kernel_shape is missing");
  const strides = n.ints("strides") ?? kernel.map(() => 1);
  const pads = n.ints("pads") ?? kernel.flatMap(() => [0, 0]);
  const [batch, channels, ...sizes] = n.numbers(x.type.shape, "a size");
  const natural = sizes.map((size, i) => (size - 1) * strides[i] + kernel[i] - pads[i] - pads[i + kernel.length]);
  const area = batch * channels * elementCount(natural);
  const count = elementCount([batch, channels, ...sizes]);
  const empty = g.full({ dtype: x.type.dtype, shape: [area] }, 0);
  const put = g.scatter(empty, g.reshape(places, [count]), g.reshape(x, [count]), 0, "set");
  const made = g.reshape(put, [batch, channels, ...natural]);
  if (!n.has(2)) return made;
  // A wanted shape keeps the places' meaning in the natural one and adds zeros after it.
  const wanted = n.integers(2);
  return g.pad(made, 0, {
    low: wanted.map(() => 0),
    high: wanted.map((size, axis) => size - (made.type.shape[axis] as number)),
  });
};

/** The rows. */
export const POOLING_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("MaxPool", 1, maxPool),
  onnx("AveragePool", 1, averagePool),
  onnx("LpPool", 2, lpPool),
  onnx("MaxUnpool", 9, maxUnpool),
];
