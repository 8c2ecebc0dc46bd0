/**
 * Described: what is known of a kind of layer, and entries of the catalogue with sizes put in.
 *
 * Not a network's description (../describe.ts), and not the entries (catalogue.ts).
 * Invariant: what is described is data; the same sizes give the same network.
 *
 * @module
 */
import type { TensorType } from "../../ir/contract.ts";
import { type Bindings, dimension, parseType, substitute, substituteType } from "../../ir/library.ts";
import type { AttributeRow, AttributeValue } from "../../rmil/library.ts";
import { BATCH, type Network } from "../contract.ts";
import { badSetting } from "../failures.ts";
import { networkOfLayers, rowOf } from "./build.ts";
import { CATALOGUE, type CatalogueEntry } from "./catalogue.ts";
import { type Layer, type LayerFamily, layerOf, type Properties } from "./layer.ts";

/** Sizes by name. */
export type Sizes = { readonly [name: string]: number };

const bindingsOf = (sizes: Sizes): Bindings =>
  new Map(Object.entries(sizes).map(([name, size]) => [name, dimension(size)]));

/** The number of a formula for sizes; throws `NEURAL_SETTING` where one is not given. */
export const formulaAt = (formula: string, sizes: Sizes): number => {
  const value = substitute(dimension(formula), bindingsOf(sizes));
  if (typeof value === "number") return value;
  throw badSetting({ what: `the formula ${formula}`, reason: `${value} is left of it`, actual: String(value) });
};

const settingAt = (
  row: AttributeRow | undefined,
  value: AttributeValue | ReadonlyArray<string>,
  sizes: Sizes,
): AttributeValue => {
  if (row?.kind !== "size" && row?.kind !== "sizes") return value as AttributeValue;
  if (typeof value === "string") return formulaAt(value, sizes);
  return typeof value === "object" ? value.map((part) => formulaAt(String(part), sizes)) : value;
};

/** The layer of an entry for sizes. */
export const layerAt = ({ kind, settings = {}, parts }: CatalogueEntry, sizes: Sizes): Layer => {
  const rows = rowOf(kind).settings;
  const known = Object.entries(settings).map(([name, value]) => [
    name,
    settingAt(rows.find((row) => row.name === name), value, sizes),
  ]);
  return layerOf(kind, Object.fromEntries(known), parts);
};

/** Types of an entry's inputs for sizes; the batch stays open. */
export const inputsAt = ({ inputs }: CatalogueEntry, sizes: Sizes): { readonly [name: string]: TensorType } => {
  const { [BATCH]: _batch, ...others } = sizes;
  const bindings = bindingsOf(others);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, type]) => [name, substituteType(parseType(type), bindings)]),
  );
};

/** The network of an entry for sizes. */
export const catalogueNetwork = (entry: CatalogueEntry, sizes: Sizes): Network =>
  networkOfLayers(layerAt(entry, sizes), inputsAt(entry, sizes));

/** Names of the sizes of an entry, the batch first. */
export const sizesIn = ({ inputs, settings = {}, parameters, flops }: CatalogueEntry): ReadonlyArray<string> => {
  const texts = [
    ...Object.values(inputs).map((type) => type.slice(type.indexOf("["))),
    ...Object.values(settings).flat().filter((value) => typeof value === "string"),
    parameters,
    flops,
  ];
  const names = texts.flatMap((text) => String(text).match(/[A-Za-z]+/gu) ?? []);
  return [...new Set([BATCH, ...names])];
};

/** What is known of a kind of layer. */
export interface LayerDescription {
  /** Its name. */
  readonly kind: string;
  /** Its family. */
  readonly family: LayerFamily;
  /** What it computes. */
  readonly doc: string;
  /** What it can be told. */
  readonly settings: ReadonlyArray<AttributeRow>;
  /** Fewest and most inputs; no most where any number goes. */
  readonly inputs: { readonly least: number; readonly most?: number };
  /** Fewest and most layers inside it. */
  readonly parts: { readonly least: number; readonly most?: number };
  /** The op of the language that it is. */
  readonly op?: string;
  /** What holds of it whatever it is given. */
  readonly properties: Properties;
  /** Where the definition comes from. */
  readonly source?: string;
  /** Its entries in the catalogue. */
  readonly catalogue: ReadonlyArray<CatalogueEntry>;
}

const bounded = ({ least, most }: { readonly least: number; readonly most: number }) =>
  most === Infinity ? { least } : { least, most };

/** What is known of a kind of layer, as JSON; throws `NEURAL_LAYER`. */
export const describeLayer = (kind: string): LayerDescription => {
  const { family, doc, settings, inputs, parts, op, properties = {}, source } = rowOf(kind);
  return {
    kind,
    family,
    doc,
    settings,
    inputs: bounded(inputs),
    parts: bounded(parts),
    ...(op === undefined ? {} : { op }),
    properties,
    ...(source === undefined ? {} : { source }),
    catalogue: CATALOGUE.filter((entry) => entry.kind === kind),
  };
};
