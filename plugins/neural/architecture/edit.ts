/**
 * Edit: changes of an architecture as data, each with the change that undoes it.
 *
 * Not a diff of two architectures. An edit either gives an architecture that keeps all its invariants or is refused; so
 * nothing that was removed can be reached by what is left.
 * Invariant: an edit and then its inverse give the same nodes, edges and outputs, in the same order; the version counts on.
 *
 * @module
 */
import { nearest } from "../../../kernel/nearest.ts";
import { parseType } from "../../ir/library.ts";
import { badArchitecture } from "../failures.ts";
import type { Layer } from "../layers/layer.ts";
import type { Settings } from "../layers/settings.ts";
import { LAYERS } from "../layers/table.ts";
import {
  type Architecture,
  type ArchitectureEdge,
  type ArchitectureNode,
  edgesInto,
  INPUT,
  nodeOf,
  reaches,
  type Transform,
} from "./architecture.ts";

/** What can be told of a node when it is added. */
export interface NodeSpec {
  /** What people call it. */
  readonly name: string;
  /** Its kind. */
  readonly kind: string;
  /** What the layer is told; the kind's defaults where absent. */
  readonly settings?: Settings;
  /** The layers inside it. */
  readonly parts?: ReadonlyArray<Layer>;
  /** Of an input: its type. */
  readonly type?: string;
  /** Whether training leaves its tensors as they are. */
  readonly frozen?: boolean;
  /** What people note about it. */
  readonly metadata?: { readonly [key: string]: string };
}

/** A change. */
export type Edit =
  /** A node without edges. */
  | { readonly edit: "add"; readonly node: NodeSpec }
  /** A node with its edges and outputs gone. */
  | { readonly edit: "remove"; readonly id: string }
  /** A removed node back in its place, with its edges. */
  | {
    readonly edit: "restore";
    readonly node: ArchitectureNode;
    readonly at: number;
    readonly edges: ReadonlyArray<ArchitectureEdge>;
    readonly outputs: ReadonlyArray<string>;
  }
  /** An edge; the first free input where none is named. */
  | {
    readonly edit: "connect";
    readonly from: string;
    readonly to: string;
    readonly output?: number;
    readonly input?: number;
    readonly transform?: Transform;
  }
  | { readonly edit: "disconnect"; readonly to: string; readonly input: number }
  | { readonly edit: "rename"; readonly id: string; readonly name: string }
  /** Another kind or other settings for a layer. */
  | {
    readonly edit: "configure";
    readonly id: string;
    readonly kind?: string;
    readonly settings?: Settings;
    readonly parts?: ReadonlyArray<Layer>;
  }
  | { readonly edit: "freeze"; readonly id: string; readonly frozen: boolean }
  | { readonly edit: "annotate"; readonly id: string; readonly metadata: { readonly [key: string]: string } }
  /** Which nodes the network gives the results of. */
  | { readonly edit: "outputs"; readonly ids: ReadonlyArray<string> }
  /** Several, one after another, or none of them. */
  | { readonly edit: "all"; readonly edits: ReadonlyArray<Edit> };

/** What an edit gives. */
export interface Edited {
  /** The architecture after it. */
  readonly architecture: Architecture;
  /** What undoes it. */
  readonly inverse: Edit;
}

/** Most nodes. */
export const MAX_ARCHITECTURE_NODES = 2_000;

