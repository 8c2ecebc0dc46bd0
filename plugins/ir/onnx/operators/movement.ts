/**
 * ONNX operators that move elements by rules known before the run, and those that make tensors.
 *
 * @module
 */
import {
  addDimensions,
  type Dimension,
  divideDimension,
  multiplyDimensions,
  quotientOf,
  subtractDimensions,
} from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import { isFloat, type Shape, tensorType } from "../../types.ts";
import { elements, fromFloats, scalar, type Tensor, tensor } from "../../value.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";
import { dtypeOf } from "../tensors.ts";

const ones = (count: number): ReadonlyArray<number> => Array.from({ length: count }, () => 1);

/** Bounds at or past which a slice means "to the end". */
const FAR = 2147483647;

const isKnown = (size: Dimension): size is number => typeof size === "number";

/** The list an attribute holds before some version and an operand from it on. */
const listOf = (n: OnnxNode, name: string, operand: number, since: number): ReadonlyArray<number> | undefined =>
  n.version >= since ? (n.has(operand) ? n.integers(operand) : undefined) : n.ints(name);

const reshape = (n: OnnxNode): Value => {
  const x = n.in(0);
  const wanted = n.version < 5 ? n.ints("shape") ?? n.refuse("attribute shape is missing") : n.sizes(1);
  const keepZero = n.flag("allowzero");
  const shape = wanted.map((size, axis) =>
    size === 0 && !keepZero ? x.type.shape[axis] ?? n.refuse("no such axis") : size
  );
  const open = shape.indexOf(-1);
  if (open < 0) return n.g.reshape(x, shape);
  const others = multiplyDimensions(...shape.filter((_, axis) => axis !== open));
  const all = multiplyDimensions(...x.type.shape);
  const rest = others === 0
    ? 0
    : quotientOf(all, others) ?? n.refuse(`${all} elements do not divide into [${shape.join(",")}]`);
  return n.g.reshape(x, shape.map((size, axis) => axis === open ? rest : size));
};

const squeeze = (n: OnnxNode): Value => {
  const x = n.in(0);
  const { shape } = x.type;
  const given = listOf(n, "axes", 1, 13);
  const axes = given === undefined
    ? shape.flatMap((size, axis) => size === 1 ? [axis] : [])
    : n.axes(given, shape.length);
  const wrong = axes.find((axis) => shape[axis] !== 1);
  if (wrong !== undefined) n.refuse(`axis ${wrong} has size ${shape[wrong]}, not 1`);
  return n.g.reshape(x, shape.filter((_, axis) => !axes.includes(axis)));
};

const unsqueeze = (n: OnnxNode): Value => {
  const x = n.in(0);
  const given = listOf(n, "axes", 1, 13) ?? n.refuse("axes are missing");
  const axes = n.axes(given, x.type.shape.length + given.length);
  const shape: Dimension[] = [...x.type.shape];
  for (const axis of axes) shape.splice(axis, 0, 1);
  return n.g.reshape(x, shape);
};

const flatten = (n: OnnxNode): Value => {
  const x = n.in(0);
  const { shape } = x.type;
  const at = n.int("axis", 1);
  const axis = at === shape.length ? at : n.axis(at, shape.length);
  return n.g.reshape(x, [multiplyDimensions(...shape.slice(0, axis)), multiplyDimensions(...shape.slice(axis))]);
};

const transpose = (n: OnnxNode): Value => {
  const x = n.in(0);
  return n.g.transpose(x, n.ints("perm") ?? x.type.shape.map((_, axis) => axis).reverse());
};

const split = (n: OnnxNode): ReadonlyArray<Value> => {
  const x = n.in(0);
  const axis = n.axis(n.int("axis", 0), x.type.shape.length);
  const size = x.type.shape[axis];
  const given = listOf(n, "split", 1, 13);
  const count = given?.length ?? n.int("num_outputs", n.outputs);
  const part = given === undefined
    ? n.version >= 18
      ? Math.ceil(n.number(size, "the axis") / count)
      : quotientOf(size, count) ?? n.refuse(`${size} does not divide into ${count} parts`)
    : 0;
  let start: Dimension = 0;
  return Array.from({ length: count }, (_, i) => {
    const from = start;
    start = given !== undefined ? addDimensions(from, given[i]) : i === count - 1 ? size : addDimensions(from, part);
    return n.g.sliceAxis(x, axis, from, start);
  });
};

