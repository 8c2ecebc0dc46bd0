/**
 * Writer: the graph of an ONNX model under construction, and the small operations that every row of emission.ts needs.
 *
 * Not the rows and not the walk over a program (export.ts).
 * Invariant: names are unique in the whole model; what depends on sizes alone is computed at the start of the main graph.
 * Arithmetic runs in four carrier types (f32, f64, i32, i64), which every runtime has; narrower types are cast around it.
 *
 * @module
 */
import { atomsOf, type Dimension, divisionOf, multiplyDimensions, toPolynomial } from "../dimension.ts";
import { unsupportedEmission } from "../failures.ts";
import type { Dtype, Shape, TensorType } from "../types.ts";
import { type Element, scalar, type Tensor, tensor, toBytes } from "../value.ts";
import type { Message } from "./protobuf.ts";
import { ATTRIBUTE_TYPES } from "./schema.ts";
import { ONNX_TYPES, tensorToProto } from "./tensors.ts";

/** A value of the graph: its name and its type. */
export interface Wire extends TensorType {
  /** Its name. */
  readonly name: string;
}

/** An attribute's value. */
export type OnnxAttribute = number | string | ReadonlyArray<number> | { readonly float: number } | {
  readonly graph: Message;
};

const encoder = new TextEncoder();

const attributeMessage = (name: string, value: OnnxAttribute): Message => {
  if (typeof value === "number") return { name, i: value, type: ATTRIBUTE_TYPES.int };
  if (typeof value === "string") return { name, s: encoder.encode(value), type: ATTRIBUTE_TYPES.string };
  if ("float" in value) return { name, f: value.float, type: ATTRIBUTE_TYPES.float };
  if ("graph" in value) return { name, g: value.graph, type: ATTRIBUTE_TYPES.graph };
  return { name, ints: value, type: ATTRIBUTE_TYPES.ints };
};

/** The message that declares a value. */
export const valueInfo = (name: string, { dtype, shape }: TensorType): Message => ({
  name,
  type: {
    tensorType: {
      elemType: ONNX_TYPES[dtype],
      shape: { dim: shape.map((size) => typeof size === "number" ? { dimValue: size } : { dimParam: size }) },
    },
  },
});

/** Element types that arithmetic runs in. */
const CARRIERS: { readonly [D in Dtype]: Dtype } = {
  f64: "f64",
  f32: "f32",
  f16: "f32",
  bf16: "f32",
  i64: "i64",
  i32: "i32",
  i16: "i32",
  i8: "i32",
  i4: "i32",
  u64: "i64",
  u32: "i64",
  u16: "i32",
  u8: "i32",
  bool: "i32",
};

/** The type that arithmetic on a type runs in; of u64 the bits are the same, the order is not. */
export const carrierOf = (dtype: Dtype): Dtype => CARRIERS[dtype];

const REVERSED_END = -9223372036854775808n;

/** Constants up to this many bytes are written once however often they are used. */
const SHARED_BYTES = 256;

/** Names that nodes read, those of graphs within them too. */
const namesRead = (nodes: ReadonlyArray<Message>, into: Set<string> = new Set()): ReadonlySet<string> => {
  for (const { input, attribute } of nodes as ReadonlyArray<{ input: ReadonlyArray<string>; attribute?: Message[] }>) {
    for (const name of input) into.add(name);
    for (const { g } of attribute ?? []) {
      if (g !== undefined) namesRead((g as { readonly node: ReadonlyArray<Message> }).node, into);
    }
  }
  return into;
};

/** The graph under construction. */
export class OnnxWriter {
  private readonly prelude: Message[] = [];
  private nodes: Message[] = [];
  private readonly initializers: Message[] = [];
  private readonly literals = new Set<string>();
  private readonly shared = new Map<string, Wire>();
  private readonly symbols = new Map<string, Wire>();
  private readonly sizes = new Map<Dimension, Wire>();
  private readonly reserved = new Set<string>();
  private next = 0;
  /** Path of the node that is emitted, for refusals. */
  path = "";
  /** Operation that is emitted, for refusals. */
  current = "";

