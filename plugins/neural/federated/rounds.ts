/**
 * Rounds: learning over clients as a stream of events: who took part, what was believed, what came of it.
 *
 * A round sends the weights to the clients it draws, waits for them no longer than it said, judges each answer, combines
 * what is left by a rule and follows it. Round 0 is the common start that every client gets.
 * Not a process manager: clients live where they live. Invariant: events are determined by the settings, the first
 * weights and what clients answer; a round with too few answers changes nothing and says so.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import { random } from "../../../kernel/random.ts";
import { attemptEffect, isNeuralFailure, type NeuralFailure, notFederated } from "../failures.ts";
import { aggregate, type ClientStep } from "./aggregate.ts";
import type { ClientFailure, FederatedClient } from "./client.ts";
import type { Score } from "./local.ts";
import { type ClientDescription, type Judged, judgeUpdate, type Order, type Rejection } from "./messages.ts";
import { epsilonOf, privateMean } from "./privacy.ts";
import { isSeed, type Sealing, unseal } from "./secure.ts";
import { follow, type ServerMemory, serverMemory, type ServerOptimiser } from "./server.ts";
import { checkSettings, type FederatedSettings } from "./settings.ts";
import { lengthOf } from "./weights.ts";

/** Where learning stands between rounds: what a later run needs to go on as if nothing had happened. */
export interface FederatedState {
  /** Rounds done. */
  readonly round: number;
  /** The weights. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** What the server remembers. */
  readonly memory: ServerMemory;
  /** The running mean of weights, where one is kept. */
  readonly mean?: Float32Array<ArrayBuffer>;
  /** The best loss so far, and its weights, where rollback asks for them. */
  readonly best?: { readonly loss: number; readonly weights: Float32Array<ArrayBuffer> };
}

/** The weights that learning gives: the running mean where one is kept. */
export const learnedWeights = ({ weights, mean }: FederatedState): Float32Array<ArrayBuffer> => mean ?? weights;

/** What happened. */
export type FederatedEvent =
  | {
    readonly kind: "start";
    /** The clients. */
    readonly clients: ReadonlyArray<ClientDescription>;
    /** Elements of the model. */
    readonly size: number;
    /** How the first weights do, where they are scored. */
    readonly score?: Score;
  }
  | {
    readonly kind: "round";
    /** Its number, from 1. */
    readonly round: number;
    /** The clients that were asked. */
    readonly asked: ReadonlyArray<string>;
    /** The clients whose updates were used. */
    readonly used: ReadonlyArray<string>;
    /** The updates that were not. */
    readonly rejected: ReadonlyArray<Rejection>;
    /** Mean of the clients' losses by their samples; absent where no update was used. */
    readonly loss?: number;
    /** Each used client's loss, in the order of `used`. */
    readonly losses: ReadonlyArray<number>;
    /** Why nothing was learned in it; absent where something was. */
    readonly skipped?: string;
    /** Whether it was undone because the loss did not fall. */
    readonly rolledBack: boolean;
    /** Length of the step that was made. */
    readonly stepLength: number;
    /** How the weights after it do, where they are scored. */
    readonly score?: Score;
    /** What was told of any client so far, at the δ of the terms. */
    readonly epsilon?: number;
    /** Where learning stands after it. */
    readonly state: FederatedState;
  };

/** What learning over clients needs. */
export interface Federation {
  /** Who trains. */
  readonly clients: ReadonlyArray<FederatedClient>;
  /** The common start: first weights, or where an earlier run stood. */
  readonly start: Float32Array<ArrayBuffer> | FederatedState;
  /** Elements of the weights that are learned; all where absent, the rest is running state. */
  readonly learned?: number;
  /** How weights do; nothing is scored where absent. */
  readonly score?: (weights: Float32Array) => Effect.Effect<Score, ClientFailure>;
}

/** The clients of a round: so many by lot, or each by chance where the account of privacy needs it. */
export const drawClients = (
  count: number,
  perRound: number,
  byChance: boolean,
  seed: string,
): ReadonlyArray<number> => {
  const all = Array.from({ length: count }, (_, i) => i);
  const chance = random(seed);
  if (byChance) return all.filter(() => chance.float() < perRound / count);
  return chance.shuffle(all).slice(0, perRound).sort((a, b) => a - b);
};

