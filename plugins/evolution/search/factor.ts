/**
 * Factor: the Cholesky factor of a covariance that grows by a row at a time.
 *
 * Not linalg's factorisation, which takes a matrix as a whole: a surrogate takes in one observation after another.
 * Invariant: L·Lᵀ is the matrix of all rows appended, each diagonal element at least {@link LEAST_PIVOT} squared.
 *
 * @module
 */

/** Smallest diagonal element: below it a row says nothing that the earlier ones do not. */
export const LEAST_PIVOT = 1e-7;

/** A growing lower triangle, row after row. */
export class Factor {
  #rows: Float64Array;
  #size = 0;

  /** Room for some rows; more is made when it is needed. */
  constructor(capacity: number) {
    this.#rows = new Float64Array(capacity * (capacity + 1) / 2);
  }

  /** Rows so far. */
  get size(): number {
    return this.#size;
  }

  /** A copy that grows on its own. */
  copy(): Factor {
    const made = new Factor(0);
    made.#rows = this.#rows.slice();
    made.#size = this.#size;
    return made;
  }

  /** Appends a row of the matrix: its products with the earlier rows, and with itself. */
  append(row: Float64Array, own: number): void {
    const n = this.#size;
    const start = n * (n + 1) / 2;
    if (start + n + 1 > this.#rows.length) {
      const wider = new Float64Array(2 * (start + n + 1));
      wider.set(this.#rows);
      this.#rows = wider;
    }
    const last = this.#rows.subarray(start, start + n + 1);
    last.set(row.subarray(0, n));
    const squares = this.forward(last.subarray(0, n));
    last[n] = Math.sqrt(Math.max(LEAST_PIVOT ** 2, own - squares));
    this.#size = n + 1;
  }

  /** L⁻¹·v in place; gives the sum of its squares. */
  forward(v: Float64Array): number {
    const rows = this.#rows;
    const n = v.length;
    let squares = 0;
    for (let i = 0, at = 0; i < n; i++) {
      let rest = v[i];
      for (let k = 0; k < i; k++) rest -= rows[at++] * v[k];
      rest /= rows[at++];
      v[i] = rest;
      squares += rest * rest;
    }
    return squares;
  }

  /** L⁻ᵀ·v in place. */
  backward(v: Float64Array): void {
    const rows = this.#rows;
    for (let i = v.length - 1; i >= 0; i--) {
      const start = i * (i + 1) / 2;
      const x = v[i] / rows[start + i];
      v[i] = x;
      for (let k = 0; k < i; k++) v[k] -= rows[start + k] * x;
    }
  }

  /** Half the logarithm of the determinant. */
  get halfLogDeterminant(): number {
    let sum = 0;
    for (let i = 0; i < this.#size; i++) sum += Math.log(this.#rows[i * (i + 1) / 2 + i]);
    return sum;
  }

  /** The inverse of the matrix, its lower triangle row after row. */
  inverse(): Float64Array {
    const n = this.#size;
    const rows = this.#rows;
    // L⁻¹ column by column, each stored as a row of its transpose, so that the products below run along memory.
    const columns = Array.from({ length: n }, (_, j) => {
      const column = new Float64Array(n);
      column[j] = 1 / rows[j * (j + 1) / 2 + j];
      for (let i = j + 1; i < n; i++) {
        const start = i * (i + 1) / 2;
        let sum = 0;
        for (let k = j; k < i; k++) sum += rows[start + k] * column[k];
        column[i] = -sum / rows[start + i];
      }
      return column;
    });
    const made = new Float64Array(n * (n + 1) / 2);
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = 0; j <= i; j++, at++) {
        const [a, b] = [columns[i], columns[j]];
        let sum = 0;
        for (let k = i; k < n; k++) sum += a[k] * b[k];
        made[at] = sum;
      }
    }
    return made;
  }
}
