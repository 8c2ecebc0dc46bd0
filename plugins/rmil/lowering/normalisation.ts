/**
 * Normalisations and pools.
 *
 * @module
 */
import { type FunctionBuilder, quotientOf, type Value } from "../../ir/library.ts";
import { wrongShape } from "../interpreter/failures.ts";
import { axesFrom, flag, type Lower, type Lowering, type Lowerings, number, pair, perChannel } from "./lowering.ts";

type NormName = "layer_norm" | "batch_norm" | "rms_norm" | "group_norm" | "instance_norm";
type PoolName = "max_pool" | "avg_pool" | "adaptive_pool" | "global_pool";

const affineLast = ({ g, parameters: { scale, shift } }: Lowering, x: Value): Value => {
  const scaled = scale === undefined ? x : g.mul(x, scale);
  return shift === undefined ? scaled : g.add(scaled, shift);
};

const affineChannels = ({ g, parameters: { scale, shift } }: Lowering, x: Value): Value => {
  const scaled = scale === undefined ? x : g.mul(x, perChannel(g, scale, x));
  return shift === undefined ? scaled : g.add(scaled, perChannel(g, shift, x));
};

const batchNorm: Lower = (given) => {
  const { g, operands: { x }, parameters: { mean, variance }, settings, training } = given;
  const epsilon = number(settings, "epsilon");
  const standard = (centre: Value, spread: Value): Value =>
    affineChannels(given, g.div(g.sub(x, centre), g.sqrt(g.add(spread, epsilon))));
  if (!training) return standard(perChannel(g, mean, x), perChannel(g, variance, x));
  const axes = [0, ...axesFrom(x, 2)];
  const momentum = number(settings, "momentum");
  const [batchMean, batchVariance] = [g.meanKeep(x, axes), g.varianceKeep(x, axes)];
  const moved = (old: Value, now: Value): Value =>
    g.add(g.mul(old, 1 - momentum), g.mul(g.reshape(now, old.type.shape), momentum));
  return {
    value: standard(batchMean, batchVariance),
    running: { mean: moved(mean, batchMean), variance: moved(variance, batchVariance) },
  };
};

const grouped = (given: Lowering, groups: number | undefined): Value => {
  const { op, g, operands: { x }, settings } = given;
  const { shape } = x.type;
  const [batch, channels, ...positions] = shape;
  const each = groups === undefined ? 1 : quotientOf(channels, groups);
  if (each === undefined) throw wrongShape({ op, reason: `${groups} groups do not divide ${channels} channels` });
  const split = g.reshape(x, [batch, groups ?? channels, each, ...positions]);
  const normal = g.normalize(split, { axes: axesFrom(split, 2), epsilon: number(settings, "epsilon"), centered: true });
  return affineChannels(given, g.reshape(normal, shape));
};

const overLast = (centered: boolean): Lower => (given) =>
  affineLast(
    given,
    given.g.normalize(given.operands.x, { axes: [-1], epsilon: number(given.settings, "epsilon"), centered }),
  );

/** Normalisations. */
export const normalisationLowerings: Lowerings<NormName> = {
  layer_norm: overLast(true),
  batch_norm: batchNorm,
  rms_norm: overLast(false),
  group_norm: (given) => grouped(given, number(given.settings, "groups")),
  instance_norm: (given) => grouped(given, undefined),
};

const slidingOf = ({ op, settings }: Lowering) => {
  const window = pair(op, settings, "window");
  const strides = settings.stride === undefined ? window : pair(op, settings, "stride");
  const padding = pair(op, settings, "padding");
  return {
    window: [1, 1, ...window],
    strides: [1, 1, ...strides],
    low: [0, 0, ...padding],
    high: [0, 0, ...padding],
    dilation: [1, 1, 1, 1],
  };
};

const avgPool: Lower = (given) => {
  const { g, op, operands: { x }, settings } = given;
  const sliding = slidingOf(given);
  const sum = g.reduceWindow("sum", x, sliding);
  const [height, width] = pair(op, settings, "window");
  const isBordered = sliding.low.some((border) => border > 0);
  if (flag(settings, "count_padding") || !isBordered) return g.div(sum, height * width);
  const [, , h, w] = x.type.shape;
  const counts = g.reduceWindow("sum", g.full({ dtype: x.type.dtype, shape: [1, 1, h, w] }, 1), sliding);
  return g.div(sum, counts);
};

/** Pools one axis to a size: window i of n covers floor(i·h/n) to ceil((i+1)·h/n). */
const pooledAxis = (g: FunctionBuilder, op: string, x: Value, axis: number, to: number, kind: string): Value => {
  const reduce = (part: Value): Value => kind === "max" ? g.reduceKeep("max", part, [axis]) : g.meanKeep(part, [axis]);
  if (to === 1) return reduce(x);
  const length = x.type.shape[axis];
  if (typeof length !== "number") throw wrongShape({ op, reason: `size ${length} of axis ${axis} must be known` });
  return g.concat(
    Array.from(
      { length: to },
      (_, i) => reduce(g.sliceAxis(x, axis, Math.floor((i * length) / to), Math.ceil(((i + 1) * length) / to))),
    ),
    axis,
  );
};

const adaptivePool: Lower = ({ op, g, operands: { x }, settings }) => {
  const [height, width] = pair(op, settings, "size");
  const kind = settings.kind as string;
  return pooledAxis(g, op, pooledAxis(g, op, x, 2, height, kind), 3, width, kind);
};

/** Pools. */
export const poolLowerings: Lowerings<PoolName> = {
  max_pool: (given) => given.g.reduceWindow("max", given.operands.x, slidingOf(given)),
  avg_pool: avgPool,
  adaptive_pool: adaptivePool,
  global_pool: ({ g, operands: { x } }) => x.type.shape.length === 2 ? x : g.mean(x, axesFrom(x, 2)),
};
