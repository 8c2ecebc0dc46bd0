/**
 * Stages: pipelines and parallel groups seen as lists. `a >> b >> c` is one node with three children.
 *
 * Not a change of the tree: `withStages` gives back the same left-leaning tree.
 * Invariant: `withStages(node, childrenOf(node))` equals `node`.
 *
 * @module
 */
import { Expression, Tag, withChildren } from "../expression.ts";

const isChain = (node: Expression): boolean => node.tag === Tag.Seq || node.tag === Tag.Par;

const known = new WeakMap<Expression, ReadonlyArray<Expression>>();

/** Children of a node; those of a pipeline or a parallel group are all its stages. */
export const childrenOf = (node: Expression): ReadonlyArray<Expression> => {
  if (!isChain(node)) return node.children;
  const cached = known.get(node);
  if (cached !== undefined) return cached;
  const stages: Array<Expression> = [];
  let left = node;
  while (left.tag === node.tag) {
    stages.push(left.children[1]);
    left = left.children[0];
  }
  stages.push(left);
  stages.reverse();
  known.set(node, stages);
  return stages;
};

/** Fewest children that a node of a tag can have. */
export const leastChildren = (tag: Tag): number => tag === Tag.Seq || tag === Tag.Par ? 2 : tag === Tag.Call ? 1 : 0;

/** The node over other children, stages being children of a pipeline or a parallel group; at least two of them. */
export const withStages = (node: Expression, children: ReadonlyArray<Expression>): Expression =>
  isChain(node)
    ? children.slice(1).reduce(
      (left, right) => new Expression(node.tag, node.code, node.value, [left, right], node.parameters, node.attributes),
      children[0],
    )
    : withChildren(node, children);
