/** Self-modification: typed edits of registered subjects, tried, admitted, applied, and undone to the identical document. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import type { Actor } from "../../../../kernel/actor.ts";
import { digestJson } from "../../../../kernel/digest.ts";
import type { Failure, Json, Kernel } from "../../../../kernel/mod.ts";
import { canonical, encodeProgram, parse } from "../../../../plugins/rmil/library.ts";
import { inWorkspace } from "../../../workspace.ts";

// deno-lint-ignore no-explicit-any
type Answer = any;

const call = (kernel: Kernel, operation: string, input: Json, actor: Actor = "agent:a") =>
  kernel.invoke({ operation, input, actor }) as Effect.Effect<Answer, Failure>;

const number = (value: number) => ({ type: "f32", values: [value] });
const cases = (inputs: ReadonlyArray<number>) =>
  inputs.map((x) => ({ name: `at ${x}`, input: { x: number(x) }, wants: number(3 * x + 1) }));

const HELD = cases([3, 4, -5, -6]);

/** 3 x + 1, on numbers. */
const SUITE = {
  name: "affine",
  kind: "program",
  seen: cases([0, 1, 2]),
  held: JSON.stringify(HELD),
  tolerance: 1e-6,
};

/** Right from 0 on: half of what is held back. */
const FIRST = "mul(3.0) >> add(1.0) >> max(0.0)";

const decide = (kernel: Kernel, { proposal }: Answer) =>
  Effect.andThen(
    call(kernel, "proposals.decide", { proposal, verdict: "approve" }, "user@tty"),
    call(kernel, "evolution.apply", { proposal }),
  );

const registered = (kernel: Kernel, program = FIRST) =>
  Effect.gen(function* () {
    const made = yield* call(kernel, "evolution.registerProgram", { name: "affine", program, suite: SUITE });
    assert.equal(made.state, "ready", made.reasons.join());
    return yield* decide(kernel, made);
  });

const TARGET = "programs.affine";

const modify = (kernel: Kernel, edit: Json, target = TARGET) =>
  call(kernel, "evolution.modify", { target, edit, reason: "a test" });

const submitted = (kernel: Kernel, proposal: Answer, change: Answer) => {
  const { id: _id, proposer: _proposer, base: _base, rollbackTarget: _target, ...draft } = proposal;
  return call(kernel, "proposals.submit", { ...draft, ...change });
};

const recordOf = (kernel: Kernel, proposal: string) =>
  Effect.map(call(kernel, "proposals.show", { proposal }), ({ record }) => record);

Deno.test("a better version is tried, admitted, approved, applied as one event, and undone to the identical digest", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const first = yield* registered(kernel);
      assert.deepEqual([first.state, first.by], ["applied", "user@tty"]);
      const made = yield* modify(kernel, { kind: "delete", path: "/b" });
      assert.deepEqual([made.state, made.version, made.reasons], ["ready", 2, []]);
      assert.deepEqual([made.trial.before.score, made.trial.after.score], [0.5, 1]);
      assert.equal(made.before, first.after);
      const applied = yield* decide(kernel, made);
      assert.equal(applied.state, "applied");
      const { subjects: [now] } = yield* call(kernel, "evolution.registered", {});
      assert.deepEqual([now.current.version, now.current.score, now.current.body], [2, 1, made.body]);
      const undone = yield* call(kernel, "proposals.rollback", { proposal: made.proposal });
      assert.equal(undone.state, "rolledBack");
      const { subjects: [then] } = yield* call(kernel, "evolution.registered", {});
      assert.deepEqual([then.digest, then.current.version, then.current.score], [first.after, 1, 0.5]);
      const { events } = yield* call(kernel, "ledger.events", { type: "proposal.applied" });
      assert.equal(events.length, 2);
      assert.equal((yield* call(kernel, "ledger.verify", {})).ok, true);
    })
  ));

