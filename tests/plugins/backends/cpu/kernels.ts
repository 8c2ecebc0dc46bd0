/**
 * Kernels in tests: a module with one kernel, its memory, and a way to run it on operands of any strides.
 */
import { ModuleBuilder, PAGE_BYTES } from "../../../../plugins/backends/cpu/wasm/assembler.ts";
import { type Kernel, runKernel } from "../../../../plugins/backends/cpu/wasm/kernel.ts";
import type { ValueType } from "../../../../plugins/backends/cpu/wasm/code.ts";

/** Typed arrays that tests put into memory. */
export type Numbers = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint8Array | BigInt64Array;

/** A kernel ready to run. */
export interface Loaded {
  /** The memory. */
  readonly memory: WebAssembly.Memory;
  /** Addresses of the buffers, as asked for. */
  readonly at: ReadonlyArray<number>;
  /** Runs the whole kernel. */
  readonly run: () => void;
  /** The emitted kernel. */
  readonly kernel: Kernel;
  /** Bytes of the module. */
  readonly codeBytes: number;
}

/** What workspaces are filled with before a run, so that reading what was not written shows. */
const GARBAGE = 0xff;

/**
 * Emits a kernel over buffers of some bytes: the first are its addresses, the last `pointers` its further pointers.
 */
export const load = (
  buffers: ReadonlyArray<number>,
  emit: (module: ModuleBuilder) => Kernel,
  pointers = 0,
): Loaded => {
  const module = new ModuleBuilder();
  module.importMemory({ module: "env", name: "memory", minimum: 0 });
  const kernel = emit(module);
  let end = 64;
  const place = (bytes: number): number => {
    const at = end;
    // Sixteen bytes of room behind every buffer: vectors may be read past an operand's end.
    end = Math.ceil((end + bytes + 16) / 64) * 64;
    return at;
  };
  const at = buffers.map(place);
  const [workspace, thread] = [place(kernel.workspaceBytes), place(kernel.threadBytes)];
  const order = [...at.slice(0, at.length - pointers), workspace, thread, ...at.slice(at.length - pointers)];
  const main = module.function("main", [], [], (code) => {
    runKernel(code, kernel, order.map((address) => () => code.i32(address)));
  });
  module.export(main);
  const bytes = module.build();
  const memory = new WebAssembly.Memory({ initial: Math.ceil(end / PAGE_BYTES) });
  new Uint8Array(memory.buffer).fill(GARBAGE);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  return { memory, at, run: instance.exports.main as () => void, kernel, codeBytes: bytes.length };
};

/** Makes a function of a module and returns it as one of this language. */
export const compileFunction = (
  parameters: ReadonlyArray<ValueType>,
  results: ReadonlyArray<ValueType>,
  write: Parameters<ModuleBuilder["function"]>[3],
  memory: WebAssembly.Memory = new WebAssembly.Memory({ initial: 1 }),
): (...values: ReadonlyArray<number | bigint>) => unknown => {
  const module = new ModuleBuilder();
  module.importMemory({ module: "env", name: "memory", minimum: 0 });
  module.export(module.function("f", parameters, results, write));
  const made = new WebAssembly.Module(module.build());
  return new WebAssembly.Instance(made, { env: { memory } }).exports.f as (...values: unknown[]) => unknown;
};

/** A generator of numbers in [0, 1) from a seed (mulberry32). */
export const seeded = (seed: number): () => number => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
