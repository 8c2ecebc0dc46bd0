/**
 * Scissors: genomes as they stand, and edits of them from proposal to probation, over the ledger and its proposals.
 *
 * Not a second store and not a second gate: genomes are domains of proposals, and the checks here run in the one pipeline.
 * Invariant: an edit is inert until it is applied by somebody who may; a gene on probation that does worse than the one
 * before goes back by itself, with whatever stands on it; genes that speak are those of an applied document.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import {
  descendantsOf,
  domainOf,
  type ExpectedEffect,
  Ledger,
  type LedgerFailure,
  type LedgerShape,
  type Preview,
  proposalFold,
  type ProposalRecord,
  Proposals,
  type ProposalsShape,
  type ProposalState,
  recordOf,
  redactText,
  type ValidationCommand,
} from "../../../effects/mod.ts";
import type { Actor, Digest, Json, JsonObject, JsonPatch } from "../../../kernel/mod.ts";
import { attempting, attemptingSteps, badEdit, type NorionFailure } from "../failures.ts";
import { expressGenome, type Knobs, knobSet } from "../genome.ts";
import type { ProbationVerdict } from "../health.ts";
import { DEFAULT_POLICY, type Policy } from "../policy.ts";
import type { Profile } from "../profile.ts";
import { domainFor, GENOME_DOMAIN, genomeFold, type GenomeState, profileIn, usageOf } from "../state/genome.ts";
import { toolsGained } from "./authority.ts";
import { genomeChecks } from "./checks.ts";
import { type GenomeDocument, genomeOf, identityOf, readDocument } from "./document.ts";
import { changeOf, differences, type Edit, type Ground, patchOf } from "./edits.ts";
import { type GenomeReport, reportOn } from "./report.ts";
import { seenIn, withoutChange } from "./seen.ts";
import { changedBy, type Trial, TRIAL_OPERATION, tryingChange } from "./trial.ts";

/** A piece of evidence that an edit cites: what was found in a request, or what somebody says in a line. */
export interface EvidenceInput {
  /** A request of which somebody from outside has said how it did. */
  readonly request?: string;
  /** What speaks for the edit, in one line. */
  readonly summary?: string;
}

/** An edit as somebody asks for it. Every part that is missing is refused by its name. */
export interface EditRequest {
  /** Whose genome. */
  readonly profile: Profile;
  /** The edit. */
  readonly edit: Edit;
  /** Why, as a code. */
  readonly reason: string;
  /** What speaks for it. */
  readonly evidence?: ReadonlyArray<EvidenceInput>;
  /** What it is expected to do. */
  readonly expected?: ExpectedEffect;
  /** Commands that validate it; `norion.trial` without an input is a trial of this very edit. */
  readonly validation?: ReadonlyArray<{ readonly operation: string; readonly input?: Json; readonly expect?: Json }>;
}

/** What applying an edit would do. */
export interface EditPreview extends Preview {
  /** Records that change, before and after; null where there is none. */
  readonly records: { readonly [gene: string]: { readonly before: Json; readonly after: Json } };
  /** Knobs that move, before and after. */
  readonly knobs: { readonly [knob: string]: { readonly before: Json; readonly after: Json } };
}

/** What became of an edit on probation. */
export interface Settlement {
  /** The edit. */
  readonly proposal: Digest;
  /** The gene. */
  readonly gene: string;
  /** How its probation does. */
  readonly verdict: ProbationVerdict;
  /** Whether it was undone now; a failed edit under a confirmed one waits for a person. */
  readonly undone: boolean;
}

type FailureOfCall<M extends keyof ProposalsShape> = ProposalsShape[M] extends
  (...args: never[]) => Effect.Effect<unknown, infer E> ? E : never;

