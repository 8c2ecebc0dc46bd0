/**
 * Choose: which model answers a request, and what is tried when it does not.
 *
 * Not the calls: here is the order of candidates with the reason for each, and what a failure means.
 * Invariant: a request that may not leave the machine is never offered to a model elsewhere, whatever its quality; hops
 * are bounded; the same request and candidates give the same order.
 *
 * @module
 */
import type { Policy } from "../policy.ts";
import { admit, type Breaker, CLOSED, type Health, settled } from "./breaker.ts";

/** Where a model runs. */
export type Locality = "process" | "machine" | "network";

/** A model that could answer. */
export interface Model {
  /** Its id; ties are broken by it. */
  readonly id: string;
  /** Where it runs. */
  readonly locality: Locality;
  /** How well it answers in general, 0..1. */
  readonly quality: number;
  /** Money for a thousand tokens, in any one unit. */
  readonly cost: number;
  /** Tokens it reads at most. */
  readonly window: number;
  /** Milliseconds it takes to answer, usually. */
  readonly latencyMs: number;
}

/** What a request asks of a model. */
export interface Demand {
  /** Tokens to read. */
  readonly tokens: number;
  /** How far it may travel. */
  readonly privacy: Locality;
  /** Most money for a thousand tokens. */
  readonly maxCost?: number;
  /** Longest an answer may take. */
  readonly maxLatencyMs?: number;
  /** How much is gained by a better model, 0..1, where nothing is learned of the models. */
  readonly gain: number;
  /** The model that is asked before all others, where it was decided on by what is learned of the models. */
  readonly first?: string;
}

/** A model in the order it is tried. */
export interface Ranked {
  /** Which one. */
  readonly model: Model;
  /** Expected worth: quality by what it gains, less cost and delay. */
  readonly worth: number;
}

/** A model that is not tried. */
export interface Excluded {
  /** Which one. */
  readonly model: Model;
  /** Why. */
  readonly reason: string;
}

const REACH: { readonly [L in Locality]: number } = { process: 0, machine: 1, network: 2 };

/** Whether a request that may travel so far may be offered to a model there. */
export const reaches = (privacy: Locality, locality: Locality): boolean => REACH[locality] <= REACH[privacy];

const unsuitable = (model: Model, demand: Omit<Demand, "tokens" | "gain" | "first">): string | undefined => {
  if (!reaches(demand.privacy, model.locality)) return `the request may not leave the ${demand.privacy}`;
  if (demand.maxCost !== undefined && model.cost > demand.maxCost) {
    return `it costs ${model.cost}, and at most ${demand.maxCost} may be spent`;
  }
  if (demand.maxLatencyMs !== undefined && model.latencyMs > demand.maxLatencyMs) {
    return `it takes ${model.latencyMs} ms, and ${demand.maxLatencyMs} ms are given`;
  }
  return undefined;
};

/** The models that suit what a request asks for, rested or not. */
export const suitable = <M extends Model>(
  models: ReadonlyArray<M>,
  demand: Omit<Demand, "tokens" | "gain" | "first">,
): ReadonlyArray<M> => models.filter((model) => unsuitable(model, demand) === undefined);

