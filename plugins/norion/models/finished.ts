/**
 * Finished: what every backend does at the end of a call: it checks the text, labels it and counts its tokens.
 *
 * Invariant: an answer is never empty and always says what kind of thing gave it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type {
  ModelAnswer,
  ModelBackend,
  ModelDescription,
  ModelEvent,
  ModelFault,
  ModelRequest,
  ModelTrouble,
} from "../contract.ts";
import { estimateTokens } from "../text.ts";

/** Trouble of one kind. */
export const trouble = (fault: ModelFault, reason: string, retryAfterMs?: number): ModelTrouble => ({
  fault,
  reason,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});

/** What a backend knows at the end of a call. */
export interface Ending {
  /** The text. */
  readonly text: string;
  /** Why it ended; `stop` where absent. */
  readonly finish?: ModelAnswer["finish"];
  /** Tokens, where the backend counted them. */
  readonly counted?: { readonly input: number; readonly output: number; readonly kept?: number };
}

/** Tokens that a request is estimated to hold. */
export const inputTokens = ({ prompt, system = "" }: ModelRequest): number =>
  estimateTokens(system) + estimateTokens(prompt);

/** An answer of a backend, or the trouble that its text is empty. */
export const finished = (
  { id, kind }: ModelDescription,
  request: ModelRequest,
  { text, finish = "stop", counted }: Ending,
): Effect.Effect<ModelAnswer, ModelTrouble> => {
  if (text.trim() === "") return Effect.fail(trouble("garbage", "the answer is empty"));
  const usage = counted === undefined
    ? { input: inputTokens(request), output: estimateTokens(text), counted: false }
    : { ...counted, counted: true };
  return Effect.succeed({ text, model: id, kind, finish, usage });
};

/** The request cannot be read whole: what every backend says of it. */
export const tooLong = (tokens: number, window: number): ModelTrouble =>
  trouble("too-long", `the request has ${tokens} tokens, the model reads ${window}`);

/** A text up to the first of some stops. */
export const untilStop = (text: string, stops: ReadonlyArray<string> = []): string => {
  const places = stops.filter((stop) => stop !== "").map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
  return places.length === 0 ? text : text.slice(0, Math.min(...places));
};

/** A backend that gives its whole answer as one piece. */
export const inOnePiece = <R>({ describe, generate }: Pick<ModelBackend<R>, "describe" | "generate">): ModelBackend<
  R
> => ({
  describe,
  generate,
  stream: (request) =>
    Stream.fromEffect(generate(request)).pipe(
      Stream.flatMap((answer): Stream.Stream<ModelEvent> =>
        Stream.make<ReadonlyArray<ModelEvent>>({ type: "piece", text: answer.text }, { type: "answer", answer })
      ),
    ),
});
