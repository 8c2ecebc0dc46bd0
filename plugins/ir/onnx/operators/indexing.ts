/**
 * ONNX operators that move elements to or from places given by an index tensor. Negative indices count from the end.
 *
 * @module
 */
import { type Dimension, multiplyDimensions } from "../../dimension.ts";
import type { Input, Value } from "../../operators.ts";
import type { Shape } from "../../types.ts";
import { tensor } from "../../value.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

/** Indices with negative ones counted from the end of an axis. */
const frontIndices = (n: OnnxNode, indices: Value, size: Dimension): Value => {
  const { g } = n;
  const { dtype } = indices.type;
  const wide = dtype === "i32" || dtype === "i64" ? indices : g.cast(indices, "i64");
  const length: Input = typeof size === "number" ? size : g.dimension(size, wide.type.dtype);
  return g.select(g.compare("lt", wide, 0), g.add(wide, length), wide);
};

const gather = (n: OnnxNode): Value => {
  const x = n.in(0);
  const axis = n.axis(n.int("axis", 0), x.type.shape.length);
  return n.g.gather(x, frontIndices(n, n.in(1), x.type.shape[axis]), axis);
};

const gatherSizes = (n: OnnxNode): ReadonlyArray<Dimension> | undefined => {
  const sizes = n.sizes(0);
  return n.integers(1).map((index) =>
    sizes[index < 0 ? index + sizes.length : index] ?? n.refuse("index out of range")
  );
};

/** Only the part of the operand that the indices cover takes part along the other axes. */
const covered = (n: OnnxNode, x: Value, indices: Value, axis: number): Value =>
  n.g.slice(x, {
    start: x.type.shape.map(() => 0),
    limit: x.type.shape.map((size, i) => i === axis ? size : indices.type.shape[i]),
  });

const gatherElements = (n: OnnxNode): Value => {
  const [x, indices] = [n.in(0), n.in(1)];
  const axis = n.axis(n.int("axis", 0), x.type.shape.length);
  return n.g.takeAlong(covered(n, x, indices, axis), frontIndices(n, indices, x.type.shape[axis]), axis);
};

/** Extends indices and updates over the operand's whole extent along the other axes, by places out of range. */
const scatterElements = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, indices, updates] = [n.in(0), n.in(1), n.in(2)];
  const rank = x.type.shape.length;
  const axis = n.axis(n.int("axis", 0), rank);
  const mode = n.version < 16 ? "none" : n.oneOf("reduction", ["none", "add", "mul", "max", "min"], "none");
  if (mode === "mul" || mode === "max" || mode === "min") n.refuse(`reduction ${mode} has no primitive`);
  const front = frontIndices(n, indices, x.type.shape[axis]);
  const high = x.type.shape.map((size, i) =>
    i === axis ? 0 : n.number(size, "an axis") - n.number(indices.type.shape[i], "an axis of the indices")
  );
  const low = high.map(() => 0);
  return g.putAlong(
    x,
    g.pad(front, -1, { low, high }),
    g.pad(updates, 0, { low, high }),
    axis,
    mode === "add" ? "add" : "set",
  );
};

/** Row numbers in a tensor whose first axes are merged, from index lists along the last axis of `indices`. */
const mergedIndices = (n: OnnxNode, indices: Value, sizes: Shape): Value => {
  const { g } = n;
  const rank = indices.type.shape.length;
  const lead = indices.type.shape.slice(0, -1);
  return sizes.reduce<Value>((sum, size, i) => {
    const one = g.reshape(g.sliceAxis(indices, rank - 1, i, i + 1), lead);
    const length: Input = typeof size === "number" ? size : g.dimension(size, "i64");
    return g.add(g.mul(sum, length), frontIndices(n, one, size));
  }, g.full({ dtype: "i64", shape: lead }, 0));
};

