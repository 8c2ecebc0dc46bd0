/**
 * Evidence state: what was said of each request, and by whom, as a fold of the ledger's `norion.evidence` events.
 *
 * Not what it comes to (review/evidence.ts weighs it).
 * Invariant: one witness has one say about a subject, the latest; a request that was never made has no evidence.
 *
 * @module
 */
import type { EventDraft, Fold, LedgerEvent } from "../../../effects/mod.ts";
import { type Digest, digestJson, type Json } from "../../../kernel/mod.ts";
import type { Profile } from "../profile.ts";
import { milli } from "../policy.ts";
import type { EvidenceSource, Statement } from "../review/evidence.ts";
import { type Buckets, find, put } from "./buckets.ts";

/** Type of the event. */
export const EVIDENCE_GIVEN = "norion.evidence.given";

/** One statement as it is stored. */
export interface EvidenceData {
  /** Which request it is about. */
  readonly request: string;
  /** Whose request that was, as a keyed digest. */
  readonly scope: Digest;
  /** Its kind of work. */
  readonly profile: Profile;
  /** Genes that spoke in it: what the statement says, it says of them too. */
  readonly genes: ReadonlyArray<string>;
  /** Who says so. */
  readonly source: EvidenceSource;
  /** What it is about: `answer`, or a memory by its id. */
  readonly subject: string;
  /** The validator's name, or who the user is. */
  readonly witness: string;
  /** How well it did, thousandths. */
  readonly result: number;
  /** Digest of what it was read off. */
  readonly digest: string;
}

/** A statement with where it stands. */
export interface Given {
  /** What was said. */
  readonly statement: Statement;
  /** Who said it. */
  readonly witness: string;
  /** Where it stands in the ledger. */
  readonly step: number;
}

/** Statements by request. */
export type EvidenceState = Buckets<ReadonlyArray<Given>>;

/** Most witnesses of one request; later ones are not heard. */
export const MOST_WITNESSES = 64;

/** What was said of a request, in the order in which it was said. */
export const statementsOn = (state: EvidenceState, request: string): ReadonlyArray<Given> => find(state, request) ?? [];

/** The identity of what was said of a request: changes when anybody says anything new. */
export const evidenceDigest = (given: ReadonlyArray<Pick<Given, "statement" | "witness">>): Digest =>
  digestJson(
    given.filter(({ statement }) => statement.source !== "self")
      .map(({ statement: { source, subject, result }, witness }) => [source, subject, witness, milli(result)])
      .sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1),
  );

const step = (state: EvidenceState, event: LedgerEvent): EvidenceState => {
  if (event.type !== EVIDENCE_GIVEN) return state;
  const { request, source, subject, witness, result, digest } = event.data as unknown as EvidenceData;
  const before = statementsOn(state, request);
  const left = before.filter((one) =>
    one.witness !== witness || one.statement.source !== source || one.statement.subject !== subject
  );
  if (left.length >= MOST_WITNESSES) return state;
  const given: Given = { statement: { source, subject, result: result / 1000, digest }, witness, step: event.seq };
  return put(state, request, [...left, given]);
};

/** The fold of evidence. */
export const evidenceFold: Fold<EvidenceState> = {
  name: "norion.evidence",
  version: 1,
  initial: { buckets: {} },
  step,
};

/** The event of a statement about a request. */
export const evidenceEvent = (
  about: Pick<EvidenceData, "request" | "scope" | "profile" | "genes">,
  { source, subject, result, digest }: Statement,
  witness: string,
  actor: string,
): EventDraft => {
  const { request, scope, profile, genes } = about;
  const data: EvidenceData = {
    request,
    scope,
    profile,
    genes,
    source,
    subject,
    witness,
    result: milli(result),
    digest,
  };
  return { type: EVIDENCE_GIVEN, actor, data: data as unknown as Json };
};
