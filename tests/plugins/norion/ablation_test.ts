/** Genes measured: with and without them, and whether a change is worth it. */
import assert from "node:assert/strict";
import { defaultGenome } from "../../../plugins/norion/default_genome.ts";
import type { Gene, Genome } from "../../../plugins/norion/genome.ts";
import { DEFAULT_POLICY as policy } from "../../../plugins/norion/policy.ts";
import { type Profile, PROFILES } from "../../../plugins/norion/profile.ts";
import { judgeBenefit, type Measured, type MeasureName, MEASURES } from "../../../plugins/norion/scissors/measures.ts";
import { STRATEGY_NAMES, strategyGenes, strategyOf } from "../../../plugins/norion/scissors/strategies.ts";
import { ablating, bare, measuring } from "../../../plugins/norion/scissors/suite.ts";
import { tasksOf } from "../../../plugins/norion/scissors/tasks.ts";

const done = <A>(work: Generator<void, A>): A => {
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
};

const measure = (genome: Genome): Measured => done(measuring(genome));

/** A profile's genome where one kind of gene does something else. */
const withEffects = (profile: Profile, kind: Gene["kind"], effects: Gene["effects"]): Genome => {
  const genome = defaultGenome(profile);
  return { ...genome, genes: genome.genes.map((gene) => gene.kind === kind ? { ...gene, effects } : gene) };
};

Deno.test("a measurement is the same every time, and tasks of one profile have ids of their own", () => {
  for (const profile of PROFILES) {
    assert.deepEqual(measure(defaultGenome(profile)), measure(defaultGenome(profile)));
    const ids = tasksOf(profile).map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, profile);
  }
});

Deno.test("with its genome a profile solves more than without, wherever its genes do something", () => {
  for (const profile of PROFILES) {
    const [whole, none] = [measure(defaultGenome(profile)), measure(bare(profile))];
    if (profile === "general") assert.deepEqual(whole.values, none.values);
    else assert.ok(whole.values.solved > none.values.solved, profile);
  }
});

Deno.test("a gene that does something is missed when it is taken away, one that does nothing is not", () => {
  for (const profile of PROFILES) {
    const genome = defaultGenome(profile);
    for (const { gene: id, worth, solves, spoils } of done(ablating(genome))) {
      const gene = genome.genes.find((one) => one.id === id)!;
      const differs = Object.values(worth).some((value) => value !== 0) || solves.length + spoils.length > 0;
      // These say what holds anyway where no gene speaks.
      const repeats = JSON.stringify(gene.effects) === JSON.stringify(commonEffects(gene.kind));
      assert.equal(differs, gene.effects.length > 0 && !repeats, id);
    }
  }
});

const commonEffects = (kind: Gene["kind"]): Gene["effects"] =>
  defaultGenome("general").genes.find((gene) => gene.kind === kind)!.effects;

Deno.test("each task that is solved by one gene alone is solved by what that gene is for", () => {
  const expected: { readonly [gene: string]: RegExp } = {
    "gene:coding:reflection": /^(?:draft-unclosed-code|proof-command)/u,
    "gene:coding:tool-use": /^tool-needed-command/u,
    "gene:writing:retrieval": /^gist-/u,
    "gene:long-context:reflection": /^(?:draft-unsupported-claim|proof-citation)/u,
    "gene:long-context:budget": /^long-/u,
    "gene:local-tool:safety": /^danger-destructive-command/u,
  };
  const found = PROFILES.flatMap((profile) => done(ablating(defaultGenome(profile))))
    .filter(({ solves }) => solves.length > 0);
  assert.deepEqual(found.map(({ gene }) => gene).toSorted(), Object.keys(expected).toSorted());
  for (const { gene, solves, spoils } of found) {
    for (const task of solves) assert.match(task, expected[gene], gene);
    assert.deepEqual(spoils, [], gene);
  }
});

