/**
 * Layer: a part of a network as data, and the row that says what its kind is.
 *
 * Not a tensor and not a graph: building (build.ts) turns a layer into nodes, in a scope.
 * Invariant: a layer is plain JSON, so it can be stored, sent, compared and changed; everything about a kind stands in its
 * row.
 *
 * @module
 */
import type { TensorType } from "../../ir/contract.ts";
import type { FunctionBuilder, Value } from "../../ir/library.ts";
import { type AttributeKind, type AttributeRow, type AttributeValue, type OpName, OPS } from "../../rmil/library.ts";
import type { Initializer } from "../contract.ts";
import type { Scope } from "./scope.ts";
import type { Settings } from "./settings.ts";

/** How a learned tensor starts, said by whoever uses a layer; the inputs it sums over follow from its shape. */
export interface Start {
  /** The kind. */
  readonly kind: Initializer["kind"];
  /** Of `constant`. */
  readonly value?: number;
  /** Of `uniform`. */
  readonly bound?: number;
  /** Of `normal`, `truncatedNormal` and `sparse`. */
  readonly deviation?: number;
  /** Of the scaled kinds: 1 where absent. */
  readonly gain?: number;
  /** Of `sparse`: the share of each column that is zero. */
  readonly sparsity?: number;
}

/** A part of a network. */
export interface Layer {
  /** Name of its row. */
  readonly kind: string;
  /** What it is told. */
  readonly settings: Settings;
  /** The layers inside it. */
  readonly parts?: ReadonlyArray<Layer>;
  /** Its part of the path of its tensors; its position among its siblings where absent. */
  readonly name?: string;
  /** The whole path of its tensors: all layers that share one hold the same tensors. */
  readonly shared?: string;
  /** Whether training leaves its tensors as they are. */
  readonly frozen?: boolean;
  /** How its tensors start, by the last part of their paths. */
  readonly initial?: { readonly [parameter: string]: Start };
}

/** Families of layers. */
export const LAYER_FAMILIES = [
  "linear",
  "convolution",
  "attention",
  "normalisation",
  "activation",
  "pooling",
  "recurrent",
  "regularisation",
  "position",
  "structure",
] as const;

/** A family of layers. */
export type LayerFamily = typeof LAYER_FAMILIES[number];

/** How many of something there may be. */
export interface Count {
  /** The fewest. */
  readonly least: number;
  /** The most. */
  readonly most: number;
}

/** What a row's build is given. */
export interface Building {
  /** The layer. */
  readonly layer: Layer;
  /** Its settings, with defaults; sizes that follow from the input are absent. */
  readonly settings: Settings;
  /** Where it builds. */
  readonly scope: Scope;
  /** Emits nodes: the scope's. */
  readonly g: FunctionBuilder;
  /** What it is given. */
  readonly inputs: ReadonlyArray<Value>;
  /** The first input. */
  readonly x: Value;
  /** The layers inside it. */
  readonly parts: ReadonlyArray<Layer>;
  /** Builds a layer inside this one, under a name where it has none of its own; in another scope where one is given. */
  readonly build: (
    layer: Layer,
    inputs: ReadonlyArray<Value>,
    name: string | number,
    scope?: Scope,
  ) => ReadonlyArray<Value>;
  /** A tensor of the layer; of the first input's dtype where that is a float. */
  readonly parameter: Scope["parameter"];
}

/** What a row that is made of other layers is given. */
export interface Expanding {
  /** The layer's settings, with defaults. */
  readonly settings: Settings;
  /** The layers inside it. */
  readonly parts: ReadonlyArray<Layer>;
  /** Types of its inputs. */
  readonly types: ReadonlyArray<TensorType>;
}

/** What is true of a kind whatever it is told and whatever it is given; a test checks each on random inputs. */
export interface Properties {
  /** Each element of the result depends on the element in its place alone. */
  readonly elementwise?: boolean;
  /** A larger element never gives a smaller one. */
  readonly monotonic?: boolean;
  /** Every element of the result lies between these. */
  readonly range?: readonly [low: number, high: number];
  /** f(a·x + b·y) = a·f(x) + b·f(y), shifts aside. */
  readonly linear?: boolean;
  /** f(c·x) = f(x) for c > 0. */
  readonly scaleInvariant?: boolean;
  /** f(x + c) = f(x). */
  readonly shiftInvariant?: boolean;
  /** Applied again, it changes nothing. */
  readonly idempotent?: boolean;
  /** The elements along the last axis sum to 1. */
  readonly sumsToOne?: boolean;
}

