/**
 * Scatter chart: points of two measures, in named groups, with axes, a grid and a legend.
 *
 * Invariant: a point that is not finite is left out; every other is drawn once, with its name where it has one; an empty
 * chart is a chart.
 *
 * @module
 */
import { axes, CHART_HEIGHT, CHART_WIDTH, legend } from "./axes.ts";
import type { Point } from "./line_chart.ts";
import { COLOURS, drawing, element, titled } from "./svg.ts";

/** A group of points. */
export interface Group {
  /** Its name in the legend. */
  readonly name: string;
  /** Its points. */
  readonly points: ReadonlyArray<Point>;
  /** What is said of each point when it is pointed at, in their order. */
  readonly says?: ReadonlyArray<string>;
  /** Whether the points are joined by steps, as a front of two measures that are both minimised. */
  readonly front?: boolean;
}

/** A chart. */
export interface ScatterChart {
  /** What it shows. */
  readonly title: string;
  /** Name of the horizontal axis. */
  readonly x: string;
  /** Name of the vertical axis. */
  readonly y: string;
  /** Groups, the topmost last. */
  readonly groups: ReadonlyArray<Group>;
}

/** The edge of what some points dominate, from left to right: down only where a point is. */
const steps = (points: ReadonlyArray<Point>): ReadonlyArray<Point> => {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  return sorted.flatMap(([x, y], k): ReadonlyArray<Point> => k === 0 ? [[x, y]] : [[x, sorted[k - 1][1]], [x, y]]);
};

/** A chart as SVG. */
export const scatterChart = ({ title, x, y, groups }: ScatterChart): string => {
  const all = groups.flatMap(({ points }) => points).filter((point) => point.every(Number.isFinite));
  const { atX, atY, around } = axes({ title, x, y, across: all.map(([px]) => px), up: all.map(([, py]) => py) });
  const drawn = groups.flatMap(({ points, says = [], front = false }, i) => {
    const fill = COLOURS[i % COLOURS.length];
    const known = points.map((point, k) => ({ point, text: says[k] })).filter(({ point }) =>
      point.every(Number.isFinite)
    );
    const edge = steps(known.map(({ point }) => point))
      .map(([px, py]) => `${atX(px).toFixed(2)},${atY(py).toFixed(2)}`);
    return [
      ...(front && edge.length > 1
        ? [element("polyline", { points: edge.join(" "), fill: "none", stroke: fill, "stroke-opacity": 0.5 })]
        : []),
      ...known.map(({ point: [px, py], text }) => {
        const at = { cx: atX(px), cy: atY(py), r: 3.5, fill, "fill-opacity": 0.8 };
        return text === undefined ? element("circle", at) : element("circle", at, titled(text));
      }),
    ];
  });
  const names = groups.map(({ name }, i) => ({ name, colour: COLOURS[i % COLOURS.length] }));
  return drawing(CHART_WIDTH, CHART_HEIGHT, title, ...around, ...drawn, ...legend(names));
};