Deno.test("a better genome measures better and a worse one worse, in the measure it is about", () => {
  const base = measure(defaultGenome("coding")).values;
  const more = measure(withEffects("coding", "retrieval", [{ knob: "retrieval.topK", value: 2 }])).values;
  const fewer = measure(withEffects("coding", "retrieval", [{ knob: "retrieval.topK", value: -2 }])).values;
  assert.ok(more.recalled > base.recalled && base.recalled > fewer.recalled);
  const blind = measure(withEffects("coding", "reflection", [])).values;
  assert.ok(blind.caught < base.caught);
  const tools = [{ knob: "tools.allow", value: ["filesystem-read", "command"] }] as const;
  const loose = measure(withEffects("writing", "tool-use", tools)).values;
  assert.ok(loose.safe < measure(defaultGenome("writing")).values.safe);
  const long = measure(withEffects("coding", "budget", [{ knob: "budget.answer", value: 0.5 }])).values;
  assert.ok(long.solved > base.solved && long.latencyMs > base.latencyMs && long.tokens > base.tokens);
});

Deno.test("every strategy has a gene that some profile of its own gains by", () => {
  for (const name of STRATEGY_NAMES) {
    const profiles = PROFILES.filter((profile) =>
      [strategyOf(profile, "en"), strategyOf(profile, "zh")].includes(name)
    );
    const gains = profiles.some((profile) => {
      const genome = defaultGenome(profile);
      const before = measure(genome);
      return strategyGenes(name, profile).some((gene) => {
        const whole: Gene = { ...gene, version: 1, born: 1, status: "active", evidence: [], parents: [] };
        const after = measure({ ...genome, genes: [...genome.genes, whole] });
        return judgeBenefit(before, after, policy).ok;
      });
    });
    assert.ok(gains, name);
  }
});

const VALUES: { readonly [M in MeasureName]: number } = {
  solved: 800,
  recalled: 700,
  caught: 700,
  safe: 1000,
  tokens: 600,
  calls: 1,
  latencyMs: 1000,
};

const measured = (more: Partial<typeof VALUES> = {}, broken: ReadonlyArray<string> = []): Measured => ({
  values: { ...VALUES, ...more },
  tasks: [],
  broken,
});

Deno.test("a gain is worth nothing beside a regression beyond 20 thousandths, a broken answer or too long a wait (20.65)", () => {
  const reasons = (more: Partial<typeof VALUES>, broken: ReadonlyArray<string> = []) =>
    judgeBenefit(measured(), measured(more, broken), policy).reasons;
  assert.deepEqual(reasons({ solved: 801 }), []);
  assert.deepEqual(reasons({}), ["NO_GAIN"]);
  assert.deepEqual(reasons({ solved: 850, recalled: 680 }), []);
  assert.deepEqual(reasons({ solved: 850, recalled: 679 }), ["REGRESSION_RECALLED"]);
  assert.deepEqual(reasons({ solved: 850, safe: 979 }), ["REGRESSION_SAFE"]);
  assert.deepEqual(reasons({ solved: 850 }, ["answer-700"]), ["INTEGRITY"]);
  assert.deepEqual(reasons({ solved: 850, latencyMs: 1250 }), []);
  assert.deepEqual(reasons({ solved: 850, latencyMs: 1251 }), ["LATENCY"]);
  assert.deepEqual(reasons({ tokens: 500 }), []);
  const quick = { ...VALUES, latencyMs: 100 };
  const slow = (latencyMs: number) =>
    judgeBenefit(measured(quick), measured({ solved: 850, latencyMs }), policy).reasons;
  assert.deepEqual([slow(200), slow(201)], [[], ["LATENCY"]]);
});

Deno.test("a change that gains but does not do what it was expected to is not worth it", () => {
  const aim = (bound: number, direction: "up" | "down" = "up", metric = "recalled") =>
    judgeBenefit(measured(), measured({ recalled: 750 }), policy, { metric, direction, bound }).reasons;
  assert.deepEqual([aim(750), aim(751)], [[], ["EXPECTED_MISSED"]]);
  assert.deepEqual([aim(600, "down", "tokens"), aim(599, "down", "tokens")], [[], ["EXPECTED_MISSED"]]);
  assert.deepEqual(aim(0, "up", "happiness"), ["EXPECTED_MISSED"]);
  assert.deepEqual(Object.keys(MEASURES), Object.keys(VALUES));
});
