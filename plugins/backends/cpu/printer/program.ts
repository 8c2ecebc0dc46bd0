/**
 * Program: a loop program as one WebAssembly module: a function for each kernel and one, `run`, that calls them.
 *
 * Not instantiation (backend.ts).
 * Invariant: every address is known when the module is written; running it takes no memory besides its own.
 *
 * @module
 */
import type { Axis } from "../../codegen/affine.ts";
import type { Kernel as LoopKernel, LoopProgram, Step } from "../../codegen/loops.ts";
import { type MemoryPlan, planMemory } from "../../codegen/memory.ts";
import { MAX_PAGES, ModuleBuilder, PAGE_BYTES } from "../wasm/assembler.ts";
import type { Code, Func, Global, Local } from "../wasm/code.ts";
import { type Kernel, runKernel } from "../wasm/kernel.ts";
import { type ExternalProduct, importExternals } from "./external.ts";
import { isConvolution, printConvolution } from "./convolution.ts";
import { contractionLoops, isLoopProduct, type PrintedProduct, printProduct } from "./product.ts";
import { importMath, Runtime } from "./runtime.ts";
import { bytesOf } from "./scalar.ts";
import { type Cut, cutOf, forksProduct, Tasks } from "./tasks.ts";
import { type KernelContext, KernelWriter, SourceTable } from "./writer.ts";

/** Where buffers begin; below it lies nothing, so that a stray address 0 shows. */
export const BASE_ADDRESS = 1024;

/** Reads may go past a buffer's end by less than a vector. */
const SLACK_BYTES = 16;

/** Buffers begin at a cache line. */
const ALIGNMENT = 64;

/** Most turns that the counter holds. */
const MOST_TURNS = 2_147_483_647;

/** How a program is printed. */
export interface PrintOptions {
  /** Whether the engine has vectors. */
  readonly vectors: boolean;
  /** Whether multiply-add may round once. */
  readonly fused: boolean;
  /** Most turns of all `while` loops of one run; more trap. */
  readonly maxTurns: number;
  /** Threads that share large kernels; the module then has shared memory, imports a fork and exports chunks. */
  readonly threads: number;
  /** Fewest multiplications of a product that is worth a call of somebody else; nobody is called where absent. */
  readonly externalFrom?: number;
}

/** A printed program. */
export interface PrintedProgram {
  /** The module. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where buffers lie, from {@link BASE_ADDRESS} on. */
  readonly memory: MemoryPlan;
  /** Pages it needs. */
  readonly pages: number;
  /** Bytes of everything but code. */
  readonly memoryBytes: number;
  /** Products that somebody else computes, by number. */
  readonly externals: ReadonlyArray<ExternalProduct>;
}

/** A product whose calls are written when the workspaces have their places. */
type Pending = {
  readonly func: Func;
  readonly printed: PrintedProduct;
  readonly turns: ReadonlyArray<Axis>;
  readonly isForked: boolean;
};

/** Prints the steps of one program. */
class ProgramPrinter {
  private readonly module = new ModuleBuilder();
  private readonly context: KernelContext;
  private readonly turnsLeft: Global;
  private readonly workspace: { shared: number; thread: number } = { shared: 0, thread: 0 };
  private readonly tasks: Tasks | undefined;
  private readonly pending: Pending[] = [];

  constructor(
    private readonly program: LoopProgram,
    readonly plan: MemoryPlan,
    private readonly options: PrintOptions,
  ) {
    this.turnsLeft = this.module.global("i32", 0);
    const shared = options.threads > 1 ? { maximum: MAX_PAGES, shared: true } : {};
    this.module.importMemory({ module: "env", name: "memory", minimum: 1, ...shared });
    this.tasks = options.threads > 1 ? new Tasks(this.module) : undefined;
    const math = importMath(this.module);
    const { externalFrom } = options;
    const externals = externalFrom === undefined ? undefined : importExternals(this.module, externalFrom);
    const runtime = new Runtime(this.module, math);
    this.context = {
      ...(externals === undefined ? {} : { externals }),
      runtime,
      address: (buffer) => BASE_ADDRESS + (plan.offsets.get(buffer.id) ?? 0),
      scratchBytes: (buffer) => plan.sizes.get(buffer.id)! / options.threads,
      sources: new SourceTable(),
      vectors: options.vectors,
      fused: options.fused,
    };
  }

