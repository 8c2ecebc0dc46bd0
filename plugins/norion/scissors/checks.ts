/**
 * Checks: what the gate asks of an edit of a genome, besides what it asks of every change.
 *
 * Not a second gate: rows that effects/pipeline.ts runs in their place among its own.
 * Invariant: an edit that claims to be of a kind is made anew from the genome as it is and must come out the same, so
 * nothing slips in under another name; every check answers with a code; whatever is missing is named.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Candidate, type Check, type Reason, witnesses } from "../../../effects/mod.ts";
import { digestJson, type Failure, isFailure, isJsonObject, type Json, type JsonObject } from "../../../kernel/mod.ts";
import { ALLOWS } from "../calm.ts";
import { type Gene, genomeFault, MOST_GENES, SPEAKING } from "../genome.ts";
import { fitnessOf, residencyOf, statusOf, UNUSED } from "../health.ts";
import type { Policy } from "../policy.ts";
import { toolsGained } from "./authority.ts";
import {
  type EditKind,
  fingerprintOf,
  type GeneRecord,
  genesOf,
  type GenomeDocument,
  readRecord,
  retiredOf,
} from "./document.ts";
import { type Change, changeOf, geneOf } from "./edits.ts";
import { examine, type Examined, isGene, isVictim, YOUNG } from "./examined.ts";
import { MEASURES } from "./measures.ts";
import type { Seen } from "./seen.ts";
import { TRIAL_OPERATION } from "./trial.ts";
import { isSourced, judgeMaterial, judgeRelabel } from "./validators.ts";

/** Most records of genes that are gone. */
export const MOST_RETIRED = 16;

/** Members by which a record would claim that it was written already. */
const CLAIMS: ReadonlyArray<string> = ["applied", "written", "writeAllowed", "confirmed", "approved", "admission"];

const hold = (code: string, detail: string): Reason => ({ outcome: "hold", code, detail });
const reject = (code: string, detail: string): Reason => ({ outcome: "reject", code, detail });

/** Values that a patch writes, by the pointer they are written to. */
const written = ({ proposal }: Candidate): ReadonlyArray<JsonObject> =>
  proposal.patch.flatMap((operation) =>
    operation.op !== "remove" && isJsonObject(operation.value) ? [operation.value] : []
  );

const claimIn = (value: JsonObject): string | undefined =>
  [value, value.gene, value.origin].flatMap((part) => part !== undefined && isJsonObject(part) ? Object.keys(part) : [])
    .find((name) => CLAIMS.includes(name));

const withoutRevision = (records: GenomeDocument | Examined["changed"]): Json =>
  Object.fromEntries(
    Object.entries(records).map(([id, record]) => [
      id,
      { ...record, origin: { ...record?.origin, revision: 0 } } as unknown as Json,
    ]),
  );

/** What the edit would do now, or why it would do nothing. */
const remade = ({ ground, changed, edit }: Examined): Change | string => {
  if (edit === undefined) return "no edit makes these records";
  const [record] = Object.values(changed).filter((one) => !isVictim(one));
  try {
    return changeOf(ground, edit, { reason: record!.origin.reason, evidence: record!.origin.evidence });
  } catch (thrown) {
    if (isFailure(thrown)) return thrown.message;
    throw thrown;
  }
};

const protectedFault = ({ ground, edit, changed }: Examined): Reason => {
  for (const [id, record] of Object.entries(changed)) {
    const before = geneOf(ground, id);
    if (before?.kind !== "safety") continue;
    if (!isGene(record) || record.gene.status === "retired" || edit?.kind === "quarantine") {
      return reject("PROTECTED", `${id} is a safety gene`);
    }
    const [had, has] = [before, record.gene].map(({ effects }) =>
      new Set(effects.flatMap(({ knob, value }) => knob === "safety.hold" ? value as ReadonlyArray<string> : []))
    );
    if (!had.isSubsetOf(has)) return reject("SAFETY_WEAKENED", `${id} would hold less`);
  }
  return undefined;
};

const widening = ({ ground, after }: Examined): ReadonlyArray<string> =>
  toolsGained(ground.profile, ground.records, after);

