/**
 * Expressions of version 2, read as their bytes arrive.
 *
 * Not the program around them (v2.ts, v2_stream.ts). The format is described in wire.ts.
 * Invariant: whatever is read is written back to the same bytes, which is checked by writing it; time and memory are
 * linear in the bytes, and the tree has at most `MAX_NODES` nodes however often parts of it are shared.
 *
 * @module
 */
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
import { badSize, tooDeep, unknownOpcode, unknownSymbol } from "../failures.ts";
import { knows as isKnown } from "../opcodes.ts";
import { MAX_NESTING } from "../types.ts";
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
import { MAX_U32, Reader, WAITING } from "./v2_reader.ts";
import { Bytes, Weights, writeExpression } from "./v2_writer.ts";
import { ATTRIBUTE_NAMES, IDENTITY, isShared, Lead, Low, opOfByte, RESIDUAL, SMALLEST } from "./wire.ts";

const SMALL_APPLIED = Lead.applied | Low.applied;
const NO_ATTRIBUTES: ReadonlyArray<Attribute> = [];
const NO_PARAMETERS: ReadonlyArray<Parameter> = [];

/** An expression that stood before. */
interface Before {
  readonly node: Expression;
  /** Nodes of its tree. */
  readonly size: number;
  readonly isWeighted: boolean;
}

/** An expression whose parts are being read. */
interface Frame {
  /** Its leading byte, without the number in the low bits. */
  readonly lead: number;
  /** Opcode or symbol. */
  readonly code: number;
  readonly attributes: ReadonlyArray<Attribute>;
  readonly parameters: ReadonlyArray<Parameter>;
  /** Parts that are still to come. */
  left: number;
  /** Parts that are there; of a chain, all of them as one. */
  parts: Array<Expression>;
  /** Nodes of the whole tree before this one. */
  readonly start: number;
  /** Whether a weight stands in it. */
  isWeighted: boolean;
}

/** What stands around an expression. */
export interface Surroundings {
  /** Size of the symbol table; `Infinity` where there is none. */
  readonly symbols: number;
  /** Tensors that the expression refers to; absent where all stand in it. */
  readonly weights?: ReadonlyArray<TensorValue>;
  /** Hears every new expression when its last byte was read, parts first, and whether a weight stands in it. */
  readonly heard?: (node: Expression, isWeighted: boolean) => void;
}

/** Reads one expression, as far as its bytes have arrived. */
export class ExpressionReader extends Reader {
  readonly #knows: (opcode: number) => boolean;
  readonly #around: Surroundings;
  readonly #before: Array<Before> = [];
  readonly #frames: Array<Frame> = [];
  /** Nodes of the tree so far. */
  #nodes = 0;
  #isWeighted = false;
  #root: Expression | undefined;
  /** How many bytes must be there before reading on is worth it: what waits is read again from its start. */
  #enough = 0;

  /** Reads bytes, of which more may arrive where `total` says so. */
  constructor(bytes: Uint8Array, { knows = isKnown }: DecodeOptions, around: Surroundings, total?: number) {
    super(bytes, total);
    this.#knows = knows;
    this.#around = around;
  }

  /** The expression, once all of it was read. */
  get root(): Expression | undefined {
    return this.#root;
  }

