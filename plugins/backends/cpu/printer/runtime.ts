/**
 * Runtime: the small functions that generated code calls: two-byte floats, integer division and powers, random bits.
 *
 * Not vector code, and not a library that is linked: each function is written into a module when something in it first
 * asks for it.
 * Invariant: every function is total: no operand traps.
 *
 * @module
 */
import { type Dtype, dtypeInfo, erf, logistic } from "../../../ir/library.ts";
import type { ModuleBuilder } from "../wasm/assembler.ts";
import type { Code, Func, Local, PlainInstruction } from "../wasm/code.ts";

/** Functions of one number that the engine's own mathematics answers. */
export const MATH_UNARY: { readonly [name: string]: (x: number) => number } = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  logistic,
  erf,
};

/** Functions of two numbers; powers by IEEE 754. */
export const MATH_BINARY: { readonly [name: string]: (x: number, y: number) => number } = {
  pow: (x, y) => x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y,
  rem: (x, y) => x % y,
};

/** Module part of the names of imported mathematics. */
export const MATH_MODULE = "math";

/** Imported functions by name. */
export type Imported = ReadonlyMap<string, Func>;

/** Imports the mathematics. */
export const importMath = (module: ModuleBuilder): Imported =>
  new Map([
    ...Object.keys(MATH_UNARY).map((name) =>
      [name, module.importFunction(MATH_MODULE, name, ["f64"], ["f64"])] as const
    ),
    ...Object.keys(MATH_BINARY).map((name) =>
      [name, module.importFunction(MATH_MODULE, name, ["f64", "f64"], ["f64"])] as const
    ),
  ]);

type Write = (code: Code, ...parameters: ReadonlyArray<Local>) => void;

/** A NaN of binary16, and of bfloat16. */
const QUIET = { f16: 0x7e00, bf16: 0x7fc0 };

const f32ToF16: Write = (code, x) => {
  const bits = code.get(x).op("i32.reinterpret_f32").keep("i32");
  const size = code.get(bits).i32(0x7fffffff).op("i32.and").keep("i32");
  const normal = (): void => {
    code.get(size).i32(0xfff).op("i32.add").get(size).i32(13).op("i32.shr_u").i32(1).op("i32.and").op("i32.add");
    code.i32(0x38000000).op("i32.sub").i32(13).op("i32.shr_u");
  };
  // Adding one half leaves the subnormal, rounded by the format itself, in the last bits.
  const small = (): void => {
    code.get(x).op("f32.abs").f32(0.5).op("f32.add").op("i32.reinterpret_f32").i32(0x3f000000).op("i32.sub");
  };
  const finite = (): void => {
    code.get(size).i32(0x38800000).op("i32.lt_u").when(small, normal, "i32");
  };
  code.get(size).i32(0x7f800000).op("i32.gt_u").when(
    () => code.i32(QUIET.f16),
    () => {
      code.get(size).i32(0x47800000).op("i32.ge_u").when(() => code.i32(0x7c00), finite, "i32");
      code.get(bits).i32(16).op("i32.shr_u").i32(0x8000).op("i32.and").op("i32.or");
    },
    "i32",
  );
};

const f16ToF32: Write = (code, half) => {
  const scaled = code.get(half).i32(0x7fff).op("i32.and").i32(13).op("i32.shl").op("f32.reinterpret_i32")
    .f32(2 ** 112).op("f32.mul").keep("f32");
  code.get(scaled).op("i32.reinterpret_f32");
  code.get(scaled).f32(65536).op("f32.ge").when(() => code.i32(0x7f800000), () => code.i32(0), "i32").op("i32.or");
  code.get(half).i32(0x8000).op("i32.and").i32(16).op("i32.shl").op("i32.or").op("f32.reinterpret_i32");
};

const f32ToBf16: Write = (code, x) => {
  const bits = code.get(x).op("i32.reinterpret_f32").keep("i32");
  code.get(x).get(x).op("f32.ne").when(
    () => code.i32(QUIET.bf16),
    () => {
      code.get(bits).i32(0x7fff).op("i32.add").get(bits).i32(16).op("i32.shr_u").i32(1).op("i32.and").op("i32.add");
      code.i32(16).op("i32.shr_u");
    },
    "i32",
  );
};