/** Whether what requests are planned by would change, beyond less being done. */
const changesBehaviour = ({ edit, ground, changed, restores }: Examined): boolean =>
  !restores && Object.entries(changed).some(([id, record]) => {
    const before = geneOf(ground, id);
    if (!isGene(record) || edit?.kind === "quarantine") return false;
    const speaks = SPEAKING.has(record.gene.status);
    if (before === undefined || edit?.kind === "splice" && speaks) return speaks;
    return speaks && !SPEAKING.has(before.status) || fingerprintOf(before) !== fingerprintOf(record.gene) ||
      JSON.stringify([before.requires, before.conflicts, before.replaces]) !==
        JSON.stringify([record.gene.requires, record.gene.conflicts, record.gene.replaces]);
  });

const isRisky = (examined: Examined): boolean =>
  examined.edit?.kind === "cut" || examined.edit?.kind === "crossover" || widening(examined).length > 0 ||
  Object.keys(examined.changed).some((id) =>
    geneOf(examined.ground, id)?.kind === "safety" && changesBehaviour(examined)
  );

/** What each kind of edit demands of the genes it is made from. */
const HEALTH: { readonly [K in EditKind]?: (examined: Examined, before: Gene | undefined, id: string) => Reason } = {
  relabel: ({ ground: { usage, policy }, changed }, before, id) => {
    if (before === undefined) return undefined;
    const status = statusOf(before, usage(before), policy);
    const record = changed[id] as GeneRecord;
    const { label, purpose } = record.gene;
    const sourced = isSourced(record.origin.evidence);
    const { verdict, codes } = judgeRelabel({ label, purpose, sourced, checked: true }, before, usage(before), policy);
    if (verdict !== "accept") return hold(codes[0], `${id}: ${codes.join(", ")}`);
    return status === "aging" ? undefined : hold("NOT_AGING", `${id} is ${status}`);
  },
  cut: ({ ground: { usage, policy } }, before, id) => {
    if (before === undefined) return undefined;
    const status = statusOf(before, usage(before), policy);
    if (status === "malignant") return hold("ORDER", `${id} is malignant: it is quarantined first`);
    const weak = fitnessOf(usage(before)) < policy["gene.weak"];
    return status === "quarantined" || weak
      ? undefined
      : hold("NOT_FAILING", `${id} is ${status} and does well enough`);
  },
  regenerate: ({ ground }, _, id) => {
    const old = id.slice(0, -YOUNG.length);
    const record = Object.hasOwn(ground.records, old) ? ground.records[old] : undefined;
    const resting = record !== undefined && ("cut" in record || record.gene.status === "quarantined");
    return resting ? undefined : hold("ORDER", `${old} is not quarantined`);
  },
  crossover: ({ ground, edit }) => {
    if (edit?.kind !== "crossover") return undefined;
    const parents = edit.parents.flatMap((one) => geneOf(ground, one) ?? []);
    if (edit.parents[0] === edit.parents[1] || new Set(parents.map(({ kind }) => kind)).size !== 1) {
      return hold("UNLIKE_PARENTS", `${edit.parents.join(" and ")} are not two genes of one kind`);
    }
    const ill = parents.find((gene) => gene.status !== "active");
    if (ill !== undefined) return hold("QUARANTINED_SOURCE", `${ill.id} is ${ill.status}`);
    const unfit = parents.find((gene) => fitnessOf(ground.usage(gene)) < ground.policy["gene.fit"]);
    return unfit === undefined ? undefined : hold("UNFIT_PARENTS", `${unfit.id} did not do well enough`);
  },
  splice: (examined, before, id) => {
    const { ground, changed, step } = examined;
    const record = changed[id] as GeneRecord;
    if (before !== undefined) {
      const usage = ground.usage(before);
      const residency = residencyOf(before, usage);
      if (residency !== "cold" && residency !== "retired") return hold("NOT_COLD", `${id} is ${residency}`);
      const rested = step - Math.max(usage.since, 0);
      if (rested < ground.policy["gene.rest"]) return hold("RESTING", `${id} has rested ${rested} steps`);
      const news = record.origin.evidence.filter((digest) => !before.evidence.includes(digest));
      if (news.length === 0) return hold("EVIDENCE_USED", `${id} was edited by that evidence before`);
      if (!Object.values(changed).some(isVictim)) return hold("VICTIM_UNNAMED", `${id} takes the place of no gene`);
    } else if (retiredOf(ground.records).has(fingerprintOf(record.gene))) {
      return reject("RETIRED_FINGERPRINT", `${id} does what was cut before`);
    }
    return undefined;
  },
};

