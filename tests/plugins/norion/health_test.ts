/** Health of genes: what counts, what follows from the counts, and when edits are left alone. */
import assert from "node:assert/strict";
import type { LedgerEvent } from "../../../effects/mod.ts";
import { digestJson, type Json, random } from "../../../kernel/mod.ts";
import { afterWindow, ALLOWS, CALM, type CalmState, type CalmWindow } from "../../../plugins/norion/calm.ts";
import { defaultGenome } from "../../../plugins/norion/default_genome.ts";
import { expressGenome, type Gene, type Genome } from "../../../plugins/norion/genome.ts";
import {
  ageOf,
  branchesOf,
  confidenceOf,
  decayOf,
  driftOf,
  fitnessOf,
  insistent,
  judged,
  lifecycleOf,
  nextResidency,
  probationOf,
  signalsOf,
  statusOf,
  trustOf,
  UNUSED,
  type Usage,
  used,
  violated,
} from "../../../plugins/norion/health.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { identityOf } from "../../../plugins/norion/scissors/document.ts";
import { EVIDENCE_GIVEN } from "../../../plugins/norion/state/evidence.ts";
import {
  type ExpressedData,
  expressedEvent,
  genomeFold,
  type GenomeState,
  observedEvent,
  REMEMBERED_EVIDENCE,
  REMEMBERED_REQUESTS,
  usageOf,
  violatedEvent,
} from "../../../plugins/norion/state/genome.ts";
import { plan } from "../../../plugins/norion/plan.ts";
import { deviceAt, stateWith } from "./states.ts";

const [GENE] = defaultGenome("coding").genes;

/** A gene's counts after some uses, each judged where a result is given. */
const after = (uses: number, result?: number, from: Usage = UNUSED): Usage => {
  let usage = from;
  for (let i = 0; i < uses; i++) {
    usage = used(usage);
    if (result !== undefined) usage = judged(usage, result, undefined);
  }
  return usage;
};

const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);

Deno.test("fitness is (wins + 2) / (wins + losses + 4), and one half where nobody judged", () => {
  near(fitnessOf(UNUSED), 0.5);
  near(fitnessOf(after(6, 1000)), 8 / 10);
  near(fitnessOf(after(4, 0, after(6, 1000))), 8 / 14);
  near(fitnessOf(after(30)), 0.5);
});

Deno.test("after fifty uses what was known counts half, and so draws toward one half", () => {
  const known = after(49, 1000);
  assert.equal(known.wins, 49_000);
  const later = used(known);
  assert.equal(later.wins, 24_500);
  near(fitnessOf(later), 26.5 / 28.5);
  assert.equal(after(50, undefined, later).wins, 12_250);
});

Deno.test("drift is how far fitness fell below where it was steady, and a fifth for each violation of the latest window", () => {
  const steady = after(20, 1000);
  near(driftOf(steady, policy), 0);
  const fallen = after(20, 0, steady);
  near(driftOf(fallen, policy), Math.max(0, 0.5 + steady.anchor / 1000 - 22 / 44));
  near(driftOf(violated(violated(UNUSED)), policy), 0.4);
  const old = after(policy["gene.window"], undefined, violated(after(1)));
  near(driftOf(old, policy), 0);
});

Deno.test("that nobody judges a gene any more is no drift", () => {
  let usage = after(40, 1000);
  for (let i = 0; i < 400; i++) {
    usage = used(usage);
    assert.ok(driftOf(usage, policy) < 0.05, `${i}: ${driftOf(usage, policy)}`);
  }
});

Deno.test("a gene ages by eight windows without a success or by weak fitness, and is malignant from its drift on", () => {
  const windows = (count: number) => after(count * policy["gene.window"]);
  assert.equal(statusOf(GENE, windows(7), policy), "active");
  assert.equal(statusOf(GENE, windows(8), policy), "aging");
  assert.equal(ageOf(judged(windows(8), 1000, undefined), policy), 0);
  assert.equal(statusOf(GENE, after(1, 0), policy), "aging");
  let usage = UNUSED;
  for (let i = 0; i < 3; i++) usage = violated(usage);
  assert.notEqual(statusOf(GENE, usage, policy), "malignant");
  assert.equal(statusOf(GENE, violated(usage), policy), "malignant");
  assert.equal(lifecycleOf(GENE, violated(usage), policy), "quarantine");
  near(decayOf(windows(16), policy), 0.4 + 0.35 * 0.5);
  near(trustOf(violated(UNUSED), policy), 0.5 * 0.8);
});

