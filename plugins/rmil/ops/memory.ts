/**
 * Memory ops: buffers of the run, and tensors moved, cut and joined.
 *
 * @module
 */
import { attribute, type Family, family, operand } from "./row.ts";

/** Names of the memory ops. */
export type MemoryName =
  | "alloc"
  | "free"
  | "load"
  | "store"
  | "copy"
  | "reshape"
  | "transpose"
  | "slice"
  | "concat"
  | "gather"
  | "scatter";

const x = operand("x", "any");
const buffer = operand("buffer", "buffer");
const axis = (value: number) => attribute("axis", "axis", "The axis concerned.", { default: value });

/** Rows of the memory ops. */
export const memoryOps: Family<MemoryName> = family("Memory", {
  alloc: {
    code: 0x0300,
    doc: "A new buffer of zeros; it is freed at the run's end where nothing freed it before.",
    attributes: [
      attribute("shape", "sizes", "Sizes.", { default: [] }),
      attribute("dtype", "dtype", "Element type.", { default: "f32", named: true }),
    ],
    result: "buffer",
    effect: "memory",
  },
  free: {
    code: 0x0301,
    doc: "Releases a buffer; its further use is refused.",
    operands: [buffer],
    result: "nil",
    effect: "memory",
  },
  load: {
    code: 0x0302,
    doc: "What a buffer holds now.",
    operands: [buffer],
    result: "number",
    effect: "memory",
  },
  store: {
    code: 0x0303,
    doc: "Writes a value of the buffer's type into it, and gives the buffer.",
    operands: [buffer, operand("value", "number")],
    piped: "value",
    result: "buffer",
    effect: "memory",
  },
  copy: {
    code: 0x0304,
    doc: "Copies a buffer into another of the same type, or into a new one, and gives that.",
    operands: [operand("from", "buffer"), operand("to", "buffer", { optional: true })],
    result: "buffer",
    effect: "memory",
  },
  reshape: {
    code: 0x0305,
    doc: "The same elements in another shape; one size may be −1 and follows from the others.",
    operands: [operand("x", "number")],
    attributes: [attribute("shape", "sizes", "The new sizes.", { default: -1 })],
    result: "number",
    differentiable: true,
  },
  transpose: {
    code: 0x0306,
    doc: "Axes in another order.",
    operands: [operand("x", "number")],
    attributes: [attribute("axes", "sizes", "The old axis at each new place; reversed where absent.")],
    result: "number",
    differentiable: true,
  },
  slice: {
    code: 0x0307,
    doc: "Elements from start to before end along an axis, or items of a tuple; negative counts from the end.",
    operands: [x],
    attributes: [
      attribute("start", "integer", "The first one.", { default: 0 }),
      attribute("end", "integer", "The one after the last; all to the end where absent."),
      axis(0),
      attribute("step", "size", "Distance between those taken.", { default: 1, named: true }),
    ],
    result: "any",
    differentiable: true,
  },
  concat: {
    code: 0x0308,
    doc: "Joins tensors along an axis; other values into one tuple, into which tuples are spliced.",
    operands: [operand("parts", "any", { repeats: true })],
    attributes: [{ ...axis(-1), named: true }],
    result: "any",
    differentiable: true,
  },
  gather: {
    code: 0x0309,
    doc: "Elements at indices along an axis.",
    operands: [operand("x", "number"), operand("indices", "index")],
    attributes: [{ ...axis(0), named: true }],
    result: "number",
    differentiable: true,
  },
  scatter: {
    code: 0x030a,
    doc: "x with updates written, or added, at indices along an axis; indices must not repeat where they are written.",
    operands: [operand("x", "number"), operand("indices", "index"), operand("updates", "number")],
    attributes: [
      { ...axis(0), named: true },
      attribute("by", "choice", "What happens there.", { choices: ["set", "add"], default: "set", named: true }),
    ],
    result: "number",
    differentiable: true,
  },
});
