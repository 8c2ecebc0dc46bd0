/**
 * Rust: a program as one file: a function `<entry>` over slices, a function a kernel, and with inputs a `main`.
 *
 * Invariant: integer arithmetic wraps by method, floats become integers by `as`, which saturates as the primitive does.
 *
 * @module
 */
import type { Program } from "../graph.ts";
import { type Dtype, dtypeInfo, isFloat } from "../types.ts";
import { elements, type Tensor } from "../value.ts";
import { isDraw, rustDraw } from "./draws.ts";
import { CurlyFile, type FileRules, lengthOf, listText } from "./curly_file.ts";
import { axisText, type Buffer, type Form, formOf, type Operation, type PrintOptions } from "./form.ts";
import type { Helper, Language, Operand, Spelled } from "./language.ts";

const TYPES: { readonly [D in Dtype]?: string } = {
  f64: "f64",
  f32: "f32",
  i64: "i64",
  i32: "i32",
  i16: "i16",
  i8: "i8",
  u64: "u64",
  u32: "u32",
  u16: "u16",
  u8: "u8",
  bool: "u8",
};

const typeOf = (dtype: Dtype): string => TYPES[dtype]!;

const literal = (dtype: Dtype, value: number | bigint): string => {
  const type = typeOf(dtype);
  if (!isFloat(dtype)) return value < 0 ? `(${value}${type})` : `${value}${type}`;
  const number = Number(value);
  if (Number.isNaN(number)) return `${type}::NAN`;
  if (!Number.isFinite(number)) return `${type}::${number < 0 ? "NEG_INFINITY" : "INFINITY"}`;
  const text = Object.is(number, -0) ? "-0" : String(dtype === "f32" ? Math.fround(number) : number);
  return text.startsWith("-") ? `(${text}${type})` : `${text}${type}`;
};

const plain = (text: string, ...helpers: ReadonlyArray<Helper>): Spelled => ({ text, helpers });

/** Methods of floats that mean what the primitive means. */
const METHODS: { readonly [op: string]: string } = {
  abs: "abs",
  exp: "exp",
  expm1: "exp_m1",
  log: "ln",
  log1p: "ln_1p",
  sqrt: "sqrt",
  sin: "sin",
  cos: "cos",
  tanh: "tanh",
  floor: "floor",
  ceil: "ceil",
  round: "round_ties_even",
  pow: "powf",
};

const INFIX: { readonly [op: string]: string } = { add: "+", sub: "-", mul: "*", div: "/", rem: "%" };
const WRAPPING: { readonly [op: string]: string } = { add: "wrapping_add", sub: "wrapping_sub", mul: "wrapping_mul" };
const BITS: { readonly [op: string]: string } = { and: "&", or: "|", xor: "^" };
const COMPARE: { readonly [op: string]: string } = { eq: "==", ne: "!=", lt: "<", le: "<=", gt: ">", ge: ">=" };

const FLOAT_HELPERS: { readonly [op: string]: string } = {
  sign: "if a > 0.0 { 1.0 } else if a < 0.0 { -1.0 } else { a }",
  logistic: "if a >= 0.0 { 1.0 / (1.0 + (-a).exp()) } else { a.exp() / (1.0 + a.exp()) }",
  max: "if a.is_nan() || b.is_nan() { a + b } else if a == b { if a.is_sign_negative() { b } else { a } } " +
    "else if a > b { a } else { b }",
  min: "if a.is_nan() || b.is_nan() { a + b } else if a == b { if a.is_sign_negative() { a } else { b } } " +
    "else if a < b { a } else { b }",
};

const ERF: { readonly [D in Dtype]?: Helper } = {
  f64: { name: "erf", text: 'unsafe extern "C" {\n  safe fn erf(x: f64) -> f64;\n}' },
  f32: { name: "erff", text: 'unsafe extern "C" {\n  safe fn erff(x: f32) -> f32;\n}' },
};

const INTEGER_HELPERS: { readonly [op: string]: (dtype: Dtype) => string } = {
  sign: (dtype) => dtypeInfo(dtype).signed ? "a.signum()" : "if a > 0 { 1 } else { 0 }",
  div: () => "if b == 0 { 0 } else { a.wrapping_div(b) }",
  rem: () => "if b == 0 { a } else { a.wrapping_rem(b) }",
  pow: (dtype) => {
    const negative =
      "if b < 0 { return if a == 1 { 1 } else if a == -1 { if b % 2 == 0 { 1 } else { -1 } } else { 0 }; }\n  ";
    return `${dtypeInfo(dtype).signed ? negative : ""}let (mut result, mut base, mut n) = (1, a, b as u64);\n` +
      "  while n > 0 {\n    if n & 1 == 1 {\n      result = base.wrapping_mul(result);\n    }\n" +
      "    base = base.wrapping_mul(base);\n    n >>= 1;\n  }\n  result";
  },
  shift_left: (dtype) => `if ${inWidth(dtype)} { a << b } else { 0 }`,
  shift_right: (dtype) =>
    `if ${inWidth(dtype)} { a >> b } else { ${dtypeInfo(dtype).signed ? "if a < 0 { -1 } else { 0 }" : "0"} }`,
};

