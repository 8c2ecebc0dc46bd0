/**
 * Movement: transposes, reshapes, broadcasts, slices and the like, composed, cancelled, and moved behind the arithmetic so
 * that they meet.
 *
 * Not the folding into dot products and reductions (contraction.ts).
 * Invariant: every element of every result stays what it was, bit for bit; rules move data nodes towards the results and
 * never back, so they end.
 *
 * @module
 */
import { addDimensions, type Dimension } from "../dimension.ts";
import type { Attribute, Attributes, Node } from "../graph.ts";
import { PRIMITIVES } from "../primitives.ts";
import { countOf } from "../shape.ts";
import type { Shape, TensorType } from "../types.ts";
import type { Tensor } from "../value.ts";
import type { Emitter } from "./emitter.ts";
import type { Rule, Site } from "./rewriter.ts";
import { literalOf, splatTensor } from "./splat.ts";

const numbers = (value: Attribute): ReadonlyArray<number> => value as ReadonlyArray<number>;
const sizes = (value: Attribute): ReadonlyArray<Dimension> => value as ReadonlyArray<Dimension>;
const sameList = (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>): boolean =>
  a.length === b.length && a.every((item, i) => item === b[i]);
const isZero = (size: Dimension): boolean => size === 0;
const inOrder = (axes: ReadonlyArray<number>): boolean => axes.every((axis, i) => i === 0 || axes[i - 1] < axis);

/** The node that makes the first operand, where it is of an op. */
const under = ({ e, operands }: Site, op: string): Node | undefined => e.madeBy(operands[0], op);

const sameShape = (e: Emitter, a: TensorType, b: TensorType): boolean => e.solver.equalShapes(a.shape, b.shape);

/** Axes of a shape that are not 1. */
const wideAxes = (shape: Shape): ReadonlyArray<number> => shape.flatMap((size, axis) => size === 1 ? [] : [axis]);

const reshapeRules: ReadonlyArray<Rule> = [
  {
    name: "reshape to the same shape",
    ops: ["reshape"],
    apply: ({ e, operands, types, results }) => sameShape(e, types[0], results[0]) ? operands[0] : undefined,
  },
  {
    name: "reshape of a reshape",
    ops: ["reshape"],
    apply: (site) => {
      const inner = under(site, "reshape");
      return inner && site.e.make("reshape", inner.operands, site.attributes);
    },
  },
  {
    name: "reshape of a literal",
    ops: ["reshape"],
    apply: ({ e, operands, results }) => {
      const literal = literalOf(e, operands[0]);
      const { shape } = results[0];
      if (literal === undefined || !shape.every((size) => typeof size === "number")) return undefined;
      return e.constant({ ...literal, shape } as Tensor);
    },
  },
  {
    name: "reshape of a spread scalar",
    ops: ["reshape", "transpose", "reverse", "slice"],
    apply: ({ e, operands, results }) => {
      const spread = e.madeBy(operands[0], "broadcast");
      if (spread === undefined || e.types[spread.operands[0]].shape.length > 0) return undefined;
      return e.make("broadcast", spread.operands, { shape: results[0].shape, axes: [] });
    },
  },
];

const transposeRules: ReadonlyArray<Rule> = [
  {
    name: "transpose that keeps the order",
    ops: ["transpose"],
    apply: ({ operands, attributes }) => inOrder(numbers(attributes.permutation)) ? operands[0] : undefined,
  },
  {
    name: "transpose of a transpose",
    ops: ["transpose"],
    apply: (site) => {
      const inner = under(site, "transpose");
      if (inner === undefined) return undefined;
      const permutation = numbers(site.attributes.permutation).map((axis) =>
        numbers(inner.attributes.permutation)[axis]
      );
      return site.e.make("transpose", inner.operands, { permutation });
    },
  },
  {
    name: "transpose that only moves axes of one",
    ops: ["transpose"],
    apply: ({ e, operands, types, attributes, results }) => {
      const moved = numbers(attributes.permutation).filter((axis) => types[0].shape[axis] !== 1);
      return inOrder(moved) ? e.make("reshape", operands, { shape: results[0].shape }) : undefined;
    },
  },
  {
    name: "transpose of a broadcast",
    ops: ["transpose"],
    apply: (site) => {
      const { e, attributes, results } = site;
      const inner = under(site, "broadcast");
      if (inner === undefined) return undefined;
      const permutation = numbers(attributes.permutation);
      const axes = numbers(inner.attributes.axes);
      const places = axes.map((axis) => permutation.indexOf(axis));
      const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
      const source = e.make("transpose", inner.operands, { permutation: order });
      return e.make("broadcast", [source], { shape: results[0].shape, axes: order.map((i) => places[i]) });
    },
  },
];

