/**
 * Endpoint: A2A over JSON-RPC, behind our own server's guard.
 *
 * Not a second way in: every message becomes a call of the kernel in the caller's name.
 * Invariant: every request gets one JSON-RPC answer with its id, or a stream of them.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import type { Entropy } from "../../../kernel/entropy.ts";
import type { Failure } from "../../../kernel/failure.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../kernel/json.ts";
import type { FrontShape } from "../contract.ts";
import { readJson } from "../http/body.ts";
import type { Limits } from "../http/limits.ts";
import { jsonResponse } from "../http/reply.ts";
import type { Exchange, Protocols } from "../http/routes.ts";
import { A2A_VERSIONS } from "../projections/card.ts";
import { type Dialect, METHODS, type Verb } from "./dialect.ts";
import { askedOf, type Change, failureData, makeTasks, searchParts, type Task, type Tasks } from "./tasks.ts";

/** JSON-RPC and A2A error codes. */
const ERRORS = {
  parse: -32_700,
  request: -32_600,
  method: -32_601,
  params: -32_602,
  unknownTask: -32_001,
  notCancelable: -32_002,
  unsupported: -32_004,
  version: -32_009,
} as const;

interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: Json;
}

const rpcError = (kind: keyof typeof ERRORS, message: string, data?: Json): RpcError => ({
  code: ERRORS[kind],
  message,
  ...(data === undefined ? {} : { data }),
});

type Id = string | number | null;

const succeed = (id: Id, result: Json): JsonObject => ({ jsonrpc: "2.0", id, result });

const refuse = (id: Id, error: RpcError): Response =>
  jsonResponse({ jsonrpc: "2.0", id, error: { ...error } as JsonObject });

/** A request that was understood. */
interface Asking {
  readonly id: Id;
  readonly dialect: Dialect;
  readonly verb: Verb;
  readonly params: JsonObject;
}

const isId = (value: Json | undefined): value is Id =>
  value === null || typeof value === "string" || typeof value === "number";

const understood = (document: Json, version: string | null): Asking | { readonly id: Id; readonly error: RpcError } => {
  const id = isJsonObject(document) && isId(document.id) ? document.id : null;
  const wrong = (error: RpcError) => ({ id, error });
  if (!isJsonObject(document) || document.jsonrpc !== "2.0" || typeof document.method !== "string") {
    return wrong(rpcError("request", 'A request is {"jsonrpc":"2.0","id","method","params"}'));
  }
  const supported = A2A_VERSIONS as ReadonlyArray<string>;
  if (version !== null && version !== "" && !supported.includes(version)) {
    return wrong(rpcError("version", `A2A ${version.slice(0, 20)} is not spoken here: ${supported.join(", ")} are`));
  }
  const { method, params } = document;
  if (!Object.hasOwn(METHODS, method)) return wrong(rpcError("method", `No method "${method.slice(0, 80)}"`));
  const [dialect, verb] = METHODS[method];
  if (verb === "unsupported") return wrong(rpcError("unsupported", `${method} is not offered by this agent`));
  if (!isJsonObject(params)) return wrong(rpcError("params", "params is not an object"));
  return { id, dialect, verb, params };
};

/** The result for a task that ended, or that was asked for at once. */
const awaited = (task: Task): Effect.Effect<unknown> =>
  // Whoever waits for an answer and leaves does not want it any more.
  Effect.onInterrupt(task.ended, () => task.cancel);

const frame = (asking: Asking, result: Json): Uint8Array =>
  new TextEncoder().encode(`data: ${JSON.stringify(succeed(asking.id, result))}\n\n`);

const changeOf = (dialect: Dialect, change: Change): Json =>
  change.kind === "status" ? dialect.status(change.task, change.final) : dialect.artifact(change.task);

const streamed = (asking: Asking, results: Stream.Stream<Json>): Effect.Effect<Response> =>
  Effect.map(
    Stream.toReadableStreamEffect(Stream.map(results, (result) => frame(asking, result))),
    (body) => new Response(body, { headers: { "content-type": "text/event-stream" } }),
  );

