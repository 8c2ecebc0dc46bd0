/**
 * Examined: a candidate of the gate, read as a change of a genome.
 *
 * Not a judgement: what is read here, the checks decide on.
 * Invariant: pure; what cannot be read is a fault and changes nothing; an edit is what its records say they were made
 * by, nothing else.
 *
 * @module
 */
import { type Candidate, patched } from "../../../effects/mod.ts";
import { type Digest, digestJson, isJsonObject, type Json } from "../../../kernel/mod.ts";
import type { Policy } from "../policy.ts";
import { GENOME_DOMAIN, profileIn, usageOf } from "../state/genome.ts";
import {
  type EditKind,
  type GeneRecord,
  type GenomeDocument,
  type GenomeRecord,
  identityOf,
  readDocument,
} from "./document.ts";
import { differences, type Edit, type Ground } from "./edits.ts";
import type { Seen } from "./seen.ts";

/** A candidate, read. */
export interface Examined extends Seen {
  /** The candidate. */
  readonly candidate: Candidate;
  /** The genome it is about. */
  readonly ground: Ground;
  /** Records that change; `undefined` for one that goes. Empty where the patch does not fit. */
  readonly changed: { readonly [gene: string]: GenomeRecord | undefined };
  /** Records as they would be. */
  readonly after: GenomeDocument;
  /** Why it cannot be read. */
  readonly fault?: string;
  /** The edit, where it is one; absent for a restoration or where no edit would do that. */
  readonly edit?: Exclude<Edit, { readonly kind: "rollback" }>;
  /** Whether it goes back to an earlier state. */
  readonly restores: boolean;
  /** Whether it stands on the present state: what compares with that holds back otherwise. */
  readonly fresh: boolean;
}

/** Whether a record holds a gene. */
export const isGene = (record: GenomeRecord | undefined): record is GeneRecord =>
  record !== undefined && "gene" in record;

/** Whether a record says that its gene made room for another. */
export const isVictim = (record: GenomeRecord | undefined): boolean =>
  isGene(record) && record.origin.edit === "splice" && record.gene.status === "retired";

/** The edit that would have made these records, by what they say of themselves; undefined where none would. */
const editOf = (changed: Examined["changed"]): Examined["edit"] => {
  const entries = Object.entries(changed);
  const victims = entries.filter(([, record]) => isVictim(record));
  const others = entries.filter(([, record]) => !isVictim(record));
  const [[id, record] = [undefined, undefined]] = others;
  if (others.length !== 1 || victims.length > 1 || id === undefined || record === undefined) return undefined;
  const kind: EditKind = record.origin.edit;
  if (victims.length === 1 && kind !== "splice") return undefined;
  if (!isGene(record)) return kind === "cut" ? { kind, gene: id } : undefined;
  const { version: _version, born: _born, status: _status, evidence: _evidence, parents, ...gene } = record.gene;
  switch (kind) {
    case "relabel":
      return { kind, gene: id, label: gene.label, purpose: gene.purpose, tags: gene.tags };
    case "quarantine":
      return { kind, gene: id };
    case "repair": {
      const { id: _id, kind: _kind, ...set } = gene;
      return { kind, gene: id, set };
    }
    case "regenerate":
      return id.endsWith(YOUNG) ? { kind, gene: id.slice(0, -YOUNG.length) } : undefined;
    case "crossover":
      return parents.length === 2
        ? { kind, parents: [parents[0], parents[1]], name: id.split(":").slice(2).join(":") }
        : undefined;
    case "splice":
      return { kind, gene, ...(victims.length === 1 ? { displaces: victims[0][0] } : {}) };
    default:
      return undefined;
  }
};

/** How the id of a young gene ends, after that of the old one. */
export const YOUNG = ":young";

/** Whether no record was made on a state: then they are those of an earlier one, or of none. */
const isOld = (changed: Examined["changed"], state: Digest): boolean =>
  Object.values(changed).every((record) => record?.origin.anchor !== state);

const isAmong = (document: Json, others: ReadonlyArray<Json>): boolean => {
  const digest = digestJson(document);
  return others.some((other) => digestJson(other) === digest);
};

/** A candidate with what its patch does to the genome. */
export const examine = (candidate: Candidate, seen: Seen, policy: Policy): Examined => {
  const { proposal, document, current } = candidate;
  const profile = profileIn(proposal.domain);
  const before = readDocument(document);
  const result = patched(proposal.patch, document);
  const after = "after" in result && isJsonObject(result.after) ? readDocument(result.after) : { fault: "no document" };
  const records = "records" in before ? before.records : {};
  const read = "records" in after ? after.records : {};
  const changed = "records" in after ? differences(records, read) : {};
  const edit = editOf(changed);
  return {
    ...seen,
    candidate,
    ground: {
      profile: profile ?? "general",
      records,
      base: current,
      generation: seen.generation,
      usage: (gene) => usageOf(seen.state, identityOf(gene)),
      policy,
    },
    changed,
    after: read,
    restores: "after" in result && isOld(changed, current) && isAmong(result.after, seen.earlier()),
    fresh: proposal.base === current,
    ...(edit === undefined ? {} : { edit }),
    ...(profile === undefined
      ? { fault: `there is no profile ${proposal.domain.slice(GENOME_DOMAIN.length)}` }
      : "fault" in after
      ? { fault: after.fault }
      : {}),
  };
};
