/**
 * Line chart: values over steps, one line for each name, with axes, a grid and a legend.
 *
 * Invariant: points that are not finite break a line, and never leave the chart; an empty chart is a chart.
 *
 * @module
 */
import { axes, CHART_HEIGHT, CHART_WIDTH, legend } from "./axes.ts";
import { COLOURS, drawing, element } from "./svg.ts";

export { CHART_HEIGHT, CHART_WIDTH } from "./axes.ts";

/** A point. */
export type Point = readonly [x: number, y: number];

/** One line. */
export interface Line {
  /** Its name in the legend. */
  readonly name: string;
  /** Its points, from left to right. */
  readonly points: ReadonlyArray<Point>;
}

/** A chart. */
export interface LineChart {
  /** What it shows. */
  readonly title: string;
  /** Name of the horizontal axis. */
  readonly x: string;
  /** Name of the vertical axis. */
  readonly y: string;
  /** Lines. */
  readonly lines: ReadonlyArray<Line>;
  /** Whether the vertical axis is logarithmic; values from 0 down are left out then. */
  readonly logarithmic?: boolean;
}

/** Most points that a line is drawn with: neighbours are averaged beyond. */
export const MAX_POINTS = 1000;

const thinned = (points: ReadonlyArray<Point>): ReadonlyArray<Point> => {
  const group = Math.ceil(points.length / MAX_POINTS);
  if (group <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / group) }, (_, i): Point => {
    const part = points.slice(i * group, (i + 1) * group).filter(([, y]) => Number.isFinite(y));
    const mean = (at: 0 | 1): number => part.reduce((sum, point) => sum + point[at], 0) / part.length;
    return [part.length === 0 ? NaN : mean(0), part.length === 0 ? NaN : mean(1)];
  });
};

/** Pieces of a line between points that are not finite. */
const pieces = (points: ReadonlyArray<Point>): ReadonlyArray<ReadonlyArray<Point>> => {
  const made: Point[][] = [[]];
  for (const point of points) {
    if (point.every(Number.isFinite)) made.at(-1)!.push(point);
    else if (made.at(-1)!.length > 0) made.push([]);
  }
  return made.filter(({ length }) => length > 0);
};

/** A chart as SVG. */
export const lineChart = ({ title, x, y, lines, logarithmic = false }: LineChart): string => {
  const scaleY = (value: number): number => logarithmic ? value > 0 ? Math.log10(value) : NaN : value;
  const drawn = lines.map(({ name, points }) => ({
    name,
    points: thinned(points).map(([px, py]): Point => [px, scaleY(py)]),
  }));
  const { atX, atY, around } = axes({
    title,
    x,
    y,
    across: drawn.flatMap(({ points }) => points.map(([px]) => px)),
    up: drawn.flatMap(({ points }) => points.map(([, py]) => py)),
    logarithmic,
  });
  const paths = drawn.flatMap(({ points }, i) =>
    pieces(points).map((piece) => {
      const colour = COLOURS[i % COLOURS.length];
      if (piece.length === 1) {
        return element("circle", { cx: atX(piece[0][0]), cy: atY(piece[0][1]), r: 3, fill: colour });
      }
      const text = piece.map(([px, py]) => `${atX(px).toFixed(2)},${atY(py).toFixed(2)}`).join(" ");
      return element("polyline", { points: text, fill: "none", stroke: colour, "stroke-width": 1.75 });
    })
  );
  return drawing(
    CHART_WIDTH,
    CHART_HEIGHT,
    title,
    ...around,
    ...paths,
    ...legend(drawn.map(({ name }, i) => ({ name, colour: COLOURS[i % COLOURS.length] }))),
  );
};
