/**
 * Tape: what was emitted on the way forward, and how cotangents pass each step on the way back.
 *
 * Not data at run time: a tape is a list of rules, used up while a gradient program is being built.
 * Invariant: `backward` may emit in another function than the one the step was emitted in; forward values it needs there
 * become residuals by the `Foreign` hook of that function.
 *
 * @module
 */
import type { Emitted, FunctionBuilder, Value } from "../builder.ts";
import { noGradient } from "../failures.ts";
import { primitiveOf } from "../primitives.ts";
import { isFloat } from "../types.ts";
import { stops } from "./activity.ts";

/** Cotangents of operands, each with the operand it belongs to. */
export type Parts = ReadonlyArray<readonly [Value, Value | undefined]>;

/** Passes cotangents of results back to operands. */
export type Backward = (h: FunctionBuilder, cotangents: ReadonlyArray<Value | undefined>) => Parts;

/** One step. */
export interface Step {
  /** Where it came from. */
  readonly location: string;
  /** What it made. */
  readonly results: ReadonlyArray<Value>;
  /** How cotangents pass. */
  readonly backward: Backward;
}

/** The step of a primitive; undefined where cotangents end at it. */
export const primitiveStep = (
  { op, operands, results, attributes }: Emitted,
  location: string,
): Step | undefined => {
  if (stops(op)) return undefined;
  const { gradient } = primitiveOf(op);
  if (typeof gradient !== "function") throw noGradient({ op, reason: gradient.none, path: location });
  return {
    location,
    results,
    backward: (g, [cotangent]) =>
      cotangent === undefined
        ? []
        : gradient({ g, operands, results, cotangent, attributes }).map((part, i) => [operands[i], part] as const),
  };
};

/** Adds to the cotangent of a value. */
export const accumulate = (g: FunctionBuilder, sums: Map<Value, Value>, of: Value, part: Value): void => {
  const before = sums.get(of);
  sums.set(of, before === undefined ? part : g.add(before, part));
};

/** Cotangents of all values, from those of some, last step first. */
export const playBack = (
  g: FunctionBuilder,
  tape: ReadonlyArray<Step>,
  active: ReadonlySet<Value>,
  seeds: ReadonlyMap<Value, Value>,
): ReadonlyMap<Value, Value> => {
  const sums = new Map(seeds);
  for (const { location, results, backward } of tape.toReversed()) {
    if (!results.some((result) => sums.has(result))) continue;
    g.at(location, () => {
      for (const [operand, part] of backward(g, results.map((result) => sums.get(result)))) {
        if (part !== undefined && active.has(operand)) accumulate(g, sums, operand, part);
      }
    });
  }
  return sums;
};

/** Marks float results of a step as active where one of its operands is. */
export const spreadActivity = (active: Set<Value>, { operands, results }: Emitted): boolean => {
  if (!operands.some((operand) => active.has(operand))) return false;
  results.forEach((result) => isFloat(result.type.dtype) && active.add(result));
  return true;
};