  /** Made once for a model. */
  constructor(
    /** Version of the operator set. */
    readonly opset: number,
  ) {}

  /** Refuses the node that is emitted. */
  refuse(reason: string): never {
    throw unsupportedEmission({ op: this.current, node: this.path, target: "onnx", reason, path: this.path });
  }

  /** Keeps a name for the caller's own use; gives the name it became where it was taken. */
  reserve(name: string): string {
    let unique = name === "" ? "value" : name;
    while (this.reserved.has(unique)) unique += "_";
    this.reserved.add(unique);
    return unique;
  }

  /** A name that nothing has. */
  private fresh(hint: string): string {
    let name = `${hint}_${this.next++}`;
    while (this.reserved.has(name)) name = `${hint}_${this.next++}`;
    return name;
  }

  /** Appends a node of one result. */
  op(
    type: string,
    inputs: ReadonlyArray<Wire | undefined>,
    result: TensorType,
    attributes: { readonly [name: string]: OnnxAttribute } = {},
  ): Wire {
    return this.ops(type, inputs, [result], attributes)[0];
  }

  /** Appends a node. */
  ops(
    type: string,
    inputs: ReadonlyArray<Wire | undefined>,
    results: ReadonlyArray<TensorType>,
    attributes: { readonly [name: string]: OnnxAttribute } = {},
  ): ReadonlyArray<Wire> {
    const made = results.map(({ dtype, shape }) => ({ name: this.fresh(type.toLowerCase()), dtype, shape }));
    this.nodes.push({
      input: inputs.map((wire) => wire?.name ?? ""),
      output: made.map(({ name }) => name),
      opType: type,
      attribute: Object.entries(attributes).map(([name, value]) => attributeMessage(name, value)),
    });
    return made;
  }

  /** A literal. */
  constant(value: Tensor): Wire {
    const small = value.data.byteLength <= SHARED_BYTES;
    const key = small ? `${value.dtype}[${value.shape.join()}]${toBytes(value).join()}` : "";
    const known = small ? this.shared.get(key) : undefined;
    if (known !== undefined) return known;
    const name = this.fresh("c");
    this.initializers.push(tensorToProto(value, name));
    this.literals.add(name);
    const wire = { name, dtype: value.dtype, shape: value.shape };
    if (small) this.shared.set(key, wire);
    return wire;
  }

  /** A named literal of the model. */
  initializer(name: string, value: Tensor): Wire {
    this.initializers.push(tensorToProto(value, name));
    return { name, dtype: value.dtype, shape: value.shape };
  }

  /** A number as a scalar. */
  number(dtype: Dtype, value: Element): Wire {
    return this.constant(scalar(dtype, dtype === "bool" ? Boolean(value) : value));
  }

  /** Integers as a list. */
  list(values: ReadonlyArray<number | bigint>): Wire {
    return this.constant(tensor("i64", [values.length], values));
  }

  /** Says where a named size is found: an axis of an input. */
  declareSize(symbol: string, of: Wire, axis: number): void {
    if (this.symbols.has(symbol)) return;
    this.atStart(() => {
      const shape = this.op("Shape", [of], { dtype: "i64", shape: [of.shape.length] });
      const size = this.op("Gather", [shape, this.number("i64", axis)], { dtype: "i64", shape: [] }, { axis: 0 });
      this.symbols.set(symbol, size);
    });
  }

  /** Emits at the start of the main graph. */
  private atStart<A>(build: () => A): A {
    const nodes = this.nodes;
    this.nodes = this.prelude;
    try {
      return build();
    } finally {
      this.nodes = nodes;
    }
  }

  /** A node that makes an i64 scalar. */
  private i64(type: string, inputs: ReadonlyArray<Wire>): Wire {
    return this.op(type, inputs, { dtype: "i64", shape: [] });
  }

  /** A named size or a quotient of sizes. */
  private atom(atom: string): Wire {
    const division = divisionOf(atom);
    if (division === undefined) return this.symbols.get(atom) ?? this.refuse(`no input says how large ${atom} is`);
    const [of, by] = [this.size(division.of), this.number("i64", division.by)];
    // ONNX divides towards zero; a dimension's quotient is a floor.
    const rest = this.op("Mod", [of, by], { dtype: "i64", shape: [] });
    return this.i64("Div", [this.i64("Sub", [of, rest]), by]);
  }