/** A name's form: it becomes part of tensors' paths. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/u;

const refuse = (
  what: string,
  reason: string,
  more: { actual?: string; suggestions?: ReadonlyArray<string> } = {},
): never => {
  throw badArchitecture({ what, reason, ...more });
};

const needName = (architecture: Architecture, name: string, what: string): void => {
  if (!NAME.test(name)) refuse(what, `"${name}" is no name: letters, digits, _, . and -, at most 64`, { actual: name });
  if (architecture.nodes.some((node) => node.name === name)) {
    refuse(what, `there is a node called ${name}`, { actual: name });
  }
};

const needKind = (kind: string, what: string): void => {
  if (kind === INPUT || LAYERS.has(kind)) return;
  refuse(what, `there is no kind of layer ${kind}`, {
    actual: kind,
    suggestions: nearest(kind, [INPUT, ...LAYERS.keys()], 3),
  });
};

const byPlace = (nodes: ReadonlyArray<ArchitectureNode>) => {
  const place = new Map(nodes.map(({ id }, i) => [id, i]));
  return (x: ArchitectureEdge, y: ArchitectureEdge): number => place.get(x.to)! - place.get(y.to)! || x.input - y.input;
};

type Change = Partial<Pick<Architecture, "nodes" | "edges" | "outputs" | "next">>;

const changed = (architecture: Architecture, change: Change): Architecture => {
  const nodes = change.nodes ?? architecture.nodes;
  const edges = [...(change.edges ?? architecture.edges)].sort(byPlace(nodes));
  return { ...architecture, ...change, nodes, edges, version: architecture.version + 1 };
};

const withNode = (architecture: Architecture, node: ArchitectureNode): Architecture =>
  changed(architecture, { nodes: architecture.nodes.map((known) => known.id === node.id ? node : known) });

type Rule<E extends Edit["edit"]> = (architecture: Architecture, edit: Extract<Edit, { readonly edit: E }>) => Edited;

const add: Rule<"add"> = (architecture, { node }) => {
  const what = `add ${node.name}`;
  needName(architecture, node.name, what);
  needKind(node.kind, what);
  if ((node.kind === INPUT) !== (node.type !== undefined)) {
    refuse(
      what,
      node.kind === INPUT ? "an input needs a type" : "only inputs have a type; a layer's follows from its inputs",
    );
  }
  if (node.type !== undefined) parseType(node.type);
  if (architecture.nodes.length >= MAX_ARCHITECTURE_NODES) refuse(what, `${MAX_ARCHITECTURE_NODES} nodes are the most`);
  const id = `n${architecture.next}`;
  const made: ArchitectureNode = { id, settings: {}, ...node };
  const after = changed(architecture, { nodes: [...architecture.nodes, made], next: architecture.next + 1 });
  return { architecture: after, inverse: { edit: "remove", id } };
};

const remove: Rule<"remove"> = (architecture, { id }) => {
  const node = nodeOf(architecture, id, `remove ${id}`);
  const isGone = ({ from, to }: ArchitectureEdge): boolean => from === id || to === id;
  const after = changed(architecture, {
    nodes: architecture.nodes.filter((known) => known.id !== id),
    edges: architecture.edges.filter((edge) => !isGone(edge)),
    outputs: architecture.outputs.filter((output) => output !== id),
  });
  const { outputs, edges, nodes } = architecture;
  return {
    architecture: after,
    inverse: { edit: "restore", node, at: nodes.indexOf(node), edges: edges.filter(isGone), outputs },
  };
};

const restore: Rule<"restore"> = (architecture, { node, at, edges, outputs }) => {
  const what = `restore ${node.name}`;
  if (architecture.nodes.some(({ id }) => id === node.id)) refuse(what, `there is a node ${node.id}`);
  const number = Number(/^n(\d+)$/u.exec(node.id)?.[1] ?? NaN);
  if (!(number < architecture.next)) refuse(what, `${node.id} was never given out here`);
  needName(architecture, node.name, what);
  needKind(node.kind, what);
  const nodes = architecture.nodes.toSpliced(Math.max(0, Math.min(at, architecture.nodes.length)), 0, node);
  let after = changed(architecture, { nodes });
  for (const edge of edges) after = connect(after, { edit: "connect", ...edge }).architecture;
  for (const id of outputs) nodeOf(after, id, what);
  return {
    architecture: { ...after, outputs, version: architecture.version + 1 },
    inverse: { edit: "remove", id: node.id },
  };
};

const firstFree = (architecture: Architecture, to: string): number => {
  const taken = new Set(edgesInto(architecture, to).map(({ input }) => input));
  let input = 0;
  while (taken.has(input)) input++;
  return input;
};

const isIndex = (value: number): boolean => Number.isInteger(value) && value >= 0;

const connect: Rule<"connect"> = (architecture, { from, to, output = 0, input, transform }) => {
  const what = `connect ${from} to ${to}`;
  nodeOf(architecture, from, what);
  if (nodeOf(architecture, to, what).kind === INPUT) refuse(what, `${to} is an input, which takes nothing`);
  const at = input ?? firstFree(architecture, to);
  if (!isIndex(at) || !isIndex(output)) refuse(what, `input ${at} of output ${output} is no place`);
  const before = edgesInto(architecture, to).find((edge) => edge.input === at);
  if (before !== undefined) refuse(what, `its input ${at} takes from ${before.from} already`);
  if (reaches(architecture, to, from)) refuse(what, `${from} depends on ${to}, so it would be a cycle`);
  const edge: ArchitectureEdge = { from, output, to, input: at, ...(transform === undefined ? {} : { transform }) };
  return {
    architecture: changed(architecture, { edges: [...architecture.edges, edge] }),
    inverse: { edit: "disconnect", to, input: at },
  };
};

const disconnect: Rule<"disconnect"> = (architecture, { to, input }) => {
  nodeOf(architecture, to, `disconnect ${to}`);
  const edge = edgesInto(architecture, to).find((known) => known.input === input);
  if (edge === undefined) return refuse(`disconnect ${to}`, `nothing goes into its input ${input}`);
  return {
    architecture: changed(architecture, { edges: architecture.edges.filter((known) => known !== edge) }),
    inverse: { edit: "connect", ...edge },
  };
};

const rename: Rule<"rename"> = (architecture, { id, name }) => {
  const node = nodeOf(architecture, id, `rename ${id}`);
  if (name !== node.name) needName(architecture, name, `rename ${id}`);
  return { architecture: withNode(architecture, { ...node, name }), inverse: { edit: "rename", id, name: node.name } };
};

const configure: Rule<"configure"> = (architecture, { id, kind, settings, parts }) => {
  const what = `configure ${id}`;
  const node = nodeOf(architecture, id, what);
  if (node.kind === INPUT || kind === INPUT) refuse(what, "an input is no layer");
  if (kind !== undefined) needKind(kind, what);
  const { parts: before, ...rest } = node;
  // A new kind does not take over what the old one was told.
  const told = settings ?? (kind === undefined || kind === node.kind ? node.settings : {});
  const inner = parts ?? (kind === undefined || kind === node.kind ? before : undefined);
  const after = { ...rest, kind: kind ?? node.kind, settings: told, ...(inner === undefined ? {} : { parts: inner }) };
  return {
    architecture: withNode(architecture, after),
    inverse: {
      edit: "configure",
      id,
      kind: node.kind,
      settings: node.settings,
      ...(before === undefined ? {} : { parts: before }),
    },
  };
};

const freeze: Rule<"freeze"> = (architecture, { id, frozen }) => {
  const { frozen: before = false, ...node } = nodeOf(architecture, id, `freeze ${id}`);
  const after = frozen ? { ...node, frozen } : node;
  return { architecture: withNode(architecture, after), inverse: { edit: "freeze", id, frozen: before } };
};

const annotate: Rule<"annotate"> = (architecture, { id, metadata }) => {
  const { metadata: before = {}, ...node } = nodeOf(architecture, id, `annotate ${id}`);
  const after = Object.keys(metadata).length === 0 ? node : { ...node, metadata };
  return { architecture: withNode(architecture, after), inverse: { edit: "annotate", id, metadata: before } };
};

const outputs: Rule<"outputs"> = (architecture, { ids }) => {
  for (const id of ids) nodeOf(architecture, id, "give outputs");
  if (new Set(ids).size < ids.length) refuse("give outputs", "a node is named twice");
  return {
    architecture: changed(architecture, { outputs: ids }),
    inverse: { edit: "outputs", ids: architecture.outputs },
  };
};

const all: Rule<"all"> = (architecture, { edits }) => {
  let now = architecture;
  const inverses: Edit[] = [];
  for (const edit of edits) {
    const made = applyEdit(now, edit);
    now = made.architecture;
    inverses.unshift(made.inverse);
  }
  return {
    architecture: { ...now, version: architecture.version + 1 },
    inverse: { edit: "all", edits: inverses },
  };
};

const EDITS: { readonly [E in Edit["edit"]]: Rule<E> } = {
  add,
  remove,
  restore,
  connect,
  disconnect,
  rename,
  configure,
  freeze,
  annotate,
  outputs,
  all,
};

/** The architecture after an edit, and what undoes it. Throws `NEURAL_ARCHITECTURE` and leaves everything as it was. */
export const applyEdit = (architecture: Architecture, edit: Edit): Edited =>
  (EDITS[edit.edit] as Rule<Edit["edit"]>)(architecture, edit);

