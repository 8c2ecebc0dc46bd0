/**
 * AST path: the paths that checks and runs report, by the member names of a program's JSON form, as places in the tree.
 *
 * Invariant: a path leads to the node it names, or to the nearest one around it.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";

/** Child index by member name, for members that hold one child. */
const MEMBERS: { readonly [tag: number]: { readonly [member: string]: number } } = {
  [Tag.Seq]: { a: 0, b: 1 },
  [Tag.Par]: { a: 0, b: 1 },
  [Tag.Cond]: { pred: 0, yes: 1, no: 2 },
  [Tag.Let]: { val: 0, body: 1 },
  [Tag.Lam]: { body: 0 },
  [Tag.Call]: { func: 0 },
};

/** Index of the first child of a list, by member name. */
const LISTS: { readonly [tag: number]: { readonly [member: string]: number } } = {
  [Tag.App]: { args: 0 },
  [Tag.Call]: { args: 1 },
  [Tag.Block]: { exprs: 0 },
};

/** The node that a path names, or the nearest one around it. */
export const nodeAtPath = (root: Expression, path: string): Expression => {
  const parts = path.split("/").slice(1);
  let node = root;
  for (let at = 0; at < parts.length; at++) {
    const single = MEMBERS[node.tag]?.[parts[at]];
    const first = LISTS[node.tag]?.[parts[at]];
    const index = single ?? (first === undefined ? undefined : first + Number(parts[++at]));
    const child = index === undefined ? undefined : node.children[index];
    if (child === undefined) return node;
    node = child;
  }
  return node;
};
