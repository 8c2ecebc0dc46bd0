/**
 * Reader of version 1: the original's bytes, with refusals of what the original lets pass.
 *
 * Not the program around it (v1.ts).
 * Invariant: what is accepted is written back to the same bytes; time and memory are linear in the bytes.
 * Source: RMIL §6.2 and §6.3.
 *
 * @module
 */
import { type Dtype, dtypeOf, DTYPES } from "../dtype.ts";
import {
  app,
  block,
  call,
  cond,
  type Expression,
  lam,
  letIn,
  lit,
  par,
  type Parameter,
  ref,
  seq,
  Tag,
} from "../expression.ts";
import {
  badSize,
  badTag,
  badText,
  tooDeep,
  trailingBytes,
  truncated,
  unknownOpcode,
  unknownSymbol,
} from "../failures.ts";
import { knows as isKnown } from "../opcodes.ts";
import { Symbols } from "../symbols.ts";
import { type Dimension, fn, scalar, SYMBOL, tensor, tuple, type Type, VOID } from "../types.ts";
import { bool, f32Of, f64Of, i64Of, NIL, symbolValue, tensorValue, tupleValue, type Value } from "../value.ts";
import { DYNAMIC_SIZE, V1_MAX_DEPTH } from "./v1_size.ts";

/** What a decoder accepts. */
export interface DecodeOptions {
  /** Whether an opcode is accepted; absent: those of the table, and no other. */
  readonly knows?: (opcode: number) => boolean;
}

/** Accepts every opcode, for bytes of whoever has another table. */
export const anyOpcode = (): boolean => true;

/** Reads bytes from the start on. Failures carry the byte offset as their path. */
export class Reader {
  /** Where it reads. */
  readonly bytes: Uint8Array;
  /** Whether an opcode is accepted. */
  readonly knows: (opcode: number) => boolean;
  /** Symbols in the table; unlimited where there is none. */
  symbols = Infinity;
  /** The next byte. */
  at = 0;

  /** Reads these bytes. */
  constructor(bytes: Uint8Array, { knows = isKnown }: DecodeOptions) {
    this.bytes = bytes;
    this.knows = knows;
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
    this.need(2);
    const bytes = this.bytes;
    return bytes[this.at++] | (bytes[this.at++] << 8);
  }

  /** Four bytes, the low one first, signed. */
  i32(): number {
    this.need(4);
    const bytes = this.bytes;
    const at = this.at;
    this.at = at + 4;
    return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  }

  /** Four bytes, the low one first. */
  u32(): number {
    return this.i32() >>> 0;
  }

  /** A count of items that take at least one byte each: it can never exceed what is left. */
  count(count: number): number {
    this.need(count);
    return count;
  }

  /** A symbol of the table. */
  symbol(): number {
    const index = this.u32();
    if (index >= this.symbols) throw unknownSymbol({ index, count: this.symbols, path: `/${this.at - 4}` });
    return index;
  }

  /** Refuses the byte that was read last. */
  tag(what: string): never {
    throw badTag({ what, byte: this.bytes[this.at - 1], offset: this.at - 1, path: `/${this.at - 1}` });
  }

  /** Refuses what nests too deeply. */
  depth(depth: number, what: string): void {
    if (depth > V1_MAX_DEPTH) throw tooDeep({ what, limit: V1_MAX_DEPTH, path: `/${this.at}` });
  }

  /** A dtype's code. */
  dtype(): Dtype {
    return dtypeOf(this.u8()) ?? this.tag("dtype");
  }

  /** Sizes. */
  shape(): ReadonlyArray<Dimension> {
    const rank = this.u16();
    this.need(4 * rank);
    const shape: Array<Dimension> = [];
    for (let axis = 0; axis < rank; axis++) {
      const size = this.u32();
      shape.push(size === DYNAMIC_SIZE ? null : size);
    }
    return shape;
  }

  /** Types. */
  types(depth: number): ReadonlyArray<Type> {
    const count = this.count(this.u16());
    const types: Array<Type> = [];
    for (let i = 0; i < count; i++) types.push(this.type(depth + 1));
    return types;
  }

  /** A type. */
  type(depth: number): Type {
    this.depth(depth, "type");
    const tag = this.u8();
    switch (tag) {
      case 0:
        return VOID;
      case 1:
        return scalar(this.dtype());
      case 2:
        return tensor(this.dtype(), this.shape());
      case 3:
        return SYMBOL;
      case 4:
        return fn(this.types(depth), this.types(depth));
      case 5:
        return tuple(this.types(depth));
      case 6:
        return { k: "Union", items: this.types(depth) };
      case 7:
        return { k: "Var", id: this.u32() };
      case 8:
        return { k: "Opaque", id: this.u32() };
      default:
        return this.tag("type");
    }
  }