Deno.test("every kind of edit of a program gives the program it says", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* registered(kernel);
      const wanted = "mul(3.0) >> add(1.0)";
      const { patch } = yield* call(kernel, "rmil.diff", { from: FIRST, to: wanted });
      const edits: ReadonlyArray<Json> = [
        { kind: "replace", path: "/b", with: "add(0.0)" },
        { kind: "replace", path: "", with: wanted },
        { kind: "insert", path: "/b", stage: "neg", at: "before" },
        { kind: "insert", path: "/b", stage: "add(1.0)" },
        { kind: "patch", patch },
        { kind: "text", text: wanted },
      ];
      const scores = yield* Effect.forEach(
        edits,
        (edit) => Effect.map(modify(kernel, edit), ({ trial }) => trial.after.score),
      );
      // -max(0, -(3x+1)) is right for negative x only, and max(0, 3x+1) + 1 nowhere.
      assert.deepEqual(scores, [1, 1, 0, 0, 1, 1]);
    })
  ));

Deno.test("zero tests never count as passed: a suite without cases is refused, and a trial of none is rejected", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      for (const none of [{ seen: [] }, { held: "[]" }, { held: "" }, { held: "{}" }, { held: '[{"input": 1}]' }]) {
        const input = { name: "none", program: FIRST, suite: { ...SUITE, ...none } };
        assert.equal((yield* Effect.flip(call(kernel, "evolution.registerProgram", input))).code, "EVOLUTION_SUITE");
      }
      yield* registered(kernel);
      const made = yield* modify(kernel, { kind: "delete", path: "/b" });
      const { proposal } = yield* recordOf(kernel, made.proposal);
      const value = { ...proposal.patch[0].value, seen: { passed: 0, total: 0 }, held: { passed: 0, total: 0 } };
      const patch = [{ ...proposal.patch[0], value }];
      const { state, reasons } = yield* submitted(kernel, proposal, { patch, summary: "nothing tried" });
      assert.deepEqual([state, reasons.includes("SUBJECT_DOCUMENT")], ["rejected", true], reasons.join());
    })
  ));

Deno.test("what guards, judges and undoes changes is refused by name and by digest", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const first = yield* registered(kernel);
      const { proposal } = yield* recordOf(kernel, first.proposal);
      const rules = proposal.patch.find(({ path }: Answer) => path === "/rules").value;
      const current = proposal.patch.find(({ path }: Answer) => path === "/current").value;
      const edit = { kind: "text", text: "identity" };
      const names = [
        "effects.gate",
        "effects",
        "kernel.invoke",
        "policy",
        "guard.policy",
        "gate",
        "ledger",
        "rollback",
      ];
      const more = ["proposals", "approvals.x", "sandbox", "evaluator", "evolution.trial", "suite.affine", "registry"];
      for (const target of [...names, ...more, "models.digits", "genome.coding", rules.suite, current.evidence]) {
        const failed = yield* Effect.flip(modify(kernel, edit, target));
        assert.equal(failed.code, "EVOLUTION_PROTECTED", target);
      }
      const failed = yield* Effect.flip(modify(kernel, edit, "tests"));
      assert.equal(failed.code, "EVOLUTION_CHANGE");
      assert.equal((yield* modify(kernel, { kind: "delete", path: "/b" }, current.body)).domain, TARGET);
    })
  ));

