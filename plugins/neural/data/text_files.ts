/**
 * Text files: a file, or the files of a folder, as the documents of a corpus.
 *
 * Invariant: documents stand in the order of their names; a single file is cut into parts of equal length, whole lines
 * each, so that it can be split.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { absentFile, attemptEffect, dataLimit, type NeuralFailure } from "../failures.ts";
import { type Corpus, type Document, documentSplits } from "./corpus.ts";
import type { SplitName } from "./dataset.ts";
import { type DataFiles, MAX_FILE_BYTES, readWhole } from "./files.ts";
import { type SplitRule, splitSamples } from "./splits.ts";

/** Parts of a single file. */
const PARTS = 100;

const NEWLINE = 10;

/** A text in parts of whole lines, about as long each. */
export const partsOfText = (bytes: Uint8Array, parts: number): ReadonlyArray<Document> => {
  const made: Array<Document> = [];
  let from = 0;
  for (let part = 1; part <= parts && from < bytes.length; part++) {
    const aim = Math.floor(bytes.length * part / parts);
    if (aim <= from) continue;
    const end = part === parts ? -1 : bytes.indexOf(NEWLINE, aim - 1);
    const to = end < 0 ? bytes.length : end + 1;
    made.push({ name: `part ${made.length + 1}`, bytes: bytes.subarray(from, to) });
    from = to;
  }
  return made;
};

const corpusOf = (name: string, documents: ReadonlyArray<Document>, rule: SplitRule): Corpus => {
  const splits = splitSamples(documents.length, rule);
  const [validation, test] = [new Set(splits.validation), new Set(splits.test)];
  const splitOf = (index: number): SplitName =>
    test.has(index) ? "test" : validation.has(index) ? "validation" : "train";
  return { name, documents, splits: documentSplits(documents.length, splitOf) };
};

/** The corpus of a file or of a folder's files. */
export const textFiles = <R>(
  files: DataFiles<R>,
  path: string,
  name: string,
  rule: SplitRule = {},
): Effect.Effect<Corpus, NeuralFailure | KernelFailure, R> =>
  Effect.gen(function* () {
    if ((yield* files.stat(path))?.kind !== "folder") {
      const bytes = yield* readWhole(files, path);
      return yield* attemptEffect(() => corpusOf(name, partsOfText(bytes, PARTS), rule));
    }
    const documents: Array<Document> = [];
    let total = 0;
    for (const entry of yield* files.list(path)) {
      const file = `${path}/${entry}`;
      const found = yield* files.stat(file);
      if (found?.kind !== "file") continue;
      total += found.size;
      if (total > MAX_FILE_BYTES) {
        return yield* dataLimit({ what: "the texts together", limit: MAX_FILE_BYTES, found: total });
      }
      documents.push({ name: entry, bytes: yield* files.read(file) });
    }
    if (documents.length === 0) return yield* absentFile({ file: path, reason: "it holds no files" });
    return yield* attemptEffect(() => corpusOf(name, documents, rule));
  });
