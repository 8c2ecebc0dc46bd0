/**
 * Kernel: contracts and engine of the microkernel. Imports nothing else of ours, and runs in a browser.
 *
 * @module
 */
export * from "./actor.ts";
export * from "./authority.ts";
export { bootTree } from "./boot.ts";
export { MANIFEST_NAMESPACES, manifestText } from "./catalogue.ts";
export * from "./context.ts";
export * from "./correction.ts";
export * from "./diagnostic.ts";
export * from "./digest.ts";
export * from "./disk.ts";
export * from "./disk_memory.ts";
export { type Machine, type Report as DoctorReport } from "./doctor.ts";
export * from "./entropy.ts";
export * from "./failure.ts";
export * from "./failures.ts";
export * from "./gate.ts";
export { DEFAULT_RESERVE, MAX_CALL_DEPTH } from "./invoke.ts";
export * from "./json.ts";
export * from "./kernel.ts";
export * from "./meter.ts";
export * from "./nearest.ts";
export * from "./open.ts";
export * from "./operation.ts";
export * from "./original.ts";
export * from "./paths.ts";
export * from "./plugin.ts";
export * from "./random.ts";
export * from "./resolve.ts";
export { mapTexts } from "./roles.ts";
export * from "./search_index.ts";
export * from "./slices.ts";
export * from "./supervisor.ts";
export * from "./version.ts";
export * from "./workers.ts";
