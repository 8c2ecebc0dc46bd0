/**
 * Writer: the code of one kernel: expressions with what is already computed kept in locals, addresses, and loops, one
 * element at a time or by vectors.
 *
 * Not a choice of which loop becomes vectors (lanes.ts) and not products (product.ts).
 * Invariant: what is kept is given up as soon as something it was computed from changes, or control leaves the place
 * where it was computed; so a kept value is the value the expression has.
 *
 * @module
 */
import type { Dtype } from "../../../ir/library.ts";
import { type Affine, type Axis, eachAxis, rangeOf, stepOf, type Term } from "../../codegen/affine.ts";
import {
  type Buffer,
  eachStatement,
  type Expression,
  expressionsOf,
  type FoldKind,
  type Local as Variable,
  type Statement,
} from "../../codegen/loops.ts";
import type { Code, Local, ValueType } from "../wasm/code.ts";
import { canVector, LANES, type Lanes, lanesOf, type LaneType, unrollOf, vectorAxis } from "./lanes.ts";
import type { Runtime } from "./runtime.ts";
import type { Externals } from "./external.ts";
import { bytesOf, loadElement, pushCast, pushConstant, pushOperation, registerOf, storeElement } from "./scalar.ts";
import { type VectorMath, vectorMath } from "./vector_math.ts";

/** What an expression is computed from. */
export interface Sources {
  /** Ids of axes. */
  readonly axes: ReadonlySet<number>;
  /** Ids of variables. */
  readonly variables: ReadonlySet<number>;
  /** Ids of buffers. */
  readonly buffers: ReadonlySet<number>;
}

const NO_SOURCES: Sources = { axes: new Set(), variables: new Set(), buffers: new Set() };

/** Sources of expressions and indices, each found once. */
export class SourceTable {
  private readonly known = new Map<number, Sources>();
  private readonly indices = new Map<string, Sources>();

  private static join(parts: ReadonlyArray<Sources>): Sources {
    if (parts.length === 0) return NO_SOURCES;
    if (parts.length === 1) return parts[0];
    const union = (pick: (part: Sources) => ReadonlySet<number>): ReadonlySet<number> =>
      new Set(parts.flatMap((part) => [...pick(part)]));
    return { axes: union((p) => p.axes), variables: union((p) => p.variables), buffers: union((p) => p.buffers) };
  }

  /** Of an index. */
  ofIndex(index: Affine): Sources {
    if (index.terms.length === 0) return NO_SOURCES;
    const before = this.indices.get(index.key);
    if (before !== undefined) return before;
    const axes = new Set<number>();
    eachAxis(index, ({ id }) => axes.add(id));
    const inner = (of: Affine): ReadonlyArray<Sources> =>
      of.terms.flatMap(({ atom }) =>
        atom.kind === "value" ? [this.of(atom.value as Expression)] : atom.kind === "axis" ? [] : inner(atom.of)
      );
    const made = SourceTable.join([{ ...NO_SOURCES, axes }, ...inner(index)]);
    this.indices.set(index.key, made);
    return made;
  }

  /** Of an expression. */
  of(expression: Expression): Sources {
    const before = this.known.get(expression.id);
    if (before !== undefined) return before;
    const made = this.find(expression);
    this.known.set(expression.id, made);
    return made;
  }

  private find(expression: Expression): Sources {
    switch (expression.kind) {
      case "constant":
        return NO_SOURCES;
      case "index":
        return this.ofIndex(expression.index);
      case "local":
        return { ...NO_SOURCES, variables: new Set([expression.local.id]) };
      case "load":
        return SourceTable.join([
          this.ofIndex(expression.index),
          { ...NO_SOURCES, buffers: new Set([expression.buffer.id]) },
        ]);
      case "guard":
        return SourceTable.join([expression.condition, expression.then, expression.otherwise].map((e) => this.of(e)));
      default:
        return SourceTable.join(expression.arguments.map((e) => this.of(e)));
    }
  }
}

