/**
 * ZDT: two objectives of real variables, with known fronts.
 *
 * Source: Zitzler, Deb, Thiele 2000. ZDT5 has bit strings and is not here.
 *
 * @module
 */
import { badSetting } from "../failures.ts";
import { alike, type Problem } from "./problem.ts";

type Shape = {
  /** Its usual number of variables. */
  readonly variables: number;
  /** Bounds of all variables after the first, which lies in [0, 1]. */
  readonly rest: readonly [number, number];
  readonly first: (x: Float64Array) => number;
  readonly distance: (x: Float64Array) => number;
  readonly height: (first: number, distance: number) => number;
};

const meanOfRest = (x: Float64Array): number => {
  let sum = 0;
  for (let i = 1; i < x.length; i++) sum += x[i];
  return sum / (x.length - 1);
};

const linearDistance = (x: Float64Array): number => 1 + 9 * meanOfRest(x);

const rastriginDistance = (x: Float64Array): number => {
  let sum = 1 + 10 * (x.length - 1);
  for (let i = 1; i < x.length; i++) sum += x[i] * x[i] - 10 * Math.cos(4 * Math.PI * x[i]);
  return sum;
};

const root = (first: number, distance: number): number => 1 - Math.sqrt(first / distance);
const squared = (first: number, distance: number): number => 1 - (first / distance) ** 2;

/** The name of a problem of this family. */
export type ZdtName = "ZDT1" | "ZDT2" | "ZDT3" | "ZDT4" | "ZDT6";

const SHAPES: { readonly [Name in ZdtName]: Shape } = {
  ZDT1: { variables: 30, rest: [0, 1], first: (x) => x[0], distance: linearDistance, height: root },
  ZDT2: { variables: 30, rest: [0, 1], first: (x) => x[0], distance: linearDistance, height: squared },
  ZDT3: {
    variables: 30,
    rest: [0, 1],
    first: (x) => x[0],
    distance: linearDistance,
    height: (first, distance) => root(first, distance) - (first / distance) * Math.sin(10 * Math.PI * first),
  },
  ZDT4: { variables: 10, rest: [-5, 5], first: (x) => x[0], distance: rastriginDistance, height: root },
  ZDT6: {
    variables: 10,
    rest: [0, 1],
    first: (x) => 1 - Math.exp(-4 * x[0]) * Math.sin(6 * Math.PI * x[0]) ** 6,
    distance: (x) => 1 + 9 * meanOfRest(x) ** 0.25,
    height: squared,
  },
};

/** The names of the family. */
export const ZDT_NAMES: ReadonlyArray<ZdtName> = Object.keys(SHAPES) as ReadonlyArray<ZdtName>;

/** A problem of the family; throws EVOLUTION_SETTING below two variables. */
export const zdt = (name: ZdtName, variables?: number): Problem => {
  const shape = SHAPES[name];
  const count = variables ?? shape.variables;
  if (!(Number.isSafeInteger(count) && count >= 2)) {
    throw badSetting({ setting: "variables", wanted: "a whole number from 2 on", found: String(count) });
  }
  const [lower, upper] = shape.rest.map((bound) => alike(count, bound));
  lower[0] = 0;
  upper[0] = 1;
  return {
    name,
    lower,
    upper,
    objectives: 2,
    evaluate: (x) => {
      const first = shape.first(x);
      const distance = shape.distance(x);
      return [first, distance * shape.height(first, distance)];
    },
  };
};
