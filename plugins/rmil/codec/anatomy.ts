/**
 * Anatomy: what every byte of a program in version 2 says, for people who want to see that a few bytes are a network.
 *
 * Not a decoder: it decodes first (v2.ts), so what it walks over is well-formed. The format is described in wire.ts.
 * Invariant: the parts follow one another without gaps from the first byte to the last.
 *
 * @module
 */
import { nameOf } from "../opcodes.ts";
import { printType, printValue } from "../syntax/printer.ts";
import type { Symbols } from "../symbols.ts";
import { f32Of, f64Of, i64, type Value } from "../value.ts";
import { decodeProgram, type StreamOptions } from "./v2.ts";
import { Reader } from "./v2_reader.ts";
import { ATTRIBUTE_NAMES, Lead, Low, MAGIC, opOfByte, SMALLEST } from "./wire.ts";

/** Some bytes that belong together. */
export interface BytePart {
  /** Where they begin. */
  readonly at: number;
  /** How many they are. */
  readonly length: number;
  /** How many parts they stand in. */
  readonly depth: number;
  /** What they say. */
  readonly says: string;
}

const opName = (byte: number): string => nameOf(opOfByte(byte) ?? -1) ?? `op ${byte}`;

/** Walks over bytes that were decoded before. */
class Walker extends Reader {
  readonly parts: Array<BytePart> = [];

  constructor(bytes: Uint8Array, readonly symbols: Symbols) {
    super(bytes);
  }

  /** Reads something and says what it was. */
  part(depth: number, read: () => string): void {
    const at = this.at;
    const says = read();
    this.parts.push({ at, length: this.at - at, depth, says });
  }

  header(): ReadonlyArray<number> {
    this.part(0, () => `"${new TextDecoder().decode(this.raw(MAGIC.length))}": a program of the language`);
    this.part(0, () => `version ${this.u16()}`);
    let names = 0;
    this.part(0, () => `${names = this.integer()} names`);
    for (let i = 0; i < names; i++) this.part(1, () => `name ${i + 1}: "${this.text()}"`);
    let weights = 0;
    this.part(0, () => `${weights = this.integer()} weights`);
    const lengths: Array<number> = [];
    for (let i = 0; i < weights; i++) {
      this.part(1, () => {
        const { dtype, shape, length } = this.tensorHead();
        lengths.push(length);
        return `weight ${i}: ${dtype}[${shape.join(",")}]`;
      });
    }
    this.part(0, () => `an expression of ${this.integer()} bytes`);
    return lengths;
  }

  value(lead: number): string {
    const printed = (value: Value): string => printValue(value, this.symbols);
    if ((lead & ~Low.small) === Lead.small) return printed(i64((lead & Low.small) + SMALLEST));
    switch (lead) {
      case Lead.nil:
        return "nil";
      case Lead.no:
        return "false";
      case Lead.yes:
        return "true";
      case Lead.integer:
        return printed(i64(this.signed()));
      case Lead.float32:
        return printed(f32Of(this.i32()));
      case Lead.float64: {
        const low = this.i32();
        return printed(f64Of(low, this.i32()));
      }
      case Lead.tensor: {
        const { dtype, shape, length } = this.tensorHead();
        this.raw(length);
        return `a tensor ${dtype}[${shape.join(",")}]`;
      }
      case Lead.weight:
        return `weight ${this.integer()}`;
      case Lead.symbol:
        return `the name ${this.#name(this.integer())}`;
      default: {
        const items = Array.from({ length: this.count() }, () => this.value(this.u8()));
        return `(${items.join(", ")})`;
      }
    }
  }

  #name(symbol: number): string {
    return this.symbols.names[symbol] ?? String(symbol);
  }

  /** Says what an expression's own bytes say, and walks over its parts. */
  expression(depth: number): void {
    let parts = 0;
    this.part(depth, () => {
      const { says, left } = this.#own(this.u8());
      parts = left;
      return says;
    });
    for (let i = 0; i < parts; i++) this.expression(depth + 1);
  }

  #own(lead: number): { readonly says: string; readonly left: number } {
    const made = (says: string, left = 0) => ({ says, left });
    if (lead < Lead.pipeline) return made(opName(lead));
    if (lead < Lead.parallel) {
      const stages = this.low(lead, Low.pipeline) + 2;
      return made(`a pipeline of ${stages} stages`, stages);
    }
    if (lead < Lead.applied) {
      const branches = this.low(lead, Low.parallel) + 2;
      return made(`${branches} branches side by side`, branches);
    }
    if (lead < Lead.application) {
      const left = this.low(lead, Low.applied) + 1;
      return made(`${opName(this.u8())}, ${left} argument${left === 1 ? "" : "s"}`, left);
    }
    if ((lead & ~Low.reference) === Lead.reference) {
      return made(`the value of ${this.#name(this.low(lead, Low.reference))}`);
    }
    switch (lead) {
      case Lead.application:
        return this.#application();
      case Lead.residual:
        return made("what is given plus:", 1);
      case Lead.branch:
        return made("a choice: condition, then, else", 3);
      case Lead.binding:
        return made(`let ${this.#name(this.integer())} be the first in the second`, 2);
      case Lead.lambda: {
        const parameters = Array.from(
          { length: this.count() },
          () => `${this.#name(this.integer())}: ${printType(this.type(1))}`,
        );
        return made(`a function of (${parameters.join(", ")})`, 1);
      }
      case Lead.call: {
        const left = this.count();
        return made(`a call of the first with ${left} arguments`, left + 1);
      }
      case Lead.block: {
        const left = this.count();
        return made(`${left} expressions in turn`, left);
      }
      case Lead.again:
        return made(`the expression that stood ${this.integer() + 1} before, again`);
      default:
        return made(this.value(lead));
    }
  }

  #application(): { readonly says: string; readonly left: number } {
    const byte = this.integer();
    const name = byte === 0 ? nameOf(this.u16()) ?? "an op" : opName(byte - 1);
    const left = this.count();
    const attributes = Array.from({ length: this.count() }, () => {
      const number = this.integer();
      const attribute = number === 0 ? this.text() : ATTRIBUTE_NAMES[number - 1];
      return `${attribute} ${this.value(this.u8())}`;
    });
    const given = left === 0 ? "" : `, ${left} argument${left === 1 ? "" : "s"}`;
    return { says: `${name}${attributes.length === 0 ? "" : `: ${attributes.join(", ")}`}${given}`, left };
  }
}

/**
 * What every byte of a program says. Throws the failure of whatever is no program.
 *
 * @example
 * ```ts
 * import { anatomy, encodeProgram, parse } from "@rmi/rmi/rmil";
 * import assert from "node:assert/strict";
 * const parts = anatomy(encodeProgram(parse("linear(64) >> relu")));
 * assert.equal(parts[0].says, '"RMIL": a program of the language');
 * assert.equal(parts.at(-1)!.says, "relu");
 * ```
 */
export const anatomy = (bytes: Uint8Array, options: StreamOptions = {}): ReadonlyArray<BytePart> => {
  const { symbols } = decodeProgram(bytes, options);
  const walker = new Walker(bytes, symbols);
  const lengths = walker.header();
  walker.expression(0);
  lengths.forEach((length, i) =>
    walker.part(0, () => {
      walker.raw(length);
      return `the data of weight ${i}: ${length} bytes`;
    })
  );
  return walker.parts;
};
