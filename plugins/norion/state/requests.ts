/**
 * Requests state: where every request stands, as a fold of the ledger's `norion.request` events.
 *
 * Not what a request said or was told: prompts are here as keyed digests only, and an answer waits as a private blob
 * until its request is settled, so that an interrupted request can go on.
 * Invariant: a request is planned once, answered once, settled once, in this order; an event out of order changes nothing.
 *
 * @module
 */
import type { EventDraft, Fold, LedgerEvent } from "../../../effects/mod.ts";
import { type Digest, digestJson, type Json, type JsonObject } from "../../../kernel/mod.ts";
import type { Chain, ChainKind } from "../review/chain.ts";
import type { CheckName, Severity } from "../review/checks.ts";
import type { DriftVerdict } from "../review/drift.ts";
import type { RewardVerdict } from "../review/reward.ts";
import type { ModelKind } from "../contract.ts";
import type { Breaker } from "../routing/breaker.ts";
import type { CusumData, LessonData } from "./adaptive.ts";
import { explainPlan, type Plan } from "../plan.ts";
import { milli } from "../policy.ts";
import type { Mode, Profile } from "../profile.ts";
import type { Verdict } from "../router.ts";
import { explainRoute } from "../routing/stronger.ts";
import { type Buckets, find, items, put } from "./buckets.ts";

/** Types of the events. */
export const REQUEST_EVENTS = {
  planned: "norion.request.planned",
  answered: "norion.request.answered",
  failed: "norion.request.failed",
  settled: "norion.request.settled",
} as const;

/** What was decided before a model was called. Shares are whole thousandths. */
export interface PlannedData {
  /** Id of the request. */
  readonly request: string;
  /** Whose memory it sees, as a keyed digest. */
  readonly scope: Digest;
  /** The prompt, as a keyed digest. */
  readonly prompt: Digest;
  /** Kind of work. */
  readonly profile: Profile;
  /** Finer kind of work. */
  readonly mode: Mode;
  /** Digest of the plan's explanation: the same decisions have the same digest. */
  readonly plan: Digest;
  /** Generation of the genome. */
  readonly generation: number;
  /** Genes that spoke. */
  readonly genes: ReadonlyArray<string>;
  /** Threshold of attention. */
  readonly threshold: number;
  /** Share of the prompt that got attention. */
  readonly attention: number;
  /** How busy the device was. */
  readonly pressure: number;
  /** Calls the schedule predicts. */
  readonly calls: number;
  /** What was offered as context, and what became of it. */
  readonly context: ReadonlyArray<
    { readonly id: string; readonly verdict: Verdict; readonly score: number; readonly tokens: number }
  >;
  /** What the draft is looked over for. */
  readonly checks: ReadonlyArray<string>;
  /** Validators that must speak before success. */
  readonly validators: ReadonlyArray<string>;
  /** What was decided between a cheap and a strong model; absent where there was nothing to choose. */
  readonly route?: {
    readonly cheap: string;
    readonly strong: string;
    /** Which of them was to be asked first; absent where nothing was learned. */
    readonly asks?: "cheap" | "strong";
    /** The decision in words. */
    readonly because: string;
  };
}

/** What asking models came to, whether or not one answered. */
export interface AskedData {
  /** Id of the request. */
  readonly request: string;
  /** Every call that failed, in order: which model, and why. */
  readonly faults: ReadonlyArray<{ readonly model: string; readonly reason: string }>;
  /** How the models that were asked stand now. */
  readonly breakers: { readonly [model: string]: Breaker };
}

/** What a model answered, and what was seen in it. */
export interface AnsweredData extends AskedData {
  /** Who answered. */
  readonly model: string;
  /** What kind of thing that is. */
  readonly kind: ModelKind;
  /** Calls made. */
  readonly calls: number;
  /** Tokens read. */
  readonly readTokens: number;
  /** Tokens of the answer. */
  readonly answerTokens: number;
  /** Tokens that models went on from by what they had kept of them; none where absent. */
  readonly keptTokens?: number;
  /** The redacted answer, a private blob that is deleted when the request is settled. */
  readonly answer: Digest;
  /** What reflection saw. */
  readonly issues: ReadonlyArray<{ readonly check: CheckName; readonly severity: Severity }>;
  /** Whether it was asked for again because of what was seen. */
  readonly repaired: boolean;
}

