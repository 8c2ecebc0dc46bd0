/**
 * Tape: computing with numbers now and asking for derivatives afterwards.
 *
 * Every operation on variables is a small IR program that is run at once; its derivative is that program's gradient, which
 * is an IR program too. So what a derivative is stands in one place, the IR, and derivatives can be differentiated.
 * For people and small sizes; training compiles whole steps (step.ts).
 * Invariant: a graph hangs on the variables it made, so what nobody holds is gone, and nothing outside a result's own
 * history is visited when it is differentiated.
 *
 * @module
 */
import type { Program, Tensor, TensorType } from "../../ir/contract.ts";
import {
  buildProgram,
  evaluate,
  filled,
  type FunctionBuilder,
  grad,
  isFloat,
  isIrFailure,
  jvp,
  printType,
  sameType,
  type Value,
} from "../../ir/library.ts";
import { badVariable } from "../failures.ts";
import { Variable } from "./variable.ts";

/** Builds what an operation computes. */
export type Build = (g: FunctionBuilder, operands: ReadonlyArray<Value>) => Value | ReadonlyArray<Value>;

/** Gradients by the operands of a custom operation, given its operands, its results and a gradient for each result. */
export type CustomGradient = (
  operands: ReadonlyArray<Variable>,
  results: ReadonlyArray<Variable>,
  gradients: ReadonlyArray<Variable>,
) => ReadonlyArray<Variable | undefined>;

/** What made some variables. */
export interface Origin {
  /** Its place in time. */
  readonly number: number;
  /** How often the tape had been cleared. */
  readonly age: number;
  /** What it was called. */
  readonly op: string;
  /** What it took. */
  readonly operands: ReadonlyArray<Variable>;
  /** Types of what it made. */
  readonly types: ReadonlyArray<TensorType>;
  /** What it computes. */
  readonly program: Program;
  /** Its derivative, where somebody wrote one. */
  readonly custom?: { readonly gradient: CustomGradient; readonly results: ReadonlyArray<Variable> };
}

/** How a variable is made. */
export interface VariableOptions {
  /** Whether derivatives by it are wanted. Default true for floats. */
  readonly requiresGradient?: boolean;
  /** Its name, for people. */
  readonly name?: string;
}

/** Programs that are kept for operations of the same kind on the same types. */
const KEPT_PROGRAMS = 512;

class Programs {
  private readonly kept = new Map<string, Program>();

  get(key: string, make: () => Program): Program {
    const known = this.kept.get(key);
    if (known !== undefined) return known;
    if (this.kept.size >= KEPT_PROGRAMS) this.kept.delete(this.kept.keys().next().value!);
    const made = make();
    this.kept.set(key, made);
    return made;
  }
}

const derived = new WeakMap<Program, Map<string, Program>>();

/** A program made of another one, once. */
const derive = (program: Program, key: string, make: () => Program): Program => {
  const known = derived.get(program) ?? new Map<string, Program>();
  derived.set(program, known);
  const before = known.get(key) ?? make();
  known.set(key, before);
  return before;
};

/** Runs programs on variables and remembers how. */
export class Tape {
  private readonly programs = new Programs();
  private recording = true;
  private made = 0;
  private recorded = 0;
  private age = 0;

  /** Whether operations are remembered. */
  get isRecording(): boolean {
    return this.recording;
  }

  /** Operations remembered since the tape was made or cleared. */
  get operations(): number {
    return this.recorded;
  }

  /** Begins to remember operations; a new tape does. */
  start(): void {
    this.recording = true;
  }

  /** Stops remembering operations. */
  stop(): void {
    this.recording = false;
  }

  /** Forgets all operations: what was computed so far keeps its values and has no history. */
  clear(): void {
    this.age++;
    this.recorded = 0;
  }

  /** Runs a function whose operations are not remembered. */
  noGradient<A>(compute: () => A): A {
    const before = this.recording;
    this.recording = false;
    try {
      return compute();
    } finally {
      this.recording = before;
    }
  }

  /** A variable that nothing made: what derivatives are taken by. */
  variable(value: Tensor, { requiresGradient = isFloat(value.dtype), name }: VariableOptions = {}): Variable {
    if (requiresGradient && !isFloat(value.dtype)) {
      throw badVariable({ op: "variable", reason: `${value.dtype} has no gradient; only floats do` });
    }
    return new Variable(this, value, requiresGradient, undefined, name);
  }

  /** A value without derivative. */
  constant(value: Tensor): Variable {
    return this.variable(value, { requiresGradient: false });
  }

  /** Runs an operation by its name; equal names with equal settings build equal programs. */
  apply(op: string, settings: unknown, operands: ReadonlyArray<Variable>, build: Build): ReadonlyArray<Variable> {
    this.check(op, operands);
    const types = operands.map(({ value: { dtype, shape } }) => ({ dtype, shape }));
    const key = JSON.stringify([op, settings, types.map(printType)]);
    const program = this.programs.get(key, () =>
      this.said(op, () => {
        const parameters = Object.fromEntries(types.map((type, i) => [`x${i}`, type]));
        return buildProgram(parameters, (g, values) => build(g, types.map((_, i) => values[`x${i}`])));
      }));
    return this.run(op, program, operands);
  }

