/**
 * Optimisers: how a gradient moves a parameter, as rows of a table that emit one fused update for each parameter.
 *
 * Not the step around them (step.ts), which clips, guards and averages, and not the language's step ops, whose rate is a
 * literal: here the rate is a value of the step, so that a schedule needs no second compilation.
 * Invariant: weight decay reaches a parameter apart from its gradient unless `coupled`, and state starts at zero.
 *
 * @module
 */
import type { Value } from "../ir/library.ts";
import type { FunctionBuilder } from "../ir/library.ts";
import { nearest } from "../../kernel/nearest.ts";
import { badSetting } from "./failures.ts";

/** Names of the optimisers. */
export const OPTIMISER_NAMES = ["sgd", "adam", "adamw", "rmsprop", "adagrad", "lion"] as const;

/** Name of an optimiser. */
export type OptimiserName = typeof OPTIMISER_NAMES[number];

/** What is set of an optimiser: a number or a flag by name. */
export type OptimiserSettings = { readonly [setting: string]: number | boolean };

/** An optimiser as data. */
export interface Optimiser {
  /** Its name. */
  readonly kind: OptimiserName;
  /** What differs from its row's defaults; the rate is the step's. */
  readonly settings?: OptimiserSettings;
}

/** What a row is given to move one parameter. */
export interface Update {
  /** Emits primitives. */
  readonly g: FunctionBuilder;
  /** The parameter. */
  readonly parameter: Value;
  /** Its gradient. */
  readonly gradient: Value;
  /** Its state by name. */
  readonly slots: { readonly [name: string]: Value };
  /** The rate, a scalar of the parameter's dtype. */
  readonly rate: Value;
  /** 1 − βᵗ for a β, where t counts steps from 1: a scalar of the parameter's dtype. */
  readonly correction: (beta: number) => Value;
  /** All settings. */
  readonly settings: OptimiserSettings;
}

/** What a row gives: what is taken from the parameter, and its new state. */
export interface Moved {
  /** Taken from the parameter, the rate included. */
  readonly way: Value;
  /** New state by name. */
  readonly slots: { readonly [name: string]: Value };
}

/** One optimiser. */
export interface OptimiserRow {
  /** What it does, in one sentence. */
  readonly doc: string;
  /** Where it comes from. */
  readonly source: string;
  /** Settings with their defaults. */
  readonly defaults: OptimiserSettings;
  /** A usual rate. */
  readonly rate: number;
  /** State of each parameter. */
  readonly slots: (settings: OptimiserSettings) => ReadonlyArray<string>;
  /** Moves one parameter. */
  readonly move: (update: Update) => Moved;
}

const number = (settings: OptimiserSettings, name: string): number => Number(settings[name]);

/** old·share + now·(1 − share). */
const blend = (g: FunctionBuilder, old: Value, now: Value, share: number): Value =>
  g.add(g.mul(old, share), g.mul(now, 1 - share));

const sgd = ({ g, gradient, slots, rate, settings }: Update): Moved => {
  const momentum = number(settings, "momentum");
  if (momentum === 0) return { way: g.mul(gradient, rate), slots: {} };
  const fresh = 1 - number(settings, "dampening");
  const velocity = g.add(g.mul(slots.velocity, momentum), fresh === 1 ? gradient : g.mul(gradient, fresh));
  const way = settings.nesterov === true ? g.add(gradient, g.mul(velocity, momentum)) : velocity;
  return { way: g.mul(way, rate), slots: { velocity } };
};

const adam = ({ g, gradient, slots, rate, correction, settings }: Update): Moved => {
  const [beta1, beta2] = [number(settings, "beta1"), number(settings, "beta2")];
  const first = blend(g, slots.first, gradient, beta1);
  const second = blend(g, slots.second, g.mul(gradient, gradient), beta2);
  const largest = settings.amsgrad === true ? g.max(slots.largest, second) : undefined;
  const scale = g.div(1, g.sqrt(correction(beta2)));
  const root = g.add(g.mul(g.sqrt(largest ?? second), scale), number(settings, "epsilon"));
  const way = g.mul(g.div(first, root), g.div(rate, correction(beta1)));
  return { way, slots: { first, second, ...(largest === undefined ? {} : { largest }) } };
};

const rmsprop = ({ g, gradient, slots, rate, settings }: Update): Moved => {
  const [alpha, momentum] = [number(settings, "alpha"), number(settings, "momentum")];
  const square = blend(g, slots.square, g.mul(gradient, gradient), alpha);
  const mean = settings.centered === true ? blend(g, slots.mean, gradient, alpha) : undefined;
  // Rounding may take the variance below zero.
  const spread = mean === undefined ? square : g.max(g.sub(square, g.mul(mean, mean)), 0);
  const scaled = g.div(gradient, g.add(g.sqrt(spread), number(settings, "epsilon")));
  const kept = { square, ...(mean === undefined ? {} : { mean }) };
  if (momentum === 0) return { way: g.mul(scaled, rate), slots: kept };
  const velocity = g.add(g.mul(slots.velocity, momentum), scaled);
  return { way: g.mul(velocity, rate), slots: { ...kept, velocity } };
};

const adagrad = ({ g, gradient, slots, rate, settings }: Update): Moved => {
  const square = g.add(slots.square, g.mul(gradient, gradient));
  const root = g.add(g.sqrt(g.add(square, number(settings, "initial"))), number(settings, "epsilon"));
  return { way: g.mul(g.div(gradient, root), rate), slots: { square } };
};

