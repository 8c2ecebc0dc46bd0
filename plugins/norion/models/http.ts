/**
 * HTTP: a model behind the chat completions protocol of OpenAI, which llama.cpp, Ollama, vLLM and most others speak.
 *
 * Not a client of any one vendor: what is sent is the part of the protocol they share.
 * Invariant: nothing a server says is trusted: a reply that is cut, too large or not what the protocol promises is
 * trouble with a fault, and nothing of a reply but a one-word code, and nothing of the request, stands in its reason.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { type Cap, isJsonObject, type JsonObject, using } from "../../../kernel/mod.ts";
import type {
  ModelAnswer,
  ModelBackend,
  ModelDescription,
  ModelEvent,
  ModelFault,
  ModelRequest,
  ModelTrouble,
} from "../contract.ts";
import { type Reply, sendJson } from "../platform/exchange.ts";
import { readVariable } from "../platform/variables.ts";
import { type Ending, finished, inputTokens, tooLong, trouble } from "./finished.ts";

/** Where and what a server is. */
export interface HttpModel {
  /** How it is declared; its kind is `http`. */
  readonly description: ModelDescription;
  /** The address that `/chat/completions` is appended to, such as `http://127.0.0.1:8080/v1`. */
  readonly url: string;
  /** The server's own name of the model. */
  readonly model: string;
  /** The variable of the environment that holds the key, where one is needed. */
  readonly keyVariable?: string;
}

/** What calls of a server use. */
export type HttpNeeds = Cap<"network"> | Cap<"env">;

/** Largest reply, bytes. */
export const MAX_REPLY_BYTES = 16_777_216;

/** What a status means, where it is not a success; others in the four hundreds are a server that cannot do this. */
const FAULT_OF_STATUS: { readonly [status: number]: ModelFault } = {
  401: "unauthorised",
  403: "unauthorised",
  408: "timeout",
  413: "too-long",
  425: "overloaded",
  429: "overloaded",
  451: "refused",
  500: "overloaded",
  502: "overloaded",
  503: "overloaded",
  504: "timeout",
  529: "overloaded",
};

/** What servers call an input beyond the window. */
const TOO_LONG = /context_length|context_window|exceed_context|too_long/u;

/** A code that may stand in a reason: a word of the protocol, never a sentence. */
const CODE = /^[A-Za-z0-9_.-]{1,64}$/u;