/** An update that is used. */
interface Used {
  readonly client: FederatedClient;
  readonly samples: number;
  readonly loss: number;
  readonly judged: Judged;
}

type Answer = Used | Rejection;

const isRejection = (answer: Answer): answer is Rejection => "reason" in answer;

/** Asks a client; whatever goes wrong with it is a reason not to use it, and nobody else's trouble. */
const ask = (
  client: FederatedClient,
  samples: number,
  order: Order,
  deadlineMs: number | undefined,
): Effect.Effect<Answer> => {
  const answered = Effect.map(client.train(order), (update): Answer => {
    const judged = judgeUpdate(client.id, order, update);
    return "reason" in judged ? judged : { client, samples, loss: update.loss, judged };
  });
  const timed = deadlineMs === undefined ? answered : Effect.timeoutOrElse(answered, {
    duration: deadlineMs,
    orElse: (): Effect.Effect<Answer> =>
      Effect.succeed({ client: client.id, reason: "late", detail: `no answer within ${deadlineMs} ms` }),
  });
  return Effect.catch(
    timed,
    (failure) =>
      Effect.succeed<Answer>({ client: client.id, reason: "failed", detail: `${failure.code}: ${failure.message}` }),
  );
};

const weighted = (used: ReadonlyArray<Used>): number => {
  const all = used.reduce((sum, { samples }) => sum + samples, 0);
  return used.reduce((sum, { samples, loss }) => sum + loss * samples / all, 0);
};

const stepsOf = (used: ReadonlyArray<Used>): ReadonlyArray<ClientStep> =>
  used.flatMap(({ judged, samples }) => "step" in judged ? [{ step: judged.step, samples }] : []);

/** The mean of sealed steps: their sum, without the masks that silent clients left in it; or why there is none. */
const sealedMean = (
  used: ReadonlyArray<Used>,
  sealings: ReadonlyMap<string, Sealing>,
  round: number,
  deadlineMs: number | undefined,
): Effect.Effect<Float32Array<ArrayBuffer> | string> => {
  const answered = new Set(used.map(({ client }) => client.id));
  const silent = [...sealings.keys()].filter((id) => !answered.has(id));
  const steps = used.flatMap(({ client: { id }, judged }) => "words" in judged ? [{ id, words: judged.words }] : []);
  if (steps.length < 2) return Effect.succeed("fewer than two sealed steps, whose sum would tell one of them");
  const revealing = silent.length === 0 ? [] : used;
  const revealed = Effect.forEach(revealing, ({ client }) => {
    const asked = client.reveal?.(round, silent) ?? Effect.fail(undefined);
    const seeds = deadlineMs === undefined ? asked : Effect.timeout(asked, deadlineMs);
    return Effect.flatMap(
      seeds,
      (list) =>
        list.length === silent.length && list.every(isSeed)
          ? Effect.succeed({ id: client.id, seeds: silent.map((id, i) => [id, list[i]] as const) })
          : Effect.fail(undefined),
    );
  });
  const total = used.reduce((sum, { client }) => sum + sealings.get(client.id)!.share, 0);
  return Effect.match(revealed, {
    onSuccess: (seeds) => unseal(steps, seeds).map((value) => value / total) as Float32Array<ArrayBuffer>,
    onFailure: () => `${silent.join(", ")} did not answer, and the masks they left were not revealed`,
  });
};

type RoundEvent = Extract<FederatedEvent, { readonly kind: "round" }>;

/** What a round leaves. */
interface Left {
  readonly next: FederatedState;
  readonly rolledBack: boolean;
  /** Why nothing was learned in it after all. */
  readonly lost?: string;
}

/** What a federation does round by round. */
class Course {
  private readonly perRound: number;
  private readonly learned: number;
  private readonly server: ServerOptimiser;

  constructor(
    private readonly federation: Federation,
    private readonly settings: FederatedSettings,
    private readonly described: ReadonlyArray<ClientDescription>,
    size: number,
  ) {
    this.perRound = settings.perRound ?? federation.clients.length;
    this.learned = federation.learned ?? size;
    this.server = settings.server ?? { kind: "plain" };
  }

