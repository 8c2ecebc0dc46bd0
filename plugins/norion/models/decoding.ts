/**
 * Decoding: text from a model of the next byte: drawing tokens, putting bytes together to text, and where to end.
 *
 * Not a model: whatever gives scores for the next token after some tokens can stand behind it.
 * Invariant: the same scores and seed give the same text; no piece is half a character or part of a stop; the window is
 * never exceeded.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import { type Random, random } from "../../../kernel/mod.ts";
import type {
  ModelAnswer,
  ModelBackend,
  ModelDescription,
  ModelEvent,
  ModelRequest,
  ModelTrouble,
  SharedBeginning,
} from "../contract.ts";
import { finished, tooLong, trouble } from "./finished.ts";

/** Tokens of one byte each; numbers beyond are marks of the model's own. */
export const BYTES = 256;

/** Most bytes that one of norion's estimated tokens stands for: two characters of four bytes. */
const BYTES_A_TOKEN = 8;

/** Tokens, as norion estimates them, that surely fit into some bytes. */
export const tokensWithin = (bytes: number): number => Math.max(1, Math.floor(bytes / BYTES_A_TOKEN));

/** What became of a beginning. */
export interface Begun {
  /** Tokens that are behind now. */
  readonly read: number;
  /** Those of them that were not read again. */
  readonly kept: number;
}

/** One text being read and written by a model. */
export interface Reading<R> {
  /** Begins with tokens that other texts begin with, too, as many of them as may be kept; absent where nothing is kept. */
  readonly begin?: (
    tokens: ReadonlyArray<number>,
    shared: SharedBeginning,
  ) => Effect.Effect<Begun, ModelTrouble, R>;
  /** Takes tokens in and gives the scores of the token after them, one a token of the vocabulary. */
  readonly next: (tokens: ReadonlyArray<number>) => Effect.Effect<Float32Array, ModelTrouble, R>;
}

/** A model of the next byte. */
export interface ByteModel<R> {
  /** How it is declared. */
  readonly description: ModelDescription;
  /** Bytes of a text, read and written together, that it can hold. */
  readonly bytes: number;
  /** A mark that ends a text, where the model has one. */
  readonly end?: number;
  /** A mark that begins a text, where the model wants one. */
  readonly begin?: number;
  /** Begins a text; what it holds is freed with the scope. */
  readonly open: Effect.Effect<Reading<R>, ModelTrouble, R | Scope.Scope>;
}

/** The likeliest of the tokens that may come; the first of equals. */
const likeliest = (scores: Float32Array, allowed: (token: number) => boolean): number => {
  let best = -1;
  for (let token = 0; token < scores.length; token++) {
    if (allowed(token) && (best < 0 || scores[token] > scores[best])) best = token;
  }
  return best;
};

/** A token by the softmax of its score over a temperature. */
const drawn = (
  scores: Float32Array,
  allowed: (token: number) => boolean,
  temperature: number,
  draw: Random,
): number => {
  const top = scores[likeliest(scores, allowed)];
  let sum = 0;
  const weights = Float64Array.from(scores, (score, token) => {
    const weight = allowed(token) ? Math.exp((score - top) / temperature) : 0;
    sum += weight;
    return weight;
  });
  let left = draw.float() * sum;
  let last = 0;
  for (let token = 0; token < weights.length; token++) {
    if (weights[token] === 0) continue;
    last = token;
    left -= weights[token];
    if (left < 0) return token;
  }
  return last;
};

/** How much of a text's end could be the beginning of a stop. */
const heldBack = (text: string, stops: ReadonlyArray<string>): number => {
  let held = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > held; length--) {
      if (text.endsWith(stop.slice(0, length))) held = length;
    }
  }
  return held;
};

/** Text as it grows, byte by byte. */
class Growing {
  private readonly decoder = new TextDecoder();
  private waiting = "";
  text = "";
  stopped = false;

  constructor(private readonly stops: ReadonlyArray<string>) {}

  /** Takes a byte; what can be said now. */
  take(byte: number): string {
    return this.settle(this.decoder.decode(Uint8Array.of(byte), { stream: true }), false);
  }

  /** What is left to say at the end. */
  close(): string {
    return this.stopped ? "" : this.settle(this.decoder.decode(), true);
  }

