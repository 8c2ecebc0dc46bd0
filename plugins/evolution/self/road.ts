/**
 * Road: how a change of a registered document goes from a draft to applied, as far as evidence, checks and approvals let
 * it, and what became of it.
 *
 * Not a second gate: every step is one of effects/proposals.ts. Invariant: a change is applied only after its validation
 * commands ran here, every check passed and somebody who may approved it; what it lacks is told, not worked around.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  type Evidence,
  type ProposalDraft,
  type ProposalRecord,
  Proposals,
  type ProposalsShape,
} from "../../../effects/mod.ts";
import { CallContext } from "../../../kernel/context.ts";
import type { Digest } from "../../../kernel/digest.ts";
import type { KernelFailure } from "../../../kernel/failure.ts";
import type { ArtifactFailure } from "../../../registry/artifact_store.ts";
import { Artifacts } from "../../../registry/contract.ts";

/** Who stands for what was measured here. */
export const EVALUATOR = "policy:evaluator";

type FailureOfCall<M extends keyof ProposalsShape> = ProposalsShape[M] extends
  (...args: never[]) => Effect.Effect<unknown, infer E> ? E : never;

/** Why a change cannot go along the road at all. */
export type RoadFailure = FailureOfCall<"submit" | "attest" | "apply" | "domain" | "rollback"> | KernelFailure;

/** Where a change got to. */
export interface Admitted {
  /** Its identity. */
  readonly proposal: Digest;
  /** The domain. */
  readonly domain: string;
  /** Where it stands: applied, or what it waits for. */
  readonly state: ProposalRecord["state"];
  /** Codes of the checks that do not pass. */
  readonly reasons: ReadonlyArray<string>;
  /** Who approved it: a policy rule or a person. */
  readonly by?: string;
  /** Identity of the document before. */
  readonly before: Digest;
  /** Identity of the document now. */
  readonly after: Digest;
  /** What spoke for it. */
  readonly evidence: ProposalRecord["evidence"];
}

/** States in which a change may still come to serve, or serves. */
const ALIVE: ReadonlyArray<ProposalRecord["state"]> = ["ready", "approved", "applied", "confirmed"];

/**
 * Names the evidence of a change that is alive, so that neither it nor what it refers to (the model, the body, the module
 * that reads settings) is ever collected: also what was undone can be looked at, and gone back to.
 */
export const keeping = (
  { state, domain }: Pick<Admitted, "state" | "domain">,
  evidence: Digest,
): Effect.Effect<void, ArtifactFailure, Artifacts | CallContext> =>
  Effect.gen(function* () {
    if (!ALIVE.includes(state)) return;
    const store = yield* Artifacts;
    const { tags, metrics, names } = yield* store.find(evidence);
    if (!names.some((name) => name.startsWith(`${domain}@`))) yield* store.change(evidence, { tags, metrics }, domain);
  });

const DONE: ReadonlyArray<ProposalRecord["state"]> = ["applied", "confirmed", "rejected"];

/** Where a proposal stands now. */
export const standing = (record: ProposalRecord): Effect.Effect<Admitted, RoadFailure, Proposals> =>
  Effect.gen(function* () {
    const { proposal, state, reasons, by, evidence } = record;
    const { digest } = yield* (yield* Proposals).domain(proposal.domain);
    return {
      proposal: proposal.id,
      domain: proposal.domain,
      state,
      reasons,
      ...(by === undefined ? {} : { by }),
      before: proposal.base,
      after: digest,
      evidence,
    };
  });

/** Takes a change along the road: submitted, witnessed by what was measured, validated, and applied where approved. */
export const admitting = (
  draft: ProposalDraft,
  measured: ReadonlyArray<Evidence>,
): Effect.Effect<Admitted, RoadFailure, Proposals | CallContext> =>
  Effect.gen(function* () {
    const proposals = yield* Proposals;
    const { actor, invoke } = yield* CallContext;
    const { proposal: { id }, state, evidence } = yield* proposals.submit(draft, actor);
    if (!DONE.includes(state)) {
      const known = new Set(evidence.map(({ digest }) => digest));
      for (const one of measured) if (!known.has(one.digest)) yield* proposals.attest(id, one, EVALUATOR);
      yield* invoke("proposals.validate", { proposal: id });
    }
    const seen = yield* proposals.get(id);
    return yield* standing(seen.state === "approved" ? yield* proposals.apply(id, actor) : seen);
  });
