/**
 * Tasks: a message becomes a call, a call becomes a task that can be watched, asked for and cancelled.
 *
 * Not durable: what a call did is in the ledger; a task is only this server's view of it, kept for a while.
 * Invariant: a task is seen by the caller who started it and by nobody else, and a running task is never forgotten.
 *
 * @module
 */
import type * as Cause from "effect/Cause";
import * as DateTime from "effect/DateTime";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Queue from "effect/Queue";
import type * as Scope from "effect/Scope";
import type { Entropy } from "../../../kernel/entropy.ts";
import { type Failure, failureToJson } from "../../../kernel/failure.ts";
import { invalidInput } from "../../../kernel/failures.ts";
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import type { Caller } from "../contract.ts";
import { tooSlow } from "../failures.ts";
import { STREAM_BUFFER } from "../http/limits.ts";
import { answerOf } from "../http/reply.ts";
import type { Exchange } from "../http/routes.ts";
import type { Part, TaskState, TaskView } from "./dialect.ts";

/** Tasks kept after they ended, the oldest forgotten first. */
export const MAX_TASKS = 1_000;

/** What a message asks for: a call, or operations for a few words. */
export type Asked =
  | { readonly kind: "call"; readonly operation: string; readonly input: Json; readonly seed?: string }
  | { readonly kind: "search"; readonly query: string };

const callOf = (data: Json): Asked | undefined => {
  if (!isJsonObject(data) || typeof data.operation !== "string") return undefined;
  const { operation, input = {}, seed } = data;
  return { kind: "call", operation, input, ...(typeof seed === "string" ? { seed } : {}) };
};

const parsed = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

/** What the parts of a message ask for: the first call, spelled as data or as JSON text, else a search for the text. */
export const askedOf = (parts: ReadonlyArray<Part>): Effect.Effect<Asked, Failure> => {
  for (const part of parts) {
    const call = "data" in part ? callOf(part.data) : "text" in part ? callOf(parsed(part.text) ?? null) : undefined;
    if (call !== undefined) return Effect.succeed(call);
  }
  const query = parts.flatMap((part) => ("text" in part ? [part.text] : [])).join(" ").trim();
  return query !== "" ? Effect.succeed({ kind: "search", query }) : Effect.fail(invalidInput({
    operation: "message",
    problem: "no part is a call or a text",
    path: "/message/parts",
    expected: [{ data: { operation: "kernel.search", input: { query: "…" } } }],
  }));
};

/** A change of a task, for who watches it. */
export type Change =
  | { readonly kind: "status"; readonly task: TaskView; readonly final: boolean }
  | { readonly kind: "artifact"; readonly task: TaskView };

/** A task this server keeps. */
export interface Task {
  /** How it stands now. */
  readonly view: () => TaskView;
  /** Changes from its start to its end. */
  readonly changes: Queue.Dequeue<Change, Cause.Done>;
  /** Waits for its end. */
  readonly ended: Effect.Effect<TaskView>;
  /** Interrupts it; waits until it has ended. */
  readonly cancel: Effect.Effect<TaskView>;
}

/** State in which a call's failure leaves its task; others are `failed`. */
const STATE_OF_FAILURE: { readonly [code: string]: TaskState } = {
  KERNEL_DENIED: "rejected",
  KERNEL_OUT_OF_REACH: "rejected",
  KERNEL_APPROVAL_NEEDED: "auth-required",
  KERNEL_INTERRUPTED: "canceled",
};

type End = Pick<TaskView, "state" | "says" | "artifact">;

const endOf = (exit: Exit.Exit<Json, Failure>, operation: string): End => {
  if (Exit.isFailure(exit) && exit.cause.reasons.some((reason) => reason._tag === "Interrupt")) {
    return { state: "canceled", says: [] };
  }
  const answer = answerOf(exit) as { readonly failure?: Json };
  if (Exit.isSuccess(exit)) return { state: "completed", says: [], artifact: { name: operation, data: answer } };
  const failure = answer.failure as { readonly code: string; readonly message: string };
  const state = STATE_OF_FAILURE[failure.code] ?? "failed";
  return { state, says: [{ text: failure.message }, { data: answer }] };
};

