/**
 * NPY: one array in NumPy's format, versions 1 to 3.
 *
 * Source: numpy/lib/format.py, "A simple file format for NumPy arrays". Not an interpreter of Python: the header is a
 * dictionary of three members, read as exactly that.
 * Invariant: sizes are checked against the bytes that follow before anything is made.
 *
 * @module
 */
import { type Dtype, dtypeInfo, elementCount, fromBytes, MAX_RANK, type Tensor, toBytes } from "../../ir/library.ts";
import { malformedData } from "../failures.ts";
import { swapBytes } from "./idx.ts";

const MAGIC = "\x93NUMPY";

/** Longest header that is read. */
export const MAX_NPY_HEADER = 65_536;

/** NumPy's spelling of element types, without the byte order. */
const NAMES: { readonly [name: string]: Dtype } = {
  f8: "f64",
  f4: "f32",
  f2: "f16",
  i8: "i64",
  i4: "i32",
  i2: "i16",
  i1: "i8",
  u8: "u64",
  u4: "u32",
  u2: "u16",
  u1: "u8",
  b1: "bool",
};

const refuse = (at: string, reason: string) => malformedData({ format: "NPY", at, reason });

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: ReadonlyArray<number>;
}

/** One member of the dictionary: a quoted text, True or False, or a tuple of whole numbers. */
const MEMBER = /\s*'(\w+)'\s*:\s*(?:'([^']*)'|(True|False)|\(([\d\s,L]*)\))\s*(?:,|(?=\}))/uy;

const headerOf = (text: string): Header => {
  const found = new Map<string, string>();
  const body = text.trim();
  if (!body.startsWith("{")) throw refuse("its header", "it is no dictionary");
  MEMBER.lastIndex = 1;
  let end = 1;
  for (let member = MEMBER.exec(body); member !== null; member = MEMBER.exec(body)) {
    if (found.has(member[1])) throw refuse("its header", `${member[1]} is there twice`);
    found.set(member[1], member[2] ?? member[3] ?? `(${member[4]})`);
    end = MEMBER.lastIndex;
  }
  if (body.slice(end).trim() !== "}") throw refuse("its header", "it is no dictionary of texts, tuples and yes or no");
  const [descr, fortran, shape] = ["descr", "fortran_order", "shape"].map((name) => found.get(name));
  if (descr === undefined || fortran === undefined || shape?.startsWith("(") !== true || found.size !== 3) {
    throw refuse("its header", "its members are descr, fortran_order and shape");
  }
  if (fortran !== "True" && fortran !== "False") throw refuse("its header", "fortran_order is True or False");
  const sizes = shape.slice(1, -1).split(",").map((size) => size.trim().replace(/L$/u, ""))
    .filter((size, i, all) => size !== "" || i < all.length - 1).map(Number);
  if (sizes.length > MAX_RANK) throw refuse("its shape", `${sizes.length} axes are more than ${MAX_RANK}`);
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw refuse("its shape", "a size is no whole number");
  }
  return { descr, fortran: fortran === "True", shape: sizes };
};

/** Elements whose first axis moves fastest, put so that the last one does. */
const toRows = (bytes: Uint8Array, size: number, shape: ReadonlyArray<number>): Uint8Array<ArrayBuffer> => {
  const made = new Uint8Array(bytes.length);
  const count = elementCount(shape);
  const steps = shape.map((_, axis) => elementCount(shape.slice(0, axis)));
  const place = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    made.set(bytes.subarray(from * size, (from + 1) * size), to * size);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++place[axis] < shape[axis]) break;
      from -= steps[axis] * shape[axis];
      place[axis] = 0;
    }
  }
  return made;
};

/** Reads an array. */
export const readNpy = (bytes: Uint8Array): Tensor => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC || bytes.length < 10) throw refuse("byte 0", "it does not begin as NumPy's files do");
  const version = bytes[6];
  if (version < 1 || version > 3) throw refuse("byte 6", `version ${version} is none of 1, 2, 3`);
  const wide = version > 1;
  if (wide && bytes.length < 12) throw refuse("byte 8", "its header is cut off");
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (wide ? 12 : 10) + length;
  if (length > MAX_NPY_HEADER || start > bytes.length) {
    throw refuse("byte 8", `a header of ${length} bytes is not there`);
  }
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(wide ? 12 : 10, start));
  const { descr, fortran, shape } = headerOf(text);
  const [, order, name] = /^([<>|=])([a-z]\d)$/u.exec(descr) ?? [];
  const dtype = Object.hasOwn(NAMES, name ?? "") ? NAMES[name] : undefined;
  if (dtype === undefined) throw refuse("its header", `element type ${descr.slice(0, 20)} is not read`);
  const size = dtypeInfo(dtype).bits / 8;
  const wanted = elementCount(shape) * size;
  if (bytes.length - start !== wanted) {
    throw refuse(
      `byte ${start}`,
      `shape (${shape.join(", ")}) takes ${wanted} bytes, and ${bytes.length - start} follow`,
    );
  }
  const raw = bytes.subarray(start);
  if (dtype === "bool" && raw.some((byte) => byte > 1)) throw refuse(`byte ${start}`, "a truth value is 0 or 1");
  const ordered = order === ">" ? swapBytes(raw, size) : raw;
  return fromBytes(dtype, shape, fortran && shape.length > 1 ? toRows(ordered, size, shape) : ordered);
};

/** What the header's length is a multiple of, with what stands before it. */
const ALIGNMENT = 64;

/** Writes an array, version 1, as NumPy itself does. */
export const writeNpy = (tensor: Tensor): Uint8Array<ArrayBuffer> => {
  const name = Object.keys(NAMES).find((key) => NAMES[key] === tensor.dtype);
  if (name === undefined) throw refuse("its element type", `NumPy has no ${tensor.dtype}`);
  const order = dtypeInfo(tensor.dtype).bits === 8 ? "|" : "<";
  const shape = tensor.shape.length === 1 ? `(${tensor.shape[0]},)` : `(${tensor.shape.join(", ")})`;
  const members = `{'descr': '${order}${name}', 'fortran_order': False, 'shape': ${shape}, }`;
  const head = Math.ceil((10 + members.length + 1) / ALIGNMENT) * ALIGNMENT;
  const data = toBytes(tensor);
  const made = new Uint8Array(head + data.length);
  for (let i = 0; i < MAGIC.length; i++) made[i] = MAGIC.charCodeAt(i);
  made[6] = 1;
  new DataView(made.buffer).setUint16(8, head - 10, true);
  made.set(new TextEncoder().encode(`${members.padEnd(head - 11)}\n`), 10);
  made.set(data, head);
  return made;
};
