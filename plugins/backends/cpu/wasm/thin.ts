/**
 * Thin products: a few rows by a matrix, or a matrix by a few columns. They are bound by memory, so the matrix is read
 * once, in the order in which it lies.
 *
 * Not for operands with a prologue, nor where the matrix lies across (gemm.ts takes those).
 * Invariant: the split of sums is fixed by the sizes: results do not depend on who runs a chunk.
 *
 * @module
 */
import type { ModuleBuilder } from "./assembler.ts";
import { batchBase, batchIndices } from "./batch.ts";
import type { Code, Local, ValueType } from "./code.ts";
import type { Product } from "./product.ts";
import { aligned, type Kernel } from "./kernel.ts";
import { multiplyAdd, type Unit, UNITS } from "./numbers.ts";
import { type ResultPlace, storeSums } from "./tile.ts";

/** Most rows, or columns, of a thin product. */
export const THIN = 4;
/** Fewest elements of the matrix for which it is worth a kernel of its own. */
const MATRIX_ELEMENTS = 8192;
/** Columns of a chunk: one page of binary32, and their sums stay in the first cache. */
const CHUNK_COLUMNS = 4096;
/** Rows, or columns, of a chunk of dot products. */
const CHUNK_DOTS = 64;
/**
 * Rows of the matrix that are added to the sums in one pass over them, by the product's rows. One stream through memory
 * is fastest; with more rows of the product, passes over their sums cost more than that gains.
 */
const STREAMED_TERMS: ReadonlyArray<number> = [1, 1, 2, 4, 8];
/** Vectors of a row that one round of a pass takes. */
const STREAM_UNROLL = 4;
/** Vectors of each operand that are multiplied in one round of a dot product, each into a sum of its own, by lines. */
const DOT_UNROLL: ReadonlyArray<number> = [8, 8, 4, 2, 2];
/** Bytes of which processors compare the places of loads and stores. */
const PAGE = 4096;

type Way = "stream" | "dots by column" | "dots by row";

/** How a product is thin, where it is. */
export const thinness = (product: Product): Way | undefined => {
  const { m, n, k, left, right, kind } = product;
  const plain = (operand: Product["left"]): boolean =>
    operand.load === undefined && operand.element === undefined && operand.row >= 0 && operand.column >= 0;
  if (kind === "i16pair" || !plain(left) || !plain(right) || product.tuning !== undefined) return undefined;
  if (k * Math.max(m, n) < MATRIX_ELEMENTS || k < DOT_UNROLL[1] * UNITS[kind].lanes) return undefined;
  if (m <= THIN && n >= UNITS[kind].lanes && right.column === 1 && right.row !== 1) return "stream";
  if (left.column !== 1 || right.row !== 1) return undefined;
  if (m <= THIN) return "dots by column";
  return n <= THIN ? "dots by row" : undefined;
};

const I32S = (count: number): ReadonlyArray<ValueType> => Array.from({ length: count }, () => "i32");

interface Chunk {
  readonly code: Code;
  readonly batch: ReadonlyArray<Local>;
  readonly left: Local;
  readonly right: Local;
  readonly result: Local;
  readonly thread: Local;
  readonly pointers: ReadonlyArray<Local>;
  /** The first row or column of the chunk. */
  readonly first: Local;
}

const finish = (product: Product, unit: Unit, code: Code, sums: Local, place: ResultPlace): void => {
  if (product.epilogue !== undefined) product.epilogue.write(code, sums, place);
  else storeSums(code, { unit, result: product.result, accumulate: product.accumulate ?? false }, sums, place);
};

/** One kernel whose chunks are blocks of rows or columns of one batch. */
const chunked = (
  module: ModuleBuilder,
  product: Product,
  shape: { readonly blocks: number; readonly size: number; readonly threadBytes: number },
  body: (chunk: Chunk) => void,
): Kernel => {
  const unit = UNITS[product.kind];
  const pointerCount = product.pointers ?? 0;
  const name = `thin product ${[...product.batch, product.m].join("x")}x${product.k}x${product.n}`;
  const func = module.function(name, I32S(6 + pointerCount), [], (code, ...locals) => {
    const [chunk, leftBase, rightBase, result, , thread] = locals;
    const flat = code.get(chunk).i32(shape.blocks).op("i32.div_u").keep("i32");
    const first = code.get(chunk).i32(shape.blocks).op("i32.rem_u").times(shape.size).keep("i32");
    const batch = batchIndices(code, flat, product.batch);
    body({
      code,
      batch,
      left: batchBase(code, leftBase, batch, product.left.batch, unit.bytes),
      right: batchBase(code, rightBase, batch, product.right.batch, unit.bytes),
      result,
      thread,
      pointers: locals.slice(6),
      first,
    });
  });
  const batches = product.batch.reduce((count, size) => count * size, 1);
  return {
    name,
    phases: [{ func, chunks: batches * shape.blocks }],
    workspaceBytes: 0,
    threadBytes: shape.threadBytes,
  };
};

