/**
 * Cells: the architectures of NAS-Bench-201 as a space of settings, and what can be told of one without training it.
 *
 * Source: Dong, Yang 2020 (the space); Ying et al. 2019, White et al. 2021 (paths from input to output as features).
 * Not a table of accuracies: what is known of a cell here is its graph alone.
 * Invariant: features depend on the paths that carry something from input to output, so an operation that nothing
 * passes through changes none of them.
 *
 * @module
 */
import type { Search } from "../contract.ts";
import { bayesian, type BayesianSettings } from "../search/bayesian.ts";
import type { Setting, Space } from "../search/space.ts";

/** What may lie on an edge, in the order of the benchmark's digits. */
export const CELL_OPERATIONS: readonly ["none", "skip", "conv1x1", "conv3x3", "pool3x3"] = [
  "none",
  "skip",
  "conv1x1",
  "conv3x3",
  "pool3x3",
];

/** What lies on an edge. */
export type CellOperation = "none" | "skip" | "conv1x1" | "conv3x3" | "pool3x3";

/** The edges, from and to a node, in the order of the benchmark's cell text; node 0 is the input, 3 the output. */
export const CELL_EDGES: ReadonlyArray<readonly [from: number, to: number]> = [
  [0, 1],
  [0, 2],
  [1, 2],
  [0, 3],
  [1, 3],
  [2, 3],
];

const OUTPUT = 3;

const nameOf = ([from, to]: readonly [number, number]): string => `${from}-${to}`;

/** The space of cells: an operation for each edge. */
export const CELL_SPACE: Space = CELL_EDGES.map((edge) => ({
  kind: "choice",
  name: nameOf(edge),
  options: CELL_OPERATIONS,
}));

const operationsOf = (cell: Setting): ReadonlyArray<CellOperation> =>
  CELL_EDGES.map((edge) => cell[nameOf(edge)] as CellOperation);

/** A cell as the benchmark's six digits. */
export const cellDigits = (cell: Setting): string =>
  operationsOf(cell).map((operation) => CELL_OPERATIONS.indexOf(operation)).join("");

/** Every way from a node to the output, as places of edges. */
const pathsFrom = (node: number): ReadonlyArray<ReadonlyArray<number>> =>
  node === OUTPUT
    ? [[]]
    : CELL_EDGES.flatMap(([from, to], at) => from === node ? pathsFrom(to).map((rest) => [at, ...rest]) : []);

const PATHS = pathsFrom(0);

/** Edges of all paths together. */
const STEPS = PATHS.flat().length;

/** Edges of the longest path. */
const LONGEST = Math.max(...PATHS.map((path) => path.length));

const isConvolution = (operation: CellOperation): boolean => operation === "conv1x1" || operation === "conv3x3";

/**
 * Numbers in 0 … 1 by which cells that compute alike lie close together, whichever of their nodes do it: paths that carry
 * something, edges of each operation on them, convolutions of the deepest and of the shallowest, and over all paths.
 */
export const cellFeatures = (cell: Setting): ReadonlyArray<number> => {
  const operations = operationsOf(cell);
  const lies = new Float64Array(CELL_OPERATIONS.length);
  let [open, reached, deepest, shallowest, wide, convolutions] = [0, 0, 0, LONGEST, 0, 0];
  for (const path of PATHS) {
    if (path.some((edge) => operations[edge] === "none")) continue;
    let own = 0;
    for (const edge of path) {
      reached |= 1 << edge;
      if (isConvolution(operations[edge])) own++;
      if (operations[edge] === "conv3x3") wide++;
    }
    open++;
    convolutions += own;
    deepest = Math.max(deepest, own);
    shallowest = Math.min(shallowest, own);
  }
  operations.forEach((operation, edge) => lies[CELL_OPERATIONS.indexOf(operation)] += (reached >> edge) & 1);
  return [
    open / PATHS.length,
    ...lies.subarray(1).map((count) => count / CELL_EDGES.length),
    deepest / LONGEST,
    open === 0 ? 0 : shallowest / LONGEST,
    wide / STEPS,
    convolutions / STEPS,
  ];
};

/** Cells asked before anything is known. */
const INITIAL = 16;

/** A search for the best cell: Bayesian, over what lies on the edges and over the features of the whole. */
export const cellSearch = (settings: Pick<BayesianSettings, "seed" | "initial" | "batch">): Search<Setting> =>
  bayesian({ initial: INITIAL, ...settings, space: CELL_SPACE, features: cellFeatures });
