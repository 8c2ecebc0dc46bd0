/**
 * Report: a genome as it stands: its stored genes with what their use says of them.
 *
 * Invariant: pure; what plans read, what people are shown and what trials measure is one and the same.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  domainOf,
  type DomainState,
  type LedgerFailure,
  type LedgerShape,
  proposalFold,
} from "../../../effects/mod.ts";
import type { Digest } from "../../../kernel/mod.ts";
import { ALLOWS } from "../calm.ts";
import { expressGenome, type Gene, type Genome, type Knobs, SPEAKING, type Standing } from "../genome.ts";
import {
  branchesOf,
  confidenceOf,
  fitnessOf,
  insistent,
  lifecycleOf,
  probationOf,
  type ProbationVerdict,
  residencyOf,
  statusOf,
  UNUSED,
  type Usage,
} from "../health.ts";
import { DEFAULT_POLICY, type Policy } from "../policy.ts";
import { type Profile, PROFILES } from "../profile.ts";
import { domainFor, genomeFold, type GenomeState, usageOf } from "../state/genome.ts";
import { genomeOf, identityOf, readDocument } from "./document.ts";

/** A gene with how it does. */
export interface GeneReport {
  /** The gene as stored. */
  readonly gene: Gene;
  /** Its counts. */
  readonly usage: Usage;
  /** How it stands. */
  readonly standing: Standing;
  /** What its health calls for. */
  readonly lifecycle: ReturnType<typeof lifecycleOf>;
  /** How its probation does; absent where it is on none. */
  readonly probation?: ProbationVerdict;
}

/** A genome with how its genes do. */
export interface GenomeReport {
  /** The genome as plans see it. */
  readonly genome: Genome;
  /** Identity of its document. */
  readonly digest: Digest;
  /** What its genes come to. */
  readonly knobs: Knobs;
  /** Its genes. */
  readonly genes: ReadonlyArray<GeneReport>;
  /** Kinds that enough of the latest requests speak against. */
  readonly insistent: ReadonlyArray<Gene["kind"]>;
  /** Whether genes may be edited now. */
  readonly calm: GenomeState["calm"]["verdict"];
}

/** A genome as the document of its domain and the counts of its genes make it. */
export const reportOn = (
  profile: Profile,
  { document, digest, stack }: DomainState,
  state: GenomeState,
  policy: Policy,
): GenomeReport => {
  const stored = genomeOf(profile, document, stack.length);
  const read = readDocument(document);
  const records = "records" in read ? read.records : {};
  const genes = stored.genes.map((gene): GeneReport => {
    const usage = usageOf(state, identityOf(gene));
    const record = Object.hasOwn(records, gene.id) ? records[gene.id] : undefined;
    const before = record?.origin.from === undefined ? UNUSED : usageOf(state, record.origin.from);
    return {
      gene,
      usage,
      standing: { status: statusOf(gene, usage, policy), residency: residencyOf(gene, usage) },
      lifecycle: lifecycleOf(gene, usage, policy),
      ...(record === undefined || !SPEAKING.has(gene.status)
        ? {}
        : { probation: probationOf(usage, fitnessOf(before), policy) }),
    };
  });
  const confidences = genes.filter(({ standing }) => SPEAKING.has(standing.status))
    .map(({ gene, usage }) => confidenceOf(gene.kind, usage, policy));
  const { verdict } = state.calm;
  const genome: Genome = {
    ...stored,
    standing: Object.fromEntries(genes.map(({ gene, standing }) => [gene.id, standing])),
    branches: ALLOWS[verdict].parallel ? branchesOf(confidences, policy["gene.branches"]) : 1,
  };
  const signals = Object.hasOwn(state.signals, profile) ? state.signals[profile] : [];
  return { genome, digest, knobs: expressGenome(genome), genes, insistent: insistent(signals, policy), calm: verdict };
};

/** The genomes of all profiles as plans see them. */
export const genomesOf = (
  ledger: Pick<LedgerShape, "state">,
  policy: Policy = DEFAULT_POLICY,
): Effect.Effect<{ readonly [P in Profile]: Genome }, LedgerFailure> =>
  Effect.gen(function* () {
    const proposals = yield* ledger.state(proposalFold);
    const state = yield* ledger.state(genomeFold);
    return Object.fromEntries(
      PROFILES.map((profile) => [
        profile,
        reportOn(profile, domainOf(proposals, domainFor(profile)), state, policy).genome,
      ]),
    ) as { readonly [P in Profile]: Genome };
  });
