/**
 * Writer: a language model on a device, going through one text after another: what it makes of the place after the last
 * byte, and what every byte of a text costs.
 *
 * Not a sampler (generate.ts). What attention looks back at stays on the device; texts are read in pieces, and written
 * byte by byte.
 * Invariant: what a place is given depends on the bytes of its own text before it and on nothing else, however the text
 * was read. One writer goes through one text at a time.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { turn } from "../../../kernel/slices.ts";
import type { BackendsFailure, CompileOptions, Executable } from "../../backends/library.ts";
import type { Tensor } from "../../ir/contract.ts";
import { scalar, tensorOf, zeros } from "../../ir/library.ts";
import { resident } from "../network.ts";
import type { Engine, Values } from "../stepper.ts";
import { attemptEffect, type NeuralFailure } from "../failures.ts";
import { ContextReader } from "./contexts.ts";
import { keptOf, type KeptText, tensorsOf } from "./kept.ts";
import { codesOf, type LanguageShape, MAX_PIECE, readingNetwork, symbolsOf } from "./shape.ts";

/** What a writer is made of: a shape, and the tensors of it by path. */
export interface Written {
  /** What the model is made of. */
  readonly shape: LanguageShape;
  /** Its learned tensors. */
  readonly values: Values;
}

/** Bits that a text costs. */
export interface TextCost {
  /** Their sum. */
  readonly bits: number;
  /** Bytes of the text. */
  readonly bytes: number;
}

/** A language model on a device. */
export interface Writer {
  /** What is kept of the text so far: with it, the text need not be read again. */
  readonly keep: Effect.Effect<KeptText, BackendsFailure>;
  /** Goes on from a text of which this was kept, as if it had just been read; fails with `NEURAL_SETTING` where it is not of it. */
  readonly resume: (text: Uint8Array, kept: KeptText) => Effect.Effect<void, BackendsFailure | NeuralFailure>;
  /** A new text begins. */
  readonly reset: Effect.Effect<void, BackendsFailure>;
  /** Reads bytes after those before. */
  readonly read: (bytes: Uint8Array) => Effect.Effect<void, BackendsFailure>;
  /** Probabilities of the 256 bytes after the last one. */
  readonly next: Effect.Effect<Float64Array, BackendsFailure>;
  /** Begins a new text and gives what it costs, byte by byte, each from those before it. */
  readonly cost: (text: Uint8Array) => Effect.Effect<TextCost, BackendsFailure>;
}

/** A network that reads pieces of one length. */
interface Reading {
  readonly piece: number;
  /** Gives the scores of the places of a piece. */
  readonly step: (rows: Int32Array<ArrayBuffer>) => Effect.Effect<Float32Array, BackendsFailure>;
  readonly kept: Effect.Effect<ReadonlyArray<Tensor>, BackendsFailure>;
  readonly keep: (tensors: ReadonlyArray<Tensor>) => Effect.Effect<void, BackendsFailure>;
  /** The name of each kept tensor. */
  readonly names: ReadonlyArray<string>;
  /** What is kept before a text begins. */
  readonly nothing: ReadonlyArray<Tensor>;
}

const readingOf = (
  engine: Engine,
  { shape, values }: Written,
  piece: number,
  options: Pick<CompileOptions, "numerics" | "threads">,
): Effect.Effect<Reading, BackendsFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const network = readingNetwork(shape, piece);
    const { program, state } = resident(network);
    const executable: Executable = yield* engine.compile(program, { ...options, state });
    const count = network.parameters.length;
    yield* Effect.forEach(network.parameters, ({ path }, i) => executable.write(i, values.get(path)!), {
      discard: true,
    });
    const seed = scalar("i64", 0n);
    const type = [1, piece, shape.contexts.length];
    return {
      piece,
      step: (rows) =>
        Effect.map(executable.step([seed, tensorOf("i32", type, rows)]), ([scores]) => scores.data as Float32Array),
      kept: Effect.forEach(network.state, (_, i) => executable.read(count + i)),
      keep: (tensors) => Effect.forEach(tensors, (tensor, i) => executable.write(count + i, tensor), { discard: true }),
      names: network.state.map(({ path }) => path.slice(path.lastIndexOf("/") + 1)),
      nothing: network.state.map(({ type: { dtype, shape: sizes } }) => zeros(dtype, sizes)),
    } satisfies Reading;
  });

/** Writes the probabilities of the symbols of a place. */
const shares = (scores: Float32Array, from: number, into: Float64Array): void => {
  let most = -Infinity;
  for (let i = 0; i < into.length; i++) most = Math.max(most, scores[from + i]);
  let sum = 0;
  for (let i = 0; i < into.length; i++) sum += into[i] = Math.exp(scores[from + i] - most);
  for (let i = 0; i < into.length; i++) into[i] /= sum;
};

/** A text in progress. */
class TextWriter implements Writer {
  private readonly reader: ContextReader;
  private readonly codes: Int32Array;
  private readonly tables: number;
  private readonly symbols: number;
  /** How many bytes share the last symbol. */
  private readonly rest: number;
  private readonly window: number;
  /** Bytes of the text so far. */
  private length = 0;
  /** Scores of the place after the last byte, where they are known. */
  private ahead: Float32Array | undefined;

  constructor(shape: LanguageShape, private readonly pieces: Reading, private readonly single: Reading) {
    this.reader = new ContextReader(shape.contexts);
    this.codes = codesOf(shape);
    this.tables = shape.contexts.length;
    this.symbols = symbolsOf(shape);
    this.rest = Math.max(1, 256 - shape.alphabet.length);
    this.window = shape.window;
  }

