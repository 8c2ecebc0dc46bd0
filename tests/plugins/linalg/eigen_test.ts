/**
 * Eigenvalues and vectors: residuals as LAPACK's tests measure them, closed forms, and complex pairs told as such.
 */
import assert from "node:assert/strict";
import {
  type Eigen,
  eigen,
  eigenSymmetric,
  EPSILON,
  type Matrix,
  matrix,
  multiply,
  oneNorm,
  trace,
  transposed,
} from "../../../plugins/linalg/library.ts";
import {
  by,
  code,
  diagonal,
  difference,
  normal,
  orthogonality,
  residual,
  SQUARE,
  SYMMETRIC,
  THRESHOLD,
} from "./support.ts";

/** ‖A·V − V·Λ‖ / (‖A‖ · n · ε) over real and imaginary parts. */
const eigenResidual = (a: Matrix, { real, imaginary, vectors, vectorsImaginary }: Eigen): number => {
  const [re, im] = [multiply(a, vectors), multiply(a, vectorsImaginary)];
  const [dr, di] = [diagonal(real), diagonal(imaginary)];
  const realPart = difference(difference(re, multiply(vectors, dr)), negated(multiply(vectorsImaginary, di)));
  const imaginaryPart = difference(difference(im, multiply(vectorsImaginary, dr)), multiply(vectors, di));
  const apart = oneNorm(realPart) + oneNorm(imaginaryPart);
  return apart === 0 ? 0 : apart / (oneNorm(a) * Math.max(1, a.rows) * EPSILON);
};

const negated = (a: Matrix): Matrix => ({ ...a, data: a.data.map((value) => -value) });

for (const [name, a] of SYMMETRIC) {
  Deno.test(`eigenvalues of symmetric ${name}`, () => {
    const { values, vectors } = eigenSymmetric(a);
    const back = multiply(multiply(vectors, diagonal(values)), transposed(vectors));
    assert(residual(a, back) < THRESHOLD, `${residual(a, back)}`);
    assert(orthogonality(vectors) < THRESHOLD, `${orthogonality(vectors)}`);
    assert(values.every((value, i) => i === 0 || value <= values[i - 1]));
  });
}

for (const [name, a] of SQUARE) {
  Deno.test(`eigenvalues of general ${name}`, () => {
    const found = eigen(a);
    assert(eigenResidual(a, found) < THRESHOLD, `${eigenResidual(a, found)}`);
    const lengths = Array.from(
      { length: a.rows },
      (_, j) =>
        Math.hypot(
          ...Array.from({ length: a.rows }, (_, i) =>
            Math.hypot(found.vectors.data[i * a.rows + j], found.vectorsImaginary.data[i * a.rows + j])),
        ),
    );
    assert(lengths.every((length) => Math.abs(length - 1) < 1e-13));
    const sum = found.real.reduce((total, value) => total + value, 0);
    assert(Math.abs(sum - trace(a)) <= 1e-13 * a.rows * oneNorm(a), "the sum of the values is the trace");
    assert.equal(found.imaginary.reduce((total, value) => total + value, 0), 0, "pairs are conjugate");
  });
}

Deno.test("[[0,1],[1,0]] has 1 and −1, where an unshifted iteration finds 0 and 0", () => {
  const [most, least] = eigenSymmetric(matrix([[0, 1], [1, 0]])).values;
  assert(Math.abs(most - 1) < 1e-15 && Math.abs(least + 1) < 1e-15);
  const { real, imaginary } = eigen(matrix([[0, 1], [1, 0]]));
  assert(Math.abs(real[0] - 1) < 1e-15 && Math.abs(real[1] + 1) < 1e-15);
  assert.deepEqual([...imaginary], [0, 0]);
});

Deno.test("complex eigenvalues are told as such: a rotation has cos ± i·sin", () => {
  for (const angle of [0.1, 1, 2, 3]) {
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const { real, imaginary } = eigen(matrix([[c, -s], [s, c]]));
    assert(Math.abs(real[0] - c) < 1e-15 && Math.abs(imaginary[0] - s) < 1e-15);
    assert(real[0] === real[1] && imaginary[0] === -imaginary[1]);
  }
});

Deno.test("a circular permutation has the roots of unity", () => {
  const side = 8;
  const { real, imaginary } = eigen(by(side, side, (i, j) => j === (i + 1) % side ? 1 : 0));
  const wanted = Array.from(
    { length: side },
    (_, k) => [Math.cos(2 * Math.PI * k / side), Math.sin(2 * Math.PI * k / side)],
  );
  for (const [re, im] of wanted) {
    assert(real.some((value, i) => Math.hypot(value - re, imaginary[i] - im) < 1e-13), `${re} ${im}`);
  }
});

Deno.test("real eigenvalues of a general matrix have an imaginary part of zero", () => {
  const companion = SQUARE.find(([name]) => name.startsWith("companion"))![1];
  const { real, imaginary } = eigen(companion);
  assert.deepEqual([...imaginary], [0, 0, 0, 0, 0, 0]);
  real.forEach((value, i) => assert(Math.abs(value - (6 - i)) < 1e-9, `${value}`));
});

Deno.test("a matrix built from known eigenvalues gives them back", () => {
  const side = 12;
  const basis = normal(side, side, "basis");
  const values = Array.from({ length: side }, (_, i) => side - i);
  const q = eigenSymmetric(multiply(transposed(basis), basis)).vectors;
  const made = multiply(multiply(q, diagonal(values)), transposed(q));
  const symmetric = by(side, side, (i, j) => (made.data[i * side + j] + made.data[j * side + i]) / 2);
  eigenSymmetric(symmetric).values.forEach((value, i) => assert(Math.abs(value - values[i]) < 1e-13));
  eigen(made).real.forEach((value, i) => assert(Math.abs(value - values[i]) < 1e-11));
});

Deno.test("the second-difference matrix has 2 − 2·cos(kπ/(n+1))", () => {
  const side = 50;
  const { values } = eigenSymmetric(by(side, side, (i, j) => i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0));
  values.forEach((value, i) => {
    assert(Math.abs(value - (2 - 2 * Math.cos((side - i) * Math.PI / (side + 1)))) < 1e-14 * side);
  });
});

Deno.test("a defective matrix has its value often and vectors that are nearly one", () => {
  const { real, imaginary, vectors } = eigen(by(3, 3, (i, j) => i === j ? 5 : j === i + 1 ? 1 : 0));
  assert.deepEqual([[...real], [...imaginary]], [[5, 5, 5], [0, 0, 0]]);
  assert([0, 1, 2].every((j) => Math.abs(Math.abs(vectors.data[j]) - 1) < 1e-9));
});

Deno.test("what cannot have eigenvalues is refused", () => {
  assert.equal(code(() => eigen(normal(2, 3, "wide"))), "LINALG_SHAPE");
  assert.equal(code(() => eigen(matrix([[NaN]]))), "LINALG_NOT_FINITE");
  assert.equal(code(() => eigenSymmetric(matrix([[1, 2], [3, 4]]))), "LINALG_NOT_SYMMETRIC");
  assert.equal(code(() => eigen(normal(6, 6, "rounds"), 0)), "LINALG_NO_CONVERGENCE");
  assert.equal(
    code(() => eigenSymmetric(SYMMETRIC.find(([name]) => name === "ordinary 7")![1], 0)),
    "LINALG_NO_CONVERGENCE",
  );
});
