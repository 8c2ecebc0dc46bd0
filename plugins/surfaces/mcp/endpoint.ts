/**
 * Endpoint: MCP over streamable HTTP, behind our own server's guard.
 *
 * Not a server: host, origin, token and body limits were checked before a request comes here.
 * Invariant: the name under which calls are made is the one the guard proved.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { layerHttp } from "effect/ai/McpServer";
import * as HttpRouter from "effect/http/HttpRouter";
import * as HttpServer from "effect/http/HttpServer";
import type { Failure, KernelFailure } from "../../../kernel/failure.ts";
import type { FrontShape } from "../contract.ts";
import { brokenServer } from "../failures.ts";
import { readBytes } from "../http/body.ts";
import type { Limits } from "../http/limits.ts";
import type { Exchange, Protocols } from "../http/routes.ts";
import { CALLER_HEADER } from "./caller.ts";
import { announcement, layerRegistrations } from "./server.ts";
import { chosenOperations } from "./tools.ts";

/** What the endpoint needs of the server it is part of. */
export interface EndpointOptions {
  /** Operations and namespaces offered as tools of their own. */
  readonly tools: ReadonlyArray<string>;
  /** The server's limits. */
  readonly limits: Limits;
  /** Runs a call if the server has room for it. */
  readonly admitted: Exchange["admitted"];
}

/** The same request with a body that was read within bounds, and with the proven name. */
const forwarded = (exchange: Exchange, limits: Limits): Effect.Effect<Request, Failure> =>
  Effect.gen(function* () {
    const { request, name } = exchange;
    const headers = new Headers(request.headers);
    headers.set(CALLER_HEADER, name);
    // The guard has judged the origin; the token is nobody's business beyond it.
    headers.delete("origin");
    headers.delete("authorization");
    if (request.method !== "POST") {
      return new Request(request.url, { method: request.method, headers, signal: request.signal });
    }
    const body = yield* readBytes(request, limits);
    headers.delete("content-length");
    return new Request(request.url, { method: "POST", headers, signal: request.signal, body: body as BodyInit });
  });

/** Opens the endpoint; it ends with the scope. */
export const makeMcp = (
  front: FrontShape,
  options: EndpointOptions,
): Effect.Effect<Protocols["mcp"], KernelFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const direct = yield* chosenOperations(options.tools, front.caller("mcp", "unnamed"));
    const app = layerHttp({
      ...announcement,
      path: "/mcp",
      allowSessionTermination: true,
      registrations: layerRegistrations({ front, direct, admitted: options.admitted }),
    }).pipe(Layer.provide(HttpServer.layerServices));
    const web = yield* Effect.acquireRelease(
      Effect.sync(() => HttpRouter.toWebHandler(app, { disableLogger: true })),
      ({ dispose }) => Effect.promise(() => dispose()),
    );
    return (exchange) =>
      Effect.flatMap(forwarded(exchange, options.limits), (request) =>
        Effect.tryPromise({ try: () => web.handler(request), catch: () => brokenServer({}) }));
  });
