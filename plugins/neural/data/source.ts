/**
 * Source: how a caller says which data are meant: the name of a set, or a path and how it is to be read.
 *
 * Invariant: what reading a source may touch follows from the source alone, before anything is read.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { type Authorities, role } from "../../../kernel/operation.ts";
import { DATASETS } from "./builtin.ts";
import { CSV_FIELDS, type CsvOptions } from "./csv_rows.ts";
import { SplitRule } from "./splits.ts";
import type { Scaling } from "./statistics.ts";
import { TABLE_FIELDS, type TableOptions } from "./table.ts";

/** The formats that data of one's own may have. */
export const FORMATS = ["csv", "tsv", "parquet", "arrow", "npy", "npz", "idx", "images", "text"] as const;

/** The name of a format. */
export type Format = typeof FORMATS[number];

/** Data as a caller names them, with how they are to be read. */
export interface DetailedSource extends TableOptions, CsvOptions {
  /** The name of a built-in set. */
  readonly name?: string;
  /** A file, or a folder of pictures or of texts; with a name: where that set lies. */
  readonly path?: string;
  /** Its format; default by the end of the path's name. */
  readonly format?: Format;
  /** A file of the answers, for NPY and IDX. */
  readonly labels?: string;
  /** How samples are split, where the set does not say. */
  readonly split?: SplitRule;
  /** Brings inputs to one scale by what is learned from. */
  readonly scale?: Scaling;
  /** Whether a table is read as it passes instead of being held. */
  readonly stream?: boolean;
  /** Tokens of a window of text. Default {@link DEFAULT_WINDOW}. */
  readonly window?: number;
  /** Tokens from one window to the next; default: the window. */
  readonly stride?: number;
}

/** Data as a caller names them. */
export type DataSource = string | DetailedSource;

/** Tokens of a window of text where nothing is said. */
export const DEFAULT_WINDOW = 128;

const Positive = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_048_576 }));

/** Schema of {@link DataSource}. */
export const DataSource: Schema.Codec<DataSource> = Schema.Union([
  Schema.String.annotate({ description: `name of a set: ${DATASETS.map(({ name }) => name).join(", ")}` }),
  Schema.Struct({
    name: Schema.optionalKey(Schema.String.annotate({ description: "name of a set" })),
    path: Schema.optionalKey(role("readPath", "file, or folder of pictures or texts; with a name: where it lies")),
    format: Schema.optionalKey(
      Schema.Literals(FORMATS).annotate({ description: "default by the end of the path's name" }),
    ),
    labels: Schema.optionalKey(role("readPath", "file of the answers, for npy and idx")),
    split: Schema.optionalKey(SplitRule),
    scale: Schema.optionalKey(
      Schema.Literals(["standardise", "normalise"]).annotate({
        description: "bring inputs to mean 0 and deviation 1, or to 0 … 1, by what is learned from",
      }),
    ),
    stream: Schema.optionalKey(Schema.Boolean.annotate({ description: "read a table as it passes, not held" })),
    window: Schema.optionalKey(
      Positive.annotate({ description: `tokens of a window of text, default ${DEFAULT_WINDOW}` }),
    ),
    stride: Schema.optionalKey(Positive.annotate({ description: "tokens between windows, default the window" })),
    ...TABLE_FIELDS,
    ...CSV_FIELDS,
  }),
]) as unknown as Schema.Codec<DataSource>;

/** A source with all it says. */
export const detailed = (source: DataSource): DetailedSource => typeof source === "string" ? { name: source } : source;

/** Whether reading a source reads files: a path, or a set whose files a system package brings. */
export const readsFiles = (source: DataSource): boolean => {
  const { name, path } = detailed(source);
  return path !== undefined || DATASETS.some((set) => set.name === name && set.place !== undefined);
};

/** What reading sources takes. */
export const dataAuthorities = (...sources: ReadonlyArray<DataSource | undefined>): Authorities & {
  readonly effects: ReadonlyArray<"readLocal">;
} => ({ effects: sources.some((source) => source !== undefined && readsFiles(source)) ? ["readLocal"] : [] });

/** What a data set of a source is called. */
export const nameOf = (source: DataSource): string => {
  const { name, path } = detailed(source);
  return name ?? path?.split(/[\\/]/u).filter((part) => part !== "").at(-1) ?? "data";
};
