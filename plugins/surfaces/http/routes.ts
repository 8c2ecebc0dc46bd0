/**
 * Routes: what is served where, as one table.
 *
 * Not what operations do: every route is a question to the kernel in the caller's name.
 * Invariant: nothing a route answers names an operation that its caller may not know.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Failure } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import { VERSION } from "../../../kernel/version.ts";
import type { Caller } from "../contract.ts";
import { notAcceptable, tooBusy, tooSlow } from "../failures.ts";
import { cardOf } from "../projections/card.ts";
import { llmsOf } from "../projections/llms.ts";
import { openApiOf } from "../projections/openapi.ts";
import { readJson } from "./body.ts";
import type { Limits } from "./limits.ts";
import { jsonResponse, modeOf, MODES, streamResponse, type Teller, textResponse } from "./reply.ts";

/** One request on its way. */
export interface Exchange {
  /** The request. */
  readonly request: Request;
  /** Its address. */
  readonly url: URL;
  /** The variable part of the path, where the route has one. */
  readonly id: string;
  /** The name the caller proved. */
  readonly name: string;
  /** The kernel, for this caller. */
  readonly caller: Caller;
  /** Address of the server as the caller knows it. */
  readonly base: string;
  /** Whether tokens are asked for. */
  readonly secured: boolean;
  /** The server's limits. */
  readonly limits: Limits;
  /** Runs a call if the server has room for it. */
  readonly admitted: <A>(call: Effect.Effect<A, Failure>) => Effect.Effect<A, Failure>;
  /** Endpoints that speak a protocol of their own. */
  readonly protocols: Protocols;
}

/** Endpoints that speak a protocol of their own. */
export interface Protocols {
  /** Model Context Protocol. */
  readonly mcp: (exchange: Exchange) => Effect.Effect<Response, Failure>;
  /** Agent2Agent. */
  readonly a2a: (exchange: Exchange) => Effect.Effect<Response, Failure>;
}

/** Answers an exchange. */
export type Route = (exchange: Exchange) => Effect.Effect<Response, Failure>;

const value = (question: Effect.Effect<Json, Failure>): Effect.Effect<Response, Failure> =>
  Effect.map(question, (answer) => jsonResponse({ ok: true, value: answer }));

const call: Route = ({ request, url, id, caller, limits, admitted }) =>
  Effect.gen(function* () {
    const accept = request.headers.get("accept");
    const mode = modeOf(accept);
    if (mode === undefined) return yield* notAcceptable({ accept: (accept ?? "").slice(0, 200), offered: MODES });
    const input = yield* readJson(request, limits);
    const seed = url.searchParams.get("seed") ?? undefined;
    const run = (teller?: Teller) =>
      admitted(caller.invoke({
        operation: id,
        input,
        ...(seed === undefined ? {} : { seed }),
        ...(teller === undefined ? {} : { onEvent: teller.event, onProgress: teller.progress }),
      }));
    const within = (deadlineMs: number) =>
      Effect.timeoutOrElse<Json, Failure, never>({
        duration: deadlineMs,
        orElse: () => Effect.fail(tooSlow({ deadlineMs })),
      });
    return mode === "application/json"
      ? yield* value(run().pipe(within(limits.answerMs)))
      : yield* streamResponse(mode, (teller) => run(teller).pipe(within(limits.streamMs)));
  });

const describe: Route = ({ id, caller }) => value(caller.invoke({ operation: "kernel.describe", input: { id } }));

/** A number of the query as JSON; what is not one stays text, so that the kernel says what is wrong with it. */
const numberOf = (text: string): Json => text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;

const search: Route = ({ url, caller }) => {
  const limit = url.searchParams.get("limit");
  const input = { query: url.searchParams.get("q") ?? "", ...(limit === null ? {} : { limit: numberOf(limit) }) };
  return value(caller.invoke({ operation: "kernel.search", input }));
};

const list: Route = ({ caller }) =>
  value(Effect.map(caller.operations, (declared) => declared.map(({ id, summary }) => ({ id, summary }))));

/** A route that projects what the caller may know. */
const projected = (
  project: (
    known: Effect.Success<Caller["operations"]>,
    namespaces: Effect.Success<Caller["namespaces"]>,
    exchange: Exchange,
  ) => Response,
): Route =>
(exchange) =>
  Effect.map(
    Effect.all([exchange.caller.operations, exchange.caller.namespaces]),
    ([known, namespaces]) => project(known, namespaces, exchange),
  );

const openApi = projected((known, _, { base, secured }) =>
  jsonResponse(openApiOf(known, { version: VERSION, url: base, secured }))
);

const card = projected((known, namespaces, { base, secured }) =>
  jsonResponse(cardOf(known, namespaces, { version: VERSION, url: `${base}/a2a`, secured }))
);

const llms = projected((known, namespaces, { base }) =>
  textResponse(llmsOf(known, namespaces, { version: VERSION, url: base }))
);

const mcp: Route = (exchange) => exchange.protocols.mcp(exchange);

/** Paths, methods and routes; `:id` stands for one segment. */
export const ROUTES: ReadonlyArray<{
  /** The path, by segments. */
  readonly path: string;
  /** Routes by method. */
  readonly methods: { readonly [method: string]: Route };
  /** Whether it asks for no token. */
  readonly open?: boolean;
}> = [
  { path: "/v1/operations/:id", methods: { GET: describe, POST: call } },
  { path: "/v1/operations", methods: { GET: list } },
  { path: "/v1/manifest", methods: { GET: ({ caller }) => Effect.map(caller.manifest, textResponse) } },
  { path: "/v1/search", methods: { GET: search } },
  { path: "/openapi.json", methods: { GET: openApi } },
  { path: "/llms.txt", methods: { GET: llms } },
  { path: "/.well-known/agent-card.json", methods: { GET: card } },
  { path: "/mcp", methods: { POST: mcp, DELETE: mcp } },
  { path: "/a2a", methods: { POST: (exchange) => exchange.protocols.a2a(exchange) } },
  {
    path: "/healthz",
    methods: { GET: () => Effect.succeed(jsonResponse({ ok: true, version: VERSION })) },
    open: true,
  },
];

/** Counts calls in progress and refuses those beyond a limit. */
export const makeAdmitted = (limit: number): Exchange["admitted"] => {
  let inProgress = 0;
  return (work) =>
    Effect.suspend(() => {
      if (inProgress >= limit) return Effect.fail(tooBusy({ limit }));
      inProgress++;
      return Effect.ensuring(work, Effect.sync(() => inProgress--));
    });
};
