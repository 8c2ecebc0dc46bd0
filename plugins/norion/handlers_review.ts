/**
 * Handlers of looking back: what was said of requests, what is learned from it again, and why they went as they did.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Schema from "effect/Schema";
import { Ledger } from "../../effects/mod.ts";
import { CallContext } from "../../kernel/mod.ts";
import type { Audit, Mending } from "./experience/hygiene.ts";
import { attempting, badRequest, unknownRequest } from "./failures.ts";
import { arithmeticChain, type Chain, proofChain } from "./review/chain.ts";
import { parseRule, parseTerm } from "./review/proof_text.ts";
import { symbolicDefault } from "../rmil/library.ts";
import type { Vectors } from "./memory/embedding/newest.ts";
import { scopeDigest } from "./memory/service.ts";
import { tierOf } from "./memory/upkeep.ts";
import type { Feedback, Inspect, Judge, Repair, Replay, Why } from "./operations_review.ts";
import { milli } from "./policy.ts";
import { PROFILES } from "./profile.ts";
import { explain } from "./review/why.ts";
import { scopeOf } from "./scope.ts";
import { Scissors } from "./scissors/service.ts";
import { Norion } from "./service.ts";
import { adaptiveFold } from "./state/adaptive.ts";
import { consistencyFold } from "./state/consistency.ts";
import { itemsOf, lives, memoryFold } from "./state/memory.ts";
import { mentionFold, mentionsOf } from "./state/mentions.ts";
import { type RequestEntry, requestFold, requestOf, requestsOf } from "./state/requests.ts";
import { automaticShare, writeFold } from "./state/writes.ts";

type InputOf<O extends { readonly input: Schema.Constraint }> = Schema.Schema.Type<O["input"]>;

const weighedJson = ({ quality, proven }: { readonly quality: number; readonly proven: boolean }) => ({
  quality: milli(quality),
  proven,
});

const auditJson = (audit: Audit) => ({ ...audit, quality: milli(audit.quality) });

const mendingJson = ({ request, action, because }: Mending) => ({ request, action, because });

/** How many of each there are. */
const countsOf = (names: ReadonlyArray<string>): { readonly [name: string]: number } =>
  names.reduce<{ readonly [name: string]: number }>(
    (counts, name) => ({ ...counts, [name]: (counts[name] ?? 0) + 1 }),
    {},
  );

const stateOf = (
  { settled, answered, failed }: RequestEntry,
): "settled" | "answered" | "failed" | "planned" =>
  settled !== undefined ? "settled" : answered !== undefined ? "answered" : failed !== undefined ? "failed" : "planned";

const vectorsJson = ({ embedder, name, words, passedOver }: Vectors) => ({
  embedder: embedder.id,
  size: embedder.size,
  ...(name === undefined ? {} : { name }),
  ...(words === undefined ? {} : { words }),
  passedOver,
});

/** Items of each list of an inspection where nobody says how many. */
const SHOWN = 5;

const inspected = ({ limit = SHOWN, scope: given }: InputOf<typeof Inspect>) =>
  Effect.gen(function* () {
    const ledger = yield* Ledger;
    const { experience, memory, policy } = yield* Norion;
    const scope = yield* scopeOf(given);
    const key = yield* scopeDigest(ledger, scope);
    const requests = requestsOf(yield* ledger.state(requestFold), key);
    const items = itemsOf(yield* ledger.state(memoryFold), key);
    const living = items.filter(lives);
    const now = (yield* ledger.head).count;
    const adaptive = yield* ledger.state(adaptiveFold);
    const audit = yield* experience.audit(scope);
    const records = yield* experience.list(scope);
    const { checked, violations } = yield* ledger.state(consistencyFold);
    const writes = yield* ledger.state(writeFold);
    const strongest = living.toSorted((a, b) => b.strength - a.strength || (a.id < b.id ? -1 : 1)).slice(0, limit);
    return {
      requests: {
        count: requests.length,
        latest: requests.slice(-limit).toReversed().map((one) => ({
          id: one.id,
          profile: one.profile,
          state: stateOf(one),
          step: one.planned,
        })),
      },
      memory: {
        living: living.length,
        gone: items.length - living.length,
        vectors: vectorsJson(yield* memory.vectors),
        kinds: countsOf(living.map(({ namespace }) => namespace)),
        tiers: countsOf(living.map((item) => tierOf(item, now, policy))),
        strongest: strongest.map((item) => ({
          id: item.id,
          namespace: item.namespace,
          strength: item.strength,
          hits: item.hits,
          failures: item.failures,
          tier: tierOf(item, now, policy),
        })),
      },
      learned: PROFILES.map((profile) => {
        const { threshold, observations } = adaptive.router[profile];
        const { global, local, fused } = adaptive.hierarchy[profile];
        const weights = { global: milli(global), local: milli(local), fused: milli(fused) };
        return { profile, threshold: milli(threshold), observations, weights };
      }),
      drift: { sum: Math.round(1000 * adaptive.drift.sum), run: adaptive.drift.run },
      experience: {
        ...auditJson(audit),
        verdicts: countsOf(records.map(({ record }) => record.reinforcement)),
        latest: records.slice(-limit).toReversed().map(({ record: { request, quality, proven, mark } }) => ({
          request,
          quality,
          proven,
          mark,
        })),
      },
      models: Object.entries(adaptive.breakers).map(([id, { state }]) => ({ id, state })),
      writes: { ...writes, share: milli(automaticShare(writes)) },
      consistency: { checked, violations: violations.slice(0, limit) },
    } as const;
  });

