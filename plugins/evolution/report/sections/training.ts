/**
 * Training: how the chosen program learned, step by step and epoch by epoch.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { curvesChart } from "../charts/curves.ts";
import { amount, count, number } from "../format.ts";
import { element } from "../markup.ts";
import { lead, more, type Section, table } from "./parts.ts";

/** Most epochs that are listed. */
const MAX_EPOCHS = 200;

/** How it learned. */
export const trainingSection = ({ training, data }: CreateResult): Section => {
  const isClasses = data.target.kind === "classification";
  const score = isClasses ? "accuracy" : "mae";
  const { loss, epochs } = training;
  const judged = epochs.map(({ step, scores }) => [step, scores?.loss ?? NaN] as const);
  const scored = epochs.map(({ epoch, scores }) => [epoch, scores?.[score] ?? NaN] as const);
  return {
    id: "training",
    title: "Training of the chosen one",
    content: [
      lead(`${count(epochs.length)} epochs, ${count(epochs.at(-1)?.step)} steps, on all samples to learn from.`),
      element(
        "div",
        { class: "two" },
        curvesChart({
          title: "Loss",
          x: "step",
          y: "loss",
          logarithmic: true,
          says: (value) => number(value, 2),
          curves: [
            { name: "what is learned from", points: loss },
            { name: "what is chosen by", points: judged },
          ],
        }),
        curvesChart({
          title: isClasses ? "Share that is right, of what is chosen by" : "Mean error, of what is chosen by",
          x: "epoch",
          y: isClasses ? "right" : "mean error",
          says: (value) => isClasses ? `${number(value * 100, 3)}\u202f%` : amount(value),
          curves: [{ name: isClasses ? "accuracy" : "mean error", points: scored }],
        }),
      ),
      more(
        "The numbers",
        table(
          "Epochs",
          [
            { name: "epoch", numeric: true },
            { name: "step", numeric: true },
            { name: "loss", numeric: true },
            { name: "loss, chosen by", numeric: true },
            { name: score, numeric: true },
          ],
          epochs.slice(-MAX_EPOCHS).map((one) => [
            count(one.epoch),
            count(one.step),
            number(one.loss),
            number(one.scores?.loss),
            number(one.scores?.[score]),
          ]),
        ),
      ),
    ],
  };
};