/** Candidates best first, and those that are left out with the reason. A window that is too small is read in parts. */
export const chooseModels = (
  models: ReadonlyArray<Model>,
  demand: Demand,
  breakers: ReadonlyMap<string, Breaker>,
  step: number,
  policy: Policy,
): { readonly ranked: ReadonlyArray<Ranked>; readonly excluded: ReadonlyArray<Excluded> } => {
  const ranked: Ranked[] = [];
  const excluded: Excluded[] = [];
  const dearest = Math.max(...models.map(({ cost }) => cost), Number.MIN_VALUE);
  const slowest = Math.max(...models.map(({ latencyMs }) => latencyMs), Number.MIN_VALUE);
  for (const model of models) {
    const { pass } = admit(breakers.get(model.id) ?? CLOSED, step);
    const reason = unsuitable(model, demand) ?? (pass ? undefined : "it failed lately and rests");
    if (reason !== undefined) {
      excluded.push({ model, reason });
      continue;
    }
    const readings = Math.ceil(Math.max(1, demand.tokens) / model.window);
    ranked.push({
      model,
      worth: model.quality * demand.gain - policy["model.costWeight"] * readings * (model.cost / dearest) -
        policy["model.delayWeight"] * readings * (model.latencyMs / slowest),
    });
  }
  const isFirst = ({ model }: Ranked): number => model.id === demand.first ? 1 : 0;
  return {
    ranked: ranked.toSorted((a, b) =>
      isFirst(b) - isFirst(a) || b.worth - a.worth || (a.model.id < b.model.id ? -1 : 1)
    ),
    excluded,
  };
};

/** What a failure of a model was. */
export type ModelFault =
  | "timeout"
  | "overloaded"
  | "unavailable"
  | "garbage"
  | "too-long"
  | "refused"
  | "unauthorised"
  | "interrupted";

/** What to do about a failure. */
export type Remedy = "retry-here" | "go-elsewhere" | "give-up";

/**
 * What each failure calls for at first, and what it says of the model: one that refuses, or cannot read so much, is as
 * well as one that answers.
 */
export const FAULTS: { readonly [F in ModelFault]: { readonly remedy: Remedy; readonly health: Health } } = {
  timeout: { remedy: "retry-here", health: "ill" },
  overloaded: { remedy: "retry-here", health: "ill" },
  unavailable: { remedy: "go-elsewhere", health: "ill" },
  garbage: { remedy: "retry-here", health: "ill" },
  "too-long": { remedy: "go-elsewhere", health: "well" },
  refused: { remedy: "give-up", health: "well" },
  unauthorised: { remedy: "go-elsewhere", health: "ill" },
  interrupted: { remedy: "give-up", health: "unknown" },
};

/** Where the attempts of one request stand. */
export interface Attempts {
  /** Models in the order they are tried. */
  readonly order: ReadonlyArray<string>;
  /** Which of them is tried. */
  readonly at: number;
  /** How often it was tried. */
  readonly tries: number;
  /** How often any was tried. */
  readonly hops: number;
  /** How the models stand. */
  readonly breakers: ReadonlyMap<string, Breaker>;
}

/** The attempts of a request that has not been tried. */
export const attemptsOf = (order: ReadonlyArray<string>, breakers: ReadonlyMap<string, Breaker>): Attempts => ({
  order,
  at: 0,
  tries: 0,
  hops: 0,
  breakers,
});

/** What is done after the model whose turn it was failed: the same again, the next one, or nothing more. */
export const afterFault = (
  attempts: Attempts,
  fault: ModelFault,
  step: number,
  policy: Policy,
): { readonly remedy: Remedy; readonly attempts: Attempts } => {
  const id = attempts.order[attempts.at];
  const { remedy: wanted, health } = FAULTS[fault];
  const breaker = settled(attempts.breakers.get(id) ?? CLOSED, health, step, policy);
  const breakers = new Map(attempts.breakers).set(id, breaker);
  const hops = attempts.hops + 1;
  const tries = attempts.tries + 1;
  const exhausted = tries > policy["model.retries"] || breaker.state !== "closed";
  const remedy = wanted === "retry-here" && exhausted ? "go-elsewhere" : wanted;
  const over = hops >= policy["model.hops"] || (remedy === "go-elsewhere" && attempts.at + 1 >= attempts.order.length);
  if (remedy === "give-up" || over) return { remedy: "give-up", attempts: { ...attempts, tries, hops, breakers } };
  return remedy === "retry-here"
    ? { remedy, attempts: { ...attempts, tries, hops, breakers } }
    : { remedy, attempts: { ...attempts, at: attempts.at + 1, tries: 0, hops, breakers } };
};
