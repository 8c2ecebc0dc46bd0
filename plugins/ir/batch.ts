/**
 * Batch: a program over many inputs at once, as a function from programs to programs.
 *
 * Not a loop at run time where a rule knows better: elementwise nodes, movement, reductions, windows, products and
 * convolutions take one more axis. What has no rule (data-dependent control, indices that differ by row in both operands)
 * becomes a scan over the rows, which is always right.
 * Invariant: row i of each result is, bit for bit in the reference, what the program makes of row i of the inputs.
 *
 * @module
 */
import { type FunctionBuilder, ProgramBuilder, type Value } from "./builder.ts";
import { bindCall, isControl } from "./control.ts";
import { type Bindings, type Dimension, multiplyDimensions } from "./dimension.ts";
import { notBatched } from "./failures.ts";
import { type Attributes, functionOf, type IrFunction, type Node, type Program } from "./graph.ts";
import { substituteAttributes } from "./infer.ts";
import { primitiveOf } from "./primitives.ts";
import type { DotAxes } from "./primitives/contraction.ts";
import type { Sliding } from "./primitives/window.ts";
import { type Shape, tensorType } from "./types.ts";

/** What gets an axis for the batch. */
export interface BatchOptions {
  /** Size of the batch: a number or a name. */
  readonly size: Dimension;
  /** Parameters that differ by row, by name or position; all where absent. The others are the same for all rows. */
  readonly parameters?: ReadonlyArray<string | number>;
}

/** A value, and whether its first axis is the batch. */
type Row = { readonly value: Value; readonly batched: boolean };

type Mask = ReadonlyArray<boolean>;

type Given = {
  readonly g: FunctionBuilder;
  readonly size: Dimension;
  readonly operands: ReadonlyArray<Row>;
  readonly attributes: Attributes;
};

/** Emits a node over the batch; undefined where only a loop over the rows will do. */
type Rule = (op: string, given: Given) => ReadonlyArray<Value> | undefined;

/** A value with the batch as first axis. */
const lifted = ({ g, size }: Pick<Given, "g" | "size">, { value, batched }: Row): Value =>
  batched ? value : g.broadcast(value, [size, ...value.type.shape], value.type.shape.map((_, axis) => axis + 1));

const next = (axes: Attributes[string]): ReadonlyArray<number> =>
  (axes as ReadonlyArray<number>).map((axis) => axis + 1);

/** All operands over the batch, attributes changed. */
const over = (change: (given: Given) => Attributes): Rule => (op, given) =>
  given.g.emit(op, given.operands.map((operand) => lifted(given, operand)), {
    ...given.attributes,
    ...change(given),
  });

const sameAttributes = over(() => ({}));

const laterAxis = over(({ attributes }) => ({ axis: (attributes.axis as number) + 1 }));

const withSize = ({ size, attributes }: Given): Shape => [size, ...(attributes.shape as Shape)];

const atFront = (g: FunctionBuilder, x: Value, from: number): Value => {
  const rest = x.type.shape.map((_, axis) => axis).filter((axis) => axis !== from);
  return g.transpose(x, [from, ...rest]);
};

const windows = over(({ attributes }) => {
  const { window, strides, low, high, dilation } = attributes as unknown as Sliding;
  return {
    window: [1, ...window],
    strides: [1, ...strides],
    low: [0, ...low],
    high: [0, ...high],
    dilation: [1, ...dilation],
  };
});

const batchedPad: Rule = (op, given) => {
  const { g, operands: [x, around], attributes } = given;
  if (around.batched) return undefined;
  const { low, high, interior } = attributes as { low: Shape; high: Shape; interior: ReadonlyArray<number> };
  return g.emit(op, [lifted(given, x), around.value], {
    low: [0, ...low],
    high: [0, ...high],
    interior: [0, ...interior],
  });
};

const batchedGather: Rule = (op, given) => {
  const { g, operands: [x, indices], attributes } = given;
  const axis = attributes.axis as number;
  if (x.batched && indices.batched) return undefined;
  if (x.batched) return g.emit(op, [x.value, indices.value], { axis: axis + 1 });
  return [atFront(g, g.emit(op, [x.value, indices.value], { axis })[0], axis)];
};

