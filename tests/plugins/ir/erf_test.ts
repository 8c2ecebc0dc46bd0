/**
 * The reference's error function, judged by its series in whole numbers of sixty digits.
 */
import assert from "node:assert/strict";
import { erf } from "../../../plugins/ir/library.ts";
import { random } from "../../../kernel/random.ts";

const DIGITS = 10n ** 90n;

/** A number as a whole number of 10^−90, cut there. */
const fixed = (x: number): bigint => {
  let [value, halvings] = [x, 0n];
  while (!Number.isInteger(value)) {
    value *= 2;
    halvings++;
  }
  return BigInt(value) * DIGITS / 2n ** halvings;
};

/** √π by Newton's steps from Machin's π. */
const rootOfPi = (): bigint => {
  const arctan = (inverse: bigint): bigint => {
    let [power, sum] = [DIGITS / inverse, 0n];
    for (let n = 1n, sign = 1n; power !== 0n; n += 2n, sign = -sign) {
      sum += sign * power / n;
      power /= inverse * inverse;
    }
    return sum;
  };
  const pi = 4n * (4n * arctan(5n) - arctan(239n));
  let root = pi;
  for (let step = 0; step < 400; step++) root = (root + pi * DIGITS / root) / 2n;
  return root;
};

const ROOT = rootOfPi();

/** 2/√π Σ (−1)ⁿ x^(2n+1) / (n! (2n+1)). */
const exactErf = (x: number): bigint => {
  const at = fixed(x);
  let [term, sum] = [at, at];
  for (let n = 1n; term !== 0n; n++) {
    term = -term * at / DIGITS * at / DIGITS / n;
    sum += term / (2n * n + 1n);
  }
  return 2n * sum * DIGITS / ROOT;
};

/** Units in the last place between a number and an exact value. */
const ulps = (found: number, exact: bigint): number => {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(found))) - 52);
  return Math.abs(Number(fixed(found) - exact) / Number(fixed(unit)));
};

Deno.test("erf is within two units in the last place of its exact value", () => {
  const chance = random("erf");
  const points = [
    ...Array.from({ length: 400 }, () => chance.float() * 2.5 - 1.25),
    ...Array.from({ length: 200 }, () => chance.float() * 10 - 5),
    ...[0.4595415215168808, 0.5, 1, 1.9999999999999998, 2, 2.0000000000000004, 3, 5.9, 1e-5, -1e-3, 0.84375],
  ];
  for (const x of points) {
    const found = ulps(erf(x), exactErf(x));
    assert(found <= 2, `erf(${x}) is ${found} units off`);
  }
});

Deno.test("erf of zeros, of the smallest numbers, of large ones and of no number", () => {
  assert(Object.is(erf(0), 0) && Object.is(erf(-0), -0));
  assert.equal(erf(5e-324), 5e-324);
  assert.equal(erf(1e-300), 1e-300 * 1.1283791670955126);
  assert.deepEqual([erf(6), erf(-6), erf(Infinity), erf(-Infinity), erf(1e300)], [1, -1, 1, -1, 1]);
  assert(Number.isNaN(erf(NaN)));
});
