/**
 * Space: what may be set, as typed dimensions; settings drawn, varied, crossed, counted and put into coordinates.
 *
 * Not a search: searches take a space.
 * Invariant: a setting names exactly the dimensions that are active in it, each with a value of its dimension; a
 * dimension's condition speaks of earlier dimensions only, so settings are decided from first to last.
 *
 * @module
 */
import { canonicalJson, isJsonObject, type Json } from "../../../kernel/json.ts";
import type { Random } from "../../../kernel/random.ts";
import type { Variation } from "../contract.ts";
import { badSetting, badState, overLimit } from "../failures.ts";

/** A value of a dimension. */
export type SettingValue = number | string | boolean;

/** What was set, by name. */
export interface Setting {
  /** Its value. */
  readonly [name: string]: SettingValue;
}

/** The dimension is there only where an earlier one has one of some values. */
export interface Condition {
  /** The earlier dimension's name; a choice. */
  readonly name: string;
  /** Its values under which this one is there. */
  readonly in: ReadonlyArray<SettingValue>;
}

/** A number between two ends, both included; `log` where ratios count, not differences. */
export interface NumberDimension {
  /** `float` for any number, `int` for whole ones. */
  readonly kind: "float" | "int";
  /** Its name. */
  readonly name: string;
  /** Least value. */
  readonly low: number;
  /** Largest value. */
  readonly high: number;
  /** Whether equal ratios are equally far apart; the ends are positive then. */
  readonly log?: boolean;
  /** When it is there; always where absent. */
  readonly when?: Condition;
}

/** One of several values, none nearer to another than the rest. */
export interface ChoiceDimension {
  /** `choice`. */
  readonly kind: "choice";
  /** Its name. */
  readonly name: string;
  /** The values, each once. */
  readonly options: ReadonlyArray<SettingValue>;
  /** When it is there; always where absent. */
  readonly when?: Condition;
}

/** A dimension. */
export type Dimension = NumberDimension | ChoiceDimension;

/** Dimensions, those that conditions speak of before those that have them. */
export type Space = ReadonlyArray<Dimension>;

/** Most dimensions of a space. */
export const MAX_DIMENSIONS = 64;

/** Most options of a choice. */
export const MAX_OPTIONS = 1024;

const refuse = (at: number, setting: string, wanted: string, found: unknown): never => {
  throw badSetting({ setting, wanted, found: JSON.stringify(found) ?? String(found), path: `/space/${at}/${setting}` });
};

const checkNumber = (dimension: NumberDimension, at: number): void => {
  const { kind, low, high, log } = dimension;
  const isEnd = kind === "int" ? Number.isSafeInteger : Number.isFinite;
  if (!isEnd(low)) refuse(at, "low", kind === "int" ? "a whole number" : "a finite number", low);
  if (!isEnd(high) || !Number.isFinite(high - low)) {
    refuse(at, "high", kind === "int" ? "a whole number" : "finite", high);
  }
  if (!(low < high)) refuse(at, "high", `above ${low}`, high);
  if (log === true && !(low > 0)) refuse(at, "low", "above 0, because ratios count", low);
};

const checkChoice = ({ options }: ChoiceDimension, at: number): void => {
  if (options.length < 1 || options.length > MAX_OPTIONS) {
    refuse(at, "options", `1 … ${MAX_OPTIONS} values`, options.length);
  }
  if (new Set(options.map((option) => canonicalJson(option))).size < options.length) {
    refuse(at, "options", "each there once", options);
  }
};

const checkCondition = (space: Space, when: Condition, at: number): void => {
  const earlier = space.slice(0, at).find(({ name }) => name === when.name);
  if (earlier?.kind !== "choice") return refuse(at, "when", "about an earlier choice", when.name);
  const unknown = when.in.find((value) => !earlier.options.includes(value));
  if (unknown !== undefined) refuse(at, "when", `one of ${JSON.stringify(earlier.options)}`, unknown);
};

/** The space, once it is one; throws EVOLUTION_SETTING or EVOLUTION_LIMIT. */
export const checkedSpace = (space: Space): Space => {
  if (space.length > MAX_DIMENSIONS) {
    throw overLimit({ what: "dimensions", limit: MAX_DIMENSIONS, found: space.length });
  }
  if (space.length === 0) {
    throw badSetting({ setting: "space", wanted: "at least one dimension", found: "none", path: "/space" });
  }
  space.forEach((dimension, at) => {
    if (space.findIndex(({ name }) => name === dimension.name) < at) refuse(at, "name", "each once", dimension.name);
    if (dimension.kind === "choice") checkChoice(dimension, at);
    else checkNumber(dimension, at);
    if (dimension.when !== undefined) checkCondition(space, dimension.when, at);
  });
  return space;
};