Deno.test("status that an edit gave is not changed by use", () => {
  for (const status of ["quarantined", "retired", "regenerating"] as const) {
    assert.equal(statusOf({ ...GENE, status }, after(30, 1000), policy), status);
  }
  assert.equal(statusOf({ ...GENE, version: 2 }, after(9, 1000), policy), "probation");
  assert.equal(statusOf({ ...GENE, version: 2 }, after(10, 1000), policy), "active");
});

/** Moves residency as the fold does. */
const settled = (usage: Usage, kind: Gene["kind"] = "routing"): Usage => ({
  ...usage,
  residency: nextResidency(kind, usage, policy),
});

Deno.test("a score between two thresholds leaves a gene where it is, hot or warm (20.53)", () => {
  let hot = UNUSED;
  for (let i = 0; i < 20; i++) hot = settled(judged(used(hot), 1000, undefined));
  assert.equal(hot.residency, "hot");
  let seen = 0;
  for (let i = 0; i < 24; i++) {
    hot = settled(judged(used(hot), i % 2 === 0 ? 0 : 1000, undefined));
    const warm = settled({ ...hot, residency: "warm" });
    if (hot.residency === "hot" && warm.residency === "warm") seen++;
  }
  assert.ok(seen > 5, "both hold at the same counts");
  const flaps = Array.from({ length: 40 }, () => (hot = settled(hot)).residency);
  assert.equal(new Set(flaps).size, 1);
});

Deno.test("repeated failure squeezes a gene to cold without deleting it, and nothing but an edit warms it again (20.54)", () => {
  let usage = UNUSED;
  let failures = 0;
  for (; usage.residency !== "cold"; failures++) usage = settled(judged(used(usage), 0, undefined));
  assert.equal(failures, policy["gene.failures"]);
  for (let i = 0; i < 60; i++) usage = settled(judged(used(usage), 1000, undefined));
  assert.equal(usage.residency, "cold");
});

Deno.test("confidence is what was seen beside four outcomes of trust, and the safety gene's is its trust", () => {
  const usage = after(6, 1000);
  near(confidenceOf("routing", usage, policy), (4 * 0.8 + 6) / 10);
  near(confidenceOf("safety", usage, policy), 0.8);
});

Deno.test("genes without a record earn one reading at a time, proven ones more, and none is hidden by it (20.43)", () => {
  assert.equal(branchesOf([], 0.3), 1);
  assert.equal(branchesOf([0.5, 0.5, 0.5], 0.3), 1);
  assert.equal(branchesOf([0.9, 0.9, 0.9, 0.9], 0.7), 3);
  assert.equal(branchesOf([NaN, 1, 1], 0.3), 1);
  const genome: Genome = { ...defaultGenome("long-context"), branches: 1 };
  const request = {
    prompt: "One line of a long text. ".repeat(400),
    profile: "long-context",
    scope: "s",
    window: 200,
  } as const;
  const [few, many] = [genome, { ...genome, branches: 3 }].map((one) =>
    plan(stateWith([], { "long-context": one }), request, deviceAt("server"))
  );
  assert.ok(few.schedule.waves.every((wave) => wave.length === 1));
  assert.ok(many.schedule.waves.some((wave) => wave.length === 3));
  assert.deepEqual(few.knobs.expressed, many.knobs.expressed);
  assert.ok(few.knobs.expressed.includes("gene:long-context:safety"));
});

Deno.test("one request speaks for no edit: three of the latest five do", () => {
  const seen = {
    quality: 0.2,
    reward: 0.9,
    attention: 0.9,
    critical: 1,
    contradictions: 2,
    rollback: false,
    misled: true,
    pressed: false,
  };
  const kinds = signalsOf(seen, policy);
  assert.deepEqual(kinds, ["retrieval", "routing", "reflection", "language", "safety", "budget"]);
  const calm = { ...seen, quality: 1, attention: 0.5, critical: 0, contradictions: 0, misled: false };
  assert.deepEqual(signalsOf(calm, policy), []);
  assert.deepEqual(insistent([kinds, kinds], policy), []);
  assert.deepEqual(insistent([kinds, [], kinds, [], kinds], policy), kinds);
  assert.deepEqual(insistent([kinds, kinds, [], [], [], kinds], policy), []);
});

