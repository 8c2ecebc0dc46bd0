/**
 * Experts: a mixture of feed-forward layers of which each position uses a few, chosen by a learned router.
 *
 * Without a capacity every expert sees every position and the gates decide what counts: exact, and dear. With one, each
 * expert takes at most its share of positions, first choices first, and what finds no place passes as zeros.
 * Invariant: the gates of a position that finds all its places sum to 1 (one choice: its probability, so that the router
 * learns), and training adds the load balance to the loss.
 *
 * @module
 */
import type { Dimension } from "../../ir/contract.ts";
import {
  addDimensions,
  divideDimension,
  type FunctionBuilder,
  multiplyDimensions,
  printType,
  type Value,
} from "../../ir/library.ts";
import { applyOp } from "../../rmil/library.ts";
import { unfitInput } from "../failures.ts";
import { featuresOf } from "./affine.ts";
import { INNER_FACTOR } from "./feed_forward.ts";
import { type Building, builtRow, type Layer, layerOf, type LayerRow, setting } from "./layer.ts";
import { STARTS } from "./op_row.ts";
import { flagOf, numberOf, textOf } from "./settings.ts";

/** What a mixture of experts is told. */
export interface ExpertsSettings {
  /** Experts; 4 where absent. */
  readonly experts?: number;
  /** Experts that a position uses; 2 where absent. */
  readonly top?: number;
  /** Features inside an expert; four times the input's where absent. */
  readonly inner?: number;
  /** An activation of the language: `gelu` where absent. */
  readonly activation?: string;
  /** Positions an expert takes, in multiples of an even share; 0 where absent: all. */
  readonly capacity?: number;
  /** Weight of the load balance in the loss; 0.01 where absent. */
  readonly balance?: number;
  /** Whether learned shifts are added; true where absent. */
  readonly bias?: boolean;
}

/** Feed-forward layers of which each position uses a few. */
export const experts = (settings: ExpertsSettings = {}): Layer => layerOf("experts", settings);

const ACTIVATIONS = ["relu", "gelu", "silu", "sigmoid", "tanh", "mish", "softplus"] as const;
const BALANCE = 0.01;
const CAPACITY_STEPS = 100;

/** Sizes of a mixture. */
interface Sizes {
  readonly rows: Dimension;
  readonly features: number;
  readonly inner: number;
  readonly count: number;
  readonly top: number;
}

/** What the router says of each row. */
interface Routes {
  /** Experts by row and choice, best first. */
  readonly chosen: Value;
  /** Weights by row and choice. */
  readonly gates: Value;
}

const sizesOf = ({ x, settings }: Building): Sizes => {
  const [count, top] = [numberOf(settings, "experts"), numberOf(settings, "top")];
  if (top > count) {
    const reason = `a position cannot use ${top} of ${count} experts`;
    throw unfitInput({ kind: "experts", found: printType(x.type), reason });
  }
  const features = featuresOf("experts", x);
  const rows = multiplyDimensions(1, ...x.type.shape.slice(0, -1));
  return { rows, features, inner: numberOf(settings, "inner", INNER_FACTOR * features), count, top };
};

/** One where an expert is a row's choice. */
const oneHot = (g: FunctionBuilder, chosen: Value, { count }: Sizes, like: Value): Value =>
  g.oneHot(chosen, count, like.type.dtype as "f32");

const routed = (given: Building, rows: Value, sizes: Sizes): Routes => {
  const { g, scope, settings, parameter } = given;
  const { count, top, features } = sizes;
  const router = parameter("router", [features, count], STARTS.fanIn(features, count));
  const shares = g.softmax(g.matmul(rows, router), -1);
  const [, order] = g.sort(g.stopGradient(shares), -1, true);
  const chosen = g.sliceAxis(order, -1, 0, top);
  const own = g.takeAlong(shares, chosen, -1);
  const gates = top === 1 ? own : g.div(own, g.reduceKeep("sum", own, [-1]));
  const weight = numberOf(settings, "balance");
  // Fedus et al. 2022: experts times the sum of (share of choices × mean probability); 1 where all are used alike.
  if (weight > 0) {
    scope.auxiliary("balance", () => {
      const used = g.mean(g.reduce("sum", oneHot(g, chosen, sizes, shares), [1]), [0]);
      return g.mul(g.reduce("sum", g.mul(used, g.mean(shares, [0]))), weight * count / top);
    });
  }
  return { chosen, gates };
};

/** The experts' maps on [experts, rows of each, features]. */
const applied = (given: Building, { features, inner, count }: Sizes) => {
  const { g, settings, parameter } = given;
  const biased = flagOf(settings, "bias");
  const up = parameter("up", [count, features, inner], STARTS.fanIn(features, inner));
  const upBias = biased ? parameter("up_bias", [count, 1, inner], STARTS.zeros(1, 1), { decays: false }) : undefined;
  const down = parameter("down", [count, inner, features], STARTS.fanIn(inner, features));
  const downBias = biased
    ? parameter("down_bias", [count, 1, features], STARTS.zeros(1, 1), { decays: false })
    : undefined;
  const op = textOf(settings, "activation") as typeof ACTIVATIONS[number];
  const shifted = (y: Value, bias: Value | undefined): Value => bias === undefined ? y : g.add(y, bias);
  return (x: Value): Value => {
    const raised = shifted(g.matmul(x, up), upBias);
    const { values: [active] } = applyOp({ g, op, operands: { x: raised } });
    return shifted(g.matmul(active, down), downBias);
  };
};

