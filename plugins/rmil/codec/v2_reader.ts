/**
 * Reader: version 2 bytes of an expression, read with bounds on everything.
 *
 * Not the program around it (program.ts). The format is described in wire.ts.
 * Invariant: whatever is read is written back to the same bytes, which is checked by writing it; time and memory are
 * linear in the bytes, and the tree has at most `MAX_NODES` nodes however often parts of it are shared.
 *
 * @module
 */
import { type Dtype, dtypeOf, DTYPES } from "../dtype.ts";
import {
  app,
  type Attribute,
  block,
  call,
  cond,
  type Expression,
  lam,
  letIn,
  lit,
  MAX_DEPTH,
  MAX_NODES,
  par,
  type Parameter,
  ref,
  seq,
} from "../expression.ts";
import {
  badSize,
  badTag,
  badText,
  notCanonical,
  tooDeep,
  truncated,
  unknownOpcode,
  unknownSymbol,
} from "../failures.ts";
import { knows as isKnown } from "../opcodes.ts";
import { type Dimension, fn, MAX_NESTING, scalar, sizeOf, SYMBOL, tensor, tuple, type Type, VOID } from "../types.ts";
import {
  f32Of,
  f64Of,
  FALSE,
  i64,
  NIL,
  symbolValue,
  type TensorValue,
  tensorValue,
  TRUE,
  tupleValue,
  type Value,
} from "../value.ts";
import type { DecodeOptions } from "./v1.ts";
import { Bytes, Weights, writeExpression } from "./v2_writer.ts";
import {
  ATTRIBUTE_NAMES,
  IDENTITY,
  isShared,
  Lead,
  Low,
  MAX_NAME_BYTES,
  opOfByte,
  RESIDUAL,
  SizeLead,
  SMALLEST,
  TypeLead,
} from "./wire.ts";

const MAX_U32 = 0xffffffff;
const GROUP = 0x80;
const GROUP_BITS = 7n;
const LONG_GROUPS = 10;
const DTYPE_BITS = 0x1f;
const SMALL_APPLIED = Lead.applied | Low.applied;

/** Reads the parts that expressions and programs are made of. */
export class Reader {
  /** Where it reads. */
  readonly bytes: Uint8Array;
  /** The next byte. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Refuses to go on with fewer bytes left. */
  need(count: number): void {
    const left = this.bytes.length - this.at;
    if (count > left) throw truncated({ offset: this.bytes.length, wanted: count - left, path: `/${this.at}` });
  }

  /** One byte. */
  u8(): number {
    if (this.at >= this.bytes.length) this.need(1);
    return this.bytes[this.at++];
  }

  /** Two bytes, the low one first. */
  u16(): number {
    const low = this.u8();
    return low | (this.u8() << 8);
  }

  /** Four bytes, the low one first, signed. */
  i32(): number {
    const low = this.u16();
    return low | (this.u16() << 16);
  }

  /** An integer from 0. */
  integer(): number {
    const start = this.at;
    let byte = this.u8();
    if (byte < GROUP) return byte;
    let value = byte - GROUP;
    let unit = GROUP;
    do {
      byte = this.u8();
      value += (byte % GROUP) * unit;
      unit *= GROUP;
      if (!Number.isSafeInteger(value)) {
        throw badSize({ what: "integer", size: "of more than 53 bits", reason: "none needs them", path: `/${start}` });
      }
    } while (byte >= GROUP && unit <= Number.MAX_SAFE_INTEGER);
    if (byte === 0 || byte >= GROUP) this.otherwise(start, "an integer takes more bytes than it needs");
    return value;
  }

  /** A signed 64-bit integer. */
  signed(): bigint {
    const value = this.long();
    return (value >> 1n) ^ -(value & 1n);
  }

  /** A 64-bit integer from 0. */
  long(): bigint {
    const start = this.at;
    let value = 0n;
    for (let group = 0; group < LONG_GROUPS; group++) {
      const byte = this.u8();
      value |= BigInt(byte % GROUP) << (GROUP_BITS * BigInt(group));
      if (byte >= GROUP) continue;
      if (group > 0 && byte === 0) this.otherwise(start, "an integer takes more bytes than it needs");
      if (value !== BigInt.asUintN(64, value)) break;
      return value;
    }
    throw badSize({ what: "integer", size: "of more than 64 bits", reason: "none has them", path: `/${start}` });
  }

