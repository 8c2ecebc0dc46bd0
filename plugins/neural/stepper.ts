/**
 * Stepper: a training step made ready on a device: values in by name, steps, values out by name.
 *
 * Not the loop (fit.ts). Invariant: what `read` gives and `write` takes is everything that a later step depends on
 * besides its batch, seed and rate, so a run can stop and go on anywhere.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { BackendsFailure, CompileOptions, Executable } from "../backends/library.ts";
import type { Program, Tensor } from "../ir/contract.ts";
import { scalar, zeros } from "../ir/library.ts";
import { sizesOfStep, type SlotRole, type TrainingStep } from "./step.ts";

/** Whatever makes programs ready to run: a backend, or all backends behind a choice. */
export interface Engine {
  /** Makes a program ready. */
  readonly compile: (
    program: Program,
    options?: CompileOptions,
  ) => Effect.Effect<Executable, BackendsFailure, Scope.Scope>;
}

/** Tensors by the names of slots. */
export type Values = ReadonlyMap<string, Tensor>;

/** What one step is told besides its batch. */
export interface Turn {
  /** Where random draws start. */
  readonly seed: bigint;
  /** The rate. */
  readonly rate: number;
}

/** What one step gives. */
export interface Stepped {
  /** Loss of the batch. */
  readonly loss: number;
  /** Norm of the gradients before clipping. */
  readonly norm: number;
  /** Whether both are finite; where not, nothing was changed. */
  readonly finite: boolean;
  /** Measures by name. */
  readonly measures: { readonly [name: string]: number };
}

/** A training step on a device. */
export interface Stepper {
  /** Samples of a batch. */
  readonly batch: number;
  /** Takes one step. */
  readonly step: (
    inputs: ReadonlyArray<Tensor>,
    targets: ReadonlyArray<Tensor>,
    turn: Turn,
  ) => Effect.Effect<Stepped, BackendsFailure>;
  /** Sets tensors by name; those not named stay. */
  readonly write: (values: Values) => Effect.Effect<void, BackendsFailure>;
  /** Tensors on the device by name, of some roles where those are given. */
  readonly read: (roles?: ReadonlyArray<SlotRole>) => Effect.Effect<Values, BackendsFailure>;
  /** Bytes on the device. */
  readonly bytes: number;
}

const firstNumber = (tensor: Tensor): number => Number(tensor.data[0]);

/** Makes a step ready for batches of a size. Closing the scope frees it. */
export const compileStep = (
  engine: Engine,
  step: TrainingStep,
  { batch, ...options }: Pick<CompileOptions, "numerics" | "threads" | "device"> & { readonly batch: number },
): Effect.Effect<Stepper, BackendsFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const executable = yield* engine.compile(step.program, {
      ...options,
      sizes: sizesOfStep(step, batch),
      state: step.state,
    });
    const indices = new Map(step.slots.map((slot, i) => [slot.name, i]));
    return {
      batch,
      bytes: executable.explanation.bytes,
      step: (inputs, targets, { seed, rate }) =>
        Effect.map(
          executable.step([
            scalar("i64", BigInt.asIntN(64, seed)),
            scalar("f32", rate),
            ...inputs,
            ...targets,
          ]),
          ([lossOut, normOut, ...rest]) => {
            const [loss, norm] = [firstNumber(lossOut), firstNumber(normOut)];
            return {
              loss,
              norm,
              finite: Number.isFinite(loss) && Number.isFinite(norm),
              measures: Object.fromEntries(step.measures.map((name, i) => [name, firstNumber(rest[i])])),
            };
          },
        ),
      write: (values) =>
        Effect.forEach(values, ([name, tensor]) => executable.write(indices.get(name) ?? -1, tensor), {
          discard: true,
        }),
      read: (roles) =>
        Effect.map(
          Effect.forEach(
            step.slots.filter(({ role }) => roles?.includes(role) ?? true),
            ({ name }) => Effect.map(executable.read(indices.get(name)!), (tensor) => [name, tensor] as const),
          ),
          (entries) => new Map(entries),
        ),
    } satisfies Stepper;
  });

/** First values of everything but the parameters and the state of the network, which start by their own rules. */
export const firstCounters = ({ slots }: TrainingStep, scale = 1): Values =>
  new Map(
    slots.filter(({ role }) => role !== "parameter" && role !== "state").map(({ name, type }) => [
      name,
      name === "#scale" ? scalar("f32", scale) : zeros(type.dtype, type.shape),
    ]),
  );
