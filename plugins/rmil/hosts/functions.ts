/**
 * Host functions: functions of the surrounding system that a program calls by a free name, `name(args)`, with declared
 * types and effects.
 *
 * Not operations (those are for people and agents) and not trusted: arguments and results are checked at every call.
 * Invariant: a function whose authorities were not granted is never entered; what a program may call shows in
 * the check's judgement before anything runs.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import { AUTHORITIES, type Authority, type EffectName, Failure, type Kind, nearest } from "../../../kernel/mod.ts";
import { badText } from "../failures.ts";
import { hostArgument, hostArity, hostDenied, hostFailed, hostResult, unknownHostFunction } from "./failures.ts";
import { fn, showType, type Type } from "../types.ts";
import type { Value } from "../value.ts";
import { conformed, noBindings, showValueType } from "./types.ts";

/** Longest time that a host function may take where it declares none. */
export const DEFAULT_TIME_LIMIT_MS = 10_000;

/** Longest name of a host function, in characters. */
export const MAX_NAME_LENGTH = 128;

/** A host function. */
export interface HostFunction {
  /** The name by which programs call it. */
  readonly name: string;
  /** What it does, in one sentence. */
  readonly doc: string;
  /** Types of its arguments. */
  readonly inputs: ReadonlyArray<Type>;
  /** Type of its result. */
  readonly output: Type;
  /** Effect classes it needs; none for a function of its arguments alone. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds it needs. */
  readonly kinds: ReadonlyArray<Kind>;
  /** Longest time for one call. */
  readonly timeLimitMs?: number;
  /** What it does. */
  readonly run: (args: ReadonlyArray<Value>) => Effect.Effect<Value, Failure>;
}

/** The authorities that a function needs, classes first. */
export const authoritiesOfHost = ({ effects, kinds }: HostFunction): ReadonlyArray<Authority> =>
  AUTHORITIES.filter((name) => [...effects, ...kinds].includes(name as never));

/** The functions that programs of one run may call. */
export class HostFunctions {
  readonly #functions = new Map<string, HostFunction>();

  /** Holds these functions. */
  constructor(functions: Iterable<HostFunction> = []) {
    for (const each of functions) this.register(each);
  }

  /** Adds a function; one of the same name is replaced. Throws `RMIL_TEXT` for a name that no program can write. */
  register(added: HostFunction): void {
    const { name } = added;
    if (name.length > MAX_NAME_LENGTH || !/^[A-Za-z_]\w*$/u.test(name)) {
      throw badText({ what: "host function's name", reason: `"${name.slice(0, MAX_NAME_LENGTH)}" is no identifier` });
    }
    this.#functions.set(name, added);
  }

  /** Removes a function; whether there was one. */
  unregister(name: string): boolean {
    return this.#functions.delete(name);
  }

  /** The function of a name. */
  get(name: string): HostFunction | undefined {
    return this.#functions.get(name);
  }

  /** The type of a function. */
  signature(name: string): Type | undefined {
    const found = this.#functions.get(name);
    return found === undefined ? undefined : fn(found.inputs, [found.output]);
  }

  /** Names, in order. */
  get names(): ReadonlyArray<string> {
    return [...this.#functions.keys()].sort();
  }

  /** Number of functions. */
  get size(): number {
    return this.#functions.size;
  }

  /** Calls a function with checked arguments, within its time, and checks what it gives. */
  call(
    name: string,
    args: ReadonlyArray<Value>,
    granted: ReadonlyArray<Authority>,
  ): Effect.Effect<Value, Failure> {
    const found = this.#functions.get(name);
    return found === undefined ? Effect.fail(this.unknown(name)) : callHost(found, args, granted);
  }

  /** The failure for a name that no function has. */
  unknown(name: string, path = ""): Failure {
    return unknownHostFunction({ name, path, suggestions: nearest(name, this.names, 3) });
  }
}

/** Calls a function with checked arguments, within its time, and checks what it gives. */
export const callHost = (
  called: HostFunction,
  args: ReadonlyArray<Value>,
  granted: ReadonlyArray<Authority>,
): Effect.Effect<Value, Failure> =>
  Effect.suspend(() => {
    const { name, inputs, output } = called;
    const denied = authoritiesOfHost(called).find((authority) => !granted.includes(authority));
    if (denied !== undefined) return Effect.fail(hostDenied({ name, authority: denied, expected: denied }));
    const fault = arityFault(called, args.length);
    if (fault !== undefined) return Effect.fail(fault);
    const bindings = noBindings();
    const values: Array<Value> = [];
    for (const [index, value] of args.entries()) {
      const taken = conformed(inputs[index], value, bindings);
      if (taken === undefined) return Effect.fail(argumentFault(called, index, showValueType(value)));
      values.push(taken);
    }
    return Effect.flatMap(guarded(called, values), (value) => {
      const absent = value.k === "Nil" && output.k !== "Void" && output.k !== "Opaque";
      const given = absent ? undefined : conformed(output, value, bindings);
      const wanted = showType(output);
      return given === undefined
        ? Effect.fail(hostResult({ name, wanted, found: showValueType(value), expected: wanted }))
        : Effect.succeed(given);
    });
  });

/** The failure of a call with another number of arguments; `undefined` where the number is right. */
export const arityFault = ({ name, inputs }: HostFunction, given: number, path = ""): Failure | undefined =>
  inputs.length === given
    ? undefined
    : hostArity({ name, takes: inputs.length, given, path, expected: inputs.length, actual: given });

/** The failure of an argument that is not of the declared type. */
export const argumentFault = ({ name, inputs }: HostFunction, index: number, found: string, path = ""): Failure => {
  const wanted = showType(inputs[index]);
  return hostArgument({ name, index, wanted, found, path, expected: wanted, actual: found });
};

/** Runs a function within its time; whatever breaks in it is its failure and nobody else's. */
const guarded = (
  { name, run, timeLimitMs = DEFAULT_TIME_LIMIT_MS }: HostFunction,
  args: ReadonlyArray<Value>,
): Effect.Effect<Value, Failure> =>
  Effect.suspend(() => run(args)).pipe(
    Effect.timeoutOrElse({
      duration: timeLimitMs,
      orElse: () => Effect.fail(hostFailed({ name, reason: `no answer within ${timeLimitMs} ms` })),
    }),
    Effect.catchCause((cause): Effect.Effect<never, Failure> => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt;
      const reason = Cause.squash(cause);
      if (reason instanceof Failure) return Effect.fail(reason);
      return Effect.fail(hostFailed({ name, reason: reason instanceof Error ? reason.message : String(reason) }));
    }),
  );
