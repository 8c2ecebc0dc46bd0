/**
 * Roles: where in an operation's input the paths are, read off its schema, and resolving them in the user's folder.
 *
 * Invariant: a path in an input means what it means in the shell of the user who wrote it.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { type AnyOperation, jsonSchemaOf, type Role, ROLE_KEY } from "./operation.ts";
import { resolvePath } from "./paths.ts";

/** A member of the input that has a role: `*` in the pattern stands for every item of a list. */
export interface RoleField {
  /** Member names from the root. */
  readonly pattern: ReadonlyArray<string>;
  /** What the text is for. */
  readonly role: Role;
}

const MAX_SCHEMA_DEPTH = 16;

const collect = (
  schema: Json | undefined,
  root: JsonObject,
  at: ReadonlyArray<string>,
  into: Array<RoleField>,
): void => {
  if (!isJsonObject(schema) || at.length > MAX_SCHEMA_DEPTH) return;
  const reference = schema.$ref;
  if (typeof reference === "string") {
    const name = reference.split("/").at(-1)!;
    // A recursive definition is entered once on each path: its roles are found at the first level.
    if (at.includes(`$${name}`)) return;
    collect((root.$defs as JsonObject | undefined)?.[name], root, at, into);
    return;
  }
  const role = schema[ROLE_KEY];
  if (typeof role === "string") into.push({ pattern: at, role: role as Role });
  if (isJsonObject(schema.properties)) {
    for (const [key, member] of Object.entries(schema.properties)) collect(member, root, [...at, key], into);
  }
  collect(schema.items, root, [...at, "*"], into);
  for (const branches of [schema.anyOf, schema.oneOf, schema.allOf]) {
    if (Array.isArray(branches)) { for (const branch of branches) collect(branch, root, at, into); }
  }
};

const known = new WeakMap<AnyOperation, ReadonlyArray<RoleField>>();

/** The members of an operation's input that have a role. */
export const roleFields = (declared: AnyOperation): ReadonlyArray<RoleField> => {
  const cached = known.get(declared);
  if (cached !== undefined) return cached;
  const schema = jsonSchemaOf(declared.input);
  const found: Array<RoleField> = [];
  collect(schema, schema as JsonObject, [], found);
  known.set(declared, found);
  return found;
};

/** A value with every text at a place changed; `*` in the place stands for every item of a list. */
export const mapTexts = (value: Json, pattern: ReadonlyArray<string>, change: (text: string) => string): Json => {
  if (pattern.length === 0) return typeof value === "string" ? change(value) : value;
  const [key, ...rest] = pattern;
  if (key === "*") return Array.isArray(value) ? value.map((item) => mapTexts(item, rest, change)) : value;
  if (!isJsonObject(value) || !Object.hasOwn(value, key)) return value;
  return { ...value, [key]: mapTexts(value[key], rest, change) };
};

/** Paths named by an input, resolved, by what is done with them; and the input with those paths in place. */
export interface LocatedInput {
  /** The input with absolute paths. */
  readonly input: Json;
  /** The paths. */
  readonly paths: { readonly read: ReadonlyArray<string>; readonly write: ReadonlyArray<string> };
}

/** Resolves every path of an input against the user's folder. */
export const locate = (declared: AnyOperation, input: Json, workspace: string): LocatedInput => {
  const read: Array<string> = [];
  const write: Array<string> = [];
  let located = input;
  for (const { pattern, role } of roleFields(declared)) {
    if (role !== "readPath" && role !== "writePath") continue;
    located = mapTexts(located, pattern, (text) => {
      const path = resolvePath(workspace, text);
      (role === "readPath" ? read : write).push(path);
      return path;
    });
  }
  return { input: located, paths: { read, write } };
};
