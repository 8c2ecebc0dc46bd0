/**
 * Evaluate: the reference. Runs a program node by node as the table says, slowly, obviously, within bounds.
 *
 * Not a backend: nothing is fused, reordered or kept. Backends are judged by it.
 * Invariant: a checked program gives tensors of its result types or a typed failure, whatever the inputs; fuel and live
 * bytes are charged before work and memory are taken, so the bounds hold.
 *
 * @module
 */
import { bindCall, isControl } from "./control.ts";
import { type Bindings, type Dimension, dimension, substitute } from "./dimension.ts";
import {
  badInput,
  isIrFailure,
  locate,
  outOfFuel,
  outOfMemory,
  unboundDimension,
  wrongCount,
  wrongShape,
} from "./failures.ts";
import { type Attributes, functionOf, type IrFunction, type Node, type Program } from "./graph.ts";
import { inferNode, substituteAttributes } from "./infer.ts";
import { lastUses } from "./liveness.ts";
import type { Primitive } from "./primitive.ts";
import { primitiveOf } from "./primitives.ts";
import { aroundAxis } from "./shape.ts";
import { DimensionSolver } from "./solver.ts";
import { type ConcreteType, isConcrete, printType, printTypes, type TensorType } from "./types.ts";
import { elementCount, packedBytes, type Tensor, tensorOf, zeros } from "./value.ts";

/** Scalar steps an evaluation may take where nothing is said. */
export const DEFAULT_FUEL = 1_000_000_000;

/** Steps charged for every node and every turn of a loop besides its elements, so that fuel keeps in step with time. */
export const STEPS_PER_NODE = 100;

/**
 * Bytes of live tensors an evaluation may hold where nothing is said. A node's working copies, eight bytes for each of
 * its elements, come on top of it while it runs.
 */
export const DEFAULT_MAX_BYTES: number = 2 ** 28;

/** Steps between two points at which {@link evaluateSteps} gives way. */
export const STEPS_PER_TURN = 1_000_000;

/** Bounds and sizes of an evaluation. */
export interface EvaluateOptions {
  /** Sizes of symbols that no input determines. */
  readonly sizes?: { readonly [name: string]: number };
  /** Most scalar steps. */
  readonly fuel?: number;
  /** Most bytes of live tensors. */
  readonly maxBytes?: number;
}

/** What an evaluation made and took. */
export interface Evaluation {
  /** The results. */
  readonly results: ReadonlyArray<Tensor>;
  /** Scalar steps taken. */
  readonly fuelUsed: number;
  /** Most bytes that were live at once, inputs included. */
  readonly peakBytes: number;
}

type Steps<A> = Generator<void, A, void>;

/** A function at known sizes: its nodes typed, and after each the values that end. */
type Body = {
  readonly fn: IrFunction;
  readonly nodes: ReadonlyArray<Prepared>;
  readonly ends: ReadonlyArray<ReadonlyArray<number>>;
};

type Prepared = {
  readonly node: Node;
  readonly path: string;
  /** The functions it runs, made ready when they are first run: work that is not paid for must not grow. */
  readonly bodies: Array<Body | undefined>;
  readonly attributes: Attributes;
  readonly results: ReadonlyArray<ConcreteType>;
  readonly row: Primitive | undefined;
  readonly steps: number;
  readonly bytes: number;
};

type Call = (which: number, args: ReadonlyArray<Tensor>) => Steps<ReadonlyArray<Tensor>>;

const bytesOf = (types: ReadonlyArray<ConcreteType>): number =>
  types.reduce((sum, { dtype, shape }) => sum + packedBytes(dtype, elementCount(shape)), 0);

const countAll = (types: ReadonlyArray<ConcreteType>): number =>
  types.reduce((sum, { shape }) => sum + elementCount(shape), 0);

const NOTHING_ASSUMED = new DimensionSolver();

class Machine {
  private fuel: number;
  private live = 0;
  private sinceTurn = 0;
  /** Most bytes live at once. */
  peak = 0;
  private readonly prepared = new Map<string, Body>();

  constructor(
    private readonly program: Program,
    private readonly given: number,
    private readonly maxBytes: number,
  ) {
    this.fuel = given;
  }

  get used(): number {
    return this.given - this.fuel;
  }

  hold(op: string, bytes: number): void {
    if (this.live + bytes > this.maxBytes) {
      throw outOfMemory({
        op,
        needed: this.live + bytes,
        limit: this.maxBytes,
        expected: this.maxBytes,
        actual: this.live + bytes,
      });
    }
    this.live += bytes;
    this.peak = Math.max(this.peak, this.live);
  }

  private charge(op: string, steps: number): void {
    if (steps > this.fuel) {
      throw outOfFuel({ op, needed: steps, left: this.fuel, expected: this.given, actual: this.used + steps });
    }
    this.fuel -= steps;
    this.sinceTurn += steps;
  }

