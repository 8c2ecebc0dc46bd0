/**
 * Privacy: what rounds tell about whether one client took part, kept small by cutting steps and adding noise, and the
 * account of it.
 *
 * The unit is a client. Each round every client takes part by chance with the same probability; each step is cut to a
 * length; the sum gets normal noise of `noise` times that length and is divided by the expected number of clients. So a
 * round is a Poisson-sampled Gaussian mechanism, whose Rényi divergences are known (Mironov, Talwar & Zhang 2019) and add
 * up over rounds; (ε, δ) follows from them (Canonne, Kamath & Steinke 2020).
 * What is accounted for is the weights: the server is trusted to add the noise, and events that name who took part are its
 * own. Invariant: the account never says less than was given away under these terms.
 *
 * @module
 */
import type { Random } from "../../../kernel/random.ts";
import { badSetting } from "../failures.ts";
import type { ClientStep } from "./aggregate.ts";
import { lengthOf } from "./weights.ts";

/** How much rounds may tell. */
export interface Privacy {
  /** Longest step of a client that counts as it is. */
  readonly clip: number;
  /** Deviation of the noise, in clips. */
  readonly noise: number;
  /** The probability with which ε may fail. */
  readonly delta: number;
}

/** Orders of Rényi divergence that are looked at. */
export const RENYI_ORDERS: ReadonlyArray<number> = [
  ...Array.from({ length: 63 }, (_, i) => i + 2),
  80,
  96,
  128,
  192,
  256,
  384,
  512,
  1024,
];

/** log(eˣ + eʸ). */
const logAdd = (x: number, y: number): number => {
  const [high, low] = x > y ? [x, y] : [y, x];
  return low === -Infinity ? high : high + Math.log1p(Math.exp(low - high));
};

/**
 * Rényi divergence of a whole order of one round in which each client takes part with probability `share`, and the noise
 * has `noise` times the deviation of what one client can change.
 */
export const renyiOfRound = (share: number, noise: number, order: number): number => {
  if (share === 0) return 0;
  if (noise === 0) return Infinity;
  if (share === 1) return order / (2 * noise * noise);
  let sum = -Infinity;
  let logBinomial = 0;
  for (let k = 0; k <= order; k++) {
    if (k > 0) logBinomial += Math.log((order - k + 1) / k);
    const term = logBinomial + k * Math.log(share) + (order - k) * Math.log1p(-share) +
      (k * k - k) / (2 * noise * noise);
    sum = logAdd(sum, term);
  }
  return Math.max(0, sum) / (order - 1);
};

/** The ε that rounds have spent at a δ. */
export const epsilonOf = (rounds: number, share: number, { noise, delta }: Privacy): number =>
  rounds === 0 ? 0 : Math.max(
    0,
    Math.min(
      ...RENYI_ORDERS.map((order) =>
        rounds * renyiOfRound(share, noise, order) + Math.log1p(-1 / order) - Math.log(delta * order) / (order - 1)
      ),
    ),
  );

/** Refuses terms that have no meaning. */
export const checkPrivacy = ({ clip, noise, delta }: Privacy): void => {
  const rows = [
    ["clip", clip, clip > 0, "above 0"],
    ["noise", noise, noise >= 0, "0 or more"],
    ["delta", delta, delta > 0 && delta < 1, "between 0 and 1"],
  ] as const;
  for (const [name, value, holds, wanted] of rows) {
    if (holds && Number.isFinite(value)) continue;
    throw badSetting({
      what: `${name} of privacy`,
      reason: `it is ${value}, and it takes a number ${wanted}`,
      path: `/privacy/${name}`,
    });
  }
};

/** The noisy mean of steps that are cut to the clip; `expected` is the number of clients that take part on average. */
export const privateMean = (
  steps: ReadonlyArray<ClientStep>,
  size: number,
  expected: number,
  { clip, noise }: Privacy,
  chance: Random,
): Float32Array<ArrayBuffer> => {
  const sum = new Float64Array(size);
  for (const { step } of steps) {
    const scale = Math.min(1, clip / Math.max(lengthOf(step), Number.MIN_VALUE));
    for (let i = 0; i < size; i++) sum[i] += scale * step[i];
  }
  for (let i = 0; i < size; i++) sum[i] += noise * clip * chance.normal();
  return Float32Array.from(sum, (value) => value / expected);
};
