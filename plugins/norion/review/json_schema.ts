/**
 * JSON Schema: whether a value fits a schema (draft 2020-12), for answers that were asked for as data.
 *
 * Not all of the draft: references lead into the same schema, `format` is a remark, and a schema with a keyword that is
 * not known here is not judged at all, because passing over it could call a misfit right.
 * Invariant: it never runs away: references that lead back to where they came from, deep values and patterns that could
 * take long are not judged.
 *
 * @module
 */
import { at, canonicalJson, escapePointer, isJsonObject, type Json, type JsonObject } from "../../../kernel/mod.ts";

/** What is found: the first place that does not fit, or why it cannot be said. */
export type Fit =
  | { readonly fits: true }
  | { readonly fits: false; readonly path: string; readonly keyword: string }
  | { readonly fits: undefined; readonly reason: string };

/** Deepest nesting of values and schemas together. */
export const MAX_FIT_DEPTH = 128;

/** Places of a value and a schema that are compared at most: references can lead to more than anybody waits for. */
export const MAX_FIT_STEPS = 1_000_000;

/** Ways to match one text that a pattern may have at most, by its form. */
const MOST_MATCHING = 1e8;

/** Thrown where it cannot be said whether a value fits. */
class Undecided extends Error {}

interface Place {
  readonly value: Json;
  readonly schema: Json;
  readonly path: string;
  readonly depth: number;
}

type Rule = (argument: Json, place: Place, here: JsonObject, fit: (place: Place) => Misfit) => Misfit;
type Misfit = { readonly path: string; readonly keyword: string } | undefined;

const TYPES: { readonly [name: string]: (value: Json) => boolean } = {
  null: (value) => value === null,
  boolean: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
  integer: (value) => typeof value === "number" && Number.isInteger(value),
  string: (value) => typeof value === "string",
  array: Array.isArray,
  object: isJsonObject,
};

const keyOf = (value: Json): string => {
  try {
    return canonicalJson(value);
  } catch {
    throw new Undecided("a value has no canonical form");
  }
};

const same = (a: Json, b: Json): boolean => keyOf(a) === keyOf(b);

const numberOf = (argument: Json): number => {
  if (typeof argument !== "number") throw new Undecided("a bound is no number");
  return argument;
};

const listOf = (argument: Json): ReadonlyArray<Json> => {
  if (!Array.isArray(argument)) throw new Undecided("a list of schemas is no list");
  return argument;
};

const objectOf = (argument: Json): JsonObject => {
  if (!isJsonObject(argument)) throw new Undecided("schemas by name are no object");
  return argument;
};

/** A rule that only looks at the value. */
const plain =
  (keyword: string, applies: (value: Json) => boolean, holds: (value: never, argument: Json) => boolean): Rule =>
  (argument, { value, path }) => !applies(value) || holds(value as never, argument) ? undefined : { path, keyword };

