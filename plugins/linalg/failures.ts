/**
 * The failure catalogue of linear algebra: what a matrix can lack for what is asked of it.
 *
 * Not for defects: a broken invariant of this room stays a thrown error.
 * Invariant: codes are never reused; the functions of this room throw these and nothing else on bad input.
 *
 * @module
 */
import { failure, type FailureDefinition, type FailuresOf, isFailure } from "../../kernel/failure.ts";

/** A matrix does not have the sizes an operation takes. */
export const wrongSizes: FailureDefinition<"LINALG_SHAPE", { operation: string; reason: string }> = failure(
  "LINALG_SHAPE",
  {
    doc: "A matrix does not have the sizes, or a tensor the axes, that an operation takes.",
    recoverable: true,
    says: (a) => `Cannot apply ${a.operation}: ${a.reason}`,
  },
);

/** A matrix holds NaN or an infinity. */
export const notFinite: FailureDefinition<"LINALG_NOT_FINITE", { row: number; column: number; value: string }> =
  failure("LINALG_NOT_FINITE", {
    doc: "A matrix holds NaN or an infinity, of which no factor could be right.",
    recoverable: true,
    says: (a) => `Cannot factor the matrix: element [${a.row},${a.column}] is ${a.value}`,
  });

/** A matrix has no inverse. */
export const singular: FailureDefinition<"LINALG_SINGULAR", { operation: string; pivot: number }> = failure(
  "LINALG_SINGULAR",
  {
    doc: "A matrix has no inverse: a pivot of its factors is exactly zero.",
    recoverable: true,
    says: (a) => `Cannot apply ${a.operation}: the matrix is singular, its pivot ${a.pivot} is zero`,
    fix: () => ({ summary: "Use linalg.leastSquares, which gives the shortest of the best solutions" }),
  },
);

/** A matrix is not symmetric. */
export const notSymmetric: FailureDefinition<"LINALG_NOT_SYMMETRIC", { row: number; column: number }> = failure(
  "LINALG_NOT_SYMMETRIC",
  {
    doc: "A matrix differs from its transpose where that is required.",
    recoverable: true,
    says: (a) => `Cannot factor the matrix: elements [${a.row},${a.column}] and [${a.column},${a.row}] differ`,
    fix: () => ({ summary: "Use the mean of the matrix and its transpose, or an operation for general matrices" }),
  },
);

/** A symmetric matrix is not positive definite. */
export const notPositiveDefinite: FailureDefinition<"LINALG_NOT_POSITIVE_DEFINITE", { minor: number }> = failure(
  "LINALG_NOT_POSITIVE_DEFINITE",
  {
    doc: "A symmetric matrix has a leading minor that is not positive.",
    recoverable: true,
    says: (a) => `Cannot factor the matrix: its leading minor of order ${a.minor} is not positive`,
    fix: () => ({ summary: "Use linalg.eigen or linalg.lu, which take any symmetric matrix" }),
  },
);

/** An iteration did not converge. */
export const noConvergence: FailureDefinition<"LINALG_NO_CONVERGENCE", { operation: string; rounds: number }> = failure(
  "LINALG_NO_CONVERGENCE",
  {
    doc: "An iteration did not converge within its rounds.",
    recoverable: true,
    says: (a) => `Cannot finish ${a.operation}: it has not converged after ${a.rounds} rounds`,
    fix: () => ({ summary: "Allow more rounds", patch: [{ op: "remove", path: "/rounds" }] }),
  },
);

/** A matrix is larger than this room takes. */
export const tooLarge: FailureDefinition<"LINALG_LIMIT", { what: string; limit: number; found: number }> = failure(
  "LINALG_LIMIT",
  {
    doc: "A matrix has more rows or columns than this room takes.",
    recoverable: true,
    says: (a) => `Cannot take ${a.what}: ${a.found} exceeds the limit of ${a.limit}`,
  },
);

/** Every row of the catalogue. */
export const LINALG_FAILURES: readonly [
  typeof wrongSizes,
  typeof notFinite,
  typeof singular,
  typeof notSymmetric,
  typeof notPositiveDefinite,
  typeof noConvergence,
  typeof tooLarge,
] = [wrongSizes, notFinite, singular, notSymmetric, notPositiveDefinite, noConvergence, tooLarge];

/** The codes of the catalogue. */
export type LinalgCode = typeof LINALG_FAILURES[number]["code"];

/** A failure of this room. */
export type LinalgFailure = FailuresOf<typeof LINALG_FAILURES[number]>;

const CODES: ReadonlySet<string> = new Set(LINALG_FAILURES.map((row) => row.code));

/** Whether a thrown value is a failure of this room. */
export const isLinalgFailure = (value: unknown): value is LinalgFailure => isFailure(value) && CODES.has(value.code);
