/**
 * Service: norion over one ledger: what it knows, what it plans, and requests from the asking to what they leave behind.
 *
 * Not a second truth: all that is known is folds of the ledger.
 * Invariant: a request is planned, answered and settled in three appends; one that was interrupted has changed nothing
 * that is learned or remembered, and goes on where it stood.
 *
 * @module
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import { type LedgerFailure, type LedgerShape, redactText } from "../../effects/mod.ts";
import type { Digest } from "../../kernel/mod.ts";
import type { AnsweringEvent } from "./models/answering.ts";
import { askModels, type Draft } from "./asking.ts";
import { experienceEvent } from "./experience/record.ts";
import { type Experience, experienceOver } from "./experience/service.ts";
import type { ModelBackend } from "./contract.ts";
import type { DeviceState } from "./device.ts";
import { attempting, type NorionFailure } from "./failures.ts";
import { HASHED } from "./memory/embedder.ts";
import { always, type VectorsOf } from "./memory/embedding/newest.ts";
import { type Memory, type MemoryFailure, memoryOver } from "./memory/service.ts";
import { type NorionRequest, type NorionState, type Plan, plan } from "./plan.ts";
import type { Policy } from "./policy.ts";
import type { Profile } from "./profile.ts";
import { chainOf, complaintsOn } from "./review/chain.ts";
import { conclude, type Conclusion, review } from "./review/review.ts";
import { lookingOnce, mayJudge } from "./review/judging.ts";
import { complaintsOf, type GivenFact, type Judges, type Materials, type ValidatorName } from "./review/validators.ts";
import type { Demand } from "./routing/choose.ts";
import type { Candidate } from "./router.ts";
import { memorable, settling } from "./settling.ts";
import { observing } from "./scissors/observing.ts";
import { genomesOf } from "./scissors/report.ts";
import { adaptiveFold, type AdaptiveState } from "./state/adaptive.ts";
import { outcomeFold } from "./state/outcomes.ts";
import { termsOf } from "./text.ts";
import { expressedEvent } from "./state/genome.ts";
import {
  type AnsweredData,
  answeredEvent,
  failedEvent,
  nextRequest,
  plannedEvent,
  requestFold,
  type SettledData,
} from "./state/requests.ts";

/** Whatever can go wrong. */
export type ServiceFailure = LedgerFailure | MemoryFailure | NorionFailure;

/** A request that is to be answered. */
export interface AskRequest<R, J = never> extends NorionRequest {
  /** Where it runs. */
  readonly device: DeviceState;
  /** The models that may answer. */
  readonly models: ReadonlyArray<ModelBackend<R>>;
  /** What it asks of a model. */
  readonly demand: Omit<Demand, "tokens" | "gain" | "first">;
  /** How freely models sample. */
  readonly temperature: number;
  /** Chance of models that sample. */
  readonly seed: number;
  /** What the answer is judged by. */
  readonly materials: Materials;
  /** Who judges it. */
  readonly judges: Judges<J>;
  /** Hears the answer while it is made. */
  readonly onEvent?: (event: AnsweringEvent) => Effect.Effect<void>;
}

/** What asking came to. */
export interface AskAnswer {
  /** Id of the request. */
  readonly request: string;
  /** The answer and what it took. */
  readonly draft: Draft;
  /** What was decided on it. */
  readonly conclusion: Conclusion;
  /** What came of it, as the ledger has it. */
  readonly settled: SettledData;
  /** Memories that came along. */
  readonly used: ReadonlyArray<string>;
  /** Files that the model was not shown, or not whole, each with the reason. */
  readonly leftOut: ReadonlyArray<{ readonly file: string; readonly reason: string }>;
}

/** What is known when a request comes. */
export interface Known {
  /** What a plan is made from. */
  readonly state: NorionState;
  /** What adapts. */
  readonly adaptive: AdaptiveState;
  /** The candidates that the plan was offered, by id, once it is made. */
  readonly offered: ReadonlyMap<string, Candidate>;
}

