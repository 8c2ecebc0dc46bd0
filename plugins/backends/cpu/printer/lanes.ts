/**
 * Lanes: loops as vectors: which loop of a nest, how many copies of its body, and the instructions of a vector of each type.
 *
 * Not the writing of statements (writer.ts).
 * Invariant: a body that `canVector` accepts has an instruction, or vector mathematics, for every operation on lanes; bools
 * are masks, all ones or all zeros a lane.
 *
 * @module
 */
import type { Dtype } from "../../../ir/library.ts";
import { type Axis, stepOf } from "../../codegen/affine.ts";
import {
  eachStatement,
  type Expression,
  expressionsOf,
  type FoldKind,
  type Operation,
  type Statement,
} from "../../codegen/loops.ts";
import type { Code, Local, PlainInstruction } from "../wasm/code.ts";
import { isComparison } from "./scalar.ts";
import { vectorMath } from "./vector_math.ts";
import type { SourceTable } from "./sources.ts";

/** Kinds of vector. */
export type LaneType = "f32x4" | "f64x2";

/** How a vector of one kind is worked with. */
export interface Lanes {
  /** Its kind. */
  readonly type: LaneType;
  /** Lanes. */
  readonly count: number;
  /** A literal in all lanes. */
  readonly literal: (code: Code, constant: Extract<Expression, { kind: "constant" }>) => Local;
  /** Puts the element on the stack into all lanes. */
  readonly splat: (code: Code, dtype: Dtype) => void;
  /** Turns the i32 on the stack into i, i + step, i + 2·step … */
  readonly ramp: (code: Code, step: number) => void;
  /** Reads neighbours at the address on the stack. */
  readonly load: (code: Code, dtype: Dtype, offset: number) => void;
  /** Writes neighbours. */
  readonly store: (code: Code, dtype: Dtype, offset: number) => void;
  /** An operation on the vectors on the stack. */
  readonly apply: (code: Code, op: Operation, operand: Dtype, result: Dtype) => void;
  /** The identity of a fold in all lanes. */
  readonly identity: (code: Code, fold: FoldKind, dtype: Dtype) => void;
  /** One lane as an element. */
  readonly extract: (code: Code, dtype: Dtype, lane: number) => void;
}

const SIGNED_ORDER = { eq: "eq", ne: "ne", lt: "lt_s", le: "le_s", gt: "gt_s", ge: "ge_s" } as const;
const UNSIGNED_ORDER = { eq: "eq", ne: "ne", lt: "lt_u", le: "le_u", gt: "gt_u", ge: "ge_u" } as const;

const FLOAT: { readonly [op: string]: string } = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  max: "max",
  min: "min",
  neg: "neg",
  abs: "abs",
  sqrt: "sqrt",
  floor: "floor",
  ceil: "ceil",
  round: "nearest",
};

const INTEGER: { readonly [op: string]: { readonly i32?: string; readonly u32?: string } } = {
  add: { i32: "i32x4.add", u32: "i32x4.add" },
  sub: { i32: "i32x4.sub", u32: "i32x4.sub" },
  mul: { i32: "i32x4.mul", u32: "i32x4.mul" },
  max: { i32: "i32x4.max_s", u32: "i32x4.max_u" },
  min: { i32: "i32x4.min_s", u32: "i32x4.min_u" },
  neg: { i32: "i32x4.neg", u32: "i32x4.neg" },
  abs: { i32: "i32x4.abs" },
};

const BITS: { readonly [op: string]: PlainInstruction } = {
  and: "v128.and",
  or: "v128.or",
  xor: "v128.xor",
  not: "v128.not",
};

const CASTS: { readonly [pair: string]: PlainInstruction } = {
  "i32 f32": "f32x4.convert_i32x4_s",
  "u32 f32": "f32x4.convert_i32x4_u",
  "f32 i32": "i32x4.trunc_sat_f32x4_s",
  "f32 u32": "i32x4.trunc_sat_f32x4_u",
};

