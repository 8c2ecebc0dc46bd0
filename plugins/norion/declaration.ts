/**
 * Declaration: what declarations of norion's operations share.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { ledgerFailures } from "../../effects/mod.ts";
import { NORION_FAILURES } from "./failures.ts";
import { PROFILES } from "./profile.ts";

/** What each of them may answer with. */
export const failures = [...NORION_FAILURES, ...ledgerFailures] as const;

/** What holds of all of them. */
export const declare: {
  readonly failures: typeof failures;
  readonly stability: "unstable";
  readonly reversible: true;
} = { failures, stability: "unstable", reversible: true };

/** A profile by one of its names. */
export const ProfileName: Schema.Codec<string> = Schema.String.annotate({
  description: `kind of work: ${PROFILES.join(", ")}, or another word for one of them; general where absent`,
});

/** A share in whole thousandths. */
export const Milli: Schema.Codec<number> = Schema.Int.annotate({ description: "thousandths" });
