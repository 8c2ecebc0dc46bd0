/**
 * JSON: the value type, its canonical bytes (RFC 8785), pointers (RFC 6901) and the patches that failures carry.
 *
 * Not a serialiser for arbitrary objects: class instances, functions, symbols and `undefined` are refused.
 * Invariant: equal values have equal canonical text, and canonical text parses back to an equal value.
 *
 * @module
 */
import * as Patch from "effect/JsonPatch";

/** A JSON value. 64-bit integers are written as decimal strings by convention. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** One edit of a JSON document: `add`, `remove` or `replace` at a pointer (the part of RFC 6902 that fixes need). */
export type JsonEdit = Patch.JsonPatchOperation;

/** A sequence of edits, applied in order. */
export type JsonPatch = ReadonlyArray<JsonEdit>;

/** Deepest nesting that {@link canonicalJson} accepts; deeper values are refused, never a stack overflow. */
export const MAX_JSON_DEPTH = 256;

/** Raised by {@link canonicalJson}: the value has no canonical form. `path` points at the offending member. */
export class NotCanonical extends Error {
  /** Pointer to the member that has no canonical form. */
  readonly path: string;
  /** Builds the error for a value at `path`. */
  constructor(path: string, reason: string) {
    super(`Cannot write canonical JSON at "${path}": ${reason}`);
    this.name = "NotCanonical";
    this.path = path;
  }
}

const writeNumber = (value: number, path: string): string => {
  if (!Number.isFinite(value)) throw new NotCanonical(path, `${value} is not a JSON number`);
  if (Object.is(value, -0)) throw new NotCanonical(path, "-0 would not survive a round trip");
  return JSON.stringify(value);
};

const writeText = (value: string, path: string): string => {
  if (!value.isWellFormed()) throw new NotCanonical(path, "text holds a lone surrogate");
  return JSON.stringify(value);
};

const write = (value: unknown, path: string, depth: number): string => {
  if (depth > MAX_JSON_DEPTH) throw new NotCanonical(path, `nesting exceeds ${MAX_JSON_DEPTH}`);
  if (value === null || value === true || value === false) return String(value);
  if (typeof value === "number") return writeNumber(value, path);
  if (typeof value === "string") return writeText(value, path);
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item, index) => write(item, `${path}/${index}`, depth + 1)).join(",")}]`;
  }
  if (typeof value === "object") {
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== null && prototype !== Object.prototype) throw new NotCanonical(path, "not a plain object");
    const record = value as Record<string, unknown>;
    // RFC 8785 orders members by UTF-16 code units, which is what Array.prototype.sort does by default.
    const members = Object.keys(record).sort().map((key) =>
      `${writeText(key, path)}:${write(record[key], `${path}/${escapePointer(key)}`, depth + 1)}`
    );
    return `{${members.join(",")}}`;
  }
  throw new NotCanonical(path, `${typeof value} is not JSON`);
};

/**
 * Canonical JSON text of a value (RFC 8785, JSON Canonicalization Scheme).
 *
 * Throws {@link NotCanonical} for NaN, infinities, −0, lone surrogates, `undefined`, non-plain objects and nesting
 * beyond {@link MAX_JSON_DEPTH}.
 *
 * @example
 * ```ts
 * import { canonicalJson } from "@rmi/rmi/kernel";
 * import assert from "node:assert/strict";
 * assert.equal(canonicalJson({ b: [1, "x"], a: null }), '{"a":null,"b":[1,"x"]}');
 * ```
 */
export const canonicalJson = (value: unknown): string => write(value, "", 0);

/** Escapes one member name for use in a JSON Pointer. */
export const escapePointer = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

/** Writes a list of member names and indices as a JSON Pointer; the empty list is the root, `""`. */
export const pointer = (keys: ReadonlyArray<PropertyKey>): string =>
  keys.map((key) => `/${escapePointer(String(key))}`).join("");

/** Splits a JSON Pointer into member names. */
export const pointerKeys = (path: string): ReadonlyArray<string> =>
  path === "" ? [] : path.slice(1).split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));

/** The value a pointer leads to, or `undefined` where it leads nowhere. */
export const at = (document: Json, path: string): Json | undefined => {
  let here: Json | undefined = document;
  for (const key of pointerKeys(path)) {
    if (here === null || typeof here !== "object" || !Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, Json>)[key];
  }
  return here;
};

/** Applies a patch and returns the new document; throws when an edit does not fit the document. */
export const applyPatch = (patch: JsonPatch, document: Json): Json => Patch.apply(patch, document as never) as Json;

/** Whether a JSON value is an object (not null, not an array). */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
