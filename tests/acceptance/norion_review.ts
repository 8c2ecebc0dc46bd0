/**
 * Acceptance figures of norion's review: the first wrong step of synthetic chains of reasoning, the false alarms and the
 * delay of the drift alarm, and what a settled request costs the ledger.
 *
 * The run lengths are simulated for normal quality around its mean with a spread of 0.15 and compared with the Markov
 * chain of Brook and Evans (1972), which knows nothing of the code.
 */
import * as Effect from "effect/Effect";
import { DERIVED_FOLDER } from "../../effects/mod.ts";
import { random } from "../../kernel/random.ts";
import { DEFAULT_POLICY as policy } from "../../plugins/norion/policy.ts";
import { accumulate, type DriftState, STEADY } from "../../plugins/norion/review/drift.ts";
import { judgeArithmetic, judgeProof } from "../../plugins/norion/review/trace.ts";
import { consistencyFold } from "../../plugins/norion/state/consistency.ts";
import { symbolicDefault } from "../../plugins/rmil/library.ts";
import { exchange, withNorion } from "../plugins/norion/answering.ts";
import { arithmeticTrace, proofTrace, RULES } from "../plugins/norion/reasoning_traces.ts";
import { type Figure, rounded } from "./figure.ts";

const TRACES = 2_000;
const LEAST = 0.99;

/** No test uses seeds from here on. */
const UNSEEN = 1_000_000;

const blame: Figure = {
  name: `first wrong step found in ${TRACES} synthetic chains of sums and of proofs, two in three with a slip`,
  unit: "share",
  goal: `>= ${LEAST}, nothing right blamed`,
  measure: ({ progress }) => {
    let slips = 0;
    let found = 0;
    let falsely = 0;
    const judge = (wrong: number | undefined, blamed: number | undefined): void => {
      if (wrong !== undefined) slips++;
      if (wrong !== undefined && wrong === blamed) found++;
      if (blamed !== undefined && blamed !== wrong) falsely++;
    };
    for (let at = 0; at < TRACES; at += 2) {
      if (at % 200 === 0) progress(at, TRACES);
      const draw = random(UNSEEN + at);
      const sums = arithmeticTrace(draw, at % 3 !== 0);
      judge(sums.wrong, judgeArithmetic(sums.steps).blame);
      const { steps, axioms, wrong } = proofTrace(draw, at % 3 !== 0);
      judge(wrong, judgeProof(steps, axioms, RULES, symbolicDefault).blame);
    }
    const value = found / slips;
    return Promise.resolve({ value, ok: value >= LEAST && falsely === 0, detail: { slips, found, falsely } });
  },
};

const SPREAD = 0.15;
const RUNS = 2_000;
const LONGEST = 2_000_000;

/** Requests until the alarm. */
const runLength = (mean: number, seed: string): number => {
  const draw = random(seed);
  let state: DriftState = STEADY;
  for (let requests = 1;; requests++) {
    state = accumulate(state, mean + SPREAD * draw.normal(), policy);
    if (state.sum >= policy["drift.alarm"] || requests === LONGEST) return requests;
  }
};

/** Abramowitz and Stegun 7.1.26 is too coarse for tails; this one is good to 1e-12 by its continued fraction. */
const normalBelow = (x: number): number => {
  if (x > 0) return 1 - normalBelow(-x);
  if (x > -3) {
    // Series of the integral from 0.
    let term = x;
    let sum = x;
    for (let n = 1; n < 200; n++) sum += term *= (x * x) / (2 * n + 1);
    return 0.5 + sum * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  }
  let fraction = 0;
  for (let n = 200; n > 0; n--) fraction = n / (-x + fraction);
  return Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI) / (-x + fraction);
};

const CELLS = 300;