Deno.test("a probation fails at the first outcome that leaves no way back, and not one earlier", () => {
  const after10 = policy["gene.probation"];
  const trial = (wins: number, losses: number): Usage => after(losses, 0, after(wins, 1000));
  // The best it can still come to is (10 - losses + 2) / 14, beside 0.5 less the slack.
  for (let losses = 0; losses <= after10; losses++) {
    const expected = (after10 - losses + 2) / (after10 + 4) < 0.45 ? "failed" : "running";
    assert.equal(probationOf(trial(0, losses), 0.5, policy), losses === after10 ? "failed" : expected, `${losses}`);
  }
  assert.equal(probationOf(trial(9, 0), 0.5, policy), "running");
  assert.equal(probationOf(trial(10, 0), 0.5, policy), "passed");
  assert.equal(probationOf(trial(6, 4), 0.7, policy), "failed");
  assert.equal(probationOf(violated(trial(9, 0)), 0.5, policy), "failed");
});

const QUIET: CalmWindow = { pressure: 0.2, rejection: 0, rollback: 0, quarantine: 0, approvals: 0 };
const LOADED: CalmWindow = { ...QUIET, pressure: 0.95 };

const through = (windows: ReadonlyArray<CalmWindow>, from: CalmState = CALM): ReadonlyArray<string> => {
  let state = from;
  return windows.map((window) => (state = afterWindow(state, window, policy)).verdict);
};

Deno.test("a breach that lasts three windows pauses edits, two quiet windows end it, an emergency stops at once (20.67)", () => {
  assert.deepEqual(through([LOADED, LOADED, QUIET, LOADED, LOADED]), [
    "slower",
    "slower",
    "normal",
    "slower",
    "slower",
  ]);
  assert.deepEqual(through([LOADED, LOADED, LOADED, QUIET, QUIET]), ["slower", "slower", "paused", "paused", "normal"]);
  assert.deepEqual(through([LOADED, LOADED, LOADED, QUIET, LOADED, QUIET, QUIET]).slice(3), [
    "paused",
    "paused",
    "paused",
    "normal",
  ]);
  assert.deepEqual(through([{ ...QUIET, rollback: 0.7 }, QUIET, QUIET]), ["emergency", "emergency", "normal"]);
  assert.deepEqual(through([{ ...QUIET, rollback: 0.69 }]), ["slower"]);
  assert.deepEqual(through([{ ...QUIET, approvals: 5 }, { ...QUIET, approvals: 4 }]), ["review", "normal"]);
  assert.deepEqual(through([{ ...QUIET, rejection: 0.19 }]), ["review"]);
  assert.deepEqual([ALLOWS.paused.edits, ALLOWS.emergency.edits, ALLOWS.slower.edits], [false, false, true]);
});

let seq = 0;

const event = (type: string, data: Json, actor = "policy:review"): LedgerEvent => ({
  seq: ++seq,
  at: "2026-01-01T00:00:00.000Z",
  type,
  actor,
  data,
  hash: digestJson(seq),
  previous: digestJson(seq - 1),
});

const spoke = (request: string, genome: Genome = defaultGenome("coding"), pressure = 0.2): LedgerEvent => {
  const { type, data } = expressedEvent(request, genome, expressGenome(genome), pressure, "user@tty");
  return event(type, data);
};

const said = (request: string, result: number, more: Record<string, Json> = {}): LedgerEvent =>
  event(EVIDENCE_GIVEN, {
    request,
    scope: digestJson("s"),
    profile: "coding",
    genes: [],
    source: "validator",
    subject: "answer",
    witness: "w",
    result,
    digest: digestJson([request, result]),
    ...more,
  });

const folded = (events: ReadonlyArray<LedgerEvent>, from: GenomeState = genomeFold.initial): GenomeState =>
  events.reduce((state, one) => genomeFold.step(state, one), from);

const usageIn = (state: GenomeState): Usage => usageOf(state, identityOf(GENE));

Deno.test("the trace of a request says which genes spoke as what, which did not and why, and which knobs they moved", () => {
  const genome = defaultGenome("coding");
  const genes = genome.genes.map((gene) => gene.kind === "budget" ? { ...gene, status: "quarantined" as const } : gene);
  const { data } = spoke("r1", { ...genome, genes, generation: 3 });
  const { spoke: speaking, silent, moved, generation } = data as unknown as ExpressedData;
  assert.equal(generation, 3);
  assert.deepEqual(speaking.map(({ kind }) => kind).toSorted(), [
    "language",
    "reflection",
    "retrieval",
    "routing",
    "safety",
    "tool-use",
  ]);
  for (const { gene, identity } of speaking) {
    assert.equal(identity, identityOf(genes.find(({ id }) => id === gene)!));
  }
  assert.deepEqual(silent, [{ gene: "gene:coding:budget", reason: "it is quarantined" }]);
  assert.deepEqual(moved, {
    "hierarchy.local": 0.05,
    "reflection.checks": ["empty", "contradiction", "unclosed-code"],
    "validation.require": ["command"],
    "tools.allow": ["filesystem-read", "command"],
  });
});

