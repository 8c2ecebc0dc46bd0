/**
 * ONNX operators that sample images at other places: Resize, Upsample, GridSample.
 *
 * Invariant: Resize is separable, so every axis is one gather (nearest) or one product with a matrix of weights made here.
 *
 * @module
 */
import { multiplyDimensions } from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import { isFloat } from "../../types.ts";
import { fromFloats, tensor, toFloats } from "../../value.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

/** One axis to be resized. */
interface Axis {
  readonly from: number;
  readonly to: number;
  /** Length after resizing before it is rounded down, which the formulas of the coordinates mean. */
  readonly length: number;
  readonly scale: number;
  /** Part of the axis that is read, for tf_crop_and_resize. */
  readonly roi: readonly [number, number];
}

type Coordinate = (x: number, axis: Axis) => number;

const halfPixel: Coordinate = (x, { scale }) => (x + 0.5) / scale - 0.5;

const COORDINATES = {
  half_pixel: halfPixel,
  half_pixel_symmetric: (x: number, axis: Axis) => {
    const centre = axis.from / 2;
    return centre * (1 - axis.to / axis.length) + halfPixel(x, axis);
  },
  pytorch_half_pixel: (x: number, axis: Axis) => axis.length > 1 ? halfPixel(x, axis) : 0,
  align_corners: (x: number, { from, length }: Axis) => length === 1 ? 0 : x * (from - 1) / (length - 1),
  asymmetric: (x: number, { scale }: Axis) => x / scale,
  tf_half_pixel_for_nn: (x: number, { scale }: Axis) => (x + 0.5) / scale,
  tf_crop_and_resize: (x: number, { from, length, roi: [start, end] }: Axis) =>
    length > 1 ? start * (from - 1) + x * (end - start) * (from - 1) / (length - 1) : 0.5 * (start + end) * (from - 1),
} as const satisfies { readonly [name: string]: Coordinate };

const ROUNDINGS = {
  round_prefer_floor: (x: number) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x: number) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
} as const;

const within = (place: number, size: number): number => Math.min(Math.max(place, 0), size - 1);

/** Weights of the elements around a place: [offset from its floor, weight]. */
type Taps = (fraction: number) => ReadonlyArray<readonly [number, number]>;

const LINEAR: Taps = (f) => [[0, 1 - f], [1, f]];

const cubic = (a: number): Taps => (f) => {
  const near = (x: number) => ((a + 2) * x - (a + 3)) * x * x + 1;
  const far = (x: number) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return [[-1, far(1 + f)], [0, near(f)], [1, near(1 - f)], [2, far(2 - f)]];
};

const weightsOf = (axis: Axis, coordinate: Coordinate, taps: Taps, exclude: boolean): Float64Array<ArrayBuffer> => {
  const made = new Float64Array(axis.to * axis.from);
  for (let x = 0; x < axis.to; x++) {
    const place = coordinate(x, axis);
    const floor = Math.floor(place);
    const list = taps(place - floor);
    const inside = (offset: number) => floor + offset >= 0 && floor + offset < axis.from;
    const used = exclude ? list.filter(([offset]) => inside(offset)) : list;
    const total = exclude ? used.reduce((sum, [, weight]) => sum + weight, 0) : 1;
    for (const [offset, weight] of used) made[x * axis.from + within(floor + offset, axis.from)] += weight / total;
  }
  return made;
};

/** What a node says besides the sizes. */
interface Sampling {
  readonly mode: "nearest" | "linear" | "cubic";
  readonly coordinate: Coordinate;
  readonly rounding: (x: number) => number;
  readonly crop: boolean;
}