/** What a kernel is written with. */
export interface KernelContext {
  /** Functions that generated code calls. */
  readonly runtime: Runtime;
  /** Address of a buffer. */
  readonly address: (buffer: Buffer) => number;
  /** Sources of the program's expressions. */
  readonly sources: SourceTable;
  /** Whether vectors may be used. */
  readonly vectors: boolean;
  /** Whether multiply-add may round once. */
  readonly fused: boolean;
  /** Who else computes products, where somebody does. */
  readonly externals?: Externals;
}

type Kept = { readonly local: Local; readonly sources: Sources };

/** Loop under way whose turns are lanes. */
type VectorLoop = {
  readonly axis: Axis;
  readonly lanes: Lanes;
  readonly copies: number;
  /** Variables that hold a vector a copy. */
  readonly variables: Map<number, ReadonlyArray<Local>>;
};

type Folded = { readonly variable: Variable; readonly fold: FoldKind; readonly sums: ReadonlyArray<Local> };

const FOLD_OPERATION = { sum: "add", prod: "mul", max: "max", min: "min", any: "or", all: "and" } as const;

/** Changes that statements make: variables they set and buffers they write. */
const changesOf = (body: ReadonlyArray<Statement>): { variables: Set<number>; buffers: Set<number> } => {
  const variables = new Set<number>();
  const buffers = new Set<number>();
  eachStatement(body, (statement) => {
    if (statement.kind === "store") buffers.add(statement.buffer.id);
    else if (statement.kind === "let" || statement.kind === "assign" || statement.kind === "accumulate") {
      variables.add(statement.local.id);
    }
  });
  return { variables, buffers };
};

const meets = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean => {
  for (const each of a) if (b.has(each)) return true;
  return false;
};

/** Writes one kernel. */
export class KernelWriter {
  private readonly kept = new Map<string, Kept>();
  private readonly log: string[] = [];
  private readonly axes = new Map<number, Local>();
  /** Order in which axes were bound, outermost first. */
  private readonly depth = new Map<number, number>();
  private readonly variables = new Map<number, Local>();
  private vector: VectorLoop | undefined;

  constructor(readonly code: Code, private readonly context: KernelContext) {}

  /** Binds an axis to a local that holds its turn. */
  bind(axis: Axis, local: Local): void {
    this.axes.set(axis.id, local);
    this.depth.set(axis.id, this.depth.size);
  }

  /** Gives up what was computed from something that changed. */
  private forget(changed: { readonly variables?: ReadonlySet<number>; readonly buffers?: ReadonlySet<number> }): void {
    for (const [key, { sources }] of this.kept) {
      const stale = (changed.variables !== undefined && meets(sources.variables, changed.variables)) ||
        (changed.buffers !== undefined && meets(sources.buffers, changed.buffers));
      if (stale) this.kept.delete(key);
    }
  }

  private keep(key: string, type: ValueType, sources: Sources): Local {
    const local = this.code.local(type);
    this.code.tee(local);
    this.kept.set(key, { local, sources });
    this.log.push(key);
    return local;
  }

  /** Runs a part whose kept values are not valid after it. */
  scoped(body: () => void): void {
    const mark = this.log.length;
    body();
    while (this.log.length > mark) {
      const key = this.log.pop()!;
      const known = this.kept.get(key);
      if (known === undefined) continue;
      this.kept.delete(key);
      this.code.release(known.local);
    }
  }

  // ---- Indices and addresses.

  private pushAtom(term: Term): void {
    const { atom } = term;
    const { code } = this;
    if (atom.kind === "axis") code.get(this.axes.get(atom.axis.id)!);
    else if (atom.kind === "value") this.push(atom.value as Expression);
    else {
      this.pushIndex(atom.of);
      const shift = Math.log2(atom.by);
      const isPower = Number.isInteger(shift);
      if (atom.kind === "quotient") code.i32(isPower ? shift : atom.by).op(isPower ? "i32.shr_u" : "i32.div_u");
      else code.i32(isPower ? atom.by - 1 : atom.by).op(isPower ? "i32.and" : "i32.rem_u");
    }
  }

