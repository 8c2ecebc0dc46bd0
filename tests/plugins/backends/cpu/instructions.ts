/**
 * Instructions: what each means, in the terms of this language: bigints for integers, Math for floats.
 *
 * The judge of the assembler's encodings. A value is its bytes, little-endian, in sixteen.
 */

/** A value of any type: its bytes. */
export type Bytes16 = Uint8Array<ArrayBuffer>;

interface Lanes {
  readonly kind: "int" | "float";
  readonly bits: number;
  readonly count: number;
}

const SHAPE = /^([if])(\d+)(?:x(\d+))?$/u;
const shapeOf = (text: string): Lanes => {
  const [, kind, bits, count] = SHAPE.exec(text)!;
  return { kind: kind === "i" ? "int" : "float", bits: Number(bits), count: Number(count ?? 1) };
};

/** Integers of a value, signed. */
const integers = (bytes: Bytes16, bits: number, count: number): bigint[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: count }, (_, i) => {
    let value = 0n;
    for (let b = bits / 8 - 1; b >= 0; b--) value = value << 8n | BigInt(view.getUint8(i * bits / 8 + b));
    return BigInt.asIntN(bits, value);
  });
};

const fromIntegers = (values: ReadonlyArray<bigint>, bits: number): Bytes16 => {
  const bytes = new Uint8Array(16);
  values.forEach((value, i) => {
    for (let b = 0; b < bits / 8; b++) {
      bytes[i * bits / 8 + b] = Number(BigInt.asUintN(bits, value) >> BigInt(8 * b) & 255n);
    }
  });
  return bytes;
};

const floats = (bytes: Bytes16, bits: number, count: number): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from(
    { length: count },
    (_, i) => bits === 32 ? view.getFloat32(i * 4, true) : view.getFloat64(i * 8, true),
  );
};

/** Bytes of floats. */
export const fromFloats = (values: ReadonlyArray<number>, bits: number): Bytes16 => {
  const view = new DataView(new ArrayBuffer(16));
  values.forEach((value, i) => bits === 32 ? view.setFloat32(i * 4, value, true) : view.setFloat64(i * 8, value, true));
  return new Uint8Array(view.buffer);
};

const unsigned = (x: bigint, bits: number): bigint => BigInt.asUintN(bits, x);
const clampTo = (x: bigint, low: bigint, high: bigint): bigint => x < low ? low : x > high ? high : x;
const range = (bits: number, signed: boolean): readonly [bigint, bigint] =>
  signed ? [-(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n] : [0n, (1n << BigInt(bits)) - 1n];
const ones = (x: bigint): number => x.toString(2).replaceAll("0", "").length;

type IntOp = (a: bigint, b: bigint, bits: number) => bigint;
/** A trap of the machine. */
export const TRAP = Symbol("trap");

const trapIf = (wrong: boolean): void => {
  if (wrong) throw TRAP;
};

const INT: { readonly [op: string]: IntOp } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
  div_s: (a, b, n) => {
    trapIf(b === 0n || (a === range(n, true)[0] && b === -1n));
    return a / b;
  },
  div_u: (a, b, n) => {
    trapIf(b === 0n);
    return unsigned(a, n) / unsigned(b, n);
  },
  rem_s: (a, b) => {
    trapIf(b === 0n);
    return a % b;
  },
  rem_u: (a, b, n) => {
    trapIf(b === 0n);
    return unsigned(a, n) % unsigned(b, n);
  },
  shl: (a, b, n) => a << (unsigned(b, 32) % BigInt(n)),
  shr_s: (a, b, n) => a >> (unsigned(b, 32) % BigInt(n)),
  shr_u: (a, b, n) => unsigned(a, n) >> (unsigned(b, 32) % BigInt(n)),
  rotl: (a, b, n) => {
    const by = unsigned(b, n) % BigInt(n);
    return unsigned(a, n) << by | unsigned(a, n) >> (BigInt(n) - by);
  },
  rotr: (a, b, n) => {
    const by = unsigned(b, n) % BigInt(n);
    return unsigned(a, n) >> by | unsigned(a, n) << (BigInt(n) - by);
  },
  min_s: (a, b) => a < b ? a : b,
  max_s: (a, b) => a > b ? a : b,
  min_u: (a, b, n) => unsigned(a, n) < unsigned(b, n) ? a : b,
  max_u: (a, b, n) => unsigned(a, n) > unsigned(b, n) ? a : b,
  add_sat_s: (a, b, n) => clampTo(a + b, ...range(n, true)),
  add_sat_u: (a, b, n) => clampTo(unsigned(a, n) + unsigned(b, n), ...range(n, false)),
  sub_sat_s: (a, b, n) => clampTo(a - b, ...range(n, true)),
  sub_sat_u: (a, b, n) => clampTo(unsigned(a, n) - unsigned(b, n), ...range(n, false)),
  avgr_u: (a, b, n) => (unsigned(a, n) + unsigned(b, n) + 1n) >> 1n,
  q15mulr_sat_s: (a, b, n) => clampTo((a * b + 0x4000n) >> 15n, ...range(n, true)),
};
const INT_UNARY: { readonly [op: string]: (a: bigint, bits: number) => bigint } = {
  clz: (a, n) => a === 0n ? BigInt(n) : BigInt(n - unsigned(a, n).toString(2).length),
  ctz: (a, n) => {
    if (a === 0n) return BigInt(n);
    let count = 0n;
    for (let x = a; (x & 1n) === 0n; x >>= 1n) count++;
    return count;
  },
  popcnt: (a, n) => BigInt(ones(unsigned(a, n))),
  abs: (a) => a < 0n ? -a : a,
  neg: (a) => -a,
  extend8_s: (a) => BigInt.asIntN(8, a),
  extend16_s: (a) => BigInt.asIntN(16, a),
  extend32_s: (a) => BigInt.asIntN(32, a),
};
const COMPARE: { readonly [op: string]: <T extends bigint | number>(a: T, b: T) => boolean } = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  gt: (a, b) => a > b,
  le: (a, b) => a <= b,
  ge: (a, b) => a >= b,
};
const nearest = (x: number): number => {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const low = Math.floor(x);
  const up = x - low > 0.5 || (x - low === 0.5 && low % 2 !== 0);
  return up ? (low + 1 === 0 ? -0 : low + 1) : Object.is(x, -0) ? -0 : low === 0 && x < 0 ? -0 : low;
};
const FLOAT: { readonly [op: string]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: Math.min,
  max: Math.max,
  pmin: (a, b) => b < a ? b : a,
  pmax: (a, b) => a < b ? b : a,
};
const FLOAT_UNARY: { readonly [op: string]: (a: number) => number } = {
  abs: Math.abs,
  neg: (a) => -a,
  sqrt: Math.sqrt,
  ceil: Math.ceil,
  floor: Math.floor,
  trunc: Math.trunc,
  nearest,
};

