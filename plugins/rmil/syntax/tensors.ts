/**
 * Tensors as source text: elements where there are few and numbers say them exactly, else the bytes.
 *
 * Not the token grammar (parser.ts).
 * Invariant: what is shown reads back to the same bytes.
 *
 * @module
 */
import { type Dtype, DTYPES } from "../dtype.ts";
import type { Dimension } from "../types.ts";
import type { TensorValue } from "../value.ts";
import { NAN_32, NAN_64_HIGH, showFloat32, showFloat64 } from "./numbers.ts";
import { showName } from "./lexer.ts";

/** More elements are shown as bytes. */
const MAX_LISTED = 64;

interface Element {
  /** The element at an offset as text, `undefined` where no number says it. */
  readonly show: (view: DataView, offset: number) => string | undefined;
  /** Writes the element that a text says; false where there is none. */
  readonly read: (view: DataView, offset: number, text: string) => boolean;
}

const INTEGER = /^-?[0-9]+$/u;

const integer = (bits: number, signed: boolean): Element => {
  const [low, high] = signed ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1)] : [0n, 2n ** BigInt(bits)];
  const bytes = bits / 8;
  return {
    show: (view, offset) => {
      let value = 0n;
      for (let i = bytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(offset + i));
      return String(signed ? BigInt.asIntN(bits, value) : value);
    },
    read: (view, offset, text) => {
      if (!INTEGER.test(text) || text.length > 20) return false;
      const value = BigInt(text);
      if (value < low || value >= high) return false;
      for (let i = 0; i < bytes; i++) view.setUint8(offset + i, Number(BigInt.asUintN(8, value >> BigInt(8 * i))));
      return true;
    },
  };
};

const SPECIALS: { readonly [text: string]: number } = { nan: NaN, inf: Infinity, "-inf": -Infinity };

/** The number that a float's text says, its width aside; `undefined` where it says another width. */
const numberOf = (text: string, width: "f32" | "f64"): number | undefined => {
  const [word, ending] = text.split(/\.(?=f)/u);
  if (ending !== undefined) return ending === width ? SPECIALS[word] : undefined;
  if (!/f(?:32|64)$/u.test(text)) return Number(text);
  return text.endsWith(width) ? Number(text.slice(0, -width.length)) : undefined;
};

const BOOLEANS: ReadonlyArray<string | undefined> = ["false", "true"];

const ELEMENTS: { readonly [D in Dtype]?: Element } = {
  b1: {
    show: (view, offset) => BOOLEANS[view.getUint8(offset)],
    read: (view, offset, text) => {
      const index = [...BOOLEANS, "0", "1"].indexOf(text);
      view.setUint8(offset, index & 1);
      return index >= 0;
    },
  },
  i8: integer(8, true),
  i16: integer(16, true),
  i32: integer(32, true),
  i64: integer(64, true),
  u8: integer(8, false),
  u16: integer(16, false),
  u32: integer(32, false),
  u64: integer(64, false),
  f32: {
    show: (view, offset) => {
      const bits = view.getUint32(offset, true);
      return Number.isNaN(view.getFloat32(offset, true)) && bits !== NAN_32 ? undefined : showFloat32({ bits });
    },
    read: (view, offset, text) => {
      const number = numberOf(text, "f32");
      if (number === undefined) return false;
      view.setFloat32(offset, number, true);
      if (Number.isNaN(number)) view.setUint32(offset, NAN_32, true);
      return true;
    },
  },
  f64: {
    show: (view, offset) => {
      const value = { lo: view.getInt32(offset, true), hi: view.getInt32(offset + 4, true) };
      const nan = Number.isNaN(view.getFloat64(offset, true));
      if (nan && (value.hi !== NAN_64_HIGH || value.lo !== 0)) return undefined;
      return showFloat64(value).replace(/(?<=[0-9])f64$/u, "");
    },
    read: (view, offset, text) => {
      const number = numberOf(text, "f64");
      if (number === undefined) return false;
      view.setFloat64(offset, number, true);
      if (Number.isNaN(number)) {
        view.setInt32(offset, 0, true);
        view.setInt32(offset + 4, NAN_64_HIGH, true);
      }
      return true;
    },
  },
};

/** Whether elements of a dtype can be listed. */
export const isListed = (dtype: Dtype): boolean => ELEMENTS[dtype] !== undefined;

/** Bytes of listed elements, or the index of the first that the dtype does not take. */
export const readElements = (dtype: Dtype, texts: ReadonlyArray<string>): Uint8Array | number => {
  const { bytes: width } = DTYPES[dtype];
  const bytes = new Uint8Array(texts.length * width);
  const view = new DataView(bytes.buffer);
  const wrong = texts.findIndex((text, index) => !ELEMENTS[dtype]!.read(view, index * width, text));
  return wrong < 0 ? bytes : wrong;
};

const listed = ({ dtype, bytes }: TensorValue): string | undefined => {
  const { bytes: width } = DTYPES[dtype];
  const element = ELEMENTS[dtype];
  if (element === undefined || bytes.length > MAX_LISTED * width || bytes.length % width > 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts: Array<string> = [];
  for (let offset = 0; offset < bytes.length; offset += width) {
    const text = element.show(view, offset);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return `[${texts.join(", ")}]`;
};

/** Sizes as source text. */
export const showSizes = (shape: ReadonlyArray<Dimension>): string =>
  `[${shape.map((size) => size === null ? "?" : typeof size === "string" ? showName(size) : size).join(", ")}]`;

/** A tensor as source text. */
export const showTensor = (tensor: TensorValue): string =>
  `tensor<${tensor.dtype}, ${showSizes(tensor.shape)}>${listed(tensor) ?? `"${tensor.bytes.toHex()}"`}`;
