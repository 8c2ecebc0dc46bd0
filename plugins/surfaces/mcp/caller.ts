/**
 * Caller: which kernel caller an MCP request comes from.
 *
 * Invariant: a client names itself, but only inside the name that the transport proved for it: `mcp:<client>` over
 * standard input, `mcp:<token>/<client>` over HTTP.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { McpRequestContext } from "effect/ai/McpSchema";
import * as HttpServerRequest from "effect/http/HttpServerRequest";
import { actorName } from "../../../kernel/actor.ts";
import type { Caller, FrontShape } from "../contract.ts";

/** Header in which our own HTTP server passes the proven name on; whatever a client sends under it is replaced. */
export const CALLER_HEADER = "x-rmi-caller";

/** A client's own name without the separator, so that it cannot look like a proven one. */
const ownName = (name: string | undefined): string => actorName(name ?? "").replaceAll("/", "-");

/** The caller of the request in progress. */
export const callerOf = (front: FrontShape): Effect.Effect<Caller, never, McpRequestContext> =>
  Effect.gen(function* () {
    const { clientInfo } = yield* McpRequestContext;
    const http = yield* Effect.serviceOption(HttpServerRequest.HttpServerRequest);
    const proven = Option.isSome(http) ? http.value.headers[CALLER_HEADER] : undefined;
    const own = ownName(clientInfo?.name);
    return front.caller("mcp", proven === undefined ? own : `${proven}/${own}`);
  });
