/**
 * Movement: tensors reshaped, cut, joined and indexed, and the two residual joins.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import { countOf, multiplyDimensions, quotientOf, type Value } from "../../ir/library.ts";
import { wrongShape } from "../interpreter/failures.ts";
import { type Lower, type Lowerings, number } from "./lowering.ts";

type MovementName = "reshape" | "transpose" | "slice" | "concat" | "gather" | "scatter" | "res_add" | "res_cat";

const listOf = (given: unknown): ReadonlyArray<number> => typeof given === "number" ? [given] : given as number[];

const reshape: Lower = ({ op, g, operands: { x }, settings }) => {
  const wanted = listOf(settings.shape);
  const open = wanted.filter((extent) => extent === -1).length;
  if (open > 1 || wanted.some((extent) => extent < -1)) {
    throw wrongShape({
      op,
      reason: `[${wanted.join(",")}] is no shape: at most one size is -1, the others are from 0`,
    });
  }
  const all = countOf(x.type);
  const known = multiplyDimensions(...wanted.filter((extent) => extent !== -1));
  const rest = open === 0 ? 1 : known === 0 ? 0 : quotientOf(all, known);
  if (rest === undefined || (open === 0 && known !== all)) {
    const reason = `${all} elements do not fill [${wanted.join(",")}]`;
    throw wrongShape({ op, reason, expected: String(all), actual: String(known) });
  }
  return g.reshape(x, wanted.map((extent): Dimension => extent === -1 ? rest : extent));
};

const transpose: Lower = ({ g, operands: { x }, settings }) =>
  g.transpose(x, settings.axes === undefined ? x.type.shape.map((_, axis) => axis).reverse() : listOf(settings.axes));

/** Where a slice begins and ends in `length` items: negative counts from the end, beyond is cut. */
export const sliceBounds = (length: number, start: number, end: number | undefined): readonly [number, number] => {
  const place = (index: number): number => Math.min(length, Math.max(0, index < 0 ? index + length : index));
  const from = place(start);
  return [from, Math.max(from, end === undefined ? length : place(end))];
};

const slice: Lower = ({ op, g, operands: { x }, settings }) => {
  const { shape } = x.type;
  const given = number(settings, "axis");
  const axis = given < 0 ? given + shape.length : given;
  const length = shape[axis];
  if (length === undefined) throw wrongShape({ op, reason: `there is no axis ${given}`, actual: given });
  if (typeof length !== "number") throw wrongShape({ op, reason: `size ${length} of axis ${axis} must be known` });
  const [start, limit] = sliceBounds(length, number(settings, "start"), settings.end as number | undefined);
  const at = <A>(own: A, others: (axis: number) => A): ReadonlyArray<A> =>
    shape.map((_, i) => i === axis ? own : others(i));
  return g.slice(x, {
    start: at<Dimension>(start, () => 0),
    limit: at<Dimension>(limit, (i) => shape[i]),
    stride: at(number(settings, "step"), () => 1),
  });
};

/** Movement. */
export const movementLowerings: Lowerings<MovementName> = {
  reshape,
  transpose,
  slice,
  concat: ({ g, rest, settings }) => g.concat(rest, number(settings, "axis")),
  gather: ({ g, operands: { x, indices }, settings }) => g.gather(x, indices, number(settings, "axis")),
  scatter: ({ g, operands: { x, indices, updates }, settings }) =>
    g.scatter(x, indices, updates, number(settings, "axis"), settings.by === "add" ? "add" : "set"),
  res_add: ({ g, operands: { x, y } }) => g.add(x, y),
  res_cat: ({ g, operands: { x, y }, settings }) => g.concat([x, y] as ReadonlyArray<Value>, number(settings, "axis")),
};
