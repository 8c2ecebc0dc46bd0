/**
 * Layer kinds: mutations of what programs are made of above single nodes: activations, normalisations, skips, layers and
 * blocks. They are found by structure, whoever wrote the program.
 *
 * Invariant: as in node_kinds.ts.
 *
 * @module
 */
import type { FunctionBuilder, Value } from "../builder.ts";
import { type Activation, ACTIVATION_NAMES } from "../composites.ts";
import type { Node } from "../graph.ts";
import { isFloat, printType, sameType, type TensorType, tensorType } from "../types.ts";
import { fromFloats } from "../value.ts";
import { fit } from "./fit.ts";
import type { Proposal } from "./node_kinds.ts";
import { again, type Edit } from "./rebuild.ts";
import { between, dependsOn, isElementwise, type Region, regionsOf } from "./regions.ts";
import type { Site } from "./site.ts";

const NONLINEAR: ReadonlySet<string> = new Set(["max", "min", "tanh", "logistic", "erf", "log1p", "select"]);

const ARRANGING: ReadonlySet<string> = new Set(["constant", "broadcast", "reshape", "stop_gradient"]);

const opsOf = (site: Site, region: Region): ReadonlyArray<string> => region.nodes.map((node) => site.fn.nodes[node].op);

/**
 * Regions of float values whose source has the type of the result: of each value the nearest that fits, by the first way
 * that one does; and of those from one source the whole ones, not their parts.
 */
const regionsOfType = (
  site: Site,
  allowed: (node: Node) => boolean,
  ...fits: ReadonlyArray<(ops: ReadonlyArray<string>) => boolean>
): ReadonlyArray<Region> => {
  const found = site.values().flatMap((value) => {
    if (!isFloat(site.types[value].dtype)) return [];
    const regions = regionsOf(site.fn, site.makerOf, value, allowed).filter((region) =>
      sameType(site.types[region.source], site.types[value]) && !site.isGenerated(region.source)
    );
    return fits.flatMap((holds) => regions.find((region) => holds(opsOf(site, region))) ?? []).slice(0, 1);
  });
  const isPart = (part: Region, whole: Region): boolean =>
    part !== whole && part.source === whole.source && part.result < whole.result &&
    part.nodes.every((node) => whole.nodes.includes(node));
  return found.filter((region) => !found.some((other) => isPart(region, other)));
};

/** Puts something else in the place of a value. */
const instead = (
  site: Site,
  value: number,
  detail: string,
  make: (g: FunctionBuilder, values: ReadonlyArray<Value>) => Value,
): Edit => ({
  detail,
  after: (index, g, values) => index === site.readyAfter(value) ? new Map([[value, make(g, values)]]) : new Map(),
});

/** An activation becomes another. */
export const changeActivation: Proposal = (site) => {
  const allowed = (node: Node) => isElementwise(node) || ARRANGING.has(node.op);
  const region = site.one(regionsOfType(site, allowed, (ops) => ops.some((op) => NONLINEAR.has(op))));
  const kind = site.choose(ACTIVATION_NAMES.filter((name) => name !== "softmax"));
  if (region === undefined || kind === undefined) return undefined;
  const { source, result } = region;
  return instead(
    site,
    result,
    `${kind} of %${source}`,
    (g, values) => g.activation(kind as Activation, values[source]),
  );
};

const NORMALIZATIONS = ["layer", "rms", "instance", "none"];

const MOMENTS: ReadonlySet<string> = new Set(["add", "sub", "mul", "div", "sqrt", "reduce"]);

/** Whether nodes divide by a root of sums, taking so many sums. */
const normalizes = (sums: number) => (ops: ReadonlyArray<string>): boolean =>
  ["sqrt", "div"].every((op) => ops.includes(op)) && ops.filter((op) => op === "reduce").length === sums;

/** A normalisation becomes another, or goes. */
export const changeNormalization: Proposal = (site) => {
  const allowed = (node: Node) => MOMENTS.has(node.op) || ARRANGING.has(node.op);
  // With the mean taken away there are two sums; without, one.
  const region = site.one(regionsOfType(site, allowed, normalizes(2), normalizes(1)));
  const kind = site.choose(NORMALIZATIONS);
  if (region === undefined || kind === undefined) return undefined;
  const { source, result } = region;
  const rank = site.types[source].shape.length;
  const axes = kind === "instance" && rank > 2 ? Array.from({ length: rank - 2 }, (_, i) => i + 2) : [rank - 1];
  return instead(
    site,
    result,
    `${kind} normalisation of %${source}`,
    (g, values) =>
      kind === "none" ? values[source] : g.normalize(values[source], { axes, epsilon: 1e-5, centered: kind !== "rms" }),
  );
};

const isAddable = (type: TensorType): boolean => isFloat(type.dtype);

/** An earlier value is added to a later one. */
export const addSkip: Proposal = (site) => {
  const to = site.one(
    site.values().filter((value) => value >= site.fn.parameters.length && isAddable(site.types[value])),
  );
  if (to === undefined) return undefined;
  const from = site.earlier(to, site.types[to]);
  if (from === undefined) return undefined;
  return instead(
    site,
    to,
    `%${from} is added to %${to}`,
    (g, values) => g.add(values[to], fit(g, values[from], values[to].type)),
  );
};

