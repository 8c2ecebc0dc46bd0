/**
 * ONNX models written by hand for tests, message by message.
 */
import { type Message, writeMessage } from "../../../plugins/ir/onnx/protobuf.ts";
import { MODEL } from "../../../plugins/ir/onnx/schema.ts";
import { tensorToProto } from "../../../plugins/ir/onnx/tensors.ts";
import { valueInfo } from "../../../plugins/ir/onnx/writer.ts";
import { parseType, type Tensor } from "../../../plugins/ir/library.ts";

const encoder = new TextEncoder();

/** An attribute by its value. */
export const attribute = (name: string, value: number | string | ReadonlyArray<number> | Tensor | Message): Message => {
  if (typeof value === "number") {
    return Number.isInteger(value) ? { name, i: value, type: 2 } : { name, f: value, type: 1 };
  }
  if (typeof value === "string") return { name, s: encoder.encode(value), type: 3 };
  if (Array.isArray(value)) return { name, ints: value, type: 7 };
  if ("dtype" in value) return { name, t: tensorToProto(value as Tensor), type: 4 };
  return { name, g: value, type: 5 };
};

/** A node. */
export const node = (
  opType: string,
  input: ReadonlyArray<string>,
  output: ReadonlyArray<string>,
  attributes: { readonly [name: string]: Parameters<typeof attribute>[1] } = {},
  domain = "",
): Message => ({
  opType,
  input,
  output,
  domain,
  name: `${opType}_${output[0]}`,
  attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
});

/** A graph; types as text. */
export const graph = (
  inputs: { readonly [name: string]: string },
  outputs: ReadonlyArray<string>,
  nodes: ReadonlyArray<Message>,
  literals: { readonly [name: string]: Tensor } = {},
): Message => ({
  name: "g",
  node: nodes,
  input: Object.entries(inputs).map(([name, type]) => valueInfo(name, parseType(type))),
  output: outputs.map((name) => ({ name })),
  initializer: Object.entries(literals).map(([name, value]) => tensorToProto(value, name)),
});

/** The bytes of a model. */
export const modelBytes = (of: Message, opset = 18, more: Message = {}): Uint8Array<ArrayBuffer> =>
  writeMessage({ irVersion: 8, opsetImport: [{ domain: "", version: opset }], graph: of, ...more }, MODEL);
