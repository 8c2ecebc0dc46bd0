/**
 * DTLZ: any number of objectives of variables in [0, 1], with known fronts.
 *
 * Source: Deb, Thiele, Laumanns, Zitzler 2005. DTLZ1's front is the simplex that sums to ½, that of DTLZ2, 3 and 4 the
 * part of the unit sphere with non-negative coordinates.
 *
 * @module
 */
import { badSetting } from "../failures.ts";
import type { Points } from "../objectives/points.ts";
import { alike, type Problem } from "./problem.ts";

type Shape = {
  /** Its usual number of variables of distance. */
  readonly distances: number;
  readonly distance: (x: Float64Array, from: number) => number;
  readonly objectives: (angles: Float64Array, distance: number, width: number) => ReadonlyArray<number>;
};

const squaresFromHalf = (x: Float64Array, from: number): number => {
  let sum = 0;
  for (let i = from; i < x.length; i++) sum += (x[i] - 0.5) ** 2;
  return sum;
};

const rastriginFromHalf = (x: Float64Array, from: number): number => {
  let sum = x.length - from;
  for (let i = from; i < x.length; i++) sum += (x[i] - 0.5) ** 2 - Math.cos(20 * Math.PI * (x[i] - 0.5));
  return 100 * sum;
};

const onSimplex = (angles: Float64Array, distance: number, width: number): ReadonlyArray<number> =>
  Array.from({ length: width }, (_, m) => {
    let value = 0.5 * (1 + distance);
    for (let i = 0; i < width - 1 - m; i++) value *= angles[i];
    return m === 0 ? value : value * (1 - angles[width - 1 - m]);
  });

const onSphere = (exponent: number) => (angles: Float64Array, distance: number, width: number) =>
  Array.from({ length: width }, (_, m) => {
    let value = 1 + distance;
    for (let i = 0; i < width - 1 - m; i++) value *= Math.cos(angles[i] ** exponent * Math.PI / 2);
    return m === 0 ? value : value * Math.sin(angles[width - 1 - m] ** exponent * Math.PI / 2);
  });

/** The name of a problem of this family. */
export type DtlzName = "DTLZ1" | "DTLZ2" | "DTLZ3" | "DTLZ4";

const SHAPES: { readonly [Name in DtlzName]: Shape } = {
  DTLZ1: { distances: 5, distance: rastriginFromHalf, objectives: onSimplex },
  DTLZ2: { distances: 10, distance: squaresFromHalf, objectives: onSphere(1) },
  DTLZ3: { distances: 10, distance: rastriginFromHalf, objectives: onSphere(1) },
  DTLZ4: { distances: 10, distance: squaresFromHalf, objectives: onSphere(100) },
};

/** The names of the family. */
export const DTLZ_NAMES: ReadonlyArray<DtlzName> = Object.keys(SHAPES) as ReadonlyArray<DtlzName>;

/** A problem of the family with a number of objectives; throws EVOLUTION_SETTING below two. */
export const dtlz = (name: DtlzName, objectives: number = 3): Problem => {
  if (!(Number.isSafeInteger(objectives) && objectives >= 2)) {
    throw badSetting({ setting: "objectives", wanted: "a whole number from 2 on", found: String(objectives) });
  }
  const shape = SHAPES[name];
  const variables = objectives - 1 + shape.distances;
  return {
    name,
    lower: alike(variables, 0),
    upper: alike(variables, 1),
    objectives,
    evaluate: (x) => shape.objectives(x, shape.distance(x, objectives - 1), objectives),
  };
};

/** Where the front of a problem meets each direction: what a search with these directions should find. */
export const dtlzTargets = (name: DtlzName, directions: Points): Points => {
  const { count, width } = directions;
  const data = directions.data.slice();
  for (let i = 0; i < count; i++) {
    const row = data.subarray(i * width, (i + 1) * width);
    const length = name === "DTLZ1" ? 2 * row.reduce((sum, value) => sum + value, 0) : Math.hypot(...row);
    for (let m = 0; m < width; m++) row[m] /= length;
  }
  return { count, width, data };
};
