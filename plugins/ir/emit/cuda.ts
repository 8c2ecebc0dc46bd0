/**
 * CUDA C: a program as one .cu file: a `__global__` function a loop nest, and a host function `<entry>` over host arrays
 * that moves them, launches, and follows branches.
 *
 * Invariant: a launch runs in parallel only loops that may; a kernel that is not one nest of them runs in one thread.
 *
 * @module
 */
import type { Program } from "../graph.ts";
import { type Dtype, dtypeInfo } from "../types.ts";
import { cArray } from "./c.ts";
import { cLanguage } from "./c_family.ts";
import type { CurlyBody } from "./curly.ts";
import { CurlyFile, type FileRules, type KernelParts, type KernelText, lengthOf } from "./curly_file.ts";
import { type Axis, axisText, type Buffer, type Form, formOf, type PrintOptions, type Statement } from "./form.ts";
import { unsupportedEmission } from "../failures.ts";

const CUDA = cLanguage("cuda", "__device__ static inline ");

/** Threads of a block. */
const BLOCK = 256;

/** Most bytes of scratch of one thread. */
export const MAX_THREAD_BYTES = 65536;

/** The parallel loops at the top of a nest, and what is inside them. */
const parallelOf = (body: ReadonlyArray<Statement>): readonly [ReadonlyArray<Axis>, ReadonlyArray<Statement>] => {
  const [only, ...rest] = body;
  if (rest.length > 0 || only?.kind !== "for" || only.loop !== "parallel") return [[], body];
  const [axes, inner] = parallelOf(only.body);
  return [[only.axis, ...axes], inner];
};

/** One launch: its axes as thread numbers, and what each thread prints. */
interface Launch {
  readonly axes: ReadonlyArray<Axis>;
  readonly print: (body: CurlyBody) => void;
}

const launchesOf = ({ work }: KernelParts["kernel"]): ReadonlyArray<Launch> => {
  if (work.kind === "contraction") {
    return [{ axes: [...work.batch, ...work.rows, ...work.columns], print: (body) => body.contraction(work, []) }];
  }
  const nests = work.body.every((of) => of.kind === "for") ? work.body.map((of) => [of]) : [work.body];
  return nests.map((nest) => {
    const [axes, inner] = parallelOf(nest);
    return { axes, print: (body) => body.statements(inner) };
  });
};

/** The axes of a launch from the thread's number, innermost fastest. */
const threadLines = (axes: ReadonlyArray<Axis>): ReadonlyArray<string> => {
  const total = axes.reduce((product, { extent }) => product * extent, 1);
  const lines = [
    "const int64_t thread = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;",
    `if (thread >= ${total}) return;`,
  ];
  let inner = 1;
  const parts = axes.toReversed().map((axis) => {
    const place = inner === 1 ? "thread" : `thread / ${inner}`;
    inner *= axis.extent;
    return `const int64_t ${axisText(axis)} = ${axis.extent === total ? place : `${place} % ${axis.extent}`};`;
  });
  return [...lines, ...parts.reverse()];
};

const refuseScratch = (kernel: string, bytes: number): never => {
  throw unsupportedEmission({
    op: kernel,
    node: "a kernel",
    target: "cuda",
    reason: `a thread would need ${bytes} bytes of its own, and ${MAX_THREAD_BYTES} is the limit`,
  });
};

const printKernel = (
  { names }: Form,
  { name, kernel, shared, scratch, writes, axes: around }: KernelParts,
  begin: (depth: number) => CurlyBody,
): KernelText => {
  const bytes = scratch.reduce((sum, { dtype, elements }) => sum + elements * dtypeInfo(dtype).bits / 8, 0);
  if (bytes > MAX_THREAD_BYTES) refuseScratch(kernel.name, bytes);
  const parameters = [
    ...shared.map((buffer) => `${writes(buffer) ? "" : "const "}${CUDA.type(buffer.dtype)} *${names[buffer.id]}`),
    ...around.map((axis) => `int64_t ${axisText(axis)}`),
  ].join(", ");
  const given = [...shared.map(({ id }) => `d_${names[id]}`), ...around.map(axisText)].join(", ");
  const printed = launchesOf(kernel).map(({ axes, print }, i, all) => {
    const body = begin(1);
    threadLines(axes).forEach((line) => body.line(line));
    for (const buffer of scratch) body.line(`${CUDA.type(buffer.dtype)} ${names[buffer.id]}[${lengthOf(buffer)}];`);
    print(body);
    const own = all.length === 1 ? name : `${name}_${i}`;
    const threads = axes.reduce((product, { extent }) => product * extent, 1);
    const blocks = Math.max(1, Math.ceil(threads / BLOCK));
    return {
      text: `__global__ void ${own}(${parameters}) {\n${body.text}\n}`,
      call: `${own}<<<${blocks}, ${threads === 1 ? 1 : BLOCK}>>>(${given});`,
    };
  });
  return {
    text: `// ${kernel.name}\n${printed.map(({ text }) => text).join("\n\n")}`,
    call: printed.map(({ call }) => call).join("\n"),
  };
};

