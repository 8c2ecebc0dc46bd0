/**
 * Stronger: whether a request goes to the dearer of two models or to the cheaper one, by what is known of both.
 *
 * Not the order of all models (choose.ts): where nothing is learned, that alone decides.
 * Invariant: pure; nothing is decided by less evidence than the policy names; of the latest requests no greater share
 * goes to the dearer model than the genes allow, to within one request.
 *
 * @module
 */
import type { ModelKind } from "../contract.ts";
import { topicOf } from "../experience/texts.ts";
import { clamp, type Policy } from "../policy.ts";
import { weigh } from "../review/evidence.ts";
import type { Outcome } from "../state/outcomes.ts";
import type { Model } from "./choose.ts";
import { type LearnedRouter, scorer, thresholdFor } from "./learned.ts";

/** A model that may be chosen, with what stands behind it. */
export interface Choosable extends Model {
  /** A template is no model to choose. */
  readonly kind: ModelKind;
}

/** A router that was fitted and stored. */
export interface FittedRouter {
  /** Its name. */
  readonly name: string;
  /** What it learned. */
  readonly router: LearnedRouter;
  /** Whether it reads prompts whole, or only the words they are about, which is all that is kept of past requests. */
  readonly reads: "prompt" | "topic";
  /** Outcomes it was fitted to. */
  readonly observed: number;
  /** The models whose outcomes they were; any two where absent. */
  readonly pair?: { readonly cheap: string; readonly strong: string };
}

/** What a choice is made from. */
export interface Choosing {
  /** Models that suit the request. */
  readonly models: ReadonlyArray<Choosable>;
  /** The latest requests. */
  readonly outcomes: ReadonlyArray<Outcome>;
  /** Kind of work. */
  readonly work: string;
  /** What the request says. */
  readonly prompt: string;
  /** A router that was stored, where one is used. */
  readonly fitted?: FittedRouter;
  /** Greatest share of requests that may go to the dearer model. */
  readonly bound: number;
  /** Thresholds. */
  readonly policy: Policy;
}

/** What is decided between two models. */
export interface Route {
  /** The one that costs less. */
  readonly cheap: string;
  /** The one that answers better. */
  readonly strong: string;
  /** What is known of how much better it does, and by what; absent where too little is known to decide. */
  readonly learned?: {
    /** `evidence`, or the name of a stored router. */
    readonly by: string;
    /** Outcomes it rests on. */
    readonly observed: number;
    /** How much better the dearer model is expected to answer. */
    readonly gain: number;
    /** Gain from which it is asked. */
    readonly threshold: number;
    /** Which of the two is asked first. */
    readonly asks: "cheap" | "strong";
  };
  /** Why nothing is decided. */
  readonly unknown?: string;
  /** Share of the latest requests with this choice that the dearer model answered. */
  readonly lately: number;
  /** Greatest share that it may answer. */
  readonly bound: number;
}

const by = <A>(items: ReadonlyArray<A>, before: (a: A, b: A) => number): A | undefined => items.toSorted(before)[0];

/** The cheapest model and the best one; undefined where they are one, or the best costs no more and takes no longer. */
export const pairOf = (
  models: ReadonlyArray<Choosable>,
): { readonly cheap: Model; readonly strong: Model } | undefined => {
  const real = models.filter(({ kind }) => kind !== "heuristic");
  const byId = (a: Model, b: Model): number => a.id < b.id ? -1 : 1;
  const cheap = by(
    real,
    (a, b) => a.cost - b.cost || a.latencyMs - b.latencyMs || b.quality - a.quality || byId(a, b),
  );
  const strong = by(
    real,
    (a, b) => b.quality - a.quality || a.cost - b.cost || a.latencyMs - b.latencyMs || byId(a, b),
  );
  if (cheap === undefined || strong === undefined || cheap.quality >= strong.quality) return undefined;
  return strong.cost > cheap.cost || strong.latencyMs > cheap.latencyMs ? { cheap, strong } : undefined;
};

/** How well an answer did by what others said of it; undefined where nobody did. */
export const resultOf = ({ heard }: Outcome, policy: Policy): number | undefined =>
  heard.length === 0 ? undefined : weigh(heard, policy).quality;

