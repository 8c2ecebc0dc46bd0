/**
 * Vector math: elementary functions on vectors of floats, by name, with the greatest error of each.
 *
 * Not the polynomials (exponential.ts, trigonometric.ts, power.ts).
 * Invariant: errors stay below `MATH`'s, in units in the last place, over all arguments (tests sweep them).
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import type { Code, Func, Local } from "./code.ts";
import { erf, exp, expm1, log, log1p, logistic, tanh } from "./exponential.ts";
import { type FloatLanes, Lanes, type Value } from "./lanes.ts";
import { powerOf } from "./power.ts";
import { sineOf } from "./trigonometric.ts";

type Write = (module: ModuleBuilder, v: Lanes, operands: ReadonlyArray<Value>) => Value;

/** A function of vectors. */
export interface MathFunction {
  /** How many operands. */
  readonly operands: 1 | 2;
  /** Greatest error in units in the last place. */
  readonly ulps: { readonly [F in FloatLanes]: number };
  /** Writes it. Operands are kept values. */
  readonly write: Write;
}

const own = (write: (v: Lanes, x: Value) => Value, f32x4: number, f64x2: number): MathFunction => ({
  operands: 1,
  ulps: { f32x4, f64x2 },
  write: (_, v, [x]) => write(v, x),
});

/** Computes four binary32 lanes as two pairs of binary64 ones. */
const widened = (write: Write): Write => (module, v, operands) => {
  if (v.kind === "f64x2") return write(module, v, operands);
  const { code } = v;
  const half = (high: boolean): Local => {
    const wide = new Lanes(code, "f64x2", v.fused);
    const values = operands.map((operand) =>
      wide.keep(() => {
        operand();
        if (high) {
          operand();
          code.shuffle([8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]);
        }
        code.op("f64x2.promote_low_f32x4");
      })
    );
    write(module, wide, values)();
    wide.done();
    return code.op("f32x4.demote_f64x2_zero").keep("v128");
  };
  const [low, high] = [half(false), half(true)];
  code.get(low).get(high).shuffle([0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23]);
  const joined = v.keep(() => {});
  code.release(low, high);
  return joined;
};

/** Every function. */
export const MATH = {
  exp: own(exp, 1, 1),
  expm1: own(expm1, 1.5, 1.5),
  log: own(log, 1, 1),
  log1p: own(log1p, 1.5, 1.5),
  tanh: own(tanh, 2.5, 2.5),
  logistic: own(logistic, 2.5, 2.5),
  erf: own(erf, 1.5, 1.5),
  sin: { operands: 1, ulps: { f32x4: 0.51, f64x2: 1 }, write: widened((m, v, [x]) => sineOf(m, v, x, false)) },
  cos: { operands: 1, ulps: { f32x4: 0.51, f64x2: 1 }, write: widened((m, v, [x]) => sineOf(m, v, x, true)) },
  pow: { operands: 2, ulps: { f32x4: 0.51, f64x2: 1 }, write: widened((_, v, [x, y]) => powerOf(v, x, y)) },
  rsqrt: own((v, x) => v.keep(v.div(v.constant(1), v.unary("sqrt", x))), 1.5, 1.5),
} as const satisfies { readonly [name: string]: MathFunction };

/** Names of the functions. */
export type MathName = keyof typeof MATH;

/** Writes a function in place: its operands are on the stack, and its result will be. */
export const writeMath = (
  module: ModuleBuilder,
  code: Code,
  options: { readonly name: MathName; readonly lanes: FloatLanes; readonly fused: boolean },
): void => {
  const { operands, write }: MathFunction = MATH[options.name];
  const v = new Lanes(code, options.lanes, options.fused);
  const given = Array.from({ length: operands }, () => v.keep(() => {}));
  // The last operand is on top, so it is kept first.
  const result = write(module, v, given.reverse());
  result();
  v.done();
};

/** The function of a module that computes one: vectors in, a vector out. */
export const mathFunction = (
  module: ModuleBuilder,
  options: { readonly name: MathName; readonly lanes: FloatLanes; readonly fused: boolean },
): Func => {
  const { name, lanes, fused } = options;
  return module.shared(`${name} ${lanes} ${fused}`, () => {
    const { operands }: MathFunction = MATH[name];
    return module.function(
      `${name} ${lanes}`,
      operands === 1 ? ["v128"] : ["v128", "v128"],
      ["v128"],
      (code, ...given) => {
        for (const local of given) code.get(local);
        writeMath(module, code, options);
      },
    );
  });
};