Deno.test("only evidence from outside, on the answer of a request in which a gene spoke, moves its fitness (20.60)", () => {
  const start = folded([spoke("r1")]);
  const still: ReadonlyArray<LedgerEvent> = [
    said("r1", 1000, { source: "self" }),
    said("r2", 1000),
    said("r1", 1000, { subject: "memory-7" }),
    event("norion.request.settled", { request: "r1", quality: 1000 }),
    observed("r1"),
  ];
  for (const one of still) assert.deepEqual(usageIn(folded([one], start)), usageIn(start));
  assert.equal(usageIn(folded([said("r1", 1000)], start)).wins, 1000);
  const silent = defaultGenome("coding").genes.find(({ kind }) => kind === "budget")!;
  const quarantined: Genome = {
    ...defaultGenome("coding"),
    genes: defaultGenome("coding").genes.map((gene) => gene === silent ? { ...gene, status: "quarantined" } : gene),
  };
  const state = folded([spoke("r1", quarantined), said("r1", 1000)]);
  assert.equal(usageOf(state, identityOf({ ...silent, status: "quarantined" })).wins, 0);
});

const observed = (request: string): LedgerEvent => {
  const { type, data } = observedEvent(request, "coding", ["reflection"], "user@tty");
  return event(type, data);
};

Deno.test("the same event twice counts once, and a witness who thinks better of it is counted as of now (20.54)", () => {
  const once = folded([spoke("r1"), said("r1", 1000), said("r1", 400, { witness: "v" })]);
  const twice = folded([spoke("r1"), said("r1", 1000), said("r1", 400, { witness: "v" })], once);
  assert.deepEqual(twice.usage, once.usage);
  assert.deepEqual([usageIn(once).wins, usageIn(once).losses], [1400, 600]);
  const better = usageIn(folded([said("r1", 1000, { witness: "v" })], once));
  assert.deepEqual([better.wins, better.losses, better.trial.judged], [2000, 0, 2]);
});

Deno.test("what is counted belongs to a gene as it was: an edited one starts anew, and a rollback brings the counts back", () => {
  const genome = defaultGenome("coding");
  const edited = { ...genome, genes: genome.genes.map((gene) => ({ ...gene, version: gene.version + 1 })) };
  const state = folded([spoke("r1"), said("r1", 1000), spoke("r2", edited), said("r2", 0)]);
  assert.deepEqual([usageIn(state).wins, usageIn(state).losses], [1000, 0]);
  assert.deepEqual([usageOf(state, identityOf(edited.genes[0])).losses], [1000]);
});

Deno.test("rules that were broken count against the genes that are named and spoke", () => {
  const violation = (genes: ReadonlyArray<string>): LedgerEvent => {
    const { type, data } = violatedEvent("r1", genes, "TEST", "policy:review");
    return event(type, data);
  };
  const state = folded([spoke("r1"), violation([GENE.id]), violation(["gene:coding:absent"])]);
  assert.equal(usageIn(state).violations.length, 1);
  const others = defaultGenome("coding").genes.slice(1);
  for (const gene of others) assert.equal(usageOf(state, identityOf(gene)).violations.length, 0);
});

Deno.test("requests and evidence are remembered up to their limits, and what is older no longer moves a gene", () => {
  const many = Array.from({ length: REMEMBERED_REQUESTS + 1 }, (_, i) => spoke(`r${i}`));
  const state = folded(many);
  assert.equal(state.requests.length, REMEMBERED_REQUESTS);
  assert.deepEqual(folded([said("r0", 1000)], state).usage, state.usage);
  assert.notDeepEqual(folded([said("r1", 1000)], state).usage, state.usage);
  const words = Array.from({ length: REMEMBERED_EVIDENCE + 1 }, (_, i) => said("r9", i % 2 === 0 ? 0 : 1000));
  assert.equal(folded(words, state).evidence.length, REMEMBERED_EVIDENCE);
});

Deno.test("sixteen requests are a window: a device that is too busy for three of them pauses edits", () => {
  const chance = random("windows");
  const window = (load: number, at: number) =>
    Array.from({ length: 16 }, (_, i) => spoke(`w${at}-${i}-${chance.below(1e9)}`, defaultGenome("coding"), load));
  const two = folded([...window(0.9, 0), ...window(0.9, 1)]);
  assert.equal(two.calm.verdict, "slower");
  const three = folded(window(0.9, 2), two);
  assert.equal(three.calm.verdict, "paused");
  assert.equal(folded([...window(0.1, 3), ...window(0.1, 4)], three).calm.verdict, "normal");
});
