/**
 * Body: reading a request's body within bounds of size, time and nesting.
 *
 * Invariant: memory held for a body never exceeds the limit by more than one chunk.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Failure } from "../../../kernel/failure.ts";
import { type Json, MAX_JSON_DEPTH } from "../../../kernel/json.ts";
import { bodyTooLarge, bodyTooSlow, malformedBody, wrongMediaType } from "../failures.ts";
import type { Limits } from "./limits.ts";

const JSON_TYPES = ["application/json", "application/a2a+json"];

const mediaTypeOf = (headers: Headers): string =>
  (headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase();

const collect = async (
  body: ReadableStream<Uint8Array>,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> => {
  const chunks: Array<Uint8Array> = [];
  let size = 0;
  const reader = body.getReader();
  for (let step = await reader.read(); !step.done; step = await reader.read()) {
    size += step.value.length;
    // Not cancelled: that would cut the connection before the refusal is on its way.
    if (size > limit || signal.aborted) return undefined;
    chunks.push(step.value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
};

/** Deepest nesting of brackets in a JSON text, strings left aside. */
const nestingOf = (text: string): number => {
  let [depth, deepest, inString] = [0, 0, false];
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return deepest;
};

const parse = (bytes: Uint8Array): Json => {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  if (nestingOf(text) > MAX_JSON_DEPTH) throw new Error(`nesting exceeds ${MAX_JSON_DEPTH}`);
  return JSON.parse(text);
};

/** The bytes of a body that claims to be JSON. */
export const readBytes = (request: Request, limits: Limits): Effect.Effect<Uint8Array, Failure> =>
  Effect.gen(function* () {
    const found = mediaTypeOf(request.headers);
    // Only a type that a plain HTML form cannot send: a page must ask permission first, and gets none.
    if (!JSON_TYPES.includes(found)) return yield* wrongMediaType({ found, wanted: "application/json" });
    const tooLarge = bodyTooLarge({ limit: limits.bodyBytes });
    if (Number(request.headers.get("content-length") ?? 0) > limits.bodyBytes) return yield* tooLarge;
    if (request.body === null) return new Uint8Array();
    const body = request.body;
    const bytes = yield* Effect.tryPromise({
      try: (signal) => collect(body, limits.bodyBytes, signal),
      catch: (cause) => malformedBody({ reason: `it broke off (${cause instanceof Error ? cause.name : "error"})` }),
    }).pipe(Effect.timeoutOrElse({
      duration: limits.bodyMs,
      orElse: () => Effect.fail<Failure>(bodyTooSlow({ deadlineMs: limits.bodyMs })),
    }));
    return bytes === undefined ? yield* tooLarge : bytes;
  });

/** The JSON of a body; an empty body is `{}`. */
export const readJson = (request: Request, limits: Limits): Effect.Effect<Json, Failure> =>
  Effect.flatMap(readBytes(request, limits), (bytes) =>
    bytes.length === 0 ? Effect.succeed<Json>({}) : Effect.try({
      try: () => parse(bytes),
      catch: (cause) => malformedBody({ reason: cause instanceof Error ? cause.message : String(cause) }),
    }));
