/**
 * Regularisation: what makes training noisy on purpose. Otherwise these layers are the identity.
 *
 * Invariant: every draw is a function of the step's seed, the layer and the element, so a step can be repeated bit by bit;
 * the expected result is the input.
 *
 * @module
 */
import type { Value } from "../../ir/library.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, setting } from "./layer.ts";
import { opRow } from "./op_row.ts";
import { numberOf } from "./settings.ts";

/** How much is dropped. */
export interface DropSettings {
  /** Share that is dropped, from 0 to below 1. */
  readonly rate?: number;
}

/** While training, zeroes elements at random and scales the others up. */
export const dropout = (settings: DropSettings = {}): Layer => layerOf("drop", settings);

/** While training, zeroes whole samples at random and scales the others up. */
export const dropPath = (settings: DropSettings = {}): Layer => layerOf("drop_path", settings);

/** While training, zeroes whole channels (axis 1) of samples at random and scales the others up. */
export const dropChannels = (settings: DropSettings = {}): Layer => layerOf("drop_channels", settings);

/** Zeroes what lies in the same places of the first axes together. */
const droppedBy = (axes: number) => ({ x, g, scope, settings }: Building): Value => {
  const rate = numberOf(settings, "rate");
  if (!scope.training || rate === 0) return x;
  const shape = x.type.shape.map((size, axis) => axis < axes ? size : 1);
  const drawn = scope.draw({ dtype: "f32", shape }, "uniform");
  const kept = g.compare("ge", drawn, rate);
  return g.select(g.broadcastTo(kept, x.type.shape), g.mul(x, 1 / (1 - rate)), 0);
};

const rate = (doc: string) => [setting("rate", "rate", doc, { default: 0.1 })];

/** The rows. */
export const REGULARISATION: ReadonlyArray<LayerRow> = [
  opRow("drop", "regularisation"),
  builtRow("drop_path", {
    family: "regularisation",
    doc: "While training, zeroes whole samples at random and scales the others by 1/(1 − rate).",
    settings: rate("Share of samples zeroed."),
    build: droppedBy(1),
    source: "Huang et al. 2016",
  }),
  builtRow("drop_channels", {
    family: "regularisation",
    doc: "While training, zeroes whole channels of samples at random and scales the others by 1/(1 − rate).",
    settings: rate("Share of channels zeroed."),
    build: droppedBy(2),
    source: "Tompson et al. 2015",
  }),
];
