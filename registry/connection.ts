/**
 * Connection: the kernel's side of a third-party plugin. It starts the plugin's process, passes calls to it, answers
 * what it asks under the authority of the call it asks for, and ends it when it misbehaves.
 *
 * Not trusting: an answer counts for the call that asked, within its declaration; nothing else it says has an effect.
 * Invariant: every call ends (answer, failure, or the process's end); a question outside a running call is never served.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Queue from "effect/Queue";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import * as Semaphore from "effect/Semaphore";
import {
  type AnyOperation,
  AXES,
  Budget,
  CallContext,
  type Failure,
  type FailureOf,
  failureToJson,
  type Fix,
  type Json,
  type KernelFailure,
} from "../kernel/mod.ts";
import { monotonicMs } from "../kernel/platform/clock.ts";
import { answerAsk, type Issued } from "./asks.ts";
import { type Described, descriptionDigest, readDescribed } from "./described.ts";
import { pluginMisspoke, pluginStopped, type RegistryFailure, unusableSource } from "./failures.ts";
import { heardFailure } from "./heard.ts";
import type { HostProcess, HostRequest, PluginHosts } from "./hosts.ts";
import {
  type FromPlugin,
  MAX_ASKS,
  MAX_FRAME,
  MAX_OUTSTANDING,
  PROTOCOL_VERSION,
  readFromPlugin,
  type ToPlugin,
  writeMessage,
} from "./protocol.ts";

/** How long a plugin may take to stop a call that was interrupted; after that its process ends. */
export const INTERRUPT_GRACE_MS = 1_000;

/** How long a plugin's process may take until it says what it declares. */
export const READY_DEADLINE_MS = 20_000;

/** Starts within {@link RESTART_WINDOW_MS} after which a crashing plugin is refused. */
export const MAX_STARTS = 4;

/** The time in which starts are counted. */
export const RESTART_WINDOW_MS = 60_000;

/** A failure of the connection itself. */
export type ConnectionFailure =
  | KernelFailure
  | FailureOf<"REGISTRY_PLUGIN_STOPPED">
  | FailureOf<"REGISTRY_PLUGIN_MISSPOKE">
  | FailureOf<"REGISTRY_SOURCE">;

type Ended = { readonly type: "ended"; readonly reason: string };
type Incoming = Exclude<FromPlugin, { type: "ready" } | { type: "unusable" }> | Ended;

interface Conversation {
  readonly inbox: Queue.Queue<Incoming>;
  outstanding: number;
  asked: number;
}

/** One running process and the calls in it. */
interface Link {
  readonly process: HostProcess;
  readonly calls: Map<number, Conversation>;
  /** Calls that were interrupted and have not ended over there. */
  readonly leaving: Set<number>;
  ended: string | undefined;
}

const say = (link: Link, message: ToPlugin): boolean => {
  const line = writeMessage(message);
  if (line.length > MAX_FRAME) return false;
  if (link.ended === undefined) link.process.send(line);
  return true;
};

const endLink = (link: Link, reason: string): void => {
  if (link.ended !== undefined) return;
  link.ended = reason;
  for (const { inbox } of link.calls.values()) Queue.offerUnsafe(inbox, { type: "ended", reason });
  link.process.stop();
};

/** Takes one message of a running plugin; the answer is what it did wrong. */
const take = (link: Link, message: FromPlugin): string | undefined => {
  if (message.type === "ready" || message.type === "unusable") return "it introduced itself twice";
  const conversation = link.calls.get(message.call);
  if (conversation === undefined) {
    if (!link.leaving.has(message.call)) return "it spoke about a call it was not given";
    if (message.type !== "ask") link.leaving.delete(message.call);
    return undefined;
  }
  if (message.type === "ask") {
    if (++conversation.outstanding > MAX_OUTSTANDING) return `it asked ${MAX_OUTSTANDING} questions without listening`;
    if (++conversation.asked > MAX_ASKS) return `it asked more than ${MAX_ASKS} questions in one call`;
  }
  Queue.offerUnsafe(conversation.inbox, message);
  return undefined;
};

type Introduction = Result.Result<unknown, string>;

