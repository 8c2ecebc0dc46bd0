/**
 * Table rows: encoding the rows of a table as its plan says.
 *
 * Invariant: a row is encoded the same wherever it stands; what a row lacks is filled, left out or refused by the plan.
 *
 * @module
 */
import { badColumn } from "../failures.ts";
import { daysOf } from "./dates.ts";
import {
  GAP_CATEGORY,
  isGap,
  numberOf,
  type Placed,
  REST_CATEGORY,
  type Row,
  type TablePlan,
  textOfCell,
} from "./table.ts";

/** Encodes rows. */
export interface RowEncoder {
  /** Whether a row becomes a sample. */
  readonly keeps: (row: Row) => boolean;
  /** Writes the vector of features at a place; a gap of a number is NaN, to be filled. */
  readonly features: (row: Row, into: Float32Array, at: number, number: number) => void;
  /** The number of a text of an input of its own. */
  readonly index: (row: Row, column: number) => number;
  /** What is learned: the number of a class, or a number. */
  readonly target: (row: Row, number: number) => number;
}

const YES: ReadonlySet<string> = new Set(["true", "yes"]);

const NO: ReadonlySet<string> = new Set(["false", "no"]);

const truth = (text: string): number => YES.has(text) ? 1 : NO.has(text) ? 0 : NaN;

const numeric = (row: Row, { source, profile }: Placed): number => {
  const cell = row[source];
  if (isGap(cell)) return NaN;
  if (profile.kind === "date") return daysOf(textOfCell(cell));
  if (profile.kind !== "boolean") return numberOf(cell);
  return typeof cell === "boolean" ? Number(cell) : truth(String(cell).trim().toLowerCase());
};

/** A number as it is written. */
export const scaled = ({ shift = 0, scale = 1 }: Placed, value: number): number => (value - shift) * scale;

const placesOf = (vocabulary: ReadonlyArray<string> = []): ReadonlyMap<string, number> =>
  new Map(vocabulary.map((value, index) => [value, index]));

/** The encoder of a plan. */
export const encoderOf = (plan: TablePlan): RowEncoder => {
  const { features, indexed, target, missing } = plan;
  const used = [...features, ...indexed];
  const places = new Map(
    [...used, ...(target === undefined ? [] : [target])].map((placed) => [placed, placesOf(placed.vocabulary)]),
  );
  const valueIn = (row: Row, { source, profile }: Placed): string => {
    const cell = row[source];
    return isGap(cell) ? GAP_CATEGORY : profile.kind === "number" ? String(numberOf(cell)) : textOfCell(cell);
  };
  const placeOf = (row: Row, placed: Placed): number => {
    const value = valueIn(row, placed);
    const place = places.get(placed)!.get(value);
    if (place !== undefined) return place;
    throw badColumn({
      column: placed.profile.name,
      reason: `"${value.slice(0, 40)}" was not there when it was planned`,
    });
  };
  /** The place of a text where any may come: its own, the one of all others, or none. */
  const anyPlaceOf = (row: Row, placed: Placed): number | undefined => {
    const known = places.get(placed)!;
    const value = valueIn(row, placed);
    const settled = value === GAP_CATEGORY && !known.has(value) ? String(placed.fill) : value;
    return known.get(settled) ?? known.get(REST_CATEGORY);
  };
  const number = (row: Row, placed: Placed, into: Float32Array, at: number): void => {
    const value = numeric(row, placed);
    const isAbsent = Number.isNaN(value);
    into[at + placed.at] = scaled(placed, isAbsent && placed.fill !== undefined ? Number(placed.fill) : value);
    if (placed.marks) into[at + placed.at + 1] = Number(isAbsent);
  };
  const refuseGap = (placed: Placed, row: Row, number: number): void => {
    if (missing !== "refuse" || !isGap(row[placed.source])) return;
    throw badColumn({ column: placed.profile.name, reason: `row ${number} has no value there` });
  };
  return {
    keeps: (row) => {
      // Without an answer there is nothing to learn from; under `refuse` the encoding says so.
      if (missing === "refuse") return true;
      if (target !== undefined && isGap(row[target.source])) return false;
      return missing !== "drop" || !used.some(({ source }) => isGap(row[source]));
    },
    features: (row, into, at, rowNumber) => {
      for (const placed of features) {
        refuseGap(placed, row, rowNumber);
        if (placed.vocabulary === undefined) number(row, placed, into, at);
        else {
          const place = placed.fill === undefined ? placeOf(row, placed) : anyPlaceOf(row, placed);
          if (place !== undefined) into[at + placed.at + place] = 1;
        }
      }
    },
    index: (row, column) => placeOf(row, indexed[column]),
    target: (row, number) => {
      refuseGap(target!, row, number);
      return target!.vocabulary === undefined ? numeric(row, target!) : placeOf(row, target!);
    },
  };
};

/** Fills gaps of numbers with the mean of their column. */
export const fillGaps = (
  plan: TablePlan,
  numbers: Float32Array,
  meanOf: (placed: Placed) => number = ({ profile }) => profile.mean,
): void => {
  for (const placed of plan.features) {
    if (placed.vocabulary !== undefined || placed.profile.missing === 0) continue;
    const mean = meanOf(placed);
    for (let at = placed.at; at < numbers.length; at += plan.width) if (Number.isNaN(numbers[at])) numbers[at] = mean;
  }
};
