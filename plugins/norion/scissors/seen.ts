/**
 * Seen: what the ledger holds besides a candidate that the checks of genomes look at.
 *
 * Invariant: only reads; what costs much is read when a check asks for it.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  descendantsOf,
  domainOf,
  type LedgerFailure,
  type LedgerShape,
  proposalFold,
  type ProposalRecord,
  type ProposalState,
  recordOf,
  rolledBackIn,
} from "../../../effects/mod.ts";
import type { Digest, Failure, Json } from "../../../kernel/mod.ts";
import { genomeFold, type GenomeState } from "../state/genome.ts";

/** What the checks read besides the candidate. */
export interface Seen {
  /** Counts and evidence of genes. */
  readonly state: GenomeState;
  /** Edits of the genome until now. */
  readonly generation: number;
  /** Documents that undoing one of the applied edits, with what stands on it, would leave. */
  readonly earlier: () => ReadonlyArray<Json>;
  /** Digests among those asked about that nothing in the ledger stands behind. */
  readonly unresolved: (digests: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, Failure>;
  /** Where the ledger stands. */
  readonly step: number;
}

/** The document of a domain as it would be without an applied change and what stands on it. */
export const withoutChange = (state: ProposalState, found: ProposalRecord): Json => {
  const { domain } = found.proposal;
  let now = state;
  for (const { proposal } of [...descendantsOf(state, found).toReversed(), found]) {
    now = rolledBackIn(now, { proposal: proposal.id, before: domainOf(now, domain).digest });
  }
  return domainOf(now, domain).document;
};

/** Reads what the checks of genomes look at besides the candidate. */
export const seenIn = (ledger: LedgerShape) => (domain: string): Effect.Effect<Seen, LedgerFailure> =>
  Effect.gen(function* () {
    const changes = yield* ledger.state(proposalFold);
    const state = yield* ledger.state(genomeFold);
    const { stack } = domainOf(changes, domain);
    const known = new Set(state.evidence.map(({ digest }) => digest));
    return {
      state,
      generation: stack.length,
      earlier: () => stack.map(({ proposal }) => withoutChange(changes, recordOf(changes, proposal)!)),
      unresolved: (digests) =>
        Effect.filter(
          digests,
          (digest) =>
            known.has(digest) ? Effect.succeed(false) : ledger.getBlob(digest as Digest).pipe(
              Effect.match({ onSuccess: () => false, onFailure: () => true }),
            ),
        ),
      step: (yield* ledger.head).count,
    };
  });
