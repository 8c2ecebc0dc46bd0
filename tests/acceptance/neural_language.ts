/**
 * Acceptance figures of the byte-level language model: one training on the King James Bible, judged on held-out chapters.
 *
 * Judges: gzip, bzip2 and xz on the held-out chapters alone, xz given the training text too, and a context-3 n-gram model
 * counted on the same training text. The chapters that are judged on are those of index % 20 == 7; all others are learned.
 * What the model reads of a chapter is the chapter's own beginning and nothing else.
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { cpuMs } from "../../bench/cpu/clock.ts";
import { cpuBackend } from "../../plugins/backends/cpu/mod.ts";
import { kjvCorpus } from "../../plugins/neural/data/kjv.ts";
import {
  bitsPerByte,
  decodeLanguageModel,
  encodeLanguageModel,
  generate,
  type LanguageModel,
  largeShape,
  NgramModel,
  sizeOfLanguage,
  trainLanguage,
  type Writer,
  writerOf,
} from "../../plugins/neural/library.ts";
import { Decoder, Encoder } from "../plugins/neural/language/arithmetic_coder.ts";
import { type Figure, rounded } from "./figure.ts";

const FILE = "/usr/lib/bible.data";
const EPOCHS = 3;
const SEED = 1;
const WRITTEN = 2000;
const MOST_FLOPS = 12e12;
const MOST_SECONDS = 900;
const MOST_PARAMETERS = 1_200_000;
const ORDER = 3;

interface Trained {
  readonly model: LanguageModel;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly bits: number;
  readonly bytes: number;
  readonly tokensPerSecond: number;
  readonly sample: string;
  readonly coded: { readonly bytes: number; readonly coded: number; readonly claimed: number; readonly same: boolean };
}

const corpus = () => {
  const { documents, splits } = kjvCorpus(Deno.readFileSync(FILE));
  const held = new Set(splits.test);
  return {
    learned: documents.filter((_, i) => !held.has(i)).map(({ bytes }) => bytes),
    heldOut: documents.filter((_, i) => held.has(i)).map(({ bytes }) => bytes),
  };
};

const joined = (texts: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(texts.reduce((sum, text) => sum + text.length, 0));
  let at = 0;
  for (const text of texts) {
    whole.set(text, at);
    at += text.length;
  }
  return whole;
};

/** A text coded by an arithmetic coder with the model's probabilities, and decoded from the code alone. */
const coding = (writer: Writer, text: Uint8Array) =>
  Effect.gen(function* () {
    const encoder = new Encoder();
    yield* writer.reset;
    for (const byte of text) {
      encoder.write(byte, yield* writer.next);
      yield* writer.read(Uint8Array.of(byte));
    }
    const bits = encoder.end();
    const decoder = new Decoder(bits);
    yield* writer.reset;
    let same = true;
    for (const byte of text) {
      const back = decoder.read(yield* writer.next);
      same &&= back === byte;
      yield* writer.read(Uint8Array.of(back));
    }
    const claimed = (yield* writer.cost(text)).bits / 8;
    return { bytes: text.length, coded: bits.length / 8, claimed: rounded(claimed, 6), same };
  });

let made: Promise<Trained> | undefined;

/** The one training that all figures are about. */
const trained = (progress: (done: number, total: number) => void): Promise<Trained> =>
  made ??= Effect.runPromise(Effect.scoped(Effect.gen(function* () {
    const { learned, heldOut } = corpus();
    const [cpu, wall] = [cpuMs(), performance.now()];
    let steps = 1;
    const model = yield* trainLanguage(
      cpuBackend,
      largeShape(learned),
      { name: "kjv", texts: learned },
      { epochs: EPOCHS, seed: SEED },
      (event) =>
        Effect.sync(() => {
          if (event.type === "start") steps = event.steps;
          if (event.type === "step" && event.step % 100 === 0) progress(event.step, steps);
        }),
    );
    const [cpuSeconds, wallSeconds] = [(cpuMs() - cpu) / 1000, (performance.now() - wall) / 1000];
    const writer = yield* writerOf(cpuBackend, decodeLanguageModel(encodeLanguageModel(model)));
    const cost = yield* bitsPerByte(writer, heldOut);
    const began = cpuMs();
    const text = yield* Stream.runCollect(
      generate(writer, "And God said unto ", { tokens: WRITTEN, temperature: 0.8, seed: SEED }),
    );
    const tokensPerSecond = text.length / ((cpuMs() - began) / 1000);
    const sample = new TextDecoder().decode(Uint8Array.from(text)).slice(0, 400);
    const coded = yield* coding(writer, heldOut[0]);
    return { model, cpuSeconds, wallSeconds, bits: cost.bits, bytes: cost.bytes, tokensPerSecond, sample, coded };
  })));