  /** Runs a program on variables. */
  run(op: string, program: Program, operands: ReadonlyArray<Variable>): ReadonlyArray<Variable> {
    this.check(op, operands);
    const results = this.said(op, () => evaluate(program, operands.map(({ value }) => value)).results);
    if (!this.recording || !operands.some(({ requiresGradient }) => requiresGradient)) {
      return results.map((value) => this.constant(value));
    }
    const origin = this.origin(op, program, operands, results);
    return results.map((value, i) => new Variable(this, value, isFloat(value.dtype), { origin, result: i }));
  }

  /**
   * An operation with a derivative of its own. The gradient is computed on this tape, so it can be differentiated where
   * it is made of operations on variables.
   */
  custom(
    op: string,
    operands: ReadonlyArray<Variable>,
    build: Build,
    gradient: CustomGradient,
  ): ReadonlyArray<Variable> {
    this.check(op, operands);
    const parameters = Object.fromEntries(
      operands.map(({ value: { dtype, shape } }, i) => [`x${i}`, { dtype, shape }]),
    );
    const program = this.said(
      op,
      () => buildProgram(parameters, (g, values) => build(g, operands.map((_, i) => values[`x${i}`]))),
    );
    const values = this.said(op, () => evaluate(program, operands.map(({ value }) => value)).results);
    if (!this.recording || !operands.some(({ requiresGradient }) => requiresGradient)) {
      return values.map((value) => this.constant(value));
    }
    const results: Variable[] = [];
    const origin: Origin = { ...this.origin(op, program, operands, values), custom: { gradient, results } };
    results.push(...values.map((value, i) => new Variable(this, value, isFloat(value.dtype), { origin, result: i })));
    return results;
  }

  /** What an operation that is done now leaves in the history. */
  private origin(
    op: string,
    program: Program,
    operands: ReadonlyArray<Variable>,
    results: ReadonlyArray<Tensor>,
  ): Origin {
    this.recorded++;
    const types = results.map(({ dtype, shape }) => ({ dtype, shape }));
    return { number: this.made++, age: this.age, op, operands, types, program };
  }

  /** Whether what a variable was made of is still known. */
  remembers({ age }: Origin): boolean {
    return age === this.age;
  }

  /** Refuses operands of other tapes. */
  private check(op: string, operands: ReadonlyArray<Variable>): void {
    if (operands.some((operand) => operand.tape !== this)) {
      throw badVariable({ op, reason: "its operands are on different tapes" });
    }
  }

  /** A failure of the IR, said of the operation a person named. */
  private said<A>(op: string, compute: () => A): A {
    try {
      return compute();
    } catch (thrown) {
      if (!isIrFailure(thrown)) throw thrown;
      throw badVariable({ op, reason: thrown.message });
    }
  }
}

/** What derivatives are asked for. */
export interface GradientOptions {
  /** The gradient of whatever follows by the output; ones where absent, which differentiates the output's sum. */
  readonly cotangent?: Variable | Tensor;
  /** Whether the derivatives are remembered, so that they can be differentiated. Default false. */
  readonly createGraph?: boolean;
}

/** Variables that a result depends on and that derivatives go through, latest first, with the origins that made them. */
const history = (output: Variable): ReadonlyArray<Origin> => {
  const found = new Set<Origin>();
  const open: Variable[] = [output];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { made } = next;
    if (made === undefined || found.has(made.origin)) continue;
    if (!next.tape.remembers(made.origin)) {
      throw badVariable({ op: "backward", reason: `the tape was cleared after ${made.origin.op} was done` });
    }
    found.add(made.origin);
    open.push(...made.origin.operands.filter(({ requiresGradient }) => requiresGradient));
  }
  return [...found].sort((a, b) => b.number - a.number);
};

/** Gradients by the operands of one operation, from gradients of its results. */
const pulled = (
  tape: Tape,
  origin: Origin,
  cotangents: ReadonlyArray<Variable | undefined>,
): ReadonlyArray<Variable | undefined> => {
  const { operands, program, custom, op, types } = origin;
  if (custom !== undefined) {
    const given = cotangents.map((cotangent, i) =>
      cotangent ?? tape.constant(filled(types[i].dtype, types[i].shape as ReadonlyArray<number>, 0))
    );
    return custom.gradient(operands, custom.results, given);
  }
  const wrt = operands.flatMap(({ requiresGradient }, i) => requiresGradient ? [i] : []);
  const sums: Array<Variable | undefined> = operands.map(() => undefined);
  cotangents.forEach((cotangent, result) => {
    if (cotangent === undefined) return;
    const key = `grad ${result} ${wrt.join(" ")}`;
    const backward = derive(program, key, () => grad(program, { wrt, result, cotangent: true }));
    const parts = tape.run(`gradient of ${op}`, backward, [...operands, cotangent]);
    wrt.forEach((at, i) => sums[at] = sums[at] === undefined ? parts[i] : sums[at].add(parts[i]));
  });
  return sums;
};

