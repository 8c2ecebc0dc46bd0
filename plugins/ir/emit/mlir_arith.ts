/**
 * MLIR arithmetic: what each operation of an expression is in the arith and math dialects.
 *
 * Invariant: signedness is in the operation, as in MLIR; division, shifts and conversions are guarded so that they mean
 * what the primitives mean for all operands.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat } from "../types.ts";
import { integerRange } from "../value.ts";
import { type Draw, isDraw, MLIR_PHILOX, mlirDraw } from "./draws.ts";
import type { Operation } from "./form.ts";

/** A value in text with its element type. */
export interface MlirValue {
  /** Its name. */
  readonly name: string;
  /** Its element type. */
  readonly dtype: Dtype;
}

/** What arithmetic is written into: a block that gives each operation a name. */
export interface MlirBlock {
  /** Adds an operation with one result of an element type. */
  readonly value: (dtype: Dtype, text: string) => MlirValue;
  /** A literal. */
  readonly constant: (dtype: Dtype, value: number | bigint) => MlirValue;
  /** Calls a helper function. */
  readonly helper: (name: string, text: string) => void;
}

const TYPES: { readonly [D in Dtype]?: string } = {
  f64: "f64",
  f32: "f32",
  i64: "i64",
  i32: "i32",
  i16: "i16",
  i8: "i8",
  u64: "i64",
  u32: "i32",
  u16: "i16",
  u8: "i8",
  bool: "i1",
};

/** Element types that are printed. */
export const MLIR_DTYPES: ReadonlySet<Dtype> = new Set(Object.keys(TYPES) as ReadonlyArray<Dtype>);

/** Text of an element type. */
export const mlirType = (dtype: Dtype): string => TYPES[dtype]!;

/** Text of a literal, without its type. */
export const mlirLiteral = (dtype: Dtype, value: number | bigint): string => {
  if (dtype === "bool") return Number(value) === 0 ? "false" : "true";
  if (!isFloat(dtype)) return String(BigInt.asIntN(dtypeInfo(dtype).bits, BigInt(value)));
  const number = Number(value);
  if (!Number.isFinite(number)) {
    const [negative, positive, nan] = dtype === "f32"
      ? ["0xFF800000", "0x7F800000", "0x7FC00000"]
      : ["0xFFF0000000000000", "0x7FF0000000000000", "0x7FF8000000000000"];
    return Number.isNaN(number) ? nan : number < 0 ? negative : positive;
  }
  const text = Object.is(number, -0) ? "-0" : String(dtype === "f32" ? Math.fround(number) : number);
  const [digits, exponent] = text.split("e");
  return `${digits.includes(".") ? digits : `${digits}.0`}${exponent === undefined ? "" : `e${exponent}`}`;
};

const MATH: { readonly [op: string]: string } = {
  exp: "math.exp",
  expm1: "math.expm1",
  log: "math.log",
  log1p: "math.log1p",
  sqrt: "math.sqrt",
  sin: "math.sin",
  cos: "math.cos",
  tanh: "math.tanh",
  erf: "math.erf",
  floor: "math.floor",
  ceil: "math.ceil",
  neg: "arith.negf",
  add: "arith.addf",
  sub: "arith.subf",
  mul: "arith.mulf",
  div: "arith.divf",
  rem: "arith.remf",
  pow: "math.powf",
};

const WRAPPING: { readonly [op: string]: string } = {
  add: "arith.addi",
  sub: "arith.subi",
  mul: "arith.muli",
  and: "arith.andi",
  or: "arith.ori",
  xor: "arith.xori",
};

const FLOAT_COMPARE: { readonly [op: string]: string } = {
  eq: "oeq",
  ne: "une",
  lt: "olt",
  le: "ole",
  gt: "ogt",
  ge: "oge",
};

const isSigned = (dtype: Dtype): boolean => dtypeInfo(dtype).signed;

const apply = (b: MlirBlock, op: string, dtype: Dtype, ...operands: ReadonlyArray<MlirValue>): MlirValue =>
  b.value(dtype, `${op} ${operands.map(({ name }) => name).join(", ")} : ${mlirType(operands[0].dtype)}`);

