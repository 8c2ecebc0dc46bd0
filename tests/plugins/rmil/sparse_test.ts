/**
 * Sparse matrices against dense loops on seeded matrices, and the original's vectors where they are right.
 */
import assert from "node:assert/strict";
import { isFailure } from "../../../kernel/failure.ts";
import { type Random, random } from "../../../kernel/random.ts";
import {
  canonical,
  coordinates,
  densityOf,
  diagonalMatrix,
  type Entry,
  fromDense,
  fromTensor,
  identityMatrix,
  MAX_EXTENT,
  toDense,
  toTensor,
  transposed,
} from "../../../plugins/rmil/sparse/coordinates.ts";
import {
  add,
  bytesOf,
  rowEntries,
  rowsOf,
  scaled,
  timesDense,
  timesSparse,
  timesVector,
  toCoordinates,
  toRows,
  transposedRows,
} from "../../../plugins/rmil/sparse/rows.ts";
import vectors from "../../vectors/rmil/sparse.json" with { type: "json" };

const numbers = (texts: ReadonlyArray<string>): ReadonlyArray<number> => texts.map(Number);

for (const row of vectors.vectors) {
  Deno.test(`sparse vector ${row.name}`, () => {
    const entries = row.triplets.map(([r, c, value]): Entry => [Number(r), Number(c), Number(value)]);
    const matrix = coordinates(row.rows, row.cols, entries);
    assert.equal(densityOf(matrix), Number(row.density));
    assert.deepEqual([...toDense(matrix)], numbers(row.coo_dense));
    const rows = toRows(matrix);
    // Where the original keeps a place twice (and its row form loses one of them), ours holds the sum.
    const repeats = row.name.startsWith("duplicates");
    const wanted = repeats ? { row_ptr: [0, 1, 2], col_indices: [0, 1], values: ["3", "4"] } : row.csr;
    assert.deepEqual([...rows.starts], wanted.row_ptr);
    assert.deepEqual([...rows.columnIndices], wanted.col_indices);
    assert.deepEqual([...rows.values], numbers(wanted.values));
    assert.deepEqual([...toDense(toCoordinates(rows))], numbers(row.coo_dense));
    const turned = transposedRows(rows);
    const wantedTurned = repeats ? wanted : row.csr_transpose;
    assert.deepEqual([...turned.starts], wantedTurned.row_ptr);
    assert.deepEqual([...turned.columnIndices], wantedTurned.col_indices);
    assert.deepEqual([...turned.values], numbers(wantedTurned.values));
    assert.deepEqual([...timesVector(rows, Float32Array.from(numbers(row.spmv_x)))], numbers(row.spmv_y));
    assert.deepEqual([...timesDense(rows, Float32Array.from(numbers(row.spmm_b_cols2)), 2)], numbers(row.spmm_c));
  });
}

const COUNT = 60;

interface Sample {
  readonly rows: number;
  readonly columns: number;
  readonly entries: ReadonlyArray<Entry>;
  readonly dense: ReadonlyArray<ReadonlyArray<number>>;
}

/** Small whole numbers, so that every order of adding them gives the same. */
const sample = (draw: Random, rows = draw.below(9), columns = draw.below(9)): Sample => {
  const dense = Array.from({ length: rows }, () => Array.from({ length: columns }, () => 0));
  const entries: Array<Entry> = [];
  for (let i = rows * columns === 0 ? 0 : draw.below(2 * rows * columns); i > 0; i--) {
    const [r, c, value] = [draw.below(rows), draw.below(columns), draw.below(19) - 9];
    entries.push([r, c, value]);
    dense[r][c] += value;
  }
  return { rows, columns, entries, dense };
};

