/**
 * Held: an executable over a function from all parameters to all results, with state kept as tensors between steps.
 *
 * Not for devices that keep state in their own memory: those read and write it there.
 * Invariant: what was given or answered never changes with later steps.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Tensor } from "../ir/contract.ts";
import { zeros } from "../ir/library.ts";
import type { Executable, Explanation } from "./contract.ts";
import type { BackendsFailure } from "./failures.ts";
import { inputsFault, type Signature, stateMisfit } from "./signature.ts";

/** Runs a program once: all parameters in, all results out. */
export type RunWhole = (parameters: ReadonlyArray<Tensor>) => Effect.Effect<ReadonlyArray<Tensor>, BackendsFailure>;

const copyOf = (value: Tensor): Tensor => ({ ...value, data: value.data.slice() });

/** The executable of a program that is run whole. */
export const heldExecutable = (signature: Signature, explanation: Explanation, run: RunWhole): Executable => {
  const { parameters, results, inputs, outputs, state } = signature;
  const held = state.map(([, parameter]) => zeros(parameters[parameter].dtype, parameters[parameter].shape));
  const where = <A>(index: number, value: Tensor | undefined, then: () => A): Effect.Effect<A, BackendsFailure> =>
    Effect.suspend(() => {
      const fault = stateMisfit(signature, index, value);
      return fault === undefined ? Effect.sync(then) : Effect.fail(fault);
    });
  return {
    inputs: inputs.map((parameter) => parameters[parameter]),
    outputs: outputs.map((result) => results[result]),
    explanation,
    step: (given) =>
      Effect.gen(function* () {
        const fault = inputsFault(signature, given);
        if (fault !== undefined) return yield* Effect.fail(fault);
        const all: Tensor[] = [];
        inputs.forEach((parameter, i) => all[parameter] = given[i]);
        state.forEach(([, parameter], i) => all[parameter] = held[i]);
        const made = yield* run(all);
        state.forEach(([result], i) => held[i] = made[result]);
        return outputs.map((result) => made[result]);
      }),
    write: (index, value) => where(index, value, () => void (held[index] = copyOf(value))),
    read: (index) => where(index, undefined, () => copyOf(held[index])),
  };
};
