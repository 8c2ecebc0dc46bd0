/**
 * Seeded random programs of the fragment without tensors, with the values at which laws break: signed zeros, NaN,
 * infinities, the ends of the integers, lambdas and names in every place.
 */
import type { Random } from "../../../kernel/mod.ts";
import { app, block, cond, type Expression, lam, letIn, lit, par, ref, seq } from "../../../plugins/rmil/expression.ts";
import { type OpName, OPS } from "../../../plugins/rmil/opcodes.ts";
import { scalar } from "../../../plugins/rmil/types.ts";
import { bool, f32, f64, i64 } from "../../../plugins/rmil/value.ts";

const MAX = 2n ** 63n - 1n;
const LITERALS = [
  ...[0n, 1n, -1n, 7n, MAX, -MAX - 1n].map(i64),
  ...[0, -0, 1, -1.5, NaN, Infinity, -Infinity, 5e-324, 1e308].map(f64),
  ...[0, -0, 1, 2.5, NaN, 3e38].map(f32),
  bool(true),
  bool(false),
];

const UNARY: ReadonlyArray<OpName> = ["relu", "neg", "abs", "exp", "log", "sqrt", "sin", "cos", "sigmoid", "tanh"];
const BINARY: ReadonlyArray<OpName> = ["add", "sub", "mul", "div", "max", "min"];

/** The name that every program may use. */
export const NAME = 1;

const LOCAL = 2;
const PARAMETER = [{ sym: LOCAL, type: scalar("f64") }];

/** A program at most so deep. */
export const randomTerm = (draw: Random, depth: number): Expression => {
  const code = (name: OpName): number => OPS[name].code;
  const inner = (): Expression => randomTerm(draw, depth - 1);
  const leaf = (): Expression =>
    draw.pick([
      () => lit(draw.pick(LITERALS)),
      () => lit(draw.pick(LITERALS)),
      () => ref(NAME),
      () => app(code("identity")),
      () => app(code(draw.pick(UNARY))),
      () => app(code(draw.pick(BINARY)), [lit(draw.pick(LITERALS))]),
    ])();
  if (depth <= 1) return leaf();
  return draw.pick([
    leaf,
    () => app(code(draw.pick(UNARY)), [inner()]),
    () => app(code(draw.pick(UNARY)), [inner()]),
    () => app(code(draw.pick(BINARY)), [inner(), inner()]),
    () => app(code("clamp"), [inner(), lit(f64(-1)), lit(f64(1))]),
    () => app(code("identity"), [inner()]),
    () => seq(inner(), inner()),
    () => seq(inner(), inner()),
    () => par(inner(), inner()),
    () => cond(inner(), inner(), inner()),
    () => letIn(LOCAL, inner(), draw.below(2) === 0 ? inner() : ref(LOCAL)),
    () => lam(PARAMETER, inner()),
    () => block([inner(), inner()]),
  ])();
};
