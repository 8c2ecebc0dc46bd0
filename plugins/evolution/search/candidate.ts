/**
 * Candidate: a setting as a program and a training: what has a name of a training is set there, everything else stands in
 * the program where `?name` stands.
 *
 * Invariant: every dimension of a space that is accepted is read by the candidates made of it.
 *
 * @module
 */
import {
  type Optimiser,
  OPTIMISER_NAMES,
  type OptimiserName,
  OPTIMISERS,
  SCHEDULE_NAMES,
  type ScheduleName,
  type TrainingRequest,
} from "../../neural/library.ts";
import { badSetting } from "../failures.ts";
import type { Dimension, Setting, SettingValue, Space } from "./space.ts";

/** A place in a program that a setting fills. */
const HOLE = /\?([A-Za-z_][A-Za-z0-9_]*)/gu;

/** Names of the places of a program that settings fill. */
export const holesOf = (program: string): ReadonlyArray<string> => [
  ...new Set(Array.from(program.matchAll(HOLE), ([, name]) => name)),
];

/** Names that settings of optimisers have. */
const OPTIMISER_SETTINGS: ReadonlySet<string> = new Set(
  Object.values(OPTIMISERS).flatMap(({ defaults }) => Object.keys(defaults)),
);

interface Trains {
  readonly doc: string;
  /** Whether a dimension gives values that are taken. */
  readonly fits: (dimension: Dimension) => boolean;
  readonly set: (value: SettingValue) => TrainingRequest;
}

const isChoiceOf = (names: ReadonlyArray<SettingValue>) => (dimension: Dimension): boolean =>
  dimension.kind === "choice" && dimension.options.every((option) => names.includes(option));

/** Whether a dimension gives only numbers in a range, whole ones where that is asked. */
const isNumberIn = (low: number, high: number, whole = false) => (dimension: Dimension): boolean => {
  const fits = (value: SettingValue) =>
    typeof value === "number" && value >= low && value <= high && (!whole || Number.isInteger(value));
  if (dimension.kind === "choice") return dimension.options.every(fits);
  return fits(dimension.low) && fits(dimension.high) && (!whole || dimension.kind === "int");
};

const LEAST_POSITIVE = Number.MIN_VALUE;

/** What of a training may be set, besides what its optimiser takes. */
const TRAINING: { readonly [name: string]: Trains } = {
  rate: {
    doc: "learning rate",
    fits: isNumberIn(LEAST_POSITIVE, Infinity),
    set: (value) => ({ rate: value as number }),
  },
  batch: {
    doc: "samples of a step",
    fits: isNumberIn(1, 65_536, true),
    set: (value) => ({ batch: value as number }),
  },
  epochs: {
    doc: "passes over the data",
    fits: isNumberIn(1, 100_000, true),
    set: (value) => ({ epochs: value as number }),
  },
  optimizer: {
    doc: OPTIMISER_NAMES.join(", "),
    fits: isChoiceOf(OPTIMISER_NAMES),
    set: (value) => ({ optimizer: value as OptimiserName }),
  },
  schedule: {
    doc: SCHEDULE_NAMES.join(", "),
    fits: isChoiceOf(SCHEDULE_NAMES),
    set: (value) => ({ schedule: value as ScheduleName }),
  },
  clip: {
    doc: "largest norm of the gradients",
    fits: isNumberIn(LEAST_POSITIVE, Infinity),
    set: (value) => ({ clip: { norm: value as number } }),
  },
  average: {
    doc: "share that a running average of the weights keeps",
    fits: isNumberIn(0, 1),
    set: (value) => ({ average: value as number }),
  },
};

/** Names of what may be set of a training, with what they mean. */
export const TRAINING_NAMES: ReadonlyArray<readonly [name: string, doc: string]> = Object.entries(TRAINING).map((
  [name, { doc }],
) => [name, doc] as const);

/** What is searched of a training where nothing is said. */
export const USUAL_SPACE: Space = [
  { kind: "choice", name: "optimizer", options: ["adam", "adamw"] },
  { kind: "float", name: "rate", low: 0.0003, high: 0.03, log: true },
  { kind: "choice", name: "batch", options: [16, 32, 64] },
];

/** A size of which nothing is said: from few to as many as small networks have. */
const usualHole = (name: string): Dimension => ({ kind: "int", name, low: 4, high: 128, log: true });

/** The space of a program: the one given or the usual one, with the places of the program that it leaves open. */
export const spaceOf = (program: string, given: Space | undefined): Space => {
  const space = given ?? USUAL_SPACE;
  const open = holesOf(program).filter((hole) => !space.some(({ name }) => name === hole));
  return [...space, ...open.map(usualHole)];
};

/** Refuses a dimension that no candidate reads, or whose values a training does not take. */
export const checkReadable = (program: string, space: Space): void => {
  const holes = holesOf(program);
  space.forEach((dimension, at) => {
    const { name } = dimension;
    if (holes.includes(name) || OPTIMISER_SETTINGS.has(name)) return;
    const row = Object.hasOwn(TRAINING, name) ? TRAINING[name] : undefined;
    if (row?.fits(dimension) === true) return;
    const known = [...Object.keys(TRAINING), ...OPTIMISER_SETTINGS].join(", ");
    throw badSetting({
      setting: "the dimension",
      wanted: row === undefined
        ? `a place ?${name} of the program, or one of ${known}`
        : `values that a training takes as its ${name}: ${row.doc}`,
      found: name,
      path: `/space/${at}${row === undefined ? "/name" : ""}`,
    });
  });
};

/** A program and how it is trained. */
export interface CandidateProgram {
  /** The program, no place left open. */
  readonly program: string;
  /** How it is trained. */
  readonly training: TrainingRequest;
}

/** Text of a value in a program; a number needs no exponent where it is whole. */
const written = (value: SettingValue): string => String(value);

/** The candidate of a setting; what the setting says nothing of is as `training` has it. */
export const candidateOf = (program: string, setting: Setting, training: TrainingRequest): CandidateProgram => {
  const holes = new Set(holesOf(program));
  let request = training;
  const settings: Record<string, number | boolean> = {};
  for (const [name, value] of Object.entries(setting)) {
    if (holes.has(name)) continue;
    if (Object.hasOwn(TRAINING, name)) request = { ...request, ...TRAINING[name].set(value) };
    else settings[name] = value as number | boolean;
  }
  if (Object.keys(settings).length > 0) {
    const { optimizer = "adam" } = request;
    const optimiser: Optimiser = typeof optimizer === "string" ? { kind: optimizer } : optimizer;
    request = { ...request, optimizer: { ...optimiser, settings: { ...optimiser.settings, ...settings } } };
  }
  return {
    program: program.replaceAll(HOLE, (hole, name) => Object.hasOwn(setting, name) ? written(setting[name]) : hole),
    training: request,
  };
};