/** Leaves min(local + size, end). */
const bounded = (code: Code, from: Local, size: number, end: number): Code => {
  const next = code.get(from).plus(size).keep("i32");
  code.get(next).i32(end).get(next).i32(end).op("i32.lt_s").select("i32");
  code.release(next);
  return code;
};

/** Adds some rows of the matrix, each by its factors, to the sums of all rows of the product. */
const streamRows = (product: Product, unit: Unit, c: Chunk, at: {
  readonly row: Local;
  readonly factor: Local;
  readonly vectorBytes: Local;
  readonly terms: number;
  readonly sumsBytes: number;
}): void => {
  const { code } = c;
  const { m } = product;
  const factors = Array.from({ length: m }, (_, i) =>
    Array.from({ length: at.terms }, (_, t) => {
      code.get(at.factor).memory(unit.loadSplat, (i * product.left.row + t * product.left.column) * unit.bytes);
      return code.keep("v128");
    }));
  const [from, to, end, value] = [code.local("i32"), code.local("i32"), code.local("i32"), code.local("v128")];
  const sums = Array.from({ length: m }, () => code.local("v128"));
  const vector = (at16: number): void => {
    sums.forEach((one, i) => code.get(to).memory("v128.load", i * at.sumsBytes + at16).set(one));
    for (let t = 0; t < at.terms; t++) {
      code.get(from).memory("v128.load", t * product.right.row * unit.bytes + at16).set(value);
      sums.forEach((one, i) => multiplyAdd(code, unit, product.fused, { left: factors[i][t], right: value, sum: one }));
    }
    sums.forEach((one, i) => code.get(to).get(one).memory("v128.store", i * at.sumsBytes + at16));
  };
  const rounds = (vectors: number, bytes: () => void): void => {
    bytes();
    code.get(to).op("i32.add").set(end);
    code.get(to).get(end).op("i32.ne").when(() =>
      code.loop((again) => {
        for (let i = 0; i < vectors; i++) vector(i * 16);
        code.advance(from, vectors * 16);
        code.get(to).plus(vectors * 16).tee(to).get(end).op("i32.ne").branchIf(again);
      })
    );
  };
  code.get(at.row).set(from).get(c.thread).set(to);
  const round = STREAM_UNROLL * 16;
  rounds(STREAM_UNROLL, () => code.get(at.vectorBytes).i32(-round).op("i32.and"));
  rounds(1, () => code.get(at.vectorBytes).i32(round - 1).op("i32.and"));
  code.release(from, to, end, value, ...sums, ...factors.flat());
};

/**
 * Moves the sums to half a page from the matrix's rows, by place within a page: where a load and an earlier store agree
 * in those bits, processors take them for the same address and wait.
 */
const apartFromMatrix = (code: Code, c: Chunk): void => {
  code.get(c.right).get(c.thread).op("i32.sub").plus(PAGE / 2).i32(PAGE - 16).op("i32.and");
  code.get(c.thread).op("i32.add").set(c.thread);
};

/** Rows of the matrix are neighbours along the columns: they are streamed, a few at a time, over sums in the cache. */
const emitStream = (module: ModuleBuilder, product: Product): Kernel => {
  const { m, n, k } = product;
  const unit = UNITS[product.kind];
  const size = Math.min(CHUNK_COLUMNS, Math.ceil(n / unit.lanes) * unit.lanes);
  const sumsBytes = size * unit.bytes;
  return chunked(
    module,
    product,
    { blocks: Math.ceil(n / size), size, threadBytes: aligned(m * sumsBytes) + PAGE },
    (c) => {
      const { code } = c;
      const columnEnd = bounded(code, c.first, size, n).keep("i32");
      // The last vector may reach past the columns: sums have room for it, and operands promise theirs.
      code.get(columnEnd).get(c.first).op("i32.sub").plus(unit.lanes - 1).i32(-unit.lanes).op("i32.and");
      const vectorBytes = code.times(unit.bytes).keep("i32");
      apartFromMatrix(code, c);
      code.get(c.thread).i32(0).i32(m * sumsBytes).memoryFill();
      const row = code.get(c.right).get(c.first).times(unit.bytes).op("i32.add").keep("i32");
      const factor = code.get(c.left).keep("i32");
      const counter = code.local("i32");
      const pass = (terms: number): void => {
        streamRows(product, unit, c, { row, factor, vectorBytes, terms, sumsBytes });
        code.advance(row, terms * product.right.row * unit.bytes);
        code.advance(factor, terms * product.left.column * unit.bytes);
      };
      const terms = STREAMED_TERMS[m];
      const whole = k - k % terms;
      code.each(counter, 0, whole, terms, () => pass(terms));
      if (k > whole) pass(k - whole);
      finishStream(product, unit, c, { columnEnd, sumsBytes });
    },
  );
};

