/**
 * Validators: what is looked at in material and copies before they become genes.
 *
 * Not the gate (scissors/checks.ts), which asks them: here are pure judgements with their reasons.
 * Invariant: a reason is a code, never a word of what was judged; of several verdicts the severest counts.
 *
 * @module
 */
import { type Gene, geneFault, KNOBS, LEAST_LABEL, LEAST_PURPOSE } from "../genome.ts";
import { fitnessOf, statusOf, trustOf, type Usage } from "../health.ts";
import type { Policy } from "../policy.ts";
import { dangersIn } from "../review/dangers.ts";
import { isTranscript } from "../memory/hygiene.ts";
import { estimateTokens, termsOf } from "../text.ts";

const DANGERS = KNOBS["safety.hold"].names;

/** A verdict with the codes it rests on. */
export interface Judged<V extends string> {
  /** The verdict. */
  readonly verdict: V;
  /** Why; empty where there is nothing to say. */
  readonly codes: ReadonlyArray<string>;
}

const severest = <V extends string>(
  order: ReadonlyArray<V>,
  found: ReadonlyArray<readonly [V, string]>,
  otherwise: V,
): Judged<V> => ({
  verdict: order.find((verdict) => found.some(([one]) => one === verdict)) ?? otherwise,
  codes: found.map(([, code]) => code),
});

/** Rows of conditions: what they come to and their code, for those that hold. */
const holding = <V extends string>(
  rows: ReadonlyArray<readonly [holds: boolean, verdict: V, code: string]>,
): ReadonlyArray<readonly [V, string]> => rows.flatMap(([holds, verdict, code]) => holds ? [[verdict, code]] : []);

/** A new label for a gene. */
export interface Relabel {
  /** The label. */
  readonly label: string;
  /** The purpose. */
  readonly purpose: string;
  /** Whether it names where it comes from by a digest. */
  readonly sourced: boolean;
  /** Whether its words were looked over for what is private. */
  readonly checked: boolean;
}

const DIGEST = /^sha256:[0-9a-f]{64}$/u;

/** Whether a source is named by a digest and not by its words. */
export const isSourced = (sources: ReadonlyArray<string>): boolean =>
  sources.length > 0 && sources.every((source) => DIGEST.test(source));

/** Whether a gene may have a new label: a thin, unsourced or unchecked one waits; a gene that is ill is not renamed. */
export const judgeRelabel = (
  { label, purpose, sourced, checked }: Relabel,
  gene: Gene,
  usage: Usage,
  policy: Policy,
): Judged<"accept" | "hold" | "quarantine"> => {
  const status = statusOf(gene, usage, policy);
  return severest(
    ["quarantine", "hold"],
    holding([
      [status === "malignant" || status === "quarantined", "quarantine", "GENE_ILL"],
      [dangersIn(`${label}. ${purpose}`, DANGERS).length > 0, "quarantine", "DANGEROUS_WORDS"],
      [label.length < LEAST_LABEL, "hold", "LABEL_THIN"],
      [purpose.length < LEAST_PURPOSE, "hold", "PURPOSE_THIN"],
      [!sourced, "hold", "SOURCE_MISSING"],
      [!checked, "hold", "PRIVACY_UNCHECKED"],
      [trustOf(usage, policy) < policy["gene.trusted"], "hold", "TRUST_LOW"],
      [fitnessOf(usage) < policy["gene.useful"], "hold", "FITNESS_LOW"],
    ]),
    "accept",
  );
};

const opposes = (source: Gene, copy: Gene): boolean =>
  source.kind !== copy.kind || copy.effects.some(({ knob, value }) => {
    const before = source.effects.find((effect) => effect.knob === knob)?.value;
    if (typeof value === "number") return typeof before === "number" && Math.sign(value) * Math.sign(before) < 0;
    // A permission that the source does not give, or a requirement that it makes and the copy drops.
    const [given, had] = [new Set(value), new Set(Array.isArray(before) ? before as ReadonlyArray<string> : [])];
    const known = KNOBS[knob];
    const joins = "joins" in known ? known.joins : "union";
    return before !== undefined && (joins === "union" ? !had.isSubsetOf(given) : !given.isSubsetOf(had));
  });

/** Compares a copied gene with its source: only an exact copy passes. */
export const proofread = (source: Gene, copy: Gene): Judged<"accept" | "hold" | "reject" | "quarantine"> =>
  severest(
    ["quarantine", "reject", "hold"],
    holding([
      [dangersIn(`${copy.label}. ${copy.purpose}`, DANGERS).length > 0, "quarantine", "DANGEROUS_WORDS"],
      [geneFault(copy) !== undefined, "quarantine", "GENE_MALFORMED"],
      [opposes(source, copy), "reject", "CONTRADICTS_SOURCE"],
      [JSON.stringify(source) !== JSON.stringify(copy), "hold", "DIFFERS_FROM_SOURCE"],
    ]),
    "accept",
  );

/** What is known of material from elsewhere. */
export interface Material {
  /** Its words. */
  readonly text: string;
  /** Digests of where it comes from. */
  readonly sources: ReadonlyArray<string>;
  /** Whether it comes from the scope it is to be used in. */
  readonly ownScope: boolean;
  /** Whether what it does was cut or retired before. */
  readonly retired: boolean;
  /** Whether its words stand in the request it was made from. */
  readonly copied: boolean;
}

