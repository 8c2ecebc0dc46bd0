/**
 * Confidence: what the temperature did, and what is lost in 8-bit integers.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { reliabilityChart } from "../charts/reliability.ts";
import { bytes, count, number, percent, shortDigest } from "../format.ts";
import { type Content, element } from "../markup.ts";
import { digest, lead, type Section, table } from "./parts.ts";

const calibrated = ({ calibration }: CreateResult): Content => {
  if (calibration === undefined) return undefined;
  const { temperature, before, after, bins } = calibration;
  return element(
    "div",
    {},
    element("h3", {}, "Calibration"),
    lead(
      `Answers are divided by a temperature of ${
        number(temperature, 3)
      }, found on samples to choose by. The error is ` +
        "the mean distance of confidence and share that is right.",
    ),
    table("Calibration", ["", { name: "before", numeric: true }, { name: "after", numeric: true }], [
      ["calibration error", percent(before.calibrationError), percent(after.calibrationError)],
      ["log loss", number(before.logLoss), number(after.logLoss)],
    ]),
    reliabilityChart(bins),
  );
};

const integers = ({ quantised, judged, model, data }: CreateResult): Content => {
  if (quantised === undefined) return undefined;
  const isClasses = data.target.kind === "classification";
  const score = isClasses ? "accuracy" : "mae";
  const say = (value: number | undefined): string => score === "accuracy" ? percent(value) : number(value);
  return element(
    "div",
    {},
    element("h3", {}, "In 8-bit integers"),
    lead(
      "Measured by running the integer model on the held-out samples.",
      isClasses ? ` ${count(quantised.otherAnswers)} of ${count(data.splits.test)} answers differ.` : undefined,
    ),
    table("In 8-bit integers", ["", { name: "floats", numeric: true }, { name: "integers", numeric: true }], [
      [isClasses ? "right" : "mean error", say(judged.test[score]), say(quantised.test[score])],
      ["loss", number(judged.test.loss), number(quantised.test.loss)],
      ["weights", bytes(quantised.weights.before), bytes(quantised.weights.after)],
      ["artifact", bytes(model.bytes), bytes(quantised.bytes)],
      [
        "identity",
        digest(model.digest, shortDigest(model.digest)),
        digest(quantised.digest, shortDigest(quantised.digest)),
      ],
    ]),
  );
};

/** How sure it is, and in how few bits; undefined where neither is known. */
export const confidenceSection = (result: CreateResult): Section | undefined =>
  result.calibration === undefined && result.quantised === undefined ? undefined : {
    id: "confidence",
    title: result.calibration === undefined ? "In fewer bits" : "Confidence, and fewer bits",
    content: [element("div", { class: "two" }, calibrated(result), integers(result))],
  };