const batchedScatter: Rule = (op, given) => {
  const { g, operands: [x, indices, updates], attributes } = given;
  if (indices.batched) return undefined;
  const axis = (attributes.axis as number) + 1;
  return g.emit(op, [lifted(given, x), indices.value, lifted(given, updates)], { ...attributes, axis });
};

const batchedDot: Rule = (op, { g, operands: [x, y], attributes }) => {
  const axes = attributes as unknown as DotAxes;
  const together = x.batched && y.batched;
  const side = (batched: boolean, batch: ReadonlyArray<number>, contract: ReadonlyArray<number>) => ({
    batch: [...(together ? [0] : []), ...(batched ? next(batch) : batch)],
    contract: batched ? next(contract) : contract,
  });
  const left = side(x.batched, axes.x_batch, axes.x_contract);
  const right = side(y.batched, axes.y_batch, axes.y_contract);
  const [made] = g.emit(op, [x.value, y.value], {
    ...attributes,
    x_batch: left.batch,
    x_contract: left.contract,
    y_batch: right.batch,
    y_contract: right.contract,
  });
  const steps = axes.x_batch.length;
  const free = x.value.type.shape.length - steps - axes.x_contract.length;
  // A batch of one side alone is among that side's other axes.
  return [together ? made : atFront(g, made, x.batched ? steps : steps + free)];
};

const batchedConv: Rule = (op, { g, size, operands: [x, w], attributes }) => {
  if (w.batched) return undefined;
  const [, count, ...rest] = x.value.type.shape;
  const [made] = g.emit(op, [g.reshape(x.value, [multiplyDimensions(size, count), ...rest]), w.value], attributes);
  return [g.reshape(made, [size, count, ...made.type.shape.slice(1)])];
};

/** How each primitive with operands takes the batch; elementwise ones take it as it is. */
const RULES: { readonly [op: string]: Rule } = {
  stop_gradient: sameAttributes,
  broadcast: over((given) => ({ shape: withSize(given), axes: [0, ...next(given.attributes.axes)] })),
  reshape: over((given) => ({ shape: withSize(given) })),
  transpose: over(({ attributes }) => ({ permutation: [0, ...next(attributes.permutation)] })),
  reverse: over(({ attributes }) => ({ axes: next(attributes.axes) })),
  slice: over(({ size, attributes: { start, limit, stride } }) => ({
    start: [0, ...(start as Shape)],
    limit: [size, ...(limit as Shape)],
    stride: [1, ...(stride as ReadonlyArray<number>)],
  })),
  pad: batchedPad,
  concat: laterAxis,
  gather: batchedGather,
  scatter: batchedScatter,
  take_along: laterAxis,
  put_along: laterAxis,
  reduce: over(({ attributes }) => ({ axes: next(attributes.axes) })),
  arg_reduce: laterAxis,
  sort: laterAxis,
  cumulative: laterAxis,
  reduce_window: windows,
  select_and_scatter: windows,
  dot: batchedDot,
  conv: batchedConv,
};

const ruleOf = (op: string): Rule | undefined => {
  if (Object.hasOwn(RULES, op)) return RULES[op];
  return primitiveOf(op).loop === "elementwise" ? sameAttributes : undefined;
};

/** Emits functions of one program over a batch. */
class Batching {
  private readonly known = new Map<string, Mask>();

  constructor(
    private readonly program: Program,
    private readonly made: ProgramBuilder,
    private readonly size: Dimension,
  ) {}

  /** Emits the nodes of a function on given values. */
  emit(g: FunctionBuilder, fn: IrFunction, args: ReadonlyArray<Row>, bindings: Bindings): ReadonlyArray<Row> {
    const values = [...args];
    for (const node of fn.nodes) {
      const operands = node.operands.map((operand) => values[operand]);
      const attributes = substituteAttributes(node.op, node.attributes, bindings);
      const build = () => this.node(g, node, { g, size: this.size, operands, attributes });
      values.push(...(node.location === undefined ? build() : g.at(node.location, build)));
    }
    return fn.returns.map((value) => values[value]);
  }

