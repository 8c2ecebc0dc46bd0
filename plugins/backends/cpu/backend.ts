/**
 * CPU backend: programs compiled to WebAssembly, one module each, run where we are.
 *
 * Not native code and not a dependency: the module's bytes are written by this plugin (printer/, wasm/), so the same
 * backend runs in Deno, Node and browsers.
 * Invariant: a step is one synchronous call; parameters, state and constants stay in the memory of the executable.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { Dtype, Program, Tensor } from "../../ir/contract.ts";
import { attempt, DTYPE_NAMES, programDigest, zeros } from "../../ir/library.ts";
import { type Buffer, eachKernel, type LoopProgram, type Port } from "../codegen/loops.ts";
import { loopProgram } from "../codegen/schedule.ts";
import type { Backend, CompileOptions, Device, Executable, Explanation } from "../contract.ts";
import { backendAbsent, type BackendsFailure, deviceFailed, overCapacity, unsupported } from "../failures.ts";
import { asInputFailure, inputsFault, type Signature, signatureOf, stateMisfit } from "../signature.ts";
import { EXTERNAL_FUNCTION, EXTERNAL_MODULE, type Multiplier } from "./printer/external.ts";
import { BASE_ADDRESS, type PrintedProgram, printProgram } from "./printer/program.ts";
import { MATH_BINARY, MATH_MODULE, MATH_UNARY } from "./printer/runtime.ts";
import { FORK_FUNCTION, THREADS_MODULE } from "./printer/tasks.ts";
import { sharedPool } from "./shared_pool.ts";
import { type Attached, MAX_THREADS, type Pool } from "./threads.ts";
import { memoryIsShareable } from "./threads_platform.ts";
import { PAGE_BYTES } from "./wasm/assembler.ts";
import { type Features, probeFeatures } from "./wasm/features.ts";

/** Most pages of an executable's memory: addresses and sizes stay positive as 32-bit numbers. */
export const MAX_MEMORY_PAGES = 32_767;

/** Compiled programs that are kept for the next `compile` of the same program. */
export const CACHED_PROGRAMS = 32;

/** Most turns of all `while` loops of one step where nothing is said. */
export const DEFAULT_MAX_TURNS = 100_000_000;

const ID = "cpu";

let found: Features | undefined;

const features = (): Features => found ??= probeFeatures();

/** A backend that compiles to WebAssembly: this one, or it with somebody else's products. */
export interface CpuVariant {
  /** The backend's id. */
  readonly id: string;
  /** One line. */
  readonly doc: string;
  /** What the device calls itself. */
  readonly name: string;
  /** What it has besides the features of WebAssembly. */
  readonly features: ReadonlyArray<string>;
  /** Who computes products; the program itself where absent, and always under `strict` numerics. */
  readonly multiplier?: (options: CompileOptions) => Multiplier;
}

const OWN: CpuVariant = {
  id: ID,
  doc: "Programs compiled to one WebAssembly module each, with vectors where the engine has them; no dependency.",
  name: "WebAssembly",
  features: [],
};

const deviceIdOf = ({ id }: CpuVariant): string => `${id}:0`;

const deviceOf = ({ simd, relaxed }: Features, variant: CpuVariant): Device => ({
  id: deviceIdOf(variant),
  backend: variant.id,
  name: variant.name,
  kind: "cpu",
  features: [
    ...(simd ? ["simd128"] : []),
    ...(relaxed ? ["relaxed-fma"] : []),
    ...(memoryIsShareable() ? ["threads"] : []),
    ...variant.features,
  ],
  dtypes: DTYPE_NAMES,
  memoryBytes: MAX_MEMORY_PAGES * PAGE_BYTES,
});

/** A program that has been printed and compiled, to be run in any number of memories. */
interface Compiled {
  /** Constants, with their elements. */
  readonly constants: ReadonlyArray<Buffer>;
  /** All parameters. */
  readonly parameters: LoopProgram["parameters"];
  /** All results. */
  readonly results: LoopProgram["results"];
  /** What the kernels join. */
  readonly kernels: Explanation["kernels"];
  readonly printed: PrintedProgram;
  readonly module: WebAssembly.Module;
  /** Threads it was printed for. */
  readonly threads: number;
  readonly variant: CpuVariant;
  readonly multiplier: Multiplier | undefined;
}

const kernelsOf = ({ steps }: LoopProgram): Explanation["kernels"] => {
  const kernels: Array<{ name: string; nodes: number; flops: number }> = [];
  eachKernel(steps, ({ name, nodes, flops }) => kernels.push({ name, nodes, flops }));
  return kernels;
};

const cache = new Map<string, Compiled>();

const remember = (key: string, make: () => Compiled): Compiled => {
  const known = cache.get(key) ?? make();
  // Taken out and put in again, so that the first key is the one that was not used for longest.
  cache.delete(key);
  cache.set(key, known);
  if (cache.size > CACHED_PROGRAMS) cache.delete(cache.keys().next().value!);
  return known;
};

