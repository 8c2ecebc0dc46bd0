/**
 * Forward: emits a function together with its tangents, node by node.
 *
 * No rules of its own: the tangent of a primitive is its gradient rule transposed. A rule is linear in the cotangent, so
 * differentiating ⟨rule(u), tangents⟩ by u gives the tangent of the result, whatever u is; u is a value that nothing
 * defines, and all that mentions it is dead. One table of rules can therefore not disagree with itself.
 * Invariant: a tangent that is structurally zero is absent, not a tensor of zeros; loops need no bound.
 *
 * @module
 */
import { type FunctionBuilder, type ProgramBuilder, Value } from "../builder.ts";
import { bindCall, isControl } from "../control.ts";
import type { Bindings, Dimension } from "../dimension.ts";
import { functionOf, type IrFunction, type Node, type Program } from "../graph.ts";
import { substituteAttributes } from "../infer.ts";
import { isFloat } from "../types.ts";
import { Activity, type Mask, stops } from "./activity.ts";
import { accumulate, playBack, primitiveStep, spreadActivity, type Step } from "./tape.ts";

/** A value and its tangent, absent where it is zero. */
export interface Dual {
  /** The value. */
  readonly value: Value;
  /** Its tangent. */
  readonly tangent?: Value;
}

type Placed = {
  readonly node: Node;
  readonly operands: ReadonlyArray<Dual>;
  readonly attributes: Node["attributes"];
  readonly location: string;
};

const dual = (value: Value, tangent: Value | undefined): Dual => tangent === undefined ? { value } : { value, tangent };

const valuesOf = (duals: ReadonlyArray<Dual>): ReadonlyArray<Value> => duals.map(({ value }) => value);

const tangentsOf = (duals: ReadonlyArray<Dual>): ReadonlyArray<Value> =>
  duals.flatMap(({ tangent }) => tangent === undefined ? [] : [tangent]);

/** Pairs values with the tangents that come after them, one for each place of the mask. */
const paired = (values: ReadonlyArray<Value>, mask: Mask, tangents: ReadonlyArray<Value>): ReadonlyArray<Dual> => {
  let next = 0;
  return values.map((value, i) => dual(value, mask[i] ? tangents[next++] : undefined));
};

const hasTangent = (duals: ReadonlyArray<Dual>): Mask => duals.map(({ tangent }) => tangent !== undefined);

/** Tangents where a mask asks for them, zeros where there is none. */
const filled = (g: FunctionBuilder, duals: ReadonlyArray<Dual>, mask: Mask): ReadonlyArray<Value> =>
  duals.flatMap(({ value, tangent }, i) => mask[i] ? [tangent ?? g.zerosLike(value)] : []);

/** The tangent of a primitive's first result: its gradient rule, transposed. */
const transposed = (
  g: FunctionBuilder,
  node: { readonly op: string; readonly operands: ReadonlyArray<Dual>; readonly attributes: Node["attributes"] },
  results: ReadonlyArray<Value>,
  location: string,
): Value | undefined => {
  const { op, attributes } = node;
  const step = primitiveStep({ op, operands: valuesOf(node.operands), results, attributes }, location);
  if (step === undefined || !isFloat(results[0].type.dtype)) return undefined;
  const unknown = new Value(g, results[0].type);
  const active = new Set([unknown]);
  const tape: Step[] = [];
  const seeds = new Map<Value, Value>();
  const parts: Array<readonly [Value, Value]> = [];
  const emitted = g.record(() => {
    step.backward(g, [unknown]).forEach(([, part], i) => {
      const { tangent } = node.operands[i];
      if (part !== undefined && tangent !== undefined) parts.push([part, tangent]);
    });
  });
  for (const made of emitted) {
    const linear = primitiveStep(made, location);
    if (linear !== undefined && spreadActivity(active, made)) tape.push(linear);
  }
  parts.forEach(([part, tangent]) => active.has(part) && accumulate(g, seeds, part, tangent));
  return playBack(g, tape, active, seeds).get(unknown);
};

