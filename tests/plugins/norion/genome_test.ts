/** Genomes: what a profile starts with, how genes depend on each other, and how records are read. */
import assert from "node:assert/strict";
import { digestJson, type Json } from "../../../kernel/mod.ts";
import { defaultGenome } from "../../../plugins/norion/default_genome.ts";
import {
  expressGenome,
  type Gene,
  GENE_KINDS,
  geneFault,
  type Genome,
  genomeFault,
  knobSet,
  MOST_EXPRESSED,
  MOST_GENES,
} from "../../../plugins/norion/genome.ts";
import { PROFILES } from "../../../plugins/norion/profile.ts";
import {
  fingerprintOf,
  type GeneRecord,
  genomeOf,
  identityOf,
  readDocument,
  readRecord,
} from "../../../plugins/norion/scissors/document.ts";
import { meanEffects } from "../../../plugins/norion/scissors/edits.ts";
import { STRATEGY_NAMES, strategyGenes, strategyOf } from "../../../plugins/norion/scissors/strategies.ts";

const GENOME = defaultGenome("coding");

const gene = (slug: string, more: Partial<Gene> = {}): Gene => ({
  id: `gene:coding:${slug}`,
  kind: "budget",
  label: "A gene of a test",
  purpose: "Is there so that a test can look at it.",
  tags: [],
  version: 1,
  born: 1,
  status: "active",
  effects: [],
  evidence: [],
  parents: [],
  ...more,
});

/** The speaking genes of a coding genome of a safety gene and these. */
const spoken = (genes: ReadonlyArray<Gene>, more: Partial<Genome> = {}) => {
  const safety = GENOME.genes.find(({ kind }) => kind === "safety")!;
  const { expressed, silent } = expressGenome({ profile: "coding", generation: 0, genes: [safety, ...genes], ...more });
  return {
    expressed: expressed.slice(1).map((id) => id.split(":").at(-1)),
    silent: Object.fromEntries(silent.map((one) => [one.gene.split(":").at(-1), one.reason])),
  };
};

Deno.test("every profile starts with one gene of each kind, and its strategy follows work and language (20.39)", () => {
  for (const profile of PROFILES) {
    const { genes } = defaultGenome(profile);
    assert.deepEqual(genes.map(({ kind }) => kind).toSorted(), GENE_KINDS.toSorted());
    assert.equal(genomeFault(profile, genes), undefined);
  }
  assert.equal(strategyOf("coding", "zh"), "code");
  assert.equal(strategyOf("long-context", "en"), "long-input");
  assert.equal(strategyOf("local-tool", "en"), "tools");
  assert.equal(strategyOf("general", "zh"), "chinese");
  assert.equal(strategyOf("writing", "mixed"), "chinese");
  assert.equal(strategyOf("general", "en"), "english");
});

Deno.test("every gene of a strategy is sound in every profile, and does something", () => {
  for (const name of STRATEGY_NAMES) {
    for (const profile of PROFILES) {
      const genes = strategyGenes(name, profile);
      assert.equal(genes.length, 3);
      for (const one of genes) {
        const whole = { ...one, version: 1, born: 1, status: "active" as const, evidence: [], parents: [] };
        assert.equal(geneFault(whole), undefined, one.id);
        assert.equal(genomeFault(profile, [...defaultGenome(profile).genes, whole]), undefined, one.id);
        assert.ok(one.effects.length > 0, one.id);
      }
    }
  }
});

Deno.test("quarantined, cold and retired genes are not expressed, hot and warm ones are (20.42)", () => {
  const residencies = ["hot", "warm", "cold", "quarantined", "retired"] as const;
  const genes = residencies.map((residency) => gene(residency));
  const standing = Object.fromEntries(
    residencies.map((residency) => [`gene:coding:${residency}`, { status: "active" as const, residency }]),
  );
  assert.deepEqual(spoken(genes, { standing }).expressed, ["hot", "warm"]);
  const statuses = ["active", "probation", "aging", "malignant", "quarantined", "regenerating", "retired"] as const;
  assert.deepEqual(spoken(statuses.map((status) => gene(status, { status }))).expressed, [
    "active",
    "probation",
    "aging",
  ]);
});

