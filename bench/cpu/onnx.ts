/**
 * ONNX models of single operators, written by hand, so that an engine is measured on the operator it has for a case.
 */
import { type Case, CONV, type Data, operandsOf, ROWS } from "./cases.ts";

/** A protobuf message under construction. */
class Message {
  private readonly parts: Uint8Array[] = [];

  private varint(value: number): void {
    const bytes: number[] = [];
    for (; value > 127; value = Math.floor(value / 128)) bytes.push(value % 128 | 128);
    this.parts.push(Uint8Array.from([...bytes, value]));
  }
  integer(field: number, value: number): this {
    this.varint(field << 3);
    this.varint(value);
    return this;
  }
  float(field: number, value: number): this {
    this.varint(field << 3 | 5);
    this.parts.push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }
  bytes(field: number, value: Uint8Array): this {
    this.varint(field << 3 | 2);
    this.varint(value.length);
    this.parts.push(value);
    return this;
  }
  text(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }
  message(field: number, value: Message): this {
    return this.bytes(field, value.done());
  }
  done(): Uint8Array {
    const length = this.parts.reduce((sum, part) => sum + part.length, 0);
    const made = new Uint8Array(length);
    let at = 0;
    for (const part of this.parts) {
      made.set(part, at);
      at += part.length;
    }
    return made;
  }
}

const FLOAT = 1;
const ATTRIBUTE = { float: 1, integer: 2, integers: 7 } as const;

const valueInfo = (name: string, shape: ReadonlyArray<number>): Message => {
  const sizes = new Message();
  shape.forEach((size) => sizes.message(1, new Message().integer(1, size)));
  return new Message().text(1, name)
    .message(2, new Message().message(1, new Message().integer(1, FLOAT).message(2, sizes)));
};

const initializer = (name: string, { shape, data }: Data): Message => {
  const made = new Message();
  shape.forEach((size) => made.integer(1, size));
  return made.integer(2, FLOAT).text(8, name).bytes(9, new Uint8Array(data.buffer));
};

type AttributeValue =
  | { readonly float: number }
  | { readonly integer: number }
  | { readonly integers: ReadonlyArray<number> };

const attribute = (name: string, value: AttributeValue): Message => {
  const made = new Message().text(1, name);
  if ("float" in value) return made.float(2, value.float).integer(20, ATTRIBUTE.float);
  if ("integer" in value) return made.integer(3, value.integer).integer(20, ATTRIBUTE.integer);
  value.integers.forEach((each) => made.integer(8, each));
  return made.integer(20, ATTRIBUTE.integers);
};

const model = (
  op: string,
  operands: ReadonlyArray<Data>,
  given: number,
  result: ReadonlyArray<number>,
  attributes: { readonly [name: string]: AttributeValue } = {},
): Uint8Array => {
  const node = new Message();
  operands.forEach((_, i) => node.text(1, `x${i}`));
  node.text(2, "y").text(4, op);
  Object.entries(attributes).forEach(([name, value]) => node.message(5, attribute(name, value)));
  const graph = new Message().message(1, node).text(2, "case");
  operands.slice(given).forEach((data, i) => graph.message(5, initializer(`x${given + i}`, data)));
  operands.slice(0, given).forEach((data, i) => graph.message(11, valueInfo(`x${i}`, data.shape)));
  graph.message(12, valueInfo("y", result));
  return new Message().integer(1, 8).message(7, graph)
    .message(8, new Message().text(1, "").integer(2, 17)).done();
};

/** A model, and the operands it is fed: weights are part of it. */
export interface SingleOperator {
  /** The model's bytes. */
  readonly model: Uint8Array;
  /** Its inputs `x0`, `x1` …; its output is `y`. */
  readonly inputs: ReadonlyArray<Data>;
}

/** The one operator that is a case; undefined for training steps. */
export const singleOperator = ({ work }: Case): SingleOperator | undefined => {
  if (work.kind === "mlp" || work.kind === "block") return undefined;
  const operands = operandsOf(work);
  const first = operands[0].shape;
  const around = (CONV.kernel - 1) / 2;
  const single = (op: string, given: number, attributes: { readonly [name: string]: AttributeValue } = {}) => ({
    model: model(op, operands, given, first, attributes),
    inputs: operands.slice(0, given),
  });
  switch (work.kind) {
    case "gemm":
      return single("MatMul", 2);
    case "gemv":
      return single("MatMul", 1);
    case "conv":
      return single("Conv", 1, { pads: { integers: [around, around, around, around] } });
    case "softmax":
      return single("Softmax", 1, { axis: { integer: 1 } });
    case "layer-norm":
      return single("LayerNormalization", 1, { axis: { integer: 1 }, epsilon: { float: ROWS.epsilon } });
  }
};
