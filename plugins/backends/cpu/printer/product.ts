/**
 * Product: a contraction as calls of the tile kernels, with what precedes it folded into packing and what follows into
 * the epilogue; small ones and those of dtypes without a tile as plain loops.
 *
 * Not the tiles (wasm/gemm.ts).
 * Invariant: the sums are those of the contraction, in one order whatever runs where.
 *
 * @module
 */
import type { Dtype } from "../../../ir/library.ts";
import { type Affine, type Axis, stepOf } from "../../codegen/affine.ts";
import type { Contraction, Expression, Statement } from "../../codegen/loops.ts";
import type { Expressions } from "../../codegen/expression.ts";
import type { Code, Local, MemoryInstruction } from "../wasm/code.ts";
import type { ModuleBuilder } from "../wasm/assembler.ts";
import { emitProduct, type Product } from "../wasm/gemm.ts";
import type { Kernel } from "../wasm/kernel.ts";
import type { UnitKind } from "../wasm/numbers.ts";
import type { ElementPlace, MatrixOperand } from "../wasm/pack.ts";
import type { Epilogue, MatrixResult, ResultPlace } from "../wasm/tile.ts";
import { emitExternal, isExternal } from "./external.ts";
import { LANES } from "./lanes.ts";
import { bytesOf } from "./scalar.ts";
import { canLanes, type KernelContext, KernelWriter } from "./writer.ts";

/** Up to this many multiplications plain loops are as good as tiles, and much less code. */
const FEW_MULTIPLICATIONS = 256;

/** Most expressions of an epilogue that is written out for every register of a tile. */
const MAX_INLINE = 12;

/** Turns of several axes. */
export const countOf = (axes: ReadonlyArray<Axis>): number => axes.reduce((count, { extent }) => count * extent, 1);

/** Kinds of tile by dtype. */
export const KINDS: { readonly [D in Dtype]?: UnitKind } = {
  f32: "f32",
  f64: "f64",
  i32: "i32",
  u32: "i32",
  i64: "i64",
  u64: "i64",
};

/** A contraction as loops that any printer can print. */
export const contractionLoops = (
  work: Contraction,
  pool: Expressions,
): ReadonlyArray<Statement> => {
  const { dtype } = work.accumulator;
  const zero = pool.zero(dtype);
  const loops = (axes: ReadonlyArray<Axis>, loop: "parallel" | "reduce", body: ReadonlyArray<Statement>) =>
    axes.reduceRight<ReadonlyArray<Statement>>(
      (inner, axis) => axis.extent === 1 ? inner : [{ kind: "for", axis, loop, body: inner }],
      body,
    );
  const { left, right } = work;
  // Where a window looks past its input nothing is added, not even nothing times an infinity.
  const product = right.kind === "guard" && right.otherwise === zero
    ? pool.guard(right.condition, pool.apply("mul", dtype, left, right.then), zero)
    : pool.apply("mul", dtype, left, right);
  return loops([...work.batch, ...work.rows, ...work.columns], "parallel", [
    { kind: "let", local: work.accumulator, value: zero },
    ...loops(work.sum, "reduce", [{ kind: "accumulate", local: work.accumulator, fold: "sum", value: product }]),
    ...work.epilogue,
  ]);
};

/** The step of several axes that move as one in an index; undefined where they do not. */
export const jointStep = (index: Affine, axes: ReadonlyArray<Axis>): number | undefined => {
  const moving = axes.filter(({ extent }) => extent !== 1);
  const steps = moving.map((axis) => stepOf(index, axis));
  for (let i = steps.length - 1; i > 0; i--) {
    if (steps[i] === undefined || steps[i - 1] !== steps[i]! * moving[i].extent) return undefined;
  }
  return moving.length === 0 ? 0 : steps[steps.length - 1];
};