/** The architecture after several edits. */
export const applyEdits = (architecture: Architecture, edits: ReadonlyArray<Edit>): Architecture =>
  edits.reduce((now, edit) => applyEdit(now, edit).architecture, architecture);

/** A node taken out of the chain it stands in: what took from it takes from its first predecessor. */
export const bypass = (architecture: Architecture, id: string): Edit => {
  const [first] = edgesInto(architecture, id);
  if (first === undefined) return refuse(`bypass ${id}`, "it takes from nobody");
  const after = architecture.edges.filter(({ from }) => from === id);
  const ends = architecture.outputs.map((output) => output === id ? first.from : output);
  return {
    edit: "all",
    edits: [
      { edit: "remove", id },
      ...after.map((edge): Edit => ({ edit: "connect", ...edge, from: first.from, output: first.output })),
      { edit: "outputs", ids: [...new Set(ends)] },
    ],
  };
};

/** A node put into an edge. */
export const insertInto = (architecture: Architecture, { to, input }: ArchitectureEdge, node: NodeSpec): Edit => {
  const edge = edgesInto(architecture, to).find((known) => known.input === input);
  if (edge === undefined) return refuse(`insert ${node.name}`, `nothing goes into input ${input} of ${to}`);
  const id = `n${architecture.next}`;
  return {
    edit: "all",
    edits: [
      { edit: "disconnect", to, input },
      { edit: "add", node },
      { edit: "connect", ...edge, to: id, input: 0 },
      { edit: "connect", from: id, to, input },
    ],
  };
};

