/**
 * Programs written short, for tests of meaning: trees are built, not parsed, so that these tests stand without syntax.
 *
 * @module
 */
import assert from "node:assert/strict";
import { Failure } from "../../../kernel/mod.ts";
import {
  app,
  type Attribute,
  call,
  type Expression,
  lam,
  letIn,
  lit,
  ref,
  seq,
} from "../../../plugins/rmil/expression.ts";
import { runNow, type RunOptions } from "../../../plugins/rmil/interpreter.ts";
import { fromIr, type RunValue, toIr } from "../../../plugins/rmil/interpreter/run_value.ts";
import { type OpName, OPS } from "../../../plugins/rmil/opcodes.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import type { Type } from "../../../plugins/rmil/types.ts";
import {
  bool,
  f32,
  f64,
  i64,
  type TensorValue,
  toBigInt,
  toFloat32,
  toFloat64,
  type Value,
} from "../../../plugins/rmil/value.ts";
import { elements, tensor as irTensor } from "../../../plugins/ir/library.ts";
import { CARRIERS } from "../../../plugins/rmil/interpreter/run_value.ts";
import type { Dtype } from "../../../plugins/rmil/dtype.ts";

/** One table of names for all programs of a test file. */
export const symbols = new Symbols();

/** A symbol. */
export const sym = (name: string): number => symbols.intern(name);

/** A reference by name. */
export const name = (text: string): Expression => ref(sym(text));

/** An f32 literal; integers are `int`. */
export const num = (value: number): Expression => lit(f32(value));

/** An i64 literal. */
export const int = (value: number | bigint): Expression => lit(i64(value));

/** An f64 literal. */
export const wide = (value: number): Expression => lit(f64(value));

/** A boolean literal. */
export const flag = (value: boolean): Expression => lit(bool(value));

/** A symbol literal. */
export const symbol = (text: string): Expression => lit({ k: "Sym", sym: sym(text) });

/** An op applied. */
export const op = (text: OpName, ...args: ReadonlyArray<Expression>): Expression => app(OPS[text].code, args);

/** An op applied with named attributes. */
export const withAttributes = (
  text: OpName,
  attributes: { readonly [name: string]: Value },
  ...args: ReadonlyArray<Expression>
): Expression =>
  app(OPS[text].code, args, Object.entries(attributes).map(([key, value]): Attribute => ({ name: key, value })));

/** Stages one after another. */
export const pipe = (...stages: ReadonlyArray<Expression>): Expression => stages.reduce((a, b) => seq(a, b));

/** A lambda. */
export const fun = (parameters: ReadonlyArray<readonly [string, Type]>, body: Expression): Expression =>
  lam(parameters.map(([text, type]) => ({ sym: sym(text), type })), body);

/** A let. */
export const bind = (text: string, value: Expression, body: Expression): Expression => letIn(sym(text), value, body);

/** A call of a named function. */
export const calling = (text: string, ...args: ReadonlyArray<Expression>): Expression => call(name(text), args);

/** A tensor value. */
export const tensor = (
  dtype: Dtype,
  shape: ReadonlyArray<number>,
  values: ReadonlyArray<number | bigint | boolean>,
): TensorValue => fromIr(irTensor(CARRIERS[dtype], shape, values), dtype);

/** Elements of a tensor, as numbers. */
export const numbers = (value: RunValue): ReadonlyArray<number> => {
  assert.equal(value.k, "Tensor");
  return elements(toIr(value as TensorValue)).map(Number);
};

/** Sizes of a tensor. */
export const shapeOf = (value: RunValue): ReadonlyArray<unknown> => {
  assert.equal(value.k, "Tensor");
  return (value as TensorValue).shape;
};

/** A value as plain JavaScript: exact integers are bigints. */
export const plain = (value: RunValue): unknown => {
  switch (value.k) {
    case "Nil":
      return null;
    case "Bool":
      return value.v;
    case "I64":
      return toBigInt(value);
    case "F32":
      return toFloat32(value);
    case "F64":
      return toFloat64(value);
    case "Sym":
      return symbols.nameOf(value.sym);
    case "Tuple":
      return value.items.map(plain);
    case "Tensor":
      return { dtype: value.dtype, shape: value.shape, values: numbers(value) };
    default:
      return value;
  }
};

/** Runs a program at once. */
export const runOn = (program: Expression, input?: RunValue, options: RunOptions = {}): RunValue => {
  const inputs: { readonly [name: string]: RunValue } = input === undefined ? {} : { "the input": input };
  return runNow(program, symbols, { ...options, inputs: { ...inputs, ...options.inputs } })!.value;
};

/** The failure a computation ends in. */
export const failureOf = (compute: () => unknown): Failure => {
  try {
    compute();
  } catch (thrown) {
    assert.ok(thrown instanceof Failure, String(thrown));
    return thrown;
  }
  return assert.fail("there was no failure");
};

/** Whether numbers agree within a relative tolerance. */
export const close = (found: ReadonlyArray<number>, wanted: ReadonlyArray<number>, tolerance = 1e-5): void => {
  assert.equal(found.length, wanted.length);
  found.forEach((value, i) => {
    const scale = Math.max(1, Math.abs(wanted[i]));
    assert.ok(
      Object.is(value, wanted[i]) || Math.abs(value - wanted[i]) <= tolerance * scale,
      `element ${i}: ${value}, not ${wanted[i]}`,
    );
  });
};

/** Numbers of a closed form, different and without pattern. */
export const wave = (count: number, phase = 0): ReadonlyArray<number> =>
  Array.from({ length: count }, (_, i) => Math.fround(Math.sin(1.7 * i + phase) * 1.5 + 0.1 * Math.cos(0.3 * i)));
