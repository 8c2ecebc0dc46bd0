/**
 * Attention: positions that look at others, by several heads.
 *
 * Without settings of its own it is the language's op `attn`; grouped heads, rotated positions, distances, windows,
 * additive masks, dropped weights and what is kept from run to run are added here.
 * Invariant: a query sees the key of its own position and earlier ones where it is causal, whatever is kept.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import { isFloat, printType, subtractDimensions, type Value } from "../../ir/library.ts";
import { hiddenScore, joinHeads, OPS, splitHeads, turned, withDistances } from "../../rmil/library.ts";
import { unfitInput } from "../failures.ts";
import { featuresOf } from "./affine.ts";
import { CACHE_SETTING, keepSteps, keptPositions, keptState, positionsBefore } from "./cache.ts";
import { type Building, type Layer, layerOf, type LayerRow, NONE, setting, settingOf } from "./layer.ts";
import { STARTS, useOp } from "./op_row.ts";
import { flagOf, numberOf, type Settings } from "./settings.ts";

/** What attention is told. */
export interface AttentionSettings {
  /** Heads; 1 where absent. */
  readonly heads?: number;
  /** Heads of keys and values, each used by several of queries; as many as heads where absent. */
  readonly kvHeads?: number;
  /** Features of all heads together; the input's where absent. */
  readonly width?: number;
  /** Whether a position sees only itself and earlier ones. */
  readonly causal?: boolean;
  /** How many positions a causal one sees, itself included; all where absent. */
  readonly window?: number;
  /** Whether queries and keys are turned by their positions. */
  readonly rope?: boolean;
  /** Base of the wavelengths of `rope`. */
  readonly base?: number;
  /** Whether distance lowers scores. */
  readonly alibi?: boolean;
  /** Whether learned shifts are added. */
  readonly bias?: boolean;
  /** Whether a key stands for the step before its position, so that a query finds what followed steps like its own. */
  readonly recall?: boolean;
  /** Share of the weights dropped while training. */
  readonly drop?: number;
}

/** Settings as rows have them. */
export const attentionSettings = ({ kvHeads, ...settings }: AttentionSettings): object => ({
  ...settings,
  kv_heads: kvHeads,
});

/**
 * Multi-head attention of a sequence to itself, or to a second input, under a mask where there is a third.
 *
 * @example
 * ```ts
 * import { attention, networkOfLayers } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const network = networkOfLayers(attention({ heads: 4, kvHeads: 2, causal: true, rope: true }), { x: "f32[B,16,32]" });
 * assert.deepEqual(network.parameters.map(({ type }) => type.shape), [[32, 32], [32, 16], [32, 16], [32, 32]]);
 * ```
 */
export const attention = (settings: AttentionSettings = {}): Layer => layerOf("attn", attentionSettings(settings));

/** Settings of attention beyond those of the language's op. */
export const MORE_SETTINGS: LayerRow["settings"] = [
  setting("kv_heads", "size", "Heads of keys and values; as many as heads where absent."),
  setting("window", "count", "Positions that a causal one sees, itself included; 0: all.", { default: 0 }),
  setting("rope", "flag", "Whether queries and keys are turned by their positions.", { default: false }),
  settingOf("rope", "base"),
  setting("alibi", "flag", "Whether distance lowers scores.", { default: false }),
  setting("recall", "flag", "Whether a key stands for the step before its position.", { default: false }),
  setting("drop", "rate", "Share of the weights dropped while training.", { default: 0 }),
  CACHE_SETTING,
];

/** Whether the op of the language does all that is asked. */
const isPlain = (settings: Settings, mask: Value | undefined): boolean =>
  settings.kv_heads === undefined && numberOf(settings, "window") === 0 && numberOf(settings, "drop") === 0 &&
  numberOf(settings, "cache") === 0 && !["rope", "alibi", "recall"].some((name) => flagOf(settings, name)) &&
  (mask === undefined || mask.type.dtype === "bool");

/** The heads of an attention and their sizes. */
interface Heads {
  readonly count: number;
  readonly shared: number;
  readonly each: number;
}

const headsOf = ({ settings, x }: Building): Heads => {
  const count = numberOf(settings, "heads");
  const shared = numberOf(settings, "kv_heads", count);
  const width = numberOf(settings, "width", featuresOf("attn", x));
  const unfit = (reason: string) => unfitInput({ kind: "attn", found: printType(x.type), reason });
  if (width % count !== 0) throw unfit(`${count} heads do not divide a width of ${width}`);
  if (count % shared !== 0) throw unfit(`${shared} heads of keys do not divide ${count} heads`);
  return { count, shared, each: width / count };
};