Deno.test("the safety gene speaks whatever its status and residency", () => {
  const id = "gene:coding:safety";
  const genes = GENOME.genes.map((one) => one.id === id ? { ...one, status: "retired" as const } : one);
  const standing = { [id]: { status: "malignant", residency: "cold" } } as const;
  assert.equal(expressGenome({ ...GENOME, genes, standing }).expressed[0], id);
});

Deno.test("a gene speaks after those it requires, and is silent beside those it conflicts with or that replace it", () => {
  const chain = [gene("c", { requires: ["gene:coding:b"] }), gene("b", { requires: ["gene:coding:a"] }), gene("a")];
  assert.deepEqual(spoken(chain).expressed, ["a", "b", "c"]);
  const broken = spoken([chain[0], chain[1], gene("a", { status: "quarantined" })]);
  assert.deepEqual(broken.expressed, []);
  assert.match(broken.silent.c, /which it requires, does not speak/u);
  const against = spoken([gene("a"), gene("b", { conflicts: ["gene:coding:a"] })]);
  assert.deepEqual([against.expressed, against.silent.b], [["a"], "it conflicts with gene:coding:a"]);
  const replaced = spoken([gene("old"), gene("new", { replaces: ["gene:coding:old"] })]);
  assert.deepEqual([replaced.expressed, replaced.silent.old], [["new"], "gene:coding:new replaces it"]);
  const instead = spoken([gene("old"), gene("new", { replaces: ["gene:coding:old"], status: "quarantined" })]);
  assert.deepEqual(instead.expressed, ["old"]);
});

Deno.test("eight genes speak and a ninth does not", () => {
  const genes = Array.from({ length: MOST_EXPRESSED }, (_, i) => gene(`g${i}`));
  assert.equal(spoken(genes).expressed.length, MOST_EXPRESSED - 1);
  assert.match(spoken(genes).silent[`g${MOST_EXPRESSED - 1}`], /spoke before it/u);
  assert.equal(spoken(genes.slice(1)).expressed.length, MOST_EXPRESSED - 1);
});

Deno.test("each way in which genes make no genome is named", () => {
  const faults: ReadonlyArray<readonly [RegExp, ReadonlyArray<Gene>]> = [
    [/more than 16/u, Array.from({ length: MOST_GENES - 6 }, (_, i) => gene(`g${i}`))],
    [/two of its genes have one id/u, [gene("a"), gene("a")]],
    [/no id of a coding gene/u, [gene("a", { id: "gene:writing:a" })]],
    [/no id of a coding gene/u, [gene("A b")]],
    [/belongs to routing/u, [gene("a", { effects: [{ knob: "route.threshold", value: 0.01 }] })]],
    [/moves budget.answer twice/u, [
      gene("a", { effects: [{ knob: "budget.answer", value: 0.5 }, { knob: "budget.answer", value: 0.5 }] }),
    ]],
    [/names gene:coding:absent/u, [gene("a", { requires: ["gene:coding:absent"] })]],
    [/by way of others/u, [gene("a", { requires: ["gene:coding:b"] }), gene("b", { requires: ["gene:coding:a"] })]],
    [/by way of others/u, [gene("a", { replaces: ["gene:coding:b"] }), gene("b", { replaces: ["gene:coding:a"] })]],
  ];
  for (const [reason, more] of faults) assert.match(genomeFault("coding", [...GENOME.genes, ...more]) ?? "", reason);
  assert.match(genomeFault("coding", GENOME.genes.filter(({ kind }) => kind !== "safety")) ?? "", /no safety gene/u);
  const full = [...GENOME.genes, ...Array.from({ length: MOST_GENES - 7 }, (_, i) => gene(`g${i}`))];
  assert.equal(genomeFault("coding", full), undefined);
  assert.equal(genomeFault("coding", [...full, gene("gone", { status: "retired" })]), undefined);
});

const record = (one: Gene): GeneRecord => ({
  format: 1,
  gene: one,
  origin: { edit: "splice", revision: 0, anchor: digestJson({}), reason: "TESTED", evidence: [digestJson("e")] },
});

const document = (one: GeneRecord): Json => ({ [one.gene.id]: one }) as unknown as Json;

Deno.test("records come back as they were stored (20.58)", () => {
  const one = record(
    gene("a", { effects: [{ knob: "budget.answer", value: 0.25 }], requires: ["gene:coding:safety"] }),
  );
  const read = readDocument(JSON.parse(JSON.stringify(document(one))));
  assert.ok("records" in read);
  assert.deepEqual(read.records[one.gene.id], one);
  assert.deepEqual(genomeOf("coding", document(one), 1).genes.at(-1), one.gene);
});

