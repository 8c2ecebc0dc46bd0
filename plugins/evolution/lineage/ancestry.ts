/**
 * Ancestry: who descends from whom, from the rows of a lineage.
 *
 * Not the rows' storage (state/). Invariant: a row's parents stand before it in a whole lineage, so that ancestry has no
 * circles and ends at drawn candidates.
 *
 * @module
 */
import type { LineageRow } from "../state/record.ts";

/** Most relatives that are answered with. */
export const MAX_RELATIVES = 1_000;

/** Relatives of an individual. */
export interface Relatives {
  /** The individual. */
  readonly of: LineageRow;
  /** The relatives, in the order they were told. */
  readonly rows: ReadonlyArray<LineageRow>;
  /** How many there are, where not all are shown. */
  readonly total: number;
}

const byId = (rows: ReadonlyArray<LineageRow>): ReadonlyMap<string, number> =>
  new Map(rows.map(({ id }, at) => [id, at]));

/** Rows reached from one by a relation, nearest first, the one itself left out. */
const reached = (start: number, next: (at: number) => ReadonlyArray<number>): ReadonlyArray<number> => {
  const seen = new Set([start]);
  const waiting = [start];
  for (let k = 0; k < waiting.length; k++) {
    for (const at of next(waiting[k])) {
      if (seen.has(at)) continue;
      seen.add(at);
      waiting.push(at);
    }
  }
  return waiting.slice(1);
};

const shown = (
  rows: ReadonlyArray<LineageRow>,
  at: number,
  found: ReadonlyArray<number>,
): Relatives => ({
  of: rows[at],
  rows: found.slice(0, MAX_RELATIVES).sort((a, b) => a - b).map((row) => rows[row]),
  total: found.length,
});

/** The ancestors of an individual, the nearest where there are more than {@link MAX_RELATIVES}. */
export const ancestorsOf = (rows: ReadonlyArray<LineageRow>, id: string): Relatives | undefined => {
  const places = byId(rows);
  const start = places.get(id);
  if (start === undefined) return undefined;
  const parents = (at: number) => rows[at].parents.map((parent) => places.get(parent)).filter((p) => p !== undefined);
  return shown(rows, start, reached(start, parents));
};

/** The descendants of an individual, the nearest where there are more than {@link MAX_RELATIVES}. */
export const descendantsOf = (rows: ReadonlyArray<LineageRow>, id: string): Relatives | undefined => {
  const places = byId(rows);
  const start = places.get(id);
  if (start === undefined) return undefined;
  const children = new Map<string, Array<number>>();
  rows.forEach(({ parents }, at) => {
    for (const parent of parents) children.set(parent, [...children.get(parent) ?? [], at]);
  });
  return shown(rows, start, reached(start, (at) => children.get(rows[at].id) ?? []));
};

/** What is wrong with a whole lineage, in words: parents that are not there, or told later, and ids used twice. */
export const lineageFaults = (rows: ReadonlyArray<LineageRow>): ReadonlyArray<string> => {
  const places = byId(rows);
  return rows.flatMap(({ id, parents }, at) => [
    ...(places.get(id) === at ? [] : [`${id} is told twice`]),
    ...parents.filter((parent) => !((places.get(parent) ?? Infinity) < at)).map((parent) =>
      `the parent ${parent} of ${id} ${places.has(parent) ? "is told after it" : "is not told"}`
    ),
  ]);
};

/** Rows best first: feasible ones by their objectives in order, then by violation, failed ones last. */
export const bestFirst = (rows: ReadonlyArray<LineageRow>): ReadonlyArray<LineageRow> =>
  [...rows].sort((a, b) =>
    Number(a.failed !== undefined) - Number(b.failed !== undefined) || (a.violation ?? 0) - (b.violation ?? 0) ||
    (a.objectives ?? []).reduce((order, value, m) => order || value - b.objectives![m], 0)
  );
