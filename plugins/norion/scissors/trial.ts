/**
 * Trial: a change of a genome measured on the fixed tasks, with it and without it.
 *
 * Not the decision: a validation command whose outcome the gate reads.
 * Invariant: both measurements stand on the same state and the same tasks; nothing is written.
 *
 * @module
 */
import { type ExpectedEffect, patched } from "../../../effects/mod.ts";
import type { Json, JsonPatch } from "../../../kernel/mod.ts";
import { badEdit } from "../failures.ts";
import type { Genome } from "../genome.ts";
import type { Policy } from "../policy.ts";
import { type Benefit, judgeBenefit, type Measured } from "./measures.ts";
import { measuring } from "./suite.ts";

/** The operation that runs a trial. */
export const TRIAL_OPERATION = "norion.trial";

/** A trial and its outcome. */
export interface Trial extends Benefit {
  /** Measures of the genome as it is. */
  readonly before: Measured["values"];
  /** Measures of the genome with the change. */
  readonly after: Measured["values"];
  /** Tasks that only the changed genome solves. */
  readonly gained: ReadonlyArray<string>;
  /** Tasks that only the genome as it is solves. */
  readonly lost: ReadonlyArray<string>;
}

/** A document with a change; throws `NORION_EDIT` where that does not fit, or leaves no genome. */
export const changedBy = (patch: JsonPatch, document: Json): Json => {
  const result = patched(patch, document);
  if ("problem" in result) throw badEdit({ edit: "try", reason: result.problem, path: "/patch" });
  return result.after;
};

/** What a genome is measured as: readings side by side follow from its record, not from what is tried. */
const alone = ({ branches: _branches, ...genome }: Genome): Genome => genome;

/** Measures a genome before and after a change; throws `NORION_EDIT` where there is none after it. */
export function* tryingChange(
  genome: Genome,
  changed: Genome,
  policy: Policy,
  expected?: ExpectedEffect,
): Generator<void, Trial> {
  if (changed.fault !== undefined) throw badEdit({ edit: "try", reason: changed.fault, path: "/patch" });
  const before = yield* measuring(alone(genome));
  const after = yield* measuring(alone(changed));
  const only = (one: Measured, other: Measured): ReadonlyArray<string> =>
    one.tasks.filter(({ solved }, index) => solved && !other.tasks[index].solved).map(({ id }) => id);
  return {
    ...judgeBenefit(before, after, policy, expected),
    before: before.values,
    after: after.values,
    gained: only(after, before),
    lost: only(before, after),
  };
}