/** A name that no node has: the one asked for, or that with a number. */
export const freshName = ({ nodes }: Architecture, name: string): string => {
  const taken = new Set(nodes.map((node) => node.name));
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}_${number}`)) number++;
  return `${name}_${number}`;
};

/** Copies of some nodes and of the edges between them, with ids and names of their own; gives the new id of each. */
export const cloneNodes = (
  architecture: Architecture,
  ids: ReadonlyArray<string>,
): { readonly edit: Edit; readonly clones: ReadonlyMap<string, string> } => {
  const clones = new Map(ids.map((id, i) => [id, `n${architecture.next + i}`]));
  let named = architecture;
  const added = ids.map((id): Edit => {
    const { id: _, ...node } = nodeOf(architecture, id, `clone ${id}`);
    const copy = { ...node, name: freshName(named, node.name) };
    named = { ...named, nodes: [...named.nodes, { ...copy, id: clones.get(id)! }] };
    return { edit: "add", node: copy };
  });
  const inner = architecture.edges.filter(({ from, to }) => clones.has(from) && clones.has(to));
  const joined = inner.map((edge): Edit => ({
    edit: "connect",
    ...edge,
    from: clones.get(edge.from)!,
    to: clones.get(edge.to)!,
  }));
  return { edit: { edit: "all", edits: [...added, ...joined] }, clones };
};

/** An architecture without its nodes, which gives out the ids it would have given. */
export const emptied = (architecture: Architecture): Architecture => ({
  ...architecture,
  nodes: [],
  edges: [],
  outputs: [],
});

/** A part of an architecture as one of its own: some nodes and the edges between them, with fresh ids. */
export const subgraph = (architecture: Architecture, ids: ReadonlyArray<string>, name: string): Architecture => {
  const empty: Architecture = { ...emptied(architecture), name, version: 1, next: 1 };
  const clones = new Map(ids.map((id, i) => [id, `n${i + 1}`]));
  const added = ids.map((id): Edit => {
    const { id: _, ...node } = nodeOf(architecture, id, `copy ${id}`);
    return { edit: "add", node };
  });
  const inner = architecture.edges.filter(({ from, to }) => clones.has(from) && clones.has(to));
  const joined = inner.map((edge): Edit => ({
    edit: "connect",
    ...edge,
    from: clones.get(edge.from)!,
    to: clones.get(edge.to)!,
  }));
  const ends = architecture.outputs.filter((id) => clones.has(id)).map((id) => clones.get(id)!);
  return { ...applyEdits(empty, [...added, ...joined, { edit: "outputs", ids: ends }]), version: 1 };
};
