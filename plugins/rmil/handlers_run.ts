/**
 * Handlers of check and run: text and JSON in, the library's functions, text and JSON out.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { Failure, type FailureOf, fieldsOf } from "../../kernel/failure.ts";
import type { JsonPatch } from "../../kernel/json.ts";
import { Budget } from "../../kernel/meter.ts";
import { attempting, attemptingSteps } from "./attempting.ts";
import type { Judgement } from "./check.ts";
import { checkMending, checkOpenMending } from "./check/mend.ts";
import type { Program } from "./codec/v1.ts";
import type { HostFunctions } from "./hosts/functions.ts";
import { grantedTo, hostsFrom, type HostsGiven, type HostUse } from "./hosts/operations.ts";
import { run, type RunResult } from "./interpreter.ts";
import { type GivenProgram, programFrom, type ProgramKind, programToRun } from "./program_source.ts";
import { surroundings } from "./surroundings.ts";
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

function* judged(input: CheckInput, program: Program, hosts: HostFunctions) {
  const options = { training: input.training ?? false, hosts };
  if (input.inputs === undefined) {
    const { judgement, needs, signatures } = yield* checkOpenMending(input.program, program, options);
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
  return judgementJson(yield* checkMending(input.program, program, { ...options, inputs }));
}

const checkedProgram = (input: CheckInput) =>
  Effect.gen(function* () {
    const program = yield* programFrom(input.program);
    const hosts = yield* hostsFrom(input.hosts, program.symbols, "acting");
    return yield* attemptingSteps(() => judged(input, program, hosts));
  });

type Refused = Effect.Error<ReturnType<typeof checkedProgram>>;
type Needed = Effect.Services<ReturnType<typeof checkedProgram>>;

/** The failure with another fix: with a patch, or with a sentence alone. */
const refixed = (failure: Refused, summary: string, patch: JsonPatch | undefined): Refused =>
  new Failure(
    { ...fieldsOf(failure), fix: { summary, ...(patch === undefined ? {} : { patch }) } } as never,
  ) as Refused;

/** The failure of a text that is no program: its patch mends what the check would refuse as well, or it has none. */
const unread = (input: CheckInput, failure: Refused): Effect.Effect<never, Refused, Needed> => {
  const { patch: [edit] = [], summary = "" } = failure.fix ?? {};
  if (edit === undefined || edit.op === "remove" || typeof edit.value !== "string") return Effect.fail(failure);
  return Effect.flatMap(Effect.result(checkedProgram({ ...input, program: edit.value })), (made) => {
    if (Result.isSuccess(made)) return Effect.fail(failure);
    const { patch: [next] = [], summary: then = "" } = made.failure.fix ?? {};
    return Effect.fail(
      next === undefined || next.op === "remove"
        ? refixed(failure, summary, undefined)
        : refixed(failure, `${summary}, then ${then.slice(0, 1).toLowerCase()}${then.slice(1)}`, [{
          ...next,
          path: edit.path,
        }]),
    );
  });
};

const UNREAD: ReadonlySet<string> = new Set(["RMIL_SYNTAX", "RMIL_LITERAL"]);

const checked = (input: CheckInput) =>
  Effect.catch(
    checkedProgram(input),
    (failure) => UNREAD.has(failure.code) ? unread(input, failure) : Effect.fail(failure),
  );

interface RunInput {
  readonly program: GivenProgram;
  readonly inputs?: { readonly [name: string]: ValueJson };
  readonly seed?: number;
  readonly fuel?: number;
  readonly training?: boolean;
  readonly hosts?: HostsGiven;
  readonly allow?: ReadonlyArray<ProgramKind>;
}

const ran = (use: HostUse) => (input: RunInput) =>
  Effect.gen(function* () {
    const account = yield* Budget;
    const { root, symbols } = yield* programToRun(input.program, input.allow);
    const hosts = yield* hostsFrom(input.hosts, symbols, use);
    const inputs = yield* attempting(() =>
      Object.fromEntries(
        Object.entries(input.inputs ?? {}).map(([name, json]) => [name, readValue(name, json, symbols)]),
      )
    );
    const left = account.remaining().fuel;
    const { value, fuelUsed } = yield* run(root, symbols, {
      ...yield* surroundings,
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
  "rmil.run": ran("looking"),
  "rmil.act": ran("acting"),
};
