/**
 * Engines: how to start every one that is measured, in the order of tables.
 */
import type { Engine, Started } from "./engine.ts";

/** How to start every engine; each is loaded when it is started. */
export const ENGINES: { readonly [name: string]: () => Promise<Started> } = {
  rmi: async () => (await import("./ours.ts")).startOurs("cpu", "rmi"),
  "rmi+openblas": async () => (await import("./ours.ts")).startOurs("openblas", "rmi+openblas"),
  "jax-js": async () => (await import("./jax.ts")).startJax(),
  tfjs: async () => (await import("./tfjs.ts")).startTfjs(),
  "onnxruntime-web": async () => (await import("./onnxruntime.ts")).startOnnxWeb(),
  "onnxruntime-node": async () => (await import("./onnxruntime.ts")).startOnnxNative(),
  openblas: async () => (await import("./openblas.ts")).startOpenBlas(),
};

/** Whether an engine started. */
export const isPresent = (started: Started): started is Engine => !("absent" in started);