  /** A size as an i64 scalar. */
  size(of: Dimension): Wire {
    if (typeof of === "number") return this.number("i64", of);
    const known = this.sizes.get(of);
    if (known !== undefined) return known;
    const made = this.atStart(() =>
      [...toPolynomial(of)].map(([monomial, coefficient]) =>
        atomsOf(monomial).map((atom) => this.atom(atom)).reduce(
          (product, factor) => this.i64("Mul", [product, factor]),
          this.number("i64", coefficient),
        )
      ).reduce((sum, term) => this.i64("Add", [sum, term]))
    );
    this.sizes.set(of, made);
    return made;
  }

  /** Sizes as a list. */
  shapeList(shape: Shape): Wire {
    if (shape.every((size) => typeof size === "number")) return this.list(shape);
    return this.atStart(() => {
      const parts = shape.map((size) =>
        typeof size === "number"
          ? this.list([size])
          : this.op("Reshape", [this.size(size), this.list([1])], { dtype: "i64", shape: [1] })
      );
      return this.op("Concat", parts, { dtype: "i64", shape: [shape.length] }, { axis: 0 });
    });
  }

  /** Another element type, by ONNX's own conversion. */
  cast(x: Wire, dtype: Dtype): Wire {
    return x.dtype === dtype ? x : this.op("Cast", [x], { dtype, shape: x.shape }, { to: ONNX_TYPES[dtype] });
  }

  /** In the type that arithmetic runs in. */
  carried(x: Wire): Wire {
    return this.cast(x, carrierOf(x.dtype));
  }

  /** Runs arithmetic in the carrier of a type and comes back. */
  carrying(dtype: Dtype, operands: ReadonlyArray<Wire>, build: (operands: ReadonlyArray<Wire>) => Wire): Wire {
    const wide = operands.map((x) => this.carried(x));
    const made = build(wide);
    // Where nothing was to be done there is nothing to come back from: onnxruntime 1.30 drops a cast there and back, and
    // with it what graphs inside see of the value.
    const same = wide.findIndex(({ name }) => name === made.name);
    return same >= 0 && operands[same].dtype === dtype ? operands[same] : this.cast(made, dtype);
  }

  /** An elementwise node of the operands' type and shape. */
  same(type: string, operands: ReadonlyArray<Wire>, attributes: { readonly [name: string]: OnnxAttribute } = {}): Wire {
    const wide = operands.reduce((a, b) => a.shape.length >= b.shape.length ? a : b);
    return this.op(type, operands, wide, attributes);
  }

  /** Two operands combined by Add, Mul, Max or Min. */
  combine(type: "Add" | "Mul" | "Max" | "Min", x: Wire, y: Wire): Wire {
    // onnxruntime 1.30 compares only half of the bits in Max and Min of i64, so a comparison is written out.
    if (x.dtype !== "i64" || type === "Add" || type === "Mul") return this.same(type, [x, y]);
    return this.where(this.test(type === "Max" ? "Greater" : "Less", x, y), x, y);
  }

  /** A comparison, as a bool. */
  test(type: string, x: Wire, y: Wire): Wire {
    const shape = x.shape.length >= y.shape.length ? x.shape : y.shape;
    return this.op(type, [x, y], { dtype: "bool", shape });
  }

  /** x where the predicate is true, y elsewhere, for every type. */
  where(predicate: Wire, x: Wire, y: Wire): Wire {
    const wide = [predicate, x, y].reduce((a, b) => a.shape.length >= b.shape.length ? a : b);
    return this.carrying(
      x.dtype,
      [x, y],
      ([a, b]) => this.op("Where", [predicate, a, b], { dtype: a.dtype, shape: wide.shape }),
    );
  }