const product = (a: ReadonlyArray<ReadonlyArray<number>>, b: ReadonlyArray<ReadonlyArray<number>>, width: number) =>
  a.map((row) => Array.from({ length: width }, (_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));

/** Without the signs of zeros, which a sum of nothing does not have. */
const flat = (dense: ReadonlyArray<ReadonlyArray<number>>): ReadonlyArray<number> => dense.flat().map((x) => x + 0);

for (const dtype of ["f32", "f64"] as const) {
  Deno.test(`every operation on ${dtype} agrees with dense loops on ${COUNT} seeded matrices`, () => {
    for (let seed = 0; seed < COUNT; seed++) {
      const draw = random(`sparse/${dtype}/${seed}`);
      const a = sample(draw);
      const b = sample(draw, a.rows, a.columns);
      const c = sample(draw, a.columns);
      const [ma, mb, mc] = [a, b, c].map(({ rows, columns, entries }) => coordinates(rows, columns, entries, dtype));
      const [ra, rb, rc] = [ma, mb, mc].map((matrix) => rowsOf(toRows(matrix)));
      const denseOf = (rows: typeof ra): ReadonlyArray<number> =>
        [...toDense(toCoordinates(rowsOf(rows)))].map((x) => x + 0);
      assert.deepEqual([...toDense(ma)].map((x) => x + 0), flat(a.dense));
      assert.deepEqual(denseOf(ra), flat(a.dense));
      const turned = Array.from({ length: a.columns }, (_, j) => a.dense.map((row) => row[j]));
      assert.deepEqual(denseOf(transposedRows(ra)), flat(turned));
      assert.deepEqual([...toDense(transposed(ma))].map((x) => x + 0), flat(turned));
      assert.deepEqual(denseOf(add(ra, rb)), flat(a.dense.map((row, i) => row.map((x, j) => x + b.dense[i][j]))));
      assert.deepEqual(denseOf(scaled(ra, 3)), flat(a.dense.map((row) => row.map((x) => 3 * x))));
      assert.deepEqual(denseOf(timesSparse(ra, rc)), flat(product(a.dense, c.dense, c.columns)));
      const filled = dtype === "f32" ? Float32Array.from(c.dense.flat()) : Float64Array.from(c.dense.flat());
      assert.deepEqual(
        [...timesDense(ra, filled, c.columns)].map((x) => x + 0),
        flat(product(a.dense, c.dense, c.columns)),
      );
      const x = filled.slice(0, a.columns).fill(2);
      if (x.length === a.columns) {
        assert.deepEqual([...timesVector(ra, x)].map((y) => y + 0), flat(product(a.dense, [...x].map((y) => [y]), 1)));
      }
      const back = fromDense(a.rows, a.columns, toDense(ma));
      assert.deepEqual([...toDense(back)].map((y) => y + 0), flat(a.dense));
      assert.deepEqual(fromTensor(toTensor(ma)), back);
    }
  });
}

Deno.test("the order of repeated entries is no matter, and they are added without rounding between", () => {
  const entries: ReadonlyArray<Entry> = [[0, 0, 2 ** 24], [0, 0, 1], [0, 0, 1], [0, 1, 5]];
  const forward = canonical(coordinates(1, 2, entries));
  const backward = canonical(coordinates(1, 2, entries.toReversed()));
  assert.deepEqual(forward, backward);
  // In f32 steps, 2^24 + 1 + 1 would stay 2^24.
  assert.equal(forward.values[0], 2 ** 24 + 2);
});

Deno.test("NaN is kept and a negative zero is dropped by reading a dense matrix", () => {
  assert.deepEqual([...fromDense(1, 3, Float32Array.of(NaN, -0, 1)).values], [NaN, 1]);
});

Deno.test("unit and diagonal matrices", () => {
  assert.deepEqual([...toDense(identityMatrix(2))], [1, 0, 0, 1]);
  assert.equal(diagonalMatrix([1, 0, 3]).values.length, 2);
  assert.deepEqual([...timesVector(toRows(diagonalMatrix([2, 3])), Float32Array.of(5, 7))], [10, 21]);
  assert.ok(bytesOf(toRows(identityMatrix(100))) < 0.5 * 4 * 100 * 100);
});

const refuses = (act: () => unknown): void => {
  assert.throws(act, (error) => isFailure(error) && error.code === "RMIL_SPARSE" && error.message !== "");
};

Deno.test("an index at the edge is taken, and one past it refused", () => {
  assert.equal(coordinates(2, 3, [[1, 2, 1]]).values.length, 1);
  for (const entry of [[2, 0, 1], [0, 3, 1], [-1, 0, 1], [0, 0.5, 1], [NaN, 0, 1]] as const) {
    refuses(() => coordinates(2, 3, [entry]));
  }
  assert.equal(coordinates(MAX_EXTENT, MAX_EXTENT, []).rows, MAX_EXTENT);
  refuses(() => coordinates(MAX_EXTENT + 1, 1, []));
  refuses(() => coordinates(-1, 1, []));
});

Deno.test("what does not fit is refused by name", () => {
  const two = toRows(identityMatrix(2));
  const three = toRows(identityMatrix(3));
  refuses(() => timesVector(two, new Float32Array(3)));
  refuses(() => timesDense(two, new Float32Array(5), 2));
  refuses(() => timesDense(two, new Float32Array(0), -1));
  refuses(() => add(two, three));
  refuses(() => timesSparse(two, three));
  refuses(() => rowEntries(two, 2));
  refuses(() => fromDense(2, 2, new Float32Array(3)));
  refuses(() => toDense(coordinates(100_000, 100_000, [])));
  refuses(() => toRows(coordinates(MAX_EXTENT, 1, [])));
  assert.deepEqual(rowEntries(two, 1), [[1, 1]]);
});

Deno.test("rows from outside are checked in every part", () => {
  const good = toRows(coordinates(2, 3, [[0, 0, 1], [0, 2, 2], [1, 1, 3]]));
  assert.equal(rowsOf(good), good);
  refuses(() => rowsOf({ ...good, starts: Uint32Array.of(0, 3) }));
  refuses(() => rowsOf({ ...good, starts: Uint32Array.of(0, 2, 2) }));
  refuses(() => rowsOf({ ...good, starts: Uint32Array.of(0, 4, 3) }));
  refuses(() => rowsOf({ ...good, columnIndices: Uint32Array.of(0, 3, 1) }));
  refuses(() => rowsOf({ ...good, columnIndices: Uint32Array.of(2, 2, 1) }));
  refuses(() => rowsOf({ ...good, values: new Float32Array(2) }));
});
