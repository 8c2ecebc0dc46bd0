/**
 * Observing: what a settled request tells of the genes that spoke in it, as events.
 *
 * Not evidence: that a run went badly by its own account speaks for looking at genes, never for or against their fitness.
 * Invariant: a request tells of kinds of genes once; a rule counts as broken only by genes that an edit brought, and only
 * where the answer holds a danger that the request did not.
 *
 * @module
 */
import type { EventDraft } from "../../../effects/mod.ts";
import type { Genome } from "../genome.ts";
import { isEdited, signalsOf } from "../health.ts";
import type { Plan } from "../plan.ts";
import type { Policy } from "../policy.ts";
import type { Issue } from "../review/checks.ts";
import { dangersIn } from "../review/dangers.ts";
import type { Conclusion } from "../review/review.ts";
import { observedEvent, violatedEvent } from "../state/genome.ts";

/** A request that was settled. */
export interface SettledRequest {
  /** Its id. */
  readonly request: string;
  /** The genome it was planned by. */
  readonly genome: Genome;
  /** Its plan. */
  readonly plan: Plan;
  /** What was asked. */
  readonly prompt: string;
  /** What was answered. */
  readonly answer: string;
  /** What was seen in the draft. */
  readonly issues: ReadonlyArray<Issue>;
  /** What was decided on it. */
  readonly conclusion: Pick<Conclusion, "quality" | "proven" | "reward" | "drift" | "misled">;
}

/** What a settled request tells of genes. */
export const observing = (settled: SettledRequest, policy: Policy, actor: string): ReadonlyArray<EventDraft> => {
  const { request, genome, plan, prompt, answer, issues, conclusion } = settled;
  const kinds = signalsOf({
    // What nobody judged is not known to be bad.
    quality: conclusion.proven ? conclusion.quality : 1,
    reward: conclusion.proven ? conclusion.reward.total : 1,
    attention: plan.attention,
    critical: issues.filter(({ severity }) => severity === "critical").length,
    contradictions: issues.filter(({ check }) => check === "contradiction").length,
    rollback: conclusion.drift === "rollback",
    misled: conclusion.misled.length > 0,
    pressed: plan.device.pressure >= policy["pressure.high"],
  }, policy);
  const asked = dangersIn(prompt, plan.holds);
  const [danger] = dangersIn(answer, plan.holds).filter((one) => !asked.includes(one));
  const blamed = genome.genes.filter((gene) => isEdited(gene) && plan.knobs.expressed.includes(gene.id));
  return [
    observedEvent(request, plan.profile, kinds, actor),
    ...(danger === undefined || blamed.length === 0
      ? []
      : [violatedEvent(request, blamed.map(({ id }) => id), danger, actor)]),
  ];
};
