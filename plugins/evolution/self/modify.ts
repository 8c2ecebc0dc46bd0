/**
 * Modify: registering a program, a module or settings with the suite that judges it, and changing it by typed edits: tried
 * before it is proposed, tried again when it is validated, tried once more after it was applied.
 *
 * Invariant: what proposes a change never brings what judges it; an applied change that does not hold what its evidence
 * says is undone at once; an undone change leaves the document as it was, to the digest.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { type Evidence, Ledger, Proposals } from "../../../effects/mod.ts";
import type { CapsOf } from "../../../kernel/authority.ts";
import { type Digest, isDigest } from "../../../kernel/digest.ts";
import { canonicalJson, type Json } from "../../../kernel/json.ts";
import { nearest, unknownEntry } from "../../../kernel/mod.ts";
import { Artifacts } from "../../../registry/contract.ts";
import { attempting } from "../attempting.ts";
import type { Tally } from "../evaluators/judging.ts";
import { checkedSuite, type Suite, suiteBytes } from "../evaluators/suite.ts";
import { protectedTarget, unfitChange } from "../failures.ts";
import { type Body, BODY_MEDIA, bodyBytes, type BodyEdit, editBody } from "./body.ts";
import { type Admitted, admitting, EVALUATOR, keeping, type RoadFailure, standing } from "./road.ts";
import {
  checkedTarget,
  type Claims,
  readSubject,
  type Rules,
  type Subject,
  subjectDraft,
  type SubjectKind,
  subjectVersions,
  type Version,
} from "./subject.ts";
import { readBody, readSuite, type Trial, type TrialFailure, type Tries, tryBody } from "./trial.ts";

/** Media type of what a trial found. */
export const TRIAL_MEDIA = "application/vnd.rmi.evolution.trial+json";

/** What changing a subject needs. */
export type Modifies = Tries | Proposals | CapsOf<"writeLocal">;

/** Why a subject cannot be changed. */
export type ModifyFailure = TrialFailure | RoadFailure;

/** What became of a change. */
export interface Modified extends Admitted {
  /** Its version. */
  readonly version: number;
  /** The body. */
  readonly body: Digest;
  /** What was found before it was proposed. */
  readonly trial: Trial;
}

/** The subject of a domain and its digest. */
const subjectIn = (
  target: string,
): Effect.Effect<{ readonly digest: Digest; readonly subject: Subject | undefined }, ModifyFailure, Proposals> =>
  Effect.gen(function* () {
    const { document, digest } = yield* (yield* Proposals).domain(target);
    const read = readSubject(document);
    if (read === undefined || !("problem" in read)) return { digest, subject: read };
    return yield* Effect.fail(unfitChange({ what: target, reason: read.problem, path: "/target" }));
  });

/** Domains of subjects that changes were ever proposed of. */
const subjectDomains: Effect.Effect<ReadonlyArray<string>, ModifyFailure, Proposals> = Effect.flatMap(
  Proposals,
  (proposals) =>
    Effect.map(proposals.list, (records) =>
      [
        ...new Set(
          records.map(({ proposal }) => proposal.domain).filter((name) => /^(?:programs|settings)\./u.test(name)),
        ),
      ].sort()),
);

const unknownSubject = (name: string, suggestions: ReadonlyArray<string>) =>
  unknownEntry({ kind: "subject", name, listedBy: "evolution.registered", path: "/target", suggestions });

/** The domain of a subject by its name or by the digest of its body. What judges a subject is no subject. */
const resolved = (target: string): Effect.Effect<string, ModifyFailure, Proposals> =>
  Effect.gen(function* () {
    yield* attempting(() => checkedTarget(target));
    const domains = yield* subjectDomains;
    if (!isDigest(target)) {
      if (domains.includes(target)) return target;
      const suggestions = nearest(target, domains, 3);
      return yield* Effect.fail(
        unknownSubject(target, suggestions),
      );
    }
    for (const domain of domains) {
      const { subject } = yield* subjectIn(domain);
      if (subject === undefined) continue;
      const { rules, current } = subject;
      if (current.body === target) return domain;
      const guards: ReadonlyArray<readonly [Digest | undefined, string]> = [
        [rules.suite, `the suite that judges ${domain}`],
        [rules.reader, `the module by which ${domain} is judged`],
        [current.evidence, `evidence on ${domain}`],
      ];
      const hit = guards.find(([digest]) => digest === target);
      if (hit !== undefined) {
        return yield* Effect.fail(protectedTarget({ target, guards: hit[1], path: "/target", actual: target }));
      }
    }
    return yield* Effect.fail(
      unknownSubject(target, []),
    );
  });

