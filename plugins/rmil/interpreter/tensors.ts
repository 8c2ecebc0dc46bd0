/**
 * Tensors: an application of a tensor op run: exact arithmetic where it has one, else its program by the reference
 * evaluator, with the parameters it needs.
 *
 * @module
 */
import type { Tensor } from "../../ir/contract.ts";
import { evaluateSteps, scalar, tensor as irTensor, toIntegers } from "../../ir/library.ts";
import { random } from "../../../kernel/mod.ts";
import { integerArithmetic, isIntegral, scalarArithmetic } from "../evaluation/arithmetic.ts";
import { badIndex, outOfMemory, outsideDomain, wrongOperand } from "./failures.ts";
import type { Shape } from "../../ir/contract.ts";
import { isIntegerDtype, promote } from "../lowering/promotion.ts";
import {
  asMeaning,
  needDtype,
  type NeededParameter,
  type TensorOperand,
  type TensorProgram,
  tensorProgram,
} from "../lowering/tensor_op.ts";
import { type Initialiser, OPERAND_KINDS, type OperandRow, type OpRow } from "../ops/row.ts";
import type { TensorValue } from "../value.ts";
import type { Machine } from "./machine.ts";
import type { OpCall } from "./operands.ts";
import {
  asScalar,
  CARRIERS,
  describeValue,
  dtypeOfValue,
  fromIr,
  numberOf,
  runTuple,
  type RunValue,
  scalarTensor,
  toIr,
} from "./run_value.ts";
import type { Steps } from "./work.ts";

/** Most programs that a run keeps ready. */
export const MAX_PROGRAMS_KEPT = 256;

const kept = new WeakMap<Machine, Map<string, TensorProgram>>();

const operandOf = (value: RunValue): TensorOperand | undefined => {
  const dtype = dtypeOfValue(value);
  if (dtype === undefined) return undefined;
  const shape = value.k === "Tensor" ? value.shape as ReadonlyArray<number> : [];
  return { dtype, shape, weak: shape.length === 0 };
};

const needTensor = (row: OpRow, operand: OperandRow | undefined, value: RunValue): TensorOperand => {
  const made = operandOf(value);
  if (made !== undefined) return made;
  const takes = OPERAND_KINDS[operand?.takes ?? "number"];
  throw wrongOperand({
    op: row.name,
    operand: operand?.name ?? "operand",
    takes,
    found: describeValue(value),
    expected: takes,
  });
};

const DRAWS: { readonly [I in Initialiser]: (draw: ReturnType<typeof random>, fan: number, fanOut: number) => number } =
  {
    zeros: () => 0,
    ones: () => 1,
    fanIn: (draw, fan) => (2 * draw.float() - 1) / Math.sqrt(fan),
    glorot: (draw, fan, fanOut) => (2 * draw.float() - 1) * Math.sqrt(6 / (fan + fanOut)),
    normal: (draw, fan) => draw.normal() / Math.sqrt(fan),
  };

/** Most elements of one parameter. */
export const MAX_PARAMETER_ELEMENTS: number = 2 ** 27;

/** A parameter's first value: a stream of its own for each path, so that one does not depend on the others. */
export const initialParameter = (needed: NeededParameter, path: string, seed: string | number): Tensor => {
  const shape = needed.shape as ReadonlyArray<number>;
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > MAX_PARAMETER_ELEMENTS) {
    throw outOfMemory({ what: `elements of parameter ${path}`, limit: MAX_PARAMETER_ELEMENTS });
  }
  const draw = random(seed).split("parameter").split(path);
  const from = DRAWS[needed.row.init];
  const [fan, fanOut] = [Number(needed.fan), Number(needed.fanOut)];
  return irTensor(CARRIERS[needed.dtype], shape, Float64Array.from({ length: count }, () => from(draw, fan, fanOut)));
};

const parameterOf = (machine: Machine, needed: NeededParameter, path: string): Tensor => {
  const at = `${path}/${needed.row.name}`;
  const known = machine.parameters.get(at);
  if (known !== undefined) return toIr(known);
  machine.charge(needed.shape.reduce<number>((product, size) => product * Number(size), 1));
  const made = initialParameter(needed, at, machine.options.seed);
  machine.parameters.set(at, fromIr(made, needed.dtype));
  return made;
};

const programOf = (
  machine: Machine,
  call: OpCall,
  own: ReadonlyArray<TensorOperand | undefined>,
  rest: ReadonlyArray<TensorOperand>,
) => {
  const { row, attributes } = call;
  const given = new Map([...call.given].map(([name, value]) => [name, needTensor(row, undefined, value)]));
  const { training } = machine.options;
  const key = JSON.stringify([row.name, own, rest, [...given], attributes, training]);
  const programs = kept.get(machine) ?? new Map<string, TensorProgram>();
  kept.set(machine, programs);
  const known = programs.get(key);
  if (known !== undefined) return known;
  const made = tensorProgram({ row, operands: own, rest, given, attributes, training });
  if (programs.size >= MAX_PROGRAMS_KEPT) programs.delete(programs.keys().next().value!);
  programs.set(key, made);
  return made;
};