/** Threads a program is printed for: more than one only where asked for, and where memory can be shared. */
const threadsOf = ({ threads = 1 }: CompileOptions): number =>
  threads > 1 && memoryIsShareable() && features().atomics ? Math.min(MAX_THREADS, Math.floor(threads)) : 1;

const compileProgram = (
  program: Program,
  options: CompileOptions,
  signature: Signature,
  variant: CpuVariant,
): Compiled => {
  const multiplier = options.numerics === "strict" ? undefined : variant.multiplier?.(options);
  const maxTurns = options.maxTurns ?? DEFAULT_MAX_TURNS;
  const fused = features().relaxed && options.numerics !== "strict";
  const { sizes, state } = signature;
  const threads = multiplier === undefined ? threadsOf(options) : 1;
  const key = JSON.stringify([
    programDigest(program),
    sizes,
    state,
    fused,
    maxTurns,
    threads,
    variant.id,
    multiplier?.id,
  ]);
  return remember(key, () => {
    const loops = loopProgram(program, { sizes, state });
    const external = multiplier === undefined ? {} : { externalFrom: multiplier.fewest };
    const printed = printProgram(loops, { vectors: features().simd, fused, maxTurns, threads, ...external });
    // The expressions of the loop-level form, by far the largest part of it, are not kept.
    const { parameters, results } = loops;
    const constants = loops.buffers.filter(({ id, role }) => role === "constant" && printed.memory.offsets.has(id));
    const module = new WebAssembly.Module(printed.bytes);
    return { constants, parameters, results, kernels: kernelsOf(loops), printed, module, threads, variant, multiplier };
  });
};

const IMPORTED: WebAssembly.ModuleImports = { ...MATH_UNARY, ...MATH_BINARY };

type Elements = Exclude<Tensor["data"], BigInt64Array | BigUint64Array>;

/** One program in its memory. */
class Machine {
  private readonly memory: WebAssembly.Memory;
  private readonly runOnce: () => void;
  private readonly chunk: (task: number, chunk: number, thread: number) => void;
  private attached: Attached | undefined;

  constructor(private readonly compiled: Compiled) {
    const { pages } = compiled.printed;
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: compiled.threads > 1 });
    const { module, multiplier, printed: { externals } } = compiled;
    const instance = new WebAssembly.Instance(module, {
      env: { memory: this.memory },
      [MATH_MODULE]: IMPORTED,
      [THREADS_MODULE]: { [FORK_FUNCTION]: (task: number, chunks: number) => this.fork(task, chunks) },
      ...(multiplier === undefined
        ? {}
        : { [EXTERNAL_MODULE]: { [EXTERNAL_FUNCTION]: multiplier.bind(this.memory, externals) } }),
    });
    this.runOnce = instance.exports.run as () => void;
    this.chunk = instance.exports.chunk as Machine["chunk"];
    for (const { id, data } of compiled.constants) this.fill(id, data!);
  }

  /** Makes the program known to a pool, whose threads then share its large kernels. */
  async join(pool: Pool): Promise<void> {
    const { memory, chunk, compiled: { module } } = this;
    this.attached = await pool.attach({ module, memory, chunk });
  }

  /** Takes the program from its pool. */
  leave(): void {
    this.attached?.detach();
  }

  private fork(task: number, chunks: number): void {
    this.attached!.fork(task, chunks);
  }

  /** The elements of a buffer, where they lie. */
  private view(id: number, dtype: Dtype, count: number): Elements {
    const address = BASE_ADDRESS + this.compiled.printed.memory.offsets.get(id)!;
    const { constructor } = zeros(dtype, [0]).data;
    const Data = constructor as unknown as new (memory: ArrayBufferLike, at: number, count: number) => Elements;
    return new Data(this.memory.buffer, address, count);
  }

  private fill(id: number, tensor: Tensor): void {
    const { dtype, data } = tensor;
    if (data.length > 0) this.view(id, dtype, data.length).set(data as Elements);
  }

  write({ buffer }: Port, tensor: Tensor): void {
    this.fill(buffer.id, tensor);
  }

  read({ buffer, type }: Port): Tensor {
    const count = type.shape.reduce((product, size) => product * size, 1);
    if (count === 0) return zeros(type.dtype, type.shape);
    // A slice takes new memory once and fills it once.
    return { ...type, data: this.view(buffer.id, type.dtype, count).slice() as Tensor["data"] };
  }

  run(): void {
    this.runOnce();
  }
}

const explanationOf = ({ kernels, printed, variant }: Compiled): Explanation => ({
  backend: variant.id,
  device: deviceIdOf(variant),
  kernels,
  bytes: printed.memoryBytes,
  codeBytes: printed.bytes.length,
});