  get reset(): Effect.Effect<void, BackendsFailure> {
    return Effect.suspend(() => {
      this.reader.reset();
      this.length = 0;
      this.ahead = undefined;
      return this.single.keep(this.single.nothing);
    });
  }

  read(bytes: Uint8Array): Effect.Effect<void, BackendsFailure> {
    return Effect.gen({ self: this }, function* () {
      // The place of the first byte is behind already where its scores are known.
      const known = this.ahead === undefined ? 0 : Math.min(1, bytes.length);
      if (known === 1) this.took(bytes[0]);
      const rest = bytes.subarray(known);
      for (const byte of rest.subarray(yield* this.whole(rest))) {
        yield* this.scores;
        this.took(byte);
      }
    });
  }

  get keep(): Effect.Effect<KeptText, BackendsFailure> {
    return Effect.map(this.single.kept, (tensors) => {
      const kept = keptOf(this.single.names, tensors, this.window);
      return { ...kept, bytes: this.length, ...(this.ahead === undefined ? {} : { ahead: this.ahead.slice() }) };
    });
  }

  resume(text: Uint8Array, kept: KeptText): Effect.Effect<void, BackendsFailure | NeuralFailure> {
    return Effect.gen({ self: this }, function* () {
      const { names, nothing } = this.single;
      const tensors = yield* attemptEffect(() => tensorsOf(names, nothing, text, kept));
      yield* this.single.keep(tensors);
      this.reader.reset();
      for (const byte of text) this.reader.push(byte);
      this.length = text.length;
      this.ahead = kept.ahead?.slice();
    });
  }

  get next(): Effect.Effect<Float64Array, BackendsFailure> {
    return Effect.map(this.scores, (scores) => {
      const probabilities = new Float64Array(this.symbols);
      shares(scores, 0, probabilities);
      return Float64Array.from(this.codes, (code) => this.share(probabilities, code));
    });
  }

  cost(text: Uint8Array): Effect.Effect<TextCost, BackendsFailure> {
    return Effect.gen({ self: this }, function* () {
      yield* this.reset;
      yield* this.pieces.keep(this.pieces.nothing);
      const probabilities = new Float64Array(this.symbols);
      let bits = 0;
      for (let from = 0; from < text.length; from += MAX_PIECE) {
        const piece = text.subarray(from, from + MAX_PIECE);
        const scores = yield* this.pieces.step(this.rows(piece));
        piece.forEach((byte, i) => {
          shares(scores, i * this.symbols, probabilities);
          bits -= Math.log2(this.share(probabilities, this.codes[byte]));
        });
        yield* turn;
      }
      yield* this.reset;
      return { bits, bytes: text.length };
    });
  }

  /** Scores of the place after the last byte. */
  private get scores(): Effect.Effect<Float32Array, BackendsFailure> {
    return Effect.suspend(() => {
      if (this.ahead !== undefined) return Effect.succeed(this.ahead);
      const rows = new Int32Array(this.tables);
      this.reader.write(rows, 0);
      return Effect.tap(this.single.step(rows), (scores) =>
        Effect.sync(() => {
          this.ahead = scores;
        }));
    });
  }

  /** The probability of a byte by those of the symbols: unseen bytes share the last one evenly. */
  private share(probabilities: Float64Array, code: number): number {
    return code < this.symbols - 1 ? probabilities[code] : probabilities[code] / this.rest;
  }

  private took(byte: number): void {
    this.reader.push(byte);
    this.length++;
    this.ahead = undefined;
  }

  /** Rows of the places of a piece; where it is cut short, what follows is never looked at. */
  private rows(bytes: Uint8Array): Int32Array<ArrayBuffer> {
    const rows = new Int32Array(MAX_PIECE * this.tables);
    bytes.forEach((byte, i) => {
      this.reader.write(rows, i * this.tables);
      this.reader.push(byte);
    });
    return rows;
  }

  /** Reads as many whole pieces as there are, from a place whose scores nobody asked for; says how many bytes. */
  private whole(bytes: Uint8Array): Effect.Effect<number, BackendsFailure> {
    return Effect.gen({ self: this }, function* () {
      const end = bytes.length - bytes.length % MAX_PIECE;
      if (end === 0) return 0;
      yield* this.pieces.keep(yield* this.single.kept);
      for (let from = 0; from < end; from += MAX_PIECE) {
        yield* this.pieces.step(this.rows(bytes.subarray(from, from + MAX_PIECE)));
        yield* turn;
      }
      yield* this.single.keep(yield* this.pieces.kept);
      this.length += end;
      return end;
    });
  }
}

/** A model made ready to go through texts. Closing the scope frees it. */
export const writerOf = (
  engine: Engine,
  written: Written,
  options: Pick<CompileOptions, "numerics" | "threads"> = {},
): Effect.Effect<Writer, BackendsFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const [pieces, single] = yield* Effect.all([
      readingOf(engine, written, MAX_PIECE, options),
      readingOf(engine, written, 1, options),
    ]);
    const writer: Writer = new TextWriter(written.shape, pieces, single);
    yield* writer.reset;
    return writer;
  });

/** Bits that a byte of some texts costs, each text from its own beginning. */
export const bitsPerByte = (
  writer: Writer,
  texts: ReadonlyArray<Uint8Array>,
): Effect.Effect<TextCost & { readonly bitsPerByte: number }, BackendsFailure> =>
  Effect.gen(function* () {
    let [bits, bytes] = [0, 0];
    for (const text of texts) {
      const cost = yield* writer.cost(text);
      bits += cost.bits;
      bytes += cost.bytes;
    }
    return { bits, bytes, bitsPerByte: bits / bytes };
  });
