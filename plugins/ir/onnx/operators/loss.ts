/**
 * ONNX operators that measure errors of class scores.
 *
 * @module
 */
import type { Dimension } from "../../dimension.ts";
import type { Value } from "../../operators.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

const REDUCTIONS = ["none", "sum", "mean"] as const;

const likelihoodLoss = (n: OnnxNode, logs: Value, target: Value, weight: Value | undefined): Value => {
  const { g } = n;
  const [batch, , ...rest] = logs.type.shape;
  const spots: ReadonlyArray<Dimension> = [batch, ...rest];
  const ignored = n.hasAttribute("ignore_index") ? g.compare("eq", target, n.int("ignore_index")) : undefined;
  const index = ignored === undefined ? target : g.select(ignored, g.zerosLike(target), target);
  const wide = index.type.dtype === "i32" || index.type.dtype === "i64" ? index : g.cast(index, "i64");
  const taken = g.takeAlong(logs, g.reshape(wide, [batch, 1, ...rest]), 1);
  const error = g.neg(g.reshape(taken, spots));
  const even = g.full({ dtype: logs.type.dtype, shape: spots }, 1);
  const drawn = weight === undefined ? even : g.gather(weight, wide, 0);
  const weights = ignored === undefined ? drawn : g.select(ignored, g.zerosLike(drawn), drawn);
  // An ignored place counts nothing, whatever its score is.
  const product = g.mul(error, weights);
  const weighted = ignored === undefined ? product : g.select(ignored, g.zerosLike(product), product);
  const reduction = n.oneOf("reduction", REDUCTIONS, "mean");
  if (reduction === "none") return weighted;
  const sum = g.reduceAll("sum", weighted);
  return reduction === "sum" ? sum : g.div(sum, g.reduceAll("sum", weights));
};

const softmaxCrossEntropy = (n: OnnxNode): ReadonlyArray<Value> => {
  const logs = n.g.logSoftmax(n.in(0), 1);
  return [likelihoodLoss(n, logs, n.in(1), n.maybe(2)), logs];
};

/** The rows. */
export const LOSS_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("NegativeLogLikelihoodLoss", 12, (n) => likelihoodLoss(n, n.in(0), n.in(1), n.maybe(2))),
  onnx("SoftmaxCrossEntropyLoss", 12, softmaxCrossEntropy),
];
