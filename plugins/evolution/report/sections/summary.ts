/**
 * Summary: what came out, in six numbers and two sentences.
 *
 * @module
 */
import type { CreateResult } from "../../create/result.ts";
import { amount, bytes, count, duration, flops, number, percent } from "../format.ts";
import { type Content, element, joined, type Markup } from "../markup.ts";

/** The main number of a result, its name, and both as a headline. */
export const mainScore = (
  { data, judged }: CreateResult,
): { readonly name: string; readonly text: string; readonly headline: string } => {
  const { target, name } = data;
  if (target.kind === "classification") {
    const text = percent(judged.test.accuracy);
    return { name: "right on held-out data", text, headline: `${name}: ${text} right on held-out data` };
  }
  const text = number(judged.test.mae);
  return {
    name: `mean error of ${target.name}`,
    text,
    headline: `${name}: ${target.name} is off by ${text} on average, on held-out data`,
  };
};

const spentOf = ({ steps }: CreateResult): { readonly flops: number; readonly wallMs: number } =>
  steps.reduce(
    (sum, { spent }) => ({ flops: sum.flops + spent.flops, wallMs: sum.wallMs + (spent.wallMs ?? 0) }),
    { flops: 0, wallMs: 0 },
  );

/** Size of a program in bytes. */
export const programBytes = ({ model }: CreateResult): number => {
  const { base64 } = model.program;
  return Math.floor((base64.replace(/=+$/u, "").length * 3) / 4);
};

const int8Note = ({ data, quantised, judged }: CreateResult): readonly [string, string] => {
  if (quantised === undefined) return ["–", "not quantised"];
  if (data.target.kind === "regression") {
    return [number(quantised.test.mae), `mean error, was ${number(judged.test.mae)}`];
  }
  const loss = judged.test.accuracy - quantised.test.accuracy;
  const sign = loss > 0 ? "−" : loss < 0 ? "+" : "±";
  return [percent(quantised.test.accuracy), `${sign}${(Math.abs(loss) * 100).toFixed(2)} points against floats`];
};

/** The page's beginning. */
export const summary = (result: CreateResult): Markup => {
  const { data, model, judged, candidates, budget, calibration, registration, rollback } = result;
  const score = mainScore(result);
  const spent = spentOf(result);
  const [int8, int8Says] = int8Note(result);
  const key = (name: string, value: Content, note: Content): Markup =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value, element("span", { class: "note" }, note)));
  const samples = data.splits.train + data.splits.validation + data.splits.test;
  const second = data.target.kind === "classification"
    ? `macro F1 ${number(judged.test.macroF1)}, of ${count(data.splits.test)} samples`
    : `R² ${number(judged.test.r2)}, of ${count(data.splits.test)} samples`;
  return element(
    "header",
    {},
    element("p", { class: "soft" }, `rmi create · run ${result.run} · ${result.at.replace(/\.\d+Z$/u, "Z")}`),
    element("h1", {}, score.headline),
    element(
      "p",
      { class: "lead" },
      joined(
        `From ${count(samples)} samples, ${count(candidates.length)} candidate programs were trained within `,
        budget.kind === "flops" ? flops(budget.value) : duration(budget.value),
        `; the chosen one was trained in full${
          calibration === undefined ? "" : ", calibrated"
        }, exported, and registered by ${registration.by}`,
        rollback.length < 2 ? "." : "; its promotion was shown and taken back.",
        budget.reproducible
          ? " The same command gives the same model."
          : " The budget was time, so another run may choose another model.",
      ),
    ),
    element(
      "dl",
      { class: "keys" },
      key(score.name, score.text, second),
      key("trained numbers", count(model.parameters), `${flops(model.flops)} a sample`),
      key("program", bytes(programBytes(result)), "text, types and sizes; no weights"),
      key("in 8-bit integers", int8, int8Says),
      key("work", flops(spent.flops), duration(spent.wallMs)),
      key("candidates", amount(candidates.length), `${count(candidates.filter(({ front }) => front).length)} unbeaten`),
    ),
  );
};
