/**
 * Library: what other plugins import of the IR: pure, stateless functions and their types.
 *
 * Functions throw failures of this room's catalogue on bad input; `attempt` and `attemptEffect` turn them into values.
 *
 * @module
 */
export * from "./contract.ts";
export { BINARY_VERSION, decodeProgram, encodeProgram, MAX_PROGRAM_BYTES, MAX_TYPE_CHARACTERS } from "./binary.ts";
export {
  buildProgram,
  FunctionBuilder,
  type FunctionOptions,
  type ParameterTypes,
  type ParameterValues,
  ProgramBuilder,
  type Results,
} from "./builder.ts";
export {
  innerSizes,
  makeProgram,
  MAX_CALL_DEPTH,
  MAX_FUNCTIONS,
  MAX_LOCATION,
  MAX_NAME,
  MAX_NODES,
  MAX_PARAMETERS,
  parameterSizes,
} from "./check.ts";
export {
  type Activation,
  ACTIVATION_NAMES,
  type AttentionOptions,
  Composites,
  type Normalization,
} from "./composites.ts";
export { bindCall, CONTROL, type Control, isControl } from "./control.ts";
export { costOf, nodeCosts, type ProgramCost, typeBytes } from "./cost.ts";
export {
  addDimensions,
  type Bindings,
  dimension,
  divideDimension,
  multiplyDimensions,
  quotientOf,
  substitute,
  subtractDimensions,
  symbolsOf,
} from "./dimension.ts";
export { EGraph, type Facts, type FactsOf } from "./egraph/egraph.ts";
export {
  DEFAULT_LIMITS,
  saturate,
  saturateSteps,
  type Saturation,
  type SaturationEnd,
  type SaturationLimits,
  type TermPattern,
  type TermRule,
} from "./egraph/saturate.ts";
export {
  DEFAULT_FUEL,
  DEFAULT_MAX_BYTES,
  evaluate,
  type EvaluateOptions,
  evaluateSteps,
  type Evaluation,
  STEPS_PER_NODE,
  STEPS_PER_TURN,
} from "./evaluate.ts";
export { attempt, attemptEffect, IR_FAILURES, isIrFailure } from "./failures.ts";
export { decodeNarrow, encodeNarrow, type NarrowFloat, roundHalfEven } from "./float.ts";
export { type Checkpoint, type ReversePolicy } from "./differentiate/reverse.ts";
export { grad, type GradOptions } from "./grad.ts";
export { firstResults, functionOf, returnTypes, valueTypes } from "./graph.ts";
export { programDigest } from "./hash.ts";
export { inferNode, type Inferred, type Proposed, sizeAttributes, substituteAttributes } from "./infer.ts";
export { tensorFromJson, TensorJson, tensorToJson } from "./interchange.ts";
export { hessianVector, jvp, type JvpOptions } from "./jvp.ts";
export { lastUses } from "./liveness.ts";
export {
  LEVELS,
  MAX_OPTIMISE_ROUNDS,
  optimise,
  type OptimisedProgram,
  type OptimiseLevel,
  type OptimiseOptions,
  type OptimiseStats,
  optimiseSteps,
  PASSES,
  type PassName,
  type PassStats,
  PIPELINES,
} from "./optimise.ts";
export { NODE_PRICE, NOMINAL_SIZE, priceOf } from "./passes/price.ts";
export { DEFAULT_OPSET, exportOnnx, type ExportOptions, NEWEST_EXPORT, OLDEST_EXPORT } from "./onnx/export.ts";
export {
  type Imported,
  importOnnx,
  type ImportOptions,
  inspectOnnx,
  MAX_MODEL_BYTES,
  NEWEST_OPSET,
  type OnnxSignature,
} from "./onnx/import.ts";
export { readOnnxTensor, writeOnnxTensor } from "./onnx/tensors.ts";
export { type Input, Operators, Value } from "./operators.ts";
export { DTYPE_CLASSES, type DtypeClass } from "./primitive.ts";
export { isPrimitive, primitiveOf, PRIMITIVES } from "./primitives.ts";
export type { Direction } from "./primitives/binary.ts";
export type { DotAxes } from "./primitives/contraction.ts";
export type { ConvWindow } from "./primitives/convolution.ts";
export { philox, type Words } from "./primitives/creation.ts";
export type { ScatterMode } from "./primitives/indexing.ts";
export type { ReduceKind } from "./primitives/reduction.ts";
export { erf } from "./erf.ts";
export { castTensor, logistic } from "./primitives/unary.ts";
export type { Sliding, WindowKind } from "./primitives/window.ts";
export { broadcastShapes, countOf, printShape, stridesOf } from "./shape.ts";
export { DimensionSolver, matchDimensions } from "./solver.ts";
export {
  MAX_PRINTED_ELEMENTS,
  MAX_PROGRAM_TEXT,
  parseFunctions,
  parseProgram,
  printFunctions,
  printProgram,
  type UncheckedProgram,
} from "./text.ts";
export {
  type Diagnostic,
  MAX_DIAGNOSTICS,
  type ObservationCode,
  OBSERVATIONS,
  type Severity,
  type Verifiable,
  verify,
  type VerifyOptions,
  type VerifyReport,
} from "./verifier.ts";
export {
  DTYPE_NAMES,
  type DtypeInfo,
  dtypeInfo,
  type DtypeKind,
  DTYPES,
  isConcrete,
  isDtype,
  isFloat,
  isInteger,
  MAX_RANK,
  parseType,
  printType,
  printTypes,
  sameType,
  substituteType,
  tensorType,
} from "./types.ts";
export {
  type Element,
  elementAt,
  elementCount,
  elements,
  filled,
  fromBytes,
  fromFloats,
  fromIntegers,
  isTensor,
  packedBytes,
  roundTo,
  scalar,
  tensor,
  tensorOf,
  toBytes,
  toFloats,
  toIntegers,
  toNested,
  zeros,
} from "./value.ts";
export {
  cross,
  type CrossOptions,
  CROSSOVER_NAMES,
  type CrossoverName,
  type CrossoverRecord,
  CROSSOVERS,
} from "./variation/cross.ts";
export {
  mutate,
  type MutateOptions,
  MUTATION_NAMES,
  type MutationName,
  type MutationRecord,
  MUTATIONS,
  undoMutation,
} from "./variation/mutate.ts";
export { withoutDead } from "./variation/rebuild.ts";
export {
  type Calibration,
  dequantizeOne,
  INTEGER_TARGETS,
  type IntegerTarget,
  type Mapping,
  mappingFor,
  mappingOf,
  packNibbles,
  quantizeOne,
  roundHalfAway,
  unpackNibbles,
} from "./quantize/integers.ts";
export { CALIBRATION_METHODS, type CalibrationMethod } from "./quantize/calibrate.ts";
export { type QuantizedProgram, type QuantizeOptions, quantizeProgram } from "./quantize/quantize.ts";
export {
  DEFAULT_SCHEME,
  type Deviation,
  QUANTIZED_FORMS,
  type QuantizedForm,
  type QuantizedTensorReport,
  type QuantizeReport,
  type QuantizeScheme,
} from "./quantize/scheme.ts";
export { type BatchOptions, batchProgram } from "./batch.ts";
