/**
 * Transfer: memory of a scope as text, there and back, and rows of the seed's format.
 *
 * Not a backup of the ledger: tombstones and their reasons do not travel.
 * Invariant: what was exported and read is the same, item by item; a bad row is skipped with its line and reason and
 * harms no other.
 *
 * @module
 */
import { type Namespace, NAMESPACES, type Standing, STANDINGS } from "../state/memory.ts";
import { refusalOf } from "./hygiene.ts";
import type { Remembered } from "./recall.ts";

/** Format of an export; files of a later one are refused. */
export const EXPORT_FORMAT = 1;

/** An item as it travels. */
export interface Portable {
  /** Its text. */
  readonly text: string;
  /** Kind of memory. */
  readonly namespace: Namespace;
  /** Who said it. */
  readonly source: string;
  /** Who stands for it. */
  readonly standing: Standing;
  /** Worth, thousandths. */
  readonly strength: number;
  /** Requests it helped. */
  readonly hits: number;
  /** Requests it misled. */
  readonly failures: number;
  /** Kept whatever its worth. */
  readonly protected: boolean;
}

/** A row that was not read. */
export interface Skipped {
  /** Its line, from 1. */
  readonly line: number;
  /** Why. */
  readonly reason: string;
}

/** What was read. */
export interface ReadMemory {
  /** Items, in order. */
  readonly items: ReadonlyArray<Portable>;
  /** Rows that were not. */
  readonly skipped: ReadonlyArray<Skipped>;
}

/** An item as it travels. */
export const portable = ({ item, text }: Remembered): Portable => ({
  text,
  namespace: item.namespace,
  source: item.source,
  standing: item.standing,
  strength: item.strength,
  hits: item.hits,
  failures: item.failures,
  protected: item.protected,
});

/** Items as lines of JSON behind a line with the format. */
export const exportMemory = (items: ReadonlyArray<Remembered>): string =>
  [{ norion: "memory", format: EXPORT_FORMAT }, ...items.map(portable)].map((row) => `${JSON.stringify(row)}\n`)
    .join("");

const counts = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const FIELDS: { readonly [F in keyof Portable]: (value: unknown) => boolean } = {
  text: (value) => typeof value === "string" && value.trim() !== "",
  namespace: (value) => NAMESPACES.includes(value as Namespace),
  source: (value) => typeof value === "string",
  standing: (value) => STANDINGS.includes(value as Standing),
  strength: counts,
  hits: counts,
  failures: counts,
  protected: (value) => typeof value === "boolean",
};

const FIELD_NAMES = Object.keys(FIELDS) as ReadonlyArray<keyof Portable>;

const rowOf = (line: string): Portable | string => {
  let row: Record<string, unknown>;
  try {
    row = JSON.parse(line);
  } catch {
    return "not JSON";
  }
  if (row === null || typeof row !== "object") return "not an object";
  const wrong = FIELD_NAMES.find((name) => !Object.hasOwn(row, name) || !FIELDS[name](row[name]));
  if (wrong !== undefined) return `its ${wrong} is missing or malformed`;
  const refusal = refusalOf(String(row.text));
  if (refusal !== undefined) return refusal.reason;
  return Object.fromEntries(FIELD_NAMES.map((name) => [name, row[name]])) as unknown as Portable;
};

const formatOf = (line: string): string | undefined => {
  try {
    const { norion, format } = JSON.parse(line);
    if (norion !== "memory") return "the file is no export of memory";
    return format === EXPORT_FORMAT ? undefined : `format ${format} is not ${EXPORT_FORMAT}`;
  } catch {
    return "the file is no export of memory";
  }
};

const collect = (
  lines: ReadonlyArray<string>,
  first: number,
  read: (line: string) => Portable | string,
): ReadMemory => {
  const items: Portable[] = [];
  const skipped: Skipped[] = [];
  lines.forEach((line, index) => {
    if (line.trim() === "") return;
    const row = read(line);
    if (typeof row === "string") skipped.push({ line: first + index, reason: row });
    else items.push(row);
  });
  return { items, skipped };
};

/** Reads an export; a file of another format has every line skipped, by that one reason. */
export const readExport = (text: string): ReadMemory => {
  const [head = "", ...lines] = text.split("\n");
  const wrong = formatOf(head);
  return wrong === undefined ? collect(lines, 2, rowOf) : { items: [], skipped: [{ line: 1, reason: wrong }] };
};

const ESCAPES: { readonly [escaped: string]: string } = { "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\\\": "\\" };
const LEGACY_STRENGTH = 0.6;
const GREATEST_STRENGTH = 3;

const legacyCount = (field: string | undefined): number | undefined => {
  const value = field === undefined || field === "" ? 0 : Number(field);
  return counts(value) ? value : undefined;
};

const legacyRow = (line: string): Portable | string => {
  const [key, strength = "", hits, failures] = line.split("\t");
  const text = key.replace(/\\[tnr\\]/gu, (found) => ESCAPES[found]).trim();
  if (text === "") return "it has no text";
  const refusal = refusalOf(text);
  if (refusal !== undefined) return refusal.reason;
  const worth = strength === "" ? LEGACY_STRENGTH : Number(strength);
  if (!Number.isFinite(worth) || worth < 0 || worth > GREATEST_STRENGTH) return "its strength is no number from 0 to 3";
  const helped = legacyCount(hits);
  const hurt = legacyCount(failures);
  if (helped === undefined || hurt === undefined) return "its hits or failures are no counts";
  return {
    text,
    namespace: "semantic",
    source: "legacy",
    standing: "self",
    strength: Math.round(1000 * worth),
    hits: helped,
    failures: hurt,
    protected: false,
  };
};

/** Reads tab-separated rows of text, strength, hits, failures; trailing columns may be missing, further ones are passed over. */
export const readLegacy = (text: string): ReadMemory => collect(text.split(/\r?\n/u), 1, legacyRow);
