/**
 * Experience state: what was tried and how it was judged, one record a request, as a fold of the ledger's
 * `norion.experience` events.
 *
 * Not prompts and answers: a record has the words a prompt was about and one sentence of the answer, redacted, as private
 * blobs, and a keyed digest of the prompt.
 * Invariant: nothing is overwritten unseen: every edit says what stood before and is refused where something else does, so
 * that each can be undone; an item is replayed once for each evidence and policy.
 *
 * @module
 */
import type { EventDraft, Fold, LedgerEvent } from "../../../effects/mod.ts";
import type { Digest, Json, JsonObject } from "../../../kernel/mod.ts";
import type { Mode, Profile } from "../profile.ts";
import type { DriftVerdict } from "../review/drift.ts";
import type { RewardVerdict } from "../review/reward.ts";
import type { LessonData } from "./adaptive.ts";
import { type Buckets, find, items, put } from "./buckets.ts";

/** Types of the events. */
export const EXPERIENCE_EVENTS = {
  recorded: "norion.experience.recorded",
  edited: "norion.experience.edited",
  replayed: "norion.experience.replayed",
} as const;

/** What repair and quarantine may change of a record. */
export interface Editable {
  /** Whether it is used: a quarantined record is neither recalled nor replayed. */
  readonly status: "kept" | "quarantined";
  /** Whether it worked and may be done again, or should be done otherwise. */
  readonly mark: "reuse" | "revise";
  /** Where its lesson lies; null for none. */
  readonly lesson: Digest | null;
  /** The record that says the same; null for none. */
  readonly duplicateOf: string | null;
}

/** A record as it is stored. Shares are whole thousandths. */
export interface RecordData extends Editable {
  /** The request it is of; its id. */
  readonly request: string;
  /** Whose it is, as a keyed digest. */
  readonly scope: Digest;
  /** Kind of work. */
  readonly profile: Profile;
  /** Finer kind of work. */
  readonly mode: Mode;
  /** The prompt, as a keyed digest. */
  readonly prompt: Digest;
  /** Where the words lie that it was about. */
  readonly topic: Digest;
  /** How good it was. */
  readonly quality: number;
  /** Whether anybody from outside said so. */
  readonly proven: boolean;
  /** Contradictions found. */
  readonly contradictions: number;
  /** Issues by severity. */
  readonly issues: { readonly info: number; readonly warning: number; readonly critical: number };
  /** How things stood. */
  readonly drift: DriftVerdict;
  /** The reward. */
  readonly reward: number;
  /** What it called for. */
  readonly reinforcement: RewardVerdict;
  /** Memories that came along. */
  readonly used: ReadonlyArray<string>;
  /** Memories it added. */
  readonly stored: ReadonlyArray<string>;
  /** What was wrong with its texts. */
  readonly noise: ReadonlyArray<string>;
  /** Whether it was read in parts. */
  readonly recursive: boolean;
  /** Whether an edited gene was on trial. */
  readonly probation: boolean;
  /** How busy the device was. */
  readonly pressure: number;
  /** Under which evidence and policy learned state moved by it at once; absent where it did not. */
  readonly learned?: string;
}

/** A record with its history. */
export interface ExperienceRecord extends RecordData {
  /** Step at which it was recorded. */
  readonly born: number;
  /** Evidence and policies under which it was applied to learned state. */
  readonly applied: ReadonlyArray<string>;
}

/** Every record. */
export type ExperienceState = Buckets<ExperienceRecord>;

/** A change of one record. */
export interface RecordEdit {
  /** Which record. */
  readonly request: string;
  /** What stands. */
  readonly before: Partial<Editable>;
  /** What shall stand. */
  readonly after: Partial<Editable>;
}

/** What one replay applied. */
export interface ReplayedData {
  /** Items, in order. */
  readonly items: ReadonlyArray<{
    readonly request: string;
    /** Under which evidence and policy. */
    readonly key: string;
    readonly verdict: RewardVerdict;
  }>;
  /** What profiles have learned by it. */
  readonly lessons: ReadonlyArray<{ readonly profile: Profile; readonly lesson: LessonData }>;
}

/** The record of a request. */
export const experienceOf = (state: ExperienceState, request: string): ExperienceRecord | undefined =>
  find(state, request);

/** Every record in the order of their steps; of one scope where told. */
export const experiencesOf = (state: ExperienceState, scope?: Digest): ReadonlyArray<ExperienceRecord> =>
  items(state).filter((one) => scope === undefined || one.scope === scope)
    .toSorted((a, b) => a.born - b.born || (a.request < b.request ? -1 : 1));

const recorded = (state: ExperienceState, event: LedgerEvent, data: JsonObject): ExperienceState => {
  const record = data as unknown as RecordData;
  if (find(state, record.request) !== undefined) return state;
  const applied = record.learned === undefined ? [] : [record.learned];
  return put(state, record.request, { ...record, born: event.seq, applied });
};

const FIELDS = ["status", "mark", "lesson", "duplicateOf"] as const satisfies ReadonlyArray<keyof Editable>;

const edited = (state: ExperienceState, _event: LedgerEvent, data: JsonObject): ExperienceState =>
  (data.edits as unknown as ReadonlyArray<RecordEdit>).reduce((now, { request, before, after }) => {
    const record = find(now, request);
    if (record === undefined || record.scope !== data.scope) return now;
    const stands = FIELDS.every((field) => !Object.hasOwn(before, field) || before[field] === record[field]);
    return stands ? put(now, request, { ...record, ...after }) : now;
  }, state);

/** Most keys a record keeps; the oldest go first. */
const MOST_APPLIED = 32;

const replayed = (state: ExperienceState, _event: LedgerEvent, data: JsonObject): ExperienceState =>
  (data as unknown as ReplayedData).items.reduce((now, { request, key }) => {
    const record = find(now, request);
    if (record === undefined || record.applied.includes(key)) return now;
    return put(now, request, { ...record, applied: [...record.applied, key].slice(-MOST_APPLIED) });
  }, state);

const STEPS: {
  readonly [type: string]: (state: ExperienceState, event: LedgerEvent, data: JsonObject) => ExperienceState;
} = {
  [EXPERIENCE_EVENTS.recorded]: recorded,
  [EXPERIENCE_EVENTS.edited]: edited,
  [EXPERIENCE_EVENTS.replayed]: replayed,
};

/** The fold of experience. */
export const experienceFold: Fold<ExperienceState> = {
  name: "norion.experience",
  version: 1,
  initial: { buckets: {} },
  step: (state, event) =>
    Object.hasOwn(STEPS, event.type) ? STEPS[event.type](state, event, event.data as JsonObject) : state,
};

/** The event of a record. */
export const recordedEvent = (record: RecordData, actor: string): EventDraft => ({
  type: EXPERIENCE_EVENTS.recorded,
  actor,
  data: record as unknown as Json,
});

/** The event of some edits; `undoes` names the event whose edits these take back. */
export const editedEvent = (
  scope: Digest,
  edits: ReadonlyArray<RecordEdit>,
  reason: string,
  actor: string,
  undoes?: number,
): EventDraft => ({
  type: EXPERIENCE_EVENTS.edited,
  actor,
  data: { scope, edits, reason, ...(undoes === undefined ? {} : { undoes }) } as unknown as Json,
});

/** The event of a replay. */
export const replayedEvent = (data: ReplayedData, actor: string): EventDraft => ({
  type: EXPERIENCE_EVENTS.replayed,
  actor,
  data: data as unknown as Json,
});
