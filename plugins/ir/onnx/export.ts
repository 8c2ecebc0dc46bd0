/**
 * Export: a program of the IR as an ONNX model.
 *
 * Not the primitives' spelling (emission.ts): here functions are inlined, control becomes graphs, and the model is put
 * together.
 * Invariant: what is exported means what the program means; what ONNX cannot say is refused by node.
 *
 * @module
 */
import { bindCall, rowOf } from "../control.ts";
import { type Bindings, type Dimension, symbolsOf } from "../dimension.ts";
import { badAttribute, overLimit, unboundDimension, wrongShape } from "../failures.ts";
import { functionOf, type IrFunction, type Node, type Program, valueTypes } from "../graph.ts";
import { substituteAttributes } from "../infer.ts";
import { DimensionSolver } from "../solver.ts";
import { printType, sameType, substituteType, type TensorType, tensorType } from "../types.ts";
import type { Tensor } from "../value.ts";
import { EMISSION } from "./emission.ts";
import { writeMessage } from "./protobuf.ts";
import { MODEL } from "./schema.ts";
import { OnnxWriter, valueInfo, type Wire } from "./writer.ts";

/** Oldest version of the operator set that can be written. */
export const OLDEST_EXPORT = 17;

/** Newest version of the operator set that can be written. */
export const NEWEST_EXPORT = 21;

/** Version that is written where nothing is said. */
export const DEFAULT_OPSET = 18;

/** Most nodes after functions have been put in place of their calls. */
export const MAX_INLINED_NODES: number = 2 ** 20;

/** How a program is exported. */
export interface ExportOptions {
  /** Version of the operator set, 17 to 21; 18 where absent. */
  readonly opset?: number;
  /** Numbers for named sizes. */
  readonly sizes?: { readonly [name: string]: number };
  /** Values of parameters that become literals of the model. */
  readonly weights?: { readonly [parameter: string]: Tensor };
  /** Names of the results; `result0`, `result1` … where absent. */
  readonly outputs?: ReadonlyArray<string>;
}

/** Version of the file format for each version of the operator set. */
const FORMAT_VERSIONS: { readonly [opset: number]: number } = { 17: 8, 18: 8, 19: 9, 20: 9, 21: 10 };

/** The nodes that the results depend on; a model has no others. */
const neededNodes = (fn: IrFunction): ReadonlySet<Node> => {
  const values = new Set(fn.returns);
  const nodes = new Set<Node>();
  let first = valueTypes(fn).length;
  for (const node of fn.nodes.toReversed()) {
    first -= node.results.length;
    if (!node.results.some((_, i) => values.has(first + i))) continue;
    node.operands.forEach((operand) => values.add(operand));
    nodes.add(node);
  }
  return nodes;
};

class Exporter {
  private readonly w: OnnxWriter;
  private readonly solver: DimensionSolver;
  private inlined = 0;

  constructor(private readonly program: Program, opset: number, entry: IrFunction) {
    this.w = new OnnxWriter(opset);
    this.solver = new DimensionSolver(entry.constraints);
  }

  get writer(): OnnxWriter {
    return this.w;
  }

  private call(
    node: Node,
    which: number,
    args: ReadonlyArray<Wire>,
    sizes: ReadonlyArray<Dimension>,
  ): ReadonlyArray<Wire> {
    const fn = functionOf(this.program, node.functions[which]);
    const bindings = bindCall(node.op, fn, args, sizes, this.solver);
    return this.body(fn, bindings, args);
  }

  private runIf(
    node: Node,
    [predicate, ...args]: ReadonlyArray<Wire>,
    types: ReadonlyArray<TensorType>,
    sizes: ReadonlyArray<Dimension>,
  ) {
    const branch = (which: number) => ({ graph: this.w.subgraph([], () => this.call(node, which, args, sizes)) });
    return this.w.ops("If", [predicate], types, { then_branch: branch(0), else_branch: branch(1) });
  }

