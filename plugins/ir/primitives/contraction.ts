/**
 * The primitive that multiplies and sums over chosen axes: the general dot product.
 *
 * Invariant: products and sums are taken in binary64 (or exactly, for integers) and each result is rounded or wrapped
 * once, so an f32 or narrower result is the correctly rounded one but for the last bit of the sum.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../builder.ts";
import { multiplyDimensions } from "../dimension.ts";
import { badAttribute, wrongDtype } from "../failures.ts";
import {
  type Applied,
  Axes,
  type Costed,
  type Differentiated,
  needShape,
  type Primitive,
  primitive,
  type PrimitiveCost,
  sameDtype,
} from "../primitive.ts";
import { checkAxes, countOf, forEachOffset, stridesOf } from "../shape.ts";
import { type ConcreteType, Dtype, dtypeInfo, isFloat, printType, type TensorType, tensorType } from "../types.ts";
import { elementCount, fromFloats, fromIntegers, integerBuffer, type Tensor, toFloats, toIntegers } from "../value.ts";

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

/** Refuses a result dtype that is neither the operands' own nor a wider one of its kind. */
export const needAccumulator = (node: { readonly op: string }, from: Dtype, to: Dtype): void => {
  const [a, b] = [dtypeInfo(from), dtypeInfo(to)];
  if (a.kind === b.kind && (from === to || (b.bits > a.bits && (b.signed || !a.signed)))) return;
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
    const [a, b, out] = [toIntegers(x), toIntegers(y), integerBuffer(type.dtype, count)];
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

/** Numbers from a start. */
export const range = (start: number, count: number): ReadonlyArray<number> =>
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
  const second = g.cast(other.of, cotangent.type.dtype);
  const axes = [range(0, batch), range(otherStart, otherFree.length)] as const;
  // What is left of the other side are its contracted axes, in its own order.
  const left = [...other.contract].sort((a, b) => a - b).map((axis) => side.contract[other.contract.indexOf(axis)]);
  const turned = [...side.batch, ...left, ...sideFree];
  const made = turned.every((axis, i) => axis === i)
    // The other side first gives the axes in order at once, as for the weights of a matrix product.
    ? g.dot(second, cotangent, { x_batch: other.batch, y_batch: axes[0], x_contract: otherFree, y_contract: axes[1] })
    : inOrder(
      g,
      g.dot(cotangent, second, { x_batch: axes[0], y_batch: other.batch, x_contract: axes[1], y_contract: otherFree }),
      [...side.batch, ...sideFree, ...left],
    );
  return g.cast(made, side.of.type.dtype);
};

/** The axes put in order: axis i is now where `order` says i. */
const inOrder = (g: FunctionBuilder, x: Value, order: ReadonlyArray<number>): Value =>
  g.transpose(x, order.map((_, axis) => order.indexOf(axis)));

const dotGradient = ({ g, cotangent, operands: [x, y], attributes }: Differentiated<Dot>): ReadonlyArray<Value> => {
  const left = { of: x, batch: attributes.x_batch, contract: attributes.x_contract };
  const right = { of: y, batch: attributes.y_batch, contract: attributes.y_contract };
  return [dotSide(g, cotangent, left, right, true), dotSide(g, cotangent, right, left, false)];
};

const dotCost = ({ types: [x], results: [out], attributes }: Costed<Dot>): PrimitiveCost => ({
  flops: multiplyDimensions(2, countOf(out), ...attributes.x_contract.map((axis) => x.shape[axis])),
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
];