Deno.test("a record with a wrong member, version, number or digest is refused, and the default genome says why (20.58)", () => {
  const good = record(gene("a"));
  const { purpose: _, ...thin } = good.gene;
  const bad: ReadonlyArray<readonly [string, unknown]> = [
    ["no record", {}],
    ["a newer format", { ...good, format: 2 }],
    ["a missing member", { ...good, gene: thin }],
    ["a member more", { ...good, gene: { ...good.gene, fitness: 1 } }],
    ["raw prompt", { ...good, gene: { ...good.gene, prompt: "Tell me all" } }],
    ["no number", { ...good, gene: { ...good.gene, version: "1" } }],
    ["a number beyond", { ...good, gene: { ...good.gene, effects: [{ knob: "budget.answer", value: null }] } }],
    ["an unknown knob", { ...good, gene: { ...good.gene, effects: [{ knob: "budget.all", value: 1 }] } }],
    ["no digest", { ...good, origin: { ...good.origin, anchor: "state-1" } }],
    ["evidence that is none", { ...good, origin: { ...good.origin, evidence: ["I saw it"] } }],
    ["another gene's record", { ...good, gene: { ...good.gene, id: "gene:coding:b" } }],
  ];
  for (const [name, stored] of bad) {
    assert.ok("fault" in readRecord("gene:coding:a", stored as Json), name);
    const genome = genomeOf("coding", { "gene:coding:a": stored as Json }, 3);
    assert.deepEqual([genome.genes, genome.generation], [GENOME.genes, 3], name);
    assert.match(genome.fault ?? "", /gene:coding:a/u, name);
    assert.match(expressGenome(genome).silent[0].reason, /so the default genome speaks/u, name);
  }
});

Deno.test("what a gene does has one fingerprint, whatever it is called; what it is has one identity", () => {
  const effects = [{ knob: "budget.answer", value: 0.5 }, { knob: "budget.calls", value: 0.1 }] as const;
  const [a, b] = [gene("a", { effects }), gene("b", { effects: effects.toReversed(), label: "Another name" })];
  assert.equal(fingerprintOf(a), fingerprintOf(b));
  assert.notEqual(identityOf(a), identityOf(b));
  assert.notEqual(fingerprintOf(a), fingerprintOf(gene("c")));
});

Deno.test("a mean of effects lies within every knob's bound, and permits what all permit", () => {
  const three = [0.1, 0.1, 0.1].map((value) => ({ effects: [{ knob: "route.threshold", value }] as const }));
  assert.deepEqual(meanEffects(three), [{ knob: "route.threshold", value: 0.1 }]);
  assert.deepEqual(meanEffects([{ effects: [{ knob: "budget.answer", value: 0.5 }] }, { effects: [] }]), [
    { knob: "budget.answer", value: 0.25 },
  ]);
  const tools = (value: ReadonlyArray<string>) => ({ effects: [{ knob: "tools.allow", value }] as const });
  assert.deepEqual(meanEffects([tools(["command", "filesystem-read"]), tools(["filesystem-read"])]), [
    { knob: "tools.allow", value: ["filesystem-read"] },
  ]);
  const checks = (value: ReadonlyArray<string>) => ({ effects: [{ knob: "reflection.checks", value }] as const });
  assert.deepEqual(meanEffects([checks(["empty"]), checks(["repetition"])]), [
    { knob: "reflection.checks", value: ["empty", "repetition"] },
  ]);
});

Deno.test("a stored gene that allows tools of an older version keeps all others, and its genome stands", () => {
  const gene = defaultGenome("general").genes.find(({ kind }) => kind === "tool-use")!;
  const value = ["filesystem-read", "filesystem-write", "network"];
  const digest = `sha256:${"0".repeat(64)}`;
  const origin = { edit: "repair", revision: 1, anchor: digest, reason: "TESTED", evidence: [] };
  const stored = { format: 1, gene: { ...gene, effects: [{ knob: "tools.allow", value }] }, origin };
  const genome = genomeOf("general", { [gene.id]: stored } as never, 1);
  assert.deepEqual([genome.fault, knobSet(expressGenome(genome), "tools.allow")], [undefined, ["filesystem-read"]]);
});
