/**
 * Emitter: a function being rebuilt node by node, and what is known of its values on the way.
 *
 * Not the builder people write with (builder.ts): here values are numbers, and nodes are copied, dropped or made anew.
 * Invariant: values are numbered as in a finished function; a node is typed where it is made, and a copied one keeps the
 * types it was declared with.
 *
 * @module
 */
import { inferNode } from "../infer.ts";
import type { Attribute, Attributes, IrFunction, Node } from "../graph.ts";
import { DimensionSolver } from "../solver.ts";
import { type Dtype, printType, type TensorType } from "../types.ts";
import { type Element, isTensor, scalar, type Tensor, toBytes } from "../value.ts";

/** Numbers for tensors, the same for the same type and bits. */
export class TensorKeys {
  private readonly known = new WeakMap<Tensor, string>();
  private readonly byHash = new Map<string, Array<{ readonly bytes: Uint8Array; readonly key: string }>>();

  /** A text that two tensors share exactly when they have the same type and bits. */
  of(tensor: Tensor): string {
    const before = this.known.get(tensor);
    if (before !== undefined) return before;
    const bytes = toBytes(tensor);
    let hash = 0x811c9dc5;
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
    const bucket = `${printType(tensor)}${hash >>> 0}`;
    const same = this.byHash.get(bucket) ?? [];
    this.byHash.set(bucket, same);
    let found = same.find((entry) => entry.bytes.every((byte, i) => byte === bytes[i]));
    if (found === undefined) {
      found = { bytes, key: `${bucket}.${same.length}` };
      same.push(found);
    }
    this.known.set(tensor, found.key);
    return found.key;
  }
}

const attributeKey = (value: Attribute, keys: TensorKeys): string => {
  if (Array.isArray(value)) return `[${value.map((item) => attributeKey(item, keys)).join()}]`;
  if (isTensor(value)) return keys.of(value as Tensor);
  return typeof value === "string" ? JSON.stringify(value) : Object.is(value, -0) ? "-0" : String(value);
};

/** A text that nodes of one function share exactly when they compute the same. */
export const nodeKey = (
  node: Pick<Node, "op" | "operands" | "attributes" | "functions">,
  keys: TensorKeys,
): string => {
  const names = Object.keys(node.attributes).sort();
  const attributes = names.map((name) => `${name}=${attributeKey(node.attributes[name], keys)}`).join(";");
  return `${node.op}(${node.operands.join()})${node.functions.join()}{${attributes}}`;
};

/** Which node a value comes from. */
export interface Definition {
  /** The node. */
  readonly node: Node;
  /** Which of its results the value is. */
  readonly result: number;
}

/** A function under construction. */
export class Emitter {
  /** Types of the values so far. */
  readonly types: TensorType[];
  /** Nodes so far. */
  readonly nodes: Node[] = [];
  /** What is known of the sizes. */
  readonly solver: DimensionSolver;
  /** What is known of the elements of the first values, as far as anybody asked (algebra.ts). */
  readonly known: number[] = [];
  /** Source expression of what is made now. */
  location: string | undefined;
  private readonly definitions: Array<Definition | undefined>;

  /** Starts with the parameters of a function. */
  constructor(
    readonly fn: Pick<IrFunction, "parameters" | "constraints">,
    /** Functions that nodes may name. */
    readonly lookup: (name: string) => IrFunction,
  ) {
    this.types = fn.parameters.map(({ type }) => type);
    this.definitions = this.types.map(() => undefined);
    this.solver = new DimensionSolver(fn.constraints);
  }

  /** Where a value comes from; undefined for a parameter. */
  definition(value: number): Definition | undefined {
    return this.definitions[value];
  }

  /** The node that makes a value, where it has one op of one result. */
  madeBy(value: number, op?: string): Node | undefined {
    const node = this.definitions[value]?.node;
    return node !== undefined && node.results.length === 1 && (op === undefined || node.op === op) ? node : undefined;
  }

  /** Adds a node as it is; the number of its first result. */
  push(node: Node): number {
    const first = this.types.length;
    node.results.forEach((type, result) => {
      this.types.push(type);
      this.definitions.push({ node, result });
    });
    this.nodes.push(node);
    return first;
  }

  /** Adds a node of known type over other operands. */
  copy(node: Node, operands: ReadonlyArray<number>): number {
    return this.push(operands.every((operand, i) => operand === node.operands[i]) ? node : { ...node, operands });
  }

  /** Makes a node and types it; the number of its first result. */
  emit(
    op: string,
    operands: ReadonlyArray<number>,
    attributes: Attributes = {},
    functions: ReadonlyArray<string> = [],
  ): number {
    const types = operands.map((operand) => this.types[operand]);
    const inferred = inferNode({ op, types, attributes, functions: functions.map(this.lookup) }, this.solver);
    const location = this.location === undefined ? {} : { location: this.location };
    return this.push({
      op,
      operands,
      attributes: inferred.attributes,
      functions,
      results: inferred.results,
      ...location,
    });
  }

  /** Takes back what was added after a moment. */
  rewind(nodes: number, values: number): void {
    this.nodes.length = nodes;
    this.types.length = values;
    this.definitions.length = values;
    if (this.known.length > values) this.known.length = values;
  }

  /** A literal. */
  constant(value: Tensor): number {
    return this.emit("constant", [], { value });
  }

  /** A tensor of one number: a scalar literal, spread where it has axes. */
  full(type: TensorType, value: Element): number {
    const literal = this.constant(scalar(type.dtype, value));
    return type.shape.length === 0 ? literal : this.emit("broadcast", [literal], { shape: type.shape, axes: [] });
  }

  /** Another dtype; the value itself where it has it. */
  cast(value: number, dtype: Dtype): number {
    return this.types[value].dtype === dtype ? value : this.emit("cast", [value], { dtype });
  }
}

/** How often each value is used by nodes that matter and by the return. */
export const liveUses = (fn: Pick<IrFunction, "parameters" | "nodes" | "returns">): Int32Array => {
  let count = fn.parameters.length;
  const firsts = fn.nodes.map((node) => {
    const first = count;
    count += node.results.length;
    return first;
  });
  const uses = new Int32Array(count);
  for (const value of fn.returns) uses[value]++;
  for (let index = fn.nodes.length - 1; index >= 0; index--) {
    const node = fn.nodes[index];
    if (!node.results.some((_, i) => uses[firsts[index] + i] > 0)) continue;
    for (const operand of node.operands) uses[operand]++;
  }
  return uses;
};

/** A function without the nodes that no result needs. */
export const swept = (fn: IrFunction): IrFunction => {
  const uses = liveUses(fn);
  const numbers = new Int32Array(uses.length);
  let next = fn.parameters.length;
  for (let i = 0; i < next; i++) numbers[i] = i;
  const nodes: Node[] = [];
  let value = next;
  for (const node of fn.nodes) {
    const live = node.results.some((_, i) => uses[value + i] > 0);
    for (let i = 0; i < node.results.length; i++, value++) if (live) numbers[value] = next++;
    if (!live) continue;
    const same = node.operands.every((operand) => numbers[operand] === operand);
    nodes.push(same ? node : { ...node, operands: node.operands.map((operand) => numbers[operand]) });
  }
  if (nodes.length === fn.nodes.length) return fn;
  return { ...fn, nodes, returns: fn.returns.map((returned) => numbers[returned]) };
};
