/**
 * Patterns, templates and rules from JSON, for operations: the shape of the AST, with names where sub-trees may be.
 *
 * Invariant: whatever is read can be matched and instantiated; a rule whose template uses a name that its pattern does
 * not bind is refused.
 *
 * @module
 */
import { isFailure, isJsonObject, type Json, type JsonObject, nearest } from "../../../kernel/mod.ts";
import { typeFromAst, valueFromAst } from "../ast.ts";
import type { Attribute } from "../expression.ts";
import { badPattern, tooDeep } from "../failures.ts";
import { nearestOps, opNamed } from "../opcodes.ts";
import { Fact, type FactName } from "./facts.ts";
import { unboundNames } from "./laws.ts";
import type { AttributePattern, AttributeTemplate, Guard, Pat, Rule, Tmpl } from "./pattern.ts";
import { patternFromText } from "./pattern_text.ts";

/** Deepest pattern. */
export const MAX_PATTERN_DEPTH = 64;

const malformed = (path: string, reason: string, suggestions: ReadonlyArray<string> = []) =>
  badPattern({ reason, path, suggestions });

const objectAt = (json: Json | undefined, path: string): JsonObject => {
  if (isJsonObject(json)) return json;
  throw malformed(path, "an object is expected");
};

const textAt = (json: JsonObject, key: string, path: string): string => {
  const text = json[key];
  if (typeof text === "string" && text !== "") return text;
  throw malformed(`${path}/${key}`, "text is expected");
};

const listAt = (json: JsonObject, key: string, path: string): ReadonlyArray<Json> => {
  const list = json[key];
  if (Array.isArray(list)) return list as ReadonlyArray<Json>;
  throw malformed(`${path}/${key}`, "a list is expected");
};

const opcodeAt = (json: JsonObject, path: string): number => {
  const name = textAt(json, "op", path);
  const row = opNamed(name);
  if (row !== undefined) return row.code;
  throw malformed(`${path}/op`, `no op is named ${name}`, nearestOps(name, 3));
};

const attributesAt = (json: Json | undefined, path: string): ReadonlyArray<Attribute> =>
  json === undefined ? [] : Object.entries(objectAt(json, path)).map(([name, value]) => ({
    name,
    value: valueFromAst(value, `${path}/${name}`),
  }));

/** What patterns and templates have in common, read by one walk. */
const readPart = (json: Json | undefined, path: string, depth: number, template: boolean): Pat => {
  if (depth > MAX_PATTERN_DEPTH) throw tooDeep({ what: "pattern", limit: MAX_PATTERN_DEPTH, path });
  const part = objectAt(json, path);
  const k = textAt(part, "k", path);
  const at = (key: string): Pat => readPart(part[key], `${path}/${key}`, depth + 1, template);
  const all = (key: string): ReadonlyArray<Pat> =>
    listAt(part, key, path).map((item, i) => readPart(item, `${path}/${key}/${i}`, depth + 1, template));
  const items = (key: string): ReadonlyArray<Pat> => {
    const found = part[key] === undefined ? [at("a"), at("b")] : all(key);
    if (found.length === 0) throw malformed(`${path}/${key}`, "at least one item is expected");
    return found;
  };
  switch (k) {
    case "Var":
    case "Rest":
      return { k, name: textAt(part, "name", path) };
    case "Any":
      if (template) throw malformed(`${path}/k`, "a template cannot hold Any: what would it be?");
      return { k };
    case "Lit":
      return { k, val: valueFromAst(part.val ?? null, `${path}/val`) };
    case "Ref":
      return { k, sym: textAt(part, "sym", path) };
    case "Op0":
      return { k: "App", op: opcodeAt(part, path), args: [] };
    case "OpApp":
    case "App":
      return { k: "App", op: opcodeAt(part, path), args: all("args"), ...namedAttributes(part, path, template) };
    case "Seq":
    case "Par":
      return { k, items: items("items") };
    case "Block":
      return { k, items: all("items") };
    case "Cond":
      return { k, pred: at("pred"), yes: at("yes"), no: at("no") };
    case "Let":
      return { k, sym: textAt(part, "sym", path), val: at("val"), body: at("body") };
    case "Lam":
      return { k, params: textAt(part, "params", path), body: at("body") };
    case "Call":
      return { k, func: at("func"), args: all("args") };
    case "Alt":
      if (template) throw malformed(`${path}/k`, "a template cannot hold Alt: which one would it be?");
      return { k, options: items("options") };
    default:
      throw malformed(`${path}/k`, `"${k}" is no pattern`);
  }
};

const namedAttributes = (
  part: JsonObject,
  path: string,
  template: boolean,
): { readonly attributes?: AttributePattern & AttributeTemplate } => {
  if (part.attributes === undefined) return {};
  const named = objectAt(part.attributes, `${path}/attributes`);
  const [nameKey, listKey] = template ? ["from", "set"] as const : ["bind", "require"] as const;
  const list = attributesAt(named[listKey], `${path}/attributes/${listKey}`);
  const name = named[nameKey] === undefined ? {} : { [nameKey]: textAt(named, nameKey, `${path}/attributes`) };
  return { attributes: { [listKey]: list, ...name } };
};

const read = (json: Json, path: string, template: boolean): Pat => {
  if (typeof json !== "string") return readPart(json, path, 1, template);
  try {
    return patternFromText(json);
  } catch (thrown) {
    if (!isFailure(thrown)) throw thrown;
    throw badPattern({ reason: thrown.message, path, suggestions: thrown.suggestions });
  }
};

/** Reads a pattern, from source text or JSON; throws `RMIL_PATTERN` with the place. */
export const patternFromJson = (json: Json, path = ""): Pat => read(json, path, false);

/** Reads a template, from source text or JSON; throws `RMIL_PATTERN` with the place. */
export const templateFromJson = (json: Json, path = ""): Tmpl => read(json, path, true) as Tmpl;

const guardFromJson = (json: Json, path: string): Guard => {
  const guard = objectAt(json, path);
  const of = textAt(guard, "of", path);
  if (guard.type !== undefined) return { of, type: typeFromAst(guard.type, `${path}/type`) };
  const facts = listAt(guard, "facts", path).map((fact, i): FactName => {
    if (typeof fact === "string" && Object.hasOwn(Fact, fact)) return fact as FactName;
    const known = Object.keys(Fact);
    throw malformed(`${path}/facts/${i}`, `facts are ${known.join(", ")}`, nearest(String(fact), known, 1));
  });
  return { of, facts };
};

/** Reads a rule; throws `RMIL_PATTERN` with the place. */
export const ruleFromJson = (json: Json, path = ""): Rule => {
  const rule = objectAt(json, path);
  const made: Rule = {
    name: textAt(rule, "name", path),
    left: patternFromJson(rule.left ?? null, `${path}/left`),
    right: templateFromJson(rule.right ?? null, `${path}/right`),
    guards: rule.guards === undefined
      ? []
      : listAt(rule, "guards", path).map((guard, i) => guardFromJson(guard, `${path}/guards/${i}`)),
  };
  const [unbound] = unboundNames(made);
  if (unbound !== undefined) throw malformed(`${path}/right`, `the pattern does not bind ${unbound}`);
  return made;
};
