/**
 * Machine: the meaning of every form of expression. A program is a morphism: it takes an input and gives an output.
 *
 * Not the ops (evaluation.ts, lowering.ts) and not types (check.ts).
 * Invariant: `a >> b` gives a's output to b; `a | b` gives both the same input and pairs what they give; a function that
 * stands as a stage is applied to the input; everything a run holds or spends is bounded.
 *
 * @module
 */
import { type Authority, random } from "../../../kernel/mod.ts";
import { describeValue, type Environment, type FunctionValue, isPlain, runTuple, type RunValue } from "./run_value.ts";
import type { Nested, Steps } from "./work.ts";
import type { AgentPort } from "../agent_port.ts";
import { type Expression, type Parameter, Tag } from "../expression.ts";
import {
  notCallable,
  outOfFuel,
  outOfMemory,
  unboundName,
  wrongArguments,
  wrongArgumentType,
  wrongPredicate,
} from "./failures.ts";
import { unknownOpcode } from "../failures.ts";
import { nearest } from "../../../kernel/mod.ts";
import { opOf } from "../opcodes.ts";
import type { Knowledge, Symbolic, Term } from "../symbolic.ts";
import type { Symbols } from "../symbols.ts";
import { callHost, type HostFunction } from "../hosts/functions.ts";
import { hostArgument } from "../hosts/failures.ts";
import { showType, VOID } from "../types.ts";
import { NIL, type TensorValue, type Value } from "../value.ts";
import { conforms } from "./conforms.ts";
import { applyOp } from "./operands.ts";

/** What a run is given. */
export interface MachineOptions {
  /** The program's names; atoms that arise in the run are added. */
  readonly symbols: Symbols;
  /** The whole program, which `self_ref` answers with. */
  readonly program: Expression;
  /** Where randomness starts. */
  readonly seed: string | number;
  /** Whether dropout drops and statistics are kept. */
  readonly training: boolean;
  /** Most steps. */
  readonly fuel: number;
  /** Most bytes of tensors and buffers held at once. */
  readonly maxBytes: number;
  /** Values of parameters by path; those absent start from the seed. */
  readonly parameters: ReadonlyMap<string, TensorValue>;
  /** Logic. */
  readonly symbolic: Symbolic;
  /** Other agents. */
  readonly agents: AgentPort;
  /** Authorities that host functions may use. */
  readonly granted: ReadonlyArray<Authority>;
}

/** Most buffers of a run. */
export const MAX_BUFFERS = 10_000;

/** One run. */
export class Machine {
  /** What the run was given. */
  readonly options: MachineOptions;
  /** Parameters and running statistics by path, as far as the run has met them. */
  readonly parameters: Map<string, TensorValue>;
  /** What the run knows. */
  readonly knowledge: Knowledge;
  /** Logic variables bound in the run. */
  readonly bindings: Map<string, Term> = new Map();
  /** Buffers by number; freed ones are gone. */
  readonly buffers: Map<number, TensorValue> = new Map();
  #spent = 0;
  #buffers = 0;
  #bufferBytes = 0;
  #draws = 0;

  /** Starts a run. */
  constructor(options: MachineOptions) {
    this.options = options;
    this.parameters = new Map(options.parameters);
    this.knowledge = options.symbolic.open();
  }

  /** Steps taken. */
  get spent(): number {
    return this.#spent;
  }

  /** Steps left. */
  get left(): number {
    return this.options.fuel - this.#spent;
  }

  /** Bytes that tensors may still take. */
  get freeBytes(): number {
    return this.options.maxBytes - this.#bufferBytes;
  }

