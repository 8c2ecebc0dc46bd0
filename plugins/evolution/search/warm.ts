/**
 * Warm: what a search over settings takes from earlier searches of the same space, and leaves for later ones.
 *
 * Not how tasks are compared or where experience is kept (meta/).
 * Invariant: what is known of a task comes from what is learned from, never from the held-out part.
 *
 * @module
 */
import { digestJson } from "../../../kernel/digest.ts";
import type { Json } from "../../../kernel/json.ts";
import { elementCount, toFloats } from "../../ir/library.ts";
import type { Tensor } from "../../ir/contract.ts";
import type { Search, SearchState } from "../contract.ts";
import type { Experience } from "../meta/experience.ts";
import { type TaskFeatures, taskFeatures } from "../meta/features.ts";
import { genomesOf, warmed } from "../meta/warm_start.ts";
import type { Tuner } from "./methods.ts";
import type { PortableData } from "./portable_data.ts";
import { type Setting, settingVariation, type Space } from "./space.ts";

/** Samples that a task is known by, and numbers of each. */
const LOOKED_AT = { samples: 300, columns: 1_000 } as const;

/** Settings that are asked of what is known. */
export const SUGGESTED = 10;

/** Name of a space among experiences: equal for equal spaces. */
export const experienceSpace = (space: Space): string => `settings ${digestJson(space as unknown as Json)}`;

/** Columns of the first samples of a tensor. */
const columnsOf = (stored: Tensor, samples: number): ReadonlyArray<Float64Array> => {
  const width = elementCount(stored.shape.slice(1));
  const values = toFloats(
    { ...stored, shape: [samples, width], data: stored.data.subarray(0, samples * width) } as Tensor,
  );
  return Array.from(
    { length: Math.min(width, LOOKED_AT.columns) },
    (_, column) => Float64Array.from({ length: samples }, (_, row) => values[row * width + column]),
  );
};

/** What the task of data is like; nothing where answers are tokens or there are too few samples. */
export const featuresOfData = ({ inputs, target, train }: PortableData): TaskFeatures | undefined => {
  const samples = Math.min(train, LOOKED_AT.samples);
  if (target === undefined || target.feature.kind === "tokens" || samples < 2) return undefined;
  const { feature } = target;
  const [answers] = columnsOf(target.stored, samples);
  const columns = inputs.flatMap(({ stored }) => columnsOf(stored, samples)).slice(0, LOOKED_AT.columns);
  if (columns.length === 0) return undefined;
  return taskFeatures({
    columns,
    target: answers,
    ...(feature.kind === "classification" ? { classes: feature.classes } : {}),
  });
};

/** A search that begins with some settings, as many as a warm start takes; settings of other spaces are left out. */
export const warmSearch = (
  { search, begin }: Tuner,
  space: Space,
  settings: ReadonlyArray<Json>,
): Search<unknown> => warmed(search, genomesOf(settingVariation(space), settings).map(begin));

/** What a search leaves for later ones: the settings of its last state that were trained as far as its best. */
export const experienceOf = (
  { tried }: Tuner,
  space: Space,
  features: TaskFeatures,
  { members }: SearchState<unknown>,
): Experience => {
  const scored = members.filter(({ failed }) => failed === undefined)
    .map(({ genome, objectives: [score] }) => ({ ...tried(genome), score }));
  const furthest = Math.max(...scored.map(({ share }) => share));
  return {
    space: experienceSpace(space),
    features,
    tried: scored.filter(({ share }) => share === furthest)
      .map(({ setting, score }: { readonly setting: Setting; readonly score: number }) => ({ setting, score })),
  };
};
