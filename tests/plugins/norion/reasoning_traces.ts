/** Synthetic chains of reasoning with at most one slip at a known step: sums in words, and derivations by rules. */
import type { Random } from "../../../kernel/mod.ts";
import type { InferenceRule, ProofStep } from "../../../plugins/norion/review/trace.ts";
import type { Term } from "../../../plugins/rmil/contract.ts";

const OPS = ["+", "-", "*"] as const;
const apply = (op: string, a: bigint, b: bigint) => op === "+" ? a + b : op === "-" ? a - b : a * b;

/** A chain of named sums in words, with at most one slip at a known step. */
export const arithmeticTrace = (
  draw: Random,
  slip: boolean,
): { readonly steps: ReadonlyArray<string>; readonly wrong: number | undefined } => {
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

/** A variable. */
export const v = (name: string): Term => ({ kind: "variable", name });
/** A compound. */
export const c = (functor: string, ...args: ReadonlyArray<Term>): Term => ({ kind: "compound", functor, args });

/** The rules of the derivations. */
export const RULES: ReadonlyArray<InferenceRule> = [
  { name: "modus ponens", premises: [c("implies", v("P"), v("Q")), v("P")], conclusion: v("Q") },
  { name: "and", premises: [v("P"), v("Q")], conclusion: c("and", v("P"), v("Q")) },
  { name: "left", premises: [c("and", v("P"), v("Q"))], conclusion: v("P") },
  { name: "or", premises: [v("P")], conclusion: c("or", v("P"), v("Q")) },
];

/** A derivation from random axioms; a slip changes what one step claims. */
export const proofTrace = (draw: Random, slip: boolean): {
  readonly steps: ReadonlyArray<ProofStep>;
  readonly axioms: ReadonlyArray<Term>;
  readonly wrong: number | undefined;
} => {
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
