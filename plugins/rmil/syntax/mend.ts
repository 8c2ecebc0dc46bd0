/**
 * Mend: the smallest edits after which a text that is no program is one.
 *
 * Not a guess at meaning, and not the parser's recovery: every edit is tried by reading the text again.
 * Invariant: a mended text reads without errors.
 *
 * @module
 */
import { applyEdit, type Diagnostic, type Span, type TextEdit } from "./diagnostics.ts";
import { Symbols } from "../symbols.ts";
import { type ParseOptions, parseSource } from "./parser.ts";

/** Most edits of one text. */
export const MAX_MENDINGS = 8;

/** Most readings of one text. */
export const MAX_READINGS = 120;

/** Longest text that is mended. */
export const MAX_MENDED_TEXT = 16_384;

/** A mended text. */
export interface Mended {
  /** The text. */
  readonly text: string;
  /** What was done, in order. */
  readonly summaries: ReadonlyArray<string>;
}

interface Candidate {
  readonly summary: string;
  readonly edit: TextEdit;
}

const CLOSERS: { readonly [opener: string]: string } = { "(": ")", "{": "}", "[": "]" };
const WORD = /(?:>>|->|[A-Za-z_0-9.$#]+|\S)\s*$/u;

/** Reads a text; gives what is wrong with it. Names that a reading adds to a table are not kept. */
const errorsOf = (text: string, { dangling, symbols }: ParseOptions): ReadonlyArray<Diagnostic> =>
  parseSource(text, {
    ...(dangling === undefined ? {} : { dangling }),
    ...(symbols === undefined ? {} : { symbols: Symbols.of(symbols.names) }),
  }).diagnostics.filter(({ severity }) => severity === "error");

/** Brackets that are open at an offset, as the text that closes them. Names and comments are not told apart from code. */
const closing = (text: string, until: number): string => {
  const open: Array<string> = [];
  for (let at = 0; at < until; at++) {
    const closer = CLOSERS[text[at]];
    if (closer !== undefined) open.push(closer);
    else if (open.at(-1) === text[at]) open.pop();
  }
  return open.reverse().join("");
};

/** Leaves out a stretch, with the space that would be left twice. */
const leaveOut = (text: string, { start, end }: Span): Candidate => ({
  summary: `Leave out ${text.slice(start, end)}`,
  edit: { start, end: text[end] === " " && (start === 0 || text[start - 1] === " ") ? end + 1 : end, text: "" },
});

const candidates = (text: string, { span, edit, failure }: Diagnostic): ReadonlyArray<Candidate> => {
  const { start, end } = span;
  const before = WORD.exec(text.slice(0, start));
  const closers = closing(text, text.length);
  const here = closing(text, start);
  const insert = (at: number, added: string): Candidate => ({
    summary: `Insert ${added.trim()}`,
    edit: { start: at, end: at, text: added },
  });
  return [
    ...edit === undefined ? [] : [{ summary: failure.fix?.summary ?? `Write ${edit.text}`, edit }],
    ...closers === "" ? [] : [insert(text.trimEnd().length, closers)],
    ...end > start ? [leaveOut(text, span)] : [],
    ...before === null ? [] : [leaveOut(text, { start: before.index, end: before.index + before[0].trimEnd().length })],
    ...here === "" ? [] : [insert(start, here[0])],
    insert(start, "identity "),
    insert(start, "nil "),
  ];
};

interface Trial extends Mended {
  readonly errors: ReadonlyArray<Diagnostic>;
}

/** Fewer errors first; of as many, the one whose first error stands later in what is left to read. */
const better = (a: Trial, b: Trial): number => {
  const left = ({ text, errors }: Trial): number => text.length - (errors[0]?.span.start ?? text.length);
  return a.errors.length - b.errors.length || a.summaries.length - b.summaries.length || left(a) - left(b);
};

/** Mends a text; `undefined` where nothing within the limits does, or nothing is wrong with it. */
export const mendSource = (source: string, options: ParseOptions = {}): Mended | undefined => {
  if (source.length > MAX_MENDED_TEXT) return undefined;
  const seen = new Set([source]);
  const open: Array<Trial> = [{ text: source, summaries: [], errors: errorsOf(source, options) }];
  for (let readings = 0; readings < MAX_READINGS && open.length > 0;) {
    open.sort(better);
    const { text, summaries, errors } = open.shift()!;
    if (errors.length === 0) return summaries.length === 0 ? undefined : { text, summaries };
    if (summaries.length >= MAX_MENDINGS) continue;
    for (const { summary, edit } of candidates(text, errors[0])) {
      const made = applyEdit(text, edit);
      if (seen.has(made) || readings >= MAX_READINGS) continue;
      seen.add(made);
      readings++;
      open.push({ text: made, summaries: [...summaries, summary], errors: errorsOf(made, options) });
    }
  }
  const [best] = open.sort(better);
  return best?.errors.length === 0 && best.summaries.length > 0 ? best : undefined;
};
