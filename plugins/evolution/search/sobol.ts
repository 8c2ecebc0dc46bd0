/**
 * Sobol: points that fill the unit cube evenly, however many are taken.
 *
 * Source: Sobol' 1967; Antonov, Saleev 1979 (Gray code); Joe, Kuo 2008 (direction numbers, new-joe-kuo-6).
 * Invariant: of the first 2^m points, each elementary interval of volume 2^(t−m) holds exactly 2^t, where t is the sum
 * of the degrees of the polynomials less one each; an exclusive or with one number a dimension keeps that.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import { overLimit } from "../failures.ts";

/**
 * For each dimension after the first: a primitive polynomial over GF(2), its bits from the highest power, then the first
 * direction numbers, as many as its degree.
 */
export const DIRECTIONS: ReadonlyArray<ReadonlyArray<number>> = [
  [3, 1],
  [7, 1, 3],
  [11, 1, 3, 1],
  [13, 1, 1, 1],
  [19, 1, 1, 3, 3],
  [25, 1, 3, 5, 13],
  [37, 1, 1, 5, 5, 17],
  [41, 1, 1, 5, 5, 5],
  [47, 1, 1, 7, 11, 19],
  [55, 1, 1, 5, 1, 1],
  [59, 1, 1, 1, 3, 11],
  [61, 1, 3, 5, 5, 31],
  [67, 1, 3, 3, 9, 7, 49],
  [91, 1, 1, 1, 15, 21, 21],
  [97, 1, 3, 1, 13, 27, 49],
  [103, 1, 1, 1, 15, 7, 5],
  [109, 1, 3, 1, 15, 13, 25],
  [115, 1, 1, 5, 5, 19, 61],
  [131, 1, 3, 7, 11, 23, 15, 103],
  [137, 1, 3, 7, 13, 13, 15, 69],
  [143, 1, 1, 3, 13, 7, 35, 63],
  [145, 1, 3, 5, 9, 1, 25, 53],
  [157, 1, 3, 1, 13, 9, 35, 107],
  [167, 1, 3, 1, 5, 27, 61, 31],
  [171, 1, 1, 5, 11, 19, 41, 61],
  [185, 1, 3, 5, 3, 3, 13, 69],
  [191, 1, 1, 7, 13, 1, 19, 1],
  [193, 1, 3, 7, 5, 13, 19, 59],
  [203, 1, 1, 3, 9, 25, 29, 41],
  [211, 1, 3, 5, 13, 23, 1, 55],
  [213, 1, 3, 7, 3, 13, 59, 17],
  [229, 1, 3, 1, 3, 5, 53, 69],
  [239, 1, 1, 5, 5, 23, 33, 13],
  [241, 1, 1, 7, 7, 1, 61, 123],
  [247, 1, 1, 7, 9, 13, 61, 49],
  [253, 1, 3, 3, 5, 3, 55, 33],
  [285, 1, 3, 1, 15, 31, 13, 49, 245],
  [299, 1, 3, 5, 15, 31, 59, 63, 97],
  [301, 1, 3, 1, 11, 11, 11, 77, 249],
  [333, 1, 3, 1, 11, 27, 43, 71, 9],
  [351, 1, 1, 7, 15, 21, 11, 81, 45],
  [355, 1, 3, 7, 3, 25, 31, 65, 79],
  [357, 1, 3, 1, 1, 19, 11, 3, 205],
  [361, 1, 1, 5, 9, 19, 21, 29, 157],
  [369, 1, 3, 7, 11, 1, 33, 89, 185],
  [391, 1, 3, 3, 3, 15, 9, 79, 71],
  [397, 1, 3, 7, 11, 15, 39, 119, 27],
  [425, 1, 1, 3, 1, 11, 31, 97, 225],
  [451, 1, 1, 1, 3, 23, 43, 57, 177],
  [463, 1, 3, 7, 7, 17, 17, 37, 71],
  [487, 1, 3, 1, 5, 27, 63, 123, 213],
  [501, 1, 1, 3, 5, 11, 43, 53, 133],
  [529, 1, 3, 5, 5, 29, 17, 47, 173, 479],
  [539, 1, 3, 3, 11, 3, 1, 109, 9, 69],
  [545, 1, 1, 1, 5, 17, 39, 23, 5, 343],
  [557, 1, 3, 1, 5, 25, 15, 31, 103, 499],
  [563, 1, 1, 1, 11, 11, 17, 63, 105, 183],
  [601, 1, 1, 5, 11, 9, 29, 97, 231, 363],
  [607, 1, 1, 5, 15, 19, 45, 41, 7, 383],
  [617, 1, 3, 7, 7, 31, 19, 83, 137, 221],
  [623, 1, 1, 1, 3, 23, 15, 111, 223, 83],
  [631, 1, 1, 5, 13, 31, 15, 55, 25, 161],
  [637, 1, 1, 3, 13, 25, 47, 39, 87, 257],
];

/** Most dimensions. */
export const MAX_SOBOL_DIMENSIONS: number = DIRECTIONS.length + 1;

/** Binary digits of a coordinate. */
const BITS = 32;

const SCALE = 2 ** -BITS;

/** Direction numbers of a dimension as fractions of 2^32, by binary digit of the index. */
const directionsOf = (dimension: number): Uint32Array => {
  const made = new Uint32Array(BITS);
  if (dimension === 0) return made.map((_, k) => 2 ** (BITS - 1 - k));
  const [polynomial, ...first] = DIRECTIONS[dimension - 1];
  const degree = first.length;
  for (let k = 0; k < BITS; k++) {
    if (k < degree) {
      made[k] = first[k] * 2 ** (BITS - 1 - k);
      continue;
    }
    let next = made[k - degree] ^ (made[k - degree] >>> degree);
    for (let j = 1; j < degree; j++) if ((polynomial >>> (degree - j)) & 1) next ^= made[k - j];
    made[k] = next;
  }
  return made;
};

/** Points of a sequence by index. */
export interface Sobol {
  /** Dimensions of a point. */
  readonly dimensions: number;
  /** The point at an index, from 0. */
  readonly at: (index: number) => Float64Array;
}

/** The sequence in some dimensions; with `chance` each coordinate is shifted by an exclusive or with a drawn number. */
export const sobol = (dimensions: number, chance?: Random): Sobol => {
  if (!(Number.isSafeInteger(dimensions) && dimensions >= 1 && dimensions <= MAX_SOBOL_DIMENSIONS)) {
    throw overLimit({ what: "dimensions of a Sobol sequence", limit: MAX_SOBOL_DIMENSIONS, found: dimensions });
  }
  const directions = Array.from({ length: dimensions }, (_, dimension) => directionsOf(dimension));
  const shifts = Uint32Array.from(directions, () => chance === undefined ? 0 : chance.uint32());
  return {
    dimensions,
    at: (index) => {
      if (!(Number.isSafeInteger(index) && index >= 0 && index < 2 ** BITS)) {
        throw overLimit({ what: "points of a Sobol sequence", limit: 2 ** BITS, found: index });
      }
      const gray = (index ^ (index >>> 1)) >>> 0;
      return Float64Array.from(directions, (direction, dimension) => {
        let x = shifts[dimension];
        for (let k = 0, left = gray; left !== 0; k++, left >>>= 1) if (left & 1) x ^= direction[k];
        return (x >>> 0) * SCALE;
      });
    },
  };
};
