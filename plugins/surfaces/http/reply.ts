/**
 * Reply: answers and failures as HTTP responses, in one piece or as a stream of steps.
 *
 * Invariant: whatever happens, a caller gets `{"ok":true,"value":…}` or `{"ok":false,"failure":…}` as the last word.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Queue from "effect/Queue";
import * as Result from "effect/Result";
import * as Stream from "effect/Stream";
import type { Progress } from "../../../kernel/context.ts";
import { type Failure, failureToJson, isFailure } from "../../../kernel/failure.ts";
import type { Json } from "../../../kernel/json.ts";
import { brokenServer } from "../failures.ts";
import { STREAM_BUFFER } from "./limits.ts";
import { statusOf } from "./status.ts";

/** How an answer travels. */
export type Mode = "application/json" | "text/event-stream" | "application/x-ndjson";

/** The modes on offer, the usual one first. */
export const MODES: ReadonlyArray<Mode> = ["application/json", "text/event-stream", "application/x-ndjson"];

const qualityOf = (accept: string, mode: Mode): number => {
  const [type] = mode.split("/");
  let best: readonly [exactness: number, quality: number] = [-1, 0];
  for (const range of accept.split(",")) {
    const [name, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const exactness = [`*/*`, `${type}/*`, mode].indexOf(name);
    const q = Number(parameters.find((parameter) => parameter.startsWith("q="))?.slice(2) ?? 1);
    if (exactness > best[0]) best = [exactness, Number.isFinite(q) ? q : 0];
  }
  return best[1];
};

/** The mode an Accept header asks for; `undefined` when it accepts none. */
export const modeOf = (accept: string | null): Mode | undefined => {
  if (accept === null || accept.trim() === "") return MODES[0];
  const ranked = MODES.map((mode) => [mode, qualityOf(accept, mode)] as const).filter(([, quality]) => quality > 0);
  return ranked.sort(([, a], [, b]) => b - a)[0]?.[0];
};

/** JSON as a response. */
export const jsonResponse = (value: Json, status = 200): Response =>
  new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json" } });

/** Text as a response. */
export const textResponse = (text: string): Response =>
  new Response(text, { headers: { "content-type": "text/plain; charset=utf-8" } });

/** The one word for an exit: its value, its failure, or that the server broke. Interruption has none. */
export const answerOf = (exit: Exit.Exit<Json, Failure>): Json => {
  if (Exit.isSuccess(exit)) return { ok: true, value: exit.value };
  const error = Cause.findError(exit.cause);
  const failure = Result.isSuccess(error) && isFailure(error.success) ? error.success : brokenServer({});
  return { ok: false, failure: failureToJson(failure) };
};

// The rest of such a body is never read, so its connection can carry no further request.
const LAST_REQUEST = { connection: "close" };

/** Headers that some failures must or should carry. */
const FAILURE_HEADERS: { readonly [code: string]: Readonly<Record<string, string>> } = {
  SURFACE_UNAUTHORIZED: { "www-authenticate": "Bearer" },
  SURFACE_BUSY: { "retry-after": "1" },
  SURFACE_BODY_SIZE: LAST_REQUEST,
  SURFACE_BODY_DEADLINE: LAST_REQUEST,
};

/** A failure as a response. */
export const failureResponse = (failure: Failure): Response => {
  const response = jsonResponse({ ok: false, failure: failureToJson(failure) }, statusOf(failure.code));
  const headers = FAILURE_HEADERS[failure.code] ?? {};
  for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
  if (failure.code === "SURFACE_METHOD") response.headers.set("allow", (failure.expected as string[]).join(", "));
  return response;
};

/** What happens while a call runs, in order; the answer comes last. */
export type Step =
  | { readonly kind: "event"; readonly data: Json }
  | { readonly kind: "progress"; readonly data: Json }
  | { readonly kind: "answer"; readonly data: Json };

const FRAMES: { readonly [M in Mode]: (step: Step) => string } = {
  "application/json": (step) => step.kind === "answer" ? JSON.stringify(step.data) : "",
  "text/event-stream": (step) => `event: ${step.kind}\ndata: ${JSON.stringify(step.data)}\n\n`,
  "application/x-ndjson": (step) =>
    `${JSON.stringify(step.kind === "answer" ? step.data : { [step.kind]: step.data })}\n`,
};

/** Where a running call tells its steps; telling waits while the reader is behind. */
export interface Teller {
  /** Tells an event of the operation. */
  readonly event: (data: Json) => Effect.Effect<void>;
  /** Tells progress. */
  readonly progress: (progress: Progress) => Effect.Effect<void>;
}

/** Steps of a call as a stream; ending the stream early interrupts the call. */
export const stepsOf = (call: (teller: Teller) => Effect.Effect<Json, Failure>): Stream.Stream<Step> =>
  Stream.callback<Step>((queue) =>
    Effect.gen(function* () {
      const tell = (kind: "event" | "progress") => (data: unknown) =>
        Effect.asVoid(Queue.offer(queue, { kind, data: data as Json }));
      const exit = yield* Effect.exit(call({ event: tell("event"), progress: tell("progress") }));
      yield* Queue.offer(queue, { kind: "answer", data: answerOf(exit) });
      yield* Queue.end(queue);
    }), { bufferSize: STREAM_BUFFER });

/** A call as a streaming response: starts at once, and is interrupted when the reader goes away. */
export const streamResponse = (
  mode: Exclude<Mode, "application/json">,
  call: (teller: Teller) => Effect.Effect<Json, Failure>,
): Effect.Effect<Response> => {
  const encoder = new TextEncoder();
  const frames = Stream.map(stepsOf(call), (step) => encoder.encode(FRAMES[mode](step)));
  return Effect.map(
    Stream.toReadableStreamEffect(frames),
    (body) => new Response(body, { headers: { "content-type": mode } }),
  );
};
