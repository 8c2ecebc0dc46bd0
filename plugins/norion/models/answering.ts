/**
 * Answering: carries a choice of models out: the first is asked, and what fails is asked again, elsewhere, or given up.
 *
 * Not the choice itself (routing/choose.ts) and not a model.
 * Invariant: calls are bounded by the policy's hops; a model that rests is not asked; a piece of an answer that was
 * broken off is withdrawn before another model speaks; every attempt is reported, the failed ones with their reason.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import type { ModelAnswer, ModelBackend, ModelEvent, ModelFault, ModelRequest, ModelTrouble } from "../contract.ts";
import { noAnswer, type NorionFailure } from "../failures.ts";
import type { Policy } from "../policy.ts";
import { admit, type Breaker, CLOSED, settled } from "../routing/breaker.ts";
import { afterFault, attemptsOf, chooseModels, type Demand, type Excluded, type Ranked } from "../routing/choose.ts";
import { trouble } from "./finished.ts";

/** One call of a model. */
export interface Attempt {
  /** Which one. */
  readonly model: string;
  /** How it ended. */
  readonly outcome: "answered" | ModelFault;
  /** Why, where it failed. */
  readonly reason?: string;
}

/** What an answer streams. */
export type AnsweringEvent =
  /** The next piece of what a model is saying. */
  | { readonly type: "piece"; readonly model: string; readonly text: string }
  /** All pieces of this model so far are void: it failed on the way. */
  | { readonly type: "withdrawn"; readonly model: string };

/** What asking came to. */
export interface Answered {
  /** The answer; absent where no model gave one. */
  readonly answer?: ModelAnswer;
  /** Every call, in order. */
  readonly attempts: ReadonlyArray<Attempt>;
  /** How the models stand after it. */
  readonly breakers: ReadonlyMap<string, Breaker>;
  /** The order they were to be asked in. */
  readonly ranked: ReadonlyArray<Ranked>;
  /** Those that were not to be asked, with the reason. */
  readonly excluded: ReadonlyArray<Excluded>;
}

/** What asking follows. */
export interface Answering<R2> {
  /** What the request asks of a model. */
  readonly demand: Demand;
  /** How the models stand. */
  readonly breakers: ReadonlyMap<string, Breaker>;
  /** The step of this request: the ledger's sequence number. */
  readonly step: number;
  /** Thresholds. */
  readonly policy: Policy;
  /** Time after which a call is broken off, ms; the policy's where absent. */
  readonly deadlineMs?: number;
  /** Hears the answer while it is made. */
  readonly onEvent?: (event: AnsweringEvent) => Effect.Effect<void, never, R2>;
}

/** How long the same model is left alone before its next try; a model that asks for more is not tried again. */
const pauseMs = ({ retryAfterMs }: ModelTrouble, tries: number, policy: Policy): number =>
  retryAfterMs ?? Math.min(policy["model.pause"] * 2 ** (tries - 1), policy["model.longestPause"]);

type CallEnd = { readonly answer: ModelAnswer } | { readonly failed: ModelTrouble };

const callOnce = <R, R2>(
  backend: ModelBackend<R>,
  request: ModelRequest,
  { policy, deadlineMs = policy["model.deadline"], onEvent }: Pick<
    Answering<R2>,
    "policy" | "deadlineMs" | "onEvent"
  >,
): Effect.Effect<CallEnd, never, R | R2> =>
  Effect.suspend(() => {
    const { id } = backend.describe();
    let spoken = false;
    let answer: ModelAnswer | undefined;
    const hear = (event: ModelEvent): Effect.Effect<void, never, R2> => {
      if (event.type === "answer") return Effect.sync(() => void (answer = event.answer));
      spoken = true;
      return onEvent === undefined ? Effect.void : onEvent({ type: "piece", model: id, text: event.text });
    };
    const heard = onEvent === undefined
      ? Effect.map(backend.generate(request), (whole) => void (answer = whole))
      : Stream.runForEach(backend.stream(request), hear);
    return heard.pipe(
      Effect.timeoutOrElse({
        duration: deadlineMs,
        orElse: () => Effect.fail(trouble("timeout", `no answer within ${deadlineMs} ms`)),
      }),
      Effect.flatMap((): Effect.Effect<CallEnd, ModelTrouble> =>
        answer === undefined
          ? Effect.fail(trouble("garbage", "the stream ended without an answer"))
          : Effect.succeed({ answer })
      ),
      Effect.catch((failed: ModelTrouble) =>
        Effect.as(
          spoken && onEvent !== undefined ? onEvent({ type: "withdrawn", model: id }) : Effect.void,
          { failed },
        )
      ),
    );
  });

/** Asks the models that suit a request, best first, until one answers or nothing more may be tried. */
export const answerWith = <R, R2 = never>(
  backends: ReadonlyArray<ModelBackend<R>>,
  request: ModelRequest,
  options: Answering<R2>,
): Effect.Effect<Answered, never, R | R2> =>
  Effect.gen(function* () {
    const { demand, step, policy } = options;
    const byId = new Map(backends.map((backend) => [backend.describe().id, backend]));
    const { ranked, excluded } = chooseModels(
      backends.map((backend) => backend.describe()),
      demand,
      options.breakers,
      step,
      policy,
    );
    const made: Attempt[] = [];
    const order = ranked.map(({ model }) => model.id);
    let attempts = attemptsOf(order, options.breakers);
    while (order.length > 0) {
      const id = attempts.order[attempts.at];
      const admitted = admit(attempts.breakers.get(id) ?? CLOSED, step);
      attempts = { ...attempts, breakers: new Map(attempts.breakers).set(id, admitted.breaker) };
      const end = yield* callOnce(byId.get(id)!, request, options);
      if ("answer" in end) {
        made.push({ model: id, outcome: "answered" });
        const breakers = new Map(attempts.breakers).set(id, settled(admitted.breaker, "well", step, policy));
        return { answer: end.answer, attempts: made, breakers, ranked, excluded };
      }
      const { fault, reason } = end.failed;
      made.push({ model: id, outcome: fault, reason });
      const pause = pauseMs(end.failed, attempts.tries + 1, policy);
      // A model that asks to be left alone for long is as good as away.
      const next = afterFault(attempts, pause > policy["model.longestPause"] ? "unavailable" : fault, step, policy);
      attempts = next.attempts;
      if (next.remedy === "give-up") break;
      if (next.remedy === "retry-here") yield* Effect.sleep(pause);
    }
    return { attempts: made, breakers: attempts.breakers, ranked, excluded };
  });

/** The failure of a request that no model answered. */
export const nobodyAnswered = ({ attempts, excluded }: Answered): NorionFailure =>
  noAnswer({
    tried: attempts.map(({ model, outcome, reason }) => `${model}: ${reason ?? outcome}`),
    leftOut: excluded.map(({ model, reason }) => `${model.id}: ${reason}`),
  });
