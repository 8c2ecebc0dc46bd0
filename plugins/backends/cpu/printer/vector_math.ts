/**
 * Vector mathematics: which functions of generated code are computed lane by lane by our own code.
 *
 * Not the functions themselves (wasm/vector_math.ts has them).
 * Invariant: a function that is here is used for single elements too, so a result does not depend on its neighbours.
 *
 * @module
 */
import type { ModuleBuilder } from "../wasm/assembler.ts";
import type { Code } from "../wasm/code.ts";
import { MATH, mathFunction, type MathName, writeMath } from "../wasm/vector_math.ts";

/** One function on the vectors on the stack. */
export interface VectorMath {
  /** Kind of vector. */
  readonly kind: "f32x4" | "f64x2";
  /** Writes it: in place where it is short and stands in a hot loop, else as a call. */
  readonly write: (module: ModuleBuilder, code: Code, place: "inline" | "call") => void;
}

/** Functions too long to stand in place. */
const LONG: ReadonlySet<string> = new Set(["sin", "cos", "pow", "erf", "log1p", "expm1"]);

/** The function of an operation at a kind of vector. */
export const vectorMath = (op: string, kind: "f32x4" | "f64x2", fused: boolean): VectorMath | undefined => {
  if (!Object.hasOwn(MATH, op)) return undefined;
  const options = { name: op as MathName, lanes: kind, fused };
  return {
    kind,
    write: (module, code, place) => {
      if (place === "inline" && !LONG.has(op)) writeMath(module, code, options);
      else code.call(mathFunction(module, options));
    },
  };
};