/** Steps of an index along batch axes and two groups of axes; undefined where it is not made of such steps. */
const stridesOf = (
  index: Affine,
  batch: ReadonlyArray<Axis>,
  rows: ReadonlyArray<Axis>,
  columns: ReadonlyArray<Axis>,
): MatrixResult | undefined => {
  const isPlain = index.terms.every(({ atom }) => atom.kind === "axis");
  const steps = [...batch.map((axis) => stepOf(index, axis)), jointStep(index, rows), jointStep(index, columns)];
  if (!isPlain || steps.includes(undefined)) return undefined;
  const known = steps as number[];
  return { batch: known.slice(0, batch.length), row: known[batch.length], column: known[batch.length + 1] };
};

/** An index without what the axes of a product add to it. */
export const without = (index: Affine, axes: ReadonlySet<number>): Affine => {
  const terms = index.terms.filter(({ atom }) => !(atom.kind === "axis" && axes.has(atom.axis.id)));
  return { key: `${index.key}|`, constant: index.constant, terms };
};

/** Binds axes to the parts of a flat number of turns. */
export const bindSplit = (writer: KernelWriter, axes: ReadonlyArray<Axis>, flat: Local): ReadonlyArray<Local> => {
  const { code } = writer;
  const moving = axes.filter(({ extent }) => extent !== 1);
  if (moving.length === 1) {
    writer.bind(moving[0], flat);
    return [];
  }
  const made: Local[] = [];
  let inner = countOf(moving);
  moving.forEach((axis, i) => {
    inner /= axis.extent;
    code.get(flat);
    if (inner > 1) code.i32(inner).op("i32.div_u");
    if (i > 0) code.i32(axis.extent).op("i32.rem_u");
    const local = code.keep("i32");
    made.push(local);
    writer.bind(axis, local);
  });
  return made;
};

/** An emitted product and how to call it. */
export interface PrintedProduct {
  /** The tile kernel. */
  readonly kernel: Kernel;
  /** Writes the addresses of left, right and result. */
  readonly addresses: ReadonlyArray<(writer: KernelWriter) => void>;
}

const plainKernels = new WeakMap<ModuleBuilder, Map<string, Kernel>>();

/** The kernel of a product that is all numbers: equal ones are in a module once. */
const sharedKernel = (module: ModuleBuilder, product: Product): Kernel => {
  const known = plainKernels.get(module) ?? new Map<string, Kernel>();
  plainKernels.set(module, known);
  const key = JSON.stringify(product);
  const kernel = known.get(key) ?? emitProduct(module, product);
  known.set(key, kernel);
  return kernel;
};

/** Writes one contraction. */
export class ProductPrinter {
  /** Axes of the contraction. */
  protected readonly axes: ReadonlySet<number>;

  /** For a contraction inside loops whose turns are handed on. */
  constructor(
    protected readonly context: KernelContext,
    protected readonly work: Contraction,
    /** Axes of loops around the kernel, handed on as pointers. */
    protected readonly turns: ReadonlyArray<Axis>,
    protected readonly kind: UnitKind,
  ) {
    this.axes = new Set([...work.batch, ...work.rows, ...work.columns, ...work.sum].map(({ id }) => id));
  }

  /** A writer with the axes of loops around the kernel bound. */
  protected outer(code: Code, pointers: ReadonlyArray<Local>): KernelWriter {
    const writer = new KernelWriter(code, this.context);
    this.turns.forEach((axis, i) => writer.bind(axis, pointers[i]));
    return writer;
  }

  /** The same, with the batch axes bound. */
  protected writer(code: Code, batch: ReadonlyArray<Local>, pointers: ReadonlyArray<Local>): KernelWriter {
    const writer = this.outer(code, pointers);
    this.bindBatch(writer, batch);
    return writer;
  }

  /** Binds the batch axes to the indices that tiles are called with. */
  protected bindBatch(writer: KernelWriter, batch: ReadonlyArray<Local>): void {
    this.work.batch.forEach((axis, i) => writer.bind(axis, batch[i]));
  }

