/**
 * Reliability: how often answers of a confidence are right. On the diagonal, confidence means what it says.
 *
 * @module
 */
import type { ReliabilityBin } from "../../create/result.ts";
import { element, type Markup } from "../markup.ts";
import { figure, frame } from "./frame.ts";

const SMALLEST = 3;
const LARGEST = 11;

/** A chart of bins of confidence; the more answers, the larger the point. */
export const reliabilityChart = (bins: ReadonlyArray<ReliabilityBin>): Markup => {
  const unit = [0, 1] as const;
  const says = (value: number): string => `${Math.round(value * 100)}\u202f%`;
  const { atX, atY, around } = frame(
    { name: "confidence", values: unit, at: unit, says },
    { name: "share that is right", values: unit, at: unit, says },
  );
  const known = bins.filter(({ count }) => count > 0);
  const most = known.reduce((sum, { count }) => Math.max(sum, count), 1);
  return figure(
    {
      title: "Does confidence mean what it says?",
      says: known.map(({ confidence, accuracy, count }) =>
        `${count} answers of confidence ${says(confidence)} are right ${says(accuracy)}`
      ).join("; "),
      legend: [["s0", "answers: the more, the larger"], ["ideal", "confidence as often right as it says"]],
    },
    ...around,
    element("line", { class: "ideal", x1: atX(0), y1: atY(0), x2: atX(1), y2: atY(1) }),
    ...known.map(({ confidence, accuracy, count }) =>
      element("circle", {
        class: "point s0",
        cx: atX(confidence),
        cy: atY(accuracy),
        r: SMALLEST + (LARGEST - SMALLEST) * Math.sqrt(count / most),
        "fill-opacity": 0.75,
      }, element("title", {}, `${count} answers: confidence ${says(confidence)}, right ${says(accuracy)}`))
    ),
  );
};
