/**
 * Lane writer: the code of expressions and stores on vectors, while a loop's turns are lanes.
 *
 * Not the choice of that loop (lanes.ts).
 * Invariant: an expression that does not depend on the loop is computed once, as an element, and spread over the lanes.
 *
 * @module
 */
import { type Axis, stepOf } from "../../codegen/affine.ts";
import type { Expression, Statement } from "../../codegen/loops.ts";
import type { Local } from "../wasm/code.ts";
import { ElementWriter } from "./element_writer.ts";
import type { Lanes } from "./lanes.ts";
import { bytesOf } from "./scalar.ts";
import { vectorMath } from "./vector_math.ts";

/** A loop under way whose turns are lanes. */
export type VectorLoop = {
  readonly axis: Axis;
  readonly lanes: Lanes;
  readonly copies: number;
  /** Variables that hold a vector a copy. */
  readonly variables: Map<number, ReadonlyArray<Local>>;
};
/** Writes expressions on vectors. */
export class LaneWriter extends ElementWriter {
  /** The loop whose turns are lanes, while it is written. */
  protected vector: VectorLoop | undefined;

  /** Whether an expression is the same in all lanes. */
  protected isUniform(expression: Expression): boolean {
    const loop = this.vector!;
    const { axes, variables } = this.context.sources.of(expression);
    if (axes.has(loop.axis.id)) return false;
    for (const variable of variables) if (loop.variables.has(variable)) return false;
    return true;
  }

  /** Leaves the vector of an expression for one copy of the loop's turns. */
  protected pushLanes(expression: Expression, copy: number): void {
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

  /** Computes a vector that is not kept. */
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

  /** Reads a vector, lane by lane where its elements are apart. */
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

  /** Writes a vector, lane by lane where its elements are apart. */
  protected storeLanes(statement: Extract<Statement, { kind: "store" }>, copy: number): void {
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
}