  /** An atom times a factor; kept, as several addresses share it. */
  private pushScaled(term: Term, factor: number): void {
    const scale = term.step * factor;
    const key = `T${scale}${term.atom.key}`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.code.get(known.local);
      return;
    }
    this.pushAtom(term);
    if (scale === 1 && term.atom.kind === "axis") return;
    if (scale < 0) this.code.i32(scale).op("i32.mul");
    else this.code.times(scale);
    this.keep(
      key,
      "i32",
      this.context.sources.ofIndex({ key: `1${term.atom.key}+0`, constant: 0, terms: [{ ...term, step: 1 }] }),
    );
  }

  private depthOf({ atom }: Term): number {
    if (atom.kind === "axis") return this.depth.get(atom.axis.id)!;
    const { axes, variables, buffers } = this.context.sources.ofIndex({
      key: `1${atom.key}+0`,
      constant: 0,
      terms: [{ atom, step: 1 }],
    });
    let depth = variables.size + buffers.size > 0 ? this.depth.size : -1;
    for (const axis of axes) depth = Math.max(depth, this.depth.get(axis)!);
    return depth;
  }

  /** Terms times a factor, summed from the outermost axis inwards so that outer parts are shared. */
  private pushTerms(terms: ReadonlyArray<Term>, factor: number): void {
    if (terms.length === 1) return this.pushScaled(terms[0], factor);
    const key = `A${factor}:${terms.map(({ atom, step }) => `${step}${atom.key}`).join("+")}`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      this.code.get(known.local);
      return;
    }
    const last = terms[terms.length - 1];
    this.pushTerms(terms.slice(0, -1), factor);
    this.pushScaled(last, factor);
    this.code.op("i32.add");
    const sources = this.context.sources.ofIndex({
      key: `${terms.map(({ atom, step }) => `${step}${atom.key}`).join("+")}+0`,
      constant: 0,
      terms,
    });
    this.keep(key, "i32", sources);
  }

  private sorted(terms: ReadonlyArray<Term>): ReadonlyArray<Term> {
    if (terms.length < 2) return terms;
    return terms.map((term) => ({ term, depth: this.depthOf(term) })).sort((a, b) => a.depth - b.depth)
      .map(({ term }) => term);
  }

  /** An index as an i32. */
  pushIndex(index: Affine): void {
    if (index.terms.length === 0) {
      this.code.i32(index.constant);
      return;
    }
    this.pushTerms(this.sorted(index.terms), 1);
    this.code.plus(index.constant);
  }

  /** Leaves an address; returns the offset that the access adds to it. */
  pushAddress(buffer: Buffer, index: Affine, extraElements = 0): number {
    const bytes = bytesOf(buffer.dtype);
    const offset = this.context.address(buffer) + (index.constant + extraElements) * bytes;
    if (index.terms.length === 0) {
      this.code.i32(0);
      return offset;
    }
    this.pushTerms(this.sorted(index.terms), bytes);
    // An offset is added to the address as an unsigned number, so the terms alone must not be negative.
    const [least] = rangeOf({ key: "", constant: 0, terms: index.terms });
    if (least >= 0 && offset >= 0) return offset;
    this.code.plus(offset);
    return 0;
  }

  // ---- One element.

  /** Leaves the value of an expression. */
  push(expression: Expression): void {
    const { code } = this;
    if (expression.kind === "constant") return pushConstant(code, expression.dtype, expression.value);
    if (expression.kind === "local") {
      code.get(this.variables.get(expression.local.id)!);
      return;
    }
    const known = this.kept.get(`${expression.id}`);
    if (known !== undefined) {
      code.get(known.local);
      return;
    }
    this.compute(expression);
    this.keep(`${expression.id}`, registerOf(expression.dtype), this.context.sources.of(expression));
  }

  private compute(expression: Exclude<Expression, { kind: "constant" | "local" }>): void {
    const { code, context } = this;
    switch (expression.kind) {
      case "index":
        this.pushIndex(expression.index);
        if (expression.dtype !== "i32") pushCast(code, context.runtime, "i32", expression.dtype);
        return;
      case "load": {
        const offset = this.pushAddress(expression.buffer, expression.index);
        return loadElement(code, context.runtime, expression.dtype, offset);
      }
      case "guard":
        this.push(expression.condition);
        code.when(
          () => this.scoped(() => this.push(expression.then)),
          () => this.scoped(() => this.push(expression.otherwise)),
          registerOf(expression.dtype),
        );
        return;
      default:
        this.apply(expression);
    }
  }

  private apply(expression: Extract<Expression, { kind: "apply" }>): void {
    const { code, context } = this;
    const [first, second, third] = expression.arguments;
    if (expression.op === "select") {
      this.push(second);
      this.push(third);
      this.push(first);
      code.select(registerOf(expression.dtype));
      return;
    }
    const math = this.mathOf(expression);
    if (math !== undefined) {
      expression.arguments.forEach((argument) => {
        this.push(argument);
        code.op(math.kind === "f64x2" ? "f64x2.splat" : "f32x4.splat");
      });
      math.write(context.runtime.module, code, "call");
      code.lane(math.kind === "f64x2" ? "f64x2.extract_lane" : "f32x4.extract_lane", 0);
      if (expression.dtype === "f16" || expression.dtype === "bf16") code.call(context.runtime.round(expression.dtype));
      return;
    }
    expression.arguments.forEach((argument) => this.push(argument));
    pushOperation(code, context.runtime, expression.op, first.dtype, expression.dtype);
  }

  /** Vector mathematics, so that an element is the same whether it is computed alone or among others. */
  private mathOf(expression: Extract<Expression, { kind: "apply" }>): VectorMath | undefined {
    if (!this.context.vectors) return undefined;
    const type = registerOf(expression.dtype);
    if (type !== "f32" && type !== "f64") return undefined;
    return vectorMath(expression.op, type === "f64" ? "f64x2" : "f32x4", this.context.fused);
  }

  // ---- Lanes.

  private isUniform(expression: Expression): boolean {
    const loop = this.vector!;
    const { axes, variables } = this.context.sources.of(expression);
    if (axes.has(loop.axis.id)) return false;
    for (const variable of variables) if (loop.variables.has(variable)) return false;
    return true;
  }

  /** Leaves the vector of an expression for one copy of the loop's turns. */
  private pushLanes(expression: Expression, copy: number): void {
    const { code } = this;
    const { lanes } = this.vector!;
    if (expression.kind === "constant") {
      code.get(lanes.literal(code, expression));
      return;
    }
    const isUniform = this.isUniform(expression);
    if (!isUniform && expression.kind === "local") {
      code.get(this.vector!.variables.get(expression.local.id)![copy]);
      return;
    }
    const key = isUniform ? `s${expression.id}` : `v${expression.id}.${copy}`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      code.get(known.local);
      return;
    }
    if (isUniform) {
      this.push(expression);
      lanes.splat(code, expression.dtype);
    } else this.computeLanes(expression as Exclude<Expression, { kind: "constant" | "local" }>, copy);
    this.keep(key, "v128", this.context.sources.of(expression));
  }

  private computeLanes(expression: Exclude<Expression, { kind: "constant" | "local" }>, copy: number): void {
    const { code } = this;
    const { lanes, axis } = this.vector!;
    if (expression.kind === "load") return this.loadLanes(expression, copy);
    if (expression.kind === "index") {
      const step = stepOf(expression.index, axis)!;
      this.pushIndex(expression.index);
      code.plus(step * copy * lanes.count);
      lanes.ramp(code, step);
      return;
    }
    if (expression.kind === "guard") {
      this.push(expression.condition);
      code.when(
        () => this.scoped(() => this.pushLanes(expression.then, copy)),
        () => this.scoped(() => this.pushLanes(expression.otherwise, copy)),
        "v128",
      );
      return;
    }
    const [first, second, third] = expression.arguments;
    if (expression.op === "select") {
      this.pushLanes(second, copy);
      this.pushLanes(third, copy);
      this.pushLanes(first, copy);
      code.op("v128.bitselect");
      return;
    }
    if (this.fusedLanes(expression, copy)) return;
    expression.arguments.forEach((argument) => this.pushLanes(argument, copy));
    const isFloat = expression.dtype === (lanes.type === "f64x2" ? "f64" : "f32");
    const math = isFloat ? vectorMath(expression.op, lanes.type, this.context.fused) : undefined;
    if (math !== undefined) math.write(this.context.runtime.module, code, "inline");
    else lanes.apply(code, expression.op, first.dtype, expression.dtype);
  }

  /** a·b + c by one instruction where both are of the loop's float type. */
  private fusedLanes(expression: Extract<Expression, { kind: "apply" }>, copy: number): boolean {
    const { lanes } = this.vector!;
    const type = lanes.type === "f64x2" ? "f64" : "f32";
    if (!this.context.fused || expression.op !== "add" || expression.dtype !== type) return false;
    const at = expression.arguments.findIndex((argument) =>
      argument.kind === "apply" && argument.op === "mul" && !this.isUniform(argument) &&
      !this.kept.has(`v${argument.id}.${copy}`)
    );
    if (at < 0) return false;
    const product = expression.arguments[at] as Extract<Expression, { kind: "apply" }>;
    product.arguments.forEach((argument) => this.pushLanes(argument, copy));
    this.pushLanes(expression.arguments[1 - at], copy);
    this.code.op(type === "f64" ? "f64x2.relaxed_madd" : "f32x4.relaxed_madd");
    return true;
  }

  private loadLanes(expression: Extract<Expression, { kind: "load" }>, copy: number): void {
    const { code } = this;
    const { lanes, axis } = this.vector!;
    const { buffer, index } = expression;
    const step = stepOf(index, axis)!;
    const offset = this.pushAddress(buffer, index, step * copy * lanes.count);
    if (step === 1) return lanes.load(code, buffer.dtype, offset);
    const address = code.keep("i32");
    const bytes = bytesOf(buffer.dtype);
    const vector = code.local("v128");
    const first = step < 0 ? step * (lanes.count - 1) * bytes : 0;
    code.get(address).plus(first).set(address);
    const at = (lane: number): number => offset + step * lane * bytes - first;
    code.get(address).memory(lanes.count === 4 ? "v128.load32_zero" : "v128.load64_zero", at(0)).set(vector);
    for (let lane = 1; lane < lanes.count; lane++) {
      code.get(address).get(vector).lane(lanes.count === 4 ? "v128.load32_lane" : "v128.load64_lane", lane, at(lane));
      code.set(vector);
    }
    code.get(vector);
    code.release(address, vector);
  }

  private storeLanes(statement: Extract<Statement, { kind: "store" }>, copy: number): void {
    const { code } = this;
    const { lanes, axis } = this.vector!;
    const { buffer, index } = statement;
    const step = stepOf(index, axis)!;
    if (step === 1) {
      // The address is pushed first, so the value must not leave what is kept in between half-made.
      this.pushLanes(statement.value, copy);
      const value = code.keep("v128");
      const offset = this.pushAddress(buffer, index, copy * lanes.count);
      code.get(value);
      lanes.store(code, buffer.dtype, offset);
      code.release(value);
      return;
    }
    this.pushLanes(statement.value, copy);
    const value = code.keep("v128");
    const bytes = bytesOf(buffer.dtype);
    const first = step < 0 ? step * (lanes.count - 1) * bytes : 0;
    const offset = this.pushAddress(buffer, index, step * copy * lanes.count);
    const address = code.plus(first).keep("i32");
    for (let lane = 0; lane < lanes.count; lane++) {
      code.get(address).get(value);
      code.lane(
        lanes.count === 4 ? "v128.store32_lane" : "v128.store64_lane",
        lane,
        offset + step * lane * bytes - first,
      );
    }
    code.release(address, value);
  }

  // ---- Statements.

  /** Writes statements. */
  statements(body: ReadonlyArray<Statement>): void {
    for (const statement of body) this.statement(statement);
  }

  private statement(statement: Statement): void {
    if (statement.kind === "for") this.loop(statement);
    else if (statement.kind === "when") {
      this.push(statement.condition);
      this.code.when(() => this.scoped(() => this.statements(statement.body)));
      this.forget(changesOf(statement.body));
    } else if (this.vector !== undefined) this.laneStatement(statement);
    else this.scalarStatement(statement);
  }

  private variable(of: Variable): Local {
    const known = this.variables.get(of.id) ?? this.code.local(registerOf(of.dtype));
    this.variables.set(of.id, known);
    return known;
  }

  private scalarStatement(statement: Exclude<Statement, { kind: "for" | "when" }>): void {
    const { code } = this;
    if (statement.kind === "store") {
      const { buffer, index, value } = statement;
      const offset = this.pushAddress(buffer, index);
      this.push(value);
      storeElement(code, this.context.runtime, buffer.dtype, offset);
      this.forget({ buffers: new Set([buffer.id]) });
      return;
    }
    if (statement.kind === "accumulate") {
      code.get(this.variable(statement.local));
      this.push(statement.value);
      this.combine(statement.fold, statement.local.dtype);
    } else this.push(statement.value);
    code.set(this.variable(statement.local));
    this.forget({ variables: new Set([statement.local.id]) });
  }

  private combine(fold: FoldKind, dtype: Dtype): void {
    pushOperation(this.code, this.context.runtime, FOLD_OPERATION[fold], dtype, dtype);
  }

  private laneStatement(statement: Exclude<Statement, { kind: "for" | "when" }>): void {
    const { code } = this;
    const loop = this.vector!;
    const copies = Array.from({ length: loop.copies }, (_, copy) => copy);
    if (statement.kind === "store") {
      copies.forEach((copy) => this.storeLanes(statement, copy));
      this.forget({ buffers: new Set([statement.buffer.id]) });
      return;
    }
    const { local, value } = statement;
    if (!loop.variables.has(local.id)) loop.variables.set(local.id, copies.map(() => code.local("v128")));
    const vectors = loop.variables.get(local.id)!;
    copies.forEach((copy) => {
      if (statement.kind === "accumulate") this.accumulateLanes(statement, vectors[copy], copy);
      else {
        this.pushLanes(value, copy);
        code.set(vectors[copy]);
      }
    });
    this.forget({ variables: new Set([local.id]) });
  }

  private accumulateLanes(
    { fold, value, local }: Extract<Statement, { kind: "accumulate" }>,
    into: Local,
    copy: number,
  ): void {
    const { code } = this;
    const { lanes } = this.vector!;
    const type = lanes.type === "f64x2" ? "f64" : "f32";
    const isProduct = value.kind === "apply" && value.op === "mul" && value.dtype === type;
    if (fold === "sum" && this.context.fused && isProduct && !this.kept.has(`v${value.id}.${copy}`)) {
      value.arguments.forEach((argument) => this.pushLanes(argument, copy));
      code.get(into).op(type === "f64" ? "f64x2.relaxed_madd" : "f32x4.relaxed_madd").set(into);
      return;
    }
    code.get(into);
    this.pushLanes(value, copy);
    lanes.apply(code, FOLD_OPERATION[fold], local.dtype, local.dtype);
    code.set(into);
  }

  /** Computes before a loop what does not change in it. */
  private hoist(body: ReadonlyArray<Statement>, inner: ReadonlySet<number>, isVector: boolean): void {
    const { sources } = this.context;
    const changed = changesOf(body);
    const isFixed = ({ axes, variables, buffers }: Sources): boolean =>
      !meets(axes, inner) && !meets(variables, changed.variables) && !meets(buffers, changed.buffers);
    const fixedTerms = (index: Affine, factor: number): void => {
      const terms = this.sorted(
        index.terms.filter((term) =>
          isFixed(sources.ofIndex({ key: `1${term.atom.key}+0`, constant: 0, terms: [{ ...term, step: 1 }] }))
        ),
      );
      // Only a leading run can be shared, as sums go from the outermost axis inwards.
      if (terms.length === 0 || (terms.length === 1 && terms[0].atom.kind === "axis" && terms[0].step * factor === 1)) {
        return;
      }
      this.pushTerms(terms, factor);
      this.code.drop();
    };
    const seen = new Set<number>();
    const walk = (expression: Expression): void => {
      if (seen.has(expression.id) || expression.kind === "constant" || expression.kind === "local") {
        if (expression.kind === "local" && isVector && this.isUniform(expression) && isFixed(sources.of(expression))) {
          this.hoistSplat(expression);
        }
        return;
      }
      seen.add(expression.id);
      if (isFixed(sources.of(expression))) {
        if (isVector && this.isUniform(expression)) this.hoistSplat(expression);
        else if (isVector) {
          for (let copy = 0; copy < this.vector!.copies; copy++) {
            this.pushLanes(expression, copy);
            this.code.drop();
          }
        } else {
          this.push(expression);
          this.code.drop();
        }
        return;
      }
      if (expression.kind === "apply") expression.arguments.forEach(walk);
      else if (expression.kind === "guard") walk(expression.condition);
      else if (expression.kind === "load") fixedTerms(expression.index, bytesOf(expression.buffer.dtype));
      else fixedTerms(expression.index, 1);
    };
    const visit = (statements: ReadonlyArray<Statement>): void => {
      for (const statement of statements) {
        if (statement.kind === "when") walk(statement.condition);
        else if (statement.kind === "for") visit(statement.body);
        else {
          expressionsOf(statement).forEach(walk);
          if (statement.kind === "store") fixedTerms(statement.index, bytesOf(statement.buffer.dtype));
        }
      }
    };
    visit(body);
  }

  private hoistSplat(expression: Expression): void {
    if (this.kept.has(`s${expression.id}`)) return;
    const { lanes } = this.vector!;
    this.push(expression);
    lanes.splat(this.code, expression.dtype);
    this.keep(`s${expression.id}`, "v128", this.context.sources.of(expression));
    this.code.drop();
  }

  private loop(statement: Extract<Statement, { kind: "for" }>): void {
    const { axis } = statement;
    if (axis.extent === 0) return;
    if (this.vector === undefined && this.context.vectors) {
      const plan = vectorAxis(statement, this.context.sources);
      if (plan !== undefined) return this.vectorLoop(statement, LANES[plan]);
    }
    this.turns(statement, 0, axis.extent, 1);
  }

  /** A loop from a turn to before another, by steps. */
  private turns(
    { axis, body }: Extract<Statement, { kind: "for" }>,
    from: number,
    to: number,
    step: number,
  ): void {
    const changed = changesOf(body);
    this.forget(changed);
    this.scoped(() => {
      const inner = new Set<number>([axis.id]);
      eachStatement(body, (each) => {
        if (each.kind === "for") inner.add(each.axis.id);
      });
      const counter = this.code.local("i32");
      this.hoist(body, inner, this.vector !== undefined);
      this.bind(axis, counter);
      this.code.each(counter, from, to, step, () => this.scoped(() => this.statements(body)));
      this.depth.delete(axis.id);
      this.axes.delete(axis.id);
      this.code.release(counter);
    });
    this.forget(changed);
  }

  private folds(body: ReadonlyArray<Statement>): ReadonlyArray<Extract<Statement, { kind: "accumulate" }>> {
    const declared = new Set<number>();
    const found = new Map<number, Extract<Statement, { kind: "accumulate" }>>();
    eachStatement(body, (statement) => {
      if (statement.kind === "let") declared.add(statement.local.id);
      if (statement.kind === "accumulate" && !declared.has(statement.local.id)) {
        found.set(statement.local.id, statement);
      }
    });
    return [...found.values()];
  }

  private vectorLoop(statement: Extract<Statement, { kind: "for" }>, lanes: Lanes): void {
    const { axis, body } = statement;
    const folds = this.folds(body);
    const copies = unrollOf(statement, lanes, folds.length > 0);
    const step = lanes.count * copies;
    const main = axis.extent - axis.extent % step;
    const single = axis.extent - axis.extent % lanes.count;
    if (main > 0) this.vectorTurns(statement, { lanes, copies, folds, from: 0, to: main });
    if (single > main) this.vectorTurns(statement, { lanes, copies: 1, folds, from: main, to: single });
    if (axis.extent > single) this.turns(statement, single, axis.extent, 1);
  }

  private vectorTurns(
    statement: Extract<Statement, { kind: "for" }>,
    how: {
      readonly lanes: Lanes;
      readonly copies: number;
      readonly folds: ReadonlyArray<Extract<Statement, { kind: "accumulate" }>>;
      readonly from: number;
      readonly to: number;
    },
  ): void {
    const { code } = this;
    const { lanes, copies } = how;
    const variables = new Map<number, ReadonlyArray<Local>>();
    const folded: Folded[] = how.folds.map(({ local, fold }) => {
      const sums = Array.from({ length: copies }, () => code.local("v128"));
      for (const sum of sums) {
        lanes.identity(code, fold, local.dtype);
        code.set(sum);
      }
      variables.set(local.id, sums);
      return { variable: local, fold, sums };
    });
    this.vector = { axis: statement.axis, lanes, copies, variables };
    this.turns(statement, how.from, how.to, lanes.count * copies);
    this.vector = undefined;
    for (const { variable, fold, sums } of folded) this.fold(variable, fold, sums, lanes);
    variables.forEach((locals) => code.release(...locals));
  }

  /** Joins the lanes of a fold, in a fixed order, into its variable. */
  private fold(variable: Variable, fold: FoldKind, sums: ReadonlyArray<Local>, lanes: Lanes): void {
    const { code } = this;
    let layer = [...sums];
    while (layer.length > 1) {
      const next: Local[] = [];
      for (let i = 0; i + 1 < layer.length; i += 2) {
        code.get(layer[i]).get(layer[i + 1]);
        lanes.apply(code, FOLD_OPERATION[fold], variable.dtype, variable.dtype);
        code.set(layer[i]);
        next.push(layer[i]);
      }
      if (layer.length % 2 === 1) next.push(layer[layer.length - 1]);
      layer = next;
    }
    const into = this.variable(variable);
    code.get(into);
    for (let lane = 0; lane < lanes.count; lane++) {
      code.get(layer[0]);
      lanes.extract(code, variable.dtype, lane);
      if (lane > 0) this.combine(fold, variable.dtype);
    }
    this.combine(fold, variable.dtype);
    code.set(into);
    this.forget({ variables: new Set([variable.id]) });
  }

  /** Writes the statements of an epilogue on one vector of sums whose lanes run along an axis. */
  lanesOnce(axis: Axis, type: LaneType, given: ReadonlyMap<number, Local>, body: ReadonlyArray<Statement>): void {
    const variables = new Map([...given].map(([id, local]) => [id, [local]] as const));
    this.vector = { axis, lanes: LANES[type], copies: 1, variables: new Map(variables) };
    this.scoped(() => this.statements(body));
    this.vector = undefined;
  }

  /** Writes statements with variables that hold given values. */
  withVariables(given: ReadonlyMap<number, Local>, body: () => void): void {
    given.forEach((local, id) => this.variables.set(id, local));
    this.scoped(body);
  }
}

/** Whether statements can be written for lanes along an axis. */
export const canLanes = (
  body: ReadonlyArray<Statement>,
  axis: Axis,
  sources: SourceTable,
  variables: ReadonlySet<number>,
): LaneType | undefined => {
  const type = lanesOf(body);
  return type !== undefined && canVector(body, axis, type, sources, variables) ? type : undefined;
};