Deno.test("the rules that judge a subject are never changed, removed or brought along, whoever writes the change", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* registered(kernel);
      const made = yield* modify(kernel, { kind: "delete", path: "/b" });
      const { proposal } = yield* recordOf(kernel, made.proposal);
      const [edit] = proposal.patch;
      const easy = { kind: "program", suite: digestJson("an easy suite") };
      const changes: ReadonlyArray<readonly [codes: ReadonlyArray<string>, Answer]> = [
        [["RULES_FIXED"], {
          changedIds: ["current", "rules"],
          patch: [edit, { op: "replace", path: "/rules", value: easy }],
        }],
        [["RULES_FIXED"], { changedIds: ["rules"], patch: [{ op: "remove", path: "/rules" }] }],
        [["RULES_FIXED"], {
          changedIds: ["rules"],
          patch: [{ op: "replace", path: "/rules/suite", value: easy.suite }],
        }],
        [["SUBJECT_DOCUMENT"], { patch: [{ op: "remove", path: "/current" }] }],
        [["SUBJECT_DOCUMENT"], { changedIds: ["guard"], patch: [{ op: "add", path: "/guard", value: false }] }],
        [["TRIAL_OTHER"], { validation: [{ ...proposal.validation[0], expect: {} }] }],
        [["TRIAL_OTHER"], {
          validation: [{ ...proposal.validation[0], input: { ...proposal.validation[0].input, rules: easy } }],
        }],
        [["TRIAL_OTHER", "VALIDATION_LACKING"], { validation: [] }],
        [["TRIAL_OTHER"], { validation: [{ operation: "evolution.problems", input: {} }] }],
      ];
      for (const [index, [codes, change]] of changes.entries()) {
        const { reasons, state } = yield* submitted(kernel, proposal, { ...change, summary: `by hand ${index}` });
        assert.equal(state, "rejected", `${index}: ${reasons.join()}`);
        assert.ok(codes.every((code) => reasons.includes(code)), `${index}: ${reasons.join()}`);
      }
    })
  ));

Deno.test("forged evidence, reused and skipped versions, another parent: each is rejected by its name", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const first = yield* registered(kernel);
      const made = yield* modify(kernel, { kind: "delete", path: "/b" });
      const { proposal } = yield* recordOf(kernel, made.proposal);
      const [edit] = proposal.patch;
      const forged: ReadonlyArray<readonly [code: string, Answer]> = [
        ["EVIDENCE_FORGED", { evidence: digestJson("nothing") }],
        ["EVIDENCE_FORGED", { score: 0.75, held: { passed: 3, total: 4 } }],
        ["EVIDENCE_FORGED", { held: { passed: 2, total: 4 } }],
        ["EVIDENCE_FORGED", { seen: { passed: 4, total: 3 } }],
        ["BODY_ABSENT", { body: digestJson("no such body") }],
        ["BODY_ABSENT", { bytes: edit.value.bytes + 1 }],
        ["VERSION_REUSED", { version: 1 }],
        ["VERSION_REUSED", { version: 3 }],
        ["PARENT_OTHER", { parent: null }],
        ["PARENT_OTHER", { parent: made.body }],
      ];
      for (const [index, [code, change]] of forged.entries()) {
        const patch = [{ ...edit, value: { ...edit.value, ...change } }];
        const { reasons, state } = yield* submitted(kernel, proposal, { patch, summary: `forged ${index}` });
        assert.deepEqual([state, reasons.includes(code)], ["rejected", true], `${index}: ${reasons.join()}`);
      }
      const own = yield* call(kernel, "proposals.attest", {
        proposal: made.proposal,
        source: "benchmark",
        result: "pass",
        digest: first.after,
        summary: "it works, I say",
      });
      assert.equal(own.evidence.at(-1).counts, "self");
    })
  ));

Deno.test("versions go up for ever: what was undone is not given again, and its number means what it meant", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* registered(kernel);
      const second = yield* decide(kernel, yield* modify(kernel, { kind: "delete", path: "/b" }));
      yield* call(kernel, "proposals.rollback", { proposal: second.proposal });
      const third = yield* modify(kernel, { kind: "delete", path: "/b" });
      assert.deepEqual([third.version, third.proposal === second.proposal], [3, false]);
      assert.equal((yield* decide(kernel, third)).state, "applied");
      const { subjects: [{ current, changes }] } = yield* call(kernel, "evolution.registered", {});
      assert.equal(current.version, 3);
      assert.deepEqual(changes.map(({ state }: Answer) => state), ["applied", "rolledBack", "applied"]);
    })
  ));