const watch = (asking: Asking, task: Task): Stream.Stream<Json> =>
  Stream.concat(
    Stream.make(asking.dialect.sent({ ...task.view(), state: "working", says: [] })),
    Stream.map(Stream.fromQueue(task.changes), (change) => changeOf(asking.dialect, change)),
  ).pipe(Stream.ensuring(task.cancel));

const send = (asking: Asking, exchange: Exchange, front: FrontShape, tasks: Tasks): Effect.Effect<Response> =>
  Effect.gen(function* () {
    const { dialect, params, id } = asking;
    const caller = front.caller("a2a", exchange.name);
    if (!isJsonObject(params.message)) return refuse(id, rpcError("params", "params.message is not an object"));
    const { contextId, taskId } = params.message;
    if (typeof taskId === "string" && taskId !== "") {
      return refuse(
        id,
        tasks.find(caller, taskId) === undefined
          ? rpcError("unknownTask", `No task "${taskId.slice(0, 80)}"`)
          : rpcError("unsupported", "A task takes no further messages: send a new message"),
      );
    }
    const asked = yield* Effect.result(askedOf(dialect.parts(params.message)));
    if (Result.isFailure(asked)) {
      return refuse(id, rpcError("params", asked.failure.message, failureData(asked.failure)));
    }
    const context = typeof contextId === "string" && contextId !== "" ? contextId : undefined;
    if (asked.success.kind === "search") {
      const parts = yield* searchParts(caller, asked.success.query);
      const message = dialect.message({ id: tasks.fresh(), contextId: context ?? tasks.fresh(), parts });
      return asking.verb === "stream"
        ? yield* streamed(asking, Stream.make(message))
        : jsonResponse(succeed(id, message));
    }
    const task = yield* tasks.start(caller, asked.success, context, asking.verb === "stream");
    if (asking.verb === "stream") return yield* streamed(asking, watch(asking, task));
    if (!dialect.atOnce(params.configuration)) yield* awaited(task);
    return jsonResponse(succeed(id, dialect.sent(task.view())));
  });

const recall = (asking: Asking, exchange: Exchange, front: FrontShape, tasks: Tasks): Effect.Effect<Response> =>
  Effect.gen(function* () {
    const { dialect, params, id, verb } = asking;
    const wanted = typeof params.id === "string" ? params.id : "";
    const task = tasks.find(front.caller("a2a", exchange.name), wanted);
    if (task === undefined) return refuse(id, rpcError("unknownTask", `No task "${wanted.slice(0, 80)}"`));
    if (verb === "get") return jsonResponse(succeed(id, dialect.task(task.view())));
    if (task.view().state !== "working") return refuse(id, rpcError("notCancelable", "The task has ended"));
    return jsonResponse(succeed(id, dialect.task(yield* task.cancel)));
  });

/** Opens the endpoint; it ends with the scope. */
export const makeA2a = (options: {
  /** The way to the kernel. */
  readonly front: FrontShape;
  /** The server's limits. */
  readonly limits: Limits;
  /** Runs a call if the server has room for it. */
  readonly admitted: Exchange["admitted"];
  /** Where identifiers come from. */
  readonly entropy: Entropy["Service"];
}): Effect.Effect<Protocols["a2a"], never, Scope.Scope> =>
  Effect.gen(function* () {
    const { front, limits, admitted, entropy } = options;
    const tasks = yield* makeTasks({ entropy, admitted, deadlineMs: limits.streamMs });
    return (exchange) =>
      Effect.gen(function* () {
        const read = yield* Effect.exit(readJson(exchange.request, limits));
        if (Exit.isFailure(read)) {
          const failure = read.cause.reasons.find((reason) => reason._tag === "Fail")?.error as Failure | undefined;
          // What is not JSON is a JSON-RPC matter; what is too large or of another type is an HTTP matter.
          if (failure?.code !== "SURFACE_JSON") return yield* Effect.failCause(read.cause);
          return refuse(null, rpcError("parse", failure.message, failureData(failure)));
        }
        const asking = understood(read.value, exchange.request.headers.get("a2a-version"));
        if ("error" in asking) return refuse(asking.id, asking.error);
        return asking.verb === "get" || asking.verb === "cancel"
          ? yield* recall(asking, exchange, front, tasks)
          : yield* send(asking, exchange, front, tasks);
      });
  });