/** The run length of the chart as a Markov chain over cells of the sum (Brook and Evans). Quality is held to 0..1. */
const chainLength = (mean: number): number => {
  const limit = policy["drift.alarm"];
  const width = 2 * limit / (2 * CELLS - 1);
  const centre = policy["drift.reference"] - policy["drift.slack"];
  // The step is centre less quality; quality is clipped, so its mass beyond 0 and 1 lies on the ends.
  const below = (step: number): number => {
    if (step >= centre) return 1;
    return step < centre - 1 ? 0 : 1 - normalBelow((centre - step - mean) / SPREAD);
  };
  const rows = Array.from({ length: CELLS }, (_, i) => {
    const row = Array.from({ length: CELLS + 1 }, (_, j) => {
      if (j === CELLS) return 1;
      const to = (j - i) * width;
      const above = below(to + width / 2);
      return (i === j ? 1 : 0) - (j === 0 ? above : above - below(to - width / 2));
    });
    return row;
  });
  // Gauss–Jordan with partial pivots.
  for (let column = 0; column < CELLS; column++) {
    let pivot = column;
    for (let r = column + 1; r < CELLS; r++) if (Math.abs(rows[r][column]) > Math.abs(rows[pivot][column])) pivot = r;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let r = 0; r < CELLS; r++) {
      const factor = r === column ? 0 : rows[r][column] / rows[column][column];
      if (factor !== 0) { for (let k = column; k <= CELLS; k++) rows[r][k] -= factor * rows[column][k]; }
    }
  }
  return rows[0][CELLS] / rows[0][0];
};

const mean = (values: ReadonlyArray<number>): number => values.reduce((sum, one) => sum + one, 0) / values.length;

const AGREEMENT = 0.1;

/** What well-kept requests have; the alarm is too rare there to be simulated. */
const STEADY_QUALITY = 0.75;

const alarm = (
  name: string,
  quality: number,
  goal: string,
  holds: (length: number) => boolean,
  runs = RUNS,
): Figure => ({
  name,
  unit: "requests",
  goal: `${goal}, within ${100 * AGREEMENT} % of the Markov chain`,
  measure: ({ progress }) => {
    const lengths: number[] = [];
    for (let run = 0; run < runs; run++) {
      if (run % 100 === 0) progress(run, runs);
      lengths.push(runLength(quality, `alarm ${quality} ${run}`));
    }
    const value = rounded(mean(lengths));
    const chain = rounded(chainLength(quality));
    const agrees = Math.abs(value / chain - 1) <= AGREEMENT;
    const steady = rounded(chainLength(STEADY_QUALITY));
    return Promise.resolve({ value, ok: holds(value) && agrees, detail: { chain, runs, chainAtSteady: steady } });
  },
});

const REQUESTS = 200;
const MOST_BYTES = 8_192;

const cost: Figure = {
  name: `bytes of state a settled request leaves, the mean of ${REQUESTS}, story consistent`,
  unit: "bytes",
  goal: `<= ${MOST_BYTES}, no violation`,
  measure: ({ progress }) =>
    withNorion((norion, ledger, folder) =>
      Effect.gen(function* () {
        for (let at = 0; at < REQUESTS; at++) {
          if (at % 20 === 0) progress(at, REQUESTS);
          const sum = `${at} + ${at + 1}`;
          yield* exchange(norion, `What is ${sum}?`, `That is ${sum} = ${2 * at + 1}, the sum of two neighbours.`);
        }
        yield* ledger.checkpoint;
        const { count } = yield* ledger.state(consistencyFold);
        const value = rounded(bytesOf(folder) / REQUESTS);
        return { value, ok: value <= MOST_BYTES && count === 0, detail: { violations: count } };
      })
    ),
};

/** What can be thrown away and made again is not counted. */
const CACHES: ReadonlySet<string> = new Set(["snapshots", DERIVED_FOLDER]);

const bytesOf = (folder: string): number =>
  [...Deno.readDirSync(folder)].filter(({ name }) => !CACHES.has(name)).reduce(
    (sum, { name, isDirectory }) =>
      sum + (isDirectory ? bytesOf(`${folder}/${name}`) : Deno.statSync(`${folder}/${name}`).size),
    0,
  );

/** The figures. */
export const figures: ReadonlyArray<Figure> = [
  blame,
  alarm(
    "requests of quality as it should be (0.7) until a false alarm of drift",
    0.7,
    ">= 1000",
    (length) => length >= 1000,
    500,
  ),
  alarm("requests of quality 0.6 until the alarm", 0.6, "<= 60", (length) => length <= 60),
  alarm("requests of quality 0.5 until the alarm", 0.5, "<= 15", (length) => length <= 15),
  cost,
];