  /** Reads on, where enough has arrived or `atOnce`; the expression where all of it has arrived. */
  advance(atOnce = false): Expression | undefined {
    if (!atOnce && this.bytes.length < Math.min(this.#enough, this.total)) return undefined;
    let start = this.at;
    try {
      while (this.#root === undefined) {
        start = this.at;
        this.#next();
      }
    } catch (thrown) {
      if (thrown !== WAITING) throw thrown;
      this.at = start;
      this.#enough = start + 2 * (this.bytes.length - start);
    }
    return this.#root;
  }

  #grow(nodes: number): void {
    this.#nodes += nodes;
    if (this.#nodes > MAX_NODES) {
      const reason = `the limit is ${MAX_NODES} nodes`;
      throw badSize({ what: "a program of nodes", size: this.#nodes, reason, path: `/${this.at}` });
    }
  }

  /** Counts a new node, whose part of the tree began at `start` nodes, and keeps it where it may stand again. */
  #made(node: Expression, start: number, isWeighted: boolean): Expression {
    this.#grow(1);
    if (isShared(node)) this.#before.push({ node, size: this.#nodes - start, isWeighted });
    this.#around.heard?.(node, isWeighted);
    return node;
  }

  /** Reads an expression up to its parts. Nothing is kept of it before all of that is there. */
  #next(): void {
    if (this.#frames.length >= MAX_DEPTH) throw tooDeep({ what: "program", limit: MAX_DEPTH, path: `/${this.at}` });
    this.#isWeighted = false;
    const lead = this.u8();
    if (lead < Lead.pipeline) return this.#leaf(app(this.#op(lead)));
    if (lead < Lead.parallel) return this.#chain(Lead.pipeline, this.low(lead, Low.pipeline) + 1);
    if (lead < Lead.applied) return this.#chain(Lead.parallel, this.low(lead, Low.parallel) + 1);
    if (lead <= SMALL_APPLIED) {
      const argc = this.low(lead, Low.applied) + 1;
      const opcode = this.#op(this.u8());
      return this.#open(Lead.applied, opcode, this.#parts(argc));
    }
    if (lead === Lead.again) return this.#again();
    if ((lead & ~Low.reference) === Lead.reference) {
      const offset = this.at - 1;
      return this.#leaf(ref(this.#symbolAt(offset, this.low(lead, Low.reference))));
    }
    this.#fields(lead);
  }

  #fields(lead: number): void {
    switch (lead) {
      case Lead.application: {
        const byte = this.integer();
        const opcode = byte === 0 ? this.#known(this.u16()) : this.#op(byte - 1);
        const argc = this.count();
        const attributes = this.#attributes(this.count());
        return this.#open(lead, opcode, argc, attributes);
      }
      case Lead.residual:
        this.#known(IDENTITY);
        return this.#open(lead, this.#known(RESIDUAL), 1);
      case Lead.branch:
        return this.#open(lead, 0, 3);
      case Lead.binding:
        return this.#open(lead, this.#symbol(), 2);
      case Lead.lambda:
        return this.#open(lead, 0, 1, NO_ATTRIBUTES, this.#parameters());
      case Lead.call:
        return this.#open(lead, 0, this.count() + 1);
      case Lead.block:
        return this.#open(lead, 0, this.count());
      default:
        return this.#leaf(lit(this.#value(lead, 1)));
    }
  }

  /** A number of parts, which take at least one byte each. */
  #parts(count: number): number {
    if (count > this.total - this.at) this.need(count);
    return count;
  }

