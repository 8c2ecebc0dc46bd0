/**
 * Primitives that move elements without changing them, by rules known before the run.
 *
 * Invariant: every element of the result is an element of an operand, bit for bit; sizes that are still symbolic when
 * the program is checked are checked again, with the same rules, when it runs.
 *
 * @module
 */
import {
  addDimensions,
  type Dimension,
  divideDimension,
  multiplyDimensions,
  subtractDimensions,
} from "../dimension.ts";
import { badAttribute } from "../failures.ts";
import {
  type Applied,
  Axes,
  Axis,
  needShape,
  noFlops,
  Positives,
  type Primitive,
  primitive,
  sameDtype,
  Sizes,
} from "../primitive.ts";
import {
  checkAxes,
  countOf,
  forEachOffset,
  printShape,
  readStrided,
  stridesOf,
  withAxis,
  withoutAxes,
} from "../shape.ts";
import { printType, type Shape, type TensorType, tensorType } from "../types.ts";
import { type Tensor, zeros } from "../value.ts";

/** Non-negative integers, such as interior padding. */
const Counts = Axes;

/** Refuses attribute lists that do not name one entry an axis. */
export const needPerAxis = (
  node: { readonly op: string },
  rank: number,
  lists: { readonly [name: string]: ReadonlyArray<unknown> },
): void => {
  for (const [name, list] of Object.entries(lists)) {
    if (list.length === rank) continue;
    throw badAttribute({
      op: node.op,
      reason: `${name} has ${list.length} entries for ${rank} axes`,
      expected: rank,
      actual: list.length,
    });
  }
};

const isBelow = (a: Dimension, b: Dimension): boolean => typeof a === "number" && typeof b === "number" && a < b;

const broadcastResult = (node: Applied<{ shape: Shape; axes: ReadonlyArray<number> }>): TensorType => {
  const [x] = node.types;
  const { axes } = node.attributes;
  const made = tensorType(x.dtype, node.attributes.shape);
  const { shape } = made;
  checkAxes(node.op, axes, shape.length, true);
  needPerAxis(node, x.shape.length, { axes });
  axes.forEach((axis, i) =>
    needShape(
      node,
      x.shape[i] === 1 || node.solver.equal(x.shape[i], shape[axis]),
      () => `axis ${i} of ${printType(x)} is neither 1 nor ${shape[axis]}`,
    )
  );
  return made;
};

const sliceLength = (start: Dimension, limit: Dimension, stride: number): Dimension => {
  const length = divideDimension(addDimensions(subtractDimensions(limit, start), stride - 1), stride);
  return typeof length === "number" ? Math.max(0, length) : length;
};

const padLength = (size: Dimension, low: Dimension, high: Dimension, interior: number): Dimension => {
  // A symbolic size is taken as at least one here; the run checks again with the size it has.
  const inner = size === 0 ? 0 : subtractDimensions(multiplyDimensions(size, interior + 1), interior);
  return addDimensions(inner, low, high);
};

const padTensor = (
  x: Tensor,
  value: Tensor,
  shape: ReadonlyArray<number>,
  low: ReadonlyArray<number>,
  interior: ReadonlyArray<number>,
): Tensor => {
  const made = zeros(x.dtype, shape);
  const to = made.data as Float64Array;
  to.fill((value.data as Float64Array)[0]);
  const strides = stridesOf(shape);
  const index = new Array<number>(x.shape.length).fill(0);
  forEachOffset(x.shape, stridesOf(x.shape), 0, (offset) => {
    let target = 0;
    let inside = true;
    let rest = offset;
    for (let axis = x.shape.length - 1; axis >= 0; axis--) {
      index[axis] = rest % x.shape[axis];
      rest = (rest - index[axis]) / x.shape[axis];
      const place = low[axis] + index[axis] * (interior[axis] + 1);
      inside &&= place >= 0 && place < shape[axis];
      target += place * strides[axis];
    }
    if (inside) to[target] = (x.data as Float64Array)[offset];
  });
  return made;
};

const concatTensors = (inputs: ReadonlyArray<Tensor>, shape: ReadonlyArray<number>, axis: number): Tensor => {
  const made = zeros(inputs[0].dtype, shape);
  const to = made.data as Float64Array;
  const outer = shape.slice(0, axis).reduce((count, size) => count * size, 1);
  const row = (of: ReadonlyArray<number>) => of.slice(axis).reduce((count, size) => count * size, 1);
  let start = 0;
  for (const input of inputs) {
    const width = row(input.shape);
    for (let i = 0; i < outer; i++) {
      to.set((input.data as Float64Array).subarray(i * width, (i + 1) * width), i * row(shape) + start);
    }
    start += width;
  }
  return made;
};