/** A learned map to heads: [..., s, n] as [..., heads, s, each]. */
const projected = (given: Building, from: Value, name: string, heads: number, each: number): Value => {
  const { g, parameter, settings } = given;
  const [features, width] = [featuresOf("attn", from), heads * each];
  const mapped = g.matmul(from, parameter(name, [features, width], STARTS.glorot(features, width)));
  const made = flagOf(settings, "bias") ? g.add(mapped, parameter(`${name}_bias`, [width], { kind: "zeros" })) : mapped;
  return splitHeads(g, made, heads, each);
};

/** [..., shared, t, d] as [..., count, t, d], each head used by several. */
const spread = ({ g }: Building, x: Value, { count, shared }: Heads): Value => {
  if (count === shared) return x;
  const { shape } = x.type;
  const lead = shape.slice(0, -3);
  const [steps, features] = shape.slice(-2);
  const axes = [...lead.map((_, axis) => axis), lead.length, lead.length + 2, lead.length + 3];
  const wide = g.broadcast(x, [...lead, shared, count / shared, steps, features], axes);
  return g.reshape(wide, [...lead, count, steps, features]);
};

/** Where queries and keys stand, as i64[s] and i64[t]. */
interface Places {
  readonly queries: Value;
  readonly keys: Value;
}

/** i64[s, t] of the queries' positions less the keys'. */
const distances = ({ g }: Building, { queries, keys }: Places): Value => {
  const plane: ReadonlyArray<Dimension> = [queries.type.shape[0], keys.type.shape[0]];
  return g.sub(g.broadcast(queries, plane, [0]), g.broadcast(keys, plane, [1]));
};

/** What a query sees by position; undefined where it sees all. */
const visible = (given: Building, places: Places): Value | undefined => {
  const { g, settings } = given;
  if (!flagOf(settings, "causal")) return undefined;
  const distance = distances(given, places);
  const past = g.compare("ge", distance, 0);
  const window = numberOf(settings, "window");
  const near = window === 0 ? past : g.and(past, g.compare("lt", distance, window));
  if (keptPositions(given) === 0) return near;
  const there = g.compare("ge", places.keys, 0);
  return g.and(near, g.broadcast(there, near.type.shape, [1]));
};

/** A mask of [..., s, t] or of [..., heads, s, t] as scores have it. */
const perHead = ({ g }: Building, mask: Value, scores: Value): Value => {
  const { shape } = mask.type;
  const rank = scores.type.shape.length;
  const wide = shape.length > 2 && shape.length < rank
    ? g.reshape(mask, [...shape.slice(0, -2), 1, ...shape.slice(-2)])
    : mask;
  return g.broadcastTo(wide, scores.type.shape);
};

const masked = (given: Building, scores: Value, mask: Value | undefined, places: Places): Value => {
  const { g } = given;
  const hidden = hiddenScore(scores.type.dtype);
  const seen = visible(given, places);
  const near = seen === undefined ? scores : g.select(g.broadcastTo(seen, scores.type.shape), scores, hidden);
  if (mask === undefined) return near;
  const own = perHead(given, mask, scores);
  return own.type.dtype === "bool" ? g.select(own, near, hidden) : g.add(near, g.cast(own, near.type.dtype));
};

const positionsOf = ({ g }: Building, x: Value, before?: Value): Value => {
  const steps = g.iota("i64", [x.type.shape.at(-2)!], 0);
  return before === undefined ? steps : g.add(steps, before);
};

/** The steps before those of a sequence: zeros before the first, or the last one of the run before. */
const stepsBefore = (given: Building, x: Value): Value => {
  const { g, scope } = given;
  const { shape, dtype } = x.type;
  const axis = shape.length - 2;
  const one = shape.with(axis, 1);
  const keeps = keptPositions(given) > 0;
  const first = keeps ? keptState(given, "step", one, dtype) : g.full({ dtype, shape: one }, 0);
  const whole = g.concat([first, x], axis);
  const steps = shape[axis];
  if (keeps) scope.update("step", g.sliceAxis(x, axis, subtractDimensions(steps, 1), steps));
  return g.sliceAxis(whole, axis, 0, steps);
};