/** Norion. */
export interface NorionShape {
  /** The memory. */
  readonly memory: Memory;
  /** Thresholds. */
  readonly policy: Policy;
  /** What a ledger's memory makes texts comparable by. */
  readonly vectors: VectorsOf;
  /** What earlier requests left. */
  readonly experience: Experience;
  /** What is known when a request comes. */
  readonly known: (
    request: Pick<NorionRequest, "scope" | "prompt" | "profile">,
  ) => Effect.Effect<Known, ServiceFailure>;
  /** The plan of a request; nothing is written. */
  readonly plan: (request: NorionRequest, device: DeviceState) => Effect.Effect<Plan, ServiceFailure>;
  /** Answers a request and keeps what may be kept. */
  readonly ask: <R, J = never>(
    request: AskRequest<R, J>,
    actor: string,
  ) => Effect.Effect<AskAnswer, ServiceFailure, R | J>;
  /** Goes on with a request that was broken off (see runs.ts). */
  readonly goOn: <R, J = never>(
    stood: Standing,
    request: AskRequest<R, J>,
    actor: string,
  ) => Effect.Effect<AskAnswer, ServiceFailure, R | J>;
}

/** Where a request stands that was broken off. */
export interface Standing {
  /** Its id. */
  readonly request: string;
  /** What was planned. */
  readonly plan: Plan;
  /** The candidates that its plan was offered, by id. */
  readonly offered: ReadonlyMap<string, Candidate>;
  /** What it was planned at. */
  readonly step: number;
  /** Its answer, where there is one that waits. */
  readonly waiting?: { readonly draft: Draft; readonly blob: Digest };
}

const NorionBase: Context.ServiceClass<Norion, "rmi/Norion", NorionShape> = Context.Service<Norion, NorionShape>()(
  "rmi/Norion",
);

/** The service of {@link NorionShape}. */
export class Norion extends NorionBase {}

const encoder = new TextEncoder();

/**
 * The blob in which an answer waits to be settled. It names its request: blobs are kept once by content, and deleting
 * this one must not delete a memory of the same words.
 */
export const waitingAnswer = (request: string, answer: string): Uint8Array =>
  encoder.encode(JSON.stringify({ request, answer }));

const IN_CONTEXT: ReadonlySet<string> = new Set(["include", "compress"]);

/** What a plan takes along as context. */
const takenAlong = ({ context }: Plan): ReadonlyArray<string> =>
  context.filter(({ verdict }) => IN_CONTEXT.has(verdict)).map(({ id }) => id);

const FILE = "file:";

/** What a plan does not take along whole of a request's files. */
const leftOutOf = ({ context }: Plan): AskAnswer["leftOut"] =>
  context.filter(({ id, verdict }) => id.startsWith(FILE) && verdict !== "include")
    .map(({ id, verdict, reason }) => ({ file: id.slice(FILE.length), reason: `${verdict}: ${reason}` }));

/** How much a better model is worth to a request, by its mode's threshold: what needs attention gains by quality. */
const gainOf = ({ threshold }: Plan): number => 1 - threshold;

/** The model that was decided on, where one was. */
const firstOf = ({ route }: Plan): Pick<Demand, "first"> =>
  route?.learned === undefined ? {} : { first: route[route.learned.asks] };

/**
 * Norion over a ledger; `afterwards` is done when a request of a profile is settled, `vectors` are what memory is found by.
 */
