/**
 * Evaluate: a candidate against a suite, guarded: it never meets the right answers, the judge or its own score.
 *
 * Invariant: whatever a candidate is or does, the answer is a verdict; only what the host itself lacks is a failure.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Sandbox, SandboxLimits } from "../../../effects/mod.ts";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import { type Random, random } from "../../../kernel/random.ts";
import type { Workers } from "../../../kernel/workers.ts";
import type { Candidate as SearchCandidate, Scores } from "../contract.ts";
import type { Evaluator } from "../run.ts";
import type { Said } from "./answers.ts";
import { judgeSaid, type Verdict } from "./judging.ts";
import { moduleAnswers } from "./modules.ts";
import { graphAnswers, programAnswers, type ProgramLimits } from "./programs.ts";
import { type Suite, suiteDigest } from "./suite.ts";

/**
 * What is judged: a program's bytes, a typed graph's bytes, a module's text, or settings by the module that reads them: it
 * is given `{settings, input}` in place of the input.
 */
export type Candidate =
  | { readonly program: Uint8Array }
  | { readonly graph: Uint8Array }
  | { readonly module: string; readonly settings?: Json };

/** What candidates may use. */
export interface Limits {
  /** Of a module. */
  readonly module?: Partial<SandboxLimits>;
  /** Of a program. */
  readonly program?: Partial<ProgramLimits>;
}

/** What evaluating needs. */
export type Evaluates = Sandbox | Workers;

/** The order in which cases are asked: seen and held-back ones are mixed, so that neither kind can be told by its place. */
const orderOf = (suite: Suite): ReadonlyArray<number> => {
  const count = suite.seen.length + suite.held.length;
  const order = Array.from({ length: count }, (_, index) => index);
  const chance: Random = random(suiteDigest(suite));
  for (let last = count - 1; last > 0; last--) {
    const other = chance.below(last + 1);
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
};

/** Answers back in the suite's order. */
const inOrder = (said: Said, order: ReadonlyArray<number>): Said => {
  if ("failed" in said) return said;
  const answers = new Array(order.length);
  for (const [place, index] of order.entries()) answers[index] = said.answers[place];
  return { answers };
};

const askedIn = (
  suite: Suite,
  order: ReadonlyArray<number>,
  ask: (inputs: ReadonlyArray<Json>) => Effect.Effect<Said, KernelFailure, Evaluates>,
) => {
  const cases = [...suite.seen, ...suite.held];
  return Effect.map(ask(order.map((index) => cases[index].input)), (said) => inOrder(said, order));
};

/**
 * Judges a candidate. A module is asked twice, in two processes and in opposite orders: what it says must not depend on
 * chance, time or what it was asked before. A program cannot depend on any of them and is asked once.
 */
export const evaluate = (
  candidate: Candidate,
  suite: Suite,
  limits: Limits = {},
): Effect.Effect<Verdict, KernelFailure, Evaluates> =>
  Effect.gen(function* () {
    const order = orderOf(suite);
    if (!("module" in candidate)) {
      const said = yield* askedIn(suite, order, (inputs) =>
        "program" in candidate
          ? programAnswers(candidate.program, inputs, limits.program)
          : graphAnswers(candidate.graph, inputs, limits.program));
      return judgeSaid(suite, said);
    }
    const { module, settings } = candidate;
    const ask = (inputs: ReadonlyArray<Json>) =>
      moduleAnswers(
        module,
        settings === undefined ? inputs : inputs.map((input) => ({ settings, input })),
        limits.module,
      );
    const said = yield* askedIn(suite, order, ask);
    if ("failed" in said) {
      return judgeSaid(suite, said);
    }
    return judgeSaid(suite, said, yield* askedIn(suite, order.toReversed(), ask));
  });

/**
 * An evaluator of a search over a suite: the share of held-back cases missed is to be minimised, and the candidate's size
 * beside it where that is asked for. A candidate that fails as a whole has the worst score, with the reason.
 */
export const suiteEvaluator = <G>(
  suite: Suite,
  candidateOf: (genome: G) => Candidate,
  { limits = {}, sizeOf }: { readonly limits?: Limits; readonly sizeOf?: (genome: G) => number } = {},
): Evaluator<G, Evaluates> =>
({ genome }: SearchCandidate<G>): Effect.Effect<Scores, unknown, Evaluates> =>
  Effect.gen(function* () {
    const made = yield* Effect.try({ try: () => candidateOf(genome), catch: (cause) => cause });
    const { score, failed } = yield* evaluate(made, suite, limits);
    if (failed !== undefined) return yield* Effect.fail(`${failed.code}: ${failed.detail}`);
    return { objectives: [1 - score, ...(sizeOf === undefined ? [] : [sizeOf(genome)])] };
  });
