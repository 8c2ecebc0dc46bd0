/**
 * Control ops: composition, branches, loops and collection functions.
 *
 * Not the expression forms (`>>`, `|`, `if`): these are their counterparts as ops, over functions handed to them.
 * A collection is a tuple, or a tensor along its first axis.
 *
 * @module
 */
import { attribute, type Family, family, operand } from "./row.ts";

/** Names of the control ops. */
export type ControlName =
  | "seq"
  | "par"
  | "cond"
  | "loop"
  | "map"
  | "reduce"
  | "scan"
  | "fold"
  | "zip"
  | "fork"
  | "join"
  | "res_add"
  | "res_cat"
  | "identity"
  | "repeat";

const LOOP_LIMIT = 1000;

const f = operand("f", "function");
const input = operand("input", "any");
const items = operand("items", "any");
const toInput = { piped: "input" } as const;
const toItems = { piped: "items" } as const;

/** Rows of the control ops. */
export const controlOps: Family<ControlName> = family("Control", {
  seq: {
    code: 0x0200,
    doc: "Applies the first function to the input, and the second to what that gives.",
    operands: [operand("first", "function"), operand("second", "function"), input],
    ...toInput,
    result: "any",
    differentiable: true,
  },
  par: {
    code: 0x0201,
    doc: "Applies both functions to the input and pairs the results.",
    operands: [operand("first", "function"), operand("second", "function"), input],
    ...toInput,
    result: "tuple",
    differentiable: true,
  },
  cond: {
    code: 0x0202,
    doc: "Applies the first function to the input where the predicate is true, else the second; the other never runs.",
    operands: [operand("predicate", "any"), operand("yes", "function"), operand("no", "function"), input],
    ...toInput,
    result: "any",
    differentiable: true,
  },
  loop: {
    code: 0x0203,
    doc: "Applies a function again and again while a condition holds of the value, or until the value stays the same.",
    operands: [f, operand("condition", "function", { optional: true }), input],
    ...toInput,
    attributes: [attribute("limit", "count", "Most applications.", { default: LOOP_LIMIT })],
    result: "any",
    differentiable: true,
  },
  map: {
    code: 0x0204,
    doc: "Applies a function to each item.",
    operands: [f, items],
    ...toItems,
    result: "any",
    differentiable: true,
  },
  reduce: {
    code: 0x0205,
    doc: "Combines the items from the left by a function of two; there must be at least one.",
    operands: [f, items],
    ...toItems,
    result: "any",
    differentiable: true,
  },
  scan: {
    code: 0x0206,
    doc: "Like reduce (or fold, where a start is given), giving every intermediate result.",
    operands: [f, items, operand("initial", "any", { optional: true })],
    ...toItems,
    result: "any",
    differentiable: true,
  },
  fold: {
    code: 0x0207,
    doc: "Combines a start and the items from the left by a function of two.",
    operands: [f, operand("initial", "any"), items],
    ...toItems,
    result: "any",
    differentiable: true,
  },
  zip: {
    code: 0x0208,
    doc: "Pairs the items of two collections of one length.",
    operands: [operand("x", "any"), operand("y", "any")],
    result: "tuple",
    differentiable: true,
  },
  fork: {
    code: 0x0209,
    doc: "A tuple of copies of the input, one for each branch to come.",
    operands: [input],
    attributes: [attribute("copies", "size", "Number of copies.", { default: 2 })],
    result: "tuple",
    differentiable: true,
  },
  join: {
    code: 0x020a,
    doc: "Merges what branches gave: one flat tuple, or their sum, mean or concatenation.",
    operands: [operand("branches", "any", { repeats: true })],
    attributes: [
      attribute("by", "choice", "How they merge.", {
        choices: ["tuple", "sum", "mean", "concat"],
        default: "tuple",
        named: true,
      }),
    ],
    result: "any",
    differentiable: true,
  },
  res_add: {
    code: 0x0210,
    doc: "Residual by addition: the sum of both.",
    operands: [operand("x", "number"), operand("y", "number")],
    result: "number",
    differentiable: true,
  },
  res_cat: {
    code: 0x0211,
    doc: "Residual by concatenation: both along an axis.",
    operands: [operand("x", "number"), operand("y", "number")],
    attributes: [attribute("axis", "axis", "The axis that grows.", { default: -1, named: true })],
    result: "number",
    differentiable: true,
  },
  identity: {
    code: 0x0212,
    doc: "The input.",
    operands: [operand("x", "any")],
    result: "any",
    differentiable: true,
  },
  repeat: {
    code: 0x0213,
    doc: "Applies a function to the input a number of times; each time has its own parameters.",
    operands: [f, input],
    ...toInput,
    attributes: [attribute("times", "count", "Number of applications.", { default: 1 })],
    result: "any",
    differentiable: true,
  },
});
