/**
 * OpenBLAS: the CPU backend with its larger products computed by a native library, in the program's own memory.
 *
 * Not a second compiler: everything but products runs as on `cpu`, and what is too small for a call stays there.
 * Invariant: no tensor is copied for the library; under `strict` numerics it is not called at all.
 *
 * @module
 */
import * as Effect from "effect/Effect";
import type { Backend, CompileOptions, Probe } from "../contract.ts";
import { cpuBackendWith, type CpuVariant } from "../cpu/backend.ts";
import {
  type ExternalProduct,
  type Layout,
  layoutOf,
  type Multiplier,
  type Multiply,
} from "../cpu/printer/external.ts";
import { backendAbsent } from "../failures.ts";
import { type OpenBlas, openOpenBlas } from "../platform/openblas.ts";

const ID = "openblas";

/** Fewest multiplications of a product that is worth a call. */
export const FEWEST_MULTIPLICATIONS: number = 16 ** 3;

const REMEDY = "install OpenBLAS (Debian: libopenblas0-pthread) and allow ffi";

let opened: ReturnType<typeof openOpenBlas> | undefined;

const library = (): ReturnType<typeof openOpenBlas> => opened ??= openOpenBlas();

/** Offsets, in elements, of left, right and result in every batch. */
const batchesOf = ({ batch, left, right, result }: ExternalProduct): ReadonlyArray<readonly [number, number, number]> =>
  batch.reduce<ReadonlyArray<readonly [number, number, number]>>(
    (offsets, extent, axis) =>
      offsets.flatMap(([a, b, c]) =>
        Array.from(
          { length: extent },
          (_, i) => [a + i * left.batch[axis], b + i * right.batch[axis], c + i * result.batch[axis]] as const,
        )
      ),
    [[0, 0, 0]],
  );

/** A product of one batch, operands and result at addresses. */
type Once = (left: number, right: number, result: number) => void;

const matrixTimesMatrix = (blas: OpenBlas, product: ExternalProduct): Once => {
  const { kind, m, n, k } = product;
  const gemm = kind === "f64" ? blas.dgemm : blas.sgemm;
  const left = layoutOf(product.left, m, k) as Layout;
  const right = layoutOf(product.right, k, n) as Layout;
  const result = layoutOf(product.result, m, n) as Layout;
  // A result that lies transposed is the product of the transposed operands in the other order.
  return result.transposed
    ? (a, b, c) =>
      gemm([n, m, k], [b, right.line, !right.transposed], [a, left.line, !left.transposed], [c, result.line])
    : (a, b, c) =>
      gemm([m, n, k], [a, left.line, left.transposed], [b, right.line, right.transposed], [c, result.line]);
};

/** y = A·x where A lies as rows or columns: sizes are those of what lies in memory. */
const sizesOf = (rows: number, columns: number, { transposed }: Layout): readonly [number, number] =>
  transposed ? [columns, rows] : [rows, columns];

const matrixTimesVector = (blas: OpenBlas, { kind, m, k, left, right, result }: ExternalProduct): Once => {
  const gemv = kind === "f64" ? blas.dgemv : blas.sgemv;
  const layout = layoutOf(left, m, k) as Layout;
  const sizes = sizesOf(m, k, layout);
  return (a, b, c) => gemv(sizes, [a, layout.line, layout.transposed], [b, right.row], [c, result.row]);
};

const vectorTimesMatrix = (blas: OpenBlas, { kind, n, k, left, right, result }: ExternalProduct): Once => {
  const gemv = kind === "f64" ? blas.dgemv : blas.sgemv;
  const layout = layoutOf(right, k, n) as Layout;
  const sizes = sizesOf(k, n, layout);
  return (a, b, c) => gemv(sizes, [b, layout.line, !layout.transposed], [a, left.column], [c, result.column]);
};

/** What computes a product of one batch. A vector whose elements do not follow each other is a matrix of one line. */
const onceOf = (blas: OpenBlas, product: ExternalProduct): Once => {
  const { m, n, left, right, result } = product;
  if (m === 1 && left.column >= 1 && result.column >= 1) return vectorTimesMatrix(blas, product);
  if (n === 1 && right.row >= 1 && result.row >= 1) return matrixTimesVector(blas, product);
  return matrixTimesMatrix(blas, product);
};

/** One product of a program: a call of the library for every batch. */
const callOf = (blas: OpenBlas, base: number, product: ExternalProduct): Once => {
  const once = onceOf(blas, product);
  const bytes = product.kind === "f64" ? 8 : 4;
  const batches = batchesOf(product).map((offsets) => offsets.map((offset) => base + offset * bytes));
  return (a, b, c) => {
    for (const [i, j, r] of batches) once(a + i, b + j, c + r);
  };
};

const multiplierOf = (blas: OpenBlas, { threads = 1 }: CompileOptions): Multiplier => ({
  id: `${ID} ${threads}`,
  fewest: FEWEST_MULTIPLICATIONS,
  bind: (memory, products): Multiply => {
    const base = blas.addressOf(memory.buffer);
    const calls = products.map((product) => callOf(blas, base, product));
    let set = 0;
    return (index, a, b, c) => {
      if (set !== threads) blas.threads(set = threads);
      calls[index](a, b, c);
    };
  },
});

const variantOf = (blas: OpenBlas): CpuVariant => ({
  id: ID,
  doc: "the CPU compiler with its products computed by OpenBLAS",
  name: blas.config,
  features: ["native-products"],
  multiplier: (options) => multiplierOf(blas, options),
});

const probe: Effect.Effect<Probe> = Effect.suspend(() => {
  const blas = library();
  if (!("absent" in blas)) return cpuBackendWith(variantOf(blas)).probe;
  return Effect.succeed({ devices: [], absence: { backend: ID, reason: blas.absent, remedy: REMEDY } });
});

/** The CPU compiler with OpenBLAS. */
export const openBlasBackend: Backend = {
  id: ID,
  doc: "the CPU compiler with its products computed by OpenBLAS; native code",
  probe,
  unsupported: () => [],
  compile: (program, options = {}) =>
    Effect.suspend(() => {
      const blas = library();
      return "absent" in blas
        ? Effect.fail(backendAbsent({ backend: ID, reason: `${blas.absent} (${REMEDY})` }))
        : cpuBackendWith(variantOf(blas)).compile(program, options);
    }),
};
