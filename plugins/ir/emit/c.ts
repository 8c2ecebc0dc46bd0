/**
 * C: a program as one C99 file: a function `<entry>` over arrays, a function a kernel, and with inputs a `main`.
 *
 * @module
 */
import type { Program } from "../graph.ts";
import { elements, type Tensor } from "../value.ts";
import { cLanguage } from "./c_family.ts";
import { CurlyFile, type FileRules, lengthOf, listText } from "./curly_file.ts";
import { axisText, type Form, formOf, type PrintOptions } from "./form.ts";

const C = cLanguage("c", "static inline ");

/** The elements of a tensor as literals of C. */
const cLiterals = (value: Tensor): ReadonlyArray<string> =>
  elements(value).map((element) => C.literal(value.dtype, typeof element === "boolean" ? Number(element) : element));

/** A constant array. */
export const cArray = (name: string, value: Tensor, prefix = "static const "): string =>
  `${prefix}${C.type(value.dtype)} ${name}[${Math.max(1, value.data.length)}] = {\n${
    listText(value.data.length === 0 ? ["0"] : cLiterals(value))
  }\n};`;

const rulesOf = ({ names }: Form): FileRules => ({
  kernel: ({ name, kernel, shared, scratch, writes, axes }, begin) => {
    const body = begin(1);
    for (const buffer of scratch) {
      body.line(`static ${C.type(buffer.dtype)} ${names[buffer.id]}[${lengthOf(buffer)}];`);
    }
    if (kernel.work.kind === "loops") body.statements(kernel.work.body);
    else body.contraction(kernel.work);
    const parameters = [
      ...shared.map((buffer) => `${writes(buffer) ? "" : "const "}${C.type(buffer.dtype)} *${names[buffer.id]}`),
      ...axes.map((axis) => `int64_t ${axisText(axis)}`),
    ];
    return {
      text: `/* ${kernel.name} */\nstatic void ${name}(${parameters.join(", ") || "void"}) {\n${body.text}\n}`,
      call: `${name}(${[...shared.map(({ id }) => names[id]), ...axes.map(axisText)].join(", ")});`,
    };
  },
  predicate: ({ id }) => ({ lines: [], text: `${names[id]}[0]` }),
  endless: "for (;;) {",
  leave: (condition) => `if (!${condition}) break;`,
});

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
    ...given.map((value, i) => cArray(inputs[i], value)),
    ...outputs.map((name, i) =>
      `static ${C.type(loops.results[i].buffer.dtype)} ${name}[${lengthOf(loops.results[i].buffer)}];`
    ),
    `int main(void) {\n  ${entry}(${[...inputs, ...outputs].join(", ")});\n${lines.join("\n")}\n  return 0;\n}`,
  ].join("\n\n");
};

/** A program as C99; throws `IR_EMIT_UNSUPPORTED`. */
export const emitC = (program: Program, options: PrintOptions = {}): string => {
  const form = formOf(program, options, { target: "c", dtypes: C.dtypes });
  const entry = form.entry === "main" ? "rmi_main" : form.entry;
  const named = { ...form, entry };
  const file = new CurlyFile(C, named, rulesOf(named));
  const { loops, names, constants, temporaries } = form;
  const steps = file.steps(loops.steps, "  ");
  const parameters = [
    ...loops.parameters.map(({ buffer }, i) => `const ${C.type(buffer.dtype)} *${form.inputs[i]}`),
    ...loops.results.map(({ buffer }, i) => `${C.type(buffer.dtype)} *${form.outputs[i]}`),
  ];
  const unused = form.inputs.map((name) => `  (void)${name};`);
  return `${
    [
      `/* ${form.entry}: ${parameters.length} arrays, row-major. Not reentrant: temporaries are static. */`,
      `#include <math.h>\n#include <stdint.h>${options.inputs === undefined ? "" : "\n#include <stdio.h>"}`,
      ...constants.map((buffer) => cArray(names[buffer.id], buffer.data!)),
      ...temporaries.map((buffer) => `static ${C.type(buffer.dtype)} ${names[buffer.id]}[${lengthOf(buffer)}];`),
      ...file.definitions,
      `void ${entry}(${parameters.join(", ") || "void"}) {\n${[...unused, ...steps].join("\n")}\n}`,
      ...(options.inputs === undefined ? [] : [mainText(named, options.inputs)]),
    ].filter((part) => part !== "").join("\n\n")
  }\n`;
};