  /** How an operand is read directly: its strides, or undefined where it must be computed. */
  private direct(
    expression: Expression,
    rows: ReadonlyArray<Axis>,
    columns: ReadonlyArray<Axis>,
  ): { readonly operand: MatrixOperand; readonly load: Extract<Expression, { kind: "load" }> } | undefined {
    const isCast = expression.kind === "apply" && expression.op === "cast";
    const load = isCast ? expression.arguments[0] : expression;
    if (load.kind !== "load") return undefined;
    const read = this.readOf(load.dtype);
    if (read === undefined || (isCast && read === "plain")) return undefined;
    const strides = stridesOf(load.index, this.work.batch, rows, columns);
    if (strides === undefined) return undefined;
    const element = read === "plain" ? {} : { element: { read, bytes: bytesOf(load.dtype) } };
    return { operand: { ...strides, ...element }, load };
  }

  /** How an element of a dtype is read by the tiles. */
  protected readOf(dtype: Dtype): "plain" | MemoryInstruction | undefined {
    if (this.kind === "i16pair") {
      return ({ i8: "i32.load8_s", u8: "i32.load8_u", i16: "i32.load16_s" } as const)[dtype as "i8"];
    }
    return KINDS[dtype] === this.kind ? "plain" : undefined;
  }

  /** How an operand is read, and where it begins. */
  private operand(
    expression: Expression,
    rows: ReadonlyArray<Axis>,
    columns: ReadonlyArray<Axis>,
  ): { readonly operand: MatrixOperand; readonly address: (writer: KernelWriter) => void } {
    const direct = this.direct(expression, rows, columns);
    if (direct !== undefined) {
      const { buffer, index } = direct.load;
      return {
        operand: direct.operand,
        address: (writer) => {
          const offset = writer.pushAddress(buffer, without(index, this.axes));
          writer.code.plus(offset);
        },
      };
    }
    const load = (code: Code, place: ElementPlace): void => {
      const writer = this.writer(code, place.batch, place.pointers);
      const made = [...bindSplit(writer, rows, place.row), ...bindSplit(writer, columns, place.column)];
      writer.scoped(() => writer.push(expression));
      code.release(...made);
    };
    const operand = { batch: this.work.batch.map(() => 0), row: 0, column: 0, load };
    // A right side that is the same in all batches would be packed once; one that is computed says so by its strides.
    const depends = this.work.batch.map((axis) => this.context.sources.of(expression).axes.has(axis.id) ? 1 : 0);
    return { operand: { ...operand, batch: depends, column: 1 }, address: (writer) => void writer.code.i32(0) };
  }

  /** The one store of the sums themselves, where the epilogue is no more. */
  protected plainResult():
    | { readonly result: MatrixResult; readonly store: Extract<Statement, { kind: "store" }> }
    | undefined {
    const { epilogue, accumulator, batch, rows, columns } = this.work;
    if (epilogue.length !== 1 || epilogue[0].kind !== "store") return undefined;
    const [store] = epilogue;
    if (store.value.kind !== "local" || store.value.local.id !== accumulator.id) return undefined;
    const result = stridesOf(store.index, batch, rows, columns);
    return result === undefined ? undefined : { result, store };
  }

  /** What follows each sum. */
  protected epilogue(): Epilogue {
    const { work, context } = this;
    const { rows, columns, epilogue, accumulator } = work;
    const type = this.kind === "f64" ? "f64x2" : "f32x4";
    const inner = columns.filter(({ extent }) => extent !== 1).at(-1);
    const count = LANES[type].count;
    const isFloat = this.kind === "f32" || this.kind === "f64" || this.kind === "i32" || this.kind === "i16pair";
    const canSplit = inner !== undefined &&
      (countOf(columns) === inner.extent || inner.extent % count === 0);
    const lanes = isFloat && context.vectors && canSplit
      ? canLanes(epilogue, inner, context.sources, new Set([accumulator.id]))
      : undefined;
    const isVector = lanes === type;
    const write = (code: Code, sums: Local, place: ResultPlace): void => {
      const row = code.get(place.row).plus(place.rowOffset).keep("i32");
      const column = code.get(place.column).plus(place.columnOffset).keep("i32");
      const run = (body: (writer: KernelWriter) => void): void => {
        const writer = this.writer(code, place.batch, place.pointers);
        const made = [...bindSplit(writer, rows, row), ...bindSplit(writer, columns, column)];
        body(writer);
        code.release(...made);
      };
      if (isVector && place.lanes === count) {
        run((writer) => writer.lanesOnce(inner!, type, new Map([[accumulator.id, sums]]), epilogue));
      } else {
        const value = code.local(this.kind === "i16pair" ? "i32" : this.kind);
        for (let lane = 0; lane < place.lanes; lane++) {
          if (lane > 0) code.advance(column, 1);
          code.get(sums);
          code.lane(EXTRACT[this.kind], lane).set(value);
          run((writer) => writer.withVariables(new Map([[accumulator.id, value]]), () => writer.statements(epilogue)));
        }
        code.release(value);
      }
      code.release(row, column);
    };
    return { write, inline: isVector && epilogue.length * 4 < MAX_INLINE };
  }

