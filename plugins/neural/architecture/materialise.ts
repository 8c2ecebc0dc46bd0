/**
 * Materialise: an architecture as a network, and what of it does not fit.
 *
 * Every node is a layer of the layer table, built in the place its name says; so counts and costs are those of the network
 * itself and not an estimate beside it.
 * Invariant: an architecture without faults becomes a network, and the network's tensors are the nodes' tensors.
 *
 * @module
 */
import { type Failure, isFailure, located } from "../../../kernel/failure.ts";
import type { TensorType } from "../../ir/contract.ts";
import { costOf, elementCount, isDtype, parseType, type Value } from "../../ir/library.ts";
import { BATCH, type Network, type Port } from "../contract.ts";
import { badArchitecture } from "../failures.ts";
import { buildLayer } from "../layers/build.ts";
import type { Layer } from "../layers/layer.ts";
import type { Scope } from "../layers/scope.ts";
import { networkOf } from "../network.ts";
import {
  type Architecture,
  type ArchitectureNode,
  edgesInto,
  INPUT,
  inputsOf,
  nodeOf,
  topologicalOrder,
  type Transform,
} from "./architecture.ts";

const refuse = (what: string, reason: string): never => {
  throw badArchitecture({ what, reason });
};

/** A node as the layer it is. */
export const layerOfNode = ({ kind, settings, parts, frozen }: ArchitectureNode): Layer => ({
  kind,
  settings,
  ...(parts === undefined ? {} : { parts }),
  ...(frozen === true ? { frozen } : {}),
});

const transformed = ({ g }: Scope, value: Value, transform: Transform): Value => {
  const { shape } = value.type;
  const batch = shape[0];
  switch (transform.kind) {
    case "reshape":
      return g.reshape(value, [batch, ...transform.sizes]);
    case "transpose":
      return g.transpose(value, [0, ...transform.axes]);
    case "slice":
      return g.sliceAxis(value, transform.axis ?? 1, transform.start, transform.end);
    case "cast":
      if (!isDtype(transform.dtype)) return refuse("cast", `there is no element type ${transform.dtype}`);
      return g.cast(value, transform.dtype);
    case "broadcast":
      return g.broadcastTo(value, [batch, ...transform.sizes]);
  }
};

/** The values that go into a node, in the order of its inputs. */
const taken = (
  architecture: Architecture,
  node: ArchitectureNode,
  scope: Scope,
  results: ReadonlyMap<string, ReadonlyArray<Value>>,
): ReadonlyArray<Value> =>
  edgesInto(architecture, node.id).map(({ from, output, input, transform }, i) => {
    if (input !== i) refuse(`build ${node.name}`, `nothing goes into its input ${i}`);
    const value = results.get(from)?.[output];
    if (value === undefined) {
      return refuse(`build ${node.name}`, `${nodeOf(architecture, from).name} has no output ${output}`);
    }
    return transform === undefined ? value : transformed(scope, value, transform);
  });

/** A failure of a node, with where it is. */
const atNode = <A>(node: ArchitectureNode, build: () => A): A => {
  try {
    return build();
  } catch (thrown) {
    throw isFailure(thrown) ? located(thrown, `/nodes/${node.id}`) : thrown;
  }
};

const portOf = (node: ArchitectureNode): Port => atNode(node, () => ({ name: node.name, type: parseType(node.type!) }));

/**
 * The network of an architecture: its inputs in the order of their nodes, its tensors under the names of theirs. Throws
 * what does not fit, with the node's id in the path.
 *
 * @example
 * ```ts
 * import { mlpArchitecture, networkOfArchitecture } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const network = networkOfArchitecture(mlpArchitecture("f32[B,784]", [128, 10]));
 * assert.deepEqual(network.parameters[0].path, "linear1/weight");
 * ```
 */
export const networkOfArchitecture = (architecture: Architecture): Network => {
  const inputs = inputsOf(architecture);
  if (inputs.length === 0) refuse(`build ${architecture.name}`, "it has no input");
  if (architecture.outputs.length === 0) refuse(`build ${architecture.name}`, "it has no output");
  const order = topologicalOrder(architecture).filter(({ kind }) => kind !== INPUT);
  return networkOf(inputs.map(portOf), (scope, values) => {
    const results = new Map<string, ReadonlyArray<Value>>(inputs.map(({ id }, i) => [id, [values[i]]]));
    for (const node of order) {
      const made = atNode(
        node,
        () => buildLayer(layerOfNode(node), scope.child(node.name), taken(architecture, node, scope, results)),
      );
      results.set(node.id, made);
    }
    return architecture.outputs.flatMap((id) => results.get(id)!);
  });
};

