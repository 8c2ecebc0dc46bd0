/**
 * Stored: routers as artifacts, and the tables of outcomes that they are fitted to.
 *
 * Not the fit (learned.ts).
 * Invariant: what is read back scores every question as it did; a file that is no router, or a row that is no outcome, is
 * refused with its place.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { canonicalJson, type Json } from "../../../kernel/mod.ts";
import { badModel, badRequest } from "../failures.ts";
import { saidBy } from "../models/places.ts";
import { MEASURES } from "./features.ts";
import { areaRecovered, fitRouter, type Observed, PLAIN_WEIGHTS, scorer } from "./learned.ts";
import type { FittedRouter } from "./stronger.ts";

/** Media type of a router. */
export const ROUTER_MEDIA = "application/vnd.rmi.router+json";

/** Version of its format. */
export const ROUTER_FORMAT = 1;

const Numbers = Schema.Array(Schema.Finite).check(Schema.isMaxLength(100_000));

const Stored = Schema.Struct({
  format: Schema.Literal(ROUTER_FORMAT),
  reads: Schema.Literals(["prompt", "topic"]),
  observed: Schema.Int.check(Schema.isGreaterThan(0)),
  pair: Schema.optionalKey(Schema.Struct({ cheap: Schema.String, strong: Schema.String })),
  router: Schema.Struct({
    means: Numbers,
    spreads: Numbers,
    weights: Numbers,
    subjects: Schema.Array(Schema.String).check(Schema.isMaxLength(10_000)),
    scores: Numbers,
  }),
});

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Stored));
const utf8 = new TextEncoder();

/** Scores that are kept: enough to read off the threshold of any share to a hundredth of a percent. */
const MOST_SCORES = 10_001;

const thinned = (scores: ReadonlyArray<number>): ReadonlyArray<number> =>
  scores.length <= MOST_SCORES
    ? scores
    : Array.from({ length: MOST_SCORES }, (_, i) => scores[Math.round(i * (scores.length - 1) / (MOST_SCORES - 1))]);

/** A router as bytes. */
export const writeRouter = ({ reads, observed, pair, router }: Omit<FittedRouter, "name">): Uint8Array =>
  utf8.encode(canonicalJson({
    format: ROUTER_FORMAT,
    reads,
    observed,
    ...(pair === undefined ? {} : { pair }),
    router: { ...router, scores: thinned(router.scores) },
  } as unknown as Json));

/** Reads a router; throws `NORION_MODELS`. */
export const readRouter = (name: string, bytes: Uint8Array): FittedRouter => {
  const read = decode(new TextDecoder().decode(bytes), { onExcessProperty: "error" });
  const refuse = (reason: string) => badModel({ what: `the router ${name}`, reason });
  if (Result.isFailure(read)) throw refuse(saidBy(read.failure));
  const { format: _, ...router } = read.success;
  const { means, spreads, weights, subjects } = router.router;
  const same = means.length === MEASURES && spreads.length === MEASURES &&
    weights.length === PLAIN_WEIGHTS + subjects.length;
  if (!same) throw refuse("it was fitted to other features");
  return { name, ...router };
};

/** Most outcomes of one file. */
export const MAX_OUTCOMES = 100_000;

/** Other names of the columns that are read. */
const COLUMNS: { readonly [name: string]: string } = { prompt: "text", prompt_chars: "length", chars: "length" };

type Row = { readonly [column: string]: unknown };

const refused = (line: number, reason: string) =>
  badRequest({ reason: `line ${line} of the outcomes ${reason}`, path: "/file" });

const numberIn = (row: Row, name: string, line: number, most: number): number | undefined => {
  const value = row[name];
  if (value === undefined || value === "") return undefined;
  const number = typeof value === "boolean" ? Number(value) : typeof value === "string" ? Number(value) : value;
  if (typeof number !== "number" || !(number >= 0 && number <= most)) {
    throw refused(line, `has a ${name} that is no number from 0 to ${most}`);
  }
  return number;
};

const observedOf = (row: Row, line: number): Observed => {
  const weak = numberIn(row, "weak", line, 1);
  const strong = numberIn(row, "strong", line, 1);
  if (weak === undefined || strong === undefined) throw refused(line, "does not say how weak and strong did");
  const length = numberIn(row, "length", line, Number.MAX_SAFE_INTEGER);
  const { text, subject } = row;
  const question = {
    ...(typeof text === "string" && text !== "" ? { text } : {}),
    ...(length === undefined ? {} : { length }),
    ...(typeof subject === "string" && subject !== "" ? { subject } : {}),
  };
  if (Object.keys(question).length === 0) throw refused(line, "says nothing of its question");
  return { question, weak, strong };
};

const renamed = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [COLUMNS[name] ?? name, value]));

const jsonRow = (text: string, line: number): Row => {
  try {
    const row: unknown = JSON.parse(text);
    if (typeof row === "object" && row !== null && !Array.isArray(row)) return row as Row;
  } catch {
    // Said below: a line that is no JSON is no outcome either.
  }
  throw refused(line, "is no JSON object");
};

/** The records of comma-separated text with quotes (RFC 4180), each with the line it begins on. */
const recordsOf = (text: string): ReadonlyArray<{ readonly line: number; readonly cells: ReadonlyArray<string> }> => {
  const records: Array<{ line: number; cells: string[] }> = [];
  let cells: string[] = [];
  let [at, line, begins] = [0, 1, 1];
  const CELL = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/uy;
  while (at < text.length) {
    CELL.lastIndex = at;
    const match = CELL.exec(text);
    if (match === null) throw refused(line, "has a quote that is not closed, or text beside it");
    const [whole, quoted, plain, end] = match;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    at += whole.length;
    line += whole.split("\n").length - 1;
    if (end === "," && at < text.length) continue;
    records.push({ line: begins, cells });
    cells = [];
    begins = line;
  }
  return records.filter((record) => record.cells.length > 1 || record.cells[0].trim() !== "");
};

const csvRows = (text: string): ReadonlyArray<Observed> => {
  const [head, ...rest] = recordsOf(text);
  return rest.map(({ line, cells }) =>
    observedOf(renamed(Object.fromEntries((head?.cells ?? []).map((name, i) => [name.trim(), cells[i]]))), line)
  );
};

/** Outcomes of two models: JSON, one object a line, or comma-separated with a head; throws `NORION_REQUEST`. */
export const readOutcomes = (text: string): ReadonlyArray<Observed> => {
  const rows = text.trimStart().startsWith("{")
    ? text.split("\n").flatMap((one, at) =>
      one.trim() === "" ? [] : [observedOf(renamed(jsonRow(one, at + 1)), at + 1)]
    )
    : csvRows(text);
  if (rows.length > MAX_OUTCOMES) {
    throw badRequest({ reason: `${rows.length} outcomes are more than ${MAX_OUTCOMES}`, path: "/file" });
  }
  return rows;
};

const FOLDS = 5;

/** Area recovered on questions that were left out of the fit, the mean of five folds taken in turn; 0.5 is chance. */
export const areaLeftOut = (rows: ReadonlyArray<Observed>): number => {
  const areas = Array.from({ length: FOLDS }, (_, k) => {
    const score = scorer(fitRouter(rows.filter((_, i) => i % FOLDS !== k)));
    const judged = rows.filter((_, i) => i % FOLDS === k);
    return areaRecovered(judged.map(({ question, weak, strong }) => ({ weak, strong, score: score(question) })));
  }).filter(Number.isFinite);
  return areas.length === 0 ? 0.5 : areas.reduce((sum, area) => sum + area, 0) / areas.length;
};
