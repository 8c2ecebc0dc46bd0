/**
 * Writer: the code of one kernel: statements and loops, one element at a time or by vectors.
 *
 * Not a choice of which loop becomes vectors (lanes.ts) and not products (product.ts).
 * Invariant: what a statement changes is forgotten by whoever kept something computed from it.
 *
 * @module
 */
import type { Dtype } from "../../../ir/library.ts";
import type { Affine, Axis } from "../../codegen/affine.ts";
import {
  eachStatement,
  type Expression,
  expressionsOf,
  type FoldKind,
  type Local as Variable,
  type Statement,
} from "../../codegen/loops.ts";
import type { Amount, Local } from "../wasm/code.ts";
import { LaneWriter } from "./lane_writer.ts";
import { canVector, LANES, type Lanes, lanesOf, type LaneType, unrollOf, vectorAxis } from "./lanes.ts";
import { bytesOf, pushOperation, registerOf, storeElement } from "./scalar.ts";
import { meets, type Sources, type SourceTable } from "./sources.ts";

export type { KernelContext } from "./element_writer.ts";
export { SourceTable } from "./sources.ts";

type Folded = { readonly variable: Variable; readonly fold: FoldKind; readonly sums: ReadonlyArray<Local> };

type Slice = { readonly axis: number; readonly base: Local; readonly extent: number };

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
/** Writes one kernel. */
export class KernelWriter extends LaneWriter {
  /** The turns of one loop that are written, where they are not all. */
  private slice: Slice | undefined;

  /** Writes a loop for some of its turns only. */
  part(statement: Extract<Statement, { kind: "for" }>, base: Local, extent: number): void {
    this.slice = { axis: statement.axis.id, base, extent };
    this.statement(statement);
    this.slice = undefined;
  }

  /** How many turns of a loop are written. */
  private extentOf({ id, extent }: Axis): number {
    return this.slice?.axis === id ? this.slice.extent : extent;
  }

  /** Writes statements. */
  statements(body: ReadonlyArray<Statement>): void {
    for (const statement of body) this.statement(statement);
  }

  /** One statement. */
  private statement(statement: Statement): void {
    if (statement.kind === "for") this.loop(statement);
    else if (statement.kind === "when") {
      this.push(statement.condition);
      this.code.when(() => this.scoped(() => this.statements(statement.body)));
      this.forget(changesOf(statement.body));
    } else if (this.vector !== undefined) this.laneStatement(statement);
    else this.scalarStatement(statement);
  }

  /** The local of a variable. */
  private variable(of: Variable): Local {
    const known = this.variables.get(of.id) ?? this.code.local(registerOf(of.dtype));
    this.variables.set(of.id, known);
    return known;
  }

  /** A statement on one element. */
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

  /** Joins the two elements on the stack. */
  private combine(fold: FoldKind, dtype: Dtype): void {
    pushOperation(this.code, this.context.runtime, FOLD_OPERATION[fold], dtype, dtype);
  }

  /** A statement on lanes. */
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

  /** Folds a vector into another. */
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

  /** Spreads over the lanes, before a loop, what does not change in it. */
  private hoistSplat(expression: Expression): void {
    if (this.kept.has(`s${expression.id}`)) return;
    const { lanes } = this.vector!;
    this.push(expression);
    lanes.splat(this.code, expression.dtype);
    this.keep(`s${expression.id}`, "v128", this.context.sources.of(expression));
    this.code.drop();
  }

  /** A loop, by vectors where that is better. */
  private loop(statement: Extract<Statement, { kind: "for" }>): void {
    const extent = this.extentOf(statement.axis);
    if (extent === 0) return;
    if (this.vector === undefined && this.context.vectors) {
      const plan = vectorAxis(statement, this.context.sources);
      if (plan !== undefined) return this.vectorLoop(statement, LANES[plan]);
    }
    this.turns(statement, 0, extent, 1);
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
      const base = this.slice?.axis === axis.id ? this.slice.base : undefined;
      const bound = (turn: number): Amount => base === undefined ? turn : this.code.get(base).plus(turn).keep("i32");
      const [first, last] = [bound(from), bound(to)];
      this.code.each(counter, first, last, step, () => this.scoped(() => this.statements(body)));
      for (const local of [first, last]) if (typeof local !== "number") this.code.release(local);
      this.depth.delete(axis.id);
      this.axes.delete(axis.id);
      this.code.release(counter);
    });
    this.forget(changed);
  }

  /** Folds of a body into variables from outside it. */
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

  /** A loop whose turns are lanes: several copies at once, then one, then the rest one by one. */
  private vectorLoop(statement: Extract<Statement, { kind: "for" }>, lanes: Lanes): void {
    const folds = this.folds(statement.body);
    const copies = unrollOf(statement, lanes, folds.length > 0);
    const step = lanes.count * copies;
    const extent = this.extentOf(statement.axis);
    const main = extent - extent % step;
    const single = extent - extent % lanes.count;
    if (main > 0) this.vectorTurns(statement, { lanes, copies, folds, from: 0, to: main });
    if (single > main) this.vectorTurns(statement, { lanes, copies: 1, folds, from: main, to: single });
    if (extent > single) this.turns(statement, single, extent, 1);
  }

  /** Some turns of a loop as lanes. */
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
