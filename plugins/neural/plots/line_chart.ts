/**
 * Line chart: values over steps, one line for each name, with axes, a grid and a legend.
 *
 * Invariant: points that are not finite break a line, and never leave the chart; an empty chart is a chart.
 *
 * @module
 */
import { COLOURS, drawing, element, GRID, INK, label, ticks, tickText } from "./svg.ts";

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

/** Width of a chart. */
export const CHART_WIDTH = 640;
/** Height of a chart. */
export const CHART_HEIGHT = 400;

const LEFT = 64;
const RIGHT = 16;
const TOP = 40;
const BOTTOM = 72;
const ABOUT_X = 8;
const ABOUT_Y = 6;
const LEGEND_STEP = 14;

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

interface Range {
  readonly low: number;
  readonly high: number;
}

const rangeOf = (values: ReadonlyArray<number>): Range => {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return { low: 0, high: 1 };
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  const slack = high > low ? 0 : Math.abs(low) || 1;
  return { low: low - slack / 2, high: high + slack / 2 };
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
  const across = rangeOf(drawn.flatMap(({ points }) => points.map(([px]) => px)));
  const up = rangeOf(drawn.flatMap(({ points }) => points.map(([, py]) => py)));
  const atX = (value: number): number =>
    LEFT + ((value - across.low) / (across.high - across.low)) * (CHART_WIDTH - LEFT - RIGHT);
  const atY = (value: number): number =>
    CHART_HEIGHT - BOTTOM - ((value - up.low) / (up.high - up.low)) * (CHART_HEIGHT - TOP - BOTTOM);
  const named = (value: number, { low, high }: Range): string => tickText(value, high - low);
  const grid = [
    ...ticks(up.low, up.high, ABOUT_Y).flatMap((value) => [
      element("line", { x1: LEFT, x2: CHART_WIDTH - RIGHT, y1: atY(value), y2: atY(value), stroke: GRID }),
      label(logarithmic ? tickText(10 ** value, 10 ** value) : named(value, up), {
        x: LEFT - 6,
        y: atY(value) + 4,
        "text-anchor": "end",
        fill: INK,
      }),
    ]),
    ...ticks(across.low, across.high, ABOUT_X).flatMap((value) => [
      element("line", { x1: atX(value), x2: atX(value), y1: TOP, y2: CHART_HEIGHT - BOTTOM, stroke: GRID }),
      label(named(value, across), {
        x: atX(value),
        y: CHART_HEIGHT - BOTTOM + 16,
        "text-anchor": "middle",
        fill: INK,
      }),
    ]),
  ];
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
  let legendAt = LEFT;
  const legend = drawn.flatMap(({ name }, i) => {
    const from = legendAt;
    legendAt += LEGEND_STEP + 8 + 7 * name.length + LEGEND_STEP;
    const middle = CHART_HEIGHT - 14;
    const colour = COLOURS[i % COLOURS.length];
    return [
      element("line", { x1: from, x2: from + LEGEND_STEP, y1: middle, y2: middle, stroke: colour, "stroke-width": 3 }),
      label(name, { x: from + LEGEND_STEP + 6, y: middle + 4, fill: INK }),
    ];
  });
  return drawing(
    CHART_WIDTH,
    CHART_HEIGHT,
    title,
    label(title, { x: LEFT, y: 24, "font-size": 15, "font-weight": "bold", fill: INK }),
    ...grid,
    ...paths,
    label(x, { x: (LEFT + CHART_WIDTH - RIGHT) / 2, y: CHART_HEIGHT - 36, "text-anchor": "middle", fill: INK }),
    label(y, {
      x: 0,
      y: 0,
      "text-anchor": "middle",
      fill: INK,
      transform: `translate(14 ${(TOP + CHART_HEIGHT - BOTTOM) / 2}) rotate(-90)`,
    }),
    ...legend,
  );
};
