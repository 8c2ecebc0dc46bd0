/**
 * Scoring: a generation's candidates scored by workers, or by the sandbox where a function of the caller scores.
 *
 * Invariant: scores do not depend on how many workers there are; a candidate without scores has a reason; where the
 * workers, the sandbox or the budget itself fail, the generation is not told.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Sandbox, type SandboxFailure } from "../../../effects/mod.ts";
import type { KernelFailure } from "../../../kernel/failure.ts";
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { Budget } from "../../../kernel/meter.ts";
import { Workers } from "../../../kernel/workers.ts";
import type { Candidate } from "../contract.ts";
import { badObjective, type EvolutionFailure } from "../failures.ts";
import { type GenomePlan, type Plain, plainOf } from "./genomes.ts";
import type { ObjectivePlan } from "./objectives.ts";
import type { Scored, ScoringTask } from "./scoring_job.ts";

/** What scoring needs. */
export type Scores = Workers | Sandbox | Budget;

type Genome = Plain;
type Scoring<R> = (
  genomes: ReadonlyArray<Genome>,
) => Effect.Effect<ReadonlyArray<unknown>, EvolutionFailure | KernelFailure, R>;

/** Genomes that one worker is given at once, at most. */
const MOST_AT_ONCE = 256;

/** Genomes in as many parts as there are workers, each in order. */
const parted = (genomes: ReadonlyArray<Genome>, parts: number): ReadonlyArray<ReadonlyArray<Genome>> => {
  const size = Math.max(1, Math.min(MOST_AT_ONCE, Math.ceil(genomes.length / parts)));
  return Array.from({ length: Math.ceil(genomes.length / size) }, (_, i) => genomes.slice(i * size, (i + 1) * size));
};

/** Scores by workers; steps are taken from the fuel when they are known. */
const byWorkers = (work: ScoringTask["work"]): Scoring<Workers | Budget> => (genomes) =>
  Effect.gen(function* () {
    const workers = yield* Workers;
    const account = yield* Budget;
    const parts = parted(genomes, workers.size);
    const scored = yield* Effect.forEach(
      parts,
      (part) => {
        const input: ScoringTask = { work, genomes: part };
        return workers.run({ module: import.meta.resolve("./scoring_job.ts"), name: "scoreGenomes", input });
      },
      { concurrency: workers.size },
    );
    const all = scored.flat() as ReadonlyArray<Scored>;
    yield* account.spend("fuel", all.reduce((sum, { fuel }) => sum + fuel, 0));
    return all.map(({ scores }) => scores);
  });

type ModuleWork = Extract<ObjectivePlan["work"], { readonly kind: "module" }>;

/** One answer of a caller's function as scores: a number, several, or both with a violation. */
const scoresOf = (answer: Json, descriptor: number): unknown => {
  const scores = Array.isArray(answer) || !isJsonObject(answer) ? { objectives: [answer].flat() } : answer;
  if (descriptor === 0 || "failed" in scores) return scores;
  const { descriptor: said } = scores as { readonly descriptor?: Json };
  const fits = Array.isArray(said) && said.length === descriptor;
  return fits ? scores : { failed: `it gave no descriptor of ${descriptor} numbers` };
};

/** Why a list of genomes has no scores, where that is the candidates' doing. */
const isTheirs = ({ code }: SandboxFailure): boolean => !code.startsWith("KERNEL_");

/**
 * Scores by a function of the caller in the sandbox. A list on which it fails is halved until the candidate on which it
 * fails is alone: that one has the worst score, the others keep theirs.
 */
const bySandbox = ({ source, wallMs, descriptor }: ModuleWork): Scoring<Sandbox | Budget> => {
  const scored: Scoring<Sandbox> = (genomes) =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox;
      const ran = yield* Effect.matchEffect(sandbox.run({ source, input: genomes, limits: { wallMs } }), {
        onSuccess: (value) => Effect.succeed({ value, failed: undefined }),
        onFailure: (failure) =>
          isTheirs(failure)
            ? Effect.succeed({ value: null, failed: `${failure.code}: ${failure.message}` })
            : Effect.fail(failure as KernelFailure),
      });
      const fits = Array.isArray(ran.value) && ran.value.length === genomes.length;
      if (fits) return (ran.value as ReadonlyArray<Json>).map((answer) => scoresOf(answer, descriptor));
      const failed = ran.failed ?? "it gave no list with one answer for each genome";
      if (genomes.length === 1) return [{ failed }];
      const half = genomes.length >> 1;
      return [...yield* scored(genomes.slice(0, half)), ...yield* scored(genomes.slice(half))];
    });
  return (genomes) =>
    Effect.gen(function* () {
      const account = yield* Budget;
      yield* account.spend("fuel", genomes.length);
      return yield* scored(genomes);
    });
};

const isFailed = (scores: unknown): boolean => isJsonObject(scores as Json) && "failed" in (scores as object);

/** A function's scores; the first that it gives are asked for twice, and refused where they are others then. */
const steady = <R>(scored: Scoring<R>): Scoring<R> => {
  let asked = false;
  return (genomes) =>
    Effect.gen(function* () {
      const scores = yield* scored(genomes);
      const places = scores.flatMap((one, at) => isFailed(one) ? [] : [at]);
      if (asked || places.length === 0) return scores;
      asked = true;
      const again = yield* scored(places.map((at) => genomes[at]));
      const other = again.findIndex((one, k) =>
        !isFailed(one) && JSON.stringify(one) !== JSON.stringify(scores[places[k]])
      );
      if (other < 0) return scores;
      const [first, second] = [scores[places[other]], again[other]].map((one) => JSON.stringify(one));
      return yield* badObjective({
        objective: "the module",
        reason:
          `asked twice about one genome it gave ${first}, then ${second}: it must not draw, count or see the time`,
        path: "/objective/module",
      });
    });
};

/** What scores a generation's candidates by an objective. */
export const scoring = (
  { work }: ObjectivePlan,
  genome: GenomePlan,
): (
  asked: ReadonlyArray<Candidate<unknown>>,
) => Effect.Effect<ReadonlyArray<unknown>, EvolutionFailure | KernelFailure, Scores> => {
  const score: Scoring<Scores> = work.kind === "module" ? steady(bySandbox(work)) : byWorkers(work);
  return (asked) => score(asked.map((candidate) => plainOf(genome, genome.variation.encode(candidate.genome))));
};
