/**
 * Front chart: a run's front and its last population as a drawing, where it has two objectives or three.
 *
 * Invariant: every row of the front is drawn; the third objective is told by colour, in thirds of its range.
 *
 * @module
 */
import { type Group, type Point, scatterChart } from "../../neural/library.ts";
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import type { LineageRow } from "../state/record.ts";

const pointOf = (objectives: ReadonlyArray<number>): Point => [objectives[0], objectives[1]];

const says = (rows: ReadonlyArray<LineageRow>): ReadonlyArray<string> =>
  rows.map(({ id, objectives }) => `${id}: ${objectives!.map((value) => Number(value.toPrecision(5))).join(", ")}`);

/** The scored points of a stored population. */
const population = (search: Json): ReadonlyArray<Point> => {
  if (!isJsonObject(search) || !Array.isArray(search.members)) return [];
  return (search.members as ReadonlyArray<{ readonly objectives?: ReadonlyArray<number> }>)
    .flatMap(({ objectives }) => objectives === undefined || objectives.length < 2 ? [] : [pointOf(objectives)]);
};

const THIRDS = 3;

/** The front in groups of the third objective. */
const inThirds = (front: ReadonlyArray<LineageRow>): ReadonlyArray<Group> => {
  const depths = front.map(({ objectives }) => objectives![2]);
  const low = depths.reduce((a, b) => Math.min(a, b), Infinity);
  const span = depths.reduce((a, b) => Math.max(a, b), -Infinity) - low;
  const text = (value: number) => Number(value.toPrecision(3));
  return Array.from({ length: THIRDS }, (_, third) => {
    const rows = front.filter((_, at) => {
      const place = span > 0 ? Math.min(THIRDS - 1, Math.floor((depths[at] - low) / span * THIRDS)) : 0;
      return place === third;
    });
    const [from, to] = [low + span * third / THIRDS, low + span * (third + 1) / THIRDS];
    return {
      name: `objective 3: ${text(from)} to ${text(to)}`,
      points: rows.map(({ objectives }) => pointOf(objectives!)),
      says: says(rows),
    };
  }).filter(({ points }) => points.length > 0);
};

/** The drawing as SVG; absent for one objective, more than three, or no front. */
export const frontChart = (
  title: string,
  front: ReadonlyArray<LineageRow>,
  search: Json,
): string | undefined => {
  const width = front[0]?.objectives?.length ?? 0;
  if (width < 2 || width > 3) return undefined;
  const groups: ReadonlyArray<Group> = width === 3 ? inThirds(front) : [
    { name: "last population", points: population(search) },
    {
      name: "front of the whole run",
      points: front.map(({ objectives }) => pointOf(objectives!)),
      says: says(front),
      front: true,
    },
  ];
  return scatterChart({ title, x: "objective 1", y: "objective 2", groups });
};
