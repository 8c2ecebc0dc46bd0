/**
 * Scalar: one element at a time: what is on the stack for each dtype, and the instructions of each operation.
 *
 * Not loops and not vectors.
 * Invariant: on the stack, signed integers narrower than 32 bits are sign-extended, unsigned ones zero-extended, bools
 * 0 or 1, and two-byte floats are f32 numbers of their format; every operation leaves its result so.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat } from "../../../ir/library.ts";
import type { Operation } from "../../codegen/loops.ts";
import type { Code, MemoryInstruction, PlainInstruction, ValueType } from "../wasm/code.ts";
import { MATH_BINARY, MATH_UNARY, type Runtime } from "./runtime.ts";

/** What an element is on the stack. */
export const registerOf = (dtype: Dtype): "i32" | "i64" | "f32" | "f64" => {
  if (dtype === "f64") return "f64";
  if (isFloat(dtype)) return "f32";
  return dtypeInfo(dtype).bits === 64 ? "i64" : "i32";
};

/** Bytes of an element in memory: 4-bit integers and bools take one each. */
export const bytesOf = (dtype: Dtype): number => Math.max(1, dtypeInfo(dtype).bits / 8);

const LOADS: { readonly [D in Dtype]: MemoryInstruction } = {
  f64: "f64.load",
  f32: "f32.load",
  f16: "i32.load16_u",
  bf16: "i32.load16_u",
  i64: "i64.load",
  u64: "i64.load",
  i32: "i32.load",
  u32: "i32.load",
  i16: "i32.load16_s",
  u16: "i32.load16_u",
  i8: "i32.load8_s",
  i4: "i32.load8_s",
  u8: "i32.load8_u",
  bool: "i32.load8_u",
};

const STORES: { readonly [bytes: number]: { readonly [T in ValueType]?: MemoryInstruction } } = {
  8: { f64: "f64.store", i64: "i64.store" },
  4: { f32: "f32.store", i32: "i32.store" },
  2: { i32: "i32.store16" },
  1: { i32: "i32.store8" },
};

const isNarrowFloat = (dtype: Dtype): dtype is "f16" | "bf16" => dtype === "f16" || dtype === "bf16";

/** Reads an element at the address on the stack. */
export const loadElement = (code: Code, runtime: Runtime, dtype: Dtype, offset: number): void => {
  code.memory(LOADS[dtype], offset);
  if (isNarrowFloat(dtype)) code.call(runtime.decode(dtype));
};

/** Writes the element on the stack at the address under it. */
export const storeElement = (code: Code, runtime: Runtime, dtype: Dtype, offset: number): void => {
  if (isNarrowFloat(dtype)) code.call(runtime.encode(dtype));
  const type = isNarrowFloat(dtype) ? "i32" : registerOf(dtype);
  code.memory(STORES[bytesOf(dtype)][type]!, offset);
};

/** A literal. */
export const pushConstant = (code: Code, dtype: Dtype, value: number | bigint): void => {
  const type = registerOf(dtype);
  if (type === "i64") code.i64(BigInt.asIntN(64, BigInt(value)));
  else if (type === "i32") code.i32(Number(value) | 0);
  else code[type](Number(value));
};

/** Brings the 32-bit result of integer arithmetic back into its dtype. */
const wrap = (code: Code, dtype: Dtype): void => {
  if (dtype === "i16") code.op("i32.extend16_s");
  else if (dtype === "i8") code.op("i32.extend8_s");
  else if (dtype === "i4") code.i32(28).op("i32.shl").i32(28).op("i32.shr_s");
  else if (dtype === "u16") code.i32(0xffff).op("i32.and");
  else if (dtype === "u8") code.i32(0xff).op("i32.and");
};

const roundNarrow = (code: Code, runtime: Runtime, dtype: Dtype): void => {
  if (isNarrowFloat(dtype)) code.call(runtime.round(dtype));
};

const MAX_I32 = 2147483647;

/** The float on the stack as an integer: towards zero, clamped, NaN to 0. */
const truncate = (code: Code, from: "f32" | "f64", to: Dtype): void => {
  const { bits, signed } = dtypeInfo(to);
  const type = registerOf(to);
  const isWhole = bits >= 32;
  code.op(`${type}.trunc_sat_${from}_${signed || !isWhole ? "s" : "u"}` as PlainInstruction);
  if (isWhole) return;
  const [low, high] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  clamp(code, low, Math.min(high, MAX_I32));
};

