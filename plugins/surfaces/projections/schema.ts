/**
 * Schemas of a projection: an operation's JSON Schemas, fitted into a larger document.
 *
 * Not a schema of its own: what is accepted is decided by the declaration's codecs, these only describe it.
 * Invariant: every `$ref` in what comes out resolves inside the document it was fitted for.
 *
 * @module
 */
import { Failure } from "../../../kernel/failure.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../kernel/json.ts";
import { type AnyOperation, jsonSchemaOf, type PlainCodec } from "../../../kernel/operation.ts";

/** A schema whose definitions have been moved out of it. */
export interface Fitted {
  /** The schema, referring to the moved definitions. */
  readonly schema: JsonObject;
  /** The definitions by their new names. */
  readonly definitions: { readonly [name: string]: Json };
}

const LOCAL = "#/$defs/";

const unescape = (token: string): string => decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");

/** Moves the definitions of a schema to `base` (for example `#/components/schemas/`), prefixing their names. */
export const fit = (schema: Json, base: string, prefix = ""): Fitted => {
  // Names become part of a URI and, in OpenAPI, of a restricted alphabet.
  const rename = (name: string): string => `${prefix}${name.replace(/[^A-Za-z0-9._-]/gu, "_")}`;
  const walk = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(walk);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) =>
        key === "$ref" && typeof inner === "string" && inner.startsWith(LOCAL)
          ? [key, base + rename(unescape(inner.slice(LOCAL.length)))]
          : [key, walk(inner)]
      ),
    );
  };
  if (!isJsonObject(schema)) return { schema: {}, definitions: {} };
  const { $defs, ...root } = schema;
  const definitions = isJsonObject($defs)
    ? Object.fromEntries(Object.entries($defs).map(([name, inner]) => [rename(name), walk(inner)]))
    : {};
  return { schema: walk(root) as JsonObject, definitions };
};

/** JSON Schema of an operation's input: always an object, also where it has no fields. */
export const inputSchemaOf = (operation: AnyOperation): JsonObject => {
  const schema = jsonSchemaOf(operation.input) as JsonObject;
  return schema.type === "object" ? schema : { type: "object", properties: {}, additionalProperties: false };
};

/** JSON Schema of an operation's output. */
export const outputSchemaOf = (operation: AnyOperation): JsonObject => jsonSchemaOf(operation.output) as JsonObject;

/** JSON Schema of the events a streaming operation emits; absent for the others. */
export const eventSchemaOf = (operation: AnyOperation): JsonObject | undefined =>
  operation.event === undefined ? undefined : jsonSchemaOf(operation.event) as JsonObject;

/** JSON Schema of a failure on the wire. */
export const failureSchema: JsonObject = jsonSchemaOf(Failure as unknown as PlainCodec) as JsonObject;

/** `{ ok: true, value }` or `{ ok: false, failure }`: what every machine door answers. */
export const answerSchema = (value: JsonObject, failure: JsonObject): JsonObject => ({
  type: "object",
  properties: { ok: { type: "boolean" }, value, failure },
  required: ["ok"],
  additionalProperties: false,
});
