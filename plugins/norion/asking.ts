/**
 * Asking: has a planned request answered: in one call where it fits, else part by part, and again where the draft has
 * faults that can be mended.
 *
 * Not the choice of a model (models/answering.ts) and not the judgement of the answer (review/).
 * Invariant: calls never exceed the plan's; a repaired draft is kept only where it looks better; what could not be read
 * is said in the answer, never passed over.
 *
 * @module
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { ModelAnswer, ModelBackend } from "./contract.ts";
import { type Answered, type AnsweringEvent, answerWith, type Attempt, nobodyAnswered } from "./models/answering.ts";
import { noAnswer, type NorionFailure } from "./failures.ts";
import { knobSet } from "./genome.ts";
import type { Plan } from "./plan.ts";
import type { Policy } from "./policy.ts";
import {
  heldTo,
  instructionOf,
  instructionsOf,
  mergePrompt,
  partPrompt,
  type Prompted,
  promptOf,
  repairPrompt,
} from "./prompting.ts";
import { readParts, type Unread } from "./reader.ts";
import { type CheckName, type Issue, lookOver, selfQuality } from "./review/checks.ts";
import type { Breaker } from "./routing/breaker.ts";
import type { Demand } from "./routing/choose.ts";
import { estimateTokens } from "./text.ts";

/** A request that is to be answered. */
export interface Asked<R> {
  /** What was planned. */
  readonly plan: Plan;
  /** The request. */
  readonly prompt: string;
  /** Texts of the context, by id. */
  readonly texts: ReadonlyMap<string, string>;
  /** The models. */
  readonly models: ReadonlyArray<ModelBackend<R>>;
  /** What the request asks of a model; the tokens are the plan's. */
  readonly demand: Omit<Demand, "tokens">;
  /** How the models stand. */
  readonly breakers: ReadonlyMap<string, Breaker>;
  /** The step of the request. */
  readonly step: number;
  /** Chance of models that sample. */
  readonly seed: number;
  /** How freely they sample. */
  readonly temperature: number;
  /** Thresholds. */
  readonly policy: Policy;
  /** Hears the answer while it is made. */
  readonly onEvent?: (event: AnsweringEvent) => Effect.Effect<void>;
  /** Says what is wrong with a draft when it is used, in words for whoever mends it; nothing where nothing is known. */
  readonly faultsIn?: (draft: string) => Effect.Effect<ReadonlyArray<string>, never, R>;
}

/** An answer and what it took. */
export interface Draft {
  /** Its text. */
  readonly text: string;
  /** Who gave it. */
  readonly model: string;
  /** What stands behind that. */
  readonly kind: ModelAnswer["kind"];
  /** Calls made, failed ones included. */
  readonly calls: number;
  /** Tokens read. */
  readonly readTokens: number;
  /** Tokens of the answer. */
  readonly answerTokens: number;
  /** Tokens that models went on from by what they had kept of them, in their own count. */
  readonly keptTokens: number;
  /** What was seen in it. */
  readonly issues: ReadonlyArray<Issue>;
  /** Whether it was asked for again because of what was seen. */
  readonly repaired: boolean;
  /** The texts it was given to rest on. */
  readonly context: ReadonlyArray<string>;
  /** Stretches of the request that no model could read. */
  readonly unread: ReadonlyArray<Unread>;
}

/** What asking came to. */
export interface Outcome {
  /** The answer; absent where no model gave one. */
  readonly draft?: Draft;
  /** Why there is none. */
  readonly failure?: NorionFailure;
  /** Calls that failed. */
  readonly faults: ReadonlyArray<{ readonly model: string; readonly reason: string }>;
  /** How the models that were asked stand now. */
  readonly breakers: { readonly [model: string]: Breaker };
}

/** The calls of one request: which were made, and how the models stand. */
class Calls<R> {
  readonly attempts: Attempt[] = [];
  breakers: ReadonlyMap<string, Breaker>;
  tokens = 0;
  kept = 0;
  private began: number | undefined;
  last: Answered | undefined;

  constructor(private readonly asked: Asked<R>) {
    this.breakers = asked.breakers;
  }

  /**
   * Asks once; only the last word of a request is heard while it is made. As many characters of the prompt as are
   * `shared` begin other prompts of the request, too.
   */
  ask(
    prompt: string,
    answerTokens: number,
    { heard = false, shared = 0 }: { readonly heard?: boolean; readonly shared?: number } = {},
  ): Effect.Effect<ModelAnswer, NorionFailure, R> {
    const { plan, models, demand, step, seed, temperature, policy, onEvent } = this.asked;
    const { callMs, waitMs } = plan.budget;
    const { prefetch, cacheBits: bits } = plan.device;
    const system = instructionsOf(plan);
    const tokens = estimateTokens(system) + estimateTokens(prompt);
    return Effect.gen({ self: this }, function* () {
      const now = yield* Clock.currentTimeMillis;
      this.began ??= now;
      const left = waitMs === undefined ? Infinity : waitMs - (now - this.began);
      if (left <= 0) return yield* Effect.fail(noAnswer({ tried: [`nobody: ${waitMs} ms are over`], leftOut: [] }));
      const made = yield* answerWith(
        models,
        {
          prompt,
          ...(system === "" ? {} : { system }),
          maxTokens: answerTokens,
          seed,
          temperature,
          ...(shared === 0 ? {} : { shared: { characters: shared, bits, prefetch } }),
        },
        {
          deadlineMs: Math.min(callMs, left),
          demand: { ...demand, tokens },
          breakers: this.breakers,
          step,
          policy,
          ...(heard && onEvent !== undefined ? { onEvent } : {}),
        },
      );
      this.last = made;
      this.attempts.push(...made.attempts);
      this.tokens += tokens * made.attempts.length;
      this.breakers = made.breakers;
      this.kept += made.answer?.usage.kept ?? 0;
      return made.answer ?? (yield* Effect.fail(nobodyAnswered(made)));
    });
  }