Deno.test("what is worse, loses a case, passes nothing, or asks others is held, and never applied", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* registered(kernel, "mul(3.0) >> add(1.0)");
      const worse: ReadonlyArray<readonly [reasons: ReadonlyArray<string>, Json]> = [
        [["WORSE"], { kind: "text", text: FIRST }],
        [["NOTHING_PASSED", "WORSE", "REGRESSION"], { kind: "text", text: "mul(4.0) >> add(2.0)" }],
        [["WORSE", "REGRESSION", "CONSTANT"], { kind: "text", text: "mul(0.0) >> add(10.0)" }],
        [["NOTHING_PASSED", "WORSE", "REGRESSION"], { kind: "text", text: "send(#other, 1)" }],
      ];
      for (const [reasons, edit] of worse) {
        const made = yield* modify(kernel, edit);
        assert.equal(made.state, "held");
        assert.ok(reasons.every((code) => made.trial.reasons.includes(code)), made.trial.reasons.join());
        assert.ok(["EVIDENCE_AGAINST", "VALIDATION_FAILED"].every((code) => made.reasons.includes(code)));
        const { proposal } = made;
        const refused = yield* Effect.flip(
          call(kernel, "proposals.decide", { proposal, verdict: "approve" }, "user@tty"),
        );
        assert.equal(refused.code, "EFFECTS_ADMISSION");
        assert.equal((yield* Effect.flip(call(kernel, "evolution.apply", { proposal }))).code, "EFFECTS_ADMISSION");
      }
      const { subjects: [{ current }] } = yield* call(kernel, "evolution.registered", {});
      assert.equal(current.version, 1);
    })
  ));

Deno.test("edits that do not fit are refused with the place, and change nothing", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* registered(kernel);
      const misfits: ReadonlyArray<readonly [path: string, Json]> = [
        ["/edit/path", { kind: "replace", path: "/b/nowhere", with: "relu" }],
        ["/edit/kind", { kind: "set", values: { a: 1 } }],
        ["/edit", { kind: "text", text: "mul(" }],
        ["/edit", { kind: "replace", path: "/b", with: "no_such_op(" }],
        ["/edit", { kind: "text", text: FIRST }],
        ["/edit", { kind: "patch", patch: { edits: "none" } }],
      ];
      for (const [path, edit] of misfits) {
        const failed = yield* Effect.flip(modify(kernel, edit));
        assert.deepEqual([failed.code, failed.path], ["EVOLUTION_CHANGE", path], JSON.stringify(edit));
      }
      const again = { name: "affine", program: "identity", suite: SUITE };
      assert.equal((yield* Effect.flip(call(kernel, "evolution.registerProgram", again))).code, "EVOLUTION_CHANGE");
      const { subjects: [{ changes }] } = yield* call(kernel, "evolution.registered", {});
      assert.equal(changes.length, 1);
    })
  ));

Deno.test("the held-back cases are shown by no answer, no artifact and no event", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const held = JSON.stringify(HELD.map((one, n) => ({ ...one, name: `kept-secret-${n}` })));
      const marked = { ...SUITE, held };
      const made = yield* call(kernel, "evolution.registerProgram", { name: "affine", program: FIRST, suite: marked });
      yield* decide(kernel, made);
      const changed = yield* modify(kernel, { kind: "delete", path: "/b" });
      const { proposal } = yield* recordOf(kernel, made.proposal);
      const { suite } = proposal.patch.find(({ path }: Answer) => path === "/rules").value;
      const shown = [
        made,
        changed,
        yield* call(kernel, "evolution.registered", {}),
        yield* call(kernel, "ledger.events", { limit: 200 }),
        yield* call(kernel, "proposals.list", {}),
      ];
      for (const one of shown) assert.doesNotMatch(JSON.stringify(one), /kept-secret/u);
      yield* Effect.flip(call(kernel, "artifacts.get", { artifact: suite }));
      for (const digest of [changed.body, changed.evidence[0].digest]) {
        const { text, base64 } = yield* call(kernel, "artifacts.get", { artifact: digest });
        const found = text ?? atob(base64);
        assert.ok(found.length > 0);
        assert.doesNotMatch(found, /kept-secret/u);
      }
    })
  ));

/** Applies every admitted change of a program without a question, as a person may say in the policy file. */
const UNASKED = {
  format: 1,
  rules: [],
  automatic: [{ name: "tests", domain: "programs.*", perHour: 100, maxBytes: 100_000 }],
} as const;

