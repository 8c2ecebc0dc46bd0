/**
 * Operator: what one row of the ONNX table says, and the node a row is given.
 *
 * Not the rows (operators/) and not the walk over a graph (import.ts).
 * Invariant: a row reads operands that decide shapes through `tensor`, `integers` or `sizes`, which refuse what is not
 * known before the run and name the inputs it depends on.
 *
 * @module
 */
import type { FunctionBuilder } from "../builder.ts";
import type { Dimension } from "../dimension.ts";
import { dynamicOnnx, unsupportedOnnx } from "../failures.ts";
import { type Input, Value } from "../operators.ts";
import { axisOf } from "../shape.ts";
import type { Shape, TensorType } from "../types.ts";
import { elements, type Tensor } from "../value.ts";
import type { AttributeProto, GraphProto, NodeProto } from "./schema.ts";
import { tensorFromProto } from "./tensors.ts";

/** What a name of a graph stands for. */
export interface Item {
  /** Its type. */
  readonly type: TensorType;
  /** The value that holds it in the run; absent where it is known. */
  readonly value?: Value;
  /** Its elements, where they are known before the run. */
  readonly known?: Tensor;
  /** Its integers as dimensions, where they follow from shapes. */
  readonly sizes?: ReadonlyArray<Dimension>;
  /** Inputs of the model that its elements depend on. */
  readonly from: ReadonlySet<string>;
}

/** A graph that a control node runs. */
export interface Body {
  /** How many inputs it declares. */
  readonly inputs: number;
  /** How many outputs it declares. */
  readonly outputs: number;
  /** Lowers it into a function under construction. */
  readonly run: (g: FunctionBuilder, inputs: ReadonlyArray<Item>) => ReadonlyArray<Item>;
}

/** What a row gives back: a value an output, or items where more is known of them. */
export type Lowered = Value | ReadonlyArray<Value | Item>;

/** One row: how an operator of ONNX, from a version on, becomes nodes of the IR. */
export interface OnnxOperator {
  /** Its name. */
  readonly name: string;
  /** Its set; empty for the standard one. */
  readonly domain: string;
  /** First version of the set whose meaning the row has. */
  readonly since: number;
  /** Builds it. */
  readonly lower: (node: OnnxNode) => Lowered;
  /** Its integers as dimensions, where it computes with shapes. */
  readonly sizes?: (node: OnnxNode) => ReadonlyArray<Dimension> | undefined;
}

const text = new TextDecoder();

/** The value of an item in a function under construction. */
export type Materialize = (g: FunctionBuilder, item: Item) => Value;

/** One node of an ONNX graph as its row sees it. */
export class OnnxNode {
  private readonly attributes: ReadonlyMap<string, AttributeProto>;

  /** Made by the walk over the graph. */
  constructor(
    /** Where the row builds. */
    readonly g: FunctionBuilder,
    private readonly proto: NodeProto,
    /** Version of the operator's set. */
    readonly version: number,
    private readonly items: ReadonlyArray<Item | undefined>,
    private readonly materialize: Materialize,
    private readonly bodyOf: (graph: GraphProto) => Body,
  ) {
    this.attributes = new Map(proto.attribute.map((attribute) => [attribute.name ?? "", attribute]));
  }

  /** The operator. */
  get op(): string {
    return this.proto.opType ?? "";
  }

  /** The node's name, or that of its first output. */
  get name(): string {
    return this.proto.name !== undefined && this.proto.name !== "" ? this.proto.name : this.proto.output[0] ?? "";
  }

  /** Refuses the node. */
  refuse(reason: string): never {
    throw unsupportedOnnx({ op: this.op, node: this.name, reason });
  }

  /** Number of operands, absent ones at the end not counted. */
  get count(): number {
    return this.items.length;
  }

  /** Number of outputs the node names. */
  get outputs(): number {
    return this.proto.output.length;
  }

  /** Whether an output is asked for. */
  wants(output: number): boolean {
    return (this.proto.output[output] ?? "") !== "";
  }

  /** Whether an operand is there. */
  has(index: number): boolean {
    return this.items[index] !== undefined;
  }

  /** What is known of an operand. */
  item(index: number): Item {
    return this.items[index] ?? this.refuse(`operand ${index} is missing`);
  }

  /** An operand. */
  in(index: number): Value {
    return this.materialize(this.g, this.item(index));
  }

  /** An operand that may be absent. */
  maybe(index: number): Value | undefined {
    return this.has(index) ? this.in(index) : undefined;
  }

  /** All operands. */
  all(): ReadonlyArray<Value> {
    return this.items.map((_, index) => this.in(index));
  }

  /** A value of an item in a function that this node's bodies are built in. */
  valueIn(g: FunctionBuilder, item: Item): Value {
    return this.materialize(g, item);
  }

  /** Type of an operand. */
  type(index: number): TensorType {
    return this.item(index).type;
  }