/** What came of a request. */
export interface SettledData {
  /** Id of the request. */
  readonly request: string;
  /** Its kind of work. */
  readonly profile: Profile;
  /** How good it was by the evidence, thousandths. */
  readonly quality: number;
  /** Whether anybody from outside said so. */
  readonly proven: boolean;
  /** What may still be written, in a word. */
  readonly drift: DriftVerdict;
  /** The reward, thousandths. */
  readonly reward: number;
  /** What the reward calls for. */
  readonly reinforcement: RewardVerdict;
  /** Required validators that had nothing to say. */
  readonly missing: ReadonlyArray<string>;
  /** Validators that had something to judge and could not, with the reasons; none where absent. */
  readonly silent?: ReadonlyArray<string>;
  /** Whether anything durable beyond the record itself was written. */
  readonly decision: "stored" | "held" | "nothing";
  /** Why what was not written was not written: reason codes. */
  readonly reasons: ReadonlyArray<string>;
  /** Memories it added. */
  readonly stored: ReadonlyArray<string>;
  /** Memories that it is known to have been helped by. */
  readonly helped: ReadonlyArray<string>;
  /** Memories that misled it. */
  readonly misled: ReadonlyArray<string>;
  /** What was learned; absent where learned state did not move, or went back. */
  readonly lesson?: LessonData;
  /** How far quality lies below its reference now. */
  readonly cusum: CusumData;
  /** The steps of the answer; absent where it had none. */
  readonly chain?: ChainData;
}

/** The steps of an answer as an event holds them. */
export interface ChainData {
  /** What judged them. */
  readonly kind: ChainKind;
  /** Steps. */
  readonly steps: number;
  /** Those that are right. */
  readonly right: number;
  /** Mean of their rewards, thousandths. */
  readonly reward: number;
  /** Number of the first wrong one, from 1; absent where none is known to be wrong. */
  readonly wrong?: number;
}

/** The steps of an answer, as an event holds them. */
export const chainData = ({ kind, verdicts, rewards, blame }: Chain): ChainData => ({
  kind,
  steps: verdicts.length,
  right: verdicts.filter((verdict) => verdict === "right").length,
  reward: milli(rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length),
  ...(blame === undefined ? {} : { wrong: blame + 1 }),
});

/** Where a request stands. */
export interface RequestEntry {
  /** Its id. */
  readonly id: string;
  /** Who asked. */
  readonly actor: string;
  /** Whose memory it sees. */
  readonly scope: Digest;
  /** The prompt, as a keyed digest. */
  readonly prompt: Digest;
  /** Kind of work. */
  readonly profile: Profile;
  /** Genes that spoke. */
  readonly genes: ReadonlyArray<string>;
  /** Memories that came along. */
  readonly used: ReadonlyArray<string>;
  /** Step at which it was planned. */
  readonly planned: number;
  /** Step at which it was answered. */
  readonly answered?: number;
  /** Where its answer waits. */
  readonly answer?: Digest;
  /** Step at which it was given up, because no model answered. */
  readonly failed?: number;
  /** Step at which it was settled. */
  readonly settled?: number;
  /** Whether learned state moved by it. */
  readonly learned: boolean;
}

/** Every request. */
export interface RequestState extends Buckets<RequestEntry> {
  /** Id of the latest; absent before the first. */
  readonly latest?: string;
  /** How many there are. */
  readonly count: number;
}

/** The request of an id. */
export const requestOf = (state: RequestState, id: string): RequestEntry | undefined => find(state, id);

/** Every request in the order of their steps; of one scope where told. */
export const requestsOf = (state: RequestState, scope?: Digest): ReadonlyArray<RequestEntry> =>
  items(state).filter((one) => scope === undefined || one.scope === scope)
    .toSorted((a, b) => a.planned - b.planned);

/** The id that the next request takes. */
export const nextRequest = ({ count }: RequestState): string => `r${count + 1}`;

/** What an item says of its origin that a request left in memory. */
export const sourceOf = (request: string): string => `request:${request}`;

const IN_CONTEXT: ReadonlySet<string> = new Set(["include", "compress"]);

