/** Suites that can judge and those that cannot, what matches what, and verdicts computed by hand. */
import assert from "node:assert/strict";
import { judgeSaid, MEMORISED_GAP } from "../../../../plugins/evolution/evaluators/judging.ts";
import { matches, MAX_CASE_DEPTH } from "../../../../plugins/evolution/evaluators/matching.ts";
import type { Said } from "../../../../plugins/evolution/evaluators/answers.ts";
import {
  checkedSuite,
  MAX_CASES,
  type Suite,
  suiteDigest,
  trivialScore,
} from "../../../../plugins/evolution/evaluators/suite.ts";
import { isEvolutionFailure } from "../../../../plugins/evolution/failures.ts";
import type { Json } from "../../../../kernel/json.ts";

const cases = (wants: ReadonlyArray<Json>, from = 0) => wants.map((want, n) => ({ input: from + n, wants: want }));

/** Four seen cases that want 0, 1, 2, 3, and four held-back ones that want 4, 5, 6, 4. */
const SUITE: Suite = { name: "numbers", kind: "module", seen: cases([0, 1, 2, 3]), held: cases([4, 5, 6, 4], 4) };

const said = (...values: ReadonlyArray<Json>): Said => ({
  answers: values.map((value) => ({ text: JSON.stringify(value) })),
});

const fails = (suite: Suite): string => {
  try {
    checkedSuite(suite);
  } catch (thrown) {
    if (isEvolutionFailure(thrown) && thrown.code === "EVOLUTION_SUITE") return `${thrown.path} ${thrown.message}`;
    throw thrown;
  }
  return "";
};

Deno.test("zero cases judge nothing: neither seen nor held back", () => {
  assert.match(fails({ ...SUITE, seen: [] }), /\/suite\/seen .*no cases/u);
  assert.match(fails({ ...SUITE, held: [] }), /\/suite\/held .*no cases/u);
  assert.equal(judgeSaid({ ...SUITE, seen: [], held: [] }, said()).failed?.code, "SHAPE");
});

Deno.test("a suite that one answer passes, that shows what it holds back, or that has two cases of a name is refused", () => {
  assert.match(fails({ ...SUITE, held: cases([7, 7, 7], 4) }), /one answer/u);
  assert.match(fails({ ...SUITE, held: cases([1, 1.5, 0.5], 4), tolerance: 0.5 }), /one answer/u);
  assert.match(fails({ ...SUITE, held: cases([4, 5], 3) }), /can be seen/u);
  const named = [{ name: "a", input: 0, wants: 0 }, { name: "a", input: 1, wants: 1 }];
  assert.match(fails({ ...SUITE, seen: named }), /two cases/u);
  assert.equal(fails(SUITE), "");
});

Deno.test("a suite has so many cases and nests so deep, and no more", () => {
  const many = (count: number) => ({ ...SUITE, held: cases(Array.from({ length: count - 4 }, (_, n) => n), 4) });
  assert.equal(fails(many(MAX_CASES)), "");
  assert.match(fails(many(MAX_CASES + 1)), /more than/u);
  const nested = (depth: number): Json => depth === 0 ? 1 : [nested(depth - 1)];
  assert.equal(fails({ ...SUITE, held: [...SUITE.held, { input: nested(MAX_CASE_DEPTH), wants: 1 }] }), "");
  assert.match(fails({ ...SUITE, held: [...SUITE.held, { input: nested(MAX_CASE_DEPTH + 1), wants: 1 }] }), /deeper/u);
});

Deno.test("another suite has another digest", () => {
  const others = [
    { ...SUITE, tolerance: 0 },
    { ...SUITE, held: cases([4, 5, 6, 5], 4) },
    { ...SUITE, name: "others" },
  ];
  assert.equal(new Set([SUITE, ...others].map(suiteDigest)).size, 4);
});