const victimFault = ({ ground, changed }: Examined): Reason => {
  const [id] = Object.entries(changed).find(([, record]) => isVictim(record)) ?? [];
  const victim = id === undefined ? undefined : geneOf(ground, id);
  if (victim === undefined) return undefined;
  return fitnessOf(ground.usage(victim)) < fitnessOf(UNUSED)
    ? undefined
    : hold("WEAKER", `nothing says that the new gene does better than ${victim.id}`);
};

const healthFault = (examined: Examined): Reason => {
  const { edit, ground, changed, restores, fresh } = examined;
  if (edit === undefined || restores || !fresh) return undefined;
  const [id] = Object.entries(changed).find(([, record]) => !isVictim(record))!;
  return HEALTH[edit.kind]?.(examined, geneOf(ground, id), id) ?? victimFault(examined);
};

const shapeFault = (examined: Examined): Reason => {
  const { fresh, restores, fault, changed, candidate, edit } = examined;
  if (!fresh || restores || fault !== undefined || Object.keys(changed).length === 0) return undefined;
  const change = remade(examined);
  if (typeof change === "string") return reject("EDIT_SHAPE", change);
  const named = change.standsOn.filter((id) => !candidate.proposal.standsOn?.includes(id));
  if (named.length > 0) return reject("LINEAGE_UNNAMED", `it stands on ${named.join(", ")}`);
  if (digestJson(withoutRevision(change.records)) === digestJson(withoutRevision(changed))) return undefined;
  return edit?.kind === "regenerate"
    ? hold("SIBLINGS_CHANGED", "other genes do best now")
    : reject("EDIT_SHAPE", `a ${edit?.kind} does not make these records`);
};

const wordsFault = ({ ground, changed, fresh }: Examined): Reason => {
  if (!fresh) return undefined;
  for (const [id, record] of Object.entries(changed)) {
    if (!isGene(record)) continue;
    const before = geneOf(ground, id);
    const { label, purpose, tags } = record.gene;
    if (before?.label === label && before.purpose === purpose) continue;
    const text = `${label}. ${purpose} ${tags.join(" ")}`;
    const { verdict, codes } = judgeMaterial({
      text,
      sources: record.origin.evidence,
      ownScope: true,
      retired: false,
      copied: text.includes("\n") || text.includes("```"),
    });
    if (verdict === "reject" || verdict === "quarantine") return reject(codes[0], `${id}: ${codes.join(", ")}`);
    if (verdict === "review" || verdict === "hold") return hold(codes[0], `${id}: ${codes.join(", ")}`);
  }
  return undefined;
};

const claimFault = ({ candidate }: Examined): Reason => {
  const claim = written(candidate).map(claimIn).find((name) => name !== undefined);
  return claim === undefined ? undefined : reject("CLAIMS_WRITE", `a record says ${claim}`);
};

const soundFault = ({ ground, after, fault, changed }: Examined): Reason => {
  if (fault !== undefined) return reject("GENE_SHAPE", fault);
  for (const [id, record] of Object.entries(changed)) {
    if (record === undefined) continue;
    const read = readRecord(id, record as unknown as Json);
    if ("fault" in read) return reject("GENE_SHAPE", read.fault);
  }
  const genes = genesOf(ground.profile, after);
  const present = genes.filter(({ status }) => status !== "retired");
  // Too many is a matter of room, which another check answers with what to do.
  const wrong = present.length > MOST_GENES ? undefined : genomeFault(ground.profile, genes);
  return wrong === undefined ? undefined : reject("GENE_SHAPE", wrong);
};

const roomFault = ({ ground, after, restores }: Examined): Reason => {
  if (restores) return undefined;
  const present = genesOf(ground.profile, after).filter(({ status }) => status !== "retired").length;
  if (present > MOST_GENES) return hold("CAPACITY", `${present} genes, at most ${MOST_GENES}: name one to displace`);
  const gone = retiredOf(after).size;
  return gone > MOST_RETIRED ? hold("RETIRED_FULL", `${gone} genes are gone, at most ${MOST_RETIRED}`) : undefined;
};

const revisionFault = ({ ground, changed, fresh, restores }: Examined): Reason => {
  if (!fresh || restores) return undefined;
  for (const [id, record] of Object.entries(changed)) {
    const before = geneOf(ground, id);
    if (before === undefined || record === undefined) continue;
    const now = ground.usage(before).revision;
    if (record.origin.revision !== now) {
      return hold("REVISION", `${id} moved: revision ${now}, not ${record.origin.revision}`);
    }
  }
  return undefined;
};

