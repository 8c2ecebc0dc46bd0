/**
 * Scope: which binder a name refers to. The one statement of the language's scoping for canonical forms and editors.
 *
 * Invariant: a `let` is seen in its body, and in its bound expression exactly where that is a lambda, so that functions
 * can call themselves; a lambda's parameters are seen in its body; the innermost binder wins.
 *
 * @module
 */
import { type Expression, Tag } from "../expression.ts";

/** A name that is bound: by which node, and as which of its names. */
export interface Binder {
  /** The `let` or the lambda. */
  readonly node: Expression;
  /** Path of that node: child indices from the root. */
  readonly path: ReadonlyArray<number>;
  /** The parameter's position; 0 for a `let`. */
  readonly position: number;
  /** Number of binders around this one. */
  readonly level: number;
}

/** Names in scope, innermost last, by symbol. */
export type Scope = ReadonlyMap<number, Binder>;

const EMPTY: Scope = new Map();

/** Whether a `let` sees its own name in its bound expression. */
export const isRecursive = (node: Expression): boolean => node.tag === Tag.Let && node.children[0].tag === Tag.Lam;

/** Symbols that a node binds. */
export const boundSymbols = (node: Expression): ReadonlyArray<number> =>
  node.tag === Tag.Let ? [node.code] : node.tag === Tag.Lam ? node.parameters.map(({ sym }) => sym) : [];

/** Whether a child of a node sees the names that the node binds. */
export const seesBinding = (node: Expression, child: number): boolean =>
  node.tag === Tag.Lam || (node.tag === Tag.Let && (child === 1 || isRecursive(node)));

/** Visits every node in tree order with the names in scope at it and the number of binders around it. */
export const walkScoped = (
  root: Expression,
  visit: (node: Expression, scope: Scope, path: ReadonlyArray<number>, level: number) => void,
): void => {
  const go = (node: Expression, scope: Scope, path: ReadonlyArray<number>, level: number): void => {
    visit(node, scope, path, level);
    const names = boundSymbols(node);
    let inner = scope;
    if (names.length > 0) {
      const extended = new Map(scope);
      names.forEach((symbol, position) => extended.set(symbol, { node, path, position, level: level + position }));
      inner = extended;
    }
    node.children.forEach((child, index) => {
      const sees = seesBinding(node, index);
      go(child, sees ? inner : scope, [...path, index], sees ? level + names.length : level);
    });
  };
  go(root, EMPTY, [], 0);
};

/** References that nothing binds, in tree order. */
export const freeReferences = (
  root: Expression,
): ReadonlyArray<{ readonly symbol: number; readonly path: ReadonlyArray<number> }> => {
  const free: Array<{ symbol: number; path: ReadonlyArray<number> }> = [];
  walkScoped(root, (node, scope, path) => {
    if (node.tag === Tag.Ref && !scope.has(node.code)) free.push({ symbol: node.code, path });
  });
  return free;
};
