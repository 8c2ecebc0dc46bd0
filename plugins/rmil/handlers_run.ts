/**
 * Handlers of check and run: text and JSON in, the library's functions, text and JSON out.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import { Failure, type FailureOf, isFailure } from "../../kernel/failure.ts";
import { Budget } from "../../kernel/meter.ts";
import { attempting } from "./attempting.ts";
import { check, type Judgement } from "./check.ts";
import { repairOf } from "./check/repair.ts";
import type { Program } from "./codec/v1.ts";
import type { Expression } from "./expression.ts";
import type { HostFunctions } from "./hosts/functions.ts";
import { grantedTo, hostsFrom, type HostsGiven } from "./hosts/operations.ts";
import { fieldsOf } from "./interpreter/failures.ts";
import { run, type RunResult } from "./interpreter.ts";
import { type GivenProgram, programFrom, sourcePath } from "./program_source.ts";
import { print } from "./syntax/printer.ts";
import { showType } from "./types.ts";
import { readType, readValue, showValue, type ValueJson } from "./value_json.ts";

/** Checks; a failure that an edit mends carries the edit, as a patch on the program as it was given. */
const mending = (
  given: GivenProgram,
  { root, symbols }: Program,
  judge: (program: Expression) => Judgement,
): Judgement => {
  try {
    return judge(root);
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    const repair = repairOf(root, symbols, thrown, judge);
    if (repair === undefined) throw thrown;
    const source = print(repair.program, symbols);
    const path = sourcePath(given);
    const edit = path === undefined ? { path: "/program", value: { source } } : { path, value: source };
    const fix = { summary: repair.summary, patch: [{ op: "replace" as const, ...edit }] };
    throw new Failure({ ...fieldsOf(thrown), fix } as never);
  }
};

interface CheckInput {
  readonly program: GivenProgram;
  readonly inputs?: { readonly [name: string]: string };
  readonly training?: boolean;
  readonly hosts?: HostsGiven;
}

const judged = (input: CheckInput, program: Program, hosts: HostFunctions) => {
  const inputs = Object.fromEntries(
    Object.entries(input.inputs ?? {}).map(([name, text]) => [name, readType(name, text)]),
  );
  const options = { inputs, training: input.training ?? false, hosts };
  const made = mending(input.program, program, (root) => check(root, program.symbols, options));
  return {
    ...made,
    type: showType(made.type),
    parameters: made.parameters.map((parameter) => ({ ...parameter, type: showType(parameter.type) })),
  };
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
}

const ran = (input: RunInput) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const { root, symbols } = yield* programFrom(input.program);
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