const clamp = (code: Code, low: number, high: number): void => {
  const x = code.keep("i32");
  code.get(x).i32(low).get(x).i32(low).op("i32.gt_s").select("i32").set(x);
  code.get(x).i32(high).get(x).i32(high).op("i32.lt_s").select("i32");
  code.release(x);
};

const castFloat = (code: Code, runtime: Runtime, from: Dtype, to: Dtype): void => {
  const [a, b] = [registerOf(from) as "f32" | "f64", registerOf(to) as "f32" | "f64"];
  if (isNarrowFloat(to)) {
    if (a === "f64") code.call(runtime.odd());
    roundNarrow(code, runtime, to);
  } else if (a === "f32" && b === "f64") code.op("f64.promote_f32");
  else if (a === "f64" && b === "f32") code.op("f32.demote_f64");
};

const integerToFloat = (code: Code, runtime: Runtime, from: Dtype, to: Dtype): void => {
  const sign = dtypeInfo(from).signed ? "s" : "u";
  const type = registerOf(from);
  if (!isNarrowFloat(to)) {
    code.op(`${registerOf(to) as "f32" | "f64"}.convert_${type}_${sign}` as PlainInstruction);
    return;
  }
  if (type === "i64") code.call(runtime.oddInteger(sign === "s"));
  else code.op(`f64.convert_i32_${sign}` as PlainInstruction);
  castFloat(code, runtime, "f64", to);
};

/** Converts the element on the stack. */
export const pushCast = (code: Code, runtime: Runtime, from: Dtype, to: Dtype): void => {
  const type = registerOf(from);
  if (to === "bool") {
    if (type === "i32") code.i32(0).op("i32.ne");
    else if (type === "i64") code.i64(0n).op("i64.ne");
    else code[type](0).op(`${type}.ne`);
  } else if (isFloat(from)) {
    if (isFloat(to)) castFloat(code, runtime, from, to);
    else truncate(code, type as "f32" | "f64", to);
  } else if (isFloat(to)) integerToFloat(code, runtime, from, to);
  else if (type === "i32" && registerOf(to) === "i64") {
    code.op(dtypeInfo(from).signed ? "i64.extend_i32_s" : "i64.extend_i32_u");
  } else {
    if (type === "i64" && registerOf(to) === "i32") code.op("i32.wrap_i64");
    if (registerOf(to) === "i32") wrap(code, to);
  }
};

const FLOAT_PLAIN: { readonly [op: string]: string } = {
  neg: "neg",
  abs: "abs",
  sqrt: "sqrt",
  floor: "floor",
  ceil: "ceil",
  round: "nearest",
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  max: "max",
  min: "min",
};

const INTEGER_PLAIN: { readonly [op: string]: string } = {
  add: "add",
  sub: "sub",
  mul: "mul",
  and: "and",
  or: "or",
  xor: "xor",
};

/** Mathematics of one and two operands, in f64. */
const pushMath = (code: Code, runtime: Runtime, op: string, type: "f32" | "f64"): void => {
  const isBinary = Object.hasOwn(MATH_BINARY, op);
  if (type === "f32") {
    if (isBinary) {
      const y = code.op("f64.promote_f32").keep("f64");
      code.op("f64.promote_f32").get(y);
      code.release(y);
    } else code.op("f64.promote_f32");
  }
  code.call(runtime.math(op));
  if (type === "f32") code.op("f32.demote_f64");
};

const floatOperation = (code: Code, runtime: Runtime, op: Operation, dtype: Dtype): void => {
  const type = registerOf(dtype) as "f32" | "f64";
  if (Object.hasOwn(FLOAT_PLAIN, op)) code.op(`${type}.${FLOAT_PLAIN[op]}` as PlainInstruction);
  else if (op === "sign") code.call(runtime.sign(type));
  else if (Object.hasOwn(MATH_UNARY, op) || Object.hasOwn(MATH_BINARY, op)) pushMath(code, runtime, op, type);
  else throw new Error(`${op} of ${dtype} has no instructions`);
  roundNarrow(code, runtime, dtype);
};

