/**
 * Platform: OpenBLAS through the foreign function interface of Deno.
 *
 * Not elsewhere: Node and browsers have no such interface without an addon.
 * Invariant: opening fails quietly with the reason; a call is a call of the library and nothing else.
 *
 * @module
 */

/** A library that was opened. */
export interface OpenBlas {
  /** What it says of itself: version, kernels, threads. */
  readonly config: string;
  /** Sets how many threads it may use. */
  readonly threads: (count: number) => void;
  /** The address of a buffer that does not move. */
  readonly addressOf: (buffer: ArrayBufferLike) => number;
  /** C = A·B of binary32 matrices in rows; addresses in memory. */
  readonly sgemm: Gemm;
  /** The same of binary64. */
  readonly dgemm: Gemm;
  /** y = A·x of binary32: for products with one row or one column, which the other is slow at. */
  readonly sgemv: Gemv;
  /** The same of binary64. */
  readonly dgemv: Gemv;
}

/** y = A·x by addresses: sizes of what lies in memory, whether it is meant transposed, and the distances of elements. */
export type Gemv = (
  sizes: readonly [rows: number, columns: number],
  a: readonly [address: number, line: number, transposed: boolean],
  x: readonly [address: number, step: number],
  y: readonly [address: number, step: number],
) => void;

/** C = A·B by addresses: sizes, whether A and B lie transposed, and the distances of their lines. */
export type Gemm = (
  sizes: readonly [m: number, n: number, k: number],
  a: readonly [address: number, line: number, transposed: boolean],
  b: readonly [address: number, line: number, transposed: boolean],
  c: readonly [address: number, line: number],
) => void;

/** Names under which systems have it. */
const NAMES: { readonly [os: string]: ReadonlyArray<string> } = {
  linux: ["libopenblas.so.0", "libopenblas.so"],
  darwin: ["libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"],
  windows: ["libopenblas.dll", "openblas.dll"],
};

const ROW_MAJOR = 101;
const AS_IT_IS = 111;
const TRANSPOSED = 112;

const gemm = (scalar: "f32" | "f64") =>
  ({
    parameters: [
      "i32",
      "i32",
      "i32",
      "i32",
      "i32",
      "i32",
      scalar,
      "usize",
      "i32",
      "usize",
      "i32",
      scalar,
      "usize",
      "i32",
    ],
    result: "void",
  }) as const;

const gemv = (scalar: "f32" | "f64") =>
  ({
    parameters: ["i32", "i32", "i32", "i32", scalar, "usize", "i32", "usize", "i32", scalar, "usize", "i32"],
    result: "void",
  }) as const;

const SYMBOLS = {
  cblas_sgemm: gemm("f32"),
  cblas_dgemm: gemm("f64"),
  cblas_sgemv: gemv("f32"),
  cblas_dgemv: gemv("f64"),
  openblas_set_num_threads: { parameters: ["i32"], result: "void" },
  openblas_get_config: { parameters: [], result: "pointer" },
} as const;

type Call = (
  order: number,
  transA: number,
  transB: number,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: bigint,
  lda: number,
  b: bigint,
  ldb: number,
  beta: number,
  c: bigint,
  ldc: number,
) => void;

const gemmOf = (call: Call): Gemm => ([m, n, k], [a, lda, ta], [b, ldb, tb], [c, ldc]) =>
  call(
    ROW_MAJOR,
    ta ? TRANSPOSED : AS_IT_IS,
    tb ? TRANSPOSED : AS_IT_IS,
    m,
    n,
    k,
    1,
    BigInt(a),
    lda,
    BigInt(b),
    ldb,
    0,
    BigInt(c),
    ldc,
  );

type CallVector = (
  order: number,
  trans: number,
  m: number,
  n: number,
  alpha: number,
  a: bigint,
  lda: number,
  x: bigint,
  incx: number,
  beta: number,
  y: bigint,
  incy: number,
) => void;

const gemvOf = (call: CallVector): Gemv => ([rows, columns], [a, line, transposed], [x, stepX], [y, stepY]) =>
  call(
    ROW_MAJOR,
    transposed ? TRANSPOSED : AS_IT_IS,
    rows,
    columns,
    1,
    BigInt(a),
    line,
    BigInt(x),
    stepX,
    0,
    BigInt(y),
    stepY,
  );

/** Opens the library; the reason where it cannot be opened. */
export const openOpenBlas = (): OpenBlas | { readonly absent: string } => {
  if (typeof Deno === "undefined" || Deno.dlopen === undefined) return { absent: "this runtime cannot call libraries" };
  const names = NAMES[Deno.build.os] ?? NAMES.linux;
  for (const name of names) {
    try {
      const { symbols } = Deno.dlopen(name, SYMBOLS);
      const config = symbols.openblas_get_config();
      return {
        config: config === null ? "OpenBLAS" : Deno.UnsafePointerView.getCString(config),
        threads: (count) => symbols.openblas_set_num_threads(count),
        addressOf: (buffer) =>
          Number(Deno.UnsafePointer.value(Deno.UnsafePointer.of(new Uint8Array(buffer as ArrayBuffer)))),
        sgemm: gemmOf(symbols.cblas_sgemm as unknown as Call),
        dgemm: gemmOf(symbols.cblas_dgemm as unknown as Call),
        sgemv: gemvOf(symbols.cblas_sgemv as unknown as CallVector),
        dgemv: gemvOf(symbols.cblas_dgemv as unknown as CallVector),
      };
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotCapable) return { absent: "this process may not call native libraries" };
    }
  }
  return { absent: `there is no ${names[0]}` };
};