const reverseRules: ReadonlyArray<Rule> = [
  {
    name: "reverse of nothing",
    ops: ["reverse"],
    apply: ({ e, operands, types, attributes }) => {
      const axes = numbers(attributes.axes);
      const kept = axes.filter((axis) => types[0].shape[axis] !== 1);
      if (kept.length === 0) return operands[0];
      return kept.length < axes.length ? e.make("reverse", operands, { axes: kept }) : undefined;
    },
  },
  {
    name: "reverse of a reverse",
    ops: ["reverse"],
    apply: (site) => {
      const inner = under(site, "reverse");
      if (inner === undefined) return undefined;
      const [outer, before] = [numbers(site.attributes.axes), numbers(inner.attributes.axes)];
      const axes = [...outer.filter((a) => !before.includes(a)), ...before.filter((a) => !outer.includes(a))];
      return site.e.make("reverse", inner.operands, { axes: axes.sort((a, b) => a - b) });
    },
  },
];

const broadcastRules: ReadonlyArray<Rule> = [
  {
    name: "broadcast that repeats nothing",
    ops: ["broadcast"],
    apply: ({ e, operands, types, results }) =>
      e.solver.equal(countOf(types[0]), countOf(results[0])) && countOf(results[0]) !== 0
        ? sameShape(e, types[0], results[0]) ? operands[0] : e.make("reshape", operands, { shape: results[0].shape })
        : undefined,
  },
  {
    name: "broadcast of a broadcast",
    ops: ["broadcast"],
    apply: (site) => {
      const inner = under(site, "broadcast");
      if (inner === undefined) return undefined;
      const axes = numbers(inner.attributes.axes).map((axis) => numbers(site.attributes.axes)[axis]);
      return site.e.make("broadcast", inner.operands, { shape: site.attributes.shape, axes });
    },
  },
  {
    name: "broadcast of a reshape that adds or drops axes of one",
    ops: ["broadcast"],
    apply: (site) => {
      const { e, attributes, results: [result] } = site;
      const inner = under(site, "reshape");
      if (inner === undefined) return undefined;
      const [source, between] = [e.types[inner.operands[0]], e.types[site.operands[0]]];
      const [before, after] = [wideAxes(source.shape), wideAxes(between.shape)];
      if (!sameList(before.map((axis) => source.shape[axis]), after.map((axis) => between.shape[axis]))) {
        return undefined;
      }
      const axes = numbers(attributes.axes);
      // Axes of one that are left may go anywhere that is free; dropping them first needs no place at all.
      const kept = before.map((axis) => source.shape[axis]);
      const narrow = e.make("reshape", inner.operands, { shape: kept });
      return e.make("broadcast", [narrow], { shape: result.shape, axes: after.map((axis) => axes[axis]) });
    },
  },
];

/** The length of a slice along an axis, where all is known. */
const span = (start: Dimension, limit: Dimension, step: number): number | undefined =>
  typeof start === "number" && typeof limit === "number" ? Math.max(0, Math.ceil((limit - start) / step)) : undefined;

const sliceRules: ReadonlyArray<Rule> = [
  {
    name: "slice of everything",
    ops: ["slice"],
    apply: ({ e, operands, types, attributes }) => {
      const whole = sizes(attributes.start).every(isZero) &&
        e.solver.equalShapes(sizes(attributes.limit), types[0].shape) &&
        numbers(attributes.stride).every((step, axis) => step === 1 || types[0].shape[axis] === 1);
      return whole ? operands[0] : undefined;
    },
  },
  {
    name: "slice of a slice",
    ops: ["slice"],
    apply: (site) => {
      const inner = under(site, "slice");
      if (inner === undefined) return undefined;
      const [a, b] = [inner.attributes, site.attributes];
      const [start, limit, stride]: [number[], number[], number[]] = [[], [], []];
      for (let axis = 0; axis < numbers(a.stride).length; axis++) {
        const [from, to, step] = [sizes(b.start)[axis], sizes(b.limit)[axis], numbers(b.stride)[axis]];
        const [first, innerStep] = [sizes(a.start)[axis], numbers(a.stride)[axis]];
        const length = span(from, to, step);
        if (length === undefined || typeof from !== "number" || typeof first !== "number") return undefined;
        start.push(first + from * innerStep);
        stride.push(step * innerStep);
        limit.push(length === 0 ? start[axis] : start[axis] + (length - 1) * stride[axis] + 1);
      }
      return site.e.make("slice", inner.operands, { start, limit, stride });
    },
  },
  {
    name: "slice of one part of a concatenation",
    ops: ["slice"],
    apply: (site) => {
      const inner = under(site, "concat");
      if (inner === undefined) return undefined;
      const axis = inner.attributes.axis as number;
      const [from, to] = [sizes(site.attributes.start)[axis], sizes(site.attributes.limit)[axis]];
      if (typeof from !== "number" || typeof to !== "number" || from === to) return undefined;
      let offset = 0;
      for (const part of inner.operands) {
        const size = site.e.types[part].shape[axis];
        if (typeof size !== "number") return undefined;
        if (from >= offset && to <= offset + size) {
          const moved = (list: Attribute) => sizes(list).map((at, i) => i === axis ? (at as number) - offset : at);
          const { start, limit, stride } = site.attributes;
          return site.e.make("slice", [part], { start: moved(start), limit: moved(limit), stride });
        }
        offset += size;
      }
      return undefined;
    },
  },
];

