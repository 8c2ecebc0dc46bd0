/** The road of models: measured before they are registered, promoted only when no worse, undone to the same document. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import { digestJson } from "../../../../kernel/digest.ts";
import type { Actor } from "../../../../kernel/actor.ts";
import type { Failure, Json, Kernel } from "../../../../kernel/mod.ts";
import { inWorkspace } from "../../../workspace.ts";

// deno-lint-ignore no-explicit-any
type Answer = any;

const call = (kernel: Kernel, operation: string, input: Json, actor: Actor = "user@headless") =>
  kernel.invoke({ operation, input, actor }) as Effect.Effect<Answer, Failure>;

const train = (kernel: Kernel, name: string, epochs: number, data = "moons") =>
  call(kernel, "neural.train", { program: "mlp(8)", data, epochs, name });

const DATA = "moons";
const register = (kernel: Kernel, model: string, actor?: Actor) =>
  call(kernel, "evolution.registerModel", { name: "moons", model, data: DATA }, actor);
const promote = (kernel: Kernel, model: string, actor?: Actor) =>
  call(kernel, "evolution.promoteModel", { name: "moons", model }, actor);

Deno.test("a model is registered, promoted and taken back without a question, by the rule that says so", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* train(kernel, "first", 5);
      const registered = yield* register(kernel, "first");
      assert.deepEqual(
        [registered.state, registered.by, registered.version, registered.reasons],
        ["applied", "policy:default.models", 1, []],
      );
      assert.equal(registered.before, digestJson({}));
      assert.ok(registered.assessed.value > 0.5 && registered.assessed.trivial.value === 0.5);
      const sources = registered.evidence.map((one: Answer) => [one.source, one.by, one.counts]);
      assert.deepEqual(sources, [
        ["benchmark", "policy:evaluator", "benchmark"],
        ["validator", "policy:validation", "validator"],
      ]);
      const promoted = yield* promote(kernel, "first");
      assert.deepEqual([promoted.state, promoted.by], ["applied", "policy:default.models"]);
      const serving = yield* call(kernel, "evolution.models", { name: "moons" });
      assert.equal(serving.champion.row, registered.row);
      const undone = yield* call(kernel, "proposals.rollback", { proposal: promoted.proposal });
      assert.equal(undone.state, "rolledBack");
      const after = yield* call(kernel, "evolution.models", { name: "moons" });
      assert.equal(after.digest, promoted.before, "the document is the one before, to the digest");
      assert.equal(after.champion, undefined);
      const again = yield* promote(kernel, "first");
      assert.deepEqual([again.state, again.after], ["applied", promoted.after], "what was undone can be done again");
      assert.notEqual(again.proposal, promoted.proposal);
    })
  ));

Deno.test("what was measured by the part that models learn from waits for a person", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* train(kernel, "first", 5);
      const input = { name: "moons", model: "first", data: DATA };
      const learned = yield* call(kernel, "evolution.registerModel", { ...input, split: "train" });
      assert.notEqual(learned.state, "applied");
      assert.ok(learned.reasons.includes("NOT_HELD_OUT"), learned.reasons.join());
    })
  ));

Deno.test("a worse model is held and does not serve; a better one does", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* train(kernel, "good", 30);
      yield* train(kernel, "poor", 1);
      for (const name of ["good", "poor"]) assert.equal((yield* register(kernel, name)).state, "applied");
      const { rows } = yield* call(kernel, "evolution.models", { name: "moons" });
      const values = Object.values(rows as { [id: string]: Answer }).map(({ value }) => value);
      assert.ok(values[0] !== values[1], "the two differ, or this test shows nothing");
      assert.equal((yield* promote(kernel, "good")).state, "applied");
      const held = yield* promote(kernel, "poor");
      assert.deepEqual([held.state, held.by], ["held", undefined]);
      assert.ok(held.reasons.includes("VALIDATION_FAILED"), held.reasons.join());
      const found = yield* call(kernel, "evolution.assess", { model: "poor", data: DATA, against: "good" });
      assert.deepEqual(found.reasons, ["WORSE_THAN_IN_PLACE"]);
      const again = yield* Effect.flip(call(kernel, "evolution.apply", { proposal: held.proposal }));
      assert.equal(again.code, "EFFECTS_ADMISSION");
    })
  ));

Deno.test("whoever calls from outside waits for a person, who can approve and have it applied", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* train(kernel, "first", 5);
      const waiting = yield* register(kernel, "first", "mcp:client");
      assert.deepEqual([waiting.state, waiting.reasons, waiting.by], ["ready", [], undefined]);
      const { proposal } = waiting;
      const early = yield* Effect.flip(call(kernel, "evolution.apply", { proposal }, "mcp:client"));
      assert.equal(early.code, "EFFECTS_ADMISSION");
      yield* call(kernel, "proposals.decide", { proposal, verdict: "approve" }, "user@tty");
      const applied = yield* call(kernel, "evolution.apply", { proposal }, "mcp:client");
      assert.deepEqual([applied.state, applied.by], ["applied", "user@tty"]);
    })
  ));

Deno.test("a policy file that names no automatic rule takes the default one away", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* train(kernel, "first", 5);
      assert.equal((yield* register(kernel, "first")).state, "ready");
    }), { format: 1, rules: [], automatic: [] }));

Deno.test("a version is not given twice, also after its row was rolled back", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* train(kernel, "first", 5);
      yield* train(kernel, "second", 6);
      const first = yield* register(kernel, "first");
      yield* call(kernel, "proposals.rollback", { proposal: first.proposal });
      const second = yield* register(kernel, "second");
      assert.deepEqual([first.version, second.version, second.state], [1, 2, "applied"]);
      const again = yield* Effect.flip(register(kernel, "second"));
      assert.equal(again.code, "EVOLUTION_CHANGE");
    })
  ));

/** A registered first model, and a draft of a second row that the cases below make false. */
const forging = (kernel: Kernel) =>
  Effect.gen(function* () {
    yield* train(kernel, "first", 5);
    yield* train(kernel, "second", 6);
    yield* register(kernel, "first");
    const second = yield* register(kernel, "second");
    yield* call(kernel, "proposals.rollback", { proposal: second.proposal });
    const { proposal } = yield* call(kernel, "proposals.show", { proposal: second.proposal }).pipe(
      Effect.map(({ record }) => record),
    );
    return { proposal, row: second.row as string, value: { ...proposal.patch[0].value, version: 3 } };
  });