  /** Takes steps; throws `RMIL_FUEL` where none are left. */
  charge(steps: number): void {
    this.#spent += steps;
    if (this.#spent <= this.options.fuel) return;
    this.#spent = this.options.fuel;
    throw outOfFuel({ limit: this.options.fuel, expected: this.options.fuel });
  }

  /** A new seed, of this run's randomness. */
  draw(path: string): number {
    return random(this.options.seed).split("draw").split(path).split(this.#draws++).uint32();
  }

  /** The number of a new buffer that holds a value. */
  allocate(value: TensorValue): number {
    if (this.buffers.size >= MAX_BUFFERS) throw outOfMemory({ what: "buffers", limit: MAX_BUFFERS });
    if (value.bytes.length > this.freeBytes) throw outOfMemory({ what: "bytes held", limit: this.options.maxBytes });
    this.#bufferBytes += value.bytes.length;
    this.buffers.set(++this.#buffers, value);
    return this.#buffers;
  }

  /** Releases a buffer. */
  release(id: number): void {
    this.#bufferBytes -= this.buffers.get(id)?.bytes.length ?? 0;
    this.buffers.delete(id);
  }

  /** Name of a symbol, for messages and tools. */
  readonly nameOf = (sym: number): string | undefined => this.options.symbols.nameOf(sym);

  /** Text of a symbol. */
  textOf(sym: number): string {
    return this.nameOf(sym) ?? String(sym);
  }

  /** The value a name has; `undefined` where nothing binds it. */
  lookup(sym: number, environment: Environment | undefined): RunValue | undefined {
    for (let scope = environment; scope !== undefined; scope = scope.outer) if (scope.sym === sym) return scope.value;
    return undefined;
  }

  /**
   * Evaluates an expression on an input. As a stage, a function that it names or makes is applied to the input.
   */
  evaluate(
    node: Expression,
    input: RunValue | undefined,
    environment: Environment | undefined,
    path: string,
    stage: boolean,
  ): Nested {
    return { steps: this.#steps(node, input, environment, path, stage), path };
  }

  *#steps(
    node: Expression,
    input: RunValue | undefined,
    environment: Environment | undefined,
    path: string,
    stage: boolean,
  ): Steps {
    this.charge(1);
    const child = (index: number, name: string, own: RunValue | undefined, isStage: boolean, scope = environment) =>
      this.evaluate(node.children[index], own, scope, `${path}/${name}`, isStage);
    switch (node.tag) {
      case Tag.Lit:
        return node.value;
      case Tag.Ref:
        return yield* this.#asStage(this.#read(node.code, environment), input, stage, path);
      case Tag.App: {
        const row = opOf(node.code);
        if (row === undefined) throw unknownOpcode({ opcode: node.code });
        const made = yield* applyOp(this, row, node, input, environment, path);
        return row.result === "function" ? yield* this.#asStage(made, input, stage, path) : made;
      }
      case Tag.Seq:
        return yield child(1, "b", yield child(0, "a", input, stage), true);
      case Tag.Par: {
        const left = yield child(0, "a", input, stage);
        return runTuple([left, yield child(1, "b", input, stage)]);
      }
      case Tag.Cond: {
        const chosen = yield child(0, "pred", input, true);
        if (chosen.k !== "Bool") {
          throw wrongPredicate({ found: describeValue(chosen), path: `${path}/pred`, expected: "b1" });
        }
        return yield chosen.v ? child(1, "yes", input, stage) : child(2, "no", input, stage);
      }
      case Tag.Let:
        return yield child(1, "body", input, stage, yield* this.#bind(node, input, environment, path));
      case Tag.Lam:
        return yield* this.#asStage(this.closure(node, environment, path), input, stage, path);
      case Tag.Call: {
        const callee = yield* this.callable(node.children[0], environment, `${path}/func`, input);
        const args: RunValue[] = [];
        for (let i = 1; i < node.children.length; i++) args.push(yield child(i, `args/${i - 1}`, input, false));
        return yield* this.#asStage(yield* this.apply(callee, args, path), input, stage, path);
      }
      case Tag.Block: {
        let last: RunValue = NIL;
        for (let i = 0; i < node.children.length; i++) last = yield child(i, `exprs/${i}`, input, stage);
        return last;
      }
    }
  }

  #read(sym: number, environment: Environment | undefined): RunValue {
    const found = this.lookup(sym, environment);
    if (found !== undefined) return found;
    const name = this.textOf(sym);
    const known: string[] = [];
    for (let scope = environment; scope !== undefined; scope = scope.outer) known.push(this.textOf(scope.sym));
    throw unboundName({ name, suggestions: nearest(name, known, 1) });
  }

  *#asStage(value: RunValue, input: RunValue | undefined, stage: boolean, path: string): Steps {
    return stage && input !== undefined && value.k === "Function" ? yield* this.apply(value, [input], path) : value;
  }

  /** The scope of a let's body; a function sees its own name. */
  *#bind(
    node: Expression,
    input: RunValue | undefined,
    environment: Environment | undefined,
    path: string,
  ): Steps<Environment> {
    const [bound] = node.children;
    if (bound.tag !== Tag.Lam) {
      return {
        sym: node.code,
        value: yield this.evaluate(bound, input, environment, `${path}/val`, false),
        outer: environment,
      };
    }
    const scope: Environment = { sym: node.code, value: NIL, outer: environment };
    scope.value = this.closure(bound, scope, `${path}/val`);
    return scope;
  }

  /** A lambda with its surroundings. */
  closure(node: Expression, environment: Environment | undefined, path: string): FunctionValue {
    return { k: "Function", parameters: node.parameters, body: node.children[0], environment, path: `${path}/body` };
  }

  /** An expression handed over as a function: a lambda, a name bound to one, or a stage that will get its input. */
  *callable(
    node: Expression,
    environment: Environment | undefined,
    path: string,
    input: RunValue | undefined,
  ): Steps<FunctionValue> {
    if (node.tag === Tag.Lam) return this.closure(node, environment, path);
    const isMade = node.tag === Tag.App && opOf(node.code)?.result === "function";
    const value = node.tag === Tag.Ref
      ? this.#read(node.code, environment)
      : node.tag === Tag.Lit
      ? node.value
      : isMade
      ? yield this.evaluate(node, input, environment, path, false)
      : undefined;
    if (value === undefined) return { k: "Function", parameters: undefined, body: node, environment, path };
    return this.function(value, path);
  }

  /** A value as a function: itself, or a program that will be run on its input. */
  function(value: RunValue, path: string): FunctionValue {
    if (value.k === "Function") return value;
    if (value.k === "Program") {
      return {
        k: "Function",
        parameters: undefined,
        body: value.program,
        environment: undefined,
        path: `${path}/program`,
      };
    }
    throw notCallable({ found: describeValue(value), path });
  }

  /** Applies a function. A stage gets several arguments as a tuple; several parameters take a tuple apart. */
  *apply(callee: FunctionValue, args: ReadonlyArray<RunValue>, path: string): Steps {
    if (callee.first !== undefined) {
      return yield* this.apply(callee.then, [yield* this.apply(callee.first, args, path)], path);
    }
    if (callee.host !== undefined) return yield* this.#ask(callee.host, args, path);
    const { parameters, body, environment } = callee;
    const whole = args.length === 1 ? args[0] : args.length === 0 ? undefined : runTuple(args);
    if (parameters === undefined) return yield this.evaluate(body, whole, environment, callee.path, true);
    const [only] = args;
    const given = args.length === 1 && parameters.length > 1 && only.k === "Tuple" ? only.items : args;
    if (given.length !== parameters.length) {
      throw wrongArguments({
        takes: parameters.length,
        found: given.length,
        path,
        expected: parameters.length,
        actual: given.length,
      });
    }
    // Not as a stage: a lambda that gives a function gives it, and does not apply it.
    return yield this.evaluate(body, whole, this.#scope(parameters, given, environment, path), callee.path, false);
  }

  /** Calls the host; only plain data leaves a run. */
  *#ask(called: HostFunction, args: ReadonlyArray<RunValue>, path: string): Steps {
    const [only] = args;
    const given = args.length === 1 && called.inputs.length > 1 && only.k === "Tuple" ? only.items : args;
    const values = given.map((value, index) => {
      if (isPlain(value)) return value;
      const [wanted, found] = [showType(called.inputs[index] ?? VOID), describeValue(value)];
      throw hostArgument({ name: called.name, index, wanted, found, path: `${path}/args/${index}` });
    });
    return yield { effect: callHost(called, values, this.options.granted) };
  }

  #scope(
    parameters: ReadonlyArray<Parameter>,
    given: ReadonlyArray<RunValue>,
    environment: Environment | undefined,
    path: string,
  ): Environment | undefined {
    const sizes = new Map<string, number>();
    return parameters.reduce<Environment | undefined>((outer, { sym, type }, i) => {
      if (!conforms(given[i], type, sizes)) {
        const [wanted, found] = [showType(type), describeValue(given[i])];
        throw wrongArgumentType({
          name: this.textOf(sym),
          wanted,
          found,
          path: `${path}/args/${i}`,
          expected: wanted,
          actual: found,
        });
      }
      return { sym, value: given[i], outer };
    }, environment);
  }
}

/** A value of the language as a symbol of the run. */
export const symbolOf = (machine: Machine, name: string): Value => ({
  k: "Sym",
  sym: machine.options.symbols.intern(name),
});
