/**
 * Functions of the literature with known minima, that searches over numbers are judged by.
 *
 * Source: Dixon, Szegö 1978 (Branin, Hartmann); minima as published, to the digits given.
 */
import type { Setting, Space } from "../../../../plugins/evolution/search/space.ts";

/** A function to minimise. */
export interface TestFunction {
  /** Where it is defined. */
  readonly space: Space;
  /** Its value. */
  readonly at: (setting: Setting) => number;
  /** Its least value. */
  readonly least: number;
}

const range = (name: string, low: number, high: number): Space[number] => ({ kind: "float", name, low, high });

const branin: TestFunction = {
  space: [range("x", -5, 10), range("y", 0, 15)],
  at: (setting) => {
    const [x, y] = [setting.x as number, setting.y as number];
    const bend = y - 5.1 / (4 * Math.PI ** 2) * x * x + 5 / Math.PI * x - 6;
    return bend ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
  },
  least: 0.397887,
};

const HEIGHTS = [1, 1.2, 3, 3.2];
const WIDTHS = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const CENTRES = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];

const hartmann6: TestFunction = {
  space: Array.from({ length: 6 }, (_, j) => range(`x${j}`, 0, 1)),
  at: (setting) =>
    -HEIGHTS.reduce((sum, height, i) => {
      const inner = WIDTHS[i].reduce(
        (rest, width, j) => rest + width * ((setting[`x${j}`] as number) - CENTRES[i][j]) ** 2,
        0,
      );
      return sum + height * Math.exp(-inner);
    }, 0),
  least: -3.32237,
};

/** The functions by name. */
export const FUNCTIONS = { branin, hartmann6 } as const;
