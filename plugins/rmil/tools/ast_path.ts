/**
 * AST path: the paths that checks and runs report, by the member names of a program's JSON form, as places in the tree.
 *
 * Invariant: a path leads to the node it names, or to the nearest one around it.
 *
 * @module
 */
import { type Expression, Tag, withChildren } from "../expression.ts";

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

/** A path's steps; the marks of repeated turns (`[2]`) name no other place. */
const stepsOf = (path: string): ReadonlyArray<string> => path.replaceAll(/\[[0-9]+\]/gu, "").split("/").slice(1);

/** Child index of the next step of a path, and how many steps it takes; `undefined` where it names no child. */
const childAt = (
  node: Expression,
  steps: ReadonlyArray<string>,
  at: number,
): { readonly index: number; readonly taken: number } | undefined => {
  const single = MEMBERS[node.tag]?.[steps[at]];
  const first = LISTS[node.tag]?.[steps[at]];
  const index = single ?? (first === undefined ? undefined : first + Number(steps[at + 1]));
  if (index === undefined || node.children[index] === undefined) return undefined;
  return { index, taken: single === undefined ? 2 : 1 };
};

/** The node that a path names, or the nearest one around it. */
export const nodeAtPath = (root: Expression, path: string): Expression => {
  const steps = stepsOf(path);
  let node = root;
  for (let at = 0; at < steps.length;) {
    const found = childAt(node, steps, at);
    if (found === undefined) return node;
    node = node.children[found.index];
    at += found.taken;
  }
  return node;
};

/** The tree with the node at a path edited; `undefined` where the path names none, or the edit declines. */
export const editAtPath = (
  root: Expression,
  path: string,
  edit: (node: Expression) => Expression | undefined,
): Expression | undefined => {
  const steps = stepsOf(path);
  const go = (node: Expression, at: number): Expression | undefined => {
    if (at >= steps.length) return edit(node);
    const found = childAt(node, steps, at);
    if (found === undefined) return undefined;
    const made = go(node.children[found.index], at + found.taken);
    return made && withChildren(node, node.children.with(found.index, made));
  };
  return go(root, 0);
};

/** A node and the path that names it. */
export interface Placed {
  /** The node. */
  readonly node: Expression;
  /** Its path. */
  readonly path: string;
  /** Child indices from the root. */
  readonly indices: ReadonlyArray<number>;
}

/** Name of a child in paths, by its index. */
const memberOf = ({ tag }: Expression, index: number): string => {
  const single = Object.entries(MEMBERS[tag] ?? {}).find(([, own]) => own === index);
  if (single !== undefined) return single[0];
  const [name, first] = Object.entries(LISTS[tag])[0];
  return `${name}/${index - first}`;
};

/** Every node with its path, in tree order; children for which `enters` is false are left out with all they hold. */
export function* placedNodes(
  root: Expression,
  enters: (node: Expression, index: number) => boolean = () => true,
): Generator<Placed> {
  const pending: Array<Placed> = [{ node: root, path: "", indices: [] }];
  while (pending.length > 0) {
    const placed = pending.pop()!;
    yield placed;
    const { node, path, indices } = placed;
    for (let i = node.children.length - 1; i >= 0; i--) {
      if (!enters(node, i)) continue;
      pending.push({ node: node.children[i], path: `${path}/${memberOf(node, i)}`, indices: [...indices, i] });
    }
  }
}