  /** The same elements under another shape. */
  reshape(x: Wire, shape: Shape): Wire {
    const isSame = shape.length === x.shape.length && shape.every((size, i) => size === x.shape[i]);
    if (isSame) return x;
    const operands = [x, this.shapeList(shape)];
    const result = { dtype: x.dtype, shape };
    return shape.includes(0)
      ? this.op("Reshape", operands, result, { allowzero: 1 })
      : this.op("Reshape", operands, result);
  }

  /** x repeated to a shape it broadcasts to. */
  expand(x: Wire, shape: Shape): Wire {
    const isSame = shape.length === x.shape.length && shape.every((size, i) => size === x.shape[i]);
    if (isSame) return x;
    return this.op("Expand", [x, this.shapeList(shape)], { dtype: x.dtype, shape });
  }

  /** Axes in another order. */
  transpose(x: Wire, permutation: ReadonlyArray<number>): Wire {
    if (permutation.every((axis, i) => axis === i)) return x;
    const shape = permutation.map((axis) => x.shape[axis]);
    return this.op("Transpose", [x], { dtype: x.dtype, shape }, { perm: permutation });
  }

  /** Parts of axes; the shape is that of the result. */
  slice(
    x: Wire,
    parts: ReadonlyArray<
      { readonly axis: number; readonly start: Dimension; readonly limit: Dimension; readonly step: number }
    >,
    shape: Shape,
  ): Wire {
    if (parts.length === 0) return x;
    return this.op("Slice", [
      x,
      this.shapeList(parts.map(({ start }) => start)),
      this.shapeList(parts.map(({ limit }) => limit)),
      this.list(parts.map(({ axis }) => axis)),
      this.list(parts.map(({ step }) => step)),
    ], { dtype: x.dtype, shape });
  }

  /** Opposite order along axes. */
  reverse(x: Wire, axes: ReadonlyArray<number>): Wire {
    if (axes.length === 0) return x;
    return this.op("Slice", [
      x,
      this.list(axes.map(() => -1)),
      this.list(axes.map(() => REVERSED_END)),
      this.list(axes),
      this.list(axes.map(() => -1)),
    ], x);
  }

  /** A scalar at every place of a shape. */
  fill(value: Wire, shape: Shape): Wire {
    return this.expand(value, shape);
  }

  /** Operands one after another. */
  concat(xs: ReadonlyArray<Wire>, axis: number, shape: Shape): Wire {
    return this.op("Concat", xs, { dtype: xs[0].dtype, shape }, { axis });
  }

  /** 0, 1, 2 … as an i64 list. */
  range(count: Dimension): Wire {
    const [start, step] = [this.number("i64", 0), this.number("i64", 1)];
    return this.op("Range", [start, this.size(count), step], { dtype: "i64", shape: [count] });
  }

  /** A graph with nodes of its own: what `build` emits goes into it. */
  subgraph(
    inputs: ReadonlyArray<TensorType>,
    build: (inputs: ReadonlyArray<Wire>) => ReadonlyArray<Wire>,
  ): Message {
    const around = this.nodes;
    this.nodes = [];
    try {
      const wires = inputs.map(({ dtype, shape }) => ({ name: this.fresh("in"), dtype, shape }));
      // A result must be made inside, also where it is a value from outside or an input.
      const results = build(wires).map((wire) => this.op("Identity", [wire], wire));
      return {
        name: this.fresh("graph"),
        node: this.nodes,
        input: wires.map((wire) => valueInfo(wire.name, wire)),
        output: results.map((wire) => valueInfo(wire.name, wire)),
      };
    } finally {
      this.nodes = around;
    }
  }

  /** The main graph's nodes, weights, and those literals that are read. */
  finish(): { readonly node: ReadonlyArray<Message>; readonly initializer: ReadonlyArray<Message> } {
    const node = [...this.prelude, ...this.nodes];
    const read = namesRead(node);
    // A row may take a literal that it then does without, and runtimes complain of what nobody reads.
    const initializer = this.initializers.filter(({ name }) =>
      !this.literals.has(name as string) || read.has(name as string)
    );
    return { node, initializer };
  }
}

/** Product of sizes. */
export const productOf = (shape: Shape): Dimension => multiplyDimensions(...shape);
