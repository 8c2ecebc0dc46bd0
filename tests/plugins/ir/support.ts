/**
 * What the IR's tests share: seeded tensors, running a program, differences, failures.
 */
import assert from "node:assert/strict";
import { random } from "../../../kernel/random.ts";
import {
  buildProgram,
  type Dtype,
  evaluate,
  type EvaluateOptions,
  type FunctionBuilder,
  isIrFailure,
  type Program,
  type Tensor,
  tensor,
  toFloats,
  toNested,
  type Value,
} from "../../../plugins/ir/library.ts";

/** The first result of a program. */
export const run = (program: Program, inputs: ReadonlyArray<Tensor> = [], options: EvaluateOptions = {}): Tensor =>
  evaluate(program, inputs, options).results[0];

/** The first result of a program as nested arrays. */
export const nested = (program: Program, inputs: ReadonlyArray<Tensor> = []): unknown => toNested(run(program, inputs));

/** What a body makes of tensors, as nested arrays. */
export const compute = (
  inputs: ReadonlyArray<Tensor>,
  body: (g: FunctionBuilder, values: ReadonlyArray<Value>) => Value | ReadonlyArray<Value>,
): unknown => {
  const types = Object.fromEntries(inputs.map(({ dtype, shape }, i) => [`x${i}`, { dtype, shape }]));
  const program = buildProgram(types, (g, values) => body(g, Object.values(values)));
  return nested(program, inputs);
};

/** A tensor of seeded normal numbers. */
export const normals = (seed: string, shape: ReadonlyArray<number>, dtype: Dtype = "f64"): Tensor => {
  const draws = random(seed);
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(dtype, shape, Array.from({ length: count }, () => draws.normal()));
};

/** A tensor of numbers. */
export const f64 = (shape: ReadonlyArray<number>, values: ReadonlyArray<number>): Tensor =>
  tensor("f64", shape, values);

/** A vector or scalar of a dtype. */
export const vector = (dtype: Dtype, values: ReadonlyArray<number | bigint | boolean>): Tensor =>
  tensor(dtype, [values.length], values);

/** The code of the failure that a computation throws. */
export const codeOf = (body: () => unknown): string => {
  try {
    body();
  } catch (thrown) {
    if (isIrFailure(thrown)) return thrown.code;
    throw thrown;
  }
  return "no failure";
};

/** The derivative of a scalar program by one input, by central differences. */
export const centralDifferences = (
  program: Program,
  inputs: ReadonlyArray<Tensor>,
  which: number,
  step = 1e-5,
): Float64Array => {
  const at = (index: number, change: number): number => {
    const moved = Float64Array.from(toFloats(inputs[which]));
    moved[index] += change;
    const changed = inputs.map((input, i) => i === which ? { ...input, data: moved } : input);
    return toFloats(run(program, changed))[0];
  };
  return Float64Array.from(inputs[which].data as Float64Array, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
};

/** Asserts that numbers agree within a tolerance relative to the larger of their size and one. */
export const assertClose = (
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "",
): void => {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(expected[i]));
    assert.ok(
      Math.abs(actual[i] - expected[i]) <= allowed || Object.is(actual[i], expected[i]),
      `${what}[${i}]: ${actual[i]} instead of ${expected[i]}`,
    );
  }
};