Deno.test("a name keeps its judge: who takes a registration back cannot bring an easier one, also by parts", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const register = (suite: Json, program: string) =>
        call(kernel, "evolution.registerProgram", { name: "affine", program, suite });
      const first = yield* register(SUITE, FIRST);
      assert.equal(first.state, "applied", first.reasons.join());
      yield* call(kernel, "proposals.rollback", { proposal: first.proposal });
      const easy = (x: number) => ({ input: { x: number(x) }, wants: number(x) });
      const other = { ...SUITE, seen: [easy(1)], held: JSON.stringify([easy(2), easy(3)]) };
      const made = yield* register(other, "identity");
      assert.deepEqual([made.state, made.reasons.includes("RULES_FIXED")], ["rejected", true], made.reasons.join());
      const { proposal } = yield* recordOf(kernel, made.proposal);
      const { proposal: { patch: [, { value: own }] } } = yield* recordOf(kernel, first.proposal);
      const [current, rules] = proposal.patch;
      const parts = [current, { ...rules, value: own }, { op: "replace", path: "/rules", value: rules.value }];
      const { state, reasons } = yield* submitted(kernel, proposal, { patch: parts, summary: "by parts" });
      assert.deepEqual([state, reasons.includes("SUBJECT_DOCUMENT")], ["rejected", true], reasons.join());
      const again = yield* register(SUITE, FIRST);
      assert.deepEqual([again.state, again.version], ["applied", 2], again.reasons.join());
    }), UNASKED));

Deno.test("a version that says more of itself than its trial finds is held, whoever bears witness for it", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { proposal: first } = yield* call(kernel, "evolution.registerProgram", {
        name: "affine",
        program: FIRST,
        suite: SUITE,
      });
      const { subjects: [{ current }] } = yield* call(kernel, "evolution.registered", {});
      // Half of what is held back, like the one in place; it says that it passes all.
      const bytes = encodeProgram(canonical(parse("mul(3.0) >> add(1.0) >> max(-1.0)")));
      const body = yield* call(kernel, "artifacts.put", { kind: "program", base64: bytes.toBase64() });
      const claims = { score: 1, seen: { passed: 3, total: 3 }, held: { passed: 4, total: 4 } };
      const evidence = yield* call(kernel, "artifacts.put", {
        kind: "evidence",
        text: "it works",
        references: [body.digest],
        metrics: { score: 1, heldPassed: 4, seenPassed: 3 },
      });
      const { proposal } = yield* recordOf(kernel, first);
      const forge = (claimed: Answer, said: Answer, summary: string) => {
        const value = { ...current, ...said, version: 2, parent: current.body, body: body.digest, bytes: bytes.length };
        return submitted(kernel, proposal, {
          changedIds: ["current"],
          patch: [{ op: "replace", path: "/current", value: { ...value, evidence: evidence.digest } }],
          validation: [{
            operation: "evolution.trial",
            input: { target: TARGET, body: body.digest, claims: claimed },
            expect: { ok: true },
          }],
          summary,
        });
      };
      const honest = { score: current.score, seen: current.seen, held: current.held };
      const { reasons } = yield* forge(honest, claims, "another claim is tried");
      assert.ok(reasons.includes("TRIAL_OTHER"), reasons.join());
      const { proposal: { id } } = yield* forge(claims, claims, "all of it");
      const word = { source: "benchmark", result: "measure", metric: "score", value: 1, summary: "it is so" };
      yield* call(kernel, "proposals.attest", { proposal: id, ...word, digest: evidence.digest }, "agent:b");
      const tried = yield* call(kernel, "proposals.validate", { proposal: id });
      assert.deepEqual([tried.state, tried.reasons], ["held", ["EVIDENCE_AGAINST", "VALIDATION_FAILED"]]);
      const { ok, reasons: found } = yield* call(kernel, "evolution.trial", {
        target: TARGET,
        body: body.digest,
        claims,
      });
      assert.deepEqual([ok, found], [false, ["CLAIMS_OTHER"]]);
    }), UNASKED));
