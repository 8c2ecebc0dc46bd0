/**
 * Form: a program in the loop-level form that emitters print, with names for its buffers and the refusal of what a
 * target lacks.
 *
 * @module
 */
import {
  type Affine,
  type Axis,
  type Buffer,
  type Contraction,
  eachExpression,
  eachKernel,
  eachStatement,
  type Expression,
  expressionsOf,
  type FoldKind,
  type Kernel,
  type Local,
  type LoopProgram,
  loopProgram,
  type Operation,
  type Statement,
  type Step,
} from "../../backends/library.ts";
import { isFailure } from "../../../kernel/failure.ts";
import { symbolsOf } from "../dimension.ts";
import { isIrFailure, unboundDimension, unsupportedEmission } from "../failures.ts";
import { functionOf, type Program } from "../graph.ts";
import type { Dtype } from "../types.ts";
import type { Tensor } from "../value.ts";

export type {
  Affine,
  Axis,
  Buffer,
  Contraction,
  Dtype,
  Expression,
  FoldKind,
  Kernel,
  Local,
  LoopProgram,
  Operation,
  Statement,
  Step,
};

/** How a program is printed. */
export interface PrintOptions {
  /** Numbers for named sizes; all must be known. */
  readonly sizes?: { readonly [name: string]: number };
  /** Inputs of a `main` that runs the program and prints every element of the results, one a line. */
  readonly inputs?: ReadonlyArray<Tensor>;
}

/** What a target has. */
export interface Capabilities {
  /** Its name. */
  readonly target: string;
  /** Element types. */
  readonly dtypes: ReadonlySet<Dtype>;
}

/** A program ready to be printed. */
export interface Form {
  /** Its name. */
  readonly entry: string;
  /** Its loops. */
  readonly loops: LoopProgram;
  /** Names of its buffers, by number. */
  readonly names: ReadonlyArray<string>;
  /** Constants that its kernels read, and temporaries that they or its branches use. */
  readonly constants: ReadonlyArray<Buffer>;
  /** See constants. */
  readonly temporaries: ReadonlyArray<Buffer>;
  /** Names of its parameters. */
  readonly inputs: ReadonlyArray<string>;
  /** Names of its results. */
  readonly outputs: ReadonlyArray<string>;
}

/** Calls `visit` with every expression a kernel evaluates. */
const kernelExpressions = ({ work }: Kernel, visit: (expression: Expression) => void): void => {
  const roots: Expression[] = [];
  const collect = (body: ReadonlyArray<Statement>) => eachStatement(body, (of) => roots.push(...expressionsOf(of)));
  if (work.kind === "loops") collect(work.body);
  else {
    roots.push(work.left, work.right);
    collect(work.epilogue);
  }
  eachExpression(roots, visit);
};

const identifier = (name: string): string => name.replaceAll(/[^A-Za-z0-9_]/gu, "_");

const refuse = (target: string, op: string, node: string, reason: string): never => {
  throw unsupportedEmission({ op, node, target, reason, path: node });
};

/** Refuses what the target lacks, by the IR's own node where a type is concerned, by kernel elsewhere. */
const checkCapabilities = (program: Program, loops: LoopProgram, { target, dtypes }: Capabilities): void => {
  for (const fn of program.functions.values()) {
    fn.parameters.forEach(({ name, type }) => {
      if (!dtypes.has(type.dtype)) {
        refuse(target, `parameter ${name}`, `/functions/${fn.name}`, `it has no ${type.dtype}`);
      }
    });
    fn.nodes.forEach((node, i) => {
      const path = node.location ?? `/functions/${fn.name}/nodes/${i}`;
      const type = node.results.find(({ dtype }) => !dtypes.has(dtype));
      if (type !== undefined) refuse(target, node.op, path, `it has no ${type.dtype}`);
    });
  }
  eachKernel(loops.steps, (kernel) =>
    kernelExpressions(kernel, (expression) => {
      const foreign = !dtypes.has(expression.dtype);
      if (foreign) refuse(target, kernel.name, "a kernel", `it has no ${expression.dtype}`);
    }));
};

/** Numbers of the buffers that kernels and branches touch. */
const usedBuffers = (steps: ReadonlyArray<Step>): ReadonlySet<number> => {
  const used = new Set<number>();
  const visit = (list: ReadonlyArray<Step>): void =>
    list.forEach((step) => {
      if (step.kind === "kernel") usesOf(step).buffers.forEach(({ id }) => used.add(id));
      else if (step.kind === "repeat") visit(step.body);
      else {
        used.add(step.predicate.id);
        (step.kind === "if" ? [step.then, step.otherwise] : [step.condition, step.body]).forEach(visit);
      }
    });
  visit(steps);
  return used;
};

