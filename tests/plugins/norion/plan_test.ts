import assert from "node:assert/strict";
import { defaultGenome } from "../../../plugins/norion/default_genome.ts";
import { expressGenome, type GeneEffect, type KnobName, KNOBS } from "../../../plugins/norion/genome.ts";
import { explainPlan, MAX_PROMPT, type NorionRequest, plan } from "../../../plugins/norion/plan.ts";
import { PROFILES } from "../../../plugins/norion/profile.ts";
import { deviceAt, remembered, stateWith, withGene } from "./states.ts";

const MEMORIES = [
  remembered("m1", "The deploy script of the billing service lives in tools/deploy.ts"),
  remembered("m2", "The billing service is deployed every Tuesday by the deploy script"),
  remembered("m3", "Lunch is at noon"),
  remembered("m4", "The deploy script of the billing service reads its secrets from the vault"),
  remembered("m5", "Billing service deploy script needs Deno 2"),
  remembered("m6", "The script that deploys billing was written by Ada"),
];

const REQUEST: NorionRequest = {
  prompt: "Where is the deploy script of the billing service? Please explain, and compare it with the old one.",
  profile: "coding",
  scope: "local",
  candidates: [0.5, 0.9].map((quality) => ({
    id: `http:${quality}`,
    kind: "http",
    locality: "machine",
    quality,
    cost: quality,
    window: 8192,
    latencyMs: 100,
  })),
};

const FAR = "Garden tools are kept behind the shed";

const DEVICE = deviceAt("server", 0.5);

Deno.test("a plan is the same every time, and nothing it was made from is changed", () => {
  const state = stateWith(MEMORIES);
  const before = JSON.stringify([state.router, state.hierarchy, state.genomes, DEVICE, REQUEST]);
  assert.deepEqual(plan(state, REQUEST, DEVICE), plan(state, REQUEST, DEVICE));
  assert.equal(JSON.stringify([state.router, state.hierarchy, state.genomes, DEVICE, REQUEST]), before);
});

Deno.test("every decision of a plan has a line", () => {
  const made = plan(stateWith(MEMORIES), REQUEST, DEVICE);
  const text = explainPlan(made).join("\n");
  for (
    const word of ["work", "device", "genome", "reading", "weights", "route", "budget", "tools", "review", "holds"]
  ) {
    assert.match(text, new RegExp(`^${word} `, "mu"));
  }
  for (const { id, verdict } of made.context) assert.ok(text.includes(`${verdict} ${id}`), id);
  for (const gene of made.knobs.expressed) assert.ok(text.includes(gene), gene);
});

const EFFECTS: { readonly [K in KnobName]: GeneEffect["value"] } = {
  "retrieval.topK": -2,
  "retrieval.floor": 0.1,
  "retrieval.gist": 0.2,
  "route.threshold": 0.1,
  "hierarchy.global": 0.1,
  "hierarchy.local": 0.1,
  "hierarchy.fused": 0.1,
  "reflection.checks": ["repetition"],
  "reflection.passes": 1,
  "validation.require": ["proof"],
  "language.preserve": ["zh"],
  "tools.allow": [],
  "budget.answer": 0.5,
  "budget.calls": 0.5,
  "budget.strong": 0.25,
  "safety.hold": ["destructive-command"],
};

for (const knob of Object.keys(KNOBS) as ReadonlyArray<KnobName>) {
  Deno.test(`knob ${knob} changes what is planned`, () => {
    const gist = { ...remembered("g1", "Deploy script of billing, in short"), source: "gist" as const };
    // One far memory is all there is where the floor is moved: it lies between the two floors.
    const memories = knob === "retrieval.floor" ? [remembered("far", FAR)] : [...MEMORIES, gist];
    const changed = withGene("coding", KNOBS[knob].kind, [{ knob, value: EFFECTS[knob] }]);
    const base = plan(stateWith(memories), REQUEST, DEVICE);
    const moved = plan(stateWith(memories, { coding: changed }), REQUEST, DEVICE);
    const { knobs: _, ...seen } = base;
    const { knobs: __, ...now } = moved;
    assert.notDeepEqual(now, seen);
  });
}

