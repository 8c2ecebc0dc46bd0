/**
 * Open: the data set that a source means, wherever its samples come from.
 *
 * Not permission to read: whoever calls brings the files (files.ts), and with them the gate.
 * Invariant: a source that cannot be opened is a failure that names the member of the source it is about.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type { KernelFailure } from "../../../kernel/mod.ts";
import { nearest } from "../../../kernel/nearest.ts";
import type { Tensor } from "../../ir/library.ts";
import { absentFile, attemptEffect, attemptPromise, badData, type NeuralFailure, unknownColumn } from "../failures.ts";
import { readIdx } from "../formats/idx.ts";
import { inflate, isGzip } from "../formats/inflate.ts";
import { readNpy } from "../formats/npy.ts";
import { readNpz } from "../formats/npz.ts";
import { openBuiltin } from "./builtin.ts";
import { arrowRows, parquetRows, type RowStream } from "./columnar.ts";
import { type Corpus, windows } from "./corpus.ts";
import { csvRows } from "./csv_rows.ts";
import type { Dataset, MemoryDataset } from "./dataset.ts";
import { arraysDataset } from "./arrays.ts";
import { type DataFiles, MAX_FILE_BYTES, readWhole } from "./files.ts";
import { imageFolder } from "./images.ts";
import { type DataSource, DEFAULT_WINDOW, detailed, type DetailedSource, type Format, nameOf } from "./source.ts";
import { dataBy, type Prepared, preparedData } from "./prepared_data.ts";
import type { SplitRule } from "./splits.ts";
import { rescale } from "./statistics.ts";
import type { TablePlan } from "./table.ts";
import { tableData, tableStream } from "./table_data.ts";
import { textFiles } from "./text_files.ts";

type Failing = NeuralFailure | KernelFailure;

/** Data that were opened. */
export interface OpenedData<R = never> {
  /** The samples. */
  readonly dataset: Dataset<R>;
  /** How the rows of a table became samples. */
  readonly plan?: TablePlan;
  /** The documents, where they are text. */
  readonly corpus?: Corpus;
}

/** Ends of names and what they tell. */
const SUFFIXES: { readonly [suffix: string]: Format } = {
  csv: "csv",
  tsv: "tsv",
  parquet: "parquet",
  arrow: "arrow",
  feather: "arrow",
  npy: "npy",
  npz: "npz",
  idx: "idx",
  txt: "text",
};

const withoutGzip = (path: string): string => path.replace(/\.gz$/iu, "");

const suffixOf = (path: string): string => withoutGzip(path).split(".").at(-1)!.toLowerCase();

const formatOf = (path: string, isFolder: boolean, asked: Format | undefined): Format => {
  if (asked !== undefined) return asked;
  if (isFolder) return "images";
  const suffix = suffixOf(path);
  if (Object.hasOwn(SUFFIXES, suffix)) return SUFFIXES[suffix];
  if (/ubyte$/u.test(withoutGzip(path))) return "idx";
  throw badData({
    what: path,
    reason: `the end of its name does not tell its format`,
    path: "/data/format",
    expected: Object.values(SUFFIXES).filter((format, i, all) => all.indexOf(format) === i),
    fix: { summary: "Say its format" },
  });
};

/** A whole file, expanded where it is packed by gzip. */
const wholeFile = <R>(files: DataFiles<R>, path: string): Effect.Effect<Uint8Array, Failing, R> =>
  Effect.flatMap(
    readWhole(files, path),
    (bytes) =>
      isGzip(bytes) ? attemptPromise(() => inflate(bytes, "gzip", MAX_FILE_BYTES, path)) : Effect.succeed(bytes),
  );

/** Bytes in parts between which the event loop has its turn. */
const PART_BYTES = 262_144;

const partsOf = (bytes: Uint8Array): Stream.Stream<Uint8Array> =>
  Stream.fromIterable(
    Array.from(
      { length: Math.max(1, Math.ceil(bytes.length / PART_BYTES)) },
      (_, i) => bytes.subarray(i * PART_BYTES, (i + 1) * PART_BYTES),
    ),
    { chunkSize: 1 },
  );

