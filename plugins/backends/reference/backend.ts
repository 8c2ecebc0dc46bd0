/**
 * Reference: the IR's evaluator behind the contract of backends. Every program runs, and slowly.
 *
 * Not for work: it is what other backends are judged by, and what runs when no other backend can.
 * Invariant: results are those of `evaluate`; a step gives way while it works, so it can be interrupted.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { inSlices } from "../../../kernel/slices.ts";
import type { Program, Tensor } from "../../ir/contract.ts";
import {
  attempt,
  costOf,
  DTYPE_NAMES,
  evaluateSteps,
  type Evaluation,
  functionOf,
  type IrFailure,
  isControl,
} from "../../ir/library.ts";
import type { Backend, CompileOptions, Device, Executable } from "../contract.ts";
import { type BackendsFailure, overCapacity, unknownBackend } from "../failures.ts";
import { heldExecutable } from "../held.ts";
import { asInputFailure, type Signature, signatureOf } from "../signature.ts";

/** Most bytes of live tensors of one step. */
export const REFERENCE_MEMORY_BYTES: number = 2 ** 30;

const DEVICE: Device = {
  id: "reference:0",
  backend: "reference",
  name: "the IR's evaluator",
  kind: "cpu",
  features: ["interruptible"],
  dtypes: DTYPE_NAMES,
  memoryBytes: REFERENCE_MEMORY_BYTES,
};

const failureOf = (thrown: IrFailure): BackendsFailure =>
  thrown.code === "IR_MEMORY"
    ? overCapacity({
      device: DEVICE.id,
      what: "bytes",
      limit: REFERENCE_MEMORY_BYTES,
      found: Number(thrown.actual ?? REFERENCE_MEMORY_BYTES),
      path: thrown.path,
    })
    : asInputFailure(thrown);

/** Evaluates in steps between which the call may be interrupted; a refusal is the answer, not an exception. */
const evaluation = function* (
  program: Program,
  inputs: ReadonlyArray<Tensor>,
  { sizes }: Signature,
): Generator<void, Result.Result<Evaluation, BackendsFailure>> {
  const limits = { sizes, fuel: Number.MAX_SAFE_INTEGER, maxBytes: REFERENCE_MEMORY_BYTES };
  const steps = attempt(() => evaluateSteps(program, inputs, limits));
  if (Result.isFailure(steps)) return Result.fail(failureOf(steps.failure));
  for (;;) {
    const step = attempt(() => steps.success.next());
    if (Result.isFailure(step)) return Result.fail(failureOf(step.failure));
    if (step.success.done) return Result.succeed(step.success.value);
    yield;
  }
};

const explain = (program: Program, { sizes }: Signature): Executable["explanation"] => {
  const { nodes } = functionOf(program);
  const { flops, peakBytes } = costOf(program, sizes);
  return {
    backend: DEVICE.backend,
    device: DEVICE.id,
    kernels: [{
      name: `${nodes.filter(({ op }) => !isControl(op)).length} primitives, one after another`,
      nodes: nodes.length,
      flops: Number(flops),
    }],
    bytes: peakBytes ?? 0,
  };
};

const executable = (program: Program, signature: Signature): Executable =>
  heldExecutable(signature, explain(program, signature), (all) =>
    Effect.flatMap(
      inSlices(() => evaluation(program, all, signature)),
      (made) => Effect.fromResult(Result.map(made, ({ results }) => results)),
    ));

/** The reference as a backend. */
export const referenceBackend: Backend = {
  id: DEVICE.backend,
  doc: "The IR's evaluator: every program, every dtype, one node after another; slow, and what others are judged by.",
  probe: Effect.succeed({ devices: [DEVICE] }),
  unsupported: () => [],
  compile: (program: Program, options: CompileOptions = {}) =>
    Effect.suspend(() => {
      const { device = DEVICE.id } = options;
      if (device !== DEVICE.id) return Effect.fail(unknownBackend({ backend: device, expected: [DEVICE.id] }));
      return Effect.fromResult(Result.map(signatureOf(program, options), (found) => executable(program, found)));
    }),
};
