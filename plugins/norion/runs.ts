/**
 * Runs: a recorded request once more. Replay makes its decisions again and compares them; resume carries a request on that
 * was broken off; fork asks again from where a request began, beside the history.
 *
 * Not learning from records (experience/replay.ts). Invariant: prompts are not stored, so whoever comes back brings the
 * prompt, and its keyed digest must be that of the request; replay and fork write nothing; resume makes no decision again
 * that was made, and asks no model again that has answered.
 *
 * @example
 * ```ts
 * import * as Effect from "effect/Effect";
 * import { memoryLedger } from "../../effects/mod.ts";
 * import { Entropy } from "../../kernel/mod.ts";
 * import { presetOf } from "./device.ts";
 * import { scopeKey } from "./memory/service.ts";
 * import { heuristicModel } from "./models/heuristic.ts";
 * import { DEFAULT_POLICY } from "./policy.ts";
 * import { symbolicDefault } from "../rmil/library.ts";
 * import { fork, replay, resume } from "./runs.ts";
 * import { norionOver } from "./service.ts";
 * import assert from "node:assert/strict";
 *
 * const load = { cpu: 0, gpu: 0, memory: 0, disk: 0 };
 * const asked = {
 *   prompt: "What is our codename?",
 *   profile: "general" as const,
 *   scope: scopeKey({ tenant: "me", workspace: "here" }),
 *   device: { descriptor: presetOf("laptop"), load, provenance: { descriptor: "override", load: "override" } as const },
 *   models: [heuristicModel],
 *   demand: { privacy: "process" as const },
 *   temperature: 0,
 *   seed: 1,
 *   materials: {},
 *   judges: { logic: symbolicDefault },
 * };
 * await Effect.runPromise(
 *   Effect.gen(function* () {
 *     const ledger = yield* memoryLedger((value) => value);
 *     const norion = norionOver(ledger, DEFAULT_POLICY);
 *     // The model goes away in the middle of a request: it is planned and no more. It is carried on.
 *     const gone = { ...heuristicModel, generate: () => Effect.die("gone") };
 *     yield* Effect.exit(norion.ask({ ...asked, models: [gone] }, "user@tty"));
 *     const carried = yield* resume(norion, ledger, "r1", asked, "user@tty");
 *     assert.equal(carried.settled.request, "r1");
 *     // What is remembered since reaches neither back to a replay nor to a fork.
 *     yield* norion.memory.remember({ scope: asked.scope, text: "Our codename is Heron." }, "user@tty");
 *     const { count } = yield* ledger.head;
 *     const again = yield* replay(norion, ledger, "r1", { ...asked, answer: carried.draft.text }, "user@tty");
 *     assert.deepEqual([again.samePlan, again.sameOutcome, again.differing], [true, true, []]);
 *     const beside = yield* fork(norion, ledger, "r1", asked, "user@tty");
 *     assert.ok(!beside.draft.text.includes("Heron"));
 *     assert.equal((yield* ledger.head).count, count);
 *     assert.ok((yield* norion.ask(asked, "user@tty")).draft.text.includes("Heron"));
 *   }).pipe(Effect.provideService(Entropy, { bytes: (length) => new Uint8Array(length) })),
 * );
 * ```
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { blobAbsent, type LedgerEvent, type LedgerShape, redactText } from "../../effects/mod.ts";
import { canonicalJson, type Digest, type JsonObject } from "../../kernel/mod.ts";
import type { Draft } from "./asking.ts";
import type { DeviceState } from "./device.ts";
import { attempting, badRecord, type NorionFailure, unknownRequest } from "./failures.ts";
import { scopeDigest } from "./memory/service.ts";
import { explainPlan, type NorionRequest, type Plan, plan } from "./plan.ts";
import {
  type AskAnswer,
  type AskRequest,
  norionOver,
  type NorionShape,
  type ServiceFailure,
  type Standing,
  waitingAnswer,
} from "./service.ts";
import {
  type AnsweredData,
  planDigest,
  type PlannedData,
  REQUEST_EVENTS,
  type RequestEntry,
  requestFold,
  requestOf,
} from "./state/requests.ts";

/** What came of making a request's decisions again. */
export interface Replayed {
  /** The request. */
  readonly request: string;
  /** Whether its plan is the same, decision by decision. */
  readonly samePlan: boolean;
  /** Whether what it left is the same, byte by byte; absent where no answer was brought. */
  readonly sameOutcome?: boolean;
  /** The plan, made again, line by line. */
  readonly lines: ReadonlyArray<string>;
  /** Types of events that came out otherwise. */
  readonly differing: ReadonlyArray<string>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const refused = (request: string, reason: string, path: string): NorionFailure =>
  badRecord({ what: request, reason, path });

/** The request of an id, where the prompt is its prompt. */
const opened = (
  ledger: LedgerShape,
  request: string,
  { scope, prompt }: Pick<NorionRequest, "scope" | "prompt">,
): Effect.Effect<RequestEntry, ServiceFailure> =>
  Effect.gen(function* () {
    const entry = requestOf(yield* ledger.state(requestFold), request);
    if (entry?.scope !== (yield* scopeDigest(ledger, scope))) {
      return yield* Effect.fail(unknownRequest({ request, path: "/request" }));
    }
    const digest = yield* ledger.nameBlob(encoder.encode(redactText(prompt)), { private: true });
    if (entry.prompt !== digest) return yield* Effect.fail(refused(request, "that is not its prompt", "/prompt"));
    return entry;
  });

const eventAt = (ledger: LedgerShape, seq: number): Effect.Effect<LedgerEvent, ServiceFailure> =>
  Effect.map(ledger.read({ from: seq, to: seq }), ([event]) => event);

/** The plan of a request as it was made, on the ledger as it stood then. */
const planThen = (
  ledger: LedgerShape,
  { policy, vectors }: NorionShape,
  { planned }: RequestEntry,
  asked: NorionRequest,
  device: DeviceState,
): Effect.Effect<
  { readonly made: Plan; readonly same: boolean; readonly offered: Standing["offered"] },
  ServiceFailure
> =>
  Effect.gen(function* () {
    const then = norionOver(yield* ledger.forkAt(planned - 1), policy, undefined, vectors);
    const { state, offered } = yield* then.known(asked);
    const made = yield* attempting(() => plan(state, asked, device));
    const recorded = (yield* eventAt(ledger, planned)).data as unknown as PlannedData;
    return { made, same: planDigest(made) === recorded.plan, offered };
  });

/** An answer that waits, as the draft it was. */
const waitingOf = (
  ledger: LedgerShape,
  { answered, answer, id }: RequestEntry,
): Effect.Effect<Standing["waiting"], ServiceFailure> =>
  Effect.gen(function* () {
    if (answered === undefined || answer === undefined) return undefined;
    const bytes = yield* ledger.getBlob(answer).pipe(
      Effect.catch((failure): Effect.Effect<never, ServiceFailure> =>
        Effect.fail(
          failure.code === blobAbsent.code ? refused(id, "its answer was deleted", "/request") : failure,
        )
      ),
    );
    const recorded = (yield* eventAt(ledger, answered)).data as unknown as AnsweredData;
    return { draft: draftOf(recorded, String(JSON.parse(decoder.decode(bytes)).answer)), blob: answer };
  });

const draftOf = (recorded: AnsweredData, text: string): Draft => ({
  text,
  model: recorded.model,
  kind: recorded.kind,
  calls: recorded.calls,
  readTokens: recorded.readTokens,
  answerTokens: recorded.answerTokens,
  keptTokens: recorded.keptTokens ?? 0,
  issues: recorded.issues,
  repaired: recorded.repaired,
  context: [],
  unread: [],
});

/**
 * Carries a request on that was broken off: one that was answered is settled by the answer that waits, without a model;
 * one that was only planned is asked under the plan that was made.
 */
export const resume = <R, J = never>(
  norion: NorionShape,
  ledger: LedgerShape,
  request: string,
  asked: AskRequest<R, J>,
  actor: string,
): Effect.Effect<AskAnswer, ServiceFailure, R | J> =>
  Effect.gen(function* () {
    const entry = yield* opened(ledger, request, asked);
    if (entry.settled !== undefined) {
      return yield* Effect.fail(refused(request, "it has come to its end", "/request"));
    }
    const { made, same, offered } = yield* planThen(ledger, norion, entry, asked, asked.device);
    if (!same) {
      return yield* Effect.fail(
        refused(
          request,
          "it was planned for another profile, device or input, for other models, or under another policy",
          "",
        ),
      );
    }
    const waiting = yield* waitingOf(ledger, entry);
    const standing: Standing = { request, plan: made, offered, step: entry.planned };
    return yield* norion.goOn(waiting === undefined ? standing : { ...standing, waiting }, asked, actor);
  });

/** Types of events that judging an answer leaves. */
const LEFT: ReadonlySet<string> = new Set([
  "norion.evidence.given",
  "norion.memory.added",
  "norion.memory.judged",
  REQUEST_EVENTS.settled,
  "norion.experience.recorded",
]);

/** What of an event is a decision: texts are named by the key of where they lie, which a fork does not share. */
const decided = ({ type, data }: LedgerEvent): string => {
  const object = data as JsonObject;
  if (type === "norion.experience.recorded") {
    const { topic: _topic, lesson: _lesson, ...decisions } = object;
    return canonicalJson({ type, ...decisions });
  }
  if (type !== "norion.memory.added") return canonicalJson({ type, data });
  const { text: _text, ...item } = object.item as JsonObject;
  return canonicalJson({ type, item });
};

/** What a settled request left, in order: the events of the append that settled it. */
const leftBy = (
  ledger: LedgerShape,
  { answered = 0, settled = 0, id }: RequestEntry,
): Effect.Effect<ReadonlyArray<LedgerEvent>, ServiceFailure> =>
  Effect.map(ledger.read({ from: answered + 1, to: settled + 1 }), (events) =>
    events.filter(({ type, data }) => {
      if (!LEFT.has(type)) return false;
      const { request = id } = data as JsonObject;
      return request === id;
    }));

/**
 * Makes the decisions of a request again, on the ledger as it stood then, and says whether they are the same: its plan,
 * and, where its answer is brought, what it left. Nothing is written and no model is asked.
 */
export const replay = <J = never>(
  norion: NorionShape,
  ledger: LedgerShape,
  request: string,
  asked: Omit<AskRequest<never, J>, "models"> & { readonly answer?: string },
  actor: string,
): Effect.Effect<Replayed, ServiceFailure, J> =>
  Effect.gen(function* () {
    const entry = yield* opened(ledger, request, asked);
    const { made, same: samePlan, offered } = yield* planThen(ledger, norion, entry, asked, asked.device);
    const lines = explainPlan(made);
    const { answer } = asked;
    if (answer === undefined) return { request, samePlan, lines, differing: [] };
    const { answered, settled } = entry;
    if (answered === undefined || settled === undefined) {
      return yield* Effect.fail(refused(request, "it was not answered to its end", "/request"));
    }
    const recorded = (yield* eventAt(ledger, answered)).data as unknown as AnsweredData;
    const digest = yield* ledger.nameBlob(waitingAnswer(request, redactText(answer)), { private: true });
    if (recorded.answer !== digest) {
      return yield* Effect.fail(refused(request, "that is not its answer", "/answer"));
    }
    const then = yield* ledger.forkAt(answered);
    const waiting = { draft: draftOf(recorded, answer), blob: digest };
    yield* norionOver(then, norion.policy, undefined, norion.vectors).goOn<never, J>(
      { request, plan: made, offered, step: entry.planned, waiting },
      { ...asked, models: [] },
      actor,
    );
    const after = requestOf(yield* then.state(requestFold), request)!;
    const [was, is] = [yield* leftBy(ledger, entry), yield* leftBy(then, after)];
    const [before, now] = [was.map(decided), is.map(decided)];
    const differing = [
      ...was.filter((_, at) => !now.includes(before[at])),
      ...is.filter((_, at) => !before.includes(now[at])),
    ].map(({ type }) => type);
    return { request, samePlan, sameOutcome: differing.length === 0, lines, differing: [...new Set(differing)] };
  });

/**
 * Asks from where a request began: on the ledger as it stood then, beside the history. The prompt may be another, and so
 * may anything else; what comes of it is only said.
 */
export const fork = <R, J = never>(
  norion: NorionShape,
  ledger: LedgerShape,
  request: string,
  asked: AskRequest<R, J>,
  actor: string,
): Effect.Effect<AskAnswer, ServiceFailure, R | J> =>
  Effect.gen(function* () {
    const entry = requestOf(yield* ledger.state(requestFold), request);
    const scope: Digest = yield* scopeDigest(ledger, asked.scope);
    if (entry?.scope !== scope) return yield* Effect.fail(unknownRequest({ request, path: "/request" }));
    const then = yield* ledger.forkAt(entry.planned - 1);
    return yield* norionOver(then, norion.policy, undefined, norion.vectors).ask(asked, actor);
  });
