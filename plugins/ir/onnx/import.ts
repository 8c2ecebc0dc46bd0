/**
 * Import: an ONNX model becomes a program of the IR.
 *
 * Not the operators' meaning (operators/): here names are resolved, constants folded, graphs and functions walked.
 * Invariant: what is imported is checked like any program; what the IR does not have is refused by operator and node;
 * any bytes give a program or a typed failure.
 *
 * @module
 */
import * as Result from "effect/Result";
import { buildProgram, type FunctionBuilder, ProgramBuilder } from "../builder.ts";
import type { Dimension } from "../dimension.ts";
import { evaluate } from "../evaluate.ts";
import { attempt, badOnnx, isIrFailure, locate, overLimit, unsupportedOnnx } from "../failures.ts";
import type { Program } from "../graph.ts";
import { Value } from "../operators.ts";
import { isConcrete, isFloat, type TensorType, tensorType } from "../types.ts";
import { elementCount, type Tensor, tensor } from "../value.ts";
import { type Body, isValue, type Item, type Lowered, OnnxNode } from "./operator.ts";
import { operatorOf } from "./operators.ts";
import { readMessage } from "./protobuf.ts";
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  MODEL,
  type ModelProto,
  type NodeProto,
  type OperatorSetProto,
  type TypeProto,
  type ValueInfoProto,
} from "./schema.ts";
import { dtypeOf, tensorFromProto } from "./tensors.ts";

/** Newest version of the standard operator set whose meaning is known. */
export const NEWEST_OPSET = 21;

/** Largest model. */
export const MAX_MODEL_BYTES: number = 2 ** 31;

/** Most elements of a result that is computed at import. */
export const MAX_FOLDED_ELEMENTS = 65536;

/** Deepest nesting of graphs and functions. */
export const MAX_GRAPH_DEPTH = 32;

/** How a model is imported. */
export interface ImportOptions {
  /** Values of inputs that are fixed: they are no parameters of the program, and shapes may depend on them. */
  readonly known?: { readonly [input: string]: Tensor };
  /** Numbers for the model's named dimensions. */
  readonly sizes?: { readonly [name: string]: number };
  /** Whether float literals of the model become parameters after the inputs, to be trained; constants where absent. */
  readonly weights?: "constants" | "parameters";
}

/** An imported model. */
export interface Imported {
  /** The program; its results are the model's outputs in order. */
  readonly program: Program;
  /** Names of the model's inputs that are parameters, in order. */
  readonly inputs: ReadonlyArray<string>;
  /** Names of the model's outputs, in order. */
  readonly outputs: ReadonlyArray<string>;
  /** Literals that became parameters, in the order of the parameters after the inputs. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Version of the standard operator set it was written in. */
  readonly opset: number;
}

const NOTHING: ReadonlySet<string> = new Set();

const union = (items: ReadonlyArray<Item | undefined>): ReadonlySet<string> => {
  const found = new Set<string>();
  for (const item of items) item?.from.forEach((name) => found.add(name));
  return found.size === 0 ? NOTHING : found;
};

const knownItem = (known: Tensor, from: ReadonlySet<string> = NOTHING): Item => ({
  type: tensorType(known.dtype, known.shape),
  known,
  from,
});

/** Names a graph can see: its own, then those around it. */
class Scope {
  private readonly items = new Map<string, Item>();
  constructor(private readonly parent?: Scope) {}
  find(name: string): Item | undefined {
    return this.items.get(name) ?? this.parent?.find(name);
  }
  set(name: string, item: Item): void {
    this.items.set(name, item);
  }
}

/** Names of dimensions in a form the IR reads. */
const sizeName = (name: string): string => {
  const plain = name.replaceAll(/[^A-Za-z0-9_]/gu, "_");
  return /^[A-Za-z_]/u.test(plain) && plain !== "div" ? plain : `d_${plain}`;
};

