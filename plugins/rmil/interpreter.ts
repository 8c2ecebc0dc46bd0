/**
 * Interpreter: the reference. Runs a program on inputs, slowly and obviously, within fuel and memory.
 *
 * Not a backend and not a check: what does not fit is a failure at the point where it is met.
 * Invariant: every program gives a value or a typed failure, whatever the inputs; the same program, inputs and seed give
 * the same value.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Authority, Failure } from "../../kernel/mod.ts";
import { type AgentPort, LocalAgents } from "./agent_port.ts";
import type { Expression } from "./expression.ts";
import { freeNames } from "./interpreter/free_names.ts";
import type { HostFunction, HostFunctions } from "./hosts/functions.ts";
import { Machine, type MachineOptions } from "./interpreter/machine.ts";
import { type Environment, runTuple, type RunValue } from "./interpreter/run_value.ts";
import { type Nested, runWork, runWorkNow } from "./interpreter/work.ts";
import { symbolicDefault } from "./symbolic_default.ts";
import type { Symbolic } from "./symbolic.ts";
import type { Symbols } from "./symbols.ts";
import type { TensorValue } from "./value.ts";

/** Steps of a run where nothing is said. */
export const DEFAULT_FUEL = 100_000_000;

/** Bytes a run may hold where nothing is said. */
export const DEFAULT_MAX_BYTES: number = 2 ** 29;

/** What a run is given besides the program. */
export interface RunOptions {
  /** Values by name: those the program reads by name are bound to it, the others are the pipeline's input. */
  readonly inputs?: { readonly [name: string]: RunValue };
  /** Where randomness starts; 0 where absent. */
  readonly seed?: string | number;
  /** Whether dropout drops and statistics are kept. */
  readonly training?: boolean;
  /** Most steps. */
  readonly fuel?: number;
  /** Most bytes held. */
  readonly maxBytes?: number;
  /** Values of parameters by path. */
  readonly parameters?: ReadonlyMap<string, TensorValue>;
  /** Logic. */
  readonly symbolic?: Symbolic;
  /** Other agents. */
  readonly agents?: AgentPort;
  /** Functions of the system around the run, bound to names that nothing else binds. */
  readonly hosts?: HostFunctions;
  /** Authorities that those functions may use; none where absent. */
  readonly granted?: ReadonlyArray<Authority>;
}

/** What a run gave. */
export interface RunResult {
  /** The program's output. */
  readonly value: RunValue;
  /** Steps taken. */
  readonly fuelUsed: number;
  /** Parameters and running statistics as the run left them, by path. */
  readonly parameters: ReadonlyMap<string, TensorValue>;
}

const MAIN_AGENT = "main";

/** Splits inputs into names the program reads and the pipeline's input: one as itself, several as a tuple by name. */
export const placeInputs = <A>(
  program: Expression,
  symbols: Symbols,
  inputs: { readonly [name: string]: A },
  tuple: (items: ReadonlyArray<A>) => A,
): { readonly bound: ReadonlyArray<readonly [number, A]>; readonly input: A | undefined } => {
  const free = freeNames(program);
  const names = Object.keys(inputs).sort();
  const isBound = (name: string): boolean => free.has(symbols.indexOf(name) ?? -1);
  const rest = names.filter((name) => !isBound(name)).map((name) => inputs[name]);
  return {
    bound: names.filter(isBound).map((name) => [symbols.indexOf(name)!, inputs[name]] as const),
    input: rest.length < 2 ? rest[0] : tuple(rest),
  };
};

/** What a machine is given, from a program and what its caller said. */
export const machineOptions = (program: Expression, symbols: Symbols, options: RunOptions): MachineOptions => ({
  symbols,
  program,
  seed: options.seed ?? 0,
  training: options.training ?? false,
  fuel: options.fuel ?? DEFAULT_FUEL,
  maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
  parameters: options.parameters ?? new Map(),
  symbolic: options.symbolic ?? symbolicDefault,
  agents: options.agents ?? new LocalAgents().port(MAIN_AGENT),
  granted: options.granted ?? [],
});

/** Host functions with the symbols that name them: all of them, so that a misspelt name finds the near one. */
export const namedHosts = (
  symbols: Symbols,
  hosts: HostFunctions | undefined,
): ReadonlyArray<readonly [number, HostFunction]> =>
  hosts === undefined ? [] : hosts.names.map((name) => [symbols.intern(name), hosts.get(name)!] as const);

/** Starts a machine's work on a program: host functions in the outermost scope, then inputs by name. */
export const begin = <W extends Nested>(
  machine: { readonly evaluate: (...args: Parameters<Machine["evaluate"]>) => W },
  program: Expression,
  symbols: Symbols,
  { inputs = {}, hosts }: RunOptions,
): W => {
  const { bound, input } = placeInputs(program, symbols, inputs, runTuple);
  const values: ReadonlyArray<readonly [number, RunValue]> = [
    ...namedHosts(symbols, hosts).map(([sym, host]) => [sym, { k: "Function", host }] as const),
    ...bound,
  ];
  const environment = values.reduce<Environment | undefined>(
    (outer, [sym, value]) => ({ sym, value, outer }),
    undefined,
  );
  return machine.evaluate(program, input, environment, "", true);
};

const start = (program: Expression, symbols: Symbols, options: RunOptions): readonly [Machine, Nested] => {
  const machine = new Machine(machineOptions(program, symbols, options));
  return [machine, begin(machine, program, symbols, options)];
};

/** Runs a program; interruptible, and gives way to the event loop. */
export const run = (
  program: Expression,
  symbols: Symbols,
  options: RunOptions = {},
): Effect.Effect<RunResult, Failure> =>
  Effect.suspend(() => {
    const [machine, work] = start(program, symbols, options);
    return Effect.map(runWork(work), (value) => ({ value, fuelUsed: machine.spent, parameters: machine.parameters }));
  });

/** Runs a program that asks nothing of other agents, at once; throws its failure, and answers `undefined` where it asks. */
export const runNow = (program: Expression, symbols: Symbols, options: RunOptions = {}): RunResult | undefined => {
  const [machine, work] = start(program, symbols, options);
  const value = runWorkNow(work);
  return "effect" in value ? undefined : { value, fuelUsed: machine.spent, parameters: machine.parameters };
};
