/**
 * Server: one HTTP server for the API, MCP and A2A, from the moment it listens until its scope closes.
 *
 * Not the platform (kernel/platform/http.ts) and not the routes.
 * Invariant: every exchange ends in a response or in a closed connection; a failure is JSON with a status; closing the
 * scope interrupts what runs and frees the port.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import { Entropy } from "../../../kernel/entropy.ts";
import type { Failure, FailureOf, KernelFailure } from "../../../kernel/failure.ts";
import { openServer } from "../../../kernel/platform/http.ts";
import { makeA2a } from "../a2a/endpoint.ts";
import type { FrontShape } from "../contract.ts";
import { brokenServer, cannotListen, unknownPath, wrongMethod } from "../failures.ts";
import { makeMcp } from "../mcp/endpoint.ts";
import { type Admission, admissionOf, admit, corsHeaders } from "./guard.ts";
import { DEFAULT_LIMITS, HEAD_MS, type Limits, MAX_CONNECTIONS } from "./limits.ts";
import { failureResponse } from "./reply.ts";
import { type Exchange, makeAdmitted, ROUTES } from "./routes.ts";
import type { Token } from "./tokens.ts";

/** What a server serves, where and to whom. */
export interface ServeOptions {
  /** The way to the kernel. */
  readonly front: FrontShape;
  /** Address to bind. */
  readonly host: string;
  /** Port to bind; 0 lets the system choose. */
  readonly port: number;
  /** Accepted tokens; empty: none is asked for. */
  readonly tokens: ReadonlyArray<Token>;
  /** Further names under which it may be addressed. */
  readonly hostNames: ReadonlyArray<string>;
  /** Origins of web pages that may call. */
  readonly origins: ReadonlyArray<string>;
  /** Operations and namespaces offered as MCP tools of their own. */
  readonly tools: ReadonlyArray<string>;
  /** Limits; default {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<Limits>;
}

/** A server that is listening. */
export interface Served {
  /** Its address. */
  readonly url: string;
  /** Its port. */
  readonly port: number;
}

/** The route of a path, and the variable part of the path. */
const find = (path: string): { readonly route: typeof ROUTES[number]; readonly id: string } | undefined => {
  for (const route of ROUTES) {
    const [fixed, variable] = route.path.split(":");
    const id = path.slice(fixed.length);
    if (variable === undefined ? path === fixed : path.startsWith(fixed) && id !== "" && !id.includes("/")) {
      return { route, id };
    }
  }
};

/** Headers that every response carries unless it says otherwise. */
const COMMON: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
};

const preflight = (headers: Readonly<Record<string, string>>): Response =>
  new Response(null, { status: 204, headers: { ...headers, "access-control-max-age": "600" } });

const urlOf = (address: string, port: number): string =>
  `http://${address.includes(":") ? `[${address}]` : address}:${port}`;

/** What every exchange of a server shares. */
type Shared = Pick<Exchange, "limits" | "admitted" | "protocols"> & {
  readonly front: FrontShape;
  readonly admission: Admission;
};

/** Routes one request; fails with what the caller is to be told. */
const route = (request: Request, shared: Shared): Effect.Effect<Response, Failure> =>
  Effect.gen(function* () {
    const url = new URL(request.url);
    const found = find(url.pathname);
    const admitted = admit(request.headers, shared.admission, found?.route.open === true);
    if (Result.isFailure(admitted)) return yield* admitted.failure;
    const path = url.pathname.slice(0, 200);
    if (found === undefined) return yield* unknownPath({ path });
    const method = request.method === "HEAD" ? "GET" : request.method;
    const allowed = Object.keys(found.route.methods);
    if (!Object.hasOwn(found.route.methods, method)) {
      return yield* wrongMethod({ method, path, allowed, expected: allowed, actual: method });
    }
    return yield* found.route.methods[method]({
      ...shared,
      request,
      url,
      id: found.id,
      name: admitted.success,
      caller: shared.front.caller("http", admitted.success),
      base: `http://${request.headers.get("host")}`,
      secured: shared.admission.tokens.length > 0,
    });
  });

/** Answers one request; interruption, the caller having gone, answers nothing. */
const respond = (request: Request, shared: Shared): Effect.Effect<Response> =>
  Effect.gen(function* () {
    const cors = corsHeaders(request.headers, shared.admission);
    if (request.method === "OPTIONS" && Object.keys(cors).length > 0) return preflight(cors);
    const exit = yield* Effect.exit(route(request, shared));
    if (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)) return yield* Effect.interrupt;
    const failure = Exit.isFailure(exit) ? Cause.findError(exit.cause) : undefined;
    if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) {
      yield* Effect.logError("A request broke the server", exit.cause);
    }
    const response = Exit.isSuccess(exit)
      ? exit.value
      : failureResponse(failure !== undefined && Result.isSuccess(failure) ? failure.success : brokenServer({}));
    for (const [name, value] of Object.entries({ ...COMMON, ...cors })) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    return response;
  });

/** Serves until the scope closes. */
export const serve = (
  options: ServeOptions,
): Effect.Effect<Served, KernelFailure | FailureOf<"SURFACE_LISTEN">, Scope.Scope | Entropy> =>
  Effect.gen(function* () {
    const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };
    const admitted = makeAdmitted(limits.requests);
    const mcp = yield* makeMcp(options.front, { tools: options.tools, limits, admitted });
    const a2a = yield* makeA2a({ front: options.front, limits, admitted, entropy: yield* Entropy });
    const context = yield* Effect.context<never>();
    // The first request may come before the port is known, and the port is part of what requests are judged by.
    const ready = Promise.withResolvers<Shared>();
    const { host } = options;
    const server = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          openServer({
            address: host,
            port: options.port,
            maxConnections: MAX_CONNECTIONS,
            headDeadlineMs: HEAD_MS,
            answer: async (request) =>
              Effect.runPromiseWith(context)(respond(request, await ready.promise), { signal: request.signal }),
          }),
        catch: (cause) =>
          cannotListen({
            host,
            port: options.port,
            cause: cause instanceof Error ? cause.message : String(cause),
            path: "/port",
          }),
      }),
      (opened) => Effect.promise(() => opened.close()),
    );
    const admission = admissionOf({ ...options, port: server.port });
    ready.resolve({ front: options.front, limits, admitted, protocols: { mcp, a2a }, admission });
    return { url: urlOf(host, server.port), port: server.port };
  });
