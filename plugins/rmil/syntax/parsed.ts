/**
 * Parsed: what a text says, and how it is read.
 *
 * @module
 */
import type { Expression } from "../expression.ts";
import type { Symbols } from "../symbols.ts";
import type { Diagnostic, Span } from "./diagnostics.ts";
import type { Comment } from "./lexer.ts";

/** What a name does where it stands. */
export type NameRole = "op" | "reference" | "let" | "parameter" | "symbol" | "attribute";

/** A name in source text. */
export interface NameUse extends Span {
  /** The name, unquoted. */
  readonly name: string;
  /** What it does there. */
  readonly role: NameRole;
}

/** What a text says. */
export interface Parsed {
  /** Whether it is a program: no error was found. */
  readonly ok: boolean;
  /** The expression; where the text is no program, nil stands for what could not be read. */
  readonly root: Expression;
  /** Its names. */
  readonly symbols: Symbols;
  /** The place of every node. */
  readonly spans: ReadonlyMap<Expression, Span>;
  /** Every name, in order. */
  readonly names: ReadonlyArray<NameUse>;
  /** Every comment, in order. */
  readonly comments: ReadonlyArray<Comment>;
  /** What is wrong, in the order of places. */
  readonly diagnostics: ReadonlyArray<Diagnostic>;
}

/** How a text is read. */
export interface ParseOptions {
  /** The table to which names are added; a new one where absent. */
  readonly symbols?: Symbols;
  /** Whether `@n` may name a symbol that the table does not have, as expressions without a table do. */
  readonly dangling?: boolean;
}
