/**
 * Recording: the calls of a model, kept so that a run can be repeated without it.
 *
 * Not a cache: a call that was not recorded is a loud failure that names the nearest recording, never a call of the
 * model.
 * Invariant: texts are redacted before they are kept, requests and answers alike; calls of one request are played back
 * in the order they were made, each once; playing back gives what was given, failures and pieces included.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { redactText } from "../../../effects/mod.ts";
import { canonicalJson, type Digest, digestJson, type Json } from "../../../kernel/mod.ts";
import type { ModelAnswer, ModelBackend, ModelDescription, ModelRequest, ModelTrouble } from "../contract.ts";
import { badModel } from "../failures.ts";
import { cosine, vectorOf } from "../text.ts";
import { trouble } from "./finished.ts";
import { placesOf, saidBy } from "./places.ts";

/** Version of the format. */
export const RECORDING_FORMAT = 1;

/** One call. */
export interface RecordedCall {
  /** Digest of the request. */
  readonly key: Digest;
  /** The request, redacted. */
  readonly request: ModelRequest;
  /** The pieces of the answer in order; one where it was not streamed, none where it failed at once. */
  readonly pieces: ReadonlyArray<string>;
  /** The answer, redacted; absent where it failed. */
  readonly answer?: ModelAnswer;
  /** Why there is none. */
  readonly trouble?: ModelTrouble;
}

/** The calls of one model. */
export interface Recording {
  /** Version of the format. */
  readonly format: 1;
  /** What the model was. */
  readonly model: ModelDescription;
  /** Its calls in the order they ended. */
  readonly calls: ReadonlyArray<RecordedCall>;
}

const redacted = (request: ModelRequest): ModelRequest => ({
  ...request,
  prompt: redactText(request.prompt),
  ...(request.system === undefined ? {} : { system: redactText(request.system) }),
});

const keyOf = (request: ModelRequest): Digest => digestJson(request as unknown as Json);

const callOf = (
  request: ModelRequest,
  pieces: ReadonlyArray<string>,
  end: Pick<RecordedCall, "answer" | "trouble">,
): RecordedCall => {
  const kept = redacted(request);
  const answer = end.answer && { ...end.answer, text: redactText(end.answer.text) };
  // A secret may be spread over pieces: where redacting changes the text, it is kept in one.
  const whole = pieces.join("");
  const clean = redactText(whole);
  return {
    key: keyOf(kept),
    request: kept,
    pieces: clean === whole ? [...pieces] : [clean],
    ...(answer === undefined ? {} : { answer }),
    ...(end.trouble === undefined ? {} : { trouble: end.trouble }),
  };
};

/** A model whose calls are kept as they end; a call that cannot be kept fails. */
export const keepingCalls = <R, R2>(
  backend: ModelBackend<R>,
  keep: (call: RecordedCall) => Effect.Effect<void, ModelTrouble, R2>,
): ModelBackend<R | R2> => ({
  describe: backend.describe,
  generate: (request) =>
    backend.generate(request).pipe(
      Effect.tapError((failed) => keep(callOf(request, [], { trouble: failed }))),
      Effect.tap((answer) => keep(callOf(request, [answer.text], { answer }))),
    ),
  stream: (request) =>
    Stream.unwrap(Effect.sync(() => {
      const pieces: string[] = [];
      return backend.stream(request).pipe(
        Stream.tapError((failed) => keep(callOf(request, pieces, { trouble: failed }))),
        Stream.tap((event) =>
          event.type === "answer"
            ? keep(callOf(request, pieces, { answer: event.answer }))
            : Effect.sync(() => void pieces.push(event.text))
        ),
      );
    })),
});

/** A model whose calls are noted, and what was noted so far. */
export const recordingOf = <R>(
  backend: ModelBackend<R>,
): { readonly backend: ModelBackend<R>; readonly recording: () => Recording } => {
  const calls: RecordedCall[] = [];
  return {
    recording: () => ({ format: RECORDING_FORMAT, model: backend.describe(), calls: [...calls] }),
    backend: keepingCalls(backend, (call) => Effect.sync(() => void calls.push(call))),
  };
};

const SETTINGS = ["system", "maxTokens", "seed", "temperature", "stop"] as const;

/** In what two requests differ, without a word of either. */
const differencesOf = (asked: ModelRequest, recorded: ModelRequest): string => {
  const differing = SETTINGS.filter((name) =>
    canonicalJson((asked[name] ?? null) as Json) !== canonicalJson((recorded[name] ?? null) as Json)
  ).map((name) => `its ${name} is another`);
  let at = 0;
  while (at < asked.prompt.length && asked.prompt[at] === recorded.prompt[at]) at++;
  const same = asked.prompt === recorded.prompt;
  return [...(same ? [] : [`its prompt is another from character ${at} on`]), ...differing].join(", ");
};