export const norionOver = (
  ledger: LedgerShape,
  policy: Policy,
  afterwards: (profile: Profile) => Effect.Effect<unknown, LedgerFailure> = () => Effect.void,
  vectors: VectorsOf = always(HASHED),
): NorionShape => {
  const memory = memoryOver(ledger, policy, vectors);
  const experience = experienceOver(ledger, memory, policy);
  const turns = Semaphore.makeUnsafe(1);

  /** A lesson that says what a fact says gives way: the fact has a source and can be taken back. */
  const isNews = ({ text }: Candidate, facts: ReadonlyArray<Candidate>): boolean => {
    const terms = new Set(termsOf(text));
    return facts.every((fact) => {
      const said = new Set(termsOf(fact.text));
      return said.intersection(terms).size < policy["memory.duplicate"] * Math.min(said.size, terms.size);
    });
  };

  const keyed = (text: string): Effect.Effect<Digest, LedgerFailure> =>
    ledger.nameBlob(encoder.encode(text), { private: true });

  const known: NorionShape["known"] = ({ scope, prompt, profile }) =>
    Effect.gen(function* () {
      const adaptive = yield* ledger.state(adaptiveFold);
      const recall = yield* memory.snapshot(scope);
      const learned = yield* experience.candidates(scope, prompt, profile);
      const offered = new Map<string, Candidate>();
      const genomes = yield* genomesOf(ledger, policy);
      const state: NorionState = {
        router: adaptive.router,
        hierarchy: adaptive.hierarchy,
        genomes,
        memory: {
          recall: (asked, options) => {
            const facts = recall.recall(asked, options);
            const found = [...facts, ...learned.filter((one) => one.similarity >= options.floor && isNews(one, facts))];
            for (const candidate of found) offered.set(candidate.id, candidate);
            return found;
          },
        },
        outcomes: (yield* ledger.state(outcomeFold)).recent,
        policy,
      };
      return { state, adaptive, offered };
    });

  const settle = <R, J>(
    request: string,
    asked: AskRequest<R, J>,
    about: {
      readonly plan: Plan;
      readonly known: Known;
      readonly draft: Draft;
      readonly scope: Digest;
      readonly prompt: Digest;
    },
    actor: string,
  ): Effect.Effect<{ readonly conclusion: Conclusion; readonly data: SettledData }, ServiceFailure, J> =>
    Effect.gen(function* () {
      const { draft, plan: made, known: { adaptive, offered, state }, scope } = about;
      const genome = state.genomes[made.profile];
      const used = takenAlong(made);
      const listed = yield* memory.list(asked.scope);
      const facts = listed.flatMap(({ item, text }): ReadonlyArray<GivenFact> =>
        used.includes(item.id) && offered.has(item.id) ? [{ id: item.id, text, standing: item.standing }] : []
      );
      const answer = redactText(draft.text);
      const judgedBy = yield* review(
        {
          prompt: asked.prompt,
          answer: draft.text,
          digest: yield* keyed(answer),
          facts,
          materials: asked.materials,
          issues: draft.issues,
        },
        made.validators as ReadonlyArray<ValidatorName>,
        asked.judges,
        policy,
      );
      const conclusion = conclude({
        plan: made,
        prompt: asked.prompt,
        answer: draft.text,
        review: judgedBy,
        used: facts.map(({ id }) => id),
        repaired: draft.repaired,
        calls: draft.calls,
        memorable: memorable(answer, judgedBy.weighed.quality, policy).length > 0,
        router: adaptive.router,
        hierarchy: adaptive.hierarchy[made.profile],
        before: adaptive.drift,
      }, policy);
      const { events, data } = yield* settling(
        {
          request,
          scope: asked.scope,
          scopeDigest: scope,
          profile: made.profile,
          genes: made.knobs.expressed,
          answer,
          review: judgedBy,
          conclusion,
        },
        memory,
        policy,
        actor,
      );
      const record = yield* experienceEvent(
        ledger,
        {
          request,
          scope,
          prompt: asked.prompt,
          promptDigest: about.prompt,
          answer: draft.text,
          plan: made,
          review: judgedBy,
          conclusion,
          used: facts.map(({ id }) => id),
          stored: data.stored,
          probation: Object.values(genome.standing ?? {}).some(({ status }) => status === "probation"),
        },
        policy,
        actor,
      );
      const told = observing(
        { request, genome, plan: made, prompt: asked.prompt, answer: draft.text, issues: draft.issues, conclusion },
        policy,
        actor,
      );
      yield* ledger.append([...events, record, ...told]);
      yield* afterwards(made.profile);
      return { conclusion, data };
    });

  /** Has a planned request answered; the answer waits as a private blob until it is settled. */
  const answer = <R, J>(
    { request, plan: made, offered, step }: Standing,
    asked: AskRequest<R, J>,
    now: Known,
    actor: string,
  ): Effect.Effect<NonNullable<Standing["waiting"]>, ServiceFailure, R> =>
    Effect.gen(function* () {
      const texts = new Map([
        ...[...offered].map(([id, { text }]) => [id, text] as const),
        ...(asked.files ?? []).map(({ name, text }) => [`file:${name}`, text] as const),
      ]);
      const outcome = yield* askModels({
        plan: made,
        prompt: asked.prompt,
        texts,
        models: asked.models,
        demand: { ...asked.demand, gain: gainOf(made), ...firstOf(made) },
        breakers: new Map(Object.entries(now.adaptive.breakers)),
        step,
        seed: asked.seed,
        temperature: asked.temperature,
        policy,
        ...(asked.onEvent === undefined ? {} : { onEvent: asked.onEvent }),
        faultsIn: (draft) =>
          Effect.map(complaintsOf(draft, asked.materials.tests, asked.judges), (faults) => [
            ...complaintsOn(chainOf(asked.prompt, draft, asked.materials, asked.judges.logic)),
            ...faults,
          ]),
      });
      const { draft, faults, breakers } = outcome;
      if (draft === undefined) {
        yield* ledger.append([failedEvent({ request, faults, breakers }, actor)]);
        return yield* Effect.fail(outcome.failure!);
      }
      const blob = yield* ledger.putBlob(waitingAnswer(request, redactText(draft.text)), { private: true });
      const answered: AnsweredData = {
        request,
        faults,
        breakers,
        model: draft.model,
        kind: draft.kind,
        calls: draft.calls,
        readTokens: draft.readTokens,
        answerTokens: draft.answerTokens,
        ...(draft.keptTokens === 0 ? {} : { keptTokens: draft.keptTokens }),
        answer: blob,
        issues: draft.issues,
        repaired: draft.repaired,
      };
      yield* ledger.append([answeredEvent(answered, actor)]);
      return { draft, blob };
    });

  /** Carries a planned request to its end, from wherever it stands. */
  const carry = <R, J>(
    standing: Standing,
    given: AskRequest<R, J>,
    now: Known,
    actor: string,
  ): Effect.Effect<AskAnswer, ServiceFailure, R | J> =>
    Effect.gen(function* () {
      const asked = { ...given, judges: lookingOnce(given.judges) };
      const { request, plan: made, offered } = standing;
      const { draft, blob } = standing.waiting ?? (yield* answer(standing, asked, now, actor));
      const scope = yield* keyed(`scope ${asked.scope}`);
      const prompt = yield* keyed(redactText(asked.prompt));
      const about = { plan: made, known: { ...now, offered }, draft, scope, prompt };
      const { conclusion, data } = yield* settle(request, asked, about, actor);
      yield* ledger.dropBlob(blob);
      return { request, draft, conclusion, settled: data, used: takenAlong(made), leftOut: leftOutOf(made) };
    });

  const ask: NorionShape["ask"] = (asked, actor) =>
    Effect.gen(function* () {
      const now = yield* known(asked);
      const made = yield* attempting(() => plan(now.state, asked, asked.device));
      yield* mayJudge(made, asked.materials);
      const scope = yield* keyed(`scope ${asked.scope}`);
      const request = nextRequest(yield* ledger.state(requestFold));
      const prompt = yield* keyed(redactText(asked.prompt));
      const genome = now.state.genomes[made.profile];
      const { first } = yield* ledger.append([
        plannedEvent(made, { request, scope, prompt }, actor),
        expressedEvent(request, genome, made.knobs, made.device.pressure, actor),
      ]);
      return yield* carry({ request, plan: made, offered: now.offered, step: first }, asked, now, actor);
    }).pipe(turns.withPermit);

  const goOn: NorionShape["goOn"] = (standing, asked, actor) =>
    Effect.gen(function* () {
      yield* mayJudge(standing.plan, asked.materials);
      return yield* carry(standing, asked, yield* known(asked), actor);
    }).pipe(turns.withPermit);

  return {
    memory,
    experience,
    policy,
    vectors,
    known,
    plan: (request, device) =>
      Effect.flatMap(known(request), ({ state }) => attempting(() => plan(state, request, device))),
    ask,
    goOn,
  };
};
