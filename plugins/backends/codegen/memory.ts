/**
 * Memory: one offset for every buffer of a loop program, such that buffers share bytes where they are never needed at once.
 *
 * Not allocation at run time: the plan is made once, and running a program allocates nothing.
 * Lifetimes: inputs live from before the first step to their last use, outputs from their first to after the last step;
 * state and constants live always. What is used both inside and outside a loop lives through all of it.
 * Invariant: the ranges of two buffers whose lifetimes meet do not overlap, and every offset is aligned.
 *
 * @module
 */
import type { Dtype } from "../../ir/library.ts";
import {
  type Buffer,
  eachExpression,
  eachStatement,
  type Expression,
  expressionsOf,
  type Kernel,
  type LoopProgram,
  type Step,
} from "./loops.ts";

/** How a device lays out memory. */
export interface LayoutRules {
  /** Bytes of one element. */
  readonly elementBytes: (dtype: Dtype) => number;
  /** Offsets are multiples of this. */
  readonly alignment: number;
  /** Bytes that are kept free behind each buffer, for reads past its end. */
  readonly slackBytes: number;
  /** How many turns of parallel axes run at once, each with its own scratch. */
  readonly workers: number;
}

/** When a buffer is needed: from step to step, both included. */
export interface Lifetime {
  /** First. */
  readonly from: number;
  /** Last. */
  readonly to: number;
}

/** Where buffers lie. */
export interface MemoryPlan {
  /** Offset by buffer id; absent for buffers that nothing uses. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Lifetimes by buffer id. */
  readonly lifetimes: ReadonlyMap<number, Lifetime>;
  /** Bytes by buffer id, all workers' scratch included. */
  readonly sizes: ReadonlyMap<number, number>;
  /** Bytes of everything. */
  readonly bytes: number;
}

/** Buffers a kernel touches. */
export const buffersOf = (kernel: Kernel): ReadonlySet<Buffer> => {
  const found = new Set<Buffer>();
  const { work } = kernel;
  const roots: Expression[] = work.kind === "contraction" ? [work.left, work.right] : [];
  eachStatement(work.kind === "contraction" ? work.epilogue : work.body, (statement) => {
    if (statement.kind === "store") found.add(statement.buffer);
    roots.push(...expressionsOf(statement));
  });
  eachExpression(roots, (each) => {
    if (each.kind === "load") found.add(each.buffer);
  });
  return found;
};

type Range = { from: number; to: number };

/** Numbers the steps in the order of the text and notes when each buffer is touched, and where loops begin and end. */
class Timeline {
  readonly uses = new Map<number, Range>();
  readonly loops: Lifetime[] = [];
  time = 0;

  private touch(buffer: Buffer): void {
    const range = this.uses.get(buffer.id);
    if (range === undefined) this.uses.set(buffer.id, { from: this.time, to: this.time });
    else range.to = this.time;
  }

  walk(steps: ReadonlyArray<Step>): void {
    for (const step of steps) {
      this.time++;
      if (step.kind === "kernel") buffersOf(step).forEach((buffer) => this.touch(buffer));
      else if (step.kind === "if") {
        this.touch(step.predicate);
        this.walk(step.then);
        this.walk(step.otherwise);
      } else this.loop(step);
    }
  }

  private loop(step: Extract<Step, { kind: "while" | "repeat" }>): void {
    const from = this.time;
    if (step.kind === "while") {
      this.walk(step.condition);
      this.time++;
      this.touch(step.predicate);
    }
    this.walk(step.body);
    this.loops.push({ from, to: ++this.time });
  }

  /** Lifetimes grown over the loops that they enter or leave; inner loops come before outer ones. */
  grow(): void {
    for (const loop of this.loops) {
      for (const range of this.uses.values()) {
        const meets = range.from <= loop.to && range.to >= loop.from;
        const isInside = range.from >= loop.from && range.to <= loop.to;
        if (!meets || isInside) continue;
        range.from = Math.min(range.from, loop.from);
        range.to = Math.max(range.to, loop.to);
      }
    }
  }
}

const aligned = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

/** The smallest gap among taken ranges, sorted by offset, that holds some bytes; else the end. */
const bestOffset = (taken: ReadonlyArray<readonly [start: number, end: number]>, bytes: number): number => {
  let end = 0;
  let best = -1;
  let bestGap = Infinity;
  for (const [start, stop] of taken) {
    const gap = start - end;
    if (gap >= bytes && gap < bestGap) [best, bestGap] = [end, gap];
    end = Math.max(end, stop);
  }
  return best < 0 ? end : best;
};

/** Assigns offsets, largest buffers first. */
export const planMemory = (program: LoopProgram, rules: LayoutRules): MemoryPlan => {
  const timeline = new Timeline();
  timeline.walk(program.steps);
  const end = timeline.time + 1;
  const touch = (buffer: Buffer, range: Range): void => {
    const known = timeline.uses.get(buffer.id) ?? range;
    timeline.uses.set(buffer.id, { from: Math.min(known.from, range.from), to: Math.max(known.to, range.to) });
  };
  program.parameters.forEach(({ buffer }) => touch(buffer, { from: 0, to: 0 }));
  program.results.forEach(({ buffer }) => touch(buffer, { from: end, to: end }));
  timeline.grow();
  const lifetimes = new Map<number, Lifetime>();
  const sizes = new Map<number, number>();
  const placed: Array<Buffer> = [];
  for (const buffer of program.buffers) {
    const range = timeline.uses.get(buffer.id);
    if (range === undefined) continue;
    const isPinned = buffer.role === "state" || buffer.role === "constant";
    lifetimes.set(buffer.id, isPinned ? { from: 0, to: end } : range);
    const one = aligned(buffer.elements * rules.elementBytes(buffer.dtype) + rules.slackBytes, rules.alignment);
    sizes.set(buffer.id, buffer.role === "scratch" ? one * rules.workers : one);
    placed.push(buffer);
  }
  placed.sort((a, b) => sizes.get(b.id)! - sizes.get(a.id)! || a.id - b.id);
  const offsets = new Map<number, number>();
  let bytes = 0;
  const done: Buffer[] = [];
  for (const buffer of placed) {
    const { from, to } = lifetimes.get(buffer.id)!;
    const size = sizes.get(buffer.id)!;
    const taken = done
      .filter((other) => lifetimes.get(other.id)!.from <= to && lifetimes.get(other.id)!.to >= from)
      .map((other) => [offsets.get(other.id)!, offsets.get(other.id)! + sizes.get(other.id)!] as const)
      .sort((a, b) => a[0] - b[0]);
    const offset = bestOffset(taken, size);
    offsets.set(buffer.id, offset);
    done.push(buffer);
    bytes = Math.max(bytes, offset + size);
  }
  return { offsets, lifetimes, sizes, bytes };
};
