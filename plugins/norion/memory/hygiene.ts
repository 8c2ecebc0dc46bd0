/**
 * Hygiene: which texts may be remembered; some look like knowledge and are not.
 *
 * Invariant: pure; a sentence of a person is never taken for a transcript.
 *
 * @module
 */

/** A line that a shell, a compiler or another speaker wrote. */
const FOREIGN_LINE =
  /^(?:\s*(?:[$#%>] \S|(?:user|assistant|system|human|ai|用户|助手)\s*[:：]|at \S+ \(.*:\d+|\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|(?:error|warning|info|debug)[:[ ])|\w+@[\w-]+:.*[$#] )/iu;

const LEAST_LINES = 3;
const FOREIGN_SHARE = 0.4;

/** Whether a text is a pasted transcript: of three lines or more, two fifths were written by a machine or by speakers. */
export const isTranscript = (text: string): boolean => {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length < LEAST_LINES) return false;
  return lines.filter((line) => FOREIGN_LINE.test(line)).length >= FOREIGN_SHARE * lines.length;
};

/** Longest text of one item, characters. */
export const MAX_TEXT = 8_192;

/** Why a text cannot be remembered. */
export interface Refusal {
  /** Why. */
  readonly reason: string;
  /** What would do. */
  readonly expected?: string;
  /** What there was. */
  readonly actual?: string;
}

/** Why a text cannot be remembered; undefined for one that can. */
export const refusalOf = (text: string): Refusal | undefined => {
  if (text.trim() === "") return { reason: "the text is empty" };
  if (!text.isWellFormed()) return { reason: "the text is no Unicode text" };
  if (text.length > MAX_TEXT) {
    return { reason: "the text is too long", expected: `at most ${MAX_TEXT} characters`, actual: `${text.length}` };
  }
  return isTranscript(text) ? { reason: "the text is a pasted transcript, not something to remember" } : undefined;
};