  private prepareNode(
    node: Node,
    path: string,
    types: ReadonlyArray<TensorType>,
    bindings: Bindings,
  ): Prepared {
    const bound = substituteAttributes(node.op, node.attributes, bindings);
    const functions = node.functions.map((name) => functionOf(this.program, name));
    const { attributes, results } = inferNode({ op: node.op, types, attributes: bound, functions }, NOTHING_ASSUMED);
    const declared = node.results.map((type) => type.shape.map((size) => substitute(size, bindings)));
    if (!results.every(isConcrete)) {
      throw unboundDimension({ dimension: printTypes(results), where: node.op });
    }
    if (!results.every((type, i) => NOTHING_ASSUMED.equalShapes(type.shape, declared[i]))) {
      throw wrongShape({
        op: node.op,
        reason: `it makes ${printTypes(results)}, and [${declared.join("; ")}] is declared`,
      });
    }
    const row = isControl(node.op) ? undefined : primitiveOf(node.op);
    const cost = row?.cost({ types, attributes, results });
    const touched = countAll(results) + countAll(types as ReadonlyArray<ConcreteType>);
    const steps = STEPS_PER_NODE + Math.max(touched, Number(cost?.flops ?? 0), Number(cost?.steps ?? 0));
    return { node, path, bodies: [], attributes, results, row, steps, bytes: bytesOf(results) };
  }

  /** A function at the sizes of a call. */
  prepare(fn: IrFunction, bindings: Bindings): Body {
    const key = `${fn.name} ${[...bindings].map(([name, size]) => `${name}=${size}`).sort().join(" ")}`;
    const known = this.prepared.get(key);
    if (known !== undefined) return known;
    const types: TensorType[] = fn.parameters.map(({ type }) => ({
      dtype: type.dtype,
      shape: type.shape.map((size) => substitute(size, bindings)),
    }));
    const nodes = fn.nodes.map((node, index) => {
      const path = node.location ?? `/functions/${fn.name}/nodes/${index}`;
      const operands = node.operands.map((operand) => types[operand]);
      const prepared = locate(path, () => this.prepareNode(node, path, operands, bindings));
      types.push(...prepared.results);
      return prepared;
    });
    const made = { fn, nodes, ends: lastUses(fn) };
    this.prepared.set(key, made);
    return made;
  }

  *run({ fn, nodes, ends }: Body, inputs: ReadonlyArray<Tensor>): Steps<ReadonlyArray<Tensor>> {
    const values: Array<Tensor | undefined> = [...inputs];
    let held = 0;
    for (let index = 0; index < nodes.length; index++) {
      const { node, path, bytes, steps } = nodes[index];
      const operands = node.operands.map((operand) => values[operand]!);
      locate(path, () => {
        this.charge(node.op, steps);
        this.hold(node.op, bytes);
      });
      held += bytes;
      values.push(...(yield* this.step(nodes[index], operands)));
      for (const value of ends[index]) {
        const size = bytesOf([values[value]!]);
        this.live -= size;
        held -= size;
        values[value] = undefined;
      }
      if (this.sinceTurn >= STEPS_PER_TURN) {
        this.sinceTurn = 0;
        yield;
      }
    }
    this.live -= held;
    return fn.returns.map((value) => values[value]!);
  }

  private *step(prepared: Prepared, operands: ReadonlyArray<Tensor>): Steps<ReadonlyArray<Tensor>> {
    const { node, path, attributes, results, row, bodies } = prepared;
    if (row !== undefined) {
      return locate(path, () => row.evaluate({ op: node.op, inputs: operands, attributes, results }));
    }
    const call: Call = (which, args) => {
      bodies[which] ??= locate(path, () => {
        const fn = functionOf(this.program, node.functions[which]);
        const sizes = attributes.sizes as ReadonlyArray<Dimension>;
        return this.prepare(fn, bindCall(node.op, fn, args, sizes, NOTHING_ASSUMED));
      });
      return this.run(bodies[which], args);
    };
    if (node.op === "call") return yield* call(0, operands);
    if (node.op === "if") return yield* call(operands[0].data[0] ? 0 : 1, operands.slice(1));
    if (node.op === "while") return yield* this.loop(prepared, operands, call);
    return yield* this.scan(prepared, operands, call);
  }

  private *loop(
    { attributes, node, path }: Prepared,
    operands: ReadonlyArray<Tensor>,
    call: Call,
  ): Steps<ReadonlyArray<Tensor>> {
    const carry = attributes.carry as number;
    const constants = operands.slice(carry);
    let carried = operands.slice(0, carry);
    for (;;) {
      locate(path, () => this.charge(node.op, STEPS_PER_NODE));
      const [more] = yield* call(0, [...carried, ...constants]);
      if (!more.data[0]) return carried;
      carried = [...(yield* call(1, [...carried, ...constants]))];
    }
  }

