/**
 * Random trees: every variant of expression, value and type, from a seed fixed before the code they judge.
 *
 * @module
 */
import { type Random, random } from "../../../kernel/random.ts";
import { type Dtype, DTYPE_NAMES, DTYPES } from "../../../plugins/rmil/dtype.ts";
import * as make from "../../../plugins/rmil/expression.ts";
import { OPS } from "../../../plugins/rmil/opcodes.ts";
import { Symbols } from "../../../plugins/rmil/symbols.ts";
import { type Dimension, fn, scalar, SYMBOL, tensor, tuple, type Type, VOID } from "../../../plugins/rmil/types.ts";
import {
  bool,
  f32,
  f32Of,
  f64,
  f64Of,
  i64,
  NIL,
  symbolValue,
  tensorValue,
  tupleValue,
  type Value,
} from "../../../plugins/rmil/value.ts";

const NAMES = ["x", "y", "relu", "if", "it's", "ünï", "a b", "", "nan", "f32", "_", "line\nbreak", "`", "z9"];

/** Sizes beyond version 1, beyond exact numbers, and the largest. */
const LARGE_SIZES = [2 ** 33 + 7, 2 ** 53 - 3, 2 ** 53 - 2, 2 ** 53 - 1, 2n ** 53n, 2n ** 63n, 2n ** 64n - 3n];

/** What a tree may hold. */
export interface TreeOptions {
  /** Whether only what version 1 can say. */
  readonly v1?: boolean;
}

/** Draws trees over one symbol table. */
export class Trees {
  readonly symbols: Symbols;
  readonly #random: Random;
  readonly #v1: boolean;

  constructor(seed: string, { v1 }: TreeOptions = {}) {
    this.#random = random(seed);
    this.#v1 = v1 ?? false;
    this.symbols = Symbols.of(NAMES);
  }

  #symbol(): number {
    return this.#random.below(this.symbols.size);
  }

  #dtype(): Dtype {
    return this.#random.pick(DTYPE_NAMES);
  }

  #list<A>(most: number, item: () => A): ReadonlyArray<A> {
    return Array.from({ length: this.#random.below(most + 1) }, item);
  }

  #dimension(): Dimension {
    const draw = this.#random.below(this.#v1 ? 4 : 6);
    if (draw === 0) return null;
    if (draw === 4) return this.#random.pick(["batch", "B", "n*2", "é"]);
    if (draw === 5) return this.#random.pick(LARGE_SIZES);
    return this.#random.below(1000);
  }

  type(depth: number): Type {
    const types = () => this.#list(2, () => this.type(depth - 1));
    switch (this.#random.below(depth > 0 ? 9 : 6)) {
      case 0:
        return VOID;
      case 1:
        return scalar(this.#dtype());
      case 2:
        return tensor(this.#dtype(), this.#list(3, () => this.#dimension()));
      case 3:
        return SYMBOL;
      case 4:
        return { k: "Var", id: this.#random.below(9) };
      case 5:
        return { k: "Opaque", id: this.#random.uint32() };
      case 6:
        return fn(types(), types());
      case 7:
        return tuple(types());
      default:
        return { k: "Union", items: types() };
    }
  }

  #tensor(): Value {
    const dtype = this.#dtype();
    const shape = this.#list(3, () => this.#random.below(4));
    const count = shape.reduce((product, size) => product * size, 1);
    const bytes = Uint8Array.from({ length: count * DTYPES[dtype].bytes }, () => this.#random.below(256));
    return tensorValue(dtype, shape, bytes);
  }

  value(depth: number): Value {
    const random = this.#random;
    switch (random.below(depth > 0 ? 12 : 11)) {
      case 0:
        return NIL;
      case 1:
        return bool(random.below(2) === 1);
      case 2:
        return i64(random.below(40) - 20);
      case 3:
        return { k: "I64", lo: random.uint32() | 0, hi: random.uint32() | 0 };
      case 4:
        return f32Of(random.uint32());
      case 5:
        return f32(random.normal());
      case 6:
        return f64Of(random.uint32(), random.uint32());
      case 7:
        return f64(random.pick([0, -0, 1, 0.1, NaN, Infinity, -Infinity, 1e300, 5e-324, -1.5, 1e21, 2 ** 53]));
      case 8:
        return f32(random.pick([0, -0, 1, 0.1, NaN, Infinity, -Infinity, 1e38, 1e-45, -1.5, 16777217]));
      case 9:
        return this.#tensor();
      case 10:
        return symbolValue(this.#symbol());
      default:
        return tupleValue(this.#list(3, () => this.value(depth - 1)));
    }
  }

  #opcode(): number {
    return this.#random.below(20) === 0 ? 0xbe00 + this.#random.below(256) : this.#random.pick(Object.values(OPS)).code;
  }

  #app(depth: number): make.Expression {
    const args = this.#list(this.#random.below(12) === 0 ? 12 : 2, () => this.expression(depth - 1));
    if (this.#v1 || this.#random.below(3) > 0) return make.app(this.#opcode(), args);
    const names = this.#random.shuffle(["bias", "width", "odd name", "e1", "if", "é"]).slice(0, this.#random.below(4));
    return make.app(this.#opcode(), args, names.map((name) => ({ name, value: this.value(1) })));
  }

  expression(depth: number): make.Expression {
    const random = this.#random;
    if (depth <= 0) {
      return random.pick([
        () => make.lit(this.value(2)),
        () => make.ref(this.#symbol()),
        () => make.app(this.#opcode()),
      ])();
    }
    return innerNode(random, {
      literal: () => make.lit(this.value(2)),
      symbol: () => this.#symbol(),
      application: () => this.#app(depth),
      part: () => this.expression(depth - 1),
      parameters: () => {
        const names = random.shuffle(Array.from({ length: this.symbols.size }, (_, sym) => sym));
        return names.slice(0, random.below(4)).map((sym) => ({ sym, type: this.type(2) }));
      },
    });
  }
}

/** What a random node is made of. */
export interface Growth {
  /** A literal. */
  readonly literal: () => make.Expression;
  /** A symbol. */
  readonly symbol: () => number;
  /** An op with its arguments. */
  readonly application: () => make.Expression;
  /** One of so many parts. */
  readonly part: (of: number) => make.Expression;
  /** Parameters of a lambda. */
  readonly parameters: () => ReadonlyArray<make.Parameter>;
}

/** A random node of any variant. */
export const innerNode = (random: Random, growth: Growth): make.Expression => {
  const { part, symbol } = growth;
  const few = (most: number, of: number) => Array.from({ length: random.below(most + 1) }, () => part(of));
  switch (random.below(11)) {
    case 0:
      return growth.literal();
    case 1:
      return make.ref(symbol());
    case 2:
    case 3:
      return growth.application();
    case 4:
      return make.seq(part(2), part(2));
    case 5:
      return make.par(part(2), part(2));
    case 6:
      return make.cond(part(3), part(3), part(3));
    case 7:
      return make.letIn(symbol(), part(2), part(2));
    case 8:
      return make.lam(growth.parameters(), part(1));
    case 9:
      return make.call(part(3), few(2, 3));
    default: {
      // Some parts stand twice.
      const twice = part(4);
      return make.block(random.shuffle([...few(2, 4), ...(random.below(2) === 0 ? [twice, twice] : [])]));
    }
  }
};
