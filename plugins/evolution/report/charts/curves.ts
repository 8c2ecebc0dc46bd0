/**
 * Curves: values over steps or epochs, one line for each name, its end labelled.
 *
 * @module
 */
import { element, type Markup } from "../markup.ts";
import { figure, frame, isPlace, pointsText } from "./frame.ts";

/** One line. */
export interface Curve {
  /** Its name. */
  readonly name: string;
  /** Its points, from left to right; what is not finite is left out. */
  readonly points: ReadonlyArray<readonly [x: number, y: number]>;
}

/** Most points that a line is drawn with. */
export const MAX_POINTS = 400;

const thinned = ({ name, points }: Curve): Curve => {
  const every = Math.ceil(points.length / MAX_POINTS);
  return every <= 1 ? { name, points } : {
    name,
    points: points.filter((_, i) => i % every === 0 || i === points.length - 1),
  };
};

/** A chart of lines. */
export const curvesChart = (
  { title, x, y, curves, logarithmic = false, says, at }: {
    readonly title: string;
    readonly x: string;
    readonly y: string;
    readonly curves: ReadonlyArray<Curve>;
    readonly logarithmic?: boolean;
    readonly says?: (value: number) => string;
    readonly at?: readonly [number, number];
  },
): Markup => {
  const lines = curves.map(thinned);
  const all = lines.flatMap(({ points }) => points);
  const { atX, atY, around } = frame(
    { name: x, values: all.map(([px]) => px) },
    {
      name: y,
      values: all.map(([, py]) => py),
      logarithmic,
      ...(says === undefined ? {} : { says }),
      ...(at === undefined ? {} : { at }),
    },
  );
  const drawn = lines.flatMap(({ points }, i) => {
    const places = points.map(([px, py]) => [atX(px), atY(py)] as const).filter(([px, py]) => isPlace(px, py));
    const last = places.at(-1);
    return [
      element("polyline", { class: `line s${i % SERIES}`, points: pointsText(places) }),
      last === undefined
        ? undefined
        : element("circle", { class: `point s${i % SERIES}`, cx: last[0], cy: last[1], r: 3.5 }),
    ];
  });
  const ends = lines.map(({ name, points }) => {
    const last = points.filter(([, py]) => Number.isFinite(py)).at(-1);
    return `${name} ends at ${last === undefined ? "no value" : Number(last[1].toPrecision(3))}`;
  });
  return figure(
    { title, says: ends.join("; "), legend: lines.map(({ name }, i) => [`s${i % SERIES}`, name] as const) },
    ...around,
    ...drawn,
  );
};

/** Colours of lines. */
const SERIES = 4;
