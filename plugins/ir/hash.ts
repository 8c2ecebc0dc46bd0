/**
 * Hash: the structural identity of a program.
 *
 * Not the identity of RMIL programs (that is of their own bytes) and not insensitive to the order of nodes.
 * Invariant: names of functions, parameters, sizes and source locations have no part in it; every other difference has:
 * types, operands, attributes, the bits of constants (all NaN being one), what functions do, and what is returned.
 * Sizes are numbered by their first mention alone, then by their first mention inside a polynomial.
 *
 * @module
 */
import { type Digest, digestBytes } from "../../kernel/digest.ts";
import { type Bindings, type Dimension, substitute, symbolsOf } from "./dimension.ts";
import { type Attribute, functionOf, type IrFunction, type Program } from "./graph.ts";
import { substituteAttributes } from "./infer.ts";
import type { TensorType } from "./types.ts";
import { isTensor, type Tensor, toBytes } from "./value.ts";

const FORMAT = "rmi-ir/1";

/** Prefix of numbered sizes; all names of a function are replaced at once, so it cannot meet one of them. */
const SIZE_PREFIX = "_s";

const FIRST_BYTES = 4096;

/** Most bytes of UTF-8 for one unit of a string. */
const BYTES_PER_UNIT = 3;

const LENGTH_BYTES = 4;

const encoder = new TextEncoder();

/** Pieces one after another, each with its length before it, in one buffer that doubles. */
class ByteWriter {
  private buffer = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.buffer.buffer);
  private used = 0;

  private reserve(more: number): void {
    if (this.used + more <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.used + more, 2 * this.buffer.length));
    grown.set(this.buffer);
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
  }

  private close(start: number, length: number): void {
    this.view.setUint32(start, length, true);
    this.used = start + LENGTH_BYTES + length;
  }

  bytes(part: Uint8Array): void {
    this.reserve(LENGTH_BYTES + part.length);
    this.buffer.set(part, this.used + LENGTH_BYTES);
    this.close(this.used, part.length);
  }

  text(text: string): void {
    this.reserve(LENGTH_BYTES + BYTES_PER_UNIT * text.length);
    const { written } = encoder.encodeInto(text, this.buffer.subarray(this.used + LENGTH_BYTES));
    this.close(this.used, written);
  }

  list<A>(items: ReadonlyArray<A>, write: (item: A) => void): void {
    this.text(String(items.length));
    items.forEach(write);
  }

  whole(): Uint8Array {
    return this.buffer.subarray(0, this.used);
  }
}

/** Numbers for the sizes of a function. */
const numberedSizes = (fn: IrFunction): Bindings => {
  const names = new Set(fn.sizes);
  const mention = (sizes: ReadonlyArray<Dimension>, alone: boolean) => {
    for (const size of sizes) {
      const found = symbolsOf(size);
      if (alone && !(found.length === 1 && found[0] === size)) continue;
      found.forEach((name) => names.add(name));
    }
  };
  const shapes = fn.parameters.map(({ type }) => type.shape);
  shapes.forEach((shape) => mention(shape, true));
  shapes.forEach((shape) => mention(shape, false));
  return new Map([...names].map((name, index) => [name, `${SIZE_PREFIX}${index}`]));
};

const writeAttribute = (out: ByteWriter, value: Attribute): void => {
  if (Array.isArray(value)) {
    out.text("list");
    out.list(value, (item) => writeAttribute(out, item));
  } else if (isTensor(value)) {
    const tensor = value as Tensor;
    out.text(`tensor ${tensor.dtype}[${tensor.shape.join(",")}]`);
    out.bytes(toBytes(tensor));
  } else out.text(`${typeof value} ${value}`);
};

const functionDigest = (program: Program, fn: IrFunction, known: Map<string, Digest>): Digest => {
  const before = known.get(fn.name);
  if (before !== undefined) return before;
  const sizes = numberedSizes(fn);
  const out = new ByteWriter();
  const size = (dimension: Dimension): string => String(substitute(dimension, sizes));
  const type = ({ dtype, shape }: TensorType) => out.text(`${dtype}[${shape.map(size).join(",")}]`);
  out.text(FORMAT);
  out.text(String(fn.sizes.length));
  out.list(fn.parameters, (parameter) => type(parameter.type));
  out.list(fn.constraints, ([a, b]) => out.text(`${size(a)} = ${size(b)}`));
  out.list(fn.nodes, (node) => {
    const attributes = substituteAttributes(node.op, node.attributes, sizes);
    out.text(node.op);
    out.list(node.operands, (operand) => out.text(String(operand)));
    out.list(Object.keys(attributes).sort(), (name) => {
      out.text(name);
      writeAttribute(out, attributes[name]);
    });
    out.list(node.functions, (name) => out.text(functionDigest(program, functionOf(program, name), known)));
    out.list(node.results, type);
  });
  out.list(fn.returns, (value) => out.text(String(value)));
  const digest = digestBytes(out.whole());
  known.set(fn.name, digest);
  return digest;
};

/**
 * The structural digest of a program.
 *
 * @example
 * ```ts
 * import { buildProgram, programDigest } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const a = buildProgram({ x: "f32[B]" }, (g, { x }) => g.neg(x));
 * const b = buildProgram({ y: "f32[N]" }, (g, { y }) => g.neg(y));
 * const c = buildProgram({ x: "f32[B]" }, (g, { x }) => g.exp(x));
 * assert.equal(programDigest(a), programDigest(b));
 * assert.notEqual(programDigest(a), programDigest(c));
 * ```
 */
export const programDigest = (program: Program): Digest => functionDigest(program, functionOf(program), new Map());
