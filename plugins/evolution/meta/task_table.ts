/**
 * Task table: a table of cells as a task: columns of numbers, and a target of numbers or classes.
 *
 * Invariant: a column of text counts by the places of its values, so that it can be compared; the target of text is
 * classes; rows without a target are left out.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { isGap, numberOf } from "../../neural/library.ts";
import type { CellTable } from "../discovery/points.ts";
import { badSetting } from "../failures.ts";
import type { TaskTable } from "./features.ts";

/** What is learned. */
export type TaskKind = "classification" | "regression";

/** Places of values in the order in which they are met; NaN for gaps. */
const placesOf = (cells: ReadonlyArray<string>): { readonly places: Float64Array; readonly count: number } => {
  const known = new Map<string, number>();
  const places = Float64Array.from(cells, (cell) => {
    if (isGap(cell)) return NaN;
    const text = cell.trim();
    if (!known.has(text)) known.set(text, known.size);
    return known.get(text)!;
  });
  return { places, count: known.size };
};

const numbersIn = (cells: ReadonlyArray<string>): Float64Array | undefined => {
  const values = Float64Array.from(cells, (cell) => isGap(cell) ? NaN : numberOf(cell));
  return values.some((value, at) => Number.isNaN(value) && !isGap(cells[at])) ? undefined : values;
};

/** The task that a table and the name of its target are; throws EVOLUTION_SETTING. */
export const taskTableOf = ({ names, rows }: CellTable, target: string, kind?: TaskKind): TaskTable => {
  const place = names.indexOf(target);
  if (place < 0) {
    throw badSetting({
      setting: "target",
      wanted: "the name of a column",
      found: JSON.stringify(target),
      path: "/target",
      expected: names.slice(0, 20),
      suggestions: nearest(target, names, 3),
    });
  }
  const whole = rows.filter((row) => !isGap(row[place]));
  const cellsOf = (column: number) => whole.map((row) => row[column]);
  const columns = names.flatMap((_, column) =>
    column === place ? [] : [numbersIn(cellsOf(column)) ?? placesOf(cellsOf(column)).places]
  );
  const numbers = numbersIn(cellsOf(place));
  if (kind === "regression" && numbers === undefined) {
    throw badSetting({ setting: "task", wanted: "classification, for a target of text", found: kind, path: "/task" });
  }
  if (kind !== "classification" && numbers !== undefined) return { columns, target: numbers };
  const { places, count } = placesOf(cellsOf(place));
  return { columns, target: places, classes: Math.max(1, count) };
};
