/**
 * Pooling: one element for each window of positions.
 *
 * Pools of sequences are the language's pools of images that are one row high.
 * Invariant: channels do not mix, and a border never wins a maximum.
 *
 * @module
 */
import type { Shape, TensorType } from "../../ir/contract.ts";
import { printType } from "../../ir/library.ts";
import { type AttributeValue, type OpName, OPS } from "../../rmil/library.ts";
import { unfitInput } from "../failures.ts";
import type { PerAxis } from "./convolution.ts";
import { builtRow, type Layer, layerOf, type LayerRow } from "./layer.ts";
import { opRow, opText, useOp } from "./op_row.ts";
import type { Settings } from "./settings.ts";
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

/** What a row of height one has where a setting is for height and width. */
const ONE_HIGH: { readonly [name: string]: number } = { window: 1, stride: 1, padding: 0, size: 1 };

const oneHigh = (settings: Settings): Settings =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]): readonly [string, AttributeValue | undefined] => [
      name,
      Object.hasOwn(ONE_HIGH, name) && value !== undefined ? [ONE_HIGH[name], ...[value as number].flat()] : value,
    ]),
  );

/** The sizes of a sequence as an image of one row. */
const asImage = (kind: string, x: TensorType): Shape => {
  if (x.shape.length !== 3) {
    throw unfitInput({ kind, found: printType(x), reason: "it takes [batch, channels, steps]" });
  }
  return [x.shape[0], x.shape[1], 1, x.shape[2]];
};

const sequencePool = (op: OpName, doc: string): LayerRow =>
  builtRow(`${op}1d`, {
    family: "pooling",
    doc,
    settings: OPS[op].attributes,
    rmil: (_, { settings, types: [x] }, [y]) =>
      `(${reshapedTo(asImage(`${op}1d`, x))} >> ${opText(op, oneHigh(settings))} >> ${reshapedTo(y.shape)})`,
    build: (given) => {
      const { g, x, settings } = given;
      const y = useOp(given, op, [g.reshape(x, asImage(`${op}1d`, x.type))], oneHigh(settings));
      return g.reshape(y, [...x.type.shape.slice(0, 2), y.type.shape[3]]);
    },
  });

/** The rows. */
export const POOLING: ReadonlyArray<LayerRow> = [
  opRow("max_pool", "pooling"),
  opRow("avg_pool", "pooling"),
  opRow("adaptive_pool", "pooling"),
  opRow("global_pool", "pooling", { properties: { linear: true } }),
  builtRow("global_max_pool", {
    family: "pooling",
    doc: "The largest element over all positions.",
    build: ({ g, x }) => x.type.shape.length <= 2 ? x : g.reduce("max", x, [...x.type.shape.keys()].slice(2)),
  }),
  sequencePool("max_pool", "Largest element of each window of a sequence; the border never wins."),
  sequencePool("avg_pool", "Mean of each window of a sequence."),
  sequencePool("adaptive_pool", "Pools a sequence to a length: window i of n covers floor(i·l/n) to ceil((i+1)·l/n)."),
];
