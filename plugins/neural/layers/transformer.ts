/**
 * Transformer: blocks of attention and feed-forward layers, each beside what it is given.
 *
 * Invariant: a block gives what it is given the shape of, so blocks can be repeated.
 *
 * @module
 */
import type { Value } from "../../ir/library.ts";
import { type AttentionSettings, attentionSettings, MORE_SETTINGS } from "./attention.ts";
import { feedForward } from "./feed_forward.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, named, setting, settingOf } from "./layer.ts";
import { dropout, dropPath } from "./regularisation.ts";
import { flagOf, numberOf, type Settings, textOf } from "./settings.ts";
import { repeated, sequential } from "./structure.ts";

/** What a block is told. */
export interface BlockSettings extends Omit<AttentionSettings, "width"> {
  /** Features inside the feed-forward layer; four times the input's where absent. */
  readonly inner?: number;
  /** Kind of the activation; `gelu` where absent. */
  readonly activation?: string;
  /** Whether the activation of one map gates another. */
  readonly gated?: boolean;
  /** Where the norms stand: `pre`: x + f(norm x); `post`: norm(x + f x); `none`. */
  readonly order?: "pre" | "post" | "none";
  /** Kind of the norms: `layer_norm`, `rms_norm` or any other. */
  readonly norm?: string;
  /** Share of samples that skip a part of the block while training. */
  readonly dropPath?: number;
}

const blockSettings = ({ dropPath: path, ...settings }: BlockSettings): object => ({
  ...attentionSettings(settings),
  drop_path: path,
});

/** Self-attention and a feed-forward layer, under a mask where there is a second input. */
export const encoderBlock = (settings: BlockSettings = {}): Layer => layerOf("encoder_block", blockSettings(settings));

/** Causal self-attention, attention to a second input and a feed-forward layer; a third input masks the second. */
export const decoderBlock = (settings: BlockSettings = {}): Layer => layerOf("decoder_block", blockSettings(settings));

/**
 * Encoder blocks, one after another.
 *
 * @example
 * ```ts
 * import { networkOfLayers, transformer } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const network = networkOfLayers(transformer(2, { heads: 2, causal: true }), { x: "f32[B,16,8]" });
 * assert.deepEqual(network.outputs[0].type.shape, ["B", 16, 8]);
 * ```
 */
export const transformer = (blocks: number, settings: BlockSettings = {}): Layer =>
  repeated(blocks, encoderBlock(settings));

/** Settings that a block gives its attention, beside whether it is causal. */
const ATTENTION_NAMES = ["heads", "bias", ...MORE_SETTINGS.map(({ name }) => name)];
const FEED_FORWARD_NAMES = ["inner", "activation", "gated", "bias", "drop"];

const taken = (settings: Settings, names: ReadonlyArray<string>): Settings =>
  Object.fromEntries(names.map((name) => [name, settings[name]]).filter(([, value]) => value !== undefined));

/** A part of a block beside what it is given, with norm, dropout and drop path as the block is told. */
const beside = (given: Building, name: string, x: Value, part: Layer, more: ReadonlyArray<Value>): Value => {
  const { g, settings, build } = given;
  const order = textOf(settings, "order");
  const normed = (y: Value): Value => build(layerOf(textOf(settings, "norm")), [y], `${name}_norm`)[0];
  const made = build(named(name, part), [order === "pre" ? normed(x) : x, ...more], name)[0];
  const [rate, path] = [numberOf(settings, "drop"), numberOf(settings, "drop_path")];
  const dropped = rate > 0 ? build(dropout({ rate }), [made], "drop")[0] : made;
  const left = path > 0 ? build(dropPath({ rate: path }), [dropped], "drop_path")[0] : dropped;
  const sum = g.add(x, left);
  return order === "post" ? normed(sum) : sum;
};

const attentionOf = (settings: Settings, causal: boolean): Layer =>
  layerOf("attn", { ...taken(settings, ATTENTION_NAMES), causal });

const feedForwardOf = (settings: Settings): Layer => ({
  ...feedForward(),
  settings: taken(settings, FEED_FORWARD_NAMES),
});

const encoder = (given: Building): Value => {
  const { settings, inputs: [x, ...mask] } = given;
  const mixed = beside(given, "attention", x, attentionOf(settings, flagOf(settings, "causal")), mask);
  return beside(given, "feed_forward", mixed, feedForwardOf(settings), []);
};

/** Without a mask a block is two residual blocks; the language has no form for the mask that stands beside them. */
const encoderWritten: LayerRow["written"] = ({ settings, types }) => {
  if (types.length > 1) return undefined;
  const order = taken(settings, ["order", "norm", "drop", "drop_path"]);
  return sequential(
    layerOf("residual_block", order, [attentionOf(settings, flagOf(settings, "causal"))]),
    layerOf("residual_block", order, [feedForwardOf(settings)]),
  );
};

/** Attention to another sequence knows no positions of its own and keeps nothing. */
const CROSS = { rope: false, alibi: false, window: 0, cache: 0 };

const decoder = (given: Building): Value => {
  const { settings, inputs: [x, ...context] } = given;
  const own = beside(given, "attention", x, attentionOf(settings, true), []);
  const mixed = beside(given, "cross_attention", own, attentionOf({ ...settings, ...CROSS }, false), context);
  return beside(given, "feed_forward", mixed, feedForwardOf(settings), []);
};

const BLOCK_SETTINGS: LayerRow["settings"] = [
  settingOf("attn", "heads"),
  setting("bias", "flag", "Whether learned shifts are added.", { default: true }),
  ...MORE_SETTINGS,
  setting("inner", "size", "Features inside the feed-forward layer; four times the input's where absent."),
  setting("activation", "name", "Kind of the activation.", { default: "gelu" }),
  setting("gated", "flag", "Whether the activation of one map gates another.", { default: false }),
  setting("order", "choice", "Where the norms stand.", { choices: ["pre", "post", "none"], default: "pre" }),
  setting("norm", "name", "Kind of the norms.", { default: "layer_norm" }),
  setting("drop_path", "rate", "Share of samples that skip a part while training.", { default: 0 }),
];

/** The rows. */
export const TRANSFORMER: ReadonlyArray<LayerRow> = [
  builtRow("encoder_block", {
    family: "attention",
    doc: "Self-attention and a feed-forward layer, each beside what it is given.",
    settings: [settingOf("attn", "causal"), ...BLOCK_SETTINGS],
    inputs: { least: 1, most: 2 },
    written: encoderWritten,
    build: encoder,
    source: "Vaswani et al. 2017; norms before: Xiong et al. 2020",
  }),
  builtRow("decoder_block", {
    family: "attention",
    doc: "Causal self-attention, attention to a second input and a feed-forward layer, each beside what it is given.",
    settings: BLOCK_SETTINGS,
    inputs: { least: 2, most: 3 },
    build: decoder,
    source: "Vaswani et al. 2017",
  }),
];
