/**
 * Types and tensors in source text.
 *
 * ```ebnf
 * type   = DTYPE [ sizes ] | "void" | "sym" | "tensor" "<" DTYPE { "," size } ">" | "union" "<" [ types ] ">"
 *        | "var" "<" INT ">" | "opaque" "<" INT ">" | "(" [ types ] ")" [ "->" "(" [ types ] ")" ] ;
 * sizes  = "[" [ size { "," size } ] "]" ;          size = INT | "?" | NAME ;
 * tensor = "tensor" "<" DTYPE "," sizes ">" ( "[" [ element { "," element } ] "]" | TEXT ) ;
 * ```
 *
 * DTYPE is `f32` and so on, `bool` for `b1`; `(T,)` is a tuple of one. TEXT holds the bytes in hexadecimal.
 *
 * @module
 */
import { type Dtype, DTYPE_NAMES, DTYPES, isDtype } from "../dtype.ts";
import { tooDeep } from "../failures.ts";
import { nearest } from "../../../kernel/nearest.ts";
import { type Dimension, fn, MAX_NESTING, scalar, SYMBOL, tensor, tuple, type Type, VOID } from "../types.ts";
import { type TensorValue, tensorValue } from "../value.ts";
import type { Cursor } from "./cursor.ts";
import { isListed, readElements } from "./tensors.ts";

const MAX_U32 = 0xffffffff;
const WORDS = ["bool", "void", "sym", "tensor", "union", "var", "opaque"];

/** The dtype that a word spells; also in the original's printed spelling. */
const dtypeOfWord = (word: string): Dtype | undefined => {
  if (word === "bool" || word === "Bool") return "b1";
  if (isDtype(word)) return word;
  const lower = word.toLowerCase();
  return isDtype(lower) && DTYPES[lower].name === word ? lower : undefined;
};

const readDtype = (cursor: Cursor): Dtype | undefined => {
  const dtype = cursor.isKind("name") ? dtypeOfWord(cursor.token.text) : undefined;
  if (dtype !== undefined) {
    cursor.take();
    return dtype;
  }
  const near = nearest(cursor.token.text, DTYPE_NAMES, 1)[0];
  const edit = near === undefined ? undefined : { ...spanOf(cursor), text: near };
  cursor.unexpected("a dtype", near === undefined ? undefined : `Did you mean ${near}?`, edit);
  cursor.skip();
  return undefined;
};

const spanOf = ({ token: { start, end } }: Cursor) => ({ start, end });

const readSize = (cursor: Cursor): Dimension => {
  if (cursor.accept("?")) return null;
  if (cursor.isKind("name") || cursor.isKind("quoted")) return cursor.take().text;
  return cursor.size() ?? null;
};

const readSizes = (cursor: Cursor): ReadonlyArray<Dimension> =>
  cursor.expect("[") ? cursor.list("]", () => readSize(cursor)).items : [];

const readTypes = (cursor: Cursor, close: string, nesting: number) =>
  cursor.list(close, () => readType(cursor, nesting + 1));

const readNumbered = (cursor: Cursor, k: "Var" | "Opaque"): Type => {
  cursor.expect("<");
  const id = cursor.integer(MAX_U32) ?? 0;
  cursor.expect(">");
  return { k, id };
};

const readTensorType = (cursor: Cursor): Type => {
  cursor.expect("<");
  const dtype = readDtype(cursor) ?? "f32";
  if (!cursor.accept(",")) {
    cursor.expect(">");
    return tensor(dtype, []);
  }
  return tensor(dtype, cursor.list(">", () => readSize(cursor)).items);
};

const FORMS: { readonly [word: string]: (cursor: Cursor, nesting: number) => Type } = {
  void: () => VOID,
  sym: () => SYMBOL,
  tensor: readTensorType,
  union: (cursor, nesting) => {
    if (!cursor.expect("<")) return VOID;
    return { k: "Union", items: readTypes(cursor, ">", nesting).items };
  },
  var: (cursor) => readNumbered(cursor, "Var"),
  opaque: (cursor) => readNumbered(cursor, "Opaque"),
};

