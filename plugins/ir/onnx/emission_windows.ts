/**
 * Emission of padding and of sliding windows.
 *
 * Invariant: windows are a MaxPool or AveragePool where those mean the same, and elsewhere one slice for each element of
 * the window, so that every type, rank and padding works.
 *
 * @module
 */
import { addDimensions, type Dimension, multiplyDimensions, subtractDimensions } from "../dimension.ts";
import type { Sliding, WindowKind } from "../primitives/window.ts";
import { type Dtype, isFloat, type Shape } from "../types.ts";
import { elementCount, integerRange } from "../value.ts";
import type { Emitted } from "./emission.ts";
import type { OnnxWriter, Wire } from "./writer.ts";

/** Most slices that windows or kernels are written as. */
export const MAX_TAPS = 4096;

/** How an operand is padded. */
export interface Padding {
  /** Places before; negative ones take away. */
  readonly low: Shape;
  /** Places after. */
  readonly high: Shape;
  /** Places between. */
  readonly interior: ReadonlyArray<number>;
}

const isNegative = (size: Dimension): boolean => typeof size === "number" ? size < 0 : size.startsWith("-");

const positivePart = (size: Dimension): Dimension => isNegative(size) ? 0 : size;

/** Puts places between the elements of an axis: a new axis of copies, merged, and the last ones cut. */
const spaced = (w: OnnxWriter, x: Wire, value: Wire, axis: number, interior: number): Wire => {
  const size = x.shape[axis];
  const split = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
  const between = split.map((length, i) => i === axis + 1 ? interior : length);
  const wide = w.concat(
    [w.reshape(x, split), w.fill(value, between)],
    axis + 1,
    split.map((length, i) => i === axis + 1 ? interior + 1 : length),
  );
  const full = x.shape.map((length, i) => i === axis ? multiplyDimensions(size, interior + 1) : length);
  const shape = full.map((length, i) => i === axis ? subtractDimensions(length, interior) : length);
  return w.slice(w.reshape(wide, full), [{ axis, start: 0, limit: shape[axis], step: 1 }], shape);
};

/** x with a value around and between its elements. */
export const padWire = (w: OnnxWriter, x: Wire, value: Wire, { low, high, interior }: Padding): Wire => {
  let made = interior.reduce(
    (wire, count, axis) => count === 0 || wire.shape[axis] === 0 ? wire : spaced(w, wire, value, axis, count),
    x,
  );
  const before = low.map(positivePart);
  const after = high.map(positivePart);
  made = before.reduce<Wire>((wire, count, axis) => {
    const parts = [count, wire, after[axis]].flatMap((part): ReadonlyArray<Wire> => {
      if (part === 0) return [];
      if (typeof part === "object") return [part];
      return [w.fill(value, wire.shape.map((size, i) => i === axis ? part : size))];
    });
    if (parts.length === 1) return wire;
    const shape = wire.shape.map((size, i) => i === axis ? addDimensions(size, count, after[axis]) : size);
    return w.concat(parts, axis, shape);
  }, made);
  const cuts = made.shape.flatMap((size, axis) => {
    const start = isNegative(low[axis]) ? subtractDimensions(0, low[axis]) : 0;
    const limit = isNegative(high[axis]) ? addDimensions(size, high[axis]) : size;
    return start === 0 && limit === size ? [] : [{ axis, start, limit, step: 1 }];
  });
  const shape = made.shape.map((size, axis) => {
    const cut = cuts.find((part) => part.axis === axis);
    return cut === undefined ? size : subtractDimensions(cut.limit, cut.start);
  });
  return w.slice(made, cuts, shape);
};

/** What a window that covers nothing gives, in the operand's own type. */
const lowestOf = (dtype: Dtype, op: WindowKind): number | bigint => {
  if (op === "sum") return 0;
  if (isFloat(dtype)) return op === "max" ? -Infinity : Infinity;
  return integerRange(dtype)[op === "max" ? 0 : 1];
};

/** Calls `visit` with the place of every element of a window. */
export const eachTap = (window: ReadonlyArray<number>, visit: (place: ReadonlyArray<number>) => void): void => {
  const count = elementCount(window);
  for (let tap = 0; tap < count; tap++) {
    visit(window.map((size, axis) => Math.floor(tap / elementCount(window.slice(axis + 1))) % size));
  }
};

/** What one element of the window sees, for all windows at once. */
export const tapSlice = (
  w: OnnxWriter,
  padded: Wire,
  place: ReadonlyArray<number>,
  { strides, dilation }: Pick<Sliding, "strides" | "dilation">,
  windows: Shape,
): Wire => {
  const parts = place.map((at, axis) => ({
    axis,
    start: at * dilation[axis],
    limit: addDimensions(
      multiplyDimensions(subtractDimensions(windows[axis], 1), strides[axis]),
      at * dilation[axis] + 1,
    ),
    step: strides[axis],
  }));
  return w.slice(padded, parts, windows);
};