const needIndices = (op: string, indices: Tensor, limit: number): void => {
  const outside = toIntegers(indices).find((index) => index < 0n || index >= BigInt(limit));
  if (outside !== undefined) {
    throw badIndex({ op, index: String(outside), limit, expected: limit - 1, actual: String(outside) });
  }
};

/** What each op's indices point into: the size of which input, along which axis. */
const POINTS_INTO: { readonly [op: string]: (shape: Shape, axis: number) => unknown } = {
  gather: (shape, axis) => shape.at(axis),
  scatter: (shape, axis) => shape.at(axis),
  nll_loss: (shape) => shape.at(-1),
  cross_entropy: (shape) => shape.at(-1),
};

const checkValues = (
  { row, operands, attributes }: OpCall,
  inputs: ReadonlyArray<Tensor>,
  weights: ReadonlyArray<Tensor>,
): void => {
  if (row.name === "embed") needIndices(row.name, inputs[0], weights[0].shape[0]);
  const into = POINTS_INTO[row.name];
  if (into !== undefined && !(row.name === "cross_entropy" && !isIntegerDtype(dtypeOfValue(operands[1]!)!))) {
    const limit = into(inputs[0].shape, Number(attributes.axis ?? 0));
    if (typeof limit === "number") needIndices(row.name, inputs[1], limit);
  }
  if (row.name === "clamp") {
    const [low, high] = operands.slice(1).map((bound) => numberOf(bound!));
    if (low !== undefined && high !== undefined && !(low <= high)) {
      throw outsideDomain({ op: "clamp", reason: `${low} and ${high} are not in order` });
    }
  }
};

/** Exact arithmetic of integers, where all operands are and the op has it. */
const exactly = (
  { machine, row, operands }: OpCall,
  own: ReadonlyArray<TensorOperand | undefined>,
): RunValue | undefined => {
  if (!isIntegral(row.name) || !own.every((operand) => operand !== undefined && isIntegerDtype(operand.dtype))) {
    return undefined;
  }
  const types = own as ReadonlyArray<TensorOperand>;
  const dtype = promote(types)!;
  machine.charge(types.reduce((sum, { shape }) => sum + shape.reduce<number>((p, size) => p * Number(size), 1), 0));
  return asScalar(integerArithmetic(row.name, operands as ReadonlyArray<RunValue>, dtype));
};

/** Runs a tensor op. */
export function* runTensorOp(call: OpCall): Steps {
  const { machine, row, operands, rest, path } = call;
  if (rest.length === 0 && operands.every((operand) => operand !== undefined)) {
    const made = scalarArithmetic(row.name, operands as ReadonlyArray<RunValue>);
    if (made !== undefined) return made;
  }
  const own = operands.map((value, i) => value === undefined ? undefined : needTensor(row, row.operands[i], value));
  own.forEach((operand, i) => operand && needDtype(row, row.operands[i], operand));
  const exact = rest.length === 0 ? exactly(call, own) : undefined;
  if (exact !== undefined) return exact;
  const parts = rest.map((value) => needTensor(row, row.operands.at(-1), value));
  const made = programOf(machine, call, own, parts);
  const weights = made.parameters.map((needed) => {
    const given = call.given.get(needed.row.name);
    return given === undefined ? parameterOf(machine, needed, path) : toIr(scalarTensor(given)!);
  });
  const inputs = [...operands.filter((value) => value !== undefined), ...rest].map((value) =>
    toIr(scalarTensor(value)!)
  );
  checkValues(call, inputs, weights);
  const seed = made.drawn ? [scalar("i64", BigInt(machine.draw(path)))] : [];
  const steps = asMeaning(row.name, () =>
    evaluateSteps(made.program, [...inputs, ...weights, ...seed], {
      fuel: Math.min(machine.left, Number.MAX_SAFE_INTEGER),
      maxBytes: machine.freeBytes,
    }));
  let turn = asMeaning(row.name, () => steps.next());
  while (!turn.done) {
    yield undefined;
    turn = asMeaning(row.name, () => steps.next());
  }
  const { results, fuelUsed } = turn.value;
  machine.charge(fuelUsed);
  const values = made.results.map(({ dtype }, i) => asScalar(fromIr(results[i], dtype)));
  made.running.forEach((name, i) => {
    const { dtype } = made.parameters.find((needed) => needed.row.name === name)!;
    machine.parameters.set(`${path}/${name}`, fromIr(results[values.length + i], dtype) as TensorValue);
  });
  return made.tuple ? runTuple(values) : values[0];
}