const negated = (sizes: ReadonlyArray<Dimension>): ReadonlyArray<Dimension> =>
  sizes.map((size) => subtractDimensions(0, size));

/** The rows. */
export const MOVEMENT: ReadonlyArray<Primitive> = [
  primitive("broadcast", {
    doc: "Repeats x to `shape`; operand axis i becomes result axis `axes[i]`, and an axis of size 1 is stretched.",
    operands: { x: "any" },
    attributes: { shape: Sizes, axes: Axes },
    sizes: ["shape"],
    result: (node) => [broadcastResult(node)],
    gradient: ({ g, cotangent, operands: [x], attributes: { shape, axes } }) => {
      const summed = shape.flatMap((size, axis) => {
        const from = axes.indexOf(axis);
        return from < 0 || (x.type.shape[from] === 1 && size !== 1) ? [axis] : [];
      });
      return [g.reshape(g.reduce("sum", cotangent, summed), x.type.shape)];
    },
    cost: noFlops,
    evaluate: ({ inputs: [x], results: [{ shape }], attributes: { axes } }) => {
      const from = stridesOf(x.shape);
      const strides = new Array<number>(shape.length).fill(0);
      axes.forEach((axis, i) => strides[axis] = x.shape[i] === 1 ? 0 : from[i]);
      return [readStrided(x, shape, strides)];
    },
    loop: "movement",
  }),
  primitive("reshape", {
    doc: "The same elements in row-major order under another shape.",
    operands: { x: "any" },
    attributes: { shape: Sizes },
    sizes: ["shape"],
    result: (node) => {
      const [x] = node.types;
      const made = tensorType(x.dtype, node.attributes.shape);
      needShape(
        node,
        node.solver.equal(countOf(x), countOf(made)),
        () => `${printType(x)} has ${countOf(x)} elements and ${printShape(made.shape)} has ${countOf(made)}`,
      );
      return [made];
    },
    gradient: ({ g, cotangent, operands: [x] }) => [g.reshape(cotangent, x.type.shape)],
    cost: () => ({ flops: 0, bytes: 0 }),
    evaluate: ({ inputs: [x], results: [{ shape }] }) => [{ ...x, shape }],
    loop: "view",
  }),
  primitive("transpose", {
    doc: "Axes in another order: result axis i is operand axis `permutation[i]`.",
    operands: { x: "any" },
    attributes: { permutation: Axes },
    result: (node) => {
      const [x] = node.types;
      const { permutation } = node.attributes;
      needPerAxis(node, x.shape.length, { permutation });
      checkAxes(node.op, permutation, x.shape.length);
      return [tensorType(x.dtype, permutation.map((axis) => x.shape[axis]))];
    },
    gradient: ({ g, cotangent, attributes: { permutation } }) => [
      g.transpose(cotangent, permutation.map((_, axis) => permutation.indexOf(axis))),
    ],
    cost: noFlops,
    evaluate: ({ inputs: [x], results: [{ shape }], attributes: { permutation } }) => {
      const from = stridesOf(x.shape);
      return [readStrided(x, shape, permutation.map((axis) => from[axis]))];
    },
    loop: "movement",
  }),
  primitive("reverse", {
    doc: "Elements in opposite order along some axes.",
    operands: { x: "any" },
    attributes: { axes: Axes },
    result: (node) => {
      checkAxes(node.op, node.attributes.axes, node.types[0].shape.length, true);
      return [node.types[0]];
    },
    gradient: ({ g, cotangent, attributes: { axes } }) => [g.reverse(cotangent, axes)],
    cost: noFlops,
    evaluate: ({ inputs: [x], attributes: { axes } }) => {
      const from = stridesOf(x.shape);
      const start = axes.reduce((sum, axis) => sum + Math.max(0, x.shape[axis] - 1) * from[axis], 0);
      return [readStrided(x, x.shape, from.map((step, axis) => axes.includes(axis) ? -step : step), start)];
    },
    loop: "movement",
  }),
  primitive("slice", {
    doc: "Elements from `start` to before `limit` in steps of `stride`, along each axis.",
    operands: { x: "any" },
    attributes: { start: Sizes, limit: Sizes, stride: Positives },
    sizes: ["start", "limit"],
    result: (node) => {
      const [x] = node.types;
      const { start, limit, stride } = node.attributes;
      needPerAxis(node, x.shape.length, { start, limit, stride });
      x.shape.forEach((size, axis) =>
        needShape(
          node,
          !isBelow(start[axis], 0) && !isBelow(limit[axis], start[axis]) && !isBelow(size, limit[axis]),
          () => `${start[axis]} … ${limit[axis]} is not inside axis ${axis} of ${printType(x)}`,
        )
      );
      return [tensorType(x.dtype, x.shape.map((_, axis) => sliceLength(start[axis], limit[axis], stride[axis])))];
    },
    gradient: ({ g, cotangent, operands: [x], attributes: { start, stride } }) => {
      const interior = stride.map((step) => step - 1);
      const high = x.type.shape.map((size, axis) => {
        const covered = padLength(cotangent.type.shape[axis], start[axis], 0, interior[axis]);
        return subtractDimensions(size, covered);
      });
      return [g.pad(cotangent, 0, { low: start, high, interior })];
    },
    cost: noFlops,
    evaluate: ({ inputs: [x], results: [{ shape }], attributes: { start, stride } }) => {
      const from = stridesOf(x.shape);
      const first = from.reduce((sum, step, axis) => sum + step * (start[axis] as number), 0);
      return [readStrided(x, shape, from.map((step, axis) => step * stride[axis]), first)];
    },
    loop: "movement",
  }),
  primitive("pad", {
    doc: "`low` copies of the value before, `high` after and `interior` between the elements, along each axis; a " +
      "negative count takes elements away.",
    operands: { x: "any", value: "any" },
    attributes: { low: Sizes, high: Sizes, interior: Counts },
    sizes: ["low", "high"],
    result: (node) => {
      const [x, value] = node.types;
      const { low, high, interior } = node.attributes;
      sameDtype(node);
      needShape(node, value.shape.length === 0, () => `the value is a scalar, not ${printType(value)}`);
      needPerAxis(node, x.shape.length, { low, high, interior });
      const shape = x.shape.map((size, axis) => padLength(size, low[axis], high[axis], interior[axis]));
      needShape(
        node,
        shape.every((size) => !isBelow(size, 0)),
        () => `more is taken away than ${printType(x)} has: ${printShape(shape)}`,
      );
      return [tensorType(x.dtype, shape)];
    },
    gradient: ({ g, cotangent, operands: [x], attributes: { low, high, interior } }) => {
      const cropped = g.pad(cotangent, 0, {
        low: negated(low),
        high: negated(high),
        interior: low.map(() => 0),
      });
      const inner = g.slice(cropped, {
        start: low.map(() => 0),
        limit: cropped.type.shape,
        stride: interior.map((count) => count + 1),
      });
      return [g.reshape(inner, x.type.shape), g.sub(g.reduceAll("sum", cotangent), g.reduceAll("sum", inner))];
    },
    cost: noFlops,
    evaluate: ({ inputs: [x, value], results: [{ shape }], attributes: { low, interior } }) => [
      padTensor(x, value, shape, low as ReadonlyArray<number>, interior),
    ],
    loop: "movement",
  }),
  primitive("concat", {
    doc: "Operands one after another along an axis; they agree in dtype and in every other axis.",
    operands: { xs: "any" },
    variadic: true,
    attributes: { axis: Axis },
    result: (node) => {
      const { axis } = node.attributes;
      const [first] = node.types;
      const dtype = sameDtype(node);
      checkAxes(node.op, [axis], first.shape.length);
      for (const type of node.types) {
        needShape(
          node,
          node.solver.equalShapes(withoutAxes(type.shape, [axis]), withoutAxes(first.shape, [axis])) &&
            type.shape.length === first.shape.length,
          () => `${printType(first)} and ${printType(type)} differ outside axis ${axis}`,
        );
      }
      return [tensorType(dtype, withAxis(first.shape, axis, addDimensions(...node.types.map((x) => x.shape[axis]))))];
    },
    gradient: ({ g, cotangent, operands, attributes: { axis } }) => {
      let offset: Dimension = 0;
      return operands.map((x) => {
        const start = offset;
        offset = addDimensions(offset, x.type.shape[axis]);
        return g.sliceAxis(cotangent, axis, start, offset);
      });
    },
    cost: noFlops,
    evaluate: ({ inputs, results: [{ shape }], attributes: { axis } }) => [concatTensors(inputs, shape, axis)],
    loop: "movement",
  }),
];
