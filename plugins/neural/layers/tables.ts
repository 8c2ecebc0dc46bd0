/**
 * Tables: rows of several learned tables side by side, by indices that stand side by side.
 *
 * What the indices are is the caller's: hashed contexts of a text, categories of a record.
 *
 * @module
 */
import { printType, type Value } from "../../ir/library.ts";
import { unfitInput } from "../failures.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, setting } from "./layer.ts";
import { numberOf, perAxis, type Settings } from "./settings.ts";

/** What tables are told. */
export interface TablesSettings {
  /** Rows of each table. */
  readonly rows: ReadonlyArray<number>;
  /** Features of each table's rows. */
  readonly widths: ReadonlyArray<number>;
  /** Deviation of the first values; 0.1 where absent. */
  readonly deviation?: number;
  /** Share of the rows that are left out while training, as if what they stand for were unknown. */
  readonly drop?: number;
}

const DEVIATION = 0.1;

/**
 * For indices [..., n], rows of n tables side by side.
 *
 * @example
 * ```ts
 * import { networkOfLayers, tables } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const network = networkOfLayers(tables({ rows: [10, 100], widths: [4, 8] }), { x: "i32[B,16,2]" });
 * assert.deepEqual(network.outputs[0].type.shape, ["B", 16, 12]);
 * ```
 */
export const tables = (settings: TablesSettings): Layer => layerOf("tables", settings);

const listOf = (settings: Settings, name: string): ReadonlyArray<number> => {
  const given = settings[name];
  return typeof given === "number" ? [given] : given as ReadonlyArray<number>;
};

/** A row as a whole is zero or scaled, so that what is made of it knows both. */
const leftOut = ({ scope, g, settings }: Building, rows: Value): Value => {
  const rate = numberOf(settings, "drop");
  if (!scope.training || rate === 0) return rows;
  const { shape } = rows.type;
  const drawn = scope.draw({ dtype: "f32", shape: shape.slice(0, -1) }, "uniform");
  const kept = g.broadcast(g.compare("ge", drawn, rate), shape, shape.slice(0, -1).map((_, axis) => axis));
  return g.select(kept, g.mul(rows, 1 / (1 - rate)), 0);
};

const looked = (given: Building): Value => {
  const { g, x, scope, settings } = given;
  const rows = listOf(settings, "rows");
  const widths = perAxis("tables", settings, "widths", rows.length);
  const { shape } = x.type;
  if (shape.at(-1) !== rows.length) {
    const reason = `its last axis is of ${rows.length} indices, one for each table`;
    throw unfitInput({ kind: "tables", found: printType(x.type), reason });
  }
  const deviation = numberOf(settings, "deviation");
  const parts = rows.map((count, i) => {
    const table = scope.parameter(`table${i}`, [count, widths[i]], { kind: "normal", deviation }, { decays: false });
    const index = g.reshape(g.sliceAxis(x, -1, i, i + 1), shape.slice(0, -1));
    return leftOut(given, g.gather(table, index, 0));
  });
  return g.concat(parts, -1);
};

/** The rows. */
export const TABLES: ReadonlyArray<LayerRow> = [
  builtRow("tables", {
    family: "linear",
    doc: "Rows of several learned tables side by side, by indices that stand side by side.",
    settings: [
      setting("rows", "sizes", "Rows of each table.", { default: 256 }),
      setting("widths", "sizes", "Features of each table's rows.", { default: 16 }),
      setting("deviation", "float", "Deviation of the first values.", { default: DEVIATION }),
      setting("drop", "rate", "Share of the rows left out while training.", { default: 0 }),
    ],
    build: looked,
  }),
];