/** f64 to f32 by rounding to odd, so that a second rounding to a narrower format is the only one that counts. */
const f64ToOddF32: Write = (code, x) => {
  const near = code.get(x).op("f32.demote_f64").keep("f32");
  const back = code.get(near).op("f64.promote_f32").keep("f64");
  const bits = code.get(near).op("i32.reinterpret_f32").keep("i32");
  code.get(back).get(x).op("f64.eq").get(x).get(x).op("f64.ne").op("i32.or").when(
    () => code.get(near),
    () => {
      code.get(bits).get(back).op("f64.abs").get(x).op("f64.abs").op("f64.gt").op("i32.sub").i32(1).op("i32.or")
        .op("f32.reinterpret_i32");
    },
    "f32",
  );
};

/** i64 as f64 with what is lost kept as an odd bit. */
const i64ToOddF64 = (signed: boolean): Write => (code, x) => {
  const size = code.local("i64");
  code.get(x).set(size);
  if (signed) code.get(x).i64(0n).op("i64.lt_s").when(() => code.i64(0n).get(x).op("i64.sub").set(size));
  code.get(size).i64(1n << 53n).op("i64.ge_u").when(() => {
    code.get(size).i64(-2048n).op("i64.and");
    code.get(size).i64(2047n).op("i64.and").i64(0n).op("i64.ne").op("i64.extend_i32_u").i64(11n).op("i64.shl");
    code.op("i64.or").set(size);
  });
  code.get(size).op("f64.convert_i64_u");
  if (signed) code.get(x).i64(0n).op("i64.lt_s").when(() => code.f64(-1), () => code.f64(1), "f64").op("f64.mul");
};

const signOf = (type: "f32" | "f64"): Write => (code, x) => {
  code.get(x)[type](0).op(`${type}.eq`).get(x).get(x).op(`${type}.ne`).op("i32.or");
  code.when(() => code.get(x), () => code[type](1).get(x).op(`${type}.copysign`), type);
};

const zero = (code: Code, type: "i32" | "i64"): Code => type === "i32" ? code.i32(0) : code.i64(0n);

const constant = (code: Code, type: "i32" | "i64", value: number): Code =>
  type === "i32" ? code.i32(value) : code.i64(BigInt(value));

const divide = (type: "i32" | "i64", signed: boolean): Write => (code, x, y) => {
  const quotient = (): void => void code.get(x).get(y).op(`${type}.div_${signed ? "s" : "u"}` as PlainInstruction);
  code.get(y).op(`${type}.eqz`).when(
    () => zero(code, type),
    () => {
      if (!signed) return quotient();
      // The smallest by −1 would trap; negation wraps.
      constant(code.get(y), type, -1).op(`${type}.eq`).when(
        () => zero(code, type).get(x).op(`${type}.sub`),
        quotient,
        type,
      );
    },
    type,
  );
};

const remainder = (type: "i32" | "i64", signed: boolean): Write => (code, x, y) => {
  code.get(y).op(`${type}.eqz`).when(
    () => code.get(x),
    () => code.get(x).get(y).op(`${type}.rem_${signed ? "s" : "u"}` as PlainInstruction),
    type,
  );
};

const shift = (type: "i32" | "i64", dtype: Dtype, left: boolean): Write => (code, x, y) => {
  const { bits, signed } = dtypeInfo(dtype);
  // As unsigned, a negative count is past every width.
  constant(code.get(y), type, bits).op(`${type}.lt_u`).when(
    () => code.get(x).get(y).op(`${type}.${left ? "shl" : signed ? "shr_s" : "shr_u"}` as PlainInstruction),
    () => {
      if (left || !signed) return void zero(code, type);
      constant(code.get(x), type, type === "i32" ? 31 : 63).op(`${type}.shr_s`);
    },
    type,
  );
};