  /** A count of things that take at least one byte each. */
  count(): number {
    const count = this.integer();
    this.need(count);
    return count;
  }

  /** A number that lies in low bits, or in them and after them. */
  low(byte: number, low: number): number {
    const value = byte & low;
    return value < low ? value : low + this.integer();
  }

  /** A copy of the next bytes. */
  raw(length: number): Uint8Array {
    this.need(length);
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  /** A text. */
  text(): string {
    const start = this.at;
    const length = this.integer();
    if (length > MAX_NAME_BYTES) {
      throw badSize({ what: "name length", size: length, reason: `the limit is ${MAX_NAME_BYTES}`, path: `/${start}` });
    }
    this.need(length);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.raw(length));
    } catch {
      throw badText({ what: "name", reason: "it is not UTF-8", path: `/${start}` });
    }
  }

  /** Refuses the byte that was read last. */
  tag(what: string): never {
    throw badTag({ what, byte: this.bytes[this.at - 1], offset: this.at - 1, path: `/${this.at - 1}` });
  }

  /** Refuses a second way to say something. */
  otherwise(offset: number, what: string): never {
    throw notCanonical({ what, offset, path: `/${offset}` });
  }

  /** A dtype's code. */
  dtype(): Dtype {
    return dtypeOf(this.u8()) ?? this.tag("dtype");
  }

  /** Sizes. */
  shape(): ReadonlyArray<Dimension> {
    const rank = this.count();
    const shape: Array<Dimension> = [];
    for (let axis = 0; axis < rank; axis++) {
      const size = this.long();
      if (size >= SizeLead.known) shape.push(sizeOf(size - BigInt(SizeLead.known)));
      else shape.push(Number(size) === SizeLead.dynamic ? null : this.text());
    }
    return shape;
  }

  /** The dtype, sizes and data length of a tensor. */
  tensorHead(): { readonly dtype: Dtype; readonly shape: ReadonlyArray<Dimension>; readonly length: number } {
    const start = this.at;
    const dtype = this.dtype();
    const shape = this.shape();
    const length = shape.reduce<number>(
      (total, size) => typeof size === "number" ? total * size : NaN,
      DTYPES[dtype].bytes,
    );
    if (Number.isSafeInteger(length)) return { dtype, shape, length };
    throw badSize({
      what: "tensor length",
      size: String(length),
      reason: "its sizes must be known",
      path: `/${start}`,
    });
  }

  #types(nesting: number): ReadonlyArray<Type> {
    const count = this.count();
    const types: Array<Type> = [];
    for (let i = 0; i < count; i++) types.push(this.type(nesting + 1));
    return types;
  }

  #id(): number {
    const start = this.at;
    const id = this.integer();
    if (id <= MAX_U32) return id;
    throw badSize({ what: "id", size: id, reason: "it does not fit 32 bits", path: `/${start}` });
  }

  /** A type. */
  type(nesting: number): Type {
    if (nesting > MAX_NESTING) throw tooDeep({ what: "type", limit: MAX_NESTING, path: `/${this.at}` });
    const lead = this.u8();
    switch (lead) {
      case TypeLead.void:
        return VOID;
      case TypeLead.symbol:
        return SYMBOL;
      case TypeLead.fn:
        return fn(this.#types(nesting), this.#types(nesting));
      case TypeLead.tuple:
        return tuple(this.#types(nesting));
      case TypeLead.union:
        return { k: "Union", items: this.#types(nesting) };
      case TypeLead.variable:
        return { k: "Var", id: this.#id() };
      case TypeLead.opaque:
        return { k: "Opaque", id: this.#id() };
    }
    const dtype = dtypeOf(lead & DTYPE_BITS);
    if (dtype === undefined || lead > TypeLead.void) return this.tag("type");
    return lead < TypeLead.tensor ? scalar(dtype) : tensor(dtype, this.shape());
  }
}

interface Before {
  readonly node: Expression;
  readonly size: number;
}

class ExpressionReader extends Reader {
  readonly #knows: (opcode: number) => boolean;
  readonly #symbols: number;
  readonly #weights: ReadonlyArray<TensorValue>;
  readonly #before: Array<Before> = [];
  /** Nodes of the tree so far. */
  #nodes = 0;

  constructor(
    bytes: Uint8Array,
    { knows = isKnown }: DecodeOptions,
    symbols: number,
    weights: ReadonlyArray<TensorValue>,
  ) {
    super(bytes);
    this.#knows = knows;
    this.#symbols = symbols;
    this.#weights = weights;
  }

  #grow(nodes: number): void {
    this.#nodes += nodes;
    if (this.#nodes > MAX_NODES) {
      const reason = `the limit is ${MAX_NODES} nodes`;
      throw badSize({ what: "a program of nodes", size: this.#nodes, reason, path: `/${this.at}` });
    }
  }

  /** Counts a node, whose part of the tree began at `start` nodes, and keeps it where it may stand again. */
  #made(node: Expression, start: number): Expression {
    this.#grow(1);
    if (isShared(node)) this.#before.push({ node, size: this.#nodes - start });
    return node;
  }

  #symbolAt(offset: number, index: number): number {
    if (index < this.#symbols && index <= MAX_U32) return index;
    throw unknownSymbol({ index, count: Math.min(this.#symbols, MAX_U32), path: `/${offset}` });
  }

  #symbol(): number {
    const offset = this.at;
    return this.#symbolAt(offset, this.integer());
  }

  #op(byte: number): number {
    return this.#known(opOfByte(byte) ?? this.tag("op"));
  }

  #known(opcode: number): number {
    if (this.#knows(opcode)) return opcode;
    throw unknownOpcode({ opcode, path: `/${this.at}` });
  }

  #value(lead: number, nesting: number): Value {
    if (nesting > MAX_NESTING) throw tooDeep({ what: "value", limit: MAX_NESTING, path: `/${this.at}` });
    if ((lead & ~Low.small) === Lead.small) return i64((lead & Low.small) + SMALLEST);
    switch (lead) {
      case Lead.nil:
        return NIL;
      case Lead.no:
        return FALSE;
      case Lead.yes:
        return TRUE;
      case Lead.integer:
        return i64(this.signed());
      case Lead.float32:
        return f32Of(this.i32());
      case Lead.float64: {
        const lo = this.i32();
        return f64Of(lo, this.i32());
      }
      case Lead.tensor: {
        const { dtype, shape, length } = this.tensorHead();
        return tensorValue(dtype, shape, this.raw(length));
      }
      case Lead.weight: {
        const offset = this.at;
        const index = this.integer();
        if (index < this.#weights.length) return this.#weights[index];
        const reason = `the program has ${this.#weights.length}`;
        throw badSize({ what: "weight", size: index, reason, path: `/${offset}` });
      }
      case Lead.symbol:
        return symbolValue(this.#symbol());
      case Lead.tuple: {
        const count = this.count();
        const items: Array<Value> = [];
        for (let i = 0; i < count; i++) items.push(this.#value(this.u8(), nesting + 1));
        return tupleValue(items);
      }
      default:
        return this.tag("value");
    }
  }

  #attributes(count: number): ReadonlyArray<Attribute> {
    const attributes: Array<Attribute> = [];
    for (let i = 0; i < count; i++) {
      const offset = this.at;
      const number = this.integer();
      const name = number === 0 ? this.text() : ATTRIBUTE_NAMES[number - 1];
      if (name === undefined) {
        const reason = `there are ${ATTRIBUTE_NAMES.length}`;
        throw badSize({ what: "attribute number", size: number, reason, path: `/${offset}` });
      }
      attributes.push({ name, value: this.#value(this.u8(), 1) });
    }
    return attributes;
  }

  #expressions(count: number, depth: number): ReadonlyArray<Expression> {
    this.need(count);
    const expressions: Array<Expression> = [];
    for (let i = 0; i < count; i++) expressions.push(this.expression(depth));
    return expressions;
  }

  #application(depth: number): Expression {
    const byte = this.integer();
    const opcode = byte === 0 ? this.#known(this.u16()) : this.#op(byte - 1);
    const argc = this.count();
    const attributes = this.#attributes(this.count());
    return app(opcode, this.#expressions(argc, depth), attributes);
  }

  #chain(links: number, depth: number, join: typeof seq): Expression {
    this.need(links + 1);
    const start = this.#nodes;
    let node = this.expression(depth);
    for (let i = 0; i < links; i++) {
      const right = this.expression(depth);
      if (node.depth >= MAX_DEPTH) throw tooDeep({ what: "program", limit: MAX_DEPTH, path: `/${this.at}` });
      node = this.#made(join(node, right), start);
    }
    return node;
  }

  #again(): Expression {
    const offset = this.at;
    const ago = this.integer();
    const before = this.#before[this.#before.length - 1 - ago];
    if (before === undefined) {
      const reason = `${this.#before.length} expressions stood before`;
      throw badSize({ what: "reference to the expression before", size: ago, reason, path: `/${offset}` });
    }
    this.#grow(before.size);
    return before.node;
  }

  #parameters(): ReadonlyArray<Parameter> {
    const count = this.count();
    const parameters: Array<Parameter> = [];
    for (let i = 0; i < count; i++) parameters.push({ sym: this.#symbol(), type: this.type(1) });
    return parameters;
  }

  #fields(lead: number, below: number): Expression {
    switch (lead) {
      case Lead.application:
        return this.#application(below);
      case Lead.residual:
        this.#grow(1);
        return app(this.#known(RESIDUAL), [app(this.#known(IDENTITY)), this.expression(below)]);
      case Lead.branch: {
        const predicate = this.expression(below);
        const yes = this.expression(below);
        return cond(predicate, yes, this.expression(below));
      }
      case Lead.binding: {
        const sym = this.#symbol();
        const bound = this.expression(below);
        return letIn(sym, bound, this.expression(below));
      }
      case Lead.lambda: {
        const parameters = this.#parameters();
        return lam(parameters, this.expression(below));
      }
      case Lead.call: {
        const argc = this.count();
        const callee = this.expression(below);
        return call(callee, this.#expressions(argc, below));
      }
      case Lead.block:
        return block(this.#expressions(this.count(), below));
      default:
        return lit(this.#value(lead, 1));
    }
  }

  expression(depth: number): Expression {
    if (depth > MAX_DEPTH) throw tooDeep({ what: "program", limit: MAX_DEPTH, path: `/${this.at}` });
    const start = this.#nodes;
    const lead = this.u8();
    const below = depth + 1;
    if (lead < Lead.pipeline) return this.#made(app(this.#op(lead)), start);
    if (lead < Lead.parallel) return this.#chain(this.low(lead, Low.pipeline) + 1, below, seq);
    if (lead < Lead.applied) return this.#chain(this.low(lead, Low.parallel) + 1, below, par);
    if (lead <= SMALL_APPLIED) {
      const argc = this.low(lead, Low.applied) + 1;
      const opcode = this.#op(this.u8());
      return this.#made(app(opcode, this.#expressions(argc, below)), start);
    }
    if (lead === Lead.again) return this.#again();
    if ((lead & ~Low.reference) === Lead.reference) {
      const offset = this.at - 1;
      return this.#made(ref(this.#symbolAt(offset, this.low(lead, Low.reference))), start);
    }
    return this.#made(this.#fields(lead, below), start);
  }

  root(): Expression {
    return this.expression(1);
  }
}

const firstDifference = (a: Uint8Array, b: Uint8Array): number => {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : shorter;
};

/** What stands around an expression. */
export interface Surroundings {
  /** Size of the symbol table; `Infinity` where there is none. */
  readonly symbols: number;
  /** Tensors that the expression refers to; absent where all stand in it. */
  readonly weights?: ReadonlyArray<TensorValue>;
}

/** Reads an expression, and refuses bytes that would be written otherwise. `offset` is that of the first byte. */
export const readExpression = (
  bytes: Uint8Array,
  options: DecodeOptions,
  { symbols, weights }: Surroundings,
): { readonly root: Expression; readonly end: number } => {
  const reader = new ExpressionReader(bytes, options, symbols, weights ?? []);
  const root = reader.root();
  const again = new Bytes();
  const used = weights === undefined ? undefined : new Weights();
  writeExpression(again, root, used);
  const offset = firstDifference(again.take(), bytes.subarray(0, reader.at));
  if (offset >= 0) reader.otherwise(offset, "a part that has a shorter form, or one that stood before, is spelled out");
  if (used !== undefined && used.tensors.length !== weights!.length) {
    reader.otherwise(reader.at, "a weight stands twice or is not used");
  }
  return { root, end: reader.at };
};
