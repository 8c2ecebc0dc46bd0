/**
 * Features: what the WebAssembly engine at hand has beyond the first version, found by validating tiny modules.
 *
 * Not a list of engines by name.
 * Invariant: a feature is reported only where a module that uses it validates.
 *
 * @module
 */
import { ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";

const validates = (write: (code: Code) => void): boolean => {
  const module = new ModuleBuilder();
  module.importMemory({ module: "env", name: "memory", minimum: 0 });
  module.function("probe", [], [], write);
  return WebAssembly.validate(module.build());
};

/** What an engine has. */
export interface Features {
  /** 128-bit vectors. */
  readonly simd: boolean;
  /** Vector instructions whose rounding the engine chooses, with them fused multiply-add. */
  readonly relaxed: boolean;
  /** Atomic accesses. */
  readonly atomics: boolean;
}

/** Asks the engine. */
export const probeFeatures = (): Features => ({
  simd: validates((code) => code.i32(0).op("i32x4.splat").drop()),
  relaxed: validates((code) => {
    for (let i = 0; i < 3; i++) code.f32(0).op("f32x4.splat");
    code.op("f32x4.relaxed_madd").drop();
  }),
  atomics: validates((code) => code.i32(0).memory("i32.atomic.load").drop()),
});
