/**
 * Subject: a registered program, module or set of settings, as the document of a domain of proposals: what it is now, and
 * by what it is judged.
 *
 * Not its bytes (an artifact) and not its suite's cases (a private payload of the ledger, which no operation shows).
 * Invariant: the rules are written once, with the first version, and never change, also where that version was taken back
 * and the name is registered again: no change can bring its own judge; a version means one body for ever, also after a
 * rollback; every version knows the one it was made from.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { glob, type ProposalDraft, type ProposalRecord, type ValidationCommand } from "../../../effects/mod.ts";
import { Digest, isDigest } from "../../../kernel/digest.ts";
import { isJsonObject, type Json } from "../../../kernel/json.ts";
import { JsonValue } from "../../../kernel/mod.ts";
import { protectedTarget, unfitChange } from "../failures.ts";
import type { Tally } from "../evaluators/judging.ts";

/** Kinds of subjects. */
export const SUBJECT_KINDS = ["program", "module", "settings"] as const;

/** A kind of subject. */
export type SubjectKind = typeof SUBJECT_KINDS[number];

/** Domains of subjects. */
export const SUBJECT_DOMAINS: ReadonlyArray<string> = ["programs.*", "settings.*"];

/** By what a subject is judged: written once. */
export interface Rules {
  /** What it is. */
  readonly kind: SubjectKind;
  /** The suite: a private payload of the ledger. */
  readonly suite: Digest;
  /** Settings: the module that reads them, an artifact. */
  readonly reader?: Digest;
  /** Settings: what each may be. */
  readonly space?: Json;
}

/** Schema of {@link Rules}. */
export const Rules: Schema.Codec<Rules> = Schema.Struct({
  kind: Schema.Literals(SUBJECT_KINDS),
  suite: Digest,
  reader: Schema.optionalKey(Digest),
  space: Schema.optionalKey(JsonValue),
}) as unknown as Schema.Codec<Rules>;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
const Whole = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1));
const TallyJson = Schema.Struct({ passed: Count, total: Whole });

/** A version of a subject. */
export interface Version {
  /** The body: an artifact. */
  readonly body: Digest;
  /** Its number, never given twice. */
  readonly version: number;
  /** The body it was made from; null for the first. */
  readonly parent: Digest | null;
  /** How it was made. */
  readonly edit: string;
  /** Size of the body. */
  readonly bytes: number;
  /** Share of held-back cases passed. */
  readonly score: number;
  /** Seen cases passed. */
  readonly seen: Tally;
  /** Held-back cases passed. */
  readonly held: Tally;
  /** What was found, in full: an artifact. */
  readonly evidence: Digest;
}

/** Schema of {@link Version}. */
export const Version: Schema.Codec<Version> = Schema.Struct({
  body: Digest,
  version: Whole,
  parent: Schema.NullOr(Digest),
  edit: Schema.String.check(Schema.isMaxLength(200)),
  bytes: Whole,
  score: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  seen: TallyJson,
  held: TallyJson,
  evidence: Digest,
}) as unknown as Schema.Codec<Version>;

/** A document, read. */
export interface Subject {
  /** By what it is judged. */
  readonly rules: Rules;
  /** What it is now. */
  readonly current: Version;
}

const readRules = Schema.decodeUnknownResult(Rules);
const readVersion = Schema.decodeUnknownResult(Version);
const strict = { onExcessProperty: "error" } as const;

/** Reads a document: nothing yet, a subject, or what is wrong with it. */
export const readSubject = (document: Json): Subject | undefined | { readonly problem: string } => {
  if (!isJsonObject(document)) return { problem: "it is not an object" };
  const { rules: given, current: now, ...others } = document;
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) return { problem: `it has a member "${stranger}"` };
  if (given === undefined && now === undefined) return undefined;
  const rules = readRules(given, strict);
  if (Result.isFailure(rules)) return { problem: `its rules are malformed: ${rules.failure.message}` };
  const current = readVersion(now, strict);
  if (Result.isFailure(current)) return { problem: `its current version is malformed: ${current.failure.message}` };
  return { rules: rules.success, current: current.success };
};

/** Versions that a domain ever gave, applied or undone since. */
export const subjectVersions = (records: ReadonlyArray<ProposalRecord>, domain: string): ReadonlyArray<Version> =>
  records
    .filter(({ proposal, after }) => proposal.domain === domain && after !== undefined)
    .flatMap(({ proposal }) =>
      proposal.patch.flatMap((edit) => {
        const read = "value" in edit && edit.path === "/current" ? readVersion(edit.value, strict) : undefined;
        return read !== undefined && Result.isSuccess(read) ? [read.success] : [];
      })
    );

