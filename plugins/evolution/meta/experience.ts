/**
 * Experience: what earlier runs found on which tasks, and which of their settings a new run should try first.
 *
 * Not where it is kept (experience_store.ts) and not the search that tries them (warm_start.ts).
 * Invariant: only settings of the same space are ever suggested; none twice; nearer tasks come first, and of a task its
 * best settings.
 *
 * @module
 */
import { canonicalJson, type Json } from "../../../kernel/json.ts";
import { badSetting } from "../failures.ts";
import { FEATURE_NAMES, type TaskFeatures } from "./features.ts";

/** What one run found on one task. */
export interface Experience {
  /** What was searched: settings of another space mean something else. */
  readonly space: string;
  /** What the task is like. */
  readonly features: TaskFeatures;
  /** What was tried and what it was worth, smaller is better. */
  readonly tried: ReadonlyArray<{ readonly setting: Json; readonly score: number }>;
}

/** A setting that did well on a task like this. */
export interface Suggestion {
  /** The setting, as its space writes it. */
  readonly setting: Json;
  /** Distance of the task that it comes from. */
  readonly distance: number;
  /** Its place among that task's settings, from 0. */
  readonly rank: number;
}

/** Which settings are suggested. */
export interface WarmStartOptions {
  /** The space that is searched. */
  readonly space: string;
  /** Most settings. */
  readonly count: number;
  /** Most tasks that they come from; 5 where absent. */
  readonly tasks?: number;
  /** Largest distance of a task; where absent, all that are known count. */
  readonly farthest?: number;
}

/** Settings kept of one run. */
export const KEPT_SETTINGS = 10;

/** Deviation below which a feature hardly differs: smaller ones would make chance as weighty as what tells tasks apart. */
const LEAST_DEVIATION = 0.1;

/** The deviation of each feature among tasks, or the least that counts. */
const deviations = (all: ReadonlyArray<TaskFeatures>): ReadonlyArray<number> =>
  FEATURE_NAMES.map((name) => {
    const mean = all.reduce((sum, features) => sum + features[name], 0) / all.length;
    const square = all.reduce((sum, features) => sum + (features[name] - mean) ** 2, 0) / all.length;
    return Math.max(LEAST_DEVIATION, Math.sqrt(square));
  });

/** Distances of tasks from one, in deviations of the features among all of them, averaged. */
export const distancesFrom = (
  features: TaskFeatures,
  others: ReadonlyArray<TaskFeatures>,
): ReadonlyArray<number> => {
  const scales = deviations([features, ...others]);
  return others.map((other) => {
    const square = FEATURE_NAMES.reduce((sum, name, k) => sum + ((features[name] - other[name]) / scales[k]) ** 2, 0);
    return Math.sqrt(square / FEATURE_NAMES.length);
  });
};

/** The best settings of a run, best first, each once. */
export const bestOf = ({ tried }: Experience, count = KEPT_SETTINGS): Experience["tried"] => {
  const seen = new Set<string>();
  return [...tried].filter(({ score }) => Number.isFinite(score)).sort((a, b) => a.score - b.score)
    .filter(({ setting }) => {
      const key = canonicalJson(setting);
      const isNew = !seen.has(key);
      seen.add(key);
      return isNew;
    }).slice(0, count);
};

/** The settings to try first: the best of the nearest task, of the next one …, then the second best of each. */
export const suggestedSettings = (
  experiences: ReadonlyArray<Experience>,
  features: TaskFeatures,
  { space, count, tasks = 5, farthest = Infinity }: WarmStartOptions,
): ReadonlyArray<Suggestion> => {
  if (!(Number.isSafeInteger(count) && count >= 0)) {
    throw badSetting({ setting: "count", wanted: "a count", found: String(count), path: "/count" });
  }
  const known = experiences.filter((experience) => experience.space === space);
  const distances = distancesFrom(features, known.map((experience) => experience.features));
  const nearest = known.map((experience, k) => ({ best: bestOf(experience), distance: distances[k], k }))
    .filter(({ distance }) => distance <= farthest)
    .sort((a, b) => a.distance - b.distance || a.k - b.k).slice(0, tasks);
  const seen = new Set<string>();
  const suggestions: Suggestion[] = [];
  for (let rank = 0; rank < KEPT_SETTINGS && suggestions.length < count; rank++) {
    for (const { best, distance } of nearest) {
      const found = best[rank];
      if (found === undefined || suggestions.length >= count) continue;
      const key = canonicalJson(found.setting);
      if (seen.has(key)) continue;
      seen.add(key);
      suggestions.push({ setting: found.setting, distance, rank });
    }
  }
  return suggestions;
};
