/**
 * Span: a part of a text that a detector wants hidden, and how spans become a redacted text.
 *
 * Not a detector: what is secret is decided by issued.ts, named.ts and personal.ts.
 * Invariant: overlapping spans are hidden as one, so no detector's end leaves the tail of another's secret.
 *
 * @module
 */

/** A half-open part of a text, and what it holds. */
export interface Span {
  /** Index of the first hidden code unit. */
  readonly from: number;
  /** Index after the last hidden code unit. */
  readonly to: number;
  /** What is hidden: the word in the mark. */
  readonly kind: string;
}

/** Finds what to hide; linear in the text. */
export type Detector = (text: string) => ReadonlyArray<Span>;

/** What every mark begins with. */
export const MARK_START = "[redacted:";

/** The mark that stands for a hidden part. */
export const mark = (kind: string): string => `${MARK_START}${kind}]`;

/** Every mark in a text. */
export const MARKS = /\[redacted:[a-z-]+\]/gu;

/** Replaces the spans by marks. Of overlapping spans the first gives the kind; all are hidden. */
export const hide = (text: string, spans: ReadonlyArray<Span>): string => {
  if (spans.length === 0) return text;
  const ordered = [...spans].sort((a, b) => a.from - b.from || b.to - a.to);
  const parts: string[] = [];
  let done = 0;
  for (let index = 0; index < ordered.length;) {
    const { from, kind } = ordered[index];
    let { to } = ordered[index];
    for (index++; index < ordered.length && ordered[index].from < to; index++) to = Math.max(to, ordered[index].to);
    parts.push(text.slice(done, from), mark(kind));
    done = to;
  }
  parts.push(text.slice(done));
  return parts.join("");
};

/** Spans of a global pattern's matches, kept where `holds` agrees. */
export const spansOf = (
  text: string,
  pattern: RegExp,
  kind: string,
  holds: (match: RegExpExecArray) => boolean = () => true,
): ReadonlyArray<Span> => {
  const spans: Span[] = [];
  for (const match of text.matchAll(pattern)) {
    if (holds(match)) spans.push({ from: match.index, to: match.index + match[0].length, kind });
  }
  return spans;
};
