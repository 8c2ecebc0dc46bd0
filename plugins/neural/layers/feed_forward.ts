/**
 * Feed-forward: two affine maps with an activation between them, for each position alone.
 *
 * @module
 */
import { printType } from "../../ir/library.ts";
import { sizeUnknown, unfitInput } from "../failures.ts";
import { linear } from "./affine.ts";
import { type Expanding, type Layer, layerOf, type LayerRow, madeRow, named, setting } from "./layer.ts";
import { dropout } from "./regularisation.ts";
import { multiplied, parallel, sequential } from "./structure.ts";
import { flagOf, numberOf, textOf } from "./settings.ts";

/** What a feed-forward layer is told. */
export interface FeedForwardSettings {
  /** Features between the maps; four times the input's where absent. */
  readonly inner?: number;
  /** Features of the result; the input's where absent. */
  readonly width?: number;
  /** Kind of the activation; `gelu` where absent. */
  readonly activation?: string;
  /** Whether the activation of one map gates another (`silu`: SwiGLU). */
  readonly gated?: boolean;
  /** Share of the inner elements dropped. */
  readonly drop?: number;
  /** Whether learned shifts are added; true where absent. */
  readonly bias?: boolean;
}

/** Features between the maps, in multiples of the input's. */
export const INNER_FACTOR = 4;

/** Two affine maps with an activation between them. */
export const feedForward = (settings: FeedForwardSettings = {}): Layer => layerOf("feed_forward", settings);

const expanded = ({ settings, types: [x] }: Expanding): Layer => {
  const features = x.shape.at(-1);
  const kind = "feed_forward";
  if (features === undefined) throw unfitInput({ kind, found: printType(x), reason: "it has no axis of features" });
  if (typeof features !== "number") throw sizeUnknown({ kind, what: "the last axis", size: features });
  const bias = flagOf(settings, "bias");
  const inner = { width: numberOf(settings, "inner", INNER_FACTOR * features), bias };
  const activation = layerOf(textOf(settings, "activation"));
  const up = named("up", linear(inner));
  const raised = flagOf(settings, "gated")
    ? [named("", parallel(named("", sequential(named("gate", linear(inner)), activation)), up)), multiplied()]
    : [up, activation];
  const rate = numberOf(settings, "drop");
  return sequential(
    ...raised,
    ...(rate > 0 ? [dropout({ rate })] : []),
    named("down", linear({ width: numberOf(settings, "width", features), bias })),
  );
};

/** The rows. */
export const FEED_FORWARD: ReadonlyArray<LayerRow> = [
  madeRow("feed_forward", {
    family: "linear",
    doc: "Two affine maps over the last axis with an activation between them.",
    settings: [
      setting("inner", "size", "Features between the maps; four times the input's where absent."),
      setting("width", "size", "Features of the result; the input's where absent."),
      setting("activation", "name", "Kind of the activation.", { default: "gelu" }),
      setting("gated", "flag", "Whether the activation of one map gates another.", { default: false }),
      setting("drop", "rate", "Share of the inner elements dropped while training.", { default: 0 }),
      setting("bias", "flag", "Whether learned shifts are added.", { default: true }),
    ],
    expand: expanded,
    source: "Vaswani et al. 2017; gated: Shazeer 2020",
  }),
];
