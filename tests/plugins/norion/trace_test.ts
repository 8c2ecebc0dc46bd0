import assert from "node:assert/strict";
import { type Random, random } from "../../../kernel/mod.ts";
import type { Term } from "../../../plugins/rmil/contract.ts";
import { symbolicDefault } from "../../../plugins/rmil/library.ts";
import { checkEquations, valueOf } from "../../../plugins/norion/review/arithmetic.ts";
import {
  type InferenceRule,
  judgeArithmetic,
  judgeProof,
  type ProofStep,
} from "../../../plugins/norion/review/trace.ts";

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

const OPS = ["+", "-", "*"] as const;
const apply = (op: string, a: bigint, b: bigint) => op === "+" ? a + b : op === "-" ? a - b : a * b;

/** A chain of named sums in words, with at most one slip at a known step. */
const arithmeticTrace = (draw: Random, slip: boolean) => {
  const length = 3 + draw.below(8);
  const wrong = slip ? draw.below(length) : undefined;
  const values: bigint[] = [];
  const steps = Array.from({ length }, (_, i) => {
    const earlier = i > 0 && draw.below(2) === 0 ? draw.below(i) : undefined;
    const a = earlier === undefined ? BigInt(draw.below(500)) : values[earlier];
    const b = BigInt(1 + draw.below(90));
    const op = draw.pick(OPS);
    const off = i === wrong ? BigInt(1 + draw.below(20)) * (draw.below(2) === 0 ? 1n : -1n) : 0n;
    const value = apply(op, a, b) + off;
    values.push(value);
    const left = earlier === undefined ? `${a}` : `x${earlier}`;
    const words = draw.pick(["So", "Then we get", "Therefore", "所以", "Next,"]);
    return `${words} x${i} = ${left} ${op} ${b} = ${value}.`;
  });
  return { steps, wrong };
};

const v = (name: string): Term => ({ kind: "variable", name });
const c = (functor: string, ...args: ReadonlyArray<Term>): Term => ({ kind: "compound", functor, args });

const RULES: ReadonlyArray<InferenceRule> = [
  { name: "modus ponens", premises: [c("implies", v("P"), v("Q")), v("P")], conclusion: v("Q") },
  { name: "and", premises: [v("P"), v("Q")], conclusion: c("and", v("P"), v("Q")) },
  { name: "left", premises: [c("and", v("P"), v("Q"))], conclusion: v("P") },
  { name: "or", premises: [v("P")], conclusion: c("or", v("P"), v("Q")) },
];

/** A derivation from random axioms; a slip changes what one step claims. */
const proofTrace = (draw: Random, slip: boolean) => {
  const atoms = Array.from({ length: 6 }, (_, i) => c(`p${i}`));
  const axioms = [atoms[0], atoms[1], ...atoms.slice(1).map((to, i) => c("implies", atoms[i], to))];
  const steps: ProofStep[] = axioms.map((claim) => ({ claim, by: "given", from: [] }));
  for (let i = 0; i < 6; i++) {
    const [a, b] = [draw.below(steps.length), draw.below(steps.length)];
    const ponens = steps.findIndex(({ claim }) =>
      claim.kind === "compound" && claim.functor === "implies" &&
      JSON.stringify(claim.args[0]) === JSON.stringify(steps[a].claim)
    );
    if (ponens >= 0) {
      const { args } = steps[ponens].claim as Extract<Term, { readonly kind: "compound" }>;
      steps.push({ claim: args[1], by: "modus ponens", from: [ponens, a] });
    } else if (draw.below(2) === 0) {
      steps.push({ claim: c("and", steps[a].claim, steps[b].claim), by: "and", from: [a, b] });
    } else steps.push({ claim: c("or", steps[a].claim, atoms[draw.below(6)]), by: "or", from: [a] });
  }
  const wrong = slip ? axioms.length + draw.below(6) : undefined;
  if (wrong !== undefined) steps[wrong] = { ...steps[wrong], claim: c("not", steps[wrong].claim) };
  return { steps, axioms, wrong };
};

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