  private runWhile(
    node: Node,
    args: ReadonlyArray<Wire>,
    types: ReadonlyArray<TensorType>,
    sizes: ReadonlyArray<Dimension>,
  ) {
    const carry = node.attributes.carry as number;
    const [carried, constant] = [args.slice(0, carry), args.slice(carry)];
    const [first] = this.call(node, 0, args, sizes);
    const scalarTypes = [tensorType("i64"), tensorType("bool")];
    const body = this.w.subgraph([...scalarTypes, ...types], ([, , ...state]) => {
      const next = this.call(node, 1, [...state, ...constant], sizes);
      const [goesOn] = this.call(node, 0, [...next, ...constant], sizes);
      return [goesOn, ...next];
    });
    return this.w.ops("Loop", [undefined, first, ...carried], types, { body: { graph: body } });
  }

  private runScan(
    node: Node,
    args: ReadonlyArray<Wire>,
    types: ReadonlyArray<TensorType>,
    sizes: ReadonlyArray<Dimension>,
    length: Dimension,
  ) {
    const { w } = this;
    const [carry, count] = [node.attributes.carry as number, node.attributes.scanned as number];
    const [carried, constant] = [args.slice(0, carry), args.slice(carry + count)];
    const own = args.slice(carry, carry + count);
    // ONNX needs one scanned operand to know the number of turns.
    const scanned = own.length > 0 ? own : [w.range(length)];
    if (length === 0) {
      const empty = types.slice(carry).map((type) => w.fill(w.number(type.dtype, 0), type.shape));
      return [...carried, ...empty];
    }
    const rows = scanned.map(rowOf);
    const body = w.subgraph([...carried, ...rows], (inputs) => {
      const [state, row] = [inputs.slice(0, carry), inputs.slice(carry)];
      return this.call(node, 0, [...state, ...(own.length > 0 ? row : []), ...constant], sizes);
    });
    const direction = node.attributes.reverse === true ? 1 : 0;
    const stacked = types.length - carry;
    return w.ops("Scan", [...carried, ...scanned], types, {
      body: { graph: body },
      num_scan_inputs: scanned.length,
      scan_input_directions: scanned.map(() => direction),
      ...(stacked > 0 ? { scan_output_directions: Array.from({ length: stacked }, () => direction) } : {}),
    });
  }

  private node(node: Node, path: string, bindings: Bindings, inputs: ReadonlyArray<Wire>): ReadonlyArray<Wire> {
    if (++this.inlined > MAX_INLINED_NODES) {
      throw overLimit({ what: "a program with its calls in place", limit: MAX_INLINED_NODES, found: this.inlined });
    }
    this.w.path = node.location ?? path;
    this.w.current = node.op;
    const types = node.results.map((type) => substituteType(type, bindings));
    const attributes = substituteAttributes(node.op, node.attributes, bindings);
    const sizes = (attributes.sizes ?? []) as ReadonlyArray<Dimension>;
    if (node.op === "call") return this.call(node, 0, inputs, sizes);
    if (node.op === "if") return this.runIf(node, inputs, types, sizes);
    if (node.op === "while") return this.runWhile(node, inputs, types, sizes);
    if (node.op === "scan") return this.runScan(node, inputs, types, sizes, attributes.length as Dimension);
    const narrow = [...inputs, ...types].find(({ dtype }) => dtype === "i4");
    if (narrow !== undefined) this.w.refuse("runtimes compute nothing in i4");
    return EMISSION[node.op](this.w, { op: node.op, inputs, results: types, attributes });
  }

  /** Emits a function in place. */
  body(fn: IrFunction, bindings: Bindings, args: ReadonlyArray<Wire>): ReadonlyArray<Wire> {
    const wires: Array<Wire | undefined> = [...args];
    const needed = neededNodes(fn);
    fn.nodes.forEach((node, index) => {
      if (!needed.has(node)) {
        node.results.forEach(() => wires.push(undefined));
        return;
      }
      const made = this.node(
        node,
        `/functions/${fn.name}/nodes/${index}`,
        bindings,
        node.operands.map((operand) => wires[operand]!),
      );
      // Types stay those the program says, whatever the operators' own inference would call them.
      made.forEach((wire, i) => {
        const type = substituteType(node.results[i], bindings);
        wires.push({ ...wire, shape: type.shape, dtype: type.dtype });
      });
    });
    return fn.returns.map((value) => wires[value]!);
  }
}