const tableRows = <R>(
  files: DataFiles<R>,
  path: string,
  format: Format,
  source: DetailedSource,
): Effect.Effect<RowStream<R>, Failing, R> =>
  Effect.gen(function* () {
    if (format === "csv" || format === "tsv") {
      const options = format === "tsv" ? { delimiter: "\t", ...source } : source;
      if (source.stream === true && !path.endsWith(".gz")) return csvRows(files.parts(path), options);
      return csvRows(partsOf(yield* wholeFile(files, path)), options);
    }
    const bytes = yield* wholeFile(files, path);
    return format === "parquet" ? parquetRows(bytes) : arrowRows(bytes);
  });

const openTable = <R>(
  files: DataFiles<R>,
  path: string,
  format: Format,
  source: DetailedSource,
): Effect.Effect<OpenedData<R>, Failing, R> =>
  Effect.gen(function* () {
    const rows = yield* tableRows(files, path, format, source);
    if (source.prepare === true && source.scale !== undefined) {
      return yield* badData({
        what: "scale",
        reason: "prepared columns are of one scale",
        path: "/data/scale",
        fix: { summary: "Leave out scale", patch: [{ op: "remove", path: "/data/scale" }] },
      });
    }
    if (source.stream !== true) {
      return yield* (source.prepare === true ? preparedData : tableData)(nameOf(source), rows, source);
    }
    const whole = (["scale", "prepare"] as const).find((name) => source[name] !== undefined && source[name] !== false);
    if (whole !== undefined) {
      return yield* badData({
        what: whole,
        reason: `data that are read as they pass are not ${whole === "scale" ? "rescaled" : "prepared"}`,
        path: `/data/${whole}`,
        fix: { summary: "Hold the data", patch: [{ op: "remove", path: "/data/stream" }] },
      });
    }
    return yield* tableStream(nameOf(source), rows, source);
  });

const TABLES: ReadonlyArray<Format> = ["csv", "tsv", "parquet", "arrow"];

/** Opens a table whose rows become samples by what a model keeps; without a split that is asked for, all are in `test`. */
export const openPrepared = <R>(
  source: DataSource,
  files: DataFiles<R>,
  prepared: Prepared,
  split?: SplitRule,
): Effect.Effect<MemoryDataset, Failing, R> =>
  Effect.gen(function* () {
    const details = detailed(source);
    const { path } = details;
    const isTable = path !== undefined && details.name === undefined &&
      TABLES.includes(yield* attemptEffect(() => formatOf(path, false, details.format)));
    if (!isTable) {
      return yield* badData({
        what: "the data",
        reason: "the model learned from a table, and answers the rows of a table",
        path: "/data/path",
      });
    }
    const found = yield* files.stat(path);
    if (found === undefined) return yield* absentFile({ file: path, reason: "nothing is there", path: "/data/path" });
    const rows = yield* tableRows(files, path, formatOf(path, false, details.format), details);
    return yield* dataBy(nameOf(source), rows, prepared, split);
  });

const pick = (arrays: ReadonlyMap<string, Tensor>, name: string, path: string): Tensor => {
  const found = arrays.get(name);
  if (found !== undefined) return found;
  const names = [...arrays.keys()];
  throw unknownColumn({ column: name, path, suggestions: nearest(name, names, 3), expected: names.slice(0, 40) });
};

/** Names under which an archive usually holds what is learned. */
const TARGET_ARRAYS: ReadonlyArray<string> = ["y", "target", "labels", "label", "y_train"];