Deno.test("a gene beyond its bound, of another kind, or with an unknown name stays silent and is named with the reason", () => {
  const wrong: ReadonlyArray<readonly ["routing" | "budget", GeneEffect, RegExp]> = [
    ["routing", { knob: "route.threshold", value: 0.11 }, /at most 0\.1/u],
    ["budget", { knob: "route.threshold", value: 0.1 }, /belongs to routing/u],
    ["routing", { knob: "route.threshold", value: NaN }, /takes a number/u],
  ];
  for (const [kind, effect, reason] of wrong) {
    const made = expressGenome(withGene("general", kind, [effect]));
    const silent = made.silent.find(({ gene }) => gene === "gene:general:extra");
    assert.match(silent?.reason ?? "", reason);
    assert.deepEqual(made.numbers, expressGenome(defaultGenome("general")).numbers);
  }
});

Deno.test("no status silences the safety gene, and any other gene that is quarantined does not speak", () => {
  const genome = defaultGenome("general");
  const all = { ...genome, genes: genome.genes.map((gene) => ({ ...gene, status: "quarantined" as const })) };
  assert.deepEqual(expressGenome(all).expressed, ["gene:general:safety"]);
});

Deno.test("permissions are what all genes allow, requirements what any asks for", () => {
  const both = expressGenome(withGene("coding", "tool-use", [{ knob: "tools.allow", value: ["command"] }]));
  assert.deepEqual([...both.sets.get("tools.allow")!], ["command"]);
  const asked = expressGenome(withGene("coding", "reflection", [{ knob: "validation.require", value: ["proof"] }]));
  assert.deepEqual([...asked.sets.get("validation.require")!].toSorted(), ["command", "proof"]);
});

Deno.test("items that are not near, or say the same, do not come along", () => {
  const twice = [...MEMORIES, remembered("m7", "The deploy script of the billing service lives in tools/deploy.ts")];
  const made = plan(stateWith(twice), REQUEST, DEVICE);
  assert.equal(made.context.find(({ id }) => id === "m3"), undefined);
  assert.match(made.context.find(({ id }) => id === "m7")!.reason, /says the same/u);
});

Deno.test("the context that comes along fits the room, and what does not says why (20.32)", () => {
  const files = Array.from({ length: 40 }, (_, i) => ({ name: `f${i}`, text: `file ${i} `.repeat(200 + i) }));
  const made = plan(stateWith(MEMORIES), { ...REQUEST, files }, deviceAt("microcontroller", 0.9));
  const room = made.device.localTokens + made.device.globalTokens;
  assert.ok(made.context.reduce((sum, { tokens }) => sum + tokens, 0) <= room);
  const left = made.context.filter(({ verdict }) => verdict === "skip" || verdict === "defer");
  assert.ok(left.length > 0);
  for (const { reason, tokens } of left) assert.ok(reason.length > 0 && tokens === 0);
});

Deno.test("an empty prompt, and one past the limit, are refused", () => {
  for (const prompt of ["", " \n", "x".repeat(MAX_PROMPT + 1)]) {
    assert.throws(() => plan(stateWith(), { ...REQUEST, prompt }, DEVICE), { code: "NORION_REQUEST" });
  }
});

Deno.test("an answer is never longer than asked for", () => {
  assert.equal(plan(stateWith(), { ...REQUEST, maxTokens: 7 }, DEVICE).budget.answerTokens, 7);
});

Deno.test("every profile plans in every script", () => {
  for (const profile of PROFILES) {
    for (const prompt of ["Hello there", "你好,请解释一下这个函数", "请 review 这个 function 的 code", "🙂"]) {
      const made = plan(stateWith(), { prompt, profile, scope: "s" }, DEVICE);
      assert.ok(made.attention >= 0 && made.attention <= 1);
    }
  }
});
