/**
 * Partition: who holds which samples, as clients in the world do: evenly, by class, or in uneven amounts.
 *
 * Invariant: every sample belongs to exactly one client, every client has at least one, and the same seed gives the
 * same partition.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/random.ts";
import { badSetting, notFederated } from "../failures.ts";

/** How samples are spread, as data. */
export type Partition =
  /** Shuffled and dealt out evenly. */
  | { readonly kind: "even" }
  /** Sorted by class, cut into shards, so many to a client (McMahan et al. 2017). */
  | { readonly kind: "shards"; readonly shards?: number }
  /** Each class spread by a draw from a symmetric Dirichlet distribution (Hsu et al. 2019); small is uneven. */
  | { readonly kind: "dirichlet"; readonly concentration?: number }
  /** Mixed classes in amounts drawn from a symmetric Dirichlet distribution. */
  | { readonly kind: "amounts"; readonly concentration?: number };

/** Names of the partitions. */
export const PARTITION_NAMES: ReadonlyArray<Partition["kind"]> = ["even", "shards", "dirichlet", "amounts"];

/** Shards a client gets where nothing is said. */
export const USUAL_SHARDS = 2;

/** Concentration where nothing is said. */
export const USUAL_CONCENTRATION = 0.5;

/** A draw from the gamma distribution of a shape (Marsaglia & Tsang 2000), scale 1. */
const gamma = (chance: Random, shape: number): number => {
  if (shape < 1) return gamma(chance, shape + 1) * (1 - chance.float()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = chance.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - chance.float()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
};

/** Shares that sum to one. */
const dirichlet = (chance: Random, count: number, concentration: number): ReadonlyArray<number> => {
  const draws = Array.from({ length: count }, () => gamma(chance, concentration));
  const all = draws.reduce((sum, draw) => sum + draw, 0);
  // At tiny concentrations every draw may be zero: then all goes to one.
  return all > 0 ? draws.map((draw) => draw / all) : draws.map((_, i) => i === 0 ? 1 : 0);
};

/** Whole amounts in given shares, summing to a total: each boundary is rounded, so none drifts. */
const amountsOf = (shares: ReadonlyArray<number>, total: number): ReadonlyArray<number> => {
  let [sum, before] = [0, 0];
  return shares.map((share, i) => {
    sum += share;
    const end = i === shares.length - 1 ? total : Math.round(Math.min(1, sum) * total);
    const amount = end - before;
    before = end;
    return amount;
  });
};

const deal = (order: ReadonlyArray<number>, amounts: ReadonlyArray<number>): Array<Array<number>> => {
  let at = 0;
  return amounts.map((amount) => order.slice(at, at += amount));
};

const evenly = (count: number, parts: number): ReadonlyArray<number> =>
  Array.from({ length: parts }, (_, i) => Math.floor((i + 1) * count / parts) - Math.floor(i * count / parts));

const indices = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i);

const shards = (chance: Random, labels: ArrayLike<number>, clients: number, each: number): Array<Array<number>> => {
  const sorted = chance.shuffle(indices(labels.length)).sort((a, b) => labels[a] - labels[b]);
  const cut = deal(sorted, evenly(sorted.length, clients * each));
  const order = chance.shuffle(indices(cut.length));
  return indices(clients).map((client) => order.slice(client * each, (client + 1) * each).flatMap((i) => cut[i]));
};

const byClass = (
  chance: Random,
  labels: ArrayLike<number>,
  clients: number,
  concentration: number,
): Array<Array<number>> => {
  const parts: Array<Array<number>> = indices(clients).map(() => []);
  const shuffled = chance.shuffle(indices(labels.length));
  const classes = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  for (const label of classes) {
    const members = shuffled.filter((i) => labels[i] === label);
    const dealt = deal(members, amountsOf(dirichlet(chance, clients, concentration), members.length));
    dealt.forEach((rows, client) => parts[client].push(...rows));
  }
  return parts;
};

/** Gives clients without samples one of the client that has most. */
const nobodyEmpty = (parts: Array<Array<number>>): Array<Array<number>> => {
  for (const part of parts) {
    if (part.length > 0) continue;
    const richest = parts.reduce((most, other) => other.length > most.length ? other : most);
    part.push(richest.pop()!);
  }
  return parts;
};

const positive = (value: number, name: string, isWhole: boolean): number => {
  if (value > 0 && Number.isFinite(value) && (!isWhole || Number.isInteger(value))) return value;
  const expected = `a ${isWhole ? "whole" : "finite"} number above 0`;
  throw badSetting({
    what: `${name} of the partition`,
    reason: `it is ${value}, and ${expected} is needed`,
    path: `/partition/${name}`,
  });
};

/**
 * The samples of each client, by index. `labels` holds the class of each sample (any numbers where the partition does
 * not look at classes). Throws `NEURAL_FEDERATED` where there are fewer samples than clients.
 *
 * @example
 * ```ts
 * import { partition } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const parts = partition([0, 0, 1, 1], 2, { kind: "shards", shards: 1 }, 7);
 * assert.deepEqual(parts.map((rows) => rows.length), [2, 2]);
 * ```
 */
export const partition = (
  labels: ArrayLike<number>,
  clients: number,
  how: Partition,
  seed: string | number,
): ReadonlyArray<ReadonlyArray<number>> => {
  positive(clients, "clients", true);
  const each = how.kind === "shards" ? positive(how.shards ?? USUAL_SHARDS, "shards", true) : 1;
  if (labels.length < clients * each) {
    throw notFederated({
      reason: `${labels.length} samples are too few for ${clients * each} parts`,
      path: "/clients",
      expected: Math.floor(labels.length / each),
      actual: clients,
    });
  }
  const chance = random(`${seed}/partition`);
  const concentration = "concentration" in how || how.kind === "dirichlet" || how.kind === "amounts"
    ? positive(how.concentration ?? USUAL_CONCENTRATION, "concentration", false)
    : 1;
  const count = labels.length;
  switch (how.kind) {
    case "even":
      return deal(chance.shuffle(indices(count)), evenly(count, clients));
    case "shards":
      return shards(chance, labels, clients, each);
    case "dirichlet":
      return nobodyEmpty(byClass(chance, labels, clients, concentration));
    case "amounts":
      return nobodyEmpty(
        deal(chance.shuffle(indices(count)), amountsOf(dirichlet(chance, clients, concentration), count)),
      );
  }
};
