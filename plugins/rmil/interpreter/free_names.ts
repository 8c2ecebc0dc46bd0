/**
 * Free names: the names a program reads and does not bind.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";

/** Symbols of the free names. */
export const freeNames = (root: Expression): ReadonlySet<number> => {
  const free = new Set<number>();
  const bound = new Map<number, number>();
  const within = (symbols: ReadonlyArray<number>, visitInner: () => void): void => {
    for (const sym of symbols) bound.set(sym, (bound.get(sym) ?? 0) + 1);
    visitInner();
    for (const sym of symbols) bound.set(sym, bound.get(sym)! - 1);
  };
  const visit = (node: Expression): void => {
    if (node.tag === Tag.Ref && !bound.get(node.code)) free.add(node.code);
    if (node.tag === Tag.Lam) within(node.parameters.map(({ sym }) => sym), () => visit(node.children[0]));
    else if (node.tag === Tag.Let) {
      const [value, body] = node.children;
      if (value.tag === Tag.Lam) within([node.code], () => visit(value));
      else visit(value);
      within([node.code], () => visit(body));
    } else node.children.forEach(visit);
  };
  visit(root);
  return free;
};
