/**
 * Places: where in a document a schema found fault, as JSON pointers.
 *
 * @module
 */
import { pointer } from "../../../kernel/mod.ts";

interface IssueLike {
  readonly path?: ReadonlyArray<PropertyKey>;
  readonly issue?: IssueLike;
  readonly issues?: ReadonlyArray<IssueLike>;
}

const pointersOf = (issue: IssueLike, at: ReadonlyArray<PropertyKey>): ReadonlyArray<string> => {
  const here = [...at, ...(issue.path ?? [])];
  const inner = [...(issue.issue === undefined ? [] : [issue.issue]), ...(issue.issues ?? [])];
  return inner.length === 0 ? [pointer(here)] : inner.flatMap((one) => pointersOf(one, here));
};

/** The places that a schema error is about, each once; the whole document where it names none. */
export const placesOf = (error: unknown): ReadonlyArray<string> => {
  const { issue } = error as { readonly issue?: IssueLike };
  return issue === undefined ? [""] : [...new Set(pointersOf(issue, []))];
};

/** What a schema error says, in one line. */
export const saidBy = (error: { readonly message: string }): string => error.message.replaceAll(/\s+/gu, " ");
