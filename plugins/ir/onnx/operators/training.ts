/**
 * ONNX operators of training steps (ai.onnx.preview.training): what an optimiser makes of weights and gradients.
 *
 * @module
 */
import type { Value } from "../../operators.ts";
import { onnx, type OnnxNode, type OnnxOperator } from "../operator.ts";

const DOMAIN = "ai.onnx.preview.training";

/** What the set says where a node does not. */
const EPSILON = 1e-6;

/** One weight with its gradient and state; gives the new weight and the new state. */
type Step = (n: OnnxNode, of: Stepped) => ReadonlyArray<Value>;

interface Stepped {
  readonly rate: Value;
  readonly count: Value;
  readonly weight: Value;
  readonly gradient: Value;
  readonly state: ReadonlyArray<Value>;
}

const regularized = (n: OnnxNode, weight: Value, gradient: Value): Value =>
  n.g.add(n.g.mul(weight, n.float("norm_coefficient", 0)), gradient);

const adagrad: Step = (n, { rate, count, weight, gradient, state: [squares] }) => {
  const { g } = n;
  const decayed = g.div(rate, g.add(g.mul(count, n.float("decay_factor", 0)), 1));
  const slope = regularized(n, weight, gradient);
  const sum = g.add(squares, g.mul(slope, slope));
  const adapted = g.add(g.sqrt(sum), n.float("epsilon", EPSILON));
  return [g.sub(weight, g.div(g.mul(slope, decayed), adapted)), sum];
};

const adam: Step = (n, { rate, count, weight, gradient, state: [first, second] }) => {
  const { g } = n;
  const [alpha, beta] = [n.float("alpha", 0.9), n.float("beta", 0.999)];
  const slope = regularized(n, weight, gradient);
  const moment = g.add(g.mul(first, alpha), g.mul(slope, 1 - alpha));
  const squares = g.add(g.mul(second, beta), g.mul(g.mul(slope, slope), 1 - beta));
  const powered = (base: number) => g.sub(1, g.pow(g.full(count.type, base), count));
  const corrected = g.div(g.mul(rate, g.sqrt(powered(beta))), powered(alpha));
  const step = g.select(g.compare("gt", count, 0), corrected, rate);
  const moved = g.sub(weight, g.div(g.mul(moment, step), g.add(g.sqrt(squares), n.float("epsilon", EPSILON))));
  return [g.mul(moved, 1 - n.float("norm_coefficient_post", 0)), moment, squares];
};

const momentum: Step = (n, { rate, count, weight, gradient, state: [velocity] }) => {
  const { g } = n;
  const alpha = n.float("alpha");
  const slope = regularized(n, weight, gradient);
  const beta = g.full(count.type, n.float("beta"));
  const share = g.select(g.compare("gt", count, 0), beta, g.full(count.type, 1));
  const next = g.add(g.mul(velocity, alpha), g.mul(slope, share));
  const nesterov = n.oneOf("mode", ["standard", "nesterov"]) === "nesterov";
  const step = nesterov ? g.add(slope, g.mul(next, alpha)) : next;
  return [g.sub(weight, g.mul(step, rate)), next];
};

/** Operands: rate, count, all weights, all gradients, all of each kind of state; results in the same order. */
const optimizer = (step: Step, states: number) => (n: OnnxNode): ReadonlyArray<Value> => {
  const { g } = n;
  const weights = (n.count - 2) / (2 + states);
  if (!Number.isInteger(weights)) n.refuse(`${n.count} operands do not make groups of ${2 + states}`);
  const made = Array.from({ length: weights }, (_, i) => {
    const weight = n.in(2 + i);
    return step(n, {
      rate: g.cast(g.reshape(n.in(0), []), weight.type.dtype),
      count: g.cast(g.reshape(n.in(1), []), weight.type.dtype),
      weight,
      gradient: n.in(2 + weights + i),
      state: Array.from({ length: states }, (_, k) => n.in(2 + weights * (2 + k) + i)),
    });
  });
  return Array.from({ length: 1 + states }, (_, kind) => made.map((results) => results[kind])).flat();
};

/** The rows. */
export const TRAINING_OPERATORS: ReadonlyArray<OnnxOperator> = [
  onnx("Adagrad", 1, optimizer(adagrad, 1), { domain: DOMAIN }),
  onnx("Adam", 1, optimizer(adam, 2), { domain: DOMAIN }),
  onnx("Momentum", 1, optimizer(momentum, 1), { domain: DOMAIN }),
];
