/**
 * Weights: which container a file of weights is, and the names and shapes of its tensors.
 *
 * Not the numbers: what they are is nobody's claim here.
 * Invariant: a file is of a container only when that container's own reader takes it whole.
 *
 * @module
 */
import { isFailure } from "../../../kernel/mod.ts";
import { readGguf } from "./gguf.ts";

/** What a file of weights tells. */
export interface WeightsHeader {
  /** Its container. */
  readonly container: "safetensors" | "gguf" | "onnx" | "rmi";
  /** Its tensors. */
  readonly tensors: ReadonlyArray<{ readonly name: string; readonly shape: ReadonlyArray<number> }>;
  /** What it says of the architecture itself. */
  readonly facts: {
    readonly layers?: number;
    readonly hidden?: number;
    readonly heads?: number;
    readonly kvHeads?: number;
  };
}

const GGUF_FACTS = {
  block_count: "layers",
  embedding_length: "hidden",
  "attention.head_count": "heads",
  "attention.head_count_kv": "kvHeads",
} as const;

const gguf = (bytes: Uint8Array): WeightsHeader => {
  const { facts, tensors } = readGguf(bytes);
  const family = facts.get("general.architecture");
  const told = Object.entries(GGUF_FACTS).flatMap(([fact, of]) => {
    const value = facts.get(`${family}.${fact}`);
    return typeof value === "number" ? [[of, value] as const] : [];
  });
  return { container: "gguf", tensors, facts: Object.fromEntries(told) };
};

const onnx = async (bytes: Uint8Array): Promise<WeightsHeader> => {
  const { importOnnx, functionOf } = await import("../../ir/library.ts");
  const { weights, program } = importOnnx(bytes, { weights: "parameters" });
  const { parameters } = functionOf(program);
  const tensors = [...weights].map(([name, { shape }]) => ({ name, shape }));
  return {
    container: "onnx",
    tensors: tensors.length > 0 ? tensors : parameters.map(({ name, type }) => ({
      name,
      shape: type.shape.filter((size): size is number => typeof size === "number"),
    })),
    facts: {},
  };
};

const namedTensors = (tensors: ReadonlyMap<string, { readonly shape: ReadonlyArray<number> }>) =>
  [...tensors].map(([name, { shape }]) => ({ name, shape }));

const safetensors = async (bytes: Uint8Array): Promise<WeightsHeader> => {
  const { readSafetensors } = await import("../../neural/library.ts");
  return { container: "safetensors", tensors: namedTensors(readSafetensors(bytes).tensors), facts: {} };
};

const rmi = async (bytes: Uint8Array): Promise<WeightsHeader> => {
  const { readRmiModel } = await import("../../neural/library.ts");
  return { container: "rmi", tensors: namedTensors(readRmiModel(bytes).tensors), facts: {} };
};

const text = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));

/** Containers by how a file begins, and who reads them. */
const CONTAINERS: ReadonlyArray<
  readonly [begins: (bytes: Uint8Array) => boolean, read: (bytes: Uint8Array) => WeightsHeader | Promise<WeightsHeader>]
> = [
  [(bytes) => text(bytes, 0, 4) === "GGUF", gguf],
  [(bytes) => text(bytes, 0, 8) === "RMIMODEL", rmi],
  // The length of the header, then the header, which is a JSON object.
  [(bytes) => text(bytes, 8, 9) === "{" && text(bytes, 5, 8) === "\0\0\0", safetensors],
  // The first field of a model is its version: tag 1, a small number.
  [(bytes) => bytes[0] === 0x08 && bytes[1] < 32, onnx],
];

/** Reads what a file of weights tells; a reason where no container's reader takes it. */
export const readWeights = async (bytes: Uint8Array): Promise<WeightsHeader | { readonly reason: string }> => {
  const found = CONTAINERS.find(([begins]) => begins(bytes));
  if (found === undefined) return { reason: "it begins like no known container (safetensors, GGUF, ONNX, .rmi)" };
  try {
    return await found[1](bytes);
  } catch (cause) {
    if (!isFailure(cause)) throw cause;
    return { reason: cause.message };
  }
};
