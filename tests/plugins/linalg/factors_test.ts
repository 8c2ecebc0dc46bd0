/**
 * Factors: every factorisation restores its matrix to LAPACK's own residuals, hard matrices included.
 */
import assert from "node:assert/strict";
import {
  cholesky,
  determinant,
  inverse,
  leastSquares,
  lowerOf,
  lu,
  type Matrix,
  matrix,
  multiply,
  norms,
  qr,
  solve,
  svd,
  toRows,
  transposed,
  upperOf,
} from "../../../plugins/linalg/library.ts";
import {
  by,
  code,
  diagonal,
  exactDeterminant,
  exactDistance,
  norm,
  normal,
  orthogonality,
  RECTANGULAR,
  residual,
  scaled,
  SQUARE,
  SYMMETRIC,
  THRESHOLD,
} from "./support.ts";

const ALL = [...SQUARE, ...RECTANGULAR];

const permuted = ({ columns, data }: Matrix, rows: ReadonlyArray<number>): Matrix => ({
  rows: rows.length,
  columns,
  data: Float64Array.from(rows.flatMap((row) => [...data.subarray(row * columns, (row + 1) * columns)])),
});

for (const [name, a] of ALL) {
  Deno.test(`LU of ${name}`, () => {
    const factored = lu(a);
    const [l, u] = [lowerOf(factored), upperOf(factored)];
    assert(residual(permuted(a, factored.permutation), multiply(l, u)) < THRESHOLD);
    assert(l.data.every((value) => Math.abs(value) <= 1));
  });

  for (const options of [{}, { pivoted: true }, { full: true }]) {
    Deno.test(`QR of ${name} ${JSON.stringify(options)}`, () => {
      const { q, r, permutation } = qr(a, options);
      const moved = transposed(permuted(transposed(a), permutation));
      assert(residual(moved, multiply(q, r)) < THRESHOLD, `${residual(moved, multiply(q, r))}`);
      assert(orthogonality(q) < THRESHOLD);
      for (let i = 0; i < r.rows; i++) {
        for (let j = 0; j < Math.min(i, r.columns); j++) assert.equal(toRows(r)[i][j], 0);
      }
    });
  }

  Deno.test(`SVD of ${name}`, () => {
    const { u, values, vt } = svd(a);
    assert(residual(a, multiply(multiply(u, diagonal(values)), vt)) < THRESHOLD);
    assert(orthogonality(u) < THRESHOLD, `u ${orthogonality(u)}`);
    assert(orthogonality(transposed(vt)) < THRESHOLD, `v ${orthogonality(transposed(vt))}`);
    assert(values.every((value, i) => value >= 0 && (i === 0 || value <= values[i - 1])));
  });
}

const REGULAR = SQUARE.filter(([, a]) => a.rows > 0 && determinant(a).sign !== 0);

Deno.test("most of the hard matrices are regular, so that solving is tried", () => assert(REGULAR.length > 15));

for (const [name, a] of REGULAR) {
  Deno.test(`solving with ${name}: a small backward error`, () => {
    const b = normal(a.rows, 3, "right");
    const x = solve(a, b);
    const back = norm(a) * norm(x) + norm(b);
    // Partial pivoting may let elements grow; of these matrices one is made for it.
    const growth = name.startsWith("growing") ? 2 ** 30 : 1;
    assert(norm({ ...b, data: multiply(a, x).data.map((v, i) => v - b.data[i]) }) / back < growth * 1e-14 * a.rows);
  });
}

Deno.test("solutions of integer systems, judged by exact arithmetic", () => {
  for (let seed = 0; seed < 20; seed++) {
    const side = 3 + seed % 9;
    const a = by(side, side, (i, j) => Math.round(10 * normal(side, side, `int${seed}`).data[i * side + j]));
    const b = by(side, 2, (i, j) => i - 3 * j);
    if (exactDeterminant(toRows(a)) === 0n) continue;
    const x = solve(a, b);
    assert(exactDistance(a, x, b) <= 1e-15 * side * norm(a) * norm(x), `${seed}`);
  }
});

