/**
 * Cache: what a sequence layer keeps from run to run, so that a sequence can be given in pieces.
 *
 * Not the loop that decodes (decoding.ts makes a network of it). What is kept is state of the network, so it stays on the
 * device.
 * Invariant: runs over the pieces of a sequence give what one run over the whole gives, up to rounding, while no run is
 * longer than what is kept allows.
 *
 * @module
 */
import type { AttributeRow } from "../../rmil/library.ts";
import type { Dimension, Dtype } from "../../ir/contract.ts";
import type { Initializer } from "../contract.ts";
import type { Value } from "../../ir/library.ts";
import { sizeUnknown } from "../failures.ts";
import { type Building, setting } from "./layer.ts";
import { numberOf } from "./settings.ts";

/** The name of the setting. */
export const CACHE = "cache";

/** How much a layer keeps. */
export const CACHE_SETTING: AttributeRow = setting(
  CACHE,
  "count",
  "Positions kept from run to run, so that a sequence can be given in pieces; 0: each run is a sequence of its own.",
  { default: 0 },
);

/** How many positions a layer keeps; 0: none. */
export const keptPositions = ({ settings }: Building): number => numberOf(settings, CACHE);

const ZEROS: Initializer = { kind: "zeros" };

const known = (kind: string, what: string, size: Dimension): number => {
  if (typeof size === "number") return size;
  throw sizeUnknown({ kind, what, size });
};

/** A tensor that a layer keeps: its sizes must be known. */
export const keptState = (given: Building, name: string, shape: ReadonlyArray<Dimension>, dtype: Dtype): Value =>
  given.scope.state(name, shape.map((size) => known(given.layer.kind, `its ${name}`, size)), ZEROS, dtype);

/** How many positions came before this run; after it, those of this run are counted too. */
export const positionsBefore = (given: Building, steps: Dimension): Value => {
  const { g, scope } = given;
  const before = keptState(given, "position", [], "i64");
  scope.update("position", g.add(before, known(given.layer.kind, "the steps of a run", steps)));
  return before;
};

/** A tensor along whose steps a layer looks back, and the positions its steps stand for. */
export interface Kept {
  /** [..., kept, features]. */
  readonly rows: Value;
  /** i64[kept]: the position of each step; negative where there is none yet. */
  readonly positions: Value;
}

/** Puts the steps of this run, [..., steps, features], in the place of the oldest ones. */
export const keepSteps = (given: Building, name: string, rows: Value, before: Value): Kept => {
  const { g, scope } = given;
  const kept = keptPositions(given);
  const { shape, dtype } = rows.type;
  const axis = shape.length - 2;
  const steps = known(given.layer.kind, "the steps of a run", shape[axis]);
  const held = keptState(given, name, shape.with(axis, kept), dtype);
  const places = g.rem(g.add(g.iota("i64", [steps], 0), before), kept);
  const next = g.scatter(held, places, rows, axis, "set");
  scope.update(name, next);
  const last = g.add(before, steps - 1);
  // The place of a position is its remainder, so a place holds the last position before the end with that remainder.
  const back = g.rem(g.add(g.rem(g.sub(last, g.iota("i64", [kept], 0)), kept), kept), kept);
  return { rows: next, positions: g.sub(last, back) };
};
