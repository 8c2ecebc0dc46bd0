/**
 * Handlers of check and run: text and JSON in, the library's functions, text and JSON out.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { FailureOf } from "../../kernel/failure.ts";
import { Budget } from "../../kernel/meter.ts";
import { attempting } from "./attempting.ts";
import type { Judgement } from "./check.ts";
import { checkMending, checkOpenMending } from "./check/mend.ts";
import type { Program } from "./codec/v1.ts";
import type { HostFunctions } from "./hosts/functions.ts";
import { grantedTo, hostsFrom, type HostsGiven } from "./hosts/operations.ts";
import { run, type RunResult } from "./interpreter.ts";
import { type GivenProgram, programFrom, type ProgramKind, programToRun } from "./program_source.ts";
import { showType } from "./types.ts";
import { readType, readValue, showValue, type ValueJson } from "./value_json.ts";

interface CheckInput {
  readonly program: GivenProgram;
  readonly inputs?: { readonly [name: string]: string };
  readonly training?: boolean;
  readonly hosts?: HostsGiven;
}

const judgementJson = (made: Judgement) => ({
  ...made,
  type: showType(made.type),
  parameters: made.parameters.map((parameter) => ({ ...parameter, type: showType(parameter.type) })),
});

const judged = (input: CheckInput, program: Program, hosts: HostFunctions) => {
  const options = { training: input.training ?? false, hosts };
  if (input.inputs === undefined) {
    const { judgement, needs, signatures } = checkOpenMending(input.program, program, options);
    if (needs.length === 0) return judgementJson(judgement);
    const shown = signatures.map((signature) => ({
      ...signature,
      input: showType(signature.input),
      type: showType(signature.type),
    }));
    return { ...judgementJson(judgement), needs, signatures: shown };
  }
  const inputs = Object.fromEntries(
    Object.entries(input.inputs).map(([name, text]) => [name, readType(name, text)]),
  );
  return judgementJson(checkMending(input.program, program, { ...options, inputs }));
};

const checked = (input: CheckInput) =>
  Effect.gen(function* () {
    const program = yield* programFrom(input.program);
    const hosts = yield* hostsFrom(input.hosts, program.symbols);
    return yield* attempting(() => judged(input, program, hosts));
  });

interface RunInput {
  readonly program: GivenProgram;
  readonly inputs?: { readonly [name: string]: ValueJson };
  readonly seed?: number;
  readonly fuel?: number;
  readonly training?: boolean;
  readonly hosts?: HostsGiven;
  readonly allow?: ReadonlyArray<ProgramKind>;
}

const ran = (input: RunInput) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const { root, symbols } = yield* programToRun(input.program, input.allow);
    const hosts = yield* hostsFrom(input.hosts, symbols);
    const inputs = yield* attempting(() =>
      Object.fromEntries(
        Object.entries(input.inputs ?? {}).map(([name, json]) => [name, readValue(name, json, symbols)]),
      )
    );
    const left = account.remaining().fuel;
    const { value, fuelUsed } = yield* run(root, symbols, {
      inputs,
      seed: input.seed ?? 0,
      fuel: Math.min(input.fuel ?? left, left),
      training: input.training ?? false,
      hosts,
      granted: grantedTo(input.hosts),
    }) as Effect.Effect<RunResult, FailureOf<`RMIL_${string}` | `KERNEL_${string}`>>;
    yield* account.spend("fuel", fuelUsed);
    return { value: showValue(value, symbols), fuelUsed };
  });

/** The handlers. */
export const runHandlers = {
  "rmil.check": checked,
  "rmil.run": ran,
};
