/**
 * PNG parts: of a picture's file the parts that its pixels need, checked before any reader sees them.
 *
 * Source: ISO/IEC 15948. Not a decoder.
 * Invariant: pixels that were declared are there and no more: neither they nor what else a file may carry can expand
 * past what the declared size takes.
 *
 * @module
 */
import { dataLimit, malformedData } from "../failures.ts";
import { inflate } from "./inflate.ts";
import { crc32 } from "./zip.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Parts that pixels need: header, palette, transparency, pixels, end. */
const NEEDED: ReadonlySet<string> = new Set(["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]);

const FRAME = 12;
const HEADER_SIZE = 13;

/** Numbers of a pixel by the kind of its colour: grey, colour, palette, grey and transparency, colour and transparency. */
const NUMBERS: { readonly [kind: number]: number } = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

/** An interlaced picture comes in seven smaller ones, whose lines have their own beginnings and ends. */
const INTERLACED_LINES = 2;

interface Part {
  readonly type: string;
  /** The whole part, with its frame. */
  readonly frame: Uint8Array;
  readonly data: Uint8Array;
}

const refusing = (what: string) => (at: number, reason: string) =>
  malformedData({ format: what, at: `byte ${at}`, reason });

const partsOf = (bytes: Uint8Array, refuse: ReturnType<typeof refusing>): ReadonlyArray<Part> => {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw refuse(0, "it does not begin as PNG does");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Array<Part> = [];
  for (let at = SIGNATURE.length; parts.at(-1)?.type !== "IEND";) {
    if (at + FRAME > bytes.length) throw refuse(at, "it is cut off");
    const length = view.getUint32(at);
    const end = at + FRAME + length;
    if (end > bytes.length) throw refuse(at, `a part of ${length} bytes is cut off`);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) throw refuse(at, "a checksum is wrong");
    parts.push({ type, frame: bytes.subarray(at, end), data: bytes.subarray(at + 8, end - 4) });
    at = end;
  }
  return parts;
};

const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
};

/** The file of a picture with nothing but what its pixels need; at most so many pixels. `what` names it in failures. */
export const neededPng = async (
  bytes: Uint8Array,
  maxPixels: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> => {
  const refuse = refusing(what);
  const parts = partsOf(bytes, refuse).filter(({ type }) => NEEDED.has(type));
  const [header] = parts;
  if (header?.type !== "IHDR" || header.data.length !== HEADER_SIZE) throw refuse(SIGNATURE.length, "it has no header");
  const view = new DataView(header.data.buffer, header.data.byteOffset, HEADER_SIZE);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  if (width * height === 0) throw refuse(SIGNATURE.length, `its size is ${width} × ${height}`);
  if (width * height > maxPixels) {
    throw dataLimit({ what: `the pixels of ${what}`, limit: maxPixels, found: width * height });
  }
  const numbers = NUMBERS[header.data[9]];
  if (numbers === undefined) throw refuse(SIGNATURE.length, `colour of kind ${header.data[9]} is not known`);
  const line = 1 + Math.ceil(width * numbers * header.data[8] / 8);
  const interlaced = header.data[12] !== 0;
  const limit = line * height + (interlaced ? INTERLACED_LINES * (line + height) : 0);
  const pixels = joined(parts.filter(({ type }) => type === "IDAT").map(({ data }) => data));
  const expanded = await inflate(pixels, "deflate", limit, what);
  if (!interlaced && expanded.length !== limit) {
    throw refuse(SIGNATURE.length, `its pixels take ${limit} bytes, and ${expanded.length} are there`);
  }
  return joined([Uint8Array.from(SIGNATURE), ...parts.map(({ frame }) => frame)]);
};
