/**
 * Acceptance figures of meta-learning: what a warm start from earlier runs gains on tasks that were not among them, and
 * what it costs where the earlier runs have nothing to say.
 *
 * Judge: the number of evaluations that the same search, with the same seeds, takes with and without it. The tasks and
 * the learner stand in tests/plugins/evolution/meta/tasks.ts.
 */
import { random } from "../../kernel/random.ts";
import { genetic } from "../../plugins/evolution/genetic.ts";
import { type Experience, suggestedSettings } from "../../plugins/evolution/meta/experience.ts";
import { genomesOf, warmed } from "../../plugins/evolution/meta/warm_start.ts";
import { drawSetting, settingVariation } from "../../plugins/evolution/search/space.ts";
import {
  bestError,
  evaluationsTo,
  experienceOf,
  SPACE,
  SPACE_NAME,
  type Task,
  taskOf,
} from "../plugins/evolution/meta/tasks.ts";
import { type Figure, rounded } from "./figure.ts";

const EARLIER = 40;
const HELD_OUT = 40;
const SEEDS = 4;
const MEMBERS = 10;
const SUGGESTED = 5;
const MOST = 100;
/** A search has arrived when its error is at most so many times the best known one. */
const CLOSE = 1.1;

const variation = settingVariation(SPACE);

interface Case {
  readonly task: Task;
  readonly error: number;
  readonly seed: number;
  readonly cold: number;
}

let prepared: { readonly earlier: ReadonlyArray<Experience>; readonly cases: ReadonlyArray<Case> } | undefined;

const evaluations = (task: Task, error: number, seed: number, settings: ReadonlyArray<unknown>): number => {
  const search = genetic({ variation, seed: `meta ${seed}`, size: MEMBERS });
  return evaluationsTo(warmed(search, genomesOf(variation, settings)), task, error, MOST);
};

const prepare = () =>
  prepared ??= {
    earlier: Array.from({ length: EARLIER }, (_, k) => experienceOf(taskOf(`earlier ${k}`))),
    cases: Array.from({ length: HELD_OUT }, (_, k) => taskOf(`held out ${k}`)).flatMap((task) => {
      const error = CLOSE * bestError(task);
      return Array.from(
        { length: SEEDS },
        (_, seed) => ({ task, error, seed, cold: evaluations(task, error, seed, []) }),
      );
    }),
  };

type Memory = (earlier: ReadonlyArray<Experience>, one: Case) => ReadonlyArray<Experience>;

/** Evaluations with a memory over those without, as the geometric mean over tasks and seeds. */
const ratioWith = (memory: Memory, progress: (done: number, total: number) => void) => {
  const { earlier, cases } = prepare();
  const found = cases.map((one, at) => {
    progress(at, cases.length);
    const { task, error, seed } = one;
    const known = memory(earlier, one);
    const suggested = suggestedSettings(known, task.features, { space: SPACE_NAME, count: SUGGESTED });
    return evaluations(task, error, seed, suggested.map(({ setting }) => setting));
  });
  const meanOf = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const ratio = Math.exp(meanOf(found.map((count, at) => Math.log(count / cases[at].cold))));
  const spread = Math.sqrt(meanOf(found.map((count, at) => (Math.log(count / cases[at].cold) - Math.log(ratio)) ** 2)));
  return {
    ratio,
    detail: {
      cold: rounded(meanOf(cases.map(({ cold }) => cold))),
      warm: rounded(meanOf(found)),
      standardError: rounded(ratio * spread / Math.sqrt(cases.length), 2),
      cases: cases.length,
      neverArrived: {
        cold: cases.filter(({ cold }) => cold >= MOST).length,
        warm: found.filter((n) => n >= MOST).length,
      },
    },
  };
};

const figure = (name: string, goal: string, most: number, memory: Memory): Figure => ({
  name,
  unit: "of the evaluations without a warm start",
  goal,
  measure: ({ progress }) => {
    const { ratio, detail } = ratioWith(memory, progress);
    return Promise.resolve({ value: ratio, ok: ratio <= most, detail });
  },
});

const own: Memory = (earlier) => earlier;

/** Other tasks' features: what is near says nothing any more. */
const shuffled: Memory = (earlier) =>
  earlier.map((experience, k) => ({ ...experience, features: earlier[(k * 17 + 5) % earlier.length].features }));

/** Settings drawn by chance, others for every case: unrelated in every way. */
const unrelated: Memory = (earlier, { task, seed }) =>
  earlier.map((experience, k) => ({
    ...experience,
    tried: Array.from({ length: 3 }, (_, i) => ({
      setting: variation.encode(drawSetting(SPACE, random(`unrelated ${task.name} ${seed} ${k} ${i}`))),
      score: i,
    })),
  }));

/** The worst settings praised as the best. */
const misleading: Memory = (earlier) =>
  earlier.map((experience) => ({
    ...experience,
    tried: experience.tried.map(({ setting, score }) => ({ setting, score: -score })),
  }));

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  figure(
    `warm start from ${EARLIER} earlier tasks on ${HELD_OUT} held-out ones, ${SEEDS} seeds: to within 10 % of the best known error`,
    "≤ 0.7",
    0.7,
    own,
  ),
  figure(
    "the same with the earlier tasks' features exchanged: what nearness brings",
    "≤ 1, and more than with them",
    1,
    shuffled,
  ),
  figure("the same from unrelated settings, drawn by chance", "≤ 1.15", 1.15, unrelated),
  figure("the same from settings that mislead: the worst of each earlier task called its best", "≤ 2", 2, misleading),
];