/** Names of parameters in a form the IR's text form reads. */
const parameterName = (name: string): string => {
  const plain = name.replaceAll(/[^A-Za-z0-9_.]/gu, "_").slice(0, 100);
  return /^[A-Za-z_]/u.test(plain) ? plain : `p_${plain}`;
};

type Opsets = ReadonlyMap<string, number>;

const domainOf = (domain: string | undefined): string => domain === "ai.onnx" ? "" : domain ?? "";

const opsetsOf = (imports: ReadonlyArray<OperatorSetProto>): Opsets =>
  new Map(imports.map(({ domain, version }) => [domainOf(domain), Number(version ?? 1)]));

class Importer {
  private readonly functions: ReadonlyMap<string, FunctionProto>;
  private readonly constants = new WeakMap<FunctionBuilder, Map<Item, Value>>();
  private unnamed = 0;

  constructor(
    private readonly model: ModelProto,
    private readonly options: ImportOptions,
    private readonly opsets: Opsets,
  ) {
    this.functions = new Map(model.functions.map((fn) => [`${domainOf(fn.domain)}:${fn.name ?? ""}`, fn]));
  }

  /** A type with named dimensions; unnamed unknown ones get names of their own. */
  private typeOf(type: TypeProto | undefined, name: string): TensorType {
    const tensor = type?.tensorType;
    if (tensor === undefined) {
      const what = type?.sequenceType ? "a sequence" : type?.optionalType ? "an optional" : "no tensor";
      throw unsupportedOnnx({ op: "an input", node: name, reason: `${name} is ${what}, and the IR has only tensors` });
    }
    const dtype = dtypeOf(tensor.elemType, "an input", name);
    if (tensor.shape === undefined) {
      throw unsupportedOnnx({ op: "an input", node: name, reason: `the rank of ${name} is not known` });
    }
    return tensorType(
      dtype,
      tensor.shape.dim.map(({ dimValue, dimParam }): Dimension => {
        if (dimValue !== undefined && (dimParam ?? "") === "") return Number(dimValue);
        const symbol = (dimParam ?? "") === "" ? `unknown${this.unnamed++}` : sizeName(dimParam!);
        return this.options.sizes?.[dimParam ?? symbol] ?? this.options.sizes?.[symbol] ?? symbol;
      }),
    );
  }

  private materialize(g: FunctionBuilder, item: Item): Value {
    if (item.value !== undefined) return item.value;
    let cache = this.constants.get(g);
    if (cache === undefined) this.constants.set(g, cache = new Map());
    const found = cache.get(item) ?? this.constantOf(g, item);
    cache.set(item, found);
    return found;
  }

  private constantOf(g: FunctionBuilder, { known, sizes, type }: Item): Value {
    if (known !== undefined) return g.constant(known);
    const parts = sizes!.map((size) => g.dimension(size, type.dtype));
    return type.shape.length === 0 ? parts[0] : g.concat(parts.map((part) => g.reshape(part, [1])), 0);
  }

  /** The results of a row as items. */
  private itemsOf(made: Lowered, from: ReadonlySet<string>): ReadonlyArray<Item> {
    const list = made instanceof Value ? [made] : made;
    return list.map((result) => isValue(result) ? { type: result.type, value: result, from } : result);
  }

  /** A node all of whose operands are known, computed now by the reference; undefined where that is too much. */
  private fold(
    node: NodeProto,
    version: number,
    items: ReadonlyArray<Item | undefined>,
  ): ReadonlyArray<Item> | undefined {
    const usable = items.every((item) =>
      item === undefined || (item.known !== undefined && item.known.data.length <= MAX_FOLDED_ELEMENTS)
    );
    if (!usable || node.attribute.some(({ g }) => g !== undefined)) return undefined;
    const from = union(items);
    try {
      let made: ReadonlyArray<Item> = [];
      const program = buildProgram({}, (g) => {
        made = this.itemsOf(this.lower(g, node, version, items), from);
        return made.map((item) => this.materialize(g, item));
      });
      const small = made.every(({ type }) => isConcrete(type) && elementCount(type.shape) <= MAX_FOLDED_ELEMENTS);
      if (!small) return undefined;
      return evaluate(program, []).results.map((known) => knownItem(known, from));
    } catch (thrown) {
      // What cannot be folded is lowered in place, where the same refusal gets its path.
      if (isIrFailure(thrown)) return undefined;
      throw thrown;
    }
  }

