/**
 * Handlers of the operations that judge programs, make them cheaper, and write them as bytes.
 *
 * Invariant: optimisation gives way between passes.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { HandlerOf } from "../../kernel/plugin.ts";
import { inSlices } from "../../kernel/slices.ts";
import { decodeProgram, encodeProgram } from "./binary.ts";
import type { ProgramCost } from "./cost.ts";
import { attempt, attemptEffect, badBinary, type IrFailure } from "./failures.ts";
import type { Program } from "./graph.ts";
import { programDigest } from "./hash.ts";
import type { Decode, Encode, Optimize, Verify } from "./operations_improve.ts";
import { type OptimisedProgram, type OptimiseOptions, optimiseSteps } from "./optimise.ts";
import { parseFunctions, parseProgram, printProgram } from "./text.ts";
import { verify } from "./verifier.ts";

const HEX = /^(?:[0-9a-fA-F]{2})*$/u;

const bytesOf = (hex: string): Uint8Array => {
  if (HEX.test(hex)) return Uint8Array.fromHex(hex);
  throw badBinary({ offset: 0, reason: "it is not written in pairs of hexadecimal digits", path: "/bytes" });
};

const costJson = (cost: ProgramCost | undefined, name: "costBefore" | "costAfter") =>
  cost === undefined ? {} : { [name]: { flops: cost.flops, bytes: cost.bytes, nodes: cost.nodes } };

const optimisation = function* (
  text: string,
  options: OptimiseOptions,
): Generator<void, Result.Result<OptimisedProgram, IrFailure>> {
  const program = attempt(() => parseProgram(text));
  if (Result.isFailure(program)) return Result.fail(program.failure);
  return Result.succeed(yield* optimiseSteps(program.success, options));
};

const made = (program: Program) => ({ program: printProgram(program), digest: programDigest(program) });

/** Handlers of {@link Verify}, {@link Optimize}, {@link Encode} and {@link Decode}. */
export const improvingHandlers: {
  readonly "ir.verify": HandlerOf<typeof Verify, never>;
  readonly "ir.optimize": HandlerOf<typeof Optimize, never>;
  readonly "ir.encode": HandlerOf<typeof Encode, never>;
  readonly "ir.decode": HandlerOf<typeof Decode, never>;
} = {
  "ir.verify": ({ program, ...options }) => attemptEffect(() => verify(parseFunctions(program), options)),
  "ir.optimize": ({ program, ...options }) =>
    Effect.gen(function* () {
      const { program: after, stats } = yield* Effect.fromResult(yield* inSlices(() => optimisation(program, options)));
      const { costBefore, costAfter, ...counts } = stats;
      const costs = { ...costJson(costBefore, "costBefore"), ...costJson(costAfter, "costAfter") };
      return { ...made(after), stats: { ...counts, ...costs } };
    }),
  "ir.encode": ({ program }) =>
    attemptEffect(() => {
      const parsed = parseProgram(program);
      return { bytes: encodeProgram(parsed).toHex(), digest: programDigest(parsed) };
    }),
  "ir.decode": ({ bytes }) => attemptEffect(() => made(decodeProgram(bytesOf(bytes)))),
};
