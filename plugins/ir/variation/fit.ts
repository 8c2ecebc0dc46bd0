/**
 * Fit: makes a value of one type stand where another type is asked for.
 *
 * Not a conversion anybody should want in a hand-written program: it exists so that an edit of a program can change what
 * is computed in one place and leave every type around it as it was.
 * Invariant: it always succeeds; a value that has the type already is given back as it is.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../builder.ts";
import { countOf } from "../shape.ts";
import { dtypeInfo, type Shape, type TensorType } from "../types.ts";

const isNumber = (size: unknown): size is number => typeof size === "number";

/** The same rank, by combining leading axes away or by axes of size one before. */
const withRank = (g: FunctionBuilder, x: Value, rank: number): Value => {
  const extra = x.type.shape.length - rank;
  if (extra > 0) {
    const isBool = dtypeInfo(x.type.dtype).kind === "bool";
    return g.reduce(isBool ? "any" : "sum", x, Array.from({ length: extra }, (_, axis) => axis));
  }
  return extra === 0 ? x : g.reshape(x, [...Array.from({ length: -extra }, () => 1), ...x.type.shape]);
};

/** Axes that are too long cut, those that are too short filled with zeros, unknown ones combined to one. */
const withSizes = (g: FunctionBuilder, x: Value, shape: Shape): Value => {
  const isBool = dtypeInfo(x.type.dtype).kind === "bool";
  const open = x.type.shape.flatMap((size, axis) =>
    size !== 1 && !g.solver.equal(size, shape[axis]) && !(isNumber(size) && isNumber(shape[axis])) ? [axis] : []
  );
  const closed = open.length === 0 ? x : g.reduceKeep(isBool ? "any" : "sum", x, open);
  const sizes = closed.type.shape;
  const limit = sizes.map((size, axis) => {
    const wanted = shape[axis];
    return isNumber(size) && isNumber(wanted) && size > wanted ? wanted : size;
  });
  const cut = limit.every((size, axis) => size === sizes[axis])
    ? closed
    : g.slice(closed, { start: limit.map(() => 0), limit });
  const high = limit.map((size, axis) => {
    const wanted = shape[axis];
    return isNumber(size) && isNumber(wanted) && size !== 1 && size < wanted ? wanted - size : 0;
  });
  const filled = high.every((size) => size === 0) ? cut : g.pad(cut, 0, { low: high.map(() => 0), high });
  return g.broadcastTo(filled, shape);
};

/** A value of a wanted type from one of any type. */
export const fit = (g: FunctionBuilder, x: Value, wanted: TensorType): Value => {
  const cast = g.cast(x, wanted.dtype);
  if (g.solver.equalShapes(cast.type.shape, wanted.shape)) return cast;
  if (g.solver.equal(countOf(cast.type), countOf(wanted))) return g.reshape(cast, wanted.shape);
  return withSizes(g, withRank(g, cast, wanted.shape.length), wanted.shape);
};
