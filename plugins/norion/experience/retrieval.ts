/**
 * Retrieval: which records of experience are worth a look for a prompt, best first, and what is shown of them.
 *
 * Not memory (memory/recall.ts): a record says how a task went, not what is true.
 * Invariant: quarantined records and duplicates are never offered; what is shown is a lesson or the words of a topic,
 * never figures about a run.
 *
 * @module
 */
import { type Policy, unit } from "../policy.ts";
import type { Profile } from "../profile.ts";
import type { Candidate } from "../router.ts";
import { cosine, vectorOf } from "../text.ts";
import { sharedTerms, shareOf, withEnglish } from "./bilingual.ts";
import { type Lesson, noiseOf } from "./hygiene.ts";

/** A record that was found. */
export interface Found extends Lesson {
  /** What it is ranked by. */
  readonly score: number;
  /** Likeness of prompt and record. */
  readonly overlap: number;
  /** What is shown of it. */
  readonly hint: string;
}

/** What a record is lowered by that has too few of a task's words: the seed's three steps. */
const ANCHORS: ReadonlyArray<readonly [below: number, penalty: number]> = [[Number.MIN_VALUE, 0.56], [0.34, 0.26], [
  0.67,
  0.04,
]];

const anchorPenalty = (share: number): number => ANCHORS.find(([below]) => share < below)?.[1] ?? 0;

const NOISE_PENALTY = 0.24;

/** What is shown of a record: its lesson, or the words it was about where the lesson is only figures. */
export const hintOf = ({ record, topic, lesson }: Lesson, policy: Policy): string => {
  const useful = lesson !== "" && noiseOf(lesson, topic, policy).length === 0;
  return useful ? `${record.mark === "reuse" ? "Worked" : "Did not work"}: ${lesson}` : topic;
};

/** A record made ready to be searched, once. */
export interface Indexed extends Lesson {
  /** Its words by spelling. */
  readonly vector: Float32Array;
  /** Its words. */
  readonly terms: ReadonlySet<string>;
  /** The words it was about. */
  readonly topicTerms: ReadonlySet<string>;
}

/** Makes a record ready to be searched. */
export const indexed = (one: Lesson): Indexed => {
  const text = `${one.topic} ${one.lesson}`;
  return {
    ...one,
    vector: vectorOf(withEnglish(text)),
    terms: sharedTerms(text),
    topicTerms: sharedTerms(one.topic),
  };
};

const scored = (one: Indexed, asked: Asked, policy: Policy): Found => {
  const { record, lesson, topic } = one;
  const overlap = unit(cosine(one.vector, asked.vector));
  const about = shareOf(asked.terms, one.topicTerms) >= policy["experience.aboutTask"] ? 1 : 0;
  const noise = noiseOf(lesson, asked.prompt, policy).length > 0 ? NOISE_PENALTY : 0;
  const { info, warning, critical } = record.issues;
  const score = 0.52 * overlap + 0.36 * record.quality / 1000 + (record.profile === asked.profile ? 0.16 : 0) +
    0.08 * about + 0.08 * record.reward / 1000 - noise - anchorPenalty(shareOf(asked.terms, one.terms)) -
    Math.min(0.08 * record.contradictions, 0.32) - 0.01 * info - 0.02 * warning - 0.06 * critical;
  return { record, topic, lesson, overlap, score, hint: hintOf(one, policy) };
};

interface Asked {
  readonly prompt: string;
  readonly profile: Profile;
  readonly vector: Float32Array;
  readonly terms: ReadonlySet<string>;
}

/** The records worth a look, best first. */
export const search = (
  records: ReadonlyArray<Indexed>,
  prompt: string,
  profile: Profile,
  policy: Policy,
): ReadonlyArray<Found> => {
  const asked: Asked = { prompt, profile, vector: vectorOf(withEnglish(prompt)), terms: sharedTerms(prompt) };
  return records.filter(({ record }) => record.status === "kept" && record.duplicateOf === null)
    .map((one) => scored(one, asked, policy))
    .filter(({ score, hint }) => score >= policy["experience.least"] && hint !== "")
    .toSorted((a, b) => b.score - a.score || (a.record.request < b.record.request ? -1 : 1))
    .slice(0, policy["experience.recall"]);
};

/** How far a record is trusted. */
const TRUST = 0.8;

/** How ids of context begin that are records. */
export const EXPERIENCE = "experience:";

/** A found record as a piece of context. */
export const candidateOf = ({ record, overlap, hint }: Found): Candidate => ({
  id: `${EXPERIENCE}${record.request}`,
  source: "experience",
  text: hint,
  similarity: overlap,
  trust: TRUST,
  recency: 1,
  reward: record.reward / 1000,
  anchor: false,
});
