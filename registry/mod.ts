/**
 * Registry: which plugins exist, what they offer, and artifacts by digest. Imports the kernel and effects.
 *
 * @module
 */
export * from "./artifact.ts";
export * from "./artifact_frame.ts";
export * from "./artifact_store.ts";
export * from "./authority_set.ts";
export * from "./catalogue.ts";
export * from "./contract.ts";
export * from "./discovery.ts";
export * from "./failures.ts";
export * from "./hosts.ts";
export * from "./lock.ts";
export * from "./manifest.ts";
export * from "./optional.ts";
export * from "./source.ts";
