/**
 * Lift: a tensor program of the IR written in the language again, op by op.
 *
 * Not a compiler of control flow: functions of the IR stay where they are.
 * Invariant: what is lifted lowers to the same nodes (or to nodes that move the same elements), so it computes the same
 * bits. Besides the ops that are one node, every op is found whose lowering stands in the program: the lowering itself is
 * the pattern, so there is no second description of any op. What no op computes is refused by node.
 *
 * @module
 */
import type { Attributes, IrFunction, Node, Program, Tensor, TensorType } from "../../ir/contract.ts";
import { elementCount, filled, functionOf, isConcrete, isFloat, printType, programDigest } from "../../ir/library.ts";
import { app, type Attribute, type Expression, letIn, lit, par, ref } from "../expression.ts";
import { isIntegral } from "../evaluation/arithmetic.ts";
import { fromCarrier, fromIr } from "../interpreter/run_value.ts";
import { type OpName, OPS } from "../opcodes.ts";
import { Symbols } from "../symbols.ts";
import { i64, symbolValue, tupleValue, type Value } from "../value.ts";
import { notLifted } from "./failures.ts";
import { sameAttributes, type Template, Templates } from "./templates.ts";

/** A lifted program: an expression that reads the IR's parameters by name. */
export interface LiftedProgram {
  /** The expression. */
  readonly root: Expression;
  /** Its names. */
  readonly symbols: Symbols;
}

/** Most elements of a literal that a repeated axis is written as. */
export const MAX_LIFTED_ELEMENTS = 65_536;

/** A value as an op over other values. */
interface Lifted {
  readonly op: OpName;
  readonly operands: ReadonlyArray<Part>;
  readonly attributes: { readonly [name: string]: number | string | boolean | ReadonlyArray<number> };
}

/** An operand: a value of the function, a literal, or a part made for this op alone. */
type Part = number | { readonly literal: Tensor } | { readonly inner: Lifted };

const numbers = (value: unknown): ReadonlyArray<number> => value as ReadonlyArray<number>;
const range = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, i) => i);
const isKnown = (sizes: ReadonlyArray<unknown>): sizes is ReadonlyArray<number> =>
  sizes.every((size) => typeof size === "number");

const ELEMENTWISE: ReadonlySet<string> = new Set([
  "add",
  "sub",
  "mul",
  "div",
  "neg",
  "abs",
  "exp",
  "log",
  "sqrt",
  "pow",
  "sin",
  "cos",
  "tanh",
]);

/** What is known of a function while it is lifted. */
class Source {
  readonly types: ReadonlyArray<TensorType>;
  readonly makers: ReadonlyArray<{ readonly node: Node; readonly result: number } | undefined>;

  constructor(readonly program: Program, readonly fn: IrFunction) {
    this.types = [...fn.parameters.map(({ type }) => type), ...fn.nodes.flatMap(({ results }) => results)];
    this.makers = [
      ...fn.parameters.map(() => undefined),
      ...fn.nodes.flatMap((node) => node.results.map((_, result) => ({ node, result }))),
    ];
  }

  /** Binds a template's parameters so that it computes a value; undefined where it does not. */
  match(template: Template, value: number): ReadonlyArray<number> | undefined {
    const { fn, program, types } = template;
    const bound = new Map<number, number>();
    const makers = new Map<number, { readonly node: Node; readonly result: number }>();
    let next = fn.parameters.length;
    for (const node of fn.nodes) node.results.forEach((_, result) => makers.set(next++, { node, result }));
    const unify = (pattern: number, of: number): boolean => {
      const before = bound.get(pattern);
      if (before !== undefined) return before === of;
      const maker = makers.get(pattern);
      if (maker === undefined) {
        if (!sameType(types[pattern], this.types[of])) return false;
        bound.set(pattern, of);
        return true;
      }
      const own = this.makers[of];
      const same = own !== undefined && own.result === maker.result && own.node.op === maker.node.op &&
        sameAttributes(own.node.attributes, maker.node.attributes) &&
        own.node.operands.length === maker.node.operands.length &&
        this.sameFunctions(own.node, maker.node, program);
      if (!same || !maker.node.operands.every((operand, i) => unify(operand, own.node.operands[i]))) return false;
      bound.set(pattern, of);
      return true;
    };
    if (!unify(fn.returns[0], value)) return undefined;
    const places = fn.parameters.map((_, i) => bound.get(i));
    return places.every((place) => place !== undefined) ? places : undefined;
  }