/** The loops of a program, named and checked against what a target has. */
export const formOf = (program: Program, options: PrintOptions, capabilities: Capabilities): Form => {
  const fn = functionOf(program);
  const symbols = [...fn.sizes, ...fn.parameters.flatMap(({ type }) => type.shape.flatMap(symbolsOf))];
  const open = symbols.find((name) => options.sizes?.[name] === undefined);
  if (open !== undefined) throw unboundDimension({ dimension: open, where: `@${fn.name}`, path: "/sizes" });
  let loops: LoopProgram;
  try {
    loops = loopProgram(program, options.sizes === undefined ? {} : { sizes: options.sizes });
  } catch (thrown) {
    // What the scheduler refuses of a program it refuses for every target.
    if (!isFailure(thrown) || isIrFailure(thrown)) throw thrown;
    return refuse(capabilities.target, "the program", `/functions/${fn.name}`, thrown.message);
  }
  checkCapabilities(program, loops, capabilities);
  const names = loops.buffers.map(({ id, role }) =>
    `${role === "constant" ? "c" : role === "scratch" ? "s" : "t"}${id}`
  );
  const inputs = loops.parameters.map(({ buffer }, i) =>
    names[buffer.id] = `in_${identifier(fn.parameters[i].name)}${i}`
  );
  const outputs = loops.results.map(({ buffer }, i) => names[buffer.id] = `result${i}`);
  const used = usedBuffers(loops.steps);
  const of = (role: Buffer["role"]) => loops.buffers.filter((buffer) => buffer.role === role && used.has(buffer.id));
  const [constants, temporaries] = [of("constant"), of("temporary")];
  return { entry: identifier(program.entry), loops, names, constants, temporaries, inputs, outputs };
};

/** The buffers a kernel reads or writes, and the axes around it that it uses. */
export const usesOf = (
  kernel: Kernel,
): { readonly buffers: ReadonlyArray<Buffer>; readonly written: ReadonlySet<number> } => {
  const buffers = new Map<number, Buffer>();
  const written = new Set<number>();
  const statements = kernel.work.kind === "loops" ? kernel.work.body : kernel.work.epilogue;
  eachStatement(statements, (of) => {
    if (of.kind !== "store") return;
    buffers.set(of.buffer.id, of.buffer);
    written.add(of.buffer.id);
  });
  kernelExpressions(kernel, (expression) => {
    if (expression.kind === "load") buffers.set(expression.buffer.id, expression.buffer);
  });
  return { buffers: [...buffers.values()].sort((a, b) => a.id - b.id), written };
};

/** The axes that a kernel takes from loops around it, by number. */
export const outerAxes = (kernel: Kernel, around: ReadonlyArray<Axis>): ReadonlyArray<Axis> => {
  const used = new Set<number>();
  const inIndex = (index: Affine): void => {
    for (const { atom } of index.terms) {
      if (atom.kind === "axis") used.add(atom.axis.id);
      else if (atom.kind !== "value") inIndex(atom.of);
    }
  };
  kernelExpressions(kernel, (expression) => {
    if (expression.kind === "load" || expression.kind === "index") inIndex(expression.index);
  });
  const statements = kernel.work.kind === "loops" ? kernel.work.body : kernel.work.epilogue;
  eachStatement(statements, (of) => {
    if (of.kind === "store") inIndex(of.index);
  });
  return around.filter((axis) => used.has(axis.id));
};

/** Smallest value of an index. */
export const lowestOf = (index: Affine): number =>
  index.terms.reduce((sum, { atom, step }) => sum + step * (step > 0 ? atom.low : atom.high), index.constant);

/** How the name of an axis is printed. */
export const axisText = (axis: Axis): string => `i${axis.id}`;

/** The operation that folds. */
export const FOLD_OPERATION: { readonly [K in FoldKind]: Operation } = {
  sum: "add",
  prod: "mul",
  max: "max",
  min: "min",
  any: "or",
  all: "and",
};

/** Names of what has been computed, in a block and in those around it. */
export interface Bound<K> {
  /** Names of this block. */
  readonly names: Map<K, string>;
  /** The block around it. */
  readonly around?: Bound<K>;
}

/** The name that something has where a block can see it. */
export const lookUp = <K>(bound: Bound<K> | undefined, key: K): string | undefined =>
  bound === undefined ? undefined : bound.names.get(key) ?? lookUp(bound.around, key);
