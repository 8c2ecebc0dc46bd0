/**
 * Settling: everything that a request leaves behind, as the events of one append.
 *
 * Not the decision (review/review.ts). Invariant: what is written and what is called held come from the one table of the
 * conclusion; all events of a settled request are appended together, or none.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { EventDraft } from "../../effects/mod.ts";
import type { Digest } from "../../kernel/mod.ts";
import { gistsOf } from "./memory/gist.ts";
import type { Memory, MemoryFailure } from "./memory/service.ts";
import { milli, type Policy } from "./policy.ts";
import type { Profile } from "./profile.ts";
import type { Conclusion, Review, WriteKind } from "./review/review.ts";
import { WRITES } from "./review/review.ts";
import { cusumData, lessonData } from "./state/adaptive.ts";
import { evidenceEvent } from "./state/evidence.ts";
import { chainData, type SettledData, settledEvent, sourceOf } from "./state/requests.ts";

/** A request whose answer was judged. */
export interface Judged {
  /** Its id. */
  readonly request: string;
  /** Whose memory it sees, as a text. */
  readonly scope: string;
  /** The same, as it is stored. */
  readonly scopeDigest: Digest;
  /** Its kind of work. */
  readonly profile: Profile;
  /** Genes that spoke. */
  readonly genes: ReadonlyArray<string>;
  /** What was answered, redacted. */
  readonly answer: string;
  /** What is known of the answer. */
  readonly review: Review;
  /** What was decided on it. */
  readonly conclusion: Conclusion;
}

/** What a request leaves behind. */
export interface Settled {
  /** The events, to be appended together. */
  readonly events: ReadonlyArray<EventDraft>;
  /** What came of it, as its event says. */
  readonly data: SettledData;
}

/** What of an answer is worth remembering at some quality: gists that matter enough. */
export const memorable = (answer: string, quality: number, policy: Policy): ReadonlyArray<string> =>
  gistsOf(answer, quality, policy)
    .filter(({ importance }) => importance >= milli(policy["memory.gistImportance"]))
    .map(({ text }) => text);

/** Why writes were held, as `<write>:<reason>`. */
export const reasonsOf = ({ held }: Conclusion): ReadonlyArray<string> =>
  WRITES.flatMap((write: WriteKind) => held[write].map((reason) => `${write}:${reason}`));

/** What a judged request leaves behind. */
export const settling = (
  judged: Judged,
  memory: Pick<Memory, "draft" | "judgement">,
  policy: Policy,
  actor: string,
): Effect.Effect<Settled, MemoryFailure> =>
  Effect.gen(function* () {
    const { request, scope, scopeDigest, profile, genes, review, conclusion } = judged;
    const { held, helped, misled, lesson } = conclusion;
    const gists = held.memory.length === 0 ? memorable(judged.answer, conclusion.quality, policy) : [];
    const kept = yield* Effect.forEach(gists, (text) =>
      memory.draft(
        {
          scope,
          text,
          namespace: "gist",
          source: sourceOf(request),
          standing: "validator",
          usefulness: conclusion.quality,
        },
        actor,
      ));
    const added = kept.filter(({ answer }) => !answer.known);
    const marks = [[helped, true], [misled, false]] as const;
    const judgements = yield* Effect.forEach(
      marks.filter(([ids]) => ids.length > 0),
      ([ids, isHelp]) => memory.judgement(ids, { scope, helped: isHelp }, actor),
    );
    const reasons = reasonsOf(conclusion);
    const wrote = added.length > 0 || judgements.length > 0 || lesson !== undefined;
    const data: SettledData = {
      request,
      profile,
      quality: milli(conclusion.quality),
      proven: conclusion.proven,
      drift: conclusion.drift,
      reward: milli(conclusion.reward.total),
      reinforcement: conclusion.reward.verdict,
      missing: review.missing,
      ...(review.silent.length === 0 ? {} : { silent: review.silent }),
      decision: wrote ? "stored" : reasons.length > 0 ? "held" : "nothing",
      reasons,
      stored: added.map(({ answer }) => answer.id),
      helped,
      misled,
      ...(lesson === undefined ? {} : { lesson: lessonData(lesson.router, lesson.hierarchy) }),
      cusum: cusumData(conclusion.cusum),
      ...(review.chain === undefined ? {} : { chain: chainData(review.chain) }),
    };
    const about = { request, scope: scopeDigest, profile, genes };
    return {
      events: [
        ...review.given.map(({ statement, witness }) => evidenceEvent(about, statement, witness, actor)),
        ...added.flatMap(({ events }) => events),
        ...judgements,
        settledEvent(data, actor),
      ],
      data,
    };
  });
