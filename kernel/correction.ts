/**
 * Correction: from an input that does not fit its schema to the smallest patch that makes it fit.
 *
 * Not a guess at meaning: every patch is tried on the schema before it is offered, and values that must be invented
 * come from the operation's own examples.
 * Invariant: an offered patch applies, and the patched input decodes.
 *
 * @module
 */
import * as Exit from "effect/Exit";
import * as Schema from "effect/Schema";
import type * as SchemaIssue from "effect/SchemaIssue";
import type { FailureOf } from "./failure.ts";
import { invalidInput } from "./failures.ts";
import {
  applyPatch,
  at,
  canonicalJson,
  isJsonObject,
  type Json,
  type JsonEdit,
  type JsonObject,
  pointer,
} from "./json.ts";
import { nearest } from "./nearest.ts";
import { type AnyOperation, jsonSchemaOf } from "./operation.ts";

/** Inputs tried before giving up on a patch. */
export const MAX_PATCH_TRIALS = 400;

/** Edits in one patch. */
export const MAX_PATCH_EDITS = 6;

/** One way in which an input does not fit. */
interface Misfit {
  readonly keys: ReadonlyArray<PropertyKey>;
  readonly kind: SchemaIssue.Leaf["_tag"];
}

const misfits = (issue: SchemaIssue.Issue, keys: ReadonlyArray<PropertyKey> = []): ReadonlyArray<Misfit> => {
  switch (issue._tag) {
    case "Pointer":
      return misfits(issue.issue, [...keys, ...issue.path]);
    case "Filter":
      return misfits(issue.issue, keys);
    case "Encoding":
      return misfits(issue.issue, keys);
    case "Composite":
      return issue.issues.flatMap((inner) => misfits(inner, keys));
    case "AnyOf":
      return issue.issues.length === 0
        ? [{ keys, kind: "InvalidType" }]
        : [{ keys, kind: "InvalidType" }, ...issue.issues.flatMap((inner) => misfits(inner, keys))];
    case "InvalidType":
      // Where nothing may stand, whatever stands there is unexpected.
      return [{ keys, kind: issue.ast._tag === "Never" ? "UnexpectedKey" : "InvalidType" }];
    default:
      return [{ keys, kind: issue._tag }];
  }
};

/** How inputs are decoded: everything wrong is reported, and unknown members are wrong. */
export const STRICT = { errors: "all", onExcessProperty: "error" } as const;

type Decode = (input: unknown) => Exit.Exit<unknown, Schema.SchemaError>;

/** Decodes an operation's encoded input strictly. */
export const decodeInput = (declared: AnyOperation): Decode =>
  Schema.decodeUnknownExit(declared.input, STRICT) as Decode;

const misfitsOf = (decode: Decode, input: Json): ReadonlyArray<Misfit> => {
  const exit = decode(input);
  if (Exit.isSuccess(exit)) return [];
  const reason = exit.cause.reasons[0];
  return reason._tag === "Fail" ? misfits(reason.error.issue) : [{ keys: [], kind: "InvalidType" }];
};

/** The schemas that may apply at a place: references followed, branches listed. */
const schemasAt = (root: JsonObject, keys: ReadonlyArray<PropertyKey>): ReadonlyArray<JsonObject> => {
  const expand = (schema: Json | undefined, depth = 0): ReadonlyArray<JsonObject> => {
    if (!isJsonObject(schema) || depth > 8) return [];
    if (typeof schema.$ref === "string") {
      return expand((root.$defs as JsonObject | undefined)?.[schema.$ref.split("/").at(-1)!], depth + 1);
    }
    const branches = [schema.anyOf, schema.oneOf].flatMap((list) => Array.isArray(list) ? list : []);
    // Checks are written as `allOf` beside the type: they belong to the same value.
    const whole = Array.isArray(schema.allOf) ? Object.assign({}, schema, ...schema.allOf) as JsonObject : schema;
    return branches.length === 0 ? [whole] : branches.flatMap((branch) => expand(branch, depth + 1));
  };
  let here = expand(root);
  for (const key of keys) {
    here = here.flatMap((schema) => {
      const member = isJsonObject(schema.properties) ? schema.properties[String(key)] : undefined;
      if (member !== undefined) return expand(member);
      if (typeof key === "number") {
        const positional = Array.isArray(schema.prefixItems) ? schema.prefixItems[key] : undefined;
        return expand(positional ?? schema.items);
      }
      return expand(schema.additionalProperties);
    });
  }
  return here;
};