  private node(g: FunctionBuilder, node: Node, given: Given): ReadonlyArray<Row> {
    const { operands, attributes } = given;
    if (!operands.some(({ batched }) => batched)) {
      node.functions.forEach((name) => this.keep(name));
      const values = operands.map(({ value }) => value);
      return g.emitNode(node.op, values, attributes, node.functions).map((value) => ({ value, batched: false }));
    }
    if (node.op === "call") return this.inline(g, node, given, 0, operands);
    if (node.op === "if" && !operands[0].batched) return this.branch(g, node, given);
    if (node.op === "scan") return this.scan(g, node, given);
    const made = isControl(node.op) ? undefined : ruleOf(node.op)?.(node.op, given);
    return (made ?? this.rowByRow(g, node, given)).map((value) => ({ value, batched: true }));
  }

  private keep(name: string): void {
    if (this.made.defines(name)) return;
    const fn = functionOf(this.program, name);
    fn.nodes.forEach((node) => node.functions.forEach((callee) => this.keep(callee)));
    this.made.add(fn);
  }

  /** A scan over the rows, each of which runs the node as it is. */
  private rowByRow(g: FunctionBuilder, node: Node, { operands, attributes }: Given): ReadonlyArray<Value> {
    node.functions.forEach((name) => this.keep(name));
    const scanned = operands.flatMap(({ value, batched }) => batched ? [value] : []);
    return g.scan({ length: this.size }, [], scanned, (h, _carried, rows) => {
      let at = 0;
      const values = operands.map(({ value, batched }) => batched ? rows[at++] : value);
      return h.emitNode(node.op, values, attributes, node.functions);
    });
  }

  private inline(
    g: FunctionBuilder,
    node: Node,
    { attributes }: Given,
    which: number,
    args: ReadonlyArray<Row>,
  ): ReadonlyArray<Row> {
    const fn = functionOf(this.program, node.functions[which]);
    const types = args.map(({ value, batched }) =>
      batched ? tensorType(value.type.dtype, value.type.shape.slice(1)) : value.type
    );
    const sizes = attributes.sizes as ReadonlyArray<Dimension>;
    return this.emit(g, fn, args, bindCall(node.op, fn, types, sizes, g.solver));
  }

  private branch(g: FunctionBuilder, node: Node, given: Given): ReadonlyArray<Row> {
    const [predicate, ...args] = given.operands;
    const mask = [0, 1].map((which) =>
      this.depends(functionOf(this.program, node.functions[which]), args.map(isBatched))
    )
      .reduce((a, b) => a.map((yes, i) => yes || b[i]));
    const [then, otherwise] = [0, 1].map((which) => (h: FunctionBuilder) =>
      this.inline(h, node, given, which, args).map((row, i) =>
        mask[i] ? lifted({ g: h, size: this.size }, row) : row.value
      )
    );
    return g.if(predicate.value, then, otherwise).map((value, i) => ({ value, batched: mask[i] }));
  }

  /** A scan whose rows hold the batch as their first axis. */
  private scan(g: FunctionBuilder, node: Node, given: Given): ReadonlyArray<Row> {
    const { operands, attributes, size } = given;
    const { carry, scanned, length, reverse } = attributes as {
      carry: number;
      scanned: number;
      length: Dimension;
      reverse: boolean;
    };
    const batched = this.scanDepends(node, operands.map(isBatched));
    const start = operands.slice(0, carry).map((row, i) => batched[i] ? lifted(given, row) : row.value);
    const rows = operands.slice(carry, carry + scanned);
    // Stacked along the length first: the batch comes second there, and first in each row.
    const sources = rows.map(({ value, batched }) => batched ? swapped(g, value) : value);
    const made = g.scan({ length, reverse }, start, sources, (h, carried, parts) => {
      const args = [
        ...carried.map((value, i) => ({ value, batched: batched[i] })),
        ...parts.map((value, i) => ({ value, batched: rows[i].batched })),
        ...operands.slice(carry + scanned),
      ];
      return this.inline(h, node, given, 0, args).map((row, i) => batched[i] ? lifted({ g: h, size }, row) : row.value);
    });
    return made.map((value, i) => ({
      value: i >= carry && batched[i] ? swapped(g, value) : value,
      batched: batched[i],
    }));
  }

