/**
 * Table: every backend there is, each loaded when it is first asked about.
 *
 * Not devices: whether a backend finds one is its own answer (`probe`).
 * Invariant: ids are unique; the order is the order of preference among equals.
 *
 * @module
 */
import type { Backend } from "./contract.ts";

/** A backend as the table knows it. */
export interface BackendRow {
  /** Its id. */
  readonly id: string;
  /** One line. */
  readonly doc: string;
  /** Whether it runs native code. */
  readonly native: boolean;
  /** Loads it. */
  readonly load: () => Promise<Backend>;
}

/** Every backend. */
export const BACKENDS: ReadonlyArray<BackendRow> = [
  {
    id: "cpu",
    doc: "programs compiled to WebAssembly by this plugin, with vectors where the engine has them",
    native: false,
    load: async () => (await import("./cpu/backend.ts")).cpuBackend,
  },
  {
    id: "reference",
    doc: "the IR's evaluator: runs every program, slowly; what others are judged by",
    native: false,
    load: async () => (await import("./reference/backend.ts")).referenceBackend,
  },
  {
    id: "openblas",
    doc: "the CPU compiler with its products computed by OpenBLAS",
    native: true,
    load: async () => (await import("./openblas/backend.ts")).openBlasBackend,
  },
  {
    id: "onnxruntime",
    doc: "whole programs on onnxruntime's execution providers; an optional package",
    native: true,
    load: async () => (await import("./onnxruntime/backend.ts")).onnxRuntimeBackend,
  },
];
