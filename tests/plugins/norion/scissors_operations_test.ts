/** Genes through the kernel: the whole road of an edit by operations, and that requests feel it. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { at, type Failure, type Json, type Kernel } from "../../../kernel/mod.ts";
import { callAs, inWorkspace, OPEN_POLICY } from "../../workspace.ts";

const POLICY = {
  ...OPEN_POLICY,
  proposals: [{ domain: "genome.*", writes: true, evidence: 1, quorum: 1, benefit: false }],
};

const EDIT = {
  profile: "coding",
  edit: { kind: "splice", strategy: "code", take: "recall-more" },
  evidence: [{ summary: "Answers missed facts that were remembered" }],
  expected: { metric: "recalled", direction: "up", bound: 750 },
  validation: [{ operation: "norion.trial" }],
};

const text = (value: Json, pointer: string): string => at(value, pointer) as string;

const planned = (kernel: Kernel) =>
  Effect.map(
    callAs(kernel, "norion.plan", { prompt: "Where does the parser live?", profile: "coding", device: "server" }),
    (plan) => (at(plan, "/lines") as ReadonlyArray<string>).find((line) => line.startsWith("genome"))!,
  );

const validated = (kernel: Kernel, edit: Json) =>
  Effect.gen(function* () {
    const proposed = yield* callAs(kernel, "norion.propose", edit);
    const proposal = text(proposed, "/proposal");
    const judged = yield* callAs(kernel, "proposals.validate", { proposal });
    return { proposal, reasons: at(judged, "/reasons") as ReadonlyArray<string>, state: text(judged, "/state") };
  });

Deno.test("an edit goes the whole road by operations: proposed, tried, previewed, approved, applied, felt by plans, undone", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const before = yield* callAs(kernel, "norion.genome", { profile: "coding" });
      const plain = yield* planned(kernel);
      const { proposal, state } = yield* validated(kernel, EDIT);
      assert.equal(state, "ready");
      const preview = yield* callAs(kernel, "norion.preview", { proposal });
      assert.deepEqual(yield* callAs(kernel, "norion.preview", { proposal }), preview);
      assert.deepEqual(at(preview, "/knobs"), { "retrieval.topK": { before: 4, after: 6 } });
      assert.equal(at(preview, "/outcome"), "ready");
      yield* callAs(kernel, "proposals.decide", { proposal, verdict: "approve" });
      const done = yield* callAs(kernel, "norion.apply", { proposal });
      assert.deepEqual([at(done, "/state"), at(done, "/generation"), at(done, "/digest")], [
        "applied",
        1,
        at(preview, "/after"),
      ]);
      const felt = yield* planned(kernel);
      assert.notEqual(felt, plain);
      assert.match(felt, /gene:coding:recall-more/u);
      const measured = yield* callAs(kernel, "norion.genome", { profile: "coding", measure: true });
      const genes = at(measured, "/measured/genes") as ReadonlyArray<{ readonly gene: string; readonly worth: Json }>;
      const worth = genes.find(({ gene }) => gene === "gene:coding:recall-more")!.worth;
      assert.ok(at(worth, "/recalled") as number > 0);
      const undone = yield* callAs(kernel, "norion.rollback", { proposal });
      assert.deepEqual(at(undone, "/undone"), [proposal]);
      assert.equal(at(undone, "/digest"), at(before, "/digest"));
      assert.deepEqual(yield* callAs(kernel, "norion.genome", { profile: "coding" }), before);
      assert.equal(yield* planned(kernel), plain);
    }), POLICY));

Deno.test("the same change approved by nobody, or sent by an agent that approves itself, is not applied", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { proposal } = yield* validated(kernel, EDIT);
      const code = (operation: string, input: Json, actor: "agent:a" | "user@tty") =>
        Effect.match(kernel.invoke({ operation, input, actor }), {
          onSuccess: () => "ok",
          onFailure: (failed: Failure) => failed.code,
        });
      assert.equal(yield* code("norion.apply", { proposal }, "user@tty"), "EFFECTS_ADMISSION");
      assert.equal(
        yield* code("proposals.decide", { proposal, verdict: "approve" }, "agent:a"),
        "EFFECTS_NOT_APPROVER",
      );
      yield* callAs(kernel, "proposals.decide", { proposal, verdict: "approve" });
      assert.equal(yield* code("norion.apply", { proposal }, "agent:a"), "ok");
      assert.equal(yield* code("norion.apply", { proposal }, "agent:a"), "EFFECTS_ADMISSION");
      assert.equal(yield* code("norion.rollback", { proposal }, "agent:a"), "ok");
      assert.equal(yield* code("norion.rollback", { proposal }, "agent:a"), "EFFECTS_ADMISSION");
    }), POLICY));

Deno.test("requests leave the trace of the genes that spoke, and what was said of them moves those genes", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const fitness = Effect.map(
        callAs(kernel, "norion.genome", { profile: "general" }),
        (genome) => (at(genome, "/genes") as ReadonlyArray<{ readonly fitness: number; readonly uses: number }>)[0],
      );
      yield* callAs(kernel, "norion.ask", { prompt: "Hello there" });
      assert.deepEqual(yield* Effect.map(fitness, ({ fitness, uses }) => [fitness, uses]), [500, 1]);
      const events = yield* callAs(kernel, "ledger.events", { type: "norion.genome.expressed" });
      const [{ data }] = at(events, "/events") as ReadonlyArray<{ readonly data: Json }>;
      assert.equal((at(data, "/spoke") as ReadonlyArray<Json>).length, 7);
      assert.equal(at(data, "/profile"), "general");
      assert.ok(!JSON.stringify(data).includes("Hello"));
      const [observed] = at(
        yield* callAs(kernel, "ledger.events", { type: "norion.genome.observed" }),
        "/events",
      ) as ReadonlyArray<Json>;
      assert.equal(at(observed, "/data/request"), at(data, "/request"));
    }), POLICY));

Deno.test("a strategy that has no such gene names those it has", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const edit = { ...EDIT, edit: { ...EDIT.edit, take: "recall-mor" } };
      const failed = yield* Effect.flip(callAs(kernel, "norion.propose", edit));
      assert.equal(failed.code, "NORION_EDIT");
      assert.ok(failed.suggestions.includes("recall-more"));
    }), POLICY));
