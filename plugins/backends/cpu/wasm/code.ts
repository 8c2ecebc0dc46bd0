/**
 * Code: writes the body of one function, instruction by instruction.
 *
 * Not a compiler: nothing is reordered and types are not tracked; the engine's validation judges.
 * Invariant: what is open is closed by the call that opened it, so bodies nest as the closures that write them do.
 *
 * @module
 */
import { Bytes } from "./bytes.ts";
import { type InstructionRow, SCALAR_INSTRUCTIONS } from "./scalar_instructions.ts";
import { VECTOR_INSTRUCTIONS } from "./vector_instructions.ts";

/** Every instruction that is one row. */
export const INSTRUCTIONS: typeof SCALAR_INSTRUCTIONS & typeof VECTOR_INSTRUCTIONS = {
  ...SCALAR_INSTRUCTIONS,
  ...VECTOR_INSTRUCTIONS,
};

type Table = typeof INSTRUCTIONS;

/** Names of instructions that take nothing but operands. */
export type PlainInstruction = { [N in keyof Table]: Table[N]["length"] extends 3 ? N : never }[keyof Table];
/** Names of instructions that address memory. */
export type MemoryInstruction = { [N in keyof Table]: Table[N]["length"] extends 4 ? N : never }[keyof Table];
/** Names of instructions that name a lane, with or without an address. */
export type LaneInstruction = { [N in keyof Table]: Table[N]["length"] extends 5 ? N : never }[keyof Table];

/** Types of values. */
export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

/** The byte of each type of value. */
export const VALUE_TYPES: { readonly [T in ValueType]: number } = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** A local variable or parameter of a function. */
export interface Local {
  /** Its number within the function. */
  readonly index: number;
  /** Its type. */
  readonly type: ValueType;
}

/** A function of a module, defined or imported. */
export interface Func {
  /** Its number within the module. */
  readonly index: number;
  /** Its name, for people and debuggers. */
  readonly name: string;
  /** Types of its parameters. */
  readonly parameters: ReadonlyArray<ValueType>;
  /** Types of its results. */
  readonly results: ReadonlyArray<ValueType>;
}

/** A global variable of a module. */
export interface Global {
  /** Its number within the module. */
  readonly index: number;
  /** Its type. */
  readonly type: ValueType;
}

/** A place that a branch can go to. */
export interface Label {
  /** How many blocks were open when it was made. */
  readonly depth: number;
}

/** A number known now, or a local that holds it. */
export type Amount = number | Local;

const EMPTY_BLOCK = 0x40;

/** Writes one function's body. */
export class Code {
  /** Parameters. */
  readonly parameters: ReadonlyArray<Local>;
  readonly #body = new Bytes(512);
  readonly #entry = new Bytes(0);
  readonly #locals: ValueType[] = [];
  readonly #free: { [T in ValueType]?: Local[] } = {};
  readonly #constants = new Map<string, Local>();
  #depth = 0;

  /** A body of a function with parameters. */
  constructor(parameters: ReadonlyArray<ValueType>) {
    this.parameters = parameters.map((type, index) => ({ index, type }));
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#body.length;
  }

  /** An instruction without immediates. */
  op(name: PlainInstruction): this {
    this.#opcode(INSTRUCTIONS[name][0]);
    return this;
  }

  /** An instruction that addresses memory: at the address on the stack, plus `offset`. */
  memory(name: MemoryInstruction, offset = 0): this {
    const row = INSTRUCTIONS[name];
    this.#opcode(row[0]);
    // Atomic accesses must state their own alignment; for others it is a hint that engines of today ignore.
    this.#body.unsigned(row[0] >= 0xfe0000 ? row[3] : 0);
    this.#body.unsigned(offset);
    return this;
  }

  /** An instruction that names a lane; where it addresses memory, at the address on the stack, plus `offset`. */
  lane(name: LaneInstruction, lane: number, offset = 0): this {
    const row: InstructionRow = INSTRUCTIONS[name];
    this.#opcode(row[0]);
    if ((row[3] ?? -1) >= 0) {
      this.#body.unsigned(0);
      this.#body.unsigned(offset);
    }
    this.#body.byte(lane);
    return this;
  }

