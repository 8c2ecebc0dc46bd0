/**
 * Architecture: a network as a graph of layers that can be looked at and changed.
 *
 * Not nodes of the IR: a node is a layer of the layer table, or an input. Plain data, never changed in place: edit.ts gives
 * new ones.
 * Invariant: nodes have unique ids and names; an edge's ends exist; an input of a node has one edge at most; there is no
 * cycle. Whether layers fit each other is another question (shapes.ts).
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { badArchitecture } from "../failures.ts";
import type { Layer } from "../layers/layer.ts";
import type { Settings } from "../layers/settings.ts";

/** The kind of nodes by which data come in. */
export const INPUT = "input";

/** A node. */
export interface ArchitectureNode {
  /** Its identity: given when it is added and never used again. */
  readonly id: string;
  /** What people call it, and what its tensors' paths begin with. */
  readonly name: string;
  /** {@link INPUT}, or a kind of the layer table. */
  readonly kind: string;
  /** What the layer is told. */
  readonly settings: Settings;
  /** The layers inside it, where its kind has any. */
  readonly parts?: ReadonlyArray<Layer>;
  /** Of an input: the type of a batch, whose first size is `B`, as text. */
  readonly type?: string;
  /** Whether training leaves its tensors as they are. */
  readonly frozen?: boolean;
  /** What people note about it. */
  readonly metadata?: { readonly [key: string]: string };
}

/** What is done to a value on its way along an edge; sizes and axes are those of a sample, without the batch. */
export type Transform =
  | { readonly kind: "reshape"; readonly sizes: ReadonlyArray<number> }
  /** Axes counted from 1. */
  | { readonly kind: "transpose"; readonly axes: ReadonlyArray<number> }
  /** Along an axis counted from 1, the first where absent. */
  | { readonly kind: "slice"; readonly start: number; readonly end: number; readonly axis?: number }
  | { readonly kind: "cast"; readonly dtype: string }
  | { readonly kind: "broadcast"; readonly sizes: ReadonlyArray<number> };

/** An edge. */
export interface ArchitectureEdge {
  /** Node that makes the value. */
  readonly from: string;
  /** Which of its results. */
  readonly output: number;
  /** Node that takes it. */
  readonly to: string;
  /** As which of its inputs. */
  readonly input: number;
  /** What is done on the way. */
  readonly transform?: Transform;
}

/** A network as a graph. */
export interface Architecture {
  /** Its name. */
  readonly name: string;
  /** How often it was changed, from 1. */
  readonly version: number;
  /** The number of the next node's id. */
  readonly next: number;
  /** Its nodes, in the order in which they were added. */
  readonly nodes: ReadonlyArray<ArchitectureNode>;
  /** Its edges, by the node that takes and the input. */
  readonly edges: ReadonlyArray<ArchitectureEdge>;
  /** Nodes whose results the network gives, in order. */
  readonly outputs: ReadonlyArray<string>;
  /** What people note about it. */
  readonly metadata: { readonly [key: string]: string };
}

/** An architecture with nothing in it. */
export const emptyArchitecture = (name: string): Architecture => ({
  name,
  version: 1,
  next: 1,
  nodes: [],
  edges: [],
  outputs: [],
  metadata: {},
});

const SUGGESTED = 3;

/** A node by id; throws `NEURAL_ARCHITECTURE` where there is none. */
export const nodeOf = (architecture: Architecture, id: string, what = "find a node"): ArchitectureNode => {
  const found = architecture.nodes.find((node) => node.id === id);
  if (found !== undefined) return found;
  const named = nodeNamed(architecture, id);
  const suggestions = named === undefined
    ? nearest(id, architecture.nodes.map((node) => node.id), SUGGESTED)
    : [named.id];
  throw badArchitecture({ what, reason: `there is no node ${id}`, actual: id, suggestions });
};

/** A node by name. */
export const nodeNamed = (architecture: Architecture, name: string): ArchitectureNode | undefined =>
  architecture.nodes.find((node) => node.name === name);

/** Nodes of a kind. */
export const nodesOfKind = (architecture: Architecture, kind: string): ReadonlyArray<ArchitectureNode> =>
  architecture.nodes.filter((node) => node.kind === kind);

/** The nodes by which data come in. */
export const inputsOf = (architecture: Architecture): ReadonlyArray<ArchitectureNode> =>
  nodesOfKind(architecture, INPUT);

/** Edges into a node, by input. */
export const edgesInto = (architecture: Architecture, id: string): ReadonlyArray<ArchitectureEdge> =>
  architecture.edges.filter(({ to }) => to === id);

/** Edges out of a node. */
export const edgesFrom = (architecture: Architecture, id: string): ReadonlyArray<ArchitectureEdge> =>
  architecture.edges.filter(({ from }) => from === id);

/** Ids of the nodes that a node takes from, each once. */
export const predecessors = (architecture: Architecture, id: string): ReadonlyArray<string> => [
  ...new Set(edgesInto(architecture, id).map(({ from }) => from)),
];

/** Ids of the nodes that take from a node, each once. */
export const successors = (architecture: Architecture, id: string): ReadonlyArray<string> => [
  ...new Set(edgesFrom(architecture, id).map(({ to }) => to)),
];

/** Nodes in an order in which each comes after those it takes from; of several that may come next, the one added first. */
export const topologicalOrder = (architecture: Architecture): ReadonlyArray<ArchitectureNode> => {
  const waiting = new Map(architecture.nodes.map(({ id }) => [id, predecessors(architecture, id).length]));
  const order: ArchitectureNode[] = [];
  for (;;) {
    const ready = architecture.nodes.find(({ id }) => waiting.get(id) === 0);
    if (ready === undefined) return order;
    waiting.delete(ready.id);
    order.push(ready);
    for (const id of successors(architecture, ready.id)) waiting.set(id, waiting.get(id)! - 1);
  }
};

/** Whether a node can be reached from another along edges. */
export const reaches = (architecture: Architecture, from: string, to: string): boolean => {
  const seen = new Set<string>();
  const open = [from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === to) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    open.push(...successors(architecture, next));
  }
  return false;
};

/** Nodes on the longest path. */
export const depthOf = (architecture: Architecture): number => {
  const depths = new Map<string, number>();
  for (const { id } of topologicalOrder(architecture)) {
    const before = predecessors(architecture, id).map((from) => depths.get(from)!);
    depths.set(id, 1 + Math.max(0, ...before));
  }
  return Math.max(0, ...depths.values());
};
