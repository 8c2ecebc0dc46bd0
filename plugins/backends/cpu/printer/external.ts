/**
 * External: products that somebody else computes in the program's memory, such as a native library. Between the kernels
 * of a program an imported function is called with the addresses of operands and result.
 *
 * Not the library (../../openblas).
 * Invariant: a product is handed out only when its operands and result lie as rows or columns without gaps between
 * elements; what follows it (bias, activation, residual) stays in the program and reads the sums from its workspace.
 *
 * @module
 */
import type { ModuleBuilder } from "../wasm/assembler.ts";
import type { Code, Func, Local } from "../wasm/code.ts";
import type { Product } from "../wasm/gemm.ts";
import { aligned, type Kernel, type Phase } from "../wasm/kernel.ts";
import type { MatrixResult } from "../wasm/tile.ts";

/** A product for somebody else: sizes, and strides in elements. */
export interface ExternalProduct {
  /** Element type of operands and sums. */
  readonly kind: "f32" | "f64";
  /** Sizes of the batch axes. */
  readonly batch: ReadonlyArray<number>;
  /** Rows of the left operand and of the result. */
  readonly m: number;
  /** Columns of the right operand and of the result. */
  readonly n: number;
  /** Terms of each sum. */
  readonly k: number;
  /** Where the left operand's elements lie. */
  readonly left: MatrixResult;
  /** Where the right operand's elements lie. */
  readonly right: MatrixResult;
  /** Where the sums go. */
  readonly result: MatrixResult;
}

/** Computes a product by its number, operands and result at byte addresses. */
export type Multiply = (product: number, left: number, right: number, result: number) => void;

/** Somebody who computes products in a program's memory. */
export interface Multiplier {
  /** What is added to a program's key, so that programs printed for different ones are kept apart. */
  readonly id: string;
  /** Fewest multiplications that are worth a call. */
  readonly fewest: number;
  /** Begins to serve a program: its memory, which does not move, and its products. */
  readonly bind: (memory: WebAssembly.Memory, products: ReadonlyArray<ExternalProduct>) => Multiply;
}

/** The import of a module that calls a multiplier. */
export const EXTERNAL_MODULE = "external";

/** The name of the function in it. */
export const EXTERNAL_FUNCTION = "multiply";

/** A multiplier as the printer knows it. */
export interface Externals {
  /** The imported function. */
  readonly func: Func;
  /** Fewest multiplications that are worth a call. */
  readonly fewest: number;
  /** Products handed out so far. */
  readonly products: ExternalProduct[];
}

/** Declares the import; before any function of the module. */
export const importExternals = (module: ModuleBuilder, fewest: number): Externals => ({
  func: module.importFunction(EXTERNAL_MODULE, EXTERNAL_FUNCTION, ["i32", "i32", "i32", "i32"], []),
  fewest,
  products: [],
});

/** How a matrix lies for a library that knows rows and columns: as it is or transposed, and the distance of lines. */
export interface Layout {
  /** Whether its columns lie together instead of its rows. */
  readonly transposed: boolean;
  /** Elements from one line to the next. */
  readonly line: number;
}

/** How a matrix of some sizes lies; undefined where neither rows nor columns lie together. */
export const layoutOf = (
  { row, column }: Pick<MatrixResult, "row" | "column">,
  rows: number,
  columns: number,
): Layout | undefined => {
  if ((column === 1 || columns === 1) && (rows === 1 || row >= columns)) {
    return { transposed: false, line: rows === 1 ? columns : row };
  }
  if ((row === 1 || rows === 1) && (columns === 1 || column >= rows)) {
    return { transposed: true, line: columns === 1 ? rows : column };
  }
  return undefined;
};

