/**
 * Scope: whose memory a call may see, as it is given from outside.
 *
 * Invariant: whoever calls over a wire names the scope; only a person's own command line has one of its own, the
 * workspace's.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type Actor, CallContext } from "../../kernel/mod.ts";
import { badScope, type NorionFailure } from "./failures.ts";
import { scopeKey, type ScopeName } from "./memory/service.ts";

const Part = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(200));

/** A scope in an input. */
export const ScopeInput: Schema.optionalKey<
  Schema.Codec<{ readonly tenant: string; readonly workspace: string; readonly conversation?: string }>
> = Schema.optionalKey(
  Schema.Struct({ tenant: Part, workspace: Part, conversation: Schema.optionalKey(Part) }).annotate({
    description: "whose memory is seen and written; a person at a terminal may leave it out: the workspace's own",
  }),
);

/** The tenant of a person's own command line. */
export const LOCAL_TENANT = "local";

const isOwn = (actor: Actor): boolean => actor.startsWith("user@");

/** The scope of a call as one text; fails with `NORION_SCOPE` where a caller over a wire names none. */
export const scopeOf = (given: ScopeName | undefined): Effect.Effect<string, NorionFailure, CallContext> =>
  Effect.gen(function* () {
    if (given !== undefined) return scopeKey(given);
    const { actor, workspace } = yield* CallContext;
    if (!isOwn(actor)) return yield* Effect.fail(badScope({ actor, path: "/scope" }));
    return scopeKey({ tenant: LOCAL_TENANT, workspace });
  });