/** What a kind of layer is. */
export interface LayerRow {
  /** Its name. */
  readonly kind: string;
  /** Its family. */
  readonly family: LayerFamily;
  /** What it computes, in one or two sentences. */
  readonly doc: string;
  /** What it can be told. */
  readonly settings: ReadonlyArray<AttributeRow>;
  /** How many inputs it takes. */
  readonly inputs: Count;
  /** How many layers stand inside it. */
  readonly parts: Count;
  /** The op of the language that it is. */
  readonly op?: OpName;
  /** The layers it is made of, where it is nothing else. */
  readonly expand?: (given: Expanding) => Layer;
  /** Its form in the language, from those of its parts, where it is no op by itself; types are those of its results. */
  readonly rmil?: (parts: ReadonlyArray<string>, given: Expanding, results: ReadonlyArray<TensorType>) => string;
  /** The layers that its form in the language is that of, where there are such; it is built in its own way. */
  readonly written?: (given: Expanding) => Layer | undefined;
  /** Builds it. */
  readonly build: (given: Building) => Value | ReadonlyArray<Value>;
  /** What holds of it. */
  readonly properties?: Properties;
  /** Where the definition comes from. */
  readonly source?: string;
}

/** One of something. */
export const ONE: Count = { least: 1, most: 1 };
/** None of something. */
export const NONE: Count = { least: 0, most: 0 };

type Common = Pick<LayerRow, "family" | "doc"> & Partial<Omit<LayerRow, "build" | "expand" | "op">>;

/** A row of a kind that builds nodes of its own. */
export const builtRow = (kind: string, { build, ...more }: Common & Pick<LayerRow, "build">): LayerRow => ({
  kind,
  settings: [],
  inputs: ONE,
  parts: NONE,
  build,
  ...more,
});

/** A row of a kind that is made of other layers. */
export const madeRow = (
  kind: string,
  { expand, ...more }: Common & { readonly expand: (given: Expanding) => Layer },
): LayerRow => ({
  kind,
  settings: [],
  inputs: ONE,
  parts: NONE,
  ...more,
  expand,
  build: ({ settings, parts, inputs, build }) => {
    const { name: _whole, ...made } = expand({ settings, parts, types: inputs.map(({ type }) => type) });
    return build(made, inputs, "");
  },
});

/** A setting of a row. */
export const setting = (
  name: string,
  kind: AttributeKind,
  doc: string,
  more: Partial<Pick<AttributeRow, "default" | "choices">> = {},
): AttributeRow => ({ name, kind, doc, ...more });

/** The row of an attribute of an op, as a setting. */
export const settingOf = (op: OpName, name: string, fallback?: AttributeValue): AttributeRow => {
  const row = OPS[op].attributes.find((known) => known.name === name)!;
  return fallback === undefined ? row : { ...row, default: fallback };
};

/** A layer by its kind. */
export const layerOf = (kind: string, settings: object = {}, parts?: ReadonlyArray<Layer>): Layer => ({
  kind,
  settings: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
  ...(parts === undefined ? {} : { parts }),
});

/** The layer under a name, which its tensors' paths hold. */
export const named = (name: string, layer: Layer): Layer => ({ ...layer, name });

/**
 * The layer with its tensors at a path: whatever else is at that path is the same tensors.
 *
 * @example
 * ```ts
 * import { linear, networkOfLayers, sequential, shared } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * const twice = shared("both", linear({ width: 4 }));
 * const network = networkOfLayers(sequential(twice, twice), { x: "f32[B,4]" });
 * assert.deepEqual(network.parameters.map(({ path }) => path), ["both/weight", "both/bias"]);
 * ```
 */
export const shared = (path: string, layer: Layer): Layer => ({ ...layer, shared: path });

/** The layer with tensors that training leaves as they are. */
export const frozen = (layer: Layer): Layer => ({ ...layer, frozen: true });

/** The layer with tensors that start in another way, by the last part of their paths. */
export const startedWith = (initial: { readonly [parameter: string]: Start }, layer: Layer): Layer => ({
  ...layer,
  initial: { ...layer.initial, ...initial },
});