const asVariable = (tape: Tape, value: Variable | Tensor): Variable =>
  value instanceof Variable ? value : tape.constant(value);

/** Gradients of everything an output depends on. */
const propagate = (output: Variable, { cotangent, createGraph = false }: GradientOptions): Map<Variable, Variable> => {
  const { tape, value } = output;
  if (!output.requiresGradient) {
    throw badVariable({ op: "backward", reason: "the output depends on no variable that requires a gradient" });
  }
  const seed = asVariable(tape, cotangent ?? filled(value.dtype, value.shape, 1));
  if (!sameType(seed.value, value)) {
    const [wanted, found] = [value, seed.value].map(printType);
    throw badVariable({ op: "backward", reason: `the output is ${wanted}, and its gradient is given as ${found}` });
  }
  const run = (): Map<Variable, Variable> => {
    const sums = new Map<Variable, Variable>([[output, seed]]);
    const results = new Map<Origin, Array<Variable | undefined>>();
    const note = (of: Variable, gradient: Variable): void => {
      const { made } = of;
      if (made === undefined) return;
      const known = results.get(made.origin) ?? made.origin.types.map(() => undefined);
      known[made.result] = gradient;
      results.set(made.origin, known);
    };
    note(output, seed);
    for (const origin of history(output)) {
      const cotangents = results.get(origin);
      if (cotangents === undefined) continue;
      pulled(tape, origin, cotangents).forEach((gradient, i) => {
        const operand = origin.operands[i];
        if (gradient === undefined || !operand.requiresGradient) return;
        if (!sameType(gradient.value, operand.value)) {
          throw badVariable({
            op: origin.op,
            reason: `operand ${i} is ${printType(operand.value)}, and its gradient ${printType(gradient.value)}`,
          });
        }
        const before = sums.get(operand);
        const sum = before === undefined ? gradient : before.add(gradient);
        sums.set(operand, sum);
        note(operand, sum);
      });
    }
    return sums;
  };
  return createGraph ? run() : tape.noGradient(run);
};

/**
 * Adds to every leaf that an output depends on the derivative of the output by it. Interior variables keep nothing, so
 * differentiating twice adds the same twice.
 *
 * @example
 * ```ts
 * import { tensor, toNested } from "@rmi/rmi/ir";
 * import { backward, Tape } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const tape = new Tape();
 * const x = tape.variable(tensor("f64", [3], [1, 2, 3]));
 * backward(x.mul(x).sum());
 * assert.deepEqual(toNested(x.gradient!), [2, 4, 6]);
 * ```
 */
export const backward = (output: Variable, options: GradientOptions = {}): void => {
  for (const [variable, gradient] of propagate(output, options)) {
    if (variable.made === undefined && variable.requiresGradient) variable.accumulate(gradient.value);
  }
};

/** Derivatives of an output by some variables, interior ones too; nothing is added anywhere. */
export const gradients = (
  output: Variable,
  by: ReadonlyArray<Variable>,
  options: GradientOptions = {},
): ReadonlyArray<Variable> => {
  const sums = propagate(output, options);
  return by.map((variable) => {
    const { tape, value: { dtype, shape } } = variable;
    return sums.get(variable) ?? tape.constant(filled(dtype, shape, 0));
  });
};

/** How an output moves when some variables move: forward mode along the remembered operations. */
export const tangent = (
  output: Variable,
  moves: ReadonlyArray<readonly [variable: Variable, by: Tensor]>,
): Tensor => {
  const known = new Map<Variable, Tensor>(moves);
  for (const [variable, by] of moves) {
    if (sameType(variable.value, by)) continue;
    throw badVariable({ op: "tangent", reason: `${printType(variable.value)} cannot move by ${printType(by)}` });
  }
  const still = ({ value: { dtype, shape } }: Variable): Tensor => filled(dtype, shape, 0);
  const results = new Map<Origin, ReadonlyArray<Tensor | undefined>>();
  const tangentOf = (variable: Variable): Tensor | undefined =>
    known.get(variable) ??
      (variable.made === undefined ? undefined : results.get(variable.made.origin)?.[variable.made.result]);
  for (const origin of history(output).toReversed()) {
    const { custom, op, operands, program, types } = origin;
    if (custom !== undefined) {
      throw badVariable({ op, reason: "an operation with a gradient of its own has no tangent" });
    }
    const wrt = operands.flatMap((operand, i) => tangentOf(operand) === undefined ? [] : [i]);
    if (wrt.length === 0) continue;
    const forward = derive(program, `jvp ${wrt.join(" ")}`, () => jvp(program, { wrt }));
    const moved = evaluate(forward, [
      ...operands.map(({ value }) => value),
      ...wrt.map((i) => tangentOf(operands[i])!),
    ]).results;
    let next = 0;
    results.set(origin, types.map(({ dtype }) => isFloat(dtype) ? moved[next++] : undefined));
  }
  return tangentOf(output) ?? still(output);
};
