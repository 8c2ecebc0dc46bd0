/** Grants for tests: every use is allowed and noted, or refused by its detail. */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import { AUTHORITIES, type Authority, caps, type CapsOf, denied, type Grant } from "../kernel/mod.ts";

/** Runs an effect with every authority; `uses` hears of each use, `refuse` names details that are refused. */
export const granted = <A, E>(
  body: Effect.Effect<A, E, CapsOf<Authority>>,
  { uses = [], refuse = [] }: { uses?: string[]; readonly refuse?: ReadonlyArray<string> } = {},
): Effect.Effect<A, E> => {
  let context = Context.empty() as Context.Context<never>;
  for (const authority of AUTHORITIES) {
    const grant: Grant = {
      authority,
      check: (detail) => {
        uses.push(`${authority} ${detail}`);
        return refuse.includes(detail)
          ? Effect.fail(denied({ operation: "test", authority, detail, rule: "test" }))
          : Effect.void;
      },
    };
    context = Context.add(context, caps[authority] as never, grant as never) as never;
  }
  return Effect.provideContext(body, context) as never;
};
