/**
 * What tests of learning over clients share: generated samples, a small network, and clients of one trainer.
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import { random } from "../../../../kernel/random.ts";
import { cpuBackend } from "../../../../plugins/backends/cpu/mod.ts";
import { tensorOf } from "../../../../plugins/ir/library.ts";
import {
  federate,
  type FederatedEvent,
  type FederatedSettings,
  type Federation,
  initialValues,
  linear,
  type LocalTrainer,
  localTrainer,
  type Network,
  networkOfLayers,
  objectiveOf,
  relu,
  type Rows,
  sequential,
} from "../../../../plugins/neural/library.ts";

/** Points around one centre a class; the same for the same seed. */
export const blobs = (count: number, classes: number, seed: number, noise = 0.5): Rows => {
  const chance = random(`blobs ${seed}`);
  const centres = random(`centres ${classes}`);
  const places = Array.from({ length: classes }, () => [centres.normal() * 2, centres.normal() * 2]);
  const x = new Float32Array(count * 2);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    y[i] = i % classes;
    x[2 * i] = places[y[i]][0] + noise * chance.normal();
    x[2 * i + 1] = places[y[i]][1] + noise * chance.normal();
  }
  return { inputs: [tensorOf("f32", [count, 2], x)], target: tensorOf("i32", [count], y) };
};

/** Two inputs, a hidden layer, four classes. */
export const smallNetwork = (): Network =>
  networkOfLayers(sequential(linear({ width: 12 }), relu(), linear({ width: 4 })), { x: "f32[B,2]" });

/** A trainer of a network for classes. */
export const trainerOf = (
  network: Network,
  batch: number,
): Effect.Effect<LocalTrainer, unknown, Scope.Scope> =>
  localTrainer(cpuBackend, network, objectiveOf(network, { kind: "crossEntropy" }), {
    batch,
    initial: (seed) => {
      const { parameters, state } = initialValues(network, seed);
      return [...parameters, ...state];
    },
  });

/** Runs an effect that needs a scope. */
export const inScope = <A>(body: Effect.Effect<A, unknown, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(body) as Effect.Effect<A>);

/** All events. */
export const eventsOf = (
  federation: Federation,
  settings: FederatedSettings,
): Effect.Effect<ReadonlyArray<FederatedEvent>, unknown> => Stream.runCollect(federate(federation, settings));

/** The rounds among events. */
export const roundsOf = (events: ReadonlyArray<FederatedEvent>) => events.filter((event) => event.kind === "round");
