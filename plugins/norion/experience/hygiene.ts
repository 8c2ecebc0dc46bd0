/**
 * Hygiene: what is wrong with the lessons of experience, how good the whole index is, and which edits would mend it.
 *
 * Not the mending (service.ts appends the edits). Invariant: pure; mending what was mended changes nothing; an edit says
 * what stood before.
 *
 * @module
 */
import { centralSentence } from "../memory/gist.ts";
import { isTranscript } from "../memory/hygiene.ts";
import { type Policy, unit } from "../policy.ts";
import type { ExperienceRecord } from "../state/experience.ts";
import { contentTerms, jaccard, termsOf } from "../text.ts";
import { shareOf } from "./bilingual.ts";

/** What can be wrong with a lesson. */
export const NOISES = ["transcript", "control-header", "backend-error", "metadata", "over-long", "duplicate"] as const;

/** What is wrong with a lesson. */
export type Noise = typeof NOISES[number];

/** A record with its texts. */
export interface Lesson {
  /** The record. */
  readonly record: ExperienceRecord;
  /** The words its prompt was about. */
  readonly topic: string;
  /** Its lesson; empty for none. */
  readonly lesson: string;
}

const HEADER = /^\s*\[(?:norion|control|route|plan)\b[^\]\n]*=[^\]\n]*\]/imu;
const BACKEND =
  /\b(?:HTTP(?:\/\d\.\d)? [45]\d\d|rate limit(?:ed| exceeded)?|too many requests|connection (?:refused|reset)|ECONNREFUSED|ETIMEDOUT|upstream (?:error|timed out)|internal server error|model (?:is )?overloaded|context length exceeded|Traceback \(most recent call last\))/iu;
const PAIR = /^[\w.-]+[=:][^\s]+$|^(?:sha256:)?[0-9a-f]{8,}$/iu;
const FIGURE = /^[\d.,%]+$/u;
const METADATA_SHARE = 0.6;

/** Mostly figures with their names, or digests; figures without names are somebody's arithmetic. */
const isMetadata = (text: string): boolean => {
  const words = text.split(/\s+/u).filter((word) => word !== "");
  const pairs = words.filter((word) => PAIR.test(word)).length;
  const figures = words.filter((word) => FIGURE.test(word)).length;
  return pairs > 0 && pairs + figures >= METADATA_SHARE * words.length;
};

/**
 * Every noise of a single text: how much it harms the index, what it caps quality at, and when it is there. A transcript
 * is noise unless it is what the task was about.
 */
const SIGNS: {
  readonly [N in Exclude<Noise, "duplicate">]: {
    readonly harm: number;
    readonly cap: number;
    readonly sees: (text: string, topic: string, policy: Policy) => boolean;
  };
} = {
  transcript: {
    harm: 0.5,
    cap: 0.05,
    sees: (text, topic, policy) =>
      isTranscript(text) && shareOf(contentTerms(topic), contentTerms(text)) < policy["experience.aboutTask"],
  },
  "control-header": { harm: 0.5, cap: 0.05, sees: (text) => HEADER.test(text) },
  "backend-error": { harm: 0.35, cap: 0.62, sees: (text) => BACKEND.test(text) },
  metadata: { harm: 0.25, cap: 1, sees: isMetadata },
  "over-long": { harm: 0.15, cap: 1, sees: (text, _, policy) => text.length > policy["experience.overlong"] },
};

const DUPLICATE_HARM = 0.15;
const DUPLICATE_CAP = 0.72;

const SINGLE = Object.keys(SIGNS) as ReadonlyArray<keyof typeof SIGNS>;

/** What is wrong with one text that came of a task about some topic. */
export const noiseOf = (text: string, topic: string, policy: Policy): ReadonlyArray<Exclude<Noise, "duplicate">> =>
  SINGLE.filter((noise) => SIGNS[noise].sees(text, topic, policy));

const harmOf = (noise: Noise): number => noise === "duplicate" ? DUPLICATE_HARM : SIGNS[noise].harm;

/** What quality may be at most with some noise. */
export const capOf = (noises: ReadonlyArray<string>): number =>
  Math.min(
    1,
    ...noises.map((noise) =>
      noise === "duplicate" ? DUPLICATE_CAP : Object.hasOwn(SIGNS, noise) ? SIGNS[noise as keyof typeof SIGNS].cap : 1
    ),
  );

const SPOILT: ReadonlySet<string> = new Set<Noise>(["transcript", "control-header", "backend-error"]);

/** Whether a text with some noise is of no use to anybody. */
export const isSpoilt = (noise: string): boolean => SPOILT.has(noise);

/** How risky an index is. */
export type Risk = "clean" | "watch" | "degraded" | "blocked";

/** What an audit finds. */
export interface Audit {
  /** Records that are used. */
  readonly records: number;
  /** Index quality, 0..1. */
  readonly quality: number;
  /** How risky it is to recall from it. */
  readonly risk: Risk;
  /** Noises by record, only where there are any. */
  readonly noisy: ReadonlyArray<{ readonly request: string; readonly noises: ReadonlyArray<Noise> }>;
  /** Records set aside. */
  readonly quarantined: number;
}

/** The risk of an index quality. */
export const riskOf = (quality: number, policy: Policy): Risk => {
  if (quality >= policy["experience.clean"]) return "clean";
  if (quality >= policy["experience.watch"]) return "watch";
  return quality >= policy["experience.degraded"] ? "degraded" : "blocked";
};

