/**
 * Run values: what a running program passes around: the language's values, and functions, programs, terms and buffers.
 *
 * Not literals (value.ts): these four have no wire form, and leave a run only as text.
 * Invariant: a tensor in a run has concrete sizes and as many bytes as they take.
 *
 * @module
 */
import { type Dtype as IrDtype, fromBytes, type Tensor, toBytes } from "../../ir/library.ts";
import { type Dtype, DTYPES } from "../dtype.ts";
import type { Expression, Parameter } from "../expression.ts";
import type { HostFunction } from "../hosts/functions.ts";
import { printTerm } from "../symbolic_default.ts";
import type { Term } from "../symbolic.ts";
import { showType } from "../types.ts";
import {
  f32Of,
  f64,
  i64,
  type TensorValue,
  tensorValue,
  toBigInt,
  toFloat32,
  toFloat64,
  type Value,
} from "../value.ts";

/** Names bound around an expression, innermost first. */
export interface Environment {
  /** The symbol. */
  readonly sym: number;
  /** What it names; assigned once, after construction, for a function that names itself. */
  value: RunValue;
  /** The scope around. */
  readonly outer: Environment | undefined;
}

/** A function: a lambda or a stage with its surroundings, two functions one after the other, or one of the host. */
export type FunctionValue =
  | {
    readonly k: "Function";
    /** Parameters of a lambda; `undefined` for a stage, which takes its pipeline's input. */
    readonly parameters: ReadonlyArray<Parameter> | undefined;
    readonly body: Expression;
    readonly environment: Environment | undefined;
    readonly path: string;
    readonly first?: undefined;
    readonly host?: undefined;
  }
  | {
    readonly k: "Function";
    readonly first: FunctionValue;
    readonly then: FunctionValue;
    readonly parameters?: undefined;
    readonly host?: undefined;
  }
  | {
    readonly k: "Function";
    readonly host: HostFunction;
    readonly first?: undefined;
    readonly parameters?: undefined;
  };

/** A tuple. */
export interface RunTuple {
  readonly k: "Tuple";
  readonly items: ReadonlyArray<RunValue>;
}

/** Any value of a run. */
export type RunValue =
  | Exclude<Value, { readonly k: "Tuple" }>
  | RunTuple
  | FunctionValue
  | { readonly k: "Program"; readonly program: Expression }
  | {
    readonly k: "Term";
    readonly term: Term;
    /** The expression that it was quoted from, for ops that take programs as well. */
    readonly quoted?: Expression;
  }
  | { readonly k: "Buffer"; readonly id: number };

/** A tuple of a run. */
export const runTuple = (items: ReadonlyArray<RunValue>): RunTuple => ({ k: "Tuple", items });

/** Whether a value is plain data, with a wire form. */
export const isPlain = (value: RunValue): value is Value =>
  value.k === "Tuple"
    ? value.items.every(isPlain)
    : value.k !== "Function" && value.k !== "Program" && value.k !== "Term" && value.k !== "Buffer";

/** The dtype of a scalar or tensor; `undefined` for anything else. */
export const dtypeOfValue = (value: RunValue): Dtype | undefined => {
  switch (value.k) {
    case "Bool":
      return "b1";
    case "I64":
      return "i64";
    case "F32":
      return "f32";
    case "F64":
      return "f64";
    case "Tensor":
      return value.dtype;
    default:
      return undefined;
  }
};

/** What a value is, for messages. */
export const describeValue = (value: RunValue): string => {
  switch (value.k) {
    case "Nil":
      return "nil";
    case "Sym":
      return "a symbol";
    case "Tuple":
      return `a tuple of ${value.items.length}`;
    case "Tensor":
      return showType({ k: "Tensor", dtype: value.dtype, shape: value.shape });
    case "Function":
      return "a function";
    case "Program":
      return "a program";
    case "Term":
      return `the term ${printTerm(value.term)}`;
    case "Buffer":
      return `buffer ${value.id}`;
    default:
      return dtypeOfValue(value)!;
  }
};

/** The evaluator's dtype for each of ours. */
export const CARRIERS: { readonly [D in Dtype]: IrDtype } = {
  b1: "bool",
  i8: "i8",
  i16: "i16",
  i32: "i32",
  i64: "i64",
  u8: "u8",
  u16: "u16",
  u32: "u32",
  u64: "u64",
  f16: "f16",
  bf16: "bf16",
  f32: "f32",
  f64: "f64",
};