  /** A tensor. */
  tensorValue(): Value {
    const dtype = this.dtype();
    const shape = this.shape();
    const length = this.u32();
    const expected = shape.reduce<number>(
      (bytes, size) => typeof size === "number" ? bytes * size : NaN,
      DTYPES[dtype].bytes,
    );
    if (expected !== length) {
      throw badSize({
        what: "tensor length",
        size: length,
        reason: `its shape and dtype take ${expected} bytes`,
        path: `/${this.at - 4}`,
      });
    }
    this.need(length);
    const bytes = this.bytes.slice(this.at, this.at + length);
    this.at += length;
    return tensorValue(dtype, shape, bytes);
  }

  /** A value. */
  value(depth: number): Value {
    this.depth(depth, "value");
    const tag = this.u8();
    switch (tag) {
      case 0:
        return NIL;
      case 1: {
        const byte = this.u8();
        return byte > 1 ? this.tag("boolean") : bool(byte === 1);
      }
      case 2: {
        const lo = this.i32();
        return i64Of(lo, this.i32());
      }
      case 3:
        return f32Of(this.u32());
      case 4: {
        const lo = this.i32();
        return f64Of(lo, this.i32());
      }
      case 5:
        return this.tensorValue();
      case 6:
        return symbolValue(this.symbol());
      case 7: {
        const count = this.count(this.u16());
        const items: Array<Value> = [];
        for (let i = 0; i < count; i++) items.push(this.value(depth + 1));
        return tupleValue(items);
      }
      default:
        return this.tag("value");
    }
  }

  /** An opcode that is accepted. */
  opcode(): number {
    const opcode = this.u16();
    if (!this.knows(opcode)) throw unknownOpcode({ opcode, path: `/${this.at - 2}` });
    return opcode;
  }

  /** Expressions. */
  expressions(count: number, depth: number): ReadonlyArray<Expression> {
    this.count(count);
    const expressions: Array<Expression> = [];
    for (let i = 0; i < count; i++) expressions.push(this.expression(depth));
    return expressions;
  }

  /** Parameters of a lambda. */
  parameters(): ReadonlyArray<Parameter> {
    const count = this.count(this.u16());
    const parameters: Array<Parameter> = [];
    for (let i = 0; i < count; i++) parameters.push({ sym: this.symbol(), type: this.type(1) });
    return parameters;
  }

  /** An expression. */
  expression(depth: number): Expression {
    this.depth(depth, "program");
    const tag = this.u8();
    const below = depth + 1;
    switch (tag) {
      case Tag.Lit:
        return lit(this.value(1));
      case Tag.Ref:
        return ref(this.symbol());
      case Tag.App: {
        const opcode = this.opcode();
        return app(opcode, this.expressions(this.u16(), below));
      }
      case Tag.Seq: {
        const left = this.expression(below);
        return seq(left, this.expression(below));
      }
      case Tag.Par: {
        const left = this.expression(below);
        return par(left, this.expression(below));
      }
      case Tag.Cond: {
        const predicate = this.expression(below);
        const yes = this.expression(below);
        return cond(predicate, yes, this.expression(below));
      }
      case Tag.Let: {
        const sym = this.symbol();
        const bound = this.expression(below);
        return letIn(sym, bound, this.expression(below));
      }
      case Tag.Lam: {
        const parameters = this.parameters();
        return lam(parameters, this.expression(below));
      }
      case Tag.Call: {
        const callee = this.expression(below);
        return call(callee, this.expressions(this.u16(), below));
      }
      case Tag.Block:
        return block(this.expressions(this.u32(), below));
      default:
        return this.tag("expression");
    }
  }

  /** A name's text. */
  name(): string {
    const length = this.u16();
    this.need(length);
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw badText({ what: "name", reason: "it is not UTF-8", path: `/${this.at - length}` });
    }
  }

  /** The table of names. */
  table(): Symbols {
    const count = this.u32();
    if (count === 0) {
      throw badSize({
        what: "symbol count",
        size: 0,
        reason: "the empty name is always there",
        path: `/${this.at - 4}`,
      });
    }
    this.need(2 * count);
    const symbols = new Symbols();
    for (let index = 0; index < count; index++) {
      const start = this.at;
      const name = this.name();
      if (index === 0 && name !== "") {
        throw badText({ what: "name of symbol 0", reason: "it is not empty", path: `/${start}` });
      }
      if (index > 0 && symbols.indexOf(name) !== undefined) {
        throw badText({ what: "symbol table", reason: `"${name}" stands twice`, path: `/${start}` });
      }
      symbols.intern(name);
    }
    return symbols;
  }

  /** Refuses bytes that follow. */
  end(): void {
    const left = this.bytes.length - this.at;
    if (left > 0) throw trailingBytes({ offset: this.at, count: left, path: `/${this.at}` });
  }
}
