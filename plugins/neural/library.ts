/**
 * Library: what other plugins import of the neural room: pure functions and their types.
 *
 * Functions throw failures of this room's catalogue on bad input.
 *
 * @module
 */
export * from "./contract.ts";
export { FORWARD, type Forward, networkOf } from "./network.ts";
export { type Asked, type ParameterOptions, Scope, type Way } from "./layers/scope.ts";
export { buildLayer, type InputTypes, networkOfLayers, portsOf, rowOf } from "./layers/build.ts";
export {
  type Building,
  type Count,
  type Expanding,
  frozen,
  type Layer,
  LAYER_FAMILIES,
  type LayerFamily,
  layerOf,
  type LayerRow,
  named,
  type Properties,
  shared,
  type Start,
  startedWith,
} from "./layers/layer.ts";
export { LAYERS } from "./layers/table.ts";
export { initialTensor, type InitialValues, initialValues, type Seed } from "./layers/initialise.ts";
export * from "./layers/constructors.ts";
export { fitsPath, type GroupRule } from "./groups.ts";
export {
  emitLoss,
  type Loss,
  LOSS_NAMES,
  LOSSES,
  type LossName,
  type LossSettings,
  type Reduction,
  REDUCTIONS,
  targetTypeOf,
} from "./losses.ts";
export {
  type Optimiser,
  OPTIMISER_NAMES,
  type OptimiserName,
  OPTIMISERS,
  type OptimiserSettings,
} from "./optimisers.ts";
export {
  type Clipping,
  type LossFunction,
  type Measures,
  type Precision,
  type Slot,
  type SlotRole,
  type StepOptions,
  type TrainingStep,
  trainingStep,
  usualRate,
} from "./step.ts";
export {
  compileStep,
  type Engine,
  firstCounters,
  type Stepped,
  type Stepper,
  type Turn,
  type Values,
} from "./stepper.ts";