const planned = (state: RequestState, event: LedgerEvent, data: JsonObject): RequestState => {
  const { request: id, scope, prompt, profile, genes, context } = data as unknown as PlannedData;
  if (find(state, id) !== undefined) return state;
  const used = context.filter(({ id, verdict }) => IN_CONTEXT.has(verdict) && !id.startsWith("file:"));
  const entry: RequestEntry = {
    id,
    actor: event.actor,
    scope,
    prompt,
    profile,
    genes,
    used: used.map(({ id }) => id),
    planned: event.seq,
    learned: false,
  };
  return { ...put(state, id, entry), latest: id, count: state.count + 1 };
};

const answered = (state: RequestState, event: LedgerEvent, data: JsonObject): RequestState => {
  const { request: id, answer } = data as unknown as AnsweredData;
  const entry = find(state, id);
  if (entry === undefined || entry.answered !== undefined) return state;
  return { ...state, ...put(state, id, { ...entry, answered: event.seq, answer }) };
};

const settled = (state: RequestState, event: LedgerEvent, data: JsonObject): RequestState => {
  const { request: id, lesson } = data as unknown as SettledData;
  const entry = find(state, id);
  if (entry?.answered === undefined || entry.settled !== undefined) return state;
  const { answer: _answer, ...left } = entry;
  return { ...state, ...put(state, id, { ...left, settled: event.seq, learned: lesson !== undefined }) };
};

const failed = (state: RequestState, event: LedgerEvent, data: JsonObject): RequestState => {
  const entry = find(state, String(data.request));
  if (entry === undefined || entry.answered !== undefined) return state;
  return { ...state, ...put(state, entry.id, { ...entry, failed: event.seq }) };
};

const STEPS: {
  readonly [type: string]: (state: RequestState, event: LedgerEvent, data: JsonObject) => RequestState;
} = {
  [REQUEST_EVENTS.planned]: planned,
  [REQUEST_EVENTS.answered]: answered,
  [REQUEST_EVENTS.failed]: failed,
  [REQUEST_EVENTS.settled]: settled,
};

/** The fold of requests. */
export const requestFold: Fold<RequestState> = {
  name: "norion.request",
  version: 1,
  initial: { buckets: {}, count: 0 },
  step: (state, event) =>
    Object.hasOwn(STEPS, event.type) ? STEPS[event.type](state, event, event.data as JsonObject) : state,
};

/** The identity of a plan: of every decision that it explains. */
export const planDigest = (plan: Plan): Digest => digestJson([...explainPlan(plan)]);

/** The event of a plan. */
export const plannedEvent = (
  plan: Plan,
  about: { readonly request: string; readonly scope: Digest; readonly prompt: Digest },
  actor: string,
): EventDraft => {
  const data: PlannedData = {
    ...about,
    profile: plan.profile,
    mode: plan.mode,
    plan: planDigest(plan),
    generation: plan.generation,
    genes: plan.knobs.expressed,
    threshold: milli(plan.threshold),
    attention: milli(plan.attention),
    pressure: milli(plan.device.pressure),
    calls: plan.schedule.calls,
    context: plan.context.map(({ id, verdict, score, tokens }) => ({ id, verdict, score: milli(score), tokens })),
    checks: plan.checks,
    validators: plan.validators,
    ...(plan.route === undefined ? {} : {
      route: {
        cheap: plan.route.cheap,
        strong: plan.route.strong,
        ...(plan.route.learned === undefined ? {} : { asks: plan.route.learned.asks }),
        because: explainRoute(plan.route),
      },
    }),
  };
  return { type: REQUEST_EVENTS.planned, actor, data: data as unknown as Json };
};

/** The event of an answer. */
export const answeredEvent = (data: AnsweredData, actor: string): EventDraft => ({
  type: REQUEST_EVENTS.answered,
  actor,
  data: data as unknown as Json,
});

/** The event of a request that no model answered. */
export const failedEvent = (data: AskedData, actor: string): EventDraft => ({
  type: REQUEST_EVENTS.failed,
  actor,
  data: data as unknown as Json,
});

/** The event of what came of a request. */
export const settledEvent = (data: SettledData, actor: string): EventDraft => ({
  type: REQUEST_EVENTS.settled,
  actor,
  data: data as unknown as Json,
});
