/**
 * Values and types as JSON: what operations take and answer.
 *
 * Not the tree of a program (ast.ts): these are values of a run.
 * Invariant: whatever is plain data comes back as it went in.
 *
 * @module
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { type Json, nearest } from "../../kernel/mod.ts";
import { attempt, tensorFromJson, tensorToJson } from "../ir/library.ts";
import { DTYPES, isDtype } from "./dtype.ts";
import { Tag } from "./expression.ts";
import { badInput } from "./interpreter/failures.ts";
import {
  asScalar,
  CARRIERS,
  describeValue,
  fromIr,
  runTuple,
  type RunValue,
  scalarTensor,
  toIr,
} from "./interpreter/run_value.ts";
import type { Symbols } from "./symbols.ts";
import { parse } from "./syntax/parser.ts";
import { print } from "./syntax/printer.ts";
import type { Type } from "./types.ts";
import type { Value } from "./value.ts";

/** A value as JSON. */
export type ValueJson =
  | null
  | boolean
  | { readonly sym: string }
  | { readonly type: string; readonly values: ReadonlyArray<number | string | boolean> }
  | { readonly tuple: ReadonlyArray<ValueJson> }
  | { readonly program: string }
  | { readonly text: string };

const TensorElements = Schema.Array(Schema.Union([Schema.Finite, Schema.String, Schema.Boolean]));

/** Schema of {@link ValueJson}. */
export const ValueJson: Schema.Codec<ValueJson> = Schema.Union([
  Schema.Null,
  Schema.Boolean,
  Schema.Struct({ sym: Schema.String }),
  Schema.Struct({
    type: Schema.String.annotate({ description: "such as f32[2,3], or i64 for a scalar" }),
    values: TensorElements.annotate({
      description: "elements in row-major order; 64-bit integers, nan and inf as text",
    }),
  }),
  Schema.Struct({ tuple: Schema.Array(Schema.suspend((): Schema.Codec<ValueJson> => ValueJson)) }),
  Schema.Struct({ program: Schema.String.annotate({ description: "a program that is data, as source text" }) }),
  Schema.Struct({ text: Schema.String.annotate({ description: "a function, term or buffer, described" }) }),
]).annotate({ identifier: "RmilValue" }) as unknown as Schema.Codec<ValueJson>;

/** Largest program that is answered as text; shared parts are written out there. */
export const MAX_SHOWN_PROGRAM = 10_000;

/** Deepest tuple of an input. */
export const MAX_INPUT_DEPTH = 64;

/** Dtypes by other names that are common. */
const OTHER_NAMES: { readonly [name: string]: string } = {
  float: "f32",
  double: "f64",
  half: "f16",
  int: "i64",
  long: "i64",
  boolean: "bool",
  byte: "u8",
};

/** A dtype by a name that is not quite its own: `float32`, `F32`, `f23`. */
const nearDtype = (name: string): string | undefined => {
  const lower = name.toLowerCase();
  const short = lower.replace(/^(b?)(?:float|fp)(?=[0-9])/u, "$1f").replace(/^uint(?=[0-9])/u, "u").replace(
    /^int(?=[0-9])/u,
    "i",
  );
  if (isDtype(short) || short === "bool") return short;
  return OTHER_NAMES[short] ?? nearest(short, [...Object.keys(DTYPES), "bool"], 1)[0];
};

/** The type that a text may have been meant to be: its dtype by its own name, its sizes in brackets. */
const nearType = (text: string): string | undefined => {
  const [, name = "", sizes] = /^\s*([A-Za-z]*[0-9]*)\s*(?:[[({<]?([0-9A-Za-z_?,x× ]*)[\])}>]?)?\s*$/u.exec(text) ?? [];
  const dtype = name === "" && sizes !== undefined && sizes !== "" ? "f32" : nearDtype(name);
  if (dtype === undefined) return undefined;
  const list = (sizes ?? "").split(/[,x×\s]+/u).filter((size) => size !== "");
  const made = list.length === 0 ? dtype : `${dtype}[${list.join(",")}]`;
  return made !== text && isType(made) ? made : undefined;
};

const isType = (text: string): boolean => {
  try {
    const { root } = parse(`\\(x: ${text}) -> nil`);
    return root.tag === Tag.Lam && root.parameters.length === 1 && root.children[0].tag === Tag.Lit;
  } catch {
    return false;
  }
};