  /** The step of a round, or why there is none. */
  private combine(
    used: ReadonlyArray<Used>,
    sealings: ReadonlyMap<string, Sealing>,
    state: FederatedState,
    seed: string,
  ): Effect.Effect<Float32Array<ArrayBuffer> | string> {
    const { privacy, rule = { kind: "mean" }, least = 1, secure = false } = this.settings;
    // A private round that skipped when few took part would tell who took part.
    if (privacy !== undefined) {
      const chance = random(`${seed}/noise`);
      return Effect.sync(() => privateMean(stepsOf(used), state.weights.length, this.perRound, privacy, chance));
    }
    if (used.length < least) return Effect.succeed(`${used.length} updates of ${least}`);
    if (secure) return sealedMean(used, sealings, state.round + 1, this.settings.deadlineMs);
    return Effect.sync(() => {
      try {
        return aggregate(stepsOf(used), rule).step;
      } catch (thrown) {
        if (!isNeuralFailure(thrown)) throw thrown;
        return thrown.message;
      }
    });
  }

  /** Who seals for whom in a round, by client; nobody where steps are open. */
  private sealings(chosen: ReadonlyArray<number>): ReadonlyMap<string, Sealing> {
    if (this.settings.secure !== true) return new Map();
    const taking = chosen.map((k) => this.described[k]);
    const roster = taking.map(({ id, key }) => ({ id, key: key! }));
    const all = taking.reduce((sum, { samples }) => sum + samples, 0);
    return new Map(taking.map(({ id, samples }) => [id, { roster, share: samples / all }]));
  }

  private after(
    state: FederatedState,
    step: Float32Array<ArrayBuffer> | string,
    loss: number | undefined,
  ): Left {
    const made = this.moved(state, step, loss);
    const { average } = this.settings;
    if (average === undefined) return made;
    const { weights, round } = made.next;
    // The first rounds count alike: a mean that began with untrained weights would carry them along.
    const kept = Math.min(average, (round - 1) / round);
    const before = state.mean ?? weights;
    const mean = weights.map((value, i) => kept * before[i] + (1 - kept) * value);
    return { ...made, next: { ...made.next, mean } };
  }

  private moved(
    state: FederatedState,
    step: Float32Array<ArrayBuffer> | string,
    loss: number | undefined,
  ): Left {
    const round = state.round + 1;
    const { rollback } = this.settings;
    if (rollback !== undefined && loss !== undefined && state.best !== undefined) {
      // The clients' losses are those of the weights the round began with, as they went on from there.
      if (!(loss < state.best.loss - rollback.minDelta)) {
        const memory = serverMemory(this.server, this.learned);
        return { next: { ...state, round, weights: state.best.weights, memory }, rolledBack: true };
      }
    }
    const best = rollback === undefined || loss === undefined ? {} : { best: { loss, weights: state.weights } };
    if (typeof step === "string") return { next: { ...state, ...best, round }, rolledBack: false };
    const followed = follow(this.server, state.memory, state.weights, step, this.learned);
    if (!followed.weights.every(Number.isFinite)) {
      return {
        next: { ...state, ...best, round },
        rolledBack: false,
        lost: "the weights after it would not be finite",
      };
    }
    return { next: { ...state, ...best, round, ...followed }, rolledBack: false };
  }

