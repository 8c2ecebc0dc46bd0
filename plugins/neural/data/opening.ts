/**
 * Opening: the data that a caller's source means, through the gated disk of the call.
 *
 * Not part of the library: elsewhere whoever opens data brings the files (open.ts).
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Cap, Disk, KernelFailure } from "../../../kernel/mod.ts";
import type { NeuralFailure } from "../failures.ts";
import { fileParts } from "../platform/file_parts.ts";
import { type DataFiles, diskFiles } from "./files.ts";
import type { MemoryDataset } from "./dataset.ts";
import { openData, type OpenedData, openPrepared } from "./open.ts";
import type { Prepared } from "./prepared_data.ts";
import type { DataSource } from "./source.ts";
import type { SplitRule } from "./splits.ts";

/** The files of the gated disk, read in parts where that is asked for. */
export const gatedFiles: Effect.Effect<DataFiles<Cap<"readLocal">>, never, Disk> = Effect.map(
  diskFiles,
  (files) => ({ ...files, parts: fileParts }),
);

/** Opens the data that a source means. */
export const openSource = (
  source: DataSource,
): Effect.Effect<OpenedData<Cap<"readLocal">>, NeuralFailure | KernelFailure, Disk | Cap<"readLocal">> =>
  Effect.flatMap(gatedFiles, (files) => openData(source, files));

/** Opens a table by what a model keeps of how it learned. */
export const openSourceBy = (
  source: DataSource,
  prepared: Prepared,
  split?: SplitRule,
): Effect.Effect<MemoryDataset, NeuralFailure | KernelFailure, Disk | Cap<"readLocal">> =>
  Effect.flatMap(gatedFiles, (files) => openPrepared(source, files, prepared, split));
