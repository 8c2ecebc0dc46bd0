/**
 * Coefficients: the polynomials and constants of the vector math.
 *
 * Not typed in: computed to 256 bits from their definitions (tests/plugins/backends/cpu/fits.ts), as the polynomials that
 * meet the function at the Chebyshev nodes; a test computes them again.
 * Invariant: coefficients run from the constant term on.
 *
 * @module
 */

/** (eʳ − 1 − r) / r² for |r| ≤ ½·ln 2. */
export const EXP_F32: ReadonlyArray<number> = [
  0.5,
  0.1666666716337204,
  0.041666463017463684,
  0.00833331048488617,
  0.0013933900045230985,
  0.0001989126903936267,
];

/** (eʳ − 1 − r) / r² for |r| ≤ ½·ln 2. */
export const EXP_F64: ReadonlyArray<number> = [
  0.5,
  0.1666666666666667,
  0.04166666666666667,
  0.008333333333325973,
  0.0013888888888883807,
  0.0001984126987538548,
  0.000024801587325623142,
  0.0000027557254685728803,
  2.7557273404374167e-7,
  2.5105513541847086e-8,
  2.0914817010891847e-9,
];

/** (ln((1+s)/(1−s)) − 2s) / s³ in z = s², for s up to (√2−1)/(√2+1). */
export const LOG_F32: ReadonlyArray<number> = [
  0.6666668653488159,
  0.3998877704143524,
  0.29580047726631165,
];

/** (ln((1+s)/(1−s)) − 2s) / s³ in z = s², for s up to (√2−1)/(√2+1). */
export const LOG_F64: ReadonlyArray<number> = [
  0.666666666666667,
  0.39999999999899444,
  0.28571428626001666,
  0.22222211130532482,
  0.1818288943535776,
  0.15331711303161327,
  0.1461657687664062,
];

/** The same less ⅔, over z: for the logarithm of twice the precision. */
export const LOG_REST: ReadonlyArray<number> = [
  0.4,
  0.28571428571428564,
  0.2222222222222843,
  0.18181818179657003,
  0.1538461576115861,
  0.13333296535358816,
  0.11766813080461375,
  0.10456328187208506,
  0.10762416043619859,
];

/** (sin r − r) / r³ in z = r², for |r| ≤ π/4. */
export const SIN: ReadonlyArray<number> = [
  -0.16666666666666666,
  0.008333333333330887,
  -0.0001984126983666588,
  0.000002755731605459367,
  -2.505112187513078e-8,
  1.591741283443017e-10,
];

/** (cos r − 1 + z/2) / z² in z = r², for |r| ≤ π/4. */
export const COS: ReadonlyArray<number> = [
  0.041666666666666664,
  -0.0013888888888887359,
  0.0000248015872987077,
  -2.755731724172761e-7,
  2.0876140031366685e-9,
  -1.1382184213053097e-11,
];

/** erf(x)/x − 1 in z = x², for |x| ≤ 1. */
export const ERF_F32: ReadonlyArray<number> = [
  0.12837916612625122,
  -0.3761262595653534,
  0.11283594369888306,
  -0.02685421146452427,
  0.005189087241888046,
  -0.000801686430349946,
  0.00007875874871388078,
];

/** erf(x)/x − 1 in z = x², for |x| ≤ 1. */
export const ERF_F64: ReadonlyArray<number> = [
  0.12837916709551256,
  -0.37612638903183543,
  0.11283791670945006,
  -0.02686617064323777,
  0.005223977607116419,
  -0.0008548325975389542,
  0.00012055294904835799,
  -0.000014924736907352726,
  0.000001644742470257006,
  -1.62084837966324e-7,
  1.3720064525838228e-8,
  -7.795898790613752e-10,
];

/** e^(x²)·(1 − erf x) in u = (x−2)/(x+2), for 1 ≤ x ≤ 4. */
export const ERFCX_4: ReadonlyArray<number> = [
  0.25539568066596985,
  -0.427185982465744,
  0.24165819585323334,
  -0.07896830886602402,
  0.0037323718424886465,
  0.006811140105128288,
  -0.0008379754144698381,
];

/** The same for 1 ≤ x ≤ 6. */
export const ERFCX_6: ReadonlyArray<number> = [
  0.2553956763105057,
  -0.4271858474139585,
  0.24165819424248763,
  -0.07897858101571269,
  0.0037328924016564484,
  0.006997461739200575,
  -0.0008471431229415333,
  -0.0009819771114740715,
  0.00004355265359817883,
  0.00017436477257256738,
  0.000027560352756678313,
  -0.000027640727821912852,
  -0.000014166339069117108,
  0.000001859427387429402,
  0.000004146302183268488,
  -2.22812957637235e-7,
];

/** π/2 in parts of 33 bits, so that multiples up to 2²⁰ are exact, and the rest. */
export const HALF_PI: ReadonlyArray<number> = [
  1.5707963267341256,
  6.077100506303966e-11,
  2.0222662487111665e-21,
  8.4784276603689e-32,
];

/** π/2 as a double and the rest. */
export const HALF_PI_PAIR: ReadonlyArray<number> = [
  1.5707963267948966,
  6.123233995736766e-17,
];

/** ln 2 in a part of 32 bits, so that multiples up to 2²¹ are exact, and the rest. */
export const LN2_F64: ReadonlyArray<number> = [
  0.6931471803691238,
  1.9082149292705877e-10,
];

/** ln 2 as 355/512, of which multiples up to 2¹⁵ are exact in f32, and the rest. */
export const LN2_F32: ReadonlyArray<number> = [
  0.693359375,
  -0.00021219444170128554,
];

/** The first bits of 2/π, in words of 32. */
export const TWO_OVER_PI: ReadonlyArray<number> = [
  0xa2f9836e,
  0x4e441529,
  0xfc2757d1,
  0xf534ddc0,
  0xdb629599,
  0x3c439041,
  0xfe5163ab,
  0xdebbc561,
  0xb7246e3a,
  0x424dd2e0,
  0x06492eea,
  0x09d1921c,
  0xfe1deb1c,
  0xb129a73e,
  0xe88235f5,
  0x2ebb4484,
  0xe99c7026,
  0xb45f7e41,
  0x3991d639,
  0x835339f4,
  0x9c845f8b,
  0xbdf9283b,
  0x1ff897ff,
  0xde05980f,
  0xef2f118b,
  0x5a0a6d1f,
  0x6d367ecf,
  0x27cb09b7,
  0x4f463f66,
  0x9e5fea2d,
  0x7527bac7,
  0xebe5f17b,
  0x3d0739f7,
  0x8a5292ea,
  0x6bfb5fb1,
  0x1f8d5d08,
  0x56033046,
  0xfc7b6bab,
  0xf0cfbc20,
  0x9af4361d,
];
