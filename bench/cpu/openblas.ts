/**
 * OpenBLAS through FFI, one thread: what hand-written native kernels reach on this machine.
 */
import { type Case, operandsOf } from "./cases.ts";
import { type Engine, type Prepared, type Started, starting } from "./engine.ts";

const ROW_MAJOR = 101;
const AS_IT_IS = 111;
const TRANSPOSED = 112;

/** Starts it. */
export const startOpenBlas = (): Promise<Started> =>
  // deno-lint-ignore require-await -- a library that is not there is a rejection
  starting("openblas", async (): Promise<Engine> => {
    const { symbols: blas } = Deno.dlopen("libopenblas.so.0", {
      // deno-fmt-ignore
      cblas_sgemm: {
        parameters: ["i32", "i32", "i32", "i32", "i32", "i32", "f32", "pointer", "i32", "pointer", "i32", "f32", "pointer", "i32"],
        result: "void",
      },
      // deno-fmt-ignore
      cblas_sgemv: {
        parameters: ["i32", "i32", "i32", "i32", "f32", "pointer", "i32", "pointer", "i32", "f32", "pointer", "i32"],
        result: "void",
      },
      openblas_set_num_threads: { parameters: ["i32"], result: "void" },
      openblas_get_config: { parameters: [], result: "pointer" },
    });
    blas.openblas_set_num_threads(1);
    const config = Deno.UnsafePointerView.getCString(blas.openblas_get_config()!);
    const prepare = ({ work }: Case): Prepared | undefined => {
      if (work.kind !== "gemm" && work.kind !== "gemv") return undefined;
      const n = work.side;
      const [a, b] = operandsOf(work);
      const c = new Float32Array(a.data.length);
      const [pa, pb, pc] = [a.data, b.data, c].map((data) => Deno.UnsafePointer.of(data));
      return {
        run: work.kind === "gemm"
          ? () => {
            blas.cblas_sgemm(ROW_MAJOR, AS_IT_IS, AS_IT_IS, n, n, n, 1, pa, n, pb, n, 0, pc, n);
            return c;
          }
          : () => {
            blas.cblas_sgemv(ROW_MAJOR, TRANSPOSED, n, n, 1, pb, n, pa, 1, 0, pc, 1);
            return c;
          },
      };
    };
    return { name: "openblas", version: config, portable: false, prepare };
  });
