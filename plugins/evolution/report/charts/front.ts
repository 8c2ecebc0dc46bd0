/**
 * Front: candidates by two objectives, with what nothing beats, and the one that was chosen.
 *
 * @module
 */
import type { CandidateRecord, Objective } from "../../create/result.ts";
import { type Content, element, type Markup } from "../markup.ts";
import { figure, frame, isPlace, pointsText } from "./frame.ts";

type Place = readonly [x: number, y: number];

/** Most candidates that are drawn; the front before the others. */
export const MAX_DRAWN = 1_000;

/** The edge of what some points dominate, from left to right. */
const edgeOf = (points: ReadonlyArray<Place>): ReadonlyArray<Place> => {
  let best = Infinity;
  const kept = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]).filter(([, y]) => {
    if (!(y < best)) return false;
    best = y;
    return true;
  });
  return kept.flatMap(([x, y], i): ReadonlyArray<Place> => i === 0 ? [[x, y]] : [[x, kept[i - 1][1]], [x, y]]);
};

const named = ({ name, unit }: Objective): string => unit === undefined ? name : `${name} (${unit})`;

/** A chart of the candidates by objectives number `x` and `y`. */
export const frontChart = (
  candidates: ReadonlyArray<CandidateRecord>,
  objectives: ReadonlyArray<Objective>,
  chosen: string,
  [x, y]: readonly [x: number, y: number],
): Markup => {
  const [across, up] = [objectives[x], objectives[y]];
  const judged = candidates.filter((one) => one.objectives !== undefined);
  const of = ({ objectives: values = [] }: CandidateRecord): Place => [values[x], values[y]];
  const axis = ({ logarithmic = false, ...objective }: Objective, at: 0 | 1) => ({
    name: named({ ...objective }),
    values: judged.map((one) => of(one)[at]),
    logarithmic,
  });
  const { atX, atY, around } = frame(axis(across, 0), axis(up, 1));
  const placed = ([px, py]: Place): Place => [atX(px), atY(py)];
  const dot = (one: CandidateRecord): Content => {
    const [cx, cy] = placed(of(one));
    if (!isPlace(cx, cy)) return undefined;
    const kind = one.id === chosen ? "chosen" : one.front ? "on-front" : "beaten";
    return element(
      "circle",
      { class: kind, cx, cy, r: kind === "chosen" ? 7 : kind === "on-front" ? 4.5 : 3 },
      kind === "beaten" ? undefined : element("title", {}, `${one.id}: ${one.program}`),
    );
  };
  const order = (one: CandidateRecord): number => one.id === chosen ? 2 : one.front ? 1 : 0;
  const winner = judged.find(({ id }) => id === chosen);
  const edge = edgeOf(judged.filter(({ front }) => front).map(of)).map(placed);
  return figure(
    {
      title: `${up.name} by ${across.name}`,
      says: `${judged.length} candidates, ${judged.filter(({ front }) => front).length} unbeaten` +
        (winner === undefined ? "" : `; chosen: ${named(across)} ${of(winner)[0]}, ${named(up)} ${of(winner)[1]}`),
      legend: [["beaten", "beaten"], ["on-front", "unbeaten"], ["chosen", "chosen"]],
    },
    ...around,
    edge.length > 1 ? element("polyline", { class: "edge", points: pointsText(edge) }) : undefined,
    ...[...judged].sort((a, b) => order(a) - order(b)).slice(-MAX_DRAWN).map(dot),
  );
};
