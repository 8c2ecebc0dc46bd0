/**
 * Handlers of genes and their edits: inputs to edits, reports to outputs.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import type { ExpectedEffect } from "../../effects/mod.ts";
import { CallContext, Entropy, inSlices, type Json } from "../../kernel/mod.ts";
import { runDrills } from "./drills.ts";
import { attempting, badEdit } from "./failures.ts";
import { type KnobName, knobNumber, KNOBS, type Knobs, knobSet } from "./genome.ts";
import { decayOf, driftOf, fitnessOf, trustOf } from "./health.ts";
import type { ApplyEdit, Drill, GenomeOf, PreviewEdit, Propose, TrialOf, UndoEdit } from "./operations_scissors.ts";
import { DEFAULT_POLICY as policy, milli } from "./policy.ts";
import { type Profile, profileOf } from "./profile.ts";
import type { Edit } from "./scissors/edits.ts";
import type { GeneReport, GenomeReport } from "./scissors/report.ts";
import { Scissors } from "./scissors/service.ts";
import { strategyGenes, strategyOf } from "./scissors/strategies.ts";
import { ablating, bare, measuring } from "./scissors/suite.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

const named = (profile: string | undefined) => attempting(() => profileOf(profile ?? "general"));

const shownKnobs = (knobs: Knobs): { readonly [knob: string]: Json } =>
  Object.fromEntries(
    (Object.keys(KNOBS) as ReadonlyArray<KnobName>).map((name): [string, Json] => [
      name,
      KNOBS[name].type === "number" ? knobNumber(knobs, name) : [...knobSet(knobs, name)],
    ]),
  );

const shownGene = ({ gene, usage, standing, lifecycle, probation }: GeneReport, { knobs }: GenomeReport) => {
  const silent = knobs.silent.find((one) => one.gene === gene.id)?.reason;
  return {
    id: gene.id,
    kind: gene.kind,
    label: gene.label,
    purpose: gene.purpose,
    version: gene.version,
    effects: gene.effects,
    status: standing.status,
    residency: standing.residency,
    speaks: knobs.expressed.includes(gene.id),
    ...(silent === undefined ? {} : { silent }),
    fitness: milli(fitnessOf(usage)),
    trust: milli(trustOf(usage, policy)),
    drift: milli(driftOf(usage, policy)),
    decay: milli(decayOf(usage, policy)),
    uses: usage.uses,
    lifecycle,
    ...(probation === undefined ? {} : { probation }),
  };
};

function* measuredOf({ genome }: GenomeReport) {
  const whole = yield* measuring(genome);
  const alone = yield* measuring(bare(genome.profile));
  const genes = yield* ablating(genome);
  return {
    whole: whole.values,
    bare: alone.values,
    genes: genes.map(({ gene, worth, solves }) => ({ gene, worth, solves })),
  };
}

/** Genes of the strategy of a profile that its genome does not have. */
const openStrategies = (profile: Profile, { genome }: GenomeReport): ReadonlyArray<string> =>
  [...new Set([strategyOf(profile, "en"), strategyOf(profile, "zh")])]
    .flatMap((name) => strategyGenes(name, profile).map((gene) => ({ name, gene })))
    .filter(({ gene }) => !genome.genes.some(({ id }) => id === gene.id))
    .map(({ name, gene }) => `${name}/${gene.id.split(":").at(-1)}: ${gene.purpose}`);

/** The edit as the scissors take it: a ready-made gene is written out. */
const editFrom = (edit: InputOf<typeof Propose>["edit"], profile: Profile): Edit => {
  if (edit.kind !== "splice" || "gene" in edit) return edit;
  const genes = strategyGenes(edit.strategy, profile);
  const gene = genes.find(({ id }) => id.split(":").at(-1) === edit.take);
  if (gene !== undefined) {
    return { kind: "splice", gene, ...(edit.displaces === undefined ? {} : { displaces: edit.displaces }) };
  }
  const suggestions = genes.map(({ id }) => id.split(":").at(-1)!);
  throw badEdit({
    edit: "splice",
    reason: `strategy ${edit.strategy} has no gene ${edit.take}`,
    path: "/edit/take",
    suggestions,
  });
};

const standingOf = (profile: Profile) =>
  Effect.map(Effect.flatMap(Scissors, (scissors) => scissors.genome(profile)), ({ digest, genome }) => ({
    digest,
    generation: genome.generation,
  }));

/** The handlers. */
export const scissorsHandlers = {
  "norion.genome": ({ profile: name, measure }: InputOf<typeof GenomeOf>) =>
    Effect.gen(function* () {
      const profile = yield* named(name);
      const report = yield* (yield* Scissors).genome(profile);
      const { genome } = report;
      return {
        profile,
        generation: genome.generation,
        digest: report.digest,
        ...(genome.fault === undefined ? {} : { fault: genome.fault }),
        calm: report.calm,
        branches: genome.branches ?? 1,
        genes: report.genes.map((gene) => shownGene(gene, report)),
        knobs: shownKnobs(report.knobs),
        insistent: report.insistent,
        strategies: openStrategies(profile, report),
        ...(measure === true ? { measured: yield* inSlices(() => measuredOf(report)) } : {}),
      };
    }),
  "norion.propose": ({ profile: name, edit, reason, evidence, expected, validation }: InputOf<typeof Propose>) =>
    Effect.gen(function* () {
      const profile = yield* named(name);
      const { actor } = yield* CallContext;
      const given = yield* attempting(() => editFrom(edit, profile));
      const { proposal, state, reasons } = yield* (yield* Scissors).propose({
        profile,
        edit: given,
        reason: reason ?? "ASKED_FOR",
        ...(evidence === undefined ? {} : { evidence }),
        ...(expected === undefined ? {} : { expected }),
        ...(validation === undefined ? {} : { validation }),
      }, actor);
      const { id, changedIds, widensAuthority, patch } = proposal;
      return { proposal: id, state, reasons, changedIds, widensAuthority, patch };
    }),
  "norion.preview": ({ proposal }: InputOf<typeof PreviewEdit>) =>
    Effect.gen(function* () {
      const { before, after, report, records, knobs } = yield* (yield* Scissors).preview(proposal);
      return { before, after, outcome: report.outcome, findings: report.findings, records, knobs };
    }),
  "norion.apply": ({ proposal }: InputOf<typeof ApplyEdit>) =>
    Effect.gen(function* () {
      const { actor } = yield* CallContext;
      const { state, profile } = yield* (yield* Scissors).apply(proposal, actor);
      return { proposal, state, ...yield* standingOf(profile) };
    }),
  "norion.rollback": ({ proposal }: InputOf<typeof UndoEdit>) =>
    Effect.gen(function* () {
      const { actor } = yield* CallContext;
      const { undone, profile } = yield* (yield* Scissors).rollback(proposal, actor);
      return { undone, ...yield* standingOf(profile) };
    }),
  "norion.drill": ({ kinds }: InputOf<typeof Drill>) =>
    Effect.gen(function* () {
      const { random } = yield* CallContext;
      const entropy = { bytes: (count: number) => Uint8Array.from({ length: count }, () => random.below(256)) };
      return yield* Effect.provideService(runDrills(kinds), Entropy, entropy);
    }),
  "norion.trial": ({ profile: name, patch, expected }: InputOf<typeof TrialOf>) =>
    Effect.gen(function* () {
      const profile = yield* named(name);
      return yield* (yield* Scissors).trial(profile, patch, expected as ExpectedEffect | undefined);
    }),
};
