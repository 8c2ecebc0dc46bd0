/**
 * Experience service: what was tried in a scope: looked up, looked over, mended, judged by people, learned from again.
 *
 * Not a second store: records are the fold of `norion.experience` events, their texts private blobs.
 * Invariant: looking changes nothing; every change is one append; what is done twice is done once; another scope's
 * requests do not exist.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import { blobAbsent, type LedgerFailure, type LedgerShape } from "../../../effects/mod.ts";
import { type Digest, digestJson, type JsonObject } from "../../../kernel/mod.ts";
import { badRecord, type NorionFailure, unknownRequest } from "../failures.ts";
import { type Memory, type MemoryFailure, scopeDigest } from "../memory/service.ts";
import { milli, type Policy, unit } from "../policy.ts";
import type { Profile } from "../profile.ts";
import { weigh, type Weighed } from "../review/evidence.ts";
import type { Candidate } from "../router.ts";
import { adaptiveFold, lessonData } from "../state/adaptive.ts";
import { evidenceEvent, evidenceFold, type Given, statementsOn } from "../state/evidence.ts";
import {
  editedEvent,
  EXPERIENCE_EVENTS,
  experienceFold,
  experienceOf,
  type ExperienceRecord,
  experiencesOf,
  type RecordEdit,
  replayedEvent,
} from "../state/experience.ts";
import { itemOf, lives, memoryFold } from "../state/memory.ts";
import { requestFold, requestOf } from "../state/requests.ts";
import { type Audit, audit, capOf, forgetting, mended, type Mending, mendings } from "./hygiene.ts";
import { learnFrom, planReplay, type ReplayPlan, weighedNow } from "./replay.ts";
import { packed, unpacked } from "./texts.ts";
import { candidateOf, EXPERIENCE, type Found, type Indexed, indexed, search } from "./retrieval.ts";

/** Whatever can go wrong. */
export type ExperienceFailure = LedgerFailure | MemoryFailure | NorionFailure;

/** What a repair does, or would do. */
export interface Repair {
  /** The edits. */
  readonly edits: ReadonlyArray<Mending>;
  /** The index before. */
  readonly before: Audit;
  /** The index after. */
  readonly after: Audit;
  /** Event to undo it by; absent where nothing was written. */
  readonly event?: number;
}

/** What feedback changed. */
export interface Feedback {
  /** The request. */
  readonly request: string;
  /** Its kind of work. */
  readonly profile: Profile;
  /** What its evidence came to. */
  readonly before: Weighed;
  /** What it comes to now. */
  readonly after: Weighed;
  /** Memories that were judged by it. */
  readonly memories: ReadonlyArray<string>;
  /** Whether anything was written: the same again is nothing new. */
  readonly written: boolean;
}

/** What a replay did, or would do. */
export interface Replay extends ReplayPlan {
  /** Thresholds that move, thousandths. */
  readonly moved: ReadonlyArray<{ readonly profile: Profile; readonly before: number; readonly after: number }>;
}

/** Experience. */
export interface Experience {
  /** The records of a scope with their texts, in order. */
  readonly list: (scope: string) => Effect.Effect<ReadonlyArray<Indexed>, ExperienceFailure>;
  /** The records worth a look for a prompt, best first; none from an index too spoilt to be used. */
  readonly find: (
    scope: string,
    prompt: string,
    profile: Profile,
  ) => Effect.Effect<ReadonlyArray<Found>, ExperienceFailure>;
  /** Those of them that somebody from outside judged, as pieces of context: what nobody judged teaches nobody. */
  readonly candidates: (
    scope: string,
    prompt: string,
    profile: Profile,
  ) => Effect.Effect<ReadonlyArray<Candidate>, ExperienceFailure>;
  /** How good the index of a scope is. */
  readonly audit: (scope: string) => Effect.Effect<Audit, ExperienceFailure>;
  /** What a repair would do. */
  readonly previewRepair: (scope: string) => Effect.Effect<Repair, ExperienceFailure>;
  /** Mends what is wrong; nothing is written where nothing is. */
  readonly repair: (scope: string, actor: string) => Effect.Effect<Repair, ExperienceFailure>;
  /**
   * Takes records out of use that rest on memories that were taken back, and deletes their lessons. Answers which.
   */
  readonly forget: (scope: string, actor: string) => Effect.Effect<ReadonlyArray<string>, ExperienceFailure>;
  /** Takes a repair or a quarantine back. Answers how many records changed. */
  readonly undo: (event: number, scope: string, actor: string) => Effect.Effect<number, ExperienceFailure>;
  /** Sets a record aside. */
  readonly quarantine: (
    request: string,
    options: { readonly scope: string; readonly reason: string },
    actor: string,
  ) => Effect.Effect<ExperienceRecord, ExperienceFailure>;
  /** Notes what a person says of a request: 0 for useless, 1 for right. */
  readonly feedback: (
    request: string,
    options: { readonly scope: string; readonly rating: number },
    actor: string,
  ) => Effect.Effect<Feedback, ExperienceFailure>;
  /** What a replay would do. */
  readonly previewReplay: (scope: string, limit?: number) => Effect.Effect<Replay, ExperienceFailure>;
  /** Learns from records again; nothing is written where nothing is left to learn. */
  readonly replay: (
    options: { readonly scope: string; readonly limit?: number },
    actor: string,
  ) => Effect.Effect<Replay, ExperienceFailure>;
}

