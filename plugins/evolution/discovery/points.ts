/**
 * Points: a table of numbers as a discovery takes it: columns without gaps, some rows held out.
 *
 * Invariant: which rows are held out depends on their number and the seed alone; nothing of a held-out row is looked at
 * before the end.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { random } from "../../../kernel/random.ts";
import { CsvReader, delimiterOf, isGap, malformedData, numberOf } from "../../neural/library.ts";
import { badSetting, overLimit } from "../failures.ts";
import type { Column } from "./primitives.ts";
import { LEAST_POINTS, MAX_POINTS } from "./search.ts";

/** Columns by name; NaN is a gap. */
export type NamedColumns = ReadonlyMap<string, Column>;

/** A table of cells: the names, and rows as long as they are. */
export interface CellTable {
  /** Names. */
  readonly names: ReadonlyArray<string>;
  /** Rows. */
  readonly rows: ReadonlyArray<ReadonlyArray<string>>;
}

/** Cells of comma-separated text with names in its first record; throws NEURAL_DATA_MALFORMED. */
export const cellsOf = (bytes: Uint8Array, delimiter?: string): CellTable => {
  const first = new TextDecoder().decode(bytes.subarray(0, SNIFFED));
  const reader = new CsvReader(delimiter ?? delimiterOf(first));
  const [names, ...rows] = [...reader.push(bytes), ...reader.end()];
  if (names === undefined) throw malformedData({ format: "CSV", at: "row 1", reason: "there is no record" });
  const at = rows.findIndex(({ length }) => length !== names.length);
  if (at >= 0) {
    throw malformedData({
      format: "CSV",
      at: `record ${at + 2}`,
      reason: `it has ${rows[at].length} fields, and the first has ${names.length}`,
    });
  }
  return { names: names.map((name) => name.trim()), rows };
};

/** Bytes in which the delimiter is looked for. */
const SNIFFED = 65_536;

/** A column that cannot be used, and why. */
export interface LeftOut {
  /** Its name. */
  readonly column: string;
  /** Why. */
  readonly reason: string;
}

/** Columns of numbers, and those that are not. */
export const numbersOf = ({ names, rows }: CellTable): {
  readonly columns: NamedColumns;
  readonly leftOut: ReadonlyArray<LeftOut>;
} => {
  const columns = new Map<string, Column>();
  const leftOut: LeftOut[] = [];
  names.forEach((column, c) => {
    const values = Float64Array.from(rows, (row) => numberOf(row[c]));
    const text = rows.findIndex((row, r) => Number.isNaN(values[r]) && !isGap(row[c]));
    if (columns.has(column)) leftOut.push({ column, reason: "an earlier column has the same name" });
    else if (text >= 0) leftOut.push({ column, reason: `${JSON.stringify(rows[text][c])} is no number` });
    else columns.set(column, values);
  });
  return { columns, leftOut };
};

/** What is asked of a table. */
export interface PointsAsked {
  /** The column to be explained. */
  readonly target: string;
  /** Columns that may explain it; all others where absent. */
  readonly variables?: ReadonlyArray<string>;
  /** Share of the rows that are held out. */
  readonly holdout: number;
  /** The seed. */
  readonly seed: string | number;
}

/** Points to fit to, and points to judge by. */
export interface Points {
  /** Names of the variables. */
  readonly names: ReadonlyArray<string>;
  /** What formulas are fitted to. */
  readonly fitted: { readonly columns: ReadonlyArray<Column>; readonly target: Column };
  /** What they are judged by. */
  readonly heldOut: { readonly columns: ReadonlyArray<Column>; readonly target: Column };
  /** Columns that are not used. */
  readonly leftOut: ReadonlyArray<LeftOut>;
  /** Rows with gaps. */
  readonly gaps: number;
}

const noColumn = (name: string, known: ReadonlyArray<string>, path: string) =>
  badSetting({
    setting: path === "/target" ? "target" : "variables",
    wanted: "the name of a column of numbers",
    found: JSON.stringify(name),
    path,
    expected: known.slice(0, 20),
    suggestions: nearest(name, known, 3),
  });

const isConstantColumn = (values: Column): boolean => values.every((value) => value === values[0]);

/** The variables, and the columns that are none. */
const variablesOf = (
  columns: NamedColumns,
  { target, variables }: PointsAsked,
): { readonly names: ReadonlyArray<string>; readonly leftOut: ReadonlyArray<LeftOut> } => {
  const known = [...columns.keys()];
  if (!columns.has(target)) throw noColumn(target, known, "/target");
  const others = known.filter((name) => name !== target);
  (variables ?? []).forEach((name, at) => {
    if (!others.includes(name)) throw noColumn(name, others, `/variables/${at}`);
  });
  const asked = others.filter((name) => variables === undefined || variables.includes(name));
  const isUsed = (name: string) => !isConstantColumn(columns.get(name)!.filter(Number.isFinite));
  const names = asked.filter(isUsed);
  if (names.length === 0) {
    throw badSetting({
      setting: "data",
      wanted: "at least one column of numbers, not all the same, besides the target",
      found: `${asked.length} columns that say nothing`,
      path: "/data",
    });
  }
  const leftOut = asked.filter((name) => !isUsed(name)).map((column) => ({
    column,
    reason: "all its numbers are equal",
  }));
  return { names, leftOut };
};

/** Points of columns; throws EVOLUTION_SETTING where the table has too few of them, or not the columns asked for. */
export const pointsFrom = (columns: NamedColumns, asked: PointsAsked): Points => {
  const lengths = new Set([...columns.values()].map(({ length }) => length));
  if (lengths.size > 1) {
    throw badSetting({
      setting: "columns",
      wanted: "equally many numbers in each",
      found: [...columns].map(([name, { length }]) => `${name}: ${length}`).join(", "),
      path: "/data/columns",
    });
  }
  const { names, leftOut } = variablesOf(columns, asked);
  const target = columns.get(asked.target)!;
  if (isConstantColumn(target.filter(Number.isFinite))) {
    throw badSetting({
      setting: "target",
      wanted: "a column whose numbers differ",
      found: `${JSON.stringify(asked.target)}, whose numbers are all equal`,
      path: "/target",
    });
  }
  const used = names.map((name) => columns.get(name)!);
  const whole = Array.from(target, (_, row) => row).filter((row) =>
    Number.isFinite(target[row]) && used.every((column) => Number.isFinite(column[row]))
  );
  const order = random(`${asked.seed}/discover/holdout`).shuffle(whole);
  const held = Math.floor(order.length * asked.holdout);
  const fitted = order.slice(held).sort((a, b) => a - b);
  const judged = order.slice(0, held).sort((a, b) => a - b);
  if (fitted.length < LEAST_POINTS) {
    throw badSetting({
      setting: "points",
      wanted: `at least ${LEAST_POINTS} rows without gaps, after ${Math.round(100 * asked.holdout)} % are held out`,
      found: `${fitted.length} rows`,
      path: "/data",
    });
  }
  if (fitted.length > MAX_POINTS) {
    throw overLimit({ what: "points", limit: MAX_POINTS, found: fitted.length, path: "/data" });
  }
  const rowsOf = (rows: ReadonlyArray<number>) => ({
    columns: used.map((column) => Float64Array.from(rows, (row) => column[row])),
    target: Float64Array.from(rows, (row) => target[row]),
  });
  return { names, fitted: rowsOf(fitted), heldOut: rowsOf(judged), leftOut, gaps: target.length - whole.length };
};
