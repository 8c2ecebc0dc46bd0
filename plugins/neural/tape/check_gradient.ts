/**
 * Check of gradients: derivatives beside differences of values.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { filled, fromFloats, toFloats } from "../../ir/library.ts";
import { gradients, Tape } from "./tape.ts";
import type { Variable } from "./variable.ts";

/** Where a derivative and a difference are furthest apart. */
export interface GradientCheck {
  /** The largest |derivative − difference| / max(1, |derivative|, |difference|). */
  readonly worst: number;
  /** The input and the element where it is. */
  readonly at: { readonly input: number; readonly element: number };
}

/** Half the distance between the two values of a difference, by element type. */
const STEPS: { readonly [dtype: string]: number } = { f64: 1e-6, f32: 1e-3 };

const usualStep = (dtype: string): number => STEPS[dtype] ?? 1e-2;

/** Compares the derivative of a function's sum by its inputs with central differences. */
export const checkGradient = (
  compute: (inputs: ReadonlyArray<Variable>) => Variable,
  inputs: ReadonlyArray<Tensor>,
): GradientCheck => {
  const total = (values: ReadonlyArray<Tensor>): number => {
    const tape = new Tape();
    const output = compute(values.map((value) => tape.variable(value)));
    return toFloats(output.value).reduce((sum, value) => sum + value, 0);
  };
  const tape = new Tape();
  const variables = inputs.map((input) => tape.variable(input));
  const output = compute(variables);
  const { dtype, shape } = output.value;
  const slopes = gradients(output, variables, { cotangent: filled(dtype, shape, 1) });
  let found: GradientCheck = { worst: 0, at: { input: 0, element: 0 } };
  inputs.forEach((input, i) => {
    const floats = toFloats(input);
    const step = usualStep(input.dtype);
    const slope = toFloats(slopes[i].value);
    floats.forEach((_, element) => {
      const moved = (by: number): Tensor => {
        const changed = new Float64Array(floats);
        changed[element] += by;
        return fromFloats(input.dtype, input.shape, changed);
      };
      const [up, down] = [moved(step), moved(-step)];
      const width = toFloats(up)[element] - toFloats(down)[element];
      const [before, after] = [down, up].map((value) => total(inputs.map((other, j) => j === i ? value : other)));
      const difference = (after - before) / width;
      const worst = Math.abs(slope[element] - difference) / Math.max(1, Math.abs(slope[element]), Math.abs(difference));
      if (!(worst <= found.worst)) found = { worst, at: { input: i, element } };
    });
  });
  return found;
};
