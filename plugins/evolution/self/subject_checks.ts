/**
 * Subject checks: what the gate demands of a change of a program, a module or settings, whoever wrote it.
 *
 * Not the trial (trial.ts): it runs as the change's validation, and these checks see to it that it is this one.
 * Invariant: the rules never change; versions go up by one and are never given again; what the document says of a version
 * is what its evidence says.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { type Check, patched, type ProposalsShape, type Reason } from "../../../effects/mod.ts";
import { digestJson } from "../../../kernel/digest.ts";
import type { ArtifactStore } from "../../../registry/artifact_store.ts";
import { type Candidate, checkOf, hold, reject, SHAPE_ORDER } from "./change_checks.ts";
import { firstRules, givesWhole, readSubject, type Subject, subjectVersions, trialCommand } from "./subject.ts";

interface Change {
  readonly candidate: Candidate;
  readonly before: Subject | undefined;
  readonly after: Subject;
}

const problemOf = (read: ReturnType<typeof readSubject>): string | undefined =>
  read !== undefined && "problem" in read ? read.problem : undefined;

/** The subjects before and after; a patch that does not fit is the matter of the built-in checks. */
const changeOf = (candidate: Candidate): Change | Reason => {
  const result = patched(candidate.proposal.patch, candidate.document);
  if ("problem" in result) return undefined;
  const [before, after] = [readSubject(candidate.document), readSubject(result.after)];
  const touchesRules = candidate.proposal.changedIds.includes("rules");
  if (before !== undefined && touchesRules) {
    return reject("RULES_FIXED", "what judges a subject is written once and never changed");
  }
  const problem = problemOf(after);
  if (problem !== undefined) return reject("SUBJECT_DOCUMENT", problem);
  if (after === undefined) return reject("SUBJECT_REMOVED", "a subject goes by a rollback");
  return {
    candidate,
    before: problemOf(before) === undefined ? before as Subject | undefined : undefined,
    after: after as Subject,
  };
};

const shape = ({ candidate: { proposal }, before, after }: Change): Reason => {
  if (!givesWhole(proposal.patch)) return reject("SUBJECT_DOCUMENT", "a change gives whole members, each once");
  const parent = before?.current.body ?? null;
  if (after.current.parent !== parent) return reject("PARENT_OTHER", `the version in place is ${parent}`);
  if (after.current.body === parent) return reject("NO_CHANGE", "the body is the one in place");
  const [wanted, given] = [before?.rules, after.rules];
  return wanted !== undefined && digestJson(wanted as never) !== digestJson(given as never)
    ? reject("RULES_FIXED", "what judges a subject is written once and never changed")
    : undefined;
};

const tried = ({ candidate: { proposal }, before, after }: Change): Reason => {
  const rules = before === undefined ? after.rules : undefined;
  const wanted = digestJson(trialCommand(proposal.domain, after.current, rules));
  return proposal.validation.some((command) => digestJson(command) === wanted)
    ? undefined
    : reject("TRIAL_OTHER", "its validation does not try this version by the rules of its subject");
};

const counted = ({ after: { current } }: Change): Reason => {
  const { seen, held, score } = current;
  if (seen.total < 1 || held.total < 1) return reject("ZERO_TESTS", "no cases were tried");
  const fits = held.passed <= held.total && seen.passed <= seen.total && score <= held.passed / held.total;
  return fits ? undefined : reject("EVIDENCE_FORGED", "the score is not the share of held-back cases passed");
};

const check = checkOf<Change>(changeOf);

/** Checks of the domains of subjects. */
export const subjectChecks = (
  store: Pick<ArtifactStore, "state">,
  proposals: Pick<ProposalsShape, "list">,
): ReadonlyArray<Check> => [
  check("subjects.shape", SHAPE_ORDER, shape),
  check(
    "subjects.version",
    210,
    ({ candidate: { proposal }, after }) =>
      Effect.map(Effect.result(proposals.list), (records) => {
        if (Result.isFailure(records)) return hold("VERSIONS_UNREADABLE", records.failure.message);
        const latest = Math.max(0, ...subjectVersions(records.success, proposal.domain).map(({ version }) => version));
        const rules = firstRules(records.success, proposal.domain);
        if (rules !== undefined && digestJson(rules) !== digestJson(after.rules as never)) {
          return reject("RULES_FIXED", "its name was registered with another judge, and keeps that one");
        }
        const { version } = after.current;
        return version === latest + 1
          ? undefined
          : reject("VERSION_REUSED", `version ${version} does not follow ${latest}, the last that was given`);
      }),
  ),
  check("subjects.stored", 220, ({ after: { current, rules } }) =>
    Effect.map(Effect.result(store.state), (state) => {
      if (Result.isFailure(state)) return hold("STORE_UNREADABLE", state.failure.message);
      const { artifacts } = state.success;
      const [body, evidence] = [artifacts[current.body], artifacts[current.evidence]];
      if (body?.kind !== "program" || body.size !== current.bytes) {
        return reject("BODY_ABSENT", `${current.body} is no stored body of ${current.bytes} bytes`);
      }
      if (rules.reader !== undefined && artifacts[rules.reader] === undefined) {
        return reject("READER_ABSENT", `${rules.reader} is not stored`);
      }
      const says = evidence?.kind === "evidence" && evidence.references.includes(current.body) &&
        evidence.metrics.score === current.score && evidence.metrics.heldPassed === current.held.passed &&
        evidence.metrics.seenPassed === current.seen.passed;
      return says ? undefined : reject("EVIDENCE_FORGED", `${current.evidence} does not say this of it`);
    })),
  check("subjects.tried", 230, tried),
  check("subjects.counted", 240, counted),
];