const checkOptions = (fn: IrFunction, { opset = DEFAULT_OPSET, outputs, weights = {} }: ExportOptions): void => {
  if (!Number.isInteger(opset) || opset < OLDEST_EXPORT || opset > NEWEST_EXPORT) {
    throw badAttribute({
      op: "export",
      reason: `version ${opset} of the operator set is not one of ${OLDEST_EXPORT} to ${NEWEST_EXPORT}`,
      expected: `${OLDEST_EXPORT} … ${NEWEST_EXPORT}`,
      actual: opset,
    });
  }
  if (outputs !== undefined && outputs.length !== fn.returns.length) {
    throw badAttribute({ op: "export", reason: `${outputs.length} names for ${fn.returns.length} results` });
  }
  const unknown = Object.keys(weights).find((name) => !fn.parameters.some((parameter) => parameter.name === name));
  if (unknown !== undefined) throw badAttribute({ op: "export", reason: `no parameter is called ${unknown}` });
};

/**
 * The bytes of an ONNX model that means what the program means; throws `IR_EMIT_UNSUPPORTED` where ONNX cannot say it.
 *
 * @example
 * ```ts
 * import { buildProgram, exportOnnx, importOnnx } from "@rmi/rmi/ir";
 * import assert from "node:assert/strict";
 * const dense = buildProgram({ x: "f32[B,4]", w: "f32[4,2]" }, (g, { x, w }) => g.tanh(g.matmul(x, w)));
 * assert.deepEqual(importOnnx(exportOnnx(dense)).inputs, ["x", "w"]);
 * ```
 */
export const exportOnnx = (program: Program, options: ExportOptions = {}): Uint8Array<ArrayBuffer> => {
  const fn = functionOf(program);
  checkOptions(fn, options);
  const { opset = DEFAULT_OPSET, sizes = {}, weights = {}, outputs } = options;
  const given: Bindings = new Map(Object.entries(sizes));
  const open = fn.sizes.find((name) => !given.has(name));
  if (open !== undefined) throw unboundDimension({ dimension: open, where: `@${fn.name}` });
  const exporter = new Exporter(program, opset, fn);
  const { writer } = exporter;
  // A name is used once in a model; parameters may share one in the IR.
  const parameters = fn.parameters.map(({ name, type }): Wire => ({
    ...substituteType(type, given),
    name: writer.reserve(name),
  }));
  const aliases = fn.returns.map((_, i) => writer.reserve(outputs?.[i] ?? `result${i}`));
  const inputs = parameters.filter((_, i) => !Object.hasOwn(weights, fn.parameters[i].name));
  const args = parameters.map((wire, i) => {
    const value = weights[fn.parameters[i].name];
    if (!Object.hasOwn(weights, fn.parameters[i].name)) return wire;
    if (!sameType(tensorType(value.dtype, value.shape), wire)) {
      throw wrongShape({
        op: "export",
        reason: `weight ${wire.name} is ${printType(value)}, and the parameter is ${printType(wire)}`,
        expected: printType(wire),
        actual: printType(value),
      });
    }
    return writer.initializer(wire.name, value);
  });
  for (const wire of args) {
    wire.shape.forEach((size, axis) => {
      const [symbol] = symbolsOf(size);
      if (symbol !== undefined && symbol === size) writer.declareSize(symbol, wire, axis);
    });
  }
  const results = exporter.body(fn, given, args).map((wire, i) => ({
    ...writer.op("Identity", [wire], wire),
    alias: aliases[i],
  }));
  const { node, initializer } = writer.finish();
  // The last Identity of each result is renamed to what the caller calls it.
  const renames = new Map(results.map(({ name, alias }) => [name, alias]));
  const renamed = node.map((message) => {
    const [first] = message.output as ReadonlyArray<string>;
    const alias = renames.get(first);
    return alias === undefined ? message : { ...message, output: [alias] };
  });
  return writeMessage({
    irVersion: FORMAT_VERSIONS[opset],
    opsetImport: [{ domain: "", version: opset }],
    producerName: "rmi",
    graph: {
      name: program.entry,
      node: renamed,
      initializer,
      input: inputs.map((wire) => valueInfo(wire.name, wire)),
      output: results.map((wire) => valueInfo(wire.alias, wire)),
    },
  }, MODEL);
};