/** Genomes and their edits. */
export interface ScissorsShape {
  /** The genome of a profile with how its genes do. */
  readonly genome: (profile: Profile) => Effect.Effect<GenomeReport, LedgerFailure>;
  /** Proposes an edit; the same edit again is the same proposal. */
  readonly propose: (
    request: EditRequest,
    actor: Actor,
  ) => Effect.Effect<ProposalRecord, LedgerFailure | NorionFailure | FailureOfCall<"submit"> | FailureOfCall<"attest">>;
  /** What applying an edit would do; nothing is written. */
  readonly preview: (
    proposal: string,
  ) => Effect.Effect<EditPreview, LedgerFailure | NorionFailure | FailureOfCall<"preview">>;
  /** Applies an approved edit, once. */
  readonly apply: (
    proposal: string,
    actor: Actor,
  ) => Effect.Effect<
    ProposalRecord & { readonly profile: Profile },
    NorionFailure | FailureOfCall<"apply"> | FailureOfCall<"get">
  >;
  /** Undoes an applied edit and what stands on it; answers whose genome it was and what was undone, latest first. */
  readonly rollback: (
    proposal: string,
    actor: Actor,
  ) => Effect.Effect<
    { readonly profile: Profile; readonly undone: ReadonlyArray<Digest> },
    LedgerFailure | NorionFailure | FailureOfCall<"rollback"> | FailureOfCall<"get">
  >;
  /** Looks at the probations of a profile, and undoes what failed. */
  readonly settle: (
    profile: Profile,
  ) => Effect.Effect<ReadonlyArray<Settlement>, LedgerFailure>;
  /** Measures a change of a profile's document with and without it. */
  readonly trial: (
    profile: Profile,
    patch: JsonPatch,
    expected?: ExpectedEffect,
  ) => Effect.Effect<Trial, LedgerFailure | NorionFailure>;
}

const ScissorsBase: Context.ServiceClass<Scissors, "rmi/norion/Scissors", ScissorsShape> = Context.Service<
  Scissors,
  ScissorsShape
>()("rmi/norion/Scissors");

/** The service of {@link ScissorsShape}. */
export class Scissors extends ScissorsBase {}

const encoder = new TextEncoder();

/** The bytes of a line of evidence: tagged, so that no other blob is the same and takes it along when it is dropped. */
export const evidenceBytes = (summary: string): Uint8Array => encoder.encode(JSON.stringify({ evidence: summary }));

const knobsMoved = (before: Knobs, after: Knobs): EditPreview["knobs"] => {
  const moved: { [knob: string]: { before: Json; after: Json } } = {};
  for (const [name, value] of before.numbers) {
    const then = after.numbers.get(name)!;
    if (then !== value) moved[name] = { before: value, after: then };
  }
  for (const name of before.sets.keys()) {
    const [had, has] = [knobSet(before, name), knobSet(after, name)];
    if (had.join() !== has.join()) moved[name] = { before: [...had], after: [...has] };
  }
  return moved;
};

const missing = (edit: Edit, part: string, summary: string, value: Json): NorionFailure =>
  badEdit({
    edit: edit.kind,
    reason: `it names no ${part}`,
    path: `/${part}`,
    fix: { summary, patch: [{ op: "add", path: `/${part}`, value: value as never }] },
  });

/** What a part of an edit looks like where it is missing. */
const partFault = ({ edit, evidence = [], expected, validation = [] }: EditRequest): NorionFailure | undefined => {
  if (evidence.length === 0) {
    return missing(edit, "evidence", "Say what speaks for it", [{ summary: "Say here what was seen" }]);
  }
  if (expected === undefined) {
    const value = { metric: "solved", direction: "up", bound: 0 };
    return missing(edit, "expected", "Say what it should do to which measure", value);
  }
  if (validation.length > 0) return undefined;
  return missing(edit, "validation", "Say what validates it", [{ operation: TRIAL_OPERATION }]);
};

