/**
 * Draws: seeded randomness in the printed languages: Philox 4x32-10 (Salmon et al. 2011), the same bits as the IR's.
 *
 * Invariant: arguments are the seed, the element's number and the stream; words are unsigned 32-bit integers.
 *
 * @module
 */
import { type Dtype, dtypeInfo } from "../types.ts";
import type { Helper } from "./language.ts";
import { mlirType } from "./mlir_arith.ts";

/** The ways to draw. */
export type Draw = "random_uniform" | "random_normal" | "random_bits";

/** Whether an operation draws. */
export const isDraw = (op: string): op is Draw => op.startsWith("random_");

const TWO_PI = "6.283185307179586";

/** 2^−n as a literal that every language reads exactly. */
const inverse = (bits: number): string => (2 ** -bits).toExponential(17);

const significant = (dtype: Dtype): number => dtypeInfo(dtype).mantissa! + 1;

const cPhilox = (prefix: string): Helper => ({
  name: "philox",
  text: `typedef struct {
  uint32_t w[4];
} philox_words;

${prefix}philox_words philox(int64_t seed, uint64_t n, uint32_t stream) {
  uint32_t a = (uint32_t)n, b = (uint32_t)(n >> 32), c = stream, d = 0;
  uint32_t k0 = (uint32_t)(uint64_t)seed, k1 = (uint32_t)((uint64_t)seed >> 32);
  for (int round = 0; round < 10; round++) {
    const uint64_t p = (uint64_t)0xd2511f53U * a, q = (uint64_t)0xcd9e8d57U * c;
    a = (uint32_t)(q >> 32) ^ b ^ k0;
    c = (uint32_t)(p >> 32) ^ d ^ k1;
    b = (uint32_t)q;
    d = (uint32_t)p;
    k0 += 0x9e3779b9U;
    k1 += 0xbb67ae85U;
  }
  const philox_words words = {{a, b, c, d}};
  return words;
}`,
});

const cUnit = (high: number): string =>
  `((double)(r.w[${high}] >> 5) * 67108864.0 + (double)(r.w[${high + 1}] >> 6)) * ${inverse(53)}`;

const cBody = (op: Draw, dtype: Dtype, type: string): string => {
  if (op === "random_bits") {
    const bits = "((uint64_t)r.w[1] << 32 | r.w[0])";
    return dtype === "bool" ? `(uint8_t)(${bits} & 1)` : `(${type})${bits}`;
  }
  if (op === "random_normal") return `(${type})(sqrt(-2.0 * log(1.0 - ${cUnit(0)})) * cos(${TWO_PI} * (${cUnit(2)})))`;
  const bits = significant(dtype);
  return bits > 32 ? cUnit(0) : `(${type})((double)(r.w[0] >> ${32 - bits}) * ${inverse(bits)})`;
};

/** The function of C or CUDA that draws. */
export const cDraw = (prefix: string, op: Draw, dtype: Dtype, type: string): Helper => ({
  name: `${op}_${dtype}`,
  needs: [cPhilox(prefix)],
  text: `${prefix}${type} ${op}_${dtype}(int64_t seed, uint64_t n, uint32_t stream) {
  const philox_words r = philox(seed, n, stream);
  return ${cBody(op, dtype, type)};
}`,
});

const RUST_PHILOX: Helper = {
  name: "philox",
  text: `fn philox(seed: i64, n: u64, stream: u32) -> [u32; 4] {
  let (mut a, mut b, mut c, mut d) = (n as u32, (n >> 32) as u32, stream, 0u32);
  let (mut k0, mut k1) = (seed as u64 as u32, ((seed as u64) >> 32) as u32);
  for _ in 0..10 {
    let (p, q) = (0xd2511f53u64 * a as u64, 0xcd9e8d57u64 * c as u64);
    a = (q >> 32) as u32 ^ b ^ k0;
    c = (p >> 32) as u32 ^ d ^ k1;
    b = q as u32;
    d = p as u32;
    k0 = k0.wrapping_add(0x9e3779b9);
    k1 = k1.wrapping_add(0xbb67ae85);
  }
  [a, b, c, d]
}`,
};

