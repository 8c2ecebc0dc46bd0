/**
 * Variation: edits that a search may try, drawn by chance and known to fit.
 *
 * Not a search: who searches draws edits, applies them and judges what comes of it.
 * Invariant: a proposed edit gives an architecture that becomes a network with the same inputs and outputs.
 *
 * @module
 */
import { isFailure } from "../../../kernel/failure.ts";
import type { Random } from "../../../kernel/random.ts";
import { sameType } from "../../ir/library.ts";
import type { Network } from "../contract.ts";
import { LAYERS } from "../layers/table.ts";
import { type Architecture, type ArchitectureNode, edgesInto, INPUT } from "./architecture.ts";
import { applyEdit, bypass, type Edit, freshName, insertInto, type NodeSpec } from "./edit.ts";
import { networkOfArchitecture } from "./materialise.ts";

/** Draws an edit of an architecture, or nothing where it finds no place for one. */
export type Proposal = (architecture: Architecture, chance: Random) => Edit | undefined;

const WIDTH_FACTORS = [0.5, 0.75, 1.5, 2] as const;
const RATES = [0.1, 0.2, 0.5] as const;

const pick = <A>(chance: Random, items: ReadonlyArray<A>): A | undefined =>
  items.length === 0 ? undefined : chance.pick(items);

const layersIn = ({ nodes }: Architecture): ReadonlyArray<ArchitectureNode> =>
  nodes.filter(({ kind }) => kind !== INPUT);

const activations = [...LAYERS.values()].filter(({ family, inputs, settings }) =>
  family === "activation" && inputs.most === 1 && settings.length === 0
).map(({ kind }) => kind);

const inserted = (architecture: Architecture, chance: Random, node: (name: string) => NodeSpec): Edit | undefined => {
  const edge = pick(chance, architecture.edges);
  if (edge === undefined) return undefined;
  const spec = node("");
  return insertInto(architecture, edge, { ...spec, name: freshName(architecture, spec.kind) });
};

/** Names of the ways of changing. */
export const PROPOSAL_NAMES = [
  "width",
  "activation",
  "deepen",
  "bend",
  "normalise",
  "drop",
  "shorten",
  "skip",
] as const;

/** Name of a way of changing. */
export type ProposalName = typeof PROPOSAL_NAMES[number];

/** Ways of changing an architecture, by name. */
export const PROPOSALS: { readonly [N in ProposalName]: Proposal } = {
  /** Another width for a layer that has one. */
  width: (architecture, chance) => {
    const node = pick(chance, layersIn(architecture).filter(({ settings }) => typeof settings.width === "number"));
    if (node === undefined) return undefined;
    const width = Math.max(1, Math.round((node.settings.width as number) * chance.pick(WIDTH_FACTORS)));
    return { edit: "configure", id: node.id, settings: { ...node.settings, width } };
  },
  /** Another activation. */
  activation: (architecture, chance) => {
    const node = pick(chance, layersIn(architecture).filter(({ kind }) => activations.includes(kind)));
    if (node === undefined) return undefined;
    const others = activations.filter((kind) => kind !== node.kind);
    return { edit: "configure", id: node.id, kind: chance.pick(others), settings: {} };
  },
  /** One more linear layer, as wide as what it takes. */
  deepen: (architecture, chance) => inserted(architecture, chance, (name) => ({ name, kind: "linear", settings: {} })),
  /** One more activation. */
  bend: (architecture, chance) => inserted(architecture, chance, (name) => ({ name, kind: chance.pick(activations) })),
  /** One more norm. */
  normalise: (architecture, chance) => inserted(architecture, chance, (name) => ({ name, kind: "layer_norm" })),
  /** One more dropout. */
  drop: (architecture, chance) =>
    inserted(architecture, chance, (name) => ({ name, kind: "drop", settings: { rate: chance.pick(RATES) } })),
  /** A layer taken out of its chain. */
  shorten: (architecture, chance) => {
    const node = pick(
      chance,
      layersIn(architecture).filter(({ id }) => edgesInto(architecture, id).length === 1),
    );
    return node === undefined ? undefined : bypass(architecture, node.id);
  },
  /** What goes into a layer added to what comes out of it. */
  skip: (architecture, chance) => {
    const edge = pick(chance, architecture.edges.filter(({ from }) => edgesInto(architecture, from).length > 0));
    if (edge === undefined) return undefined;
    const [before] = edgesInto(architecture, edge.from);
    const put = insertInto(architecture, edge, { name: freshName(architecture, "sum"), kind: "sum" });
    const id = `n${architecture.next}`;
    return {
      edit: "all",
      edits: [put, { edit: "connect", ...before, to: id, input: 1 }],
    };
  },
};

/** Draws that are tried before giving up. */
export const DRAWS = 32;

const networkOrNothing = (architecture: Architecture): Network | undefined => {
  try {
    return networkOfArchitecture(architecture);
  } catch (thrown) {
    if (isFailure(thrown)) return undefined;
    throw thrown;
  }
};

const alike = (x: Network, y: Network): boolean =>
  x.outputs.length === y.outputs.length && x.outputs.every(({ type }, i) => sameType(type, y.outputs[i].type));

/** An edit that fits, drawn by chance from the ways named; undefined where none was found. */
export const proposeEdit = (
  architecture: Architecture,
  chance: Random,
  ways: ReadonlyArray<ProposalName> = PROPOSAL_NAMES,
): { readonly way: ProposalName; readonly edit: Edit } | undefined => {
  const before = networkOrNothing(architecture);
  if (before === undefined) return undefined;
  for (let draw = 0; draw < DRAWS; draw++) {
    const way = chance.pick(ways);
    const edit = PROPOSALS[way](architecture, chance);
    if (edit === undefined) continue;
    const after = networkOrNothing(applyEdit(architecture, edit).architecture);
    if (after !== undefined && alike(before, after)) return { way, edit };
  }
  return undefined;
};