const isUsed = ({ record }: Lesson): boolean => record.status === "kept" && record.duplicateOf === null;

const duplicates = (used: ReadonlyArray<Lesson>, policy: Policy): ReadonlyMap<string, string> => {
  const known: Array<{ readonly request: string; readonly key: string; readonly terms: ReadonlySet<string> }> = [];
  const found = new Map<string, string>();
  for (const { record, topic, lesson } of used) {
    if (lesson === "") continue;
    const key = `${record.scope} ${record.profile}`;
    const terms = new Set(termsOf(`${topic} ${lesson}`));
    const same = known.find((one) => one.key === key && jaccard(one.terms, terms) >= policy["memory.duplicate"]);
    if (same === undefined) known.push({ request: record.request, key, terms });
    else found.set(record.request, same.request);
  }
  return found;
};

/** Looks an index over; records that are set aside or stand for nothing of their own are not part of it. */
export const audit = (lessons: ReadonlyArray<Lesson>, policy: Policy): Audit => {
  const used = lessons.filter(isUsed);
  const doubled = duplicates(used, policy);
  const noisy = used.map(({ record, topic, lesson }) => ({
    request: record.request,
    noises: [
      ...(lesson === "" ? [] : noiseOf(lesson, topic, policy)),
      ...(doubled.has(record.request) ? ["duplicate" as const] : []),
    ],
  })).filter(({ noises }) => noises.length > 0);
  const share = (counts: (noises: ReadonlyArray<Noise>) => boolean): number =>
    used.length === 0 ? 0 : noisy.filter(({ noises }) => counts(noises)).length / used.length;
  const most = Math.max(0, ...noisy.flatMap(({ noises }) => noises.map(harmOf)));
  const quality = unit(
    1 - most - 0.35 * share((noises) => noises.some((noise) => noise !== "duplicate")) -
      0.25 * share((noises) => noises.includes("duplicate")) - 0.12 * share((noises) => noises.includes("over-long")),
  );
  return {
    records: used.length,
    quality,
    risk: riskOf(quality, policy),
    noisy,
    quarantined: lessons.filter(({ record }) => record.status === "quarantined").length,
  };
};

/** An edit with the lesson it would write, where it writes one. */
export interface Mending {
  /** Which record. */
  readonly request: string;
  /** What is done. */
  readonly action: "forget" | "quarantine" | "refer" | "shorten" | "clear" | "mark";
  /** Why. */
  readonly because: string;
  /** What is changed besides the lesson. */
  readonly after: Partial<Pick<ExperienceRecord, "status" | "mark" | "duplicateOf">>;
  /** The lesson to write; empty for none; absent where it stays. */
  readonly lesson?: string;
}

/** The mark that a record's own figures call for. */
export const markOf = (
  record: Pick<ExperienceRecord, "drift" | "reinforcement" | "issues" | "contradictions">,
): "reuse" | "revise" =>
  (record.drift === "stable" || record.drift === "watch") && record.reinforcement !== "penalise" &&
    record.issues.critical === 0 && record.contradictions === 0
    ? "reuse"
    : "revise";

/** The edit that takes a record out of use whose memories were taken back, and its lesson with them. */
export const forgetting = ({ record: { request } }: Lesson): Mending => ({
  request,
  action: "forget",
  because: "what it rests on was taken back",
  after: { status: "quarantined" },
  lesson: "",
});

/** The edits that would mend an index: one a record, the gravest first. */
export const mendings = (lessons: ReadonlyArray<Lesson>, policy: Policy): ReadonlyArray<Mending> => {
  const used = lessons.filter(isUsed);
  const doubled = duplicates(used, policy);
  return used.flatMap(({ record, topic, lesson }): ReadonlyArray<Mending> => {
    const { request } = record;
    const noises = lesson === "" ? [] : noiseOf(lesson, topic, policy);
    const spoilt = noises.find(isSpoilt);
    if (spoilt !== undefined) {
      return [{ request, action: "quarantine", because: spoilt, after: { status: "quarantined" } }];
    }
    const original = doubled.get(request);
    if (original !== undefined) {
      return [{ request, action: "refer", because: "duplicate", after: { duplicateOf: original } }];
    }
    if (noises.includes("metadata")) {
      return [{ request, action: "clear", because: "metadata", after: {}, lesson: "" }];
    }
    if (noises.includes("over-long")) {
      const short = centralSentence(lesson, policy["experience.lesson"]);
      return [{ request, action: "shorten", because: "over-long", after: {}, lesson: short }];
    }
    const mark = markOf(record);
    return mark === record.mark ? [] : [{ request, action: "mark", because: `it is to ${mark}`, after: { mark } }];
  });
};

/** The index as it would be with some edits. */
export const mended = (lessons: ReadonlyArray<Lesson>, edits: ReadonlyArray<Mending>): ReadonlyArray<Lesson> => {
  const byRequest = new Map(edits.map((edit) => [edit.request, edit]));
  return lessons.map((one) => {
    const edit = byRequest.get(one.record.request);
    return edit === undefined
      ? one
      : { ...one, lesson: edit.lesson ?? one.lesson, record: { ...one.record, ...edit.after } };
  });
};
