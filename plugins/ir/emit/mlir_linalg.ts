/**
 * MLIR products: a tile product of plain elements as one `linalg.generic` over strided views.
 *
 * Not for products whose factors are computed or guarded, nor for epilogues that do more than store: those are loops.
 * Invariant: the views cover exactly the elements the loops would touch.
 *
 * @module
 */
import type { Affine, Axis, Buffer, Contraction, Dtype, Expression } from "./form.ts";
import { mlirType } from "./mlir_arith.ts";
import { isFloat } from "../types.ts";

/** A view of a buffer: one dimension for each axis it depends on. */
interface View {
  readonly buffer: Buffer;
  readonly axes: ReadonlyArray<Axis>;
  readonly strides: ReadonlyArray<number>;
  readonly offset: number;
}

/** A product as linalg has it. */
export interface LinalgProduct {
  /** Left factor. */
  readonly left: View;
  /** Right factor. */
  readonly right: View;
  /** Where the sums go. */
  readonly out: View;
  /** All axes; the last `summed` of them are summed. */
  readonly axes: ReadonlyArray<Axis>;
  readonly summed: number;
  /** Element type of the sums. */
  readonly dtype: Dtype;
}

const viewOf = (buffer: Buffer, index: Affine, among: ReadonlyArray<Axis>): View | undefined => {
  const axes: Axis[] = [];
  const strides: number[] = [];
  for (const { atom, step } of index.terms) {
    if (atom.kind !== "axis" || step < 0 || !among.some(({ id }) => id === atom.axis.id)) return undefined;
    axes.push(atom.axis);
    strides.push(step);
  }
  return { buffer, axes, strides, offset: index.constant };
};

const loaded = (of: Expression, among: ReadonlyArray<Axis>): View | undefined =>
  of.kind === "load" && of.buffer.elements > 0 ? viewOf(of.buffer, of.index, among) : undefined;

/** The product as linalg has it; undefined where it is more than that. */
export const linalgProduct = (of: Contraction): LinalgProduct | undefined => {
  const free = [...of.batch, ...of.rows, ...of.columns].filter(({ extent }) => extent > 1);
  const axes = [...free, ...of.sum.filter(({ extent }) => extent > 1)];
  const [store, ...rest] = of.epilogue;
  if (rest.length > 0 || store?.kind !== "store") return undefined;
  if (store.value.kind !== "local" || store.value.local.id !== of.accumulator.id) return undefined;
  const [left, right] = [loaded(of.left, axes), loaded(of.right, axes)];
  const out = viewOf(store.buffer, store.index, free);
  if (left === undefined || right === undefined || out === undefined || out.axes.length !== free.length) {
    return undefined;
  }
  if ([...of.batch, ...of.rows, ...of.columns, ...of.sum].some(({ extent }) => extent === 0)) return undefined;
  return { left, right, out, axes, summed: axes.length - free.length, dtype: of.accumulator.dtype };
};

const layoutText = ({ axes, strides, offset }: View): string => {
  const names = axes.map((_, i) => `d${i}`);
  const terms = strides.map((stride, i) => `d${i} * ${stride}`);
  if (offset !== 0 || terms.length === 0) terms.push(String(offset));
  return `affine_map<(${names.join(", ")}) -> (${terms.join(" + ")})>`;
};

const viewType = (view: View): string => {
  const { axes, buffer } = view;
  const sizes = axes.map(({ extent }) => `${extent}x`).join("");
  return `memref<${sizes}${mlirType(buffer.dtype)}, ${layoutText(view)}>`;
};

/** Lines of a view's making. */
const viewLine = (name: string, view: View, of: string): string => {
  const { buffer, axes, strides, offset } = view;
  const from = `memref<${buffer.elements}x${mlirType(buffer.dtype)}>`;
  const sizes = axes.map(({ extent }) => extent).join(", ");
  return `${name} = memref.reinterpret_cast ${of} to offset: [${offset}], sizes: [${sizes}], strides: [${
    strides.join(", ")
  }] : ${from} to ${viewType(view)}`;
};

/** Lines of a product; buffers are named by `nameOf`, `zero` holds zero of its type. */
export const linalgLines = (
  product: LinalgProduct,
  nameOf: (buffer: Buffer) => string,
  zero: string,
): ReadonlyArray<string> => {
  const { left, right, out, axes, summed, dtype } = product;
  const type = mlirType(dtype);
  const loop = axes.map((_, i) => `i${i}`).join(", ");
  const map = (view: View): string => {
    const places = view.axes.map(({ id }) => `i${axes.findIndex((axis) => axis.id === id)}`);
    return `affine_map<(${loop}) -> (${places.join(", ")})>`;
  };
  const kinds = axes.map((_, i) => i < axes.length - summed ? '"parallel"' : '"reduction"');
  const [times, plus] = isFloat(dtype) ? ["arith.mulf", "arith.addf"] : ["arith.muli", "arith.addi"];
  return [
    viewLine("%left", left, nameOf(left.buffer)),
    viewLine("%right", right, nameOf(right.buffer)),
    viewLine("%out", out, nameOf(out.buffer)),
    `linalg.fill ins(${zero} : ${type}) outs(%out : ${viewType(out)})`,
    `linalg.generic {`,
    `  indexing_maps = [${[left, right, out].map(map).join(", ")}],`,
    `  iterator_types = [${kinds.join(", ")}]`,
    `} ins(%left, %right : ${viewType(left)}, ${viewType(right)}) outs(%out : ${viewType(out)}) {`,
    `^bb0(%a: ${type}, %b: ${type}, %c: ${type}):`,
    `  %product = ${times} %a, %b : ${type}`,
    `  %sum = ${plus} %c, %product : ${type}`,
    `  linalg.yield %sum : ${type}`,
    `}`,
  ];
};
