/**
 * Layout: how many bytes values and types take, where what they are made of takes so many. The original lays them out
 * twice, alike: on the wire, and for its hash.
 *
 * @module
 */
import type { Type } from "../types.ts";
import type { Value } from "../value.ts";

/** Bytes of tags, counts and sizes. */
export interface Layout {
  /** A tensor without its sizes and data, and one size. */
  readonly tensor: number;
  /** One size of a tensor. */
  readonly axis: number;
  /** A tuple without its items. */
  readonly tuple: number;
  /** Types: a scalar, a tensor without sizes, a function and a list without their parts, one with a number, any other. */
  readonly types: {
    readonly scalar: number;
    readonly tensor: number;
    readonly fn: number;
    readonly list: number;
    readonly numbered: number;
    readonly plain: number;
  };
}

/** Judges what is about to be counted; throws where it cannot be laid out. */
export interface Judges {
  /** A value, at a depth from 1. */
  readonly value?: (value: Value, depth: number) => void;
  /** A type, at a depth from 1. */
  readonly type?: (type: Type, depth: number) => void;
}

/** Bytes of a value. */
export const valueSize = (layout: Layout, value: Value, judges: Judges = {}, depth = 1): number => {
  judges.value?.(value, depth);
  switch (value.k) {
    case "Nil":
      return 1;
    case "Bool":
      return 2;
    case "I64":
    case "F64":
      return 9;
    case "F32":
    case "Sym":
      return 5;
    case "Tensor":
      return layout.tensor + layout.axis * value.shape.length + value.bytes.length;
    case "Tuple":
      return value.items.reduce((size, item) => size + valueSize(layout, item, judges, depth + 1), layout.tuple);
  }
};

/** Bytes of a type. */
export const typeSize = (layout: Layout, type: Type, judges: Judges = {}, depth = 1): number => {
  judges.type?.(type, depth);
  const { types } = layout;
  const parts = (first: number, items: ReadonlyArray<Type>): number =>
    items.reduce((size, item) => size + typeSize(layout, item, judges, depth + 1), first);
  switch (type.k) {
    case "Scalar":
      return types.scalar;
    case "Tensor":
      return types.tensor + layout.axis * type.shape.length;
    case "Fn":
      return parts(parts(types.fn, type.inputs), type.outputs);
    case "Tuple":
    case "Union":
      return parts(types.list, type.items);
    case "Var":
    case "Opaque":
      return types.numbered;
    default:
      return types.plain;
  }
};
