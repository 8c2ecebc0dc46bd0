/**
 * Primitive: what one row of the table says, and the helpers that let a row read like its definition.
 *
 * Not the rows (primitives/) and not the table (primitives.ts).
 * Invariant: a row is complete. Backends, gradient, cost and checks need nothing about an op besides its row.
 *
 * @module
 */
import * as Schema from "effect/Schema";
import type { FunctionBuilder, Value } from "./builder.ts";
import { type Dimension, multiplyDimensions } from "./dimension.ts";
import { badAttribute, wrongDtype, wrongShape } from "./failures.ts";
import type { Attributes } from "./graph.ts";
import { countOf, printShape } from "./shape.ts";
import type { DimensionSolver } from "./solver.ts";
import { type ConcreteType, type Dtype, dtypeInfo, isFloat, isInteger, printType, type TensorType } from "./types.ts";
import type { Tensor } from "./value.ts";

/** Name of a class of element types. */
export type DtypeClass = "any" | "float" | "integer" | "number" | "bits" | "bool" | "index";

/** Which element types an operand takes. */
export const DTYPE_CLASSES: { readonly [K in DtypeClass]: (dtype: Dtype) => boolean } = {
  any: () => true,
  float: isFloat,
  integer: isInteger,
  number: (dtype) => dtypeInfo(dtype).kind !== "bool",
  bits: (dtype) => dtypeInfo(dtype).kind !== "float",
  bool: (dtype) => dtype === "bool",
  index: (dtype) => dtype === "i32" || dtype === "i64",
};

/** An operand of a primitive. */
export interface Operand {
  /** Its name in messages. */
  readonly name: string;
  /** Element types it takes. */
  readonly takes: DtypeClass;
}

/** How a backend's loops see a primitive. */
export type LoopForm =
  | "elementwise"
  | "generator"
  | "view"
  | "movement"
  | "gather"
  | "scatter"
  | "reduction"
  | "recurrence"
  | "window"
  | "contraction"
  | "sort";

/** A node as the rules see it. */
export interface Applied<A> {
  /** The primitive's name. */
  readonly op: string;
  /** Operand types. */
  readonly types: ReadonlyArray<TensorType>;
  /** Decoded attributes. */
  readonly attributes: A;
  /** What is known of the sizes. */
  readonly solver: DimensionSolver;
}

/** A node as the cost rule sees it. */
export interface Costed<A> {
  /** Operand types. */
  readonly types: ReadonlyArray<TensorType>;
  /** Decoded attributes. */
  readonly attributes: A;
  /** Result types. */
  readonly results: ReadonlyArray<TensorType>;
}

/** What a node costs. */
export interface PrimitiveCost {
  /** Floating-point operations by the project's convention. */
  readonly flops: Dimension;
  /** Scalar steps of the reference, where more than the elements it touches and its flops. */
  readonly steps?: Dimension;
  /** Bytes moved; absent: operands read once and results written once. */
  readonly bytes?: Dimension;
}

/** A node as the reference evaluates it. */
export interface Evaluated<A> {
  /** The primitive's name. */
  readonly op: string;
  /** Operands. */
  readonly inputs: ReadonlyArray<Tensor>;
  /** Decoded attributes; all sizes in them are numbers. */
  readonly attributes: A;
  /** Result types with known sizes. */
  readonly results: ReadonlyArray<ConcreteType>;
}

/** A node as its gradient rule sees it. */
export interface Differentiated<A> {
  /** Where the rule builds. */
  readonly g: FunctionBuilder;
  /** Forward operands. */
  readonly operands: ReadonlyArray<Value>;
  /** Forward results. */
  readonly results: ReadonlyArray<Value>;
  /** Cotangent of the first result, zeros where only another result has one. */
  readonly cotangent: Value;
  /** Decoded attributes. */
  readonly attributes: A;
}

/** Cotangents of the operands; undefined where an operand gets none. */
export type GradientRule<A> = (node: Differentiated<A>) => ReadonlyArray<Value | undefined>;

/** Why a primitive has no gradient. `zero`: its derivative is zero wherever it exists, so nothing flows. */
export interface NoGradient {
  /** The reason, in words. */
  readonly none: string;
  /** Whether a cotangent ends here quietly (true) or is refused (false). */
  readonly zero: boolean;
}

// deno-lint-ignore no-explicit-any -- fields of any codecs
type Fields = { readonly [name: string]: Schema.Codec<any, any> };
// deno-lint-ignore no-explicit-any -- the decoded side of any codec
type AttributesOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Schema.Codec<infer T, any> ? T : never };

/** One row of the table. */
// deno-lint-ignore no-explicit-any -- the table holds rows of every attribute type
export interface Primitive<A = any> {
  /** Its name. */
  readonly name: string;
  /** What it computes, with its special cases. */
  readonly doc: string;
  /** Its operands, in order; with `variadic` the last stands for one or more. */
  readonly operands: ReadonlyArray<Operand>;
  /** Whether the last operand repeats. */
  readonly variadic: boolean;
  /** Schema of its attributes; all are required. */
  readonly attributes: Schema.Codec<A, unknown> & { readonly fields: Fields };
  /** Attributes that hold dimensions. */
  readonly sizes: ReadonlyArray<string>;
  /** Types of its results; throws `IR_SHAPE`, `IR_DTYPE` or `IR_ATTRIBUTE`. */
  readonly result: (node: Applied<A>) => ReadonlyArray<TensorType>;
  /** Its gradient, or why there is none. */
  readonly gradient: GradientRule<A> | NoGradient;
  /** Its cost. */
  readonly cost: (node: Costed<A>) => PrimitiveCost;
  /** Its meaning. */
  readonly evaluate: (node: Evaluated<A>) => ReadonlyArray<Tensor>;
  /** How loops see it. */
  readonly loop: LoopForm;
}