  private sameFunctions(a: Node, b: Node, of: Program): boolean {
    return a.functions.length === b.functions.length &&
      a.functions.every((name, i) =>
        programDigest({ entry: name, functions: this.program.functions }) ===
          programDigest({ entry: b.functions[i], functions: of.functions })
      );
  }
}

const sameType = (a: TensorType, b: TensorType): boolean => printType(a) === printType(b);

type Direct = (node: Node, source: Source) => Lifted | undefined;

const single = (op: OpName, node: Node, attributes: Lifted["attributes"] = {}): Lifted => ({
  op,
  operands: node.operands,
  attributes,
});

/** A slice along several axes is one slice after another. */
const sliced: Direct = (node, { types }) => {
  const { start, limit, stride } = node.attributes as { start: unknown[]; limit: unknown[]; stride: number[] };
  const { shape } = types[node.operands[0]];
  const axes = range(shape.length).filter((axis) =>
    start[axis] !== 0 || limit[axis] !== shape[axis] || stride[axis] !== 1
  );
  if (![start, limit].every(isKnown)) return undefined;
  return (axes.length === 0 ? [0] : axes).filter((axis) => axis < shape.length).reduce<Lifted | undefined>(
    (inner, axis) => ({
      op: "slice",
      operands: [inner === undefined ? node.operands[0] : { inner }],
      attributes: { axis, start: start[axis] as number, end: limit[axis] as number, step: stride[axis] },
    }),
    undefined,
  );
};

/** Repetition: one times the operand, ones in the shape that is asked for. */
const repeated: Direct = (node, { types }) => {
  const x = types[node.operands[0]];
  const [result] = node.results;
  const axes = numbers(node.attributes.axes);
  if (!isConcrete(result) || !isConcrete(x) || !isFloat(x.dtype)) return undefined;
  if (elementCount(result.shape) > MAX_LIFTED_ELEMENTS) return undefined;
  const shape = result.shape.map((_, axis) => axes.includes(axis) ? x.shape[axes.indexOf(axis)] : 1);
  const ones = { literal: filled(x.dtype, result.shape, 1) };
  const spread: Part = shape.length === x.shape.length
    ? node.operands[0]
    : { inner: { op: "reshape", operands: [node.operands[0]], attributes: { shape } } };
  return { op: "mul", operands: [spread, ones], attributes: {} };
};

/** A product over one axis: both sides transposed to [batch…, m, k] and [batch…, k, n]. */
const product: Direct = (node, { types }) => {
  const { x_batch, y_batch, x_contract, y_contract, accumulate } = node.attributes;
  const [x, y] = node.operands.map((operand) => types[operand]);
  if (numbers(x_contract).length !== 1 || accumulate !== x.dtype || !isFloat(x.dtype)) return undefined;
  const free = (type: TensorType, ...taken: ReadonlyArray<unknown>) =>
    range(type.shape.length).filter((axis) => !taken.some((axes) => numbers(axes).includes(axis)));
  const [m, n] = [free(x, x_batch, x_contract), free(y, y_batch, y_contract)];
  const shape = node.results[0].shape;
  const turned = (operand: number, order: ReadonlyArray<number>): Part =>
    order.every((axis, i) => axis === i)
      ? operand
      : { inner: { op: "transpose", operands: [operand], attributes: { axes: order } } };
  const left = turned(node.operands[0], [...numbers(x_batch), ...m, ...numbers(x_contract)]);
  const right = turned(node.operands[1], [...numbers(y_batch), ...numbers(y_contract), ...n]);
  const batch = numbers(x_batch).map((axis) => x.shape[axis]);
  // Several free axes are one while they are multiplied; none is an axis of one.
  const flat = (part: Part, sizes: ReadonlyArray<unknown>, as: ReadonlyArray<unknown>): Part | undefined =>
    sizes.length === 1
      ? part
      : isKnown(as)
      ? { inner: { op: "reshape", operands: [part], attributes: { shape: as } } }
      : undefined;
  const count = (axes: ReadonlyArray<number>, of: TensorType) => {
    const sizes = axes.map((axis) => of.shape[axis]);
    return isKnown(sizes) ? elementCount(sizes) : "unknown";
  };
  const k = x.shape[numbers(x_contract)[0]];
  const a = flat(left, m, [...batch, count(m, x), k]);
  const b = flat(right, n, [...batch, k, count(n, y)]);
  if (a === undefined || b === undefined) return undefined;
  const made: Lifted = { op: "matmul", operands: [a, b], attributes: {} };
  if (m.length === 1 && n.length === 1) return made;
  return isKnown(shape) ? { op: "reshape", operands: [{ inner: made }], attributes: { shape } } : undefined;
};

