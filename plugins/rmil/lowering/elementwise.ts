/**
 * Elementwise: arithmetic, elementary functions and activations of tensors.
 *
 * Integer arithmetic that refuses to overflow is evaluation/integers.ts; these lowerings give its type and cost.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../../ir/library.ts";
import type { MathName } from "../ops/math.ts";
import { flag, type Lower, type Lowerings } from "./lowering.ts";

type Activations = "relu" | "gelu" | "silu" | "sigmoid" | "tanh" | "mish" | "softplus";

const isFloating = (x: Value): boolean => /^(?:b?f)[0-9]+$/u.test(x.type.dtype);

/** The extremum in which a number wins over NaN. */
const extremum = (g: FunctionBuilder, kind: "max" | "min", x: Value, y: Value): Value => {
  const chosen = g[kind](x, y);
  if (!isFloating(x)) return chosen;
  return g.select(g.compare("ne", x, x), y, g.select(g.compare("ne", y, y), x, chosen));
};

const unary = (apply: (g: FunctionBuilder, x: Value) => Value): Lower => ({ g, operands: { x } }) => apply(g, x);

const binary = (apply: (g: FunctionBuilder, x: Value, y: Value) => Value): Lower => ({ g, operands: { x, y } }) =>
  apply(g, x, y);

/** Math. */
export const mathLowerings: Lowerings<MathName> = {
  add: binary((g, x, y) => g.add(x, y)),
  sub: binary((g, x, y) => g.sub(x, y)),
  mul: binary((g, x, y) => g.mul(x, y)),
  div: binary((g, x, y) => g.div(x, y)),
  neg: unary((g, x) => g.neg(x)),
  abs: unary((g, x) => g.abs(x)),
  exp: unary((g, x) => g.exp(x)),
  log: unary((g, x) => g.log(x)),
  sqrt: unary((g, x) => g.sqrt(x)),
  pow: binary((g, x, y) => g.pow(x, y)),
  max: binary((g, x, y) => extremum(g, "max", x, y)),
  min: binary((g, x, y) => extremum(g, "min", x, y)),
  clamp: ({ g, operands: { x, low, high } }) => g.min(g.max(x, low), high),
  sin: unary((g, x) => g.sin(x)),
  cos: unary((g, x) => g.cos(x)),
};

/** Activations. */
export const activationLowerings: Lowerings<Activations> = {
  relu: unary((g, x) => g.select(g.compare("gt", x, 0), x, 0)),
  gelu: ({ g, operands: { x }, settings }) => g.activation(flag(settings, "approximate") ? "gelu_tanh" : "gelu", x),
  silu: unary((g, x) => g.activation("silu", x)),
  sigmoid: unary((g, x) => g.logistic(x)),
  tanh: unary((g, x) => g.tanh(x)),
  mish: unary((g, x) => g.activation("mish", x)),
  softplus: unary((g, x) => g.activation("softplus", x)),
};
