/**
 * Grammar: which flags and positionals the input of an operation has, read off its JSON Schema, and how texts typed in
 * a shell become the JSON input.
 *
 * Not the parser (cli/commands.ts ties this to `effect/cli`) and not the judge of values: the kernel decodes the input.
 * Invariant: every input can be written: a field as its flag, and any document whole as `--input <json>`.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "../../../kernel/json.ts";
import { OPERAND_KEY, ROLE_KEY } from "../../../kernel/operation.ts";

/** JSON Schema's names of types. */
export type JsonType = "string" | "integer" | "number" | "boolean" | "null" | "array" | "object";

/** How the text of a flag becomes a value. */
export type ValueKind =
  /** One of a fixed list of texts. */
  | { readonly kind: "choice"; readonly values: ReadonlyArray<string> }
  /** The text as it is. */
  | { readonly kind: "text" }
  /** A whole number. */
  | { readonly kind: "integer" }
  /** A number. */
  | { readonly kind: "number" }
  /** True, or false with `--no-…`. */
  | { readonly kind: "boolean" }
  /** JSON text of one of these types (none named: any); where text is among them, other text is taken as it is. */
  | { readonly kind: "json"; readonly types: ReadonlyArray<JsonType> };

/** One field of an input, as a flag. */
export interface Parameter {
  /** Name of the field. */
  readonly field: string;
  /** Name of its flag, without the dashes. */
  readonly flag: string;
  /** Other spelling of the flag. */
  readonly alias?: string;
  /** How its text is read. */
  readonly value: ValueKind;
  /** Whether it is given several times, each time one element. */
  readonly repeated: boolean;
  /** Whether the input needs it. */
  readonly required: boolean;
  /** What it is. */
  readonly description: string;
}

/** The grammar of one operation's input. */
export interface Grammar {
  /** Its fields in declared order. */
  readonly parameters: ReadonlyArray<Parameter>;
  /** The one required field, where there is exactly one: it may be given without its flag. */
  readonly positional?: Parameter;
}

/** Flags that every operation has and that say nothing of its input; a field of the same name is `input-<name>`. */
export const RESERVED_FLAGS: ReadonlyArray<string> = ["help", "json", "input"];

/** The flag that is the input's field of this name where there is one, and else the seed of the call's randomness. */
export const SEED_FLAG = "seed";

/** Follows `$ref` into `$defs` of the whole document; a chain longer than the definitions is cut. */
const dereference = (schema: Json | undefined, root: JsonObject): JsonObject => {
  let here = schema;
  const definitions = isJsonObject(root.$defs) ? root.$defs : {};
  for (let hops = 0; hops <= Object.keys(definitions).length; hops++) {
    if (!isJsonObject(here)) return {};
    if (typeof here.$ref !== "string") return here;
    here = definitions[here.$ref.slice("#/$defs/".length)];
  }
  return {};
};

const alternatives = (schema: JsonObject, root: JsonObject): ReadonlyArray<JsonObject> => {
  const union = schema.anyOf ?? schema.oneOf;
  return Array.isArray(union)
    ? union.flatMap((member) => alternatives(dereference(member, root), root))
    : [dereference(schema, root)];
};

const literalsOf = (schema: JsonObject): ReadonlyArray<Json> | undefined =>
  Array.isArray(schema.enum) ? schema.enum : schema.const === undefined ? undefined : [schema.const];

const typeOf = (value: Json): JsonType =>
  value === null
    ? "null"
    : Array.isArray(value)
    ? "array"
    : Number.isInteger(value)
    ? "integer"
    : (typeof value as JsonType);

const SCALARS: { readonly [type: string]: ValueKind } = {
  string: { kind: "text" },
  integer: { kind: "integer" },
  number: { kind: "number" },
  boolean: { kind: "boolean" },
};

const valueKind = (members: ReadonlyArray<JsonObject>): ValueKind => {
  const literals = members.map(literalsOf);
  const texts = literals.flatMap((values) => values ?? []);
  if (texts.length > 0 && literals.every((values) => values !== undefined) && texts.every(isString)) {
    return { kind: "choice", values: [...new Set(texts.filter(isString))] };
  }
  const [only] = members;
  if (members.length === 1 && literals[0] === undefined && typeof only.type === "string" && only.type in SCALARS) {
    return SCALARS[only.type];
  }
  const types = members.flatMap((member, index) => literals[index]?.map(typeOf) ?? (member.type as JsonType ?? []));
  return {
    kind: "json",
    types: members.every((member) => member.type ?? literalsOf(member)) ? [...new Set(types)] : [],
  };
};

const kebab = (name: string): string =>
  name.replace(/(?<=[a-z0-9])(?=[A-Z])/gu, "-").replaceAll("_", "-").toLowerCase();

const FLAG_NAME = /^[A-Za-z][A-Za-z0-9_-]*$/u;

/** An annotation, also where it stands beside a check (`allOf`). */
const annotation = (schema: JsonObject, key: string): string | undefined =>
  [schema, ...(Array.isArray(schema.allOf) ? schema.allOf.filter(isJsonObject) : [])]
    .map((part) => part[key]).find(isString);

