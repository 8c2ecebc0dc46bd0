/**
 * Operations of linear algebra: matrices as tensors in, factors and what follows from them out.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { operation } from "../../kernel/operation.ts";
import { IR_FAILURES, TensorJson } from "../ir/library.ts";
import { LINALG_FAILURES } from "./failures.ts";

const A = TensorJson.annotate({ description: "a matrix as a tensor such as f64[2,2]; leading axes stack several" });
const B = TensorJson.annotate({ description: "right sides, one a column" });

const Rounds = Schema.optionalKey(
  Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ description: "most rounds of the iteration" }),
);

const f64 = (shape: string, values: ReadonlyArray<number>) => ({ type: `f64[${shape}]`, values });

/** Fuel for the decompositions of a matrix of some five hundred rows, unless the caller says otherwise. */
const USUAL_FUEL = 5_000_000_000;

const declare = {
  failures: [...LINALG_FAILURES, ...IR_FAILURES],
  effects: [] as const,
  cost: {
    compute: "cubic in the side of the matrix, taken from the fuel before it starts",
    reserve: { fuel: USUAL_FUEL },
  },
  idempotent: true,
  reversible: true,
  stability: "unstable" as const,
};

/** LU. */
export const Lu = operation("linalg.lu", {
  ...declare,
  summary: "Factor a matrix: A with its rows exchanged is L·U.",
  input: { a: A },
  output: Schema.Struct({
    l: TensorJson,
    u: TensorJson,
    permutation: TensorJson.annotate({ description: "row i of L·U is row permutation[i] of A" }),
  }),
  examples: [{
    input: { a: f64("2,2", [1, 2, 2, 4]) },
    output: { l: f64("2,2", [1, 0, 0.5, 1]), u: f64("2,2", [2, 4, 0, 0]), permutation: { values: ["1", "0"] } },
  }],
});

/** Solutions. */
export const Solve = operation("linalg.solve", {
  ...declare,
  summary: "Solve A·X = B for a square matrix.",
  input: { a: A, b: B },
  output: Schema.Struct({ x: TensorJson }),
  examples: [
    { input: { a: f64("2,2", [2, 0, 0, 4]), b: f64("2,1", [2, 2]) }, output: { x: f64("2,1", [1, 0.5]) } },
    {
      title: "a matrix without an inverse",
      input: { a: f64("2,2", [1, 2, 2, 4]), b: f64("2,1", [1, 1]) },
      failure: "LINALG_SINGULAR",
    },
    {
      title: "sides that do not meet",
      input: { a: f64("2,2", [1, 0, 0, 1]), b: f64("1,1", [1]) },
      failure: "LINALG_SHAPE",
    },
  ],
});

/** Inverses. */
export const Inverse = operation("linalg.inverse", {
  ...declare,
  summary: "Invert a square matrix; where a solution is wanted, linalg.solve is better.",
  input: { a: A },
  output: Schema.Struct({ inverse: TensorJson }),
  examples: [{ input: { a: f64("2,2", [2, 0, 0, 4]) }, output: { inverse: f64("2,2", [0.5, 0, 0, 0.25]) } }],
});

/** Determinants. */
export const Determinant = operation("linalg.determinant", {
  ...declare,
  summary: "Give a square matrix's determinant, with sign and logarithm that neither overflow nor vanish.",
  input: { a: A },
  output: Schema.Struct({ value: TensorJson, sign: TensorJson, logarithm: TensorJson }),
  examples: [{
    input: { a: f64("2,2", [0, 2, 2, 0]) },
    output: { value: f64("", [-4]), sign: f64("", [-1]) },
  }],
});

/** Cholesky. */
export const Cholesky = operation("linalg.cholesky", {
  ...declare,
  summary: "Factor a symmetric positive definite matrix: A = L·Lᵀ.",
  input: { a: A },
  output: Schema.Struct({ l: TensorJson }),
  examples: [
    { input: { a: f64("2,2", [4, 2, 2, 5]) }, output: { l: f64("2,2", [2, 0, 1, 2]) } },
    {
      title: "an indefinite matrix",
      input: { a: f64("2,2", [1, 2, 2, 1]) },
      failure: "LINALG_NOT_POSITIVE_DEFINITE",
    },
    { title: "not symmetric", input: { a: f64("2,2", [1, 2, 3, 9]) }, failure: "LINALG_NOT_SYMMETRIC" },
  ],
});