  private kernel(kernel: LoopKernel, turns: ReadonlyArray<Axis>): Func {
    const { work } = kernel;
    const parameters = turns.map(() => "i32" as const);
    if (work.kind === "contraction" && !isLoopProduct(work, this.context)) {
      const printed = isConvolution(work)
        ? printConvolution(this.context, work, turns)
        : printProduct(this.context, work, turns);
      this.workspace.shared = Math.max(this.workspace.shared, printed.kernel.workspaceBytes);
      this.workspace.thread = Math.max(this.workspace.thread, printed.kernel.threadBytes);
      const func = this.module.declare(kernel.name, parameters);
      this.pending.push({ func, printed, turns, isForked: this.tasks !== undefined && forksProduct(kernel) });
      return func;
    }
    const cut = this.tasks === undefined ? undefined : cutOf(kernel);
    if (cut !== undefined) return this.cutKernel(kernel.name, cut, turns);
    const body = work.kind === "loops" ? work.body : contractionLoops(work, this.program.pool);
    return this.module.function(kernel.name, parameters, [], (code, ...locals) => {
      const writer = new KernelWriter(code, this.context);
      turns.forEach((axis, i) => writer.bind(axis, locals[i]));
      writer.statements(body);
    });
  }

  /** A function for one chunk of a loop, and one that forks all of them. */
  private cutKernel(name: string, { loop, chunks }: Cut, turns: ReadonlyArray<Axis>): Func {
    const parameters = turns.map(() => "i32" as const);
    const each = this.module.function(
      `${name} chunk`,
      ["i32", "i32", ...parameters],
      [],
      (code, chunk, thread, ...locals) => {
        const writer = new KernelWriter(code, this.context);
        turns.forEach((axis, i) => writer.bind(axis, locals[i]));
        writer.thread = thread;
        const extent = loop.axis.extent / chunks;
        writer.part(loop, code.get(chunk).times(extent).keep("i32"), extent);
      },
    );
    const task = this.tasks!.add((code, { chunk, thread }, operand) => {
      code.get(chunk).get(thread);
      turns.forEach((_, i) => operand(i));
      code.call(each);
    });
    return this.module.function(
      name,
      parameters,
      [],
      (code, ...locals) => this.tasks!.write(code, task, chunks, locals),
    );
  }

  /** Writes the phases of a product, those with several chunks as forks. */
  private forkPhases(code: Code, { phases }: Kernel, operands: ReadonlyArray<Local>, workspace: number): void {
    const threads = workspace + this.workspace.shared;
    const bytes = this.threadBytes();
    for (const { func, chunks } of phases) {
      if (chunks === 1) {
        code.i32(0);
        for (const operand of operands.slice(0, 3)) code.get(operand);
        code.i32(workspace).i32(threads);
        for (const operand of operands.slice(3)) code.get(operand);
        code.call(func);
        continue;
      }
      const task = this.tasks!.add((inner, { chunk, thread }, operand) => {
        inner.get(chunk);
        for (let i = 0; i < 3; i++) operand(i);
        inner.i32(workspace).get(thread).times(bytes).plus(threads);
        operands.slice(3).forEach((_, i) => operand(3 + i));
        inner.call(func);
      });
      this.tasks!.write(code, task, chunks, operands);
    }
  }

  private threadBytes(): number {
    return Math.ceil(this.workspace.thread / ALIGNMENT) * ALIGNMENT;
  }

  /** Products are called once the workspaces, which lie behind all buffers, have their sizes. */
  private finishProducts(workspace: number): void {
    for (const { func, printed, turns, isForked } of this.pending) {
      this.module.define(func, (code, ...locals) => {
        const writer = new KernelWriter(code, this.context);
        turns.forEach((axis, i) => writer.bind(axis, locals[i]));
        const addresses = printed.addresses.map((leave) => {
          leave(writer);
          return code.keep("i32");
        });
        if (isForked) return this.forkPhases(code, printed.kernel, [...addresses, ...locals], workspace);
        runKernel(code, printed.kernel, [
          ...addresses.map((address) => () => void code.get(address)),
          () => void code.i32(workspace),
          () => void code.i32(workspace + this.workspace.shared),
          ...locals.map((local) => () => void code.get(local)),
        ]);
      });
    }
  }

