/**
 * Known: what check knows of a value: its type, and for functions and programs what they are.
 *
 * Not the language's types (types.ts), which cannot hold a body: `typeOfKnown` gives the type to show.
 * Invariant: sizes are the IR's; an unknown one has a name that starts with `_` and stands for any size.
 *
 * @module
 */
import type { Dimension, Shape } from "../../ir/contract.ts";
import { multiplyDimensions } from "../../ir/library.ts";
import { type Dtype, DTYPES } from "../dtype.ts";
import type { Expression, Parameter } from "../expression.ts";
import type { HostFunction } from "../hosts/functions.ts";
import { isOpen } from "../lowering/sizes.ts";
import { type Dimension as OwnDimension, scalar, tensor, type Type } from "../types.ts";
import type { Value } from "../value.ts";

/** Names bound around an expression, innermost first. */
export interface Scope {
  /** The symbol. */
  readonly sym: number;
  /** What it names; assigned once, after construction, for a function that names itself. */
  known: Known;
  /** The scope around. */
  readonly outer: Scope | undefined;
}

/** A function. */
export type KnownFunction =
  | {
    readonly k: "Function";
    readonly parameters: ReadonlyArray<Parameter> | undefined;
    readonly body: Expression;
    readonly scope: Scope | undefined;
    readonly path: string;
    readonly first?: undefined;
    readonly host?: undefined;
    readonly either?: undefined;
  }
  | {
    readonly k: "Function";
    readonly first: KnownFunction;
    readonly then: KnownFunction;
    readonly parameters?: undefined;
    readonly host?: undefined;
    readonly either?: undefined;
  }
  | {
    readonly k: "Function";
    readonly host: HostFunction;
    readonly first?: undefined;
    readonly parameters?: undefined;
    readonly either?: undefined;
  }
  | {
    readonly k: "Function";
    /** One or the other: branches of a condition gave them. */
    readonly either: readonly [KnownFunction, KnownFunction];
    readonly host?: undefined;
    readonly first?: undefined;
    readonly parameters?: undefined;
  };

/** What is known of a value. */
export type Known =
  | { readonly k: "Void" }
  | { readonly k: "Scalar"; readonly dtype: Dtype }
  | { readonly k: "Tensor"; readonly dtype: Dtype; readonly shape: Shape }
  | { readonly k: "Sym" }
  | { readonly k: "Tuple"; readonly items: ReadonlyArray<Known> }
  | { readonly k: "Union"; readonly items: ReadonlyArray<Known> }
  | KnownFunction
  | { readonly k: "Program"; readonly program: Expression | undefined }
  | { readonly k: "Buffer"; readonly of: Known }
  | { readonly k: "Term" }
  | { readonly k: "Many"; readonly of: Known }
  | { readonly k: "Unknown"; readonly id: number };

/** A compound term. */
export const TERM_KNOWN: Known = { k: "Term" };

/** A tuple whose length only the run knows. */
export const knownMany = (of: Known): Known => ({ k: "Many", of });

/** Numbers of the opaque types, by what they stand for. */
export const OPAQUE = { program: 0, buffer: 1, term: 2, many: 3 } as const;

/** No value. */
export const VOID_KNOWN: Known = { k: "Void" };

/** A truth value. */
export const FLAG_KNOWN: Known = { k: "Scalar", dtype: "b1" };

/** A 64-bit integer. */
export const INTEGER_KNOWN: Known = { k: "Scalar", dtype: "i64" };

/** A tuple. */
export const knownTuple = (items: ReadonlyArray<Known>): Known => ({ k: "Tuple", items });

const SCALARS: ReadonlySet<Dtype> = new Set(["b1", "i64", "f32", "f64"]);

/** A tensor type; one without axes is a scalar where the language has one. */
export const knownTensor = (dtype: Dtype, shape: Shape): Known =>
  shape.length === 0 && SCALARS.has(dtype) ? { k: "Scalar", dtype } : { k: "Tensor", dtype, shape };

const ownSize = (size: Dimension): OwnDimension =>
  typeof size === "string" && /(?:^|[^A-Za-z0-9_])_[0-9]/u.test(size) ? null : size;

/** The type to show. */
export const typeOfKnown = (known: Known): Type => {
  switch (known.k) {
    case "Scalar":
      return scalar(known.dtype);
    case "Tensor":
      return tensor(known.dtype, known.shape.map(ownSize));
    case "Tuple":
      return { k: "Tuple", items: known.items.map(typeOfKnown) };
    case "Union":
      return { k: "Union", items: known.items.map(typeOfKnown) };
    case "Function":
      if (known.host !== undefined) return { k: "Fn", inputs: known.host.inputs, outputs: [known.host.output] };
      return { k: "Fn", inputs: known.parameters?.map(({ type }) => type) ?? [], outputs: [] };
    case "Program":
      return { k: "Opaque", id: OPAQUE.program };
    case "Buffer":
      return { k: "Opaque", id: OPAQUE.buffer };
    case "Term":
      return { k: "Opaque", id: OPAQUE.term };
    case "Many":
      return { k: "Opaque", id: OPAQUE.many };
    case "Unknown":
      return { k: "Var", id: known.id };
    default:
      return { k: known.k };
  }
};

/** A size as the IR has it; `undefined` where it is not known, or more than any value has. */
const sizeKnown = (size: OwnDimension): Dimension | undefined =>
  typeof size === "bigint" || size === null ? undefined : size;

