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
import { makeSessions, SESSION_HEADER, type Sessions } from "./sessions.ts";
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
const forwarded = (exchange: Exchange, limits: Limits, sessions: Sessions): Effect.Effect<Request, Failure> =>
  Effect.gen(function* () {
    const { request, name } = exchange;
    const headers = new Headers(request.headers);
    headers.set(CALLER_HEADER, name);
    const session = headers.get(SESSION_HEADER);
    if (session !== null) headers.set(SESSION_HEADER, sessions.named(session, name));
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
    const sessions = makeSessions();
    const end = (session: string, url: string): Promise<Response> =>
      web.handler(new Request(url, { method: "DELETE", headers: { [SESSION_HEADER]: session } }));
    return (exchange) =>
      Effect.flatMap(forwarded(exchange, options.limits, sessions), (request) =>
        Effect.tryPromise({
          try: async () => {
            const response = await web.handler(request);
            const session = response.headers.get(SESSION_HEADER);
            if (session !== null && !request.headers.has(SESSION_HEADER)) {
              for (const old of sessions.opened(session, exchange.name)) await end(old, request.url);
            }
            return response;
          },
          catch: () => brokenServer({}),
        }));
  });
