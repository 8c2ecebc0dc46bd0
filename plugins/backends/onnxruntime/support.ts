/**
 * Support: what onnxruntime's kernels lack or mean otherwise, by primitive and element type.
 *
 * Invariant: a row says why; what is not here conforms, but for the deviations that the backend names.
 *
 * @module
 */
import type { Dtype, Node, TensorType } from "../../ir/contract.ts";
import { isInteger } from "../../ir/library.ts";
import { ORT_DTYPES } from "./runtime.ts";

/** Why a node is refused; undefined where this row has nothing against it. */
type Rule = (node: Node, operands: ReadonlyArray<TensorType>, results: ReadonlyArray<TensorType>) => string | undefined;

const SUMS: ReadonlySet<unknown> = new Set(["sum", "prod"]);

const EXTREMA: ReadonlySet<unknown> = new Set(["max", "min"]);

/** Nodes whose kernels compare i64 by its lower half. */
const comparesHalves = ({ op, attributes }: Node): boolean =>
  op === "sign" ||
  (["reduce", "cumulative", "reduce_window", "select_and_scatter"].includes(op) && EXTREMA.has(attributes.op));

const RULES: ReadonlyArray<Rule> = [
  (_, operands, results) => {
    const strange = [...operands, ...results].find(({ dtype }) => ORT_DTYPES[dtype] === undefined);
    return strange === undefined ? undefined : `it does not compute with ${strange.dtype} here`;
  },
  (_, operands, results) =>
    [...operands, ...results].some(({ shape }) => shape.includes(0)) ? "it does not agree on empty tensors" : undefined,
  ({ op }, [x]) => op === "erf" && x.dtype === "f64" ? "it has no kernel for f64" : undefined,
  ({ op, attributes }, [x]) =>
    op === "reduce" && SUMS.has(attributes.op) && isInteger(x.dtype as Dtype)
      ? "sums past the range of an integer do not wrap there"
      : undefined,
  (node, [x]) => x?.dtype === "i64" && comparesHalves(node) ? "it compares i64 by its lower half" : undefined,
];

/** Why a node is refused; undefined where it is not. */
export const refusalOf = (
  node: Node,
  operands: ReadonlyArray<TensorType>,
  results: ReadonlyArray<TensorType>,
): string | undefined => {
  for (const rule of RULES) {
    const reason = rule(node, operands, results);
    if (reason !== undefined) return reason;
  }
  return undefined;
};