  /** Writes its kernel. */
  print(): PrintedProduct {
    const { work, context, kind } = this;
    const left = this.operand(work.left, work.rows, work.sum);
    const right = this.operand(work.right, work.sum, work.columns);
    const plain = this.plainResult();
    const result = plain?.result ?? { batch: work.batch.map(() => 0), row: 0, column: 0 };
    const product: Product = {
      kind,
      batch: work.batch.map(({ extent }) => extent),
      m: countOf(work.rows),
      n: countOf(work.columns),
      k: countOf(work.sum),
      left: left.operand,
      right: right.operand,
      result,
      fused: context.fused,
      pointers: this.turns.length,
      ...(plain === undefined ? { epilogue: this.epilogue() } : {}),
    };
    if (context.externals !== undefined && isExternal(context.externals, product)) {
      const kernel = emitExternal(context.runtime.module, context.externals, product);
      return { kernel, addresses: [left.address, right.address, this.resultAddress(plain?.store)] };
    }
    const isPlain = plain !== undefined && left.operand.load === undefined && right.operand.load === undefined;
    const kernel = isPlain
      ? sharedKernel(context.runtime.module, product)
      : emitProduct(context.runtime.module, product);
    return { kernel, addresses: [left.address, right.address, this.resultAddress(plain?.store)] };
  }

  /** Leaves the address of a result. */
  protected resultAddress(store: Extract<Statement, { kind: "store" }> | undefined): (writer: KernelWriter) => void {
    return (writer) => {
      if (store === undefined) return void writer.code.i32(0);
      const offset = writer.pushAddress(store.buffer, without(store.index, this.axes));
      writer.code.plus(offset);
    };
  }
}

const EXTRACT = {
  f32: "f32x4.extract_lane",
  f64: "f64x2.extract_lane",
  i32: "i32x4.extract_lane",
  i16pair: "i32x4.extract_lane",
  i64: "i64x2.extract_lane",
} as const;

const PAIRED: ReadonlySet<Dtype> = new Set(["i8", "u8", "i16"]);

const castFrom = (expression: Expression): Dtype | undefined =>
  expression.kind === "apply" && expression.op === "cast" && expression.arguments[0].kind === "load"
    ? expression.arguments[0].dtype
    : undefined;

/** Whether a contraction is left to plain loops. */
export const isLoopProduct = (work: Contraction, context: KernelContext): boolean => {
  const [m, n, k] = [countOf(work.rows), countOf(work.columns), countOf(work.sum)];
  return !context.vectors || KINDS[work.accumulator.dtype] === undefined || k === 0 || m * n * k <= FEW_MULTIPLICATIONS;
};

/** Writes the tile kernel of a contraction. */
export const printProduct = (context: KernelContext, work: Contraction, turns: ReadonlyArray<Axis>): PrintedProduct => {
  const isPaired = [work.left, work.right].every((side) => PAIRED.has(castFrom(side) ?? "f32")) &&
    work.accumulator.dtype === "i32";
  const kind = isPaired ? "i16pair" : KINDS[work.accumulator.dtype]!;
  return new ProductPrinter(context, work, turns, kind).print();
};