  private node(
    g: FunctionBuilder,
    node: NodeProto,
    version: number,
    items: ReadonlyArray<Item | undefined>,
    scope?: Scope,
    depth = 0,
  ): OnnxNode {
    return new OnnxNode(
      g,
      node,
      version,
      items,
      (at, item) => this.materialize(at, item),
      (graph) => this.body(graph, scope, depth),
    );
  }

  private lower(
    g: FunctionBuilder,
    node: NodeProto,
    version: number,
    items: ReadonlyArray<Item | undefined>,
    scope?: Scope,
    depth = 0,
  ): Lowered {
    const row = operatorOf(node.opType ?? "", domainOf(node.domain), version, node.name || node.output[0] || "");
    return row.lower(this.node(g, node, version, items, scope, depth));
  }

  /** A node that computes with shapes: its integers as dimensions. */
  private shapes(
    g: FunctionBuilder,
    node: NodeProto,
    version: number,
    items: ReadonlyArray<Item | undefined>,
  ): ReadonlyArray<Item> | undefined {
    const row = operatorOf(node.opType ?? "", domainOf(node.domain), version, node.name || node.output[0] || "");
    // Shapes themselves are known whatever the elements are; what is computed from them needs them as dimensions.
    const ofShape = row.name === "Shape" || row.name === "Size";
    const computes = items.some((item) => item?.sizes !== undefined);
    if (row.sizes === undefined || !(ofShape || computes)) return undefined;
    // A row computes with shapes only where all it reads are shapes; elsewhere it is an ordinary node.
    const found = attempt(() => row.sizes!(this.node(g, node, version, items)));
    if (Result.isFailure(found) || found.success === undefined) return undefined;
    const sizes = found.success;
    const from = ofShape ? NOTHING : union(items);
    const scalar = row.name === "Size" || (row.name !== "Shape" && this.isScalarResult(g, node, version, items));
    const shape = scalar ? [] : [sizes.length];
    if (sizes.every((size) => typeof size === "number")) return [knownItem(tensor("i64", shape, sizes), from)];
    return [{ type: tensorType("i64", shape), sizes, from }];
  }

  /** Whether shape arithmetic gives a scalar: asked of the row itself, on a function that is thrown away. */
  private isScalarResult(
    g: FunctionBuilder,
    node: NodeProto,
    version: number,
    items: ReadonlyArray<Item | undefined>,
  ): boolean {
    const made = this.lower(g, node, version, items);
    const [first] = made instanceof Value ? [made] : made;
    return (isValue(first) ? first.type : first.type).shape.length === 0;
  }

  private visit(g: FunctionBuilder, node: NodeProto, opsets: Opsets, scope: Scope, depth: number): void {
    const domain = domainOf(node.domain);
    const items = node.input.map((name) => {
      if (name === "") return undefined;
      return scope.find(name) ?? (() => {
        throw badOnnx({ reason: `node ${node.name || node.output[0]} uses ${name}, which nothing before it makes` });
      })();
    });
    while (items.length > 0 && items.at(-1) === undefined) items.pop();
    const fn = this.functions.get(`${domain}:${node.opType ?? ""}`);
    const version = opsets.get(domain) ?? this.opsets.get(domain) ?? 1;
    const made = fn === undefined
      ? this.shapes(g, node, version, items) ?? this.fold(node, version, items) ??
        this.itemsOf(this.lower(g, node, version, items, scope, depth), union(items))
      : this.inline(g, fn, node, items, depth);
    node.output.forEach((name, i) => {
      if (name === "") return;
      if (made[i] === undefined) {
        throw unsupportedOnnx({
          op: node.opType ?? "",
          node: node.name ?? name,
          reason: `its output ${i} is not made`,
        });
      }
      scope.set(name, made[i]);
    });
  }