const everyRow = (given: Building, rows: Value, sizes: Sizes): Value => {
  const { g } = given;
  const { count, features } = sizes;
  const { chosen, gates } = routed(given, rows, sizes);
  const weights = g.reduce("sum", g.mul(oneHot(g, chosen, sizes, gates), g.reshape(gates, [...gates.type.shape, 1])), [
    1,
  ]);
  const made = applied(given, sizes)(g.broadcast(rows, [count, sizes.rows, features], [1, 2]));
  return g.reduce("sum", g.mul(made, g.reshape(g.transpose(weights, [1, 0]), [count, sizes.rows, 1])), [0]);
};

/** Places of the rows in the experts' buffers: first choices before second ones, the first rows first. */
const placesOf = (g: FunctionBuilder, chosen: Value, sizes: Sizes, capacity: Dimension): Value => {
  const { count, top, rows } = sizes;
  const choices = multiplyDimensions(top, rows);
  const flat = g.reshape(g.transpose(chosen, [1, 0]), [choices]);
  const spread = g.broadcast(flat, [choices, count], [0]);
  const isOwn = g.compare("eq", spread, g.iota(flat.type.dtype, [choices, count], 1));
  const ones = g.cast(isOwn, "i64");
  const before = g.cumulative("sum", ones, { axis: 0, exclusive: true });
  const position = g.reduce("sum", g.mul(before, ones), [1]);
  const limit = g.broadcastTo(g.dimension(capacity, "i64"), [choices]);
  const place = g.add(g.mul(g.cast(flat, "i64"), limit), position);
  return g.select(g.compare("lt", position, limit), place, g.mul(limit, count));
};

const ownRows = (given: Building, rows: Value, sizes: Sizes): Value => {
  const { g, settings } = given;
  const { count, top, features } = sizes;
  const shares = Math.round(numberOf(settings, "capacity") * CAPACITY_STEPS);
  const choices = multiplyDimensions(top, sizes.rows);
  const whole = count * CAPACITY_STEPS;
  const capacity = divideDimension(addDimensions(multiplyDimensions(shares, choices), whole - 1), whole);
  const { chosen, gates } = routed(given, rows, sizes);
  const places = placesOf(g, chosen, sizes, capacity);
  const slots = multiplyDimensions(count, capacity);
  const empty = g.full({ dtype: rows.type.dtype, shape: [addDimensions(slots, 1), features] }, 0);
  const repeated = g.reshape(g.broadcast(rows, [top, sizes.rows, features], [1, 2]), [choices, features]);
  // The last slot takes what finds no place, and is left out.
  const sent = g.sliceAxis(g.scatter(empty, places, repeated, 0, "add"), 0, 0, slots);
  const made = applied(given, sizes)(g.reshape(sent, [count, capacity, features]));
  const back = g.pad(g.reshape(made, [slots, features]), 0, { low: [0, 0], high: [1, 0] });
  const weighted = g.mul(
    g.gather(back, places, 0),
    g.reshape(g.transpose(gates, [1, 0]), [choices, 1]),
  );
  return g.reduce("sum", g.reshape(weighted, [top, sizes.rows, features]), [0]);
};

const mixture = (given: Building): Value => {
  const { g, x, settings } = given;
  const sizes = sizesOf(given);
  const rows = g.reshape(x, [sizes.rows, sizes.features]);
  const mixed = numberOf(settings, "capacity") > 0 ? ownRows : everyRow;
  return g.reshape(mixed(given, rows, sizes), x.type.shape);
};

/** The rows. */
export const EXPERTS: ReadonlyArray<LayerRow> = [
  builtRow("experts", {
    family: "linear",
    doc: "Feed-forward layers of which each position uses a few, chosen by a learned router with a load balance.",
    settings: [
      setting("experts", "size", "Experts.", { default: 4 }),
      setting("top", "size", "Experts that a position uses.", { default: 2 }),
      setting("inner", "size", "Features inside an expert; four times the input's where absent."),
      setting("activation", "choice", "Activation inside an expert.", { choices: ACTIVATIONS, default: "gelu" }),
      setting("capacity", "float", "Positions an expert takes, in multiples of an even share; 0: all.", { default: 0 }),
      setting("balance", "float", "Weight of the load balance in the loss.", { default: BALANCE }),
      setting("bias", "flag", "Whether learned shifts are added.", { default: true }),
    ],
    build: mixture,
    source: "Shazeer et al. 2017; load balance: Fedus et al. 2022",
  }),
];