const propertiesOf = (schemas: ReadonlyArray<JsonObject>): ReadonlyArray<string> => [
  ...new Set(schemas.flatMap((schema) => isJsonObject(schema.properties) ? Object.keys(schema.properties) : [])),
];

const parsed = (text: string): ReadonlyArray<Json> => {
  try {
    return [JSON.parse(text) as Json];
  } catch {
    return [];
  }
};

const NUMBER_TEXT = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/iu;

/** Readings of a value as other types, likeliest first. */
const coercions = (value: Json): ReadonlyArray<Json> => {
  if (typeof value === "string") {
    const text = value.trim();
    return [
      ...NUMBER_TEXT.test(text) ? [Number(text)] : [],
      ...["true", "false"].includes(text.toLowerCase()) ? [text.toLowerCase() === "true"] : [],
      ...parsed(text),
      [value],
      ...text.includes(",") ? [text.split(",").map((part) => part.trim())] : [],
    ];
  }
  if (typeof value === "number") {
    return [Math.round(value), Math.abs(Math.round(value)), String(value), [value], value !== 0];
  }
  if (typeof value === "boolean") return [String(value), value ? 1 : 0];
  if (Array.isArray(value)) return value.length === 1 ? [value[0], ...coercions(value[0])] : [value.join(",")];
  return value === null ? [] : [[value], JSON.stringify(value)];
};

const within = (value: number, schema: JsonObject): ReadonlyArray<Json> => {
  const step = schema.type === "integer" ? 1 : Number.EPSILON * Math.max(1, Math.abs(value));
  const low = typeof schema.minimum === "number"
    ? schema.minimum
    : typeof schema.exclusiveMinimum === "number"
    ? schema.exclusiveMinimum + step
    : -Infinity;
  const high = typeof schema.maximum === "number"
    ? schema.maximum
    : typeof schema.exclusiveMaximum === "number"
    ? schema.exclusiveMaximum - step
    : Infinity;
  const clamped = Math.min(Math.max(value, low), high);
  return Number.isFinite(clamped) && clamped !== value ? [clamped] : [];
};

const resized = (value: Json, schema: JsonObject): ReadonlyArray<Json> => {
  const limit = (key: string): number | undefined =>
    typeof schema[key] === "number" ? schema[key] as number : undefined;
  if (typeof value === "string") {
    const most = limit("maxLength");
    return most !== undefined && value.length > most ? [value.slice(0, most)] : [];
  }
  if (Array.isArray(value)) {
    const most = limit("maxItems");
    return [
      ...most !== undefined && value.length > most ? [value.slice(0, most)] : [],
      ...value.length > 1 ? [[...value].reverse(), [...value].sort((a, b) => Number(a) - Number(b))] : [],
    ];
  }
  return [];
};

const constants = (schema: JsonObject): ReadonlyArray<Json> =>
  Array.isArray(schema.enum) ? schema.enum : schema.const === undefined ? [] : [schema.const];

/** Other ways of writing a value that may fit its place, likeliest first. */
const reforms = (value: Json, schemas: ReadonlyArray<JsonObject>): ReadonlyArray<Json> => {
  const words = schemas.flatMap(constants).filter((word) => typeof word === "string");
  return [
    ...typeof value === "string" ? nearest(value, words, 2) : [],
    ...typeof value === "number" ? schemas.flatMap((schema) => within(value, schema)) : [],
    ...coercions(value),
    ...typeof value === "string" ? [value.trim(), value.toLowerCase(), value.toUpperCase()] : [],
    ...schemas.flatMap((schema) => resized(value, schema)),
  ];
};

