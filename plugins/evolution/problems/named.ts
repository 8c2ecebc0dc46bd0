/**
 * Named problems: every test problem of the literature that this room knows, by its name.
 *
 * @module
 */
import { CONSTRAINED } from "./constrained.ts";
import { dtlz, DTLZ_NAMES } from "./dtlz.ts";
import type { Problem } from "./problem.ts";
import { zdt, ZDT_NAMES } from "./zdt.ts";

type Row = readonly [name: string, make: () => Problem];

const ROWS: ReadonlyArray<Row> = [
  ...ZDT_NAMES.map((name): Row => [name, () => zdt(name)]),
  ...DTLZ_NAMES.map((name): Row => [name, () => dtlz(name)]),
  ...Object.entries(CONSTRAINED).map(([name, problem]): Row => [name, () => problem]),
];

const MAKERS: ReadonlyMap<string, () => Problem> = new Map(ROWS);

/** The names. */
export const PROBLEM_NAMES: ReadonlyArray<string> = ROWS.map(([name]) => name);

/** The problem of a name, in its usual size; absent where there is none of that name. */
export const problemNamed = (name: string): Problem | undefined => MAKERS.get(name)?.();
