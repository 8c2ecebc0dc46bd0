/**
 * The handler of `surfaces.mcp` (bound in plugins/surfaces/mod.ts).
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { CallContext } from "../../../kernel/context.ts";
import type { FailureOf, KernelFailure } from "../../../kernel/failure.ts";
import { Front } from "../contract.ts";
import { notForCallers } from "../failures.ts";

type Refused = FailureOf<"SURFACE_NOT_FOR_CALLERS">;

/** Refuses callers that came in through a surface: standard input and output belong to who started the process. */
export const onlyForUsers: Effect.Effect<void, Refused, CallContext> = Effect.gen(function* () {
  const { actor, operation } = yield* CallContext;
  if (!actor.startsWith("user@")) return yield* notForCallers({ operation, actor });
});

/** Serves MCP on standard input and output. */
export const handleMcp = (
  input: { readonly tools?: ReadonlyArray<string> },
): Effect.Effect<null, Refused | KernelFailure, CallContext | Front> =>
  Effect.gen(function* () {
    yield* onlyForUsers;
    const front = yield* Front;
    // Loaded when a server is really started: the protocol library is the heaviest part of this plugin.
    const { serveStdio } = yield* Effect.promise(() => import("./stdio.ts"));
    const { platformTerminal } = yield* Effect.promise(() => import("../../../kernel/platform/terminal.ts"));
    yield* serveStdio({ front, tools: input.tools ?? [], terminal: platformTerminal });
    return null;
  });