  private nodes(
    g: FunctionBuilder,
    nodes: ReadonlyArray<NodeProto>,
    opsets: Opsets,
    scope: Scope,
    depth: number,
  ): void {
    if (depth > MAX_GRAPH_DEPTH) throw overLimit({ what: "nested graphs", limit: MAX_GRAPH_DEPTH, found: depth });
    nodes.forEach((node, index) => {
      const path = `/graph/${node.name || node.output[0] || index}`.slice(0, 256);
      g.at(path, () => locate(path, () => this.visit(g, node, opsets, scope, depth)));
    });
  }

  /** Runs a function of the model in place of the node that calls it. */
  private inline(
    g: FunctionBuilder,
    fn: FunctionProto,
    node: NodeProto,
    items: ReadonlyArray<Item | undefined>,
    depth: number,
  ): ReadonlyArray<Item> {
    const scope = new Scope();
    fn.input.forEach((name, i) => {
      if (items[i] !== undefined) scope.set(name, items[i]);
    });
    const given = new Map(
      [...fn.attributeProto, ...node.attribute].map((attribute) => [attribute.name ?? "", attribute]),
    );
    const resolved = (attribute: AttributeProto): ReadonlyArray<AttributeProto> => {
      if ((attribute.refAttrName ?? "") === "") return [attribute];
      const value = given.get(attribute.refAttrName!);
      return value === undefined ? [] : [{ ...value, name: attribute.name ?? "" }];
    };
    const nodes = fn.node.map((inner) => ({
      ...inner,
      // Operands of the function that the caller leaves out are absent inside too.
      input: inner.input.map((name) => fn.input.includes(name) && scope.find(name) === undefined ? "" : name),
      attribute: inner.attribute.flatMap(resolved),
    }));
    this.nodes(g, nodes, opsetsOf(fn.opsetImport), scope, depth + 1);
    return fn.output.map((name) =>
      scope.find(name) ?? (() => {
        throw badOnnx({ reason: `function ${fn.name} does not make its output ${name}` });
      })()
    );
  }

  private literals(graph: GraphProto, scope: Scope): void {
    if (graph.sparseInitializer.length > 0) {
      throw unsupportedOnnx({ op: "a graph", node: graph.name ?? "", reason: "the IR has no sparse tensors" });
    }
    for (const proto of graph.initializer) {
      const name = proto.name ?? "";
      if (scope.find(name) === undefined) scope.set(name, knownItem(tensorFromProto(proto, "an initializer", name)));
    }
  }

  private outputs(graph: GraphProto, scope: Scope): ReadonlyArray<Item> {
    return graph.output.map(({ name }) =>
      scope.find(name ?? "") ?? (() => {
        throw badOnnx({ reason: `nothing makes output ${name}` });
      })()
    );
  }

  private body(graph: GraphProto, parent: Scope | undefined, depth: number): Body {
    return {
      inputs: graph.input.length,
      outputs: graph.output.length,
      run: (g, inputs) => {
        const scope = new Scope(parent);
        graph.input.forEach(({ name }, i) => {
          if (inputs[i] !== undefined) scope.set(name ?? "", inputs[i]);
        });
        const own = new Scope(scope);
        for (const proto of graph.initializer) {
          own.set(proto.name ?? "", knownItem(tensorFromProto(proto, "an initializer", proto.name ?? "")));
        }
        this.nodes(g, graph.node, this.opsets, own, depth + 1);
        return this.outputs(graph, own);
      },
    };
  }

