/**
 * Tasks: which kernels are shared among threads, in which chunks, and how a worker finds what to run.
 *
 * Not threads (../threads.ts).
 * Invariant: chunks of a task write different elements, and are cut the same way whatever the number of threads, so
 * results do not depend on it; a task calls no imported function, as workers have none.
 *
 * @module
 */
import { isFloat } from "../../../ir/library.ts";
import {
  eachExpression,
  eachStatement,
  type Expression,
  expressionsOf,
  type Kernel,
  type Statement,
} from "../../codegen/loops.ts";
import type { ModuleBuilder } from "../wasm/assembler.ts";
import type { Code, Func, Local } from "../wasm/code.ts";
import { vectorAxis } from "./lanes.ts";
import { SourceTable } from "./sources.ts";

/** Module part of the name of the imported fork. */
export const THREADS_MODULE = "threads";

/** The imported function that runs the chunks of a task. */
export const FORK_FUNCTION = "fork";

/** The exported function that runs one chunk. */
export const CHUNK_FUNCTION = "chunk";

/** Where the operands of the task under way lie: three addresses and the turns of the loops around, below all buffers. */
const OPERANDS_ADDRESS = 64;

/** Fewest turns of all loops of a kernel for which a fork pays. */
const FEWEST_TURNS = 131_072;

/** Fewest floating-point operations of a product for which it does. */
const FEWEST_FLOPS = 8_000_000;

/** Chunks of a loop, the first that divide it. */
const CHUNK_COUNTS = [16, 12, 8, 6, 4, 3, 2];

/** Turns that are lanes are cut in multiples of this, so that no element leaves its vector. */
const VECTOR_TURNS = 64;

/** Whether a kernel calls functions that workers do not have. */
const callsImports = (roots: ReadonlyArray<Expression>): boolean => {
  let calls = false;
  eachExpression(roots, (each) => {
    if (each.kind !== "apply") return;
    calls ||= each.op === "random_normal" || (each.op === "rem" && isFloat(each.dtype));
  });
  return calls;
};

const rootsOf = ({ work }: Kernel): ReadonlyArray<Expression> => {
  const roots: Expression[] = work.kind === "contraction" ? [work.left, work.right] : [];
  eachStatement(work.kind === "contraction" ? work.epilogue : work.body, (each) => roots.push(...expressionsOf(each)));
  return roots;
};

/** Whether a product is worth a fork. */
export const forksProduct = (kernel: Kernel): boolean => kernel.flops >= FEWEST_FLOPS && !callsImports(rootsOf(kernel));

/** A loop and how it is cut. */
export interface Cut {
  /** The outermost loop. */
  readonly loop: Extract<Statement, { kind: "for" }>;
  /** In how many chunks. */
  readonly chunks: number;
}

const turnsOf = (statements: ReadonlyArray<Statement>): number =>
  statements.reduce(
    (sum, each) =>
      sum +
      (each.kind === "for" ? each.axis.extent * turnsOf(each.body) : each.kind === "when" ? turnsOf(each.body) : 1),
    0,
  );

/** How loops are cut; undefined where they stay on one thread. */
export const cutOf = (kernel: Kernel): Cut | undefined => {
  const { work } = kernel;
  if (work.kind !== "loops" || work.body.length !== 1) return undefined;
  const [loop] = work.body;
  if (loop.kind !== "for" || loop.loop !== "parallel" || turnsOf(work.body) < FEWEST_TURNS) return undefined;
  if (callsImports(rootsOf(kernel))) return undefined;
  const isLanes = vectorAxis(loop, new SourceTable()) !== undefined;
  const { extent } = loop.axis;
  const chunks = CHUNK_COUNTS.find((count) =>
    extent % count === 0 && (!isLanes || extent / count % VECTOR_TURNS === 0)
  );
  return chunks === undefined ? undefined : { loop, chunks };
};

type Task = {
  /** Writes the call of a chunk; `operand` leaves one of the operands given to the fork. */
  readonly call: (
    code: Code,
    at: { readonly chunk: Local; readonly thread: Local },
    operand: (i: number) => void,
  ) => void;
};

/** The tasks of one module. */
export class Tasks {
  private readonly tasks: Task[] = [];
  private readonly fork: Func;

  /** Imports the fork; before any function of the module. */
  constructor(private readonly module: ModuleBuilder) {
    this.fork = module.importFunction(THREADS_MODULE, FORK_FUNCTION, ["i32", "i32"], []);
  }

  /** Adds a task; gives its number. */
  add(call: Task["call"]): number {
    return this.tasks.push({ call }) - 1;
  }

  /** Writes the fork of a task with operands. */
  write(code: Code, task: number, chunks: number, operands: ReadonlyArray<Local>): void {
    operands.forEach((operand, i) => code.i32(0).get(operand).memory("i32.store", OPERANDS_ADDRESS + 4 * i));
    code.i32(task).i32(chunks).call(this.fork);
  }

  /** Writes and exports the function that runs one chunk of any task. */
  finish(): void {
    const func = this.module.function(CHUNK_FUNCTION, ["i32", "i32", "i32"], [], (code, task, chunk, thread) => {
      this.tasks.forEach(({ call }, number) => {
        code.get(task).i32(number).op("i32.eq").when(() =>
          call(code, { chunk, thread }, (i) => code.i32(0).memory("i32.load", OPERANDS_ADDRESS + 4 * i))
        );
      });
    });
    this.module.export(func);
  }
}
