/**
 * Curly file: the kernels of a program as functions, and the steps that call them, in a curly language.
 *
 * @module
 */
import { CurlyBody } from "./curly.ts";
import { type Axis, axisText, type Buffer, type Form, type Kernel, outerAxes, type Step, usesOf } from "./form.ts";
import type { Helper, Language } from "./language.ts";

/** A kernel that is to become a function. */
export interface KernelParts {
  /** The function's name. */
  readonly name: string;
  /** The kernel. */
  readonly kernel: Kernel;
  /** Buffers it is given. */
  readonly shared: ReadonlyArray<Buffer>;
  /** Buffers of its own. */
  readonly scratch: ReadonlyArray<Buffer>;
  /** Whether it writes a buffer. */
  readonly writes: (buffer: Buffer) => boolean;
  /** Axes of loops around it that it is given. */
  readonly axes: ReadonlyArray<Axis>;
}

/** A function and the line that calls it. */
export interface KernelText {
  /** Definition. */
  readonly text: string;
  /** Call. */
  readonly call: string;
}

/** What a target says about kernels and steps. */
export interface FileRules {
  /** Prints a kernel; bodies are begun with `body`. */
  readonly kernel: (parts: KernelParts, body: (depth: number) => CurlyBody) => KernelText;
  /** Reads the bool of a branch: lines before it and its text. */
  readonly predicate: (
    buffer: Buffer,
    indent: string,
  ) => { readonly lines: ReadonlyArray<string>; readonly text: string };
  /** Opens an endless loop. */
  readonly endless: string;
  /** Leaves a loop unless a condition holds. */
  readonly leave: (condition: string) => string;
}

/** Collects the functions of a file. */
export class CurlyFile {
  private readonly kernels: string[] = [];
  /** Helpers that kernels call, by name. */
  readonly helpers = new Map<string, Helper>();

  /** Made once for a program. */
  constructor(private readonly language: Language, private readonly form: Form, private readonly rules: FileRules) {}

  /** Number of kernels printed. */
  get count(): number {
    return this.kernels.length;
  }

  /** Prints a kernel as a function; gives the call of it. */
  private kernel(kernel: Kernel, around: ReadonlyArray<Axis>): string {
    const { buffers, written } = usesOf(kernel);
    const bodies: CurlyBody[] = [];
    const { text, call } = this.rules.kernel({
      name: `kernel_${this.count}`,
      kernel,
      shared: buffers.filter(({ role }) => role !== "scratch" && role !== "constant"),
      scratch: buffers.filter(({ role }) => role === "scratch"),
      writes: ({ id }) => written.has(id),
      axes: outerAxes(kernel, around),
    }, (depth) => {
      const body = new CurlyBody(this.language, this.form, depth);
      bodies.push(body);
      return body;
    });
    for (const body of bodies) body.helpers.forEach((helper, name) => this.helpers.set(name, helper));
    this.kernels.push(text);
    return call;
  }

  /** Prints steps, and the kernels they run as functions. */
  steps(steps: ReadonlyArray<Step>, indent: string, around: ReadonlyArray<Axis> = []): ReadonlyArray<string> {
    const { language, rules } = this;
    const inner = `${indent}  `;
    return steps.flatMap((step): ReadonlyArray<string> => {
      if (step.kind === "kernel") {
        return this.kernel(step, around).split("\n").map((line) => indent + line);
      }
      if (step.kind === "repeat") {
        const body = this.steps(step.body, inner, [...around, step.axis]);
        return [indent + language.loop(axisText(step.axis), step.axis.extent), ...body, `${indent}}`];
      }
      if (step.kind === "if") {
        const { lines, text } = rules.predicate(step.predicate, indent);
        const [then, otherwise] = [step.then, step.otherwise].map((list) => this.steps(list, inner, around));
        return [...lines, indent + language.branch(text), ...then, `${indent}} else {`, ...otherwise, `${indent}}`];
      }
      const condition = this.steps(step.condition, inner, around);
      const { lines, text } = rules.predicate(step.predicate, inner);
      const body = this.steps(step.body, inner, around);
      return [indent + rules.endless, ...condition, ...lines, inner + rules.leave(text), ...body, `${indent}}`];
    });
  }

  /** Helpers and kernels. */
  get definitions(): ReadonlyArray<string> {
    return [...[...this.helpers.values()].map(({ text }) => text), ...this.kernels];
  }
}

const PER_LINE = 12;

/** Elements of a literal, a dozen a line. */
export const listText = (items: ReadonlyArray<string>): string => {
  const rows: string[] = [];
  for (let i = 0; i < items.length; i += PER_LINE) rows.push(`  ${items.slice(i, i + PER_LINE).join(", ")},`);
  return rows.join("\n");
};

/** An array has an element even where a tensor has none. */
export const lengthOf = ({ elements: count }: Buffer): number => Math.max(1, count);
