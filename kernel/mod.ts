/**
 * Kernel: contracts and engine of the microkernel. Imports nothing else of ours, and runs in a browser.
 *
 * @module
 */
export * from "./actor.ts";
export * from "./authority.ts";
export * from "./context.ts";
export * from "./diagnostic.ts";
export * from "./digest.ts";
export * from "./disk.ts";
export * from "./entropy.ts";
export * from "./failure.ts";
export * from "./failures.ts";
export * from "./gate.ts";
export * from "./json.ts";
export * from "./kernel.ts";
export * from "./meter.ts";
export * from "./nearest.ts";
export * from "./operation.ts";
export * from "./plugin.ts";
export * from "./random.ts";
export * from "./search_index.ts";