/** The one instruction of an operation on lanes, where there is one. */
const instructionOf = (type: LaneType, op: Operation, operand: Dtype, result: Dtype): PlainInstruction | undefined => {
  const float = type === "f64x2" ? "f64" : "f32";
  if (isComparison(op)) {
    if (operand === float) return `${type}.${op}` as PlainInstruction;
    if (type === "f32x4" && operand === "i32") return `i32x4.${SIGNED_ORDER[op]}` as PlainInstruction;
    if (type === "f32x4" && operand === "u32") return `i32x4.${UNSIGNED_ORDER[op]}` as PlainInstruction;
    return undefined;
  }
  if (op === "cast") return type === "f32x4" ? CASTS[`${operand} ${result}`] : undefined;
  if (result === float) {
    return Object.hasOwn(FLOAT, op) ? `${type}.${FLOAT[op]}` as PlainInstruction : undefined;
  }
  if (result === "bool") return BITS[op];
  if (type === "f32x4" && (result === "i32" || result === "u32")) {
    return BITS[op] ?? INTEGER[op]?.[result] as PlainInstruction | undefined;
  }
  return undefined;
};

/** Casts that are not one instruction. */
const isMaskCast = (type: LaneType, operand: Dtype, result: Dtype): boolean => {
  const float = type === "f64x2" ? "f64" : "f32";
  return operand === "bool" && (result === float || (type === "f32x4" && (result === "i32" || result === "u32"))) ||
    (result === "bool" && operand === float) ||
    (type === "f32x4" && (operand === "i32" || operand === "u32") && (result === "i32" || result === "u32"));
};

const lanesFor = (type: LaneType): Lanes => {
  const isWide = type === "f64x2";
  const float = isWide ? "f64" : "f32";
  const count = isWide ? 2 : 4;
  const one = (code: Code, dtype: Dtype): Local => dtype === float ? code.splatted(type, 1) : code.splatted("i32x4", 1);
  return {
    type,
    count,
    literal: (code, { dtype, value }) => {
      if (dtype === float) return code.splatted(type, Number(value));
      if (dtype === "bool") return code.splatted("i32x4", value ? -1 : 0);
      return code.splatted("i32x4", Number(value) | 0);
    },
    splat: (code, dtype) => {
      if (dtype === float) code.op(`${type}.splat`);
      else if (dtype === "bool") {
        const bit = code.keep("i32");
        code.i32(0).get(bit).op("i32.sub").op("i32x4.splat");
        code.release(bit);
      } else code.op("i32x4.splat");
    },
    ramp: (code, step) => {
      const bytes = new Uint8Array(16);
      const view = new DataView(bytes.buffer);
      for (let lane = 0; lane < 4; lane++) view.setInt32(lane * 4, lane * step, true);
      code.op("i32x4.splat").v128(bytes).op("i32x4.add");
    },
    load: (code, dtype, offset) => {
      if (dtype !== "bool") code.memory("v128.load", offset);
      else {
        code.memory("v128.load32_zero", offset).op("i16x8.extend_low_i8x16_u").op("i32x4.extend_low_i16x8_u");
        code.get(code.splatted("i32x4", 0)).op("i32x4.ne");
      }
    },
    store: (code, dtype, offset) => {
      if (dtype !== "bool") code.memory("v128.store", offset);
      else {
        code.get(code.splatted("i32x4", 1)).op("v128.and");
        const zero = code.splatted("i32x4", 0);
        code.get(zero).op("i16x8.narrow_i32x4_u").get(zero).op("i8x16.narrow_i16x8_u");
        code.lane("v128.store32_lane", 0, offset);
      }
    },
    apply: (code, op, operand, result) => {
      if (op === "cast" && operand === result) return;
      if (op === "cast" && operand === "bool") {
        code.get(one(code, result)).op("v128.and");
        return;
      }
      if (op === "cast" && result === "bool") {
        code.get(code.splatted(type, 0)).op(`${type}.ne`);
        return;
      }
      if (op === "cast" && operand !== float && result !== float) return;
      code.op(instructionOf(type, op, operand, result)!);
    },
    identity: (code, fold, dtype) => {
      const value = { sum: 0, prod: 1, max: -Infinity, min: Infinity, any: 0, all: -1 }[fold];
      if (dtype === float) code.get(code.splatted(type, value));
      else if (dtype === "bool") code.get(code.splatted("i32x4", value));
      else {
        const low = dtype === "u32" ? 0 : -2147483648;
        const high = dtype === "u32" ? -1 : 2147483647;
        code.get(code.splatted("i32x4", fold === "max" ? low : fold === "min" ? high : value));
      }
    },
    extract: (code, dtype, lane) => {
      if (dtype === float) code.lane(isWide ? "f64x2.extract_lane" : "f32x4.extract_lane", lane);
      else {
        // A mask fills its lane, so any 32 bits of it will do.
        code.lane("i32x4.extract_lane", lane * (4 / count));
        if (dtype === "bool") code.i32(1).op("i32.and");
      }
    },
  };
};