/** A tensor for the evaluator. */
export const toIr = ({ dtype, shape, bytes }: TensorValue): Tensor =>
  fromBytes(CARRIERS[dtype], shape as ReadonlyArray<number>, bytes);

/** The evaluator's tensor as one of ours. */
export const fromIr = (tensor: Tensor, dtype: Dtype): TensorValue => tensorValue(dtype, tensor.shape, toBytes(tensor));

const words = new DataView(new ArrayBuffer(8));

/** A scalar as a tensor without axes; `undefined` where it is none. */
export const scalarTensor = (value: RunValue): TensorValue | undefined => {
  const dtype = dtypeOfValue(value);
  if (value.k === "Tensor") return value;
  if (dtype === undefined) return undefined;
  const bytes = new Uint8Array(DTYPES[dtype].bytes);
  const view = new DataView(bytes.buffer);
  if (value.k === "Bool") view.setUint8(0, value.v ? 1 : 0);
  else if (value.k === "F32") view.setUint32(0, value.bits, true);
  else if (value.k === "I64" || value.k === "F64") {
    view.setInt32(0, value.lo, true);
    view.setInt32(4, value.hi, true);
  }
  return tensorValue(dtype, [], bytes);
};

/** A tensor without axes as a scalar where the language has one of its dtype; else the tensor. */
export const asScalar = (value: TensorValue): RunValue => {
  if (value.shape.length > 0) return value;
  const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, value.bytes.byteLength);
  switch (value.dtype) {
    case "b1":
      return { k: "Bool", v: value.bytes[0] !== 0 };
    case "i64":
      return i64(view.getBigInt64(0, true));
    case "f32":
      return f32Of(view.getUint32(0, true));
    case "f64":
      words.setBigUint64(0, view.getBigUint64(0, true));
      return { k: "F64", lo: words.getInt32(4), hi: words.getInt32(0) };
    default:
      return value;
  }
};

/** The number of a scalar float or integer; `undefined` where it is none. */
export const numberOf = (value: RunValue): number | undefined => {
  if (value.k === "I64") return Number(toBigInt(value));
  if (value.k === "F32") return toFloat32(value);
  return value.k === "F64" ? toFloat64(value) : undefined;
};

/** Items of a collection: those of a tuple, or a tensor along its first axis; `undefined` where it is none. */
export const itemsOf = (value: RunValue): ReadonlyArray<RunValue> | undefined => {
  if (value.k === "Tuple") return value.items;
  if (value.k !== "Tensor" || value.shape.length === 0) return undefined;
  const [count, ...rest] = value.shape as ReadonlyArray<number>;
  const size = count === 0 ? 0 : value.bytes.length / count;
  return Array.from(
    { length: count },
    (_, index) => asScalar(tensorValue(value.dtype, rest, value.bytes.subarray(index * size, (index + 1) * size))),
  );
};

/** Items as a collection of the kind of another: a tensor again where they stack to one, else a tuple. */
export const likeCollection = (items: ReadonlyArray<RunValue>, like: RunValue): RunValue => {
  if (like.k !== "Tensor") return runTuple(items);
  const tensors = items.map(scalarTensor);
  const [first] = tensors;
  const stacks = first !== undefined &&
    tensors.every((tensor) =>
      tensor !== undefined && tensor.dtype === first.dtype && tensor.shape.length === first.shape.length &&
      tensor.shape.every((size, axis) => size === first.shape[axis])
    );
  if (!stacks) return runTuple(items);
  const bytes = new Uint8Array(first.bytes.length * items.length);
  tensors.forEach((tensor, index) => bytes.set(tensor!.bytes, index * first.bytes.length));
  return tensorValue(first.dtype, [items.length, ...first.shape], bytes);
};

/** A double as a scalar of a float dtype. */
export const floatScalar = (value: number, wide: boolean): RunValue =>
  wide ? f64(value) : f32Of((words.setFloat32(0, value), words.getUint32(0)));

/** Names of the evaluator's dtypes that are ours under another name. */
export const fromCarrier = (dtype: IrDtype): Dtype => dtype === "bool" ? "b1" : dtype === "i4" ? "i8" : dtype;
