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
import { equalFields, type Expression, MAX_NODES, Tag } from "./expression.ts";
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

const HASH_SEED = 0x811c9dc5;
const HASH_FACTOR = 0x9e3779b1;

const mixed = (hash: number, more: number): number => {
  const product = Math.imul(hash ^ more, HASH_FACTOR);
  return product ^ (product >>> 15);
};

/** Bytes of a tensor that its hash looks at. */
const HASHED_BYTES = 16;

/** A number that equal values share. Throws `RMIL_DEPTH`. */
const valueHash = (value: Value, nesting = 1): number => {
  if (nesting > MAX_NESTING) throw tooDeep({ what: "value", limit: MAX_NESTING });
  switch (value.k) {
    case "F32":
      return value.bits;
    case "I64":
    case "F64":
      return mixed(value.lo, value.hi);
    case "Sym":
      return ~value.sym;
    case "Tensor":
      return value.bytes.subarray(0, HASHED_BYTES).reduce(mixed, value.bytes.length);
    case "Tuple":
      return value.items.reduce((hash, item) => mixed(hash, valueHash(item, nesting + 1)), value.items.length);
    default:
      return value.k === "Nil" ? 1 : value.v ? 3 : 2;
  }
};

/** Refuses a type that nests too deeply to be compared. Throws `RMIL_DEPTH`. */
const checkNesting = (type: Type, nesting = 1): void => {
  if (nesting > MAX_NESTING) throw tooDeep({ what: "type", limit: MAX_NESTING });
  if (type.k === "Fn") [...type.inputs, ...type.outputs].forEach((item) => checkNesting(item, nesting + 1));
  else if ("items" in type) type.items.forEach((item) => checkNesting(item, nesting + 1));
};

/** A number that nodes of equal fields share, their children aside. */
const ownHash = (node: Expression): number => {
  let hash = mixed(mixed(HASH_SEED, node.tag), node.code);
  if (node.tag === Tag.Lit) hash = mixed(hash, valueHash(node.value));
  for (const { name, value } of node.attributes) hash = mixed(mixed(hash, name.length), valueHash(value));
  for (const { sym, type } of node.parameters) {
    checkNesting(type);
    hash = mixed(hash, sym);
  }
  return hash;
};

const NONE = -1;

/** Most numbers of one hash; where somebody has made more, texts that nobody can make collide take over. */
const MAX_CROWD = 16;

/** Numbers sub-expressions. */
export class Interner {
  readonly #byNode = new Map<Expression, number>();
  /** The last number of each hash; the one before it, of every number. */
  readonly #byHash = new Map<number, number>();
  readonly #sameHash: Array<number> = [];
  /** The first node of each number, and nodes of the tree that it stands for. */
  readonly #nodes: Array<Expression> = [];
  readonly #sizes: Array<number> = [];
  /** Numbers by the text of fields and children, once a hash is crowded. */
  #byKey: Map<string, number> | undefined;

  /** The number of an expression. Throws `RMIL_SIZE` for a tree of more than {@link MAX_NODES}. */
  numberOf(node: Expression): number {
    const known = this.#byNode.get(node);
    if (known !== undefined) return known;
    const { children } = node;
    let hash = ownHash(node);
    let size = 1;
    for (let i = 0; i < children.length; i++) {
      const number = this.numberOf(children[i]);
      hash = mixed(hash, number);
      size += this.#sizes[number];
    }
    if (size > MAX_NODES) {
      throw badSize({ what: "a program of nodes", size, reason: `the limit is ${MAX_NODES}`, expected: MAX_NODES });
    }
    const number = this.#byKey === undefined ? this.#byHashOf(node, hash, size) : this.#byKeyOf(node, size);
    this.#byNode.set(node, number);
    return number;
  }

  #byHashOf(node: Expression, hash: number, size: number): number {
    const last = this.#byHash.get(hash) ?? NONE;
    let number = last;
    for (let crowd = 0; number !== NONE; crowd++) {
      if (this.#areEqual(node, this.#nodes[number])) return number;
      if (crowd === MAX_CROWD) {
        this.#byKey = new Map(this.#nodes.map((known, index) => [this.#keyOf(known), index]));
        return this.#byKeyOf(node, size);
      }
      number = this.#sameHash[number];
    }
    this.#sameHash.push(last);
    this.#byHash.set(hash, this.#sizes.length);
    return this.#add(node, size);
  }

  #byKeyOf(node: Expression, size: number): number {
    const key = this.#keyOf(node);
    const known = this.#byKey!.get(key);
    if (known !== undefined) return known;
    this.#byKey!.set(key, this.#sizes.length);
    return this.#add(node, size);
  }

  #keyOf(node: Expression): string {
    return `${ownKey(node)}|${node.children.map((child) => this.#byNode.get(child)).join(",")}`;
  }

  /** Equality of fields, and of children by their numbers. */
  #areEqual(a: Expression, b: Expression): boolean {
    if (!equalFields(a, b)) return false;
    for (let i = 0; i < a.children.length; i++) {
      if (this.#byNode.get(a.children[i]) !== this.#byNode.get(b.children[i])) return false;
    }
    return true;
  }

  #add(node: Expression, size: number): number {
    this.#nodes.push(node);
    return this.#sizes.push(size) - 1;
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
