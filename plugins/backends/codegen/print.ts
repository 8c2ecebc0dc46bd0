/**
 * Print: loop programs as text, for people and golden tests.
 *
 * Not a format: nothing reads it back.
 * Invariant: the text depends on the program alone, and every statement is one line.
 *
 * @module
 */
import { type Affine, type Axis, printIndex } from "./affine.ts";
import type { Buffer, Contraction, Expression, Kernel, Local, LoopProgram, Statement, Step } from "./loops.ts";

const bufferName = (buffer: Buffer): string => `%${buffer.id}`;

/** Marks around the number of an axis and of a local, until both are named in the order in which they appear. */
const AXIS_MARK = "\u0001";
const LOCAL_MARK = "\u0002";

const axisName = ({ id }: Axis): string => `${AXIS_MARK}${id}${AXIS_MARK}`;

const localName = ({ id }: Local): string => `${LOCAL_MARK}${id}${LOCAL_MARK}`;

const NAMES = "ijklmnpqrstuvwyz";

const named = (text: string, mark: string, name: (order: number) => string): string => {
  const order = new Map<string, number>();
  return text.replaceAll(new RegExp(`${mark}(\\d+)${mark}`, "gu"), (_, id: string) => {
    if (!order.has(id)) order.set(id, order.size);
    return name(order.get(id)!);
  });
};

const index = (of: Affine): string => printIndex(of, axisName, (value) => expression(value as Expression));

const INFIX: { readonly [op: string]: string } = {
  add: "+",
  sub: "-",
  mul: "*",
  div: "/",
  eq: "==",
  ne: "!=",
  lt: "<",
  le: "<=",
  gt: ">",
  ge: ">=",
};

const expression = (of: Expression): string => {
  if (of.kind === "constant") return Object.is(of.value, -0) ? "-0" : String(of.value);
  if (of.kind === "index") return `${of.dtype}(${index(of.index)})`;
  if (of.kind === "load") return `${bufferName(of.buffer)}[${index(of.index)}]`;
  if (of.kind === "local") return localName(of.local);
  if (of.kind === "guard") {
    return `(${expression(of.condition)} ? ${expression(of.then)} : ${expression(of.otherwise)})`;
  }
  const args = of.arguments.map(expression);
  const infix = INFIX[of.op];
  if (infix !== undefined) return `(${args.join(` ${infix} `)})`;
  return `${of.op === "cast" ? of.dtype : of.op}(${args.join(", ")})`;
};

const loop = (axis: Axis): string => `${axisName(axis)} < ${axis.extent}`;

const statement = (of: Statement, indent: string): ReadonlyArray<string> => {
  if (of.kind === "for") return [`${indent}${of.loop} ${loop(of.axis)}`, ...statements(of.body, `${indent}  `)];
  if (of.kind === "when") return [`${indent}when ${expression(of.condition)}`, ...statements(of.body, `${indent}  `)];
  if (of.kind === "store") {
    return [`${indent}${bufferName(of.buffer)}[${index(of.index)}] = ${expression(of.value)}`];
  }
  const name = localName(of.local);
  if (of.kind === "let") return [`${indent}${name}: ${of.local.dtype} = ${expression(of.value)}`];
  if (of.kind === "assign") return [`${indent}${name} = ${expression(of.value)}`];
  return [`${indent}${name} ${of.fold}= ${expression(of.value)}`];
};

const statements = (body: ReadonlyArray<Statement>, indent: string): ReadonlyArray<string> =>
  body.flatMap((each) => statement(each, indent));

const contraction = (of: Contraction, indent: string): ReadonlyArray<string> => {
  const axes = (name: string, list: ReadonlyArray<Axis>): string =>
    list.length === 0 ? "" : ` ${name} ${list.map(loop).join(", ")}`;
  return [
    `${indent}contract${axes("batch", of.batch)}${axes("rows", of.rows)}${axes("columns", of.columns)}${
      axes("sum", of.sum)
    }`,
    `${indent}  ${localName(of.accumulator)}: ${of.accumulator.dtype} = sum ${expression(of.left)} * ${
      expression(of.right)
    }`,
    ...statements(of.epilogue, `${indent}  `),
  ];
};

const kernel = (of: Kernel, indent: string): ReadonlyArray<string> => [
  `${indent}kernel ${of.name}`,
  ...(of.work.kind === "loops" ? statements(of.work.body, `${indent}  `) : contraction(of.work, `${indent}  `)),
];

const step = (of: Step, indent: string): ReadonlyArray<string> => {
  const inner = `${indent}  `;
  if (of.kind === "kernel") return kernel(of, indent);
  if (of.kind === "repeat") return [`${indent}repeat ${loop(of.axis)}`, ...steps(of.body, inner)];
  if (of.kind === "if") {
    return [
      `${indent}if ${bufferName(of.predicate)}[0]`,
      ...steps(of.then, inner),
      `${indent}else`,
      ...steps(of.otherwise, inner),
    ];
  }
  return [
    `${indent}while`,
    ...steps(of.condition, inner),
    `${indent}holds ${bufferName(of.predicate)}[0]`,
    ...steps(of.body, inner),
  ];
};

const steps = (of: ReadonlyArray<Step>, indent: string): ReadonlyArray<string> =>
  of.flatMap((each) => step(each, indent));

/** A loop program as text. */
export const printLoops = (program: LoopProgram): string => {
  const ports = (list: LoopProgram["parameters"]): string =>
    list.map(({ type, buffer }) => `${bufferName(buffer)} ${type.dtype}[${type.shape.join(",")}]`).join(", ");
  const text = [
    `parameters ${ports(program.parameters)}`,
    ...program.buffers.filter(({ role }) => role !== "input" && role !== "state")
      .map((buffer) => `${bufferName(buffer)}: ${buffer.role} ${buffer.dtype} * ${buffer.elements}`),
    ...steps(program.steps, ""),
    `results ${ports(program.results)}`,
    "",
  ].join("\n");
  const axes = named(text, AXIS_MARK, (order) => {
    const again = Math.floor(order / NAMES.length);
    return `${NAMES[order % NAMES.length]}${again === 0 ? "" : again}`;
  });
  return named(axes, LOCAL_MARK, (order) => `x${order}`);
};