/** Starts a process and waits until it has introduced itself; `refuse` is how the caller calls one that does not. */
const openLink = (
  hosts: PluginHosts,
  request: HostRequest,
  refuse: (reason: string) => ConnectionFailure,
): Effect.Effect<{ readonly link: Link; readonly described: unknown }, ConnectionFailure> =>
  Effect.suspend(() => {
    const calls = new Map<number, Conversation>();
    let link: Link | undefined;
    let introduced: ((introduction: Introduction) => void) | undefined;
    let early: Introduction | undefined;
    const introduce = (introduction: Introduction): void => {
      if (introduced === undefined) early ??= introduction;
      else introduced(introduction);
    };
    let known = false;
    const misbehaved = (reason: string): void => {
      introduce(Result.fail(reason));
      if (link !== undefined) endLink(link, reason);
    };
    const line = (text: string): void => {
      if (link?.ended !== undefined) return;
      const read = readFromPlugin(text);
      if (Result.isFailure(read)) return misbehaved(read.failure);
      const message = read.success;
      if (!known && message.type === "unusable") return introduce(Result.fail(message.reason));
      if (!known && message.type === "ready") {
        known = true;
        return introduce(
          message.version === PROTOCOL_VERSION
            ? Result.succeed(message.described)
            : Result.fail(`it speaks protocol ${message.version}, this kernel ${PROTOCOL_VERSION}`),
        );
      }
      const fault = link === undefined ? "it spoke before it introduced itself" : take(link, message);
      if (fault !== undefined) misbehaved(fault);
    };
    return Effect.gen(function* () {
      const process = yield* hosts.start(request, {
        line,
        ended: (reason) => misbehaved(`its process ended: ${reason}`),
      });
      const made: Link = { process, calls, leaving: new Set(), ended: undefined };
      link = made;
      const introduction = yield* Effect.callback<Introduction>((resume) => {
        introduced = (value) => resume(Effect.succeed(value));
        if (early !== undefined) introduced(early);
      }).pipe(
        Effect.timeoutOrElse({
          duration: READY_DEADLINE_MS,
          orElse: () => Effect.succeed<Introduction>(Result.fail(`it was not ready after ${READY_DEADLINE_MS} ms`)),
        }),
        Effect.onInterrupt(() => Effect.sync(() => endLink(made, "its start was interrupted"))),
      );
      if (Result.isSuccess(introduction)) return { link: made, described: introduction.success };
      endLink(made, introduction.failure);
      return yield* refuse(introduction.failure);
    });
  });

const CORRECT_MODULE: Fix = { summary: "Correct the module; docs/writing-a-plugin.md shows a whole plugin" };

/** Looks at a plugin: starts its code without any permission, reads what it declares, and ends it. */
export const lookAt = (
  hosts: PluginHosts,
  source: string,
  request: Extract<HostRequest, { readonly look: string }>,
): Effect.Effect<unknown, ConnectionFailure> =>
  Effect.flatMap(
    openLink(hosts, request, (reason) => unusableSource({ source, reason, fix: CORRECT_MODULE })),
    ({ link, described }) =>
      Effect.sync(() => {
        endLink(link, "it was only looked at");
        return described;
      }),
  );

/** A connection to one approved plugin. */
export interface Connection {
  /** Calls an operation of it, within the call in progress; the answer is decoded by the rebuilt declaration. */
  readonly call: (declared: AnyOperation, input: Json) => Effect.Effect<unknown, Failure, CallContext | Budget>;
}

/** What a connection is made for. */
export interface Approved {
  /** What was approved. */
  readonly described: Described;
  /** Checks, before every start, that the code is still what was approved. */
  readonly unchanged: Effect.Effect<void, RegistryFailure>;
}

const start = (hosts: PluginHosts, approved: Approved): Effect.Effect<Link, RegistryFailure> =>
  Effect.gen(function* () {
    const { id } = approved.described;
    yield* approved.unchanged;
    const { link, described } = yield* openLink(
      hosts,
      { plugin: id },
      (reason) => pluginStopped({ plugin: id, reason }),
    );
    const again = readDescribed(id, described, { plugins: new Set(), namespaces: new Set() });
    if (
      Result.isSuccess(again) && descriptionDigest(again.success) === descriptionDigest(approved.described)
    ) return link;
    endLink(link, "it declares something else than what was approved");
    return yield* pluginMisspoke({ plugin: id, reason: "it declares something else than what was approved" });
  });

const contextOf = (declared: AnyOperation): Effect.Effect<
  Extract<ToPlugin, { readonly type: "call" }>["context"],
  never,
  CallContext | Budget
> =>
  Effect.gen(function* () {
    const context = yield* CallContext;
    const budget = yield* Budget;
    return {
      id: context.id,
      actor: context.actor,
      workspace: context.workspace,
      stateFolder: context.stateFolder,
      outputFolder: context.outputFolder,
      random: context.random.label,
      authorities: [...declared.effects, ...declared.kinds],
      remaining: { ...budget.remaining() },
    };
  });