const openNpz = (bytes: Uint8Array, source: DetailedSource): Effect.Effect<MemoryDataset, Failing> =>
  Effect.flatMap(attemptPromise(() => readNpz(bytes)), (arrays) =>
    attemptEffect(() => {
      const names = [...arrays.keys()];
      const target = source.task === "none"
        ? undefined
        : source.target ?? names.find((name) => TARGET_ARRAYS.includes(name.toLowerCase()));
      const answers = target === undefined ? undefined : pick(arrays, target, "/data/target");
      const inputs = source.inputs ?? names.filter((name) => name !== target);
      return arraysDataset(
        nameOf(source),
        inputs.map((name, i) => [name, pick(arrays, name, `/data/inputs/${i}`)] as const),
        answers === undefined ? undefined : [target!, answers],
        source,
      );
    }));

const openArray = <R>(
  files: DataFiles<R>,
  path: string,
  read: (bytes: Uint8Array) => Tensor,
  source: DetailedSource,
): Effect.Effect<MemoryDataset, Failing, R> =>
  Effect.gen(function* () {
    const bytes = yield* wholeFile(files, path);
    const input = yield* attemptEffect(() => read(bytes));
    const { labels } = source;
    if (labels === undefined) {
      return yield* attemptEffect(() => arraysDataset(nameOf(source), [["x", input]], undefined, source));
    }
    const named = yield* wholeFile(files, labels);
    return yield* attemptEffect(() =>
      arraysDataset(nameOf(source), [["x", input]], ["y", (isNumpy(named) ? readNpy : readIdx)(named)], source)
    );
  });

/** The first byte of NumPy's files; IDX begins with a zero. */
const NUMPY = 0x93;

const isNumpy = (bytes: Uint8Array): boolean => bytes[0] === NUMPY;

const windowed = (corpus: Corpus, source: DetailedSource): Effect.Effect<OpenedData, NeuralFailure> =>
  attemptEffect(() => ({
    corpus,
    dataset: windows(corpus, {
      length: source.window ?? DEFAULT_WINDOW,
      ...(source.stride === undefined ? {} : { stride: source.stride }),
    }),
  }));

const openPath = <R>(
  files: DataFiles<R>,
  path: string,
  source: DetailedSource,
): Effect.Effect<OpenedData<R>, Failing, R> =>
  Effect.gen(function* () {
    const found = yield* files.stat(path);
    if (found === undefined) return yield* absentFile({ file: path, reason: "nothing is there", path: "/data/path" });
    const format = yield* attemptEffect(() => formatOf(path, found.kind === "folder", source.format));
    switch (format) {
      case "csv":
      case "tsv":
      case "parquet":
      case "arrow":
        return yield* openTable(files, path, format, source);
      case "npz":
        return { dataset: yield* Effect.flatMap(wholeFile(files, path), (bytes) => openNpz(bytes, source)) };
      case "npy":
        return { dataset: yield* openArray(files, path, readNpy, source) };
      case "idx":
        return { dataset: yield* openArray(files, path, readIdx, source) };
      case "images":
        return { dataset: yield* imageFolder(files, path, nameOf(source), source.split) };
      case "text":
        return yield* Effect.flatMap(
          textFiles(files, path, nameOf(source), source.split),
          (corpus) => windowed(corpus, source),
        );
    }
  });

/** Opens the data that a source means. */
export const openData = <R>(source: DataSource, files: DataFiles<R>): Effect.Effect<OpenedData<R>, Failing, R> =>
  Effect.gen(function* () {
    const details = detailed(source);
    const { name, path, scale } = details;
    if (name === undefined && path === undefined) {
      return yield* badData({ what: "the data", reason: "neither a name nor a path is given", path: "/data" });
    }
    const namePath = typeof source === "string" ? "/data" : "/data/name";
    const opened: OpenedData<R> = name === undefined ? yield* openPath(files, path!, details) : yield* Effect.flatMap(
      openBuiltin(name, files, path, namePath),
      (set): Effect.Effect<OpenedData, NeuralFailure> =>
        set.kind === "samples" ? Effect.succeed({ dataset: set.dataset }) : windowed(set.corpus, details),
    );
    const { dataset } = opened;
    if (scale === undefined || dataset.kind !== "memory") return opened;
    return { ...opened, dataset: yield* attemptEffect(() => rescale(dataset, scale)) };
  });