const QUANTIFIER = /[*+?|]|\{(\d+)(,?)(\d*)\}/gu;
const REPEATED_GROUP = /\([^()]*[*+?|{(][^()]*\)+[*+?{]|\)\)+[*+?{]/u;
const BACKWARD = /\\[1-9k]|\(\?[=!<]/u;

/** What each choice of a pattern multiplies the ways to match a text by. */
const waysOf = (bare: string, length: number): number =>
  [...bare.matchAll(QUANTIFIER)].reduce((ways, [sign, least, comma, most]) => {
    if (least === undefined) return ways * (sign === "?" || sign === "|" ? 2 : length + 1);
    return comma === "" ? ways : ways * (most === "" ? length + 1 : Math.max(1, Number(most) - Number(least) + 1));
  }, length + 1);

/** Whether a pattern is in a text; throws where that could take long. */
const matches = (pattern: string, text: string): boolean => {
  const bare = pattern.replaceAll(/\\.|\[(?:[^\]\\]|\\.)*\]/gu, "x").replaceAll("(?:", "(");
  if (BACKWARD.test(pattern) || REPEATED_GROUP.test(bare)) {
    throw new Undecided("a pattern repeats what itself repeats or chooses");
  }
  if (waysOf(bare, text.length) > MOST_MATCHING) throw new Undecided("a text is too long for its pattern");
  try {
    return new RegExp(pattern, "u").test(text);
  } catch {
    throw new Undecided("a pattern is malformed");
  }
};

const isText = (value: Json): boolean => typeof value === "string";
const isNumber = (value: Json): boolean => typeof value === "number";

const number = (keyword: string, holds: (value: number, bound: number) => boolean): Rule =>
  plain(keyword, isNumber, (value: number, argument) => holds(value, numberOf(argument)));
const text = (keyword: string, holds: (length: number, bound: number) => boolean): Rule =>
  plain(keyword, isText, (value: string, argument) => holds([...value].length, numberOf(argument)));
const list = (keyword: string, holds: (length: number, bound: number) => boolean): Rule =>
  plain(keyword, Array.isArray, (value: ReadonlyArray<Json>, argument) => holds(value.length, numberOf(argument)));
const members = (keyword: string, holds: (count: number, bound: number) => boolean): Rule =>
  plain(keyword, isJsonObject, (value: JsonObject, argument) => holds(Object.keys(value).length, numberOf(argument)));

/** Whether a number is a whole multiple of another, as decimals. */
const isMultiple = (value: number, of: number): boolean => {
  if (of <= 0) throw new Undecided("a divisor is not above zero");
  const ratio = value / of;
  return Math.abs(ratio - Math.round(ratio)) <= Math.abs(ratio) * Number.EPSILON * 2;
};

const fits = (place: Place, fit: (place: Place) => Misfit): boolean => fit(place) === undefined;

const first = <A>(all: ReadonlyArray<A>, find: (one: A, index: number) => Misfit): Misfit => {
  for (const [index, one] of all.entries()) {
    const found = find(one, index);
    if (found !== undefined) return found;
  }
  return undefined;
};

const inside = (place: Place, key: string | number, value: Json, schema: Json): Place => ({
  value,
  schema,
  path: `${place.path}/${escapePointer(String(key))}`,
  depth: place.depth + 1,
});

const deeper = (place: Place, schema: Json): Place => ({ ...place, schema, depth: place.depth + 1 });

const COMBINING: { readonly [keyword: string]: Rule } = {
  allOf: (argument, place, _, fit) => first(listOf(argument), (schema) => fit(deeper(place, schema))),
  anyOf: (argument, place, _, fit) =>
    listOf(argument).some((schema) => fits(deeper(place, schema), fit))
      ? undefined
      : { path: place.path, keyword: "anyOf" },
  oneOf: (argument, place, _, fit) =>
    listOf(argument).filter((schema) => fits(deeper(place, schema), fit)).length === 1
      ? undefined
      : { path: place.path, keyword: "oneOf" },
  not: (argument, place, _, fit) =>
    fits(deeper(place, argument), fit) ? { path: place.path, keyword: "not" } : undefined,
  if: (argument, place, here, fit) => {
    const next = fits(deeper(place, argument), fit) ? here.then : here.else;
    return next === undefined ? undefined : fit(deeper(place, next));
  },
};

/** Names of an object's members that no schema of its own speaks of. */
const others = (value: JsonObject, here: JsonObject): ReadonlyArray<string> => {
  const known = isJsonObject(here.properties) ? here.properties : {};
  const patterns = isJsonObject(here.patternProperties) ? Object.keys(here.patternProperties) : [];
  return Object.keys(value).filter((key) =>
    !Object.hasOwn(known, key) && !patterns.some((pattern) => matches(pattern, key))
  );
};

const STRUCTURE: { readonly [keyword: string]: Rule } = {
  properties: (argument, place, _, fit) => {
    const { value } = place;
    return !isJsonObject(value) ? undefined : first(
      Object.entries(objectOf(argument)).filter(([key]) => Object.hasOwn(value, key)),
      ([key, schema]) => fit(inside(place, key, value[key], schema)),
    );
  },
  patternProperties: (argument, place, _, fit) => {
    const { value } = place;
    return !isJsonObject(value) ? undefined : first(
      Object.entries(objectOf(argument)),
      ([pattern, schema]) =>
        first(
          Object.keys(value).filter((key) => matches(pattern, key)),
          (key) => fit(inside(place, key, value[key], schema)),
        ),
    );
  },
  additionalProperties: (argument, place, here, fit) => {
    const { value } = place;
    if (!isJsonObject(value)) return undefined;
    return first(others(value, here), (key) => fit(inside(place, key, value[key], argument)));
  },
  propertyNames: (argument, place, _, fit) =>
    !isJsonObject(place.value)
      ? undefined
      : first(Object.keys(place.value), (key) => fit(inside(place, key, key, argument))),
  prefixItems: (argument, place, _, fit) => {
    const { value } = place;
    return !Array.isArray(value) ? undefined : first(
      listOf(argument).slice(0, value.length),
      (schema, index) => fit(inside(place, index, value[index], schema)),
    );
  },
  items: (argument, place, here, fit) => {
    const { value } = place;
    if (!Array.isArray(value)) return undefined;
    const from = Array.isArray(here.prefixItems) ? here.prefixItems.length : 0;
    return first(value.slice(from), (item, index) => fit(inside(place, from + index, item, argument)));
  },
  contains: (argument, place, here, fit) => {
    const { value, path } = place;
    if (!Array.isArray(value)) return undefined;
    const found = value.filter((item, index) => fits(inside(place, index, item, argument), fit)).length;
    const least = here.minContains === undefined ? 1 : numberOf(here.minContains);
    const most = here.maxContains === undefined ? Infinity : numberOf(here.maxContains);
    return found >= least && found <= most ? undefined : { path, keyword: "contains" };
  },
  dependentRequired: (argument, { value, path }) =>
    !isJsonObject(value)
      ? undefined
      : first(Object.entries(objectOf(argument)), ([key, names]) =>
        Object.hasOwn(value, key) && !listOf(names).every((name) =>
            Object.hasOwn(value, String(name))
          )
          ? { path, keyword: "dependentRequired" }
          : undefined),
};

const RULES: { readonly [keyword: string]: Rule } = {
  type: plain("type", () => true, (value: Json, argument) =>
    [argument].flat().some((name) => {
      const type = typeof name === "string" && Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
      if (type === undefined) throw new Undecided("a type is not known");
      return type(value);
    })),
  enum: plain("enum", () => true, (value: Json, argument) => listOf(argument).some((one) => same(one, value))),
  const: plain("const", () => true, (value: Json, argument) => same(argument, value)),
  minimum: number("minimum", (value, bound) => value >= bound),
  maximum: number("maximum", (value, bound) => value <= bound),
  exclusiveMinimum: number("exclusiveMinimum", (value, bound) => value > bound),
  exclusiveMaximum: number("exclusiveMaximum", (value, bound) => value < bound),
  multipleOf: number("multipleOf", isMultiple),
  minLength: text("minLength", (length, bound) => length >= bound),
  maxLength: text("maxLength", (length, bound) => length <= bound),
  pattern: plain("pattern", isText, (value: string, argument) => matches(String(argument), value)),
  minItems: list("minItems", (length, bound) => length >= bound),
  maxItems: list("maxItems", (length, bound) => length <= bound),
  uniqueItems: plain(
    "uniqueItems",
    Array.isArray,
    (value: ReadonlyArray<Json>, argument) => argument !== true || new Set(value.map(keyOf)).size === value.length,
  ),
  minProperties: members("minProperties", (count, bound) => count >= bound),
  maxProperties: members("maxProperties", (count, bound) => count <= bound),
  required: plain(
    "required",
    isJsonObject,
    (value: JsonObject, argument) => listOf(argument).every((name) => Object.hasOwn(value, String(name))),
  ),
  ...COMBINING,
  ...STRUCTURE,
};

/** Keywords that say nothing about values, or that a rule above reads along. */
const SILENT: ReadonlySet<string> = new Set(
  ("$schema $id $comment $defs definitions title description default examples deprecated readOnly writeOnly format " +
    "then else minContains maxContains contentEncoding contentMediaType").split(" "),
);

const target = (root: Json, reference: Json): Json => {
  const found = typeof reference === "string" && (reference === "#" || reference.startsWith("#/"))
    ? at(root, decodeURIComponent(reference.slice(1)))
    : undefined;
  if (found === undefined) throw new Undecided("a reference leads out of the schema");
  return found;
};

/**
 * Whether a value fits a schema.
 *
 * @example
 * ```ts
 * import { fitsSchema } from "./json_schema.ts";
 * import assert from "node:assert/strict";
 * const schema = { type: "object", required: ["moons"], properties: { moons: { type: "integer", minimum: 0 } } };
 * assert.deepEqual(fitsSchema({ moons: 2 }, schema), { fits: true });
 * assert.deepEqual(fitsSchema({ moons: -2 }, schema), { fits: false, path: "/moons", keyword: "minimum" });
 * assert.equal(fitsSchema({}, { $dynamicRef: "#x" }).fits, undefined);
 * ```
 */
export const fitsSchema = (value: Json, schema: Json): Fit => {
  let steps = 0;
  const fit = (place: Place): Misfit => {
    if (++steps > MAX_FIT_STEPS) throw new Undecided("comparing takes too long");
    if (place.depth > MAX_FIT_DEPTH) throw new Undecided("values or references nest too deep");
    const here = place.schema;
    if (typeof here === "boolean") return here ? undefined : { path: place.path, keyword: "false" };
    if (!isJsonObject(here)) throw new Undecided("a schema is neither an object nor true or false");
    return first(Object.keys(here), (keyword) => {
      if (keyword === "$ref") return fit(deeper(place, target(schema, here.$ref)));
      if (SILENT.has(keyword)) return undefined;
      if (!Object.hasOwn(RULES, keyword)) throw new Undecided(`the keyword ${keyword} is not known`);
      return RULES[keyword](here[keyword], place, here, fit);
    });
  };
  try {
    const misfit = fit({ value, schema, path: "", depth: 0 });
    return misfit === undefined ? { fits: true } : { fits: false, ...misfit };
  } catch (cause) {
    if (cause instanceof Undecided) return { fits: undefined, reason: cause.message };
    throw cause;
  }
};