/** A bound of a slice as a place on an axis; numbers are clamped, named sizes are taken as large enough. */
const placeOn = (bound: Dimension, size: Dimension, backwards: boolean): Dimension => {
  if (isKnown(bound) && isKnown(size)) {
    const place = bound < 0 ? bound + size : bound;
    return backwards ? Math.min(Math.max(place, -1), size - 1) : Math.min(Math.max(place, 0), size);
  }
  if (!isKnown(bound)) return bound;
  if (bound >= FAR) return backwards ? subtractDimensions(size, 1) : size;
  if (bound <= -FAR) return backwards ? -1 : 0;
  return bound < 0 ? addDimensions(size, bound) : bound;
};

const sliceOne = (
  n: OnnxNode,
  x: Value,
  axis: number,
  [from, to, step]: readonly [Dimension, Dimension, number],
): Value => {
  const size = x.type.shape[axis];
  const around = (value: Dimension, other: (axis: number) => Dimension): Shape =>
    x.type.shape.map((_, i) => i === axis ? value : other(i));
  const strides = x.type.shape.map((_, i) => i === axis ? Math.abs(step) : 1);
  if (step === 0) n.refuse("a step is 0");
  const [start, limit] = [placeOn(from, size, step < 0), placeOn(to, size, step < 0)];
  if (step > 0) {
    const end = isKnown(start) && isKnown(limit) ? Math.max(start, limit) : limit;
    return n.g.slice(x, { start: around(start, () => 0), limit: around(end, (i) => x.type.shape[i]), stride: strides });
  }
  // Backwards from `start` to after `limit`: the same places counted from the other end.
  const last = subtractDimensions(size, 1);
  const [first, end] = [subtractDimensions(last, start), subtractDimensions(last, limit)];
  const stop = isKnown(first) && isKnown(end) ? Math.max(first, end) : end;
  return n.g.slice(n.g.reverse(x, [axis]), {
    start: around(first, () => 0),
    limit: around(stop, (i) => x.type.shape[i]),
    stride: strides,
  });
};

type SliceParts = {
  readonly starts: ReadonlyArray<Dimension>;
  readonly ends: ReadonlyArray<Dimension>;
  readonly axes: ReadonlyArray<number>;
  readonly steps: ReadonlyArray<number>;
};

const slicePartsOf = (n: OnnxNode): SliceParts => {
  const rank = n.type(0).shape.length;
  const byOperand = n.version >= 10;
  const starts = byOperand ? n.sizes(1) : n.ints("starts") ?? n.refuse("attribute starts is missing");
  const ends = byOperand ? n.sizes(2) : n.ints("ends") ?? n.refuse("attribute ends is missing");
  const axes = (byOperand ? (n.has(3) ? n.integers(3) : undefined) : n.ints("axes")) ?? starts.map((_, i) => i);
  const steps = byOperand && n.has(4) ? n.integers(4) : ones(starts.length);
  return { starts, ends, axes: axes.map((axis) => n.axis(axis, rank)), steps };
};

const slice = (n: OnnxNode): Value => {
  const { starts, ends, axes, steps } = slicePartsOf(n);
  return axes.reduce((x, axis, i) => sliceOne(n, x, axis, [starts[i], ends[i], steps[i]]), n.in(0));
};

const sliceSizes = (n: OnnxNode): ReadonlyArray<Dimension> | undefined => {
  const sizes = n.sizes(0);
  const { starts: [start], ends: [end], steps: [step] } = slicePartsOf(n);
  if (!isKnown(start) || !isKnown(end) || step !== 1) return undefined;
  return sizes.slice(start, end);
};

const tile = (n: OnnxNode): Value => {
  const x = n.in(0);
  const repeats = n.sizes(1);
  const { shape } = x.type;
  const spread = n.g.broadcast(
    x,
    shape.flatMap((size, axis): Shape => [repeats[axis], size]),
    shape.map((_, axis) => 2 * axis + 1),
  );
  return n.g.reshape(spread, shape.map((size, axis) => multiplyDimensions(size, repeats[axis])));
};

/** The shape two shapes broadcast to. */
const commonShape = (n: OnnxNode, a: Shape, b: Shape): Shape => {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a[a.length - rank + i] ?? 1, b[b.length - rank + i] ?? 1];
    if (x === 1) return y;
    return y === 1 || n.g.solver.equal(x, y) ? x : n.refuse(`${x} and ${y} do not broadcast`);
  });
};

