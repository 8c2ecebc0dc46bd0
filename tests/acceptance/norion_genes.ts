/**
 * Acceptance figures of norion's genes: what they are worth on the fixed tasks, that edits are undone to identical
 * digests, that malignant genes are contained, and how fast the gate decides.
 *
 * The tasks are plan-level, with a scripted backend: their shares say that genes act through plans as they are meant to,
 * not that any model answers better. With genes that do nothing (the general profile) the difference is nothing.
 */
import * as Effect from "effect/Effect";
import { type Json, random } from "../../kernel/mod.ts";
import { runDrills } from "../../plugins/norion/drills.ts";
import { defaultGenome } from "../../plugins/norion/default_genome.ts";
import type { Genome } from "../../plugins/norion/genome.ts";
import { PROFILES } from "../../plugins/norion/profile.ts";
import { ablating, bare, measuring } from "../../plugins/norion/scissors/suite.ts";
import { tasksOf } from "../../plugins/norion/scissors/tasks.ts";
import { countedEntropy } from "../effects/ledger_fixtures.ts";
import { freshLedger, groundOver, plansUntil, randomEdit } from "../plugins/norion/genes_random.ts";
import { editOf } from "../plugins/norion/genes.ts";
import { type Figure, rounded } from "./figure.ts";

const done = <A>(work: Generator<void, A>): A => {
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
};

const solvedBy = (genome: Genome): number => done(measuring(genome)).values.solved;

/** No test uses this seed. */
const UNSEEN = "acceptance 20261122";
const PLANS = 1_000;
const STEPS = 40;

const worth: Figure = {
  name:
    "tasks solved with the genomes of all profiles less without them, the mean over profiles whose genes do something",
  unit: "thousandths",
  goal: "> 0 in each of them, 0 for the profile whose genes do nothing",
  measure: () => {
    const detail = Object.fromEntries(
      PROFILES.map((profile) => {
        const [whole, none] = [solvedBy(defaultGenome(profile)), solvedBy(bare(profile))];
        return [profile, { with: whole, without: none, tasks: tasksOf(profile).length }];
      }),
    );
    const gains = PROFILES.filter((profile) => profile !== "general")
      .map((profile) => detail[profile].with - detail[profile].without);
    const value = rounded(gains.reduce((sum, gain) => sum + gain, 0) / gains.length);
    const ok = gains.every((gain) => gain > 0) && detail.general.with === detail.general.without;
    return Promise.resolve({ value, ok, detail });
  },
};

const ablation: Figure = {
  name: "genes whose absence is measured, of those that do something else than holds anyway",
  unit: "share",
  goal: "1, and 0 of the others",
  measure: () => {
    const common = new Map(defaultGenome("general").genes.map(({ kind, effects }) => [kind, JSON.stringify(effects)]));
    let [acting, missed, idle] = [0, 0, 0];
    const detail: { [gene: string]: Json } = {};
    for (const profile of PROFILES) {
      const genome = defaultGenome(profile);
      for (const { gene, worth, solves } of done(ablating(genome))) {
        const { kind, effects } = genome.genes.find(({ id }) => id === gene)!;
        const acts = effects.length > 0 && JSON.stringify(effects) !== common.get(kind);
        const differs = Object.values(worth).some((value) => value !== 0);
        if (acts) acting++;
        if (acts && differs) missed++;
        if (!acts && differs) idle++;
        if (differs) detail[gene] = { worth, solves };
      }
    }
    return Promise.resolve({ value: missed / acting, ok: missed === acting && idle === 0, detail });
  },
};

const undone: Figure = {
  name: `random edits that the gate let through, undone to the identical digest of the state before each`,
  unit: "edits",
  goal: `>= ${PLANS}, every one`,
  measure: async ({ progress }) => {
    // A digest that differs throws.
    const { admitted, refused, kinds, seeds } = await plansUntil(
      PLANS,
      STEPS,
      UNSEEN,
      (count) => progress(Math.min(count, PLANS), PLANS),
    );
    const byKind = Object.fromEntries(
      [...new Set(kinds)].map((kind) => [kind, kinds.filter((k) => k === kind).length]),
    );
    return { value: admitted, ok: admitted >= PLANS, detail: { refused, seeds, byKind } };
  },
};

const drills: Figure = {
  name: "malignant kinds found, silenced, cut and replaced, of six",
  unit: "kinds",
  goal: "6",
  measure: async () => {
    const report = await Effect.runPromise(Effect.provide(runDrills(), countedEntropy(UNSEEN)));
    const contained = report.drills.filter(({ failed }) => failed === undefined).length;
    return { value: contained, ok: report.ok, detail: report as unknown as Json };
  },
};

const JUDGED = 200;

const speed: Figure = {
  name: "edits of genomes judged by every check of the gate, a second, the best of rounds",
  unit: "1/s",
  goal: ">= 100",
  measure: async ({ progress }) => {
    const chance = random(UNSEEN);
    const place = await Effect.runPromise(Effect.flatMap(freshLedger(UNSEEN), groundOver));
    const ids: string[] = [];
    for (let step = 0; ids.length < 20; step++) {
      const request = editOf(randomEdit(chance, defaultGenome("coding"), step), { reason: `SPEED_${step}` });
      const id = await Effect.runPromise(Effect.match(place.scissors.propose(request, "agent:a"), {
        onSuccess: ({ proposal }) => proposal.id as string,
        onFailure: () => undefined,
      }));
      if (id !== undefined) ids.push(id);
    }
    let best = 0;
    for (let round = 0; round < 5; round++) {
      progress(round, 5);
      const start = performance.now();
      for (let i = 0; i < JUDGED; i++) await Effect.runPromise(place.proposals.judge(ids[i % ids.length]));
      best = Math.max(best, JUDGED / (performance.now() - start) * 1000);
    }
    return { value: rounded(best), ok: best >= 100 };
  },
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [worth, ablation, undone, drills, speed];
