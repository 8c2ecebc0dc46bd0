/** Pipeline: each reason code has its own case; all reasons are listed; a check that breaks holds. */
import * as Effect from "effect/Effect";
import assert from "node:assert/strict";
import {
  type Candidate,
  type Check,
  CHECKS,
  MAX_EDITS,
  MAX_PATCH_BYTES,
  outcomeOf,
  runPipeline,
} from "../../effects/pipeline.ts";
import type { Attested, Proposal } from "../../effects/proposal.ts";
import { digestJson, diskFailed, type Json, type JsonPatch } from "../../kernel/mod.ts";

const document = { a: 1, b: 2 };
const current = digestJson(document);

const proposalOf = (more: Partial<Proposal> = {}): Proposal => ({
  id: digestJson("id"),
  proposer: "agent:a",
  domain: "demo",
  summary: "s",
  changedIds: ["a"],
  patch: [{ op: "replace", path: "/a", value: 3 }],
  base: current,
  rollbackTarget: current,
  expected: { metric: "quality", direction: "up", bound: 0.5 },
  validation: [{ operation: "ledger.verify", input: {} }],
  reversible: true,
  widensAuthority: false,
  ...more,
});

const seen = (more: Partial<Attested> = {}): Attested => ({
  source: "verifier",
  result: "pass",
  digest: digestJson("e"),
  summary: "fine",
  by: "agent:b",
  counts: "verifier",
  ...more,
});

const candidateOf = (more: Partial<Candidate> = {}, proposal: Partial<Proposal> = {}): Candidate => ({
  proposal: proposalOf(proposal),
  evidence: [seen()],
  validated: { "0": true },
  document,
  current,
  rule: { domain: "demo", writes: true, evidence: 1, quorum: 1, benefit: false },
  redacted: false,
  ...more,
});

const reasons = async (candidate: Candidate, checks: ReadonlyArray<Check> = CHECKS) => {
  const report = await Effect.runPromise(runPipeline(checks, candidate));
  return [
    report.outcome,
    ...report.findings.filter(({ outcome }) => outcome !== "pass").map(({ code }) => code),
  ];
};

const rule = candidateOf().rule;
const edits = (count: number): JsonPatch =>
  Array.from({ length: count }, (_, n) => ({ op: "replace", path: "/a", value: n + 10 }));
const sized = (bytes: number): JsonPatch => {
  const bare = JSON.stringify([{ op: "replace", path: "/a", value: "" }]).length;
  return [{ op: "replace", path: "/a", value: "x".repeat(bytes - bare) }];
};

Deno.test("a sound candidate is ready, and where the policy writes nothing, a preview", async () => {
  assert.deepEqual(await reasons(candidateOf()), ["ready"]);
  assert.deepEqual(await reasons(candidateOf({ rule: { ...rule, writes: false } })), ["previewOnly"]);
});

Deno.test("each fault has its own code and outcome", async () => {
  const cases: ReadonlyArray<readonly [string, string, Candidate]> = [
    ["rejected", "TOO_MANY_EDITS", candidateOf({}, { patch: edits(MAX_EDITS + 1) })],
    ["rejected", "TOO_LARGE", candidateOf({}, { patch: sized(MAX_PATCH_BYTES + 1) })],
    ["rejected", "PRIVATE_CONTENT", candidateOf({ redacted: true })],
    ["rejected", "UNNAMED_IDS", candidateOf({}, { patch: [...edits(1), { op: "remove", path: "/b" }] })],
    [
      "rejected",
      "UNNAMED_IDS",
      candidateOf({}, { patch: [...edits(1), { op: "replace", path: "", value: { a: 7 } }] }),
    ],
    ["rejected", "UNTOUCHED_IDS", candidateOf({}, { changedIds: ["a", "b"] })],
    ["rejected", "FIXED_IDS", candidateOf({ rule: { ...rule, fixed: ["a"] } })],
    ["held", "STALE", candidateOf({ current: digestJson("else") })],
    ["rejected", "PATCH_MISFIT", candidateOf({}, { changedIds: ["z"], patch: [{ op: "remove", path: "/z/y" }] })],
    ["rejected", "NO_CHANGE", candidateOf({}, { patch: [{ op: "replace", path: "/a", value: 1 }] })],
    ["held", "ROLLBACK_TARGET", candidateOf({}, { rollbackTarget: digestJson("else") })],
    ["held", "EVIDENCE_AGAINST", candidateOf({ evidence: [seen(), seen({ result: "fail", by: "agent:c" })] })],
    ["held", "EVIDENCE_MISSING", candidateOf({ rule: { ...rule, evidence: 2 } })],
    ["held", "VALIDATION_PENDING", candidateOf({ validated: {} })],
    ["held", "VALIDATION_FAILED", candidateOf({ validated: { "0": false } })],
    ["held", "VALIDATION_LACKING", candidateOf({ rule: { ...rule, validation: ["suite.run"] } })],
    ["held", "QUORUM", candidateOf({ rule: { ...rule, quorum: 2 } })],
    ["held", "BENEFIT_UNSHOWN", candidateOf({ rule: { ...rule, benefit: true } })],
  ];
  for (const [outcome, code, candidate] of cases) {
    assert.deepEqual(await reasons(candidate), [outcome, code], code);
  }
});

Deno.test("limits: at the limit passes", async () => {
  assert.deepEqual(await reasons(candidateOf({}, { patch: edits(MAX_EDITS) })), ["ready"]);
  assert.deepEqual(await reasons(candidateOf({}, { patch: sized(MAX_PATCH_BYTES) })), ["ready"]);
});