/** What becomes of material, severest first. */
export const DANGER_VERDICTS = ["reject", "quarantine", "hold", "review", "observe", "trusted"] as const;

/** What becomes of material. */
export type DangerVerdict = typeof DANGER_VERDICTS[number];

/** Looks for signs of danger: a report names them by code and repeats no word of the material. */
export const judgeMaterial = ({ text, sources, ownScope, retired, copied }: Material): Judged<DangerVerdict> => {
  const dangers = dangersIn(text, DANGERS);
  return severest(
    DANGER_VERDICTS,
    holding<DangerVerdict>([
      [!ownScope, "reject", "CROSS_SCOPE"],
      [retired, "reject", "RETIRED_FINGERPRINT"],
      [dangers.includes("injection"), "quarantine", "INJECTION"],
      [dangers.includes("secret"), "quarantine", "SECRET"],
      [dangers.includes("cross-scope"), "quarantine", "FOREIGN_MEMORY"],
      [dangers.includes("destructive-command"), "quarantine", "IRREVERSIBLE_DELETE"],
      [sources.length > 0 && !isSourced(sources), "hold", "PROVENANCE_MISSING"],
      [copied || isTranscript(text), "review", "COPIED_TEXT"],
      [sources.length === 0, "observe", "UNPROVEN"],
    ]),
    "trusted",
  );
};

/** Material that may become a gene. */
export interface Segment extends Omit<Material, "copied" | "retired"> {
  /** What it was copied from, where that is at hand. */
  readonly original?: string;
  /** Version of the record it came in. */
  readonly format: number;
  /** Whether it states the opposite of a rule that holds. */
  readonly contradicts: boolean;
  /** Whether its label no longer says what it is. */
  readonly staleLabel: boolean;
  /** How well it did. */
  readonly fitness: number;
  /** How far it drifted. */
  readonly drift: number;
  /** How likely it holds something private. */
  readonly privacy: number;
  /** Tokens it shares with another. */
  readonly overlap: number;
  /** Windows since anything spoke for it. */
  readonly age: number;
}

/** What differs between a copy and what it was copied from. */
export type Variant = "insertion" | "deletion" | "substitution" | "truncation" | "duplication";

const isSubsequence = (part: ReadonlyArray<string>, whole: ReadonlyArray<string>): boolean => {
  let at = 0;
  for (const term of whole) if (at < part.length && part[at] === term) at++;
  return at === part.length;
};

const repeats = (terms: ReadonlyArray<string>, original: ReadonlyArray<string>): boolean =>
  original.length > 0 && terms.length > original.length && terms.length % original.length === 0 &&
  terms.every((term, index) => term === original[index % original.length]);

/** How a copy differs from its original; undefined where it says the same. */
export const variantOf = (text: string, original: string): Variant | undefined => {
  const [copy, source] = [termsOf(text), termsOf(original)];
  if (copy.length === source.length && copy.every((term, index) => term === source[index])) return undefined;
  if (repeats(copy, source)) return "duplication";
  if (copy.length < source.length && copy.every((term, index) => term === source[index])) return "truncation";
  if (isSubsequence(source, copy)) return "insertion";
  return isSubsequence(copy, source) ? "deletion" : "substitution";
};

/** What becomes of a segment, severest first. */
export const DISPOSITIONS = ["quarantine", "skip", "repair", "relabel", "retain"] as const;

/** What becomes of a segment. */
export type Disposition = typeof DISPOSITIONS[number];

/** Version of segments that can be read. */
export const SEGMENT_FORMAT = 1;

/** Whether a segment may become a gene. Anything unsafe is quarantined; what is only old gets a new label. */
export const judgeSegment = (segment: Segment, policy: Policy): Judged<Disposition> => {
  const { text, original, sources, ownScope } = segment;
  const danger = judgeMaterial({ text, sources, ownScope, retired: false, copied: false });
  const variant = original === undefined ? undefined : variantOf(text, original);
  const unsafe = danger.verdict === "quarantine" || danger.verdict === "reject";
  return severest(
    DISPOSITIONS,
    [
      ...(unsafe ? danger.codes.map((code) => ["quarantine", code] as const) : []),
      ...holding<Disposition>([
        [segment.privacy > policy["segment.privacy"], "quarantine", "PRIVACY_RISK"],
        [segment.contradicts, "quarantine", "CONTRADICTORY_RULE"],
        [!isSourced(sources), "skip", "SOURCE_MISSING"],
        [segment.fitness < policy["segment.fitness"], "skip", "FITNESS_LOW"],
        [segment.drift > policy["segment.drift"], "skip", "DRIFT_HIGH"],
        [estimateTokens(text) > policy["segment.tokens"], "skip", "TOO_LONG"],
        [segment.overlap > policy["segment.overlap"], "skip", "OVERLAP_HIGH"],
        [segment.format !== SEGMENT_FORMAT, "repair", "SCHEMA_DRIFT"],
        [variant !== undefined, "repair", (variant ?? "").toUpperCase()],
        [segment.staleLabel, "relabel", "LABEL_STALE"],
        [segment.age >= policy["segment.age"], "relabel", "OLD"],
      ]),
    ],
    "retain",
  );
};