const stored = (kind: SubjectKind, body: Body, target: string) =>
  Effect.flatMap(Artifacts, (store) =>
    store.put(bodyBytes(body), {
      kind: "program",
      media: BODY_MEDIA[kind],
      description: `A version of ${target}`,
      references: [],
      tags: ["evolution"],
      metrics: {},
    }));

/** Keeps what a trial found, and answers the witness of it. */
const witnessed = (target: string, body: Digest, { reader }: Rules, trial: Trial) =>
  Effect.gen(function* () {
    const { score, seen, held } = trial.after;
    const said = { format: 1, target, body, ...trial } as unknown as Json;
    const { digest } = yield* (yield* Artifacts).put(new TextEncoder().encode(canonicalJson(said)), {
      kind: "evidence",
      media: TRIAL_MEDIA,
      description: `What was found of a version of ${target}`,
      references: [body, ...(reader === undefined ? [] : [reader])],
      tags: ["evolution"],
      metrics: { score, heldPassed: held.passed, seenPassed: seen.passed, cases: held.total + seen.total },
    });
    const summary = trial.ok
      ? `${held.passed} of ${held.total} held-back and ${seen.passed} of ${seen.total} seen cases passed`
      : `not good enough: ${trial.reasons.join(", ")}`;
    const evidence: Evidence = {
      source: "benchmark",
      result: trial.ok ? "measure" : "fail",
      digest,
      summary,
      metric: "score",
      value: score,
    };
    return evidence;
  });

const versionOf = (
  target: string,
  body: Body,
  digest: Digest,
  { after: { score, seen, held } }: Trial,
  evidence: Digest,
  more: Pick<Version, "parent" | "edit">,
) =>
  Effect.map(Effect.flatMap(Proposals, (proposals) => proposals.list), (records): Version => ({
    body: digest,
    version: Math.max(0, ...subjectVersions(records, target).map(({ version }) => version)) + 1,
    bytes: bodyBytes(body).length,
    score,
    seen,
    held,
    evidence,
    ...more,
  }));

/** A post-check's word on an applied change: the reason why it cannot stay. */
const unheld = (target: string): Effect.Effect<string | undefined, ModifyFailure, Modifies> =>
  Effect.gen(function* () {
    const { subject } = yield* subjectIn(target);
    if (subject === undefined) return "SUBJECT_ABSENT";
    const { rules, current } = subject;
    const found = yield* Effect.result(
      Effect.gen(function* () {
        return yield* tryBody(rules, yield* readSuite(rules), yield* readBody(rules, current.body), undefined);
      }),
    );
    if (found._tag === "Failure") return `POST_CHECK_${found.failure.code}`;
    const { after } = found.success;
    if (after.failed !== undefined) return `POST_CHECK_${after.failed.code}`;
    return after.score < current.score ? "POST_CHECK_WORSE" : undefined;
  });

/** Looks at an applied change once more, and undoes it where it does not hold what its evidence says. */
export const holding = (admitted: Admitted): Effect.Effect<Admitted, ModifyFailure, Modifies> =>
  Effect.gen(function* () {
    if (admitted.state !== "applied") return admitted;
    const reason = yield* unheld(admitted.domain);
    if (reason === undefined) return admitted;
    const record = yield* (yield* Proposals).rollback(admitted.proposal, EVALUATOR);
    return { ...yield* standing(record), reasons: [reason] };
  });

/** What a subject is made of when it is registered. */
export interface Registering {
  /** Its name: the domain is `programs.` or `settings.` and this. */
  readonly name: string;
  /** The first body. */
  readonly body: Body;
  /** The cases that judge it. */
  readonly suite: Suite;
  /** Settings: the text of the module that reads them, and what each may be. */
  readonly settings?: { readonly reader: string; readonly space: Json };
}

/** Registers a subject with its suite: tried, proposed, and applied where approved. */
export const registerSubject = (
  { name, body, suite, settings }: Registering,
): Effect.Effect<Modified, ModifyFailure, Modifies> =>
  Effect.gen(function* () {
    const target = `${body.kind === "settings" ? "settings" : "programs"}.${name}`;
    yield* attempting(() => checkedTarget(target, "/name"));
    const checked = yield* attempting(() => checkedSuite(suite));
    const { digest, subject } = yield* subjectIn(target);
    if (subject !== undefined) {
      const reason = `it is registered, as version ${subject.current.version}; evolution.modify changes it`;
      return yield* Effect.fail(unfitChange({ what: target, reason, path: "/name" }));
    }
    const kept = yield* (yield* Ledger).putBlob(suiteBytes(checked), { private: true });
    const reader = settings === undefined
      ? undefined
      : (yield* stored("module", { kind: "module", text: settings.reader }, target)).digest;
    const rules: Rules = {
      kind: body.kind,
      suite: kept,
      ...(reader === undefined ? {} : { reader, space: settings!.space }),
    };
    const info = yield* stored(body.kind, body, target);
    const trial = yield* tryBody(rules, checked, body, undefined);
    const evidence = yield* witnessed(target, info.digest, rules, trial);
    const current = yield* versionOf(target, body, info.digest, trial, evidence.digest, {
      parent: null,
      edit: "registered",
    });
    const draft = subjectDraft(target, digest, {
      summary: `Register ${target}: ${evidence.summary}`,
      current,
      rules,
      bound: trial.after.score,
    });
    const admitted = yield* holding(yield* admitting(draft, [evidence]));
    yield* keeping(admitted, evidence.digest);
    return { ...admitted, version: current.version, body: info.digest, trial };
  });

