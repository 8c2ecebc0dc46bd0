/**
 * C family: C and CUDA C as curly languages.
 *
 * Invariant: integer arithmetic runs in an unsigned type at least as wide as int, so nothing overflows in the language's
 * sense; results wrap when they are stored.
 *
 * @module
 */
import { type Dtype, dtypeInfo, isFloat } from "../types.ts";
import { integerRange } from "../value.ts";
import { cDraw, isDraw } from "./draws.ts";
import type { Operation } from "./form.ts";
import type { Helper, Language, Operand, Spelled } from "./language.ts";

const TYPES: { readonly [D in Dtype]?: string } = {
  f64: "double",
  f32: "float",
  i64: "int64_t",
  i32: "int32_t",
  i16: "int16_t",
  i8: "int8_t",
  u64: "uint64_t",
  u32: "uint32_t",
  u16: "uint16_t",
  u8: "uint8_t",
  bool: "uint8_t",
};

const typeOf = (dtype: Dtype): string => TYPES[dtype]!;

/** Type that integers are computed in. */
const wideOf = (dtype: Dtype): string => dtypeInfo(dtype).bits > 32 ? "uint64_t" : "uint32_t";

const floatText = (value: number, suffix: string): string => {
  if (Number.isNaN(value)) return suffix === "" ? "(double)NAN" : "NAN";
  if (!Number.isFinite(value)) return `${value < 0 ? "-" : ""}${suffix === "" ? "(double)INFINITY" : "INFINITY"}`;
  const text = Object.is(value, -0) ? "-0.0" : String(value);
  return `${/[.e]/u.test(text) ? text : `${text}.0`}${suffix}`;
};

const integerText = (value: bigint, dtype: Dtype): string => {
  if (value === integerRange("i64")[0]) return "INT64_MIN";
  if (value === integerRange("i32")[0] && dtype !== "i64") return "INT32_MIN";
  const { bits, signed } = dtypeInfo(dtype);
  return `${value}${signed ? "" : "U"}${bits > 32 ? "LL" : ""}`;
};

const literal = (dtype: Dtype, value: number | bigint): string => {
  if (!isFloat(dtype)) return integerText(BigInt(value), dtype);
  return dtype === "f32" ? floatText(Math.fround(Number(value)), "f") : floatText(Number(value), "");
};

const plain = (text: string, ...helpers: ReadonlyArray<Helper>): Spelled => ({ text, helpers });

/** Functions of math.h that mean what the primitive means. */
const MATH: { readonly [op: string]: string } = {
  abs: "fabs",
  exp: "exp",
  expm1: "expm1",
  log: "log",
  log1p: "log1p",
  sqrt: "sqrt",
  sin: "sin",
  cos: "cos",
  tanh: "tanh",
  erf: "erf",
  floor: "floor",
  ceil: "ceil",
  round: "rint",
  rem: "fmod",
  pow: "pow",
};

const INFIX: { readonly [op: string]: string } = { add: "+", sub: "-", mul: "*", div: "/" };
const BITS: { readonly [op: string]: string } = { and: "&", or: "|", xor: "^" };
const COMPARE: { readonly [op: string]: string } = { eq: "==", ne: "!=", lt: "<", le: "<=", gt: ">", ge: ">=" };

/** Bodies of helpers over floats; T is the type, s the suffix of math.h. */
const FLOAT_HELPERS: { readonly [op: string]: (s: string, zero: string, one: string) => string } = {
  sign: (_, zero, one) => `return a > ${zero} ? ${one} : a < ${zero} ? -${one} : a;`,
  logistic: (s, zero, one) =>
    `if (a >= ${zero}) return ${one} / (${one} + exp${s}(-a));\n  return exp${s}(a) / (${one} + exp${s}(a));`,
  max: () => "if (a != a || b != b) return a + b;\n  if (a == b) return signbit(a) ? b : a;\n  return a > b ? a : b;",
  min: () => "if (a != a || b != b) return a + b;\n  if (a == b) return signbit(a) ? a : b;\n  return a < b ? a : b;",
};

