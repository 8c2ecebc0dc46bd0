/**
 * Build: layers made into nodes in a scope, and a layer made into a network.
 *
 * Not the kinds (table.ts): here is what holds for every kind: settings, counts, paths, sharing, freezing, first values.
 * Invariant: a failure names the path of the layer that it comes from.
 *
 * @module
 */
import { isFailure, located, nearest } from "../../../kernel/mod.ts";
import type { TensorType } from "../../ir/contract.ts";
import { isFloat, MAX_LOCATION, parseType, type Value } from "../../ir/library.ts";
import type { Network, Port } from "../contract.ts";
import { badForm, unknownLayer, wrongCount } from "../failures.ts";
import { networkOf } from "../network.ts";
import { MAX_LAYER_DEPTH } from "./form.ts";
import { startOf } from "./initialise.ts";
import type { Building, Count, Layer, LayerRow } from "./layer.ts";
import type { Scope } from "./scope.ts";
import { checkedSettings, withDefaults } from "./settings.ts";
import { LAYERS } from "./table.ts";

/** The row of a kind; throws `NEURAL_LAYER` with the nearest ones. */
export const rowOf = (kind: string): LayerRow => {
  const row = LAYERS.get(kind);
  if (row !== undefined) return row;
  throw unknownLayer({ kind, suggestions: nearest(kind, LAYERS.keys(), 3) });
};

const takes = ({ least, most }: Count): string =>
  least === most ? `${least}` : most === Infinity ? `${least} or more` : `${least} to ${most}`;

const needCount = (kind: string, of: string, count: Count, found: number): void => {
  if (found >= count.least && found <= count.most) return;
  throw wrongCount({ kind, of, takes: takes(count), found, expected: takes(count), actual: found });
};

/** Where a layer builds: its path, and how its tensors come to be. */
const placeOf = (layer: Layer, scope: Scope): Scope => {
  const { shared, frozen, initial } = layer;
  const place = shared === undefined ? scope : scope.root(shared);
  if (frozen !== true && initial === undefined) return place;
  return place.through((asked, own) => {
    const start = initial?.[asked.name];
    const begun = start === undefined ? asked : { ...asked, initial: startOf(start, asked.shape) };
    return own(frozen === true ? { ...begun, options: { ...begun.options, trained: false } } : begun);
  });
};

const floatOf = ({ type: { dtype } }: Value) => isFloat(dtype) ? { dtype } : {};

/** Builds a layer in a scope; throws the failure of what does not fit, with the layer's path. */
export const buildLayer = (layer: Layer, scope: Scope, inputs: ReadonlyArray<Value>): ReadonlyArray<Value> =>
  builtAt(layer, scope, inputs, 1);

const builtAt = (
  layer: Layer,
  scope: Scope,
  inputs: ReadonlyArray<Value>,
  depth: number,
): ReadonlyArray<Value> => {
  if (depth > MAX_LAYER_DEPTH) throw badForm({ reason: `layers stand deeper than ${MAX_LAYER_DEPTH}` });
  const place = placeOf(layer, scope);
  const path = `/${place.path}`.slice(0, MAX_LOCATION);
  try {
    return place.g.at(path, () => built(layer, place, inputs, depth));
  } catch (thrown) {
    throw isFailure(thrown) ? located(thrown, path) : thrown;
  }
};

const built = (
  layer: Layer,
  scope: Scope,
  inputs: ReadonlyArray<Value>,
  depth: number,
): ReadonlyArray<Value> => {
  const row = rowOf(layer.kind);
  const parts = layer.parts ?? [];
  needCount(layer.kind, "inputs", row.inputs, inputs.length);
  needCount(layer.kind, "inner layers", row.parts, parts.length);
  const settings = withDefaults(row.settings, checkedSettings(layer.kind, row.settings, layer.settings));
  const building: Building = {
    layer,
    settings,
    scope,
    g: scope.g,
    inputs,
    x: inputs[0],
    parts,
    build: (part, values, name, inside = scope) => {
      const at = part.name ?? name;
      return builtAt(part, at === "" ? inside : inside.child(at), values, depth + 1);
    },
    parameter: (name, shape, initial, options) =>
      scope.parameter(name, shape, initial, { ...floatOf(inputs[0]), ...options }),
  };
  const made = row.build(building);
  return Array.isArray(made) ? made : [made as Value];
};

/** Types of inputs by name; a text is read as a type, whose first size is the batch's, `B`. */
export type InputTypes = { readonly [name: string]: string | TensorType };

/** Inputs as ports. */
export const portsOf = (inputs: InputTypes): ReadonlyArray<Port> =>
  Object.entries(inputs).map(([name, type]) => ({ name, type: typeof type === "string" ? parseType(type) : type }));

/**
 * The network of a layer on inputs.
 *
 * @example
 * ```ts
 * import { conv2d, flatten, globalPool, linear, networkOfLayers, relu, sequential } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const layers = sequential(conv2d({ width: 8, kernel: 5, stride: 2 }), relu(), globalPool(), linear({ width: 10 }));
 * const network = networkOfLayers(layers, { x: "f32[B,1,28,28]" });
 * assert.deepEqual(network.parameters.map(({ path }) => path), ["0/weight", "0/bias", "3/weight", "3/bias"]);
 * ```
 */
export const networkOfLayers = (layer: Layer, inputs: InputTypes): Network =>
  networkOf(portsOf(inputs), (scope, values) => buildLayer(layer, scope, values));
