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
export { type Decomposition, DECOMPOSITIONS, moead, type MoeadSettings } from "./moead.ts";
export { MAX_POPULATION, nsga2, type Nsga2Settings } from "./nsga2.ts";
export { nsga3, type Nsga3Settings } from "./nsga3.ts";
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
