/**
 * AST: programs as JSON, in the shape the golden vectors use, for operations and tools.
 *
 * Invariant: `fromAst(toAst(x))` equals `x`; 64-bit integers are decimal strings, float bits hexadecimal-free numbers.
 *
 * @module
 */
import { isJsonObject, type Json, type JsonObject } from "../../kernel/json.ts";
import { type Dtype, isDtype } from "./dtype.ts";
import {
  app,
  block,
  call,
  cond,
  type Expression,
  EXPRESSION_TAGS,
  lam,
  letIn,
  lit,
  MAX_DEPTH,
  par,
  ref,
  seq,
  Tag,
} from "./expression.ts";
import { badSize, badText, tooDeep } from "./failures.ts";
import { type Dimension, fn, isSize, MAX_NESTING, scalar, SYMBOL, tensor, tuple, type Type, VOID } from "./types.ts";
import { bool, f32Of, f64Of, i64, NIL, symbolValue, tensorValue, toBigInt, tupleValue, type Value } from "./value.ts";

const hex64 = ({ lo, hi }: { readonly lo: number; readonly hi: number }): string =>
  `0x${(hi >>> 0).toString(16).padStart(8, "0")}${(lo >>> 0).toString(16).padStart(8, "0")}`;

/** Sizes beyond exact numbers stand as `{u64: digits}`: a text is a name. */
const shapeJson = (shape: ReadonlyArray<Dimension>): Json =>
  shape.map((size) => typeof size === "bigint" ? { u64: String(size) } : size ?? "?");

/** A value as JSON. */
export const valueToAst = (value: Value): Json => {
  switch (value.k) {
    case "Nil":
      return { k: "Nil" };
    case "Bool":
      return { k: "Bool", v: value.v };
    case "I64":
      return { k: "I64", v: toBigInt(value).toString() };
    case "F32":
      return { k: "F32", bits: `0x${value.bits.toString(16).padStart(8, "0")}` };
    case "F64":
      return { k: "F64", bits: hex64(value) };
    case "Tensor":
      return { k: "Tensor", dtype: value.dtype, shape: shapeJson(value.shape), data_hex: value.bytes.toHex() };
    case "Sym":
      return { k: "Sym", sym: value.sym };
    case "Tuple":
      return { k: "Tuple", items: value.items.map(valueToAst) };
  }
};

/** A type as JSON. */
export const typeToAst = (type: Type): Json => {
  switch (type.k) {
    case "Scalar":
      return { k: "Scalar", dtype: type.dtype };
    case "Tensor":
      return { k: "Tensor", dtype: type.dtype, shape: shapeJson(type.shape) };
    case "Fn":
      return { k: "Fn", inputs: type.inputs.map(typeToAst), outputs: type.outputs.map(typeToAst) };
    case "Tuple":
    case "Union":
      return { k: type.k, items: type.items.map(typeToAst) };
    case "Var":
    case "Opaque":
      return { k: type.k, id: type.id };
    default:
      return { k: type.k };
  }
};

/** The name of an opcode, for readers; `undefined` for one the table does not have. */
export type NameOf = (opcode: number) => string | undefined;

/** An expression as JSON. */
export const toAst = (node: Expression, nameOf: NameOf): Json => {
  const k = EXPRESSION_TAGS[node.tag];
  const at = (index: number): Json => toAst(node.children[index], nameOf);
  switch (node.tag) {
    case Tag.Lit:
      return { k, val: valueToAst(node.value) };
    case Tag.Ref:
      return { k, sym: node.code };
    case Tag.App:
      return {
        k,
        op: `0x${node.code.toString(16).padStart(4, "0")}`,
        name: nameOf(node.code) ?? "?",
        args: node.children.map((child) => toAst(child, nameOf)),
        ...(node.attributes.length === 0
          ? {}
          : { attributes: Object.fromEntries(node.attributes.map(({ name, value }) => [name, valueToAst(value)])) }),
      };
    case Tag.Seq:
    case Tag.Par:
      return { k, a: at(0), b: at(1) };
    case Tag.Cond:
      return { k, pred: at(0), yes: at(1), no: at(2) };
    case Tag.Let:
      return { k, name: node.code, val: at(0), body: at(1) };
    case Tag.Lam:
      return { k, params: node.parameters.map(({ sym, type }) => ({ sym, ty: typeToAst(type) })), body: at(0) };
    case Tag.Call:
      return { k, func: at(0), args: node.children.slice(1).map((child) => toAst(child, nameOf)) };
    case Tag.Block:
      return { k, exprs: node.children.map((child) => toAst(child, nameOf)) };
  }
};

