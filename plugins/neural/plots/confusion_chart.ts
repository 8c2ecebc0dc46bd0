/**
 * Confusion chart: counts by right class (rows) and answer (columns), darker where more.
 *
 * Invariant: a row's shade is its share of that class, so that rare classes are seen as well as common ones.
 *
 * @module
 */
import type { Confusion } from "../metrics.ts";
import { drawing, element, INK, label } from "./svg.ts";

const CELL = 36;
const LEFT = 84;
const TOP = 76;
const MARGIN = 16;

/** More classes than this are drawn without counts. */
export const MAX_COUNTED = 20;

/** From white to blue. */
const shade = (share: number): string => {
  const mixed = [[255, 0], [255, 114], [255, 178]].map(([none, all]) => Math.round(none + (all - none) * share));
  return `rgb(${mixed.join(",")})`;
};

/** Counts as SVG. */
export const confusionChart = (
  title: string,
  { classes, counts }: Confusion,
  labels: ReadonlyArray<string> = [],
): string => {
  const cell = Math.min(CELL, Math.max(4, Math.floor((CELL * MAX_COUNTED) / classes)));
  const nameOf = (index: number): string => labels[index] ?? String(index);
  const everyName = Math.max(1, Math.ceil(14 / cell));
  const cells: string[] = [];
  for (let row = 0; row < classes; row++) {
    const asked = counts.subarray(row * classes, (row + 1) * classes).reduce((sum, count) => sum + count, 0);
    const middle = TOP + (row + 0.5) * cell + 4;
    if (row % everyName === 0) {
      cells.push(label(nameOf(row), { x: LEFT - 6, y: middle, "text-anchor": "end", fill: INK }));
      cells.push(label(nameOf(row), { x: LEFT + (row + 0.5) * cell, y: TOP - 6, "text-anchor": "middle", fill: INK }));
    }
    for (let column = 0; column < classes; column++) {
      const count = counts[row * classes + column];
      const share = asked === 0 ? 0 : count / asked;
      const [x, y] = [LEFT + column * cell, TOP + row * cell];
      cells.push(element("rect", { x, y, width: cell, height: cell, fill: shade(share), stroke: "#eeeeee" }));
      if (classes <= MAX_COUNTED && count > 0) {
        const fill = share > 0.5 ? "#ffffff" : INK;
        cells.push(label(String(count), { x: x + cell / 2, y: middle, "text-anchor": "middle", fill }));
      }
    }
  }
  const side = classes * cell;
  return drawing(
    LEFT + side + MARGIN,
    TOP + side + MARGIN,
    title,
    label(title, { x: MARGIN, y: 24, "font-size": 15, "font-weight": "bold", fill: INK }),
    label("answer", { x: LEFT + side / 2, y: TOP - 28, "text-anchor": "middle", fill: INK }),
    label("right class", {
      x: 0,
      y: 0,
      "text-anchor": "middle",
      fill: INK,
      transform: `translate(18 ${TOP + side / 2}) rotate(-90)`,
    }),
    ...cells,
  );
};