/** QR. */
export const Qr = operation("linalg.qr", {
  ...declare,
  summary: "Factor a matrix into orthogonal columns and an upper triangle: A·P = Q·R.",
  input: {
    a: A,
    pivoted: Schema.optionalKey(Schema.Boolean.annotate({ description: "exchange columns, the largest first" })),
    full: Schema.optionalKey(Schema.Boolean.annotate({ description: "make Q square" })),
  },
  output: Schema.Struct({
    q: TensorJson,
    r: TensorJson,
    permutation: TensorJson.annotate({ description: "column j of A·P is column permutation[j] of A" }),
  }),
  examples: [{
    input: { a: f64("2,1", [0, 2]) },
    output: { q: { type: "f64[2,1]" }, r: { type: "f64[1,1]" }, permutation: { values: ["0"] } },
  }],
});

/** SVD. */
export const Svd = operation("linalg.svd", {
  ...declare,
  summary: "Factor a matrix into U·Σ·Vᵀ, singular values falling.",
  input: { a: A, rounds: Rounds },
  output: Schema.Struct({ u: TensorJson, values: TensorJson, vt: TensorJson }),
  examples: [
    { input: { a: f64("2,2", [0, 2, 1, 0]) }, output: { values: f64("2", [2, 1]) } },
    {
      title: "not a number",
      input: { a: { type: "f64[1,1]", values: ["nan"] } },
      failure: "LINALG_NOT_FINITE",
    },
  ],
});

/** Eigenvalues. */
export const Eigen = operation("linalg.eigen", {
  ...declare,
  summary: "Give a square matrix's eigenvalues and vectors: complex ones as pairs, real ones of symmetric matrices.",
  input: {
    a: A,
    symmetric: Schema.optionalKey(
      Schema.Boolean.annotate({ description: "refuse a matrix that is not; by itself the matrix decides" }),
    ),
    rounds: Rounds,
  },
  output: Schema.Struct({
    symmetric: Schema.Boolean,
    real: TensorJson,
    imaginary: TensorJson,
    vectors: TensorJson.annotate({ description: "one a column, of length one" }),
    vectorsImaginary: TensorJson,
  }),
  examples: [
    {
      input: { a: f64("2,2", [0, -1, 1, 0]) },
      output: { symmetric: false, real: f64("2", [0, 0]), imaginary: f64("2", [1, -1]) },
    },
    {
      title: "no rounds allowed",
      input: { a: f64("3,3", [1, 2, 3, 4, 5, 6, 7, 8, 10]), rounds: 0 },
      failure: "LINALG_NO_CONVERGENCE",
    },
  ],
});

/** Least squares. */
export const LeastSquares = operation("linalg.leastSquares", {
  ...declare,
  summary: "Give the shortest X among those that bring A·X nearest to B, whatever A's rank.",
  input: {
    a: A,
    b: B,
    share: Schema.optionalKey(
      Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)).annotate({
        description: "share of the largest singular value below which one counts as zero",
      }),
    ),
  },
  output: Schema.Struct({ x: TensorJson, rank: TensorJson, values: TensorJson }),
  examples: [{
    input: { a: f64("2,2", [0, 0, 0, 2]), b: f64("2,1", [5, 4]) },
    output: { x: f64("2,1", [0, 2]), rank: { type: "i64[]", values: ["1"] } },
  }],
});

/** Norms. */
export const Norms = operation("linalg.norms", {
  ...declare,
  summary: "Measure a matrix: norms, rank and condition.",
  input: { a: A },
  output: Schema.Struct({
    one: TensorJson,
    infinity: TensorJson,
    frobenius: TensorJson,
    largest: TensorJson,
    spectral: TensorJson,
    nuclear: TensorJson,
    rank: TensorJson,
    condition: TensorJson,
  }),
  examples: [{
    input: { a: f64("2,2", [3, 0, 0, 0]) },
    output: { one: f64("", [3]), rank: { type: "i64[]", values: ["1"] }, condition: { values: ["inf"] } },
  }],
});

/** All operations of the plugin. */
export const operations = [
  Lu,
  Solve,
  Inverse,
  Determinant,
  Cholesky,
  Qr,
  Svd,
  Eigen,
  LeastSquares,
  Norms,
] as const;