const expand = (n: OnnxNode): Value => {
  const x = n.in(0);
  return n.g.broadcastTo(x, commonShape(n, x.type.shape, n.sizes(1)));
};

type PadMode = "constant" | "reflect" | "edge" | "wrap";

/** Positions a padded axis reads, for the modes that repeat elements. */
const padPlaces = (n: OnnxNode, size: number, low: number, high: number, mode: PadMode): ReadonlyArray<number> => {
  if (size === 0) return n.refuse(`an empty axis has nothing to ${mode}`);
  const period = 2 * (size - 1);
  return Array.from({ length: low + size + high }, (_, i) => {
    const place = i - low;
    if (mode === "edge") return Math.min(Math.max(place, 0), size - 1);
    if (mode === "wrap") return ((place % size) + size) % size;
    if (period === 0) return 0;
    const folded = ((place % period) + period) % period;
    return folded < size ? folded : period - folded;
  });
};

const padValue = (n: OnnxNode, x: Value): Value => {
  const given = n.version >= 11 ? n.maybe(2) : undefined;
  if (given !== undefined) return n.g.reshape(given, []);
  const number = n.version >= 11 ? 0 : n.float("value", 0);
  return n.g.full(tensorType(x.type.dtype), x.type.dtype === "bool" ? number !== 0 : number);
};

const pad = (n: OnnxNode): Value => {
  const x = n.in(0);
  const rank = x.type.shape.length;
  const pads = n.version >= 11
    ? n.sizes(1)
    : n.ints(n.version < 2 ? "paddings" : "pads") ?? n.refuse("pads are missing");
  const axes = n.version >= 18 && n.has(3)
    ? n.integers(3).map((axis) => n.axis(axis, rank))
    : x.type.shape.map((_, axis) => axis);
  const mode = n.oneOf<PadMode>("mode", ["constant", "reflect", "edge", "wrap"], "constant");
  const side = (offset: number): Shape =>
    x.type.shape.map((_, axis) => axes.includes(axis) ? pads[axes.indexOf(axis) + offset] : 0);
  const [low, high] = [side(0), side(axes.length)];
  if (mode === "constant") return n.g.pad(x, padValue(n, x), { low, high });
  return x.type.shape.reduce((value: Value, size, axis) => {
    const [before, after] = [n.number(low[axis], "a pad"), n.number(high[axis], "a pad")];
    if (before === 0 && after === 0) return value;
    const places = padPlaces(n, n.number(size, "a padded axis"), before, after, mode);
    return n.g.gather(value, n.g.constant(tensor("i64", [places.length], places)), axis);
  }, x);
};

const depthToSpace = (n: OnnxNode): Value => {
  const x = n.in(0);
  const [batch, channels, height, width] = x.type.shape;
  const block = n.int("blocksize");
  const depth = quotientOf(channels, block * block) ?? n.refuse(`${channels} channels do not fill blocks of ${block}`);
  const columns = n.oneOf("mode", ["DCR", "CRD"], "DCR") === "DCR";
  const parts = columns ? [batch, block, block, depth, height, width] : [batch, depth, block, block, height, width];
  const moved = n.g.transpose(n.g.reshape(x, parts), columns ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3]);
  return n.g.reshape(moved, [batch, depth, multiplyDimensions(height, block), multiplyDimensions(width, block)]);
};

const spaceToDepth = (n: OnnxNode): Value => {
  const x = n.in(0);
  const [batch, channels, height, width] = x.type.shape;
  const block = n.int("blocksize");
  const [rows, columns] = [divideDimension(height, block), divideDimension(width, block)];
  const parts = n.g.reshape(x, [batch, channels, rows, block, columns, block]);
  return n.g.reshape(n.g.transpose(parts, [0, 3, 5, 1, 2, 4]), [
    batch,
    multiplyDimensions(channels, block * block),
    rows,
    columns,
  ]);
};

const literalOf = (n: OnnxNode): Tensor => {
  const value = n.literal("value");
  if (value !== undefined) return value;
  if (n.hasAttribute("value_float")) return scalar("f32", n.float("value_float"));
  if (n.hasAttribute("value_int")) return scalar("i64", n.int("value_int"));
  const [floats, ints] = [n.floats("value_floats"), n.ints("value_ints")];
  if (n.hasAttribute("value_floats")) return fromFloats("f32", [floats!.length], Float64Array.from(floats!));
  if (n.hasAttribute("value_ints")) return tensor("i64", [ints!.length], ints!);
  return n.refuse("it is neither a number nor a tensor of numbers");
};

