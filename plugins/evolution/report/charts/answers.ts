/**
 * Answers: numbers that were learned beside the right ones, and how far off they are.
 *
 * @module
 */
import { number } from "../format.ts";
import { element, type Markup } from "../markup.ts";
import { figure, frame, isPlace } from "./frame.ts";

type Answer = readonly [truth: number, answer: number];

/** Most points that are drawn; evenly over the rest. */
export const MAX_ANSWERS = 1_000;

/** Bars of a histogram. */
const BARS = 24;

const some = (answers: ReadonlyArray<Answer>): ReadonlyArray<Answer> => {
  const every = Math.ceil(answers.length / MAX_ANSWERS);
  return answers.filter((_, i) => i % every === 0);
};

/** Answers over right values: on the diagonal they agree. */
export const answersChart = (name: string, answers: ReadonlyArray<Answer>): Markup => {
  const known = answers.filter(([truth, answer]) => isPlace(truth, answer));
  const all = known.flat();
  const { atX, atY, around } = frame({ name: `right ${name}`, values: all }, { name: "answer", values: all });
  const low = all.reduce((a, b) => Math.min(a, b), all[0] ?? 0);
  const high = all.reduce((a, b) => Math.max(a, b), all[0] ?? 1);
  return figure(
    {
      title: "Answers beside the right values",
      says: `${known.length} held-out answers`,
      legend: [["s0", "a held-out sample"], ["ideal", "answer and right value agree"]],
    },
    ...around,
    element("line", { class: "ideal", x1: atX(low), y1: atY(low), x2: atX(high), y2: atY(high) }),
    ...some(known).map(([truth, answer]) =>
      element(
        "circle",
        { class: "point s0", cx: atX(truth), cy: atY(answer), r: 3, "fill-opacity": 0.55 },
        element("title", {}, `right ${number(truth)}, answer ${number(answer)}`),
      )
    ),
  );
};

/** How many answers are off by how much. */
export const residualsChart = (name: string, answers: ReadonlyArray<Answer>): Markup => {
  const errors = answers.map(([truth, answer]) => answer - truth).filter(Number.isFinite);
  const reach = errors.reduce((most, error) => Math.max(most, Math.abs(error)), 0) || 1;
  const counts = new Array<number>(BARS).fill(0);
  for (const error of errors) counts[Math.min(BARS - 1, Math.floor(((error + reach) / (2 * reach)) * BARS))]++;
  const { atX, atY, around, inner } = frame(
    { name: `error of ${name} (answer − right value)`, values: [-reach, reach], at: [-reach, reach] },
    { name: "answers", values: counts, at: [0, Math.max(1, ...counts)] },
  );
  const width = (inner.right - inner.left) / BARS;
  const mean = errors.reduce((sum, error) => sum + error, 0) / Math.max(1, errors.length);
  return figure(
    { title: "Errors", says: `mean ${number(mean)}, largest ${number(reach)}` },
    ...around,
    ...counts.map((held, i) =>
      held === 0 ? undefined : element("rect", {
        class: "bar s0",
        x: inner.left + i * width + 1,
        y: atY(held),
        width: width - 2,
        height: inner.bottom - atY(held),
      })
    ),
    element("line", { class: "ideal", x1: atX(0), x2: atX(0), y1: inner.top, y2: inner.bottom }),
  );
};
