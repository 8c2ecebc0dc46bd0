/**
 * Document: how the edits of a genome are stored, and the genome they make of the default one.
 *
 * Not the edits themselves (scissors/edits.ts): here are records at rest and how they are read.
 * Invariant: a document is read strictly or not at all: where one record of it is malformed, or the genes do not hold
 * together, the default genome stands in and says why. Each record can be audited alone: it carries its format, what
 * edit made it, from which gene, on which state, and by which evidence.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Digest, digestJson, type Json, type JsonObject } from "../../../kernel/mod.ts";
import { defaultGenome } from "../default_genome.ts";
import {
  type Gene,
  GENE_KINDS,
  GENE_STATUSES,
  type GeneEffect,
  type GeneKind,
  type Genome,
  genomeFault,
  type KnobName,
  KNOBS,
  MOST_TEXT,
} from "../genome.ts";
import type { Profile } from "../profile.ts";

/** Kinds of edits. */
export const EDITS = [
  "relabel",
  "cut",
  "splice",
  "quarantine",
  "repair",
  "rollback",
  "regenerate",
  "crossover",
] as const;

/** Kind of an edit. */
export type EditKind = typeof EDITS[number];

/** Version of the records. */
export const RECORD_FORMAT = 1;

/** Most digests of evidence that one record names. */
export const MOST_EVIDENCE = 16;

/** What an edit stands on. */
export interface Origin {
  /** Which edit made the record. */
  readonly edit: EditKind;
  /** Identity of the gene before it; absent where there was none. */
  readonly from?: Digest;
  /** How often the residency of that gene had moved. */
  readonly revision: number;
  /** State of the domain it was made on, to which it rolls back. */
  readonly anchor: Digest;
  /** Why, as a code. */
  readonly reason: string;
  /** Digests of the evidence it cites. */
  readonly evidence: ReadonlyArray<Digest>;
}

/** A gene that an edit left behind. */
export interface GeneRecord {
  /** Version of the record. */
  readonly format: 1;
  /** The gene. */
  readonly gene: Gene;
  /** What made it. */
  readonly origin: Origin;
}

/** What is left of a gene that was cut: enough to know it again, nothing that acts. */
export interface Tombstone {
  /** Version of the record. */
  readonly format: 1;
  /** Fingerprint of what it did. */
  readonly cut: Digest;
  /** What it was about. */
  readonly kind: GeneKind;
  /** What removed it. */
  readonly origin: Origin;
}

/** A record of a genome's document. */
export type GenomeRecord = GeneRecord | Tombstone;

/** A genome's document: records by the id of their gene. */
export type GenomeDocument = { readonly [gene: string]: GenomeRecord };

const Line = Schema.String.check(Schema.isMaxLength(MOST_TEXT));
const Ids = Schema.Array(Line).check(Schema.isMaxLength(MOST_EVIDENCE));
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** Schema of a gene's effect. */
export const EffectSchema: Schema.Codec<GeneEffect> = Schema.Struct({
  knob: Schema.Literals(Object.keys(KNOBS) as unknown as readonly [KnobName, ...KnobName[]]),
  value: Schema.Union([Schema.Finite, Ids]),
});

/** Schema of a gene. */
export const GeneSchema: Schema.Codec<Gene> = Schema.Struct({
  id: Line,
  kind: Schema.Literals(GENE_KINDS),
  label: Line,
  purpose: Line,
  tags: Ids,
  version: Count,
  born: Count,
  status: Schema.Literals(GENE_STATUSES),
  effects: Schema.Array(EffectSchema).check(Schema.isMaxLength(Object.keys(KNOBS).length)),
  evidence: Schema.Array(Line).check(Schema.isMaxLength(MOST_EVIDENCE)),
  parents: Ids,
  requires: Schema.optionalKey(Ids),
  conflicts: Schema.optionalKey(Ids),
  replaces: Schema.optionalKey(Ids),
});

const OriginSchema = Schema.Struct({
  edit: Schema.Literals(EDITS),
  from: Schema.optionalKey(Digest),
  revision: Count,
  anchor: Digest,
  reason: Schema.String.check(Schema.isPattern(/^[A-Z][A-Z0-9_]{1,63}$/u, { expected: "a code in capitals" })),
  evidence: Schema.Array(Digest).check(Schema.isMaxLength(MOST_EVIDENCE)),
});

