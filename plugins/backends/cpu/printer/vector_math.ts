/**
 * Vector mathematics: which functions of generated code are computed lane by lane by our own code.
 *
 * Not the functions themselves (wasm/ has them).
 * Invariant: a function that is here is used for single elements too, so a result does not depend on its neighbours.
 *
 * @module
 */
import type { Code } from "../wasm/code.ts";

/** One function on the vectors on the stack. */
export interface VectorMath {
  /** Kind of vector. */
  readonly kind: "f32x4" | "f64x2";
  /** Writes it. */
  readonly write: (code: Code) => void;
}

/** The function of an operation at a kind of vector. */
export const vectorMath = (
  _op: string,
  _kind: "f32x4" | "f64x2" | "i32x4",
  _fused: boolean,
): VectorMath | undefined => undefined;