/** Bytes that a program makes of its input. */
const packed = async (
  program: string,
  options: ReadonlyArray<string>,
  input: Uint8Array<ArrayBuffer>,
): Promise<number> => {
  const child = new Deno.Command(program, { args: [...options, "-c"], stdin: "piped", stdout: "piped" }).spawn();
  const writing = child.stdin.getWriter();
  const written = writing.write(input).then(() => writing.close());
  const { stdout } = await child.output();
  await written;
  return stdout.length;
};

const peers = async () => {
  const { learned, heldOut } = corpus();
  const held = joined(heldOut);
  const bits = (bytes: number): number => 8 * bytes / held.length;
  const xz = ["-9e", "--lzma2=dict=64MiB,nice=273"];
  const counted = new NgramModel(ORDER);
  for (const text of learned) counted.count(text);
  const before = joined(learned);
  return {
    gzip: bits(await packed("gzip", ["-9"], held)),
    bzip2: bits(await packed("bzip2", ["-9"], held)),
    xz: bits(await packed("xz", ["-9e"], held)),
    ngram: counted.bitsPerByte(heldOut),
    xzGivenTheTraining: bits(await packed("xz", xz, joined([before, held])) - await packed("xz", xz, before)),
  };
};

const quality: Figure = {
  name: "bits per byte on held-out chapters of the King James Bible",
  unit: "bits",
  goal: "at most 1.85 (stretch 1.65), below gzip, bzip2 and xz on the chapters alone and below a context-3 n-gram",
  measure: async ({ progress }) => {
    const { bits, bytes, sample, model } = await trained(progress);
    const others = await peers();
    const value = bits / bytes;
    const isBest = [others.gzip, others.bzip2, others.xz, others.ngram].every((other) => value < other);
    const detail = {
      bytes,
      steps: model.lineage.steps,
      trainingBits: rounded(model.metrics.trainingBits),
      peers: Object.fromEntries(Object.entries(others).map(([name, peer]) => [name, rounded(peer)])),
      sample,
    };
    return { value: rounded(value), ok: value <= 1.85 && isBest, detail };
  },
};

const work: Figure = {
  name: "operations of training the language model, forward, backward and optimiser",
  unit: "TFLOP",
  goal: "at most 12",
  measure: async ({ progress }) => {
    const { model } = await trained(progress);
    return { value: rounded(model.lineage.flops / 1e12), ok: model.lineage.flops <= MOST_FLOPS };
  },
};

const time: Figure = {
  name: "processor time of training the language model on one thread",
  unit: "s",
  goal: "at most 900",
  measure: async ({ progress }) => {
    const { cpuSeconds, wallSeconds, model } = await trained(progress);
    const detail = {
      wallSeconds: rounded(wallSeconds),
      gigaflopsPerSecond: rounded(model.lineage.flops / cpuSeconds / 1e9),
    };
    return { value: rounded(cpuSeconds), ok: cpuSeconds <= MOST_SECONDS, detail };
  },
};

const size: Figure = {
  name: "parameters of the language model, tables of contexts included",
  unit: "parameters",
  goal: "at most 1200000",
  measure: async ({ progress }) => {
    const { model } = await trained(progress);
    const count = sizeOfLanguage(model);
    return { value: count, ok: count <= MOST_PARAMETERS, detail: { artifactBytes: encodeLanguageModel(model).length } };
  },
};

const speed: Figure = {
  name: "bytes written by the language model with kept keys and values, in a second of processor time",
  unit: "bytes/s",
  goal: "reported",
  measure: async ({ progress }) => {
    const { tokensPerSecond } = await trained(progress);
    return { value: rounded(tokensPerSecond), ok: tokensPerSecond > 0, detail: { written: WRITTEN } };
  },
};

const honesty: Figure = {
  name:
    "size of a held-out chapter coded with the model's probabilities and decoded from the code alone, beside the claim",
  unit: "times the claim",
  goal: "at most 1.01, the same chapter",
  measure: async ({ progress }) => {
    const { coded } = await trained(progress);
    const value = coded.coded / coded.claimed;
    return { value: rounded(value), ok: coded.same && value <= 1.01, detail: coded };
  },
};

/** The figures of this area. */
export const figures: ReadonlyArray<Figure> = [quality, honesty, work, time, size, speed];