  private holds(code: Code, buffer: Extract<Step, { kind: "if" }>["predicate"]): void {
    code.i32(0).memory("i32.load8_u", this.context.address(buffer));
  }

  private steps(
    code: Code,
    steps: ReadonlyArray<Step>,
    funcs: ReadonlyMap<LoopKernel, Func>,
    turns: ReadonlyArray<Local>,
  ): void {
    for (const step of steps) {
      if (step.kind === "kernel") {
        turns.forEach((turn) => code.get(turn));
        code.call(funcs.get(step)!);
      } else if (step.kind === "if") {
        this.holds(code, step.predicate);
        code.when(
          () => this.steps(code, step.then, funcs, turns),
          () => this.steps(code, step.otherwise, funcs, turns),
        );
      } else if (step.kind === "repeat") {
        const turn = code.local("i32");
        code.each(turn, 0, step.axis.extent, 1, () => this.steps(code, step.body, funcs, [...turns, turn]));
        code.release(turn);
      } else this.while(code, step, funcs, turns);
    }
  }

  private while(
    code: Code,
    step: Extract<Step, { kind: "while" }>,
    funcs: ReadonlyMap<LoopKernel, Func>,
    turns: ReadonlyArray<Local>,
  ): void {
    code.block((done) =>
      code.loop((again) => {
        this.steps(code, step.condition, funcs, turns);
        this.holds(code, step.predicate);
        code.op("i32.eqz").branchIf(done);
        code.globalGet(this.turnsLeft).op("i32.eqz").when(() => code.op("unreachable"));
        code.globalGet(this.turnsLeft).plus(-1).globalSet(this.turnsLeft);
        this.steps(code, step.body, funcs, turns);
        code.branch(again);
      })
    );
  }

  private declareAll(steps: ReadonlyArray<Step>, turns: ReadonlyArray<Axis>, funcs: Map<LoopKernel, Func>): void {
    for (const step of steps) {
      if (step.kind === "kernel") funcs.set(step, this.kernel(step, turns));
      else if (step.kind === "if") {
        this.declareAll(step.then, turns, funcs);
        this.declareAll(step.otherwise, turns, funcs);
      } else if (step.kind === "repeat") this.declareAll(step.body, [...turns, step.axis], funcs);
      else {
        this.declareAll(step.condition, turns, funcs);
        this.declareAll(step.body, turns, funcs);
      }
    }
  }

  print(): PrintedProgram {
    const funcs = new Map<LoopKernel, Func>();
    this.declareAll(this.program.steps, [], funcs);
    const workspace = Math.ceil((BASE_ADDRESS + this.plan.bytes) / ALIGNMENT) * ALIGNMENT;
    this.finishProducts(workspace);
    const run = this.module.function("run", [], [], (code) => {
      code.i32(Math.min(this.options.maxTurns, MOST_TURNS)).globalSet(this.turnsLeft);
      this.steps(code, this.program.steps, funcs, []);
    });
    this.module.export(run);
    this.tasks?.finish();
    const end = workspace + this.workspace.shared + this.threadBytes() * this.options.threads + SLACK_BYTES;
    return {
      bytes: this.module.build(),
      memory: this.plan,
      pages: Math.ceil(end / PAGE_BYTES),
      memoryBytes: end - BASE_ADDRESS,
      externals: this.context.externals?.products ?? [],
    };
  }
}

/** Prints a loop program. */
export const printProgram = (program: LoopProgram, options: PrintOptions): PrintedProgram => {
  const plan = planMemory(program, {
    elementBytes: bytesOf,
    alignment: ALIGNMENT,
    slackBytes: SLACK_BYTES,
    workers: options.threads,
  });
  return new ProgramPrinter(program, plan, options).print();
};
