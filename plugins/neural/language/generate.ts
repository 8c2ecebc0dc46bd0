/**
 * Generate: text as a model writes it, byte by byte.
 *
 * Invariant: the same model, prompt, options and seed give the same bytes on the same backend.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { turn } from "../../../kernel/slices.ts";
import { random } from "../../../kernel/random.ts";
import type { BackendsFailure } from "../../backends/library.ts";
import { attemptEffect, badSetting, type NeuralFailure } from "../failures.ts";
import type { Writer } from "./writer.ts";

/** How bytes are chosen. */
export interface GenerateOptions {
  /** Most bytes written. */
  readonly tokens: number;
  /** Evens out the probabilities above 1, sharpens them below; at 0 the likeliest byte is taken. Default 1. */
  readonly temperature?: number;
  /** Chooses among so many likeliest bytes; among all where absent. */
  readonly topK?: number;
  /** Chooses among the likeliest bytes that together have this share; among all where absent. */
  readonly topP?: number;
  /** What choices come from. Default 0. */
  readonly seed?: number | string;
  /** Ends after this text was written. */
  readonly stop?: string;
}

/** Most bytes of one answer. */
export const MAX_GENERATED = 1_000_000;

const BYTES = 256;

type Bound = readonly [name: keyof GenerateOptions, holds: (value: number) => boolean, takes: string];

const BOUNDS: ReadonlyArray<Bound> = [
  ["tokens", (n) => Number.isInteger(n) && n >= 0 && n <= MAX_GENERATED, `a whole number up to ${MAX_GENERATED}`],
  ["temperature", (t) => Number.isFinite(t) && t >= 0, "a number from 0 on"],
  ["topK", (k) => Number.isInteger(k) && k >= 1 && k <= BYTES, `a whole number from 1 to ${BYTES}`],
  ["topP", (p) => p > 0 && p <= 1, "a share above 0 and up to 1"],
];

const checked = (options: GenerateOptions): void => {
  for (const [name, holds, takes] of BOUNDS) {
    const value = options[name];
    if (value === undefined || (typeof value === "number" && holds(value))) continue;
    throw badSetting({
      what: `${String(value)} for ${name}`,
      reason: `it takes ${takes}`,
      path: `/${name}`,
      expected: takes,
      actual: String(value),
    });
  }
};

/** The bytes that are chosen among, with their weights, the likeliest first; equal ones in their order. */
const candidates = (
  probabilities: Float64Array,
  { temperature = 1, topK = BYTES, topP = 1 }: GenerateOptions,
): ReadonlyArray<readonly [byte: number, weight: number]> => {
  const order = Array.from(probabilities, (_, byte) => byte).sort((a, b) =>
    probabilities[b] - probabilities[a] || a - b
  );
  if (temperature === 0) return [[order[0], 1]];
  const best = probabilities[order[0]];
  // Divided by the best first, so that no power of it vanishes.
  const weights = order.slice(0, topK).map((byte) =>
    [byte, (probabilities[byte] / best) ** (1 / temperature)] as const
  );
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  let share = 0;
  const last = weights.findIndex(([, weight]) => (share += weight / sum) >= topP);
  return last < 0 ? weights : weights.slice(0, last + 1);
};

/** Chooses a byte by a number from 0 to below 1. */
export const chooseByte = (probabilities: Float64Array, options: GenerateOptions, draw: number): number => {
  const among = candidates(probabilities, options);
  let left = draw * among.reduce((total, [, weight]) => total + weight, 0);
  for (const [byte, weight] of among) {
    left -= weight;
    if (left < 0) return byte;
  }
  return among[among.length - 1][0];
};

const endsWith = (written: ReadonlyArray<number>, stop: Uint8Array): boolean =>
  stop.length > 0 && written.length >= stop.length &&
  stop.every((byte, i) => byte === written[written.length - stop.length + i]);

/** Writes on after a prompt; every byte as it is chosen. Fails with `NEURAL_SETTING` on options out of their bounds. */
export const generate = (
  writer: Writer,
  prompt: string | Uint8Array,
  options: GenerateOptions,
): Stream.Stream<number, BackendsFailure | NeuralFailure> => {
  const encoder = new TextEncoder();
  const beginning = Effect.gen(function* () {
    yield* attemptEffect(() => checked(options));
    yield* writer.reset;
    yield* writer.read(typeof prompt === "string" ? encoder.encode(prompt) : prompt);
    const draws = random(`generate/${options.seed ?? 0}`);
    const stop = encoder.encode(options.stop ?? "");
    const written: number[] = [];
    return Stream.unfold(undefined, () =>
      Effect.gen(function* () {
        if (written.length >= options.tokens || endsWith(written, stop)) return undefined;
        const byte = chooseByte(yield* writer.next, options, draws.float());
        written.push(byte);
        yield* writer.read(Uint8Array.of(byte));
        yield* turn;
        return [byte, undefined] as const;
      }));
  });
  return Stream.unwrap(beginning);
};

/** Bytes as text, as soon as a character is whole; what is no character becomes U+FFFD. */
export const asText = <E, R>(bytes: Stream.Stream<number, E, R>): Stream.Stream<string, E, R> =>
  Stream.suspend(() => {
    const decoder = new TextDecoder();
    const pieces = Stream.map(bytes, (byte) => decoder.decode(Uint8Array.of(byte), { stream: true }));
    const end = Stream.suspend(() => Stream.succeed(decoder.decode()));
    return Stream.filter(Stream.concat(pieces, end), (text) => text !== "");
  });
