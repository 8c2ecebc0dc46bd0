/**
 * Rule index: which rules can fit an expression, by what it is at its root; and the record of an application.
 *
 * Invariant: candidates keep the order of the rules.
 *
 * @module
 */
import { type Expression, EXPRESSION_TAGS, Tag } from "../expression.ts";
import type { Pat, Rule } from "./pattern.ts";

/** One application of a rule. */
export interface Firing {
  /** The rule's name. */
  readonly rule: string;
  /** Where: child indices from the root, at the time. */
  readonly path: string;
  /** What stood there. */
  readonly before: Expression;
  /** What stands there now. */
  readonly after: Expression;
}

/** Rules by head. */
export interface RuleIndex {
  /** The rules that can fit, in order. */
  readonly candidates: (node: Expression) => ReadonlyArray<Rule>;
}

/** Heads that a pattern can fit; `undefined`: any. */
const headsOf = (pattern: Pat): ReadonlyArray<string> | undefined => {
  switch (pattern.k) {
    case "Var":
    case "Any":
    case "Rest":
      return undefined;
    case "App":
      return [`App/${pattern.op}`];
    case "Seq":
    case "Par": {
      // A list of one item, or with items that may be none, also fits what is no list.
      const single = pattern.items.filter(({ k }) => k !== "Rest").length < 2;
      return single ? undefined : [pattern.k];
    }
    case "Alt": {
      const heads = pattern.options.map(headsOf);
      return heads.every((head) => head !== undefined) ? heads.flat() : undefined;
    }
    case "Is":
      return [headOf(pattern.node)];
    default:
      return [pattern.k];
  }
};

const headOf = (node: Expression): string => node.tag === Tag.App ? `App/${node.code}` : EXPRESSION_TAGS[node.tag];

/** Indexes rules by head. */
export const indexRules = (rules: ReadonlyArray<Rule>): RuleIndex => {
  const heads = rules.map(({ left }) => headsOf(left));
  const byHead = new Map<string, ReadonlyArray<Rule>>();
  const candidates = (node: Expression): ReadonlyArray<Rule> => {
    const head = headOf(node);
    const known = byHead.get(head);
    if (known !== undefined) return known;
    const found = rules.filter((_, index) => heads[index]?.includes(head) ?? true);
    byHead.set(head, found);
    return found;
  };
  return { candidates };
};
