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
import type { Policy } from "../policy.ts";
import type { Profile } from "../profile.ts";
import { genomeOf } from "./document.ts";
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

/** Measures a change of a profile's document; throws `NORION_EDIT` where it does not fit. */
export function* tryingChange(
  profile: Profile,
  document: Json,
  patch: JsonPatch,
  policy: Policy,
  expected?: ExpectedEffect,
): Generator<void, Trial> {
  const result = patched(patch, document);
  if ("problem" in result) throw badEdit({ edit: "try", reason: result.problem, path: "/patch" });
  const genome = genomeOf(profile, result.after, 0);
  if (genome.fault !== undefined) throw badEdit({ edit: "try", reason: genome.fault, path: "/patch" });
  const before = yield* measuring(genomeOf(profile, document, 0));
  const after = yield* measuring(genome);
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
