/**
 * Change checks: how a check of the gate is made from a look at a change that was read as documents before and after.
 *
 * Not a check itself: those of models and of subjects are in model_checks.ts and subject_checks.ts.
 * Invariant: a change that cannot be read is refused once, by the check of its shape, and is nobody else's matter.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Check, Reason } from "../../../effects/mod.ts";

/** What the gate gives a check. */
export type Candidate = Parameters<Check["run"]>[0];

/** Where the check of the shape stands among a domain's own checks: first. */
export const SHAPE_ORDER = 200;

/** Waits for something, with the reason. */
export const hold = (code: string, detail: string): Reason => ({ outcome: "hold", code, detail });

/** Is refused for good, with the reason. */
export const reject = (code: string, detail: string): Reason => ({ outcome: "reject", code, detail });

/** Makes checks from looks at changes, as `read` gives them: a change, or the reason why it is none. */
export const checkOf =
  <C extends object>(read: (candidate: Candidate) => C | Reason) =>
  (name: string, order: number, look: (change: C) => Reason | Effect.Effect<Reason>): Check => ({
    name,
    order,
    run: (candidate) => {
      const change = read(candidate);
      if (change === undefined || "outcome" in change) {
        return Effect.succeed(order === SHAPE_ORDER ? change as Reason : undefined);
      }
      const found = look(change);
      return Effect.isEffect(found) ? found : Effect.succeed(found);
    },
  });