interface Record {
  readonly count: number;
  /** Expected quality for a kind of work: what was seen there, beside what the model does on the whole. */
  readonly expected: number;
}

const recordOf = (model: string, { outcomes, work, policy }: Choosing): Record => {
  let [count, sum, here, sumHere] = [0, 0, 0, 0];
  for (const one of outcomes) {
    const result = one.model === model ? resultOf(one, policy) : undefined;
    if (result === undefined) continue;
    count++;
    sum += result;
    if (one.work !== work) continue;
    here++;
    sumHere += result;
  }
  if (count === 0) return { count, expected: 0 };
  const prior = policy["choice.prior"];
  return { count, expected: (sumHere + prior * (sum / count)) / (here + prior) };
};

type Learnt = Pick<NonNullable<Route["learned"]>, "by" | "observed" | "gain" | "threshold">;

const byFitted = (fitted: FittedRouter, { prompt, work, bound, policy }: Choosing): Learnt => {
  const text = fitted.reads === "topic" ? topicOf(prompt, policy) : prompt;
  return {
    by: fitted.name,
    observed: fitted.observed,
    gain: clamp(scorer(fitted.router)({ text, subject: work }), -1, 1),
    // A share that is bounded goes to those that gain most by it.
    threshold: Math.max(policy["choice.gain"], Math.min(1, thresholdFor(fitted.router, bound))),
  };
};

/** Which of two models a request goes to first; undefined where there are no two to choose between. */
export const routeOf = (choosing: Choosing): Route | undefined => {
  const { models, outcomes, fitted, bound, policy } = choosing;
  const pair = pairOf(models);
  if (pair === undefined) return undefined;
  const [cheap, strong] = [pair.cheap.id, pair.strong.id];
  const chosen = outcomes.filter((one) =>
    one.model !== undefined && one.pair?.cheap === cheap && one.pair.strong === strong
  ).slice(-policy["choice.window"]);
  const stronger = chosen.filter(({ model }) => model === strong).length;
  const standing = { cheap, strong, lately: chosen.length === 0 ? 0 : stronger / chosen.length, bound };
  const speaks = fitted?.pair === undefined || (fitted.pair.cheap === cheap && fitted.pair.strong === strong);
  const records = [recordOf(cheap, choosing), recordOf(strong, choosing)];
  let learnt: Learnt;
  if (fitted !== undefined && speaks) learnt = byFitted(fitted, choosing);
  else {
    const least = policy["choice.evidence"];
    if (records.some(({ count }) => count < least)) {
      const counts = records.map(({ count }) => count).join(" and ");
      return { ...standing, unknown: `${counts} judged answers of ${cheap} and ${strong}, ${least} each are needed` };
    }
    learnt = {
      by: "evidence",
      observed: records[0].count + records[1].count,
      gain: records[1].expected - records[0].expected,
      threshold: policy["choice.gain"],
    };
  }
  const within = stronger < bound * (chosen.length + 1);
  return { ...standing, learned: { ...learnt, asks: within && learnt.gain > learnt.threshold ? "strong" : "cheap" } };
};

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** A route in one line. */
export const explainRoute = ({ cheap, strong, learned, unknown, lately, bound }: Route): string => {
  if (learned === undefined) return `nothing learned: ${unknown}`;
  const { asks, gain, threshold, by: source, observed } = learned;
  const gains = gain > threshold;
  const why = `gain ${gain.toFixed(3)} ${gains ? ">" : "<="} threshold ${threshold.toFixed(3)}`;
  const share = `${percent(lately)} of requests asked it lately, bound ${percent(bound)}`;
  const how = asks === "strong"
    ? `asks ${strong} before ${cheap} because ${why}; ${share}`
    : gains
    ? `asks ${cheap} before ${strong} though ${why}, because ${share}`
    : `asks ${cheap} before ${strong} because ${why}; ${share}`;
  return `${how} (by ${source === "evidence" ? "evidence" : `the router ${source}`}, ${observed} outcomes)`;
};
