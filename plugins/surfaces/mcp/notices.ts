/**
 * Notices: what a call tells while it runs, as MCP notifications: progress and events.
 *
 * Invariant: progress sent to a client never goes back, also when a call works in several phases.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import { McpServer } from "effect/ai/McpServer";
import { McpRequestContext } from "effect/ai/McpSchema";
import type { Progress } from "../../../kernel/context.ts";
import type { Json } from "../../../kernel/json.ts";

/** Tells a client what happens. */
export interface Notices {
  /** Tells an event, as a log message. */
  readonly event: (event: Json) => Effect.Effect<void>;
  /** Tells progress, where the client asked for it. */
  readonly progress: (progress: Progress) => Effect.Effect<void>;
}

type Sent = { readonly progress: number; readonly total?: number };

/** Makes one growing count out of phases that each begin at zero; `undefined` where nothing was gained. */
export const growing = (): (progress: Progress) => Sent | undefined => {
  let [base, lastDone, lastSent] = [0, 0, -1];
  return ({ done, total }) => {
    if (done < lastDone) base += lastDone;
    lastDone = done;
    const progress = base + done;
    if (progress <= lastSent) return undefined;
    lastSent = progress;
    return total === undefined ? { progress } : { progress, total: base + total };
  };
};

/** Notices for the request in progress; `logger` names the operation. */
export const noticesOf = (logger: string): Effect.Effect<Notices, never, McpServer | McpRequestContext> =>
  Effect.gen(function* () {
    const { notifications } = yield* McpServer;
    const { requestMetadata } = yield* McpRequestContext;
    // The kernel runs these outside the request's own fiber; the request's context is what leads them back to it.
    const context = yield* Effect.context<never>();
    const deliver = (notice: Effect.Effect<unknown, unknown>): Effect.Effect<void> =>
      // A client that went away ends the request by itself; telling it something is never a reason to fail.
      Effect.ignoreCause(Effect.updateContext(notice, (own: Context.Context<never>) => Context.merge(own, context)));
    const token = requestMetadata?.progressToken as string | number | undefined;
    const grow = growing();
    return {
      event: (data) => deliver(notifications["notifications/message"]({ level: "info", logger, data })),
      progress: (progress) => {
        const sent = token === undefined ? undefined : grow(progress);
        return sent === undefined || token === undefined ? Effect.void : deliver(
          notifications["notifications/progress"]({ progressToken: token, message: progress.label, ...sent }),
        );
      },
    };
  });
