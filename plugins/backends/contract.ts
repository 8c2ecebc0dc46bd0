/**
 * Contract: what a backend is, for whoever runs tensor programs and for whoever adds a device.
 *
 * Not an engine: the engines are the folders beside this file.
 * Invariant: a backend never pretends. A device that is not there is an `Absence` with its remedy; a program that a
 * device cannot run is refused by node and reason before anything runs.
 *
 * @module
 */
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

/** How exactly results are reproduced: `fast` uses what the device has (fused multiply-add), `strict` only what every device has. */
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
  /** Threads to use; all the device offers where absent. Results do not depend on it. */
  readonly threads?: number;
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

/** One way of running tensor programs. */
export interface Backend {
  /** Its id, such as `cpu`. */
  readonly id: string;
  /** One line. */
  readonly doc: string;
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