/** Bodies of helpers over integers. */
const INTEGER_HELPERS: { readonly [op: string]: (dtype: Dtype) => string } = {
  abs: (dtype) =>
    dtypeInfo(dtype).signed ? `return a < 0 ? (${typeOf(dtype)})(0 - (${wideOf(dtype)})a) : a;` : "return a;",
  sign: (dtype) => dtypeInfo(dtype).signed ? "return (a > 0) - (a < 0);" : "return a > 0;",
  div: (dtype) =>
    dtypeInfo(dtype).signed
      ? `if (b == 0) return 0;\n  if (b == -1) return (${typeOf(dtype)})(0 - (${wideOf(dtype)})a);\n  return a / b;`
      : "return b == 0 ? 0 : a / b;",
  rem: (dtype) =>
    dtypeInfo(dtype).signed ? "if (b == 0) return a;\n  return b == -1 ? 0 : a % b;" : "return b == 0 ? a : a % b;",
  pow: (dtype) => {
    const [type, wide] = [typeOf(dtype), wideOf(dtype)];
    const negative = dtypeInfo(dtype).signed
      ? "if (b < 0) return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;\n  "
      : "";
    return `${negative}${wide} result = 1, base = (${wide})a;\n  for (uint64_t n = (uint64_t)b; n > 0; n >>= 1) {\n` +
      `    if (n & 1) result *= base;\n    base *= base;\n  }\n  return (${type})result;`;
  },
  max: () => "return a > b ? a : b;",
  min: () => "return a < b ? a : b;",
  shift_left: (dtype) => `return ${inWidth(dtype)} ? (${typeOf(dtype)})((${wideOf(dtype)})a << b) : 0;`,
  shift_right: (dtype) =>
    dtypeInfo(dtype).signed
      ? `return ${inWidth(dtype)} ? a >> b : a < 0 ? -1 : 0;`
      : `return ${inWidth(dtype)} ? a >> b : 0;`,
};

const inWidth = (dtype: Dtype): string => {
  const { bits, signed } = dtypeInfo(dtype);
  return signed ? `b >= 0 && b < ${bits}` : `b < ${bits}`;
};

const UNARY = new Set(["abs", "sign", "logistic"]);

const helperOf = (prefix: string, op: string, dtype: Dtype): Helper => {
  const [type, name] = [typeOf(dtype), `${op}_${dtype}`];
  const [s, zero, one] = dtype === "f32" ? ["f", "0.0f", "1.0f"] : ["", "0.0", "1.0"];
  const body = isFloat(dtype) ? FLOAT_HELPERS[op](s, zero, one) : INTEGER_HELPERS[op](dtype);
  const parameters = UNARY.has(op) ? `${type} a` : `${type} a, ${type} b`;
  return { name, text: `${prefix}${type} ${name}(${parameters}) {\n  ${body}\n}` };
};

const saturating = (prefix: string, from: Dtype, to: Dtype): Helper => {
  const [low, high] = integerRange(to);
  const [a, b] = [typeOf(from), typeOf(to)];
  const bound = (limit: bigint) => literal(from, Number(limit));
  const text = `${prefix}${b} ${to}_from_${from}(${a} a) {\n  if (a != a) return 0;\n` +
    `  if (a <= ${bound(low)}) return ${literal(to, low)};\n  if (a >= ${bound(high)}) return ${literal(to, high)};\n` +
    `  return (${b})a;\n}`;
  return { name: `${to}_from_${from}`, text };
};

const castTo = (prefix: string, dtype: Dtype, { text, dtype: from }: Operand): Spelled => {
  if (dtype === "bool") return plain(`(${text} != 0)`);
  if (!isFloat(from) || isFloat(dtype)) return plain(`(${typeOf(dtype)})(${text})`);
  const helper = saturating(prefix, from, dtype);
  return plain(`${helper.name}(${text})`, helper);
};

const integer = (prefix: string, op: Operation, dtype: Dtype, operands: ReadonlyArray<Operand>): Spelled => {
  const [a, b] = operands.map(({ text }) => text);
  const [type, wide] = [typeOf(dtype), wideOf(dtype)];
  if (op === "not") return plain(dtype === "bool" ? `(!${a})` : `(${type})(~${a})`);
  if (op === "neg") return plain(`(${type})(0 - (${wide})(${a}))`);
  if (Object.hasOwn(BITS, op)) return plain(`(${type})((${a}) ${BITS[op]} (${b}))`);
  // Bools are ordered as numbers, and of two the larger is their disjunction.
  if (dtype === "bool" && (op === "max" || op === "min")) return plain(`((${a}) ${op === "max" ? "|" : "&"} (${b}))`);
  if (Object.hasOwn(INTEGER_HELPERS, op)) {
    const helper = helperOf(prefix, op, dtype);
    return plain(`${helper.name}(${operands.map(({ text }) => text).join(", ")})`, helper);
  }
  return plain(`(${type})((${wide})(${a}) ${INFIX[op]} (${wide})(${b}))`);
};

