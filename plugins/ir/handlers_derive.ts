/**
 * Handlers of the operations that derive programs from programs.
 *
 * Invariant: runs that calibration needs give way between nodes and are paid from the call's fuel.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { Budget } from "../../kernel/meter.ts";
import type { HandlerOf } from "../../kernel/plugin.ts";
import { type Random, random } from "../../kernel/random.ts";
import { inSlices } from "../../kernel/slices.ts";
import { batchProgram } from "./batch.ts";
import { attempt, attemptEffect, attemptSteps, badGradientTarget, type IrFailure, locate } from "./failures.ts";
import { grad } from "./grad.ts";
import type { Program } from "./graph.ts";
import { programDigest } from "./hash.ts";
import { tensorFromJson, type TensorJson } from "./interchange.ts";
import { jvp } from "./jvp.ts";
import type { Batch, Cross, Grad, Mutate, Quantize, Undo } from "./operations_derive.ts";
import { type QuantizedProgram, type QuantizeOptions, quantizeSteps } from "./quantize/quantize.ts";
import type { Deviation } from "./quantize/scheme.ts";
import { parseProgram, printProgram } from "./text.ts";
import { cross } from "./variation/cross.ts";
import { mutate, undoMutation } from "./variation/mutate.ts";

type InputOf<O extends { readonly input: unknown }> = O["input"] extends { readonly Type: infer T } ? T : never;

const made = (program: Program) => ({ program: printProgram(program), digest: programDigest(program) });

/** What forward mode has no use for. */
const REVERSE_ONLY = ["result", "cotangent", "bound", "checkpoint"] as const;

const derived = ({ program, mode, ...options }: InputOf<typeof Grad>): Program => {
  if (mode !== "forward") return grad(parseProgram(program), options);
  const extra = REVERSE_ONLY.find((name) => options[name] !== undefined);
  if (extra !== undefined) {
    throw badGradientTarget({
      reason: `forward mode takes no ${extra}`,
      path: `/${extra}`,
      fix: { summary: "Leave it out", patch: [{ op: "remove", path: `/${extra}` }] },
    });
  }
  const { wrt, value } = options;
  return jvp(parseProgram(program), {
    ...(wrt === undefined ? {} : { wrt }),
    ...(value === undefined ? {} : { value }),
  });
};

const readLists = (lists: ReadonlyArray<ReadonlyArray<TensorJson>> | undefined, path: string) =>
  lists?.map((inputs, i) =>
    inputs.map((input, k) => {
      const at = `${path}/${i}/${k}`;
      return locate(at, () => tensorFromJson(input, at));
    })
  );

/** A quantisation in steps; a refusal is the answer, not an exception. */
const quantization = (
  { program, weights, calibration, heldOut, scheme }: InputOf<typeof Quantize>,
  fuel: number,
): Generator<void, Result.Result<QuantizedProgram, IrFailure>, void> =>
  attemptSteps(() => {
    const read = Object.entries(weights ?? {}).map(([name, json]) => {
      const at = `/weights/${name}`;
      return [name, locate(at, () => tensorFromJson(json, at))] as const;
    });
    const options: QuantizeOptions = {
      weights: Object.fromEntries(read),
      fuel,
      calibration: readLists(calibration, "/calibration") ?? [],
      ...(heldOut === undefined ? {} : { heldOut: readLists(heldOut, "/heldOut")! }),
      ...(scheme === undefined ? {} : { scheme }),
    };
    return quantizeSteps(parseProgram(program), options);
  });

const finite = (value: number): number | "inf" => Number.isFinite(value) ? value : "inf";

const deviationJson = ({ max, mean, sqnrDb }: Deviation) => ({
  max: finite(max),
  mean: finite(mean),
  ...(Number.isFinite(sqnrDb) ? { sqnrDb } : {}),
});

/** Children of one call, between which it may be interrupted. */
const children = <A extends { readonly program: Program; readonly record: unknown }>(
  seed: string | number,
  count: number,
  prepare: () => (draws: Random) => A,
) => {
  const work = function* (): Generator<void, Result.Result<ReadonlyArray<ReturnType<typeof child>>, IrFailure>> {
    const start = attempt(prepare);
    if (Result.isFailure(start)) return Result.fail(start.failure);
    const offspring: Array<ReturnType<typeof child>> = [];
    for (let i = 0; i < count; i++) {
      const next = attempt(() => child(start.success(random(seed).split(i))));
      if (Result.isFailure(next)) return Result.fail(next.failure);
      offspring.push(next.success);
      yield;
    }
    return Result.succeed(offspring);
  };
  const child = ({ program, record }: A) => ({ ...made(program), record: record as A["record"] });
  return Effect.map(Effect.flatMap(inSlices(work), Effect.fromResult), (offspring) => ({ offspring }));
};

/** The handlers, by operation. */
export const derivingHandlers: {
  readonly "ir.grad": HandlerOf<typeof Grad, never>;
  readonly "ir.batch": HandlerOf<typeof Batch, never>;
  readonly "ir.quantize": HandlerOf<typeof Quantize, never>;
  readonly "ir.mutate": HandlerOf<typeof Mutate, never>;
  readonly "ir.undo": HandlerOf<typeof Undo, never>;
  readonly "ir.cross": HandlerOf<typeof Cross, never>;
} = {
  "ir.grad": (input) => attemptEffect(() => made(derived(input))),
  "ir.batch": ({ program, ...options }) => attemptEffect(() => made(batchProgram(parseProgram(program), options))),
  "ir.quantize": (input) =>
    Effect.gen(function* () {
      const account = yield* Budget;
      const { fuel } = account.remaining();
      const { program, report, fuelUsed } = yield* Effect.fromResult(yield* inSlices(() => quantization(input, fuel)));
      yield* account.spend("fuel", fuelUsed);
      const tensors = report.tensors.map(({ error, ...tensor }) => ({ ...tensor, error: deviationJson(error) }));
      return { ...made(program), report: { ...report, tensors, results: report.results.map(deviationJson) } };
    }),
  "ir.mutate": ({ program, seed, count, kinds, use, parameters }) =>
    children(seed, count ?? 1, () => {
      const parent = parseProgram(program);
      const options = {
        ...(kinds === undefined ? {} : { kinds }),
        ...(use === undefined ? {} : { use }),
        ...(parameters === undefined ? {} : { parameters }),
      };
      return (draws) => mutate(parent, draws, options);
    }),
  "ir.undo": ({ program, record }) => attemptEffect(() => made(undoMutation(parseProgram(program), record))),
  "ir.cross": ({ first, second, seed, count, kinds }) =>
    children(seed, count ?? 1, () => {
      const [a, b] = [first, second].map((text) => parseProgram(text));
      return (draws) => cross(a, b, draws, kinds === undefined ? {} : { kinds });
    }),
};
