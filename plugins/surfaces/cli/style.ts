/**
 * Style: colours and the safety of text on a terminal.
 *
 * Invariant: no text that came from outside can move the cursor, change colours or hide anything.
 *
 * @module
 */

/** How a piece of text stands out. */
export interface Style {
  /** A heading or a key. */
  readonly strong: (text: string) => string;
  /** Something beside the point. */
  readonly faint: (text: string) => string;
  /** Success. */
  readonly good: (text: string) => string;
  /** Failure. */
  readonly bad: (text: string) => string;
  /** What to type or do next. */
  readonly hint: (text: string) => string;
}

const CODES: { readonly [S in keyof Style]: string } = { strong: "1", faint: "2", good: "32", bad: "31", hint: "36" };

/** Styles that colour, or leave the text alone. */
export const styleOf = (colors: boolean): Style =>
  Object.fromEntries(
    Object.entries(CODES).map(([name, code]) => [
      name,
      (text: string) => colors ? `\u001b[${code}m${text}\u001b[0m` : text,
    ]),
  ) as unknown as Style;

// Control characters but tab and line feed, the C1 range, and the marks that reorder or hide text.
// deno-lint-ignore no-control-regex -- they are what is looked for
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Text with everything that a terminal would act on written out as escapes. */
export const safe = (text: string): string =>
  text.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