const floating = (prefix: string, op: Operation, dtype: Dtype, operands: ReadonlyArray<Operand>): Spelled => {
  const [a, b] = operands.map(({ text }) => text);
  if (op === "neg") return plain(`(-(${a}))`);
  if (Object.hasOwn(INFIX, op)) return plain(`(${a} ${INFIX[op]} ${b})`);
  if (Object.hasOwn(MATH, op)) {
    const list = operands.map(({ text }) => text).join(", ");
    return plain(`${MATH[op]}${dtype === "f32" ? "f" : ""}(${list})`);
  }
  const helper = helperOf(prefix, op, dtype);
  return plain(`${helper.name}(${operands.map(({ text }) => text).join(", ")})`, helper);
};

/** Compilers object to an integer that is compared with itself in one expression. */
const selfComparison = (prefix: string, op: string, { text, dtype }: Operand): Spelled => {
  const [type, name] = [typeOf(dtype), `${op}_${dtype}`];
  const definition = `${prefix}uint8_t ${name}(${type} a, ${type} b) {\n  return a ${COMPARE[op]} b;\n}`;
  return plain(`${name}(${text}, ${text})`, { name, text: definition });
};

const apply = (prefix: string, op: Operation, dtype: Dtype, operands: ReadonlyArray<Operand>): Spelled => {
  const [a, b, c] = operands.map(({ text }) => text);
  if (op === "select") return plain(`(${a} ? ${b} : ${c})`);
  if (op === "cast") return castTo(prefix, dtype, operands[0]);
  if (isDraw(op)) {
    const helper = cDraw(prefix, op, dtype, typeOf(dtype));
    return plain(`${helper.name}(${a}, ${b}, ${c})`, helper);
  }
  if (Object.hasOwn(COMPARE, op)) {
    if (a === b && !isFloat(operands[0].dtype)) return selfComparison(prefix, op, operands[0]);
    return plain(`(${a} ${COMPARE[op]} ${b})`);
  }
  return isFloat(dtype) ? floating(prefix, op, dtype, operands) : integer(prefix, op, dtype, operands);
};

const FLOORS: { readonly [K in "quotient" | "remainder"]: (prefix: string) => Helper } = {
  quotient: (prefix) => ({
    name: "floor_quotient",
    text: `${prefix}int64_t floor_quotient(int64_t a, int64_t b) {\n  return a >= 0 ? a / b : -((b - 1 - a) / b);\n}`,
  }),
  remainder: (prefix) => ({
    name: "floor_remainder",
    text: `${prefix}int64_t floor_remainder(int64_t a, int64_t b) {\n  return (a % b + b) % b;\n}`,
  }),
};

/** C or CUDA C: helpers begin with `prefix`. */
export const cLanguage = (target: string, prefix: string): Language => ({
  target,
  dtypes: new Set(Object.keys(TYPES) as ReadonlyArray<Dtype>),
  type: typeOf,
  literal,
  apply: (op, dtype, operands) => apply(prefix, op, dtype, operands),
  floorDivide: (kind, of, by) => plain(`floor_${kind}(${of}, ${by})`, FLOORS[kind](prefix)),
  fromIndex: (dtype, index) => `(${typeOf(dtype)})(${index})`,
  toIndex: (value) => `(int64_t)(${value})`,
  element: (buffer, index) => `${buffer}[${index}]`,
  declare: (name, dtype, value, changes) =>
    `${changes ? "" : "const "}${typeOf(dtype)} ${name}${value === undefined ? "" : ` = ${value}`};`,
  loop: (name, extent) => `for (int64_t ${name} = 0; ${name} < ${extent}; ${name}++) {`,
  branch: (condition) => `if (${condition}) {`,
  choose: (condition, then, otherwise) => `(${condition} ? ${then} : ${otherwise})`,
  condition: (value) => value,
});
