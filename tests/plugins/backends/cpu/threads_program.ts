/**
 * Threads at work: what Deno, Node and a browser each run to show that a pool computes right there.
 *
 * Safe for browsers: it is bundled and served.
 */
import { ModuleBuilder, PAGE_BYTES } from "../../../../plugins/backends/cpu/wasm/assembler.ts";
import { emitProduct } from "../../../../plugins/backends/cpu/wasm/gemm.ts";
import { type Kernel, runKernel } from "../../../../plugins/backends/cpu/wasm/kernel.ts";
import { probeFeatures } from "../../../../plugins/backends/cpu/wasm/features.ts";
import type { Pool, Program } from "../../../../plugins/backends/cpu/threads.ts";

/** A product made for threads, and its memory. */
export interface Threaded extends Program {
  /** Chunks of each phase: a phase is a task. */
  readonly phases: ReadonlyArray<number>;
  /** The whole on this thread. */
  readonly alone: () => void;
  /** The result. */
  readonly result: Float32Array;
}

/** Makes c = a·b for [m,k]·[k,n] of small whole numbers, ready for so many threads. `fail` makes a chunk that traps. */
export const threadedProduct = (
  [m, k, n]: readonly [number, number, number],
  threads: number,
  options: { readonly shared: boolean; readonly fail?: number },
): Threaded => {
  const module = new ModuleBuilder();
  // The size is known only when the kernel is written; the most that is needed here.
  const pages = Math.ceil((64 + 8 * (m * k + k * n + m * n) + threads * 4_000_000) / PAGE_BYTES) + 1;
  module.importMemory({
    module: "env",
    name: "memory",
    minimum: 0,
    ...(options.shared ? { shared: true, maximum: pages } : {}),
  });
  const kernel: Kernel = emitProduct(module, {
    kind: "f32",
    batch: [],
    m,
    n,
    k,
    left: { batch: [], row: k, column: 1 },
    right: { batch: [], row: n, column: 1 },
    result: { batch: [], row: n, column: 1 },
    fused: probeFeatures().relaxed,
  });
  let end = 64;
  const place = (bytes: number): number => {
    const at = end;
    end = Math.ceil((end + bytes + 16) / 64) * 64;
    return at;
  };
  const at = [m * k * 4, k * n * 4, m * n * 4, kernel.workspaceBytes].map(place);
  const threadAt = place(kernel.threadBytes * threads);
  module.export(
    module.function("alone", [], [], (code) =>
      runKernel(
        code,
        kernel,
        [...at, threadAt].map((address) => () => code.i32(address)),
      )),
  );
  module.export(module.function("chunk", ["i32", "i32", "i32"], [], (code, task, chunk, thread) => {
    kernel.phases.forEach(({ func }, phase) =>
      code.get(task).i32(phase).op("i32.eq").when(() => {
        if (options.fail !== undefined) {
          code.get(chunk).i32(options.fail).op("i32.eq").when(() => code.op("unreachable"));
        }
        code.get(chunk);
        for (const address of at) code.i32(address);
        code.get(thread).i32(kernel.threadBytes).op("i32.mul").plus(threadAt).call(func);
      })
    );
  }));
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: options.shared });
  const compiled = new WebAssembly.Module(module.build());
  const { chunk, alone } = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as {
    readonly chunk: Program["chunk"];
    readonly alone: () => void;
  };
  const view = (i: number, length: number): Float32Array => new Float32Array(memory.buffer, at[i], length);
  view(0, m * k).forEach((_, i, a) => a[i] = (i * 7 + 3) % 11 - 5);
  view(1, k * n).forEach((_, i, a) => a[i] = (i * 5 + 1) % 13 - 6);
  return { module: compiled, memory, chunk, alone, result: view(2, m * n), phases: kernel.phases.map((p) => p.chunks) };
};

/** What a place reports. */
export interface Report {
  /** Threads of the pool. */
  readonly threads: number;
  /** Whether every element of every run was exact. */
  readonly right: boolean;
  /** Forks made. */
  readonly forks: number;
}

/** The exact product, element by element: all terms are small whole numbers. */
const expected = (m: number, k: number, n: number): Float64Array => {
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const a = ((i * k + p) * 7 + 3) % 11 - 5;
      for (let j = 0; j < n; j++) out[i * n + j] += a * (((p * n + j) * 5 + 1) % 13 - 6);
    }
  }
  return out;
};

/** Runs a product again and again on a pool and compares every result. */
export const exercise = async (pool: Pool, rounds: number): Promise<Report> => {
  const size = [200, 64, 96] as const;
  const program = threadedProduct(size, pool.threads, { shared: pool.threads > 1 });
  const attached = await pool.attach(program);
  const truth = expected(...size);
  let [right, forks] = [true, 0];
  for (let round = 0; round < rounds; round++) {
    program.result.fill(NaN);
    program.phases.forEach((chunks, phase) => {
      attached.fork(phase, chunks);
      forks++;
    });
    right &&= program.result.every((value, i) => value === truth[i]);
  }
  attached.detach();
  return { threads: pool.threads, right, forks };
};