  #opcode(code: number): void {
    if (code <= 0xff) {
      this.#body.byte(code);
    } else {
      this.#body.byte(code >>> 16);
      this.#body.unsigned(code & 0xffff);
    }
  }

  /** A new local, or a released one of the same type: it holds whatever was there. */
  local(type: ValueType): Local {
    const reused = this.#free[type]?.pop();
    if (reused !== undefined) return reused;
    this.#locals.push(type);
    return { index: this.parameters.length + this.#locals.length - 1, type };
  }

  /** Gives locals back, for `local` to hand out again. */
  release(...locals: ReadonlyArray<Local>): void {
    for (const local of locals) (this.#free[local.type] ??= []).push(local);
  }

  /** A new local that takes what is on the stack. */
  keep(type: ValueType): Local {
    const local = this.local(type);
    this.set(local);
    return local;
  }

  /** Reads a local. */
  get(local: Local): this {
    this.#body.byte(0x20);
    this.#body.unsigned(local.index);
    return this;
  }

  /** Writes a local. */
  set(local: Local): this {
    this.#body.byte(0x21);
    this.#body.unsigned(local.index);
    return this;
  }

  /** Writes a local and leaves the value. */
  tee(local: Local): this {
    this.#body.byte(0x22);
    this.#body.unsigned(local.index);
    return this;
  }

  /** Reads a global. */
  globalGet(global: Global): this {
    this.#body.byte(0x23);
    this.#body.unsigned(global.index);
    return this;
  }

  /** Writes a global. */
  globalSet(global: Global): this {
    this.#body.byte(0x24);
    this.#body.unsigned(global.index);
    return this;
  }

  /** A constant. */
  i32(value: number): this {
    this.#body.byte(0x41);
    this.#body.signed(value);
    return this;
  }

  /** A constant. */
  i64(value: bigint): this {
    this.#body.byte(0x42);
    this.#body.signed64(value);
    return this;
  }

  /** A constant. */
  f32(value: number): this {
    this.#body.byte(0x43);
    this.#body.float32(value);
    return this;
  }

  /** A constant. */
  f64(value: number): this {
    this.#body.byte(0x44);
    this.#body.float64(value);
    return this;
  }

  /** A constant vector of sixteen bytes. */
  v128(bytes: Uint8Array): this {
    this.#body.byte(0xfd);
    this.#body.byte(12);
    this.#body.raw(bytes);
    return this;
  }

  /** Picks sixteen bytes out of the thirty-two of two vectors. */
  shuffle(lanes: ReadonlyArray<number>): this {
    this.#body.byte(0xfd);
    this.#body.byte(13);
    for (const lane of lanes) this.#body.byte(lane);
    return this;
  }

  /**
   * A local that holds a vector of equal numbers from the function's entry on. Inside loops this costs less than a
   * constant: engines build vector constants anew where they stand.
   */
  splatted(kind: "f32x4" | "f64x2" | "i32x4" | "i64x2", value: number | bigint): Local {
    const key = `${kind} ${Object.is(value, -0) ? "-0" : value}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const view = new DataView(new ArrayBuffer(16));
    for (let lane = 0; lane < 4; lane++) {
      if (kind === "f32x4") view.setFloat32(lane * 4, Number(value), true);
      else if (kind === "i32x4") view.setInt32(lane * 4, Number(value), true);
      else if (kind === "f64x2") view.setFloat64((lane & 1) * 8, Number(value), true);
      else view.setBigInt64((lane & 1) * 8, BigInt(value), true);
    }
    this.#locals.push("v128");
    const local: Local = { index: this.parameters.length + this.#locals.length - 1, type: "v128" };
    this.#entry.raw(Uint8Array.of(0xfd, 12));
    this.#entry.raw(new Uint8Array(view.buffer));
    this.#entry.byte(0x21);
    this.#entry.unsigned(local.index);
    this.#constants.set(key, local);
    return local;
  }

  /** A number known now, or a local's. */
  amount(value: Amount): this {
    return typeof value === "number" ? this.i32(value) : this.get(value);
  }

  /** Adds a number known now to the i32 on the stack; nothing is written for 0. */
  plus(value: number): this {
    return value === 0 ? this : this.i32(value).op("i32.add");
  }

  /** Multiplies the i32 on the stack by a number known now; by a shift where that does. */
  times(value: number): this {
    if (value === 1) return this;
    const bit = Math.log2(value);
    return value > 0 && Number.isInteger(bit) ? this.i32(bit).op("i32.shl") : this.i32(value).op("i32.mul");
  }

  /** Advances an i32 local. */
  advance(local: Local, by: Amount): this {
    return by === 0 ? this : this.get(local).amount(by).op("i32.add").set(local);
  }

  /** A block: a branch to its label goes past its end. */
  block(body: (label: Label) => void, result?: ValueType): this {
    return this.#open(0x02, result, body);
  }

  /** A loop: a branch to its label goes back to its start; falling out of its end leaves it. */
  loop(body: (label: Label) => void, result?: ValueType): this {
    return this.#open(0x03, result, body);
  }

  /** A choice by the i32 on the stack. */
  when(yes: () => void, no?: () => void, result?: ValueType): this {
    return this.#open(0x04, result, () => {
      yes();
      if (no !== undefined) {
        this.#body.byte(0x05);
        no();
      }
    });
  }

  #open(code: number, result: ValueType | undefined, body: (label: Label) => void): this {
    this.#body.byte(code);
    this.#body.byte(result === undefined ? EMPTY_BLOCK : VALUE_TYPES[result]);
    this.#depth++;
    body({ depth: this.#depth });
    this.#depth--;
    this.#body.byte(0x0b);
    return this;
  }

  /** Goes to a label. */
  branch(label: Label): this {
    this.#body.byte(0x0c);
    this.#body.unsigned(this.#depth - label.depth);
    return this;
  }

  /** Goes to a label where the i32 on the stack is not 0. */
  branchIf(label: Label): this {
    this.#body.byte(0x0d);
    this.#body.unsigned(this.#depth - label.depth);
    return this;
  }

  /** Goes to the label that the i32 on the stack counts to; past the end, to the last. */
  branchTable(labels: ReadonlyArray<Label>, otherwise: Label): this {
    this.#body.byte(0x0e);
    this.#body.unsigned(labels.length);
    for (const label of [...labels, otherwise]) this.#body.unsigned(this.#depth - label.depth);
    return this;
  }

  /** Calls a function. */
  call(target: Func): this {
    this.#body.byte(0x10);
    this.#body.unsigned(target.index);
    return this;
  }

  /** Discards what is on the stack. */
  drop(): this {
    this.#body.byte(0x1a);
    return this;
  }

  /** Of the two values under the i32 on the stack, the first where it is not 0, else the second. */
  select(type: ValueType): this {
    if (type === "v128") {
      this.#body.raw(Uint8Array.of(0x1c, 1, VALUE_TYPES[type]));
    } else {
      this.#body.byte(0x1b);
    }
    return this;
  }

  /** Copies bytes within the memory: under the top, to, from and how many. Ranges may overlap. */
  memoryCopy(): this {
    this.#body.raw(Uint8Array.of(0xfc, 10, 0, 0));
    return this;
  }

  /** Fills bytes: under the top, where, with what and how many. */
  memoryFill(): this {
    this.#body.raw(Uint8Array.of(0xfc, 11, 0));
    return this;
  }

  /** Copies bytes of a passive data segment: under the top, to where, from which of its bytes, how many. */
  memoryInit(segment: number): this {
    this.#body.raw(Uint8Array.of(0xfc, 8));
    this.#body.unsigned(segment);
    this.#body.byte(0);
    return this;
  }

  /** A fence between atomic accesses. */
  fence(): this {
    this.#body.raw(Uint8Array.of(0xfe, 3, 0));
    return this;
  }

  /**
   * Counts a local from a start up to an end by steps, and writes the body once. Where both ends are numbers known now
   * the test before the first round is left out.
   */
  each(counter: Local, from: Amount, to: Amount, step: number, body: () => void): this {
    const known = typeof from === "number" && typeof to === "number";
    if (known && from >= to) return this;
    this.amount(from).set(counter);
    const rounds = (): void =>
      void this.loop((again) => {
        body();
        this.get(counter).i32(step).op("i32.add").tee(counter).amount(to).op("i32.lt_s").branchIf(again);
      });
    if (known) rounds();
    else this.get(counter).amount(to).op("i32.lt_s").when(rounds);
    return this;
  }

  /** The body as a module holds it: size, locals, what entry sets, instructions. */
  finish(): Bytes {
    const head = new Bytes(16 + this.#locals.length * 2);
    const runs: [number, ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs[runs.length - 1];
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    head.unsigned(runs.length);
    for (const [count, type] of runs) {
      head.unsigned(count);
      head.byte(VALUE_TYPES[type]);
    }
    this.#body.byte(0x0b);
    const whole = new Bytes(head.length + this.#entry.length + this.#body.length + 5);
    whole.unsigned(head.length + this.#entry.length + this.#body.length);
    whole.raw(head);
    whole.raw(this.#entry);
    whole.raw(this.#body);
    return whole;
  }
}
