/**
 * Hygiene: texts that look like knowledge and are not.
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
