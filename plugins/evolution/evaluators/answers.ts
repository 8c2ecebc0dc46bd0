/**
 * Answers: what a candidate said to each input, before anybody judges it.
 *
 * Invariant: an answer is text of JSON or the reason why there is none; it is data, whatever it claims to be.
 *
 * @module
 */

/** What a candidate said to one input: its value as JSON text, or why it said nothing. */
export type Answer = { readonly text: string } | { readonly none: string };

/** What a candidate said to all inputs, in their order, or why it was ended. */
export type Said =
  | { readonly answers: ReadonlyArray<Answer> }
  | { readonly failed: string; readonly detail: string };

/** The value of an answer; `undefined` where it has none that can be read. */
export const valueOf = (answer: Answer): unknown => {
  if ("none" in answer) return undefined;
  try {
    return JSON.parse(answer.text);
  } catch {
    return undefined;
  }
};