const rustUnit = (high: number): string =>
  `((r[${high}] >> 5) as f64 * 67108864.0 + (r[${high + 1}] >> 6) as f64) * ${inverse(53)}`;

const rustBody = (op: Draw, dtype: Dtype, type: string): string => {
  if (op === "random_bits") {
    const bits = "((r[1] as u64) << 32 | r[0] as u64)";
    return dtype === "bool" ? `(${bits} & 1) as u8` : `${bits} as ${type}`;
  }
  if (op === "random_normal") {
    return `((-2.0 * (1.0 - ${rustUnit(0)}).ln()).sqrt() * (${TWO_PI} * (${rustUnit(2)})).cos()) as ${type}`;
  }
  const bits = significant(dtype);
  return bits > 32 ? rustUnit(0) : `((r[0] >> ${32 - bits}) as f64 * ${inverse(bits)}) as ${type}`;
};

/** The function of Rust that draws. */
export const rustDraw = (op: Draw, dtype: Dtype, type: string): Helper => ({
  name: `${op}_${dtype}`,
  needs: [RUST_PHILOX],
  text: `fn ${op}_${dtype}(seed: i64, n: u64, stream: u32) -> ${type} {
  let r = philox(seed, n, stream);
  ${rustBody(op, dtype, type)}
}`,
});

/** The function of MLIR that gives four words. */
export const MLIR_PHILOX = `func.func private @philox(%seed: i64, %n: i64, %stream: i32) -> (i32, i32, i32, i32) {
  %from = arith.constant 0 : index
  %rounds = arith.constant 10 : index
  %one = arith.constant 1 : index
  %half = arith.constant 32 : i64
  %a = arith.trunci %n : i64 to i32
  %upper = arith.shrui %n, %half : i64
  %b = arith.trunci %upper : i64 to i32
  %d = arith.constant 0 : i32
  %k0 = arith.trunci %seed : i64 to i32
  %key = arith.shrui %seed, %half : i64
  %k1 = arith.trunci %key : i64 to i32
  %m0 = arith.constant 3528531795 : i64
  %m1 = arith.constant 3449720151 : i64
  %w0 = arith.constant -1640531527 : i32
  %w1 = arith.constant -1150833019 : i32
  %r:6 = scf.for %i = %from to %rounds step %one
      iter_args(%ra = %a, %rb = %b, %rc = %stream, %rd = %d, %r0 = %k0, %r1 = %k1)
      -> (i32, i32, i32, i32, i32, i32) {
    %wide_a = arith.extui %ra : i32 to i64
    %wide_c = arith.extui %rc : i32 to i64
    %p = arith.muli %wide_a, %m0 : i64
    %q = arith.muli %wide_c, %m1 : i64
    %p_high = arith.shrui %p, %half : i64
    %q_high = arith.shrui %q, %half : i64
    %p_upper = arith.trunci %p_high : i64 to i32
    %q_upper = arith.trunci %q_high : i64 to i32
    %next_b = arith.trunci %q : i64 to i32
    %next_d = arith.trunci %p : i64 to i32
    %mixed_a = arith.xori %q_upper, %rb : i32
    %next_a = arith.xori %mixed_a, %r0 : i32
    %mixed_c = arith.xori %p_upper, %rd : i32
    %next_c = arith.xori %mixed_c, %r1 : i32
    %next_0 = arith.addi %r0, %w0 : i32
    %next_1 = arith.addi %r1, %w1 : i32
    scf.yield %next_a, %next_b, %next_c, %next_d, %next_0, %next_1 : i32, i32, i32, i32, i32, i32
  }
  return %r#0, %r#1, %r#2, %r#3 : i32, i32, i32, i32
}`;