  /** Results of a function that differ by row where some of its parameters do. */
  private depends(fn: IrFunction, parameters: Mask): Mask {
    const key = `${fn.name} ${parameters.map(Number).join("")}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const values = [...parameters];
    for (const node of fn.nodes) {
      values.push(...this.nodeDepends(node, node.operands.map((operand) => values[operand])));
    }
    const made = fn.returns.map((value) => values[value]);
    this.known.set(key, made);
    return made;
  }

  private nodeDepends(node: Node, operands: Mask): Mask {
    const any = operands.includes(true);
    if (!any || !isControl(node.op)) return node.results.map(() => any);
    const bodies = node.functions.map((name) => functionOf(this.program, name));
    if (node.op === "call") return this.depends(bodies[0], operands);
    if (node.op === "scan") return this.scanDepends(node, operands);
    if (node.op === "while" || operands[0]) return node.results.map(() => true);
    const [then, otherwise] = bodies.map((body) => this.depends(body, operands.slice(1)));
    return then.map((yes, i) => yes || otherwise[i]);
  }

  private scanDepends(node: Node, operands: Mask): Mask {
    const count = node.attributes.carry as number;
    const body = functionOf(this.program, node.functions[0]);
    for (let carry = operands.slice(0, count);;) {
      const made = this.depends(body, [...carry, ...operands.slice(count)]);
      const grown = carry.map((yes, i) => yes || made[i]);
      if (grown.every((yes, i) => yes === carry[i])) return [...carry, ...made.slice(count)];
      carry = grown;
    }
  }
}

const isBatched = ({ batched }: Row): boolean => batched;

const swapped = (g: FunctionBuilder, x: Value): Value =>
  g.transpose(x, x.type.shape.map((_, axis) => axis < 2 ? 1 - axis : axis));

const chosenOf = (fn: IrFunction, asked: BatchOptions["parameters"]): ReadonlySet<number> => {
  if (asked === undefined) return new Set(fn.parameters.keys());
  const names = fn.parameters.map(({ name }) => name);
  const found = asked.map((name, i) => {
    const index = typeof name === "number" ? name : names.indexOf(name);
    if (fn.parameters[index] !== undefined) return index;
    throw notBatched({
      reason: `there is no parameter ${name}`,
      path: `/parameters/${i}`,
      expected: names,
      actual: name,
      fix: { summary: "Batch all parameters", patch: [{ op: "remove", path: "/parameters" }] },
    });
  });
  if (found.length > 0) return new Set(found);
  throw notBatched({
    reason: "no parameter differs by row",
    path: "/parameters",
    fix: { summary: "Batch all parameters", patch: [{ op: "remove", path: "/parameters" }] },
  });
};

/**
 * The program over a batch: the parameters named, and all results, get the batch as their first axis.
 *
 * @example
 * ```ts
 * import { batchProgram, buildProgram, evaluate, tensor, toNested } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const dot = buildProgram({ x: "f64[2]", w: "f64[2]" }, (g, { x, w }) => g.matmul(x, w));
 * const many = batchProgram(dot, { size: "B", parameters: ["x"] });
 * const [x, w] = [tensor("f64", [2, 2], [1, 2, 3, 4]), tensor("f64", [2], [1, 10])];
 * assert.deepEqual(toNested(evaluate(many, [x, w]).results[0]), [21, 43]);
 * ```
 */
export const batchProgram = (program: Program, { size, parameters }: BatchOptions): Program => {
  const fn = functionOf(program);
  const chosen = chosenOf(fn, parameters);
  const made = new ProgramBuilder();
  [...program.functions.keys()].forEach((name) => made.reserve(name));
  const g = made.open(fn.name, { where: fn.constraints, sizes: fn.sizes, lean: true });
  const rows = fn.parameters.map(({ name, type }, i): Row => {
    const batched = chosen.has(i);
    const wide = batched ? tensorType(type.dtype, [size, ...type.shape]) : type;
    return { value: g.parameter(name, wide), batched };
  });
  const out = new Batching(program, made, size).emit(g, fn, rows, new Map());
  made.add(g.function(out.map((row) => lifted({ g, size }, row)), { live: true }));
  return made.build(fn.name);
};
