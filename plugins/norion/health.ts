/**
 * Health: how a gene does, read off what others said of the requests it spoke in, and what follows from that.
 *
 * Not the counting (state/genome.ts folds it from the ledger) and not the edits that health calls for (scissors/).
 * Invariant: pure. Fitness moves by evidence from outside and by nothing else; a gene that nobody judged stands at one
 * half; what ages, falls ill, is kept ready or is taken off probation follows from the same few counts.
 *
 * @module
 */
import { type Gene, GENE_KINDS, type GeneKind, type GeneStatus, type Residency } from "./genome.ts";
import { DEFAULT_POLICY, milli, type Policy, unit } from "./policy.ts";

/** What is counted of one gene, as it is: an edited gene is counted anew. Sums are whole thousandths. */
export interface Usage {
  /** Requests it spoke in. */
  readonly uses: number;
  /** Outcomes in its favour; halved after every half-life. */
  readonly wins: number;
  /** Outcomes against it; halved after every half-life. */
  readonly losses: number;
  /** Use after which it last had an outcome in its favour. */
  readonly proven: number;
  /** How far above one half its fitness stood when it last was steady; halved after every half-life. */
  readonly anchor: number;
  /** Uses in which it broke a rule, of the latest window. */
  readonly violations: ReadonlyArray<number>;
  /** How near it is to use. */
  readonly residency: Residency;
  /** How often that changed. */
  readonly revision: number;
  /** Step of the ledger at which it last changed. */
  readonly since: number;
  /** Its first judged uses: how many, and what they came to. */
  readonly trial: { readonly judged: number; readonly wins: number; readonly violations: number };
}

/** A gene that was never used. */
export const UNUSED: Usage = {
  uses: 0,
  wins: 0,
  losses: 0,
  proven: 0,
  anchor: 0,
  violations: [],
  residency: "warm",
  revision: 0,
  since: 0,
  trial: { judged: 0, wins: 0, violations: 0 },
};

/** Outcomes that a gene is given before anybody judged it, for and against: they hold fitness near one half. */
const GIVEN = 2;

/** Share of outcomes in a gene's favour, drawn toward one half: (wins + 2) / (wins + losses + 4). */
export const fitnessOf = ({ wins, losses }: Pick<Usage, "wins" | "losses">): number =>
  (wins / 1000 + GIVEN) / ((wins + losses) / 1000 + 2 * GIVEN);

/** How far fitness fell below where it was steady, and what the latest violations add. */
export const driftOf = (usage: Usage, policy: Policy): number => {
  const fall = Math.max(0, 0.5 + usage.anchor / 1000 - fitnessOf(usage));
  const recent = usage.violations.filter((use) => use > usage.uses - policy["gene.window"]).length;
  return unit(fall + recent * policy["gene.violation"]);
};

/** How far a gene is trusted. */
export const trustOf = (usage: Usage, policy: Policy): number => fitnessOf(usage) * (1 - driftOf(usage, policy));

/** Windows of use since anything spoke for it. */
export const ageOf = ({ uses, proven }: Usage, policy: Policy): number =>
  Math.floor((uses - proven) / policy["gene.window"]);

const DECAY = { age: 0.4, fitness: 0.35, drift: 0.25 };

/** How much a gene needs renewal, 0..1. */
export const decayOf = (usage: Usage, policy: Policy): number =>
  DECAY.age * Math.min(ageOf(usage, policy) / policy["gene.oldest"], 1) + DECAY.fitness * (1 - fitnessOf(usage)) +
  DECAY.drift * driftOf(usage, policy);

/** Statuses that only an edit gives and takes. */
const EDITED: ReadonlySet<GeneStatus> = new Set(["quarantined", "regenerating", "retired"]);

/** Whether a gene is no longer, or never was, one that a profile starts with. */
export const isEdited = ({ version, born }: Gene): boolean => version > 1 || born > 0;

/** How a gene stands: by edit where one says so, else by its use. */
export const statusOf = (gene: Gene, usage: Usage, policy: Policy): GeneStatus => {
  if (EDITED.has(gene.status)) return gene.status;
  if (driftOf(usage, policy) >= policy["gene.malignant"]) return "malignant";
  if (isEdited(gene) && usage.trial.judged < policy["gene.probation"]) return "probation";
  const aging = ageOf(usage, policy) >= policy["gene.aged"] || fitnessOf(usage) < policy["gene.weak"];
  return aging ? "aging" : "active";
};