  #chain(lead: number, links: number): void {
    this.#open(lead, 0, this.#parts(links + 1));
  }

  #open(
    lead: number,
    code: number,
    left: number,
    attributes: ReadonlyArray<Attribute> = NO_ATTRIBUTES,
    parameters: ReadonlyArray<Parameter> = NO_PARAMETERS,
  ): void {
    const frame = {
      lead,
      code,
      attributes,
      parameters,
      left,
      parts: [],
      start: this.#nodes,
      isWeighted: this.#isWeighted,
    };
    if (left > 0) this.#frames.push(frame);
    else this.#close(frame);
  }

  #leaf(node: Expression): void {
    this.#deliver(this.#made(node, this.#nodes, this.#isWeighted), this.#isWeighted);
  }

  #again(): void {
    const offset = this.at;
    const ago = this.integer();
    const before = this.#before[this.#before.length - 1 - ago];
    if (before === undefined) {
      const reason = `${this.#before.length} expressions stood before`;
      throw badSize({ what: "reference to the expression before", size: ago, reason, path: `/${offset}` });
    }
    this.#grow(before.size);
    this.#deliver(before.node, before.isWeighted);
  }

  /** Gives a part to what is waiting for it. */
  #deliver(part: Expression, isWeighted: boolean): void {
    const frame = this.#frames[this.#frames.length - 1];
    if (frame === undefined) {
      this.#root = part;
      return;
    }
    frame.isWeighted ||= isWeighted;
    if (frame.lead < Lead.applied && frame.parts.length > 0) this.#link(frame, part);
    else frame.parts.push(part);
    if (--frame.left > 0) return;
    this.#frames.pop();
    if (frame.lead < Lead.applied) this.#deliver(frame.parts[0], frame.isWeighted);
    else this.#close(frame);
  }

  /** Adds a link to a chain: what is there, joined with the next part, is an expression of its own. */
  #link(frame: Frame, part: Expression): void {
    const [left] = frame.parts;
    if (left.depth >= MAX_DEPTH) throw tooDeep({ what: "program", limit: MAX_DEPTH, path: `/${this.at}` });
    const join = frame.lead === Lead.pipeline ? seq : par;
    frame.parts[0] = this.#made(join(left, part), frame.start, frame.isWeighted);
  }

  #close(frame: Frame): void {
    if (frame.lead === Lead.residual) this.#grow(1);
    this.#deliver(this.#made(nodeOf(frame), frame.start, frame.isWeighted), frame.isWeighted);
  }

  #symbolAt(offset: number, index: number): number {
    if (index < this.#around.symbols && index <= MAX_U32) return index;
    throw unknownSymbol({ index, count: Math.min(this.#around.symbols, MAX_U32), path: `/${offset}` });
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
        const { weights = [] } = this.#around;
        if (index < weights.length) {
          this.#isWeighted = true;
          return weights[index];
        }
        const reason = `the program has ${weights.length}`;
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

  #parameters(): ReadonlyArray<Parameter> {
    const count = this.count();
    const parameters: Array<Parameter> = [];
    for (let i = 0; i < count; i++) parameters.push({ sym: this.#symbol(), type: this.type(1) });
    return parameters;
  }
}

/** The expression of a frame whose parts are all there. */
const nodeOf = ({ lead, code, attributes, parameters, parts }: Frame): Expression => {
  switch (lead) {
    case Lead.residual:
      return app(code, [app(IDENTITY), parts[0]]);
    case Lead.branch:
      return cond(parts[0], parts[1], parts[2]);
    case Lead.binding:
      return letIn(code, parts[0], parts[1]);
    case Lead.lambda:
      return lam(parameters, parts[0]);
    case Lead.call:
      return call(parts[0], parts.slice(1));
    case Lead.block:
      return block(parts);
    default:
      return app(code, parts, attributes);
  }
};

const firstDifference = (a: Uint8Array, b: Uint8Array): number => {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return i;
  return a.length === b.length ? -1 : shorter;
};

/** Refuses bytes that would be written otherwise. */
export const checkSpelling = (
  reader: ExpressionReader,
  root: Expression,
  weights: ReadonlyArray<TensorValue> | undefined,
): void => {
  const again = new Bytes();
  const used = weights === undefined ? undefined : new Weights();
  writeExpression(again, root, used);
  const offset = firstDifference(again.take(), reader.bytes.subarray(0, reader.at));
  if (offset >= 0) reader.otherwise(offset, "a part that has a shorter form, or one that stood before, is spelled out");
  if (used !== undefined && used.tensors.length !== weights!.length) {
    reader.otherwise(reader.at, "a weight stands twice or is not used");
  }
};

/** Reads an expression that is there in full, and refuses bytes that would be written otherwise. */
export const readExpression = (
  bytes: Uint8Array,
  options: DecodeOptions,
  around: Surroundings,
): { readonly root: Expression; readonly end: number } => {
  const reader = new ExpressionReader(bytes, options, around);
  const root = reader.advance()!;
  checkSpelling(reader, root, around.weights);
  return { root, end: reader.at };
};