const compare = (b: MlirBlock, direction: string, x: MlirValue, y: MlirValue): MlirValue => {
  const type = mlirType(x.dtype);
  if (isFloat(x.dtype)) {
    return b.value("bool", `arith.cmpf ${FLOAT_COMPARE[direction]}, ${x.name}, ${y.name} : ${type}`);
  }
  const ordered = direction === "eq" || direction === "ne";
  const predicate = ordered ? direction : `${isSigned(x.dtype) ? "s" : "u"}${direction}`;
  return b.value("bool", `arith.cmpi ${predicate}, ${x.name}, ${y.name} : ${type}`);
};

const choose = (b: MlirBlock, condition: MlirValue, x: MlirValue, y: MlirValue): MlirValue =>
  b.value(x.dtype, `arith.select ${condition.name}, ${x.name}, ${y.name} : ${mlirType(x.dtype)}`);

const integerOf = (b: MlirBlock, dtype: Dtype, value: number): MlirValue => b.constant(dtype, BigInt(value));

const negated = (b: MlirBlock, x: MlirValue): MlirValue => apply(b, "arith.subi", x.dtype, integerOf(b, x.dtype, 0), x);

/** Quotient and remainder by a divisor that is never 0 nor −1; the other two cases are chosen after it. */
const divide = (b: MlirBlock, op: "div" | "rem", x: MlirValue, y: MlirValue): MlirValue => {
  const { dtype } = x;
  const [zero, one] = [integerOf(b, dtype, 0), integerOf(b, dtype, 1)];
  const byZero = compare(b, "eq", y, zero);
  const whenZero = op === "div" ? zero : x;
  if (!isSigned(dtype)) {
    const plain = apply(b, op === "div" ? "arith.divui" : "arith.remui", dtype, x, choose(b, byZero, one, y));
    return choose(b, byZero, whenZero, plain);
  }
  const byMinus = compare(b, "eq", y, integerOf(b, dtype, -1));
  const safe = choose(b, byZero, one, choose(b, byMinus, one, y));
  const plain = apply(b, op === "div" ? "arith.divsi" : "arith.remsi", dtype, x, safe);
  const whenMinus = op === "div" ? negated(b, x) : zero;
  return choose(b, byZero, whenZero, choose(b, byMinus, whenMinus, plain));
};

const shift = (b: MlirBlock, left: boolean, x: MlirValue, y: MlirValue): MlirValue => {
  const { dtype } = x;
  const type = mlirType(dtype);
  const zero = integerOf(b, dtype, 0);
  const width = integerOf(b, dtype, dtypeInfo(dtype).bits);
  // Compared as unsigned numbers, negative counts are large.
  const inside = b.value("bool", `arith.cmpi ult, ${y.name}, ${width.name} : ${type}`);
  const count = choose(b, inside, y, zero);
  const made = apply(b, left ? "arith.shli" : isSigned(dtype) ? "arith.shrsi" : "arith.shrui", dtype, x, count);
  if (left || !isSigned(dtype)) return choose(b, inside, made, zero);
  const out = choose(b, compare(b, "lt", x, zero), integerOf(b, dtype, -1), zero);
  return choose(b, inside, made, out);
};

const power = (b: MlirBlock, x: MlirValue, y: MlirValue): MlirValue => {
  const [type, name] = [mlirType(x.dtype), `pow_${x.dtype}`];
  const negative = isSigned(x.dtype)
    ? `  %neg = arith.cmpi slt, %b, %zero : ${type}
  %rest = arith.andi %b, %one : ${type}
  %even = arith.cmpi eq, %rest, %zero : ${type}
  %minus = arith.constant -1 : ${type}
  %is_one = arith.cmpi eq, %a, %one : ${type}
  %is_minus = arith.cmpi eq, %a, %minus : ${type}
  %sign = arith.select %even, %one, %minus : ${type}
  %of_minus = arith.select %is_minus, %sign, %zero : ${type}
  %inverse = arith.select %is_one, %one, %of_minus : ${type}
  %made = arith.select %neg, %inverse, %power#0 : ${type}
  return %made : ${type}`
    : `  return %power#0 : ${type}`;
  b.helper(
    name,
    `func.func private @${name}(%a: ${type}, %b: ${type}) -> ${type} {
  %zero = arith.constant 0 : ${type}
  %one = arith.constant 1 : ${type}
  %power:3 = scf.while (%result = %one, %base = %a, %n = %b) : (${type}, ${type}, ${type}) -> (${type}, ${type}, ${type}) {
    %more = arith.cmpi ne, %n, %zero : ${type}
    scf.condition(%more) %result, %base, %n : ${type}, ${type}, ${type}
  } do {
  ^bb0(%result: ${type}, %base: ${type}, %n: ${type}):
    %bit = arith.andi %n, %one : ${type}
    %odd = arith.cmpi ne, %bit, %zero : ${type}
    %times = arith.muli %result, %base : ${type}
    %next = arith.select %odd, %times, %result : ${type}
    %square = arith.muli %base, %base : ${type}
    %half = arith.shrui %n, %one : ${type}
    scf.yield %next, %square, %half : ${type}, ${type}, ${type}
  }
${negative}
}`,
  );
  return b.value(x.dtype, `func.call @${name}(${x.name}, ${y.name}) : (${type}, ${type}) -> ${type}`);
};

