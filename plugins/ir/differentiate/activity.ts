/**
 * Activity: which values of a function a derivative can see, forward from parameters and backward from results.
 *
 * Not the derivative itself (reverse.ts, forward.ts).
 * Invariant: what is not active has derivative zero by the chosen parameters; what is not wanted has no influence on the
 * chosen results. Both may say yes where the derivative is zero, never no where it is not.
 *
 * @module
 */
import { isControl } from "../control.ts";
import { firstResults, functionOf, type IrFunction, type Node, type Program, valueTypes } from "../graph.ts";
import { primitiveOf } from "../primitives.ts";
import { isFloat, type TensorType } from "../types.ts";

/** One answer for each value, operand or result. */
export type Mask = ReadonlyArray<boolean>;

/** Whether cotangents end at a primitive and tangents with them. */
export const stops = (op: string): boolean => {
  const { gradient } = primitiveOf(op);
  return typeof gradient !== "function" && gradient.zero;
};

const either = (a: Mask, b: Mask): Mask => a.map((yes, i) => yes || b[i]);

const floats = (mask: Mask, types: ReadonlyArray<TensorType>): Mask =>
  mask.map((yes, i) => yes && isFloat(types[i].dtype));

const keyOf = (fn: IrFunction, mask: Mask): string => `${fn.name} ${mask.map(Number).join("")}`;

/** Carried values of a loop that the next turn reaches through the others. */
const fixpoint = (start: Mask, next: (carry: Mask) => Mask): Mask => {
  for (let carry = start;;) {
    const grown = either(carry, next(carry));
    if (grown.every((yes, i) => yes === carry[i])) return carry;
    carry = grown;
  }
};

/** Answers for the functions of one program. */
export class Activity {
  private readonly forward = new Map<string, Mask>();
  private readonly backward = new Map<string, Mask>();

  constructor(private readonly program: Program) {}

  /** Values of a function that depend on some of its parameters. */
  active(fn: IrFunction, parameters: Mask): Mask {
    const key = keyOf(fn, parameters);
    const known = this.forward.get(key);
    if (known !== undefined) return known;
    const values = [...parameters];
    for (const node of fn.nodes) {
      values.push(...this.resultsActive(node, node.operands.map((operand) => values[operand])));
    }
    const made = floats(values, valueTypes(fn));
    this.forward.set(key, made);
    return made;
  }

  /** Results of a function that depend on some of its parameters. */
  returnsActive(fn: IrFunction, parameters: Mask): Mask {
    const values = this.active(fn, parameters);
    return fn.returns.map((value) => values[value]);
  }

  /** Results of a node that depend on some of its operands. */
  resultsActive(node: Node, operands: Mask): Mask {
    if (!operands.includes(true)) return node.results.map(() => false);
    if (!isControl(node.op)) return floats(node.results.map(() => !stops(node.op)), node.results);
    const bodies = node.functions.map((name) => functionOf(this.program, name));
    if (node.op === "call") return this.returnsActive(bodies[0], operands);
    if (node.op === "if") {
      const args = operands.slice(1);
      return either(this.returnsActive(bodies[0], args), this.returnsActive(bodies[1], args));
    }
    const body = bodies[bodies.length - 1];
    const carry = this.carryActive(node, operands);
    const all = this.returnsActive(body, [...carry, ...operands.slice(carry.length)]);
    return [...carry, ...all.slice(carry.length)];
  }

  /** Carried values of a loop that depend on some of its operands, after any number of turns. */
  carryActive(node: Node, operands: Mask): Mask {
    const count = node.attributes.carry as number;
    const body = functionOf(this.program, node.functions[node.functions.length - 1]);
    const rest = operands.slice(count);
    return fixpoint(
      floats(operands.slice(0, count), node.results),
      (carry) => this.returnsActive(body, [...carry, ...rest]).slice(0, count),
    );
  }

  /** Values of a function that some of its results depend on. */
  wanted(fn: IrFunction, returns: Mask): Mask {
    const key = keyOf(fn, returns);
    const known = this.backward.get(key);
    if (known !== undefined) return known;
    const types = valueTypes(fn);
    const values = types.map(() => false);
    fn.returns.forEach((value, i) => values[value] ||= returns[i]);
    const firsts = firstResults(fn);
    for (let index = fn.nodes.length - 1; index >= 0; index--) {
      const node = fn.nodes[index];
      const results = node.results.map((_, i) => values[firsts[index] + i]);
      this.operandsWanted(node, results).forEach((yes, i) => values[node.operands[i]] ||= yes);
    }
    const made = floats(values, types);
    this.backward.set(key, made);
    return made;
  }

  /** Operands of a node that some of its results depend on. */
  operandsWanted(node: Node, results: Mask): Mask {
    if (!results.includes(true)) return node.operands.map(() => false);
    if (!isControl(node.op)) return node.operands.map(() => !stops(node.op));
    const bodies = node.functions.map((name) => functionOf(this.program, name));
    const of = (body: IrFunction, returns: Mask) => this.wanted(body, returns).slice(0, body.parameters.length);
    if (node.op === "call") return of(bodies[0], results);
    if (node.op === "if") return [false, ...either(of(bodies[0], results), of(bodies[1], results))];
    const carry = this.carryWanted(node, results);
    const rest = of(bodies[bodies.length - 1], [...carry, ...results.slice(carry.length)]).slice(carry.length);
    return [...carry, ...rest];
  }

  /** Carried values of a loop that some of its results depend on, through any number of turns. */
  carryWanted(node: Node, results: Mask): Mask {
    const count = node.attributes.carry as number;
    const body = functionOf(this.program, node.functions[node.functions.length - 1]);
    const rest = results.slice(count);
    return fixpoint(
      floats(results.slice(0, count), node.results),
      (carry) => this.wanted(body, [...carry, ...rest]).slice(0, count),
    );
  }
}
