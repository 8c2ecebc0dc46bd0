/**
 * Elements: the code of expressions, one element at a time, and of addresses, with what is already computed kept in locals.
 *
 * Not loops (writer.ts) and not vectors (lane_writer.ts).
 * Invariant: what is kept is given up as soon as something it was computed from changes, or control leaves the place
 * where it was computed; so a kept value is the value the expression has.
 *
 * @module
 */
import { type Affine, type Axis, rangeOf, type Term } from "../../codegen/affine.ts";
import type { Buffer, Expression } from "../../codegen/loops.ts";
import type { Code, Local, ValueType } from "../wasm/code.ts";
import type { Externals } from "./external.ts";
import type { Runtime } from "./runtime.ts";
import { bytesOf, loadElement, pushCast, pushConstant, pushOperation, registerOf } from "./scalar.ts";
import { meets, type Sources, type SourceTable } from "./sources.ts";
import { type VectorMath, vectorMath } from "./vector_math.ts";

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
  /** Bytes from one thread's scratch to the next one's. */
  readonly scratchBytes: (buffer: Buffer) => number;
  /** Who else computes products, where somebody does. */
  readonly externals?: Externals;
}
type Kept = { readonly local: Local; readonly sources: Sources };

/** Writes expressions. */
export class ElementWriter {
  /** What is kept, by key. */
  protected readonly kept = new Map<string, Kept>();
  private readonly log: string[] = [];
  /** Locals of bound axes. */
  protected readonly axes = new Map<number, Local>();
  /** Order in which axes were bound, outermost first. */
  protected readonly depth = new Map<number, number>();
  /** The thread that runs, where several have scratch of their own. */
  thread: Local | undefined;
  /** Locals of variables. */
  protected readonly variables = new Map<number, Local>();

  /** Writes into a function's body. */
  constructor(readonly code: Code, protected readonly context: KernelContext) {}

  /** Binds an axis to a local that holds its turn. */
  bind(axis: Axis, local: Local): void {
    this.axes.set(axis.id, local);
    this.depth.set(axis.id, this.depth.size);
  }

  /** Gives up what was computed from something that changed. */
  protected forget(
    changed: { readonly variables?: ReadonlySet<number>; readonly buffers?: ReadonlySet<number> },
  ): void {
    for (const [key, { sources }] of this.kept) {
      const stale = (changed.variables !== undefined && meets(sources.variables, changed.variables)) ||
        (changed.buffers !== undefined && meets(sources.buffers, changed.buffers));
      if (stale) this.kept.delete(key);
    }
  }

  /** Keeps what is on the stack. */
  protected keep(key: string, type: ValueType, sources: Sources): Local {
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

  /** Leaves an atom of an index. */
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

  /** How far inside the axes lie that a term depends on. */
  protected depthOf({ atom }: Term): number {
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
  protected pushTerms(terms: ReadonlyArray<Term>, factor: number): void {
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

  /** Terms by the depth of their axes. */
  protected sorted(terms: ReadonlyArray<Term>): ReadonlyArray<Term> {
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
    const isOwn = buffer.role === "scratch" && this.thread !== undefined;
    if (isOwn) this.code.get(this.thread!).times(this.context.scratchBytes(buffer));
    if (index.terms.length === 0) {
      if (!isOwn) this.code.i32(0);
      return offset;
    }
    this.pushTerms(this.sorted(index.terms), bytes);
    if (isOwn) this.code.op("i32.add");
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

  /** Computes an expression that is not kept. */
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

  /** Computes an operation. */
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
}
