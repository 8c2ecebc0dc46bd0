/**
 * Schedules: the rate of each step, as a function of its number.
 *
 * Not the optimiser: a step takes its rate as an input. The one schedule that listens (plateau) has its state in the
 * open, so that a run that resumes listens on.
 * Invariant: a schedule depends on the step's number, the number of steps, and for plateau on the values it was told.
 *
 * @module
 */
import { nearest } from "../../kernel/nearest.ts";
import { badSetting } from "./failures.ts";

/** Names of the schedules. */
export const SCHEDULE_NAMES = [
  "constant",
  "step",
  "linear",
  "cosine",
  "warmup",
  "oneCycle",
  "restarts",
  "plateau",
] as const;

/** Name of a schedule. */
export type ScheduleName = typeof SCHEDULE_NAMES[number];

/** A schedule as data: its name and what differs from its defaults. */
export interface Schedule {
  /** Its name. */
  readonly kind: ScheduleName;
  /** What differs from its row's defaults. */
  readonly settings?: { readonly [setting: string]: number };
}

/** Where a step stands. */
export interface Moment {
  /** Its number, from 0. */
  readonly step: number;
  /** Steps of the whole run. */
  readonly steps: number;
  /** Steps of an epoch. */
  readonly epochSteps: number;
}

/** What a listening schedule remembers. */
export interface Listened {
  /** The best value so far; null before the first. */
  readonly best: number | null;
  /** Epochs since. */
  readonly waited: number;
  /** Factor of the rate. */
  readonly factor: number;
}

/** One schedule. */
export interface ScheduleRow {
  /** What it does, in one sentence. */
  readonly doc: string;
  /** Settings with their defaults. */
  readonly defaults: { readonly [setting: string]: number };
  /** Factor of the rate at a moment. */
  readonly factor: (moment: Moment, settings: { readonly [setting: string]: number }) => number;
}

/** A share from 0 to 1 of the way from one number to another, along half a cosine. */
const eased = (from: number, to: number, share: number): number =>
  to + (from - to) * (1 + Math.cos(Math.PI * Math.min(1, Math.max(0, share)))) / 2;

const straight = (from: number, to: number, share: number): number =>
  from + (to - from) * Math.min(1, Math.max(0, share));

/** How far a step is between two others; after the later one where there is nothing between. */
const between = (step: number, from: number, to: number): number => to <= from ? 1 : (step - from) / (to - from);

/** Every schedule by name. */
export const SCHEDULES: { readonly [N in ScheduleName]: ScheduleRow } = {
  constant: { doc: "The rate as it is.", defaults: {}, factor: () => 1 },
  step: {
    doc: "Times gamma after every so many epochs.",
    defaults: { every: 1, gamma: 0.1 },
    factor: ({ step, epochSteps }, { every, gamma }) => gamma ** Math.floor(step / Math.max(1, every * epochSteps)),
  },
  linear: {
    doc: "From the rate to a share of it, in a straight line over the run.",
    defaults: { to: 0 },
    factor: ({ step, steps }, { to }) => straight(1, to, between(step, 0, steps)),
  },
  cosine: {
    doc: "From the rate to a share of it, along half a cosine over the run (Loshchilov & Hutter 2017).",
    defaults: { to: 0 },
    factor: ({ step, steps }, { to }) => eased(1, to, between(step, 0, steps)),
  },
  warmup: {
    doc: "Up in a straight line over the first share of the run, then along half a cosine to a share of the rate.",
    defaults: { share: 0.1, to: 0 },
    factor: ({ step, steps }, { share, to }) => {
      const turn = Math.max(1, share * steps);
      return step < turn ? (step + 1) / Math.ceil(turn) : eased(1, to, between(step, turn, steps));
    },
  },
  oneCycle: {
    doc: "From a share up to the rate over the first part of the run, then down to a far smaller share (Smith 2018).",
    defaults: { share: 0.3, from: 0.04, to: 0.0001 },
    factor: ({ step, steps }, { share, from, to }) => {
      const turn = share * steps;
      return step < turn ? eased(from, 1, between(step, 0, turn)) : eased(1, to, between(step, turn, steps));
    },
  },
  restarts: {
    doc: "Half cosines of some epochs one after another, each longer than the last (Loshchilov & Hutter 2017).",
    defaults: { every: 1, growth: 2, to: 0 },
    factor: ({ step, epochSteps }, { every, growth, to }) => {
      let [length, rest] = [Math.max(1, every * epochSteps), step];
      while (rest >= length) {
        rest -= length;
        length *= growth;
      }
      return eased(1, to, rest / length);
    },
  },
  plateau: {
    doc: "Times gamma when the value that is watched has not improved for some epochs.",
    defaults: { gamma: 0.1, patience: 3, least: 0.0001, threshold: 0.0001 },
    factor: () => 1,
  },
};

const BOUNDS: { readonly [setting: string]: readonly [text: string, holds: (value: number) => boolean] } = {
  every: ["more than 0", (value) => value > 0],
  growth: ["1 or more", (value) => value >= 1],
  share: ["0 to 1", (value) => value >= 0 && value <= 1],
  patience: ["0 or more", (value) => value >= 0],
};

const NOT_NEGATIVE: readonly [string, (value: number) => boolean] = ["0 or more", (value) => value >= 0];

/** A row by name, with its settings complete; throws `NEURAL_SETTING`. */
export const scheduleOf = (
  { kind, settings = {} }: Schedule,
  path = "/schedule",
): { readonly row: ScheduleRow; readonly settings: { readonly [setting: string]: number } } => {
  const row = SCHEDULES[kind];
  if (row === undefined) {
    throw badSetting({
      what: "schedule",
      reason: `there is no ${kind}`,
      path,
      expected: [...SCHEDULE_NAMES],
      actual: kind,
      suggestions: nearest(kind, SCHEDULE_NAMES, 3),
    });
  }
  for (const [name, value] of Object.entries(settings)) {
    const known = Object.keys(row.defaults);
    const [wanted, holds] = BOUNDS[name] ?? NOT_NEGATIVE;
    if (known.includes(name) && Number.isFinite(value) && holds(value)) continue;
    throw badSetting({
      what: kind,
      reason: known.includes(name) ? `${name} is ${value}, and it takes ${wanted}` : `it has no setting ${name}`,
      path: `${path}/${name}`,
      expected: known.includes(name) ? wanted : known,
      suggestions: known.includes(name) ? [] : nearest(name, known, 3),
    });
  }
  return { row, settings: { ...row.defaults, ...settings } };
};

/** What a schedule that listens knows before it was told anything. */
export const NOTHING_HEARD: Listened = { best: null, waited: 0, factor: 1 };

/** What a schedule knows after an epoch whose watched value, better where smaller, is this. */
export const listened = (schedule: Schedule, before: Listened, value: number): Listened => {
  if (schedule.kind !== "plateau") return before;
  const { settings: { gamma, patience, least, threshold } } = scheduleOf(schedule);
  if (before.best === null || value < before.best - threshold) return { ...before, best: value, waited: 0 };
  const waited = before.waited + 1;
  return waited <= patience
    ? { ...before, waited }
    : { ...before, waited: 0, factor: Math.max(least, before.factor * gamma) };
};

/** The rate of a step. */
export const rateAt = (schedule: Schedule, base: number, moment: Moment, heard: Listened = NOTHING_HEARD): number => {
  const { row, settings } = scheduleOf(schedule);
  return base * row.factor(moment, settings) * heard.factor;
};