const convolved: Direct = (node, { types }) => {
  const { strides, low, high, dilation, input_dilation, groups, accumulate } = node.attributes as Attributes & {
    groups: number;
  };
  const w = types[node.operands[1]].shape;
  const symmetric = numbers(low).every((count, i) => count === numbers(high)[i] && count >= 0);
  const fits = numbers(strides).length === 2 && symmetric && numbers(input_dilation).every((step) => step === 1) &&
    accumulate === node.results[0].dtype && isFloat(node.results[0].dtype) && isKnown(w);
  if (!fits) return undefined;
  const attributes = {
    width: w[0],
    kernel: [w[2], w[3]],
    stride: numbers(strides),
    padding: numbers(low),
    dilation: numbers(dilation),
    groups,
    bias: false,
  };
  return { op: "conv2d", operands: node.operands, attributes };
};

const pooled: Direct = (node) => {
  const { op, window, strides, low, high, dilation } = node.attributes;
  const isPlain = numbers(window).length === 4 &&
    [window, strides].every((list) => numbers(list)[0] === 1 && numbers(list)[1] === 1) &&
    [low, high].every((list) => numbers(list)[0] === 0 && numbers(list)[1] === 0) &&
    numbers(low).every((count, i) => count === numbers(high)[i]) && numbers(dilation).every((step) => step === 1);
  if (op !== "max" || !isPlain || !isFloat(node.results[0].dtype)) return undefined;
  const last = (list: unknown) => numbers(list).slice(2);
  return single("max_pool", node, { window: last(window), stride: last(strides), padding: last(low) });
};

/** Nodes that are an op, or a few that move elements, by themselves. */
const DIRECT: { readonly [op: string]: Direct } = {
  reshape: (node) =>
    isKnown(node.results[0].shape) ? single("reshape", node, { shape: node.results[0].shape }) : undefined,
  transpose: (node) => single("transpose", node, { axes: numbers(node.attributes.permutation) }),
  concat: (node) => single("concat", node, { axis: node.attributes.axis as number }),
  gather: (node) => single("gather", node, { axis: node.attributes.axis as number }),
  scatter: (node) =>
    single("scatter", node, { axis: node.attributes.axis as number, by: node.attributes.mode as string }),
  logistic: (node) => single("sigmoid", node),
  slice: sliced,
  broadcast: repeated,
  dot: product,
  conv: convolved,
  reduce_window: pooled,
};

const direct: Direct = (node, source) => {
  if (ELEMENTWISE.has(node.op)) return isFloat(node.results[0].dtype) ? single(node.op as OpName, node) : undefined;
  return Object.hasOwn(DIRECT, node.op) ? DIRECT[node.op](node, source) : undefined;
};

class Lifting {
  private readonly lifted = new Map<number, Lifted | Tensor>();
  private readonly uses = new Map<number, number>();
  private readonly names = new Map<number, number>();
  private readonly templates: Templates;

  constructor(private readonly source: Source, private readonly symbols: Symbols) {
    this.templates = new Templates(source.program, source.types);
    source.fn.parameters.forEach(({ name }, value) => this.names.set(value, symbols.intern(name)));
  }