const rulesOf = (form: Form): FileRules => ({
  kernel: (parts, begin) => printKernel(form, parts, begin),
  predicate: ({ id }, indent) => ({
    lines: [`${indent}cudaMemcpy(&holds, d_${form.names[id]}, 1, cudaMemcpyDeviceToHost);`],
    text: "holds",
  }),
  endless: "for (;;) {",
  leave: (condition) => `if (!${condition}) break;`,
});

const bytesOf = (dtype: Dtype, count: number): number => count * dtypeInfo(dtype).bits / 8;

/** The host's room for a buffer on the device, filled where it comes from the host. */
const roomLines = (name: string, buffer: Buffer, from?: string): ReadonlyArray<string> => {
  const type = CUDA.type(buffer.dtype);
  const bytes = bytesOf(buffer.dtype, lengthOf(buffer));
  return [
    `  ${type} *d_${name} = 0;`,
    `  if (cudaMalloc((void **)&d_${name}, ${bytes}) != cudaSuccess) return (int)cudaGetLastError();`,
    ...(from === undefined || buffer.elements === 0
      ? []
      : [`  cudaMemcpy(d_${name}, ${from}, ${bytesOf(buffer.dtype, buffer.elements)}, cudaMemcpyHostToDevice);`]),
  ];
};

const mainText = ({ entry, loops, inputs, outputs }: Form, options: PrintOptions): ReadonlyArray<string> => {
  if (options.inputs === undefined) return [];
  const rooms = outputs.map((name, i) => {
    const { buffer } = loops.results[i];
    return `static ${CUDA.type(buffer.dtype)} ${name}[${lengthOf(buffer)}];`;
  });
  const lines = outputs.map((name, i) => {
    const { dtype, elements } = loops.results[i].buffer;
    const format = dtype === "f64" ? "%.17g" : dtype === "f32" ? "%.9g" : dtype === "u64" ? "%llu" : "%lld";
    const cast = dtype === "f64" || dtype === "f32" ? "double" : dtype === "u64" ? "unsigned long long" : "long long";
    return `  for (int64_t i = 0; i < ${elements}; i++) printf("${format}\\n", (${cast})${name}[i]);`;
  });
  return [
    ...options.inputs.map((value, i) => cArray(inputs[i], value)),
    ...rooms,
    `int main(void) {\n  const int status = ${entry}(${
      [...inputs, ...outputs].join(", ")
    });\n  if (status != 0) return 1;\n${lines.join("\n")}\n  return 0;\n}`,
  ];
};

/** A program as CUDA C; throws `IR_EMIT_UNSUPPORTED`. */
export const emitCuda = (program: Program, options: PrintOptions = {}): string => {
  const printed = formOf(program, options, { target: "cuda", dtypes: CUDA.dtypes });
  const form = { ...printed, entry: printed.entry === "main" ? "rmi_main" : printed.entry };
  const { loops, names, constants, temporaries, inputs, outputs } = form;
  const file = new CurlyFile(CUDA, form, rulesOf(form));
  const steps = file.steps(loops.steps, "  ");
  const parameters = [
    ...loops.parameters.map(({ buffer }, i) => `const ${CUDA.type(buffer.dtype)} *${inputs[i]}`),
    ...loops.results.map(({ buffer }, i) => `${CUDA.type(buffer.dtype)} *${outputs[i]}`),
  ];
  const onDevice = [...loops.parameters, ...loops.results].map(({ buffer }) => names[buffer.id]);
  const host = [
    ...(steps.some((line) => line.includes("&holds")) ? ["  unsigned char holds = 0;"] : []),
    ...loops.parameters.flatMap(({ buffer }, i) => roomLines(inputs[i], buffer, inputs[i])),
    ...[...loops.results.map(({ buffer }) => buffer), ...temporaries].flatMap((b) => roomLines(names[b.id], b)),
    ...steps,
    ...loops.results.map(({ buffer }, i) =>
      `  cudaMemcpy(${outputs[i]}, d_${outputs[i]}, ${bytesOf(buffer.dtype, buffer.elements)}, cudaMemcpyDeviceToHost);`
    ),
    ...[...onDevice, ...temporaries.map(({ id }) => names[id])].map((name) => `  cudaFree(d_${name});`),
    "  return (int)cudaGetLastError();",
  ];
  return `${
    [
      `// ${printed.entry}: ${parameters.length} host arrays, row-major; answers 0 or the CUDA error.`,
      `#include <cuda_runtime.h>\n#include <math.h>\n#include <stdint.h>${
        options.inputs === undefined ? "" : "\n#include <stdio.h>"
      }`,
      ...constants.map((buffer) => cArray(names[buffer.id], buffer.data!, "__device__ const ")),
      ...file.definitions,
      `extern "C" int ${form.entry}(${parameters.join(", ")}) {\n${host.join("\n")}\n}`,
      ...mainText(form, options),
    ].join("\n\n")
  }\n`;
};
