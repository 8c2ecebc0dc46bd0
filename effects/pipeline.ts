/**
 * Pipeline: the ordered checks that every durable change of behaviour passes, each with a reason code.
 *
 * Not the decision of a person (that is one of the checks' inputs) and not the writing of the change.
 * Invariant: all checks run, so a report lists every reason; reject outweighs hold outweighs pass; a check that breaks
 * or takes too long holds, it never passes.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import {
  applyPatch,
  canonicalJson,
  type Digest,
  digestJson,
  type Failure,
  type Json,
  type JsonPatch,
  pointerKeys,
} from "../kernel/mod.ts";
import type { DomainRule } from "./policy_file.ts";
import type { Attested, Proposal } from "./proposal.ts";

/** What a check says. */
export interface Finding {
  /** The check's name. */
  readonly check: string;
  /** Its verdict. */
  readonly outcome: "pass" | "hold" | "reject";
  /** Why, as a stable code; `OK` for a pass. */
  readonly code: string;
  /** Why, in words; empty for a pass. */
  readonly detail: string;
}

/** What a report comes to: ready is still not a write. */
export type GateOutcome = "ready" | "previewOnly" | "held" | "rejected";

/** Every finding, in order, and what they come to. */
export interface Report {
  /** The verdict. */
  readonly outcome: GateOutcome;
  /** One finding a check. */
  readonly findings: ReadonlyArray<Finding>;
}

/** What checks look at. */
export interface Candidate {
  /** The change. */
  readonly proposal: Proposal;
  /** Evidence so far, by whom. */
  readonly evidence: ReadonlyArray<Attested>;
  /** Commands of the proposal that ran in this ledger: index to whether it passed. */
  readonly validated: { readonly [index: string]: boolean };
  /** The domain's document now. */
  readonly document: Json;
  /** Its identity. */
  readonly current: Digest;
  /** What the policy demands of the domain. */
  readonly rule: DomainRule;
  /** Whether redaction would change the proposal. */
  readonly redacted: boolean;
}

/** The reason a check does not pass; `undefined` is a pass. */
export type Reason =
  | { readonly outcome: "hold" | "reject"; readonly code: string; readonly detail: string }
  | undefined;

/** One check. Lower order runs first; the built-in ones have 10, 20, 30 and so on. */
export interface Check {
  /** Its name in reports. */
  readonly name: string;
  /** Its place. */
  readonly order: number;
  /** Looks at a candidate. */
  readonly run: (candidate: Candidate) => Effect.Effect<Reason, Failure>;
}

/** Longest a check may take, milliseconds. */
export const CHECK_DEADLINE_MS = 30_000;

/** Most edits of a patch. */
export const MAX_EDITS = 64;

/** Largest patch, bytes of canonical JSON. */
export const MAX_PATCH_BYTES = 32_768;

const hold = (code: string, detail: string): Reason => ({ outcome: "hold", code, detail });
const reject = (code: string, detail: string): Reason => ({ outcome: "reject", code, detail });

const pure = (name: string, order: number, look: (candidate: Candidate) => Reason): Check => ({
  name,
  order,
  run: (candidate) => Effect.sync(() => look(candidate)),
});

/** The ids at the root of a domain's document that a patch touches. */
export const touchedIds = (patch: JsonPatch): ReadonlyArray<string> => [
  ...new Set(patch.map(({ path }) => pointerKeys(path)[0] ?? "")),
];

/** A document after a patch, or why the patch does not fit it. */
export const patched = (patch: JsonPatch, document: Json): { readonly after: Json } | { readonly problem: string } => {
  try {
    const after = applyPatch(patch, document);
    canonicalJson(after);
    return { after };
  } catch (cause) {
    return { problem: cause instanceof Error ? cause.message : String(cause) };
  }
};