const lion = ({ g, gradient, slots, rate, settings }: Update): Moved => ({
  way: g.mul(g.sign(blend(g, slots.first, gradient, number(settings, "beta1"))), rate),
  slots: { first: blend(g, slots.first, gradient, number(settings, "beta2")) },
});

const adamDefaults = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false };
const adamSlots = ({ amsgrad }: OptimiserSettings): ReadonlyArray<string> =>
  amsgrad === true ? ["first", "second", "largest"] : ["first", "second"];

/** Every optimiser by name. */
export const OPTIMISERS: { readonly [N in OptimiserName]: OptimiserRow } = {
  sgd: {
    doc: "Gradient descent, with momentum where it is set.",
    source: "Robbins & Monro 1951; Nesterov 1983",
    defaults: { momentum: 0, dampening: 0, nesterov: false, decay: 0, coupled: true },
    rate: 0.1,
    slots: ({ momentum }) => momentum === 0 ? [] : ["velocity"],
    move: sgd,
  },
  adam: {
    doc: "Adaptive moments.",
    source: "Kingma & Ba 2015; amsgrad: Reddi et al. 2018",
    defaults: { ...adamDefaults, decay: 0, coupled: true },
    rate: 0.001,
    slots: adamSlots,
    move: adam,
  },
  adamw: {
    doc: "Adaptive moments, weight decay apart from the gradient.",
    source: "Loshchilov & Hutter 2019",
    defaults: { ...adamDefaults, decay: 0.01, coupled: false },
    rate: 0.001,
    slots: adamSlots,
    move: adam,
  },
  rmsprop: {
    doc: "Gradients divided by the root of their running mean square.",
    source: "Tieleman & Hinton 2012; centered: Graves 2013",
    defaults: { alpha: 0.99, epsilon: 1e-8, momentum: 0, centered: false, decay: 0, coupled: true },
    rate: 0.001,
    slots: ({ centered, momentum }) => [
      "square",
      ...(centered === true ? ["mean"] : []),
      ...(momentum === 0 ? [] : ["velocity"]),
    ],
    move: rmsprop,
  },
  adagrad: {
    doc: "Gradients divided by the root of the sum of their squares.",
    source: "Duchi et al. 2011",
    defaults: { epsilon: 1e-10, initial: 0, decay: 0, coupled: true },
    rate: 0.01,
    slots: () => ["square"],
    move: adagrad,
  },
  lion: {
    doc: "The sign of a momentum, one size for every element.",
    source: "Chen et al. 2023",
    defaults: { beta1: 0.9, beta2: 0.99, decay: 0, coupled: false },
    rate: 0.0001,
    slots: () => ["first"],
    move: lion,
  },
};

/** Settings that are shares: from 0 to below 1. */
const SHARES: ReadonlySet<string> = new Set(["beta1", "beta2", "alpha", "momentum", "dampening"]);

/** A row by name, with its settings complete; throws `NEURAL_SETTING`. */
export const optimiserOf = (
  { kind, settings = {} }: Optimiser,
  path = "/optimizer",
): { readonly row: OptimiserRow; readonly settings: OptimiserSettings } => {
  const row = OPTIMISERS[kind];
  if (row === undefined) {
    throw badSetting({
      what: "optimiser",
      reason: `there is no ${kind}`,
      path,
      expected: [...OPTIMISER_NAMES],
      actual: kind,
      suggestions: nearest(kind, OPTIMISER_NAMES, 3),
    });
  }
  for (const [name, value] of Object.entries(settings)) {
    const fallback = row.defaults[name];
    const known = Object.keys(row.defaults);
    if (fallback === undefined) {
      throw badSetting({
        what: kind,
        reason: `it has no setting ${name}`,
        path: `${path}/${name}`,
        expected: known,
        actual: name,
        suggestions: nearest(name, known, 3),
      });
    }
    const isShare = SHARES.has(name);
    const fits = typeof fallback === "boolean"
      ? typeof value === "boolean"
      : typeof value === "number" && Number.isFinite(value) && value >= 0 && (!isShare || value < 1);
    if (!fits) {
      const wanted = typeof fallback === "boolean" ? "true or false" : isShare ? "0 to below 1" : "a number from 0";
      throw badSetting({
        what: kind,
        reason: `${name} is ${value}, and it takes ${wanted}`,
        path: `${path}/${name}`,
        expected: wanted,
        actual: value,
      });
    }
  }
  return { row, settings: { ...row.defaults, ...settings } };
};

/**
 * A parameter's next value and state by an optimiser.
 *
 * `decay` is the weight decay of this parameter: with `coupled` it joins the gradient (as L2 regularisation does), else
 * it shrinks the parameter by rate·decay apart from it.
 */
export const moveParameter = (
  row: OptimiserRow,
  update: Update,
  decay: number,
): { readonly parameter: Value; readonly slots: Moved["slots"] } => {
  const { g, parameter, gradient, rate, settings } = update;
  const isCoupled = settings.coupled === true;
  const pulled = decay > 0 && isCoupled ? g.add(gradient, g.mul(parameter, decay)) : gradient;
  const { way, slots } = row.move({ ...update, gradient: pulled });
  const kept = decay > 0 && !isCoupled ? g.mul(parameter, g.sub(1, g.mul(rate, decay))) : parameter;
  return { parameter: g.sub(kept, way), slots };
};
