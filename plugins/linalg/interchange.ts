/**
 * Interchange: matrices as tensors, alone or stacked along leading axes, and results stacked the same way.
 *
 * @module
 */
import { elements, type Tensor, tensor, tensorFromJson, type TensorJson, tensorToJson } from "../ir/library.ts";
import { wrongSizes } from "./failures.ts";
import type { Matrix } from "./matrix.ts";

/** Matrices of one size, and the axes they are stacked along. */
export interface Stack {
  /** Sizes of the leading axes. */
  readonly batch: ReadonlyArray<number>;
  /** The matrices. */
  readonly matrices: ReadonlyArray<Matrix>;
}

const MATRIX_AXES = 2;

/** The matrices of a tensor; `as` names the input in failures. */
export const stackOf = (json: TensorJson, as: string): Stack => {
  const given: Tensor = tensorFromJson(json, `/${as}`);
  if (given.shape.length < MATRIX_AXES) {
    throw wrongSizes({
      operation: "a matrix operation",
      reason: `${json.type} has ${given.shape.length} axes, and a matrix has two`,
      path: `/${as}/type`,
      expected: "f64[rows,columns]",
      actual: json.type,
    });
  }
  const [rows, columns] = given.shape.slice(-MATRIX_AXES);
  const batch = given.shape.slice(0, -MATRIX_AXES);
  const values = Float64Array.from(elements(given), Number);
  const count = batch.reduce((product, size) => product * size, 1);
  if (count === 0) {
    throw wrongSizes({
      operation: "a matrix operation",
      reason: `${json.type} stacks no matrices`,
      path: `/${as}/type`,
    });
  }
  const size = rows * columns;
  return {
    batch,
    matrices: Array.from({ length: count }, (_, i) => ({
      rows,
      columns,
      data: values.slice(i * size, (i + 1) * size),
    })),
  };
};

/** Two stacks of the same batch, or one matrix for all of the other's. */
export const pairsOf = (a: Stack, b: Stack): ReadonlyArray<readonly [Matrix, Matrix]> => {
  if (String(a.batch) === String(b.batch)) return a.matrices.map((matrix, i) => [matrix, b.matrices[i]]);
  if (b.batch.length === 0) return a.matrices.map((matrix) => [matrix, b.matrices[0]]);
  throw wrongSizes({
    operation: "a matrix operation",
    reason: `matrices are stacked ${a.batch.join(" by ")} and right sides ${b.batch.join(" by ")}`,
    path: "/b/type",
  });
};

/** Arrays of one shape as one tensor. */
export const stacked = (
  batch: ReadonlyArray<number>,
  shape: ReadonlyArray<number>,
  parts: ReadonlyArray<ArrayLike<number>>,
  integers: boolean,
): TensorJson => {
  const values = parts.flatMap((part) => Array.from(part));
  return tensorToJson(
    integers ? tensor("i64", [...batch, ...shape], values.map(BigInt)) : tensor("f64", [...batch, ...shape], values),
  );
};