/** Whether a product is handed out. */
export const isExternal = ({ fewest }: Externals, product: Product): boolean => {
  const { kind, m, n, k, left, right, result, epilogue, accumulate } = product;
  if ((kind !== "f32" && kind !== "f64") || accumulate === true || m * n * k < fewest) return false;
  if (left.load !== undefined || left.element !== undefined) return false;
  if (right.load !== undefined || right.element !== undefined) return false;
  return layoutOf(left, m, k) !== undefined && layoutOf(right, k, n) !== undefined &&
    (epilogue !== undefined || layoutOf(result, m, n) !== undefined);
};

/** A result of its own, row after row. */
const denseResult = (batch: ReadonlyArray<number>, m: number, n: number): MatrixResult => {
  let stride = m * n;
  const strides = batch.map(() => 0);
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= batch[axis];
  }
  return { batch: strides, row: n, column: 1 };
};

const stridesOf = ({ batch, row, column }: MatrixResult): MatrixResult => ({ batch, row, column });

/** Writes what follows a product for one row of its sums, which lie in the workspace. */
const writeRow = (
  code: Code,
  product: Product,
  { chunk, result, workspace, pointers }: {
    readonly chunk: Local;
    readonly result: Local;
    readonly workspace: Local;
    readonly pointers: ReadonlyArray<Local>;
  },
): void => {
  const { kind, batch, m, n, epilogue } = product;
  const [lanes, bytes] = kind === "f64" ? [2, 8] : [4, 4];
  const row = code.get(chunk).i32(m).op("i32.rem_u").keep("i32");
  const rest = code.get(chunk).i32(m).op("i32.div_u").keep("i32");
  const places: Local[] = [];
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    places.unshift(code.get(rest).i32(batch[axis]).op("i32.rem_u").keep("i32"));
    code.get(rest).i32(batch[axis]).op("i32.div_u").set(rest);
  }
  const at = code.get(chunk).i32(n * bytes).op("i32.mul").get(workspace).op("i32.add").keep("i32");
  const column = code.local("i32");
  const write = (count: number): void => {
    code.get(column).i32(bytes).op("i32.mul").get(at).op("i32.add").memory("v128.load");
    const sums = code.keep("v128");
    epilogue!.write(code, sums, {
      batch: places,
      row,
      rowOffset: 0,
      column,
      columnOffset: 0,
      lanes: count,
      base: result,
      pointers,
    });
    code.release(sums);
  };
  const whole = n - n % lanes;
  code.each(column, 0, whole, lanes, () => write(lanes));
  if (whole < n) {
    code.i32(whole).set(column);
    write(n - whole);
  }
  code.release(column, at, rest, row, ...places);
};

const VECTOR_BYTES = 16;

/** The kernel of a product that is handed out. */
export const emitExternal = (module: ModuleBuilder, externals: Externals, product: Product): Kernel => {
  const { kind, batch, m, n, k, left, right, epilogue, pointers = 0 } = product;
  const rows = batch.reduce((count, extent) => count * extent, m);
  const index = externals.products.push({
    kind: kind as "f32" | "f64",
    batch,
    m,
    n,
    k,
    left: stridesOf(left),
    right: stridesOf(right),
    result: epilogue === undefined ? stridesOf(product.result) : denseResult(batch, m, n),
  }) - 1;
  const parameters = Array.from({ length: 6 + pointers }, () => "i32" as const);
  const name = `external ${index}`;
  const multiply = module.function(name, parameters, [], (code, _chunk, from, by, to, workspace) => {
    code.i32(index).get(from).get(by).get(epilogue === undefined ? to : workspace).call(externals.func);
  });
  const phases: Phase[] = [{ func: multiply, chunks: 1 }];
  if (epilogue === undefined) return { name, phases, workspaceBytes: 0, threadBytes: 0 };
  const after = module.function(
    `${name} epilogue`,
    parameters,
    [],
    (code, chunk, _from, _by, result, workspace, _thread, ...given) =>
      writeRow(code, product, { chunk, result, workspace, pointers: given }),
  );
  phases.push({ func: after, chunks: rows });
  const sums = rows * n * (kind === "f64" ? 8 : 4);
  return { name, phases, workspaceBytes: aligned(sums + VECTOR_BYTES), threadBytes: 0 };
};