const finishStream = (product: Product, unit: Unit, c: Chunk, at: {
  readonly columnEnd: Local;
  readonly sumsBytes: number;
}): void => {
  const { code } = c;
  const [row, column, from, value] = [code.local("i32"), code.local("i32"), code.local("i32"), code.local("v128")];
  const rest = product.n % unit.lanes;
  const use = (lanes: number): void => {
    code.get(from).memory("v128.load").set(value);
    finish(product, unit, code, value, {
      batch: c.batch,
      row,
      rowOffset: 0,
      column,
      columnOffset: 0,
      lanes,
      base: c.result,
      pointers: c.pointers,
    });
  };
  code.each(row, 0, product.m, 1, () => {
    code.get(c.thread).get(row).times(at.sumsBytes).op("i32.add").set(from);
    code.get(c.first).set(column);
    code.loop((again) => {
      if (rest === 0) use(unit.lanes);
      else {
        code.get(column).i32(product.n - rest).op("i32.lt_s").when(() => use(unit.lanes), () => use(rest));
      }
      code.advance(from, 16);
      code.get(column).plus(unit.lanes).tee(column).get(at.columnEnd).op("i32.lt_s").branchIf(again);
    });
  });
};

/** Leaves the vector at an address, of which `valid` lanes count and the rest are zeros. */
const loadValid = (code: Code, unit: Unit, at: Local, offset: number, valid: number): void => {
  if (valid === unit.lanes) {
    code.get(at).memory("v128.load", offset);
    return;
  }
  code.get(at).memory(unit.bytes === 4 ? "v128.load32_zero" : "v128.load64_zero", offset);
  for (let lane = 1; lane < valid; lane++) {
    const value = code.keep("v128");
    code.get(at).get(value).lane(
      unit.bytes === 4 ? "v128.load32_lane" : "v128.load64_lane",
      lane,
      offset + lane * unit.bytes,
    );
    code.release(value);
  }
};

/**
 * Dot products of one line of the matrix with a few lines, all of whose terms are neighbours; leaves a vector for each
 * whose lanes are still to be added up. One line at a time: one stream through memory is faster than several.
 */
const dotLine = (code: Code, at: {
  readonly unit: Unit;
  readonly fused: boolean;
  readonly terms: number;
  /** Address of the line. */
  readonly line: Local;
  /** Address of the first of the few. */
  readonly few: Local;
  readonly count: number;
  /** Bytes from one of the few to the next. */
  readonly apart: number;
}): ReadonlyArray<Local> => {
  const { unit, terms, count } = at;
  const { bytes, lanes } = unit;
  const unroll = DOT_UNROLL[count];
  const sums = Array.from({ length: count }, () =>
    Array.from({ length: unroll }, () => {
      code.i32(0).op("i32x4.splat");
      return code.keep("v128");
    }));
  const [line, few] = [code.get(at.line).keep("i32"), code.get(at.few).keep("i32")];
  const step = (offset: number, valid: number, into: number): void => {
    loadValid(code, unit, line, offset, valid);
    const right = code.keep("v128");
    sums.forEach((own, i) => {
      loadValid(code, unit, few, i * at.apart + offset, valid);
      const left = code.keep("v128");
      multiplyAdd(code, unit, at.fused, { left, right, sum: own[into] });
      code.release(left);
    });
    code.release(right);
  };
  const whole = terms - terms % (unroll * lanes);
  const end = code.get(line).plus(whole * bytes).keep("i32");
  code.loop((again) => {
    for (let i = 0; i < unroll; i++) step(i * 16, lanes, i);
    code.advance(few, unroll * 16);
    code.get(line).plus(unroll * 16).tee(line).get(end).op("i32.ne").branchIf(again);
  });
  for (let i = whole; i < terms; i += lanes) step((i - whole) * bytes, Math.min(lanes, terms - i), 0);
  code.release(line, few, end);
  return sums.map(([first, ...others]) => {
    for (const other of others) code.get(first).get(other).op(unit.add).set(first);
    code.release(...others);
    return first;
  });
};

