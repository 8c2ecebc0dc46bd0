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
export {
  describeNetwork,
  type Holding,
  type LayerShare,
  type NetworkDescription,
  type PortDescription,
} from "./describe.ts";
export {
  CATALOGUE,
  CATALOGUE_GROUPS,
  type CatalogueEntry,
  type CatalogueGroup,
  type Caution,
} from "./layers/catalogue.ts";
export {
  catalogueNetwork,
  describeLayer,
  formulaAt,
  inputsAt,
  layerAt,
  type LayerDescription,
  type Sizes,
  sizesIn,
} from "./layers/described.ts";
export { layerOfProgram, programOfLayer } from "./layers/written.ts";
export { MAX_LAYER_DEPTH, MAX_LAYERS, readLayer } from "./layers/form.ts";
export { LAYERS } from "./layers/table.ts";
export { initialTensor, type InitialValues, initialValues, type Seed } from "./layers/initialise.ts";
export * from "./layers/constructors.ts";
export { decoding } from "./layers/decoding.ts";
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
  sizesOfStep,
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
export {
  aggregate,
  type ClientStep,
  type Combined,
  type Rule,
  RULE_NAMES,
  type RuleName,
  RULES,
  type RuleSettings,
} from "./federated/aggregate.ts";
export {
  answer,
  type Attack,
  type ClientFailure,
  type Exchange,
  type FederatedClient,
  hostileClient,
  localClient,
  remoteClient,
} from "./federated/client.ts";
export { type Compression, type Payload } from "./federated/compress.ts";
export {
  type LocalPlan,
  type LocalTrainer,
  localTrainer,
  type Score,
  type Trained,
  type TrainerOptions,
} from "./federated/local.ts";
export { type Objective, objectiveOf } from "./federated/local_programs.ts";
export {
  type ClientDescription,
  type Order,
  type Rejection,
  type RejectionReason,
  REJECTIONS,
  type Update,
  type UpdatePayload,
} from "./federated/messages.ts";
export { type Partition, partition, PARTITION_NAMES } from "./federated/partition.ts";
export { epsilonOf, type Privacy } from "./federated/privacy.ts";
export {
  federate,
  type FederatedEvent,
  type FederatedState,
  type Federation,
  learnedWeights,
} from "./federated/rounds.ts";
export { type MaskKeeper, maskKeeper, type Sealing } from "./federated/secure.ts";
export type { FederatedSettings } from "./federated/settings.ts";
export { type Rows, type Samples, samplesOf, samplesOfDataset } from "./federated/samples.ts";
export { SERVER_NAMES, type ServerMemory, type ServerOptimiser } from "./federated/server.ts";
export { type Layout, layoutOf, type Slot as WeightSlot } from "./federated/weights.ts";
export { checkGradient, type GradientCheck } from "./tape/check_gradient.ts";
export { OP_NAMES as TAPE_OPERATIONS, type OpName as TapeOperation } from "./tape/operations.ts";
export {
  backward,
  type CustomGradient,
  type GradientOptions,
  gradients,
  tangent,
  Tape,
  type VariableOptions,
} from "./tape/tape.ts";
export { type Operand, Variable } from "./tape/variable.ts";
export { type ArrayOptions, arraysDataset } from "./data/arrays.ts";
export { Augmentation, checkAugmentations } from "./data/augment.ts";
export { type Batch, type BatchOptions, type Delivered, MAX_BATCH } from "./data/batch.ts";
export { batches, type BatchSequence } from "./data/batches.ts";
export { batchStream, SHUFFLE_BUFFER, type StreamOptions } from "./data/batch_stream.ts";
export { type BuiltinSet, builtinSet, DATASETS, openBuiltin, type OpenedSet, sampleCorpus } from "./data/builtin.ts";
export {
  type BytePairs,
  bytePairs,
  bytePairsFromJson,
  BytePairsJson,
  bytePairsToJson,
  type Join,
  trainBytePairs,
} from "./data/byte_pairs.ts";
export {
  BYTES,
  type Corpus,
  type Document,
  documentSplits,
  textOf,
  type Tokens,
  type WindowOptions,
  windows,
} from "./data/corpus.ts";
export {
  type Affine,
  type Chunk,
  classesOf,
  type Column,
  type DataSchema,
  type Dataset,
  type Feature,
  gather,
  type MemoryDataset,
  memoryDataset,
  type SplitName,
  SPLITS,
  type Splits,
  type StreamDataset,
  type Target,
  tensorColumn,
  TestGuard,
  uniformly,
  type Unit,
  withSplits,
} from "./data/dataset.ts";
export { CsvReader, delimiterOf } from "./data/csv.ts";
export { type DataFiles, diskFiles, memoryFiles } from "./data/files.ts";
export { GENERATED_NAMES, generatedData } from "./data/generated.ts";
export { openData, type OpenedData } from "./data/open.ts";
export { type PreparedColumn, TablePreparation } from "./data/preparation.ts";
export { dataBy, LEAST_ROWS, type Prepared, preparedData } from "./data/prepared_data.ts";
export { dataAuthorities, DataSource, type DetailedSource, type Format, FORMATS } from "./data/source.ts";
export { SplitRule, splitSamples } from "./data/splits.ts";
export { type Grain, rescale, type Scaling, statisticsOf } from "./data/statistics.ts";
export { isGap, numberOf, type TableOptions, type TablePlan } from "./data/table.ts";
export { loadInto, type LoadReport } from "./formats/load_into.ts";
export { readNpy, writeNpy } from "./formats/npy.ts";
export { readNpz, writeNpz } from "./formats/npz.ts";
export {
  parameterName,
  readRmiModel,
  type RmiModel,
  type RmiModelMetadata,
  writeRmiModel,
} from "./formats/rmi_model.ts";
export { readSafetensors, type Safetensors, writeSafetensors } from "./formats/safetensors.ts";
export {
  type Architecture,
  type ArchitectureEdge,
  type ArchitectureNode,
  depthOf,
  emptyArchitecture,
  nodeNamed,
  nodesOfKind,
  predecessors,
  successors,
  topologicalOrder,
  type Transform,
} from "./architecture/architecture.ts";
export {
  ArchitectureBuilder,
  mlpArchitecture,
  transformerBlockArchitecture,
  type TransformerBlockOptions,
} from "./architecture/builder.ts";
export {
  applyEdit,
  applyEdits,
  bypass,
  cloneNodes,
  type Edit,
  type Edited,
  insertInto,
  type NodeSpec,
  subgraph,
} from "./architecture/edit.ts";
export { type ChangeEvent, changeIn, type History, historyOf, redo, undo } from "./architecture/history.ts";
export { architectureFromJson, architectureToJson } from "./architecture/json.ts";
export {
  architectureOfLayer,
  architectureOfProgram,
  layersOfArchitecture,
  programOfArchitecture,
} from "./architecture/layers.ts";
export {
  analyse,
  type ArchitectureFault,
  type ArchitectureReport,
  networkOfArchitecture,
  type NodeReport,
  sizeOf,
} from "./architecture/materialise.ts";
export { type Proposal, PROPOSAL_NAMES, type ProposalName, PROPOSALS, proposeEdit } from "./architecture/variation.ts";
export { attempting, type BuildingFailure } from "./attempting.ts";
export { attemptEffect, isNeuralFailure, malformedData, NEURAL_FAILURES, type NeuralFailure } from "./failures.ts";
export { exhausted, type FitBudget, JOULES_PER_FLOP, joulesOf, type Used } from "./budget.ts";
export { COLDEST, HOTTEST, logLossAt, temperatureFor } from "./calibration.ts";
export { CHECKPOINT_MEDIA, decodeCheckpoint, encodeCheckpoint } from "./checkpoint.ts";
export { eventJson, type FitEvent, FitEventJson, type Scores, type StopCause } from "./events.ts";
export {
  answering,
  type ExportFormat,
  exportModel,
  EXPORTS,
  formatOf,
  type ImportFormat,
  importModel,
  IMPORTS,
} from "./exchange.ts";
export { type Epoch, type Fed, type Feed, feedOf, type FeedOptions, presented, type Shown, shown } from "./feed.ts";
export {
  type Checkpoint,
  type EpochRecord,
  fit,
  type FitPlan,
  type FitResult,
  MAX_SKIPPED,
  type Progress as FitProgress,
  stepSeed,
  train,
  type Watch,
} from "./fit.ts";
export { CHANNELS, fitProgram, type Fitted, NARROWEST, WIDEST } from "./fitted.ts";
export { type Answerer, inOwnUnit, judge, type Judged, JUDGED_AT_ONCE, makeAnswerer, MAX_CONFUSED } from "./judge.ts";
export {
  argMax,
  BINS,
  type ClassMetrics,
  ClassTally,
  type Confusion,
  confusionMetrics,
  type NumberMetrics,
  NumberTally,
  perplexity,
} from "./metrics.ts";
export { decodeModel, encodeModel, type InputScale, type Lineage, type Model, MODEL_MEDIA } from "./model.ts";
export { confusionChart, MAX_COUNTED } from "./plots/confusion_chart.ts";
export {
  CHART_HEIGHT,
  CHART_WIDTH,
  type Line,
  type LineChart,
  lineChart,
  MAX_POINTS,
  type Point,
} from "./plots/line_chart.ts";
export { type Group, type ScatterChart, scatterChart } from "./plots/scatter_chart.ts";
export { autocast, type Narrow } from "./precision.ts";
export { ticks, tickText } from "./plots/svg.ts";
export { languageType, networkOfProgram } from "./program.ts";
export {
  type Listened,
  listened,
  type Moment,
  NOTHING_HEARD,
  rateAt,
  type Schedule,
  SCHEDULE_NAMES,
  type ScheduleName,
  type ScheduleRow,
  SCHEDULES,
} from "./schedules.ts";
export { readStored, type StoredKind, writeStored } from "./stored.ts";
export { ADAM_RATE, type PlannedTraining, planTraining, TRAINING_DEFAULTS, type TrainingRequest } from "./training.ts";
export { withWeights } from "./weighted_program.ts";
export { ContextReader, contextsOf, type ContextTable } from "./language/contexts.ts";
export { asText, chooseByte, generate, type GenerateOptions, MAX_GENERATED } from "./language/generate.ts";
export {
  decodeLanguageModel,
  encodeLanguageModel,
  LANGUAGE_MEDIA,
  type LanguageLineage,
  type LanguageModel,
  languageParameters,
  sizeOfLanguage,
} from "./language/model.ts";
export { NgramModel } from "./language/ngram.ts";
export { alphabetOf, languageLayer, languageNetwork, type LanguageShape, MAX_PIECE } from "./language/shape.ts";
export {
  LANGUAGE_SIZES,
  type LanguageSize,
  type LanguageTraining,
  largeShape,
  planLanguage,
  smallShape,
  type Texts,
  trainLanguage,
} from "./language/train.ts";
export type { KeptStretch, KeptText } from "./language/kept.ts";
export { bitsPerByte, type TextCost, type Writer, writerOf, type Written } from "./language/writer.ts";
