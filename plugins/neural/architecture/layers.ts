/**
 * Layers: an architecture as one layer, and a layer as an architecture; and so as programs of the language, both ways.
 *
 * A layer is a graph of chains, residuals and branches that meet again. A graph whose branches cross has no such form and
 * is refused by name.
 * Invariant: the layer's tensors have the paths of the architecture's, so weights of one are weights of the other.
 *
 * @module
 */
import { badArchitecture } from "../failures.ts";
import type { Program } from "../../rmil/library.ts";
import { type Layer, layerOf } from "../layers/layer.ts";
import { layerOfProgram, programOfLayer } from "../layers/written.ts";
import {
  type Architecture,
  type ArchitectureNode,
  edgesFrom,
  edgesInto,
  emptyArchitecture,
  INPUT,
  inputsOf,
  nodeOf,
  topologicalOrder,
} from "./architecture.ts";
import { applyEdit, type Edit, freshName } from "./edit.ts";
import { layerOfNode } from "./materialise.ts";

const refuse = (reason: string): never => {
  throw badArchitecture({ what: "write the architecture as layers", reason });
};

const chain = (layers: ReadonlyArray<Layer>): Layer =>
  layers.length === 1 ? layers[0] : layerOf("sequential", {}, layers);

/** The layer of a node; its tensors keep the path that the node's name gives them. */
const own = (node: ArchitectureNode): Layer => ({ ...layerOfNode(node), shared: node.name });

class Reading {
  private readonly order: ReadonlyMap<string, number>;
  private readonly used = new Set<string>();

  constructor(private readonly architecture: Architecture) {
    this.order = new Map(topologicalOrder(architecture).map(({ id }, i) => [id, i]));
  }

  private sources(id: string): ReadonlyArray<string> {
    return edgesInto(this.architecture, id).map(({ from, output, transform }) => {
      const { name } = nodeOf(this.architecture, id);
      if (transform !== undefined) refuse(`something is done on the way to ${name}`);
      if (output > 0) refuse(`${name} takes a second result`);
      return from;
    });
  }

  /** The latest node through which everything on its way to all of some nodes passes. */
  private meeting(ids: ReadonlyArray<string>): string {
    const heads = new Set(ids);
    while (heads.size > 1) {
      const latest = [...heads].reduce((x, y) => this.order.get(x)! > this.order.get(y)! ? x : y);
      heads.delete(latest);
      const before = this.sources(latest);
      if (before.length === 0) refuse("branches begin at different inputs");
      before.forEach((id) => heads.add(id));
    }
    return [...heads][0];
  }

  /** Layers from what a node gives to what another gives. */
  between(start: string, end: string): ReadonlyArray<Layer> {
    const layers: Layer[] = [];
    let at = end;
    while (at !== start) {
      const node = nodeOf(this.architecture, at);
      if (node.kind === INPUT) refuse(`${node.name} is not on the way`);
      if (this.used.has(at)) refuse(`${node.name} is on several ways`);
      this.used.add(at);
      const sources = this.sources(at);
      if (sources.length <= 1) {
        layers.unshift(own(node));
        at = sources[0] ?? refuse(`${node.name} takes from nobody`);
        continue;
      }
      const from = this.meeting(sources);
      layers.unshift(...this.joined(node, from, sources));
      at = from;
    }
    return layers;
  }

  /** Branches from a node, and the node in which they meet. */
  private joined(node: ArchitectureNode, from: string, sources: ReadonlyArray<string>): ReadonlyArray<Layer> {
    const branches = sources.map((source) => this.between(from, source));
    const [one, other] = branches;
    const straight = branches.findIndex((branch) => branch.length === 0);
    if (node.kind === "sum" && branches.length === 2 && straight >= 0 && one.length + other.length > 0) {
      return [layerOf("residual", {}, [chain(straight === 0 ? other : one)])];
    }
    const parts = branches.map((branch) => branch.length === 0 ? layerOf("identity") : chain(branch));
    return [layerOf("parallel", {}, parts), own(node)];
  }

