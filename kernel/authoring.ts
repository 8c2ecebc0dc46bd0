/**
 * Authoring: everything a plugin in one file imports, under one name (`@rmi/rmi/plugin`).
 *
 * Not the engine: a plugin declares and answers, it does not open kernels.
 *
 * @module
 */
export { type Authority, type Cap, type EffectName, type Kind, using } from "./authority.ts";
export { CallContext, type CallContextShape, type Progress } from "./context.ts";
export { Disk, type DiskShape } from "./disk.ts";
export { Failure, failure, JsonValue, type KernelFailure } from "./failure.ts";
export { unknownEntry } from "./failures.ts";
export type { Json, JsonObject, JsonPatch } from "./json.ts";
export { Budget } from "./meter.ts";
export { type Example, type Operation, operation, role } from "./operation.ts";
export { type Implementation, implementation, type Namespace, type Plugin } from "./plugin.ts";
export { type Random, random } from "./random.ts";
export { inSlices } from "./slices.ts";