const constantOfShape = (n: OnnxNode): Value => {
  const value = n.literal("value");
  const shape = n.sizes(0);
  if (value === undefined) return n.g.full(tensorType("f32", shape), 0);
  return n.g.full(tensorType(value.dtype, shape), elements(value)[0] ?? 0);
};

/** 1 on a diagonal of the last two axes, compared by row and column numbers. */
const band = (n: OnnxNode, shape: Shape, how: "eq" | "le" | "ge", offset: number | Value): Value => {
  const rank = shape.length;
  const row = n.g.iota("i64", shape, rank - 2);
  const column = n.g.iota("i64", shape, rank - 1);
  return n.g.compare(how, column, n.g.add(row, offset));
};

const eyeLike = (n: OnnxNode): Value => {
  const { shape, dtype } = n.type(0);
  const to = n.hasAttribute("dtype") ? dtypeOf(n.int("dtype"), n.op, n.name) : dtype;
  return n.g.cast(band(n, shape, "eq", n.int("k", 0)), to);
};

const trilu = (n: OnnxNode): Value => {
  const x = n.in(0);
  const offset = n.maybe(1);
  const diagonal = offset === undefined ? 0 : n.g.reshape(offset, []);
  const kept = band(n, x.type.shape, n.flag("upper", true) ? "ge" : "le", diagonal);
  return n.g.select(kept, x, n.g.zerosLike(x));
};

const range = (n: OnnxNode): Value => {
  const [start, limit, delta] = [0, 1, 2].map((operand) => elements(n.tensor(operand))[0] as number | bigint);
  const { dtype } = n.type(0);
  const count = isFloat(dtype)
    ? Math.max(Math.ceil((Number(limit) - Number(start)) / Number(delta)), 0)
    : Math.max(Math.ceil(Number(BigInt(limit) - BigInt(start)) / Number(delta)), 0);
  const steps = n.g.iota(dtype, [count], 0);
  return n.g.add(n.g.mul(steps, n.in(2)), n.in(0));
};

const shapeSizes = (n: OnnxNode): Shape => {
  const { shape } = n.type(0);
  if (n.version < 15) return shape;
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + shape.length : at, 0), shape.length);
  return shape.slice(clamp(n.int("start", 0)), n.hasAttribute("end") ? clamp(n.int("end")) : shape.length);
};

const sizesValue = (n: OnnxNode, sizes: Shape): Value => {
  if (sizes.length === 0) return n.g.constant(tensor("i64", [0], []));
  return n.g.concat(sizes.map((size) => n.g.reshape(n.g.dimension(size, "i64"), [1])), 0);
};

/** The rows. */
export const MOVEMENT_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("Reshape", 1, reshape, { sizes: (n) => n.sizes(0) }),
  onnx("Squeeze", 1, squeeze, { sizes: (n) => n.sizes(0) }),
  onnx("Unsqueeze", 1, unsqueeze, { sizes: (n) => n.sizes(0) }),
  onnx("Flatten", 1, flatten),
  onnx("Transpose", 1, transpose),
  onnx("Concat", 1, (n) => n.g.concat(n.all(), n.int("axis", n.version < 4 ? 1 : undefined)), {
    sizes: (n) => Array.from({ length: n.count }, (_, i) => n.sizes(i)).flat(),
  }),
  onnx("Split", 1, split),
  onnx("Slice", 1, slice, { sizes: sliceSizes }),
  onnx("Tile", 6, tile),
  onnx("Expand", 8, expand),
  onnx("Pad", 1, pad),
  onnx("DepthToSpace", 1, depthToSpace),
  onnx("SpaceToDepth", 1, spaceToDepth),
  onnx("Constant", 1, (n) => {
    const known = literalOf(n);
    return [{ type: tensorType(known.dtype, known.shape), known, from: new Set() }];
  }),
  onnx("ConstantOfShape", 9, constantOfShape),
  onnx("EyeLike", 9, eyeLike),
  onnx("Trilu", 14, trilu),
  onnx("Range", 11, range),
  onnx("Shape", 1, (n) => sizesValue(n, shapeSizes(n)), { sizes: shapeSizes }),
  onnx("Size", 1, (n) => n.g.dimension(multiplyDimensions(...n.type(0).shape), "i64"), {
    sizes: (n) => [multiplyDimensions(...n.type(0).shape)],
  }),
];