const resizeAxis = (n: OnnxNode, x: Value, at: number, axis: Axis, sampling: Sampling): Value => {
  const { g } = n;
  const { mode, coordinate, rounding, crop } = sampling;
  if (axis.from === 0 || axis.to === 0) n.refuse("an axis is empty");
  const rank = x.type.shape.length;
  let made: Value;
  if (mode === "nearest") {
    const places = Array.from({ length: axis.to }, (_, i) => within(rounding(coordinate(i, axis)), axis.from));
    made = g.gather(x, g.constant(tensor("i64", [axis.to], places)), at);
  } else {
    const taps = mode === "linear" ? LINEAR : cubic(n.float("cubic_coeff_a", -0.75));
    const weights = weightsOf(axis, coordinate, taps, n.flag("exclude_outside"));
    const matrix = g.constant(fromFloats(x.type.dtype, [axis.to, axis.from], weights));
    const product = g.dot(x, matrix, { x_batch: [], y_batch: [], x_contract: [at], y_contract: [1] });
    // The product puts the new axis last.
    const order = Array.from({ length: rank }, (_, i) => i === at ? rank - 1 : i < at ? i : i - 1);
    made = g.transpose(product, order);
  }
  if (!crop) return made;
  const outside = Array.from({ length: axis.to }, (_, i) => {
    const place = coordinate(i, axis);
    return place < 0 || place > axis.from - 1;
  });
  if (!outside.includes(true)) return made;
  const mask = g.broadcast(g.constant(tensor("bool", [axis.to], outside)), made.type.shape, [at]);
  return g.select(mask, g.full(made.type, n.float("extrapolation_value", 0)), made);
};

const resizeAll = (n: OnnxNode, axes: ReadonlyArray<Axis | undefined>, sampling: Sampling): Value => {
  const x = n.in(0);
  const exact = isFloat(x.type.dtype) || sampling.mode === "nearest";
  const wide = exact ? x : n.g.cast(x, "f32");
  const made = axes.reduce<Value>((value, axis, at) => {
    if (axis === undefined || (axis.from === axis.to && axis.scale === 1 && !sampling.crop)) return value;
    return resizeAxis(n, value, at, axis, sampling);
  }, wide);
  return exact ? made : n.g.cast(n.g.round(made), x.type.dtype);
};

const plainAxis = (from: number, to: number, scale: number): Axis => ({
  from,
  to,
  length: from * scale,
  scale,
  roi: [0, 1],
});

/** Upsample, and Resize of version 10: asymmetric places, the lower neighbour. */
const upsample = (n: OnnxNode): Value => {
  const scales = n.version < 9 && n.op === "Upsample" ? n.floats("scales") : [...toFloats(n.tensor(1))];
  if (scales === undefined) return n.refuse("attribute scales is missing");
  const shape = n.numbers(n.type(0).shape, "a size");
  return resizeAll(n, shape.map((from, i) => plainAxis(from, Math.floor(from * scales[i]), scales[i])), {
    mode: n.oneOf("mode", ["nearest", "linear"], "nearest"),
    coordinate: COORDINATES.asymmetric,
    rounding: Math.floor,
    crop: false,
  });
};

const resize = (n: OnnxNode): Value => {
  const shape = n.numbers(n.type(0).shape, "a size");
  const axes = n.version >= 18 && n.hasAttribute("axes")
    ? n.ints("axes")!.map((axis) => n.axis(axis, shape.length))
    : shape.map((_, axis) => axis);
  if (n.flag("antialias")) n.refuse("it smooths before it samples");
  const names = Object.keys(COORDINATES) as ReadonlyArray<keyof typeof COORDINATES>;
  const transformation = n.oneOf("coordinate_transformation_mode", names, "half_pixel");
  const roundings = Object.keys(ROUNDINGS) as ReadonlyArray<keyof typeof ROUNDINGS>;
  const crop = transformation === "tf_crop_and_resize";
  const roi = crop ? [...toFloats(n.tensor(1))] : [];
  const scales = n.has(2) && n.tensor(2).data.length > 0 ? [...toFloats(n.tensor(2))] : undefined;
  let sizes = scales === undefined ? n.integers(3) : undefined;
  const policy = n.oneOf("keep_aspect_ratio_policy", ["stretch", "not_larger", "not_smaller"], "stretch");
  let common: number | undefined;
  if (sizes !== undefined && policy !== "stretch") {
    const ratios = sizes.map((size, i) => size / shape[axes[i]]);
    common = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
    sizes = axes.map((axis) => Math.floor(shape[axis] * common! + 0.5));
  }
  const all = shape.map((from, axis) => {
    const i = axes.indexOf(axis);
    if (i < 0) return undefined;
    const to = sizes?.[i] ?? Math.floor(from * scales![i]);
    const part = crop ? [roi[i], roi[i + axes.length]] as const : [0, 1] as const;
    const length = scales === undefined ? to : from * scales[i];
    return { from, to, length, scale: scales?.[i] ?? common ?? to / from, roi: part };
  });
  return resizeAll(n, all, {
    mode: n.oneOf("mode", ["nearest", "linear", "cubic"], "nearest"),
    coordinate: COORDINATES[transformation],
    rounding: ROUNDINGS[n.oneOf("nearest_mode", roundings, "round_prefer_floor")],
    crop,
  });
};

