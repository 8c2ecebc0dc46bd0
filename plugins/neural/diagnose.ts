/**
 * Diagnose: which tensor of a step was the first that is not finite.
 *
 * Invariant: tensors are looked at in the order in which a step computes: inputs, parameters, state, outputs, loss,
 * gradients; the answer names one of them.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { BackendsFailure } from "../backends/library.ts";
import type { Tensor } from "../ir/contract.ts";
import { isFloat, scalar, toFloats } from "../ir/library.ts";
import { BATCH } from "./contract.ts";
import type { Fed } from "./feed.ts";
import { gradientProgram, type StepOptions } from "./step.ts";
import type { Engine, Values } from "./stepper.ts";

const isFinite = (tensor: Tensor): boolean => !isFloat(tensor.dtype) || toFloats(tensor).every(Number.isFinite);

/** What a step was given. */
interface Given {
  /** Parameters and state before it. */
  readonly values: Values;
  /** Its batch. */
  readonly fed: Fed;
  /** Its seed. */
  readonly seed: bigint;
}

/** The first tensor that is not finite, in words; `the loss` where the step cannot be repeated exactly. */
export const diagnose = (
  engine: Engine,
  options: StepOptions,
  { values, fed, seed }: Given,
): Effect.Effect<string, BackendsFailure> => {
  const { network } = options;
  const named: ReadonlyArray<readonly [string, Tensor]> = [
    ...fed.inputs.map((tensor, i) => [`input ${network.inputs[i].name}`, tensor] as const),
    ...fed.targets.map((tensor, i) => [`target ${options.targets?.[i]?.name ?? i}`, tensor] as const),
    ...[...values].map(([path, tensor]) => [`tensor ${path}`, tensor] as const),
  ];
  const found = named.find(([, tensor]) => !isFinite(tensor));
  if (found !== undefined) return Effect.succeed(found[0]);
  return Effect.scoped(Effect.gen(function* () {
    const { program, results } = gradientProgram(options);
    const batch = fed.inputs[0]?.shape[0] ?? 1;
    const executable = yield* engine.compile(program, { sizes: { [BATCH]: batch } });
    const made = yield* executable.step([
      ...network.parameters.map(({ path }) => values.get(path)!),
      ...network.state.map(({ path }) => values.get(path)!),
      scalar("i64", seed),
      ...fed.inputs,
      ...fed.targets,
    ]);
    return results.find((_, i) => !isFinite(made[i])) ?? "the norm of the gradients";
  }));
};