/** From this rating on, what a request used is taken to have helped. */
const HELPED_FROM = 0.5;

/** How actors begin who are persons. */
const PERSONS = "user@";

const editOf = (record: ExperienceRecord, after: RecordEdit["after"]): RecordEdit => ({
  request: record.request,
  before: Object.fromEntries(Object.keys(after).map((field) => [field, record[field as keyof ExperienceRecord]])),
  after,
});

/** A record as it would be had everything been said at once that was said of it until now. */
const asJudged = (record: ExperienceRecord, given: ReadonlyArray<Given>, policy: Policy): ExperienceRecord => {
  const weighed = weighedNow(record, given, policy);
  if (!weighed.proven) return record;
  const quality = Math.min(weighed.quality, capOf(record.noise));
  const mark = quality >= policy["drift.watch"] && record.issues.critical === 0 ? "reuse" : "revise";
  return { ...record, proven: true, quality: milli(quality), mark };
};

/** The experience that a ledger holds. */
export const experienceOver = (
  ledger: LedgerShape,
  memory: Pick<Memory, "judgement">,
  policy: Policy,
): Experience => {
  const turns = Semaphore.makeUnsafe(1);
  // Texts never change under a digest; records do, cheaply.
  const texts = new Map<Digest, string>();
  const ready = new Map<string, Indexed>();

  const textOf = (digest: Digest | null): Effect.Effect<string, LedgerFailure> =>
    Effect.gen(function* () {
      if (digest === null) return "";
      const known = texts.get(digest);
      if (known !== undefined) return known;
      // A text that was forgotten is no text; its record stays.
      const bytes = yield* ledger.getBlob(digest).pipe(
        Effect.catch((failure) => failure.code === blobAbsent.code ? Effect.succeed(undefined) : Effect.fail(failure)),
      );
      if (bytes === undefined) return "";
      const text = unpacked(bytes);
      texts.set(digest, text);
      return text;
    });

  const withTexts = (record: ExperienceRecord): Effect.Effect<Indexed, LedgerFailure> =>
    Effect.gen(function* () {
      const before = ready.get(record.request);
      if (before?.record === record) return before;
      const [topic, lesson] = [yield* textOf(record.topic), yield* textOf(record.lesson)];
      const same = before !== undefined && before.topic === topic && before.lesson === lesson;
      const now = same ? { ...before, record } : indexed({ record, topic, lesson });
      ready.set(record.request, now);
      return now;
    });

  const list = (scope: string): Effect.Effect<ReadonlyArray<Indexed>, ExperienceFailure> =>
    Effect.gen(function* () {
      const key = yield* scopeDigest(ledger, scope);
      return yield* Effect.forEach(experiencesOf(yield* ledger.state(experienceFold), key), withTexts);
    });

  /** All records, and which of those in use rest on a memory that no longer lives. */
  const parted = (
    scope: string,
  ): Effect.Effect<{ readonly all: ReadonlyArray<Indexed>; readonly fallen: ReadonlySet<string> }, ExperienceFailure> =>
    Effect.gen(function* () {
      const all = yield* list(scope);
      const memories = yield* ledger.state(memoryFold);
      const isGone = (id: string): boolean => {
        const item = itemOf(memories, id);
        return item !== undefined && !lives(item);
      };
      const fallen = all.filter(({ record }) =>
        record.status === "kept" && [...record.used, ...record.stored].some(isGone)
      );
      return { all, fallen: new Set(fallen.map(({ record }) => record.request)) };
    });

  const find: Experience["find"] = (scope, prompt, profile) =>
    Effect.gen(function* () {
      const { all, fallen } = yield* parted(scope);
      const evidence = yield* ledger.state(evidenceFold);
      const standing = all.filter(({ record }) => !fallen.has(record.request))
        .map((one) => ({ ...one, record: asJudged(one.record, statementsOn(evidence, one.record.request), policy) }));
      return audit(standing, policy).risk === "blocked" ? [] : search(standing, prompt, profile, policy);
    });

  const planRepair = (
    scope: string,
    edit: (standing: ReadonlyArray<Indexed>) => ReadonlyArray<Mending>,
  ): Effect.Effect<Repair, ExperienceFailure> =>
    Effect.map(parted(scope), ({ all, fallen }) => {
      const forgotten = all.filter(({ record }) => fallen.has(record.request)).map(forgetting);
      const edits = [...forgotten, ...edit(all.filter(({ record }) => !fallen.has(record.request)))];
      return { edits, before: audit(all, policy), after: audit(mended(all, edits), policy) };
    });

  const previewRepair = (scope: string): Effect.Effect<Repair, ExperienceFailure> =>
    planRepair(scope, (standing) => mendings(standing, policy));

  const append = (scope: Digest, edits: ReadonlyArray<RecordEdit>, reason: string, actor: string, undoes?: number) =>
    Effect.map(ledger.append([editedEvent(scope, edits, reason, actor, undoes)]), ({ first }) => first);

  const write = (planned: Repair, scope: string, reason: string, actor: string) =>
    Effect.gen(function* () {
      if (planned.edits.length === 0) return planned;
      const state = yield* ledger.state(experienceFold);
      const edits = yield* Effect.forEach(planned.edits, ({ request, after, lesson }) =>
        Effect.gen(function* () {
          const record = experienceOf(state, request)!;
          if (lesson === undefined) return editOf(record, after);
          const blob = lesson === "" ? null : yield* ledger.putBlob(packed(request, "lesson", lesson), {
            private: true,
          });
          return editOf(record, { ...after, lesson: blob });
        }));
      const event = yield* append(yield* scopeDigest(ledger, scope), edits, reason, actor);
      const forgotten = planned.edits.filter(({ action }) => action === "forget");
      for (const { request } of forgotten) {
        const { lesson } = experienceOf(state, request)!;
        if (lesson === null) continue;
        yield* ledger.dropBlob(lesson);
        texts.delete(lesson);
      }
      return { ...planned, event };
    });

  const repair: Experience["repair"] = (scope, actor) =>
    Effect.flatMap(previewRepair(scope), (planned) => write(planned, scope, "repair", actor)).pipe(turns.withPermit);

  const forget: Experience["forget"] = (scope, actor) =>
    Effect.flatMap(planRepair(scope, () => []), (planned) => write(planned, scope, "forget", actor)).pipe(
      Effect.map(({ edits }) => edits.map(({ request }) => request)),
      turns.withPermit,
    );

  const undo: Experience["undo"] = (event, scope, actor) =>
    Effect.gen(function* () {
      const key = yield* scopeDigest(ledger, scope);
      const [found] = yield* ledger.read({ from: event, to: event, type: EXPERIENCE_EVENTS.edited });
      const data = found?.data as JsonObject | undefined;
      if (data?.scope !== key) {
        return yield* Effect.fail(
          badRecord({ what: `edit ${event}`, reason: "there is none in this scope", path: "/undo" }),
        );
      }
      const state = yield* ledger.state(experienceFold);
      const edits = (data.edits as unknown as ReadonlyArray<RecordEdit>)
        .filter(({ request, after }) =>
          Object.entries(after).every(([field, value]) =>
            experienceOf(state, request)?.[field as keyof ExperienceRecord] === value
          )
        )
        .map(({ request, before, after }) => ({ request, before: after, after: before }));
      if (edits.length > 0) yield* append(key, edits, "undo", actor, event);
      return edits.length;
    }).pipe(turns.withPermit);

  const quarantine: Experience["quarantine"] = (request, { scope, reason }, actor) =>
    Effect.gen(function* () {
      const key = yield* scopeDigest(ledger, scope);
      const record = experienceOf(yield* ledger.state(experienceFold), request);
      if (record?.scope !== key) return yield* Effect.fail(unknownRequest({ request, path: "/request" }));
      if (record.status === "quarantined") return record;
      yield* append(key, [editOf(record, { status: "quarantined" })], reason, actor);
      return { ...record, status: "quarantined" as const };
    }).pipe(turns.withPermit);

  const feedback: Experience["feedback"] = (request, { scope, rating }, actor) =>
    Effect.gen(function* () {
      const key = yield* scopeDigest(ledger, scope);
      const entry = requestOf(yield* ledger.state(requestFold), request);
      if (entry?.scope !== key) return yield* Effect.fail(unknownRequest({ request, path: "/request" }));
      if (entry.settled === undefined) {
        return yield* Effect.fail(
          badRecord({ what: request, reason: "it was not answered to its end", path: "/request" }),
        );
      }
      // A person's word counts, a program's too, but not on what it asked for itself.
      const source = actor === entry.actor && !actor.startsWith(PERSONS) ? "self" : "user";
      const known = statementsOn(yield* ledger.state(evidenceFold), request);
      const record = experienceOf(yield* ledger.state(experienceFold), request);
      // Until a person speaks, a request stands as it was settled: who had to speak and did not counts, too.
      const before = record === undefined || known.some(({ statement }) => statement.source === "user")
        ? weigh(known.map(({ statement }) => statement), policy)
        : { quality: record.quality / 1000, proven: record.proven, outside: known.length };
      const result = milli(unit(rating)) / 1000;
      const said = known.find(({ statement, witness }) => statement.source === source && witness === actor);
      if (said !== undefined && milli(said.statement.result) === milli(result)) {
        return { request, profile: entry.profile, before, after: before, memories: [], written: false };
      }
      const digest = digestJson([request, actor, milli(result)]);
      const about = { request, scope: key, profile: entry.profile, genes: entry.genes };
      const statement = { source, subject: "answer", result, digest } as const;
      const events = [evidenceEvent(about, statement, actor, actor)];
      // Memories are judged by a witness's first word only: who changes his mind again and again moves them no further.
      const judges = source === "user" && said === undefined;
      const memories = judges ? entry.used.filter((id) => !id.startsWith(EXPERIENCE)) : [];
      if (memories.length > 0) {
        events.push(yield* memory.judgement(memories, { scope, helped: result >= HELPED_FROM }, actor));
      }
      yield* ledger.append(events);
      const heard = statementsOn(yield* ledger.state(evidenceFold), request);
      const after = weigh(heard.map(({ statement: one }) => one), policy);
      return { request, profile: entry.profile, before, after, memories, written: true };
    }).pipe(turns.withPermit);

  const planned = (scope: string, limit: number) =>
    Effect.gen(function* () {
      const records = yield* list(scope);
      const evidence = yield* ledger.state(evidenceFold);
      const adaptive = yield* ledger.state(adaptiveFold);
      const plan = planReplay(
        records.map(({ record }) => ({ record, given: statementsOn(evidence, record.request) })),
        limit,
        policy,
      );
      const after = learnFrom(adaptive, plan.items, policy);
      const profiles = [...new Set(plan.items.map(({ profile }) => profile))];
      const moved = profiles.map((profile) => ({
        profile,
        before: milli(adaptive.router[profile].threshold),
        after: milli(after.router[profile].threshold),
      }));
      const lessons = profiles.map((profile) => ({
        profile,
        lesson: lessonData(after.router[profile], after.hierarchy[profile]),
      }));
      return { replay: { ...plan, moved }, lessons };
    });

  return {
    list,
    find,
    candidates: (scope, prompt, profile) =>
      Effect.map(
        find(scope, prompt, profile),
        (found) => found.filter(({ record }) => record.proven).map(candidateOf),
      ),
    audit: (scope) => Effect.map(list(scope), (lessons) => audit(lessons, policy)),
    previewRepair,
    repair,
    forget,
    undo,
    quarantine,
    feedback,
    previewReplay: (scope, limit = policy["replay.limit"]) => Effect.map(planned(scope, limit), ({ replay }) => replay),
    replay: ({ scope, limit = policy["replay.limit"] }, actor) =>
      Effect.gen(function* () {
        const { replay, lessons } = yield* planned(scope, limit);
        if (replay.items.length > 0) {
          const items = replay.items.map(({ request, key, verdict }) => ({ request, key, verdict }));
          yield* ledger.append([replayedEvent({ items, lessons }, actor)]);
        }
        return replay;
      }).pipe(turns.withPermit),
  };
};