/** What the plugin says it spent; it may lie, but never beyond what was there. */
const charge = (spent: { readonly [axis: string]: number } = {}): Effect.Effect<void, Failure, Budget> =>
  Effect.flatMap(
    Budget,
    (budget) =>
      Effect.forEach(
        AXES.filter((axis) => axis !== "wallMs" && (spent[axis] ?? 0) > 0),
        (axis) => budget.spend(axis, spent[axis]),
        { discard: true },
      ),
  );

/** Serves one call until it ends. */
const converse = (
  link: Link,
  number: number,
  plugin: string,
  declared: AnyOperation,
  conversation: Conversation,
): Effect.Effect<unknown, Failure, CallContext | Budget | Scope.Scope> =>
  Effect.gen(function* () {
    const issued: Issued = new Set();
    for (;;) {
      const message = yield* Queue.take(conversation.inbox);
      if (message.type === "ask") {
        const answered = answerAsk(declared, message.what, message.about, issued).pipe(
          Effect.map((value): ToPlugin => ({ type: "answer", ask: message.ask, value })),
          Effect.catch((failure) =>
            Effect.succeed<ToPlugin>({ type: "refusal", ask: message.ask, failure: failureToJson(failure) })
          ),
          Effect.map((answer) => {
            conversation.outstanding--;
            if (!say(link, answer)) endLink(link, "it asked for more than a message can hold");
          }),
        );
        yield* Effect.forkScoped(answered);
        continue;
      }
      if (message.type === "ended") return yield* pluginStopped({ plugin, reason: message.reason });
      if (message.type === "broke") return yield* pluginMisspoke({ plugin, reason: `it broke with ${message.cause}` });
      if (message.type === "failed") return yield* heardFailure(plugin, declared, message.failure, issued);
      yield* charge(message.spent);
      const decoded = Schema.decodeUnknownResult(declared.output)(message.value);
      if (Result.isSuccess(decoded)) return decoded.success;
      return yield* pluginMisspoke({ plugin, reason: `${declared.id} answered outside its declaration` });
    }
  }).pipe(
    Effect.onExit((exit) =>
      Effect.sync(() => {
        link.calls.delete(number);
        if (link.ended !== undefined || !Exit.hasInterrupts(exit)) return;
        link.leaving.add(number);
        say(link, { type: "interrupt", call: number });
      })
    ),
  );

/** Opens a connection; its process starts with the first call, and again after it ended, within limits. */
export const connect = (hosts: PluginHosts, approved: Approved): Effect.Effect<Connection, Failure, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope;
    const plugin = approved.described.id;
    const lock = yield* Semaphore.make(1);
    let current: Link | undefined;
    let last = 0;
    let starts: Array<number> = [];
    yield* Effect.addFinalizer(() => Effect.sync(() => current && endLink(current, "the kernel closed")));

    const acquire = lock.withPermits(1)(Effect.suspend(() => {
      if (current !== undefined && current.ended === undefined) return Effect.succeed(current);
      const now = monotonicMs();
      starts = starts.filter((at) => now - at < RESTART_WINDOW_MS);
      if (starts.length >= MAX_STARTS) {
        const reason = `it ended ${MAX_STARTS} times within ${RESTART_WINDOW_MS / 1000} s; last: ${current?.ended}`;
        return Effect.fail<RegistryFailure>(pluginStopped({ plugin, reason }));
      }
      starts.push(now);
      return Effect.tap(start(hosts, approved), (link) => Effect.sync(() => void (current = link)));
    }));

    /** Ends the process if the interrupted call is still running after the grace. */
    const watch = (link: Link, number: number) =>
      Effect.forkIn(
        Effect.andThen(
          Effect.sleep(INTERRUPT_GRACE_MS),
          Effect.sync(() => {
            if (link.leaving.has(number)) endLink(link, `it did not stop within ${INTERRUPT_GRACE_MS} ms`);
          }),
        ),
        scope,
      );

    return {
      call: (declared, input) =>
        Effect.scoped(Effect.gen(function* () {
          const context = yield* contextOf(declared);
          const link = yield* acquire;
          const number = ++last;
          const conversation: Conversation = { inbox: yield* Queue.unbounded<Incoming>(), outstanding: 0, asked: 0 };
          link.calls.set(number, conversation);
          if (!say(link, { type: "call", call: number, operation: declared.id, input, context })) {
            link.calls.delete(number);
            return yield* pluginStopped({ plugin, reason: `its input is longer than ${MAX_FRAME} characters` });
          }
          return yield* Effect.onInterrupt(
            converse(link, number, plugin, declared, conversation),
            () => watch(link, number),
          );
        })),
    };
  });
