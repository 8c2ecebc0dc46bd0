/**
 * Settings: what a layer is told, checked against its row.
 *
 * Not tensors and not shapes. Invariant: a checked setting is of its row's kind, and a name that no row has is refused with
 * the nearest one, so that a misspelled setting never passes for a default.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { isDtype } from "../../ir/library.ts";
import { ATTRIBUTE_KINDS, type AttributeKind, type AttributeRow, type AttributeValue } from "../../rmil/library.ts";
import { badSetting } from "../failures.ts";

/** Settings by name. */
export type Settings = { readonly [name: string]: AttributeValue | undefined };

const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isFinite = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown): value is string => typeof value === "string";

const HOLDS: { readonly [K in AttributeKind]: (value: unknown, row: AttributeRow) => boolean } = {
  size: (value) => isInteger(value) && value > 0,
  count: (value) => isInteger(value) && value >= 0,
  integer: isInteger,
  axis: isInteger,
  sizes: (value) => isInteger(value) || (Array.isArray(value) && value.every(isInteger)),
  float: isFinite,
  rate: (value) => isFinite(value) && value >= 0 && value < 1,
  flag: (value) => typeof value === "boolean",
  choice: (value, { choices }) => isText(value) && choices!.includes(value),
  dtype: (value) => isText(value) && isDtype(value),
  name: isText,
};

const takes = ({ kind, choices }: AttributeRow): string =>
  kind === "choice" ? choices!.join(", ") : ATTRIBUTE_KINDS[kind];

/** The settings given, checked; throws `NEURAL_SETTING`. */
export const checkedSettings = (kind: string, rows: ReadonlyArray<AttributeRow>, given: Settings): Settings => {
  const names = rows.map(({ name }) => name);
  const checked: { [name: string]: AttributeValue } = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const row = rows.find((known) => known.name === name);
    if (row === undefined) {
      const reason = "it has none of that name";
      throw badSetting({
        what: `${name} of ${kind}`,
        reason,
        expected: names,
        suggestions: nearest(name, names, 1),
      });
    }
    if (!HOLDS[row.kind](value, row)) {
      throw badSetting({
        what: `${String(value)} for ${name} of ${kind}`,
        reason: `it takes ${takes(row)}`,
        expected: takes(row),
        actual: String(value),
        suggestions: row.kind === "choice" ? nearest(String(value), row.choices!, 1) : [],
      });
    }
    checked[name] = value;
  }
  return checked;
};

/** Settings with the defaults of those that are not given; sizes that follow from the input stay away. */
export const withDefaults = (rows: ReadonlyArray<AttributeRow>, given: Settings): Settings => ({
  ...Object.fromEntries(
    rows.filter(({ default: value, kind }) => value !== undefined && !(isText(value) && kind === "size"))
      .map(({ name, default: value }) => [name, value]),
  ),
  ...given,
});

/** A number; the other where it is not given. */
export const numberOf = (settings: Settings, name: string, otherwise = 0): number =>
  settings[name] as number | undefined ?? otherwise;

/** A flag. */
export const flagOf = (settings: Settings, name: string): boolean => settings[name] === true;

/** A text. */
export const textOf = (settings: Settings, name: string): string => settings[name] as string;

/** A number for each of some axes: one stands for all of them. Throws `NEURAL_SETTING` where their count is another. */
export const perAxis = (kind: string, settings: Settings, name: string, axes: number): ReadonlyArray<number> => {
  const given = settings[name];
  const list = typeof given === "number" ? Array.from({ length: axes }, () => given) : given as ReadonlyArray<number>;
  if (list.length === axes) return list;
  const reason = `it takes one integer or ${axes}, not ${list.length}`;
  throw badSetting({ what: `${name} of ${kind}`, reason, expected: axes, actual: list.length });
};