const isActive = ({ when }: Dimension, known: Setting): boolean =>
  when === undefined || (Object.hasOwn(known, when.name) && when.in.includes(known[when.name]));

/** Where a value lies in its dimension, in 0 … 1. */
const shareOf = (dimension: Dimension, value: SettingValue): number => {
  if (dimension.kind === "choice") return (dimension.options.indexOf(value) + 0.5) / dimension.options.length;
  const { low, high, log } = dimension;
  const x = value as number;
  return log === true ? Math.log(x / low) / Math.log(high / low) : (x - low) / (high - low);
};

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value)) + 0;

/** The value at a share: every option and every whole number has an equal part of 0 … 1 (by ratio where that counts). */
const valueAt = (dimension: Dimension, share: number): SettingValue => {
  if (dimension.kind === "choice") {
    return dimension.options[Math.min(dimension.options.length - 1, Math.floor(share * dimension.options.length))];
  }
  const { kind, low, high, log } = dimension;
  // A whole number owns the half units beside it, so that the two ends are drawn as often as the others.
  const [from, to] = kind === "int" ? [low - 0.5, high + 0.5] : [low, high];
  const x = log === true ? from * (to / from) ** share : from + share * (to - from);
  return within(kind === "int" ? Math.round(x) : x, low, high);
};

/** The setting of a point of the unit cube, one coordinate for each dimension; those that are not there are passed over. */
export const settingAt = (space: Space, point: ArrayLike<number>): Setting => {
  const made: Record<string, SettingValue> = {};
  space.forEach((dimension, at) => {
    if (isActive(dimension, made)) made[dimension.name] = valueAt(dimension, point[at]);
  });
  return made;
};

/** A setting drawn evenly, dimension by dimension. */
export const drawSetting = (space: Space, chance: Random): Setting =>
  settingAt(space, Float64Array.from(space, () => chance.float()));

/** Smallest and largest step of a mutated number, as shares of its range: their logarithm is drawn evenly. */
const STEPS = { least: 0.002, most: 0.5 } as const;

const varied = (dimension: Dimension, value: SettingValue, chance: Random): SettingValue => {
  if (dimension.kind === "choice") {
    const others = dimension.options.filter((option) => option !== value);
    return others.length === 0 ? value : chance.pick(others);
  }
  const step = STEPS.least * (STEPS.most / STEPS.least) ** chance.float() * chance.normal();
  const share = shareOf(dimension, value) + step;
  // Steps over an end come back from it, so that the ends are no more likely than what lies before them.
  const turned = Math.abs(share) % 2;
  const moved = valueAt(dimension, turned > 1 ? 2 - turned : turned);
  if (dimension.kind === "float" || moved !== value) return moved;
  const { low, high } = dimension;
  const next = moved as number + (step < 0 ? -1 : 1);
  return next < low ? low + 1 : next > high ? high - 1 : next;
};

/** A setting with the values of another one where those are there; what is newly active is drawn. */
const completed = (space: Space, wanted: Setting, chance: Random): Setting => {
  const made: Record<string, SettingValue> = {};
  for (const dimension of space) {
    if (!isActive(dimension, made)) continue;
    made[dimension.name] = Object.hasOwn(wanted, dimension.name)
      ? wanted[dimension.name]
      : valueAt(dimension, chance.float());
  }
  return made;
};

/** A setting with one dimension or a few changed: one in the mean beyond the one that always is. */
export const mutateSetting = (space: Space, parent: Setting, chance: Random): Setting => {
  const active = space.filter((dimension) => Object.hasOwn(parent, dimension.name));
  const sure = chance.pick(active);
  const wanted: Record<string, SettingValue> = { ...parent };
  for (const dimension of active) {
    if (dimension === sure || chance.float() < 1 / active.length) {
      wanted[dimension.name] = varied(dimension, parent[dimension.name], chance);
    }
  }
  return completed(space, wanted, chance);
};

const crossed = (space: Space, a: Setting, b: Setting, chance: Random): readonly [Setting, Setting] => {
  const [first, second]: [Record<string, SettingValue>, Record<string, SettingValue>] = [{}, {}];
  for (const { name } of space) {
    const [x, y] = chance.float() < 0.5 ? [a, b] : [b, a];
    if (Object.hasOwn(x, name)) first[name] = x[name];
    if (Object.hasOwn(y, name)) second[name] = y[name];
  }
  return [completed(space, first, chance), completed(space, second, chance)];
};

