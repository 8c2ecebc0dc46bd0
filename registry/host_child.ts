/**
 * Host child: the process that imports one third-party plugin and answers for it. It holds the permissions of the
 * plugin's approved manifest and no others; files and other operations it asks the kernel for, by message.
 *
 * Not trusted: everything in this process belongs to the plugin, so nothing here is a guard. The guards are the flags
 * the process was started with and registry/connection.ts on the other side.
 * Started as `host_child.ts <entry>`: the entry is a file URL or a package specifier.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as Scope from "effect/Scope";
import process from "node:process";
// The authoring entry is loaded here so that a plugin's import of it needs no permission to read our files.
import "../kernel/authoring.ts";
import {
  type Account,
  type Actor,
  type Amounts,
  type AnyOperation,
  type Authority,
  Budget,
  budgetExhausted,
  CallContext,
  type CallContextShape,
  caps,
  declarationFaults,
  denied,
  Disk,
  diskFailed,
  type DiskShape,
  type Failure,
  failureFromJson,
  failureToJson,
  type Grant,
  type Implementation,
  isFailure,
  type Json,
  type KernelFailure,
  manifestFaults,
  type PlainCodec,
  type Plugin,
  random,
  type Stat,
} from "../kernel/mod.ts";
import { layerEntropy } from "../kernel/platform/entropy.ts";
import { ownLines } from "../kernel/platform/frames.ts";
import { lendNames } from "../kernel/platform/lent_names.ts";
import { describePlugin } from "./described.ts";
import { type AskKind, MAX_FRAME, PROTOCOL_VERSION, readToPlugin, type ToPlugin, writeMessage } from "./protocol.ts";

type CallMessage = Extract<ToPlugin, { readonly type: "call" }>;
// deno-lint-ignore no-explicit-any -- a plugin's services are erased behind its implementation
type Services = Context.Context<any>;

interface Loaded {
  readonly operations: ReadonlyMap<string, AnyOperation>;
  readonly code: Implementation;
  readonly services: Services;
}

const brief = (cause: unknown): string => {
  const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 1_000);
};

const waiting = new Map<number, (answer: Result.Result<Json, Failure>) => void>();
const running = new Map<number, Fiber.Fiber<unknown, unknown>>();
let lastAsk = 0;

/** Asks the kernel something in the name of a call. */
const ask = (call: number, what: AskKind, about: Json): Effect.Effect<Json, KernelFailure> =>
  Effect.callback<Json, KernelFailure>((resume) => {
    const number = ++lastAsk;
    waiting.set(number, (answer) => {
      waiting.delete(number);
      resume(Result.isSuccess(answer) ? Effect.succeed(answer.success) : Effect.fail(answer.failure as KernelFailure));
    });
    send(writeMessage({ type: "ask", call, ask: number, what, about }));
    return Effect.sync(() => void waiting.delete(number));
  });

/** Files by message: this process has no file permission of its own. */
const diskOf = (call: number): DiskShape => {
  const asked = <A>(method: string, path: string, more: { readonly [key: string]: Json } = {}) =>
    ask(call, "disk", { method, path, ...more }) as unknown as Effect.Effect<A, KernelFailure>;
  const bytes = (path: string) =>
    Effect.map(asked<string>("read", path), (text) => Uint8Array.from(atob(text), (mark) => mark.charCodeAt(0)));
  const encoded = (content: Uint8Array | string): string => {
    const raw = typeof content === "string" ? new TextEncoder().encode(content) : content;
    let text = "";
    for (let at = 0; at < raw.length; at += 8192) text += String.fromCharCode(...raw.subarray(at, at + 8192));
    return btoa(text);
  };
  return {
    read: bytes,
    readText: (path) =>
      Effect.flatMap(bytes(path), (raw) =>
        Effect.try({
          try: () => new TextDecoder("utf-8", { fatal: true }).decode(raw),
          catch: (cause) => diskFailed({ action: "read", file: path, cause: brief(cause) }),
        })),
    write: (path, content) => Effect.asVoid(asked("write", path, { content: encoded(content) })),
    remove: (path) => Effect.asVoid(asked("remove", path)),
    makeFolder: (path) => Effect.asVoid(asked("makeFolder", path)),
    list: (path) => asked<ReadonlyArray<string>>("list", path),
    stat: (path) => Effect.map(asked<Stat | null>("stat", path), (found) => found ?? undefined),
  };
};

