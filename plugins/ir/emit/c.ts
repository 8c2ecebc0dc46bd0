/**
 * C: a program as one C99 file: a function `<entry>` over arrays, a function a kernel, and with inputs a `main`.
 *
 * @module
 */
import type { Program } from "../graph.ts";
import { elements, type Tensor } from "../value.ts";
import { cLanguage, NO_DRAWS } from "./c_family.ts";
import { CurlyBody } from "./curly.ts";
import {
  type Axis,
  axisText,
  type Buffer,
  type Form,
  formOf,
  type Kernel,
  outerAxes,
  type PrintOptions,
  type Step,
  usesOf,
} from "./form.ts";
import type { Helper } from "./language.ts";

const C = cLanguage("c", "static inline ");

const PER_LINE = 12;

/** Elements of a literal, a dozen a line. */
export const listText = (items: ReadonlyArray<string>): string => {
  const rows: string[] = [];
  for (let i = 0; i < items.length; i += PER_LINE) rows.push(`  ${items.slice(i, i + PER_LINE).join(", ")},`);
  return rows.join("\n");
};

const literals = (value: Tensor): ReadonlyArray<string> =>
  elements(value).map((element) => C.literal(value.dtype, typeof element === "boolean" ? Number(element) : element));

/** An array has an element even where a tensor has none. */
const length = ({ elements: count }: Buffer): number => Math.max(1, count);

const arrayText = (name: string, value: Tensor): string =>
  `static const ${C.type(value.dtype)} ${name}[${Math.max(1, value.data.length)}] = {\n${
    listText(value.data.length === 0 ? ["0"] : literals(value))
  }\n};`;

class CFile {
  private readonly kernels: string[] = [];
  readonly helpers = new Map<string, Helper>();

  constructor(private readonly form: Form) {}

  /** Prints a kernel; gives the call of it. */
  private kernel(kernel: Kernel, around: ReadonlyArray<Axis>): string {
    const { names } = this.form;
    const { buffers, written } = usesOf(kernel);
    const shared = buffers.filter(({ role }) => role !== "scratch" && role !== "constant");
    const axes = outerAxes(kernel, around);
    const body = new CurlyBody(C, this.form, 1);
    for (const buffer of buffers.filter(({ role }) => role === "scratch")) {
      body.line(`static ${C.type(buffer.dtype)} ${names[buffer.id]}[${length(buffer)}];`);
    }
    if (kernel.work.kind === "loops") body.statements(kernel.work.body);
    else body.contraction(kernel.work);
    body.helpers.forEach((helper, name) => this.helpers.set(name, helper));
    const name = `kernel_${this.kernels.length}`;
    const parameters = [
      ...shared.map(({ id, dtype }) => `${written.has(id) ? "" : "const "}${C.type(dtype)} *${names[id]}`),
      ...axes.map((axis) => `int64_t ${axisText(axis)}`),
    ];
    this.kernels.push(
      `/* ${kernel.name} */\nstatic void ${name}(${parameters.join(", ") || "void"}) {\n${body.text}\n}`,
    );
    return `${name}(${[...shared.map(({ id }) => names[id]), ...axes.map(axisText)].join(", ")});`;
  }

  /** Prints the steps of the entry. */
  steps(steps: ReadonlyArray<Step>, indent: string, around: ReadonlyArray<Axis>): ReadonlyArray<string> {
    const inner = `${indent}  `;
    const { names } = this.form;
    return steps.flatMap((step): ReadonlyArray<string> => {
      if (step.kind === "kernel") return [indent + this.kernel(step, around)];
      if (step.kind === "repeat") {
        return [
          indent + C.loop(axisText(step.axis), step.axis.extent),
          ...this.steps(step.body, inner, [...around, step.axis]),
          `${indent}}`,
        ];
      }
      const predicate = `${names[step.predicate.id]}[0]`;
      if (step.kind === "if") {
        return [
          `${indent}if (${predicate}) {`,
          ...this.steps(step.then, inner, around),
          `${indent}} else {`,
          ...this.steps(step.otherwise, inner, around),
          `${indent}}`,
        ];
      }
      return [
        `${indent}for (;;) {`,
        ...this.steps(step.condition, inner, around),
        `${inner}if (!${predicate}) break;`,
        ...this.steps(step.body, inner, around),
        `${indent}}`,
      ];
    });
  }

  get text(): string {
    return this.kernels.join("\n\n");
  }
}

const FORMATS: { readonly [dtype: string]: readonly [format: string, cast: string] } = {
  f64: ["%.17g", "double"],
  f32: ["%.9g", "double"],
  u64: ["%llu", "unsigned long long"],
};

const mainText = ({ entry, loops, inputs, outputs }: Form, given: ReadonlyArray<Tensor>): string => {
  const lines = outputs.map((name, i) => {
    const { buffer } = loops.results[i];
    const [format, cast] = FORMATS[buffer.dtype] ?? ["%lld", "long long"];
    return `  for (int64_t i = 0; i < ${buffer.elements}; i++) printf("${format}\\n", (${cast})${name}[i]);`;
  });
  return [
    ...given.map((value, i) => arrayText(inputs[i], value)),
    ...outputs.map((name, i) =>
      `static ${C.type(loops.results[i].buffer.dtype)} ${name}[${length(loops.results[i].buffer)}];`
    ),
    `int main(void) {\n  ${entry}(${[...inputs, ...outputs].join(", ")});\n${lines.join("\n")}\n  return 0;\n}`,
  ].join("\n\n");
};

/** A program as C99; throws `IR_EMIT_UNSUPPORTED`. */
export const emitC = (program: Program, options: PrintOptions = {}): string => {
  const form = formOf(program, options, { target: "c", dtypes: C.dtypes, lacks: NO_DRAWS });
  const entry = form.entry === "main" ? "rmi_main" : form.entry;
  const named = { ...form, entry };
  const file = new CFile(named);
  const { loops, names, constants, temporaries } = form;
  const steps = file.steps(loops.steps, "  ", []);
  const parameters = [
    ...loops.parameters.map(({ buffer }, i) => `const ${C.type(buffer.dtype)} *${form.inputs[i]}`),
    ...loops.results.map(({ buffer }, i) => `${C.type(buffer.dtype)} *${form.outputs[i]}`),
  ];
  const unused = form.inputs.map((name) => `  (void)${name};`);
  return `${
    [
      `/* ${form.entry}: ${parameters.length} arrays, row-major. Not reentrant: temporaries are static. */`,
      `#include <math.h>\n#include <stdint.h>${options.inputs === undefined ? "" : "\n#include <stdio.h>"}`,
      ...constants.map((buffer) => arrayText(names[buffer.id], buffer.data!)),
      ...temporaries.map((buffer) => `static ${C.type(buffer.dtype)} ${names[buffer.id]}[${length(buffer)}];`),
      ...[...file.helpers.values()].map(({ text }) => text),
      file.text,
      `void ${entry}(${parameters.join(", ") || "void"}) {\n${[...unused, ...steps].join("\n")}\n}`,
      ...(options.inputs === undefined ? [] : [mainText(named, options.inputs)]),
    ].filter((part) => part !== "").join("\n\n")
  }\n`;
};
