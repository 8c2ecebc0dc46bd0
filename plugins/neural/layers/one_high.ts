/**
 * One high: sequences as images that are one row high, so that ops of images serve them.
 *
 * Invariant: elements stay as they are and where they are; only sizes differ.
 *
 * @module
 */
import type { Dimension, Shape, TensorType } from "../../ir/contract.ts";
import { printType } from "../../ir/library.ts";
import type { AttributeValue, OpName } from "../../rmil/library.ts";
import { unfitInput } from "../failures.ts";
import type { LayerRow } from "./layer.ts";
import { opText } from "./op_row.ts";
import type { Settings } from "./settings.ts";
import { reshapedTo } from "./structure.ts";

/** What a row of height one has where a setting is for height and width. */
const ONE_HIGH: { readonly [name: string]: number } = {
  window: 1,
  kernel: 1,
  stride: 1,
  dilation: 1,
  padding: 0,
  size: 1,
};

/** Settings for a sequence as those for an image. */
export const oneHigh = (settings: Settings): Settings =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]): readonly [string, AttributeValue | undefined] => [
      name,
      Object.hasOwn(ONE_HIGH, name) && value !== undefined ? [ONE_HIGH[name], ...[value as number].flat()] : value,
    ]),
  );

/** The sizes of a sequence as an image of one row. */
export const asImage = (kind: string, x: TensorType): readonly [Dimension, Dimension, 1, Dimension] => {
  if (x.shape.length !== 3) {
    throw unfitInput({ kind, found: printType(x), reason: "it takes [batch, channels, steps]" });
  }
  return [x.shape[0], x.shape[1], 1, x.shape[2]];
};

/** An op of images on a sequence, in the language. */
export const writtenOneHigh = (kind: string, op: OpName): NonNullable<LayerRow["rmil"]> => (_, given, [y]) => {
  const { settings, types: [x] } = given;
  const sizes: Shape = asImage(kind, x);
  return `(${reshapedTo(sizes)} >> ${opText(op, oneHigh(settings))} >> ${reshapedTo(y.shape)})`;
};