const unclear = (reason: string, path: string) =>
  badRequest({ reason, path, expected: "either steps of a calculation, or a proof with axioms" });

/** The chain that an input holds; throws `NORION_REQUEST` where that is none. */
const judged = ({ steps, proof, ...grounds }: InputOf<typeof Judge>): Chain => {
  if ((steps === undefined) === (proof === undefined)) {
    throw unclear(steps === undefined ? "there is nothing to judge" : "there are two things to judge", "");
  }
  if (proof === undefined) {
    if (steps!.length === 0) throw unclear("there are no steps", "/steps");
    return arithmeticChain(steps!);
  }
  const unread = (name: "axioms" | "rules", read: (text: string) => unknown): void => {
    const at = (grounds[name] ?? []).findIndex((text) => read(text) === undefined);
    if (at >= 0) throw unclear(`one of the ${name} cannot be read`, `/${name}/${at}`);
  };
  unread("axioms", parseTerm);
  unread("rules", parseRule);
  const chain = proofChain(proof, grounds, symbolicDefault);
  if (chain !== undefined) return chain;
  throw (grounds.axioms ?? []).length === 0
    ? unclear("a proof starts from something, and no axioms are given", "/axioms")
    : unclear("no line of it is a step", "/proof");
};

/** The handlers. */
export const reviewHandlers = {
  "norion.feedback": ({ request, rating, scope: given }: InputOf<typeof Feedback>) =>
    Effect.gen(function* () {
      const { experience } = yield* Norion;
      const { actor } = yield* CallContext;
      const scope = yield* scopeOf(given);
      const { profile, before, after, memories, written } = yield* experience.feedback(
        request,
        { scope, rating },
        actor,
      );
      // What people say decides on genes that are on probation, too.
      if (written) yield* (yield* Scissors).settle(profile);
      return { request, before: weighedJson(before), after: weighedJson(after), memories, written };
    }),
  "norion.replay": ({ limit, preview = false, scope: given }: InputOf<typeof Replay>) =>
    Effect.gen(function* () {
      const { experience } = yield* Norion;
      const { actor } = yield* CallContext;
      const scope = yield* scopeOf(given);
      const { items, skipped, moved } = preview
        ? yield* experience.previewReplay(scope, limit)
        : yield* experience.replay({ scope, ...(limit === undefined ? {} : { limit }) }, actor);
      return {
        items: items.map(({ request, verdict, quality, priority }) => ({
          request,
          verdict,
          quality: milli(quality),
          priority: Math.round(1000 * priority),
        })),
        skipped,
        moved,
      };
    }),
  "norion.repair": ({ apply = false, undo, scope: given }: InputOf<typeof Repair>) =>
    Effect.gen(function* () {
      const { experience } = yield* Norion;
      const { actor } = yield* CallContext;
      const scope = yield* scopeOf(given);
      if (undo !== undefined) {
        const before = yield* experience.audit(scope);
        yield* experience.undo(undo, scope, actor);
        return { edits: [], before: auditJson(before), after: auditJson(yield* experience.audit(scope)) };
      }
      const { edits, before, after, event } = apply
        ? yield* experience.repair(scope, actor)
        : yield* experience.previewRepair(scope);
      return {
        edits: edits.map(mendingJson),
        before: auditJson(before),
        after: auditJson(after),
        ...(event === undefined ? {} : { event }),
      };
    }),
  "norion.why": ({ request: asked, scope: given }: InputOf<typeof Why>) =>
    Effect.gen(function* () {
      const ledger = yield* Ledger;
      const key = yield* scopeDigest(ledger, yield* scopeOf(given));
      const requests = yield* ledger.state(requestFold);
      const request = asked ?? requestsOf(requests, key).at(-1)?.id ?? "";
      if (requestOf(requests, request)?.scope !== key) {
        return yield* Effect.fail(unknownRequest({
          request: request || "at all",
          path: "/request",
          suggestions: requestsOf(requests, key).slice(-3).map(({ id }) => id).toReversed(),
        }));
      }
      const steps = mentionsOf(yield* ledger.state(mentionFold), request);
      const events = yield* Effect.forEach(steps, (seq) => ledger.read({ from: seq, to: seq }));
      return { request, lines: explain(events.flat(), request), events: steps };
    }),
  "norion.judge": (input: InputOf<typeof Judge>) =>
    Effect.map(attempting(() => judged(input)), ({ kind, verdicts, rewards, blame }) => {
      const decided = blame !== undefined || verdicts.every((verdict) => verdict === "right");
      return {
        kind,
        steps: verdicts.map((verdict, at) => ({ verdict, reward: milli(rewards[at]) })),
        ...(blame === undefined ? {} : { wrong: blame + 1 }),
        evidence: { witness: kind, ...(decided ? { result: blame === undefined ? 1000 : 0 } : {}) },
      };
    }),
  "norion.inspect": inspected,
};
