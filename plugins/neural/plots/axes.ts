/**
 * Axes: what surrounds the points of a chart: title, grid, numbers, names, legend.
 *
 * Invariant: every finite value lies within the frame; axes of no values are axes.
 *
 * @module
 */
import { element, GRID, INK, label, ticks, tickText } from "./svg.ts";

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

/** What a chart's axes are for. */
export interface Framed {
  /** What the chart shows. */
  readonly title: string;
  /** Name of the horizontal axis. */
  readonly x: string;
  /** Name of the vertical axis. */
  readonly y: string;
  /** All values across; those that are not finite count for nothing. */
  readonly across: ReadonlyArray<number>;
  /** All values upwards: their logarithms to base ten where the axis is logarithmic. */
  readonly up: ReadonlyArray<number>;
  /** Whether the vertical axis is logarithmic. */
  readonly logarithmic?: boolean;
}

/** The axes of some values: where values lie, and the elements around them. */
export const axes = ({ title, x, y, logarithmic = false, ...values }: Framed): {
  readonly atX: (value: number) => number;
  readonly atY: (value: number) => number;
  readonly around: ReadonlyArray<string>;
} => {
  const [across, up] = [rangeOf(values.across), rangeOf(values.up)];
  const atX = (value: number): number =>
    LEFT + ((value - across.low) / (across.high - across.low)) * (CHART_WIDTH - LEFT - RIGHT);
  const atY = (value: number): number =>
    CHART_HEIGHT - BOTTOM - ((value - up.low) / (up.high - up.low)) * (CHART_HEIGHT - TOP - BOTTOM);
  const named = (value: number, { low, high }: Range): string => tickText(value, high - low);
  const around = [
    label(title, { x: LEFT, y: 24, "font-size": 15, "font-weight": "bold", fill: INK }),
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
    label(x, { x: (LEFT + CHART_WIDTH - RIGHT) / 2, y: CHART_HEIGHT - 36, "text-anchor": "middle", fill: INK }),
    label(y, {
      x: 0,
      y: 0,
      "text-anchor": "middle",
      fill: INK,
      transform: `translate(14 ${(TOP + CHART_HEIGHT - BOTTOM) / 2}) rotate(-90)`,
    }),
  ];
  return { atX, atY, around };
};

/** The legend below the axes: names with their colours. */
export const legend = (
  entries: ReadonlyArray<{ readonly name: string; readonly colour: string }>,
): ReadonlyArray<string> => {
  let from = LEFT;
  const middle = CHART_HEIGHT - 14;
  return entries.flatMap(({ name, colour }) => {
    const at = from;
    from += LEGEND_STEP + 8 + 7 * name.length + LEGEND_STEP;
    return [
      element("line", { x1: at, x2: at + LEGEND_STEP, y1: middle, y2: middle, stroke: colour, "stroke-width": 3 }),
      label(name, { x: at + LEGEND_STEP + 6, y: middle + 4, fill: INK }),
    ];
  });
};