const shownAt = (examples: ReadonlyArray<Json>, keys: ReadonlyArray<PropertyKey>): ReadonlyArray<Json> =>
  examples.flatMap((example) => {
    const value = at(example, pointer(keys));
    return value === undefined ? [] : [value];
  });

/** Edits that go together, and how much of the caller's meaning they put at risk. */
interface Mending {
  readonly edits: ReadonlyArray<JsonEdit>;
  readonly risk: number;
}

/** Risks: saying the same in the right form, inventing a value, dropping what was said. */
const RISK = { reform: 1, invent: 2, dropUnknown: 3, dropKnown: 6 } as const;

const replacing = (path: string, value: Json, risk: number): Mending => ({
  edits: [{ op: "replace", path, value: value as never }],
  risk,
});

/** A list whose items stand in another order: a misfit inside it may be one of place. */
const reordered = (input: Json, keys: ReadonlyArray<PropertyKey>): ReadonlyArray<Mending> => {
  const path = pointer(keys.slice(0, -1));
  const list = at(input, path);
  return typeof keys.at(-1) === "number" && Array.isArray(list) && list.length > 1
    ? [replacing(path, [...list].reverse(), RISK.reform)]
    : [];
};

const mendUnexpected = (input: Json, misfit: Misfit, root: JsonObject): ReadonlyArray<Mending> => {
  const path = pointer(misfit.keys);
  const parent = misfit.keys.slice(0, -1);
  const siblings = at(input, pointer(parent));
  const free = propertiesOf(schemasAt(root, parent))
    .filter((name) => isJsonObject(siblings) && !Object.hasOwn(siblings, name));
  const value = at(input, path) as never;
  return [
    ...nearest(String(misfit.keys.at(-1)), free, 2).map((name): Mending => ({
      edits: [{ op: "remove", path }, { op: "add", path: pointer([...parent, name]), value }],
      risk: RISK.reform,
    })),
    { edits: [{ op: "remove", path }], risk: RISK.dropUnknown },
  ];
};

/** Edits that may mend one misfit, likeliest first. */
const mendings = (
  input: Json,
  misfit: Misfit,
  root: JsonObject,
  examples: ReadonlyArray<Json>,
): ReadonlyArray<Mending> => {
  const path = pointer(misfit.keys);
  const schemas = schemasAt(root, misfit.keys);
  const value = at(input, path);
  const shown = shownAt(examples, misfit.keys);
  if (misfit.kind === "UnexpectedKey" && value !== undefined) return mendUnexpected(input, misfit, root);
  const defaults = schemas.flatMap((schema) => schema.default === undefined ? [] : [schema.default]);
  if (value === undefined) {
    return [...defaults, ...shown, ...schemas.flatMap(constants)].map((made) => ({
      edits: [{ op: "add", path, value: made as never }],
      risk: RISK.invent,
    }));
  }
  return [
    ...reforms(value, schemas).map((made) => replacing(path, made, RISK.reform)),
    ...reordered(input, misfit.keys),
    ...[...defaults, ...shown, ...schemas.flatMap(constants)].map((made) => replacing(path, made, RISK.invent)),
    ...typeof misfit.keys.at(-1) === "string"
      ? [{ edits: [{ op: "remove", path } satisfies JsonEdit], risk: RISK.dropKnown }]
      : [],
  ];
};

interface Trial {
  readonly input: Json;
  readonly patch: ReadonlyArray<JsonEdit>;
  readonly risk: number;
  readonly misfits: ReadonlyArray<Misfit>;
}

const promise = ({ risk, misfits }: Trial): number => risk + misfits.length;

