/**
 * Contract: what a backend is, for whoever runs tensor programs and for whoever adds a device.
 *
 * Not an engine: the engines are the folders beside this file.
 * Invariant: a backend never pretends. A device that is not there is an `Absence` with its remedy; a program that a
 * device cannot run is refused by node and reason before anything runs.
 *
 * @module
 */
import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { ConcreteType, Dtype, Program, Tensor } from "../ir/contract.ts";
import type { BackendsFailure } from "./failures.ts";

/** What kind of machine a device is. */
export type DeviceKind = "cpu" | "gpu" | "npu";

/** A device that is there. */
export interface Device {
  /** Unique among all backends: `<backend>:<index>`. */
  readonly id: string;
  /** The backend that drives it. */
  readonly backend: string;
  /** What it calls itself. */
  readonly name: string;
  /** Its kind. */
  readonly kind: DeviceKind;
  /** What it can do beyond the least, such as `simd128`, `relaxed-fma`, `threads`, `f16`. */
  readonly features: ReadonlyArray<string>;
  /** Element types it computes with. */
  readonly dtypes: ReadonlyArray<Dtype>;
  /** Most bytes of one program's tensors. */
  readonly memoryBytes: number;
}

/** Why a backend has no device here, and what would give it one. */
export interface Absence {
  /** The backend. */
  readonly backend: string;
  /** What is missing. */
  readonly reason: string;
  /** What to do about it, where anything can be done. */
  readonly remedy?: string;
}

/** What a backend found. */
export interface Probe {
  /** Its devices; none where it is absent. */
  readonly devices: ReadonlyArray<Device>;
  /** Why there is none. */
  readonly absence?: Absence;
}

/** A node that a device cannot run. */
export interface Unsupported {
  /** Where: `/functions/<name>/nodes/<index>`. */
  readonly path: string;
  /** The operation. */
  readonly op: string;
  /** Why. */
  readonly reason: string;
}

/**
 * How exactly results are reproduced: `fast` uses what the device has (fused multiply-add), `strict` only what every
 * device has.
 */
export type Numerics = "fast" | "strict";

/** What a program is compiled for. */
export interface CompileOptions {
  /** The device's id; the backend's first where absent. */
  readonly device?: string;
  /** Numbers for the program's named sizes. */
  readonly sizes?: { readonly [name: string]: number };
  /**
   * Results that become the next call's parameters, as [result, parameter]: such a parameter stays on the device,
   * is not passed to `step`, and its result is not returned by it.
   */
  readonly state?: ReadonlyArray<readonly [result: number, parameter: number]>;
  /** How exactly; `fast` where absent. */
  readonly numerics?: Numerics;
  /**
   * Threads to use; one where absent, as starting them takes time that only large programs win back. Results do not
   * depend on it.
   */
  readonly threads?: number;
  /** Most turns of all `while` loops of one step together, after which it fails; what the backend sets where absent. */
  readonly maxTurns?: number;
}

/** What a compiled program is made of, for people. */
export interface Explanation {
  /** The backend. */
  readonly backend: string;
  /** The device. */
  readonly device: string;
  /** Kernels in the order they run: what each fuses, and its flops. */
  readonly kernels: ReadonlyArray<{ readonly name: string; readonly nodes: number; readonly flops: number }>;
  /** Bytes of all tensors, after buffers are shared. */
  readonly bytes: number;
  /** Bytes of generated code, where code was generated. */
  readonly codeBytes?: number;
}

/** A compiled program, ready to run. Closing the scope it was made in frees it. */
export interface Executable {
  /** The parameters that `step` takes: those that are not state, in the program's order. */
  readonly inputs: ReadonlyArray<ConcreteType>;
  /** The results that `step` returns: those that are not state, in the program's order. */
  readonly outputs: ReadonlyArray<ConcreteType>;
  /** What it is made of. */
  readonly explanation: Explanation;
  /** Runs once. State parameters are read from and written back to the device. */
  readonly step: (inputs: ReadonlyArray<Tensor>) => Effect.Effect<ReadonlyArray<Tensor>, BackendsFailure>;
  /** Sets the state parameter at a position of `CompileOptions.state`. Unset state is zeros. */
  readonly write: (index: number, value: Tensor) => Effect.Effect<void, BackendsFailure>;
  /** Reads the state parameter at a position of `CompileOptions.state`. */
  readonly read: (index: number) => Effect.Effect<Tensor, BackendsFailure>;
}