const malformed = (what: string, path: string, reason: string) => badText({ what, reason, path });

const member = (json: Json, key: string, path: string): Json => {
  if (!isJsonObject(json) || !Object.hasOwn(json, key)) throw malformed("AST", path, `"${key}" is missing`);
  return json[key];
};

const listAt = (json: Json, key: string, path: string): ReadonlyArray<Json> => {
  const items = member(json, key, path);
  if (!Array.isArray(items)) throw malformed("AST", `${path}/${key}`, "a list is expected");
  return items;
};

const textAt = (json: Json, key: string, path: string): string => {
  const text = member(json, key, path);
  if (typeof text !== "string") throw malformed("AST", `${path}/${key}`, "text is expected");
  return text;
};

const MAX_U32 = 4294967295;

const u32At = (json: Json, key: string, path: string): number => {
  const value = member(json, key, path);
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MAX_U32) return value;
  throw badSize({
    what: key,
    size: JSON.stringify(value),
    reason: "a whole number below 2^32 is expected",
    path: `${path}/${key}`,
  });
};

const dtypeAt = (json: Json, path: string): Dtype => {
  const text = textAt(json, "dtype", path);
  if (!isDtype(text)) throw malformed("dtype", `${path}/dtype`, `"${text}" is none`);
  return text;
};

const shapeAt = (json: Json, path: string): ReadonlyArray<Dimension> =>
  listAt(json, "shape", path).map((size, axis) => {
    if (size === "?") return null;
    if (typeof size === "string") return size;
    if (typeof size === "number" && isSize(size)) return size;
    const large = isJsonObject(size) && typeof size.u64 === "string" && /^\d{1,20}$/u.test(size.u64) &&
      BigInt(size.u64);
    if (typeof large === "bigint" && isSize(large)) return large;
    throw badSize({
      what: "size",
      size: JSON.stringify(size),
      reason: "a size, a name or ? is expected",
      path: `${path}/shape/${axis}`,
    });
  });

const bitsAt = (json: Json, digits: number, path: string): string => {
  const text = textAt(json, "bits", path);
  if (!/^0x[0-9a-f]+$/u.test(text) || text.length !== digits + 2) {
    throw malformed("float", `${path}/bits`, `0x and ${digits} hexadecimal digits are expected`);
  }
  return text.slice(2);
};

const MIN_I64 = -(2n ** 63n);

const integerAt = (json: Json, path: string): Value => {
  const text = textAt(json, "v", path);
  const value = /^-?\d{1,20}$/u.test(text) ? BigInt(text) : undefined;
  if (value === undefined || value < MIN_I64 || value >= -MIN_I64) {
    throw badSize({ what: "integer", size: text, reason: "it does not fit 64 bits", path: `${path}/v` });
  }
  return i64(value);
};

/** Reads a value from JSON; throws a failure that names the place. */
export const valueFromAst = (json: Json, path = "", nesting = 0): Value => {
  if (nesting > MAX_NESTING) throw tooDeep({ what: "value", limit: MAX_NESTING, path });
  const k = textAt(json, "k", path);
  switch (k) {
    case "Nil":
      return NIL;
    case "Bool": {
      const v = member(json, "v", path);
      if (typeof v !== "boolean") throw malformed("AST", `${path}/v`, "true or false is expected");
      return bool(v);
    }
    case "I64":
      return integerAt(json, path);
    case "F32":
      return f32Of(parseInt(bitsAt(json, 8, path), 16));
    case "F64": {
      const bits = bitsAt(json, 16, path);
      return f64Of(parseInt(bits.slice(8), 16), parseInt(bits.slice(0, 8), 16));
    }
    case "Tensor": {
      const data = textAt(json, "data_hex", path);
      if (data.length % 2 === 1 || !/^[0-9a-f]*$/u.test(data)) {
        throw malformed("tensor", `${path}/data_hex`, "hexadecimal digits are expected");
      }
      return tensorValue(dtypeAt(json, path), shapeAt(json, path), Uint8Array.fromHex(data));
    }
    case "Sym":
      return symbolValue(u32At(json, "sym", path));
    case "Tuple":
      return tupleValue(
        listAt(json, "items", path).map((item, i) => valueFromAst(item, `${path}/items/${i}`, nesting + 1)),
      );
    default:
      throw malformed("AST", `${path}/k`, `"${k}" is no value`);
  }
};