const RecordSchema: Schema.Codec<GenomeRecord> = Schema.Union([
  Schema.Struct({ format: Schema.Literal(RECORD_FORMAT), gene: GeneSchema, origin: OriginSchema }),
  Schema.Struct({
    format: Schema.Literal(RECORD_FORMAT),
    cut: Digest,
    kind: Schema.Literals(GENE_KINDS),
    origin: OriginSchema,
  }),
]) as unknown as Schema.Codec<GenomeRecord>;

const decode = Schema.decodeUnknownResult(RecordSchema);

/** A record as it should be, or what is wrong with it. */
export const readRecord = (
  id: string,
  stored: Json,
): { readonly record: GenomeRecord } | { readonly fault: string } => {
  const read = decode(stored, { onExcessProperty: "error" });
  if (Result.isFailure(read)) return { fault: `${id}: ${String(read.failure.message).replaceAll(/\s+/gu, " ")}` };
  const record = read.success;
  if ("gene" in record && record.gene.id !== id) return { fault: `${id}: it holds ${record.gene.id}` };
  return { record };
};

/** All records of a document, or what is wrong with the first that cannot be read. */
export const readDocument = (
  document: Json,
): { readonly records: GenomeDocument } | { readonly fault: string } => {
  const records: { [gene: string]: GenomeRecord } = {};
  for (const [id, stored] of Object.entries(document as JsonObject).toSorted(([a], [b]) => a < b ? -1 : 1)) {
    const read = readRecord(id, stored);
    if ("fault" in read) return read;
    records[id] = read.record;
  }
  return { records };
};

/** What a gene is, in full: the same digest only for the same gene. */
export const identityOf = (gene: Gene): Digest => digestJson(gene as unknown as Json);

/** What a gene does, whatever it is called: a gene that comes back under another name has the same fingerprint. */
export const fingerprintOf = ({ kind, effects }: Pick<Gene, "kind" | "effects">): Digest =>
  digestJson({ kind, effects: effects.toSorted((a, b) => a.knob < b.knob ? -1 : 1) } as unknown as Json);

/** Names of tools that were known once and that nothing ever read: a stored gene loses nothing without them. */
const GONE_TOOLS: ReadonlySet<string> = new Set(["filesystem-write", "network"]);

const upgraded = (gene: Gene): Gene => ({
  ...gene,
  effects: gene.effects.map((effect) =>
    effect.knob === "tools.allow" && Array.isArray(effect.value)
      ? { ...effect, value: effect.value.filter((name: string) => !GONE_TOOLS.has(name)) }
      : effect
  ),
});

/** The genes that records make of a profile's default ones: replaced, removed, added; the added ones by age. */
export const genesOf = (profile: Profile, records: GenomeDocument): ReadonlyArray<Gene> => {
  const own = defaultGenome(profile).genes;
  const kept = own.flatMap((gene) => {
    const record = Object.hasOwn(records, gene.id) ? records[gene.id] : undefined;
    return record === undefined ? [gene] : "gene" in record ? [upgraded(record.gene)] : [];
  });
  const added = Object.entries(records).flatMap(([id, record]) =>
    "gene" in record && !own.some((gene) => gene.id === id) ? [upgraded(record.gene)] : []
  );
  return [...kept, ...added.toSorted((a, b) => a.born - b.born || (a.id < b.id ? -1 : 1))];
};

/** The genome of a document after so many edits; the default one, with the reason, where it does not hold together. */
export const genomeOf = (profile: Profile, document: Json, generation: number): Genome => {
  const read = readDocument(document);
  if ("fault" in read) return { ...defaultGenome(profile), generation, fault: read.fault };
  const genes = genesOf(profile, read.records);
  const fault = genomeFault(profile, genes);
  return fault === undefined ? { profile, generation, genes } : { ...defaultGenome(profile), generation, fault };
};

/** Fingerprints of what was cut or retired, by the id it had. */
export const retiredOf = (records: GenomeDocument): ReadonlyMap<Digest, string> =>
  new Map(
    Object.entries(records).flatMap(([id, record]) =>
      "cut" in record
        ? [[record.cut, id] as const]
        : record.gene.status === "retired"
        ? [[fingerprintOf(record.gene), id] as const]
        : []
    ),
  );