  /** Decides what a value is, and those it needs; an explicit stack, for programs may be long. */
  private decide(start: number): void {
    const stack = [start];
    while (stack.length > 0) {
      const value = stack.pop()!;
      this.uses.set(value, (this.uses.get(value) ?? 0) + 1);
      if (this.lifted.has(value) || this.source.makers[value] === undefined) continue;
      const found = this.find(value);
      this.lifted.set(value, found);
      if ("op" in found) stack.push(...valuesOf(found));
    }
  }

  private find(value: number): Lifted | Tensor {
    const { node, result } = this.source.makers[value]!;
    if (node.op === "constant") return node.attributes.value as Tensor;
    const found = this.whole(value, node) ?? (result === 0 ? direct(node, this.source) : undefined);
    if (found !== undefined) return found;
    const index = this.source.fn.nodes.indexOf(node);
    const path = node.location ?? `/functions/${this.source.fn.name}/nodes/${index}`;
    const reason = `no op of the language makes ${printType(this.source.types[value])} in this way`;
    throw notLifted({ node: `${node.op} (node ${index})`, reason, path, actual: node.op });
  }

  /** The largest op whose lowering stands here. */
  private whole(value: number, node: Node): Lifted | undefined {
    for (const template of this.templates.endingIn(node.op, this.source.types[value])) {
      // Integers of the language refuse to overflow; nodes of the IR wrap.
      if (isIntegral(template.op) && !isFloat(this.source.types[value].dtype)) continue;
      const operands = this.source.match(template, value);
      if (operands !== undefined) return { op: template.op, operands, attributes: template.attributes };
    }
    return undefined;
  }

  private part(part: Part): Expression {
    if (typeof part === "number") return this.expression(part);
    return "literal" in part ? literal(part.literal) : this.application(part.inner);
  }

  private application({ op, operands, attributes }: Lifted): Expression {
    const row = OPS[op];
    const named = Object.entries(attributes).map(([name, value]): Attribute => ({ name, value: this.setting(value) }));
    return app(row.code, operands.map((operand) => this.part(operand)), named);
  }

  private setting(value: Lifted["attributes"][string]): Value {
    if (typeof value === "boolean") return { k: "Bool", v: value };
    if (typeof value === "string") return symbolValue(this.symbols.intern(value));
    return typeof value === "number" ? i64(value) : tupleValue(value.map(i64));
  }

  private expression(value: number): Expression {
    const name = this.names.get(value);
    return name === undefined ? this.own(value) : ref(name);
  }

  private own(value: number): Expression {
    const found = this.lifted.get(value)!;
    return "op" in found ? this.application(found) : literal(found);
  }

  program(): Expression {
    const { fn } = this.source;
    fn.returns.forEach((value) => this.decide(value));
    const taken = new Set(fn.parameters.map(({ name }) => name));
    const shared = [...this.lifted.keys()].filter((value) => this.uses.get(value)! > 1).sort((a, b) => a - b);
    for (const value of shared) {
      let name = `v${value}`;
      while (taken.has(name)) name += "_";
      this.names.set(value, this.symbols.intern(name));
    }
    const results = fn.returns.map((value) => this.expression(value));
    const body = results.slice(1).reduce((left, right) => par(left, right), results[0]);
    return shared.reduceRight((inner, value) => letIn(this.names.get(value)!, this.own(value), inner), body);
  }
}

const literal = (tensor: Tensor): Expression => lit(fromIr(tensor, fromCarrier(tensor.dtype)));

const valuesOf = ({ operands }: Lifted): ReadonlyArray<number> =>
  operands.flatMap((part) => typeof part === "number" ? [part] : "inner" in part ? valuesOf(part.inner) : []);

/**
 * Lifts a program; throws `RMIL_NOT_LIFTED` naming the node that no op of the language computes.
 */
export const liftProgram = (program: Program): LiftedProgram => {
  const fn = functionOf(program);
  const symbols = new Symbols();
  const odd = fn.parameters.find(({ name }, i) => name === "" || fn.parameters.findIndex((p) => p.name === name) !== i);
  if (odd !== undefined || fn.returns.length === 0) {
    const reason = odd === undefined ? "it returns nothing" : `parameter "${odd.name}" has no name of its own`;
    throw notLifted({ node: `@${fn.name}`, reason, path: `/functions/${fn.name}` });
  }
  return { root: new Lifting(new Source(program, fn), symbols).program(), symbols };
};
