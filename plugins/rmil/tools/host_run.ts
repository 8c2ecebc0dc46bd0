/**
 * Host run: the interpreter with host functions: a call of a free name that is registered calls the host.
 *
 * Not a way around the gate: the caller says which authorities this run was granted, and a function that needs more
 * fails before it is entered.
 * Invariant: names that the program binds are its own, whatever is registered.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Authority, Failure } from "../../../kernel/mod.ts";
import { LocalAgents } from "../agent_port.ts";
import type { Program } from "../codec/v1.ts";
import { type Expression, Tag } from "../expression.ts";
import { DEFAULT_FUEL, DEFAULT_MAX_BYTES, placeInputs, type RunOptions, type RunResult } from "../interpreter.ts";
import { Machine, type MachineOptions } from "../interpreter/machine.ts";
import { type Environment, isPlain, runTuple, type RunValue } from "../interpreter/run_value.ts";
import { type Nested, runWork, type Steps } from "../interpreter/work.ts";
import { hostArgument } from "./failures.ts";
import { symbolicDefault } from "../symbolic_default.ts";
import { showType } from "../types.ts";
import type { Value } from "../value.ts";
import type { HostFunctions } from "./host_functions.ts";

/** What a run with host functions is given. */
export interface HostRunOptions extends RunOptions {
  /** The functions. */
  readonly functions: HostFunctions;
  /** Authorities that this run was granted. */
  readonly granted: ReadonlyArray<Authority>;
}

class HostMachine extends Machine {
  constructor(options: MachineOptions, readonly functions: HostFunctions, readonly granted: ReadonlyArray<Authority>) {
    super(options);
  }

  override evaluate(
    node: Expression,
    input: RunValue | undefined,
    environment: Environment | undefined,
    path: string,
    stage: boolean,
  ): Nested {
    const name = this.#hostName(node, environment);
    return name === undefined
      ? super.evaluate(node, input, environment, path, stage)
      : { steps: this.#call(name, node.children.slice(1), input, environment, path), path };
  }

  /** The host function that a node calls, if it calls one. */
  #hostName(node: Expression, environment: Environment | undefined): string | undefined {
    if (node.tag !== Tag.Call || node.children[0].tag !== Tag.Ref) return undefined;
    const { code } = node.children[0];
    if (this.lookup(code, environment) !== undefined) return undefined;
    const name = this.nameOf(code);
    return name !== undefined && this.functions.get(name) !== undefined ? name : undefined;
  }

  *#call(
    name: string,
    args: ReadonlyArray<Expression>,
    input: RunValue | undefined,
    environment: Environment | undefined,
    path: string,
  ): Steps {
    this.charge(1);
    const values: Array<Value> = [];
    for (const [index, argument] of args.entries()) {
      const at = `${path}/args/${index}`;
      const value = yield this.evaluate(argument, input, environment, at, false);
      if (!isPlain(value)) {
        const declared = this.functions.get(name)?.inputs[index];
        const wanted = declared === undefined ? "data" : showType(declared);
        throw hostArgument({ name, index, wanted, found: value.k.toLowerCase(), path: at });
      }
      values.push(value);
    }
    return yield { effect: this.functions.call(name, values, this.granted) };
  }
}

/** Runs a program that may call host functions. */
export const runWithHosts = (
  { root, symbols }: Program,
  { functions, granted, ...options }: HostRunOptions,
): Effect.Effect<RunResult, Failure> =>
  Effect.suspend(() => {
    const machine = new HostMachine(
      {
        symbols,
        program: root,
        seed: options.seed ?? 0,
        training: options.training ?? false,
        fuel: options.fuel ?? DEFAULT_FUEL,
        maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
        parameters: options.parameters ?? new Map(),
        symbolic: options.symbolic ?? symbolicDefault,
        agents: options.agents ?? new LocalAgents().port("main"),
      },
      functions,
      granted,
    );
    const { bound, input } = placeInputs(root, symbols, options.inputs ?? {}, runTuple);
    const environment = bound.reduce<Environment | undefined>(
      (outer, [sym, value]) => ({ sym, value, outer }),
      undefined,
    );
    const work = machine.evaluate(root, input, environment, "", true);
    return Effect.map(runWork(work), (value) => ({ value, fuelUsed: machine.spent, parameters: machine.parameters }));
  });