/** A type from its text, as a lambda's parameter would be annotated; `path` is where the text stands. */
export const readType = (name: string, text: string, path = `/inputs/${name}`): Type => {
  const refuse = (reason: string) => {
    const near = nearType(text);
    return badInput({
      input: name,
      reason,
      path,
      expected: "a type such as f32[8,32]",
      actual: text,
      ...(near === undefined ? {} : {
        suggestions: [near],
        fix: { summary: `Did you mean ${near}?`, patch: [{ op: "replace" as const, path, value: near }] },
      }),
    });
  };
  let root;
  try {
    root = parse(`\\(x: ${text}) -> nil`).root;
  } catch {
    throw refuse(`"${text}" is no type`);
  }
  if (root.tag !== Tag.Lam || root.parameters.length !== 1 || root.children[0].tag !== Tag.Lit) {
    throw refuse(`"${text}" is no type`);
  }
  return root.parameters[0].type;
};

const TYPE = /^([a-z0-9]+)(?:\[([0-9, ]*)\])?$/u;

const readTensor = (name: string, json: Extract<ValueJson, { readonly type: string }>): Value => {
  const [, dtype = "", sizes] = TYPE.exec(json.type) ?? [];
  if (!isDtype(dtype)) {
    const expected = Object.keys(DTYPES);
    throw badInput({
      input: name,
      reason: `"${json.type}" is no type of a value`,
      path: `/inputs/${name}/type`,
      expected,
    });
  }
  const type = `${CARRIERS[dtype]}[${sizes ?? ""}]`;
  const made = attempt(() => fromIr(tensorFromJson({ type, values: json.values }, `/inputs/${name}`), dtype));
  if (Result.isFailure(made)) {
    throw badInput({ input: name, reason: made.failure.message, path: made.failure.path || `/inputs/${name}` });
  }
  return sizes === undefined ? asScalar(made.success) as Value : made.success;
};

const isTensorJson = Schema.is(Schema.Struct({ type: Schema.String, values: TensorElements }));

/** The scalar or tensor that JSON of unknown form says; `undefined` where it says none. */
export const tensorOf = (json: Json): Value | undefined => {
  if (!isTensorJson(json)) return undefined;
  const made = attempt(() => readTensor("value", json));
  return Result.isSuccess(made) ? made.success : undefined;
};

/** A value from JSON; `name` is the input that it is. */
export const readValue = (name: string, json: ValueJson, symbols: Symbols, depth = 0): RunValue => {
  if (depth > MAX_INPUT_DEPTH) throw badInput({ input: name, reason: `it nests deeper than ${MAX_INPUT_DEPTH}` });
  if (json === null) return { k: "Nil" };
  if (typeof json === "boolean") return { k: "Bool", v: json };
  if ("sym" in json) return { k: "Sym", sym: symbols.intern(json.sym) };
  if ("tuple" in json) return runTuple(json.tuple.map((item) => readValue(name, item, symbols, depth + 1)));
  if ("program" in json) {
    throw badInput({ input: name, reason: "a program is no value of an input", path: `/inputs/${name}` });
  }
  if ("text" in json) throw badInput({ input: name, reason: "a description is no value", path: `/inputs/${name}` });
  return readTensor(name, json);
};

/** A value as JSON; functions, programs, terms and buffers as descriptions. */
export const showValue = (value: RunValue, symbols: Symbols): ValueJson => {
  if (value.k === "Nil") return null;
  if (value.k === "Bool") return value.v;
  if (value.k === "Sym") return { sym: symbols.nameOf(value.sym) ?? String(value.sym) };
  if (value.k === "Tuple") return { tuple: value.items.map((item) => showValue(item, symbols)) };
  if (value.k === "Program" && value.program.size <= MAX_SHOWN_PROGRAM) {
    return { program: print(value.program, symbols) };
  }
  const tensor = scalarTensor(value);
  if (tensor === undefined) return { text: describeValue(value) };
  const type = value.k === "Tensor" ? `${tensor.dtype}[${tensor.shape.join(",")}]` : tensor.dtype;
  return { type, values: tensorToJson(toIr(tensor)).values };
};