  get faults(): Outcome["faults"] {
    return this.attempts.flatMap(({ model, outcome, reason = outcome }) =>
      outcome === "answered" ? [] : [{ model, reason }]
    );
  }

  /** How those stand that were asked. */
  get standing(): Outcome["breakers"] {
    const asked = new Set(this.attempts.map(({ model }) => model));
    return Object.fromEntries([...this.breakers].filter(([model]) => asked.has(model)));
  }
}

interface Said {
  readonly answer: ModelAnswer;
  readonly unread: ReadonlyArray<Unread>;
}

const inParts = <R>(
  { plan, prompt, policy }: Asked<R>,
  calls: Calls<R>,
): Effect.Effect<Said, NorionFailure, R> => {
  const instruction = instructionOf(prompt);
  const { chunks } = plan.schedule;
  let told: NorionFailure | undefined;
  const noted = (failure: NorionFailure) => {
    told = failure;
    return Effect.fail(failure);
  };
  const note = policy["recursion.partial"];
  return Effect.flatMap(
    readParts<ModelAnswer, NorionFailure, R>(prompt, plan.schedule, {
      read: ({ chunk, text }) => {
        const { prompt: told, shared } = partPrompt(instruction, text, chunk.index, chunks.length);
        return Effect.catch(calls.ask(told, note, { shared }), noted);
      },
      merge: (notes, isLast) => {
        const tokens = isLast ? plan.budget.answerTokens : note;
        return Effect.catch(
          calls.ask(mergePrompt(instruction, notes.map(({ text }) => heldTo(text, note))), tokens, { heard: isLast }),
          noted,
        );
      },
    }, { retries: 0 }),
    ({ answer, unread }) => answer === undefined ? Effect.fail(told!) : Effect.succeed({ answer, unread }),
  );
};

interface Mended {
  readonly text: string;
  readonly issues: ReadonlyArray<Issue>;
  readonly repaired: boolean;
}

/**
 * A draft looked over as often as the plan says, and asked for again while that mends what was seen. A template has no
 * second thoughts, and nobody mends what another model wrote.
 */
const mended = <R>(
  { plan, prompt, policy, faultsIn = () => Effect.succeed([]) }: Asked<R>,
  calls: Calls<R>,
  told: Prompted,
  { text: first, model, kind }: ModelAnswer,
): Effect.Effect<Mended, never, R> =>
  Effect.gen(function* () {
    const languages = knobSet(plan.knobs, "language.preserve");
    const checks: ReadonlyArray<CheckName> = [...plan.checks as ReadonlyArray<CheckName>, "language"];
    const { single } = plan.schedule;
    // What was read in parts is what its answer rests on.
    const context = single ? told.context : [...told.context, prompt];
    const judged = (answer: string) => lookOver({ prompt, answer, context, languages }, checks, policy);
    const wanted = single ? told.prompt : instructionOf(prompt);
    const passes = kind === "heuristic" ? 0 : plan.budget.reflectionPasses;
    let now: Mended = { text: first, issues: judged(first), repaired: false };
    let faults: ReadonlyArray<string> | undefined;
    for (let pass = 0; pass < passes; pass++) {
      const { text, issues } = now;
      if (calls.attempts.length >= plan.budget.calls || issues.some(({ severity }) => severity === "critical")) break;
      faults ??= yield* faultsIn(text);
      if (issues.length + faults.length === 0) break;
      const again = repairPrompt(wanted, text, [...issues.map(({ check }) => check), ...faults]);
      const next = yield* Effect.result(calls.ask(again, plan.budget.answerTokens));
      if (Result.isFailure(next) || next.success.model !== model) break;
      const seen = judged(next.success.text);
      const left = yield* faultsIn(next.success.text);
      const gain = selfQuality(seen, policy) - selfQuality(issues, policy);
      if (left.length > faults.length || gain < 0 || (gain === 0 && left.length === faults.length)) break;
      now = { text: next.success.text, issues: seen, repaired: true };
      faults = left;
    }
    return now;
  });

/** Has a planned request answered. It never fails: what models failed at is in the outcome. */
export const askModels = <R>(asked: Asked<R>): Effect.Effect<Outcome, never, R> =>
  Effect.gen(function* () {
    const { plan, prompt, texts } = asked;
    const calls = new Calls(asked);
    const told = promptOf(plan, prompt, texts);
    const said = yield* Effect.result(
      plan.schedule.single
        ? Effect.map(
          calls.ask(told.prompt, plan.budget.answerTokens, { heard: true }),
          (answer): Said => ({ answer, unread: [] }),
        )
        : inParts(asked, calls),
    );
    if (Result.isFailure(said)) return { failure: said.failure, faults: calls.faults, breakers: calls.standing };
    const { answer, unread } = said.success;
    const { text, issues, repaired } = yield* mended(asked, calls, told, answer);
    const draft: Draft = {
      text,
      model: answer.model,
      kind: answer.kind,
      calls: calls.attempts.length,
      readTokens: calls.tokens,
      answerTokens: estimateTokens(text),
      keptTokens: calls.kept,
      issues,
      repaired,
      context: told.context,
      unread,
    };
    return { draft, faults: calls.faults, breakers: calls.standing };
  });
