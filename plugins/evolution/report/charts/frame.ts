/**
 * Frame: the axes of a report's chart, which takes its colours from the page, in light and in dark.
 *
 * Not the charts of files (neural/plots), which bring their own colours and their own page.
 * Invariant: every finite value lies within the frame, also on a logarithmic axis; no coordinate is NaN.
 *
 * @module
 */
import { ticks, tickText } from "../../../neural/library.ts";
import { amount } from "../format.ts";
import { type Content, element, type Markup } from "../markup.ts";

/** Width of a chart in its own unit; the page scales it. */
export const WIDTH = 460;
/** Height of a chart in its own unit. */
export const HEIGHT = 300;

const LEFT = 62;
const RIGHT = 22;
const TOP = 12;
const BOTTOM = 46;
const ABOUT = 5;
const PADDING = 0.04;
const THOUSAND = 1_000;

/** One axis. */
export interface Axis {
  /** What it measures. */
  readonly name: string;
  /** All values along it. */
  readonly values: ReadonlyArray<number>;
  /** Whether equal factors are equal distances; what is not above 0 is left out then. */
  readonly logarithmic?: boolean;
  /** A value as text; short by default. */
  readonly says?: (value: number) => string;
  /** The least and the largest, where the axis is no nearer than that. */
  readonly at?: readonly [from: number, to: number];
}

/** Where values lie. */
export interface Frame {
  /** Across; NaN where a value has no place. */
  readonly atX: (value: number) => number;
  /** Upwards. */
  readonly atY: (value: number) => number;
  /** Grid, numbers and names. */
  readonly around: ReadonlyArray<Markup>;
  /** The corners of what is plotted. */
  readonly inner: { readonly left: number; readonly right: number; readonly top: number; readonly bottom: number };
}

interface Scale {
  readonly share: (value: number) => number;
  readonly marks: ReadonlyArray<readonly [value: number, text: string]>;
}

const decades = (low: number, high: number): ReadonlyArray<number> => {
  const [first, last] = [Math.floor(low), Math.ceil(high)];
  const factors = last - first <= 3 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((last - first) / (ABOUT + 1)));
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    .filter((power) => (power - first) % every === 0)
    .flatMap((power) => factors.map((factor) => power + Math.log10(factor)))
    .filter((value) => value >= low - 1e-9 && value <= high + 1e-9);
};

const scaleOf = ({ values, logarithmic = false, says, at }: Axis): Scale => {
  const to = (value: number): number => logarithmic ? (value > 0 ? Math.log10(value) : NaN) : value;
  const known = [...values, ...at ?? []].map(to).filter(Number.isFinite);
  let low = known.reduce((a, b) => Math.min(a, b), known[0] ?? 0);
  let high = known.reduce((a, b) => Math.max(a, b), known[0] ?? 1);
  const slack = high > low ? (high - low) * PADDING : Math.abs(low) * 0.1 || 0.5;
  if (at === undefined || at[0] > low || high === low) low -= slack;
  if (at === undefined || at[1] < high || high === low) high += slack;
  const marked = logarithmic ? decades(low, high) : ticks(low, high, ABOUT);
  const text = says ??
    ((value: number): string =>
      Math.abs(value) >= THOUSAND ? amount(value) : tickText(value, logarithmic ? value : high - low));
  return {
    share: (value) => (to(value) - low) / (high - low),
    marks: marked.map((mark) => [logarithmic ? 10 ** mark : mark, text(logarithmic ? 10 ** mark : mark)]),
  };
};

/** The frame of two axes. */
export const frame = (x: Axis, y: Axis): Frame => {
  const [across, up] = [scaleOf(x), scaleOf(y)];
  const inner = { left: LEFT, right: WIDTH - RIGHT, top: TOP, bottom: HEIGHT - BOTTOM };
  const atX = (value: number): number => inner.left + across.share(value) * (inner.right - inner.left);
  const atY = (value: number): number => inner.bottom - up.share(value) * (inner.bottom - inner.top);
  const around = [
    ...up.marks.flatMap(([value, text]) => [
      element("line", { class: "grid", x1: inner.left, x2: inner.right, y1: atY(value), y2: atY(value) }),
      element("text", { class: "tick", x: inner.left - 6, y: atY(value) + 4, "text-anchor": "end" }, text),
    ]),
    ...across.marks.flatMap(([value, text]) => [
      element("line", { class: "grid", x1: atX(value), x2: atX(value), y1: inner.top, y2: inner.bottom }),
      element("text", { class: "tick", x: atX(value), y: inner.bottom + 16, "text-anchor": "middle" }, text),
    ]),
    element("text", {
      class: "axis",
      x: (inner.left + inner.right) / 2,
      y: HEIGHT - 8,
      "text-anchor": "middle",
    }, x.name),
    element("text", {
      class: "axis",
      "text-anchor": "middle",
      transform: `translate(13 ${(inner.top + inner.bottom) / 2}) rotate(-90)`,
    }, y.name),
  ];
  return { atX, atY, around, inner };
};

/** A chart with its caption; `says` tells in words what it shows, for those who do not see it. */
export const figure = (
  { title, says, legend = [] }: {
    readonly title: string;
    readonly says: string;
    readonly legend?: ReadonlyArray<readonly [mark: string, name: string]>;
  },
  ...drawn: ReadonlyArray<Content>
): Markup =>
  element(
    "figure",
    {},
    element("figcaption", {}, element("strong", {}, title)),
    element(
      "svg",
      { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}. ${says}` },
      ...drawn,
    ),
    legend.length === 0 ? undefined : element(
      "ul",
      { class: "legend" },
      ...legend.map(([mark, name]) => element("li", {}, element("span", { class: `key ${mark}` }), name)),
    ),
  );

/** Whether a place is one. */
export const isPlace = (x: number, y: number): boolean => Number.isFinite(x) && Number.isFinite(y);

/** Places as the points of a line. */
export const pointsText = (places: ReadonlyArray<readonly [number, number]>): string =>
  places.filter(([x, y]) => isPlace(x, y)).map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
