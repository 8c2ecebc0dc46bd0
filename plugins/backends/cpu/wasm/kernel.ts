/**
 * Kernel: what an emitted kernel offers to whoever runs it, on one thread or on many.
 *
 * Not a scheduler: who runs which chunk, and on which thread, is decided elsewhere.
 * Invariant: chunks of a phase write different elements and may run in any order; a phase starts when the one before
 * has ended. What is computed does not depend on who runs a chunk.
 *
 * @module
 */
import type { Code, Func, Local } from "./code.ts";

/** Part of a kernel whose chunks are independent of each other. */
export interface Phase {
  /**
   * Runs a chunk. Parameters, all i32: the chunk's number, the kernel's addresses, the address of the kernel's
   * workspace, the address of the thread's workspace, then the kernel's further pointers.
   */
  readonly func: Func;
  /** How many chunks. */
  readonly chunks: number;
}

/** An emitted kernel. */
export interface Kernel {
  /** Name, for people. */
  readonly name: string;
  /** Phases, in order. */
  readonly phases: ReadonlyArray<Phase>;
  /** Bytes that the phases share while the kernel runs; 16-byte aligned. */
  readonly workspaceBytes: number;
  /** Bytes that each thread needs while it runs a chunk; 16-byte aligned. */
  readonly threadBytes: number;
}

/**
 * Writes code that runs a whole kernel on this thread.
 * `addresses` leave the kernel's addresses, its workspace, the thread's workspace and its pointers, in that order.
 */
export const runKernel = (code: Code, kernel: Kernel, addresses: ReadonlyArray<() => void>): void => {
  const chunk: Local = code.local("i32");
  for (const { func, chunks } of kernel.phases) {
    code.each(chunk, 0, chunks, 1, () => {
      code.get(chunk);
      for (const leave of addresses) leave();
      code.call(func);
    });
  }
  code.release(chunk);
};

/** Bytes rounded up to the alignment of a vector. */
export const aligned = (bytes: number): number => Math.ceil(bytes / 16) * 16;