/** Vectors by kind. */
export const LANES: { readonly [T in LaneType]: Lanes } = { f32x4: lanesFor("f32x4"), f64x2: lanesFor("f64x2") };

const FOUR: ReadonlySet<Dtype> = new Set(["f32", "i32", "u32", "bool"]);
const TWO: ReadonlySet<Dtype> = new Set(["f64", "bool"]);

/** The kind of vector that what a body writes asks for. */
export const lanesOf = (body: ReadonlyArray<Statement>): LaneType | undefined => {
  let type: LaneType | undefined;
  let mixed = false;
  eachStatement(body, (statement) => {
    if (statement.kind === "for" || statement.kind === "when") return;
    const dtype = statement.kind === "store" ? statement.buffer.dtype : statement.local.dtype;
    if (dtype === "bool") return;
    const wanted = dtype === "f64" ? "f64x2" : FOUR.has(dtype) ? "f32x4" : undefined;
    if (wanted === undefined || (type !== undefined && type !== wanted)) mixed = true;
    type = wanted;
  });
  return mixed ? undefined : type ?? "f32x4";
};

/** Counts the accesses of a body by how they move along an axis. */
type Accesses = { near: number; far: number };

/** Judges whether a body can be written for lanes along an axis. */
class Judge {
  readonly accesses: Accesses = { near: 0, far: 0 };
  private readonly verdicts = new Map<number, boolean>();
  private readonly allowed: ReadonlySet<Dtype>;

  constructor(
    private readonly axis: Axis,
    private readonly type: LaneType,
    private readonly sources: SourceTable,
    private readonly inLanes: Set<number>,
  ) {
    this.allowed = type === "f64x2" ? TWO : FOUR;
  }

  private isUniform(expression: Expression): boolean {
    const { axes, variables } = this.sources.of(expression);
    if (axes.has(this.axis.id)) return false;
    for (const variable of variables) if (this.inLanes.has(variable)) return false;
    return true;
  }

  allows(expression: Expression): boolean {
    const known = this.verdicts.get(expression.id);
    if (known !== undefined) return known;
    const verdict = this.decide(expression);
    this.verdicts.set(expression.id, verdict);
    return verdict;
  }

  private decide(expression: Expression): boolean {
    if (!this.allowed.has(expression.dtype)) return false;
    if (this.isUniform(expression)) return true;
    switch (expression.kind) {
      case "constant":
      case "local":
        return true;
      case "index":
        return this.type === "f32x4" && (expression.dtype === "i32" || expression.dtype === "u32") &&
          stepOf(expression.index, this.axis) !== undefined && this.isSteady(expression.index);
      case "load":
        return this.load(expression);
      case "guard":
        return this.isUniform(expression.condition) && this.allows(expression.then) &&
          this.allows(expression.otherwise);
      default:
        return this.apply(expression);
    }
  }

  /** Whether an index moves along the axis by its step alone. */
  private isSteady(index: Extract<Expression, { kind: "index" }>["index"]): boolean {
    return index.terms.every(({ atom }) => atom.kind !== "value" || this.isUniform(atom.value as Expression));
  }

  private load({ buffer, index }: Extract<Expression, { kind: "load" }>): boolean {
    const step = stepOf(index, this.axis);
    if (step === undefined || !this.isSteady(index)) return false;
    if (buffer.dtype === "bool" && (this.type === "f64x2" || step !== 1)) return false;
    if (step === 1) this.accesses.near++;
    else this.accesses.far++;
    return true;
  }

  private apply({ op, dtype, arguments: args }: Extract<Expression, { kind: "apply" }>): boolean {
    const operand = args[0].dtype;
    const isFloat = dtype === (this.type === "f64x2" ? "f64" : "f32");
    const known = op === "select" || (isFloat && vectorMath(op, this.type, false) !== undefined) ||
      instructionOf(this.type, op, operand, dtype) !== undefined ||
      (op === "cast" && isMaskCast(this.type, operand, dtype));
    return known && args.every((argument) => this.allows(argument));
  }