const isString = (value: Json | undefined): value is string => typeof value === "string";

const described = (schema: JsonObject, resolved: JsonObject): string =>
  ["description", ROLE_KEY].flatMap((key) => [annotation(schema, key), annotation(resolved, key)]).find(isString) ?? "";

const readParameter = (field: string, raw: Json, required: boolean, root: JsonObject): Parameter => {
  const schema = isJsonObject(raw) ? raw : {};
  const resolved = dereference(schema, root);
  const members = alternatives(schema, root);
  const items = members.length === 1 && members[0].type === "array" ? members[0].items : undefined;
  const flag = RESERVED_FLAGS.includes(field) ? `input-${field}` : field;
  const other = kebab(flag);
  return {
    field,
    flag,
    ...(other === flag ? {} : { alias: other }),
    value: items === undefined ? valueKind(members) : valueKind(alternatives(dereference(items, root), root)),
    repeated: items !== undefined,
    required,
    description: described(schema, resolved),
  };
};

/** Drops aliases that are another field's name or alias, and fields that no flag can spell. */
const withoutClashes = (parameters: ReadonlyArray<Parameter>): ReadonlyArray<Parameter> => {
  const taken = new Set([...RESERVED_FLAGS, ...parameters.map((parameter) => parameter.flag)]);
  return parameters.filter((parameter) => FLAG_NAME.test(parameter.flag)).map((parameter) => {
    if (parameter.alias === undefined) return parameter;
    const { alias, ...rest } = parameter;
    if (taken.has(alias)) return rest;
    taken.add(alias);
    return parameter;
  });
};

const isOperand = (raw: Json, root: JsonObject): boolean =>
  [isJsonObject(raw) ? raw : {}, dereference(raw, root)].some((schema) =>
    annotation(schema, OPERAND_KEY) !== undefined
  );

/** Reads the grammar of an operation off the JSON Schema of its input. */
export const grammarOf = (input: Json): Grammar => {
  const root = isJsonObject(input) ? input : {};
  const schema = dereference(root, root);
  const required = Array.isArray(schema.required) ? schema.required : [];
  const properties = isJsonObject(schema.properties) ? Object.entries(schema.properties) : [];
  const parameters = withoutClashes(
    properties.map(([field, raw]) => readParameter(field, raw, required.includes(field), root)),
  );
  const needed = parameters.filter((parameter) => parameter.required);
  const [positional] = needed;
  const operand = required.length > 0
    ? undefined
    : parameters.find(({ field }) => isJsonObject(schema.properties) && isOperand(schema.properties[field], root));
  if (operand !== undefined) return { parameters, positional: operand };
  return needed.length === 1 && required.length === 1 && positional.value.kind !== "boolean"
    ? { parameters, positional }
    : { parameters };
};

const takesText = (types: ReadonlyArray<JsonType>): boolean => types.length === 0 || types.includes("string");

/** What a value may look like, for help and messages. */
export const valueName = (value: ValueKind): string =>
  value.kind === "choice"
    ? value.values.join("|")
    : value.kind === "json"
    ? takesText(value.types) ? "text|json" : "json"
    : value.kind;

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/u;

const readNumber = (text: string, whole: boolean): number | undefined => {
  const value = NUMBER.test(text) ? Number(text) : NaN;
  return !Number.isFinite(value) || (whole && !Number.isSafeInteger(value)) ? undefined : value === 0 ? 0 : value;
};

const readJson = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

const isOf = (types: ReadonlyArray<JsonType>, value: Json): boolean =>
  types.length === 0 || (!isString(value) && (types.includes(typeOf(value)) ||
    (typeof value === "number" && types.includes("number"))));

const readMixed = (types: ReadonlyArray<JsonType>, read: Json | undefined, text: string): Json | undefined =>
  read !== undefined && isOf(types, read) ? read : takesText(types) ? text : read;

const BOOLEANS: { readonly [text: string]: boolean } = { true: true, false: false };

/** Reads one text as a value; `undefined` when the text is not of that kind. */
export const readValue = (value: ValueKind, text: string): Json | undefined => {
  switch (value.kind) {
    case "text":
      return text;
    case "choice":
      return value.values.includes(text) ? text : undefined;
    case "integer":
    case "number":
      return readNumber(text, value.kind === "integer");
    case "boolean":
      return Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined;
    case "json":
      return readMixed(value.types, readJson(text), text);
  }
};

/**
 * Attaches values that look like flags to the flag before them: `--n -5` is `--n=-5`, and `--text --` stays as it is.
 * Texts after `--` are operands and are left alone.
 */
export const attachNegatives = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const out: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const here = args[index];
    if (here === "--") return [...out, ...args.slice(index)];
    const next = args[index + 1];
    if (here.startsWith("--") && !here.includes("=") && next !== undefined && /^-(?:\d|\.\d)/u.test(next)) {
      out.push(`${here}=${next}`);
      index++;
    } else out.push(here);
  }
  return out;
};