const padRules: ReadonlyArray<Rule> = [
  {
    name: "pad by nothing",
    ops: ["pad"],
    apply: ({ operands, types, attributes }) => {
      const none = [...sizes(attributes.low), ...sizes(attributes.high)].every(isZero) &&
        numbers(attributes.interior).every((count, axis) => count === 0 || types[0].shape[axis] === 1);
      return none ? operands[0] : undefined;
    },
  },
  {
    name: "pad of a pad by the same value",
    ops: ["pad"],
    apply: (site) => {
      const inner = under(site, "pad");
      if (inner === undefined || inner.operands[1] !== site.operands[1]) return undefined;
      const [a, b] = [inner.attributes, site.attributes];
      const counts = [a.low, a.high, b.low, b.high].flatMap((list) => [...sizes(list)]);
      if (!counts.every((count) => typeof count === "number" && count >= 0)) return undefined;
      if (![a, b].every(({ interior }) => numbers(interior).every(isZero))) return undefined;
      const sum = (x: Attribute, y: Attribute) => sizes(x).map((count, axis) => addDimensions(count, sizes(y)[axis]));
      const how: Attributes = { low: sum(a.low, b.low), high: sum(a.high, b.high), interior: a.interior };
      return site.e.make("pad", inner.operands, how);
    },
  },
];

/** Parts of a concatenation with neighbouring slices of one value joined. */
const joinedSlices = (site: Site, axis: number): ReadonlyArray<number> | undefined => {
  const { e, operands } = site;
  for (let i = 1; i < operands.length; i++) {
    const [left, right] = [e.madeBy(operands[i - 1], "slice"), e.madeBy(operands[i], "slice")];
    if (left === undefined || right === undefined || left.operands[0] !== right.operands[0]) continue;
    const others = (node: Node, name: string) => sizes(node.attributes[name]).filter((_, at) => at !== axis);
    const fits = ["start", "limit"].every((name) => sameList(others(left, name), others(right, name))) &&
      [left, right].every((node) => numbers(node.attributes.stride).every((step) => step === 1)) &&
      sizes(left.attributes.limit)[axis] === sizes(right.attributes.start)[axis];
    if (!fits) continue;
    const limit = sizes(left.attributes.limit).map((at, k) => k === axis ? sizes(right.attributes.limit)[axis] : at);
    const whole = e.make("slice", left.operands, { ...left.attributes, limit });
    return [...operands.slice(0, i - 1), whole, ...operands.slice(i + 1)];
  }
  return undefined;
};

const concatRules: ReadonlyArray<Rule> = [
  {
    name: "concatenation of one",
    ops: ["concat"],
    apply: ({ operands }) => operands.length === 1 ? operands[0] : undefined,
  },
  {
    name: "concatenation without empty parts",
    ops: ["concat"],
    apply: ({ e, operands, types, attributes }) => {
      const kept = operands.filter((_, i) => types[i].shape[attributes.axis as number] !== 0);
      return kept.length > 0 && kept.length < operands.length ? e.make("concat", kept, attributes) : undefined;
    },
  },
  {
    name: "concatenation of a concatenation",
    ops: ["concat"],
    apply: ({ e, operands, attributes }) => {
      const parts = operands.flatMap((operand) => {
        const inner = e.madeBy(operand, "concat");
        return inner?.attributes.axis === attributes.axis ? inner!.operands : [operand];
      });
      return parts.length > operands.length ? e.make("concat", parts, attributes) : undefined;
    },
  },
  {
    name: "concatenation of neighbouring slices",
    ops: ["concat"],
    apply: (site) => {
      const parts = joinedSlices(site, site.attributes.axis as number);
      return parts && site.e.make("concat", parts, site.attributes);
    },
  },
];