Deno.test("determinants of integer matrices, judged by exact arithmetic", () => {
  for (let seed = 0; seed < 20; seed++) {
    const side = seed % 8;
    const a = by(side, side, (i, j) => Math.round(5 * normal(side, side, `det${seed}`).data[i * side + j]));
    const exactly = Number(exactDeterminant(toRows(a)));
    assert(Math.abs(determinant(a).value - exactly) <= 1e-12 * Math.max(1, norm(a) ** side), `${seed}`);
  }
});

Deno.test("known answers: solution, determinant, inverse, factor", () => {
  const [first, second] = toRows(solve(matrix([[2, 1], [1, 3]]), matrix([[5], [7]]))).flat();
  assert(Math.abs(first - 1.6) < 1e-15 && Math.abs(second - 1.8) < 1e-15);
  assert(Math.abs(determinant(matrix([[1, 2], [3, 4]])).value + 2) < 1e-15);
  assert.deepEqual(toRows(inverse(matrix([[2, 0], [0, 4]]))), [[0.5, 0], [0, 0.25]]);
  assert.deepEqual(toRows(cholesky(matrix([[4, 2], [2, 5]]))), [[2, 0], [1, 2]]);
  assert.deepEqual([...svd(matrix([[3, 0], [0, -4]])).values], [4, 3]);
});

Deno.test("a small matrix is not a singular one: 1e-16·I x = 1e-16 has x = 1", () => {
  const side = 3;
  const a = by(side, side, (i, j) => i === j ? 1e-16 : 0);
  assert.deepEqual(toRows(solve(a, by(side, 1, () => 1e-16))).flat(), [1, 1, 1]);
});

Deno.test("determinants neither overflow nor vanish on the way", () => {
  const wide = diagonal([1e200, 1e200, 1e-200, 1e-200]);
  assert(Math.abs(determinant(wide).value - 1) < 1e-13);
  const beyond = determinant(diagonal([-1e200, 1e200]));
  assert.deepEqual([beyond.value, beyond.sign], [-Infinity, -1]);
  assert(Math.abs(beyond.logarithm - 400 * Math.LN10) < 1e-10);
  assert.deepEqual(determinant(matrix([[1, 1], [1, 1]])), { value: 0, sign: 0, logarithm: -Infinity });
  assert.equal(determinant(by(0, 0, () => 0)).value, 1);
});

Deno.test("an inverse times its matrix is one, as far as the condition allows", () => {
  const a = normal(30, 30, "inverse");
  const { condition } = norms(a);
  assert(residual(by(30, 30, (i, j) => i === j ? 1 : 0), multiply(inverse(a), a)) < condition * THRESHOLD);
});

for (const [name, a] of SQUARE.filter(([, each]) => each.rows > 0)) {
  Deno.test(`Cholesky of AᵀA + I for ${name}`, () => {
    const { scaled: near } = { scaled: scaled(a, 1 / Math.max(norm(a), 1e-300)) };
    const product = multiply(transposed(near), near);
    const side = a.rows;
    const definite = by(side, side, (i, j) => {
      const [x, y] = i < j ? [i, j] : [j, i];
      return product.data[x * side + y] + (i === j ? 1 : 0);
    });
    const l = cholesky(definite);
    assert(residual(definite, multiply(l, transposed(l))) < THRESHOLD);
  });
}

Deno.test("a matrix that is not positive definite is refused with the order of its minor", () => {
  assert.equal(code(() => cholesky(matrix([[1, 2], [2, 1]]))), "LINALG_NOT_POSITIVE_DEFINITE");
  assert.equal(code(() => cholesky(matrix([[0]]))), "LINALG_NOT_POSITIVE_DEFINITE");
  assert.equal(code(() => cholesky(matrix([[1, 2], [3, 9]]))), "LINALG_NOT_SYMMETRIC");
});