type Row<F extends Fields> =
  & Omit<Primitive<AttributesOf<F>>, "name" | "attributes" | "sizes" | "variadic" | "operands">
  & {
    readonly operands: { readonly [name: string]: DtypeClass };
    readonly attributes?: F;
    readonly sizes?: ReadonlyArray<keyof F & string>;
    readonly variadic?: boolean;
  };

/** Declares a row. */
export const primitive = <const F extends Fields = Record<never, never>>(name: string, row: Row<F>): Primitive => ({
  ...row,
  name,
  operands: Object.entries(row.operands).map(([operand, takes]) => ({ name: operand, takes })),
  variadic: row.variadic ?? false,
  attributes: Schema.Struct(row.attributes ?? {}) as unknown as Primitive["attributes"],
  sizes: row.sizes ?? [],
});

const decoders = new WeakMap<Primitive, (input: unknown) => Attributes>();

/** The decoded attributes of a node; throws `IR_ATTRIBUTE` for a missing, unknown or malformed one. */
export const decodeAttributes = (row: Primitive, attributes: Attributes): Attributes => {
  let decode = decoders.get(row);
  if (decode === undefined) {
    decode = Schema.decodeUnknownSync(row.attributes, { onExcessProperty: "error" }) as (input: unknown) => Attributes;
    decoders.set(row, decode);
  }
  // A schema without fields takes any object, so the names are compared here.
  const unknown = Object.keys(attributes).find((name) => !Object.hasOwn(row.attributes.fields, name));
  if (unknown !== undefined) {
    const known = Object.keys(row.attributes.fields);
    throw badAttribute({ op: row.name, reason: `it has no attribute ${unknown}`, expected: known, actual: unknown });
  }
  try {
    return decode(attributes);
  } catch (thrown) {
    if (!Schema.isSchemaError(thrown)) throw thrown;
    throw badAttribute({ op: row.name, reason: thrown.message.replaceAll(/\s+/gu, " ") });
  }
};

/** Axis numbers, counted from the front. */
export const Axes: Schema.Codec<ReadonlyArray<number>> = Schema.Array(
  Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
) as unknown as Schema.Codec<ReadonlyArray<number>>;

/** One axis number, counted from the front. */
export const Axis: Schema.Codec<number> = Schema.Int.check(
  Schema.isGreaterThanOrEqualTo(0),
) as unknown as Schema.Codec<number>;

/** Positive integers, such as strides. */
export const Positives: Schema.Codec<ReadonlyArray<number>> = Schema.Array(
  Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)),
) as unknown as Schema.Codec<ReadonlyArray<number>>;

/** A dimension: a number or the text of one. */
export const Size: Schema.Codec<Dimension> = Schema.Union([Schema.Int, Schema.String]) as unknown as Schema.Codec<
  Dimension
>;

/** Dimensions. */
export const Sizes: Schema.Codec<ReadonlyArray<Dimension>> = Schema.Array(Size) as unknown as Schema.Codec<
  ReadonlyArray<Dimension>
>;

/** Refuses operands that differ in dtype. */
export const sameDtype = (node: Applied<unknown>, operands: ReadonlyArray<TensorType> = node.types): Dtype => {
  for (const type of operands) {
    if (type.dtype === operands[0].dtype) continue;
    throw wrongDtype({
      op: node.op,
      operand: printType(type),
      reason: `the other operand is ${operands[0].dtype}, and dtypes are not mixed`,
      expected: operands[0].dtype,
      actual: type.dtype,
    });
  }
  return operands[0].dtype;
};

/** Refuses operands that differ in shape; primitives do not broadcast, builders insert `broadcast`. */
export const sameShapes = (node: Applied<unknown>, operands: ReadonlyArray<TensorType> = node.types): void => {
  for (const type of operands) {
    if (node.solver.equalShapes(type.shape, operands[0].shape)) continue;
    throw wrongShape({
      op: node.op,
      reason: `${printType(operands[0])} and ${printType(type)} differ in shape`,
      expected: printShape(operands[0].shape),
      actual: printShape(type.shape),
    });
  }
};

/** Refuses a node unless a condition on its shapes holds. */
export const needShape = (node: { readonly op: string }, holds: boolean, reason: () => string): void => {
  if (!holds) throw wrongShape({ op: node.op, reason: reason() });
};

/** One flop for each element of the result. */
export const onePerElement = ({ results }: Costed<unknown>): PrimitiveCost => ({ flops: countOf(results[0]) });

/** No flops. */
export const noFlops = (): PrimitiveCost => ({ flops: 0 });

/** Some flops for each element of the result. */
export const perElement = (flops: number) => ({ results }: Costed<unknown>): PrimitiveCost => ({
  flops: multiplyDimensions(flops, countOf(results[0])),
});