  /** Refuses an operand that must be known. */
  private dynamic(index: number): never {
    throw dynamicOnnx({
      op: this.op,
      node: this.name,
      operand: `operand ${index} (${this.proto.input[index] ?? ""})`,
      inputs: [...this.item(index).from].sort(),
      actual: [...this.item(index).from].sort(),
    });
  }

  /** The elements of an operand, which must be known. */
  tensor(index: number): Tensor {
    return this.item(index).known ?? this.dynamic(index);
  }

  /** The integers of an operand, which must be known. */
  integers(index: number): ReadonlyArray<number> {
    return elements(this.tensor(index)).map(Number);
  }

  /** The integers of an operand as dimensions. */
  sizes(index: number): ReadonlyArray<Dimension> {
    const { sizes, known } = this.item(index);
    return sizes ?? (known === undefined ? this.dynamic(index) : this.integers(index));
  }

  /** An attribute's message. */
  private attribute(name: string): AttributeProto | undefined {
    return this.attributes.get(name);
  }

  /** Whether an attribute is there. */
  hasAttribute(name: string): boolean {
    return this.attributes.has(name);
  }

  /** An integer attribute. */
  int(name: string, otherwise?: number): number {
    const found = this.attribute(name)?.i;
    if (found !== undefined) return Number(found);
    // Protobuf leaves a zero out where it is the default of the format.
    if (this.attribute(name) !== undefined) return 0;
    return otherwise ?? this.refuse(`attribute ${name} is missing`);
  }

  /** A true or false attribute. */
  flag(name: string, otherwise = false): boolean {
    return this.int(name, otherwise ? 1 : 0) !== 0;
  }

  /** A float attribute. */
  float(name: string, otherwise?: number): number {
    const found = this.attribute(name);
    if (found !== undefined) return found.f ?? 0;
    return otherwise ?? this.refuse(`attribute ${name} is missing`);
  }

  /** A text attribute. */
  text(name: string, otherwise?: string): string {
    const found = this.attribute(name);
    if (found !== undefined) return found.s === undefined ? "" : text.decode(found.s);
    return otherwise ?? this.refuse(`attribute ${name} is missing`);
  }

  /** A text attribute that is one of some. */
  oneOf<const T extends string>(name: string, choices: ReadonlyArray<T>, otherwise?: T): T {
    const found = this.text(name, otherwise);
    const choice = choices.find((candidate) => candidate === found);
    return choice ?? this.refuse(`${name} is "${found}", not one of ${choices.join(", ")}`);
  }

  /** Texts. */
  texts(name: string): ReadonlyArray<string> | undefined {
    return this.attribute(name)?.strings.map((bytes) => text.decode(bytes));
  }

  /** Integers. */
  ints(name: string): ReadonlyArray<number> | undefined {
    return this.attribute(name)?.ints.map(Number);
  }

  /** Floats. */
  floats(name: string): ReadonlyArray<number> | undefined {
    return this.attribute(name)?.floats;
  }

  /** A tensor attribute. */
  literal(name: string): Tensor | undefined {
    const found = this.attribute(name)?.t;
    return found === undefined ? undefined : tensorFromProto(found, this.op, this.name);
  }

  /** A graph attribute. */
  body(name: string): Body {
    const found = this.attribute(name)?.g;
    return found === undefined ? this.refuse(`attribute ${name} is missing`) : this.bodyOf(found);
  }

  /** An axis counted from the front. */
  axis(axis: number, rank: number): number {
    return axisOf(this.op, axis, rank);
  }

  /** Axes counted from the front, in ascending order. */
  axes(axes: ReadonlyArray<number>, rank: number): ReadonlyArray<number> {
    return axes.map((axis) => this.axis(axis, rank)).sort((a, b) => a - b);
  }

  /** A number that must be known of a dimension. */
  number(size: Dimension, what: string): number {
    return typeof size === "number" ? size : this.refuse(`${what} is ${size}, and it must be a number`);
  }

  /** Sizes that must be numbers. */
  numbers(shape: Shape, what: string): ReadonlyArray<number> {
    return shape.map((size) => this.number(size, what));
  }
}

/** Declares a row of the standard set. */
export const onnx = (
  name: string,
  since: number,
  lower: OnnxOperator["lower"],
  more: { readonly domain?: string; readonly sizes?: OnnxOperator["sizes"] } = {},
): OnnxOperator => ({ name, since, lower, domain: more.domain ?? "", ...(more.sizes && { sizes: more.sizes }) });

/** A number of a value's element type, as an operand; integers are rounded to one. */
export const like = (x: Value, number: number): Input => {
  const integral = /^[iu]/u.test(x.type.dtype);
  return integral ? Math.round(number) : number;
};

/** Values of a size 1 put around and between the axes of a value, so that it broadcasts along axis `axis` of a rank. */
export const alongAxis = (g: FunctionBuilder, x: Value, axis: number, rank: number): Value =>
  x.type.shape.length !== 1
    ? x
    : g.reshape(x, Array.from({ length: rank }, (_, i) => i === axis ? x.type.shape[0] : 1));

/** Whether something a row gave is a value. */
export const isValue = (made: Value | Item): made is Value => made instanceof Value;
