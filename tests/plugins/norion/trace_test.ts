import assert from "node:assert/strict";
import { random } from "../../../kernel/mod.ts";
import { symbolicDefault } from "../../../plugins/rmil/library.ts";
import { checkEquations, valueOf } from "../../../plugins/norion/review/arithmetic.ts";
import { judgeArithmetic, judgeProof, type ProofStep } from "../../../plugins/norion/review/trace.ts";
import { arithmeticTrace, c, proofTrace, RULES, v } from "./reasoning_traces.ts";

const holds = (text: string) => checkEquations(text).equations.map((equation) => equation.holds);

Deno.test("equations are found among words and checked exactly", () => {
  assert.deepEqual(holds("She has 3 + 4 = 7 apples, so 7 * 2 = 14 in all."), [true, true]);
  assert.deepEqual(holds("That makes 12 × 12 = 154."), [false]);
  assert.deepEqual(holds("0.1 + 0.2 = 0.3"), [true]);
  assert.deepEqual(holds("10 / 3 = 3.33"), [true]);
  assert.deepEqual(holds("10 / 3 = 3.34"), [false]);
  assert.deepEqual(holds("1,200 - 200 = 1,000"), [true]);
  assert.deepEqual(holds("2^10 = 1024 = 32 * 32"), [true]);
  assert.deepEqual(holds("-3 * -3 = 9"), [true]);
  assert.deepEqual(holds("-2^2 = -4"), [true]);
  assert.deepEqual(holds("$5 + $6 = $11"), [true]);
});

Deno.test("what cannot be decided is not judged: unknown names, division by zero, no equation", () => {
  assert.deepEqual(holds("E = mc"), [undefined]);
  assert.deepEqual(holds("1 / 0 = 7"), [undefined]);
  assert.deepEqual(holds("nothing here"), []);
  assert.equal(valueOf("(".repeat(5000)), undefined);
  assert.equal(valueOf("9^99^99"), undefined);
});

Deno.test("names stand for what was stated, right or wrong", () => {
  assert.deepEqual(judgeArithmetic(["a = 3 + 4 = 8", "b = a * 2 = 16", "b - 1 = 15"]), {
    steps: ["wrong", "right", "right"],
    blame: 0,
  });
});

Deno.test("the first wrong step is found in 300 arithmetic and proof traces, and nothing right is blamed", () => {
  for (let seed = 0; seed < 150; seed++) {
    const draw = random(seed);
    const sums = arithmeticTrace(draw, seed % 3 !== 0);
    assert.equal(judgeArithmetic(sums.steps).blame, sums.wrong, sums.steps.join("\n"));
    const proof = proofTrace(draw, seed % 3 !== 0);
    const { blame } = judgeProof(proof.steps, proof.axioms, RULES, symbolicDefault);
    assert.equal(blame, proof.wrong, JSON.stringify(proof.steps));
  }
});

Deno.test("a step that leans on itself, on a later one, or on an unknown rule is not right", () => {
  const steps: ReadonlyArray<ProofStep> = [
    { claim: c("p"), by: "left", from: [0] },
    { claim: c("or", c("p"), c("q")), by: "or", from: [2] },
    { claim: c("p"), by: "magic", from: [] },
  ];
  assert.deepEqual(judgeProof(steps, [], RULES, symbolicDefault).steps, ["wrong", "wrong", "unknown"]);
});

Deno.test("a claim's own variables are not filled in to make a rule fit", () => {
  const steps: ReadonlyArray<ProofStep> = [
    { claim: c("even", v("X")), by: "given", from: [] },
  ];
  assert.deepEqual(judgeProof(steps, [c("even", c("two"))], RULES, symbolicDefault).steps, ["wrong"]);
});
