/**
 * Splits: which samples are learned from, chosen by and judged on, fixed by a seed.
 *
 * Invariant: a split depends on the number of samples, the shares and the seed alone; every sample is in one part.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import { random } from "../../../kernel/random.ts";
import { philox } from "../../ir/library.ts";
import { badBatches } from "../failures.ts";
import type { SplitName, Splits } from "./dataset.ts";

/** How samples are split where a set does not say. */
export interface SplitRule {
  /** Share of samples to choose between models by. Default 0.1. */
  readonly validation?: number;
  /** Share of samples to judge on, once. Default 0.1. */
  readonly test?: number;
  /** What chooses them. Default 0. */
  readonly seed?: number;
}

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.9 }));

/** Schema of {@link SplitRule}. */
export const SplitRule: Schema.Codec<SplitRule> = Schema.Struct({
  validation: Schema.optionalKey(Share.annotate({ description: "share to choose by, default 0.1" })),
  test: Schema.optionalKey(Share.annotate({ description: "share to judge on, once, default 0.1" })),
  seed: Schema.optionalKey(Schema.Int.annotate({ description: "what chooses the samples, default 0" })),
}) as unknown as Schema.Codec<SplitRule>;

const DEFAULT_SHARE = 0.1;

const sharesOf = ({ validation = DEFAULT_SHARE, test = DEFAULT_SHARE, seed = 0 }: SplitRule) => {
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) {
    throw badBatches({
      option: "the split",
      reason: `shares of ${validation} and ${test} leave nothing to learn from`,
      path: "/split",
    });
  }
  return { validation, test, seed };
};

/** All samples of a range, in order. */
export const range = (from: number, to: number): Uint32Array =>
  Uint32Array.from({ length: to - from }, (_, i) => from + i);

/** Numbers below a length in an order that a label fixes (Fisher–Yates). */
export const permutation = (length: number, label: string): Uint32Array => {
  const order = range(0, length);
  const stream = random(label);
  for (let i = length - 1; i > 0; i--) {
    const j = stream.below(i + 1);
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
};

/** Cuts an order into parts of given sizes: test first, then validation, the rest to learn from; each part ascends. */
export const cut = (order: Uint32Array, validation: number, test: number): Splits => ({
  test: order.slice(0, test).sort(),
  validation: order.slice(test, test + validation).sort(),
  train: order.slice(test + validation).sort(),
});

const joined = (parts: ReadonlyArray<Uint32Array>): Uint32Array => {
  const whole = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole.sort();
};

/** Samples of which every part with a share gets one, where rare classes are to be seen in each. */
export const LEAST_SPREAD = 5;

/**
 * Splits samples by shares; with classes, each class by the same shares. With `spread`, parts that have a share get a
 * sample of every class that has at least {@link LEAST_SPREAD}, however small the share.
 */
export const splitSamples = (
  length: number,
  rule: SplitRule,
  classes?: ArrayLike<number>,
  spread = false,
): Splits => {
  const { validation, test, seed } = sharesOf(rule);
  const count = (of: number, share: number): number =>
    Math.max(Math.floor(of * share), spread && share > 0 && of >= LEAST_SPREAD ? 1 : 0);
  const parts = (order: Uint32Array): Splits => cut(order, count(order.length, validation), count(order.length, test));
  const order = permutation(length, `rmi-split/1/${seed}/${length}`);
  if (classes === undefined) return parts(order);
  const byClass = new Map<number, Array<number>>();
  for (const sample of order) {
    const members = byClass.get(classes[sample]);
    if (members === undefined) byClass.set(classes[sample], [sample]);
    else members.push(sample);
  }
  const each = [...byClass.values()].map((members) => parts(Uint32Array.from(members)));
  return {
    train: joined(each.map((part) => part.train)),
    validation: joined(each.map((part) => part.validation)),
    test: joined(each.map((part) => part.test)),
  };
};

/** Splits samples whose number is not known: by a draw for each, so that shares hold on average. */
export const splitByDraw = (rule: SplitRule): (sample: number) => SplitName => {
  const { validation, test, seed } = sharesOf(rule);
  return (sample) => {
    const [word] = philox([sample >>> 0, Math.floor(sample / 2 ** 32), 0x5e7, 0], [seed >>> 0, 0]);
    const draw = word / 2 ** 32;
    return draw < test ? "test" : draw < test + validation ? "validation" : "train";
  };
};