/** Changes a subject by an edit: tried beside the one in place, proposed with what was found, applied where approved. */
export const modifySubject = (
  { target: given, edit, reason }: { readonly target: string; readonly edit: BodyEdit; readonly reason: string },
): Effect.Effect<Modified, ModifyFailure, Modifies> =>
  Effect.gen(function* () {
    const target = yield* resolved(given);
    const { digest, subject } = yield* subjectIn(target);
    if (subject === undefined) {
      const why = "it is not registered (any more)";
      return yield* Effect.fail(unfitChange({ what: target, reason: why, path: "/target" }));
    }
    const { rules, current: before } = subject;
    const body = yield* readBody(rules, before.body);
    const made = yield* attempting(() => editBody(body, edit, rules.space));
    const info = yield* stored(rules.kind, made, target);
    const trial = yield* tryBody(rules, yield* readSuite(rules), made, body);
    const evidence = yield* witnessed(target, info.digest, rules, trial);
    const current = yield* versionOf(target, made, info.digest, trial, evidence.digest, {
      parent: before.body,
      edit: `${edit.kind}: ${reason}`.slice(0, 200),
    });
    const draft = subjectDraft(target, digest, {
      summary: `${edit.kind} ${target}: ${reason}; ${evidence.summary}`,
      current,
      bound: before.score,
    });
    const admitted = yield* holding(yield* admitting(draft, [evidence]));
    yield* keeping(admitted, evidence.digest);
    return { ...admitted, version: current.version, body: info.digest, trial };
  });

const isSame = (found: Tally, said: Tally): boolean => found.passed === said.passed && found.total === said.total;

/** Whether a trial found what a version says of itself. */
const bearsOut = ({ after }: Trial, { score, seen, held }: Claims): boolean =>
  after.score === score && isSame(after.seen, seen) && isSame(after.held, held);

/** Tries a stored body of a subject: what the gate asks again before a change is admitted. */
export const trySubject = (
  { target: given, body, rules: first, claims }: {
    readonly target: string;
    readonly body: Digest;
    readonly rules?: Rules;
    readonly claims?: Claims;
  },
): Effect.Effect<Trial, ModifyFailure, Tries | Proposals> =>
  Effect.gen(function* () {
    const target = yield* attempting(() => checkedTarget(given));
    const { subject } = yield* subjectIn(target);
    const rules = subject?.rules ?? first;
    if (rules === undefined) {
      const reason = "it is not registered, and no rules are given to try it by";
      return yield* Effect.fail(unfitChange({ what: target, reason, path: "/target" }));
    }
    const before = subject === undefined ? undefined : yield* readBody(rules, subject.current.body);
    const trial = yield* tryBody(rules, yield* readSuite(rules), yield* readBody(rules, body), before);
    return claims === undefined || bearsOut(trial, claims)
      ? trial
      : { ...trial, ok: false, reasons: [...trial.reasons, "CLAIMS_OTHER"] };
  });

/** A registered subject with its versions. */
export interface Listed {
  /** Its domain. */
  readonly target: string;
  /** Identity of its document. */
  readonly digest: Digest;
  /** What it is now; absent where it was taken back. */
  readonly subject?: Subject;
  /** Every change that was ever proposed, oldest first. */
  readonly changes: ReadonlyArray<{ readonly proposal: Digest; readonly state: string; readonly summary: string }>;
}

/** All subjects. */
export const listSubjects: Effect.Effect<ReadonlyArray<Listed>, ModifyFailure, Proposals> = Effect.gen(function* () {
  const records = yield* (yield* Proposals).list;
  return yield* Effect.forEach(
    yield* subjectDomains,
    (target) =>
      Effect.map(subjectIn(target), ({ digest, subject }): Listed => ({
        target,
        digest,
        ...(subject === undefined ? {} : { subject }),
        changes: records
          .filter(({ proposal }) => proposal.domain === target)
          .map(({ proposal, state }) => ({ proposal: proposal.id, state, summary: proposal.summary })),
      })),
  );
});