const extremum = (code: Code, type: "i32" | "i64", dtype: Dtype, op: "max" | "min"): void => {
  const [y, x] = [code.keep(type), code.keep(type)];
  const sign = dtypeInfo(dtype).signed ? "s" : "u";
  code.get(x).get(y).get(x).get(y).op(`${type}.${op === "max" ? "gt" : "lt"}_${sign}` as PlainInstruction).select(type);
  code.release(x, y);
};

const integerUnary = (code: Code, type: "i32" | "i64", dtype: Dtype, op: Operation): void => {
  const { signed } = dtypeInfo(dtype);
  const x = code.keep(type);
  const zero = (): Code => type === "i32" ? code.i32(0) : code.i64(0n);
  if (op === "not") {
    if (dtype === "bool") code.get(x).op("i32.eqz");
    else {
      code.get(x);
      (type === "i32" ? code.i32(-1) : code.i64(-1n)).op(`${type}.xor`);
    }
  } else if (op === "neg") zero().get(x).op(`${type}.sub`);
  else if (op === "abs") {
    if (!signed) code.get(x);
    else {
      zero().get(x).op(`${type}.sub`).get(x).get(x);
      zero().op(`${type}.lt_s`).select(type);
    }
  } else if (op === "sign") {
    code.get(x);
    zero().op(`${type}.${signed ? "gt_s" : "ne"}` as PlainInstruction);
    if (signed) {
      code.get(x);
      zero().op(`${type}.lt_s`).op("i32.sub");
    }
    if (type === "i64") code.op("i64.extend_i32_s");
  }
  code.release(x);
};

const UNARY_INTEGER: ReadonlySet<string> = new Set(["not", "neg", "abs", "sign"]);

const integerOperation = (code: Code, runtime: Runtime, op: Operation, dtype: Dtype): void => {
  const type = registerOf(dtype) as "i32" | "i64";
  if (Object.hasOwn(INTEGER_PLAIN, op)) code.op(`${type}.${INTEGER_PLAIN[op]}` as PlainInstruction);
  else if (UNARY_INTEGER.has(op)) integerUnary(code, type, dtype, op);
  else if (op === "max" || op === "min") extremum(code, type, dtype, op);
  else if (op === "div" || op === "rem" || op === "pow" || op === "shift_left" || op === "shift_right") {
    code.call(runtime.integer(op, type, dtype));
  } else throw new Error(`${op} of ${dtype} has no instructions`);
  if (type === "i32") wrap(code, dtype);
};

/** Whether an operation compares. */
export const isComparison = (op: string): op is "eq" | "ne" | "lt" | "le" | "gt" | "ge" =>
  ["eq", "ne", "lt", "le", "gt", "ge"].includes(op);

const compare = (code: Code, op: string, dtype: Dtype): void => {
  const type = registerOf(dtype);
  const isOrder = op !== "eq" && op !== "ne";
  const sign = isFloat(dtype) || !isOrder ? "" : dtypeInfo(dtype).signed ? "_s" : "_u";
  code.op(`${type}.${op}${sign}` as PlainInstruction);
};

/** Draws by the seed, position and stream on the stack. */
const draw = (code: Code, runtime: Runtime, op: Operation, dtype: Dtype): void => {
  if (op === "random_bits") {
    code.call(runtime.philox()).drop();
    if (dtype === "bool") code.op("i32.wrap_i64").i32(1).op("i32.and");
    else pushCast(code, runtime, "u64", dtype);
    return;
  }
  code.call(op === "random_normal" ? runtime.normal() : runtime.uniform(dtypeInfo(dtype).mantissa! + 1));
  castFloat(code, runtime, "f64", dtype);
};

/** Applies an operation to the operands on the stack; `operand` is their dtype, `dtype` the result's. */
export const pushOperation = (code: Code, runtime: Runtime, op: Operation, operand: Dtype, dtype: Dtype): void => {
  if (op === "cast") pushCast(code, runtime, operand, dtype);
  else if (isComparison(op)) compare(code, op, operand);
  else if (op.startsWith("random_")) draw(code, runtime, op, dtype);
  else if (isFloat(dtype)) floatOperation(code, runtime, op, dtype);
  else integerOperation(code, runtime, op, dtype);
};