const integer = (b: MlirBlock, op: Operation, dtype: Dtype, [x, y]: ReadonlyArray<MlirValue>): MlirValue => {
  if (Object.hasOwn(WRAPPING, op)) return apply(b, WRAPPING[op], dtype, x, y);
  if (op === "neg") return negated(b, x);
  if (op === "not") return apply(b, "arith.xori", dtype, x, b.constant(dtype, dtype === "bool" ? 1 : -1n));
  if (op === "div" || op === "rem") return divide(b, op, x, y);
  if (op === "shift_left" || op === "shift_right") return shift(b, op === "shift_left", x, y);
  if (op === "pow") return power(b, x, y);
  if (op === "max" || op === "min") {
    if (dtype === "bool") return apply(b, op === "max" ? "arith.ori" : "arith.andi", dtype, x, y);
    return apply(b, `arith.${op}${isSigned(dtype) ? "si" : "ui"}`, dtype, x, y);
  }
  const zero = integerOf(b, dtype, 0);
  if (op === "abs") return isSigned(dtype) ? choose(b, compare(b, "lt", x, zero), negated(b, x), x) : x;
  const positive = choose(b, compare(b, "gt", x, zero), integerOf(b, dtype, 1), zero);
  return isSigned(dtype) ? choose(b, compare(b, "lt", x, zero), integerOf(b, dtype, -1), positive) : positive;
};

/** |x|, under a name that every version of the math dialect has. */
const magnitude = (b: MlirBlock, x: MlirValue): MlirValue =>
  apply(b, "math.copysign", x.dtype, x, b.constant(x.dtype, 1));

/** Nearest integer, ties to even, by the floor: version 15 of the math dialect has no such operation. */
const roundEven = (b: MlirBlock, x: MlirValue): MlirValue => {
  const { dtype } = x;
  const [half, one, two] = [0.5, 1, 2].map((value) => b.constant(dtype, value));
  const floor = apply(b, "math.floor", dtype, x);
  const rest = apply(b, "arith.subf", dtype, x, floor);
  const pairs = apply(
    b,
    "arith.mulf",
    dtype,
    two,
    apply(b, "math.floor", dtype, apply(b, "arith.mulf", dtype, floor, half)),
  );
  const odd = compare(b, "ne", floor, pairs);
  const tied = apply(b, "arith.andi", "bool", compare(b, "eq", rest, half), odd);
  const up = apply(b, "arith.ori", "bool", compare(b, "gt", rest, half), tied);
  return apply(b, "math.copysign", dtype, choose(b, up, apply(b, "arith.addf", dtype, floor, one), floor), x);
};

