/**
 * Expression: makes the expressions of one program, each once, and folds what is known.
 *
 * Not an optimiser of the IR: only what lowering itself brings about is simplified here (casts to the same dtype, guards
 * that always hold, sums with zero indices).
 * Invariant: two equal expressions are the same object.
 *
 * @module
 */
import { type Dtype, dtypeInfo, elementAt, isFloat, type Tensor } from "../../ir/library.ts";
import { type Affine, type Axis, rangeOf, valueIndex } from "./affine.ts";
import type { Buffer, BufferRole, Expression, Local, Operation } from "./loops.ts";

/** The form of a value before it gets its number: distributes over the kinds of expressions. */
type Unnumbered<E> = E extends Expression ? Omit<E, "id"> : never;

/** Makes axes, locals, buffers and expressions. */
export class Expressions {
  private readonly known = new Map<string, Expression>();
  private axes = 0;
  private locals = 0;
  /** All buffers made. */
  readonly buffers: Buffer[] = [];

  /** A new axis. */
  axis(extent: number): Axis {
    return { id: this.axes++, extent };
  }

  /** A new local. */
  local(dtype: Dtype): Local {
    return { id: this.locals++, dtype };
  }

  /** A new buffer. */
  buffer(dtype: Dtype, elements: number, role: BufferRole, data?: Tensor): Buffer {
    const made: Buffer = { id: this.buffers.length, dtype, elements, role, ...(data === undefined ? {} : { data }) };
    this.buffers.push(made);
    return made;
  }

  /** The expression of a key, made on first use. */
  private intern(key: string, form: Unnumbered<Expression>): Expression {
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const made = { id: this.known.size, ...form } as Expression;
    this.known.set(key, made);
    return made;
  }

  /** A literal. */
  constant(dtype: Dtype, value: number | bigint): Expression {
    const text = Object.is(value, -0) ? "-0" : String(value);
    return this.intern(`c${dtype}${text}`, { kind: "constant", dtype, value });
  }

  /** The element of a tensor at a position, as a literal. */
  element(tensor: Tensor, position: number): Expression {
    const value = elementAt(tensor, position);
    return this.constant(tensor.dtype, typeof value === "boolean" ? Number(value) : value);
  }

  /** An index as a number of a dtype. */
  index(dtype: Dtype, index: Affine): Expression {
    if (index.terms.length === 0 && dtypeInfo(dtype).bits >= 32) {
      const big = dtype === "i64" || dtype === "u64";
      return this.constant(dtype, big ? BigInt(index.constant) : index.constant);
    }
    return this.intern(`i${dtype}${index.key}`, { kind: "index", dtype, index });
  }

  /** An element of a buffer. */
  load(buffer: Buffer, index: Affine): Expression {
    if (buffer.role === "constant" && buffer.elements === 1) return this.element(buffer.data!, 0);
    return this.intern(`l${buffer.id}[${index.key}]`, { kind: "load", dtype: buffer.dtype, buffer, index });
  }

  /** What a local holds. */
  get(local: Local): Expression {
    return this.intern(`x${local.id}`, { kind: "local", dtype: local.dtype, local });
  }

  /** An operation. */
  apply(op: Operation, dtype: Dtype, ...args: ReadonlyArray<Expression>): Expression {
    if (op === "cast" && args[0].dtype === dtype) return args[0];
    return this.intern(`${op} ${dtype} ${args.map((arg) => arg.id).join(" ")}`, {
      kind: "apply",
      dtype,
      op,
      arguments: args,
    });
  }

  /** Conjunction of bools. */
  both(a: Expression, b: Expression): Expression {
    if (a.kind === "constant") return a.value ? b : a;
    if (b.kind === "constant") return b.value ? a : b;
    return a === b ? a : this.apply("and", "bool", a, b);
  }

  /** True. */
  get always(): Expression {
    return this.constant("bool", 1);
  }

  /** Whether low ≤ index < high. */
  within(index: Affine, low: number, high: number): Expression {
    const [least, most] = rangeOf(index);
    if (least >= low && most < high) return this.always;
    if (most < low || least >= high) return this.constant("bool", 0);
    const at = this.index("i32", index);
    const above = least >= low ? this.always : this.apply("ge", "bool", at, this.constant("i32", low));
    const below = most < high ? this.always : this.apply("lt", "bool", at, this.constant("i32", high));
    return this.both(above, below);
  }

  /** One of two by a condition, lazily. */
  guard(condition: Expression, then: Expression, otherwise: Expression): Expression {
    if (condition.kind === "constant") return condition.value ? then : otherwise;
    if (then === otherwise) return then;
    return this.intern(`g ${condition.id} ${then.id} ${otherwise.id}`, {
      kind: "guard",
      dtype: then.dtype,
      condition,
      then,
      otherwise,
    });
  }

  /** An i32 or i64 expression, known to be in 0 … size − 1 wherever it is used, as an index. */
  asIndex(value: Expression, size: number): Affine {
    if (value.kind === "index") return value.index;
    return valueIndex(this.apply("cast", "i32", value), value.id, 0, Math.max(0, size - 1));
  }

  /** Zero of a dtype. */
  zero(dtype: Dtype): Expression {
    return this.constant(dtype, dtype === "i64" || dtype === "u64" ? 0n : 0);
  }
}

/** The dtype in which values of a dtype are accumulated without rounding between: f32 for the two-byte floats. */
export const accumulatorOf = (dtype: Dtype): Dtype => isFloat(dtype) && dtypeInfo(dtype).bits === 16 ? "f32" : dtype;
