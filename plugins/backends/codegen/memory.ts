/**
 * Memory: one offset for every buffer of a loop program, such that buffers share bytes where they are never needed at once.
 *
 * Not allocation at run time: the plan is made once, and running a program allocates nothing.
 * A kernel's result lies over an operand that ends there, where each element is read before it is written (reuse.ts).
 * Lifetimes: inputs live from before the first step to their last use, outputs from their first to after the last step;
 * state and constants live always. What is used both inside and outside a loop lives through all of it.
 * Invariant: the ranges of two buffers whose lifetimes meet do not overlap, save one that lies over the operand it
 * replaces; and every offset is aligned.
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
import { overwritesSafely } from "./reuse.ts";

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
  /** By buffer id, the operand that a buffer lies over. */
  readonly over: ReadonlyMap<number, number>;
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
  readonly kernels: Array<{ readonly kernel: Kernel; readonly time: number }> = [];
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
      if (step.kind === "kernel") {
        this.kernels.push({ kernel: step, time: this.time });
        buffersOf(step).forEach((buffer) => this.touch(buffer));
      } else if (step.kind === "if") {
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

/** Buffers that are written over an operand that ends where they begin, with the operand. */
const overlays = (
  timeline: Timeline,
  lifetimes: ReadonlyMap<number, Lifetime>,
  sizeOf: (buffer: Buffer) => number,
): ReadonlyMap<number, number> => {
  const over = new Map<number, number>();
  const taken = new Set<number>();
  for (const { kernel, time } of timeline.kernels) {
    const buffers = [...buffersOf(kernel)];
    const ends = buffers.filter(({ id, role }) =>
      (role === "temporary" || role === "input") && lifetimes.get(id)!.to === time && lifetimes.get(id)!.from < time
    );
    const begins = buffers.filter(({ id, role }) =>
      (role === "temporary" || role === "output") && lifetimes.get(id)!.from === time
    );
    for (const written of begins) {
      const read = ends.find((each) =>
        !taken.has(each.id) && sizeOf(each) === sizeOf(written) && overwritesSafely(kernel.work, written, each)
      );
      if (read === undefined) continue;
      taken.add(read.id);
      over.set(written.id, read.id);
    }
  }
  return over;
};

/** Room for a buffer and those that are written over it, one after the other. */
type Slot = { readonly members: ReadonlyArray<number>; readonly size: number; readonly range: Lifetime };

const slotsOf = (
  placed: ReadonlyArray<Buffer>,
  over: ReadonlyMap<number, number>,
  lifetimes: ReadonlyMap<number, Lifetime>,
  sizes: ReadonlyMap<number, number>,
): ReadonlyArray<Slot> => {
  const roots = new Map<number, number[]>();
  for (const { id } of placed) {
    let root = id;
    while (over.has(root)) root = over.get(root)!;
    roots.set(root, [...roots.get(root) ?? [], id]);
  }
  const slots = [...roots.values()].map((members): Slot => ({
    members,
    size: Math.max(...members.map((id) => sizes.get(id)!)),
    range: {
      from: Math.min(...members.map((id) => lifetimes.get(id)!.from)),
      to: Math.max(...members.map((id) => lifetimes.get(id)!.to)),
    },
  }));
  return slots.sort((a, b) => b.size - a.size || a.members[0] - b.members[0]);
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
  const over = overlays(timeline, lifetimes, ({ dtype, elements }) => elements * rules.elementBytes(dtype));
  const offsets = new Map<number, number>();
  let bytes = 0;
  const done: Array<{ readonly range: Lifetime; readonly start: number; readonly end: number }> = [];
  for (const { size, range, members } of slotsOf(placed, over, lifetimes, sizes)) {
    const taken = done
      .filter((other) => other.range.from <= range.to && other.range.to >= range.from)
      .map(({ start, end: stop }) => [start, stop] as const)
      .sort((a, b) => a[0] - b[0]);
    const offset = bestOffset(taken, size);
    members.forEach((id) => offsets.set(id, offset));
    done.push({ range, start: offset, end: offset + size });
    bytes = Math.max(bytes, offset + size);
  }
  return { offsets, lifetimes, sizes, over, bytes };
};