const ELEMENTWISE = PRIMITIVES.filter(({ loop, operands }) => loop === "elementwise" && operands.length > 0).map((
  row,
) => row.name);

const MOVED = ["broadcast", "reshape", "transpose", "reverse"];

/** Whether two nodes move data in the same way from sources of the same shape. */
const moveAlike = (e: Emitter, a: Node, b: Node): boolean =>
  a.op === b.op && sameShape(e, e.types[a.operands[0]], e.types[b.operands[0]]) &&
  Object.keys(a.attributes).every((name) => sameList([a.attributes[name]].flat(), [b.attributes[name]].flat()));

/** Arithmetic on values that were all moved in the same way (or are the same everywhere): move the result instead. */
const sink = (op: string) => (site: Site): number | undefined => {
  const { e, operands, attributes } = site;
  const moves = operands.map((operand) => e.madeBy(operand, op));
  const first = moves.find((node) => node !== undefined);
  if (first === undefined) return undefined;
  const shape = e.types[first.operands[0]].shape;
  // A move that stays for others would be made twice; a reshape costs nothing.
  const once = op === "reshape" || operands.every((operand, i) => moves[i] === undefined || e.isUsedOnce(operand));
  if (!once && op !== "broadcast") return undefined;
  const sources = operands.map((operand, i) => {
    const node = moves[i];
    if (node !== undefined && moveAlike(e, first, node)) return node.operands[0];
    const splat = splatTensor(e, operand);
    if (splat === undefined) return undefined;
    const literal = e.constant(splat);
    return shape.length === 0 ? literal : e.make("broadcast", [literal], { shape, axes: [] });
  });
  if (!sources.every((source) => source !== undefined)) return undefined;
  return e.make(op, [e.make(site.op, sources, attributes)], first.attributes);
};

const sinkRules: ReadonlyArray<Rule> = MOVED.map((op) => ({
  name: `${op} behind arithmetic`,
  ops: ELEMENTWISE,
  apply: sink(op),
}));

const castRules: ReadonlyArray<Rule> = [
  {
    name: "cast to the same dtype",
    ops: ["cast"],
    apply: ({ operands, types, results }) => types[0].dtype === results[0].dtype ? operands[0] : undefined,
  },
  {
    name: "cast of a cast that loses nothing",
    ops: ["cast"],
    apply: (site) => {
      const inner = under(site, "cast");
      if (inner === undefined) return undefined;
      const from = site.e.types[inner.operands[0]].dtype;
      if (!embeds(from, site.types[0].dtype)) return undefined;
      return from === site.results[0].dtype ? inner.operands[0] : site.e.make("cast", inner.operands, site.attributes);
    },
  },
];

/** Dtypes in which every number of a dtype is itself. */
const WIDER: { readonly [from: string]: ReadonlyArray<string> } = {
  f16: ["f32", "f64"],
  bf16: ["f32", "f64"],
  f32: ["f64"],
  i4: ["i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64"],
  i8: ["i16", "i32", "i64", "f16", "bf16", "f32", "f64"],
  i16: ["i32", "i64", "f32", "f64"],
  i32: ["i64", "f64"],
  u8: ["u16", "u32", "u64", "i16", "i32", "i64", "f16", "bf16", "f32", "f64"],
  u16: ["u32", "u64", "i32", "i64", "f32", "f64"],
  u32: ["u64", "i64", "f64"],
  bool: ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32", "f64"],
};

/** Whether every number of one dtype is also one of another, so that casting there and on is casting on. */
export const embeds = (from: string, to: string): boolean => WIDER[from]?.includes(to) ?? false;

const gatherRules: ReadonlyArray<Rule> = [
  {
    name: "reduction over nothing",
    ops: ["reduce"],
    apply: ({ operands, attributes }) =>
      numbers(attributes.axes).length === 0 && attributes.op !== "sum" ? operands[0] : undefined,
  },
  {
    name: "maximum along axes of one",
    ops: ["reduce"],
    apply: ({ e, operands, types, attributes, results }) => {
      const all = numbers(attributes.axes).every((axis) => types[0].shape[axis] === 1);
      const isExact = attributes.op !== "sum" || !["f64", "f32", "f16", "bf16"].includes(types[0].dtype);
      return all && isExact ? e.make("reshape", operands, { shape: results[0].shape }) : undefined;
    },
  },
];

/** The rules. */
export const MOVEMENT_RULES: ReadonlyArray<Rule> = [
  ...reshapeRules,
  ...transposeRules,
  ...reverseRules,
  ...broadcastRules,
  ...sliceRules,
  ...padRules,
  ...concatRules,
  ...castRules,
  ...gatherRules,
  ...sinkRules,
];
