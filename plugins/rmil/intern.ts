/**
 * Interning: equal sub-expressions get one number, so that equality below is a comparison of numbers.
 *
 * Not an identity across runs (that is the digest of version 2 bytes) and not a cache of results.
 * Invariant: two nodes have one number if and only if they are equal; work is linear in distinct node objects, however
 * often they are shared.
 *
 * @module
 */
import { digestBytes } from "../../kernel/digest.ts";
import { type Expression, MAX_NODES, Tag } from "./expression.ts";
import { badSize, tooDeep } from "./failures.ts";
import { type Dimension, MAX_NESTING, type Type } from "./types.ts";
import type { Value } from "./value.ts";

/** Longer data is compared by its digest. */
const DIGESTED_BYTES = 64;

const shapeKey = (shape: ReadonlyArray<Dimension>): string =>
  shape.map((size) => typeof size === "string" ? JSON.stringify(size) : String(size)).join(",");

const dataKey = (bytes: Uint8Array): string =>
  bytes.length <= DIGESTED_BYTES ? bytes.toHex() : `#${digestBytes(bytes)}`;

/** A text that two values share if and only if they are equal. Throws `RMIL_DEPTH`. */
export const valueKey = (value: Value, nesting = 1): string => {
  if (nesting > MAX_NESTING) throw tooDeep({ what: "value", limit: MAX_NESTING });
  switch (value.k) {
    case "Nil":
      return "n";
    case "Bool":
      return value.v ? "t" : "f";
    case "I64":
      return `i${value.hi},${value.lo}`;
    case "F32":
      return `s${value.bits}`;
    case "F64":
      return `d${value.hi},${value.lo}`;
    case "Tensor":
      return `T${value.dtype}[${shapeKey(value.shape)}]${dataKey(value.bytes)}`;
    case "Sym":
      return `$${value.sym}`;
    case "Tuple":
      return `(${value.items.map((item) => valueKey(item, nesting + 1)).join(" ")})`;
  }
};

/** A text that two types share if and only if they are equal. Throws `RMIL_DEPTH`. */
export const typeKey = (type: Type, nesting = 1): string => {
  if (nesting > MAX_NESTING) throw tooDeep({ what: "type", limit: MAX_NESTING });
  const all = (types: ReadonlyArray<Type>): string => types.map((item) => typeKey(item, nesting + 1)).join(" ");
  switch (type.k) {
    case "Scalar":
      return type.dtype;
    case "Tensor":
      return `${type.dtype}[${shapeKey(type.shape)}]`;
    case "Fn":
      return `Fn(${all(type.inputs)}>${all(type.outputs)})`;
    case "Tuple":
    case "Union":
      return `${type.k}(${all(type.items)})`;
    case "Var":
    case "Opaque":
      return `${type.k}${type.id}`;
    default:
      return type.k;
  }
};

/** A node's own fields, without its children. */
const ownKey = (node: Expression): string => {
  let key = `${node.tag}:${node.code}`;
  if (node.tag === Tag.Lit) key += valueKey(node.value);
  for (const { name, value } of node.attributes) key += `;${JSON.stringify(name)}${valueKey(value)}`;
  for (const { sym, type } of node.parameters) key += `;${sym}:${typeKey(type)}`;
  return key;
};

/** Numbers sub-expressions. */
export class Interner {
  readonly #byKey = new Map<string, number>();
  readonly #byNode = new Map<Expression, number>();
  readonly #sizes: Array<number> = [];

  /** The number of an expression. Throws `RMIL_SIZE` for a tree of more than {@link MAX_NODES}. */
  numberOf(node: Expression): number {
    const known = this.#byNode.get(node);
    if (known !== undefined) return known;
    let key = `${ownKey(node)}|`;
    let size = 1;
    for (const child of node.children) {
      const number = this.numberOf(child);
      key += `${number},`;
      size += this.#sizes[number];
    }
    if (size > MAX_NODES) {
      throw badSize({ what: "a program of nodes", size, reason: `the limit is ${MAX_NODES}`, expected: MAX_NODES });
    }
    const number = this.#byKey.get(key) ?? this.#add(key, size);
    this.#byNode.set(node, number);
    return number;
  }

  #add(key: string, size: number): number {
    const number = this.#sizes.length;
    this.#byKey.set(key, number);
    this.#sizes.push(size);
    return number;
  }

  /** Nodes of the tree that a number stands for, shared ones counted as often as they stand in it. */
  sizeOf(number: number): number {
    return this.#sizes[number];
  }

  /** How many different sub-expressions were numbered. */
  get count(): number {
    return this.#sizes.length;
  }
}
