/**
 * Declaration: what declarations of the IR's operations share: how a program is given, and the programs of examples.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { IR_FAILURES } from "./failures.ts";

/** A program as text. */
export const ProgramText: Schema.Codec<string> = Schema.String.annotate({
  description: "a program in the IR's text form: program @main, func @main(%0 x: f32[B,4]) { ... return %1 }",
});

/** Squares a number. */
export const SQUARE = `program @main
func @main(%0 x: f32[]) {
  %1: f32[] = mul(%0, %0)
  return %1
}
`;

/** A matrix product with an open size. */
export const DENSE = `program @main
func @main(%0 x: f32[B,4], %1 w: f32[4,2]) {
  %2: f32[B,2] = dot(%0, %1) {accumulate = "f32", x_batch = [], x_contract = [1], y_batch = [], y_contract = [0]}
  return %2
}
`;

/** What holds of all of them. */
export const declare: {
  readonly failures: typeof IR_FAILURES;
  readonly effects: readonly [];
  readonly idempotent: true;
  readonly reversible: true;
  readonly stability: "unstable";
} = {
  failures: IR_FAILURES,
  effects: [],
  idempotent: true,
  reversible: true,
  stability: "unstable",
};