/** A float as an integer: towards zero; saturated, or a trap outside the range. */
const truncated = (x: number, bits: number, signed: boolean, saturate: boolean): bigint => {
  const [low, high] = range(bits, signed);
  if (Number.isNaN(x)) {
    trapIf(!saturate);
    return 0n;
  }
  const value = Number.isFinite(x) ? BigInt(Math.trunc(x)) : x < 0 ? low - 1n : high + 1n;
  trapIf(!saturate && (value < low || value > high));
  return clampTo(value, low, high);
};

/** An integer as the nearest binary32, ties to even: by way of a double a 64-bit one would be rounded twice. */
const toFloat32 = (x: bigint): number => {
  const size = x < 0n ? -x : x;
  const drop = BigInt(Math.max(0, size.toString(2).length - 24));
  const kept = size >> drop;
  const rest = size - (kept << drop);
  const half = drop === 0n ? 0n : 1n << (drop - 1n);
  const up = drop > 0n && (rest > half || (rest === half && (kept & 1n) === 1n));
  return Number((up ? kept + 1n : kept) << drop) * (x < 0n ? -1 : 1);
};

const asSigned = (signed: boolean, x: bigint, bits: number): bigint => signed ? x : unsigned(x, bits);
const narrow = (values: ReadonlyArray<bigint>, bits: number, signed: boolean): Bytes16 =>
  fromIntegers(values.map((x) => clampTo(x, ...range(bits, signed))), bits);

type Meaning = (values: ReadonlyArray<Bytes16>, found: RegExpExecArray) => Bytes16;

