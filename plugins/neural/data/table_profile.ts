/**
 * Table profile: what the columns of a table hold, told by all of its rows.
 *
 * Not what becomes of them (table.ts, preparation.ts).
 * Invariant: rows pass once and none is kept; what a column holds does not depend on how they are cut into parts.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";
import { daysOf } from "./dates.ts";

/** A cell; `null` where there is nothing. */
export type Cell = string | number | boolean | null;

/** Rows of a table, in the order of its columns. */
export type Row = ReadonlyArray<Cell>;

/** Most columns. */
export const MAX_COLUMNS = 16_384;

/** Most different texts of a column that become shares or numbers. */
export const MAX_CATEGORIES = 1_000;

/** What stands for a gap in text. */
const GAPS: ReadonlySet<string> = new Set(["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"]);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/u;

/** Whether a cell is a gap. */
export const isGap = (cell: Cell | undefined): boolean =>
  cell === null || cell === undefined || (typeof cell === "string" && GAPS.has(cell.trim())) ||
  (typeof cell === "number" && !Number.isFinite(cell));

/** The number of a cell; NaN where it is none, or one that no float holds. */
export const numberOf = (cell: Cell): number => {
  if (typeof cell === "number") return cell;
  if (typeof cell === "boolean") return cell ? 1 : 0;
  const text = cell?.trim() ?? "";
  if (!NUMBER.test(text)) return NaN;
  const number = Number(text);
  return Number.isFinite(number) ? number : NaN;
};

/** The text of a cell that is no gap. */
export const textOfCell = (cell: Cell): string => typeof cell === "string" ? cell.trim() : String(cell);

const byValue = (a: string, b: string): number => {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? (a < b ? -1 : a > b ? 1 : 0) : difference;
};

/** The values of a column: of numbers, one for every spelling of a number. */
const valuesOf = (kind: ColumnProfile["kind"], values: Iterable<string>): ReadonlyArray<string> =>
  [...new Set(kind === "number" ? [...values].map((text) => String(Number(text))) : values)].sort(byValue);

/** What one column holds. */
export interface ColumnProfile {
  /** Its name. */
  readonly name: string;
  /** Numbers, dates as numbers, yes and no, a few different texts, texts, or nothing at all. */
  readonly kind: "number" | "date" | "boolean" | "category" | "text" | "empty";
  /** Gaps. */
  readonly missing: number;
  /** Mean of its numbers, over the rows to learn from. */
  readonly mean: number;
  /** Standard deviation of its numbers, over the rows to learn from. */
  readonly deviation: number;
  /** Smallest number. */
  readonly minimum: number;
  /** Largest number. */
  readonly maximum: number;
  /** Whether all its numbers are whole. */
  readonly whole: boolean;
  /** Its different values, sorted; absent where there are too many. */
  readonly values?: ReadonlyArray<string>;
  /** How often each of them occurs, by its text; absent where there are too many. */
  readonly counts?: ReadonlyMap<string, number>;
  /** Share of the cells that are no gaps and are numbers. */
  readonly numeric: number;
  /** Share of the cells that are no gaps and are dates. */
  readonly dated: number;
  /** Whether every number is the one of the row before plus one. */
  readonly counting: boolean;
}

interface Counting {
  present: number;
  missing: number;
  numbers: number;
  booleans: number;
  dates: number;
  whole: boolean;
  minimum: number;
  maximum: number;
  learned: number;
  mean: number;
  squares: number;
  counting: boolean;
  last: number;
  values: Map<string, number> | undefined;
}

const BOOLEANS: ReadonlySet<string> = new Set(["true", "false", "yes", "no"]);

/** Looks at all rows of a table once. */
export class TableProfile {
  readonly #names: ReadonlyArray<string>;
  readonly #columns: ReadonlyArray<Counting>;
  /** Rows seen. */
  rows = 0;

  /** For a table with these columns; those of `dates`, by their places, are read as dates. */
  constructor(names: ReadonlyArray<string>, private readonly dates: ReadonlySet<number> = new Set()) {
    if (names.length > MAX_COLUMNS) {
      throw dataLimit({ what: "the columns of a table", limit: MAX_COLUMNS, found: names.length });
    }
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) {
      throw malformedData({ format: "the table", at: "its header", reason: `two columns are named "${twice}"` });
    }
    this.#names = names;
    this.#columns = names.map(() => ({
      present: 0,
      missing: 0,
      numbers: 0,
      booleans: 0,
      dates: 0,
      whole: true,
      minimum: Infinity,
      maximum: -Infinity,
      learned: 0,
      mean: 0,
      squares: 0,
      counting: true,
      last: NaN,
      values: new Map(),
    }));
  }

  /** Takes a row; `learned` says whether it belongs to the part to learn from. */
  add(row: Row, learned = true): void {
    this.rows++;
    this.#columns.forEach((column, index) => {
      const cell = row[index];
      if (isGap(cell)) {
        column.missing++;
        return;
      }
      column.present++;
      const text = textOfCell(cell);
      const days = daysOf(text);
      if (!Number.isNaN(days)) column.dates++;
      const number = this.dates.has(index) ? days : numberOf(cell);
      if (typeof cell === "boolean" || BOOLEANS.has(text.toLowerCase())) column.booleans++;
      if (!Number.isNaN(number)) {
        column.numbers++;
        column.whole &&= Number.isInteger(number);
        column.counting &&= column.present === 1 || number === column.last + 1;
        column.last = number;
        column.minimum = Math.min(column.minimum, number);
        column.maximum = Math.max(column.maximum, number);
        if (learned) {
          const before = number - column.mean;
          column.mean += before / ++column.learned;
          column.squares += before * (number - column.mean);
        }
      }
      if (column.values !== undefined) {
        column.values.set(text, (column.values.get(text) ?? 0) + 1);
        if (column.values.size > MAX_CATEGORIES) column.values = undefined;
      }
    });
  }

  /** What the columns hold. */
  columns(): ReadonlyArray<ColumnProfile> {
    return this.#columns.map((column, index) => {
      const { present, numbers, booleans, values } = column;
      const kind = present === 0
        ? "empty"
        : this.dates.has(index)
        ? "date"
        : booleans === present
        ? "boolean"
        : numbers === present
        ? "number"
        : values !== undefined && values.size <= MAX_CATEGORIES
        ? "category"
        : "text";
      return {
        name: this.#names[index],
        kind,
        missing: column.missing,
        mean: column.learned > 0 ? column.mean : 0,
        deviation: column.learned > 0 ? Math.sqrt(column.squares / column.learned) : 0,
        minimum: numbers > 0 ? column.minimum : 0,
        maximum: numbers > 0 ? column.maximum : 0,
        whole: column.whole,
        numeric: present === 0 ? 0 : numbers / present,
        dated: present === 0 ? 0 : column.dates / present,
        counting: column.counting && numbers === present && column.missing === 0,
        ...(values === undefined ? {} : { values: valuesOf(kind, values.keys()), counts: values }),
      };
    });
  }
}