  /** The model as a function of its inputs. */
  import(graph: GraphProto): Imported {
    const { known = {}, weights: how = "constants" } = this.options;
    const literals = new Set(graph.initializer.map(({ name }) => name ?? ""));
    const inputs = graph.input.filter(({ name }) => !literals.has(name ?? "") && !Object.hasOwn(known, name ?? ""));
    const types = inputs.map(({ name, type }) => this.typeOf(type, name ?? ""));
    const program = new ProgramBuilder();
    const g = program.open("main");
    const scope = new Scope();
    const taken = new Set<string>();
    const parameter = (name: string, type: TensorType): Value => {
      let plain = parameterName(name);
      while (taken.has(plain)) plain += "_";
      taken.add(plain);
      return g.parameter(plain, type);
    };
    inputs.forEach(({ name }: ValueInfoProto, i) => {
      scope.set(name ?? "", { type: types[i], value: parameter(name ?? "", types[i]), from: new Set([name ?? ""]) });
    });
    for (const [name, value] of Object.entries(known)) scope.set(name, knownItem(value, new Set([name])));
    const weights = new Map<string, Tensor>();
    if (how === "parameters") {
      for (const proto of graph.initializer) {
        const value = tensorFromProto(proto, "an initializer", proto.name ?? "");
        if (!isFloat(value.dtype)) continue;
        const type = tensorType(value.dtype, value.shape);
        scope.set(proto.name ?? "", { type, value: parameter(proto.name ?? "", type), from: NOTHING });
        weights.set(proto.name ?? "", value);
      }
    }
    this.literals(graph, scope);
    this.nodes(g, graph.node, this.opsets, scope, 0);
    const results = this.outputs(graph, scope).map((item) => this.materialize(g, item));
    program.add(g.function(results, { live: true }));
    return {
      program: program.build("main"),
      inputs: inputs.map(({ name }) => name ?? ""),
      outputs: graph.output.map(({ name }) => name ?? ""),
      weights,
      opset: this.opsets.get("") ?? 1,
    };
  }
}

/**
 * A program from the bytes of an ONNX model; throws failures of the catalogue, whatever the bytes are.
 */
export const importOnnx = (bytes: Uint8Array, options: ImportOptions = {}): Imported => {
  if (bytes.length > MAX_MODEL_BYTES) {
    throw overLimit({ what: "an ONNX model", limit: MAX_MODEL_BYTES, found: `${bytes.length} bytes` });
  }
  const model = readMessage(bytes, MODEL) as unknown as ModelProto;
  if (model.graph === undefined) throw badOnnx({ reason: "there is no graph in it" });
  const opsets = opsetsOf(model.opsetImport);
  const opset = opsets.get("") ?? 1;
  if (opset > NEWEST_OPSET) {
    throw unsupportedOnnx({
      op: "the model",
      node: "",
      reason: `it is written in version ${opset} of the operator set, and ${NEWEST_OPSET} is the newest known`,
      expected: NEWEST_OPSET,
      actual: opset,
    });
  }
  return new Importer(model, options, opsets).import(model.graph);
};

/** Inputs and outputs of an ONNX model, as text types where they are tensors. */
export interface OnnxSignature {
  /** Inputs that are no initialisers. */
  readonly inputs: ReadonlyArray<string>;
  /** Outputs. */
  readonly outputs: ReadonlyArray<string>;
  /** Operators used, each once. */
  readonly operators: ReadonlyArray<string>;
}

/** What a model takes, makes and uses, without importing it. */
export const inspectOnnx = (bytes: Uint8Array): OnnxSignature => {
  const { graph } = readMessage(bytes, MODEL) as unknown as ModelProto;
  if (graph === undefined) throw badOnnx({ reason: "there is no graph in it" });
  const literals = new Set(graph.initializer.map(({ name }) => name));
  return {
    inputs: graph.input.filter(({ name }) => !literals.has(name)).map(({ name }) => name ?? ""),
    outputs: graph.output.map(({ name }) => name ?? ""),
    operators: [...new Set(graph.node.map(({ opType }) => opType ?? ""))].sort(),
  };
};
