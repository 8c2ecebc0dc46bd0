/**
 * Tools: the kernel's operations registered with an MCP server: search, describe and call for all of them, and direct
 * tools for those that the person who started the server chose.
 *
 * Not the projection (projections/tool.ts) and not a filter: every call goes to the kernel in the client's name.
 * Invariant: a tool that its client may not know is neither listed nor found.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Schema from "effect/Schema";
import { McpServer, visibility } from "effect/ai/McpServer";
import { CallToolResult, type McpRequestContext, Tool } from "effect/ai/McpSchema";
import { type Failure, failureToJson, JsonValue, type KernelFailure } from "../../../kernel/failure.ts";
import { invalidInput, unknownOperation } from "../../../kernel/failures.ts";
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { type AnyOperation, namespaceOf } from "../../../kernel/operation.ts";
import type { Caller, FrontShape } from "../contract.ts";
import { metaTools, type ToolDescriptor, toolNameOf, toolOf } from "../projections/tool.ts";
import { callerOf } from "./caller.ts";
import { noticesOf } from "./notices.ts";

/** What the tools work with. */
export interface ToolOptions {
  /** The way to the kernel. */
  readonly front: FrontShape;
  /** Operations offered as tools of their own. */
  readonly direct: ReadonlyArray<AnyOperation>;
  /** Runs a call if the server has room for it. */
  readonly admitted: <A>(call: Effect.Effect<A, Failure>) => Effect.Effect<A, Failure>;
}

type Call = { readonly operation: string; readonly input: Json; readonly seed?: string };

const CallArguments = Schema.Struct({
  operation: Schema.String,
  input: Schema.optionalKey(JsonValue),
  seed: Schema.optionalKey(Schema.String),
});

const decodeCall = Schema.decodeUnknownResult(CallArguments, { errors: "all", onExcessProperty: "error" });

/** The call that arguments of the tool `call` ask for. */
const callOf = (given: Json): Effect.Effect<Call, Failure> => {
  const decoded = decodeCall(given);
  if (decoded._tag === "Success") return Effect.succeed({ input: {}, ...decoded.success });
  const id = isJsonObject(given) && typeof given.operation === "string" ? given.operation : "call";
  return Effect.fail(invalidInput({
    operation: id,
    problem: "the tool `call` takes {operation, input, seed?}",
    expected: { operation: "kernel.search", input: { query: "…" } },
    actual: given,
  }));
};

/** An answer as a tool's result: the same JSON as text and as structured content; a failure is marked as one. */
const resultOf = (exit: Exit.Exit<Json, Failure>): Effect.Effect<CallToolResult> => {
  if (Exit.isFailure(exit) && (Cause.hasInterrupts(exit.cause) || Cause.hasDies(exit.cause))) {
    return Effect.failCause(exit.cause as Cause.Cause<never>);
  }
  const failed = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason) : undefined;
  const answer = Exit.isSuccess(exit)
    ? { ok: true, value: exit.value }
    : { ok: false, failure: failureToJson(failed!.error) };
  return Effect.succeed(
    new CallToolResult({
      content: [{ type: "text", text: JSON.stringify(answer) }],
      structuredContent: answer,
      ...(Exit.isFailure(exit) ? { isError: true } : {}),
    }),
  );
};

/** Registers one tool; `asked` reads the call off the tool's arguments. */
const register = (
  options: ToolOptions,
  descriptor: ToolDescriptor,
  asked: (given: Json) => Effect.Effect<Call, Failure>,
): Effect.Effect<void, never, McpServer> =>
  Effect.gen(function* () {
    const server = yield* McpServer;
    const handle = (payload: unknown): Effect.Effect<CallToolResult, never, McpRequestContext> =>
      Effect.gen(function* () {
        const caller = yield* callerOf(options.front);
        const run = Effect.gen(function* () {
          const call = yield* asked((payload ?? {}) as Json);
          const notices = yield* noticesOf(call.operation);
          return yield* options.admitted(
            caller.invoke({ ...call, onEvent: notices.event, onProgress: notices.progress }),
          );
        });
        return yield* resultOf(yield* Effect.exit(run));
      }).pipe(Effect.provideService(McpServer, server));
    yield* server.addTool({
      tool: new Tool(descriptor as unknown as ConstructorParameters<typeof Tool>[0]),
      annotations: Context.empty(),
      services: yield* Effect.context<never>(),
      handle,
    });
  });

const knows = (caller: Caller, id: string): Effect.Effect<boolean> =>
  caller.operations.pipe(
    Effect.map((known) => known.some((operation) => operation.id === id)),
    Effect.orElseSucceed(() => false),
  );

/** Registers a tool for one operation, seen only by clients that may know the operation. */
const registerDirect = (options: ToolOptions, operation: AnyOperation): Effect.Effect<void, never, McpServer> =>
  register(options, toolOf(operation), (input) => Effect.succeed({ operation: operation.id, input })).pipe(
    Effect.provide(
      visibility(() => Effect.flatMap(callerOf(options.front), (caller) => knows(caller, operation.id))).layer,
    ),
  ) as Effect.Effect<void, never, McpServer>;

/** Registers every tool. */
export const registerTools = (options: ToolOptions): Effect.Effect<void, never, McpServer> =>
  Effect.gen(function* () {
    const kernelCall = (operation: string) => (input: Json) => Effect.succeed({ operation, input });
    yield* register(options, metaTools.search, kernelCall("kernel.search"));
    yield* register(options, metaTools.describe, kernelCall("kernel.describe"));
    yield* register(options, metaTools.call, callOf);
    for (const operation of options.direct) yield* registerDirect(options, operation);
  });

/** The operations that a list of ids and namespaces names, in order of id; fails on a name that means nothing. */
export const chosenOperations = (
  names: ReadonlyArray<string>,
  caller: Caller,
): Effect.Effect<ReadonlyArray<AnyOperation>, KernelFailure> =>
  Effect.gen(function* () {
    const known = yield* caller.operations;
    const chosen = new Map<string, AnyOperation>();
    for (const [index, name] of names.entries()) {
      const found = known.filter(({ id }) => id === name || namespaceOf(id) === name);
      if (found.length === 0) {
        const near = yield* caller.describe(name).pipe(Effect.flip, Effect.orElseSucceed(() => undefined));
        return yield* unknownOperation({ id: name, path: `/tools/${index}`, suggestions: near?.suggestions ?? [] });
      }
      for (const operation of found) chosen.set(toolNameOf(operation.id), operation);
    }
    return [...chosen.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  });