Deno.test("the proposer's own evidence satisfies neither evidence nor quorum nor benefit", async () => {
  const own = seen({ by: "agent:a", counts: "self", source: "benchmark", metric: "quality", value: 1 });
  assert.deepEqual(await reasons(candidateOf({ evidence: [own], rule: { ...rule, benefit: true } })), [
    "held",
    "EVIDENCE_MISSING",
    "QUORUM",
    "BENEFIT_UNSHOWN",
  ]);
  assert.deepEqual(await reasons(candidateOf({ evidence: [seen({ ...own, result: "fail" }), seen()] })), ["ready"]);
});

Deno.test("one witness repeating itself is one piece of evidence and one voice", async () => {
  const repeated = [seen(), seen(), seen({ digest: digestJson("f") })];
  assert.deepEqual(await reasons(candidateOf({ evidence: repeated, rule: { ...rule, evidence: 2 } })), ["ready"]);
  assert.deepEqual(await reasons(candidateOf({ evidence: repeated, rule: { ...rule, evidence: 3 } })), [
    "held",
    "EVIDENCE_MISSING",
  ]);
  assert.deepEqual(await reasons(candidateOf({ evidence: repeated, rule: { ...rule, quorum: 2 } })), [
    "held",
    "QUORUM",
  ]);
});

Deno.test("benefit is a measure of the named metric by another's benchmark that reaches its bound", async () => {
  const benefit = { ...rule, benefit: true };
  const measure = (more: Partial<Attested>) =>
    seen({ counts: "benchmark", source: "benchmark", result: "measure", metric: "quality", value: 0.5, ...more });
  const outcome = async (more: Partial<Attested>, direction: "up" | "down" = "up") =>
    (await reasons(
      candidateOf({ evidence: [measure(more)], rule: benefit }, {
        expected: { metric: "quality", direction, bound: 0.5 },
      }),
    ))[0];
  assert.equal(await outcome({}), "ready");
  assert.equal(await outcome({ value: 0.49 }), "held");
  assert.equal(await outcome({ value: 0.51 }, "down"), "held");
  assert.equal(await outcome({ value: 0.5 }, "down"), "ready");
  assert.equal(await outcome({ metric: "speed" }), "held");
  assert.equal(await outcome({ counts: "verifier" }), "held");
});

Deno.test("every reason is listed, in order, and reject outweighs hold", async () => {
  const bad = candidateOf({ validated: {}, evidence: [], redacted: true }, { rollbackTarget: digestJson("x") });
  assert.deepEqual(await reasons(bad), [
    "rejected",
    "PRIVATE_CONTENT",
    "ROLLBACK_TARGET",
    "EVIDENCE_MISSING",
    "VALIDATION_PENDING",
    "QUORUM",
  ]);
});

Deno.test("a check of a plugin runs in its place, and one that breaks or fails holds with its name", async () => {
  const own: ReadonlyArray<Check> = [
    {
      name: "throws",
      order: 5,
      run: () => {
        throw new Error("boom");
      },
    },
    { name: "dies", order: 6, run: () => Effect.die("bug") },
    { name: "fails", order: 7, run: () => Effect.fail(diskFailed({ action: "read", file: "x", cause: "gone" })) },
    { name: "says", order: 95, run: () => Effect.succeed({ outcome: "reject", code: "NORION_DRIFT", detail: "0.8" }) },
  ];
  const report = await Effect.runPromise(runPipeline([...CHECKS, ...own], candidateOf()));
  assert.equal(report.outcome, "rejected");
  assert.deepEqual(report.findings.slice(0, 3).map(({ check, code }) => [check, code]), [
    ["throws", "CHECK_BROKE"],
    ["dies", "CHECK_BROKE"],
    ["fails", "CHECK_BROKE"],
  ]);
  assert.deepEqual(report.findings.map(({ check }) => check).indexOf("says"), report.findings.length - 2);
});

Deno.test("a check that never answers holds after its deadline", async () => {
  const { movableClock } = await import("./workspace.ts");
  const never: Check = { name: "never", order: 1, run: () => Effect.never };
  const report = await Effect.runPromise(Effect.provide(runPipeline([never], candidateOf()), movableClock().layer));
  assert.deepEqual(report.findings.map(({ code }) => code), ["CHECK_TIMEOUT"]);
  assert.equal(report.outcome, "held");
});

Deno.test("what findings come to, over all combinations of three", () => {
  const outcomes = ["pass", "hold", "reject"] as const;
  const rank = { ready: 0, held: 1, rejected: 2, previewOnly: 0 };
  for (const a of outcomes) {
    for (const b of outcomes) {
      for (const c of outcomes) {
        const worst = Math.max(...[a, b, c].map((outcome) => outcomes.indexOf(outcome)));
        const findings = [a, b, c].map((outcome) => ({ check: "x", outcome, code: "Y", detail: "" }));
        assert.equal(rank[outcomeOf(findings, true)], worst);
        assert.equal(outcomeOf(findings, false) === "ready", false);
      }
    }
  }
});

Deno.test("a patch that would leave no canonical document is rejected, not thrown", async () => {
  const patch = [{ op: "replace", path: "/a", value: "\ud800" as Json }] as JsonPatch;
  const [outcome] = await reasons(candidateOf({}, { patch })).catch(() => ["threw"]);
  assert.equal(outcome, "rejected");
});
