/**
 * Trial job: what a worker does: train one candidate a little and judge it on what candidates are chosen by; or turn a
 * trained network into small integers.
 *
 * Not a choice. Invariant: the answer depends on the argument alone; one thread; the test part is not among what is sent.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import { isFailure } from "../../../kernel/failure.ts";
import { makeBackends, type Numerics } from "../../backends/library.ts";
import { type Engine, fitProgram, judge, makeAnswerer, planTraining, train } from "../../neural/library.ts";
import { parse } from "../../rmil/library.ts";
import { type Parcel, unpacked } from "./data.ts";
import { type Settings, trainingOf } from "./recipe.ts";

/** A candidate to train. */
export interface Trial {
  /** Its program. */
  readonly program: string;
  /** How it is trained. */
  readonly settings: Settings;
  /** Passes over what is learned from. */
  readonly epochs: number;
  /** Where draws start. */
  readonly seed: number;
  /** How exactly. */
  readonly numerics: Numerics;
  /** What it learns from. */
  readonly data: Parcel;
}

/** What a trial found. */
export interface Tried {
  /** Values on what candidates are chosen by, by name. */
  readonly scores: { readonly [name: string]: number };
  /** Operations of its training, by count. */
  readonly flops: number;
}

/** A trial that found nothing, and why. */
export interface FailedTrial {
  /** Why. */
  readonly failed: string;
  /** Operations that it took. */
  readonly flops: number;
}

/** The embedded backend, with one thread. */
const ENGINE: Engine = {
  compile: (program, options = {}) =>
    Effect.map(makeBackends().compile(program, { ...options, backend: "cpu" }), ({ executable }) => executable),
};

const tried = ({ program, settings, epochs, seed, numerics, data }: Trial) =>
  Effect.scoped(Effect.gen(function* () {
    const dataset = unpacked(data);
    const { network } = fitProgram(parse(program), dataset.schema);
    const { plan } = planTraining(network, dataset, { ...trainingOf(settings), epochs, seed });
    const result = yield* train(ENGINE, { ...plan, compile: { numerics }, every: plan.feed.length }, () => Effect.void);
    if (result.stopped !== undefined) return { failed: "its loss is not finite", flops: result.flops };
    const answerer = yield* makeAnswerer(ENGINE, network, { numerics });
    yield* answerer.write(result.values);
    const { scores } = yield* judge(answerer, network, dataset, { split: "validation" });
    return { scores, flops: result.flops };
  }));

/** Trains a candidate and judges it. */
export const trial = (given: Trial): Promise<Tried | FailedTrial> =>
  Effect.runPromise(
    Effect.catchCause(Effect.suspend(() => tried(given)), (cause): Effect.Effect<FailedTrial> => {
      const thrown = Cause.squash(cause);
      return isFailure(thrown) ? Effect.succeed({ failed: thrown.message, flops: 0 }) : Effect.die(thrown);
    }),
  );
