/**
 * Declaring: the fields and the defaults that the declarations of the effects room share.
 *
 * @module
 */
import * as Schema from "effect/Schema";

/** Any text. */
export const Text: typeof Schema.String = Schema.String;

/** A whole number, not negative. */
export const Count: Schema.Codec<number> = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** How many items a page has. */
export const Limit: Schema.Codec<number> = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 }));

/** One line of text. */
export const Line: Schema.Codec<string> = Text.check(Schema.isMinLength(1), Schema.isMaxLength(400));

/** The name of a thing to look up. */
export const Id: Schema.Codec<string> = Text.check(Schema.isMinLength(1), Schema.isMaxLength(120));

const Signature = Schema.Struct({ key: Text, value: Text });

/** A signature by a key of the policy, or none. */
export const Signed: Schema.optionalKey<typeof Signature> = Schema.optionalKey(Signature);

/** A declaration that touches nothing. */
export const pure: Repeatable<never> = { effects: [], idempotent: true, reversible: true, stability: "stable" };

/** A declaration that reads state. */
export const reading: Repeatable<"readLocal"> = { ...pure, effects: ["readLocal"] };

/** A declaration that writes state. */
export const writing: Repeatable<"writeLocal"> = { ...pure, effects: ["writeLocal"], idempotent: false };

/** What the declarations of this room have in common. */
export interface Repeatable<E> {
  /** Effect classes. */
  readonly effects: ReadonlyArray<E>;
  /** Whether repeating changes nothing more. */
  readonly idempotent: boolean;
  /** Whether it can be undone. */
  readonly reversible: true;
  /** How firmly it is promised. */
  readonly stability: "stable";
}

/** What reading a fold costs. */
export const linear: { readonly compute: string } = { compute: "linear in events since the last snapshot" };