const inWidth = (dtype: Dtype): string => {
  const { bits, signed } = dtypeInfo(dtype);
  return signed ? `b >= 0 && b < ${bits}` : `b < ${bits}`;
};

const UNARY = new Set(["sign", "logistic"]);

const helperOf = (op: string, dtype: Dtype): Helper => {
  const [type, name] = [typeOf(dtype), `${op}_${dtype}`];
  const body = isFloat(dtype) ? FLOAT_HELPERS[op] : INTEGER_HELPERS[op](dtype);
  return { name, text: `fn ${name}(a: ${type}${UNARY.has(op) ? "" : `, b: ${type}`}) -> ${type} {\n  ${body}\n}` };
};

const called = (helper: Helper, operands: ReadonlyArray<Operand>): Spelled =>
  plain(`${helper.name}(${operands.map(({ text }) => text).join(", ")})`, helper);

const integer = (op: Operation, dtype: Dtype, operands: ReadonlyArray<Operand>): Spelled => {
  const [a, b] = operands.map(({ text }) => text);
  if (op === "not") return plain(dtype === "bool" ? `(1u8 - ${a})` : `(!${a})`);
  if (op === "neg") return plain(`(${a}).wrapping_neg()`);
  if (op === "abs") return plain(dtypeInfo(dtype).signed ? `(${a}).wrapping_abs()` : a);
  if (op === "max" || op === "min") return plain(`(${a}).${op}(${b})`);
  if (Object.hasOwn(WRAPPING, op)) return plain(`(${a}).${WRAPPING[op]}(${b})`);
  if (Object.hasOwn(BITS, op)) return plain(`(${a} ${BITS[op]} ${b})`);
  return called(helperOf(op, dtype), operands);
};

const floating = (op: Operation, dtype: Dtype, operands: ReadonlyArray<Operand>): Spelled => {
  const [a, ...rest] = operands.map(({ text }) => text);
  if (op === "neg") return plain(`(-(${a}))`);
  if (op === "erf") return called(ERF[dtype]!, operands);
  if (Object.hasOwn(INFIX, op)) return plain(`(${a} ${INFIX[op]} ${rest[0]})`);
  if (Object.hasOwn(METHODS, op)) return plain(`(${a}).${METHODS[op]}(${rest.join(", ")})`);
  return called(helperOf(op, dtype), operands);
};

const apply = (op: Operation, dtype: Dtype, operands: ReadonlyArray<Operand>): Spelled => {
  const [a, b, c] = operands.map(({ text }) => text);
  if (op === "select") return plain(`(if ${a} != 0 { ${b} } else { ${c} })`);
  if (op === "cast") {
    if (dtype !== "bool") return plain(`((${a}) as ${typeOf(dtype)})`);
    return plain(`((${a}) != ${literal(operands[0].dtype, isFloat(operands[0].dtype) ? 0 : 0n)}) as u8`);
  }
  if (isDraw(op)) return called(rustDraw(op, dtype, typeOf(dtype)), operands);
  if (Object.hasOwn(COMPARE, op)) return plain(`(((${a}) ${COMPARE[op]} (${b})) as u8)`);
  return isFloat(dtype) ? floating(op, dtype, operands) : integer(op, dtype, operands);
};

const RUST: Language = {
  target: "rust",
  dtypes: new Set(Object.keys(TYPES) as ReadonlyArray<Dtype>),
  type: typeOf,
  literal,
  apply,
  floorDivide: (kind, of, by) => plain(`(${of}).${kind === "quotient" ? "div_euclid" : "rem_euclid"}(${by})`),
  fromIndex: (dtype, index) => `((${index}) as i64 as ${typeOf(dtype)})`,
  toIndex: (value) => `((${value}) as i64)`,
  element: (buffer, index) => `${buffer}[(${index}) as usize]`,
  declare: (name, dtype, value, changes) =>
    `let ${changes && value !== undefined ? "mut " : ""}${name}: ${typeOf(dtype)}${
      value === undefined ? "" : ` = ${value}`
    };`,
  loop: (name, extent) => `for ${name} in 0..${extent}i64 {`,
  branch: (condition) => `if ${condition} {`,
  choose: (condition, then, otherwise) => `(if ${condition} { ${then} } else { ${otherwise} })`,
  condition: (value) => `(${value}) != 0`,
};