/** How far a gene's word is to be taken: what was seen beside its trust; the safety gene's is its trust. */
export const confidenceOf = (kind: GeneKind, usage: Usage, policy: Policy): number => {
  const trust = trustOf(usage, policy);
  if (kind === "safety") return trust;
  const prior = policy["gene.prior"];
  const [hits, failures] = [usage.wins / 1000, usage.losses / 1000];
  return (prior * trust + hits) / (prior + hits + failures);
};

const PHASE = { confidence: 0.6, heat: 0.25, momentum: 0.1 };

/** How near to use a gene should be, 0..0.95. */
export const phaseOf = (kind: GeneKind, usage: Usage, policy: Policy): number => {
  const [hits, failures] = [usage.wins / 1000, usage.losses / 1000];
  const heat = hits + failures === 0 ? 0.5 : hits / (hits + failures);
  const momentum = (hits + 1) / (hits + failures + 2);
  return PHASE.confidence * confidenceOf(kind, usage, policy) + PHASE.heat * heat + PHASE.momentum * momentum;
};

/** Residencies that nothing but an edit changes. */
const RESTING: ReadonlySet<Residency> = new Set(["cold", "quarantined", "retired"]);

/** Where a gene belongs after an observation. A gene between two thresholds stays where it is. */
export const nextResidency = (kind: GeneKind, usage: Usage, policy: Policy): Residency => {
  const { residency } = usage;
  if (RESTING.has(residency)) return residency;
  if (driftOf(usage, policy) >= policy["gene.malignant"]) return "quarantined";
  const score = phaseOf(kind, usage, policy);
  if (usage.losses >= 1000 * policy["gene.failures"] && score < policy["gene.cold"]) return "cold";
  const aging = ageOf(usage, policy) >= policy["gene.aged"] || fitnessOf(usage) < policy["gene.weak"];
  if (residency === "hot") return aging || score < policy["gene.warm"] ? "warm" : "hot";
  return !aging && score >= policy["gene.hot"] ? "hot" : "warm";
};

/** The residency of a gene as stored: by edit where one says so, else by its use. */
export const residencyOf = (gene: Gene, usage: Usage): Residency =>
  gene.status === "retired"
    ? "retired"
    : gene.status === "quarantined" || gene.status === "regenerating"
    ? "quarantined"
    : usage.residency;

/** Counts one more request in which a gene spoke. */
export const used = (usage: Usage, policy: Policy = DEFAULT_POLICY): Usage => {
  const uses = usage.uses + 1;
  const halved = uses % policy["gene.halfLife"] === 0;
  const half = (sum: number): number => halved ? Math.floor(sum / 2) : sum;
  const counted = { ...usage, uses, wins: half(usage.wins), losses: half(usage.losses), anchor: half(usage.anchor) };
  if (uses % policy["gene.window"] !== 0) return counted;
  const steady = milli(Math.max(0, fitnessOf(counted) - 0.5));
  return {
    ...counted,
    anchor: Math.max(counted.anchor, steady),
    violations: counted.violations.filter((use) => use > uses - policy["gene.window"]),
  };
};

/** Counts what somebody from outside said, in thousandths; `before` is what the same witness had said earlier. */
export const judged = (
  usage: Usage,
  result: number,
  before: number | undefined,
  policy: Policy = DEFAULT_POLICY,
): Usage => {
  const wins = Math.max(0, usage.wins + result - (before ?? 0));
  const losses = Math.max(0, usage.losses + (1000 - result) - (before === undefined ? 0 : 1000 - before));
  const { trial } = usage;
  const onTrial = before === undefined
    ? trial.judged < policy["gene.probation"]
      ? { ...trial, judged: trial.judged + 1, wins: trial.wins + result }
      : trial
    : { ...trial, wins: Math.max(0, trial.wins + result - before) };
  return { ...usage, wins, losses, proven: result > 500 ? usage.uses : usage.proven, trial: onTrial };
};

/** Counts a rule that was broken. */
export const violated = (usage: Usage): Usage => ({
  ...usage,
  violations: [...usage.violations, usage.uses],
  trial: { ...usage.trial, violations: usage.trial.violations + 1 },
});