const integerPower = (type: "i32" | "i64", signed: boolean): Write => (code, x, y) => {
  const [base, exponent, result] = [code.local(type), code.local(type), code.local(type)];
  const one = (): Code => constant(code, type, 1);
  const loop = (): void => {
    one().set(result);
    code.get(x).set(base).get(y).set(exponent);
    code.block((done) =>
      code.loop((again) => {
        code.get(exponent).op(`${type}.eqz`).branchIf(done);
        constant(code.get(exponent), type, 1).op(`${type}.and`).op(`${type}.eqz`).op("i32.eqz").when(() =>
          code.get(result).get(base).op(`${type}.mul`).set(result)
        );
        code.get(base).get(base).op(`${type}.mul`).set(base);
        constant(code.get(exponent), type, 1).op(`${type}.shr_u`).set(exponent);
        code.branch(again);
      })
    );
    code.get(result);
  };
  if (!signed) return loop();
  zero(code.get(y), type).op(`${type}.lt_s`).when(
    () => {
      constant(code.get(x), type, 1).op(`${type}.eq`).when(
        () => one(),
        () =>
          constant(code.get(x), type, -1).op(`${type}.eq`).when(
            () =>
              constant(code.get(y), type, 1).op(`${type}.and`).op(`${type}.eqz`).when(
                () => one(),
                () => constant(code, type, -1),
                type,
              ),
            () => zero(code, type),
            type,
          ),
        type,
      );
    },
    loop,
    type,
  );
};

const PHILOX = { multiply0: 0xd2511f53n, multiply1: 0xcd9e8d57n, weyl0: 0x9e3779b9, weyl1: 0xbb67ae85, rounds: 10 };

/** Philox 4x32-10 of (position, stream) under a seed: words 0 and 1, then 2 and 3, low word in the low half. */
const philox: Write = (code, seed, position, stream) => {
  const low = (from: Local): Local => code.get(from).op("i32.wrap_i64").keep("i32");
  const high = (from: Local): Local => code.get(from).i64(32n).op("i64.shr_u").op("i32.wrap_i64").keep("i32");
  const [a, b, c, d] = [low(position), high(position), code.get(stream).keep("i32"), code.i32(0).keep("i32")];
  const [k0, k1] = [low(seed), high(seed)];
  const [p0, p1] = [code.local("i64"), code.local("i64")];
  for (let round = 0; round < PHILOX.rounds; round++) {
    code.get(a).op("i64.extend_i32_u").i64(PHILOX.multiply0).op("i64.mul").set(p0);
    code.get(c).op("i64.extend_i32_u").i64(PHILOX.multiply1).op("i64.mul").set(p1);
    code.get(p1).i64(32n).op("i64.shr_u").op("i32.wrap_i64").get(b).op("i32.xor").get(k0).op("i32.xor").set(a);
    code.get(p0).i64(32n).op("i64.shr_u").op("i32.wrap_i64").get(d).op("i32.xor").get(k1).op("i32.xor").set(c);
    code.get(p1).op("i32.wrap_i64").set(b);
    code.get(p0).op("i32.wrap_i64").set(d);
    code.get(k0).i32(PHILOX.weyl0 | 0).op("i32.add").set(k0);
    code.get(k1).i32(PHILOX.weyl1 | 0).op("i32.add").set(k1);
  }
  for (const [lower, upper] of [[a, b], [c, d]]) {
    code.get(lower).op("i64.extend_i32_u").get(upper).op("i64.extend_i32_u").i64(32n).op("i64.shl").op("i64.or");
  }
};

/** 53 bits of two words, low word first drawn, as a number in [0, 1). */
const unitOf: Write = (code, words) => {
  code.get(words).op("i32.wrap_i64").i32(5).op("i32.shr_u").op("f64.convert_i32_u").f64(67108864).op("f64.mul");
  code.get(words).i64(38n).op("i64.shr_u").op("f64.convert_i64_u").op("f64.add").f64(2 ** -53).op("f64.mul");
};

/** The runtime of one module. */
export class Runtime {
  /** The runtime of a module, with what it imports. */
  constructor(readonly module: ModuleBuilder, private readonly imported: Imported) {}