/** Reads a type from JSON; throws a failure that names the place. */
export const typeFromAst = (json: Json, path = "", nesting = 0): Type => {
  if (nesting > MAX_NESTING) throw tooDeep({ what: "type", limit: MAX_NESTING, path });
  const k = textAt(json, "k", path);
  const types = (key: string) =>
    listAt(json, key, path).map((item, i) => typeFromAst(item, `${path}/${key}/${i}`, nesting + 1));
  switch (k) {
    case "Void":
      return VOID;
    case "Sym":
      return SYMBOL;
    case "Scalar":
      return scalar(dtypeAt(json, path));
    case "Tensor":
      return tensor(dtypeAt(json, path), shapeAt(json, path));
    case "Fn":
      return fn(types("inputs"), types("outputs"));
    case "Tuple":
      return tuple(types("items"));
    case "Union":
      return { k, items: types("items") };
    case "Var":
    case "Opaque":
      return { k, id: u32At(json, "id", path) };
    default:
      throw malformed("AST", `${path}/k`, `"${k}" is no type`);
  }
};

const opcodeAt = (json: Json, path: string): number => {
  const text = textAt(json, "op", path);
  if (!/^0x[0-9a-f]{4}$/u.test(text)) {
    throw malformed("opcode", `${path}/op`, "0x and four hexadecimal digits are expected");
  }
  return parseInt(text.slice(2), 16);
};

/** Reads an expression from JSON; throws a failure that names the place. */
export const fromAst = (json: Json, path = "", depth = 1): Expression => {
  if (depth > MAX_DEPTH) throw tooDeep({ what: "program", limit: MAX_DEPTH, path });
  const k = textAt(json, "k", path);
  const at = (key: string): Expression => fromAst(member(json, key, path), `${path}/${key}`, depth + 1);
  const all = (key: string): ReadonlyArray<Expression> =>
    listAt(json, key, path).map((item, i) => fromAst(item, `${path}/${key}/${i}`, depth + 1));
  switch (k) {
    case "Lit":
      return lit(valueFromAst(member(json, "val", path), `${path}/val`));
    case "Ref":
      return ref(u32At(json, "sym", path));
    case "App": {
      const named = (json as JsonObject).attributes ?? {};
      if (!isJsonObject(named)) throw malformed("AST", `${path}/attributes`, "an object is expected");
      const attributes = Object.entries(named).map(([name, value]) => ({
        name,
        value: valueFromAst(value, `${path}/attributes/${name}`),
      }));
      return app(opcodeAt(json, path), all("args"), attributes);
    }
    case "Seq":
      return seq(at("a"), at("b"));
    case "Par":
      return par(at("a"), at("b"));
    case "Cond":
      return cond(at("pred"), at("yes"), at("no"));
    case "Let":
      return letIn(u32At(json, "name", path), at("val"), at("body"));
    case "Lam":
      return lam(
        listAt(json, "params", path).map((item, i) => ({
          sym: u32At(item, "sym", `${path}/params/${i}`),
          type: typeFromAst(member(item, "ty", `${path}/params/${i}`), `${path}/params/${i}/ty`),
        })),
        at("body"),
      );
    case "Call":
      return call(at("func"), all("args"));
    case "Block":
      return block(all("exprs"));
    default:
      throw malformed("AST", `${path}/k`, `"${k}" is no expression`);
  }
};