const benefitFault = (examined: Examined): Reason => {
  if (!examined.fresh || !changesBehaviour(examined)) return undefined;
  const { proposal } = examined.candidate;
  const trial = proposal.validation.some(({ operation, input, expect }) =>
    operation === TRIAL_OPERATION && isJsonObject(input) && input.profile === examined.ground.profile &&
    digestJson(input.patch ?? null) === digestJson(proposal.patch as Json) &&
    digestJson(input.expected ?? null) === digestJson(proposal.expected as unknown as Json) &&
    isJsonObject(expect ?? null) && (expect as JsonObject).ok === true
  );
  return trial ? undefined : hold("BENEFIT_UNSHOWN", `no ${TRIAL_OPERATION} of this change is among its validations`);
};

const evidenceFault = (examined: Examined): Effect.Effect<Reason, Failure> => {
  const { changed, restores, unresolved } = examined;
  const cited = restores ? [] : Object.values(changed).flatMap((record) => record?.origin.evidence ?? []);
  const bare = !restores && Object.values(changed).some((record) => record?.origin.evidence.length === 0);
  if (bare) return Effect.succeed(hold("MISSING_EVIDENCE", "an edit names no evidence"));
  return Effect.map(
    unresolved([...new Set(cited)]),
    (missing) => missing.length === 0 ? undefined : hold("EVIDENCE_UNRESOLVED", `the ledger holds no ${missing[0]}`),
  );
};

/** Rows: name, place among the checks of every change, and what is looked for. */
const ROWS: ReadonlyArray<
  readonly [name: string, order: number, look: (examined: Examined) => Reason | Effect.Effect<Reason, Failure>]
> = [
  ["gene-shape", 11, soundFault],
  ["gene-claims", 12, claimFault],
  ["gene-words", 22, wordsFault],
  ["gene-edit", 31, shapeFault],
  ["gene-protected", 32, (examined) => examined.fresh && !examined.restores ? protectedFault(examined) : undefined],
  ["gene-room", 33, roomFault],
  ["gene-revision", 41, revisionFault],
  ["gene-evidence", 71, evidenceFault],
  ["gene-health", 72, healthFault],
  ["gene-authority", 75, (examined) => {
    const tools = examined.fresh ? widening(examined) : [];
    return tools.length === 0 || examined.candidate.proposal.widensAuthority
      ? undefined
      : reject("WIDENS", `it would allow ${tools.join(", ")} without saying so`);
  }],
  [
    "gene-expected",
    76,
    ({ candidate: { proposal } }) =>
      Object.hasOwn(MEASURES, proposal.expected.metric)
        ? undefined
        : hold("MISSING_EXPECTED", `nothing measures ${proposal.expected.metric}`),
  ],
  [
    "gene-validation",
    81,
    ({ candidate: { proposal } }) =>
      proposal.validation.length > 0 ? undefined : hold("MISSING_VALIDATION", "no command validates it"),
  ],
  [
    "gene-calm",
    85,
    ({ state, edit, restores }) =>
      ALLOWS[state.calm.verdict].edits || restores || edit?.kind === "quarantine"
        ? undefined
        : hold("PAUSED", `edits wait: ${state.calm.verdict}`),
  ],
  ["gene-quorum", 91, (examined) => {
    if (!examined.fresh || examined.restores || !isRisky(examined)) return undefined;
    const voices = new Set(witnesses(examined.candidate).map(({ by }) => by)).size;
    return voices >= 2 ? undefined : hold("QUORUM_RISK", `${voices} of 2 independent witnesses of a risky edit`);
  }],
  ["gene-benefit", 101, benefitFault],
];

/** The checks of genomes; `look` reads what they need beside the candidate. */
export const genomeChecks = (
  look: (candidate: Candidate) => Effect.Effect<Seen, Failure>,
  policy: Policy,
): ReadonlyArray<Check> => {
  const known = new WeakMap<Candidate, Examined>();
  const examined = (candidate: Candidate): Effect.Effect<Examined, Failure> =>
    Effect.suspend(() => {
      const before = known.get(candidate);
      if (before !== undefined) return Effect.succeed(before);
      return Effect.map(look(candidate), (seen) => {
        const read = examine(candidate, seen, policy);
        known.set(candidate, read);
        return read;
      });
    });
  return ROWS.map(([name, order, look]) => ({
    name,
    order,
    run: (candidate) =>
      Effect.flatMap(examined(candidate), (read) => {
        const found = look(read);
        return Effect.isEffect(found) ? found : Effect.succeed(found);
      }),
  }));
};