const isPool = ({ window, low, high, dilation, strides }: Sliding, shape: Shape): boolean =>
  shape.length >= 3 && shape.length <= 5 &&
  [0, 1].every((axis) => window[axis] === 1 && strides[axis] === 1 && low[axis] === 0 && high[axis] === 0) &&
  window.every((size, axis) =>
    [low[axis], high[axis]].every((pad) =>
      typeof pad === "number" && pad >= 0 && pad <= (size - 1) * dilation[axis] / 2
    )
  ) &&
  !shape.includes(0);

/** One pooling operator, where there is one that means the same. */
const pool = (w: OnnxWriter, x: Wire, op: WindowKind, sliding: Sliding, shape: Shape): Wire | undefined => {
  const plain = sliding.dilation.every((step) => step === 1);
  const fits = isPool(sliding, x.shape) && x.dtype === "f32" && (op === "max" || (op === "sum" && plain));
  if (!fits) return undefined;
  const spatial = <A>(list: ReadonlyArray<A>) => list.slice(2);
  const attributes = {
    kernel_shape: spatial(sliding.window),
    strides: spatial(sliding.strides),
    pads: [...spatial(sliding.low), ...spatial(sliding.high)] as ReadonlyArray<number>,
  };
  const result = { dtype: x.dtype, shape };
  if (op === "max") return w.op("MaxPool", [x], result, { ...attributes, dilations: spatial(sliding.dilation) });
  const mean = w.op("AveragePool", [x], result, { ...attributes, count_include_pad: 1 });
  return w.same("Mul", [mean, w.number(x.dtype, elementCount(sliding.window))]);
};

const refuseLarge = (w: OnnxWriter, window: ReadonlyArray<number>): void => {
  if (elementCount(window) > MAX_TAPS) w.refuse(`a window has more than ${MAX_TAPS} elements`);
};

/** The operand with the identity around it. */
const surrounded = (w: OnnxWriter, x: Wire, lowest: number | bigint, { low, high }: Sliding): Wire =>
  padWire(w, x, w.number(x.dtype, lowest), { low, high, interior: low.map(() => 0) });

const COMBINE = { sum: "Add", max: "Max", min: "Min" } as const;

/** Writes `reduce_window`. */
export const emitReduceWindow = (w: OnnxWriter, { inputs: [x], results: [result], attributes }: Emitted): Wire => {
  const { op, ...sliding } = attributes as unknown as Sliding & { op: WindowKind };
  if (x.dtype === "u64" && op !== "sum") w.refuse("u64 has no such operator");
  return w.carrying(x.dtype, [x], ([wide]) => {
    const pooled = pool(w, wide, op, sliding, result.shape);
    if (pooled !== undefined) return pooled;
    refuseLarge(w, sliding.window);
    const padded = surrounded(w, wide, lowestOf(x.dtype, op), sliding);
    let made: Wire | undefined;
    eachTap(sliding.window, (place) => {
      const seen = tapSlice(w, padded, place, sliding, result.shape);
      made = made === undefined ? seen : w.combine(COMBINE[op], made, seen);
    });
    return made!;
  });
};

/** Writes `select_and_scatter`: which element each window chose, then each element's share put back where it was. */
export const emitSelectAndScatter = (w: OnnxWriter, { inputs: [x, source], attributes }: Emitted): Wire => {
  const { op, ...sliding } = attributes as unknown as Sliding & { op: "max" | "min" };
  if (x.dtype === "u64") w.refuse("u64 has no such operator");
  refuseLarge(w, sliding.window);
  return w.carrying(x.dtype, [x, source], ([wide, from]) => {
    const padded = surrounded(w, wide, lowestOf(x.dtype, op), sliding);
    const zero = w.number(wide.dtype, 0);
    let [best, chosen, tap]: [Wire | undefined, Wire | undefined, number] = [undefined, undefined, 0];
    eachTap(sliding.window, (place) => {
      const seen = tapSlice(w, padded, place, sliding, source.shape);
      const number = w.number("i64", tap++);
      if (best === undefined) {
        [best, chosen] = [seen, w.fill(number, source.shape)];
        return;
      }
      const better = w.test(op === "max" ? "Greater" : "Less", seen, best);
      best = w.where(better, seen, best);
      chosen = w.where(better, number, chosen!);
    });
    let sum: Wire | undefined;
    tap = 0;
    eachTap(sliding.window, (place) => {
      const share = w.where(w.test("Equal", chosen!, w.number("i64", tap++)), from, zero);
      const interior = sliding.strides.map((step) => step - 1);
      const low = place.map((at, axis) => at * sliding.dilation[axis]);
      const high = padded.shape.map((size, axis) => {
        const reach = addDimensions(
          multiplyDimensions(subtractDimensions(source.shape[axis], 1), sliding.strides[axis]),
          1,
        );
        return subtractDimensions(size, addDimensions(reach, low[axis]));
      });
      const put = padWire(w, share, zero, { low, high, interior });
      sum = sum === undefined ? put : w.same("Add", [sum, put]);
    });
    const { low, high } = sliding;
    const back = (pads: Shape) => pads.map((pad) => subtractDimensions(0, pad));
    return padWire(w, sum!, zero, { low: back(low), high: back(high), interior: low.map(() => 0) });
  });
};
