/**
 * Chains: pipelines as the list of their stages, and parallel branches as the list along their spine.
 *
 * `>>` is associative, so a pipeline is its stages in order, however it is bracketed. `|` is not: it pairs, so only the
 * branches along the left spine form a list, and they are put back the same way.
 * Invariant: `chainOf(stagesOf(x))` means what `x` means; `spineOf` and `branchesOf` are inverse.
 *
 * @module
 */
import { type Expression, MAX_DEPTH, par, seq, Tag } from "../expression.ts";

/** Stages of a pipeline, in order; anything else is one stage. */
export const stagesOf = (node: Expression): ReadonlyArray<Expression> => {
  if (node.tag !== Tag.Seq) return [node];
  const stages: Array<Expression> = [];
  const visit = (at: Expression): void => {
    if (at.tag !== Tag.Seq) {
      stages.push(at);
      return;
    }
    visit(at.children[0]);
    visit(at.children[1]);
  };
  visit(node);
  return stages;
};

const balanced = (stages: ReadonlyArray<Expression>, from: number, to: number): Expression => {
  if (to - from === 1) return stages[from];
  const middle = (from + to) >> 1;
  return seq(balanced(stages, from, middle), balanced(stages, middle, to));
};

/** A pipeline of at least one stage: leaning left as written, or balanced where it would grow too deep. */
export const chainOf = (stages: ReadonlyArray<Expression>): Expression => {
  const deepest = stages.reduce((depth, stage) => Math.max(depth, stage.depth), 0);
  if (deepest + stages.length >= MAX_DEPTH / 2) return balanced(stages, 0, stages.length);
  return stages.slice(1).reduce((chain, stage) => seq(chain, stage), stages[0]);
};

/** Branches along the left spine, in order; anything else is one branch. */
export const branchesOf = (node: Expression): ReadonlyArray<Expression> => {
  const branches: Array<Expression> = [];
  let at = node;
  for (; at.tag === Tag.Par; at = at.children[0]) branches.push(at.children[1]);
  branches.push(at);
  return branches.reverse();
};

/** At least one branch, paired from the left. */
export const spineOf = (branches: ReadonlyArray<Expression>): Expression =>
  branches.slice(1).reduce((spine, branch) => par(spine, branch), branches[0]);