/** The least risky patch found within bounds (best-first search); `undefined` where none was found. */
const repair = (
  decode: Decode,
  input: Json,
  root: JsonObject,
  examples: ReadonlyArray<Json>,
): ReadonlyArray<JsonEdit> | undefined => {
  const seen = new Set([canonicalJson(input)]);
  const open: Array<Trial> = [{ input, patch: [], risk: 0, misfits: misfitsOf(decode, input) }];
  let trials = 0;
  while (open.length > 0) {
    open.sort((a, b) => promise(a) - promise(b));
    const here = open.shift()!;
    if (here.misfits.length === 0) return here.patch;
    if (here.patch.length >= MAX_PATCH_EDITS) continue;
    for (const misfit of here.misfits) {
      for (const { edits, risk } of mendings(here.input, misfit, root, examples)) {
        if (trials >= MAX_PATCH_TRIALS) break;
        const next = applyPatch(edits, here.input);
        const text = canonicalJson(next);
        if (seen.has(text)) continue;
        seen.add(text);
        trials++;
        open.push({
          input: next,
          patch: [...here.patch, ...edits],
          risk: here.risk + risk,
          misfits: misfitsOf(decode, next),
        });
      }
    }
  }
  return undefined;
};

const BOUNDS: ReadonlyArray<readonly [string, string]> = [
  ["minimum", "≥"],
  ["exclusiveMinimum", ">"],
  ["maximum", "≤"],
  ["exclusiveMaximum", "<"],
  ["minLength", "length ≥"],
  ["maxLength", "length ≤"],
  ["minItems", "items ≥"],
  ["maxItems", "items ≤"],
  ["pattern", "matching"],
];

const inWords = (schema: JsonObject): string => {
  const named = constants(schema);
  if (named.length > 0) return named.map((value) => JSON.stringify(value)).join(" | ");
  const bounds = BOUNDS.flatMap(([key, sign]) => schema[key] === undefined ? [] : [`${sign} ${schema[key]}`]);
  return [typeof schema.type === "string" ? schema.type : "value", ...bounds].join(" ");
};

const expectation = (misfit: Misfit, root: JsonObject): string => {
  if (misfit.kind === "UnexpectedKey") {
    const names = propertiesOf(schemasAt(root, misfit.keys.slice(0, -1)));
    return names.length === 0 ? "no members" : `one of ${names.join(", ")}`;
  }
  return [...new Set(schemasAt(root, misfit.keys).map(inWords))].join(" or ") || "a value its schema accepts";
};

const SHOWN_TEXT = 60;

const shorten = (value: Json | undefined): string => {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT - 1)}…`;
};

const reported = (value: Json | undefined): Json =>
  value === undefined ? null : shorten(value) === JSON.stringify(value) ? value : shorten(value);

/** The failure for an input that does not decode: where, what was expected, what was found, and the patch. */
export const inputFailure = (declared: AnyOperation, input: Json): FailureOf<"KERNEL_INVALID_INPUT"> => {
  const decode = decodeInput(declared);
  const root = jsonSchemaOf(declared.input) as JsonObject;
  const examples = declared.examples.map((example: { readonly input: Json }) => example.input);
  const found = misfitsOf(decode, input);
  // A renamed member shows twice, as unexpected and as missing: the unexpected one says more.
  const first = found.find(({ kind }) => kind === "UnexpectedKey") ?? found[0] ?? { keys: [], kind: "InvalidType" };
  const path = pointer(first.keys);
  const value = at(input, path);
  const expected = expectation(first, root);
  const what = first.kind === "UnexpectedKey"
    ? `it takes no "${String(first.keys.at(-1))}"`
    : first.kind === "MissingKey"
    ? `"${String(first.keys.at(-1))}" is missing`
    : `${path === "" ? "the input" : `"${path}"`} is ${shorten(value)}`;
  const patch = repair(decode, input, root, examples);
  return invalidInput({
    operation: declared.id,
    problem: `${what}; expected ${expected}`,
    path,
    expected,
    actual: reported(value),
    fix: patch === undefined
      ? { summary: `See the schema: kernel.describe {"id":"${declared.id}"}` }
      : { summary: patch.map(editInWords).join(", then "), patch },
  });
};

const editInWords = (edit: JsonEdit): string =>
  edit.op === "remove"
    ? `remove ${edit.path}`
    : `${edit.op === "add" ? "add" : "set"} ${edit.path || "the input"} ${edit.op === "add" ? "as" : "to"} ${
      shorten(edit.value as Json)
    }`;
