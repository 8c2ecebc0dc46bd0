/**
 * Text edit: a change of a program as the smallest replacement in its source text, layout and comments around it kept.
 *
 * Invariant: the text with the replacement reads as exactly the changed program; where no small replacement does, there
 * is none.
 *
 * @module
 */
import { equalExpressions, type Expression, Tag, withChildren } from "../expression.ts";
import type { Symbols } from "../symbols.ts";
import { applyEdit, type Span, type TextEdit } from "../syntax/diagnostics.ts";
import { type Parsed, parseSource } from "../syntax/parser.ts";
import { print } from "../syntax/printer.ts";

/** Whether two nodes are the same apart from their children, and have as many. */
const sameHead = (a: Expression, b: Expression): boolean =>
  a.tag === b.tag && a.children.length === b.children.length &&
  equalExpressions(withChildren(a, []), withChildren(b, []));

/** The innermost place at which two trees differ. */
const difference = (a: Expression, b: Expression): readonly [Expression, Expression] | undefined => {
  if (a === b || equalExpressions(a, b)) return undefined;
  let [left, right] = [a, b];
  while (sameHead(left, right)) {
    const pairs = left.children.flatMap((child, i): ReadonlyArray<readonly [Expression, Expression]> =>
      child === right.children[i] || equalExpressions(child, right.children[i]) ? [] : [[child, right.children[i]]]
    );
    if (pairs.length !== 1) break;
    [left, right] = pairs[0];
  }
  return [left, right];
};

/** A stretch with the brackets right around it, where it stands in some. */
const bracketed = (source: string, { start, end }: Span): Span => {
  const before = source.slice(0, start).trimEnd();
  const after = source.slice(end);
  const closing = end + after.length - after.trimStart().length;
  return before.endsWith("(") && source[closing] === ")"
    ? bracketed(source, { start: before.length - 1, end: closing + 1 })
    : { start, end };
};

/** Ways to write the new part, the shortest first: what stays is not written again. */
const spellings = (
  source: string,
  span: Span,
  before: Expression,
  after: Expression,
  symbols: Symbols,
): ReadonlyArray<TextEdit> => {
  const { start, end } = span;
  const outer = bracketed(source, span);
  const own = source.slice(start, end);
  const whole = (text: string): ReadonlyArray<TextEdit> => [{ start, end, text }, { start, end, text: `(${text})` }];
  const [first, second] = after.children;
  const kept = after.tag !== Tag.Seq
    ? []
    : equalExpressions(first, before)
    ? [` >> ${print(second, symbols)}`, ` >> (${print(second, symbols)})`].flatMap((text): ReadonlyArray<TextEdit> => [
      { start: outer.end, end: outer.end, text },
      { start: end, end, text },
      ...whole(`${own}${text}`),
      ...whole(`(${own})${text}`),
    ])
    : equalExpressions(second, before)
    ? [`${print(first, symbols)} >> `, `(${print(first, symbols)}) >> `].flatMap((text): ReadonlyArray<TextEdit> => [
      { start: outer.start, end: outer.start, text },
      { start, end: start, text },
      ...whole(`${text}${own}`),
      ...whole(`${text}(${own})`),
    ])
    : [];
  return [...kept, ...whole(print(after, symbols))];
};

/** The replacement that makes a text say a changed program over the same names; `undefined` where none does. */
export const textEditOf = (
  source: string,
  { root, spans, symbols }: Pick<Parsed, "root" | "spans" | "symbols">,
  after: Expression,
): TextEdit | undefined => {
  const places = difference(root, after);
  const span = places === undefined ? undefined : spans.get(places[0]);
  if (places === undefined || span === undefined) return undefined;
  const wanted = print(after, symbols);
  return spellings(source, span, places[0], places[1], symbols).find((edit) => {
    const read = parseSource(applyEdit(source, edit));
    return read.ok && print(read.root, read.symbols) === wanted;
  });
};