/** Starts tasks and finds them again. */
export interface Tasks {
  /** Starts a call as a task of a caller. */
  readonly start: (
    caller: Caller,
    asked: Extract<Asked, { readonly kind: "call" }>,
    contextId: string | undefined,
    watched: boolean,
  ) => Effect.Effect<Task>;
  /** The caller's task of this id. */
  readonly find: (caller: Caller, id: string) => Task | undefined;
  /** A fresh identifier. */
  readonly fresh: () => string;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Opens the store; closing the scope cancels what runs. */
export const makeTasks = (options: {
  /** Where identifiers come from. */
  readonly entropy: Entropy["Service"];
  /** Runs a call if the server has room for it. */
  readonly admitted: Exchange["admitted"];
  /** Longest a call may take, milliseconds. */
  readonly deadlineMs: number;
}): Effect.Effect<Tasks, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope;
    const kept = new Map<string, { readonly owner: string; readonly task: Task }>();
    const fresh = (): string => hex(options.entropy.bytes(16));
    const forget = (): void => {
      for (const [id, { task }] of kept) {
        if (kept.size <= MAX_TASKS) return;
        if (task.view().state !== "working") kept.delete(id);
      }
    };
    const now = Effect.map(DateTime.now, DateTime.formatIso);

    const start: Tasks["start"] = (caller, asked, contextId, watched) =>
      Effect.gen(function* () {
        let view: TaskView = {
          id: fresh(),
          contextId: contextId ?? fresh(),
          state: "working",
          at: yield* now,
          says: [],
        };
        const changes = yield* Queue.bounded<Change, Cause.Done>(STREAM_BUFFER);
        const tell = (change: Change) => (watched ? Effect.asVoid(Queue.offer(changes, change)) : Effect.void);
        const say = (says: ReadonlyArray<Part>) =>
          Effect.suspend(() => tell({ kind: "status", task: { ...view, says }, final: false }));
        const call = options.admitted(caller.invoke({
          operation: asked.operation,
          input: asked.input,
          ...(asked.seed === undefined ? {} : { seed: asked.seed }),
          onEvent: (event) => say([{ data: { event } }]),
          onProgress: (progress) => say([{ text: progress.label }, { data: { progress: { ...progress } } }]),
        })).pipe(Effect.timeoutOrElse({
          duration: options.deadlineMs,
          orElse: () => Effect.fail<Failure>(tooSlow({ deadlineMs: options.deadlineMs })),
        }));
        const run = Effect.gen(function* () {
          const exit = yield* Effect.exit(call);
          view = { ...view, ...endOf(exit, asked.operation), at: yield* now };
          if (view.artifact !== undefined) yield* tell({ kind: "artifact", task: view });
          yield* tell({ kind: "status", task: view, final: true });
        }).pipe(
          Effect.onInterrupt(() =>
            Effect.gen(function* () {
              view = { ...view, state: "canceled", says: [], at: yield* now };
            })
          ),
          Effect.ensuring(Queue.end(changes)),
        );
        const fiber = yield* Effect.forkIn(run, scope);
        const ended = Effect.map(Fiber.await(fiber), () => view);
        const task: Task = {
          view: () => view,
          changes,
          ended,
          cancel: Effect.andThen(Fiber.interrupt(fiber), ended),
        };
        kept.set(view.id, { owner: caller.actor, task });
        forget();
        return task;
      });

    const find: Tasks["find"] = (caller, id) => {
      const found = kept.get(id);
      return found?.owner === caller.actor ? found.task : undefined;
    };
    return { start, find, fresh };
  });

/** The answer to a search as parts of a message. */
export const searchParts = (caller: Caller, query: string): Effect.Effect<ReadonlyArray<Part>> =>
  Effect.gen(function* () {
    const exit = yield* Effect.exit(caller.invoke({ operation: "kernel.search", input: { query } }));
    const answer = answerOf(exit);
    if (Exit.isFailure(exit)) return [{ data: answer }];
    const { hits } = exit.value as unknown as { readonly hits: ReadonlyArray<{ id: string; summary: string }> };
    const lines = hits.map(({ id, summary }) => `${id}: ${summary}`);
    return [{ text: lines.length === 0 ? "Nothing found." : lines.join("\n") }, { data: answer }];
  });

/** A failure in the data of a JSON-RPC error. */
export const failureData = (failure: Failure): Json => ({ failure: failureToJson(failure) });
