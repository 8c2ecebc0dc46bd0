/**
 * Constrained problems of two objectives, whose feasible region cuts the front.
 *
 * Sources: Binh, Korn 1997 (BNH); Srinivas, Deb 1994 (SRN); Tanaka, Watanabe, Furukawa, Tanino 1995 (TNK).
 *
 * @module
 */
import type { Problem } from "./problem.ts";

const lack = (...slacks: ReadonlyArray<number>): number =>
  slacks.reduce((sum, slack) => slack < 0 ? sum - slack : sum, 0);

/** The problems, by name. */
export const CONSTRAINED: { readonly BNH: Problem; readonly SRN: Problem; readonly TNK: Problem } = {
  BNH: {
    name: "BNH",
    lower: Float64Array.of(0, 0),
    upper: Float64Array.of(5, 3),
    objectives: 2,
    evaluate: ([x, y]) => [4 * x * x + 4 * y * y, (x - 5) ** 2 + (y - 5) ** 2],
    violation: ([x, y]) => lack(25 - (x - 5) ** 2 - y * y, (x - 8) ** 2 + (y + 3) ** 2 - 7.7),
  },
  SRN: {
    name: "SRN",
    lower: Float64Array.of(-20, -20),
    upper: Float64Array.of(20, 20),
    objectives: 2,
    evaluate: ([x, y]) => [2 + (x - 2) ** 2 + (y - 1) ** 2, 9 * x - (y - 1) ** 2],
    violation: ([x, y]) => lack(225 - x * x - y * y, -10 - x + 3 * y),
  },
  TNK: {
    name: "TNK",
    lower: Float64Array.of(0, 0),
    upper: Float64Array.of(Math.PI, Math.PI),
    objectives: 2,
    evaluate: ([x, y]) => [x, y],
    violation: ([x, y]) =>
      lack(
        x * x + y * y - 1 - 0.1 * Math.cos(16 * Math.atan2(x, y)),
        0.5 - (x - 0.5) ** 2 - (y - 0.5) ** 2,
      ),
  },
};