  private *scan(
    { attributes, node, path, results }: Prepared,
    operands: ReadonlyArray<Tensor>,
    call: Call,
  ): Steps<ReadonlyArray<Tensor>> {
    const { carry, scanned, length, reverse } = attributes as {
      carry: number;
      scanned: number;
      length: number;
      reverse: boolean;
    };
    const rows = operands.slice(carry, carry + scanned);
    const constants = operands.slice(carry + scanned);
    const stacks = results.slice(carry).map((type) => zeros(type.dtype, type.shape));
    let carried = operands.slice(0, carry);
    for (let turn = 0; turn < length; turn++) {
      locate(path, () => this.charge(node.op, STEPS_PER_NODE));
      const at = reverse ? length - 1 - turn : turn;
      const made = yield* call(0, [...carried, ...rows.map((row) => rowAt(row, at)), ...constants]);
      carried = made.slice(0, carry);
      stacks.forEach((stack, i) => {
        (stack.data as Float64Array).set(made[carry + i].data as Float64Array, at * made[carry + i].data.length);
      });
    }
    return [...carried, ...stacks];
  }
}

const rowAt = (tensor: Tensor, index: number): Tensor => {
  const [, , size] = aroundAxis(tensor.shape, 0);
  return { ...tensor, shape: tensor.shape.slice(1), data: tensor.data.slice(index * size, (index + 1) * size) };
};

const bindInputs = (fn: IrFunction, inputs: ReadonlyArray<Tensor>, options: EvaluateOptions): Bindings => {
  if (inputs.length !== fn.parameters.length) {
    throw wrongCount({
      op: `@${fn.name}`,
      of: "inputs",
      count: fn.parameters.length,
      found: inputs.length,
      path: "/inputs",
      expected: fn.parameters.length,
      actual: inputs.length,
    });
  }
  const missing = fn.sizes.find((name) => options.sizes?.[name] === undefined);
  if (missing !== undefined) throw unboundDimension({ dimension: missing, where: `@${fn.name}`, path: "/sizes" });
  inputs.forEach(({ dtype, shape, data }, i) => locate(`/inputs/${i}`, () => tensorOf(dtype, shape, data)));
  const sizes = fn.sizes.map((name) => locate("/sizes", () => dimension(options.sizes![name])));
  try {
    return bindCall("run", fn, inputs, sizes, NOTHING_ASSUMED);
  } catch (thrown) {
    if (!isIrFailure(thrown)) throw thrown;
    const misfit = Math.max(
      0,
      fn.parameters.findIndex(({ type }, i) =>
        type.dtype !== inputs[i].dtype || type.shape.length !== inputs[i].shape.length ||
        type.shape.some((size, axis) => typeof size === "number" && size !== inputs[i].shape[axis])
      ),
    );
    throw badInput({
      parameter: fn.parameters[misfit]?.name ?? "",
      wanted: printTypes(fn.parameters.map(({ type }) => type)),
      found: printTypes(inputs),
      path: `/inputs/${misfit}`,
      expected: printType(fn.parameters[misfit].type),
      actual: printType(inputs[misfit]),
    });
  }
};

/** Runs a program and gives way after every {@link STEPS_PER_TURN} steps, between nodes. */
export function* evaluateSteps(
  program: Program,
  inputs: ReadonlyArray<Tensor>,
  options: EvaluateOptions = {},
): Generator<void, Evaluation, void> {
  const fn = functionOf(program);
  const machine = new Machine(program, options.fuel ?? DEFAULT_FUEL, options.maxBytes ?? DEFAULT_MAX_BYTES);
  const bindings = bindInputs(fn, inputs, options);
  machine.hold("inputs", bytesOf(inputs));
  const results = yield* machine.run(machine.prepare(fn, bindings), inputs);
  return { results, fuelUsed: machine.used, peakBytes: machine.peak };
}

/**
 * Runs a program to its end; throws a typed failure on bad inputs and exhausted bounds.
 *
 * @example
 * ```ts
 * import { buildProgram, evaluate, tensor, toNested } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const sum = buildProgram({ x: "f32[N]" }, (g, { x }) => g.reduce("sum", x));
 * assert.equal(toNested(evaluate(sum, [tensor("f32", [3], [1, 2, 3])]).results[0]), 6);
 * ```
 */
export const evaluate = (
  program: Program,
  inputs: ReadonlyArray<Tensor>,
  options: EvaluateOptions = {},
): Evaluation => {
  const steps = evaluateSteps(program, inputs, options);
  for (;;) {
    const turn = steps.next();
    if (turn.done) return turn.value;
  }
};
