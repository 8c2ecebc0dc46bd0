/**
 * Form: a layer from JSON of unknown making, and the bounds of what is built.
 *
 * Not settings (settings.ts checks them by their rows when the layer is built).
 * Invariant: what is read is a layer as data, of bounded depth and size; anything else is refused by its path.
 *
 * @module
 */
import type { AttributeValue } from "../../rmil/library.ts";
import type { Initializer } from "../contract.ts";
import { badForm } from "../failures.ts";
import { STARTED } from "./initialise.ts";
import type { Layer, Start } from "./layer.ts";

/** Deepest layers in layers. */
export const MAX_LAYER_DEPTH = 128;

/** Most layers in one. */
export const MAX_LAYERS = 10_000;

type Fields = { readonly [name: string]: unknown };

const refuse = (path: string, reason: string): never => {
  throw badForm({ reason, path: path === "" ? "/" : path });
};

const fieldsOf = (json: unknown, path: string): Fields =>
  typeof json === "object" && json !== null && !Array.isArray(json)
    ? json as Fields
    : refuse(path, "it is no object of fields");

const isSetting = (value: unknown): value is AttributeValue =>
  ["number", "boolean", "string"].includes(typeof value) ||
  (Array.isArray(value) && value.every((part) => typeof part === "number"));

const settingsOf = (json: unknown, path: string): Layer["settings"] => {
  const fields = fieldsOf(json, path);
  for (const [name, value] of Object.entries(fields)) {
    if (!isSetting(value)) refuse(`${path}/${name}`, "a setting is a number, a flag, a name or a list of numbers");
  }
  return fields as Layer["settings"];
};

const startOf = (json: unknown, path: string): Start => {
  const fields = fieldsOf(json, path);
  const needs = STARTED[fields.kind as Initializer["kind"]];
  if (typeof fields.kind !== "string" || !Object.hasOwn(STARTED, fields.kind)) {
    refuse(`${path}/kind`, `a start is one of ${Object.keys(STARTED).join(", ")}`);
  }
  for (const [name, value] of Object.entries(fields)) {
    if (name === "kind") continue;
    if (!needs.includes(name)) refuse(`${path}/${name}`, `a start of kind ${fields.kind} takes ${needs.join(", ")}`);
    if (typeof value !== "number" || !Number.isFinite(value)) refuse(`${path}/${name}`, "it is no finite number");
  }
  return fields as unknown as Start;
};

const text = (value: unknown, path: string): string =>
  typeof value === "string" ? value : refuse(path, "it is no text");

const FIELDS: { readonly [field: string]: (value: unknown, path: string) => unknown } = {
  kind: text,
  settings: settingsOf,
  name: text,
  shared: text,
  frozen: (value, path) => typeof value === "boolean" ? value : refuse(path, "it is neither true nor false"),
  initial: (value, path) =>
    Object.fromEntries(
      Object.entries(fieldsOf(value, path)).map(([name, start]) => [name, startOf(start, `${path}/${name}`)]),
    ),
};

/**
 * A layer from JSON. Throws `NEURAL_FORM` with the path of what is none.
 *
 * @example
 * ```ts
 * import { readLayer } from "@rmi/rmi/neural";
 * import assert from "node:assert/strict";
 * assert.equal(readLayer({ kind: "linear", settings: { width: 3 } }).kind, "linear");
 * assert.throws(() => readLayer({ kind: "linear" }), { code: "NEURAL_FORM", path: "/settings" });
 * ```
 */
export const readLayer = (json: unknown): Layer => {
  let count = 0;
  const read = (value: unknown, path: string, depth: number): Layer => {
    if (depth > MAX_LAYER_DEPTH) refuse(path, `layers stand deeper than ${MAX_LAYER_DEPTH}`);
    if (++count > MAX_LAYERS) refuse(path, `there are more than ${MAX_LAYERS} layers`);
    const fields = fieldsOf(value, path);
    for (const name of ["kind", "settings"]) if (fields[name] === undefined) refuse(`${path}/${name}`, "it is missing");
    const known = Object.entries(fields).filter(([, field]) => field !== undefined).map(([name, field]) => {
      const at = `${path}/${name}`;
      if (name === "parts") {
        if (!Array.isArray(field)) return refuse(at, "it is no list of layers");
        return [name, field.map((part, i) => read(part, `${at}/${i}`, depth + 1))];
      }
      const own = Object.hasOwn(FIELDS, name) ? FIELDS[name] : refuse(at, "a layer has no such field");
      return [name, own(field, at)];
    });
    return Object.fromEntries(known);
  };
  return read(json, "", 1);
};