/** Files outside any call: nothing grants them. */
const noDisk: DiskShape = Object.fromEntries(
  ["read", "readText", "write", "remove", "makeFolder", "list", "stat"].map((name) => [
    name,
    (path: string) =>
      Effect.fail(
        denied({ operation: "a plugin's layer", authority: "files", detail: path, rule: "files need a call" }),
      ),
  ]),
) as unknown as DiskShape;

/** The call's account as it stood when the call began; what is spent on it is reported with the answer. */
const accountOf = (name: string, start: Amounts): Account & { readonly report: () => Amounts } => {
  const left: { [axis: string]: number } = { ...start };
  const taken: { [axis: string]: number } = Object.fromEntries(Object.keys(start).map((axis) => [axis, 0]));
  const account: Account & { readonly report: () => Amounts } = {
    name,
    remaining: () => ({ ...left }) as Amounts,
    spent: () => ({ ...taken }) as Amounts,
    report: () => ({ ...taken }) as Amounts,
    charge: (axis, amount) => {
      if (!(amount <= left[axis])) {
        return budgetExhausted({ account: name, axis, asked: amount, remaining: left[axis] });
      }
      left[axis] -= amount;
      taken[axis] += amount;
      return undefined;
    },
    spend: (axis, amount) =>
      Effect.suspend(() => {
        const refused = account.charge(axis, amount);
        return refused === undefined ? Effect.void : Effect.fail(refused);
      }),
    reserve: (child, amounts) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          for (const [axis, amount] of Object.entries(amounts)) {
            if (!(amount <= left[axis])) {
              return Effect.fail(budgetExhausted({ account: name, axis, asked: amount, remaining: left[axis] }));
            }
          }
          const share = Object.fromEntries(Object.keys(start).map((axis) => [axis, 0])) as { [axis: string]: number };
          for (const [axis, amount] of Object.entries(amounts)) {
            share[axis] = amount;
            left[axis] -= amount;
          }
          return Effect.succeed(accountOf(child, share as unknown as Amounts));
        }),
        (made) =>
          Effect.sync(() => {
            for (const [axis, amount] of Object.entries(made.remaining())) left[axis] += amount;
            for (const [axis, amount] of Object.entries(made.report())) taken[axis] += amount;
          }),
      ),
  };
  return account;
};

const contextOf = (message: CallMessage, declared: AnyOperation): CallContextShape => ({
  id: message.context.id,
  operation: message.operation,
  actor: message.context.actor as Actor,
  workspace: message.context.workspace,
  stateFolder: message.context.stateFolder,
  outputFolder: message.context.outputFolder,
  random: random(message.context.random),
  emit: (event) =>
    declared.event === undefined ? Effect.void : Effect.suspend(() => {
      const encoded = Schema.encodeUnknownSync(declared.event as PlainCodec)(event) as Json;
      return Effect.asVoid(Effect.orDie(ask(message.call, "event", encoded)));
    }),
  progress: (progress) =>
    Effect.asVoid(Effect.ignore(ask(message.call, "progress", { ...progress } as unknown as Json))),
  invoke: (operation, input) => ask(message.call, "invoke", { operation, input }),
});

const grantOf = (call: number, authority: Authority): Grant => ({
  authority,
  check: (detail) => Effect.asVoid(ask(call, "check", { authority, detail })),
});