const codeOf = (body: unknown): string | undefined => {
  const error = isJsonObject(body) ? body.error : undefined;
  const codes = isJsonObject(error) ? [error.code, error.type] : [];
  return codes.find((code): code is string => typeof code === "string" && CODE.test(code));
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** How long a server asks to be left alone. A date is measured by the server's own clock. */
const retryAfterMs = ({ header }: Reply): number | undefined => {
  const asked = header("retry-after");
  if (asked === undefined) return undefined;
  if (/^\d{1,9}$/u.test(asked)) return Number(asked) * 1000;
  const wait = Date.parse(asked) - Date.parse(header("date") ?? "");
  return Number.isFinite(wait) ? Math.max(0, wait) : undefined;
};

const broken = (cause: unknown): ModelTrouble =>
  trouble("garbage", `the reply broke off (${cause instanceof Error ? cause.name : "unknown"})`);

/** The bytes of a reply, as text, up to the limit. */
const textPieces = (reply: Reply): Stream.Stream<string, ModelTrouble> => {
  let bytes = 0;
  return Stream.fromReadableStream<Uint8Array, ModelTrouble>({ evaluate: () => reply.body, onError: broken }).pipe(
    Stream.mapEffect((piece) => {
      bytes += piece.length;
      return bytes > MAX_REPLY_BYTES
        ? Effect.fail(trouble("garbage", `the reply is larger than ${MAX_REPLY_BYTES} bytes`))
        : Effect.succeed(piece);
    }),
    Stream.decodeText,
  );
};

const wholeBody = (reply: Reply): Effect.Effect<unknown, ModelTrouble> =>
  Effect.map(Stream.runCollect(textPieces(reply)), (pieces) => parsed(pieces.join("")));

const refusalOf = (reply: Reply): Effect.Effect<never, ModelTrouble> =>
  Effect.gen(function* () {
    const code = codeOf(yield* Effect.catch(wholeBody(reply), () => Effect.undefined));
    const fault = code !== undefined && TOO_LONG.test(code) ? "too-long" : FAULT_OF_STATUS[reply.status];
    const reason = `status ${reply.status}${code === undefined ? "" : ` (${code})`}`;
    return yield* Effect.fail(trouble(fault ?? "unavailable", reason, retryAfterMs(reply)));
  });

const bodyOf = ({ model }: HttpModel, request: ModelRequest, stream: boolean): JsonObject => ({
  model,
  messages: [
    ...(request.system === undefined ? [] : [{ role: "system", content: request.system }]),
    { role: "user", content: request.prompt },
  ],
  max_tokens: request.maxTokens,
  temperature: request.temperature,
  seed: request.seed,
  ...(request.stop === undefined || request.stop.length === 0 ? {} : { stop: request.stop }),
  stream,
  ...(stream ? { stream_options: { include_usage: true } } : {}),
});

const denied = (failure: { readonly message: string }): ModelTrouble => trouble("unauthorised", failure.message);

const keyOf = ({ keyVariable }: HttpModel): Effect.Effect<string | undefined, ModelTrouble, Cap<"env">> => {
  if (keyVariable === undefined) return Effect.undefined;
  return using("env", keyVariable, Effect.sync(() => readVariable(keyVariable))).pipe(
    Effect.mapError(denied),
    Effect.flatMap((key) =>
      key === undefined || key === ""
        ? Effect.fail(trouble("unauthorised", `the variable ${keyVariable}, which holds the key, is not set`))
        : Effect.succeed(key)
    ),
  );
};

/** Sends a request; the reply is a success whose body has not been read. */
const opened = (at: HttpModel, request: ModelRequest, stream: boolean) =>
  Effect.gen(function* () {
    const { window } = at.description;
    const tokens = inputTokens(request);
    if (tokens > window) return yield* Effect.fail(tooLong(tokens, window));
    const key = yield* keyOf(at);
    const reply = yield* using(
      "network",
      new URL(at.url).host,
      Effect.mapError(
        sendJson(
          `${at.url.replace(/\/+$/u, "")}/chat/completions`,
          key === undefined ? {} : { authorization: `Bearer ${key}` },
          bodyOf(at, request, stream),
        ),
        (cause) => trouble("unavailable", `no reply (${cause.split(":", 1)[0]})`),
      ),
    ).pipe(Effect.mapError((cause) => "fault" in cause ? cause : denied(cause)));
    return reply.status === 200 ? reply : yield* refusalOf(reply);
  });

const firstChoice = (body: unknown): JsonObject | undefined => {
  const choices = isJsonObject(body) ? body.choices : undefined;
  return Array.isArray(choices) && isJsonObject(choices[0]) ? choices[0] : undefined;
};

const count = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const countedIn = (body: unknown): Ending["counted"] => {
  const usage = isJsonObject(body) ? body.usage : undefined;
  if (!isJsonObject(usage)) return undefined;
  const [input, output] = [count(usage.prompt_tokens), count(usage.completion_tokens)];
  return input === undefined || output === undefined ? undefined : { input, output };
};

/** Why a server says it ended. */
const FINISHES: { readonly [reason: string]: ModelAnswer["finish"] | "refused" } = {
  stop: "stop",
  eos: "stop",
  length: "length",
  content_filter: "refused",
};

const ended = (
  at: HttpModel,
  request: ModelRequest,
  made: { readonly text: string; readonly reason: unknown; readonly refused: boolean; counted?: Ending["counted"] },
): Effect.Effect<ModelAnswer, ModelTrouble> => {
  const finish = typeof made.reason === "string" && Object.hasOwn(FINISHES, made.reason)
    ? FINISHES[made.reason]
    : undefined;
  if (made.refused || finish === "refused") return Effect.fail(trouble("refused", "the model refuses to answer"));
  if (finish === undefined) return Effect.fail(trouble("garbage", "the answer was cut: it has no end"));
  return finished(at.description, request, {
    text: made.text,
    finish,
    ...(made.counted === undefined ? {} : { counted: made.counted }),
  });
};

const isRefusal = (message: unknown): boolean =>
  isJsonObject(message) && typeof message.refusal === "string" && message.refusal !== "";

const wholeAnswer = (at: HttpModel, request: ModelRequest, body: unknown): Effect.Effect<ModelAnswer, ModelTrouble> => {
  const choice = firstChoice(body);
  const message = choice?.message;
  const refused = isRefusal(message);
  if (choice === undefined || !isJsonObject(message) || !(refused || typeof message.content === "string")) {
    return Effect.fail(trouble("garbage", "the reply is no chat completion"));
  }
  return ended(at, request, {
    text: String(message.content ?? ""),
    reason: choice.finish_reason,
    refused,
    counted: countedIn(body),
  });
};

/** What the events of a stream add up to. */
interface Heard {
  text: string;
  reason: unknown;
  refused: boolean;
  counted: Ending["counted"];
}

const DATA = /^data: ?(.*)$/u;
const END = "[DONE]";

/** One line of a stream: the text it brings, `undefined` for lines without text. */
const hearLine = (line: string, heard: Heard): Effect.Effect<string | undefined, ModelTrouble> => {
  const data = DATA.exec(line)?.[1];
  if (data === undefined || data === END) return Effect.undefined;
  const body = parsed(data);
  if (!isJsonObject(body)) return Effect.fail(trouble("garbage", "an event of the stream is not JSON"));
  if (body.error !== undefined) {
    const code = codeOf(body);
    return Effect.fail(trouble("overloaded", `the server broke off${code === undefined ? "" : ` (${code})`}`));
  }
  heard.counted = countedIn(body) ?? heard.counted;
  const choice = firstChoice(body);
  if (choice === undefined) return Effect.undefined;
  heard.reason = choice.finish_reason ?? heard.reason;
  heard.refused ||= isRefusal(choice.delta);
  const content = isJsonObject(choice.delta) ? choice.delta.content : undefined;
  if (typeof content !== "string" || content === "") return Effect.undefined;
  heard.text += content;
  return Effect.succeed(content);
};

const eventsOf = (at: HttpModel, request: ModelRequest, reply: Reply): Stream.Stream<ModelEvent, ModelTrouble> => {
  const heard: Heard = { text: "", reason: undefined, refused: false, counted: undefined };
  const pieces = textPieces(reply).pipe(
    Stream.splitLines,
    Stream.mapEffect((line) => hearLine(line, heard)),
    Stream.flatMap((text): Stream.Stream<ModelEvent> =>
      text === undefined ? Stream.empty : Stream.succeed({ type: "piece", text })
    ),
  );
  const answer = Stream.fromEffect(Effect.suspend(() => ended(at, request, heard)));
  return Stream.concat(pieces, Stream.map(answer, (answer): ModelEvent => ({ type: "answer", answer })));
};

/** A model behind a server. */
export const httpModel = (at: HttpModel): ModelBackend<HttpNeeds> => ({
  describe: () => at.description,
  generate: (request) =>
    Effect.scoped(
      Effect.flatMap(
        opened(at, request, false),
        (reply) => Effect.flatMap(wholeBody(reply), (body) => wholeAnswer(at, request, body)),
      ),
    ),
  stream: (request) => Stream.unwrap(Effect.map(opened(at, request, true), (reply) => eventsOf(at, request, reply))),
});
