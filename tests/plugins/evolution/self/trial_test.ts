/** What two verdicts come to: computed by hand. */
import assert from "node:assert/strict";
import type { Verdict } from "../../../../plugins/evolution/evaluators/judging.ts";
import { judgeTrial } from "../../../../plugins/evolution/self/trial.ts";

const verdict = (more: Partial<Verdict> = {}): Verdict => ({
  score: 0.5,
  trivial: 0.25,
  seen: { passed: 2, total: 3 },
  held: { passed: 2, total: 4 },
  missed: ["c"],
  flags: [],
  ...more,
});

const failed = verdict({
  score: 0,
  seen: { passed: 0, total: 3 },
  held: { passed: 0, total: 4 },
  missed: ["a", "b", "c"],
  failed: { code: "TIMEOUT", detail: "late" },
});

const CASES: ReadonlyArray<
  readonly [what: string, after: Verdict, before: Verdict | undefined, reasons: ReadonlyArray<string>]
> = [
  ["a first version that passes something", verdict(), undefined, []],
  ["the same again", verdict(), verdict(), []],
  ["a better one", verdict({ score: 0.75, held: { passed: 3, total: 4 } }), verdict(), []],
  ["a worse one", verdict({ score: 0.25, held: { passed: 1, total: 4 } }), verdict(), ["WORSE"]],
  ["one that wins a case and loses another", verdict({ missed: ["a"] }), verdict(), ["REGRESSION"]],
  ["one that does not end", failed, verdict(), ["FAILED_TIMEOUT", "WORSE", "REGRESSION"]],
  ["a first one that does not end", failed, undefined, ["FAILED_TIMEOUT"]],
  ["one after a version that did not end", verdict(), failed, []],
  ["one that was tried by no seen cases", verdict({ seen: { passed: 0, total: 0 } }), undefined, ["ZERO_TESTS"]],
  ["one that was tried by no held-back cases", verdict({ held: { passed: 0, total: 0 } }), verdict(), ["ZERO_TESTS"]],
  [
    "a first one that passes nothing",
    verdict({ score: 0, seen: { passed: 0, total: 3 }, held: { passed: 0, total: 4 } }),
    undefined,
    ["NOTHING_PASSED"],
  ],
  ["one that became constant", verdict({ flags: ["CONSTANT"] }), verdict(), ["CONSTANT"]],
  ["one that learned by heart", verdict({ flags: ["MEMORISED"] }), verdict(), ["MEMORISED"]],
  ["one that was constant already", verdict({ flags: ["CONSTANT"] }), verdict({ flags: ["CONSTANT"] }), []],
];

for (const [what, after, before, reasons] of CASES) {
  Deno.test(`trial: ${what}`, () => {
    assert.deepEqual(judgeTrial(after, before), { ok: reasons.length === 0, reasons });
  });
}