/** An addition of a value and something computed from it keeps what was computed alone. */
export const removeSkip: Proposal = (site) => {
  const longer = ({ op, operands: [a, b] }: Node): number | undefined => {
    if (op !== "add") return undefined;
    return dependsOn(site.fn, b, a) ? 1 : dependsOn(site.fn, a, b) ? 0 : undefined;
  };
  const node = site.node((candidate) => longer(candidate) !== undefined);
  if (node === undefined) return undefined;
  const kept = longer(site.fn.nodes[node])!;
  return {
    detail: `the skip of %${site.fn.nodes[node].operands[1 - kept]} goes`,
    node,
    replace: (index, _g, operands) => index === node ? [operands[kept]] : undefined,
  };
};

/** Layers with a square of weights reach this width; wider values get a scale and a shift. */
const MOST_WEIGHTS_WIDTH = 64;

const LAYERS = ["linear", "scale", "normalize"];

const normals = (site: Site, type: TensorType, scale: number, identity: boolean) => {
  const shape = type.shape as ReadonlyArray<number>;
  const count = shape.reduce((product, size) => product * size, 1);
  const width = shape[shape.length - 1];
  const floats = Float64Array.from({ length: count }, (_, i) => {
    const diagonal = identity && (shape.length === 1 || i % (width + 1) === 0) ? 1 : 0;
    return diagonal + scale * site.draws.normal();
  });
  return fromFloats(type.dtype, shape, floats);
};

/** A value goes through a new layer, near the identity at first. */
export const addLayer: Proposal = (site) => {
  const widthOf = (value: number) => site.types[value].shape.at(-1);
  const value = site.one(
    site.values().filter((number) => {
      const width = widthOf(number);
      return isFloat(site.types[number].dtype) && typeof width === "number" && width > 0;
    }),
  );
  if (value === undefined) return undefined;
  const width = widthOf(value) as number;
  const kind = site.choose(width > MOST_WEIGHTS_WIDTH ? LAYERS.slice(1) : LAYERS);
  if (kind === undefined) return undefined;
  const { dtype } = site.types[value];
  const name = `${kind} over ${width} after %${value}`;
  if (kind === "normalize") {
    const axes = [site.types[value].shape.length - 1];
    return instead(
      site,
      value,
      name,
      (g, values) => g.normalize(values[value], { axes, epsilon: 1e-5, centered: true }),
    );
  }
  const type = tensorType(dtype, kind === "linear" ? [width, width] : [width]);
  const weights = normals(site, type, 0.1, true);
  const isEntry = site.fn.name === site.program.entry;
  const asked = site.choices.parameters === true && isEntry;
  const made = instead(site, value, name, (g, values) => {
    const weight = asked ? values[site.types.length] : g.constant(weights);
    return kind === "linear" ? g.matmul(values[value], weight) : g.mul(values[value], weight);
  });
  return asked ? { ...made, parameter: { name: `weight${site.types.length}`, type } } : made;
};

/** A product of matrices, or a convolution, gives way to what it was applied to. */
export const removeLayer: Proposal = (site) => {
  const node = site.node(({ op }) => op === "dot" || op === "conv");
  if (node === undefined) return undefined;
  const { op, operands, results: [type] } = site.fn.nodes[node];
  // What is computed is the input; what is a parameter or a constant, the weights.
  const computed = operands.findIndex((operand) => site.makerOf[operand] !== undefined && !site.isGenerated(operand));
  const kept = computed < 0 ? 0 : computed;
  return {
    detail: `${op} to ${printType(type)} gives way to %${operands[kept]}`,
    node,
    replace: (index, g, given) => index === node ? [fit(g, given[kept], type)] : undefined,
  };
};

/** Most nodes of a block that is repeated. */
const MOST_BLOCK_NODES = 256;

/** What lies between two values of a type is run once more on its own result. */
export const duplicateBlock: Proposal = (site) => {
  const end = site.one(site.values().filter((value) => value >= site.fn.parameters.length));
  if (end === undefined) return undefined;
  const type = site.types[end];
  const before = site.values().filter((value) => value < end && !site.isGenerated(value));
  const same = before.filter((value) => sameType(site.types[value], type) && dependsOn(site.fn, end, value));
  const start = site.one(same.length > 0 ? same : before.filter((value) => dependsOn(site.fn, end, value)));
  if (start === undefined) return undefined;
  const nodes = between(site.fn, start, end);
  if (nodes.length > MOST_BLOCK_NODES) return undefined;
  return instead(site, end, `the ${nodes.length} nodes from %${start} to %${end} run twice`, (g, values) => {
    const copy = new Map([[start, fit(g, values[end], values[start].type)]]);
    for (const index of nodes) {
      const node = site.fn.nodes[index];
      const made = again(g, node, node.operands.map((operand) => copy.get(operand) ?? values[operand]));
      made.forEach((value, i) => copy.set(site.firsts[index] + i, value));
    }
    return copy.get(end)!;
  });
};