/** Why a request cannot be played back: the recording that is nearest to it, and how it differs. */
const missed = (request: ModelRequest, calls: ReadonlyArray<RecordedCall>, times: number): ModelTrouble => {
  if (times > 0) return trouble("refused", `this request was recorded ${times} times, and is asked once more`);
  if (calls.length === 0) return trouble("refused", "the recording is empty");
  const asked = vectorOf(request.prompt);
  const nearest = calls
    .map((call, index) => ({ call, index, near: cosine(asked, vectorOf(call.request.prompt)) }))
    .reduce((best, one) => one.near > best.near ? one : best);
  return trouble(
    "refused",
    `this request was not recorded; the nearest is call ${nearest.index} (${nearest.call.key.slice(0, 15)}…): ` +
      differencesOf(request, nearest.call.request),
  );
};

/** A model that plays a recording back. It is described as the recorded one was, so that it is chosen alike. */
export const recordedModel = (recording: Recording): ModelBackend => {
  const played = new Map<Digest, number>();
  const next = (asked: ModelRequest): Effect.Effect<RecordedCall, ModelTrouble> =>
    Effect.suspend(() => {
      const request = redacted(asked);
      const key = keyOf(request);
      const calls = recording.calls.filter((call) => call.key === key);
      const times = played.get(key) ?? 0;
      if (times >= calls.length) return Effect.fail(missed(request, recording.calls, calls.length));
      played.set(key, times + 1);
      return Effect.succeed(calls[times]);
    });
  const { model } = recording;
  return {
    describe: () => ({
      ...model,
      kind: "recording",
      capabilities: { ...model.capabilities, deterministic: true },
      notes: [...model.notes, `Answers of this ${model.kind} model are played back from a recording.`],
    }),
    generate: (request) =>
      Effect.flatMap(
        next(request),
        ({ answer, trouble }) => answer === undefined ? Effect.fail(trouble!) : Effect.succeed(answer),
      ),
    stream: (request) =>
      Stream.unwrap(Effect.map(next(request), ({ pieces, answer, trouble }) => {
        const events = Stream.fromIterable(pieces.map((text) => ({ type: "piece" as const, text })));
        const end = answer === undefined ? Stream.fail(trouble!) : Stream.succeed({ type: "answer" as const, answer });
        return Stream.concat(events, end);
      })),
  };
};

/** A recording as text. */
export const writeRecording = (recording: Recording): string => canonicalJson(recording as unknown as Json);

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const KINDS = ["heuristic", "language", "command", "http", "onnx", "recording"] as const;
const Kind = Schema.Literals(KINDS);

const RecordingSchema = Schema.Struct({
  format: Schema.Literal(RECORDING_FORMAT),
  model: Schema.Struct({
    id: Schema.NonEmptyString,
    kind: Kind,
    locality: Schema.Literals(["process", "machine", "network"]),
    quality: Schema.Finite,
    cost: Schema.Finite,
    window: Count,
    latencyMs: Schema.Finite,
    capabilities: Schema.Struct({
      streaming: Schema.Boolean,
      deterministic: Schema.Boolean,
      countsTokens: Schema.Boolean,
      cacheBlocks: Schema.Boolean,
    }),
    notes: Schema.Array(Schema.String),
  }),
  calls: Schema.Array(Schema.Struct({
    key: Schema.String,
    request: Schema.Struct({
      prompt: Schema.String,
      system: Schema.optionalKey(Schema.String),
      maxTokens: Count,
      seed: Schema.Finite,
      temperature: Schema.Finite,
      stop: Schema.optionalKey(Schema.Array(Schema.String)),
    }),
    pieces: Schema.Array(Schema.String),
    answer: Schema.optionalKey(Schema.Struct({
      text: Schema.String,
      model: Schema.String,
      kind: Kind,
      finish: Schema.Literals(["stop", "length"]),
      usage: Schema.Struct({ input: Count, output: Count, counted: Schema.Boolean }),
    })),
    trouble: Schema.optionalKey(Schema.Struct({
      fault: Schema.Literals([
        "timeout",
        "overloaded",
        "unavailable",
        "garbage",
        "too-long",
        "refused",
        "unauthorised",
        "interrupted",
      ]),
      reason: Schema.String,
      retryAfterMs: Schema.optionalKey(Schema.Finite),
    })),
  })),
});

const decodeRecording = Schema.decodeUnknownResult(Schema.fromJsonString(RecordingSchema));

/** Reads a recording; throws `NORION_MODELS` where it is none, or a call is not what its digest says. */
export const readRecording = (text: string): Recording => {
  const read = decodeRecording(text, { onExcessProperty: "error" });
  if (Result.isFailure(read)) {
    throw badModel({ what: "the recording", reason: saidBy(read.failure), path: placesOf(read.failure)[0] });
  }
  const recording = read.success as unknown as Recording;
  recording.calls.forEach((call, index) => {
    const path = `/calls/${index}`;
    if (call.key !== keyOf(call.request)) {
      throw badModel({ what: "the recording", reason: `call ${index} is not what its digest says`, path });
    }
    if ((call.answer === undefined) === (call.trouble === undefined)) {
      throw badModel({ what: "the recording", reason: `call ${index} needs an answer or trouble, not both`, path });
    }
  });
  return recording;
};
