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
  "hierarchy.learning": share(0.22, 0, 0.5, "the seed's rate: share of the way one judged request moves the weights"),
  "hierarchy.poor": share(0.55, 0, 0.8, "quality below which the profile's strongest weight grows"),
  "hierarchy.good": share(0.84, 0.5, 1, "quality above which neighbours are read together more"),
  "hierarchy.boost": share(0.12, 0, 0.3, "what the strongest weight's target gains after a poor request"),
  "hierarchy.fuse": share(0.05, 0, 0.2, "what the target of reading together gains after a good request"),
  "memory.recall": whole("items", 4, 1, 16, "more recalled items crowd out the request"),
  "memory.duplicate": share(0.82, 0.5, 1, "items that share this much of their terms say the same"),
  "memory.coverage": share(0.6, 0.3, 1, "share of a question's weight that an answer must speak of; less is not known"),
  "memory.alike": share(0.65, 0.4, 1, "likeness of two words' vectors from which one speaks of the other"),
  "memory.candidates": whole("items", 64, 8, 1024, "items ranked finely, by words and by spelling each"),
  "memory.fuse": share(0.92, 0.8, 1, "cosine from which two items are kept as one"),
  "memory.compactions": whole("items", 32, 1, 1024, "merges of one compaction"),
  "memory.compacted": whole("items", 512, 2, 4096, "items one compaction compares with each other"),
  "memory.capacity": whole("items", 32768, 16, 1048576, "living items of one scope; the least worth give way"),
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
  "choice.evidence": whole("items", 20, 5, 4096, "judged answers of each of two models before they are compared"),
  "choice.gain": share(0.1, 0, 1, "a dearer model is asked where it is expected to do better by more than this"),
  "choice.prior": whole("items", 8, 1, 256, "answers of all kinds of work that count beside those of one kind"),
  "choice.window": whole("steps", 64, 4, 512, "latest choices that the share of the dearer model is counted over"),
  "breaker.failures": whole("items", 3, 1, 100, "failures in a row after which a model rests"),
  "breaker.rest": whole("steps", 8, 1, 4096, "steps a model rests at first; each further trip doubles it"),
  "model.retries": whole("items", 1, 0, 8, "times the same model is tried again"),
  "model.hops": whole("calls", 4, 1, 32, "failed calls after which a request is given up"),
  "model.pause": whole("ms", 200, 0, 60_000, "before the first try of the same model again; doubles each time"),
  "model.longestPause": whole("ms", 5_000, 0, 600_000, "a model that asks for a longer rest is not waited for"),
  "model.deadline": whole("ms", 120_000, 1, 3_600_000, "a call that takes longer is broken off"),
  "model.leastDeadline": whole("ms", 2_000, 1, 60_000, "no call is broken off sooner because a device is busy"),
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
  "review.unrun": share(0.2, 0, 0.5, "quality of code that was asked for and that nobody ran is held to this"),
  "review.loads": share(0.7, 0.3, 1, "quality of code that loads without a fault and that no test was given for"),
  "review.support": share(0.3, 0, 1, "terms shared with the context from which a claim rests on it"),
  "reward.evidence": share(0.35, 0.2, 0.8, "share of what was found from outside; the steps share the rest"),
  "reward.reinforce": share(0.72, 0.5, 1, "the seed's bound: from it on what was used is strengthened"),
  "reward.penalise": share(0.42, 0, 0.6, "the seed's bound: up to it what was used is weakened"),
  "experience.recall": whole("items", 3, 0, 16, "records offered as context"),
  "experience.least": share(0.12, 0, 1, "score below which a record is not offered"),
  "experience.topic": whole("chars", 120, 16, 512, "longest list of words that a prompt was about"),
  "experience.lesson": whole("chars", 180, 32, 1024, "longest lesson that is recorded"),
  "experience.overlong": whole("chars", 960, 180, 4096, "lessons above it are too long for the index"),
  "experience.clean": share(0.92, 0.5, 1, "index quality from which experience is clean"),
  "experience.watch": share(0.75, 0.3, 1, "index quality from which experience is only watched"),
  "experience.degraded": share(0.5, 0, 1, "index quality below which nothing is recalled from experience"),
  "experience.aboutTask": share(0.34, 0, 1, "share of the task's words that a transcript about it has"),
  "replay.limit": whole("items", 2, 0, 64, "records replayed at once where nobody says how many"),
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
  "gene.halfLife": whole("steps", 50, 1, 4096, "uses after which what was known of a gene counts half"),
  "gene.window": whole(
    "steps",
    20,
    2,
    1024,
    "uses that violations are counted over, and after which an anchor may rise",
  ),
  "gene.violation": share(0.2, 0, 1, "drift of one violation"),
  "gene.malignant": share(0.7, 0.3, 1, "drift from which a gene is malignant"),
  "gene.aged": whole("items", 8, 1, 1024, "windows without a success after which a gene ages"),
  "gene.oldest": whole("items", 16, 1, 1024, "windows without a success at which age weighs fully"),
  "gene.weak": share(0.45, 0, 1, "fitness below which a gene ages"),
  "gene.useful": share(0.3, 0, 1, "fitness from which an aging gene is worth a new label"),
  "gene.trusted": share(0.35, 0, 1, "trust from which an aging gene is worth a new label"),
  "gene.prior": whole("items", 4, 1, 64, "outcomes that a gene's trust counts as beside what was seen"),
  "gene.fit": share(0.6, 0, 1, "fitness from which a gene may be a parent"),
  "gene.healthy": share(0.75, 0, 1, "fitness from which a gene is a model for a young one"),
  "gene.steady": share(0.2, 0, 1, "drift up to which a gene is a model for a young one"),
  "gene.siblings": whole("items", 3, 1, 16, "genes that a young one is made from"),
  "gene.hot": share(0.78, 0.5, 1, "score from which a warm gene is hot"),
  "gene.warm": share(0.52, 0.2, 0.9, "score below which a hot gene is warm"),
  "gene.cold": share(0.24, 0, 0.6, "score below which a gene that failed often is cold"),
  "gene.failures": whole(
    "items",
    12,
    1,
    100,
    "failures before which no gene turns cold: blame is shared by all that spoke",
  ),
  "gene.rest": whole("steps", 64, 0, 65536, "steps a cold gene rests before it may be woken"),
  "gene.probation": whole("items", 10, 1, 1024, "judged uses of an edited gene until it is no longer on probation"),
  "gene.slack": share(0.05, 0, 0.5, "fitness on probation may lie below that of the gene before by this"),
  "gene.branches": share(0.3, 0, 1, "confidence that genes keep together for one more reading side by side"),
  "gene.signals": whole("items", 3, 1, 64, "requests with one signal before anything is proposed for it"),
  "gene.signalsOf": whole("items", 5, 1, 64, "latest requests that signals are looked for in"),
  "signal.quality": share(0.55, 0, 1, "quality below which a request speaks against the genes that review it"),
  "signal.reward": share(0.45, 0, 1, "reward below which a request speaks against the genes that review it"),
  "signal.attention": share(0.72, 0, 1, "attention that a weak answer does not justify"),
  "signal.spent": share(0.86, 0, 1, "attention that speaks against the genes that spend"),
  "benefit.regression": share(0.02, 0, 0.5, "fall of a measure that is still no harm"),
  "benefit.latencyShare": share(0.25, 0, 4, "rise of the time a request takes that is still no harm"),
  "benefit.latencyMs": whole("ms", 100, 0, 60000, "rise of the time a request takes that is never harm"),
  "segment.fitness": share(0.55, 0, 1, "fitness from which a segment is kept"),
  "segment.drift": share(0.35, 0, 1, "drift up to which a segment is kept"),
  "segment.privacy": share(0.2, 0, 1, "privacy risk up to which a segment is kept"),
  "segment.tokens": whole("tokens", 512, 1, 16384, "longest segment"),
  "segment.overlap": whole("tokens", 256, 0, 16384, "most tokens a segment shares with another"),
  "segment.age": whole("items", 8, 1, 1024, "windows from which a segment is old"),
  "calm.window": whole("steps", 16, 1, 1024, "requests of one window of rates"),
  "calm.breach": whole("items", 3, 1, 64, "windows of overload after which genes are left alone"),
  "calm.recovery": whole("items", 2, 1, 64, "quiet windows after which genes may be edited again"),
  "calm.pressure": share(0.82, 0.3, 1, "load of the device that is too much"),
  "calm.rejection": share(0.18, 0, 1, "share of edits rejected that asks for a person"),
  "calm.rollback": share(0.16, 0, 1, "share of edits rolled back that is too much"),
  "calm.quarantine": share(0.18, 0, 1, "share of edits that quarantine that is too much"),
  "calm.emergency": share(0.7, 0.3, 1, "share of edits rolled back or quarantining that stops at once"),
  "calm.approvals": whole("items", 4, 1, 1024, "edits waiting for a person above which a person is asked first"),
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