const PADDINGS = ["zeros", "border", "reflection"] as const;

/** A whole coordinate brought onto an axis as the padding says. */
const ontoAxis = (n: OnnxNode, place: Value, size: number, padding: typeof PADDINGS[number], align: boolean): Value => {
  const { g } = n;
  if (padding !== "reflection") return g.clamp(place, 0, size - 1);
  // Reflected at the middles of the border elements where corners align, at their outer edges elsewhere.
  const [low, span] = align ? [0, size - 1] : [-0.5, size];
  if (span === 0) return g.zerosLike(place);
  const distance = g.abs(g.sub(place, low));
  const turns = g.floor(g.div(distance, span));
  const rest = g.sub(distance, g.mul(turns, span));
  const odd = g.compare("ne", g.rem(turns, 2), 0);
  return g.clamp(g.add(g.select(odd, g.sub(span, rest), rest), low), 0, size - 1);
};

const gridSample = (n: OnnxNode): Value => {
  const { g } = n;
  const [x, grid] = [n.in(0), n.in(1)];
  if (x.type.shape.length !== 4) n.refuse("only images of two axes are sampled");
  const [batch, channels] = x.type.shape;
  const [height, width] = n.numbers(x.type.shape.slice(2), "an image size");
  const points = multiplyDimensions(...grid.type.shape.slice(1, 3));
  const align = n.flag("align_corners");
  const mode = n.oneOf(
    "mode",
    ["bilinear", "linear", "nearest", "bicubic", "cubic"],
    n.version < 20 ? "bilinear" : "linear",
  );
  const padding = n.oneOf("padding_mode", PADDINGS, "zeros");
  const flat = g.reshape(x, [batch, channels, height * width]);
  const coordinate = (which: number, size: number): Value => {
    const raw = g.reshape(g.sliceAxis(grid, 3, which, which + 1), [batch, points]);
    return align ? g.mul(g.add(raw, 1), (size - 1) / 2) : g.mul(g.sub(g.mul(g.add(raw, 1), size), 1), 0.5);
  };
  const [column, row] = [coordinate(0, width), coordinate(1, height)];
  const spread = (value: Value) => g.broadcast(value, [batch, channels, points], [0, 2]);
  const fetch = (across: Value, down: Value): Value => {
    const [c, r] = [ontoAxis(n, across, width, padding, align), ontoAxis(n, down, height, padding, align)];
    const index = g.cast(g.add(g.mul(r, width), c), "i64");
    const taken = g.takeAlong(flat, spread(index), 2);
    if (padding !== "zeros") return taken;
    const inside = g.and(g.compare("eq", c, across), g.compare("eq", r, down));
    return g.select(spread(inside), taken, g.zerosLike(taken));
  };
  const taps = (at: Value): ReadonlyArray<readonly [Value, Value]> => {
    if (mode === "nearest") return [[g.round(at), g.full(at.type, 1)]];
    const floor = g.floor(at);
    const f = g.sub(at, floor);
    if (mode === "bilinear" || mode === "linear") return [[floor, g.sub(1, f)], [g.add(floor, 1), f]];
    const a = -0.75;
    const near = (d: Value) => g.add(g.mul(g.mul(g.sub(g.mul(d, a + 2), a + 3), d), d), 1);
    const far = (d: Value) => g.sub(g.mul(g.add(g.mul(g.sub(g.mul(d, a), 5 * a), d), 8 * a), d), 4 * a);
    return [
      [g.sub(floor, 1), far(g.add(f, 1))],
      [floor, near(f)],
      [g.add(floor, 1), near(g.sub(1, f))],
      [g.add(floor, 2), far(g.sub(2, f))],
    ];
  };
  const [across, down] = [taps(column), taps(row)];
  const terms = down.flatMap(([r, rowWeight]) =>
    across.map(([c, columnWeight]) => g.mul(fetch(c, r), spread(g.mul(rowWeight, columnWeight))))
  );
  return g.reshape(terms.reduce((a, b) => g.add(a, b)), [batch, channels, ...grid.type.shape.slice(1, 3)]);
};

/** The rows. */
export const RESIZE_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("Upsample", 7, upsample),
  onnx("Resize", 10, upsample),
  onnx("Resize", 11, resize),
  onnx("GridSample", 16, gridSample),
];