/** What is known of a node. */
export interface NodeReport {
  /** The node. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** Types of what it takes. */
  readonly inputs: ReadonlyArray<TensorType>;
  /** Types of what it gives. */
  readonly outputs: ReadonlyArray<TensorType>;
  /** Learned numbers. */
  readonly parameters: number;
  /** Floating-point operations of a forward pass. */
  readonly flops: number;
}

/** Something that does not fit. */
export interface ArchitectureFault {
  /** The node where it shows; absent where it is the whole's. */
  readonly node?: string;
  /** What it is. */
  readonly failure: Failure;
}

/** What is known of an architecture. */
export interface ArchitectureReport {
  /** Every node whose inputs are known, in topological order. */
  readonly nodes: ReadonlyArray<NodeReport>;
  /** What does not fit; empty where the architecture is a network. */
  readonly faults: ReadonlyArray<ArchitectureFault>;
}

const parametersOf = ({ parameters }: Network): number =>
  parameters.reduce((sum, { type }) => sum + elementCount(type.shape), 0);

const flopsOf = ({ evaluation }: Network, batch: number): number =>
  Number(costOf(evaluation, { [BATCH]: batch }).flops);

/** What a node makes of inputs of some types, as a network of its own. */
const alone = (
  architecture: Architecture,
  node: ArchitectureNode,
  known: ReadonlyMap<string, ReadonlyArray<TensorType>>,
  batch: number,
): NodeReport => {
  const edges = edgesInto(architecture, node.id);
  const ports = [...new Set(edges.map(({ from }) => from))].map((from) =>
    known.get(from)!.map((
      type,
      output,
    ): readonly [string, Port] => [`${from} ${output}`, { name: `${from}_${output}`, type }])
  ).flat();
  const types: TensorType[] = [];
  const network = networkOf(ports.map(([, port]) => port), (scope, values) => {
    const results = new Map<string, Value[]>();
    ports.forEach(([key], i) => {
      const [from, output] = key.split(" ");
      const list = results.get(from) ?? [];
      list[Number(output)] = values[i];
      results.set(from, list);
    });
    const inputs = taken(architecture, node, scope, results);
    types.splice(0, types.length, ...inputs.map(({ type }) => type));
    return buildLayer(layerOfNode(node), scope.child(node.name), inputs);
  });
  return {
    id: node.id,
    name: node.name,
    inputs: types,
    outputs: network.outputs.map(({ type }) => type),
    parameters: parametersOf(network),
    flops: flopsOf(network, batch),
  };
};

/** Looks at every node that can be looked at: types, learned numbers, work; and at everything that does not fit. */
export const analyse = (architecture: Architecture, batch = 1): ArchitectureReport => {
  const faults: ArchitectureFault[] = [];
  const nodes: NodeReport[] = [];
  const known = new Map<string, ReadonlyArray<TensorType>>();
  const whole = (reason: string): void => {
    faults.push({ failure: badArchitecture({ what: `build ${architecture.name}`, reason }) });
  };
  if (inputsOf(architecture).length === 0) whole("it has no input");
  if (architecture.outputs.length === 0) whole("it has no output");
  for (const node of topologicalOrder(architecture)) {
    try {
      if (node.kind === INPUT) {
        const { type } = portOf(node);
        known.set(node.id, [type]);
        nodes.push({ id: node.id, name: node.name, inputs: [], outputs: [type], parameters: 0, flops: 0 });
        continue;
      }
      // What depends on a fault is not a fault of its own.
      if (!edgesInto(architecture, node.id).every(({ from }) => known.has(from))) continue;
      const report = atNode(node, () => alone(architecture, node, known, batch));
      known.set(node.id, report.outputs);
      nodes.push(report);
    } catch (thrown) {
      if (!isFailure(thrown)) throw thrown;
      faults.push({ node: node.id, failure: thrown });
    }
  }
  return { nodes, faults };
};

/** The size of an architecture: that of its network, to the number. Throws where it is none. */
export const sizeOf = (
  architecture: Architecture,
  batch = 1,
): { readonly parameters: number; readonly flops: number } => {
  const network = networkOfArchitecture(architecture);
  return { parameters: parametersOf(network), flops: flopsOf(network, batch) };
};
