/**
 * Wire: the numbers of version 2 of the format. Frozen: rows may be added, none changed or moved.
 *
 * One leading byte says what follows:
 *
 * | bytes | meaning | what follows |
 * | --- | --- | --- |
 * | 00 – 7f | an op of the table, by its place in the original's order, without arguments | |
 * | 80 – 9f | a pipeline of 2 + n stages, leaning left | escape, stages |
 * | a0 – af | a left-leaning parallel of 2 + n branches | escape, branches |
 * | b0 – b7 | an op with 1 + n arguments | escape, op byte, arguments |
 * | b8 | any other application | op, argument count, attribute count, attributes, arguments |
 * | b9 | `res_add(identity, x)` | x |
 * | c0 – cf | the integer n − 2 | |
 * | d0 – d9 | other literals | see below |
 * | e0 – e7 | a reference to symbol n | escape |
 * | e8 – ec | if, let, lambda, call, block | their fields |
 * | ed | an expression that stood before | how many such ones ago |
 *
 * n is what the byte's low bits hold; where all of them are ones, the rest of n follows as an integer. Integers are
 * LEB128 in the fewest bytes. An expression "stands before" once its last byte was read, if it is worth two bytes
 * ({@link isShared}); every one that stood before must be referred to.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";
import { OPS } from "../opcodes.ts";
import type { OpRow } from "../ops/row.ts";
import type { Value } from "../value.ts";

/** What every program begins with: `RMIL`. */
export const MAGIC: Uint8Array = Uint8Array.of(0x52, 0x4d, 0x49, 0x4c);

/** This format's version number. */
export const VERSION_2 = 2;

/** Leading bytes. */
export const Lead = {
  pipeline: 0x80,
  parallel: 0xa0,
  applied: 0xb0,
  application: 0xb8,
  residual: 0xb9,
  small: 0xc0,
  nil: 0xd0,
  no: 0xd1,
  yes: 0xd2,
  integer: 0xd3,
  float32: 0xd4,
  float64: 0xd5,
  tensor: 0xd6,
  weight: 0xd7,
  symbol: 0xd8,
  tuple: 0xd9,
  reference: 0xe0,
  branch: 0xe8,
  binding: 0xe9,
  lambda: 0xea,
  call: 0xeb,
  block: 0xec,
  again: 0xed,
} as const;

/** Low bits of the leading bytes that carry a number. */
export const Low = { pipeline: 0x1f, parallel: 0x0f, applied: 0x07, small: 0x0f, reference: 0x07 } as const;

/** The smallest integer of one byte; there are sixteen. */
export const SMALLEST = -2;
/** The largest integer of one byte. */
export const LARGEST: number = SMALLEST + Low.small;

/** Leading bytes of types; scalars and tensors add their dtype's code. */
export const TypeLead = {
  scalar: 0x00,
  tensor: 0x20,
  void: 0x40,
  symbol: 0x41,
  fn: 0x42,
  tuple: 0x43,
  union: 0x44,
  variable: 0x45,
  opaque: 0x46,
} as const;

/** Sizes: these two, then every size plus 2. */
export const SizeLead = { dynamic: 0, named: 1, known: 2 } as const;

/** Tensors of more data are sections of a program, which can arrive piece by piece. */
export const INLINE_BYTES = 64;

/** Longest name of a symbol, a size or an attribute in UTF-8; version 1 holds as much. */
export const MAX_NAME_BYTES = 0xffff;

/** Attribute names by their number. */
export const ATTRIBUTE_NAMES: ReadonlyArray<string> = [
  "width",
  "bias",
  "heads",
  "causal",
  "rate",
  "axis",
  "epsilon",
  "kernel",
  "stride",
  "padding",
  "dilation",
  "groups",
  "vocabulary",
  "approximate",
  "affine",
  "momentum",
  "window",
  "count_padding",
  "size",
  "kind",
  "reduction",
  "smoothing",
  "logits",
  "delta",
  "log_target",
  "decay",
  "nesterov",
  "beta1",
  "beta2",
  "alpha",
  "activation",
  "reverse",
  "base",
  "positions",
  "limit",
  "copies",
  "by",
  "times",
  "shape",
  "dtype",
  "axes",
  "start",
  "end",
  "step",
  "name",
  "path",
  "trace",
  "strategy",
];

const rows: ReadonlyArray<OpRow> = Object.values(OPS);
const CODES: ReadonlyArray<number> = rows.map(({ code }) => code);
const BYTES = new Map(CODES.map((code, index) => [code, index]));
const NUMBERS = new Map(ATTRIBUTE_NAMES.map((name, index) => [name, index]));

/** The byte of an opcode; `undefined` where the table does not have it. */
export const byteOfOp = (code: number): number | undefined => BYTES.get(code);

/** The opcode of a byte; `undefined` where the table does not have one. */
export const opOfByte = (byte: number): number | undefined => CODES[byte];

/** The number of an attribute's name; `undefined` where it is written as text. */
export const numberOfAttribute = (name: string): number | undefined => NUMBERS.get(name);

/** The op of the short residual form. */
export const RESIDUAL: number = OPS.res_add.code;
/** The op that the short residual form implies. */
export const IDENTITY: number = OPS.identity.code;

/** Whether a node is `res_add(identity, x)` and nothing else. */
export const isResidual = ({ tag, code, children, attributes }: Expression): boolean => {
  if (tag !== Tag.App || code !== RESIDUAL || children.length !== 2 || attributes.length > 0) return false;
  const [first] = children;
  return first.tag === Tag.App && first.code === IDENTITY && first.children.length === 0 &&
    first.attributes.length === 0;
};

/** Whether an integer takes one byte. */
export const isSmall = (value: Value): boolean =>
  value.k === "I64" && value.hi === value.lo >> 31 && value.lo >= SMALLEST && value.lo <= LARGEST;

const isLong = (value: Value): boolean => {
  switch (value.k) {
    case "F32":
    case "F64":
    case "Tensor":
    case "Tuple":
      return true;
    case "I64":
      return !isSmall(value);
    default:
      return false;
  }
};

/** Whether an expression is worth referring to: it has children, attributes, or a literal of several bytes. */
export const isShared = (node: Expression): boolean =>
  node.children.length > 0 || node.attributes.length > 0 || (node.tag === Tag.Lit && isLong(node.value));
