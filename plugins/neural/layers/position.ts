/**
 * Position: what tells a layer where in a sequence a step stands.
 *
 * Without anything kept from run to run these are the language's ops; with it, a run goes on counting where the last one
 * ended.
 *
 * @module
 */
import type { Value } from "../../ir/library.ts";
import { OPS, turned, withWaves } from "../../rmil/library.ts";
import { featuresOf } from "./affine.ts";
import { CACHE_SETTING, keptPositions, positionsBefore } from "./cache.ts";
import { type Building, type Layer, layerOf, type LayerRow } from "./layer.ts";
import { opRow, STARTS, useOp } from "./op_row.ts";
import { numberOf } from "./settings.ts";

/** Sines and cosines of many wavelengths, added. */
export const sinusoidalPositions = (settings: { readonly base?: number } = {}): Layer =>
  layerOf("sinusoidal_pe", settings);

/** Pairs of features turned by the position. */
export const rotaryPositions = (settings: { readonly base?: number } = {}): Layer => layerOf("rope", settings);

/** A learned row for each position, added. */
export const learnedPositions = (settings: { readonly positions?: number } = {}): Layer =>
  layerOf("learned_pe", settings);

/** Attention scores, lower with distance. */
export const distanceBias = (): Layer => layerOf("alibi");

type PositionOp = "sinusoidal_pe" | "rope" | "learned_pe";
type Placed = (given: Building, before: Value) => Value;

/** Rows of the learned table; every position after the last one shares its row. */
const learned: Placed = (given, before) => {
  const { g, x, settings, parameter } = given;
  const steps = x.type.shape.at(-2)!;
  const [positions, features] = [numberOf(settings, "positions", Number(steps)), featuresOf("learned_pe", x)];
  const table = parameter("table", [positions, features], STARTS.normal(features, 1));
  const places = g.min(g.add(g.iota("i64", [steps], 0), before), positions - 1);
  return g.add(x, g.gather(table, places, 0));
};

const PLACED: { readonly [op in PositionOp]: Placed } = {
  sinusoidal_pe: ({ g, x, settings }, before) => withWaves(g, x, numberOf(settings, "base"), before),
  rope: ({ g, x, settings }, before) => turned(g, x, numberOf(settings, "base"), before),
  learned_pe: learned,
};

const row = (op: PositionOp): LayerRow => ({
  ...opRow(op, "position"),
  settings: [...OPS[op].attributes, CACHE_SETTING],
  build: (given) =>
    keptPositions(given) === 0
      ? useOp(given, op)
      : PLACED[op](given, positionsBefore(given, given.x.type.shape.at(-2)!)),
});

/** The rows. */
export const POSITION: ReadonlyArray<LayerRow> = [
  row("sinusoidal_pe"),
  row("rope"),
  row("learned_pe"),
  opRow("alibi", "position"),
];