const floating = (b: MlirBlock, op: Operation, dtype: Dtype, operands: ReadonlyArray<MlirValue>): MlirValue => {
  if (Object.hasOwn(MATH, op)) return apply(b, MATH[op], dtype, ...operands);
  const [x, y] = operands;
  if (op === "round") return roundEven(b, x);
  if (op === "abs") return magnitude(b, x);
  if (op === "max" || op === "min") return apply(b, `arith.${op}f`, dtype, x, y);
  const [zero, one] = [b.constant(dtype, 0), b.constant(dtype, 1)];
  if (op === "sign") {
    const negative = choose(b, compare(b, "lt", x, zero), b.constant(dtype, -1), x);
    return choose(b, compare(b, "gt", x, zero), one, negative);
  }
  // The logistic function by e^−|x|, which never overflows.
  const tail = apply(b, "math.exp", dtype, apply(b, "arith.negf", dtype, magnitude(b, x)));
  const whole = apply(b, "arith.addf", dtype, one, tail);
  const upper = apply(b, "arith.divf", dtype, one, whole);
  return choose(b, compare(b, "lt", x, zero), apply(b, "arith.divf", dtype, tail, whole), upper);
};

const convert = (b: MlirBlock, op: string, x: MlirValue, dtype: Dtype): MlirValue =>
  b.value(dtype, `${op} ${x.name} : ${mlirType(x.dtype)} to ${mlirType(dtype)}`);

const toInteger = (b: MlirBlock, x: MlirValue, dtype: Dtype): MlirValue => {
  const [low, high] = integerRange(dtype);
  const isNan = compare(b, "ne", x, x);
  const below = compare(b, "le", x, b.constant(x.dtype, Number(low)));
  const above = compare(b, "ge", x, b.constant(x.dtype, Number(high)));
  const zero = b.constant(x.dtype, 0);
  const safe = choose(b, isNan, zero, choose(b, below, zero, choose(b, above, zero, x)));
  const made = convert(b, isSigned(dtype) ? "arith.fptosi" : "arith.fptoui", safe, dtype);
  return choose(b, below, b.constant(dtype, low), choose(b, above, b.constant(dtype, high), made));
};

const cast = (b: MlirBlock, x: MlirValue, dtype: Dtype): MlirValue => {
  if (dtype === "bool") return compare(b, "ne", x, b.constant(x.dtype, isFloat(x.dtype) ? 0 : 0n));
  const [from, to] = [dtypeInfo(x.dtype), dtypeInfo(dtype)];
  if (isFloat(x.dtype) && isFloat(dtype)) {
    return convert(b, from.bits < to.bits ? "arith.extf" : "arith.truncf", x, dtype);
  }
  if (isFloat(x.dtype)) return toInteger(b, x, dtype);
  if (isFloat(dtype)) return convert(b, from.signed ? "arith.sitofp" : "arith.uitofp", x, dtype);
  if (x.dtype === "bool") return convert(b, "arith.extui", x, dtype);
  if (from.bits === to.bits) return { name: x.name, dtype };
  if (from.bits > to.bits) return convert(b, "arith.trunci", x, dtype);
  return convert(b, from.signed ? "arith.extsi" : "arith.extui", x, dtype);
};

const draw = (b: MlirBlock, op: Draw, dtype: Dtype, operands: ReadonlyArray<MlirValue>): MlirValue => {
  b.helper("philox", MLIR_PHILOX);
  b.helper(`${op}_${dtype}`, mlirDraw(op, dtype));
  const [names, types] = [operands.map(({ name }) => name), operands.map((of) => mlirType(of.dtype))];
  return b.value(dtype, `func.call @${op}_${dtype}(${names.join(", ")}) : (${types.join(", ")}) -> ${mlirType(dtype)}`);
};

/** Writes one operation. */
export const mlirApply = (
  b: MlirBlock,
  op: Operation,
  dtype: Dtype,
  operands: ReadonlyArray<MlirValue>,
): MlirValue => {
  if (op === "select") return choose(b, operands[0], operands[1], operands[2]);
  if (op === "cast") return cast(b, operands[0], dtype);
  if (isDraw(op)) return draw(b, op, dtype, operands);
  if (Object.hasOwn(FLOAT_COMPARE, op)) return compare(b, op, operands[0], operands[1]);
  return isFloat(dtype) ? floating(b, op, dtype, operands) : integer(b, op, dtype, operands);
};

/** An index as a number. */
export const mlirFromIndex = (b: MlirBlock, index: string, dtype: Dtype): MlirValue => {
  const wide = b.value("i64", `arith.index_cast ${index} : index to i64`);
  return dtype === "i64" || dtype === "u64" ? { name: wide.name, dtype } : cast(b, wide, dtype);
};