/** Emits functions of one program with their tangents. */
export class Forward {
  private readonly activity: Activity;
  private readonly duals = new Map<string, { readonly name: string; readonly made: Mask }>();

  constructor(private readonly program: Program, private readonly made: ProgramBuilder) {
    this.activity = new Activity(program);
  }

  /** Emits the nodes of a function on given values and tangents. */
  emit(g: FunctionBuilder, fn: IrFunction, args: ReadonlyArray<Dual>, bindings: Bindings): ReadonlyArray<Dual> {
    const values = [...args];
    fn.nodes.forEach((node, index) => {
      const location = node.location ?? `/functions/${fn.name}/nodes/${index}`;
      const attributes = substituteAttributes(node.op, node.attributes, bindings);
      const operands = node.operands.map((operand) => values[operand]);
      values.push(...g.at(location, () => this.node(g, { node, operands, attributes, location })));
    });
    return fn.returns.map((value) => values[value]);
  }

  private node(g: FunctionBuilder, placed: Placed): ReadonlyArray<Dual> {
    const { node, operands, attributes, location } = placed;
    const active = hasTangent(operands);
    if (isControl(node.op)) {
      return this.activity.resultsActive(node, active).includes(true) ? this.control(g, placed) : this.plain(g, placed);
    }
    const results = g.emit(node.op, valuesOf(operands), attributes);
    if (!active.includes(true) || stops(node.op)) return results.map((value) => ({ value }));
    const tangent = transposed(g, { op: node.op, operands, attributes }, results, location);
    return results.map((value, i) => dual(value, i === 0 ? tangent : undefined));
  }

  private plain(g: FunctionBuilder, { node, operands, attributes }: Placed): ReadonlyArray<Dual> {
    node.functions.forEach((name) => this.keep(name));
    return g.emitNode(node.op, valuesOf(operands), attributes, node.functions).map((value) => ({ value }));
  }

  private keep(name: string): void {
    if (this.made.defines(name)) return;
    const fn = functionOf(this.program, name);
    fn.nodes.forEach((node) => node.functions.forEach((callee) => this.keep(callee)));
    this.made.add(fn);
  }

  private inline(
    g: FunctionBuilder,
    { node, attributes }: Placed,
    which: number,
    args: ReadonlyArray<Dual>,
  ): ReadonlyArray<Dual> {
    const fn = functionOf(this.program, node.functions[which]);
    const sizes = attributes.sizes as ReadonlyArray<Dimension>;
    return this.emit(g, fn, args, bindCall(node.op, fn, valuesOf(args).map((arg) => arg.type), sizes, g.solver));
  }

  private control(g: FunctionBuilder, placed: Placed): ReadonlyArray<Dual> {
    if (placed.node.op === "call") return this.call(g, placed);
    if (placed.node.op === "if") return this.branch(g, placed);
    return placed.node.op === "while" ? this.loop(g, placed) : this.scan(g, placed);
  }

  /** A call of the function's dual: tangents after the arguments, tangents after the results. */
  private call(g: FunctionBuilder, { node, operands, attributes }: Placed): ReadonlyArray<Dual> {
    const fn = functionOf(this.program, node.functions[0]);
    const mask = hasTangent(operands);
    const key = `${fn.name} ${mask.map(Number).join("")}`;
    let known = this.duals.get(key);
    if (known === undefined) {
      const options = { where: fn.constraints, sizes: fn.sizes, lean: true };
      const h = this.made.open(this.made.fresh(`${fn.name}.dual`), options);
      const parameters = fn.parameters.map(({ name, type }) => h.parameter(name, type));
      const tangents = parameters.flatMap((value, i) =>
        mask[i] ? [h.parameter(`${fn.parameters[i].name}.tangent`, value.type)] : []
      );
      const out = this.emit(h, fn, paired(parameters, mask, tangents), new Map());
      this.made.add(h.function([...valuesOf(out), ...tangentsOf(out)], { live: true }));
      known = { name: h.name, made: hasTangent(out) };
      this.duals.set(key, known);
    }
    const sizes = attributes.sizes as ReadonlyArray<Dimension>;
    const made = g.emitNode("call", [...valuesOf(operands), ...tangentsOf(operands)], { sizes }, [known.name]);
    const count = known.made.length;
    return paired(made.slice(0, count), known.made, made.slice(count));
  }