const serve = (loaded: Loaded, message: CallMessage) =>
  Effect.gen(function* () {
    const declared = loaded.operations.get(message.operation)!;
    const input = yield* Schema.decodeUnknownEffect(declared.input)(message.input);
    const account = accountOf(message.operation, message.context.remaining as unknown as Amounts);
    let context = Context.merge(loaded.services, Context.make(CallContext, contextOf(message, declared)));
    context = Context.add(context, Budget, account);
    context = Context.add(context, Disk, diskOf(message.call));
    for (const name of message.context.authorities) {
      context = Context.add(context, caps[name] as never, grantOf(message.call, name) as never);
    }
    const handler = Effect.suspend(() => loaded.code.handlers[message.operation](input as never));
    const output = yield* Effect.provideContext(handler, context);
    const value = (yield* Schema.encodeUnknownEffect(declared.output)(output)) as Json;
    return writeMessage({ type: "done", call: message.call, value, spent: { ...account.report() } });
  }) as Effect.Effect<string, unknown>;

const outcome = (message: CallMessage, exit: Exit.Exit<string, unknown>): string => {
  if (Exit.isSuccess(exit)) return exit.value;
  const error = Cause.squash(exit.cause);
  return isFailure(error)
    ? writeMessage({ type: "failed", call: message.call, failure: failureToJson(error) })
    : writeMessage({ type: "broke", call: message.call, cause: brief(error) });
};

const accept = (loaded: Loaded, line: string): void => {
  const read = readToPlugin(line);
  if (Result.isFailure(read)) return;
  const message = read.success;
  if (message.type === "answer") waiting.get(message.ask)?.(Result.succeed(message.value));
  else if (message.type === "refusal") waiting.get(message.ask)?.(Result.fail(failureFromJson(message.failure)));
  else if (message.type === "interrupt") {
    const fiber = running.get(message.call);
    if (fiber !== undefined) Effect.runFork(Fiber.interrupt(fiber));
  } else {
    const fiber = Effect.runFork(serve(loaded, message));
    running.set(message.call, fiber);
    fiber.addObserver((exit) => {
      running.delete(message.call);
      send(outcome(message, exit));
    });
  }
};

const problemOf = (
  plugin: Plugin,
  operations: ReadonlyArray<AnyOperation>,
  code: Implementation,
): string | undefined => {
  const fault = manifestFaults(plugin)[0] ?? operations.flatMap(declarationFaults)[0];
  if (fault !== undefined) return fault.message;
  if (plugin.requires.some(({ optional }) => optional !== true) || plugin.provides.length > 0) {
    return "services do not cross processes: it may neither provide nor require any; call operations instead";
  }
  const missing = operations.find(({ id }) => typeof code?.handlers?.[id] !== "function");
  return missing === undefined ? undefined : `it has no handler for ${missing.id}`;
};

const load = async (entry: string): Promise<Loaded> => {
  lendNames(entry);
  const module = await import(entry) as { readonly default?: Plugin };
  const plugin = module.default;
  if (plugin === undefined || manifestFaults(plugin).length > 0) {
    throw new Error(manifestFaults(plugin)[0]?.message ?? "it has no default export");
  }
  const operations = await plugin.operations();
  const code = (await plugin.load()).default;
  const problem = problemOf(plugin, operations, code);
  if (problem !== undefined) throw new Error(problem);
  const below = Layer.merge(layerEntropy, Layer.succeed(Disk, noDisk));
  // The layer's scope is this process: it is freed when the process ends.
  const services = await Effect.runPromise(
    Effect.flatMap(
      Scope.make(),
      (scope) => Layer.buildWithScope(Layer.provideMerge(code.layer, below), scope),
    ) as never,
  ) as Services;
  send(writeMessage({
    type: "ready",
    version: PROTOCOL_VERSION,
    described: describePlugin(plugin, operations) as unknown as Json,
  }));
  return { operations: new Map(operations.map((row) => [row.id, row])), code, services };
};

let loaded: Loaded | undefined;
const early: Array<string> = [];
const send = ownLines(
  MAX_FRAME,
  (line) => loaded === undefined ? void early.push(line) : accept(loaded, line),
  () => process.exit(0),
);
// Standard output carries the protocol; what a plugin logs goes beside it.
for (const name of ["log", "info", "debug"] as const) console[name] = console.error;

try {
  loaded = await load(process.argv[2]);
  for (const line of early.splice(0)) accept(loaded, line);
} catch (cause) {
  send(writeMessage({ type: "unusable", reason: brief(cause) }));
}
