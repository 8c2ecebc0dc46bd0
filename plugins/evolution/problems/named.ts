/**
 * Named problems: every test problem of the literature that this room knows, by its name.
 *
 * @module
 */
import { badSetting } from "../failures.ts";
import { CONSTRAINED } from "./constrained.ts";
import { dtlz, DTLZ_NAMES } from "./dtlz.ts";
import type { Problem } from "./problem.ts";
import { zdt, ZDT_NAMES } from "./zdt.ts";

type Make = (objectives: number | undefined) => Problem;

/** A problem with two objectives, whatever is asked for. */
const ofTwo = (problem: () => Problem): Make => (objectives) => {
  if (objectives === undefined || objectives === 2) return problem();
  throw badSetting({
    setting: "objectives",
    wanted: "2 for this problem",
    found: String(objectives),
    path: "/objective/objectives",
    fix: { summary: "Leave it out", patch: [{ op: "remove", path: "/objective/objectives" }] },
  });
};

const MAKERS: ReadonlyMap<string, Make> = new Map<string, Make>([
  ...ZDT_NAMES.map((name) => [name, ofTwo(() => zdt(name))] as const),
  ...DTLZ_NAMES.map((name) => [name, (objectives: number | undefined) => dtlz(name, objectives)] as const),
  ...Object.entries(CONSTRAINED).map(([name, problem]) => [name, ofTwo(() => problem)] as const),
]);

/** The names. */
export const PROBLEM_NAMES: ReadonlyArray<string> = [...MAKERS.keys()];

/** The problem of a name, in its usual size where no objectives are said; absent where there is none of that name. */
export const problemNamed = (name: string, objectives?: number): Problem | undefined => MAKERS.get(name)?.(objectives);
