/**
 * Diagnostics: what is wrong with a source text, each with its place and where known the edit that mends it.
 *
 * Not failures of an operation: those carry the first of these.
 * Invariant: places are offsets in UTF-16 code units within the text; lines and columns count from 1.
 *
 * @module
 */
import type { Failure } from "../../../kernel/failure.ts";
import { badLiteral, badSyntax, misspelledOp } from "../failures.ts";

/** A stretch of source text. */
export interface Span {
  /** Offset of its first code unit. */
  readonly start: number;
  /** Offset after its last one. */
  readonly end: number;
}

/** A replacement of a stretch. */
export interface TextEdit extends Span {
  /** What stands there then. */
  readonly text: string;
}

/** Something wrong, or likely wrong. */
export interface Diagnostic {
  /** Errors make the text no program; warnings do not. */
  readonly severity: "error" | "warning";
  /** Where. */
  readonly span: Span;
  /** What: code, message, expected, actual, fix. */
  readonly failure: Failure;
  /** The edit that mends it, where known. */
  readonly edit?: TextEdit;
}

/** Most diagnostics of one run; a text with more is hardly a program. */
export const MAX_DIAGNOSTICS = 100;

/** Longest text whose whole mended form is carried in a fix. */
const MAX_PATCHED = 65_536;

/** The text with an edit applied. */
export const applyEdit = (source: string, { start, end, text }: TextEdit): string =>
  source.slice(0, start) + text + source.slice(end);

/** Line and column of an offset, from 1. */
export const placeOf = (source: string, offset: number): { readonly line: number; readonly column: number } => {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  return { line, column: offset - before.lastIndexOf("\n") };
};

/** Collects diagnostics of one text. */
export class Diagnostics {
  /** Whether anything more is worth saying: not after a reader has given up. */
  open = true;
  /** What was found, in the order in which it was. */
  readonly found: Array<Diagnostic> = [];
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  /** Whether the text is no program. */
  get failed(): boolean {
    return this.found.some(({ severity }) => severity === "error");
  }

  /** Whether nothing more is collected. */
  get full(): boolean {
    return this.found.length >= MAX_DIAGNOSTICS;
  }

  /** Adds a failure at a place. A place is reported once. */
  add(span: Span, failure: Failure, severity: Diagnostic["severity"] = "error", edit?: TextEdit): void {
    if (
      !this.open || this.full ||
      this.found.some((known) => known.severity === severity && known.span.start === span.start)
    ) return;
    this.found.push(edit === undefined ? { severity, span, failure } : { severity, span, failure, edit });
  }

  #fix(summary: string, edit: TextEdit | undefined) {
    if (edit === undefined || this.#source.length > MAX_PATCHED) return { fix: { summary } };
    const value = applyEdit(this.#source, edit);
    return { fix: { summary, patch: [{ op: "replace" as const, path: "/source", value }] } };
  }

  /** Something else was expected. */
  unexpected(span: Span, wanted: string, found: string, summary?: string, edit?: TextEdit): void {
    const at = placeOf(this.#source, span.start);
    const fix = summary === undefined ? {} : this.#fix(summary, edit);
    this.add(
      span,
      badSyntax({ ...at, wanted, found, path: "/source", expected: wanted, actual: found, ...fix }),
      "error",
      edit,
    );
  }

  /** A literal is malformed. */
  literal(span: Span, literal: string, reason: string, instead?: string): void {
    const at = placeOf(this.#source, span.start);
    const edit = instead === undefined ? undefined : { ...span, text: instead };
    const fix = instead === undefined ? {} : this.#fix(`Write ${instead}`, edit);
    const failure = badLiteral({ ...at, literal, reason, path: "/source", actual: literal, ...fix });
    this.add(span, failure, "error", edit);
  }

  /** A name is most likely a misspelled op. */
  misspelled(span: Span, name: string, suggestions: ReadonlyArray<string>): void {
    const at = placeOf(this.#source, span.start);
    const edit = { ...span, text: suggestions[0] };
    const fix = this.#fix(`Did you mean ${suggestions[0]}?`, edit);
    const failure = misspelledOp({ ...at, name, path: "/source", actual: name, suggestions, ...fix });
    this.add(span, failure, "warning", edit);
  }
}