const failed = (variant: CpuVariant, reason: string): BackendsFailure =>
  deviceFailed({ device: deviceIdOf(variant), reason });

const start = (compiled: Compiled): Effect.Effect<Machine, BackendsFailure> => {
  const { pages } = compiled.printed;
  const tooLarge = overCapacity({
    device: deviceIdOf(compiled.variant),
    what: "bytes",
    limit: MAX_MEMORY_PAGES * PAGE_BYTES,
    found: compiled.printed.memoryBytes,
  });
  if (pages > MAX_MEMORY_PAGES) return Effect.fail(tooLarge);
  return Effect.suspend(() => {
    try {
      return Effect.succeed(new Machine(compiled));
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      return Effect.fail(tooLarge);
    }
  });
};

const runStep = (machine: Machine, variant: CpuVariant): BackendsFailure | undefined => {
  try {
    machine.run();
    return undefined;
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.RuntimeError)) throw thrown;
    return failed(
      variant,
      thrown.message.includes("unreachable") ? "the program's loops ran for more turns than allowed" : thrown.message,
    );
  }
};

/** An executable over a machine, which it lets go when it is closed. */
const executable = (
  compiled: Compiled,
  signature: Signature,
  held: { machine: Machine | undefined },
): Executable => {
  const { inputs, outputs, state } = signature;
  const { parameters, results } = compiled;
  const using = <A>(use: (machine: Machine) => Effect.Effect<A, BackendsFailure>): Effect.Effect<A, BackendsFailure> =>
    Effect.suspend(() =>
      held.machine === undefined
        ? Effect.fail(failed(compiled.variant, "the scope in which the program was compiled is closed"))
        : use(held.machine)
    );
  const stateFault = (index: number, value?: Tensor) => stateMisfit(signature, index, value);
  return {
    inputs: inputs.map((parameter) => signature.parameters[parameter]),
    outputs: outputs.map((result) => signature.results[result]),
    explanation: explanationOf(compiled),
    step: (given) =>
      using((machine) => {
        const fault = inputsFault(signature, given);
        if (fault !== undefined) return Effect.fail(fault);
        inputs.forEach((parameter, i) => machine.write(parameters[parameter], given[i]));
        const trap = runStep(machine, compiled.variant);
        if (trap !== undefined) return Effect.fail(trap);
        return Effect.succeed(outputs.map((result) => machine.read(results[result])));
      }),
    write: (index, value) =>
      using((machine) => {
        const fault = stateFault(index, value);
        if (fault !== undefined) return Effect.fail(fault);
        machine.write(parameters[state[index][1]], value);
        return Effect.void;
      }),
    read: (index) =>
      using((machine) => {
        const fault = stateFault(index);
        return fault === undefined ? Effect.succeed(machine.read(parameters[state[index][1]])) : Effect.fail(fault);
      }),
  };
};

/** Compiles; a failure of the IR, and a program nested deeper than this engine's stack, are refusals. */
const compileOrRefuse = (
  program: Program,
  options: CompileOptions,
  signature: Signature,
  variant: CpuVariant,
): Result.Result<Compiled, BackendsFailure> => {
  try {
    const compiled = attempt(() => compileProgram(program, options, signature, variant));
    return Result.mapError(compiled, (thrown) => asInputFailure(thrown));
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    const reason = "it is nested too deeply to be compiled here";
    return Result.fail(unsupported({ device: deviceIdOf(variant), op: "program", reason, path: "" }));
  }
};

const compileIn = (program: Program, options: CompileOptions, variant: CpuVariant) =>
  Effect.gen(function* () {
    if (options.device !== undefined && options.device !== deviceIdOf(variant)) {
      return yield* Effect.fail(
        backendAbsent({ backend: options.device, reason: `the backend ${variant.id} has no such device` }),
      );
    }
    const signature = yield* Effect.fromResult(signatureOf(program, options));
    const compiled = yield* Effect.fromResult(compileOrRefuse(program, options, signature, variant));
    const pool = compiled.threads > 1 ? yield* sharedPool(compiled.threads) : undefined;
    const held = yield* Effect.acquireRelease(
      Effect.map(start(compiled), (machine): { machine: Machine | undefined } => ({ machine })),
      (one) =>
        Effect.sync(() => {
          one.machine?.leave();
          one.machine = undefined;
        }),
    );
    if (pool !== undefined) {
      yield* Effect.promise(() => held.machine!.join(pool));
    }
    return executable(compiled, signature, held);
  });

/** Programs as WebAssembly, in a variant. */
export const cpuBackendWith = (variant: CpuVariant): Backend => ({
  id: variant.id,
  doc: variant.doc,
  probe: Effect.sync(() => ({ devices: [deviceOf(features(), variant)] })),
  unsupported: () => [],
  compile: (program, options = {}) => compileIn(program, options, variant),
});

/** Programs as WebAssembly. */
export const cpuBackend: Backend = cpuBackendWith(OWN);
