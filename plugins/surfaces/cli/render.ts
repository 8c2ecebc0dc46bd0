/**
 * Render: a JSON answer as text for a person: tables for lists of records, `key  value` lines for a record.
 *
 * Not for machines (`--json` and the door print JSON). An answer with a member `text` brings its own rendering.
 * Invariant: every member of the answer is shown, safely for the terminal; numbers to six digits, and table cells cut only
 * to fit it.
 *
 * @module
 */
import * as CliOutput from "effect/cli/CliOutput";
import { isJsonObject, type Json, type JsonObject } from "../../../kernel/json.ts";
import { safe, type Style } from "./style.ts";

/** How an answer is drawn. */
export interface Canvas {
  /** Colours or none. */
  readonly style: Style;
  /** Width to fit tables into; absent: as wide as they are. */
  readonly columns?: number;
}

/** Rows drawn in a table; the rest is counted. */
export const MAX_ROWS = 1_000;

const GAP = "  ";
const NARROWEST_COLUMN = 6;

const isScalar = (value: Json): boolean => value === null || typeof value !== "object";

/** Digits of a number that is not whole. */
const DIGITS = 6;

const plain = (value: Json): string =>
  value === null
    ? "-"
    : typeof value === "number" && !Number.isInteger(value)
    ? String(Number(value.toPrecision(DIGITS)))
    : typeof value === "string"
    ? value
    : JSON.stringify(value);

/** A value on one line. */
const inline = (value: Json): string => safe(plain(value)).replaceAll("\n", "⏎");

const widthOf = (text: string): number => CliOutput.displayWidth(text);

const padTo = (text: string, width: number, right: boolean): string => {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return right ? space + text : text + space;
};

const cut = (text: string, width: number): string => {
  if (widthOf(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (widthOf(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
};

/** Narrows the widest columns until all fit. */
const fitted = (widths: ReadonlyArray<number>, columns: number): ReadonlyArray<number> => {
  const out = [...widths];
  const total = (): number => out.reduce((sum, width) => sum + width, GAP.length * (out.length - 1));
  while (total() > columns) {
    const widest = out.indexOf(Math.max(...out));
    if (out[widest] <= NARROWEST_COLUMN) break;
    out[widest]--;
  }
  return out;
};

const table = (rows: ReadonlyArray<JsonObject>, canvas: Canvas): string => {
  const shown = rows.slice(0, MAX_ROWS);
  const keys = [...new Set(shown.flatMap((row) => Object.keys(row)))];
  const cells = shown.map((row) => keys.map((key) => Object.hasOwn(row, key) ? oneLine(row[key]) : ""));
  const numeric = keys.map((key) => shown.every((row) => !Object.hasOwn(row, key) || typeof row[key] === "number"));
  const natural = keys.map((key, column) => Math.max(widthOf(safe(key)), ...cells.map((row) => widthOf(row[column]))));
  const widths = canvas.columns === undefined ? natural : fitted(natural, canvas.columns);
  const line = (row: ReadonlyArray<string>): string =>
    row.map((cell, column) =>
      column === row.length - 1 && !numeric[column]
        ? cut(cell, widths[column])
        : padTo(cut(cell, widths[column]), widths[column], numeric[column])
    ).join(GAP).trimEnd();
  const more = rows.length - shown.length;
  return [
    canvas.style.strong(line(keys.map(safe))),
    ...cells.map(line),
    ...more > 0 ? [canvas.style.faint(`and ${more} more: use --json`)] : [],
  ].join("\n");
};

const indent = (text: string): string => text.split("\n").map((line) => line === "" ? "" : `  ${line}`).join("\n");

const narrower = (canvas: Canvas): Canvas =>
  canvas.columns === undefined ? canvas : { ...canvas, columns: Math.max(NARROWEST_COLUMN, canvas.columns - 2) };

const isRecordList = (value: Json): value is ReadonlyArray<JsonObject> =>
  Array.isArray(value) && value.length > 0 &&
  value.every((item) => isJsonObject(item) && Object.values(item).every(isCell));

/** What fits a table cell: a scalar, or a short list of scalars. */
const isCell = (value: Json): boolean => isScalar(value) || (Array.isArray(value) && value.every(isScalar));

const list = (values: ReadonlyArray<Json>, canvas: Canvas): string =>
  values.map((item) => isScalar(item) ? `- ${inline(item)}` : `-\n${indent(draw(item, narrower(canvas)))}`).join("\n");

const record = (value: JsonObject, canvas: Canvas): string => {
  const short = Object.entries(value).filter(([, item]) => isShort(item));
  const width = Math.max(0, ...short.map(([key]) => widthOf(safe(key))));
  return Object.entries(value).map(([key, item]) => {
    const name = canvas.style.strong(isShort(item) ? padTo(safe(key), width, false) : safe(key));
    return isShort(item) ? `${name}  ${oneLine(item)}` : `${name}\n${indent(draw(item, narrower(canvas)))}`;
  }).join("\n");
};

const isShort = (value: Json): boolean =>
  typeof value === "string" ? !value.includes("\n") : isScalar(value) ||
    (Array.isArray(value)
      ? value.every((item) => isScalar(item) && isShort(item)) && !isOfSentences(value)
      : isEmpty(value));

/** Texts with commas of their own cannot be told apart on one line. */
const isOfSentences = (values: ReadonlyArray<Json>): boolean =>
  values.length > 1 && values.some((item) => typeof item === "string" && item.includes(", "));

const isEmpty = (value: Json): boolean => isJsonObject(value) && Object.keys(value).length === 0;

const oneLine = (value: Json): string =>
  Array.isArray(value) ? value.length === 0 ? "-" : value.map(inline).join(", ") : isEmpty(value) ? "-" : inline(value);

const draw = (value: Json, canvas: Canvas): string => {
  if (typeof value === "string") return safe(value);
  if (isScalar(value)) return inline(value);
  if (isRecordList(value)) return table(value, canvas);
  if (Array.isArray(value)) return value.length === 0 ? canvas.style.faint("(nothing)") : list(value, canvas);
  return record(value as JsonObject, canvas);
};

/** Draws an answer; ends with a line feed. */
export const renderValue = (value: Json, canvas: Canvas): string => {
  const own = isJsonObject(value) && typeof value.text === "string" ? value.text : undefined;
  const text = own === undefined ? draw(value, canvas) : safe(own);
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
};

/** Draws an event: on one line where nothing in it needs more, for there may be thousands; its type comes first. */
export const renderEvent = (event: Json, canvas: Canvas): string => {
  if (!isJsonObject(event) || typeof event.text === "string" || !Object.values(event).every(isShort)) {
    return renderValue(event, canvas);
  }
  const { type, ...members } = event;
  const words = Object.entries(members).map(([key, item]) => `${canvas.style.faint(safe(key))} ${oneLine(item)}`);
  return `${[...type === undefined ? [] : [canvas.style.strong(oneLine(type))], ...words].join(GAP)}\n`;
};
