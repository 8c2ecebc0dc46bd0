/**
 * Convolution: contractions with a window as calls of the convolution kernel.
 *
 * Not for more than two spatial axes: those are products whose right side is computed while it is packed.
 * Invariant: as for products (product.ts).
 *
 * @module
 */
import { type Axis, stepOf } from "../../codegen/affine.ts";
import type { Contraction, Expression, Window } from "../../codegen/loops.ts";
import type { Code, Local } from "../wasm/code.ts";
import {
  type Convolution,
  emitConvolution,
  type ImageStrides,
  type PixelPlace,
  type Spatial,
} from "../wasm/convolution.ts";
import type { ElementPlace, MatrixOperand } from "../wasm/pack.ts";
import { bindSplit, countOf, jointStep, KINDS, type PrintedProduct, ProductPrinter, without } from "./product.ts";
import type { KernelContext, KernelWriter } from "./writer.ts";

/** Most spatial axes of the convolution kernel. */
const MAX_SPATIAL = 2;

/** Whether the convolution kernel computes a contraction. */
export const isConvolution = (work: Contraction): work is Contraction & { readonly window: Window } => {
  const rank = work.window?.kernel.length ?? 0;
  return rank >= 1 && rank <= MAX_SPATIAL && KINDS[work.accumulator.dtype] !== undefined;
};

/** A list of one or two numbers as two; one spatial axis is the second of two. */
const spatial = (list: ReadonlyArray<number>, filler: number): Spatial =>
  list.length === 1 ? [filler, list[0]] : [list[0], list[1]];

class ConvolutionPrinter extends ProductPrinter {
  private readonly images: ReadonlyArray<Axis>;
  private readonly groups: ReadonlyArray<Axis>;

  constructor(
    context: KernelContext,
    work: Contraction,
    turns: ReadonlyArray<Axis>,
    private readonly sliding: Window,
  ) {
    super(context, work, turns, KINDS[work.accumulator.dtype]!);
    const images = sliding.axes[0].extent;
    let count = 1;
    let split = 0;
    while (count < images) count *= work.batch[split++].extent;
    this.images = work.batch.slice(0, split);
    this.groups = work.batch.slice(split);
  }

  protected override bindBatch(writer: KernelWriter, [image, group]: ReadonlyArray<Local>): void {
    bindSplit(writer, this.images, image);
    bindSplit(writer, this.groups, group);
  }

  /** Strides of the input where it is read as it lies. */
  private imageStrides():
    | { readonly strides: ImageStrides; readonly load: Extract<Expression, { kind: "load" }> }
    | undefined {
    const { input, axes } = this.sliding;
    if (input.kind !== "load" || KINDS[input.dtype] !== this.kind) return undefined;
    if (input.index.terms.some(({ atom }) => atom.kind !== "axis")) return undefined;
    const steps = axes.map((axis) => stepOf(input.index, axis)!);
    const [batch, channel, ...rest] = steps;
    const [row, column] = spatial(rest, 0);
    return { strides: { batch, channel, row, column }, load: input };
  }

  /** Leaves an element of the input, computed. */
  private readonly loadPixel = (code: Code, place: PixelPlace): void => {
    const [image, channel, ...rest] = this.sliding.axes;
    const writer = this.outer(code, place.pointers);
    writer.bind(image, place.batch);
    writer.bind(channel, place.channel);
    const places = rest.length === 1 ? [place.column] : [place.row, place.column];
    rest.forEach((axis, i) => writer.bind(axis, places[i]));
    writer.scoped(() => writer.push(this.sliding.input));
  };

  /** The kernels as rows, one for each channel of the result. */
  private weights(): { readonly operand: MatrixOperand; readonly address: (writer: KernelWriter) => void } {
    const { left, rows, sum } = this.work;
    if (
      left.kind === "load" && KINDS[left.dtype] === this.kind &&
      left.index.terms.every(({ atom }) => atom.kind === "axis")
    ) {
      const [row, column, group] = [rows, sum, this.groups].map((axes) => jointStep(left.index, axes));
      if (row !== undefined && column !== undefined && group !== undefined) {
        const address = (writer: KernelWriter): void => {
          const offset = writer.pushAddress(left.buffer, without(left.index, this.axes));
          writer.code.plus(offset);
        };
        return { operand: { batch: [group], row, column }, address };
      }
    }
    const load = (code: Code, place: ElementPlace): void => {
      const [group] = place.batch;
      const writer = this.outer(code, place.pointers);
      bindSplit(writer, this.groups, group);
      bindSplit(writer, rows, place.row);
      bindSplit(writer, sum, place.column);
      writer.scoped(() => writer.push(left));
    };
    return { operand: { batch: [0], row: 0, column: 0, load }, address: (writer) => void writer.code.i32(0) };
  }

  /** Strides of the result where the sums are stored as they are, each channel dense. */
  private denseResult() {
    const plain = this.plainResult();
    if (plain === undefined) return undefined;
    const { rows, columns } = this.work;
    const { index } = plain.store;
    const [batch, group, channel, column] = [this.images, this.groups, rows, columns].map((axes) =>
      jointStep(index, axes)
    );
    const isDense = countOf(columns) === 1 || column === 1;
    const isJoint = countOf(this.groups) === 1 || group === channel! * countOf(rows);
    return isDense && isJoint
      ? { batch: batch!, channel: countOf(rows) === 1 ? group! : channel!, store: plain.store }
      : undefined;
  }

  override print(): PrintedProduct {
    const { sliding, work, context } = this;
    const [images, channels, ...size] = sliding.axes.map(({ extent }) => extent);
    const direct = this.imageStrides();
    const weights = this.weights();
    const dense = this.denseResult();
    const convolution: Convolution = {
      kind: this.kind as Convolution["kind"],
      batch: images,
      groups: sliding.groups,
      inputs: channels / sliding.groups,
      outputs: countOf(work.rows),
      size: spatial(size, 1),
      kernel: spatial(sliding.kernel, 1),
      strides: spatial(sliding.strides, 1),
      low: spatial(sliding.low, 0),
      high: spatial(sliding.high, 0),
      dilation: spatial(sliding.dilation, 1),
      inputDilation: spatial(sliding.inputDilation, 1),
      input: direct?.strides ?? { batch: 0, channel: 0, row: 0, column: 0 },
      ...(direct === undefined ? { load: this.loadPixel } : {}),
      weights: weights.operand,
      result: dense ?? { batch: 0, channel: 0 },
      fused: context.fused,
      pointers: this.turns.length,
      ...(dense === undefined ? { epilogue: this.epilogue() } : {}),
    };
    const address = (writer: KernelWriter): void => {
      if (direct === undefined) return void writer.code.i32(0);
      const own = new Set(sliding.axes.map(({ id }) => id));
      const offset = writer.pushAddress(direct.load.buffer, without(direct.load.index, own));
      writer.code.plus(offset);
    };
    const kernel = emitConvolution(context.runtime.module, convolution);
    return { kernel, addresses: [address, weights.address, this.resultAddress(dense?.store)] };
  }
}

/** Writes the convolution kernel of a contraction. */
export const printConvolution = (
  context: KernelContext,
  work: Contraction & { readonly window: Window },
  turns: ReadonlyArray<Axis>,
): PrintedProduct => new ConvolutionPrinter(context, work, turns, work.window).print();
