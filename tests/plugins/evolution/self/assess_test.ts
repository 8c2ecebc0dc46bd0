/** What makes a model pass: computed by hand from confusion tables and scores. */
import assert from "node:assert/strict";
import { judgeAssessment, TOLERANCE } from "../../../../plugins/evolution/self/assess.ts";

/** 100 samples of two classes, 70 of the first; 90 are answered right. */
const CLASSES = { samples: 100, scores: { accuracy: 0.9, loss: 0.3 }, confusion: [[65, 5], [5, 25]] };
const NUMBERS = { samples: 50, scores: { mse: 2, r2: 0.4 } };

Deno.test("a classifier is compared with always giving its most frequent class", () => {
  const found = judgeAssessment({}, CLASSES);
  assert.deepEqual([found.ok, found.metric, found.direction, found.value], [true, "accuracy", "up", 0.9]);
  assert.deepEqual(found.trivial, { metric: "accuracy", value: 0.7 });
});

Deno.test("numbers are compared with always giving their mean", () => {
  const found = judgeAssessment({}, NUMBERS);
  assert.deepEqual([found.ok, found.metric, found.trivial], [true, "r2", { metric: "r2", value: 0 }]);
});

const cases: ReadonlyArray<
  readonly [what: string, asked: Parameters<typeof judgeAssessment>, reasons: ReadonlyArray<string>]
> = [
  ["a constant answer", [{}, { samples: 100, scores: { accuracy: 0.7 }, confusion: [[70, 0], [30, 0]] }], [
    "NOT_BETTER_THAN_TRIVIAL",
  ]],
  ["the mean", [{}, { samples: 9, scores: { mse: 1, r2: 0 } }], ["NOT_BETTER_THAN_TRIVIAL"]],
  ["no samples", [{}, { samples: 0, scores: {}, confusion: [[0, 0], [0, 0]] }], [
    "NO_SAMPLES",
    "NOT_FINITE",
    "NOT_BETTER_THAN_TRIVIAL",
  ]],
  ["a loss that is no number", [{ metric: "loss" }, { ...CLASSES, scores: { accuracy: 0.9 } }], ["NOT_FINITE"]],
  ["an infinite value", [{ metric: "mse" }, { ...NUMBERS, scores: { ...NUMBERS.scores, mse: Infinity } }], [
    "NOT_FINITE",
  ]],
  ["the bound itself", [{ bound: 0.9 }, CLASSES], []],
  ["a bound within the tolerance", [{ bound: 0.9 + TOLERANCE / 2 }, CLASSES], []],
  ["a bound past the tolerance", [{ bound: 0.9 + 2 * TOLERANCE }, CLASSES], ["BELOW_BOUND"]],
  ["a bound of what is better when less", [{ metric: "loss", bound: 0.2 }, CLASSES], ["BELOW_BOUND"]],
  ["the model in place, equally good", [{}, CLASSES, CLASSES], []],
  ["the model in place, better", [{}, CLASSES, { ...CLASSES, scores: { accuracy: 0.91 } }], ["WORSE_THAN_IN_PLACE"]],
  ["the model in place, better in less loss", [
    { metric: "loss" },
    CLASSES,
    { ...CLASSES, scores: { loss: 0.1 } },
  ], ["WORSE_THAN_IN_PLACE"]],
  ["the model in place, without a value", [{}, CLASSES, { samples: 100, scores: {} }], []],
];

for (const [what, asked, reasons] of cases) {
  Deno.test(`assessment: ${what}`, () => {
    const found = judgeAssessment(...asked);
    assert.deepEqual([found.reasons, found.ok], [reasons, reasons.length === 0]);
  });
}