  private settle(more: string, last: boolean): string {
    this.waiting += more;
    const at = this.stops.map((stop) => this.waiting.indexOf(stop)).filter((place) => place >= 0);
    this.stopped = at.length > 0;
    const end = this.stopped ? Math.min(...at) : this.waiting.length - (last ? 0 : heldBack(this.waiting, this.stops));
    const said = this.waiting.slice(0, end);
    this.waiting = this.waiting.slice(end);
    this.text += said;
    return said;
  }
}

const tokensOf = <R>(
  { begin }: ByteModel<R>,
  { system, prompt }: Pick<ModelRequest, "system" | "prompt">,
): ReadonlyArray<number> => [
  ...(begin === undefined ? [] : [begin]),
  ...new TextEncoder().encode(system === undefined || system === "" ? prompt : `${system}\n\n${prompt}`),
];

const NOT_BEGUN: Begun = { read: 0, kept: 0 };

/** Begins with what the text shares with others, where the model keeps anything; the last token is always read. */
const beginning = <R>(
  model: ByteModel<R>,
  reading: Reading<R>,
  request: ModelRequest,
  tokens: ReadonlyArray<number>,
): Effect.Effect<Begun, ModelTrouble, R> => {
  const { shared } = request;
  if (shared === undefined || reading.begin === undefined) return Effect.succeed(NOT_BEGUN);
  const prompt = request.prompt.slice(0, shared.characters);
  const { length } = tokensOf(model, { ...request, prompt });
  return reading.begin(tokens.slice(0, Math.min(length, tokens.length - 1)), shared);
};

interface Step {
  readonly pending: ReadonlyArray<number>;
  readonly read: number;
  readonly written: number;
}

const generating = <R>(model: ByteModel<R>, request: ModelRequest): Stream.Stream<ModelEvent, ModelTrouble, R> =>
  Stream.unwrap(Effect.gen(function* () {
    const { bytes: window, end } = model;
    const tokens = tokensOf(model, request);
    if (tokens.length === 0) return yield* Effect.fail(trouble("refused", "there is nothing to go on from"));
    if (tokens.length >= window) return yield* Effect.fail(tooLong(tokens.length, window));
    const reading = yield* model.open;
    const begun = yield* beginning(model, reading, request, tokens);
    const draw = random(request.seed);
    const growing = new Growing((request.stop ?? []).filter((stop) => stop !== ""));
    const allowed = (token: number): boolean => token < BYTES || token === end;
    let finish: ModelAnswer["finish"] = "length";
    let written = 0;
    const pieces = Stream.unfold<Step, string, ModelTrouble, R>(
      { pending: tokens.slice(begun.read), read: begun.read, written: 0 },
      (step) =>
        Effect.gen(function* () {
          const read = step.read + step.pending.length;
          if (step.pending.length === 0 || step.written >= request.maxTokens || read > window) return undefined;
          const scores = yield* reading.next(step.pending);
          const token = request.temperature > 0
            ? drawn(scores, allowed, request.temperature, draw)
            : likeliest(scores, allowed);
          // One token is short work; whoever waits gets a turn after each.
          yield* Effect.yieldNow;
          const said = token < BYTES ? growing.take(token) : "";
          written = step.written + 1;
          if (token >= BYTES || growing.stopped) {
            finish = "stop";
            return [said, { pending: [], read, written }];
          }
          return [said, { pending: [token], read, written }];
        }),
    );
    const told = pieces.pipe(
      Stream.concat(Stream.unwrap(Effect.sync(() => Stream.succeed(growing.close())))),
      Stream.filter((text) => text !== ""),
      Stream.map((text): ModelEvent => ({ type: "piece", text })),
    );
    const answer = Effect.suspend(() =>
      finished(model.description, request, {
        text: growing.text,
        finish,
        counted: { input: tokens.length, output: written, ...(begun.kept === 0 ? {} : { kept: begun.kept }) },
      })
    );
    return Stream.concat(
      told,
      Stream.fromEffect(Effect.map(answer, (answer): ModelEvent => ({ type: "answer", answer }))),
    );
  }));

/** A model of the next byte as a model that answers. */
export const byteModel = <R>(model: ByteModel<R>): ModelBackend<R> => ({
  describe: () => model.description,
  stream: (request) => generating(model, request),
  generate: (request) =>
    Effect.flatMap(
      Stream.runFold(generating(model, request), (): ModelAnswer | undefined =>
        undefined, (last, event) =>
        event.type === "answer" ? event.answer : last),
      (answer) =>
        answer === undefined
          ? Effect.fail(trouble("garbage", "the text ended without an answer"))
          : Effect.succeed(answer),
    ),
});