/** Refuses what cannot be: a window of what looks ahead, and pieces of it or longer than what is kept allows. */
const checkLook = ({ x, settings }: Building, keeps: boolean): void => {
  const unfit = (reason: string) => unfitInput({ kind: "attn", found: printType(x.type), reason });
  const [window, kept] = [numberOf(settings, "window"), numberOf(settings, "cache")];
  const causal = flagOf(settings, "causal");
  if (window > 0 && !causal) throw unfit("only what is causal has a window");
  if (!keeps) return;
  if (!causal) throw unfit("what looks ahead cannot be given in pieces");
  const steps = Number(x.type.shape.at(-2));
  const needed = window === 0 ? steps : window + steps - 1;
  if (needed > kept) throw unfit(`${needed} positions are looked at, and ${kept} are kept`);
};

const attended = (given: Building, context: Value, mask: Value | undefined): Value => {
  const { g, x, settings, parameter } = given;
  const heads = headsOf(given);
  const keeps = keptPositions(given) > 0 && context === x;
  checkLook(given, keeps);
  const before = keeps ? positionsBefore(given, x.type.shape.at(-2)!) : undefined;
  const turn = (y: Value): Value => flagOf(settings, "rope") ? turned(g, y, numberOf(settings, "base"), before) : y;
  const q = turn(projected(given, x, "query", heads.count, heads.each));
  const keyed = flagOf(settings, "recall") ? stepsBefore(given, context) : context;
  const k = turn(projected(given, keyed, "key", heads.shared, heads.each));
  const v = projected(given, context, "value", heads.shared, heads.each);
  const kept = before === undefined ? undefined : keepSteps(given, "keys", k, before);
  const values = before === undefined ? v : keepSteps(given, "values", v, before).rows;
  const places = { queries: positionsOf(given, x, before), keys: kept?.positions ?? positionsOf(given, context) };
  const keys = spread(given, kept?.rows ?? k, heads);
  const rank = keys.type.shape.length;
  const across = keys.type.shape.map((_, axis) => axis < rank - 2 ? axis : 2 * rank - 3 - axis);
  const scores = g.mul(g.matmul(q, g.transpose(keys, across)), 1 / Math.sqrt(heads.each));
  const far = flagOf(settings, "alibi") ? withDistances(g, scores, g.abs(distances(given, places))) : scores;
  const weights = g.softmax(masked(given, far, mask, places), -1);
  const rate = numberOf(settings, "drop");
  const left = rate > 0 ? useOp(given, "drop", [weights], { rate }) : weights;
  const width = heads.count * heads.each;
  const joined = joinHeads(g, g.matmul(left, spread(given, values, heads)), width);
  const features = featuresOf("attn", x);
  const out = g.matmul(joined, parameter("output", [width, features], STARTS.glorot(width, features)));
  return flagOf(settings, "bias") ? g.add(out, parameter("output_bias", [features], { kind: "zeros" })) : out;
};

/** A mask [..., 1, t] as [..., s, t]. */
const wholeMask = ({ g, x }: Building, mask: Value | undefined): Value | undefined => {
  const rows = mask?.type.shape.at(-2);
  if (mask === undefined || rows !== 1) return mask;
  const { shape } = mask.type;
  return g.broadcastTo(mask, shape.with(shape.length - 2, x.type.shape.at(-2)!));
};

/** A second input of bools is the mask of self-attention. */
const looked = (given: Building): Value => {
  const { inputs: [x, second, third], settings } = given;
  const isMask = second !== undefined && second.type.dtype === "bool" && third === undefined;
  const context = isMask ? x : second ?? x;
  const mask = wholeMask(given, isMask ? second : third);
  if (!isFloat(context.type.dtype)) {
    const reason = "its second input is what it attends to, or a mask of bools";
    throw unfitInput({ kind: "attn", found: printType(context.type), reason });
  }
  if (!isPlain(settings, mask)) return attended(given, context, mask);
  return useOp(given, "attn", mask === undefined ? [x, ...second === undefined ? [] : [context]] : [x, context, mask]);
};

/** The rows. */
export const ATTENTION: ReadonlyArray<LayerRow> = [
  {
    kind: "attn",
    family: "attention",
    doc: "Multi-head scaled dot-product attention of a sequence to itself or to a second input, under masks.",
    settings: [...OPS.attn.attributes, ...MORE_SETTINGS],
    inputs: { least: 1, most: 3 },
    parts: NONE,
    op: "attn",
    build: looked,
    source: "Vaswani et al. 2017; grouped heads: Ainslie et al. 2023",
  },
];
