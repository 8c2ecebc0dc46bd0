/**
 * Debug labels: one short word for a node in traces, as the original's debugger writes them.
 *
 * @module
 */
import { type Expression, EXPRESSION_TAGS, Tag } from "../expression.ts";
import { nameOf } from "../opcodes.ts";
import { toBigInt, toFloat32, toFloat64, type Value } from "../value.ts";

const DECIMALS = 4;

const valueLabel = (value: Value): string => {
  switch (value.k) {
    case "Nil":
      return "nil";
    case "Bool":
      return String(value.v);
    case "I64":
      return String(toBigInt(value));
    case "F32":
      return toFloat32(value).toFixed(DECIMALS);
    case "F64":
      return toFloat64(value).toFixed(DECIMALS);
    case "Tensor":
      return "tensor";
    case "Sym":
      return `sym(${value.sym})`;
    case "Tuple":
      return `tuple(${value.items.length})`;
  }
};

/** The label of a node. */
export const labelOf = (node: Expression): string => {
  const kind = EXPRESSION_TAGS[node.tag].toLowerCase();
  switch (node.tag) {
    case Tag.Lit:
      return valueLabel(node.value);
    case Tag.Ref:
    case Tag.Let:
      return `${kind}(${node.code})`;
    case Tag.App:
      return `${nameOf(node.code) ?? "?"}(${node.children.length})`;
    case Tag.Lam:
      return `${kind}(${node.parameters.length})`;
    case Tag.Call:
      return `${kind}(${node.children.length - 1})`;
    case Tag.Block:
      return `${kind}(${node.children.length})`;
    default:
      return kind;
  }
};