const rustArray = (name: string, value: Tensor, keyword = "static"): string => {
  const items = elements(value).map((e) => literal(value.dtype, typeof e === "boolean" ? Number(e) : e));
  return `${keyword} ${name}: [${typeOf(value.dtype)}; ${items.length}] = [\n${listText(items)}\n];`;
};

const roomText = (name: string, buffer: Buffer): string =>
  `let mut ${name} = vec![${literal(buffer.dtype, isFloat(buffer.dtype) ? 0 : 0n)}; ${lengthOf(buffer)}];`;

const rulesOf = ({ names }: Form): FileRules => {
  /** How the entry hands a buffer on: its own room by reference, a parameter as it is. */
  const given = (buffer: Buffer, writes: boolean): string =>
    buffer.role === "temporary" ? `&${writes ? "mut " : ""}${names[buffer.id]}` : names[buffer.id];
  return {
    kernel: ({ name, kernel, shared, scratch, writes, axes }, begin) => {
      const body = begin(1);
      for (const buffer of scratch) body.line(roomText(names[buffer.id], buffer));
      if (kernel.work.kind === "loops") body.statements(kernel.work.body);
      else body.contraction(kernel.work);
      const parameters = [
        ...shared.map((buffer) => `${names[buffer.id]}: &${writes(buffer) ? "mut " : ""}[${typeOf(buffer.dtype)}]`),
        ...axes.map((axis) => `${axisText(axis)}: i64`),
      ];
      return {
        text: `// ${kernel.name}\nfn ${name}(${parameters.join(", ")}) {\n${body.text}\n}`,
        call: `${name}(${
          [...shared.map((buffer) => given(buffer, writes(buffer))), ...axes.map(axisText)].join(", ")
        });`,
      };
    },
    predicate: ({ id }) => ({ lines: [], text: `${names[id]}[0] != 0` }),
    endless: "loop {",
    leave: (condition) => `if !(${condition}) {\n      break;\n    }`,
  };
};

const mainText = ({ entry, loops, inputs, outputs }: Form, given: ReadonlyArray<Tensor>): string => {
  const rooms = outputs.map((name, i) => `  ${roomText(name, loops.results[i].buffer)}`);
  const lines = outputs.map((name, i) =>
    `  for value in ${name}.iter().take(${loops.results[i].buffer.elements}) {\n    println!("{:?}", value);\n  }`
  );
  const list = [...inputs.map((name) => `&${name}`), ...outputs.map((name) => `&mut ${name}`)];
  const literals = given.map((value, i) => `  ${rustArray(inputs[i], value, "let")}`);
  return `fn main() {\n${[...literals, ...rooms, `  ${entry}(${list.join(", ")});`, ...lines].join("\n")}\n}`;
};

const ALLOWED = "unused_parens, unused_mut, unused_variables, unused_assignments, non_upper_case_globals, dead_code, " +
  "unused_comparisons, clippy::all";

/** A program as Rust; throws `IR_EMIT_UNSUPPORTED`. */
export const emitRust = (program: Program, options: PrintOptions = {}): string => {
  const printed = formOf(program, options, { target: "rust", dtypes: RUST.dtypes });
  const form = { ...printed, entry: printed.entry === "main" ? "rmi_main" : printed.entry };
  const { loops, names, constants, temporaries } = form;
  const file = new CurlyFile(RUST, form, rulesOf(form));
  const steps = file.steps(loops.steps, "  ");
  const parameters = [
    ...loops.parameters.map(({ buffer }, i) => `${form.inputs[i]}: &[${typeOf(buffer.dtype)}]`),
    ...loops.results.map(({ buffer }, i) => `${form.outputs[i]}: &mut [${typeOf(buffer.dtype)}]`),
  ];
  const rooms = temporaries.map((buffer) => `  ${roomText(names[buffer.id], buffer)}`);
  return `${
    [
      `// ${printed.entry}: ${parameters.length} slices, row-major.`,
      `#![allow(${ALLOWED})]`,
      ...constants.map((buffer) => rustArray(names[buffer.id], buffer.data!)),
      ...file.definitions,
      `pub fn ${form.entry}(${parameters.join(", ")}) {\n${[...rooms, ...steps].join("\n")}\n}`,
      ...(options.inputs === undefined ? [] : [mainText(form, options.inputs)]),
    ].join("\n\n")
  }\n`;
};