Deno.test("least squares: the residual is orthogonal to the matrix, and the solution the shortest", () => {
  for (const [name, a] of RECTANGULAR.filter(([, each]) => each.rows > 0 && each.columns > 0)) {
    const b = normal(a.rows, 2, `right of ${name}`);
    const { x, rank } = leastSquares(a, b);
    const rest = { ...b, data: multiply(a, x).data.map((value, i) => value - b.data[i]) };
    const across = norm(multiply(transposed(a), rest));
    assert(across <= 1e-13 * norm(a) * (norm(a) * norm(x) + norm(b)), name);
    // What lies in the null space would make it longer.
    const { vt } = svd(a);
    for (let i = rank; i < vt.rows; i++) {
      const along = multiply({
        rows: 1,
        columns: vt.columns,
        data: vt.data.slice(i * vt.columns, (i + 1) * vt.columns),
      }, x);
      assert(norm(along) <= 1e-12 * Math.max(1, norm(x)), name);
    }
  }
});

Deno.test("ranks are told", () => {
  const rank = (name: string) => norms(ALL.find(([each]) => each === name)![1]).rank;
  assert.deepEqual(
    ["zeros", "ones (rank one)", "rank 3 of 12", "tall, rank 2", "identity", "Läuchli", "no rows"].map(rank),
    [0, 1, 3, 2, 6, 4, 0],
  );
});

Deno.test("norms by their closed forms", () => {
  const found = norms(matrix([[1, -2], [3, 4]]));
  assert.deepEqual([found.one, found.infinity, found.largest], [6, 7, 4]);
  assert(Math.abs(found.frobenius - Math.sqrt(30)) < 1e-14);
  // Singular values: roots of (30 ± √(30² − 4·10²))/2.
  const [most, least] = [Math.sqrt(15 + Math.sqrt(125)), Math.sqrt(15 - Math.sqrt(125))];
  assert(Math.abs(found.spectral - most) < 1e-14 && Math.abs(found.nuclear - most - least) < 1e-14);
  assert(Math.abs(found.condition - most / least) < 1e-13);
  assert.equal(norms(matrix([[1, 1], [1, 1]])).condition > 1e15, true);
});

Deno.test("NaN and infinities are refused by every function, wrong sizes too", () => {
  const bad = matrix([[1, NaN], [0, 1]]);
  const endless = matrix([[1, 0], [Infinity, 1]]);
  for (const each of [lu, qr, svd, norms, inverse, determinant, cholesky] as ReadonlyArray<(a: Matrix) => unknown>) {
    assert.equal(code(() => each(bad)), "LINALG_NOT_FINITE", each.name);
    assert.equal(code(() => each(endless)), "LINALG_NOT_FINITE", each.name);
  }
  const [wide] = [normal(2, 3, "wide")];
  for (const each of [inverse, determinant, cholesky] as ReadonlyArray<(a: Matrix) => unknown>) {
    assert.equal(code(() => each(wide)), "LINALG_SHAPE", each.name);
  }
  assert.equal(code(() => solve(normal(2, 2, "a"), normal(3, 1, "b"))), "LINALG_SHAPE");
  assert.equal(code(() => leastSquares(wide, normal(3, 1, "b"))), "LINALG_SHAPE");
  assert.equal(code(() => solve(normal(1, 1, "a"), matrix([[NaN]]))), "LINALG_NOT_FINITE");
  assert.equal(code(() => matrix([[1, 2], [3]])), "LINALG_SHAPE");
  assert.equal(code(() => multiply(wide, wide)), "LINALG_SHAPE");
});

Deno.test("singular matrices are refused where an inverse is needed, with the pivot", () => {
  assert.equal(code(() => solve(matrix([[1, 2], [2, 4]]), matrix([[1], [1]]))), "LINALG_SINGULAR");
  assert.equal(code(() => inverse(matrix([[0]]))), "LINALG_SINGULAR");
});

for (const [name, a] of SYMMETRIC.slice(0, 3)) {
  Deno.test(`determinant of the transpose is the same: ${name}`, () => {
    assert.equal(determinant(a).value, determinant(transposed(a)).value);
  });
}
