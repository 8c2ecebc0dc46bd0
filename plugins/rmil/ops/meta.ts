/**
 * Meta ops: values, types and programs looked at as data.
 *
 * A program as data is quoted: it is an argument that is not run.
 *
 * @module
 */
import { attribute, type Family, family, operand } from "./row.ts";

/** Names of the meta ops. */
export type MetaName =
  | "hash"
  | "type_of"
  | "shape_of"
  | "compose"
  | "decompose"
  | "self_ref"
  | "mutate"
  | "introspect";

const x = operand("x", "any");
const program = operand("program", "program");

/** Rows of the meta ops. */
export const metaOps: Family<MetaName> = family("Meta", {
  hash: { code: 0x0500, doc: "The 64-bit content hash of a value.", operands: [x], result: "number" },
  type_of: { code: 0x0501, doc: "The type of a value, as a term.", operands: [x], result: "term" },
  shape_of: {
    code: 0x0502,
    doc: "The sizes of a tensor as a tuple; of a scalar the empty one, of a tuple its length.",
    operands: [x],
    result: "tuple",
  },
  compose: {
    code: 0x0503,
    doc: "The function that applies the first, then the second.",
    operands: [operand("first", "function"), operand("second", "function")],
    result: "function",
    differentiable: true,
  },
  decompose: {
    code: 0x0504,
    doc: "The direct parts of a program, as a tuple of programs.",
    operands: [program],
    result: "tuple",
  },
  self_ref: { code: 0x0505, doc: "The running program, as data.", result: "program" },
  mutate: {
    code: 0x0506,
    doc: "A program with the part at a path replaced.",
    operands: [program, operand("replacement", "program")],
    attributes: [attribute("path", "sizes", "Child numbers from the root down; the root itself where empty.", {
      default: [],
    })],
    result: "program",
  },
  introspect: {
    code: 0x0507,
    doc: "What the table says of an op, named by a symbol; without one, the numbers of ops by family.",
    operands: [operand("op", "any", { optional: true })],
    result: "tuple",
  },
});
