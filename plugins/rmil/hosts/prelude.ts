/**
 * Prelude: the original's mathematical host functions.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { scalar } from "../types.ts";
import type { HostFunction } from "./functions.ts";
import { floatValue, numberOf } from "./types.ts";

const F64 = scalar("f64");

const numeric = (
  name: string,
  doc: string,
  arity: number,
  compute: (...args: ReadonlyArray<number>) => number,
): HostFunction => ({
  name,
  doc,
  inputs: Array.from({ length: arity }, () => F64),
  output: F64,
  effects: [],
  kinds: [],
  run: (args) => Effect.sync(() => floatValue(compute(...args.map(numberOf)))),
});

/** Halves go away from zero; adding a half first would round 0.49999999999999994 up. */
const roundHalfAway = (x: number): number => {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
};

/** The original's mathematical host functions. */
export const mathPrelude: ReadonlyArray<HostFunction> = [
  numeric("ffi_sqrt", "Square root.", 1, Math.sqrt),
  numeric("ffi_floor", "Largest integer not above.", 1, Math.floor),
  numeric("ffi_ceil", "Smallest integer not below.", 1, Math.ceil),
  numeric("ffi_round", "Nearest integer, halves away from zero.", 1, roundHalfAway),
  numeric("ffi_abs", "Magnitude.", 1, Math.abs),
  numeric("ffi_atan2", "Angle of the point (x, y) from its coordinates y, x.", 2, Math.atan2),
];
