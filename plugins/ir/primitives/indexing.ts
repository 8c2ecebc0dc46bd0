/**
 * Primitives that move elements to or from places given by an index tensor.
 *
 * Invariant: an index outside 0 … n−1 (also a negative one) reads zero and writes nothing, so gathering and
 * scatter-adding are each other's transpose whatever the indices are. Of several writes to one place the last, in
 * row-major order of the updates, stays.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import type { Value } from "../builder.ts";
import {
  type Applied,
  Axis,
  type Costed,
  type Differentiated,
  needShape,
  noFlops,
  type Primitive,
  primitive,
  type PrimitiveCost,
  sameDtype,
} from "../primitive.ts";
import { aroundAxis, checkAxes, countOf, withAxis, withoutAxes } from "../shape.ts";
import { dtypeInfo, isFloat, printType, type Shape, type TensorType, tensorType } from "../types.ts";
import { fromFloats, fromIntegers, type Tensor, toFloats, toIntegers, zeros } from "../value.ts";

/** What a write does to the element that is there. */
export type ScatterMode = "set" | "add";

const Mode: Schema.Codec<ScatterMode> = Schema.Literals(["set", "add"]) as unknown as Schema.Codec<ScatterMode>;

/** Calls `visit` with each (position in the wide tensor or −1, position in the narrow one). */
type Walk = (visit: (wide: number, narrow: number) => void) => void;

const indexAt = (indices: Tensor, position: number, size: number): number => {
  const index = Number(indices.data[position]);
  return index >= 0 && index < size ? index : -1;
};

/** One index tensor for all rows: rows before the axis × indices × elements after it. */
const walkRows = (wide: ReadonlyArray<number>, axis: number, indices: Tensor): Walk => (visit) => {
  const [outer, size, inner] = aroundAxis(wide, axis);
  const count = indices.data.length;
  for (let row = 0; row < outer; row++) {
    for (let i = 0; i < count; i++) {
      const index = indexAt(indices, i, size);
      for (let j = 0; j < inner; j++) {
        visit(index < 0 ? -1 : (row * size + index) * inner + j, (row * count + i) * inner + j);
      }
    }
  }
};

/** One index for each element of the narrow tensor. */
const walkElements = (wide: ReadonlyArray<number>, axis: number, indices: Tensor): Walk => (visit) => {
  const [outer, size, inner] = aroundAxis(wide, axis);
  const count = indices.shape[axis];
  for (let row = 0; row < outer; row++) {
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < inner; j++) {
        const narrow = (row * count + i) * inner + j;
        const index = indexAt(indices, narrow, size);
        visit(index < 0 ? -1 : (row * size + index) * inner + j, narrow);
      }
    }
  }
};

const read = (x: Tensor, shape: ReadonlyArray<number>, walk: Walk): Tensor => {
  const made = zeros(x.dtype, shape);
  const [from, to] = [x.data as Float64Array, made.data as Float64Array];
  walk((wide, narrow) => {
    if (wide >= 0) to[narrow] = from[wide];
  });
  return made;
};

const write = (x: Tensor, updates: Tensor, mode: ScatterMode, walk: Walk): Tensor => {
  if (mode === "add") return accumulate(x, updates, walk);
  const made = { ...x, data: x.data.slice() };
  const [from, to] = [updates.data as Float64Array, made.data as Float64Array];
  walk((wide, narrow) => {
    if (wide >= 0) to[wide] = from[narrow];
  });
  return made;
};

/** Sums in binary64 (or exactly, for integers) and rounds once at the end. */
const accumulate = (x: Tensor, updates: Tensor, walk: Walk): Tensor => {
  if (isFloat(x.dtype)) {
    const sums = Float64Array.from(toFloats(x));
    const from = toFloats(updates);
    walk((wide, narrow) => {
      if (wide >= 0) sums[wide] += from[narrow];
    });
    return fromFloats(x.dtype, x.shape, sums);
  }
  const sums = toIntegers(x).slice();
  const from = toIntegers(updates);
  walk((wide, narrow) => {
    if (wide >= 0) sums[wide] += from[narrow];
  });
  return fromIntegers(x.dtype, x.shape, sums);
};

type Along = { readonly axis: number };

const gatheredShape = (x: TensorType, indices: TensorType, axis: number): Shape =>
  withAxis(x.shape, axis, ...indices.shape);

const checkAlong = (node: Applied<Along>, x: TensorType, indices: TensorType): void => {
  const { axis } = node.attributes;
  checkAxes(node.op, [axis], x.shape.length);
  const rest = (type: TensorType) => withoutAxes(type.shape, [axis]);
  needShape(
    node,
    indices.shape.length === x.shape.length && node.solver.equalShapes(rest(x), rest(indices)),
    () => `${printType(x)} and its indices ${printType(indices)} differ outside axis ${axis}`,
  );
};

const checkUpdates = (node: Applied<unknown>, updates: TensorType, shape: Shape): void =>
  needShape(
    node,
    node.solver.equalShapes(updates.shape, shape),
    () => `updates are ${printType(updates)}, and the indices ask for [${shape.join(",")}]`,
  );

const checkMode = (node: Applied<{ readonly mode: ScatterMode }>, dtype: TensorType): void =>
  needShape(node, node.attributes.mode === "set" || dtypeInfo(dtype.dtype).kind !== "bool", () => "bools do not add");

