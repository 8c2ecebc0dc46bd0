/**
 * Rebuild: codecs and declarations from data, for plugins whose own codecs live in another process.
 *
 * Not the last word on a value: the plugin's own codec decodes again on its side.
 * Invariant: a rebuilt codec accepts JSON only, changes nothing, keeps roles of fields, and never runs a pattern that a
 * third party wrote (a pattern can hang whoever runs it).
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as SchemaRepresentation from "effect/SchemaRepresentation";
import {
  type AnyOperation,
  canonicalJson,
  failure,
  type FailureOf,
  isJsonObject,
  type Json,
  type JsonObject,
  jsonSchemaOf,
  JsonValue,
  type PlainCodec,
  type Role,
  role,
  ROLE_KEY,
} from "../kernel/mod.ts";
import type { Described, DescribedOperation } from "./described.ts";
import { pluginRefused } from "./failures.ts";

/** Deepest nesting of a schema. */
export const MAX_SCHEMA_DEPTH = 24;

/** Members and items of a schema in all. */
export const MAX_SCHEMA_NODES = 2_000;

const ROLES: ReadonlySet<unknown> = new Set<Role>(["readPath", "writePath", "freeText", "operationId"]);

const measure = (schema: Json, depth: number, count: { nodes: number }): void => {
  if (depth > MAX_SCHEMA_DEPTH || ++count.nodes > MAX_SCHEMA_NODES) throw new Error("its schema is too large");
  if (typeof schema !== "object" || schema === null) return;
  for (const member of Object.values(schema)) measure(member, depth + 1, count);
};

const mentionsRole = (schema: Json): boolean => JSON.stringify(schema).includes(`"${ROLE_KEY}"`);

const plain = (schema: JsonObject, definitions: JsonObject): PlainCodec => {
  const document = { dialect: "draft-2020-12", schema, definitions };
  return SchemaRepresentation.fromJsonSchemaDocument(document as never, {
    patterns: "ignore",
  }) as unknown as PlainCodec;
};

/** Members are taken apart by hand only where a role lies in them; the rest is the schema library's work. */
const codecAt = (schema: Json, definitions: JsonObject): PlainCodec => {
  if (schema === true || isJsonObject(schema) && Object.keys(schema).length === 0) return JsonValue;
  if (!isJsonObject(schema)) throw new Error("its schema is not an object");
  const named = schema[ROLE_KEY];
  if (named !== undefined) {
    if (!ROLES.has(named) || schema.type !== "string") throw new Error("a role stands on something other than text");
    return role(named as Role, typeof schema.description === "string" ? schema.description : "") as PlainCodec;
  }
  if (!mentionsRole(schema)) return plain(schema, definitions);
  if (schema.type === "array" && schema.items !== undefined) return Schema.Array(codecAt(schema.items, definitions));
  if (schema.type === "object" && isJsonObject(schema.properties)) return structOf(schema, definitions);
  throw new Error("a role stands inside a choice; put it on a member of an object or the items of a list");
};

const structOf = (schema: JsonObject, definitions: JsonObject): PlainCodec => {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = Object.entries(schema.properties as JsonObject).map(([name, member]) => {
    const codec = codecAt(member, definitions);
    return [name, required.includes(name) ? codec : Schema.optionalKey(codec)];
  });
  return Schema.Struct(Object.fromEntries(fields)) as unknown as PlainCodec;
};

/** A codec from JSON Schema; throws with a reason where the schema cannot be taken over. */
export const codecOf = (schema: Json): PlainCodec => {
  measure(schema, 0, { nodes: 0 });
  if (!isJsonObject(schema)) return codecAt(schema, {});
  const { $defs, ...root } = schema;
  const definitions = isJsonObject($defs) ? $defs : {};
  if (mentionsRole(definitions)) throw new Error("a role stands in a shared definition; put it on the member itself");
  return codecAt(root, definitions);
};

const Nothing: PlainCodec = Schema.Struct({}) as unknown as PlainCodec;
const NOTHING = canonicalJson(jsonSchemaOf(Nothing));

/** An input is an object; one without members has a schema of its own in the library's eyes. */
const inputOf = (schema: Json): PlainCodec => {
  if (canonicalJson(schema) === NOTHING) return Nothing;
  if (!isJsonObject(schema) || schema.type !== "object") throw new Error("its input is not an object");
  return codecOf(schema);
};

const rebuildOperation = (row: DescribedOperation): AnyOperation => {
  return {
    ...row,
    input: inputOf(row.input),
    output: codecOf(row.output),
    ...(row.event === undefined ? {} : { event: codecOf(row.event) }),
    failures: row.failures.map(({ code, recoverable, doc }) => failure(code, { doc, recoverable, says: () => doc })),
  } as unknown as AnyOperation;
};

/** The declarations of a described plugin. */
export const rebuildOperations = (
  described: Described,
): Result.Result<ReadonlyArray<AnyOperation>, FailureOf<"REGISTRY_PLUGIN_REFUSED">> => {
  const operations: Array<AnyOperation> = [];
  for (const row of described.operations) {
    try {
      operations.push(rebuildOperation(row));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
      return Result.fail(pluginRefused({ plugin: described.id, reason: `${row.id}: ${reason}` }));
    }
  }
  return Result.succeed(operations);
};
