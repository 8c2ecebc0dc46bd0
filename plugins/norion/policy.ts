/**
 * Policy: every number that decides something, in one table, with its unit, range and reason.
 *
 * Not the authority to act (effects/policy.ts): these are thresholds of judgement.
 * Invariant: code holds no threshold of its own; a value outside its range is never used.
 * Source: the seed's figures where they were measured or kept for comparison, ours where the reason says so.
 *
 * @module
 */

/** A threshold. */
export interface Threshold {
  /** Its value. */
  readonly value: number;
  /** Least value it may take. */
  readonly low: number;
  /** Greatest value it may take. */
  readonly high: number;
  /** What it counts. */
  readonly unit: "share" | "tokens" | "items" | "calls" | "ms" | "chars" | "steps" | "ratio";
  /** Why it has this value. */
  readonly reason: string;
}

const share = (value: number, low: number, high: number, reason: string): Threshold => ({
  value,
  low,
  high,
  unit: "share",
  reason,
});
const whole = (unit: Threshold["unit"], value: number, low: number, high: number, reason: string): Threshold => ({
  value,
  low,
  high,
  unit,
  reason,
});

/** Every threshold, by name. */
export const THRESHOLDS = {
  "route.initial": share(0.52, 0.18, 0.88, "the seed's start: a little over half goes the fast way"),
  "route.low": share(0.18, 0, 0.5, "below it nothing would ever go the fast way"),
  "route.high": share(0.88, 0.5, 1, "above it nothing would ever get attention"),
  "route.rate": share(0.08, 0, 0.2, "the seed's learning rate"),
  "route.step": share(0.02, 0, 0.1, "one request moves the threshold by at most this"),
  "route.good": share(0.82, 0.5, 1, "quality above which the threshold rises"),
  "route.poor": share(0.58, 0, 0.8, "quality below which the threshold falls"),
  "hierarchy.rate": share(0.055, 0, 0.2, "share of the way to the profile's target in one request"),
  "hierarchy.preview": share(0.08, 0, 0.2, "a preview moves no weight by more"),
  "memory.recall": whole("items", 4, 1, 16, "more recalled items crowd out the request"),
  "memory.duplicate": share(0.82, 0.5, 1, "items that share this much of their terms say the same"),
  "memory.coverage": share(0.6, 0.3, 1, "share of a question's weight that an answer must speak of; less is not known"),
  "memory.candidates": whole("items", 64, 8, 1024, "items ranked finely, by words and by spelling each"),
  "memory.fuse": share(0.92, 0.8, 1, "cosine from which two items are kept as one"),
  "memory.compactions": whole("items", 32, 1, 1024, "merges of one compaction"),
  "memory.compacted": whole("items", 512, 2, 4096, "items one compaction compares with each other"),
  "memory.stale": whole("steps", 64, 1, 65536, "steps without use after which an item fades"),
  "memory.fade": share(0.04, 0, 0.5, "strength lost for each stale period"),
  "memory.weak": share(0.04, 0, 0.5, "strength at which a stale item that never helped is removed"),
  "memory.hurt": whole("items", 4, 1, 100, "failures without a hit after which an item is removed"),
  "memory.gistQuality": share(0.5, 0, 1, "quality below which no gist is made"),
  "memory.gistShortest": whole("chars", 96, 1, 4096, "a shorter text is its own gist"),
  "memory.gistLength": whole("chars", 180, 32, 1024, "longest gist"),
  "memory.gistImportance": share(0.54, 0, 1, "importance from which a gist is kept"),
  "memory.hot": share(0.78, 0.5, 1, "score from which an item is hot"),
  "memory.warm": share(0.52, 0.2, 0.9, "score from which an item is warm"),
  "memory.cold": share(0.24, 0, 0.6, "score below which an item may retire"),
  "window.localTokens": whole("tokens", 512, 32, 16384, "base of the local budget, scaled by the device"),
  "window.globalTokens": whole("tokens", 4096, 32, 131072, "base of the global budget, scaled by the device"),
  "recursion.window": whole("tokens", 8192, 64, 2 ** 24, "native window where the backend does not say"),
  "recursion.overlap": share(1 / 64, 0, 0.25, "overlap as a share of a chunk: a sentence is not cut off unseen"),
  "recursion.partial": whole("tokens", 32, 8, 1024, "tokens of a partial answer; a merge reads a window full of them"),
  "recursion.calls": whole("calls", 64, 1, 4096, "calls above which a request is refused before it runs"),
  "answer.low": whole("tokens", 128, 16, 4096, "answer of a low budget"),
  "answer.normal": whole("tokens", 512, 16, 16384, "answer of a normal budget"),
  "answer.expanded": whole("tokens", 2048, 16, 65536, "answer of an expanded budget"),
  "candidate.include": share(0.15, 0, 0.5, "above the threshold by this, an item is taken whole"),
  "candidate.defer": share(0.26, 0, 0.5, "below the threshold by at most this, an item waits"),
  "candidate.keep": share(0.34, 0.1, 1, "share of its tokens that a compressed item keeps"),
  "breaker.failures": whole("items", 3, 1, 100, "failures in a row after which a model rests"),
  "breaker.rest": whole("steps", 8, 1, 4096, "steps a model rests at first; each further trip doubles it"),
  "model.retries": whole("items", 1, 0, 8, "times the same model is tried again"),
  "model.hops": whole("calls", 4, 1, 32, "failed calls after which a request is given up"),
  "model.pause": whole("ms", 200, 0, 60_000, "before the first try of the same model again; doubles each time"),
  "model.longestPause": whole("ms", 5_000, 0, 600_000, "a model that asks for a longer rest is not waited for"),
  "model.deadline": whole("ms", 120_000, 1, 3_600_000, "a call that takes longer is broken off"),
  "model.costWeight": share(0.3, 0, 1, "worth of the dearest model's price, beside quality"),
  "model.delayWeight": share(0.1, 0, 1, "worth of the slowest model's delay, beside quality"),
  "evidence.self": share(0.2, 0, 0.2, "what a run says of itself weighs this much beside one validator"),
  "evidence.unproven": share(0.6, 0, 0.7, "quality of what nobody from outside judged is held to this"),
  "review.info": share(0.04, 0, 0.2, "penalty of a remark"),
  "review.warning": share(0.11, 0, 0.5, "penalty of a warning"),
  "review.critical": share(0.24, 0, 1, "penalty of a critical issue"),
  "review.mostPenalty": share(0.72, 0, 1, "all penalties together"),
  "review.shortest": whole("tokens", 8, 1, 64, "tokens below which an answer is too short"),
  "review.topic": share(0.25, 0, 0.5, "similarity below which an answer without a common word is off the topic"),
  "review.repetitionLeast": whole("items", 6, 2, 64, "terms from which repetition can be seen"),
  "review.repetition": share(0.58, 0.3, 1, "share of repeated terms that is too much"),
  "review.doubt": share(0.72, 0.4, 1, "mean doubt of an answer's tokens that is too much"),
  "review.weakStep": share(0.28, 0.05, 0.6, "confidence below which a step of a chain is weak"),
  "review.lostStep": share(0.14, 0, 0.5, "confidence below which a step of a chain is as good as guessed"),
  "review.grounds": share(0.6, 0.3, 1, "share of a remembered fact's words from which a sentence speaks of that fact"),
  "review.repair": share(0.72, 0.3, 1, "self-seen quality below which a draft is asked for once more"),
  "review.unrun": share(0.2, 0, 0.5, "quality of code that was asked for and that nobody ran is held to this"),
  "review.support": share(0.3, 0, 1, "terms shared with the context from which a claim rests on it"),
  "reward.evidence": share(0.35, 0.2, 0.8, "share of what was found from outside; the steps share the rest"),
  "reward.reinforce": share(0.72, 0.5, 1, "the seed's bound: from it on what was used is strengthened"),
  "reward.penalise": share(0.42, 0, 0.6, "the seed's bound: up to it what was used is weakened"),
  "drift.reference": share(0.7, 0, 1, "quality that requests are expected to have"),
  "drift.slack": share(0.05, 0, 0.3, "half of the smallest fall worth an alarm"),
  "drift.alarm": {
    value: 1.5,
    low: 0.2,
    high: 10,
    unit: "ratio",
    reason: "sum of shortfalls at which state goes back",
  },
  "drift.block": share(0.52, 0, 1, "quality below which a request writes nothing"),
  "drift.watch": share(0.6, 0, 1, "quality below which caches are not kept"),
  "pressure.high": share(0.72, 0.3, 1, "load above which work is not run side by side"),
  "pressure.medium": share(0.45, 0.1, 1, "load above which parallel work halves and latency is bounded"),
  "pressure.critical": share(0.88, 0.5, 1, "load above which caches are held in four bits"),
} as const satisfies { readonly [name: string]: Threshold };

/** Name of a threshold. */
export type ThresholdName = keyof typeof THRESHOLDS;

/** Values by name. */
export type Policy = { readonly [N in ThresholdName]: number };

/** The values of the table. */
export const DEFAULT_POLICY: Policy = Object.fromEntries(
  Object.entries(THRESHOLDS).map(([name, threshold]) => [name, threshold.value]),
) as Policy;

/** A number held to a range; the low end for what is no number. */
export const clamp = (value: number, low: number, high: number): number =>
  Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : low;

/** A share: a number held to 0..1, 0 for what is no number. */
export const unit = (value: number): number => clamp(value, 0, 1);

/** A share in thousandths, as it is stored: whole numbers replay the same on every machine. */
export const milli = (value: number): number => Math.round(unit(value) * 1000);
