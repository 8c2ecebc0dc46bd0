/**
 * Check: what a program is, without running it: type, parameters, effects, cost.
 *
 * Not the interpreter, whose rules it follows form by form.
 * Invariant: a program that passes on given input types runs on inputs of those types without a failure of shapes or
 * kinds, and gives a value of the type stated; what depends on values (division by zero, indices, fuel) is left to the run.
 *
 * @module
 */
import { type EffectName, isFailure, type Kind } from "../../kernel/mod.ts";
import type { Dimension } from "../ir/contract.ts";
import { addDimensions } from "../ir/library.ts";
import { Judge } from "./check/judge.ts";
import { bytesOfKnown, type Known, knownOfType, type Scope, typeOfKnown } from "./check/known.ts";
import type { Fault } from "./check/fault.ts";
import type { Tally } from "./check/tally.ts";
import { atOnce, drive, type Entered } from "./check/walk.ts";
import type { Expression } from "./expression.ts";
import type { HostFunction, HostFunctions } from "./hosts/functions.ts";
import { freeNames } from "./interpreter/free_names.ts";
import { namedHosts, placeInputs } from "./interpreter.ts";
import { isOpen } from "./lowering/sizes.ts";
import type { Symbols } from "./symbols.ts";
import type { Type } from "./types.ts";

/** A learned parameter of a program. */
export interface JudgedParameter {
  /** Path of the expression, then the parameter's name. */
  readonly path: string;
  /** Its type. */
  readonly type: Type;
  /** Its elements. */
  readonly count: Dimension;
  /** False for running statistics. */
  readonly learned: boolean;
}

/** What a check answers. */
export interface Judgement {
  /** Type of the output. */
  readonly type: Type;
  /** Parameters, in the order in which a run meets them. */
  readonly parameters: ReadonlyArray<JudgedParameter>;
  /** Elements of all learned parameters. */
  readonly parameterCount: Dimension;
  /** Effect classes a run needs. */
  readonly effects: ReadonlyArray<EffectName>;
  /** Finer kinds a run needs. */
  readonly kinds: ReadonlyArray<Kind>;
  /** Floating-point operations. */
  readonly flops: Dimension;
  /** Bytes read and written. */
  readonly bytes: Dimension;
  /** Most bytes held at once, parameters included; absent while a size is unknown. */
  readonly peakBytes?: number;
  /** Whether all of the cost could be counted: no unknown input, loop length or branch. */
  readonly exact: boolean;
}

/** What a check is told. */
export interface CheckOptions {
  /** Types of inputs by name, placed as a run places values. */
  readonly inputs?: { readonly [name: string]: Type };
  /** Whether it is judged as it trains. */
  readonly training?: boolean;
  /** Functions of the system around a run, bound to names that nothing else binds. */
  readonly hosts?: HostFunctions;
}

const shown = (size: Dimension): Dimension =>
  typeof size === "number" ? size : isOpen(size) ? "?" : size.replace(/\b_([0-9]+)\b/gu, "?$1");

/** What a check found: the judgement of a program without faults, or its faults. */
export interface Checked {
  /** The judgement; absent where there are faults. */
  readonly judgement?: Judgement;
  /** What is wrong, in the order in which a run would meet it. */
  readonly faults: ReadonlyArray<Fault>;
  /** Expressions judged, as often as they were: what the check cost. */
  readonly steps: number;
}

/** Checks a program; throws the first failure, with the path of the expression. */
export const check = (program: Expression, symbols: Symbols, options: CheckOptions = {}): Judgement => {
  const { judgement, faults } = checkAll(program, symbols, options);
  if (judgement === undefined) throw faults[0].failure;
  return judgement;
};

/** Checks a program to its end, over faults: of an expression that is wrong nothing is known, and the check goes on. */
export const checkAll = (program: Expression, symbols: Symbols, options: CheckOptions = {}): Checked =>
  atOnce(checkSteps(program, symbols, options));

/** Checks as {@link checkAll} does, giving way now and then. */
export function* checkSteps(
  program: Expression,
  symbols: Symbols,
  options: CheckOptions = {},
): Generator<void, Checked> {
  const types = options.inputs ?? {};
  const hosts = namedHosts(symbols, options.hosts);
  const judge = new Judge(program, symbols, {
    training: options.training ?? false,
    isClosed: Object.values(types).every(isData),
    hosts: hostsRead(program, hosts),
  });
  const known = Object.fromEntries(
    Object.entries(types).map(([name, type]) => [name, knownOfType(type, judge.fresh)]),
  );
  const { bound, input } = placeInputs<Known>(program, symbols, known, (items) => ({ k: "Tuple", items }));
  const named: ReadonlyArray<readonly [number, Known]> = [
    ...hosts.map(([sym, host]) => [sym, { k: "Function", host }] as const),
    ...bound,
  ];
  const scope = named.reduce<Scope | undefined>((outer, [sym, own]) => ({ sym, known: own, outer }), undefined);
  const made = yield* walked(judge, judge.judge(program, input, scope, "", true));
  const faults = judge.faults.found;
  const { steps } = judge;
  return made === undefined || faults.length > 0
    ? { faults, steps }
    : { judgement: judgementOf(made, judge.tally), faults, steps };
}

/** Host functions that a program reads by name. */
const hostsRead = (
  program: Expression,
  hosts: ReadonlyArray<readonly [number, HostFunction]>,
): ReadonlyArray<HostFunction> => {
  if (hosts.length === 0) return [];
  const free = freeNames(program);
  return hosts.filter(([sym]) => free.has(sym)).map(([, host]) => host);
};

/** Whether values of a type hold no function and no program. */
const isData = (type: Type): boolean =>
  type.k === "Tuple" || type.k === "Union"
    ? type.items.every(isData)
    : type.k !== "Var" && type.k !== "Opaque" && type.k !== "Fn";

/** Walks; a walk that is too long or too deep ends with that failure among the others. */
function* walked(judge: Judge, entered: Entered): Generator<void, Known | undefined> {
  try {
    return yield* drive(entered, judge.recover);
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    judge.faults.add(thrown, { path: thrown.path, input: undefined, scope: undefined });
    return undefined;
  }
}

const judgementOf = (made: Known, tally: Tally): Judgement => {
  const found = [...tally.parameters.values()];
  const weights = found.reduce<number | undefined>((sum, parameter) => {
    const bytes = bytesOfKnown(parameter.known);
    return sum === undefined || typeof bytes !== "number" ? undefined : sum + bytes;
  }, 0);
  return {
    type: typeOfKnown(made),
    parameters: found.map(({ path, known: own, count, learned }) => ({
      path,
      type: typeOfKnown(own),
      count: shown(count),
      learned,
    })),
    parameterCount: shown(addDimensions(0, ...found.filter(({ learned }) => learned).map(({ count }) => count))),
    effects: tally.effects,
    kinds: tally.kinds,
    flops: shown(tally.cost.flops),
    bytes: shown(tally.cost.bytes),
    ...(tally.peak === undefined || weights === undefined ? {} : { peakBytes: tally.peak + weights }),
    exact: tally.exact,
  };
};