/** Passing evidence of others, one a witness and content: a proposer's own word counts for nothing. */
export const witnesses = ({ evidence }: Pick<Candidate, "evidence">): ReadonlyArray<Attested> => {
  const seen = new Set<string>();
  return evidence.filter((item) => {
    const key = `${item.by} ${item.digest}`;
    if (item.counts === "self" || item.result === "fail" || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
};

const meets = (proposal: Proposal, item: Attested): boolean => {
  const { metric, direction, bound } = proposal.expected;
  if (item.counts !== "benchmark" || item.metric !== metric || item.value === undefined) return false;
  return direction === "up" ? item.value >= bound : item.value <= bound;
};

/** The built-in checks. */
export const CHECKS: ReadonlyArray<Check> = [
  pure("bounds", 10, ({ proposal }) => {
    const bytes = new TextEncoder().encode(canonicalJson(proposal.patch)).length;
    if (proposal.patch.length > MAX_EDITS) return reject("TOO_MANY_EDITS", `${proposal.patch.length} > ${MAX_EDITS}`);
    return bytes > MAX_PATCH_BYTES ? reject("TOO_LARGE", `${bytes} bytes > ${MAX_PATCH_BYTES}`) : undefined;
  }),
  pure(
    "privacy",
    20,
    ({ redacted }) => redacted ? reject("PRIVATE_CONTENT", "the change holds what redaction removes") : undefined,
  ),
  pure("ids", 30, ({ proposal, rule }) => {
    const touched = touchedIds(proposal.patch);
    const unnamed = touched.filter((id) => !proposal.changedIds.includes(id));
    if (unnamed.length > 0) return reject("UNNAMED_IDS", `the patch touches ${unnamed.join(", ") || "the root"}`);
    const untouched = proposal.changedIds.filter((id) => !touched.includes(id));
    if (untouched.length > 0) return reject("UNTOUCHED_IDS", `the patch does not touch ${untouched.join(", ")}`);
    const fixed = touched.filter((id) => rule.fixed?.includes(id));
    return fixed.length > 0 ? reject("FIXED_IDS", `the policy fixes ${fixed.join(", ")}`) : undefined;
  }),
  pure(
    "freshness",
    40,
    ({ proposal, current }) =>
      proposal.base === current ? undefined : hold("STALE", `it stands on ${proposal.base}, now is ${current}`),
  ),
  pure("fit", 50, ({ proposal, document, current }) => {
    if (proposal.base !== current) return undefined;
    const result = patched(proposal.patch, document);
    if ("problem" in result) return reject("PATCH_MISFIT", result.problem);
    return digestJson(result.after) === current ? reject("NO_CHANGE", "the patch changes nothing") : undefined;
  }),
  pure(
    "rollback",
    60,
    ({ proposal }) =>
      proposal.rollbackTarget === proposal.base
        ? undefined
        : hold("ROLLBACK_TARGET", `the rollback target ${proposal.rollbackTarget} is not the state it stands on`),
  ),
  pure("evidence", 70, (candidate) => {
    const against = candidate.evidence.find((item) => item.result === "fail" && item.counts !== "self");
    if (against !== undefined) return hold("EVIDENCE_AGAINST", `${against.by} found: ${against.summary}`);
    const found = witnesses(candidate).length;
    return found >= candidate.rule.evidence
      ? undefined
      : hold("EVIDENCE_MISSING", `${found} of ${candidate.rule.evidence} pieces of evidence by others`);
  }),
  pure("validation", 80, ({ proposal, validated, rule }) => {
    const named = proposal.validation.map((command) => command.operation);
    const lacking = (rule.validation ?? []).filter((operation) => !named.includes(operation));
    if (lacking.length > 0) return hold("VALIDATION_LACKING", `the policy wants ${lacking.join(", ")}`);
    const open = proposal.validation.filter((_, index) => validated[index] === undefined);
    if (open.length > 0) return hold("VALIDATION_PENDING", `${open.length} commands have not run in this ledger`);
    const failed = proposal.validation.filter((_, index) => !validated[index]);
    return failed.length > 0 ? hold("VALIDATION_FAILED", `${failed.map((c) => c.operation).join(", ")}`) : undefined;
  }),
  pure("quorum", 90, (candidate) => {
    const independent = new Set(witnesses(candidate).map((item) => item.by)).size;
    return independent >= candidate.rule.quorum
      ? undefined
      : hold("QUORUM", `${independent} of ${candidate.rule.quorum} independent witnesses`);
  }),
  pure(
    "benefit",
    100,
    (candidate) =>
      !candidate.rule.benefit || witnesses(candidate).some((item) => meets(candidate.proposal, item))
        ? undefined
        : hold("BENEFIT_UNSHOWN", `no benchmark by others shows ${candidate.proposal.expected.metric}`),
  ),
];

const breaks = (detail: string): Reason => hold("CHECK_BROKE", detail);

const runCheck = (check: Check, candidate: Candidate): Effect.Effect<Finding> =>
  Effect.suspend(() => check.run(candidate)).pipe(
    Effect.timeoutOrElse({
      duration: CHECK_DEADLINE_MS,
      orElse: () => Effect.succeed(hold("CHECK_TIMEOUT", `no answer within ${CHECK_DEADLINE_MS} ms`)),
    }),
    Effect.catch((failed) => Effect.succeed(breaks(failed.message))),
    Effect.catchDefect((defect) => Effect.succeed(breaks(String(defect)))),
    Effect.map((reason) =>
      reason === undefined
        ? { check: check.name, outcome: "pass", code: "OK", detail: "" }
        : { check: check.name, ...reason }
    ),
  );

/** What findings come to. */
export const outcomeOf = (findings: ReadonlyArray<Finding>, writes: boolean): GateOutcome => {
  if (findings.some(({ outcome }) => outcome === "reject")) return "rejected";
  if (findings.some(({ outcome }) => outcome === "hold")) return "held";
  return writes ? "ready" : "previewOnly";
};

/** Runs every check, in order; ties by name. */
export const runPipeline = (checks: ReadonlyArray<Check>, candidate: Candidate): Effect.Effect<Report> =>
  Effect.map(
    Effect.forEach(
      [...checks].sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1)),
      (check) => runCheck(check, candidate),
    ),
    (findings) => ({ outcome: outcomeOf(findings, candidate.rule.writes), findings }),
  );
