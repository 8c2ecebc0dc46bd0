/**
 * Describe: what a network holds and what it takes, layer by layer.
 *
 * Not a measurement: everything is counted in the programs that run (operations by the project's convention: a product of
 * matrices 2mnk, an element 1, a comparison 0), so the counts are those of the network and not of a formula beside it.
 * Invariant: the layers' parameters and operations add up to the network's.
 *
 * @module
 */
import type { Dimension, Program } from "../ir/contract.ts";
import {
  addDimensions,
  costOf,
  elementCount,
  functionOf,
  grad,
  isFloat,
  nodeCosts,
  packedBytes,
  printType,
  ProgramBuilder,
} from "../ir/library.ts";
import { BATCH, type Network, type Port } from "./contract.ts";

/** A tensor that is given or returned, as text. */
export interface PortDescription {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: string;
}

/** Tensors counted. */
export interface Holding {
  /** Elements. */
  readonly elements: number;
  /** Bytes. */
  readonly bytes: number;
}

/** A layer's share of a network. */
export interface LayerShare {
  /** Path of the layer; empty for the network's own. */
  readonly path: string;
  /** Learned elements. */
  readonly parameters: number;
  /** Learned elements that training changes. */
  readonly trained: number;
  /** Operations forward, outside training. */
  readonly flops: Dimension;
}

/** What a network holds and takes. */
export interface NetworkDescription {
  /** What it takes. */
  readonly inputs: ReadonlyArray<PortDescription>;
  /** What it gives. */
  readonly outputs: ReadonlyArray<PortDescription>;
  /** Learned tensors. */
  readonly parameters: Holding & {
    /** Learned elements that training changes. */
    readonly trained: number;
  };
  /** State. */
  readonly state: Holding;
  /** Operations for a batch, a polynomial where its size is not said. */
  readonly flops: {
    /** Forward, outside training. */
    readonly forward: Dimension;
    /** Forward and backward in training, to the gradient of every trained tensor; loss and optimiser come on top. */
    readonly training: Dimension;
  };
  /** Bytes read and written by the nodes of the forward pass. */
  readonly bytes: Dimension;
  /** Most bytes alive at once while it runs forward; where all sizes are known. */
  readonly peakBytes?: number;
  /** Layers in the order in which they begin. */
  readonly layers: ReadonlyArray<LayerShare>;
}

const shown = ({ name, type }: Port): PortDescription => ({ name, type: printType(type) });

const holding = (specs: Network["state"]): Holding => ({
  elements: specs.reduce((sum, { type }) => sum + elementCount(type.shape), 0),
  bytes: specs.reduce((sum, { type }) => sum + packedBytes(type.dtype, elementCount(type.shape)), 0),
});

/** The training program with the gradients of its trained tensors, from gradients of its results that are given. */
const withGradients = ({ training, outputs, parameters }: Network): Program | undefined => {
  const wrt = parameters.flatMap(({ trained }, i) => trained ? [i] : []);
  const results = outputs.map(({ type }, i) => ({ type, i })).filter(({ type }) => isFloat(type.dtype));
  if (wrt.length === 0 || results.length === 0) return undefined;
  if (results.length === 1) return grad(training, { wrt, result: results[0].i, cotangent: true, value: true });
  // Several results are one where each is weighted by what its gradient would be.
  const made = new ProgramBuilder();
  for (const fn of training.functions.values()) made.add(fn);
  const name = made.fresh("weighted");
  const g = made.open(name);
  const given = g.call(
    training.entry,
    functionOf(training).parameters.map((parameter) => g.parameter(parameter.name, parameter.type)),
  );
  const sums = results.map(({ type, i }) =>
    g.cast(g.reduce("sum", g.mul(given[i], g.parameter(`cotangent ${i}`, type))), "f64")
  );
  made.add(g.function(sums.reduce((sum, part) => g.add(sum, part))));
  return grad(made.build(name), { wrt, value: true });
};

const layerOf = (path: string): string => path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";

const plainPath = (path: string): string => path.replace(/^\/+/u, "");

const sharesOf = (network: Network, sizes: { readonly [name: string]: number }): ReadonlyArray<LayerShare> => {
  const shares = new Map<string, LayerShare>();
  const add = (path: string, more: Partial<LayerShare>): void => {
    const { parameters, trained, flops } = shares.get(path) ?? { parameters: 0, trained: 0, flops: 0 };
    shares.set(path, {
      path,
      parameters: parameters + (more.parameters ?? 0),
      trained: trained + (more.trained ?? 0),
      flops: addDimensions(flops, more.flops ?? 0),
    });
  };
  const costs = nodeCosts(network.evaluation, sizes);
  functionOf(network.evaluation).nodes.forEach(({ location }, i) => {
    add(plainPath(location ?? ""), { flops: costs[i].flops });
  });
  for (const { path, type, trained } of network.parameters) {
    const elements = elementCount(type.shape);
    add(layerOf(plainPath(path)), { parameters: elements, trained: trained ? elements : 0 });
  }
  return [...shares.values()].filter(({ parameters, flops }) => parameters !== 0 || flops !== 0);
};

/**
 * What a network holds and takes for batches of a size; without one, operations are polynomials over `B`.
 *
 * @example
 * ```ts
 * import { describeNetwork, linear, networkOfLayers } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const { parameters, flops } = describeNetwork(networkOfLayers(linear({ width: 5 }), { x: "f32[B,10]" }));
 * assert.deepEqual([parameters.elements, flops.forward], [55, "105*B"]);
 * ```
 */
export const describeNetwork = (
  network: Network,
  { batch }: { readonly batch?: number } = {},
): NetworkDescription => {
  const sizes: { readonly [name: string]: number } = batch === undefined ? {} : { [BATCH]: batch };
  const { flops, bytes, peakBytes } = costOf(network.evaluation, sizes);
  const gradients = withGradients(network);
  const { parameters, state } = network;
  return {
    inputs: network.inputs.map(shown),
    outputs: network.outputs.map(shown),
    parameters: { ...holding(parameters), trained: holding(parameters.filter(({ trained }) => trained)).elements },
    state: holding(state),
    flops: {
      forward: flops,
      training: gradients === undefined ? costOf(network.training, sizes).flops : costOf(gradients, sizes).flops,
    },
    bytes,
    ...(peakBytes === undefined ? {} : { peakBytes }),
    layers: sharesOf(network, sizes),
  };
};