/** The rules with which a domain was first registered, also where that was undone since. */
export const firstRules = (records: ReadonlyArray<ProposalRecord>, domain: string): Json | undefined =>
  records
    .filter(({ proposal, after }) => proposal.domain === domain && after !== undefined)
    .flatMap(({ proposal }) => proposal.patch)
    .flatMap((edit) => "value" in edit && edit.path === "/rules" ? [edit.value as Json] : [])[0];

/** Whether a patch gives whole members, each once: what it says is then what the document says. */
export const givesWhole = (patch: ProposalDraft["patch"]): boolean => {
  const paths = patch.map(({ op, path }) => op === "add" || op === "replace" ? path : "");
  return paths.every((path) => path === "/current" || path === "/rules") && new Set(paths).size === paths.length;
};

/** What a version says of itself, which a trial has to find again. */
export type Claims = Pick<Version, "score" | "seen" | "held">;

/** Schema of {@link Claims}. */
export const Claims: Schema.Codec<Claims> = Schema.Struct({
  score: Schema.Finite,
  seen: TallyJson,
  held: TallyJson,
}) as unknown as Schema.Codec<Claims>;

/** The call that tries a version again before it is admitted: it has to be what it says of itself. */
export const trialCommand = (target: string, version: Version, rules?: Rules): ValidationCommand => ({
  operation: "evolution.trial",
  input: {
    target,
    body: version.body,
    claims: { score: version.score, seen: { ...version.seen }, held: { ...version.held } },
    ...(rules === undefined ? {} : { rules: rules as unknown as Json }),
  },
  expect: { ok: true },
});

/** The change that registers a subject, or (without rules) makes another version of it. */
export const subjectDraft = (
  target: string,
  base: Digest,
  { summary, current, rules, bound }: {
    readonly summary: string;
    readonly current: Version;
    readonly rules?: Rules;
    readonly bound: number;
  },
): ProposalDraft => {
  const op = rules === undefined ? "replace" : "add";
  return {
    domain: target,
    summary: summary.slice(0, 400),
    changedIds: rules === undefined ? ["current"] : ["current", "rules"],
    patch: [
      { op, path: "/current", value: current as unknown as Json as never },
      ...(rules === undefined ? [] : [{ op, path: "/rules", value: rules as unknown as Json as never } as const]),
    ],
    base,
    rollbackTarget: base,
    expected: { metric: "score", direction: "up", bound },
    validation: [trialCommand(target, current, rules)],
    reversible: true,
    widensAuthority: false,
  };
};

/** What no change of the system's own may touch, by name. */
export const PROTECTED: ReadonlyArray<readonly [pattern: string, what: string]> = [
  ["kernel*", "the kernel"],
  ["effects*", "the gate, the policy and the ledger"],
  ["policy*", "the policy, which a person writes"],
  ["guard*", "the guard of the policy and the ledger"],
  ["gate*", "the gate"],
  ["ledger*", "the ledger"],
  ["approvals*", "the consent of persons"],
  ["proposals*", "the road of changes, and their rollback"],
  ["rollback*", "the rollback of changes"],
  ["sandbox*", "the sandbox that changes are tried in"],
  ["evaluator*", "the judge of changes"],
  ["evolution*", "the judge of changes"],
  ["suite*", "a suite that judges changes"],
  ["registry*", "the list of plugins and what they may do"],
  ["models.*", "measured before it serves: evolution.registerModel and evolution.promoteModel change it"],
  ["genome.*", "the rules by which the system acts: norion.propose edits them"],
];

const NAME = /^(?:programs|settings)\.[a-z][a-z0-9._-]{0,69}$/u;

/** Throws EVOLUTION_PROTECTED or EVOLUTION_CHANGE where a name is not that of a subject. */
export const checkedTarget = (target: string, path = "/target"): string => {
  if (isDigest(target) || NAME.test(target)) return target;
  const guards = PROTECTED.find(([pattern]) => glob(pattern)(target))?.[1];
  if (guards !== undefined) throw protectedTarget({ target, guards, path, actual: target });
  const reason = "subjects are called programs.<name> or settings.<name>";
  throw unfitChange({ what: target, reason, path, expected: ["programs.<name>", "settings.<name>"], actual: target });
};