const addFlops = ({ types, attributes }: Costed<{ readonly mode: ScatterMode }>): PrimitiveCost => ({
  flops: attributes.mode === "add" ? countOf(types[2]) : 0,
});

/** The two ways to index, as gradient rules see them. */
type Access = {
  readonly take: (x: Value, indices: Value) => Value;
  readonly put: (x: Value, indices: Value, updates: Value, mode: ScatterMode) => Value;
};

const rowAccess = ({ g, attributes: { axis } }: Differentiated<Along>): Access => ({
  take: (x, indices) => g.gather(x, indices, axis),
  put: (x, indices, updates, mode) => g.scatter(x, indices, updates, axis, mode),
});

const elementAccess = ({ g, attributes: { axis } }: Differentiated<Along>): Access => ({
  take: (x, indices) => g.takeAlong(x, indices, axis),
  put: (x, indices, updates, mode) => g.putAlong(x, indices, updates, axis, mode),
});

const takeGradient = (node: Differentiated<Along>, { put }: Access): ReadonlyArray<Value | undefined> => {
  const [x, indices] = node.operands;
  return [put(node.g.zerosLike(x), indices, node.cotangent, "add"), undefined];
};

const putGradient = (
  node: Differentiated<Along & { readonly mode: ScatterMode }>,
  { take, put }: Access,
): ReadonlyArray<Value | undefined> => {
  const { g, cotangent } = node;
  const [x, indices, updates] = node.operands;
  const taken = take(cotangent, indices);
  if (node.attributes.mode === "add") return [cotangent, undefined, taken];
  // An update counts only where it was the last one written: number the updates, write the numbers, read them back.
  const count = countOf(updates.type);
  const number = g.reshape(g.iota("i64", [count], 0), updates.type.shape);
  const unwritten = g.full({ dtype: "i64", shape: x.type.shape }, -1);
  const stayed = g.compare("eq", take(put(unwritten, indices, number, "set"), indices), number);
  return [
    put(cotangent, indices, g.zerosLike(updates), "set"),
    undefined,
    g.select(stayed, taken, g.zerosLike(updates)),
  ];
};

/** The rows. */
export const INDEXING: ReadonlyArray<Primitive> = [
  primitive("gather", {
    doc: "Rows of x at the indices along an axis, the axis replaced by the axes of the indices. Outside: zero.",
    operands: { x: "any", indices: "index" },
    attributes: { axis: Axis },
    result: (node) => {
      const [x, indices] = node.types;
      checkAxes(node.op, [node.attributes.axis], x.shape.length);
      return [tensorType(x.dtype, gatheredShape(x, indices, node.attributes.axis))];
    },
    gradient: (node) => takeGradient(node, rowAccess(node)),
    cost: noFlops,
    evaluate: ({ inputs: [x, indices], results: [{ shape }], attributes: { axis } }) => [
      read(x, shape, walkRows(x.shape, axis, indices)),
    ],
    loop: "gather",
  }),
  primitive("scatter", {
    doc: "x with rows at the indices along an axis set to, or increased by, the updates. Outside: dropped.",
    operands: { x: "any", indices: "index", updates: "any" },
    attributes: { axis: Axis, mode: Mode },
    result: (node) => {
      const [x, indices, updates] = node.types;
      sameDtype(node, [x, updates]);
      checkMode(node, x);
      checkAxes(node.op, [node.attributes.axis], x.shape.length);
      checkUpdates(node, updates, gatheredShape(x, indices, node.attributes.axis));
      return [x];
    },
    gradient: (node) => putGradient(node, rowAccess(node)),
    cost: addFlops,
    evaluate: ({ inputs: [x, indices, updates], attributes: { axis, mode } }) => [
      write(x, updates, mode, walkRows(x.shape, axis, indices)),
    ],
    loop: "scatter",
  }),
  primitive("take_along", {
    doc: "For each element of the indices, the element of x with that index along the axis. Outside: zero.",
    operands: { x: "any", indices: "index" },
    attributes: { axis: Axis },
    result: (node) => {
      const [x, indices] = node.types;
      checkAlong(node, x, indices);
      return [tensorType(x.dtype, indices.shape)];
    },
    gradient: (node) => takeGradient(node, elementAccess(node)),
    cost: noFlops,
    evaluate: ({ inputs: [x, indices], results: [{ shape }], attributes: { axis } }) => [
      read(x, shape, walkElements(x.shape, axis, indices)),
    ],
    loop: "gather",
  }),
  primitive("put_along", {
    doc: "x with the element at each index along the axis set to, or increased by, its update. Outside: dropped.",
    operands: { x: "any", indices: "index", updates: "any" },
    attributes: { axis: Axis, mode: Mode },
    result: (node) => {
      const [x, indices, updates] = node.types;
      sameDtype(node, [x, updates]);
      checkMode(node, x);
      checkAlong(node, x, indices);
      checkUpdates(node, updates, indices.shape);
      return [x];
    },
    gradient: (node) => putGradient(node, elementAccess(node)),
    cost: addFlops,
    evaluate: ({ inputs: [x, indices, updates], attributes: { axis, mode } }) => [
      write(x, updates, mode, walkElements(x.shape, axis, indices)),
    ],
    loop: "scatter",
  }),
];