/** Instructions that are not one operation a lane, by patterns of their names. */
const PATTERNS: ReadonlyArray<readonly [RegExp, Meaning]> = [
  [
    /^v128\.(and|or|xor)$/u,
    ([a, b], [, op]) => a.map((x, i) => op === "and" ? x & b[i] : op === "or" ? x | b[i] : x ^ b[i]),
  ],
  [/^v128\.andnot$/u, ([a, b]) => a.map((x, i) => x & ~b[i])],
  [/^v128\.not$/u, ([a]) => a.map((x) => ~x)],
  [/^(?:v128\.bitselect|i\d+x\d+\.relaxed_laneselect)$/u, ([a, b, m]) => a.map((x, i) => (x & m[i]) | (b[i] & ~m[i]))],
  [/^v128\.any_true$/u, ([a]) => fromIntegers([a.some((x) => x !== 0) ? 1n : 0n], 32)],
  [/^i8x16\.(?:relaxed_)?swizzle$/u, ([a, b]) => b.map((at) => at < 16 ? a[at] : 0)],
  [/^(i\d+x\d+)\.all_true$/u, ([a], [, s]) => {
    const { bits, count } = shapeOf(s);
    return fromIntegers([integers(a, bits, count).every((x) => x !== 0n) ? 1n : 0n], 32);
  }],
  [/^(i\d+x\d+)\.bitmask$/u, ([a], [, s]) => {
    const { bits, count } = shapeOf(s);
    return fromIntegers([integers(a, bits, count).reduce((m, x, i) => x < 0n ? m | 1n << BigInt(i) : m, 0n)], 32);
  }],
  [/^i(\d+)x\d+\.narrow_i\d+x(\d+)_([su])$/u, ([a, b], [, to, from, sign]) => {
    const count = Number(from);
    const bits = 128 / count;
    return narrow([...integers(a, bits, count), ...integers(b, bits, count)], Number(to), sign === "s");
  }],
  [/^i(\d+)x(\d+)\.(extend|extmul)_(low|high)_i(\d+)x\d+_([su])$/u, (values, [, to, count, what, half, from, sign]) => {
    const [bits, n] = [Number(from), Number(count)];
    const lanes = values.map((v) =>
      integers(v, bits, 2 * n).slice(half === "low" ? 0 : n, half === "low" ? n : 2 * n).map((x) =>
        asSigned(sign === "s", x, bits)
      )
    );
    return fromIntegers(lanes[0].map((x, i) => what === "extmul" ? x * lanes[1][i] : x), Number(to));
  }],
  [/^i(\d+)x(\d+)\.extadd_pairwise_i(\d+)x\d+_([su])$/u, ([a], [, to, count, from, sign]) => {
    const lanes = integers(a, Number(from), 2 * Number(count)).map((x) => asSigned(sign === "s", x, Number(from)));
    return fromIntegers(Array.from({ length: Number(count) }, (_, i) => lanes[2 * i] + lanes[2 * i + 1]), Number(to));
  }],
  [/^i32x4\.dot_i16x8_s$/u, ([a, b]) => {
    const [x, y] = [integers(a, 16, 8), integers(b, 16, 8)];
    return fromIntegers([0, 2, 4, 6].map((i) => x[i] * y[i] + x[i + 1] * y[i + 1]), 32);
  }],
  [/^f32x4\.demote_f64x2_zero$/u, ([a]) => fromFloats([...floats(a, 64, 2), 0, 0], 32)],
  [/^f64x2\.promote_low_f32x4$/u, ([a]) => fromFloats(floats(a, 32, 4).slice(0, 2), 64)],
  [
    /^i32x4\.(?:relaxed_)?trunc(?:_sat)?_f32x4_([su])$/u,
    ([a], [, sign]) => fromIntegers(floats(a, 32, 4).map((x) => truncated(x, 32, sign === "s", true)), 32),
  ],
  [
    /^i32x4\.(?:relaxed_)?trunc(?:_sat)?_f64x2_([su])_zero$/u,
    ([a], [, sign]) => fromIntegers([...floats(a, 64, 2).map((x) => truncated(x, 32, sign === "s", true)), 0n, 0n], 32),
  ],
  [
    /^f(\d+)x(\d)\.convert_(?:low_)?i32x4_([su])$/u,
    ([a], [, bits, count, sign]) =>
      fromFloats(integers(a, 32, Number(count)).map((x) => Number(asSigned(sign === "s", x, 32))), Number(bits)),
  ],
  // By bits: a NaN has a sign too.
  [/^f(\d+)\.copysign$/u, ([a, b], [, bits]) => {
    const last = Number(bits) / 8 - 1;
    return a.map((x, i) => i > last ? 0 : i === last ? (x & 127) | (b[i] & 128) : x);
  }],
  [/^i32\.wrap_i64$/u, ([a]) => fromIntegers(integers(a, 64, 1), 32)],
  [
    /^i64\.extend_i32_([su])$/u,
    ([a], [, sign]) => fromIntegers([asSigned(sign === "s", integers(a, 32, 1)[0], 32)], 64),
  ],
  [
    /^i(\d+)\.trunc_(sat_)?f(\d+)_([su])$/u,
    ([a], [, to, saturate, from, sign]) =>
      fromIntegers(
        [truncated(floats(a, Number(from), 1)[0], Number(to), sign === "s", saturate !== undefined)],
        Number(to),
      ),
  ],
  [/^f(\d+)\.convert_i(\d+)_([su])$/u, ([a], [, to, from, sign]) => {
    const value = asSigned(sign === "s", integers(a, Number(from), 1)[0], Number(from));
    return to === "32" ? fromFloats([toFloat32(value)], 32) : fromFloats([Number(value)], 64);
  }],
  [/^f32\.demote_f64$/u, ([a]) => fromFloats(floats(a, 64, 1), 32)],
  [/^f64\.promote_f32$/u, ([a]) => fromFloats(floats(a, 32, 1), 64)],
  [/^[if]\d+\.reinterpret_[if](\d+)$/u, ([a], [, bits]) => a.map((x, i) => i < Number(bits) / 8 ? x : 0)],
  [/^(i\d+)\.eqz$/u, ([a], [, s]) => fromIntegers([integers(a, shapeOf(s).bits, 1)[0] === 0n ? 1n : 0n], 32)],
  [
    /^[if](\d+)x(\d+)\.splat$/u,
    ([a], [, bits, count]) =>
      Uint8Array.from({ length: 16 }, (_, i) => Number(count) > 0 ? a[i % (Number(bits) / 8)] : 0),
  ],
  [/^i16x8\.relaxed_q15mulr_s$/u, (values) => meaningOf("i16x8.q15mulr_sat_s")!(values)],
  [/^f(\d+)x(\d)\.relaxed_(n?)madd$/u, ([a, b, c], [, bits, count, negated]) => {
    const [x, y, z] = [a, b, c].map((v) => floats(v, Number(bits), Number(count)));
    return fromFloats(x.map((value, i) => (negated === "" ? value : -value) * y[i] + z[i]), Number(bits));
  }],
];

