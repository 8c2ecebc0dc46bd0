/**
 * Evaluate: a formula's values on all points at once, and their derivatives by its constants.
 *
 * Invariant: columns are held by the workbench and used again, so nothing is allocated for a point; what a call gives is
 * valid until the next.
 *
 * @module
 */
import type { Formula } from "./formula.ts";
import { type Column, type PrimitiveName, PRIMITIVES } from "./primitives.ts";

/** A tree laid out in the order of evaluation. */
interface Tape {
  length: number;
  readonly nodes: Array<Formula>;
  readonly left: Int32Array;
  readonly right: Int32Array;
}

/** Largest tree that is evaluated. */
export const MAX_NODES = 256;

/** Columns for trees over the same points. */
export class Workbench {
  /** Number of points. */
  readonly count: number;
  private readonly variables: ReadonlyArray<Column>;
  private readonly own: Array<Column> = [];
  private readonly adjoints: Array<Column> = [];
  private readonly values: Array<Column> = [];
  private readonly tape: Tape = {
    length: 0,
    nodes: [],
    left: new Int32Array(MAX_NODES),
    right: new Int32Array(MAX_NODES),
  };
  /** Work done so far, in additions of numbers: what it costs, whatever the machine. */
  work = 0;

  /** A workbench over columns of equal length. */
  constructor(variables: ReadonlyArray<Column>, count: number) {
    this.variables = variables;
    this.count = count;
  }

  /** The formula's values; not to be written to. */
  evaluate(formula: Formula): Column {
    this.tape.length = 0;
    return this.values[this.lay(formula)];
  }

  /**
   * Derivatives of the formula that was evaluated last by its constants, in preorder: one column each, times `above`.
   */
  derivatives(above: (column: Column) => void): ReadonlyArray<Column> {
    const { tape, count } = this;
    const top = tape.length - 1;
    for (let at = 0; at <= top; at++) {
      this.adjoints[at] ??= new Float64Array(count);
      if (tape.nodes[at].constants > 0) this.adjoints[at].fill(0);
    }
    above(this.adjoints[top]);
    const found: Column[] = [];
    for (let at = top; at >= 0; at--) {
      const formula = tape.nodes[at];
      if (formula.constants === 0) continue;
      if (formula.op === "constant") {
        found.push(this.adjoints[at]);
        continue;
      }
      const row = PRIMITIVES[formula.op as PrimitiveName];
      this.work += count * (row.work + 1);
      const [left, right] = [tape.left[at], tape.right[at]];
      if (row.arity === 1) {
        row.pull(this.values[left], this.values[at], this.adjoints[at], this.adjoints[left], count);
      } else {
        row.pull(
          this.values[left],
          this.values[right],
          this.values[at],
          this.adjoints[at],
          this.adjoints[left],
          this.adjoints[right],
          count,
        );
      }
    }
    // The tape is in postorder, so its constants come last to first; preorder and postorder agree on leaves.
    return found.reverse();
  }

  private lay(formula: Formula): number {
    const { tape, count } = this;
    const left = formula.a === undefined ? -1 : this.lay(formula.a);
    const right = formula.b === undefined ? -1 : this.lay(formula.b);
    const at = tape.length++;
    tape.nodes[at] = formula;
    tape.left[at] = left;
    tape.right[at] = right;
    if (formula.op === "variable") {
      this.values[at] = this.variables[formula.value];
      return at;
    }
    const out = this.own[at] ??= new Float64Array(count);
    this.values[at] = out;
    if (formula.op === "constant") {
      out.fill(formula.value);
      return at;
    }
    const row = PRIMITIVES[formula.op];
    this.work += count * row.work;
    if (row.arity === 1) row.values(this.values[left], out, count);
    else row.values(this.values[left], this.values[right], out, count);
    return at;
  }
}
