/** Chains of reasoning: judged by an operation, found in answers, mended, rewarded and said why. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { type Json, type JsonObject, random } from "../../../kernel/mod.ts";
import { chainOf, complaintsOn } from "../../../plugins/norion/review/chain.ts";
import type { Term } from "../../../plugins/rmil/contract.ts";
import { symbolicDefault } from "../../../plugins/rmil/library.ts";
import { callAs, inWorkspace } from "../../workspace.ts";
import { drafted, exchange, withNorion } from "./answering.ts";
import { call, withPrograms } from "./program_models.ts";
import { arithmeticTrace, proofTrace } from "./reasoning_traces.ts";

const PROMPT = "A crate holds 12 jars, and 4 of 5 crates are full. How many jars are there?";
const RIGHT = "There are full = 5 - 1 = 4 crates. So jars = full * 12 = 48. With one more it is total = jars + 1 = 49.";
const WRONG = "There are full = 5 - 1 = 4 crates. So jars = full * 12 = 46. With one more it is total = jars + 1 = 47.";

const printed = (term: Term): string =>
  term.kind === "variable"
    ? term.name
    : term.kind === "compound" && term.args.length > 0
    ? `${term.functor}(${term.args.map(printed).join(", ")})`
    : (term as Extract<Term, { readonly kind: "compound" }>).functor;

Deno.test("the operation blames the first wrong step of random calculations and proofs, and no step of sound ones", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const draw = random("chains by operation");
      for (let i = 0; i < 24; i++) {
        const { steps, wrong } = arithmeticTrace(draw, i % 2 === 0);
        const judged = yield* call(kernel, "norion.judge", { steps });
        assert.equal(judged.wrong, wrong === undefined ? undefined : wrong + 1, steps.join("\n"));
        const rewards = (judged.steps as ReadonlyArray<JsonObject>).map(({ reward }) => reward);
        if (wrong === undefined) assert.ok(rewards.every((reward) => reward === 1000));
        else assert.ok(rewards[wrong] === 0 && rewards.slice(wrong + 1).every((reward) => Number(reward) <= 500));
      }
      for (let i = 0; i < 24; i++) {
        const { steps, axioms, wrong } = proofTrace(draw, i % 2 === 0);
        const proof = steps.map(({ claim, by, from }, at) =>
          `${at + 1}. ${printed(claim)} [${[by, from.map((step) => step + 1).join(", ")].join(" ").trim()}]`
        ).join("\n");
        const judged = yield* call(kernel, "norion.judge", { proof, axioms: axioms.map(printed) });
        assert.equal(judged.kind, "proof");
        assert.equal(judged.wrong, wrong === undefined ? undefined : wrong + 1, proof);
        assert.equal((judged.evidence as JsonObject).result, wrong === undefined ? 1000 : 0);
      }
    })
  ));

Deno.test("what cannot be decided is unknown and earns half, and what is no chain is refused with its place", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const open = yield* call(kernel, "norion.judge", { steps: ["y = x + 1", "a = 2 + 2 = 4"] });
      assert.deepEqual(open.steps, [{ verdict: "unknown", reward: 500 }, { verdict: "right", reward: 1000 }]);
      assert.deepEqual([open.wrong, open.evidence], [undefined, { witness: "arithmetic" }]);
      const refusals: ReadonlyArray<readonly [Json, string]> = [
        [{}, ""],
        [{ steps: ["1 = 1"], proof: "1. p [given]" }, ""],
        [{ steps: [] }, "/steps"],
        [{ proof: "1. p [given]" }, "/axioms"],
        [{ proof: "no steps at all", axioms: ["p"] }, "/proof"],
        [{ proof: "1. p [given]", axioms: ["p("] }, "/axioms/0"],
        [{ proof: "1. p [given]", axioms: ["p"], rules: ["x: p"] }, "/rules/0"],
      ];
      for (const [input, path] of refusals) {
        const failure = yield* Effect.flip(callAs(kernel, "norion.judge", input));
        assert.deepEqual([failure.code, failure.path ?? ""], ["NORION_REQUEST", path], JSON.stringify(input));
      }
    })
  ));

Deno.test("one equation is no chain, and a step that was given its numbers by a wrong one is not blamed", () => {
  const of = (answer: string) => chainOf(PROMPT, answer, {}, symbolicDefault);
  assert.equal(of("That is 4 * 12 = 48."), undefined);
  assert.deepEqual(of(RIGHT)?.verdicts, ["right", "right", "right"]);
  assert.deepEqual([of(WRONG)?.verdicts, of(WRONG)?.blame], [["right", "wrong", "right"], 1]);
  assert.deepEqual(complaintsOn(of(WRONG)), ['step 2 of 3 is wrong, "So jars = full * 12 = 46"']);
  assert.deepEqual([complaintsOn(of(RIGHT)), complaintsOn(undefined)], [[], []]);
});

Deno.test("a wrong step lowers the reward of a request by what the steps after it were worth, too", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      const { settled: right, conclusion: good } = yield* exchange(norion, PROMPT, RIGHT);
      const { settled: wrong, conclusion: bad } = yield* exchange(norion, PROMPT, WRONG);
      assert.deepEqual(right.chain, { kind: "arithmetic", steps: 3, right: 3, reward: 1000 });
      assert.deepEqual(wrong.chain, { kind: "arithmetic", steps: 3, right: 2, reward: 500, wrong: 2 });
      assert.ok(bad.reward.steps.reflection < good.reward.steps.reflection / 2);
      const { settled: none } = yield* exchange(norion, PROMPT, "There are 49 jars in all, one of them alone.");
      assert.equal(none.chain, undefined);
    })
  ));

Deno.test("a draft with a wrong step is asked for again with that step, and kept where it holds then", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      const { draft, settled, told } = yield* drafted(norion, PROMPT, [WRONG, RIGHT]);
      assert.deepEqual([draft.text, draft.calls, draft.repaired, settled.proven], [RIGHT, 2, true, true]);
      assert.ok(told[1].includes('step 2 of 3 is wrong, "So jars = full * 12 = 46"'));
    })
  ));

Deno.test("an answer says how its steps were judged, and why says which was the first wrong one, in no word of it", () =>
  withPrograms({ clerk: { answer: WRONG, quality: 0.9, cost: 0 } }, (kernel) =>
    Effect.gen(function* () {
      const made = yield* call(kernel, "norion.ask", { prompt: PROMPT, reach: "machine" });
      assert.deepEqual(made.steps, { kind: "arithmetic", steps: 3, right: 2, reward: 500, wrong: 2 });
      const { lines } = yield* call(kernel, "norion.why", {}) as Effect.Effect<never>;
      const text = (lines as ReadonlyArray<string>).join("\n");
      assert.match(text, /steps: 2 of 3 right by arithmetic, the first wrong one is step 2; reward 0\.500/u);
      assert.doesNotMatch(text, /jars|crates/u);
    })));

Deno.test("a program that was named to judge and is not there lowers the reward, one that judges raises it (20.18)", () =>
  withNorion((norion) =>
    Effect.gen(function* () {
      const judgedBy = (end: { readonly code: number; readonly stopped?: string }) =>
        Effect.map(
          exchange(norion, "What is blue?", "The sky is blue, and the sea is blue where the sky is.", {
            profile: "coding",
            materials: { program: "judge" },
            judges: { program: () => Effect.succeed(end) },
          }),
          ({ conclusion }) => conclusion.reward.total,
        );
      assert.ok((yield* judgedBy({ code: 0 })) > (yield* judgedBy({ code: -1, stopped: "absent" })) + 0.18);
    })
  ));
