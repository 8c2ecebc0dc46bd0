/**
 * Host functions: functions of the surrounding system that a program calls by a free name, `name(args)`, with declared
 * types and effects.
 *
 * Not operations (those are for people and agents) and not trusted: arguments and results are checked at every call.
 * Invariant: a function whose authorities were not granted is never entered; what a program may call shows in
 * `hostJudgement` before anything runs.
 *
 * @module
 */
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import {
  AUTHORITIES,
  type Authority,
  type EffectName,
  EFFECTS,
  Failure,
  type Kind,
  KINDS,
  nearest,
} from "../../../kernel/mod.ts";
import type { Program } from "../codec/v1.ts";
import { type Expression, Tag } from "../expression.ts";
import { badText } from "../failures.ts";
import { hostArgument, hostArity, hostDenied, hostFailed, hostResult, unknownHostFunction } from "./failures.ts";
import { fn, scalar, showType, type Type } from "../types.ts";
import type { Value } from "../value.ts";
import { conformed, floatValue, noBindings, numberOf, showValueType } from "./host_types.ts";
import { boundedCount } from "./key.ts";
import { showPath } from "./patch.ts";
import { walkScoped } from "./scope.ts";

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
    return Effect.suspend(() => {
      const found = this.#functions.get(name);
      if (found === undefined) return Effect.fail(this.unknown(name));
      const denied = authoritiesOfHost(found).find((authority) => !granted.includes(authority));
      if (denied !== undefined) return Effect.fail(hostDenied({ name, authority: denied, expected: denied }));
      const bindings = noBindings();
      const fault = arityFault(found, args.length);
      if (fault !== undefined) return Effect.fail(fault);
      const values: Array<Value> = [];
      for (const [index, value] of args.entries()) {
        const taken = conformed(found.inputs[index], value, bindings);
        if (taken === undefined) return Effect.fail(argumentFault(found, index, showValueType(value)));
        values.push(taken);
      }
      return Effect.flatMap(guarded(found, values), (value) => {
        const absent = value.k === "Nil" && found.output.k !== "Void" && found.output.k !== "Opaque";
        const given = absent ? undefined : conformed(found.output, value, bindings);
        const wanted = showType(found.output);
        return given === undefined
          ? Effect.fail(hostResult({ name, wanted, found: showValueType(value), expected: wanted }))
          : Effect.succeed(given);
      });
    });
  }

  /** The failure for a name that no function has. */
  unknown(name: string, path = ""): Failure {
    return unknownHostFunction({ name, path, suggestions: nearest(name, this.names, 3) });
  }
}

const arityFault = ({ name, inputs }: HostFunction, given: number, path = ""): Failure | undefined =>
  inputs.length === given
    ? undefined
    : hostArity({ name, takes: inputs.length, given, path, expected: inputs.length, actual: given });

const argumentFault = ({ name, inputs }: HostFunction, index: number, found: string, path = ""): Failure => {
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

/** What a program would call, known before it runs. */
export interface HostJudgement {
  /** Names of the functions it refers to, in order. */
  readonly functions: ReadonlyArray<string>;
  /** Effect classes they need. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds they need. */
  readonly kinds: ReadonlyArray<Kind>;
  /** Calls with the wrong number of arguments or with literals of the wrong type. */
  readonly faults: ReadonlyArray<Failure>;
}

/** Judges the calls of host functions in a program. A free name that no function has is not judged: it may be an input. */
export const hostJudgement = ({ symbols, root }: Program, functions: HostFunctions): HostJudgement => {
  boundedCount(root, "program");
  const used = new Map<string, HostFunction>();
  const faults: Array<Failure> = [];
  const calledAt = (node: Expression): HostFunction | undefined =>
    node.tag === Tag.Ref ? functions.get(symbols.nameOf(node.code) ?? "") : undefined;
  walkScoped(root, (node, scope, path) => {
    if (node.tag === Tag.Ref && !scope.has(node.code)) {
      const found = calledAt(node);
      if (found !== undefined) used.set(found.name, found);
    }
    if (node.tag !== Tag.Call || scope.has(node.children[0].code)) return;
    const found = calledAt(node.children[0]);
    if (found === undefined) return;
    const args = node.children.slice(1);
    const arity = arityFault(found, args.length, showPath(path));
    if (arity !== undefined) faults.push(arity);
    else faults.push(...literalFaults(found, args, path));
  });
  const needed = new Set([...used.values()].flatMap(authoritiesOfHost));
  return {
    functions: [...used.keys()].sort(),
    effects: EFFECTS.filter((name) => needed.has(name)),
    kinds: KINDS.filter((name) => needed.has(name)),
    faults,
  };
};

const literalFaults = (
  found: HostFunction,
  args: ReadonlyArray<Expression>,
  path: ReadonlyArray<number>,
): ReadonlyArray<Failure> => {
  const bindings = noBindings();
  return args.flatMap((argument, index) =>
    argument.tag !== Tag.Lit || conformed(found.inputs[index], argument.value, bindings) !== undefined
      ? []
      : [argumentFault(found, index, showValueType(argument.value), showPath([...path, index + 1]))]
  );
};

const F64 = scalar("f64");

const numeric = (
  name: string,
  doc: string,
  arity: number,
  compute: (...args: ReadonlyArray<number>) => number,
): HostFunction => ({
  name,
  doc,
  inputs: Array.from({ length: arity }, () => F64),
  output: F64,
  effects: [],
  kinds: [],
  run: (args) => Effect.sync(() => floatValue(compute(...args.map(numberOf)))),
});

/** Halves go away from zero; adding a half first would round 0.49999999999999994 up. */
const roundHalfAway = (x: number): number => {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
};

/** The original's mathematical host functions. */
export const mathPrelude: ReadonlyArray<HostFunction> = [
  numeric("ffi_sqrt", "Square root.", 1, Math.sqrt),
  numeric("ffi_floor", "Largest integer not above.", 1, Math.floor),
  numeric("ffi_ceil", "Smallest integer not below.", 1, Math.ceil),
  numeric("ffi_round", "Nearest integer, halves away from zero.", 1, roundHalfAway),
  numeric("ffi_abs", "Magnitude.", 1, Math.abs),
  numeric("ffi_atan2", "Angle of the point (x, y) from its coordinates y, x.", 2, Math.atan2),
];
