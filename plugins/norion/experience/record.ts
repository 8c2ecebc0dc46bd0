/**
 * Record: the experience of one settled request, as the event that keeps it.
 *
 * Not a transcript. Invariant: no prompt and no answer enters a record: of the one it has its words, of the other one
 * sentence, both redacted; of a transcript that was pasted in, and of an answer with a danger in it, nothing.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { EventDraft, LedgerFailure, LedgerShape } from "../../../effects/mod.ts";
import { type Digest, digestJson } from "../../../kernel/mod.ts";
import type { Plan } from "../plan.ts";
import { milli, type Policy } from "../policy.ts";
import type { Conclusion, Review } from "../review/review.ts";
import type { Statement } from "../review/evidence.ts";
import { evidenceDigest, type Given } from "../state/evidence.ts";
import { type RecordData, recordedEvent } from "../state/experience.ts";
import { capOf, isSpoilt, markOf, noiseOf } from "./hygiene.ts";
import { lessonOf, packed, topicOf } from "./texts.ts";

/** A request that was settled. */
export interface Experienced {
  /** Its id. */
  readonly request: string;
  /** Whose it is, as a keyed digest. */
  readonly scope: Digest;
  /** The prompt. */
  readonly prompt: string;
  /** The prompt, as a keyed digest. */
  readonly promptDigest: Digest;
  /** The answer. */
  readonly answer: string;
  /** What was planned. */
  readonly plan: Plan;
  /** What is known of the answer. */
  readonly review: Review;
  /** What was decided on it. */
  readonly conclusion: Conclusion;
  /** Memories that came along. */
  readonly used: ReadonlyArray<string>;
  /** Memories it added. */
  readonly stored: ReadonlyArray<string>;
  /** Whether an edited gene was on trial. */
  readonly probation: boolean;
}

/** What learned state was moved under: the evidence and the policy. The same key never moves it again. */
export const appliedKey = (evidence: Digest, policy: Policy): string =>
  digestJson([evidence, policy as never]).slice("sha256:".length, "sha256:".length + 32);

const count = (review: Review, severity: string): number =>
  review.issues.filter((issue) => issue.severity === severity).length;

const asGiven = ({ given }: Review): ReadonlyArray<Pick<Given, "statement" | "witness">> =>
  given.map(({ statement, witness }): { readonly statement: Statement; readonly witness: string } => ({
    statement,
    witness,
  }));

/** The event that records a settled request; its texts are stored, as private blobs, before it is appended. */
export const experienceEvent = (
  ledger: Pick<LedgerShape, "putBlob">,
  done: Experienced,
  policy: Policy,
  actor: string,
): Effect.Effect<EventDraft, LedgerFailure> =>
  Effect.gen(function* () {
    const { plan, review, conclusion, prompt, answer } = done;
    const topic = topicOf(prompt, policy);
    const noise = noiseOf(answer, topic, policy).filter(isSpoilt);
    const lesson = noise.length > 0 || conclusion.dangers.length > 0 ? "" : lessonOf(answer, policy);
    const store = (kind: "topic" | "lesson", text: string) =>
      ledger.putBlob(packed(done.request, kind, text), { private: true });
    const issues = {
      info: count(review, "info"),
      warning: count(review, "warning"),
      critical: count(review, "critical"),
    };
    const judged = {
      drift: conclusion.drift,
      reinforcement: conclusion.reward.verdict,
      issues,
      contradictions: review.contradictions,
    };
    const record: RecordData = {
      request: done.request,
      scope: done.scope,
      profile: plan.profile,
      mode: plan.mode,
      prompt: done.promptDigest,
      topic: yield* store("topic", topic),
      quality: milli(Math.min(conclusion.quality, capOf(noise))),
      proven: conclusion.proven,
      ...judged,
      reward: milli(conclusion.reward.total),
      used: done.used,
      stored: done.stored,
      noise,
      recursive: !plan.schedule.single,
      probation: done.probation,
      pressure: milli(plan.device.pressure),
      status: "kept",
      mark: markOf(judged),
      lesson: lesson === "" ? null : yield* store("lesson", lesson),
      duplicateOf: null,
      ...(conclusion.lesson === undefined ? {} : { learned: appliedKey(evidenceDigest(asGiven(review)), policy) }),
    };
    return recordedEvent(record, actor);
  });