/** Lines that make a number in [0, 1) of 53 bits from two words. */
const mlirUnit = (name: string, high: number): ReadonlyArray<string> => [
  `%${name}_high = arith.shrui %r#${high}, %five : i32`,
  `%${name}_low = arith.shrui %r#${high + 1}, %six : i32`,
  `%${name}_first = arith.uitofp %${name}_high : i32 to f64`,
  `%${name}_second = arith.uitofp %${name}_low : i32 to f64`,
  `%${name}_scaled = arith.mulf %${name}_first, %lift : f64`,
  `%${name}_sum = arith.addf %${name}_scaled, %${name}_second : f64`,
  `%${name} = arith.mulf %${name}_sum, %drop : f64`,
];

const MLIR_UNITS = [
  "%five = arith.constant 5 : i32",
  "%six = arith.constant 6 : i32",
  "%lift = arith.constant 67108864.0 : f64",
  `%drop = arith.constant ${inverse(53)} : f64`,
];

const mlirLines = (op: Draw, dtype: Dtype): ReadonlyArray<string> => {
  const type = mlirType(dtype);
  if (op === "random_bits") {
    if (dtype === "bool") return ["%made = arith.trunci %r#0 : i32 to i1"];
    if (dtypeInfo(dtype).bits < 32) return [`%made = arith.trunci %r#0 : i32 to ${type}`];
    const wide = [
      "%half = arith.constant 32 : i64",
      "%low = arith.extui %r#0 : i32 to i64",
      "%high = arith.extui %r#1 : i32 to i64",
      "%raised = arith.shli %high, %half : i64",
    ];
    return dtypeInfo(dtype).bits === 64 ? [...wide, "%made = arith.ori %raised, %low : i64"] : [
      "%zero = arith.constant 0 : i32",
      "%made = arith.ori %r#0, %zero : i32",
    ];
  }
  const narrowed = (name: string) =>
    dtype === "f64"
      ? [`%none = arith.constant 0.0 : f64`, `%made = arith.addf ${name}, %none : f64`]
      : [`%made = arith.truncf ${name} : f64 to ${type}`];
  if (op === "random_normal") {
    return [
      ...MLIR_UNITS,
      ...mlirUnit("u", 0),
      ...mlirUnit("v", 2),
      "%one = arith.constant 1.0 : f64",
      "%minus_two = arith.constant -2.0 : f64",
      `%turn = arith.constant ${TWO_PI} : f64`,
      "%rest = arith.subf %one, %u : f64",
      "%logarithm = math.log %rest : f64",
      "%square = arith.mulf %minus_two, %logarithm : f64",
      "%radius = math.sqrt %square : f64",
      "%angle = arith.mulf %turn, %v : f64",
      "%cosine = math.cos %angle : f64",
      "%normal = arith.mulf %radius, %cosine : f64",
      ...narrowed("%normal"),
    ];
  }
  const bits = significant(dtype);
  if (bits > 32) return [...MLIR_UNITS, ...mlirUnit("u", 0), ...narrowed("%u")];
  return [
    `%count = arith.constant ${32 - bits} : i32`,
    "%kept = arith.shrui %r#0, %count : i32",
    "%number = arith.uitofp %kept : i32 to f64",
    `%unit = arith.constant ${inverse(bits)} : f64`,
    "%uniform = arith.mulf %number, %unit : f64",
    ...narrowed("%uniform"),
  ];
};

/** The function of MLIR that draws. */
export const mlirDraw = (op: Draw, dtype: Dtype): string =>
  `func.func private @${op}_${dtype}(%seed: i64, %n: i64, %stream: i32) -> ${mlirType(dtype)} {
  %r:4 = func.call @philox(%seed, %n, %stream) : (i64, i64, i32) -> (i32, i32, i32, i32)
${mlirLines(op, dtype).map((line) => `  ${line}`).join("\n")}
  return %made : ${mlirType(dtype)}
}`;
