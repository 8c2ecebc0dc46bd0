/**
 * Outcomes state: which model answered the latest requests, and what others said of the answers, as a fold of the ledger.
 *
 * Not evidence by itself (state/evidence.ts): here it stands beside the model that it speaks of, so that routing can learn.
 * Invariant: bounded: only the latest `MOST_OUTCOMES` requests are known; what a run says of itself is not among it; one
 * witness has one say about a request, the latest.
 *
 * @module
 */
import type { Fold, LedgerEvent } from "../../../effects/mod.ts";
import type { EvidenceSource, Statement } from "../review/evidence.ts";
import { EVIDENCE_GIVEN, type EvidenceData } from "./evidence.ts";
import { type AnsweredData, type AskedData, type PlannedData, REQUEST_EVENTS } from "./requests.ts";

/** Requests that are known. */
export const MOST_OUTCOMES = 512;

/** Most witnesses of one request. */
const MOST_HEARD = 16;

/** What somebody said of an answer. */
export interface Heard extends Statement {
  /** Who. */
  readonly witness: string;
  /** Not the run itself. */
  readonly source: Exclude<EvidenceSource, "self">;
}

/** A request with the model that answered it. */
export interface Outcome {
  /** The request. */
  readonly request: string;
  /** Its kind of work: profile and mode. */
  readonly work: string;
  /** The models that were chosen between, where there was a choice. */
  readonly pair?: { readonly cheap: string; readonly strong: string };
  /** Who answered; absent until somebody has. */
  readonly model?: string;
  /** What was said of the answer. */
  readonly heard: ReadonlyArray<Heard>;
}

/** The latest requests, the oldest first. */
export interface OutcomeState {
  /** They. */
  readonly recent: ReadonlyArray<Outcome>;
}

/** A request's kind of work in one word. */
export const workOf = ({ profile, mode }: Pick<PlannedData, "profile" | "mode">): string => `${profile}/${mode}`;

/** With the outcome of one request changed; the latest are looked at first. */
const changed = ({ recent }: OutcomeState, request: string, change: (one: Outcome) => Outcome): OutcomeState => {
  const at = recent.findLastIndex((one) => one.request === request);
  return at < 0 ? { recent } : { recent: recent.with(at, change(recent[at])) };
};

const planned = ({ recent }: OutcomeState, data: PlannedData): OutcomeState => {
  const { request, route } = data;
  const one: Outcome = {
    request,
    work: workOf(data),
    ...(route === undefined ? {} : { pair: { cheap: route.cheap, strong: route.strong } }),
    heard: [],
  };
  return { recent: [...recent, one].slice(-MOST_OUTCOMES) };
};

const said = (state: OutcomeState, data: EvidenceData): OutcomeState => {
  const { request, source, subject, witness, result, digest } = data;
  if (source === "self" || subject !== "answer") return state;
  return changed(state, request, (one) => {
    const left = one.heard.filter((other) => other.witness !== witness || other.source !== source);
    return left.length >= MOST_HEARD
      ? one
      : { ...one, heard: [...left, { source, subject, witness, result: result / 1000, digest }] };
  });
};

const step = (state: OutcomeState, { type, data }: LedgerEvent): OutcomeState => {
  if (type === REQUEST_EVENTS.planned) return planned(state, data as unknown as PlannedData);
  if (type === EVIDENCE_GIVEN) return said(state, data as unknown as EvidenceData);
  if (type === REQUEST_EVENTS.answered) {
    const { request, model } = data as unknown as AnsweredData;
    return changed(state, request, (one) => ({ ...one, model }));
  }
  if (type !== REQUEST_EVENTS.failed) return state;
  const { request } = data as unknown as AskedData;
  return { recent: state.recent.filter((one) => one.request !== request) };
};

/** The fold of outcomes. */
export const outcomeFold: Fold<OutcomeState> = {
  name: "norion.outcomes",
  version: 1,
  initial: { recent: [] },
  step,
};