  private branch(g: FunctionBuilder, placed: Placed): ReadonlyArray<Dual> {
    const [{ value: predicate }, ...args] = placed.operands;
    const bodies = [g.inner("then"), g.inner("else")].map((h, which) => ({
      h,
      out: this.inline(h, placed, which, args),
    }));
    const mask = bodies[0].out.map((_, i) => bodies.some(({ out }) => out[i].tangent !== undefined));
    const { captured, sizes, names } = g.close(
      bodies.map(({ h, out }) => ({ g: h, results: [...valuesOf(out), ...filled(h, out, mask)] })),
    );
    const made = g.emitNode("if", [predicate, ...captured], { sizes }, names);
    return paired(made.slice(0, mask.length), mask, made.slice(mask.length));
  }

  private loop(g: FunctionBuilder, placed: Placed): ReadonlyArray<Dual> {
    const { node, operands, attributes } = placed;
    const count = attributes.carry as number;
    const mask = this.activity.carryActive(node, hasTangent(operands));
    const start = operands.slice(0, count);
    const constants = operands.slice(count);
    const split = (carried: ReadonlyArray<Value>) => paired(carried.slice(0, count), mask, carried.slice(count));
    const bound = attributes.bound as number | undefined;
    const made = g.while(
      [...valuesOf(start), ...filled(g, start, mask)],
      (h, carried) => {
        const plain = [...valuesOf(split(carried)), ...valuesOf(constants)].map((value) => ({ value }));
        return this.inline(h, placed, 0, plain)[0].value;
      },
      (h, carried) => {
        const out = this.inline(h, placed, 1, [...split(carried), ...constants]);
        return [...valuesOf(out), ...filled(h, out, mask)];
      },
      bound === undefined ? {} : { bound },
    );
    return split(made);
  }

  private scan(g: FunctionBuilder, placed: Placed): ReadonlyArray<Dual> {
    const { node, operands, attributes } = placed;
    const { carry, scanned, length, reverse } = attributes as {
      carry: number;
      scanned: number;
      length: Dimension;
      reverse: boolean;
    };
    const mask = this.activity.carryActive(node, hasTangent(operands));
    const start = operands.slice(0, carry);
    const rows = operands.slice(carry, carry + scanned);
    const constants = operands.slice(carry + scanned);
    let stacked: Mask = [];
    const made = g.scan(
      { length, reverse },
      [...valuesOf(start), ...filled(g, start, mask)],
      [...valuesOf(rows), ...tangentsOf(rows)],
      (h, carried, parts) => {
        const args = [
          ...paired(carried.slice(0, carry), mask, carried.slice(carry)),
          ...paired(parts.slice(0, scanned), hasTangent(rows), parts.slice(scanned)),
          ...constants,
        ];
        const out = this.inline(h, placed, 0, args);
        const [state, stack] = [out.slice(0, carry), out.slice(carry)];
        stacked = hasTangent(stack);
        return [...valuesOf(state), ...filled(h, state, mask), ...valuesOf(stack), ...tangentsOf(stack)];
      },
    );
    const wide = carry + mask.filter((yes) => yes).length;
    const tail = made.slice(wide);
    return [
      ...paired(made.slice(0, carry), mask, made.slice(carry, wide)),
      ...paired(tail.slice(0, stacked.length), stacked, tail.slice(stacked.length)),
    ];
  }
}
