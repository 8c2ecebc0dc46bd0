/**
 * Library: what other plugins import of evolution: searches as pure functions, their measures, operators and run loop.
 *
 * Functions throw failures of this room's catalogue on bad input.
 *
 * @module
 */
export * from "./contract.ts";
export { cmaEs, type CmaEsSettings, MAX_CMA_VARIABLES } from "./cma_es.ts";
export {
  ageing,
  type AgeingSettings,
  genetic,
  GENETIC_SELECTIONS,
  type GeneticSelection,
  type GeneticSettings,
} from "./genetic.ts";
export {
  type Axis,
  cellOf,
  mapElites,
  type MapElitesSettings,
  MAX_ARCHIVE,
  MAX_CELLS,
  novelty,
  noveltyOf,
  type NoveltySettings,
} from "./archives.ts";
export { type Described } from "./discovery/describe.ts";
export { FlipWalk } from "./discovery/flip_graph.ts";
export { type Formula, valueAt } from "./discovery/formula.ts";
export { type Task as DiscoveryTask } from "./discovery/island.ts";
export { type FormulaProgram, formulaProgram, formulaText } from "./discovery/notation.ts";
export { PRIMITIVE_NAMES, type PrimitiveName } from "./discovery/primitives.ts";
export {
  faultsOf,
  type Product,
  type Scheme,
  schemeProgram,
  schemeText,
  schoolbook,
  type Sizes,
} from "./discovery/scheme.ts";
export {
  discover,
  type DiscoveryBudget,
  type DiscoverySettings,
  type DiscoveryState,
  foundIn,
  taskOf,
} from "./discovery/search.ts";
export { islands, type IslandsSettings, MAX_ISLANDS } from "./islands.ts";
export {
  type Candidate as JudgedCandidate,
  evaluate as judgeCandidate,
  type Evaluates,
  type Limits as CandidateLimits,
  suiteEvaluator,
} from "./evaluators/evaluate.ts";
export { type Flag, MEMORISED_GAP, type Tally, type Verdict } from "./evaluators/judging.ts";
export { matches } from "./evaluators/matching.ts";
export { MODULE_LIMITS } from "./evaluators/modules.ts";
export { PROGRAM_LIMITS, type ProgramLimits } from "./evaluators/programs.ts";
export {
  type Case,
  checkedSuite,
  MAX_CASES,
  type Suite,
  suiteDigest,
  suiteFrom,
  type SuiteGiven,
  trivialScore,
} from "./evaluators/suite.ts";
export { EVOLUTION_FAILURES, isEvolutionFailure } from "./failures.ts";
export { type Experience, suggestedSettings, type Suggestion, type WarmStartOptions } from "./meta/experience.ts";
export { FEATURE_NAMES, type FeatureName, type TaskFeatures, taskFeatures, type TaskTable } from "./meta/features.ts";
export { genomesOf, WARM, warmed } from "./meta/warm_start.ts";
export { type Decomposition, DECOMPOSITIONS, moead, type MoeadSettings } from "./moead.ts";
export { MAX_POPULATION, nsga2, type Nsga2Settings } from "./nsga2.ts";
export { nsga3, type Nsga3Settings, type Nsga3Survival } from "./nsga3.ts";
export { crowding, thin, type Thinning } from "./objectives/crowding.ts";
export { dasDennis, directionCount, MAX_DIRECTIONS, twoLayers } from "./objectives/directions.ts";
export { generationalDistance, igd, igdPlus } from "./objectives/distance.ts";
export { compareDominance, fronts, nonDominated, ranks } from "./objectives/dominance.ts";
export { hypervolume, MAX_HYPERVOLUME_POINTS, MAX_HYPERVOLUME_WIDTH } from "./objectives/hypervolume.ts";
export { pickPoints, pointsOf, rowsOf } from "./objectives/points.ts";
export { nodesOf, type ProgramSettings, programVariation } from "./operators/program.ts";
export { BIT_CROSSOVERS, type BitCrossover, type BitSettings, bitVariation, MAX_LENGTH } from "./operators/bits.ts";
export {
  PERMUTATION_CROSSOVERS,
  PERMUTATION_MOVES,
  type PermutationCrossover,
  type PermutationMove,
  type PermutationSettings,
  permutationVariation,
} from "./operators/permutation.ts";
export {
  blend,
  type Bounds,
  latinHypercube,
  REAL_CROSSOVERS,
  REAL_MUTATIONS,
  type RealCrossover,
  type RealMutation,
  type RealSettings,
  realVariation,
  sbx,
} from "./operators/real.ts";
export {
  EXPRESSION_MUTATIONS,
  type ExpressionMutation,
  type ExpressionSettings,
  expressionVariation,
  MAX_EXPRESSION_NODES,
  type ProgramIdentity,
  showProgram,
} from "./operators/expression.ts";
export {
  foldTree,
  MAX_TREE_DEPTH,
  MAX_TREE_NODES,
  showTree,
  type Tree,
  TREE_MUTATIONS,
  treeDepth,
  type TreeMutation,
  type TreeSettings,
  treeSize,
  type TreeSymbol,
  treeVariation,
} from "./operators/tree.ts";
export { type Born, bred, type Brood, brood, children, COPIED, DRAWN, drawn, mutant } from "./population/breeding.ts";
export { judged, judgedAll, pointsOfMembers, violationsOf } from "./population/members.ts";
export {
  lexicase,
  ranking,
  roulette,
  type Selection,
  tournament,
  tournamentByFitness,
  truncation,
} from "./population/selection.ts";
export { CONSTRAINED } from "./problems/constrained.ts";
export { dtlz, DTLZ_NAMES, type DtlzName, dtlzTargets } from "./problems/dtlz.ts";
export { type Problem } from "./problems/problem.ts";
export { zdt, ZDT_NAMES, type ZdtName } from "./problems/zdt.ts";
export {
  decodeState,
  encodeState,
  type Evaluator,
  MAX_CONCURRENCY,
  type Progress,
  run,
  type RunOptions,
  STATE_VERSION,
  stateDigest,
} from "./run.ts";
export {
  CELL_EDGES,
  CELL_OPERATIONS,
  CELL_SPACE,
  cellDigits,
  cellFeatures,
  type CellOperation,
  cellSearch,
} from "./nas/cells.ts";
export { bayesian, type BayesianSettings, MAX_OBSERVATIONS } from "./search/bayesian.ts";
export {
  type Belief,
  fitTraits,
  type GaussianProcess,
  gaussianProcess,
  type Observations,
  type Traits,
  usualTraits,
} from "./search/gaussian_process.ts";
export {
  type Bracket,
  type HalvingSettings,
  hyperband,
  hyperbandBrackets,
  MAX_BRACKET,
  type Rung,
  successiveHalving,
  type Trial,
} from "./search/halving.ts";
export { gridSettings, MAX_GRID, randomSettings, type SequenceSettings, sobolSettings } from "./search/sequences.ts";
export { MAX_SOBOL_DIMENSIONS, type Sobol, sobol } from "./search/sobol.ts";
export {
  checkedSpace,
  type ChoiceDimension,
  type Condition,
  type Dimension,
  MAX_DIMENSIONS,
  MAX_OPTIONS,
  type NumberDimension,
  type Setting,
  type SettingValue,
  settingVariation,
  type Space,
} from "./search/space.ts";