/** How a gene on probation does. */
export type ProbationVerdict = "running" | "passed" | "failed";

/**
 * How a probation stands, beside the fitness of what was there before: failed by one violation or where the gene was
 * squeezed out of use, or as soon as even
 * outcomes all in its favour could no longer bring it within the slack; passed when its uses are over and it is within.
 */
export const probationOf = (usage: Usage, before: number, policy: Policy): ProbationVerdict => {
  const { judged, wins, violations } = usage.trial;
  if (violations > 0 || RESTING.has(usage.residency)) return "failed";
  const uses = policy["gene.probation"];
  const best = (wins / 1000 + Math.max(0, uses - judged) + GIVEN) / (Math.max(uses, judged) + 2 * GIVEN);
  if (best < before - policy["gene.slack"]) return "failed";
  return judged >= uses ? "passed" : "running";
};

/** What a gene's health calls for; the order is that in which it is done. */
export type LifecycleVerdict = "keep" | "relabel" | "quarantine" | "cut" | "regenerate";

/** What should become of a gene next. Malignant ones go through quarantine first, whatever else is known of them. */
export const lifecycleOf = (gene: Gene, usage: Usage, policy: Policy): LifecycleVerdict => {
  switch (statusOf(gene, usage, policy)) {
    case "malignant":
      return "quarantine";
    case "quarantined":
      return gene.kind === "safety" ? "regenerate" : "cut";
    case "aging":
      return fitnessOf(usage) >= policy["gene.useful"] ? "relabel" : "quarantine";
    default:
      return "keep";
  }
};

/**
 * How many readings may run side by side: as many genes, in the order of expression, as keep the product of their
 * confidences above a threshold; one where nothing is known. It never decides which genes speak.
 */
export const branchesOf = (confidences: ReadonlyArray<number>, threshold: number): number => {
  let survival = 1;
  let count = 0;
  for (const confidence of confidences) {
    survival *= unit(confidence);
    if (survival < threshold) break;
    count++;
  }
  return Math.max(1, count);
};

/** What is seen of a request that may speak against kinds of genes. Shares are 0..1. */
export interface Observation {
  /** Quality by the evidence. */
  readonly quality: number;
  /** Reward of the process. */
  readonly reward: number;
  /** Share of the prompt that got attention. */
  readonly attention: number;
  /** Critical issues of the draft. */
  readonly critical: number;
  /** Contradictions of the draft. */
  readonly contradictions: number;
  /** Whether drift called for going back. */
  readonly rollback: boolean;
  /** Whether a recalled item misled. */
  readonly misled: boolean;
  /** Whether the device was short of room. */
  readonly pressed: boolean;
}

/** What speaks against each kind; genes of the others are judged by evidence alone. */
const SIGNALS: { readonly [K in GeneKind]?: (seen: Observation, policy: Policy) => boolean } = {
  safety: ({ rollback, critical }) => rollback || critical > 0,
  reflection: ({ quality, reward, contradictions }, policy) =>
    quality < policy["signal.quality"] || reward < policy["signal.reward"] || contradictions > 0,
  retrieval: ({ misled, pressed }) => misled || pressed,
  routing: ({ attention, quality }, policy) =>
    attention > policy["signal.attention"] && quality < policy["signal.quality"],
  budget: ({ pressed, attention }, policy) => pressed || attention > policy["signal.spent"],
  language: ({ contradictions, quality }, policy) => contradictions > 1 && quality < policy["signal.quality"],
};

/** Kinds of genes that a request speaks against. */
export const signalsOf = (seen: Observation, policy: Policy): ReadonlyArray<GeneKind> =>
  GENE_KINDS.filter((kind) => SIGNALS[kind]?.(seen, policy) === true);

/** Kinds that enough of the latest requests speak against for an edit to be proposed: one request is never enough. */
export const insistent = (
  latest: ReadonlyArray<ReadonlyArray<GeneKind>>,
  policy: Policy,
): ReadonlyArray<GeneKind> => {
  const seen = latest.slice(-policy["gene.signalsOf"]);
  return GENE_KINDS.filter((kind) => seen.filter((kinds) => kinds.includes(kind)).length >= policy["gene.signals"]);
};
