/**
 * Lanes: arithmetic on vectors of one float format, written as expressions instead of stack code.
 *
 * Not an optimiser: an expression that is used twice is written twice unless it was kept in a local.
 * Invariant: a `Value` leaves exactly one vector on the stack.
 *
 * @module
 */
import type { Code, Local, PlainInstruction } from "./code.ts";

/** Writes code that leaves a vector. */
export type Value = () => void;

/** Float formats of a vector. */
export type FloatLanes = "f32x4" | "f64x2";

/** Numbers of a float format. */
export interface FloatFormat {
  /** The integer format of the same width. */
  readonly integer: "i32x4" | "i64x2";
  /** Bits of the significand after the leading one. */
  readonly mantissa: number;
  /** What is added to exponents. */
  readonly bias: number;
  /** 1.5 · 2^mantissa: adding it rounds to an integer, which is then in the low bits. */
  readonly magic: number;
  /** The bits of `magic`, less twice the bias. */
  readonly doubledZero: number | bigint;
  /** The smallest normal number. */
  readonly smallest: number;
}

/** The two float formats. */
export const FLOAT_FORMATS: { readonly [F in FloatLanes]: FloatFormat } = {
  f32x4: {
    integer: "i32x4",
    mantissa: 23,
    bias: 127,
    magic: 1.5 * 2 ** 23,
    doubledZero: 0x4b40_0000 - 2 * 127,
    smallest: 2 ** -126,
  },
  f64x2: {
    integer: "i64x2",
    mantissa: 52,
    bias: 1023,
    magic: 1.5 * 2 ** 52,
    doubledZero: 0x4338_0000_0000_0000n - 2n * 1023n,
    smallest: 2 ** -1022,
  },
};

type BinaryOp = "add" | "sub" | "mul" | "div" | "pmin" | "pmax" | "eq" | "ne" | "lt" | "le" | "gt" | "ge";
type UnaryOp = "neg" | "abs" | "sqrt" | "floor" | "trunc" | "nearest";

/** Writes arithmetic on vectors of one format into one function. */
export class Lanes {
  /** The format. */
  readonly format: FloatFormat;
  readonly #kept: Local[] = [];

  /** Arithmetic of a format; `fused` rounds multiply-add once where the engine does. */
  constructor(readonly code: Code, readonly kind: FloatLanes, readonly fused: boolean) {
    this.format = FLOAT_FORMATS[kind];
  }

  /** A number in every lane. */
  constant(value: number): Value {
    return () => void this.code.get(this.code.splatted(this.kind, value));
  }

  /** An integer in every lane. */
  bits(value: number | bigint): Value {
    return () => void this.code.get(this.code.splatted(this.format.integer, value));
  }

  /** Computes a value now, to be used more than once. */
  keep(value: Value): Value {
    value();
    const local = this.code.keep("v128");
    this.#kept.push(local);
    return () => void this.code.get(local);
  }

  /** Releases what was kept. */
  done(): void {
    this.code.release(...this.#kept);
    this.#kept.length = 0;
  }

  #plain(name: PlainInstruction, ...operands: ReadonlyArray<Value>): Value {
    return () => {
      for (const operand of operands) operand();
      this.code.op(name);
    };
  }

  #float(op: BinaryOp, a: Value, b: Value): Value {
    return this.#plain(`${this.kind}.${op}`, a, b);
  }

  /** A float operation of one operand. */
  unary(op: UnaryOp, a: Value): Value {
    return this.#plain(`${this.kind}.${op}`, a);
  }

  /** a + b. */
  add(a: Value, b: Value): Value {
    return this.#float("add", a, b);
  }

  /** a − b. */
  sub(a: Value, b: Value): Value {
    return this.#float("sub", a, b);
  }

  /** a · b. */
  mul(a: Value, b: Value): Value {
    return this.#float("mul", a, b);
  }

  /** a / b. */
  div(a: Value, b: Value): Value {
    return this.#float("div", a, b);
  }

  /** b where b < a, else a: a NaN in `a` stays. */
  atMost(a: Value, b: Value): Value {
    return this.#float("pmin", a, b);
  }

  /** b where a < b, else a: a NaN in `a` stays. */
  atLeast(a: Value, b: Value): Value {
    return this.#float("pmax", a, b);
  }

  /** A mask of the lanes where a comparison holds. */
  compare(op: "eq" | "ne" | "lt" | "le" | "gt" | "ge", a: Value, b: Value): Value {
    return this.#float(op, a, b);
  }

  /** a · b + c. */
  multiplyAdd(a: Value, b: Value, c: Value): Value {
    return this.fused ? this.#plain(`${this.kind}.relaxed_madd`, a, b, c) : this.add(this.mul(a, b), c);
  }

  /** c − a · b. */
  multiplySubtract(a: Value, b: Value, c: Value): Value {
    return this.fused ? this.#plain(`${this.kind}.relaxed_nmadd`, a, b, c) : this.sub(c, this.mul(a, b));
  }

  /** A polynomial, its coefficients from the constant on. */
  polynomial(coefficients: ReadonlyArray<number>, x: Value): Value {
    return coefficients.slice(0, -1).reduceRight(
      (sum: Value, c) => this.multiplyAdd(sum, x, this.constant(c)),
      this.constant(coefficients[coefficients.length - 1]),
    );
  }

  /** Bits of a where the mask has ones, else bits of b. */
  choose(mask: Value, a: Value, b: Value): Value {
    return this.#plain("v128.bitselect", a, b, mask);
  }

  /** Bitwise operations. */
  bitwise(op: "and" | "or" | "xor" | "andnot", a: Value, b: Value): Value {
    return this.#plain(`v128.${op}`, a, b);
  }

  /** Integer sums and differences of lanes. */
  integer(op: "add" | "sub", a: Value, b: Value): Value {
    return this.#plain(`${this.format.integer}.${op}`, a, b);
  }

  /** Integer lanes shifted. */
  shift(op: "shl" | "shr_s" | "shr_u", a: Value, by: number): Value {
    return () => {
      a();
      this.code.i32(by).op(`${this.format.integer}.${op}`);
    };
  }

  /** The sign bits alone. */
  get signMask(): Value {
    return this.constant(-0);
  }

  /** The magnitude of a with the sign of b. */
  copySign(a: Value, b: Value): Value {
    return this.choose(this.signMask, b, a);
  }

  /** Small integers as floats. */
  fromInteger(a: Value): Value {
    if (this.kind === "f32x4") return this.#plain("f32x4.convert_i32x4_s", a);
    return this.sub(this.integer("add", a, this.constant(this.format.magic)), this.constant(this.format.magic));
  }

  /** 2 to the power of integer lanes within the normal exponents. */
  powerOfTwo(n: Value): Value {
    return this.shift("shl", this.integer("add", n, this.bits(this.format.bias)), this.format.mantissa);
  }
}
