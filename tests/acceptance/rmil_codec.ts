/**
 * Acceptance figures of RMIL bytes: speed against the original's own figures, sizes beside MessagePack and protobuf's
 * wire rules, and mutations at full size with a seed that no test uses.
 */
import { addChain } from "../plugins/rmil/chain.ts";
import { messagePackOf, protobufOf } from "../plugins/rmil/other_formats.ts";
import * as v1 from "../../plugins/rmil/codec/v1.ts";
import * as v2 from "../../plugins/rmil/codec/v2.ts";
import type { Expression } from "../../plugins/rmil/expression.ts";
import { contentHash } from "../../plugins/rmil/hash.ts";
import { mlp, transformerBlock } from "../../plugins/rmil/patterns.ts";
import { mutate } from "../hostile/rmil_mutations.ts";
import { type Figure, median, rounded } from "./figure.ts";

const BATCHES = 4001;
const CALLS = 50;
const WARM = 20_000;
const MUTATIONS = 100_000;
const SEEDS = ["hostile", "acceptance/rmil"] as const;

/**
 * Nanoseconds a call takes: the fastest of many short batches, which is what the code takes when nothing else on the
 * machine gets its turn; and the middle one, which has the others' work and the collector's in it.
 */
const nanoseconds = (run: () => unknown): { readonly middle: number; readonly fastest: number } => {
  for (let i = 0; i < WARM; i++) run();
  const times = Array.from({ length: BATCHES }, () => {
    const began = performance.now();
    for (let i = 0; i < CALLS; i++) run();
    return (performance.now() - began) * 1e6 / CALLS;
  });
  return { middle: rounded(median(times), 3), fastest: rounded(Math.min(...times), 3) };
};

/** The original's figures for the add chain of depth 32 in an optimised build: RMIL §24. */
const ORIGINAL = { encode: 450, decode: 2400, hash: 1390 } as const;
const TIMES = 2;

const chain = addChain(32);
const chainBytes = v1.encodeExpression(chain);
const RUNS = {
  encode: () => v1.encodeExpression(chain),
  decode: () => v1.decodeExpression(chainBytes),
  hash: () => contentHash(chain),
} as const;

const speed = (what: keyof typeof ORIGINAL): Figure => ({
  name: `version 1: ${what} of the add chain of depth 32`,
  unit: "ns",
  goal: `at most ${TIMES} times the original's ${ORIGINAL[what]} ns, by the fastest batch`,
  measure: () => {
    const { middle, fastest: value } = nanoseconds(RUNS[what]);
    const detail = { bytes: chainBytes.length, times: rounded(value / ORIGINAL[what], 3), middle };
    return Promise.resolve({ value, ok: value <= TIMES * ORIGINAL[what], detail });
  },
});

const size = (name: string, root: Expression, limit: number): Figure => ({
  name: `version 2: bytes of ${name} without header`,
  unit: "bytes",
  goal: `at most ${limit}`,
  measure: () => {
    const value = v2.encodeExpression(root).length;
    const detail = {
      version1: v1.encodeExpression(root).length,
      messagePackOfTheTree: messagePackOf(root).length,
      protobufOfTheTree: protobufOf(root).length,
    };
    return Promise.resolve({ value, ok: value <= limit, detail });
  },
});

const mutations: Figure = {
  name: "mutated bytes of both versions that broke a promise",
  unit: "inputs",
  goal:
    `none of ${MUTATIONS} for each of ${SEEDS.length} seeds: an answer each, and what decodes is written back the same`,
  measure: ({ progress }) => {
    const found = SEEDS.map((seed, index) => {
      progress(index, SEEDS.length);
      return { seed, ...mutate(seed, MUTATIONS) };
    });
    const value = found.reduce((sum, { broken }) => sum + broken.length, 0);
    const detail = found.map(({ seed, tried, accepted, broken }) => ({
      seed,
      tried,
      accepted,
      broken: broken.slice(0, 5),
    }));
    return Promise.resolve({ value, ok: value === 0, detail });
  },
};

/** Figures of this area. */
export const figures: ReadonlyArray<Figure> = [
  speed("encode"),
  speed("decode"),
  speed("hash"),
  size("a transformer block", transformerBlock(), 24),
  size("mlp(3)", mlp(3), 14),
  mutations,
];
