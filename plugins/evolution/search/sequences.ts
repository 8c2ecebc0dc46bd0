/**
 * Sequences: searches that know beforehand what they ask: a grid, random draws, Sobol points.
 *
 * Invariant: the k-th setting depends on the space, the seed and k alone; a space that has an end is asked through once,
 * after which nothing more is asked.
 *
 * @module
 */
import { random } from "../../../kernel/random.ts";
import type { Candidate, Search } from "../contract.ts";
import { badSetting, overLimit } from "../failures.ts";
import { DRAWN } from "../population/breeding.ts";
import { beginning, byScore, judgedAll, named } from "../population/members.ts";
import { sobol } from "./sobol.ts";
import {
  drawSetting,
  gridOf,
  gridSize,
  type Setting,
  settingAt,
  settingKey,
  settingVariation,
  type Space,
  spaceSize,
} from "./space.ts";

/** Most settings of a grid. */
export const MAX_GRID = 65_536;

/** Members that a sequence's states keep, best first. */
const KEPT = 100;

/** Settings in a row that may be known before a sequence takes that there are no others. */
const MAX_KNOWN = 1_000;

/** What all sequences need. */
export interface SequenceSettings {
  /** What may be set. */
  readonly space: Space;
  /** Settings asked at once; 1 where absent. */
  readonly batch?: number;
}

const checkedCount = (setting: string, found: number, least: number, most: number): number => {
  if (Number.isSafeInteger(found) && found >= least && found <= most) return found;
  const wanted = `a whole number in ${least} … ${most}`;
  throw badSetting({ setting, wanted, found: String(found), path: `/${setting}` });
};

/** Most settings asked at once. */
const MAX_BATCH = 4_096;

/** A search that asks what `at` gives, until it gives nothing. */
const sequence = (
  name: string,
  { space, batch = 1 }: SequenceSettings,
  edit: string,
  at: (index: number) => Setting | undefined,
): Search<Setting> => {
  const variation = settingVariation(space);
  checkedCount("batch", batch, 1, MAX_BATCH);
  return {
    name: `${name} by ${batch} ${variation.name}`,
    objectives: 1,
    variation,
    fewest: 0,
    start: beginning(),
    ask: ({ generation, evaluations }): ReadonlyArray<Candidate<Setting>> => {
      const born = Array.from({ length: batch }, (_, k) => at(evaluations + k)).filter((genome) =>
        genome !== undefined
      );
      return named(generation, born.map((genome) => ({ genome, parents: [], edit })));
    },
    tell: (state, asked, scores) => ({
      generation: state.generation + 1,
      evaluations: state.evaluations + asked.length,
      members: [...state.members, ...judgedAll(asked, scores, 1)].sort(byScore).slice(0, KEPT),
      memory: {},
    }),
  };
};

/** Remembers the distinct items of a source as far as they were asked for. */
const listed = (next: (draw: number) => Setting | undefined): (index: number) => Setting | undefined => {
  const items: Array<Setting> = [];
  const keys = new Set<string>();
  let draws = 0;
  let known = 0;
  return (index) => {
    while (items.length <= index && known < MAX_KNOWN) {
      const item = next(draws++);
      if (item === undefined) break;
      const key = settingKey(item);
      known = keys.has(key) ? known + 1 : 0;
      if (known === 0) items.push(item);
      keys.add(key);
    }
    return items[index];
  };
};

/** A grid: every option, every whole number or `levels` of a range, the last dimension changing fastest. */
export const gridSettings = (settings: SequenceSettings & { readonly levels?: number }): Search<Setting> => {
  const levels = checkedCount("levels", settings.levels ?? 5, 1, MAX_GRID);
  // Checks the space before it is counted.
  settingVariation(settings.space);
  if (gridSize(settings.space, levels, MAX_GRID + 1) > MAX_GRID) {
    throw overLimit({ what: "settings of a grid", limit: MAX_GRID, found: MAX_GRID + 1 });
  }
  const all = gridOf(settings.space, levels);
  return sequence(`grid(${levels})`, settings, "gridded", listed(() => all.next().value ?? undefined));
};

/** Random settings, each once; a space of few settings is gone through in random order. */
export const randomSettings = (settings: SequenceSettings & { readonly seed: string | number }): Search<Setting> => {
  const { space, seed } = settings;
  settingVariation(space);
  const root = random(`${seed}/random-settings`);
  const hasEnd = spaceSize(space, MAX_GRID + 1) <= MAX_GRID;
  const shuffled = hasEnd ? root.split("order").shuffle([...gridOf(space, Infinity)]) : undefined;
  const draw = (k: number): Setting | undefined =>
    shuffled === undefined ? drawSetting(space, root.split(k)) : shuffled[k];
  return sequence(`random(${seed})`, settings, DRAWN, listed(draw));
};

/** Sobol points, shifted by the seed, each setting once. */
export const sobolSettings = (settings: SequenceSettings & { readonly seed: string | number }): Search<Setting> => {
  const { space, seed } = settings;
  settingVariation(space);
  const points = sobol(space.length, random(`${seed}/sobol`));
  return sequence(`sobol(${seed})`, settings, "placed by sobol", listed((k) => settingAt(space, points.at(k))));
};
