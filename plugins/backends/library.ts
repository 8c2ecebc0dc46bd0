/**
 * Library: what other plugins import of the backends: the contract, signatures, choice and conformance.
 *
 * Running programs is a service (`Backends` of the contract).
 *
 * @module
 */
export * from "./contract.ts";
export { CALIBRATION_MS, type Speed } from "./calibrate.ts";
export { type Contender, estimateMs, mayNotEnd, type Needs, rank, refusalOf } from "./choose.ts";
export {
  type Affine,
  type Axis,
  type Buffer,
  type Contraction,
  eachExpression,
  eachKernel,
  eachStatement,
  type Expression,
  expressionsOf,
  type FoldKind,
  type Kernel,
  type Local,
  type LoopProgram,
  type Operation,
  type Statement,
  type Step,
} from "./codegen/loops.ts";
export { loopProgram, type ScheduleOptions } from "./codegen/schedule.ts";
export type { Level } from "./conformance/case.ts";
export { conform, type ConformOptions, type Report, type Wrong } from "./conformance/conform.ts";
export { EXACT, type Tolerance, ULPS } from "./conformance/tolerance.ts";
export { BACKENDS_FAILURES, type BackendsCode, type BackendsFailure } from "./failures.ts";
export { referenceBackend } from "./reference/backend.ts";
export { makeBackends } from "./service.ts";
export { inputsFault, type Signature, signatureOf, type Sizes, sizesOfInputs, stateMisfit } from "./signature.ts";
export { type BackendRow, BACKENDS } from "./table.ts";
