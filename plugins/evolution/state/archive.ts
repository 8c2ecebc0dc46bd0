/**
 * Archive: the best candidates that a run ever told, whatever its search forgot since.
 *
 * Not a search's own population. Invariant: no row of the archive dominates another, failed candidates are never in it,
 * an infeasible one only while nothing feasible was found; which rows are in it depends on what was told and in which
 * order, nothing else.
 *
 * @module
 */
import { thin } from "../objectives/crowding.ts";
import { fronts } from "../objectives/dominance.ts";
import type { Points } from "../objectives/points.ts";
import type { LineageRow } from "./record.ts";

/** Rows that an archive of several objectives keeps: past it the most crowded go. */
export const ARCHIVE_ROWS = 200;

const pointsOf = (rows: ReadonlyArray<LineageRow>, width: number): Points => {
  const data = new Float64Array(rows.length * width);
  rows.forEach(({ objectives }, i) => data.set(objectives!, i * width));
  return { count: rows.length, width, data };
};

const violations = (rows: ReadonlyArray<LineageRow>): Float64Array =>
  Float64Array.from(rows, ({ violation = 0 }) => violation);

/** Rows without those whose objectives an earlier one has. */
const distinct = (rows: ReadonlyArray<LineageRow>): ReadonlyArray<LineageRow> => {
  const seen = new Set<string>();
  return rows.filter(({ objectives, violation = 0 }) => {
    const text = `${violation}:${objectives!.join(",")}`;
    return !seen.has(text) && Boolean(seen.add(text));
  });
};

/** The archive after some more candidates. */
export const archived = (
  archive: ReadonlyArray<LineageRow>,
  told: ReadonlyArray<LineageRow>,
  width: number,
): ReadonlyArray<LineageRow> => {
  const rows = distinct([...archive, ...told.filter(({ objectives }) => objectives !== undefined)]);
  if (rows.length === 0) return rows;
  const points = pointsOf(rows, width);
  const best = [...fronts(points, violations(rows))[0]].sort((a, b) => a - b);
  return thin(points, best, ARCHIVE_ROWS, "pruning").map((row) => rows[row]);
};