const readBracketed = (cursor: Cursor, nesting: number): Type => {
  cursor.take();
  const { items, comma } = readTypes(cursor, ")", nesting);
  if (cursor.accept("->")) {
    return cursor.expect("(") ? fn(items, readTypes(cursor, ")", nesting).items) : VOID;
  }
  return items.length === 1 && !comma ? items[0] : tuple(items);
};

/** Reads a type; what is none is reported, and `void` stands for it. */
export const readType = (cursor: Cursor, nesting = 1): Type => {
  if (nesting > MAX_NESTING) {
    cursor.diagnostics.add(cursor.token, tooDeep({ what: "type", limit: MAX_NESTING, path: "/source" }));
    cursor.abandon();
    return VOID;
  }
  if (cursor.is("(")) return readBracketed(cursor, nesting);
  const { kind, text } = cursor.token;
  if (kind === "name" && Object.hasOwn(FORMS, text)) {
    cursor.take();
    return FORMS[text](cursor, nesting);
  }
  const dtype = kind === "name" ? dtypeOfWord(text) : undefined;
  if (dtype !== undefined) {
    cursor.take();
    return cursor.is("[") ? tensor(dtype, readSizes(cursor)) : scalar(dtype);
  }
  const near = nearest(text, [...DTYPE_NAMES, ...WORDS], 1)[0];
  const edit = near === undefined ? undefined : { ...spanOf(cursor), text: near };
  cursor.unexpected(
    "a type",
    near === undefined ? "Write a type, such as f32 or f32[2, 3]" : `Did you mean ${near}?`,
    edit,
  );
  cursor.skip();
  return VOID;
};

const ELEMENT_KINDS: ReadonlySet<string> = new Set(["integer", "float", "keyword"]);

const readListed = (cursor: Cursor, dtype: Dtype): Uint8Array | undefined => {
  const { start } = cursor.token;
  cursor.expect("[");
  const tokens = cursor.list("]", () => {
    if (ELEMENT_KINDS.has(cursor.token.kind)) return cursor.take();
    cursor.unexpected("an element");
    cursor.skip();
    return undefined;
  }).items;
  if (tokens.some((token) => token === undefined)) return undefined;
  if (!isListed(dtype)) {
    const reason = `elements of ${dtype} are written as bytes, "…" in hexadecimal`;
    cursor.diagnostics.literal(cursor.spanFrom(start), "the elements", reason);
    return undefined;
  }
  const bytes = readElements(dtype, tokens.map((token) => token!.text));
  if (typeof bytes !== "number") return bytes;
  cursor.diagnostics.literal(tokens[bytes]!, tokens[bytes]!.text, `it is no ${dtype}`);
  return undefined;
};

const readBytes = (cursor: Cursor): Uint8Array | undefined => {
  const token = cursor.take();
  if (token.text.length % 2 === 0 && /^[0-9a-fA-F]*$/u.test(token.text)) return Uint8Array.fromHex(token.text);
  cursor.diagnostics.literal(token, "the bytes", "pairs of hexadecimal digits are expected");
  return undefined;
};

/** Reads a tensor after the word; `undefined` where it is none, which is reported. */
export const readTensor = (cursor: Cursor): TensorValue | undefined => {
  const { start } = cursor.token;
  cursor.expect("<");
  const dtype = readDtype(cursor);
  cursor.expect(",");
  const shape = readSizes(cursor);
  cursor.expect(">");
  if (!cursor.is("[") && !cursor.isKind("text")) {
    cursor.unexpected("elements in [ ] or bytes in quotes");
    return undefined;
  }
  const bytes = cursor.isKind("text") ? readBytes(cursor) : readListed(cursor, dtype ?? "f32");
  if (dtype === undefined || bytes === undefined) return undefined;
  const expected = shape.reduce<number>((size, n) => typeof n === "number" ? size * n : NaN, DTYPES[dtype].bytes);
  if (expected === bytes.length) return tensorValue(dtype, shape, bytes);
  const reason = Number.isNaN(expected)
    ? "the sizes of a literal must be numbers"
    : `its sizes take ${expected / DTYPES[dtype].bytes} elements, and there are ${bytes.length / DTYPES[dtype].bytes}`;
  cursor.diagnostics.literal(cursor.spanFrom(start), "the tensor", reason);
  return undefined;
};