/**
 * In what an engine that is not ours may differ from the reference, beyond rounding. `zeroSigns`: −0 may be 0.
 * `nanOrder`: extrema and orders of tensors that hold NaN are not defined. `approximations`: functions are right to
 * seven digits of the largest value, not to units in the last place.
 */
export type Deviation = "zeroSigns" | "nanOrder" | "approximations";

/** One way of running tensor programs. */
export interface Backend {
  /** Its id, such as `cpu`. */
  readonly id: string;
  /** One line. */
  readonly doc: string;
  /** In what it differs from the reference; in nothing where absent. A backend with any refuses `strict` numerics. */
  readonly deviations?: ReadonlyArray<Deviation>;
  /** Looks for devices. Never fails: absence is an answer. */
  readonly probe: Effect.Effect<Probe>;
  /** Nodes of a program that it cannot run; empty when it can run all. */
  readonly unsupported: (program: Program, options?: CompileOptions) => ReadonlyArray<Unsupported>;
  /** Makes a program ready to run. */
  readonly compile: (
    program: Program,
    options?: CompileOptions,
  ) => Effect.Effect<Executable, BackendsFailure, Scope.Scope>;
}

/** A backend, and what it found on this machine. */
export interface Found {
  /** The backend's id. */
  readonly id: string;
  /** One line. */
  readonly doc: string;
  /** Whether it runs native code, so that looking for it needs `ffi`. */
  readonly native: boolean;
  /** What it found; absent where nobody looked, because native code was not asked for. */
  readonly probe?: Probe;
}

/** What a program is to run on. */
export interface Wanted extends CompileOptions {
  /** The backend's id; the fastest that can run the program where absent. */
  readonly backend?: string;
  /** Whether native code may be used. The caller holds `ffi`. Default false. */
  readonly native?: boolean;
  /** Whether a program whose end is not known (a `while`) needs a device on which it can be interrupted. Default false. */
  readonly interruptible?: boolean;
}

/** How a device stands to a program. */
export interface Candidate {
  /** The backend. */
  readonly backend: string;
  /** The device; absent where the backend is. */
  readonly device?: string;
  /** Milliseconds a step would take by the device's measured speeds. */
  readonly estimateMs?: number;
  /** Why it is not chosen, whatever its speed. */
  readonly refused?: string;
}

/** Which device runs a program, and why. */
export interface Choice {
  /** The backend. */
  readonly backend: string;
  /** The device. */
  readonly device: string;
  /** Every device, the chosen one first, then by estimate, then those that refuse. */
  readonly candidates: ReadonlyArray<Candidate>;
}

/** A program made ready on the device chosen for it. */
export interface Compiled {
  /** The choice. */
  readonly choice: Choice;
  /** The program, ready. */
  readonly executable: Executable;
}

/** All backends of a kernel. */
export interface BackendsShape {
  /** Every backend with what it found; native ones are looked for where native code may be used. */
  readonly list: (options?: { readonly native?: boolean }) => Effect.Effect<ReadonlyArray<Found>>;
  /** A backend by id. */
  readonly get: (id: string) => Effect.Effect<Backend, BackendsFailure>;
  /** The device for a program: the one named, or the fastest by measurement that can run all of it. */
  readonly choose: (program: Program, wanted?: Wanted) => Effect.Effect<Choice, BackendsFailure>;
  /** Chooses and compiles. */
  readonly compile: (program: Program, wanted?: Wanted) => Effect.Effect<Compiled, BackendsFailure, Scope.Scope>;
}

const BackendsBase: Context.ServiceClass<Backends, "rmi/Backends", BackendsShape> = Context.Service<
  Backends,
  BackendsShape
>()("rmi/Backends");

/** The service of all backends. */
export class Backends extends BackendsBase {}

/** What the plugin provides. */
export const backendsProvision: { readonly capability: string; readonly version: string } = {
  capability: Backends.key,
  version: "1.0.0",
};
