/**
 * Iris: 150 flowers of three species, four lengths each (Fisher 1936).
 *
 * Invariant: the numbers are those of the paper; each species is split 40 / 5 / 5.
 *
 * @module
 */
import { tensorOf } from "../../ir/library.ts";
import { type MemoryDataset, memoryDataset, tensorColumn } from "./dataset.ts";
import { classColumn } from "./generated.ts";
import table from "./iris.json" with { type: "json" };
import { splitSamples } from "./splits.ts";

const SIZE = 4;

/** The set of irises. */
export const irisData = (): MemoryDataset => {
  const rows = table.rows.map((row) => row.split(" ").map(Number));
  const classes = Int32Array.from(rows, (row) => row[SIZE]);
  const numbers = Float32Array.from(rows.flatMap((row) => row.slice(0, SIZE)));
  return memoryDataset({
    name: "iris",
    inputs: [tensorColumn("lengths", tensorOf("f32", [rows.length, SIZE], numbers))],
    target: classColumn("species", classes, table.labels),
    length: rows.length,
    splits: splitSamples(rows.length, { seed: 1 }, classes),
  });
};
