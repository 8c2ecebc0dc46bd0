/**
 * Source: a table of one's own, as the main job opens it, and failures about it as its caller asked.
 *
 * Not the reading (neural's data room). Invariant: a failure names members that the caller's input has, and a patch of it
 * edits those.
 *
 * @module
 */
import { Failure, fieldsOf } from "../../../kernel/failure.ts";
import type { JsonPatch } from "../../../kernel/json.ts";
import { type DetailedSource, FORMATS } from "../../neural/library.ts";

/** Ends of names of tables. */
const TABLES: ReadonlyArray<string> = ["csv", "tsv", "parquet", "arrow", "feather"];

/** Whether data are a table: by their format, or by the end of their path. */
export const isTable = ({ name, path, format }: DetailedSource): boolean => {
  if (name !== undefined || path === undefined) return false;
  if (format !== undefined) return TABLES.includes(format) && FORMATS.includes(format);
  return TABLES.includes(path.replace(/\.gz$/iu, "").split(".").at(-1)!.toLowerCase());
};

/** A table to learn from: its columns are made fit, unless the caller says otherwise. */
export const tableSource = (
  source: DetailedSource,
  { target, task }: { readonly target?: string; readonly task?: "classification" | "regression" } = {},
): DetailedSource => {
  const settles = source.prepare !== undefined || source.scale !== undefined || source.stream === true ||
    (source.missing ?? "impute") !== "impute" || (source.categories ?? "one-hot") !== "one-hot";
  return {
    ...source,
    ...(isTable(source) && !settles ? { prepare: true } : {}),
    ...(target === undefined ? {} : { target }),
    ...(task === undefined ? {} : { task }),
  };
};

/** Where members of the source come from, where the caller gave them beside it. */
const BESIDE: { readonly [path: string]: string } = {
  "/data/target": "/target",
  "/data/task": "/task",
  "/data/path": "/data",
  "/data/name": "/data",
};

const pathOf = (path: string, beside: ReadonlySet<string>): string => {
  const moved = BESIDE[path];
  return moved !== undefined && beside.has(moved) ? moved : path;
};

/**
 * A failure about data in the terms of a call that gave parts of the source beside it: `target` for `/data/target`, a
 * path for the whole of `/data`.
 */
export const askedOf = <F extends Failure>(
  failure: F,
  given: { readonly data: unknown; readonly target?: unknown; readonly task?: unknown },
): F => {
  const beside = new Set([
    ...(typeof given.data === "string" ? ["/data"] : []),
    ...(given.target === undefined ? [] : ["/target"]),
    ...(given.task === undefined ? [] : ["/task"]),
  ]);
  const { path, fix } = failure;
  const patch = fix?.patch?.map((edit) => ({ ...edit, path: pathOf(edit.path, beside) })) as JsonPatch | undefined;
  return new Failure({
    ...fieldsOf(failure),
    path: pathOf(path, beside),
    ...(fix === undefined ? {} : { fix: { ...fix, ...(patch === undefined ? {} : { patch }) } }),
  } as never) as F;
};
