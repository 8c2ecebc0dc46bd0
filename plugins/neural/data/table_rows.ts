/**
 * Table rows: encoding the rows of a table as its plan says.
 *
 * Invariant: a row is encoded the same wherever it stands; what a row lacks is filled, left out or refused by the plan.
 *
 * @module
 */
import { badColumn } from "../failures.ts";
import { GAP_CATEGORY, isGap, numberOf, type Placed, type Row, type TablePlan, textOfCell } from "./table.ts";

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

const numeric = (row: Row, { source, profile }: Placed): number => {
  const cell = row[source];
  if (isGap(cell)) return NaN;
  if (profile.kind !== "boolean") return numberOf(cell);
  return typeof cell === "boolean" ? Number(cell) : Number(YES.has(String(cell).trim().toLowerCase()));
};

const placesOf = (vocabulary: ReadonlyArray<string> = []): ReadonlyMap<string, number> =>
  new Map(vocabulary.map((value, index) => [value, index]));

/** The encoder of a plan. */
export const encoderOf = (plan: TablePlan): RowEncoder => {
  const { features, indexed, target, missing } = plan;
  const used = [...features, ...indexed];
  const places = new Map(
    [...used, ...(target === undefined ? [] : [target])].map((placed) => [placed, placesOf(placed.vocabulary)]),
  );
  const placeOf = (row: Row, placed: Placed): number => {
    const cell = row[placed.source];
    const value = isGap(cell)
      ? GAP_CATEGORY
      : placed.profile.kind === "number"
      ? String(numberOf(cell))
      : textOfCell(cell);
    const place = places.get(placed)!.get(value);
    if (place !== undefined) return place;
    throw badColumn({
      column: placed.profile.name,
      reason: `"${value.slice(0, 40)}" was not there when it was planned`,
    });
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
    features: (row, into, at, number) => {
      for (const placed of features) {
        refuseGap(placed, row, number);
        if (placed.vocabulary === undefined) into[at + placed.at] = numeric(row, placed);
        else into[at + placed.at + placeOf(row, placed)] = 1;
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
