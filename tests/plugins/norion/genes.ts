/** What tests of genes share: a room whose policy lets genes be edited, requests that genes spoke in, and what was said. */
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import assert from "node:assert/strict";
import { type EffectsServices, type Evidence, Ledger, Proposals } from "../../../effects/mod.ts";
import type { DomainRule, PolicyFile } from "../../../effects/policy_file.ts";
import { type Actor, type Digest, digestJson } from "../../../kernel/mod.ts";
import { expressGenome, type Gene } from "../../../plugins/norion/genome.ts";
import type { Profile } from "../../../plugins/norion/profile.ts";
import type { Edit } from "../../../plugins/norion/scissors/edits.ts";
import {
  type EditRequest,
  layerScissors,
  Scissors,
  type ScissorsShape,
} from "../../../plugins/norion/scissors/service.ts";
import { evidenceEvent } from "../../../plugins/norion/state/evidence.ts";
import { expressedEvent } from "../../../plugins/norion/state/genome.ts";
import { inWorkspace, policyWith, roomOver } from "../../effects/workspace.ts";

/** A policy under which genes may be edited with one witness. */
export const genesPolicy = (more: Partial<DomainRule> = {}): PolicyFile =>
  policyWith([], {
    proposals: [{ domain: "genome.*", writes: true, evidence: 1, quorum: 1, benefit: false, ...more }],
  });

/** Opens the scissors over a folder, as a process of its own would. */
export const openScissors = <A, E>(
  folder: string,
  body: (scissors: ScissorsShape) => Effect.Effect<A, E, EffectsServices | Scissors>,
  policy: PolicyFile | undefined = genesPolicy(),
): Promise<A> =>
  Effect.runPromise(
    Effect.provide(
      Effect.flatMap(Scissors, body),
      Layer.fresh(layerScissors.pipe(Layer.provideMerge(roomOver(folder, policy)))),
    ),
  );

/** Runs a body with the scissors over a fresh workspace. */
export const withScissors = <A, E>(
  body: (scissors: ScissorsShape) => Effect.Effect<A, E, EffectsServices | Scissors>,
  policy?: PolicyFile,
): Promise<A> => inWorkspace((folder) => openScissors(folder, body, policy));

let count = 0;

/** Requests in which the genes of a profile spoke, each judged by somebody from outside where a result is given. */
export const requests = (profile: Profile, many: number, result?: number, pressure = 0.2) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger;
    const scissors = yield* Scissors;
    const ids: string[] = [];
    for (let i = 0; i < many; i++) {
      const id = `r${++count}`;
      const { genome } = yield* scissors.genome(profile);
      const knobs = expressGenome(genome);
      yield* ledger.append([expressedEvent(id, genome, knobs, pressure, "user@tty")]);
      if (result !== undefined) yield* said(id, profile, result);
      ids.push(id);
    }
    return ids;
  });

/** Somebody says how a request did, 0..1. */
export const said = (
  request: string,
  profile: Profile,
  result: number,
  witness = "tests",
  source: "validator" | "user" | "self" = "validator",
  actor = "policy:review",
) =>
  Effect.flatMap(Ledger, (ledger) =>
    ledger.append([evidenceEvent(
      { request, scope: digestJson("scope"), profile, genes: [] },
      { source, subject: "answer", result, digest: digestJson([request, witness, result]) },
      witness,
      actor,
    )]));

/** What a request for an edit needs besides the edit. */
export const editOf = (edit: Edit, more: Partial<EditRequest> = {}): EditRequest => ({
  profile: "coding",
  edit,
  reason: "TESTED",
  evidence: [{ summary: "It was seen in a test" }],
  expected: { metric: "solved", direction: "up", bound: 1 },
  validation: [{ operation: "norion.trial" }],
  ...more,
});

/** Evidence by somebody. */
export const passing = (summary = "fine", more: Partial<Evidence> = {}): Evidence => ({
  source: "verifier",
  result: "pass",
  digest: digestJson(summary),
  summary,
  ...more,
});

/** Runs the validation commands of an edit as `proposals.validate` does, for the one command that edits name. */
export const validate = (id: Digest) =>
  Effect.gen(function* () {
    const proposals = yield* Proposals;
    const scissors = yield* Scissors;
    const { proposal } = yield* proposals.get(id);
    for (const [index, { operation, input }] of proposal.validation.entries()) {
      const { profile, patch, expected } = input as unknown as {
        profile: Profile;
        patch: typeof proposal.patch;
        expected: typeof proposal.expected;
      };
      const { ok } = operation === "norion.trial"
        ? yield* Effect.match(scissors.trial(profile, patch, expected), {
          onSuccess: (trial) => trial,
          onFailure: () => ({ ok: false }),
        })
        : { ok: true };
      yield* proposals.validated(id, index, ok);
    }
    return yield* proposals.get(id);
  });

/** The whole road of an edit: proposed, witnessed twice, validated, approved, applied. */
export const applied = (request: EditRequest, actor: Actor = "agent:a") =>
  Effect.gen(function* () {
    const proposals = yield* Proposals;
    const scissors = yield* Scissors;
    const { proposal: { id } } = yield* scissors.propose(request, actor);
    yield* proposals.attest(id, passing("one"), "agent:b");
    yield* proposals.attest(id, passing("two"), "agent:c");
    const { state, reasons } = yield* validate(id);
    assert.equal(state, "ready", `${request.edit.kind}: ${reasons.join()}`);
    yield* proposals.decide(id, "approve", "user@tty");
    return yield* scissors.apply(id, actor);
  });

/** The gene of an id as it is now. */
export const geneNow = (profile: Profile, id: string) =>
  Effect.gen(function* () {
    const { genes } = yield* (yield* Scissors).genome(profile);
    return genes.find(({ gene }) => gene.id === id);
  });

/** A validation for edits that need no gain. */
export const CHAIN: EditRequest["validation"] = [{ operation: "ledger.verify", input: {}, expect: { ok: true } }];

/** A gene that may be spliced. */
export const bringing = (slug: string, kind: Gene["kind"], effects: Gene["effects"], profile: Profile = "coding") => ({
  id: `gene:${profile}:${slug}`,
  kind,
  label: `Brought in as ${slug}`,
  purpose: `Does what a test wants of a ${kind} gene, and nothing else.`,
  tags: ["test"],
  effects,
});