const submitted = (kernel: Kernel, proposal: Answer, change: Answer) => {
  const { id: _id, proposer: _proposer, base: _base, rollbackTarget: _target, ...draft } = proposal;
  return call(kernel, "proposals.submit", { ...draft, ...change });
};

const FORGED = [
  ["the very next version, measured and stored", undefined, {}],
  ["a version that was given before", "VERSION_REUSED", { version: 2 }],
  ["a version that skips one", "VERSION_REUSED", { version: 4 }],
  ["a value that its evidence does not have", "EVIDENCE_FORGED", { value: 0.999 }],
  ["evidence that is not there", "EVIDENCE_FORGED", { evidence: digestJson("nothing") }],
  ["a size that is not the model's", "MODEL_ABSENT", { bytes: 12 }],
  ["a member that no row has", "MODEL_DOCUMENT", { trusted: true }],
  ["a value that is no number", "MODEL_DOCUMENT", { value: "0.99" }],
] as const;

Deno.test("a row is judged by the gate whoever wrote it: versions, values, evidence and sizes that are not true", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { proposal, row, value } = yield* forging(kernel);
      for (const [what, code, change] of FORGED) {
        const forged = { ...value, ...change };
        const patch = [{ op: "add", path: `/${row}`, value: forged }];
        const input = { ...proposal.validation[0].input, bound: forged.value };
        const validation = [{ ...proposal.validation[0], input }];
        const { reasons } = yield* submitted(kernel, proposal, { patch, validation, summary: what });
        if (code === undefined) assert.deepEqual(reasons, ["EVIDENCE_MISSING", "VALIDATION_PENDING", "QUORUM"]);
        else assert.ok(reasons.includes(code), `${what}: ${reasons.join()}`);
      }
    })
  ));

Deno.test("a validation that measures something else, or expects nothing, is not taken for the measurement", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      const { proposal, row, value } = yield* forging(kernel);
      const patch = [{ op: "add", path: `/${row}`, value }];
      const [command] = proposal.validation;
      const others = [
        { ...command, expect: {} },
        { ...command, input: { ...command.input, bound: 0 } },
        { ...command, input: { ...command.input, model: "first" } },
        { ...command, input: { ...command.input, data: "spirals" } },
      ];
      for (const other of others) {
        const { reasons, state } = yield* submitted(kernel, proposal, {
          patch,
          validation: [other],
          summary: JSON.stringify(other.input).slice(0, 300),
        });
        assert.deepEqual([state, reasons.includes("ASSESSMENT_OTHER")], ["rejected", true], JSON.stringify(other));
      }
    })
  ));

Deno.test("rows are not changed or removed, and only a row serves", () =>
  inWorkspace((kernel) =>
    Effect.gen(function* () {
      yield* train(kernel, "first", 5);
      const first = yield* register(kernel, "first");
      yield* promote(kernel, "first");
      const { proposal } = (yield* call(kernel, "proposals.show", { proposal: first.proposal })).record;
      const path = `/${first.row}`;
      const pointer = { row: "m-000000000000", model: first.before };
      const cases: ReadonlyArray<readonly [code: string, changedIds: ReadonlyArray<string>, patch: Json]> = [
        ["MODEL_REUSED", [first.row], [{ op: "replace", path: `${path}/value`, value: 1 }]],
        ["MODEL_DOCUMENT", [first.row], [{ op: "remove", path }]],
        ["MODEL_DOCUMENT", ["champion"], [{ op: "replace", path: "/champion", value: pointer }]],
        ["MODEL_REMOVED", ["champion"], [{ op: "remove", path: "/champion" }]],
        ["MODEL_CHANGES", ["champion", first.row], [{ op: "remove", path: "/champion" }, { op: "remove", path }]],
      ];
      for (const [code, changedIds, patch] of cases) {
        const { reasons } = yield* submitted(kernel, proposal, { changedIds, patch, summary: code + changedIds });
        assert.ok(reasons.includes(code), `${code}: ${reasons.join()}`);
      }
    })
  ));
