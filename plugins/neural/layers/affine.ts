/**
 * Affine: products with learned tensors, and rows of learned tables.
 *
 * Invariant: the features stand last, and whatever stands before them stays.
 *
 * @module
 */
import { multiplyDimensions, printType, type Value } from "../../ir/library.ts";
import { sizeUnknown, unfitInput } from "../failures.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, setting, settingOf } from "./layer.ts";
import { functionText } from "./composed.ts";
import { opRow, opText, STARTS, useOp } from "./op_row.ts";
import { flagOf, numberOf, textOf } from "./settings.ts";
import { reshapedTo } from "./structure.ts";

/** What an affine map is told. */
export interface LinearSettings {
  /** Features of the result; the input's where absent. */
  readonly width?: number;
  /** Whether a learned shift is added; true where absent. */
  readonly bias?: boolean;
}

/** What a table of rows is told. */
export interface EmbeddingSettings {
  /** Features of a row; 64 where absent. */
  readonly width?: number;
  /** Rows; 256 where absent. */
  readonly vocabulary?: number;
  /** The index that stands for nothing: its row is zeros and learns nothing. */
  readonly padding?: number;
}

/**
 * y = x·W + b over the last axis.
 *
 * @example
 * ```ts
 * import { linear, networkOfLayers, relu, sequential } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const mlp = networkOfLayers(sequential(linear({ width: 128 }), relu(), linear({ width: 10 })), { x: "f32[B,784]" });
 * assert.deepEqual(mlp.outputs[0].type.shape, ["B", 10]);
 * ```
 */
export const linear = (settings: LinearSettings = {}): Layer => layerOf("linear", settings);

/** y_k = xᵀ·W_k·z + b_k for two inputs x and z. */
export const bilinear = (settings: LinearSettings = {}): Layer => layerOf("bilinear", settings);

/** Rows of a learned table by index. */
export const embedding = (settings: EmbeddingSettings = {}): Layer => layerOf("embed", settings);

/** Scores of all rows of a table that an embedding `shared` under a path learns: x·Tᵀ. */
export const unembedding = (settings: { readonly table: string; readonly vocabulary: number }): Layer =>
  layerOf("unembed", settings);

/** The matrix product of two inputs. */
export const matmul = (): Layer => layerOf("matmul");

/** The last size of an input; throws `NEURAL_SIZE` where it is a symbol. */
export const featuresOf = (kind: string, x: Value): number => {
  const last = x.type.shape.at(-1);
  if (typeof last === "number") return last;
  if (last === undefined) throw unfitInput({ kind, found: printType(x.type), reason: "it has no axis of features" });
  throw sizeUnknown({ kind, what: "the last axis", size: last });
};

const bilinearForm = ({ g, inputs: [x, z], settings, parameter }: Building): Value => {
  const [n, m] = [x, z].map((input) => featuresOf("bilinear", input));
  const width = numberOf(settings, "width", n);
  const weight = parameter("weight", [n, m, width], STARTS.fanIn(n * m, width));
  const rank = x.type.shape.length;
  const lead = x.type.shape.slice(0, -1);
  // x·W is a matrix [m, width] for every row, which z then picks from.
  const mapped = g.reshape(g.matmul(x, g.reshape(weight, [n, m * width])), [...lead, m, width]);
  const batch = lead.map((_, axis) => axis);
  const y = g.dot(z, mapped, { x_batch: batch, y_batch: batch, x_contract: [rank - 1], y_contract: [rank - 1] });
  return flagOf(settings, "bias") ? g.add(y, parameter("bias", [width], { kind: "zeros" })) : y;
};

/** Every product of an element of x with one of z, through an affine map whose rows are the weight's matrices in order. */
const bilinearText: LayerRow["rmil"] = (_, { settings, types }, [y]) => {
  const [x, z] = types.map(({ shape }) => shape);
  const lead = x.slice(0, -1);
  const [n, m] = [x.at(-1)!, z.at(-1)!];
  const products = `matmul(x >> ${reshapedTo([...lead, n, 1])}, z >> ${reshapedTo([...lead, 1, m])})`;
  const map = opText("linear", { width: Number(y.shape.at(-1)), bias: flagOf(settings, "bias") });
  return functionText(["x", "z"], types, `${products} >> ${reshapedTo([...lead, multiplyDimensions(n, m)])} >> ${map}`);
};

const embedded = (given: Building): Value => {
  const { g, x, settings } = given;
  const rows = useOp(given, "embed");
  const { padding } = settings;
  if (padding === undefined) return rows;
  const isReal = g.compare("ne", x, numberOf(settings, "padding"));
  const { shape } = rows.type;
  // Where nothing is chosen no gradient flows, so the row of the padding never learns.
  return g.select(g.broadcast(isReal, shape, x.type.shape.map((_, axis) => axis)), rows, 0);
};

const unembedded = ({ g, x, scope, settings }: Building): Value => {
  const shape = [numberOf(settings, "vocabulary"), featuresOf("unembed", x)];
  const table = scope.root(textOf(settings, "table")).parameter("table", shape, STARTS.normal(1, 1), {
    dtype: x.type.dtype,
  });
  return g.matmul(x, g.transpose(table, [1, 0]));
};

const TWO = { least: 2, most: 2 };

/** The rows. */
export const AFFINE: ReadonlyArray<LayerRow> = [
  opRow("matmul", "linear"),
  opRow("linear", "linear", { properties: { linear: true } }),
  builtRow("bilinear", {
    family: "linear",
    doc: "A form linear in each of two inputs: y_k = xᵀ·W_k·z + b_k.",
    settings: [settingOf("linear", "width"), settingOf("linear", "bias")],
    inputs: TWO,
    rmil: bilinearText,
    build: bilinearForm,
    properties: { linear: true },
  }),
  {
    ...opRow("embed", "linear"),
    settings: [
      settingOf("embed", "width"),
      settingOf("embed", "vocabulary"),
      setting("padding", "count", "The index whose row is zeros and learns nothing."),
    ],
    build: embedded,
  },
  builtRow("unembed", {
    family: "linear",
    doc: "Scores of all rows of an embedding's table, whose weights are the same: x·Tᵀ.",
    settings: [
      setting("table", "name", "The path that the embedding is shared under.", { default: "tokens" }),
      settingOf("embed", "vocabulary"),
    ],
    build: unembedded,
    properties: { linear: true },
    source: "Press & Wolf 2017",
  }),
];
