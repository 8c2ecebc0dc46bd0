/**
 * Proposal: a durable change of behaviour as inert data: what changes, on what it stands, what speaks for it.
 *
 * Not the service that moves it (effects/proposals.ts) and not the fold that remembers it (effects/proposal_state.ts).
 * Invariant: equal content has the equal id; who proposed it and what was found about it are no part of its content.
 *
 * @module
 */
import type { Actor, Digest, Json, JsonPatch } from "../kernel/mod.ts";
import type { Report } from "./pipeline.ts";
import type { Admission } from "./proposal_state.ts";

/** Where evidence comes from. */
export type EvidenceSource = "validator" | "user" | "benchmark" | "verifier" | "self";

/** A statement about a proposal that somebody stands for. */
export interface Evidence {
  /** What kind of judge found it. */
  readonly source: EvidenceSource;
  /** What was found. */
  readonly result: "pass" | "fail" | "measure";
  /** Identity of the material behind it. */
  readonly digest: Digest;
  /** One line for people. */
  readonly summary: string;
  /** The measure's name. */
  readonly metric?: string;
  /** The measure's value. */
  readonly value?: number;
}

/** Evidence with its witness. */
export interface Attested extends Evidence {
  /** Who stands for it. */
  readonly by: string;
  /** What it counts as: `self` whenever the witness is the proposer. */
  readonly counts: EvidenceSource;
}

/** A call whose success, with this part of its output, validates a proposal. */
export interface ValidationCommand {
  /** Operation id. */
  readonly operation: string;
  /** Its input. */
  readonly input: Json;
  /** Members its output must have. */
  readonly expect?: Json;
}

/** What a change is expected to do, measurably. */
export interface ExpectedEffect {
  /** The measure. */
  readonly metric: string;
  /** Where it should move. */
  readonly direction: "up" | "down";
  /** The value it should reach. */
  readonly bound: number;
}

/** What a proposer writes. */
export interface ProposalDraft {
  /** Which part of the system's behaviour: memory, genome, router. */
  readonly domain: string;
  /** What the change is, in one sentence. */
  readonly summary: string;
  /** Ids at the root of the domain's document that change: all of them and no others. */
  readonly changedIds: ReadonlyArray<string>;
  /** Edits of the domain's document. */
  readonly patch: JsonPatch;
  /** The state of the domain that the change stands on; default the current one. */
  readonly base?: Digest;
  /** What it is expected to do. */
  readonly expected: ExpectedEffect;
  /** Calls that validate it. */
  readonly validation: ReadonlyArray<ValidationCommand>;
  /** The state a rollback returns to; default the base. */
  readonly rollbackTarget?: Digest;
  /** Whether it can be undone by the system. */
  readonly reversible: boolean;
  /** Whether it gives anybody more authority; then no policy rule approves it. */
  readonly widensAuthority: boolean;
  /** Ids of the document that it was made from without changing them: undoing a change of one of them undoes it too. */
  readonly standsOn?: ReadonlyArray<string>;
}

/** A proposed change: equal content has the equal id. */
export interface Proposal extends Required<Omit<ProposalDraft, "standsOn">>, Pick<ProposalDraft, "standsOn"> {
  /** Digest of the content. */
  readonly id: Digest;
  /** Who proposed it first. */
  readonly proposer: Actor;
}

/** A proposal with all that is known of it. */
export interface ProposalRecord {
  /** The change. */
  readonly proposal: Proposal;
  /** Where it stands. */
  readonly state: Admission;
  /** Evidence so far. */
  readonly evidence: ReadonlyArray<Attested>;
  /** Which validation commands ran, and whether they passed. */
  readonly validated: { readonly [index: string]: boolean };
  /** Reason codes of the latest judgement. */
  readonly reasons: ReadonlyArray<string>;
  /** Who approved it. */
  readonly by?: string;
  /** When the approval ends, milliseconds since 1970. */
  readonly expiresAt?: number;
  /** The domain's state after it was applied. */
  readonly after?: Digest;
}

/** What a change would do. */
export interface Preview {
  /** The domain's state now. */
  readonly before: Digest;
  /** The domain's state with the change. */
  readonly after: Digest;
  /** The document with the change. */
  readonly document: Json;
  /** What the checks say now. */
  readonly report: Report;
}