/** Genomes and their edits over a ledger and its proposals. */
export const scissorsOver = (ledger: LedgerShape, proposals: ProposalsShape, policy: Policy): ScissorsShape => {
  const states = Effect.all([ledger.state(proposalFold), ledger.state(genomeFold)]);

  const reported = (profile: Profile): Effect.Effect<GenomeReport, LedgerFailure> =>
    Effect.map(states, ([changes, state]) => reportOn(profile, domainOf(changes, domainFor(profile)), state, policy));

  const groundOf = (profile: Profile, changes: ProposalState, state: GenomeState): Ground => {
    const { document, digest, stack } = domainOf(changes, domainFor(profile));
    const read = readDocument(document);
    return {
      profile,
      records: "records" in read ? read.records : {},
      base: digest,
      generation: stack.length,
      usage: (gene) => usageOf(state, identityOf(gene)),
      policy,
    };
  };

  const citedIn = (
    { request, summary }: EvidenceInput,
    index: number,
    { edit, profile }: EditRequest,
    state: GenomeState,
  ): Effect.Effect<ReadonlyArray<Digest>, LedgerFailure | NorionFailure> => {
    if (request !== undefined) {
      const found = state.evidence.filter((one) => one.request === request && one.profile === profile);
      if (found.length > 0) return Effect.succeed(found.map(({ digest }) => digest as Digest));
      const reason = `nobody from outside has said how request ${request} did`;
      return Effect.fail(badEdit({ edit: edit.kind, reason, path: `/evidence/${index}/request` }));
    }
    if (summary === undefined || summary.trim() === "") {
      return Effect.fail(badEdit({ edit: edit.kind, reason: "evidence is empty", path: `/evidence/${index}` }));
    }
    return Effect.map(ledger.putBlob(evidenceBytes(redactText(summary)), { private: false }), (digest) => [digest]);
  };

  /** What changes, and what it stands on. */
  const changed = (
    request: EditRequest,
    ground: Ground,
    changes: ProposalState,
    evidence: ReadonlyArray<Digest>,
  ): Effect.Effect<
    { readonly records: ReturnType<typeof differences>; readonly standsOn: ReadonlyArray<string> },
    NorionFailure
  > => {
    const { edit, reason } = request;
    if (edit.kind !== "rollback") return attempting(() => changeOf(ground, edit, { reason, evidence }));
    const found = recordOf(changes, edit.proposal);
    const applied = domainOf(changes, domainFor(request.profile)).stack.some(({ proposal }) =>
      proposal === edit.proposal
    );
    if (found === undefined || !applied) {
      const why = `${edit.proposal} is no applied edit of the ${request.profile} genome`;
      return Effect.fail(badEdit({ edit: "rollback", reason: why, path: "/edit/proposal" }));
    }
    const target = readDocument(withoutChange(changes, found));
    const records: GenomeDocument = "records" in target ? target.records : {};
    return Effect.succeed({ records: differences(ground.records, records), standsOn: [] });
  };

  const commandsOf = (request: EditRequest, patch: JsonPatch): ReadonlyArray<ValidationCommand> =>
    request.validation!.map(({ operation, input, expect }) =>
      operation === TRIAL_OPERATION && input === undefined
        ? {
          operation,
          input: { profile: request.profile, patch, expected: request.expected } as unknown as Json,
          expect: { ok: true },
        }
        : { operation, input: input ?? {}, ...(expect === undefined ? {} : { expect }) }
    );

  /** What the ledger itself holds on the requests that are cited; never what the proposer said. */
  const attest = (
    record: ProposalRecord,
    evidence: ReadonlyArray<Digest>,
    state: GenomeState,
    actor: Actor,
  ) =>
    Effect.gen(function* () {
      let latest = record;
      const cited = state.evidence.filter(({ digest, by }) => evidence.includes(digest as Digest) && by !== actor);
      const known = new Set(record.evidence.map(({ digest }) => digest));
      for (const { digest, source, result, request } of cited) {
        if (known.has(digest as Digest)) continue;
        known.add(digest as Digest);
        const said = {
          source,
          result: "measure" as const,
          digest: digest as Digest,
          summary: `request ${request} did ${result} of 1000`,
          metric: "outcome",
          value: result,
        };
        latest = yield* proposals.attest(record.proposal.id, said, "policy:evidence");
      }
      return latest;
    });

  const propose: ScissorsShape["propose"] = (request, actor) =>
    Effect.gen(function* () {
      const fault = partFault(request);
      if (fault !== undefined) return yield* Effect.fail(fault);
      const [changes, state] = yield* states;
      const ground = groundOf(request.profile, changes, state);
      const cited = yield* Effect.forEach(request.evidence!, (one, index) => citedIn(one, index, request, state));
      const evidence = [...new Set(cited.flat())];
      const { records, standsOn } = yield* changed(request, ground, changes, evidence);
      const patch = patchOf(ground.records, records);
      const ids = Object.keys(records);
      const kept = Object.entries({ ...ground.records, ...records }).filter(([, record]) => record !== undefined);
      const after = Object.fromEntries(kept) as GenomeDocument;
      const record = yield* proposals.submit({
        domain: domainFor(request.profile),
        summary: `${request.edit.kind} ${ids.join(", ")}`.slice(0, 400),
        changedIds: ids,
        patch,
        base: ground.base,
        expected: request.expected!,
        validation: commandsOf(request, patch),
        rollbackTarget: ground.base,
        reversible: true,
        widensAuthority: toolsGained(request.profile, ground.records, after).length > 0,
        ...(standsOn.length === 0 ? {} : { standsOn }),
      }, actor);
      return yield* attest(record, evidence, state, actor);
    });

  const ofGenome = (proposal: string) =>
    Effect.flatMap(proposals.get(proposal), (record) => {
      const profile = profileIn(record.proposal.domain);
      return profile === undefined
        ? Effect.fail(badEdit({ edit: "edit", reason: `${proposal} changes no genome`, path: "/proposal" }))
        : Effect.succeed({ record, profile });
    });

  const preview: ScissorsShape["preview"] = (id) =>
    Effect.gen(function* () {
      const { profile } = yield* ofGenome(id);
      const seen = yield* proposals.preview(id);
      const { document } = domainOf(yield* ledger.state(proposalFold), domainFor(profile));
      const [before, after] = [document, seen.document].map((one) => one as JsonObject);
      const ids = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
        .filter((gene) => JSON.stringify(before[gene]) !== JSON.stringify(after[gene]));
      const [had, has] = [before, after].map((one) => expressGenome(genomeOf(profile, one, 0)));
      return {
        ...seen,
        records: Object.fromEntries(
          ids.map((gene) => [gene, { before: before[gene] ?? null, after: after[gene] ?? null }]),
        ),
        knobs: knobsMoved(had, has),
      };
    });

  const rollback: ScissorsShape["rollback"] = (id, actor) =>
    Effect.gen(function* () {
      const { record, profile } = yield* ofGenome(id);
      const undone = [...descendantsOf(yield* ledger.state(proposalFold), record).toReversed(), record];
      yield* proposals.rollback(id, actor, { descendants: true });
      return { profile, undone: undone.map(({ proposal }) => proposal.id) };
    });

  const settle: ScissorsShape["settle"] = (profile) =>
    Effect.gen(function* () {
      const settled: Settlement[] = [];
      const { stack } = domainOf(yield* ledger.state(proposalFold), domainFor(profile));
      for (const { proposal } of stack) {
        const changes = yield* ledger.state(proposalFold);
        const record = recordOf(changes, proposal)!;
        if (record.state !== "applied") continue;
        const later = descendantsOf(changes, record);
        const read = readDocument(domainOf(changes, domainFor(profile)).document);
        const records: GenomeDocument = "records" in read ? read.records : {};
        const { genes } = yield* reported(profile);
        const tried = genes.find(({ gene, probation }) =>
          probation !== undefined && record.proposal.changedIds.includes(gene.id) &&
          records[gene.id].origin.anchor === record.proposal.base
        );
        if (tried?.probation === undefined) continue;
        const undone = tried.probation === "failed" && later.every((one) => one.state !== "confirmed");
        // Where somebody else changed the genome meanwhile, the next look tries again.
        const undo = proposals.rollback(proposal, "policy:probation", { descendants: true });
        const done = undone && (yield* Effect.match(undo, { onSuccess: () => true, onFailure: () => false }));
        settled.push({ proposal, gene: tried.gene.id, verdict: tried.probation, undone: done });
      }
      return settled;
    });

  return {
    genome: reported,
    propose,
    preview,
    apply: (id, actor) =>
      Effect.flatMap(
        ofGenome(id),
        ({ profile }) => Effect.map(proposals.apply(id, actor), (record) => ({ ...record, profile })),
      ),
    rollback,
    settle,
    trial: (profile, patch, expected) =>
      Effect.flatMap(states, ([changes, state]) =>
        attemptingSteps(function* () {
          const now = domainOf(changes, domainFor(profile));
          const document = changedBy(patch, now.document);
          const [before, after] = [now, { ...now, document }].map((domain) =>
            reportOn(profile, domain, state, policy).genome
          );
          return yield* tryingChange(before, after, policy, expected);
        })),
  };
};

/** Scissors over the ledger and its proposals; their checks join the gate while the kernel is open. */
export const layerScissors: Layer.Layer<Scissors, never, Ledger | Proposals> = Layer.effect(
  Scissors,
  Effect.gen(function* () {
    const ledger = yield* Ledger;
    const proposals = yield* Proposals;
    const look = seenIn(ledger);
    yield* proposals.register(
      `${GENOME_DOMAIN}*`,
      genomeChecks(({ proposal }) => look(proposal.domain), DEFAULT_POLICY),
    );
    return scissorsOver(ledger, proposals, DEFAULT_POLICY);
  }),
);
