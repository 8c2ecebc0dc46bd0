/**
 * Layers: products, convolution, attention, embedding, dropout, softmax.
 *
 * @module
 */
import type { Dimension, Dtype } from "../../ir/contract.ts";
import { type FunctionBuilder, quotientOf, type Value } from "../../ir/library.ts";
import { wrongShape } from "../interpreter/failures.ts";
import { flag, type Lower, type Lowering, type Lowerings, number, pair, perChannel, size } from "./lowering.ts";

type LayerName = "matmul" | "linear" | "conv2d" | "attn" | "embed" | "drop" | "softmax";

/** Scores that no softmax can see, finite so that a row without any stays defined. */
const HIDDEN_SCORE = -1e30;
const HIDDEN_SCORE_F16 = -65504;

const shifted = (g: FunctionBuilder, y: Value, bias: Value | undefined): Value =>
  bias === undefined ? y : g.add(y, bias);

const linear: Lower = ({ g, operands: { x }, parameters: { weight, bias } }) => shifted(g, g.matmul(x, weight), bias);

const conv2d: Lower = ({ op, g, operands: { x }, parameters: { weight, bias }, settings }) => {
  const kernel = pair(op, settings, "kernel");
  const dilation = pair(op, settings, "dilation");
  const border = kernel.map((extent, i) => (extent - 1) * dilation[i]);
  const given = settings.padding === undefined ? undefined : pair(op, settings, "padding");
  const y = g.conv(x, weight, {
    strides: pair(op, settings, "stride"),
    dilation,
    groups: number(settings, "groups"),
    low: given ?? border.map((all) => Math.floor(all / 2)),
    high: given ?? border.map((all) => all - Math.floor(all / 2)),
  });
  return bias === undefined ? y : g.add(y, perChannel(g, bias, y));
};

/** The score of what attention must not see, added before the softmax. */
export const hiddenScore = (dtype: Dtype): number => dtype === "f16" ? HIDDEN_SCORE_F16 : HIDDEN_SCORE;

/** [..., s, h·d] as [..., h, s, d]. */
export const splitHeads = (g: FunctionBuilder, x: Value, heads: number, width: Dimension): Value => {
  const rank = x.type.shape.length;
  const split = g.reshape(x, [...x.type.shape.slice(0, -1), heads, width]);
  return g.transpose(split, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2, rank]);
};

/** [..., h, s, d] as [..., s, h·d]. */
export const joinHeads = (g: FunctionBuilder, x: Value, width: Dimension): Value => {
  const rank = x.type.shape.length;
  const order = [...Array.from({ length: rank - 3 }, (_, i) => i), rank - 2, rank - 3, rank - 1];
  const moved = g.transpose(x, order);
  return g.reshape(moved, [...moved.type.shape.slice(0, -2), width]);
};

const visibility = ({ g, operands, settings }: Lowering, q: Value, k: Value): Value | undefined => {
  const [s, t] = [q.type.shape.at(-2)!, k.type.shape.at(-2)!];
  const causal = flag(settings, "causal")
    ? g.compare("ge", g.iota("i64", [s, t], 0), g.iota("i64", [s, t], 1))
    : undefined;
  const { mask } = operands;
  if (mask === undefined) return causal;
  const { shape } = mask.type;
  const seen = shape.length > 2 ? g.reshape(mask, [...shape.slice(0, -2), 1, ...shape.slice(-2)]) : mask;
  if (causal === undefined) return seen;
  const whole = [...seen.type.shape.slice(0, -2), s, t];
  return g.and(g.broadcastTo(seen, whole), g.broadcastTo(causal, whole));
};

const attn: Lower = (given) => {
  const { op, g, operands: { x, context = x }, parameters: p, settings } = given;
  const heads = number(settings, "heads");
  const width = size(settings, "width");
  const each = quotientOf(width, heads);
  if (each === undefined) {
    throw wrongShape({
      op,
      reason: `${heads} heads do not divide a width of ${width}`,
      expected: heads,
      actual: width,
    });
  }
  const project = (from: Value, name: string): Value =>
    splitHeads(g, shifted(g, g.matmul(from, p[name]), p[`${name}_bias`]), heads, each);
  const [q, k, v] = [project(x, "query"), project(context, "key"), project(context, "value")];
  const seen = visibility(given, q, k);
  const hidden = hiddenScore(x.type.dtype);
  const bias = seen === undefined
    ? {}
    : { bias: g.select(seen, g.full({ dtype: x.type.dtype, shape: seen.type.shape }, 0), hidden) };
  const joined = joinHeads(g, g.attention(q, k, v, bias), width);
  return shifted(g, g.matmul(joined, p.output), p.output_bias);
};

const drop: Lower = ({ g, operands: { x }, settings, training, seed, stream }) => {
  const rate = number(settings, "rate");
  if (!training || rate === 0 || seed === undefined) return x;
  const drawn = g.random(seed, { dtype: "f32", shape: x.type.shape }, { distribution: "uniform", stream });
  return g.select(g.compare("ge", drawn, rate), g.mul(x, 1 / (1 - rate)), 0);
};

/** Layers. */
export const layerLowerings: Lowerings<LayerName> = {
  matmul: ({ g, operands: { x, y } }) => g.matmul(x, y),
  linear,
  conv2d,
  attn,
  embed: ({ g, operands: { indices }, parameters: { table } }) => g.gather(table, indices, 0),
  drop,
  softmax: ({ g, operands: { x }, settings }) => g.softmax(x, number(settings, "axis")),
};
