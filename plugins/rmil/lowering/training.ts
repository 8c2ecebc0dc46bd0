/**
 * Training: losses and optimiser steps.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../../ir/library.ts";
import { flag, type Lower, type Lowering, type Lowerings, number } from "./lowering.ts";

type LossName = "mse_loss" | "cross_entropy" | "bce_loss" | "nll_loss" | "huber_loss" | "kl_div";
type StepName = "sgd_step" | "adam_step" | "adamw_step" | "rmsprop_step";

/** Below this a logarithm of a probability is cut, so that a wrong certainty costs much but not everything. */
const LEAST_LOG = -100;

const reduced = ({ g, settings }: Lowering, losses: Value): Value =>
  settings.reduction === "none" ? losses : settings.reduction === "sum" ? g.reduce("sum", losses) : g.mean(losses);

const picked = (g: FunctionBuilder, x: Value, target: Value): Value => {
  const { shape } = target.type;
  return g.reshape(g.takeAlong(x, g.reshape(target, [...shape, 1]), -1), shape);
};

const crossEntropy: Lower = (given) => {
  const { g, operands: { x, target }, settings } = given;
  const smoothing = number(settings, "smoothing");
  const logs = g.logSoftmax(x, -1);
  const isClasses = target.type.dtype !== x.type.dtype;
  const own = isClasses ? g.neg(picked(g, logs, target)) : g.neg(g.reduce("sum", g.mul(target, logs), [-1]));
  if (smoothing === 0) return reduced(given, own);
  const spread = g.neg(g.mean(logs, [-1]));
  return reduced(given, g.add(g.mul(own, 1 - smoothing), g.mul(spread, smoothing)));
};

const bce: Lower = (given) => {
  const { g, operands: { x, target }, settings } = given;
  if (flag(settings, "logits")) {
    // max(x, 0) as half of x and |x|, whose derivative at 0 is that of the loss.
    const size = g.abs(x);
    const bounded = g.sub(g.add(g.mul(x, 0.5), g.mul(size, 0.5)), g.mul(x, target));
    return reduced(given, g.add(bounded, g.log1p(g.exp(g.neg(size)))));
  }
  const yes = g.mul(target, g.max(g.log(x), LEAST_LOG));
  const no = g.mul(g.sub(1, target), g.max(g.log(g.sub(1, x)), LEAST_LOG));
  return reduced(given, g.neg(g.add(yes, no)));
};

const huber: Lower = (given) => {
  const { g, operands: { x, target }, settings } = given;
  const delta = number(settings, "delta");
  const distance = g.abs(g.sub(x, target));
  const square = g.mul(g.mul(distance, distance), 0.5);
  const line = g.mul(g.sub(distance, delta / 2), delta);
  return reduced(given, g.select(g.compare("le", distance, delta), square, line));
};

const divergence: Lower = (given) => {
  const { g, operands: { x, target }, settings } = given;
  if (flag(settings, "log_target")) return reduced(given, g.mul(g.exp(target), g.sub(target, x)));
  const isPositive = g.compare("gt", target, 0);
  const logs = g.log(g.select(isPositive, target, 1));
  return reduced(given, g.select(isPositive, g.mul(target, g.sub(logs, x)), 0));
};

/** Losses. */
export const lossLowerings: Lowerings<LossName> = {
  mse_loss: (given) => {
    const { g, operands: { x, target } } = given;
    const distance = g.sub(x, target);
    return reduced(given, g.mul(distance, distance));
  },
  cross_entropy: crossEntropy,
  bce_loss: bce,
  nll_loss: (given) => reduced(given, given.g.neg(picked(given.g, given.operands.x, given.operands.target))),
  huber_loss: huber,
  kl_div: divergence,
};

const decayed = ({ g, operands: { parameter, gradient }, settings }: Lowering): Value => {
  const decay = number(settings, "decay");
  return decay === 0 ? gradient : g.add(gradient, g.mul(parameter, decay));
};

const sgd: Lower = (given) => {
  const { g, operands: { parameter, velocity }, settings } = given;
  const [rate, momentum] = [number(settings, "rate"), number(settings, "momentum")];
  const gradient = decayed(given);
  if (momentum === 0) return g.sub(parameter, g.mul(gradient, rate));
  const moved = velocity === undefined ? gradient : g.add(g.mul(velocity, momentum), gradient);
  const way = flag(settings, "nesterov") ? g.add(gradient, g.mul(moved, momentum)) : moved;
  return { tuple: [g.sub(parameter, g.mul(way, rate)), moved] };
};

const adam = (isDecoupled: boolean): Lower => (given) => {
  const { g, operands: o, settings } = given;
  const [rate, beta1, beta2] = [number(settings, "rate"), number(settings, "beta1"), number(settings, "beta2")];
  const zero = g.zerosLike(o.parameter);
  const gradient = isDecoupled ? o.gradient : decayed(given);
  const blend = (old: Value, now: Value, share: number): Value => g.add(g.mul(old, share), g.mul(now, 1 - share));
  const first = blend(o.first ?? zero, gradient, beta1);
  const second = blend(o.second ?? zero, g.mul(gradient, gradient), beta2);
  const step = g.add(o.step ?? g.full({ dtype: "i64", shape: [] }, 0), 1);
  const turns = g.cast(step, "f64");
  const correction = (beta: number): Value =>
    g.cast(g.sub(1, g.exp(g.mul(turns, Math.log(beta === 0 ? Number.MIN_VALUE : beta)))), first.type.dtype);
  const root = g.add(g.sqrt(g.div(second, correction(beta2))), number(settings, "epsilon"));
  const way = g.mul(g.div(g.div(first, correction(beta1)), root), rate);
  const kept = isDecoupled ? g.mul(o.parameter, 1 - rate * number(settings, "decay")) : o.parameter;
  return { tuple: [g.sub(kept, way), first, second, step] };
};

const rmsprop: Lower = (given) => {
  const { g, operands: { parameter, square }, settings } = given;
  const alpha = number(settings, "alpha");
  const gradient = decayed(given);
  const now = g.mul(g.mul(gradient, gradient), 1 - alpha);
  const running = square === undefined ? now : g.add(g.mul(square, alpha), now);
  const way = g.div(gradient, g.add(g.sqrt(running), number(settings, "epsilon")));
  return { tuple: [g.sub(parameter, g.mul(way, number(settings, "rate"))), running] };
};

/** Optimiser steps. */
export const stepLowerings: Lowerings<StepName> = {
  sgd_step: sgd,
  adam_step: adam(false),
  adamw_step: adam(true),
  rmsprop_step: rmsprop,
};