/** What a literal is. */
export const knownValue = (value: Value): Known => {
  switch (value.k) {
    case "Nil":
      return VOID_KNOWN;
    case "Bool":
      return FLAG_KNOWN;
    case "I64":
      return INTEGER_KNOWN;
    case "F32":
      return { k: "Scalar", dtype: "f32" };
    case "F64":
      return { k: "Scalar", dtype: "f64" };
    case "Sym":
      return { k: "Sym" };
    case "Tuple":
      return knownTuple(value.items.map(knownValue));
    case "Tensor":
      return { k: "Tensor", dtype: value.dtype, shape: value.shape.map((size) => sizeKnown(size) ?? "_0") };
  }
};

/** Bytes of a value; `undefined` where not known. */
export const bytesOfKnown = (known: Known): Dimension | undefined => {
  if (known.k === "Scalar") return DTYPES[known.dtype].bytes;
  if (known.k === "Tensor") return multiplyDimensions(...known.shape, DTYPES[known.dtype].bytes);
  if (known.k === "Buffer") return bytesOfKnown(known.of);
  if (known.k === "Many") return undefined;
  if (known.k !== "Tuple") return 0;
  let total = 0;
  for (const item of known.items) {
    const bytes = bytesOfKnown(item);
    if (typeof bytes !== "number") return undefined;
    total += bytes;
  }
  return total;
};

/** Whether two shapes differ in sizes only. */
const mergedShape = (a: Shape, b: Shape, open: () => string): Shape =>
  a.map((size, axis) => size === b[axis] ? size : open());

/** Fresh names: of unknown values and of unknown sizes. */
export interface Fresh {
  /** A value of which nothing is known. */
  readonly unknown: () => Known;
  /** A size of which nothing is known. */
  readonly size: () => string;
}

/** What is known of each item of a tuple; `undefined` where a value is none. */
const eachOf = (known: Known, fresh: Fresh): Known | undefined => {
  if (known.k === "Many") return known.of;
  if (known.k !== "Tuple") return undefined;
  return known.items.length === 0 ? fresh.unknown() : known.items.reduce((a, b) => joinKnown(a, b, fresh));
};

/** What is known of a value that is one or the other. */
export const joinKnown = (a: Known, b: Known, fresh: Fresh): Known => {
  if (a === b || b.k === "Unknown") return a;
  if (a.k === "Unknown") return b;
  if (a.k === "Tuple" && b.k === "Tuple" && a.items.length === b.items.length) {
    return knownTuple(a.items.map((item, i) => joinKnown(item, b.items[i], fresh)));
  }
  if (a.k === "Tensor" && b.k === "Tensor" && a.dtype === b.dtype && a.shape.length === b.shape.length) {
    return knownTensor(a.dtype, mergedShape(a.shape, b.shape, fresh.size));
  }
  if (a.k === b.k && (a.k === "Void" || a.k === "Sym" || (a.k === "Scalar" && a.dtype === (b as typeof a).dtype))) {
    return a;
  }
  if (a.k === "Term" && b.k === "Term") return a;
  if (a.k === "Many" || b.k === "Many") {
    const [of, other] = [a, b].map((known) => eachOf(known, fresh));
    if (of !== undefined && other !== undefined) return knownMany(joinKnown(of, other, fresh));
  }
  if (a.k === "Function" && b.k === "Function") return { k: "Function", either: [a, b] };
  if (a.k === "Program" && b.k === "Program") return { k: "Program", program: undefined };
  const items = [a, b].flatMap((known) => known.k === "Union" ? known.items : [known]);
  return { k: "Union", items };
};

/** What an annotation says of a value; its unknown sizes are fresh. */
export const knownOfType = (type: Type, fresh: Fresh): Known => {
  switch (type.k) {
    case "Scalar":
      return { k: "Scalar", dtype: type.dtype };
    case "Tensor":
      return knownTensor(type.dtype, type.shape.map((size) => sizeKnown(size) ?? fresh.size()));
    case "Tuple":
      return knownTuple(type.items.map((item) => knownOfType(item, fresh)));
    case "Union":
      return { k: "Union", items: type.items.map((item) => knownOfType(item, fresh)) };
    case "Void":
    case "Sym":
      return { k: type.k };
    default:
      return fresh.unknown();
  }
};

/** Whether a value may have an annotated type; what is unknown may have any. */
export const mayConform = (known: Known, type: Type): boolean => {
  if (known.k === "Unknown") return true;
  if (known.k === "Union") return known.items.some((item) => mayConform(item, type));
  switch (type.k) {
    case "Scalar":
      return (known.k === "Scalar" || (known.k === "Tensor" && known.shape.length === 0)) && known.dtype === type.dtype;
    case "Tensor":
      return (known.k === "Tensor" || known.k === "Scalar") && known.dtype === type.dtype &&
        fits(known.k === "Tensor" ? known.shape : [], type.shape);
    case "Tuple":
      if (known.k === "Many") return type.items.every((item) => mayConform(known.of, item));
      return known.k === "Tuple" && known.items.length === type.items.length &&
        known.items.every((item, i) => mayConform(item, type.items[i]));
    case "Union":
      return type.items.some((item) => mayConform(known, item));
    case "Fn":
      return known.k === "Function";
    case "Void":
    case "Sym":
      return known.k === type.k;
    default:
      return true;
  }
};

const fits = (shape: Shape, wanted: ReadonlyArray<OwnDimension>): boolean => {
  const names = new Map<string, Dimension>();
  return shape.length === wanted.length && shape.every((size, axis) => {
    const own = wanted[axis];
    if (own === null || isOpen(size)) return true;
    if (typeof own !== "string") return own === size;
    const known = names.get(own);
    names.set(own, known ?? size);
    return known === undefined || known === size;
  });
};