  statement(statement: Statement): boolean {
    if (statement.kind === "when") return false;
    if (statement.kind === "for") return statement.body.every((each) => this.statement(each));
    if (statement.kind !== "store") {
      this.inLanes.add(statement.local.id);
      return this.allowed.has(statement.local.dtype) && this.allows(statement.value);
    }
    const step = stepOf(statement.index, this.axis);
    if (step === undefined || step === 0 || !this.isSteady(statement.index)) return false;
    const { dtype } = statement.buffer;
    if (dtype === "bool" && (this.type === "f64x2" || step !== 1)) return false;
    if (step === 1) this.accesses.near++;
    else this.accesses.far += 2;
    return this.allowed.has(dtype) && this.allows(statement.value);
  }
}

/** Whether a body can be written for lanes along an axis, `variables` being in lanes already. */
export const canVector = (
  body: ReadonlyArray<Statement>,
  axis: Axis,
  type: LaneType,
  sources: SourceTable,
  variables: ReadonlySet<number> = new Set(),
): boolean => {
  const judge = new Judge(axis, type, sources, new Set(variables));
  return body.every((statement) => judge.statement(statement));
};

type For = Extract<Statement, { kind: "for" }>;

const accessesOf = (loop: For, sources: SourceTable): (Accesses & { readonly type: LaneType }) | undefined => {
  const type = lanesOf(loop.body);
  if (type === undefined || loop.loop === "serial" || loop.axis.extent < LANES[type].count) return undefined;
  const outer = new Set<number>();
  eachStatement(loop.body, (statement) => {
    if (statement.kind === "accumulate") outer.add(statement.local.id);
  });
  const judge = new Judge(loop.axis, type, sources, outer);
  return loop.body.every((statement) => judge.statement(statement)) ? { ...judge.accesses, type } : undefined;
};

/** The kind of vector by which a loop itself, and not one inside it, should run; undefined where it should not. */
export const vectorAxis = (loop: For, sources: SourceTable): LaneType | undefined => {
  const own = accessesOf(loop, sources);
  if (own === undefined) return undefined;
  const inner = loop.body.filter((statement): statement is For => statement.kind === "for");
  if (inner.length === 0) return own.far > own.near * 2 + 2 && own.near === 0 && own.far > 3 ? undefined : own.type;
  if (own.far > 0) return undefined;
  const innerFar = inner.some((each) => {
    const deep = deepest(each, sources);
    return deep === undefined || deep.far > 0;
  });
  return innerFar ? own.type : undefined;
};

/** Accesses of the loop inside a nest that would run by vectors. */
const deepest = (loop: For, sources: SourceTable): Accesses | undefined => {
  const inner = loop.body.filter((statement): statement is For => statement.kind === "for");
  if (inner.length === 0) return accessesOf(loop, sources);
  for (const each of inner) {
    const found = deepest(each, sources);
    if (found === undefined || found.far > 0) return found;
  }
  return { near: 1, far: 0 };
};

/** Copies of a body that folds: as many sums as hide the time an addition takes. */
const COPIES_OF_FOLDS = 4;

/** Copies of a body that is nothing but a maximum or minimum, which takes several instructions for the sake of NaN. */
const COPIES_OF_EXTREMA = 8;

/** Copies of other bodies. */
const COPIES = 2;

/** Longest body, in expressions, that is written more than once. */
const MAX_COPIED = 40;

/** How many copies of a body to write side by side. */
export const unrollOf = (loop: For, lanes: Lanes, hasFolds: boolean): number => {
  let size = 0;
  eachStatement(loop.body, (statement) => {
    size += 1 + expressionsOf(statement).length * 4;
  });
  const isNest = loop.body.some(({ kind }) => kind === "for");
  const isExtremum = loop.body.every((each) =>
    each.kind === "accumulate" && (each.fold === "max" || each.fold === "min")
  );
  let copies = size > MAX_COPIED ? 1 : isExtremum ? COPIES_OF_EXTREMA : hasFolds || isNest ? COPIES_OF_FOLDS : COPIES;
  while (copies > 1 && loop.axis.extent < lanes.count * copies) copies /= 2;
  return copies;
};