Deno.test("what matches: numbers within the tolerance, everything else exactly and by type", () => {
  const pairs: ReadonlyArray<readonly [found: unknown, wanted: Json, tolerance: number, does: boolean]> = [
    [1, 1, 0, true],
    [1 + 1e-9, 1, 1e-6, true],
    [1 + 2e-6, 1, 1e-6, false],
    [1_000_001, 1_000_000, 1e-6, true],
    [1_000_002, 1_000_000, 1e-6, false],
    [Number.NaN, 1, 1, false],
    [Number.POSITIVE_INFINITY, 1, 1, false],
    [true, 1, 1, false],
    [1, true, 1, false],
    ["1", 1, 1, false],
    [null, 0, 1, false],
    [undefined, null, 0, false],
    [null, null, 0, true],
    [[1, 2], [1, 2], 0, true],
    [[1, 2, 3], [1, 2], 0, false],
    [[1], [1, 2], 0, false],
    [{ 0: 1, 1: 2, length: 2 }, [1, 2], 0, false],
    [{ a: 1 }, { a: 1 }, 0, true],
    [{ a: 1, b: 2 }, { a: 1 }, 0, false],
    [Object.create({ a: 1 }), { a: 1 }, 0, false],
    [[["a"]], [["a"]], 0, true],
  ];
  for (const [found, wanted, tolerance, does] of pairs) {
    assert.equal(matches(found, wanted, tolerance), does, `${JSON.stringify([found, wanted])} ${tolerance}`);
  }
});

Deno.test("the score is the share of held-back cases passed, whatever was passed of the seen ones", () => {
  assert.equal(trivialScore(SUITE), 0.5);
  const verdict = judgeSaid(SUITE, said(0, 1, 2, 3, 4, 5, 6, 0));
  assert.deepEqual([verdict.score, verdict.seen, verdict.held, verdict.flags, verdict.missed], [
    0.75,
    { passed: 4, total: 4 },
    { passed: 3, total: 4 },
    [],
    [],
  ]);
  const seenOnly = judgeSaid(SUITE, said(0, 1, 2, 3, 9, 9, 9, 9));
  assert.deepEqual([seenOnly.score, seenOnly.flags], [0, ["MEMORISED", "TRIVIAL"]]);
  const heldOnly = judgeSaid(SUITE, said(9, 9, 9, 9, 4, 5, 6, 4));
  assert.deepEqual([heldOnly.score, heldOnly.missed], [1, ["case 1", "case 2", "case 3", "case 4"]]);
});

Deno.test("memory is called so above the gap, and not at it", () => {
  assert.equal(MEMORISED_GAP, 0.25);
  assert.deepEqual(judgeSaid(SUITE, said(0, 1, 2, 3, 4, 5, 6, 9)).flags, []);
  assert.deepEqual(judgeSaid(SUITE, said(0, 1, 2, 3, 4, 5, 9, 9)).flags, ["MEMORISED", "TRIVIAL"]);
});

Deno.test("a constant is worth the best constant at most, also where the tolerance would be kinder to it", () => {
  // 1 lies within the tolerance of every case but the last; of the wanted answers, 0.6 passes three as well.
  const suite: Suite = { ...SUITE, held: cases([0, 2, 0.5, 9], 4), tolerance: 1 };
  const verdict = judgeSaid(suite, said(1, 1, 1, 1, 1, 1, 1, 1));
  assert.ok(verdict.score <= trivialScore(suite));
  assert.ok(verdict.flags.includes("CONSTANT") && verdict.flags.includes("TRIVIAL"));
});

Deno.test("whoever differs from itself, or does not answer once to each case, has the score 0 and a reason", () => {
  const first = said(0, 1, 2, 3, 4, 5, 6, 4);
  assert.equal(judgeSaid(SUITE, first, first).score, 1);
  const cases: ReadonlyArray<readonly [Said, Said | undefined, string]> = [
    [first, said(0, 1, 2, 3, 4, 5, 6, 5), "UNSTABLE"],
    [first, { answers: [...(first as { answers: [] }).answers.slice(1), { none: "threw" }] }, "UNSTABLE"],
    [said(0, 1, 2), undefined, "SHAPE"],
    [first, said(0), "SHAPE"],
    [{ failed: "TIMEOUT", detail: "late" }, undefined, "TIMEOUT"],
    [first, { failed: "MEMORY", detail: "much" }, "MEMORY"],
  ];
  for (const [one, again, code] of cases) {
    const verdict = judgeSaid(SUITE, one, again);
    assert.deepEqual([verdict.score, verdict.failed?.code, verdict.held.passed], [0, code, 0]);
  }
});

Deno.test("an answer that is no JSON, or says nothing, passes no case", () => {
  const answers = [
    { text: "{" },
    { none: "threw" },
    { text: "2" },
    { text: "3" },
    ...[4, 5, 6, 4].map((n) => ({
      text: String(n),
    })),
  ];
  const verdict = judgeSaid(SUITE, { answers });
  assert.deepEqual([verdict.seen.passed, verdict.missed, verdict.flags], [2, ["case 1", "case 2"], ["SILENT"]]);
});