  /** Imported mathematics by name. */
  math(name: string): Func {
    const found = this.imported.get(name);
    if (found === undefined) throw new Error(`no mathematics is called ${name}`);
    return found;
  }

  /** A function that is in the module once. */
  private shared(
    name: string,
    parameters: Func["parameters"],
    results: Func["results"],
    write: Write,
  ): Func {
    return this.module.shared(name, () => this.module.function(name, parameters, results, write));
  }

  /** f32 → bits of a two-byte float. */
  encode(dtype: "f16" | "bf16"): Func {
    return this.shared(`encode ${dtype}`, ["f32"], ["i32"], dtype === "f16" ? f32ToF16 : f32ToBf16);
  }

  /** Bits of a two-byte float → f32. */
  decode(dtype: "f16" | "bf16"): Func {
    return this.shared(`decode ${dtype}`, ["i32"], ["f32"], (code, bits) => {
      if (dtype === "f16") f16ToF32(code, bits);
      else code.get(bits).i32(16).op("i32.shl").op("f32.reinterpret_i32");
    });
  }

  /** f32 → f32, rounded to a two-byte float. */
  round(dtype: "f16" | "bf16"): Func {
    const [encode, decode] = [this.encode(dtype), this.decode(dtype)];
    return this.shared(`round ${dtype}`, ["f32"], ["f32"], (code, x) => code.get(x).call(encode).call(decode));
  }

  /** f64 → f32, to be rounded once more. */
  odd(): Func {
    return this.shared("odd f32", ["f64"], ["f32"], f64ToOddF32);
  }

  /** i64 → f64, to be rounded once more. */
  oddInteger(signed: boolean): Func {
    return this.shared(`odd f64 ${signed}`, ["i64"], ["f64"], i64ToOddF64(signed));
  }

  /** −1, 0 or 1 of a float. */
  sign(type: "f32" | "f64"): Func {
    return this.shared(`sign ${type}`, [type], [type], signOf(type));
  }

  /** Integer operations that WebAssembly has no total instruction for. */
  integer(op: "div" | "rem" | "pow" | "shift_left" | "shift_right", type: "i32" | "i64", dtype: Dtype): Func {
    const { signed } = dtypeInfo(dtype);
    const write = op === "div"
      ? divide(type, signed)
      : op === "rem"
      ? remainder(type, signed)
      : op === "pow"
      ? integerPower(type, signed)
      : shift(type, dtype, op === "shift_left");
    const name = op.startsWith("shift") ? `${op} ${dtype}` : `${op} ${type} ${signed}`;
    return this.shared(name, [type, type], [type], write);
  }

  /** (seed, position, stream) → words. */
  philox(): Func {
    return this.shared("philox", ["i64", "i64", "i32"], ["i64", "i64"], philox);
  }

  /** (seed, position, stream) → a number in [0, 1) with some bits. */
  uniform(bits: number): Func {
    const draw = this.philox();
    return this.shared(`uniform ${bits}`, ["i64", "i64", "i32"], ["f64"], (code, seed, position, stream) => {
      const words = code.local("i64");
      code.get(seed).get(position).get(stream).call(draw).drop().set(words);
      if (bits > 32) return unitOf(code, words);
      code.get(words).op("i32.wrap_i64").i32(32 - bits).op("i32.shr_u").op("f64.convert_i32_u");
      code.f64(2 ** -bits).op("f64.mul");
    });
  }

  /** (seed, position, stream) → a number of the standard normal distribution. */
  normal(): Func {
    const draw = this.philox();
    return this.shared("normal", ["i64", "i64", "i32"], ["f64"], (code, seed, position, stream) => {
      const [first, second] = [code.local("i64"), code.local("i64")];
      code.get(seed).get(position).get(stream).call(draw).set(second).set(first);
      code.f64(1);
      unitOf(code, first);
      code.op("f64.sub").call(this.math("log")).f64(-2).op("f64.mul").op("f64.sqrt");
      code.f64(2 * Math.PI);
      unitOf(code, second);
      code.op("f64.mul").call(this.math("cos")).op("f64.mul");
    });
  }
}
