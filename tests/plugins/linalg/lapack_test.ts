/**
 * LAPACK, by way of OpenBLAS, as judge: the same singular values, eigenvalues and ranks, to the condition of the problem.
 *
 * Needs Debian's `libopenblas0-pthread`; without it the tests fail in CI and are left out elsewhere.
 */
import assert from "node:assert/strict";
import {
  eigen,
  eigenSymmetric,
  EPSILON,
  type Matrix,
  oneNorm,
  svd,
  transposed,
} from "../../../plugins/linalg/library.ts";
import { normal, RECTANGULAR, SQUARE, SYMMETRIC } from "./support.ts";

const P = "buffer" as const;

const open = () => {
  try {
    return Deno.dlopen("libopenblas.so.0", {
      dgesvd_: { parameters: [P, P, P, P, P, P, P, P, P, P, P, P, P, P], result: "void" },
      dgeev_: { parameters: [P, P, P, P, P, P, P, P, P, P, P, P, P, P], result: "void" },
      dsyev_: { parameters: [P, P, P, P, P, P, P, P, P], result: "void" },
    }).symbols;
  } catch {
    return undefined;
  }
};

const lapack = open();
const inCi = Deno.env.get("CI") === "true";

const letter = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const whole = (value: number): Int32Array<ArrayBuffer> => Int32Array.of(value);
const room = (count: number): Float64Array<ArrayBuffer> => new Float64Array(Math.max(1, count));

const columnsOf = (a: Matrix): Float64Array<ArrayBuffer> => new Float64Array(transposed(a).data);

const singularValues = (a: Matrix): ReadonlyArray<number> => {
  const count = Math.min(a.rows, a.columns);
  const [values, info, work] = [room(count), whole(0), room(4096)];
  const one = whole(1);
  lapack!.dgesvd_(
    letter("N"),
    letter("N"),
    whole(a.rows),
    whole(a.columns),
    columnsOf(a),
    whole(Math.max(1, a.rows)),
    values,
    room(1),
    one,
    room(1),
    one,
    work,
    whole(work.length),
    info,
  );
  assert.equal(info[0], 0);
  return [...values.subarray(0, count)];
};

const eigenvalues = (a: Matrix): ReadonlyArray<readonly [number, number]> => {
  const [re, im, info, work] = [room(a.rows), room(a.rows), whole(0), room(4096)];
  const one = whole(1);
  const side = whole(Math.max(1, a.rows));
  lapack!.dgeev_(
    letter("N"),
    letter("N"),
    whole(a.rows),
    columnsOf(a),
    side,
    re,
    im,
    room(1),
    one,
    room(1),
    one,
    work,
    whole(work.length),
    info,
  );
  assert.equal(info[0], 0);
  return Array.from({ length: a.rows }, (_, i) => [re[i], im[i]] as const);
};

const symmetricValues = (a: Matrix): ReadonlyArray<number> => {
  const [values, info, work] = [room(a.rows), whole(0), room(4096)];
  const side = whole(Math.max(1, a.rows));
  lapack!.dsyev_(letter("N"), letter("U"), whole(a.rows), columnsOf(a), side, values, work, whole(work.length), info);
  assert.equal(info[0], 0);
  return [...values.subarray(0, a.rows)].reverse();
};

Deno.test({
  name: "LAPACK is there to judge",
  ignore: lapack === undefined && !inCi,
  fn: () => assert.ok(lapack !== undefined, "libopenblas.so.0 is not installed: install Debian's libopenblas0-pthread"),
});

const judged = (name: string, fn: () => void) => Deno.test({ name, ignore: lapack === undefined, fn });

const near = (found: number, wanted: number, bound: number, what: string) =>
  assert(Math.abs(found - wanted) <= bound, `${what}: ${found} instead of ${wanted}, bound ${bound}`);

for (const [name, a] of [...SQUARE, ...RECTANGULAR]) {
  judged(`singular values of ${name} are LAPACK's`, () => {
    const bound = 30 * Math.max(a.rows, a.columns, 1) * EPSILON * oneNorm(a);
    const found = svd(a).values;
    singularValues(a).forEach((value, i) => near(found[i], value, bound, `value ${i}`));
  });
}

for (const [name, a] of SYMMETRIC) {
  judged(`eigenvalues of symmetric ${name} are LAPACK's`, () => {
    const bound = 30 * Math.max(a.rows, 1) * EPSILON * oneNorm(a);
    const found = eigenSymmetric(a).values;
    symmetricValues(a).forEach((value, i) => near(found[i], value, bound, `value ${i}`));
  });
}

/** Matrices whose eigenvalues are so ill conditioned that two right programs differ: those have closed forms elsewhere. */
const ILL = /defective|nilpotent|companion|balanced|graded|equal blocks|rank|growing/u;

for (const [name, a] of SQUARE.filter(([each]) => !ILL.test(each))) {
  judged(`eigenvalues of general ${name} are LAPACK's`, () => {
    const { real, imaginary } = eigen(a);
    const left = [...eigenvalues(a)];
    const bound = 1e-11 * oneNorm(a);
    real.forEach((re, i) => {
      const at = left.findIndex(([wr, wi]) =>
        Math.hypot(wr / bound - re / bound, wi / bound - imaginary[i] / bound) <= 1 ||
        (wr === re && wi === imaginary[i])
      );
      assert(at >= 0, `${re} + ${imaginary[i]}i`);
      left.splice(at, 1);
    });
  });
}

judged("five hundred random matrices have LAPACK's eigenvalues", () => {
  for (let seed = 0; seed < 500; seed++) {
    const side = 1 + seed % 14;
    const a = normal(side, side, `lapack${seed}`);
    const { real, imaginary } = eigen(a);
    const left = [...eigenvalues(a)];
    real.forEach((re, i) => {
      const distance = ([wr, wi]: readonly [number, number]) => Math.hypot(wr - re, wi - imaginary[i]);
      const at = left.reduce((best, each, k) => distance(each) < distance(left[best]) ? k : best, 0);
      assert(distance(left[at]) < 1e-9 * oneNorm(a), `${seed}`);
      left.splice(at, 1);
    });
  }
});
