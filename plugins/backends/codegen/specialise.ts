/**
 * Specialise: a program at known sizes, as regions of concrete nodes: calls inlined, equal nodes joined, dead ones gone.
 *
 * Not lowering: nodes are still those of the IR.
 * Invariant: every type is concrete and was inferred again at these sizes where any was symbolic; each node comes after
 * what it uses; a region uses only its own values.
 *
 * @module
 */
import {
  bindCall,
  type Bindings,
  type ConcreteType,
  type Dimension,
  dimension,
  DimensionSolver,
  functionOf,
  inferNode,
  innerSizes,
  type IrFunction,
  isConcrete,
  isTensor,
  type Node,
  parameterSizes,
  primitiveOf,
  type Program,
  substituteAttributes,
  substituteType,
  symbolsOf,
  type Tensor,
  type TensorType,
} from "../../ir/library.ts";
import { wrongInput } from "../failures.ts";

/** A node with known sizes. */
export interface ConcreteNode {
  /** Primitive, or `if`, `while`, `scan`. */
  readonly op: string;
  /** Values it takes. */
  readonly operands: ReadonlyArray<number>;
  /** Its attributes, sizes as numbers. */
  readonly attributes: { readonly [name: string]: unknown };
  /** Types of its results. */
  readonly results: ReadonlyArray<ConcreteType>;
  /** Number of its first result. */
  readonly first: number;
  /** What control nodes run. */
  readonly regions: ReadonlyArray<Region>;
  /** Where it came from. */
  readonly path: string;
}

/** A function's body with known sizes. */
export interface Region {
  /** Types of its parameters, which are its first values. */
  readonly parameters: ReadonlyArray<ConcreteType>;
  /** Types of all values by number. */
  readonly types: ReadonlyArray<ConcreteType>;
  /** Nodes in order. */
  readonly nodes: ReadonlyArray<ConcreteNode>;
  /** Values it returns. */
  readonly returns: ReadonlyArray<number>;
}

const NOTHING_ASSUMED = new DimensionSolver();

const CONTROL_OPS: ReadonlySet<string> = new Set(["if", "while", "scan"]);

/** Whether a node runs regions. */
export const isRegionNode = (op: string): boolean => CONTROL_OPS.has(op);

const concrete = (type: TensorType, bindings: Bindings): ConcreteType => {
  if (isConcrete(type)) return type;
  const bound = substituteType(type, bindings);
  if (isConcrete(bound)) return bound;
  const name = bound.shape.flatMap(symbolsOf)[0];
  throw wrongInput({ reason: `the size ${name} has no number; give it in sizes`, path: `/sizes/${name}` });
};

/** Builds one region. */
class RegionBuilder {
  private readonly types: ConcreteType[];
  private readonly nodes: ConcreteNode[] = [];
  private readonly equal = new Map<string, number>();
  private readonly tensors: Tensor[] = [];

  constructor(private readonly program: Program, private readonly parameters: ReadonlyArray<ConcreteType>) {
    this.types = [...parameters];
  }

  /** Text that equal attributes share; tensors count by identity. */
  private keyOf(attributes: { readonly [name: string]: unknown }): string {
    return JSON.stringify(attributes, (_, value) => {
      if (!isTensor(value)) return value;
      let at = this.tensors.findIndex((known) =>
        known === value ||
        (known.dtype === value.dtype && known.data.length === 1 && value.data.length === 1 &&
          known.shape.length === value.shape.length && Object.is(known.data[0], value.data[0]))
      );
      if (at < 0) at = this.tensors.push(value) - 1;
      return `tensor ${at}`;
    });
  }

  private regionOf(
    name: string,
    args: ReadonlyArray<ConcreteType>,
    op: string,
    sizes: ReadonlyArray<Dimension>,
  ): Region {
    const fn = functionOf(this.program, name);
    const builder = new RegionBuilder(this.program, args);
    const values = args.map((_, i) => i);
    return builder.region(builder.inline(fn, values, bindCall(op, fn, args, sizes, NOTHING_ASSUMED)));
  }

  private regionsOf(node: Node, operands: ReadonlyArray<ConcreteType>, bound: ConcreteNode["attributes"]): Region[] {
    const sizes = bound.sizes as ReadonlyArray<Dimension>;
    const { carry = 0, scanned = 0 } = bound as { carry?: number; scanned?: number };
    const row = ({ dtype, shape }: ConcreteType): ConcreteType => ({ dtype, shape: shape.slice(1) });
    const args = node.op === "if"
      ? operands.slice(1)
      : operands.map((type, i) => node.op === "scan" && i >= carry && i < carry + scanned ? row(type) : type);
    return node.functions.map((name) => this.regionOf(name, args, node.op, sizes));
  }