const gatherNd = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, indices] = [n.in(0), n.in(1)];
  const batch = n.int("batch_dims", 0);
  const depth = n.number(indices.type.shape.at(-1)!, "the last axis of the indices");
  const { shape } = x.type;
  const [lead, indexed, rest] = [shape.slice(0, batch), shape.slice(batch, batch + depth), shape.slice(batch + depth)];
  let rows = mergedIndices(n, indices, indexed);
  if (batch > 0) {
    const count = multiplyDimensions(...lead);
    const number = g.reshape(g.iota("i64", [count], 0), lead);
    const offset = g.mul(number, g.dimension(multiplyDimensions(...indexed), "i64"));
    rows = g.add(rows, g.broadcast(offset, rows.type.shape, lead.map((_, axis) => axis)));
  }
  return g.gather(g.reshape(x, [multiplyDimensions(...lead, ...indexed), ...rest]), rows, 0);
};

const scatterNd = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, indices, updates] = [n.in(0), n.in(1), n.in(2)];
  const mode = n.version < 16 ? "none" : n.oneOf("reduction", ["none", "add", "mul", "max", "min"], "none");
  if (mode === "mul" || mode === "max" || mode === "min") n.refuse(`reduction ${mode} has no primitive`);
  const depth = n.number(indices.type.shape.at(-1)!, "the last axis of the indices");
  const { shape } = x.type;
  const merged = g.reshape(x, [multiplyDimensions(...shape.slice(0, depth)), ...shape.slice(depth)]);
  const rows = mergedIndices(n, indices, shape.slice(0, depth));
  return g.reshape(g.scatter(merged, rows, updates, 0, mode === "add" ? "add" : "set"), shape);
};

const oneHot = (n: OnnxNode): Value => {
  const { g } = n;
  const depth = n.integers(1)[0];
  const values = n.in(2);
  const indices = g.cast(n.in(0), "i64");
  const rank = indices.type.shape.length + 1;
  const axis = n.axis(n.int("axis", -1), rank);
  const shape: Dimension[] = [...indices.type.shape];
  shape.splice(axis, 0, depth);
  const axes = shape.map((_, i) => i).filter((i) => i !== axis);
  const hot = g.compare("eq", g.broadcast(frontIndices(n, indices, depth), shape, axes), g.iota("i64", shape, axis));
  const at = (i: number) => g.reshape(g.sliceAxis(values, 0, i, i + 1), []);
  return g.select(hot, g.broadcast(at(1), shape, []), g.broadcast(at(0), shape, []));
};

const compress = (n: OnnxNode): Value => {
  const { g } = n;
  const x = n.in(0);
  const kept = n.integers(1).flatMap((keep, i) => keep !== 0 ? [i] : []);
  const places = g.constant(tensor("i64", [kept.length], kept));
  if (!n.hasAttribute("axis")) return g.gather(g.reshape(x, [multiplyDimensions(...x.type.shape)]), places, 0);
  return g.gather(x, places, n.int("axis"));
};

/** Turns the first `length` elements of each sequence around, where lengths are data. */
const reverseSequence = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, lengths] = [n.in(0), n.in(1)];
  const { shape } = x.type;
  const [batchAxis, timeAxis] = [n.int("batch_axis", 1), n.int("time_axis", 0)];
  const time = g.iota("i64", shape, timeAxis);
  const length = g.broadcast(g.cast(lengths, "i64"), shape, [batchAxis]);
  const mirrored = g.sub(g.sub(length, time), 1);
  return g.takeAlong(x, g.select(g.compare("lt", time, length), mirrored, time), timeAxis);
};

/** The rows. */
export const INDEXING_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("Gather", 1, gather, { sizes: gatherSizes }),
  onnx("GatherElements", 11, gatherElements),
  onnx("GatherND", 11, gatherNd),
  onnx("Scatter", 9, scatterElements),
  onnx("ScatterElements", 11, scatterElements),
  onnx("ScatterND", 11, scatterNd),
  onnx("OneHot", 9, oneHot),
  onnx("Compress", 9, compress),
  onnx("ReverseSequence", 10, reverseSequence),
];