  round(state: FederatedState): Effect.Effect<RoundEvent, ClientFailure> {
    const { federation: { clients, score }, settings, described, perRound } = this;
    const round = state.round + 1;
    const seed = `${settings.seed}/round/${round}`;
    const chosen = drawClients(clients.length, perRound, settings.privacy !== undefined, `${seed}/clients`);
    const sealings = this.sealings(chosen);
    const orderOf = (id: string): Order => ({
      round,
      epochs: settings.epochs ?? 1,
      batch: settings.batch,
      rate: settings.rate,
      proximal: settings.proximal ?? 0,
      seed: `${seed}/${id}`,
      compression: settings.compression ?? { kind: "none" },
      ...(sealings.has(id) ? { sealing: sealings.get(id)! } : {}),
      weights: state.weights,
    });
    return Effect.gen({ self: this }, function* () {
      const answers = yield* Effect.forEach(
        chosen,
        (k) => ask(clients[k], described[k].samples, orderOf(clients[k].id), settings.deadlineMs),
        { concurrency: settings.atOnce ?? 1 },
      );
      const used = answers.filter((answer): answer is Used => !isRejection(answer));
      const loss = used.length === 0 ? undefined : weighted(used);
      const step = yield* this.combine(used, sealings, state, seed);
      const { next, rolledBack, lost } = this.after(state, step, loss);
      const skipped = typeof step === "string" ? step : lost;
      const scored = score === undefined ? {} : { score: yield* score(learnedWeights(next)) };
      return {
        kind: "round",
        round,
        asked: chosen.map((k) => clients[k].id),
        used: used.map(({ client }) => client.id),
        rejected: answers.filter(isRejection),
        ...(loss === undefined ? {} : { loss }),
        losses: used.map((one) => one.loss),
        ...(skipped === undefined ? {} : { skipped }),
        rolledBack,
        stepLength: typeof step === "string" || skipped !== undefined || rolledBack ? 0 : lengthOf(step),
        ...scored,
        ...(settings.privacy === undefined
          ? {}
          : { epsilon: epsilonOf(round, perRound / clients.length, settings.privacy) }),
        state: next,
      } satisfies RoundEvent;
    });
  }
}

/**
 * Learns over clients. The stream's events say all that happened; the last one's `state` holds the weights. Fails where
 * the settings have no meaning, a client does not describe itself, or scoring fails; what happens to single updates is in
 * the events.
 *
 * @example
 * ```ts
 * import { federate, type FederatedClient } from "@rmi/rmi/neural";
 * import * as Effect from "effect/Effect";
 * import * as Stream from "effect/Stream";
 * import assert from "node:assert/strict";
 * const wants = (id: string, goal: number): FederatedClient => ({
 *   id,
 *   describe: Effect.succeed({ id, samples: 1 }),
 *   train: ({ round, weights }) => {
 *     const values = weights.map((weight) => goal - weight) as Float32Array<ArrayBuffer>;
 *     return Effect.succeed({ client: id, round, loss: 0, payload: { kind: "dense", size: values.length, values } });
 *   },
 * });
 * const events = await Effect.runPromise(Stream.runCollect(federate(
 *   { clients: [wants("a", 1), wants("b", 3)], start: new Float32Array(1) },
 *   { rounds: 1, batch: 1, rate: 1, seed: 1 },
 * )));
 * const last = events[1];
 * assert.ok(last.kind === "round" && last.state.weights[0] === 2);
 * ```
 */
export const federate = (
  federation: Federation,
  settings: FederatedSettings,
): Stream.Stream<FederatedEvent, ClientFailure> =>
  Stream.unwrap(Effect.gen(function* () {
    const { clients, start, score } = federation;
    yield* attemptEffect(() => checkSettings(settings, clients));
    const described = yield* Effect.forEach(clients, ({ describe }) => describe, { concurrency: settings.atOnce ?? 1 });
    const empty = described.find(({ samples }) => !(samples > 0));
    if (empty !== undefined) {
      return yield* Effect.fail<NeuralFailure>(
        notFederated({ reason: `client ${empty.id} has no samples`, path: "/clients" }),
      );
    }
    const open = described.find(({ key }) => key === undefined);
    if (settings.secure === true && open !== undefined) {
      return yield* Effect.fail<NeuralFailure>(
        notFederated({ reason: `client ${open.id} cannot seal its steps`, path: "/secure" }),
      );
    }
    const size = (start instanceof Float32Array ? start : start.weights).length;
    const first: FederatedState = start instanceof Float32Array
      ? {
        round: 0,
        weights: start,
        memory: serverMemory(settings.server ?? { kind: "plain" }, federation.learned ?? size),
      }
      : start;
    const course = new Course(federation, settings, described, size);
    const scored = score === undefined ? {} : { score: yield* score(learnedWeights(first)) };
    const opening: FederatedEvent = { kind: "start", clients: described, size, ...scored };
    const rounds = Stream.unfold(
      first,
      (state) =>
        state.round >= settings.rounds
          ? Effect.undefined
          : Effect.map(course.round(state), (event) => [event as FederatedEvent, event.state] as const),
    );
    return Stream.concat(Stream.make(opening), rounds);
  }));