const isValueOf = (dimension: Dimension, value: Json | undefined): value is SettingValue => {
  if (dimension.kind === "choice") return dimension.options.includes(value as SettingValue);
  const { kind, low, high } = dimension;
  return typeof value === "number" && value >= low && value <= high && (kind === "float" || Number.isInteger(value));
};

/** The setting of its JSON; throws EVOLUTION_STATE where it is not one of this space. */
export const decodeSetting = (space: Space, json: Json): Setting => {
  if (!isJsonObject(json)) throw badState({ reason: "a setting is not an object" });
  const made: Record<string, SettingValue> = {};
  for (const dimension of space) {
    const { name } = dimension;
    if (!isActive(dimension, made)) continue;
    const value = json[name];
    if (!isValueOf(dimension, value)) throw badState({ reason: `a setting's ${name} is ${JSON.stringify(value)}` });
    made[name] = value;
  }
  const unknown = Object.keys(json).find((name) => !Object.hasOwn(made, name));
  if (unknown !== undefined) throw badState({ reason: `a setting has ${unknown}, which is not there in it` });
  return made;
};

/** The identity of a setting. */
export const settingKey = (setting: Setting): string => canonicalJson(setting);

/** Settings as genomes: one dimension or a few mutated, dimensions exchanged evenly. */
export const settingVariation = (space: Space): Variation<Setting> => {
  checkedSpace(space);
  return {
    name: `setting ${canonicalJson(space as unknown as Json)}`,
    random: (chance) => drawSetting(space, chance),
    mutate: (parent, chance) => mutateSetting(space, parent, chance),
    cross: (first, second, chance) => crossed(space, first, second, chance),
    operators: { cross: "uniform", mutate: "step" },
    key: settingKey,
    encode: (setting) => setting,
    decode: (json) => decodeSetting(space, json),
  };
};

/** The number of values of a dimension on a grid: all that there are, or `levels` of a range. */
const valuesOf = (dimension: Dimension, levels: number): ReadonlyArray<SettingValue> => {
  if (dimension.kind === "choice") return dimension.options;
  const { kind, low, high, log } = dimension;
  const count = kind === "int" ? Math.min(levels, high - low + 1) : levels;
  const values = Array.from({ length: count }, (_, k) => {
    const share = count === 1 ? 0.5 : k / (count - 1);
    const x = log === true ? low * (high / low) ** share : low + share * (high - low);
    return within(kind === "int" ? Math.round(x) : x, low, high);
  });
  return [...new Set(values)];
};

/** Every setting of a grid, the last dimension changing fastest; a dimension that is not there multiplies nothing. */
export function* gridOf(space: Space, levels: number, known: Setting = {}, at = 0): Generator<Setting> {
  if (at === space.length) {
    yield known;
    return;
  }
  const dimension = space[at];
  if (!isActive(dimension, known)) {
    yield* gridOf(space, levels, known, at + 1);
    return;
  }
  for (const value of valuesOf(dimension, levels)) {
    yield* gridOf(space, levels, { ...known, [dimension.name]: value }, at + 1);
  }
}

/** How many settings a grid has, counted up to a limit. */
export const gridSize = (space: Space, levels: number, limit: number): number => {
  let size = 0;
  for (const _ of gridOf(space, levels)) if (++size >= limit) break;
  return size;
};

/** How many settings the space has, counted up to a limit; a number that is no whole one has no end of them. */
export const spaceSize = (space: Space, limit: number): number => {
  const hasAll = space.every((dimension) => dimension.kind !== "float");
  return hasAll ? gridSize(space, Infinity, limit) : limit;
};

/** How settings lie to one another: a coordinate for each dimension. */
export interface Layout {
  /** For each dimension whether its coordinates are names: equal or 1 apart, whatever they are. */
  readonly isChoice: ReadonlyArray<boolean>;
  /** The coordinates of a setting. */
  readonly coordinates: (setting: Setting) => Float64Array;
}

/**
 * Coordinates in which numbers lie in 0 … 1 and options are numbered. A dimension that is not there lies in its middle (a
 * choice at no option), the same for all settings that lack it.
 */
export const layoutOf = (space: Space): Layout => ({
  isChoice: space.map(({ kind }) => kind === "choice"),
  coordinates: (setting) =>
    Float64Array.from(space, (dimension) => {
      const isThere = Object.hasOwn(setting, dimension.name);
      if (dimension.kind === "choice") return isThere ? dimension.options.indexOf(setting[dimension.name]) : -1;
      return isThere ? shareOf(dimension, setting[dimension.name]) : 0.5;
    }),
});