  /** Every node that has an end must have been read. */
  finish(): void {
    const left = this.architecture.nodes.find(({ id, kind }) => kind !== INPUT && !this.used.has(id));
    if (left !== undefined) refuse(`${left.name} leads to no output`);
  }
}

/** An architecture of one input and one output as one layer. Throws `NEURAL_ARCHITECTURE` where its graph is no such. */
export const layersOfArchitecture = (architecture: Architecture): Layer => {
  const inputs = inputsOf(architecture);
  const { outputs } = architecture;
  if (inputs.length !== 1 || outputs.length !== 1) {
    refuse(`it has ${inputs.length} inputs and ${outputs.length} outputs, and one of each is needed`);
  }
  if (outputs[0] === inputs[0].id) return layerOf("identity");
  if (edgesFrom(architecture, inputs[0].id).length === 0) refuse("its input leads nowhere");
  const reading = new Reading(architecture);
  const layers = reading.between(inputs[0].id, outputs[0]);
  reading.finish();
  return chain(layers);
};

/** A value in an architecture under construction. */
interface Place {
  readonly from: string;
  readonly output: number;
}

class Drawing {
  constructor(private now: Architecture) {}

  get architecture(): Architecture {
    return this.now;
  }

  edit(edit: Edit): void {
    this.now = applyEdit(this.now, edit).architecture;
  }

  /** A node for a layer that is not opened; it is taken to give one result. */
  private node(layer: Layer, places: ReadonlyArray<Place>): ReadonlyArray<Place> {
    const { kind, settings, parts, frozen, name } = layer;
    if (layer.shared !== undefined && this.now.nodes.some((node) => node.name === layer.shared)) {
      throw badArchitecture({ what: "draw layers", reason: `two of them share the tensors of ${layer.shared}` });
    }
    const id = `n${this.now.next}`;
    const called = freshName(this.now, (layer.shared ?? name ?? kind).replaceAll(/[^A-Za-z0-9_.-]/gu, "_"));
    const more = { ...(parts === undefined ? {} : { parts }), ...(frozen === undefined ? {} : { frozen }) };
    this.edit({ edit: "add", node: { name: called, kind, settings, ...more } });
    places.forEach(({ from, output }, input) => this.edit({ edit: "connect", from, output, to: id, input }));
    return [{ from: id, output: 0 }];
  }

  /** What a layer makes of values. */
  draw(layer: Layer, places: ReadonlyArray<Place>): ReadonlyArray<Place> {
    const parts = layer.parts ?? [];
    switch (layer.kind) {
      case "sequential":
        return parts.reduce((at, part) => this.draw(part, at), places);
      case "parallel":
        return parts.flatMap((part) => this.draw(part, places));
      case "residual":
        return this.node(layerOf("sum"), [...this.draw(parts[0], places), places[0]]);
      case "identity":
        return places;
      default:
        return this.node(layer, places);
    }
  }
}

/** A layer on one input as an architecture: chains, branches and residuals become edges. */
export const architectureOfLayer = (
  layer: Layer,
  input: { readonly name: string; readonly type: string },
  name = "network",
): Architecture => {
  const drawing = new Drawing(emptyArchitecture(name));
  drawing.edit({ edit: "add", node: { ...input, kind: INPUT } });
  const ends = drawing.draw(layer, [{ from: "n1", output: 0 }]);
  drawing.edit({ edit: "outputs", ids: ends.map(({ from }) => from) });
  return drawing.architecture;
};

/**
 * An architecture as a program of the language. Throws `NEURAL_ARCHITECTURE` where its graph has no such form and
 * `NEURAL_WRITTEN` where a kind of layer has none.
 */
export const programOfArchitecture = (architecture: Architecture): Program => {
  const layer = layersOfArchitecture(architecture);
  const [{ name, type }] = inputsOf(architecture);
  return programOfLayer(layer, { [name]: type! });
};

/** A program of the language as an architecture. Throws `NEURAL_WRITTEN` where an expression of it is no layer. */
export const architectureOfProgram = (
  program: Program,
  input: { readonly name: string; readonly type: string },
  name?: string,
): Architecture => architectureOfLayer(layerOfProgram(program), input, name);