const lanewise = (
  shape: Lanes,
  scalar: boolean,
  op: string,
): ((values: ReadonlyArray<Bytes16>) => Bytes16) | undefined => {
  const { bits, count, kind } = shape;
  const [, comparison, sign] = /^(eq|ne|lt|gt|le|ge)(?:_([su]))?$/u.exec(op) ?? [];
  if (comparison !== undefined) {
    const made = (truths: ReadonlyArray<boolean>): Bytes16 =>
      scalar ? fromIntegers([truths[0] ? 1n : 0n], 32) : fromIntegers(truths.map((t) => t ? -1n : 0n), bits);
    const compare = COMPARE[comparison];
    return ([a, b]) => {
      if (kind === "float") {
        const y = floats(b, bits, count);
        return made(floats(a, bits, count).map((x, i) => compare(x, y[i])));
      }
      const read = (v: Bytes16): bigint[] => integers(v, bits, count).map((x) => asSigned(sign !== "u", x, bits));
      const y = read(b);
      return made(read(a).map((x, i) => compare(x, y[i])));
    };
  }
  if (kind === "float") {
    const [unary, binary] = [FLOAT_UNARY[op], FLOAT[op.replace("relaxed_", "")]];
    if (unary !== undefined) return ([a]) => fromFloats(floats(a, bits, count).map(unary), bits);
    if (binary === undefined) return undefined;
    return ([a, b]) => {
      const y = floats(b, bits, count);
      return fromFloats(floats(a, bits, count).map((x, i) => binary(x, y[i])), bits);
    };
  }
  const [unary, binary] = [INT_UNARY[op], INT[op]];
  if (unary !== undefined) return ([a]) => fromIntegers(integers(a, bits, count).map((x) => unary(x, bits)), bits);
  if (binary === undefined) return undefined;
  const shift = !scalar && op.startsWith("sh");
  return ([a, b]) => {
    // Vectors are shifted by one i32.
    const y = shift ? Array.from({ length: count }, () => integers(b, 32, 1)[0]) : integers(b, bits, count);
    return fromIntegers(integers(a, bits, count).map((x, i) => binary(x, y[i], bits)), bits);
  };
};

/** What a plain instruction computes from its operands, or nothing where no meaning is known. Traps throw `TRAP`. */
export const meaningOf = (name: string): ((values: ReadonlyArray<Bytes16>) => Bytes16) | undefined => {
  for (const [pattern, meaning] of PATTERNS) {
    const found = pattern.exec(name);
    if (found !== null) return (values) => Uint8Array.from(meaning(values, found));
  }
  const [shape, op] = name.split(".");
  if (!SHAPE.test(shape)) return undefined;
  return lanewise(shapeOf(shape), !shape.includes("x"), op);
};