  private add(node: Node, operands: ReadonlyArray<number>, bindings: Bindings, path: string): ReadonlyArray<number> {
    const types = operands.map((operand) => this.types[operand]);
    const isFixed = bindings.size === 0 && node.results.every(isConcrete);
    const bound = isFixed ? node.attributes : substituteAttributes(node.op, node.attributes, bindings);
    const functions = node.functions.map((name) => functionOf(this.program, name));
    const { attributes, results } = isFixed
      ? { attributes: bound, results: node.results as ReadonlyArray<ConcreteType> }
      : inferNode({ op: node.op, types, attributes: bound, functions }, NOTHING_ASSUMED);
    const made = results.map((type) => concrete(type, bindings));
    if (
      node.op === "reduce" && (attributes.axes as ReadonlyArray<number>).every((axis) => types[0].shape[axis] === 1)
    ) {
      // Combining one element with nothing is that element under another shape.
      return this.add(
        { ...node, op: "reshape", attributes: { shape: made[0].shape }, results: made },
        operands,
        new Map(),
        path,
      );
    }
    const isPlain = !isRegionNode(node.op);
    const key = isPlain ? `${node.op} ${operands.join(",")} ${this.keyOf(attributes)}` : "";
    const before = isPlain ? this.equal.get(key) : undefined;
    if (before !== undefined) return made.map((_, i) => before + i);
    const first = this.types.length;
    if (isPlain) this.equal.set(key, first);
    const regions = isPlain ? [] : this.regionsOf(node, types, attributes);
    this.types.push(...made);
    this.nodes.push({ op: node.op, operands, attributes, results: made, first, regions, path });
    return made.map((_, i) => first + i);
  }

  /** Adds the nodes of a function, calls replaced by what they call; gives what it returns. */
  inline(fn: IrFunction, args: ReadonlyArray<number>, bindings: Bindings): ReadonlyArray<number> {
    const values = [...args];
    fn.nodes.forEach((node, index) => {
      const operands = node.operands.map((operand) => values[operand]);
      if (node.op !== "call") {
        values.push(...this.add(node, operands, bindings, `/functions/${fn.name}/nodes/${index}`));
        return;
      }
      const callee = functionOf(this.program, node.functions[0]);
      const sizes = substituteAttributes("call", node.attributes, bindings).sizes as ReadonlyArray<Dimension>;
      const types = operands.map((operand) => this.types[operand]);
      values.push(...this.inline(callee, operands, bindCall("call", callee, types, sizes, NOTHING_ASSUMED)));
    });
    return fn.returns.map((value) => values[value]);
  }

  /** The region that returns some values, without nodes they do not need, values numbered anew. */
  region(returns: ReadonlyArray<number>): Region {
    const needed = new Set(returns);
    for (const node of this.nodes.toReversed()) {
      if (!node.results.some((_, i) => needed.has(node.first + i))) continue;
      node.operands.forEach((operand) => needed.add(operand));
    }
    const kept = this.nodes.filter((node) => node.results.some((_, i) => needed.has(node.first + i)));
    const numbers = new Map(this.parameters.map((_, i) => [i, i]));
    const types = [...this.parameters];
    const nodes = kept.map((node) => {
      const first = types.length;
      node.results.forEach((type, i) => {
        numbers.set(node.first + i, types.length);
        types.push(type);
      });
      return { ...node, first, operands: node.operands.map((operand) => numbers.get(operand)!) };
    });
    return { parameters: this.parameters, types, nodes, returns: returns.map((value) => numbers.get(value)!) };
  }
}

/** Sizes bound by options; throws `BACKENDS_INPUT` for one that is missing or not a size. */
const bindSizes = (fn: IrFunction, sizes: { readonly [name: string]: number }): Bindings => {
  const names = new Set([...fn.sizes, ...parameterSizes(fn), ...innerSizes(fn)]);
  const bindings = new Map<string, Dimension>();
  for (const name of names) {
    const size = sizes[name];
    if (size === undefined) continue;
    if (!Number.isSafeInteger(size) || size < 0) {
      throw wrongInput({ reason: `the size ${name} is ${size}, not a whole number from 0`, path: `/sizes/${name}` });
    }
    bindings.set(name, dimension(size));
  }
  const missing = [...names].find((name) => !bindings.has(name));
  if (missing === undefined) return bindings;
  throw wrongInput({ reason: `the size ${missing} has no number; give it in sizes`, path: `/sizes/${missing}` });
};

/** The entry of a program at known sizes. */
export const specialise = (program: Program, sizes: { readonly [name: string]: number } = {}): Region => {
  const fn = functionOf(program);
  const bindings = bindSizes(fn, sizes);
  const args = fn.parameters.map(({ type }) => concrete(type, bindings));
  const wrong = fn.constraints.find(([a, b]) => {
    const sides = [a, b].map((side) => substituteType({ dtype: "f32", shape: [side] }, bindings).shape[0]);
    return sides[0] !== sides[1];
  });
  if (wrong !== undefined) {
    throw wrongInput({ reason: `the sizes do not satisfy ${wrong[0]} = ${wrong[1]}`, path: "/sizes" });
  }
  const builder = new RegionBuilder(program, args);
  return builder.region(builder.inline(fn, args.map((_, i) => i), bindings));
};

/** Floating-point operations of a node, by the project's convention. */
export const flopsOf = (node: ConcreteNode, types: ReadonlyArray<ConcreteType>): number =>
  isRegionNode(node.op)
    ? 0
    : Number(primitiveOf(node.op).cost({ types, attributes: node.attributes as never, results: node.results }).flops);