const SWAP_HALVES = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
const SWAP_PAIRS = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];

/** Adds up the lanes of a vector and puts the sum into one lane of another. Uses the vector up. */
const sumInto = (code: Code, unit: Unit, vector: Local, into: Local, lane: number): void => {
  for (const swap of unit.lanes === 4 ? [SWAP_HALVES, SWAP_PAIRS] : [SWAP_HALVES]) {
    code.get(vector).get(vector).get(vector).shuffle(swap).op(unit.add).set(vector);
  }
  // Every lane holds the sum now; one of them is kept.
  const bytes = Array.from({ length: 16 }, (_, i) => Math.floor(i / unit.bytes) === lane ? i + 16 : i);
  code.get(into).get(vector).shuffle(bytes).set(into);
  code.release(vector);
};

/** A few rows by a matrix whose columns are streamed, a vector's worth of them before any is stored. */
const emitDotsByColumn = (module: ModuleBuilder, product: Product): Kernel => {
  const { m, n, k, fused } = product;
  const unit = UNITS[product.kind];
  const { lanes, bytes } = unit;
  return chunked(module, product, { blocks: Math.ceil(n / CHUNK_DOTS), size: CHUNK_DOTS, threadBytes: 16 }, (c) => {
    const { code } = c;
    const end = bounded(code, c.first, CHUNK_DOTS, n).keep("i32");
    const [row, line] = [code.local("i32"), code.local("i32")];
    const values = Array.from({ length: m }, () => code.local("v128"));
    const some = (columns: number): void => {
      code.get(c.right).get(c.first).times(product.right.column * bytes).op("i32.add").set(line);
      for (let lane = 0; lane < columns; lane++) {
        const apart = product.left.row * bytes;
        const sums = dotLine(code, { unit, fused, terms: k, line, few: c.left, count: m, apart });
        sums.forEach((sum, i) => sumInto(code, unit, sum, values[i], lane));
        code.advance(line, product.right.column * bytes);
      }
      code.i32(0).set(row);
      values.forEach((value, rowOffset) => {
        const place = { batch: c.batch, row, rowOffset, column: c.first, columnOffset: 0, lanes: columns };
        finish(product, unit, code, value, { ...place, base: c.result, pointers: c.pointers });
      });
    };
    const rest = n % lanes;
    code.loop((again) => {
      if (rest === 0) some(lanes);
      else if (n < lanes) some(rest);
      else code.get(c.first).i32(n - rest).op("i32.lt_s").when(() => some(lanes), () => some(rest));
      code.get(c.first).plus(lanes).tee(c.first).get(end).op("i32.lt_s").branchIf(again);
    });
  });
};

/** A matrix by a few columns: its rows are streamed. */
const emitDotsByRow = (module: ModuleBuilder, product: Product): Kernel => {
  const { m, n, k, fused } = product;
  const unit = UNITS[product.kind];
  const { lanes, bytes } = unit;
  return chunked(module, product, { blocks: Math.ceil(m / CHUNK_DOTS), size: CHUNK_DOTS, threadBytes: 16 }, (c) => {
    const { code } = c;
    const end = bounded(code, c.first, CHUNK_DOTS, m).keep("i32");
    const line = code.get(c.left).get(c.first).times(product.left.row * bytes).op("i32.add").keep("i32");
    const column = code.local("i32");
    const values = Array.from({ length: Math.ceil(n / lanes) }, () => code.local("v128"));
    code.i32(0).set(column);
    code.loop((again) => {
      const apart = product.right.column * bytes;
      const sums = dotLine(code, { unit, fused, terms: k, line, few: c.right, count: n, apart });
      sums.forEach((sum, j) => sumInto(code, unit, sum, values[Math.floor(j / lanes)], j % lanes));
      values.forEach((value, vector) =>
        finish(product, unit, code, value, {
          batch: c.batch,
          row: c.first,
          rowOffset: 0,
          column,
          columnOffset: vector * lanes,
          lanes: Math.min(lanes, n - vector * lanes),
          base: c.result,
          pointers: c.pointers,
        })
      );
      code.advance(line, product.left.row * bytes);
      code.get(c.first).plus(1).tee(c.first).get(end).op("i32.lt_s").branchIf(again);
    });
  });
};

const WAYS: { readonly [W in Way]: (module: ModuleBuilder, product: Product) => Kernel } = {
  stream: emitStream,
  "dots by column": emitDotsByColumn,
  "dots by row": emitDotsByRow,
};

/** Writes a thin product. */
export const emitThin = (module: ModuleBuilder, product: Product, way: Way): Kernel => WAYS[way](module, product);
