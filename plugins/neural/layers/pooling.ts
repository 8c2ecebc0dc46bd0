/**
 * Pooling: one element for each window of positions.
 *
 * Pools of sequences are the language's pools of images that are one row high.
 * Invariant: channels do not mix, and a border never wins a maximum.
 *
 * @module
 */
import { multiplyDimensions } from "../../ir/library.ts";
import { type OpName, OPS } from "../../rmil/library.ts";
import type { PerAxis } from "./convolution.ts";
import { builtRow, type Layer, layerOf, type LayerRow } from "./layer.ts";
import { asImage, oneHigh, writtenOneHigh } from "./one_high.ts";
import { opRow, useOp } from "./op_row.ts";
import { reshapedTo } from "./structure.ts";

/** What a pool is told. */
export interface PoolSettings {
  /** Extent of the window; 2 where absent. */
  readonly window?: PerAxis;
  /** Distance between windows; the window's extent where absent. */
  readonly stride?: PerAxis;
  /** Border on each side. */
  readonly padding?: PerAxis;
}

/** What a mean over windows is told. */
export interface MeanPoolSettings extends PoolSettings {
  /** Whether the border counts as zeros; false where absent. */
  readonly countPadding?: boolean;
}

/** What a pool to a size is told. */
export interface AdaptivePoolSettings {
  /** Size of the result; 1 where absent. */
  readonly size?: PerAxis;
  /** What a window gives; its mean where absent. */
  readonly kind?: "mean" | "max";
}

const meanSettings = ({ countPadding, ...settings }: MeanPoolSettings) => ({
  ...settings,
  count_padding: countPadding,
});

/** The largest element of each window of an image. */
export const maxPool = (settings: PoolSettings = {}): Layer => layerOf("max_pool", settings);
/** The mean of each window of an image. */
export const avgPool = (settings: MeanPoolSettings = {}): Layer => layerOf("avg_pool", meanSettings(settings));
/** An image pooled to a size. */
export const adaptivePool = (settings: AdaptivePoolSettings = {}): Layer => layerOf("adaptive_pool", settings);
/** The mean over all positions. */
export const globalPool = (): Layer => layerOf("global_pool");
/** The largest element over all positions. */
export const globalMaxPool = (): Layer => layerOf("global_max_pool");
/** The largest element of each window of a sequence. */
export const maxPool1d = (settings: PoolSettings = {}): Layer => layerOf("max_pool1d", settings);
/** The mean of each window of a sequence. */
export const avgPool1d = (settings: MeanPoolSettings = {}): Layer => layerOf("avg_pool1d", meanSettings(settings));
/** A sequence pooled to a length. */
export const adaptivePool1d = (settings: AdaptivePoolSettings = {}): Layer => layerOf("adaptive_pool1d", settings);

const sequencePool = (op: OpName, doc: string): LayerRow =>
  builtRow(`${op}1d`, {
    family: "pooling",
    doc,
    settings: OPS[op].attributes,
    rmil: writtenOneHigh(`${op}1d`, op),
    build: (given) => {
      const { g, x, settings } = given;
      const y = useOp(given, op, [g.reshape(x, asImage(`${op}1d`, x.type))], oneHigh(settings));
      return g.reshape(y, [...x.type.shape.slice(0, 2), y.type.shape[3]]);
    },
  });

/** All positions as one row, of which there is one largest element. */
const writtenLargest: LayerRow["rmil"] = (_, { types: [x] }, [y]) => {
  const [batch, channels, ...positions] = x.shape;
  if (positions.length === 0) return "identity";
  const row = reshapedTo([batch, channels, 1, multiplyDimensions(...positions)]);
  return `(${row} >> adaptive_pool(kind: #max, size: (1, 1)) >> ${reshapedTo(y.shape)})`;
};

/** The rows. */
export const POOLING: ReadonlyArray<LayerRow> = [
  opRow("max_pool", "pooling"),
  opRow("avg_pool", "pooling"),
  opRow("adaptive_pool", "pooling"),
  opRow("global_pool", "pooling", { properties: { linear: true } }),
  builtRow("global_max_pool", {
    family: "pooling",
    doc: "The largest element over all positions.",
    rmil: writtenLargest,
    build: ({ g, x }) => x.type.shape.length <= 2 ? x : g.reduce("max", x, [...x.type.shape.keys()].slice(2)),
  }),
  sequencePool("max_pool", "Largest element of each window of a sequence; the border never wins."),
  sequencePool("avg_pool", "Mean of each window of a sequence."),
  sequencePool("adaptive_pool", "Pools a sequence to a length: window i of n covers floor(i·l/n) to ceil((i+1)·l/n)."),
];
