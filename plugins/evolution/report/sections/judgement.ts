/**
 * Judgement: what the model answers to samples it never saw: which classes it confuses and which samples it misread, or
 * how far its numbers are off.
 *
 * @module
 */
import type { CreateResult, Misread } from "../../create/result.ts";
import { answersChart, residualsChart } from "../charts/answers.ts";
import { count, number, percent } from "../format.ts";
import { type Content, cut, element, type Markup } from "../markup.ts";
import { pictureUrl } from "../picture.ts";
import { lead, more, type Section, table } from "./parts.ts";

/** Most classes whose confusions are shown as a square; of more, the most frequent are listed. */
export const MAX_SQUARE = 20;

/** Most misread samples that are shown. */
export const MAX_MISREAD = 40;

/** Most confusions that are listed. */
const MAX_CONFUSIONS = 10;

/** Most characters of a class's name in the square. */
const MAX_NAME = 40;

/** Most characters of what a picture is told as. */
const MAX_ALT = 120;

/** Most cells of a row that are shown. */
const MAX_CELLS = 30;

const square = (rows: ReadonlyArray<ReadonlyArray<number>>, labels: ReadonlyArray<string>): Markup => {
  const name = (i: number): string => cut(labels[i] ?? String(i), MAX_NAME);
  const cell = (row: ReadonlyArray<number>, i: number, k: number): Content => {
    const asked = row.reduce((sum, held) => sum + held, 0);
    const part = asked === 0 ? 0 : row[k] / asked;
    const kind = i === k ? (part > 0.6 ? "full" : undefined) : row[k] > 0 ? "off" : undefined;
    const style = row[k] > 0 ? `--share:${part.toFixed(3)}` : "--share:0";
    return element(
      "td",
      { class: kind, style, title: `${row[k]} of ${name(i)} answered ${name(k)}` },
      row[k] > 0 ? count(row[k]) : "",
    );
  };
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" },
    element(
      "table",
      { class: "confusion" },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          element("th", { scope: "col" }, "right"),
          ...rows.map((_, k) => element("th", { scope: "col", title: name(k) }, name(k))),
          element("th", { scope: "col" }, "found"),
        ),
      ),
      element(
        "tbody",
        {},
        ...rows.map((row, i) =>
          element(
            "tr",
            {},
            element("th", { scope: "row", title: name(i) }, name(i)),
            ...row.map((_, k) => cell(row, i, k)),
            element("th", { scope: "row" }, found(row, i)),
          )
        ),
      ),
    ),
  );
};

const found = (row: ReadonlyArray<number>, i: number): string => {
  const share = row[i] / row.reduce((sum, held) => sum + held, 0);
  return Number.isFinite(share) ? (share * 100).toFixed(1) : "–";
};

const confusions = (rows: ReadonlyArray<ReadonlyArray<number>>, labels: ReadonlyArray<string>): Markup =>
  table(
    "Most frequent confusions",
    ["right", "answered", { name: "times", numeric: true }],
    rows.flatMap((row, i) => row.map((held, k) => ({ i, k, held }))).filter(({ i, k, held }) => i !== k && held > 0)
      .sort((a, b) => b.held - a.held).slice(0, MAX_CONFUSIONS)
      .map(({ i, k, held }) => [labels[i] ?? String(i), labels[k] ?? String(k), count(held)]),
  );

const pixelsOf = (base64: string): Uint8Array => {
  try {
    return Uint8Array.fromBase64(base64);
  } catch {
    return new Uint8Array();
  }
};

const misreadItem = ({ sample, truth, answer, probability, truthProbability, image, row }: Misread): Content => {
  const url = image && pictureUrl(image.width, image.height, pixelsOf(image.pixels));
  const cells = Object.entries(row ?? {}).slice(0, MAX_CELLS).map(([name, value]) => `${name} ${value}`).join(", ");
  return element(
    "li",
    {},
    url === undefined ? undefined : element("img", {
      src: url,
      alt: cut(`sample ${sample}: ${truth}, read as ${answer}`, MAX_ALT),
      width: image!.width,
      height: image!.height,
    }),
    element("strong", {}, `${truth} read as ${answer}`),
    element("br"),
    `${percent(probability, 1)} sure`,
    element("br"),
    element("span", { class: "soft" }, `${truth}: ${percent(truthProbability, 1)} · no. ${sample}`),
    cells === "" ? undefined : [element("br"), element("span", { class: "soft" }, cells)],
  );
};

const classesContent = ({ confusion, misread = [], data, judged }: CreateResult): ReadonlyArray<Content> => {
  const labels = data.target.labels ?? [];
  const wrong = Math.round((1 - (judged.test.accuracy ?? 1)) * data.splits.test);
  return [
    confusion === undefined ? undefined : confusion.length <= MAX_SQUARE
      ? [
        lead("Rows are right classes, columns answers; the last column is how many percent of a class were found."),
        element(
          "div",
          { class: "beside" },
          square(confusion, labels),
          element("div", {}, element("h3", {}, "Most frequent confusions"), confusions(confusion, labels)),
        ),
      ]
      : confusions(confusion, labels),
    misread.length === 0 ? undefined : element(
      "h3",
      {},
      `Misread: ${count(Math.min(misread.length, MAX_MISREAD))} of ${count(wrong)}, the surest first`,
    ),
    misread.length === 0
      ? undefined
      : element("ul", { class: "misread" }, ...misread.slice(0, MAX_MISREAD).map(misreadItem)),
  ];
};

const numbersContent = ({ answers = [], data, judged }: CreateResult): ReadonlyArray<Content> => [
  element(
    "div",
    { class: "two" },
    answersChart(data.target.name, answers),
    residualsChart(data.target.name, answers),
  ),
  lead(`Root mean squared error ${number(Math.sqrt(judged.test.mse ?? NaN))}, in the unit of ${data.target.name}.`),
  more(
    "The largest errors",
    table(
      "Largest errors",
      ["right", "answer", "error"].map((name) => ({ name, numeric: true })),
      [...answers].sort((a, b) => Math.abs(b[1] - b[0]) - Math.abs(a[1] - a[0])).slice(0, MAX_CONFUSIONS)
        .map(([truth, answer]) => [number(truth, 6), number(answer, 6), number(answer - truth, 4)]),
    ),
  ),
];

/** What it answers. */
export const judgementSection = (result: CreateResult): Section => {
  const names = [...new Set([...Object.keys(result.judged.validation), ...Object.keys(result.judged.test)])];
  return {
    id: "judgement",
    title: "On samples it never saw",
    content: [
      ...(result.data.target.kind === "classification" ? classesContent(result) : numbersContent(result)),
      more(
        "All scores",
        table(
          "Scores",
          ["score", { name: "chosen by", numeric: true }, { name: "held out", numeric: true }],
          names.map((name) => [name, number(result.judged.validation[name]), number(result.judged.test[name])]),
        ),
      ),
    ],
  };
};
